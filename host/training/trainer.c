/* SPDX-License-Identifier: MIT */
#include "host/training/trainer.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/model/decision.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Opening --------------------------------------------------------------------------------- */

static ls_status copy_preprocessing(ls_model *m, const ls_block *b, ls_error *err)
{
    size_t bytes = m->network.inputs * sizeof(double);
    if (!b->mean) return LS_OK;
    LS_TRY(ls_alloc(&m->mean, 1, bytes, "the preprocessing", err));
    LS_TRY(ls_alloc(&m->scale, 1, bytes, "the preprocessing", err));
    memcpy(m->mean, b->mean, bytes);
    memcpy(m->scale, b->scale, bytes);
    return LS_OK;
}

static ls_status prepare(ls_trainer *tr, const ls_data *data, ls_error *err)
{
    ls_model *m = tr->model;
    const ls_settings *s = tr->settings;
    LS_TRY(ls_model_alloc_values(m, err));
    LS_TRY(ls_model_name(m, data, err));
    LS_TRY(copy_preprocessing(m, tr->block, err));
    LS_TRY(ls_plan_build(&m->network, s, LS_PLAN_TRAIN, tr->block->rows,
                         s->class_weights != LS_WEIGHTS_NONE, &tr->plan, err));
    uint64_t per_epoch = ls_plan_steps_per_epoch(tr->plan);
    if (s->epochs > UINT64_MAX / per_epoch / 2 || s->warmup > UINT64_MAX / per_epoch / 2)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--epochs times %llu steps an epoch is too large a number",
                       (unsigned long long)per_epoch);
    ls_network_init(&m->network, s, m->values);
    ls_rate_plan_init(&tr->schedule, s, per_epoch);
    tr->loss = tr->validation = tr->accuracy = NAN;
    tr->best_loss = tr->best_validation = INFINITY;
    tr->stride = 1;
    tr->parked_plateau = tr->schedule.plateau;
    tr->goal = s->epochs;
    return LS_OK;
}

ls_status ls_trainer_open(ls_model *model, const ls_data *data, ls_block *block, ls_trainer **out,
                          ls_error *err)
{
    ls_trainer *tr;
    ls_status status = ls_alloc(&tr, 1, sizeof *tr, "the training loop", err);
    if (status != LS_OK) {
        ls_model_free(model);
        return status;
    }
    *tr = (ls_trainer){
        .model = model, .settings = &model->options->settings, .block = block, .copied = true};
    status = prepare(tr, data, err);
    if (status != LS_OK) {
        ls_trainer_free(tr);
        return status;
    }
    *out = tr;
    return LS_OK;
}

void ls_trainer_free(ls_trainer *tr)
{
    if (!tr) return;
    ls_trainer_leave(tr);
    ls_model_free(tr->model);
    ls_plan_free(tr->plan);
    free(tr->parked);
    free(tr->message);
    free(tr);
}

/* ---- On and off the device ------------------------------------------------------------------- */

static const ls_backend_slots *slots_of(const ls_trainer *tr)
{
    return tr->workspace->backend->slots;
}

static ls_status read_floats(ls_trainer *tr, size_t at, size_t count, float *to, ls_error *err)
{
    return slots_of(tr)->read(tr->workspace, tr->member, at, count, to, err);
}

static ls_status write_floats(ls_trainer *tr, size_t at, size_t count, const float *from,
                              ls_error *err)
{
    return slots_of(tr)->write(tr->workspace, tr->member, at, count, from, err);
}

static ls_status copy_state(ls_trainer *tr, size_t from, size_t to, ls_error *err)
{
    return slots_of(tr)->copy(tr->workspace, tr->member, from, to, tr->plan->state, err);
}

/* Whether there is a best state, which is the one to end with. */
static bool has_best(const ls_trainer *tr)
{
    return tr->settings->patience && tr->best_validation < INFINITY;
}

