/* SPDX-License-Identifier: MIT */
/* Fleets: many different networks trained side by side, on few and many threads and on OpenCL, in
 * one call or with pauses, on a device with room for all of them or for few. Each must end with the
 * model file that ls_train gives, byte for byte. */
#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"
#include "host/network/backend.h"
#include "kernels/random.h"
#include "tests/support/clock.h"
#include "tests/support/devices.h"
#include "tests/support/runs.h"

/* How fast a device seems decides how members are sliced; here each call seems to take as long. */
static void simulate_clock(void) { clock_start(0.05); }

TestSuite(fleet, .init = simulate_clock, .timeout = 300);

static const unsigned two_threads[] = {2, 0}, some_threads[] = {1, 2, 3, 0};

/* ---- Members to train ------------------------------------------------------------------------ */

enum { MEMBERS = 80 };

/* A member, and the result of ls_train with its options. */
typedef struct {
    char text[512];
    const ls_data *data;
    ls_options *options;
    ls_status status;
    char hash[65], message[1024];
    ls_summary summary;
} subject;

static uint32_t dice(uint32_t *state, uint32_t sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % sides;
}

/* One of several texts, which are separated by '|'. */
static const char *one_of(uint32_t *state, const char *texts, char out[128])
{
    uint32_t n = 1;
    for (const char *c = texts; *c; c++) n += *c == '|';
    for (uint32_t i = dice(state, n); i; i--) texts = strchr(texts, '|') + 1;
    size_t length = strcspn(texts, "|");
    memcpy(out, texts, length);
    out[length] = 0;
    return out;
}

/* Draws a network: each line is left out with probability 1/2. Lines for classes alone are replaced
 * for numbers, and left out for labels. */
static void draw(uint32_t seed, ls_task task, char *text, size_t size)
{
    static const char *const lines[] = {
        "activation tanh|activation gelu|activation silu|activation elu|activation sigmoid|activation leaky_relu",
        "batch full|batch 7|batch 16|batch 1000|batch 33",
        "dropout 0.2|dropout 0.5",
        "batch-norm on",
        "output softmax",
        "validation 0.2|patience 2|patience 4 validation 0.3|validation 0.25 seed 77|tolerance 0.01 tolerance-epochs 2",
        "schedule cosine|schedule step schedule-epochs 3|schedule plateau schedule-epochs 1|warmup 2|schedule cosine warmup 3",
        "l1 0.001|l2 0.01|max-norm 1|clip 0.3",
        "class-weights balanced",
        "standardize off",
        "embedding piecewise|embedding piecewise bins 3|embedding piecewise bins 40",
        "order file",
        "reduction sum lr 0.001",
    };
    char part[128];
    uint32_t state = seed * 2654435761u + 12345u;
    size_t at = (size_t)snprintf(text, size, "seed %u %s", seed,
                                 one_of(&state, "epochs 5|epochs 12|epochs 17|epochs 1|epochs 30",
                                        part));
    at += (size_t)snprintf(
        text + at, size - at, " %s",
        one_of(
            &state,
            "hidden 4|hidden 8,8|hidden 6,6,6 residual on|hidden 20,20|hidden none|hidden 33,5,2|"
            "hidden 3,3,3,3,3,3,3,3 residual on|hidden 40,24",
            part));
    at += (size_t)snprintf(
        text + at, size - at, " %s",
        one_of(
            &state,
            "optimizer sgd|optimizer momentum|optimizer nesterov|optimizer rmsprop|optimizer adam|optimizer adamw",
            part));
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        const char *line = lines[i];
        if (task != LS_TASK_CLASSIFICATION && !strncmp(line, "output", 6))
            line = task == LS_TASK_REGRESSION ? "loss mae|loss huber|loss huber huber-delta 0.4"
                                              : "";
        if (task != LS_TASK_CLASSIFICATION && !strncmp(line, "class-weights", 13))
            line = task == LS_TASK_REGRESSION ? "standardize-target off lr 0.0001" : "";
        if (dice(&state, 2))
            at += (size_t)snprintf(text + at, size - at, " %s", one_of(&state, line, part));
    }
    /* no last batch of a single row */
    if (strstr(text, "batch-norm on")) snprintf(text + at, size - at, " batch auto");
}

