/* SPDX-License-Identifier: MIT */
#include "host/cli/report/summary.h"
#include "host/base/error.h"
#include "host/cli/base/html.h"
#include "host/cli/base/model_output.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns true if the training was stopped by Ctrl-C or by a program's callback. */
static bool was_interrupted(const ls_model *model)
{
    ls_summary s = LS_INIT(ls_summary);
    ls_model_summary(model, &s, NULL);
    return !strcmp(s.stopped, "callback");
}

static void row(ls_text *page, const char *name, const char *value)
{
    html_table_row(page, (const char *const[]){name, value}, 2, false);
}

static void add_command(ls_text *page, const report_input *in)
{
    if (ls_model_members(in->model)) {
        ls_text_add(page, "<p>An ensemble of <code>lockstep auto</code>, which gives it again from "
                          "the same rows with the <code>--trials</code>, <code>--folds</code> and "
                          "<code>--seed</code> that it printed; the model does not keep them. "
                          "<code>lockstep show</code> lists the options of its networks.</p>\n");
        return;
    }
    ls_text_add(page, "<p>Command to train this model again: <code>");
    html_add(page, in->command);
    ls_text_add(page, "</code>%s",
                was_interrupted(in->model)
                    ? " (this training was interrupted; the command trains to the end)"
                    : "");
    if (in->command_note) ls_text_add(page, "<br>%s", in->command_note);
    ls_text_add(page, "</p>\n");
}

static void add_data(ls_text *page, const report_input *in)
{
    char text[700];
    const ls_data *d = in->data;
    if (!d) return;
    int n = snprintf(text, sizeof text, "%.300s, %zu %s", in->source ? in->source : "rows",
                     ls_data_rows(d), in->data_label);
    if (in->test)
        n += snprintf(text + n, sizeof text - (size_t)n, " and %zu test rows",
                      ls_data_rows(in->test));
    const ls_task task = ls_model_task(in->model);
    if (task == LS_TASK_CLASSIFICATION)
        snprintf(text + n, sizeof text - (size_t)n, "; %zu columns, %zu classes",
                 ls_data_columns(d), ls_data_classes(d));
    else
        snprintf(text + n, sizeof text - (size_t)n, "; %zu columns, %zu %s%s", ls_data_columns(d),
                 ls_data_targets(d), task == LS_TASK_REGRESSION ? "target" : "label",
                 ls_data_targets(d) == 1 ? "" : "s");
    row(page, "data", text);
}

/* What is predicted, if it is not a class: the names of the numbers or labels. */
static void add_targets(ls_text *page, const ls_model *model)
{
    enum { MOST = 12 };
    const ls_task task = ls_model_task(model);
    ls_text text = {0};
    if (task == LS_TASK_CLASSIFICATION) return;
    for (size_t i = 0; i < ls_model_targets(model) && i < MOST; i++)
        ls_text_add(&text, "%s%.60s", i ? ", " : "", model_target_name(model, i));
    if (ls_model_targets(model) > MOST) ls_text_add(&text, ", …");
    if (task == LS_TASK_REGRESSION && !strcmp(ls_model_option(model, "standardize-target"), "on"))
        ls_text_add(&text, " (standardised in training; losses are in those units)");
    if (!text.failed)
        row(page, task == LS_TASK_REGRESSION ? "predicts the number" : "predicts the labels",
            text.text);
    page->failed |= text.failed;
    free(text.text);
}

/* How one network was trained. */
static void add_training(ls_text *page, const ls_model *model, const ls_summary *s)
{
    char text[256];
    row(page, "activation", ls_model_option(model, "activation"));
    snprintf(text, sizeof text, "%s, learning rate %s", ls_model_option(model, "optimizer"),
             ls_model_option(model, "lr"));
    row(page, "optimizer", text);
    snprintf(text, sizeof text, "%llu epochs, %llu steps, stopped by %s",
             (unsigned long long)s->epochs, (unsigned long long)s->steps,
             was_interrupted(model) ? "interruption" : s->stopped);
    row(page, "trained", text);
    if (s->best_epoch != s->epochs) {
        snprintf(text, sizeof text, "weights of epoch %llu (lowest validation loss)",
                 (unsigned long long)s->best_epoch);
        row(page, "kept", text);
    }
}

ls_status report_add_summary(ls_text *page, const report_input *in, ls_error *err)
{
    ls_summary s = LS_INIT(ls_summary);
    char widths[256], text[600], hash[65];
    ls_model_summary(in->model, &s, NULL);
    if (in->hash) snprintf(hash, sizeof hash, "%s", in->hash);
    else LS_TRY(ls_model_sha256(in->model, hash, err));
    describe_widths(in->model, widths, sizeof widths);
    ls_text_add(page, "<div class=\"facts\"><table>\n");
    add_data(page, in);
    add_targets(page, in->model);
    snprintf(text, sizeof text, "%s, %llu parameters", widths, (unsigned long long)s.parameters);
    row(page, "network", text);
    if (!ls_model_members(in->model)) add_training(page, in->model, &s);
    const ls_decision decision = ls_model_decision(in->model);
    if (!isnan(decision.threshold)) {
        snprintf(text, sizeof text,
                 "%.200s if its score is at least %.6g, otherwise the other class",
                 ls_model_class_name(in->model, decision.positive), (double)decision.threshold);
        row(page, "decision", text);
    }
    const ls_device_info *device = in->trained_on_it && in->device ? ls_device_get_info(in->device)
                                                                   : NULL;
    if (device) {
        snprintf(text, sizeof text, "%s, %s arithmetic", device->name,
                 device->exact ? "exact" : "approximate");
        row(page, "device", text);
    }
    row(page, "SHA-256 of the model file", hash);
    html_table_end(page);
    add_command(page, in);
    return LS_OK;
}

void report_add_settings(ls_text *page, const ls_model *model)
{
    if (ls_model_members(model)) return;
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
