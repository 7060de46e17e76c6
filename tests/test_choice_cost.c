/* SPDX-License-Identifier: MIT */
/* Whole runs with `--device auto` on simulated time, among the CPU path and a GPU of given speed,
 * build times and costs of launches: how much longer they take than on the better of the two. No
 * network is computed: the rounds are those of a fleet (host/training/fleet_round.c). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/device/choice.h"
#include "tests/support/clock.h"
#include "tests/support/fake_device.h"
#include "tests/support/runs.h"

TestSuite(choice_cost, .timeout = 300);

/* Seconds of rounds, as in fleet_round.c, and of moving members to another device. */
static const double brief_round = 0.025, usual_round = 0.075, move_seconds = 0.01;
/* What the example network computes in a step, in fma; its cost is 1. */
static const double step_fma = 1e6;

/* ---- A run ----------------------------------------------------------------------------------- */

typedef struct {
    ls_device *device;
    fake_device *at[2]; /* CPU path, GPU */
    ls_workload work;
    double pace;  /* as a fleet keeps it */
    double epoch; /* steps: rounds that need not be brief end with an epoch; 0: after usual_round */
} run;

/* A round on candidate `at`, and what the choice makes of it: moves if it says so. */
static size_t run_round(run *r, size_t at)
{
    ls_choice *choice = r->device->choice;
    bool brief = ls_choice_is_measuring(choice);
    double steps = (double)(uint64_t)((brief ? brief_round : usual_round) / r->pace);
    if (!brief && steps < r->epoch) steps = r->epoch;
    if (steps < 1) steps = 1;
    if (steps > r->work.left) steps = r->work.left;
    double took = fake_call(r->at[at], (uint64_t)steps);
    clock_advance(took);
    r->pace = took / steps;
    r->work.left -= steps;
    if (r->work.left < 1) r->work.members = 0;
    size_t to = ls_choice_round(choice, &r->work, took, steps);
    if (to == at) return to;
    const ls_candidate *candidate = &choice->list[to];
    clock_advance(move_seconds);
    choice->lost += move_seconds;
    r->pace = candidate->pace > 0    ? candidate->pace
              : candidate->tried > 0 ? 4 * candidate->tried
                                     : 100;
    return to;
}

typedef struct {
    double seconds; /* until the device is closed */
    double lost;    /* as the choice reckons it */
    bool searched, chosen;
} outcome;

static outcome run_epochs(fake_device cpu, fake_device other, double steps, double epoch)
{
    ls_options *options = runs_options("hidden 8");
    ls_example example = {.settings = &options->settings,
                          .inputs = 2,
                          .shape = ls_shape_of_classes(2),
                          .rows = 9,
                          .members = 1,
                          .cost = 1,
                          .need = {.small = step_fma}};
    run r = {.device = fake_choice_open(&cpu, &other),
             .at = {&cpu, &other},
             .work = {.members = 1, .step = 1, .left = steps, .example = &example, .examples = 1},
             .pace = 100,
             .epoch = epoch};
    r.device->choice->cores = 4;
    size_t at = ls_choice_begin(r.device->choice, &r.work);
    while (r.work.left >= 1) at = run_round(&r, at);
    ls_choice_end(r.device->choice);
    outcome o = {.lost = r.device->choice->lost,
                 .searched = fake_choice_searched(),
                 .chosen = r.device->choice->best == 1};
    ls_device_close(r.device);
    o.seconds = clock_now();
    ls_options_free(options);
    return o;
}

static outcome run_steps(fake_device cpu, fake_device other, double steps)
{
    return run_epochs(cpu, other, steps, 0);
}

/* Seconds of a run on the GPU alone, as with --device 1. */
static double alone(const fake_device *gpu, double steps)
{
    fake_device g = *gpu;
    double pace = 100, seconds = g.find_seconds + g.open_seconds + g.warm_seconds;
    clock_start(0);
    for (double left = steps; left >= 1;) {
        double n = (double)(uint64_t)(usual_round / pace);
        if (n < 1) n = 1;
        if (n > left) n = left;
        double took = fake_call(&g, (uint64_t)n);
        clock_advance(took);
        pace = took / n;
        left -= n;
    }
    return seconds + clock_now();
}

/* ---- Devices --------------------------------------------------------------------------------- */

