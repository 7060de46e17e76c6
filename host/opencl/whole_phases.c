/* SPDX-License-Identifier: MIT */
#include "host/opencl/whole_phases.h"
#include "host/base/memory.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const ls_view nowhere = {LS_NOWHERE, 0};

static size_t parts_of(size_t n, size_t part) { return (n + part - 1) / part; }
static size_t chunks_of(size_t n) { return parts_of(n, LS_CHUNK); }

/* The least logarithm of a power of two that is at least n. */
static unsigned log_up(size_t n)
{
    unsigned log = 0;
    while (log < 63 && (size_t)1 << log < n) log++;
    return log;
}

typedef struct {
    const ls_plan *plan;
    const ls_whole_limits *limits;
    ls_whole_phases *to;
    size_t rows; /* per task of a ROWS strand */
    bool failed; /* the plan has something unknown */
} builder;

/* ---- Operations ------------------------------------------------------------------------------ */

/* The data array that a GATHER copies to this view, else the view itself. Gathered rows are read by
 * their numbers instead. */
static ls_view ungathered(const builder *b, ls_view view)
{
    for (size_t i = 0; i < b->plan->step.count; i++) {
        const ls_op *o = &b->plan->step.op[i];
        if (o->kind == LS_OP_GATHER && ls_same_view(o->y, view)) return o->x;
    }
    return view;
}

static ls_whole_op *put(builder *b, whole_kind kind, const ls_op *o)
{
    ls_whole_op *to = &b->to->op[b->to->ops++];
    *to = (ls_whole_op){.kind = kind, .op = o, .x = nowhere, .y = nowhere, .out = o->out};
    return to;
}

static ls_view after(ls_view view, size_t floats)
{
    return ls_there(view) ? (ls_view){view.place, view.at + floats} : view;
}

/* The part of an UPDATE that concerns one vector of gradients. */
static void put_update(builder *b, const ls_op *update, size_t skipped, size_t count)
{
    ls_whole_op *to = put(b, WHOLE_UPDATE, update);
    to->y = after(update->y, skipped);
    to->theta = update->in + skipped;
    to->out = count;
}

/* The UPDATE of all that is not a weight, if it can follow each of the sums that it reads at once:
 * nothing stands between them, and they write all that it reads. */
static const ls_op *attached_update(const builder *b)
{
    const ls_ops *ops = &b->plan->step;
    const ls_op *update = NULL;
    size_t covered = 0;
    for (size_t i = 0; i < ops->count; i++)
        if (ops->op[i].kind == LS_OP_UPDATE) update = &ops->op[i];
    if (!update || ls_there(update->b)) return NULL;
    for (size_t i = 0; i < ops->count; i++) {
        const ls_op *o = &ops->op[i];
        if (o->kind == LS_OP_GRAD_B) covered += o->out;
        if (o->kind == LS_OP_NORM_GRAD) covered += 2 * o->out;
    }
    return covered == update->out ? update : NULL;
}

static void put_attached(builder *b, const ls_op *update, ls_view gradient, size_t count)
{
    if (!update) return;
    if (gradient.at < update->y.at || gradient.at + count > update->y.at + update->out)
        b->failed = true;
    else {
        put_update(b, update, gradient.at - update->y.at, count);
        b->to->op[b->to->ops - 1].attached = true;
    }
}

/* Whether an operation other than `of` reads the view, as GRAD_X reads a residual block's d. */
static bool is_skip(const builder *b, const ls_op *of)
{
    for (size_t i = 0; i < b->plan->step.count; i++) {
        const ls_op *o = &b->plan->step.op[i];
        if (o != of && ls_there(o->skip) && ls_same_view(o->skip, of->d)) return true;
    }
    return false;
}

static void put_clip(builder *b, const ls_op *o)
{
    enum { FEW = 4096 }; /* sums that one group adds */
    size_t n = o->out, from = SIZE_MAX, to = 0, second = (chunks_of(n) + 15) & ~(size_t)15;
    b->to->scratch = second + ((chunks_of(chunks_of(n)) + 15) & ~(size_t)15);
    do {
        ls_whole_op *sums = put(b, WHOLE_SUMS, o);
        sums->out = n, sums->from = from, sums->to = to;
        from = to, to = from ? 0 : second;
        n = chunks_of(n);
    } while (n > FEW);
    ls_whole_op *factor = put(b, WHOLE_FACTOR, o);
    factor->out = n, factor->from = from, factor->to = to;
}

