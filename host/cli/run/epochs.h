/* SPDX-License-Identifier: MIT */
/* Functions that are called after each epoch: progress, log, run folder, event file. */
#ifndef LS_CLI_EPOCHS_H
#define LS_CLI_EPOCHS_H

#include "host/cli/run/live_file.h"
#include <jansson.h>
#include <stdbool.h>

typedef ls_status (*epoch_listener)(void *state, const ls_progress *p, ls_error *err);

enum { EPOCH_LISTENERS = 8 };

/* A listener that fails is not called again. Training continues, since it may have taken hours, and
 * the failures are told at the end. */
typedef struct {
    struct {
        epoch_listener call; /* NULL once it has failed: */
        void *state;
        ls_status status;
        ls_error err;
    } list[EPOCH_LISTENERS];
    size_t count;
    uint64_t until; /* stop after this epoch; 0: train to the end */
} epoch_listeners;

void epochs_add(epoch_listeners *listeners, epoch_listener call, void *state);
/* The callback for ls_train; user: the epoch_listeners. Stops the training after Ctrl-C. */
int epochs_notify(const ls_progress *p, void *user);
/* Tells what happens in between, as a note on stderr. */
void epochs_notice(const char *line, void *user);

/* ---- Progress -------------------------------------------------------------------------------- */

typedef struct {
    bool live;    /* one line, redrawn; otherwise about twenty lines per training */
    bool every;   /* a line of each epoch */
    double shown; /* when it was last drawn */
} progress_state;
ls_status progress_epoch(void *progress_state, const ls_progress *p, ls_error *err);

/* ---- Logs ------------------------------------------------------------------------------------ */

/* Writes an object as one line. Takes over the object. */
ls_status live_file_json(live_file *s, json_t *line, ls_error *err);
/* {"epoch", "steps", "loss", "validation_loss", "validation_accuracy", "lr"}; the same on every
 * device. */
json_t *epoch_json(const ls_progress *p);
/* Writes the same with "seconds". */
ls_status log_epoch(void *live_file, const ls_progress *p, ls_error *err);

#endif
