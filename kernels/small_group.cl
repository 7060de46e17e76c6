/* SPDX-License-Identifier: MIT */
/* Many steps of small networks in one launch, on GPUs: a work-group trains one member after
 * another, each for all steps of the call, and writes the losses.
 *
 * A step runs chunk-wise (host/network/chunks.h). The group is divided into parts, each of which
 * takes a chunk of LS_CHUNK rows through all layers and back in scratch of its own, in local memory
 * if it fits (SPACE). A step with more chunks than parts takes several rounds:
 *
 *   round 0   part 0: chunk 0 ▏ part 1: chunk 1 ▏ part 2: chunk 2 ▏ part 3: chunk 3
 *             gradients of chunks 0, 1, 2, 3, by the whole group
 *   round 1   part 0: chunk 4 ▏ part 1: chunk 5 ▏ part 2: chunk 6 ▏ part 3: nothing
 *             gradients of chunks 4, 5, 6 on top of those
 *   the optimizer's step, by the whole group
 *
 * A weight's gradient is computed by one work-item: a chain per chunk, and the chains are added in
 * ascending order of chunks (docs/arithmetic.md).
 *
 * A chunk's matrix is stored by columns, SMALL_PITCH floats apart; element r of a column belongs to
 * row r, a lane. In most operations a lane needs nothing of other lanes. In a part of at most as
 * many work-items as lanes each lane belongs to one work-item, which needs no barrier until the
 * gradients. In a larger part the work-items of a lane share the columns, four at a time, and
 * synchronise before an operation that reads columns of others (SMALL_OP_wait). All barriers are
 * barriers of the whole group, so each part passes all of them, also without a chunk.
 * Launch: (GROUP × work-groups), GROUP > 1. */
#include "kernels/matrix.h"
#include "kernels/small_step.h"

/* ---- Sharing loops within a part ------------------------------------------------------------- */

/* The number of this work-item in its part; parts have a power of two of them. */
#define PART_ITEM(s) (ITEM & (int)((s)->items - 1))

/* The lanes of the part's chunk. */
#define EACH_LANE(i, s) for (int i = PART_ITEM(s); i < (int)(s)->lanes; i += (int)(s)->items)

/* Tasks of a matrix of n columns: one lane of four columns each. */
#define EACH_TASK(t, s, n)                                                                         \
    for (int t = PART_ITEM(s); t < ((int)(n) + 3) / 4 * (int)(s)->lanes; t += (int)(s)->items)

static int lane_of(const small_step *s, int task) { return task & ((1 << s->shift) - 1); }
static int column_of(const small_step *s, int task) { return (task >> s->shift) * 4; }

/* The elements of a matrix of n columns. Each is accessed by the same work-item in all such loops
 * and in products. */
#define EACH_VALUE(i, s, n)                                                                        \
    EACH_TASK(t, s, n)                                                                             \
    for (int i = column_of(s, t) * SMALL_PITCH + lane_of(s, t),                                    \
             end = min(column_of(s, t) + 4, (int)(n)) * SMALL_PITCH;                               \
         i < end; i += SMALL_PITCH)

/* ---- Operations on a chunk ------------------------------------------------------------------- */

static void activate(const small_step *s, uint act, SPACE const float *z, SPACE float *a, int n)
{
    switch (act) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name: EACH_VALUE(i, s, n) a[i] = ls_act_##name(z[i]); break;
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
}

static void activation_gradient(const small_step *s, uint act, SPACE const float *d,
                                SPACE const float *z, SPACE const float *a, SPACE float *y, int n)
{
    switch (act) {
#define LS_X(name, reads, facts)                                                                   \
    case LS_ACT_##name:                                                                            \
        EACH_VALUE(i, s, n) y[i] = d[i] * ls_act_grad_##name(LS_READS_##reads(z[i], a[i]));        \
        break;
        LS_ACTIVATIONS(LS_X)
#undef LS_X
    }
}

/* y = a·mask; the mask is indexed by the element's row and column in the batch. */
static void drop(const small_step *s, words op, SPACE const float *a, SPACE float *y)
{
    const uint out = op[SMALL_OP_out], purpose = op[SMALL_OP_purpose];
    const float p = value(op, SMALL_OP_dropout);
    EACH_VALUE(i, s, out)
    {
        const uint row = s->row + i % SMALL_PITCH, column = i / SMALL_PITCH;
        y[i] = a[i] * ls_dropout_factor(s->seed, purpose, s->step, row * out + column, p);
    }
}

