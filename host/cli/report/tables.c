/* SPDX-License-Identifier: MIT */
#include "host/cli/report/tables.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/html.h"
#include "host/cli/base/model_output.h"
#include "host/cli/report/cells.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void share_cell(ls_text *page, double top, double bottom)
{
    report_number(page, "%.1f %%", bottom > 0 ? 100 * top / bottom : (double)NAN);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Metrics --------------------------------------------------------------------------------- */

void report_table_metrics(ls_text *page, const outcome *o, size_t n)
{
    static const char *const head[] = {"",           "rows",   "loss", "accuracy",       "baseline",
                                       "precision",  "recall", "F1",   "area under ROC", "log-loss",
                                       "Brier score"};
    size_t columns = COUNT(head) - (o[0].probabilities ? 0 : 2);
    report_head(page, head, columns, 1);
    for (size_t i = 0; i < n; i++) {
        const ls_metrics *m = o[i].metrics;
        const double part[] = {m->accuracy, m->baseline_accuracy, m->precision, m->recall, m->f1,
                               m->auc,      m->log_loss,          m->brier};
        report_row_begin(page);
        report_text(page, o[i].label);
        report_number(page, "%.0f", (double)m->rows);
        report_number(page, "%.6g", m->loss);
        for (size_t k = 0; k + 3 < columns; k++) report_number(page, "%.4f", part[k]);
        report_row_end(page);
    }
    html_table_end(page);
}

/* ---- Classes --------------------------------------------------------------------------------- */

enum { MOST_CLASSES = 50 }; /* rows of the table at most */

static double rows_of(const outcome *o, size_t class)
{
    double rows = 0;
    for (size_t k = 0; k < o->classes; k++)
        rows += (double)o->metrics->confusion[class * o->classes + k];
    return rows;
}

static void class_row(ls_text *page, const outcome *o, size_t n, size_t class, const double *area)
{
    const outcome *last = &o[n - 1];
    report_row_begin(page);
    report_text(page, ls_model_class_name(o->model, class));
    for (size_t i = 0; i < n; i++) {
        report_number(page, "%.0f", rows_of(&o[i], class));
        share_cell(page, rows_of(&o[i], class), (double)o[i].rows);
    }
    report_number(page, "%.4f", last->metrics->class_precision[class]);
    report_number(page, "%.4f", last->metrics->class_recall[class]);
    report_number(page, "%.4f", last->metrics->class_f1[class]);
    report_number(page, "%.4f", area[class]);
    report_number(page, "%.4f", area[o->classes + class]);
    report_row_end(page);
}

ls_status report_table_classes(ls_text *page, const outcome *o, size_t n, ls_error *err)
{
    const char *const head[] = {"class",          o[0].label,         "share",  "test rows",
                                "share",          "precision",        "recall", "F1",
                                "area under ROC", "average precision"};
    const char *shown[COUNT(head)];
    outcome_curve list[OUTCOME_CURVES];
    const outcome *last = &o[n - 1];
    size_t curves, k = 0;
    double *area;
    LS_TRY(ls_alloc(&area, 2 * o->classes, sizeof *area, "the classes", err));
    for (size_t c = 0; c < 2 * o->classes; c++) area[c] = (double)NAN;
    ls_status status = outcome_curves(last, list, &curves, area, area + o->classes, err);
    if (status == LS_OK) outcome_curves_free(list, curves);
    for (size_t i = 0; i < COUNT(head); i++)
        if (n > 1 || i < 3 || i > 4) shown[k++] = head[i];
    if (status == LS_OK) {
        report_head(page, shown, k, 1);
        for (size_t c = 0; c < o->classes && c < MOST_CLASSES; c++) class_row(page, o, n, c, area);
        html_table_end(page);
        if (o->classes > MOST_CLASSES)
            ls_text_add(page, "<p class=\"soft\">The first %d of %zu classes.</p>\n", MOST_CLASSES,
                        o->classes);
    }
    free(area);
    return status;
}

/* ---- Loss ------------------------------------------------------------------------------------ */

void report_table_loss(ls_text *page, const ls_model *model)
{
    static const char *const head[] = {"epoch", "training loss", "validation loss",
                                       "validation accuracy"};
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    size_t step = n > 20 ? n / 20 + 1 : 1;
    bool validation = n && !isnan(h[n - 1].validation_loss);
    bool accuracy = validation && !isnan(h[n - 1].validation_accuracy);
    report_head(page, head, 2 + (size_t)validation + (size_t)accuracy, 0);
    for (size_t i = 0; i < n; i += i + 1 < n && i + step >= n ? n - 1 - i : step) {
        report_row_begin(page);
        report_number(page, "%.0f", (double)h[i].epoch);
        report_number(page, "%.6g", (double)h[i].loss);
        if (validation) report_number(page, "%.6g", (double)h[i].validation_loss);
        if (accuracy) report_number(page, "%.4f", (double)h[i].validation_accuracy);
        report_row_end(page);
    }
    html_table_end(page);
}

/* ---- Mistakes -------------------------------------------------------------------------------- */

void report_table_confused(ls_text *page, const outcome *o)
{
    static const char *const head[] = {"true class", "predicted class", "rows",
                                       "share of true class"};
    outcome_pair pair[10];
    size_t n = outcome_confused(o, pair, COUNT(pair));
    if (!n) return;
    report_head(page, head, COUNT(head), 2);
    for (size_t i = 0; i < n; i++) {
        report_row_begin(page);
        report_text(page, ls_model_class_name(o->model, pair[i].truth));
        report_text(page, ls_model_class_name(o->model, pair[i].predicted));
        report_number(page, "%.0f", (double)pair[i].rows);
        share_cell(page, (double)pair[i].rows, rows_of(o, pair[i].truth));
        report_row_end(page);
    }
    html_table_end(page);
}

ls_status report_table_worst(ls_text *page, const outcome *o, ls_error *err)
{
    static const char *const head[] = {"row", "true class", "predicted class", "probability"};
    size_t list[10], column[REPORT_COLUMNS], n = outcome_worst(o, list, COUNT(list)),
                                             shown = report_columns(o->data, list, n, column);
    html_table_begin(page);
    report_row_begin(page);
    for (size_t i = 0; i < COUNT(head) - !o->probabilities; i++)
        report_cell(page, "th", i == 0 || i == 3, head[i]);
    for (size_t c = 0; c < shown; c++) {
        ls_column_info info = LS_INIT(ls_column_info);
        LS_TRY(ls_data_column(o->data, column[c], &info, err));
        report_cell(page, "th", !info.categorical, info.name);
    }
    report_row_end(page);
    for (size_t i = 0; i < n; i++) {
        size_t predicted = outcome_predicted(o, list[i]);
        report_row_begin(page);
        report_number(page, "%.0f", (double)ls_data_row_number(o->data, list[i]) + 1);
        report_text(page, ls_model_class_name(o->model, (size_t)ls_data_y(o->data)[list[i]]));
        report_text(page, ls_model_class_name(o->model, predicted));
        if (o->probabilities) report_number(page, "%.4f", outcome_score(o, list[i], predicted));
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

/* ---- Probabilities --------------------------------------------------------------------------- */

void report_table_thresholds(ls_text *page, const outcome *o)
{
    static const char *const head[] = {"threshold", "false positive rate",
                                       "true positive rate (recall)", "precision"};
    report_head(page, head, COUNT(head), 0);
    for (int k = 1; k < 10; k++) {
        double taken = 0, hits = 0, positives = 0;
        for (size_t i = 0; i < o->rows; i++) {
            bool positive = (size_t)ls_data_y(o->data)[i] == o->positive,
                 over = outcome_score(o, i, o->positive) >= k / 10.0;
            positives += positive;
            taken += over;
            hits += over && positive;
        }
        double negatives = (double)o->rows - positives;
        report_row_begin(page);
        report_number(page, "%.1f", k / 10.0);
        report_number(page, "%.4f", negatives > 0 ? (taken - hits) / negatives : (double)NAN);
        report_number(page, "%.4f", positives > 0 ? hits / positives : (double)NAN);
        report_number(page, "%.4f", taken > 0 ? hits / taken : (double)NAN);
        report_row_end(page);
    }
    html_table_end(page);
}

void report_table_calibration(ls_text *page, const outcome *o)
{
    static const char *const head[] = {"probability", "rows", "mean prediction", "observed share"};
    report_head(page, head, COUNT(head), 1);
    for (size_t k = 0; k < LS_CALIBRATION_BINS; k++) {
        const ls_calibration_bin *b = &o->metrics->calibration[k];
        char text[32];
        if (!b->rows) continue;
        snprintf(text, sizeof text, "%.1f to %.1f", (double)k / LS_CALIBRATION_BINS,
                 (double)(k + 1) / LS_CALIBRATION_BINS);
        report_row_begin(page);
        report_text(page, text);
        report_number(page, "%.0f", (double)b->rows);
        report_number(page, "%.4f", b->score);
        report_number(page, "%.4f", b->share);
        report_row_end(page);
    }
    html_table_end(page);
}

void report_table_histogram(ls_text *page, const outcome *o)
{
    const char *const head[] = {
        "probability", o->classes == 2 ? ls_model_class_name(o->model, o->positive) : "correct",
        o->classes == 2 ? ls_model_class_name(o->model, !o->positive) : "wrong"};
    outcome_bin bin[HISTOGRAM_BINS];
    outcome_bins(o, bin);
    report_head(page, head, COUNT(head), 1);
    for (size_t k = 0; k < HISTOGRAM_BINS; k++) {
        char text[32];
        if (!bin[k].rows) continue;
        snprintf(text, sizeof text, "%.2f to %.2f", (double)k / HISTOGRAM_BINS,
                 (double)(k + 1) / HISTOGRAM_BINS);
        report_row_begin(page);
        report_text(page, text);
        report_number(page, "%.0f", (double)bin[k].hits);
        report_number(page, "%.0f", (double)(bin[k].rows - bin[k].hits));
        report_row_end(page);
    }
    html_table_end(page);
}

/* ---- Layers ---------------------------------------------------------------------------------- */

/* "2: 20 → 20", or the layer in the words of --net. */
static void name_layer(const ls_model *model, const ls_layer_info *l, size_t i, char text[160])
{
    ls_layer_shape shape = LS_INIT(ls_layer_shape);
    if (strcmp(ls_model_option(model, "net"), "none") &&
        ls_model_layer_shape(model, i, &shape, NULL) == LS_OK)
        snprintf(text, 160, "%zu: %s", i + 1, shape.text);
    else snprintf(text, 160, "%zu: %zu → %zu", i + 1, l->inputs, l->units);
}

/* The least validation loss of its history. */
static double member_loss(const ls_model *m)
{
    size_t n;
    const ls_history_point *h = ls_model_history(m, &n);
    double least = NAN;
    for (size_t i = 0; i < n; i++)
        if (!((double)h[i].validation_loss >= least)) least = (double)h[i].validation_loss;
    return least;
}

void report_table_members(ls_text *page, const ls_model *model)
{
    static const char *const head[] = {"network", "counts",    "activation", "learning rate",
                                       "dropout", "embedding", "epochs",     "validation loss"};
    report_head(page, head, COUNT(head), 1);
    for (size_t i = 0; i < ls_model_members(model); i++) {
        const ls_model *m = ls_model_member(model, i);
        ls_summary s = LS_INIT(ls_summary);
        char text[256];
        double loss = member_loss(m);
        ls_model_summary(m, &s, NULL);
        report_row_begin(page);
        describe_widths(m, text, sizeof text);
        report_text(page, text);
        report_number(page, "%.0f", (double)ls_model_member_times(model, i));
        report_text(page, ls_model_option(m, "activation"));
        report_text(page, ls_model_option(m, "lr"));
        report_text(page, ls_model_option(m, "dropout"));
        report_text(page, ls_model_option(m, "embedding"));
        report_number(page, "%.0f", (double)s.best_epoch);
        report_number(page, "%.5g", loss);
        report_row_end(page);
    }
    html_table_end(page);
}

void report_table_layers(ls_text *page, const ls_model *model, const ls_layer_info *layer,
                         size_t count)
{
    static const char *const head[] = {"layer",         "activation",      "weight norm",
                                       "gradient norm", "mean activation", "standard deviation",
                                       "saturated",     "dead units"};
    size_t every = count / 40 + 1;
    report_head(page, head, COUNT(head), 2);
    for (size_t i = 0; i < count; i += every) {
        const ls_layer_info *l = &layer[i];
        char text[160];
        bool last = i + 1 == count;
        name_layer(model, l, i, text);
        report_row_begin(page);
        report_text(page, text);
        report_text(page, l->activation);
        report_number(page, "%.4g", l->weight_norm);
        report_number(page, "%.4g", l->gradient_norm);
        report_number(page, "%.4g", l->mean);
        report_number(page, "%.4g", l->deviation);
        report_number(page, "%.1f %%", 100 * l->saturated);
        if (last) report_text(page, "");
        else {
            snprintf(text, sizeof text, "%zu of %zu", l->dead, l->units);
            report_cell(page, "td", true, text);
        }
        report_row_end(page);
    }
    html_table_end(page);
    if (every > 1)
        ls_text_add(page, "<p class=\"soft\">Some of %zu layers, evenly spaced.</p>\n", count);
}
