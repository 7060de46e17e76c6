/* SPDX-License-Identifier: MIT */
/* The state of one member's training, how it gets on and off a device, and the copies in host
 * memory from which it goes on after anything has failed. */
#ifndef LS_TRAINER_STATE_H
#define LS_TRAINER_STATE_H

#include "host/model/model.h"
#include "host/network/schedule.h"
#include "host/training/rows.h"

/* How far a training has come, apart from its state on the device and its history. */
typedef struct {
    ls_rate_plan schedule;
    uint64_t step;               /* steps whose losses have been looked at */
    double epoch_sum;            /* losses of the epoch under way, added up */
    double loss;                 /* of the last epoch */
    double validation, accuracy; /* of the last epoch, on the validation rows; NaN without them */
    double best_loss, best_validation;
    uint64_t bad_epochs;      /* in a row, without progress of the loss (tolerance) */
    uint64_t bad_validations; /* in a row, without a better validation loss (patience) */
    uint64_t rollbacks;       /* to the start of an epoch, after values that were not finite */
    uint64_t stride;          /* history keeps one point per `stride` epochs */
    double seconds;           /* of training */
} ls_course;

/* All that training needs to go on from some step: the start, a copy in host memory, or a
 * checkpoint. */
typedef struct {
    float *state; /* the state, then the best one if `best`; NULL for the start, which the model has
                   */
    bool best;
    ls_course course;
    ls_summary summary; /* the model's */
    ls_history_point *history;
    size_t history_count;
} ls_copy;

/* What the witness has taken of a fleet's training, so that it stays a small share of it: a check
 * costs a step on the CPU path, which may be more than a short training of a small network costs on
 * the device. */
typedef struct {
    double trained, spent; /* seconds */
} ls_witness_budget;

typedef struct {
    /* What is trained. */
    ls_model *model;             /* values: the start, or the result once training has ended */
    const ls_settings *settings; /* the model's */
    ls_plan *plan;
    ls_block *block;            /* its rows; not owned */
    ls_member_state state;      /* training, done or diverged */
    uint64_t goal;              /* epochs after which it pauses */
    ls_epoch_callback callback; /* called after each epoch; may be NULL */
    void *user;
    uint64_t reported;    /* epochs that the callback has seen */
    uint64_t asked_after; /* epoch after which it asked to stop; 0: none */

    /* Where the state is. */
    ls_workspace *workspace; /* of the device it is on; NULL if on none */
    size_t member;           /* its number in the workspace */
    bool copied;             /* `copy` is one */
    ls_copy copy;            /* from which it goes on if the device fails, or after waiting */

    /* A device that may fail or be wrong; see witness.h. */
    ls_backend *witness;       /* the CPU path, or NULL if that is the device */
    ls_witness_budget *budget; /* of the fleet, or NULL for no limit */
    uint64_t verify;           /* one step in so many is repeated there in full; 0: none */
    bool is_pending; /* `pending` is a newer copy, which the witness has not confirmed yet */
    ls_copy pending;
    double copied_at;    /* now.seconds when the last copy was taken */
    double copy_seconds; /* that it took, with the witness */

    /* The slice being run; see ls_trainer_begin. */
    ls_rates *rates; /* count */
    float *losses;   /* count */
    uint64_t first, count;

    ls_course now;
    bool check_finite;                  /* looks at the whole state after epochs, too */
    double checked_at;                  /* now.seconds when it did last, */
    double check_seconds;               /* and how long that took */
    struct ls_checkpoints *checkpoints; /* or NULL; not owned */
    const char *stopped;                /* why it ended, or NULL */
    char *message;                      /* how it diverged, or NULL */
} ls_trainer;

/* Floats of its arena on the device, to and from the host. A device with a witness is read twice.
 */
ls_status ls_trainer_read(ls_trainer *trainer, size_t at, size_t count, float *to, ls_error *err);
ls_status ls_trainer_write(ls_trainer *trainer, size_t at, size_t count, const float *from,
                           ls_error *err);
/* Copies its state from one place in its arena to another. */
ls_status ls_trainer_copy_state(ls_trainer *trainer, size_t from, size_t to, ls_error *err);

/* Whether there is a best state, which is then the result of the training. */
bool ls_trainer_has_best(const ls_trainer *trainer);

/* The run of `count` steps from step `first` on, with rates and losses of the slice being run. */
ls_run ls_trainer_run_of(ls_trainer *trainer, uint64_t first, uint64_t count, bool keep);
/* Runs them. keep: leave the last step's activations where they can be read. */
ls_status ls_trainer_run_steps(ls_trainer *trainer, uint64_t first, uint64_t count, bool keep,
                               ls_error *err);

/* ---- Copies ---------------------------------------------------------------------------------- */

/* A copy of the training as it stands, on a device or before its start. */
ls_status ls_copy_take(ls_trainer *trainer, ls_copy *out, ls_error *err);
void ls_copy_free(ls_copy *copy);
/* The state of a copy, at the start as well: plan->state floats. */
void ls_copy_state(const ls_trainer *trainer, const ls_copy *copy, float *to);

/* Renews the copy. */
ls_status ls_trainer_copy_out(ls_trainer *trainer, ls_error *err);
/* Takes a pending copy, */
ls_status ls_trainer_copy_pending(ls_trainer *trainer, ls_error *err);
/* which becomes the copy. */
void ls_trainer_accept_copy(ls_trainer *trainer);
/* The pending copy, if there is one, is none. */
void ls_trainer_drop_pending(ls_trainer *trainer);
/* Training goes on from a copy that was saved; takes it over. */
void ls_trainer_resume(ls_trainer *trainer, ls_copy copy);
/* Writes the copy to the device. */
ls_status ls_trainer_copy_in(ls_trainer *trainer, ls_error *err);
/* Frees the copy of a trainer that is on a device. */
void ls_trainer_forget(ls_trainer *trainer);
/* Frees its memory on the device. Training then stands where the copy was taken, if there is one;
 * epochs since then are not reported once more. */
void ls_trainer_leave(ls_trainer *trainer);

#endif
