/* SPDX-License-Identifier: MIT */
/* One member's training, as a state machine. Whoever drives it puts it on a device, lets it begin a
 * slice of steps, runs that slice (with those of other members), and lets it look at the losses.
 * Where a stop falls inside a slice, the slice is undone and run again up to there: runs are
 * functions of their inputs, so the result is that of a loop that looks after every epoch, however
 * it was sliced, and whichever devices it was on. */
#ifndef LS_TRAINER_H
#define LS_TRAINER_H

#include "host/model/model.h"
#include "host/network/schedule.h"
#include "host/training/rows.h"

enum { LS_SLICE_STEPS = 1 << 16 }; /* at most, in one call */

typedef struct {
    ls_model *model; /* values: the start, and what has been trained once it is no longer
                        LS_MEMBER_TRAINING */
    const ls_settings *settings;
    ls_plan *plan;
    ls_block *block; /* not owned */
    ls_member_state state;
    uint64_t goal;              /* epochs after which it is to pause */
    ls_epoch_callback callback; /* may be NULL */
    void *user;

    ls_workspace *workspace; /* NULL: it is not on a device; then its state is in `parked`, or it
                                has not begun */
    size_t member;
    float *parked; /* copy of the state, then of the best one where it is kept; NULL: the start */
    bool copied;   /* there is such a copy (or the start is one), of `parked_step` steps */
    bool parked_best;
    uint64_t parked_step;
    double parked_plateau; /* what a schedule that listens had come to */

    ls_rates *rates; /* the slice at hand, see ls_trainer_begin */
    float *losses;
    uint64_t first, count;

    ls_rate_plan schedule;
    uint64_t step;                     /* steps whose losses have been looked at */
    double epoch_sum;                  /* losses of the epoch at hand */
    double loss, validation, accuracy; /* of the last epoch; the last two: of the rows held out */
    double best_loss, best_validation;
    uint64_t bad_epochs, bad_validations;
    uint64_t stride; /* every how many epochs history keeps a point */
    double seconds;
    const char *stopped; /* why it ended */
    char *message;       /* what diverged */
} ls_trainer;

/* A trainer of a model whose values are not there yet; takes the model over, even where it fails.
 */
ls_status ls_trainer_open(ls_model *model, const ls_data *data, ls_block *block, ls_trainer **out,
                          ls_error *err);
void ls_trainer_free(ls_trainer *trainer);

/* Puts it on a device: a member of the block's table's workspace, with its state. Where this fails
 * it is not there. keep: its copy is kept in host memory, so that the device may fail. A state that
 * was lost is computed again from its copy, and training that had come to its end is ended. */
ls_status ls_trainer_enter(ls_trainer *trainer, bool keep, ls_error *err);
/* Takes its state to the host and frees its memory on the device. Where this fails it is still
 * there. */
ls_status ls_trainer_park(ls_trainer *trainer, ls_error *err);
/* Frees its memory on the device; its state there is lost, but for the copy that was kept. */
void ls_trainer_leave(ls_trainer *trainer);
/* After a slice on a device that may fail: renews a copy from which the state could not be computed
 * again. */
ls_status ls_trainer_renew(ls_trainer *trainer, ls_error *err);
/* The copy is no longer needed. */
void ls_trainer_forget(ls_trainer *trainer);

/* Where slices may end: at a step like any other, which needs a copy to go back to, but that cannot
 * be had for large networks; at the end of an epoch, for even progress; or at any step, for
 * measuring. */
typedef enum { LS_SLICE_USUAL, LS_SLICE_WHOLE, LS_SLICE_BRIEF } ls_slice_kind;

/* How many steps its next slice should have for that many seconds, if a step takes so long: at
 * least one, and up to its goal at most. */
uint64_t ls_trainer_slice(const ls_trainer *trainer, double seconds, double step_seconds,
                          ls_slice_kind kind);
/* Begins a slice: fills *run. rates, losses: room for count, until the slice has ended. */
ls_status ls_trainer_begin(ls_trainer *trainer, uint64_t count, ls_rates *rates, float *losses,
                           ls_run *run, ls_error *err);
/* Ends a slice that was run and took so long: history, reasons to stop, divergence. A trainer that
 * has ended by this has its weights in the model and nothing to lose on the device. Divergence is a
 * state, not a failure. */
ls_status ls_trainer_end(ls_trainer *trainer, double seconds, ls_error *err);

/* A copy of the model as it stands. Fails with LS_ERR_DIVERGED if its weights are not finite. */
ls_status ls_trainer_model(ls_trainer *trainer, ls_model **out, ls_error *err);

static inline uint64_t ls_trainer_epochs(const ls_trainer *t)
{
    return t->step / t->schedule.steps_per_epoch;
}
/* Whether it has steps to run before its goal. */
static inline bool ls_trainer_active(const ls_trainer *t)
{
    return t->state == LS_MEMBER_TRAINING && ls_trainer_epochs(t) < t->goal;
}

#endif
