/* SPDX-License-Identifier: MIT */
/* c = start + a·b in the order of docs/arithmetic.md: each element of c is one ascending chain of
 * fma over k. */
#ifndef LS_MATMUL_H
#define LS_MATMUL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Element (i, k) of a is a[i·a_row + k·a_col], element (k, j) of b is b[k·b_row + j·b_col]; strides
 * express transposes. One stride of each operand is 1. */
typedef struct ls_matmul {
    size_t m, n, k;
    const float *a;
    size_t a_row, a_col;
    /* NULL, or the rows of a (its columns, if k runs over rows) to use as rows 0, 1, 2, … */
    const uint32_t *a_rows;
    const float *b;
    size_t b_row, b_col;
    float *c; /* m × n, row-major */
    size_t c_row;
    const float *start; /* n start values of the chains (a bias), or NULL for 0 */
    bool over_rows;     /* k runs over the rows of a batch: chains of LS_CHUNK, their sums added in
                           order */
    bool onto;          /* with over_rows: the chains' sums are added to what c holds */
    /* NULL, or with over_rows: of each chunk, where its rows of a and b are, in matrices that begin
     * at these offsets of an arena; a, b and a_rows are not used */
    const struct ls_chunk_place *places;
    size_t a_at, b_at;
    /* Called for each block of h × w elements at (i, j) when its chains are complete, while it is
     * still in the first-level cache; may be NULL. Element (r, c) of the block is
     * values[r·stride + c]: in c, or in a buffer if c is not wanted. */
    void (*finish)(const struct ls_matmul *p, size_t i, size_t j, size_t h, size_t w,
                   const float *values, size_t stride);
    const void *finish_with;
    /* Matrices of c's shape that finish reads, or NULL: prefetched while the last chains of a block
     * run. */
    const float *ahead[3];
    bool scratch; /* only finish needs the result: c may be left unwritten */
} ls_matmul;

/* Largest blocks of k, rows and columns, and the floats of two packed blocks: LS_MATMUL_KC × (MC +
 * NC), with space for panels that extend past the last row and column. */
enum {
    LS_MATMUL_KC = 512,
    LS_MATMUL_MC = 512,
    LS_MATMUL_NC = 2048,
    LS_MATMUL_PAD = 64,
    LS_MATMUL_A = LS_MATMUL_KC * (LS_MATMUL_MC + LS_MATMUL_PAD),
    LS_MATMUL_B = LS_MATMUL_KC * (LS_MATMUL_NC + LS_MATMUL_PAD),
    LS_MATMUL_SCRATCH = LS_MATMUL_A + LS_MATMUL_B
};

#endif
