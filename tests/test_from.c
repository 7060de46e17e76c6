/* SPDX-License-Identifier: MIT */
/* Training that starts from a model (ls_train_control.from): its weights, running averages and
 * preprocessing are taken bit for bit, on every device; what does not fit is refused. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/error.h"
#include "host/model/model.h"
#include "host/model/training_rows.h"
#include "tests/support/runs.h"

TestSuite(from, .timeout = 300);

static ls_model *train(ls_device *device, const char *options, const ls_data *data,
                       const ls_train_control *control)
{
    ls_options *o = runs_options(options);
    ls_model *model = NULL;
    ls_error err;
    cr_assert(ls_train_controlled(device, o, data, control, &model, &err) == LS_OK, "%s: %s",
              options, err.message);
    ls_options_free(o);
    return model;
}

static ls_model *train_from(ls_device *device, const char *options, const ls_data *data,
                            const ls_model *from, int refit)
{
    const ls_train_control control = {.struct_size = sizeof control, .from = from, .refit = refit};
    return train(device, options, data, &control);
}

static void refuse(const char *options, const ls_data *data, const ls_train_control *control,
                   ls_status status, const char *words)
{
    ls_options *o = runs_options(options);
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_train_controlled(NULL, o, data, control, &model, &err), status, "not: %s",
                 words);
    cr_assert(strstr(err.message, words), "%s", err.message);
    ls_options_free(o);
}

static void refuse_from(const char *options, const ls_data *data, const ls_model *from, int refit,
                        ls_status status, const char *words)
{
    const ls_train_control control = {.struct_size = sizeof control, .from = from, .refit = refit};
    refuse(options, data, &control, status, words);
}

static void expect_weights(const ls_model *a, const ls_model *b, bool same, const char *what)
{
    char left[65], right[65];
    ls_model_weights_sha256(a, left);
    ls_model_weights_sha256(b, right);
    cr_expect_eq(!strcmp(left, right), same, "%s", what);
}

/* Rows with categories and missing values. */
static const char mixed[] = "age,town,class\n20,Ulm,yes\n?,Bonn,no\n40,Ulm,yes\n60,,no\n"
                            "30,Bonn,no\n35,Ulm,yes\n50,Ulm,no\n41,Bonn,yes\n";
static const char mixed_later[] = "age,town,class\n120,Trier,no\n?,Ulm,no\n140,Ulm,yes\n160,,no\n"
                                  "130,Ulm,no\n";

static ls_data *read_text(const char *text, const ls_model *model)
{
    const ls_read_options how = {.struct_size = sizeof how, .model = model};
    ls_data *data;
    ls_error err;
    runs_file_write("rows.csv", text, strlen(text));
    cr_assert(ls_data_read("rows.csv", &how, &data, &err) == LS_OK, "%s", err.message);
    return data;
}

static ls_data *data_of(const char *name)
{
    if (!strcmp(name, "digits")) return runs_data_file("digits.csv");
    return strcmp(name, "mixed") ? runs_data(name, 120) : read_text(mixed, NULL);
}

/* Gradient descent on all rows has no state but weights and running averages, and draws no random
 * numbers: in two parts, it is the same as in one. */
static const struct {
    const char *data, *options;
} parts[] = {
    {"moons", "hidden 8 epochs %d optimizer gd batch full lr 0.3"},
    {"moons", "hidden 8,8 epochs %d optimizer gd batch full lr 0.3 batch-norm on validation 0.25"},
    {"moons",
     "hidden 6 epochs %d optimizer gd batch full lr 0.3 class-weights balanced standardize off"},
    {"numbers:2", "hidden 8 epochs %d optimizer gd batch full lr 0.1 schedule constant"},
    {"numbers:2:weighted",
     "hidden 8 epochs %d optimizer gd batch full lr 0.001 schedule constant standardize-target off"},
    {"labels:3", "hidden 8 epochs %d optimizer gd batch full lr 0.2"},
    {"mixed", "hidden 4 epochs %d optimizer gd batch full lr 0.2"},
    {"digits", "epochs %d optimizer gd batch full lr 0.1 shape 1x8x8 net "
               "conv\t4\t3,batchnorm,relu,maxpool\t2,dense"},
};

