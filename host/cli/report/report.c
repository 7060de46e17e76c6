/* SPDX-License-Identifier: MIT */
#include "host/cli/report/report.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/html.h"
#include "host/cli/plot/plot.h"
#include "host/cli/report/tables.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether a training was stopped from outside: by Ctrl-C, or by a program's callback. */
static bool interrupted_one(const ls_model *model)
{
    ls_summary s;
    ls_model_summary(model, &s);
    return !strcmp(s.stopped, "callback");
}

/* ---- What was trained ------------------------------------------------------------------------ */

static void row(ls_text *page, const char *name, const char *value)
{
    html_table_row(page, (const char *const[]){name, value}, 2, false);
}

static void add_command(ls_text *page, const report_input *in)
{
    ls_text_add(page, "<p>To train it again: <code>");
    html_add(page, in->command);
    ls_text_add(page, "</code>%s</p>\n",
                interrupted_one(in->model) ? " (to its end; this training was interrupted)" : "");
}

static void add_data(ls_text *page, const report_input *in)
{
    char text[700];
    const ls_data *d = in->data;
    if (!d) return;
    int n = snprintf(text, sizeof text, "%.300s, %zu %s", in->source ? in->source : "rows",
                     ls_data_rows(d), in->data_label);
    if (in->test)
        n += snprintf(text + n, sizeof text - (size_t)n, " and %zu to test on",
                      ls_data_rows(in->test));
    snprintf(text + n, sizeof text - (size_t)n, "; %zu columns, %zu classes", ls_data_columns(d),
             ls_data_classes(d));
    row(page, "data", text);
}

static ls_status add_summary(ls_text *page, const report_input *in, ls_error *err)
{
    ls_summary s;
    char widths[256], text[600], hash[65];
    ls_model_summary(in->model, &s);
    LS_TRY(ls_model_sha256(in->model, hash, err));
    describe_widths(in->model, widths, sizeof widths);
    ls_text_add(page, "<div class=\"facts\"><table>\n");
    add_data(page, in);
    snprintf(text, sizeof text, "%s, %llu parameters", widths, (unsigned long long)s.parameters);
    row(page, "network", text);
    row(page, "activation", ls_model_option(in->model, "activation"));
    snprintf(text, sizeof text, "%s, rate %s", ls_model_option(in->model, "optimizer"),
             ls_model_option(in->model, "lr"));
    row(page, "optimizer", text);
    snprintf(text, sizeof text, "%llu epochs, %llu steps, stopped by %s",
             (unsigned long long)s.epochs, (unsigned long long)s.steps,
             interrupted_one(in->model) ? "interruption" : s.stopped);
    row(page, "trained", text);
    if (s.best_epoch != s.epochs) {
        snprintf(text, sizeof text, "the weights of epoch %llu, the best validation loss",
                 (unsigned long long)s.best_epoch);
        row(page, "kept", text);
    }
    const ls_decision decision = ls_model_decision(in->model);
    if (!isnan(decision.threshold)) {
        snprintf(text, sizeof text,
                 "%.200s where its score is at least %.6g, otherwise the other class",
                 ls_model_class_name(in->model, decision.positive), (double)decision.threshold);
        row(page, "decides for", text);
    }
    const ls_device_info *device = in->trained_on_it && in->device ? ls_device_get_info(in->device)
                                                                   : NULL;
    if (device) {
        snprintf(text, sizeof text, "%s, %s arithmetic", device->name,
                 device->exact ? "exact" : "approximate");
        row(page, "device", text);
    }
    row(page, "model file's SHA-256", hash);
    html_table_end(page);
    add_command(page, in);
    return LS_OK;
}

static void add_settings(ls_text *page, const ls_model *model)
{
    ls_text_add(page, "<details><summary>All settings</summary>\n");
    html_table_begin(page);
    for (size_t i = 0; i < ls_option_count(); i++) {
        const char *name = ls_option_at(i)->name, *value = ls_model_option(model, name);
        if (value)
            html_table_row(page, (const char *const[]){name, value, ls_option_at(i)->help}, 3,
                           false);
    }
    html_table_end(page);
    ls_text_add(page, "</details>\n");
}

/* ---- Pictures -------------------------------------------------------------------------------- */

/* What a page is made from, and how far it has come. */
typedef struct {
    ls_text *page;
    const report_input *in;
    bool pictures; /* gnuplot is there */
    outcome
        *outcome; /* of the training rows, or of all, and of those to test on; `outcomes` of them */
    size_t outcomes;
    const outcome *judged; /* the last of them, by which the model is judged; or NULL */
} report_work;

