/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_small.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_small_plan.h"
#include "host/opencl/cl_sources.h"
#include "host/opencl/cl_workspace.h"
#include "host/opencl/small_words.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Longest launch on a GPU: it may drive a display, which waits meanwhile. */
static const double launch_seconds = 0.05;

/* A member's part of a launch. */
typedef struct {
    const ls_small_words *small;
    size_t base, origin; /* offset of its arena in the slab, and the first of its rows */
    size_t batch;        /* rows per step */
    const ls_run *run;
} small_run;

/* ---- Launching ------------------------------------------------------------------------------- */

/* A member's steps are run by one work-item on CPU devices, and by a work-group on others
 * (cl_small_plan.h). The environment variable LOCKSTEP_STEPS=grouped or grouped-global selects the
 * mode of GPUs on any device, with scratch in local memory if it fits or in global memory. */
static bool mode_is_forced(const char *mode)
{
    const char *steps = getenv("LOCKSTEP_STEPS");
    return steps && !strcmp(steps, mode);
}

bool ls_cl_small_is_solo(const ls_cl_device *d)
{
    return d->is_cpu && !mode_is_forced("grouped") && !mode_is_forced("grouped-global");
}

/* How a launch runs: the kernel, and the work-groups of GPUs. */
typedef struct {
    bool solo;
    ls_small_split split;
    size_t common, part; /* floats of scratch */
    cl_kernel kernel;
} launch_way;

static launch_way choose(const ls_cl_device *d, const small_run *runs, size_t count)
{
    launch_way way = {.solo = !runs[0].small->grouped};
    ls_small_need need = {.members = count, .common = 1, .part = 1};
    const ls_small_device device = {d->local_memory, d->group_limit, d->compute_units};
    for (size_t i = 0; i < count; i++) {
        const ls_small_words *s = runs[i].small;
        assert(s->grouped == !way.solo);
        if (s->common > need.common) need.common = s->common;
        if (s->scratch > need.part) need.part = s->scratch;
        if (s->width > need.width) need.width = s->width;
        if (runs[i].batch > need.rows) need.rows = runs[i].batch;
    }
    way.common = need.common, way.part = need.part;
    way.split = way.solo ? (ls_small_split){.group = 1, .floats = need.part}
                         : ls_small_divide(&device, &need, mode_is_forced("grouped-global"));
    return way;
}

/* The program of a way: 0 for CPU devices, then those of GPUs for each size of groups, with scratch
 * in local and in global memory. */
static size_t program_of(const launch_way *way)
{
    size_t size = 0;
    if (way->solo) return 0;
    while ((size_t)LS_SMALL_GROUP << size < way->split.group) size++;
    assert(2 + 2 * size < LS_SMALL_PROGRAMS);
    return 1 + 2 * size + way->split.local;
}

/* The kernel of a way, compiled at first use. */
static ls_status find_kernel(ls_cl_device *d, launch_way *way, ls_error *err)
{
    char defines[120];
    cl_int code;
    size_t which = program_of(way);
    way->kernel = d->small_kernel[which];
    if (way->kernel) return LS_OK;
    unsigned lanes = d->lanes >= 16 ? 16 : d->lanes >= 8 ? 8 : 4;
    if (way->solo) {
        snprintf(defines, sizeof defines, "-DGROUP=1 -DTILE_LANES=%u", lanes);
        LS_TRY(ls_cl_build(d, ls_small_source, ls_small_source_size, defines,
                           &d->small_program[which], err));
    } else {
        snprintf(defines, sizeof defines, "-DGROUP=%zu %s%s", way->split.group,
                 way->split.local ? "-DSPACE=__local" : "-DSCRATCH_IN_GLOBAL",
                 d->unoptimised ? " -cl-opt-disable" : "");
        LS_TRY(ls_cl_build(d, ls_small_group_source, ls_small_group_source_size, defines,
                           &d->small_program[which], err));
    }
    d->small_kernel[which] = d->cl.clCreateKernel(d->small_program[which], "small_steps", &code);
    way->kernel = d->small_kernel[which];
    return ls_cl_check(code, "creating the kernel 'small_steps'", err);
}

static void close_way(ls_cl_device *d)
{
    for (int i = 0; i < LS_SMALL_PROGRAMS; i++) {
        if (d->small_kernel[i]) d->cl.clReleaseKernel(d->small_kernel[i]);
        if (d->small_program[i]) d->cl.clReleaseProgram(d->small_program[i]);
    }
    for (int i = 0; i < LS_SMALL_BUFFERS; i++)
        if (d->small_buffer[i]) d->cl.clReleaseMemObject(d->small_buffer[i]);
}

