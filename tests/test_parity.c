/* SPDX-License-Identifier: MIT */
/* Every operation of a plan, alone, on every backend: the whole arena is compared bit by bit,
 * between backends and with the definitions in tests/support/true_operations.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/network/network.h"
#include "kernels/arith.h"
#include "tests/support/parity.h"
#include "tests/support/true_operations.h"

typedef struct {
    size_t m, in, out;
} shape;

#define SET(name) static void set_##name(hand_plan *p, shape s, unsigned v)

/* ---- BATCH, GATHER: test_random.c has the permutation's own tests ---------------------------- */

SET(batch)
{
    const size_t rows[] = {s.m, s.m + 1, 3 * s.m + s.m / 2 + 1, 0xfffffffb};
    p->plan.rows = rows[v];
    p->plan.shuffle = true;
    size_t per_epoch = (rows[v] + s.m - 1) / s.m;
    p->step = per_epoch * (7 + ((uint64_t)v << 32)) - 1; /* the last step of an epoch */
    hand_op(p, LS_OP_BATCH, 0, 0)->y = hand_room(p, "index", s.m, 1);
}

SET(gather)
{
    const ls_view from[] = {{LS_DATA_X, 0}, {LS_DATA_T, 0}, {LS_DATA_WEIGHT, 0}};
    const size_t width[] = {s.in, s.out, 1};
    parity_batches(p, s.m, s.in, s.out);
    p->plan.shuffle = true;
    ls_view index = hand_room(p, "index", s.m, 1);
    for (size_t i = 0; i < s.m; i++) {
        uint32_t row = (uint32_t)((i * 7919 + p->seed) % p->plan.rows);
        memcpy(&p->arena[index.at + i], &row, sizeof row);
    }
    ls_op *o = hand_op(p, LS_OP_GATHER, 0, width[v]);
    o->x = from[v], o->index = index, o->y = hand_room(p, "y", s.m, width[v]);
}

/* ---- DENSE ----------------------------------------------------------------------------------- */

/* 0-15: activations with and without a bias; 16: from the data set; 17: the same in inference;
 * 18-25: activations in place. */
SET(dense)
{
    bool data = v == 16 || v == 17;
    if (data) parity_batches(p, s.m, s.in, 1);
    ls_op *o = hand_op(p, LS_OP_DENSE, s.in, s.out);
    o->act = (ls_act)(v < 18 ? v % LS_ACT_COUNT : v - 18);
    o->x = data ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s.m, s.in);
    o->w = hand_room(p, "w", s.in, s.out);
    if (v % 16 < 8) o->b = hand_room(p, "b", 1, s.out);
    o->z = hand_room(p, "z", s.m, s.out);
    if (v >= 18 && !ls_activations[o->act].reads_z) o->a = o->z;
    else if (v != 16) o->a = hand_room(p, "a", s.m, s.out);
    if (v == 17) parity_inference(p, s.out, o->z);
    p->no_truth = v == 17;
}

/* ---- NORM, NORM_FIXED, NORM_GRAD ------------------------------------------------------------- */

static ls_op *norm_op(hand_plan *p, ls_op_kind kind, shape s)
{
    ls_op *o = hand_op(p, kind, 0, s.out);
    o->mean = hand_room(p, "mean", 1, s.out);
    o->inv = hand_room_positive(p, "inv", 1, s.out);
    o->gamma = hand_room(p, "gamma", 1, s.out);
    o->z = hand_room(p, "z", s.m, s.out);
    return o;
}

/* Activations, with separate y and a or, if allowed, in one matrix. */
SET(norm)
{
    ls_op *o = norm_op(p, LS_OP_NORM, s);
    o->act = (ls_act)(v % LS_ACT_COUNT);
    o->running_mean = hand_room(p, "running_mean", 1, s.out);
    o->running_var = hand_room_positive(p, "running_var", 1, s.out);
    o->beta = hand_room(p, "beta", 1, s.out);
    o->y = hand_room(p, "y", s.m, s.out);
    o->a = v >= LS_ACT_COUNT && !ls_activations[o->act].reads_z ? o->y
                                                                : hand_room(p, "a", s.m, s.out);
}

