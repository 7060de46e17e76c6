/* SPDX-License-Identifier: MIT */
#include "host/training/trainer.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/model/decision.h"
#include "host/model/training_rows.h"
#include "host/network/pieces.h"
#include "host/training/checkpoint.h"
#include "host/training/divergence.h"
#include "host/training/knots.h"
#include "host/training/witness.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Opening --------------------------------------------------------------------------------- */

static ls_status copy_preprocessing(ls_model *model, const ls_block *block, ls_error *err)
{
    size_t inputs = model->network.inputs, outputs = model->network.outputs;
    LS_TRY(ls_preprocessing_copy(block->mean, inputs, &model->mean, err));
    LS_TRY(ls_preprocessing_copy(block->scale, inputs, &model->scale, err));
    model->clip = block->clip;
    LS_TRY(ls_quantiles_copy(block->quantiles, &model->quantiles, err));
    LS_TRY(ls_preprocessing_copy(block->target_mean, outputs, &model->target_mean, err));
    LS_TRY(ls_preprocessing_copy(block->target_scale, outputs, &model->target_scale, err));
    model->most_frequent = block->most_frequent;
    return LS_OK;
}

static ls_status prepare(ls_trainer *trainer, const ls_data *data, ls_error *err)
{
    ls_model *model = trainer->model;
    const ls_settings *settings = trainer->settings;
    const ls_start *start = &trainer->block->start;
    LS_TRY(ls_model_alloc_values(model, err));
    if (start->from) LS_TRY(ls_model_name_like(model, start->from, trainer->block->encoder, err));
    else LS_TRY(ls_model_name(model, data, trainer->block->encoder, err));
    LS_TRY(copy_preprocessing(model, trainer->block, err));
    LS_TRY(ls_training_check_batch(settings, trainer->block->rows, err));
    LS_TRY(ls_plan_build(&model->network, settings, LS_PLAN_TRAIN, trainer->block->rows,
                         trainer->block->weighted, &trainer->plan, err));
    uint64_t per_epoch = ls_plan_steps_per_epoch(trainer->plan);
    if (settings->epochs > UINT64_MAX / per_epoch / 2 ||
        settings->warmup > UINT64_MAX / per_epoch / 2)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--epochs times %llu steps per epoch is too large a number",
                       (unsigned long long)per_epoch);
    if (start->from) LS_TRY(ls_start_values(start, &model->network, model->values, err));
    else ls_network_init(&model->network, settings, model->values);
    const ls_layer *pieces = ls_pieces_layer(&model->network);
    if (pieces && (!start->from || start->refit))
        LS_TRY(ls_knots_fit(trainer->block, &model->network,
                            model->values + model->network.parameters + pieces->table, err));
    ls_rate_plan_init(&trainer->now.schedule, settings, per_epoch);
    trainer->now.loss = trainer->now.validation = trainer->now.accuracy = NAN;
    trainer->now.best_loss = trainer->now.best_validation = INFINITY;
    trainer->now.stride = 1;
    trainer->goal = settings->epochs;
    trainer->copy = (ls_copy){.course = trainer->now, .summary = model->summary};
    return LS_OK;
}

ls_status ls_trainer_open(ls_model *model, const ls_data *data, ls_block *block, ls_trainer **out,
                          ls_error *err)
{
    ls_trainer *trainer;
    ls_status status = ls_alloc(&trainer, 1, sizeof *trainer, "the training loop", err);
    if (status != LS_OK) {
        ls_model_free(model);
        return status;
    }
    *trainer = (ls_trainer){
        .model = model, .settings = &model->options->settings, .block = block, .copied = true};
    status = prepare(trainer, data, err);
    if (status != LS_OK) {
        ls_trainer_free(trainer);
        return status;
    }
    *out = trainer;
    return LS_OK;
}

void ls_trainer_free(ls_trainer *trainer)
{
    if (!trainer) return;
    ls_trainer_leave(trainer);
    ls_model_free(trainer->model);
    ls_plan_free(trainer->plan);
    ls_copy_free(&trainer->copy);
    ls_copy_free(&trainer->pending);
    free(trainer->message);
    free(trainer);
}

/* ---- On and off the device ------------------------------------------------------------------- */

/* As often training goes back to the start of an epoch (--on-nan rollback). */
enum { MOST_ROLLBACKS = 20 };

