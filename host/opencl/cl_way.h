/* SPDX-License-Identifier: MIT */
/* The ways in which an OpenCL device runs steps. All give the same bits, so which one a member
 * takes is a matter of speed alone and is measured (cl_run.c). */
#ifndef LS_CL_WAY_H
#define LS_CL_WAY_H

#include "host/network/backend.h"

/* One row per way: NAME, and its name in LOCKSTEP_STEPS and in messages.
 *   layered  operation after operation, some launches each (cl_run.c); runs every plan
 *   small    chunk-wise, many steps of many members in a launch; a member is run by one work-item
 *            of a CPU device, or by a work-group (cl_small.c)
 *   whole    many steps of a member in a launch over the whole device, with barriers over all
 *            work-groups (cl_whole.c) */
#define LS_CL_WAYS(X) X(LAYERED, layered) X(SMALL, small) X(WHOLE, whole)

#define LS_X(NAME, name) LS_CL_WAY_##NAME,
typedef enum { LS_CL_WAYS(LS_X) LS_CL_WAY_COUNT } ls_cl_way_id;
#undef LS_X

struct ls_cl_device;
struct ls_cl_workspace;

/* Whether a way can run a call now. */
typedef enum {
    LS_CL_READY,    /* its programs are built */
    LS_CL_BUILDING, /* later: they are being built beside the training */
    LS_CL_NEVER     /* it does not suit this call */
} ls_cl_readiness;

/* The functions of a way. Members are those that it has prepared; those of one call of `ready` or
 * `steps` have their arenas in one slab. All functions are called by one thread at a time. */
typedef struct {
    /* What a member needs to run in this way. *out stays NULL if the way cannot run the plan on
     * this device. Builds no program. The plan outlives the result. */
    ls_status (*prepare)(struct ls_cl_device *device, const ls_plan *plan, void **out,
                         ls_error *err);
    void (*release)(struct ls_cl_device *device, void *prepared);
    /* Whether the way suits a call; if it does, its programs are built, or their build is begun
     * (cl_beside.h). A build that fails is reported by `steps`. */
    ls_cl_readiness (*ready)(struct ls_cl_workspace *workspace, const ls_run *const *runs,
                             size_t count);
    /* Runs the steps; returns when all losses are written. If it fails with LS_ERR_DEVICE, the
     * caller may use the workspace on if *intact is set: the members are then as before the call.
     */
    ls_status (*steps)(struct ls_cl_workspace *workspace, const ls_run *const *runs, size_t count,
                       bool *intact, ls_error *err);
    /* Releases what the way keeps in device->way_state, after the end of a build that goes on. */
    void (*close)(struct ls_cl_device *device);
} ls_cl_way;

#endif
