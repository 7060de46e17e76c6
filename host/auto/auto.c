/* SPDX-License-Identifier: MIT */
/* Trains trials side by side, in rungs after which the weaker half leaves room for the others, and
 * makes an ensemble of those that are trained to their end. What is held out of a training says
 * when it stops, which trials stay, which join the ensemble, and how its probabilities are
 * calibrated. */
#include "host/auto/state.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/model/training_rows.h"
#include <math.h>
#include <stdlib.h>

enum {
    USUAL_TRIALS = 64, /* without --trials and --time */
    MOST_TRIALS = 100000,
    PACED_TRIALS = 8, /* that the pace is measured with */
    LEAST_KEPT = 12   /* trials that are trained to their end, at least */
};

/* Epochs after which half of the trials leave. */
static const uint64_t rungs[] = {4, 12, 36};
enum { RUNGS = sizeof rungs / sizeof *rungs };

/* Epochs of a trial that is trained to its end, about: it stops by patience. */
static const double whole_epochs = 90;

/* ---- Trials ---------------------------------------------------------------------------------- */

static void free_trial(ls_auto_run *r, ls_auto_trial *t)
{
    for (size_t k = 0; t->member && k < r->parts; k++)
        if (t->member[k] != SIZE_MAX) ls_fleet_remove(r->fleet, t->member[k]);
    for (size_t k = 0; t->model && k < r->parts; k++) ls_model_free(t->model[k]);
    free(t->member);
    free(t->model);
    free(t->outputs);
    free(t->evidence);
    *t = (ls_auto_trial){.state = LS_AUTO_DROPPED};
}

/* Options of one training of a trial. */
static ls_status set_part(ls_options *o, const ls_auto_run *r, size_t trial, size_t part,
                          ls_error *err)
{
    char fold[64], seed[32];
    snprintf(fold, sizeof fold, "%zu/%zu", part + 1, r->folds);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)(r->control.seed + trial + 1));
    LS_TRY(ls_options_set(o, "fold", fold, err));
    LS_TRY(ls_options_set(o, "seed", seed, err));
    LS_TRY(ls_options_set(o, "epochs", "400", err));
    return ls_options_set(o, "patience", "20", err);
}

static ls_status enter(ls_auto_run *r, ls_auto_trial *t, size_t number, ls_error *err)
{
    ls_options *options;
    ls_error why;
    LS_TRY(ls_alloc(&t->member, r->parts, sizeof *t->member, "a trial", err));
    for (size_t k = 0; k < r->parts; k++) t->member[k] = SIZE_MAX;
    LS_TRY(ls_auto_options(r->space, r->control.seed, number, &options, err));
    ls_status status = LS_OK;
    for (size_t k = 0; k < r->parts && status == LS_OK; k++) {
        status = set_part(options, r, number, k, &why);
        if (status == LS_OK) status = ls_fleet_add(r->fleet, options, r->data, &t->member[k], &why);
    }
    ls_options_free(options);
    if (status == LS_ERR_ARGUMENT && number) free_trial(r, t); /* its options do not fit the rows */
    else if (status != LS_OK) return ls_fail(err, status, "%s", why.message);
    return LS_OK;
}

/* More trials, until there are `count`. */
static ls_status enter_until(ls_auto_run *r, size_t count, ls_error *err)
{
    LS_TRY(ls_grow(&r->trial, &r->room, count, sizeof *r->trial, "the trials", err));
    while (r->trials < count) {
        r->trial[r->trials] = (ls_auto_trial){0};
        r->trials++;
        LS_TRY(enter(r, &r->trial[r->trials - 1], r->trials - 1, err));
    }
    return LS_OK;
}

/* ---- Progress -------------------------------------------------------------------------------- */

static double figure(const ls_auto_run *r)
{
    const double *scale = r->named->target_scale;
    if (r->data->task != LS_TASK_REGRESSION) return r->loss;
    return sqrt(r->loss) / (scale && r->data->targets == 1 ? scale[0] : 1);
}

static int tell(const ls_fleet_progress *fleet, void *user)
{
    ls_auto_run *r = user;
    ls_auto_progress p = {.struct_size = sizeof p, .trials = r->planned, .best = figure(r)};
    (void)fleet;
    if (!r->control.callback) return 0;
    for (size_t i = 0; i < r->trials; i++) {
        const ls_auto_trial *t = &r->trial[i];
        p.working += t->state == LS_AUTO_WORKING;
        p.ended += t->state == LS_AUTO_POOLED;
        p.dropped += t->state == LS_AUTO_DROPPED;
        p.members += t->times ? r->parts : 0;
    }
    p.seconds = ls_clock() - r->started;
    p.left = r->left;
    ls_host_mode_give(r->mode);
    r->stopped |= r->control.callback(&p, r->control.user) != 0;
    ls_host_mode_take(r->mode);
    return r->stopped;
}

