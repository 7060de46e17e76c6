/* SPDX-License-Identifier: MIT */
/* A device that fails, or is wrong, in any of its calls: training and prediction end with the bits
 * that they have without it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/error.h"
#include "host/network/settings.h"
#include "host/training/fleet_state.h"
#include "tests/support/clock.h"
#include "tests/support/faulty.h"

/* Only runs take time (faulty.h), so that copies are due after each slice. */
static void simulate_clock(void) { clock_start(0); }

TestSuite(fallback, .init = simulate_clock, .timeout = 300);

/* Options that keep different things on the device. */
static const char *const networks[] = {
    "hidden=8 epochs=40 batch=8",
    "hidden=8,8 epochs=12 batch=32 validation=0.3 patience=3 optimizer=adam",
    "hidden=8 epochs=15 batch=64 schedule=plateau schedule-epochs=1 lr=0.3 optimizer=sgd",
    "hidden=6 epochs=9 batch=16 batch-norm=on dropout=0.2 optimizer=momentum",
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static ls_options *options_of(const char *text)
{
    char copy[256], *rest = NULL;
    ls_options *options;
    ls_error err;
    snprintf(copy, sizeof copy, "%s", text);
    cr_assert(ls_options_create_plain(&options, &err) == LS_OK);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = 0;
        cr_assert(ls_options_set(options, word, value, &err) == LS_OK, "%s", err.message);
    }
    return options;
}

static ls_data *moons(void)
{
    ls_data *data;
    ls_error err;
    const ls_generate_options how = {.rows = 150, .noise = -1, .overlap = -1, .seed = 3};
    cr_assert(ls_data_generate("moons", &how, &data, &err) == LS_OK);
    return data;
}

/* Trains on a faulty device, or on the CPU path without one. */
static ls_status train(const ls_options *o, const ls_data *data, fault *f,
                       const ls_train_control *control, char hash[65], ls_error *err)
{
    ls_device *device = NULL;
    ls_model *model;
    if (f) cr_assert(faulty_open(f, &device, err) == LS_OK);
    ls_status status = ls_train_controlled(device, o, data, control, &model, err);
    if (f && status == LS_OK && f->kind == FAULT_DIES && f->calls >= f->at)
        cr_assert(strstr(ls_device_note(device), "planted failure"), "no word of the failure");
    ls_device_close(device);
    if (f)
        cr_assert(f->workspaces == 0 && f->members == 0, "left %d, %d", f->workspaces, f->members);
    if (status != LS_OK) return status;
    cr_assert(ls_model_sha256(model, hash, err) == LS_OK);
    ls_model_free(model);
    return LS_OK;
}

/* Plants the fault in every call of a training. */
static void every_call(fault_kind kind, uint64_t verify, uint64_t step)
{
    ls_data *data = moons();
    for (size_t i = 0; i < NETWORKS; i++) {
        ls_options *o = options_of(networks[i]);
        char right[65], hash[65];
        ls_error err;
        const ls_train_control control = {.struct_size = sizeof control, .verify = verify};
        cr_assert(train(o, data, NULL, NULL, right, &err) == LS_OK, "%s", err.message);
        for (uint64_t at = 1, more = 1; more; at += step) {
            fault f = {.kind = kind, .at = at};
            ls_status status = train(o, data, &f, &control, hash, &err);
            cr_assert(status == LS_OK, "%s, call %d: %s", networks[i], (int)at, err.message);
            cr_assert_str_eq(hash, right, "%s, fault %d in call %d", networks[i], kind, (int)at);
            more = (kind == FAULT_READ ? f.reads : kind == FAULT_STATE ? f.runs : f.calls) >= at;
        }
        ls_options_free(o);
    }
    ls_data_free(data);
}

Test(fallback, a_device_that_dies_changes_no_bit) { every_call(FAULT_DIES, 0, 1); }
Test(fallback, a_device_without_memory_changes_no_bit) { every_call(FAULT_MEMORY, 0, 1); }
Test(fallback, a_wrong_read_changes_no_bit) { every_call(FAULT_READ, 0, 1); }
Test(fallback, verified_steps_find_each_wrong_state) { every_call(FAULT_STATE, 1, 1); }

/* By default the loss of a step now and then is compared. */
Test(fallback, losses_that_are_wrong_are_noticed)
{
    ls_data *data = moons();
    for (size_t i = 0; i < NETWORKS; i++) {
        ls_options *o = options_of(networks[i]);
        char right[65], hash[65];
        ls_error err;
        fault f = {.kind = FAULT_MATH, .at = 1};
        cr_assert(train(o, data, NULL, NULL, right, &err) == LS_OK);
        cr_assert(train(o, data, &f, NULL, hash, &err) == LS_OK, "%s", err.message);
        cr_assert_str_eq(hash, right, "%s", networks[i]);
        ls_options_free(o);
    }
    ls_data_free(data);
}

/* Without it a wrong state would be trusted: the test above can fail. */
Test(fallback, an_unverified_wrong_state_stays)
{
    ls_data *data = moons();
    ls_options *o = options_of(networks[2]);
    char right[65], hash[65];
    ls_error err;
    fault f = {.kind = FAULT_STATE, .at = 5};
    cr_assert(train(o, data, NULL, NULL, right, &err) == LS_OK);
    cr_assert(train(o, data, &f, NULL, hash, &err) == LS_OK);
    cr_assert_str_neq(hash, right);
    ls_options_free(o);
    ls_data_free(data);
}

