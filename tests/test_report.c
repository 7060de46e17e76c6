/* SPDX-License-Identifier: MIT */
/* lockstep report, train --report and lockstep plot: their output and their errors. Plots need
 * gnuplot. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/include/lockstep.h"
#include "tests/support/runs.h"

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
    cr_expect(strstr(a, hash), "the report lacks the model's hash");
    cr_expect(strstr(a, "lockstep train moons --split 0.2 --hidden 8 --epochs 20"),
              "the report lacks the command");
    cr_expect(strstr(a, "test rows") && strstr(a, "training rows") && strstr(a, "CPU path"));
    cr_expect(!strstr(a, "<script") && !strstr(a, "src="));
    cr_expect_eq(count(a, "<svg"), gnuplot_there() ? 10 : 0, "%zu plots", count(a, "<svg"));
    cr_expect(count(a, "</svg>") == count(a, "<svg") &&
                  count(a, "</g>") == count(a, "<g>") + count(a, "<g "),
              "elements are not closed");
    cr_expect(!strstr(a, "gnuplot_plot_1<") && count(a, "<desc>") == count(a, "<svg"),
              "plots without a description");
    free(a);
    free(b);
}

/* The report names the classes, and its command has the options of the training. */
Test(report, of_a_model)
{
    char data[512], line[1024];
    snprintf(data, sizeof data, LS_SOURCE_DIR "/datasets/iris.csv");
    snprintf(line, sizeof line, "train %s --no-standardize --batch-norm -o iris.safetensors" QUICK,
             data);
    do_it(line);
    snprintf(line, sizeof line, "report iris.safetensors %s --device cpu -o iris.html", data);
    do_it(line);
    do_it("report iris.safetensors -o bare.html --device cpu");
    char *page = runs_file_read("iris.html", NULL), *bare = runs_file_read("bare.html", NULL);
    cr_assert(page && bare);
    cr_expect(strstr(page, " --hidden 8 --epochs 20 --batch-norm --no-standardize</code>"),
              "the command is wrong");
    cr_expect(strstr(page, "setosa"), "classes are not named");
    cr_expect_eq(count(page, "<svg"), gnuplot_there() ? 10 : 0);
    cr_expect(strstr(page, "Each class against all others") || !gnuplot_there());
    cr_expect_eq(count(bare, "<svg"), gnuplot_there() ? 2 : 0);
    free(page);
    free(bare);
}

/* The command in the report, as it is displayed (HTML decoded). */
static char *command_of(const char *path)
{
    static const char *const marks[][2] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
    char *page = runs_file_read(path, NULL), *out = NULL;
    cr_assert_not_null(page);
    char *from = strstr(page, "train this model again: <code>"),
         *to = from ? strstr(from, "</code>") : NULL;
    cr_assert(to, "%s has no command", path);
    *to = 0;
    from += strlen("train this model again: <code>");
    size_t n = 0;
    out = calloc(1, strlen(from) + 1);
    for (; *from; n++) {
        size_t k = 0;
        while (k < RUNS_COUNT(marks) && strncmp(from, marks[k][0], strlen(marks[k][0]))) k++;
        out[n] = k < RUNS_COUNT(marks) ? *marks[k][1] : *from;
        from += k < RUNS_COUNT(marks) ? strlen(marks[k][0]) : 1;
    }
    free(page);
    return out;
}

/* Expects that the command, run by a shell, trains the model with this hash. */
static void expect_repeats(const char *page, const char *hash)
{
    char *command = command_of(page), line[4096];
    snprintf(line, sizeof line, "lockstep() { '%s' \"$@\"; }; %s --device cpu", LS_PROGRAM,
             command);
    runs_child c;
    runs_spawn((const char *const[]){"/bin/sh", "-c", line, NULL}, &c);
    cr_expect(c.status == 0 && strstr(c.out, hash), "%s: %s\n%s%s", page, command, c.out, c.err);
    runs_child_free(&c);
    free(command);
}

