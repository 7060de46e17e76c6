/* SPDX-License-Identifier: MIT */
/* Residuals of predicted numbers, and reports and plots of models that predict numbers or labels.
 * The functions of the program are called directly, because the data come from arrays. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/base/metrics_output.h"
#include "host/cli/base/residuals.h"
#include "host/cli/plot/gnuplot.h"
#include "host/cli/plot/model_plots.h"
#include "host/cli/plot/panels.h"
#include "host/cli/plot/script.h"
#include "host/cli/report/report.h"
#include "host/data/data.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(number_reports, .init = enter, .fini = leave, .timeout = 120);

enum { ROWS = 400, FEATURES = 3 };

/* Three features in [0, 1), of which the last has four values, and targets that depend on them:
 * numbers, or labels where the number is large. */
static ls_data *make_data(ls_task task, size_t targets)
{
    static float x[ROWS * FEATURES];
    static double values[ROWS * 4];
    unsigned state = 7;
    ls_data *data;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < FEATURES; j++) {
            unsigned bits = (state = state * 1103515245u + 12345u) >> 16 & 0x7FFF;
            x[i * FEATURES + j] = j < 2 ? (float)bits / 32768.0f : (float)(bits % 4);
        }
        for (size_t t = 0; t < targets; t++) {
            const float *r = x + i * FEATURES;
            double number = 10 * (double)r[t % 2] * (double)r[0] + (t == 1 ? 3 : 1) * (double)r[2];
            values[i * targets + t] = task == LS_TASK_MULTILABEL ? number > 4 + (double)t
                                                                 : 100 * number;
        }
    }
    cr_assert_eq(ls_data_from_targets(x, values, ROWS, FEATURES, targets, task, &data, NULL),
                 LS_OK);
    return data;
}

static ls_model *train(const ls_data *data, const char *options)
{
    ls_options *o = runs_options(options);
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_train(NULL, o, data, NULL, NULL, &model, &err), LS_OK, "%s", err.message);
    ls_options_free(o);
    return model;
}

static outcome outcome_of(const ls_model *model, const ls_data *data)
{
    outcome o;
    ls_error err;
    cr_assert_eq(outcome_compute(model, NULL, data, "rows", &o, &err), LS_OK, "%s", err.message);
    return o;
}

/* An outcome with given residuals of one target: the true numbers are 0. */
static ls_metrics no_metrics;
static double one = 1;
static outcome made_outcome(ls_data **data, const double *residual, size_t rows)
{
    static float x[1000];
    static double zero[1000], number[1000];
    for (size_t i = 0; i < rows; i++) number[i] = -residual[i];
    cr_assert_eq(ls_data_from_targets(x, zero, rows, 1, 1, LS_TASK_REGRESSION, data, NULL), LS_OK);
    no_metrics.target_rmse = &one;
    return (outcome){.data = *data,
                     .task = LS_TASK_REGRESSION,
                     .rows = rows,
                     .targets = 1,
                     .number = number,
                     .metrics = &no_metrics};
}

/* ---- Residuals ------------------------------------------------------------------------------- */

Test(number_reports, groups_of_few_values)
{
    /* by:       1  1  1   2  2  2   (NaN: left out)
     * residual: 1  2  3   7  8  9   100
     * total: mean 5, squares 16+9+4+4+9+16 = 58; within: 2 + 2 = 4
     * epsilon squared: 1 - (4/4)/(58/5) = 1 - 5/58 */
    static const double residual[] = {1, 7, 2, 8, 100, 3, 9}, by[] = {1, 2, 1, 2, NAN, 1, 2};
    residual_group group[RESIDUAL_GROUPS];
    size_t count;
    double share;
    ls_data *data;
    outcome o = made_outcome(&data, residual, 7);
    cr_assert_eq(residual_groups(&o, 0, by, 7, group, &count, &share, NULL), LS_OK);
    cr_assert_eq(count, 2);
    cr_expect(group[0].rows == 3 && group[0].from <= 1 && group[0].to <= 1);
    cr_expect_float_eq(group[0].mean, 2, 1e-15);
    cr_expect_float_eq(group[1].mean, 8, 1e-15);
    cr_expect_float_eq(share, 1 - 5.0 / 58, 1e-15);
    ls_data_free(data);
}

