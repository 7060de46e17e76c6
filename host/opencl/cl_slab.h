/* SPDX-License-Identifier: MIT */
/* Arenas of members are allocated from slabs, a few large buffers: thousands of members fit, and
 * one launch reaches all members of a slab. Allocation is first-fit. */
#ifndef LS_CL_SLAB_H
#define LS_CL_SLAB_H

#include "host/opencl/cl_device.h"

/* Free floats [at, at + size) of a slab. */
typedef struct {
    size_t at, size;
} ls_cl_span;

typedef struct {
    cl_mem buffer;
    size_t size;            /* floats */
    ls_cl_span *span;       /* free spans in order of `at`; no two are adjacent */
    size_t spans, capacity; /* capacity is more than the number of places in use, so that
                               ls_cl_place_give cannot fail */
    size_t places;          /* in use */
} ls_cl_slab;

typedef struct {
    ls_cl_slab *slab;
    size_t count, capacity; /* numbers of slabs without a buffer are free */
} ls_cl_slabs;

/* A place: the number of its slab, its offset and its size in floats. */
typedef struct {
    size_t slab, at, size;
} ls_cl_place;

/* Allocates that many floats, in a new slab if no slab has room. The contents are undefined. */
ls_status ls_cl_place_take(ls_cl_device *device, ls_cl_slabs *slabs, size_t floats,
                           ls_cl_place *out, ls_error *err);
/* Frees a place; a slab without places is released. */
void ls_cl_place_give(ls_cl_device *device, ls_cl_slabs *slabs, const ls_cl_place *place);
/* Releases all slabs and their places. */
void ls_cl_slabs_close(ls_cl_device *device, ls_cl_slabs *slabs);

#endif
