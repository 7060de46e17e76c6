/* SPDX-License-Identifier: MIT */
/* Short runs that are compared with the CPU path bit by bit in one of the device's ways. Most are
 * generated from the tables of activations and optimizers, so that a new entry is compared without
 * a change here. The self-check fails if an operation, activation, optimizer, loss or output is not
 * reached by any run.
 *
 * Five kinds of runs:
 *   fixed:     whole networks in layered mode. Each function that follows a product is compiled by
 *              itself, which takes most of the time of the self-check, so these are few.
 *   chunkwise: every activation and optimizer in chunk-wise mode, whose one kernel has all of them.
 *   updates:   every optimizer, loss and output in layered mode. Clipping keeps the optimizers out
 *              of the products' kernels, so that nothing more is compiled.
 *   inference: every activation in layered mode. After batch normalisation it is a kernel of its
 *              own, so that nothing more is compiled here, either.
 *   images:    every operation on images, in layered mode, which is the only one for them. A
 *              derivative that reads z and one that reads a have to do: each is compiled by
 *              itself. */
#include "host/opencl/check_runs.h"
#include "host/base/memory.h"
#include "host/network/chunks.h"
#include "host/network/network.h"
#include "host/network/pieces.h"
#include "host/opencl/cl_run.h"
#include "kernels/random.h"
#include <stdlib.h>
#include <string.h>

enum { ROWS = 150, FEATURES = 7, STEPS = 4, SETTINGS = 8 };

typedef struct {
    const char *name, *value;
} setting;

typedef struct {
    ls_plan_use use;
    bool mode[LS_CHECK_MODES];
    bool image;
    size_t features;
    ls_shape shape;
    ls_options *options;
} check_case;

#define CLASSES(n)                                                                                 \
    {                                                                                              \
        LS_TASK_CLASSIFICATION, n, 1, {0, 0, 0}, NULL                                              \
    }
#define NUMBERS(n)                                                                                 \
    {                                                                                              \
        LS_TASK_REGRESSION, 0, n, {0, 0, 0}, NULL                                                  \
    }
#define LABELS(n)                                                                                  \
    {                                                                                              \
        LS_TASK_MULTILABEL, 0, n, {0, 0, 0}, NULL                                                  \
    }

/* ---- The list of runs ------------------------------------------------------------------------ */

static const struct {
    ls_shape shape;
    bool chunkwise;
    setting set[SETTINGS];
} fixed[] = {
    {CLASSES(3),
     false,
     {{"hidden", "17,5,5,5"},
      {"activation", "gelu"},
      {"batch", "70"},
      {"dropout", "0.25"},
      {"residual", "on"},
      {"clip", "0.5"},
      {"batch-norm", "on"},
      {"class-weights", "1,2,0.5"}}},
    {CLASSES(2),
     true,
     {{"hidden", "33,4"},
      {"activation", "tanh,elu"},
      {"batch", "full"},
      {"optimizer", "momentum"},
      {"max-norm", "0.7"},
      {"l1", "0.001"},
      {"lr", "0.1"}}},
    {CLASSES(2), true, {{"hidden", "6,6,6"}, {"residual", "on"}, {"batch", "100"}}},
};

/* Patterns of chunk-wise runs; `layers` hidden layers get the next activations of the table, and
 * the run the next optimizer. Scratch is small enough for a GPU's local memory, except for the
 * widest layer. */
static const struct {
    ls_shape shape;
    size_t layers;
    const char *batch;
    setting set[SETTINGS];
} chunkwise[] = {
    {CLASSES(3),
     4,
     "70",
     {{"hidden", "17,5,5,5"},
      {"dropout", "0.25"},
      {"residual", "on"},
      {"clip", "0.5"},
      {"class-weights", "1,2,0.5"}}},
    {CLASSES(2),
     3,
     "64",
     {{"hidden", "128,6,3"}, {"order", "file"}, {"output", "softmax"}, {"max-norm", "0.5"}}},
    {CLASSES(2), 2, "65", {{"hidden", "9,9"}, {"output", "identity"}}},
    {CLASSES(4),
     0,
     "1",
     {{"hidden", "none"}, {"output", "sigmoid"}, {"loss", "mse"}, {"l2", "0.01"}}},
    {CLASSES(2), 1, "128", {{"hidden", "5"}, {"dropout", "0.5"}, {"clip", "0.01"}}},
    {NUMBERS(1), 1, "33", {{"hidden", "6"}, {"loss", "mae"}}},
    {NUMBERS(3), 1, "100", {{"hidden", "5"}, {"loss", "huber"}, {"huber-delta", "0.7"}}},
    {LABELS(3), 1, "65", {{"hidden", "7"}}},
    {CLASSES(5), 1, "70", {{"hidden", "6"}, {"label-smoothing", "0.1"}}},
    {CLASSES(2), 1, "33", {{"hidden", "6"}, {"label-smoothing", "0.3"}}},
    {CLASSES(3), 1, "70", {{"hidden", "6"}, {"embedding", "piecewise"}, {"bins", "3"}}},
};