Test(number_reports, groups_of_many_values)
{
    double residual[995], by[995];
    residual_group group[RESIDUAL_GROUPS];
    size_t count, rows = 0;
    double share;
    ls_data *data;
    for (size_t i = 0; i < 995; i++) {
        by[i] = (double)(i * 37 % 995 / 2); /* 498 values, all but one of them twice */
        residual[i] = by[i] * by[i];
    }
    outcome o = made_outcome(&data, residual, 995);
    cr_assert_eq(residual_groups(&o, 0, by, 995, group, &count, &share, NULL), LS_OK);
    cr_assert_eq(count, 10);
    for (size_t k = 0; k < count; k++) {
        rows += group[k].rows;
        cr_expect(k + 1 == count || (group[k].rows >= 100 && group[k].rows <= 101));
        cr_expect(k == 0 || group[k].from > group[k - 1].to, "equal values are in two groups");
        cr_expect(group[k].by > group[k].from && group[k].by < group[k].to);
    }
    cr_expect_eq(rows, 995);
    cr_expect(share > 0.98 && share < 1, "%g", share);
    /* residuals that have nothing to do with the groups explain nothing but chance */
    unsigned state = 1;
    for (size_t i = 0; i < 995; i++)
        residual[i] = (double)((state = state * 1103515245u + 12345u) >> 16 & 0x7FFF);
    ls_data_free(data);
    o = made_outcome(&data, residual, 995);
    cr_assert_eq(residual_groups(&o, 0, by, 995, group, &count, &share, NULL), LS_OK);
    cr_expect(fabs(share) < 0.02, "%g", share);
    ls_data_free(data);
}

Test(number_reports, quantiles_and_bins)
{
    static const double expected[] = {0, 5, 25, 50, 75, 95, 100};
    double residual[101], quantile[RESIDUAL_QUANTILES];
    residual_bins bins;
    size_t sum = 0;
    ls_data *data;
    for (size_t i = 0; i < 101; i++) residual[i] = (double)(i * 7 % 101);
    outcome o = made_outcome(&data, residual, 101);
    cr_assert_eq(residual_quantiles(&o, 0, quantile, NULL), LS_OK);
    for (size_t i = 0; i < RESIDUAL_QUANTILES; i++)
        cr_expect_float_eq(quantile[i], expected[i], 1e-12);
    cr_assert_eq(residual_histogram(&o, 0, &bins, NULL), LS_OK);
    for (size_t i = 0; i < RESIDUAL_BINS; i++) {
        sum += bins.rows[i];
        cr_expect(bins.rows[i] == 4 || (i + 1 == RESIDUAL_BINS && bins.rows[i] == 5));
    }
    cr_expect(sum == 101 && bins.clipped == 0 && bins.low <= 0);
    cr_expect_float_eq(bins.width, 4, 1e-12);
    ls_data_free(data);
    residual[0] = 1e6, residual[1] = -1e6; /* far outside: counted at the ends */
    o = made_outcome(&data, residual, 101);
    cr_assert_eq(residual_histogram(&o, 0, &bins, NULL), LS_OK);
    sum = 0;
    for (size_t i = 0; i < RESIDUAL_BINS; i++) sum += bins.rows[i];
    cr_expect(sum == 101 && bins.clipped == 2 && bins.rows[0] == 1 &&
              bins.rows[RESIDUAL_BINS - 1] == 1 && bins.width < 30);
    ls_data_free(data);
    for (size_t i = 0; i < 101; i++) residual[i] = 3;
    o = made_outcome(&data, residual, 101);
    cr_assert_eq(residual_histogram(&o, 0, &bins, NULL), LS_OK);
    cr_expect(bins.width > 0 && bins.clipped == 0);
    ls_data_free(data);
}

