/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_memory.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_sources.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BUFFERS = 512, WORDS_BACK = 1 << 18 };
static const size_t piece = (size_t)1 << 28;  /* bytes of a buffer: a launch takes milliseconds */
static const size_t around = (size_t)1 << 26; /* bytes that are copied there and back */
static const uint64_t shared_most = (uint64_t)1 << 28;
static const double most_seconds = 30;

typedef struct {
    ls_cl_device *d;
    cl_program program;
    cl_kernel fill, check;
    cl_mem wrong; /* what memory_check counts */
    cl_mem buffer[MOST_BUFFERS];
    size_t words[MOST_BUFFERS], buffers;
    cl_uint *host; /* `around` bytes */
    double begun;
} memory_check;

/* kernels/memory.cl */
static cl_uint pattern_word(cl_uint place, cl_uint seed)
{
    cl_uint h = place * 0x9e3779b1u ^ (seed & 0x7fffffffu);
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    h ^= h >> 16;
    return seed >> 31 ? ~h : h;
}

static ls_status begin(memory_check *m, ls_memory_report *out, ls_error *err)
{
    ls_cl_device *d = m->d;
    cl_int code[2] = {0};
    ls_status status = ls_cl_build(d, ls_memory_source, ls_memory_source_size, "", &m->program,
                                   err);
    if (status != LS_OK) {
        if (err) snprintf(out->log, sizeof out->log, "%.1023s", err->message);
        for (char *c = out->log; *c; c++)
            if (*c == '\n') *c = ' ';
        return ls_fail(err, status, "a small program does not build");
    }
    m->fill = d->cl.clCreateKernel(m->program, "memory_fill", &code[0]);
    m->check = d->cl.clCreateKernel(m->program, "memory_check", &code[1]);
    LS_TRY(ls_cl_check(code[0] ? code[0] : code[1], "creating a kernel", err));
    LS_TRY(ls_cl_buffer(d, 2, "a check of the memory", &m->wrong, err));
    return ls_alloc(&m->host, around, 1, "a check of the memory", err);
}

static void end(memory_check *m)
{
    const ls_cl_api *cl = &m->d->cl;
    for (size_t i = 0; i < m->buffers; i++) cl->clReleaseMemObject(m->buffer[i]);
    if (m->wrong) cl->clReleaseMemObject(m->wrong);
    if (m->fill) cl->clReleaseKernel(m->fill);
    if (m->check) cl->clReleaseKernel(m->check);
    if (m->program) cl->clReleaseProgram(m->program);
    free(m->host);
}

/* Runs one of the kernels over a buffer. */
static cl_int launch(memory_check *m, cl_kernel kernel, cl_mem buffer, size_t words, cl_uint seed)
{
    const ls_cl_api *cl = &m->d->cl;
    const size_t local = 64, global = (words + local - 1) / local * local;
    const cl_uint count = (cl_uint)words;
    cl_int code = cl->clSetKernelArg(kernel, 0, sizeof buffer, &buffer);
    if (!code) code = cl->clSetKernelArg(kernel, 1, sizeof count, &count);
    if (!code) code = cl->clSetKernelArg(kernel, 2, sizeof seed, &seed);
    if (!code && kernel == m->check)
        code = cl->clSetKernelArg(kernel, 3, sizeof m->wrong, &m->wrong);
    if (!code)
        code = cl->clEnqueueNDRangeKernel(m->d->queue, kernel, 1, NULL, &global, &local, 0, NULL,
                                          NULL);
    if (!code) code = cl->clFinish(m->d->queue);
    ls_cl_progress(m->d->counts);
    return code;
}

/* ---- Patterns -------------------------------------------------------------------------------- */

static uint64_t wanted(const ls_cl_device *d)
{
    cl_bool shared = CL_FALSE;
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof shared, &shared, NULL);
    if (!shared && !d->is_cpu) return d->info.memory / 5 * 4;
    return d->info.memory / 16 < shared_most ? d->info.memory / 16 : shared_most;
}

/* Buffers until they are enough, there is no more memory, or time is up. Filling them makes drivers
 * allocate them. */