SET(norm_fixed)
{
    p->plan.rows = p->data.rows = 2 * s.m + (s.m + 1) / 2;
    set_norm(p, s, v);
    p->op[0].kind = LS_OP_NORM_FIXED;
    parity_inference(p, s.out, p->op[0].a);
}

SET(norm_grad)
{
    (void)v;
    ls_op *o = norm_op(p, LS_OP_NORM_GRAD, s);
    o->dz = hand_room(p, "dz", s.m, s.out);
    o->y = o->z;
    o->grad_gamma = hand_room(p, "grad_gamma", 1, s.out);
    o->grad_beta = hand_room(p, "grad_beta", 1, s.out);
}

/* ---- JOIN ------------------------------------------------------------------------------------ */

SET(join)
{
    static const float dropout[] = {0.0f, 0.25f, 0.5f, 0.9f};
    ls_op *o = hand_op(p, LS_OP_JOIN, 0, s.out);
    o->dropout = dropout[v % 4];
    o->purpose = 0x703;
    p->step = v & 4 ? 0x300000007 : 7;
    o->a = hand_room(p, "a", s.m, s.out);
    if (v & 4) o->skip = hand_room(p, "skip", s.m, s.out);
    o->y = v & 8 ? o->a : hand_room(p, "y", s.m, s.out);
}

/* ---- LOSS, LOSS_SUM -------------------------------------------------------------------------- */

/* Pairs of loss and output, the first with one output, × with and without row weights × averaged
 * over a batch, summed over an incomplete batch, averaged over one, and in inference. */
enum { LOSS_PAIRS = 7 };
SET(loss)
{
    static const ls_loss losses[LOSS_PAIRS] = {LS_LOSS_BCE, LS_LOSS_CE,  LS_LOSS_MSE,  LS_LOSS_MSE,
                                               LS_LOSS_BCE, LS_LOSS_MAE, LS_LOSS_HUBER};
    static const ls_output outputs[LOSS_PAIRS] = {
        LS_OUTPUT_SIGMOID, LS_OUTPUT_SOFTMAX,  LS_OUTPUT_SIGMOID, LS_OUTPUT_IDENTITY,
        LS_OUTPUT_SIGMOID, LS_OUTPUT_IDENTITY, LS_OUTPUT_IDENTITY};
    static const float deltas[] = {1.0f, 0.03f, 40.0f};
    unsigned pair = v % LOSS_PAIRS, mode = v / (2 * LOSS_PAIRS);
    size_t out = pair ? s.out : 1;
    bool data = mode > 0, weighted = v / LOSS_PAIRS % 2;
    if (data) parity_batches(p, s.m, 1, out);
    p->plan.loss = losses[pair];
    p->plan.output = outputs[pair];
    p->plan.huber_delta = deltas[(v + s.m) % 3];
    p->plan.label_keep = v & 1 ? 0.9f : 1.0f, p->plan.label_share = v & 1 ? 0.025f : 0.0f;
    p->plan.mean = mode != 1;
    ls_op *o = hand_op(p, LS_OP_LOSS, 0, out);
    o->z = hand_room(p, "z", s.m, out);
    /* some logits are so low that their share of a softmax is 0 */
    for (size_t i = 0; i < s.m * out; i += 3) p->arena[o->z.at + i] *= 60;
    o->a = hand_room(p, "a", s.m, out);
    o->target = data ? (ls_view){LS_DATA_T, 0} : hand_room(p, "target", s.m, out);
    if (weighted)
        o->row_weight = data ? (ls_view){LS_DATA_WEIGHT, 0}
                             : hand_room_positive(p, "row_weight", s.m, 1);
    if (mode == 3) parity_inference(p, out, o->a);
    o->row_loss = p->infer ? p->plan.row_loss : hand_room(p, "row_loss", s.m, 1);
    p->no_truth = p->infer;
}

SET(loss_sum)
{
    (void)v;
    p->plan.rows = 2 * s.m + (s.m + 1) / 2; /* three steps, the last one over fewer rows */
    p->step = p->steps = 3, p->sums_loss = true;
    p->plan.row_loss = hand_room(p, "row_loss", s.m, 1);
    hand_op(p, LS_OP_LOSS_SUM, 0, 1);
}

/* ---- GRAD_W, GRAD_B, GRAD_X ------------------------------------------------------------------ */

