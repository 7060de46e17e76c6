/* SPDX-License-Identifier: MIT */
/* `--device auto` and `--threads auto`: the faster candidate is chosen, one that fails is survived
 * wherever it fails, short runs look for no devices, and whatever is chosen, models are those of
 * ls_train on one thread of the CPU path, byte for byte. Time is simulated, so that every outcome
 * is a function of the inputs. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/error.h"
#include "host/device/choice.h"
#include "tests/support/clock.h"
#include "tests/support/fake_device.h"
#include "tests/support/runs.h"

TestSuite(choice, .timeout = 300);

/* A choice of the CPU path and one other device, which is measured however short the run is. */
static ls_device *open_impatient(fake_device *cpu, fake_device *other)
{
    ls_device *device = fake_choice_open(cpu, other);
    device->choice->patience = (ls_choice_patience){0};
    return device;
}

/* ---- Networks to train ----------------------------------------------------------------------- */

/* Everything that lives outside of the device: best states, learning rates that follow the loss,
 * histories that are thinned, all reasons to stop. */
static const char *const texts[] = {
    "epochs 3000 hidden 8 batch full optimizer adam",
    "epochs 300 hidden 8,8 batch 16 patience 50 validation 0.2 seed 3",
    "epochs 300 hidden 4 schedule plateau schedule-epochs 3 lr 0.3 optimizer sgd batch 20",
    "epochs 200 hidden 6,6 dropout 0.2 schedule cosine seed 5",
    "epochs 2000 hidden 5 batch full tolerance 1e-4 tolerance-epochs 40",
    "epochs 1200 hidden 6,6,6 residual on batch-norm on batch full",
    "epochs 400 hidden 12,12,12 optimizer sgd lr 1e6 activation relu",
    "epochs 250 hidden 3 patience 3 validation 0.3 schedule plateau optimizer momentum",
};
enum { NETWORKS = RUNS_COUNT(texts) };

typedef struct {
    ls_data *data;
    ls_options *options[NETWORKS];
    ls_status status[NETWORKS];
    char hash[NETWORKS][65], message[NETWORKS][1024];
} subjects;

static void subjects_open(subjects *s)
{
    s->data = runs_data("moons", 60);
    for (size_t i = 0; i < NETWORKS; i++) {
        ls_model *model;
        ls_error err = {LS_OK, ""};
        s->options[i] = runs_options(texts[i]);
        s->status[i] = ls_train(NULL, s->options[i], s->data, NULL, NULL, &model, &err);
        snprintf(s->message[i], sizeof s->message[i], "%s", err.message);
        if (s->status[i] != LS_OK) continue;
        cr_assert_eq(ls_model_sha256(model, s->hash[i], &err), LS_OK, "%s", err.message);
        ls_model_free(model);
    }
}

static void subjects_close(subjects *s)
{
    for (size_t i = 0; i < NETWORKS; i++) ls_options_free(s->options[i]);
    ls_data_free(s->data);
}

static void check(ls_fleet *fleet, const subjects *s, const char *what)
{
    for (size_t i = 0; i < NETWORKS; i++) {
        ls_model *model;
        ls_error err = {LS_OK, ""};
        char hash[65];
        ls_status status = ls_fleet_model(fleet, i, &model, &err);
        cr_assert_eq(status, s->status[i], "%s: %s: %s", what, texts[i], err.message);
        if (status != LS_OK) cr_assert_str_eq(err.message, s->message[i], "%s: %s", what, texts[i]);
        if (status != LS_OK) continue;
        cr_assert_eq(ls_model_sha256(model, hash, &err), LS_OK);
        cr_assert_str_eq(hash, s->hash[i], "%s: %s", what, texts[i]);
        ls_model_free(model);
    }
}

/* Trains all networks on the device, in one fleet, with a stop on the way. */
static ls_status train_all(ls_device *device, const subjects *s, const char *what, ls_error *err)
{
    ls_fleet *fleet;
    cr_assert_eq(ls_fleet_open(device, 0, &fleet, err), LS_OK, "%s", err->message);
    for (size_t i = 0; i < NETWORKS; i++)
        cr_assert_eq(ls_fleet_add(fleet, s->options[i], s->data, NULL, err), LS_OK, "%s",
                     err->message);
    ls_status status = ls_fleet_run(fleet, NULL, 0, 100, NULL, NULL, err);
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, err);
    if (status == LS_OK) check(fleet, s, what);
    ls_fleet_close(fleet);
    return status;
}

