/* SPDX-License-Identifier: MIT */
/* Ensembles: what they predict, their files, and ls_auto, which makes them. The mean, the
 * calibration and the choice are computed again here, in double. */
#include "host/auto/select.h"
#include "host/auto/space.h"
#include "host/data/split.h"
#include "host/model/ensemble.h"
#include "host/model/infer.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ls_data *rows_of(const char *name, size_t rows, uint64_t seed)
{
    const ls_generate_options how = {.rows = rows, .noise = 0.3, .seed = seed};
    ls_data *data;
    ls_error err;
    cr_assert_eq(ls_data_generate(name, &how, &data, &err), LS_OK, "%s", err.message);
    return data;
}

static ls_model *make(ls_device *device, const ls_data *data, size_t trials, size_t folds)
{
    const ls_auto_control control = {
        .struct_size = sizeof control, .trials = trials, .folds = folds, .seed = 5};
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_auto(device, data, &control, &model, &err), LS_OK, "%s", err.message);
    return model;
}

static void hash_of(const ls_model *m, char hex[65])
{
    ls_error err;
    cr_assert_eq(ls_model_sha256(m, hex, &err), LS_OK, "%s", err.message);
}

/* ---- What an ensemble predicts --------------------------------------------------------------- */

/* Mean of the members' predictions, calibrated, in double. */
static void expect_mean(const ls_model *m, const ls_data *data)
{
    const size_t width = ls_model_outputs(m), n = ls_data_rows(data) * width;
    float *own = calloc(n, sizeof *own), *all = calloc(n, sizeof *all);
    double *sum = calloc(n, sizeof *sum), times = 0;
    ls_error err;
    for (size_t i = 0; i < ls_model_members(m); i++) {
        const double count = (double)ls_model_member_times(m, i);
        cr_assert_eq(ls_model_predict_data(ls_model_member(m, i), NULL, data, own, &err), LS_OK);
        for (size_t k = 0; k < n; k++) sum[k] += count * (double)own[k];
        times += count;
    }
    cr_assert_eq(ls_model_predict_data(m, NULL, data, all, &err), LS_OK, "%s", err.message);
    const double t = ls_model_temperature(m);
    for (size_t r = 0; r < n; r += width) {
        double wanted[16], total = 0;
        for (size_t k = 0; k < width; k++) wanted[k] = sum[r + k] / times;
        if (ls_model_task(m) == LS_TASK_CLASSIFICATION && width == 1)
            wanted[0] = 1 / (1 + pow((1 - wanted[0]) / wanted[0], 1 / t));
        if (ls_model_task(m) == LS_TASK_CLASSIFICATION && width > 1) {
            for (size_t k = 0; k < width; k++) total += wanted[k] = pow(wanted[k], 1 / t);
            for (size_t k = 0; k < width; k++) wanted[k] /= total;
        }
        for (size_t k = 0; k < width; k++) {
            double allowed = ls_model_task(m) == LS_TASK_REGRESSION ? 1e-5 * (1 + fabs(wanted[k]))
                                                                    : 2e-6;
            cr_assert(fabs((double)all[r + k] - wanted[k]) <= allowed, "row %zu: %.9g, not %.9g",
                      r / width, (double)all[r + k], wanted[k]);
        }
    }
    free(own);
    free(all);
    free(sum);
}

