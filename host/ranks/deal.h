/* SPDX-License-Identifier: MIT */
/* Rows that the leader makes block by block, each for the rank that uses it. */
#ifndef LS_RANK_DEAL_H
#define LS_RANK_DEAL_H

#include "host/ranks/ask.h"
#include "host/ranks/rank_state.h"

/* The rows of rank `rank` if an inference of `rows` rows is shared: whole blocks of `capacity`
 * rows, from the result on, up to that of rank + 1. */
size_t ls_first_inferred(size_t capacity, size_t rows, int rank, int ranks);

/* Passes rows of a source on, as LS_ASK_ROWS says: called by all ranks. source: on the leader; to:
 * arrays for all rows, of which only those of this rank are touched. Errors: those of the source,
 * on the leader. */
ls_status ls_deal_rows(ls_rank *rank, const ls_ask *ask, const ls_row_source *source,
                       const ls_rows *to, ls_error *err);

/* LS_ASK_KEEP: reads this rank's part of a file into memory. payload: bytes of ls_apart_pack;
 * apart: what these describe, on the leader. */
ls_status ls_keep_rows(ls_rank *rank, const ls_ask *ask, const void *payload, const ls_apart *apart,
                       ls_error *err);
/* LS_ASK_SERVE: the leader takes all rows, in their order, from the ranks that keep them. */
ls_status ls_serve_rows(ls_rank *rank, const ls_ask *ask, const ls_apart *apart,
                        ls_apart_take *take, void *user, ls_error *err);
/* The same on the leader alone, while `rank->serving`. */
ls_status ls_fetch_rows(ls_rank *rank, const ls_apart *apart, ls_apart_take *take, void *user,
                        ls_error *err);

#endif
