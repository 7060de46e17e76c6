/* SPDX-License-Identifier: MIT */
/* Many steps of a member in one launch over the whole device: every work-group goes through the
 * phases of step after step (kernels/whole.h), takes its share of the tasks of a phase, and waits
 * in a barrier over all groups until all tasks are done.
 *
 *             group 0      group 1      group 2
 *   phase 0   task 0, 3    task 1, 4    task 2
 *             ─────────── barrier ───────────────
 *   phase 1   task 0       task 1       …
 *
 * Members of a launch are run by teams of groups, one member after another by each team. All groups
 * of a launch must run at the same time. A group that waits too long (`patience` turns) sets a
 * flag, on which all groups leave; the results are then void, and the host restores the members.
 *
 * The sums over rows have the order of the contract (docs/arithmetic.md).
 * Launch: (GROUP × work-groups), at least the groups of all teams. */
#include "kernels/matrix.h"
#include "kernels/whole_product.h"

/* Results of one turn of an operation that are finished from local memory, unless a tile is larger;
 * two more values per column of a COLUMNS task are kept behind them. */
#define RESULTS 1024u
#define KEPT (POOL - 64u)

/* The current step of a member. */
typedef struct {
    words member;
    __global float *arena, *scratch, *loss;
    __global const float *x, *t, *weight; /* from the member's first row on */
    __local float *pool;
    __local uint *numbers;
    __local ls_permutation *order; /* of the rows, in this epoch */
    uint first, rows;              /* of the step: position in the epoch's order, and number */
    ulong step;
    float scale, inv_rows;
    ls_rates rates;
} whole_step;

static float value(words w, int i) { return as_float(w[i]); }
static ulong seed_of(const whole_step *s)
{
    return (ulong)s->member[WHOLE_seed_high] << 32 | s->member[WHOLE_seed_low];
}

/* The row at place i of the step. */
static uint row_number(const whole_step *s, uint i)
{
    const uint n = s->member[WHOLE_rows];
    uint row = s->first + i;
    if (!s->member[WHOLE_shuffle]) return row;
    const ls_permutation order = *s->order;
    do row = ls_permute_once(row, order);
    while (row >= n);
    return row;
}

/* The same, after NUMBERS has stored it. */
static uint stored_number(const whole_step *s, uint i)
{
    return s->member[WHOLE_shuffle]
               ? GET_NUMBER((__global const uint *)s->arena + s->member[WHOLE_index] + i)
               : s->first + i;
}

/* ---- What follows a tile --------------------------------------------------------------------- */

static float act(uint which, float z)
{
    switch (which) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name: return ls_act_##name(z);
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
    return z;
}

static float act_gradient(uint which, float from)
{
    switch (which) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name: return ls_act_grad_##name(from);
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
    return from;
}

/* The optimizer's step of one parameter, at place `at` of the operation's. */
static void update(const whole_step *s, words op, float g, uint at, int decays)
{
    __global float *theta = s->arena + op[WHOLE_OP_theta] + at, *m = s->arena + op[WHOLE_OP_s] + at,
                   *v = s->arena + op[WHOLE_OP_v] + at;
    const float clip = op[WHOLE_OP_factor] == WHOLE_NONE ? 1.0f
                                                         : GET(s->arena + op[WHOLE_OP_factor]);
    const float from = GET(theta);
    ls_hyper hyper;
#define LS_X(name, number) hyper.name = value(s->member, WHOLE_hyper + LS_HYPER_##name);
    LS_HYPER(LS_X)
#undef LS_X
    const float gradient = ls_opt_gradient(g, clip, from, decays, hyper);
    switch (s->member[WHOLE_optimizer]) {
#define LS_X(name, states, facts)                                                                  \
    case LS_OPT_##name: {                                                                          \
        const ls_updated u = ls_opt_##name(from, gradient, states > 0 ? GET(m) : 0.0f,             \
                                           states > 1 ? GET(v) : 0.0f, decays, hyper, s->rates);   \
        PUT(theta, u.theta);                                                                       \
        if (states > 0) PUT(m, u.s);                                                               \
        if (states > 1) PUT(v, u.v);                                                               \
        break;                                                                                     \
    }
        LS_OPTIMIZERS(LS_X)
