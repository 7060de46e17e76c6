/* SPDX-License-Identifier: MIT */
/* Small networks as GPUs run them (kernels/small_group.cl): how groups are divided, as a pure
 * function, and on every exact OpenCL device with divisions of all kinds: the order of a gradient's
 * chunks against an independent definition, and random networks and members of different shapes in
 * one launch against the CPU path, bit by bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/cl_device.h"
#include "host/opencl/cl_small_plan.h"
#include "host/opencl/small_words.h"
#include "tests/support/subject.h"

TestSuite(small_groups, .timeout = 900);

/* ---- Dividing groups ------------------------------------------------------------------------- */

static bool is_power(size_t n) { return n && (n & (n - 1)) == 0; }

static void check_division(const ls_small_device *d, const ls_small_need *n, bool keep_global)
{
    char where[300];
    ls_small_split s = ls_small_divide(d, n, keep_global);
    size_t chunks = (n->rows + 63) / 64, bytes = (n->common + n->part) * sizeof(float);
    size_t limit = d->group_limit < 256 ? d->group_limit : 256;
    snprintf(where, sizeof where,
             "local %zu, limit %zu, units %zu; %zu members, %zu rows, width %zu, common %zu, part "
             "%zu: %zu = %zu x %zu%s",
             d->local_memory, d->group_limit, d->units, n->members, n->rows, n->width, n->common,
             n->part, s.group, s.parts, s.items, s.local ? ", local" : "");
    cr_assert(s.group == s.parts * s.items && is_power(s.parts) && is_power(s.items), "%s", where);
    cr_assert(s.group >= LS_SMALL_GROUP && s.group <= limit, "%s", where);
    cr_assert(s.parts <= SMALL_PARTS && s.parts < 2 * chunks, "%s", where);
    cr_assert(s.floats == n->common + s.parts * n->part, "%s", where);
    cr_assert(s.local == (!keep_global && bytes + 1024 <= d->local_memory), "%s", where);
    if (s.local) cr_assert(s.floats * sizeof(float) + 1024 <= d->local_memory, "%s", where);
    if (chunks == 1) cr_assert_eq(s.parts, 1, "%s", where);
    /* more members never get larger groups */
    ls_small_need more = *n;
    more.members *= 3;
    cr_assert_leq(ls_small_divide(d, &more, keep_global).group, s.group, "%s", where);
}

Test(small_groups, divisions_fit)
{
    static const size_t local[] = {1, 16 << 10, 32 << 10, 48 << 10, 64 << 10},
                        limits[] = {32, 48, 64, 100, 128, 256, 512, 1024}, units[] = {1, 8, 132},
                        members[] = {1, 20, 1000, 8192},
                        rows[] = {1, 16, 17, 64, 65, 192, 400, 9999}, widths[] = {1, 20, 300},
                        common[] = {16, 2064}, parts[] = {195, 5980, 12500};
#define EVERY(i, list) for (size_t i = 0; i < RUNS_COUNT(list); i++)
    EVERY(a, local)
    EVERY(b, limits)
    EVERY(c, units)
    EVERY(e, members) EVERY(f, rows) EVERY(g, widths) EVERY(h, common) EVERY(i, parts)
    {
        const ls_small_device device = {local[a], limits[b], units[c]};
        const ls_small_need need = {members[e], rows[f], widths[g], common[h], parts[i]};
        check_division(&device, &need, false);
        check_division(&device, &need, true);
    }
#undef EVERY
}

