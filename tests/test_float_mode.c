/* SPDX-License-Identifier: MIT */
/* Every public function gives the same bits whatever the floating-point mode of its caller, gives
 * that mode back, and calls back in it. */
#include "core_cpu/pool.h"
#include "host/base/float_mode.h"
#include "host/base/sha256.h"
#include "tests/support/exported.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <fenv.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(float_mode, .timeout = 600);

/* ---- Modes ----------------------------------------------------------------------------------- */

/* What a host may have set: rounding up, denormals flushed, every exception a trap, so that an
 * operation that is computed in this mode by mistake ends the test. */
static bool hostile;

static void set_mode(void)
{
    if (!hostile) return;
#if defined(__SSE__)
    feclearexcept(FE_ALL_EXCEPT);
    const unsigned up_flush_trap = 0x4000 | 0x8040;
    __asm__ volatile("ldmxcsr %0" : : "m"(up_flush_trap) : "memory");
#elif defined(__aarch64__)
    const unsigned long up_flush = 1ul << 22 | 1ul << 24;
    __asm__ volatile("msr fpcr, %0" : : "r"(up_flush) : "memory");
#else
    fesetround(FE_UPWARD);
#endif
}

/* Whether the mode is that of set_mode. */
static bool mode_is_set(void)
{
    if (!hostile) return fegetround() == FE_TONEAREST;
#if defined(__SSE__)
    unsigned now;
    __asm__ volatile("stmxcsr %0" : "=m"(now) : : "memory");
    return (now & 0xffc0) == (0x4000 | 0x8040);
#elif defined(__aarch64__)
    unsigned long now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now) : : "memory");
    return now == (1ul << 22 | 1ul << 24);
#else
    return fegetround() == FE_UPWARD;
#endif
}

static void set_default(void) { fesetenv(FE_DFL_ENV); }

/* ---- Calls ----------------------------------------------------------------------------------- */

static ls_sha256 record; /* of everything that calls give */
static int calls_back;

static void note(const void *bytes, size_t size) { ls_sha256_update(&record, bytes, size); }
static void note_text(const char *text) { note(text ? text : "", text ? strlen(text) + 1 : 1); }

static void begin(const char *text)
{
    exported_call(text);
    set_mode();
}

static void end(const char *text)
{
    bool same = mode_is_set();
    set_default();
    cr_expect(same, "%s leaves another mode", text);
}

