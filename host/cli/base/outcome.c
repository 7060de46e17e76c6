/* SPDX-License-Identifier: MIT */
#include "host/cli/base/outcome.h"
#include "host/base/memory.h"
#include "host/cli/base/model_output.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

ls_status outcome_compute(const ls_model *model, ls_device *device, const ls_data *data,
                          const char *label, outcome *out, ls_error *err)
{
    *out = (outcome){.model = model,
                     .data = data,
                     .label = label,
                     .task = ls_model_task(model),
                     .rows = ls_data_rows(data),
                     .outputs = ls_model_outputs(model),
                     .classes = ls_model_classes(model),
                     .targets = ls_model_targets(model)};
    if (out->task == LS_TASK_MULTILABEL) out->classes = out->targets;
    LS_TRY(ls_model_evaluate(model, device, data, &out->metrics, err));
    out->positive = out->metrics->positive;
    out->probabilities = out->task == LS_TASK_CLASSIFICATION && !isnan(out->metrics->log_loss);
    if (out->task == LS_TASK_REGRESSION) {
        LS_TRY(ls_alloc(&out->number, out->rows, out->targets * sizeof *out->number,
                        "the predictions", err));
        return ls_model_predict_numbers(model, device, data, out->number, err);
    }
    LS_TRY(ls_alloc(&out->p, out->rows, out->outputs * sizeof *out->p, "the outputs", err));
    return ls_model_predict_data(model, device, data, out->p, err);
}

void outcome_free(outcome *o)
{
    ls_metrics_free(o->metrics);
    free(o->p);
    free(o->number);
    *o = (outcome){0};
}

bool outcome_one_class(const outcome *o)
{
    for (size_t k = 0; k < o->classes; k++)
        for (size_t i = 1; i < o->rows; i++)
            if (outcome_has(o, i, k) != outcome_has(o, 0, k)) return false;
    return true;
}

const char *outcome_class_name(const outcome *o, size_t class)
{
    return o->task == LS_TASK_MULTILABEL ? model_target_name(o->model, class)
                                         : ls_model_class_name(o->model, class);
}

bool outcome_has(const outcome *o, size_t row, size_t class)
{
    if (o->task == LS_TASK_MULTILABEL)
        return ls_data_values(o->data)[row * o->targets + class] > 0.5;
    return (size_t)ls_data_y(o->data)[row] == class;
}

double outcome_score(const outcome *o, size_t row, size_t class)
{
    const float *p = o->p + row * o->outputs;
    if (o->outputs > 1 || o->task == LS_TASK_MULTILABEL) return (double)p[class];
    return class ? (double)p[0] : 1 - (double)p[0];
}

size_t outcome_predicted(const outcome *o, size_t row)
{
    return ls_model_decide(o->model, o->p + row * o->outputs);
}

/* ---- Curves ---------------------------------------------------------------------------------- */

typedef struct {
    double score;
    bool hit;
} scored;

static int by_score(const void *a, const void *b)
{
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x < y) - (x > y);
}

/* Computes the curve of class c->class: one point per distinct score, from the highest. Points too
 * close to the one before to be seen in a plot are left out. row: room for o->rows. */
static ls_status trace(const outcome *o, scored *row, outcome_curve *c, ls_error *err)
{
    const double visible = o->classes > 2 ? 0.012 : 0.004;
    double positives = 0, tp = 0, fp = 0, tpr = 0, fpr = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < o->rows; i++) {
        row[i] = (scored){outcome_score(o, i, c->class), outcome_has(o, i, c->class)};
        positives += row[i].hit;
    }
    double negatives = (double)o->rows - positives;
    *c = (outcome_curve){.class = c->class,
                         .share = positives / (double)o->rows,
                         .auc = (double)NAN,
                         .average_precision = (double)NAN};
    if (!(positives > 0) || !(negatives > 0)) return LS_OK;
    qsort(row, o->rows, sizeof *row, by_score);
    c->auc = c->average_precision = 0;
    LS_TRY(ls_grow(&c->point, &capacity, 64, sizeof *c->point, "a curve", err));
    c->point[c->points++] = (outcome_point){.threshold = HUGE_VAL, .precision = 1};
    for (size_t i = 0; i < o->rows; i++) {
        if (row[i].hit) tp++;
        else fp++;
        bool last = i + 1 == o->rows;
        if (!last && !(row[i + 1].score < row[i].score)) continue;
        outcome_point at = {row[i].score, fp / negatives, tp / positives, tp / (tp + fp)};
        c->auc += (at.false_positive - fpr) * (at.true_positive + tpr) / 2;
        c->average_precision += (at.true_positive - tpr) * at.precision;
        tpr = at.true_positive, fpr = at.false_positive;
        const outcome_point *before = &c->point[c->points - 1];
        if (!last && fabs(fpr - before->false_positive) < visible &&
            fabs(tpr - before->true_positive) < visible &&
            fabs(at.precision - before->precision) < visible)
            continue;
        LS_TRY(ls_grow(&c->point, &capacity, c->points + 1, sizeof *c->point, "a curve", err));
        c->point[c->points++] = at;
    }
    return LS_OK;
}

