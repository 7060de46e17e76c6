/* SPDX-License-Identifier: MIT */
/* `--device auto` and `--threads auto`: the faster candidate is chosen, one that fails is survived
 * wherever it fails, short runs try nothing, and whatever is chosen, models are those of ls_train
 * on one thread of the CPU path, byte for byte. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/error.h"
#include "host/device/choice.h"
#include "tests/support/runs.h"

TestSuite(choice, .timeout = 300);

/* ---- Candidates that are slow, or fail ------------------------------------------------------- */

/* A CPU path that takes its time for each step, and fails after so many calls. */
typedef struct {
    ls_backend_slots slots;
    const ls_backend_slots *true_slots;
    double step_seconds;
    long calls_left;
    size_t steps, members;
} fake;

enum { CPU, OTHER, FAKES };
static fake fakes[FAKES];

static fake *fake_of(const ls_workspace *workspace)
{
    return workspace->backend->slots == &fakes[CPU].slots ? &fakes[CPU] : &fakes[OTHER];
}

static ls_status next_call(fake *f, ls_error *err)
{
    return f->calls_left-- > 0 ? LS_OK : ls_fail(err, LS_ERR_DEVICE, "the device fell over");
}

static ls_status fake_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                           ls_error *err)
{
    fake *f = backend->slots == &fakes[CPU].slots ? &fakes[CPU] : &fakes[OTHER];
    LS_TRY(next_call(f, err));
    return f->true_slots->workspace_open(backend, data, out, err);
}

static ls_status fake_add(ls_workspace *workspace, const ls_plan *plan, size_t origin,
                          size_t *member, ls_error *err)
{
    fake *f = fake_of(workspace);
    LS_TRY(next_call(f, err));
    LS_TRY(f->true_slots->member_add(workspace, plan, origin, member, err));
    f->members++;
    return LS_OK;
}

static void fake_remove(ls_workspace *workspace, size_t member)
{
    fake_of(workspace)->members--;
    fake_of(workspace)->true_slots->member_remove(workspace, member);
}

static ls_status fake_run(ls_workspace *workspace, const ls_run *runs, size_t count, ls_error *err)
{
    fake *f = fake_of(workspace);
    uint64_t steps = 0;
    LS_TRY(next_call(f, err));
    for (size_t i = 0; i < count; i++) steps += runs[i].count;
    f->steps += steps;
    double seconds = (double)steps * f->step_seconds;
    nanosleep(&(struct timespec){(time_t)seconds,
                                 (long)(1e9 * (seconds - (double)(time_t)seconds))},
              NULL);
    return f->true_slots->run(workspace, runs, count, err);
}

static ls_status fake_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                            float *outputs, float *losses, ls_error *err)
{
    LS_TRY(next_call(fake_of(workspace), err));
    return fake_of(workspace)->true_slots->infer(workspace, member, first, rows, outputs, losses,
                                                 err);
}

static ls_status fake_read(ls_workspace *workspace, size_t member, size_t at, size_t count,
                           float *to, ls_error *err)
{
    LS_TRY(next_call(fake_of(workspace), err));
    return fake_of(workspace)->true_slots->read(workspace, member, at, count, to, err);
}

static ls_status fake_write(ls_workspace *workspace, size_t member, size_t at, size_t count,
                            const float *from, ls_error *err)
{
    LS_TRY(next_call(fake_of(workspace), err));
    return fake_of(workspace)->true_slots->write(workspace, member, at, count, from, err);
}

static ls_status fake_copy(ls_workspace *workspace, size_t member, size_t from, size_t to,
                           size_t count, ls_error *err)
{
    LS_TRY(next_call(fake_of(workspace), err));
    return fake_of(workspace)->true_slots->copy(workspace, member, from, to, count, err);
}

static void disguise(ls_backend *backend, fake *f, double step_seconds)
{
    *f = (fake){.slots = *backend->slots,
                .true_slots = backend->slots,
                .step_seconds = step_seconds,
                .calls_left = LONG_MAX};
    f->slots.workspace_open = fake_open, f->slots.member_add = fake_add,
    f->slots.member_remove = fake_remove, f->slots.run = fake_run;
    f->slots.infer = fake_infer, f->slots.read = fake_read, f->slots.write = fake_write,
    f->slots.copy = fake_copy;
    backend->slots = &f->slots;
}

/* The CPU path on one thread and one other device, whose steps take so long, and which are tried
 * without any patience. */
static ls_device *open_choice(double cpu_seconds, double other_seconds)
{
    ls_device *device;
    ls_backend *backend;
    ls_device_info info = {.index = 1, .kind = "gpu", .name = "another device", .exact = 1};
    ls_error err;
    cr_assert_eq(ls_device_open("auto", 1, 0, &device, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_cpu_open(1, NULL, &backend, &err), LS_OK, "%s", err.message);
    disguise(device->backend, &fakes[CPU], cpu_seconds);
    disguise(backend, &fakes[OTHER], other_seconds);
    cr_assert(ls_choice_add(device->choice, &info, backend, 0));
    device->choice->discovered = true;
    device->choice->patience = (ls_choice_patience){0};
    return device;
}

static const ls_device_trial *trial_of(const ls_device *device, const char *name)
{
    static ls_device_trial list[8];
    size_t count = ls_device_trials(device, list, RUNS_COUNT(list));
    for (size_t i = 0; i < count && i < RUNS_COUNT(list); i++)
        if (strstr(list[i].name, name)) return &list[i];
    return NULL;
}

/* ---- Networks to train ----------------------------------------------------------------------- */

/* All that lives outside of the device: best states, rates that listen to losses, histories that
 * are thinned, ends of all kinds. */
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

/* Trains all on the device, in one fleet, with a stop on the way. */
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
    cr_assert_eq(fakes[CPU].members + fakes[OTHER].members, 0, "%s: members are left on a device",
                 what);
    return status;
}

