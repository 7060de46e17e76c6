/* SPDX-License-Identifier: MIT */
/* Each allocation of the program fails once (support/failing_memory.c): an error, or the right
 * output, and never a part of it. Commands that read models are not among them: jansson aborts if
 * memory runs out in the middle of a string with escapes. */
#include <criterion/criterion.h>

#if defined LS_PROGRAM && defined LS_FAILING_MEMORY && defined __GLIBC__
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(short_memory, .init = enter, .fini = leave, .timeout = 600);

static runs_child run_failing(long number, const char *line)
{
    char text[1024];
    runs_child c;
    snprintf(text, sizeof text,
             "rm -rf failed out tmp; mkdir tmp; PATH=/nonexistent TMPDIR=$PWD/tmp "
             "LOCKSTEP_FAIL_AT=%ld LOCKSTEP_FAIL_LOG=failed LD_PRELOAD='" LS_FAILING_MEMORY
             "' exec '" LS_PROGRAM "' %s",
             number, line);
    runs_spawn((const char *const[]){"/bin/sh", "-c", text, NULL}, &c);
    return c;
}

/* What differs from run to run: times. */
static void remove_times(json_t *o)
{
    static const char *const names[] = {"seconds", "steps_per_second", "choice"};
    for (size_t i = 0; i < RUNS_COUNT(names); i++) json_object_del(o, names[i]);
}

static void expect_same_output(const char *line, long n, const char *good, const char *got)
{
    if (!strstr(line, "--json")) {
        cr_expect_str_eq(got, good, "lockstep %s, allocation %ld", line, n);
        return;
    }
    json_t *a = program_parse(good, line), *b = program_parse(got, line);
    remove_times(a);
    remove_times(b);
    cr_expect(json_equal(a, b), "lockstep %s, allocation %ld: %s", line, n, got);
    json_decref(a);
    json_decref(b);
}

static void fail_each(const char *line)
{
    runs_child good = run_failing(0, line);
    size_t size, n_size;
    char *file = runs_file_read("out", &size);
    cr_assert_eq(good.status, 0, "lockstep %s: %s", line, good.err);
    long n = 1;
    for (bool failed = true; failed; n++) {
        runs_child c = run_failing(n, line);
        char *now = runs_file_read("out", &n_size);
        failed = access("failed", F_OK) == 0;
        cr_expect(c.status == 0 || ((c.status == 1 || c.status == 2) && *c.err),
                  "lockstep %s, allocation %ld: exit status %d: %s", line, n, c.status, c.err);
        if (c.status == 0) expect_same_output(line, n, good.out, c.out);
        cr_expect(!now || (file && size == n_size && !memcmp(file, now, size)),
                  "lockstep %s, allocation %ld: the file is wrong", line, n);
        cr_expect(c.status != 0 || !file || now, "lockstep %s, allocation %ld: no file", line, n);
        free(now);
        runs_child_free(&c);
    }
    cr_expect_gt(n, 20, "lockstep %s", line);
    free(file);
    runs_child_free(&good);
}

Test(short_memory, of_rows)
{
    program_do("make moons --rows 40 -o d.csv");
    fail_each("make moons --rows 10");
    fail_each("make moons --rows 10 --noise 0.3 --seed 3 -o out");
    fail_each("describe d.csv");
    fail_each("describe d.csv --json");
}

Test(short_memory, of_a_training)
{
    program_do("make moons --rows 40 -o d.csv");
    fail_each("train d.csv --epochs 2 --hidden 3 --device cpu --threads 1 -q --json -o out");
    fail_each(
        "train d.csv --epochs 2 --hidden 3 --device cpu --threads 1 -q --report out >/dev/null");
}

#else
Test(short_memory, skipped) { cr_skip_test("it needs the program and glibc, and no sanitizer"); }
#endif
