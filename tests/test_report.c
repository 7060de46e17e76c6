/* SPDX-License-Identifier: MIT */
/* lockstep report, train --report and lockstep plot: what they write, and what they refuse. Pictures need gnuplot. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/lockstep.h"
#include "support_runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(report, .init = enter, .fini = leave, .timeout = 120);

static bool gnuplot_there(void) { return system("gnuplot --version >/dev/null 2>&1") == 0; }
static void do_it(const char *line) { free(runs_program_expect(line, 0)); }

#define QUICK " --device cpu -q --epochs 20 --hidden 8"

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) n++;
    return n;
}

Test(report, after_training)
{
    do_it("train moons --split 0.2 -o moons.safetensors --report a.html" QUICK);
    do_it("train moons --split 0.2 --report b.html" QUICK);
    size_t a_size, b_size;
    char hash[65], *a = runs_file_read("a.html", &a_size), *b = runs_file_read("b.html", &b_size);
    cr_assert(a && b);
    cr_expect(a_size == b_size && !memcmp(a, b, a_size), "the same run gives other bytes");
    cr_expect_lt(a_size, 300000, "%zu bytes", a_size);
    runs_file_sha256("moons.safetensors", hash);
    cr_expect(strstr(a, hash), "the model's hash is not told");
    cr_expect(strstr(a, "lockstep train moons --split 0.2 --hidden 8 --epochs 20"), "the command is not told");
    cr_expect(strstr(a, "test rows") && strstr(a, "training rows") && strstr(a, "CPU path"));
    cr_expect(!strstr(a, "<script") && !strstr(a, "src="));
    cr_expect_eq(count(a, "<svg"), gnuplot_there() ? 4 : 0, "%zu pictures", count(a, "<svg"));
    free(a);
    free(b);
}

/* The command in the page gives the model of the page. */
Test(report, of_a_model)
{
    char data[512], line[1024];
    snprintf(data, sizeof data, LS_SOURCE_DIR "/datasets/iris.csv");
    snprintf(line, sizeof line, "train %s --no-standardize --batch-norm -o iris.safetensors" QUICK, data);
    do_it(line);
    snprintf(line, sizeof line, "report iris.safetensors %s --device cpu -o iris.html", data);
    do_it(line);
    do_it("report iris.safetensors -o bare.html --device cpu");
    char *page = runs_file_read("iris.html", NULL), *bare = runs_file_read("bare.html", NULL);
    cr_assert(page && bare);
    cr_expect(strstr(page, " --hidden 8 --epochs 20 --batch-norm --no-standardize</code>"), "the command is another one");
    cr_expect(strstr(page, "setosa"), "classes are not named");
    cr_expect_eq(count(page, "<svg"), gnuplot_there() ? 2 : 0, "four features: a loss curve and a confusion matrix");
    cr_expect_eq(count(bare, "<svg"), gnuplot_there() ? 1 : 0);
    free(page);
    free(bare);
}

Test(report, single_pictures)
{
    static const char *const names[] = {"loss", "boundary", "confusion", "roc"};
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    do_it("train moons -o moons.safetensors" QUICK);
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        char line[256];
        snprintf(line, sizeof line, "plot %s moons.safetensors moons --device cpu -o %s.svg", names[i], names[i]);
        do_it(line);
        snprintf(line, sizeof line, "%s.svg", names[i]);
        char *svg = runs_file_read(line, NULL);
        cr_assert_not_null(svg);
        cr_expect(!strncmp(svg, "<svg ", 5) && strstr(svg, "</svg>") && strstr(svg, "currentColor") && !strstr(svg, "scale(0.00)"), "%s", line);
        free(svg);
    }
    do_it("plot loss moons.safetensors -o loss.png");
    char *png = runs_file_read("loss.png", NULL);
    cr_assert(png && !memcmp(png, "\x89PNG", 4));
    free(png);
}

Test(report, mistakes)
{
    static const struct { const char *line; int status; const char *word; } list[] = {
        {"report moons.safetensors", 2, "-o"},
        {"report missing.safetensors -o a.html", 1, "missing.safetensors"},
        {"report moons.safetensors -o moons.safetensors", 2, "moons.safetensors"},
        {"report moons.safetensors -o missing/a.html", 1, "missing/a.html"},
        {"train moons --report missing/a.html -q", 1, "missing/a.html"},
        {"plot loss moons.safetensors", 2, "-o"},
        {"plot lose moons.safetensors -o a.svg", 2, "boundary"},
        {"plot roc moons.safetensors -o a.svg", 2, "rows"},
        {"plot loss moons.safetensors -o a.gif", 2, ".png"},
        {"plot roc blobs.safetensors blobs --device cpu -o a.svg", 2, "two classes"},
        {"plot boundary classification.safetensors classification --device cpu -o a.svg", 2, "two features"},
    };
    do_it("train moons -o moons.safetensors" QUICK);
    do_it("train blobs -o blobs.safetensors" QUICK);
    do_it("train classification -o classification.safetensors" QUICK);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = runs_program(list[i].line);
        cr_expect_eq(c.status, list[i].status, "lockstep %s: %d, %s", list[i].line, c.status, c.err);
        cr_expect(strstr(c.err, list[i].word), "lockstep %s: %s", list[i].line, c.err);
        runs_child_free(&c);
    }
}
#endif
