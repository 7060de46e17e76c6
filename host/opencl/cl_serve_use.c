/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_serve_use.h"
#include "host/base/memory.h"
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_layered.h"
#include "host/opencl/cl_matmul.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/cl_use.h"
#include "host/opencl/cl_workspace.h"
#include "host/opencl/tune.h"
#include <stdlib.h>
#include <string.h>

typedef const ls_use_request request;

/* ---- Workspaces ------------------------------------------------------------------------------ */

static ls_used_workspace *used(ls_cl_use *u, request *r)
{
    return r->workspace < u->count && u->list[r->workspace].workspace ? &u->list[r->workspace]
                                                                      : NULL;
}

static void free_plans(ls_used_workspace *w)
{
    for (size_t i = 0; i < w->room; i++) free(w->plan[i]);
    free(w->plan);
}

static void leave(ls_used_workspace *w)
{
    ls_cl_workspace_close(w->workspace);
    free_plans(w);
    *w = (ls_used_workspace){0};
}

static ls_status reserve(ls_cl_use *u, const ls_rows *shape, bool weighted, size_t *number,
                         ls_error *err)
{
    cl_workspace *w;
    size_t i = 0;
    while (i < u->count && u->list[i].workspace) i++;
    LS_TRY(ls_grow(&u->list, &u->room, i + 1, sizeof *u->list, "workspaces", err));
    LS_TRY(ls_cl_workspace_reserve(u->device, shape, weighted, &w, err));
    u->list[i] = (ls_used_workspace){.workspace = &w->base};
    if (i == u->count) u->count++;
    *number = i;
    return LS_OK;
}

/* A new workspace, or other rows in one: these follow. */
static ls_status rows(ls_cl_use *u, request *r, size_t *number, ls_error *err)
{
    const ls_rows shape = {.rows = r->rows, .features = r->features, .outputs = r->outputs};
    if (r->workspace == LS_USE_NEW) return reserve(u, &shape, r->flag, number, err);
    ((cl_workspace *)u->list[r->workspace].workspace)->shape = shape;
    *number = r->workspace;
    return LS_OK;
}

/* ---- Members --------------------------------------------------------------------------------- */

/* A copy of the plan in the window, in one block of memory. */
static ls_status take_plan(ls_cl_use *u, size_t bytes, ls_plan **out, ls_error *err)
{
    ls_plan *p;
    LS_TRY(ls_alloc(&p, 1, bytes, "a plan", err));
    memcpy(p, u->shared->window, bytes);
    p->step.op = (ls_op *)(p + 1);
    p->infer.op = p->step.op + p->step.count;
    p->step.capacity = p->step.count;
    p->infer.capacity = p->infer.count;
    *out = p;
    return LS_OK;
}

static ls_status add(ls_cl_use *u, ls_used_workspace *w, request *r, size_t *number, ls_error *err)
{
    ls_plan *plan;
    LS_TRY(take_plan(u, r->count, &plan, err));
    ls_status status = ls_cl_member_add(w->workspace, plan, r->at, number, err);
    if (status != LS_OK) {
        free(plan);
        return status;
    }
    status = ls_grow(&w->plan, &w->room, *number + 1, sizeof *w->plan, "members", err);
    if (status != LS_OK) {
        ls_cl_member_remove(w->workspace, *number);
        free(plan);
        return status;
    }
    w->plan[*number] = plan;
    return LS_OK;
}

static void remove_member(ls_used_workspace *w, size_t index)
{
    ls_cl_member_remove(w->workspace, index);
    free(w->plan[index]);
    w->plan[index] = NULL;
}

/* ---- Work ------------------------------------------------------------------------------------ */

static ls_status infer(ls_used_workspace *w, request *r, size_t rows, float *outputs, ls_error *err)
{
    float *losses = outputs;
    if (r->which & LS_USE_OUTPUTS) losses += rows * w->plan[r->member]->outputs;
    return ls_cl_infer(w->workspace, r->member, r->at, rows,
                       r->which & LS_USE_OUTPUTS ? outputs : NULL,
                       r->which & LS_USE_LOSSES ? losses : NULL, err);
}

