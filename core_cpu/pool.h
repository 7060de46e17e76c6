/* SPDX-License-Identifier: MIT */
/* Threads that wait for work. Shares are claimed, not assigned: a thread that the system does not
 * schedule claims none, and the others do not wait for it. A hand-over takes microseconds, as
 * workers spin for a while before they sleep. */
#ifndef LS_POOL_H
#define LS_POOL_H

#include "host/base/error.h"

typedef struct ls_pool ls_pool;

/* Runs share `share` of `shares` of some work, on thread `thread` of the pool. */
typedef void (*ls_share_fn)(void *work, unsigned share, unsigned shares, unsigned thread);

/* Maximum number of shares. */
enum { LS_POOL_SHARES = 0x7fff };

/* Starts as many of the threads as the system gives; ls_pool_threads says how many, at least 1. */
ls_status ls_pool_open(unsigned threads, ls_pool **out, ls_error *err);
unsigned ls_pool_threads(const ls_pool *pool);
/* To be called before work begins: in a process that was forked since the threads were started,
 * there is only the caller. */
void ls_pool_enter(ls_pool *pool);
/* Runs all shares and returns when all are done; the caller takes part as thread 0. */
void ls_pool_run(ls_pool *pool, ls_share_fn fn, void *work, unsigned shares);
void ls_pool_close(ls_pool *pool);

/* To be called in a loop that waits for another thread of a share: i counts its rounds from 0. */
void ls_pool_wait(unsigned i);

#endif
