/* SPDX-License-Identifier: MIT */
/* A training that runs: what it reads, what it has trained, and where it writes. */
#ifndef LS_CLI_TRAINING_STATE_H
#define LS_CLI_TRAINING_STATE_H

#include "host/cli/base/device_report.h"
#include "host/cli/base/losses.h"
#include "host/cli/run/epochs.h"
#include "host/cli/run/event_file.h"
#include "host/cli/run/live_file.h"
#include "host/cli/run/run_folder.h"

typedef struct {
    ls_data *train, *test; /* test: NULL if no rows are held out */
    ls_device *device;
    device_report report; /* the device that trained */
    ls_model *model;
    const char *model_path; /* where the model is, or NULL if it was not saved */
    char *rescued;          /* where it is if its own place could not be written */
    char hash[65];          /* of the bytes of its file */
    char rows_hash[65];     /* ls_split_hash, if that would take too long at the end; or "" */
    /* NULL if they could not be computed, and without such rows */
    ls_metrics *on_train, *on_validation, *on_test;
    ls_metrics *of_linear; /* of a linear model, on the last of these rows; or NULL */
    epoch_listeners listeners;
    progress_state progress;
    live_file log;
    event_file events;
    run_folder run;
    losses lost; /* outputs that could not be written */
} training;

#endif