static void put_op(builder *b, const ls_op *o, const ls_op *next, const ls_op *update)
{
    ls_whole_op *to;
    b->failed |= ls_op_points(o) > 1; /* images run layered */
    switch (o->kind) {
    case LS_OP_BATCH:
        put(b, WHOLE_NUMBERS, o)->out = 1;
        b->to->index = o->y;
        break;
    case LS_OP_GATHER: break;
    case LS_OP_DENSE:
    case LS_OP_NORM:
        to = put(b, o->kind == LS_OP_DENSE ? WHOLE_DENSE : WHOLE_NORM, o);
        to->x = ungathered(b, o->x);
        if (next && next->kind == LS_OP_JOIN && ls_there(o->a) && ls_same_view(next->a, o->a))
            to->join = next;
        break;
    case LS_OP_JOIN: /* done by the operation before it */
        b->failed |= !b->to->ops || b->to->op[b->to->ops - 1].join != o;
        break;
    case LS_OP_LOSS:
        put(b, WHOLE_LOSS, o);
        b->failed |= ungathered(b, o->target).place != LS_DATA_T;
        break;
    case LS_OP_LOSS_SUM:
        to = put(b, WHOLE_COLUMN_SUM, o);
        to->x = b->plan->row_loss, to->out = 1;
        break;
    case LS_OP_GRAD_W: put(b, WHOLE_GRAD_W, o)->x = ungathered(b, o->x); break;
    case LS_OP_GRAD_B:
        to = put(b, WHOLE_COLUMN_SUM, o);
        to->x = o->dz, to->y = o->y;
        put_attached(b, update, o->y, o->out);
        break;
    case LS_OP_GRAD_X:
        put(b, WHOLE_GRAD_X, o)->keeps_d = !ls_same_view(o->d, o->y) && is_skip(b, o);
        break;
    case LS_OP_NORM_GRAD:
        put(b, WHOLE_NORM_GRAD, o);
        put_attached(b, update, o->grad_gamma, o->out);
        put_attached(b, update, o->grad_beta, o->out);
        break;
    case LS_OP_CLIP: put_clip(b, o); break;
    case LS_OP_UPDATE:
        if (!update && o->out) put_update(b, o, 0, o->out);
        break;
    case LS_OP_MAX_NORM: put(b, WHOLE_MAX_NORM, o); break;
    case LS_OP_CONV:
    case LS_OP_CONV_X:
    case LS_OP_CONV_W:
    case LS_OP_MAX_POOL:
    case LS_OP_MAX_POOL_X:
    case LS_OP_AVG_POOL:
    case LS_OP_AVG_POOL_X:
    case LS_OP_ACT:
    case LS_OP_SLOPE:
    case LS_OP_NORM_FIXED:
    case LS_OP_COUNT: b->failed = true; break;
    }
}

static void put_all(builder *b)
{
    const ls_ops *ops = &b->plan->step;
    const ls_op *update = attached_update(b);
    b->to->index = nowhere;
    for (size_t i = 0; i < ops->count; i++)
        put_op(b, &ops->op[i], i + 1 < ops->count ? &ops->op[i + 1] : NULL, update);
}

/* ---- How each operation is divided ----------------------------------------------------------- */

/* Rough cycles on a GPU. A product of a group of 256 is bound by reads of local memory: per step
 * along its chains, and with one chain a work-item, some 5 cycles and one more for each 32
 * work-items; 20 with 2 × 2 chains, 40 with 4 × 4. A slice costs two barriers, and a tile the
 * latencies of its first reads and of what follows the chains. */
static const double tile_cycles = 3000, slice_cycles = 150;

static double cycles_of(whole_body body, const ls_whole_limits *l, size_t items)
{
    double smaller = (double)l->group / 256;
    if (body == WHOLE_BODY_TWO) return 20 * smaller;
    if (body == WHOLE_BODY_FOUR) return 40 * smaller;
    return 5 + (double)items / 32;
}