static void train_alone(subject *s)
{
    ls_model *model = NULL;
    ls_error err = {LS_OK, ""};
    s->options = runs_options(s->text);
    s->status = ls_train(NULL, s->options, s->data, NULL, NULL, &model, &err);
    snprintf(s->message, sizeof s->message, "%s", err.message);
    cr_assert(s->status == LS_OK || s->status == LS_ERR_DIVERGED, "%s: %s", s->text, err.message);
    if (s->status != LS_OK) return;
    cr_assert_eq(ls_model_sha256(model, s->hash, &err), LS_OK, "%s", err.message);
    s->summary.struct_size = sizeof s->summary;
    cr_assert_eq(ls_model_summary(model, &s->summary, &err), LS_OK, "%s", err.message);
    ls_model_free(model);
}

static subject *subjects_open(size_t count, const ls_data *const *data, size_t sets)
{
    subject *list = calloc(count, sizeof *list);
    cr_assert(list);
    for (size_t i = 0; i < count; i++) {
        list[i].data = data[i % sets];
        draw((uint32_t)i + 1, ls_data_task(list[i].data), list[i].text, sizeof list[i].text);
        train_alone(&list[i]);
    }
    return list;
}

/* Classes, numbers and labels; some rows have weights. */
enum { SETS = 5 };
static void sets_open(ls_data *sets[SETS])
{
    static const char *const names[SETS] = {"moons", "blobs", "numbers:2", "labels:3",
                                            "numbers:1:weighted"};
    for (size_t i = 0; i < SETS; i++) sets[i] = runs_data(names[i], i ? 71 : 60);
}

static void subjects_close(subject *list, size_t count)
{
    for (size_t i = 0; i < count; i++) ls_options_free(list[i].options);
    free(list);
}

/* Adds subjects; they get consecutive numbers from *first on. */
static void add_all(ls_fleet *fleet, const subject *list, size_t count, size_t *first)
{
    ls_error err;
    *first = ls_fleet_count(fleet);
    for (size_t i = 0, index; i < count; i++) {
        cr_assert_eq(ls_fleet_add(fleet, list[i].options, list[i].data, &index, &err), LS_OK,
                     "%s: %s", list[i].text, err.message);
        cr_assert_eq(index, *first + i);
    }
}

static ls_fleet *fleet_open(ls_device *device, uint64_t memory)
{
    ls_fleet *fleet;
    ls_error err;
    cr_assert_eq(ls_fleet_open(device, memory, &fleet, &err), LS_OK, "%s", err.message);
    return fleet;
}

static void run(ls_fleet *fleet, uint64_t until)
{
    ls_error err;
    cr_assert_eq(ls_fleet_run(fleet, NULL, 0, until, NULL, NULL, &err), LS_OK, "%s", err.message);
}

/* A member that has ended must be what ls_train gives. */
static void check_member(ls_fleet *fleet, size_t index, const subject *s, const char *where)
{
    ls_member_info info = LS_INIT(ls_member_info);
    ls_model *model = NULL;
    ls_error err = {LS_OK, ""};
    char hash[65];
    cr_assert_eq(ls_fleet_member(fleet, index, &info, &err), LS_OK, "%s", err.message);
    ls_status status = ls_fleet_model(fleet, index, &model, &err);
    cr_assert_eq(status, s->status, "%s on %s: %s", s->text, where, err.message);
    if (s->status != LS_OK) {
        cr_assert_eq(info.state, LS_MEMBER_DIVERGED);
        cr_assert_str_eq(info.message, s->message, "%s on %s", s->text, where);
        cr_assert_str_eq(err.message, s->message, "%s on %s", s->text, where);
        return;
    }
    cr_assert(info.state == LS_MEMBER_DONE && info.epochs == s->summary.epochs &&
                  info.steps == s->summary.steps && info.best_epoch == s->summary.best_epoch &&
                  info.parameters == s->summary.parameters && info.loss == s->summary.loss,
              "%s on %s: the member's info differs", s->text, where);
    cr_assert(info.seconds > 0 && info.stopped && !info.message);
    cr_assert_eq(ls_model_sha256(model, hash, &err), LS_OK, "%s", err.message);
    cr_assert_str_eq(hash, s->hash, "%s on %s: another model file than ls_train's", s->text, where);
    ls_model_free(model);
}

