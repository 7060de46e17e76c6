/* SPDX-License-Identifier: MIT */
/* A training that is interrupted anywhere and resumed, on another device or number of threads, ends
 * with the model of one that was not. Damaged checkpoints, and those of other trainings, are
 * refused. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/error.h"
#include "tests/support/devices.h"
#include "tests/support/runs.h"

TestSuite(checkpoint, .timeout = 300);

static const char *const networks[] = {
    "hidden 8 epochs 12 batch 16",
    "hidden 8,8 epochs 30 batch 32 validation 0.3 patience 4 optimizer adam lr 0.05",
    "hidden 8 epochs 15 batch 64 schedule plateau schedule-epochs 1 lr 0.3 optimizer sgd",
    "hidden 6 epochs 9 batch 16 batch-norm on dropout 0.2 optimizer momentum",
    "hidden 8 epochs 20 batch 16 tolerance 0.01 tolerance-epochs 3 schedule cosine warmup 3",
};

static void train(ls_device *device, const char *options, const ls_data *data,
                  const ls_train_control *control, char hash[65])
{
    ls_options *o = runs_options(options);
    ls_model *model;
    ls_error err;
    cr_assert(ls_train_controlled(device, o, data, control, &model, &err) == LS_OK, "%s: %s",
              options, err.message);
    cr_assert(ls_model_sha256(model, hash, &err) == LS_OK);
    ls_summary summary = LS_INIT(ls_summary);
    cr_assert(ls_model_summary(model, &summary, &err) == LS_OK);
    cr_expect_eq(summary.rollbacks > 0, strstr(options, "rollback") != NULL);
    ls_model_free(model);
    ls_options_free(o);
}

static int stop_after(const ls_progress *p, void *user)
{
    return p->epoch >= *(const uint64_t *)user;
}

static int expect_later(const ls_progress *p, void *user)
{
    uint64_t *last = user;
    cr_assert(p->epoch > *last, "epoch %d after %d", (int)p->epoch, (int)*last);
    *last = p->epoch;
    return 0;
}

Test(checkpoint, resumed_trainings_have_the_bits_of_others)
{
    static const unsigned threads[] = {1, 2, 0};
    runs_device devices[RUNS_DEVICES];
    size_t count = runs_devices_open(devices, threads), turn = 0;
    ls_data *data = runs_data("moons", 150);
    for (size_t i = 0; i < RUNS_COUNT(networks); i++) {
        char right[65], hash[65], folder[64];
        train(NULL, networks[i], data, NULL, right);
        for (uint64_t epoch = 1; epoch < 9; epoch += 1 + epoch / 4) {
            runs_folder_enter(folder);
            uint64_t last = epoch;
            ls_train_control control = {.struct_size = sizeof control,
                                        .checkpoint = "c",
                                        .callback = stop_after,
                                        .user = &last};
            train(devices[turn++ % count].device, networks[i], data, &control, hash);
            cr_assert(strcmp(hash, right), "stopped after epoch %d", (int)epoch);
            control.resume = 1;
            control.callback = expect_later;
            train(devices[turn++ % count].device, networks[i], data, &control, hash);
            cr_assert_str_eq(hash, right, "%s, stopped after epoch %d", networks[i], (int)epoch);
            runs_folder_leave(folder);
        }
    }
    ls_data_free(data);
    runs_devices_close(devices, count);
}

/* Trainings that stop early, interrupted after each epoch: the counters of the rules go along. */
Test(checkpoint, the_rules_to_stop_go_on)
{
    static const char *const rules[][2] = {
        {"patience",
         "hidden 16 epochs 200 batch 8 validation 0.4 patience 6 optimizer adam lr 0.3"},
        {"tolerance", "hidden 8 epochs 200 batch 16 tolerance 0.02 tolerance-epochs 5 lr 0.05"},
    };
    ls_data *data = runs_data("moons", 150);
    for (size_t i = 0; i < RUNS_COUNT(rules); i++) {
        char right[65], hash[65], folder[64];
        runs_run run;
        ls_summary summary = LS_INIT(ls_summary);
        runs_train(NULL, rules[i][1], data, 0, &run);
        cr_assert(ls_model_summary(run.model, &summary, NULL) == LS_OK);
        cr_assert_str_eq(summary.stopped, rules[i][0]);
        const uint64_t epochs = summary.epochs;
        runs_free(&run);
        train(NULL, rules[i][1], data, NULL, right);
        for (uint64_t epoch = 1; epoch < epochs; epoch++) {
            runs_folder_enter(folder);
            ls_train_control control = {.struct_size = sizeof control,
                                        .checkpoint = "c",
                                        .callback = stop_after,
                                        .user = &epoch};
            train(NULL, rules[i][1], data, &control, hash);
            control.resume = 1;
            control.callback = NULL;
            train(NULL, rules[i][1], data, &control, hash);
            cr_assert_str_eq(hash, right, "%s, stopped after epoch %d", rules[i][0], (int)epoch);
            runs_folder_leave(folder);
        }
    }
    ls_data_free(data);
}

