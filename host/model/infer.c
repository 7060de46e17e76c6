/* SPDX-License-Identifier: MIT */
#include "host/model/infer.h"
#include "core_cpu/cpu.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/data/walk.h"
#include "host/device/choice.h"
#include "host/model/ensemble.h"
#include "host/model/targets.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rows ------------------------------------------------------------------------------------ */

static ls_status check_classes(const ls_model *m, const ls_data *data, ls_error *err)
{
    for (size_t r = 0; r < data->rows; r++)
        if (data->y[r] < 0 || (size_t)data->y[r] >= m->network.classes)
            return ls_fail(err, LS_ERR_DATA, "row %zu has class %d, the model knows 0 to %zu",
                           r + 1, (int)data->y[r], m->network.classes - 1);
    return LS_OK;
}

ls_status ls_model_check_rows(const ls_model *m, const ls_data *data, ls_error *err)
{
    static const char *const kinds[] = {[LS_TASK_CLASSIFICATION] = "classes",
                                        [LS_TASK_REGRESSION] = "numbers",
                                        [LS_TASK_MULTILABEL] = "labels"};
    bool targets = ls_data_has_targets(data);
    if (!targets && data->task == m->task)
        return ls_fail(err, LS_ERR_ARGUMENT, "the data has no %s to compare with", kinds[m->task]);
    if (data->task != m->task)
        return ls_fail(err, LS_ERR_ARGUMENT, "the model predicts %s, but the data has %s",
                       kinds[m->task], targets ? kinds[data->task] : "none");
    if (m->task != LS_TASK_CLASSIFICATION && data->targets != m->targets)
        return ls_fail(err, LS_ERR_DATA, "the data has %zu targets, the model predicts %zu",
                       data->targets, m->targets);
    if (!m->encoder && data->features != m->network.inputs)
        return ls_fail(err, LS_ERR_DATA, "the data has %zu features, the model takes %zu",
                       data->features, m->network.inputs);
    return m->task == LS_TASK_CLASSIFICATION ? check_classes(m, data, err) : LS_OK;
}

ls_status ls_model_encode(const ls_model *m, const ls_data *raw, float **out, ls_error *err)
{
    size_t inputs;
    if (!ls_mul_size(raw->rows, m->network.inputs, &inputs))
        return ls_fail(err, LS_ERR_MEMORY, "%zu rows are too many for this machine's memory",
                       raw->rows);
    LS_TRY(ls_alloc(out, inputs, sizeof **out, "the inputs", err));
    const ls_number_scaling scaling = ls_model_scaling(m);
    ls_status status = ls_encode(m->encoder, &scaling, m->network.inputs, raw, *out, err);
    if (status == LS_OK) status = ls_network_arrange(&m->network, *out, raw->rows, err);
    if (status == LS_OK) return LS_OK;
    free(*out);
    *out = NULL;
    return status;
}

/* ---- Running the network --------------------------------------------------------------------- */

/* Numbers that the inputs and outputs of a block have, about: few enough for the cache that cores
 * share, so many that what is done once per block takes no time. */
enum { BLOCK_FLOATS = 1 << 20, LEAST_ROWS = 1024, MOST_ROWS = 1 << 16 };

struct ls_inference {
    const ls_model *model;
    ls_device *device;         /* or NULL */
    ls_backend *backend, *own; /* own: opened here, or NULL */
    size_t rows;               /* most rows of a block */
    ls_plan *plan;
    ls_workspace *workspace;
    float *input, *target; /* of a block: rows × inputs, rows × outputs */
    /* Of an ensemble, which uses none of the above but `model` and `rows`. */
    ls_inference **member;
    float *outputs; /* of a member: rows × outputs */
    double *sum;    /* of the members: rows × outputs */
};

static size_t block_rows(const ls_network *n, size_t rows)
{
    size_t most = BLOCK_FLOATS / (n->inputs + n->outputs) / LS_INFER_ROWS * LS_INFER_ROWS;
    most = most < LEAST_ROWS ? LEAST_ROWS : most > MOST_ROWS ? MOST_ROWS : most;
    return rows < most ? rows : most;
}