static void check_all(ls_fleet *fleet, size_t first, const subject *list, size_t count,
                      const char *where)
{
    for (size_t i = 0; i < count; i++) check_member(fleet, first + i, &list[i], where);
}

/* ---- Whole fleets ---------------------------------------------------------------------------- */

Test(fleet, every_member_ends_with_the_bits_of_its_solo_run)
{
    runs_device list[RUNS_DEVICES];
    size_t n = runs_devices_open(list, some_threads), first;
    ls_data *sets[SETS];
    sets_open(sets);
    subject *subjects = subjects_open(MEMBERS, (const ls_data *const *)sets, SETS);
    for (size_t d = 0; d < n; d++) {
        ls_fleet *fleet = fleet_open(list[d].device, 0);
        add_all(fleet, subjects, MEMBERS, &first);
        run(fleet, 0);
        check_all(fleet, first, subjects, MEMBERS, list[d].label);
        run(fleet, 0); /* no steps remain */
        ls_fleet_close(fleet);
    }
    subjects_close(subjects, MEMBERS);
    for (size_t i = 0; i < SETS; i++) ls_data_free(sets[i]);
    runs_devices_close(list, n);
}

static int most_waiting(const ls_fleet_progress *p, void *user)
{
    size_t *most = user;
    if (p->waiting > *most) *most = p->waiting;
    return 0;
}

/* A device with room for few members: they train in waves, and with pauses parked members return.
 */
Test(fleet, waves_and_pauses_change_nothing)
{
    static const uint64_t stops[] = {1, 2, 5, 6, 13, 0}, whole[] = {0};
    runs_device list[RUNS_DEVICES];
    size_t n = runs_devices_open(list, two_threads), first;
    ls_data *sets[SETS];
    sets_open(sets);
    subject *subjects = subjects_open(MEMBERS, (const ls_data *const *)sets, SETS);
    for (size_t k = 0; k < 4 * n; k++) {
        const runs_device *d = &list[k / 4];
        const uint64_t *stop = k % 2 ? stops : whole;
        uint64_t memory = k % 4 < 2 ? 300000 : 1000000;
        char where[256];
        snprintf(where, sizeof where, "%s with %g MB%s", d->label, (double)memory * 1e-6,
                 k % 2 ? " and pauses" : "");
        ls_fleet *fleet = fleet_open(d->device, memory);
        ls_error err;
        size_t most = 0;
        add_all(fleet, subjects, MEMBERS, &first);
        for (bool more = true; more; stop++) {
            cr_assert_eq(ls_fleet_run(fleet, NULL, 0, *stop, most_waiting, &most, &err), LS_OK,
                         "%s: %s", where, err.message);
            more = *stop != 0;
        }
        check_all(fleet, first, subjects, MEMBERS, where);
        ls_fleet_close(fleet);
    }
    subjects_close(subjects, MEMBERS);
    for (size_t i = 0; i < SETS; i++) ls_data_free(sets[i]);
    runs_devices_close(list, n);
}

/* The model at a pause is that of ls_train stopped there by its callback, whether or not the member
 * is on the device. Reading it changes nothing. */
Test(fleet, models_at_a_pause)
{
    enum { AT = 7, COUNT = 16 };
    ls_data *data = runs_data("moons", 60);
    runs_device list[RUNS_DEVICES];
    size_t n = runs_devices_open(list, two_threads), first;
    subject *subjects = subjects_open(COUNT, (const ls_data *const[]){data}, 1);
    for (size_t d = 0; d < 2 * n; d++) {
        ls_fleet *fleet = fleet_open(list[d / 2].device, d % 2 ? 200000 : 0);
        add_all(fleet, subjects, COUNT, &first);
        run(fleet, AT);
        for (size_t i = 0; i < COUNT; i++) {
            ls_member_info info = LS_INIT(ls_member_info);
            ls_model *model;
            ls_error err;
            runs_run solo;
            char hash[65], expected[65];
            cr_assert_eq(ls_fleet_member(fleet, i, &info, &err), LS_OK);
            if (info.state != LS_MEMBER_TRAINING) continue;
            cr_assert(info.epochs == AT && !info.stopped && isfinite(info.loss));
            runs_train(NULL, subjects[i].text, data, AT, &solo);
            cr_assert_eq(ls_fleet_model(fleet, i, &model, &err), LS_OK, "%s", err.message);
            cr_assert_eq(ls_model_sha256(model, hash, &err), LS_OK);
            cr_assert_eq(ls_model_sha256(solo.model, expected, &err), LS_OK);
            cr_assert_str_eq(hash, expected, "%s on %s", subjects[i].text, list[d / 2].label);
            ls_model_free(model);
            runs_free(&solo);
        }
        run(fleet, 0);
        check_all(fleet, first, subjects, COUNT, list[d / 2].label);
        ls_fleet_close(fleet);
    }
    subjects_close(subjects, COUNT);
    ls_data_free(data);
    runs_devices_close(list, n);
}

