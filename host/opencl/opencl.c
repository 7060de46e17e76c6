/* SPDX-License-Identifier: MIT */
/* OpenCL is used in helper processes (cl_helper.h) where they can be started, and otherwise in this
 * one. */
#include "host/opencl/opencl.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_examine.h"
#include "host/opencl/cl_known.h"
#include "host/opencl/cl_matmul.h"
#include "host/opencl/cl_remote.h"
#include "host/opencl/cl_speed.h"
#include "host/opencl/cl_use.h"
#include "host/opencl/self_check.h"
#include "host/opencl/tune.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const atomic_bool *stop;
    bool here;           /* OpenCL is used in this process, */
    ls_cl_api cl;        /* through this; */
    ls_cl_helper helper; /* or else in this one, which has found the devices and may open one */
    ls_cl_found *found;
    size_t count;
} cl_search;

/* What drivers are asked first in a process, one thread at a time: some cannot bear two. */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

/* ---- Finding --------------------------------------------------------------------------------- */

void ls_opencl_begin(const atomic_bool *stop, void **out)
{
    cl_search *s;
    if (ls_alloc(&s, 1, sizeof *s, "the search for devices", NULL) != LS_OK) return;
    s->stop = stop;
    *out = s;
}

static ls_status find_here(cl_search *s, char note[256], ls_error *err)
{
    ls_error missing;
    s->here = true;
    pthread_mutex_lock(&asking);
    ls_status status = ls_cl_api_open(&s->cl, &missing), found = LS_OK;
    if (status == LS_OK) found = ls_cl_find(&s->cl, &s->found, &s->count, note, err);
    else snprintf(note, 256, "%.255s", missing.message);
    pthread_mutex_unlock(&asking);
    return found;
}

/* Takes the list out of the helper's answer. */
static ls_status take_list(cl_search *s, const char *bytes, size_t size, char note[256],
                           ls_error *err)
{
    ls_find_answer a;
    bool sound = size >= sizeof a;
    if (sound) memcpy(&a, bytes, sizeof a);
    size_t rest = sound ? size - sizeof a : 0;
    if (!sound || rest / sizeof(ls_found_device) != a.count || rest % sizeof(ls_found_device)) {
        ls_cl_helper_stop(&s->helper);
        return ls_fail(err, LS_ERR_DEVICE, "an OpenCL driver destroys its own memory");
    }
    a.note[sizeof a.note - 1] = a.message[sizeof a.message - 1] = 0;
    /* a process without a loader, or in which it fails, has no devices */
    snprintf(note, 256, "%.255s", a.status == LS_OK ? a.note : a.message);
    LS_TRY(ls_alloc(&s->found, a.count, sizeof *s->found, "the device list", err));
    for (size_t i = 0; i < a.count; i++) {
        ls_found_device d;
        memcpy(&d, bytes + sizeof a + i * sizeof d, sizeof d);
        s->found[i] = (ls_cl_found){.info = d.info, .guess = d.guess, .number = i};
    }
    s->count = a.count;
    return LS_OK;
}

/* Drivers that do not answer are a note. */
static ls_status find_there(cl_search *s, char note[256], bool *lasting, ls_error *err)
{
    static const double most_seconds = 30;
    const double limit = ls_cl_helper_limit();
    ls_helper_failure f = {.crashed = false};
    ls_message_kind kind;
    char *bytes = NULL;
    size_t size;
    bool heard = ls_cl_helper_tell(&s->helper, LS_MESSAGE_FIND, NULL, 0, &f) &&
                 ls_cl_helper_hear(&s->helper, limit < most_seconds ? limit : most_seconds, &kind,
                                   &bytes, &size, &f);
    *lasting = true;
    if (heard) {
        ls_status status = take_list(s, bytes, size, note, err);
        free(bytes);
        return status;
    }
    if (s->stop && atomic_load(s->stop))
        return ls_fail(err, LS_ERR_DEVICE, "the search for devices was stopped");
    *lasting = f.lasting;
    if (f.crashed)
        snprintf(note, 256,
                 "an OpenCL driver %s when it is asked for its devices; clinfo should, too", f.how);
    else snprintf(note, 256, "an OpenCL driver hangs when it is asked for its devices");
    return LS_OK;
}

ls_status ls_opencl_finish(void *search, unsigned threads, ls_device_info **list, size_t *count,
                           char note[256], ls_error *err)
{
    cl_search *s = search;
    const double started = ls_clock();
    bool lasting = true;
    (void)threads;
    if (!s) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the search for devices");
    if (ls_cl_helper_start_with(&s->helper, s->stop)) LS_TRY(find_there(s, note, &lasting, err));
    else LS_TRY(find_here(s, note, err));
    if (lasting) ls_cl_remember_found(s->found, s->count, ls_clock() - started);
    if (!s->count) return LS_OK;
    LS_TRY(ls_alloc(list, s->count, sizeof **list, "the device list", err));
    for (size_t i = 0; i < s->count; i++) {
        char why[256];
        (*list)[i] = s->found[i].info;
        (*list)[i].failed = ls_cl_recall_failure(&s->found[i].info, why);
    }
    *count = s->count;
    return LS_OK;
}

bool ls_opencl_known(ls_device_info **list, ls_device_speed **guess, size_t *count, double *seconds)
{
    return ls_cl_recall_found(list, guess, count, seconds);
}

void ls_opencl_guess(const void *search, size_t number, ls_device_speed *out)
{
    const cl_search *s = search;
    *out = s->found[number].guess;
}

