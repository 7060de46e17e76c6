/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_whole.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_workspace.h"
#include "host/opencl/whole_barrier.h"
#include "host/opencl/whole_program.h"
#include "host/opencl/whole_words.h"
#include <stdlib.h>
#include <string.h>

/* Longest launch: a GPU may drive a display, which waits meanwhile. */
static const double launch_seconds = 0.05;

/* Buffers of launches, in floats. */
typedef enum { TABLE, RATES, LOSSES, SCRATCH, SHARED, BACKUP, BUFFERS } buffer;

/* What the way keeps on a device. */
typedef struct {
    ls_whole_program program;
    cl_mem buffer[BUFFERS];
    size_t room[BUFFERS];
} state;

/* ---- The device ------------------------------------------------------------------------------ */

static ls_status state_of(ls_cl_device *d, state **out, ls_error *err)
{
    if (!d->way_state[LS_CL_WAY_WHOLE])
        LS_TRY(ls_alloc(&d->way_state[LS_CL_WAY_WHOLE], 1, sizeof(state), "a launch", err));
    *out = d->way_state[LS_CL_WAY_WHOLE];
    return LS_OK;
}

/* Enlarges a buffer, which later launches use, too, to at least that many floats. */
static ls_status ensure_buffer(ls_cl_device *d, state *s, buffer which, size_t floats,
                               ls_error *err)
{
    if (s->room[which] >= floats && s->buffer[which]) return LS_OK;
    if (s->buffer[which]) d->cl.clReleaseMemObject(s->buffer[which]);
    s->buffer[which] = NULL;
    s->room[which] = 0;
    LS_TRY(ls_cl_buffer(d, floats, "a launch", &s->buffer[which], err));
    s->room[which] = floats;
    return LS_OK;
}

static void close_way(ls_cl_device *d)
{
    state *s = d->way_state[LS_CL_WAY_WHOLE];
    if (!s) return;
    ls_whole_program_release(d, &s->program);
    for (int i = 0; i < BUFFERS; i++)
        if (s->buffer[i]) d->cl.clReleaseMemObject(s->buffer[i]);
    free(s);
    d->way_state[LS_CL_WAY_WHOLE] = NULL;
}

/* ---- Members --------------------------------------------------------------------------------- */

/* A member's program for a number of groups, made at its first steps: there may be thousands of
 * members that never run in this way. */
typedef struct {
    const ls_plan *plan;
    size_t groups, group;
    bool impossible;
    ls_whole_words *words;
} prepared;

static ls_status prepare(ls_cl_device *d, const ls_plan *plan, void **out, ls_error *err)
{
    prepared *p;
    if (!ls_whole_is_possible(d) || !plan->step.count) return LS_OK;
    LS_TRY(ls_alloc(&p, 1, sizeof *p, "the network", err));
    p->plan = plan;
    *out = p;
    return LS_OK;
}

static void release(ls_cl_device *d, void *data)
{
    prepared *p = data;
    (void)d;
    ls_whole_words_free(p->words);
    free(p);
}

/* Sets p->words, or p->impossible. */
static ls_status ensure_words(const ls_cl_device *d, prepared *p, size_t groups, ls_error *err)
{
    state *s = d->way_state[LS_CL_WAY_WHOLE];
    ls_whole_limits limits = ls_whole_limits_of(d, s ? &s->program : NULL, groups);
    if (p->impossible || (p->words && p->groups == groups && p->group == limits.group))
        return LS_OK;
    ls_whole_words_free(p->words);
    p->words = NULL;
    p->groups = groups, p->group = limits.group;
    LS_TRY(ls_whole_words_build(p->plan, &limits, &p->words, err));
    p->impossible = !p->words;
    return LS_OK;
}

/* ---- Launching ------------------------------------------------------------------------------- */

/* A member's part of a launch. */
typedef struct {
    const ls_whole_words *words;
    const ls_plan *plan;
    size_t base, origin; /* offset of its arena in the slab, and the first of its rows */
    const ls_run *run;
} part;

typedef struct {
    cl_workspace *workspace;
    state *state;
    cl_mem slab;
    const part *parts;
    size_t count, teams, groups; /* groups: of a team */
    size_t words, steps, scratch, backup;
    cl_uint *table;
    ls_rates *rates;
    float *losses;
} launch;

