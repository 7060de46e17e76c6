/* SPDX-License-Identifier: MIT */
/* Many steps of small networks in one launch, on CPU devices: a work-group of one work-item trains
 * one member after another, each for all steps of the call, and writes the losses. There are few
 * work-groups; each takes the next member until none is left. A step runs chunk-wise
 * (host/network/chunks.h): LS_CHUNK rows go through all layers and back, in scratch memory that
 * stays in a cache:
 *
 *   scratch   column 0  ▏r0 r1 r2 … r63▕
 *             column 1  ▏r0 r1 r2 … r63▕
 *             …
 *
 * A matrix is stored by columns; the chunk's rows are the lanes of vectors. Products have register
 * tiles of TILE_LANES-wide vectors. GPUs have small_group.cl. */
#include "kernels/matrix.h"
#include "kernels/small_product.h"
#include "kernels/small_step.h"

/* ---- Operations on a chunk ------------------------------------------------------------------- */

static void activate(uint act, __global const float *z, __global float *a, uint n)
{
    switch (act) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name:                                                                            \
        EACH(i, n) a[i] = ls_act_##name(z[i]);                                                     \
        break;
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
}

static void activation_gradient(uint act, __global const float *d, __global const float *z,
                                __global const float *a, __global float *y, uint n)
{
    switch (act) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name:                                                                            \
        EACH(i, n) y[i] = d[i] * ls_act_grad_##name(LS_READS_##reads(z[i], a[i]));                 \
        break;
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
}

/* y = a·mask; the mask is indexed by the element's row and column in the batch. */
static void drop(const small_step *s, words op, __global const float *a, __global float *y)
{
    const uint out = op[SMALL_OP_out], lanes = s->lanes, purpose = op[SMALL_OP_purpose],
               row = s->row;
    const ulong seed = s->seed, step = s->step;
    const float p = value(op, SMALL_OP_dropout);
    /* four columns share a block of random words if rows begin with one */
    const uint shared = out % 4u == 0u ? out : 0u;
    for (uint c = 0; c < shared; c += 4u) {
        __global const float *from = a + c * lanes;
        __global float *to = y + c * lanes;
        EACH(i, lanes) {
            const ls_u32x4 r = ls_random_block(seed, purpose, step, ((row + i) * out + c) >> 2);
            to[i] = from[i] * ls_dropout_of(r.x, p);
            to[lanes + i] = from[lanes + i] * ls_dropout_of(r.y, p);
            to[2 * lanes + i] = from[2 * lanes + i] * ls_dropout_of(r.z, p);
            to[3 * lanes + i] = from[3 * lanes + i] * ls_dropout_of(r.w, p);
        }
    }
    for (uint c = shared; c < out; c++)
        EACH(i, lanes)
            y[c * lanes + i] = a[c * lanes + i] *
                               ls_dropout_factor(seed, purpose, step, (row + i) * out + c, p);
}

/* Row numbers of the chunk if rows are shuffled, stored as the bits of floats in the space of the
 * losses, which are computed later. */
static void number_rows(const small_step *s, const small_rows *r)
{
    __global float *numbers = s->scratch + field(s, SMALL_row_loss);
    const uint n = field(s, SMALL_rows), rows = s->rows, first = r->first;
    const ls_permutation p = ls_permutation_of(n, s->seed, LS_PURPOSE_ORDER, r->epoch);
    /* All rows at once: those not below n yet are permuted again, the others keep theirs. */
    uint number[LS_CHUNK], pending = 1;
    EACH(i, rows) number[i] = ls_permute_once(first + i, p);
    while (pending) {
        pending = 0;
        EACH(i, rows) {
            const uint next = ls_permute_once(number[i], p);
            number[i] = number[i] >= n ? next : number[i];
        }
        for (int i = 0; i < (int)rows; i++) pending |= number[i] >= n;
    }
    EACH(i, rows) numbers[i] = as_float(number[i]);
}

/* Reads the chunk's inputs, targets or row weights, `columns` values per row, into lanes; lanes
 * past the last row are 0. */
static void load(const small_step *s, const small_rows *r, __global const float *from, uint columns,
                 uint place)
{
    const int lanes = s->lanes, rows = s->rows, shuffled = field(s, SMALL_shuffle);
    __global const float *numbers = s->scratch + field(s, SMALL_row_loss);
    __global float *to = s->scratch + place;
    const uint first = r->first;
    from += (ulong)r->origin * columns;
    for (int c = 0; c < (int)columns; c++)
        for (int i = 0; i < lanes; i++) {
            const uint row = i < rows ? (shuffled ? as_uint(numbers[i]) : first + i) : 0;
            to[c * lanes + i] = i < rows ? from[(ulong)row * columns + c] : 0.0f;
        }
}

