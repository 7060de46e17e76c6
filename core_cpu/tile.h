/* SPDX-License-Identifier: MIT */
/* Products by register tiles, one table per tile (tile.c is compiled once for each). */
#ifndef LS_CPU_TILE_H
#define LS_CPU_TILE_H

#include "core_cpu/matmul.h"

/* Columns of c of one panel, in chains of fma over k. Element (i, k) of a is a[row[i] + step[k]];
 * rows of b are b_row apart and can be read in whole vectors. */
typedef struct {
    size_t m, n, k; /* 1 <= n <= columns of the tile */
    const float *a;
    const uint32_t *row, *step;
    const float *b;
    size_t b_row;
    float *c;
    size_t c_row;
    const float *start; /* n values that chains start at, or NULL for 0 */
    bool prior;         /* chains continue from c */
    bool adds;          /* the chains' values are added to c */
} ls_gathered;

/* Parts of a product, see core_cpu/product.c. */
typedef struct {
    size_t rows, columns; /* of the tile */
    /* Rows [i0, i0 + mc) of a, and columns [j0, j0 + nc) of b, for kc products from k0 on, as
     * panels of `rows` rows and of `columns` columns. */
    void (*pack_a)(const ls_matmul *p, size_t i0, size_t mc, size_t k0, size_t kc, float *out);
    void (*pack_b)(const ls_matmul *p, size_t k0, size_t kc, size_t j0, size_t nc, float *out);
    /* Rows [i0, i1) × columns [j0, j1) of c, for kc products from k0 on. a: panels, the first of
     * which starts at row i0; b: panels from column j0 on. */
    void (*multiply)(const ls_matmul *p, size_t k0, size_t kc, size_t i0, size_t i1, size_t j0,
                     size_t j1, const float *a, const float *b);
    /* Columns [j0, j1) of a product with b_col = 1 and at most direct_rows rows, without packing.
     */
    void (*direct)(const ls_matmul *p, size_t j0, size_t j1);
    size_t direct_rows;
    void (*gathered)(const ls_gathered *g);
} ls_cpu_tile;

extern const ls_cpu_tile ls_cpu_tile_generic;
#if defined(__x86_64__)
extern const ls_cpu_tile ls_cpu_tile_avx2;
extern const ls_cpu_tile ls_cpu_tile_avx512;
extern const ls_cpu_tile ls_cpu_tile_avx512_6x64;
#endif

#endif
