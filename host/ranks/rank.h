/* SPDX-License-Identifier: MIT */
/* What every rank does. Rank 0, the leader, runs the program, and has a backend (leader.h) whose
 * calls become requests that all ranks do at the same time; the others wait for requests
 * (request.h). A member is either shared, and then on all ranks, or placed on one of them. */
#ifndef LS_RANK_H
#define LS_RANK_H

#include "host/ranks/ask.h"
#include "host/ranks/rank_state.h"

/* What a request reads and writes on the leader; on followers all are NULL but `payload`. */
typedef struct {
    const void *payload; /* that was broadcast with the request */
    const ls_rows *rows;
    const ls_plan *plan;
    const ls_run *runs;
    const float *from;
    float *to, *losses;
    const ls_apart *apart; /* KEEP, SERVE */
    ls_apart_take *take;   /* SERVE */
    void *user;
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
