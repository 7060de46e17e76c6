/* SPDX-License-Identifier: MIT */
/* Plots as people read them: several models in one picture, the words below each plot, and names
 * with letters that a machine may have no font for. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/plot/letters.h"
#include "host/cli/plot/model_plots.h"
#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(plots_read, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --epochs 12 --device cpu -q"

static bool gnuplot_there(void) { return system("gnuplot --version >/dev/null 2>&1") == 0; }

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) n++;
    return n;
}

/* ---- Several models -------------------------------------------------------------------------- */

/* Draws into a.svg and returns it. */
static char *draw(const char *line)
{
    program_do(line);
    char *svg = runs_file_read("a.svg", NULL);
    cr_assert(svg, "%s", line);
    return svg;
}

Test(plots_read, several_models_have_a_curve_each)
{
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    program_do("train moons --hidden 2 --run small" QUICK);
    program_do("train moons --hidden 8 -o large.safetensors" QUICK);
    program_do("train moons --hidden 4 --validation 0 -o bare.safetensors" QUICK);
    char *svg = draw("plot loss small large.safetensors -o a.svg");
    cr_expect(strstr(svg, ">small<") && strstr(svg, ">large<"), "the legend lacks a name");
    cr_expect(strstr(svg, ">validation loss<"));
    cr_expect(strstr(svg, "small, epoch 12: 0.") && strstr(svg, "large, epoch 12: 0."));
    cr_expect(strstr(svg, "#0072b2") && strstr(svg, "#d55e00"), "the curves have one colour");
    free(svg);
    svg = draw("plot accuracy small large.safetensors -o a.svg");
    cr_expect(strstr(svg, ">validation accuracy<") && strstr(svg, ">small<"));
    free(svg);
    svg = draw("plot loss small bare.safetensors large.safetensors -o a.svg");
    cr_expect(strstr(svg, ">training loss<"), "one model has no validation loss");
    cr_expect(strstr(svg, ">bare<") && strstr(svg, "#009e73"));
    free(svg);
    program_do("train moons --hidden 2 --run other/small" QUICK);
    svg = draw("plot loss small other/small -o a.svg"); /* paths tell them apart */
    cr_expect(strstr(svg, ">other/small<"), "the legend has one name twice");
    free(svg);
}

Test(plots_read, curves_that_cannot_be_compared_are_refused)
{
    program_do("train moons -o classes.st" QUICK);
    program_do("train moons --validation 0 -o bare.st" QUICK);
    program_do("train sine -o numbers.st" QUICK);
    program_do("train sine --loss mae -o other.st" QUICK);
    program_do("train " LS_SOURCE_DIR "/datasets/iris.csv -o three.st" QUICK);
    runs_file_write("rows.csv", "1,2,a\n2,3,b\n", 12);
    static const program_mistake mistakes[] = {
        {"plot loss classes.st numbers.st -o a.svg", 2, "classes numbers compared"},
        {"plot loss classes.st three.st -o a.svg", 2, "outputs compared"},
        {"plot loss numbers.st other.st -o a.svg", 2, "losses compared"},
        {"plot accuracy classes.st bare.st -o a.svg", 2, "bare without validation"},
        {"plot loss classes.st rows.csv -o a.svg", 2, "loss rows.csv models"},
        {"plot loss classes.st bare.st absent.st -o a.svg", 2, "absent.st"},
        {"plot confusion classes.st moons three.st -o a.svg", 2, "confusion three.st one"},
        {"plot loss classes.st bare.st --target 1 -o a.svg", 2, "--target DATA"},
        {"plot loss classes.st bare.st -o bare.st", 2, "bare.st"},
    };
    program_check_mistakes(mistakes, RUNS_COUNT(mistakes));
}

/* ---- Words below ----------------------------------------------------------------------------- */

Test(plots_read, each_plot_says_what_good_looks_like)
{
    for (size_t i = 0; i < model_plot_count; i++) {
        const model_plot *p = &model_plots[i];
        bool good = strstr(p->reading, "Good: ") || !strcmp(p->name, "balance");
        cr_expect(good, "%s: %s", p->name, p->reading);
        cr_expect(p->reading[strlen(p->reading) - 1] == '.', "%s", p->name);
    }
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    program_do("train moons --report a.html -o m.st" QUICK);
    char *page = runs_file_read("a.html", NULL);
    cr_assert(page);
    size_t plots = count(page, "<svg");
    cr_expect_gt(plots, 5);
    cr_expect_geq(count(page, "Good: ") + 1, plots); /* balance has none */
    free(page);
    char *svg = draw("plot roc m.st moons --device cpu -o a.svg");
    cr_expect(strstr(svg, "<desc>") && strstr(svg, "Good: the curve hugs"));
    free(svg);
}