static ls_status write_to(launch *l, buffer which, const void *from, size_t bytes, ls_error *err)
{
    ls_cl_device *d = l->workspace->device;
    return ls_cl_check(d->cl.clEnqueueWriteBuffer(d->queue, l->state->buffer[which], CL_FALSE, 0,
                                                  bytes, from, 0, NULL, NULL),
                       "writing to the device", err);
}

static void fill(launch *l)
{
    size_t program = l->count * WHOLE_RUN_WORDS, step = 0, scratch = 0;
    for (size_t i = 0; i < l->count; i++) {
        const part *p = &l->parts[i];
        cl_uint *w = l->table + i * WHOLE_RUN_WORDS;
        w[WHOLE_RUN_program] = (cl_uint)program;
        w[WHOLE_RUN_arena_low] = (cl_uint)p->base,
        w[WHOLE_RUN_arena_high] = (cl_uint)((uint64_t)p->base >> 32);
        w[WHOLE_RUN_scratch] = (cl_uint)scratch;
        w[WHOLE_RUN_origin] = (cl_uint)p->origin;
        memcpy(l->table + program, p->words->word, p->words->count * sizeof *w);
        memcpy(l->rates + step, p->run->rates, (size_t)p->run->count * sizeof *l->rates);
        program += p->words->count;
        step += (size_t)p->run->count;
        scratch += p->words->scratch;
    }
}

/* Sets the launch to steps [from, from + most) of each member, as far as it has these steps. */
static void set_steps(launch *l, uint64_t from, uint64_t most)
{
    size_t step = 0;
    for (size_t i = 0; i < l->count; i++) {
        const ls_run *run = l->parts[i].run;
        cl_uint *w = l->table + i * WHOLE_RUN_WORDS;
        uint64_t first = run->first + from, left = run->count > from ? run->count - from : 0;
        w[WHOLE_RUN_first_low] = (cl_uint)first, w[WHOLE_RUN_first_high] = (cl_uint)(first >> 32);
        w[WHOLE_RUN_count] = (cl_uint)(left < most ? left : most);
        w[WHOLE_RUN_rates] = w[WHOLE_RUN_losses] = (cl_uint)(step + from);
        step += (size_t)run->count;
    }
}

static ls_status enqueue(launch *l, ls_error *err)
{
    ls_cl_device *d = l->workspace->device;
    const cl_mem *own = l->state->buffer;
    const cl_uint members = (cl_uint)l->count, teams = (cl_uint)l->teams,
                  groups = (cl_uint)l->groups, patience = ls_whole_patience(d),
                  features = (cl_uint)l->workspace->shape.features,
                  outputs = (cl_uint)l->workspace->shape.outputs, zero = 0;
    size_t group = l->state->program.group, global = l->teams * l->groups * group;
    const struct {
        size_t size;
        const void *value;
    } args[] = {{sizeof(cl_mem), &l->slab},
                {sizeof(cl_mem), &l->workspace->x},
                {sizeof(cl_mem), &l->workspace->t},
                {sizeof(cl_mem), &l->workspace->weight},
                {sizeof(cl_mem), &own[TABLE]},
                {sizeof members, &members},
                {sizeof(cl_mem), &own[RATES]},
                {sizeof(cl_mem), &own[LOSSES]},
                {sizeof(cl_mem), &own[SCRATCH]},
                {sizeof(cl_mem), &own[SHARED]},
                {sizeof teams, &teams},
                {sizeof groups, &groups},
                {sizeof patience, &patience},
                {sizeof features, &features},
                {sizeof outputs, &outputs}};
    cl_int code = d->cl.clEnqueueFillBuffer(d->queue, own[SHARED], &zero, sizeof zero, 0,
                                            (WHOLE_COUNTERS + l->teams * WHOLE_COUNTER_STRIDE) *
                                                sizeof zero,
                                            0, NULL, NULL);
    for (cl_uint i = 0; i < sizeof args / sizeof *args && code == CL_SUCCESS; i++)
        code = d->cl.clSetKernelArg(l->state->program.steps, i, args[i].size, args[i].value);
    if (code == CL_SUCCESS)
        code = d->cl.clEnqueueNDRangeKernel(d->queue, l->state->program.steps, 1, NULL, &global,
                                            &group, 0, NULL, NULL);
    return ls_cl_check(code, "running steps over the whole device", err);
}

