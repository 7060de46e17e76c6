/* SPDX-License-Identifier: MIT */
/* train --config: repeats a run, alone or changed by the command line, and refuses other data and
 * damaged files. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(config, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --epochs 12 --hidden 6,5 --device cpu -q"

Test(config, a_config_repeats_the_run)
{
    static const char *const lines[] = {
        "train moons --rows 90 --noise 0.4 --data-seed 3 --split 0.3 --seed 7 --class-weights 1,2.5 --lr 0.0123456789",
        "train people.csv --target class --test test.csv --missing median --drop age --batch 3",
        "train people.csv --split 0.3",
        "train people.csv --validation 0.5 --positive no --threshold best-f1",
        "train people.csv --positive 0 --threshold 0.3",
        "train people.csv --columns 0,1 --categorical 0 --validation 0.25 --batch-norm --no-standardize",
    };
    char line[512], hash[65], again[65];
    runs_file_write("people.csv", program_mixed_csv, strlen(program_mixed_csv));
    runs_file_write("test.csv", program_mixed_csv, strlen(program_mixed_csv));
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char name[16];
        snprintf(name, sizeof name, "run%zu", i);
        snprintf(line, sizeof line, "%s --run %s" QUICK, lines[i], name);
        program_train(line, hash);
        snprintf(line, sizeof line, "train --config %s/run.json --run %sb --device cpu -q", name,
                 name);
        program_train(line, again);
        cr_expect_str_eq(hash, again, "%s", lines[i]);
        snprintf(line, sizeof line, "%sb", name);
        program_assert_same_run(name, line);
    }
}

static void assert_equal_hash(const char *a, const char *b)
{
    char hash[2][65];
    program_train(a, hash[0]);
    program_train(b, hash[1]);
    cr_expect_str_eq(hash[0], hash[1], "lockstep %s\nlockstep %s", a, b);
}

Test(config, the_command_line_goes_before_the_config)
{
    static const char by_hand[] =
        "{\"options\": {\"hidden\": [7, 5], \"activation\": [\"tanh\"], \"lr\": 0.01, \"epochs\": 8, \"batch-norm\": true, \"l2\": 0}}";
    program_do("train moons --rows 90 --split 0.3 --data-seed 2 --run a" QUICK);
    program_do("make moons --rows 30 --seed 9 -o test.csv");
    runs_file_write("hand.json", by_hand, sizeof by_hand - 1);
    runs_file_write("none.json", "{\"options\":{\"hidden\":[]}}", 25);
    runs_file_write("split.json", "{\"data\":{\"source\":\"moons\",\"split\":0.3}}", 39);
    assert_equal_hash("train --config a/run.json --seed 2 --device cpu -q",
                      "train moons --rows 90 --split 0.3 --data-seed 2 --seed 2" QUICK);
    assert_equal_hash("train --seed 2 --config a/run.json --device cpu -q",
                      "train moons --rows 90 --split 0.3 --data-seed 2 --seed 2" QUICK);
    assert_equal_hash("train --config a/run.json --data-seed 1 --device cpu -q",
                      "train moons --rows 90 --split 0.3 --data-seed 1" QUICK);
    assert_equal_hash("train --config a/run.json --split 0 --device cpu -q",
                      "train moons --rows 90 --data-seed 2" QUICK);
    assert_equal_hash("train --config a/run.json --test test.csv --device cpu -q",
                      "train moons --rows 90 --data-seed 2 --test test.csv" QUICK);
    assert_equal_hash("train circles --config a/run.json --device cpu -q",
                      "train circles --split 0.3" QUICK);
    assert_equal_hash(
        "train moons --config hand.json --device cpu -q",
        "train moons --hidden 7,5 --activation tanh --lr 0.01 --epochs 8 --batch-norm --l2 0 --device cpu -q");
    assert_equal_hash("train moons --config none.json --epochs 3 --device cpu -q",
                      "train moons --hidden none --epochs 3 --device cpu -q");
    static const char decided[] = "{\"decision\":{\"positive\":0,\"threshold\":0.3}}";
    runs_file_write("decided.json", decided, sizeof decided - 1);
    assert_equal_hash("train moons --config decided.json" QUICK,
                      "train moons --positive 0 --threshold 0.3" QUICK);
    assert_equal_hash("train moons --config decided.json --threshold 0.6" QUICK,
                      "train moons --positive 0 --threshold 0.6" QUICK);
    assert_equal_hash("train --config split.json" QUICK, "train moons --split 0.3" QUICK);
}

Test(config, other_data_are_refused)
{
    runs_file_write("people.csv", program_mixed_csv, strlen(program_mixed_csv));
    program_do("train people.csv --run a" QUICK);
    program_do("train people.csv --test people.csv --run b" QUICK);
    runs_file_write("people.csv", program_mixed_csv,
                    strlen(program_mixed_csv) - 12); /* without the last row */
    runs_child c = runs_program("train --config a/run.json --device cpu -q"),
               named = runs_program("train people.csv --config a/run.json --device cpu"),
               test = runs_program("train people.csv --config b/run.json --device cpu -q"),
               verify = runs_program("verify a --device cpu -q");
    cr_expect(c.status == 1 && strstr(c.err, "not the data") && strstr(c.err, "DATA --config"),
              "%d: %s", c.status, c.err);
    cr_expect(named.status == 0 && strstr(named.err, "note: people.csv"), "%d: %s", named.status,
              named.err);
    cr_expect(test.status == 1 && strstr(test.err, "not the data"), "%d: %s", test.status,
              test.err);
    cr_expect(verify.status == 2 && strstr(verify.err, "not the data"), "%d: %s", verify.status,
              verify.err);
    unlink("people.csv");
    runs_child gone = runs_program("train --config a/run.json --device cpu -q");
    cr_expect(gone.status == 1 && strstr(gone.err, "people.csv") && strstr(gone.err, "folder"),
              "%d: %s", gone.status, gone.err);
    runs_child *all[] = {&c, &named, &test, &verify, &gone};
    for (size_t i = 0; i < RUNS_COUNT(all); i++) runs_child_free(all[i]);
}

