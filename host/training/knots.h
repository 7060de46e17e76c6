/* SPDX-License-Identifier: MIT */
/* The pieces of an embedding of numbers (host/network/pieces.h), from the rows of a training. */
#ifndef LS_KNOTS_H
#define LS_KNOTS_H

#include "host/training/rows.h"

/* *out[data->features]: the most pieces that each input can have, from the distinct values of its
 * column: 1 for categories, and for numbers with at most two of them. Freed with free(). Errors:
 * LS_ERR_MEMORY. */
ls_status ls_knots_limits(const ls_data *data, unsigned char **out, ls_error *err);

/* Fits the table of the network's pieces to the block's training rows. Members that share a block
 * fit it once. Errors: LS_ERR_MEMORY. */
ls_status ls_knots_fit(ls_block *block, const ls_network *network, float *table, ls_error *err);

#endif