Test(report, the_command_pasted_into_a_shell_gives_the_model)
{
    char text[8192] = "length,\"the kind\",key,width,`is` $it\n", hash[65];
    size_t n = strlen(text);
    for (int i = 0; i < 60; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d,%s,%d,%d.5,%s\n", i * 7 % 31,
                              i % 3 ? "a" : "b", i, i % 4,
                              (i * 7 % 31) + (i % 3) * 9 > 20 ? "it's \"so\"" : "<no> & %d");
    runs_file_write("my data's.csv", text, n);
    runs_child c;
    runs_spawn(
        (const char *const[]){
            LS_PROGRAM,    "train",    "my data's.csv", "--target",   "`is` $it",
            "--drop",      "key",      "--categorical", "width",      "--missing",
            "median",      "--split",  "0.123456789",   "--positive", "it's \"so\"",
            "--threshold", "0.7",      "--epochs",      "100",        "--run",
            "a run",       "--report", "a.html",        "--device",   "cpu",
            "-q",          NULL},
        &c);
    cr_assert_eq(c.status, 0, "%s", c.err);
    runs_child_free(&c);
    runs_file_sha256("a run/model.safetensors", hash);
    expect_repeats("a.html", hash);
    expect_repeats("a run/report.html", hash);
    runs_spawn((const char *const[]){LS_PROGRAM, "report", "a run", "-o", "b.html", "--device",
                                     "cpu", NULL},
               &c);
    cr_assert_eq(c.status, 0, "%s", c.err);
    runs_child_free(&c);
    expect_repeats("b.html", hash);
    do_it(
        "train moons --noise 0.123456789 --rows 100 --positive 0 --threshold 0.3 -o m.safetensors" QUICK);
    do_it("report m.safetensors moons --noise 0.123456789 --rows 100 -o c.html --device cpu");
    runs_file_sha256("m.safetensors", hash);
    expect_repeats("c.html", hash);
}

/* Calls the function for each plot that the help of `lockstep plot` lists; returns their number. */
static size_t for_each_plot(void (*function)(const char *name))
{
    char *help = runs_program_expect("plot --help", 0), name[32],
         *line = strstr(help, "PLOT is one of");
    size_t n = 0;
    cr_assert(line && (line = strstr(line, "\n\n")));
    line += 2;
    for (; *line && *line != '\n'; line = strchr(line, '\n') + 1) {
        if (line[2] == ' ') continue; /* the rest of a description */
        cr_assert_eq(sscanf(line, " %31s", name), 1);
        function(name);
        n++;
    }
    free(help);
    return n;
}

/* Plots of the classes of moons, or of the numbers of sine; both have some. */
static void expect_plot(const char *name)
{
    char line[256];
    bool numbers = !strcmp(name, "predicted") || !strcmp(name, "curve") ||
                   !strncmp(name, "residual", 8),
         needs = strcmp(name, "loss") && strcmp(name, "accuracy");
    if (numbers) {
        snprintf(line, sizeof line, "plot %s moons.safetensors moons --device cpu -o no.svg", name);
        runs_child c = runs_program(line);
        cr_expect(c.status == 2 && strstr(c.err, "this one predicts classes"), "%s", c.err);
        runs_child_free(&c);
    }
    snprintf(line, sizeof line, "plot %s %s.safetensors %s --device cpu -o %s.svg", name,
             numbers ? "sine" : "moons",
             !needs    ? ""
             : numbers ? "sine"
                       : "moons",
             name);
    do_it(line);
    snprintf(line, sizeof line, "%s.svg", name);
    char *svg = runs_file_read(line, NULL);
    cr_assert_not_null(svg);
    cr_expect(!strncmp(svg, "<svg ", 5) && strstr(svg, "</svg>") && strstr(svg, "currentColor") &&
                  !strstr(svg, "scale(0.00)"),
              "%s", line);
    free(svg);
}

Test(report, single_plots)
{
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    do_it("train moons --validation 0.2 -o moons.safetensors" QUICK);
    do_it("train sine -o sine.safetensors" QUICK);
    cr_expect_geq(for_each_plot(expect_plot), 15);
    char *plot = runs_program_expect("plot loss moons.safetensors -o loss.png --json", 0),
         *report = runs_program_expect("report moons.safetensors -o a.html --json", 0);
    cr_expect_str_eq(plot, "{\"file\":\"loss.png\"}\n");
    cr_expect_str_eq(report, "{\"file\":\"a.html\"}\n");
    free(plot);
    free(report);
    char *png = runs_file_read("loss.png", NULL);
    cr_assert(png && !memcmp(png, "\x89PNG", 4));
    free(png);
}