static const char *options_of(size_t i, int epochs, char text[256])
{
    const char *at = strstr(parts[i].options, "%d");
    snprintf(text, 256, "%.*s%d%s", (int)(at - parts[i].options), parts[i].options, epochs, at + 2);
    return text;
}

Test(from, two_parts_are_one_training)
{
    static const unsigned threads[] = {1, 3, 0};
    runs_device devices[RUNS_DEVICES];
    size_t count = runs_devices_open(devices, threads);
    char folder[64], text[256];
    runs_folder_enter(folder);
    for (size_t i = 0; i < RUNS_COUNT(parts); i++) {
        ls_data *data = data_of(parts[i].data);
        ls_model *whole = train(NULL, options_of(i, 8, text), data, NULL);
        ls_model *first = train(NULL, options_of(i, 5, text), data, NULL);
        expect_weights(whole, first, false, parts[i].data);
        for (size_t k = 0; k < count; k++) {
            ls_model *second = train_from(devices[k].device, options_of(i, 3, text), data, first,
                                          0);
            expect_weights(whole, second, true, parts[i].options);
            cr_expect_eq(second->history_count, 3);
            for (size_t e = 0; e < 3; e++) {
                const ls_history_point *a = &whole->history[5 + e], *b = &second->history[e];
                cr_expect(!memcmp(&a->loss, &b->loss, sizeof a->loss) &&
                              (isnan(a->validation_loss) ||
                               !memcmp(&a->validation_loss, &b->validation_loss, sizeof a->loss)),
                          "%s, %s, epoch %zu", parts[i].options, devices[k].label, e + 6);
            }
            ls_model_free(second);
        }
        ls_model_free(first);
        ls_model_free(whole);
        ls_data_free(data);
    }
    runs_folder_leave(folder);
    runs_devices_close(devices, count);
}

/* With a rate that changes no bit, the validation loss is that of the model on these rows. */
Test(from, the_first_loss_is_that_of_the_model)
{
    static const char *const names[] = {"moons", "numbers:2", "labels:3"};
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        static const char options[] =
            "hidden 6 epochs 1 optimizer gd batch full lr 1e-38 validation 0.3 l2 0";
        ls_data *data = runs_data(names[i], 90), *rows, *held;
        ls_model *from = train(NULL, "hidden 6 epochs 20 seed 5", data, NULL),
                 *same = train_from(NULL, options, data, from, 0);
        ls_metrics *metrics;
        ls_error err;
        expect_weights(from, same, true, names[i]);
        cr_assert(ls_training_split(&same->options->settings, data, &rows, &held, &err) == LS_OK);
        cr_assert(ls_model_evaluate(from, NULL, held, &metrics, &err) == LS_OK, "%s", err.message);
        cr_expect_eq(same->history[0].validation_loss, (float)metrics->loss, "%s", names[i]);
        ls_metrics_free(metrics);
        ls_model_free(same);
        ls_model_free(from);
        ls_data_free(rows);
        ls_data_free(held);
        ls_data_free(data);
    }
}

/* The optimizer begins anew, everywhere in the same way. */
Test(from, the_optimizer_state_is_new)
{
    static const unsigned threads[] = {1, 2, 0};
    static const char options[] = "hidden 8 epochs 3 batch 16 optimizer adam lr 0.02 batch-norm on "
                                  "dropout 0.1 seed 2";
    runs_device devices[RUNS_DEVICES];
    size_t count = runs_devices_open(devices, threads);
    ls_data *data = runs_data("moons", 120);
    ls_model *first = train(NULL, "hidden 8 epochs 5 optimizer adam batch-norm on dropout 0.1",
                            data, NULL),
             *right = train_from(NULL, options, data, first, 0),
             *seed = train(NULL, options, data, NULL);
    expect_weights(right, seed, false, "from the seed");
    for (size_t k = 0; k < count; k++) {
        ls_model *second = train_from(devices[k].device, options, data, first, 0);
        expect_weights(right, second, true, devices[k].label);
        ls_model_free(second);
    }
    ls_model_free(first);
    ls_model_free(right);
    ls_model_free(seed);
    ls_data_free(data);
    runs_devices_close(devices, count);
}