/* Divisions that are wanted: 2-20-20-1 with 400 rows, and single chunks. */
Test(small_groups, known_divisions)
{
    static const struct {
        ls_small_device device;
        ls_small_need need;
        ls_small_split split;
    } known[] = {
        /* many members: a group per 64 rows */
        {{48 << 10, 1024, 132}, {8192, 400, 20, 16, 5984}, {64, 1, 64, true, 6000}},
        {{48 << 10, 1024, 132}, {1000, 400, 20, 16, 5984}, {64, 1, 64, true, 6000}},
        /* fewer: two parts each, if all members run at once then */
        {{48 << 10, 1024, 132}, {397, 400, 20, 16, 5984}, {64, 1, 64, true, 6000}},
        {{48 << 10, 1024, 132}, {396, 400, 20, 16, 5984}, {128, 2, 64, true, 11984}},
        /* few: as many parts as fit, then more work-items for each row */
        {{48 << 10, 1024, 132}, {1, 400, 20, 16, 5984}, {256, 2, 128, true, 11984}},
        {{64 << 10, 256, 40}, {1, 400, 20, 16, 3984}, {256, 4, 64, true, 15952}},
        {{32 << 10, 256, 40}, {1, 400, 20, 16, 5984}, {256, 1, 256, true, 6000}},
        {{16 << 10, 256, 40}, {1, 400, 20, 16, 5984}, {256, 4, 64, false, 23952}},
        {{64 << 10, 64, 40}, {1, 400, 20, 16, 3984}, {64, 1, 64, true, 4000}},
        {{64 << 10, 32, 40}, {1, 400, 20, 16, 3984}, {32, 1, 32, true, 4000}},
        /* one chunk: one part; a narrow one needs no more than 64 work-items */
        {{48 << 10, 1024, 132}, {1, 64, 20, 16, 5984}, {256, 1, 256, true, 6000}},
        {{48 << 10, 1024, 132}, {1, 64, 4, 16, 5984}, {64, 1, 64, true, 6000}},
        {{48 << 10, 1024, 132}, {1, 16, 20, 16, 5984}, {64, 1, 64, true, 6000}},
        {{48 << 10, 1024, 132}, {5000, 64, 200, 16, 5984}, {64, 1, 64, true, 6000}},
    };
    for (size_t i = 0; i < RUNS_COUNT(known); i++) {
        ls_small_split s = ls_small_divide(&known[i].device, &known[i].need, false),
                       k = known[i].split;
        cr_expect(s.group == k.group && s.parts == k.parts && s.items == k.items &&
                      s.local == k.local && s.floats == k.floats,
                  "case %zu: %zu = %zu x %zu, %d, %zu floats", i, s.group, s.parts, s.items,
                  s.local, s.floats);
    }
}

/* ---- Devices that divide groups in a given way ----------------------------------------------- */

/* fit: parts that local memory holds; 0: scratch is in global memory. */
typedef struct {
    size_t limit, fit, parts, items;
} division;

static const division divisions[] = {{256, 9, 4, 64}, {256, 0, 4, 64},  {256, 2, 2, 128},
                                     {128, 9, 2, 64}, {256, 1, 1, 256}, {64, 9, 1, 64},
                                     {32, 9, 1, 32}};

/* The opened devices with the numbers that they really have. */
typedef struct {
    test_backends b;
    ls_cl_device real[TEST_BACKENDS];
} devices;

static ls_cl_device *device_of(const test_backend *t) { return (ls_cl_device *)t->backend; }

static void devices_open(devices *d)
{
    test_backends_open(&d->b); /* the self-check is that of the device as it is */
    for (size_t i = d->b.opencl; i < d->b.count; i++) d->real[i] = *device_of(&d->b.list[i]);
}

static void devices_close(devices *d)
{
    for (size_t i = d->b.opencl; i < d->b.count; i++) {
        ls_cl_device *c = device_of(&d->b.list[i]);
        c->group_limit = d->real[i].group_limit, c->local_memory = d->real[i].local_memory;
        c->compute_units = d->real[i].compute_units, c->unoptimised = d->real[i].unoptimised;
    }
    test_backends_close(&d->b);
}

/* Gives the devices such numbers that groups are divided in that way if the widest of the plans has
 * enough chunks; returns whether each of them can. */
