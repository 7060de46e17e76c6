/* SPDX-License-Identifier: MIT */
#include "host/search/score.h"
#include <assert.h>
#include <math.h>

#define NAME(constant, field, larger, tasks) #field,
const char *const ls_score_names[LS_SCORES + 1] = {LS_SCORE_TABLE(NAME) NULL};
#undef NAME

bool ls_score_larger(int metric)
{
#define LARGER(constant, field, larger, tasks) larger,
    static const bool larger_is_better[LS_SCORES] = {LS_SCORE_TABLE(LARGER)};
#undef LARGER
    assert(metric >= 0 && metric < LS_SCORES);
    return larger_is_better[metric];
}

bool ls_score_fits(int metric, ls_task task)
{
#define TASKS(constant, field, larger, tasks) tasks,
    static const int tasks_of[LS_SCORES] = {LS_SCORE_TABLE(TASKS)};
#undef TASKS
    assert(metric >= 0 && metric < LS_SCORES);
    return tasks_of[metric] >> task & 1;
}

int ls_score_default(ls_task task)
{
    return task == LS_TASK_REGRESSION ? LS_SCORE_RMSE : LS_SCORE_ACCURACY;
}

/* Finds the metrics of classes that are 0/0 (docs/metrics.md). */
static void find_undefined(const ls_metrics *m, bool defined[LS_SCORES])
{
    for (size_t c = 0; c < m->classes; c++) {
        uint64_t truly = m->class_support[c], predicted = 0;
        bool reported = m->classes != 2 || c == m->positive;
        for (size_t k = 0; k < m->classes; k++) predicted += m->confusion[k * m->classes + c];
        if (reported && !predicted) defined[LS_SCORE_PRECISION] = false;
        if (reported && !truly) defined[LS_SCORE_RECALL] = false;
        if (truly || predicted) continue;
        if (reported) defined[LS_SCORE_F1] = false;
        defined[LS_SCORE_MACRO_F1] = false;
        /* in the weighted F1 such a class has the weight 0 */
    }
    for (size_t k = 0; !m->classes && k < m->targets && m->class_support; k++)
        if (!m->class_support[k]) defined[LS_SCORE_RECALL] = false;
}

void ls_scores_read(const ls_metrics *m, double score[LS_SCORES], bool defined[LS_SCORES])
{
#define READ(constant, field, larger, tasks) score[LS_SCORE_##constant] = m->field;
    LS_SCORE_TABLE(READ)
#undef READ
    for (size_t k = 0; k < LS_SCORES; k++) defined[k] = !isnan(score[k]);
    find_undefined(m, defined);
}
