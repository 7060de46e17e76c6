/* SPDX-License-Identifier: MIT */
/* A program that is built on a thread beside the training. The OpenCL functions that building needs
 * may be called by several threads at once, by the specification. */
#ifndef LS_CL_BESIDE_H
#define LS_CL_BESIDE_H

#include "host/opencl/cl_device.h"
#include <pthread.h>

typedef struct {
    ls_cl_device *device;
    ls_status (*build)(void *user, ls_error *err);
    void *user;
    bool begun, threaded; /* threaded: the thread is to be joined */
    pthread_t thread;
    atomic_bool ended;
    ls_status status; /* once it has ended */
    ls_error error;
} ls_cl_beside;

/* Begins the build, which counts as pending (ls_builds) until it ends. Nobody else may use what it
 * writes meanwhile. Where no thread is to be had, it is built before the function returns. *beside
 * stays where it is and is zero before the first build. */
void ls_cl_beside_begin(ls_cl_beside *beside, ls_cl_device *device,
                        ls_status (*build)(void *user, ls_error *err), void *user);
/* Whether a build has begun and ended; what it has written is then visible to the caller. */
bool ls_cl_beside_has_ended(ls_cl_beside *beside);
/* Waits for its end, if it has begun. */
void ls_cl_beside_wait(ls_cl_beside *beside);

#endif