/* 0: without optimizer; 1: with x from the data set; others: followed by an optimizer. */
SET(grad_w)
{
    if (v == 1) parity_batches(p, s.m, s.in, 1);
    ls_op *o = hand_op(p, LS_OP_GRAD_W, s.in, s.out);
    o->x = v == 1 ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s.m, s.in);
    o->dz = hand_room(p, "dz", s.m, s.out);
    o->y = hand_room(p, "y", s.in, s.out);
    if (v < 2) return;
    p->plan.parameters = p->plan.weights = s.in * s.out;
    parity_optimizer(p, o, v - 2, s.in * s.out);
    hand_scratch(p, o->y);
}

SET(grad_b)
{
    (void)v;
    ls_op *o = hand_op(p, LS_OP_GRAD_B, 0, s.out);
    o->dz = hand_room(p, "dz", s.m, s.out), o->y = hand_room(p, "y", 1, s.out);
}

/* Activations × skip × dropout × in place or not. */
SET(grad_x)
{
    ls_op *o = hand_op(p, LS_OP_GRAD_X, s.in, s.out);
    o->act = (ls_act)(v % LS_ACT_COUNT);
    o->purpose = 0x203;
    o->dropout = v & 8 ? 0.25f : 0.0f;
    o->dz = hand_room(p, "dz", s.m, s.in);
    o->w = hand_room(p, "w", s.out, s.in);
    o->z = hand_room(p, "z", s.m, s.out);
    o->a = hand_room(p, "a", s.m, s.out);
    if (o->act == LS_ACT_relu) parity_relu(p, o->a, s.m * s.out);
    /* d may be y if the derivative does not read z */
    bool reads_z = ls_activations[o->act].reads_z, in_place = !reads_z && v % 3 == 0;
    if (!in_place) o->d = hand_room(p, "d", s.m, s.out);
    o->dropped = hand_room(p, "dropped", s.m, s.out);
    hand_scratch(p, o->dropped);
    if (v & 16) o->skip = hand_room(p, "skip", s.m, s.out);
    o->y = v & 32 ? hand_room(p, "y", s.m, s.out) : o->z;
    if (in_place) o->d = o->y;
}

/* ---- CLIP, UPDATE, MAX_NORM ------------------------------------------------------------------ */

static void set_clip_of(hand_plan *p, size_t n, float limit)
{
    p->plan.parameters = n;
    p->plan.clip = limit;
    ls_op *o = hand_op(p, LS_OP_CLIP, 0, n);
    o->x = hand_room(p, "x", n, 1), o->y = hand_room(p, "y", 1, 1);
}

SET(clip) { set_clip_of(p, s.in * s.out, v == 0 ? 0.5f : v == 1 ? 1e20f : 30.0f); }

/* Optimizers × the fraction of the parameters that are weights × clipped or not, over all
 * parameters or without the first ones. */
SET(update)
{
    size_t first = v & 1 ? 7 : 0, n = s.in * s.out,
           weights[] = {first + n, first + n / 2, first / 2};
    ls_op *o = hand_op(p, LS_OP_UPDATE, first, n);
    p->plan.parameters = first + n;
    p->plan.weights = weights[v / LS_OPT_COUNT % 3];
    parity_optimizer(p, o, v % LS_OPT_COUNT, n);
    o->y = hand_room(p, "gradient", n, 1);
    if (v / LS_OPT_COUNT / 3) o->b = hand_room(p, "clip", 1, 1);
}

SET(max_norm)
{
    static const float limit[] = {1.0f, 20.0f, 1e30f};
    p->plan.hyper.max_norm = limit[v];
    hand_op(p, LS_OP_MAX_NORM, s.in, s.out)->w = hand_room(p, "w", s.in, s.out);
}

