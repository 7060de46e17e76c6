/* SPDX-License-Identifier: MIT */
/* Model files: saving and loading gives the same model, other tools can read the file, and files
 * that are not models are refused. */
#include <criterion/criterion.h>

#if __has_include(<jansson.h>)
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/sha256.h"
#include "tests/support/model_file.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(model_file, .init = enter, .fini = leave, .timeout = 300);

/* ---- Round trips ----------------------------------------------------------------------------- */

static const struct {
    const char *data, *options;
} kinds[] = {
    {"moons", "hidden none epochs 3"},
    {"moons", "hidden 5,4 epochs 3"},
    {"moons", "hidden 5 epochs 3 standardize off"},
    {"blobs", "hidden 5,5,5 epochs 3 batch-norm on residual on dropout 0.2"},
    {"blobs", "hidden 4 epochs 30 patience 3 activation gelu class-weights balanced"},
    {"classification",
     "hidden 3,3,3,3,3,3,3,3,3,3,3,3 epochs 2 activation tanh"}, /* layers.10 sorts before layers.2
                                                                  */
    {"moons", "hidden 4 epochs 1500 output identity optimizer adamw schedule cosine"},
};

static void assert_same_models(const ls_model *a, const ls_model *b, const ls_data *data,
                               const char *what)
{
    size_t rows = ls_data_rows(data), outputs = ls_model_outputs(a), n, m;
    cr_assert(outputs == ls_model_outputs(b) && ls_model_classes(a) == ls_model_classes(b) &&
              ls_model_features(a) == ls_model_features(b));
    float *p = malloc(rows * outputs * sizeof *p), *q = malloc(rows * outputs * sizeof *q);
    ls_error err;
    cr_assert_eq(ls_model_predict(a, NULL, ls_data_x(data), rows, p, &err), LS_OK, "%s",
                 err.message);
    cr_assert_eq(ls_model_predict(b, NULL, ls_data_x(data), rows, q, &err), LS_OK, "%s",
                 err.message);
    cr_assert_eq(memcmp(p, q, rows * outputs * sizeof *p), 0,
                 "%s: the loaded model gives different outputs", what);
    for (size_t i = 0; i < ls_model_classes(a); i++)
        cr_assert_str_eq(ls_model_class_name(a, i), ls_model_class_name(b, i));
    for (size_t i = 0; i < ls_model_features(a); i++)
        cr_assert_str_eq(ls_model_feature_name(a, i), ls_model_feature_name(b, i));
    for (size_t i = 0; i < ls_option_count(); i++)
        cr_assert_str_eq(ls_model_option(a, ls_option_at(i)->name),
                         ls_model_option(b, ls_option_at(i)->name));
    const ls_history_point *h = ls_model_history(a, &n), *g = ls_model_history(b, &m);
    cr_assert_eq(n, m);
    for (size_t i = 0; i < n; i++) {
        cr_assert(h[i].epoch == g[i].epoch && h[i].loss == g[i].loss, "%s: history", what);
        cr_assert(h[i].validation_loss == g[i].validation_loss ||
                  (isnan(h[i].validation_loss) && isnan(g[i].validation_loss)));
        cr_assert(h[i].validation_accuracy == g[i].validation_accuracy ||
                  (isnan(h[i].validation_accuracy) && isnan(g[i].validation_accuracy)));
    }
    ls_summary s = LS_INIT(ls_summary), t = LS_INIT(ls_summary);
    ls_model_summary(a, &s, NULL);
    ls_model_summary(b, &t, NULL);
    cr_assert(s.epochs == t.epochs && s.steps == t.steps && s.parameters == t.parameters &&
                  s.best_epoch == t.best_epoch && s.loss == t.loss &&
                  !strcmp(s.stopped, t.stopped) && t.seconds == 0,
              "%s: summary", what);
    free(p);
    free(q);
}

