/* SPDX-License-Identifier: MIT */
/* The operations on images, alone, on every backend, as in test_parity.c: the whole arena is
 * compared bit by bit, between backends and with the definitions in tests/support/true_images.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/parity.h"
#include "tests/support/true_images.h"
#include "tests/support/true_operations.h"

/* ---- Sizes ----------------------------------------------------------------------------------- */

/* m images, and windows over them; `after` is the padding below and to the right. */
typedef struct {
    size_t m, out;
    ls_image from;
    uint32_t kernel[2], stride[2], dilation[2], pad[2], after[2], groups;
} sliding;

#define ONCE                                                                                       \
    {                                                                                              \
        1, 1                                                                                       \
    }
#define NONE                                                                                       \
    {                                                                                              \
        0, 0                                                                                       \
    }

/* The first few run all variants of an operation, the others a few of them in turn. */
static const sliding convolutions[] = {
    /* a usual one; an even kernel, padded by more behind than before; more than 64 images; more
     * than 64 positions, the last chunk of which is short */
    {3, 4, {5, 7, 3}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    {2, 5, {6, 6, 2}, {2, 4}, ONCE, ONCE, {0, 1}, {1, 2}, 1},
    {67, 2, {4, 3, 3}, {2, 2}, ONCE, ONCE, NONE, NONE, 1},
    {1, 3, {17, 13, 1}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    /* images of one position */
    {1, 1, {1, 1, 1}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    {5, 33, {1, 1, 17}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    {3, 2, {1, 1, 3}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    {65, 3, {1, 1, 5}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    /* signals: images of one row */
    {4, 5, {1, 50, 3}, {1, 5}, {1, 2}, ONCE, NONE, NONE, 1},
    {2, 4, {1, 300, 1}, {1, 7}, ONCE, ONCE, {0, 3}, {0, 3}, 1},
    {2, 3, {40, 1, 2}, {3, 1}, {2, 1}, {3, 1}, {3, 0}, {2, 0}, 1},
    /* one window over the whole image */
    {3, 3, {5, 5, 2}, {5, 5}, ONCE, ONCE, NONE, NONE, 1},
    {200, 3, {3, 3, 2}, {3, 3}, ONCE, ONCE, NONE, NONE, 1},
    /* strides: larger than the window, with rows left over, and on windows of one position */
    {2, 3, {11, 11, 2}, {2, 2}, {3, 3}, ONCE, NONE, NONE, 1},
    {2, 2, {10, 10, 3}, {3, 3}, {3, 3}, ONCE, NONE, NONE, 1},
    {2, 17, {13, 11, 3}, {3, 3}, {2, 2}, ONCE, {1, 1}, {1, 1}, 1},
    {2, 7, {14, 10, 5}, {4, 3}, {3, 2}, ONCE, {2, 1}, {1, 0}, 1},
    {2, 19, {31, 29, 3}, {7, 7}, {2, 2}, ONCE, {3, 3}, {3, 3}, 1},
    {3, 8, {7, 7, 4}, {1, 1}, {2, 2}, ONCE, NONE, NONE, 1},
    {3, 5, {8, 6, 2}, {3, 3}, {2, 3}, ONCE, {0, 0}, {1, 2}, 1},
    /* dilation, alone and with strides that it divides or not */
    {3, 4, {9, 10, 4}, {3, 3}, ONCE, {2, 3}, NONE, NONE, 1},
    {3, 6, {8, 8, 4}, {3, 3}, {2, 2}, {2, 2}, {2, 2}, {2, 2}, 1},
    {2, 4, {9, 8, 4}, {3, 2}, {2, 3}, {3, 2}, {3, 1}, {3, 1}, 1},
    {2, 3, {12, 9, 2}, {3, 4}, {4, 3}, {2, 2}, {4, 3}, {0, 3}, 1},
    /* groups, and one channel in each */
    {2, 9, {7, 7, 6}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 3},
    {2, 34, {6, 7, 32}, {3, 3}, {2, 2}, ONCE, {1, 1}, {0, 1}, 2},
    {3, 16, {8, 9, 16}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 16},
    {2, 17, {10, 7, 17}, {3, 3}, {2, 2}, ONCE, {1, 1}, {1, 1}, 17},
    {66, 33, {3, 3, 33}, {2, 3}, ONCE, {1, 2}, {1, 2}, {0, 2}, 33},
    {2, 6, {6, 5, 3}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 3},
    {2, 3, {6, 5, 6}, {3, 3}, ONCE, ONCE, NONE, NONE, 3},
    /* windows that lie in the padding altogether */
    {2, 3, {3, 3, 2}, {2, 2}, ONCE, ONCE, {3, 4}, {5, 2}, 1},
    {2, 4, {2, 5, 4}, {1, 1}, {2, 2}, ONCE, {2, 1}, {1, 3}, 2},
    /* 64 and 65 positions; images in three chunks; channels in and out by the vector ± 1 */
    {3, 4, {8, 8, 3}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    {2, 3, {5, 13, 2}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    {130, 4, {2, 3, 2}, {2, 2}, ONCE, ONCE, {1, 0}, {0, 1}, 1},
    {2, 16, {16, 16, 33}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    {2, 33, {9, 9, 16}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    {3, 15, {6, 5, 17}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    /* large enough to be shared among threads */
    {9, 16, {28, 28, 1}, {5, 5}, ONCE, ONCE, {2, 2}, {2, 2}, 1},
    {5, 65, {14, 14, 33}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    {1, 96, {20, 20, 16}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    {6, 64, {16, 15, 64}, {3, 3}, {2, 2}, ONCE, {1, 1}, {1, 1}, 64},
    /* past the parts in which the CPU path takes a product: more than 4096 values of a window,
     * positions of an image and channels alone; images, and lines, that no padded copy holds; more
     * weights, and more sums of them, than are kept; more than 64 and 256 taps of a channel */
    {1, 200, {2, 3, 1125}, {2, 2}, ONCE, ONCE, {0, 0}, {1, 0}, 1},
    {2, 200, {3, 3, 250}, {2, 2}, ONCE, ONCE, {1, 1}, {0, 0}, 1},
    {2, 3, {70, 65, 2}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    {2, 3, {71, 67, 2}, {3, 2}, {1, 1}, ONCE, {1, 1}, {1, 0}, 1},
    {1, 2, {300, 300, 8}, {2, 2}, ONCE, ONCE, {1, 0}, {0, 1}, 1},
    {1, 2, {2, 300, 2000}, {1, 1}, ONCE, ONCE, {1, 1}, {0, 1}, 1},
    {2, 4100, {2, 2, 4100}, {2, 1}, ONCE, ONCE, {1, 0}, {0, 0}, 4100},
    {2, 5, {20, 19, 5}, {17, 16}, ONCE, ONCE, {3, 2}, {1, 4}, 5},
    {2, 6, {12, 11, 6}, {9, 9}, {2, 1}, ONCE, {4, 4}, {4, 4}, 6},
};

static const sliding pools[] = {
    {3, 3, {6, 6, 3}, {2, 2}, {2, 2}, ONCE, NONE, NONE, 1},
    {2, 5, {7, 7, 5}, {3, 3}, {2, 2}, ONCE, {1, 1}, {1, 1}, 1},
    {2, 17, {5, 6, 17}, {3, 3}, ONCE, ONCE, {1, 1}, {1, 1}, 1},
    {66, 2, {4, 4, 2}, {2, 2}, {2, 2}, ONCE, NONE, NONE, 1},
    {1, 1, {1, 1, 1}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    {7, 3, {1, 1, 3}, {1, 1}, ONCE, ONCE, NONE, NONE, 1},
    {3, 3, {9, 9, 3}, {2, 2}, {3, 3}, ONCE, NONE, NONE, 1},
    {2, 4, {1, 33, 4}, {1, 3}, {1, 2}, ONCE, {0, 1}, {0, 1}, 1},
    {2, 33, {5, 7, 33}, {5, 7}, ONCE, ONCE, NONE, NONE, 1},
    /* windows side by side, the last of which go past the image */
    {3, 5, {7, 5, 5}, {2, 2}, {2, 2}, ONCE, NONE, {1, 1}, 1},
    {2, 3, {7, 8, 3}, {3, 3}, {3, 3}, ONCE, NONE, {2, 1}, 1},
    {2, 17, {1, 7, 17}, {1, 4}, {1, 4}, ONCE, NONE, {0, 1}, 1},
    {2, 1, {6, 5, 1}, {2, 2}, ONCE, ONCE, NONE, {1, 1}, 1},
    {3, 16, {8, 8, 16}, {5, 4}, {3, 2}, ONCE, {2, 3}, {2, 1}, 1},
    {2, 2, {11, 7, 2}, {4, 1}, {1, 2}, ONCE, NONE, NONE, 1},
    {3, 3, {4, 4, 3}, {4, 4}, ONCE, ONCE, {3, 3}, {3, 3}, 1},
    {2, 3, {13, 13, 3}, {3, 3}, {5, 5}, ONCE, {1, 1}, {1, 1}, 1},
    {2, 15, {10, 11, 15}, {3, 2}, {2, 3}, ONCE, {1, 0}, {0, 1}, 1},
    {16, 16, {28, 28, 16}, {2, 2}, {2, 2}, ONCE, NONE, NONE, 1},
    {5, 33, {23, 21, 33}, {3, 3}, {2, 2}, ONCE, {1, 1}, {1, 1}, 1},
};

/* m images × points positions × out channels. */
static const sliding channels[] = {
    {3, 5, {5, 7, 5}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {67, 3, {2, 2, 3}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {1, 2, {17, 13, 2}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {2, 16, {8, 8, 16}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {1, 1, {1, 2, 1}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {5, 17, {5, 13, 17}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {130, 33, {1, 3, 33}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {64, 1, {3, 3, 1}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {65, 15, {3, 3, 15}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {70, 3, {1, 1, 3}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {20, 33, {14, 14, 33}, ONCE, ONCE, ONCE, NONE, NONE, 1},
    {3, 200, {9, 15, 200}, ONCE, ONCE, ONCE, NONE, NONE, 1},
};
enum { THOROUGH = 4, SOME = 3 };

static size_t values_of(ls_image i) { return (size_t)i.height * i.width * i.channels; }

static ls_window window_of(const sliding *s)
{
    ls_window w = {.from = s->from, .to = {.channels = (uint32_t)s->out}, .groups = s->groups};
    uint32_t size[2] = {s->from.height, s->from.width}, count[2];
    cr_assert(s->out % s->groups == 0 && s->from.channels % s->groups == 0);
    for (int d = 0; d < 2; d++) {
        w.kernel[d] = s->kernel[d], w.stride[d] = s->stride[d];
        w.dilation[d] = s->dilation[d], w.pad[d] = s->pad[d];
        uint32_t span = (s->kernel[d] - 1) * s->dilation[d] + 1,
                 padded = size[d] + s->pad[d] + s->after[d];
        cr_assert_leq(span, padded);
        count[d] = (padded - span) / s->stride[d] + 1;
    }
    w.to.height = count[0], w.to.width = count[1];
    return w;
}

static ls_op *window_op(hand_plan *p, ls_op_kind kind, const sliding *s)
{
    ls_op *o = hand_op(p, kind, 0, s->out);
    o->window = window_of(s);
    o->points = (size_t)o->window.to.height * o->window.to.width;
    return o;
}

#define SET(name) static void set_##name(hand_plan *p, const sliding *s, unsigned v)

/* ---- CONV ------------------------------------------------------------------------------------ */

static size_t weight_rows(const sliding *s)
{
    return (size_t)s->kernel[0] * s->kernel[1] * (s->from.channels / s->groups);
}

/* As DENSE: 0-15: activations with and without a bias; 16: from the data set; 17: the same in
 * inference; 18-25: activations in place. */
SET(conv)
{
    bool data = v == 16 || v == 17;
    if (data) parity_batches(p, s->m, values_of(s->from), 1);
    ls_op *o = window_op(p, LS_OP_CONV, s);
    size_t result = values_of(o->window.to);
    o->in = weight_rows(s);
    o->act = (ls_act)(v < 18 ? v % LS_ACT_COUNT : v - 18);
    o->x = data ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s->m, values_of(s->from));
    o->w = hand_room(p, "w", o->in, s->out);
    if (v % 16 < 8) o->b = hand_room(p, "b", 1, s->out);
    o->z = hand_room(p, "z", s->m, result);
    if (v >= 18 && !ls_activations[o->act].reads_z) o->a = o->z;
    else if (v != 16) o->a = hand_room(p, "a", s->m, result);
    if (v == 17) parity_inference(p, result, o->z);
    p->no_truth = v == 17;
}

/* ---- CONV_X, SLOPE --------------------------------------------------------------------------- */

/* What follows a gradient d of n values per row: activations × dropout × skip × in place or not. */
static void set_finish(hand_plan *p, ls_op *o, size_t m, size_t n, unsigned v)
{
    o->act = (ls_act)(v % LS_ACT_COUNT);
    o->purpose = 0x203;
    o->dropout = v & 8 ? 0.25f : 0.0f;
    o->out = n;
    o->z = hand_room(p, "z", m, n);
    o->a = hand_room(p, "a", m, n);
    if (o->act == LS_ACT_relu) parity_relu(p, o->a, m * n);
    bool reads_z = ls_activations[o->act].reads_z, in_place = !reads_z && v % 3 == 0;
    if (!in_place) o->d = hand_room(p, "d", m, n);
    o->dropped = hand_room(p, "dropped", m, n);
    hand_scratch(p, o->dropped);
    if (v & 16) o->skip = hand_room(p, "skip", m, n);
    o->y = v & 32 ? hand_room(p, "y", m, n) : o->z;
    if (in_place) o->d = o->y;
    /* as the plan has it for a layer whose gradient another layer adds */
    if (v == 32) o->z = o->a, o->d = o->y;
}

SET(conv_x)
{
    ls_op *o = window_op(p, LS_OP_CONV_X, s);
    o->in = weight_rows(s);
    o->dz = hand_room(p, "dz", s->m, values_of(o->window.to));
    o->w = hand_room(p, "w", o->in, s->out);
    set_finish(p, o, s->m, values_of(s->from), v);
}

/* x is a matrix of its own, or the same as d, as after a pool. */
SET(slope)
{
    ls_op *o = hand_op(p, LS_OP_SLOPE, 0, 0);
    size_t n = values_of(s->from);
    set_finish(p, o, s->m, n, v);
    o->x = v / 2 % 2 ? o->d : hand_room(p, "x", s->m, n);
}

SET(act)
{
    ls_op *o = hand_op(p, LS_OP_ACT, 0, values_of(s->from));
    o->act = (ls_act)v;
    o->z = hand_room(p, "z", s->m, o->out);
    o->a = hand_room(p, "a", s->m, o->out);
}

/* ---- CONV_W ---------------------------------------------------------------------------------- */

/* 0: without optimizer; 1: with x from the data set; others: followed by an optimizer. */
SET(conv_w)
{
    if (v == 1) parity_batches(p, s->m, values_of(s->from), 1);
    ls_op *o = window_op(p, LS_OP_CONV_W, s);
    o->in = weight_rows(s);
    o->x = v == 1 ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s->m, values_of(s->from));
    o->dz = hand_room(p, "dz", s->m, values_of(o->window.to));
    o->y = hand_room(p, "y", o->in, s->out);
    if (v < 2) return;
    p->plan.parameters = p->plan.weights = o->in * s->out;
    parity_optimizer(p, o, v - 2, o->in * s->out);
    hand_scratch(p, o->y);
}

/* ---- Pools ----------------------------------------------------------------------------------- */

/* Few different values, so that windows have several largest ones. */
static void make_equal(hand_plan *p, ls_view x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fabsf(p->arena[x.at + i]) < 100) p->arena[x.at + i] = rintf(p->arena[x.at + i]);
}

/* With an index or without; of the data set, or with equal values. */
SET(max_pool)
{
    if (v & 2) parity_batches(p, s->m, values_of(s->from), 1);
    ls_op *o = window_op(p, LS_OP_MAX_POOL, s);
    size_t n = s->m * values_of(s->from);
    o->x = v & 2 ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", n, 1);
    if (v == 0) make_equal(p, o->x, n);
    o->z = o->a = hand_room(p, "a", s->m, values_of(o->window.to));
    if (!(v & 1)) o->index = hand_room(p, "index", s->m, values_of(o->window.to));
}

/* After the MAX_POOL that sets its index. */
SET(max_pool_x)
{
    set_max_pool(p, s, 4 * v);
    ls_view index = p->op[0].index;
    ls_op *o = window_op(p, LS_OP_MAX_POOL_X, s);
    o->index = index;
    o->dz = hand_room(p, "dz", s->m, values_of(o->window.to));
    o->d = hand_room(p, "d", s->m, values_of(s->from));
}

/* Shifted, mirrored, both, or neither; of the data set, or not. */
SET(augment)
{
    static const ls_u32 shifts[] = {0, 1, 3, 40};
    if (v & 1) parity_batches(p, s->m, values_of(s->from), 1);
    ls_op *o = window_op(p, LS_OP_AUGMENT, s);
    o->out = values_of(s->from);
    o->shift = shifts[v], o->flip = v != 2;
    o->x = v & 1 ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s->m, o->out);
    o->y = hand_room(p, "y", s->m, o->out);
}

SET(avg_pool)
{
    if (v) parity_batches(p, s->m, values_of(s->from), 1);
    ls_op *o = window_op(p, LS_OP_AVG_POOL, s);
    o->x = v ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s->m, values_of(s->from));
    o->z = o->a = hand_room(p, "a", s->m, values_of(o->window.to));
}

SET(avg_pool_x)
{
    (void)v;
    ls_op *o = window_op(p, LS_OP_AVG_POOL_X, s);
    o->dz = hand_room(p, "dz", s->m, values_of(o->window.to));
    o->d = hand_room(p, "d", s->m, values_of(s->from));
}

/* ---- NORM*, GRAD_B over positions ------------------------------------------------------------ */

static ls_op *norm_op(hand_plan *p, ls_op_kind kind, const sliding *s)
{
    ls_op *o = hand_op(p, kind, 0, s->out);
    o->points = (size_t)s->from.height * s->from.width;
    o->mean = hand_room(p, "mean", 1, s->out);
    o->inv = hand_room_positive(p, "inv", 1, s->out);
    o->gamma = hand_room(p, "gamma", 1, s->out);
    o->z = hand_room(p, "z", s->m, values_of(s->from));
    return o;
}

SET(norm)
{
    ls_op *o = norm_op(p, LS_OP_NORM, s);
    o->act = (ls_act)(v % LS_ACT_COUNT);
    o->running_mean = hand_room(p, "running_mean", 1, s->out);
    o->running_var = hand_room_positive(p, "running_var", 1, s->out);
    o->beta = hand_room(p, "beta", 1, s->out);
    o->y = hand_room(p, "y", s->m, values_of(s->from));
    o->a = v >= LS_ACT_COUNT && !ls_activations[o->act].reads_z
               ? o->y
               : hand_room(p, "a", s->m, values_of(s->from));
}

SET(norm_fixed)
{
    p->plan.rows = p->data.rows = 2 * s->m + (s->m + 1) / 2;
    set_norm(p, s, v);
    p->op[0].kind = LS_OP_NORM_FIXED;
    parity_inference(p, values_of(s->from), p->op[0].a);
}

SET(norm_grad)
{
    (void)v;
    ls_op *o = norm_op(p, LS_OP_NORM_GRAD, s);
    o->dz = hand_room(p, "dz", s->m, values_of(s->from));
    o->y = o->z;
    o->grad_gamma = hand_room(p, "grad_gamma", 1, s->out);
    o->grad_beta = hand_room(p, "grad_beta", 1, s->out);
}

SET(grad_b)
{
    (void)v;
    ls_op *o = hand_op(p, LS_OP_GRAD_B, 0, s->out);
    o->points = (size_t)s->from.height * s->from.width;
    o->dz = hand_room(p, "dz", s->m, values_of(s->from));
    o->y = hand_room(p, "y", 1, s->out);
}

/* ---- Running them ---------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    void (*set)(hand_plan *p, const sliding *s, unsigned v);
    hand_truth truth;
    unsigned variants;
    bool product;
    const sliding *sizes;
    size_t count;
} row;

static void check_case(const row *r, const test_backends *b, size_t i, test_values values,
                       unsigned v)
{
    const sliding *s = &r->sizes[i];
    hand_plan p;
    hand_begin(&p, s->m, values, (uint32_t)(i * 1000 + v));
    snprintf(p.what, sizeof p.what, "%s variant %u of %zu images %ux%ux%u (case %zu), %s values",
             r->name, v, s->m, s->from.height, s->from.width, s->from.channels, i,
             test_values_name[values]);
    p.members = i % 4 == 1 ? HAND_MEMBERS : i % 4 == 3 ? 2 : 1;
    r->set(&p, s, v);
    hand_check(&p, b, r->truth);
    hand_end(&p);
}

static void check(const row *r)
{
    test_backends b;
    test_backends_open(&b);
    test_backends_add_tiles(&b);
    for (size_t i = 0; i < r->count; i++) {
        unsigned variants = i < THOROUGH || r->variants < SOME ? r->variants : SOME;
        for (unsigned values = 0; values < VALUES_COUNT; values++)
            for (unsigned v = 0; v < variants; v++)
                check_case(r, &b, i, (test_values)values,
                           ((unsigned)i * SOME + 7 * values + v) % r->variants);
    }
    test_backends_close(&b);
}

#define SIZES(array) (array), sizeof(array) / sizeof *(array)
#define sizes_conv true, SIZES(convolutions)
#define sizes_conv_x true, SIZES(convolutions)
#define sizes_conv_w true, SIZES(convolutions)
#define sizes_augment false, SIZES(pools)
#define sizes_max_pool false, SIZES(pools)
#define sizes_max_pool_x false, SIZES(pools)
#define sizes_avg_pool false, SIZES(pools)
#define sizes_avg_pool_x false, SIZES(pools)
#define sizes_act false, SIZES(channels)
#define sizes_slope false, SIZES(channels)

#define X(KIND, name, variants)                                                                    \
    Test(parity_images, name)                                                                      \
    {                                                                                              \
        const row r = {#KIND, set_##name, true_##name, variants, sizes_##name};                    \
        check(&r);                                                                                 \
    }
PARITY_IMAGES(X)
#undef X

Test(parity_images, norm)
{
    const row r = {"NORM", set_norm, true_norm, 2 * LS_ACT_COUNT, false, SIZES(channels)};
    check(&r);
}
Test(parity_images, norm_fixed)
{
    const row r = {"NORM_FIXED",     set_norm_fixed, true_norm_fixed,
                   2 * LS_ACT_COUNT, false,          SIZES(channels)};
    check(&r);
}
Test(parity_images, norm_grad)
{
    const row r = {"NORM_GRAD", set_norm_grad, true_norm_grad, 1, false, SIZES(channels)};
    check(&r);
}
Test(parity_images, grad_b)
{
    const row r = {"GRAD_B", set_grad_b, true_grad_b, 1, false, SIZES(channels)};
    check(&r);
}