ls_status ls_trainer_enter(ls_trainer *trainer, bool keep, ls_backend *witness, ls_error *err)
{
    ls_workspace *workspace = trainer->block->table->workspace;
    assert(workspace && !trainer->workspace);
    if (!trainer->copied)
        return ls_fail(err, LS_ERR_DEVICE, "the state of a network was lost with its device");
    LS_TRY(workspace->backend->slots->member_add(workspace, trainer->plan, trainer->block->origin,
                                                 &trainer->member, err));
    trainer->workspace = workspace;
    trainer->witness = witness;
    ls_status status = ls_trainer_copy_in(trainer, err);
    if (status != LS_OK) {
        ls_trainer_leave(trainer);
        return status;
    }
    if (!keep) ls_trainer_forget(trainer);
    return LS_OK;
}

ls_status ls_trainer_park(ls_trainer *trainer, ls_error *err)
{
    LS_TRY(ls_trainer_copy_out(trainer, err));
    ls_trainer_leave(trainer);
    return LS_OK;
}

ls_status ls_trainer_renew(ls_trainer *trainer, ls_error *err)
{
    if (!trainer->workspace || !ls_witness_is_due(trainer)) return LS_OK;
    ls_error why;
    ls_status status = ls_trainer_copy_pending(trainer, &why);
    if (status == LS_ERR_DEVICE) return ls_fail(err, status, "%s", why.message);
    return LS_OK; /* without memory for a copy there is still the last one */
}

/* ---- Slices ---------------------------------------------------------------------------------- */

static bool goes_back(const ls_trainer *trainer)
{
    return trainer->settings->on_nan == LS_ON_NAN_ROLLBACK;
}

uint64_t ls_trainer_slice(const ls_trainer *trainer, double seconds, double step_seconds,
                          ls_slice_kind kind)
{
    uint64_t per_epoch = trainer->now.schedule.steps_per_epoch,
             left = per_epoch - trainer->now.step % per_epoch; /* of this epoch */
    uint64_t most = trainer->goal * per_epoch - trainer->now.step;
    double wanted = seconds / step_seconds;
    /* an epoch at a time if the device is needed after each, or there is no snapshot to go back to
     */
    bool by_epochs = trainer->block->held_out || !trainer->plan->snapshot ||
                     trainer->settings->schedule == LS_SCHEDULE_PLATEAU;
    if (goes_back(trainer)) return left; /* each slice is an epoch, and its snapshot the start */
    if (by_epochs) most = left;
    if (most > LS_SLICE_STEPS) most = LS_SLICE_STEPS;
    most = ls_checkpoints_limit(trainer->checkpoints, trainer, ls_witness_limit(trainer, most));
    if (!trainer->plan->snapshot && kind != LS_SLICE_BRIEF) return most;
    uint64_t steps = wanted < (double)most ? (uint64_t)wanted : most;
    if (kind == LS_SLICE_WHOLE)
        steps = steps < left ? left : left + (steps - left) / per_epoch * per_epoch;
    return steps < 1 ? 1 : steps < most ? steps : most;
}

ls_status ls_trainer_begin(ls_trainer *trainer, uint64_t count, ls_rates *rates, float *losses,
                           ls_run *run, ls_error *err)
{
    assert(trainer->workspace && ls_trainer_active(trainer) && count > 0);
    trainer->rates = rates;
    trainer->losses = losses;
    trainer->first = trainer->now.step;
    trainer->count = count;
    trainer->held_outputs = trainer->held_losses = NULL;
    if (ls_witness_repeats_slice(trainer) && count == 1)
        LS_TRY(ls_trainer_copy_pending(trainer, err));
    if (trainer->plan->snapshot)
        LS_TRY(ls_trainer_copy_state(trainer, 0, trainer->plan->snapshot, err));
    *run = ls_trainer_run_of(trainer, trainer->first, count, false);
    return LS_OK;
}

/* ---- After an epoch -------------------------------------------------------------------------- */

/* On the validation rows: mean loss (or sum, as in training), and the share of rows whose class, or
 * all of whose labels, are right; NaN for numbers. */
typedef struct {
    double loss, accuracy;
} validation_metrics;

/* Whether a row's outputs give its class, or all of its labels. */
static bool agree(ls_task task, const float *outputs, const float *targets, size_t count)
{
    const ls_decision decision = ls_decision_default();
    if (task == LS_TASK_CLASSIFICATION)
        return ls_decide(outputs, count, &decision) == ls_decide(targets, count, &decision);
    for (size_t k = 0; k < count; k++)
        if (ls_decide(outputs + k, 1, &decision) != ls_decide(targets + k, 1, &decision))
            return false;
    return true;
}

