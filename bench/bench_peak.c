/* SPDX-License-Identifier: MIT */
#include "bench/bench_peak.h"
#include "bench/common.h"
#include "core_cpu/cpu.h"
#include "host/base/memory.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef LS_OPENCL
#include "host/opencl/cl_backend.h"
#endif

double bench_peak_generic(long rounds, float *out);
double bench_peak_avx2(long rounds, float *out);
double bench_peak_avx512(long rounds, float *out);

typedef double (*peak_fn)(long rounds, float *out);

static peak_fn peak_of(const char *isa)
{
#if defined(__x86_64__)
    if (!strncmp(isa, "avx512", 6)) return bench_peak_avx512;
    if (!strcmp(isa, "avx2")) return bench_peak_avx2;
#else
    (void)isa;
#endif
    return bench_peak_generic;
}

typedef struct {
    peak_fn fn;
    char *from, *to;
    size_t bytes;
    double flops;
} share;

static void *do_fma(void *arg)
{
    share *s = arg;
    float out[64];
    s->flops = s->fn(2000000, out);
    return NULL;
}

static void *do_copy(void *arg)
{
    share *s = arg;
    memcpy(s->to, s->from, s->bytes);
    return NULL;
}

/* Seconds for `work` on all shares at the same time, the best of five rounds. */
static double best_of(void *(*work)(void *), share *shares, unsigned n)
{
    double best = 1e30;
    for (int k = 0; k < 5; k++) {
        pthread_t threads[1024];
        unsigned started = 0;
        double start = bench_now();
        for (unsigned i = 1; i < n; i++)
            started += pthread_create(&threads[started], NULL, work, &shares[i]) == 0;
        work(&shares[0]);
        for (unsigned i = 0; i < started; i++) pthread_join(threads[i], NULL);
        double time = bench_now() - start;
        if (time < best) best = time;
    }
    return best;
}

static ls_status cpu_peak(unsigned threads, const char *isa, double *flops, double *bytes,
                          ls_error *err)
{
    enum { MB = 1 << 20, SIZE = 128 };
    share shares[1024];
    char *memory;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (!threads) threads = cores > 0 ? (unsigned)cores : 1;
    if (threads > 1024) threads = 1024;
    LS_TRY(ls_alloc(&memory, 2 * SIZE, MB, "the benchmark", err));
    size_t part = (size_t)SIZE * MB / threads;
    for (unsigned i = 0; i < threads; i++)
        shares[i] = (share){peak_of(isa ? isa : ls_cpu_isa_at(0)), memory + i * part,
                            memory + (size_t)SIZE * MB + i * part, part, 0};
    double time = best_of(do_fma, shares, threads), all = 0;
    for (unsigned i = 0; i < threads; i++) all += shares[i].flops;
    *flops = all / time;
    *bytes = 2.0 * SIZE * MB / best_of(do_copy, shares, threads);
    free(memory);
    return LS_OK;
}

#ifdef LS_OPENCL
static const char source[] =
    "#pragma OPENCL FP_CONTRACT OFF\n"
    "__kernel void peak(__global float *out, const int rounds) {\n"
    "  float16 acc[24]; const float16 a = 0.999f, b = 0.001f;\n"
    "  __attribute__((opencl_unroll_hint(24))) for (int i = 0; i < 24; i++) acc[i] = (float)get_global_id(0) + i;\n"
    "  for (int r = 0; r < rounds; r++) {\n"
    "    __attribute__((opencl_unroll_hint(24))) for (int i = 0; i < 24; i++) acc[i] = fma(acc[i], a, b);\n"
    "  }\n"
    "  float16 s = acc[0];\n"
    "  __attribute__((opencl_unroll_hint(24))) for (int i = 1; i < 24; i++) s += acc[i];\n"
    "  out[get_global_id(0)] = s.s0 + s.s7 + s.sf;\n"
    "}\n"
    "__kernel void peak_narrow(__global float *out, const int rounds) {\n"
    "  float c0 = get_global_id(0), c1 = 1, c2 = 2, c3 = 3, c4 = 4, c5 = 5, c6 = 6, c7 = 7;\n"
    "  for (int r = 0; r < rounds; r++) {\n"
    "    c0 = fma(c0, 0.999f, 0.001f); c1 = fma(c1, 0.999f, 0.001f); c2 = fma(c2, 0.999f, 0.001f); c3 = fma(c3, 0.999f, 0.001f);\n"
    "    c4 = fma(c4, 0.999f, 0.001f); c5 = fma(c5, 0.999f, 0.001f); c6 = fma(c6, 0.999f, 0.001f); c7 = fma(c7, 0.999f, 0.001f);\n"
    "  }\n"
    "  out[get_global_id(0)] = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;\n"
    "}\n";

