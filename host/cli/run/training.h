/* SPDX-License-Identifier: MIT */
/* One training as `lockstep train` runs it: data, device, epochs, and the files it writes. */
#ifndef LS_CLI_TRAINING_H
#define LS_CLI_TRAINING_H

#include "host/cli/base/device_report.h"
#include "host/cli/run/epochs.h"
#include "host/cli/run/event_file.h"
#include "host/cli/run/live_file.h"
#include "host/cli/run/run_folder.h"
#include "host/cli/run/training_request.h"
#include "host/include/lockstep.h"

typedef struct {
    ls_data *train, *test; /* test: NULL if no rows are held out */
    ls_device *device;
    device_report report; /* the device that trained */
    ls_model *model;
    ls_metrics *on_train, *on_test;
    epoch_listeners listeners;
    progress_line progress;
    live_file log;
    event_file events;
    run_folder run;
} training;

/* Trains, evaluates the model, and writes everything that the request names. *t is zero before and
 * must be freed afterwards, also on failure. After Ctrl-C the result is the model so far. A log
 * that could not be written is no failure here; t->listeners has its status. */
ls_status training_run(training_request *request, training *t, ls_error *err);

/* The path of the saved model, or NULL if it was not saved. */
const char *training_model_path(const training_request *request, const training *t);

void training_free(training *t);

/* Repeats the training of a run.json into a new run folder.
 * device: which device to use, and whether to show progress.
 * until: stop after this epoch, as if interrupted there; 0: train to the end.
 * After Ctrl-C the folder holds an interrupted run. */
ls_status training_repeat(const char *config, const char *run, const source_options *device,
                          uint64_t until, ls_error *err);

#endif
