/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/model_plots.h"
#include "host/cli/plot/boundary.h"
#include "host/cli/plot/class_plots.h"
#include "host/cli/plot/history_plots.h"
#include "host/cli/plot/layers_plot.h"
#include "host/cli/plot/score_plots.h"
#include <string.h>

/* ---- One function per plot ------------------------------------------------------------------- */

static ls_status draw_loss(ls_text *s, analysis *a, ls_error *err)
{
    (void)err;
    plot_loss(s, a->model);
    return LS_OK;
}

static ls_status draw_accuracy(ls_text *s, analysis *a, ls_error *err)
{
    (void)err;
    plot_accuracy(s, a->model);
    return LS_OK;
}

static ls_status draw_boundary(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_plane(a, err));
    return plot_boundary(s, a->model, a->device, &a->plane, a->data, a->test, err);
}

static ls_status draw_confusion(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    plot_confusion(s, analysis_judged(a));
    return LS_OK;
}

static ls_status draw_roc(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    return plot_roc(s, analysis_judged(a), err);
}

static ls_status draw_precision_recall(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    return plot_precision_recall(s, analysis_judged(a), err);
}

static ls_status draw_calibration(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    plot_calibration(s, analysis_judged(a));
    return LS_OK;
}

static ls_status draw_histogram(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    plot_histogram(s, analysis_judged(a));
    return LS_OK;
}

static ls_status draw_balance(ls_text *s, analysis *a, ls_error *err)
{
    (void)err;
    plot_balance(s, a->model, a->data, a->data_label, a->test);
    return LS_OK;
}

static ls_status draw_layers(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_layers(a, err));
    plot_layers(s, a->layer, a->layers);
    return LS_OK;
}

/* ---- The table ------------------------------------------------------------------------------- */

enum { DATA = PLOT_NEEDS_DATA, PROBABILITIES = PLOT_NEEDS_DATA | PLOT_NEEDS_PROBABILITIES };

const model_plot model_plots[] = {
    {"loss", PLOT_IN_TRAINING, 0, 0, draw_loss, "training and validation loss per epoch",
     "Loss per epoch",
     "Line plot of the training loss and, if any, the validation loss per epoch."},
    {"accuracy", PLOT_IN_TRAINING, PLOT_NEEDS_VALIDATION, 0, draw_accuracy,
     "accuracy per epoch on the validation rows", "Validation accuracy per epoch",
     "Line plot of the share of validation rows that are predicted correctly, per epoch."},
    {"boundary", PLOT_IN_BOUNDARY, DATA, 300, draw_boundary,
     "decision regions and the rows of DATA; for more than two inputs, on the plane of\n"
     "the first two principal components",
     "Decision regions and rows",
     "A plane coloured by predicted class, with the rows as points whose shapes show their true classes."},
    {"confusion", PLOT_IN_ERRORS, DATA, 60, draw_confusion,
     "confusion matrix: true and predicted classes of DATA", "Confusion matrix",
     "A matrix of counts, one row per true class and one column per predicted class; the darker a cell, the larger its share of the true class."},
    {"roc", PLOT_IN_CURVES, DATA, 0, draw_roc,
     "ROC curve; for more than two classes, one curve per class against all others", "ROC curve",
     "True positive rate against false positive rate at all thresholds."},
    {"precision-recall", PLOT_IN_CURVES, DATA, 0, draw_precision_recall,
     "precision against recall; for more than two classes, one curve per class",
     "Precision-recall curve", "Precision against recall at all thresholds."},
    {"calibration", PLOT_IN_PROBABILITIES, PROBABILITIES, 0, draw_calibration,
     "predicted probabilities against observed shares", "Calibration",
     "For ten bins of the predicted probability: mean prediction against observed share, and below it the number of rows."},
    {"histogram", PLOT_IN_PROBABILITIES, PROBABILITIES, 0, draw_histogram,
     "histogram of the predicted probabilities, by true class or by correctness",
     "Histogram of predicted probabilities",
     "Bars up and down: numbers of rows in twenty bins of the predicted probability."},
    {"balance", PLOT_IN_METRICS, DATA, 40, draw_balance, "number of rows of each class of DATA",
     "Rows per class",
     "Bars of the number of rows of each class; the table above has the numbers."},
    {"layers", PLOT_IN_LAYERS, DATA, 0, draw_layers,
     "gradient norm and saturated activations of each layer on DATA",
     "Gradient norm and saturation per layer (layer 1 is next to the input)",
     "Bars of the gradient norm and of the share of saturated activations of each layer; the table below has the numbers."},
};
const size_t model_plot_count = sizeof model_plots / sizeof *model_plots;

const model_plot *model_plot_find(const char *name)
{
    for (size_t i = 0; i < model_plot_count; i++)
        if (!strcmp(name, model_plots[i].name)) return &model_plots[i];
    return NULL;
}

ls_status model_plot_check(const model_plot *plot, analysis *a, ls_error *err)
{
    if ((plot->needs & PLOT_NEEDS_VALIDATION) && !plot_has_accuracy(a->model))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "the model was trained without validation rows, so it has no accuracy per epoch; train with --validation 0.2");
    if ((plot->needs & PLOT_NEEDS_DATA) && !a->data)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the plot '%s' needs rows: name a data file after the model", plot->name);
    if (!(plot->needs & PLOT_NEEDS_PROBABILITIES)) return LS_OK;
    LS_TRY(analysis_outcomes(a, err));
    if (analysis_judged(a)->probabilities) return LS_OK;
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "the plot '%s' needs probabilities, but the outputs of this model (identity, or several sigmoids) are none",
        plot->name);
}
