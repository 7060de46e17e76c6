/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_PROBE_H
#define LS_CL_PROBE_H

#include "host/include/lockstep.h"
#include <stdbool.h>
#include <sys/types.h>

/* Lists the devices in a child process first, as some drivers crash, abort or hang when they are
 * asked for their devices, and would end the program. */
typedef struct {
    int from_child; /* a pipe; negative if no child was started */
    pid_t child;
} ls_cl_probing;
/* Starts the child without waiting for it. idle: threads, besides the calling one, that hold no
 * locks. */
void ls_cl_probe_begin(ls_cl_probing *probing, unsigned idle);
/* Waits for the child; may be called on any thread. Returns false if a driver failed; note says
 * how. */
bool ls_cl_probe_end(ls_cl_probing *probing, char note[256]);

#endif
