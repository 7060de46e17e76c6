/* SPDX-License-Identifier: MIT */
/* Public structs that carry their size: programs that were compiled against an older or newer
 * header than the library. */
#include "host/base/struct_size.h"
#include "host/device/choice.h"
#include "tests/support/data.h"
#include "tests/support/fake_device.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <string.h>

TestSuite(struct_size, .timeout = 300);

/* A byte that no field of the tests has in all its bytes. */
enum { GUARD = 0xa5, BEHIND = 64 };

/* ---- A struct that has grown ----------------------------------------------------------------- */

typedef struct {
    size_t struct_size;
    uint64_t old;
} older;

typedef struct {
    size_t struct_size;
    uint64_t old, added;
} present;

typedef struct {
    size_t struct_size;
    uint64_t old, added, future;
} newer;

static const ls_sized_type grown = {
    .name = "ls_grown", .first = sizeof(older), .size = sizeof(present)};

Test(struct_size, fields_that_the_caller_lacks_are_zero)
{
    present out;
    const struct {
        older own;
        uint64_t behind;
    } from[] = {{{sizeof(older), 7}, 8}, {{0, 7}, 8}};
    for (size_t i = 0; i < RUNS_COUNT(from); i++) {
        memset(&out, GUARD, sizeof out);
        cr_assert_eq(ls_sized_read(&grown, &from[i], &out, NULL), LS_OK);
        cr_expect(out.struct_size == sizeof out && out.old == 7 && out.added == 0);
    }
    memset(&out, GUARD, sizeof out);
    cr_assert_eq(ls_sized_read(&grown, NULL, &out, NULL), LS_OK);
    cr_expect(out.struct_size == sizeof out && !out.old && !out.added);
}

Test(struct_size, fields_that_the_library_lacks_are_ignored)
{
    struct {
        present out;
        uint64_t guard;
    } to = {.guard = 5};
    const newer from = {sizeof from, 7, 8, 9};
    cr_assert_eq(ls_sized_read(&grown, &from, &to, NULL), LS_OK);
    cr_expect(to.out.struct_size == sizeof to.out && to.out.old == 7 && to.out.added == 8);
    cr_expect_eq(to.guard, 5);
}

Test(struct_size, nothing_is_written_past_an_older_struct)
{
    const present own[] = {{sizeof(present), 1, 2}, {sizeof(present), 3, 4}};
    older list[3] = {{sizeof(older), 0}, {0, 0}, {77, 88}};
    cr_assert_eq(ls_sized_check(&grown, list, NULL), LS_OK);
    for (size_t i = 0; i < 2; i++) ls_sized_write(&grown, list, i, &own[i]);
    cr_expect(list[0].struct_size == sizeof(older) && list[0].old == 1);
    cr_expect(list[1].struct_size == sizeof(older) && list[1].old == 3);
    cr_expect(list[2].struct_size == 77 && list[2].old == 88, "the guard was overwritten");
}

Test(struct_size, unknown_fields_of_a_newer_struct_stay)
{
    const present own[] = {{sizeof(present), 1, 2}, {sizeof(present), 3, 4}};
    newer list[2] = {{sizeof(newer), 0, 0, 55}, {0, 0, 0, 66}};
    cr_assert_eq(ls_sized_check(&grown, list, NULL), LS_OK);
    for (size_t i = 0; i < 2; i++) ls_sized_write(&grown, list, i, &own[i]);
    cr_expect(list[0].struct_size == sizeof(newer) && list[0].old == 1 && list[0].added == 2 &&
              list[0].future == 55);
    cr_expect(list[1].struct_size == sizeof(newer) && list[1].old == 3 && list[1].added == 4 &&
              list[1].future == 66);
}

/* ---- Structs that the caller passes ---------------------------------------------------------- */

static ls_data *moons;
static ls_model *model;

static void setup(void)
{
    ls_options *options = runs_options("hidden 4 epochs 2");
    moons = runs_data("moons", 60);
    cr_assert_eq(ls_train(NULL, options, moons, NULL, NULL, &model, NULL), LS_OK);
    ls_options_free(options);
}

static void teardown(void)
{
    ls_model_free(model);
    ls_data_free(moons);
}

static ls_status read_csv(const void *options, ls_error *err)
{
    ls_data *data = NULL;
    ls_status status = ls_data_read_csv(LS_SOURCE_DIR "/tests/CMakeLists.txt", options, &data, err);
    cr_expect_null(data);
    /* the file is no CSV: LS_ERR_DATA shows that the options were accepted */
    return status == LS_ERR_DATA ? LS_OK : status;
}