/* A product of m × n results, each a chain of k, that `groups` groups share. */
typedef struct {
    size_t m, n, k, groups;
    bool over_rows; /* GRAD_W: sums of chunks */
} product;

typedef struct {
    whole_body body;
    unsigned rows, columns, chunks, depth; /* logarithms */
} shape;

/* Rough cycles of one tile, and of the whole product. */
static double cost_of_tile(const product *p, const shape *s, const ls_whole_limits *l)
{
    size_t depth = (size_t)1 << s->depth, k = p->k;
    if (p->over_rows) k = parts_of(chunks_of(p->k), (size_t)1 << s->chunks) * LS_CHUNK;
    return tile_cycles +
           (double)k * cycles_of(s->body, l, (size_t)1 << (s->rows + s->columns + s->chunks)) +
           (double)parts_of(k, depth) * slice_cycles;
}

static double cost_of(const product *p, const shape *s, const ls_whole_limits *l)
{
    double tiles = (double)parts_of(p->m, (size_t)1 << s->rows) *
                   (double)parts_of(p->n, (size_t)1 << s->columns);
    return ceil(tiles / (double)p->groups) * cost_of_tile(p, s, l);
}

/* The depth of slices, at least 8, with which two slices of a shape of one chain a work-item fit,
 * with two values per work-item; 0 if none does. */
static unsigned depth_of(const shape *s, const ls_whole_limits *l)
{
    size_t width = (((size_t)1 << s->rows) + ((size_t)1 << s->columns)) << s->chunks;
    for (unsigned log = 6; log >= 3; log--) {
        size_t depth = (size_t)1 << log;
        if (width * depth <= WHOLE_LOADS * l->group &&
            2 * width * (depth + 4) + 2 * l->group <= l->pool)
            return log;
    }
    return 0;
}

static void consider(const product *p, const ls_whole_limits *l, shape s, shape *best,
                     double *least)
{
    double cost = cost_of(p, &s, l);
    if (cost >= *least) return;
    *least = cost;
    *best = s;
}

/* The fastest shape. */
static shape shape_for(const product *p, const ls_whole_limits *l)
{
    unsigned items = log_up(l->group), down = items - 4; /* TWO, FOUR: 16 work-items across */
    shape best = {0};
    double least = INFINITY;
    for (unsigned rows = 0; rows <= 6; rows++)
        for (unsigned columns = 2; rows + columns <= items; columns++) {
            shape s = {WHOLE_BODY_ONE, rows, columns, 0, 0};
            if (p->over_rows) {
                unsigned room = items - rows - columns, most = log_up(chunks_of(p->k));
                s.chunks = room < most ? room : most;
            }
            s.depth = depth_of(&s, l);
            if (s.depth) consider(p, l, s, &best, &least);
        }
    consider(p, l, (shape){WHOLE_BODY_TWO, down + 1, 5, 0, 4}, &best, &least);
    if (l->pool >= LS_WHOLE_POOL_FOUR)
        consider(p, l, (shape){WHOLE_BODY_FOUR, down + 2, 6, 0, 4}, &best, &least);
    return best;
}

static void divide_product(const builder *b, ls_whole_op *o)
{
    /* A product is divided by rows if each group may read all weights: 2^13 of them take some 2 µs
     * from a second-level cache of 5 TB/s that 100 groups read from together, about as much as the
     * barrier that division into tiles costs. */
    enum { FEW_WEIGHTS = 6144 };
    const ls_op *op = o->op;
    bool over_rows = o->kind == WHOLE_GRAD_W;
    product p = {b->plan->batch, op->out, op->in, b->limits->groups, over_rows};
    if (over_rows) p.m = op->in, p.k = b->plan->batch;
    o->share = WHOLE_BY_TILE;
    if (!over_rows && op->in <= FEW_WEIGHTS && op->in * op->out <= FEW_WEIGHTS) {
        o->share = WHOLE_BY_ROWS;
        p.m = b->rows, p.groups = 1;
    }
    shape s = shape_for(&p, b->limits);
    o->body = s.body;
    o->log_rows = s.rows, o->log_columns = s.columns, o->log_chunks = s.chunks;
    o->log_depth = s.depth;
    o->cost = o->share == WHOLE_BY_ROWS ? cost_of(&p, &s, b->limits)
                                        : cost_of_tile(&p, &s, b->limits);
}