/* Row numbers of the chunk if rows are shuffled, stored as the bits of floats in the space of the
 * losses, which are computed later. */
static void number_rows(const small_step *s, const small_rows *r)
{
    SPACE float *numbers = s->own + field(s, SMALL_row_loss);
    const uint n = field(s, SMALL_rows);
    const ls_permutation p = ls_permutation_of(n, s->seed, LS_PURPOSE_ORDER, r->epoch);
    EACH_LANE(i, s)
    {
        uint number = min(r->first + i, n - 1);
        do number = ls_permute_once(number, p);
        while (number >= n);
        numbers[i] = as_float(number);
    }
}

/* Reads the chunk's inputs, targets or row weights, `columns` values per row, into lanes; lanes
 * past the last row are 0. */
static void load(const small_step *s, const small_rows *r, __global const float *from, uint columns,
                 uint place)
{
    const uint shuffled = field(s, SMALL_shuffle);
    SPACE const float *numbers = s->own + field(s, SMALL_row_loss);
    SPACE float *to = s->own + place;
    from += (ulong)r->origin * columns;
    EACH_VALUE(i, s, columns)
    {
        const uint lane = i % SMALL_PITCH, column = i / SMALL_PITCH;
        const uint row = lane >= s->rows ? 0 : shuffled ? as_uint(numbers[lane]) : r->first + lane;
        to[i] = lane < s->rows ? from[(ulong)row * columns + column] : 0.0f;
    }
}

static void load_all(const small_step *s, const small_rows *r)
{
    load(s, r, r->x, field(s, SMALL_features), field(s, SMALL_x));
    load(s, r, r->t, field(s, SMALL_outputs), field(s, SMALL_t));
    if (field(s, SMALL_row_weight) != SMALL_NONE)
        load(s, r, r->weight, 1, field(s, SMALL_row_weight));
}

/* Columns c[j] = start[j] + sum over i of a(j, i)·b[i], j < n, i < m; element (j, i) of a is
 * a[j·a_j + i·a_i]. Each element of c is one ascending chain of fma over i. All lanes read the same
 * elements of a, four at once where they lie together at a multiple of 16 bytes. */
static void product(const small_step *s, int n, int m, __global const float *a, int a_j, int a_i,
                    SPACE const float *b, __global const float *start, SPACE float *c)
{
    const int aligned = ((size_t)a & 15) == 0, across = aligned && a_j == 1 && a_i % 4 == 0,
              along = aligned && a_i == 1 && a_j % 4 == 0;
    EACH_TASK(t, s, n)
    {
        const int lane = lane_of(s, t), first = column_of(s, t);
        SPACE const float *bi = b + lane;
        __global const float *aj[4];
        float acc[4];
        int i = 0;
        _Pragma("unroll") for (int j = 0; j < 4; j++)
        {
            const int column = min(first + j, n - 1);
            aj[j] = a + column * a_j;
            acc[j] = start ? start[column] : 0.0f;
        }
        for (; across && i < m; i++) {
            const float4 w = *(__global const float4 *)(aj[0] + i * a_i);
            const float value = bi[i * SMALL_PITCH];
            acc[0] = fma(w.x, value, acc[0]), acc[1] = fma(w.y, value, acc[1]);
            acc[2] = fma(w.z, value, acc[2]), acc[3] = fma(w.w, value, acc[3]);
        }
        for (; along && i + 4 <= m; i += 4) {
            SPACE const float *bq = bi + i * SMALL_PITCH;
            const float v0 = bq[0], v1 = bq[SMALL_PITCH], v2 = bq[2 * SMALL_PITCH],
                        v3 = bq[3 * SMALL_PITCH];
            _Pragma("unroll") for (int j = 0; j < 4; j++)
            {
                const float4 w = *(__global const float4 *)(aj[j] + i);
                acc[j] = fma(w.y, v1, fma(w.x, v0, acc[j]));
                acc[j] = fma(w.w, v3, fma(w.z, v2, acc[j]));
            }
        }
        for (; i < m; i++) {
            const float value = bi[i * SMALL_PITCH];
            _Pragma("unroll") for (int j = 0; j < 4; j++)
                acc[j] = fma(aj[j][i * a_i], value, acc[j]);
        }
        _Pragma("unroll") for (int j = 0; j < 4; j++) if (first + j < n)
            c[(first + j) * SMALL_PITCH + lane] = acc[j];
    }
}

