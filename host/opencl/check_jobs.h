/* SPDX-License-Identifier: MIT */
/* The self-check in helper processes, several for each device, which share its parts. A crash or a
 * hang of one is a fault of the way that it was comparing, or of the device. */
#ifndef LS_CHECK_JOBS_H
#define LS_CHECK_JOBS_H

#include "host/network/device_speed.h"
#include "host/opencl/cl_cache.h"
#include <stdatomic.h>

typedef struct {
    size_t number; /* in the list of ls_cl_find */
    const ls_device_info *info;
    bool thorough; /* awkward shapes, too; a way that gives wrong bits there is put aside */

    bool judged; /* false if there is no helper: the parts are to be compared in this process */
    ls_status status; /* not LS_OK: neither judged nor to be opened; error says why */
    ls_error error;
    ls_cl_verdict verdict;
    ls_device_speed speed; /* zeros if measuring failed */
    unsigned parts;        /* that were compared */
} ls_check_job;

/* Checks devices side by side; they should be of different drivers. helpers: processes at once, of
 * all devices. stop: NULL, or ends the check soon once it is true. callback: may be NULL; it is
 * called on this thread. */
void ls_check_jobs_run(ls_check_job *jobs, size_t count, unsigned helpers, const atomic_bool *stop,
                       ls_check_callback callback, void *user);

#endif
