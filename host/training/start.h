/* SPDX-License-Identifier: MIT */
/* What a training starts from: values drawn from the seed, or those of a model (fine-tuning). */
#ifndef LS_START_H
#define LS_START_H

#include "host/model/model.h"

typedef struct {
    const ls_model *from; /* or NULL: the seed; not owned */
    bool refit;           /* preprocessing is fitted to the rows, instead of the model's */
} ls_start;

/* The same model and the same preprocessing. */
bool ls_start_equal(const ls_start *a, const ls_start *b);

/* Checks that the data have the columns, classes or targets of the model, and that the settings do
 * not ask for other preprocessing than the model's where that is kept. Errors: LS_ERR_ARGUMENT,
 * LS_ERR_DATA. */
ls_status ls_start_check(const ls_start *start, const ls_settings *settings, const ls_data *data,
                         ls_error *err);

/* values[parameters + running] of the network = those of the model. Errors: LS_ERR_ARGUMENT with
 * the first tensor that does not fit. */
ls_status ls_start_values(const ls_start *start, const ls_network *network, float *values,
                          ls_error *err);

/* SHA-256 of all that a training takes from the model: its weights and its preprocessing; empty for
 * the seed. Errors: LS_ERR_MEMORY. */
ls_status ls_start_hash(const ls_start *start, char hex[65], ls_error *err);

#endif
