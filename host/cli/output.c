/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cli.h"

json_t *number_json(double value) { return isfinite(value) ? json_real(value) : json_null(); }

void print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts(text ? text : "{}");
    free(text);
    json_decref(object);
}

json_t *metrics_json(const ls_metrics *m, const ls_model *model)
{
    json_t *o = json_object(), *confusion = json_array(), *classes = json_object();
    json_object_set_new(o, "rows", json_integer((json_int_t)m->rows));
    json_object_set_new(o, "loss", number_json(m->loss));
    json_object_set_new(o, "loss_sum", number_json(m->loss_sum));
    json_object_set_new(o, "accuracy", number_json(m->accuracy));
    json_object_set_new(o, "precision", number_json(m->precision));
    json_object_set_new(o, "recall", number_json(m->recall));
    json_object_set_new(o, "f1", number_json(m->f1));
    json_object_set_new(o, "auc", number_json(m->auc));
    json_object_set_new(o, "undefined", json_integer(m->undefined));
    for (size_t i = 0; i < m->classes; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < m->classes; j++)
            json_array_append_new(row, json_integer((json_int_t)m->confusion[i * m->classes + j]));
        json_array_append_new(confusion, row);
        json_object_set_new(classes, ls_model_class_name(model, i),
                            json_pack("{s:o,s:o,s:o}", "precision", number_json(m->class_precision[i]), "recall",
                                      number_json(m->class_recall[i]), "f1", number_json(m->class_f1[i])));
    }
    json_object_set_new(o, "confusion", confusion);
    json_object_set_new(o, "classes", classes);
    return o;
}

void print_metrics_header(void)
{
    printf("%-10s %8s %11s %9s %9s %9s %9s\n", "", "rows", "loss", "accuracy", "precision", "recall", "F1");
}

void print_metrics(const char *label, const ls_metrics *m)
{
    printf("%-10s %8zu %11.6g %9.4f %9.4f %9.4f %9.4f", label, m->rows, m->loss, m->accuracy, m->precision, m->recall, m->f1);
    if (m->undefined) printf("   (%u of these were 0/0, given as 0)", m->undefined);
    putchar('\n');
}

void print_confusion(const ls_metrics *m, const ls_model *model)
{
    enum { MOST = 20 };
    if (m->classes > MOST) return;
    printf("\nconfusion (rows: true class, columns: predicted)\n%-16s", "");
    for (size_t j = 0; j < m->classes; j++) printf(" %9.9s", ls_model_class_name(model, j));
    putchar('\n');
    for (size_t i = 0; i < m->classes; i++) {
        printf("%-16.16s", ls_model_class_name(model, i));
        for (size_t j = 0; j < m->classes; j++) printf(" %9llu", (unsigned long long)m->confusion[i * m->classes + j]);
        putchar('\n');
    }
}

void describe_widths(const ls_model *model, char *out, size_t size)
{
    const char *hidden = ls_model_option(model, "hidden");
    int n = snprintf(out, size, "%zu-", ls_model_features(model));
    if (hidden && strcmp(hidden, "none"))
        for (; *hidden && n > 0 && (size_t)n + 2 < size; hidden++) out[n++] = *hidden == ',' ? '-' : *hidden;
    if (n > 0 && (size_t)n < size && out[n - 1] != '-') out[n++] = '-';
    if (n > 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, "%zu", ls_model_outputs(model));
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
        json_array_append_new(list, json_pack("{s:s,s:o,s:b,s:o}", "device", t->name, "steps_per_second", t->speed > 0 ? json_real(t->speed) : json_null(),
                                              "chosen", t->chosen, "note", *t->note ? json_string(t->note) : json_null()));
    }
    return list;
}
