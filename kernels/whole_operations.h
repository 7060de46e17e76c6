/* SPDX-License-Identifier: MIT */
/* Parts of whole.cl: the operations of a step on a task, in turns with a barrier of the group
 * between them. The turns of products are in whole_product.h. */
#ifndef LS_WHOLE_OPERATIONS_H
#define LS_WHOLE_OPERATIONS_H

#include "kernels/whole_finish.h"

/* ---- Products -------------------------------------------------------------------------------- */

static void operands(const whole_step *s, words op, whole_product *p)
{
    const uint in = op[WHOLE_OP_in], out = op[WHOLE_OP_out], kind = op[WHOLE_OP_kind];
    const int data = op[WHOLE_OP_data], shuffled = data && s->member[WHOLE_shuffle];
    __global const float *arena = s->arena, *x = !data      ? arena + op[WHOLE_OP_x]
                                                 : shuffled ? s->x
                                                            : s->x + (ulong)s->first * in;
    p->start = 0, p->numbers = 0, p->index = 0;
    p->over_rows = kind == WHOLE_GRAD_W;
    p->m = s->rows, p->n = out, p->k = in;
    if (kind == WHOLE_DENSE) {
        p->a = x, p->a_i = in, p->a_k = 1;
        p->b = arena + op[WHOLE_OP_w], p->b_k = out, p->b_j = 1;
        if (op[WHOLE_OP_b] != WHOLE_NONE) p->start = arena + op[WHOLE_OP_b];
        if (shuffled) p->numbers = s->numbers;
    } else if (kind == WHOLE_GRAD_X) {
        p->a = arena + op[WHOLE_OP_dz], p->a_i = in, p->a_k = 1;
        p->b = arena + op[WHOLE_OP_w], p->b_k = 1, p->b_j = in;
    } else {
        p->m = in, p->k = s->rows;
        p->a = x, p->a_i = 1, p->a_k = in;
        p->b = arena + op[WHOLE_OP_dz], p->b_k = out, p->b_j = 1;
        if (shuffled) p->index = (__global const uint *)arena + s->member[WHOLE_index];
    }
    p->body = op[WHOLE_OP_body];
    p->log_rows = op[WHOLE_OP_log_rows], p->log_columns = op[WHOLE_OP_log_columns];
    p->log_chunks = op[WHOLE_OP_log_chunks], p->log_depth = op[WHOLE_OP_log_depth];
    set_slices(p);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

/* One work-item per row; the rows' matrices are in local memory meanwhile. */
#define LOSS_EACH(i) for (uint i = 0; i < 1; i++)
#define LOSS_AT(i, k) ((i) + (k))
static void loss_of_row(const whole_step *s, words op, uint row, __local float *z, __local float *p,
                        __local const float *t)
{
    enum { training = 1 };
    const int weighted = op[WHOLE_OP_row_weight] != WHOLE_NONE,
              sigmoid = s->member[WHOLE_output] == LS_OUTPUT_SIGMOID;
    const uint columns = op[WHOLE_OP_out];
    const float delta = value(s->member, WHOLE_huber_delta),
                keep = value(s->member, WHOLE_label_keep),
                share = value(s->member, WHOLE_label_share),
                w = weighted ? s->weight[stored_number(s, row)] : 1.0f;
    float row_loss[1], top[1], sum[1], scale[1];
    row_loss[0] = 0.0f;
    scale[0] = weighted ? w * s->scale : s->scale;
    switch (s->member[WHOLE_loss]) {
#define LS_X(NAME, name)                                                                           \
    case LS_LOSS_##NAME: LS_LOSS_ROWS_##NAME break;
        LS_LOSSES(LS_X)
#undef LS_X
    }
    PUT(s->arena + op[WHOLE_OP_row_loss] + row, weighted ? row_loss[0] * w : row_loss[0]);
}
#undef LOSS_EACH
#undef LOSS_AT

static void turn_of_losses(const whole_step *s, words op, uint first, uint end, uint turn)
{
    const uint columns = op[WHOLE_OP_out], count = (end - first) * columns;
    __global float *matrix = s->arena + op[WHOLE_OP_z] + first * columns;
    __local float *z = s->pool, *p = z + count, *t = p + count;
    if (turn == 0)
        for (uint e = ITEM; e < count; e += GROUP) {
            const uint row = stored_number(s, first + e / columns);
            z[e] = GET(matrix + e);
            t[e] = s->t[(ulong)row * columns + e % columns];
        }
    if (turn == 1)
        for (uint i = ITEM; i < end - first; i += GROUP)
            loss_of_row(s, op, first + i, z + i * columns, p + i * columns, t + i * columns);
    if (turn == 2)
        for (uint e = ITEM; e < count; e += GROUP) PUT(matrix + e, z[e]);
}

static void store_numbers(const whole_step *s, uint first, uint end)
{
    for (uint i = first + ITEM; i < end; i += GROUP)
        PUT_NUMBER((__global uint *)s->arena + s->member[WHOLE_index] + i, row_number(s, i));
}

/* ---- Operations on columns ------------------------------------------------------------------- */

/* What a work-item knows about its column; total: of the chunks so far. */
typedef struct {
    float mean, inv, gamma, beta, factor, total;
} whole_column;

enum { SUM_OF, SQUARES_OF, HATS_OF };

/* The sum of a chunk of a column, rows `n` floats apart: of x, of (x - mean)², or of x·hat. */
static float chunk_sum(int what, __global const float *x, __global const float *z, uint n,
                       uint count, whole_column c)
{
    float acc = 0.0f, v[8], h[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    for (uint r = 0; r < count; r += 8) {
        FOR(u, 8) v[u] = r + u < count ? GET(x + (r + u) * n) : 0.0f;
        if (what == HATS_OF) FOR(u, 8) h[u] = r + u < count ? GET(z + (r + u) * n) : 0.0f;
        FOR(u, 8)
        {
            const float d = what == SQUARES_OF ? v[u] - c.mean : v[u];
            const float by = what == SQUARES_OF ? d : ls_norm_hat(h[u], c.mean, c.inv);
            const float next = what == SUM_OF ? acc + d : ls_fma(d, by, acc);
            acc = r + u < count ? next : acc;
        }
    }
    return acc;
}

/* Pass `pass` of the sums over all rows of a column is done: `total`. */
static void end_pass(const whole_step *s, words op, uint column, uint pass, float total,
                     whole_column *c)
{
    __global float *arena = s->arena;
    switch (op[WHOLE_OP_kind]) {
    case WHOLE_COLUMN_SUM:
        if (op[WHOLE_OP_y] == WHOLE_NONE) PUT(s->loss, total);
        else PUT(arena + op[WHOLE_OP_y] + column, total);
        break;
    case WHOLE_NORM:
        if (pass == 0) {
            c->mean = total * s->inv_rows;
            PUT(arena + op[WHOLE_OP_mean] + column, c->mean);
        } else {
            const float variance = total * s->inv_rows;
            __global float *mean = arena + op[WHOLE_OP_running_mean] + column,
                           *var = arena + op[WHOLE_OP_running_var] + column;
            c->inv = ls_norm_inv(variance);
            PUT(arena + op[WHOLE_OP_inv] + column, c->inv);
            PUT(mean, ls_norm_running(GET(mean), c->mean));
            PUT(var, ls_norm_running(GET(var), variance));
        }
        break;
    case WHOLE_NORM_GRAD:
        if (pass == 0) PUT(arena + op[WHOLE_OP_grad_beta] + column, total);
        else PUT(arena + op[WHOLE_OP_grad_gamma] + column, total);
        c->factor = total;
        break;
    case WHOLE_MAX_NORM:
        c->factor = ls_limit_factor(total, value(s->member, WHOLE_hyper + LS_HYPER_max_norm));
        break;
    }
}

/* Turns of a pass over the columns, and of an operation: its passes, then what follows them. Sums
 * of chunks pass through local memory, in two places in turn. */
static uint rows_of_columns(const whole_step *s, words op)
{
    return op[WHOLE_OP_kind] == WHOLE_MAX_NORM ? op[WHOLE_OP_in] : s->rows;
}
static uint turns_of_pass(const whole_step *s, words op)
{
    const uint chunks = (rows_of_columns(s, op) + LS_CHUNK - 1u) / LS_CHUNK,
               sets = GROUP >> op[WHOLE_OP_log_columns];
    return (chunks + sets - 1u) / sets + 1u;
}
static uint passes_of(words op)
{
    return op[WHOLE_OP_kind] == WHOLE_NORM || op[WHOLE_OP_kind] == WHOLE_NORM_GRAD ? 2u : 1u;
}
static uint turns_of_columns(const whole_step *s, words op)
{
    const uint passes = passes_of(op) * turns_of_pass(s, op),
               per_turn = RESULTS >> op[WHOLE_OP_log_columns];
    switch (op[WHOLE_OP_kind]) {
    case WHOLE_NORM: return passes + (s->rows + per_turn - 1u) / per_turn;
    case WHOLE_COLUMN_SUM: return passes;
    }
    return passes + 1u;
}

/* One turn of the sums of pass `pass`. */
static void turn_of_pass(const whole_step *s, words op, uint column, uint pass, uint turn,
                         uint turns, whole_column *c)
{
    const uint kind = op[WHOLE_OP_kind], log = op[WHOLE_OP_log_columns], n = op[WHOLE_OP_out],
               sets = GROUP >> log, set = ITEM >> log, x = ITEM & ((1u << log) - 1u);
    const uint rows = rows_of_columns(s, op), chunks = (rows + LS_CHUNK - 1u) / LS_CHUNK;
    const int what = kind == WHOLE_MAX_NORM || (kind == WHOLE_NORM && pass) ? SQUARES_OF
                     : kind == WHOLE_NORM_GRAD && pass                      ? HATS_OF
                                                                            : SUM_OF;
    const uint chunk = turn * sets + set, r0 = chunk * LS_CHUNK;
    __local const float *before = s->pool + ((turn & 1u) ^ 1u) * GROUP;
    if (turn == 0) c->total = 0.0f;
    else if (set == 0)
        for (uint q = 0; q < min(sets, chunks - (turn - 1u) * sets); q++) {
            const float part = before[x + (q << log)];
            c->total = turn - 1u + q ? c->total + part : part;
        }
    if (turn + 1u < turns && column < n && chunk < chunks)
        s->pool[(turn & 1u) * GROUP + ITEM] = chunk_sum(what,
                                                        s->arena + op[WHOLE_OP_x] + column + r0 * n,
                                                        s->arena + op[WHOLE_OP_z] + column + r0 * n,
                                                        n, min((uint)LS_CHUNK, rows - r0), *c);
    if (turn + 1u == turns && set == 0 && column < n) {
        end_pass(s, op, column, pass, c->total, c);
        s->pool[KEPT + (pass << log) + x] = kind == WHOLE_NORM ? (pass ? c->inv : c->mean)
                                                               : c->factor;
    }
}

/* Sets `filled` to the number of values in local memory that are still to be finished, from row
 * `row` on. */
static void turn_of_columns(const whole_step *s, words op, uint task, uint turn, whole_column *c,
                            uint *filled, uint *row)
{
    const uint kind = op[WHOLE_OP_kind], log = op[WHOLE_OP_log_columns], n = op[WHOLE_OP_out],
               sets = GROUP >> log, set = ITEM >> log, x = ITEM & ((1u << log) - 1u),
               column = (task << log) + x;
    const uint turns = turns_of_pass(s, op), passes = passes_of(op), rows = rows_of_columns(s, op);
    const uint pass = turn / turns;
    __global float *arena = s->arena, *z = arena + op[WHOLE_OP_z] + column,
                   *from = arena + op[WHOLE_OP_x] + column;
    __local const float *kept = s->pool + KEPT;
    if (turn == 0) {
        c->mean = c->inv = c->gamma = c->beta = c->factor = 0.0f;
        if (passes == 2 && column < n) {
            c->gamma = GET(arena + op[WHOLE_OP_gamma] + column);
            if (kind == WHOLE_NORM) c->beta = GET(arena + op[WHOLE_OP_beta] + column);
            if (kind == WHOLE_NORM_GRAD) {
                c->mean = GET(arena + op[WHOLE_OP_mean] + column);
                c->inv = GET(arena + op[WHOLE_OP_inv] + column);
            }
        }
    }
    if (kind == WHOLE_NORM && turn == turns) c->mean = kept[x];
    if (kind == WHOLE_NORM && turn == 2u * turns) c->inv = kept[(1u << log) + x];
    if (pass < passes) {
        turn_of_pass(s, op, column, pass, turn % turns, turns, c);
    } else if (kind == WHOLE_NORM) {
        *row = (turn - 2u * turns) * (RESULTS >> log);
        *filled = RESULTS;
        for (uint e = ITEM; e < RESULTS; e += GROUP) {
            const uint r = *row + (e >> log);
            if (column < n && r < rows)
                s->pool[e] = ls_fma(c->gamma, ls_norm_hat(GET(z + r * n), c->mean, c->inv),
                                    c->beta);
        }
    } else if (column < n) {
        for (uint r = set; r < rows; r += sets) {
            const float x_r = GET(from + r * n);
            float to = 0.0f;
            if (kind == WHOLE_MAX_NORM) to = x_r * kept[x];
            else
                to = ls_norm_grad(x_r, ls_norm_hat(GET(z + r * n), c->mean, c->inv), c->gamma,
                                  c->inv, kept[x], kept[(1u << log) + x], s->inv_rows);
            PUT((kind == WHOLE_MAX_NORM ? from : z) + r * n, to);
        }
    }
}

/* ---- Operations on flat arrays --------------------------------------------------------------- */

/* Sums of at most 32 chunks of values, or of their squares, in two turns. */
static void turn_of_sums(const whole_step *s, words op, uint first, uint end, uint turn)
{
    const int square = op[WHOLE_OP_from] == WHOLE_NONE;
    const uint count = end - first;
    __global const float *x = square ? s->arena + op[WHOLE_OP_x] : s->scratch + op[WHOLE_OP_from];
    if (turn == 0)
        for (uint e = ITEM; e < count; e += GROUP)
            s->pool[e / LS_CHUNK * (LS_CHUNK + 1u) + e % LS_CHUNK] = GET(x + first + e);
    if (turn == 1)
        for (uint c = ITEM; c * LS_CHUNK < count; c += GROUP) {
            __local const float *v = s->pool + c * (LS_CHUNK + 1u);
            float acc = 0.0f;
            for (uint i = 0; i < min((uint)LS_CHUNK, count - c * LS_CHUNK); i++)
                acc = square ? ls_fma(v[i], v[i], acc) : acc + v[i];
            PUT(s->scratch + op[WHOLE_OP_to] + first / LS_CHUNK + c, acc);
        }
}

/* The factor from at most LS_CHUNK² sums: sums of chunks of them, then their sum. */
static void turn_of_factor(const whole_step *s, words op, uint turn)
{
    const uint n = op[WHOLE_OP_out], chunks = (n + LS_CHUNK - 1u) / LS_CHUNK;
    __global float *from = s->scratch + op[WHOLE_OP_from], *to = s->scratch + op[WHOLE_OP_to];
    if (turn == 0)
        for (uint c = ITEM; c < chunks; c += GROUP) {
            float acc = 0.0f;
            for (uint i = c * LS_CHUNK; i < min(n, (c + 1u) * LS_CHUNK); i++)
                acc = acc + GET(from + i);
            PUT(to + c, acc);
        }
    if (turn == 1 && ITEM == 0) {
        float sum = GET(n > 1 ? to : from);
        if (chunks > 1) {
            sum = 0.0f;
            for (uint c = 0; c < chunks; c++) sum = sum + GET(to + c);
        }
        PUT(s->arena + op[WHOLE_OP_y], ls_limit_factor(sum, value(s->member, WHOLE_clip)));
    }
}

#endif