static ls_status write_state(ls_trainer *tr, ls_error *err)
{
    const ls_plan *p = tr->plan;
    const float *start = tr->model->values;
    if (!tr->parked) {
        LS_TRY(write_floats(tr, 0, p->parameters, start, err));
        return write_floats(tr, p->state - p->running, p->running, start + p->parameters, err);
    }
    LS_TRY(write_floats(tr, 0, p->state, tr->parked, err));
    return tr->parked_best ? write_floats(tr, p->best, p->state, tr->parked + p->state, err)
                           : LS_OK;
}

/* Runs the steps that lie between the copy and where the trainer has come to: their bits are those
 * that were lost. */
static ls_status replay(ls_trainer *tr, ls_rates *rates, float *losses, uint64_t most,
                        ls_error *err)
{
    uint64_t best = has_best(tr) ? tr->model->summary.best_epoch * tr->schedule.steps_per_epoch : 0;
    for (uint64_t at = tr->parked_step, n; at < tr->step; at += n) {
        n = tr->step - at < most ? tr->step - at : most;
        if (best > at && best - at < n) n = best - at;
        for (uint64_t i = 0; i < n; i++) rates[i] = ls_rates_at(&tr->schedule, at + i);
        ls_run run = {
            .member = tr->member, .first = at, .count = n, .rates = rates, .losses = losses};
        LS_TRY(slots_of(tr)->run(tr->workspace, &run, 1, err));
        if (at + n == best) LS_TRY(copy_state(tr, 0, tr->plan->best, err));
    }
    return LS_OK;
}

static ls_status catch_up(ls_trainer *tr, ls_error *err)
{
    enum { REPLAY = 1024 };
    ls_rates *rates = NULL;
    float *losses = NULL;
    if (tr->parked_step == tr->step) return LS_OK;
    if (tr->parked_plateau != tr->schedule.plateau)
        return ls_fail(
            err, LS_ERR_DEVICE,
            "the state of a network was lost with its device, and its learning rate has changed since it was copied");
    ls_status status = ls_alloc(&rates, REPLAY, sizeof *rates, "a network that was lost", err);
    if (status == LS_OK)
        status = ls_alloc(&losses, REPLAY, sizeof *losses, "a network that was lost", err);
    if (status == LS_OK) status = replay(tr, rates, losses, REPLAY, err);
    free(rates);
    free(losses);
    return status;
}

void ls_trainer_forget(ls_trainer *tr)
{
    if (!tr->workspace) return;
    free(tr->parked);
    tr->parked = NULL;
    tr->copied = false;
}

static ls_status finish(ls_trainer *tr, ls_error *err);

ls_status ls_trainer_enter(ls_trainer *tr, bool keep, ls_error *err)
{
    ls_workspace *workspace = tr->block->table->workspace;
    if (!tr->copied)
        return ls_fail(err, LS_ERR_DEVICE, "the state of a network was lost with its device");
    LS_TRY(workspace->backend->slots->member_add(workspace, tr->plan, tr->block->origin,
                                                 &tr->member, err));
    tr->workspace = workspace;
    ls_status status = write_state(tr, err);
    if (status == LS_OK) status = catch_up(tr, err);
    if (status == LS_OK && tr->stopped) status = finish(tr, err);
    if (status != LS_OK) {
        ls_trainer_leave(tr);
        return status;
    }
    if (!keep) ls_trainer_forget(tr);
    return LS_OK;
}

void ls_trainer_leave(ls_trainer *tr)
{
    if (tr->workspace) slots_of(tr)->member_remove(tr->workspace, tr->member);
    tr->workspace = NULL;
}

/* Copies the state to the host. */
static ls_status copy_out(ls_trainer *tr, ls_error *err)
{
    size_t state = tr->plan->state;
    bool best = has_best(tr);
    float *to = NULL;
    if (tr->step) { /* otherwise the start says all */
        LS_TRY(ls_alloc(&to, best ? 2 * state : state, sizeof *to, "a network that waits", err));
        ls_status status = read_floats(tr, 0, state, to, err);
        if (status == LS_OK && best)
            status = read_floats(tr, tr->plan->best, state, to + state, err);
        if (status != LS_OK) {
            free(to);
            return status;
        }
    }
    free(tr->parked);
    tr->parked = to;
    tr->copied = true;
    tr->parked_best = best;
    tr->parked_step = tr->step;
    tr->parked_plateau = tr->schedule.plateau;
    return LS_OK;
}

