/* SPDX-License-Identifier: MIT */
/* What strangers may hand in: large files that are no models, pipes in run folders, and names that
 * would break a terminal, an SVG, a page or a gnuplot script. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/text.h"
#include "host/base/visible.h"
#include "host/cli/base/html.h"
#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(hostile, .init = enter, .fini = leave, .timeout = 300);

/* Runs a line of the shell, in which $LS is the program. */
static runs_child shell(const char *line)
{
    char text[1200];
    runs_child c;
    cr_assert_lt((size_t)snprintf(text, sizeof text, "LS='%s'; %s", LS_PROGRAM, line), sizeof text);
    runs_spawn((const char *const[]){"/bin/sh", "-c", text, NULL}, &c);
    return c;
}

/* ---- Large files ----------------------------------------------------------------------------- */

static void make_sparse(const char *path, const void *start, size_t size)
{
    runs_file_write(path, start, size);
    cr_assert_eq(truncate(path, (off_t)3 << 30), 0);
}

/* Files of 3 GB, in an address space of 1 GB: they are refused before they are read. */
Test(hostile, large_files_are_refused_by_their_first_bytes)
{
    static const char npy[] =
        "\x93NUMPY\1\0\x46\0{'descr': '<f8', 'fortran_order': False, 'shape': "
        "(2, 3), }          \n",
                      npy_large[] = "\x93NUMPY\1\0\x46\0{'descr': '<f8', 'fortran_order': False, "
                                    "'shape': (900000000, 9), }   \n",
                      idx[] = "\0\0\x0d\2\0\0\0\2\0\0\0\3", header[] = "\x02\0\0\0\0\0\0\0{}",
                      long_header[] = "\xff\xff\xff\x05\0\0\0\0{";
    static const char *const lines[] = {
        "show zeros",
        "show header",
        "show long",
        "show small.gz",
        "evaluate zeros d",
        "report zeros -o r",
        "plot loss long -o r.svg",
        "predict header d",
        "describe npy",
        "describe idx",
        "describe large",
        "predict m.st npy",
        "predict m.st large",
        "describe zeros",
        "train idx --epochs 1",
        "train npy --epochs 1",
        "describe bomb.gz",
        "show bomb.gz",
        "train --config zeros",
        "verify zeros m.st --json -q",
    };
    program_do("train moons --epochs 1 --device cpu -q -o m.st");
    program_do("make moons -o d");
    cr_assert_eq(sizeof npy, 81);
    make_sparse("zeros", "", 0);
    make_sparse("header", header, sizeof header - 1);
    make_sparse("long", long_header, sizeof long_header - 1);
    make_sparse("npy", npy, sizeof npy - 1);
    make_sparse("idx", idx, sizeof idx - 1);
    runs_file_write("large", npy_large, sizeof npy_large - 1);
    runs_child made = shell("head -c 1000 npy | gzip > small.gz; head -c 400000000 npy | gzip -1 > "
                            "bomb.gz");
    cr_assert_eq(made.status, 0);
    runs_child_free(&made);
    for (size_t i = 0; i < RUNS_COUNT(lines) - 1; i++) {
        char line[300];
        snprintf(line, sizeof line, "ulimit -v 1000000; $LS %s%s", lines[i],
                 strncmp(lines[i], "show", 4) && strncmp(lines[i], "desc", 4) &&
                         strncmp(lines[i], "plot", 4) && !strstr(lines[i], "config")
                     ? " --device cpu"
                     : "");
        runs_child c = shell(line);
        cr_expect((c.status == 1 || c.status == 2) && !strstr(c.err, "memory"), "%s: %d %s", line,
                  c.status, c.err);
        runs_child_free(&c);
    }
}

/* ---- Pipes ----------------------------------------------------------------------------------- */

/* In a run folder of somebody else, a pipe that nobody writes to would be waited for. */
Test(hostile, pipes_in_a_run_folder_are_refused)
{
    static const char *const files[] = {"model.safetensors", "run.json", "metrics.jsonl",
                                        "report.html"};
    static const char *const lines[] = {"show bad",
                                        "report bad -o r.html",
                                        "plot loss bad -o p.svg",
                                        "predict bad moons --device cpu",
                                        "evaluate bad moons --device cpu",
                                        "verify bad good",
                                        "verify good bad",
                                        "verify bad --device cpu -q"};
    program_do("train moons --epochs 2 --device cpu -q --run good");
    for (size_t i = 0; i < RUNS_COUNT(files); i++) {
        runs_child c = shell("rm -rf bad; cp -r good bad");
        runs_child_free(&c);
        char path[64];
        snprintf(path, sizeof path, "bad/%s", files[i]);
        cr_assert(unlink(path) == 0 && mkfifo(path, 0600) == 0);
        for (size_t k = 0; k < RUNS_COUNT(lines); k++) {
            bool whole = i != 0 && k < 5;  /* these read the model alone */
            if (i > 0 && k == 1) continue; /* the page says how to train it again */
            c = runs_program(lines[k]);
            cr_expect(whole ? c.status == 0 : c.status != 0 && strstr(c.err, files[i]),
                      "lockstep %s, %s: %d %s", lines[k], path, c.status, c.err);
            runs_child_free(&c);
        }
    }
}