/* Chains of float16 on CPUs, eight scalar chains per work-item on other devices. */
static ls_status cl_peak(ls_cl_device *d, bool cpu, double *flops, double *bytes, ls_error *err)
{
    const ls_cl_api *cl = &d->cl;
    cl_int code, rounds = cpu ? 200000 : 8192;
    const char *text = source;
    size_t length = sizeof source - 1, local = cpu ? 1 : 256, global = cpu ? 64 : (size_t)1 << 20,
           copy = (size_t)128 << 20;
    cl_program program = cl->clCreateProgramWithSource(d->context, 1, &text, &length, &code);
    LS_TRY(ls_cl_check(code, "creating the peak program", err));
    LS_TRY(ls_cl_check(cl->clBuildProgram(program, 1, &d->id, "", NULL, NULL),
                       "building the peak program", err));
    cl_kernel kernel = cl->clCreateKernel(program, cpu ? "peak" : "peak_narrow", &code);
    LS_TRY(ls_cl_check(code, "creating the peak kernel", err));
    cl_mem from = cl->clCreateBuffer(d->context, CL_MEM_READ_WRITE, copy, NULL, &code),
           to = cl->clCreateBuffer(d->context, CL_MEM_READ_WRITE, copy, NULL, &code);
    LS_TRY(ls_cl_check(code, "allocating the peak buffers", err));
    cl->clSetKernelArg(kernel, 0, sizeof to, &to);
    cl->clSetKernelArg(kernel, 1, sizeof rounds, &rounds);
    double fma_time = 1e30, copy_time = 1e30;
    for (int i = 0; i < 5 && code == CL_SUCCESS; i++) {
        double start = bench_now();
        code = cl->clEnqueueNDRangeKernel(d->queue, kernel, 1, NULL, &global, &local, 0, NULL,
                                          NULL);
        if (!code) code = cl->clFinish(d->queue);
        double middle = bench_now();
        if (!code) code = cl->clEnqueueCopyBuffer(d->queue, from, to, 0, 0, copy, 0, NULL, NULL);
        if (!code) code = cl->clFinish(d->queue);
        if (middle - start < fma_time) fma_time = middle - start;
        if (bench_now() - middle < copy_time) copy_time = bench_now() - middle;
    }
    *flops = 2.0 * (cpu ? 24 * 16 : 8) * (double)rounds * (double)global / fma_time;
    *bytes = 2.0 * (double)copy / copy_time;
    cl->clReleaseMemObject(from);
    cl->clReleaseMemObject(to);
    cl->clReleaseKernel(kernel);
    cl->clReleaseProgram(program);
    return ls_cl_check(code, "measuring the peak", err);
}

/* The device, opened once more in this process if it is in another one. */
static ls_status device_peak(const ls_device *device, double *flops, double *bytes, ls_error *err)
{
    const bool cpu = !strcmp(device->info.kind, "cpu");
    const size_t number = (size_t)device->info.index - 1;
    ls_cl_api cl;
    ls_cl_found *found = NULL;
    ls_cl_device *d;
    size_t count;
    char note[256];
    if (device->backend->slots == &ls_cl_slots)
        return cl_peak((ls_cl_device *)device->backend, cpu, flops, bytes, err);
    LS_TRY(ls_cl_api_open(&cl, err));
    LS_TRY(ls_cl_find(&cl, &found, &count, note, err));
    ls_status status = number < count
                           ? ls_cl_backend_create(&cl, &found[number], LS_CL_COPIES_PLAIN, &d, err)
                           : ls_fail(err, LS_ERR_DEVICE, "the device has gone");
    free(found);
    if (status != LS_OK) return status;
    status = cl_peak(d, cpu, flops, bytes, err);
    ls_cl_backend_close(&d->base);
    return status;
}
#endif

ls_status bench_peak(ls_device *device, unsigned threads, const char *isa, double *flops,
                     double *bytes, ls_error *err)
{
#ifdef LS_OPENCL
    if (device->info.index > 0) return device_peak(device, flops, bytes, err);
#else
    (void)device;
#endif
    return cpu_peak(threads, isa, flops, bytes, err);
}