Test(report, mistakes)
{
    static const struct {
        const char *line;
        int status;
        const char *word;
    } list[] = {
        {"report moons.safetensors", 2, "-o"},
        {"report missing.safetensors -o a.html", 1, "missing.safetensors"},
        {"report moons.safetensors -o moons.safetensors", 2, "moons.safetensors"},
        {"report moons.safetensors -o missing/a.html", 1, "missing/a.html"},
        {"train moons --report missing/a.html -q", 1, "missing/a.html"},
        {"plot loss moons.safetensors", 2, "-o"},
        {"plot sculpture moons.safetensors -o a.svg", 2, "calibration"},
        {"plot lose moons.safetensors -o a.svg", 2, "'loss'"},
        {"plot layers moons.safetensors -o a.svg", 2, "rows"},
        {"plot calibration raw.safetensors moons --device cpu -o a.svg", 2, "identity"},
        {"plot roc moons.safetensors same.csv --device cpu -o a.svg", 1, "one class"},
        {"plot boundary narrow.safetensors narrow.csv --device cpu -o a.svg", 2, "has one"},
        {"plot loss empty -o a.svg", 1, "model.safetensors"},
        {"report empty -o a.html", 1, "model.safetensors"},
        {"plot roc moons.safetensors -o a.svg", 2, "rows"},
        {"plot loss moons.safetensors -o a.gif", 2, ".png"},
        {"plot confusion sine.safetensors sine --device cpu -o a.svg", 2, "predicts numbers"},
        {"plot roc sine.safetensors sine --device cpu -o a.svg", 2, "classes or labels"},
        {"plot accuracy sine.safetensors -o a.svg", 2, "no accuracy"},
        {"plot curve friedman.safetensors friedman1 --device cpu -o a.svg", 2, "only input"},
        {"report sine.safetensors moons --device cpu -o a.html", 2, "predicts numbers"},
    };
    do_it("train sine -o sine.safetensors" QUICK);
    do_it("train friedman1 -o friedman.safetensors" QUICK);
    do_it("train moons -o moons.safetensors" QUICK);
    do_it("train moons --loss mse --output identity -o raw.safetensors" QUICK);
    runs_file_write("narrow.csv", "a,k\n1,x\n2,x\n3,y\n4,y\n", 20);
    runs_file_write("same.csv", "x1,x2,class\n1,2,1\n2,1,1\n", 24);
    do_it("train narrow.csv -o narrow.safetensors" QUICK);
    cr_assert_eq(mkdir("empty", 0700), 0);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        runs_child c = runs_program(list[i].line);
        cr_expect_eq(c.status, list[i].status, "lockstep %s: %d, %s", list[i].line, c.status,
                     c.err);
        cr_expect(strstr(c.err, list[i].word), "lockstep %s: %s", list[i].line, c.err);
        runs_child_free(&c);
    }
}

/* ---- Contents of the report ------------------------------------------------------------------ */

/* Finds the hover area whose text begins like this; at: its middle. */
static bool find_hover(const char *page, const char *text, double at[2])
{
    char wanted[128];
    double x, y, width, height;
    snprintf(wanted, sizeof wanted, "><title>%s", text);
    const char *title = strstr(page, wanted), *rect = title;
    while (rect && rect > page && strncmp(rect, "<rect", 5)) rect--;
    if (!rect || sscanf(rect, "<rect class=\"h\" x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"",
                        &x, &y, &width, &height) != 4)
        return false;
    at[0] = x + width / 2;
    at[1] = y + height / 2;
    return true;
}

/* Hover areas lie over what they describe: epochs along the axis, cells in a square. */
Test(report, hover_values)
{
    double first[2], last[2], middle[2], cell[2][2];
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    do_it(
        "train moons --validation 0.2 --split 0.2 --report a.html --device cpu -q --epochs 41 --hidden 4 --lr 0.0001");
    char *page = runs_file_read("a.html", NULL);
    cr_assert(page && find_hover(page, "epoch 1: training 0.", first) &&
              find_hover(page, "epoch 41: training 0.", last) &&
              find_hover(page, "epoch 21: training 0.", middle));
    cr_expect(fabs(middle[0] - (first[0] + last[0]) / 2) < 1.5 && middle[1] == first[1] &&
                  last[0] - first[0] > 400,
              "%g %g %g", first[0], middle[0], last[0]);
    cr_expect(fabs(first[0] - 0.13 * 640) < 2 && fabs(first[1] - 0.425 * 380) < 2,
              "the axis begins at %g, the first area at %g, %g", 0.13 * 640, first[0], first[1]);
    cr_assert(find_hover(page, "0 predicted as 0: ", cell[0]) &&
              find_hover(page, "1 predicted as 1: ", cell[1]));
    cr_expect(fabs(cell[1][0] - cell[0][0] - 210) < 2 && fabs(cell[1][1] - cell[0][1] - 210) < 2);
    cr_expect(find_hover(page, "threshold 0.", cell[0]) &&
              find_hover(page, "predicted 0.", cell[0]) &&
              find_hover(page, "layer 1: gradient norm", cell[0]) &&
              find_hover(page, "0: 80 training rows (50.0 %)", cell[0]));
    cr_expect(strstr(page, "Validation accuracy per epoch") &&
              find_hover(page, "epoch 41: 0.", last) && fabs(last[0] - 0.965 * 640) < 2);
    cr_expect_eq(count(page, "predicted as"), 4, "one hover area per cell");
    free(page);
}

