/* SPDX-License-Identifier: MIT */
/* The CPU path as a witness: it repeats single steps of a device that may be wrong, from a state
 * that was read back from there. A read-back or a sum with a flipped bit would otherwise stay
 * unnoticed, and the model be called exact. */
#ifndef LS_WITNESS_H
#define LS_WITNESS_H

#include "host/training/trainer_state.h"

/* Whether the next copy is to be taken: the training since the last one has taken long enough for
 * copy and witness to cost less than 1 % of it. */
bool ls_witness_is_due(const ls_trainer *trainer);
/* Whether the slice under way is a single step that is compared in all bits of the state
 * (trainer->verify). */
bool ls_witness_repeats_slice(const ls_trainer *trainer);
/* Most steps of the next slice, so that each step to be repeated is a slice of its own. */
uint64_t ls_witness_limit(const ls_trainer *trainer, uint64_t steps);

/* After a slice that began where the state was copied: compares its first loss, or all of the state
 * after it, with the CPU path's, and the copy becomes the one that training can go back to. If the
 * fleet's budget for such checks is used up, the copy is dropped instead. Fails with LS_ERR_DEVICE
 * if they differ. */
ls_status ls_witness_confirm(ls_trainer *trainer, ls_error *err);

/* Loss i of the slice is not finite. Fails with LS_ERR_DEVICE if it is finite on the CPU path. */
ls_status ls_witness_confirm_divergence(ls_trainer *trainer, uint64_t i, ls_error *err);

#endif
