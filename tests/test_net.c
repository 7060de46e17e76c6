/* SPDX-License-Identifier: MIT */
/* The language of --net: what it means, what it refuses and with which words, and that its text can
 * be written and read again. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "host/model/training_rows.h"
#include "host/network/network.h"
#include "host/network/plan.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Networks from text ---------------------------------------------------------------------- */

/* Sets an option and fails the test if it is refused; NULL leaves it. */
static void set(ls_options *options, const char *name, const char *value)
{
    ls_error err;
    if (value)
        cr_assert_eq(ls_options_set(options, name, value, &err), LS_OK, "%s '%s': %s", name, value,
                     err.message);
}

/* The network of a description for data of so many features and classes. shape may be NULL. The
 * options stay open for the caller. */
static ls_status build(const char *net, const char *shape, size_t features, size_t classes,
                       ls_options **options, ls_network *out, ls_error *err)
{
    cr_assert_eq(ls_options_create_plain(options, err), LS_OK);
    set(*options, "shape", shape);
    ls_status status = ls_options_set(*options, "net", net, err);
    if (status != LS_OK) return status;
    return ls_network_build(&(*options)->settings, features, ls_shape_of_classes(classes), out,
                            err);
}

/* A layer as text: "conv 27>4 at 5x7 from -1 relu norm drop 0.5 skip 2"; at is left out for rows of
 * values, from for the layer before. */
static void add_layer(ls_text *text, const ls_network *n, size_t i)
{
    const ls_layer *l = &n->layer[i];
    ls_text_add(text, "%s%s", i ? "; " : "", ls_layer_kinds[l->kind].name);
    if (ls_layer_weights(l)) ls_text_add(text, " %zu>%zu", l->in, l->out);
    else ls_text_add(text, " %zu", l->out);
    if (l->window.to.channels)
        ls_text_add(text, " at %ux%u", l->window.to.height, l->window.to.width);
    if (l->from != (int)i - 1) ls_text_add(text, " from %d", l->from);
    if (l->norm) ls_text_add(text, " norm");
    if (l->act != LS_ACT_identity) ls_text_add(text, " %s", ls_activations[l->act].name);
    if (l->dropout > 0) ls_text_add(text, " drop %g", (double)l->dropout);
    if (l->skip >= 0) ls_text_add(text, " skip %d", l->skip);
}