ls_status ls_trainer_park(ls_trainer *tr, ls_error *err)
{
    LS_TRY(copy_out(tr, err));
    ls_trainer_leave(tr);
    return LS_OK;
}

ls_status ls_trainer_renew(ls_trainer *tr, ls_error *err)
{
    return tr->workspace && tr->parked_plateau != tr->schedule.plateau ? copy_out(tr, err) : LS_OK;
}

/* ---- Slices ---------------------------------------------------------------------------------- */

uint64_t ls_trainer_slice(const ls_trainer *tr, double seconds, double step_seconds,
                          ls_slice_kind kind)
{
    uint64_t per_epoch = tr->schedule.steps_per_epoch,
             left = per_epoch - tr->step % per_epoch; /* of this epoch */
    uint64_t most = tr->goal * per_epoch - tr->step;
    double wanted = seconds / step_seconds;
    /* what is looked at after each epoch is run by epochs, and so is what has no copy to go back to
     */
    bool alone = tr->block->held_out || !tr->plan->snapshot ||
                 tr->settings->schedule == LS_SCHEDULE_PLATEAU;
    if (alone) most = left;
    if (most > LS_SLICE_STEPS) most = LS_SLICE_STEPS;
    if (!tr->plan->snapshot && kind != LS_SLICE_BRIEF) return most;
    uint64_t steps = wanted < (double)most ? (uint64_t)wanted : most;
    if (kind == LS_SLICE_WHOLE)
        steps = steps < left ? left : left + (steps - left) / per_epoch * per_epoch;
    return steps < 1 ? 1 : steps < most ? steps : most;
}

static ls_run run_of(ls_trainer *tr, uint64_t first, uint64_t count, bool keep)
{
    for (uint64_t i = 0; i < count; i++) tr->rates[i] = ls_rates_at(&tr->schedule, first + i);
    return (ls_run){.member = tr->member,
                    .first = first,
                    .count = count,
                    .rates = tr->rates,
                    .losses = tr->losses,
                    .keep = keep};
}

/* keep: leave the last step's activations where they can be read. */
static ls_status run_steps(ls_trainer *tr, uint64_t first, uint64_t count, bool keep, ls_error *err)
{
    ls_run run = run_of(tr, first, count, keep);
    return slots_of(tr)->run(tr->workspace, &run, 1, err);
}

ls_status ls_trainer_begin(ls_trainer *tr, uint64_t count, ls_rates *rates, float *losses,
                           ls_run *run, ls_error *err)
{
    tr->rates = rates;
    tr->losses = losses;
    tr->first = tr->step;
    tr->count = count;
    if (tr->plan->snapshot) LS_TRY(copy_state(tr, 0, tr->plan->snapshot, err));
    *run = run_of(tr, tr->first, count, false);
    return LS_OK;
}

/* ---- After an epoch -------------------------------------------------------------------------- */

/* What the rows held out say of an epoch: their mean loss (or their sum, as training has it), and
 * the share given its class. */
typedef struct {
    double loss, accuracy;
} held_out_figures;

static ls_status validate(ls_trainer *tr, held_out_figures *out, ls_error *err)
{
    const ls_block *b = tr->block;
    const ls_decision decision = ls_decision_default();
    const size_t outputs = b->outputs;
    const float *targets = b->table->rows.t + (b->origin + b->rows) * outputs;
    double sum = 0, started = ls_clock();
    size_t right = 0;
    LS_TRY(slots_of(tr)->infer(tr->workspace, tr->member, b->rows, b->held_out, b->held_outputs,
                               b->row_losses, err));
    tr->seconds += ls_clock() - started;
    for (size_t r = 0; r < b->held_out; r++) {
        sum += (double)b->row_losses[r];
        right += ls_decide(b->held_outputs + r * outputs, outputs, &decision) ==
                 ls_decide(targets + r * outputs, outputs, &decision);
    }
    out->loss = tr->plan->mean ? sum / (double)b->held_out : sum;
    out->accuracy = (double)right / (double)b->held_out;
    return LS_OK;
}