/* Names from a data file appear as text, never as markup or commands. */
Test(report, names_are_text)
{
    char rows[8192] = "a <b>,\"c & \"\"d\"\" `touch ran`\",class\n";
    for (int i = 0; i < 60; i++)
        sprintf(rows + strlen(rows), "%d,%d,\"%s%s\"\n", i % 7, i % 5,
                i % 3 ? "<script>alert(1)</script>" : "a & \\ 'b' %20 #",
                i % 3 == 2 ? " `touch ran`" : "");
    runs_file_write("odd.csv", rows, strlen(rows));
    do_it("train odd.csv --report a.html" QUICK);
    char *page = runs_file_read("a.html", NULL);
    cr_assert_not_null(page);
    cr_expect(!strstr(page, "<script>") && !strstr(page, "a <b>") &&
              strstr(page, "&lt;script&gt;") && strstr(page, "a &amp; \\ 'b' %20 #"));
    cr_expect_eq(count(page, "<svg"), gnuplot_there() ? 10 : 0);
    free(page);
    cr_expect_null(runs_file_read("ran", NULL), "a name was run as a command");
}

/* A full factorial design, with variances 16, 4 and 1 along the axes. */
Test(report, principal_components)
{
    char rows[512] = "a,b,c,class\n";
    for (int i = 0; i < 8; i++)
        sprintf(rows + strlen(rows), "%d,%d,%d,%d\n", i & 1 ? 1 : -1, i & 2 ? 4 : -4,
                i & 4 ? 2 : -2, i % 2);
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    runs_file_write("box.csv", rows, strlen(rows));
    do_it("train box.csv --no-standardize --report a.html" QUICK);
    char *page = runs_file_read("a.html", NULL);
    cr_assert_not_null(page);
    cr_expect(strstr(page, "The model has 3 inputs") && strstr(page, "mean of 8 training rows") &&
              strstr(page, "explain 76.2 % and 19 % of the variance"));
    cr_expect(strstr(page, ">first principal component (76.2 %)<") &&
              strstr(page, ">second principal component (19 %)<"));
    free(page);
}

typedef struct {
    size_t row;
    double score;
} mistake;

static int by_falling_score(const void *a, const void *b)
{
    const mistake *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1)
                                : (x->row > y->row) - (x->row < y->row);
}

