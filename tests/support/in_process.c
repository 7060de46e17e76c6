/* SPDX-License-Identifier: MIT */
#include "tests/support/in_process.h"
#include <pthread.h>
#include <string.h>

/* Transfers in one call, at most: as many as host/mpi/mpi.c takes. */
enum { TRANSFERS = 512 };

/* A call of `transfer`. */
typedef struct {
    const ls_transfer *list;
    size_t count, left;
    bool done[TRANSFERS];
} call;

typedef enum { RUNS, TRANSFERRING, MEETING, ENDED } rank_state;
typedef enum { BROADCAST, GATHER } meeting_kind;

/* What a rank wants in a call of all ranks. */
typedef struct {
    meeting_kind kind;
    int from;
    void *at;
    size_t bytes;
    const size_t *offset;
} meeting;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int ranks;
    bool failed;
    char why[sizeof((ls_error *)NULL)->message];
    rank_state state[IN_PROCESS_RANKS];
    call open[IN_PROCESS_RANKS]; /* of the ranks that are transferring */
    meeting wish[IN_PROCESS_RANKS];
} room;

typedef struct {
    ls_transport base;
    room *room;
    in_process_work *work;
    void *user;
    ls_status status;
    ls_error err;
} rank;

static void fail_all(room *m, const char *why)
{
    if (!m->failed) snprintf(m->why, sizeof m->why, "%s", why);
    m->failed = true;
    pthread_cond_broadcast(&m->changed);
}

/* Whatever can be done has been done: if every rank waits, none ever goes on. */
static void look_for_deadlock(room *m)
{
    int waiting = 0, ended = 0;
    for (int k = 0; k < m->ranks; k++) {
        ended += m->state[k] == ENDED;
        waiting += m->state[k] == MEETING || (m->state[k] == TRANSFERRING && m->open[k].left);
    }
    if (waiting && waiting + ended == m->ranks) fail_all(m, "ranks wait for each other for ever");
}

/* Waits until the call of a rank has ended. */
static ls_status finish(rank *r, ls_error *err)
{
    room *m = r->room;
    const int me = r->base.rank;
    look_for_deadlock(m);
    while (!m->failed &&
           (m->state[me] == MEETING || (m->state[me] == TRANSFERRING && m->open[me].left)))
        pthread_cond_wait(&m->changed, &m->lock);
    m->state[me] = RUNS;
    ls_status status = m->failed ? ls_fail(err, LS_ERR_DEVICE, "%s", m->why) : LS_OK;
    pthread_mutex_unlock(&m->lock);
    return status;
}

/* ---- Transfers ------------------------------------------------------------------------------- */

/* The first transfer of a rank's call in that direction with that other rank, or SIZE_MAX. */
static size_t first_open(const room *m, int of, int with, bool out)
{
    const call *c = &m->open[of];
    if (m->state[of] != TRANSFERRING) return SIZE_MAX;
    for (size_t i = 0; i < c->count; i++)
        if (!c->done[i] && c->list[i].rank == with && c->list[i].out == out) return i;
    return SIZE_MAX;
}

/* Does what both ranks are ready for. */
static void match(room *m, int sender, int receiver)
{
    call *from = &m->open[sender], *to = &m->open[receiver];
    for (;;) {
        const size_t i = first_open(m, sender, receiver, true),
                     k = first_open(m, receiver, sender, false);
        if (i == SIZE_MAX || k == SIZE_MAX) return;
        if (from->list[i].bytes != to->list[k].bytes) {
            fail_all(m, "the sides of a transfer differ in size");
            return;
        }
        memcpy(to->list[k].at, from->list[i].at, to->list[k].bytes);
        from->done[i] = to->done[k] = true;
        from->left--, to->left--;
        pthread_cond_broadcast(&m->changed);
    }
}

static ls_status transfer(ls_transport *t, const ls_transfer *list, size_t count, ls_error *err)
{
    rank *r = (rank *)t;
    room *m = r->room;
    pthread_mutex_lock(&m->lock);
    if (count > TRANSFERS) fail_all(m, "too many transfers in a call");
    if (!m->failed) {
        m->open[t->rank] = (call){.list = list, .count = count, .left = count};
        m->state[t->rank] = TRANSFERRING;
    }
    for (size_t i = 0; i < count && !m->failed; i++) {
        const int other = list[i].rank;
        if (other == t->rank || other < 0 || other >= t->size) {
            fail_all(m, "a transfer with no other rank");
            break;
        }
        match(m, t->rank, other);
        match(m, other, t->rank);
        if (list[i].out) t->sent += list[i].bytes;
    }
    return finish(r, err);
}

