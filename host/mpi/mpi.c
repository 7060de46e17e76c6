/* SPDX-License-Identifier: MIT */
/* The exchange of bytes by MPI, as a module that host/ranks/group.c loads. It uses nothing of the
 * library. All operations are begun without waiting and then waited for, so that the user can stop
 * and a rank that has died is noticed. */
#include "host/ranks/transport.h"
#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG = 1, REQUESTS = 512 };
/* Looks without a pause, then others may run, and after a while this thread sleeps in between. */
enum { LOOKS = 2000, YIELDS = 2000 };
static const double nap_seconds = 5e-5, longest_nap = 2e-3;
/* Seconds that ranks get once the user wants to stop, or twice the longest wait of late. */
static const double stop_seconds = 0.4, late_seconds = 30;

typedef struct {
    ls_transport base;
    MPI_Comm all;
    ls_error failed;      /* the first failure */
    double longest, seen; /* the longest wait of late, and when it ended */
} mpi_transport;

static ls_status fail(ls_error *err, const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (code != MPI_SUCCESS) MPI_Error_string(code, text, &length);
    if (err) {
        err->status = LS_ERR_DEVICE;
        snprintf(err->message, sizeof err->message, "MPI: %s%s%s", what, *text ? ": " : "", text);
    }
    return LS_ERR_DEVICE;
}

/* MPI counts in an int. */
static ls_status fail_size(ls_error *err)
{
    return fail(err, "more than 2 GB in one exchange", MPI_SUCCESS);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void nap(double seconds)
{
    const struct timespec t = {0, (long)(1e9 * seconds)};
    nanosleep(&t, NULL);
}

static void note_wait(mpi_transport *m, double started)
{
    const double time = now(), waited = time - started;
    if (waited >= m->longest || time - m->seen > late_seconds) m->longest = waited, m->seen = time;
}

/* How long ranks get once the user wants to stop: those whose steps take unequally long need more.
 */
static double stop_limit(const mpi_transport *m)
{
    const double usual = now() - m->seen > late_seconds ? 0 : 2 * m->longest;
    return usual > stop_seconds ? usual : stop_seconds;
}

/* Waits for requests. idle: for any time. */
static ls_status wait_for(ls_transport *t, MPI_Request *list, int count, bool idle, ls_error *err)
{
    mpi_transport *m = (mpi_transport *)t;
    int done = 0, code = MPI_SUCCESS;
    double started = 0, stopping = 0, pause = nap_seconds;
    for (unsigned long i = 0; !done; i++) {
        code = MPI_Testall(count, list, &done, MPI_STATUSES_IGNORE);
        if (code != MPI_SUCCESS) return fail(err, "an exchange failed", code);
        if (done || i < LOOKS) continue;
        if (i < LOOKS + YIELDS) {
            sched_yield();
            continue;
        }
        const double time = now();
        if (started <= 0) started = time;
        if (!idle && t->stopped && t->stopped() && stopping <= 0) stopping = time;
        if (stopping > 0 && time - stopping > stop_limit(m))
            return fail(err, "another rank did not answer when this one was to stop", MPI_SUCCESS);
        if (!idle && time - started > t->limit)
            return fail(err,
                        "another rank did not answer within the limit (LOCKSTEP_RANKS_SECONDS in "
                        "the environment)",
                        MPI_SUCCESS);
        nap(pause);
        if (time - started > 100 * pause && pause < longest_nap) pause *= 2;
    }
    if (!idle && started > 0) note_wait(m, started);
    return LS_OK;
}

/* What an exchange that has failed leaves to be received would be taken for the next one's, and its
 * memory is in use no more: after the first failure no exchange begins, and all say why. */
static ls_status outcome(ls_transport *t, ls_status status, const ls_error *own, ls_error *err)
{
    mpi_transport *m = (mpi_transport *)t;
    if (status != LS_OK && m->failed.status == LS_OK) m->failed = *own;
    if (m->failed.status != LS_OK && err) *err = m->failed;
    return m->failed.status;
}

static bool has_failed(const ls_transport *t)
{
    return ((const mpi_transport *)t)->failed.status != LS_OK;
}

static ls_status begin_transfer(ls_transport *t, const ls_transfer *list, size_t count,
                                ls_error *err)
{
    MPI_Request request[REQUESTS];
    const MPI_Comm all = ((mpi_transport *)t)->all;
    if (count > REQUESTS) return fail(err, "too many transfers at a time", MPI_SUCCESS);
    for (size_t i = 0; i < count; i++) {
        const ls_transfer *x = &list[i];
        if (x->bytes > INT_MAX) return fail_size(err);
        int code = x->out
                       ? MPI_Isend(x->at, (int)x->bytes, MPI_BYTE, x->rank, TAG, all, &request[i])
                       : MPI_Irecv(x->at, (int)x->bytes, MPI_BYTE, x->rank, TAG, all, &request[i]);
        if (code != MPI_SUCCESS) return fail(err, "an exchange could not be begun", code);
        if (x->out) t->sent += x->bytes;
    }
    return wait_for(t, request, (int)count, false, err);
}

static ls_status transfer(ls_transport *t, const ls_transfer *list, size_t count, ls_error *err)
{
    ls_error own;
    const ls_status status = has_failed(t) ? LS_OK : begin_transfer(t, list, count, &own);
    return outcome(t, status, &own, err);
}

static ls_status begin_broadcast(ls_transport *t, int from, void *at, size_t bytes, bool idle,
                                 ls_error *err)
{
    MPI_Request request;
    if (bytes > INT_MAX) return fail_size(err);
    int code = MPI_Ibcast(at, (int)bytes, MPI_BYTE, from, ((mpi_transport *)t)->all, &request);
    if (code != MPI_SUCCESS) return fail(err, "an exchange could not be begun", code);
    /* as in a ring: each rank but the last one passes it on */
    if (t->rank != (from + t->size - 1) % t->size) t->sent += bytes;
    return wait_for(t, &request, 1, idle, err);
}

static ls_status broadcast(ls_transport *t, int from, void *at, size_t bytes, bool idle,
                           ls_error *err)
{
    ls_error own;
    const ls_status status = has_failed(t) ? LS_OK
                                           : begin_broadcast(t, from, at, bytes, idle, &own);
    return outcome(t, status, &own, err);
}

static ls_status begin_gather(ls_transport *t, void *at, const size_t *offset, ls_error *err)
{
    MPI_Request request;
    const size_t ranks = (size_t)t->size;
    if (offset[ranks] > INT_MAX) return fail_size(err);
    int *counts = malloc(2 * ranks * sizeof *counts);
    if (!counts) return fail(err, "out of memory for an exchange", MPI_SUCCESS);
    for (size_t r = 0; r < ranks; r++) {
        counts[r] = (int)(offset[r + 1] - offset[r]);
        counts[ranks + r] = (int)offset[r];
    }
    int code = MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_BYTE, at, counts, counts + ranks, MPI_BYTE,
                               ((mpi_transport *)t)->all, &request);
    ls_status status = code == MPI_SUCCESS ? wait_for(t, &request, 1, false, err)
                                           : fail(err, "an exchange could not be begun", code);
    free(counts);
    t->sent += (uint64_t)(ranks - 1) * (offset[t->rank + 1] - offset[t->rank]);
    return status;
}

