/* SPDX-License-Identifier: MIT */
/* Arenas of members come from slabs: a few large buffers, so that members can be many and one
 * launch can reach all members of a slab. Places are found first-fit. */
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
    ls_cl_span *span;       /* free ones, by place; no two touch */
    size_t spans, capacity; /* capacity: always one more than there are places in use, so that
                               giving back cannot fail */
    size_t places;          /* in use */
} ls_cl_slab;

typedef struct {
    ls_cl_slab *slab;
    size_t count, capacity; /* slabs without a buffer are free numbers */
} ls_cl_slabs;

/* A place in a slab, in floats: its number, where it starts, and how long it is. */
typedef struct {
    size_t slab, at, size;
} ls_cl_place;

/* Finds room for that many floats, allocating a slab where there is none. Nothing is cleared. */
ls_status ls_cl_place_take(ls_cl_device *device, ls_cl_slabs *slabs, size_t floats,
                           ls_cl_place *out, ls_error *err);
/* Gives a place back; a slab that is wholly free is released. */
void ls_cl_place_give(ls_cl_device *device, ls_cl_slabs *slabs, const ls_cl_place *place);
/* Releases all slabs. */
void ls_cl_slabs_close(ls_cl_device *device, ls_cl_slabs *slabs);

#endif
