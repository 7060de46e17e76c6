/* SPDX-License-Identifier: MIT */
/* What the first layer of a network of images makes of rows. */
#ifndef LS_INSPECT_H
#define LS_INSPECT_H

#include "host/model/model.h"

/* The convolution that the network begins with, or NULL if it begins with something else. */
const ls_layer *ls_model_first_convolution(const ls_model *model);

/* The outputs of the first layer for each row, as in predictions: after normalisation and
 * activation, before dropout. *out: rows × positions × channels, freed with free(). Computed by the
 * CPU path. Errors: LS_ERR_DATA if the data do not fit the model; LS_ERR_MEMORY. */
ls_status ls_model_maps(const ls_model *model, const ls_data *rows, float **out, ls_error *err);

#endif
