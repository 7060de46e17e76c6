/* SPDX-License-Identifier: MIT */
#include "host/opencl/check_shapes.h"
#include "host/network/network.h"
#include "host/opencl/check_runs.h"
#include "host/opencl/tune.h"
#include <string.h>

#define LS_COUNT(array) (sizeof(array) / sizeof *(array))

/* classes, numbers or labels: one of them is not 0. Activations and optimizers of the tables come
 * in turn. */
static const struct {
    size_t features, classes, numbers, labels;
    const char *hidden, *batch, *option, *value;
} shapes[] = {
    {.features = 1, .classes = 2, .hidden = "1", .batch = "1"},
    {.features = 1,
     .classes = 11,
     .hidden = "3,1,5",
     .batch = "7",
     .option = "clip",
     .value = "0.1"},
    {.features = 2, .numbers = 1, .hidden = "none", .batch = "149"},
    {.features = 3, .labels = 9, .hidden = "31", .batch = "150"},
    {13, 3, 0, 0, "15,16,17", "63", "dropout", "0.3"},
    {16, 16, 0, 0, "16,16,16", "16", "residual", "on"},
    {31, 2, 0, 0, "33,31", "65", "max-norm", "0.6"},
    {.features = 64, .numbers = 3, .hidden = "64", .batch = "64"},
    {65, 37, 0, 0, "63,65", "13", "batch-norm", "on"},
    {.features = 127, .numbers = 7, .hidden = "128,1,3", .batch = "150"},
    {129, 5, 0, 0, "127,129", "128", "dropout", "0.5"},
    {257, 2, 0, 0, "255,2", "31", "l2", "0.01"},
};

static const struct {
    const char *shape, *net;
    size_t features, classes;
} images[] = {
    {"1x1x7", "conv 5 1 same, relu, maxpool 1x3 stride 1x2 same, relu, dense", 7, 2},
    {"3x5x5", "conv 7 5, tanh, dense", 75, 11},
    {"2x11x3", "conv 16 3x1 stride 3x1 same, batchnorm, silu, avgpool 2x3 stride 1 same, dense", 66,
     3},
    {"17x4x5", "depthwise 3 same, relu, conv 33 1, globalpool, dense", 340, 3},
};

size_t ls_check_shape_count(void) { return LS_COUNT(shapes); }
size_t ls_check_image_shape_count(void) { return LS_COUNT(images); }

static ls_status set_network(size_t i, ls_options *o, ls_error *err)
{
    const ls_opt_info *optimizer = &ls_optimizers[i % LS_OPT_COUNT];
    LS_TRY(ls_options_set(o, "hidden", shapes[i].hidden, err));
    if (strcmp(shapes[i].hidden, "none") != 0)
        LS_TRY(ls_options_set(o, "activation", ls_activations[i % LS_ACT_COUNT].name, err));
    LS_TRY(ls_options_set(o, "optimizer", optimizer->name, err));
    LS_TRY(ls_options_set(o, "batch", optimizer->full_batch ? "full" : shapes[i].batch, err));
    return shapes[i].option ? ls_options_set(o, shapes[i].option, shapes[i].value, err) : LS_OK;
}

static ls_shape shape_of(size_t i)
{
    if (shapes[i].classes) return ls_shape_of_classes(shapes[i].classes);
    if (shapes[i].numbers)
        return (ls_shape){.task = LS_TASK_REGRESSION, .targets = shapes[i].numbers};
    return (ls_shape){.task = LS_TASK_MULTILABEL, .targets = shapes[i].labels};
}

static ls_status check_network(ls_cl_device *d, ls_backend *cpu, ls_cl_way_id way, size_t i,
                               ls_options *o, char reason[256], ls_error *err)
{
    if (i < LS_COUNT(shapes)) {
        LS_TRY(set_network(i, o, err));
        return ls_check_network(d, cpu, way, o, shapes[i].features, shape_of(i), false, reason,
                                err);
    }
    i -= LS_COUNT(shapes);
    LS_TRY(ls_options_set(o, "shape", images[i].shape, err));
    LS_TRY(ls_options_set(o, "net", images[i].net, err));
    LS_TRY(ls_options_set(o, "batch", "67", err));
    return ls_check_network(d, cpu, way, o, images[i].features,
                            ls_shape_of_classes(images[i].classes), true, reason, err);
}

static void add_shape(size_t i, char reason[256])
{
    size_t n = strlen(reason);
    if (i < LS_COUNT(shapes))
        snprintf(reason + n, 256 - n, " (%zu features, layers %s, batches of %s)",
                 shapes[i].features, shapes[i].hidden, shapes[i].batch);
    else
        snprintf(reason + n, 256 - n, " (%s, %s)", images[i - LS_COUNT(shapes)].shape,
                 images[i - LS_COUNT(shapes)].net);
}

ls_status ls_check_shapes(ls_cl_device *d, ls_backend *cpu, ls_cl_way_id way, size_t first,
                          size_t count, char reason[256], ls_error *err)
{
    for (size_t i = first; i < first + count; i++) {
        ls_options *o;
        LS_TRY(ls_options_create_plain(&o, err));
        ls_status status = check_network(d, cpu, way, i, o, reason, err);
        ls_options_free(o);
        LS_TRY(status);
        if (!*reason) continue;
        add_shape(i, reason);
        break;
    }
    return LS_OK;
}

ls_status ls_check_products(ls_cl_device *d, ls_backend *cpu, ls_form form, char reason[256],
                            ls_error *err)
{
    static const size_t size[][3] = {{1, 1, 1},     {1, 257, 3},    {3, 1, 129},   {17, 33, 65},
                                     {64, 64, 1},   {127, 129, 63}, {255, 1, 255}, {513, 31, 7},
                                     {31, 513, 64}, {5, 7, 1025},   {96, 80, 48},  {130, 258, 67}};
    for (size_t i = 0; i < 2 * LS_COUNT(size); i++) {
        const size_t *s = size[i / 2];
        bool exact = true;
        LS_TRY(ls_cl_product_is_exact(d, cpu, form, s[0], s[1], s[2], i % 2, &exact, err));
        if (exact) continue;
        snprintf(reason, 256,
                 "self-check: a matrix product (form %d, %zu x %zu over %zu) differs from the CPU "
                 "path's",
                 (int)form + 1, s[0], s[1], s[2]);
        return LS_OK;
    }
    return LS_OK;
}
