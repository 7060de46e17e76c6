/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_remote.h"
#include "host/base/memory.h"
#include "host/opencl/cl_remote_ask.h"
#include "host/opencl/cl_remote_work.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a device gets to release its memory, and to finish builds that later runs will need. */
static const double close_seconds = 1, build_seconds = 5;

/* ---- Members --------------------------------------------------------------------------------- */

static ls_cl_remote_workspace *workspace_of(ls_workspace *w) { return (ls_cl_remote_workspace *)w; }

static void close_workspace(ls_workspace *base)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    const ls_use_request request = {.workspace = w->number};
    (void)ls_cl_remote_ask(w->remote, LS_MESSAGE_LEAVE, &request, NULL, NULL);
    free(w->changes);
    free(w->plans);
    free(w);
}

/* The plan as bytes: itself, and its two lists of operations. */
static ls_status put_plan(ls_cl_remote *r, const ls_plan *plan, size_t *bytes, ls_error *err)
{
    size_t step = plan->step.count * sizeof(ls_op), infer = plan->infer.count * sizeof(ls_op);
    unsigned char *to;
    *bytes = sizeof *plan + step + infer;
    LS_TRY(ls_cl_remote_window(r, *bytes, &to, err));
    memcpy(to, plan, sizeof *plan);
    if (step) memcpy(to + sizeof *plan, plan->step.op, step);
    if (infer) memcpy(to + sizeof *plan + step, plan->infer.op, infer);
    return LS_OK;
}

static ls_status add_member(ls_workspace *base, const ls_plan *plan, size_t origin, size_t *member,
                            ls_error *err)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    ls_use_request request = {.workspace = w->number, .at = origin};
    ls_use_answer a;
    ls_cl_remote_interrupt(w);
    /* one more than there are numbers: the next one is among these */
    LS_TRY(ls_grow(&w->plans, &w->room, w->members + 1, sizeof *w->plans, "members", err));
    LS_TRY(put_plan(w->remote, plan, &request.count, err));
    LS_TRY(ls_cl_remote_work(w, LS_MESSAGE_ADD, &request, &a, err));
    const size_t number = a.number;
    if (number >= w->room || w->plans[number]) { /* not a number that was free */
        ls_helper_failure f = {.crashed = false};
        ls_cl_helper_distrust(&w->remote->helper, &f);
        return ls_cl_remote_fail(w->remote, &f, err);
    }
    if (number == w->members) w->members++;
    w->plans[number] = plan;
    double size = (double)plan->weights * (double)plan->batch;
    if (size > 2 * w->largest) { /* what is known says little about so large a network */
        w->largest = size;
        w->run = w->infer = (ls_cl_pace){0};
    }
    *member = number;
    return LS_OK;
}

static void remove_member(ls_workspace *base, size_t member)
{
    ls_cl_remote_workspace *w = workspace_of(base);
    assert(member < w->room && w->plans[member]);
    w->plans[member] = NULL;
    (void)ls_cl_remote_remove(w, member, NULL);
}

static float *no_memory(ls_workspace *base, size_t member)
{
    (void)base, (void)member;
    return NULL;
}

/* ---- The device ------------------------------------------------------------------------------ */

static const char *note(ls_backend *base)
{
    ls_cl_remote *r = (ls_cl_remote *)base;
    const ls_use_request request = {0};
    ls_use_answer a;
    if (ls_cl_remote_request(r, LS_MESSAGE_NOTE, &request, sizeof request, &a, NULL) == LS_OK)
        snprintf(r->note, sizeof r->note, "%.1023s", a.message);
    return r->note;
}

/* Nothing is being built any more in a process that has ended, or that is not this one's. */
static bool is_there(const ls_cl_remote *r)
{
    return r->helper.child && r->helper.owner == getpid() && !ls_message_wait(r->helper.socket, 0);
}

static ls_builds builds(const ls_backend *base)
{
    const ls_cl_remote *r = (const ls_cl_remote *)base;
    if (!r->helper.child) return (ls_builds){r->ended, 0};
    const ls_cl_counts *counts = &r->helper.shared->counts;
    unsigned pending = atomic_load(&counts->builds_pending);
    return (ls_builds){atomic_load(&counts->builds_ended), pending && is_there(r) ? pending : 0};
}

static void close_backend(ls_backend *base)
{
    ls_cl_remote *r = (ls_cl_remote *)base;
    ls_cl_helper_close(&r->helper, builds(base).pending ? build_seconds : close_seconds);
    free(r);
}

