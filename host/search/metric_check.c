/* SPDX-License-Identifier: MIT */
#include "host/search/metric_check.h"
#include "host/base/memory.h"
#include "host/data/data.h"
#include <stdlib.h>
#include <string.h>

static const char *const task_names[] = {[LS_TASK_CLASSIFICATION] = "classes",
                                         [LS_TASK_REGRESSION] = "numbers",
                                         [LS_TASK_MULTILABEL] = "labels"};

static ls_status check_task(int metric, ls_task task, ls_error *err)
{
    char fitting[256] = "";
    if (ls_score_fits(metric, task)) return LS_OK;
    for (int k = 0; k < LS_SCORES; k++)
        if (ls_score_fits(k, task))
            snprintf(fitting + strlen(fitting), sizeof fitting - strlen(fitting), "%s%s",
                     *fitting ? ", " : "", ls_score_names[k]);
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--metric %s is not for data whose target is %s; choose from: %s",
                   ls_score_names[metric], task_names[task], fitting);
}

/* count[classes] = rows of each class. */
static void count_classes(const ls_data *data, size_t *count)
{
    for (size_t c = 0; c < data->classes; c++) count[c] = 0;
    for (size_t i = 0; i < data->rows; i++) count[data->y[i]]++;
}

/* The class with the fewest rows. */
static size_t rarest(const size_t *count, size_t classes)
{
    size_t least = 0;
    for (size_t c = 1; c < classes; c++)
        if (count[c] < count[least]) least = c;
    return least;
}

/* In one part, the AUC needs rows of each of at least two classes, and recall needs rows of each
 * class that it is about: of two classes the positive one, which is the second. */
static ls_status check_classes(const ls_search *s, ls_error *err)
{
    size_t classes = s->data->classes, *count;
    bool defined = false, second = s->how.metric == LS_SCORE_RECALL && classes == 2;
    LS_TRY(ls_alloc(&count, classes, sizeof *count, "the classes", err));
    for (size_t p = 0; p < s->parts && !defined && classes > 1; p++) {
        count_classes(s->held[p], count);
        defined = count[second ? 1 : rarest(count, classes)] > 0;
    }
    count_classes(s->data, count);
    size_t least = second ? 1 : rarest(count, classes), rows = count[least];
    free(count);
    if (defined) return LS_OK;
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "--metric %s is not defined on any of the held-out parts, since each lacks rows of a class ('%.60s' has %zu of %zu rows); use %s or another metric",
        ls_score_names[s->how.metric], s->data->class_names[least], rows, s->data->rows,
        s->how.folds ? "fewer --folds" : "a larger --holdout");
}

/* Whether each label applies to some rows of the part and not to others. */
static bool has_both_values(const ls_data *part)
{
    for (size_t k = 0; k < part->targets; k++) {
        double sum = 0;
        for (size_t i = 0; i < part->rows; i++) sum += part->value[i * part->targets + k];
        if (sum <= 0 || sum >= (double)part->rows) return false;
    }
    return true;
}

static ls_status check_labels(const ls_search *s, ls_error *err)
{
    for (size_t p = 0; p < s->parts; p++)
        if (has_both_values(s->held[p])) return LS_OK;
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "--metric auc is not defined on any of the held-out parts: in each, a label applies to no row or to all; use %s or another metric",
        s->how.folds ? "fewer --folds" : "a larger --holdout");
}

/* R2 and the explained variance need two rows in one part. */
static ls_status check_rows(const ls_search *s, ls_error *err)
{
    for (size_t p = 0; p < s->parts; p++)
        if (s->held[p]->rows > 1) return LS_OK;
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "--metric %s is not defined on any of the held-out parts, which have one row each; use %s or another metric",
        ls_score_names[s->how.metric], s->how.folds ? "fewer --folds" : "a larger --holdout");
}

ls_status ls_search_check_metric(const ls_search *s, ls_error *err)
{
    ls_task task = s->data->task;
    LS_TRY(check_task(s->how.metric, task, err));
    if (s->how.metric == LS_SCORE_AUC)
        return task == LS_TASK_CLASSIFICATION ? check_classes(s, err) : check_labels(s, err);
    if (s->how.metric == LS_SCORE_RECALL && task == LS_TASK_CLASSIFICATION)
        return check_classes(s, err);
    if (s->how.metric == LS_SCORE_R2 || s->how.metric == LS_SCORE_EXPLAINED_VARIANCE)
        return check_rows(s, err);
    return LS_OK;
}

ls_status ls_search_check_outputs(const ls_search *s, const ls_network *n, ls_error *err)
{
    bool probabilities = n->output == LS_OUTPUT_SOFTMAX ||
                         (n->output == LS_OUTPUT_SIGMOID && n->outputs == 1);
    if (probabilities || (s->how.metric != LS_SCORE_LOG_LOSS && s->how.metric != LS_SCORE_BRIER))
        return LS_OK;
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "--metric %s needs probabilities, which these outputs are not; use --output auto, or another metric",
        ls_score_names[s->how.metric]);
}