static void dense(const small_step *s, words op)
{
    const int in = op[SMALL_OP_in], out = op[SMALL_OP_out];
    product(s, out, in, s->arena + op[SMALL_OP_w], 1, out, s->own + op[SMALL_OP_x],
            op[SMALL_OP_b] == SMALL_NONE ? 0 : s->arena + op[SMALL_OP_b], s->own + op[SMALL_OP_z]);
}

static void grad_x(const small_step *s, words op)
{
    const int in = op[SMALL_OP_in], out = op[SMALL_OP_out];
    product(s, out, in, s->arena + op[SMALL_OP_w], in, 1, s->own + op[SMALL_OP_dz], 0,
            s->own + op[SMALL_OP_d]);
}

/* The piecewise-linear encoding of the inputs. */
static void pieces(const small_step *s, words op)
{
    const uint in = op[SMALL_OP_in], out = op[SMALL_OP_out];
    SPACE const float *x = s->own + op[SMALL_OP_x];
    SPACE float *a = s->own + op[SMALL_OP_a];
    EACH_VALUE(i, s, out)
    {
        const uint lane = i % SMALL_PITCH, column = i / SMALL_PITCH;
        __global const float *table = s->arena + op[SMALL_OP_w] + column;
        a[i] = ls_piece(x[ls_piece_input(table[0], in) * SMALL_PITCH + lane],
                        table[LS_PIECE_FROM * out], table[LS_PIECE_SCALE * out],
                        table[LS_PIECE_LOW * out], table[LS_PIECE_HIGH * out]);
    }
}

/* y = a, with dropout y = a·mask. Never write this as if (masked) drop(…) else EACH_VALUE(…): PoCL
 * 5 crashes on an if whose arms both loop over work-items, one of them inside another loop, in a
 * loop that ends with a barrier (pocl#1435; .ci/item_loops.py looks for it). */
static void join(const small_step *s, words op)
{
    SPACE const float *a = s->own + op[SMALL_OP_a];
    SPACE float *y = s->own + op[SMALL_OP_y];
    const int masked = value(op, SMALL_OP_dropout) > 0.0f, copied = masked ? 0 : op[SMALL_OP_out];
    EACH_VALUE(i, s, copied) y[i] = a[i];
    if (masked) drop(s, op, a, y);
}

/* y = y + skip */
static void add_skip(const small_step *s, words op)
{
    SPACE const float *skip = s->own + op[SMALL_OP_skip];
    SPACE float *y = s->own + op[SMALL_OP_y];
    EACH_VALUE(i, s, op[SMALL_OP_out]) y[i] = y[i] + skip[i];
}

/* The losses of the chunk's rows; z becomes dL/dz. */
#define LOSS_EACH(i) EACH_LANE(i, s)
#define LOSS_AT(i, k) ((int)(k)*SMALL_PITCH + (i))
static void losses_of_rows(const small_step *s, words op)
{
    enum { training = 1 };
    const int weighted = field(s, SMALL_row_weight) != SMALL_NONE;
    const int sigmoid = field(s, SMALL_output) == LS_OUTPUT_SIGMOID;
    const uint columns = op[SMALL_OP_out];
    const float step_scale = s->scale, delta = value(s->member, SMALL_huber_delta);
    const float keep = value(s->member, SMALL_label_keep),
                share = value(s->member, SMALL_label_share);
    SPACE float *z = s->own + op[SMALL_OP_z], *p = s->own + op[SMALL_OP_a],
                *row_loss = s->own + field(s, SMALL_row_loss);
    SPACE float *scale = s->own + field(s, SMALL_rows_at), *top = scale + SMALL_PITCH,
                *sum = top + SMALL_PITCH;
    SPACE const float *t = s->own + field(s, SMALL_t),
                      *weight = s->own + (weighted ? field(s, SMALL_row_weight) : 0);
    EACH_LANE(i, s) scale[i] = weighted ? weight[i] * step_scale : step_scale;
    switch (field(s, SMALL_loss)) {
#define LS_X(NAME, name)                                                                           \
    case LS_LOSS_##NAME: LS_LOSS_ROWS_##NAME break;
        LS_LOSSES(LS_X)
#undef LS_X
    }
    if (weighted) EACH_LANE(i, s) row_loss[i] = row_loss[i] * weight[i];
}
#undef LOSS_EACH
#undef LOSS_AT

/* ---- Sums over the chunks of a round --------------------------------------------------------- */

/* The loss of the part's chunk, in the scratch that all parts share. */
static void sum_losses(const small_step *s)
{
    SPACE const float *row_loss = s->own + field(s, SMALL_row_loss);
    float sum = 0.0f;
    if (PART_ITEM(s) == 0 && s->rows) {
        for (uint i = 0; i < s->rows; i++) sum = sum + row_loss[i];
        s->scratch[s->part] = sum;
    }
}

