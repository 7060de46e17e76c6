/* SPDX-License-Identifier: MIT */
#include "host/cli/base/metrics_output.h"
#include "host/base/json.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/terminal.h"
#include "host/cli/base/threshold.h"
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *means_json(double precision, double recall, double f1)
{
    return json_pack("{s:o,s:o,s:o}", "precision", ls_json_number(precision), "recall",
                     ls_json_number(recall), "f1", ls_json_number(f1));
}

/* The scores of each class or label. */
static json_t *classes_json(const ls_metrics *m, size_t count, const ls_model *model,
                            const char *(*name)(const ls_model *, size_t))
{
    json_t *classes = json_object();
    for (size_t i = 0; i < count; i++) {
        json_t *o = means_json(m->class_precision[i], m->class_recall[i], m->class_f1[i]);
        ls_json_set(&o, "support", json_integer((json_int_t)m->class_support[i]));
        ls_json_set(&classes, name(model, i), o);
    }
    return classes;
}

static json_t *confusion_json(const ls_metrics *m)
{
    json_t *confusion = json_array();
    for (size_t i = 0; i < m->classes; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < m->classes; j++)
            ls_json_append(&row, json_integer((json_int_t)m->confusion[i * m->classes + j]));
        ls_json_append(&confusion, row);
    }
    return confusion;
}

static json_t *calibration_json(const ls_metrics *m)
{
    json_t *bins = json_array();
    for (size_t i = 0; i < LS_CALIBRATION_BINS; i++) {
        const ls_calibration_bin *b = &m->calibration[i];
        ls_json_append(&bins,
                       json_pack("{s:f,s:I,s:o,s:o}", "to", (double)(i + 1) / LS_CALIBRATION_BINS,
                                 "rows", (json_int_t)b->rows, "score", ls_json_number(b->score),
                                 "share", ls_json_number(b->share)));
    }
    return bins;
}

typedef struct {
    const char *name;
    double value;
} score;

static void add_scores(json_t **o, const score *list, size_t count)
{
    for (size_t i = 0; i < count; i++) ls_json_set(o, list[i].name, ls_json_number(list[i].value));
}

static void add_class_metrics(json_t **o, const ls_metrics *m, const ls_model *model)
{
    const score scores[] = {{"accuracy", m->accuracy},
                            {"precision", m->precision},
                            {"recall", m->recall},
                            {"f1", m->f1},
                            {"auc", m->auc},
                            {"log_loss", m->log_loss},
                            {"brier", m->brier},
                            {"calibration_error", m->calibration_error},
                            {"baseline_accuracy", m->baseline_accuracy}};
    add_scores(o, scores, COUNT(scores));
    ls_json_set(o, "undefined", json_integer(m->undefined));
    ls_json_set(o, "positive",
                m->classes == 2 ? json_string(ls_model_class_name(model, m->positive))
                                : json_null());
    ls_json_set(o, "decision", decision_json(&m->decision, model));
    ls_json_set(o, "macro", means_json(m->macro_precision, m->macro_recall, m->macro_f1));
    ls_json_set(o, "weighted",
                means_json(m->weighted_precision, m->weighted_recall, m->weighted_f1));
    ls_json_set(o, "confusion", confusion_json(m));
    ls_json_set(o, "classes", classes_json(m, m->classes, model, ls_model_class_name));
    ls_json_set(o, "calibration", calibration_json(m));
}

static void add_label_metrics(json_t **o, const ls_metrics *m, const ls_model *model)
{
    const score scores[] = {{"accuracy", m->accuracy}, {"precision", m->precision},
                            {"recall", m->recall},     {"f1", m->f1},
                            {"auc", m->auc},           {"baseline_accuracy", m->baseline_accuracy}};
    add_scores(o, scores, COUNT(scores));
    ls_json_set(o, "undefined", json_integer(m->undefined));
    ls_json_set(o, "macro", means_json(m->macro_precision, m->macro_recall, m->macro_f1));
    ls_json_set(o, "weighted",
                means_json(m->weighted_precision, m->weighted_recall, m->weighted_f1));
    ls_json_set(o, "labels", classes_json(m, m->targets, model, model_target_name));
}

