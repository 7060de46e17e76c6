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
    double pace; /* as a fleet keeps it */
} run;

/* A round on candidate `at`, and what the choice makes of it: moves if it says so. */
static size_t run_round(run *r, size_t at)
{
    ls_choice *choice = r->device->choice;
    double seconds = ls_choice_is_measuring(choice) ? brief_round : usual_round;
    double steps = (double)(uint64_t)(seconds / r->pace);
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
    r->pace = candidate->pace > 0 ? candidate->pace : candidate->tried > 0 ? candidate->tried : 100;
    return to;
}

typedef struct {
    double seconds; /* until the device is closed */
    double lost;    /* as the choice reckons it */
    bool searched, chosen;
} outcome;

static outcome run_steps(fake_device cpu, fake_device other, double steps)
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
             .pace = 100};
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
#if 0
    double slow = (double)gpu->slow_steps < steps ? (double)gpu->slow_steps : steps,
           more = slow > 0 ? (gpu->slow_factor - 1) * slow * gpu->step_seconds : 0;
    return gpu->find_seconds + gpu->open_seconds + gpu->warm_seconds + gpu->compile_seconds +
           steps * gpu->step_seconds + more;
}
#endif

/* ---- Devices --------------------------------------------------------------------------------- */

typedef struct {
    const char *what;
    fake_device gpu;  /* step_seconds as a multiple of the CPU path's */
    double estimated; /* what the remembered speed gives for a step, as a multiple of its own; 0: no
                         speed is remembered */
} subject;

/* clang-format off */
static const subject subjects[] = {
    {"fast", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5}, 1},
    {"three times as fast", {.step_seconds = 1.0 / 3, .remembered = true, .opening = 0.5}, 1},
    {"a little faster", {.step_seconds = 0.8, .remembered = true, .opening = 0.5}, 1},
    {"as fast", {.step_seconds = 1, .remembered = true, .opening = 0.5}, 1},
    {"slow", {.step_seconds = 3, .remembered = true, .opening = 0.5}, 1},
    {"very slow", {.step_seconds = 100, .remembered = true, .opening = 0.5}, 1},
    {"slow, as only a trial shows", {.step_seconds = 3, .remembered = true, .opening = 0.5, .cold = true}, 1},
    {"very slow, as only a trial shows", {.step_seconds = 100, .remembered = true, .opening = 0.5, .cold = true}, 1},
    {"fast, slow to build", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 5.2, .warm_seconds = 5}, 1},
    {"fast, slower to build than last time", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5, .warm_seconds = 5}, 1},
    {"slow, slow to build", {.step_seconds = 3, .remembered = true, .opening = 5.2, .warm_seconds = 5}, 1},
    {"fast, builds in its first round", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5, .compile_seconds = 0.7}, 1},
    {"fast, builds beside its steps", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5, .beside_seconds = 2, .beside_factor = 60}, 1},
    {"fast, builds beside its steps, faster already", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5, .beside_seconds = 2, .beside_factor = 4}, 1},
    {"a huge cost of a launch", {.step_seconds = 1.0 / 23, .launch_seconds = 2e-3, .remembered = true, .opening = 0.5}, 1},
    {"a step costs many launches", {.step_seconds = 30, .remembered = true, .opening = 0.5, .cold = true}, 1},
    {"fast, first steps slow", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5, .slow_steps = 60, .slow_factor = 40}, 1},
    {"fast, remembered as 10 times slower", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5}, 10},
    {"fast, remembered as 10 times faster", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5}, 0.1},
    {"as fast, remembered as 10 times faster", {.step_seconds = 1, .remembered = true, .opening = 0.5}, 0.1},
    {"slow, remembered as 10 times faster", {.step_seconds = 3, .remembered = true, .opening = 0.5}, 0.1},
    {"slow, remembered as 10 times faster, as only a trial shows", {.step_seconds = 3, .remembered = true, .opening = 0.5, .cold = true}, 0.1},
    {"fast, speed unknown", {.step_seconds = 1.0 / 23, .remembered = true, .opening = 0.5}, 0},
    {"fast, machine unknown", {.step_seconds = 1.0 / 23}, 0},
    {"fast, machine unknown, guessed", {.step_seconds = 1.0 / 23}, 4},
    {"slow, machine unknown", {.step_seconds = 3}, 0},
    {"fast, never used", {.step_seconds = 1.0 / 23, .unchecked = true, .open_seconds = 8}, 4},
    {"fast, never used, nothing guessed", {.step_seconds = 1.0 / 23, .unchecked = true, .open_seconds = 8}, 0},
    {"slow, never used", {.step_seconds = 3, .unchecked = true, .open_seconds = 8}, 1},
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

static const double lengths[] = {0.1, 0.3, 0.6, 1, 2, 3, 5, 10, 12, 20, 50, 100, 300, 1000},
                    cpu_steps[] = {1e-4, 1e-3, 2e-2};

Test(choice_cost, table)
{
    for (size_t i = 0; i < RUNS_COUNT(subjects); i++)
        for (size_t k = 0; k < RUNS_COUNT(cpu_steps); k++) {
            printf("%-50s %6g:", subjects[i].what, cpu_steps[k]);
            for (size_t l = 0; l < RUNS_COUNT(lengths); l++) {
                fake_device cpu = {.step_seconds = cpu_steps[k]},
                            gpu = gpu_of(&subjects[i], cpu_steps[k]);
                double steps = (double)(uint64_t)(lengths[l] / cpu_steps[k]);
                double best = alone(&gpu, steps), c = steps * cpu_steps[k];
                outcome o = run_steps(cpu, gpu, steps);
                printf(" %6.3f%c", o.seconds / (best < c ? best : c), o.chosen ? '*' : o.searched ? '.' : ' ');
            }
            printf("\n");
        }
}
