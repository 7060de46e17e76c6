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
#include "kernels/whole_operations.h"

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

/* `count` barriers over `groups` work-groups, and nothing else: what one costs. */
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void whole_barriers(
    volatile __global uint *shared, const uint groups, const uint patience, const uint count)
{
    __local uint leave[2];
    whole_team team = {0, groups, patience, 0, 0, shared + WHOLE_STOP, leave};
    team.count = shared + WHOLE_COUNTERS;
    if (ITEM == 0) leave[0] = leave[1] = 0;
    SYNC for (uint i = 0; i < count && !must_leave(&team); i++)
    {
        meet(&team);
        SYNC
    }
}