static ls_status prepare(ls_inference *f, ls_error *err)
{
    const ls_model *m = f->model;
    const ls_network *n = &m->network;
    size_t inputs, outputs;
    assert(m->values);
    if (!ls_mul_size(f->rows, n->inputs, &inputs) || !ls_mul_size(f->rows, n->outputs, &outputs))
        return ls_fail(err, LS_ERR_MEMORY, "%zu rows are too many for this machine's memory",
                       f->rows);
    LS_TRY(ls_alloc(&f->input, inputs, sizeof *f->input, "the inputs", err));
    LS_TRY(ls_alloc(&f->target, outputs, sizeof *f->target, "the targets", err));
    LS_TRY(ls_plan_build(n, &m->options->settings, LS_PLAN_INFER, f->rows, false, &f->plan, err));
    const ls_rows data = {f->rows, n->inputs, n->outputs, f->input, f->target, NULL};
    LS_TRY(ls_workspace_of_one(f->backend, &data, f->plan, &f->workspace, err));
    return f->backend->slots->write(f->workspace, 0, 0, n->parameters + n->running, m->values, err);
}

/* Frees what is on the device. */
static void leave(ls_inference *f)
{
    if (f->workspace) f->backend->slots->workspace_close(f->workspace);
    ls_plan_free(f->plan);
    free(f->input);
    free(f->target);
    f->workspace = NULL;
    f->plan = NULL;
    f->input = f->target = NULL;
}

/* Whether another device has taken the place of this one, which has failed. */
static bool is_replaced(ls_inference *f, ls_status status, const ls_error *why)
{
    if (!f->device || (status != LS_ERR_DEVICE && status != LS_ERR_MEMORY)) return false;
    if (f->backend == f->device->backend && !ls_choice_replace(f->device, why)) return false;
    leave(f);
    f->backend = f->device->backend;
    return true;
}

/* After a failure: whether what failed can be repeated on another device. *status and *why are then
 * those of getting there. */
static bool recovers(ls_inference *f, ls_status *status, ls_error *why)
{
    while (is_replaced(f, *status, why))
        if ((*status = prepare(f, why)) == LS_OK) return true;
    return false;
}

static ls_status open_members(ls_inference *f, ls_device *device, size_t rows, ls_error *err)
{
    const ls_ensemble *e = f->model->ensemble;
    const size_t width = f->model->network.outputs;
    LS_TRY(ls_alloc(&f->member, e->members, sizeof *f->member, "the inference", err));
    for (size_t i = 0; i < e->members; i++) {
        LS_TRY(ls_inference_open(e->member[i], device, rows, &f->member[i], err));
        if (f->member[i]->rows < f->rows) f->rows = f->member[i]->rows;
    }
    LS_TRY(ls_alloc(&f->outputs, f->rows, width * sizeof *f->outputs, "the outputs", err));
    return ls_alloc(&f->sum, f->rows, width * sizeof *f->sum, "the outputs", err);
}

static ls_status open_ensemble(const ls_model *m, ls_device *device, size_t rows,
                               ls_inference **out, ls_error *err)
{
    enum { MOST_MEMBER_ROWS = 4096 }; /* each member has memory for a block */
    ls_inference *f;
    LS_TRY(ls_alloc(&f, 1, sizeof *f, "the inference", err));
    if (rows > MOST_MEMBER_ROWS) rows = MOST_MEMBER_ROWS;
    *f = (ls_inference){.model = m, .device = device, .rows = rows};
    ls_status status = open_members(f, device, rows, err);
    if (status != LS_OK) ls_inference_close(f);
    else *out = f;
    return status;
}

