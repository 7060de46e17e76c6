/* SPDX-License-Identifier: MIT */
/* lockstep verify: finds the first difference of two runs or models, and repeats a run. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(verify, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --epochs 12 --hidden 6,5 --device cpu -q"

/* Copies a run folder. */
static void copy_run(const char *from, const char *to)
{
    const char *const command[] = {"cp", "-r", from, to, NULL}, *const remove[] = {"rm", "-rf", to,
                                                                                   NULL};
    runs_child c;
    runs_spawn(remove, &c);
    runs_child_free(&c);
    runs_spawn(command, &c);
    cr_assert_eq(c.status, 0, "%s", c.err);
    runs_child_free(&c);
}

/* Runs verify --json and returns its result for one file, which belongs to *root. */
static json_t *verify_json(const char *line, int status, const char *file, json_t **root)
{
    char *out = runs_program_expect(line, status);
    *root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(*root, "lockstep %s: %s", line, out);
    free(out);
    cr_expect_eq(json_is_true(json_object_get(*root, "same")), status == 0);
    return json_object_get(json_object_get(*root, "files"), file);
}

/* The offset of the first value of a tensor in a model file. */
static size_t tensor_place(const char *bytes, const char *name)
{
    uint64_t length;
    memcpy(&length, bytes, 8);
    json_t *root = json_loadb(bytes + 8, length, 0, NULL),
           *offsets = json_object_get(json_object_get(root, name), "data_offsets");
    cr_assert(json_array_size(offsets) == 2, "%s is not there", name);
    size_t place = 8 + length + (size_t)json_integer_value(json_array_get(offsets, 0));
    json_decref(root);
    return place;
}

Test(verify, names_a_changed_bit)
{
    size_t size;
    json_t *root, *said;
    program_do("train moons --run a" QUICK);
    program_do("train moons --run b" QUICK);
    program_do("verify a b");
    program_do("verify a/model.safetensors b");
    char *bytes = runs_file_read("b/model.safetensors", &size);
    size_t place = tensor_place(bytes, "layers.1.weight") + 4 * (5 * 2 + 3); /* 6 x 5 */
    bytes[place] ^= 1;
    runs_file_write("b/model.safetensors", bytes, size);
    said = verify_json("verify a b --json", 1, "model.safetensors", &root);
    cr_expect_str_eq(json_string_value(json_object_get(said, "tensor")), "layers.1.weight");
    json_t *index = json_object_get(said, "index");
    cr_expect(json_array_size(index) == 2 && json_integer_value(json_array_get(index, 0)) == 2 &&
              json_integer_value(json_array_get(index, 1)) == 3);
    cr_expect(json_integer_value(json_object_get(said, "ulps")) == 1 &&
              json_integer_value(json_object_get(said, "differing")) == 1);
    float changed;
    memcpy(&changed, bytes + place, 4);
    cr_expect_eq(json_number_value(json_object_get(said, "b")), (double)changed);
    cr_expect(strstr(json_string_value(json_object_get(said, "message")), "damaged"));
    json_decref(root);
    bytes[place] ^= 1;
    bytes[place + 3] ^= (char)0x80; /* the sign */
    bytes[tensor_place(bytes, "layers.2.bias")] ^= 2;
    runs_file_write("b/model.safetensors", bytes, size);
    said = verify_json("verify a/model.safetensors b/model.safetensors --json", 1,
                       "model.safetensors", &root);
    cr_expect_eq(json_integer_value(json_object_get(said, "differing")), 2);
    cr_expect_gt(json_integer_value(json_object_get(said, "ulps")), 1000000);
    json_decref(root);
    bytes[size - 1] = 0;
    runs_file_write("b/model.safetensors", bytes, 9); /* the header is cut off */
    said = verify_json("verify a b --json", 1, "model.safetensors", &root);
    cr_expect_eq(json_integer_value(json_object_get(said, "byte")), 9);
    json_decref(root);
    free(bytes);
}

/* Distances are in units in the last place, also between negative numbers and across zero. */
Test(verify, counts_units_in_the_last_place)
{
    static const struct {
        float a, b;
        int ulps;
    } list[] = {
        {1.0f, 1.0f + 0x1p-23f, 1}, {-1.0f, -1.0f - 0x1p-23f, 1}, {-2.0f, -2.0f + 0x1p-22f, 2},
        {0x1p-149f, -0x1p-149f, 2}, {0.0f, 0x1p-149f, 1},
    };
    size_t size;
    program_do("train moons -o a.safetensors" QUICK);
    char *bytes = runs_file_read("a.safetensors", &size);
    size_t place = tensor_place(bytes, "layers.0.bias");
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        json_t *root;
        memcpy(bytes + place, &list[i].a, 4);
        runs_file_write("a.safetensors", bytes, size);
        memcpy(bytes + place, &list[i].b, 4);
        runs_file_write("b.safetensors", bytes, size);
        const json_t *said = verify_json("verify a.safetensors b.safetensors --json", 1,
                                         "model.safetensors", &root);
        cr_expect_eq(json_integer_value(json_object_get(said, "ulps")), list[i].ulps, "%g and %g",
                     (double)list[i].a, (double)list[i].b);
        json_decref(root);
    }
    free(bytes);
}

