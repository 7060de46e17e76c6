/* SPDX-License-Identifier: MIT */
/* Ranks as threads of this process, with a transport that is as strict as MPI may be: nothing is
 * buffered, so that a rank sends only once the other one receives, and a call ends when all of its
 * transfers have ended. An exchange that cannot end, or whose sides do not match, fails on all
 * ranks. */
#ifndef LS_SUPPORT_IN_PROCESS_H
#define LS_SUPPORT_IN_PROCESS_H

#include "host/base/error.h"
#include "host/ranks/transport.h"

enum { IN_PROCESS_RANKS = 16 };

/* What each rank does; its result is in_process_run's, and the first message. */
typedef ls_status in_process_work(ls_transport *transport, void *user, ls_error *err);

/* Starts `ranks` threads, 1 to IN_PROCESS_RANKS, and waits for all. sent: NULL, or receives the
 * bytes that each rank has sent, counted as host/ranks/transport.h says. */
ls_status in_process_run(int ranks, in_process_work *work, void *user, uint64_t *sent,
                         ls_error *err);

#endif
