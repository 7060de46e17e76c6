/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
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

double fake_call(fake_device *f, uint64_t steps)
{
    bool first = !f->steps;
    double now = clock_now(), factor = now < f->disturbed_until ? 2 : 1;
    uint64_t slow = f->steps >= f->slow_steps ? 0 : f->slow_steps - f->steps;
    if (slow > steps) slow = steps;
    f->steps += steps;
    if (first && f->compile_seconds > 0) f->builds.ended++;
    if (first && f->beside_seconds > 0) {
        f->builds.pending = 1;
        f->beside_until = now + f->beside_seconds;
    }
    if (f->builds.pending && now >= f->beside_until)
        f->builds = (ls_builds){f->builds.ended + 1, 0};
    if (f->builds.pending) factor *= f->beside_factor;
    double work = (double)(steps - slow) + (slow ? f->slow_factor * (double)slow : 0);
    return factor * f->step_seconds * work + f->launch_seconds + (first ? f->compile_seconds : 0);
}

static ls_builds fake_builds(const ls_backend *backend)
{
    fake_device *f = fake_of(backend);
    if (f->builds.pending && clock_now() >= f->beside_until)
        f->builds = (ls_builds){f->builds.ended + 1, 0};
    return f->builds;
}

static ls_status fake_run(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err)
{
    fake_device *f;
    uint64_t steps = 0;
    LS_TRY(next_call(workspace->backend, &f, err));
    for (size_t i = 0; i < count; i++) steps += runs[i].count;
    clock_advance(fake_call(f, steps));
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
    f->slots.builds = fake_builds;
    f->calls = 0;
    f->steps = f->members = 0;
    f->builds = (ls_builds){0};
    backend->slots = &f->slots;
}

/* ---- Its opening ----------------------------------------------------------------------------- */

static struct {
    ls_opener base;
    fake_device *other;
    ls_known_device found;
    ls_backend *backend; /* that is only warmed up, or NULL */
    size_t copies;       /* of the network that it is warmed up with */
    double ends;         /* of the task */
    bool searched;
} opener;

static void begin_finding(ls_opener *base, unsigned idle_threads)
{
    (void)base, (void)idle_threads;
    opener.searched = true;
    opener.ends = clock_now() + opener.other->find_seconds;
}

static bool known_devices(ls_opener *base, ls_known_device **list, size_t *count, double *seconds)
{
    (void)base;
    *list = NULL;
    *count = 0;
    if (!opener.other->remembered) return false;
    *list = malloc(sizeof **list);
    cr_assert(*list);
    **list = opener.found;
    *count = 1;
    *seconds = opener.other->find_seconds;
    return true;
}

static void begin_opening(ls_opener *base, const ls_device_info *device, ls_backend *backend,
                          const ls_example *examples, size_t count)
{
    (void)base;
    const fake_device *f = opener.other;
    cr_assert_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        const ls_example *e = &examples[i];
        cr_assert(e->settings && e->inputs && e->shape.targets && e->rows && e->members);
        cr_assert_gt(e->cost, 0.0);
        if (i) cr_assert_leq(e->cost, e[-1].cost, "the costliest network is not the first");
    }
    cr_assert_eq(device->index, 1);
    opener.copies = examples[0].members;
    opener.backend = backend;
    opener.ends = clock_now() + (backend ? 0 : f->open_seconds) + f->warm_seconds;
}

static void stop_task(ls_opener *base) { (void)base; }

static bool has_ended(ls_opener *base)
{
    (void)base;
    return clock_now() >= opener.ends;
}

static void wait_for_end(void)
{
    if (clock_now() < opener.ends) clock_advance(opener.ends - clock_now());
}

static ls_status end_finding(ls_opener *base, const ls_known_device **list, size_t *count,
                             ls_error *err)
{
    (void)base, (void)err;
    wait_for_end();
    *list = &opener.found;
    *count = 1;
    return LS_OK;
}

static ls_status end_opening(ls_opener *base, ls_backend **out, ls_device_info *info,
                             ls_warm_speed *tried, ls_error *err)
{
    (void)base;
    fake_device *f = opener.other;
    wait_for_end();
    if (f->open_error) return ls_fail(err, LS_ERR_DEVICE, "%s", f->open_error);
    *out = opener.backend;
    if (!*out) {
        LS_TRY(ls_cpu_open(1, NULL, out, err));
        disguise(*out, f);
    }
    double factor = f->cold ? 0 : f->warm_factor > 0 ? f->warm_factor : 1;
    *tried = (ls_warm_speed){factor * f->step_seconds, opener.copies};
    *info = opener.found.info;
    info->exact = !f->approximate;
    snprintf(info->reason, sizeof info->reason, "%s", f->approximate ? f->approximate : "");
    return LS_OK;
}

static void close_opener(ls_opener *base) { (void)base; }

/* ---- The choice ------------------------------------------------------------------------------ */

ls_device *fake_choice_open(fake_device *cpu, fake_device *other)
{
    static const ls_opener_slots slots = {.known = known_devices,
                                          .find = begin_finding,
                                          .open = begin_opening,
                                          .ended = has_ended,
                                          .stop = stop_task,
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
    if (other->kind) snprintf(info.kind, sizeof info.kind, "%s", other->kind);
    opener.found = (ls_known_device){.info = info,
                                     .checked = !other->unchecked,
                                     .speed = other->speed,
                                     .opening = other->opening};
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