/* The loss that evaluate reports, from the probabilities. */
static void expect_loss(const ls_model *m, const ls_data *data)
{
    const size_t width = ls_model_outputs(m), rows = ls_data_rows(data);
    float *p = calloc(rows * width, sizeof *p);
    ls_metrics *metrics;
    ls_error err;
    double loss = 0;
    cr_assert_eq(ls_model_predict_data(m, NULL, data, p, &err), LS_OK);
    cr_assert_eq(ls_model_evaluate(m, NULL, data, &metrics, &err), LS_OK, "%s", err.message);
    for (size_t r = 0; r < rows; r++) {
        int32_t y = ls_data_y(data)[r];
        loss -= log((double)(width > 1 ? p[r * width + (size_t)y] : y ? p[r] : 1 - p[r]));
    }
    loss /= (double)rows;
    cr_expect(fabs(metrics->loss - loss) < 1e-5 * (1 + loss), "%.9g, not %.9g", metrics->loss,
              loss);
    cr_expect(fabs(metrics->log_loss - loss) < 1e-5 * (1 + loss), "%.9g, not %.9g",
              metrics->log_loss, loss);
    ls_metrics_free(metrics);
    free(p);
}

Test(auto, means_of_classes_and_numbers)
{
    static const struct {
        const char *name;
        size_t rows, folds;
    } list[] = {{"moons", 90, 3}, {"blobs", 120, 1}, {"friedman1", 100, 2}};
    for (size_t i = 0; i < 3; i++) {
        ls_data *data = rows_of(list[i].name, list[i].rows, 1),
                *other = rows_of(list[i].name, 70, 1);
        ls_model *m = make(NULL, data, 4, list[i].folds);
        cr_expect(ls_model_members(m) >= list[i].folds);
        expect_mean(m, other);
        if (ls_model_task(m) == LS_TASK_CLASSIFICATION) expect_loss(m, other);
        ls_model_free(m);
        ls_data_free(data);
        ls_data_free(other);
    }
}

/* Blocks of many rows give what single rows give. */
Test(auto, rows_do_not_depend_on_their_block)
{
    ls_data *data = rows_of("blobs", 100, 1), *many = rows_of("blobs", 9000, 3);
    ls_model *m = make(NULL, data, 3, 2);
    const size_t width = ls_model_outputs(m), columns = ls_data_features(many);
    float *p = calloc(9000 * width, sizeof *p), one[16];
    ls_error err;
    cr_assert_eq(ls_model_predict_data(m, NULL, many, p, &err), LS_OK, "%s", err.message);
    for (size_t r = 0; r < 9000; r += 997) {
        cr_assert_eq(ls_model_predict(m, NULL, ls_data_x(many) + r * columns, 1, one, &err), LS_OK);
        cr_expect(!memcmp(one, p + r * width, width * sizeof *one), "row %zu", r);
    }
    free(p);
    ls_model_free(m);
    ls_data_free(data);
    ls_data_free(many);
}

/* ---- Files ----------------------------------------------------------------------------------- */