/* The misclassified rows and the calibration error, recomputed from the model's probabilities. */
Test(report, mistakes_and_calibration)
{
    enum { ROWS = 300 };
    ls_model *model;
    ls_data *data;
    float p[ROWS];
    mistake wrong[ROWS];
    double bin[10][3] = {{0}}, error = 0;
    size_t n = 0;
    do_it("make moons --rows 300 --noise 0.5 -o noisy.csv");
    do_it("train noisy.csv -o m.safetensors" QUICK);
    do_it("report m.safetensors noisy.csv --device cpu -o a.html");
    cr_assert(ls_model_load("m.safetensors", &model, NULL) == LS_OK &&
              ls_data_read("noisy.csv", &(ls_read_options){.model = model}, &data, NULL) == LS_OK);
    cr_assert_eq(ls_model_predict_data(model, NULL, data, p, NULL), LS_OK);
    for (size_t i = 0; i < ROWS; i++) {
        int32_t y = ls_data_y(data)[i];
        int k = (int)fmax(ceil((double)p[i] * 10) - 1, 0);
        bin[k][0]++, bin[k][1] += (double)p[i], bin[k][2] += y;
        if ((p[i] >= 0.5f) != (y == 1))
            wrong[n++] = (mistake){i, y ? 1 - (double)p[i] : (double)p[i]};
    }
    for (int k = 0; k < 10; k++) error += fabs(bin[k][1] - bin[k][2]) / ROWS;
    cr_assert_gt(n, 10);
    qsort(wrong, n, sizeof *wrong, by_falling_score);
    char *page = runs_file_read("a.html", NULL), text[256], *at = page;
    cr_assert_not_null(page);
    snprintf(text, sizeof text, "calibration error: %.4f", error);
    cr_expect(strstr(page, text), "it is %.6f", error);
    cr_assert_not_null(at = strstr(page, "Rows misclassified with the highest scores"));
    for (size_t i = 0; i < 10; i++) {
        int32_t y = ls_data_y(data)[wrong[i].row];
        snprintf(text, sizeof text,
                 "<td class=\"right\">%zu</td><td>%d</td><td>%d</td><td class=\"right\">%.4f</td>",
                 wrong[i].row + 1, (int)y, (int)!y, wrong[i].score);
        cr_expect(at && (at = strstr(at, text)), "mistake %zu is not %s", i, text);
    }
    free(page);
    ls_data_free(data);
    ls_model_free(model);
}

/* Split rows keep the row numbers of the file: a misclassified row's values are those of its line.
 */
Test(report, numbers_of_split_rows)
{
    do_it("make moons --rows 200 --noise 0.6 -o noisy.csv");
    do_it("train noisy.csv --split 0.5 --report a.html" QUICK);
    char *page = runs_file_read("a.html", NULL),
         *at = page ? strstr(page, "Rows misclassified with the highest scores") : NULL;
    ls_data *data;
    unsigned row;
    double x;
    cr_assert(at && ls_data_read("noisy.csv", NULL, &data, NULL) == LS_OK);
    at = strstr(at, "<tr><td");
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(
            sscanf(
                at,
                "<tr><td class=\"right\">%u</td><td>%*d</td><td>%*d</td><td class=\"right\">%*f</td><td class=\"right\">%lf",
                &row, &x),
            2, "%.200s", at);
        cr_expect(row >= 1 && row <= 200 && fabs(x - (double)ls_data_x(data)[2 * (row - 1)]) < 1e-5,
                  "row %u, %g", row, x);
        at = strstr(at + 1, "<tr><td");
    }
    ls_data_free(data);
    free(page);
}

/* A model with a threshold is judged by it, and the report names its positive class. */
Test(report, of_a_threshold)
{
    do_it("make moons --rows 300 --noise 0.5 -o noisy.csv");
    do_it("train noisy.csv --positive 0 --threshold 0.9 --report a.html" QUICK);
    char *page = runs_file_read("a.html", NULL),
         *at = page ? strstr(page, "Rows misclassified with the highest scores") : NULL;
    cr_assert_not_null(at);
    cr_expect(strstr(page, "<td>0 if its score is at least 0.9") &&
              strstr(page, "F1 are those of the class 0.") &&
              (!gnuplot_there() || strstr(page, ">probability of 0<")));
    /* rows of class 0 with a score below 0.9 are predicted as 1: the most frequent error */
    cr_assert_not_null(at = strstr(page, "Most frequently confused classes"));
    cr_expect(strstr(at, "<tr><td>") == strstr(at, "<tr><td>0</td><td>1</td>"));
    free(page);
}

/* Regression: the report of a training has the same metrics as its JSON, and its command repeats
 * it. */
Test(report, of_numbers)
{
    char hash[65];
    do_it("train friedman1 --split 0.3 -o f.safetensors --report a.html" QUICK);
    do_it("train friedman1 --split 0.3 --report b.html" QUICK);
    char *page = runs_file_read("a.html", NULL), *again = runs_file_read("b.html", NULL),
         *out = runs_program_expect("evaluate f.safetensors friedman1 --device cpu", 0);
    cr_assert(page && again);
    cr_expect_str_eq(page, again);
    cr_expect(strstr(out, "RMSE") && strstr(out, "baseline   data: RMSE ") &&
                  strstr(out, "median absolute error") && !strstr(out, "accuracy") &&
                  !strstr(out, "confusion"),
              "%s", out);
    cr_expect_eq(count(page, "<svg"), gnuplot_there() ? 6 : 0);
    runs_file_sha256("f.safetensors", hash);
    expect_repeats("a.html", hash);
    cr_expect(strstr(page,
                     "friedman1, 350 training rows and 150 test rows; 10 columns, 1 target<"));
    free(page);
    free(again);
    free(out);
}

