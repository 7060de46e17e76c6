/* SPDX-License-Identifier: MIT */
/* Every public function takes NULL for any pointer: an error, or nothing, but never a crash. Counts
 * in structs and arguments that no machine can serve are refused at once. */
#include "host/include/lockstep.h"
#include "tests/support/exported.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(null, .timeout = 60);

/* A call that must be refused because of a NULL. */
#define REFUSED(call)                                                                              \
    do {                                                                                           \
        ls_error err = {LS_OK, ""};                                                                \
        exported_call(#call);                                                                      \
        cr_expect_eq((call), LS_ERR_ARGUMENT, "%s is not refused", #call);                         \
        cr_expect(err.status == LS_ERR_ARGUMENT && *err.message, "%s has no message", #call);      \
    } while (0)

/* A call that gives nothing. */
#define NOTHING(call)                                                                              \
    do {                                                                                           \
        exported_call(#call);                                                                      \
        cr_expect(!(call), "%s gives something", #call);                                           \
    } while (0)

/* A call that does nothing. */
#define IDLE(call)                                                                                 \
    do {                                                                                           \
        exported_call(#call);                                                                      \
        (call);                                                                                    \
    } while (0)

typedef struct {
    ls_options *options;
    ls_data *data;
    ls_model *model;
    ls_fleet *fleet;
    ls_device *device;
} objects;

static objects make(void)
{
    objects o;
    ls_error err = {LS_OK, ""};
    const ls_generate_options how = {.rows = 20, .noise = -1, .overlap = -1};
    cr_assert_eq(ls_options_create(&o.options, &err), LS_OK);
    cr_assert_eq(ls_options_set(o.options, "epochs", "1", &err), LS_OK);
    cr_assert_eq(ls_data_generate("moons", &how, &o.data, &err), LS_OK);
    cr_assert_eq(ls_train(NULL, o.options, o.data, NULL, NULL, &o.model, &err), LS_OK);
    cr_assert_eq(ls_device_open("cpu", 1, 0, &o.device, &err), LS_OK);
    cr_assert_eq(ls_fleet_open(NULL, 0, &o.fleet, &err), LS_OK);
    cr_assert_eq(ls_fleet_add(o.fleet, o.options, o.data, NULL, &err), LS_OK);
    return o;
}

static void options_and_data(const objects *o)
{
    const float x[2] = {1, 2};
    ls_data *out = NULL, *other = NULL;
    ls_column_info column = LS_INIT(ls_column_info);
    const char *about;
    NOTHING(!*ls_version());
    NOTHING(strcmp(ls_status_name((ls_status)77), "unknown"));
    REFUSED(ls_options_create(NULL, &err));
    IDLE(ls_options_free(NULL));
    REFUSED(ls_options_set(NULL, "lr", "1", &err));
    REFUSED(ls_options_set(o->options, NULL, "1", &err));
    REFUSED(ls_options_set(o->options, "lr", NULL, &err));
    NOTHING(ls_options_get(NULL, "lr"));
    NOTHING(ls_options_get(o->options, NULL));
    NOTHING(!ls_option_count());
    NOTHING(ls_option_at(SIZE_MAX));
    REFUSED(ls_data_from_arrays(NULL, NULL, 1, 2, 0, &out, &err));
    REFUSED(ls_data_from_arrays(x, NULL, 1, 2, 0, NULL, &err));
    REFUSED(ls_data_from_targets(NULL, NULL, 1, 2, 1, LS_TASK_REGRESSION, &out, &err));
    REFUSED(ls_data_from_targets(x, NULL, 1, 2, 1, LS_TASK_REGRESSION, NULL, &err));
    REFUSED(ls_data_set_weights(NULL, NULL, &err));
    REFUSED(ls_data_read_csv(NULL, NULL, &out, &err));
    REFUSED(ls_data_read_csv("x.csv", NULL, NULL, &err));
    REFUSED(ls_data_read(NULL, NULL, &out, &err));
    REFUSED(ls_data_read("x.csv", NULL, NULL, &err));
    REFUSED(ls_data_generate(NULL, NULL, &out, &err));
    REFUSED(ls_data_generate("moons", NULL, NULL, &err));
    NOTHING(ls_generator_at(SIZE_MAX, &about));
    NOTHING(!ls_generator_at(0, NULL));
    REFUSED(ls_data_write_csv(NULL, "x.csv", &err));
    REFUSED(ls_data_write_csv(o->data, NULL, &err));
    REFUSED(ls_data_split(NULL, 0.5, 1, &out, &other, &err));
    REFUSED(ls_data_split(o->data, 0.5, 1, NULL, &other, &err));
    REFUSED(ls_data_split(o->data, 0.5, 1, &out, NULL, &err));
    REFUSED(ls_data_column(NULL, 0, &column, &err));
    REFUSED(ls_data_column(o->data, 0, NULL, &err));
    cr_expect(!out && !other);
}

static void getters_of_data(const objects *o)
{
    size_t rows;
    NOTHING(ls_data_rows(NULL));
    NOTHING(ls_data_features(NULL));
    NOTHING(ls_data_classes(NULL));
    NOTHING(ls_data_columns(NULL));
    NOTHING(ls_data_x(NULL));
    NOTHING(ls_data_y(NULL));
    NOTHING(ls_data_row_number(NULL, 1));
    NOTHING(ls_data_row_number(o->data, SIZE_MAX));
    NOTHING(ls_data_class_name(NULL, 0));
    NOTHING(ls_data_feature_name(NULL, 0));
    NOTHING(ls_data_target_name(NULL));
    NOTHING(ls_data_task(NULL));
    NOTHING(ls_data_targets(NULL));
    NOTHING(ls_data_target_at(NULL, 0));
    NOTHING(ls_data_values(NULL));
    NOTHING(ls_data_weights(NULL));
    NOTHING(ls_data_dropped(NULL));
    NOTHING(ls_data_note(NULL, 0));
    NOTHING(ls_data_category(NULL, 0, 0, &rows));
    NOTHING(ls_data_category(o->data, 0, 0, NULL));
    IDLE(ls_data_free(NULL));
}

static void readers_and_devices(const objects *o)
{
    const ls_read_options how = {.model = o->model};
    const ls_device_info info = {.struct_size = sizeof info};
    ls_device_rates rates = LS_INIT(ls_device_rates);
    ls_reader *reader = NULL;
    ls_data *data = NULL;
    ls_device *device = NULL;
    size_t count;
    REFUSED(ls_reader_open(NULL, &how, &reader, &err));
    REFUSED(ls_reader_open("x.csv", NULL, &reader, &err));
    REFUSED(ls_reader_open("x.csv", &how, NULL, &err));
    REFUSED(ls_reader_next(NULL, 1, &data, &err));
    NOTHING(ls_reader_share(NULL) != 0);
    IDLE(ls_reader_close(NULL));
    REFUSED(ls_devices_list(NULL, NULL, NULL, &err));
    REFUSED(ls_devices_list_with(NULL, NULL, NULL, NULL, NULL, &err));
    IDLE(ls_devices_free(NULL));
    REFUSED(ls_device_get_rates(NULL, &rates, &err));
    REFUSED(ls_device_get_rates(&info, NULL, &err));
    REFUSED(ls_device_open("cpu", 1, 0, NULL, &err));
    REFUSED(ls_device_open(NULL, 1, 0, NULL, &err));
    REFUSED(ls_device_open("cpu", 1000000000, 0, &device, &err));
    NOTHING(ls_device_get_info(NULL));
    NOTHING(*ls_device_note(NULL));
    REFUSED(ls_device_set_fallback(NULL, 1, &err));
    REFUSED(ls_device_timings(NULL, NULL, 0, &count, &err));
    REFUSED(ls_device_timings(o->device, NULL, 1, &count, &err));
    REFUSED(ls_device_timings(o->device, NULL, 0, NULL, &err));
    REFUSED(ls_device_tune(NULL, NULL, NULL, NULL, &err));
    REFUSED(ls_device_tune(o->device, NULL, NULL, NULL, &err));
    IDLE(ls_device_close(NULL));
    NOTHING(ls_ranks_begin(NULL, NULL, NULL)); /* this process is alone */
    REFUSED(ls_ranks_serve(&err));
    NOTHING(!ls_ranks_serve(NULL));
    IDLE(ls_ranks_end());
    cr_expect(!reader && !data && !device);
}

static void training(const objects *o)
{
    ls_model *model = NULL;
    ls_member_info member = LS_INIT(ls_member_info);
    REFUSED(ls_train(NULL, NULL, o->data, NULL, NULL, &model, &err));
    REFUSED(ls_train(NULL, o->options, NULL, NULL, NULL, &model, &err));
    REFUSED(ls_train(NULL, o->options, o->data, NULL, NULL, NULL, &err));
    REFUSED(ls_train_controlled(NULL, NULL, o->data, NULL, &model, &err));
    REFUSED(ls_train_controlled(NULL, o->options, NULL, NULL, &model, &err));
    REFUSED(ls_train_controlled(NULL, o->options, o->data, NULL, NULL, &err));
    REFUSED(ls_fleet_open(NULL, 0, NULL, &err));
    REFUSED(ls_fleet_add(NULL, o->options, o->data, NULL, &err));
    REFUSED(ls_fleet_add(o->fleet, NULL, o->data, NULL, &err));
    REFUSED(ls_fleet_add(o->fleet, o->options, NULL, NULL, &err));
    REFUSED(ls_fleet_run(NULL, NULL, 0, 0, NULL, NULL, &err));
    NOTHING(ls_fleet_count(NULL));
    REFUSED(ls_fleet_member(NULL, 0, &member, &err));
    REFUSED(ls_fleet_member(o->fleet, 0, NULL, &err));
    REFUSED(ls_fleet_model(NULL, 0, &model, &err));
    REFUSED(ls_fleet_model(o->fleet, 0, NULL, &err));
    IDLE(ls_fleet_remove(NULL, 0));
    IDLE(ls_fleet_close(NULL));
    cr_expect(!model);
}

static void getters_of_models(const objects *o)
{
    const float outputs[2] = {0, 1};
    size_t count = 7;
    NOTHING(ls_model_features(NULL));
    NOTHING(ls_model_outputs(NULL));
    NOTHING(ls_model_classes(NULL));
    NOTHING(ls_model_task(NULL));
    NOTHING(ls_model_targets(NULL));
    NOTHING(ls_model_target_name(NULL, 0));
    NOTHING(ls_model_class_name(NULL, 0));
    NOTHING(ls_model_feature_name(NULL, 0));
    NOTHING(ls_model_decide(NULL, outputs));
    NOTHING(ls_model_decide(o->model, NULL));
    NOTHING(!isnan(ls_model_decision(NULL).threshold));
    NOTHING(ls_model_layer_count(NULL));
    NOTHING(ls_model_history(NULL, &count));
    cr_expect_eq(count, 0);
    NOTHING(!ls_model_history(o->model, NULL));
    NOTHING(ls_model_option(NULL, "lr"));
    NOTHING(ls_model_option(o->model, NULL));
    IDLE(ls_model_weights_sha256(o->model, NULL));
    char hex[65] = "x";
    IDLE(ls_model_weights_sha256(NULL, hex));
    cr_expect_eq(*hex, 0);
    NOTHING(ls_model_members(NULL));
    NOTHING(ls_model_members(o->model)); /* it is no ensemble */
    NOTHING(ls_model_member(NULL, 0));
    NOTHING(ls_model_member(o->model, 0));
    NOTHING(ls_model_member_times(NULL, 0));
    NOTHING(ls_model_member_times(o->model, 0));
    NOTHING(ls_model_temperature(NULL) != 1);
    IDLE(ls_metrics_free(NULL));
    IDLE(ls_model_free(NULL));
}

static void models(const objects *o)
{
    const float x[2] = {1, 2};
    float out[64];
    double numbers[64];
    char hex[65];
    ls_metrics *metrics = NULL;
    ls_model *model = NULL;
    ls_threshold_options best = {.threshold = "best-f1"};
    ls_layer_shape shape = LS_INIT(ls_layer_shape);
    ls_layer_info layers[8] = {LS_INIT(ls_layer_info)};
    ls_summary summary = LS_INIT(ls_summary);
    REFUSED(ls_model_predict(NULL, NULL, x, 1, out, &err));
    REFUSED(ls_model_predict(o->model, NULL, NULL, 1, out, &err));
    REFUSED(ls_model_predict(o->model, NULL, x, 1, NULL, &err));
    REFUSED(ls_model_predict_data(NULL, NULL, o->data, out, &err));
    REFUSED(ls_model_predict_data(o->model, NULL, NULL, out, &err));
    REFUSED(ls_model_predict_data(o->model, NULL, o->data, NULL, &err));
    REFUSED(ls_model_predict_numbers(NULL, NULL, o->data, numbers, &err));
    REFUSED(ls_model_predict_numbers(o->model, NULL, NULL, numbers, &err));
    REFUSED(ls_model_predict_numbers(o->model, NULL, o->data, NULL, &err));
    REFUSED(ls_model_inputs(NULL, o->data, out, &err));
    REFUSED(ls_model_inputs(o->model, NULL, out, &err));
    REFUSED(ls_model_inputs(o->model, o->data, NULL, &err));
    REFUSED(ls_model_predict_inputs(NULL, NULL, x, 1, out, &err));
    REFUSED(ls_model_predict_inputs(o->model, NULL, NULL, 1, out, &err));
    REFUSED(ls_model_predict_inputs(o->model, NULL, x, 1, NULL, &err));
    REFUSED(ls_model_set_threshold(NULL, NULL, o->data, &best, &err));
    REFUSED(ls_model_set_threshold(o->model, NULL, NULL, &best, &err));
    REFUSED(ls_model_set_threshold(o->model, NULL, o->data, NULL, &err));
    REFUSED(ls_model_evaluate(NULL, NULL, o->data, &metrics, &err));
    REFUSED(ls_model_evaluate(o->model, NULL, NULL, &metrics, &err));
    REFUSED(ls_model_evaluate(o->model, NULL, o->data, NULL, &err));
    REFUSED(ls_model_evaluate_with(NULL, NULL, o->data, &best, &metrics, &err));
    REFUSED(ls_model_layer_shape(NULL, 0, &shape, &err));
    REFUSED(ls_model_layer_shape(o->model, 0, NULL, &err));
    REFUSED(ls_model_layers(NULL, NULL, o->data, layers, NULL, &err));
    REFUSED(ls_model_layers(o->model, NULL, NULL, layers, NULL, &err));
    REFUSED(ls_model_layers(o->model, NULL, o->data, NULL, NULL, &err));
    REFUSED(ls_auto(NULL, NULL, NULL, &model, &err));
    REFUSED(ls_auto(NULL, o->data, NULL, NULL, &err));
    REFUSED(ls_model_save(NULL, "x.safetensors", &err));
    REFUSED(ls_model_save(o->model, NULL, &err));
    REFUSED(ls_model_load(NULL, &model, &err));
    REFUSED(ls_model_load("x.safetensors", NULL, &err));
    REFUSED(ls_model_sha256(NULL, hex, &err));
    REFUSED(ls_model_sha256(o->model, NULL, &err));
    REFUSED(ls_model_summary(NULL, &summary, &err));
    REFUSED(ls_model_summary(o->model, NULL, &err));
    cr_expect(!metrics && !model);
}

Test(null, every_public_function)
{
    objects o = make();
    options_and_data(&o);
    getters_of_data(&o);
    readers_and_devices(&o);
    training(&o);
    getters_of_models(&o);
    models(&o);
    exported_check();
    ls_fleet_close(o.fleet);
    ls_device_close(o.device);
    ls_model_free(o.model);
    ls_data_free(o.data);
    ls_options_free(o.options);
}

/* Without a place for the error: the status alone. */
Test(null, errors_need_no_place)
{
    cr_expect_eq(ls_train(NULL, NULL, NULL, NULL, NULL, NULL, NULL), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_data_read("/nonexistent/x.csv", NULL, &(ls_data *){NULL}, NULL), LS_ERR_IO);
}

/* Each would need gigabytes of names or memory. */
Test(null, absurd_counts, .timeout = 10)
{
    const size_t many = 1000000000;
    const float x[2] = {1, 2};
    const int32_t y[1] = {0};
    ls_data *out = NULL;
    ls_csv_options csv = {.classes = many};
    const char *one = "a";
    ls_generate_options how = {.rows = 20, .noise = -1, .overlap = -1};
    REFUSED(ls_data_from_arrays(x, y, 1, 2, many, &out, &err));
    REFUSED(ls_data_from_targets(x, NULL, 1, 2, many, LS_TASK_REGRESSION, &out, &err));
    REFUSED(ls_data_read_csv("/dev/null", &csv, &out, &err));
    csv.class_names = &one;
    REFUSED(ls_data_read_csv("/dev/null", &csv, &out, &err));
    csv = (ls_csv_options){.class_names = NULL, .classes = 2};
    REFUSED(ls_data_read_csv("/dev/null", &csv, &out, &err));
    how.classes = many;
    REFUSED(ls_data_generate("blobs", &how, &out, &err));
    how.classes = 0, how.features = many;
    REFUSED(ls_data_generate("blobs", &how, &out, &err));
    how.features = 0, how.rows = SIZE_MAX;
    REFUSED(ls_data_generate("blobs", &how, &out, &err));
    cr_expect_null(out);
    how.rows = 100, how.features = 0;
    cr_assert_eq(ls_data_generate("moons", &how, &out, NULL), LS_OK);
    ls_model *model = NULL;
    ls_auto_control control = {.trials = SIZE_MAX};
    REFUSED(ls_auto(NULL, out, &control, &model, &err));
    control = (ls_auto_control){.trials = 1, .seconds = -1};
    REFUSED(ls_auto(NULL, out, &control, &model, &err));
    control = (ls_auto_control){.trials = 1, .seed = UINT64_MAX};
    REFUSED(ls_auto(NULL, out, &control, &model, &err));
    control = (ls_auto_control){.trials = 1, .folds = SIZE_MAX};
    REFUSED(ls_auto(NULL, out, &control, &model, &err));
    cr_expect_null(model);
    ls_data_free(out);
}
