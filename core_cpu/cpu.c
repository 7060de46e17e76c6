/* SPDX-License-Identifier: MIT */
/* The CPU path as a backend: memory, members and its slots. */
#include "core_cpu/cpu.h"
#include "core_cpu/image_norm.h"
#include "core_cpu/instruction_sets.h"
#include "core_cpu/run.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

/* The arena of a member, of which the `count` floats from offset `at` on are about to be used. */
static float *arena_of(const ls_workspace *base, size_t index, size_t at, size_t count)
{
    const cpu_member *m = ls_cpu_member((const cpu_workspace *)base, index);
    assert(at <= m->plan->arena && count <= m->plan->arena - at);
    (void)at, (void)count;
    return m->arena;
}

static ls_status cpu_read(ls_workspace *base, size_t index, size_t at, size_t count, float *to,
                          ls_error *err)
{
    (void)err;
    memcpy(to, arena_of(base, index, at, count) + at, count * sizeof *to);
    return LS_OK;
}

static ls_status cpu_write(ls_workspace *base, size_t index, size_t at, size_t count,
                           const float *from, ls_error *err)
{
    (void)err;
    memcpy(arena_of(base, index, at, count) + at, from, count * sizeof *from);
    return LS_OK;
}

static ls_status cpu_copy(ls_workspace *base, size_t index, size_t from, size_t to, size_t count,
                          ls_error *err)
{
    (void)err;
    assert(from + count <= to || to + count <= from);
    memcpy(arena_of(base, index, to, count) + to, arena_of(base, index, from, count) + from,
           count * sizeof(float));
    return LS_OK;
}

/* Frees what a member owns, which may be incomplete, and its number. */
static void clear_member(cpu_workspace *workspace, size_t index)
{
    cpu_member *m = &workspace->members[index];
    if (m->plan) ls_release(m->arena, m->plan->arena, sizeof *m->arena);
    free(m->square_sums);
    free(m->image_sums);
    ls_chunks_free(m->chunks);
    *m = (cpu_member){0};
    if (index < workspace->lowest) workspace->lowest = index;
}

static void cpu_member_remove(ls_workspace *base, size_t index)
{
    cpu_workspace *workspace = (cpu_workspace *)base;
    (void)ls_cpu_member(workspace, index); /* asserts that it exists */
    clear_member(workspace, index);
}

/* Narrower rows are cheap to copy: their GATHER is not skipped. */
enum { WIDE_ROWS = 64 };

static ls_status fill_member(cpu_member *m, const ls_cpu_kernels *kernels, const ls_plan *plan,
                             size_t origin, ls_error *err)
{
    m->plan = plan;
    m->origin = origin;
    if (!plan->shared) {
        m->skipped_gather = ls_plan_skippable_gather(plan, WIDE_ROWS);
        LS_TRY(ls_chunks_build(plan, kernels->lane_unit, kernels->lane_unit / 4, &m->chunks, err));
    }
    /* reserved, not touched: chunk-wise steps use only a part of it */
    LS_TRY(ls_reserve(&m->arena, plan->arena, sizeof *m->arena, "the network", err));
    const size_t sums = ls_cpu_image_sums(plan);
    if (sums)
        LS_TRY(ls_alloc(&m->image_sums, plan->batch, sums * sizeof *m->image_sums, "the network",
                        err));
    if (plan->clip > 0)
        LS_TRY(ls_alloc(&m->square_sums, (plan->parameters + LS_CHUNK - 1) / LS_CHUNK,
                        sizeof *m->square_sums, "the network", err));
    return LS_OK;
}

#ifndef NDEBUG
/* Whether the data has what the steps of a plan read, see member_add in host/network/backend.h. */
static bool data_suffices(const ls_rows *data, const ls_plan *plan, size_t origin)
{
    for (size_t i = 0; i < plan->step.count; i++) {
        const ls_op *o = &plan->step.op[i];
        const ls_view views[] = {o->x, o->target, o->row_weight};
        for (size_t k = 0; k < sizeof views / sizeof *views; k++) {
            if (views[k].place == LS_NOWHERE || views[k].place == LS_ARENA) continue;
            if (origin > data->rows || plan->rows > data->rows - origin) return false;
            if (views[k].place == LS_DATA_WEIGHT && !data->row_weight) return false;
        }
    }
    return true;
}
#endif

static ls_status cpu_member_add(ls_workspace *base, const ls_plan *plan, size_t origin, size_t *out,
                                ls_error *err)
{
    cpu_workspace *workspace = (cpu_workspace *)base;
    assert(data_suffices(&workspace->data, plan, origin));
    size_t index = workspace->lowest;
    while (index < workspace->count && workspace->members[index].plan) index++;
    LS_TRY(ls_grow(&workspace->members, &workspace->capacity, index + 1, sizeof *workspace->members,
                   "members", err));
    ls_status status = fill_member(&workspace->members[index],
                                   ((cpu_backend *)base->backend)->kernels, plan, origin, err);
    if (status != LS_OK) {
        clear_member(workspace, index);
        return status;
    }
    if (index == workspace->count) workspace->count++;
    workspace->lowest = index + 1;
    *out = index;
    return LS_OK;
}

