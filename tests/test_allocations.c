/* SPDX-License-Identifier: MIT */
/* Each allocation of short command lines fails once, also those of popt, jansson and the C library:
 * the program ends with an error and a message, or has done all of its work. No file is ever
 * another than that of the undisturbed program. A sample of the allocations; all of them with
 * LOCKSTEP_ALL_ALLOCATIONS=1. */
#include <criterion/criterion.h>
#if defined(LS_PROGRAM) && defined(LS_FAILING_MALLOC)
#include "tests/support/program.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(allocations, .timeout = 3600);

/* A command line, the file that it writes (or NULL), and whether what it prints counts (it does
 * not where it prints durations). */
typedef struct {
    const char *line, *file;
    bool prints;
} command;

static const command commands[] = {
    {"train t.csv --epochs 2 --hidden 4 --device cpu --threads 1 -o out", "out", false},
    {"train t.csv --epochs 2 --hidden 4 --device cpu --threads 1 --run r --test t.csv",
     "r/model.safetensors", false},
    {"train t.csv --epochs 2 --hidden 4 --device cpu --threads 1 --json -o out", "out", false},
    {"train t.csv --epochs 2 --hidden 4 --device cpu --threads 1 --data-shards -o out", "out",
     false},
    {"search t.csv --trials 2 --epochs 2 --device cpu --threads 1 -o out --report s.csv", "out",
     false},
    {"predict m t.csv --device cpu --threads 1", NULL, true},
    {"predict m t.csv --device cpu --threads 1 -o out", "out", true},
    {"evaluate m t.csv --device cpu --threads 1", NULL, true},
    {"evaluate m t.csv --device cpu --threads 1 --json", NULL, true},
    {"train t.csv --epochs 2 --hidden 4 --scaling quantile --device cpu --threads 1 -o out", "out",
     false},
    {"predict q t.csv --split validation --device cpu --threads 1", NULL, true},
    {"show m --json", NULL, true},
    {"describe t.csv --json", NULL, true},
    {"report m t.csv -o out --device cpu --threads 1", "out", true},
};

static void fail_at(unsigned long n)
{
    char text[32];
    snprintf(text, sizeof text, "%lu", n);
    setenv("FAILING_AT", text, 1);
}

static runs_child run(const command *c, unsigned long n)
{
    (void)!system("rm -rf out r s.csv s.csv.state");
    fail_at(n);
    setenv("LD_PRELOAD", LS_FAILING_MALLOC, 1);
    runs_child child = runs_program(c->line);
    unsetenv("LD_PRELOAD");
    return child;
}

/* What the undisturbed program writes and prints. */
typedef struct {
    char *file, *out;
    size_t size;
    unsigned long allocations;
} expected;

static expected undisturbed(const command *c)
{
    expected e = {0};
    unlink("count");
    runs_child child = run(c, 0);
    cr_assert_eq(child.status, 0, "lockstep %s: %s", c->line, child.err);
    if (c->file) e.file = runs_file_read(c->file, &e.size);
    cr_assert(!c->file || e.file);
    e.out = child.out;
    free(child.err);
    char *count = runs_file_read("count", NULL);
    cr_assert_not_null(count, "allocations were not counted");
    e.allocations = strtoul(count, NULL, 10);
    free(count);
    return e;
}

/* The file, if there is one, is the right one. *there: whether there is one. */
static bool right_file(const command *c, const expected *e, bool *there)
{
    size_t size;
    char *file = c->file ? runs_file_read(c->file, &size) : NULL;
    bool right = !file || (size == e->size && !memcmp(file, e->file, size));
    *there = file != NULL;
    free(file);
    return right;
}

static bool check_one(const command *c, const expected *e, unsigned long n)
{
    bool there;
    runs_child child = run(c, n);
    bool right = right_file(c, e, &there), whole = true;
    if (child.status == 0)
        whole = (there || !c->file) && (!c->prints || !strcmp(child.out, e->out));
    bool told = child.status == 0 || *child.err;
    bool fine = right && whole && told && child.status < 3;
    cr_expect(fine, "allocation %lu of %lu, lockstep %s: exit status %d%s%s%s: %.300s", n,
              e->allocations, c->line, child.status, right ? "" : ", a wrong file",
              whole ? "" : ", not all of its work", told ? "" : ", no message", child.err);
    runs_child_free(&child);
    return fine;
}

static void check(const command *c)
{
    const bool all = getenv("LOCKSTEP_ALL_ALLOCATIONS") != NULL;
    const unsigned long sample = 40;
    expected e = undisturbed(c);
    unsigned long stride = all ? 1 : e.allocations / sample + 1, faults = 0, tried = 0;
    cr_expect_gt(e.allocations, 50);
    for (unsigned long n = 1 + (stride > 1 ? stride / 3 : 0); n <= e.allocations; n += stride)
        tried++, faults += !check_one(c, &e, n);
    printf("lockstep %s: %lu of %lu allocations failed, %lu faults\n", c->line, tried,
           e.allocations, faults);
    free(e.file);
    free(e.out);
}

Test(allocations, each_fails_once)
{
    char folder[64], model[] = "train t.csv --epochs 3 --hidden 4 --device cpu --threads 1 -o m";
    const char *only = getenv("LOCKSTEP_ONLY_COMMAND");
    runs_folder_enter(folder);
    runs_file_write("t.csv", program_mixed_csv, strlen(program_mixed_csv));
    program_do(model);
    program_do("train t.csv --epochs 3 --scaling quantile --validation 0.2 --device cpu -q -o q");
    setenv("FAILING_PROGRAM", "lockstep", 1);
    setenv("FAILING_COUNT", "count", 1);
    for (size_t i = 0; i < RUNS_COUNT(commands); i++)
        if (!only || strtoul(only, NULL, 10) == i) check(&commands[i]);
    runs_folder_leave(folder);
}

/* Up to the trainings and into them, one after the other. */
Test(allocations, what_a_search_draws)
{
    const command c = {"search t.csv --trials 1 --epochs 1 --hidden 2 --lr 1e-3..1:log "
                       "--device cpu --threads 1 -o out",
                       "out", false};
    char folder[64];
    runs_folder_enter(folder);
    runs_file_write("t.csv", program_mixed_csv, strlen(program_mixed_csv));
    setenv("FAILING_PROGRAM", "lockstep", 1);
    setenv("FAILING_COUNT", "count", 1);
    expected e = undisturbed(&c);
    for (unsigned long n = 1; n <= e.allocations / 2; n++) check_one(&c, &e, n);
    free(e.file);
    free(e.out);
    runs_folder_leave(folder);
}
#endif