/* Enlarges a buffer, which later launches use, too, to at least that many floats. */
static ls_status ensure_buffer(ls_cl_device *d, ls_small_buffer which, size_t floats, ls_error *err)
{
    if (d->small_room[which] >= floats) return LS_OK;
    if (d->small_buffer[which]) d->cl.clReleaseMemObject(d->small_buffer[which]);
    d->small_buffer[which] = NULL;
    d->small_room[which] = 0;
    LS_TRY(ls_cl_buffer(d, floats, "a launch", &d->small_buffer[which], err));
    d->small_room[which] = floats;
    /* products also run over padding in scratch that is never written: old contents may be denormal
     * numbers, which are slow */
    const float zero = 0.0f;
    return ls_cl_check(d->cl.clEnqueueFillBuffer(d->queue, d->small_buffer[which], &zero,
                                                 sizeof zero, 0, floats * sizeof zero, 0, NULL,
                                                 NULL),
                       "clearing memory on the device", err);
}

/* What a launch needs on the host: the members' table entries and programs, and the scalars of
 * their steps. */
typedef struct {
    const small_run *runs;
    launch_way way;
    size_t count, steps, words;
    cl_uint *table;
    ls_rates *rates;
    float *losses;
} launch;

static void fill(launch *l)
{
    size_t program = 0, step = 0;
    for (size_t i = 0; i < l->count; i++) {
        const small_run *r = &l->runs[i];
        cl_uint *w = l->table + i * SMALL_RUN_WORDS;
        w[SMALL_RUN_program] = (cl_uint)program;
        w[SMALL_RUN_arena_low] = (cl_uint)r->base,
        w[SMALL_RUN_arena_high] = (cl_uint)((uint64_t)r->base >> 32);
        w[SMALL_RUN_origin] = (cl_uint)r->origin;
        w[SMALL_RUN_rates] = w[SMALL_RUN_losses] = (cl_uint)step;
        memcpy(l->table + l->count * SMALL_RUN_WORDS + program, r->small->word,
               r->small->words * sizeof *w);
        memcpy(l->rates + step, r->run->rates, (size_t)r->run->count * sizeof *l->rates);
        program += r->small->words;
        step += (size_t)r->run->count;
    }
}

/* Sets the launch to steps [from, from + most) of each member, as far as it has these steps. */
static void set_steps(launch *l, uint64_t from, uint64_t most)
{
    size_t step = 0;
    for (size_t i = 0; i < l->count; i++) {
        const ls_run *run = l->runs[i].run;
        cl_uint *w = l->table + i * SMALL_RUN_WORDS;
        uint64_t first = run->first + from, left = run->count > from ? run->count - from : 0;
        w[SMALL_RUN_first_low] = (cl_uint)first, w[SMALL_RUN_first_high] = (cl_uint)(first >> 32);
        w[SMALL_RUN_count] = (cl_uint)(left < most ? left : most);
        w[SMALL_RUN_rates] = w[SMALL_RUN_losses] = (cl_uint)(step + from);
        step += (size_t)run->count;
    }
}

static ls_status write_to(ls_cl_device *d, ls_small_buffer which, const void *from, size_t bytes,
                          ls_error *err)
{
    return ls_cl_check(d->cl.clEnqueueWriteBuffer(d->queue, d->small_buffer[which], CL_FALSE, 0,
                                                  bytes, from, 0, NULL, NULL),
                       "writing to the device", err);
}

/* Work-groups of a launch. On a CPU device one per compute unit, each of which takes member after
 * member; otherwise one per member, up to a number that keeps any device busy. */
static size_t groups_of(const ls_cl_device *d, const launch *l)
{
    size_t most = l->way.solo ? d->compute_units : 16384;
    return l->count < most ? l->count : most;
}

typedef struct {
    size_t size;
    const void *value;
} argument;

static cl_int set_arguments(const ls_cl_device *d, cl_kernel kernel, cl_uint first,
                            const argument *list, cl_uint count)
{
    cl_int code = CL_SUCCESS;
    for (cl_uint i = 0; i < count && code == CL_SUCCESS; i++)
        code = d->cl.clSetKernelArg(kernel, first + i, list[i].size, list[i].value);
    return code;
}