/* Columns per task: at least 8, so that neighbours read 32 bytes, and more if there are more than
 * groups. */
static void divide_columns(const builder *b, ls_whole_op *o, size_t rows)
{
    unsigned log = log_up(o->out < 32 ? o->out : 32);
    while (log > 3 && parts_of(o->out, (size_t)1 << log) < b->limits->groups) log--;
    size_t chains = parts_of(chunks_of(rows), b->limits->group >> log);
    o->share = WHOLE_BY_COLUMNS;
    o->log_columns = log;
    o->cost = 2000 + (double)chains * 2000;
}

static void divide(const builder *b, ls_whole_op *o)
{
    switch (o->kind) {
    case WHOLE_DENSE:
    case WHOLE_GRAD_X:
    case WHOLE_GRAD_W: divide_product(b, o); break;
    case WHOLE_NUMBERS:
    case WHOLE_LOSS:
        o->share = WHOLE_BY_ROWS;
        o->cost = 2000;
        break;
    case WHOLE_MAX_NORM: divide_columns(b, o, o->op->in); break;
    case WHOLE_COLUMN_SUM:
    case WHOLE_NORM:
    case WHOLE_NORM_GRAD: divide_columns(b, o, b->plan->batch); break;
    case WHOLE_UPDATE:
        if (o->attached) divide_columns(b, o, 1);
        else o->share = WHOLE_BY_FLAT;
        break;
    case WHOLE_SUMS: o->share = WHOLE_BY_FLAT; break;
    case WHOLE_FACTOR: o->share = WHOLE_BY_ONE; break;
    case WHOLE_KINDS: break;
    }
}

/* Rows per task of a ROWS strand: a power of two with which each group has a task, as far as the
 * loss's matrices fit in local memory. 0 if one row does not. */
static size_t rows_per_task(const ls_plan *p, const ls_whole_limits *l)
{
    size_t rows = 1;
    if (3 * p->outputs > l->pool) return 0;
    while (4 * rows < l->group && rows * l->groups < p->batch && 6 * rows * p->outputs <= l->pool)
        rows *= 2;
    return rows;
}

/* Elements per task of a FLAT strand. */
static size_t flat_unit(const ls_whole_op *o, const ls_whole_limits *l)
{
    enum { MOST_CHUNKS = 32, MOST_TURNS = 16 };
    bool sums = o->kind == WHOLE_SUMS;
    size_t grain = sums ? LS_CHUNK : l->group, most = sums ? MOST_CHUNKS : MOST_TURNS;
    size_t grains = parts_of(parts_of(o->out, grain), l->groups);
    return grain * (grains < most ? grains : most);
}

static size_t unit_of(const builder *b, const ls_whole_op *o)
{
    if (o->share == WHOLE_BY_ROWS) return b->rows;
    if (o->share == WHOLE_BY_COLUMNS) return (size_t)1 << o->log_columns;
    return o->share == WHOLE_BY_FLAT ? flat_unit(o, b->limits) : 1;
}

/* ---- What operations read and write ---------------------------------------------------------- */

/* Which part of a matrix a task touches. */
typedef enum { ANY, OWN_ROWS, OWN_COLUMNS } part;

typedef struct {
    size_t at, count, width; /* floats of the arena; width: of a row */
    part part;
    bool writes;
} touch;

enum { TOUCHES = 20 };
typedef struct {
    touch touch[TOUCHES];
    size_t count;
    part part; /* of the views of the operation's own rows or columns */
    size_t rows;
} touches;

static void touch_floats(touches *t, ls_view view, size_t count, size_t width, part whose,
                         bool writes)
{
    if (view.place != LS_ARENA) return; /* the data are never written */
    assert(t->count < TOUCHES);
    t->touch[t->count++] = (touch){view.at, count, width, whose, writes};
}

