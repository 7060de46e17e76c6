/* SPDX-License-Identifier: MIT */
#include "host/training/knots.h"
#include "host/base/memory.h"
#include "host/network/pieces.h"
#include "kernels/piecewise.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pieces between the distinct values of a column, at least 1. Missing ones may become another. */
static unsigned char pieces_of(const ls_data *data, size_t column)
{
    float seen[LS_MOST_PIECES + 1]; /* ascending */
    size_t count = 0, missing = 0;
    for (size_t r = 0; r < data->rows && count + missing <= LS_MOST_PIECES; r++) {
        float x = data->x[r * data->columns + column];
        size_t at = 0, end = count;
        missing |= isnan(x) != 0;
        if (isnan(x)) continue;
        while (at < end) {
            size_t middle = (at + end) / 2;
            if (seen[middle] < x) at = middle + 1;
            else end = middle;
        }
        if (at < count && seen[at] == x) continue;
        memmove(seen + at + 1, seen + at, (count - at) * sizeof *seen);
        seen[at] = x;
        count++;
    }
    count += missing;
    return (unsigned char)(count > LS_MOST_PIECES ? LS_MOST_PIECES : count > 2 ? count - 1 : 1);
}

ls_status ls_knots_limits(const ls_data *data, unsigned char **out, ls_error *err)
{
    LS_TRY(ls_alloc(out, data->features, 1, "the pieces of the inputs", err));
    for (size_t c = 0, i = 0; c < data->columns && i < data->features; c++) {
        bool categorical = data->column && data->column[c].categorical;
        size_t inputs = categorical ? data->column[c].categories + 1 : 1;
        if (!categorical) (*out)[i] = pieces_of(data, c);
        for (size_t k = 0; categorical && k < inputs; k++) (*out)[i + k] = 1;
        i += inputs;
    }
    return LS_OK;
}

ls_status ls_knots_fit(ls_block *b, const ls_network *n, float *table, ls_error *err)
{
    const size_t most = n->most_pieces, floats = LS_PIECE_ROWS * n->layer[0].out;
    const float *x = b->x ? b->x : b->table->x + b->origin * b->features;
    if (!b->pieces)
        LS_TRY(ls_alloc(&b->pieces, LS_MOST_PIECES + 1, sizeof *b->pieces, "knots", err));
    if (!b->pieces[most]) {
        float *fitted;
        LS_TRY(ls_alloc(&fitted, floats, sizeof *fitted, "the knots of the inputs", err));
        ls_status status = ls_pieces_fit(n, x, b->rows, fitted, err);
        if (status != LS_OK) {
            free(fitted);
            return status;
        }
        b->pieces[most] = fitted;
    }
    memcpy(table, b->pieces[most], floats * sizeof *table);
    return LS_OK;
}
