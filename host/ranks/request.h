/* SPDX-License-Identifier: MIT */
/* One request, from both ends. */
#ifndef LS_RANK_REQUEST_H
#define LS_RANK_REQUEST_H

#include "host/ranks/rank.h"

/* The leader: sends the request with `bytes` of payload, does it with the others, and gives the
 * first failure of any rank. */
ls_status ls_ask_all(ls_rank *leader, ls_ask *ask, const ls_ask_with *with, ls_error *err);

/* A follower: waits for a request and does it. *end: it was the last one. Fails if the leader
 * cannot be reached any more, or if there is no memory for what follows the request: this rank is
 * lost then. A request that fails is the leader's to report. */
ls_status ls_follow_one(ls_rank *follower, bool *end, ls_error *err);

#endif
