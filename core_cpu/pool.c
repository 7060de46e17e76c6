/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "pool.h"

/* How often a waiting thread looks before it sleeps: some tens of microseconds. */
enum { SPINS = 20000 };

typedef struct {
    ls_pool *pool;
    unsigned share;
    pthread_t thread;
} worker;

struct ls_pool {
    unsigned threads;
    ls_share_fn fn;
    void *work;
    atomic_uint round;        /* goes up with each piece of work */
    atomic_uint busy;         /* workers not yet done with this round */
    atomic_bool quit;
    pthread_mutex_t lock;     /* guards sleeping */
    pthread_cond_t wake, done;
    worker *workers;
    unsigned started;
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Waits until the round moves on from `seen`. */
static void await_round(ls_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->round, memory_order_acquire) != seen) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->round) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *arg)
{
    worker *self = arg;
    ls_pool *pool = self->pool;
    for (unsigned seen = 0;; seen++) {
        await_round(pool, seen);
        if (atomic_load(&pool->quit)) return NULL;
        pool->fn(pool->work, self->share, pool->threads);
        if (atomic_fetch_sub(&pool->busy, 1) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

/* Starts a round. */
static void next_round(ls_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

ls_status ls_pool_open(unsigned threads, ls_pool **out, ls_error *err)
{
    ls_pool *pool;
    LS_TRY(ls_alloc(&pool, 1, sizeof *pool, "threads", err));
    pool->threads = threads ? threads : 1;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    ls_status status = ls_alloc(&pool->workers, pool->threads, sizeof *pool->workers, "threads", err);
    for (unsigned i = 1; i < pool->threads && status == LS_OK; i++) {
        worker *w = &pool->workers[pool->started];
        *w = (worker){.pool = pool, .share = i};
        if (pthread_create(&w->thread, NULL, worker_main, w))
            status = ls_fail(err, LS_ERR_MEMORY, "cannot start thread %u of %u; ask for fewer with --threads", i, pool->threads);
        else pool->started++;
    }
    if (status != LS_OK) {
        ls_pool_close(pool);
        return status;
    }
    *out = pool;
    return LS_OK;
}

unsigned ls_pool_threads(const ls_pool *pool) { return pool->threads; }

void ls_pool_run(ls_pool *pool, ls_share_fn fn, void *work)
{
    if (pool->threads == 1) {
        fn(work, 0, 1);
        return;
    }
    pool->fn = fn;
    pool->work = work;
    atomic_store(&pool->busy, pool->threads - 1);
    next_round(pool);
    fn(work, 0, pool->threads);
    for (int i = 0; i < SPINS; i++) {
        if (!atomic_load_explicit(&pool->busy, memory_order_acquire)) return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->busy)) pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void ls_pool_close(ls_pool *pool)
{
    if (!pool) return;
    atomic_store(&pool->quit, true);
    next_round(pool);
    for (unsigned i = 0; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}
