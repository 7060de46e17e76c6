/* SPDX-License-Identifier: MIT */
/* Members on an OpenCL device and the rows they train on: the slots of ls_backend_slots that
 * allocate and copy memory. */
#ifndef LS_CL_WORKSPACE_H
#define LS_CL_WORKSPACE_H

#include "host/opencl/cl_slab.h"
#include "host/opencl/cl_way.h"
#include <assert.h>

/* The number of chunks that n rows or values have. */
static inline size_t chunks_of(size_t n) { return (n + LS_CHUNK - 1) / LS_CHUNK; }

/* What a member needs to run in one of the ways; data is NULL if it cannot. */
typedef struct {
    const ls_cl_way *way;
    void *data;
} ls_cl_prepared;

typedef struct {
    const ls_plan *plan; /* NULL if the number is free */
    size_t origin;       /* the row of the data at which its rows start */
    ls_cl_place place;
    cl_mem arena; /* the buffer of its slab, and its offset in floats */
    size_t base;
    ls_cl_prepared prepared[LS_CL_WAY_COUNT];
    bool is_prepared; /* done at the member's first steps (cl_run.c) */
    uint64_t shape;   /* equal for plans whose steps take the same time; set with is_prepared */
    bool in_call;     /* marks members while assertions look for duplicates */
} member;

typedef struct ls_cl_workspace {
    ls_workspace base;
    ls_cl_device *device;
    member *members;
    size_t count, capacity;
    size_t lowest;         /* no lower number is free */
    ls_cl_slabs slabs;     /* the arenas of the members */
    cl_mem x, t, weight;   /* the data; weight may be NULL */
    ls_rows shape;         /* of the data; its pointers are not used after the upload */
    cl_mem scratch;        /* packed operands, chunk sums and column sums, in two parts */
    size_t scratch_second; /* offset of the second part in floats */
    size_t scratch_rest;   /* floats of the second part */
    cl_mem losses;         /* of the layered steps of a call */
    size_t losses_room;    /* floats */
} cl_workspace;

/* The member of that number, which must exist. */
static inline member *member_at(const cl_workspace *w, size_t index)
{
    assert(index < w->count && w->members[index].plan);
    return &w->members[index];
}

/* Whether the floats [at, at + count) are part of the member's arena. */
static inline bool in_arena(const member *m, size_t at, size_t count)
{
    return at <= m->plan->arena && count <= m->plan->arena - at;
}

/* Reads floats of a buffer and waits for them. */
ls_status ls_cl_read_floats(ls_cl_device *device, cl_mem from, size_t at, size_t count, float *to,
                            ls_error *err);
/* Floats of a buffer, and where they go. */
typedef struct {
    cl_mem from;
    size_t at, count;
    float *to;
} ls_cl_reading;
/* The same, read twice: a bit that was wrong on the way is noticed. Fails with LS_ERR_DEVICE. */
ls_status ls_cl_read_twice(ls_cl_device *device, const ls_cl_reading *list, size_t count,
                           ls_error *err);
/* Fills the place of results with NaN, which a launch that does not run leaves there. */
ls_status ls_cl_expect(const ls_cl_device *device, cl_mem buffer, size_t count, ls_error *err);

/* The arrays of a workspace's data. */
typedef enum { LS_CL_INPUTS, LS_CL_TARGETS, LS_CL_WEIGHTS, LS_CL_COLUMNS } ls_cl_column;

/* What opening a workspace does, in parts: memory for rows of that shape (its pointers are not
 * used), and floats of one of their arrays. */
ls_status ls_cl_workspace_reserve(ls_cl_device *device, const ls_rows *shape, bool weighted,
                                  cl_workspace **out, ls_error *err);
ls_status ls_cl_workspace_fill(cl_workspace *workspace, ls_cl_column which, size_t at, size_t count,
                               const float *from, ls_error *err);

/* Slots; see host/network/backend.h. */
ls_status ls_cl_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                               ls_error *err);
ls_status ls_cl_workspace_load(ls_workspace *workspace, const ls_rows *data, ls_error *err);
void ls_cl_workspace_close(ls_workspace *workspace);
ls_status ls_cl_member_add(ls_workspace *workspace, const ls_plan *plan, size_t origin,
                           size_t *member, ls_error *err);
void ls_cl_member_remove(ls_workspace *workspace, size_t member);
ls_status ls_cl_read(ls_workspace *workspace, size_t member, size_t at, size_t count, float *to,
                     ls_error *err);
ls_status ls_cl_arena_read_twice(ls_workspace *workspace, size_t member, size_t at, size_t count,
                                 float *to, ls_error *err);
ls_status ls_cl_write(ls_workspace *workspace, size_t member, size_t at, size_t count,
                      const float *from, ls_error *err);
ls_status ls_cl_copy(ls_workspace *workspace, size_t member, size_t from, size_t to, size_t count,
                     ls_error *err);

#endif