static void add_number_metrics(json_t **o, const ls_metrics *m, const ls_model *model)
{
    const score all[] = {{"rmse", m->rmse},
                         {"mae", m->mae},
                         {"r2", m->r2},
                         {"median_absolute_error", m->median_absolute_error},
                         {"explained_variance", m->explained_variance},
                         {"baseline_rmse", m->baseline_rmse},
                         {"baseline_mae", m->baseline_mae}};
    json_t *targets = json_object();
    add_scores(o, all, COUNT(all));
    for (size_t i = 0; i < m->targets; i++) {
        const score one[] = {{"rmse", m->target_rmse[i]},
                             {"mae", m->target_mae[i]},
                             {"r2", m->target_r2[i]},
                             {"median_absolute_error", m->target_median_absolute_error[i]},
                             {"explained_variance", m->target_explained_variance[i]}};
        json_t *target = json_object();
        add_scores(&target, one, COUNT(one));
        ls_json_set(&targets, model_target_name(model, i), target);
    }
    ls_json_set(o, "targets", targets);
}

json_t *metrics_json(const ls_metrics *m, const ls_model *model)
{
    const ls_task task = ls_model_task(model);
    json_t *o = json_object();
    ls_json_set(&o, "task", json_string(model_task_name(model)));
    ls_json_set(&o, "rows", json_integer((json_int_t)m->rows));
    ls_json_set(&o, "loss", ls_json_number(m->loss));
    ls_json_set(&o, "loss_sum", ls_json_number(m->loss_sum));
    if (task == LS_TASK_REGRESSION) add_number_metrics(&o, m, model);
    else if (task == LS_TASK_MULTILABEL) add_label_metrics(&o, m, model);
    else add_class_metrics(&o, m, model);
    return o;
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* Tables have at most this many classes, labels or targets. */
enum { MOST = 20 };

void print_metrics_header(const ls_model *model)
{
    if (ls_model_task(model) == LS_TASK_REGRESSION)
        terminal_print(stdout, "%-10s %8s %11s %11s %11s %9s\n", "", "rows", "loss", "RMSE", "MAE",
                       "R2");
    else
        terminal_print(stdout, "%-10s %8s %11s %9s %9s %9s %9s\n", "", "rows", "loss", "accuracy",
                       "precision", "recall", "F1");
}

void print_metrics(const char *label, const ls_metrics *m, const ls_model *model)
{
    if (ls_model_task(model) == LS_TASK_REGRESSION) {
        terminal_print(stdout, "%-10s %8zu %11.6g %11.6g %11.6g", label, m->rows, m->loss, m->rmse,
                       m->mae);
        if (isnan(m->r2)) terminal_print(stdout, " %9s\n", "undefined");
        else terminal_print(stdout, " %9.4f\n", m->r2);
        return;
    }
    terminal_print(stdout, "%-10s %8zu %11.6g %9.4f %9.4f %9.4f %9.4f", label, m->rows, m->loss,
                   m->accuracy, m->precision, m->recall, m->f1);
    if (m->undefined)
        terminal_print(stdout, "   (%u of these are undefined (0/0) and shown as 0)", m->undefined);
    terminal_print(stdout, "\n");
}

void print_baseline(const char *label, const ls_metrics *m, const ls_model *model)
{
    if (ls_model_task(model) == LS_TASK_REGRESSION && !isnan(m->baseline_rmse))
        terminal_print(
            stdout,
            "baseline   %s: RMSE %.6g, MAE %.6g, by always predicting the mean of the training "
            "rows\n",
            label, m->baseline_rmse, m->baseline_mae);
    else if (ls_model_task(model) == LS_TASK_CLASSIFICATION && !isnan(m->baseline_accuracy))
        terminal_print(
            stdout,
            "baseline   %s: accuracy %.4f, by always predicting the most frequent class of the "
            "training rows\n",
            label, m->baseline_accuracy);
    else if (ls_model_task(model) == LS_TASK_MULTILABEL && !isnan(m->baseline_accuracy))
        terminal_print(
            stdout,
            "baseline   %s: accuracy %.4f, by always predicting the more frequent value of each "
            "label in the training rows\n",
            label, m->baseline_accuracy);
}

void print_linear(const char *label, const ls_metrics *m, const ls_model *model)
{
    if (ls_model_task(model) == LS_TASK_REGRESSION)
        terminal_print(stdout, "           %s: RMSE %.6g, MAE %.6g, by linear regression\n", label,
                       m->rmse, m->mae);
    else
        terminal_print(stdout, "           %s: accuracy %.4f, loss %.6g, by logistic regression\n",
                       label, m->accuracy, m->loss);
}

static void print_class(const char *name, double precision, double recall, double f1, uint64_t rows)
{
    terminal_print(stdout, "%-16.16s %9.4f %9.4f %9.4f %9llu\n", name, precision, recall, f1,
                   (unsigned long long)rows);
}

static void print_score(const char *name, double value)
{
    if (!isnan(value)) terminal_print(stdout, "%s %.4f", name, value);
}

/* Rows for each class or label, and their averages. */
static void print_classes(const ls_metrics *m, const char *kind, size_t count,
                          const ls_model *model, const char *(*name)(const ls_model *, size_t))
{
    uint64_t support = 0;
    terminal_print(stdout, "\n%-16s %9s %9s %9s %9s\n", kind, "precision", "recall", "F1", "rows");
    for (size_t i = 0; i < count; i++) {
        support += m->class_support[i];
        if (count <= MOST)
            print_class(name(model, i), m->class_precision[i], m->class_recall[i], m->class_f1[i],
                        m->class_support[i]);
    }
    print_class("macro average", m->macro_precision, m->macro_recall, m->macro_f1, support);
    print_class("weighted average", m->weighted_precision, m->weighted_recall, m->weighted_f1,
                support);
}

static void print_targets(const ls_metrics *m, const ls_model *model)
{
    if (m->targets < 2 || m->targets > MOST) return;
    terminal_print(stdout, "\n%-16s %11s %11s %9s %15s %10s\n", "target", "RMSE", "MAE", "R2",
                   "median abs. err.", "explained");
    for (size_t i = 0; i < m->targets; i++)
        terminal_print(stdout, "%-16.16s %11.6g %11.6g %9.4f %16.6g %10.4f\n",
                       model_target_name(model, i), m->target_rmse[i], m->target_mae[i],
                       m->target_r2[i], m->target_median_absolute_error[i],
                       m->target_explained_variance[i]);
}

void print_details(const ls_metrics *m, const ls_model *model)
{
    if (ls_model_task(model) == LS_TASK_REGRESSION) {
        terminal_print(stdout, "%-10s  median absolute error %.6g", "", m->median_absolute_error);
        print_score("   explained variance", m->explained_variance);
        terminal_print(stdout, "%s\n", m->targets > 1 ? "   (means over the targets)" : "");
        print_targets(m, model);
        return;
    }
    if (ls_model_task(model) == LS_TASK_MULTILABEL) {
        terminal_print(
            stdout,
            "%-10s  accuracy: all labels of a row are right; the others are means over the "
            "labels\n%-10s",
            "", "");
        print_score("  area under ROC", m->auc);
        terminal_print(stdout, "\n");
        print_classes(m, "label", m->targets, model, model_target_name);
        return;
    }
    terminal_print(stdout, "%-10s", "");
    print_score(" area under ROC", m->auc);
    print_score("   log-loss", m->log_loss);
    print_score("   Brier score", m->brier);
    print_score("   calibration error", m->calibration_error);
    terminal_print(stdout, "\n");
    print_classes(m, "class", m->classes, model, ls_model_class_name);
}

void print_calibration(const ls_metrics *m, const ls_model *model)
{
    bool two = m->classes == 2;
    if (isnan(m->calibration_error)) {
        if (m->classes)
            terminal_print(stdout, "%s\n", "\ncalibration: the outputs are not probabilities");
        return;
    }
    if (two)
        terminal_print(stdout, "\ncalibration of the probability of '%s'\n",
                       ls_model_class_name(model, m->positive));
    else
        terminal_print(stdout, "%s\n",
                       "\ncalibration of the probability of the most probable class");
    terminal_print(stdout, "%-16s %9s %9s %9s\n", "probability", "rows", "mean",
                   two ? "positive" : "correct");
    for (size_t i = 0; i < LS_CALIBRATION_BINS; i++) {
        const ls_calibration_bin *b = &m->calibration[i];
        terminal_print(stdout, "%.1f to %.1f       %9llu", (double)i / LS_CALIBRATION_BINS,
                       (double)(i + 1) / LS_CALIBRATION_BINS, (unsigned long long)b->rows);
        if (b->rows) terminal_print(stdout, " %9.4f %9.4f", b->score, b->share);
        terminal_print(stdout, "\n");
    }
}

void print_confusion(const ls_metrics *m, const ls_model *model)
{
    if (!m->classes || m->classes > MOST) return;
    terminal_print(stdout, "\nconfusion matrix (rows: true class, columns: predicted class)\n%-16s",
                   "");
    for (size_t j = 0; j < m->classes; j++)
        terminal_print(stdout, " %9.9s", ls_model_class_name(model, j));
    terminal_print(stdout, "\n");
    for (size_t i = 0; i < m->classes; i++) {
        terminal_print(stdout, "%-16.16s", ls_model_class_name(model, i));
        for (size_t j = 0; j < m->classes; j++)
            terminal_print(stdout, " %9llu", (unsigned long long)m->confusion[i * m->classes + j]);
        terminal_print(stdout, "\n");
    }
}