static bool divide(devices *d, const division *to, const ls_plan *const *plans, size_t count)
{
    size_t common = 0, part = 0;
    bool can = true;
    for (size_t i = 0; i < count; i++) {
        ls_small_words *words;
        ls_error err;
        cr_assert_eq(ls_small_words_build(plans[i], true, &words, &err), LS_OK);
        cr_assert(words, "not a small network");
        if (words->common > common) common = words->common;
        if (words->scratch > part) part = words->scratch;
        ls_small_words_free(words);
    }
    setenv("LOCKSTEP_STEPS", to->fit ? "grouped" : "grouped-global", 1);
    for (size_t i = d->b.opencl; i < d->b.count; i++) {
        ls_cl_device *c = device_of(&d->b.list[i]);
        const ls_cl_device *real = &d->real[i];
        size_t fit = to->fit < to->parts ? to->fit : to->parts;
        size_t local = (common + fit * part) * sizeof(float) + 1024;
        c->group_limit = to->limit, c->compute_units = 1000;
        c->local_memory = to->fit ? local : real->local_memory;
        c->unoptimised = real->is_cpu;
        can &= local <= real->local_memory && to->limit <= real->group_limit;
    }
    return can;
}

/* That the devices have run groups of that division. */
static void assert_used(const devices *d, const division *of)
{
    for (size_t i = d->b.opencl; i < d->b.count; i++) {
        size_t which = of->fit ? 2 : 1;
        for (size_t group = LS_SMALL_GROUP; group < of->parts * of->items; group *= 2) which += 2;
        cr_assert(device_of(&d->b.list[i])->small_program[which], "%s: groups of %zu are not used",
                  d->b.list[i].name, of->parts * of->items);
    }
}

/* ---- Running --------------------------------------------------------------------------------- */

typedef struct {
    const ls_plan *plan;
    const float *start; /* the state before the first step */
    size_t origin, steps;
    uint64_t first;
    float *state, *losses, *gradients; /* out; gradients may be NULL */
} job;

/* The gradients of a plan begin where those of its first weights are. */
static size_t gradients_at(const ls_plan *plan)
{
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < plan->step.count; i++) {
        const ls_op *o = &plan->step.op[i];
        if (o->kind == LS_OP_GRAD_W && o->y.at < at) at = o->y.at;
    }
    return at;
}

/* Runs all jobs in one call. */
static void run(const test_backend *t, const ls_rows *data, const ls_rates *rates, const job *jobs,
                size_t count, bool layered)
{
    enum { MOST = 8 };
    const ls_backend_slots *slots = t->backend->slots;
    ls_workspace *workspace;
    ls_error err = {LS_OK, ""};
    ls_run runs[MOST];
    cr_assert_leq(count, MOST);
    cr_assert_eq(slots->workspace_open(t->backend, data, &workspace, &err), LS_OK, "%s: %s",
                 t->name, err.message);
    for (size_t i = 0; i < count; i++) {
        const job *j = &jobs[i];
        size_t number;
        cr_assert_eq(slots->member_add(workspace, j->plan, j->origin, &number, &err), LS_OK,
                     "%s: %s", t->name, err.message);
        cr_assert_eq(slots->write(workspace, number, 0, j->plan->state, j->start, &err), LS_OK);
        runs[i] = (ls_run){.member = number,
                           .first = j->first,
                           .count = j->steps,
                           .rates = rates,
                           .losses = j->losses,
                           .keep = layered};
    }
    cr_assert_eq(slots->run(workspace, runs, count, &err), LS_OK, "%s: %s", t->name, err.message);
    for (size_t i = 0; i < count; i++) {
        const ls_plan *p = jobs[i].plan;
        cr_assert_eq(slots->read(workspace, runs[i].member, 0, p->state, jobs[i].state, &err),
                     LS_OK);
        if (jobs[i].gradients)
            cr_assert_eq(slots->read(workspace, runs[i].member, gradients_at(p), p->parameters,
                                     jobs[i].gradients, &err),
                         LS_OK);
    }
    slots->workspace_close(workspace);
}

