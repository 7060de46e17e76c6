/* SPDX-License-Identifier: MIT */
/* What every rank does. Rank 0, the leader, runs the program, and has a backend (leader.h) whose
 * calls become requests that all ranks do at the same time; the others wait for requests
 * (request.h). A member is either shared, and then on all ranks, or placed on one of them. */
#ifndef LS_RANK_H
#define LS_RANK_H

#include "host/ranks/rank_state.h"

/* Requests, with what follows them. Numbers of workspaces and members are the leader's, and the
 * same on all ranks. */
typedef enum {
    LS_ASK_OPEN,   /* count: threads; flag: approximate ones, too; bytes of the spec with its NUL */
    LS_ASK_ROWS,   /* workspace: opened, or loaded if flag; rows, features, outputs, weighted; then
                      the arrays. at > 0: of the first `at` rows each rank gets only its own, of
                      batches of `count` rows in the order of the rows, with `to` chunks a rank in
                      a turn; at = 0: all of them */
    LS_ASK_LEAVE,  /* workspace */
    LS_ASK_ADD,    /* member; at: origin; which: its owner; bytes of the plan */
    LS_ASK_REMOVE, /* member */
    LS_ASK_RUN,    /* count of ls_asked_run, then the rates of all steps: bytes */
    LS_ASK_INFER,  /* member, at, count: rows; which */
    LS_ASK_READ,   /* member, at, count */
    LS_ASK_WRITE,  /* member, at, count */
    LS_ASK_COPY,   /* member, at, to, count */
    LS_ASK_CLOSE,  /* the device */
    LS_ASK_END     /* followers end */
} ls_ask_kind;

enum { LS_ASK_OUTPUTS = 1, LS_ASK_LOSSES = 2 };

typedef struct {
    ls_ask_kind kind;
    int owner, which, flag, weighted, unused;
    size_t workspace, member, at, to, count, rows, features, outputs, bytes;
} ls_ask;

typedef struct {
    size_t member;
    uint64_t first, count, keep;
} ls_asked_run;

/* What a request reads and writes on the leader; on followers all are NULL but `payload`. */
typedef struct {
    const void *payload; /* that was broadcast with the request */
    const ls_rows *rows;
    const ls_plan *plan;
    const ls_run *runs;
    const float *from;
    float *to, *losses;
} ls_ask_with;

/* Does a request on this rank. All ranks do it, but those about a placed member that only its owner
 * and the leader do. */
ls_status ls_rank_do(ls_rank *rank, const ls_ask *ask, const ls_ask_with *with, ls_error *err);

/* Whether a rank takes part in a request. */
bool ls_rank_takes_part(const ls_rank *rank, const ls_ask *ask);
/* All ranks that took part tell whether they have succeeded; the first failure is everyone's. */
ls_status ls_rank_settle(ls_rank *rank, const ls_ask *ask, ls_status status, ls_error *err);

ls_status ls_rank_start(ls_transport *transport, ls_rank_open *open, ls_rank *out, ls_error *err);
void ls_rank_free(ls_rank *rank);

static inline bool ls_is_leader(const ls_rank *r) { return r->transport->rank == LS_LEADER; }

#endif