static const struct {
    const char *net, *shape;
    size_t features, classes;
    const char *layers;
} networks[] = {
    {"dense", NULL, 4, 3, "dense 4>3"},
    {"dense 3", NULL, 4, 3, "dense 4>3"},
    {"dense", NULL, 4, 2, "dense 4>1"},
    {"dense 7,tanh,dense 5 , relu,dense", NULL, 4, 3, "dense 4>7 tanh; dense 7>5 relu; dense 5>3"},
    {"dense 7, batchnorm, relu, dropout 0.25, dense", NULL, 4, 3,
     "dense 4>7 norm relu drop 0.25; dense 7>3"},
    /* what comes in another order than a layer has it is a layer of its own */
    {"dense 7, relu, batchnorm, dense", NULL, 4, 3, "dense 4>7 relu; pass 7 norm; dense 7>3"},
    {"dense 7, dropout 0.5, relu, relu, dense", NULL, 4, 3,
     "dense 4>7 drop 0.5; pass 7 relu; pass 7 relu; dense 7>3"},
    {"piecewise 6, dense 5, relu, dense", NULL, 4, 3, "piecewise 24; dense 24>5 relu; dense 5>3"},
    {"piecewise 2, relu, dropout 0.5, dense", "2x1x2", 4, 3,
     "piecewise 8; pass 8 relu drop 0.5; dense 8>3"},
    {"conv 4 3, relu, maxpool 2, dense", "1x8x8", 64, 10,
     "conv 9>4 at 6x6 relu; maxpool 4 at 3x3; dense 36>10"},
    {"conv 4 3x5 same, flatten, relu, batchnorm, dense 6, dense", "2x4x6", 48, 3,
     "conv 30>4 at 4x6; pass 96 relu; pass 96 norm; dense 96>6; dense 6>3"},
    {"flatten, dense", "2x4x6", 48, 3, "dense 48>3"},
    {"conv 6 3 groups 2 pad 1 stride 2, batchnorm, gelu, dropout 0.1, globalpool, dense", "4x7x7",
     196, 3, "conv 18>6 at 4x4 norm gelu drop 0.1; avgpool 6 at 1x1; dense 6>3"},
    {"depthwise 3 same, conv 8 1, relu, avgpool 2, dense", "3x6x6", 108, 3,
     "conv 9>3 at 6x6; conv 3>8 at 6x6 relu; avgpool 8 at 3x3; dense 72>3"},
    {"maxpool 2, relu, dropout 0.5, batchnorm, dense", "3x4x4", 48, 3,
     "maxpool 3 at 2x2; pass 3 at 2x2 relu drop 0.5; pass 3 at 2x2 norm; dense 12>3"},
    {"avgpool 2, dropout 0.5, dense", "3x4x4", 48, 3, "avgpool 3 at 2x2 drop 0.5; dense 12>3"},
    /* signals: one number is a number of columns */
    {"conv 4 5 stride 2, maxpool 2, dense", "20", 20, 3,
     "conv 5>4 at 1x8; maxpool 4 at 1x4; dense 16>3"},
    {"conv 4 5 stride 3 pad 2, maxpool 3 pad 1, dense", "20", 20, 3,
     "conv 5>4 at 1x7; maxpool 4 at 1x3; dense 12>3"},
    {"conv 4 1x5 pad 1, dense", "20", 20, 3, "conv 5>4 at 3x18; dense 216>3"},
    {"conv 4 3, dense", "5x1", 5, 3, NULL},
    {"conv 4 3x1, dense", "5x1", 5, 3, "conv 3>4 at 3x1; dense 12>3"},
    /* blocks */
    {"dense 5, residual(relu, dense 5), relu, dense", NULL, 4, 3,
     "dense 4>5; pass 5 relu; dense 5>5 skip 0; pass 5 relu; dense 5>3"},
    {"dense 5, relu, residual(dense 6, relu, dense 5, dropout 0.5), dense", NULL, 4, 3,
     "dense 4>5 relu; dense 5>6 relu; dense 6>5 drop 0.5 skip 0; dense 5>3"},
    {"dense 5, residual project(dense 6, relu), dense", NULL, 4, 3,
     "dense 4>5; dense 5>6; dense 5>6 from 0 relu skip 1; dense 6>3"},
    {"conv 4 3 same, relu, residual(conv 4 3 same, batchnorm, relu, conv 4 3 same, batchnorm), relu,"
     " residual project (conv 8 3 same stride 2, batchnorm, relu, conv 8 3 same), globalpool, dense",
     "3x7x9", 189, 10,
     "conv 27>4 at 7x9 relu; conv 36>4 at 7x9 norm relu; conv 36>4 at 7x9 norm skip 0; pass 4 at 7x9 "
     "relu; conv 4>8 at 4x5; conv 36>8 at 4x5 from 3 norm relu; conv 72>8 at 4x5 skip 4; "
     "avgpool 8 at 1x1; dense 8>10"},
    {"conv 2 1, residual(maxpool 3 same stride 1), residual(sigmoid), dense", "1x3x3", 9, 3,
     "conv 1>2 at 3x3; maxpool 2 at 3x3 skip 0; pass 2 at 3x3 sigmoid skip 1; dense 18>3"},
    {"conv 2 1, residual project(avgpool 2), dense", "1x4x4", 16, 3,
     "conv 1>2 at 4x4; conv 2>2 at 2x2; avgpool 2 at 2x2 from 0 skip 1; dense 8>3"},
    {"conv 2 1, residual project(globalpool), dense", "1x4x6", 24, 3,
     "conv 1>2 at 4x6; conv 2>2 at 1x1; avgpool 2 at 1x1 from 0 skip 1; dense 2>3"},
};

Test(net, layers)
{
    for (size_t i = 0; i < COUNT(networks); i++) {
        ls_options *options;
        ls_network n;
        ls_error err;
        ls_text text = {0};
        ls_status status = build(networks[i].net, networks[i].shape, networks[i].features,
                                 networks[i].classes, &options, &n, &err);
        if (!networks[i].layers)
            cr_expect_eq(status, LS_ERR_ARGUMENT, "'%s' is accepted", networks[i].net);
        else {
            cr_assert_eq(status, LS_OK, "'%s': %s", networks[i].net, err.message);
            for (size_t k = 0; k < n.count; k++) add_layer(&text, &n, k);
            cr_expect_str_eq(text.text, networks[i].layers, "'%s': %s", networks[i].net, text.text);
        }
        if (status == LS_OK) ls_network_free(&n);
        free(text.text);
        ls_options_free(options);
    }
}

/* ---- Sizes of windows ------------------------------------------------------------------------ */

typedef struct {
    uint32_t size, kernel, stride, dilation, pad;
    char mode; /* valid, same, given */
} side;

/* By definition: windows start at multiples of the stride and end in the padded image; with same
 * there are as many as multiples of the stride in the image, and the smaller half of the padding is
 * before it. */
