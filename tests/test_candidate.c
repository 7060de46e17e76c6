/* SPDX-License-Identifier: MIT */
/* What is known of a device before it is measured: the estimate of a step, what is remembered of
 * this machine's devices, and its speed while it is warmed up. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core_cpu/cpu.h"
#include "host/base/file.h"
#include "host/device/candidate.h"
#include "host/device/warm_up.h"
#include "tests/support/clock.h"
#include "tests/support/runs.h"
#ifdef LS_OPENCL
#include "host/opencl/cl_known.h"
#endif

TestSuite(candidate, .timeout = 60);

static ls_plan *plan_of(const char *text, size_t inputs, size_t rows)
{
    ls_options *options = runs_options(text);
    ls_network network = {0};
    ls_plan *plan;
    ls_error err;
    cr_assert_eq(ls_network_build(&options->settings, inputs, ls_shape_of_classes(10), &network,
                                  &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(ls_plan_build(&network, &options->settings, LS_PLAN_TRAIN, rows, false, &plan,
                               &err),
                 LS_OK, "%s", err.message);
    ls_network_free(&network);
    ls_options_free(options);
    return plan;
}

/* ---- Estimates ------------------------------------------------------------------------------- */

static double sum(const ls_step_need *need)
{
    double all = 0;
    for (int i = 0; i < LS_SPEED_CLASSES; i++) all += need->product[i];
    return all;
}

/* Forward, gradients of the weights, and gradients of all inputs but the first layer's. */
Test(candidate, need_of_a_step)
{
    ls_plan *small = plan_of("hidden 32 batch 64 optimizer adam", 16, 640),
            *large = plan_of("hidden 2048,1024 batch 512 optimizer adam", 784, 5120),
            *norm = plan_of("hidden 32 batch 64 batch-norm on", 16, 640);
    ls_step_need s = ls_step_need_of(small), l = ls_step_need_of(large), n = ls_step_need_of(norm);
    cr_expect_float_eq(sum(&s), 64.0 * (2 * 16 * 32 + 3 * 32 * 10), 0.5);
    cr_expect_float_eq(s.small, sum(&s), 0.5);
    cr_expect_float_eq(sum(&l), 512.0 * (2 * 784 * 2048 + 3 * 2048 * 1024 + 3 * 1024 * 10), 0.5);
    cr_expect_eq(l.small, 0.0, "too large for the chunk-wise mode");
    cr_expect_eq(n.small, 0.0, "batch normalisation never runs chunk-wise");
    /* by the sizes of the results, as ls_cl_size_class sorts them */
    cr_expect_float_eq(l.product[0], 512.0 * (1024 * 10 * 2), 0.5);
    cr_expect_eq(l.product[1], 0.0);
    cr_expect_float_eq(l.product[2], 512.0 * (784 * 2048 + 2 * 2048 * 1024 + 1024 * 10), 0.5);
    cr_expect_float_eq(l.product[3], 512.0 * (784 * 2048 + 2048 * 1024), 0.5);
    /* Adam reads gradient, parameter and two states, and writes the last three: 28 bytes. The rest
     * is rows × outputs, a sixth of it here. */
    cr_expect_gt(l.bytes, 28.0 * (784 * 2048 + 2048 * 1024));
    cr_expect_lt(l.bytes, 34.0 * (784 * 2048 + 2048 * 1024));
    cr_expect_gt(n.launches, s.launches + 9);
    ls_plan_free(small);
    ls_plan_free(large);
    ls_plan_free(norm);
}