const ls_backend_slots ls_cl_remote_slots = {
    .workspace_open = ls_cl_remote_workspace_open,
    .workspace_load = ls_cl_remote_workspace_load,
    .workspace_close = close_workspace,
    .member_add = add_member,
    .member_remove = remove_member,
    .run = ls_cl_remote_run,
    .run_part = ls_cl_remote_run_part,
    .memory = no_memory,
    .infer = ls_cl_remote_infer,
    .read = ls_cl_remote_read,
    .read_twice = ls_cl_remote_read_twice,
    .write = ls_cl_remote_write,
    .copy = ls_cl_remote_copy,
    .note = note,
    .builds = builds,
    .close = close_backend,
};

void ls_cl_remote_heed(ls_backend *base, const atomic_bool *stop)
{
    ((ls_cl_remote *)base)->helper.stop = stop;
}

ls_status ls_cl_remote_open(ls_cl_helper *helper, size_t number, ls_device_info *info,
                            const ls_cl_verdict *verdict, ls_backend **out, ls_error *err)
{
    ls_cl_remote *r;
    ls_use_answer a;
    ls_use_open request;
    memset(&request, 0, sizeof request);
    request.number = number, request.info = *info, request.verdict = *verdict;
    ls_status status = ls_alloc(&r, 1, sizeof *r, "a device", err);
    if (status != LS_OK) {
        ls_cl_helper_stop(helper);
        return status;
    }
    *r = (ls_cl_remote){.base.slots = &ls_cl_remote_slots, .helper = *helper, .info = *info};
    *helper = (ls_cl_helper){.socket = -1, .memory = -1};
    status = ls_cl_remote_request(r, LS_MESSAGE_USE, &request, sizeof request, &a, err);
    if (status != LS_OK) {
        close_backend(&r->base);
        return status;
    }
    if (*a.reason) {
        info->exact = 0;
        memcpy(info->reason, a.reason, sizeof info->reason);
    }
    *out = &r->base;
    return LS_OK;
}

/* ---- Tuning ---------------------------------------------------------------------------------- */

/* Passes on what the tuner tells after each candidate; false if the helper has failed. */
static bool pass_on(ls_cl_remote *r, const char *bytes, size_t size, ls_tune_callback callback,
                    void *user, ls_helper_failure *f)
{
    ls_tried tried;
    int stop = 0;
    if (size != sizeof tried) {
        ls_cl_helper_distrust(&r->helper, f);
        return false;
    }
    memcpy(&tried, bytes, size);
    tried.product[sizeof tried.product - 1] = tried.tile[sizeof tried.tile - 1] = 0;
    const ls_tune_progress p = {.struct_size = sizeof p,
                                .product = tried.product,
                                .tile = tried.tile,
                                .flops = tried.flops,
                                .best = tried.best,
                                .done = tried.done,
                                .total = tried.total};
    if (callback) stop = callback(&p, user);
    return ls_cl_helper_tell(&r->helper, LS_MESSAGE_TRIED, &stop, sizeof stop, f);
}

ls_status ls_cl_remote_tune(ls_backend *base, ls_tune_callback callback, void *user, char *path,
                            ls_error *err)
{
    ls_cl_remote *r = (ls_cl_remote *)base;
    const ls_use_request request = {0};
    ls_use_answer a = {0};
    ls_helper_failure f = {.crashed = false};
    ls_message_kind kind = LS_MESSAGE_TRIED;
    r->foretold.workspace = NULL;
    LS_TRY(ls_cl_remote_check(r, err));
    bool good = ls_cl_helper_tell(&r->helper, LS_MESSAGE_TUNE, &request, sizeof request, &f);
    while (good && kind == LS_MESSAGE_TRIED) {
        char *bytes;
        size_t size;
        good = ls_cl_helper_hear(&r->helper, ls_cl_helper_limit(), &kind, &bytes, &size, &f);
        if (!good) break;
        if (kind == LS_MESSAGE_TRIED) good = pass_on(r, bytes, size, callback, user, &f);
        else if (kind == LS_MESSAGE_TUNE && size == sizeof a) memcpy(&a, bytes, size);
        else {
            ls_cl_helper_distrust(&r->helper, &f);
            good = false;
        }
        free(bytes);
    }
    if (!good) return ls_cl_remote_fail(r, &f, err);
    a.message[sizeof a.message - 1] = 0;
    if (a.status != LS_OK) return ls_fail(err, a.status, "%s", a.message);
    if (path) snprintf(path, LS_CL_PATH, "%.699s", a.message);
    return LS_OK;
}
