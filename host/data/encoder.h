/* SPDX-License-Identifier: MIT */
/* How rows of numbers, categories and gaps become inputs of a network. All of it is learnt from
 * training rows alone, and is kept with the model. */
#ifndef LS_ENCODER_H
#define LS_ENCODER_H

#include "host/data/data.h"

typedef struct {
    size_t columns, inputs;
    size_t file_columns, file_target; /* of the training file */
    ls_missing missing;
    ls_column
        *column;  /* a category without a name: no training row had it, its input is always 0 */
    double *fill; /* what stands for a missing value: a number, or the number of a category
                     (`categories`: the other ones) */
    bool *other;  /* whether training rows had other values, so that there is something learnt about
                     them */
} ls_encoder;

/* An encoder with room for so many columns, which are taken over even where this fails. */
ls_status ls_encoder_create(ls_column *column, size_t columns, ls_encoder **out, ls_error *err);
/* *out is NULL for data that is plain numbers. */
ls_status ls_encoder_fit(const ls_data *train, ls_encoder **out, ls_error *err);
ls_status ls_encoder_copy(const ls_encoder *from, ls_encoder **out, ls_error *err);
void ls_encoder_free(ls_encoder *encoder);

/* Mean and 1/deviation of each input over the training rows; a constant input keeps its scale, and
 * what stands for a category is left at 0 and 1. Both have room for data->features. */
void ls_encoder_standardize(const ls_encoder *encoder, const ls_data *train, double *mean,
                            double *scale);

/* to[rows × inputs] = (x - mean)·scale of the data's rows, or x where mean is NULL: what the
 * network sees. encoder may be NULL: plain numbers, whose gaps become the mean. Fails where the
 * data has other columns than the encoder, or a gap that nothing can fill. */
ls_status ls_encode(const ls_encoder *encoder, const double *mean, const double *scale,
                    size_t inputs, const ls_data *data, float *to, ls_error *err);

#endif