/* ---- Preprocessing --------------------------------------------------------------------------- */

/* Other rows of the same shape: inputs and targets are 100 larger. */
static ls_data *shifted(const ls_data *data)
{
    ls_data *out;
    ls_error err;
    size_t n = data->rows * data->columns, targets = data->rows * data->targets;
    float *x = calloc(n, sizeof *x);
    double *value = calloc(targets, sizeof *value);
    for (size_t i = 0; i < n; i++) x[i] = data->x[i] * 3 + 100;
    for (size_t i = 0; data->value && i < targets; i++) value[i] = data->value[i] * 2 + 100;
    ls_status status = data->value
                           ? ls_data_from_targets(x, value, data->rows, data->columns,
                                                  data->targets, LS_TASK_REGRESSION, &out, &err)
                           : ls_data_from_arrays(x, data->y, data->rows, data->columns,
                                                 data->classes, &out, &err);
    cr_assert(status == LS_OK, "%s", err.message);
    free(x);
    free(value);
    return out;
}

static bool same_numbers(const double *a, const double *b, size_t count)
{
    return !memcmp(a, b, count * sizeof *a);
}

Test(from, preprocessing_is_kept_or_fitted)
{
    static const char *const names[] = {"moons", "numbers:2"};
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        ls_data *data = runs_data(names[i], 90), *other = shifted(data);
        ls_model *from = train(NULL, "hidden 6 epochs 9", data, NULL),
                 *kept = train_from(NULL, "hidden 6 epochs 4", other, from, 0),
                 *refitted = train_from(NULL, "hidden 6 epochs 4", other, from, 1),
                 *fitted = train(NULL, "hidden 6 epochs 4", other, NULL);
        size_t inputs = from->network.inputs;
        cr_expect(same_numbers(from->mean, kept->mean, inputs));
        cr_expect(same_numbers(from->scale, kept->scale, inputs));
        cr_expect(same_numbers(fitted->mean, refitted->mean, inputs));
        cr_expect(same_numbers(fitted->scale, refitted->scale, inputs));
        cr_expect_not(same_numbers(from->mean, fitted->mean, inputs));
        if (from->target_scale) {
            cr_expect(same_numbers(from->target_mean, kept->target_mean, 2));
            cr_expect(same_numbers(from->target_scale, kept->target_scale, 2));
            cr_expect(same_numbers(fitted->target_mean, refitted->target_mean, 2));
            cr_expect(same_numbers(fitted->target_scale, refitted->target_scale, 2));
            cr_expect_not(same_numbers(from->target_mean, fitted->target_mean, 2));
        }
        expect_weights(kept, refitted, false, names[i]);
        ls_model *const models[] = {from, kept, refitted, fitted};
        for (size_t k = 0; k < 4; k++) ls_model_free(models[k]);
        ls_data_free(data);
        ls_data_free(other);
    }
}