static void load_all(const small_step *s, const small_rows *r)
{
    load(s, r, r->x, field(s, SMALL_features), field(s, SMALL_x));
    load(s, r, r->t, field(s, SMALL_outputs), field(s, SMALL_t));
    if (field(s, SMALL_row_weight) != SMALL_NONE)
        load(s, r, r->weight, 1, field(s, SMALL_row_weight));
}

static void dense(const small_step *s, words op)
{
    const int in = op[SMALL_OP_in], out = op[SMALL_OP_out], lanes = s->lanes;
    product_across(out, lanes, in, s->arena + op[SMALL_OP_w], 1, out, s->scratch + op[SMALL_OP_x],
                   lanes, op[SMALL_OP_b] == SMALL_NONE ? 0 : s->arena + op[SMALL_OP_b],
                   s->scratch + op[SMALL_OP_z], lanes, 0);
}

/* The piecewise-linear encoding of the inputs. */
static void pieces(const small_step *s, words op)
{
    const uint in = op[SMALL_OP_in], out = op[SMALL_OP_out], lanes = s->lanes;
    for (uint j = 0; j < out; j++) {
        __global const float *table = s->arena + op[SMALL_OP_w] + j;
        __global const float *x = s->scratch + op[SMALL_OP_x] +
                                  ls_piece_input(table[0], in) * lanes;
        __global float *a = s->scratch + op[SMALL_OP_a] + j * lanes;
        const float from = table[LS_PIECE_FROM * out], scale = table[LS_PIECE_SCALE * out],
                    low = table[LS_PIECE_LOW * out], high = table[LS_PIECE_HIGH * out];
        EACH(i, lanes) a[i] = ls_piece(x[i], from, scale, low, high);
    }
}

/* y = a, with dropout y = a·mask. Never write this as if (masked) drop(…) else EACH(…): PoCL 5
 * crashes on an if whose arms both loop over work-items, one of them inside another loop, in a loop
 * that ends with a barrier (pocl#1435; .ci/item_loops.py looks for it). */
static void join(const small_step *s, words op)
{
    __global const float *a = s->scratch + op[SMALL_OP_a];
    __global float *y = s->scratch + op[SMALL_OP_y];
    const int masked = value(op, SMALL_OP_dropout) > 0.0f;
    const int copied = masked ? 0 : op[SMALL_OP_out] * s->lanes;
    EACH(i, copied) y[i] = a[i];
    if (masked) drop(s, op, a, y);
}

/* y = y + skip */
static void add_skip(const small_step *s, words op, uint place)
{
    __global const float *skip = s->scratch + op[SMALL_OP_skip];
    __global float *y = s->scratch + place;
    EACH(i, op[SMALL_OP_out] * s->lanes) y[i] = y[i] + skip[i];
}

static void grad_x(const small_step *s, words op)
{
    const int in = op[SMALL_OP_in], lanes = s->lanes;
    product_along(op[SMALL_OP_out], lanes, in, s->arena + op[SMALL_OP_w], in, 1,
                  s->scratch + op[SMALL_OP_dz], lanes, 0, s->scratch + op[SMALL_OP_d], lanes, 0);
}

/* Transposes columns of lanes to rows of `width` floats, the layout for products over rows. */
static void to_rows(__global const float *x, int columns, int lanes, int rows, __global float *out,
                    int width)
{
    int j = 0;
    for (; j + 4 <= columns; j += 4)
        for (int r = 0; r < rows; r += 4) {
            const float4 a = vload4(0, x + j * lanes + r), b = vload4(0, x + (j + 1) * lanes + r);
            const float4 c = vload4(0, x + (j + 2) * lanes + r),
                         d = vload4(0, x + (j + 3) * lanes + r);
            vstore4((float4)(a.x, b.x, c.x, d.x), 0, out + r * width + j);
            vstore4((float4)(a.y, b.y, c.y, d.y), 0, out + (r + 1) * width + j);
            vstore4((float4)(a.z, b.z, c.z, d.z), 0, out + (r + 2) * width + j);
            vstore4((float4)(a.w, b.w, c.w, d.w), 0, out + (r + 3) * width + j);
        }
    for (; j < columns; j++)
        for (int r = 0; r < rows; r++) out[r * width + j] = x[j * lanes + r];
}