/* ---- Calls of all ranks ---------------------------------------------------------------------- */

static bool same_meeting(const room *m, const meeting *a, const meeting *b)
{
    return a->kind == b->kind && a->from == b->from && a->bytes == b->bytes &&
           (a->kind == BROADCAST ||
            !memcmp(a->offset, b->offset, ((size_t)m->ranks + 1) * sizeof *a->offset));
}

static void exchange(room *m)
{
    for (int to = 0; to < m->ranks; to++) {
        const meeting *w = &m->wish[to];
        if (w->kind == BROADCAST && to != w->from) memcpy(w->at, m->wish[w->from].at, w->bytes);
        for (int k = 0; w->kind == GATHER && k < m->ranks; k++) {
            const size_t at = w->offset[k], n = w->offset[k + 1] - at;
            if (k != to && n) memcpy((char *)w->at + at, (char *)m->wish[k].at + at, n);
        }
    }
}

/* The last rank that comes does it for all. */
static ls_status meet(rank *r, meeting wish, ls_error *err)
{
    room *m = r->room;
    bool all = true;
    pthread_mutex_lock(&m->lock);
    m->wish[r->base.rank] = wish;
    m->state[r->base.rank] = MEETING;
    for (int k = 0; k < m->ranks; k++) {
        all &= m->state[k] == MEETING;
        if (m->state[k] == MEETING && !same_meeting(m, &wish, &m->wish[k]))
            fail_all(m, "ranks are in different exchanges");
    }
    if (all && !m->failed) {
        exchange(m);
        for (int k = 0; k < m->ranks; k++) m->state[k] = RUNS;
        pthread_cond_broadcast(&m->changed);
    }
    return finish(r, err);
}

static ls_status broadcast(ls_transport *t, int from, void *at, size_t bytes, bool idle,
                           ls_error *err)
{
    (void)idle;
    if (t->rank != (from + t->size - 1) % t->size) t->sent += bytes;
    return meet((rank *)t, (meeting){BROADCAST, from, at, bytes, NULL}, err);
}

static ls_status gather(ls_transport *t, void *at, const size_t *offset, ls_error *err)
{
    t->sent += (uint64_t)(t->size - 1) * (offset[t->rank + 1] - offset[t->rank]);
    return meet((rank *)t, (meeting){GATHER, 0, at, 0, offset}, err);
}

static void end(ls_transport *t) { (void)t; }

/* ---- Ranks ----------------------------------------------------------------------------------- */

static void *run(void *user)
{
    rank *r = user;
    room *m = r->room;
    r->status = r->work(&r->base, r->user, &r->err);
    pthread_mutex_lock(&m->lock);
    m->state[r->base.rank] = ENDED;
    if (r->status != LS_OK) fail_all(m, r->err.message);
    look_for_deadlock(m);
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

ls_status in_process_run(int ranks, in_process_work *work, void *user, uint64_t *sent,
                         ls_error *err)
{
    static room m;
    static rank all[IN_PROCESS_RANKS];
    pthread_t thread[IN_PROCESS_RANKS];
    int started = 0;
    memset(&m, 0, sizeof m);
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.changed, NULL);
    m.ranks = ranks;
    for (int k = 0; k < ranks; k++)
        all[k] = (rank){.base = {.rank = k,
                                 .size = ranks,
                                 .node_rank = k,
                                 .node_size = ranks,
                                 .transfer = transfer,
                                 .broadcast = broadcast,
                                 .gather = gather,
                                 .end = end},
                        .room = &m,
                        .work = work,
                        .user = user};
    while (started < ranks && !pthread_create(&thread[started], NULL, run, &all[started]))
        started++;
    if (started < ranks) {
        pthread_mutex_lock(&m.lock);
        fail_all(&m, "a thread cannot be started");
        pthread_mutex_unlock(&m.lock);
    }
    for (int k = 0; k < started; k++) pthread_join(thread[k], NULL);
    pthread_cond_destroy(&m.changed);
    pthread_mutex_destroy(&m.lock);
    for (int k = 0; sent && k < started; k++) sent[k] = all[k].base.sent;
    for (int k = 0; k < started; k++)
        if (all[k].status != LS_OK)
            return ls_fail(err, all[k].status, "rank %d of %d: %s", k, ranks, m.why);
    return started < ranks ? ls_fail(err, LS_ERR_MEMORY, "%s", m.why) : LS_OK;
}