/* Outputs and losses of the runs for updates. */
static const struct {
    ls_shape shape;
    setting set[SETTINGS];
} targets[] = {
    {CLASSES(3), {{"output", "softmax"}}},
    {CLASSES(2), {{"output", "sigmoid"}}},
    {CLASSES(2), {{"output", "identity"}}},
    {CLASSES(4), {{"output", "sigmoid"}, {"loss", "mse"}}},
    {NUMBERS(2), {{"loss", "mae"}}},
    {NUMBERS(1), {{"loss", "huber"}, {"huber-delta", "0.7"}}},
    {LABELS(5), {{"loss", "bce"}}},
    {CLASSES(3), {{"label-smoothing", "0.2"}}},
    {LABELS(2), {{"label-smoothing", "0.2"}}},
    {CLASSES(2), {{"embedding", "piecewise"}}},
};

static const struct {
    const char *shape, *net;
    size_t features;
    setting set[SETTINGS];
} images[] = {
    /* the first with columns in pairs of vectors, whether these have 8 or 16 floats */
    {"3x7x6",
     "conv 6 3 same stride 2, batchnorm, gelu, residual project (conv 31 3 same, gelu, depthwise 3 "
     "same, batchnorm), relu, avgpool 2 stride 1 same, dropout 0.2, dense",
     126,
     {{"batch", "70"}, {"augment-shift", "2"}, {"augment-flip", "on"}}},
    {"2x9x8",
     "maxpool 2x3 stride 1 same, conv 32 3 stride 2 dilation 2 same groups 2, relu, maxpool 3 "
     "stride 2 same, relu, conv 17 1, globalpool, dense",
     144,
     {{"batch", "full"}, {"optimizer", "momentum"}}},
};

#define LS_COUNT(array) (sizeof(array) / sizeof *(array))

static ls_status set_all(ls_options *options, const setting *set, ls_error *err)
{
    for (size_t i = 0; i < SETTINGS && set[i].name; i++)
        LS_TRY(ls_options_set(options, set[i].name, set[i].value, err));
    return LS_OK;
}

static ls_status set_optimizer(ls_options *options, size_t opt, const char *batch, ls_error *err)
{
    LS_TRY(ls_options_set(options, "optimizer", ls_optimizers[opt].name, err));
    return ls_options_set(options, "batch", ls_optimizers[opt].full_batch ? "full" : batch, err);
}

/* `count` activations of the table from `first` on, which starts again at its end. */
static ls_status set_activations(ls_options *options, size_t first, size_t count, ls_error *err)
{
    char names[256] = "";
    for (size_t i = 0, length = 0; i < count && length < sizeof names; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? "," : "",
                                   ls_activations[(first + i) % LS_ACT_COUNT].name);
    return count ? ls_options_set(options, "activation", names, err) : LS_OK;
}

static ls_status chunkwise_case(size_t i, check_case *c, ls_error *err)
{
    const size_t pattern = i % LS_COUNT(chunkwise);
    size_t layers = 0;
    for (size_t k = 0; k < i; k++) layers += chunkwise[k % LS_COUNT(chunkwise)].layers;
    c->shape = chunkwise[pattern].shape;
    c->mode[LS_CHECK_CHUNKWISE] = true;
    LS_TRY(set_all(c->options, chunkwise[pattern].set, err));
    LS_TRY(set_activations(c->options, layers, chunkwise[pattern].layers, err));
    return set_optimizer(c->options, i % LS_OPT_COUNT, chunkwise[pattern].batch, err);
}

