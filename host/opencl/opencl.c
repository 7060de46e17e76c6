/* SPDX-License-Identifier: MIT */
#include "host/opencl/opencl.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_known.h"
#include "host/opencl/cl_matmul.h"
#include "host/opencl/cl_probe.h"
#include "host/opencl/self_check.h"
#include "host/opencl/tune.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
    ls_cl_api cl;
    char note[256]; /* why the loader cannot be used, or "" */
    ls_cl_probing probing;
    ls_cl_found *found;
    double started;
} cl_search;

void ls_opencl_begin(unsigned idle_threads, void **out)
{
    cl_search *s;
    ls_error missing;
    if (ls_alloc(&s, 1, sizeof *s, "the search for devices", NULL) != LS_OK) return;
    s->probing.from_child = -1;
    s->started = ls_clock();
    if (ls_cl_api_open(&s->cl, &missing) != LS_OK)
        snprintf(s->note, sizeof s->note, "%.255s", missing.message);
    else ls_cl_probe_begin(&s->probing, idle_threads);
    *out = s;
}

ls_status ls_opencl_finish(void *search, unsigned threads, ls_device_info **list, size_t *count,
                           char note[256], ls_error *err)
{
    cl_search *s = search;
    size_t found = 0;
    (void)threads;
    if (!s) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the search for devices");
    if (*s->note || !ls_cl_probe_end(&s->probing, s->note)) {
        memcpy(note, s->note, sizeof s->note);
        ls_cl_remember_found(NULL, 0, ls_clock() - s->started);
        return LS_OK;
    }
    LS_TRY(ls_cl_find(&s->cl, &s->found, &found, note, err));
    ls_cl_remember_found(s->found, found, ls_clock() - s->started);
    if (!found) return LS_OK;
    LS_TRY(ls_alloc(list, found, sizeof **list, "the device list", err));
    for (size_t i = 0; i < found; i++) (*list)[i] = s->found[i].info;
    *count = found;
    return LS_OK;
}

bool ls_opencl_known(ls_device_info **list, ls_device_speed **guess, size_t *count, double *seconds)
{
    return ls_cl_recall_found(list, guess, count, seconds);
}

bool ls_opencl_speed(const ls_device_info *info, ls_device_speed *out)
{
    (void)info, (void)out;
    return false;
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

bool ls_opencl_recall(ls_device_info *info) { return !info->exact || ls_cl_recall_verdict(info); }

ls_status ls_opencl_open(void *search, size_t number, unsigned threads, ls_device_info *info,
                         ls_backend **out, ls_error *err)
{
    const cl_search *s = search;
    ls_cl_device *device;
    (void)threads;
    LS_TRY(ls_cl_backend_open(&s->cl, &s->found[number], &device, err));
    ls_status status = ls_cl_self_check(device, info, err);
    if (status != LS_OK) {
        ls_cl_backend_close(&device->base);
        return status;
    }
    *out = &device->base;
    return LS_OK;
}

void ls_opencl_end(void *search)
{
    cl_search *s = search;
    char note[256];
    ls_cl_probe_end(&s->probing, note); /* returns at once if the child has been waited for */
    free(s->found);
    ls_cl_api_close(&s->cl);
    free(s);
}

bool ls_opencl_owns(const ls_backend *backend) { return backend->slots == &ls_cl_slots; }

ls_status ls_opencl_tune(ls_backend *backend, const ls_device_info *info, ls_tune_callback callback,
                         void *user, char *path, ls_error *err)
{
    ls_cl_device *d = (ls_cl_device *)backend;
    char where[LS_CL_PATH];
    LS_TRY(ls_cl_tune(d, callback, user, err));
    LS_TRY(ls_cl_remember_tiles(d, info, where, err));
    if (path) memcpy(path, where, sizeof where);
    return LS_OK;
}