/* Where gnuplot writes a text. */
static double height_of(const char *svg, const char *text)
{
    const char *at = strstr(svg, text), *last = NULL;
    cr_assert(at, "%s is missing", text);
    for (const char *c = svg; (c = strstr(c, "translate(")) && c < at; c++) last = c;
    cr_assert(last);
    return strtod(strchr(last, ',') + 1, NULL);
}

/* Wherever the best epoch lies, its word is not behind one of the legend. */
Test(plots_read, the_kept_epoch_is_below_the_legend)
{
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    program_do("train moons --rows 60 --lr 0.3 --epochs 60 -o m.st -q --device cpu");
    static const char *const plots[] = {"loss", "accuracy"};
    for (size_t i = 0; i < 2; i++) {
        char line[64];
        snprintf(line, sizeof line, "plot %s m.st -o a.svg", plots[i]);
        char *svg = draw(line);
        double legend = height_of(svg, "<text>validation</text>"),
               kept = height_of(svg, "<text>kept</text>");
        cr_expect_gt(kept, legend + 15, "%s: kept at %g, the legend at %g", plots[i], kept, legend);
        free(svg);
    }
}

/* ---- Letters --------------------------------------------------------------------------------- */

static void expect_scripts(const char *expected, const char *name)
{
    ls_text list = {0};
    letters_add_scripts(&list, name);
    cr_expect_str_eq(list.text ? list.text : "", expected, "%s", name);
    free(list.text);
}

Test(plots_read, scripts_beyond_common_fonts_are_named)
{
    expect_scripts("", "setosa Ünïcödé ŁŐ Ελλάδα Кошка ђ — ≥ € ½ ﬁ");
    expect_scripts("Han", "猫");
    expect_scripts("Han, Kana", "猫 and ねこ and ネコ");
    expect_scripts("Hangul", "고양이");
    expect_scripts("Arabic", "قطة");
    expect_scripts("Hebrew", "חתול");
    expect_scripts("Devanagari", "बिल्ली");
    expect_scripts("Thai", "แมว");
    expect_scripts("Georgian, Armenian", "კატა կատու");
    expect_scripts("emoji", "cat 🐈");
    expect_scripts("", "not UTF-8: \xff\xfe");
}

static void check_note(const char *line, bool wanted)
{
    runs_child c = runs_program(line);
    cr_assert_eq(c.status, 0, "%s: %s", line, c.err);
    cr_expect((strstr(c.err, "font") != NULL) == wanted, "%s: %s", line, c.err);
    cr_expect(!wanted || (strstr(c.err, "note: ") && strstr(c.err, "Arabic, Han")), "%s", c.err);
    runs_child_free(&c);
}

Test(plots_read, a_note_names_the_scripts)
{
    static const char rows[] = "a,b,class\n1,2,猫\n2,1,قطة\n3,4,猫\n4,3,قطة\n5,4,猫\n6,1,قطة\n",
                      plain[] = "a,b,class\n1,2,x\n2,1,y\n3,4,x\n4,3,y\n5,4,x\n6,1,y\n";
    runs_file_write("a.csv", rows, sizeof rows - 1);
    runs_file_write("b.csv", plain, sizeof plain - 1);
    check_note("train a.csv --epochs 2 --device cpu -o m.st --report r.html", true);
    check_note("train a.csv --epochs 2 --device cpu --run run", true);
    check_note("train a.csv --epochs 2 --device cpu -o m.st", false);
    check_note("train a.csv --epochs 2 --device cpu -o m.st --report r.html -q", false);
    check_note("train b.csv --epochs 2 --device cpu --report r.html", false);
    check_note("report m.st a.csv --device cpu -o r.html", true);
    if (gnuplot_there()) check_note("plot confusion m.st a.csv --device cpu -o a.svg", true);
}

#else
Test(plots_read, skipped) { cr_skip_test("the program was not built"); }
#endif