/* ---- Which device is chosen ------------------------------------------------------------------ */

static size_t timings_count(const ls_device *device)
{
    size_t count = 0;
    cr_assert_eq(ls_device_timings(device, NULL, 0, &count, NULL), LS_OK);
    return count;
}

Test(choice, the_faster_device_is_chosen)
{
    static const struct {
        double cpu, other;
        bool moves;
    } cases[] = {{1e-3, 1e-4, true}, {1e-4, 1e-3, false}};
    subjects s;
    subjects_open(&s);
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        ls_error err;
        fake_device cpu = {.step_seconds = cases[i].cpu}, other = {.step_seconds = cases[i].other};
        ls_device *device = open_impatient(&cpu, &other);
        cr_assert_str_eq(ls_device_get_info(device)->kind, "cpu path",
                         "the device in use before any measurement");
        cr_assert_eq(timings_count(device), 0);
        cr_assert_eq(train_all(device, &s, "a faster device", &err), LS_OK, "%s", err.message);
        cr_assert_eq(cpu.members + other.members, 0, "members are left on a device");
        cr_expect_eq(ls_device_get_info(device)->index, cases[i].moves, "case %zu: %s was chosen",
                     i, ls_device_get_info(device)->name);
        const ls_device_timing *timing = fake_timing(device);
        cr_assert(timing, "case %zu: the other device was not measured", i);
        cr_expect_gt(timing->speed, 0.0);
        cr_expect_eq(timing->chosen, cases[i].moves);
        cr_expect_str_eq(timing->note, "");
        uint64_t slower = cases[i].moves ? cpu.steps : other.steps,
                 faster = cases[i].moves ? other.steps : cpu.steps;
        cr_expect_lt(slower, faster,
                     "case %zu: %llu steps on the slower device, %llu on the faster one", i,
                     (unsigned long long)slower, (unsigned long long)faster);
        ls_device_close(device);
    }
    subjects_close(&s);
}

static int on_epoch(const ls_progress *p, void *user)
{
    uint64_t *epoch = user;
    cr_assert_eq(p->epoch, ++*epoch, "epochs are reported once each, in order");
    return p->epoch == 30000;
}

/* ls_train, with a callback that stops it. */
Test(choice, training_alone)
{
    static const double cpu_seconds[] = {0, 1e-3, 1e-4}, other_seconds[] = {0, 1e-4, 1e-3};
    ls_data *data = runs_data("moons", 60);
    ls_options *options = runs_options("epochs 50000 hidden 8 batch 30");
    char first[65] = "", hash[65];
    for (int way = 0; way < 3; way++) {
        fake_device cpu = {.step_seconds = cpu_seconds[way]},
                    other = {.step_seconds = other_seconds[way]};
        ls_device *device = way ? open_impatient(&cpu, &other) : NULL;
        uint64_t epoch = 0;
        ls_model *model;
        ls_error err;
        cr_assert_eq(ls_train(device, options, data, on_epoch, &epoch, &model, &err), LS_OK, "%s",
                     err.message);
        cr_assert_eq(ls_model_sha256(model, hash, &err), LS_OK);
        if (!way) strcpy(first, hash);
        cr_expect_str_eq(hash, first, "way %d", way);
        if (way) cr_expect_eq(ls_device_get_info(device)->index, way == 1, "way %d", way);
        ls_model_free(model);
        ls_device_close(device);
    }
    ls_options_free(options);
    ls_data_free(data);
}

/* A device that fails at any call while it is measured costs no bit. */
Test(choice, a_candidate_that_fails_is_survived)
{
    subjects s;
    size_t failures = 0;
    subjects_open(&s);
    for (long call = 1;; call += 1 + call / 6) {
        ls_error err;
        char what[64];
        fake_device cpu = {.step_seconds = 1e-4}, other = {.step_seconds = 3e-4, .fails_at = call};
        ls_device *device = open_impatient(&cpu, &other);
        snprintf(what, sizeof what, "failing at call %ld", call);
        cr_assert_eq(train_all(device, &s, what, &err), LS_OK, "%s: %s", what, err.message);
        cr_assert_eq(cpu.members + other.members, 0, "%s: members are left on a device", what);
        cr_assert_eq(ls_device_get_info(device)->index, 0);
        bool failed = other.calls >= call;
        const ls_device_timing *timing = fake_timing(device);
        cr_assert(timing, "%s: it was not measured", what);
        if (failed) cr_assert(strstr(timing->note, "fell over"), "%s: '%s'", what, timing->note);
        ls_device_close(device);
        if (!failed) break;
        failures++;
    }
    cr_assert_geq(failures, 10);
    subjects_close(&s);
}

