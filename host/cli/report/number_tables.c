/* SPDX-License-Identifier: MIT */
#include "host/cli/report/number_tables.h"
#include "host/base/memory.h"
#include "host/cli/base/html.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/residuals.h"
#include "host/cli/report/cells.h"
#include <math.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MOST_TARGETS = 50 }; /* rows of a table at most */

/* ---- Numbers --------------------------------------------------------------------------------- */

void report_table_number_metrics(ls_text *page, const outcome *o, size_t n)
{
    static const char *const head[] = {
        "", "rows", "loss", "RMSE", "MAE", "R²", "median absolute error", "explained variance"};
    report_head(page, head, COUNT(head), 1);
    for (size_t i = 0; i < n; i++) {
        const ls_metrics *m = o[i].metrics;
        report_row_begin(page);
        report_text(page, o[i].label);
        report_number(page, "%.0f", (double)m->rows);
        report_number(page, "%.6g", m->loss);
        report_number(page, "%.6g", m->rmse);
        report_number(page, "%.6g", m->mae);
        report_number(page, "%.4f", m->r2);
        report_number(page, "%.6g", m->median_absolute_error);
        report_number(page, "%.4f", m->explained_variance);
        report_row_end(page);
        report_row_begin(page);
        report_text(page, "baseline");
        report_text(page, "");
        report_text(page, "");
        report_number(page, "%.6g", m->baseline_rmse);
        report_number(page, "%.6g", m->baseline_mae);
        for (size_t k = 5; k < COUNT(head); k++) report_text(page, "");
        report_row_end(page);
    }
    html_table_end(page);
}

static void add_first_of(ls_text *page, const outcome *o, const char *what)
{
    if (o->targets > MOST_TARGETS)
        ls_text_add(page, "<p class=\"soft\">The first %d of %zu %s.</p>\n", MOST_TARGETS,
                    o->targets, what);
}

void report_table_targets(ls_text *page, const outcome *o)
{
    static const char *const head[] = {
        "target", "RMSE", "MAE", "R²", "median absolute error", "explained variance"};
    const ls_metrics *m = o->metrics;
    report_head(page, head, COUNT(head), 1);
    for (size_t t = 0; t < o->targets && t < MOST_TARGETS; t++) {
        report_row_begin(page);
        report_text(page, model_target_name(o->model, t));
        report_number(page, "%.6g", m->target_rmse[t]);
        report_number(page, "%.6g", m->target_mae[t]);
        report_number(page, "%.4f", m->target_r2[t]);
        report_number(page, "%.6g", m->target_median_absolute_error[t]);
        report_number(page, "%.4f", m->target_explained_variance[t]);
        report_row_end(page);
    }
    html_table_end(page);
    add_first_of(page, o, "targets");
}

ls_status report_table_quantiles(ls_text *page, const outcome *o, ls_error *err)
{
    static const char *const head[] = {"residuals of", "least", "5 %",  "25 %",
                                       "median",       "75 %",  "95 %", "greatest"};
    report_head(page, head, COUNT(head), 1);
    for (size_t t = 0; t < o->targets && t < MOST_TARGETS; t++) {
        double quantile[RESIDUAL_QUANTILES];
        LS_TRY(residual_quantiles(o, t, quantile, err));
        report_row_begin(page);
        report_text(page, model_target_name(o->model, t));
        for (size_t i = 0; i < RESIDUAL_QUANTILES; i++) report_number(page, "%.5g", quantile[i]);
        report_row_end(page);
    }
    html_table_end(page);
    return LS_OK;
}

/* The target whose residual makes the row one of the worst. */
static size_t worst_target(const outcome *o, size_t row)
{
    size_t worst = 0;
    double most = -1;
    for (size_t t = 0; t < o->targets; t++) {
        double rmse = o->metrics->target_rmse[t],
               own = fabs(residual_of(o, row, t)) / (rmse > 0 ? rmse : 1);
        if (own > most) most = own, worst = t;
    }
    return worst;
}

