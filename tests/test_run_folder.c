/* SPDX-License-Identifier: MIT */
/* What train leaves behind for others: a run's folder, which repeats it and is the same everywhere;
 * logs; event files. And verify, which must find whatever is not the same. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/cli/run/event_file.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(run_folder, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --epochs 12 --hidden 6,5 --device cpu -q"

static const char *const compared[] = {"run.json", "metrics.jsonl", "model.safetensors",
                                       "report.html"};

static void do_it(const char *line) { free(runs_program_expect(line, 0)); }

/* The last line's hash. */
static void train_hash(const char *line, char hex[65])
{
    char *out = runs_program_expect(line, 0);
    size_t n = strlen(out);
    cr_assert(n > 65 && out[n - 1] == '\n');
    out[n - 1] = 0;
    const char *last = strrchr(out, '\n');
    cr_assert(last && strlen(last) > 64);
    snprintf(hex, 65, "%s", last + 1);
    free(out);
}

static json_t *read_json(const char *path)
{
    char *text = runs_file_read(path, NULL);
    cr_assert_not_null(text, "%s is not there", path);
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(o, "%s is not JSON: %s", path, text);
    free(text);
    return o;
}

/* A copy of a folder of a run, to be changed. */
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

static void assert_same_folder(const char *a, const char *b)
{
    char path[2][256];
    for (size_t i = 0; i < RUNS_COUNT(compared); i++) {
        size_t size[2];
        char *bytes[2];
        const char *at[2] = {a, b};
        for (int k = 0; k < 2; k++) {
            snprintf(path[k], sizeof path[k], "%s/%s", at[k], compared[i]);
            bytes[k] = runs_file_read(path[k], &size[k]);
            cr_assert_not_null(bytes[k], "%s is not there", path[k]);
        }
        cr_expect(size[0] == size[1] && !memcmp(bytes[0], bytes[1], size[0]), "%s and %s differ",
                  path[0], path[1]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

/* ---- The folder ------------------------------------------------------------------------------ */

static const char training[] =
    "train moons --rows 150 --noise 0.3 --data-seed 4 --split 0.2 --patience 5 --batch 16 --epochs 12 --hidden 6,5";

Test(run_folder, is_the_same_on_every_device)
{
    char line[512], other[40];
    size_t count, exact = 0;
    ls_device_info *list;
    ls_error err;
    cr_assert_eq(ls_devices_list(&list, &count, NULL, &err), LS_OK, "%s", err.message);
    snprintf(line, sizeof line, "%s --run first --device cpu --threads 1 -q", training);
    do_it(line);
    cr_expect_eq(runs_folder_count("first"), 5);
    snprintf(line, sizeof line, "%s --run threads --device cpu --threads 3", training);
    do_it(line);
    assert_same_folder("first", "threads");
    for (size_t i = 1; i < count; i++) {
        if (!list[i].exact) continue;
        exact++;
        snprintf(other, sizeof other, "device%zu", i);
        snprintf(line, sizeof line, "%s --run %s/ --device %zu --json", training, other, i);
        do_it(line);
        assert_same_folder("first", other);
    }
    const char *require = getenv("LOCKSTEP_REQUIRE_OPENCL");
    cr_assert(exact || !require || strcmp(require, "1"),
              "LOCKSTEP_REQUIRE_OPENCL=1, but there is no exact OpenCL device");
    ls_devices_free(list);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

Test(run_folder, has_what_was_done_and_no_more)
{
    char hash[65], file_hash[65], line[512];
    snprintf(line, sizeof line, "%s --run a -o same.safetensors --device cpu -q", training);
    train_hash(line, hash);
    runs_file_sha256("a/model.safetensors", file_hash);
    cr_expect_str_eq(hash, file_hash);
    json_t *run = read_json("a/run.json"), *data = json_object_get(run, "data"),
           *result = json_object_get(run, "result");
    cr_expect_str_eq(json_string_value(json_object_get(result, "sha256")), hash);
    cr_expect_str_eq(json_string_value(json_object_get(run, "lockstep")), ls_version());
    cr_expect_str_eq(json_string_value(json_object_get(data, "source")), "moons");
    cr_expect(json_integer_value(json_object_get(data, "rows")) == 150 &&
              json_integer_value(json_object_get(data, "data-seed")) == 4);
    cr_expect(json_real_value(json_object_get(data, "split")) == 0.2 &&
              json_real_value(json_object_get(data, "noise")) == 0.3);
    cr_expect_eq(strlen(json_string_value(json_object_get(data, "sha256"))), 64);
    cr_expect_eq(json_object_size(json_object_get(run, "options")), ls_option_count());
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(run, "options"), "lr")),
                     "auto");
    cr_expect_eq(json_real_value(json_object_get(json_object_get(result, "resolved"), "lr")),
                 0.003);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(result, "train"), "rows")),
                 120);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(result, "test"), "rows")), 30);
    /* devices and times stand in timing.jsonl alone */
    for (size_t i = 0; i < RUNS_COUNT(compared); i++) {
        snprintf(line, sizeof line, "a/%s", compared[i]);
        char *text = runs_file_read(line, NULL);
        cr_expect(!strstr(text, "CPU path") && !strstr(text, "seconds\":"),
                  "%s names the device or times", line);
        free(text);
    }
    char *timing = runs_file_read("a/timing.jsonl", NULL),
         *metrics = runs_file_read("a/metrics.jsonl", NULL);
    json_int_t epochs = json_integer_value(json_object_get(result, "epochs"));
    cr_expect(strstr(timing, "CPU path") && strstr(timing, "seconds\":"));
    cr_expect_eq(count_lines(metrics), (size_t)epochs);
    cr_expect_eq(count_lines(timing), (size_t)epochs + 2);
    cr_expect(strstr(metrics, "\"validation_loss\":") && strstr(metrics, "\"lr\":"), "%s", metrics);
    free(timing);
    free(metrics);
    json_decref(run);
}

