/* SPDX-License-Identifier: MIT */
#include "host/opencl/check_values.h"
#include "host/base/memory.h"
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
    while (local > 1 && d->group_limit && local > d->group_limit) local /= 2; /* divides VALUES */
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

ls_status ls_check_values(ls_cl_device *d, char reason[256], ls_error *err)
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
