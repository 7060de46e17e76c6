/* SPDX-License-Identifier: MIT */
#include "host/opencl/whole_program.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_sources.h"
#include <stdlib.h>

/* ---- Sizes ----------------------------------------------------------------------------------- */

/* LOCKSTEP_GROUPS in the environment: the number of work-groups, or this and the work-items of a
 * group ("2", "3:128"). For tests. */
static void forced_groups(size_t *groups, size_t *group)
{
    const char *text = getenv("LOCKSTEP_GROUPS");
    char *end;
    if (!text || !*text) return;
    unsigned long count = strtoul(text, &end, 10),
                  size = *end == ':' ? strtoul(end + 1, NULL, 10) : 0;
    if (count > 0 && count <= 4096) *groups = count;
    if (size == 64 || size == 128 || size == 256) *group = size;
}

/* One per compute unit certainly run at the same time. Intel calls an execution unit that, of which
 * a group needs several. On a CPU device one, as its units are threads, which may take turns. */
size_t ls_whole_groups(const ls_cl_device *d)
{
    enum { INTEL = 0x8086, UNITS = 8 };
    size_t groups = d->is_cpu            ? 1
                    : d->vendor == INTEL ? d->compute_units / UNITS
                                         : d->compute_units,
           unused = 64;
    if (!groups) groups = 1;
    forced_groups(&groups, &unused);
    return groups;
}

static size_t group_size(const ls_cl_device *d)
{
    size_t group = d->is_cpu ? 64 : 256, unused = 1;
    forced_groups(&unused, &group);
    while (group > 64 && group > d->group_limit) group /= 2;
    return group;
}

static size_t pool_of(const ls_cl_device *d)
{
    enum { ENOUGH = 24 << 10 };
    return d->local_memory >= ENOUGH ? LS_WHOLE_POOL_FOUR : LS_WHOLE_POOL;
}

bool ls_whole_is_possible(const ls_cl_device *d)
{
    return d->group_limit >= 64 && d->local_memory >= 16 << 10;
}

/* A second or so. */
cl_uint ls_whole_patience(const ls_cl_device *d) { return d->is_cpu ? 1u << 28 : 1u << 21; }

ls_whole_limits ls_whole_limits_of(const ls_cl_device *d, ls_whole_program *p, size_t groups)
{
    ls_whole_limits limits = {.groups = groups, .group = group_size(d), .pool = pool_of(d)};
    if (p && ls_cl_beside_has_ended(&p->build) && p->steps && p->wanted == limits.group)
        limits.group = p->group;
    return limits;
}

/* ---- Building -------------------------------------------------------------------------------- */

static void release(ls_cl_device *d, ls_whole_program *p)
{
    if (p->steps) d->cl.clReleaseKernel(p->steps);
    if (p->barriers) d->cl.clReleaseKernel(p->barriers);
    if (p->program) d->cl.clReleaseProgram(p->program);
    p->steps = p->barriers = NULL;
    p->program = NULL;
}

static ls_status create(ls_cl_device *d, ls_whole_program *p, ls_error *err)
{
    cl_int code;
    p->steps = d->cl.clCreateKernel(p->program, "whole_steps", &code);
    LS_TRY(ls_cl_check(code, "creating the kernel 'whole_steps'", err));
    p->barriers = d->cl.clCreateKernel(p->program, "whole_barriers", &code);
    return ls_cl_check(code, "creating the kernel 'whole_barriers'", err);
}

/* Builds with smaller groups if the kernel needs too much of the device for groups of the usual
 * size. */
static ls_status build(void *user, ls_error *err)
{
    ls_whole_program *p = user;
    ls_cl_device *d = p->build.device;
    for (p->group = p->wanted; p->group >= 64; p->group /= 2) {
        char defines[80];
        size_t most = 0;
        release(d, p);
        snprintf(defines, sizeof defines, "-DGROUP=%zu -DPOOL=%zu%s", p->group, p->pool,
                 p->pool >= LS_WHOLE_POOL_FOUR ? " -DWITH_FOUR" : "");
        LS_TRY(ls_cl_build(d, ls_whole_source, ls_whole_source_size, defines, &p->program, err));
        LS_TRY(create(d, p, err));
        d->cl.clGetKernelWorkGroupInfo(p->steps, d->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most,
                                       &most, NULL);
        if (most >= p->group) return LS_OK;
    }
    release(d, p);
    return ls_fail(err, LS_ERR_DEVICE, "the device cannot run groups of 64 work-items");
}

ls_cl_readiness ls_whole_program_ready(ls_cl_device *d, ls_whole_program *p)
{
    const size_t wanted = group_size(d);
    if (p->build.begun && !ls_cl_beside_has_ended(&p->build)) return LS_CL_BUILDING;
    if (p->build.begun && p->wanted == wanted) return LS_CL_READY;
    release(d, p);
    p->wanted = wanted, p->pool = pool_of(d);
    ls_cl_beside_begin(&p->build, d, build, p);
    return ls_cl_beside_has_ended(&p->build) ? LS_CL_READY : LS_CL_BUILDING;
}

ls_status ls_whole_program_wait(ls_cl_device *d, ls_whole_program *p, ls_error *err)
{
    while (ls_whole_program_ready(d, p) == LS_CL_BUILDING) ls_cl_beside_wait(&p->build);
    if (p->build.status == LS_OK) return LS_OK;
    return ls_fail(err, p->build.status, "%s", p->build.error.message);
}

void ls_whole_program_release(ls_cl_device *d, ls_whole_program *p)
{
    ls_cl_beside_wait(&p->build);
    release(d, p);
}