/* Adds the losses of the round's chunks to those of earlier rounds. */
static float add_losses(const small_step *s, uint from)
{
    float sum = s->loss;
    for (uint p = 0; p * LS_CHUNK < min(s->left, s->parts * LS_CHUNK); p++)
        sum = from + p ? sum + s->scratch[p] : s->scratch[p];
    return sum;
}

/* Gradients of weights and biases, in the arena; `add`: on top of those of earlier rounds. Inputs
 * are counted with one more for the bias, which is 1; a task has those of two inputs and two
 * outputs, as far as they exist. A task's work-item is the same in each round and may read what it
 * wrote. Each operation's tasks begin at the work-item where those of the one before it end, so
 * that few are idle. */
static void grad_w(const small_step *s, words op, int add)
{
    const int in = op[SMALL_OP_in], out = op[SMALL_OP_out], pairs = (out + 1) / 2;
    const int inputs = op[SMALL_OP_bias_gradient] != SMALL_NONE ? in + 1 : in;
    __global float *weights = s->arena + op[SMALL_OP_gradient],
                   *biases = s->arena + op[SMALL_OP_bias_gradient];
    const int tasks = (inputs + 1) / 2 * pairs;
    const int begin = (ITEM + GROUP - (int)(op[SMALL_OP_tasks] % GROUP)) % GROUP;
    const int chunks = min((s->left + LS_CHUNK - 1) / LS_CHUNK, s->parts);
    for (int t = begin; t < tasks; t += GROUP) {
        const int i0 = t / pairs * 2, j0 = t % pairs * 2;
        int x_at[2], dz_at[2];
        float sum[2][2];
        __global float *to[2];
        _Pragma("unroll") for (int i = 0; i < 2; i++)
        {
            x_at[i] = min(i0 + i, in - 1) * SMALL_PITCH;
            dz_at[i] = min(j0 + i, out - 1) * SMALL_PITCH;
            to[i] = i0 + i < in ? weights + (i0 + i) * out : biases;
            _Pragma("unroll") for (int j = 0; j < 2; j++)
                sum[i][j] = add && i0 + i < inputs && j0 + j < out ? to[i][j0 + j] : 0.0f;
        }
        for (int p = 0; p < chunks; p++) {
            const int rows = min(s->left - p * LS_CHUNK, (uint)LS_CHUNK);
            SPACE const float *x = s->first + p * s->floats + op[SMALL_OP_x];
            SPACE const float *dz = s->first + p * s->floats + op[SMALL_OP_dz];
            float acc[2][2] = {{0.0f, 0.0f}, {0.0f, 0.0f}};
            for (int r = 0; r < rows; r++) _Pragma("unroll") for (int i = 0; i < 2; i++)
                {
                    const float xi = i0 + i < in ? x[x_at[i] + r] : 1.0f;
                    _Pragma("unroll") for (int j = 0; j < 2; j++)
                        acc[i][j] = fma(xi, dz[dz_at[j] + r], acc[i][j]);
                }
            _Pragma("unroll") for (int i = 0; i < 2; i++)
                _Pragma("unroll") for (int j = 0; j < 2; j++)
                    sum[i][j] = add || p ? sum[i][j] + acc[i][j] : acc[i][j];
        }
        _Pragma("unroll") for (int i = 0; i < 2; i++)
            _Pragma("unroll") for (int j = 0; j < 2; j++) if (i0 + i < inputs && j0 + j < out)
                to[i][j0 + j] = sum[i][j];
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* What remains a call has the step in memory instead of registers. */
#define INLINE static inline __attribute__((always_inline))

INLINE void do_operation(small_step *s, const small_rows *r, words op, uint from)
{
    const int n = op[SMALL_OP_out];
    SPACE float *own = s->own;
    switch (op[SMALL_OP_kind]) {
    case SMALL_NUMBERS: number_rows(s, r); break;
    case SMALL_LOAD: load_all(s, r); break;
    case SMALL_DENSE: dense(s, op); break;
    case SMALL_ACTIVATE:
        activate(s, op[SMALL_OP_act], own + op[SMALL_OP_z], own + op[SMALL_OP_a], n);
        break;
    case SMALL_PIECES: pieces(s, op); break;
    case SMALL_JOIN: join(s, op); break;
    case SMALL_LOSS: losses_of_rows(s, op); break;
    case SMALL_LOSS_SUM: sum_losses(s); break;
    case SMALL_GRAD_X: grad_x(s, op); break;
    case SMALL_SKIP: add_skip(s, op); break;
    case SMALL_DROP: drop(s, op, own + op[SMALL_OP_d], own + op[SMALL_OP_dropped]); break;
    case SMALL_ACTIVATION_GRAD:
        activation_gradient(s, op[SMALL_OP_act], own + op[SMALL_OP_d], own + op[SMALL_OP_z],
                            own + op[SMALL_OP_a], own + op[SMALL_OP_y], n);
        break;
    case SMALL_GRAD_W: grad_w(s, op, from > 0); break;
    case SMALL_UPDATE: update(s, op); break;
    case SMALL_SQUARES: sum_squares(s, op); break;
    case SMALL_SUMS: sum_sums(s, op); break;
    case SMALL_FACTOR:
        s->clip = ls_limit_factor(s->scratch[op[SMALL_OP_from]], value(s->member, SMALL_clip));
        break;
    case SMALL_MAX_NORM: max_norm(s, op); break;
    }
}

/* Sets the parts to the chunks from row `from` of the batch on. Lanes are as many for all parts
 * that have a chunk: all parts must wait alike. */
static void begin_round(small_step *s, uint from, uint n)
{
    const uint widest = min((uint)LS_CHUNK, n - from);
    s->left = n - from;
    s->shift = widest > 32 ? 6 : widest > 16 ? 5 : 4;
    s->row = from + s->part * LS_CHUNK;
    s->rows = s->part < s->parts && s->row < n ? min((uint)LS_CHUNK, n - s->row) : 0;
    s->lanes = s->rows ? 1u << s->shift : 0;
}

/* The end of the operations from number k on that need no barrier among them. */
static uint phase_end(const small_step *s, words operations, uint k, uint end)
{
    const uint passed = s->items > 1u << s->shift ? SMALL_WAIT_NEVER : SMALL_WAIT_SHARED;
    for (k++; k < end; k++)
        if (operations[k * SMALL_OP_WORDS + SMALL_OP_wait] > passed) break;
    return k;
}

/* Runs all steps of one member in this launch; s has what depends on the work-item alone. */
INLINE void run_member(small_step s, words run, words programs, __global float *arenas,
                       small_rows rows, __global const float *rates, __global float *losses)
{
    s.member = programs + run[SMALL_RUN_program];
    s.arena = arenas + ((ulong)run[SMALL_RUN_arena_high] << 32 | run[SMALL_RUN_arena_low]);
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
        begin_round(&s, 0, n);
        for (uint k = 0, from = 0; k < of_chunk + of_step;) {
            const uint end = phase_end(&s, operations, k,
                                       k < of_chunk ? of_chunk : of_chunk + of_step);
            rows.first = begin + s.row;
            for (; k < end; k++) do_operation(&s, &rows, operations + k * SMALL_OP_WORDS, from);
            barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
            if (k == of_chunk) {
                if (ITEM == 0) s.loss = add_losses(&s, from);
                from += s.parts * LS_CHUNK;
                if (from < n) {
                    begin_round(&s, from, n);
                    k = 0;
                }
            }
        }
        if (ITEM == 0) losses[run[SMALL_RUN_losses] + i] = s.loss;
    }
}

/* table: `members` entries of this launch, then the members' programs. scratch: of one group in
 * local memory, otherwise of all groups: `common` floats for the sums of all parts, and `floats`
 * per part. */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void small_steps(
    __global float *arenas, __global const float *x, __global const float *t,
    __global const float *weight, __global const uint *table, const uint members,
    __global const float *rates, __global float *losses, SPACE float *scratch, const uint common,
    const uint floats, const uint parts, const uint items)
{
    words programs = table + members * SMALL_RUN_WORDS;
    small_rows rows;
    small_step s;
    rows.x = x, rows.t = t, rows.weight = weight;
    s.scratch = scratch;
#ifdef SCRATCH_IN_GLOBAL
    s.scratch += (ulong)get_group_id(0) * (common + parts * floats);
#endif
    s.part = ITEM / items, s.parts = parts, s.items = items, s.floats = floats;
    s.first = s.scratch + common;
    s.own = s.first + min(s.part, parts - 1) * floats;
    for (uint i = get_group_id(0); i < members; i += get_num_groups(0))
        run_member(s, table + i * SMALL_RUN_WORDS, programs, arenas, rows, rates, losses);
}