/* ---- What choosing costs --------------------------------------------------------------------- */

typedef enum { IGNORED, REFUSED, MEASURED, CHOSEN } outcome;

/* Runs of 1 ms per step on the CPU path, two steps per epoch, and what becomes of them with one
 * other device, which is found after 0.3 s unless it says otherwise. Seconds are simulated, and at
 * most those of the whole run and those that choosing cost it. */
/* clang-format off */
static const struct {
    const char *what;
    fake_device other;
    uint64_t epochs;
    outcome outcome;
    double seconds, lost;
    const char *note;
} runs[] = {
    {"a fast GPU", {.step_seconds = 1e-4, .open_seconds = 0.5}, 20000, CHOSEN, 4.9, 0.01, ""},
    {"a slow GPU", {.step_seconds = 3e-3, .open_seconds = 0.5}, 20000, MEASURED, 40.2, 0.2, ""},
    {"a GPU that was slow while it was warmed up", {.step_seconds = 5e-3, .open_seconds = 0.5}, 20000, REFUSED, 40, 0, "5.0 times slower when it was warmed up"},
    {"a slow GPU that was not warmed up", {.step_seconds = 5e-3, .open_seconds = 0.5, .cold = true}, 20000, MEASURED, 40.35, 0.35, ""},
    {"a GPU that is a little faster", {.step_seconds = 8e-4}, 20000, CHOSEN, 32.5, 0.01, ""},
    {"a GPU that is as fast", {.step_seconds = 1e-3}, 20000, MEASURED, 40.01, 0.01, ""},
    {"a GPU that is slow to open", {.step_seconds = 1e-4, .open_seconds = 12}, 20000, CHOSEN, 15.3, 0.01, ""},
    {"a fast GPU that is slow to compile", {.step_seconds = 1e-4, .compile_seconds = 1}, 20000, CHOSEN, 5.5, 1.01, ""},
    {"a slow GPU that is slow to compile", {.step_seconds = 3e-3, .compile_seconds = 1}, 20000, MEASURED, 41.4, 1.4, ""},
    {"a GPU that is not open when the run ends", {.step_seconds = 1e-4, .open_seconds = 100}, 20000, IGNORED, 40, 0, ""},
    {"a GPU that is not found when the run ends", {.step_seconds = 1e-4, .find_seconds = 100}, 20000, IGNORED, 40, 0, ""},
    {"a GPU that cannot be opened", {.open_error = "no memory", .open_seconds = 2}, 20000, REFUSED, 40, 0, "cannot be opened: no memory"},
    {"a GPU that is approximate", {.approximate = "rounds otherwise", .open_seconds = 2}, 20000, REFUSED, 40, 0, "is approximate (rounds otherwise)"},
    {"a GPU that fails at once", {.step_seconds = 1e-4, .fails_at = 1}, 20000, REFUSED, 40, 0, "fell over"},
    {"a GPU that fails in its second round", {.step_seconds = 1e-4, .fails_at = 6}, 20000, REFUSED, 40.03, 0.1, "fell over"},
    {"a GPU never used before, run of 40 s", {.step_seconds = 1e-4, .unchecked = true, .open_seconds = 3}, 20000, CHOSEN, 7.1, 0.01, ""},
    {"a GPU never used before, run of 15 s", {.step_seconds = 1e-4, .unchecked = true, .open_seconds = 3}, 7500, IGNORED, 15, 0, ""},
    {"a run of 4 s", {.step_seconds = 1e-4}, 2000, IGNORED, 4, 0, ""},
    {"a run of 4 s on a machine with a GPU", {.step_seconds = 1e-4, .remembered = true, .opening = 0.5}, 2000, CHOSEN, 1, 0.01, ""},
    {"a run of 1 s on a machine with a GPU", {.step_seconds = 1e-4, .remembered = true, .opening = 0.5}, 500, IGNORED, 1, 0, ""},
    {"a run of 40 ms", {.step_seconds = 1e-4}, 20, IGNORED, 0.04, 0, ""},
};
/* clang-format on */

