/* SPDX-License-Identifier: MIT */
/* What a model makes of rows: its outputs, and the curves, bins and lists that pages and pictures
 * show of them. */
#ifndef LS_CLI_OUTCOME_H
#define LS_CLI_OUTCOME_H

#include "host/cli/base/cli.h"

typedef struct {
    const ls_model *model;
    const ls_data *data;
    const char *label; /* what the rows are: "test rows" */
    size_t rows, classes, outputs;
    size_t positive;    /* of two classes, the one that curves and bins are of */
    bool probabilities; /* the outputs are: not those of identity, nor several sigmoids */
    float *p;           /* rows × outputs */
    ls_metrics *metrics;
} outcome;

ls_status outcome_take(const ls_model *model, ls_device *device, const ls_data *data,
                       const char *label, outcome *out, ls_error *err);
void outcome_free(outcome *o);

/* The score of a class for a row, and the class decided for. */
double outcome_score(const outcome *o, size_t row, size_t class);
size_t outcome_decided(const outcome *o, size_t row);

/* ---- Curves of one class against all others -------------------------------------------------- */

/* One threshold: a row is taken for the class where its score is at least that. */
typedef struct {
    double threshold, false_positive, true_positive,
        precision; /* rates; the true positive rate is the recall */
} outcome_point;

typedef struct {
    size_t class;
    outcome_point *point;
    size_t points;
    double auc;               /* area under the ROC curve */
    double average_precision; /* sum of precision times growth of recall */
    double share;             /* of the rows that have the class: the precision of chance */
} outcome_curve;

enum { OUTCOME_CURVES = 6 };

/* The curves to draw, freed with outcome_curves_free: that of the positive class for two; otherwise
 * one a class, those with the least area where there are more than OUTCOME_CURVES. *count may be 0:
 * classes that no row has, or all have, have no curve. areas: NULL, or room for the classes' areas
 * and average precisions (NaN where there are none), classes each. */
ls_status outcome_curves(const outcome *o, outcome_curve *list, size_t *count, double *auc,
                         double *average_precision, ls_error *err);
void outcome_curves_free(outcome_curve *list, size_t count);

/* ---- Bins ------------------------------------------------------------------------------------ */

enum { HISTOGRAM_BINS = 20 };

/* Rows whose score falls into a bin of equal width, as those of ls_metrics's calibration. For two
 * classes the score is that of the positive one and `hits` counts its rows; for more it is that of
 * the class decided for, and `hits` counts where it is right. */
typedef struct {
    size_t rows, hits;
} outcome_bin;
void outcome_bins(const outcome *o, outcome_bin bin[HISTOGRAM_BINS]);
/* ---- Mistakes -------------------------------------------------------------------------------- */

/* The rows that are wrong with the greatest score, at most `most` of them; returns how many are in
 * list. */
size_t outcome_worst(const outcome *o, size_t *list, size_t most);

/* A true and a predicted class, and how many rows were so confused. */
typedef struct {
    size_t truth, decided;
    uint64_t rows;
} outcome_pair;
/* The most frequent ones, at most `most`; returns how many are in list. */
size_t outcome_confused(const outcome *o, outcome_pair *list, size_t most);

#endif