Test(number_reports, worst_rows_and_samples)
{
    double residual[1000];
    bool marks[1000];
    size_t list[10], marked = 0;
    ls_data *data;
    for (size_t i = 0; i < 1000; i++) residual[i] = (i % 2 ? -1 : 1) * (double)(i * 7 % 1000);
    outcome o = made_outcome(&data, residual, 1000);
    cr_assert_eq(residual_worst(&o, list, 10), 10);
    for (size_t i = 0; i < 10; i++) cr_expect_eq(list[i] * 7 % 1000, 999 - i);
    residual_sample(&o, 100, marks);
    for (size_t i = 0; i < 1000; i++) marked += marks[i];
    for (size_t i = 0; i < 10; i++) cr_expect(marks[list[i]]);
    cr_expect(marked >= 100 && marked <= 110, "%zu", marked);
    for (size_t from = 0; from < 1000; from += 20) {
        size_t part = 0;
        for (size_t i = from; i < from + 20; i++) part += marks[i];
        cr_expect_geq(part, 2, "none of the rows %zu to %zu", from, from + 19);
    }
    ls_data_free(data);
}

/* The network sees no input but noise that the target does not depend on: the input that it lacks
 * explains the residuals. */
Test(number_reports, inputs_are_listed_by_what_they_explain)
{
    residual_input list[RESIDUAL_INPUTS];
    size_t count;
    ls_data *data = make_data(LS_TASK_REGRESSION, 2);
    ls_model *model = train(data, "hidden 2 epochs 1 lr 0.0001");
    outcome o = outcome_of(model, data);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t t = 0; t < 2; t++)
            o.number[2 * i + t] = data->value[2 * i + t] - 5 * (double)data->x[i * FEATURES + t];
    cr_assert_eq(residual_inputs(&o, list, &count, NULL), LS_OK);
    cr_assert_eq(count, 6);
    cr_expect(list[0].share > 0.98 && list[1].share > 0.98 && list[2].share < 0.1);
    for (size_t k = 0; k < 2; k++) cr_expect_eq(list[k].target, list[k].column);
    outcome_free(&o);
    ls_model_free(model);
    ls_data_free(data);
}

/* ---- Reports --------------------------------------------------------------------------------- */

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) n++;
    return n;
}

static char *report_of(const ls_model *model, const ls_data *data)
{
    const report_input in = {
        .model = model, .data = data, .data_label = "rows", .source = "made", .command = "none"};
    ls_error err;
    cr_assert_eq(report_write(&in, "a.html", &err), LS_OK, "%s", err.message);
    size_t size;
    char *page = runs_file_read("a.html", &size);
    cr_assert_not_null(page);
    cr_expect_lt(size, 300000, "%zu bytes", size);
    cr_expect_eq(count_of(page, "<svg"), count_of(page, "</svg>"));
    static const char *const odd[] = {">nan<", " nan<", ">-nan", ">inf", ">-inf"};
    for (size_t i = 0; i < RUNS_COUNT(odd); i++) cr_expect(!strstr(page, odd[i]), "%s", odd[i]);
    return page;
}