/* ---- Rungs ----------------------------------------------------------------------------------- */

/* Trains all trials in the fleet until they have done so many epochs (0: to their end). */
static ls_status train_until(ls_auto_run *r, uint64_t epochs, ls_error *err)
{
    size_t *members, count = 0;
    LS_TRY(ls_alloc(&members, r->trials * r->parts, sizeof *members, "the trials", err));
    for (size_t i = 0; i < r->trials; i++)
        for (size_t k = 0; r->trial[i].state == LS_AUTO_WORKING && k < r->parts; k++)
            members[count++] = r->trial[i].member[k];
    ls_status status = count ? ls_fleet_run(r->fleet, members, count, epochs, tell, r, err) : LS_OK;
    free(members);
    return status;
}

/* Reads how a trial does. *ended: all of its trainings have. */
static ls_status look_at(ls_auto_run *r, ls_auto_trial *t, bool *ended, ls_error *err)
{
    double sum = 0;
    *ended = true;
    for (size_t k = 0; k < r->parts; k++) {
        ls_member_info info = LS_INIT(ls_member_info);
        LS_TRY(ls_fleet_member(r->fleet, t->member[k], &info, err));
        if (info.state == LS_MEMBER_DIVERGED) {
            free_trial(r, t);
            *ended = false;
            return LS_OK;
        }
        *ended &= info.state == LS_MEMBER_DONE;
        sum += info.best_validation_loss;
    }
    t->score = sum / (double)r->parts;
    return LS_OK;
}

/* Trials that have ended join the pool, and the ensemble is chosen again. */
static ls_status gather(ls_auto_run *r, bool all, ls_error *err)
{
    bool more = false, ended;
    for (size_t i = 0; i < r->trials; i++) {
        ls_auto_trial *t = &r->trial[i];
        if (t->state != LS_AUTO_WORKING) continue;
        LS_TRY(look_at(r, t, &ended, err));
        if (t->state != LS_AUTO_WORKING || !(ended || all)) continue;
        LS_TRY(ls_auto_pool(r, t, err));
        if (t->state == LS_AUTO_DROPPED) free_trial(r, t);
        more = true;
    }
    return more ? ls_auto_choose(r, err) : LS_OK;
}

/* All trials but the best `kept` leave; those that have ended count, but stay in the pool. Equal
 * scores rank by number. */
