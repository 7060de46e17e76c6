/* SPDX-License-Identifier: MIT */
/* Training by several ranks, as threads of this process: random networks, whose chunks are divided
 * among 1 to 8 ranks with different devices, end in the bits of one device, on every rank. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core_cpu/cpu.h"
#include "host/base/memory.h"
#include "host/ranks/leader.h"
#include "host/ranks/request.h"
#include "tests/support/faulty.h"
#include "tests/support/in_process.h"
#include "tests/support/subject.h"

TestSuite(shared_steps, .timeout = 600);

enum { RANKS = 8, MEMBERS = 5 };

static uint32_t dice(uint32_t *state, uint32_t sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % sides;
}

/* ---- Devices --------------------------------------------------------------------------------- */

/* Lent to ranks, which close them: those stay open. */
typedef struct {
    test_backends all;
    const ls_backend_slots *own[TEST_BACKENDS];
    ls_backend_slots slots[TEST_BACKENDS];
} lent_devices;

static lent_devices lent;
static ls_backend *of_rank[RANKS]; /* in the group that runs */

static void stay_open(ls_backend *backend) { (void)backend; }

static float *no_memory(ls_workspace *workspace, size_t member)
{
    (void)workspace, (void)member;
    return NULL;
}

/* Every device of other tests of backends, and more of the CPU path. Every third of the CPU path
 * hides its memory, like a GPU. */
static void open_devices(void)
{
    test_backends *b = &lent.all;
    ls_error err;
    test_backends_open(b);
    /* tiles are set in a device of this process */
    const char *helper = getenv("LOCKSTEP_HELPER");
    if (helper && !strcmp(helper, "none")) test_backends_add_tiles(b);
    for (size_t i = 0; b->count < 2 * RANKS; i++) {
        test_backend *t = &b->list[b->count++];
        const char *isa = ls_cpu_isa_at(i) ? ls_cpu_isa_at(i) : "generic";
        snprintf(t->name, sizeof t->name, "CPU path, %s, once more", isa);
        cr_assert_eq(ls_cpu_open(1 + i % 2, isa, &t->backend, &err), LS_OK, "%s", err.message);
    }
    for (size_t i = 0; i < b->count; i++) {
        lent.own[i] = b->list[i].backend->slots;
        lent.slots[i] = *lent.own[i];
        lent.slots[i].close = stay_open;
        if (!b->list[i].device && i % 3 == 2)
            lent.slots[i].memory = no_memory, lent.slots[i].in_place = false;
        b->list[i].backend->slots = &lent.slots[i];
    }
}

static void close_devices(void)
{
    for (size_t i = 0; i < lent.all.count; i++) lent.all.list[i].backend->slots = lent.own[i];
    test_backends_close(&lent.all);
}

/* Different devices for the ranks, some of them OpenCL devices if there are any. names: of all. */
static void deal_devices(int ranks, uint32_t *state, char names[512])
{
    bool taken[TEST_BACKENDS] = {false};
    const size_t opencl = lent.all.opencl;
    *names = 0;
    for (int k = 0; k < ranks; k++) {
        size_t i = dice(state, (uint32_t)lent.all.count);
        if (dice(state, 3) == 0 && opencl < lent.all.count && lent.all.list[opencl].device)
            i = opencl;
        while (taken[i]) i = (i + 1) % lent.all.count;
        taken[i] = true;
        of_rank[k] = lent.all.list[i].backend;
        snprintf(names + strlen(names), 512 - strlen(names), "%s%.60s", k ? "; " : "",
                 lent.all.list[i].name);
    }
}

static ls_status open_of_rank(const char *spec, unsigned threads, bool allow_approximate,
                              int node_rank, int node_size, ls_device_info *info, ls_backend **out,
                              ls_error *err)
{
    (void)spec, (void)threads, (void)allow_approximate, (void)node_size, (void)err;
    *info = (ls_device_info){.struct_size = sizeof *info, .exact = 1};
    *out = of_rank[node_rank];
    return LS_OK;
}

/* ---- Memory that fails ----------------------------------------------------------------------- */

