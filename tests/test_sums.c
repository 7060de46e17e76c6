/* SPDX-License-Identifier: MIT */
/* The sums of chunks that lie on several ranks: the bits are those of one ascending sum, however
 * many ranks and chunks there are, and the traffic is what docs/distributed.md says. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "host/ranks/sums.h"
#include "tests/support/devices.h"
#include "tests/support/in_process.h"
#include "tests/support/runs.h"

TestSuite(sums, .timeout = 300);

static uint32_t dice(uint32_t *state, uint32_t sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % sides;
}

/* ---- A case ---------------------------------------------------------------------------------- */

/* Unused places hold this: nobody may add or change it. */
static const float guard = 12345.5f;

typedef struct {
    size_t ranks, floats, stride, all;
    size_t chunks[IN_PROCESS_RANKS];
    bool onto;
    ls_sums_way way;
    bool parts;                     /* each rank wants its part of the total alone */
    float *values;                  /* of the chunks, all × stride */
    float *before;                  /* the total that they are added to */
    float *total[IN_PROCESS_RANKS]; /* floats + 1, of each rank */
    uint64_t sent[IN_PROCESS_RANKS];
    char what[160];
} sums_case;

static float *alloc(size_t n)
{
    float *p = malloc((n ? n : 1) * sizeof *p);
    cr_assert(p);
    return p;
}

/* rank 0 has a chunk, as in every batch; the others may have none. */
static void open_case(sums_case *c, size_t ranks, size_t floats, const size_t *chunks, bool onto,
                      ls_sums_way way, uint32_t seed)
{
    *c = (sums_case){.ranks = ranks, .floats = floats, .onto = onto, .way = way};
    c->stride = ((floats + 15) & ~(size_t)15) + (seed % 3) * 16;
    size_t used = 0;
    char list[100] = "";
    for (size_t r = 0; r < ranks; r++) {
        c->all += c->chunks[r] = chunks[r];
        if (used < sizeof list - 8) used += (size_t)sprintf(list + used, " %zu", chunks[r]);
    }
    const size_t n = c->all * c->stride;
    c->values = alloc(n);
    c->before = alloc(floats);
    for (size_t i = 0; i < n; i++)
        c->values[i] = i % c->stride < floats ? test_value(VALUES_MODERATE, seed, i, n) : guard;
    for (size_t i = 0; i < floats; i++)
        c->before[i] = test_value(VALUES_MODERATE, seed + 1, i, floats);
    for (size_t r = 0; r < ranks; r++) c->total[r] = alloc(floats + 1);
    snprintf(c->what, sizeof c->what, "%s, %zu floats, chunks%s%s", way ? "chain" : "gather",
             floats, list, onto ? ", onto a total" : "");
}

static void close_case(sums_case *c)
{
    free(c->values);
    free(c->before);
    for (size_t r = 0; r < c->ranks; r++) free(c->total[r]);
}

static ls_status add_up(ls_transport *t, void *user, ls_error *err)
{
    sums_case *c = user;
    const size_t me = (size_t)t->rank;
    size_t first = 0;
    for (size_t r = 0; r < me; r++) first += c->chunks[r];
    const size_t room = ls_sums_room(c->floats, c->all, c->ranks);
    /* exactly as much as a rank has: memory checkers see what is beyond */
    float *own = malloc((c->chunks[me] * c->stride + 1) * sizeof *own),
          *place = malloc((room + 1) * sizeof *place), *total = c->total[me];
    if (!own || !place) return ls_fail(err, LS_ERR_MEMORY, "out of memory");
    memcpy(own, c->values + first * c->stride, c->chunks[me] * c->stride * sizeof *own);
    place[room] = total[c->floats] = guard;
    size_t offset[IN_PROCESS_RANKS + 1];
    for (size_t i = 0; i < c->floats; i++) total[i] = c->onto ? c->before[i] : guard;
    const ls_sums sums = {.own = own,
                          .stride = c->stride,
                          .floats = c->floats,
                          .chunks = c->chunks,
                          .onto = c->onto,
                          .total = total,
                          .room = place,
                          .offset = offset,
                          .piece_size = (size_t)1 << 15};
    ls_status status = c->parts ? ls_sums_reduce(t, &sums, err)
                                : ls_sums_total(t, c->way, &sums, err);
    if (status == LS_OK && (place[room] != guard || total[c->floats] != guard))
        status = ls_fail(err, LS_ERR_DEVICE, "it wrote beyond its room");
    if (memcmp(own, c->values + first * c->stride, c->chunks[me] * c->stride * sizeof *own))
        status = ls_fail(err, LS_ERR_DEVICE, "it changed the chunks' sums");
    free(own);
    free(place);
    return status;
}

