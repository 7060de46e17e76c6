/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "html.h"
#include "plot.h"
#include "report.h"

/* ---- What was trained -------------------------------------------------------------------------------------------- */

static void row(ls_text *page, const char *name, const char *value) { html_table_row(page, (const char *const[]){name, value}, 2, false); }

/* The command that trains this model: the options that are not at their defaults. */
static void add_command(ls_text *page, const report_input *in)
{
    ls_text command = {0};
    ls_text_add(&command, "lockstep train %s%s", in->source ? in->source : "DATA", in->more ? in->more : "");
    for (size_t i = 0; i < ls_option_count(); i++) {
        const ls_option_info *info = ls_option_at(i);
        const char *value = ls_model_option(in->model, info->name);
        if (!value || !strcmp(value, info->initial)) continue;
        if (info->argument) ls_text_add(&command, " --%s %s", info->name, value);
        else ls_text_add(&command, " --%s%s", strcmp(value, "on") ? "no-" : "", info->name);
    }
    ls_text_add(page, "<p>To train it again: <code>");
    html_add(page, command.failed ? "" : command.text);
    ls_text_add(page, "</code></p>\n");
    free(command.text);
}

static ls_status add_summary(ls_text *page, const report_input *in, ls_error *err)
{
    ls_summary s;
    char widths[256], text[600], hash[65];
    ls_model_summary(in->model, &s);
    LS_TRY(ls_model_sha256(in->model, hash, err));
    describe_widths(in->model, widths, sizeof widths);
    html_table_begin(page);
    snprintf(text, sizeof text, "%s, %llu parameters", widths, (unsigned long long)s.parameters);
    row(page, "network", text);
    row(page, "activation", ls_model_option(in->model, "activation"));
    snprintf(text, sizeof text, "%s, rate %s", ls_model_option(in->model, "optimizer"), ls_model_option(in->model, "lr"));
    row(page, "optimizer", text);
    snprintf(text, sizeof text, "%llu epochs, %llu steps, stopped by %s", (unsigned long long)s.epochs, (unsigned long long)s.steps, s.stopped);
    row(page, "trained", text);
    if (s.best_epoch != s.epochs) {
        snprintf(text, sizeof text, "the weights of epoch %llu, the best validation loss", (unsigned long long)s.best_epoch);
        row(page, "kept", text);
    }
    const ls_device_info *device = in->trained_on_it && in->device ? ls_device_get_info(in->device) : NULL;
    if (device) {
        snprintf(text, sizeof text, "%s, %s arithmetic", device->name, device->exact ? "exact" : "approximate");
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
        if (value) html_table_row(page, (const char *const[]){name, value, ls_option_at(i)->help}, 3, false);
    }
    html_table_end(page);
    ls_text_add(page, "</details>\n");
}

/* ---- Figures ----------------------------------------------------------------------------------------------------- */

static void add_figures(ls_text *page, const char *const *label, ls_metrics *const *m, size_t n)
{
    static const char *const head[] = {"", "rows", "loss", "accuracy", "precision", "recall", "F1", "area under ROC"};
    html_table_begin(page);
    html_table_row(page, head, 8, true);
    for (size_t i = 0; i < n; i++) {
        char text[7][32];
        const double figure[] = {m[i]->loss, m[i]->accuracy, m[i]->precision, m[i]->recall, m[i]->f1, m[i]->auc};
        const char *cell[8] = {label[i], text[0]};
        snprintf(text[0], 32, "%zu", m[i]->rows);
        for (size_t k = 0; k < 6; k++) {
            if (isnan(figure[k])) text[k + 1][0] = 0;
            else snprintf(text[k + 1], 32, k ? "%.4f" : "%.6g", figure[k]);
            cell[k + 2] = text[k + 1];
        }
        html_table_row(page, cell, 8, false);
    }
    html_table_end(page);
}

