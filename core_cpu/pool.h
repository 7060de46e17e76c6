/* SPDX-License-Identifier: MIT */
/* Threads that wait for work. Shares of it are claimed, not assigned: a thread that the system
 * keeps away takes none, and the others need not wait for it. A hand-over costs microseconds, as
 * workers spin a little before they sleep. */
#ifndef LS_POOL_H
#define LS_POOL_H

#include "host/base/error.h"

typedef struct ls_pool ls_pool;

/* Does share `share` of `shares` of some work, on thread `thread` of the pool. */
typedef void (*ls_share_fn)(void *work, unsigned share, unsigned shares, unsigned thread);

/* Shares that work may be cut into at most. */
enum { LS_POOL_SHARES = 0x7fff };

ls_status ls_pool_open(unsigned threads, ls_pool **out, ls_error *err);
unsigned ls_pool_threads(const ls_pool *pool);
/* Runs all shares and returns when all are done; the caller, thread 0, does its part. */
void ls_pool_run(ls_pool *pool, ls_share_fn fn, void *work, unsigned shares);
void ls_pool_close(ls_pool *pool);

#endif