static ls_status read_file(const void *options, ls_error *err)
{
    ls_data *data = NULL;
    ls_status status = ls_data_read(LS_SOURCE_DIR "/tests/no such file", options, &data, err);
    cr_expect_null(data);
    return status == LS_ERR_IO ? LS_OK : status;
}

static ls_status generate_moons(const void *options, ls_error *err)
{
    ls_data *data = NULL;
    ls_status status = ls_data_generate("moons", options, &data, err);
    cr_expect_eq(data != NULL, status == LS_OK);
    if (data) cr_expect_eq(ls_data_rows(data), 50);
    ls_data_free(data);
    return status;
}

static ls_status evaluate(const void *options, ls_error *err)
{
    ls_metrics *metrics = NULL;
    ls_status status = ls_model_evaluate_with(model, NULL, moons, options, &metrics, err);
    cr_expect_eq(metrics != NULL, status == LS_OK);
    if (metrics) cr_expect_eq(metrics->decision.threshold, 0.25f);
    ls_metrics_free(metrics);
    return status;
}

static ls_status set_threshold(const void *options, ls_error *err)
{
    ls_status status = ls_model_set_threshold(model, NULL, NULL, options, err);
    if (status == LS_OK) cr_expect_eq(ls_model_decision(model).threshold, 0.25f);
    return status;
}

static ls_status try_one(const void *control, ls_error *err)
{
    ls_model *best = NULL;
    ls_status status = ls_auto(NULL, moons, control, &best, err);
    cr_expect_eq(best != NULL, status == LS_OK);
    if (best) cr_expect_eq(ls_model_members(best), 1); /* one trial, one part */
    ls_model_free(best);
    return status;
}

Test(struct_size, options, .init = setup, .fini = teardown)
{
    static const ls_csv_options csv = {.features = 1};
    static const ls_read_options rows = {.missing = "mean"};
    static const ls_generate_options how = {.rows = 50, .noise = -1, .overlap = -1};
    static const ls_threshold_options at = {.threshold = "0.25"};
    static const ls_auto_control one = {.trials = 1, .folds = 1};
    const struct {
        const char *name;
        const void *options;
        size_t size, first; /* now, and in version 0.1 */
        ls_status (*call)(const void *options, ls_error *err);
    } cases[] = {
        {"ls_csv_options", &csv, sizeof csv, LS_FIRST_SIZE(ls_csv_options), read_csv},
        {"ls_read_options", &rows, sizeof rows, LS_FIRST_SIZE(ls_read_options), read_file},
        {"ls_generate_options", &how, sizeof how, LS_FIRST_SIZE(ls_generate_options),
         generate_moons},
        {"ls_threshold_options", &at, sizeof at, LS_FIRST_SIZE(ls_threshold_options), evaluate},
        {"ls_threshold_options", &at, sizeof at, LS_FIRST_SIZE(ls_threshold_options),
         set_threshold},
        {"ls_auto_control", &one, sizeof one, LS_FIRST_SIZE(ls_auto_control), try_one},
    };
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        size_t size = cases[i].size;
        const struct {
            size_t size;
            ls_status status;
        } sizes[] = {{0, LS_OK},
                     {size, LS_OK},
                     {size + BEHIND, LS_OK},
                     {64 * 1024, LS_OK},
                     {1, LS_ERR_ARGUMENT},
                     {cases[i].first - 1, LS_ERR_ARGUMENT},
                     {64 * 1024 + 1, LS_ERR_ARGUMENT},
                     {SIZE_MAX, LS_ERR_ARGUMENT}};
        for (size_t k = 0; k < RUNS_COUNT(sizes); k++) {
            _Alignas(max_align_t) unsigned char passed[256];
            ls_error err = {LS_OK, ""};
            memset(passed, GUARD, sizeof passed);
            memcpy(passed, cases[i].options, size);
            memcpy(passed, &sizes[k].size, sizeof sizes[k].size);
            cr_expect_eq(cases[i].call(passed, &err), sizes[k].status, "%s of %zu bytes: %s",
                         cases[i].name, sizes[k].size, err.message);
            if (sizes[k].status == LS_OK) continue;
            cr_expect(strstr(err.message, cases[i].name) && strstr(err.message, "sizeof"), "%s",
                      err.message);
        }
    }
}

/* ---- Structs that the library fills ---------------------------------------------------------- */