static ls_model *train_steps(ls_device *device, const ls_data *data, uint64_t epochs)
{
    char text[64];
    ls_model *model;
    ls_error err;
    snprintf(text, sizeof text, "epochs %llu hidden 8 batch 30", (unsigned long long)epochs);
    ls_options *options = runs_options(text);
    cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                 err.message);
    ls_options_free(options);
    return model;
}

Test(choice, costs_no_more_than_it_may)
{
    ls_data *data = runs_data("moons", 60);
    for (size_t i = 0; i < RUNS_COUNT(runs); i++) {
        fake_device cpu = {.step_seconds = 1e-3}, other = runs[i].other;
        if (!(other.find_seconds > 0)) other.find_seconds = 0.3;
        ls_device *device = fake_choice_open(&cpu, &other);
        ls_model_free(train_steps(device, data, runs[i].epochs));
        double seconds = clock_now(), lost = device->choice->lost;
        const ls_device_timing *timing = fake_timing(device);
        const char *what = runs[i].what, *note = timing ? timing->note : "";
        outcome met = !timing                ? IGNORED
                      : timing->chosen       ? CHOSEN
                      : !(timing->speed > 0) ? REFUSED
                                             : MEASURED;
        cr_expect_eq(met, runs[i].outcome, "%s: outcome %d", what, met);
        cr_expect_eq(ls_device_get_info(device)->index, met == CHOSEN, "%s", what);
        cr_expect_leq(seconds, runs[i].seconds + 1e-6, "%s: took %g s", what, seconds);
        cr_expect_leq(lost, runs[i].lost + 1e-6, "%s: choosing cost %g s", what, lost);
        cr_expect(strstr(note, runs[i].note) && !*note == !*runs[i].note, "%s: '%s'", what, note);
        ls_device_close(device);
    }
    ls_data_free(data);
}

/* Runs of 0.3 s, whatever is remembered; of 1 s, if it is not that there is a GPU that pays; and of
 * 4 s, if it is that there is none. */
Test(choice, short_runs_look_for_no_devices)
{
    static const struct {
        const char *what;
        fake_device other;
        uint64_t epochs;
    } cases[] = {
        {"0.3 s", {.step_seconds = 1e-4}, 150},
        {"0.3 s, a GPU", {.step_seconds = 1e-5, .remembered = true, .speed.alone = 1e12}, 150},
        {"1 s", {.step_seconds = 1e-4}, 500},
        {"1 s, a CPU device", {.step_seconds = 1e-5, .remembered = true, .kind = "cpu"}, 500},
        {"4 s, a CPU device", {.step_seconds = 1e-5, .remembered = true, .kind = "cpu"}, 2000},
    };
    ls_data *data = runs_data("moons", 60);
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        fake_device cpu = {.step_seconds = 1e-3}, other = cases[i].other;
        ls_device *device = fake_choice_open(&cpu, &other);
        ls_model_free(train_steps(device, data, cases[i].epochs));
        const char *what = cases[i].what;
        cr_expect(!fake_choice_searched() && !device->choice->discovered, "%s", what);
        cr_expect_eq(timings_count(device), 0, "%s", what);
        cr_expect_str_eq(ls_device_get_info(device)->kind, "cpu path", "%s", what);
        ls_device_close(device);
    }
    ls_data_free(data);
}

/* ---- The states of a pass -------------------------------------------------------------------- */

static const char *const state_names[] = {"watching",
                                          "finding",
                                          "opening",
                                          "measuring",
                                          "building",
                                          "confirming best",
                                          "confirming candidate",
                                          "decided"};

/* A network of one unit of cost and a million fma. */
static ls_example example_of(const ls_settings *settings)
{
    return (ls_example){.settings = settings,
                        .inputs = 2,
                        .shape = ls_shape_of_classes(2),
                        .rows = 9,
                        .members = 1,
                        .cost = 1,
                        .need = {.small = 1e6}};
}

/* Rounds of 25 ms on candidates of given seconds per unit of cost, until the pass has ended;
 * writes the states that it went through. */