#undef LS_X
    }
}

/* x into the matrices of a DENSE or NORM, with its activation and JOIN. */
static void finish_forward(const whole_step *s, words op, float x, uint at)
{
    __global float *arena = s->arena;
    if (op[WHOLE_OP_to] != WHOLE_NONE) PUT(arena + op[WHOLE_OP_to] + at, x);
    if (op[WHOLE_OP_a] == WHOLE_NONE) return;
    x = act(op[WHOLE_OP_act], x);
    PUT(arena + op[WHOLE_OP_a] + at, x);
    if (op[WHOLE_OP_join] == WHOLE_NONE) return;
    const float p = value(op, WHOLE_OP_dropout);
    if (p > 0.0f) x = x * ls_dropout_factor(seed_of(s), op[WHOLE_OP_purpose], s->step, at, p);
    if (op[WHOLE_OP_skip] != WHOLE_NONE) x = x + GET(arena + op[WHOLE_OP_skip] + at);
    PUT(arena + op[WHOLE_OP_join] + at, x);
}

static void finish_grad_x(const whole_step *s, words op, float x, uint at)
{
    __global float *arena = s->arena;
    const float p = value(op, WHOLE_OP_dropout);
    if (op[WHOLE_OP_skip] != WHOLE_NONE) x = x + GET(arena + op[WHOLE_OP_skip] + at);
    if (op[WHOLE_OP_d] != WHOLE_NONE) PUT(arena + op[WHOLE_OP_d] + at, x);
    if (p > 0.0f) x = x * ls_dropout_factor(seed_of(s), op[WHOLE_OP_purpose], s->step, at, p);
    x = x * act_gradient(op[WHOLE_OP_act], GET(arena + op[WHOLE_OP_from] + at));
    PUT(arena + op[WHOLE_OP_y] + at, x);
}

/* `count` values in local memory, rows of 2^log_columns of them, are the results of an operation
 * from (i0, j0) on; those outside its m × n are left out. */
static void finish(const whole_step *s, words op, uint count, uint log_columns, uint i0, uint j0,
                   uint m, uint n)
{
    const uint weights = op[WHOLE_OP_weights];
    for (uint e = ITEM; e < count; e += GROUP) {
        const uint i = i0 + (e >> log_columns), j = j0 + (e & ((1u << log_columns) - 1u));
        const uint at = i * n + j;
        const float x = s->pool[e];
        if (i >= m || j >= n) continue;
        switch (op[WHOLE_OP_kind]) {
        case WHOLE_DENSE:
        case WHOLE_NORM: finish_forward(s, op, x, at); break;
        case WHOLE_GRAD_X: finish_grad_x(s, op, x, at); break;
        case WHOLE_GRAD_W:
        case WHOLE_UPDATE:
            if (op[WHOLE_OP_theta] == WHOLE_NONE) PUT(s->arena + op[WHOLE_OP_y] + at, x);
            else update(s, op, x, at, at < weights);
            break;
        }
    }
}

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

/* ---- Tasks ----------------------------------------------------------------------------------- */

static uint tasks_of(const whole_step *s, words strand, words op)
{
    const uint unit = strand[WHOLE_STRAND_unit];
    switch (strand[WHOLE_STRAND_share]) {
    case WHOLE_BY_ROWS: return (s->rows + unit - 1u) / unit;
    case WHOLE_BY_TILE: {
        const uint m = op[WHOLE_OP_kind] == WHOLE_GRAD_W ? op[WHOLE_OP_in] : s->rows;
        return (((m - 1u) >> op[WHOLE_OP_log_rows]) + 1u) *
               (((op[WHOLE_OP_out] - 1u) >> op[WHOLE_OP_log_columns]) + 1u);
    }
    case WHOLE_BY_COLUMNS:
    case WHOLE_BY_FLAT: return (op[WHOLE_OP_out] - 1u) / unit + 1u;
    }
    return 1u;
}

/* What a work-item keeps from one turn of an operation to the next. */
typedef struct {
    uint first, end; /* rows, columns or elements of the task */
    uint tile, turn; /* of a product */
    uint across, i_first, j_first;
    whole_product product;
    whole_chains chains;
    whole_column column;
} whole_work;