/* Draws a script, which is freed; status: how writing it went. */
static ls_status add_picture(const report_work *w, ls_text *script, ls_status status,
                             const char *caption, const char *about, ls_error *err)
{
    char *svg;
    if (status == LS_OK) status = plot_draw(script, caption, about, &svg, err);
    free(script->text);
    *script = (ls_text){0};
    LS_TRY(status);
    html_add_picture(w->page, svg, caption);
    free(svg);
    return LS_OK;
}

/* A caption with what rows it is of behind it: "ROC curve, test rows". */
static const char *of_rows(const report_work *w, const char *what, char room[160])
{
    snprintf(room, 160, "%s, %s", what, w->judged->label);
    return room;
}

static void details_begin(const report_work *w, const char *summary)
{
    ls_text_add(w->page, "<details><summary>%s</summary>\n", summary);
}
static void details_end(const report_work *w) { ls_text_add(w->page, "</details>\n"); }

/* ---- How it went ----------------------------------------------------------------------------- */

static ls_status add_course(const report_work *w, ls_error *err)
{
    ls_text script = {0};
    html_add_element(w->page, "h2", "How training went");
    if (w->pictures) {
        plot_model_loss(&script, w->in->model);
        LS_TRY(add_picture(
            w, &script, LS_OK, "Loss an epoch",
            "Curves of the training loss and, where rows were held out, the validation loss over the epochs.",
            err));
    }
    if (w->pictures && plot_has_accuracy(w->in->model)) {
        plot_model_accuracy(&script, w->in->model);
        LS_TRY(add_picture(
            w, &script, LS_OK, "Accuracy an epoch, on the rows held out for validation",
            "Curve of the share of validation rows given their class over the epochs.", err));
    }
    details_begin(w, "Course as a table");
    report_table_loss(w->page, w->in->model);
    details_end(w);
    return LS_OK;
}

/* ---- Figures --------------------------------------------------------------------------------- */

enum {
    MOST_BARS = 40,
    MOST_CONFUSION = 60,
    MOST_REGIONS = 300
}; /* classes that a picture has room for */

static ls_status add_figures(const report_work *w, ls_error *err)
{
    ls_text script = {0};
    html_add_element(w->page, "h2", "Figures");
    report_table_figures(w->page, w->outcome, w->outcomes);
    if (w->judged->classes == 2) {
        ls_text_add(w->page, "<p class=\"soft\">Precision, recall and F1 are those of ");
        html_add(w->page, ls_model_class_name(w->in->model, w->judged->positive));
        ls_text_add(w->page, ".</p>\n");
    } else
        ls_text_add(
            w->page,
            "<p class=\"soft\">Precision, recall and F1 are the mean over the classes.</p>\n");
    html_add_element(w->page, "h3", "Classes");
    LS_TRY(report_table_classes(w->page, w->outcome, w->outcomes, err));
    if (!w->pictures || w->judged->classes > MOST_BARS) return LS_OK;
    plot_balance(&script, w->in->model, w->in->data, w->in->data_label, w->in->test);
    return add_picture(w, &script, LS_OK, "Rows of each class",
                       "Bars of the number of rows of each class; the table above has the numbers.",
                       err);
}

/* ---- The plane ------------------------------------------------------------------------------- */

static void say_plane(const report_work *w, const plot_plane *p)
{
    if (!p->principal) return;
    ls_text_add(
        w->page,
        "<p>The model has %zu inputs, and a picture two. This is the plane through the mean of %zu %s along their first two principal components (of the inputs as "
        "the network sees them), which hold %.3g %% and %.3g %% of the variance. The colours are what the model says of points on that plane; rows are "
        "projected onto it, so a row may lie in a region that is not its own and yet be classified rightly.</p>\n",
        p->inputs, p->rows, w->in->data_label, 100 * p->share[0], 100 * p->share[1]);
}