static void drop_weak(ls_auto_run *r, size_t kept)
{
    for (size_t i = r->trials; i-- > 0;) {
        ls_auto_trial *t = &r->trial[i];
        size_t better = 0;
        if (t->state != LS_AUTO_WORKING) continue;
        for (size_t k = 0; k < r->trials; k++) {
            const ls_auto_trial *other = &r->trial[k];
            if (other->state == LS_AUTO_DROPPED) continue;
            better += other->score < t->score || (other->score == t->score && k < i);
        }
        if (better >= kept) free_trial(r, t);
    }
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* Epochs that all rungs have for so many trials. */
static double epochs_of(double trials)
{
    double sum = 0, from = 0;
    for (size_t i = 0; i < RUNGS; i++) {
        sum += trials * ((double)rungs[i] - from);
        from = (double)rungs[i];
        if (trials > LEAST_KEPT) trials = fmax(trials / 2, LEAST_KEPT);
    }
    return sum + trials * (whole_epochs - from);
}

/* Measures the pace with the first trials, and plans as many as the time allows. */
static ls_status plan(ls_auto_run *r, ls_error *err)
{
    const ls_auto_control *c = &r->control;
    if (c->trials || !(c->seconds > 0)) r->planned = c->trials ? c->trials : USUAL_TRIALS;
    LS_TRY(enter_until(r, r->planned && r->planned < PACED_TRIALS ? r->planned : PACED_TRIALS,
                       err));
    double began = ls_clock();
    LS_TRY(train_until(r, rungs[0], err));
    r->pace = (ls_clock() - began) / (double)(r->trials * rungs[0]);
    for (double n = 1; !r->planned && n < MOST_TRIALS; n = n < 20 ? n + 1 : floor(n * 1.05))
        if (n > PACED_TRIALS && epochs_of(n + 1) * r->pace > c->seconds) r->planned = (size_t)n;
    if (!r->planned) r->planned = MOST_TRIALS;
    r->left = fmax(epochs_of((double)r->planned) - (double)(r->trials * rungs[0]), 0) * r->pace;
    return LS_OK;
}

static ls_status climb(ls_auto_run *r, ls_error *err)
{
    LS_TRY(plan(r, err));
    if (!r->stopped) LS_TRY(enter_until(r, r->planned, err));
    size_t going = r->planned;
    double whole = epochs_of((double)going), done = 0, from = 0;
    for (size_t i = 0; i < RUNGS && !r->stopped; i++) {
        LS_TRY(train_until(r, rungs[i], err));
        LS_TRY(gather(r, false, err));
        done += (double)going * ((double)rungs[i] - from);
        from = (double)rungs[i];
        going = going / 2 > LEAST_KEPT ? going / 2 : LEAST_KEPT;
        if (!r->stopped) drop_weak(r, going);
        r->left = fmax(whole - done, 0) * r->pace;
    }
    for (uint64_t until = rungs[RUNGS - 1]; !r->stopped; until += 12) {
        bool working = false;
        LS_TRY(train_until(r, until, err));
        LS_TRY(gather(r, false, err));
        for (size_t i = 0; i < r->trials; i++) working |= r->trial[i].state == LS_AUTO_WORKING;
        r->left = fmax(r->left - (double)going * 12 * r->pace, 0);
        if (!working) break;
    }
    return r->stopped ? gather(r, true, err) : LS_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* A model that is not trained, but named and prepared for all rows. */
static ls_status name(ls_auto_run *r, ls_error *err)
{
    ls_options *options;
    size_t index;
    LS_TRY(ls_options_create_plain(&options, err));
    ls_status status = ls_options_set(options, "hidden", "none", err);
    if (status == LS_OK) status = ls_fleet_add(r->fleet, options, r->data, &index, err);
    if (status == LS_OK) status = ls_fleet_model(r->fleet, index, &r->named, err);
    if (status == LS_OK) ls_fleet_remove(r->fleet, index);
    ls_options_free(options);
    return status;
}

/* The seed is that of the run, by which test rows were drawn. */
static ls_status note(const ls_auto_run *r, ls_model *m, ls_error *err)
{
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)r->control.seed);
    m->summary.loss = figure(r);
    m->summary.seconds = ls_clock() - r->started;
    return ls_options_set(m->options, "seed", seed, err);
}

static ls_status run(ls_auto_run *r, ls_device *device, ls_model **out, ls_error *err)
{
    LS_TRY(ls_training_check_labels(r->data, err));
    LS_TRY(ls_auto_hold_out(r, err));
    LS_TRY(ls_auto_space(r->data, &r->space, err));
    LS_TRY(ls_device_open("cpu", 1, 0, &r->scoring, err));
    LS_TRY(ls_fleet_open(device, 0, &r->fleet, err));
    LS_TRY(name(r, err));
    LS_TRY(climb(r, err));
    r->left = 0;
    tell(NULL, r); /* how it ended */
    LS_TRY(ls_auto_model(r, out, err));
    ls_status status = note(r, *out, err);
    if (status == LS_OK) return LS_OK;
    ls_model_free(*out);
    *out = NULL;
    return status;
}

static void free_run(ls_auto_run *r)
{
    for (size_t i = 0; i < r->trials; i++) free_trial(r, &r->trial[i]);
    free(r->trial);
    for (size_t k = 0; r->part && k < r->parts; k++) ls_data_free(r->part[k]);
    free(r->part);
    free(r->place);
    free(r->y);
    free(r->target);
    ls_model_free(r->named);
    ls_fleet_close(r->fleet);
    ls_device_close(r->scoring);
    ls_space_free(r->space);
}

ls_status ls_auto(ls_device *device, const ls_data *data, const ls_auto_control *control,
                  ls_model **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_auto_run r = {.mode = &mode, .data = data, .loss = NAN, .left = NAN};
    if (!data || !out) return ls_fail(err, LS_ERR_ARGUMENT, "ls_auto: an argument is NULL");
    if (control) LS_TRY(LS_READ_STRUCT(ls_auto_control, control, &r.control, err));
    if (r.control.trials > MOST_TRIALS || !(r.control.seconds >= 0) ||
        r.control.seed > UINT64_MAX - MOST_TRIALS - 1)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "ls_auto: at most %d trials, 0 or more seconds, and a smaller seed",
                       (int)MOST_TRIALS);
    r.started = ls_clock();
    ls_status status = run(&r, device, out, err);
    free_run(&r);
    return status;
}