/* Of very long runs some epochs are left out, by a rule that looks at the epoch alone. */
Test(run_folder, lines_of_long_runs_are_thinned)
{
    do_it(
        "train moons --rows 8 --hidden none --batch full --epochs 25003 --device cpu --threads 1 --run long -q");
    char *text = runs_file_read("long/metrics.jsonl", NULL), *line = text;
    long long expected = 0, last = 0;
    for (; *line; line = strchr(line, '\n') + 1) {
        json_t *o = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        last = json_integer_value(json_object_get(o, "epoch"));
        expected = expected >= 25000 ? 25003 : expected + (expected < 10000 ? 1 : 10);
        cr_assert_eq(last, expected, "epoch %lld, not %lld", last, expected);
        json_decref(o);
    }
    cr_assert_eq(last, 25003);
    cr_assert_eq(count_lines(text), 11501);
    free(text);
}

Test(run_folder, nothing_is_written_over)
{
    cr_assert_eq(mkdir("empty", 0777), 0);
    cr_assert_eq(mkdir("full", 0777), 0);
    runs_file_write("full/notes", "mine", 4);
    runs_file_write("file", "mine", 4);
    do_it("train moons --run empty" QUICK);
    static const struct {
        const char *line;
        int status;
        const char *word;
    } list[] = {
        {"train moons --run empty" QUICK, 2, "not empty"},
        {"train moons --run full" QUICK, 2, "full"},
        {"train moons --run file" QUICK, 1, "file"},
        {"train moons --run file/a" QUICK, 1, "file"},
        {"train moons --run missing/a" QUICK, 1, "missing"},
        {"train moons --run ''" QUICK, 2, "--run"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = runs_program(list[i].line);
        cr_expect_eq(c.status, list[i].status, "lockstep %s: %d, %s", list[i].line, c.status,
                     c.err);
        cr_expect(strstr(c.err, list[i].word) && !*c.out, "lockstep %s: %s", list[i].line, c.err);
        runs_child_free(&c);
    }
    cr_expect_eq(runs_folder_count("full"), 1);
    /* what cannot be trained leaves nothing */
    free(runs_program_expect("train moons --class-weights 1,2,3 --run none" QUICK, 2));
    cr_expect(access("none", F_OK) != 0);
}

Test(run_folder, of_a_divergence)
{
    free(runs_program_expect(
        "train moons --output identity --lr 1000 --optimizer sgd --device cpu -q --run a", 1));
    json_t *run = read_json("a/run.json"), *result = json_object_get(run, "result");
    cr_expect_str_eq(json_string_value(json_object_get(result, "stopped")), "diverged");
    cr_expect(strstr(json_string_value(json_object_get(result, "message")), "--lr"));
    cr_expect(access("a/model.safetensors", F_OK) != 0);
    json_decref(run);
    do_it("verify a --device cpu -q");
}

Test(run_folder, of_an_interruption)
{
    const char *const command[] = {LS_PROGRAM, "train",   "moons",    "--hidden", "20",
                                   "--epochs", "3000000", "--device", "cpu",      "-q",
                                   "--run",    "a",       NULL};
    int pid = runs_start(command);
    runs_child c;
    nanosleep(&(struct timespec){0, 700000000}, NULL);
    cr_assert_eq(kill(pid, SIGINT), 0);
    runs_wait(pid, &c);
    cr_assert_eq(c.status, 130, "%s", c.err);
    cr_expect(strstr(c.err, "a/model.safetensors"), "%s", c.err);
    runs_child_free(&c);
    json_t *run = read_json("a/run.json"), *result = json_object_get(run, "result");
    cr_expect_str_eq(json_string_value(json_object_get(result, "stopped")), "interrupted");
    json_int_t epochs = json_integer_value(json_object_get(result, "epochs"));
    char *metrics = runs_file_read("a/metrics.jsonl", NULL), last[64];
    snprintf(last, sizeof last, "{\"epoch\":%lld,", (long long)epochs);
    cr_expect(epochs > 0 && strstr(metrics, last), "%lld epochs", (long long)epochs);
    free(metrics);
    json_decref(run);
    char *page = runs_file_read("a/report.html", NULL);
    cr_expect(page && strstr(page, "stopped by interruption") &&
              strstr(page, "(this training was interrupted; the command trains to the end)"));
    free(page);
    do_it("verify a --device cpu -q"); /* goes as far, and no further */
}

/* As soon as there is a folder there is something to leave in good order. */
Test(run_folder, of_an_interruption_at_its_very_beginning)
{
    const char *const command[] = {LS_PROGRAM, "train", "moons", "--epochs", "3000000", "--device",
                                   "cpu",      "-q",    "--run", "a",        NULL};
    for (int turn = 0; turn < 12; turn++) {
        int pid = runs_start(command);
        runs_child c;
        for (int i = 0; i < 20000000 && access("a", F_OK) != 0; i++) {}
        cr_assert_eq(kill(pid, SIGINT), 0);
        runs_wait(pid, &c);
        cr_expect_eq(c.status, 130, "turn %d: %d: %s", turn, c.status, c.err);
        runs_child_free(&c);
        cr_assert_eq(runs_folder_count("a"), 5, "turn %d: %zu files", turn, runs_folder_count("a"));
        json_t *run = read_json("a/run.json");
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(run, "result"),
                                                           "stopped")),
                         "interrupted");
        json_decref(run);
        cr_assert_eq(rename("a", (char[]){'b', (char)('a' + turn), 0}), 0);
    }
}

