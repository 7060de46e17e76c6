/* SPDX-License-Identifier: MIT */
/* The folder of a run: the same on every device, complete after an interruption, never overwritten;
 * and the log of a training. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(run_folder, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --epochs 12 --hidden 6,5 --device cpu -q"

/* ---- The folder ------------------------------------------------------------------------------ */

static const char training[] =
    "train moons --rows 150 --noise 0.3 --data-seed 4 --split 0.2 --patience 5 --batch 16 --epochs 12 --hidden 6,5";

Test(run_folder, is_the_same_on_every_device)
{
    char line[512], other[40];
    size_t count, exact = 0;
    ls_device_info **list;
    ls_error err;
    cr_assert_eq(ls_devices_list(&list, &count, NULL, &err), LS_OK, "%s", err.message);
    snprintf(line, sizeof line, "%s --run first --device cpu --threads 1 -q", training);
    program_do(line);
    cr_expect_eq(runs_folder_count("first"), 5);
    snprintf(line, sizeof line, "%s --run threads --device cpu --threads 3", training);
    program_do(line);
    program_assert_same_run("first", "threads");
    for (size_t i = 1; i < count; i++) {
        if (!list[i]->exact) continue;
        exact++;
        snprintf(other, sizeof other, "device%zu", i);
        snprintf(line, sizeof line, "%s --run %s/ --device %zu --json", training, other, i);
        program_do(line);
        program_assert_same_run("first", other);
    }
    const char *require = getenv("LOCKSTEP_REQUIRE_OPENCL");
    cr_assert(exact || !require || strcmp(require, "1"),
              "LOCKSTEP_REQUIRE_OPENCL=1, but there is no exact OpenCL device");
    ls_devices_free(list);
}

Test(run_folder, has_what_was_done_and_no_more)
{
    char hash[65], file_hash[65], line[512];
    snprintf(line, sizeof line, "%s --run a -o same.safetensors --device cpu -q", training);
    program_train(line, hash);
    runs_file_sha256("a/model.safetensors", file_hash);
    cr_expect_str_eq(hash, file_hash);
    json_t *run = program_read_json("a/run.json"), *data = json_object_get(run, "data"),
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
                 108);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(result, "validation"), "rows")),
                 12);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(result, "test"), "rows")), 30);
    /* devices and times are in timing.jsonl only */
    for (size_t i = 0; i < RUNS_COUNT(program_compared); i++) {
        snprintf(line, sizeof line, "a/%s", program_compared[i]);
        char *text = runs_file_read(line, NULL);
        cr_expect(!strstr(text, "CPU path") && !strstr(text, "seconds\":"),
                  "%s names the device or times", line);
        free(text);
    }
    char *timing = runs_file_read("a/timing.jsonl", NULL),
         *metrics = runs_file_read("a/metrics.jsonl", NULL);
    json_int_t epochs = json_integer_value(json_object_get(result, "epochs"));
    cr_expect(strstr(timing, "CPU path") && strstr(timing, "seconds\":"));
    cr_expect_eq(program_count_lines(metrics), (size_t)epochs);
    cr_expect_eq(program_count_lines(timing), (size_t)epochs + 2);
    cr_expect(strstr(metrics, "\"validation_loss\":") && strstr(metrics, "\"lr\":"), "%s", metrics);
    free(timing);
    free(metrics);
    json_decref(run);
}

