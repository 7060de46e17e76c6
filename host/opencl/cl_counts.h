/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_COUNTS_H
#define LS_CL_COUNTS_H

#include <stdatomic.h>

/* What another thread or process may look at while a device works: in the device itself, or in
 * memory that its process shares with another one (cl_helper.h). */
typedef struct {
    atomic_uint progress;     /* changes from time to time, unless the driver hangs */
    atomic_uint builds_ended; /* see ls_builds; builds may run on several threads */
    atomic_uint builds_pending;
} ls_cl_counts;

static inline void ls_cl_progress(ls_cl_counts *counts)
{
    atomic_fetch_add_explicit(&counts->progress, 1, memory_order_relaxed);
}

#endif