/* Numbers of the table, recomputed from the predictions. */
Test(number_reports, report_of_a_number)
{
    ls_data *data = make_data(LS_TASK_REGRESSION, 1);
    ls_model *model = train(data, "hidden 8 epochs 30 lr 0.01");
    double p[ROWS], squares = 0, mean = 0, around = 0, worst = 0, text_value;
    size_t row = 0;
    char text[256];
    cr_assert_eq(ls_model_predict_numbers(model, NULL, data, p, NULL), LS_OK);
    for (size_t i = 0; i < ROWS; i++) mean += data->value[i] / ROWS;
    for (size_t i = 0; i < ROWS; i++) {
        double residual = data->value[i] - p[i];
        squares += residual * residual;
        around += (data->value[i] - mean) * (data->value[i] - mean);
        if (fabs(residual) > fabs(worst)) worst = residual, row = i;
    }
    char *page = report_of(model, data);
    snprintf(text, sizeof text, "<td class=\"right\">%.6g</td>", sqrt(squares / ROWS));
    cr_expect(strstr(page, text), "RMSE is %s", text);
    snprintf(text, sizeof text, "<td class=\"right\">%.4f</td>", 1 - squares / around);
    cr_expect(strstr(page, text), "R2 is %s", text);
    snprintf(text, sizeof text, "<td>baseline</td><td></td><td></td><td class=\"right\">%.6g</td>",
             sqrt(around / ROWS));
    cr_expect(strstr(page, text), "the baseline is %s", text);
    char *at = strstr(page, "Rows with the largest residuals");
    cr_assert(at && (at = strstr(at, "<tr><td")));
    cr_assert_eq(sscanf(at,
                        "<tr><td class=\"right\">%zu</td><td class=\"right\">%*f</td><td "
                        "class=\"right\">%*f</td><td class=\"right\">%lf</td>",
                        &row, &text_value),
                 2, "%.200s", at);
    cr_expect_float_eq(text_value, worst, 1e-3 * fabs(worst));
    cr_expect_eq(data->value[row - 1] - p[row - 1] > 0, worst > 0);
    /* loss, predicted, residuals, histogram, by input, layers */
    cr_expect_eq(count_of(page, "<svg"), (plot_check(NULL) == LS_OK) ? 6 : 0);
    cr_expect(!strstr(page, "Confusion") && !strstr(page, "ROC") && !strstr(page, "Decision") &&
              !strstr(page, "accuracy"));
    free(page);
    ls_model_free(model);
    ls_data_free(data);
}

Test(number_reports, report_of_several_numbers)
{
    ls_data *data = make_data(LS_TASK_REGRESSION, 3);
    ls_model *model = train(data, "hidden 8 epochs 10 lr 0.01");
    char *page = report_of(model, data);
    cr_expect(strstr(page, "3 columns, 3 targets") && strstr(page, "y1, y2, y3") &&
              strstr(page, ">Targets</h3>"));
    cr_expect_eq(count_of(page, "<svg"), (plot_check(NULL) == LS_OK) ? 6 : 0);
    cr_expect(!(plot_check(NULL) == LS_OK) || strstr(page, ">x1 (residuals of y"),
              "panels name no target");
    free(page);
    ls_model_free(model);
    ls_data_free(data);
}