static ls_status validate(ls_trainer *trainer, validation_metrics *out, ls_error *err)
{
    const ls_block *block = trainer->block;
    const size_t outputs = block->outputs;
    const float *targets = block->table->source.rows.t + (block->origin + block->rows) * outputs;
    const float *losses = trainer->held_losses, *given = trainer->held_outputs;
    double sum = 0, started = ls_clock();
    size_t right = 0;
    if (!losses) {
        losses = block->row_losses, given = block->held_outputs;
        LS_TRY(trainer->workspace->backend->slots->infer(trainer->workspace, trainer->member,
                                                         block->rows, block->held_out,
                                                         block->held_outputs, block->row_losses,
                                                         err));
        trainer->now.seconds += ls_clock() - started;
    }
    for (size_t r = 0; r < block->held_out; r++) {
        sum += (double)losses[r];
        right += agree(block->task, given + r * outputs, targets + r * outputs, outputs);
    }
    out->loss = trainer->plan->mean ? sum / (double)block->held_out : sum;
    out->accuracy = block->task == LS_TASK_REGRESSION ? (double)NAN
                                                      : (double)right / (double)block->held_out;
    return LS_OK;
}

static void add_history(ls_trainer *trainer, uint64_t epoch, bool last)
{
    ls_model *model = trainer->model;
    if (epoch != 1 && epoch % trainer->now.stride != 0 && !last) return;
    if (model->history_count >= LS_HISTORY_POINTS - 1 && !last) {
        size_t kept = 0;
        trainer->now.stride *= 2;
        for (size_t i = 0; i < model->history_count; i++)
            if (model->history[i].epoch == 1 || model->history[i].epoch % trainer->now.stride == 0)
                model->history[kept++] = model->history[i];
        model->history_count = kept;
        if (epoch % trainer->now.stride != 0) return;
    }
    model->history[model->history_count++] = (ls_history_point){epoch, (float)trainer->now.loss,
                                                                (float)trainer->now.validation,
                                                                (float)trainer->now.accuracy};
}

static void stop(ls_trainer *trainer, const char *why)
{
    if (!trainer->stopped) trainer->stopped = why;
}

/* Early stopping on the validation loss. */
static void watch_validation(ls_trainer *trainer, uint64_t epoch, double validation)
{
    if (validation < trainer->now.best_validation) {
        trainer->now.best_validation = validation;
        trainer->now.bad_validations = 0;
        trainer->model->summary.best_epoch = epoch;
    } else if (++trainer->now.bad_validations >= trainer->settings->patience)
        stop(trainer, "patience");
}

/* The device's part in ending an epoch: validates, and saves the best state there. It comes before
 * end_epoch, so that if it fails, the epoch can be ended later. */
static ls_status validate_epoch(ls_trainer *trainer, validation_metrics *seen, ls_error *err)
{
    *seen = (validation_metrics){NAN, NAN};
    if (trainer->block->held_out) LS_TRY(validate(trainer, seen, err));
    return trainer->settings->patience && seen->loss < trainer->now.best_validation
               ? ls_trainer_copy_state(trainer, 0, trainer->plan->best, err)
               : LS_OK;
}

/* Records an epoch that was run: history, progress and the reasons to stop. */
static void end_epoch(ls_trainer *trainer, uint64_t epoch, validation_metrics seen)
{
    const ls_settings *settings = trainer->settings;
    ls_summary *summary = &trainer->model->summary;
    double loss = trainer->plan->mean ? trainer->now.epoch_sum / (double)trainer->block->rows
                                      : trainer->now.epoch_sum;
    double rate = ls_rate_at(&trainer->now.schedule, trainer->now.step - 1);
    trainer->now.epoch_sum = 0;
    summary->epochs = epoch;
    summary->steps = trainer->now.step;
    summary->loss = trainer->now.loss = loss;
    summary->rollbacks = trainer->now.rollbacks;
    trainer->now.validation = seen.loss;
    trainer->now.accuracy = seen.accuracy;
    if (!settings->patience) summary->best_epoch = epoch;
    if (epoch == settings->epochs) stop(trainer, "epochs");
    if (settings->patience) watch_validation(trainer, epoch, seen.loss);
    ls_rate_plan_epoch(&trainer->now.schedule, trainer->block->held_out ? seen.loss : loss);
    if (settings->tolerance > 0) {
        trainer->now.bad_epochs = loss < trainer->now.best_loss - settings->tolerance
                                      ? 0
                                      : trainer->now.bad_epochs + 1;
        if (trainer->now.bad_epochs >= settings->tolerance_epochs) stop(trainer, "tolerance");
    }
    if (loss < trainer->now.best_loss) trainer->now.best_loss = loss;
    if (settings->time_limit > 0 && trainer->now.seconds >= settings->time_limit)
        stop(trainer, "time");
    ls_progress progress = {.struct_size = sizeof progress,
                            .epoch = epoch,
                            .epochs = settings->epochs,
                            .steps = trainer->now.step,
                            .loss = loss,
                            .validation_loss = seen.loss,
                            .validation_accuracy = seen.accuracy,
                            .seconds = trainer->now.seconds,
                            .learning_rate = rate,
                            .rollbacks = trainer->now.rollbacks};
    if (epoch > trainer->reported && trainer->callback) {
        trainer->reported = epoch;
        if (trainer->callback(&progress, trainer->user)) trainer->asked_after = epoch;
    }
    if (epoch == trainer->asked_after) stop(trainer, "callback");
    add_history(trainer, epoch, trainer->stopped != NULL);
}

