/* SPDX-License-Identifier: MIT */
/* Statistics of a trained network's layers. Runs one training step at a learning rate of 0 and
 * reads back activations and gradients. These are the same bits on every device, and the sums here
 * are in double and in a fixed order, so the statistics are the same everywhere, too. */
#include "host/model/inspect.h"
#include "core_cpu/cpu.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/data/split.h"
#include "host/device/choice.h"
#include "host/model/infer.h"
#include "host/model/model.h"
#include "host/model/targets.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Limits: rows, and floats of their activations. */
enum { MOST_ROWS = 2000, MOST_FLOATS = 1 << 25 };

#define NAME(constant, name) #name,
static const char *const output_names[LS_OUTPUT_COUNT] = {LS_OUTPUTS(NAME)};
#undef NAME

/* ---- Statistics of one layer ----------------------------------------------------------------- */

static void activation_statistics(const float *a, size_t rows, ls_act act, ls_layer_info *out)
{
    double sum = 0, squares = 0, count = (double)rows * (double)out->units;
    size_t saturated = 0;
    for (size_t i = 0; i < rows * out->units; i++) {
        sum += (double)a[i];
        saturated += ls_act_saturated(act, a[i]);
    }
    out->mean = sum / count;
    for (size_t i = 0; i < rows * out->units; i++) {
        double off = (double)a[i] - out->mean;
        squares += off * off;
    }
    out->deviation = sqrt(squares / count);
    bool flat_somewhere = ls_activations[act].flat.kind != LS_FLAT_NOWHERE;
    out->saturated = flat_somewhere ? (double)saturated / count : (double)NAN;
    for (size_t u = 0; u < out->units; u++) {
        size_t r = 0;
        while (r < rows && ls_act_saturated(act, a[r * out->units + u])) r++;
        out->dead += r == rows;
    }
}

static double add_squares(double sum, const float *v, size_t count)
{
    for (size_t i = 0; i < count; i++) sum += (double)v[i] * (double)v[i];
    return sum;
}

/* Euclidean norm over a layer's weights, biases and normalisation parameters; p: all parameters, or
 * their gradients. */
static double layer_norm(const ls_layer *l, const float *p)
{
    double sum = ls_layer_weights(l) ? add_squares(0, p + l->weight, l->in * l->out) : 0;
    if (ls_layer_bias(l)) sum = add_squares(sum, p + l->bias, l->out);
    if (l->norm) sum = add_squares(add_squares(sum, p + l->gamma, l->out), p + l->beta, l->out);
    return sqrt(sum);
}

/* ---- One step -------------------------------------------------------------------------------- */

typedef struct {
    const ls_model *model;
    ls_network network; /* the model's, with a copy of its layers without dropout */
    ls_plan *plan;
    ls_workspace *workspace;
    float *input, *target, *values;
    ls_layer_info *info; /* one per layer */
    size_t rows;
} inspection;

static void inspection_close(inspection *k)
{
    if (k->workspace) k->workspace->backend->slots->workspace_close(k->workspace);
    ls_plan_free(k->plan);
    free(k->network.layer);
    free(k->input);
    free(k->target);
    free(k->values);
    free(k->info);
}

/* A plan with all rows in one batch, in file order, and no penalty terms in the gradient. Clipping,
 * at a limit that is never reached, makes the update wait for the complete gradient, so that the
 * gradient can be read. */
static ls_status build_plan(inspection *k, ls_error *err)
{
    ls_settings s = k->model->options->settings;
    s.optimizer = LS_OPT_sgd;
    s.batch = 0;
    s.order = LS_ORDER_FILE;
    s.reduction = LS_REDUCE_MEAN;
    s.patience = 0;
    s.l1 = s.l2 = s.max_norm = 0;
    s.clip = 1e30;
    k->network = k->model->network;
    k->network.layer = NULL;
    LS_TRY(ls_alloc(&k->network.layer, k->network.count, sizeof *k->network.layer, "the layers",
                    err));
    memcpy(k->network.layer, k->model->network.layer, k->network.count * sizeof *k->network.layer);
    for (size_t i = 0; i < k->network.count; i++) k->network.layer[i].dropout = 0;
    return ls_plan_build(&k->network, &s, LS_PLAN_TRAIN, k->rows, false, &k->plan, err);
}