/* The folder of the repetition is removed where whoever reads verify's words has gone, too. */
Test(run_folder, verify_leaves_nothing_behind)
{
    const char *const command[] = {
        "/bin/sh", "-c", "mkdir t && TMPDIR=t '" LS_PROGRAM "' verify a --device cpu 2>&1 | true",
        NULL};
    runs_child c;
    do_it("train moons --run a" QUICK);
    runs_spawn(command, &c);
    cr_expect_eq(c.status, 0, "%s", c.err);
    runs_child_free(&c);
    for (int i = 0; i < 50 && runs_folder_count("t"); i++)
        nanosleep(&(struct timespec){0, 100000000}, NULL);
    cr_expect_eq(runs_folder_count("t"), 0);
}

/* A run's folder goes where a model goes. */
Test(run_folder, as_a_model)
{
    do_it("train moons --run a" QUICK);
    static const char *const lines[] = {"evaluate %s moons --device cpu",
                                        "predict %s moons --device cpu"};
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char line[200];
        snprintf(line, sizeof line, lines[i], "a");
        char *of_folder = runs_program_expect(line, 0);
        snprintf(line, sizeof line, lines[i], "a/model.safetensors");
        char *of_file = runs_program_expect(line, 0);
        cr_expect_str_eq(of_folder, of_file, "%s", line);
        free(of_folder);
        free(of_file);
    }
    do_it("show a");
}

