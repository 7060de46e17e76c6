/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_workspace.h"
#include "host/base/memory.h"
#include "host/opencl/cl_conv_plan.h"
#include <stdlib.h>

static void free_buffer(ls_cl_device *d, cl_mem buffer)
{
    if (buffer) d->cl.clReleaseMemObject(buffer);
}

ls_status ls_cl_read_floats(ls_cl_device *d, cl_mem from, size_t at, size_t count, float *to,
                            ls_error *err)
{
    return ls_cl_check(d->cl.clEnqueueReadBuffer(d->queue, from, CL_TRUE, at * sizeof *to,
                                                 count * sizeof *to, to, 0, NULL, NULL),
                       "reading from the device", err);
}

static ls_status enqueue_reading(ls_cl_device *d, const ls_cl_reading *r, size_t from, size_t count,
                                 float *to, ls_error *err)
{
    if (!count) return LS_OK;
    return ls_cl_check(d->cl.clEnqueueReadBuffer(d->queue, r->from, CL_FALSE,
                                                 (r->at + from) * sizeof *to, count * sizeof *to,
                                                 to, 0, NULL, NULL),
                       "reading from the device", err);
}

/* The floats of all readings from number `from` on, `count` of them: once to their places and once
 * to `again`, with one wait. */
static ls_status read_part(ls_cl_device *d, const ls_cl_reading *list, size_t readings, size_t from,
                           size_t count, float *again, ls_error *err)
{
    ls_status status = LS_OK;
    for (int turn = 0; turn < 3; turn++) {
        size_t first = 0, done = 0;
        for (size_t i = 0; i < readings && status == LS_OK; first += list[i++].count) {
            const ls_cl_reading *r = &list[i];
            size_t at = from > first ? from - first : 0;
            if (at >= r->count || done == count) continue;
            size_t n = r->count - at < count - done ? r->count - at : count - done;
            if (turn < 2)
                status = enqueue_reading(d, r, at, n, turn ? again + done : r->to + at, err);
            else if (memcmp(again + done, r->to + at, n * sizeof *again))
                status =
                    ls_fail(err, LS_ERR_DEVICE,
                            "wrong result: reading the same memory twice gave different values");
            done += n;
        }
        if (turn != 1) continue;
        cl_int code = d->cl.clFinish(d->queue); /* after a failure, too: the memory is ours */
        if (status == LS_OK) status = ls_cl_check(code, "reading from the device", err);
    }
    return status;
}

ls_status ls_cl_read_twice(ls_cl_device *d, const ls_cl_reading *list, size_t readings,
                           ls_error *err)
{
    enum { PIECE = 1 << 14 };
    float few[1024], *again = few;
    size_t room = sizeof few / sizeof *few, count = 0;
    for (size_t i = 0; i < readings; i++) count += list[i].count;
    if (count > room) {
        room = count < PIECE ? count : PIECE;
        LS_TRY(ls_alloc(&again, room, sizeof *again, "a second reading", err));
    }
    ls_status status = LS_OK;
    for (size_t from = 0; from < count && status == LS_OK; from += room)
        status = read_part(d, list, readings, from, count - from < room ? count - from : room,
                           again, err);
    if (again != few) free(again);
    return status;
}

ls_status ls_cl_expect(const ls_cl_device *d, cl_mem buffer, size_t count, ls_error *err)
{
    const cl_uint nan = 0x7fc00000;
    return ls_cl_check(d->cl.clEnqueueFillBuffer(d->queue, buffer, &nan, sizeof nan, 0,
                                                 count * sizeof(float), 0, NULL, NULL),
                       "preparing memory on the device", err);
}

ls_status ls_cl_read(ls_workspace *base, size_t index, size_t at, size_t count, float *to,
                     ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    const member *m = member_at(w, index);
    assert(in_arena(m, at, count));
    LS_TRY(ls_cl_owned(w->device, err));
    return count ? ls_cl_read_floats(w->device, m->arena, m->base + at, count, to, err) : LS_OK;
}

ls_status ls_cl_arena_read_twice(ls_workspace *base, size_t index, size_t at, size_t count,
                                 float *to, ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    const member *m = member_at(w, index);
    assert(in_arena(m, at, count));
    LS_TRY(ls_cl_owned(w->device, err));
    const ls_cl_reading reading = {m->arena, m->base + at, count, to};
    return ls_cl_read_twice(w->device, &reading, 1, err);
}

static ls_status write_floats(ls_cl_device *d, cl_mem to, size_t at, size_t count,
                              const float *from, ls_error *err)
{
    return ls_cl_check(d->cl.clEnqueueWriteBuffer(d->queue, to, CL_TRUE, at * sizeof *from,
                                                  count * sizeof *from, from, 0, NULL, NULL),
                       "writing to the device", err);
}