static ls_status run_step(inspection *k, ls_backend *backend, const ls_data *rows, ls_error *err)
{
    const ls_network *n = &k->model->network;
    float loss;
    ls_rates rates = {.keep = 1.0f}; /* a rate of 0 keeps the weights */
    const ls_run step = {.count = 1, .rates = &rates, .losses = &loss, .keep = true};
    LS_TRY(ls_model_encode(k->model, rows, &k->input, err));
    LS_TRY(ls_alloc(&k->target, rows->rows, n->outputs * sizeof *k->target, "the targets", err));
    ls_network_targets(n, rows, k->model->target_mean, k->model->target_scale, k->target);
    LS_TRY(build_plan(k, err));
    const ls_rows data = {rows->rows, n->inputs, n->outputs, k->input, k->target, NULL};
    LS_TRY(ls_workspace_of_one(backend, &data, k->plan, &k->workspace, err));
    LS_TRY(backend->slots->write(k->workspace, 0, 0, n->parameters + n->running, k->model->values,
                                 err));
    return backend->slots->run(k->workspace, &step, 1, err);
}

/* Where a step or an inference stores a layer's activations. */
static size_t activation_at(const ls_ops *ops, size_t layer)
{
    size_t at = 0;
    for (size_t i = 0; i < ops->count; i++) {
        const ls_op *op = &ops->op[i];
        bool gives = op->kind == LS_OP_DENSE || op->kind == LS_OP_NORM ||
                     op->kind == LS_OP_NORM_FIXED || op->kind == LS_OP_LOSS ||
                     op->kind == LS_OP_CONV || op->kind == LS_OP_ACT || op->kind == LS_OP_PIECES ||
                     op->kind == LS_OP_MAX_POOL || op->kind == LS_OP_AVG_POOL;
        if (gives && op->layer == (int)layer && ls_there(op->a)) at = op->a.at;
    }
    return at;
}

/* Where it stores the gradients. */
static size_t gradients_at(const ls_plan *p)
{
    for (size_t i = 0; i < p->step.count; i++)
        if (p->step.op[i].kind == LS_OP_CLIP) return p->step.op[i].x.at;
    return 0;
}

/* Reads the gradients, then the activations layer by layer, into the same buffer. */
static ls_status read_statistics(inspection *k, ls_error *err)
{
    /* activations with the same saturation */
    static const ls_act output_acts[LS_OUTPUT_COUNT] = {[LS_OUTPUT_SIGMOID] = LS_ACT_sigmoid,
                                                        [LS_OUTPUT_SOFTMAX] = LS_ACT_sigmoid,
                                                        [LS_OUTPUT_IDENTITY] = LS_ACT_identity};
    const ls_network *n = &k->model->network;
    const ls_backend_slots *slots = k->workspace->backend->slots;
    size_t room = n->parameters;
    for (size_t i = 0; i < n->count; i++)
        if (ls_layer_width(&n->layer[i]) * k->rows > room)
            room = ls_layer_width(&n->layer[i]) * k->rows;
    LS_TRY(ls_alloc(&k->values, room, sizeof *k->values, "the activations", err));
    LS_TRY(ls_alloc(&k->info, n->count, sizeof *k->info, "the layers", err));
    ls_layer_info *out = k->info;
    LS_TRY(slots->read(k->workspace, 0, gradients_at(k->plan), n->parameters, k->values, err));
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        bool last = i + 1 == n->count;
        out[i] = (ls_layer_info){.inputs = l->in,
                                 .units = l->out,
                                 .activation = last ? output_names[n->output]
                                                    : ls_activations[l->act].name,
                                 .weight_norm = layer_norm(l, k->model->values),
                                 .gradient_norm = layer_norm(l, k->values)};
    }
    for (size_t i = 0; i < n->count; i++) {
        bool last = i + 1 == n->count;
        size_t rows = k->rows * n->layer[i].points; /* a unit is a channel, at every position */
        LS_TRY(slots->read(k->workspace, 0, activation_at(&k->plan->step, i), rows * out[i].units,
                           k->values, err));
        activation_statistics(k->values, rows, last ? output_acts[n->output] : n->layer[i].act,
                              &out[i]);
        if (last) out[i].dead = 0;
    }
    return LS_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Number of rows to use. */
