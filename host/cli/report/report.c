/* SPDX-License-Identifier: MIT */
#include "host/cli/report/report.h"
#include "host/base/file.h"
#include "host/cli/base/html.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/residuals.h"
#include "host/cli/plot/boundary.h"
#include "host/cli/plot/gnuplot.h"
#include "host/cli/plot/model_plots.h"
#include "host/cli/report/examples.h"
#include "host/cli/report/filters.h"
#include "host/cli/report/number_tables.h"
#include "host/cli/report/summary.h"
#include "host/cli/report/tables.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Plots ----------------------------------------------------------------------------------- */

typedef struct {
    ls_text *page;
    const report_input *in;
    bool plots; /* gnuplot is installed */
    analysis analysis;
} report_work;

static void details_begin(const report_work *w, const char *summary)
{
    ls_text_add(w->page, "<details><summary>%s</summary>\n", summary);
}
static void details_end(const report_work *w) { ls_text_add(w->page, "</details>\n"); }

/* Plots of one set of rows name it: "ROC curve, test rows". */
static bool names_rows(plot_section section)
{
    return section == PLOT_IN_ERRORS || section == PLOT_IN_CURVES ||
           section == PLOT_IN_PROBABILITIES || section == PLOT_IN_NUMBERS ||
           section == PLOT_IN_RESIDUALS || section == PLOT_IN_CURVE;
}

static ls_status add_plot(report_work *w, const model_plot *plot, ls_error *err)
{
    ls_text script = {0}, below = {0};
    char caption[160], *svg = NULL;
    bool named = names_rows(plot->section);
    snprintf(caption, sizeof caption, "%s%s%s", plot->caption, named ? ", " : "",
             named ? analysis_judged(&w->analysis)->label : "");
    ls_status status = plot->draw(&script, &w->analysis, err);
    if (status == LS_OK) status = plot_draw(&script, caption, plot->description, &svg, err);
    free(script.text);
    LS_TRY(status);
    ls_text_add(&below, "%s. %s", caption, plot->reading);
    html_add_plot(w->page, svg, below.text ? below.text : caption);
    w->page->failed |= below.failed;
    free(below.text);
    free(svg);
    return LS_OK;
}

/* Adds the plots of a section that this model and these rows allow. */
static ls_status add_plots(report_work *w, plot_section section, ls_error *err)
{
    for (size_t i = 0; w->plots && i < model_plot_count; i++) {
        const model_plot *plot = &model_plots[i];
        ls_error reason;
        if (plot->section != section ||
            (plot->most_classes && ls_model_classes(w->in->model) > plot->most_classes))
            continue;
        ls_status status = model_plot_check(plot, &w->analysis, &reason);
        if (status == LS_ERR_ARGUMENT) continue;
        LS_TRY(status == LS_OK ? LS_OK : ls_fail(err, status, "%s", reason.message));
        LS_TRY(add_plot(w, plot, err));
    }
    return LS_OK;
}

/* The same side by side, if the page is wide enough. */
static ls_status add_plots_abreast(report_work *w, plot_section section, ls_error *err)
{
    if (!w->plots) return LS_OK;
    ls_text_add(w->page, "<div class=\"pair\">\n");
    LS_TRY(add_plots(w, section, err));
    ls_text_add(w->page, "</div>\n");
    return LS_OK;
}

/* ---- Sections -------------------------------------------------------------------------------- */

/* The networks of an ensemble, in place of what one network has. */
static ls_status add_members(report_work *w)
{
    const ls_model *m = w->in->model;
    html_add_element(w->page, "h2", "Ensemble");
    ls_text_add(w->page,
                "<p>The mean of %zu networks, each counted as often as the table says, with "
                "probabilities calibrated at the temperature %.3g.</p>\n",
                ls_model_members(m), ls_model_temperature(m));
    report_table_members(w->page, m);
    return LS_OK;
}

static ls_status add_training(report_work *w, ls_error *err)
{
    if (ls_model_members(w->in->model)) return add_members(w);
    html_add_element(w->page, "h2", "Training");
    LS_TRY(add_plots(w, PLOT_IN_TRAINING, err));
    details_begin(w, "Loss per epoch as a table");
    report_table_loss(w->page, w->in->model);
    details_end(w);
    return LS_OK;
}