/* ---- The end of a slice, and of training ----------------------------------------------------- */

/* Reads the weights and running averages of the result, wherever the state is. */
static ls_status read_values(ls_trainer *trainer, float *values, ls_error *err)
{
    const ls_plan *plan = trainer->plan;
    size_t best = trainer->copy.best, running = plan->state - plan->running;
    if (trainer->workspace) {
        size_t from = ls_trainer_has_best(trainer) ? plan->best : 0;
        LS_TRY(ls_trainer_read(trainer, from, plan->parameters, values, err));
        return ls_trainer_read(trainer, from + running, plan->running, values + plan->parameters,
                               err);
    }
    const float *state = trainer->copy.state ? trainer->copy.state + best * plan->state : NULL;
    const float *source = state ? state
                                : trainer->model->values; /* training has not begun, or has ended */
    if (source == values) return LS_OK;
    memcpy(values, source, plan->parameters * sizeof *values);
    memcpy(values + plan->parameters, state ? state + running : source + plan->parameters,
           plan->running * sizeof *values);
    return LS_OK;
}

/* Ends training with a message. */
static ls_status diverge(ls_trainer *trainer, const ls_error *why, ls_error *err)
{
    trainer->state = LS_MEMBER_DIVERGED;
    trainer->message = ls_strdup(why->message);
    return trainer->message
               ? LS_OK
               : ls_fail(err, LS_ERR_MEMORY, "out of memory for a message: %.900s", why->message);
}

/* Goes back to the start of the epoch, with half the rate from there on. */
static ls_status go_back(ls_trainer *trainer, ls_error *err)
{
    LS_TRY(ls_trainer_copy_state(trainer, trainer->plan->snapshot, 0, err));
    trainer->now.step = trainer->first;
    trainer->now.epoch_sum = 0;
    trainer->now.rollbacks++;
    trainer->now.schedule.factors.halved *= 0.5;
    return LS_OK;
}

/* The loss of step i of the slice is not finite. */
static ls_status loss_diverged(ls_trainer *trainer, uint64_t i, ls_error *err)
{
    ls_error why;
    LS_TRY(ls_witness_confirm_divergence(trainer, i, err));
    if (goes_back(trainer) && trainer->now.rollbacks < MOST_ROLLBACKS) return go_back(trainer, err);
    LS_TRY(ls_divergence_explain(trainer, i, &why, err));
    return diverge(trainer, &why, err);
}

/* Ends training: the model gets the trained values, all or none: it may have the start, from which
 * training goes on after a failure. */
static ls_status finish(ls_trainer *trainer, ls_error *err)
{
    const size_t count = trainer->plan->parameters + trainer->plan->running;
    ls_error why;
    float *values;
    LS_TRY(ls_alloc(&values, count, sizeof *values, "the trained network", err));
    ls_status status = read_values(trainer, values, err);
    bool finite = status == LS_OK && ls_divergence_check(trainer, values, &why) == LS_OK;
    if (finite) memcpy(trainer->model->values, values, count * sizeof *values);
    free(values);
    LS_TRY(status);
    if (!finite) return diverge(trainer, &why, err);
    trainer->state = LS_MEMBER_DONE;
    ls_trainer_forget(trainer); /* the copy is older than the result */
    trainer->model->summary.seconds = trainer->now.seconds;
    snprintf(trainer->model->stopped, sizeof trainer->model->stopped, "%s", trainer->stopped);
    return LS_OK;
}