/* The kernels of CPU devices and of GPUs differ in their last arguments. */
static cl_int set_all_arguments(const ls_cl_device *d, const launch *l, const cl_mem buffers[4])
{
    const launch_way *way = &l->way;
    const cl_mem *own = d->small_buffer;
    const cl_uint members = (cl_uint)l->count, common = (cl_uint)way->common,
                  part = (cl_uint)way->part, parts = (cl_uint)way->split.parts,
                  items = (cl_uint)way->split.items;
    const argument scratch = {sizeof(cl_mem), &own[LS_SMALL_SCRATCH]},
                   local = {way->split.floats * sizeof(float), NULL};
    const argument first[] = {
        {sizeof(cl_mem), &buffers[0]},          {sizeof(cl_mem), &buffers[1]},
        {sizeof(cl_mem), &buffers[2]},          {sizeof(cl_mem), &buffers[3]},
        {sizeof(cl_mem), &own[LS_SMALL_TABLE]}, {sizeof members, &members},
        {sizeof(cl_mem), &own[LS_SMALL_RATES]}, {sizeof(cl_mem), &own[LS_SMALL_LOSSES]},
        way->split.local ? local : scratch};
    const argument solo[] = {{sizeof part, &part}, {sizeof(cl_mem), &own[LS_SMALL_NEXT]}};
    const argument grouped[] = {{sizeof common, &common},
                                {sizeof part, &part},
                                {sizeof parts, &parts},
                                {sizeof items, &items}};
    enum { FIRST = sizeof first / sizeof *first };
    cl_int code = set_arguments(d, way->kernel, 0, first, FIRST);
    if (code != CL_SUCCESS) return code;
    return way->solo
               ? set_arguments(d, way->kernel, FIRST, solo, sizeof solo / sizeof *solo)
               : set_arguments(d, way->kernel, FIRST, grouped, sizeof grouped / sizeof *grouped);
}