/* The command of a report names the targets where train would take others. */
Test(report, the_command_names_the_targets)
{
    char text[4096] = "a,one,b,two\n", hash[65];
    for (int i = 0; i < 60; i++)
        sprintf(text + strlen(text), "%d.5,%d,%d,%d.25\n", i * 7 % 31, i * i % 11, i * 3 % 17,
                i * 7 % 31 + i % 3);
    runs_file_write("two.csv", text, strlen(text));
    do_it("train two.csv --target one,two --task regression -o both.safetensors" QUICK);
    do_it("report both.safetensors two.csv --device cpu -o a.html");
    runs_file_sha256("both.safetensors", hash);
    expect_repeats("a.html", hash);
    do_it("train two.csv --target one --task regression -o m.safetensors" QUICK);
    do_it("report m.safetensors two.csv --device cpu -o a.html");
    runs_file_sha256("m.safetensors", hash);
    expect_repeats("a.html", hash);
    runs_child c =
        runs_program("train two.csv --target two --validation 0.2 --epochs 3 --device cpu");
    cr_expect(c.status == 0 && strstr(c.err, "validation loss ") && !strstr(c.err, "accuracy") &&
                  !strstr(c.err, "nan"),
              "%s", c.err);
    runs_child_free(&c);
}

/* Axes of numbers that are large compared with their range show what is left of a round number. */
Test(report, of_large_numbers)
{
    char text[4096] = "time,y\n";
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    for (int i = 0; i < 60; i++)
        sprintf(text + strlen(text), "%d,%d.25\n", 1700000000 + i * 7, i * i % 31 + i);
    runs_file_write("times.csv", text, strlen(text));
    do_it("train times.csv --task regression -o t.safetensors" QUICK);
    do_it("plot curve t.safetensors times.csv --device cpu -o curve.svg");
    do_it("plot residuals-by-input t.safetensors times.csv --device cpu -o input.svg");
    char *curve = runs_file_read("curve.svg", NULL), *input = runs_file_read("input.svg", NULL);
    cr_assert(curve && input);
    cr_expect(strstr(curve, "time − 1700000000") && !strstr(curve, "e+09"));
    cr_expect(strstr(input, "time − 1700000000") && !strstr(input, "e+09"));
    free(curve);
    free(input);
}

/* The number of different x among the points of an SVG. */
static size_t places_of(const char *svg)
{
    size_t n = 0;
    int list[200];
    for (const char *p = svg; (p = strstr(p, "<use ")) && n < RUNS_COUNT(list); p++) {
        const char *x = strstr(p, " x='");
        cr_assert_not_null(x);
        int at = (int)strtod(x + 4, NULL);
        bool known = false;
        for (size_t i = 0; i < n; i++) known |= list[i] == at;
        if (!known) list[n++] = at;
    }
    return n;
}

/* Targets such as Unix times: every row has its place, and tics that differ. */
Test(report, of_large_targets)
{
    static const char *const plots[] = {"predicted", "residuals"}, *const labels[] = {
                                                                       "true − 1700000000",
                                                                       "predicted − "};
    char text[8192] = "a,y,z\n";
    if (!gnuplot_there()) cr_skip_test("gnuplot is not installed");
    for (int i = 0; i < 200; i++)
        sprintf(text + strlen(text), "%d.5,%d.25,%d\n", i, 1700000000 + i * 40, i);
    runs_file_write("times.csv", text, strlen(text));
    do_it(
        "train times.csv --task regression --target y --epochs 60 --hidden 16 -o t.m --device cpu -q");
    do_it("train times.csv --target y,z --epochs 2 --hidden 4 -o u.m --device cpu -q");
    for (size_t i = 0; i < RUNS_COUNT(plots); i++) {
        char line[256];
        snprintf(line, sizeof line, "plot %s t.m times.csv --device cpu -o a.svg", plots[i]);
        do_it(line);
        char *svg = runs_file_read("a.svg", NULL);
        cr_assert_not_null(svg);
        cr_expect(strstr(svg, labels[i]) && !strstr(svg, "e+09") && !strstr(svg, "1.7e9"));
        cr_expect_gt(places_of(svg), 100, "%s: %zu places", plots[i], places_of(svg));
        free(svg);
    }
    do_it("plot predicted u.m times.csv --device cpu -o a.svg");
    char *svg = runs_file_read("a.svg", NULL);
    cr_expect(svg && strstr(svg, ">y − 1"), "the title of the panel lacks what is subtracted");
    free(svg);
    do_it("report t.m times.csv --device cpu -o a.html");
    char *page = runs_file_read("a.html", NULL);
    cr_expect(page && strstr(page, "<td class=\"right\">170000") && !strstr(page, "e+09") &&
              strstr(page, ": true 170000"));
    free(page);
}