/* Turns of one tile: row numbers, the slices, their result, and what follows it. */
static uint turns_of_tile(const whole_product *p) { return p->slices + 4u; }

/* Prepares an operation on a task; the number of its turns. */
static uint begin(const whole_step *s, words strand, words op, uint task, whole_work *w)
{
    const uint share = strand[WHOLE_STRAND_share], unit = strand[WHOLE_STRAND_unit];
    whole_product *p = &w->product;
    w->first = task * unit;
    w->end = min(w->first + unit, share == WHOLE_BY_ROWS ? s->rows : op[WHOLE_OP_out]);
    switch (op[WHOLE_OP_kind]) {
    case WHOLE_DENSE:
    case WHOLE_GRAD_X:
    case WHOLE_GRAD_W: {
        operands(s, op, p);
        const uint across = ((p->n - 1u) >> p->log_columns) + 1u;
        uint tiles = 1;
        w->i_first = w->j_first = w->tile = w->turn = 0;
        w->across = across;
        if (share == WHOLE_BY_ROWS) {
            p->m = w->end;
            w->i_first = w->first;
            tiles = across * (((w->end - w->first - 1u) >> p->log_rows) + 1u);
        } else {
            w->i_first = task / across << p->log_rows;
            w->j_first = task % across << p->log_columns;
        }
        return tiles * turns_of_tile(p);
    }
    case WHOLE_LOSS: return 3;
    case WHOLE_COLUMN_SUM:
    case WHOLE_NORM:
    case WHOLE_NORM_GRAD:
    case WHOLE_MAX_NORM: return turns_of_columns(s, op);
    case WHOLE_UPDATE: return (w->end - w->first + RESULTS - 1u) / RESULTS;
    case WHOLE_SUMS:
    case WHOLE_FACTOR: return 2;
    }
    return 1;
}

/* One turn; the caller has a barrier after it. There is none in here: branches with barriers would
 * take PoCL's compiler minutes. */
static void do_turn(const whole_step *s, words op, uint task, uint turn, whole_work *w)
{
    whole_product *p = &w->product;
    /* values in local memory to be finished: rows of 2^log, from (i, j) on, of an m × n matrix */
    uint count = 0, log = op[WHOLE_OP_log_columns], i = 0, j = 0, m = s->rows, n = op[WHOLE_OP_out];
    switch (op[WHOLE_OP_kind]) {
    case WHOLE_NUMBERS: store_numbers(s, w->first, w->end); break;
    case WHOLE_DENSE:
    case WHOLE_GRAD_X:
    case WHOLE_GRAD_W:
        if (w->turn == 0) {
            p->i0 = w->i_first + (w->tile / w->across << p->log_rows);
            p->j0 = w->j_first + (w->tile % w->across << p->log_columns);
            if (p->numbers)
                for (uint e = ITEM; e < 1u << p->log_rows; e += GROUP)
                    s->numbers[e] = p->i0 + e < p->m ? row_number(s, p->i0 + e) : 0u;
        }
        if (w->turn && w->turn < p->slices + 3u)
            turn_of_product(p, s->pool, w->turn - 1u, &w->chains);
        if (w->turn == p->slices + 3u) {
            count = 1u << (p->log_rows + p->log_columns);
            i = p->i0, j = p->j0, m = p->m;
        }
        if (++w->turn == turns_of_tile(p)) w->turn = 0, w->tile++;
        break;
    case WHOLE_LOSS: turn_of_losses(s, op, w->first, w->end, turn); break;
    case WHOLE_COLUMN_SUM:
    case WHOLE_NORM:
    case WHOLE_NORM_GRAD:
    case WHOLE_MAX_NORM:
        turn_of_columns(s, op, task, turn, &w->column, &count, &i);
        j = task << log;
        break;
    case WHOLE_UPDATE:
        j = w->first + turn * RESULTS;
        count = min(RESULTS, w->end - j);
        log = 31, m = 1;
        for (uint e = ITEM; e < count; e += GROUP) /* the same work-item finishes it */
            s->pool[e] = GET(s->arena + op[WHOLE_OP_y] + j + e);
        break;
    case WHOLE_SUMS: turn_of_sums(s, op, w->first, w->end, turn); break;
    case WHOLE_FACTOR: turn_of_factor(s, op, turn); break;
    }
    if (count) finish(s, op, count, log, i, j, m, n);
}