/* A matrix with the batch's rows, of which a task touches its own rows or columns. */
static void reads(touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, t->rows * width, width, t->part, false);
}
static void writes(touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, t->rows * width, width, t->part, true);
}
/* A vector of one value per column, of which a COLUMNS task touches its own. */
static void reads_vector(touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, width, width, t->part == OWN_COLUMNS ? OWN_COLUMNS : ANY, false);
}
static void writes_vector(touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, width, width, t->part == OWN_COLUMNS ? OWN_COLUMNS : ANY, true);
}
/* All of an array, in any order. */
static void reads_all(touches *t, ls_view view, size_t count)
{
    touch_floats(t, view, count, 0, ANY, false);
}
static void writes_all(touches *t, ls_view view, size_t count)
{
    touch_floats(t, view, count, 0, ANY, true);
}

static void touch_join(touches *t, const ls_op *join)
{
    if (!join) return;
    reads(t, join->skip, join->out), writes(t, join->y, join->out);
}

static void touch_parameters(touches *t, const ls_op *o, size_t skipped, size_t count, int states,
                             bool vector)
{
    const ls_view views[] = {o->theta, o->s, o->v};
    for (int i = 0; i < 1 + states; i++)
        if (vector) writes_vector(t, after(views[i], skipped), count);
        else writes_all(t, after(views[i], skipped), count);
}

/* Scratch is behind the arena here. */
static ls_view scratch_view(const ls_plan *p, size_t at)
{
    return (ls_view){LS_ARENA, p->arena + at};
}

static void touch_grad_w(touches *t, const ls_whole_op *o, ls_view index, size_t rows, int states)
{
    const ls_op *op = o->op;
    size_t weights = op->in * op->out;
    if (o->x.place == LS_ARENA) reads_all(t, o->x, rows * op->in);
    else reads_all(t, index, rows);
    reads_all(t, op->dz, rows * op->out);
    if (ls_there(op->theta)) touch_parameters(t, op, 0, weights, states, false);
    else writes_all(t, op->y, weights);
}

static void touch_norm(touches *t, const ls_op *o, bool gradient)
{
    size_t n = o->out;
    reads_vector(t, o->gamma, n), reads_vector(t, o->beta, n);
    reads(t, o->dz, n);
    writes(t, o->z, n), writes(t, o->y, n), writes(t, o->a, n);
    if (gradient) reads_vector(t, o->mean, n), reads_vector(t, o->inv, n);
    else writes_vector(t, o->mean, n), writes_vector(t, o->inv, n);
    writes_vector(t, o->running_mean, n), writes_vector(t, o->running_var, n);
    writes_vector(t, o->grad_gamma, n), writes_vector(t, o->grad_beta, n);
}