static void cpu_workspace_close(ls_workspace *base)
{
    cpu_workspace *workspace = (cpu_workspace *)base;
    for (size_t i = 0; i < workspace->count; i++) clear_member(workspace, i);
    free(workspace->members);
    free(workspace);
}

static ls_status cpu_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                    ls_error *err)
{
    cpu_workspace *workspace;
    LS_TRY(ls_alloc(&workspace, 1, sizeof *workspace, "a workspace", err));
    workspace->base.backend = backend;
    workspace->data = *data;
    *out = &workspace->base;
    return LS_OK;
}

static ls_status cpu_workspace_load(ls_workspace *base, const ls_rows *data, ls_error *err)
{
    (void)err;
    ((cpu_workspace *)base)->data = *data;
    return LS_OK;
}

static float *cpu_memory(ls_workspace *base, size_t member)
{
    return ls_cpu_member((cpu_workspace *)base, member)->arena;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static void cpu_close(ls_backend *base)
{
    cpu_backend *backend = (cpu_backend *)base;
    ls_pool_close(backend->pool);
    ls_release(backend->scratch, backend->scratch_threads, LS_MATMUL_SCRATCH * sizeof(float));
    free(backend);
}

static const char *cpu_note(ls_backend *backend) { return ((cpu_backend *)backend)->note; }

/* Scratch memory for at least this many threads; reserved, as few parts are used in full. */
static ls_status take_scratch(cpu_backend *backend, size_t threads, ls_error *err)
{
    const size_t bytes = LS_MATMUL_SCRATCH * sizeof(float);
    float *scratch;
    if (threads <= backend->scratch_threads) return LS_OK;
    LS_TRY(ls_reserve(&scratch, threads, bytes, "the CPU path", err));
    ls_release(backend->scratch, backend->scratch_threads, bytes);
    backend->scratch = scratch, backend->scratch_threads = threads;
    return LS_OK;
}

static ls_builds cpu_builds(const ls_backend *base)
{
    (void)base;
    return (ls_builds){0};
}

static const ls_backend_slots cpu_slots = {
    .workspace_open = cpu_workspace_open,
    .workspace_load = cpu_workspace_load,
    .workspace_close = cpu_workspace_close,
    .member_add = cpu_member_add,
    .member_remove = cpu_member_remove,
    .run = ls_cpu_run,
    .run_part = ls_cpu_run_part,
    .in_place = true,
    .memory = cpu_memory,
    .infer = ls_cpu_infer,
    .read = cpu_read,
    .write = cpu_write,
    .copy = cpu_copy,
    .note = cpu_note,
    .builds = cpu_builds,
    .close = cpu_close,
};

unsigned ls_cpu_threads(const ls_backend *backend)
{
    return backend->slots == &cpu_slots ? ((const cpu_backend *)backend)->threads : 0;
}

/* After a pool was opened for `threads` threads. */
static void note_threads(cpu_backend *backend, unsigned threads)
{
    unsigned started = ls_pool_threads(backend->pool);
    backend->threads = threads;
    *backend->note = '\0';
    if (started < threads)
        snprintf(backend->note, sizeof backend->note,
                 "only %u of %u threads could be started (a limit of the system); the model is the "
                 "same, it takes longer",
                 started, threads);
}

ls_status ls_cpu_use(ls_backend *base, unsigned threads, ls_error *err)
{
    cpu_backend *backend = (cpu_backend *)base;
    ls_pool *pool;
    if (threads == backend->threads) return LS_OK;
    LS_TRY(take_scratch(backend, threads, err));
    LS_TRY(ls_pool_open(threads, &pool, err));
    ls_pool_close(backend->pool);
    backend->pool = pool;
    note_threads(backend, threads);
    return LS_OK;
}

ls_status ls_cpu_open(unsigned threads, const char *isa, ls_backend **out, ls_error *err)
{
    ls_cpu_set set;
    bool found = ls_cpu_set_at(0, &set);
    for (size_t i = 0; isa && (found = ls_cpu_set_at(i, &set)) && strcmp(set.name, isa); i++)
        continue;
    if (!found)
        return ls_fail(err, LS_ERR_ARGUMENT, "this machine does not run the instruction set '%s'",
                       isa);
    if (!threads) threads = ls_usable_cores();
    cpu_backend *backend;
    LS_TRY(ls_alloc(&backend, 1, sizeof *backend, "the CPU path", err));
    backend->base.slots = &cpu_slots;
    backend->kernels = set.kernels;
    backend->tile = set.tile;
    ls_status status = ls_pool_open(threads, &backend->pool, err);
    if (status == LS_OK) note_threads(backend, threads);
    if (status == LS_OK) status = take_scratch(backend, threads, err);
    if (status != LS_OK) {
        cpu_close(&backend->base);
        return status;
    }
    *out = &backend->base;
    return LS_OK;
}

const char *ls_cpu_isa_at(size_t i)
{
    ls_cpu_set set;
    return ls_cpu_set_at(i, &set) ? set.name : NULL;
}