/* Long runs leave out epochs by a rule that depends on the number of the epoch alone. */
Test(run_folder, lines_of_long_runs_are_thinned)
{
    program_do(
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
    cr_assert_eq(program_count_lines(text), 11501);
    free(text);
}

Test(run_folder, nothing_is_written_over)
{
    cr_assert_eq(mkdir("empty", 0777), 0);
    cr_assert_eq(mkdir("full", 0777), 0);
    runs_file_write("full/notes", "mine", 4);
    runs_file_write("file", "mine", 4);
    program_do("train moons --run empty" QUICK);
    static const struct {
        const char *line;
        int status;
        const char *word;
    } list[] = {
        {"train moons --run empty" QUICK, 2, "not empty"},
        {"train moons --run full" QUICK, 2, "full"},
        {"train moons --run file" QUICK, 1, "file"},
        {"train moons --run file/a" QUICK, 1, "file"},
        {"train moons --run full/notes/b/a" QUICK, 1, "full/notes"},
        {"train moons --tensorboard file/b/a --run t" QUICK, 1, "file"},
        {"train moons -o missing/m.st --run t" QUICK, 1, "mkdir"},
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
    /* an impossible training leaves no folder */
    free(runs_program_expect("train moons --class-weights 1,2,3 --run none/b//c/" QUICK, 2));
    free(runs_program_expect("train moons --class-weights 1,2,3 --run none" QUICK, 2));
    cr_expect(access("none", F_OK) != 0);
}

/* Every option that takes a folder for results. */
Test(run_folder, makes_the_folders_above)
{
    program_do(
        "train moons --run runs/x//a/ --checkpoint saved/x/c --tensorboard events/x/e" QUICK);
    cr_expect_eq(runs_folder_count("runs/x/a"), 5);
    cr_expect_geq(runs_folder_count("saved/x/c"), 1);
    cr_expect_eq(runs_folder_count("events/x/e"), 1);
    program_do("train moons --run runs/x/b" QUICK);
    cr_expect_eq(runs_folder_count("runs/x"), 2);
    if (geteuid() == 0) return; /* root may write anywhere */
    cr_assert_eq(mkdir("fixed", 0555), 0);
    free(runs_program_expect("train moons --run fixed/a/b" QUICK, 1));
}

Test(run_folder, of_a_divergence)
{
    free(runs_program_expect(
        "train moons --output identity --lr 1000 --optimizer sgd --device cpu -q --run a", 1));
    json_t *run = program_read_json("a/run.json"), *result = json_object_get(run, "result");
    cr_expect_str_eq(json_string_value(json_object_get(result, "stopped")), "diverged");
    cr_expect(strstr(json_string_value(json_object_get(result, "message")), "--lr"));
    cr_expect(access("a/model.safetensors", F_OK) != 0);
    json_decref(run);
    program_do("verify a --device cpu -q");
}

Test(run_folder, of_an_interruption)
{
    int pid = program_start(
        "train moons --hidden 20 --epochs 3000000 --patience 0 --device cpu -q --run a");
    runs_child c;
    program_wait_for_file(pid, "a/metrics.jsonl", 1); /* the first epoch has ended */
    cr_assert_eq(kill(pid, SIGINT), 0);
    runs_wait(pid, &c);
    cr_assert_eq(c.status, 130, "%s", c.err);
    cr_expect(strstr(c.err, "a/model.safetensors"), "%s", c.err);
    runs_child_free(&c);
    json_t *run = program_read_json("a/run.json"), *result = json_object_get(run, "result");
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
    program_do("verify a --device cpu -q"); /* the repetition stops after the same epoch */
}

/* From the moment that the folder exists, Ctrl-C leaves it complete. */
Test(run_folder, of_an_interruption_at_its_very_beginning)
{
    for (int turn = 0; turn < 12; turn++) {
        int pid =
            program_start("train moons --epochs 3000000 --patience 0 --device cpu -q --run a");
        runs_child c;
        while (access("a", F_OK) != 0 && program_is_running(pid))
            continue; /* as early as possible */
        cr_assert_eq(kill(pid, SIGINT), 0);
        runs_wait(pid, &c);
        cr_expect_eq(c.status, 130, "turn %d: %d: %s", turn, c.status, c.err);
        runs_child_free(&c);
        cr_assert_eq(runs_folder_count("a"), 5, "turn %d: %zu files", turn, runs_folder_count("a"));
        json_t *run = program_read_json("a/run.json");
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(run, "result"),
                                                           "stopped")),
                         "interrupted");
        json_decref(run);
        cr_assert_eq(rename("a", (char[]){'b', (char)('a' + turn), 0}), 0);
    }
}

/* A run folder can be given in place of a model file. */
Test(run_folder, as_a_model)
{
    program_do("train moons --run a" QUICK);
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
    program_do("show a");
}

/* A limit on file sizes ends a log, like a full disk, but not the training. */
Test(run_folder, beyond_the_limit_of_files)
{
    const char *const command[] = {
        "/bin/sh", "-c",
        "ulimit -f 64; exec '" LS_PROGRAM
        "' train moons --hidden 4 --epochs 3000 --patience 0 --device cpu -q --log log -o m.safetensors",
        NULL};
    runs_child c;
    runs_spawn(command, &c);
    cr_expect_eq(c.status, 1, "exit status %d: %s", c.status, c.err);
    cr_expect(strstr(c.err, "log: cannot write") && strstr(c.err, "ulimit"), "%s", c.err);
    runs_child_free(&c);
    program_do("show m.safetensors");
}

/* ---- Logs ------------------------------------------------------------------------------------ */

Test(run_folder, a_log_has_a_line_an_epoch)
{
    program_do("train moons --validation 0.2 --batch 32 --log log.jsonl" QUICK);
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

/* A log that cannot be written does not stop the training, but is reported. */
Test(run_folder, a_log_that_fails)
{
    runs_child full = runs_program("train moons --log /dev/full --run a -o m.safetensors" QUICK);
    cr_expect(full.status == 1 && strstr(full.err, "/dev/full"), "%d: %s", full.status, full.err);
    runs_child_free(&full);
    program_do("verify a m.safetensors");
    program_do("verify a --device cpu -q");
    static const struct {
        const char *line;
        int status;
        const char *word;
    } list[] = {
        {"train moons --log -" QUICK, 2, "--log"},
        {"train moons --log missing/log" QUICK, 1, "missing/log"},
        {"train a.csv --log a.csv" QUICK, 2, "a.csv"},
        {"train moons --log ." QUICK, 1, "."},
        {"train moons --tensorboard a.csv/tb" QUICK, 1, "a.csv/tb"},
        {"train moons --tensorboard a.csv" QUICK, 1, "a.csv"},
    };
    runs_file_write("a.csv", program_mixed_csv, strlen(program_mixed_csv));
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = runs_program(list[i].line);
        cr_expect(c.status == list[i].status && strstr(c.err, list[i].word), "lockstep %s: %d, %s",
                  list[i].line, c.status, c.err);
        runs_child_free(&c);
    }
}

#else
Test(run_folder, skipped) { cr_skip_test("the program was not built"); }
#endif
