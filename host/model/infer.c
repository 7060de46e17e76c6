/* SPDX-License-Identifier: MIT */
#include "host/model/infer.h"
#include "core_cpu/cpu.h"
#include "host/base/memory.h"
#include "host/model/targets.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

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
    ls_status status = ls_encode(m->encoder, m->mean, m->scale, m->network.inputs, raw, *out, err);
    if (status == LS_OK) return LS_OK;
    free(*out);
    *out = NULL;
    return status;
}

/* ---- Running the network --------------------------------------------------------------------- */

/* Outputs and row losses (either may be NULL) for encoded rows. losses: only with `labelled`, the
 * same rows with targets. */
static ls_status infer(const ls_model *m, ls_backend *backend, const float *input,
                       const ls_data *labelled, size_t rows, float *outputs, float *losses,
                       ls_error *err)
{
    const ls_network *n = &m->network;
    assert(m->values && input && (outputs || losses) && (!losses || labelled));
    float *targets = NULL;
    ls_plan *plan = NULL;
    ls_workspace *workspace = NULL;
    size_t outs;
    if (!ls_mul_size(rows, n->outputs, &outs))
        return ls_fail(err, LS_ERR_MEMORY, "%zu rows are too many for this machine's memory", rows);
    ls_status status = ls_alloc(&targets, outs, sizeof *targets, "the targets", err);
    if (status == LS_OK)
        status = ls_plan_build(n, &m->options->settings, LS_PLAN_INFER, rows, false, &plan, err);
    if (status == LS_OK) {
        if (losses) ls_network_targets(n, labelled, m->target_mean, m->target_scale, targets);
        ls_rows data = {rows, n->inputs, n->outputs, input, targets, NULL};
        status = ls_workspace_of_one(backend, &data, plan, &workspace, err);
    }
    if (status == LS_OK)
        status = backend->slots->write(workspace, 0, 0, n->parameters + n->running, m->values, err);
    if (status == LS_OK)
        status = backend->slots->infer(workspace, 0, 0, rows, outputs, losses, err);
    if (workspace) backend->slots->workspace_close(workspace);
    ls_plan_free(plan);
    free(targets);
    return status;
}

/* The same on a device, or on the CPU path if device is NULL. */
static ls_status infer_on(const ls_model *m, ls_device *device, const float *input,
                          const ls_data *labelled, size_t rows, float *outputs, float *losses,
                          ls_error *err)
{
    if (device) return infer(m, device->backend, input, labelled, rows, outputs, losses, err);
    ls_backend *cpu;
    LS_TRY(ls_cpu_open(1, NULL, &cpu, err));
    ls_status status = infer(m, cpu, input, labelled, rows, outputs, losses, err);
    cpu->slots->close(cpu);
    return status;
}

ls_status ls_model_infer(const ls_model *m, ls_device *device, const ls_data *raw, float *outputs,
                         float *losses, ls_error *err)
{
    float *input;
    LS_TRY(ls_model_encode(m, raw, &input, err));
    ls_status status = infer_on(m, device, input, raw, raw->rows, outputs, losses, err);
    free(input);
    return status;
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
    return LS_OK;
}

ls_status ls_model_predict_data(const ls_model *m, ls_device *device, const ls_data *data,
                                float *out, ls_error *err)
{
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict_data: an argument is NULL");
    LS_TRY(ls_model_infer(m, device, data, out, NULL, err));
    to_target_units(m, data->rows, out);
    return LS_OK;
}

ls_status ls_model_predict_numbers(const ls_model *m, ls_device *device, const ls_data *data,
                                   double *out, ls_error *err)
{
    float *outputs;
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict_numbers: an argument is NULL");
    if (m->task != LS_TASK_REGRESSION)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "ls_model_predict_numbers: the model does not predict numbers");
    LS_TRY(ls_alloc(&outputs, data->rows, m->targets * sizeof *outputs, "the outputs", err));
    ls_status status = ls_model_infer(m, device, data, outputs, NULL, err);
    for (size_t i = 0; status == LS_OK && i < data->rows * m->targets; i++)
        out[i] = ls_target_number(m->target_mean, m->target_scale, i % m->targets, outputs[i]);
    free(outputs);
    return status;
}

ls_status ls_model_inputs(const ls_model *m, const ls_data *data, float *out, ls_error *err)
{
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_inputs: an argument is NULL");
    return ls_encode(m->encoder, m->mean, m->scale, m->network.inputs, data, out, err);
}

ls_status ls_model_predict_inputs(const ls_model *m, ls_device *device, const float *inputs,
                                  size_t rows, float *out, ls_error *err)
{
    if (!m || !inputs || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict_inputs: an argument is NULL");
    if (!rows) return ls_fail(err, LS_ERR_ARGUMENT, "there are no rows to predict");
    LS_TRY(infer_on(m, device, inputs, NULL, rows, out, NULL, err));
    to_target_units(m, rows, out);
    return LS_OK;
}
