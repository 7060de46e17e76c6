/* SPDX-License-Identifier: MIT */
/* One member's training, as a state machine. The caller puts it on a device, lets it begin a slice
 * of steps, runs that slice (with those of other members), and lets it look at the losses. If a
 * stop falls inside a slice, the slice is undone and run again up to there. Runs are functions of
 * their inputs, so the result is that of a loop that looks after every epoch, however it was
 * sliced, and whichever devices it was on. */
#ifndef LS_TRAINER_H
#define LS_TRAINER_H

#include "host/training/trainer_state.h"

enum { LS_SLICE_STEPS = 1 << 16 }; /* at most, in one slice */

/* A trainer of a model whose values are not there yet, and begin as the block's start says. Takes
 * the model over, even if this fails. */
ls_status ls_trainer_open(ls_model *model, const ls_data *data, ls_block *block, ls_trainer **out,
                          ls_error *err);
void ls_trainer_free(ls_trainer *trainer);

/* Puts it on a device: a member of the block's table's workspace, with its state. If this fails it
 * is not there. keep: its copy stays in host memory, so that the device may fail. witness: the CPU
 * path if the device is another one, or NULL (witness.h). A state that was lost is computed again
 * from its copy, and training that had come to its end is ended. */
ls_status ls_trainer_enter(ls_trainer *trainer, bool keep, ls_backend *witness, ls_error *err);
/* Takes its state to the host and frees its memory on the device. If this fails it is still there.
 */
ls_status ls_trainer_park(ls_trainer *trainer, ls_error *err);
/* After a slice on a device that may fail: takes a newer copy if that is due. */
ls_status ls_trainer_renew(ls_trainer *trainer, ls_error *err);

/* Where slices may end.
 * USUAL: at any step, if there is a snapshot to go back to, otherwise at the end of the epoch.
 * WHOLE: at the end of an epoch, for even progress.
 * BRIEF: at any step, for measuring. */
typedef enum { LS_SLICE_USUAL, LS_SLICE_WHOLE, LS_SLICE_BRIEF } ls_slice_kind;

/* Number of steps for its next slice to take `seconds`, if a step takes step_seconds: at least one,
 * and not beyond its goal. */
uint64_t ls_trainer_slice(const ls_trainer *trainer, double seconds, double step_seconds,
                          ls_slice_kind kind);
/* Begins a slice: fills *run. rates, losses: room for `count`, until the slice has ended. */
ls_status ls_trainer_begin(ls_trainer *trainer, uint64_t count, ls_rates *rates, float *losses,
                           ls_run *run, ls_error *err);
/* The inference of the validation rows that the end of the slice needs; false if it needs none.
 * Whoever makes it beforehand, with room for its outputs and losses (both of `rows`), sets
 * trainer->held_outputs and held_losses until the slice has ended. */
bool ls_trainer_wants_inference(const ls_trainer *trainer, ls_member_inference *out);
/* Ends a slice that was run and took `seconds`: history, reasons to stop, divergence. A trainer
 * that has ended by this has its weights in the model and nothing to lose on the device. Divergence
 * is a state, not a failure. */
ls_status ls_trainer_end(ls_trainer *trainer, double seconds, ls_error *err);

/* A copy of the model as it stands. Fails with LS_ERR_DIVERGED if its weights are not finite. */
ls_status ls_trainer_model(ls_trainer *trainer, ls_model **out, ls_error *err);

static inline uint64_t ls_trainer_epochs(const ls_trainer *trainer)
{
    return trainer->now.step / trainer->now.schedule.steps_per_epoch;
}
/* Whether it has steps to run before its goal. */
static inline bool ls_trainer_active(const ls_trainer *trainer)
{
    return trainer->state == LS_MEMBER_TRAINING && ls_trainer_epochs(trainer) < trainer->goal;
}

#endif