/* Runs the jobs on the CPU path and on each device, and compares states and losses. */
static void check(const devices *d, const ls_rows *data, const ls_rates *rates, job *jobs,
                  size_t count, const char *what)
{
    float *expected[16];
    for (size_t i = 0; i < count; i++) {
        size_t n = jobs[i].plan->state + jobs[i].steps;
        expected[i] = calloc(2 * n, sizeof(float));
        cr_assert(expected[i]);
        jobs[i].state = expected[i], jobs[i].losses = expected[i] + jobs[i].plan->state;
    }
    run(&d->b.list[0], data, rates, jobs, count, true);
    for (size_t t = d->b.opencl; t < d->b.count; t++) {
        for (size_t i = 0; i < count; i++) {
            size_t n = jobs[i].plan->state + jobs[i].steps;
            memset(expected[i] + n, 0, n * sizeof(float));
            jobs[i].state = expected[i] + n, jobs[i].losses = jobs[i].state + jobs[i].plan->state;
        }
        run(&d->b.list[t], data, rates, jobs, count, false);
        for (size_t i = 0; i < count; i++) {
            size_t state = jobs[i].plan->state, n = state + jobs[i].steps;
            for (size_t k = 0; k < n; k++)
                cr_assert(bits_equal(expected[i][k], expected[i][n + k]),
                          "%s on %s: member %zu, %s %zu is %a, not %a", what, d->b.list[t].name, i,
                          k < state ? "float of the state" : "loss", k < state ? k : k - state,
                          (double)expected[i][n + k], (double)expected[i][k]);
        }
    }
    for (size_t i = 0; i < count; i++) free(expected[i]);
}

/* ---- The order of chunks --------------------------------------------------------------------- */

/* A linear network, squared errors. It has so many gradients that another order changes some. */
enum { FEATURES = 11, OUTPUTS = 7, MOST_ROWS = 700, MOST_CHUNKS = 11 };
enum { GRADIENTS = FEATURES * OUTPUTS + OUTPUTS }; /* weights, then biases */

/* Gradients of each chunk, from the contract: docs/arithmetic.md. */
static void gradients_of(size_t rows, const float *x, const float *t, const float *theta,
                         float chunk[MOST_CHUNKS][GRADIENTS])
{
    memset(chunk, 0, MOST_CHUNKS * sizeof *chunk);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < OUTPUTS; j++) {
            float *to = chunk[r / TRUTH_CHUNK], z = theta[FEATURES * OUTPUTS + j];
            for (size_t i = 0; i < FEATURES; i++)
                z = fmaf(x[r * FEATURES + i], theta[i * OUTPUTS + j], z);
            float dz = (2.0f * (z - t[r * OUTPUTS + j])) * (float)(1.0 / (double)rows);
            for (size_t i = 0; i < FEATURES; i++)
                to[i * OUTPUTS + j] = fmaf(x[r * FEATURES + i], dz, to[i * OUTPUTS + j]);
            to[FEATURES * OUTPUTS + j] += dz;
        }
}

/* Whether the sums over the chunks order[0 … n) are these gradients. */
static bool is_sum(float chunk[MOST_CHUNKS][GRADIENTS], const size_t *order, size_t n,
                   const float *gradients)
{
    for (size_t k = 0; k < GRADIENTS; k++) {
        float sum = chunk[order[0]][k];
        for (size_t i = 1; i < n; i++) sum = sum + chunk[order[i]][k];
        if (!bits_equal(sum, gradients[k])) return false;
    }
    return true;
}

/* That the gradients are the sums in ascending order, and that any two chunks exchanged, any chunk
 * left out, and any chunk taken twice would have been noticed. */
static void check_order(float chunk[MOST_CHUNKS][GRADIENTS], size_t chunks, const float *gradients,
                        const char *name)
{
    size_t order[MOST_CHUNKS + 1];
    for (size_t i = 0; i < chunks; i++) order[i] = i;
    cr_assert(is_sum(chunk, order, chunks, gradients), "%s: %zu chunks: another sum", name, chunks);
    for (size_t a = 0; a < chunks; a++) {
        for (size_t b = a + 1; b < chunks; b++) {
            if (b == 1) continue; /* x + y = y + x */
            order[a] = b, order[b] = a;
            cr_assert(!is_sum(chunk, order, chunks, gradients), "%zu and %zu may be exchanged", a,
                      b);
            order[a] = a, order[b] = b;
        }
        size_t n = 0;
        for (size_t i = 0; i < chunks; i++)
            if (i != a) order[n++] = i;
        if (n) cr_assert(!is_sum(chunk, order, n, gradients), "%zu may be left out", a);
        for (size_t i = 0; i < chunks; i++) order[i] = i;
        order[chunks] = a;
        cr_assert(!is_sum(chunk, order, chunks + 1, gradients), "%zu may be added twice", a);
    }
}

