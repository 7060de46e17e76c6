/* SPDX-License-Identifier: MIT */
#include "host/training/divergence.h"
#include "host/base/memory.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* What went wrong first, as far as it can be told. */
typedef struct {
    int layer;        /* from 0; -1: none */
    const char *what; /* quantity, plural */
} culprit;

/* The first parameter that is not finite. */
static culprit bad_parameter(const ls_network *network, const float *values)
{
    for (size_t i = 0; i < network->count; i++) {
        const ls_layer *layer = &network->layer[i];
        if (ls_layer_weights(layer) && !all_finite(values + layer->weight, layer->in * layer->out))
            return (culprit){(int)i, "weights"};
        if (layer->norm && !all_finite(values + layer->gamma, 2 * layer->out))
            return (culprit){(int)i, "scales and shifts of batch normalisation"};
        if (ls_layer_bias(layer) && !all_finite(values + layer->bias, layer->out))
            return (culprit){(int)i, "biases"};
    }
    return (culprit){-1, ""};
}

/* What to try besides a smaller rate, or what no rate helps against. */
static const char *other_advice(const ls_settings *s)
{
    bool divides = s->optimizer == LS_OPT_rmsprop || s->optimizer == LS_OPT_adam ||
                   s->optimizer == LS_OPT_adamw;
    if (divides && s->epsilon == 0)
        return ", or an --epsilon above 0 (a weight without a gradient divides by it)";
    if (s->clip > 0) return " (a gradient whose norm exceeds 1.8e19 cannot be clipped)";
    return ", or --clip 1";
}

/* What usually helps: advice that the settings leave. */
static void add_advice(const ls_trainer *trainer, uint64_t step, char *text, size_t size)
{
    const ls_settings *s = trainer->settings;
    size_t n = strlen(text);
    snprintf(text + n, size - n, "Try a smaller --lr (it was %g)%s%s%s%s",
             ls_rate_at(&trainer->now.schedule, step), other_advice(s),
             s->standardize ? "" : ", or --standardize",
             trainer->model->task != LS_TASK_REGRESSION || s->standardize_target
                 ? ""
                 : ", or --standardize-target",
             s->on_nan == LS_ON_NAN_ROLLBACK ? "" : ", or --on-nan rollback");
}

ls_status ls_divergence_check(const ls_trainer *trainer, const float *values, ls_error *err)
{
    char text[600];
    if (all_finite(values, trainer->plan->parameters + trainer->plan->running)) return LS_OK;
    culprit c = bad_parameter(&trainer->model->network, values);
    if (c.layer >= 0)
        snprintf(text, sizeof text, "the %s of layer %d of %zu are not finite after the last step",
                 c.what, c.layer + 1, trainer->model->network.count);
    else
        snprintf(text, sizeof text,
                 "running averages of batch normalisation are not finite after the last step");
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, ". ");
    add_advice(trainer, trainer->now.step, text, sizeof text);
    return ls_fail(err, LS_ERR_DIVERGED, "training diverged: %s", text);
}

/* What of a whole state is not finite. */
static culprit bad_state(const ls_trainer *trainer, const float *state)
{
    const ls_plan *plan = trainer->plan;
    culprit c = bad_parameter(&trainer->model->network, state);
    size_t running = plan->state - plan->running;
    if (c.layer >= 0) return c;
    for (size_t at = plan->parameters; at < running; at += plan->parameters)
        if ((c = bad_parameter(&trainer->model->network, state + at)).layer >= 0) {
            c.what = "optimizer states";
            return c;
        }
    return (culprit){-1, all_finite(state + running, plan->running)
                             ? NULL
                             : "running averages of batch normalisation"};
}

ls_status ls_divergence_check_state(ls_trainer *trainer, bool *finite, ls_error *why, ls_error *err)
{
    char text[600], layer[40] = "";
    float *state;
    LS_TRY(ls_alloc(&state, trainer->plan->state, sizeof *state, "a check", err));
    ls_status status = ls_trainer_read(trainer, 0, trainer->plan->state, state, err);
    *finite = status != LS_OK || all_finite(state, trainer->plan->state);
    culprit c = *finite ? (culprit){-1, NULL} : bad_state(trainer, state);
    free(state);
    if (*finite || status != LS_OK) return status;
    if (c.layer >= 0)
        snprintf(layer, sizeof layer, " of layer %d of %zu", c.layer + 1,
                 trainer->model->network.count);
    snprintf(text, sizeof text, "the %s%s are not finite after step %llu (epoch %llu). ",
             c.what ? c.what : "parameters", layer, (unsigned long long)trainer->now.step,
             (unsigned long long)trainer->model->summary.epochs);
    add_advice(trainer, trainer->now.step, text, sizeof text);
    ls_fail(why, LS_ERR_DIVERGED, "training diverged: %s", text);
    return LS_OK;
}