/* A limit on the size of files ends a log, as a full disk does, and not the training. */
Test(run_folder, beyond_the_limit_of_files)
{
    const char *const command[] = {
        "/bin/sh", "-c",
        "ulimit -f 64; exec '" LS_PROGRAM
        "' train moons --hidden 4 --epochs 3000 --device cpu -q --log log -o m.safetensors",
        NULL};
    runs_child c;
    runs_spawn(command, &c);
    cr_expect_eq(c.status, 1, "exit status %d: %s", c.status, c.err);
    cr_expect(strstr(c.err, "log: cannot write") && strstr(c.err, "ulimit"), "%s", c.err);
    runs_child_free(&c);
    do_it("show m.safetensors");
}

/* ---- Repeating ------------------------------------------------------------------------------- */

static const char table[] =
    "age,town,class\n20,Ulm,yes\n?,Bonn,no\n40,Ulm,yes\n60,,no\n30,Bonn,no\n35,Ulm,yes\n50,Ulm,no\n41,Bonn,yes\n";

Test(run_folder, a_config_repeats_the_run)
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
    runs_file_write("people.csv", table, sizeof table - 1);
    runs_file_write("test.csv", table, sizeof table - 1);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char name[16];
        snprintf(name, sizeof name, "run%zu", i);
        snprintf(line, sizeof line, "%s --run %s" QUICK, lines[i], name);
        train_hash(line, hash);
        snprintf(line, sizeof line, "train --config %s/run.json --run %sb --device cpu -q", name,
                 name);
        train_hash(line, again);
        cr_expect_str_eq(hash, again, "%s", lines[i]);
        snprintf(line, sizeof line, "%sb", name);
        assert_same_folder(name, line);
    }
}

static void assert_equal_hash(const char *a, const char *b)
{
    char hash[2][65];
    train_hash(a, hash[0]);
    train_hash(b, hash[1]);
    cr_expect_str_eq(hash[0], hash[1], "lockstep %s\nlockstep %s", a, b);
}

Test(run_folder, the_command_line_goes_before_the_config)
{
    static const char by_hand[] =
        "{\"options\": {\"hidden\": [7, 5], \"activation\": [\"tanh\"], \"lr\": 0.01, \"epochs\": 8, \"batch-norm\": true, \"l2\": 0}}";
    do_it("train moons --rows 90 --split 0.3 --data-seed 2 --run a" QUICK);
    do_it("make moons --rows 30 --seed 9 -o test.csv");
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
        "train moons --hidden 7,5 --activation tanh --lr 0.01 --epochs 8 --batch-norm --device cpu -q");
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