/* 0: of rows; 1: of the data set; 2: in inference; 3: with numbers of inputs that there are not. */
SET(pieces)
{
    if (v == 1 || v == 2) parity_batches(p, s.m, s.in, 1);
    ls_op *o = hand_op(p, LS_OP_PIECES, s.in, s.out);
    o->x = v == 1 || v == 2 ? (ls_view){LS_DATA_X, 0} : hand_room(p, "x", s.m, s.in);
    o->w = hand_room(p, "table", 5, s.out);
    o->a = hand_room(p, "a", s.m, s.out);
    if (v == 2) parity_inference(p, s.out, o->a);
    p->no_truth = p->infer;
    float *table = p->arena + o->w.at;
    for (size_t j = 0; j < s.out; j++) {
        table[j] = v < 3 ? (float)((j * 7 + p->seed) % s.in)
                         : (float[]){-1.0f, NAN, INFINITY, (float)s.in, 0.0f}[j % 5];
        table[3 * s.out + j] = j % 3 ? 0.0f : -3.40282347e+38f;
        table[4 * s.out + j] = j % 4 ? 1.0f : 3.40282347e+38f;
    }
}

/* ---- Running them ---------------------------------------------------------------------------- */

/* 1, primes, tiles of 4 to 32 and chunks of 64 rows ± 1, tall, wide, one column; products across a
 * cache block (256); and some large enough to be shared among threads by rows, by columns and by
 * parameters. The first few run all variants of an operation, the others a few of them in turn. */
static const shape shapes[] = {
    {5, 7, 3},      {67, 13, 33},   {129, 31, 17}, {1, 1, 1},      {2, 3, 5},      {3, 2, 1},
    {4, 5, 4},      {7, 13, 31},    {31, 61, 67},  {61, 67, 127},  {11, 12, 13},   {12, 11, 32},
    {13, 13, 31},   {15, 16, 17},   {16, 17, 15},  {17, 15, 16},   {31, 32, 33},   {32, 33, 31},
    {33, 31, 32},   {63, 64, 65},   {64, 65, 63},  {65, 63, 64},   {127, 128, 11}, {128, 129, 12},
    {129, 127, 61}, {1000, 1, 1},   {1000, 3, 2},  {1, 1000, 1},   {1, 1, 1000},   {67, 61, 1},
    {1, 300, 5},    {3, 600, 17},   {64, 300, 33}, {13, 255, 31},  {12, 256, 32},  {11, 257, 33},
    {192, 5, 96},   {193, 64, 65},  {257, 13, 7},  {320, 7, 96},   {600, 13, 31},  {20, 20, 1000},
    {3, 5, 2100},   {1000, 33, 65}, {2, 600, 500}, {300, 17, 260}, {70, 300, 1},   {300, 70, 1},
    {150, 2, 300},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, THOROUGH = 4, SOME = 3 };

#define ROWS(X)                                                                                    \
    X(BATCH, batch, NULL, 4)                                                                       \
    X(GATHER, gather, true_gather, 3)                                                              \
    X(DENSE, dense, true_dense, 18 + LS_ACT_COUNT)                                                 \
    X(NORM, norm, true_norm, 2 * LS_ACT_COUNT)                                                     \
    X(NORM_FIXED, norm_fixed, true_norm_fixed, 2 * LS_ACT_COUNT)                                   \
    X(JOIN, join, true_join, 16)                                                                   \
    X(LOSS, loss, true_loss, 8 * LOSS_PAIRS)                                                       \
    X(LOSS_SUM, loss_sum, true_loss_sum, 1)                                                        \
    X(GRAD_W, grad_w, true_grad_w, 2 + LS_OPT_COUNT)                                               \
    X(GRAD_B, grad_b, true_grad_b, 1)                                                              \
    X(GRAD_X, grad_x, true_grad_x, 64)                                                             \
    X(NORM_GRAD, norm_grad, true_norm_grad, 1)                                                     \
    X(CLIP, clip, true_clip, 3)                                                                    \
    X(UPDATE, update, true_update, 6 * LS_OPT_COUNT)                                               \
    X(MAX_NORM, max_norm, true_max_norm, 3)                                                        \
    X(PIECES, pieces, true_pieces, 4)