/* A run.json that names a pipe or a device as its data, and labels beside images that are a pipe.
 */
Test(hostile, pipes_instead_of_data_are_refused)
{
    static const char *const names[] = {"pipe", "/dev/zero"};
    program_do("make moons -o d.csv");
    program_do("train d.csv --epochs 2 --device cpu -q --run good");
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        char line[200];
        snprintf(line, sizeof line,
                 "sed 's#\"d.csv\"#\"%s\"#' good/run.json > run.json; mv run.json "
                 "good/run.json; $LS verify good --device cpu -q",
                 names[i]);
        runs_child c = shell(line);
        cr_expect(c.status == 2 && strstr(c.err, "not a regular file"), "%d %s", c.status, c.err);
        runs_child_free(&c);
        c = shell("sed 's#\"[^\"]*zero\"#\"d.csv\"#;s#\"pipe\"#\"d.csv\"#' good/run.json > r; mv r "
                  "good/run.json");
        runs_child_free(&c);
    }
    static const char images[] = "\0\0\x08\2\0\0\0\4\0\0\0\2\1\2\3\4\5\6\7\x08";
    runs_file_write("a-images-idx2-ubyte", images, sizeof images - 1);
    cr_assert_eq(mkfifo("a-labels-idx1-ubyte", 0600), 0);
    runs_child c = runs_program("train a-images-idx2-ubyte --epochs 1 --device cpu");
    cr_expect(c.status == 1 && strstr(c.err, "--labels"), "%d %s", c.status, c.err);
    runs_child_free(&c);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Names that begin with quotes, end CDATA, and hold what neither XML nor a terminal allows. */
static const char *const names[] = {
    "''two",
    "'one",
    "'''",
    "a]]>b",
    "<&>\"",
    "esc\x1b[31m",
    "bell\x07 \x7f",
    "\xc2\x9b"
    "31m",
    "\xe2\x80\xae"
    "rtl",
    "\xef\xbf\xbe",
    "`touch ran`",
    "a\\\"b",
    "%s %20 %",
    "$x @y {z}",
    "7\\140",
    "\t#tab",
    "EOD",
    "\xf0\x9f\x98\x80",
};
enum { NAMES = sizeof names / sizeof *names };

static void add_field(FILE *f, const char *name)
{
    fputc('"', f);
    for (; *name; name++) {
        if (*name == '"') fputc('"', f);
        fputc(*name, f);
    }
    fputc('"', f);
}

/* Rows with two columns and a class or a number, under names from `first` on. */
static void write_rows(const char *path, size_t first, bool numbers)
{
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    for (size_t k = 0; k < 3; k++) {
        add_field(f, names[(first + k) % NAMES]);
        fputc(k < 2 ? ',' : '\n', f);
    }
    for (int r = 0; r < 60; r++) {
        fprintf(f, "%d,%d,", r * 7 % 13, r * 5 % 11);
        if (numbers) fprintf(f, "%d.5", r % 9);
        else add_field(f, names[(first + 3 + (size_t)r % 3) % NAMES]);
        fputc('\n', f);
    }
    cr_assert_eq(fclose(f), 0);
}

/* Every character is one that XML 1.0 allows. */
static void expect_xml(const char *path, const char *what)
{
    char *text = runs_file_read(path, NULL);
    cr_assert_not_null(text, "%s: no %s", what, path);
    cr_expect(ls_is_utf8(text), "%s: %s is not UTF-8", what, path);
    for (const char *c = text; *c; c++) {
        unsigned char a = (unsigned char)*c;
        cr_assert((a >= ' ' && a != 0x7f) || a == '\n' || a == '\t', "%s: %s has 0x%02x", what,
                  path, a);
        cr_assert(strncmp(c, "]]>", 3) && strncmp(c, "\xef\xbf\xbe", 3), "%s: %s has %.12s", what,
                  path, c);
    }
    free(text);
}