typedef struct {
    const char *what;
    fake_device gpu;  /* step_seconds as a multiple of the CPU path's */
    double estimated; /* what the remembered speed gives for a step, as a multiple of its own; 0: no
                         speed is remembered */
    /* Seconds that the run takes on the CPU path: */
    double
        near; /* from here on it takes at most 1.1 times as long as on the better device; 0: 10 */
    double quiet; /* below this, devices are not even looked for; 0: 0.8 */
    double waits; /* the end of a short run may have to wait so long for the device */
} subject;

#define KNOWN .remembered = true, .opening = 0.5
#define FAST .step_seconds = 1.0 / 23
/* clang-format off */
static const subject subjects[] = {
    {"fast", {FAST, KNOWN}, .estimated = 1, .near = 2},
    {"three times as fast", {.step_seconds = 0.3, KNOWN}, .estimated = 1, .near = 2},
    {"a little faster", {.step_seconds = 0.8, KNOWN}, .estimated = 1, .quiet = 2},
    {"as fast", {.step_seconds = 1, KNOWN}, .estimated = 1, .quiet = 2},
    {"slow", {.step_seconds = 3, KNOWN}, .estimated = 1, .quiet = 2},
    {"very slow", {.step_seconds = 100, KNOWN}, .estimated = 1, .quiet = 2},
    {"slow, as only a trial shows", {.step_seconds = 3, KNOWN, .cold = true}, .estimated = 1},
    {"slow, but not while it was warmed up", {.step_seconds = 3, KNOWN, .warm_factor = 0.1}, .estimated = 1},
    {"fast, slow to build", {FAST, .remembered = true, .opening = 5.2, .warm_seconds = 5}, .estimated = 1, .quiet = 5},
    {"fast, slower to build than last time", {FAST, KNOWN, .warm_seconds = 5}, .estimated = 1, .waits = 5},
    {"slow, slow to build", {.step_seconds = 3, .remembered = true, .opening = 5.2, .warm_seconds = 5}, .estimated = 1, .quiet = 5},
    {"fast, builds in its first round", {FAST, KNOWN, .compile_seconds = 0.7}, .estimated = 1, .near = 3},
    {"three times as fast, builds in its first round", {.step_seconds = 0.3, KNOWN, .compile_seconds = 0.7}, .estimated = 1, .near = 5, .waits = 0.7},
    {"fast, builds beside its steps, slow until then", {FAST, KNOWN, .beside_seconds = 2, .beside_factor = 60}, .estimated = 1, .near = 3, .waits = 0.3},
    {"fast, builds beside its steps, faster already", {FAST, KNOWN, .beside_seconds = 2, .beside_factor = 4}, .estimated = 1, .near = 2},
    {"a large cost of a call", {FAST, KNOWN, .launch_seconds = 2e-3}, .estimated = 1, .near = 2},
    {"so many launches that a step is slow", {.step_seconds = 30, KNOWN}, .estimated = 1, .quiet = 2},
    {"fast, first steps slow", {FAST, KNOWN, .slow_steps = 60, .slow_factor = 40}, .estimated = 1, .near = 100},
    {"fast, remembered as 10 times slower", {FAST, KNOWN}, .estimated = 10, .near = 3},
    {"fast, remembered as 10 times faster", {FAST, KNOWN}, .estimated = 0.1, .near = 2},
    {"as fast, remembered as 10 times faster", {.step_seconds = 1, KNOWN}, .estimated = 0.1},
    {"slow, remembered as 10 times faster", {.step_seconds = 3, KNOWN}, .estimated = 0.1},
    {"slow, remembered as 10 times faster, as only a trial shows", {.step_seconds = 3, KNOWN, .cold = true}, .estimated = 0.1},
    {"fast, nothing remembered of its speed", {FAST, KNOWN}, .estimated = 0, .near = 3, .quiet = 2},
    {"fast, machine unknown", {FAST}, .estimated = 0, .quiet = 2},
    {"fast, machine unknown, speed guessed", {FAST}, .estimated = 4, .near = 3, .quiet = 2},
    {"slow, machine unknown", {.step_seconds = 3}, .estimated = 0, .quiet = 2},
    {"fast, never used, speed guessed", {FAST, .unchecked = true, .open_seconds = 8}, .estimated = 4, .near = 20, .quiet = 2},
    {"fast, never used", {FAST, .unchecked = true, .open_seconds = 8}, .estimated = 0, .near = 50, .quiet = 2},
    {"slow, never used", {.step_seconds = 3, .unchecked = true, .open_seconds = 8}, .estimated = 1, .quiet = 2},
    {"a CPU device, said to be fast", {.step_seconds = 1.5, KNOWN, .kind = "cpu"}, .estimated = 0.1, .quiet = 5},
};
/* clang-format on */