Test(number_reports, report_of_labels)
{
    ls_data *data = make_data(LS_TASK_MULTILABEL, 3);
    ls_model *model = train(data, "hidden 8 epochs 30 lr 0.01");
    outcome o = outcome_of(model, data);
    char text[128];
    size_t right = 0;
    for (size_t i = 0; i < ROWS; i++) {
        bool all = true;
        for (size_t t = 0; t < 3; t++)
            all &= (o.p[3 * i + t] >= 0.5f) == (data->value[3 * i + t] > 0.5);
        right += all;
    }
    char *page = report_of(model, data);
    snprintf(text, sizeof text, "<td class=\"right\">%.4f</td>", (double)right / ROWS);
    cr_expect(strstr(page, text), "the accuracy is %s", text);
    cr_expect(strstr(page, "3 columns, 3 labels") && strstr(page, ">Labels</h3>"));
    /* loss, ROC, precision-recall, layers */
    cr_expect_eq(count_of(page, "<svg"), (plot_check(NULL) == LS_OK) ? 4 : 0);
    cr_expect(!strstr(page, "Confusion") && !strstr(page, "Residuals"));
    free(page);
    outcome_free(&o);
    ls_model_free(model);
    ls_data_free(data);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static double number_at(const json_t *o, const char *a, const char *b, const char *c)
{
    const json_t *at = json_object_get(o, a);
    if (b) at = json_object_get(at, b);
    if (c) at = json_object_get(at, c);
    cr_assert(json_is_number(at), "%s %s %s", a, b ? b : "", c ? c : "");
    return json_number_value(at);
}

Test(number_reports, json_of_numbers_and_labels)
{
    for (int labels = 0; labels < 2; labels++) {
        ls_data *data = make_data(labels ? LS_TASK_MULTILABEL : LS_TASK_REGRESSION, 2);
        ls_model *model = train(data, "hidden 4 epochs 5");
        outcome o = outcome_of(model, data);
        const ls_metrics *m = o.metrics;
        json_t *json = metrics_json(m, model);
        cr_expect_str_eq(json_string_value(json_object_get(json, "task")),
                         labels ? "multilabel" : "regression");
        cr_expect(!(number_at(json, "loss", NULL, NULL) < m->loss) &&
                  !(number_at(json, "loss", NULL, NULL) > m->loss));
        if (labels) {
            cr_expect_float_eq(number_at(json, "accuracy", NULL, NULL), m->accuracy, 0);
            cr_expect_float_eq(number_at(json, "baseline_accuracy", NULL, NULL),
                               m->baseline_accuracy, 0);
            cr_expect_float_eq(number_at(json, "labels", "y2", "recall"), m->class_recall[1], 0);
            cr_expect_float_eq(number_at(json, "labels", "y1", "support"),
                               (double)m->class_support[0], 0);
            cr_expect_null(json_object_get(json, "rmse"));
        } else {
            cr_expect_float_eq(number_at(json, "rmse", NULL, NULL), m->rmse, 0);
            cr_expect_float_eq(number_at(json, "baseline_mae", NULL, NULL), m->baseline_mae, 0);
            cr_expect_float_eq(number_at(json, "targets", "y2", "r2"), m->target_r2[1], 0);
            cr_expect_float_eq(number_at(json, "targets", "y1", "median_absolute_error"),
                               m->target_median_absolute_error[0], 0);
            cr_expect_null(json_object_get(json, "accuracy"));
        }
        cr_expect_null(json_object_get(json, "confusion"));
        json_decref(json);
        outcome_free(&o);
        ls_model_free(model);
        ls_data_free(data);
    }
}

/* ---- Plots ----------------------------------------------------------------------------------- */

/* Every plot either is drawn or says for which models it is. */
static void draw_all(const ls_model *model, const ls_data *data, size_t drawn)
{
    size_t n = 0;
    for (size_t i = 0; i < model_plot_count; i++) {
        analysis a = {.model = model, .data = data, .data_label = "rows"};
        ls_text script = {0};
        ls_error err = {LS_OK, ""};
        char path[64];
        ls_status status = model_plot_check(&model_plots[i], &a, &err);
        snprintf(path, sizeof path, "%s.svg", model_plots[i].name);
        if (status == LS_OK) status = model_plots[i].draw(&script, &a, &err);
        if (status == LS_OK && (plot_check(NULL) == LS_OK))
            status = plot_draw_file(&script, model_plots[i].name, NULL, path, &err);
        snprintf(path, sizeof path, "%s.png", model_plots[i].name);
        if (status == LS_OK && (plot_check(NULL) == LS_OK))
            status = plot_draw_file(&script, model_plots[i].name, NULL, path, &err);
        n += status == LS_OK;
        cr_expect(status == LS_OK || (status == LS_ERR_ARGUMENT && *err.message), "%s: %s",
                  model_plots[i].name, err.message);
        free(script.text);
        analysis_free(&a);
    }
    cr_expect_eq(n, drawn, "%zu plots", n);
}

Test(number_reports, single_plots)
{
    ls_data *sine, *data[] = {make_data(LS_TASK_REGRESSION, 1), make_data(LS_TASK_REGRESSION, 4),
                              make_data(LS_TASK_MULTILABEL, 2)};
    static const size_t drawn[] = {6, 6, 4};
    for (size_t i = 0; i < 3; i++) {
        ls_model *model = train(data[i], "hidden 4 epochs 3");
        draw_all(model, data[i], drawn[i]);
        ls_model_free(model);
        ls_data_free(data[i]);
    }
    cr_assert_eq(ls_data_generate("sine", NULL, &sine, NULL), LS_OK);
    ls_model *model = train(sine, "hidden 4 epochs 3");
    draw_all(model, sine, 7);
    ls_model_free(model);
    ls_data_free(sine);
}

/* Labels of tics leave room between them on the axis, whatever the numbers. */
Test(number_reports, tics_have_room)
{
    static const double list[][2] = {{0, 1},       {100000, 900000}, {-4e6, 6e6}, {1.6e9, 1.75e9},
                                     {1e-7, 3e-7}, {-8e307, 8e307},  {5, 5},      {0, 0},
                                     {-3e-5, 1},   {123456, 123457}, {1e15, 4e15}};
    for (size_t i = 0; i < RUNS_COUNT(list); i++)
        for (size_t count = 1; count < 3; count++) {
            ls_text s = {0};
            double from, to, at, tics = 0, characters = 0;
            plot_panel_range(&s, 'x', count, list[i][0], list[i][1]);
            cr_assert_eq(sscanf(s.text, "set xrange [%lf:%lf]", &from, &to), 2);
            cr_expect(from <= list[i][0] && list[i][1] <= to && isfinite(to - from), "%s", s.text);
            const char *p = strstr(s.text, "set xtics (");
            cr_assert_not_null(p);
            while ((p = strchr(p, '\''))) {
                const char *end = strchr(p + 1, '\'');
                double shown = strtod(p + 1, NULL);
                at = strtod(end + 1, NULL);
                characters += (double)(end - p);
                tics++;
                cr_expect(fabs(shown - at) <= 1e-5 * (to - from), "%s", s.text);
                cr_expect(at >= from && at <= to, "%s", s.text);
                p = end + 1;
            }
            cr_expect(tics >= 2, "%s", s.text);
            cr_expect_lt(characters * 7, plot_panel_wide(count) + 80, "%s", s.text);
            free(s.text);
        }
    cr_expect_float_eq(plot_panel_base(1700000012, 1700008000), 1700000000, 0);
    cr_expect_float_eq(plot_panel_base(-1700008000, -1700000012), -1700008000, 0);
    cr_expect_float_eq(plot_panel_base(1000, 1010), 0, 0);
    cr_expect_float_eq(plot_panel_base(7, 7), 0, 0);
    cr_expect_float_eq(plot_panel_base(HUGE_VAL, -HUGE_VAL), 0, 0);
}

/* A gnuplot that fails is told apart from one that is killed. */
Test(number_reports, failures_of_gnuplot)
{
    static const struct {
        const char *program, *message;
    } list[] = {
        {"#!/bin/sh\nkill -SEGV $$\n", "gnuplot failed to draw the plot (killed by signal 11)"},
        {"#!/bin/sh\nexit 3\n", "gnuplot failed to draw the plot (exit status 3)"}};
    char *path = strdup(getenv("PATH")), here[256], first[4096];
    ls_text script = {0};
    cr_assert_not_null(getcwd(here, sizeof here));
    snprintf(first, sizeof first, "%s:%s", here, path);
    plot_begin(&script, 100, 100);
    setenv("PATH", first, 1);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_error err;
        runs_file_write("gnuplot", list[i].program, strlen(list[i].program));
        cr_assert_eq(chmod("gnuplot", 0700), 0);
        cr_expect_eq(plot_draw_file(&script, "plot", NULL, "a.png", &err), LS_ERR_IO);
        cr_expect_str_eq(err.message, list[i].message);
    }
    setenv("PATH", path, 1);
    free(path);
    free(script.text);
}

/* Rows that leave nothing to draw a range from: one row, equal targets, missing cells. */
Test(number_reports, rows_of_little_content)
{
    static const float x[] = {1, 1, 1};
    static const double y[] = {5, 5, 5}, other[] = {4, 5, 6};
    ls_data *training, *flat, *single;
    cr_assert_eq(ls_data_from_targets(x, other, 3, 1, 1, LS_TASK_REGRESSION, &training, NULL),
                 LS_OK);
    cr_assert_eq(ls_data_from_targets(x, y, 3, 1, 1, LS_TASK_REGRESSION, &flat, NULL), LS_OK);
    cr_assert_eq(ls_data_from_targets(x, y, 1, 1, 1, LS_TASK_REGRESSION, &single, NULL), LS_OK);
    ls_model *model = train(training, "hidden 2 epochs 2 standardize off");
    free(report_of(model, training));
    free(report_of(model, flat));
    free(report_of(model, single));
    ls_model_free(model);
    ls_data_free(training);
    ls_data_free(flat);
    ls_data_free(single);
}
#endif
