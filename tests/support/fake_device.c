/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core_cpu/cpu.h"
#include "host/device/choice.h"
#include "tests/support/clock.h"
#include "tests/support/fake_device.h"

/* ---- A device -------------------------------------------------------------------------------- */

static fake_device *disguised[2];
static size_t disguised_count;

static fake_device *fake_of(const ls_backend *backend)
{
    for (size_t i = 0; i < disguised_count; i++)
        if (backend->slots == &disguised[i]->slots) return disguised[i];
    cr_assert_fail("a backend that is not disguised");
    return NULL;
}

/* Counts a call, and fails it if the test wants that. */
static ls_status next_call(const ls_backend *backend, fake_device **out, ls_error *err)
{
    fake_device *f = *out = fake_of(backend);
    f->calls++;
    return f->fails_at && f->calls >= f->fails_at
               ? ls_fail(err, LS_ERR_DEVICE, "the device fell over")
               : LS_OK;
}

static ls_status fake_workspace_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                                     ls_error *err)
{
    fake_device *f;
    LS_TRY(next_call(backend, &f, err));
    return f->real->workspace_open(backend, data, out, err);
}

static ls_status fake_member_add(ls_workspace *workspace, const ls_plan *plan, size_t origin,
                                 size_t *member, ls_error *err)
{
    fake_device *f;
    LS_TRY(next_call(workspace->backend, &f, err));
    LS_TRY(f->real->member_add(workspace, plan, origin, member, err));
    f->members++;
    return LS_OK;
}

static void fake_member_remove(ls_workspace *workspace, size_t member)
{
    fake_device *f = fake_of(workspace->backend);
    f->members--;
    f->real->member_remove(workspace, member);
}

static ls_status fake_run(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err)
{
    fake_device *f;
    uint64_t steps = 0;
    LS_TRY(next_call(workspace->backend, &f, err));
    for (size_t i = 0; i < count; i++) steps += runs[i].count;
    double factor = clock_now() < f->disturbed_until ? 2 : 1;
    clock_advance(factor * f->step_seconds * (double)steps + (f->steps ? 0 : f->compile_seconds));
    f->steps += steps;
    return f->real->run(workspace, runs, count, err);
}

static ls_status fake_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                            float *outputs, float *losses, ls_error *err)
{
    fake_device *f;
    LS_TRY(next_call(workspace->backend, &f, err));
    return f->real->infer(workspace, member, first, rows, outputs, losses, err);
}

static ls_status fake_read(ls_workspace *workspace, size_t member, size_t at, size_t count,
                           float *to, ls_error *err)
{
    fake_device *f;
    LS_TRY(next_call(workspace->backend, &f, err));
    return f->real->read(workspace, member, at, count, to, err);
}

static ls_status fake_write(ls_workspace *workspace, size_t member, size_t at, size_t count,
                            const float *from, ls_error *err)
{
    fake_device *f;
    LS_TRY(next_call(workspace->backend, &f, err));
    return f->real->write(workspace, member, at, count, from, err);
}

static ls_status fake_copy(ls_workspace *workspace, size_t member, size_t from, size_t to,
                           size_t count, ls_error *err)
{
    fake_device *f;
    LS_TRY(next_call(workspace->backend, &f, err));
    return f->real->copy(workspace, member, from, to, count, err);
}

static void disguise(ls_backend *backend, fake_device *f)
{
    cr_assert_lt(disguised_count, 2);
    disguised[disguised_count++] = f;
    f->real = backend->slots;
    f->slots = *backend->slots;
    f->slots.workspace_open = fake_workspace_open;
    f->slots.member_add = fake_member_add;
    f->slots.member_remove = fake_member_remove;
    f->slots.run = fake_run;
    f->slots.infer = fake_infer;
    f->slots.read = fake_read;
    f->slots.write = fake_write;
    f->slots.copy = fake_copy;
    f->calls = 0;
    f->steps = f->members = 0;
    backend->slots = &f->slots;
}

/* ---- Its opening ----------------------------------------------------------------------------- */

static struct {
    ls_opener base;
    fake_device *other;
    ls_found_device found;
    double ends; /* of the task */
    bool searched;
} opener;

static void begin_finding(ls_opener *base, unsigned idle_threads)
{
    (void)base, (void)idle_threads;
    opener.searched = true;
    opener.ends = clock_now() + opener.other->find_seconds;
}

static void begin_opening(ls_opener *base, const ls_device_info *device, const ls_example *example)
{
    (void)base;
    cr_assert(example->settings && example->inputs && example->shape.targets && example->rows);
    cr_assert_eq(device->index, 1);
    opener.ends = clock_now() + opener.other->open_seconds;
}

static bool has_ended(ls_opener *base)
{
    (void)base;
    return clock_now() >= opener.ends;
}

static void wait_for_end(void)
{
    if (clock_now() < opener.ends) clock_advance(opener.ends - clock_now());
}

static ls_status end_finding(ls_opener *base, const ls_found_device **list, size_t *count,
                             ls_error *err)
{
    (void)base, (void)err;
    wait_for_end();
    *list = &opener.found;
    *count = 1;
    return LS_OK;
}

static ls_status end_opening(ls_opener *base, ls_backend **out, ls_device_info *info, ls_error *err)
{
    (void)base;
    fake_device *f = opener.other;
    wait_for_end();
    if (f->open_error) return ls_fail(err, LS_ERR_DEVICE, "%s", f->open_error);
    LS_TRY(ls_cpu_open(1, NULL, out, err));
    disguise(*out, f);
    *info = opener.found.info;
    info->exact = !f->approximate;
    snprintf(info->reason, sizeof info->reason, "%s", f->approximate ? f->approximate : "");
    return LS_OK;
}

static void close_opener(ls_opener *base) { (void)base; }

/* ---- The choice ------------------------------------------------------------------------------ */

ls_device *fake_choice_open(fake_device *cpu, fake_device *other)
{
    static const ls_opener_slots slots = {.find = begin_finding,
                                          .open = begin_opening,
                                          .ended = has_ended,
                                          .found = end_finding,
                                          .opened = end_opening,
                                          .close = close_opener};
    ls_device_info info = {.index = 1, .name = "another device", .kind = "gpu", .exact = 1};
    ls_device *device;
    ls_error err;
    clock_start(0);
    cr_assert_eq(ls_device_open("auto", 1, 0, &device, &err), LS_OK, "%s", err.message);
    disguised_count = 0;
    disguise(device->backend, cpu);
    other->calls = 0;
    other->steps = other->members = 0;
    memset(&opener, 0, sizeof opener);
    opener.base.slots = &slots;
    opener.other = other;
    opener.found = (ls_found_device){.info = info, .checked = !other->unchecked};
    device->choice->opener->slots->close(device->choice->opener);
    device->choice->opener = &opener.base;
    return device;
}

bool fake_choice_searched(void) { return opener.searched; }

const ls_device_timing *fake_timing(const ls_device *device)
{
    static ls_device_timing list[2];
    size_t count = 0;
    list[0].struct_size = sizeof *list;
    cr_assert_eq(ls_device_timings(device, list, 2, &count, NULL), LS_OK);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i].name, opener.found.info.name)) return &list[i];
    return NULL;
}