static void add_history(ls_trainer *tr, uint64_t epoch, bool last)
{
    ls_model *m = tr->model;
    if (epoch != 1 && epoch % tr->stride != 0 && !last) return;
    if (m->history_count >= LS_HISTORY_POINTS - 1 && !last) {
        size_t kept = 0;
        tr->stride *= 2;
        for (size_t i = 0; i < m->history_count; i++)
            if (m->history[i].epoch == 1 || m->history[i].epoch % tr->stride == 0)
                m->history[kept++] = m->history[i];
        m->history_count = kept;
        if (epoch % tr->stride != 0) return;
    }
    m->history[m->history_count++] = (ls_history_point){epoch, (float)tr->loss,
                                                        (float)tr->validation, (float)tr->accuracy};
}

static void stop(ls_trainer *tr, const char *why)
{
    if (!tr->stopped) tr->stopped = why;
}

/* Early stopping on the validation loss. */
static void watch_validation(ls_trainer *tr, uint64_t epoch, double validation)
{
    if (validation < tr->best_validation) {
        tr->best_validation = validation;
        tr->bad_validations = 0;
        tr->model->summary.best_epoch = epoch;
    } else if (++tr->bad_validations >= tr->settings->patience) stop(tr, "patience");
}

/* What the device has to do after an epoch, before anything is noted of it: where it fails, the
 * epoch is still to be ended. The best state is kept there. */
static ls_status look_at_epoch(ls_trainer *tr, held_out_figures *seen, ls_error *err)
{
    *seen = (held_out_figures){NAN, NAN};
    if (tr->block->held_out) LS_TRY(validate(tr, seen, err));
    return tr->settings->patience && seen->loss < tr->best_validation
               ? copy_state(tr, 0, tr->plan->best, err)
               : LS_OK;
}

/* Notes an epoch that has been run: history, progress and the reasons to stop. */
static void end_epoch(ls_trainer *tr, uint64_t epoch, held_out_figures seen)
{
    const ls_settings *s = tr->settings;
    ls_summary *summary = &tr->model->summary;
    double loss = tr->plan->mean ? tr->epoch_sum / (double)tr->block->rows : tr->epoch_sum;
    double rate = ls_rate_at(&tr->schedule, tr->step - 1);
    tr->epoch_sum = 0;
    summary->epochs = epoch;
    summary->steps = tr->step;
    summary->loss = tr->loss = loss;
    tr->validation = seen.loss;
    tr->accuracy = seen.accuracy;
    if (!s->patience) summary->best_epoch = epoch;
    if (epoch == s->epochs) stop(tr, "epochs");
    if (s->patience) watch_validation(tr, epoch, seen.loss);
    ls_rate_plan_epoch(&tr->schedule, tr->block->held_out ? seen.loss : loss);
    if (s->tolerance > 0) {
        tr->bad_epochs = loss < tr->best_loss - s->tolerance ? 0 : tr->bad_epochs + 1;
        if (tr->bad_epochs >= s->tolerance_epochs) stop(tr, "tolerance");
    }
    if (loss < tr->best_loss) tr->best_loss = loss;
    if (s->time_limit > 0 && tr->seconds >= s->time_limit) stop(tr, "time");
    ls_progress progress = {.epoch = epoch,
                            .epochs = s->epochs,
                            .steps = tr->step,
                            .loss = loss,
                            .validation_loss = seen.loss,
                            .validation_accuracy = seen.accuracy,
                            .seconds = tr->seconds,
                            .learning_rate = rate};
    if (tr->callback && tr->callback(&progress, tr->user)) stop(tr, "callback");
    add_history(tr, epoch, tr->stopped != NULL);
}