/* Runs until each pattern, optimizer and activation has had its turn. */
static size_t chunkwise_cases(void)
{
    size_t i = 0, layers = 0;
    while (i < LS_COUNT(chunkwise) || i < LS_OPT_COUNT || layers < LS_ACT_COUNT)
        layers += chunkwise[i++ % LS_COUNT(chunkwise)].layers;
    return i;
}

static ls_status update_case(size_t i, check_case *c, ls_error *err)
{
    const size_t target = i % LS_COUNT(targets);
    c->shape = targets[target].shape;
    c->mode[LS_CHECK_LAYERED] = true;
    LS_TRY(ls_options_set(c->options, "hidden", "none", err));
    LS_TRY(ls_options_set(c->options, "clip", "0.5", err));
    LS_TRY(set_all(c->options, targets[target].set, err));
    return set_optimizer(c->options, i % LS_OPT_COUNT, "100", err);
}

enum {
    UPDATE_CASES = (int)LS_OPT_COUNT > (int)LS_COUNT(targets) ? (int)LS_OPT_COUNT
                                                              : (int)LS_COUNT(targets)
};

static ls_status inference_case(check_case *c, ls_error *err)
{
#define LS_X(name, reads, facts) ",5"
    static const char widths[] = LS_ACTIVATIONS(LS_X);
#undef LS_X
    c->use = LS_PLAN_INFER;
    c->shape = ls_shape_of_classes(3);
    c->mode[LS_CHECK_LAYERED] = true;
    LS_TRY(ls_options_set(c->options, "hidden", widths + 1, err));
    LS_TRY(ls_options_set(c->options, "batch-norm", "on", err));
    return set_activations(c->options, 0, LS_ACT_COUNT, err);
}

static ls_status image_case(size_t i, check_case *c, ls_error *err)
{
    c->shape = ls_shape_of_classes(3);
    c->features = images[i].features;
    c->image = c->mode[LS_CHECK_LAYERED] = true;
    LS_TRY(ls_options_set(c->options, "shape", images[i].shape, err));
    LS_TRY(ls_options_set(c->options, "net", images[i].net, err));
    return set_all(c->options, images[i].set, err);
}

static ls_status fixed_case(size_t i, check_case *c, ls_error *err)
{
    c->shape = fixed[i].shape;
    c->mode[LS_CHECK_LAYERED] = true;
    c->mode[LS_CHECK_CHUNKWISE] = fixed[i].chunkwise;
    return set_all(c->options, fixed[i].set, err);
}

size_t ls_check_fixed_runs(void) { return LS_COUNT(fixed); }

size_t ls_check_image_runs(void) { return LS_COUNT(images); }

size_t ls_check_run_count(void)
{
    return LS_COUNT(fixed) + UPDATE_CASES + 1 + chunkwise_cases() + LS_COUNT(images);
}

static ls_status set_case(size_t i, check_case *c, ls_error *err)
{
    if (i < LS_COUNT(fixed)) return fixed_case(i, c, err);
    i -= LS_COUNT(fixed);
    if (i < UPDATE_CASES) return update_case(i, c, err);
    i -= UPDATE_CASES;
    if (i > chunkwise_cases()) return image_case(i - 1 - chunkwise_cases(), c, err);
    return i ? chunkwise_case(i - 1, c, err) : inference_case(c, err);
}

/* ---- Coverage -------------------------------------------------------------------------------- */

static void mark_ops(ls_check_coverage *c, const ls_ops *ops)
{
    for (size_t i = 0; i < ops->count; i++) {
        const ls_op *o = &ops->op[i];
        c->op[o->kind] = true;
        /* GRAD_X is not counted: an activation has to be applied */
        if ((o->kind == LS_OP_DENSE && ls_there(o->a)) || o->kind == LS_OP_NORM ||
            o->kind == LS_OP_NORM_FIXED)
            c->act[o->act] = true;
    }
}

static bool can_run_chunkwise(const ls_ops *step)
{
    for (size_t i = 0; i < step->count; i++)
        if (ls_op_chunkwise[step->op[i].kind] == LS_CHUNKWISE_NEVER) return false;
    return true;
}