Test(candidate, seconds_of_a_step)
{
    const ls_step_need layered = {.product = {0, 0, 2e9, 0},
                                  .bytes = 1e9,
                                  .launches = 20,
                                  .barriers = 10},
                       small = {.product = {1e6, 0, 0, 0}, .small = 1e6, .launches = 20};
    const struct {
        const char *what;
        ls_device_speed speed;
        const ls_step_need *need;
        size_t members;
        double seconds;
    } cases[] = {
        {"nothing known", {.launch = 0}, &layered, 1, 0},
        {"no products known", {.launch = 1e-5, .copy = 1e12}, &layered, 1, 0},
        {"layered",
         {.launch = 1e-5, .copy = 1e12, .product = {0, 0, 1e12, 0}},
         &layered,
         1,
         3.2e-3},
        {"the nearest class",
         {.launch = 1e-5, .copy = 1e12, .product = {0, 1e12, 0, 0}},
         &layered,
         1,
         3.2e-3},
        {"with barriers",
         {.launch = 1e-5, .barrier = 1e-6, .copy = 1e12, .product = {0, 0, 1e12, 0}},
         &layered,
         1,
         3.01e-3},
        {"one after the other",
         {.launch = 1e-5, .copy = 1e12, .product = {0, 0, 1e12, 0}},
         &layered,
         5,
         1.6e-2},
        {"chunk-wise alone",
         {.launch = 1e-5, .product = {1e12, 0, 0, 0}, .alone = 1e10},
         &small,
         1,
         1e-4},
        {"layered is faster",
         {.launch = 1e-6, .product = {1e12, 0, 0, 0}, .alone = 1e10},
         &small,
         1,
         2.1e-5},
        {"side by side", {.alone = 1e10, .fleet = 1e12}, &small, 1000, 1e-3},
        {"side by side, few", {.alone = 1e10, .fleet = 1e12}, &small, 10, 1e-4},
        {"a large network does not run chunk-wise",
         {.alone = 1e10, .fleet = 1e12},
         &layered,
         10,
         0},
    };
    for (size_t i = 0; i < RUNS_COUNT(cases); i++)
        cr_expect_float_eq(ls_estimate_step(&cases[i].speed, cases[i].need, cases[i].members),
                           cases[i].seconds, 1e-9, "%s", cases[i].what);
}

/* The estimate for several networks; for none, and for the CPU path, there is none. */
Test(candidate, estimates_of_a_workload)
{
    const ls_example examples[] = {{.members = 2, .cost = 3, .need = {.small = 3e6}},
                                   {.members = 4, .cost = 1, .need = {.small = 1e6}}};
    ls_workload work = {.members = 6, .step = 10, .example = examples, .examples = 2};
    ls_candidate c = {.speed = {.alone = 1e9}};
    ls_candidate_estimate(&c, &work);
    cr_expect_float_eq(c.estimate, 1e-3, 1e-9); /* seconds per unit: 10 ms of 10 units */
    cr_expect_float_eq(c.timing.estimated, 600, 1e-6);
    c.threads = 4;
    ls_candidate_estimate(&c, &work);
    cr_expect(c.estimate == 0 && c.timing.estimated == 0);
    c = (ls_candidate){0};
    ls_candidate_estimate(&c, &work);
    cr_expect(c.estimate == 0 && c.timing.estimated == 0);
}

/* A trial with fewer copies than there are members does not show how many run side by side. */
Test(candidate, pace_while_it_was_warmed_up)
{
    ls_candidate c = {.tried = 8, .copies = 10, .info.kind = "gpu"};
    cr_expect_eq(ls_candidate_expected_pace(&c, 10), 8.0);
    cr_expect_eq(ls_candidate_expected_pace(&c, 1000), 8.0);
    cr_expect(ls_candidate_is_hopeless(&c, 10, 1));
    cr_expect(!ls_candidate_is_hopeless(&c, 1000, 1));
    c.estimate = 2;
    cr_expect_eq(ls_candidate_expected_pace(&c, 10), 8.0,
                 "what was tried counts, not the estimate");
    cr_expect_eq(ls_candidate_expected_pace(&c, 1000), 2.0);
    c.estimate = 0.01;
    cr_expect_eq(ls_candidate_expected_pace(&c, 1000), 0.08);
    strcpy(c.info.kind, "cpu"); /* competed with the training */
    c.tried = 6;
    cr_expect(!ls_candidate_is_hopeless(&c, 10, 1));
}

/* ---- Warming up ------------------------------------------------------------------------------ */

/* The CPU path, but steps have the time that the test says, and builds. */
static struct {
    ls_backend_slots slots;
    const ls_backend_slots *real;
    int calls;      /* of run */
    int building;   /* the first calls, which build */
    int quickening; /* the first calls, each of which is faster than the one before */
    double beside;  /* seconds of the clock until which a build runs beside the steps */
    int fails_at;   /* call that fails; 0: none */
    uint64_t steps; /* in all */
    size_t infers;
} warmed;

