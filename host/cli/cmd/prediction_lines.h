/* SPDX-License-Identifier: MIT */
/* Predictions as lines of CSV. Classes: the class, then the probability of each class (p_NAME) or,
 * for identity outputs, the outputs. Numbers: one column per target. Labels: 0 or 1 for each label,
 * then the probability of each (p_NAME). */
#ifndef LS_CLI_PREDICTION_LINES_H
#define LS_CLI_PREDICTION_LINES_H

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/include/lockstep.h"

/* How a row is written. */
typedef struct {
    size_t top;   /* classes: only so many, the most probable first; 0: all, in their order */
    bool json;    /* an object of JSON instead of a line of CSV */
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

/* Zero-initialised before. The model must outlive the lines, and keep its decision. reader: whose
 * kept columns stand in front of the predictions, or NULL. Closed with prediction_lines_close, also
 * if this fails. Errors: LS_ERR_ARGUMENT for `top` without that many probabilities. */
ls_status prediction_lines_open(prediction_lines *lines, const ls_model *model,
                                prediction_style style, const ls_reader *reader, ls_error *err);
void prediction_lines_close(prediction_lines *lines);

/* Writes the header to `file`, from now on the place of all lines. */
ls_status prediction_lines_begin(prediction_lines *lines, ls_sink *file, ls_error *err);
/* Writes one line for each row of a block, which has these outputs. A row whose outputs are not
 * finite gets no class, and NaN for each number. */
ls_status prediction_lines_add(prediction_lines *lines, const ls_data *block, const float *outputs,
                               ls_error *err);
/* The probabilities of all classes (of a single output too) in the order of rank: class rank[0] has
 * the highest. rank, probability: room for each class. */
void prediction_lines_rank(const prediction_lines *lines, const float *outputs, size_t *rank,
                           float *probability);
/* Fails if there were such rows. Errors: LS_ERR_DATA. */
ls_status prediction_lines_check(const prediction_lines *lines, ls_error *err);

#endif
