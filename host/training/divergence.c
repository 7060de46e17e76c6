/* SPDX-License-Identifier: MIT */
#include "host/training/divergence.h"
#include "host/base/memory.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
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

ls_status ls_divergence_check(const ls_trainer *trainer, const float *values, ls_error *err)
{
    if (all_finite(values, trainer->plan->parameters + trainer->plan->running)) return LS_OK;
    return ls_fail(
        err, LS_ERR_DIVERGED,
        "training diverged: weights stopped being finite in the last step; try a smaller --lr (it was %g)%s",
        ls_rate_at(&trainer->schedule, trainer->step), other_advice(trainer->settings));
}

/* First layer with a parameter that is not finite, or -1. */
static int bad_parameters(ls_trainer *trainer)
{
    const ls_network *network = &trainer->model->network;
    float *values = trainer->model->values;
    if (ls_trainer_read(trainer, 0, network->parameters, values, NULL) != LS_OK) return -1;
    for (size_t i = 0; i < network->count; i++) {
        const ls_layer *layer = &network->layer[i];
        if (ls_layer_weights(layer) && !all_finite(values + layer->weight, layer->in * layer->out))
            return (int)i;
        if (layer->norm && !all_finite(values + layer->gamma, 2 * layer->out)) return (int)i;
        if (ls_layer_bias(layer) && !all_finite(values + layer->bias, layer->out)) return (int)i;
    }
    return -1;
}

/* First layer whose activations in the step just run are not finite, or -1. */
static int bad_activations(ls_trainer *trainer)
{
    const ls_plan *plan = trainer->plan;
    for (size_t i = 0; i < plan->step.count; i++) {
        const ls_op *op = &plan->step.op[i];
        bool forward = op->kind == LS_OP_DENSE || op->kind == LS_OP_NORM ||
                       op->kind == LS_OP_LOSS || op->kind == LS_OP_CONV || op->kind == LS_OP_ACT ||
                       op->kind == LS_OP_MAX_POOL || op->kind == LS_OP_AVG_POOL;
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
    uint64_t per_epoch = trainer->schedule.steps_per_epoch, at = trainer->first + trainer->count;
    for (uint64_t n; at % per_epoch; at += n) {
        n = per_epoch - at % per_epoch < trainer->count ? per_epoch - at % per_epoch
                                                        : trainer->count;
        LS_TRY(ls_trainer_run_steps(trainer, at, n, false, err));
    }
    return LS_OK;
}

/* Finds the first layer that was not finite, or -1, and whether *kind of it were weights. */
static ls_status find_layer(ls_trainer *trainer, uint64_t i, int *layer, const char **kind,
                            ls_error *err)
{
    *kind = "weights";
    if (!trainer->plan->snapshot) {
        LS_TRY(run_on(trainer, err));
        *layer = bad_parameters(trainer);
        return LS_OK;
    }
    LS_TRY(ls_trainer_copy_state(trainer, trainer->plan->snapshot, 0, err));
    if (i) LS_TRY(ls_trainer_run_steps(trainer, trainer->first, i, false, err));
    *layer = bad_parameters(trainer);
    if (*layer >= 0) return LS_OK;
    *kind = "activations";
    LS_TRY(ls_trainer_run_steps(trainer, trainer->first + i, 1, true, err));
    *layer = bad_activations(trainer);
    return LS_OK;
}

ls_status ls_divergence_explain(ls_trainer *trainer, uint64_t i, ls_error *why, ls_error *err)
{
    assert(i < trainer->count && !isfinite(trainer->losses[i]));
    uint64_t step = trainer->first + i;
    float loss = trainer->losses[i];
    int layer;
    char what[100] = "the loss itself overflowed, all weights and outputs being finite";
    const char *kind;
    LS_TRY(find_layer(trainer, i, &layer, &kind, err));
    if (layer >= 0)
        snprintf(what, sizeof what, "the %s of layer %d of %zu were the first that are not finite",
                 kind, layer + 1, trainer->model->network.count);
    ls_fail(
        why, LS_ERR_DIVERGED,
        "training diverged: the loss became %s at step %llu (epoch %llu); %s. Try a smaller --lr "
        "(it was %g)%s%s%s",
        isnan(loss) ? "NaN" : "infinite", (unsigned long long)step + 1,
        (unsigned long long)(step / trainer->schedule.steps_per_epoch) + 1, what,
        ls_rate_at(&trainer->schedule, step), other_advice(trainer->settings),
        trainer->settings->standardize ? "" : ", or --standardize",
        trainer->model->task != LS_TASK_REGRESSION || trainer->settings->standardize_target
            ? ""
            : ", or --standardize-target");
    return LS_OK;
}