/* Members are added and removed between calls, and some train while others wait. Numbers are not
 * used again. */
Test(fleet, members_come_and_go)
{
    enum { COUNT = 24 };
    runs_device list[RUNS_DEVICES];
    size_t n = runs_devices_open(list, two_threads);
    ls_data *sets[] = {runs_data("moons", 60), runs_data("blobs", 71), runs_data("circles", 50)};
    subject *subjects = subjects_open(COUNT, (const ls_data *const *)sets, 3);
    for (size_t d = 0; d < n; d++) {
        ls_fleet *fleet = fleet_open(list[d].device, d % 2 ? 0 : 400000);
        const size_t some[] = {3, 5, 3, 7};
        size_t first, second;
        ls_member_info info = LS_INIT(ls_member_info);
        ls_model *model;
        ls_error err;
        add_all(fleet, subjects, 12, &first);
        cr_assert_eq(ls_fleet_run(fleet, some, 4, 3, NULL, NULL, &err), LS_OK, "%s", err.message);
        for (size_t i = 0; i < 12; i++) {
            cr_assert_eq(ls_fleet_member(fleet, i, &info, &err), LS_OK);
            bool asked = i == 3 || i == 5 || i == 7;
            cr_assert_eq(info.epochs,
                         asked ? (info.state == LS_MEMBER_TRAINING ? 3 : info.epochs) : 0,
                         "member %zu did %d epochs", i, (int)info.epochs);
        }
        ls_fleet_remove(fleet, 5);
        ls_fleet_remove(fleet, 0);
        cr_assert_eq(ls_fleet_member(fleet, 5, &info, &err), LS_ERR_ARGUMENT);
        cr_assert_eq(ls_fleet_model(fleet, 5, &model, &err), LS_ERR_ARGUMENT);
        cr_assert_eq(ls_fleet_run(fleet, some, 4, 5, NULL, NULL, &err), LS_ERR_ARGUMENT,
                     "a removed member is trained");
        add_all(fleet, subjects + 12, COUNT - 12, &second);
        cr_assert_eq(second, 12);
        run(fleet, 4);
        ls_fleet_remove(fleet, 13);
        ls_fleet_remove(fleet, 13);
        ls_fleet_remove(fleet, 1000);
        run(fleet, 0);
        for (size_t i = 0; i < COUNT; i++)
            if (i != 5 && i != 0 && i != 13) check_member(fleet, i, &subjects[i], list[d].label);
        cr_assert_eq(ls_fleet_count(fleet), COUNT);
        for (size_t i = 0; i < COUNT; i++) ls_fleet_remove(fleet, i);
        add_all(fleet, subjects, 2, &first); /* after all rows were freed */
        run(fleet, 0);
        check_all(fleet, first, subjects, 2, list[d].label);
        ls_fleet_close(fleet);
    }
    subjects_close(subjects, COUNT);
    for (size_t i = 0; i < 3; i++) ls_data_free(sets[i]);
    runs_devices_close(list, n);
}

