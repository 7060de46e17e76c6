/* SPDX-License-Identifier: MIT */
/* What trials predict on the rows that they were not trained on. */
#include "host/auto/state.h"
#include "host/base/memory.h"
#include "host/data/split.h"
#include "host/model/infer.h"
#include "host/model/targets.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rows ------------------------------------------------------------------------------------ */

enum { LEAST_ROWS = 20, FOLDS = 5, FOLDED_ROWS = 10000, MOST_FOLDS = 100 };

static ls_status copy_targets(ls_auto_run *r, ls_error *err)
{
    const bool classes = r->data->task == LS_TASK_CLASSIFICATION;
    const size_t targets = r->data->targets;
    if (classes) LS_TRY(ls_alloc(&r->y, r->held, sizeof *r->y, "the held-out rows", err));
    else
        LS_TRY(ls_alloc(&r->target, r->held, targets * sizeof *r->target, "the held-out rows",
                        err));
    for (size_t k = 0; k < r->parts; k++) {
        const ls_data *part = r->part[k];
        if (classes) memcpy(r->y + r->place[k], part->y, part->rows * sizeof *r->y);
        else
            memcpy(r->target + r->place[k] * targets, part->value,
                   part->rows * targets * sizeof *r->target);
    }
    r->values = classes ? r->held : r->held * targets;
    return LS_OK;
}

ls_status ls_auto_hold_out(ls_auto_run *r, ls_error *err)
{
    const ls_data *data = r->data;
    size_t wanted = r->control.folds ? r->control.folds : data->rows < FOLDED_ROWS ? FOLDS : 1;
    if (wanted > MOST_FOLDS)
        return ls_fail(err, LS_ERR_ARGUMENT, "%zu folds; 1 to %d are possible", wanted,
                       (int)MOST_FOLDS);
    r->folds = wanted > 1 ? wanted : FOLDS;
    if (data->rows < LEAST_ROWS || data->rows < 2 * r->folds)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%zu rows are too few to hold parts of them out; use at least %zu, or train "
                       "one network (lockstep train)",
                       data->rows, 2 * r->folds > LEAST_ROWS ? 2 * r->folds : (size_t)LEAST_ROWS);
    r->parts = wanted > 1 ? wanted : 1;
    LS_TRY(ls_alloc(&r->part, r->parts, sizeof *r->part, "the held-out rows", err));
    LS_TRY(ls_alloc(&r->place, r->parts + 1, sizeof *r->place, "the held-out rows", err));
    for (size_t k = 0; k < r->parts; k++) {
        ls_data *rest;
        LS_TRY(ls_data_cut_fold(data, k, r->folds, 1, &rest, &r->part[k], err));
        ls_data_free(rest);
        r->place[k + 1] = r->place[k] + r->part[k]->rows;
    }
    r->held = r->place[r->parts];
    return copy_targets(r, err);
}

/* ---- The pool -------------------------------------------------------------------------------- */

/* Numbers of a part, standardised as the ensemble standardises them. */
static void to_numbers(const ls_auto_run *r, const ls_model *m, size_t rows, float *outputs)
{
    const size_t width = m->targets;
    const double *mean = r->named->target_mean, *scale = r->named->target_scale;
    for (size_t i = 0; i < rows * width; i++) {
        double number = ls_target_number(m->target_mean, m->target_scale, i % width, outputs[i]);
        outputs[i] = (float)(scale ? (number - mean[i % width]) * scale[i % width] : number);
    }
}

static void fill_evidence(const ls_auto_run *r, ls_auto_trial *t)
{
    const size_t width = r->named->network.outputs, targets = r->data->targets;
    const double *mean = r->named->target_mean, *scale = r->named->target_scale;
    for (size_t i = 0; i < r->values; i++) {
        if (r->data->task == LS_TASK_CLASSIFICATION) {
            const float *p = t->outputs + i * width;
            t->evidence[i] = width > 1 ? p[r->y[i]] : r->y[i] ? p[0] : 1.0f - p[0];
        } else if (r->data->task == LS_TASK_MULTILABEL)
            t->evidence[i] = r->target[i] > 0 ? t->outputs[i] : 1.0f - t->outputs[i];
        else {
            size_t k = i % targets;
            double wanted = scale ? (r->target[i] - mean[k]) * scale[k] : r->target[i];
            t->evidence[i] = (float)((double)t->outputs[i] - wanted);
        }
    }
}

/* Takes the model of training `part` out of the fleet, and what it predicts. */
static ls_status pool_part(ls_auto_run *r, ls_auto_trial *t, size_t part, ls_error *err)
{
    const size_t width = r->named->network.outputs;
    float *outputs = t->outputs + r->place[part] * width;
    LS_TRY(ls_fleet_model(r->fleet, t->member[part], &t->model[part], err));
    ls_fleet_remove(r->fleet, t->member[part]);
    t->member[part] = SIZE_MAX;
    LS_TRY(ls_model_infer(t->model[part], r->scoring, r->part[part], outputs, NULL, err));
    LS_TRY(ls_model_check_outputs(t->model[part], outputs, r->part[part]->rows, 0, err));
    if (r->data->task == LS_TASK_REGRESSION)
        to_numbers(r, t->model[part], r->part[part]->rows, outputs);
    return LS_OK;
}