ls_status report_table_residuals(ls_text *page, const outcome *o, ls_error *err)
{
    size_t list[10], column[REPORT_COLUMNS], n = residual_worst(o, list, COUNT(list)),
                                             shown = report_columns(o->data, list, n, column);
    static const char *const head[] = {"row", "target", "true", "predicted", "residual"};
    html_table_begin(page);
    report_row_begin(page);
    for (size_t i = 0; i < COUNT(head); i++)
        if (i != 1 || o->targets > 1) report_cell(page, "th", i != 1, head[i]);
    for (size_t c = 0; c < shown; c++) {
        ls_column_info info = LS_INIT(ls_column_info);
        LS_TRY(ls_data_column(o->data, column[c], &info, err));
        report_cell(page, "th", !info.categorical, info.name);
    }
    report_row_end(page);
    for (size_t i = 0; i < n; i++) {
        size_t t = worst_target(o, list[i]);
        char format[16];
        report_row_begin(page);
        report_number(page, "%.0f", (double)ls_data_row_number(o->data, list[i]) + 1);
        if (o->targets > 1) report_text(page, model_target_name(o->model, t));
        snprintf(format, sizeof format, "%%.%dg", residual_digits(o, t, 7));
        report_number(page, format, residual_truth(o, list[i], t));
        report_number(page, format, o->number[list[i] * o->targets + t]);
        report_number(page, "%.5g", residual_of(o, list[i], t));
        for (size_t c = 0; c < shown; c++) report_value(page, o->data, list[i], column[c]);
        report_row_end(page);
    }
    html_table_end(page);
    if (shown < ls_data_columns(o->data))
        ls_text_add(page,
                    "<p class=\"soft\">The first columns in which these rows differ, of %zu.</p>\n",
                    ls_data_columns(o->data));
    return LS_OK;
}

ls_status report_table_inputs(ls_text *page, const outcome *o, ls_error *err)
{
    static const char *const head[] = {"input", "target", "share of the residuals' variance"};
    residual_input list[RESIDUAL_INPUTS];
    size_t n;
    LS_TRY(residual_inputs(o, list, &n, err));
    html_table_begin(page);
    report_row_begin(page);
    for (size_t i = 0; i < COUNT(head); i++)
        if (i != 1 || o->targets > 1) report_cell(page, "th", i == 2, head[i]);
    report_row_end(page);
    for (size_t i = 0; i < n; i++) {
        ls_column_info info = LS_INIT(ls_column_info);
        LS_TRY(ls_data_column(o->data, list[i].column, &info, err));
        report_row_begin(page);
        report_text(page, info.name);
        if (o->targets > 1) report_text(page, model_target_name(o->model, list[i].target));
        report_number(page, "%.1f %%", 100 * fmax(list[i].share, 0));
        report_row_end(page);
    }
    html_table_end(page);
    return LS_OK;
}

/* ---- Labels ---------------------------------------------------------------------------------- */

void report_table_label_metrics(ls_text *page, const outcome *o, size_t n)
{
    static const char *const head[] = {"",         "rows",      "loss",   "accuracy",
                                       "baseline", "precision", "recall", "F1"};
    report_head(page, head, COUNT(head), 1);
    for (size_t i = 0; i < n; i++) {
        const ls_metrics *m = o[i].metrics;
        report_row_begin(page);
        report_text(page, o[i].label);
        report_number(page, "%.0f", (double)m->rows);
        report_number(page, "%.6g", m->loss);
        report_number(page, "%.4f", m->accuracy);
        report_number(page, "%.4f", m->baseline_accuracy);
        report_number(page, "%.4f", m->precision);
        report_number(page, "%.4f", m->recall);
        report_number(page, "%.4f", m->f1);
        report_row_end(page);
    }
    html_table_end(page);
}

ls_status report_table_labels(ls_text *page, const outcome *o, ls_error *err)
{
    static const char *const head[] = {"label",  "rows", "share",          "precision",
                                       "recall", "F1",   "area under ROC", "average precision"};
    outcome_curve list[OUTCOME_CURVES];
    const ls_metrics *m = o->metrics;
    size_t curves;
    double *area;
    LS_TRY(ls_alloc(&area, 2 * o->classes, sizeof *area, "the labels", err));
    ls_status status = outcome_curves(o, list, &curves, area, area + o->classes, err);
    if (status == LS_OK) outcome_curves_free(list, curves);
    if (status == LS_OK) {
        report_head(page, head, COUNT(head), 1);
        for (size_t k = 0; k < o->classes && k < MOST_TARGETS; k++) {
            report_row_begin(page);
            report_text(page, model_target_name(o->model, k));
            report_number(page, "%.0f", (double)m->class_support[k]);
            report_number(page, "%.1f %%", 100 * (double)m->class_support[k] / (double)o->rows);
            report_number(page, "%.4f", m->class_precision[k]);
            report_number(page, "%.4f", m->class_recall[k]);
            report_number(page, "%.4f", m->class_f1[k]);
            report_number(page, "%.4f", area[k]);
            report_number(page, "%.4f", area[o->classes + k]);
            report_row_end(page);
        }
        html_table_end(page);
        add_first_of(page, o, "labels");
    }
    free(area);
    return status;
}