static ls_status enqueue(ls_cl_device *d, const launch *l, const cl_mem buffers[4], ls_error *err)
{
    static const cl_uint zero = 0;
    size_t group = l->way.split.group, global = groups_of(d, l) * group;
    cl_int code = set_all_arguments(d, l, buffers);
    if (code == CL_SUCCESS)
        code = d->cl.clEnqueueWriteBuffer(d->queue, d->small_buffer[LS_SMALL_NEXT], CL_FALSE, 0,
                                          sizeof zero, &zero, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = d->cl.clEnqueueNDRangeKernel(d->queue, l->way.kernel, 1, NULL, &global, &group, 0,
                                            NULL, NULL);
    return ls_cl_check(code, "running small networks", err);
}

/* All steps, on a GPU in launches of bounded time; where a launch ends changes no bit. The last one
 * is not waited for. */
static ls_status launch_all(ls_cl_device *d, launch *l, const cl_mem buffers[4], ls_error *err)
{
    double pace = launch_seconds /
                  8; /* seconds per step of all members: a guess for the first launch */
    uint64_t most = 0, piece;
    for (size_t i = 0; i < l->count; i++)
        if (l->runs[i].run->count > most) most = l->runs[i].run->count;
    for (uint64_t from = 0; from < most; from += piece) {
        piece = most - from;
        if (!l->way.solo && (double)piece * pace > launch_seconds)
            piece = (uint64_t)(launch_seconds / pace) + 1;
        if (piece > most - from) piece = most - from;
        set_steps(l, from, piece);
        LS_TRY(write_to(d, LS_SMALL_TABLE, l->table, l->words * sizeof *l->table, err));
        double started = ls_clock();
        LS_TRY(enqueue(d, l, buffers, err));
        if (from + piece == most) break;
        /* the table must have been read before it changes */
        LS_TRY(ls_cl_check(d->cl.clFinish(d->queue), "running small networks", err));
        pace = (ls_clock() - started) / (double)piece;
    }
    return LS_OK;
}

static ls_status run_launch(ls_cl_device *d, launch *l, const cl_mem buffers[4], ls_error *err)
{
    LS_TRY(ensure_buffer(d, LS_SMALL_TABLE, l->words, err));
    LS_TRY(ensure_buffer(d, LS_SMALL_RATES, 4 * l->steps, err));
    LS_TRY(ensure_buffer(d, LS_SMALL_LOSSES, l->steps, err));
    LS_TRY(ensure_buffer(d, LS_SMALL_NEXT, 1, err));
    if (!l->way.split.local)
        LS_TRY(ensure_buffer(d, LS_SMALL_SCRATCH, groups_of(d, l) * l->way.split.floats, err));
    fill(l);
    LS_TRY(write_to(d, LS_SMALL_RATES, l->rates, l->steps * sizeof *l->rates, err));
    LS_TRY(ls_cl_expect(d, d->small_buffer[LS_SMALL_LOSSES], l->steps, err));
    LS_TRY(launch_all(d, l, buffers, err));
    const ls_cl_reading losses = {d->small_buffer[LS_SMALL_LOSSES], 0, l->steps, l->losses};
    LS_TRY(ls_cl_read_twice(d, &losses, 1, err));
    for (size_t i = 0, at = 0; i < l->count; at += (size_t)l->runs[i++].run->count)
        memcpy(l->runs[i].run->losses, l->losses + at,
               (size_t)l->runs[i].run->count * sizeof(float));
    return LS_OK;
}

/* The slab and the data of a launch. */
static ls_status run_members(cl_workspace *w, cl_mem slab, const small_run *runs, size_t count,
                             const launch_way *way, ls_error *err)
{
    launch l = {.runs = runs, .way = *way, .count = count, .words = count * SMALL_RUN_WORDS};
    const cl_mem buffers[4] = {slab, w->x, w->t, w->weight};
    for (size_t i = 0; i < count; i++) {
        l.words += runs[i].small->words;
        l.steps += (size_t)runs[i].run->count;
    }
    _Static_assert(sizeof(ls_rates) == LS_RATES_COUNT * sizeof(float), "rates travel as floats");
    if (!l.steps) return LS_OK;
    ls_status status = ls_alloc(&l.table, l.words, sizeof *l.table, "a launch", err);
    if (status == LS_OK) status = ls_alloc(&l.rates, l.steps, sizeof *l.rates, "a launch", err);
    if (status == LS_OK) status = ls_alloc(&l.losses, l.steps, sizeof *l.losses, "a launch", err);
    if (status == LS_OK) status = run_launch(w->device, &l, buffers, err);
    if (status != LS_OK) w->device->cl.clFinish(w->device->queue); /* it may read the memory */
    free(l.table);
    free(l.rates);
    free(l.losses);
    return status;
}

/* ---- The way --------------------------------------------------------------------------------- */

static ls_status prepare(ls_cl_device *d, const ls_plan *plan, void **out, ls_error *err)
{
    bool grouped = !ls_cl_small_is_solo(d);
    ls_small_words *small = NULL;
    if (!grouped || d->group_limit >= LS_SMALL_GROUP)
        LS_TRY(ls_small_words_build(plan, grouped, &small, err));
    *out = small;
    return LS_OK;
}

static void release(ls_cl_device *d, void *prepared)
{
    (void)d;
    ls_small_words_free(prepared);
}

size_t ls_cl_small_scratch(const void *prepared)
{
    return ((const ls_small_words *)prepared)->scratch;
}

/* A group that works alone on a large network leaves most of a GPU idle: at some 1e10 fma per
 * second, even trying it would cost a noticeable time. */
static ls_cl_readiness ready(cl_workspace *w, const ls_run *const *runs, size_t count)
{
    static const double most = 1 << 24; /* fma of a forward pass */
    const ls_plan *plan = member_at(w, runs[0]->member)->plan;
    bool idle = !ls_cl_small_is_solo(w->device) && 4 * count < w->device->compute_units;
    return idle && (double)plan->weights * (double)plan->batch > most ? LS_CL_NEVER : LS_CL_READY;
}

static ls_status steps(cl_workspace *w, const ls_run *const *runs, size_t count, bool *intact,
                       ls_error *err)
{
    small_run *list;
    LS_TRY(ls_alloc(&list, count, sizeof *list, "a launch", err));
    for (size_t i = 0; i < count; i++) {
        const member *m = member_at(w, runs[i]->member);
        assert(m->origin + m->plan->rows <= w->shape.rows);
        list[i] = (small_run){m->prepared[LS_CL_WAY_SMALL].data, m->base, m->origin, m->plan->batch,
                              runs[i]};
    }
    launch_way way = choose(w->device, list, count);
    ls_status status = find_kernel(w->device, &way, err);
    *intact = status != LS_OK; /* nothing has run if the program does not build */
    if (status == LS_OK)
        status = run_members(w, member_at(w, runs[0]->member)->arena, list, count, &way, err);
    free(list);
    return status;
}

const ls_cl_way ls_cl_small_way = {
    .prepare = prepare, .release = release, .ready = ready, .steps = steps, .close = close_way};
