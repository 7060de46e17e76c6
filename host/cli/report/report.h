/* SPDX-License-Identifier: MIT */
/* A page about one model: what was trained and on what, how it went, where it errs. */
#ifndef LS_CLI_REPORT_H
#define LS_CLI_REPORT_H

#include "host/cli/base/cli.h"

typedef struct {
    const ls_model *model;
    ls_device *device;          /* computes the figures; NULL: the CPU path */
    bool trained_on_it;         /* the page names the device as the one that trained */
    const ls_data *data, *test; /* rows to draw and to measure; each may be NULL */
    const char *data_label;     /* what the first are: "training rows" */
    const char *source;         /* their name, or NULL */
    const char *command;        /* what trains this model again */
} report_input;

/* Writes the page. The same input gives the same bytes. Without gnuplot it has no pictures, and
 * says so. */
ls_status report_write(const report_input *input, const char *path, ls_error *err);

#endif