ls_status ls_inference_open(const ls_model *m, ls_device *device, size_t rows, ls_inference **out,
                            ls_error *err)
{
    ls_inference *f;
    assert(rows > 0);
    if (m->ensemble) return open_ensemble(m, device, rows, out, err);
    LS_TRY(ls_alloc(&f, 1, sizeof *f, "the inference", err));
    *f = (ls_inference){.model = m, .device = device, .rows = block_rows(&m->network, rows)};
    ls_status status = device ? LS_OK : ls_cpu_open(1, NULL, &f->own, err);
    f->backend = device ? device->backend : f->own;
    ls_error why;
    if (status == LS_OK && (status = prepare(f, &why)) != LS_OK && !recovers(f, &status, &why))
        status = ls_fail(err, status, "%s", why.message);
    if (status != LS_OK) ls_inference_close(f);
    else *out = f;
    return status;
}

void ls_inference_close(ls_inference *f)
{
    if (!f) return;
    for (size_t i = 0; f->member && i < f->model->ensemble->members; i++)
        ls_inference_close(f->member[i]);
    free(f->member);
    free(f->outputs);
    free(f->sum);
    leave(f);
    if (f->own) f->own->slots->close(f->own);
    free(f);
}

size_t ls_inference_rows(const ls_inference *f) { return f->rows; }