Test(small_groups, chunks_are_added_in_ascending_order)
{
    static const size_t rows[] = {64, 65, 128, 190, 256, 257, 400, 512, 513, 700};
    static float x[MOST_ROWS * FEATURES], t[MOST_ROWS * OUTPUTS];
    float state[GRADIENTS], losses[1], start[GRADIENTS], got[GRADIENTS],
        chunk[MOST_CHUNKS][GRADIENTS];
    const ls_rates rates = {0.01f, 0.01f, 1.0f, 1.0f};
    const ls_rows data = {MOST_ROWS, FEATURES, OUTPUTS, x, t, NULL};
    devices d;
    for (size_t i = 0; i < RUNS_COUNT(x); i++) x[i] = test_value(VALUES_MODERATE, 1, i, 0);
    for (size_t i = 0; i < RUNS_COUNT(t); i++) t[i] = test_value(VALUES_MODERATE, 2, i, 0);
    for (size_t i = 0; i < GRADIENTS; i++) start[i] = test_value(VALUES_MODERATE, 3, i, 0);
    ls_options *options = runs_options("hidden none optimizer gd batch full loss mse");
    ls_network net;
    ls_error err;
    cr_assert_eq(ls_network_build(&options->settings, FEATURES,
                                  (ls_shape){.task = LS_TASK_REGRESSION, .targets = OUTPUTS}, &net,
                                  &err),
                 LS_OK);
    devices_open(&d);
    for (size_t r = 0; r < RUNS_COUNT(rows); r++) {
        ls_plan *plan;
        size_t chunks = (rows[r] + TRUTH_CHUNK - 1) / TRUTH_CHUNK;
        cr_assert_eq(ls_plan_build(&net, &options->settings, LS_PLAN_TRAIN, rows[r], false, &plan,
                                   &err),
                     LS_OK);
        cr_assert_eq(plan->state, GRADIENTS);
        gradients_of(rows[r], x, t, start, chunk);
        for (size_t i = 0; i < RUNS_COUNT(divisions); i++) {
            const ls_plan *list[] = {plan};
            if (!divide(&d, &divisions[i], list, 1)) continue;
            for (size_t k = d.b.opencl; k < d.b.count; k++) {
                const job one = {.plan = plan,
                                 .start = start,
                                 .steps = 1,
                                 .state = state,
                                 .losses = losses,
                                 .gradients = got};
                run(&d.b.list[k], &data, &rates, &one, 1, false);
                check_order(chunk, chunks, got, d.b.list[k].name);
            }
            if (chunks >= 4) assert_used(&d, &divisions[i]);
        }
        ls_plan_free(plan);
    }
    devices_close(&d);
    ls_network_free(&net);
    ls_options_free(options);
}

/* ---- Random networks, in each division ------------------------------------------------------- */

static void check_cases(size_t which, uint32_t from, uint32_t to)
{
    const division *way = &divisions[which];
    devices d;
    size_t divided = 0;
    devices_open(&d);
    for (uint32_t i = from; i < to; i++) {
        subject s;
        subject_open(&s, i, false);
        const ls_plan *plans[] = {s.plan};
        if (s.plan->batch > 64 && divide(&d, way, plans, 1)) {
            job one = {.plan = s.plan,
                       .start = s.start,
                       .origin = s.origin,
                       .first = s.first,
                       .steps = s.steps};
            check(&d, &s.data, s.rates, &one, 1, s.text);
            divided++;
        }
        subject_close(&s);
    }
    if (divided) assert_used(&d, way);
    cr_expect(divided > 0 || d.b.opencl == d.b.count, "no case is divided so");
    devices_close(&d);
}

Test(small_groups, four_parts) { check_cases(0, 500, 580); }
Test(small_groups, four_parts_in_global_memory) { check_cases(1, 600, 680); }
Test(small_groups, two_parts_of_128) { check_cases(2, 700, 740); }
Test(small_groups, two_parts_of_64) { check_cases(3, 800, 840); }
Test(small_groups, one_part_of_256) { check_cases(4, 900, 930); }
Test(small_groups, one_part_of_64) { check_cases(5, 1000, 1030); }
Test(small_groups, one_part_of_32) { check_cases(6, 1100, 1130); }

