/* SPDX-License-Identifier: MIT */
#include "host/device/opener.h"
#include "host/base/clock.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/trace.h"
#include "host/device/warm_up.h"
#include "host/network/device_kind.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

typedef enum { NO_TASK, FINDING, OPENING } opener_task;

typedef struct {
    ls_opener base;
    opener_task task;
    pthread_t thread;
    pid_t owner;       /* the process that has begun the task: threads do not survive a fork */
    bool lost;         /* a task has been lost in a fork: all of this stays */
    bool threaded;     /* the task runs on `thread`; otherwise the caller has run it */
    atomic_bool ended; /* set by the thread as its last action */
    atomic_bool stop;  /* the task is to end early */

    /* Owned by the task while it runs. */
    ls_catalogue catalogue;
    ls_known_device *found;     /* catalogue.count - 1 */
    size_t index;               /* catalogue entry to open */
    bool opens;                 /* the device was not open before */
    ls_plan *plan[LS_EXAMPLES]; /* to warm up with */
    size_t members[LS_EXAMPLES];
    size_t plans;
    ls_warm_speed tried; /* result: see ls_opener_slots.opened */
    ls_backend *backend;
    ls_status status;
    ls_error error;
} device_opener;

/* Seconds of steps for warming up a device, all plans together. Steps of a CPU device take time
 * from the training. */
static const double warm_seconds = 4, warm_seconds_cpu = 0.1;

/* ---- Warming up ------------------------------------------------------------------------------ */

/* The plan of the example network, or NULL: warming up is optional. */
static ls_plan *plan_example(const ls_example *example)
{
    ls_network network = {0};
    ls_plan *plan = NULL;
    if (ls_network_build(example->settings, example->inputs, example->shape, &network, NULL) !=
        LS_OK)
        return NULL;
    if (ls_plan_build(&network, example->settings, LS_PLAN_TRAIN, example->rows, example->weighted,
                      &plan, NULL) != LS_OK)
        plan = NULL;
    ls_network_free(&network);
    return plan;
}

static void take_examples(device_opener *o, const ls_example *examples, size_t count)
{
    o->plans = 0;
    for (size_t i = 0; i < count && i < LS_EXAMPLES; i++) {
        ls_plan *plan = plan_example(&examples[i]);
        if (!plan && i == 0) return; /* its time would not be that of the first example */
        if (!plan) continue;
        o->plan[o->plans] = plan;
        o->members[o->plans++] = examples[i].members;
    }
}

