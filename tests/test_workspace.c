/* SPDX-License-Identifier: MIT */
/* Workspaces of every backend: members come and go, and what is too large is refused. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"
#include "host/network/backend.h"
#include "kernels/random.h"
#include "tests/support/devices.h"
#include "tests/support/runs.h"

TestSuite(workspace, .timeout = 120);

static uint32_t dice(uint32_t *state, uint32_t sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % sides;
}

/* Members are added and removed: their arenas start as zeros, do not overlap, and keep their
 * contents. */
static void churn(const test_backend *t)
{
    enum { PLANS = 5, ROUNDS = 400, MOST = 64 };
    static const size_t floats[PLANS] = {1, 63, 64, 1000, 70001};
    static const float nothing[1];
    ls_rows data = {1, 1, 1, nothing, nothing, NULL};
    ls_plan plans[PLANS] = {0};
    size_t plan_of[MOST] = {0}, count = 0; /* of each number: plan + 1, 0: free */
    float *buffer = malloc(70001 * sizeof *buffer);
    const ls_backend_slots *s = t->backend->slots;
    ls_workspace *workspace;
    ls_error err;
    uint32_t state = 1;
    for (size_t i = 0; i < PLANS; i++)
        plans[i] = (ls_plan){
            .arena = floats[i], .rows = 1, .batch = 1, .capacity = 1, .features = 1, .outputs = 1};
    cr_assert_eq(s->workspace_open(t->backend, &data, &workspace, &err), LS_OK, "%s", err.message);
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t k = dice(&state, MOST), lowest = 0, member, p = dice(&state, PLANS);
        if (plan_of[k]) {
            s->read(workspace, k, 0, floats[plan_of[k] - 1], buffer, NULL);
            for (size_t i = 0; i < floats[plan_of[k] - 1]; i++)
                cr_assert_eq(buffer[i], (float)k, "%s: member %zu at %zu", t->name, k, i);
            s->member_remove(workspace, k);
            plan_of[k] = 0;
            count--;
            continue;
        }
        while (lowest < MOST && plan_of[lowest]) lowest++;
        cr_assert_eq(s->member_add(workspace, &plans[p], 0, &member, &err), LS_OK, "%s: %s",
                     t->name, err.message);
        cr_assert_eq(member, lowest, "%s: member %zu, but %zu was free", t->name, member, lowest);
        s->read(workspace, member, 0, floats[p], buffer, NULL);
        for (size_t i = 0; i < floats[p]; i++)
            cr_assert_eq(buffer[i], 0.0f, "%s: an arena does not start as zeros", t->name);
        for (size_t i = 0; i < floats[p]; i++) buffer[i] = (float)member;
        s->write(workspace, member, 0, floats[p], buffer, NULL);
        plan_of[member] = p + 1;
        count++;
    }
    cr_assert_geq(count, 5, "the case is empty");
    s->workspace_close(workspace);
    free(buffer);
}

Test(workspace, members_come_and_go)
{
    test_backends b;
    test_backends_open(&b);
    for (size_t i = 0; i < b.count; i++) churn(&b.list[i]);
    test_backends_close(&b);
}

Test(workspace, what_is_too_large_is_refused)
{
    static const float nothing[1];
    ls_rows data = {1, 1, 1, nothing, nothing, NULL};
    const size_t floats[] = {SIZE_MAX, SIZE_MAX / 4, (size_t)1 << 60, (size_t)1 << 45};
    test_backends b;
    test_backends_open(&b);
    for (size_t i = 0; i < b.count; i++) {
        const ls_backend_slots *s = b.list[i].backend->slots;
        ls_workspace *workspace;
        ls_plan small = {.arena = 16,
                         .rows = 1,
                         .batch = 1,
                         .capacity = 1,
                         .features = 1,
                         .outputs = 1},
                large = small;
        size_t member;
        ls_error err;
        cr_assert_eq(s->workspace_open(b.list[i].backend, &data, &workspace, &err), LS_OK, "%s",
                     err.message);
        for (size_t k = 0; k < RUNS_COUNT(floats); k++) {
            large.arena = floats[k];
            cr_assert_eq(s->member_add(workspace, &large, 0, &member, &err), LS_ERR_MEMORY,
                         "%s: %zu floats", b.list[i].name, floats[k]);
            cr_assert(*err.message);
            cr_assert_eq(s->member_add(workspace, &small, 0, &member, &err), LS_OK, "%s",
                         err.message);
            cr_assert_eq(member, k, "%s", b.list[i].name);
        }
        s->workspace_close(workspace);
    }
    test_backends_close(&b);
}
