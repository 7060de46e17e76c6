/* SPDX-License-Identifier: MIT */
/* Each helper has a thread here that gives it parts and waits for answers. The calling thread
 * reports the progress. */
#include "host/opencl/check_jobs.h"
#include "host/base/host_mode.h"
#include "host/opencl/cl_helper.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_MOST = 16, HELPERS_MOST = 8 };
/* Memory of a device that a process takes for itself. */
static const uint64_t process_memory = 1u << 30;

typedef enum { WAITING, AGAIN, TAKEN, DONE } part_state;

/* A device and what has been done of its parts. */
typedef struct {
    ls_check_job *job;
    bool known;              /* the parts are known */
    bool probing;            /* the first thread is finding out how products copy */
    ls_cl_copies_use copies; /* afterwards */
    ls_check_part part[LS_CHECK_PARTS_MOST];
    part_state state[LS_CHECK_PARTS_MOST];
    bool tried[LS_CHECK_PARTS_MOST];
    size_t count, done;
    size_t busy;       /* threads that wait for an answer */
    bool stop;         /* the verdict is clear, or cannot be had */
    bool timing;       /* the speed is being or has been measured */
    char opening[160]; /* how opening the device has failed, or "" */
    bool opening_lasts;
    char doing[64];
    bool changed; /* since the last report */
} crew;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    crew crews[JOBS_MOST];
    size_t count, threads; /* threads that have not ended */
    const atomic_bool *stop;
} shared;

typedef struct {
    shared *all;
    crew *crew;
    bool first; /* of its device */
    bool started;
    pthread_t thread;
} worker;

/* ---- Results; called with the lock ----------------------------------------------------------- */

static void tell(shared *all, crew *c, const char *doing)
{
    if (doing) snprintf(c->doing, sizeof c->doing, "%.63s", doing);
    c->changed = true;
    pthread_cond_broadcast(&all->change);
}

static void give_up(crew *c, ls_status status, const char *message)
{
    c->stop = true;
    if (c->job->status != LS_OK) return;
    c->job->status = status;
    ls_error_set(&c->job->error, status, "%s", message);
}

static void judge(crew *c, ls_cl_judgement judgement, const char *reason)
{
    c->stop = true;
    if (c->job->verdict.judgement != LS_CL_EXACT) return; /* the first reason counts */
    c->job->verdict.judgement = judgement;
    snprintf(c->job->verdict.reason, sizeof c->job->verdict.reason, "%.255s", reason);
}

static void lose_way(crew *c, ls_cl_way_id way, const char *why)
{
    char *out = c->job->verdict.way_out[way];
    if (!*out) snprintf(out, sizeof c->job->verdict.way_out[way], "%.159s", why);
}

static void note_answer(crew *c, size_t i, const ls_check_answer *a)
{
    const ls_check_part *p = &c->part[i];
    c->state[i] = DONE;
    c->done++;
    if (a->status == LS_ERR_DEVICE && p->way != LS_CL_WAY_LAYERED) lose_way(c, p->way, a->message);
    else if (a->status != LS_OK) give_up(c, a->status, a->message);
    else if (*a->reason && c->job->thorough && p->way != LS_CL_WAY_LAYERED)
        lose_way(c, p->way, a->reason);
    else if (*a->reason) judge(c, LS_CL_APPROXIMATE, a->reason);
}

/* A crash may come from several processes at once: the part is compared once more, alone. */
static void note_failure(crew *c, size_t i, bool again, const ls_helper_failure *f)
{
    char why[256];
    const ls_check_part *p = &c->part[i];
    if (!again && f->lasting && f->crashed) {
        c->state[i] = AGAIN;
        return;
    }
    c->state[i] = DONE;
    c->done++;
    if (!f->lasting) {
        snprintf(why, sizeof why, "the self-check was interrupted: its process %s", f->how);
        give_up(c, LS_ERR_DEVICE, why);
    } else if (p->way != LS_CL_WAY_LAYERED) {
        snprintf(why, sizeof why, "the driver %s", f->how);
        lose_way(c, p->way, why);
    } else {
        snprintf(why, sizeof why, "self-check: the driver %s (%s)", f->how, p->name);
        judge(c, LS_CL_BROKEN, why);
    }
}

/* ---- Threads --------------------------------------------------------------------------------- */

/* The next part for a thread; c->count if none is left. One thread begins at the front of the list,
 * the others at its end, so that they seldom compile the same programs at the same time. Parts that
 * crashed wait until no other helper of the device is at work. */