/* Replaces the last occurrence of a text in a file by a text of the same length. */
static void replace(const char *path, const char *from, const char *to)
{
    size_t size;
    char *bytes = runs_file_read(path, &size), *at = NULL;
    for (char *p = bytes; (p = strstr(p, from)); p++) at = p;
    cr_assert_not_null(at, "%s has no %s", path, from);
    memcpy(at, to, strlen(to));
    runs_file_write(path, bytes, size);
    free(bytes);
}

Test(verify, names_what_differs)
{
    json_t *root, *said;
    program_do("train moons --patience 50 --batch 32 --run a" QUICK);
    copy_run("a", "b");
    replace("b/metrics.jsonl", "\"steps\":42,", "\"steps\":43,"); /* epoch 7 */
    said = verify_json("verify a b --json", 1, "metrics.jsonl", &root);
    cr_expect_eq(json_integer_value(json_object_get(said, "epoch")), 7);
    cr_expect_str_eq(json_string_value(json_object_get(said, "where")), "steps");
    cr_expect(json_integer_value(json_object_get(said, "a")) == 42 &&
              json_integer_value(json_object_get(said, "b")) == 43);
    json_decref(root);
    copy_run("a", "b");
    char *metrics = runs_file_read("b/metrics.jsonl", NULL);
    runs_file_write("b/metrics.jsonl", metrics,
                    (size_t)(strstr(metrics, "{\"epoch\":9,") - metrics));
    free(metrics);
    said = verify_json("verify a b --json", 1, "metrics.jsonl", &root);
    cr_expect(json_integer_value(json_object_get(said, "epoch")) == 9 &&
              strstr(json_string_value(json_object_get(said, "message")),
                     "b/metrics.jsonl has ended"));
    json_decref(root);
    copy_run("a", "b");
    replace("b/run.json", "\"undefined\": 0", "\"undefined\": 1");
    said = verify_json("verify a b --json", 1, "run.json", &root);
    cr_expect_str_eq(json_string_value(json_object_get(said, "where")),
                     "result.validation.undefined");
    json_decref(root);
    copy_run("a", "b");
    replace("b/report.html", "</html>", "</HTML>");
    free(runs_program_expect("verify a b", 1));
    program_do("verify a b --no-report");
    unlink("b/model.safetensors");
    said = verify_json("verify a b --no-report --json", 1, "model.safetensors", &root);
    cr_expect(strstr(json_string_value(json_object_get(said, "message")), "missing"));
    json_decref(root);
    copy_run("a", "b");
    runs_file_write("b/timing.jsonl", "", 0);
    program_do("verify a b"); /* timing.jsonl is not compared */
}

/* Undamaged models of different trainings: another shape, and another name of a feature. */
Test(verify, tells_other_networks)
{
    json_t *root, *said;
    runs_file_write("a.csv", program_mixed_csv, strlen(program_mixed_csv));
    runs_file_write("b.csv", program_mixed_csv, strlen(program_mixed_csv));
    replace("b.csv", "town", "city");
    program_do("train moons -o a.safetensors" QUICK);
    program_do("train moons -o b.safetensors --epochs 12 --hidden 6,4 --device cpu -q");
    said = verify_json("verify a.safetensors b.safetensors --json", 1, "model.safetensors", &root);
    cr_expect_str_eq(json_string_value(json_object_get(said, "where")),
                     "shape of tensor layers.1.bias");
    json_decref(root);
    program_do("train a.csv -o a.safetensors" QUICK);
    program_do("train b.csv -o b.safetensors" QUICK);
    said = verify_json("verify a.safetensors b.safetensors --json", 1, "model.safetensors", &root);
    cr_expect_str_eq(json_string_value(json_object_get(said, "where")), "columns.list[1].name");
    cr_expect_str_eq(json_string_value(json_object_get(said, "a")), "town");
    json_decref(root);
}

static size_t temporary_folders(void)
{
    DIR *here = opendir(".");
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(here));)
        n += !strncmp(entry->d_name, "lockstep-verify", 15);
    closedir(here);
    return n;
}