static ls_status fill_column(void *out, ls_error *err)
{
    return ls_data_column(moons, 1, out, err);
}

static ls_status fill_summary(void *out, ls_error *err)
{
    return ls_model_summary(model, out, err);
}

static ls_status fill_layers(void *out, ls_error *err)
{
    return ls_model_layers(model, NULL, moons, out, NULL, err);
}

static ls_status fill_member(void *out, ls_error *err)
{
    ls_fleet *fleet;
    ls_options *options = runs_options("hidden 4 epochs 2");
    cr_assert_eq(ls_fleet_open(NULL, 0, &fleet, NULL), LS_OK);
    cr_assert_eq(ls_fleet_add(fleet, options, moons, NULL, NULL), LS_OK);
    ls_status status = ls_fleet_member(fleet, 0, out, err);
    ls_fleet_close(fleet);
    ls_options_free(options);
    return status;
}

/* One candidate of a device that is chosen by measuring. */
static ls_status fill_timings(void *out, ls_error *err)
{
    size_t count = 0;
    fake_device cpu = {.step_seconds = 1e-3}, other = {.step_seconds = 1e-4};
    ls_device *device = fake_choice_open(&cpu, &other);
    device->choice->list[0].timing.speed = 1; /* as if it had been measured */
    cr_assert_eq(ls_device_timings(device, NULL, 0, &count, NULL), LS_OK);
    cr_assert_eq(count, 1);
    ls_status status = ls_device_timings(device, out, 2, &count, err);
    ls_device_close(device);
    return status;
}

static bool guarded(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != GUARD) return false;
    return true;
}

typedef struct {
    const char *name;
    size_t first, size, elements; /* first: size in version 0.1 */
    ls_status (*call)(void *out, ls_error *err);
} filled;

/* Fills structs of `size` bytes. Those of this version's size and shorter ones have guard bytes
 * behind them, longer ones within them. */
static void check_filled(const filled *f, size_t size)
{
    _Alignas(max_align_t) unsigned char out[4096];
    ls_error err = {LS_OK, ""};
    cr_assert_leq(f->elements * size + BEHIND, sizeof out);
    size_t known = size < f->size ? size : f->size;
    memset(out, GUARD, sizeof out);
    memcpy(out, &size, sizeof size);
    cr_assert_eq(f->call(out, &err), LS_OK, "%s of %zu bytes: %s", f->name, size, err.message);
    for (size_t i = 0; i < f->elements; i++) {
        const unsigned char *at = out + i * size;
        cr_expect_eq(memcmp(at, &size, sizeof size), 0, "%s %zu: struct_size", f->name, i);
        cr_expect(!guarded(at + sizeof size, known - sizeof size), "%s %zu", f->name, i);
        cr_expect(guarded(at + known, size - known), "%s %zu: bytes behind", f->name, i);
    }
    cr_expect(guarded(out + f->elements * size, BEHIND), "%s: bytes behind", f->name);
}

static void check_refused(const filled *f, size_t size)
{
    _Alignas(max_align_t) unsigned char out[4096];
    ls_error err = {LS_OK, ""};
    memset(out, GUARD, sizeof out);
    memcpy(out, &size, sizeof size);
    cr_expect_eq(f->call(out, &err), LS_ERR_ARGUMENT, "%s of %zu bytes", f->name, size);
    cr_expect(strstr(err.message, f->name) && strstr(err.message, "LS_INIT"), "%s", err.message);
    cr_expect(guarded(out + sizeof size, sizeof out - sizeof size), "%s was written", f->name);
}

Test(struct_size, results, .init = setup, .fini = teardown)
{
    static const filled cases[] = {
        {"ls_column_info", offsetof(ls_column_info, offset), sizeof(ls_column_info), 1,
         fill_column},
        {"ls_summary", offsetof(ls_summary, rollbacks), sizeof(ls_summary), 1, fill_summary},
        {"ls_layer_info", sizeof(ls_layer_info), sizeof(ls_layer_info), 2, fill_layers},
        {"ls_member_info", offsetof(ls_member_info, best_validation_loss), sizeof(ls_member_info),
         1, fill_member},
        {"ls_device_timing", offsetof(ls_device_timing, estimated), sizeof(ls_device_timing), 1,
         fill_timings},
    };
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        check_filled(&cases[i], cases[i].first);
        check_filled(&cases[i], cases[i].size);
        check_filled(&cases[i], cases[i].size + BEHIND);
        check_refused(&cases[i], 0);
        check_refused(&cases[i], cases[i].first - 1);
        check_refused(&cases[i], 64 * 1024 + 1);
    }
}