/* ---- Divergence ------------------------------------------------------------------------------ */

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* First layer with a parameter that is not finite, or -1. */
static int bad_parameters(ls_trainer *tr)
{
    const ls_network *n = &tr->model->network;
    float *values = tr->model->values;
    if (read_floats(tr, 0, n->parameters, values, NULL) != LS_OK) return -1;
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        if (!all_finite(values + l->weight, l->in * l->out)) return (int)i;
        if (l->norm ? !all_finite(values + l->gamma, 2 * l->out)
                    : !all_finite(values + l->bias, l->out))
            return (int)i;
    }
    return -1;
}

/* First layer whose activations in the step just run are not finite, or -1. */
static int bad_activations(ls_trainer *tr)
{
    const ls_plan *p = tr->plan;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        bool forward = o->kind == LS_OP_DENSE || o->kind == LS_OP_NORM || o->kind == LS_OP_LOSS;
        size_t n = p->batch * o->out;
        float *a;
        if (!forward || !ls_there(o->a) || ls_alloc(&a, n, sizeof *a, "", NULL) != LS_OK) continue;
        bool bad = read_floats(tr, o->a.at, n, a, NULL) == LS_OK && !all_finite(a, n);
        free(a);
        if (bad) return o->layer;
    }
    return -1;
}

/* Ends training with a message, which is also the caller's error. */
static ls_status diverge(ls_trainer *tr, const ls_error *why, ls_error *err)
{
    tr->state = LS_MEMBER_DIVERGED;
    tr->message = ls_strdup(why->message);
    return tr->message
               ? LS_OK
               : ls_fail(err, LS_ERR_MEMORY, "out of memory for a message: %.900s", why->message);
}

/* Without a copy to go back to, what is bad is looked for where a usual slice would have ended, the
 * epoch's end, wherever this one did. */
static ls_status run_on(ls_trainer *tr, ls_error *err)
{
    uint64_t per_epoch = tr->schedule.steps_per_epoch, at = tr->first + tr->count;
    for (uint64_t n; at % per_epoch; at += n) {
        n = per_epoch - at % per_epoch < tr->count ? per_epoch - at % per_epoch : tr->count;
        LS_TRY(run_steps(tr, at, n, false, err));
    }
    return LS_OK;
}

/* The loss of step i of the slice is not finite. Goes back to the slice's start where there is a
 * copy of it, walks up to that step, and names what was not finite first. */
static ls_status loss_diverged(ls_trainer *tr, uint64_t i, ls_error *err)
{
    uint64_t step = tr->first + i;
    float loss = tr->losses[i];
    int layer;
    char what[100] = "the loss itself overflowed, all weights and outputs being finite";
    const char *kind = "weights";
    ls_error why;
    if (tr->plan->snapshot) {
        LS_TRY(copy_state(tr, tr->plan->snapshot, 0, err));
        if (i) LS_TRY(run_steps(tr, tr->first, i, false, err));
        layer = bad_parameters(tr);
        if (layer < 0) {
            kind = "activations";
            LS_TRY(run_steps(tr, step, 1, true, err));
            layer = bad_activations(tr);
        }
    } else {
        LS_TRY(run_on(tr, err));
        layer = bad_parameters(tr);
    }
    if (layer >= 0)
        snprintf(what, sizeof what, "the %s of layer %d of %zu were the first that are not finite",
                 kind, layer + 1, tr->model->network.count);
    ls_fail(
        &why, LS_ERR_DIVERGED,
        "training diverged: the loss became %s at step %llu (epoch %llu); %s. Try a smaller --lr "
        "(it was %g)%s%s",
        isnan(loss) ? "NaN" : "infinite", (unsigned long long)step + 1,
        (unsigned long long)(step / tr->schedule.steps_per_epoch) + 1, what,
        ls_rate_at(&tr->schedule, step), tr->settings->clip > 0 ? "" : ", or --clip 1",
        tr->settings->standardize ? "" : ", or --standardize");
    return diverge(tr, &why, err);
}

/* ---- The end of a slice, and of training ----------------------------------------------------- */