Test(fleet, divergence_concerns_one_member)
{
    static const char *const texts[] = {
        "hidden 6,5 epochs 20", "hidden 6,5 output identity lr 100 optimizer sgd",
        "hidden 6,5 epochs 20 seed 2",
        "hidden 6,5 output identity lr 3 optimizer momentum reduction sum batch 7",
        "hidden 4 output softmax epochs 9"};
    enum { COUNT = RUNS_COUNT(texts) };
    subject subjects[COUNT] = {0};
    runs_device list[RUNS_DEVICES];
    size_t n = runs_devices_open(list, some_threads), first;
    ls_data *data = runs_data("moons", 60);
    for (size_t i = 0; i < COUNT; i++) {
        strcpy(subjects[i].text, texts[i]);
        subjects[i].data = data;
        train_alone(&subjects[i]);
        cr_assert_eq(subjects[i].status, i % 2 ? LS_ERR_DIVERGED : LS_OK, "%s", texts[i]);
    }
    for (size_t d = 0; d < n; d++) {
        ls_fleet *fleet = fleet_open(list[d].device, 0);
        add_all(fleet, subjects, COUNT, &first);
        run(fleet, 0);
        check_all(fleet, first, subjects, COUNT, list[d].label);
        ls_fleet_close(fleet);
    }
    for (size_t i = 0; i < COUNT; i++) ls_options_free(subjects[i].options);
    ls_data_free(data);
    runs_devices_close(list, n);
}

Test(fleet, a_thousand_small_members)
{
    enum { COUNT = 1000, EPOCHS = 8 };
    runs_device list[RUNS_DEVICES];
    size_t n = runs_devices_open(list, two_threads);
    ls_data *data = runs_data("xor", 0);
    for (size_t d = 0; d < n; d++) {
        ls_fleet *fleet = fleet_open(list[d].device, 0);
        char text[128];
        for (size_t i = 0; i < COUNT; i++) {
            ls_error err;
            snprintf(text, sizeof text, "hidden %zu epochs %d batch full seed %zu", 2 + i % 7,
                     EPOCHS, i);
            ls_options *options = runs_options(text);
            cr_assert_eq(ls_fleet_add(fleet, options, data, NULL, &err), LS_OK, "%s", err.message);
            ls_options_free(options);
        }
        run(fleet, 0);
        for (size_t i = 0; i < COUNT; i += 37) {
            subject s = {.data = data};
            snprintf(s.text, sizeof s.text, "hidden %zu epochs %d batch full seed %zu", 2 + i % 7,
                     EPOCHS, i);
            train_alone(&s);
            check_member(fleet, i, &s, list[d].label);
            ls_options_free(s.options);
        }
        ls_fleet_close(fleet);
    }
    ls_data_free(data);
    runs_devices_close(list, n);
}

static int stop_at_once(const ls_fleet_progress *p, void *user)
{
    ls_fleet_progress *seen = user;
    *seen = *p;
    return 1;
}

/* The callback stops a call; the next one goes on. */
Test(fleet, a_callback_stops_where_all_are)
{
    enum { COUNT = 6 };
    ls_data *data = runs_data("moons", 60);
    subject subjects[COUNT] = {0};
    ls_fleet *fleet = fleet_open(NULL, 0);
    ls_fleet_progress seen = {0};
    ls_member_info info = LS_INIT(ls_member_info);
    ls_error err;
    size_t first, calls = 0;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(subjects[i].text, sizeof subjects[i].text,
                 "hidden 12 epochs 40000 optimizer gd batch full seed %zu", i);
        subjects[i].data = data;
        train_alone(&subjects[i]);
    }
    add_all(fleet, subjects, COUNT, &first);
    for (bool more = true; more; calls++) {
        cr_assert_eq(ls_fleet_run(fleet, NULL, 0, 0, stop_at_once, &seen, &err), LS_OK, "%s",
                     err.message);
        cr_assert(seen.members == COUNT && seen.training + seen.done == COUNT && !seen.diverged &&
                  !seen.waiting && seen.seconds > 0);
        cr_assert(seen.steps > 0);
        more = seen.training > 0;
        if (!calls) {
            cr_assert_eq(seen.training, COUNT, "the first call went on to the end");
            cr_assert_eq(ls_fleet_member(fleet, 0, &info, &err), LS_OK);
            cr_assert(info.steps > 0 && info.steps < 40000);
        }
    }
    check_all(fleet, first, subjects, COUNT, "the CPU path, stopped often");
    ls_fleet_close(fleet);
    for (size_t i = 0; i < COUNT; i++) ls_options_free(subjects[i].options);
    ls_data_free(data);
}

/* ---- Failures -------------------------------------------------------------------------------- */