/* The at-th allocation of a rank fails, once (the linker's --wrap in tests/CMakeLists.txt). */
static struct {
    int rank;
    uint64_t at, calls;
} bad_memory = {.rank = -1};
static _Thread_local bool has_bad_memory;

static ls_status enter_allocation(ls_error *err)
{
    if (!has_bad_memory || ++bad_memory.calls != bad_memory.at) return LS_OK;
    return ls_fail(err, LS_ERR_MEMORY, "planted lack of memory");
}

ls_status __real_ls_alloc(void *, size_t, size_t, const char *, ls_error *);
ls_status __real_ls_reserve(void *, size_t, size_t, const char *, ls_error *);
ls_status __real_ls_grow(void *, size_t *, size_t, size_t, const char *, ls_error *);
ls_status __wrap_ls_alloc(void *, size_t, size_t, const char *, ls_error *);
ls_status __wrap_ls_reserve(void *, size_t, size_t, const char *, ls_error *);
ls_status __wrap_ls_grow(void *, size_t *, size_t, size_t, const char *, ls_error *);

ls_status __wrap_ls_alloc(void *out, size_t count, size_t size, const char *what, ls_error *err)
{
    void *const none = NULL;
    memcpy(out, &none, sizeof none);
    LS_TRY(enter_allocation(err));
    return __real_ls_alloc(out, count, size, what, err);
}

ls_status __wrap_ls_reserve(void *out, size_t count, size_t size, const char *what, ls_error *err)
{
    void *const none = NULL;
    memcpy(out, &none, sizeof none);
    LS_TRY(enter_allocation(err));
    return __real_ls_reserve(out, count, size, what, err);
}

ls_status __wrap_ls_grow(void *array, size_t *capacity, size_t wanted, size_t size,
                         const char *what, ls_error *err)
{
    if (wanted > *capacity) LS_TRY(enter_allocation(err));
    return __real_ls_grow(array, capacity, wanted, size, what, err);
}

/* ---- A group at work ------------------------------------------------------------------------- */

/* Members of one call: the first float of the k-th one's state is changed by k. */
typedef struct {
    const subject *s;
    size_t members;
    bool alone;
    bool keeps;          /* ranks are asked for their states */
    float *state[RANKS]; /* of member 0, as each rank has it */
    float *results;      /* of each member, see results_of */
} group_work;

/* Of each member: the state at the end, the copy of that in the middle, and the state some steps
 * after going back to it; losses; outputs and losses of rows, once during the run and at its end.
 */
typedef struct {
    float *state, *copy, *again, *loss, *output, *row_loss;
} member_results;

static size_t outputs_rows(const subject *s) { return s->rows + 3; }

static member_results results_of(const subject *s, float *at)
{
    const size_t n = s->plan->state;
    return (member_results){at,
                            at + n,
                            at + 2 * n,
                            at + 3 * n,
                            at + 3 * n + s->steps,
                            at + 3 * n + s->steps + outputs_rows(s) * s->net.outputs};
}

static size_t results_size(const subject *s)
{
    return 3 * s->plan->state + s->steps + outputs_rows(s) * (s->net.outputs + 1);
}

/* The steps after going back. */
static size_t again_steps(const subject *s)
{
    const size_t left = s->steps - s->steps / 2;
    return left < 3 ? left : 3;
}

static ls_status add_members(const subject *s, ls_workspace *w, const ls_plan *plan, size_t members,
                             float *results, ls_run run[MEMBERS], size_t *added, ls_error *err)
{
    const ls_backend_slots *slots = w->backend->slots;
    for (size_t k = 0; k < members; k++) {
        size_t number = 0;
        const float first = s->start[0] + (float)k;
        LS_TRY(slots->member_add(w, plan, s->origin, &number, err));
        run[k].member = number, ++*added;
        LS_TRY(slots->write(w, number, 0, plan->state, s->start, err));
        LS_TRY(slots->write(w, number, 0, 1, &first, err));
        run[k] = (ls_run){.member = number,
                          .first = s->first,
                          .count = s->steps / 2,
                          .rates = s->rates,
                          .losses = results_of(s, results + k * results_size(s)).loss};
    }
    return LS_OK;
}