Test(model_file, saving_and_loading_gives_the_same_model)
{
    for (size_t i = 0; i < RUNS_COUNT(kinds); i++) {
        const char *what = kinds[i].options;
        ls_data *data = runs_data(kinds[i].data, 0);
        ls_model *model = file_make_model(kinds[i].data, what, "a.safetensors"), *loaded, *again;
        char of_model[65], of_file[65], of_loaded[65];
        ls_error err;
        cr_assert_eq(ls_model_load("a.safetensors", &loaded, &err), LS_OK, "%s: %s", what,
                     err.message);
        assert_same_models(model, loaded, data, what);
        cr_assert_eq(ls_model_save(loaded, "b.safetensors", &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_model_load("b.safetensors", &again, &err), LS_OK, "%s", err.message);
        runs_file_sha256("a.safetensors", of_file);
        cr_assert_eq(ls_model_sha256(model, of_model, &err), LS_OK, "%s", err.message);
        cr_assert_str_eq(of_model, of_file, "%s: ls_model_sha256 differs from the hash of the file",
                         what);
        runs_file_sha256("b.safetensors", of_file);
        cr_assert_str_eq(of_model, of_file, "%s: saving the loaded model gives different bytes",
                         what);
        ls_model_weights_sha256(model, of_model);
        ls_model_weights_sha256(loaded, of_loaded);
        cr_assert_str_eq(of_model, of_loaded);
        cr_assert_eq(runs_folder_count("."), 2, "a temporary file is left");
        ls_model_free(model);
        ls_model_free(loaded);
        ls_model_free(again);
        ls_data_free(data);
    }
}

/* ---- Layout ---------------------------------------------------------------------------------- */

static size_t check_tensor(const char *name, const json_t *entry, size_t at)
{
    size_t elements = 1, k;
    json_t *length, *offsets = json_object_get(entry, "data_offsets");
    cr_assert_str_eq(json_string_value(json_object_get(entry, "dtype")), "F32");
    json_array_foreach(json_object_get(entry, "shape"), k, length)
        elements *= (size_t)json_integer_value(length);
    cr_assert_eq(json_integer_value(json_array_get(offsets, 0)), (json_int_t)at,
                 "%s begins at another offset", name);
    cr_assert_eq(json_integer_value(json_array_get(offsets, 1)), (json_int_t)(at + 4 * elements),
                 "%s ends at another offset", name);
    return at + 4 * elements;
}

Test(model_file, layout)
{
    for (size_t i = 0; i < RUNS_COUNT(kinds); i++) {
        ls_model *model = file_make_model(kinds[i].data, kinds[i].options, "a.safetensors");
        file_parts p = file_take_apart("a.safetensors");
        size_t header = file_header_length(p.bytes), last = header, at = 0;
        const char *name, *before = NULL;
        char hex[65], expected[65];
        json_t *entry;
        cr_assert_eq(header % 8, 0, "the header is not padded to 8");
        while (p.bytes[8 + last - 1] == ' ') last--;
        cr_assert(p.bytes[8] == '{' && p.bytes[8 + last - 1] == '}' && header - last < 8);
        cr_assert_eq(json_object_size(json_object_get(p.root, "__metadata__")), 1,
                     "metadata has one key");
        json_object_foreach(p.root, name, entry)
        {
            if (!strcmp(name, "__metadata__")) continue;
            cr_assert(!before || strcmp(before, name) < 0, "%s comes after %s", name, before);
            at = check_tensor(name, entry, at);
            before = name;
        }
        cr_assert_eq(at, p.data_size, "there is data after the last tensor");
        ls_sha256_of(p.data, p.data_size, hex);
        ls_model_weights_sha256(model, expected);
        cr_assert_str_eq(hex, expected);
        cr_assert_str_eq(json_string_value(json_object_get(p.meta, "weights_sha256")), expected);
        file_parts_free(&p);
        ls_model_free(model);
    }
}

/* The reference implementation reads the file, if it is installed. */
Test(model_file, other_tools_read_it)
{
    static const char script[] =
        "import hashlib, json, sys\n"
        "try:\n"
        "    from safetensors import safe_open\n"
        "    import numpy\n"
        "except ImportError:\n"
        "    sys.exit(77)\n"
        "with safe_open(sys.argv[1], framework='np') as f:\n"
        "    names = sorted(f.keys())\n"
        "    data = b''.join(f.get_tensor(n).astype('<f4').tobytes() for n in names)\n"
        "    meta = json.loads(f.metadata()['lockstep'])\n"
        "    assert f.get_tensor('layers.0.weight').shape == (2, 5), names\n"
        "assert meta['features'] == ['x1', 'x2'], meta\n"
        "print(hashlib.sha256(data).hexdigest(), end='')\n";
    static const char *const arguments[] = {"python3", "-c", script, "a.safetensors", NULL};
    ls_model *model = file_make_model("blobs", "hidden 5,4 epochs 3 batch-norm on",
                                      "a.safetensors");
    char hex[65];
    runs_child child;
    ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    runs_spawn(arguments, &child);
    bool absent = child.status == 77 || child.status == 127;
    if (!absent) {
        cr_expect_eq(child.status, 0, "%s", child.err);
        cr_expect_str_eq(child.out, hex);
    }
    runs_child_free(&child);
    if (absent) cr_skip_test("python3 with safetensors and numpy is not installed");
}

/* ---- Other files ----------------------------------------------------------------------------- */

Test(model_file, other_files_are_refused)
{
    static const char *const contents[] = {"", "{", "x1,x2,class\n1,2,0\n", "\x89PNG\r\n\x1a\n",
                                           "\2\0\0\0\0\0\0\0{}"};
    static const size_t sizes[] = {0, 1, 18, 8, 10};
    for (size_t i = 0; i < RUNS_COUNT(contents); i++) {
        runs_file_write("other", contents[i], sizes[i]);
        file_assert_refused("other", LS_ERR_DATA, contents[i]);
    }
    file_write("other", "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 54,
               "\0\0\0\0", 4);
    file_assert_refused("other", LS_ERR_DATA, "a safetensors file of another program");
    file_assert_refused("missing.safetensors", LS_ERR_IO, "a missing file");
    file_assert_refused("missing/model.safetensors", LS_ERR_IO, "a missing folder");
    file_assert_refused(".", LS_ERR_IO, "a folder");
    file_assert_refused("/dev/null", LS_ERR_IO, "a device");
    cr_expect_eq(ls_model_load(NULL, &(ls_model *){NULL}, NULL), LS_ERR_ARGUMENT);
}

/* ---- Saving ---------------------------------------------------------------------------------- */

static void assert_not_saved(const ls_model *model, const char *path)
{
    ls_error err = {LS_OK, ""};
    cr_expect_eq(ls_model_save(model, path, &err), LS_ERR_IO, "%s: %s", path, err.message);
    cr_expect(strstr(err.message, path), "the message does not name %s: %s", path, err.message);
}

Test(model_file, saving_to_impossible_places_fails)
{
    ls_model *model = file_make_model("moons", "hidden 2 epochs 2", "a.safetensors");
    mkdir("folder", 0777);
    mkdir("closed", 0555);
    assert_not_saved(model, "missing/a.safetensors");
    assert_not_saved(model, "folder");
    assert_not_saved(model, "a.safetensors/b.safetensors");
    assert_not_saved(model, "/proc/a.safetensors");
    assert_not_saved(model, "/dev/full");
    if (geteuid() != 0)
        assert_not_saved(model, "closed/a.safetensors"); /* root may write anywhere */
    cr_expect_eq(runs_folder_count("."), 3, "a temporary file is left");
    cr_expect_eq(runs_folder_count("folder") + runs_folder_count("closed"), 0,
                 "a temporary file is left");
    cr_expect_eq(ls_model_save(model, "", NULL), LS_ERR_ARGUMENT);
    ls_model_free(model);
}

/* If the disk fills up half-way, the old file stays, and no other file. */
Test(model_file, a_failed_save_keeps_the_old_file)
{
    ls_model *model = file_make_model("moons", "hidden 200 epochs 1", "new.safetensors");
    file_make("moons", "hidden 2 epochs 2", "a.safetensors");
    char before[65], after[65];
    runs_file_sha256("a.safetensors", before);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    ls_error err = {LS_OK, ""};
    ls_status status = ls_model_save(model, "a.safetensors", &err);
    ls_status fresh = ls_model_save(model, "b.safetensors", NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    cr_assert(status == LS_ERR_IO && fresh == LS_ERR_IO, "%s", err.message);
    cr_assert(strstr(err.message, "a.safetensors"), "%s", err.message);
    runs_file_sha256("a.safetensors", after);
    cr_assert_str_eq(before, after, "the old file was damaged");
    cr_assert_eq(runs_folder_count("."), 2, "a temporary file is left");
    cr_assert_eq(ls_model_save(model, "a.safetensors", &err), LS_OK, "%s", err.message);
    runs_file_sha256("new.safetensors", before);
    runs_file_sha256("a.safetensors", after);
    cr_assert_str_eq(before, after, "the file is not replaced");
    ls_model_free(model);
}

/* Any name survives saving and loading, or is refused with a message if JSON cannot hold it. */
Test(model_file, names)
{
    static const struct {
        const char *what, *csv;
    } cases[] = {
        {"Unicode", "größe,高さ,класс\n1,2,naïve\n3,4,b\n2,2,naïve\n"},
        {"quotes and control characters",
         "\"a\"\"b\",\"c,d\",k\n1,2,\"x\ny\"\n3,4,\"\\u0041\"\n2,2,\"\t<&>\"\n"},
        {"Latin-1", "x1,x2,kind\n1,2,caf\xe9\n3,4,th\xe9\n2,2,caf\xe9\n"},
    };
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        ls_data *data;
        ls_model *loaded = NULL;
        ls_error err;
        runs_file_write("data.csv", cases[i].csv, strlen(cases[i].csv));
        if (ls_data_read_csv("data.csv", NULL, &data, &err) !=
            LS_OK) { /* refused before training, with a reason */
            cr_expect(i == 2 && strstr(err.message, "data.csv"), "%s: %s", cases[i].what,
                      err.message);
            continue;
        }
        runs_run run;
        runs_train(NULL, "hidden 2 epochs 2", data, 0, &run);
        cr_expect_eq(ls_model_save(run.model, "a.safetensors", &err), LS_OK, "%s: %s",
                     cases[i].what, err.message);
        cr_expect_eq(ls_model_load("a.safetensors", &loaded, &err), LS_OK, "%s: saved, but %s",
                     cases[i].what, err.message);
        if (loaded) assert_same_models(run.model, loaded, data, cases[i].what);
        ls_model_free(loaded);
        runs_free(&run);
        ls_data_free(data);
    }
}

#else
Test(model_file, skipped) { cr_skip_test("built without jansson, thus without model files"); }
#endif
