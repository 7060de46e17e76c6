/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/model_plots.h"
#include "host/cli/plot/boundary.h"
#include "host/cli/plot/class_plots.h"
#include "host/cli/plot/history_plots.h"
#include "host/cli/plot/layers_plot.h"
#include "host/cli/plot/number_plots.h"
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

static ls_status draw_predicted(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    return plot_predicted(s, analysis_judged(a), err);
}

static ls_status draw_residuals(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    return plot_residuals(s, analysis_judged(a), err);
}

static ls_status draw_residual_histogram(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    return plot_residual_histogram(s, analysis_judged(a), err);
}

static ls_status draw_residuals_by_input(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    return plot_residuals_by_input(s, analysis_judged(a), err);
}

static ls_status draw_curve(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_outcomes(a, err));
    return plot_curve(s, analysis_judged(a), a->device, err);
}

static ls_status draw_layers(ls_text *s, analysis *a, ls_error *err)
{
    LS_TRY(analysis_layers(a, err));
    plot_layers(s, a->layer, a->layers);
    return LS_OK;
}

/* ---- The table ------------------------------------------------------------------------------- */

enum {
    DATA = PLOT_NEEDS_DATA,
    CLASSES = PLOT_NEEDS_DATA | PLOT_NEEDS_CLASSES,
    SCORES = PLOT_NEEDS_DATA | PLOT_NEEDS_SCORES,
    PROBABILITIES = PLOT_NEEDS_DATA | PLOT_NEEDS_CLASSES | PLOT_NEEDS_PROBABILITIES,
    NUMBERS = PLOT_NEEDS_DATA | PLOT_NEEDS_NUMBERS
};

const model_plot model_plots[] = {
    {"loss", PLOT_IN_TRAINING, 0, 0, draw_loss, "training and validation loss per epoch",
     "Loss per epoch", "Line plot of the training loss and, if any, the validation loss per epoch.",
     "How wrong the network was after each pass over the rows. Good: the curves fall and level off side by side. A validation curve that turns up while the training curve falls shows overfitting; curves that still fall at the end, that more epochs may help."},
    {"accuracy", PLOT_IN_TRAINING, PLOT_NEEDS_VALIDATION, 0, draw_accuracy,
     "accuracy per epoch on the validation rows", "Validation accuracy per epoch",
     "Line plot of the share of validation rows that are predicted correctly, per epoch.",
     "The share of the rows held out that were predicted right. Good: it rises and levels off. Large steps mean that few rows were held out."},
    {"boundary", PLOT_IN_BOUNDARY, CLASSES, 300, draw_boundary,
     "decision regions and the rows of DATA; for more than two inputs, on the plane of\n"
     "the first two principal components",
     "Decision regions and rows",
     "A plane coloured by predicted class, with the rows as points whose shapes show their true classes.",
     "The colours are what the model predicts there. Good: points lie in regions of their own class, and the borders are no more ragged than the points ask for."},
    {"confusion", PLOT_IN_ERRORS, CLASSES, 60, draw_confusion,
     "confusion matrix: true and predicted classes of DATA", "Confusion matrix",
     "A matrix of counts, one row per true class and one column per predicted class; the darker a cell, the larger its share of the true class.",
     "A row of cells is a true class, a column what was predicted. Good: all is on the diagonal. A dark cell beside it is a pair of classes that are taken for each other."},
    {"roc", PLOT_IN_CURVES, SCORES, 0, draw_roc,
     "ROC curve; for more than two classes, one curve per class against all others; for labels,\n"
     "one per label",
     "ROC curve", "True positive rate against false positive rate at all thresholds.",
     "How many rows of a class are found (up) at the price of how many false alarms (to the right). Good: the curve hugs the upper left corner; on the diagonal the model guesses."},
    {"precision-recall", PLOT_IN_CURVES, SCORES, 0, draw_precision_recall,
     "precision against recall; for more than two classes, one curve per class",
     "Precision-recall curve", "Precision against recall at all thresholds.",
     "How many of the rows picked are right (up) if a given share of the class is to be found (to the right). Good: the curve stays at the top until far to the right."},
    {"calibration", PLOT_IN_PROBABILITIES, PROBABILITIES, 0, draw_calibration,
     "predicted probabilities against observed shares", "Calibration",
     "For ten bins of the predicted probability: mean prediction against observed share, and below it the number of rows.",
     "Of the rows to which the model gives 80 %, are 80 % so? Good: the line is on the diagonal. Below it probabilities are too high, above it too low. Points of few rows tell little."},
    {"histogram", PLOT_IN_PROBABILITIES, PROBABILITIES, 0, draw_histogram,
     "histogram of the predicted probabilities, by true class or by correctness",
     "Histogram of predicted probabilities",
     "Bars up and down: numbers of rows in twenty bins of the predicted probability.",
     "How sure the model is. Upwards are the rows that have the class (of several classes: that are predicted right), downwards the others. Good: the two stand apart, the upper ones at the right."},
    {"balance", PLOT_IN_METRICS, CLASSES, 40, draw_balance, "number of rows of each class of DATA",
     "Rows per class", "Bars of the number of rows of each class; the table above has the numbers.",
     "Where a class has far fewer rows than others, look at its recall, and not at the accuracy alone."},
    {"predicted", PLOT_IN_NUMBERS, NUMBERS, 0, draw_predicted,
     "numbers: predicted against true ones, with the diagonal", "Predicted against true",
     "Points of predicted against true numbers; the dashed line is where they are equal.",
     "Each point is a row. Good: the points are close to the dashed line, and evenly on both sides of it."},
    {"residuals", PLOT_IN_NUMBERS, NUMBERS, 0, draw_residuals,
     "numbers: residuals (true minus predicted) against predicted ones",
     "Residuals against predictions",
     "Points of residuals against predicted numbers, and the mean residual of groups of rows with neighbouring predictions.",
     "How far predictions are off, by what was predicted. Good: a band around zero of even width, without a bend or a funnel."},
    {"residual-histogram", PLOT_IN_NUMBERS, NUMBERS, 0, draw_residual_histogram,
     "numbers: histogram of the residuals", "Histogram of residuals",
     "Bars of the number of rows in bins of the residual.",
     "How often predictions are off by how much. Good: one narrow hill around zero."},
    {"residuals-by-input", PLOT_IN_RESIDUALS, NUMBERS, 0, draw_residuals_by_input,
     "numbers: residuals against the six inputs that explain most of them", "Residuals by input",
     "Points of residuals against the values of an input, one panel per input, with the mean residual of groups of rows; the table below has the numbers.",
     "Good: the squares lie on the line at zero in every panel."},
    {"curve", PLOT_IN_CURVE, NUMBERS | PLOT_NEEDS_ONE_INPUT, 0, draw_curve,
     "numbers: the curve of a model of one input, and the rows", "Model and rows",
     "The model's numbers as a line over its only input, with the rows as points.",
     "What the model has learnt of its input. Good: the line goes through the middle of the points and does not run after single ones."},
    {"layers", PLOT_IN_LAYERS, DATA, 0, draw_layers,
     "gradient norm and saturated activations of each layer on DATA",
     "Gradient norm and saturation per layer (layer 1 is next to the input)",
     "Bars of the gradient norm and of the share of saturated activations of each layer; the table below has the numbers.",
     "Good: gradients of similar size in all layers, and few saturated activations. A layer with a gradient thousands of times smaller than others hardly learns."},
};
const size_t model_plot_count = sizeof model_plots / sizeof *model_plots;