Test(auto, files_keep_everything)
{
    static const char *const csv = "a,kind,b,y\n";
    char path[] = "/tmp/lockstep-auto-XXXXXX", rows[] = "/tmp/lockstep-rows-XXXXXX", hex[2][65];
    ls_error err;
    ls_data *data;
    ls_model *m, *again;
    FILE *to = fdopen(mkstemp(rows), "w");
    close(mkstemp(path));
    fputs(csv, to);
    for (int i = 0; i < 80; i++) /* categories, and a value that is missing in one fold only */
        fprintf(to, "%s,%s,%d,%s\n",
                i == 7  ? ""
                : i % 3 ? "1.5"
                        : "0.25",
                i % 5 == 0 ? "red"
                : i % 2    ? "green"
                           : "blue",
                i * 37 % 11, i * 37 % 11 > 5 ? "u" : "v");
    fclose(to);
    cr_assert_eq(ls_data_read(rows, NULL, &data, &err), LS_OK, "%s", err.message);
    m = make(NULL, data, 3, 4);
    cr_assert_eq(ls_model_save(m, path, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_load(path, &again, &err), LS_OK, "%s", err.message);
    hash_of(m, hex[0]);
    hash_of(again, hex[1]);
    cr_expect_str_eq(hex[0], hex[1]);
    cr_expect_eq(ls_model_members(m), ls_model_members(again));
    cr_expect_eq(ls_model_temperature(m), ls_model_temperature(again));
    expect_mean(again, data);
    float p[2][80];
    cr_assert_eq(ls_model_predict_data(m, NULL, data, p[0], &err), LS_OK);
    cr_assert_eq(ls_model_predict_data(again, NULL, data, p[1], &err), LS_OK);
    cr_expect(!memcmp(p[0], p[1], sizeof p[0]));
    ls_model_free(m);
    ls_model_free(again);
    ls_data_free(data);
    unlink(path);
    unlink(rows);
}

/* A file of which any byte is different, or the end is missing, is refused, unless it means the
 * same: the 17th digit of a number may. */
Test(auto, damaged_files_are_refused)
{
    char path[] = "/tmp/lockstep-auto-XXXXXX", expected[65];
    ls_data *data = rows_of("moons", 60, 1);
    ls_model *m = make(NULL, data, 2, 2), *again;
    ls_error err;
    close(mkstemp(path));
    cr_assert_eq(ls_model_save(m, path, &err), LS_OK);
    hash_of(m, expected);
    FILE *f = fopen(path, "r+b");
    fseek(f, 0, SEEK_END);
    long size = ftell(f), step = size / 300 + 1;
    for (long at = 0; at < size; at += step) {
        fseek(f, at, SEEK_SET);
        int byte = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(byte ^ 4, f);
        fflush(f);
        if (byte != ' ' && ls_model_load(path, &again, &err) == LS_OK) {
            char now[65];
            hash_of(again, now);
            cr_expect_str_eq(now, expected, "byte %ld of %ld", at, size);
            ls_model_free(again);
        }
        fseek(f, at, SEEK_SET);
        fputc(byte, f);
        fflush(f);
    }
    cr_assert_eq(ls_model_load(path, &again, &err), LS_OK, "%s", err.message);
    ls_model_free(again);
    fclose(f);
    cr_assert_eq(truncate(path, size - 4), 0);
    cr_expect_eq(ls_model_load(path, &again, &err), LS_ERR_DATA);
    ls_model_free(m);
    ls_data_free(data);
    unlink(path);
}

/* ---- The same model, however it is made ------------------------------------------------------ */

Test(auto, is_a_function_of_data_trials_folds_and_seed)
{
    ls_data *data = rows_of("moons", 150, 4);
    char hex[65], expected[65];
    ls_model *m = make(NULL, data, 10, 3);
    hash_of(m, expected);
    ls_model_free(m);
    const char *const names[] = {"cpu", "1"};
    for (size_t i = 0; i < 2; i++) {
        ls_device *device;
        ls_error err;
        ls_status status = ls_device_open(names[i], 2, 0, &device, &err);
        if (i && status != LS_OK && !getenv("LOCKSTEP_REQUIRE_OPENCL")) break;
        cr_assert_eq(status, LS_OK, "%s", err.message);
        m = make(device, data, 10, 3);
        hash_of(m, hex);
        cr_expect_str_eq(hex, expected, "device %s", names[i]);
        ls_model_free(m);
        ls_device_close(device);
    }
    m = make(NULL, data, 11, 3);
    hash_of(m, hex);
    cr_expect_str_neq(hex, expected);
    ls_model_free(m);
    ls_data_free(data);
}

/* Each member is what training with its options gives. */
Test(auto, members_are_trainings)
{
    ls_data *data = rows_of("moons", 100, 4);
    ls_model *m = make(NULL, data, 3, 2), *alone;
    char hex[2][65];
    ls_error err;
    cr_assert(ls_model_members(m));
    for (size_t i = 0; i < ls_model_members(m); i++) {
        const ls_model *member = ls_model_member(m, i);
        cr_assert_eq(ls_train(NULL, member->options, data, NULL, NULL, &alone, &err), LS_OK, "%s",
                     err.message);
        ls_model_weights_sha256(member, hex[0]);
        ls_model_weights_sha256(alone, hex[1]);
        cr_expect_str_eq(hex[0], hex[1], "member %zu", i);
        ls_model_free(alone);
    }
    ls_model_free(m);
    ls_data_free(data);
}

static int stop_early(const ls_auto_progress *p, void *user)
{
    size_t *calls = user;
    cr_expect_eq(p->struct_size, sizeof *p);
    cr_expect(p->working + p->ended + p->dropped <= 30 && p->seconds >= 0);
    return p->trials && ++*calls > 2;
}

Test(auto, ends_early_with_an_ensemble)
{
    ls_data *data = rows_of("moons", 400, 4);
    size_t calls = 0;
    const ls_auto_control control = {
        .struct_size = sizeof control, .trials = 30, .callback = stop_early, .user = &calls};
    ls_model *m;
    ls_error err;
    cr_assert_eq(ls_auto(NULL, data, &control, &m, &err), LS_OK, "%s", err.message);
    cr_expect(ls_model_members(m) > 0);
    ls_model_free(m);
    ls_data_free(data);
}

static int note_trials(const ls_auto_progress *p, void *user)
{
    if (p->trials) *(size_t *)user = p->trials;
    return 0;
}

static int note_end(const ls_auto_progress *p, void *user)
{
    *(ls_auto_progress *)user = *p;
    return 0;
}

/* Weak trials leave: few are trained to their end. */
Test(auto, weak_trials_leave)
{
    ls_data *data = rows_of("moons", 120, 4);
    ls_auto_progress end = {0};
    const ls_auto_control control = {.struct_size = sizeof control,
                                     .trials = 48,
                                     .folds = 2,
                                     .callback = note_end,
                                     .user = &end};
    ls_model *m;
    ls_error err;
    cr_assert_eq(ls_auto(NULL, data, &control, &m, &err), LS_OK, "%s", err.message);
    cr_expect_eq(end.ended + end.dropped, 48);
    cr_expect(end.ended >= 12 && end.dropped >= 24, "%zu ended, %zu left", end.ended, end.dropped);
    ls_model_free(m);
    ls_data_free(data);
}

/* The time chooses a number of trials, which gives the same model by itself. */
Test(auto, time_is_a_number_of_trials)
{
    ls_data *data = rows_of("moons", 60, 4);
    size_t trials = 0;
    char hex[2][65];
    const ls_auto_control timed = {.struct_size = sizeof timed,
                                   .seconds = 0.2,
                                   .folds = 2,
                                   .seed = 5,
                                   .callback = note_trials,
                                   .user = &trials};
    ls_model *m;
    ls_error err;
    cr_assert_eq(ls_auto(NULL, data, &timed, &m, &err), LS_OK, "%s", err.message);
    hash_of(m, hex[0]);
    ls_model_free(m);
    cr_assert(trials >= 8, "%zu trials", trials);
    m = make(NULL, data, trials, 2);
    hash_of(m, hex[1]);
    cr_expect_str_eq(hex[0], hex[1]);
    ls_model_free(m);
    ls_data_free(data);
}

Test(auto, refusals)
{
    ls_data *few = rows_of("moons", 19, 1), *data = rows_of("moons", 60, 1);
    ls_model *m;
    ls_error err;
    const ls_auto_control folds = {.struct_size = sizeof folds, .folds = 31};
    const ls_auto_control trials = {.struct_size = sizeof trials, .trials = SIZE_MAX};
    cr_expect_eq(ls_auto(NULL, few, NULL, &m, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "too few"), "%s", err.message);
    cr_expect_eq(ls_auto(NULL, data, &folds, &m, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_auto(NULL, data, &trials, &m, &err), LS_ERR_ARGUMENT);
    ls_data_free(few);
    ls_data_free(data);
}

/* ---- The choice ------------------------------------------------------------------------------ */

static double random_of(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) * 0x1p-53;
}

/* Greedy selection as published, in double, with the first few chosen by themselves. */
Test(auto, greedy_choice)
{
    enum { COUNT = 9, VALUES = 40, PICKS = 12, FIRST = 4 };
    float evidence[COUNT][VALUES];
    ls_candidate candidate[COUNT];
    uint64_t state = 3, times[COUNT], wanted[COUNT];
    for (int numbers = 0; numbers < 2; numbers++) {
        double sum[VALUES] = {0}, best_loss = INFINITY, loss;
        size_t picked[PICKS], kept = 0;
        bool used[COUNT] = {false};
        ls_error err;
        for (size_t i = 0; i < COUNT; i++) {
            candidate[i].evidence = evidence[i];
            for (size_t k = 0; k < VALUES; k++)
                evidence[i][k] = (float)(numbers ? random_of(&state) - 0.5
                                                 : 0.1 + 0.8 * random_of(&state));
        }
        for (size_t n = 0; n < PICKS; n++) {
            double least = INFINITY, now = 0;
            for (size_t i = 0; i < COUNT; i++) {
                double l = 0;
                for (size_t k = 0; k < VALUES; k++) {
                    double mean = n < FIRST ? (double)evidence[i][k]
                                            : (sum[k] + (double)evidence[i][k]) / (double)(n + 1);
                    l += numbers ? mean * mean : -log(mean);
                }
                if ((n < FIRST && used[i]) || l >= least) continue;
                least = l;
                picked[n] = i;
            }
            used[picked[n]] = true;
            for (size_t k = 0; k < VALUES; k++) {
                sum[k] += (double)evidence[picked[n]][k];
                double mean = sum[k] / (double)(n + 1);
                now += numbers ? mean * mean : -log(mean);
            }
            if (n + 1 < FIRST || now / VALUES >= best_loss) continue;
            best_loss = now / VALUES;
            kept = n + 1;
        }
        memset(wanted, 0, sizeof wanted);
        for (size_t n = 0; n < kept; n++) wanted[picked[n]]++;
        cr_assert_eq(ls_choose_ensemble(candidate, COUNT, VALUES, numbers, PICKS, times, &loss,
                                        &err),
                     LS_OK);
        cr_expect(!memcmp(times, wanted, sizeof wanted), "numbers %d", numbers);
        cr_expect(fabs(loss - best_loss) < 1e-6);
    }
}

/* The temperature against a search over all 64ths in double. */
Test(auto, temperature)
{
    enum { ROWS = 200, WIDTH = 3 };
    float p[ROWS * WIDTH];
    int32_t y[ROWS];
    uint64_t state = 9;
    for (size_t r = 0; r < ROWS; r++) {
        double sum = 0, z[WIDTH];
        y[r] = (int32_t)(random_of(&state) * WIDTH);
        for (size_t k = 0; k < WIDTH; k++)
            sum += z[k] = exp(5 * random_of(&state) + ((int32_t)k == y[r] ? 1.5 : 0));
        for (size_t k = 0; k < WIDTH; k++) p[r * WIDTH + k] = (float)(z[k] / sum);
    }
    double best = INFINITY, at = 0, loss;
    for (int inverse = 16; inverse <= 256; inverse++) {
        double l = 0;
        for (size_t r = 0; r < ROWS; r++) {
            double sum = 0;
            for (size_t k = 0; k < WIDTH; k++) sum += pow((double)p[r * WIDTH + k], inverse / 64.0);
            l -= log(pow((double)p[r * WIDTH + (size_t)y[r]], inverse / 64.0) / sum) / ROWS;
        }
        if (l < best) best = l, at = 64.0 / inverse;
    }
    double found = ls_fit_temperature(p, y, ROWS, WIDTH, &loss);
    cr_expect(at > 1.05, "%g", at);
    cr_expect(fabs(64 / found - 64 / at) <= 1, "%g, not %g", found, at);
    cr_expect(fabs(loss - best) < 1e-5);
}
