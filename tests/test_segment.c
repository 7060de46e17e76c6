/* SPDX-License-Identifier: MIT */
/* Memory that ranks share: each reads what the others have written, in their own and in the common
 * ranges; all have it or none; and it is given back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "host/ranks/segment.h"
#include "tests/support/devices.h"
#include "tests/support/in_process.h"

TestSuite(segment, .timeout = 120);

typedef struct {
    ls_segment_shape shape;
    int unable; /* a rank that cannot use it, or -1 */
    bool got[IN_PROCESS_RANKS];
} segment_case;

/* What a rank writes at a place of its own. */
static float own_value(size_t rank, size_t i) { return (float)(i % 1000) + 1000.0f * (float)rank; }
static float common_value(size_t i) { return -1.0f - (float)(i % 777); }

static bool is_common(const ls_segment_shape *s, size_t i)
{
    return i < s->first || (i >= s->second && i < s->own);
}

/* Rank r of n writes every n-th float of the common ranges, and all of its own. */
static void write_all(const ls_segment_shape *s, float *arena, size_t me, size_t ranks)
{
    for (size_t i = 0; i < s->floats; i++)
        if (!is_common(s, i)) arena[i] = own_value(me, i);
        else if (i % ranks == me) arena[i] = common_value(i);
}

static ls_status compare(const ls_segment_shape *s, const float *arena, size_t rank, ls_error *err)
{
    for (size_t i = 0; i < s->floats; i++) {
        const float wanted = is_common(s, i) ? common_value(i) : own_value(rank, i);
        if (!bits_equal(arena[i], wanted))
            return ls_fail(err, LS_ERR_DEVICE, "float %zu of rank %zu is %g, not %g", i, rank,
                           (double)arena[i], (double)wanted);
    }
    return LS_OK;
}

static ls_status use(ls_transport *t, void *user, ls_error *err)
{
    segment_case *c = user;
    const ls_segment_shape *s = &c->shape;
    const size_t me = (size_t)t->rank, ranks = (size_t)t->size;
    const bool able = t->rank != c->unable;
    ls_segment *segment;
    LS_TRY(ls_segment_open(t, able, able ? s : NULL, &segment, err));
    c->got[me] = segment != NULL;
    if (!segment) return LS_OK;
    float *arena = ls_segment_arena(segment, me);
    ls_status status = LS_OK;
    for (size_t i = 0; i < s->floats && status == LS_OK; i++)
        if (!bits_equal(arena[i], 0.0f))
            status = ls_fail(err, LS_ERR_DEVICE, "float %zu is not zero at first", i);
    if ((size_t)(const void *)(arena + s->first) % 64)
        status = ls_fail(err, LS_ERR_DEVICE, "it is not aligned");
    if (status == LS_OK) status = ls_segment_meet(t, err);
    if (status == LS_OK) {
        write_all(s, arena, me, ranks);
        status = ls_segment_meet(t, err);
    }
    for (size_t r = 0; r < ranks && status == LS_OK; r++)
        status = compare(s, ls_segment_arena(segment, r), r, err);
    if (status == LS_OK) status = ls_segment_meet(t, err);
    ls_segment_close(segment);
    return status;
}

/* Mappings and open files of segments in this process. */
static size_t left_over(void)
{
    char line[600];
    size_t n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert(maps);
    while (fgets(line, sizeof line, maps)) n += strstr(line, "memfd:lockstep") != NULL;
    fclose(maps);
    return n;
}

static void check(int ranks, segment_case *c, bool expected)
{
    ls_error err = {LS_OK, ""};
    cr_assert_eq(in_process_run(ranks, use, c, NULL, &err), LS_OK, "%d ranks: %s", ranks,
                 err.message);
    for (int r = 0; r < ranks; r++)
        cr_assert_eq(c->got[r], expected, "rank %d of %d: %d", r, ranks, c->got[r]);
    cr_assert_eq(left_over(), 0);
}

static const size_t unit = LS_SEGMENT_UNIT;

Test(segment, every_rank_reads_what_all_have_written)
{
    static const size_t firsts[] = {0, 16, 160, 16384, 16400, 50000};
    for (int ranks = 1; ranks <= 8; ranks++)
        for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
            for (size_t k = 0; k < 8; k++) {
                const size_t first = firsts[i], second = first + (k & 1) * unit,
                             own = second + (k >> 1 & 1) * 2 * unit;
                segment_case c = {.shape = {first, second, own, own + (k >> 2) * unit},
                                  .unable = -1};
                check(ranks, &c, c.shape.floats > 0);
            }
}

Test(segment, all_ranks_have_it_or_none)
{
    for (int ranks = 1; ranks <= 4; ranks++)
        for (int unable = 0; unable < ranks; unable++) {
            segment_case c = {.shape = {16, 16 + unit, 16 + unit, 16 + 2 * unit}, .unable = unable};
            check(ranks, &c, false);
        }
    segment_case too_large = {.shape = {16, 16 + unit, 16 + unit, 16 + 2 * unit}, .unable = -1};
    ls_segment_most = 1 << 10;
    check(3, &too_large, false);
    ls_segment_most = SIZE_MAX;
    check(3, &too_large, true);
    /* more than a machine has */
    too_large.shape.floats = 16 + (SIZE_MAX >> 8) / unit * unit;
    check(3, &too_large, false);
}

/* Ranks of several machines send their sums. */
static ls_status on_two_machines(ls_transport *t, void *user, ls_error *err)
{
    t->node_size = 1;
    return use(t, user, err);
}

Test(segment, ranks_of_several_machines_have_none)
{
    ls_error err = {LS_OK, ""};
    segment_case c = {.shape = {16, 16 + unit, 16 + unit, 16 + 2 * unit}, .unable = -1};
    cr_assert_eq(in_process_run(2, on_two_machines, &c, NULL, &err), LS_OK, "%s", err.message);
    cr_assert(!c.got[0] && !c.got[1]);
}