/* Waits for the launch. *gone: a group has waited too long. */
static ls_status wait(launch *l, bool *gone, ls_error *err)
{
    ls_cl_device *d = l->workspace->device;
    cl_uint stop = 0;
    LS_TRY(ls_cl_check(d->cl.clEnqueueReadBuffer(d->queue, l->state->buffer[SHARED], CL_TRUE,
                                                 WHOLE_STOP * sizeof stop, sizeof stop, &stop, 0,
                                                 NULL, NULL),
                       "running steps over the whole device", err));
    *gone = stop != 0;
    return LS_OK;
}

/* Copies the state of all members to the backup, or back. */
static ls_status copy_states(launch *l, bool back, ls_error *err)
{
    ls_cl_device *d = l->workspace->device;
    size_t at = 0;
    cl_mem backup = l->state->buffer[BACKUP];
    for (size_t i = 0; i < l->count; i++) {
        const part *p = &l->parts[i];
        size_t bytes = p->plan->state * sizeof(float), arena = p->base * sizeof(float);
        LS_TRY(ls_cl_check(d->cl.clEnqueueCopyBuffer(d->queue, back ? backup : l->slab,
                                                     back ? l->slab : backup, back ? at : arena,
                                                     back ? arena : at, bytes, 0, NULL, NULL),
                           "copying on the device", err));
        at += bytes;
    }
    return LS_OK;
}

/* All steps, in launches of bounded time; where a launch ends changes no bit. */
static ls_status launch_all(launch *l, bool *gone, ls_error *err)
{
    double pace = launch_seconds / 8; /* seconds per step: a guess for the first launch */
    uint64_t most = 0, piece;
    for (size_t i = 0; i < l->count; i++)
        if (l->parts[i].run->count > most) most = l->parts[i].run->count;
    for (uint64_t from = 0; from < most && !*gone; from += piece) {
        piece = most - from;
        if ((double)piece * pace > launch_seconds) piece = (uint64_t)(launch_seconds / pace) + 1;
        if (piece > most - from) piece = most - from;
        set_steps(l, from, piece);
        double started = ls_clock();
        LS_TRY(write_to(l, TABLE, l->table, l->words * sizeof *l->table, err));
        LS_TRY(enqueue(l, err));
        LS_TRY(wait(l, gone, err));
        pace = (ls_clock() - started) / (double)piece;
    }
    return LS_OK;
}

static ls_status read_losses(launch *l, ls_error *err)
{
    const ls_cl_reading losses = {l->state->buffer[LOSSES], 0, l->steps, l->losses};
    LS_TRY(ls_cl_read_twice(l->workspace->device, &losses, 1, err));
    for (size_t i = 0, at = 0; i < l->count; at += (size_t)l->parts[i++].run->count)
        memcpy(l->parts[i].run->losses, l->losses + at,
               (size_t)l->parts[i].run->count * sizeof(float));
    return LS_OK;
}

/* A group has waited too long: not all groups run at the same time. */
static ls_status give_up(launch *l, bool *intact, ls_error *err)
{
    ls_cl_device *d = l->workspace->device;
    LS_TRY(copy_states(l, true, err));
    LS_TRY(ls_cl_check(d->cl.clFinish(d->queue), "copying on the device", err));
    *intact = true;
    return ls_whole_gone(l->teams * l->groups, err);
}

static ls_status run_launch(launch *l, bool *intact, ls_error *err)
{
    ls_cl_device *d = l->workspace->device;
    state *s = l->state;
    bool gone = false;
    LS_TRY(ensure_buffer(d, s, TABLE, l->words, err));
    LS_TRY(ensure_buffer(d, s, RATES, LS_RATES_COUNT * l->steps, err));
    LS_TRY(ensure_buffer(d, s, LOSSES, l->steps, err));
    LS_TRY(ensure_buffer(d, s, SCRATCH, l->scratch, err));
    LS_TRY(ensure_buffer(d, s, SHARED, WHOLE_COUNTERS + l->teams * WHOLE_COUNTER_STRIDE, err));
    LS_TRY(ensure_buffer(d, s, BACKUP, l->backup, err));
    fill(l);
    LS_TRY(copy_states(l, false, err));
    LS_TRY(write_to(l, RATES, l->rates, l->steps * sizeof *l->rates, err));
    LS_TRY(ls_cl_expect(l->workspace->device, l->state->buffer[LOSSES], l->steps, err));
    LS_TRY(launch_all(l, &gone, err));
    return gone ? give_up(l, intact, err) : read_losses(l, err);
}