static size_t most_rows(const ls_network *n)
{
    size_t floats = n->inputs;
    for (size_t i = 0; i < n->count; i++) floats += ls_layer_width(&n->layer[i]);
    return MOST_ROWS < MOST_FLOATS / floats ? MOST_ROWS : MOST_FLOATS / floats + 1;
}

static ls_status inspect_rows(const ls_model *m, ls_backend *backend, const ls_data *data,
                              ls_layer_info *out, ls_error *err)
{
    inspection k = {.model = m, .rows = data->rows};
    ls_status status = run_step(&k, backend, data, err);
    if (status == LS_OK) status = read_statistics(&k, err);
    for (size_t i = 0; status == LS_OK && i < m->network.count; i++)
        LS_WRITE_STRUCT(ls_layer_info, out, i, &k.info[i]);
    inspection_close(&k);
    return status;
}

ls_status ls_model_layers(const ls_model *m, ls_device *device, const ls_data *data,
                          ls_layer_info *out, size_t *rows, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!m || !data || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_model_layers: an argument is NULL");
    LS_TRY(LS_CHECK_STRUCT(ls_layer_info, out, err));
    if (m->ensemble)
        return ls_fail(err, LS_ERR_UNSUPPORTED,
                       "the model is an ensemble; its members have layers (ls_model_member)");
    LS_TRY(ls_model_check_rows(m, data, err));
    ls_data *part;
    ls_backend *cpu = NULL;
    LS_TRY(ls_data_thin(data, most_rows(&m->network), &part, err));
    if (part) data = part;
    ls_error why;
    ls_status status = device ? LS_OK : ls_cpu_open(1, NULL, &cpu, err);
    if (status == LS_OK) {
        do status = inspect_rows(m, device ? device->backend : cpu, data, out, &why);
        while (status == LS_ERR_DEVICE && device && ls_choice_replace(device, &why));
        if (status != LS_OK) ls_fail(err, status, "%s", why.message);
    }
    if (status == LS_OK && rows) *rows = data->rows;
    if (cpu) cpu->slots->close(cpu);
    ls_data_free(part);
    return status;
}

/* ---- Outputs of the first layer -------------------------------------------------------------- */

const ls_layer *ls_model_first_convolution(const ls_model *m)
{
    return m->network.layer[0].kind == LS_LAYER_CONV ? &m->network.layer[0] : NULL;
}

/* Rows one by one, as a block may be as small as that. */
static ls_status read_maps(inspection *k, ls_backend *backend, ls_error *err)
{
    const ls_network *n = &k->model->network;
    const ls_backend_slots *slots = backend->slots;
    size_t width = ls_layer_width(&n->layer[0]);
    LS_TRY(ls_alloc(&k->target, k->rows, n->outputs * sizeof *k->target, "the targets", err));
    LS_TRY(ls_alloc(&k->values, k->rows, width * sizeof *k->values, "the activations", err));
    LS_TRY(ls_plan_build(n, &k->model->options->settings, LS_PLAN_INFER, 1, false, &k->plan, err));
    const ls_rows data = {k->rows, n->inputs, n->outputs, k->input, k->target, NULL};
    LS_TRY(ls_workspace_of_one(backend, &data, k->plan, &k->workspace, err));
    LS_TRY(slots->write(k->workspace, 0, 0, n->parameters + n->running, k->model->values, err));
    for (size_t i = 0; i < k->rows; i++) {
        LS_TRY(slots->infer(k->workspace, 0, i, 1, NULL, NULL, err));
        LS_TRY(slots->read(k->workspace, 0, activation_at(&k->plan->infer, 0), width,
                           k->values + i * width, err));
    }
    return LS_OK;
}

ls_status ls_model_maps(const ls_model *m, const ls_data *rows, float **out, ls_error *err)
{
    ls_backend *cpu;
    inspection k = {.model = m, .rows = rows->rows};
    LS_TRY(ls_cpu_open(1, NULL, &cpu, err));
    ls_status status = ls_model_encode(m, rows, &k.input, err);
    if (status == LS_OK) status = read_maps(&k, cpu, err);
    if (status == LS_OK) *out = k.values, k.values = NULL;
    inspection_close(&k);
    cpu->slots->close(cpu);
    return status;
}