static ls_status add_plane(const report_work *w, ls_error *err)
{
    const report_input *in = w->in;
    ls_text script = {0};
    plot_plane plane;
    if (!w->pictures || ls_model_features(in->model) < 2 ||
        ls_model_classes(in->model) > MOST_REGIONS)
        return LS_OK;
    LS_TRY(plot_plane_fit(in->model, in->data, &plane, err));
    html_add_element(w->page, "h2", "What the model makes of the plane");
    say_plane(w, &plane);
    ls_status status = plot_model_boundary(&script, in->model, in->device, &plane, in->data,
                                           in->test, err);
    status = add_picture(
        w, &script, status,
        in->test ? "Regions and rows: those trained on are filled, those to test on are hollow"
                 : "Regions and rows",
        "Regions of the plane coloured by the class that the model decides for, with the rows as points whose shapes are their true classes.",
        err);
    plot_plane_free(&plane);
    if (plot_regions_numbered(in->model))
        ls_text_add(
            w->page,
            "<p class=\"soft\">Numbers in the regions count the classes in the order of their table, from 1.</p>\n");
    return status;
}

/* ---- Where it errs --------------------------------------------------------------------------- */

static ls_status add_mistakes(const report_work *w, ls_error *err)
{
    const outcome *o = w->judged;
    ls_text script = {0};
    char room[160];
    bool perfect = true;
    for (size_t i = 0; i < o->classes * o->classes; i++)
        perfect &= i % (o->classes + 1) == 0 || !o->metrics->confusion[i];
    html_add_element(w->page, "h2", "Where it errs");
    if (w->pictures && o->classes <= MOST_CONFUSION) {
        plot_confusion(&script, o);
        LS_TRY(add_picture(
            w, &script, LS_OK,
            of_rows(w, "Confusion: rows of a true class, by the class predicted", room),
            "A matrix of counts, true classes down and predicted classes across; the deeper a cell's colour, the larger its share of the true class.",
            err));
    }
    if (perfect) {
        ls_text_add(w->page, "<p>No row is misclassified.</p>\n");
        return LS_OK;
    }
    html_add_element(w->page, "h3", "Most frequent mistakes");
    report_table_confused(w->page, o);
    html_add_element(w->page, "h3", "Rows most confidently misclassified");
    LS_TRY(report_table_worst(w->page, o, err));
    ls_text_add(
        w->page,
        "<p class=\"soft\">Rows are numbered from 1 as they were read, without a header.</p>\n");
    return LS_OK;
}

/* ---- How sure it is -------------------------------------------------------------------------- */

static ls_status add_curves(const report_work *w, ls_error *err)
{
    const outcome *o = w->judged;
    ls_text script = {0};
    char room[160];
    ls_error none;
    if (!w->pictures) return LS_OK;
    ls_status status = plot_curves(&script, o, "roc", &none);
    if (status == LS_ERR_DATA) { /* all rows are of one class */
        html_add_element(w->page, "p", none.message);
        return LS_OK;
    }
    ls_text_add(w->page, "<div class=\"pair\">\n");
    LS_TRY(add_picture(w, &script, status, of_rows(w, "ROC curve", room),
                       "True positive rate against false positive rate as the threshold falls.",
                       err));
    script = (ls_text){0};
    status = plot_curves(&script, o, "precision-recall", err);
    LS_TRY(add_picture(w, &script, status, of_rows(w, "Precision against recall", room),
                       "Precision against recall as the threshold falls.", err));
    ls_text_add(w->page, "</div>\n");
    if (o->classes > 2)
        ls_text_add(
            w->page,
            "<p class=\"soft\">Each class against all others%s; the areas of all classes are in the table of classes.</p>\n",
            o->classes > OUTCOME_CURVES ? "; the six with the least area under the ROC curve" : "");
    return LS_OK;
}

static ls_status add_bins(const report_work *w, ls_error *err)
{
    const outcome *o = w->judged;
    ls_text script = {0};
    char room[160];
    if (!w->pictures) return LS_OK;
    ls_text_add(w->page, "<div class=\"pair\">\n");
    plot_calibration(&script, o);
    LS_TRY(add_picture(
        w, &script, LS_OK, of_rows(w, "Calibration", room),
        "In ten bins of the predicted probability: its mean against the share of rows that are so, and below the number of rows.",
        err));
    script = (ls_text){0};
    plot_histogram(&script, o);
    LS_TRY(add_picture(w, &script, LS_OK,
                       of_rows(w,
                               o->classes == 2
                                   ? "Predicted probabilities, by the true class"
                                   : "Predicted probabilities, by whether they were right",
                               room),
                       "Bars up and down: rows in twenty bins of the predicted probability.", err));
    ls_text_add(w->page, "</div>\n");
    return LS_OK;
}