/* The data of a launch. */
static ls_status run_parts(launch *l, bool *intact, ls_error *err)
{
    _Static_assert(sizeof(ls_rates) == LS_RATES_COUNT * sizeof(float), "rates travel as floats");
    l->words = l->count * WHOLE_RUN_WORDS;
    for (size_t i = 0; i < l->count; i++) {
        const part *p = &l->parts[i];
        l->words += p->words->count;
        l->steps += (size_t)p->run->count;
        l->scratch += p->words->scratch;
        l->backup += p->plan->state;
    }
    if (!l->steps) return LS_OK;
    ls_status status = ls_alloc(&l->table, l->words, sizeof *l->table, "a launch", err);
    if (status == LS_OK) status = ls_alloc(&l->rates, l->steps, sizeof *l->rates, "a launch", err);
    if (status == LS_OK)
        status = ls_alloc(&l->losses, l->steps, sizeof *l->losses, "a launch", err);
    if (status == LS_OK) status = run_launch(l, intact, err);
    free(l->table);
    free(l->rates);
    free(l->losses);
    return status;
}

/* ---- The way --------------------------------------------------------------------------------- */

/* Members are run by teams of groups, side by side. */
static size_t teams_of(const ls_cl_device *d, size_t count)
{
    size_t groups = ls_whole_groups(d);
    return count < groups ? count : groups;
}

/* Whether all members of a call can run in this way; sets their words. */
static bool suits(cl_workspace *w, const ls_run *const *runs, size_t count, size_t groups)
{
    ls_error unused;
    for (size_t i = 0; i < count; i++) {
        prepared *p = member_at(w, runs[i]->member)->prepared[LS_CL_WAY_WHOLE].data;
        if (ensure_words(w->device, p, groups, &unused) != LS_OK || p->impossible) return false;
    }
    return true;
}

/* Many members are better run one by each work-group. */
static ls_cl_readiness ready(cl_workspace *w, const ls_run *const *runs, size_t count)
{
    enum { FEW = 16 };
    ls_cl_device *d = w->device;
    state *s;
    ls_error unused;
    size_t groups = ls_whole_groups(d), each = groups / teams_of(d, count);
    if (count > FEW && count > groups) return LS_CL_NEVER;
    if (!suits(w, runs, count, each) || state_of(d, &s, &unused) != LS_OK) return LS_CL_NEVER;
    if (ls_whole_program_ready(d, &s->program) == LS_CL_BUILDING) return LS_CL_BUILDING;
    return suits(w, runs, count, each) ? LS_CL_READY : LS_CL_NEVER; /* in groups of its size */
}

static ls_status steps(cl_workspace *w, const ls_run *const *runs, size_t count, bool *intact,
                       ls_error *err)
{
    ls_cl_device *d = w->device;
    part *parts;
    launch l = {.workspace = w, .count = count, .teams = teams_of(d, count)};
    l.groups = ls_whole_groups(d) / l.teams;
    *intact = true; /* until something runs */
    LS_TRY(state_of(d, &l.state, err));
    LS_TRY(ls_whole_program_wait(d, &l.state->program, err));
    *intact = false;
    LS_TRY(ls_alloc(&parts, count, sizeof *parts, "a launch", err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        const member *m = member_at(w, runs[i]->member);
        prepared *p = m->prepared[LS_CL_WAY_WHOLE].data;
        status = ensure_words(d, p, l.groups, err);
        parts[i] = (part){p->words, m->plan, m->base, m->origin, runs[i]};
    }
    l.parts = parts;
    l.slab = member_at(w, runs[0]->member)->arena;
    if (status == LS_OK) status = run_parts(&l, intact, err);
    free(parts);
    return status;
}

const ls_cl_way ls_cl_whole_way = {
    .prepare = prepare, .release = release, .ready = ready, .steps = steps, .close = close_way};

ls_status ls_cl_whole_barrier(ls_cl_device *d, double *seconds, ls_error *err)
{
    state *s;
    const size_t groups = ls_whole_groups(d);
    *seconds = 0;
    if (!ls_whole_is_possible(d) || groups < 2) return LS_OK;
    LS_TRY(state_of(d, &s, err));
    LS_TRY(ls_whole_program_wait(d, &s->program, err));
    return ls_whole_barrier_measure(d, &s->program, groups, seconds, err);
}
