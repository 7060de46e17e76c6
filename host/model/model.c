/* SPDX-License-Identifier: MIT */
#include "host/model/model.h"
#include "core_cpu/cpu.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/data/split.h"
#include "host/model/scores.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

void ls_model_free(ls_model *m)
{
    if (!m) return;
    free_names(m->class_names, m->network.classes);
    free_names(m->feature_names, m->network.inputs);
    ls_encoder_free(m->encoder);
    free(m->mean);
    free(m->scale);
    free(m->values);
    free(m->history);
    ls_network_free(&m->network);
    ls_options_free(m->options);
    free(m);
}

ls_status ls_model_create(const ls_options *options, size_t features, size_t classes,
                          size_t history, ls_model **out, ls_error *err)
{
    ls_model *m;
    LS_TRY(ls_alloc(&m, 1, sizeof *m, "a model", err));
    m->summary.stopped = m->stopped;
    m->decision = ls_decision_default();
    ls_status status = ls_options_copy(options, &m->options, err);
    if (status == LS_OK)
        status = ls_network_build(&m->options->settings, features, classes, &m->network, err);
    if (status == LS_OK)
        status = ls_alloc(&m->class_names, classes, sizeof *m->class_names, "a model", err);
    if (status == LS_OK)
        status = ls_alloc(&m->feature_names, features, sizeof *m->feature_names, "a model", err);
    if (status == LS_OK)
        status = ls_alloc(&m->history, history, sizeof *m->history, "a model's history", err);
    if (status != LS_OK) {
        ls_model_free(m);
        return status;
    }
    m->summary.parameters = m->network.parameters;
    *out = m;
    return LS_OK;
}

ls_status ls_model_alloc_values(ls_model *m, ls_error *err)
{
    return ls_alloc(&m->values, m->network.parameters + m->network.running, sizeof *m->values,
                    "the network's weights", err);
}

static ls_status copy_names(ls_model *m, char *const *features, char *const *classes, ls_error *err)
{
    bool lost = false;
    for (size_t i = 0; i < m->network.inputs; i++)
        lost |= !(m->feature_names[i] = ls_strdup(features[i]));
    for (size_t i = 0; i < m->network.classes; i++)
        lost |= !(m->class_names[i] = ls_strdup(classes[i]));
    return lost ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the names of features and classes")
                : LS_OK;
}

ls_status ls_model_name(ls_model *m, const ls_data *d, ls_error *err)
{
    const ls_settings *s = &m->options->settings;
    ls_data *rest = NULL, *part = NULL;
    LS_TRY(copy_names(m, d->feature_names, d->class_names, err));
    if (!d->column) return LS_OK;
    /* the rows that its block trains on: which these are follows from the options */
    if (ls_settings_validation(s) > 0)
        LS_TRY(ls_data_cut(d, ls_settings_validation(s), s->seed, true, &rest, &part, err));
    ls_status status = ls_encoder_fit(rest ? rest : d, &m->encoder, err);
    ls_data_free(rest);
    ls_data_free(part);
    return status;
}

static ls_status copy_doubles(const double *from, size_t count, double **to, ls_error *err)
{
    if (!from) return LS_OK;
    LS_TRY(ls_alloc(to, count, sizeof **to, "a model's preprocessing", err));
    memcpy(*to, from, count * sizeof **to);
    return LS_OK;
}

static ls_status fill_copy(const ls_model *m, ls_model *to, ls_error *err)
{
    const ls_network *n = &m->network;
    LS_TRY(copy_names(to, m->feature_names, m->class_names, err));
    if (m->encoder) LS_TRY(ls_encoder_copy(m->encoder, &to->encoder, err));
    LS_TRY(ls_model_alloc_values(to, err));
    memcpy(to->values, m->values, (n->parameters + n->running) * sizeof *to->values);
    LS_TRY(copy_doubles(m->mean, n->inputs, &to->mean, err));
    LS_TRY(copy_doubles(m->scale, n->inputs, &to->scale, err));
    memcpy(to->history, m->history, m->history_count * sizeof *to->history);
    to->history_count = m->history_count;
    memcpy(to->stopped, m->stopped, sizeof to->stopped);
    to->summary = m->summary;
    to->summary.stopped = to->stopped;
    to->decision = m->decision;
    return LS_OK;
}

ls_status ls_model_copy(const ls_model *m, size_t history, ls_model **out, ls_error *err)
{
    ls_model *to;
    LS_TRY(ls_model_create(m->options, m->network.inputs, m->network.classes, history, &to, err));
    ls_status status = fill_copy(m, to, err);
    if (status != LS_OK) {
        ls_model_free(to);
        return status;
    }
    *out = to;
    return LS_OK;
}