/* ---- Members of different shapes in one launch ----------------------------------------------- */

static const struct {
    const char *options;
    size_t rows, origin;
    uint64_t first;
} shapes[] = {
    {"hidden 20,20 activation tanh optimizer adam batch full", 450, 3, 0},
    {"hidden 7 activation relu optimizer sgd batch 130 clip 0.05", 400, 0, 1},
    {"hidden none optimizer gd batch full loss mae", 30, 7, 5},
    {"hidden 16,16,16 activation gelu residual on dropout 0.2 optimizer adamw batch 64", 300, 1, 2},
    {"hidden 40,3 activation silu optimizer rmsprop batch 200 max-norm 0.3 loss huber", 451, 2, 9},
    {"hidden 70 activation tanh dropout 0.5 optimizer adam batch full clip 3 l2 0.01", 129, 4, 0},
    {"hidden 9,5 activation elu embedding piecewise bins 3 dropout 0.4 batch 170", 420, 5, 4},
};
enum { SHAPES = RUNS_COUNT(shapes), DATA_ROWS = 460, STEPS = 7 };

static void fill(ls_network *net, ls_plan **plan, float **start, ls_options *options, size_t rows)
{
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_network_build(&options->settings, FEATURES,
                                  (ls_shape){.task = LS_TASK_REGRESSION, .targets = OUTPUTS}, net,
                                  &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(ls_plan_build(net, &options->settings, LS_PLAN_TRAIN, rows, true, plan, &err),
                 LS_OK, "%s", err.message);
    *start = calloc((*plan)->state, sizeof **start);
    cr_assert(*start);
    ls_network_init(net, &options->settings, *start);
    /* what follows the parameters lies behind the optimizer's states */
    memmove(*start + (*plan)->state - net->running, *start + net->parameters,
            net->running * sizeof **start);
    memset(*start + net->parameters, 0,
           ((*plan)->state - net->running - net->parameters) * sizeof **start);
}

Test(small_groups, members_of_different_shapes)
{
    static float x[DATA_ROWS * FEATURES], t[DATA_ROWS * OUTPUTS], weight[DATA_ROWS];
    const ls_rows data = {DATA_ROWS, FEATURES, OUTPUTS, x, t, weight};
    ls_rates rates[STEPS];
    ls_options *options[SHAPES];
    ls_network net[SHAPES];
    ls_plan *plan[SHAPES];
    float *start[SHAPES];
    job jobs[SHAPES];
    devices d;
    for (size_t i = 0; i < RUNS_COUNT(x); i++) x[i] = 0.1f * test_value(VALUES_MODERATE, 4, i, 0);
    for (size_t i = 0; i < RUNS_COUNT(t); i++) t[i] = test_value(VALUES_MODERATE, 5, i, 0);
    for (size_t i = 0; i < DATA_ROWS; i++) weight[i] = 0.5f * (float)(i % 4);
    for (size_t i = 0; i < STEPS; i++)
        rates[i] = (ls_rates){0.01f, 0.011f, 1.0f + 0.1f * (float)i, 0.999f};
    for (size_t i = 0; i < SHAPES; i++) {
        options[i] = runs_options(shapes[i].options);
        fill(&net[i], &plan[i], &start[i], options[i], shapes[i].rows);
        jobs[i] = (job){.plan = plan[i],
                        .start = start[i],
                        .origin = shapes[i].origin,
                        .first = shapes[i].first,
                        .steps = STEPS - i % 3};
    }
    devices_open(&d);
    for (size_t i = 0; i < RUNS_COUNT(divisions); i++)
        if (divide(&d, &divisions[i], (const ls_plan *const *)plan, SHAPES)) {
            check(&d, &data, rates, jobs, SHAPES, "members of different shapes");
            assert_used(&d, &divisions[i]);
        }
    devices_close(&d);
    for (size_t i = 0; i < SHAPES; i++) {
        free(start[i]);
        ls_plan_free(plan[i]);
        ls_network_free(&net[i]);
        ls_options_free(options[i]);
    }
}