/* The classes of IDX images come from a file that the command line does not name. */
Test(config, labels_found_beside_the_rows_count_as_data)
{
    unsigned char images[16 + 40] = {0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 2},
                              labels[8 + 20] = {0, 0, 8, 1, 0, 0, 0, 20};
    for (unsigned i = 0; i < 40; i++) images[16 + i] = (unsigned char)(i * 37);
    for (unsigned i = 0; i < 20; i++) labels[8 + i] = i % 3;
    runs_file_write("my-images-idx3-ubyte", images, sizeof images);
    runs_file_write("my-labels-idx1-ubyte", labels, sizeof labels);
    program_do("train my-images-idx3-ubyte --run a" QUICK);
    program_do("verify a --device cpu -q");
    labels[8] = 2;
    runs_file_write("my-labels-idx1-ubyte", labels, sizeof labels);
    runs_child c = runs_program("train --config a/run.json --device cpu -q");
    cr_expect(c.status == 1 && strstr(c.err, "classes of my-images"), "%d: %s", c.status, c.err);
    runs_child_free(&c);
}

Test(config, damaged_configs_are_told)
{
    static const struct {
        const char *text, *word;
    } list[] = {
        {"", "not JSON"},
        {"{", "line"},
        {"[]", "object"},
        {"{\"optons\":{}}", "'options'"},
        {"{\"options\":[]}", "options"},
        {"{\"options\":{\"hiden\":\"3\"}}", "'hidden'"},
        {"{\"options\":{\"hidden\":{}}}", "hidden"},
        {"{\"options\":{\"hidden\":null}}", "hidden"},
        {"{\"options\":{\"hidden\":[[1]]}}", "hidden"},
        {"{\"options\":{\"epochs\":-3}}", "epochs"},
        {"{\"options\":{\"epochs\":[]}}", "epochs"},
        {"{\"options\":{\"optimizer\":\"adamm\"}}", "'adam'"},
        {"{\"data\":[]}", "data"},
        {"{\"data\":{\"surce\":\"a\"}}", "'source'"},
        {"{\"data\":{\"source\":3}}", "source"},
        {"{\"data\":{\"split\":\"x\"}}", "split"},
        {"{\"data\":{\"split\":2}}", "split"},
        {"{\"data\":{\"rows\":-1}}", "rows"},
        {"{\"data\":{\"rows\":1.5}}", "rows"},
        {"{\"data\":{\"sha256\":\"abc\"}}", "sha256"},
        {"{\"decision\":[]}", "decision"},
        {"{\"decision\":{\"treshold\":0.3}}", "'threshold'"},
        {"{\"decision\":{\"threshold\":true}}", "a string or a number"},
        {"{\"data\":{\"threshold\":\"0.3\"}}", "threshold"},
        {"{\"data\":{\"test\":\"a\",\"split\":0.1}}", "split"},
        {"{\"data\":{\"source\":\"a\\u0000b\"}}", "JSON"},
        {"{\"format\":2}", "format"},
        {"{\"format\":\"1\"}", "format"},
        {"{\"options\":{\"epochs\":1,\"epochs\":2}}", "duplicate"},
        {"{\"options\":{\"lr\":1e999}}", "JSON"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_file_write("bad.json", list[i].text, strlen(list[i].text));
        runs_child c = runs_program("train moons --config bad.json" QUICK);
        cr_expect(c.status == 2 && !*c.out, "%s: exit status %d", list[i].text, c.status);
        cr_expect(strstr(c.err, "bad.json") && strstr(c.err, list[i].word) &&
                      program_count_lines(c.err) == 1,
                  "%s: %s", list[i].text, c.err);
        runs_child_free(&c);
    }
    free(runs_program_expect("train --config missing.json", 1));
    runs_child none = runs_program("train --config hand.json"), no_data;
    runs_file_write("hand.json", "{\"options\":{}}", 14);
    no_data = runs_program("train --config hand.json");
    cr_expect(no_data.status == 2 && strstr(no_data.err, "DATA"), "%s", no_data.err);
    cr_expect_eq(none.status, 1);
    runs_child_free(&none);
    runs_child_free(&no_data);
}

#else
Test(config, skipped) { cr_skip_test("the program was not built"); }
#endif