static uint32_t true_count(const side *s, uint32_t *before)
{
    uint32_t span = 1, n = 0;
    for (uint32_t i = 1; i < s->kernel; i++) span += s->dilation;
    *before = s->mode == 'g' ? s->pad : 0;
    if (s->mode == 's') {
        uint32_t more = 0;
        while (n * s->stride < s->size) n++;
        while (s->size + more < (n - 1) * s->stride + span) more++;
        *before = more / 2;
        return span > 2 * s->size + 1 ? 0 : n;
    }
    while (n * s->stride + span <= s->size + 2 * *before) n++;
    return n;
}

static void check_side(const side *s)
{
    static const side other = {7, 3, 2, 1, 0, 'v'};
    char net[160], shape[64];
    ls_options *options;
    ls_network n;
    ls_error err;
    const char *mode = s->mode == 's' ? "same" : "";
    uint32_t before, count = true_count(s, &before), before_other;
    if (s->mode == 'g')
        snprintf(net, sizeof net, "conv 2 %ux%u stride %ux%u dilation %ux%u pad %ux%u, dense",
                 s->kernel, other.kernel, s->stride, other.stride, s->dilation, other.dilation,
                 s->pad, 0u);
    else
        snprintf(net, sizeof net, "conv 2 %ux%u stride %ux%u dilation %ux%u %s, dense", s->kernel,
                 other.kernel, s->stride, other.stride, s->dilation, other.dilation, mode);
    snprintf(shape, sizeof shape, "%ux%u", s->size, other.size);
    side along = other;
    if (s->mode == 's') along.mode = 's';
    uint32_t columns = true_count(&along, &before_other);
    ls_status status = build(net, shape, (size_t)s->size * other.size, 3, &options, &n, &err);
    cr_assert_eq(status == LS_OK, count > 0, "'%s' on %s", net, shape);
    if (status == LS_OK) {
        const ls_window *w = &n.layer[0].window;
        cr_assert(w->to.height == count && w->to.width == columns, "'%s' on %s: %ux%u, not %ux%u",
                  net, shape, w->to.height, w->to.width, count, columns);
        cr_assert(w->pad[0] == before && w->pad[1] == before_other, "'%s' on %s: padding %ux%u",
                  net, shape, w->pad[0], w->pad[1]);
        cr_assert_eq(n.layer[1].in, 2 * (size_t)count * columns);
        cr_assert_eq(n.layer[0].points, (size_t)count * columns);
        ls_network_free(&n);
    } else
        cr_assert(strstr(err.message, "needs at least"), "'%s' on %s: %s", net, shape, err.message);
    ls_options_free(options);
}

Test(net, sizes_of_windows)
{
    for (uint32_t size = 1; size <= 13; size += size < 8 ? 1 : 5)
        for (uint32_t kernel = 1; kernel <= 7; kernel++)
            for (uint32_t stride = 1; stride <= 5; stride++)
                for (uint32_t dilation = 1; dilation <= 3; dilation++) {
                    /* one position has one window, whatever the stride */
                    if (size == 1 && kernel == 1 && stride > 1) continue;
                    check_side(&(side){size, kernel, stride, dilation, 0, 'v'});
                    check_side(&(side){size, kernel, stride, dilation, 0, 's'});
                    check_side(&(side){size, kernel, stride, dilation, 0, 'g'});
                    check_side(&(side){size, kernel, stride, dilation, 3, 'g'});
                }
}

