/* SPDX-License-Identifier: MIT */
#include "host/device/opener.h"
#include "host/base/memory.h"
#include "host/device/catalogue.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef enum { NO_TASK, FINDING, OPENING } opener_task;

typedef struct {
    ls_opener base;
    opener_task task;
    pthread_t thread;
    bool threaded;     /* the task runs on `thread`; otherwise the caller has run it */
    atomic_bool ended; /* set by the thread as its last action */

    /* Owned by the task while it runs. */
    ls_catalogue catalogue;
    ls_found_device *found; /* catalogue.count - 1 */
    size_t index;           /* catalogue entry to open */
    ls_plan *example;       /* training plan for warming up, or NULL */
    ls_backend *backend;
    ls_status status;
    ls_error error;
} device_opener;

/* ---- Warming up ------------------------------------------------------------------------------ */

/* The plan of the example network, or NULL. Warming up is optional, so errors are ignored here: the
 * measurement will meet them again and report them. */
static ls_plan *plan_example(const ls_example *example)
{
    ls_network network = {0};
    ls_plan *plan = NULL;
    if (!example->settings) return NULL;
    if (ls_network_build(example->settings, example->inputs, example->shape, &network, NULL) !=
        LS_OK)
        return NULL;
    if (ls_plan_build(&network, example->settings, LS_PLAN_TRAIN, example->rows, false, &plan,
                      NULL) != LS_OK)
        plan = NULL;
    ls_network_free(&network);
    return plan;
}

/* One training step and one inference on zeros, for which the device compiles its kernels. */
static void run_example(ls_backend *backend, const ls_plan *plan, const ls_rows *rows)
{
    ls_workspace *workspace;
    ls_rates rates = {.correction2 = 1, .keep = 1};
    float loss;
    ls_run run = {.count = 1, .rates = &rates, .losses = &loss};
    if (ls_workspace_of_one(backend, rows, plan, &workspace, NULL) != LS_OK) return;
    if (backend->slots->run(workspace, &run, 1, NULL) == LS_OK)
        (void)backend->slots->infer(workspace, 0, 0, 1, NULL, &loss, NULL);
    backend->slots->member_remove(workspace, 0);
    backend->slots->workspace_close(workspace);
}

static void warm_up(ls_backend *backend, const ls_plan *plan)
{
    float *x = NULL, *t = NULL;
    if (!plan) return;
    if (ls_alloc(&x, plan->rows, plan->features * sizeof *x, "", NULL) == LS_OK &&
        ls_alloc(&t, plan->rows, plan->outputs * sizeof *t, "", NULL) == LS_OK) {
        ls_rows rows = {plan->rows, plan->features, plan->outputs, x, t, NULL};
        run_example(backend, plan, &rows);
    }
    free(x);
    free(t);
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static ls_status find_devices(device_opener *o)
{
    LS_TRY(ls_catalogue_finish(&o->catalogue, &o->error));
    size_t count = o->catalogue.count - 1;
    LS_TRY(ls_alloc(&o->found, count, sizeof *o->found, "the device list", &o->error));
    for (size_t i = 0; i < count; i++) {
        o->found[i].checked = ls_catalogue_recall(&o->catalogue, i + 1);
        o->found[i].info = o->catalogue.info[i + 1];
    }
    return LS_OK;
}

static ls_status open_device(device_opener *o)
{
    o->backend = NULL;
    LS_TRY(ls_catalogue_start(&o->catalogue, o->index, &o->backend, &o->error));
    if (o->catalogue.info[o->index].exact) warm_up(o->backend, o->example);
    return LS_OK;
}

static void *run_task(void *user)
{
    device_opener *o = user;
    o->status = o->task == FINDING ? find_devices(o) : open_device(o);
    atomic_store(&o->ended, true);
    return NULL;
}

static void begin_task(device_opener *o, opener_task task)
{
    assert(o->task == NO_TASK);
    o->task = task;
    atomic_store(&o->ended, false);
    o->threaded = pthread_create(&o->thread, NULL, run_task, o) == 0;
    if (!o->threaded) run_task(o);
}

static void end_task(device_opener *o, opener_task task)
{
    assert(o->task == task);
    (void)task;
    if (o->threaded) pthread_join(o->thread, NULL);
    o->task = NO_TASK;
    ls_plan_free(o->example);
    o->example = NULL;
}

/* ---- Slots ----------------------------------------------------------------------------------- */

static void begin_finding(ls_opener *opener, unsigned idle_threads)
{
    device_opener *o = (device_opener *)opener;
    ls_catalogue_begin(&o->catalogue, idle_threads);
    begin_task(o, FINDING);
}

static void begin_opening(ls_opener *opener, const ls_device_info *device,
                          const ls_example *example)
{
    device_opener *o = (device_opener *)opener;
    assert(device->index > 0 && (size_t)device->index < o->catalogue.count);
    o->index = (size_t)device->index;
    o->example = plan_example(example);
    begin_task(o, OPENING);
}

static bool task_has_ended(ls_opener *opener)
{
    return atomic_load(&((device_opener *)opener)->ended);
}

static ls_status end_finding(ls_opener *opener, const ls_found_device **list, size_t *count,
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
                             ls_error *err)
{
    device_opener *o = (device_opener *)opener;
    end_task(o, OPENING);
    if (o->status != LS_OK) return ls_fail(err, o->status, "%s", o->error.message);
    *out = o->backend;
    *info = o->catalogue.info[o->index];
    return LS_OK;
}

static void close_opener(ls_opener *opener)
{
    device_opener *o = (device_opener *)opener;
    assert(o->task == NO_TASK);
    free(o->found);
    ls_catalogue_close(&o->catalogue);
    free(o);
}

ls_status ls_opener_create(ls_opener **out, ls_error *err)
{
    static const ls_opener_slots slots = {.find = begin_finding,
                                          .open = begin_opening,
                                          .ended = task_has_ended,
                                          .found = end_finding,
                                          .opened = end_opening,
                                          .close = close_opener};
    device_opener *o;
    LS_TRY(ls_alloc(&o, 1, sizeof *o, "the devices to choose from", err));
    o->base.slots = &slots;
    *out = &o->base;
    return LS_OK;
}