static size_t take_part(shared *all, crew *c, bool from_front)
{
    for (;;) {
        bool left = false;
        if (c->stop) return c->count;
        for (size_t k = 0; k < c->count; k++) {
            size_t i = from_front ? k : c->count - 1 - k;
            if (c->state[i] != WAITING) continue;
            c->state[i] = TAKEN;
            return i;
        }
        for (size_t i = 0; i < c->count; i++) {
            left |= c->state[i] == AGAIN;
            if (c->state[i] != AGAIN || c->busy) continue;
            c->state[i] = TAKEN;
            return i;
        }
        if (!left) return c->count;
        pthread_cond_wait(&all->change, &all->lock);
    }
}

/* Starts a helper and opens the device in it. */
static bool open_helper(worker *w, ls_cl_helper *h, ls_cl_copies_use copies)
{
    ls_open_answer opened;
    ls_helper_failure failure = {.crashed = false};
    crew *c = w->crew;
    if (!ls_cl_helper_start_with(h, w->all->stop)) return false;
    bool answered = (c->job->thorough ? ls_cl_helper_open_thoroughly
                                      : ls_cl_helper_open)(h, c->job->number, c->job->info, copies,
                                                           &opened, &failure);
    bool open = answered && opened.status == LS_OK;
    pthread_mutex_lock(&w->all->lock);
    if (open && !c->known) {
        c->known = true;
        c->count = opened.count;
        c->copies = opened.async_copies ? LS_CL_COPIES_ASYNC : LS_CL_COPIES_PLAIN;
        memcpy(c->part, opened.parts, sizeof c->part);
        tell(w->all, c, NULL);
    }
    if (!open) {
        snprintf(c->opening, sizeof c->opening, "%s%.140s", answered ? "" : "the driver ",
                 answered ? opened.message : failure.how);
        c->opening_lasts = !answered && failure.lasting;
    }
    pthread_mutex_unlock(&w->all->lock);
    if (answered && !open) ls_cl_helper_stop(h);
    return open;
}

/* The first thread of a device finds out whether asynchronous copies are used (a probe that crashes
 * says no); the others wait for that, so that all compare the same programs. */
static bool begin(worker *w, ls_cl_helper *h)
{
    crew *c = w->crew;
    pthread_mutex_lock(&w->all->lock);
    bool probe = c->probing && w->first;
    while (c->probing && !probe) pthread_cond_wait(&w->all->change, &w->all->lock);
    bool over = c->stop;
    ls_cl_copies_use copies = c->copies;
    pthread_mutex_unlock(&w->all->lock);
    if (over) return false;
    bool open = open_helper(w, h, probe ? LS_CL_COPIES_PROBE : copies);
    if (!probe) return open;
    if (!open) open = open_helper(w, h, LS_CL_COPIES_PLAIN);
    pthread_mutex_lock(&w->all->lock);
    c->probing = false;
    tell(w->all, c, NULL);
    pthread_mutex_unlock(&w->all->lock);
    return open;
}

static void compare(worker *w, ls_cl_helper *h, size_t i, bool again)
{
    ls_check_answer a;
    ls_helper_failure failure = {.crashed = false};
    crew *c = w->crew;
    bool answered = ls_cl_helper_ask(h, LS_MESSAGE_CHECK, &c->part[i], sizeof c->part[i], NULL, 0,
                                     &a, sizeof a, &failure);
    pthread_mutex_lock(&w->all->lock);
    if (answered) {
        a.message[sizeof a.message - 1] = a.reason[sizeof a.reason - 1] = 0;
        note_answer(c, i, &a);
    } else note_failure(c, i, again, &failure);
    c->busy--;
    tell(w->all, c, NULL);
    pthread_mutex_unlock(&w->all->lock);
}

/* The last helper of a device measures its speed, when nothing else is going on. */
static void measure(worker *w, ls_cl_helper *h)
{
    ls_speed_request request;
    ls_speed_answer a;
    ls_helper_failure failure;
    crew *c = w->crew;
    pthread_mutex_lock(&w->all->lock);
    bool mine = !c->busy && !c->stop && !c->timing && c->done == c->count;
    if (mine) {
        c->timing = true;
        tell(w->all, c, "speed");
    }
    for (int way = 0; way < LS_CL_WAY_COUNT; way++)
        request.out[way] = *c->job->verdict.way_out[way] != 0;
    pthread_mutex_unlock(&w->all->lock);
    if (mine &&
        ls_cl_helper_ask(h, LS_MESSAGE_SPEED, &request, sizeof request, NULL, 0, &a, sizeof a,
                         &failure) &&
        a.status == LS_OK)
        c->job->speed = a.speed; /* no other thread uses it */
}