/* Inputs of categories keep their places; rows may lack some of them, and have others. */
Test(from, categories_are_the_models)
{
    char folder[64];
    runs_folder_enter(folder);
    ls_data *data = read_text(mixed, NULL);
    ls_model *from = train(NULL, "hidden 4 epochs 9", data, NULL);
    ls_data *later = read_text(mixed_later, from);
    cr_assert_eq(later->classes, 2);
    for (int refit = 0; refit < 2; refit++) {
        ls_model *m = train_from(NULL, "hidden 4 epochs 5", later, from, refit);
        const ls_encoder *a = from->encoder, *b = m->encoder;
        cr_assert(b && b->columns == 2 && b->column[1].categories == 2);
        for (size_t k = 0; k < 2; k++)
            cr_expect_str_eq(a->column[1].category[k], b->column[1].category[k]);
        for (size_t i = 0; i < m->network.inputs; i++)
            cr_expect_str_eq(from->feature_names[i], m->feature_names[i]);
        cr_expect_str_eq(m->class_names[1], "yes");
        cr_expect_eq(b->fill[0] + b->column[0].offset,
                     refit ? 137.5 : a->fill[0] + a->column[0].offset);
        cr_expect_eq(same_numbers(from->mean, m->mean, m->network.inputs), !refit);
        cr_expect(b->other[1]);
        ls_model_free(m);
    }
    ls_model_free(from);
    ls_data_free(later);
    ls_data_free(data);
    runs_folder_leave(folder);
}

/* ---- What does not fit ----------------------------------------------------------------------- */

Test(from, other_layers_are_refused)
{
    static const struct {
        const char *options, *words;
    } list[] = {
        {"hidden 9,5", "its layers.0.weight has 2 x 8 values, but 2 x 9 are needed"},
        {"hidden 8,6", "its layers.1.weight has 8 x 5 values, but 8 x 6 are needed"},
        {"hidden 8", "its layers.1.weight has 8 x 5 values, but 8 x 1 are needed"},
        {"hidden 8,5,5", "its layers.2.weight has 5 x 1 values, but 5 x 5 are needed"},
        {"hidden 8,5,1", "it has no layers.3"},
        {"hidden 8,5 batch-norm on", "layers.0"},
    };
    ls_data *data = runs_data("moons", 80);
    ls_model *from = train(NULL, "hidden 8,5 epochs 3 output sigmoid", data, NULL);
    char text[128];
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        snprintf(text, sizeof text, "%s epochs 2 output sigmoid", list[i].options);
        refuse_from(text, data, from, 0, LS_ERR_ARGUMENT, list[i].words);
        refuse_from(text, data, from, 1, LS_ERR_ARGUMENT, list[i].words);
    }
    ls_model_free(train_from(NULL, "hidden 8,5 epochs 2 activation tanh output sigmoid lr 0.1",
                             data, from, 0));
    ls_model_free(from);
    ls_data_free(data);
}

static ls_data *arrays(size_t features, size_t classes)
{
    enum { ROWS = 12 };
    float x[ROWS * 4];
    int32_t y[ROWS];
    ls_data *data;
    for (size_t i = 0; i < ROWS * features; i++) x[i] = (float)(i * i % 13);
    for (size_t r = 0; r < ROWS; r++) y[r] = (int32_t)(r % classes);
    cr_assert(ls_data_from_arrays(x, y, ROWS, features, classes, &data, NULL) == LS_OK);
    return data;
}