static void run_pass(ls_choice *choice, fake_device *cpu, fake_device *other,
                     const ls_workload *work, char *states, size_t size)
{
    ls_choice_state last = choice->state;
    for (int round = 0; round < 1000; round++) {
        fake_device *at = ls_choice_at(choice) ? other : cpu;
        uint64_t steps = (uint64_t)(0.025 / at->step_seconds);
        double seconds = fake_call(at, steps);
        clock_advance(seconds);
        ls_choice_round(choice, work, seconds, (double)steps);
        if (choice->state == last) continue;
        last = choice->state;
        snprintf(states + strlen(states), size - strlen(states), "%s%s", *states ? ", " : "",
                 state_names[last]);
        if (last == LS_CHOICE_DECIDED) return;
    }
    cr_assert_fail("no decision after 1000 rounds: %s", states);
}

Test(choice, states_of_a_pass)
{
    static const struct {
        fake_device cpu, other;
        size_t best;
        const char *states;
    } cases[] = {
        {{.step_seconds = 1e-3},
         {.step_seconds = 1e-4, .find_seconds = 0.1},
         1,
         "finding, opening, measuring, decided"},
        {{.step_seconds = 1e-3}, {.step_seconds = 2e-3}, 0, "finding, opening, measuring, decided"},
        {{.step_seconds = 1e-3},
         {.step_seconds = 8e-4},
         1,
         "finding, opening, measuring, confirming best, confirming candidate, decided"},
        {{.step_seconds = 1e-3}, {.open_error = "no"}, 0, "finding, opening, decided"},
        /* it is fast once a build has ended that its first round began */
        {{.step_seconds = 1e-3},
         {.step_seconds = 1e-4, .beside_seconds = 2, .beside_factor = 20},
         1,
         "finding, opening, measuring, building, measuring, decided"},
        /* the CPU path seems as slow as the GPU is fast, until it is measured once more */
        {{.step_seconds = 5e-4, .disturbed_until = 0.21},
         {.step_seconds = 7e-4},
         0,
         "finding, opening, measuring, confirming best, decided"},
    };
    const ls_settings *settings;
    ls_options *options = runs_options("hidden 8");
    settings = &options->settings;
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        fake_device cpu = cases[i].cpu, other = cases[i].other;
        ls_device *device = fake_choice_open(&cpu, &other);
        ls_example example = example_of(settings);
        ls_workload work = {
            .members = 1, .step = 1, .left = 1e6, .example = &example, .examples = 1};
        char states[256] = "";
        cr_assert_eq(ls_choice_begin(device->choice, &work), 0);
        run_pass(device->choice, &cpu, &other, &work, states, sizeof states);
        cr_expect_str_eq(states, cases[i].states, "case %zu: %s", i, states);
        cr_expect_eq(device->choice->best, cases[i].best, "case %zu", i);
        /* the same workload is not measured again, but a very different one is */
        for (int round = 0; round < 100; round++) ls_choice_round(device->choice, &work, 0.025, 25);
        cr_expect_eq(device->choice->state, LS_CHOICE_DECIDED);
        work.step = 100;
        states[0] = 0;
        ls_choice_begin(device->choice, &work);
        if (!cases[i].other.open_error) {
            run_pass(device->choice, &cpu, &other, &work, states, sizeof states);
            cr_expect(strstr(states, "measuring"), "case %zu: again: %s", i, states);
        }
        ls_choice_end(device->choice);
        ls_device_close(device);
    }
    ls_options_free(options);
}

/* A run may end in any state; the next one goes on from there. */
Test(choice, a_run_may_end_in_any_state)
{
    static const fake_device slow = {.step_seconds = 1e-3};
    ls_options *options = runs_options("hidden 8");
    for (int rounds = 0; rounds < 60; rounds++) {
        fake_device cpu = slow, other = {.step_seconds = 8e-4, .open_seconds = 0.2};
        ls_device *device = fake_choice_open(&cpu, &other);
        ls_choice *choice = device->choice;
        ls_example example = example_of(&options->settings);
        ls_workload work = {
            .members = 1, .step = 1, .left = 1e6, .example = &example, .examples = 1};
        char states[256] = "";
        ls_choice_begin(choice, &work);
        for (int round = 0; round < rounds; round++) {
            double pace = (ls_choice_at(choice) ? &other : &cpu)->step_seconds;
            clock_advance(0.025);
            ls_choice_round(choice, &work, 0.025, 0.025 / pace);
        }
        ls_choice_end(choice);
        cr_assert_eq(ls_choice_at(choice), choice->best);
        cr_assert(choice->state != LS_CHOICE_MEASURING &&
                  choice->state != LS_CHOICE_CONFIRMING_BEST &&
                  choice->state != LS_CHOICE_CONFIRMING_CANDIDATE);
        ls_choice_begin(choice, &work);
        if (choice->state != LS_CHOICE_DECIDED)
            run_pass(choice, &cpu, &other, &work, states, sizeof states);
        cr_expect_eq(choice->best, 1, "after %d rounds: %s", rounds, states);
        ls_device_close(device);
    }
    ls_options_free(options);
}