/* From one device to the next and back, again and again. */
Test(checkpoint, a_training_may_change_devices_all_the_time)
{
    static const unsigned threads[] = {1, 2, 0};
    runs_device devices[RUNS_DEVICES];
    size_t count = runs_devices_open(devices, threads);
    ls_data *data = runs_data("moons", 150);
    char right[65], hash[65] = "", folder[64];
    const char *options = "hidden 12 epochs 60 batch 16 dropout 0.1 optimizer adam";
    train(NULL, options, data, NULL, right);
    runs_folder_enter(folder);
    for (uint64_t epoch = 5; strcmp(hash, right); epoch += 5) {
        ls_train_control control = {.struct_size = sizeof control,
                                    .checkpoint = "c",
                                    .resume = 1,
                                    .callback = stop_after,
                                    .user = &epoch};
        cr_assert(epoch <= 65, "the training has ended with another model");
        train(devices[epoch / 5 % count].device, options, data, &control, hash);
    }
    runs_folder_leave(folder);
    ls_data_free(data);
    runs_devices_close(devices, count);
}

/* Names in the folder, oldest first. */
static size_t list(const char *folder, char names[8][64])
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir));)
        if (*e->d_name != '.') snprintf(names[count++], 64, "%s/%.50s", folder, e->d_name);
    closedir(dir);
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            if (strcmp(names[i], names[k]) > 0) {
                char name[64];
                memcpy(name, names[i], 64);
                memcpy(names[i], names[k], 64);
                memcpy(names[k], name, 64);
            }
    return count;
}

/* Stops a training after an epoch, with checkpoints after each. */
static void leave_checkpoints(const char *options, const ls_data *data, size_t keep, uint64_t epoch)
{
    char hash[65];
    const ls_train_control control = {.struct_size = sizeof control,
                                      .checkpoint = "c",
                                      .every_epochs = 1,
                                      .keep = keep,
                                      .callback = stop_after,
                                      .user = &epoch};
    train(NULL, options, data, &control, hash);
}

Test(checkpoint, the_newest_are_kept)
{
    ls_data *data = runs_data("moons", 100);
    char folder[64], names[8][64];
    for (size_t keep = 0; keep < 6; keep++) {
        runs_folder_enter(folder);
        leave_checkpoints("hidden 4 epochs 9 batch 50", data, keep, 7);
        cr_assert_eq(list("c", names), keep > 2 ? keep : 2);
        cr_assert_str_eq(names[keep > 2 ? keep - 1 : 1], "c/checkpoint-000000000014.safetensors");
        runs_folder_leave(folder);
    }
    ls_data_free(data);
}

static size_t notices;
static void count_notice(const char *line, void *user)
{
    (void)user;
    notices++;
    cr_assert(strstr(line, "not a usable checkpoint"), "%s", line);
}