/* Inference is always layered. */
static void mark(const check_case *run, const ls_plan *p, ls_check_coverage covered[LS_CHECK_MODES])
{
    for (int mode = 0; mode < LS_CHECK_MODES; mode++) {
        ls_check_coverage *c = &covered[mode];
        if (!run->mode[mode] || (mode == LS_CHECK_CHUNKWISE && !can_run_chunkwise(&p->step)))
            continue;
        mark_ops(c, &p->step);
        if (mode == LS_CHECK_LAYERED) mark_ops(c, &p->infer);
        if (p->step.count) c->opt[p->optimizer] = true;
        c->loss[p->loss] = c->output[p->output] = true;
    }
}

static ls_status missing(const char *what, const char *name, int mode, ls_error *err)
{
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "the self-check is incomplete: no run compares the %s %s in %s mode; add one to "
                   "host/opencl/check_runs.c",
                   what, name, mode == LS_CHECK_LAYERED ? "layered" : "chunk-wise");
}

#define LS_X(NAME, name, ...) #name,
static const char *const op_names[] = {LS_OPS(LS_X)}, *const loss_names[] = {LS_LOSSES(LS_X)},
                         *const output_names[] = {LS_OUTPUTS(LS_X)};
#undef LS_X

ls_status ls_check_is_complete(const ls_check_coverage covered[LS_CHECK_MODES], ls_error *err)
{
    for (int mode = 0; mode < LS_CHECK_MODES; mode++) {
        const ls_check_coverage *c = &covered[mode];
        for (int i = 0; i < LS_OP_COUNT; i++)
            if (!c->op[i] && (mode == LS_CHECK_LAYERED || ls_op_chunkwise[i] != LS_CHUNKWISE_NEVER))
                return missing("operation", op_names[i], mode, err);
        for (int i = 0; i < LS_ACT_COUNT; i++)
            if (!c->act[i]) return missing("activation", ls_activations[i].name, mode, err);
        for (int i = 0; i < LS_OPT_COUNT; i++)
            if (!c->opt[i]) return missing("optimizer", ls_optimizers[i].name, mode, err);
        for (int i = 0; i < LS_LOSS_COUNT; i++)
            if (!c->loss[i]) return missing("loss", loss_names[i], mode, err);
        for (int i = 0; i < LS_OUTPUT_COUNT; i++)
            if (!c->output[i]) return missing("output", output_names[i], mode, err);
    }
    return LS_OK;
}

/* ---- Running and comparing ------------------------------------------------------------------- */

/* A network and data to run it on, and how many floats come out: the whole state, the losses of the
 * steps, and the outputs and losses of the rows. */
typedef struct {
    const check_case *run;
    const ls_plan *plan;
    ls_network net;
    ls_rows rows;
    float *memory, *start, *results[2]; /* start: parameters and running averages */
    size_t count;
} subject;

static size_t result_count(const ls_plan *p) { return p->state + STEPS + ROWS * (p->outputs + 1); }

/* Targets of row i; returns its class, or another number for its weight. */
static ls_u32 fill_targets(const ls_network *net, ls_shape shape, ls_u32 i, float *t)
{
    ls_u32 number = ls_random_u32(5, 2, 0, i),
           class = number % (shape.classes ? (ls_u32)shape.classes : 3);
    if (net->task == LS_TASK_CLASSIFICATION) {
        if (net->outputs == 1) t[0] = (float)class;
        else t[class] = 1.0f;
    }
    for (ls_u32 k = 0; k < net->outputs && net->task != LS_TASK_CLASSIFICATION; k++)
        t[k] = net->task == LS_TASK_MULTILABEL ? (float)(number >> (8 + k) & 1)
                                               : ls_random_normal(5, 4, k, i);
    return class;
}

static void fill_rows(const ls_network *net, ls_shape shape, size_t values, float *x, float *t,
                      float *w)
{
    for (ls_u32 i = 0; i < values; i++) x[i] = i % 11 ? ls_random_normal(5, 1, 0, i) : 1e-40f;
    for (ls_u32 i = 0; i < ROWS; i++)
        w[i] = 0.5f + (float)fill_targets(net, shape, i, t + i * net->outputs);
}