/* Keeps the curve if it is among the OUTCOME_CURVES with the smallest area; otherwise frees it. The
 * list stays in the order of the classes. */
static void keep(outcome_curve *list, size_t *count, outcome_curve c)
{
    if (*count == OUTCOME_CURVES) {
        size_t best = 0;
        for (size_t i = 1; i < *count; i++)
            if (list[i].auc >= list[best].auc) best = i;
        if (list[best].auc <= c.auc) {
            free(c.point);
            return;
        }
        free(list[best].point);
        memmove(list + best, list + best + 1, (--*count - best) * sizeof *list);
    }
    list[(*count)++] = c;
}

ls_status outcome_curves(const outcome *o, outcome_curve *list, size_t *count, double *auc,
                         double *average_precision, ls_error *err)
{
    scored *row;
    ls_status status = LS_OK;
    *count = 0;
    LS_TRY(ls_alloc(&row, o->rows, sizeof *row, "the scores", err));
    for (size_t k = 0; k < o->classes && status == LS_OK; k++) {
        if (o->task == LS_TASK_CLASSIFICATION && o->classes == 2 && k != o->positive) continue;
        outcome_curve c = {.class = k};
        status = trace(o, row, &c, err);
        if (auc) auc[k] = c.auc;
        if (average_precision) average_precision[k] = c.average_precision;
        if (status == LS_OK && c.points) keep(list, count, c);
        else free(c.point);
    }
    free(row);
    if (status == LS_OK) return LS_OK;
    outcome_curves_free(list, *count);
    *count = 0;
    return status;
}

void outcome_curves_free(outcome_curve *list, size_t count)
{
    for (size_t i = 0; i < count; i++) free(list[i].point);
}

/* ---- Bins ------------------------------------------------------------------------------------ */

void outcome_bins(const outcome *o, outcome_bin bin[HISTOGRAM_BINS])
{
    memset(bin, 0, HISTOGRAM_BINS * sizeof *bin);
    for (size_t i = 0; i < o->rows; i++) {
        size_t class = o->classes == 2 ? o->positive : outcome_predicted(o, i), k = 0;
        double score = outcome_score(o, i, class);
        while (k + 1 < HISTOGRAM_BINS && score * HISTOGRAM_BINS > (double)(k + 1)) k++;
        bin[k].rows++;
        bin[k].hits += (size_t)ls_data_y(o->data)[i] == class;
    }
}

/* ---- Mistakes -------------------------------------------------------------------------------- */

size_t outcome_worst(const outcome *o, size_t *list, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < o->rows; i++) {
        size_t predicted = outcome_predicted(o, i), at = n;
        if ((size_t)ls_data_y(o->data)[i] == predicted) continue;
        double score = outcome_score(o, i, predicted);
        while (at > 0 && outcome_score(o, list[at - 1], outcome_predicted(o, list[at - 1])) < score)
            at--;
        if (at == most) continue;
        if (n < most) n++;
        memmove(list + at + 1, list + at, (n - 1 - at) * sizeof *list);
        list[at] = i;
    }
    return n;
}

size_t outcome_confused(const outcome *o, outcome_pair *list, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < o->classes * o->classes; i++) {
        outcome_pair pair = {i / o->classes, i % o->classes, o->metrics->confusion[i]};
        size_t at = n;
        if (pair.truth == pair.predicted || !pair.rows) continue;
        while (at > 0 && list[at - 1].rows < pair.rows) at--;
        if (at == most) continue;
        if (n < most) n++;
        memmove(list + at + 1, list + at, (n - 1 - at) * sizeof *list);
        list[at] = pair;
    }
    return n;
}