/* Every byte and every length: the checkpoint before a damaged one is used, with the same end. */
Test(checkpoint, damage_is_noticed_and_costs_only_time)
{
    static const char options[] = "hidden 3 epochs 4 batch 50 validation 0.2 patience 3";
    ls_data *data = runs_data("moons", 60);
    char folder[64], names[8][64], right[65], hash[65];
    size_t size;
    train(NULL, options, data, NULL, right);
    runs_folder_enter(folder);
    leave_checkpoints(options, data, 2, 2);
    cr_assert_eq(list("c", names), 2);
    char *bytes = runs_file_read(names[1], &size);
    ls_train_control control = {
        .struct_size = sizeof control, .checkpoint = "c", .resume = 1, .notice = count_notice};
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 1 << i % 8;
        runs_file_write(names[1], bytes, size);
        notices = 0;
        train(NULL, options, data, &control, hash);
        cr_assert_eq(notices, 1, "byte %zu of %zu is not noticed", i, size);
        cr_assert_str_eq(hash, right);
        bytes[i] ^= 1 << i % 8;
    }
    for (size_t length = 0; length < size; length += 1 + length / 20) {
        runs_file_write(names[1], bytes, length);
        notices = 0;
        train(NULL, options, data, &control, hash);
        cr_assert_eq(notices, 1, "length %zu of %zu is not noticed", length, size);
    }
    runs_file_write(names[0], bytes, size / 2);
    ls_options *o = runs_options(options);
    ls_model *model;
    ls_error err;
    cr_assert(ls_train_controlled(NULL, o, data, &control, &model, &err) == LS_ERR_DATA);
    cr_assert(strstr(err.message, "there is no whole checkpoint"), "%s", err.message);
    ls_options_free(o);
    free(bytes);
    runs_folder_leave(folder);
    ls_data_free(data);
}

static void refuse(const char *options, const ls_data *data, int resume, const char *why)
{
    ls_options *o = runs_options(options);
    ls_model *model;
    ls_error err;
    const ls_train_control control = {
        .struct_size = sizeof control, .checkpoint = "c", .resume = resume};
    cr_assert(ls_train_controlled(NULL, o, data, &control, &model, &err) == LS_ERR_ARGUMENT,
              "not refused: %s", why);
    cr_assert(strstr(err.message, why), "%s", err.message);
    ls_options_free(o);
}

Test(checkpoint, others_are_refused)
{
    static const char options[] = "hidden 4 epochs 9 batch 50";
    ls_data *data = runs_data("moons", 100), *other = runs_data("moons", 101),
            *circles = runs_data("circles", 100);
    char folder[64];
    runs_folder_enter(folder);
    leave_checkpoints(options, data, 2, 3);
    refuse(options, data, 0, "resume that one");
    refuse(options, other, 1, "other data");
    refuse(options, circles, 1, "other data");
    refuse("hidden 4 epochs 10 batch 50", data, 1, "trained with --epochs 9, not 10");
    refuse("hidden 4 epochs 9 batch 50 seed 2", data, 1, "trained with --seed 1, not 2");
    runs_folder_leave(folder);
    ls_data_free(data);
    ls_data_free(other);
    ls_data_free(circles);
}

static void refuse_to_train(const char *options, const ls_data *data)
{
    ls_options *o = runs_options(options);
    ls_model *model;
    ls_error err;
    cr_assert(ls_train(NULL, o, data, NULL, NULL, &model, &err) == LS_ERR_DIVERGED);
    cr_assert(strstr(err.message, "--on-nan rollback"), "%s", err.message);
    ls_options_free(o);
}

/* A rate that is too large is halved until it is not; the bits do not depend on the device, nor on
 * an interruption. */
Test(checkpoint, rollbacks_are_the_same_everywhere)
{
    static const unsigned threads[] = {1, 2, 0};
    static const char options[] =
        "hidden 8 activation relu epochs 12 batch 16 optimizer sgd loss mse output identity lr 40 "
        "on-nan rollback";
    runs_device devices[RUNS_DEVICES];
    size_t count = runs_devices_open(devices, threads);
    ls_data *data = runs_data("numbers:2", 150);
    char right[65], hash[65], folder[64];
    train(NULL, options, data, NULL, right);
    refuse_to_train("hidden 8 activation relu epochs 12 batch 16 optimizer sgd loss mse output "
                    "identity lr 40",
                    data);
    for (size_t i = 0; i < count; i++) {
        train(devices[i].device, options, data, NULL, hash);
        cr_assert_str_eq(hash, right, "%s", devices[i].label);
    }
    runs_folder_enter(folder);
    uint64_t epoch = 3;
    ls_train_control control = {
        .struct_size = sizeof control, .checkpoint = "c", .callback = stop_after, .user = &epoch};
    train(NULL, options, data, &control, hash);
    control.resume = 1;
    control.callback = NULL;
    train(NULL, options, data, &control, hash);
    cr_assert_str_eq(hash, right);
    runs_folder_leave(folder);
    ls_data_free(data);
    runs_devices_close(devices, count);
}
