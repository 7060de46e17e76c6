/* SPDX-License-Identifier: MIT */
#include "host/device/warm_up.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/trace.h"
#include <stdlib.h>
#include <time.h>

/* Copies at most; bytes that they may take. */
enum { MOST_COPIES = 256, MOST_STEPS = 4096 };
static const double most_bytes = 64e6;
/* A call of this length shows the device's speed. */
static const double long_call = 0.005;
/* Calls in a row that build nothing and are not faster than those before. */
enum { STABLE_CALLS = 3, MOST_CALLS = 500 };
/* Steps are faster if they take less than this share. */
static const double faster = 0.95;
/* Seconds to wait for builds that run beside the steps. */
static const double longest_build = 60;

typedef struct {
    ls_backend *backend;
    const ls_plan *plan;
    const atomic_bool *stop;
    ls_workspace *workspace;
    size_t copies;
    ls_run run[MOST_COPIES];
    ls_rates *rates; /* MOST_STEPS */
    float *losses;   /* copies × MOST_STEPS */
    double least;    /* seconds of a step of a copy */
} warming;

static size_t copies_of(const ls_plan *plan, size_t members)
{
    double room = most_bytes / (4 * (double)plan->arena + 1);
    size_t copies = members < MOST_COPIES ? members : MOST_COPIES;
    if (room < (double)copies) copies = (size_t)room;
    return copies ? copies : 1;
}

static void pause(double seconds)
{
    struct timespec t = {.tv_nsec = (long)(1e9 * seconds)};
    nanosleep(&t, NULL);
}

/* Waits for builds beside the steps. */
static void wait_for_builds(const warming *w)
{
    double started = ls_clock();
    while (!atomic_load(w->stop) && w->backend->slots->builds(w->backend).pending &&
           ls_clock() - started < longest_build)
        pause(0.005);
}

/* One call; false on failure. *seconds: what it took. */
static bool run_call(warming *w, uint64_t count, double *seconds)
{
    for (size_t i = 0; i < w->copies; i++) {
        w->run[i].first += w->run[i].count;
        w->run[i].count = count;
    }
    double started = ls_clock();
    if (w->backend->slots->run(w->workspace, w->run, w->copies, NULL) != LS_OK) return false;
    *seconds = ls_clock() - started;
    return true;
}

static bool run_until_stable(warming *w, double most)
{
    double spent = 0, seconds;
    uint64_t count = 1;
    for (int stable = 0, calls = 0;
         stable < STABLE_CALLS && spent < most && calls < MOST_CALLS && !atomic_load(w->stop);
         calls++) {
        uint64_t ended = w->backend->slots->builds(w->backend).ended;
        if (!run_call(w, count, &seconds)) return false;
        wait_for_builds(w);
        if (w->backend->slots->builds(w->backend).ended != ended) {
            stable = 0;
            continue;
        }
        ls_trace("warm up: %llu steps of %zu members in %.6f s", (unsigned long long)count,
                 w->copies, seconds);
        double pace = seconds / (double)(count * w->copies);
        bool quicker = w->least <= 0 || pace < faster * w->least;
        if (w->least <= 0 || pace < w->least) w->least = pace;
        spent += seconds;
        if (seconds < long_call && count < MOST_STEPS) count *= 4;
        else stable = quicker ? 0 : stable + 1;
    }
    return true;
}

/* A whole block of rows, and a single one. */
static void infer(const warming *w)
{
    size_t rows = w->plan->rows < LS_INFER_ROWS ? w->plan->rows : LS_INFER_ROWS;
    float losses[LS_INFER_ROWS];
    (void)w->backend->slots->infer(w->workspace, 0, 0, rows, NULL, losses, NULL);
    (void)w->backend->slots->infer(w->workspace, 0, 0, 1, NULL, losses, NULL);
}

static ls_status add_copies(warming *w)
{
    for (size_t i = 0; i < w->copies; i++) {
        size_t member;
        LS_TRY(w->backend->slots->member_add(w->workspace, w->plan, 0, &member, NULL));
        w->run[i] = (ls_run){
            .member = member, .rates = w->rates, .losses = w->losses + i * MOST_STEPS};
    }
    return LS_OK;
}

static void run_on(warming *w, const ls_rows *rows, double seconds)
{
    if (w->backend->slots->workspace_open(w->backend, rows, &w->workspace, NULL) != LS_OK) return;
    if (add_copies(w) == LS_OK && run_until_stable(w, seconds)) infer(w);
    else w->least = 0;
    w->backend->slots->workspace_close(w->workspace);
}

ls_warm_speed ls_warm_up(ls_backend *backend, const ls_plan *plan, size_t members, double seconds,
                         const atomic_bool *stop)
{
    float *x = NULL, *t = NULL, *weight = NULL;
    warming w = {
        .backend = backend, .plan = plan, .stop = stop, .copies = copies_of(plan, members)};
    if (ls_alloc(&x, plan->rows, plan->features * sizeof *x, "", NULL) == LS_OK &&
        ls_alloc(&t, plan->rows, plan->outputs * sizeof *t, "", NULL) == LS_OK &&
        ls_alloc(&weight, plan->rows, sizeof *weight, "", NULL) == LS_OK &&
        ls_alloc(&w.rates, MOST_STEPS, sizeof *w.rates, "", NULL) == LS_OK &&
        ls_alloc(&w.losses, w.copies * MOST_STEPS, sizeof *w.losses, "", NULL) == LS_OK) {
        ls_rows rows = {plan->rows, plan->features, plan->outputs, x, t, weight};
        for (size_t i = 0; i < MOST_STEPS; i++)
            w.rates[i] = (ls_rates){.correction2 = 1, .keep = 1};
        run_on(&w, &rows, seconds);
    }
    free(x);
    free(t);
    free(weight);
    free(w.rates);
    free(w.losses);
    return (ls_warm_speed){w.least, w.copies};
}