static ls_status run(ls_cl_use *u, ls_used_workspace *w, request *r, double *seconds, ls_error *err)
{
    const ls_use_run *from = (const ls_use_run *)u->shared->window;
    const ls_rates *rates = (const ls_rates *)(from + r->count);
    uint64_t steps = 0;
    LS_TRY(ls_grow(&u->runs, &u->runs_room, r->count, sizeof *u->runs, "a call", err));
    for (size_t i = 0; i < r->count; i++) steps += from[i].count;
    float *losses = (float *)(rates + steps);
    for (size_t i = 0; i < r->count; i++) {
        u->runs[i] = (ls_run){from[i].member, from[i].first, from[i].count,
                              rates,          losses,        from[i].keep != 0};
        rates += from[i].count, losses += from[i].count;
    }
    LS_TRY(ls_cl_run(w->workspace, u->runs, r->count, err));
    if (!r->which) return LS_OK;
    double started = ls_message_clock();
    LS_TRY(infer(w, r, r->rows, losses, err));
    *seconds = ls_message_clock() - started;
    return LS_OK;
}

static ls_status run_part(ls_cl_use *u, ls_used_workspace *w, request *r, ls_error *err)
{
    const ls_use_part p = *(const ls_use_part *)u->shared->window;
    const ls_part part = {.member = r->member,
                          .step = p.step,
                          .first = p.first,
                          .rows = p.rows,
                          .from = p.from,
                          .to = p.to,
                          .rates = &p.rates};
    return ls_cl_run_part(w->workspace, &part, err);
}

static ls_status read_floats(ls_used_workspace *w, request *r, float *to, ls_error *err)
{
    return r->flag ? ls_cl_arena_read_twice(w->workspace, r->member, r->at, r->count, to, err)
                   : ls_cl_read(w->workspace, r->member, r->at, r->count, to, err);
}

/* ---- Changes --------------------------------------------------------------------------------- */

static ls_status make_change(ls_used_workspace *w, const ls_use_change *c, const float *floats,
                             ls_error *err)
{
    switch (c->kind) {
    case LS_CHANGE_COPY: return ls_cl_copy(w->workspace, c->member, c->from, c->to, c->count, err);
    case LS_CHANGE_WRITE: return ls_cl_write(w->workspace, c->member, c->to, c->count, floats, err);
    default: remove_member(w, c->member); return LS_OK;
    }
}

/* All changes, or those before the one that fails; false if they make no sense. */
static bool make_changes(ls_used_workspace *w, const char *changes, size_t bytes, ls_status *status,
                         ls_error *err)
{
    *status = LS_OK;
    for (size_t at = 0, size; at < bytes && *status == LS_OK; at += size) {
        const ls_use_change *c = (const ls_use_change *)(changes + at);
        if (bytes - at < sizeof *c || c->kind > LS_CHANGE_REMOVE ||
            (c->kind == LS_CHANGE_WRITE && c->count > LS_MESSAGE_MOST / sizeof(float)))
            return false;
        size = ls_use_change_bytes(c);
        if (size > bytes - at || c->member >= w->room || !w->plan[c->member]) return false;
        *status = make_change(w, c, (const float *)(c + 1), err);
    }
    return true;
}

/* ---- Tuning ---------------------------------------------------------------------------------- */