/* One after the other, of all ranks. */
static float truth(const sums_case *c, size_t i)
{
    float sum = c->onto ? c->before[i] : c->values[i];
    for (size_t k = c->onto ? 0 : 1; k < c->all; k++) sum = sum + c->values[k * c->stride + i];
    return sum;
}

/* Each rank's part of the total, and nothing elsewhere; the total has not been sent. */
static void check_parts(sums_case *c)
{
    ls_error err = {LS_OK, ""};
    c->parts = true;
    ls_status status = in_process_run((int)c->ranks, add_up, c, c->sent, &err);
    cr_assert_eq(status, LS_OK, "%s: %s", c->what, err.message);
    for (size_t r = 0; r < c->ranks; r++) {
        const size_t first = ls_sums_part(c->floats, c->ranks, r),
                     after = ls_sums_part(c->floats, c->ranks, r + 1);
        for (size_t i = 0; i < c->floats; i++) {
            const float other = c->onto ? c->before[i] : guard,
                        wanted = i >= first && i < after ? truth(c, i) : other;
            cr_assert(bits_equal(c->total[r][i], wanted), "%s: float %zu of rank %zu's part",
                      c->what, i, r);
        }
        cr_assert_eq(c->sent[r], c->chunks[r] * (c->floats - (after - first)) * sizeof(float), "%s",
                     c->what);
    }
    c->parts = false;
}

static void check(sums_case *c)
{
    ls_error err = {LS_OK, ""};
    ls_status status = in_process_run((int)c->ranks, add_up, c, c->sent, &err);
    cr_assert_eq(status, LS_OK, "%s: %s", c->what, err.message);
    for (size_t i = 0; i < c->floats; i++) {
        const float wanted = truth(c, i);
        for (size_t r = 0; r < c->ranks; r++)
            cr_assert(bits_equal(c->total[r][i], wanted),
                      "%s: float %zu is %.9g on rank %zu, not %.9g", c->what, i,
                      (double)c->total[r][i], r, (double)wanted);
    }
    for (size_t r = 0; r < c->ranks; r++) {
        const uint64_t wanted = ls_sums_bytes(c->way, c->floats, c->chunks, c->ranks, r);
        cr_assert_eq(c->sent[r], wanted, "%s: rank %zu sent %llu bytes, not %llu", c->what, r,
                     (unsigned long long)c->sent[r], (unsigned long long)wanted);
    }
}

