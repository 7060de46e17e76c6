/* SPDX-License-Identifier: MIT */
/* The helper: a process of its own in which OpenCL is used, so that a driver that crashes or hangs
 * does not take this process along. It finds the devices, compares their results with the CPU path,
 * builds programs, and runs an open device (cl_remote.h). It is a program of its own and not a
 * fork, as threads of OpenCL drivers do not survive a fork. It ends when this process does. */
#ifndef LS_CL_HELPER_H
#define LS_CL_HELPER_H

#include "host/opencl/cl_message.h"
#include <sys/types.h>

typedef struct {
    pid_t child; /* 0: none */
    pid_t owner; /* the process that has started it; only that may use it */
    int socket;
    const atomic_bool *stop; /* once it is true, waiting for answers soon ends; NULL: never */
    int memory;              /* the file of the shared memory */
    size_t room;             /* bytes of the window that are there */
    ls_shared *shared;
} ls_cl_helper;

/* How the text `past` begins if somebody else has ended the helper. */
#define LS_HELPER_WAS_ENDED "was ended by somebody else or for lack of memory"

/* How a helper failed. */
typedef struct {
    char how[120];  /* "crashes (Aborted)", said of a driver */
    char past[120]; /* "crashed (Aborted)" */
    bool crashed;   /* and did not hang */
    bool lasting; /* the driver's fault; false if somebody has ended the helper, or it could not be
                     reached */
} ls_helper_failure;

/* Starts a helper. False if there is none (LOCKSTEP_HELPER=none in the environment, or not
 * installed) or it is of another build. stop: may be NULL, and outlives the helper or is replaced.
 */
bool ls_cl_helper_start(ls_cl_helper *helper);
bool ls_cl_helper_start_with(ls_cl_helper *helper, const atomic_bool *stop);

/* Sends a request and waits for its answer. False if the helper fails, in which case it is stopped.
 * The waiting is limited to 120 s, or what LOCKSTEP_HELPER_SECONDS says, since the helper last
 * showed progress, and to more on a machine that is so busy that the helper gets little processor
 * time. */
bool ls_cl_helper_ask(ls_cl_helper *helper, ls_message_kind kind, const void *a, size_t a_size,
                      const void *b, size_t b_size, void *answer, size_t answer_size,
                      ls_helper_failure *failure);

/* The two halves of that, for answers of any kind and size; *bytes is freed by the caller. */
bool ls_cl_helper_tell(ls_cl_helper *helper, ls_message_kind kind, const void *bytes, size_t size,
                       ls_helper_failure *failure);
bool ls_cl_helper_hear(ls_cl_helper *helper, double seconds, ls_message_kind *kind, char **bytes,
                       size_t *size, ls_helper_failure *failure);
/* The helper has sent what it should not: it is stopped. */
void ls_cl_helper_distrust(ls_cl_helper *helper, ls_helper_failure *failure);
/* The limit in seconds. */
double ls_cl_helper_limit(void);

/* Opens a device in the helper. */
bool ls_cl_helper_open(ls_cl_helper *helper, size_t number, const ls_device_info *info,
                       ls_cl_copies_use copies, ls_open_answer *answer, ls_helper_failure *failure);
/* The same, to compare it on awkward shapes as well. */
bool ls_cl_helper_open_thoroughly(ls_cl_helper *helper, size_t number, const ls_device_info *info,
                                  ls_cl_copies_use copies, ls_open_answer *answer,
                                  ls_helper_failure *failure);

/* Makes the window at least so large if memory is to be had; gives what it has. */
size_t ls_cl_helper_room(ls_cl_helper *helper, size_t bytes);

/* Ends it at once, or lets it release its device, for so many seconds or more on a busy machine. */
void ls_cl_helper_stop(ls_cl_helper *helper);
void ls_cl_helper_close(ls_cl_helper *helper, double seconds);

#endif