Test(fallback, a_fleet_goes_on)
{
    enum { MEMBERS = NETWORKS };
    ls_data *data = moons();
    ls_error err;
    char right[MEMBERS][65], hash[65];
    ls_options *o[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) {
        o[i] = options_of(networks[i]);
        cr_assert(train(o[i], data, NULL, NULL, right[i], &err) == LS_OK);
    }
    for (uint64_t at = 1, more = 1; more; at += 3) {
        fault f = {.kind = FAULT_DIES, .at = at};
        ls_device *device;
        ls_fleet *fleet;
        ls_model *model;
        cr_assert(faulty_open(&f, &device, &err) == LS_OK);
        cr_assert(ls_fleet_open(device, 0, &fleet, &err) == LS_OK);
        for (size_t i = 0; i < MEMBERS; i++)
            cr_assert(ls_fleet_add(fleet, o[i], data, NULL, &err) == LS_OK);
        for (uint64_t until = 10; until <= 40; until += 10)
            cr_assert(ls_fleet_run(fleet, NULL, 0, until, NULL, NULL, &err) == LS_OK, "call %d: %s",
                      (int)at, err.message);
        for (size_t i = 0; i < MEMBERS; i++) {
            cr_assert(ls_fleet_model(fleet, i, &model, &err) == LS_OK);
            cr_assert(ls_model_sha256(model, hash, &err) == LS_OK);
            cr_assert_str_eq(hash, right[i], "member %zu, call %d", i, (int)at);
            ls_model_free(model);
        }
        more = f.calls >= at;
        ls_fleet_close(fleet);
        ls_device_close(device);
        cr_assert(f.workspaces == 0 && f.members == 0);
    }
    for (size_t i = 0; i < MEMBERS; i++) ls_options_free(o[i]);
    ls_data_free(data);
}

/* On a device, a step of a small network may take a thousandth of what repeating it on the CPU path
 * takes: of many members only some are looked at. Each reading of the clock takes 1 ms, so each
 * check seems to take at least as long. */
Test(fallback, the_witness_takes_a_small_share_of_a_fleet)
{
    enum { MEMBERS = 200 };
    ls_data *data = moons();
    ls_options *o = options_of("hidden=2 epochs=4 batch=150");
    fault f = {.kind = FAULT_NONE};
    ls_device *device;
    ls_fleet *fleet;
    ls_error err;
    clock_start(1e-3);
    cr_assert(faulty_open(&f, &device, &err) == LS_OK);
    cr_assert(ls_fleet_open(device, 0, &fleet, &err) == LS_OK);
    for (size_t i = 0; i < MEMBERS; i++)
        cr_assert(ls_fleet_add(fleet, o, data, NULL, &err) == LS_OK);
    cr_assert(ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, &err) == LS_OK, "%s", err.message);
    const ls_witness_budget b = fleet->witness;
    cr_expect(b.trained > 0 && b.spent > 0.005, "%g s of %g s", b.spent, b.trained);
    cr_expect(b.spent < 0.015 + 0.005 * b.trained, "%g s of %g s", b.spent, b.trained);
    ls_fleet_close(fleet);
    ls_device_close(device);
    ls_options_free(o);
    ls_data_free(data);
}

Test(fallback, predictions_and_metrics_go_on)
{
    ls_data *data = moons();
    ls_options *o = options_of(networks[3]);
    ls_model *model;
    ls_error err;
    float right[150], out[150];
    cr_assert(ls_train(NULL, o, data, NULL, NULL, &model, &err) == LS_OK);
    cr_assert(ls_model_predict_data(model, NULL, data, right, &err) == LS_OK);
    for (uint64_t at = 1, more = 1; more; at++) {
        fault f = {.kind = at % 2 ? FAULT_DIES : FAULT_MEMORY, .at = (at + 1) / 2};
        ls_device *device;
        ls_layer_info layers[2] = {LS_INIT(ls_layer_info)};
        cr_assert(faulty_open(&f, &device, &err) == LS_OK);
        cr_assert(ls_model_predict_data(model, device, data, out, &err) == LS_OK, "%s",
                  err.message);
        cr_assert_arr_eq(out, right, sizeof out);
        if (f.kind == FAULT_DIES)
            cr_assert(ls_model_layers(model, device, data, layers, NULL, &err) == LS_OK, "%s",
                      err.message);
        more = f.calls >= f.at;
        ls_device_close(device);
        cr_assert(f.workspaces == 0 && f.members == 0);
    }
    ls_model_free(model);
    ls_options_free(o);
    ls_data_free(data);
}

Test(fallback, without_it_a_failure_is_an_error_and_leaves_a_checkpoint)
{
    ls_data *data = moons();
    for (size_t i = 0; i < NETWORKS; i++) {
        ls_options *o = options_of(networks[i]);
        char right[65], hash[65], folder[] = "/tmp/lockstep-test-XXXXXX", command[100];
        ls_error err;
        fault f = {.kind = FAULT_DIES, .at = 12};
        ls_device *device;
        ls_model *model;
        cr_assert(train(o, data, NULL, NULL, right, &err) == LS_OK);
        cr_assert(mkdtemp(folder) != NULL);
        ls_train_control control = {
            .struct_size = sizeof control, .checkpoint = folder, .every_epochs = 100};
        cr_assert(faulty_open(&f, &device, &err) == LS_OK);
        cr_assert(ls_device_set_fallback(device, 0, &err) == LS_OK);
        cr_assert(ls_train_controlled(device, o, data, &control, &model, &err) == LS_ERR_DEVICE);
        cr_assert(strstr(err.message, "planted failure"), "%s", err.message);
        ls_device_close(device);
        control.resume = 1;
        uint64_t first = 0;
        cr_assert(train(o, data, NULL, &control, hash, &err) == LS_OK, "%s", err.message);
        cr_assert_str_eq(hash, right, "%s", networks[i]);
        (void)first;
        snprintf(command, sizeof command, "rm -r %s", folder);
        cr_assert(system(command) == 0);
        ls_options_free(o);
    }
    ls_data_free(data);
}