void ls_network_targets(const ls_network *n, const int32_t *y, size_t rows, float *t)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < n->outputs; k++)
            t[r * n->outputs + k] = n->outputs == 1      ? (float)y[r]
                                    : y[r] == (int32_t)k ? 1.0f
                                                         : 0.0f;
}

/* Outputs and row losses (either may be NULL) of rows as the network sees them; losses only where
 * there are classes y. */
static ls_status infer(const ls_model *m, ls_backend *backend, const float *input, const int32_t *y,
                       size_t rows, float *outputs, float *losses, ls_error *err)
{
    const ls_network *n = &m->network;
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
        if (losses) ls_network_targets(n, y, rows, targets);
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

/* The same on a device, or on the CPU path where there is none. */
static ls_status infer_on(const ls_model *m, ls_device *device, const float *input,
                          const int32_t *y, size_t rows, float *outputs, float *losses,
                          ls_error *err)
{
    if (device) return infer(m, device->backend, input, y, rows, outputs, losses, err);
    ls_backend *cpu;
    LS_TRY(ls_cpu_open(1, NULL, &cpu, err));
    ls_status status = infer(m, cpu, input, y, rows, outputs, losses, err);
    cpu->slots->close(cpu);
    return status;
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

ls_status ls_model_infer(const ls_model *m, ls_device *device, const ls_data *raw, float *outputs,
                         float *losses, ls_error *err)
{
    float *input;
    LS_TRY(ls_model_encode(m, raw, &input, err));
    ls_status status = infer_on(m, device, input, raw->y, raw->rows, outputs, losses, err);
    free(input);
    return status;
}

/* Cells as ls_data_x has them, with the categories' numbers that the model gives them. */
static ls_status check_cells(const ls_encoder *e, const float *x, size_t rows, ls_error *err)
{
    for (size_t i = 0; i < rows * e->columns; i++) {
        const ls_column *c = &e->column[i % e->columns];
        if (!isnan(x[i]) && c->categorical &&
            !(x[i] >= 0 && x[i] < (float)c->categories && x[i] == floorf(x[i])))
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "row %zu, column %zu (from 0): %g is no category; there are %zu of them, or NaN",
                i / e->columns, i % e->columns, (double)x[i], c->categories);
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
    return ls_model_infer(m, device, &raw, out, NULL, err);
}

ls_status ls_model_predict_data(const ls_model *m, ls_device *device, const ls_data *data,
                                float *out, ls_error *err)
{
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_predict_data: an argument is NULL");
    return ls_model_infer(m, device, data, out, NULL, err);
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
    return infer_on(m, device, inputs, NULL, rows, out, NULL, err);
}

size_t ls_model_features(const ls_model *m) { return m->network.inputs; }
size_t ls_model_outputs(const ls_model *m) { return m->network.outputs; }
size_t ls_model_classes(const ls_model *m) { return m->network.classes; }

const char *ls_model_class_name(const ls_model *m, size_t i)
{
    return i < m->network.classes ? m->class_names[i] : NULL;
}

const char *ls_model_feature_name(const ls_model *m, size_t i)
{
    return i < m->network.inputs ? m->feature_names[i] : NULL;
}

const ls_history_point *ls_model_history(const ls_model *m, size_t *count)
{
    *count = m->history_count;
    return m->history;
}

void ls_model_summary(const ls_model *m, ls_summary *out) { *out = m->summary; }

const char *ls_model_option(const ls_model *m, const char *name)
{
    return ls_options_get(m->options, name);
}

/* The hash of the file's tensors: parameters and running averages in file order. */
void ls_model_weights_sha256(const ls_model *m, char hex[65])
{
    ls_tensor *tensors;
    size_t count;
    ls_sha256 hash;
    hex[0] = 0;
    if (ls_network_tensors(&m->network, &tensors, &count, NULL) != LS_OK) return;
    ls_sha256_init(&hash);
    for (size_t i = 0; i < count; i++)
        ls_sha256_update(&hash, m->values + tensors[i].offset,
                         tensors[i].rows * (tensors[i].columns ? tensors[i].columns : 1) *
                             sizeof(float));
    ls_sha256_final(&hash, hex);
    free(tensors);
}

ls_status ls_model_save(const ls_model *m, const char *path, ls_error *err)
{
    char *bytes;
    size_t size;
    LS_TRY(ls_model_serialize(m, &bytes, &size, err));
    ls_status status = ls_write_file(path, bytes, size, err);
    free(bytes);
    return status;
}

ls_status ls_model_sha256(const ls_model *m, char hex[65], ls_error *err)
{
    char *bytes;
    size_t size;
    ls_sha256 hash;
    LS_TRY(ls_model_serialize(m, &bytes, &size, err));
    ls_sha256_init(&hash);
    ls_sha256_update(&hash, bytes, size);
    ls_sha256_final(&hash, hex);
    free(bytes);
    return LS_OK;
}
