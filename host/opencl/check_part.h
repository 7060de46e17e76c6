/* SPDX-License-Identifier: MIT */
/* What a part of the self-check is (check_parts.h has the functions), and what a device is opened
 * with. */
#ifndef LS_CHECK_PART_H
#define LS_CHECK_PART_H

#include "host/opencl/cl_way.h"

typedef enum {
    LS_CHECK_VALUES,
    LS_CHECK_TILE,
    LS_CHECK_RUNS,
    LS_CHECK_SHAPES,
    LS_CHECK_PRODUCTS,
    LS_CHECK_KINDS
} ls_check_kind;

/* One part. The struct is sent between processes of one build. */
typedef struct {
    ls_check_kind kind;
    ls_cl_way_id way;   /* layered for all but runs in another way */
    unsigned first;     /* TILE, PRODUCTS: the form; RUNS, SHAPES: the first run or shape */
    unsigned count;     /* TILE: the size class; RUNS, SHAPES: their number */
    bool needs_kernels; /* uses device->kernel (ls_cl_build_kernels) */
    char name[47];      /* what is compared, for messages */
} ls_check_part;

enum { LS_CHECK_PARTS_MOST = 64 };

/* Whether asynchronous copies are used: known, or to be found out (ls_cl_probe_async_copies). */
typedef enum { LS_CL_COPIES_PLAIN, LS_CL_COPIES_ASYNC, LS_CL_COPIES_PROBE } ls_cl_copies_use;

#endif
