/* SPDX-License-Identifier: MIT */
/* The seam: what the host asks of a device. A backend owns memory and runs plans; it may interpret
 * them operation by operation, or run all asked steps in one launch: the caller cannot tell, the
 * bits are the same. */
#ifndef LS_BACKEND_H
#define LS_BACKEND_H

#include "host/base/error.h"
#include "host/network/plan.h"

/* Rows that members train on: the data set, or blocks of rows that different members see. Not
 * owned; must outlive the workspace. */
typedef struct {
    size_t rows, features, outputs;
    const float *x;          /* rows × features */
    const float *t;          /* rows × outputs targets */
    const float *row_weight; /* rows, or NULL where all are 1 */
} ls_rows;

/* One member's share of a call: `count` steps from step `first` on. */
typedef struct {
    size_t member;
    uint64_t first, count;
    const ls_rates *rates; /* count */
    float *
        losses; /* count, out: each step's loss summed over the rows, weighted, before its update */
    bool keep; /* leave the last step's activations in the arena, where the plan has them; otherwise
                  they may stay in registers and the arena's `work` is undefined afterwards */
} ls_run;

typedef struct ls_backend ls_backend;
/* Members resident on a backend, and the rows they train on. */
typedef struct ls_workspace ls_workspace;

/* A device that trains members. All slots are mandatory. */
typedef struct {
    /* Puts rows on the device; there are no members yet. Closing removes those that are left. */
    ls_status (*workspace_open)(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                ls_error *err);
    void (*workspace_close)(ls_workspace *workspace);
    /* A member with that plan, its arena all zeros. origin: the row of the data at which its rows
     * start: it trains on rows [origin, origin + plan->rows), and rows held out follow. *member is
     * its number, the lowest that is free. The plan must outlive it. Where this fails, all is as
     * before. */
    ls_status (*member_add)(ls_workspace *workspace, const ls_plan *plan, size_t origin,
                            size_t *member, ls_error *err);
    void (*member_remove)(ls_workspace *workspace, size_t member);
    /* Runs steps; returns when the losses are there. A member is in a call once at most; each has
     * its own step counter. */
    ls_status (*run)(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err);
    /* Outputs (rows × outputs) and losses (rows, unweighted) of rows [first, first + rows), counted
     * from the member's origin; either may be NULL. */
    ls_status (*infer)(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                       float *outputs, float *losses, ls_error *err);
    /* Floats of a member's arena, to and from the host, or from one place in it to another. */
    ls_status (*read)(ls_workspace *workspace, size_t member, size_t at, size_t count, float *to,
                      ls_error *err);
    ls_status (*write)(ls_workspace *workspace, size_t member, size_t at, size_t count,
                       const float *from, ls_error *err);
    ls_status (*copy)(ls_workspace *workspace, size_t member, size_t from, size_t to, size_t count,
                      ls_error *err);
    void (*close)(ls_backend *backend);
} ls_backend_slots;

/* Backends and workspaces begin with these, so that the host can call through them. */
struct ls_backend {
    const ls_backend_slots *slots;
};
struct ls_workspace {
    ls_backend *backend;
};

/* A workspace with one member, number 0. */
static inline ls_status ls_workspace_of_one(ls_backend *backend, const ls_rows *data,
                                            const ls_plan *plan, ls_workspace **out, ls_error *err)
{
    size_t member;
    LS_TRY(backend->slots->workspace_open(backend, data, out, err));
    ls_status status = backend->slots->member_add(*out, plan, 0, &member, err);
    if (status == LS_OK) return LS_OK;
    backend->slots->workspace_close(*out);
    *out = NULL;
    return status;
}

/* What ls_device_open gives: a backend and what is known of it. Where there is a choice (choice.h),
 * the backend is one of its candidates, the fastest known, and belongs to it. */
struct ls_device {
    ls_device_info info;
    ls_backend *backend;
    struct ls_choice *choice; /* or NULL */
};

#endif