static void add_classes(ls_text *page, const ls_model *model, const ls_metrics *m)
{
    static const char *const head[] = {"class", "precision", "recall", "F1"};
    if (m->classes < 3) return;
    html_table_begin(page);
    html_table_row(page, head, 4, true);
    for (size_t i = 0; i < m->classes; i++) {
        char text[3][32];
        snprintf(text[0], 32, "%.4f", m->class_precision[i]);
        snprintf(text[1], 32, "%.4f", m->class_recall[i]);
        snprintf(text[2], 32, "%.4f", m->class_f1[i]);
        html_table_row(page, (const char *const[]){ls_model_class_name(model, i), text[0], text[1], text[2]}, 4, false);
    }
    html_table_end(page);
}

/* ---- Pictures ---------------------------------------------------------------------------------------------------- */

static ls_status add_picture(ls_text *page, ls_text *script, const char *caption, ls_error *err)
{
    char *svg;
    ls_status status = plot_draw(script, caption, &svg, err);
    free(script->text);
    *script = (ls_text){0};
    LS_TRY(status);
    html_add_picture(page, svg, caption);
    free(svg);
    return LS_OK;
}

static ls_status add_boundary(ls_text *page, const report_input *in, ls_error *err)
{
    ls_text script = {0};
    if (!in->data || ls_model_features(in->model) != 2) return LS_OK;
    ls_status status = plot_model_boundary(&script, in->model, in->data, in->test, err);
    if (status == LS_OK) return add_picture(page, &script, in->test ? "What the model makes of the plane; rows it was trained on are filled, others hollow" : "What the model makes of the plane", err);
    free(script.text);
    return status;
}

static ls_status add_pictures(ls_text *page, const report_input *in, const ls_data *judged, const ls_metrics *m, const char *label, ls_error *err)
{
    enum { MOST_CLASSES = 20 }; /* more names than a picture has room for */
    ls_text script = {0};
    char caption[120];
    plot_model_loss(&script, in->model);
    LS_TRY(add_picture(page, &script, "Loss an epoch", err));
    LS_TRY(add_boundary(page, in, err));
    if (m && m->classes <= MOST_CLASSES) {
        plot_model_confusion(&script, in->model, m);
        snprintf(caption, sizeof caption, "Confusion, %s", label);
        LS_TRY(add_picture(page, &script, caption, err));
    }
    if (!m || m->classes != 2) return LS_OK;
    ls_status status = plot_model_roc(&script, in->model, in->device, judged, err);
    snprintf(caption, sizeof caption, "ROC curve, %s", label);
    if (status == LS_OK) return add_picture(page, &script, caption, err);
    free(script.text);
    return status;
}

/* ---- The page ---------------------------------------------------------------------------------------------------- */

static ls_status add_all(ls_text *page, const report_input *in, ls_metrics *m[2], ls_error *err)
{
    const char *label[2];
    const ls_data *data[2];
    size_t n = 0;
    if (in->data) data[n] = in->data, label[n++] = in->data_label;
    if (in->test) data[n] = in->test, label[n++] = "test rows";
    for (size_t i = 0; i < n; i++) LS_TRY(ls_model_evaluate(in->model, in->device, data[i], &m[i], err));
    html_begin(page, "Lockstep: report of a training");
    LS_TRY(add_summary(page, in, err));
    if (n) {
        add_figures(page, label, m, n);
        add_classes(page, in->model, m[n - 1]);
    }
    if (plot_possible()) LS_TRY(add_pictures(page, in, n ? data[n - 1] : NULL, n ? m[n - 1] : NULL, n ? label[n - 1] : "", err));
    else html_add_element(page, "p", plot_absent);
    add_settings(page, in->model);
    html_end(page);
    return LS_OK;
}

ls_status report_write(const report_input *in, const char *path, ls_error *err)
{
    ls_text page = {0};
    ls_metrics *m[2] = {NULL, NULL};
    ls_status status = add_all(&page, in, m, err);
    if (status == LS_OK && page.failed) status = ls_fail(err, LS_ERR_MEMORY, "out of memory for the report");
    if (status == LS_OK) status = ls_write_file(path, page.text, page.length, err);
    ls_metrics_free(m[0]);
    ls_metrics_free(m[1]);
    free(page.text);
    return status;
}
