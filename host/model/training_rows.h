/* SPDX-License-Identifier: MIT */
/* Rules about training rows that training, models, thresholds and searches share. */
#ifndef LS_TRAINING_ROWS_H
#define LS_TRAINING_ROWS_H

#include "host/data/data.h"
#include "host/network/network.h"

/* Checks that the data has classes, numbers or labels. Errors: LS_ERR_ARGUMENT. */
ls_status ls_training_check_labels(const ls_data *data, ls_error *err);

/* Checks that the settings can be applied to the data: early stopping has validation rows, and
 * there is one class weight per class. Errors: LS_ERR_ARGUMENT. */
ls_status ls_training_check_settings(const ls_settings *settings, const ls_data *data,
                                     ls_error *err);

/* Whether training weighs rows, by their class or by weights of their own. */
bool ls_rows_are_weighted(const ls_settings *settings, const ls_data *data);

/* Checks that batch normalisation never gets a batch of one row, whose variance is 0: all its units
 * would be constant. rows: the training rows without the validation rows. Errors: LS_ERR_ARGUMENT,
 * with a batch size that works. */
ls_status ls_training_check_batch(const ls_settings *settings, size_t rows, ls_error *err);

/* Share of the validation rows; 0 for none. One that the options leave open takes at least one row
 * of the largest class. */
double ls_training_share(const ls_settings *settings, const ls_data *data);

/* Number of training rows without the validation rows. Errors: as ls_training_split. */
ls_status ls_training_rows(const ls_settings *settings, const ls_data *data, size_t *rows,
                           ls_error *err);

/* Splits off the validation rows, which the options determine. Both parts are freed with
 * ls_data_free. Without validation rows, both are NULL: train on all of `data`. */
ls_status ls_training_split(const ls_settings *settings, const ls_data *data, ls_data **train,
                            ls_data **validation, ls_error *err);

#endif
