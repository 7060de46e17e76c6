/* SPDX-License-Identifier: MIT */
/* The seam between the host and its devices. A backend owns memory and runs plans. It may run a
 * step operation by operation or many steps in one launch: the caller cannot see the difference, as
 * the bits are the same.
 *
 * Callers must meet the stated preconditions; a backend need not check them. The CPU path asserts
 * them. */
#ifndef LS_BACKEND_H
#define LS_BACKEND_H

#include "host/base/error.h"
#include "host/network/plan.h"

/* The data of a workspace: one data set, or several blocks of rows for different members. Not
 * owned: the arrays must stay unchanged until other rows replace them or the workspace is closed.
 */
typedef struct {
    size_t rows, features, outputs;
    const float *x;          /* rows × features, row-major */
    const float *t;          /* targets, rows × outputs, row-major */
    const float *row_weight; /* rows weights, or NULL if all are 1 */
} ls_rows;

/* Takes rows [first, first + rows): arrays as in ls_rows, valid during the call. */
typedef ls_status ls_rows_take(void *user, size_t first, size_t rows, const float *x,
                               const float *t, const float *row_weight, ls_error *err);

/* Rows that are not in arrays (rows.x is NULL) but are made one block after the other: more of them
 * than there is memory for. Only backends that deal rows out take them. */
typedef struct ls_row_source ls_row_source;
struct ls_row_source {
    ls_rows rows; /* the first member: a workspace is opened with its address */
    /* Calls `take` with all rows, in their order. */
    ls_status (*make)(const ls_row_source *source, ls_rows_take *take, void *user, ls_error *err);
};

/* One member's part of a call of `run`: `count` steps, starting with step number `first`. */
typedef struct {
    size_t member;
    uint64_t first, count;
    const ls_rates *rates; /* count elements, one per step; not NULL if count > 0 */
    float *losses;         /* out: count elements, each step's weighted sum over its rows, computed
                              before the step's update; not NULL if count > 0 */
    bool keep; /* leave the last step's activations and gradients at their offsets in the arena.
                  Otherwise the `work` part of the arena is undefined afterwards. */
} ls_run;

/* Rows [from, to) of the weights of a GRAD_W (to = 0: all), whose sums are stored in y, or added
 * onto what is there, chunk by chunk. */
typedef struct {
    size_t from, to;
    bool onto;
} ls_weight_slice;

/* Where the rows of a chunk are: from row `row` on of the matrices of an arena. */
typedef struct ls_chunk_place {
    const float *arena;
    size_t row;
} ls_chunk_place;

/* Some operations of a step, over some of its rows: several ranks (host/ranks) share a step. */
typedef struct {
    size_t member;
    uint64_t step;
    size_t first, rows;    /* in the batch; first is a multiple of LS_CHUNK. 0 rows: only operations
                              that read none may be run */
    size_t from, to;       /* operations [from, to) of plan->step */
    ls_weight_slice slice; /* only where arenas are in place, and for a GRAD_W by itself */
    /* With a slice: of each chunk of the rows, the arena that x and dz are read from, which is host
     * memory, too, and of the same plan; NULL: all are the member's own. */
    const ls_chunk_place *places;
    const ls_rates *rates;
} ls_part;

/* Rows that an operation of a part covers, from its first_row on. With most_rows and 0 it is left
 * out. */
static inline size_t ls_part_rows(const ls_part *part, const ls_op *op)
{
    if (!op->most_rows) return part->rows;
    if (op->first_row >= part->rows) return 0;
    const size_t left = part->rows - op->first_row;
    return op->most_rows < left ? op->most_rows : left;
}

/* An inference, as the arguments of `infer`. */
typedef struct {
    size_t member, first, rows;
    float *outputs, *losses;
} ls_member_inference;

/* How far a backend is with building programs for its device. */
typedef struct {
    uint64_t ended;   /* builds that have ended since the backend was opened */
    unsigned pending; /* builds under way beside the steps, which will be faster after them */
} ls_builds;

typedef struct ls_backend ls_backend;
/* Members resident on a backend, and the rows they train on. */
typedef struct ls_workspace ls_workspace;

/* The functions of a backend; none is NULL but those that say so. A workspace belongs to the
 * backend that opened it, and only one thread may use a backend and its workspaces at a time.
 * Offsets and counts of an arena are in floats. All functions with an ls_error may fail with
 * LS_ERR_MEMORY and, on a device, LS_ERR_DEVICE. After a failure of run, infer, read, write or
 * copy, the contents of the members concerned are undefined. */
