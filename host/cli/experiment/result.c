/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/result.h"
#include <math.h>
#include <stdlib.h>

static const struct {
    const char *name, *title;
    bool larger_is_better;
} metrics[EXP_METRICS] = {
    [EXP_ACCURACY] = {"accuracy", "accuracy", true},
    [EXP_PRECISION] = {"precision", "precision", true},
    [EXP_RECALL] = {"recall", "recall", true},
    [EXP_F1] = {"f1", "F1", true},
    [EXP_LOSS] = {"loss", "loss", false},
    [EXP_LOSS_SUM] = {"loss_sum", "loss, summed", false},
    [EXP_ERROR] = {"error", "error rate", false},
    [EXP_MARK] = {"loss_mark", "loss printed last", false},
    [EXP_FIT] = {"accuracy_train", "accuracy on training rows", true},
    [EXP_THIRTIETH] = {"epochs_to_30_percent", "epochs to 30 %", false},
    [EXP_FAILED] = {"no_progress", "share of runs without progress", false},
};

const char *exp_metric_name(exp_metric m) { return metrics[m].name; }
const char *exp_metric_title(exp_metric m) { return metrics[m].title; }
bool exp_metric_larger_is_better(exp_metric m) { return metrics[m].larger_is_better; }

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts n values and returns their median. */
static double median_of(double *value, size_t n)
{
    if (n == 0) return (double)NAN;
    qsort(value, n, sizeof *value, by_value);
    return n % 2 ? value[n / 2] : 0.5 * (value[n / 2 - 1] + value[n / 2]);
}

void exp_summarize(exp_result *r, size_t seeds)
{
    for (size_t f = 0; f < EXP_METRICS; f++) {
        double value[EXP_MOST_SEEDS], sum = 0, squares = 0;
        size_t n = 0;
        for (size_t k = 0; k < seeds; k++)
            if (!isnan(r->run[k].metric[f])) sum += value[n++] = r->run[k].metric[f];
        r->counted[f] = n;
        r->mean[f] = n ? sum / (double)n : (double)NAN;
        for (size_t k = 0; k < n; k++) squares += (value[k] - r->mean[f]) * (value[k] - r->mean[f]);
        r->sd[f] = n > 1 ? sqrt(squares / (double)(n - 1)) : n ? 0 : (double)NAN;
        r->median[f] = median_of(value, n);
    }
    for (size_t k = 0; k < seeds; k++) r->diverged += r->run[k].diverged;
}

size_t exp_failures(const exp_result *r)
{
    return (size_t)(r->mean[EXP_FAILED] * (double)r->counted[EXP_FAILED] + 0.5);
}

bool exp_median_loss(const exp_session *s, const exp_result *r, size_t k, uint64_t *epoch,
                     double *loss)
{
    double value[EXP_MOST_SEEDS];
    size_t n = 0;
    for (size_t i = 0; r->run && i < s->order->seeds; i++) {
        const exp_run *run = &r->run[i];
        if (!run->history || k >= run->points) continue;
        if (n && run->history[k].epoch != *epoch) return false;
        *epoch = run->history[k].epoch;
        value[n++] = (double)run->history[k].loss;
    }
    if (!n) return false;
    *loss = median_of(value, n);
    return true;
}
