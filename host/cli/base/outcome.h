/* SPDX-License-Identifier: MIT */
/* A model's outputs on rows, and the curves, bins and lists that plots and reports show of them. */
#ifndef LS_CLI_OUTCOME_H
#define LS_CLI_OUTCOME_H

#include "host/base/error.h"

typedef struct {
    const ls_model *model;
    const ls_data *data;
    const char *label; /* what the rows are, such as "test rows" */
    ls_task task;
    size_t rows, outputs;
    size_t classes;     /* classes or labels; 0 for numbers */
    size_t targets;     /* numbers or labels; 1 for classes */
    size_t positive;    /* of two classes, the one that curves and bins are about */
    bool probabilities; /* outputs are the probabilities of classes: neither identity nor several
                           sigmoids */
    float *p;           /* rows × outputs; NULL for numbers */
    double *number;     /* rows × targets predicted numbers; NULL for classes and labels */
    ls_metrics *metrics;
} outcome;

/* Evaluates the model on rows. label, model and data must outlive the outcome. */
ls_status outcome_compute(const ls_model *model, ls_device *device, const ls_data *data,
                          const char *label, outcome *out, ls_error *err);
void outcome_free(outcome *o);

/* Returns true if no class or label has both rows that have it and rows that do not. */
bool outcome_one_class(const outcome *o);

/* The name of a class or label. */
const char *outcome_class_name(const outcome *o, size_t class);
/* Whether a row has a class or label. */
bool outcome_has(const outcome *o, size_t row, size_t class);
/* The score of a class or label for a row, and the predicted class. */
double outcome_score(const outcome *o, size_t row, size_t class);
size_t outcome_predicted(const outcome *o, size_t row);

/* ---- Curves of one class against all others, or of one label --------------------------------- */

/* One threshold: rows with at least this score are predicted to have the class. */
typedef struct {
    double threshold;
    double false_positive, true_positive; /* rates; the true positive rate is the recall */
    double precision;
} outcome_point;

typedef struct {
    size_t class;
    outcome_point *point;
    size_t points;
    double auc;               /* area under the ROC curve */
    double average_precision; /* sum of precision times increase of recall */
    double share;             /* of rows that have the class: the precision of random guessing */
} outcome_curve;

enum { OUTCOME_CURVES = 6 };

/* The curves to draw, freed with outcome_curves_free: that of the positive class for two classes;
 * otherwise one per class, and of more than OUTCOME_CURVES those with the smallest area under the
 * ROC curve. *count may be 0: a class that no row has, or all rows have, has no curve. auc,
 * average_precision: NULL, or arrays of the values of all classes (NaN without a curve). */
ls_status outcome_curves(const outcome *o, outcome_curve *list, size_t *count, double *auc,
                         double *average_precision, ls_error *err);
void outcome_curves_free(outcome_curve *list, size_t count);

/* ---- Bins ------------------------------------------------------------------------------------ */

enum { HISTOGRAM_BINS = 20 };

/* Rows whose score falls into one of HISTOGRAM_BINS bins of equal width, split like the calibration
 * bins of ls_metrics. For two classes the score is that of the positive class and `hits` counts its
 * rows; for more it is that of the predicted class, and `hits` counts correct predictions. */
typedef struct {
    size_t rows, hits;
} outcome_bin;
void outcome_bins(const outcome *o, outcome_bin bin[HISTOGRAM_BINS]);

/* ---- Mistakes -------------------------------------------------------------------------------- */

/* Lists the misclassified rows with the highest scores, at most `most`; returns their number. */
size_t outcome_worst(const outcome *o, size_t *list, size_t most);

/* A true class, a different predicted class, and the number of such rows. */
typedef struct {
    size_t truth, predicted;
    uint64_t rows;
} outcome_pair;
/* Lists the most frequent pairs, at most `most`; returns their number. */
size_t outcome_confused(const outcome *o, outcome_pair *list, size_t most);

#endif