/* ---- Devices, folders and sizes -------------------------------------------------------------- */

Test(report, the_same_on_every_device)
{
    static const char *const ways[] = {"cpu --threads 1", "cpu --threads 2", "1"};
    char *first = NULL;
    do_it("train classification --hidden 12,12 --epochs 3 -o m.safetensors --device cpu -q");
    for (size_t i = 0; i < RUNS_COUNT(ways); i++) {
        char line[256];
        snprintf(line, sizeof line, "report m.safetensors classification -q -o a.html --device %s",
                 ways[i]);
        runs_child c = runs_program(line);
        bool there = c.status == 0 || i < 2 || getenv("LOCKSTEP_REQUIRE_OPENCL");
        runs_child_free(&c);
        if (!there) continue;
        char *page = runs_file_read("a.html", NULL);
        cr_assert(c.status == 0 && page, "%s", line);
        cr_expect(!first || !strcmp(first, page), "%s: other bytes", line);
        if (!first) first = page;
        else free(page);
    }
    free(first);
}

Test(report, of_a_runs_folder)
{
    cr_assert_eq(mkdir("run", 0700), 0);
    do_it("train moons -o run/model.safetensors" QUICK);
    do_it("report run moons --device cpu -o a.html");
    do_it("report run/model.safetensors moons --device cpu -o b.html");
    char *a = runs_file_read("a.html", NULL), *b = runs_file_read("b.html", NULL);
    cr_assert(a && b);
    cr_expect_str_eq(a, b);
    free(a);
    free(b);
}

/* Writes rows around one centre per class in the first two features; the other features are noise.
 */
static void write_rows(const char *path, size_t rows, size_t features, unsigned classes,
                       const char *name)
{
    size_t room = rows * (features * 4 + 100) + 8, at = 0;
    char *text = malloc(room);
    unsigned state = 1;
    cr_assert_not_null(text);
    for (size_t i = 0; i < rows; i++) {
        unsigned class = (unsigned)(i % classes);
        for (size_t j = 0; j < features; j++) {
            unsigned noise = (state = state * 1103515245u + 12345u) >> 16 & 7;
            at += (size_t)sprintf(text + at, "%u,",
                                  noise + (j == 0   ? class % 6 * 6
                                           : j == 1 ? class / 6 * 6
                                                    : 0));
        }
        at += (size_t)snprintf(text + at, room - at, "%s %u\n", name, class);
    }
    runs_file_write(path, text, at);
    free(text);
}

Test(report, small_enough)
{
    static const struct {
        size_t rows, features;
        unsigned classes;
        const char *name;
    } list[] = {{4000, 2, 2, "k"},
                {1000, 784, 10, "digit"},
                {3000, 3, 30, "a class with a long name & number"},
                {2000, 6, 16, "another long name of a class"},
                {1200, 3, 300, "class"},
                {3000, 2, 1000, "a class with a long name & number"},
                {3, 3, 2, "k"}};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        size_t size;
        write_rows("a.csv", list[i].rows, list[i].features, list[i].classes, list[i].name);
        do_it(i + 1 < RUNS_COUNT(list)
                  ? "train a.csv --split 0.3 --report a.html --device cpu -q --epochs 2 --hidden 16"
                  : "train a.csv --report a.html --device cpu -q --epochs 2");
        char *page = runs_file_read("a.html", &size);
        cr_assert_not_null(page);
        cr_expect_lt(size, 300000, "%u classes of %zu features: %zu bytes", list[i].classes,
                     list[i].features, size);
        free(page);
    }
    do_it(
        "train moons --split 0.2 --hidden 4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4 --epochs 2 --report a.html --device cpu -q");
    char *page = runs_file_read("a.html", NULL);
    cr_expect(page && strlen(page) < 300000 && strstr(page, "Some of 65 layers"));
    free(page);
}
#endif
