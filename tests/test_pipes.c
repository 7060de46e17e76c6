/* SPDX-License-Identifier: MIT */
/* Data from standard input; what -q leaves out and -v adds. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void)
{
    runs_folder_enter(folder);
    runs_file_write("x.csv", program_mixed_csv, strlen(program_mixed_csv));
}
static void leave(void) { runs_folder_leave(folder); }

TestSuite(pipes, .init = enter, .fini = leave, .timeout = 300);

/* Runs a line of the shell, where LS stands for the program. */
static runs_child shell(const char *line)
{
    char text[1024];
    runs_child c;
    snprintf(text, sizeof text, "LS='%s'; %s", LS_PROGRAM, line);
    runs_spawn((const char *const[]){"/bin/sh", "-c", text, NULL}, &c);
    return c;
}

static void expect(const char *line, int status, const char *words)
{
    runs_child c = shell(line);
    cr_expect_eq(c.status, status, "%s: %d, %s", line, c.status, c.err);
    program_expect_words(line, status ? c.err : c.out, words);
    runs_child_free(&c);
}

/* The same output from a pipe, from a file as standard input, compressed, and by name. */
static void expect_same(const char *command, const char *options)
{
    static const char *const inputs[] = {"cat x.csv |", "gzip -c x.csv |", "< x.csv"};
    char line[512];
    snprintf(line, sizeof line, "$LS %s x.csv %s", command, options);
    runs_child by_name = shell(line);
    cr_assert_eq(by_name.status, 0, "%s: %s", line, by_name.err);
    for (size_t i = 0; i < RUNS_COUNT(inputs); i++) {
        snprintf(line, sizeof line, "%s $LS %s - %s", inputs[i], command, options);
        runs_child c = shell(line);
        cr_expect_eq(c.status, 0, "%s: %s", line, c.err);
        cr_expect_str_eq(c.out, by_name.out, "%s", line);
        runs_child_free(&c);
    }
    runs_child_free(&by_name);
}

Test(pipes, commands_read_standard_input)
{
    program_do("train x.csv -o m --epochs 4 --device cpu -q");
    expect_same("describe", "");
    expect_same("evaluate m", "--device cpu");
    expect_same("predict m", "--device cpu");
    expect_same("search", "--hidden '3|4' --epochs 2 --folds 2 --device cpu --json | tr , '\\n' | "
                          "grep accuracy");
    expect_same("train", "--epochs 4 --device cpu --json | grep -o '\"sha256\":.*'");
    expect_same("train", "--epochs 4 --device cpu --split 0.3 --json | grep -o '\"sha256\":.*'");
}

/* A run keeps the hash of what came from standard input. */
Test(pipes, runs_of_standard_input_are_verified)
{
    expect("cat x.csv | $LS train - --run a --epochs 4 --device cpu -q", 0, "");
    expect("$LS train x.csv --run b --epochs 4 --device cpu -q", 0, "");
    expect("$LS verify a b", 0, "same");
    expect("$LS verify a --data x.csv --device cpu", 0, "same");
    expect("$LS verify a", 2, "standard input --data");
    expect("sed 2d x.csv | $LS train - --config b/run.json --run c -q", 0, "");
    expect("$LS verify b c", 1, "");
    expect("printf '' | $LS train -", 1, "standard input");
    expect("cat x.csv | TMPDIR=/nonexistent $LS train - --run d", 1, "TMPDIR");
}

/* With -q nothing but errors, and what was asked for as JSON or CSV. */
Test(pipes, quiet_commands_print_nothing)
{
    static const char *const lines[] = {
        "train x.csv --epochs 2",
        "train x.csv --split 0.3 --run r --epochs 2",
        "train moons --epochs 2 --checkpoint c --run s",
        "resume c",
        "evaluate m x.csv",
        "describe x.csv",
        "search x.csv --hidden 3|4 --epochs 2 --folds 2 -o best",
        "verify m m",
        "verify s",
        "report m x.csv -o r.html",
        "compare x.csv --hidden 4 --epochs 2",
        "predict m x.csv -o p.csv",
        "devices",
    };
    program_do("train x.csv -o m --epochs 4 --device cpu -q");
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char line[256];
        bool has_device = !strstr(lines[i], "describe") && !strstr(lines[i], "verify m") &&
                          !strstr(lines[i], "compare") && !strstr(lines[i], "devices");
        snprintf(line, sizeof line, "%s -q%s", lines[i], has_device ? " --device cpu" : "");
        runs_child c = runs_program(line);
        cr_expect(c.status == 0 && !*c.out, "lockstep %s: %d, %s", line, c.status, c.out);
        /* what a driver prints is not ours */
        cr_expect(!*c.err || !has_device, "lockstep %s: %s", line, c.err);
        runs_child_free(&c);
    }
    expect("$LS train nofile.csv -q", 1, "nofile.csv");
    expect("$LS evaluate m x.csv -q --json", 0, "\"accuracy\"");
    expect("$LS predict m x.csv -q", 0, "p_");
    expect("$LS evaluate m x.csv -q -v", 2, "-q -v");
}

Test(pipes, verbose_commands_tell_phases)
{
    runs_child c = runs_program("train x.csv -o m --epochs 50 --device cpu -v");
    program_expect_words("train -v", c.err, "read x.csv: rows columns device CPU trained wrote m");
    for (int epoch = 1; epoch <= 50; epoch++) {
        char text[32];
        snprintf(text, sizeof text, "epoch %d/50 ", epoch);
        cr_expect(strstr(c.err, text), "no line of epoch %d", epoch);
    }
    runs_child_free(&c);
    static const char *const lines[] = {"evaluate m x.csv", "predict m x.csv", "describe x.csv",
                                        "report m x.csv -o r.html",
                                        "search x.csv --hidden 3|4 --epochs 2 --folds 2"};
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char line[256];
        snprintf(line, sizeof line, "%s -v", lines[i]);
        c = runs_program(line);
        cr_expect(c.status == 0 && strstr(c.err, " s  "), "lockstep %s: %s", line, c.err);
        runs_child_free(&c);
    }
}

#else
Test(pipes, skipped) { cr_skip_test("the program was not built"); }
#endif
