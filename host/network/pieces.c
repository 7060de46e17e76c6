/* SPDX-License-Identifier: MIT */
#include "host/network/pieces.h"
#include "host/base/memory.h"
#include "kernels/piecewise.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

const ls_layer *ls_pieces_layer(const ls_network *n)
{
    return n->count && n->layer[0].kind == LS_LAYER_PIECES ? &n->layer[0] : NULL;
}

void ls_pieces_layer_of(const ls_network *n, ls_layer *l)
{
    l->kind = LS_LAYER_PIECES;
    l->act = LS_ACT_identity;
    l->in = n->inputs;
    for (size_t i = 0; i < n->inputs; i++) l->out += n->pieces[i];
}

size_t ls_pieces_count(size_t inputs, size_t most, const unsigned char *limit,
                       unsigned char *pieces)
{
    size_t sum = 0;
    for (size_t i = 0; i < inputs; i++) {
        pieces[i] = (unsigned char)(limit && limit[i] < most ? limit[i] : most);
        sum += pieces[i];
    }
    return sum;
}

/* A column of the table. */
static void put(const ls_network *n, float *table, size_t at, size_t input, const float piece[4])
{
    const size_t out = n->layer[0].out;
    table[LS_PIECE_INPUT * out + at] = (float)input;
    for (size_t k = 0; k < 4; k++) table[(LS_PIECE_FROM + k) * out + at] = piece[k];
}

/* 1/length of a piece; not finite if it is too short. */
static float scale_of(float from, float to) { return (float)(1.0 / ((double)to - (double)from)); }

/* The columns of one input from `at` on, with `count` knots in ascending order. */
static void put_input(const ls_network *n, float *table, size_t at, size_t input,
                      const float *knots, size_t count)
{
    const float unchanged[] = {0.0f, 1.0f, -LS_PIECE_OPEN, LS_PIECE_OPEN}, zero[4] = {0};
    size_t pieces = count ? count - 1 : 0, end = at + n->pieces[input];
    if (!pieces) put(n, table, at++, input, unchanged);
    for (size_t t = 0; t < pieces; t++) {
        const float piece[] = {knots[t], scale_of(knots[t], knots[t + 1]),
                               t ? 0.0f : -LS_PIECE_OPEN, t + 1 < pieces ? 1.0f : LS_PIECE_OPEN};
        put(n, table, at++, input, piece);
    }
    while (at < end) put(n, table, at++, input, zero);
}

void ls_pieces_even(const ls_network *n, float *table)
{
    float knots[LS_MOST_PIECES + 1];
    for (size_t i = 0, at = 0; i < n->inputs; at += n->pieces[i++]) {
        for (size_t t = 0; t <= n->pieces[i]; t++)
            knots[t] = (float)(4.0 * (double)t / (double)n->pieces[i] - 2.0);
        put_input(n, table, at, i, knots, n->pieces[i] + (size_t)1);
    }
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The value at t/pieces of the way through sorted values: between neighbours in double. */
static float quantile(const float *sorted, size_t count, size_t t, size_t pieces)
{
    const uint64_t way = (uint64_t)t * (count - 1), at = way / pieces, rest = way % pieces;
    double value = (double)sorted[at];
    if (rest) value += ((double)sorted[at + 1] - value) * ((double)rest / (double)pieces);
    return (float)value;
}

/* Appends a knot to `count` ascending ones, if there is a piece between it and the one before. */
static size_t add_knot(float *knots, size_t count, float knot)
{
    if (count && !(knot > knots[count - 1] && isfinite(scale_of(knots[count - 1], knot))))
        return count;
    knots[count] = knot;
    return count + 1;
}

/* Sets knots[pieces + 1]; returns their number. */
static size_t choose_knots(const float *sorted, size_t count, size_t pieces, float *knots)
{
    size_t distinct = 1, n = 0;
    for (size_t i = 1; i < count; i++) distinct += sorted[i] > sorted[i - 1];
    if (distinct <= pieces + 1)
        for (size_t i = 0; i < count; i++) n = add_knot(knots, n, sorted[i]);
    else
        for (size_t t = 0; t <= pieces; t++)
            n = add_knot(knots, n, quantile(sorted, count, t, pieces));
    return n;
}

ls_status ls_pieces_fit(const ls_network *n, const float *x, size_t rows, float *table,
                        ls_error *err)
{
    float *values, knots[LS_MOST_PIECES + 1];
    assert(rows > 0 && ls_pieces_layer(n));
    LS_TRY(ls_alloc(&values, rows, sizeof *values, "the knots of the inputs", err));
    for (size_t i = 0, at = 0; i < n->inputs; at += n->pieces[i++]) {
        for (size_t r = 0; r < rows; r++) values[r] = x[r * n->inputs + i] + 0.0f; /* no -0 */
        qsort(values, rows, sizeof *values, ascending);
        put_input(n, table, at, i, knots, choose_knots(values, rows, n->pieces[i], knots));
    }
    free(values);
    return LS_OK;
}

bool ls_pieces_valid(const ls_network *n, const float *table)
{
    const size_t out = n->layer[0].out;
    for (size_t i = 0, at = 0; i < n->inputs; i++)
        for (size_t t = 0; t < n->pieces[i]; t++, at++)
            if (table[LS_PIECE_INPUT * out + at] != (float)i ||
                table[LS_PIECE_LOW * out + at] > table[LS_PIECE_HIGH * out + at])
                return false;
    return true;
}