/* A team of groups: which of them this one is, how many there are, and their counter. */
typedef struct {
    uint group, groups, patience, round;
    volatile __global uint *count, *stop;
    __local uint *leave;
} whole_team;

/* Waits until all groups of the team are here, after a barrier of the group and before one.
 * must_leave says what came of it: in two places in turn, as a work-item may still read the one
 * when another is at the next meeting. */
static uint must_leave(const whole_team *t) { return t->leave[t->round & 1u]; }

static void meet(whole_team *t)
{
    t->round++;
    if (t->groups > 1 && ITEM == 0) {
        const uint all = t->round * t->groups;
        uint turns = 0, leave = 0;
        FENCE
        atomic_inc(t->count);
        while ((int)(*t->count - all) < 0 && !leave) {
            leave = *t->stop;
            if (++turns > t->patience) leave = 1;
        }
        if (leave) *t->stop = 1;
        FENCE
        t->leave[t->round & 1u] = leave;
    }
}

/* Where a group is: everything up to the operation. */
typedef struct {
    words run; /* the member's entry */
    uint member, step, phase, strand, task, op;
    words at_strand, at_op; /* the strand and the operation */
    uint tasks;             /* of the strand */
    uint state;
} whole_cursor;
enum { AT_MEMBER, AT_STEP, AT_PHASE, AT_STRAND, AT_TASK, AT_OPERATION, AT_MEETING, AT_END };

static void set_step(whole_step *s, __global const float *rates, uint epoch_changes)
{
    words m = s->member;
    const uint per_epoch = m[WHOLE_steps_per_epoch], batch = m[WHOLE_batch], all = m[WHOLE_rows];
    const uint begin = (uint)(s->step % per_epoch) * batch;
    s->first = begin;
    s->rows = min(batch, all - begin);
    s->scale = value(m, s->rows == batch ? WHOLE_scale : WHOLE_last_scale);
    s->inv_rows = value(m, s->rows == batch ? WHOLE_inv_rows : WHOLE_last_inv_rows);
#define LS_X(name, number) s->rates.name = rates[LS_RATES_##name];
    LS_RATES(LS_X)
#undef LS_X
    if (m[WHOLE_shuffle] && epoch_changes && ITEM == 0)
        *s->order = ls_permutation_of(all, seed_of(s), LS_PURPOSE_ORDER, s->step / per_epoch);
}

/* What a launch is given. */
typedef struct {
    __global float *arenas, *losses, *scratch;
    __global const float *x, *t, *weight, *rates;
    words table;
    uint members, teams, features, outputs;
} whole_launch;

static void set_member(const whole_launch *l, whole_step *s, whole_cursor *c)
{
    words run = l->table + c->member * WHOLE_RUN_WORDS;
    const ulong origin = run[WHOLE_RUN_origin];
    c->run = run;
    s->member = l->table + run[WHOLE_RUN_program];
    s->arena = l->arenas + ((ulong)run[WHOLE_RUN_arena_high] << 32 | run[WHOLE_RUN_arena_low]);
    s->scratch = l->scratch + run[WHOLE_RUN_scratch];
    s->x = l->x + origin * l->features, s->t = l->t + origin * l->outputs;
    s->weight = l->weight + origin;
}