/* Runs a block of encoded rows. labelled: the same rows with targets, needed for losses. */
static ls_status run_block(ls_inference *f, const float *input, const ls_data *labelled,
                           size_t rows, float *outputs, float *losses, ls_error *err)
{
    const ls_model *m = f->model;
    const ls_network *n = &m->network;
    assert(rows <= f->rows && (outputs || losses) && (!losses || labelled));
    if (losses) ls_network_targets(n, labelled, m->target_mean, m->target_scale, f->target);
    const ls_rows data = {rows, n->inputs, n->outputs, input, f->target, NULL};
    LS_TRY(f->backend->slots->workspace_load(f->workspace, &data, err));
    return f->backend->slots->infer(f->workspace, 0, 0, rows, outputs, losses, err);
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static float *from_row(float *values, size_t row, size_t width)
{
    return values ? values + row * width : NULL;
}

/* A block of raw rows. */
static ls_status encode_and_run(ls_inference *f, const ls_data *block, float *outputs,
                                float *losses, ls_error *err)
{
    const ls_model *m = f->model;
    const ls_number_scaling scaling = ls_model_scaling(m);
    LS_TRY(ls_encode(m->encoder, &scaling, m->network.inputs, block, f->input, err));
    LS_TRY(ls_network_arrange(&m->network, f->input, block->rows, err));
    return run_block(f, f->input, block, block->rows, outputs, losses, err);
}

static ls_status run_members(ls_inference *f, const ls_data *block, float *outputs, float *losses,
                             ls_error *err)
{
    const ls_model *m = f->model;
    const size_t width = m->network.outputs;
    float *mean = outputs ? outputs : f->outputs, *t = NULL;
    memset(f->sum, 0, block->rows * width * sizeof *f->sum);
    for (size_t i = 0; i < m->ensemble->members; i++) {
        LS_TRY(ls_inference_run(f->member[i], block, f->outputs, NULL, err));
        ls_ensemble_add(m, i, f->outputs, block->rows, f->sum);
    }
    ls_ensemble_mean(m, f->sum, block->rows, mean);
    if (!losses) return LS_OK;
    LS_TRY(ls_alloc(&t, block->rows, width * sizeof *t, "the targets", err));
    ls_network_targets(&m->network, block, m->target_mean, m->target_scale, t);
    ls_ensemble_losses(m, mean, t, block->rows, losses);
    free(t);
    return LS_OK;
}

/* Rows whose cells are in memory. */
static ls_status run_kept(ls_inference *f, const ls_data *raw, float *outputs, float *losses,
                          ls_error *err)
{
    const ls_network *n = &f->model->network;
    for (size_t at = 0, rows; at < raw->rows; at += rows) {
        rows = smaller(raw->rows - at, f->rows);
        const ls_data block = ls_data_block(raw, at, rows);
        ls_error why;
        if (f->member) {
            LS_TRY(run_members(f, &block, from_row(outputs, at, n->outputs),
                               from_row(losses, at, 1), err));
            continue;
        }
        ls_status status = encode_and_run(f, &block, from_row(outputs, at, n->outputs),
                                          from_row(losses, at, 1), &why);
        while (status != LS_OK && recovers(f, &status, &why))
            status = encode_and_run(f, &block, from_row(outputs, at, n->outputs),
                                    from_row(losses, at, 1), &why);
        if (status != LS_OK) return ls_fail(err, status, "%s", why.message);
    }
    return LS_OK;
}

typedef struct {
    ls_inference *f;
    float *outputs, *losses;
} run_walk;

static ls_status run_walked(void *user, const ls_data *block, size_t first, ls_error *err)
{
    const run_walk *w = user;
    return run_kept(w->f, block, from_row(w->outputs, first, w->f->model->network.outputs),
                    from_row(w->losses, first, 1), err);
}

ls_status ls_inference_run(ls_inference *f, const ls_data *raw, float *outputs, float *losses,
                           ls_error *err)
{
    return ls_data_walk(raw, run_walked, &(run_walk){f, outputs, losses}, err);
}

ls_status ls_model_infer(const ls_model *m, ls_device *device, const ls_data *raw, float *outputs,
                         float *losses, ls_error *err)
{
    ls_inference *f;
    LS_TRY(ls_inference_open(m, device, raw->rows, &f, err));
    ls_status status = ls_inference_run(f, raw, outputs, losses, err);
    ls_inference_close(f);
    return status;
}

static double unclipped(double z, double clip)
{
    const double most = 0.9999;
    double share = clip > 0 ? z / clip : 0;
    if (share > most) share = most;
    if (share < -most) share = -most;
    return clip > 0 ? share * clip / sqrt(1 - share * share) : z;
}

/* An ensemble takes rows, whose members see them in ways of their own. */
static ls_status infer_standardised(const ls_model *m, ls_device *device, const float *input,
                                    size_t rows, float *outputs, ls_error *err)
{
    const size_t inputs = m->network.inputs;
    float *x;
    if (m->encoder || !m->mean || m->quantiles)
        return ls_fail(
            err, LS_ERR_UNSUPPORTED,
            "an ensemble whose rows have categories, missing values or quantiles predicts rows, "
            "not inputs of a network");
    LS_TRY(ls_alloc(&x, rows, inputs * sizeof *x, "the inputs", err));
    for (size_t i = 0; i < rows * inputs; i++)
        x[i] = (float)(unclipped(input[i], m->clip) / m->scale[i % inputs] + m->mean[i % inputs]);
    const ls_data raw = {.rows = rows, .columns = inputs, .features = inputs, .x = x};
    ls_status status = ls_model_infer(m, device, &raw, outputs, NULL, err);
    free(x);
    return status;
}

static ls_status infer_inputs(const ls_model *m, ls_device *device, const float *input, size_t rows,
                              float *outputs, ls_error *err)
{
    ls_inference *f;
    ls_error why;
    const ls_network *n = &m->network;
    if (m->ensemble) return infer_standardised(m, device, input, rows, outputs, err);
    LS_TRY(ls_inference_open(m, device, rows, &f, err));
    ls_status status = LS_OK;
    for (size_t at = 0, count; at < rows && status == LS_OK; at += count) {
        count = smaller(rows - at, f->rows);
        status = run_block(f, input + at * n->inputs, NULL, count, outputs + at * n->outputs, NULL,
                           &why);
        while (status != LS_OK && recovers(f, &status, &why))
            status = run_block(f, input + at * n->inputs, NULL, count, outputs + at * n->outputs,
                               NULL, &why);
    }
    ls_inference_close(f);
    return status == LS_OK ? LS_OK : ls_fail(err, status, "%s", why.message);
}

ls_status ls_model_check_outputs(const ls_model *m, const float *outputs, size_t rows, size_t first,
                                 ls_error *err)
{
    const size_t width = m->network.outputs;
    for (size_t i = 0; i < rows * width; i++)
        if (!isfinite(outputs[i]))
            return ls_fail(err, LS_ERR_DATA,
                           "row %zu: the network's output is not a finite number; a value of this "
                           "row lies far outside the training rows",
                           first + i / width + 1);
    return LS_OK;
}

/* ---- The public functions -------------------------------------------------------------------- */

/* Outputs in units of the targets, in place. */
static void to_target_units(const ls_model *m, size_t rows, float *out)
{
    for (size_t i = 0; m->target_scale && i < rows * m->targets; i++)
        out[i] = (float)ls_target_number(m->target_mean, m->target_scale, i % m->targets, out[i]);
}

/* Checks cells in the layout of ls_data_x, categories numbered as in the model. */
static ls_status check_cells(const ls_encoder *e, const float *x, size_t rows, ls_error *err)
{
    for (size_t i = 0; i < rows * e->columns; i++) {
        const ls_column *c = &e->column[i % e->columns];
        if (!isnan(x[i]) && c->categorical &&
            !(x[i] >= 0 && x[i] < (float)c->categories && x[i] == floorf(x[i])))
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "row %zu, column %zu (from 0): %g is not a category; use 0 to %zu, or NaN",
                i / e->columns, i % e->columns, (double)x[i],
                c->categories ? c->categories - 1 : 0);
    }
    return LS_OK;
}

