/* SPDX-License-Identifier: MIT */
/* The table of a piecewise-linear encoding (kernels/piecewise.h), which is fitted to the training
 * rows, and is a part of the state that is never trained. */
#ifndef LS_PIECES_H
#define LS_PIECES_H

#include "host/network/layer.h"

enum { LS_LEAST_PIECES = 2, LS_MOST_PIECES = 128 };

/* The layer of pieces of a network, or NULL. It is the first. */
const ls_layer *ls_pieces_layer(const ls_network *network);

/* Makes an empty layer that of a network whose `pieces` are set. */
void ls_pieces_layer_of(const ls_network *network, ls_layer *layer);

/* pieces[inputs] = those of each input, at most `most` and at most limit[i] if there are limits.
 * Returns their sum. */
size_t ls_pieces_count(size_t inputs, size_t most, const unsigned char *limit,
                       unsigned char *pieces);

/* table[LS_PIECE_ROWS × out]: knots that divide -2 … 2 evenly, for networks without data. */
void ls_pieces_even(const ls_network *network, float *table);

/* The same for training rows x[rows × inputs]. Up to one more distinct values than an input has
 * pieces are its knots; of more, the quantiles t/pieces, in double between neighbours in order,
 * rounded once. Knots that are equal are one, and an input has fewer pieces then: the rest of its
 * columns gives 0. An input with one value passes unchanged. Errors: LS_ERR_MEMORY. */
ls_status ls_pieces_fit(const ls_network *network, const float *x, size_t rows, float *table,
                        ls_error *err);

/* Whether a table can be one of the network. */
bool ls_pieces_valid(const ls_network *network, const float *table);

#endif