Test(run_folder, other_data_are_refused)
{
    runs_file_write("people.csv", table, sizeof table - 1);
    do_it("train people.csv --run a" QUICK);
    do_it("train people.csv --test people.csv --run b" QUICK);
    runs_file_write("people.csv", table, sizeof table - 1 - 12); /* a row less */
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

/* The classes of images lie in a file that nobody names. */
Test(run_folder, labels_found_beside_the_rows_count_as_data)
{
    unsigned char images[16 + 40] = {0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 2},
                              labels[8 + 20] = {0, 0, 8, 1, 0, 0, 0, 20};
    for (unsigned i = 0; i < 40; i++) images[16 + i] = (unsigned char)(i * 37);
    for (unsigned i = 0; i < 20; i++) labels[8 + i] = i % 3;
    runs_file_write("my-images-idx3-ubyte", images, sizeof images);
    runs_file_write("my-labels-idx1-ubyte", labels, sizeof labels);
    do_it("train my-images-idx3-ubyte --run a" QUICK);
    do_it("verify a --device cpu -q");
    labels[8] = 2;
    runs_file_write("my-labels-idx1-ubyte", labels, sizeof labels);
    runs_child c = runs_program("train --config a/run.json --device cpu -q");
    cr_expect(c.status == 1 && strstr(c.err, "classes of my-images"), "%d: %s", c.status, c.err);
    runs_child_free(&c);
}

Test(run_folder, damaged_configs_are_told)
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
                      count_lines(c.err) == 1,
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

/* ---- Verify ---------------------------------------------------------------------------------- */

/* Runs verify --json; returns what it says of one file, to be freed with *root. */
static json_t *verify(const char *line, int status, const char *file, json_t **root)
{
    char *out = runs_program_expect(line, status);
    *root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(*root, "lockstep %s: %s", line, out);
    free(out);
    cr_expect_eq(json_is_true(json_object_get(*root, "same")), status == 0);
    return json_object_get(json_object_get(*root, "files"), file);
}

/* Where the values of a tensor begin in a model file. */
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

Test(run_folder, verify_names_a_changed_bit)
{
    size_t size;
    json_t *root, *said;
    do_it("train moons --run a" QUICK);
    do_it("train moons --run b" QUICK);
    do_it("verify a b");
    do_it("verify a/model.safetensors b");
    char *bytes = runs_file_read("b/model.safetensors", &size);
    size_t place = tensor_place(bytes, "layers.1.weight") + 4 * (5 * 2 + 3); /* 6 x 5 */
    bytes[place] ^= 1;
    runs_file_write("b/model.safetensors", bytes, size);
    said = verify("verify a b --json", 1, "model.safetensors", &root);
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
    said = verify("verify a/model.safetensors b/model.safetensors --json", 1, "model.safetensors",
                  &root);
    cr_expect_eq(json_integer_value(json_object_get(said, "differing")), 2);
    cr_expect_gt(json_integer_value(json_object_get(said, "ulps")), 1000000);
    json_decref(root);
    bytes[size - 1] = 0;
    runs_file_write("b/model.safetensors", bytes, 9); /* no header any more */
    said = verify("verify a b --json", 1, "model.safetensors", &root);
    cr_expect_eq(json_integer_value(json_object_get(said, "byte")), 9);
    json_decref(root);
    free(bytes);
}

/* Distances are counted in floats that lie between, also among negative ones and across zero. */
Test(run_folder, verify_counts_units_in_the_last_place)
{
    static const struct {
        float a, b;
        int ulps;
    } list[] = {
        {1.0f, 1.0f + 0x1p-23f, 1}, {-1.0f, -1.0f - 0x1p-23f, 1}, {-2.0f, -2.0f + 0x1p-22f, 2},
        {0x1p-149f, -0x1p-149f, 2}, {0.0f, 0x1p-149f, 1},
    };
    size_t size;
    do_it("train moons -o a.safetensors" QUICK);
    char *bytes = runs_file_read("a.safetensors", &size);
    size_t place = tensor_place(bytes, "layers.0.bias");
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        json_t *root;
        memcpy(bytes + place, &list[i].a, 4);
        runs_file_write("a.safetensors", bytes, size);
        memcpy(bytes + place, &list[i].b, 4);
        runs_file_write("b.safetensors", bytes, size);
        const json_t *said = verify("verify a.safetensors b.safetensors --json", 1,
                                    "model.safetensors", &root);
        cr_expect_eq(json_integer_value(json_object_get(said, "ulps")), list[i].ulps, "%g and %g",
                     (double)list[i].a, (double)list[i].b);
        json_decref(root);
    }
    free(bytes);
}

/* Replaces the last occurrence of a text in a file by one of the same length. */
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

Test(run_folder, verify_names_what_differs)
{
    json_t *root, *said;
    do_it("train moons --patience 50 --run a" QUICK);
    copy_run("a", "b");
    replace("b/metrics.jsonl", "\"steps\":42,", "\"steps\":43,"); /* epoch 7 */
    said = verify("verify a b --json", 1, "metrics.jsonl", &root);
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
    said = verify("verify a b --json", 1, "metrics.jsonl", &root);
    cr_expect(json_integer_value(json_object_get(said, "epoch")) == 9 &&
              strstr(json_string_value(json_object_get(said, "message")),
                     "b/metrics.jsonl has ended"));
    json_decref(root);
    copy_run("a", "b");
    replace("b/run.json", "\"undefined\": 0", "\"undefined\": 1");
    said = verify("verify a b --json", 1, "run.json", &root);
    cr_expect_str_eq(json_string_value(json_object_get(said, "where")), "result.train.undefined");
    json_decref(root);
    copy_run("a", "b");
    replace("b/report.html", "</html>", "</HTML>");
    free(runs_program_expect("verify a b", 1));
    do_it("verify a b --no-report");
    unlink("b/model.safetensors");
    said = verify("verify a b --no-report --json", 1, "model.safetensors", &root);
    cr_expect(strstr(json_string_value(json_object_get(said, "message")), "missing"));
    json_decref(root);
    copy_run("a", "b");
    runs_file_write("b/timing.jsonl", "", 0);
    do_it("verify a b"); /* times are not compared */
}

