/* SPDX-License-Identifier: MIT */
/* Turns rows of numbers, categories and missing values into network inputs. Everything it needs is
 * fitted on training rows alone, and is kept with the model. */
#ifndef LS_ENCODER_H
#define LS_ENCODER_H

#include "host/data/data.h"
#include "host/data/quantiles.h"
#include <math.h>

typedef struct {
    size_t columns, inputs;
    ls_missing missing;
    ls_column
        *column;  /* a category without a name occurs in no training row: its input is always 0 */
    double *fill; /* replaces a missing value: a number, or a category number (`categories` for
                     other values) */
    bool *other; /* whether training rows had other values, so that the network has learnt what they
                    mean */
} ls_encoder;

/* Creates an encoder with these columns, which it owns, even if this fails. */
ls_status ls_encoder_create(ls_column *column, size_t columns, ls_encoder **out, ls_error *err);
/* Fits an encoder on training rows. *out is NULL if the data are plain numbers. */
ls_status ls_encoder_fit(const ls_data *train, ls_encoder **out, ls_error *err);
ls_status ls_encoder_copy(const ls_encoder *from, ls_encoder **out, ls_error *err);
/* Fits an encoder with the columns and categories of another one on training rows whose columns it
 * takes (ls_encoder_check_columns): what fills missing values is theirs. Categories that only they
 * have are other values. */
ls_status ls_encoder_refit(const ls_encoder *from, const ls_data *train, ls_encoder **out,
                           ls_error *err);
void ls_encoder_free(ls_encoder *encoder);

/* Checks that the data has as many columns as the encoder (or as there are inputs, if that is
 * NULL), with categories and numbers in the same places. Errors: LS_ERR_DATA. */
ls_status ls_encoder_check_columns(const ls_encoder *encoder, size_t inputs, const ls_data *data,
                                   ls_error *err);

/* Mean and 1/standard deviation of each input over the training rows, each [data->features]. A
 * constant input gets scale 1, category inputs get mean 0 and scale 1. encoder may be NULL: plain
 * numbers. */
ls_status ls_encoder_standardize(const ls_encoder *encoder, const ls_data *train, double *mean,
                                 double *scale, ls_error *err);

/* The same with what large values move little: the median and 1/(difference of the quartiles) of
 * each input, or 2/(difference of its extremes) if the quartiles are equal. Quartiles are those of
 * numpy's default. */
ls_status ls_encoder_robust(const ls_encoder *encoder, const ls_data *train, double *mean,
                            double *scale, ls_error *err);

/* The quantiles of each number over the training rows, for normal scores. */
ls_status ls_encoder_quantiles(const ls_encoder *encoder, const ls_data *train, ls_quantiles **out,
                               ls_error *err);

/* How encoded numbers become inputs of the network: z = (x - mean)·scale, or x if mean is NULL.
 * clip > 0: z/√(1 + (z/clip)²), between -clip and clip (Holzmüller et al., arXiv 2407.04491).
 * quantiles: the normal score of x instead, if they are not NULL. */
typedef struct {
    const double *mean, *scale; /* [inputs], or NULL */
    double clip;
    const ls_quantiles *quantiles;
} ls_number_scaling;

/* to[rows × inputs] = the encoded rows, scaled. encoder may be NULL: plain numbers, whose missing
 * values become the mean, or the score 0. Errors: LS_ERR_DATA if the data has other columns than
 * the encoder, or a missing value that cannot be filled. */
ls_status ls_encode(const ls_encoder *encoder, const ls_number_scaling *scaling, size_t inputs,
                    const ls_data *data, float *to, ls_error *err);

/* A standardised number, clipped; clip 0: not at all. */
static inline double ls_clipped(double z, double clip)
{
    return clip > 0 ? z / sqrt(1 + z / clip * (z / clip)) : z;
}

#endif