static void run_case(size_t ranks, size_t floats, const size_t *chunks, bool onto, ls_sums_way way,
                     uint32_t seed)
{
    sums_case c;
    open_case(&c, ranks, floats, chunks, onto, way, seed);
    check(&c);
    if (way == LS_SUMS_GATHER) check_parts(&c);
    close_case(&c);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* Around a unit of parts, fewer than the ranks' units, around pieces of the chain (1 << 15). */
static const size_t sizes[] = {0,   1,   2,   15,    16,    17,    31,    100,   143,   144,
                               145, 160, 999, 32767, 32768, 32769, 40001, 65536, 65537, 98305};

Test(sums, are_those_of_one_ascending_sum)
{
    uint32_t state = 7, none = 0, several = 0;
    for (size_t ranks = 1; ranks <= 9; ranks++)
        for (size_t i = 0; i < RUNS_COUNT(sizes); i++) {
            size_t chunks[IN_PROCESS_RANKS];
            const uint32_t most = sizes[i] > 1000 ? 2 : 6;
            for (size_t r = 0; r < ranks; r++) {
                chunks[r] = dice(&state, 3) ? dice(&state, most + 1) : 0;
                if (!r && !chunks[r]) chunks[r] = 1;
                none += !chunks[r], several += chunks[r] > 1;
            }
            for (int onto = 0; onto < 2; onto++)
                for (int way = 0; way < 2; way++)
                    run_case(ranks, sizes[i], chunks, onto, (ls_sums_way)way, state + (uint32_t)i);
        }
    cr_assert_geq(none, 100);
    cr_assert_geq(several, 100);
}

/* Only some ranks in the front, in the middle or at the end have chunks. */
Test(sums, ranks_without_chunks)
{
    static const size_t lists[][5] = {{3, 0, 0, 0, 0}, {1, 0, 0, 0, 2}, {1, 0, 2, 0, 0},
                                      {2, 3, 0, 1, 0}, {1, 1, 0, 0, 0}, {1, 0, 1, 0, 1}};
    for (size_t i = 0; i < RUNS_COUNT(lists); i++)
        for (size_t ranks = 2; ranks <= 5; ranks++)
            for (int way = 0; way < 2; way++)
                for (int onto = 0; onto < 2; onto++) {
                    run_case(ranks, 77, lists[i], onto, (ls_sums_way)way, (uint32_t)i);
                    run_case(ranks, 33000, lists[i], onto, (ls_sums_way)way, (uint32_t)i);
                }
}

/* More transfers than one call takes, also where ranks have different numbers of them, so that the
 * ends of calls fall between the two sides of an exchange. */
Test(sums, more_chunks_than_transfers_in_a_call)
{
    for (size_t ranks = 2; ranks <= 5; ranks++)
        for (size_t n = 250; n <= 262; n++) {
            size_t chunks[IN_PROCESS_RANKS];
            for (size_t r = 0; r < ranks; r++)
                chunks[r] = (n * (r + 1) + ranks - 1) / ranks - (n * r + ranks - 1) / ranks;
            run_case(ranks, 83, chunks, n % 2, LS_SUMS_GATHER, (uint32_t)n);
            run_case(ranks, 83, chunks, n % 2, LS_SUMS_CHAIN, (uint32_t)n);
        }
    for (size_t q = 60; q < 70; q++) {
        const size_t four[] = {q + 1, q, q + 1, q}, uneven[] = {2 * q, 1, 0, q, 3 * q};
        run_case(4, 83, four, false, LS_SUMS_GATHER, 1);
        run_case(5, 83, uneven, false, LS_SUMS_GATHER, 1);
    }
}

/* A chain takes two slots a rank more than it has pieces: it is best if its traffic is still less
 * than the other way's, which is best in any case if it is small. */
Test(sums, the_best_way_takes_least)
{
    uint32_t state = 3, gathers = 0, chains = 0;
    for (int i = 0; i < 2000; i++) {
        const size_t ranks = 1 + dice(&state, 9), floats = dice(&state, 200000);
        size_t chunks[IN_PROCESS_RANKS];
        uint64_t most[2] = {0, 0};
        for (size_t r = 0; r < ranks; r++) chunks[r] = (r ? 0 : 1) + dice(&state, 5);
        for (int way = 0; way < 2; way++)
            for (size_t r = 0; r < ranks; r++) {
                uint64_t n = ls_sums_bytes((ls_sums_way)way, floats, chunks, ranks, r);
                if (n > most[way]) most[way] = n;
            }
        const ls_sums_way best = ls_sums_best(floats, chunks, ranks);
        gathers += best == LS_SUMS_GATHER, chains += best == LS_SUMS_CHAIN;
        const size_t size = floats / (8 * ranks) < 1 << 14 ? 1 << 14 : floats / (8 * ranks);
        const double pieces = (double)floats / (double)size + 1,
                     longer = (double)most[1] * (pieces + 2.0 * (double)ranks) / pieces;
        const bool gather = most[0] <= 1 << 16 || (double)most[0] <= longer;
        cr_assert_eq(best, gather ? LS_SUMS_GATHER : LS_SUMS_CHAIN,
                     "%zu ranks, %zu floats: %llu and %llu bytes", ranks, floats,
                     (unsigned long long)most[0], (unsigned long long)most[1]);
    }
    cr_assert_geq(gathers, 100);
    cr_assert_geq(chains, 100);
}

static ls_status differ(ls_transport *t, void *user, ls_error *err)
{
    float a[64] = {0};
    const int kind = *(int *)user;
    const ls_transfer both[] = {{1 - t->rank, true, a, sizeof a}, {1 - t->rank, false, a + 1, 4}};
    const size_t offset[] = {0, 4, t->rank && kind == 2 ? 12 : 8};
    switch (kind) {
    case 0: return t->transfer(t, both, 2, err);                            /* 256 bytes into 4 */
    case 1: return t->transfer(t, both, 1, err);                            /* nobody receives */
    case 2: return t->gather(t, a, offset, err);                            /* other offsets */
    case 3: return t->broadcast(t, t->rank, a, 8, false, err);              /* from both */
    default: return t->rank ? LS_OK : t->broadcast(t, 0, a, 8, false, err); /* only one */
    }
}

/* The transport of these tests finds what MPI would hang or crash at. */
Test(sums, the_transport_is_strict)
{
    for (int kind = 0; kind < 5; kind++) {
        ls_error err = {LS_OK, ""};
        cr_assert_eq(in_process_run(2, differ, &kind, NULL, &err), LS_ERR_DEVICE, "%d", kind);
        cr_assert(*err.message);
    }
}