Test(fleet, what_does_not_fit_is_refused_and_disturbs_nothing)
{
    static const struct {
        const char *options;
        ls_status status;
    } bad[] = {
        {"optimizer gd batch 7", LS_ERR_ARGUMENT},    {"class-weights 1,2,3", LS_ERR_ARGUMENT},
        {"patience 3 validation 0", LS_ERR_ARGUMENT}, {"hidden 4,5,6 residual on", LS_ERR_ARGUMENT},
        {"hidden 4000,4000", LS_ERR_MEMORY},          {"validation 0.001", LS_ERR_ARGUMENT},
    };
    ls_data *data = runs_data("moons", 60), *unlabelled;
    ls_fleet *fleet = fleet_open(NULL, 10000000), *other = NULL;
    subject s = {.text = "hidden 5 epochs 3", .data = data};
    ls_error err;
    size_t first;
    train_alone(&s);
    add_all(fleet, &s, 1, &first);
    for (size_t i = 0; i < RUNS_COUNT(bad); i++) {
        ls_options *options = runs_options(bad[i].options);
        cr_expect_eq(ls_fleet_add(fleet, options, data, NULL, &err), bad[i].status, "%s: %s",
                     bad[i].options, err.message);
        cr_expect_eq(ls_fleet_count(fleet), 1);
        ls_options_free(options);
    }
    cr_assert_eq(ls_data_from_arrays(ls_data_x(data), NULL, 60, 2, 0, &unlabelled, &err), LS_OK);
    cr_expect_eq(ls_fleet_add(fleet, s.options, unlabelled, NULL, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_add(fleet, NULL, data, NULL, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_add(NULL, s.options, data, NULL, NULL), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_run(NULL, NULL, 0, 0, NULL, NULL, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_run(fleet, &(size_t){1}, 1, 0, NULL, NULL, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_member(fleet, 1, &(ls_member_info){0}, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_model(fleet, 7, &(ls_model *){NULL}, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_open(NULL, 0, NULL, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_fleet_count(NULL), 0);
    ls_fleet_remove(NULL, 0);
    ls_fleet_close(NULL);
    run(fleet, 0);
    check_all(fleet, first, &s, 1, "the CPU path");
    other = fleet_open(NULL, 0);
    run(other, 0); /* without members */
    ls_fleet_close(other);
    ls_fleet_close(fleet);
    ls_options_free(s.options);
    ls_data_free(unlabelled);
    ls_data_free(data);
}

/* The CPU path with slots that fail: at the n-th of all calls, or when more members are added than
 * it has room for. */
static const ls_backend_slots *true_slots;
static ls_backend_slots slots;
static long calls_left;
static size_t members_there, members_most;
static const ls_status call_failed = LS_ERR_DEVICE;

static ls_status next_call(ls_error *err)
{
    return calls_left-- == 0 ? ls_fail(err, call_failed, "the device fell over") : LS_OK;
}

static ls_status failing_open(ls_backend *backend, const ls_rows *data, ls_workspace **out,
                              ls_error *err)
{
    LS_TRY(next_call(err));
    return true_slots->workspace_open(backend, data, out, err);
}

static ls_status failing_add(ls_workspace *workspace, const ls_plan *plan, size_t origin,
                             size_t *member, ls_error *err)
{
    LS_TRY(next_call(err));
    if (members_there == members_most) return ls_fail(err, LS_ERR_MEMORY, "the device is full");
    members_there++;
    return true_slots->member_add(workspace, plan, origin, member, err);
}

static void counting_remove(ls_workspace *workspace, size_t member)
{
    members_there--;
    true_slots->member_remove(workspace, member);
}

static ls_status failing_run(ls_workspace *workspace, const ls_run *runs, size_t count,
                             ls_error *err)
{
    LS_TRY(next_call(err));
    return true_slots->run(workspace, runs, count, err);
}

static ls_status failing_infer(ls_workspace *workspace, size_t member, size_t first, size_t rows,
                               float *outputs, float *losses, ls_error *err)
{
    LS_TRY(next_call(err));
    return true_slots->infer(workspace, member, first, rows, outputs, losses, err);
}

static ls_status failing_read(ls_workspace *workspace, size_t member, size_t at, size_t count,
                              float *to, ls_error *err)
{
    LS_TRY(next_call(err));
    return true_slots->read(workspace, member, at, count, to, err);
}

static ls_status failing_write(ls_workspace *workspace, size_t member, size_t at, size_t count,
                               const float *from, ls_error *err)
{
    LS_TRY(next_call(err));
    return true_slots->write(workspace, member, at, count, from, err);
}

static ls_status failing_copy(ls_workspace *workspace, size_t member, size_t from, size_t to,
                              size_t count, ls_error *err)
{
    LS_TRY(next_call(err));
    return true_slots->copy(workspace, member, from, to, count, err);
}

static ls_device *failing_device(void)
{
    ls_device *device;
    ls_error err;
    cr_assert_eq(ls_device_open("cpu", 2, 0, &device, &err), LS_OK, "%s", err.message);
    true_slots = device->backend->slots;
    slots = *true_slots;
    slots.workspace_open = failing_open, slots.member_add = failing_add,
    slots.member_remove = counting_remove;
    slots.run = failing_run, slots.infer = failing_infer, slots.read = failing_read,
    slots.write = failing_write;
    slots.copy = failing_copy;
    device->backend->slots = &slots;
    calls_left = LONG_MAX;
    members_there = 0;
    members_most = SIZE_MAX;
    return device;
}

/* If the device fails at any call, the fleet reports that, can be closed, and keeps the models of
 * members that have ended. */
Test(fleet, a_device_that_fails_at_any_call)
{
    enum { COUNT = 10 };
    ls_device *device = failing_device();
    ls_data *data = runs_data("moons", 60);
    subject *subjects = subjects_open(COUNT, (const ls_data *const[]){data}, 1);
    size_t first, failures = 0;
    for (long call = 0;; call += 1 + call / 8) {
        ls_fleet *fleet = fleet_open(device, 200000);
        ls_error err = {LS_OK, ""};
        add_all(fleet, subjects, COUNT, &first);
        calls_left = call;
        ls_status status = ls_fleet_run(fleet, NULL, 0, 4, NULL, NULL, &err);
        if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, &err);
        bool fell = calls_left < 0;
        calls_left = LONG_MAX;
        cr_assert_eq(status, fell ? LS_ERR_DEVICE : LS_OK, "call %ld: %s", call, err.message);
        if (fell) cr_assert(strstr(err.message, "fell over"), "%s", err.message);
        for (size_t i = 0; i < COUNT; i++) {
            ls_member_info info = LS_INIT(ls_member_info);
            cr_assert_eq(ls_fleet_member(fleet, i, &info, &err), LS_OK);
            if (info.state == LS_MEMBER_DONE || !fell)
                check_member(fleet, i, &subjects[i], "a failing device");
        }
        ls_fleet_close(fleet);
        cr_assert_eq(members_there, 0, "%zu members are left on the device", members_there);
        if (!fell) break;
        failures++;
    }
    cr_assert_geq(failures, 10);
    subjects_close(subjects, COUNT);
    ls_data_free(data);
    ls_device_close(device);
}

/* A device with less memory than it reports: members wait. */
Test(fleet, a_device_that_is_full)
{
    enum { COUNT = 20 };
    ls_device *device = failing_device();
    ls_data *data = runs_data("moons", 60);
    subject *subjects = subjects_open(COUNT, (const ls_data *const[]){data}, 1);
    size_t first;
    ls_error err;
    for (members_most = 1; members_most < 8; members_most += 3) {
        ls_fleet *fleet = fleet_open(device, 0);
        add_all(fleet, subjects, COUNT, &first);
        run(fleet, 3);
        run(fleet, 9);
        run(fleet, 0);
        check_all(fleet, first, subjects, COUNT, "a device that is full");
        ls_fleet_close(fleet);
    }
    members_most = 0;
    ls_fleet *fleet = fleet_open(device, 0);
    add_all(fleet, subjects, 1, &first);
    cr_assert_eq(ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, &err), LS_ERR_MEMORY);
    members_most = 1;
    run(fleet, 0); /* the failure has lost nothing */
    check_all(fleet, first, subjects, 1, "a device that was full");
    ls_fleet_close(fleet);
    subjects_close(subjects, COUNT);
    ls_data_free(data);
    ls_device_close(device);
}