static ls_status train_members(const subject *s, ls_workspace *w, const ls_plan *plan,
                               size_t members, float *results, ls_run run[MEMBERS], size_t *added,
                               ls_error *err)
{
    const ls_backend_slots *slots = w->backend->slots;
    const size_t n = plan->state, half = s->steps / 2;
    float unused[3];
    LS_TRY(add_members(s, w, plan, members, results, run, added, err));
    LS_TRY(slots->run(w, run, members, err));
    for (size_t k = 0; k < members; k++) {
        const member_results r = results_of(s, results + k * results_size(s));
        LS_TRY(slots->copy(w, run[k].member, 0, plan->snapshot, n, err));
        LS_TRY(slots->infer(w, run[k].member, 0, outputs_rows(s), r.output, NULL, err));
        run[k].first += half, run[k].rates += half, run[k].losses += half;
        run[k].count = s->steps - half;
    }
    LS_TRY(slots->run(w, run, members, err));
    for (size_t k = 0; k < members; k++) {
        const member_results r = results_of(s, results + k * results_size(s));
        LS_TRY(slots->read(w, run[k].member, 0, n, r.state, err));
        LS_TRY(slots->read(w, run[k].member, plan->snapshot, n, r.copy, err));
        LS_TRY(slots->infer(w, run[k].member, 0, outputs_rows(s), r.output, r.row_loss, err));
        LS_TRY(slots->copy(w, run[k].member, plan->snapshot, 0, n, err));
        run[k].count = again_steps(s), run[k].losses = unused;
        LS_TRY(slots->run(w, &run[k], 1, err));
        LS_TRY(slots->read(w, run[k].member, 0, n, r.again, err));
    }
    return LS_OK;
}

/* What the leader's backend and any other one are asked. */
static ls_status train(const subject *s, ls_backend *backend, const ls_plan *plan, size_t members,
                       float *results, ls_error *err)
{
    ls_workspace *w;
    LS_TRY(backend->slots->workspace_open(backend, &s->data, &w, err));
    ls_run run[MEMBERS] = {{0}};
    size_t added = 0;
    ls_status status = train_members(s, w, plan, members, results, run, &added, err);
    /* also those that a failure has left without a rank: they have no state any more */
    for (size_t k = 0; k < added && status != LS_OK; k++) {
        float one[1];
        ls_error lost;
        (void)backend->slots->read(w, run[k].member, 0, 1, one, &lost);
        backend->slots->member_remove(w, run[k].member);
    }
    backend->slots->workspace_close(w);
    return status;
}

/* Leaders that have kept something of a closed device, whose plans are freed then. */
static size_t left_open;

static ls_status lead(ls_rank *r, group_work *g, ls_error *err)
{
    ls_device_info info;
    ls_backend *backend;
    ls_plan plan = *g->s->plan;
    plan.alone = g->alone;
    LS_TRY(ls_leader_open(r, "cpu", 1, false, &info, &backend, err));
    ls_status status = train(g->s, backend, &plan, g->members, g->results, err);
    backend->slots->close(backend);
    left_open += r->count || r->local;
    return status;
}

static ls_status keep_state(const ls_rank *r, const group_work *g, ls_error *err)
{
    if (!r->count || !r->list[0].local || !r->list[0].count) return LS_OK;
    const ls_rank_member *m = &r->list[0].member[0];
    if (!m->plan || (m->owner != LS_ALL_RANKS && m->owner != r->transport->rank)) return LS_OK;
    return r->local->slots->read(r->list[0].local, m->local, 0, g->s->plan->state,
                                 g->state[r->transport->rank], err);
}

static ls_status work(ls_transport *t, void *user, ls_error *err)
{
    group_work *g = user;
    ls_rank r;
    ls_status status = LS_OK;
    has_bad_memory = t->rank == bad_memory.rank;
    LS_TRY(ls_rank_start(t, open_of_rank, &r, err));
    if (ls_is_leader(&r)) {
        ls_ask last = {.kind = LS_ASK_END, .owner = LS_ALL_RANKS};
        status = lead(&r, g, err);
        (void)ls_ask_all(&r, &last, NULL, NULL);
    } else {
        /* failures of a rank's device are the leader's to report */
        for (bool end = false; !end && status == LS_OK;) {
            status = ls_follow_one(&r, &end, err);
            if (status == LS_OK && g->keeps) (void)keep_state(&r, g, NULL);
        }
    }
    ls_rank_free(&r);
    return status;
}

