/* SPDX-License-Identifier: MIT */
#include "host/search/rank.h"
#include "host/base/memory.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
    const ls_trial *trial;
    size_t number;
    int metric;
} ranked;

/* Scored trials first, by completed rungs; a score that is not defined ranks
 * below every other. */
static int by_rank(const void *pa, const void *pb)
{
    const ranked *a = pa, *b = pb;
    static const int place[] = {[LS_TRIAL_SCORED] = 0,
                                [LS_TRIAL_DIVERGED] = 1,
                                [LS_TRIAL_REFUSED] = 2,
                                [LS_TRIAL_WAITING] = 3};
    int by_state = place[a->trial->state] - place[b->trial->state];
    if (by_state) return by_state;
    if (a->trial->rung != b->trial->rung) return a->trial->rung > b->trial->rung ? -1 : 1;
    if (a->trial->state == LS_TRIAL_SCORED) {
        double x = a->trial->mean[a->metric], y = b->trial->mean[a->metric];
        bool no_x = isnan(x) || !a->trial->parts[a->metric],
             no_y = isnan(y) || !b->trial->parts[a->metric];
        if (no_x != no_y) return no_x ? 1 : -1;
        if (!no_x && x != y) return (x > y) == ls_score_larger(a->metric) ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

bool ls_search_has_score(const ls_search *s, const ls_trial *t)
{
    return t->state == LS_TRIAL_SCORED && t->parts[s->how.metric] &&
           isfinite(t->mean[s->how.metric]);
}

ls_status ls_search_rank(const ls_search *s, size_t *order, ls_error *err)
{
    ranked *list;
    LS_TRY(ls_alloc(&list, s->trials, sizeof *list, "the ranking", err));
    for (size_t i = 0; i < s->trials; i++) list[i] = (ranked){&s->trial[i], i, s->how.metric};
    qsort(list, s->trials, sizeof *list, by_rank);
    for (size_t i = 0; i < s->trials; i++) order[i] = list[i].number;
    free(list);
    return LS_OK;
}

size_t ls_search_count(const ls_search *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->trials; i++) n += s->trial[i].state != LS_TRIAL_WAITING;
    return n;
}
