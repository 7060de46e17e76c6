/* SPDX-License-Identifier: MIT */
/* The table of the plots of a model. `lockstep plot`, its help and the report are made from it. */
#ifndef LS_CLI_PLOT_MODEL_PLOTS_H
#define LS_CLI_PLOT_MODEL_PLOTS_H

#include "host/base/text.h"
#include "host/cli/plot/analysis.h"

/* The section of the report in which a plot stands. */
typedef enum {
    PLOT_IN_TRAINING,
    PLOT_IN_METRICS,
    PLOT_IN_BOUNDARY,
    PLOT_IN_CURVE,     /* of a model of one input */
    PLOT_IN_NUMBERS,   /* predicted numbers and their residuals */
    PLOT_IN_RESIDUALS, /* residuals by input */
    PLOT_IN_ERRORS,
    PLOT_IN_CURVES,
    PLOT_IN_PROBABILITIES,
    PLOT_IN_LAYERS
} plot_section;

/* What a plot needs, as a set of bits. */
typedef enum {
    PLOT_NEEDS_DATA = 1,
    PLOT_NEEDS_PROBABILITIES = 2, /* outputs that are probabilities */
    PLOT_NEEDS_VALIDATION = 4,    /* a validation accuracy per epoch */
    PLOT_NEEDS_CLASSES = 8,
    PLOT_NEEDS_SCORES = 16, /* of classes or labels */
    PLOT_NEEDS_NUMBERS = 32,
    PLOT_NEEDS_ONE_INPUT = 64 /* a number */
} plot_needs;

typedef struct {
    const char *name;
    plot_section section;
    unsigned needs;
    size_t most_classes; /* the report leaves the plot out for more classes; 0: no limit */
    /* Writes the whole script. Errors: LS_ERR_ARGUMENT, LS_ERR_DATA if the model or the rows do not
     * allow this plot. */
    ls_status (*draw)(ls_text *script, analysis *a, ls_error *err);
    const char *help;        /* one line for `lockstep plot --help` */
    const char *caption;     /* in the report */
    const char *description; /* for screen readers */
    const char *reading;     /* what is seen, and what good looks like */
} model_plot;

extern const model_plot model_plots[];
extern const size_t model_plot_count;

/* Finds a plot; NULL if there is none of this name. */
const model_plot *model_plot_find(const char *name);

/* Checks that a plot can be drawn. Errors: LS_ERR_ARGUMENT with the reason if it cannot; those of
 * analysis_outcomes. */
ls_status model_plot_check(const model_plot *plot, analysis *a, ls_error *err);

#endif