static void open_work(group_work *g, const subject *s, size_t members, bool alone)
{
    *g = (group_work){.s = s, .members = members, .alone = alone};
    g->results = calloc(members * results_size(s), sizeof *g->results);
    for (int k = 0; k < RANKS; k++) {
        g->state[k] = calloc(s->plan->state, sizeof **g->state);
        cr_assert(g->state[k]);
    }
    cr_assert(g->results);
}

static void close_work(group_work *g)
{
    for (int k = 0; k < RANKS; k++) free(g->state[k]);
    free(g->results);
}

static size_t finite_cases, shared_cases, turn_cases, split_cases, sliced_cases;

/* ---- Comparison ------------------------------------------------------------------------------ */

static const char *what_at(const subject *s, size_t i)
{
    float *const start = NULL;
    const member_results r = results_of(s, start);
    static const char *const names[] = {"state",  "copy of the state", "state after going back",
                                        "losses", "outputs",           "losses of rows"};
    const float *const ends[] = {r.copy, r.again, r.loss, r.output, r.row_loss};
    size_t k = 0;
    while (k < RUNS_COUNT(ends) && i >= (size_t)(ends[k] - start)) k++;
    return names[k];
}

static void compare(const group_work *g, int ranks, const char *how, const float *expected)
{
    const subject *s = g->s;
    const size_t all = results_size(s);
    for (size_t i = 0; i < g->members * all; i++)
        cr_assert(bits_equal(expected[i], g->results[i]),
                  "%s; task %d, %zu features, %zu rows from %zu on, %zu steps from %llu on; %d "
                  "ranks, %s: member %zu, %s, number %zu, is %a, not %a",
                  s->text, s->shape.task, s->features, s->rows, s->origin, s->steps,
                  (unsigned long long)s->first, ranks, how, i / all, what_at(s, i % all), i % all,
                  (double)g->results[i], (double)expected[i]);
}

/* The share of a rank, under the environment of the case. */
static ls_share *share_of(const subject *s, int ranks, int rank)
{
    ls_share *share;
    ls_error err;
    cr_assert_eq(ls_share_build(s->plan, (size_t)ranks, (size_t)rank, true, &share, &err), LS_OK,
                 "%s", err.message);
    return share;
}

/* What a rank holds of a shared member is the same on all ranks: all but the optimizer's states of
 * other ranks' parameters. Those it does not touch. */
