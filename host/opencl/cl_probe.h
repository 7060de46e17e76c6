/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_PROBE_H
#define LS_CL_PROBE_H

#include "host/include/lockstep.h"
#include <stdbool.h>
#include <sys/types.h>

/* Whether the installed drivers survive being asked for their devices: tried in a child process, as
 * some crash, abort or hang there and would take the program along. Begins without waiting; idle:
 * threads, besides the calling one, that hold no locks. */
typedef struct {
    int from_child; /* negative: nothing is tried */
    pid_t child;
} ls_cl_probing;
void ls_cl_probe_begin(ls_cl_probing *probing, unsigned idle);
/* Waits for the child; on any thread. false: note says what happened. */
bool ls_cl_probe_end(ls_cl_probing *probing, char note[256]);

#endif