static ls_status subject_open(subject *s, const check_case *run, const ls_plan *plan,
                              const ls_network *net, ls_error *err)
{
    size_t values = ROWS * run->features, data = values + ROWS * (net->outputs + 1),
           start = net->parameters + net->running;
    *s = (subject){.run = run, .plan = plan, .net = *net, .count = result_count(plan)};
    LS_TRY(ls_alloc(&s->memory, data + start + 2 * s->count, sizeof *s->memory, "the self-check",
                    err));
    float *x = s->memory, *t = x + values, *w = t + ROWS * net->outputs;
    s->start = w + ROWS;
    s->results[0] = s->start + start;
    s->results[1] = s->results[0] + s->count;
    fill_rows(net, run->shape, values, x, t, w);
    ls_network_init(net, &run->options->settings, s->start);
    const ls_layer *pieces = ls_pieces_layer(net); /* whose table is the last */
    const size_t averages = pieces ? pieces->table : net->running;
    for (size_t i = 0; i < averages; i++) /* not 0 and 1, and no variance below 0 */
        s->start[net->parameters + i] = 0.5f + ls_random_uniform(5, 3, 0, (ls_u32)i);
    s->rows = (ls_rows){ROWS, run->features, net->outputs, x, t, w};
    return LS_OK;
}

static ls_status write_start(const ls_backend_slots *slots, ls_workspace *workspace,
                             const subject *s, ls_error *err)
{
    const ls_plan *p = s->plan;
    LS_TRY(slots->write(workspace, 0, 0, p->parameters, s->start, err));
    return slots->write(workspace, 0, p->state - p->running, p->running, s->start + p->parameters,
                        err);
}

/* Steps of a run, numbered across a multiple of 2^32, and inference. A run that keeps its
 * activations is layered, whatever the network's size. */
static ls_status run_workspace(ls_workspace *workspace, const subject *s, bool layered,
                               float *results, ls_error *err)
{
    const ls_backend_slots *slots = workspace->backend->slots;
    ls_rates rates[STEPS];
    for (int i = 0; i < STEPS; i++)
        rates[i] = (ls_rates){
            .rate = 0.05f, .rate_corrected = 0.06f, .correction2 = 1.5f, .keep = 0.999f};
    float *step_losses = results + s->plan->state, *outputs = step_losses + STEPS,
          *row_losses = outputs + ROWS * s->plan->outputs;
    ls_run run = {.first = ((uint64_t)3 << 32) - 2,
                  .count = STEPS,
                  .rates = rates,
                  .losses = step_losses,
                  .keep = layered};
    LS_TRY(write_start(slots, workspace, s, err));
    if (s->run->use == LS_PLAN_TRAIN) LS_TRY(slots->run(workspace, &run, 1, err));
    LS_TRY(slots->read(workspace, 0, 0, s->plan->state, results, err));
    return layered ? slots->infer(workspace, 0, 0, ROWS, outputs, row_losses, err) : LS_OK;
}

static ls_status run_on(ls_backend *backend, const subject *s, bool layered, float *results,
                        ls_error *err)
{
    ls_workspace *workspace;
    memset(results, 0, s->count * sizeof *results);
    LS_TRY(ls_workspace_of_one(backend, &s->rows, s->plan, &workspace, err));
    ls_status status = run_workspace(workspace, s, layered, results, err);
    backend->slots->workspace_close(workspace);
    return status;
}

static bool is_nan(ls_u32 bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }

/* Any NaN equals any NaN: IEEE 754 does not define payloads and signs. */
static bool equal(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ls_u32 x = ls_as_u32(a[i]), y = ls_as_u32(b[i]);
        if (x != y && !(is_nan(x) && is_nan(y))) return false;
    }
    return true;
}

/* The CPU path in layered mode is the reference, with which its chunk-wise mode and the device's
 * ways are compared. */