#define DO(call)                                                                                   \
    do {                                                                                           \
        begin(#call);                                                                              \
        (call);                                                                                    \
        end(#call);                                                                                \
    } while (0)

/* A call that succeeds. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        ls_error err = {LS_OK, ""};                                                                \
        begin(#call);                                                                              \
        ls_status status_ = (call);                                                                \
        end(#call);                                                                                \
        cr_assert_eq(status_, LS_OK, "%s: %s", #call, err.message);                                \
    } while (0)

/* A call whose value counts. */
#define VALUE(call)                                                                                \
    do {                                                                                           \
        begin(#call);                                                                              \
        __typeof__(call) value_ = (call);                                                          \
        end(#call);                                                                                \
        note(&value_, sizeof value_);                                                              \
    } while (0)

#define TEXT(call)                                                                                 \
    do {                                                                                           \
        begin(#call);                                                                              \
        const char *text_ = (call);                                                                \
        end(#call);                                                                                \
        note_text(text_);                                                                          \
    } while (0)

#define POINTER(to, call)                                                                          \
    do {                                                                                           \
        begin(#call);                                                                              \
        (to) = (call);                                                                             \
        end(#call);                                                                                \
    } while (0)

static void called_back(void)
{
    bool same = mode_is_set();
    ls_float_mode mode;
    ls_float_mode_take(&mode); /* the test's own work */
    cr_expect(same, "a callback runs in another mode than its caller's");
    calls_back++;
    ls_float_mode_give(&mode);
}

static int on_epoch(const ls_progress *progress, void *user)
{
    (void)progress, (void)user;
    called_back();
    return 0;
}

static int on_fleet(const ls_fleet_progress *progress, void *user)
{
    (void)progress, (void)user;
    called_back();
    return 0;
}

static void on_read(double share, void *user)
{
    (void)user;
    (void)share;
    called_back();
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* Numbers that rounding and flushing change, with categories and gaps. */
static void write_table(char path[64])
{
    strcpy(path, LS_TEST_FILES);
    int file = mkstemp(path);
    cr_assert(file >= 0);
    FILE *to = fdopen(file, "w");
    fprintf(to, "a,b,town,class\n");
    for (int i = 0; i < 150000; i++)
        fprintf(to, "%d.%d1,%de-41,%s,%s\n", i % 7, i % 1013, 1 + i % 5,
                i % 11 ? i % 3 ? "Ulm" : "Bonn" : "", i % 2 ? "yes" : "no");
    cr_assert_eq(fclose(to), 0);
}

static void note_data(const ls_data *data)
{
    ls_column_info column = LS_INIT(ls_column_info);
    const float *x;
    const int32_t *y;
    const double *values, *weights;
    size_t rows;
    VALUE(ls_data_rows(data));
    VALUE(ls_data_features(data));
    VALUE(ls_data_classes(data));
    VALUE(ls_data_columns(data));
    VALUE(ls_data_task(data));
    VALUE(ls_data_targets(data));
    VALUE(ls_data_dropped(data));
    VALUE(ls_data_row_number(data, 3));
    TEXT(ls_data_class_name(data, 0));
    TEXT(ls_data_feature_name(data, 0));
    TEXT(ls_data_target_name(data));
    TEXT(ls_data_target_at(data, 0));
    TEXT(ls_data_note(data, 0));
    POINTER(x, ls_data_x(data));
    POINTER(y, ls_data_y(data));
    POINTER(values, ls_data_values(data));
    POINTER(weights, ls_data_weights(data));
    note(x, ls_data_rows(data) * ls_data_columns(data) * sizeof *x);
    if (y) note(y, ls_data_rows(data) * sizeof *y);
    if (values) note(values, ls_data_rows(data) * ls_data_targets(data) * sizeof *values);
    if (weights) note(weights, ls_data_rows(data) * sizeof *weights);
    for (size_t i = 0; i < ls_data_columns(data); i++) {
        OK(ls_data_column(data, i, &column, &err));
        column.name = NULL;
        note(&column, sizeof column);
        rows = 0;
        TEXT(ls_data_category(data, i, 0, &rows));
        note(&rows, sizeof rows);
    }
}

static ls_data *arrays(void)
{
    const float x[8] = {1, 2, 3e-40f, 4, 5, 6e-39f, 0.7f, 8};
    const int32_t y[4] = {0, 1, 0, 1};
    const double values[4] = {0.1, 0.2, 0.3, 1e-310}, weights[4] = {0.1, 0.7, 1e-309, 3};
    ls_data *data;
    OK(ls_data_from_arrays(x, y, 4, 2, 2, &data, &err));
    OK(ls_data_set_weights(data, weights, &err));
    note_data(data);
    DO(ls_data_free(data));
    OK(ls_data_from_targets(x, values, 4, 2, 1, LS_TASK_REGRESSION, &data, &err));
    note_data(data);
    return data;
}

static ls_data *files(const char *path)
{
    const ls_read_options how = {.missing = "median", .callback = on_read};
    ls_data *data, *rest, *part, *other;
    OK(ls_data_read(path, &how, &data, &err));
    note_data(data);
    OK(ls_data_split(data, 0.3, 5, &rest, &part, &err));
    note_data(rest);
    char copy[64] = LS_TEST_FILES;
    int file = mkstemp(copy);
    cr_assert(file >= 0);
    close(file);
    OK(ls_data_write_csv(part, copy, &err));
    size_t size;
    char *bytes = runs_file_read(copy, &size);
    note(bytes, size);
    free(bytes);
    ls_generate_options moons = {.rows = 300, .noise = 0.1, .overlap = -1, .seed = 3};
    OK(ls_data_generate("moons", &moons, &other, &err));
    note_data(other);
    OK(ls_data_write_csv(other, copy, &err));
    ls_data_free(other);
    OK(ls_data_read_csv(copy, NULL, &other, &err));
    note_data(other);
    ls_data_free(other);
    unlink(copy);
    ls_data_free(data);
    ls_data_free(rest);
    return part;
}

/* ---- Devices, options ------------------------------------------------------------------------ */

static void devices(void)
{
    ls_device_info **list;
    ls_device_rates rates = LS_INIT(ls_device_rates);
    ls_device_timing timing = LS_INIT(ls_device_timing);
    const ls_device_info *info;
    ls_device *device;
    size_t count;
    char text[256];
    OK(ls_devices_list(&list, &count, text, &err));
    OK(ls_device_get_rates(list[0], &rates, &err));
    note(&rates, sizeof rates);
    DO(ls_devices_free(list));
    OK(ls_devices_list_with(NULL, NULL, &list, &count, text, &err));
    ls_devices_free(list);
    int rank = 7, ranks = 7;
    OK(ls_ranks_begin(&rank, &ranks, &err));
    DO(ls_ranks_end());
    note(&rank, sizeof rank);
    note(&ranks, sizeof ranks);
    OK(ls_device_open("auto", 1, 0, &device, &err));
    POINTER(info, ls_device_get_info(device));
    note_text(info->kind);
    TEXT(ls_device_note(device));
    OK(ls_device_set_fallback(device, 1, &err));
    OK(ls_device_timings(device, &timing, 1, &count, &err));
    ls_error err;
    ls_status status;
    POINTER(status, ls_device_tune(device, NULL, NULL, NULL, &err));
    cr_expect_eq(status, LS_ERR_ARGUMENT);
    DO(ls_device_close(device));
    POINTER(status, ls_ranks_serve(&err));
    cr_expect_eq(status, LS_ERR_ARGUMENT);
}

static ls_options *options(void)
{
    ls_options *o;
    const ls_option_info *info;
    OK(ls_options_create(&o, &err));
    OK(ls_options_set(o, "hidden", "9,7", &err));
    OK(ls_options_set(o, "epochs", "3", &err));
    OK(ls_options_set(o, "lr", "0.0123456789", &err));
    OK(ls_options_set(o, "clip", "1e-3", &err));
    OK(ls_options_set(o, "batch-norm", "on", &err));
    OK(ls_options_set(o, "validation", "0.2", &err));
    TEXT(ls_options_get(o, "lr"));
    VALUE(ls_option_count());
    POINTER(info, ls_option_at(0));
    note_text(info->name);
    TEXT(ls_generator_at(0, NULL));
    TEXT(ls_version());
    TEXT(ls_status_name(LS_ERR_IO));
    return o;
}

/* ---- Models ---------------------------------------------------------------------------------- */

static void describe(const ls_model *m)
{
    ls_layer_shape shape = LS_INIT(ls_layer_shape);
    ls_summary summary = LS_INIT(ls_summary);
    const ls_history_point *history;
    size_t points;
    char hex[65];
    VALUE(ls_model_features(m));
    VALUE(ls_model_outputs(m));
    VALUE(ls_model_classes(m));
    VALUE(ls_model_task(m));
    VALUE(ls_model_targets(m));
    VALUE(ls_model_layer_count(m));
    TEXT(ls_model_target_name(m, 0));
    TEXT(ls_model_class_name(m, 0));
    TEXT(ls_model_feature_name(m, 0));
    TEXT(ls_model_option(m, "lr"));
    if (ls_model_layer_count(m)) { /* an ensemble has none */
        OK(ls_model_layer_shape(m, 0, &shape, &err));
        note(&shape, sizeof shape);
    }
    OK(ls_model_summary(m, &summary, &err));
    note(&summary.loss, sizeof summary.loss);
    POINTER(history, ls_model_history(m, &points));
    note(history, points * sizeof *history);
    DO(ls_model_weights_sha256(m, hex));
    note_text(hex);
#ifdef LS_PROGRAM
    OK(ls_model_sha256(m, hex, &err));
    note_text(hex);
#endif
}

static void note_metrics(const ls_metrics *m)
{
    note(&m->loss, sizeof m->loss);
    note(&m->auc, sizeof m->auc);
    note(&m->log_loss, sizeof m->log_loss);
    note(&m->calibration, sizeof m->calibration);
}

static void use(ls_model *m, const ls_data *data)
{
    const size_t rows = ls_data_rows(data), width = ls_model_outputs(m);
    const ls_threshold_options best = {.threshold = "best-f1"};
    ls_layer_info layers[8] = {LS_INIT(ls_layer_info)};
    ls_metrics *metrics;
    float *in = malloc(rows * ls_model_features(m) * sizeof *in),
          *out = malloc(rows * width * sizeof *out);
    OK(ls_model_inputs(m, data, in, &err));
    note(in, rows * ls_model_features(m) * sizeof *in);
    OK(ls_model_predict_inputs(m, NULL, in, rows, out, &err));
    note(out, rows * width * sizeof *out);
    OK(ls_model_predict_data(m, NULL, data, out, &err));
    note(out, rows * width * sizeof *out);
    OK(ls_model_predict(m, NULL, ls_data_x(data), rows, out, &err));
    note(out, rows * width * sizeof *out);
    VALUE(ls_model_decide(m, out));
    OK(ls_model_evaluate(m, NULL, data, &metrics, &err));
    note_metrics(metrics);
    DO(ls_metrics_free(metrics));
    OK(ls_model_evaluate_with(m, NULL, data, &best, &metrics, &err));
    note_metrics(metrics);
    ls_metrics_free(metrics);
    OK(ls_model_set_threshold(m, NULL, data, &best, &err));
    ls_decision decision;
    POINTER(decision, ls_model_decision(m));
    note(&decision.threshold, sizeof decision.threshold);
    OK(ls_model_layers(m, NULL, data, layers, NULL, &err));
    for (size_t i = 0; i < ls_model_layer_count(m); i++)
        note(&layers[i].weight_norm, 4 * sizeof layers[i].weight_norm);
    free(in);
    free(out);
}

static void stream(const ls_model *m, const char *path)
{
    const ls_read_options how = {.model = m};
    ls_reader *reader;
    ls_data *data;
    OK(ls_reader_open(path, &how, &reader, &err));
    OK(ls_reader_next(reader, 1000, &data, &err));
    VALUE(ls_reader_share(reader));
    note(ls_data_x(data), ls_data_rows(data) * ls_data_columns(data) * sizeof(float));
    ls_data_free(data);
    DO(ls_reader_close(reader));
}

static ls_model *saved(ls_model *m)
{
#ifdef LS_PROGRAM
    char path[64] = LS_TEST_FILES;
    int file = mkstemp(path);
    cr_assert(file >= 0);
    close(file);
    OK(ls_model_save(m, path, &err));
    ls_model_free(m);
    OK(ls_model_load(path, &m, &err));
    unlink(path);
#else
    ls_error err;
    (void)ls_model_save(m, "/nonexistent/x", &err), (void)ls_model_load("/nonexistent/x", &m, &err);
    exported_call("ls_model_save"), exported_call("ls_model_load"),
        exported_call("ls_model_sha256");
#endif
    return m;
}

static void numbers(const ls_options *o, const ls_data *data)
{
    ls_model *m;
    double out[4];
    ls_options *plain;
    (void)o;
    OK(ls_options_create(&plain, &err));
    OK(ls_options_set(plain, "epochs", "5", &err));
    OK(ls_train(NULL, plain, data, on_epoch, NULL, &m, &err));
    describe(m);
    OK(ls_model_predict_numbers(m, NULL, data, out, &err));
    note(out, sizeof out);
    DO(ls_model_free(m));
    const ls_train_control control = {.struct_size = sizeof control, .callback = on_epoch};
    OK(ls_train_controlled(NULL, plain, data, &control, &m, &err));
    describe(m);
    DO(ls_model_free(m));
    DO(ls_options_free(plain));
}

static void fleet(const ls_options *o, const ls_data *data, unsigned threads)
{
    ls_device *device;
    ls_fleet *f;
    ls_model *m;
    ls_member_info info = LS_INIT(ls_member_info);
    OK(ls_device_open("cpu", threads, 0, &device, &err));
    OK(ls_fleet_open(device, 0, &f, &err));
    for (int i = 0; i < 5; i++) OK(ls_fleet_add(f, o, data, NULL, &err));
    OK(ls_fleet_run(f, NULL, 0, 2, on_fleet, NULL, &err));
    OK(ls_fleet_member(f, 4, &info, &err));
    note(&info.loss, sizeof info.loss);
    VALUE(ls_fleet_count(f));
    OK(ls_fleet_model(f, 4, &m, &err));
    describe(m);
    ls_model_free(m);
    DO(ls_fleet_remove(f, 0));
    DO(ls_fleet_close(f));
    ls_device_close(device);
}

static int on_auto(const ls_auto_progress *p, void *user)
{
    (void)p, (void)user;
    called_back();
    return 0;
}

static void ensemble(const ls_data *data)
{
    const ls_auto_control control = {
        .struct_size = sizeof control, .trials = 3, .folds = 1, .seed = 1, .callback = on_auto};
    ls_model *m;
    const ls_model *member;
    ls_metrics *metrics;
    OK(ls_auto(NULL, data, &control, &m, &err));
    VALUE(ls_model_members(m));
    POINTER(member, ls_model_member(m, 0));
    VALUE(ls_model_member_times(m, 0));
    VALUE(ls_model_temperature(m));
    describe(m);
    describe(member);
    OK(ls_model_evaluate(m, NULL, data, &metrics, &err));
    note_metrics(metrics);
    ls_metrics_free(metrics);
    m = saved(m);
    describe(m);
    ls_model_free(m);
}

/* The hash of all that the public functions give. */
static void use_everything(bool in_hostile_mode, const char *path, char hex[65])
{
    hostile = in_hostile_mode;
    calls_back = 0;
    ls_sha256_init(&record);
    ls_data *values = arrays(), *rows = files(path);
    devices();
    ls_options *o = options();
    numbers(o, values);
    ls_model *m;
    OK(ls_train(NULL, o, rows, on_epoch, NULL, &m, &err));
    describe(m);
    use(m, rows);
    m = saved(m);
    stream(m, path);
    fleet(o, rows, 3);
    ensemble(rows);
    ls_model_free(m);
    ls_options_free(o);
    ls_data_free(values);
    ls_data_free(rows);
    cr_expect_gt(calls_back, 8);
    ls_sha256_final(&record, hex);
}

Test(float_mode, changes_no_public_function)
{
    char plain[65], other[65], path[64];
    setenv("OCL_ICD_VENDORS", "/nonexistent", 1); /* devices are another test's */
    write_table(path);
    use_everything(false, path, plain);
    use_everything(true, path, other);
    unlink(path);
    cr_expect_str_eq(plain, other);
    exported_check();
}

/* ---- Threads, devices ------------------------------------------------------------------------ */

static void look(void *work, unsigned share, unsigned shares, unsigned thread)
{
    bool *default_mode = work;
    (void)shares, (void)thread;
    default_mode[share] = fegetround() == FE_TONEAREST;
}

/* A thread begins in the mode of the one that starts it. */
Test(float_mode, threads_have_their_own)
{
    enum { SHARES = 64 };
    bool right[SHARES] = {0};
    ls_pool *pool;
    ls_error err;
    hostile = true;
    fesetround(FE_UPWARD);
    ls_status status = ls_pool_open(4, &pool, &err);
    fesetround(FE_TONEAREST);
    cr_assert_eq(status, LS_OK);
    for (int i = 0; i < 100; i++) {
        ls_pool_run(pool, look, right, SHARES);
        for (int k = 0; k < SHARES; k++) cr_assert(right[k]);
        memset(right, 0, sizeof right);
    }
    ls_pool_close(pool);
}

#ifdef LS_OPENCL
#include "host/opencl/check_values.h"

/* Each machine and compiler gives these answers; a wrong mode does not. */
Test(float_mode, known_answers)
{
    char hex[65];
    ls_check_values_hash(hex);
    cr_expect(ls_check_values_known(), "the answers' hash is %s", hex);
    fesetround(FE_UPWARD);
    bool up = ls_check_values_known();
    fesetround(FE_TONEAREST);
    cr_expect(!up);
#if defined(__SSE__)
    const unsigned flush = 0x1f80 | 0x8040, plain = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(flush) : "memory");
    bool flushed = ls_check_values_known();
    __asm__ volatile("ldmxcsr %0" : : "m"(plain) : "memory");
    cr_expect(!flushed);
#endif
}
#endif