double ls_opencl_opening(const ls_device_info *info) { return ls_cl_recall_opening(info); }

void ls_opencl_note_opening(const ls_device_info *info, double seconds)
{
    ls_cl_remember_opening(info, seconds);
}

bool ls_opencl_recall(ls_device_info *info) { return ls_cl_complete(info); }

bool ls_opencl_speed(const ls_device_info *info, ls_device_speed *out)
{
    return ls_cl_recall_speed(info, out);
}

ls_status ls_opencl_judge(void *search, ls_device_info *list, size_t count,
                          ls_check_callback callback, void *user, ls_error *err)
{
    const cl_search *s = search;
    ls_checked *checked;
    assert(count <= s->count);
    LS_TRY(ls_alloc(&checked, count, sizeof *checked, "the device list", err));
    for (size_t i = 0; i < count; i++) checked[i] = (ls_checked){.info = &list[i], .speed = true};
    ls_status status = ls_cl_self_check(s->here ? &s->cl : NULL, s->found, checked, count, s->stop,
                                        callback, user, err);
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        if (checked[i].status == LS_OK) {
            list[i].unusable = checked[i].verdict.judgement == LS_CL_BROKEN;
            continue;
        }
        list[i].exact = 0, list[i].unusable = 1;
        snprintf(list[i].reason, sizeof list[i].reason, "cannot be opened: %.230s",
                 checked[i].error.message);
    }
    free(checked);
    return status;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static ls_status open_here(cl_search *s, size_t number, ls_device_info *info,
                           const ls_cl_verdict *verdict, ls_backend **out, ls_error *err)
{
    ls_cl_device *d;
    char reason[256];
    LS_TRY(ls_cl_open_for_use(&s->cl, &s->found[number], verdict, NULL, &d, reason, err));
    if (*reason) {
        info->exact = 0;
        memcpy(info->reason, reason, sizeof reason);
    }
    *out = &d->base;
    return LS_OK;
}

/* The process that has found the devices opens the first of them. */
static ls_status open_there(cl_search *s, size_t number, ls_device_info *info,
                            const ls_cl_verdict *verdict, ls_backend **out, ls_error *err)
{
    ls_device_info as_found = s->found[number].info;
    if (!s->helper.child && !ls_cl_helper_start_with(&s->helper, s->stop))
        return ls_fail(err, LS_ERR_DEVICE, "a process for %s cannot be started", info->name);
    LS_TRY(ls_cl_remote_open(&s->helper, number, &as_found, verdict, out, err));
    if (!as_found.exact && *as_found.reason && info->exact) {
        info->exact = 0;
        memcpy(info->reason, as_found.reason, sizeof info->reason);
    }
    return LS_OK;
}

ls_status ls_opencl_open(void *search, size_t number, unsigned threads, ls_device_info *info,
                         ls_backend **out, ls_error *err)
{
    cl_search *s = search;
    ls_checked c = {.info = info};
    (void)threads;
    LS_TRY(ls_cl_self_check(s->here ? &s->cl : NULL, &s->found[number], &c, 1, s->stop, NULL, NULL,
                            err));
    if (c.status != LS_OK) return ls_fail(err, c.status, "%s", c.error.message);
    if (c.verdict.judgement == LS_CL_BROKEN)
        return ls_fail(err, LS_ERR_DEVICE, "%s is not opened: %s", info->name, c.verdict.reason);
    return s->here ? open_here(s, number, info, &c.verdict, out, err)
                   : open_there(s, number, info, &c.verdict, out, err);
}

ls_status ls_opencl_examine(void *search, size_t number, ls_device_info *info,
                            ls_check_callback callback, void *user, ls_examination *out,
                            ls_error *err)
{
    const cl_search *s = search;
    return ls_cl_examine(&s->found[number], info, s->stop, callback, user, out, err);
}

void ls_opencl_end(void *search)
{
    cl_search *s = search;
    ls_cl_helper_stop(&s->helper);
    free(s->found);
    ls_cl_api_close(&s->cl);
    free(s);
}

/* ---- Open devices ---------------------------------------------------------------------------- */

static bool is_remote(const ls_backend *backend) { return backend->slots == &ls_cl_remote_slots; }

bool ls_opencl_owns(const ls_backend *backend)
{
    return backend->slots == &ls_cl_slots || is_remote(backend);
}

void ls_opencl_heed(ls_backend *backend, const atomic_bool *stop)
{
    if (is_remote(backend)) ls_cl_remote_heed(backend, stop);
}

ls_status ls_opencl_tune(ls_backend *backend, const ls_device_info *info, ls_tune_callback callback,
                         void *user, char *path, ls_error *err)
{
    ls_cl_device *d = (ls_cl_device *)backend;
    char where[LS_CL_PATH];
    if (is_remote(backend)) return ls_cl_remote_tune(backend, callback, user, path, err);
    LS_TRY(ls_cl_tune(d, callback, user, err));
    LS_TRY(ls_cl_remember_tiles(d, info, where, err));
    if (path) memcpy(path, where, sizeof where);
    return LS_OK;
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* Somebody who has ended the process says nothing about the device. */
void ls_opencl_note_failure(const ls_device_info *info, const char *why)
{
    if (!strstr(why, LS_HELPER_WAS_ENDED)) ls_cl_remember_failure(info, why);
}

bool ls_opencl_failure(const ls_device_info *info, char why[256])
{
    return ls_cl_recall_failure(info, why);
}

void ls_opencl_forget_failures(const ls_device_info *info) { ls_cl_forget_failure(info); }
