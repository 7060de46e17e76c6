/* SPDX-License-Identifier: MIT */
/* Whether a device is exact: elementary operations and functions on awkward values, matrix
 * products, and short training runs are compared with the CPU path bit by bit. Drivers are judged
 * by this, not by a list of names. */
#include "host/opencl/self_check.h"
#include "core_cpu/cpu.h"
#include "host/base/memory.h"
#include "host/opencl/check_runs.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/tune.h"
#include "kernels/loss.h"
#include "kernels/norm.h"
#include "kernels/random.h"
#include <stdlib.h>
#include <string.h>

#include "kernels/check.h"

enum { VALUES = 4096, GROUP = 64 };

#define LS_CHECK(expression) +1
enum { RESULTS = LS_CHECKS + 1 };
#undef LS_CHECK
#define LS_CHECK(expression) #expression,
static const char *const result_names[RESULTS] = {LS_CHECKS "random numbers"};
#undef LS_CHECK

static bool is_nan(ls_u32 bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }

/* Any NaN equals any NaN: IEEE 754 does not define payloads and signs. */
static bool same(ls_u32 a, ls_u32 b) { return a == b || (is_nan(a) && is_nan(b)); }

/* All pairs of awkward values, then moderate values, then random bits. */
static void fill_values(ls_u32 *x, ls_u32 *y)
{
    static const ls_u32 awkward[] = {
        0x00000000u, 0x80000000u, 0x00000001u, 0x80000001u, 0x007fffffu, 0x00800000u,
        0x00800001u, 0x3f800000u, 0xbf800000u, 0x3f7fffffu, 0x3f800001u, 0x7f7fffffu,
        0xff7fffffu, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x33800000u, 0x4b800000u,
        0x42b17217u, 0xc2cff1b4u, 0x1e3ce508u, 0x5e3ce508u, 0x00400000u, 0x3eaaaaabu};
    enum { N = sizeof awkward / sizeof *awkward };
    for (ls_u32 i = 0; i < VALUES; i++) {
        float a = 8.0f * ls_random_uniform(7, 1, 0, i) - 4.0f,
              b = 8.0f * ls_random_uniform(7, 2, 0, i) - 4.0f;
        x[i] = i < N * N        ? awkward[i / N]
               : i < VALUES / 2 ? ls_as_u32(a)
                                : ls_random_u32(7, 3, 0, i);
        y[i] = i < N * N        ? awkward[i % N]
               : i < VALUES / 2 ? ls_as_u32(b)
                                : ls_random_u32(7, 4, 0, i);
    }
}

static void compute_here(const ls_u32 *x, const ls_u32 *y, ls_u32 *out)
{
    for (ls_u32 i = 0; i < VALUES; i++) {
        const float a = ls_as_float(x[i]), b = ls_as_float(y[i]);
        ls_u32 k = 0;
#define LS_CHECK(expression) out[k++ * VALUES + i] = ls_as_u32(expression);
        LS_CHECKS
#undef LS_CHECK
        out[k * VALUES + i] = ls_random_u32(x[i], 1u, y[i], i) ^
                              ls_permute(i, VALUES, x[0], 2u, 3u);
    }
}

static ls_status compute_there(ls_cl_device *d, const ls_u32 *x, const ls_u32 *y, ls_u32 *out,
                               ls_error *err)
{
    const ls_cl_api *cl = &d->cl;
    cl_int code[3] = {0};
    size_t size = VALUES * sizeof *x, global = VALUES, local = GROUP;
    cl_uint n = VALUES;
    cl_mem memory[3] = {
        cl->clCreateBuffer(d->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, size, (void *)x,
                           &code[0]),
        cl->clCreateBuffer(d->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, size, (void *)y,
                           &code[1]),
        cl->clCreateBuffer(d->context, CL_MEM_WRITE_ONLY, size * RESULTS, NULL, &code[2])};
    cl_int failed = code[0] ? code[0] : code[1] ? code[1] : code[2];
    cl_kernel kernel = d->kernel[LS_KERNEL_check];
    for (cl_uint i = 0; i < 3 && !failed; i++)
        failed = cl->clSetKernelArg(kernel, i, sizeof(cl_mem), &memory[i]);
    if (!failed) failed = cl->clSetKernelArg(kernel, 3, sizeof n, &n);
    if (!failed)
        failed = cl->clEnqueueNDRangeKernel(d->queue, kernel, 1, NULL, &global, &local, 0, NULL,
                                            NULL);
    if (!failed)
        failed = cl->clEnqueueReadBuffer(d->queue, memory[2], CL_TRUE, 0, size * RESULTS, out, 0,
                                         NULL, NULL);
    for (int i = 0; i < 3; i++)
        if (memory[i]) cl->clReleaseMemObject(memory[i]);
    return ls_cl_check(failed, "the self-check", err);
}

/* Compares elementary results; the first difference goes into reason. */
static ls_status check_values(ls_cl_device *d, char reason[256], ls_error *err)
{
    ls_u32 *x;
    LS_TRY(ls_alloc(&x, (2 + 2 * RESULTS) * VALUES, sizeof *x, "the self-check", err));
    ls_u32 *y = x + VALUES, *here = y + VALUES, *there = here + RESULTS * VALUES;
    fill_values(x, y);
    compute_here(x, y, here);
    ls_status status = compute_there(d, x, y, there, err);
    for (size_t i = 0; i < RESULTS * VALUES && status == LS_OK && !*reason; i++)
        if (!same(here[i], there[i]))
            snprintf(reason, 256, "self-check: %.60s of %a, %a gives %a, not %a",
                     result_names[i / VALUES], (double)ls_as_float(x[i % VALUES]),
                     (double)ls_as_float(y[i % VALUES]), (double)ls_as_float(there[i]),
                     (double)ls_as_float(here[i]));
    free(x);
    return status;
}

/* Compares every tile that this device uses for its products. */
static ls_status check_tiles(ls_cl_device *d, char reason[256], ls_error *err)
{
    ls_backend *cpu;
    LS_TRY(ls_cpu_open(1, NULL, &cpu, err));
    ls_status status = LS_OK;
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT && status == LS_OK && !*reason; c++) {
            bool exact = true, seen = false;
            for (int e = 0; e < c; e++) seen |= ls_cl_tile_equal(&d->tiles[f][e], &d->tiles[f][c]);
            if (!seen)
                status = ls_cl_tile_is_exact(d, cpu, (ls_form)f, &d->tiles[f][c], &exact, err);
            if (status == LS_OK && !exact)
                snprintf(reason, 256, "self-check: a matrix product differs from the CPU path's");
        }
    cpu->slots->close(cpu);
    return status;
}

ls_status ls_cl_self_check(ls_cl_device *d, ls_device_info *info, ls_error *err)
{
    if (!info->exact || ls_cl_recall_verdict(info)) return LS_OK;
    char reason[256] = "";
    LS_TRY(check_values(d, reason, err));
    if (!*reason) LS_TRY(check_tiles(d, reason, err));
    if (!*reason) LS_TRY(ls_check_runs(d, reason, err));
    info->exact = !*reason;
    snprintf(info->reason, sizeof info->reason, "%s", reason);
    /* LOCKSTEP_STEPS forces one mode: the others were not compared */
    if (!getenv("LOCKSTEP_STEPS")) ls_cl_remember_verdict(info);
    return LS_OK;
}
