/* SPDX-License-Identifier: MIT */
#include "host/search/scoring.h"
#include "core_cpu/pool.h"
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

/* ---- Threads --------------------------------------------------------------------------------- */

struct ls_scorers {
    ls_pool *pool;
    ls_device **device; /* [threads] */
    unsigned threads;
};

ls_status ls_scorers_open(unsigned threads, struct ls_scorers **out, ls_error *err)
{
    struct ls_scorers *s;
    *out = NULL;
    LS_TRY(ls_alloc(&s, 1, sizeof *s, "the search", err));
    ls_status status = ls_pool_open(threads, &s->pool, err);
    if (status == LS_OK) {
        s->threads = ls_pool_threads(s->pool);
        status = ls_alloc(&s->device, s->threads, sizeof *s->device, "the search", err);
    }
    for (unsigned i = 0; i < s->threads && status == LS_OK; i++)
        status = ls_device_open("cpu", 1, 0, &s->device[i], err);
    if (status == LS_OK) *out = s;
    else ls_scorers_close(s);
    return status;
}

void ls_scorers_close(struct ls_scorers *s)
{
    if (!s) return;
    for (unsigned i = 0; s->device && i < s->threads; i++) ls_device_close(s->device[i]);
    if (s->pool) ls_pool_close(s->pool);
    free(s->device);
    free(s);
}

/* ---- Trainings ------------------------------------------------------------------------------- */

/* A training to be scored. */
typedef struct {
    size_t trial, number; /* number: among the trial's */
    ls_model *model;      /* while it is evaluated; NULL if it has diverged */
    ls_status status;
    ls_error error; /* why not, if status is not LS_OK; if it is LS_ERR_DIVERGED the trial has */
    double score[LS_SCORES];
    bool defined[LS_SCORES];
} job;

/* What is known of a training before it is evaluated, and a copy of its model. */
static ls_status begin_job(ls_search *s, job *j, ls_error *err)
{
    ls_trial *t = &s->trial[j->trial];
    ls_member_info info = LS_INIT(ls_member_info);
    LS_TRY(ls_fleet_member(s->fleet, t->member[j->number], &info, err));
    t->epochs += (double)info.epochs / (double)s->members;
    t->steps += (double)info.steps / (double)s->members;
    t->seconds += info.seconds;
    t->parameters = info.parameters;
    j->status = info.state == LS_MEMBER_DIVERGED
                    ? ls_fail(&j->error, LS_ERR_DIVERGED, "%s",
                              info.message ? info.message : "training diverged")
                    : ls_fleet_model(s->fleet, t->member[j->number], &j->model, &j->error);
    if (j->status == LS_OK && j->number == 0) ls_model_weights_sha256(j->model, t->weights);
    return LS_OK;
}

static ls_status evaluate(const ls_search *s, ls_device *device, job *j)
{
    ls_metrics *m;
    LS_TRY(ls_model_evaluate(j->model, device, s->held[j->number % s->parts], &m, &j->error));
    ls_scores_read(m, j->score, j->defined);
    ls_metrics_free(m);
    /* its other scores mean nothing then */
    return isnan(j->score[LS_SCORE_LOSS]) ? ls_fail(&j->error, LS_ERR_DIVERGED,
                                                    "the loss on the held-out rows is not a number")
                                          : LS_OK;
}

typedef struct {
    const ls_search *s;
    job *list;
} work;

static void do_job(void *user, unsigned share, unsigned shares, unsigned thread)
{
    work *w = user;
    job *j = &w->list[share];
    (void)shares;
    if (j->status == LS_OK) j->status = evaluate(w->s, w->s->scorers->device[thread], j);
    ls_model_free(j->model);
    j->model = NULL;
}

static size_t parameters_of(const ls_search *s, const job *j)
{
    ls_member_info info = LS_INIT(ls_member_info);
    const ls_trial *t = &s->trial[j->trial];
    return ls_fleet_member(s->fleet, t->member[j->number], &info, NULL) == LS_OK ? info.parameters
                                                                                 : 0;
}

/* Jobs at a time: enough for all threads, and not more models in memory than that takes. */
static size_t jobs_at_once(const ls_search *s, const job *list, size_t count)
{
    static const size_t most_values = (size_t)1 << 24;
    const size_t most = 16 * (size_t)s->scorers->threads;
    size_t n = 0, values = 0;
    while (n < count && n < most && values < most_values) values += parameters_of(s, &list[n++]);
    return n;
}

static ls_status do_jobs(ls_search *s, job *list, size_t count, ls_error *err)
{
    work w = {s, list};
    ls_status status = LS_OK;
    size_t begun = 0;
    while (begun < count && status == LS_OK) status = begin_job(s, &list[begun++], err);
    ls_pool_enter(s->scorers->pool);
    ls_pool_run(s->scorers->pool, do_job, &w, (unsigned)begun);
    return status;
}

/* ---- Trials ---------------------------------------------------------------------------------- */

/* Mean and sample standard deviation, in two passes over the trainings in their order. */
static void spread(ls_trial *t, const job *of, size_t n)
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

/* The trial's scores from those of its trainings, which are in order. */
static ls_status finish_trial(ls_search *s, const job *list, size_t rung, ls_error *err)
{
    ls_trial *t = &s->trial[list->trial];
    for (size_t i = 0; i < s->members; i++) {
        if (list[i].status == LS_ERR_DIVERGED)
            return member_diverged(s, t, i, rung, list[i].error.message, err);
        if (list[i].status != LS_OK)
            return ls_fail(err, list[i].status, "%s", list[i].error.message);
    }
    if (!t->score) LS_TRY(ls_alloc(&t->score, s->members, sizeof *t->score, "the scores", err));
    for (size_t i = 0; i < s->members; i++) t->score[i] = list[i].score[s->how.metric];
    spread(t, list, s->members);
    t->state = LS_TRIAL_SCORED;
    t->rung = rung + 1;
    return LS_OK;
}

ls_status ls_search_score(ls_search *s, const size_t *trials, size_t count, size_t rung,
                          ls_error *err)
{
    job *list;
    size_t jobs;
    assert(rung < s->rungs && s->scorers);
    if (!ls_mul_size(count, s->members, &jobs))
        return ls_fail(err, LS_ERR_MEMORY, "too many trainings for this machine");
    if (!jobs) return LS_OK;
    LS_TRY(ls_alloc(&list, jobs, sizeof *list, "the scores", err));
    for (size_t i = 0; i < jobs; i++) {
        ls_trial *t = &s->trial[trials[i / s->members]];
        assert(t->member);
        list[i].trial = trials[i / s->members], list[i].number = i % s->members;
        t->epochs = t->steps = t->seconds = 0;
    }
    ls_status status = LS_OK;
    for (size_t from = 0, n; from < jobs && status == LS_OK; from += n) {
        n = jobs_at_once(s, list + from, jobs - from);
        status = do_jobs(s, list + from, n, err);
    }
    for (size_t i = 0; i < count && status == LS_OK; i++)
        status = finish_trial(s, list + i * s->members, rung, err);
    free(list);
    return status;
}