ls_status ls_auto_pool(ls_auto_run *r, ls_auto_trial *t, ls_error *err)
{
    const size_t width = r->named->network.outputs;
    ls_error why;
    LS_TRY(ls_alloc(&t->model, r->parts, sizeof *t->model, "the pool", err));
    LS_TRY(ls_alloc(&t->outputs, r->held, width * sizeof *t->outputs, "the pool", err));
    LS_TRY(ls_alloc(&t->evidence, r->values, sizeof *t->evidence, "the pool", err));
    ls_status status = LS_OK;
    for (size_t k = 0; k < r->parts && status == LS_OK; k++) status = pool_part(r, t, k, &why);
    t->state = status == LS_OK ? LS_AUTO_POOLED : LS_AUTO_DROPPED;
    if (status == LS_OK) fill_evidence(r, t);
    /* what is not finite is no failure of the others */
    return status == LS_OK || status == LS_ERR_DIVERGED || status == LS_ERR_DATA
               ? LS_OK
               : ls_fail(err, status, "%s", why.message);
}

ls_status ls_auto_choose(ls_auto_run *r, ls_error *err)
{
    enum { PICKS = 40 };
    ls_candidate *pool;
    uint64_t *times = NULL;
    size_t count = 0;
    LS_TRY(ls_alloc(&pool, r->trials, sizeof *pool, "the ensemble", err));
    ls_status status = ls_alloc(&times, r->trials, sizeof *times, "the ensemble", err);
    for (size_t i = 0; i < r->trials; i++)
        if (r->trial[i].state == LS_AUTO_POOLED) pool[count++].evidence = r->trial[i].evidence;
    if (status == LS_OK && count)
        status = ls_choose_ensemble(pool, count, r->values, r->data->task == LS_TASK_REGRESSION,
                                    PICKS, times, &r->loss, err);
    for (size_t i = 0, k = 0; i < r->trials && status == LS_OK; i++)
        r->trial[i].times = r->trial[i].state == LS_AUTO_POOLED ? times[k++] : 0;
    free(pool);
    free(times);
    return status;
}

/* ---- The model ------------------------------------------------------------------------------- */

static ls_status calibrate(ls_auto_run *r, double *temperature, ls_error *err)
{
    const size_t width = r->named->network.outputs;
    double *sum, times = 0, loss;
    float *p = NULL;
    *temperature = 1;
    if (r->data->task != LS_TASK_CLASSIFICATION) return LS_OK;
    LS_TRY(ls_alloc(&sum, r->held, width * sizeof *sum, "the calibration", err));
    ls_status status = ls_alloc(&p, r->held, width * sizeof *p, "the calibration", err);
    for (size_t i = 0; i < r->trials && status == LS_OK; i++) {
        times += (double)r->trial[i].times;
        for (size_t k = 0; r->trial[i].times && k < r->held * width; k++)
            sum[k] += (double)r->trial[i].times * (double)r->trial[i].outputs[k];
    }
    for (size_t k = 0; k < r->held * width && status == LS_OK; k++) p[k] = (float)(sum[k] / times);
    if (status == LS_OK) {
        /* half of the way: the ensemble was chosen by the same rows */
        *temperature = sqrt(ls_fit_temperature(p, r->y, r->held, width, &loss));
        r->loss = ls_calibrated_loss(p, r->y, r->held, width, *temperature);
    }
    free(sum);
    free(p);
    return status;
}

ls_status ls_auto_model(ls_auto_run *r, ls_model **out, ls_error *err)
{
    ls_model **member = NULL;
    uint64_t *times = NULL;
    size_t count = 0;
    double temperature;
    LS_TRY(calibrate(r, &temperature, err));
    LS_TRY(ls_alloc(&member, r->trials * r->parts, sizeof *member, "the ensemble", err));
    ls_status status = ls_alloc(&times, r->trials * r->parts, sizeof *times, "the ensemble", err);
    for (size_t i = 0; i < r->trials && status == LS_OK; i++)
        for (size_t k = 0; r->trial[i].times && k < r->parts; k++) {
            times[count] = r->trial[i].times;
            member[count++] = r->trial[i].model[k];
            r->trial[i].model[k] = NULL;
        }
    if (status == LS_OK && !count)
        status = ls_fail(err, LS_ERR_DIVERGED,
                         "none of the %zu networks could be trained: each diverged", r->trials);
    else if (status == LS_OK)
        status = ls_ensemble_create(member, times, count, temperature, r->named, out, err);
    free(member);
    free(times);
    return status;
}