static ls_status add_sureness(const report_work *w, ls_error *err)
{
    const outcome *o = w->judged;
    html_add_element(w->page, "h2", "How sure it is");
    LS_TRY(add_curves(w, err));
    if (o->classes == 2 && o->probabilities) {
        details_begin(w, "Thresholds as a table");
        report_table_thresholds(w->page, o);
        details_end(w);
    }
    if (!o->probabilities) return LS_OK;
    LS_TRY(add_bins(w, err));
    ls_text_add(
        w->page,
        "<p>Expected calibration error: %.4f (the mean distance between what the model says and what is so, over %d bins).</p>\n",
        o->metrics->calibration_error, LS_CALIBRATION_BINS);
    details_begin(w, "Calibration and probabilities as tables");
    report_table_calibration(w->page, o);
    report_table_histogram(w->page, o);
    details_end(w);
    return LS_OK;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static ls_status fill_layers(const report_work *w, ls_layer_info *layer, size_t count,
                             ls_error *err)
{
    ls_text script = {0};
    size_t rows;
    LS_TRY(ls_model_layers(w->in->model, w->in->device, w->in->data, layer, &rows, err));
    html_add_element(w->page, "h2", "How its layers stand");
    ls_text_add(
        w->page,
        "<p>At the weights kept, over %zu %s: the norm of the gradient of the mean loss, and the share of activations where the function is flat or nearly so "
        "(sigmoid outside 0.01 to 0.99, tanh beyond ±0.99, relu at 0, leaky_relu below 0, elu below −0.99, silu and gelu within 0.01 of 0; softmax as sigmoid). "
        "A unit is dead where that is so on every row.</p>\n",
        rows, w->in->data_label);
    if (w->pictures) {
        plot_model_layers(&script, layer, count);
        LS_TRY(add_picture(
            w, &script, LS_OK, "Gradient and saturation of each layer, the input's first",
            "Bars of the norm of the gradient and of the share of saturated activations, one a layer; the table below has the numbers.",
            err));
    }
    report_table_layers(w->page, layer, count);
    return LS_OK;
}

static ls_status add_layers(const report_work *w, ls_error *err)
{
    ls_layer_info *layer;
    size_t count = ls_model_layer_count(w->in->model);
    LS_TRY(ls_alloc(&layer, count, sizeof *layer, "the layers", err));
    ls_status status = fill_layers(w, layer, count, err);
    free(layer);
    return status;
}

/* ---- The page -------------------------------------------------------------------------------- */

static ls_status take_outcomes(report_work *w, outcome room[2], ls_error *err)
{
    const report_input *in = w->in;
    w->outcome = room;
    if (in->data)
        LS_TRY(outcome_take(in->model, in->device, in->data, in->data_label, &room[w->outcomes++],
                            err));
    if (in->test)
        LS_TRY(outcome_take(in->model, in->device, in->test, "test rows", &room[w->outcomes++],
                            err));
    w->judged = w->outcomes ? &room[w->outcomes - 1] : NULL;
    return LS_OK;
}

static ls_status add_all(report_work *w, outcome room[2], ls_error *err)
{
    LS_TRY(take_outcomes(w, room, err));
    html_begin(w->page, "Lockstep: report of a training");
    ls_text_add(w->page, "<main class=\"report\">\n");
    LS_TRY(add_summary(w->page, w->in, err));
    add_settings(w->page, w->in->model);
    w->pictures = plot_possible();
    if (!w->pictures) html_add_element(w->page, "p", plot_absent);
    LS_TRY(add_course(w, err));
    if (w->judged) {
        LS_TRY(add_figures(w, err));
        LS_TRY(add_plane(w, err));
        LS_TRY(add_mistakes(w, err));
        LS_TRY(add_sureness(w, err));
        LS_TRY(add_layers(w, err));
    }
    ls_text_add(w->page, "</main>\n");
    html_end(w->page);
    return LS_OK;
}

ls_status report_write(const report_input *in, const char *path, ls_error *err)
{
    ls_text page = {0};
    outcome room[2] = {{0}};
    report_work w = {.page = &page, .in = in};
    ls_status status = add_all(&w, room, err);
    if (status == LS_OK && page.failed)
        status = ls_fail(err, LS_ERR_MEMORY, "out of memory for the report");
    if (status == LS_OK) status = ls_write_file(path, page.text, page.length, err);
    for (size_t i = 0; i < 2; i++) outcome_free(&room[i]);
    free(page.text);
    return status;
}
