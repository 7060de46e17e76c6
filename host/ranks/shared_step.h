/* SPDX-License-Identifier: MIT */
/* The steps of a member that all ranks share. */
#ifndef LS_SHARED_STEP_H
#define LS_SHARED_STEP_H

#include "host/ranks/rank_state.h"

/* Room for exchanges of such steps. copies: the rank's device has memory of its own. */
ls_status ls_shared_reserve(ls_rank *rank, const ls_share *share, bool copies, ls_error *err);

/* Runs `count` steps, on all ranks at once; losses: one per step, on every rank. A rank whose
 * device fails goes on exchanging, so that the others do not wait for it, and returns the failure.
 */
ls_status ls_shared_run(ls_rank *rank, ls_workspace *workspace, const ls_rank_member *member,
                        uint64_t first, uint64_t count, const ls_rates *rates, float *losses,
                        ls_error *err);

#endif