ls_status ls_model_predict(const ls_model *m, ls_device *device, const float *x, size_t rows,
                           float *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!m || !x || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict: an argument is NULL");
    if (!rows) return ls_fail(err, LS_ERR_ARGUMENT, "there are no rows to predict");
    if (m->encoder) LS_TRY(check_cells(m->encoder, x, rows, err));
    const ls_data raw = {.rows = rows,
                         .columns = m->encoder ? m->encoder->columns : m->network.inputs,
                         .x = (float *)x,
                         .column = m->encoder ? m->encoder->column : NULL};
    LS_TRY(ls_model_infer(m, device, &raw, out, NULL, err));
    to_target_units(m, rows, out);
    return ls_model_check_outputs(m, out, rows, 0, err);
}

ls_status ls_model_predict_data(const ls_model *m, ls_device *device, const ls_data *data,
                                float *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict_data: an argument is NULL");
    LS_TRY(ls_model_infer(m, device, data, out, NULL, err));
    to_target_units(m, data->rows, out);
    return ls_model_check_outputs(m, out, data->rows, data->first, err);
}

ls_status ls_model_predict_numbers(const ls_model *m, ls_device *device, const ls_data *data,
                                   double *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    float *outputs;
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict_numbers: an argument is NULL");
    if (m->task != LS_TASK_REGRESSION)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "ls_model_predict_numbers: the model does not predict numbers");
    LS_TRY(ls_alloc(&outputs, data->rows, m->targets * sizeof *outputs, "the outputs", err));
    ls_status status = ls_model_infer(m, device, data, outputs, NULL, err);
    if (status == LS_OK) status = ls_model_check_outputs(m, outputs, data->rows, data->first, err);
    for (size_t i = 0; status == LS_OK && i < data->rows * m->targets; i++)
        out[i] = ls_target_number(m->target_mean, m->target_scale, i % m->targets, outputs[i]);
    free(outputs);
    return status;
}

ls_status ls_model_inputs(const ls_model *m, const ls_data *data, float *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_inputs: an argument is NULL");
    const ls_number_scaling scaling = ls_model_scaling(m);
    LS_TRY(ls_encode(m->encoder, &scaling, m->network.inputs, data, out, err));
    return ls_network_arrange(&m->network, out, data->rows, err);
}

ls_status ls_model_predict_inputs(const ls_model *m, ls_device *device, const float *inputs,
                                  size_t rows, float *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!m || !inputs || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict_inputs: an argument is NULL");
    if (!rows) return ls_fail(err, LS_ERR_ARGUMENT, "there are no rows to predict");
    LS_TRY(infer_inputs(m, device, inputs, rows, out, err));
    to_target_units(m, rows, out);
    return ls_model_check_outputs(m, out, rows, 0, err);
}