/* Sizes up to the limits of the language: refused, or of a plan that says that it is too large. */
Test(net, sizes_near_overflow)
{
    static const struct {
        const char *net, *shape;
        ls_status network, plan;
    } rows[] = {
        {"conv 1000000 1, dense", "1x65536x65536", LS_OK, LS_ERR_MEMORY},
        {"conv 1000000 1, globalpool, dense", "1x65536x65536", LS_OK, LS_ERR_MEMORY},
        {"conv 1000000 1, conv 1000000 1, globalpool, dense", "65536x65536x65536", LS_OK,
         LS_ERR_MEMORY},
        {"conv 1000000 65536 pad 65536, dense", "65536x65536x65536", LS_ERR_MEMORY, LS_OK},
        {"conv 1000000 1 pad 65536, conv 1000000 1 pad 65536, conv 1000000 1 pad 65536, "
         "conv 1000000 1 pad 65536, dense",
         "65536x65536x65536", LS_ERR_ARGUMENT, LS_OK},
        {"conv 1 65536 dilation 65536, dense", "1x65536x65536", LS_ERR_ARGUMENT, LS_OK},
        {"conv 1 65536 dilation 65536 same, dense", "1x65536x65536", LS_ERR_ARGUMENT, LS_OK},
        {"conv 1 65536 stride 65536 same, dense", "1x65536x65536", LS_OK, LS_ERR_MEMORY},
        {"globalpool, dense", "65536x65536x65536", LS_OK, LS_ERR_MEMORY},
        {"globalpool, dense", "3x3000x3000", LS_OK, LS_OK},
        {"dense 1000000, dense 1000000, dense", "65536x65536x65536", LS_ERR_MEMORY, LS_OK},
    };
    for (size_t i = 0; i < COUNT(rows) && sizeof(size_t) == 8; i++) {
        ls_options *options;
        ls_network n;
        ls_plan *plan = NULL;
        ls_error err;
        ls_image image;
        cr_assert_eq(ls_image_parse(rows[i].shape, &image, &err), LS_OK);
        ls_status status = build(rows[i].net, rows[i].shape, ls_image_values(image), 3, &options,
                                 &n, &err);
        cr_expect_eq(status, rows[i].network, "'%s' on %s: %d, %s", rows[i].net, rows[i].shape,
                     status, err.message);
        if (status == LS_OK) {
            for (int use = LS_PLAN_TRAIN; use <= LS_PLAN_INFER; use++) {
                status = ls_plan_build(&n, &options->settings, (ls_plan_use)use, 1000, false, &plan,
                                       &err);
                cr_expect_eq(status, rows[i].plan, "'%s' on %s: plan %d, %s", rows[i].net,
                             rows[i].shape, use, err.message);
                /* values of a matrix are counted in 32 bits */
                if (status == LS_OK)
                    cr_expect_leq(plan->capacity, UINT32_MAX / ls_image_values(image));
                if (status == LS_OK) ls_plan_free(plan);
            }
            ls_network_free(&n);
        }
        ls_options_free(options);
    }
}

/* ---- Refusals -------------------------------------------------------------------------------- */

#define LAYERS_LIST                                                                                \
    "conv, depthwise, maxpool, avgpool, globalpool, flatten, dense, batchnorm, dropout, "          \
    "residual(...), piecewise" LS_ACT_NAMES

