/* SPDX-License-Identifier: MIT */
/* Who is told of each epoch of a training: a line of progress, a log, a run's folder, an event
 * file. */
#ifndef LS_CLI_EPOCHS_H
#define LS_CLI_EPOCHS_H

#include "host/cli/run/live_file.h"
#include <jansson.h>
#include <stdbool.h>

typedef ls_status (*epoch_listener)(void *state, const ls_progress *p, ls_error *err);

enum { EPOCH_LISTENERS = 4 };

/* One that fails is told no more. Training goes on, as hours of it may lie behind; the first
 * failure is kept for the end. */
typedef struct {
    struct {
        epoch_listener tell;
        void *state;
    } list[EPOCH_LISTENERS];
    size_t count;
    uint64_t until; /* ask to stop after this epoch; 0: never */
    ls_status status;
    ls_error err;
} epoch_listeners;

void epochs_add(epoch_listeners *listeners, epoch_listener tell, void *state);
/* For ls_train; user is the listeners. Asks to stop where the user did. */
int epochs_tell(const ls_progress *p, void *user);

/* ---- Progress -------------------------------------------------------------------------------- */

typedef struct {
    bool terminal; /* one line, drawn again and again; otherwise some twenty lines */
    double shown;  /* when it was last drawn */
} progress_line;
ls_status progress_epoch(void *progress_line, const ls_progress *p, ls_error *err);

/* ---- Logs ------------------------------------------------------------------------------------ */

/* One object as a line; takes the object. */
ls_status live_file_json(live_file *s, json_t *line, ls_error *err);
/* {"epoch", "steps", "loss", "validation_loss", "lr"}: what an epoch came to, the same on every
 * device. */
json_t *epoch_json(const ls_progress *p);
/* The same with "seconds"; state: a live_file. */
ls_status log_epoch(void *live_file, const ls_progress *p, ls_error *err);

#endif