/* Transposes dz for the product over rows, and sets the inputs of the biases, which are ones. */
static void lay_rows(const small_step *s, words op)
{
    const int in = op[SMALL_OP_in], lanes = s->lanes;
    __global float *ones = s->scratch + op[SMALL_OP_x] + in * lanes;
    EACH(i, lanes) ones[i] = 1.0f;
    to_rows(s->scratch + op[SMALL_OP_dz], op[SMALL_OP_out], lanes, s->rows,
            s->scratch + field(s, SMALL_rows_at), op[SMALL_OP_width]);
}

/* One chain per weight and bias (docs/arithmetic.md). */
static void grad_w(const small_step *s, words op)
{
    const int width = op[SMALL_OP_width];
    product_of_rows(op[SMALL_OP_in] + 1, width, s->rows, s->scratch + op[SMALL_OP_x], s->lanes, 1,
                    s->scratch + field(s, SMALL_rows_at), width, 0, s->scratch + op[SMALL_OP_grad],
                    width, s->row > 0);
}

/* The losses of the chunk's rows; z becomes dL/dz. All rows side by side, column by column. */
#define LOSS_EACH(i) EACH(i, lanes)
#define LOSS_AT(i, k) ((int)(k)*lanes + (i))
static void losses_of_rows(const small_step *s, words op)
{
    enum { training = 1 };
    const int lanes = s->lanes, weighted = field(s, SMALL_row_weight) != SMALL_NONE;
    const int sigmoid = field(s, SMALL_output) == LS_OUTPUT_SIGMOID;
    const uint columns = op[SMALL_OP_out];
    const float step_scale = s->scale, delta = value(s->member, SMALL_huber_delta);
    const float keep = value(s->member, SMALL_label_keep),
                share = value(s->member, SMALL_label_share);
    __global float *z = s->scratch + op[SMALL_OP_z], *p = s->scratch + op[SMALL_OP_a],
                   *row_loss = s->scratch + field(s, SMALL_row_loss);
    /* the rows of the gradients are not needed at this time */
    __global float *scale = s->scratch + field(s, SMALL_rows_at), *top = scale + LS_CHUNK,
                   *sum = top + LS_CHUNK;
    __global const float *t = s->scratch + field(s, SMALL_t),
                         *weight = s->scratch + (weighted ? field(s, SMALL_row_weight) : 0);
    EACH(i, lanes) scale[i] = weighted ? weight[i] * step_scale : step_scale;
    switch (field(s, SMALL_loss)) {
#define LS_X(NAME, name)                                                                           \
    case LS_LOSS_##NAME: LS_LOSS_ROWS_##NAME break;
        LS_LOSSES(LS_X)
#undef LS_X
    }
    if (weighted)
        EACH(i, lanes) row_loss[i] = row_loss[i] * weight[i];
}
#undef LOSS_EACH
#undef LOSS_AT

/* Adds the chunk's losses in order. */
static float sum_losses(const small_step *s, float before)
{
    __global const float *row_loss = s->scratch + field(s, SMALL_row_loss);
    float sum = 0.0f;
    for (uint i = 0; i < s->rows; i++) sum = sum + row_loss[i];
    return s->row ? before + sum : sum;
}

/* ---- Once per step, when the gradients are complete ------------------------------------------ */