const model_plot *model_plot_find(const char *name)
{
    for (size_t i = 0; i < model_plot_count; i++)
        if (!strcmp(name, model_plots[i].name)) return &model_plots[i];
    return NULL;
}

/* What the model predicts does not suit the plot. */
static ls_status check_task(const model_plot *plot, const ls_model *model, ls_error *err)
{
    static const char *const kinds[] = {[LS_TASK_CLASSIFICATION] = "classes",
                                        [LS_TASK_REGRESSION] = "numbers",
                                        [LS_TASK_MULTILABEL] = "labels"};
    const ls_task task = ls_model_task(model);
    const char *wanted = NULL;
    if (ls_model_members(model) &&
        (plot->section == PLOT_IN_TRAINING || plot->section == PLOT_IN_LAYERS))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the plot '%s' is for models of one network; this one is an ensemble of %zu",
                       plot->name, ls_model_members(model));
    if ((plot->needs & PLOT_NEEDS_CLASSES) && task != LS_TASK_CLASSIFICATION) wanted = "classes";
    if ((plot->needs & PLOT_NEEDS_SCORES) && task == LS_TASK_REGRESSION)
        wanted = "classes or labels";
    if ((plot->needs & PLOT_NEEDS_NUMBERS) && task != LS_TASK_REGRESSION) wanted = "numbers";
    return wanted ? ls_fail(err, LS_ERR_ARGUMENT,
                            "the plot '%s' is for models that predict %s; this one predicts %s",
                            plot->name, wanted, kinds[task])
                  : LS_OK;
}

ls_status model_plot_check(const model_plot *plot, analysis *a, ls_error *err)
{
    LS_TRY(check_task(plot, a->model, err));
    if ((plot->needs & PLOT_NEEDS_VALIDATION) && !plot_has_accuracy(a->model))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            ls_model_task(a->model) == LS_TASK_REGRESSION
                ? "the model predicts numbers, so it has no accuracy"
                : "the model was trained without validation rows, so it has no accuracy per epoch; train with --validation 0.2");
    if ((plot->needs & PLOT_NEEDS_DATA) && !a->data)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the plot '%s' needs rows: name a data file after the model", plot->name);
    if (plot->needs & (PLOT_NEEDS_PROBABILITIES | PLOT_NEEDS_ONE_INPUT))
        LS_TRY(analysis_outcomes(a, err));
    if ((plot->needs & PLOT_NEEDS_ONE_INPUT) && !plot_has_curve(analysis_judged(a)))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "the plot '%s' needs a model whose only input is a number", plot->name);
    if (!(plot->needs & PLOT_NEEDS_PROBABILITIES) || analysis_judged(a)->probabilities)
        return LS_OK;
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "the plot '%s' needs probabilities, but the outputs of this model (identity, or several sigmoids) are none",
        plot->name);
}