static int tell_tried(const ls_tune_progress *p, void *user)
{
    const ls_cl_use *u = user;
    ls_tried t;
    ls_message_kind kind;
    char *bytes;
    size_t size;
    int stop = 1;
    memset(&t, 0, sizeof t);
    snprintf(t.product, sizeof t.product, "%.127s", p->product);
    snprintf(t.tile, sizeof t.tile, "%.127s", p->tile);
    t.flops = p->flops, t.best = p->best, t.done = p->done, t.total = p->total;
    if (!ls_message_send(u->socket, LS_MESSAGE_TRIED, &t, sizeof t, NULL, 0) ||
        ls_message_receive(u->socket, -1, &kind, &bytes, &size) != LS_RECEIVED)
        return stop;
    if (kind == LS_MESSAGE_TRIED && size == sizeof stop) memcpy(&stop, bytes, sizeof stop);
    free(bytes);
    return stop;
}

static ls_status tune(ls_cl_use *u, char path[LS_CL_PATH], ls_error *err)
{
    LS_TRY(ls_cl_tune(u->device, tell_tried, u, err));
    return ls_cl_remember_tiles(u->device, &u->device->info, path, err);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static ls_status serve(ls_cl_use *u, ls_message_kind kind, request *r, ls_used_workspace *w,
                       ls_use_answer *a, ls_error *err)
{
    float *floats = (float *)u->shared->window;
    switch (kind) {
    case LS_MESSAGE_ROWS: return rows(u, r, &a->number, err);
    case LS_MESSAGE_FILL:
        return ls_cl_workspace_fill((cl_workspace *)w->workspace, (ls_cl_column)r->which, r->at,
                                    r->count, floats, err);
    case LS_MESSAGE_LEAVE: leave(w); return LS_OK;
    case LS_MESSAGE_ADD: return add(u, w, r, &a->number, err);
    case LS_MESSAGE_RUN: return run(u, w, r, &a->seconds, err);
    case LS_MESSAGE_PART: return run_part(u, w, r, err);
    case LS_MESSAGE_INFER: return infer(w, r, r->count, floats, err);
    case LS_MESSAGE_READ: return read_floats(w, r, floats, err);
    case LS_MESSAGE_WRITE:
        return ls_cl_write(w->workspace, r->member, r->at, r->count, floats, err);
    case LS_MESSAGE_CHANGES: return LS_OK;
    case LS_MESSAGE_TUNE: return tune(u, a->message, err);
    default: return ls_fail(err, LS_ERR_DEVICE, "no such request");
    }
}

bool ls_cl_use_serve(ls_cl_use *u, ls_message_kind kind, request *r, const char *changes,
                     ls_use_answer *a)
{
    ls_error err = {0};
    ls_used_workspace *w = used(u, r);
    bool needs = kind != LS_MESSAGE_NOTE && kind != LS_MESSAGE_TUNE &&
                 !(kind == LS_MESSAGE_ROWS && r->workspace == LS_USE_NEW);
    if (!u->device || ((needs || r->changes) && !w)) return false;
    u->device->careful = r->careful;
    if (!make_changes(w, changes, r->changes, &a->status, &err)) return false;
    a->changes_failed = a->status != LS_OK;
    if (kind == LS_MESSAGE_NOTE)
        snprintf(a->message, sizeof a->message, "%.1023s", ls_cl_note(&u->device->base));
    else if (!a->changes_failed) a->status = serve(u, kind, r, w, a, &err);
    if (a->status != LS_OK) snprintf(a->message, sizeof a->message, "%.1023s", err.message);
    return true;
}

void ls_cl_use_open(ls_cl_use *u, const ls_cl_api *cl, const ls_cl_found *found,
                    const ls_cl_verdict *verdict, ls_use_answer *a)
{
    ls_error err = {0};
    a->status = ls_cl_open_for_use(cl, found, verdict, &u->shared->counts, &u->device, a->reason,
                                   &err);
    if (a->status != LS_OK) snprintf(a->message, sizeof a->message, "%.1023s", err.message);
}

void ls_cl_use_close(ls_cl_use *u)
{
    if (!u->device) return;
    for (size_t i = 0; i < u->count; i++)
        if (u->list[i].workspace) leave(&u->list[i]);
    ls_cl_backend_close(&u->device->base);
    free(u->list);
    free(u->runs);
}