ls_status ls_cl_write(ls_workspace *base, size_t index, size_t at, size_t count, const float *from,
                      ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    const member *m = member_at(w, index);
    assert(in_arena(m, at, count));
    LS_TRY(ls_cl_owned(w->device, err));
    return count ? write_floats(w->device, m->arena, m->base + at, count, from, err) : LS_OK;
}

ls_status ls_cl_copy(ls_workspace *base, size_t index, size_t from, size_t to, size_t count,
                     ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    const member *m = member_at(w, index);
    assert(in_arena(m, from, count) && in_arena(m, to, count));
    assert(from + count <= to || to + count <= from); /* OpenCL copies no overlapping ranges */
    if (!count) return LS_OK;
    LS_TRY(ls_cl_owned(w->device, err));
    return ls_cl_check(w->device->cl.clEnqueueCopyBuffer(w->device->queue, m->arena, m->arena,
                                                         (m->base + from) * sizeof(float),
                                                         (m->base + to) * sizeof(float),
                                                         count * sizeof(float), 0, NULL, NULL),
                       "copying on the device", err);
}

/* Floats that one operation needs in the first part of scratch: packed operands (with register
 * tiles), chunk sums or column sums. */
static size_t scratch_of(const ls_cl_device *d, const ls_op *o, size_t rows)
{
    enum { WIDEST = 64 }; /* columns of a panel at most (ls_cl_tile_fits): the last one is padded */
    bool packs = d->is_cpu;
    for (int i = 0; i < LS_FORM_COUNT * LS_SIZE_COUNT; i++)
        packs |= d->tiles[i / LS_SIZE_COUNT][i % LS_SIZE_COUNT].family == LS_TILE_REGISTER;
    size_t columns = packs ? o->out + WIDEST : 0;
    switch (o->kind) {
    case LS_OP_DENSE:
    case LS_OP_GRAD_X: return o->in * columns;
    case LS_OP_GRAD_W: return rows * columns;
    case LS_OP_CLIP: return chunks_of(o->out);
    case LS_OP_MAX_NORM: return chunks_of(o->in) * o->out;
    case LS_OP_UPDATE: return 0;
    case LS_OP_CONV:
    case LS_OP_CONV_X:
    case LS_OP_CONV_W: return ls_cl_conv_scratch(d, o, rows);
    case LS_OP_NORM:
    case LS_OP_NORM_GRAD:
    case LS_OP_GRAD_B: /* sums of chunks, and with points those of images */
        return (chunks_of(rows) + (ls_op_points(o) > 1 ? rows : 0)) * o->out;
    default: return chunks_of(rows) * o->out;
    }
}

static size_t scratch_need(const ls_cl_device *d, const ls_plan *p)
{
    size_t most = 1;
    const ls_ops *lists[] = {&p->step, &p->infer};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            size_t need = scratch_of(d, &lists[l]->op[i], l ? p->capacity : p->batch);
            if (need > most) most = need;
        }
    return most;
}

static size_t widest_of(const ls_plan *p)
{
    size_t most = 1;
    for (size_t i = 0; i < p->step.count; i++)
        if (p->step.op[i].kind == LS_OP_MAX_NORM && p->step.op[i].out > most)
            most = p->step.op[i].out;
    return most;
}

/* Enlarges scratch memory for another plan if necessary. */
static ls_status grow_scratch(cl_workspace *w, const ls_plan *plan, ls_error *err)
{
    /* the second part holds sums of chunk sums, or column sums */
    size_t first = scratch_need(w->device, plan),
           rest = chunks_of(plan->parameters) + widest_of(plan);
    cl_mem scratch;
    if (w->scratch && first <= w->scratch_second && rest <= w->scratch_rest) return LS_OK;
    if (first < w->scratch_second) first = w->scratch_second;
    if (rest < w->scratch_rest) rest = w->scratch_rest;
    if (first > SIZE_MAX / 2)
        return ls_fail(err, LS_ERR_MEMORY,
                       "an image with its padding is too large for the OpenCL path; use --device "
                       "cpu");
    LS_TRY(ls_cl_buffer(w->device, first + rest, "scratch memory", &scratch, err));
    free_buffer(w->device, w->scratch);
    w->scratch = scratch;
    w->scratch_second = first;
    w->scratch_rest = rest;
    return LS_OK;
}

static void release_prepared(cl_workspace *w, member *m)
{
    for (int way = 0; way < LS_CL_WAY_COUNT; way++)
        if (m->prepared[way].data) m->prepared[way].way->release(w->device, m->prepared[way].data);
}

void ls_cl_member_remove(ls_workspace *base, size_t index)
{
    cl_workspace *w = (cl_workspace *)base;
    member *m = member_at(w, index);
    if (ls_cl_owned(w->device, NULL) != LS_OK) return;
    ls_cl_place_give(w->device, &w->slabs, &m->place);
    release_prepared(w, m);
    *m = (member){0};
    if (index < w->lowest) w->lowest = index;
}