/* Moves on to the next operation or barrier over all groups. Every work-item does the same. */
static void advance(const whole_launch *l, const whole_team *team, whole_step *s, whole_cursor *c)
{
    for (;;) switch (c->state) {
        case AT_MEMBER: /* is to be started */
            if (c->member >= l->members || must_leave(team)) {
                c->state = AT_END;
                return;
            }
            set_member(l, s, c);
            c->step = 0;
            c->state = AT_STEP;
            break;
        case AT_STEP:
            if (c->step >= c->run[WHOLE_RUN_count]) {
                c->member += l->teams;
                c->state = AT_MEMBER;
                break;
            }
            s->step = ((ulong)c->run[WHOLE_RUN_first_high] << 32 | c->run[WHOLE_RUN_first_low]) +
                      c->step;
            s->loss = l->losses + c->run[WHOLE_RUN_losses] + c->step;
            set_step(s, l->rates + (c->run[WHOLE_RUN_rates] + c->step) * LS_RATES_COUNT,
                     c->step == 0 || s->step % s->member[WHOLE_steps_per_epoch] == 0);
            c->phase = 0;
            c->state = AT_PHASE;
            return; /* to a barrier, after which all know the order of the rows */
        case AT_PHASE:
            if (must_leave(team)) c->step = c->run[WHOLE_RUN_count];
            else if (c->phase == s->member[WHOLE_phases]) c->step++;
            if (must_leave(team) || c->phase == s->member[WHOLE_phases]) {
                c->state = AT_STEP;
                break;
            }
            c->strand = 0;
            c->task = team->group;
            c->state = AT_STRAND;
            break;
        case AT_STRAND: {
            words phase = s->member + WHOLE_MEMBER_WORDS + c->phase * WHOLE_PHASE_WORDS;
            if (c->strand == phase[WHOLE_PHASE_count]) {
                c->phase++;
                c->state = AT_MEETING;
                return;
            }
            c->at_strand = s->member + phase[WHOLE_PHASE_strands] + c->strand * WHOLE_STRAND_WORDS;
            c->tasks = tasks_of(s, c->at_strand, s->member + c->at_strand[WHOLE_STRAND_ops]);
            c->state = AT_TASK;
            break;
        }
        case AT_TASK: /* the tasks of all strands are dealt out in turn */
            if (c->task >= c->tasks) {
                c->task -= c->tasks;
                c->strand++;
                c->state = AT_STRAND;
                break;
            }
            c->op = 0;
            c->at_op = s->member + c->at_strand[WHOLE_STRAND_ops];
            c->state = AT_OPERATION;
            return;
        case AT_OPERATION:
            c->at_op += WHOLE_OP_WORDS;
            if (++c->op < c->at_strand[WHOLE_STRAND_count]) return;
            c->task += team->groups;
            c->state = AT_TASK;
            break;
        case AT_MEETING: c->state = AT_PHASE; break;
        default: return;
        }
}

/* table: `members` entries of this launch, then the members' programs. shared: words that are 0 at
 * the start (WHOLE_STARTED and others). `teams` teams of `groups` groups take part, those that
 * start first. */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void whole_steps(
    __global float *arenas, __global const float *x, __global const float *t,
    __global const float *weight, __global const uint *table, const uint members,
    __global const float *rates, __global float *losses, __global float *scratch,
    volatile __global uint *shared, const uint teams, const uint groups, const uint patience,
    const uint features, const uint outputs)
{
    __local float pool[POOL] __attribute__((aligned(16)));
    __local uint numbers[64], leave[2], mine;
    __local ls_permutation order;
    if (ITEM == 0) {
        mine = atomic_inc(shared + WHOLE_STARTED);
        leave[0] = leave[1] = 0;
    }
    SYNC const whole_launch launch = {arenas, losses, scratch, x,     t,        weight,
                                      rates,  table,  members, teams, features, outputs};
    const uint number = mine / groups;
    whole_team team = {mine % groups, groups, patience, 0, 0, shared + WHOLE_STOP, leave};
    team.count = shared + WHOLE_COUNTERS + number * WHOLE_COUNTER_STRIDE;
    whole_step s;
    whole_work work;
    whole_cursor c;
    s.pool = pool, s.numbers = numbers, s.order = &order;
    c.member = number, c.state = number < teams ? AT_MEMBER : AT_END;
    for (;;) {
        advance(&launch, &team, &s, &c);
        if (c.state == AT_END) break;
        uint turns = 1;
        if (c.state == AT_OPERATION) turns = begin(&s, c.at_strand, c.at_op, c.task, &work);
        if (c.state == AT_MEETING) meet(&team);
        for (uint turn = 0; turn < turns; turn++) {
            if (c.state == AT_OPERATION) do_turn(&s, c.at_op, c.task, turn, &work);
            SYNC
        }
    }
}
