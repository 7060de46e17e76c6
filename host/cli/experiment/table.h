/* SPDX-License-Identifier: MIT */
/* The table of experiments: which networks are trained on which data, what was published about
 * them, which plots are drawn, and the text of the report. How they are run is the same for all. */
#ifndef LS_CLI_EXPERIMENT_TABLE_H
#define LS_CLI_EXPERIMENT_TABLE_H

#include "host/include/lockstep.h"
#include <stdbool.h>

/* A data set. It is generated with the seed of each run, so that the spread over the seeds covers
 * both data and training. */
typedef struct {
    const char *name;      /* in tables */
    const char *generator; /* NULL: the files three-class-train.csv and three-class-test.csv */
    size_t rows;
    double noise; /* negative: the generator's default */
    double test;  /* share of the rows to evaluate on; 0: evaluated on the training rows */
} exp_data;

/* A row of the table: a network and what was published about it. */
typedef struct {
    const char *experiment; /* "R" */
    const char *group;      /* rows of a group share a plot: "lr" */
    const char *name;
    const exp_data *data;  /* NULL: not run; `why` tells what is missing */
    const char *options;   /* "hidden=none lr=1" */
    const char *published; /* "accuracy=0.7 loss=0.018", "accuracy=0.85..0.9", or "" */
    const char *why;       /* why a published metric is not reached; "" if it is */
    uint64_t every;        /* record the loss every this many epochs; 0: do not */
} exp_row;

typedef enum { EXP_CURVES, EXP_BOUNDARIES, EXP_THIRTY } exp_kind;

/* A plot of the rows of a group. */
typedef struct {
    const char *experiment, *group, *name;
    exp_kind kind;
    const char *title, *label; /* label: of the loss axis */
} exp_plot;

/* An experiment's text in the report: before and after its results. */
typedef struct {
    const char *letter, *title, *about, *found;
} exp_text;

extern const exp_row exp_rows[];
extern const size_t exp_row_count;
extern const exp_plot exp_plots[];
extern const size_t exp_plot_count;
extern const exp_text exp_texts[];
extern const size_t exp_text_count;

#endif