static ls_status warmed_run(ls_workspace *w, const ls_run *runs, size_t count, ls_error *err)
{
    if (++warmed.calls == warmed.fails_at) return ls_fail(err, LS_ERR_DEVICE, "no");
    double step = warmed.calls > warmed.quickening ? 1e-4 : 1e-3 / warmed.calls;
    for (size_t i = 0; i < count; i++) {
        warmed.steps += runs[i].count;
        clock_advance(step * (double)runs[i].count + (warmed.calls <= warmed.building ? 2 : 0));
    }
    return warmed.real->run(w, runs, count, err);
}

static ls_builds warmed_builds(const ls_backend *backend)
{
    (void)backend;
    uint64_t ended = (uint64_t)(warmed.calls < warmed.building ? warmed.calls : warmed.building);
    if (warmed.beside <= 0) return (ls_builds){ended, 0};
    clock_advance(0.01); /* polling takes time */
    return clock_now() < warmed.beside ? (ls_builds){ended, 1} : (ls_builds){ended + 1, 0};
}

static ls_status warmed_infer(ls_workspace *w, size_t member, size_t first, size_t rows,
                              float *outputs, float *losses, ls_error *err)
{
    warmed.infers++;
    return warmed.real->infer(w, member, first, rows, outputs, losses, err);
}

static ls_warm_speed warm(size_t members, bool stop)
{
    ls_backend *backend;
    ls_plan *plan = plan_of("hidden 8 batch 16", 4, 40);
    atomic_bool stopped;
    atomic_init(&stopped, stop);
    clock_start(0);
    cr_assert_eq(ls_cpu_open(1, NULL, &backend, NULL), LS_OK);
    warmed.real = backend->slots;
    warmed.slots = *backend->slots;
    warmed.slots.run = warmed_run;
    warmed.slots.builds = warmed_builds;
    warmed.slots.infer = warmed_infer;
    backend->slots = &warmed.slots;
    ls_warm_speed speed = ls_warm_up(backend, plan, members, 2, &stopped);
    backend->slots->close(backend);
    ls_plan_free(plan);
    return speed;
}

Test(candidate, warming_up_goes_on_until_nothing_is_built)
{
    memset(&warmed, 0, sizeof warmed);
    ls_warm_speed quick = warm(1, false);
    int calls = warmed.calls;
    cr_expect_float_eq(quick.step, 1e-4, 1e-9);
    cr_expect_eq(quick.copies, 1);
    cr_expect_gt(calls, 3);
    cr_expect_eq(warmed.infers, 2);

    memset(&warmed, 0, sizeof warmed);
    warmed.building = 5; /* 2 s each, which is not the device's speed */
    ls_warm_speed builds = warm(1, false);
    cr_expect_float_eq(builds.step, 1e-4, 1e-9);
    cr_expect_eq(warmed.calls, calls + 5);

    memset(&warmed, 0, sizeof warmed);
    warmed.quickening = 9; /* not found stable while its steps become faster */
    ls_warm_speed quickening = warm(1, false);
    cr_expect_float_eq(quickening.step, 1e-4, 1e-9);
    cr_expect_geq(warmed.calls, 9 + 3);

    memset(&warmed, 0, sizeof warmed);
    warmed.beside = 1; /* it waits for the end of that build, and runs steps after it */
    ls_warm_speed beside = warm(1, false);
    cr_expect_float_eq(beside.step, 1e-4, 1e-9);
    cr_expect_geq(clock_now(), 1.0);
    cr_expect_gt(warmed.calls, 3);

    memset(&warmed, 0, sizeof warmed);
    ls_warm_speed fleet = warm(40, false);
    cr_expect_float_eq(fleet.step, 1e-4, 1e-9, "per copy");
    cr_expect_eq(fleet.copies, 40);
}

Test(candidate, warming_up_may_end_early)
{
    memset(&warmed, 0, sizeof warmed);
    cr_expect_eq(warm(1, true).step, 0.0);
    cr_expect_eq(warmed.calls, 0);
    for (int call = 1; call < 5; call++) {
        memset(&warmed, 0, sizeof warmed);
        warmed.fails_at = call;
        cr_expect_eq(warm(3, false).step, 0.0, "failing at call %d", call);
        cr_expect_eq(warmed.calls, call);
    }
    memset(&warmed, 0, sizeof warmed);
    warmed.building = 1 << 20; /* it never ends building */
    warm(1, false);
    cr_expect_lt(warmed.calls, 1000);
}

/* ---- What is remembered of this machine ------------------------------------------------------ */