static const struct {
    const char *net, *shape; /* of 2 x 6 x 8 values, if there is one, otherwise 5 */
    const char *message;
} refused[] = {
    /* words */
    {"cnov 4 3, dense", NULL, "--net: item 1: there is no 'cnov'; did you mean 'conv'?"},
    {"dense 4, rellu, dense", NULL, "--net: item 2: there is no 'rellu'; did you mean 'relu'?"},
    {"dense 4, xyzzy, dense", NULL, "--net: item 2: 'xyzzy' is no layer; there are " LAYERS_LIST},
    {"Dense 4, dense", NULL, "--net: item 1: there is no 'Dense'; did you mean 'dense'?"},
    {"dense 4,", NULL,
     "--net: item 2 is missing: a layer must be behind each comma and opening bracket"},
    {"dense 4,,dense", NULL,
     "--net: item 2 is missing: a layer must be behind each comma and opening bracket"},
    {" ", NULL, "--net: item 1 is missing: a layer must be there"},
    {"dense 4 5, dense", NULL,
     "--net: item 1, 'dense': '5' does not belong to it; items are separated by commas"},
    {"relu 4, dense", NULL,
     "--net: item 1, 'relu': '4' does not belong to it; items are separated by commas"},
    {"dense 4 relu, dense", NULL,
     "--net: item 1, 'dense': 'relu' does not belong to it; items are separated by commas"},
    {"dense 4 (relu), dense", NULL, "--net: a comma is missing before '(relu), dense'"},
    /* numbers */
    {"conv", "2x6x8", "--net: item 1, 'conv', needs a number of output channels, 1 to 1000000"},
    {"conv 0 3, dense", "2x6x8",
     "--net: item 1, 'conv', needs a number of output channels, 1 to 1000000; '0' is not"},
    {"conv 4, dense", "2x6x8",
     "--net: item 1, 'conv', needs the size of its window, such as 3 or 3x3"},
    {"conv 4 same, dense", "2x6x8",
     "--net: item 1, 'conv', needs the size of its window, such as 3 or 3x3; 'same' is not"},
    {"conv 4 3x, dense", "2x6x8",
     "--net: item 1, 'conv', needs the size of its window, such as 3 or 3x3; '3x' is not"},
    {"conv 4 3x3x3, dense", "2x6x8",
     "--net: item 1, 'conv', needs the size of its window, such as 3 or 3x3; '3x3x3' is not"},
    {"conv 4 70000, dense", "2x6x8",
     "--net: item 1, 'conv', needs the size of its window, such as 3 or 3x3; '70000' is not"},
    {"maxpool, dense", "2x6x8",
     "--net: item 1, 'maxpool', needs the size of its window, such as 3 or 3x3"},
    {"conv 4 3 stride, dense", "2x6x8",
     "--net: item 1, 'conv', needs a number after stride, 1 to 65536"},
    {"conv 4 3 stride 0, dense", "2x6x8",
     "--net: item 1, 'conv', needs a number after stride, 1 to 65536; '0' is not"},
    {"conv 4 3 pad -1, dense", "2x6x8",
     "--net: item 1, 'conv', needs a number after pad, 0 to 65536; '-1' is not"},
    {"conv 4 3 groups 1x2, dense", "2x6x8",
     "--net: item 1, 'conv', needs a number after groups, 1 to 1000000; '1x2' is not"},
    {"conv 4 3 strides 2, dense", "2x6x8",
     "--net: item 1, 'conv', needs same, valid, pad N, stride N, dilation N or groups N after its "
     "window; 'strides' is not"},
    {"depthwise 3 groups 2, dense", "2x6x8",
     "--net: item 1, 'depthwise', needs same, valid, pad N, stride N or dilation N after its "
     "window; 'groups' is not"},
    {"maxpool 2 dilation 2, dense", "2x6x8",
     "--net: item 1, 'maxpool', needs same, valid, pad N or stride N after its window; 'dilation' "
     "is not"},
    {"dense 1000001, dense", NULL,
     "--net: item 1, 'dense', needs a number of units, 1 to 1000000; '1000001' is not"},
    {"dense 00000000000000000000000000000000000000000000000000000000000000004, dense", NULL,
     "--net: item 1, 'dense', needs a number of units, 1 to 1000000; "
     "'00000000000000000000000000000000000000000000...' is not"},
    {"dense 4, dropout, dense", NULL, "--net: item 2, 'dropout', needs a probability, 0 to 0.99"},
    {"dense 4, dropout 1, dense", NULL,
     "--net: item 2, 'dropout', needs a probability, 0 to 0.99; '1' is not"},
    {"dense 4, dropout nan, dense", NULL,
     "--net: item 2, 'dropout', needs a probability, 0 to 0.99; 'nan' is not"},
    {"piecewise, dense", NULL, "--net: item 1, 'piecewise', needs a number of pieces, 2 to 128"},
    {"piecewise 1, dense", NULL,
     "--net: item 1, 'piecewise', needs a number of pieces, 2 to 128; '1' is not"},
    {"piecewise 129, dense", NULL,
     "--net: item 1, 'piecewise', needs a number of pieces, 2 to 128; '129' is not"},
    /* brackets */
    {"dense 4, residual(dense 4, dense", NULL, "--net: ')' is missing at the end"},
    {"dense 4, residual(dense 4)), dense", NULL, "--net: ')' after item 3 closes nothing"},
    {"dense 4), dense", NULL, "--net: ')' after item 1 closes nothing"},
    {"dense 4, residual dense 4, dense", NULL,
     "--net: item 2, 'residual', needs its layers in brackets, residual(conv 16 3 same, relu, "
     "...); 'dense' is not"},
    {"dense 4, residual, dense", NULL,
     "--net: item 2, 'residual', needs its layers in brackets, residual(conv 16 3 same, relu, ...)"},
    {"dense 4, residual(), dense", NULL,
     "--net: item 3 is missing: a layer must be behind each comma and opening bracket"},
    {"dense 4, residual(dense 4, residual(dense 4)), dense", NULL,
     "--net: item 4: a residual block inside another one is not supported"},
    {"dense 4, residual(dense 4) dense 4, dense", NULL,
     "--net: a comma is missing before 'dense 4, dense'"},
    /* items are counted as they are read */
    {"dense 4, residual(dense 4), tahn, dense", NULL,
     "--net: item 4: there is no 'tahn'; did you mean 'tanh'?"},
    {"dense 4, residual(dense 4), dense 4 4, dense", NULL,
     "--net: item 4, 'dense': '4' does not belong to it; items are separated by commas"},
    {"dense 4, residual(dense 4), globalpool, dense", NULL,
     "--net: item 4, 'globalpool': it gets 4 values, but needs an image: say what a row holds by "
     "--shape CHANNELSxHEIGHTxWIDTH"},
    /* images */
    {"conv 4 3, dense", NULL,
     "--net: item 1, 'conv 4 3': it gets 5 values, but needs an image: say what a row holds by "
     "--shape CHANNELSxHEIGHTxWIDTH"},
    {"flatten, dense", NULL,
     "--net: item 1, 'flatten': it gets 5 values, but needs an image: say what a row holds by "
     "--shape CHANNELSxHEIGHTxWIDTH"},
    {"flatten, maxpool 2, dense", "2x6x8",
     "--net: item 2, 'maxpool 2': it gets 96 values, but needs an image: it must come before "
     "flatten and dense"},
    {"dense 9, conv 4 3x1, dense", "2x6x8",
     "--net: item 2, 'conv 4 3x1': it gets 9 values, but needs an image: it must come before "
     "flatten and dense"},
    {"conv 4 7, dense", "2x6x8",
     "--net: item 1, 'conv 4 7': it gets an image of 6x8 with 2 channels, but needs at least 7x7; "
     "add same or pad, or use smaller windows"},
    {"conv 1 3 dilation 3, dense", "2x6x8",
     "--net: item 1, 'conv 1 3 dilation 3': it gets an image of 6x8 with 2 channels, but needs at "
     "least 7x7; add same or pad, or use smaller windows"},
    {"conv 1 1, maxpool 7x2, dense", "2x6x8",
     "--net: item 2, 'maxpool 7x2': it gets an image of 6x8 with 1 channel, but needs at least "
     "7x2; add same or pad, or use smaller windows"},
    {"maxpool 2 pad 2, dense", "2x6x8",
     "--net: item 1, 'maxpool 2 pad 2': it gets an image of 6x8 with 2 channels, but needs a "
     "padding smaller than its window"},
    {"conv 4 3 groups 3, dense", "2x6x8",
     "--net: item 1, 'conv 4 3 groups 3': it gets an image of 6x8 with 2 channels, but needs groups "
     "that divide the channels that come in and those that go out"},
    {"conv 3 3 groups 2, dense", "2x6x8",
     "--net: item 1, 'conv 3 3 groups 2': it gets an image of 6x8 with 2 channels, but needs groups "
     "that divide the channels that come in and those that go out"},
    /* what comes first and last */
    {"relu, dense", NULL, "--net: item 1, 'relu': it gets 5 values, but needs a layer before it"},
    {"flatten, batchnorm, dense", "2x6x8",
     "--net: item 2, 'batchnorm': it gets 96 values, but needs a layer before it"},
    {"residual(dense 5), dense", NULL,
     "--net: item 1, 'residual': it gets 5 values, but needs a layer before it, whose output the "
     "block adds"},
    {"dense, relu, dense", NULL,
     "--net: item 1, 'dense': it gets 5 values, but needs its number of units"},
    {"dense 4", NULL,
     "--net: the last item, 'dense 4', needs 3 units for the classes of this data; write 'dense' to "
     "have as many as needed"},
    {"dense 3, softmax", NULL, NULL}, /* not a function of hidden layers */
    {"dense 3, sigmoid", NULL,
     "--net: the last item must be 'dense' or 'dense 3', the output with nothing after it; the "
     "function of the output is --output"},
    {"conv 3 3", "2x6x8",
     "--net: the last item must be 'dense' or 'dense 3', the output; the function of the output is "
     "--output"},
    {"flatten", "2x6x8",
     "--net: the last item must be 'dense' or 'dense 3', the output with nothing after it; the "
     "function of the output is --output"},
    {"dense 3, residual(dense 3)", NULL,
     "--net: the last item must be 'dense' or 'dense 3', the output with nothing after it; the "
     "function of the output is --output"},
    /* blocks */
    {"dense 4, residual(dense 5), dense", NULL,
     "--net: item 2, 'residual': its layers turn 4 values into 5 values, which cannot be added; "
     "write 'residual project(...)', which adds a dense layer of what comes in, or let them keep "
     "its width"},
    {"conv 4 1, relu, residual(conv 4 3), dense", "2x6x8",
     "--net: item 3, 'residual': its layers turn an image of 6x8 with 4 channels into an image of "
     "4x6 with 4 channels, which cannot be added; write 'residual project(...)', which adds a 1x1 "
     "convolution of what comes in, or let them keep its shape"},
    {"conv 4 1, residual project(conv 4 3), dense", "2x6x8",
     "--net: item 2, 'residual project': its layers turn an image of 6x8 with 4 channels into an "
     "image of 4x6 with 4 channels, but a 1x1 convolution can only divide the sides of an image by "
     "whole numbers"},
    {"conv 4 1, residual project(dense 4), dense", "2x6x8",
     "--net: item 2, 'residual project': its layers turn an image of 6x8 with 4 channels into 4 "
     "values, but a projection needs images at both ends, or at neither"},
    {"conv 4 1, residual(flatten), dense", "2x6x8",
     "--net: item 2, 'residual', needs at least one layer in its brackets"},
};