ls_status ls_cl_member_add(ls_workspace *base, const ls_plan *plan, size_t origin, size_t *out,
                           ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    ls_cl_device *d = w->device;
    size_t index = w->lowest;
    const float zero = 0.0f;
    LS_TRY(ls_cl_owned(d, err));
    while (index < w->count && w->members[index].plan) index++;
    if (plan->parameters > UINT32_MAX || plan->work > UINT32_MAX)
        return ls_fail(err, LS_ERR_MEMORY,
                       "the network is too large for the OpenCL path; use --device cpu");
    LS_TRY(ls_grow(&w->members, &w->capacity, index + 1, sizeof *w->members, "members", err));
    LS_TRY(grow_scratch(w, plan, err));
    member *m = &w->members[index];
    LS_TRY(ls_cl_place_take(d, &w->slabs, plan->arena, &m->place, err));
    *m = (member){.plan = plan,
                  .origin = origin,
                  .place = m->place,
                  .arena = w->slabs.slab[m->place.slab].buffer,
                  .base = m->place.at};
    if (index == w->count) w->count++;
    w->lowest = index + 1;
    ls_status status = ls_cl_check(d->cl.clEnqueueFillBuffer(d->queue, m->arena, &zero, sizeof zero,
                                                             m->base * sizeof zero,
                                                             plan->arena * sizeof zero, 0, NULL,
                                                             NULL),
                                   "clearing memory on the device", err);
    if (status != LS_OK) {
        ls_cl_member_remove(base, index);
        return status;
    }
    *out = index;
    return LS_OK;
}

void ls_cl_workspace_close(ls_workspace *base)
{
    cl_workspace *w = (cl_workspace *)base;
    ls_cl_device *d = w->device;
    if (ls_cl_owned(d, NULL) != LS_OK) return;
    d->cl.clFinish(d->queue);
    for (size_t i = 0; i < w->count; i++) release_prepared(w, &w->members[i]);
    ls_cl_slabs_close(d, &w->slabs);
    free_buffer(d, w->x);
    free_buffer(d, w->t);
    free_buffer(d, w->weight);
    free_buffer(d, w->scratch);
    free_buffer(d, w->losses);
    free(w->members);
    free(w);
}

ls_status ls_cl_workspace_reserve(ls_cl_device *d, const ls_rows *shape, bool weighted,
                                  cl_workspace **out, ls_error *err)
{
    cl_workspace *w;
    LS_TRY(ls_cl_owned(d, err));
    LS_TRY(ls_alloc(&w, 1, sizeof *w, "a workspace", err));
    w->base.backend = &d->base;
    w->device = d;
    w->shape = *shape;
    ls_status status = ls_cl_buffer(d, shape->rows * shape->features, "the data set", &w->x, err);
    if (status == LS_OK)
        status = ls_cl_buffer(d, shape->rows * shape->outputs, "the targets", &w->t, err);
    if (status == LS_OK && weighted)
        status = ls_cl_buffer(d, shape->rows, "the row weights", &w->weight, err);
    if (status != LS_OK) {
        ls_cl_workspace_close(&w->base);
        return status;
    }
    *out = w;
    return LS_OK;
}

ls_status ls_cl_workspace_fill(cl_workspace *w, ls_cl_column which, size_t at, size_t count,
                               const float *from, ls_error *err)
{
    cl_mem to = which == LS_CL_INPUTS ? w->x : which == LS_CL_TARGETS ? w->t : w->weight;
    LS_TRY(ls_cl_owned(w->device, err));
    return count && from ? write_floats(w->device, to, at, count, from, err) : LS_OK;
}

ls_status ls_cl_workspace_load(ls_workspace *base, const ls_rows *data, ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    assert(data->features == w->shape.features && data->outputs == w->shape.outputs);
    assert(!data->row_weight || w->weight);
    w->shape = *data;
    LS_TRY(ls_cl_workspace_fill(w, LS_CL_INPUTS, 0, data->rows * data->features, data->x, err));
    LS_TRY(ls_cl_workspace_fill(w, LS_CL_TARGETS, 0, data->rows * data->outputs, data->t, err));
    if (!data->row_weight) return LS_OK;
    return ls_cl_workspace_fill(w, LS_CL_WEIGHTS, 0, data->rows, data->row_weight, err);
}

ls_status ls_cl_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                               ls_error *err)
{
    cl_workspace *w;
    LS_TRY(ls_cl_workspace_reserve((ls_cl_device *)backend, data, data->row_weight != NULL, &w,
                                   err));
    ls_status status = ls_cl_workspace_load(&w->base, data, err);
    if (status != LS_OK) {
        ls_cl_workspace_close(&w->base);
        return status;
    }
    *out = &w->base;
    return LS_OK;
}