static ls_status add_metrics(report_work *w, ls_error *err)
{
    const analysis *a = &w->analysis;
    const outcome *judged = analysis_judged(a);
    html_add_element(w->page, "h2", "Metrics");
    report_table_metrics(w->page, a->outcome, a->outcomes);
    if (judged->classes == 2) {
        ls_text_add(w->page, "<p class=\"soft\">Precision, recall and F1 are those of the class ");
        html_add(w->page, ls_model_class_name(w->in->model, judged->positive));
        ls_text_add(w->page, ".</p>\n");
    } else
        ls_text_add(w->page,
                    "<p class=\"soft\">Precision, recall and F1 are means over the classes.</p>\n");
    ls_text_add(w->page,
                "<p class=\"soft\">The baseline is the accuracy of always predicting the most "
                "frequent class of the training rows.</p>\n");
    html_add_element(w->page, "h3", "Classes");
    LS_TRY(report_table_classes(w->page, a->outcome, a->outcomes, err));
    return add_plots(w, PLOT_IN_METRICS, err);
}

static ls_status add_number_metrics(report_work *w, ls_error *err)
{
    const analysis *a = &w->analysis;
    const outcome *judged = analysis_judged(a);
    html_add_element(w->page, "h2", "Metrics");
    report_table_number_metrics(w->page, a->outcome, a->outcomes);
    ls_text_add(
        w->page,
        "<p class=\"soft\">RMSE, MAE and the median absolute error are in units of the target%s. The baseline always predicts the mean of the training rows.</p>\n",
        judged->targets > 1 ? " (means over the targets)" : "");
    if (judged->targets > 1) {
        html_add_element(w->page, "h3", "Targets");
        report_table_targets(w->page, judged);
    }
    return add_plots(w, PLOT_IN_METRICS, err);
}

static ls_status add_label_metrics(report_work *w, ls_error *err)
{
    const analysis *a = &w->analysis;
    html_add_element(w->page, "h2", "Metrics");
    report_table_label_metrics(w->page, a->outcome, a->outcomes);
    ls_text_add(
        w->page,
        "<p class=\"soft\">The accuracy is the share of rows all of whose labels are right. Precision, recall and F1 are means over the labels.</p>\n");
    html_add_element(w->page, "h3", "Labels");
    LS_TRY(report_table_labels(w->page, analysis_judged(a), err));
    return add_plots(w, PLOT_IN_METRICS, err);
}

static void explain_plane(const report_work *w, const plot_plane *p)
{
    if (!p->principal) return;
    ls_text_add(
        w->page,
        "<p>The model has %zu inputs. The plot shows the plane through the mean of %zu %s along their first two principal components "
        "(of the inputs after encoding), which explain %.3g %% and %.3g %% of the variance. Colours show the model's predictions for points on this plane. Rows are "
        "projected onto it, so a row can lie in the region of another class and still be classified correctly.</p>\n",
        p->inputs, p->rows, w->in->data_label, 100 * p->share[0], 100 * p->share[1]);
}

static ls_status add_boundary(report_work *w, ls_error *err)
{
    const ls_model *model = w->in->model;
    size_t most = model_plot_find("boundary")->most_classes;
    if (!w->plots || ls_model_features(model) < 2 || ls_model_classes(model) > most) return LS_OK;
    LS_TRY(analysis_plane(&w->analysis, err));
    html_add_element(w->page, "h2", "Decision regions");
    explain_plane(w, &w->analysis.plane);
    LS_TRY(add_plots(w, PLOT_IN_BOUNDARY, err));
    if (w->in->test)
        ls_text_add(w->page,
                    "<p class=\"soft\">Filled points are %s, hollow points are test rows.</p>\n",
                    w->in->data_label);
    if (plot_regions_numbered(model))
        ls_text_add(
            w->page,
            "<p class=\"soft\">The numbers in the regions are the positions of the classes in the table of classes, from 1.</p>\n");
    return LS_OK;
}

