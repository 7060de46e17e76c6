/* SPDX-License-Identifier: MIT */
#include "core_cpu/pool.h"
#include "host/base/cores.h"
#include "host/base/float_mode.h"
#include "host/base/memory.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* How often a waiting thread checks before it sleeps or yields: some tens of microseconds. */
enum { SPINS = 2000 };

typedef struct {
    ls_pool *pool;
    unsigned thread;
    pthread_t id;
} worker;

/* A ticket holds everything that a claim depends on, so that one compare-and-swap decides it:
 *   bits 32…63 the round, 16…31 its number of shares, 0…15 the next share. */
typedef uint64_t ticket;

static unsigned ticket_round(ticket t) { return (unsigned)(t >> 32); }
static unsigned ticket_shares(ticket t) { return (unsigned)(t >> 16) & 0xffffu; }
static unsigned ticket_next(ticket t) { return (unsigned)t & 0xffffu; }

struct ls_pool {
    unsigned threads;
    int spins; /* 0 if there are more threads than processors: a spinning one would block others */
    _Atomic ticket ticket;
    /* Written before a round's ticket, and read only by threads that hold a share of that round. */
    ls_share_fn fn;
    void *work;
    atomic_uint done; /* shares finished in this round */
    atomic_uint sleepers;
    atomic_bool quit;
    pthread_mutex_t lock; /* guards sleeping */
    pthread_cond_t wake;
    worker *workers;
    unsigned started;
    pid_t owner; /* the process that has the workers */
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

void ls_pool_wait(unsigned i)
{
    enum { PAUSES = 500 };
    if (i < PAUSES) relax();
    else sched_yield();
}

/* Claims and runs shares until none is left. */
static void work_off(ls_pool *pool, unsigned thread)
{
    ticket t = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    while (ticket_next(t) < ticket_shares(t)) {
        if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &t, t + 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        pool->fn(pool->work, ticket_next(t), ticket_shares(t), thread);
        atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
        t = atomic_load_explicit(&pool->ticket, memory_order_acquire);
    }
}

/* Waits until the round is not `seen` any more. */
static void await_round(ls_pool *pool, unsigned seen)
{
    for (int i = 0; i < pool->spins; i++) {
        if (ticket_round(atomic_load_explicit(&pool->ticket, memory_order_acquire)) != seen) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (ticket_round(atomic_load(&pool->ticket)) == seen)
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *arg)
{
    worker *self = arg;
    ls_pool *pool = self->pool;
    LS_FLOAT_MODE(mode);
    for (unsigned seen = 0;;) {
        await_round(pool, seen);
        seen = ticket_round(atomic_load(&pool->ticket));
        if (atomic_load(&pool->quit)) return NULL;
        work_off(pool, self->thread);
    }
}

/* Publishes a round of `shares` shares and wakes sleeping threads. */
static void next_round(ls_pool *pool, unsigned shares)
{
    ticket round = ticket_round(atomic_load(&pool->ticket)) + 1u;
    atomic_store(&pool->ticket, (round << 32) | ((ticket)shares << 16));
    if (!atomic_load(&pool->sleepers)) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

ls_status ls_pool_open(unsigned threads, ls_pool **out, ls_error *err)
{
    ls_pool *pool;
    LS_TRY(ls_alloc(&pool, 1, sizeof *pool, "threads", err));
    pool->threads = threads ? threads : 1;
    pool->owner = getpid();
    pool->spins = pool->threads <= ls_usable_cores() ? SPINS : 0;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    ls_status status = ls_alloc(&pool->workers, pool->threads, sizeof *pool->workers, "threads",
                                err);
    for (unsigned i = 1; i < pool->threads && status == LS_OK; i++) {
        worker *w = &pool->workers[pool->started];
        *w = (worker){.pool = pool, .thread = i};
        if (pthread_create(&w->id, NULL, worker_main, w)) break;
        pool->started++;
    }
    if (status != LS_OK) {
        ls_pool_close(pool);
        return status;
    }
    pool->threads = pool->started + 1; /* the system may have no more to give */
    *out = pool;
    return LS_OK;
}

void ls_pool_enter(ls_pool *pool)
{
    if (pool->threads > 1 && pool->owner != getpid()) pool->threads = 1;
}

unsigned ls_pool_threads(const ls_pool *pool) { return pool->threads; }

void ls_pool_run(ls_pool *pool, ls_share_fn fn, void *work, unsigned shares)
{
    if (pool->threads == 1) {
        for (unsigned i = 0; i < shares; i++) fn(work, i, shares, 0);
        return;
    }
    pool->fn = fn;
    pool->work = work;
    atomic_store(&pool->done, 0);
    next_round(pool, shares);
    work_off(pool, 0);
    for (int i = 0; atomic_load_explicit(&pool->done, memory_order_acquire) < shares; i++) {
        if (i < pool->spins) relax();
        else sched_yield();
    }
}

void ls_pool_close(ls_pool *pool)
{
    if (!pool) return;
    if (pool->owner == getpid()) {
        atomic_store(&pool->quit, true);
        next_round(pool, 0);
        for (unsigned i = 0; i < pool->started; i++) pthread_join(pool->workers[i].id, NULL);
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->lock);
    }
    free(pool->workers);
    free(pool);
}