/* A subject beside a CPU path of so many seconds a step. */
static fake_device gpu_of(const subject *s, double cpu_step)
{
    fake_device gpu = s->gpu;
    gpu.step_seconds *= cpu_step;
    if (!(gpu.find_seconds > 0)) gpu.find_seconds = 0.3;
    if (!(gpu.open_seconds > 0)) gpu.open_seconds = 0.3;
    if (!(gpu.warm_seconds > 0)) gpu.warm_seconds = 0.2;
    if (s->estimated > 0) gpu.speed.alone = step_fma / (s->estimated * gpu.step_seconds);
    return gpu;
}

static void check_run(const subject *s, double cpu_step, double length)
{
    double steps = (double)(uint64_t)(length / cpu_step);
    fake_device cpu = {.step_seconds = cpu_step}, gpu = gpu_of(s, cpu_step);
    double on_cpu = steps * cpu_step, on_gpu = alone(&gpu, steps),
           best = on_gpu < on_cpu ? on_gpu : on_cpu, near = s->near > 0 ? s->near : 10,
           quiet = s->quiet > 0 ? s->quiet : 0.8;
    outcome o = run_steps(cpu, gpu, steps);
    char what[200];
    snprintf(what, sizeof what, "%s, %g s a step, run of %g s: %.3f s, best %.3f s", s->what,
             cpu_step, length, o.seconds, best);
    if (getenv("LOCKSTEP_TABLE"))
        printf("%-45s %6g %5g: %8.3f s, CPU path %.3f, GPU %.3f, %.3f%s\n", s->what, cpu_step,
               length, o.seconds, on_cpu, on_gpu, o.seconds / best, o.chosen ? " *" : "");
    if (length < quiet) cr_expect(!o.searched, "%s: devices were looked for", what);
    if (length < quiet) cr_expect_float_eq(o.seconds, on_cpu, 1e-6, "%s", what);
    if (length >= near) cr_expect_leq(o.seconds, 1.1 * best, "%s", what);
    /* what choosing may cost at most: 2 % of a run of 10 s, and 0.15 s of a shorter one */
    double cost = length >= 10 ? 0.02 * on_cpu : 0.15;
    if (cost < s->waits) cost = s->waits;
    cr_expect_leq(o.seconds, on_cpu + cost, "%s", what);
}

/* Runs as long as these on the CPU path, with steps as long as these. */
static const double lengths[] = {0.1, 0.3, 0.6, 1, 1.5, 2, 3, 5, 10, 12, 20, 50, 100, 300, 1000},
                    cpu_steps[] = {1e-4, 1e-2};

Test(choice_cost, near_the_better_device)
{
    for (size_t i = 0; i < RUNS_COUNT(subjects); i++)
        for (size_t k = 0; k < RUNS_COUNT(cpu_steps); k++)
            for (size_t l = 0; l < RUNS_COUNT(lengths); l++)
                check_run(&subjects[i], cpu_steps[k], lengths[l]);
}

/* A GPU whose first steps are slow for so long that it is taken for slow is tried again. */
Test(choice_cost, a_gpu_that_disappointed_is_tried_again)
{
    fake_device cpu = {.step_seconds = 1e-2}, gpu = {.step_seconds = 1e-2 / 23,
                                                     .remembered = true,
                                                     .opening = 0.5,
                                                     .slow_steps = 400,
                                                     .slow_factor = 40};
    outcome o = run_steps(cpu, gpu, 3e4);
    cr_expect(o.chosen);
    cr_expect_lt(o.seconds, 200.0, "%g s instead of 300 s on the CPU path", o.seconds);
}

/* An epoch takes seconds on the CPU path; a GPU that builds beside its first steps, which are slow
 * until then, is taken up when it has built, and not when the CPU path's epoch is over. */
Test(choice_cost, long_epochs_delay_nothing)
{
    fake_device cpu = {.step_seconds = 19e-3}, gpu = {.step_seconds = 19e-3 / 23,
                                                      .remembered = true,
                                                      .opening = 0.5,
                                                      .find_seconds = 0.3,
                                                      .open_seconds = 0.3,
                                                      .warm_seconds = 0.2,
                                                      .beside_seconds = 0.5,
                                                      .beside_factor = 60};
    const double usual = run_steps(cpu, gpu, 2000).seconds;
    outcome o = run_epochs(cpu, gpu, 2000, 400);
    cr_expect(o.chosen);
    cr_expect_lt(o.seconds, usual + 0.5, "%g s, and %g s in short rounds", o.seconds, usual);
}
