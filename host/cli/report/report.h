/* SPDX-License-Identifier: MIT */
/* An HTML report about one model: settings, training history, metrics, errors. */
#ifndef LS_CLI_REPORT_H
#define LS_CLI_REPORT_H

#include "host/base/error.h"

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

/* Writes the report. The same input gives the same bytes. Without gnuplot the report has no plots
 * and says so. */
ls_status report_write(const report_input *input, const char *path, ls_error *err);

#endif