/* Looks at the whole state after an epoch, at less than 3 % of the time, and at the end. */
static ls_status check_state(ls_trainer *trainer, ls_error *err)
{
    ls_error why;
    double started = ls_clock();
    bool ends = trainer->now.step % trainer->now.schedule.steps_per_epoch == 0;
    if (!trainer->check_finite || !ends ||
        (!trainer->stopped &&
         trainer->now.seconds - trainer->checked_at < 50 * trainer->check_seconds))
        return LS_OK;
    bool finite;
    LS_TRY(ls_divergence_check_state(trainer, &finite, &why, err));
    trainer->checked_at = trainer->now.seconds;
    trainer->check_seconds = ls_clock() - started;
    return finite ? LS_OK : diverge(trainer, &why, err);
}

bool ls_trainer_wants_inference(const ls_trainer *trainer, ls_member_inference *out)
{
    const ls_block *block = trainer->block;
    const uint64_t per_epoch = trainer->now.schedule.steps_per_epoch,
                   end = trainer->first + trainer->count;
    /* slices end with the epoch, or before, where there are validation rows */
    if (!block->held_out || end % per_epoch || trainer->first / per_epoch != (end - 1) / per_epoch)
        return false;
    *out = (ls_member_inference){
        .member = trainer->member, .first = block->rows, .rows = block->held_out};
    return true;
}

ls_status ls_trainer_end(ls_trainer *trainer, double seconds, ls_error *err)
{
    validation_metrics seen;
    assert(trainer->workspace && trainer->state == LS_MEMBER_TRAINING && !trainer->stopped);
    LS_TRY(ls_witness_confirm(trainer, err));
    for (uint64_t i = 0; i < trainer->count && !trainer->stopped; i++) {
        /* an equal share per step, so that progress inside a slice is even */
        trainer->now.seconds += seconds / (double)trainer->count;
        if (!isfinite(trainer->losses[i])) return loss_diverged(trainer, i, err);
        bool ends = (trainer->first + i + 1) % trainer->now.schedule.steps_per_epoch == 0;
        if (ends) LS_TRY(validate_epoch(trainer, &seen, err));
        trainer->now.epoch_sum += (double)trainer->losses[i];
        trainer->now.step = trainer->first + i + 1;
        if (ends) end_epoch(trainer, ls_trainer_epochs(trainer), seen);
    }
    if (trainer->now.step < trainer->first + trainer->count) {
        LS_TRY(ls_trainer_copy_state(trainer, trainer->plan->snapshot, 0, err));
        LS_TRY(ls_trainer_run_steps(trainer, trainer->first, trainer->now.step - trainer->first,
                                    false, err));
    }
    LS_TRY(check_state(trainer, err));
    if (trainer->state != LS_MEMBER_TRAINING) return LS_OK;
    if (trainer->checkpoints && trainer->stopped && !strcmp(trainer->stopped, "callback"))
        LS_TRY(ls_checkpoints_write(trainer->checkpoints, trainer, err));
    return trainer->stopped ? finish(trainer, err) : LS_OK;
}

/* The summary of a run that a callback stopped here, and the last epoch in the history. */
static void pause_summary(const ls_trainer *trainer, ls_model *model)
{
    uint64_t epochs = model->summary.epochs;
    if (epochs && model->history[model->history_count - 1].epoch != epochs)
        model->history[model->history_count++] = (ls_history_point){
            epochs, (float)trainer->now.loss, (float)trainer->now.validation,
            (float)trainer->now.accuracy};
    model->summary.steps = trainer->now.step;
    model->summary.seconds = trainer->now.seconds;
    snprintf(model->stopped, sizeof model->stopped, "callback");
}

ls_status ls_trainer_model(ls_trainer *trainer, ls_model **out, ls_error *err)
{
    ls_model *copy;
    if (trainer->state == LS_MEMBER_DIVERGED)
        return ls_fail(err, LS_ERR_DIVERGED, "%s", trainer->message);
    LS_TRY(ls_model_copy(trainer->model, trainer->model->history_count + 1, &copy, err));
    ls_status status = read_values(trainer, copy->values, err);
    if (status == LS_OK) status = ls_divergence_check(trainer, copy->values, err);
    if (status != LS_OK) {
        ls_model_free(copy);
        return status;
    }
    if (trainer->state == LS_MEMBER_TRAINING) pause_summary(trainer, copy);
    *out = copy;
    return LS_OK;
}