/* ---- What is chosen -------------------------------------------------------------------------- */

Test(choice, the_faster_device_is_chosen)
{
    static const struct {
        double cpu, other;
        bool moves;
    } cases[] = {{1e-3, 0, true}, {0, 1e-3, false}};
    subjects s;
    subjects_open(&s);
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        ls_error err;
        ls_device *device = open_choice(cases[i].cpu, cases[i].other);
        cr_assert_str_eq(ls_device_get_info(device)->kind, "cpu path",
                         "the device in use before anything is measured");
        cr_assert_eq(ls_device_trials(device, NULL, 0), 0);
        cr_assert_eq(train_all(device, &s, "a faster device", &err), LS_OK, "%s", err.message);
        cr_expect_eq(ls_device_get_info(device)->index, cases[i].moves, "case %zu: %s was chosen",
                     i, ls_device_get_info(device)->name);
        const ls_device_trial *other = trial_of(device, "another device");
        cr_assert(other, "case %zu: the other device was not tried", i);
        cr_expect_gt(other->speed, 0.0);
        cr_expect_eq(other->chosen, cases[i].moves);
        cr_expect_str_eq(other->note, "");
        size_t slower = fakes[!cases[i].moves].steps, faster = fakes[cases[i].moves].steps;
        cr_expect_lt(slower, faster,
                     "case %zu: %zu steps on the slower device, %zu on the faster one", i, slower,
                     faster);
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
    ls_data *data = runs_data("moons", 60);
    ls_options *options = runs_options("epochs 50000 hidden 8 batch 30");
    char first[65] = "", hash[65];
    for (int way = 0; way < 3; way++) {
        ls_device *device = way ? open_choice(way == 1 ? 1e-3 : 0, way == 1 ? 0 : 1e-3) : NULL;
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

/* A device that fails at any call while it is tried costs no bit. */
Test(choice, a_candidate_that_fails_is_survived)
{
    subjects s;
    size_t failures = 0;
    subjects_open(&s);
    for (long call = 0;; call += 1 + call / 6) {
        ls_error err;
        char what[64];
        ls_device *device = open_choice(0, 3e-4);
        snprintf(what, sizeof what, "failing at call %ld", call);
        fakes[OTHER].calls_left = call;
        cr_assert_eq(train_all(device, &s, what, &err), LS_OK, "%s: %s", what, err.message);
        cr_assert_eq(ls_device_get_info(device)->index, 0);
        bool fell = fakes[OTHER].calls_left < 0;
        const ls_device_trial *other = trial_of(device, "another device");
        cr_assert(other, "%s: it was not tried", what);
        if (fell) cr_assert(strstr(other->note, "fell over"), "%s: '%s'", what, other->note);
        ls_device_close(device);
        if (!fell) break;
        failures++;
    }
    cr_assert_geq(failures, 10);
    subjects_close(&s);
}

/* ---- What it costs --------------------------------------------------------------------------- */

Test(choice, short_runs_look_for_nothing)
{
    ls_data *data = runs_data("moons", 60);
    ls_options *options = runs_options("epochs 20");
    ls_device *device;
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_device_open("auto", 0, 0, &device, &err), LS_OK, "%s", err.message);
    cr_assert(device->choice);
    cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                 err.message);
    cr_expect(!device->choice->discovered && !device->choice->opening,
              "OpenCL devices were looked for");
    cr_expect_eq(ls_device_trials(device, NULL, 0), 0);
    cr_expect_str_eq(ls_device_get_info(device)->kind, "cpu path");
    ls_model_free(model);
    ls_device_close(device);
    ls_options_free(options);
    ls_data_free(data);
}

/* With devices as they are: all of them are tried, and the bits are the same. */
Test(choice, real_devices)
{
    ls_data *data = runs_data("moons", 300);
    ls_options *options = runs_options("epochs 30000 hidden 16,16 batch full");
    char first[65], hash[65];
    for (int way = 0; way < 2; way++) {
        ls_device *device = NULL;
        ls_model *model;
        ls_error err;
        if (way)
            cr_assert_eq(ls_device_open("auto", 3, 0, &device, &err), LS_OK, "%s", err.message);
        if (way) device->choice->patience = (ls_choice_patience){0};
        cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                     err.message);
        cr_assert_eq(ls_model_sha256(model, way ? hash : first, &err), LS_OK);
        if (way) cr_expect(device->choice->discovered || device->choice->opening);
        ls_model_free(model);
        ls_device_close(device);
    }
    cr_expect_str_eq(hash, first);
    ls_options_free(options);
    ls_data_free(data);
}

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

/* Threads come and go under members that are in training. */
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