/* Weights and running averages of the state to end with, from wherever it is. */
static ls_status read_values(ls_trainer *tr, float *values, ls_error *err)
{
    const ls_plan *p = tr->plan;
    size_t best = tr->parked_best, running = p->state - p->running;
    if (tr->workspace) {
        size_t from = has_best(tr) ? p->best : 0;
        LS_TRY(read_floats(tr, from, p->parameters, values, err));
        return read_floats(tr, from + running, p->running, values + p->parameters, err);
    }
    const float *state = tr->parked ? tr->parked + best * p->state : NULL;
    const float *source = state ? state : tr->model->values; /* not begun, or ended */
    if (source == values) return LS_OK;
    memcpy(values, source, p->parameters * sizeof *values);
    memcpy(values + p->parameters, state ? state + running : source + p->parameters,
           p->running * sizeof *values);
    return LS_OK;
}

static ls_status check_values(const ls_trainer *tr, const float *values, ls_error *err)
{
    if (all_finite(values, tr->plan->parameters + tr->plan->running)) return LS_OK;
    return ls_fail(
        err, LS_ERR_DIVERGED,
        "training diverged: weights stopped being finite in the last step; try a smaller --lr (it was %g), "
        "or --clip 1",
        ls_rate_at(&tr->schedule, tr->step));
}

/* The trained state into the model. */
static ls_status finish(ls_trainer *tr, ls_error *err)
{
    ls_error why;
    LS_TRY(read_values(tr, tr->model->values, err));
    if (check_values(tr, tr->model->values, &why) != LS_OK) return diverge(tr, &why, err);
    tr->state = LS_MEMBER_DONE;
    ls_trainer_forget(tr); /* an older copy is not what its model is made of */
    tr->model->summary.seconds = tr->seconds;
    snprintf(tr->model->stopped, sizeof tr->model->stopped, "%s", tr->stopped);
    return LS_OK;
}

ls_status ls_trainer_end(ls_trainer *tr, double seconds, ls_error *err)
{
    held_out_figures seen;
    for (uint64_t i = 0; i < tr->count && !tr->stopped; i++) {
        tr->seconds +=
            seconds /
            (double)tr->count; /* each step its share, so that progress inside a slice is even */
        if (!isfinite(tr->losses[i])) return loss_diverged(tr, i, err);
        bool ends = (tr->first + i + 1) % tr->schedule.steps_per_epoch == 0;
        if (ends) LS_TRY(look_at_epoch(tr, &seen, err));
        tr->epoch_sum += (double)tr->losses[i];
        tr->step = tr->first + i + 1;
        if (ends) end_epoch(tr, ls_trainer_epochs(tr), seen);
    }
    if (tr->step < tr->first + tr->count) {
        LS_TRY(copy_state(tr, tr->plan->snapshot, 0, err));
        LS_TRY(run_steps(tr, tr->first, tr->step - tr->first, false, err));
    }
    return tr->stopped ? finish(tr, err) : LS_OK;
}

/* What a loop that was stopped here would have left: "callback", and the last epoch in the history.
 */
static void pause_summary(const ls_trainer *tr, ls_model *m)
{
    uint64_t epochs = m->summary.epochs;
    if (epochs && m->history[m->history_count - 1].epoch != epochs)
        m->history[m->history_count++] = (ls_history_point){
            epochs, (float)tr->loss, (float)tr->validation, (float)tr->accuracy};
    m->summary.steps = tr->step;
    m->summary.seconds = tr->seconds;
    snprintf(m->stopped, sizeof m->stopped, "callback");
}

ls_status ls_trainer_model(ls_trainer *tr, ls_model **out, ls_error *err)
{
    ls_model *copy;
    if (tr->state == LS_MEMBER_DIVERGED) return ls_fail(err, LS_ERR_DIVERGED, "%s", tr->message);
    LS_TRY(ls_model_copy(tr->model, tr->model->history_count + 1, &copy, err));
    ls_status status = read_values(tr, copy->values, err);
    if (status == LS_OK) status = check_values(tr, copy->values, err);
    if (status != LS_OK) {
        ls_model_free(copy);
        return status;
    }
    if (tr->state == LS_MEMBER_TRAINING) pause_summary(tr, copy);
    *out = copy;
    return LS_OK;
}