/* Parses an SVG with xmllint or Python, whichever there is. */
static void expect_well_formed(const char *path, const char *what)
{
    char line[300];
    snprintf(line, sizeof line,
             "python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' '%s'", path);
    runs_child c = shell(line);
    cr_expect(c.status == 0 || c.status == 127, "%s: %s: %s", what, path, c.err);
    runs_child_free(&c);
}

Test(hostile, names_break_no_picture_and_no_page)
{
    static const char *const plots[] = {"boundary", "confusion", "roc", "balance"},
                             *const number_plots[] = {"predicted", "residuals-by-input"};
    bool gnuplot = access("/usr/bin/gnuplot", X_OK) == 0;
    for (size_t first = 0; first < NAMES; first += 3) {
        char what[64];
        snprintf(what, sizeof what, "names from %zu", first);
        write_rows("odd.csv", first, false);
        program_do(
            "train odd.csv --epochs 3 --hidden 4 --device cpu -q -o m.st --report page.html");
        expect_xml("page.html", what);
        char *page = runs_file_read("page.html", NULL);
        cr_expect(!gnuplot || strstr(page, "<svg"), "%s: no plots", what);
        free(page);
        for (size_t k = 0; gnuplot && k < RUNS_COUNT(plots); k++) {
            char line[200];
            snprintf(line, sizeof line, "plot %s m.st odd.csv --device cpu -o p.svg", plots[k]);
            program_do(line);
            expect_xml("p.svg", line);
            expect_well_formed("p.svg", line);
        }
        write_rows("odd.csv", first, true);
        program_do("train odd.csv --task regression --epochs 3 --hidden 4 --device cpu -q -o m.st "
                   "--report page.html");
        expect_xml("page.html", what);
        for (size_t k = 0; gnuplot && k < RUNS_COUNT(number_plots); k++) {
            char line[200];
            snprintf(line, sizeof line, "plot %s m.st odd.csv --device cpu -o p.svg",
                     number_plots[k]);
            program_do(line);
            expect_xml("p.svg", line);
            expect_well_formed("p.svg", line);
        }
    }
    cr_expect_neq(access("ran", F_OK), 0, "a name was run as a command");
}

Test(hostile, the_writer_of_pages_leaves_no_control_character)
{
    ls_text out = {0};
    html_add(&out, "a\x1b<b>&\"]]>\xff\xef\xbf\xbf\x01\n\t\xc2\x85 \xc3\xbc");
    cr_expect_str_eq(out.text, "a?&lt;b&gt;&amp;&quot;]]&gt;???\n\t? \xc3\xbc");
    free(out.text);
    for (int c = 1; c < 256; c++) {
        out = (ls_text){0};
        html_add(&out, (const char[]){(char)c, 0});
        cr_expect(ls_is_utf8(out.text) && (c >= ' ' || c == '\n' || c == '\t' || *out.text == '?'));
        free(out.text);
    }
}

/* ---- Texts that are not UTF-8 ---------------------------------------------------------------- */

/* A path need not be UTF-8, and JSON must be: it is still one whole object. */
Test(hostile, paths_that_are_not_utf8_do_not_cost_the_json)
{
    static const char *const lines[] = {
        "train moons --epochs 2 --device cpu --json -o m\xff.st",
        "describe d\xff.csv --json",
        "search moons --trials 2 --epochs 2 --device cpu --json -o m\xff.st",
        "report m\xff.st -o r\xff.html --json",
        "evaluate m\xff.st d\xff.csv --device cpu --json",
        "verify m\xff.st m\xff.st --json",
    };
    program_do("make moons -o d\xff.csv");
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        runs_child c = runs_program(lines[i]);
        cr_expect_eq(c.status, 0, "lockstep %s: %d %s", lines[i], c.status, c.err);
        json_t *o = program_parse(c.out, lines[i]);
        cr_expect_gt(json_object_size(o), 0, "%s", c.out);
        const char *model = json_string_value(json_object_get(o, "model"));
        cr_expect(!strstr(lines[i], "-o m") || (model && !strcmp(model, "m?.st")), "%s", c.out);
        json_decref(o);
        runs_child_free(&c);
    }
}

/* The sign of a NaN differs between machines. */
Test(hostile, not_a_number_has_no_sign)
{
    ls_text out = {0};
    double nan_of_x86 = -__builtin_nan("");
    ls_text_show(&out, "%g %f %8.3g", nan_of_x86, -nan_of_x86, nan_of_x86);
    cr_expect_str_eq(out.text, "nan nan      nan");
    free(out.text);
}

#else
Test(hostile, skipped) { cr_skip_test("the program was not built"); }
#endif
