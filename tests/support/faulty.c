/* SPDX-License-Identifier: MIT */
#include "tests/support/faulty.h"
#include "core_cpu/cpu.h"
#include "host/base/memory.h"
#include "host/device/choice.h"
#include "host/network/device_kind.h"
#include "tests/support/clock.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    ls_backend base;
    ls_backend_slots slots;
    ls_backend *inner;
    fault *fault;
} faulty_backend;

typedef struct {
    ls_workspace base;
    ls_workspace *inner;
    int members;
} faulty_workspace;

static faulty_backend *backend_of(ls_workspace *w) { return (faulty_backend *)w->backend; }
static ls_workspace *inner_of(ls_workspace *w) { return ((faulty_workspace *)w)->inner; }

/* Counts a call. */
static ls_status enter(faulty_backend *b, ls_error *err)
{
    fault *f = b->fault;
    bool now = ++f->calls == f->at;
    if (now && f->kind == FAULT_DIES) f->dead = true;
    if (f->dead) return ls_fail(err, LS_ERR_DEVICE, "planted failure");
    return now && f->kind == FAULT_MEMORY ? ls_fail(err, LS_ERR_MEMORY, "planted lack of memory")
                                          : LS_OK;
}

static void flip(float *value)
{
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    bits ^= 1u << 20;
    memcpy(value, &bits, sizeof bits);
}

static ls_status workspace_open(ls_backend *base, const ls_rows *data, ls_workspace **out,
                                ls_error *err)
{
    faulty_backend *b = (faulty_backend *)base;
    faulty_workspace *w;
    LS_TRY(enter(b, err));
    LS_TRY(ls_alloc(&w, 1, sizeof *w, "a workspace", err));
    w->base.backend = base;
    ls_status status = b->inner->slots->workspace_open(b->inner, data, &w->inner, err);
    if (status != LS_OK) {
        free(w);
        return status;
    }
    b->fault->workspaces++;
    *out = &w->base;
    return LS_OK;
}

static ls_status workspace_load(ls_workspace *w, const ls_rows *data, ls_error *err)
{
    LS_TRY(enter(backend_of(w), err));
    return inner_of(w)->backend->slots->workspace_load(inner_of(w), data, err);
}

static void workspace_close(ls_workspace *w)
{
    inner_of(w)->backend->slots->workspace_close(inner_of(w));
    backend_of(w)->fault->workspaces--;
    backend_of(w)->fault->members -= ((faulty_workspace *)w)->members;
    free(w);
}

static ls_status member_add(ls_workspace *w, const ls_plan *plan, size_t origin, size_t *member,
                            ls_error *err)
{
    LS_TRY(enter(backend_of(w), err));
    LS_TRY(inner_of(w)->backend->slots->member_add(inner_of(w), plan, origin, member, err));
    backend_of(w)->fault->members++;
    ((faulty_workspace *)w)->members++;
    return LS_OK;
}

static void member_remove(ls_workspace *w, size_t member)
{
    inner_of(w)->backend->slots->member_remove(inner_of(w), member);
    backend_of(w)->fault->members--;
    ((faulty_workspace *)w)->members--;
}

static ls_status run(ls_workspace *w, const ls_run *runs, size_t count, ls_error *err)
{
    fault *f = backend_of(w)->fault;
    const ls_backend_slots *slots = inner_of(w)->backend->slots;
    float value;
    LS_TRY(enter(backend_of(w), err));
    f->runs++;
    clock_advance(0.05);
    LS_TRY(slots->run(inner_of(w), runs, count, err));
    for (size_t i = 0; f->kind == FAULT_MATH && f->calls >= f->at && i < count; i++)
        for (uint64_t k = 0; k < runs[i].count; k++) flip(&runs[i].losses[k]);
    if (f->kind == FAULT_STATE && f->runs == f->at) {
        LS_TRY(slots->read(inner_of(w), runs->member, 0, 1, &value, err));
        flip(&value);
        return slots->write(inner_of(w), runs->member, 0, 1, &value, err);
    }
    return LS_OK;
}