static ls_status add_errors(report_work *w, ls_error *err)
{
    const outcome *o = analysis_judged(&w->analysis);
    bool perfect = true;
    for (size_t i = 0; i < o->classes * o->classes; i++)
        perfect &= i % (o->classes + 1) == 0 || !o->metrics->confusion[i];
    html_add_element(w->page, "h2", "Errors");
    LS_TRY(add_plots(w, PLOT_IN_ERRORS, err));
    if (perfect) {
        ls_text_add(w->page, "<p>No row is misclassified.</p>\n");
        report_add_examples(w->page, o);
        return LS_OK;
    }
    html_add_element(w->page, "h3", "Most frequently confused classes");
    report_table_confused(w->page, o);
    html_add_element(w->page, "h3", "Rows misclassified with the highest scores");
    LS_TRY(report_table_worst(w->page, o, err));
    ls_text_add(
        w->page,
        "<p class=\"soft\">Row numbers start at 1 and count the data rows of the file, without its header.</p>\n");
    report_add_examples(w->page, o);
    return LS_OK;
}

static ls_status add_curves(report_work *w, ls_error *err)
{
    const outcome *o = analysis_judged(&w->analysis);
    if (!w->plots) return LS_OK;
    if (outcome_one_class(o)) {
        html_add_element(w->page, "p",
                         o->task == LS_TASK_MULTILABEL
                             ? "Each label is the same in all rows, so there are no ROC and "
                               "precision-recall curves."
                             : "All rows have the same class, so there are no ROC and "
                               "precision-recall curves.");
        return LS_OK;
    }
    LS_TRY(add_plots_abreast(w, PLOT_IN_CURVES, err));
    if (o->task == LS_TASK_MULTILABEL && o->classes > OUTCOME_CURVES)
        ls_text_add(w->page,
                    "<p class=\"soft\">The six labels with the smallest area under the ROC curve; "
                    "the table of labels has all areas.</p>\n");
    if (o->task == LS_TASK_CLASSIFICATION && o->classes > 2)
        ls_text_add(
            w->page,
            "<p class=\"soft\">Each class against all others%s; the table of classes has the areas of all classes.</p>\n",
            o->classes > OUTCOME_CURVES
                ? ", for the six classes with the smallest area under the ROC curve"
                : "");
    return LS_OK;
}

