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
    __global const float *arena = s->arena,
                         *x = !data     ? arena + op[WHOLE_OP_x]
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
}

/* The tiles of a product in rows [p.i0, end) from column p.j0 on, `tiles` of them. */
static void multiply(const whole_step *s, words op, whole_product *p, uint end, uint across,
                     uint tiles)
{
    const uint log_rows = op[WHOLE_OP_log_rows], log_columns = op[WHOLE_OP_log_columns];
    const uint i_first = p->i0, j_first = p->j0;
    const whole_shape shape = {log_rows, log_columns, op[WHOLE_OP_log_chunks],
                               op[WHOLE_OP_log_depth]};
    const uint m = p->m;
    p->m = end;
    for (uint tile = 0; tile < tiles; tile++) {
        p->i0 = i_first + (tile / across << log_rows);
        p->j0 = j_first + (tile % across << log_columns);
        if (p->numbers)
            for (uint i = ITEM; i < 1u << log_rows; i += GROUP)
                s->numbers[i] = p->i0 + i < end ? row_number(s, p->i0 + i) : 0u;
        SYNC
        switch (op[WHOLE_OP_body]) {
        case WHOLE_BODY_ONE: product_one(p, &shape, s->pool); break;
        case WHOLE_BODY_TWO: product_two(p, s->pool); break;
#ifdef WITH_FOUR
        case WHOLE_BODY_FOUR: product_four(p, s->pool); break;
#endif
        }
        SYNC
        finish(s, op, 1u << (log_rows + log_columns), log_columns, p->i0, p->j0, end, p->n);
        SYNC
    }
    p->m = m;
}

static void product_of_rows(const whole_step *s, words op, uint first, uint end)
{
    whole_product p;
    operands(s, op, &p);
    const uint across = ((p.n - 1u) >> op[WHOLE_OP_log_columns]) + 1u,
               down = ((end - first - 1u) >> op[WHOLE_OP_log_rows]) + 1u;
    p.i0 = first, p.j0 = 0;
    multiply(s, op, &p, end, across, across * down);
}