#ifdef LS_OPENCL
static char folder[] = LS_TEST_FILES;

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
}

static void remove_folder(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    cr_assert_eq(system(command), 0);
}

static bool recall(size_t *count, double *seconds, ls_device_info *first, ls_device_speed *guess)
{
    ls_device_info *list;
    ls_device_speed *speed;
    if (!ls_cl_recall_found(&list, &speed, count, seconds)) return false;
    if (*count) *first = list[0], *guess = speed[0];
    free(list);
    free(speed);
    return true;
}

Test(candidate, devices_are_remembered, .init = make_folder, .fini = remove_folder)
{
    ls_cl_found found[2] = {
        {.info = {.name = "a GPU", .kind = "gpu", .vendor = "someone", .exact = 1, .memory = 1e9},
         .guess = {.launch = 1e-5, .alone = 1e9}},
        {.info = {.name = "a CPU", .kind = "cpu"}}};
    ls_device_info info = {0};
    ls_device_speed guess = {0};
    size_t count = 9;
    double seconds = 0;
    cr_expect(!recall(&count, &seconds, &info, &guess), "nothing was written");
    ls_cl_remember_found(found, 2, 0.75);
    cr_assert(recall(&count, &seconds, &info, &guess));
    cr_expect(count == 2 && seconds == 0.75);
    cr_expect_str_eq(info.name, "a GPU");
    cr_expect_str_eq(info.kind, "gpu");
    cr_expect(guess.launch == 1e-5 && guess.alone == 1e9 && guess.fleet == 0);
    /* what shows and hides devices is part of the machine */
    setenv("CUDA_VISIBLE_DEVICES", "", 1);
    cr_expect(!recall(&count, &seconds, &info, &guess), "another environment");
    ls_cl_remember_found(NULL, 0, 0.5);
    cr_assert(recall(&count, &seconds, &info, &guess), "that there is no device is known, too");
    cr_expect_eq(count, 0);
    unsetenv("CUDA_VISIBLE_DEVICES");
    cr_assert(recall(&count, &seconds, &info, &guess));
    cr_expect_eq(count, 2);
    setenv("OCL_ICD_VENDORS", folder, 1);
    cr_expect(!recall(&count, &seconds, &info, &guess), "other drivers");
}

static void damage(const char *path, size_t size)
{
    char *bytes;
    size_t whole;
    cr_assert_eq(ls_read_file(path, &bytes, &whole, NULL), LS_OK);
    cr_assert_eq(ls_write_file(path, bytes, size < whole ? size : whole, NULL), LS_OK);
    free(bytes);
}

Test(candidate, damaged_files_count_as_none, .init = make_folder, .fini = remove_folder)
{
    ls_cl_found found = {.info = {.name = "a GPU", .kind = "gpu", .exact = 1}};
    ls_device_info info;
    ls_device_speed guess;
    size_t count;
    double seconds;
    char command[400], path[400] = "";
    ls_cl_remember_found(&found, 1, 1);
    snprintf(command, sizeof command, "ls '%s'/lockstep/devices-*", folder);
    FILE *list = popen(command, "r");
    cr_assert(list && fgets(path, sizeof path, list));
    pclose(list);
    path[strcspn(path, "\n")] = 0;
    for (size_t size = 0; size < 100; size += 7) {
        ls_cl_remember_found(&found, 1, 1);
        cr_assert(recall(&count, &seconds, &info, &guess));
        damage(path, size);
        cr_expect(!recall(&count, &seconds, &info, &guess), "%zu bytes of it", size);
    }
    memset(found.info.name, 'x', sizeof found.info.name);
    ls_cl_remember_found(&found, 1, 1);
    cr_expect(!recall(&count, &seconds, &info, &guess), "a name without an end");
}

Test(candidate, opening_is_remembered, .init = make_folder, .fini = remove_folder)
{
    const ls_device_info one = {.name = "one"}, two = {.name = "two"};
    cr_expect_eq(ls_cl_recall_opening(&one), 0.0);
    ls_cl_remember_opening(&one, 1.25);
    ls_cl_remember_opening(&two, 0.5);
    ls_cl_remember_opening(&two, 12.5);
    cr_expect_float_eq(ls_cl_recall_opening(&one), 1.25, 1e-9);
    cr_expect_float_eq(ls_cl_recall_opening(&two), 12.5, 1e-9);
}
#endif
