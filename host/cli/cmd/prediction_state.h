/* SPDX-License-Identifier: MIT */
/* What lines of predictions are made from, as CSV or JSON. */
#ifndef LS_CLI_PREDICTION_STATE_H
#define LS_CLI_PREDICTION_STATE_H

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/include/lockstep.h"
#include <stdbool.h>

/* How a row is written. */
typedef struct {
    size_t top;   /* classes: only so many, the most probable first; 0: all, in their order */
    bool json;    /* an object of JSON instead of a line of CSV */
    bool number;  /* the number of the row among all that were read: its rows are a part of them */
    bool visible; /* CSV for a terminal, so that control characters in names are not written as they
                     are (host/base/visible.h) */
} prediction_style;

/* What does not depend on the row, and lines that are not yet written. */
typedef struct {
    const ls_model *model;
    size_t outputs;
    ls_task task;
    prediction_style style;
    char **
        kept; /* names of the columns that are passed through; NULL ends them, or is all there is */
    bool raw; /* classes: outputs are no probabilities */
    char **class;  /* names of the classes as CSV fields, or as strings of JSON */
    size_t room;   /* most bytes of a line */
    ls_sink *file; /* where lines go */
    char *text;    /* lines that are not yet written: `length` bytes of `capacity` */
    size_t length, capacity;
    ls_text line; /* of a row, or of its kept columns */
    size_t *rank; /* [classes], as is */
    float *probability;
    size_t rows, marked, first_marked; /* rows so far; those without a prediction, and the first */
} prediction_lines;

/* The probabilities of all classes (of a single output too) in the order of rank: class rank[0] has
 * the highest. rank, probability: room for each class. */
void prediction_rank(const prediction_lines *lines, const float *outputs, size_t *rank,
                     float *probability);
#endif
