/* SPDX-License-Identifier: MIT */
/* Damaged and forged model files of numbers and labels: each is refused with a message that names
 * the file. test_model_damage.c has what all model files share. */
#include <criterion/criterion.h>

#if __has_include(<jansson.h>)
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/model_file.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(numbers_damage, .init = enter, .fini = leave, .timeout = 300);

/* A change of an entry of "targets" (or of the metadata, with a key that begins with '/'); value
 * NULL: the entry is removed. */
typedef struct {
    const char *what, *key, *value;
} edit;

static void apply(json_t *meta, const edit *e)
{
    json_t *object = *e->key == '/' ? meta : json_object_get(meta, "targets");
    const char *key = *e->key == '/' ? e->key + 1 : e->key;
    cr_assert(object);
    if (!e->value) cr_assert_eq(json_object_del(object, key), 0, "%s: no %s", e->what, key);
    else
        cr_assert_eq(json_object_set_new(object, key, json_loads(e->value, JSON_DECODE_ANY, NULL)),
                     0, "%s", e->what);
}

static void check(const char *path, const edit *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        file_parts p = file_take_apart(path);
        apply(p.meta, &list[i]);
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA, list[i].what);
        file_parts_free(&p);
    }
}

/* Two numbers, standardised. */
static const edit of_numbers[] = {
    {"format 1 with targets", "/format", "1"},
    {"format 2 with targets", "/format", "2"},
    {"format 3 with targets", "/format", "3"},
    {"a future format", "/format", "99"},
    {"no targets", "/targets", NULL},
    {"targets that are null", "/targets", "null"},
    {"targets that are a list", "/targets", "[]"},
    {"targets that are empty", "/targets", "{}"},
    {"targets and classes", "/classes", "[\"a\",\"b\"]"},
    {"a most frequent class without classes", "/most_frequent_class", "0"},
    {"targets and a decision", "/decision",
     "{\"positive\":0,\"source\":\"given\",\"threshold\":0.5}"},
    {"no task", "task", NULL},
    {"an unknown task", "task", "\"ranking\""},
    {"the task of classes", "task", "\"classification\""},
    {"a task that is a number", "task", "1"},
    {"another task", "task", "\"multilabel\""},
    {"no names", "names", NULL},
    {"an empty list of names", "names", "[]"},
    {"one name", "names", "[\"y1\"]"},
    {"a third name", "names", "[\"y1\",\"y2\",\"y3\"]"},
    {"names that are numbers", "names", "[1,2]"},
    {"no mean", "mean", NULL},
    {"a mean that is null", "mean", "null"},
    {"one mean", "mean", "[1]"},
    {"a third mean", "mean", "[1,2,3]"},
    {"a mean as text", "mean", "[1,\"2\"]"},
    {"a mean that is null", "mean", "[1,null]"},
    {"no scale", "scale", NULL},
    {"one scale", "scale", "[1]"},
    {"a scale of 0", "scale", "[1,0]"},
    {"a negative scale", "scale", "[-1,1]"},
    {"a denormal scale", "scale", "[1,1e-310]"},
    {"a scale as text", "scale", "[1,\"2\"]"},
    {"a scale that is a number", "scale", "2"},
    {"an unknown loss", "/options", "{\"loss\":\"quantile\"}"},
    {"the loss of classes", "/options", "{\"loss\":\"ce\"}"},
    {"a delta of 0", "/options", "{\"loss\":\"huber\",\"huber-delta\":\"0\"}"},
};

static const edit of_labels[] = {
    {"a scale of labels", "scale", "[1,1,1]"},
    {"a share above 1", "mean", "[0.5,0.5,1.5]"},
    {"a negative share", "mean", "[0.5,-0.5,0.5]"},
    {"another task", "task", "\"classification\""},
    {"the loss of numbers", "/options", "{\"loss\":\"mae\"}"},
};

static const edit of_classes[] = {
    {"a third class that is most frequent", "/most_frequent_class", "2"},
    {"a most frequent class below 0", "/most_frequent_class", "-1"},
    {"a most frequent class as text", "/most_frequent_class", "\"0\""},
    {"a most frequent class that is null", "/most_frequent_class", "null"},
    {"a fractional most frequent class", "/most_frequent_class", "0.5"},
    {"format 4 without targets", "/format", "4"},
};

Test(numbers_damage, damaged_targets)
{
    file_make("numbers:2", "hidden 2 epochs 2", "a.safetensors");
    check("a.safetensors", of_numbers, RUNS_COUNT(of_numbers));
    file_make("labels:3", "hidden 2 epochs 2", "a.safetensors");
    check("a.safetensors", of_labels, RUNS_COUNT(of_labels));
    file_make("moons", "hidden 2 epochs 2", "a.safetensors");
    check("a.safetensors", of_classes, RUNS_COUNT(of_classes));
}

/* Files of older versions do not name the most frequent class. */
Test(numbers_damage, no_most_frequent_class)
{
    file_make("moons", "hidden 2 epochs 2", "a.safetensors");
    file_parts p = file_take_apart("a.safetensors");
    apply(p.meta, &(edit){"no most frequent class", "/most_frequent_class", NULL});
    file_put_together("b.safetensors", &p, true);
    file_parts_free(&p);
    ls_data *data = runs_data("moons", 40);
    ls_model *model;
    ls_metrics *metrics;
    ls_error err;
    cr_assert_eq(ls_model_load("b.safetensors", &model, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_evaluate(model, NULL, data, &metrics, &err), LS_OK, "%s", err.message);
    cr_expect(isnan(metrics->baseline_accuracy) && metrics->accuracy > 0);
    ls_metrics_free(metrics);
    ls_model_free(model);
    ls_data_free(data);
}

/* A byte that changes gives an error or the same model. */
Test(numbers_damage, no_flipped_byte_changes_a_model)
{
    static const unsigned char masks[] = {0x01, 0x04, 0x80};
    size_t size, refused = 0;
    file_make("numbers:2", "hidden 2 epochs 2", "a.safetensors");
    char *bytes = runs_file_read("a.safetensors", &size), sha[65], other[65];
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_model_load("a.safetensors", &model, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_sha256(model, sha, &err), LS_OK);
    ls_model_free(model);
    for (size_t i = 0; i < size * RUNS_COUNT(masks); i++) {
        bytes[i / RUNS_COUNT(masks)] ^= (char)masks[i % RUNS_COUNT(masks)];
        runs_file_write("b.safetensors", bytes, size);
        bytes[i / RUNS_COUNT(masks)] ^= (char)masks[i % RUNS_COUNT(masks)];
        if (ls_model_load("b.safetensors", &model, &err) != LS_OK) {
            refused++;
            continue;
        }
        cr_assert_eq(ls_model_sha256(model, other, &err), LS_OK);
        cr_assert_str_eq(other, sha, "byte %zu", i / RUNS_COUNT(masks));
        ls_model_free(model);
    }
    cr_expect_gt(refused, size * RUNS_COUNT(masks) * 9 / 10);
    free(bytes);
}
#else
Test(numbers_damage, skipped) { cr_skip_test("built without jansson, thus without model files"); }
#endif