/* Models that are whole, but of other trainings: one of another shape, one with another name for a
 * feature. */
Test(run_folder, verify_tells_other_networks)
{
    json_t *root, *said;
    runs_file_write("a.csv", table, sizeof table - 1);
    runs_file_write("b.csv", table, sizeof table - 1);
    replace("b.csv", "town", "city");
    do_it("train moons -o a.safetensors" QUICK);
    do_it("train moons -o b.safetensors --epochs 12 --hidden 6,4 --device cpu -q");
    said = verify("verify a.safetensors b.safetensors --json", 1, "model.safetensors", &root);
    cr_expect_str_eq(json_string_value(json_object_get(said, "where")),
                     "shape of tensor layers.1.bias");
    json_decref(root);
    do_it("train a.csv -o a.safetensors" QUICK);
    do_it("train b.csv -o b.safetensors" QUICK);
    said = verify("verify a.safetensors b.safetensors --json", 1, "model.safetensors", &root);
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

Test(run_folder, verify_repeats_a_run)
{
    setenv("TMPDIR", ".", 1);
    do_it("train moons --split 0.2 --run a" QUICK);
    char *out = runs_program_expect("verify a --device cpu --threads 2 -q", 0);
    cr_expect(strstr(out, "repetition") && strstr(out, "bit for bit"), "%s", out);
    free(out);
    replace("a/metrics.jsonl", "\"steps\":20,", "\"steps\":21,");
    out = runs_program_expect("verify a --device cpu -q", 1);
    cr_expect(strstr(out, "metrics.jsonl") && strstr(out, "epoch 4"), "%s", out);
    free(out);
    do_it("train moons --time-limit 0.05 --run limited --epochs 1000000000 --device cpu -q");
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

/* ---- Logs ------------------------------------------------------------------------------------ */

Test(run_folder, a_log_has_a_line_an_epoch)
{
    do_it("train moons --validation 0.2 --log log.jsonl" QUICK);
    char *text = runs_file_read("log.jsonl", NULL), *line = text;
    json_int_t epoch = 0;
    double seconds = 0;
    for (; *line; line = strchr(line, '\n') + 1) {
        json_t *o = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        cr_assert(o && json_object_size(o) == 7, "%s", line);
        double accuracy = json_number_value(json_object_get(o, "validation_accuracy"));
        cr_expect(accuracy > 0 && accuracy <= 1, "%s", line);
        cr_expect_eq(json_integer_value(json_object_get(o, "epoch")), ++epoch);
        cr_expect_eq(json_integer_value(json_object_get(o, "steps")), 5 * epoch);
        cr_expect(json_number_value(json_object_get(o, "loss")) > 0 &&
                  json_number_value(json_object_get(o, "validation_loss")) > 0);
        cr_expect(json_number_value(json_object_get(o, "lr")) > 0 &&
                  json_number_value(json_object_get(o, "seconds")) >= seconds);
        seconds = json_number_value(json_object_get(o, "seconds"));
        json_decref(o);
    }
    cr_expect_eq(epoch, 12);
    free(text);
}

/* A log that cannot be written costs no model, but it is told. */
Test(run_folder, a_log_that_fails)
{
    runs_child full = runs_program("train moons --log /dev/full --run a -o m.safetensors" QUICK);
    cr_expect(full.status == 1 && strstr(full.err, "/dev/full") && *full.out, "%d: %s", full.status,
              full.err);
    runs_child_free(&full);
    do_it("verify a m.safetensors");
    do_it("verify a --device cpu -q");
    static const struct {
        const char *line;
        int status;
        const char *word;
    } list[] = {
        {"train moons --log -" QUICK, 2, "--log"},
        {"train moons --log missing/log" QUICK, 1, "missing/log"},
        {"train a.csv --log a.csv" QUICK, 2, "a.csv"},
        {"train moons --log ." QUICK, 1, "."},
        {"train moons --tensorboard missing/tb" QUICK, 1, "missing/tb"},
        {"train moons --tensorboard a.csv" QUICK, 1, "a.csv"},
    };
    runs_file_write("a.csv", table, sizeof table - 1);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = runs_program(list[i].line);
        cr_expect(c.status == list[i].status && strstr(c.err, list[i].word), "lockstep %s: %d, %s",
                  list[i].line, c.status, c.err);
        runs_child_free(&c);
    }
}

/* ---- TensorBoard ----------------------------------------------------------------------------- */

/* As TensorBoard 2.21.0 writes these two events itself (tests/support/tensorboard_reads.py --bytes
 * prints them). */
static const unsigned char version_record[] = {
    0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa3, 0x7f, 0x4b, 0x22, 0x09, 0x00,
    0x00, 0x10, 0xc0, 0x0b, 0x5a, 0xd6, 0x41, 0x1a, 0x0d, 0x62, 0x72, 0x61, 0x69, 0x6e,
    0x2e, 0x45, 0x76, 0x65, 0x6e, 0x74, 0x3a, 0x32, 0x13, 0x0a, 0x03, 0x22};
static const unsigned char epoch_record[] = {
    0x3e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xd9, 0xd2, 0x40, 0xe7, 0x09, 0x00, 0x00, 0x60,
    0xc0, 0x0b, 0x5a, 0xd6, 0x41, 0x10, 0xac, 0x02, 0x2a, 0x30, 0x0a, 0x0b, 0x0a, 0x04, 0x6c, 0x6f,
    0x73, 0x73, 0x15, 0xcd, 0xcc, 0xcc, 0x3d, 0x0a, 0x16, 0x0a, 0x0f, 0x76, 0x61, 0x6c, 0x69, 0x64,
    0x61, 0x74, 0x69, 0x6f, 0x6e, 0x5f, 0x6c, 0x6f, 0x73, 0x73, 0x15, 0x00, 0x00, 0x80, 0x3e, 0x0a,
    0x09, 0x0a, 0x02, 0x6c, 0x72, 0x15, 0xa6, 0x9b, 0x44, 0x3b, 0x24, 0x4b, 0xa2, 0xff};

Test(run_folder, events_have_tensorboards_bytes)
{
    unsigned char zeros[32] = {0}, out[EVENT_MOST];
    const ls_progress p = {.epoch = 300,
                           .loss = 0.1,
                           .validation_loss = 0.25,
                           .validation_accuracy = NAN,
                           .learning_rate = 0.003};
    ls_progress widest = {.epoch = UINT64_MAX,
                          .loss = 1,
                          .validation_loss = 1,
                          .validation_accuracy = 1,
                          .learning_rate = 1};
    cr_expect_eq(event_crc32c("123456789", 9), 0xE3069283);
    cr_expect_eq(event_crc32c(zeros, sizeof zeros), 0x8A9136AA); /* RFC 3720, B.4 */
    cr_expect_eq(event_version(1500000000.25, out), sizeof version_record);
    cr_expect(!memcmp(out, version_record, sizeof version_record));
    cr_expect_eq(event_epoch(1500000001.5, &p, out), sizeof epoch_record);
    cr_expect(!memcmp(out, epoch_record, sizeof epoch_record));
    cr_expect_leq(event_epoch(1e300, &widest, out), EVENT_MOST / 2);
}

Test(run_folder, an_event_file_has_a_record_an_epoch)
{
    char path[300] = "";
    size_t size, at = 0, records = 0;
    do_it("train moons --tensorboard tb" QUICK);
    DIR *tb = opendir("tb");
    cr_assert_not_null(tb);
    for (struct dirent *entry; (entry = readdir(tb));)
        if (strstr(entry->d_name, "tfevents")) snprintf(path, sizeof path, "tb/%s", entry->d_name);
    closedir(tb);
    char *bytes = runs_file_read(path, &size);
    cr_assert_not_null(bytes);
    for (; at < size; records++) {
        uint64_t length;
        uint32_t sum;
        cr_assert_leq(at + 16, size);
        memcpy(&length, bytes + at, 8);
        cr_assert_leq(length, size - at - 16);
        memcpy(&sum, bytes + at + 12 + length, 4);
        uint32_t crc = event_crc32c(bytes + at + 12, length);
        cr_expect_eq(sum, (crc >> 15 | crc << 17) + 0xa282ead8u);
        cr_expect(records == 0 || !memcmp(bytes + at + 12 + length - 7, "lr\x15", 3),
                  "the last scalar is another one");
        at += 16 + length;
    }
    cr_expect_eq(records, 13);
    free(bytes);
}

#else
Test(run_folder, skipped) { cr_skip_test("the program was not built"); }
#endif