/* ---- Real devices ---------------------------------------------------------------------------- */

static ls_opener_slots waiting;

static bool always(ls_opener *opener)
{
    (void)opener;
    return true;
}

/* Has the choice wait for devices instead of training on while they are opened. */
static void wait_for_devices(ls_choice *choice)
{
    waiting = *choice->opener->slots;
    waiting.ended = always;
    choice->opener->slots = &waiting;
}

/* All devices of this machine are measured, and the bits are the same. Each reading of the clock
 * takes as long as a round should. */
Test(choice, real_devices)
{
    ls_data *data = runs_data("moons", 300);
    ls_options *options = runs_options("epochs 30000 hidden 16,16 batch full");
    char first[65], hash[65];
    clock_start(0.025);
    for (int way = 0; way < 2; way++) {
        ls_device *device = NULL;
        ls_model *model;
        ls_error err;
        if (way) {
            cr_assert_eq(ls_device_open("auto", 3, 0, &device, &err), LS_OK, "%s", err.message);
            device->choice->patience = (ls_choice_patience){0};
            wait_for_devices(device->choice);
        }
        cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                     err.message);
        cr_assert_eq(ls_model_sha256(model, way ? hash : first, &err), LS_OK);
        if (way) cr_expect_eq(device->choice->state, LS_CHOICE_DECIDED);
        for (size_t i = 0; way && i < device->choice->count; i++) {
            const ls_candidate *candidate = &device->choice->list[i];
            cr_expect(candidate->timing.speed > 0 || *candidate->timing.note, "%s was not measured",
                      candidate->info.name);
        }
        ls_model_free(model);
        ls_device_close(device);
    }
    cr_expect_str_eq(hash, first);
    ls_options_free(options);
    ls_data_free(data);
}

/* ---- Numbers of threads ---------------------------------------------------------------------- */

Test(choice, numbers_of_threads)
{
    static const struct {
        const char *spec;
        unsigned threads;
        bool chooses;
    } cases[] = {
        {"cpu", 1, false}, {"cpu", 3, false}, {"auto", 1, true}, {"cpu", 0, true}, {"0", 0, true}};
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        ls_device *device;
        ls_error err;
        cr_assert_eq(ls_device_open(cases[i].spec, cases[i].threads, 0, &device, &err), LS_OK, "%s",
                     err.message);
        bool chooses = cases[i].chooses &&
                       (!strcmp(cases[i].spec, "auto") || ls_usable_cores() > 1);
        cr_assert_eq(device->choice != NULL, chooses, "case %zu", i);
        if (chooses && cases[i].threads)
            cr_expect_eq(device->choice->count, 1, "case %zu: the number of threads was given", i);
        if (chooses && !cases[i].threads)
            cr_expect_eq(device->choice->list[device->choice->count - 1].threads, 1);
        ls_device_close(device);
    }
}

/* The number of threads changes while members are in training. */
Test(choice, fewer_threads_change_no_bit)
{
    subjects s;
    subjects_open(&s);
    ls_device *device;
    ls_error err;
    cr_assert_eq(ls_device_open("cpu", 7, 0, &device, &err), LS_OK, "%s", err.message);
    ls_fleet *fleet;
    cr_assert_eq(ls_fleet_open(device, 0, &fleet, &err), LS_OK, "%s", err.message);
    for (size_t i = 0; i < NETWORKS; i++)
        cr_assert_eq(ls_fleet_add(fleet, s.options[i], s.data, NULL, &err), LS_OK, "%s",
                     err.message);
    static const unsigned threads[] = {3, 1, 7, 2};
    for (size_t i = 0; i < RUNS_COUNT(threads); i++) {
        cr_assert_eq(ls_cpu_use(device->backend, threads[i], &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_fleet_run(fleet, NULL, 0, i + 1 < RUNS_COUNT(threads) ? 40 * (i + 1) : 0,
                                  NULL, NULL, &err),
                     LS_OK, "%s", err.message);
    }
    check(fleet, &s, "fewer threads");
    ls_fleet_close(fleet);
    ls_device_close(device);
    subjects_close(&s);
}