/* The first parameter on the device that is not finite. */
static culprit bad_parameters(ls_trainer *trainer)
{
    const ls_network *network = &trainer->model->network;
    culprit c = {-1, ""};
    float *values;
    if (ls_alloc(&values, network->parameters, sizeof *values, "", NULL) != LS_OK) return c;
    if (ls_trainer_read(trainer, 0, network->parameters, values, NULL) == LS_OK)
        c = bad_parameter(network, values);
    free(values);
    return c;
}

/* First layer whose activations in the step just run are not finite, or -1. */
static int bad_activations(ls_trainer *trainer)
{
    const ls_plan *plan = trainer->plan;
    for (size_t i = 0; i < plan->step.count; i++) {
        const ls_op *op = &plan->step.op[i];
        bool forward = op->kind == LS_OP_DENSE || op->kind == LS_OP_NORM ||
                       op->kind == LS_OP_LOSS || op->kind == LS_OP_CONV || op->kind == LS_OP_ACT ||
                       op->kind == LS_OP_PIECES || op->kind == LS_OP_MAX_POOL ||
                       op->kind == LS_OP_AVG_POOL;
        size_t n = plan->batch * ls_op_points(op) * op->out;
        float *values;
        if (!forward || !ls_there(op->a) || ls_alloc(&values, n, sizeof *values, "", NULL) != LS_OK)
            continue;
        bool bad = ls_trainer_read(trainer, op->a.at, n, values, NULL) == LS_OK &&
                   !all_finite(values, n);
        free(values);
        if (bad) return op->layer;
    }
    return -1;
}

/* Runs to the end of the epoch, where a usual slice ends without a snapshot, so that the message
 * does not depend on where this one did. */
static ls_status run_on(ls_trainer *trainer, ls_error *err)
{
    uint64_t per_epoch = trainer->now.schedule.steps_per_epoch,
             at = trainer->first + trainer->count;
    for (uint64_t n; at % per_epoch; at += n) {
        n = per_epoch - at % per_epoch < trainer->count ? per_epoch - at % per_epoch
                                                        : trainer->count;
        LS_TRY(ls_trainer_run_steps(trainer, at, n, false, err));
    }
    return LS_OK;
}

/* Finds what was not finite first. */
static ls_status find_culprit(ls_trainer *trainer, uint64_t i, culprit *out, ls_error *err)
{
    if (!trainer->plan->snapshot) {
        LS_TRY(run_on(trainer, err));
        *out = bad_parameters(trainer);
        return LS_OK;
    }
    LS_TRY(ls_trainer_copy_state(trainer, trainer->plan->snapshot, 0, err));
    if (i) LS_TRY(ls_trainer_run_steps(trainer, trainer->first, i, false, err));
    *out = bad_parameters(trainer);
    if (out->layer >= 0) return LS_OK;
    LS_TRY(ls_trainer_run_steps(trainer, trainer->first + i, 1, true, err));
    *out = (culprit){bad_activations(trainer), "activations"};
    return LS_OK;
}

/* Likely causes: inputs or a first step that are far too large, or a rate that is. */
static const char *cause(const ls_trainer *trainer, uint64_t step, culprit c)
{
    bool early = step < trainer->now.schedule.steps_per_epoch;
    if (c.layer < 0) return "the outputs or targets are very large";
    if (!strcmp(c.what, "activations") && c.layer == 0 && early) return "the inputs are very large";
    return early ? "the learning rate is too large for these data"
                 : "the weights have grown for some time";
}

ls_status ls_divergence_explain(ls_trainer *trainer, uint64_t i, ls_error *why, ls_error *err)
{
    assert(i < trainer->count && !isfinite(trainer->losses[i]));
    uint64_t step = trainer->first + i;
    float loss = trainer->losses[i];
    culprit c;
    char what[120] = "the loss itself overflowed, all weights and outputs being finite",
         text[600] = "";
    LS_TRY(find_culprit(trainer, i, &c, err));
    if (c.layer >= 0)
        snprintf(what, sizeof what, "the %s of layer %d of %zu were the first that are not finite",
                 c.what, c.layer + 1, trainer->model->network.count);
    add_advice(trainer, step, text, sizeof text);
    char again[80] = "";
    if (trainer->now.rollbacks)
        snprintf(again, sizeof again, ", after %llu times going back and halving the rate",
                 (unsigned long long)trainer->now.rollbacks);
    ls_fail(
        why, LS_ERR_DIVERGED,
        "training diverged%s: the loss became %s at step %llu (epoch %llu); %s. A likely cause: "
        "%s. %s",
        again, isnan(loss) ? "NaN" : "infinite", (unsigned long long)step + 1,
        (unsigned long long)(step / trainer->now.schedule.steps_per_epoch) + 1, what,
        cause(trainer, step, c), text);
    return LS_OK;
}