static void compare_ranks(const group_work *g, int ranks, const char *how, const float *expected)
{
    expected = results_of(g->s, (float *)expected).again;
    for (int k = 1; k < ranks; k++) {
        ls_share *share = share_of(g->s, ranks, k);
        ls_range range[LS_SHARE_RANGES];
        const size_t n = ls_share_held(share, (size_t)k, 0, g->s->plan->state, range);
        for (size_t r = 0, i = 0; i < g->s->plan->state; i++) {
            while (r < n && range[r].at + range[r].count <= i) r++;
            const float right = r < n && range[r].at <= i ? expected[i] : 0.0f;
            cr_assert(bits_equal(right, g->state[k][i]),
                      "%s; %d ranks, %s: float %zu of the state on rank %d is %a, not %a",
                      g->s->text, ranks, how, i, k, (double)g->state[k][i], (double)right);
        }
        split_cases += share->split;
        for (size_t i = 0; i < share->pieces; i++)
            sliced_cases += share->slices && share->slice[i].to;
        ls_share_free(share);
    }
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static size_t turns_of(const subject *s, int ranks)
{
    ls_share *share = share_of(s, ranks, 0);
    const size_t n = ls_share_turns(share, s->plan->batch);
    ls_share_free(share);
    return n;
}

/* The case on groups of every size; random ones of the ways to add sums and of turns. */
static void check(const subject *s, uint32_t number, size_t members, bool alone)
{
    static const int sizes[] = {1, 2, 3, 4, 7, 8};
    static const char *const ways[] = {"gather", "chain", ""};
    const size_t n = members * results_size(s);
    uint32_t state = number * 77 + 5;
    float *expected = calloc(n, sizeof *expected);
    ls_error err = {LS_OK, ""};
    bool finite = true;
    cr_assert(expected);
    cr_assert_eq(train(s, lent.all.list[0].backend, s->plan, members, expected, &err), LS_OK,
                 "%s: %s", s->text, err.message);
    for (size_t i = 0; i < n; i++) finite &= isfinite(expected[i]) != 0;
    finite_cases += finite;
    for (size_t i = 0; i < RUNS_COUNT(sizes); i++) {
        group_work g;
        char how[700], names[512];
        const char *way = ways[dice(&state, 3)];
        const uint32_t most = dice(&state, 3); /* chunks in a turn; 0: all */
        /* otherwise steps are shared as long as that seems to be faster */
        const bool forced = dice(&state, 4) > 0;
        if (*way) setenv("LOCKSTEP_RANKS_SUMS", way, 1);
        else unsetenv("LOCKSTEP_RANKS_SUMS");
        if (forced) setenv("LOCKSTEP_RANKS", "shared", 1);
        else unsetenv("LOCKSTEP_RANKS");
        ls_share_most = most ? most * ((s->plan->parameters + 16) & ~(size_t)15) : (size_t)1 << 27;
        ls_sums_least_piece = dice(&state, 3) ? 1 + dice(&state, 200) : (size_t)1 << 14;
        deal_devices(sizes[i], &state, names);
        snprintf(how, sizeof how, "%s, %s, %s of chunks, on %s", forced ? "shared" : "tried", way,
                 most == 0   ? "all"
                 : most == 1 ? "turns of one"
                             : "turns of two",
                 names);
        shared_cases += sizes[i] > 1 && alone && forced && s->plan->batch > LS_CHUNK;
        turn_cases += alone && forced && s->plan->batch > LS_CHUNK && turns_of(s, sizes[i]) > 1;
        open_work(&g, s, members, alone);
        g.keeps = true;
        cr_assert_eq(in_process_run(sizes[i], work, &g, NULL, &err), LS_OK, "%s, %s: %s", s->text,
                     how, err.message);
        compare(&g, sizes[i], how, expected);
        if (alone && forced && s->plan->batch > LS_CHUNK)
            compare_ranks(&g, sizes[i], how, expected);
        close_work(&g);
    }
    unsetenv("LOCKSTEP_RANKS_SUMS");
    ls_share_most = (size_t)1 << 27, ls_sums_least_piece = (size_t)1 << 14;
    free(expected);
}

/* Batches of one chunk to several for each of 8 ranks; the last chunk, and the last batch, are
 * seldom whole ones. */
static void check_random(uint32_t from, uint32_t to, bool norm)
{
    static const struct {
        size_t rows;
        const char *batch;
    } sizes[] = {{1300, "full"}, {700, "520"},  {400, "130"}, {1025, "1024"}, {300, "65"},
                 {900, "192"},   {129, "full"}, {600, "449"}, {200, "64"},    {1100, "129"}};
    open_devices();
    for (uint32_t i = from; i < to; i++) {
        subject s;
        subject_open_sized(&s, i, norm, sizes[i % RUNS_COUNT(sizes)].rows,
                           sizes[i % RUNS_COUNT(sizes)].batch);
        check(&s, i, 1, true);
        subject_close(&s);
    }
    close_devices();
    cr_expect_geq(finite_cases, (to - from) * 2 / 3, "%zu", finite_cases);
    cr_expect_geq(shared_cases, (to - from) * 2, "%zu", shared_cases);
}

Test(shared_steps, random_networks)
{
    check_random(0, 24, false);
    cr_expect_geq(turn_cases, 20, "%zu", turn_cases);
    cr_expect_geq(split_cases, 20, "%zu", split_cases);
    cr_expect_geq(sliced_cases, 1000, "%zu", sliced_cases);
}

Test(shared_steps, random_networks_with_batch_norm) { check_random(100, 116, true); }

/* Convolutions, both kinds of pools, batch norm of images, dropout, blocks, shifted and mirrored
 * images. */
Test(shared_steps, images)
{
    static const struct {
        const char *net, *shape;
        size_t features, rows;
        const char *more;
    } cases[] = {
        {"conv\t5\t3\tsame,\trelu,\tmaxpool\t2,\tconv\t7\t3,\tgelu,\tdense\t9,\ttanh,\tdense",
         "2x9x8", 144, 200, "batch 130 optimizer adam augment-shift 2 augment-flip on"},
        {"conv\t6\t3\tsame\tstride\t2,\tbatchnorm,\trelu,\tdepthwise\t3\tsame,\tbatchnorm,\tsilu,"
         "\tconv\t8\t1\tgroups\t2,\tdropout\t0.2,\tavgpool\t2,\tdense",
         "3x7x9", 189, 300, "batch 260 optimizer adamw clip 0.2 max-norm 0.7 augment-flip on"},
        {"conv\t4\t3\tsame,\tbatchnorm,\trelu,\tresidual(conv\t4\t3\tsame,\tbatchnorm,\tgelu,"
         "\tconv\t4\t3\tsame),\trelu,\tresidual\tproject(conv\t6\t3\tsame\tstride\t2,\tsilu,"
         "\tdropout\t0.25,\tconv\t6\t3\tsame),\telu,\tresidual\tproject(maxpool\t2,\ttanh),"
         "\tglobalpool,\tdense",
         "1x8x9", 72, 513, "batch full optimizer gd order file"},
        {"maxpool\t2,\tgelu,\tbatchnorm,\tdropout\t0.3,\tflatten,\trelu,\tdropout\t0.1,"
         "\tbatchnorm,\tdense\t6,\trelu,\tbatchnorm,\tresidual(sigmoid),\tdense",
         "2x6x5", 60, 333, "batch 200 optimizer nesterov augment-shift 1 reduction sum lr 0.001"},
        {"avgpool\t3\tstride\t2\tpad\t1,\trelu,\tresidual(avgpool\t3\tsame\tstride\t1),\tresidual"
         "\tproject(relu),\tresidual(maxpool\t3\tsame\tstride\t1,\tdropout\t0.2),\tdense",
         "3x7x7", 147, 190, "batch 65 optimizer rmsprop l1 0.003 order file augment-shift 3"},
    };
    open_devices();
    for (uint32_t i = 0; i < RUNS_COUNT(cases); i++) {
        subject s;
        subject_open_images(&s, i, cases[i].net, cases[i].shape, cases[i].features, cases[i].rows,
                            cases[i].more);
        check(&s, i, 1, true);
        subject_close(&s);
    }
    close_devices();
    cr_expect_geq(finite_cases, 4, "%zu", finite_cases);
}

/* Members of a fleet are on one rank each. */
Test(shared_steps, placed_members)
{
    open_devices();
    for (uint32_t i = 200; i < 206; i++) {
        subject s;
        subject_open(&s, i, i % 2);
        check(&s, i, MEMBERS, false);
        subject_close(&s);
    }
    close_devices();
    cr_expect_geq(finite_cases, 4, "%zu", finite_cases);
}

/* ---- A device that fails --------------------------------------------------------------------- */

/* A network with many steps of two chunks: whether sharing them pays is tried. */
static void open_small(subject *s)
{
    for (uint32_t i = 0; i < 1000; i++) {
        subject_open_sized(s, i, false, 1500, "65");
        if (s->steps > 60) return;
        subject_close(s);
    }
    cr_assert_fail("no network is small");
}

/* Whichever call on whichever rank fails, the leader says so, and nobody waits for ever. */
static void check_failures(bool alone, fault_kind kind, size_t steps, ls_status expected)
{
    static const size_t members = 3;
    subject s;
    const bool moves = steps > 4; /* between sharing and one rank */
    if (!moves) setenv("LOCKSTEP_RANKS", "shared", 1);
    if (moves) open_small(&s);
    else subject_open_sized(&s, alone ? 107 : 7, alone, 300, "130");
    if (s.steps > steps) s.steps = steps;
    for (int ranks = 2; ranks <= 3; ranks++)
        for (int bad = 0; bad < ranks; bad++) {
            size_t failures = 0;
            for (uint64_t at = 1, over = 0; !over; at += moves ? 1 : 1 + at / 12) {
                fault f[3] = {{FAULT_NONE}};
                group_work g;
                ls_error err = {LS_OK, ""};
                char who[16];
                f[bad].kind = kind, f[bad].at = at;
                for (int k = 0; k < ranks; k++)
                    cr_assert_eq(faulty_backend_open(&f[k], &of_rank[k], &err), LS_OK);
                open_work(&g, &s, alone ? 1 : members, alone);
                ls_status status = in_process_run(ranks, work, &g, NULL, &err);
                over = f[bad].calls < at;
                snprintf(who, sizeof who, "rank %d: ", bad);
                cr_assert_eq(status, over ? LS_OK : expected, "call %llu on rank %d of %d: %d, %s",
                             (unsigned long long)at, bad, ranks, status, err.message);
                if (!over)
                    cr_assert(strstr(err.message, "planted") && (!bad || strstr(err.message, who)),
                              "%s", err.message);
                failures += !over;
                for (int k = 0; k < ranks; k++) {
                    cr_expect_eq(f[k].workspaces, 0, "rank %d", k);
                    cr_expect_eq(f[k].members, 0, "rank %d", k);
                }
                close_work(&g);
            }
            cr_assert_geq(failures, 5);
        }
    subject_close(&s);
}

Test(shared_steps, a_rank_fails) { check_failures(true, FAULT_DIES, 4, LS_ERR_DEVICE); }
Test(shared_steps, a_rank_has_no_memory) { check_failures(true, FAULT_MEMORY, 4, LS_ERR_MEMORY); }
Test(shared_steps, the_rank_of_a_member_fails)
{
    check_failures(false, FAULT_DIES, 4, LS_ERR_DEVICE);
}
/* Whether sharing pays is tried: the member moves in between. */
Test(shared_steps, a_rank_has_no_memory_for_a_move)
{
    check_failures(true, FAULT_MEMORY, 200, LS_ERR_MEMORY);
}

/* Whichever allocation on whichever rank fails: the leader or that rank says so, and nobody waits
 * for ever. */
static void check_allocations(bool alone, const char *way, bool norm)
{
    static const size_t members = 3;
    subject s;
    setenv("LOCKSTEP_RANKS", "shared", 1);
    setenv("LOCKSTEP_RANKS_SUMS", way, 1);
    subject_open_sized(&s, 7, norm, 300, "130");
    if (s.steps > 3) s.steps = 3;
    for (int ranks = 2; ranks <= 3; ranks++)
        for (int bad = 0; bad < ranks; bad++) {
            size_t failures = 0;
            for (uint64_t at = 1, over = 0; !over; at++) {
                group_work g;
                ls_error err = {LS_OK, ""};
                fault f[3] = {{FAULT_NONE}};
                for (int k = 0; k < ranks; k++)
                    cr_assert_eq(faulty_backend_open(&f[k], &of_rank[k], &err), LS_OK);
                open_work(&g, &s, alone ? 1 : members, alone);
                bad_memory.rank = bad, bad_memory.at = at, bad_memory.calls = 0;
                ls_status status = in_process_run(ranks, work, &g, NULL, &err);
                over = bad_memory.calls < at;
                cr_assert_eq(status == LS_OK, over, "allocation %llu on rank %d of %d: %s",
                             (unsigned long long)at, bad, ranks, err.message);
                if (!over)
                    cr_assert(strstr(err.message, "planted"),
                              "allocation %llu on rank %d of %d: %s", (unsigned long long)at, bad,
                              ranks, err.message);
                cr_assert_eq(left_open, 0, "allocation %llu on rank %d of %d",
                             (unsigned long long)at, bad, ranks);
                failures += !over;
                for (int k = 0; k < ranks; k++) {
                    cr_expect_eq(f[k].workspaces, 0, "rank %d", k);
                    cr_expect_eq(f[k].members, 0, "rank %d", k);
                }
                close_work(&g);
            }
            cr_assert_geq(failures, 10);
        }
    bad_memory.rank = -1;
    subject_close(&s);
}

Test(shared_steps, a_rank_lacks_any_memory)
{
    check_allocations(true, "gather", true);
    check_allocations(true, "chain", false);
}
Test(shared_steps, the_rank_of_a_member_lacks_any_memory) { check_allocations(false, "", false); }