static ls_status compare_way(ls_cl_device *d, ls_backend *cpu, ls_cl_way_id way, const subject *s,
                             char reason[256], ls_error *err)
{
    const bool layered = way == LS_CL_WAY_LAYERED;
    float *expected = s->results[0], *got = s->results[1];
    const size_t trained = s->plan->state + STEPS;
    LS_TRY(run_on(cpu, s, true, expected, err));
    if (!layered) {
        LS_TRY(run_on(cpu, s, false, got, err));
        if (!equal(expected, got, trained)) {
            snprintf(reason, 256, "self-check: the CPU path's two modes give different weights");
            return LS_OK;
        }
    }
    d->only_way = (int)way + 1;
    ls_status status = run_on(&d->base, s, layered, got, err);
    d->only_way = 0;
    LS_TRY(status);
    if (!equal(expected, got, trained))
        snprintf(
            reason, 256,
            "self-check: a short training run in %s mode gives other weights than the CPU path",
            ls_cl_way_name(way));
    else if (layered && !equal(expected + trained, got + trained, s->count - trained))
        snprintf(reason, 256, "self-check: a network gives other outputs than on the CPU path");
    return LS_OK;
}

/* Where the runs are compared; without a device they are built only. */
typedef struct {
    ls_cl_device *device;
    ls_backend *cpu;
    ls_cl_way_id way;
    char *reason; /* 256 bytes */
} place;

/* Builds the plan of a run and marks what it covers; compares it if there is a device. */
static ls_status take_case(const check_case *run, const place *on,
                           ls_check_coverage covered[LS_CHECK_MODES], ls_error *err)
{
    ls_network net = {0};
    ls_plan *plan = NULL;
    subject s = {0};
    const ls_settings *settings = &run->options->settings;
    ls_status status = ls_network_build(settings, run->features, run->shape, &net, err);
    if (status == LS_OK) status = ls_plan_build(&net, settings, run->use, ROWS, true, &plan, err);
    if (status == LS_OK && covered) mark(run, plan, covered);
    if (status == LS_OK && on) status = subject_open(&s, run, plan, &net, err);
    if (status == LS_OK && on)
        status = compare_way(on->device, on->cpu, on->way, &s, on->reason, err);
    free(s.memory);
    ls_plan_free(plan);
    ls_network_free(&net);
    return status;
}

/* Whether a way can take a run. `whole` takes also what cannot run chunk-wise, except for images
 * and embeddings; a run that keeps nothing layered needs a step. */
static bool suits(const check_case *run, ls_cl_way_id way)
{
    if (way == LS_CL_WAY_LAYERED) return run->mode[LS_CHECK_LAYERED];
    if (way == LS_CL_WAY_WHOLE && ls_settings_pieces(&run->options->settings)) return false;
    return run->use == LS_PLAN_TRAIN && !run->image &&
           (run->mode[LS_CHECK_CHUNKWISE] || way == LS_CL_WAY_WHOLE);
}

static ls_status take_cases(size_t first, size_t count, const place *on,
                            ls_check_coverage covered[LS_CHECK_MODES], ls_error *err)
{
    for (size_t i = first; i < first + count && !(on && *on->reason); i++) {
        check_case run = {.use = LS_PLAN_TRAIN, .features = FEATURES};
        LS_TRY(ls_options_create_plain(&run.options, err));
        ls_status status = set_case(i, &run, err);
        if (status == LS_OK && (!on || suits(&run, on->way)))
            status = take_case(&run, on, covered, err);
        ls_options_free(run.options);
        LS_TRY(status);
    }
    return LS_OK;
}

ls_status ls_check_runs(ls_cl_device *d, ls_backend *cpu, ls_cl_way_id way, size_t first,
                        size_t count, char reason[256], ls_error *err)
{
    return take_cases(first, count, &(place){d, cpu, way, reason}, NULL, err);
}

ls_status ls_check_network(ls_cl_device *d, ls_backend *cpu, ls_cl_way_id way, ls_options *options,
                           size_t features, ls_shape shape, bool image, char reason[256],
                           ls_error *err)
{
    const check_case run = {.use = LS_PLAN_TRAIN,
                            .mode = {[LS_CHECK_LAYERED] = true, [LS_CHECK_CHUNKWISE] = true},
                            .image = image,
                            .features = features,
                            .shape = shape,
                            .options = options};
    return suits(&run, way) ? take_case(&run, &(place){d, cpu, way, reason}, NULL, err) : LS_OK;
}

ls_status ls_check_runs_coverage(ls_check_coverage covered[LS_CHECK_MODES], ls_error *err)
{
    memset(covered, 0, LS_CHECK_MODES * sizeof *covered);
    return take_cases(0, ls_check_run_count(), NULL, covered, err);
}