Test(net, refusals)
{
    for (size_t i = 0; i < COUNT(refused); i++) {
        const char *net = refused[i].net;
        ls_options *options;
        ls_network n;
        ls_error err;
        ls_status status = build(net, refused[i].shape, refused[i].shape ? 96 : 5, 3, &options, &n,
                                 &err);
        cr_expect_eq(status, LS_ERR_ARGUMENT, "'%s' is accepted", net);
        if (refused[i].message && status != LS_OK)
            cr_expect_str_eq(err.message, refused[i].message, "'%s':\n%s\nnot\n%s", net,
                             err.message, refused[i].message);
        if (status == LS_OK) ls_network_free(&n);
        ls_options_free(options);
    }
}

/* The units of the last layer fit what is predicted. */
Test(net, units_of_the_output)
{
    static const struct {
        const char *net;
        ls_shape shape;
        const char *message;
    } rows[] = {
        {"dense 2",
         {.task = LS_TASK_CLASSIFICATION, .classes = 2, .targets = 1},
         "--net: the last item, 'dense 2', needs 1 unit for the classes of this data: two classes "
         "have one output, unless --output softmax is given; write 'dense' to have as many as "
         "needed"},
        {"dense 2",
         {.task = LS_TASK_REGRESSION, .targets = 3},
         "--net: the last item, 'dense 2', needs 3 units for the targets of this data; write "
         "'dense' to have as many as needed"},
        {"dense 2",
         {.task = LS_TASK_REGRESSION, .targets = 1},
         "--net: the last item, 'dense 2', needs 1 unit for the targets of this data; write 'dense' "
         "to have as many as needed"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ls_options *options;
        ls_network n;
        ls_error err;
        cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
        set(options, "net", rows[i].net);
        cr_expect_eq(ls_network_build(&options->settings, 4, rows[i].shape, &n, &err),
                     LS_ERR_ARGUMENT);
        cr_expect_str_eq(err.message, rows[i].message, "%s", err.message);
        ls_options_free(options);
    }
}

/* Options of --hidden do not apply, and --shape fits the data. */
Test(net, options_beside_it)
{
    static const char *const rows[][3] = {
        {"batch-norm", "on", "--batch-norm is for --hidden; with --net, write 'batchnorm' in it"},
        {"dropout", "0.5", "--dropout is for --hidden; with --net, write 'dropout P' in it"},
        {"residual", "on", "--residual is for --hidden; with --net, write 'residual(...)' in it"},
        {"shape", "2x3x4", "--shape 2x3x4 has 24 values, but a row of the data gives 4 inputs"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ls_options *options;
        ls_network n;
        ls_error err;
        cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
        set(options, "net", "dense 4, relu, dense");
        set(options, rows[i][0], rows[i][1]);
        cr_expect_eq(ls_network_build(&options->settings, 4, ls_shape_of_classes(3), &n, &err),
                     LS_ERR_ARGUMENT);
        cr_expect_str_eq(err.message, rows[i][2], "%s", err.message);
        ls_options_free(options);
    }
}

/* ---- --shape --------------------------------------------------------------------------------- */

Test(net, shapes)
{
    static const struct {
        const char *text;
        ls_image image; /* channels 0: refused */
    } rows[] = {
        {"1x28x29", {28, 29, 1}},
        {"28x29", {28, 29, 1}},
        {"100", {1, 100, 1}},
        {"3x1x1", {1, 1, 3}},
        {"65536", {1, 65536, 1}},
        {"65537", {0, 0, 0}},
        {"0x3x3", {0, 0, 0}},
        {"3x0x3", {0, 0, 0}},
        {"", {0, 0, 0}},
        {"x3", {0, 0, 0}},
        {"3x", {0, 0, 0}},
        {"1x2x3x4", {0, 0, 0}},
        {"1x2x3x", {0, 0, 0}},
        {"3 x 3", {0, 0, 0}},
        {"-1x3x3", {0, 0, 0}},
        {"3X3", {0, 0, 0}},
        {"1e2", {0, 0, 0}},
        {"1x00000000000000000000000000000000000000000000000000000000000000000000028x28", {0, 0, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ls_image image = {0};
        ls_error err;
        ls_status status = ls_image_parse(rows[i].text, &image, &err);
        cr_expect_eq(status, rows[i].image.channels ? LS_OK : LS_ERR_ARGUMENT, "'%s'",
                     rows[i].text);
        cr_expect(!memcmp(&image, &rows[i].image, sizeof image), "'%s': %ux%ux%u", rows[i].text,
                  image.channels, image.height, image.width);
        if (status != LS_OK)
            cr_expect(strstr(err.message, "is not the size of an image"), "%s", err.message);
    }
}

/* Files hold one channel after the other, networks one position after the other. */
Test(net, inputs_are_arranged)
{
    enum { ROWS = 2, CHANNELS = 3, HEIGHT = 2, WIDTH = 5, ALL = CHANNELS * HEIGHT * WIDTH };
    float x[ROWS * ALL];
    ls_options *options;
    ls_network n;
    ls_error err;
    for (size_t i = 0; i < ROWS * ALL; i++) x[i] = (float)i;
    cr_assert_eq(build("globalpool, dense", "3x2x5", ALL, 3, &options, &n, &err), LS_OK);
    cr_assert_eq(ls_network_arrange(&n, x, ROWS, &err), LS_OK);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t y = 0; y < HEIGHT; y++)
                for (size_t k = 0; k < WIDTH; k++)
                    cr_assert_eq(x[((r * HEIGHT + y) * WIDTH + k) * CHANNELS + c],
                                 (float)(((r * CHANNELS + c) * HEIGHT + y) * WIDTH + k));
    ls_network_free(&n);
    ls_options_free(options);
}

/* A batch of one row has no variance, but the positions of an image have. */
Test(net, batch_norm_needs_rows)
{
    static const struct {
        const char *net;
        bool values;
    } rows[] = {{"dense 4, batchnorm, relu, dense", true},
                {"conv 4 3, relu, globalpool, batchnorm, dense", true},
                {"conv 4 3, flatten, batchnorm, dense", true},
                {"conv 4 3, batchnorm, relu, dense", false},
                {"dense 4, relu, dense", false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        ls_options *o;
        ls_error err;
        cr_assert_eq(ls_options_create_plain(&o, &err), LS_OK);
        cr_assert_eq(ls_options_set(o, "net", rows[i].net, &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_options_set(o, "batch", "auto", &err), LS_OK);
        cr_expect_eq(ls_settings_batch(&o->settings, 65), rows[i].values ? 17u : 16u, "%s",
                     rows[i].net);
        cr_assert_eq(ls_options_set(o, "batch", "32", &err), LS_OK);
        ls_status status = ls_training_check_batch(&o->settings, 65, &err);
        cr_expect_eq(status, rows[i].values ? LS_ERR_ARGUMENT : LS_OK, "%s", rows[i].net);
        if (status != LS_OK)
            cr_expect(strstr(err.message, "batchnorm needs"), "message: %s", err.message);
        ls_options_free(o);
    }
}

/* Products of sizes fit 64 bits; where addresses have 32, large shapes are refused. */
Test(net, shapes_that_are_too_large)
{
    ls_image image;
    ls_error err;
    ls_status status = ls_image_parse("65536x65536x65536", &image, &err);
    cr_expect_eq(status, sizeof(size_t) < 8 ? LS_ERR_ARGUMENT : LS_OK);
    cr_expect_eq(ls_image_parse("3x1000x1000", &image, &err), LS_OK);
}

/* Also where no layer looks at the image. */
Test(net, shape_that_the_data_does_not_have)
{
    ls_options *o;
    ls_network n;
    ls_error err;
    cr_assert_eq(ls_options_create_plain(&o, &err), LS_OK);
    set(o, "shape", "1x8x9");
    cr_expect_eq(ls_network_build(&o->settings, 64, ls_shape_of_classes(3), &n, &err),
                 LS_ERR_ARGUMENT);
    ls_options_free(o);
}

/* What --net replaces is refused instead of ignored. */
Test(net, options_that_it_replaces)
{
    static const char *const rows[][2] = {{"hidden", "64"},
                                          {"activation", "tanh"},
                                          {"batch-norm", "on"},
                                          {"dropout", "0.1"},
                                          {"residual", "on"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        ls_options *o;
        ls_network n;
        ls_error err;
        cr_assert_eq(ls_options_create_plain(&o, &err), LS_OK);
        set(o, "net", "dense 4, relu, dense");
        cr_assert_eq(ls_network_build(&o->settings, 3, ls_shape_of_classes(3), &n, &err), LS_OK);
        ls_network_free(&n);
        set(o, rows[i][0], rows[i][1]);
        cr_expect_eq(ls_network_build(&o->settings, 3, ls_shape_of_classes(3), &n, &err),
                     LS_ERR_ARGUMENT, "--%s", rows[i][0]);
        cr_expect(strstr(err.message, rows[i][0]), "message: %s", err.message);
        ls_options_free(o);
    }
}
