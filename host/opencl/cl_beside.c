/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_beside.h"
#include "host/base/host_mode.h"
#include <assert.h>
#include <string.h>

/* OpenCL allows builds on several threads at a time, but Oclgrind 21.10 crashes in its compiler. */
static bool builds_alone(const ls_cl_device *d)
{
    return strstr(d->info.platform, "Oclgrind") != NULL;
}

static void *run(void *user)
{
    LS_HOST_MODE(mode);
    ls_cl_beside *b = user;
    b->status = b->build(b->user, &b->error);
    atomic_store(&b->ended, true);
    atomic_fetch_sub(&b->device->counts->builds_pending, 1);
    return NULL;
}

void ls_cl_beside_begin(ls_cl_beside *b, ls_cl_device *device,
                        ls_status (*build)(void *user, ls_error *err), void *user)
{
    assert(!b->threaded);
    b->device = device, b->build = build, b->user = user;
    b->begun = true;
    atomic_store(&b->ended, false);
    atomic_fetch_add(&device->counts->builds_pending, 1);
    b->threaded = !builds_alone(device) && pthread_create(&b->thread, NULL, run, b) == 0;
    if (!b->threaded) run(b);
}

bool ls_cl_beside_has_ended(ls_cl_beside *b)
{
    if (!b->begun || !atomic_load(&b->ended)) return false;
    ls_cl_beside_wait(b);
    return true;
}

void ls_cl_beside_wait(ls_cl_beside *b)
{
    if (b->threaded) pthread_join(b->thread, NULL);
    b->threaded = false;
}
