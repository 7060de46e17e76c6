/* SPDX-License-Identifier: MIT */
#include "host/cli/base/cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *number_json(double value) { return isfinite(value) ? json_real(value) : json_null(); }

void print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts(text ? text : "{}");
    free(text);
    json_decref(object);
}

static json_t *means_json(double precision, double recall, double f1)
{
    return json_pack("{s:o,s:o,s:o}", "precision", number_json(precision), "recall",
                     number_json(recall), "f1", number_json(f1));
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
        json_array_append_new(bins, json_pack("{s:f,s:I,s:o,s:o}", "to",
                                              (double)(i + 1) / LS_CALIBRATION_BINS, "rows",
                                              (json_int_t)b->rows, "score", number_json(b->score),
                                              "share", number_json(b->share)));
    }
    return bins;
}

json_t *metrics_json(const ls_metrics *m, const ls_model *model)
{
    json_t *o = json_object();
    const struct {
        const char *name;
        double value;
    } figures[] = {{"loss", m->loss},         {"loss_sum", m->loss_sum},
                   {"accuracy", m->accuracy}, {"precision", m->precision},
                   {"recall", m->recall},     {"f1", m->f1},
                   {"auc", m->auc},           {"log_loss", m->log_loss},
                   {"brier", m->brier},       {"calibration_error", m->calibration_error}};
    json_object_set_new(o, "rows", json_integer((json_int_t)m->rows));
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        json_object_set_new(o, figures[i].name, number_json(figures[i].value));
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
    if (m->undefined) printf("   (%u of these were 0/0, given as 0)", m->undefined);
    putchar('\n');
}

/* Most classes that a table has rows for. */
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
        puts("\ncalibration: the outputs are no probabilities");
        return;
    }
    if (two)
        printf("\ncalibration of the probability of '%s'\n",
               ls_model_class_name(model, m->positive));
    else puts("\ncalibration of the probability of the likeliest class");
    printf("%-16s %9s %9s %9s\n", "probability", "rows", "mean", two ? "found" : "right");
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
    printf("\nconfusion (rows: true class, columns: predicted)\n%-16s", "");
    for (size_t j = 0; j < m->classes; j++) printf(" %9.9s", ls_model_class_name(model, j));
    putchar('\n');
    for (size_t i = 0; i < m->classes; i++) {
        printf("%-16.16s", ls_model_class_name(model, i));
        for (size_t j = 0; j < m->classes; j++)
            printf(" %9llu", (unsigned long long)m->confusion[i * m->classes + j]);
        putchar('\n');
    }
}

void describe_widths(const ls_model *model, char *out, size_t size)
{
    const char *hidden = ls_model_option(model, "hidden");
    int n = snprintf(out, size, "%zu-", ls_model_features(model));
    if (hidden && strcmp(hidden, "none"))
        for (; *hidden && n > 0 && (size_t)n + 2 < size; hidden++)
            out[n++] = *hidden == ',' ? '-' : *hidden;
    if (n > 0 && (size_t)n < size && out[n - 1] != '-') out[n++] = '-';
    if (n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, "%zu", ls_model_outputs(model));
}

void device_report_take(device_report *r, const ls_device *device)
{
    r->info = *ls_device_get_info(device);
    r->trials = ls_device_trials(device, r->trial, DEVICE_TRIALS);
    if (r->trials > DEVICE_TRIALS) r->trials = DEVICE_TRIALS;
}

void device_report_print(const device_report *r)
{
    const char *between = "";
    printf("device     %s (%s)\n", r->info.name, r->info.exact ? "exact" : "approximate");
    if (!r->trials) return;
    printf("chosen    ");
    for (size_t i = 0; i < r->trials; i++, between = ";") {
        const ls_device_trial *t = &r->trial[i];
        if (t->speed > 0) printf("%s %s: %.0f steps/s", between, t->name, t->speed);
        else printf("%s %s", between, t->name);
        if (*t->note) printf(" %s", t->note);
    }
    putchar('\n');
}

json_t *device_report_json(const device_report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->trials; i++) {
        const ls_device_trial *t = &r->trial[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:o,s:b,s:o}", "device", t->name, "steps_per_second",
                                        t->speed > 0 ? json_real(t->speed) : json_null(), "chosen",
                                        t->chosen, "note",
                                        *t->note ? json_string(t->note) : json_null()));
    }
    return list;
}
