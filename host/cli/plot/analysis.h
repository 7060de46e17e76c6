/* SPDX-License-Identifier: MIT */
/* A model and the rows it is evaluated on, with the results that several plots and tables use. Each
 * result is computed when it is first needed. */
#ifndef LS_CLI_PLOT_ANALYSIS_H
#define LS_CLI_PLOT_ANALYSIS_H

#include "host/cli/base/outcome.h"
#include "host/cli/plot/plane.h"

typedef struct {
    const ls_model *model;
    ls_device *device;          /* computes the results; NULL: the CPU path */
    const ls_data *data, *test; /* each may be NULL */
    const char *data_label;     /* what `data` holds, such as "training rows" */
    /* Results; see the functions below. */
    outcome outcome[2]; /* of data and of test, `outcomes` of them */
    size_t outcomes;
    plot_plane plane;
    ls_layer_info *layer;
    size_t layers, layer_rows; /* layer_rows: of data, used for the layers */
} analysis;

/* Fill in outcome, plane, and layer. They need data; a second call does nothing. */
ls_status analysis_outcomes(analysis *a, ls_error *err);
ls_status analysis_plane(analysis *a, ls_error *err);
ls_status analysis_layers(analysis *a, ls_error *err);
/* Frees the results, not the model and rows. */
void analysis_free(analysis *a);

/* The outcome by which the model is judged: that of the test rows, if there are any. Needs
 * analysis_outcomes. */
const outcome *analysis_judged(const analysis *a);

#endif