/* The costliest plan gets half of the seconds, the next one half of the rest, and so on. */
static void warm_up(device_opener *o)
{
    bool cpu = ls_device_kind_of(&o->catalogue.info[o->index]) == LS_KIND_CPU;
    double seconds = cpu ? warm_seconds_cpu : warm_seconds;
    for (size_t i = 0; i < o->plans && !atomic_load(&o->stop); i++) {
        seconds /= 2;
        ls_warm_speed tried = ls_warm_up(o->backend, o->plan[i], o->members[i], seconds, &o->stop);
        if (i == 0) o->tried = tried;
    }
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static ls_status find_devices(device_opener *o)
{
    const ls_catalogue *c = &o->catalogue;
    LS_TRY(ls_catalogue_finish(&o->catalogue, &o->error));
    LS_TRY(ls_alloc(&o->found, c->count - 1, sizeof *o->found, "the device list", &o->error));
    for (size_t i = 1; i < c->count; i++) {
        ls_known_device *found = &o->found[i - 1];
        found->checked = ls_catalogue_recall(&o->catalogue, i);
        found->info = c->info[i];
        found->measured = ls_catalogue_speed(c, i, &found->speed);
        if (!found->measured) ls_catalogue_guess(c, i, &found->speed);
        found->opening = ls_catalogue_opening(c, i);
        if (!ls_catalogue_failure(&c->info[i], found->failed)) *found->failed = 0;
    }
    return LS_OK;
}

static ls_status open_device(device_opener *o)
{
    bool checked = ls_catalogue_recall(&o->catalogue, o->index);
    double started = ls_clock();
    if (o->opens) LS_TRY(ls_catalogue_start(&o->catalogue, o->index, &o->backend, &o->error));
    ls_trace("opener: %s is open", o->catalogue.info[o->index].name);
    if (!o->catalogue.info[o->index].exact) return LS_OK;
    warm_up(o);
    ls_trace("opener: %s is warm", o->catalogue.info[o->index].name);
    /* a self-check comes once, and what was stopped took less than it will */
    if (o->opens && checked && !atomic_load(&o->stop))
        ls_catalogue_note_opening(&o->catalogue, o->index, ls_clock() - started);
    return LS_OK;
}

/* What is open afterwards is used without a limit. */
static ls_status open_and_warm_up(device_opener *o)
{
    if (o->backend) ls_backend_heed(o->backend, &o->stop);
    ls_status status = open_device(o);
    if (o->backend) ls_backend_heed(o->backend, NULL);
    return status;
}

static void *run_task(void *user)
{
    LS_HOST_MODE(mode);
    device_opener *o = user;
    o->status = o->task == FINDING ? find_devices(o) : open_and_warm_up(o);
    atomic_store(&o->ended, true);
    return NULL;
}

static void begin_task(device_opener *o, opener_task task)
{
    assert(o->task == NO_TASK);
    o->task = task;
    o->owner = getpid();
    atomic_store(&o->ended, false);
    atomic_store(&o->stop, false);
    o->threaded = pthread_create(&o->thread, NULL, run_task, o) == 0;
    if (!o->threaded) run_task(o);
}

/* In a process that was forked meanwhile, the task has failed, unless it had ended before. What it
 * was working on stays as it is. */
static bool is_lost(const device_opener *o)
{
    return o->threaded && o->owner != getpid() && !atomic_load(&o->ended);
}

static void end_task(device_opener *o, opener_task task)
{
    assert(o->task == task);
    (void)task;
    if (is_lost(o)) {
        o->lost = true;
        o->task = NO_TASK;
        o->status = ls_fail(&o->error, LS_ERR_DEVICE,
                            "the process was forked while devices were being opened");
        return;
    }
    if (o->threaded && o->owner == getpid()) pthread_join(o->thread, NULL);
    o->task = NO_TASK; /* the thread reads it */
    for (size_t i = 0; i < o->plans; i++) ls_plan_free(o->plan[i]);
    o->plans = 0;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static void begin_finding(ls_opener *opener, unsigned idle_threads)
{
    device_opener *o = (device_opener *)opener;
    (void)idle_threads;
    ls_catalogue_begin(&o->catalogue, &o->stop);
    begin_task(o, FINDING);
}

static void begin_opening(ls_opener *opener, const ls_device_info *device, ls_backend *backend,
                          const ls_example *examples, size_t count)
{
    device_opener *o = (device_opener *)opener;
    assert(device->index > 0 && (size_t)device->index < o->catalogue.count);
    o->index = (size_t)device->index;
    o->opens = !backend;
    o->backend = backend;
    o->tried = (ls_warm_speed){0};
    take_examples(o, examples, count);
    begin_task(o, OPENING);
}

static bool task_has_ended(ls_opener *opener)
{
    const device_opener *o = (const device_opener *)opener;
    return atomic_load(&o->ended) || is_lost(o);
}

static void stop_task(ls_opener *opener) { atomic_store(&((device_opener *)opener)->stop, true); }

static bool known_devices(ls_opener *opener, ls_known_device **list, size_t *count, double *seconds)
{
    (void)opener;
    return ls_catalogue_known(list, count, seconds);
}

static ls_status end_finding(ls_opener *opener, const ls_known_device **list, size_t *count,
                             ls_error *err)
{
    device_opener *o = (device_opener *)opener;
    end_task(o, FINDING);
    if (o->status != LS_OK) return ls_fail(err, o->status, "%s", o->error.message);
    *list = o->found;
    *count = o->catalogue.count - 1;
    return LS_OK;
}

static ls_status end_opening(ls_opener *opener, ls_backend **out, ls_device_info *info,
                             ls_warm_speed *tried, ls_error *err)
{
    device_opener *o = (device_opener *)opener;
    end_task(o, OPENING);
    if (o->status != LS_OK) return ls_fail(err, o->status, "%s", o->error.message);
    *out = o->backend;
    *info = o->catalogue.info[o->index];
    *tried = o->tried;
    return LS_OK;
}

static void close_opener(ls_opener *opener)
{
    device_opener *o = (device_opener *)opener;
    assert(o->task == NO_TASK);
    if (o->lost) return;
    free(o->found);
    ls_catalogue_close(&o->catalogue);
    free(o);
}

ls_status ls_opener_create(ls_opener **out, ls_error *err)
{
    static const ls_opener_slots slots = {.known = known_devices,
                                          .find = begin_finding,
                                          .open = begin_opening,
                                          .ended = task_has_ended,
                                          .stop = stop_task,
                                          .found = end_finding,
                                          .opened = end_opening,
                                          .close = close_opener};
    device_opener *o;
    LS_TRY(ls_alloc(&o, 1, sizeof *o, "the devices to choose from", err));
    o->base.slots = &slots;
    *out = &o->base;
    return LS_OK;
}
