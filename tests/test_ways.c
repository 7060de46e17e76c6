/* SPDX-License-Identifier: MIT */
/* Small networks run in layered or in chunk-wise mode, with the same bits: random networks, data
 * and settings in both modes on the CPU path with every instruction set and on every exact OpenCL
 * device. The whole state and the loss of each step are compared bit by bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/network/chunks.h"
#include "tests/support/subject.h"

TestSuite(ways, .timeout = 600);

enum { CASES = 168 };

/* ---- Comparing ------------------------------------------------------------------------------- */

/* results: the state after all steps, then their losses. */
static void train(const subject *s, const test_backend *t, bool layered, float *results)
{
    const ls_backend_slots *slots = t->backend->slots;
    ls_workspace *workspace;
    size_t member;
    ls_error err = {LS_OK, ""};
    ls_run run = {.member = 2,
                  .first = s->first,
                  .count = s->steps,
                  .rates = s->rates,
                  .losses = results + s->plan->state,
                  .keep = layered};
    cr_assert_eq(slots->workspace_open(t->backend, &s->data, &workspace, &err), LS_OK, "%s: %s",
                 t->name, err.message);
    for (int i = 0; i < 3; i++) /* two members before it: on OpenCL the first has a slab of its own,
                                   and the third is not at the start of the second slab */
        cr_assert_eq(slots->member_add(workspace, s->plan, s->origin, &member, &err), LS_OK,
                     "%s: %s", t->name, err.message);
    cr_assert_eq(slots->write(workspace, member, 0, s->plan->state, s->start, &err), LS_OK,
                 "%s: %s", t->name, err.message);
    cr_assert_eq(slots->run(workspace, &run, 1, &err), LS_OK, "%s on %s: %s", s->text, t->name,
                 err.message);
    cr_assert_eq(slots->read(workspace, member, 0, s->plan->state, results, &err), LS_OK, "%s: %s",
                 t->name, err.message);
    slots->workspace_close(workspace);
}

static void compare(const subject *s, const test_backend *t, bool layered, const float *expected,
                    const float *got)
{
    size_t n = s->plan->state;
    for (size_t i = 0; i < n + s->steps; i++)
        cr_assert(
            bits_equal(expected[i], got[i]),
            "%s; task %d, %zu features, %zu outputs, %zu rows from %zu on, %zu steps from %llu on; on "
            "%s, %s: %s %zu is %a, not %a",
            s->text, s->shape.task, s->features, s->net.outputs, s->rows, s->origin, s->steps,
            (unsigned long long)s->first, t->name, layered ? "layered" : "chunk-wise",
            i < n ? "float of the state" : "loss", i < n ? i : i - n, (double)got[i],
            (double)expected[i]);
}

/* Whether the steps can run chunk-wise. */
static bool is_small(const ls_plan *plan)
{
    ls_chunks *chunks;
    ls_error err;
    cr_assert_eq(ls_chunks_build(plan, 16, 4, &chunks, &err), LS_OK);
    ls_chunks_free(chunks);
    return chunks != NULL;
}

/* Returns whether the run is meaningful: all results are finite, and parameters have changed. */
static bool check(const subject *s, const test_backends *b)
{
    size_t n = s->plan->state + s->steps;
    float *expected = calloc(2 * n, sizeof *expected), *got = expected + n;
    bool finite = true, moved = false;
    cr_assert(expected);
    train(s, &b->list[0], true, expected);
    for (size_t i = 0; i < b->count; i++)
        for (int layered = 0; layered < 2; layered++) {
            if (i == 0 && layered) continue;
            train(s, &b->list[i], layered, got);
            compare(s, &b->list[i], layered, expected, got);
        }
    for (size_t i = 0; i < n; i++) finite &= isfinite(expected[i]) != 0;
    for (size_t i = 0; i < s->plan->parameters; i++) moved |= expected[i] != s->start[i];
    free(expected);
    return finite && moved;
}

/* The cases are divided among several tests, which run in parallel. */
enum { PARTS = 4 };

static void check_part(uint32_t part)
{
    test_backends b;
    size_t good = 0;
    const char *steps = getenv("LOCKSTEP_STEPS");
    if (steps && !strcmp(steps, "layered"))
        unsetenv("LOCKSTEP_STEPS"); /* there would be one mode only */
    test_backends_open(&b);
    for (uint32_t i = part; i < CASES; i += PARTS) {
        subject s;
        subject_open(&s, i, false);
        cr_assert(is_small(s.plan), "%s: not a small network", s.text);
        good += check(&s, &b);
        subject_close(&s);
    }
    test_backends_close(&b);
    cr_expect_geq(good, CASES / PARTS * 9 / 10, "only %zu runs are meaningful", good);
}

Test(ways, first_part) { check_part(0); }
Test(ways, second_part) { check_part(1); }
Test(ways, third_part) { check_part(2); }
Test(ways, fourth_part) { check_part(3); }