static void product_tile(const whole_step *s, words op, uint task)
{
    whole_product p;
    operands(s, op, &p);
    const uint across = ((p.n - 1u) >> op[WHOLE_OP_log_columns]) + 1u;
    p.i0 = task / across << op[WHOLE_OP_log_rows], p.j0 = task % across << op[WHOLE_OP_log_columns];
    multiply(s, op, &p, p.m, 1u, 1u);
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

static void losses(const whole_step *s, words op, uint first, uint end)
{
    const uint columns = op[WHOLE_OP_out], count = (end - first) * columns;
    __global float *matrix = s->arena + op[WHOLE_OP_z] + first * columns;
    __local float *z = s->pool, *p = z + count, *t = p + count;
    for (uint e = ITEM; e < count; e += GROUP) {
        const uint row = stored_number(s, first + e / columns);
        z[e] = GET(matrix + e);
        t[e] = s->t[(ulong)row * columns + e % columns];
    }
    SYNC
    for (uint i = ITEM; i < end - first; i += GROUP)
        loss_of_row(s, op, first + i, z + i * columns, p + i * columns, t + i * columns);
    SYNC
    for (uint e = ITEM; e < count; e += GROUP) PUT(matrix + e, z[e]);
}

static void store_numbers(const whole_step *s, uint first, uint end)
{
    for (uint i = first + ITEM; i < end; i += GROUP)
        PUT_NUMBER((__global uint *)s->arena + s->member[WHOLE_index] + i, row_number(s, i));
}

/* ---- Operations on columns ------------------------------------------------------------------- */

/* What a work-item knows about its column. */
typedef struct {
    float mean, inv, gamma, beta, factor;
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

static void columns(const whole_step *s, words op, uint task)
{
    const uint kind = op[WHOLE_OP_kind], log = op[WHOLE_OP_log_columns], width = 1u << log,
               n = op[WHOLE_OP_out], sets = GROUP >> log, set = ITEM >> log,
               x = ITEM & (width - 1u), column = (task << log) + x;
    const uint rows = kind == WHOLE_MAX_NORM ? op[WHOLE_OP_in] : s->rows,
               chunks = (rows + LS_CHUNK - 1u) / LS_CHUNK;
    const uint passes = kind == WHOLE_NORM || kind == WHOLE_NORM_GRAD ? 2u : 1u;
    const int live = column < n;
    __global float *arena = s->arena, *z = arena + op[WHOLE_OP_z] + column,
                   *from = arena + op[WHOLE_OP_x] + column;
    __local float *kept = s->pool + KEPT;
    whole_column c = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
    if (live && passes == 2) {
        c.gamma = GET(arena + op[WHOLE_OP_gamma] + column);
        if (kind == WHOLE_NORM) c.beta = GET(arena + op[WHOLE_OP_beta] + column);
        else {
            c.mean = GET(arena + op[WHOLE_OP_mean] + column);
            c.inv = GET(arena + op[WHOLE_OP_inv] + column);
        }
    }
    for (uint pass = 0; pass < passes; pass++) {
        const int what = kind == WHOLE_MAX_NORM || (kind == WHOLE_NORM && pass)        ? SQUARES_OF
                         : kind == WHOLE_NORM_GRAD && pass ? HATS_OF
                                                           : SUM_OF;
        float total = 0.0f;
        for (uint round = 0; round < chunks; round += sets) {
            const uint chunk = round + set, r0 = chunk * LS_CHUNK;
            SYNC
            if (live && chunk < chunks)
                s->pool[ITEM] = chunk_sum(what, from + r0 * n, z + r0 * n, n,
                                          min((uint)LS_CHUNK, rows - r0), c);
            SYNC
            if (set == 0)
                for (uint q = 0; q < min(sets, chunks - round); q++) {
                    const float part = s->pool[x + (q << log)];
                    total = round + q ? total + part : part;
                }
        }
        if (set == 0 && live) {
            end_pass(s, op, column, pass, total, &c);
            kept[pass * width + x] = kind == WHOLE_NORM ? (pass ? c.inv : c.mean) : c.factor;
        }
        SYNC
        if (kind == WHOLE_NORM) {
            if (pass) c.inv = kept[width + x];
            else c.mean = kept[x];
        }
    }
    if (kind == WHOLE_NORM)
        for (uint r0 = 0; r0 < rows; r0 += RESULTS >> log) {
            for (uint e = ITEM; e < RESULTS; e += GROUP) {
                const uint r = r0 + (e >> log);
                if (live && r < rows)
                    s->pool[e] = ls_fma(c.gamma, ls_norm_hat(GET(z + r * n), c.mean, c.inv), c.beta);
            }
            SYNC
            finish(s, op, RESULTS, log, r0, task << log, rows, n);
            SYNC
        }
    if (kind == WHOLE_NORM_GRAD && live)
        for (uint r = set; r < rows; r += sets) {
            const float hat = ls_norm_hat(GET(z + r * n), c.mean, c.inv);
            PUT(z + r * n, ls_norm_grad(GET(from + r * n), hat, c.gamma, c.inv, kept[x],
                                        kept[width + x], s->inv_rows));
        }
    if (kind == WHOLE_MAX_NORM && live)
        for (uint r = set; r < rows; r += sets) PUT(from + r * n, GET(from + r * n) * kept[x]);
}

/* ---- Operations on flat arrays --------------------------------------------------------------- */

static void update_range(const whole_step *s, words op, uint first, uint end)
{
    __global const float *g = s->arena + op[WHOLE_OP_y];
    for (uint at = first; at < end; at += RESULTS) {
        const uint count = min(RESULTS, end - at);
        for (uint e = ITEM; e < count; e += GROUP) s->pool[e] = GET(g + at + e);
        SYNC
        finish(s, op, count, 31u, 0u, at, 1u, op[WHOLE_OP_out]);
        SYNC
    }
}

/* Sums of the chunks in [first, end) of n values or of their squares. */
static void chunk_sums(const whole_step *s, __global const float *x, __global float *to, uint first,
                       uint end, int square)
{
    for (uint at = first; at < end; at += 32u * LS_CHUNK) {
        const uint count = min(32u * LS_CHUNK, end - at), chunks = (count + LS_CHUNK - 1) / LS_CHUNK;
        for (uint e = ITEM; e < count; e += GROUP)
            s->pool[e / LS_CHUNK * (LS_CHUNK + 1) + e % LS_CHUNK] = GET(x + at + e);
        SYNC
        for (uint c = ITEM; c < chunks; c += GROUP) {
            __local const float *v = s->pool + c * (LS_CHUNK + 1);
            float acc = 0.0f;
            for (uint i = 0; i < min((uint)LS_CHUNK, count - c * LS_CHUNK); i++)
                acc = square ? ls_fma(v[i], v[i], acc) : acc + v[i];
            PUT(to + at / LS_CHUNK + c, acc);
        }
        SYNC
    }
}

/* The factor from the sums: sums of chunks of them, alternating between two places until one is
 * left. */
static void clip_factor(const whole_step *s, words op)
{
    uint n = op[WHOLE_OP_out];
    __global float *from = s->scratch + op[WHOLE_OP_from], *to = s->scratch + op[WHOLE_OP_to];
    for (; n > 1; n = (n + LS_CHUNK - 1) / LS_CHUNK) {
        __global float *other = from;
        chunk_sums(s, from, to, 0, n, 0);
        from = to, to = other;
    }
    if (ITEM == 0)
        PUT(s->arena + op[WHOLE_OP_y], ls_limit_factor(GET(from), value(s->member, WHOLE_clip)));
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

static void do_operation(const whole_step *s, words strand, words op, uint task)
{
    const uint share = strand[WHOLE_STRAND_share], unit = strand[WHOLE_STRAND_unit];
    const uint first = task * unit,
               end = min(first + unit, share == WHOLE_BY_ROWS ? s->rows : op[WHOLE_OP_out]);
    switch (op[WHOLE_OP_kind]) {
    case WHOLE_NUMBERS: store_numbers(s, first, end); break;
    case WHOLE_DENSE:
    case WHOLE_GRAD_X:
    case WHOLE_GRAD_W:
        if (share == WHOLE_BY_ROWS) product_of_rows(s, op, first, end);
        else product_tile(s, op, task);
        break;
    case WHOLE_LOSS: losses(s, op, first, end); break;
    case WHOLE_COLUMN_SUM:
    case WHOLE_NORM:
    case WHOLE_NORM_GRAD:
    case WHOLE_MAX_NORM: columns(s, op, task); break;
    case WHOLE_UPDATE: update_range(s, op, first, end); break;
    case WHOLE_SUMS:
        if (op[WHOLE_OP_from] == WHOLE_NONE)
            chunk_sums(s, s->arena + op[WHOLE_OP_x], s->scratch + op[WHOLE_OP_to], first, end, 1);
        else
            chunk_sums(s, s->scratch + op[WHOLE_OP_from], s->scratch + op[WHOLE_OP_to], first, end,
                       0);
        break;
    case WHOLE_FACTOR: clip_factor(s, op); break;
    }
}

/* A team of groups: which of them this one is, how many there are, and their counter. */
typedef struct {
    uint group, groups, patience, round;
    volatile __global uint *count, *stop;
    __local uint *leave;
} whole_team;

/* Waits until all groups of the team are here. Returns whether all must leave. */
static uint meet(whole_team *t)
{
    SYNC
    if (t->groups == 1) return 0;
    t->round++;
    if (ITEM == 0) {
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
        *t->leave = leave;
    }
    SYNC
    return *t->leave;
}

static void do_phase(const whole_step *s, const whole_team *team, words program, words phase)
{
    const uint strands = phase[WHOLE_PHASE_count];
    words strand = program + phase[WHOLE_PHASE_strands];
    uint turn = team->group; /* this group's first task of the strand */
    for (uint k = 0; k < strands; k++, strand += WHOLE_STRAND_WORDS) {
        words ops = program + strand[WHOLE_STRAND_ops];
        const uint tasks = tasks_of(s, strand, ops), count = strand[WHOLE_STRAND_count];
        for (; turn < tasks; turn += team->groups)
            for (uint i = 0; i < count; i++) {
                do_operation(s, strand, ops + i * WHOLE_OP_WORDS, turn);
                SYNC
            }
        turn -= tasks;
    }
}

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

/* All steps of a member. Returns whether all must leave. */
static uint run_member(whole_step *s, whole_team *team, words run, __global const float *rates,
                       __global float *losses)
{
    const ulong first = (ulong)run[WHOLE_RUN_first_high] << 32 | run[WHOLE_RUN_first_low];
    const uint count = run[WHOLE_RUN_count], phases = s->member[WHOLE_phases];
    words phase = s->member + WHOLE_MEMBER_WORDS;
    uint leave = 0;
    for (uint i = 0; i < count && !leave; i++) {
        s->step = first + i;
        s->loss = losses + run[WHOLE_RUN_losses] + i;
        set_step(s, rates + (run[WHOLE_RUN_rates] + i) * LS_RATES_COUNT,
                 i == 0 || s->step % s->member[WHOLE_steps_per_epoch] == 0);
        SYNC
        for (uint k = 0; k < phases && !leave; k++) {
            do_phase(s, team, s->member, phase + k * WHOLE_PHASE_WORDS);
            leave = meet(team);
        }
    }
    return leave;
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
    __local uint numbers[64], mine, leave;
    __local ls_permutation order;
    if (ITEM == 0) mine = atomic_inc(shared + WHOLE_STARTED);
    SYNC
    if (mine >= teams * groups) return;
    whole_team team = {mine % groups, groups, patience, 0, 0, shared + WHOLE_STOP, &leave};
    const uint number = mine / groups;
    team.count = shared + WHOLE_COUNTERS + number * WHOLE_COUNTER_STRIDE;
    uint gone = 0;
    for (uint i = number; i < members && !gone; i += teams) {
        words run = table + i * WHOLE_RUN_WORDS;
        const ulong origin = run[WHOLE_RUN_origin];
        whole_step s;
        s.member = table + run[WHOLE_RUN_program];
        s.arena = arenas + ((ulong)run[WHOLE_RUN_arena_high] << 32 | run[WHOLE_RUN_arena_low]);
        s.scratch = scratch + run[WHOLE_RUN_scratch];
        s.x = x + origin * features, s.t = t + origin * outputs, s.weight = weight + origin;
        s.pool = pool, s.numbers = numbers, s.order = &order;
        gone = run_member(&s, &team, run, rates, losses);
    }
}