static const struct row {
    ls_op_kind kind;
    const char *name;
    void (*set)(hand_plan *p, shape s, unsigned v);
    hand_truth truth;
    unsigned variants;
} rows[] = {
#define X(KIND, name, truth, variants) {LS_OP_##KIND, #KIND, set_##name, truth, variants},
    ROWS(X)
#undef X
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static void check_case(const struct row *r, const test_backends *b, size_t i, test_values values,
                       unsigned v)
{
    const shape s = shapes[i];
    hand_plan p;
    hand_begin(&p, s.m, values, (uint32_t)(i * 1000 + v));
    snprintf(p.what, sizeof p.what, "%s variant %u of %zu x %zu x %zu, %s values", r->name, v, s.m,
             s.in, s.out, test_values_name[values]);
    p.members = i % 4 == 1 ? HAND_MEMBERS : i % 4 == 3 ? 2 : 1;
    r->set(&p, s, v);
    hand_check(&p, b, r->truth);
    hand_end(&p);
}

static void check_kind(ls_op_kind kind)
{
    const struct row *r = rows;
    test_backends b;
    while (r->kind != kind) r++;
    test_backends_open(&b);
    if (kind == LS_OP_DENSE || kind == LS_OP_GRAD_W || kind == LS_OP_GRAD_X)
        test_backends_add_tiles(&b);
    for (size_t i = 0; i < SHAPES; i++) {
        unsigned variants = i < THOROUGH || r->variants < SOME ? r->variants : SOME;
        for (unsigned values = 0; values < VALUES_COUNT; values++)
            for (unsigned v = 0; v < variants; v++)
                check_case(r, &b, i, (test_values)values,
                           ((unsigned)i * SOME + 7 * values + v) % r->variants);
    }
    test_backends_close(&b);
}

#define X(KIND, name, truth, variants)                                                             \
    Test(parity, name) { check_kind(LS_OP_##KIND); }
ROWS(X)
#undef X

Test(parity, every_operation_is_here)
{
    bool has[LS_OP_COUNT] = {false};
    for (size_t i = 0; i < ROW_COUNT; i++) has[rows[i].kind] = true;
#define X(KIND, name, variants) has[LS_OP_##KIND] = true;
    PARITY_IMAGES(X)
#undef X
    for (int kind = 0; kind < LS_OP_COUNT; kind++)
        cr_expect(has[kind], "operation %d of ls_op_kind has no row in this file: add one", kind);
}

/* The same at compile time: an operation in LS_OPS without a row here, or in test_parity_images.c,
 * does not compile. */
#define X(KIND, name, truth, variants) enum { ROW_OF_##KIND };
ROWS(X)
#undef X
#define X(KIND, name, variants) enum { ROW_OF_##KIND };
PARITY_IMAGES(X)
#undef X
#define X(KIND, name, chunkwise) +0 * ROW_OF_##KIND
_Static_assert(LS_OPS(X) == 0, "each operation has a row");
#undef X

/* Sizes at which the sums of CLIP have another chunk or another level. */
Test(parity, clip_of_many_sizes)
{
    test_backends b;
    test_backends_open(&b);
    for (size_t n = 1; n <= 300000; n = n < 5000 ? n + 1 : n < 300000 ? 300000 : n + 1) {
        hand_plan p;
        hand_begin(&p, 1, n % 3 ? VALUES_MODERATE : VALUES_TINY, (uint32_t)n);
        snprintf(p.what, sizeof p.what, "CLIP of %zu values", n);
        set_clip_of(&p, n, 2.0f);
        hand_check(&p, &b, true_clip);
        hand_end(&p);
    }
    test_backends_close(&b);
}

/* A step over no rows has no mean and no chains: ls_plan_build refuses such a plan. */
Test(parity, no_rows_are_refused)
{
    ls_options *options;
    ls_network net;
    ls_plan *plan = NULL;
    ls_error err;
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    cr_assert_eq(ls_network_build(&options->settings, 4, ls_shape_of_classes(3), &net, &err),
                 LS_OK);
    cr_expect_eq(ls_plan_build(&net, &options->settings, LS_PLAN_TRAIN, 0, false, &plan, &err),
                 LS_ERR_ARGUMENT);
    cr_expect_null(plan);
    cr_expect(strstr(err.message, "0 rows"), "message: %s", err.message);
    cr_expect_eq(ls_plan_build(&net, &options->settings, LS_PLAN_INFER, 0, false, &plan, &err),
                 LS_ERR_ARGUMENT);
    cr_expect_eq(ls_plan_build(&net, &options->settings, LS_PLAN_TRAIN, 1, false, &plan, &err),
                 LS_OK, "%s", err.message);
    ls_plan_free(plan);
    ls_network_free(&net);
    ls_options_free(options);
}
