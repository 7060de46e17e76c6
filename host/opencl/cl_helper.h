/* SPDX-License-Identifier: MIT */
/* The helper: a process of its own that opens a device, builds programs and compares results, so
 * that a driver that crashes or hangs does not take this process along. It is a program of its own
 * and not a fork, as threads of OpenCL drivers do not survive a fork. */
#ifndef LS_CL_HELPER_H
#define LS_CL_HELPER_H

#include "host/opencl/cl_message.h"
#include <sys/types.h>

typedef struct {
    pid_t child; /* 0: none */
    int socket;
} ls_cl_helper;

/* How a helper failed. */
typedef struct {
    char how[120]; /* "crashes (Aborted)" */
    bool crashed;  /* and did not hang */
    bool lasting;  /* the driver's fault; false if somebody has ended the helper, or it could not be
                      reached */
} ls_helper_failure;

/* Starts a helper. False if there is none (LOCKSTEP_HELPER=none in the environment, or not
 * installed) or it is of another build. */
bool ls_cl_helper_start(ls_cl_helper *helper);

/* Sends a request and waits for its answer. False if the helper fails, in which case it is stopped.
 * The waiting is limited to 120 s, or what LOCKSTEP_HELPER_SECONDS says, and to more on a machine
 * that is so busy that the helper gets little processor time. */
bool ls_cl_helper_ask(ls_cl_helper *helper, ls_message_kind kind, const void *a, size_t a_size,
                      const void *b, size_t b_size, void *answer, size_t answer_size,
                      ls_helper_failure *failure);

/* Opens a device in the helper. */
bool ls_cl_helper_open(ls_cl_helper *helper, size_t number, const ls_device_info *info,
                       ls_cl_copies_use copies, ls_open_answer *answer, ls_helper_failure *failure);

void ls_cl_helper_stop(ls_cl_helper *helper);

#endif
