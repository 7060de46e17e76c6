/* SPDX-License-Identifier: MIT */
/* The state of one member's training, and how it gets on and off a device. */
#ifndef LS_TRAINER_STATE_H
#define LS_TRAINER_STATE_H

#include "host/model/model.h"
#include "host/network/schedule.h"
#include "host/training/rows.h"

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

    /* Where the state is. */
    ls_workspace *workspace; /* of the device it is on; NULL if on none */
    size_t member;           /* its number in the workspace */
    float *parked; /* copy in host memory: the state, then the best one if parked_best; NULL for the
                      start, which the model has */
    bool copied;   /* there is such a copy, or the start is one */
    bool parked_best;
    uint64_t parked_step;           /* steps that the copy has behind it */
    ls_rate_factors parked_factors; /* of the learning rate, after the losses up to the copy */

    /* The learning rate's factors until they changed last, and the step since when they are the
     * present ones. */
    ls_rate_factors factors_before;
    uint64_t factors_since;

    /* A device that may fail or be wrong; see witness.h. */
    ls_backend *witness;   /* the CPU path, or NULL if that is the device */
    uint64_t verify;       /* one step in so many is repeated there in full; 0: none */
    float *pending;        /* a newer copy, to be accepted once the witness has confirmed it */
    bool pending_best;     /* it has the best state, too */
    uint64_t pending_step; /* as parked_step, */
    ls_rate_factors pending_factors; /* and parked_factors */
    double copied_at;                /* trainer->seconds when the last copy was taken */
    double copy_seconds;             /* that it took, with the witness */

    /* The slice being run; see ls_trainer_begin. */
    ls_rates *rates; /* count */
    float *losses;   /* count */
    uint64_t first, count;

    /* How far it has come. */
    ls_rate_plan schedule;
    uint64_t step;               /* steps whose losses have been looked at */
    double epoch_sum;            /* losses of the epoch under way, added up */
    double loss;                 /* of the last epoch */
    double validation, accuracy; /* of the last epoch, on the validation rows; NaN without them */
    double best_loss, best_validation;
    uint64_t bad_epochs;      /* in a row, without progress of the loss (tolerance) */
    uint64_t rollbacks;       /* to the start of an epoch, after values that were not finite */
    uint64_t bad_validations; /* in a row, without a better validation loss (patience) */
    uint64_t stride;          /* history keeps one point per `stride` epochs */
    double seconds;           /* of training */
    bool check_finite;        /* looks at the whole state after epochs, too */
    double checked_at;        /* trainer->seconds when it did last, */
    double check_seconds;     /* and how long that took */
    struct ls_checkpoints *checkpoints; /* or NULL; not owned */
    const char *stopped;                /* why it ended, or NULL */
    char *message;                      /* how it diverged, or NULL */
} ls_trainer;

/* Floats of its arena on the device, to and from the host. */
ls_status ls_trainer_read(ls_trainer *trainer, size_t at, size_t count, float *to, ls_error *err);
ls_status ls_trainer_write(ls_trainer *trainer, size_t at, size_t count, const float *from,
                           ls_error *err);
/* Copies its state from one place in its arena to another. */
ls_status ls_trainer_copy_state(ls_trainer *trainer, size_t from, size_t to, ls_error *err);

/* The rates of a step, which may lie before the last change of the factor. */
ls_rates ls_trainer_rates(const ls_trainer *trainer, uint64_t step);
/* Whether the rates of all steps since the copy are known. */
bool ls_trainer_can_replay(const ls_trainer *trainer);

/* Whether there is a best state, which is then the result of the training. */
bool ls_trainer_has_best(const ls_trainer *trainer);

/* The run of `count` steps from step `first` on, with rates and losses of the slice being run. */
ls_run ls_trainer_run_of(ls_trainer *trainer, uint64_t first, uint64_t count, bool keep);
/* Runs them. keep: leave the last step's activations where they can be read. */
ls_status ls_trainer_run_steps(ls_trainer *trainer, uint64_t first, uint64_t count, bool keep,
                               ls_error *err);

/* Copies the state to host memory. */
ls_status ls_trainer_copy_out(ls_trainer *trainer, ls_error *err);
/* Copies it as well, but training can go back there only once the copy is accepted. */
ls_status ls_trainer_copy_pending(ls_trainer *trainer, ls_error *err);
/* The pending copy becomes the copy, */
void ls_trainer_accept_copy(ls_trainer *trainer);
/* or is dropped. */
void ls_trainer_drop_pending(ls_trainer *trainer);
/* Writes the copy to the device and runs the steps since then again; their bits are those that were
 * lost. */
ls_status ls_trainer_copy_in(ls_trainer *trainer, ls_error *err);
/* Its present state, and behind it the best one if there is one, wherever they are: room for
 * 2 × state floats. */
ls_status ls_trainer_read_states(ls_trainer *trainer, float *to, ls_error *err);
/* The same of the copy in host memory. */
ls_status ls_trainer_read_copy(const ls_trainer *trainer, float *to, ls_error *err);
/* Frees the copy of a trainer that is on a device. */
void ls_trainer_forget(ls_trainer *trainer);
/* Frees its memory on the device. Its state there is lost, except for the copy if there is one. */
void ls_trainer_leave(ls_trainer *trainer);

#endif
