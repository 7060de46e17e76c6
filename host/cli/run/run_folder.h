/* SPDX-License-Identifier: MIT */
/* The run folder that train --run writes and verify compares. docs/runs.md describes it.
 *
 *   run.json           data, options and, once the run has ended, the result
 *   metrics.jsonl      one line per epoch, written during training
 *   model.safetensors
 *   report.html
 *   timing.jsonl       devices and times: the only file that differs between machines */
#ifndef LS_CLI_RUN_FOLDER_H
#define LS_CLI_RUN_FOLDER_H

#include "host/cli/base/device_report.h"
#include "host/cli/base/losses.h"
#include "host/cli/base/run_files.h"
#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include "host/cli/run/epochs.h"
#include <jansson.h>
#include <stdbool.h>

typedef struct {
    const char *path;      /* of the folder, not owned */
    char *file[RUN_FILES]; /* paths of the files */
    bool resumed;          /* the files of an earlier part of the training were there */
    size_t made;           /* how many folders this run created: its own and those above it */
    bool begun;            /* whether it created the files */
    json_t *head;          /* run.json without the result */
    live_file metrics, timing;
    ls_progress last; /* the last epoch, if its lines are not written yet (waiting) */
    bool waiting;
    uint64_t epochs;         /* completed epochs */
    bool missing[RUN_FILES]; /* files that could not be written, or not completely */
} run_folder;

/* Checks before a long training that the folder is empty or can be created. */
ls_status run_folder_check(const char *path, ls_error *err);

/* Creates the folder and writes what is about to be trained. device: the requested device. */
ls_status run_folder_begin(run_folder *run, const char *path, const run_config *config,
                           const ls_options *options, const source_options *device, ls_error *err);

/* Goes on with the folder of a training that is resumed: lines of epochs that come again are
 * removed. A folder that is gone is created anew. */
ls_status run_folder_go_on(run_folder *run, const char *path, const run_config *config,
                           const ls_options *options, const source_options *device, ls_error *err);

/* Writes the line of an epoch. Of long runs, not every epoch gets a line: all up to 10 000, then
 * every tenth up to 100 000, every hundredth up to a million and so on, and the last one. This
 * depends on the number of the epoch alone, so that it is the same on every device. state: a
 * run_folder. The two files have a function each, since one that fails costs not the other. */
ls_status run_folder_epoch(void *state, const ls_progress *p, ls_error *err);
ls_status run_folder_timing_epoch(void *state, const ls_progress *p, ls_error *err);

/* The result of a training. */
typedef struct {
    const ls_model *model;
    const char *hash; /* SHA-256 of its file */
    /* NULL without such rows, or if they could not be computed */
    const ls_metrics *train, *validation, *test;
    const ls_data *rows, *test_rows;
    const device_report *device;
    size_t trained; /* number of training rows without the validation rows */
} run_outcome;

/* Ends a training: writes the last lines, and then the result into run.json, after model and report
 * have been tried. The result names the files that are missing or incomplete. Tells and counts what
 * cannot be written. */
void run_folder_end(run_folder *run, const run_outcome *outcome, losses *lost);
/* Ends a training that failed. Divergence is written as a result. After any other failure the files
 * are removed if no epoch was completed. */
void run_folder_fail(run_folder *run, const ls_error *why, losses *lost);
void run_folder_free(run_folder *run);

#endif