static ls_status fill_all(memory_check *m, uint64_t bytes, cl_uint seed, ls_error *err)
{
    const size_t limit = m->d->buffer_limit && m->d->buffer_limit < piece ? m->d->buffer_limit
                                                                          : piece;
    uint64_t left = bytes;
    while (left >= 4096 && m->buffers < MOST_BUFFERS && ls_clock() - m->begun < most_seconds) {
        size_t words = (size_t)(left < limit ? left : limit) / sizeof(cl_uint);
        cl_mem *buffer = &m->buffer[m->buffers];
        ls_status status = ls_cl_buffer(m->d, words, "a check of the memory", buffer, err);
        if (status == LS_ERR_MEMORY && m->buffers) return LS_OK;
        LS_TRY(status);
        m->words[m->buffers++] = words;
        cl_int code = launch(m, m->fill, *buffer, words, seed + (cl_uint)m->buffers);
        bool full = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES;
        if (full && m->buffers > 1) { /* others use the rest */
            m->d->cl.clReleaseMemObject(m->buffer[--m->buffers]);
            return LS_OK;
        }
        LS_TRY(ls_cl_check(code, "filling memory", err));
        left -= words * sizeof(cl_uint);
    }
    return LS_OK;
}

/* The beginning of a buffer as the host reads it: the device's own comparison may be wrong. */
static cl_int check_here(memory_check *m, size_t i, cl_uint seed, uint64_t base,
                         ls_memory_report *out)
{
    size_t words = m->words[i] < WORDS_BACK ? m->words[i] : WORDS_BACK;
    cl_int code = m->d->cl.clEnqueueReadBuffer(m->d->queue, m->buffer[i], CL_TRUE, 0,
                                               words * sizeof(cl_uint), m->host, 0, NULL, NULL);
    for (size_t w = 0; w < words && !code; w++)
        if (m->host[w] != pattern_word((cl_uint)w, seed) && !out->wrong++)
            out->first = base + w * sizeof(cl_uint);
    return code;
}

static cl_int check_one(memory_check *m, size_t i, cl_uint seed, uint64_t base,
                        ls_memory_report *out)
{
    const ls_cl_api *cl = &m->d->cl;
    cl_uint wrong[2] = {0, UINT32_MAX};
    cl_int code = cl->clEnqueueWriteBuffer(m->d->queue, m->wrong, CL_TRUE, 0, sizeof wrong, wrong,
                                           0, NULL, NULL);
    if (!code) code = launch(m, m->check, m->buffer[i], m->words[i], seed);
    if (!code)
        code = cl->clEnqueueReadBuffer(m->d->queue, m->wrong, CL_TRUE, 0, sizeof wrong, wrong, 0,
                                       NULL, NULL);
    if (code) return code;
    if (!wrong[0] && wrong[1] != UINT32_MAX) wrong[0] = 1; /* these words are wrong themselves */
    if (wrong[0] && !out->wrong) out->first = base + (uint64_t)wrong[1] * sizeof(cl_uint);
    out->wrong += wrong[0];
    return wrong[0] ? CL_SUCCESS : check_here(m, i, seed, base, out);
}

static ls_status check_all(memory_check *m, cl_uint seed, ls_memory_report *out, ls_error *err)
{
    uint64_t base = 0;
    for (size_t i = 0; i < m->buffers; i++) {
        cl_int code = check_one(m, i, seed + (cl_uint)i + 1, base, out);
        LS_TRY(ls_cl_check(code, "reading memory", err));
        base += m->words[i] * sizeof(cl_uint);
    }
    out->tried = base;
    return LS_OK;
}

static ls_status check_patterns(memory_check *m, ls_memory_report *out, ls_error *err)
{
    static const cl_uint inverted = 0x80000000u;
    LS_TRY(fill_all(m, wanted(m->d), 1, err));
    LS_TRY(check_all(m, 1, out, err));
    for (size_t i = 0; i < m->buffers; i++) { /* each bit the other way round */
        cl_int code = launch(m, m->fill, m->buffer[i], m->words[i], inverted + 1 + (cl_uint)i + 1);
        LS_TRY(ls_cl_check(code, "filling memory", err));
    }
    return check_all(m, inverted + 1, out, err);
}

