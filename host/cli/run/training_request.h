/* SPDX-License-Identifier: MIT */
/* What a training is asked to do, from the command line and from the file of --config. */
#ifndef LS_CLI_TRAINING_REQUEST_H
#define LS_CLI_TRAINING_REQUEST_H

#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include "host/cli/run/safety.h"
#include "host/include/lockstep.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    source_options source;
    ls_options *options;
    const char *data, *test, *save, *report;
    const char *run, *config, *log, *tensorboard;
    const char *from; /* the model that training starts from, or NULL for the seed */
    int refit;
    int shards;      /* no process holds all rows */
    ls_model *start; /* that model */
    double split;
    ls_threshold_options threshold;
    bool *given; /* per option of the library: whether the command line sets it */
    safety_options safety;
    bool resumes;   /* goes on from the checkpoints of safety.checkpoint */
    bool moved;     /* the folder where the training was begun is not there */
    uint64_t until; /* stop after this epoch; 0: train to the end */
    /* Where files of the run are now: data, source.labels, test and from. Their hashes must be
     * those that the file of --config has. */
    run_config elsewhere;
    const char *repeats; /* the run folder that verify repeats, for messages */
    run_config file;     /* the content of --config */
    run_config inputs;   /* what the data are read from, for the run folder */
    json_t *outputs;     /* the content of outputs.json, or NULL; owns strings above */
    char *owned[16];     /* paths, as do these */
    size_t owned_count;
} training_request;

/* A request with nothing set. Free it even if this fails. */
ls_status training_request_init(training_request *request, ls_error *err);
void training_request_free(training_request *request);

/* Reads --config, loads the model of --from, and merges their options with the command line, which
 * takes precedence over the file, and that over the model; fills in defaults and checks the result.
 * The hashes that the data must have go into request->inputs. */
ls_status training_request_settle(training_request *request, ls_error *err);

/* Checks that a file of a run that is resumed or repeated is there; the message says how to name
 * it.
 */
ls_status training_request_find(const training_request *request, const char *path,
                                const char *option, ls_error *err);

#endif
