/* SPDX-License-Identifier: MIT */
/* Residuals of predicted numbers (true minus predicted): groups, bins and lists that plots and
 * reports show of them. An outcome here is one of regression. */
#ifndef LS_CLI_RESIDUALS_H
#define LS_CLI_RESIDUALS_H

#include "host/cli/base/outcome.h"

double residual_truth(const outcome *o, size_t row, size_t target);
double residual_of(const outcome *o, size_t row, size_t target);
/* Significant digits with which the true and predicted numbers of a target are shown, so that they
 * differ visibly: `least`, or more (up to 17) if they are large compared with their range. */
int residual_digits(const outcome *o, size_t target, int least);

/* ---- Groups ---------------------------------------------------------------------------------- */

/* Rows with neighbouring values of a quantity. */
typedef struct {
    double from, to; /* smallest and largest value */
    double by, mean; /* means of the value and of the residual */
    size_t rows;
} residual_group;

enum { RESIDUAL_GROUPS = 12 };

/* Groups of rows by a quantity, by[rows], NaN for rows without one: a group per value if there are
 * at most RESIDUAL_GROUPS values; otherwise ten of about equal size, where equal values stay
 * together. *count: their number; *share (may be NULL): the share of the variance of the residuals
 * that the groups explain, less what they would explain by chance (epsilon squared, Kelley 1935);
 * at most 1, and 0 or less without structure. rows: of by, thinned evenly from those of the
 * outcome if there are fewer. */
ls_status residual_groups(const outcome *o, size_t target, const double *by, size_t rows,
                          residual_group group[RESIDUAL_GROUPS], size_t *count, double *share,
                          ls_error *err);

/* A target, a column of inputs, and the share of the target's residual variance that the column's
 * groups explain. */
typedef struct {
    size_t target, column;
    double share;
} residual_input;

enum { RESIDUAL_INPUTS = 6 };

/* Lists the columns that explain most of the residuals, from the largest share; returns their
 * number in *count, at most RESIDUAL_INPUTS. Computed on up to 4000 rows. */
ls_status residual_inputs(const outcome *o, residual_input list[RESIDUAL_INPUTS], size_t *count,
                          ls_error *err);

/* The value of a column of the data: a number, or the index of a category; NaN if missing. */
double residual_value(const ls_data *data, size_t row, size_t column);
/* Index of row i of `rows` rows that are thinned evenly from all rows of the outcome. */
size_t residual_row(const outcome *o, size_t i, size_t rows);

/* ---- Bins ------------------------------------------------------------------------------------ */

enum { RESIDUAL_BINS = 25 };

/* Bins of equal width over the residuals. Residuals farther than four times the distance of the
 * quartiles from these are counted in the outermost bins, and `clipped` counts them. */
typedef struct {
    double low, width;
    size_t rows[RESIDUAL_BINS];
    size_t clipped;
} residual_bins;
ls_status residual_histogram(const outcome *o, size_t target, residual_bins *out, ls_error *err);

/* quantile[7]: minimum, 5 %, 25 %, 50 %, 75 %, 95 %, maximum of a target's residuals. */
enum { RESIDUAL_QUANTILES = 7 };
ls_status residual_quantiles(const outcome *o, size_t target, double quantile[RESIDUAL_QUANTILES],
                             ls_error *err);

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Lists the rows with the largest residuals, at most `most`; returns their number. With several
 * targets a residual is divided by the target's RMSE, and a row counts with its largest one. */
size_t residual_worst(const outcome *o, size_t *list, size_t most);

/* Marks about `most` rows evenly spaced, and the ten with the largest residuals. */
void residual_sample(const outcome *o, size_t most, bool *marks);

#endif
