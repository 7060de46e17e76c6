/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_ptx.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_sources.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Work-items per group, groups, slices per group; floats of a slice (kernels/ptx.cl). */
enum { ITEMS = 64, GROUPS = LS_CL_COPY_SUMS / ITEMS, ROUNDS = 32, FLOATS = 7 * ITEMS };

typedef struct {
    cl_program program;
    cl_kernel kernel;
    cl_mem from, out;
} probe;

/* Bits without a pattern that would hide an exchange of two floats. */
static void fill(unsigned *bits, size_t n)
{
    for (size_t i = 0; i < n; i++) bits[i] = (unsigned)i * 2654435761u ^ (unsigned)(i >> 7);
}

static ls_status set_up(ls_cl_device *d, const char *defines, probe *p, ls_error *err)
{
    const size_t count = (size_t)GROUPS * ROUNDS * FLOATS;
    const ls_cl_api *cl = &d->cl;
    cl_int code[3] = {0};
    cl_uint rounds = ROUNDS;
    unsigned *bits;
    LS_TRY(ls_cl_build(d, ls_ptx_source, ls_ptx_source_size, defines, &p->program, err));
    LS_TRY(ls_alloc(&bits, count, sizeof *bits, "a probe", err));
    fill(bits, count);
    p->from = cl->clCreateBuffer(d->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 count * sizeof *bits, bits, &code[0]);
    p->out = cl->clCreateBuffer(d->context, CL_MEM_READ_WRITE, LS_CL_COPY_SUMS * sizeof(cl_uint),
                                NULL, &code[1]);
    p->kernel = cl->clCreateKernel(p->program, "copies", &code[2]);
    free(bits);
    cl_int failed = code[0] ? code[0] : code[1] ? code[1] : code[2];
    if (!failed) failed = cl->clSetKernelArg(p->kernel, 0, sizeof p->from, &p->from);
    if (!failed) failed = cl->clSetKernelArg(p->kernel, 1, sizeof p->out, &p->out);
    if (!failed) failed = cl->clSetKernelArg(p->kernel, 2, sizeof rounds, &rounds);
    return ls_cl_check(failed, "a probe", err);
}

static void release(ls_cl_device *d, probe *p)
{
    if (p->from) d->cl.clReleaseMemObject(p->from);
    if (p->out) d->cl.clReleaseMemObject(p->out);
    if (p->kernel) d->cl.clReleaseKernel(p->kernel);
    if (p->program) d->cl.clReleaseProgram(p->program);
}

ls_status ls_cl_run_copies(ls_cl_device *d, const char *defines, ls_cl_copies *out, ls_error *err)
{
    enum { TIMES = 6 };
    const size_t global = (size_t)GROUPS * ITEMS, local = ITEMS;
    char all[128];
    probe p = {0};
    snprintf(all, sizeof all, "-DTILE_K=1 -DTILE_V=4 -DTILE_ITEMS=%d %s", ITEMS, defines);
    out->seconds = INFINITY;
    ls_status status = set_up(d, all, &p, err);
    for (int i = 0; i < TIMES && status == LS_OK; i++) {
        double start = ls_clock();
        cl_int code = d->cl.clEnqueueNDRangeKernel(d->queue, p.kernel, 1, NULL, &global, &local, 0,
                                                   NULL, NULL);
        if (!code) code = d->cl.clFinish(d->queue);
        double seconds = ls_clock() - start;
        if (i && seconds < out->seconds) out->seconds = seconds;
        status = ls_cl_check(code, "a probe", err);
    }
    if (status == LS_OK)
        status = ls_cl_check(d->cl.clEnqueueReadBuffer(d->queue, p.out, CL_TRUE, 0,
                                                       LS_CL_COPY_SUMS * sizeof(cl_uint), out->sums,
                                                       0, NULL, NULL),
                             "a probe", err);
    release(d, &p);
    return status;
}

bool ls_cl_copies_pay(const ls_cl_copies *plain, const ls_cl_copies *async)
{
    static const double tolerance = 1.1; /* of times that are a few launches long */
    return !memcmp(plain->sums, async->sums, LS_CL_COPY_SUMS * sizeof *plain->sums) &&
           async->seconds <= tolerance * plain->seconds;
}

void ls_cl_probe_async_copies(ls_cl_device *d)
{
    enum { NVIDIA = 0x10de };
    ls_cl_copies plain = {0}, async = {0};
    d->async_copies = false;
    if (d->is_cpu || d->vendor != NVIDIA || d->group_limit < ITEMS ||
        ls_alloc(&plain.sums, 2 * (size_t)LS_CL_COPY_SUMS, sizeof *plain.sums, "a probe", NULL) !=
            LS_OK)
        return;
    async.sums = plain.sums + LS_CL_COPY_SUMS;
    d->async_copies = ls_cl_run_copies(d, "", &plain, NULL) == LS_OK &&
                      ls_cl_run_copies(d, "-DLS_CP_ASYNC", &async, NULL) == LS_OK &&
                      ls_cl_copies_pay(&plain, &async);
    free(plain.sums);
}