static touches touches_of(const builder *b, const ls_whole_op *o)
{
    const ls_op *op = o->op;
    size_t n = op->out, rows = b->plan->batch;
    ls_view index = b->to->index;
    int states = ls_optimizers[b->plan->optimizer].states;
    touches t = {.rows = rows,
                 .part = o->share == WHOLE_BY_ROWS      ? OWN_ROWS
                         : o->share == WHOLE_BY_COLUMNS ? OWN_COLUMNS
                                                        : ANY};
    switch (o->kind) {
    case WHOLE_NUMBERS: writes(&t, index, 1); break;
    case WHOLE_DENSE:
        reads(&t, o->x, op->in);
        /* it computes row numbers itself; by rows, it joins the strand that stores them */
        if (o->x.place != LS_ARENA && o->share == WHOLE_BY_ROWS) reads(&t, index, 1);
        reads_all(&t, op->w, op->in * n), reads_all(&t, op->b, n);
        writes(&t, op->z, n), writes(&t, op->a, n);
        touch_join(&t, o->join);
        break;
    case WHOLE_LOSS:
        reads(&t, index, 1);
        writes(&t, op->z, n), writes(&t, op->row_loss, 1);
        break;
    case WHOLE_GRAD_X:
        reads(&t, op->dz, op->in), reads_all(&t, op->w, op->in * n);
        reads(&t, op->skip, n), reads(&t, op->z, n), reads(&t, op->a, n);
        writes(&t, op->y, n);
        if (o->keeps_d) writes(&t, op->d, n);
        break;
    case WHOLE_GRAD_W: touch_grad_w(&t, o, index, rows, states); break;
    case WHOLE_COLUMN_SUM: reads(&t, o->x, o->out), writes_vector(&t, o->y, o->out); break;
    case WHOLE_NORM:
        touch_norm(&t, op, false);
        touch_join(&t, o->join);
        break;
    case WHOLE_NORM_GRAD: touch_norm(&t, op, true); break;
    case WHOLE_MAX_NORM:
        t.rows = op->in;
        writes(&t, op->w, n);
        break;
    case WHOLE_UPDATE:
        reads_vector(&t, o->y, o->out);
        touch_parameters(&t, op, o->theta - op->in, o->out, states, true);
        reads_all(&t, op->b, 1);
        break;
    case WHOLE_SUMS:
        if (o->from == SIZE_MAX) reads_all(&t, op->x, o->out);
        else reads_all(&t, scratch_view(b->plan, o->from), o->out);
        writes_all(&t, scratch_view(b->plan, o->to), chunks_of(o->out));
        break;
    case WHOLE_FACTOR:
        writes_all(&t, scratch_view(b->plan, 0), b->to->scratch);
        writes_all(&t, op->y, 1);
        break;
    case WHOLE_KINDS: break;
    }
    return t;
}

/* Whether operations must stay in order, and if so, whether it is enough that one group runs both
 * on the same rows or columns. */
typedef enum { FREE, LOCAL, ORDERED } relation;

static relation relation_of(const touches *a, const touches *b)
{
    relation r = FREE;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            const touch *p = &a->touch[i], *q = &b->touch[k];
            if (!p->writes && !q->writes) continue;
            if (p->at >= q->at + q->count || q->at >= p->at + p->count) continue;
            bool local = p->part != ANY && p->part == q->part && p->at == q->at &&
                         p->width == q->width;
            if (!local) return ORDERED;
            r = LOCAL;
        }
    return r;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

/* Where an operation is: in the earliest phase after all that it must follow, and there in the
 * strand of those that it must follow on its own rows or columns, if that is one strand. */
typedef struct {
    size_t phase, strand; /* strand: number of its first operation */
    touches touches;
} spot;

static void find_spot(const builder *b, spot *spots, size_t i)
{
    size_t phase = 0, strand = SIZE_MAX, last = 0;
    bool joins = false;
    for (size_t k = 0; k < i; k++) {
        relation r = relation_of(&spots[k].touches, &spots[i].touches);
        size_t earliest = r == FREE ? 0 : r == LOCAL ? spots[k].phase : spots[k].phase + 1;
        if (earliest > phase) phase = earliest, joins = false, strand = SIZE_MAX;
        if (r != LOCAL || spots[k].phase != phase) continue;
        if (joins && strand != spots[k].strand) last = phase + 1; /* two strands: after both */
        joins = true;
        strand = spots[k].strand;
    }
    if (last > phase) phase = last, joins = false;
    /* a strand of a phase: nothing else in that phase is ordered before this operation, as the
     * phase would be later then */
    spots[i].phase = phase;
    spots[i].strand = joins ? strand : i;
    (void)b;
}

typedef struct {
    size_t phase, strand, op;
    double cost; /* of a strand's task */
} placed;

/* By phase; in it the strands with the longest tasks first; in a strand by the plan's order. */
static int compare(const void *a, const void *b)
{
    const placed *p = a, *q = b;
    if (p->phase != q->phase) return p->phase < q->phase ? -1 : 1;
    if (p->strand != q->strand && p->cost != q->cost) return p->cost > q->cost ? -1 : 1;
    if (p->strand != q->strand) return p->strand < q->strand ? -1 : 1;
    return p->op < q->op ? -1 : p->op > q->op;
}