typedef struct {
    /* Opens a workspace on `data`, without members. On a device with memory of its own, this copies
     * the rows; the CPU path reads them in place. With `deals`, `data` may be the rows of an
     * ls_row_source, which must outlive the workspace. */
    bool deals;
    ls_status (*workspace_open)(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                ls_error *err);
    /* Replaces the data by other rows: at most as many as at the opening, of the same width, and
     * with weights only if those had weights. Members keep their arenas. On failure the rows are
     * undefined. */
    ls_status (*workspace_load)(ls_workspace *workspace, const ls_rows *data, ls_error *err);
    /* Removes all members and frees the workspace. */
    void (*workspace_close)(ls_workspace *workspace);
    /* Adds a member, whose arena is all zeros. The plan must outlive the member.
     * plan: its features and outputs are those of the data; if it has weights of rows, the data has
     * them, too.
     * origin: row of the data at which the member's rows start. The member trains on rows
     * [origin, origin + plan->rows), which must be in the data unless the plan has no step; its
     * validation rows follow them.
     * *member: the number of the member, the lowest that is free. On failure nothing changes. */
    ls_status (*member_add)(ls_workspace *workspace, const ls_plan *plan, size_t origin,
                            size_t *member, ls_error *err);
    /* Removes an existing member; its number becomes free. */
    void (*member_remove)(ls_workspace *workspace, size_t member);
    /* Runs the steps of `count` members and returns when all losses are written. The members must
     * exist and have plans for training, and each may occur only once in a call. Step numbers are
     * independent between members and between calls. */
    ls_status (*run)(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err);
    /* Runs a part of a step of a member whose plan is `shared`. What it leaves in the arena stays
     * until the next part. Returns when host memory or `read` has its results. */
    ls_status (*run_part)(ls_workspace *workspace, const ls_part *part, ls_error *err);
    /* Whether arenas are host memory: `memory` gives them, to be read and written in place between
     * calls, and parts may have slices. Otherwise `memory` gives NULL. */
    bool in_place;
    float *(*memory)(ls_workspace *workspace, size_t member);
    /* Computes outputs (rows × outputs) and losses (rows elements, unweighted) of rows
     * [first, first + rows), counted from the member's origin; these must be in the data. Either
     * array may be NULL. Overwrites the `work` part of the member's arena. */
    ls_status (*infer)(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                       float *outputs, float *losses, ls_error *err);
    /* Inferences of several members, each of which occurs once. NULL where they are no faster than
     * one after the other. */
    ls_status (*infer_many)(ls_workspace *workspace, const ls_member_inference *list, size_t count,
                            ls_error *err);
    /* Copies `count` floats from offset `at` of a member's arena to the host, */
    ls_status (*read)(ls_workspace *workspace, size_t member, size_t at, size_t count, float *to,
                      ls_error *err);
    /* the same, but the device's memory is read twice: LS_ERR_DEVICE if that gives different values
     * (NULL: the caller reads twice) */
    ls_status (*read_twice)(ls_workspace *workspace, size_t member, size_t at, size_t count,
                            float *to, ls_error *err);
    /* from the host to offset `at`, */
    ls_status (*write)(ls_workspace *workspace, size_t member, size_t at, size_t count,
                       const float *from, ls_error *err);
    /* or within the arena, from offset `from` to offset `to`. All ranges must be inside the arena;
     * those of a copy must not overlap. */
    ls_status (*copy)(ls_workspace *workspace, size_t member, size_t from, size_t to, size_t count,
                      ls_error *err);
    /* What users should know about how the backend works: one or more sentences, or "" (an example:
     * a way of running steps failed and is not used any more). Valid until the next call. */
    const char *(*note)(ls_backend *backend);
    /* The builds of programs so far. A call during which `ended` has changed says nothing about the
     * speed of the device. The CPU path builds nothing. */
    ls_builds (*builds)(const ls_backend *backend);
    /* Frees the backend. Its workspaces must have been closed before. */
    void (*close)(ls_backend *backend);
} ls_backend_slots;

/* The first members of every backend and workspace: the host calls through them. */
struct ls_backend {
    const ls_backend_slots *slots;
};
struct ls_workspace {
    ls_backend *backend;
};

/* Opens a workspace with one member, number 0, whose rows start at row 0. */
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

/* What ls_device_open returns: a backend and its description. If there is a choice (choice.h), the
 * backend is one of its candidates, the fastest known one, and the choice owns it. */
struct ls_device {
    ls_device_info info;
    ls_backend *backend;
    struct ls_choice *choice; /* or NULL */
};

#endif
