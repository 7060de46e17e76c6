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

#endif