Test(from, other_data_are_refused)
{
    char folder[64];
    runs_folder_enter(folder);
    ls_data *data = arrays(2, 3), *columns = arrays(3, 3), *more = arrays(2, 4),
            *few = arrays(2, 2), *numbers = runs_data("numbers:2", 30),
            *words = read_text("a,b,class\n1,2,x\n3,1,y\n4,4,z\n2,2,x\n", NULL),
            *named = read_text("a,b,class\n1,2,x\n3,1,y\n4,4,w\n2,2,x\n", NULL),
            *texts = read_text("a,b,class\n1,u,x\n3,v,y\n4,u,z\n2,v,x\n", NULL);
    ls_model *from = train(NULL, "hidden 4 epochs 3", data, NULL),
             *worded = train(NULL, "hidden 4 epochs 3", words, NULL);
    for (int refit = 0; refit < 2; refit++) {
        refuse_from("hidden 4 epochs 3", columns, from, refit, LS_ERR_DATA,
                    "has 3 features, the model takes 2");
        refuse_from("hidden 4 epochs 3", few, from, refit, LS_ERR_DATA,
                    "has 2 classes, the model to start from has 3");
        refuse_from("hidden 4 epochs 3", more, from, refit, LS_ERR_DATA, "has class 3");
        refuse_from("hidden 4 epochs 3", numbers, from, refit, LS_ERR_ARGUMENT,
                    "predicts classes, but the data has numbers");
        refuse_from("hidden 4 epochs 3", named, worded, refit, LS_ERR_DATA,
                    "class 0 of the data is 'w', that of the model to start from is 'x'");
        refuse_from("hidden 4 epochs 3", texts, worded, refit, LS_ERR_DATA, "features");
    }
    ls_model_free(train_from(NULL, "hidden 4 epochs 3", data, worded, 0)); /* class numbers */
    refuse_from("hidden 4 epochs 3 standardize off", data, from, 0, LS_ERR_ARGUMENT,
                "--no-standardize differs from the model to start from");
    ls_model_free(train_from(NULL, "hidden 4 epochs 3 standardize off", data, from, 1));
    refuse_from("hidden 4 epochs 3", data, NULL, 1, LS_ERR_ARGUMENT, "refit without a model");
    ls_data *const list[] = {data, columns, more, few, numbers, words, named, texts};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) ls_data_free(list[i]);
    ls_model_free(from);
    ls_model_free(worded);
    runs_folder_leave(folder);
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

static int stop_after_three(const ls_progress *p, void *user)
{
    (void)user;
    return p->epoch >= 3;
}

Test(from, such_a_training_can_be_resumed)
{
    static const char options[] = "hidden 8 epochs 9 batch 16 optimizer adam batch-norm on";
    ls_data *data = runs_data("moons", 100), *rows = shifted(data);
    ls_model *from = train(NULL, "hidden 8 epochs 4 batch-norm on", data, NULL),
             *other = train(NULL, "hidden 8 epochs 5 batch-norm on", data, NULL);
    for (int refit = 0; refit < 2; refit++) {
        char folder[64], right[65], hash[65];
        ls_model *whole = train_from(NULL, options, rows, from, refit);
        cr_assert(ls_model_sha256(whole, right, NULL) == LS_OK);
        runs_folder_enter(folder);
        ls_train_control control = {.struct_size = sizeof control,
                                    .callback = stop_after_three,
                                    .checkpoint = "c",
                                    .from = from,
                                    .refit = refit};
        ls_model_free(train(NULL, options, rows, &control));
        control.callback = NULL;
        control.resume = 1;
        control.refit = !refit;
        refuse(options, rows, &control, LS_ERR_ARGUMENT,
               refit ? "fitted the preprocessing once more" : "kept the preprocessing");
        control.from = other;
        control.refit = refit;
        refuse(options, rows, &control, LS_ERR_ARGUMENT, "started from another model");
        control.from = NULL;
        control.refit = 0;
        refuse(options, rows, &control, LS_ERR_ARGUMENT, "started from a model");
        control.from = from;
        control.refit = refit;
        ls_model *resumed = train(NULL, options, rows, &control);
        cr_assert(ls_model_sha256(resumed, hash, NULL) == LS_OK);
        cr_expect_str_eq(hash, right);
        ls_model_free(resumed);
        ls_model_free(whole);
        runs_folder_leave(folder);
    }
    ls_model_free(from);
    ls_model_free(other);
    ls_data_free(data);
    ls_data_free(rows);
}

Test(from, checkpoints_of_the_seed_are_not_taken_for_a_models)
{
    static const char options[] = "hidden 8 epochs 9";
    char folder[64];
    ls_data *data = runs_data("moons", 100);
    ls_model *from = train(NULL, options, data, NULL);
    ls_train_control control = {
        .struct_size = sizeof control, .callback = stop_after_three, .checkpoint = "c"};
    runs_folder_enter(folder);
    ls_model_free(train(NULL, options, data, &control));
    control.resume = 1;
    control.from = from;
    refuse(options, data, &control, LS_ERR_ARGUMENT, "started from the seed");
    runs_folder_leave(folder);
    ls_model_free(from);
    ls_data_free(data);
}