static ls_status run_part(ls_workspace *w, const ls_part *part, ls_error *err)
{
    LS_TRY(enter(backend_of(w), err));
    return inner_of(w)->backend->slots->run_part(inner_of(w), part, err);
}

/* As of a device with memory of its own: all goes through read and write. */
static float *memory(ls_workspace *w, size_t member)
{
    (void)w, (void)member;
    return NULL;
}

static ls_status infer(ls_workspace *w, size_t member, size_t first, size_t rows, float *outputs,
                       float *losses, ls_error *err)
{
    LS_TRY(enter(backend_of(w), err));
    return inner_of(w)->backend->slots->infer(inner_of(w), member, first, rows, outputs, losses,
                                              err);
}

static ls_status read_arena(ls_workspace *w, size_t member, size_t at, size_t count, float *to,
                            ls_error *err)
{
    fault *f = backend_of(w)->fault;
    LS_TRY(enter(backend_of(w), err));
    LS_TRY(inner_of(w)->backend->slots->read(inner_of(w), member, at, count, to, err));
    if (++f->reads == f->at && f->kind == FAULT_READ && count) flip(&to[count / 2]);
    return LS_OK;
}

static ls_status write_arena(ls_workspace *w, size_t member, size_t at, size_t count,
                             const float *from, ls_error *err)
{
    LS_TRY(enter(backend_of(w), err));
    return inner_of(w)->backend->slots->write(inner_of(w), member, at, count, from, err);
}

static ls_status copy(ls_workspace *w, size_t member, size_t from, size_t to, size_t count,
                      ls_error *err)
{
    LS_TRY(enter(backend_of(w), err));
    return inner_of(w)->backend->slots->copy(inner_of(w), member, from, to, count, err);
}

static const char *note(ls_backend *b)
{
    (void)b;
    return "";
}

static ls_builds builds(const ls_backend *b)
{
    (void)b;
    return (ls_builds){0};
}

static void close_backend(ls_backend *base)
{
    faulty_backend *b = (faulty_backend *)base;
    b->inner->slots->close(b->inner);
    free(b);
}

static float *memory_in_place(ls_workspace *w, size_t member)
{
    return inner_of(w)->backend->slots->memory(inner_of(w), member);
}

ls_status faulty_backend_open(fault *f, ls_backend **out, ls_error *err)
{
    static const ls_backend_slots slots = {.workspace_open = workspace_open,
                                           .workspace_load = workspace_load,
                                           .workspace_close = workspace_close,
                                           .member_add = member_add,
                                           .member_remove = member_remove,
                                           .run = run,
                                           .run_part = run_part,
                                           .memory = memory,
                                           .infer = infer,
                                           .read = read_arena,
                                           .write = write_arena,
                                           .copy = copy,
                                           .note = note,
                                           .builds = builds,
                                           .close = close_backend};
    faulty_backend *b;
    LS_TRY(ls_alloc(&b, 1, sizeof *b, "a device", err));
    LS_TRY(ls_cpu_open(1, NULL, &b->inner, err));
    b->slots = slots;
    if (f->in_place) b->slots.in_place = true, b->slots.memory = memory_in_place;
    b->base.slots = &b->slots;
    b->fault = f;
    *out = &b->base;
    return LS_OK;
}

ls_status faulty_open(fault *f, ls_device **out, ls_error *err)
{
    ls_device *d;
    LS_TRY(ls_alloc(&d, 1, sizeof *d, "a device", err));
    LS_TRY(faulty_backend_open(f, &d->backend, err));
    d->info = (ls_device_info){.struct_size = sizeof d->info, .index = 1, .exact = 1};
    snprintf(d->info.name, sizeof d->info.name, "faulty device");
    ls_device_set_kind(&d->info, LS_KIND_GPU);
    LS_TRY(ls_choice_create_fixed(d, 1, &d->choice, err));
    *out = d;
    return LS_OK;
}