Test(struct_size, initialiser, .init = setup, .fini = teardown)
{
    ls_summary summary = LS_INIT(ls_summary);
    ls_error err;
    cr_expect_eq(summary.epochs, 0);
    cr_assert_eq(ls_model_summary(model, &summary, &err), LS_OK, "%s", err.message);
    cr_expect(summary.struct_size == sizeof summary && summary.epochs == 2);
    cr_expect_str_eq(summary.stopped, "epochs");
    cr_expect_eq(ls_model_summary(model, NULL, &err), LS_ERR_ARGUMENT);
}

/* ---- Structs in the library's memory --------------------------------------------------------- */

static int on_epoch(const ls_progress *p, void *user)
{
    *(size_t *)user = p->struct_size;
    return 0;
}

static int on_fleet(const ls_fleet_progress *p, void *user)
{
    *(size_t *)user = p->struct_size;
    return 0;
}

static int on_auto(const ls_auto_progress *p, void *user)
{
    *(size_t *)user = p->struct_size;
    return 0;
}

Test(struct_size, the_library_sets_it_in_its_own_structs, .init = setup, .fini = teardown)
{
    ls_options *options = runs_options("hidden 4 epochs 2");
    size_t size = 0;
    ls_model *again = NULL;
    ls_metrics *metrics;
    ls_fleet *fleet;
    for (size_t i = 0; i < ls_option_count(); i++)
        cr_expect_eq(ls_option_at(i)->struct_size, sizeof(ls_option_info));
    cr_assert_eq(ls_train(NULL, options, moons, on_epoch, &size, &again, NULL), LS_OK);
    cr_expect_eq(size, sizeof(ls_progress));
    cr_assert_eq(ls_model_evaluate(again, NULL, moons, &metrics, NULL), LS_OK);
    cr_expect_eq(metrics->struct_size, sizeof *metrics);
    cr_assert_eq(ls_fleet_open(NULL, 0, &fleet, NULL), LS_OK);
    cr_assert_eq(ls_fleet_add(fleet, options, moons, NULL, NULL), LS_OK);
    cr_assert_eq(ls_fleet_run(fleet, NULL, 0, 0, on_fleet, &size, NULL), LS_OK);
    cr_expect_eq(size, sizeof(ls_fleet_progress));
    ls_fleet_close(fleet);
    const ls_auto_control one = {.trials = 1, .folds = 1, .callback = on_auto, .user = &size};
    ls_model_free(again);
    cr_assert_eq(ls_auto(NULL, moons, &one, &again, NULL), LS_OK);
    cr_expect_eq(size, sizeof(ls_auto_progress));
    ls_metrics_free(metrics);
    ls_model_free(again);
    ls_options_free(options);
}

Test(struct_size, devices)
{
    ls_device_info **list;
    ls_device *device;
    size_t count = 0;
    char note[256];
    ls_error err;
    cr_assert_eq(ls_devices_list(&list, &count, note, &err), LS_OK, "%s", err.message);
    cr_assert_geq(count, 1);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(list[i]->struct_size, sizeof(ls_device_info));
        cr_expect_eq(list[i]->index, (int)i);
    }
    cr_expect_null(list[count]);
    ls_devices_free(list);
    ls_devices_free(NULL);
    cr_assert_eq(ls_devices_list(&list, NULL, NULL, &err), LS_OK);
    ls_devices_free(list);
    ls_device_rates rates = LS_INIT(ls_device_rates);
    cr_assert_eq(ls_devices_list_with(NULL, NULL, &list, NULL, NULL, &err), LS_OK);
    cr_expect_eq(ls_device_get_rates(list[0], &rates, &err), LS_OK, "%s", err.message);
    cr_expect(rates.struct_size == sizeof rates && rates.launch == 0 && rates.fleet == 0);
    rates.struct_size = 1;
    cr_expect_eq(ls_device_get_rates(list[0], &rates, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_device_get_rates(NULL, &rates, &err), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_device_get_rates(list[0], NULL, &err), LS_ERR_ARGUMENT);
    ls_devices_free(list);
    static const char *const specs[] = {"cpu", "auto"};
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(ls_device_open(specs[i], 0, 0, &device, &err), LS_OK, "%s", err.message);
        cr_expect_eq(ls_device_get_info(device)->struct_size, sizeof(ls_device_info));
        ls_device_close(device);
    }
}