static ls_status add_probabilities(report_work *w, ls_error *err)
{
    const outcome *o = analysis_judged(&w->analysis);
    html_add_element(w->page, "h2", "Predicted probabilities");
    LS_TRY(add_curves(w, err));
    if (o->classes == 2 && o->probabilities) {
        details_begin(w, "Thresholds as a table");
        report_table_thresholds(w->page, o);
        details_end(w);
    }
    if (!o->probabilities) return LS_OK;
    LS_TRY(add_plots_abreast(w, PLOT_IN_PROBABILITIES, err));
    ls_text_add(
        w->page,
        "<p>Expected calibration error: %.4f (mean distance between predicted probability and observed share, over %d bins).</p>\n",
        o->metrics->calibration_error, LS_CALIBRATION_BINS);
    details_begin(w, "Calibration and histogram as tables");
    report_table_calibration(w->page, o);
    report_table_histogram(w->page, o);
    details_end(w);
    return LS_OK;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static ls_status add_predictions(report_work *w, ls_error *err)
{
    const outcome *o = analysis_judged(&w->analysis);
    html_add_element(w->page, "h2", "Predictions");
    LS_TRY(add_plots(w, PLOT_IN_CURVE, err));
    LS_TRY((o->targets > 1 ? add_plots : add_plots_abreast)(w, PLOT_IN_NUMBERS, err));
    if (o->rows > 100)
        ls_text_add(
            w->page,
            "<p class=\"soft\">The plots of points show at most 300 of the %zu rows, evenly spaced, and those with the largest residuals. Histogram, groups and tables are of all rows.</p>\n",
            o->rows);
    if (o->targets > 6)
        ls_text_add(w->page, "<p class=\"soft\">The first six of %zu targets.</p>\n", o->targets);
    details_begin(w, "Residuals as a table");
    LS_TRY(report_table_quantiles(w->page, o, err));
    details_end(w);
    html_add_element(w->page, "h3", "Rows with the largest residuals");
    LS_TRY(report_table_residuals(w->page, o, err));
    ls_text_add(
        w->page,
        "<p class=\"soft\">A residual is the true number minus the predicted one. Row numbers start at 1 and count the data rows of the file, without its header.</p>\n");
    return LS_OK;
}

static ls_status add_residuals_by_input(report_work *w, ls_error *err)
{
    const outcome *o = analysis_judged(&w->analysis);
    residual_input list[RESIDUAL_INPUTS];
    size_t n;
    LS_TRY(residual_inputs(o, list, &n, err));
    if (!n) return LS_OK;
    html_add_element(w->page, "h2", "Residuals by input");
    ls_text_add(
        w->page,
        "<p>The inputs that explain most of what the model leaves unexplained. Rows are grouped by the value of an input (ten groups of equal size, or one per value); squares are the mean residuals of the groups. If these depart from zero together, the model has missed a part of the input's effect.</p>\n");
    LS_TRY(add_plots(w, PLOT_IN_RESIDUALS, err));
    LS_TRY(report_table_inputs(w->page, o, err));
    ls_text_add(
        w->page,
        "<p class=\"soft\">Share of the residuals' variance between the groups, less what chance gives (epsilon squared)%s.</p>\n",
        o->rows > 4000 ? ", of 4000 rows evenly spaced" : "");
    return LS_OK;
}

static ls_status add_layers(report_work *w, ls_error *err)
{
    analysis *a = &w->analysis;
    LS_TRY(analysis_layers(a, err));
    html_add_element(w->page, "h2", "Layers");
    ls_text_add(
        w->page,
        "<p>Computed with the weights of the model on %zu %s. The gradient is that of the mean loss. An activation is saturated if its function is flat or nearly flat there: "
        "sigmoid outside 0.01 to 0.99, tanh beyond ±0.99, relu at 0, leaky_relu below 0, elu below −0.99, silu and gelu within 0.01 of 0, softmax as sigmoid. "
        "A unit is dead if it is saturated on every row.</p>\n",
        a->layer_rows, w->in->data_label);
    LS_TRY(add_plots(w, PLOT_IN_LAYERS, err));
    report_table_layers(w->page, a->model, a->layer, a->layers);
    return LS_OK;
}

/* ---- The report ------------------------------------------------------------------------------ */

/* The sections that depend on what is predicted. */
static ls_status add_results(report_work *w, ls_error *err)
{
    const ls_task task = ls_model_task(w->in->model);
    if (task == LS_TASK_REGRESSION) {
        LS_TRY(add_number_metrics(w, err));
        LS_TRY(add_predictions(w, err));
        return add_residuals_by_input(w, err);
    }
    if (task == LS_TASK_MULTILABEL) {
        LS_TRY(add_label_metrics(w, err));
        html_add_element(w->page, "h2", "Predicted scores");
        return add_curves(w, err);
    }
    LS_TRY(add_metrics(w, err));
    LS_TRY(add_boundary(w, err));
    LS_TRY(add_errors(w, err));
    return add_probabilities(w, err);
}

static ls_status add_all(report_work *w, ls_error *err)
{
    LS_TRY(analysis_outcomes(&w->analysis, err));
    html_begin(w->page, "Lockstep training report");
    ls_text_add(w->page, "<main class=\"report\">\n");
    LS_TRY(report_add_summary(w->page, w->in, err));
    report_add_settings(w->page, w->in->model);
    ls_status possible = plot_check(err);
    if (possible != LS_OK && possible != LS_ERR_UNSUPPORTED) return possible;
    w->plots = possible == LS_OK;
    if (!w->plots) html_add_element(w->page, "p", plot_absent);
    LS_TRY(add_training(w, err));
    if (w->analysis.outcomes) {
        LS_TRY(add_results(w, err));
        if (!ls_model_members(w->in->model)) LS_TRY(add_layers(w, err));
    }
    LS_TRY(report_add_filters(w->page, w->in->model, w->in->data, w->in->data_label, err));
    ls_text_add(w->page, "</main>\n");
    html_end(w->page);
    return LS_OK;
}

ls_status report_write(const report_input *in, const char *path, ls_error *err)
{
    ls_text page = {0};
    report_work w = {.page = &page,
                     .in = in,
                     .analysis = {.model = in->model,
                                  .device = in->device,
                                  .data = in->data,
                                  .test = in->test,
                                  .data_label = in->data_label}};
    ls_error why;
    ls_status status = add_all(&w, &why);
    if (status != LS_OK) ls_fail(err, status, "%s: %s", path, why.message);
    else if (page.failed) status = ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", path);
    if (status == LS_OK) status = ls_write_file(path, page.text, page.length, err);
    analysis_free(&w.analysis);
    free(page.text);
    return status;
}