static void unpack(const small_step *s, words op)
{
    const int in = op[SMALL_OP_in], out = op[SMALL_OP_out], width = op[SMALL_OP_width];
    __global const float *from = s->scratch + op[SMALL_OP_grad];
    __global float *to = s->arena + op[SMALL_OP_gradient],
                   *bias = s->arena + op[SMALL_OP_bias_gradient];
    for (int i = 0; i < in; i++)
        EACH(j, out) to[i * out + j] = from[i * width + j];
    if (op[SMALL_OP_bias_gradient] != SMALL_NONE)
        EACH(j, out) bias[j] = from[in * width + j];
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void do_operation(small_step *s, const small_rows *r, words op)
{
    const uint n = op[SMALL_OP_out] * s->lanes;
    __global float *scratch = s->scratch;
    switch (op[SMALL_OP_kind]) {
    case SMALL_NUMBERS: number_rows(s, r); break;
    case SMALL_LOAD: load_all(s, r); break;
    case SMALL_DENSE: dense(s, op); break;
    case SMALL_ACTIVATE:
        activate(op[SMALL_OP_act], scratch + op[SMALL_OP_z], scratch + op[SMALL_OP_a], n);
        break;
    case SMALL_PIECES: pieces(s, op); break;
    case SMALL_JOIN: join(s, op); break;
    case SMALL_LOSS: losses_of_rows(s, op); break;
    case SMALL_LOSS_SUM: s->loss = sum_losses(s, s->loss); break;
    case SMALL_GRAD_X: grad_x(s, op); break;
    case SMALL_SKIP: add_skip(s, op, op[SMALL_OP_y]); break;
    case SMALL_DROP: drop(s, op, scratch + op[SMALL_OP_d], scratch + op[SMALL_OP_dropped]); break;
    case SMALL_ACTIVATION_GRAD:
        activation_gradient(op[SMALL_OP_act], scratch + op[SMALL_OP_d], scratch + op[SMALL_OP_z],
                            scratch + op[SMALL_OP_a], scratch + op[SMALL_OP_y], n);
        break;
    case SMALL_ROWS: lay_rows(s, op); break;
    case SMALL_GRAD_W: grad_w(s, op); break;
    case SMALL_UNPACK: unpack(s, op); break;
    case SMALL_UPDATE: update(s, op); break;
    case SMALL_SQUARES: sum_squares(s, op); break;
    case SMALL_SUMS: sum_sums(s, op); break;
    case SMALL_FACTOR:
        s->clip = ls_limit_factor(scratch[op[SMALL_OP_from]], value(s->member, SMALL_clip));
        break;
    case SMALL_MAX_NORM: max_norm(s, op); break;
    }
}

/* Runs all steps of one member in this launch. */
static void run_member(words run, words programs, __global float *arenas, small_rows rows,
                       __global const float *rates, __global float *losses, __global float *scratch)
{
    small_step s;
    s.member = programs + run[SMALL_RUN_program];
    s.arena = arenas + ((ulong)run[SMALL_RUN_arena_high] << 32 | run[SMALL_RUN_arena_low]);
    s.scratch = scratch;
    s.seed = (ulong)field(&s, SMALL_seed_high) << 32 | field(&s, SMALL_seed_low);
    rows.origin = run[SMALL_RUN_origin];
    const ulong first = (ulong)run[SMALL_RUN_first_high] << 32 | run[SMALL_RUN_first_low];
    const uint per_epoch = field(&s, SMALL_steps_per_epoch), batch = field(&s, SMALL_batch),
               all = field(&s, SMALL_rows);
    const uint of_chunk = field(&s, SMALL_of_chunk), of_step = field(&s, SMALL_of_step),
               count = run[SMALL_RUN_count];
    words operations = s.member + SMALL_MEMBER_WORDS;
    for (uint i = 0; i < count; i++) {
        s.step = first + i;
        rows.epoch = s.step / per_epoch;
        const uint begin = (uint)(s.step % per_epoch) * batch, n = min(batch, all - begin);
        __global const float *r = rates + (run[SMALL_RUN_rates] + i) * LS_RATES_COUNT;
#define LS_X(name, number) s.rates.name = r[LS_RATES_##name];
        LS_RATES(LS_X)
#undef LS_X
        s.scale = value(s.member, n == batch ? SMALL_scale : SMALL_last_scale);
        s.clip = 1.0f, s.loss = 0.0f;
        for (s.row = 0; s.row < n; s.row += LS_CHUNK) {
            s.rows = min((uint)LS_CHUNK, n - s.row);
            s.lanes = (s.rows + 15u) & ~15u;
            rows.first = begin + s.row;
            for (uint k = 0; k < of_chunk; k++) {
                do_operation(&s, &rows, operations + k * SMALL_OP_WORDS);
            }
        }
        losses[run[SMALL_RUN_losses] + i] = s.loss;
        for (uint k = of_chunk; k < of_chunk + of_step; k++) {
            do_operation(&s, &rows, operations + k * SMALL_OP_WORDS);
        }
    }
}

/* table: `members` entries of this launch, then the members' programs. next: 0 at the start.
 * scratch: `scratch_size` floats per work-group or, in local memory, those of one group. */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void small_steps(
    __global float *arenas, __global const float *x, __global const float *t,
    __global const float *weight, __global const uint *table, const uint members,
    __global const float *rates, __global float *losses, __global float *scratch,
    const uint scratch_size, volatile __global uint *next)
{
    words programs = table + members * SMALL_RUN_WORDS;
    small_rows rows;
    rows.x = x, rows.t = t, rows.weight = weight;
    scratch += (ulong)get_group_id(0) * scratch_size;
    for (uint i; (i = atomic_inc(next)) < members;)
        run_member(table + i * SMALL_RUN_WORDS, programs, arenas, rows, rates, losses, scratch);
}