/* ---- There and back -------------------------------------------------------------------------- */

static cl_int round_trip(memory_check *m, cl_mem from, cl_mem to, size_t bytes, double seconds[3])
{
    const ls_cl_api *cl = &m->d->cl;
    cl_command_queue queue = m->d->queue;
    double start = ls_clock();
    cl_int code = cl->clEnqueueWriteBuffer(queue, from, CL_TRUE, 0, bytes, m->host, 0, NULL, NULL);
    double sent = ls_clock();
    if (!code) code = cl->clEnqueueCopyBuffer(queue, from, to, 0, 0, bytes, 0, NULL, NULL);
    if (!code) code = cl->clFinish(queue);
    double copied = ls_clock();
    memset(m->host, 0, bytes);
    double asked = ls_clock();
    if (!code) code = cl->clEnqueueReadBuffer(queue, to, CL_TRUE, 0, bytes, m->host, 0, NULL, NULL);
    seconds[0] = sent - start, seconds[1] = copied - sent, seconds[2] = ls_clock() - asked;
    ls_cl_progress(m->d->counts);
    return code;
}

static cl_int travel(memory_check *m, cl_mem from, cl_mem to, size_t bytes, ls_memory_report *out)
{
    double best[3] = {INFINITY, INFINITY, INFINITY};
    for (cl_uint turn = 0; turn < 4; turn++) {
        double seconds[3];
        for (cl_uint w = 0; w < bytes / sizeof(cl_uint); w++) m->host[w] = pattern_word(w, ~turn);
        cl_int code = round_trip(m, from, to, bytes, seconds);
        if (code) return code;
        for (cl_uint w = 0; w < bytes / sizeof(cl_uint); w++)
            if (m->host[w] != pattern_word(w, ~turn) && !out->wrong++)
                out->first = w * sizeof(cl_uint);
        for (int i = 0; i < 3 && turn; i++) /* the first turn warms up */
            if (seconds[i] < best[i]) best[i] = seconds[i];
    }
    out->upload = best[0] > 0 ? (double)bytes / best[0] : 0;
    out->copy = best[1] > 0 ? 2 * (double)bytes / best[1] : 0;
    out->download = best[2] > 0 ? (double)bytes / best[2] : 0;
    return CL_SUCCESS;
}

static ls_status check_copies(memory_check *m, ls_memory_report *out, ls_error *err)
{
    cl_mem from = NULL, to = NULL;
    uint64_t fits = m->d->info.memory / 16;
    if (m->d->buffer_limit && m->d->buffer_limit < fits) fits = m->d->buffer_limit;
    size_t bytes = (fits < around ? (size_t)fits : around) & ~(size_t)63;
    if (!bytes) return LS_OK;
    ls_status status = ls_cl_buffer(m->d, bytes / sizeof(float), "a copy", &from, err);
    if (status == LS_OK) status = ls_cl_buffer(m->d, bytes / sizeof(float), "a copy", &to, err);
    if (status == LS_OK)
        status = ls_cl_check(travel(m, from, to, bytes, out), "copying memory", err);
    if (from) m->d->cl.clReleaseMemObject(from);
    if (to) m->d->cl.clReleaseMemObject(to);
    return status;
}

void ls_cl_memory_check(ls_cl_device *d, ls_memory_report *out)
{
    ls_error err;
    memory_check *m;
    memset(out, 0, sizeof *out); /* padding, too: its bytes are sent */
    out->claimed = d->info.memory;
    ls_status status = ls_alloc(&m, 1, sizeof *m, "a check of the memory", &err);
    if (status == LS_OK) {
        m->d = d;
        m->begun = ls_clock();
        status = begin(m, out, &err);
        if (status == LS_OK) status = check_copies(m, out, &err);
        if (status == LS_OK) status = check_patterns(m, out, &err);
        end(m);
        free(m);
    }
    if (status != LS_OK) snprintf(out->failed, sizeof out->failed, "%.255s", err.message);
}
