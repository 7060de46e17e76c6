/* SPDX-License-Identifier: MIT */
/* The parts of the self-check. They are independent of each other, so that processes can share them
 * (self_check.c). */
#ifndef LS_CHECK_PARTS_H
#define LS_CHECK_PARTS_H

#include "host/opencl/cl_device.h"

typedef enum { LS_CHECK_VALUES, LS_CHECK_TILE, LS_CHECK_RUNS, LS_CHECK_KINDS } ls_check_kind;

/* One part. The struct is sent between processes of one build. */
typedef struct {
    ls_check_kind kind;
    ls_cl_way_id way;   /* layered for all but runs in another way */
    unsigned first;     /* TILE: the form; RUNS: the first run */
    unsigned count;     /* TILE: the size class; RUNS: their number */
    bool needs_kernels; /* uses device->kernel (ls_cl_build_kernels) */
    char name[47];      /* what is compared, for messages */
} ls_check_part;

enum { LS_CHECK_PARTS_MOST = 32 };

/* The parts of a device, those that take longest to compile first; returns their number. */
size_t ls_check_parts(const ls_cl_device *device, ls_check_part parts[LS_CHECK_PARTS_MOST]);

/* Compares one part with the CPU path bit by bit; the first difference goes into reason, which must
 * be "" before. Builds device->kernel if the part needs it. Fails with LS_ERR_DEVICE if a program
 * does not build, or a way cannot be used. */
ls_status ls_check_part_run(ls_cl_device *device, ls_backend *cpu, const ls_check_part *part,
                            char reason[256], ls_error *err);

#endif
