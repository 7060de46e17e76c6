/* SPDX-License-Identifier: MIT */
#include "host/search/score.h"
#include <assert.h>

#define NAME(constant, field, larger) #field,
const char *const ls_score_names[LS_SCORES + 1] = {LS_SCORE_TABLE(NAME) NULL};
#undef NAME

bool ls_score_larger(int metric)
{
#define LARGER(constant, field, larger) larger,
    static const bool larger_is_better[LS_SCORES] = {LS_SCORE_TABLE(LARGER)};
#undef LARGER
    assert(metric >= 0 && metric < LS_SCORES);
    return larger_is_better[metric];
}

void ls_scores_read(const ls_metrics *m, double score[LS_SCORES])
{
#define READ(constant, field, larger) score[LS_SCORE_##constant] = m->field;
    LS_SCORE_TABLE(READ)
#undef READ
}