static void list_strands(builder *b, const placed *list)
{
    ls_whole_phases *to = b->to;
    for (size_t i = 0; i < to->ops; i++) {
        bool new_phase = !i || list[i].phase != list[i - 1].phase;
        if (new_phase) to->phase[to->phases++] = (ls_whole_phase){.first = to->strands};
        if (new_phase || list[i].strand != list[i - 1].strand) {
            const ls_whole_op *o = &to->op[list[i].op];
            to->strand[to->strands++] = (ls_whole_strand){
                .share = o->share, .unit = unit_of(b, o), .first = i};
            to->phase[to->phases - 1].count++;
        }
        to->order[i] = list[i].op;
        to->strand[to->strands - 1].count++;
    }
}

static ls_status schedule(builder *b, ls_error *err)
{
    size_t n = b->to->ops;
    spot *spots = NULL;
    placed *list = NULL;
    ls_status status = ls_alloc(&spots, n, sizeof *spots, "the network", err);
    if (status == LS_OK) status = ls_alloc(&list, n, sizeof *list, "the network", err);
    for (size_t i = 0; i < n && status == LS_OK; i++) {
        spots[i].touches = touches_of(b, &b->to->op[i]);
        find_spot(b, spots, i);
        list[i] = (placed){spots[i].phase, spots[i].strand, i, 0};
        list[spots[i].strand].cost += b->to->op[i].cost;
    }
    if (status == LS_OK) {
        for (size_t i = 0; i < n; i++) list[i].cost = list[list[i].strand].cost;
        qsort(list, n, sizeof *list, compare);
        list_strands(b, list);
    }
    free(spots);
    free(list);
    return status;
}

size_t ls_whole_tasks(const ls_whole_phases *p, const ls_whole_strand *s, size_t rows)
{
    const ls_whole_op *o = &p->op[p->order[s->first]];
    switch (s->share) {
    case WHOLE_BY_ROWS: return parts_of(rows, s->unit);
    case WHOLE_BY_TILE:
        return parts_of(o->kind == WHOLE_GRAD_W ? o->op->in : rows, (size_t)1 << o->log_rows) *
               parts_of(o->op->out, (size_t)1 << o->log_columns);
    case WHOLE_BY_COLUMNS:
    case WHOLE_BY_FLAT: return parts_of(o->out, s->unit);
    default: return 1;
    }
}

static ls_status fill(builder *b, ls_error *err)
{
    size_t most = 0;
    ls_whole_phases *to = b->to;
    put_all(b);
    if (b->failed || !to->ops) return LS_OK;
    for (size_t i = 0; i < to->ops; i++) divide(b, &to->op[i]);
    most = to->ops;
    LS_TRY(ls_alloc(&to->order, most, sizeof *to->order, "the network", err));
    LS_TRY(ls_alloc(&to->strand, most, sizeof *to->strand, "the network", err));
    LS_TRY(ls_alloc(&to->phase, most, sizeof *to->phase, "the network", err));
    return schedule(b, err);
}

ls_status ls_whole_phases_build(const ls_plan *plan, const ls_whole_limits *limits,
                                ls_whole_phases **out, ls_error *err)
{
    /* operations at most: three of one of the plan, and the levels of sums for clipping */
    enum { MOST = 3, LEVELS = 8 };
    builder b = {.plan = plan, .limits = limits, .rows = rows_per_task(plan, limits)};
    assert(limits->groups && limits->pool >= LS_WHOLE_POOL);
    assert(limits->group == 64 || limits->group == 128 || limits->group == 256);
    *out = NULL;
    if (!b.rows || !plan->step.count || plan->arena > UINT32_MAX / 2) return LS_OK;
    LS_TRY(ls_alloc(&b.to, 1, sizeof *b.to, "the network", err));
    ls_status status = ls_alloc(&b.to->op, MOST * plan->step.count + LEVELS, sizeof *b.to->op,
                                "the network", err);
    if (status == LS_OK) status = fill(&b, err);
    if (status == LS_OK && b.to->phases) *out = b.to;
    else ls_whole_phases_free(b.to);
    return status;
}

void ls_whole_phases_free(ls_whole_phases *p)
{
    if (!p) return;
    free(p->op);
    free(p->order);
    free(p->strand);
    free(p->phase);
    free(p);
}