static ls_status gather(ls_transport *t, void *at, const size_t *offset, ls_error *err)
{
    ls_error own;
    const ls_status status = has_failed(t) ? LS_OK : begin_gather(t, at, offset, &own);
    return outcome(t, status, &own, err);
}

/* After a failure MPI would wait for the others, and they for this rank. It is not ended then: this
 * process ends without, and the launcher ends the others. */
static void end(ls_transport *t)
{
    mpi_transport *m = (mpi_transport *)t;
    if (!has_failed(t) && !t->lost) {
        MPI_Comm_free(&m->all);
        MPI_Finalize();
    }
    free(m);
}

/* The number of this process, and the number of all, on its machine. */
static int find_node(mpi_transport *m)
{
    MPI_Comm node;
    int code = MPI_Comm_split_type(m->all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    if (code == MPI_SUCCESS) code = MPI_Comm_rank(node, &m->base.node_rank);
    if (code == MPI_SUCCESS) code = MPI_Comm_size(node, &m->base.node_size);
    if (code == MPI_SUCCESS) code = MPI_Comm_free(&node);
    return code;
}

__attribute__((visibility("default"))) ls_status ls_mpi_begin(int version, ls_transport **out,
                                                              ls_error *err);

ls_status ls_mpi_begin(int version, ls_transport **out, ls_error *err)
{
    int code, has = 0, level;
    if (version != LS_TRANSPORT_VERSION) return LS_OK;
    MPI_Initialized(&has);
    code = has ? MPI_SUCCESS : MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    if (code != MPI_SUCCESS) return fail(err, "it cannot be begun", code);
    mpi_transport *m = calloc(1, sizeof *m);
    if (!m) return fail(err, "out of memory", MPI_SUCCESS);
    code = MPI_Comm_dup(MPI_COMM_WORLD, &m->all);
    if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(m->all, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS) code = MPI_Comm_rank(m->all, &m->base.rank);
    if (code == MPI_SUCCESS) code = MPI_Comm_size(m->all, &m->base.size);
    if (code == MPI_SUCCESS) code = find_node(m);
    if (code != MPI_SUCCESS) {
        free(m);
        return fail(err, "the processes cannot be counted", code);
    }
    m->base.transfer = transfer, m->base.broadcast = broadcast;
    m->base.gather = gather, m->base.end = end;
    *out = &m->base;
    return LS_OK;
}
