/* SPDX-License-Identifier: MIT */
#include "host/search/scoring.h"
#include "host/base/memory.h"
#include "host/search/trial.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static ls_status member_diverged(const ls_search *s, ls_trial *t, size_t member, size_t rung,
                                 const char *message, ls_error *err)
{
    char where[80] = "", reason[1200];
    if (s->how.seeds > 1)
        snprintf(where, sizeof where, "seed %zu%s", member / s->parts + 1,
                 s->parts > 1 ? ", " : ": ");
    if (s->parts > 1)
        snprintf(where + strlen(where), sizeof where - strlen(where),
                 "fold %zu: ", member % s->parts + 1);
    snprintf(reason, sizeof reason, "%s%s", where, message ? message : "training diverged");
    return ls_trial_give_up(t, LS_TRIAL_DIVERGED, rung + 1, reason, err);
}

typedef struct {
    double score[LS_SCORES];
    bool defined[LS_SCORES];
} member_scores;

/* Scores training i. *diverged: it or an earlier one diverged, and the trial has no score. */
static ls_status score_member(ls_search *s, ls_trial *t, size_t i, size_t rung, member_scores *out,
                              bool *diverged, ls_error *err)
{
    ls_member_info info = LS_INIT(ls_member_info);
    ls_model *model;
    ls_metrics *m;
    ls_error why;
    LS_TRY(ls_fleet_member(s->fleet, t->member[i], &info, err));
    t->epochs += (double)info.epochs / (double)s->members;
    t->steps += (double)info.steps / (double)s->members;
    t->seconds += info.seconds;
    t->parameters = info.parameters;
    if (*diverged) return LS_OK;
    ls_status status = info.state == LS_MEMBER_DIVERGED
                           ? ls_fail(&why, LS_ERR_DIVERGED, "%s",
                                     info.message ? info.message : "training diverged")
                           : ls_fleet_model(s->fleet, t->member[i], &model, &why);
    if ((*diverged = status == LS_ERR_DIVERGED))
        return member_diverged(s, t, i, rung, why.message, err);
    if (status != LS_OK) return ls_fail(err, status, "%s", why.message);
    if (i == 0) ls_model_weights_sha256(model, t->weights);
    status = ls_model_evaluate(model, s->scoring_device, s->held[i % s->parts], &m, err);
    ls_model_free(model);
    LS_TRY(status);
    ls_scores_read(m, out->score, out->defined);
    ls_metrics_free(m);
    /* its other scores mean nothing then */
    if ((*diverged = isnan(out->score[LS_SCORE_LOSS])))
        return member_diverged(s, t, i, rung, "the loss on the held-out rows is not a number", err);
    return LS_OK;
}

/* Mean and sample standard deviation, in two passes over the trainings in their order. */
static void spread(ls_trial *t, const member_scores *of, size_t n)
{
    for (size_t k = 0; k < LS_SCORES; k++) {
        double sum = 0, squares = 0;
        size_t there = 0;
        t->parts[k] = 0;
        for (size_t i = 0; i < n; i++) {
            t->parts[k] += of[i].defined[k];
            if (isnan(of[i].score[k])) continue;
            sum += of[i].score[k];
            there++;
        }
        t->mean[k] = there ? sum / (double)there : (double)NAN;
        for (size_t i = 0; i < n; i++)
            if (!isnan(of[i].score[k]))
                squares += (of[i].score[k] - t->mean[k]) * (of[i].score[k] - t->mean[k]);
        t->sd[k] = there > 1 ? sqrt(squares / (double)(there - 1)) : (double)NAN;
    }
}

ls_status ls_search_score(ls_search *s, size_t trial, size_t rung, ls_error *err)
{
    ls_trial *t = &s->trial[trial];
    assert(t->member && rung < s->rungs);
    member_scores *score;
    bool diverged = false;
    LS_TRY(ls_alloc(&score, s->members, sizeof *score, "the scores", err));
    t->epochs = t->steps = t->seconds = 0;
    ls_status status = LS_OK;
    for (size_t i = 0; i < s->members && status == LS_OK; i++)
        status = score_member(s, t, i, rung, &score[i], &diverged, err);
    if (status == LS_OK && !diverged && !t->score)
        status = ls_alloc(&t->score, s->members, sizeof *t->score, "the scores", err);
    if (status == LS_OK && !diverged) {
        for (size_t i = 0; i < s->members; i++) t->score[i] = score[i].score[s->how.metric];
        spread(t, score, s->members);
        t->state = LS_TRIAL_SCORED;
        t->rung = rung + 1;
    }
    free(score);
    return status;
}
