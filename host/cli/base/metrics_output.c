/* SPDX-License-Identifier: MIT */
#include "host/cli/base/metrics_output.h"
#include "host/base/json.h"
#include "host/cli/base/threshold.h"
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static json_t *means_json(double precision, double recall, double f1)
{
    return json_pack("{s:o,s:o,s:o}", "precision", ls_json_number(precision), "recall",
                     ls_json_number(recall), "f1", ls_json_number(f1));
}

static json_t *classes_json(const ls_metrics *m, const ls_model *model)
{
    json_t *classes = json_object();
    for (size_t i = 0; i < m->classes; i++) {
        json_t *o = means_json(m->class_precision[i], m->class_recall[i], m->class_f1[i]);
        json_object_set_new(o, "support", json_integer((json_int_t)m->class_support[i]));
        json_object_set_new(classes, ls_model_class_name(model, i), o);
    }
    return classes;
}

static json_t *confusion_json(const ls_metrics *m)
{
    json_t *confusion = json_array();
    for (size_t i = 0; i < m->classes; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < m->classes; j++)
            json_array_append_new(row, json_integer((json_int_t)m->confusion[i * m->classes + j]));
        json_array_append_new(confusion, row);
    }
    return confusion;
}

static json_t *calibration_json(const ls_metrics *m)
{
    json_t *bins = json_array();
    for (size_t i = 0; i < LS_CALIBRATION_BINS; i++) {
        const ls_calibration_bin *b = &m->calibration[i];
        json_array_append_new(bins,
                              json_pack("{s:f,s:I,s:o,s:o}", "to",
                                        (double)(i + 1) / LS_CALIBRATION_BINS, "rows",
                                        (json_int_t)b->rows, "score", ls_json_number(b->score),
                                        "share", ls_json_number(b->share)));
    }
    return bins;
}

json_t *metrics_json(const ls_metrics *m, const ls_model *model)
{
    json_t *o = json_object();
    const struct {
        const char *name;
        double value;
    } scores[] = {{"loss", m->loss},         {"loss_sum", m->loss_sum},
                  {"accuracy", m->accuracy}, {"precision", m->precision},
                  {"recall", m->recall},     {"f1", m->f1},
                  {"auc", m->auc},           {"log_loss", m->log_loss},
                  {"brier", m->brier},       {"calibration_error", m->calibration_error}};
    json_object_set_new(o, "rows", json_integer((json_int_t)m->rows));
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++)
        json_object_set_new(o, scores[i].name, ls_json_number(scores[i].value));
    json_object_set_new(o, "undefined", json_integer(m->undefined));
    json_object_set_new(o, "positive",
                        m->classes == 2 ? json_string(ls_model_class_name(model, m->positive))
                                        : json_null());
    json_object_set_new(o, "decision", decision_json(&m->decision, model));
    json_object_set_new(o, "macro", means_json(m->macro_precision, m->macro_recall, m->macro_f1));
    json_object_set_new(o, "weighted",
                        means_json(m->weighted_precision, m->weighted_recall, m->weighted_f1));
    json_object_set_new(o, "confusion", confusion_json(m));
    json_object_set_new(o, "classes", classes_json(m, model));
    json_object_set_new(o, "calibration", calibration_json(m));
    return o;
}

void print_metrics_header(void)
{
    printf("%-10s %8s %11s %9s %9s %9s %9s\n", "", "rows", "loss", "accuracy", "precision",
           "recall", "F1");
}

void print_metrics(const char *label, const ls_metrics *m)
{
    printf("%-10s %8zu %11.6g %9.4f %9.4f %9.4f %9.4f", label, m->rows, m->loss, m->accuracy,
           m->precision, m->recall, m->f1);
    if (m->undefined) printf("   (%u of these are undefined (0/0) and shown as 0)", m->undefined);
    putchar('\n');
}

/* Tables have at most this many classes. */
enum { MOST = 20 };

static void print_class(const char *name, double precision, double recall, double f1, uint64_t rows)
{
    printf("%-16.16s %9.4f %9.4f %9.4f %9llu\n", name, precision, recall, f1,
           (unsigned long long)rows);
}

static void print_score(const char *name, double value)
{
    if (!isnan(value)) printf("%s %.4f", name, value);
}

void print_classes(const ls_metrics *m, const ls_model *model)
{
    printf("%-10s", "");
    print_score(" area under ROC", m->auc);
    print_score("   log-loss", m->log_loss);
    print_score("   Brier score", m->brier);
    print_score("   calibration error", m->calibration_error);
    printf("\n\n%-16s %9s %9s %9s %9s\n", "class", "precision", "recall", "F1", "rows");
    for (size_t i = 0; m->classes <= MOST && i < m->classes; i++)
        print_class(ls_model_class_name(model, i), m->class_precision[i], m->class_recall[i],
                    m->class_f1[i], m->class_support[i]);
    print_class("macro average", m->macro_precision, m->macro_recall, m->macro_f1, m->rows);
    print_class("weighted average", m->weighted_precision, m->weighted_recall, m->weighted_f1,
                m->rows);
}

void print_calibration(const ls_metrics *m, const ls_model *model)
{
    bool two = m->classes == 2;
    if (isnan(m->calibration_error)) {
        puts("\ncalibration: the outputs are not probabilities");
        return;
    }
    if (two)
        printf("\ncalibration of the probability of '%s'\n",
               ls_model_class_name(model, m->positive));
    else puts("\ncalibration of the probability of the most probable class");
    printf("%-16s %9s %9s %9s\n", "probability", "rows", "mean", two ? "positive" : "correct");
    for (size_t i = 0; i < LS_CALIBRATION_BINS; i++) {
        const ls_calibration_bin *b = &m->calibration[i];
        printf("%.1f to %.1f       %9llu", (double)i / LS_CALIBRATION_BINS,
               (double)(i + 1) / LS_CALIBRATION_BINS, (unsigned long long)b->rows);
        if (b->rows) printf(" %9.4f %9.4f", b->score, b->share);
        putchar('\n');
    }
}

void print_confusion(const ls_metrics *m, const ls_model *model)
{
    if (m->classes > MOST) return;
    printf("\nconfusion matrix (rows: true class, columns: predicted class)\n%-16s", "");
    for (size_t j = 0; j < m->classes; j++) printf(" %9.9s", ls_model_class_name(model, j));
    putchar('\n');
    for (size_t i = 0; i < m->classes; i++) {
        printf("%-16.16s", ls_model_class_name(model, i));
        for (size_t j = 0; j < m->classes; j++)
            printf(" %9llu", (unsigned long long)m->confusion[i * m->classes + j]);
        putchar('\n');
    }
}
