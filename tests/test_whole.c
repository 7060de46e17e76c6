/* SPDX-License-Identifier: MIT */
/* Steps over the whole device in one launch (host/opencl/cl_whole.c): their division into phases as
 * a pure function, and random networks on every exact OpenCL device with one and with several
 * work-groups, compared bit by bit with the CPU path. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/cl_device.h"
#include "host/opencl/whole_phases.h"
#include "tests/support/subject.h"

TestSuite(whole, .timeout = 600);

/* ---- Random networks ------------------------------------------------------------------------- */

/* Members of one call that differ in their number of steps and in their state. */
enum { MEMBERS = 3 };

/* The first float of member k's state is changed by k, and it runs k steps fewer. */
static size_t steps_of(const subject *s, size_t k) { return s->steps > k ? s->steps - k : 0; }

/* results: for each member its state after all steps, then their losses. */
static void train(const subject *s, const test_backend *t, size_t members, bool keep,
                  float *results)
{
    const ls_backend_slots *slots = t->backend->slots;
    ls_workspace *workspace;
    ls_error err = {LS_OK, ""};
    ls_run run[MEMBERS];
    size_t all = s->plan->state + s->steps;
    cr_assert_eq(slots->workspace_open(t->backend, &s->data, &workspace, &err), LS_OK, "%s: %s",
                 t->name, err.message);
    for (size_t k = 0; k < members; k++) {
        size_t number;
        float first = s->start[0] + (float)k;
        cr_assert_eq(slots->member_add(workspace, s->plan, s->origin, &number, &err), LS_OK,
                     "%s: %s", t->name, err.message);
        cr_assert_eq(slots->write(workspace, number, 0, s->plan->state, s->start, &err), LS_OK);
        cr_assert_eq(slots->write(workspace, number, 0, 1, &first, &err), LS_OK);
        run[k] = (ls_run){.member = number,
                          .first = s->first + k,
                          .count = steps_of(s, k),
                          .rates = s->rates,
                          .losses = results + k * all + s->plan->state,
                          .keep = keep};
    }
    cr_assert_eq(slots->run(workspace, run, members, &err), LS_OK, "%s on %s: %s", s->text, t->name,
                 err.message);
    for (size_t k = 0; k < members; k++)
        cr_assert_eq(slots->read(workspace, k, 0, s->plan->state, results + k * all, &err), LS_OK,
                     "%s: %s", t->name, err.message);
    slots->workspace_close(workspace);
}

static void compare(const subject *s, const test_backend *t, size_t members, const float *expected,
                    const float *got)
{
    size_t n = s->plan->state, all = n + s->steps;
    for (size_t i = 0; i < members * all; i++)
        cr_assert(bits_equal(expected[i], got[i]),
                  "%s; task %d, %zu features, %zu outputs, %zu rows from %zu on, %zu steps from %llu "
                  "on; on %s: member %zu, %s %zu is %a, not %a",
                  s->text, s->shape.task, s->features, s->net.outputs, s->rows, s->origin, s->steps,
                  (unsigned long long)s->first, t->name, i / all,
                  i % all < n ? "float of the state" : "loss",
                  i % all < n ? i % all : i % all - n, (double)got[i], (double)expected[i]);
}

/* Returns whether the run is meaningful: all results are finite, and parameters have changed. */
static bool check(const subject *s, const test_backends *b, size_t members)
{
    size_t n = members * (s->plan->state + s->steps);
    float *expected = calloc(2 * n, sizeof *expected), *got = expected + n;
    bool finite = true, moved = false;
    cr_assert(expected);
    train(s, &b->list[0], members, true, expected);
    for (size_t i = b->opencl; i < b->count; i++) {
        memset(got, 0, n * sizeof *got);
        train(s, &b->list[i], members, false, got);
        compare(s, &b->list[i], members, expected, got);
    }
    for (size_t i = 0; i < n; i++) finite &= isfinite(expected[i]) != 0;
    for (size_t i = 1; i < s->plan->parameters; i++) moved |= expected[i] != s->start[i];
    free(expected);
    return finite && moved;
}

static ls_cl_device *device_of(const test_backend *t) { return (ls_cl_device *)t->backend; }

/* That this way, and not another one, has run. */
static void assert_used(const test_backends *b)
{
    for (size_t i = b->opencl; i < b->count; i++) {
        const ls_cl_device *d = device_of(&b->list[i]);
        cr_assert(d->way_state[LS_CL_WAY_WHOLE], "%s: not used", b->list[i].name);
        cr_assert_str_empty(d->way_out[LS_CL_WAY_WHOLE], "%s: %s", b->list[i].name,
                            d->way_out[LS_CL_WAY_WHOLE]);
    }
}

static void check_cases(uint32_t from, uint32_t to, const char *groups, bool norm, size_t members)
{
    test_backends b;
    size_t good = 0;
    setenv("LOCKSTEP_STEPS", "whole", 1);
    setenv("LOCKSTEP_GROUPS", groups, 1);
    test_backends_open(&b);
    for (uint32_t i = from; i < to; i++) {
        subject s;
        subject_open(&s, i, norm);
        good += check(&s, &b, members);
        subject_close(&s);
    }
    assert_used(&b);
    test_backends_close(&b);
    cr_expect_geq(good, (to - from) * 8 / 10, "only %zu runs are meaningful", good);
}

Test(whole, one_group) { check_cases(0, 100, "1", false, 1); }
Test(whole, one_group_with_norm) { check_cases(100, 200, "1", true, 1); }
Test(whole, one_large_group) { check_cases(200, 240, "1:256", false, 1); }
Test(whole, one_large_group_with_norm) { check_cases(240, 280, "1:256", true, 1); }
Test(whole, one_middle_group) { check_cases(280, 300, "1:128", true, 1); }
Test(whole, two_groups) { check_cases(300, 330, "2", false, 1); }
Test(whole, two_groups_with_norm) { check_cases(330, 360, "2", true, 1); }
Test(whole, members_one_after_another) { check_cases(360, 380, "1", true, MEMBERS); }
Test(whole, members_side_by_side) { check_cases(380, 400, "2", false, MEMBERS); }
