/* SPDX-License-Identifier: MIT */
#include "host/opencl/whole_touches.h"
#include <assert.h>

static void touch_floats(ls_whole_touches *t, ls_view view, size_t count, size_t width,
                         ls_whole_part whose, bool writes)
{
    if (view.place != LS_ARENA) return; /* the data are never written */
    assert(t->count < LS_WHOLE_TOUCHES);
    t->touch[t->count++] = (ls_whole_touch){view.at, count, width, whose, writes};
}

/* A matrix with the batch's rows, of which a task touches its own rows or columns. */
static void reads(ls_whole_touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, t->rows * width, width, t->part, false);
}
static void writes(ls_whole_touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, t->rows * width, width, t->part, true);
}
/* A vector of one value per column, of which a COLUMNS task touches its own. */
static void reads_vector(ls_whole_touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, width, width,
                 t->part == LS_WHOLE_OWN_COLUMNS ? LS_WHOLE_OWN_COLUMNS : LS_WHOLE_ANY, false);
}
static void writes_vector(ls_whole_touches *t, ls_view view, size_t width)
{
    touch_floats(t, view, width, width,
                 t->part == LS_WHOLE_OWN_COLUMNS ? LS_WHOLE_OWN_COLUMNS : LS_WHOLE_ANY, true);
}
/* All of an array, in any order. */
static void reads_all(ls_whole_touches *t, ls_view view, size_t count)
{
    touch_floats(t, view, count, 0, LS_WHOLE_ANY, false);
}
static void writes_all(ls_whole_touches *t, ls_view view, size_t count)
{
    touch_floats(t, view, count, 0, LS_WHOLE_ANY, true);
}

static void touch_join(ls_whole_touches *t, const ls_op *join)
{
    if (!join) return;
    reads(t, join->skip, join->out), writes(t, join->y, join->out);
}

static void touch_parameters(ls_whole_touches *t, const ls_op *o, size_t skipped, size_t count,
                             int states, bool vector)
{
    const ls_view views[] = {o->theta, o->s, o->v};
    for (int i = 0; i < 1 + states; i++)
        if (vector) writes_vector(t, ls_whole_after(views[i], skipped), count);
        else writes_all(t, ls_whole_after(views[i], skipped), count);
}

/* Scratch is behind the arena here. */
static ls_view scratch_view(const ls_plan *p, size_t at)
{
    return (ls_view){LS_ARENA, p->arena + at};
}

static void touch_grad_w(ls_whole_touches *t, const ls_whole_op *o, ls_view index, size_t rows,
                         int states)
{
    const ls_op *op = o->op;
    size_t weights = op->in * op->out;
    if (o->x.place == LS_ARENA) reads_all(t, o->x, rows * op->in);
    else reads_all(t, index, rows);
    reads_all(t, op->dz, rows * op->out);
    if (ls_there(op->theta)) touch_parameters(t, op, 0, weights, states, false);
    else writes_all(t, op->y, weights);
}

static void touch_norm(ls_whole_touches *t, const ls_op *o, bool gradient)
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

ls_whole_touches ls_whole_touches_of(const ls_plan *plan, const ls_whole_op *o, ls_view index,
                                     size_t scratch)
{
    const ls_op *op = o->op;
    size_t n = op->out, rows = plan->batch;
    int states = ls_optimizers[plan->optimizer].states;
    ls_whole_touches t = {.rows = rows,
                          .part = o->share == WHOLE_BY_ROWS      ? LS_WHOLE_OWN_ROWS
                                  : o->share == WHOLE_BY_COLUMNS ? LS_WHOLE_OWN_COLUMNS
                                                                 : LS_WHOLE_ANY};
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
        else reads_all(&t, scratch_view(plan, o->from), o->out);
        writes_all(&t, scratch_view(plan, o->to), ls_whole_chunks(o->out));
        break;
    case WHOLE_FACTOR:
        writes_all(&t, scratch_view(plan, 0), scratch);
        writes_all(&t, op->y, 1);
        break;
    case WHOLE_KINDS: break;
    }
    return t;
}

ls_whole_relation ls_whole_relation_of(const ls_whole_touches *a, const ls_whole_touches *b)
{
    ls_whole_relation r = LS_WHOLE_FREE;
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            const ls_whole_touch *p = &a->touch[i], *q = &b->touch[k];
            if (!p->writes && !q->writes) continue;
            if (p->at >= q->at + q->count || q->at >= p->at + p->count) continue;
            bool local = p->part != LS_WHOLE_ANY && p->part == q->part && p->at == q->at &&
                         p->width == q->width;
            if (!local) return LS_WHOLE_ORDERED;
            r = LS_WHOLE_LOCAL;
        }
    return r;
}
