/* SPDX-License-Identifier: MIT */
/* Piecewise-linear encoding of numbers (Gorishniy, Rubachev, Babenko: On embeddings for numerical
 * features in tabular deep learning, 2022): an input becomes the shares of the pieces between its
 * knots that lie below it. A value of the encoding is a column of a table with LS_PIECE_ROWS rows.
 */
#ifndef LS_PIECEWISE_H
#define LS_PIECEWISE_H
#ifndef __OPENCL_VERSION__
#include "kernels/arith.h"
#endif

/* Rows of the table: the number of the input, the knot at which the piece begins, 1/length of the
 * piece, and the limits of the value: 0 but for the first piece, 1 but for the last. */
#define LS_PIECE_INPUT 0u
#define LS_PIECE_FROM 1u
#define LS_PIECE_SCALE 2u
#define LS_PIECE_LOW 3u
#define LS_PIECE_HIGH 4u
#define LS_PIECE_ROWS 5u
/* Stands for no limit: tables are finite. */
#define LS_PIECE_OPEN 3.40282347e+38f

LS_FN float ls_piece(float x, float from, float scale, float low, float high)
{
    const float share = (x - from) * scale, least = share < low ? low : share;
    return least > high ? high : least;
}

/* The input with this number, 0 if there is none: tables may come from a damaged file. */
LS_FN ls_u32 ls_piece_input(float number, ls_u32 inputs)
{
    return number >= 0.0f && number < (float)inputs ? (ls_u32)number : 0u;
}

#endif
