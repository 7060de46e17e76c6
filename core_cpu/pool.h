/* SPDX-License-Identifier: MIT */
/* Threads that wait for work. A hand-over costs microseconds: workers spin a little before they sleep. */
#ifndef LS_POOL_H
#define LS_POOL_H

#include "../host/common.h"

typedef struct ls_pool ls_pool;

/* Does share `share` of `shares` of some work. */
typedef void (*ls_share_fn)(void *work, unsigned share, unsigned shares);

ls_status ls_pool_open(unsigned threads, ls_pool **out, ls_error *err);
unsigned ls_pool_threads(const ls_pool *pool);
/* Runs all shares, one a thread (the caller does share 0), and returns when all are done. */
void ls_pool_run(ls_pool *pool, ls_share_fn fn, void *work);
void ls_pool_close(ls_pool *pool);

#endif
