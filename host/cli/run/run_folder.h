/* SPDX-License-Identifier: MIT */
/* A run's folder: what train --run leaves, and what verify compares. docs/runs.md describes it.
 *
 *   run.json           data, options and, once the run has ended, what came of it
 *   metrics.jsonl      a line an epoch, written as training goes
 *   model.safetensors
 *   report.html
 *   timing.jsonl       devices and times: the only file that differs from machine to machine */
#ifndef LS_CLI_RUN_FOLDER_H
#define LS_CLI_RUN_FOLDER_H

#include "host/cli/base/device_report.h"
#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include "host/cli/run/epochs.h"
#include <jansson.h>
#include <stdbool.h>

enum { RUN_JSON, RUN_METRICS, RUN_MODEL, RUN_REPORT, RUN_TIMING, RUN_FILES };
extern const char *const run_file_names[RUN_FILES];
/* folder/name; NULL where memory is out. Freed with free(). */
char *run_file_path(const char *folder, int file);

typedef struct {
    const char *path;      /* of the folder */
    char *file[RUN_FILES]; /* their paths */
    bool made, begun;      /* the folder was not there before; what is in it is ours */
    json_t *head;          /* run.json but for the result */
    live_file metrics, timing;
    ls_progress last; /* the epoch told last, if it was not written */
    bool waiting;
    bool broken;     /* an epoch could not be written */
    uint64_t epochs; /* told so far */
} run_folder;

/* Whether a run can go there, asked before long work: the folder is empty, or can be made. */
ls_status run_folder_check(const char *path, ls_error *err);

/* Makes the folder, and says in it what is about to be trained; device: the one asked for. */
ls_status run_folder_begin(run_folder *run, const char *path, const run_config *config,
                           const ls_options *options, const source_options *device, ls_error *err);

/* Of very long runs not every epoch has a line: all up to 10 000, then each tenth up to 100 000,
 * each hundredth up to a million and so on, and the last one. That depends on the epoch alone, so
 * that it is the same everywhere. state: a run_folder. */
ls_status run_folder_epoch(void *state, const ls_progress *p, ls_error *err);

/* What came of a training. */
typedef struct {
    const ls_model *model;
    const ls_metrics *train, *test; /* test: NULL where nothing was held out */
    const device_report *device;
} run_outcome;

/* The end of a training: the last lines, and the result in run.json. Model and page are there by
 * then: a result means that all is there, and where an epoch could not be written there is none. */
ls_status run_folder_end(run_folder *run, const run_outcome *outcome, ls_error *err);
/* The end of one that failed. Divergence is a result too; otherwise a folder in which no epoch has
 * ended is taken away again. */
void run_folder_fail(run_folder *run, const ls_error *why);
void run_folder_free(run_folder *run);

#endif