static void *work(void *user)
{
    LS_HOST_MODE(mode);
    worker *w = user;
    crew *c = w->crew;
    ls_cl_helper h = {0};
    while (h.child || begin(w, &h)) {
        pthread_mutex_lock(&w->all->lock);
        size_t i = take_part(w->all, c, w->first);
        bool again = i < c->count && c->tried[i];
        if (i < c->count) {
            c->busy++;
            c->tried[i] = true;
            tell(w->all, c, c->part[i].name);
        }
        pthread_mutex_unlock(&w->all->lock);
        if (i == c->count) break;
        compare(w, &h, i, again);
    }
    if (h.child) measure(w, &h);
    ls_cl_helper_stop(&h);
    pthread_mutex_lock(&w->all->lock);
    w->all->threads--;
    tell(w->all, c, NULL);
    pthread_mutex_unlock(&w->all->lock);
    return NULL;
}

/* ---- The calling thread ---------------------------------------------------------------------- */

static void report(shared *all, ls_check_callback callback, void *user)
{
    for (size_t i = 0; i < all->count; i++) {
        crew *c = &all->crews[i];
        if (!c->changed || !c->known) continue;
        c->changed = false;
        char doing[sizeof c->doing];
        memcpy(doing, c->doing, sizeof doing);
        const ls_check_progress p = {.struct_size = sizeof p,
                                     .device = c->job->info,
                                     .doing = doing,
                                     .done = (unsigned)c->done,
                                     .total = (unsigned)c->count + 1};
        pthread_mutex_unlock(&all->lock);
        if (callback) callback(&p, user);
        pthread_mutex_lock(&all->lock);
    }
}

/* What came of a device after all its threads have ended. */
static void conclude(crew *c)
{
    ls_check_job *j = c->job;
    char why[256];
    bool spoiled = j->status != LS_OK || j->verdict.judgement != LS_CL_EXACT;
    j->judged = j->status == LS_OK;
    j->parts = (unsigned)c->done;
    j->verdict.async_copies = c->copies == LS_CL_COPIES_ASYNC;
    if (spoiled || (c->known && c->done == c->count)) return;
    if (c->known) give_up(c, LS_ERR_DEVICE, "the self-check's process cannot be started again");
    else if (*c->opening && c->opening_lasts) {
        snprintf(why, sizeof why, "self-check: %s when the device is opened", c->opening);
        judge(c, LS_CL_BROKEN, why);
    } else if (*c->opening) give_up(c, LS_ERR_DEVICE, c->opening);
    else j->judged = false; /* no helper */
    if (j->status != LS_OK) j->judged = false;
}

/* Processes for one device. */
static unsigned helpers_for(const ls_check_job *job, unsigned helpers, size_t jobs)
{
    uint64_t most = helpers / (unsigned)jobs;
    uint64_t fit = job->info->memory ? job->info->memory / process_memory : 1;
    if (most > fit) most = fit;
    return most < 1 ? 1 : most > HELPERS_MOST ? HELPERS_MOST : (unsigned)most;
}

static void run(shared *all, ls_check_job *jobs, size_t count, unsigned helpers,
                ls_check_callback callback, void *user)
{
    worker workers[JOBS_MOST * HELPERS_MOST] = {{0}};
    size_t n = 0;
    all->count = count;
    for (size_t i = 0; i < count; i++) {
        all->crews[i].job = &jobs[i];
        all->crews[i].probing = true;
        for (unsigned k = 0; k < helpers_for(&jobs[i], helpers, count); k++)
            workers[n++] = (worker){.all = all, .crew = &all->crews[i], .first = k == 0};
    }
    all->threads = n;
    for (size_t i = 0; i < n; i++) {
        worker *w = &workers[i];
        w->started = pthread_create(&w->thread, NULL, work, w) == 0;
        if (w->started) continue;
        pthread_mutex_lock(&all->lock);
        all->threads--;
        if (w->first) w->crew->probing = false; /* plain copies */
        pthread_cond_broadcast(&all->change);
        pthread_mutex_unlock(&all->lock);
    }
    pthread_mutex_lock(&all->lock);
    while (all->threads) {
        pthread_cond_wait(&all->change, &all->lock);
        report(all, callback, user);
    }
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; i < n; i++)
        if (workers[i].started) pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < count; i++) conclude(&all->crews[i]);
}

void ls_check_jobs_run(ls_check_job *jobs, size_t count, unsigned helpers, const atomic_bool *stop,
                       ls_check_callback callback, void *user)
{
    for (size_t from = 0; from < count; from += JOBS_MOST) {
        size_t n = count - from < JOBS_MOST ? count - from : JOBS_MOST;
        shared *all = calloc(1, sizeof *all);
        if (!all) return; /* not judged */
        all->stop = stop;
        pthread_mutex_init(&all->lock, NULL);
        pthread_cond_init(&all->change, NULL);
        run(all, jobs + from, n, helpers, callback, user);
        pthread_cond_destroy(&all->change);
        pthread_mutex_destroy(&all->lock);
        free(all);
    }
}
