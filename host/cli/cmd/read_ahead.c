/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/read_ahead.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include <pthread.h>
#include <stdlib.h>

struct read_ahead {
    ls_reader *reader;
    size_t most;
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool full, stop; /* full: a result waits for the caller */
    /* The result. */
    ls_status status;
    ls_error error;
    ls_data *block;
    double share;
};

static void *read_blocks(void *user)
{
    read_ahead *a = user;
    int before;
    bool more = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    while (more) {
        ls_data *block = NULL;
        ls_error error = {LS_OK, ""};
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before); /* it may wait for ever */
        ls_status status = ls_reader_next(a->reader, a->most, &block, &error);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
        pthread_mutex_lock(&a->lock);
        while (a->full && !a->stop) pthread_cond_wait(&a->changed, &a->lock);
        more = status == LS_OK && block && !a->stop;
        if (a->stop) ls_data_free(block);
        else {
            a->status = status;
            a->error = error;
            a->block = block;
            a->share = ls_reader_share(a->reader);
            a->full = true;
            pthread_cond_signal(&a->changed);
        }
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
}

ls_status read_ahead_open(ls_reader *reader, size_t most, bool thread, read_ahead **out,
                          ls_error *err)
{
    read_ahead *a;
    LS_TRY(ls_alloc(&a, 1, sizeof *a, "reading", err));
    *a = (read_ahead){.reader = reader, .most = most};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    /* without a thread, blocks are read when they are asked for */
    a->threaded = thread && pthread_create(&a->thread, NULL, read_blocks, a) == 0;
    *out = a;
    return LS_OK;
}

ls_status read_ahead_next(read_ahead *a, ls_data **block, double *share, ls_error *err)
{
    if (!a->threaded) {
        LS_TRY(ls_reader_next(a->reader, a->most, block, err));
        *share = ls_reader_share(a->reader);
        return LS_OK;
    }
    pthread_mutex_lock(&a->lock);
    while (!a->full) pthread_cond_wait(&a->changed, &a->lock);
    ls_status status = a->status;
    if (status == LS_OK) *block = a->block;
    else if (err) *err = a->error;
    *share = a->share;
    a->block = NULL;
    a->full = status != LS_OK || !*block; /* the end, and an error, stay */
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return status;
}

void read_ahead_close(read_ahead *a)
{
    if (!a) return;
    if (a->threaded) {
        pthread_mutex_lock(&a->lock);
        a->stop = true;
        pthread_cond_signal(&a->changed);
        pthread_mutex_unlock(&a->lock);
        pthread_cancel(a->thread);
        pthread_join(a->thread, NULL);
    }
    ls_data_free(a->block);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
