/* SPDX-License-Identifier: MIT */
/* What a report is about. */
#ifndef LS_CLI_REPORT_INPUT_H
#define LS_CLI_REPORT_INPUT_H

#include "host/include/lockstep.h"
#include <stdbool.h>

typedef struct {
    const ls_model *model;
    const char *hash;   /* SHA-256 of its file; NULL: of the file that it would be saved as */
    ls_device *device;  /* computes the metrics; NULL: the CPU path */
    bool trained_on_it; /* the report names the device as the one used for training */
    const ls_data *data, *test; /* rows to evaluate and draw; each may be NULL */
    const char *data_label;     /* what `data` holds, such as "training rows" */
    const char *source;         /* name of the data file or generator, or NULL */
    const char *command;        /* a command line that trains this model again */
    const char *command_note;   /* what is not known of it, or NULL */
} report_input;

#endif