Test(verify, repeats_a_run)
{
    setenv("TMPDIR", ".", 1);
    program_do("train moons --split 0.2 --batch 32 --run a" QUICK);
    char *out = runs_program_expect("verify a --device cpu --threads 2", 0);
    cr_expect(strstr(out, "repetition") && strstr(out, "bit for bit"), "%s", out);
    free(out);
    replace("a/metrics.jsonl", "\"steps\":20,", "\"steps\":21,");
    out = runs_program_expect("verify a --device cpu", 1);
    cr_expect(strstr(out, "metrics.jsonl") && strstr(out, "epoch 4"), "%s", out);
    free(out);
    program_do(
        "train moons --time-limit 0.05 --run limited --epochs 1000000000 --patience 0 --device cpu -q");
    static const struct {
        const char *line, *word;
    } list[] = {
        {"verify limited --device cpu", "time-limit"},
        {"verify missing a", "missing"},
        {"verify a missing", "missing"},
        {"verify . a", "run.json"},
        {"verify a/model.safetensors", "folder"},
        {"verify a/model.safetensors missing.safetensors", "missing.safetensors"},
        {"verify", "missing"},
        {"verify a b c", "'c'"},
        {"verify a --devise 1", "--device"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = runs_program(list[i].line);
        cr_expect(c.status == 2 && strstr(c.err, list[i].word), "lockstep %s: %d, %s", list[i].line,
                  c.status, c.err);
        runs_child_free(&c);
    }
    cr_expect_eq(temporary_folders(), 0);
}

/* The folder of the repetition is removed even if nobody reads verify's output any more. */
Test(verify, leaves_nothing_behind)
{
    const char *const command[] = {
        "/bin/sh", "-c", "mkdir t && TMPDIR=t '" LS_PROGRAM "' verify a --device cpu 2>&1 | true",
        NULL};
    runs_child c;
    program_do("train moons --run a" QUICK);
    runs_spawn(command, &c);
    cr_expect_eq(c.status, 0, "%s", c.err);
    runs_child_free(&c);
    /* a shell may not wait for the first command of a pipe; the test's timeout ends this */
    while (runs_folder_count("t")) nanosleep(&(struct timespec){0, 10000000}, NULL);
}

/* What counts of the data is their bytes, not where they lie. */
Test(verify, data_may_lie_elsewhere)
{
    runs_file_write("x.csv", program_mixed_csv, strlen(program_mixed_csv));
    const char *const shell[] = {"/bin/sh", "-c",
                                 "mkdir here there && cp x.csv here/y.csv && cp x.csv t.csv &&"
                                 "cp x.csv here/t2.csv && sed 2d x.csv > other.csv",
                                 NULL};
    runs_child c;
    runs_spawn(shell, &c);
    runs_child_free(&c);
    program_do("train x.csv --test t.csv --sample 8 --run a" QUICK);
    program_do("train here/y.csv --test here/t2.csv --sample 8 --run b" QUICK);
    free(runs_program_expect("verify a b", 0));
    copy_run("b", "c");
    replace("c/report.html", "</html>", "</HTML>");
    free(runs_program_expect("verify a c", 1));
    program_do("train --config a/run.json --run again" QUICK);
    program_do("verify a again");
    cr_assert_eq(rename("a", "there/a"), 0);
    cr_assert(!unlink("x.csv") && !unlink("t.csv"));
    static const program_mistake list[] = {
        {"verify there/a -q", 2, "x.csv verify there/a --data"},
        {"verify there/a --data here/y.csv -q", 2, "t.csv --test"},
        {"verify there/a --data other.csv --test here/t2.csv -q", 2, "other.csv --data"},
        {"verify there/a --data here/y.csv --test other.csv -q", 2, "other.csv --test"},
        {"verify b --from m -q", 2, "--from"},
        {"verify there/a b --data here/y.csv", 2, "--data"},
    };
    program_check_mistakes(list, RUNS_COUNT(list));
    free(runs_program_expect("verify there/a --data here/y.csv --test here/t2.csv --device cpu -q",
                             0));
}

/* The model that a training started from may lie elsewhere, too. */
Test(verify, the_first_model_may_lie_elsewhere)
{
    program_do("train moons -o m" QUICK);
    program_do("train moons --from m --run a" QUICK);
    cr_assert_eq(rename("m", "n"), 0);
    runs_child c = runs_program("verify a -q");
    cr_expect(c.status == 2 && strstr(c.err, "--from MODEL"), "%s", c.err);
    runs_child_free(&c);
    free(runs_program_expect("verify a --from n --device cpu -q", 0));
}

#else
Test(verify, skipped) { cr_skip_test("the program was not built"); }
#endif
