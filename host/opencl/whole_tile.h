/* SPDX-License-Identifier: MIT */
/* The tiles of products in steps over a whole device: the fastest by a rough model of a GPU. Which
 * tile computes a product changes its speed only. */
#ifndef LS_WHOLE_TILE_H
#define LS_WHOLE_TILE_H

#include "host/opencl/whole_op.h"

/* A product of m × n results, each a chain of k, that `groups` groups share. */
typedef struct {
    size_t m, n, k, groups;
    bool over_rows; /* GRAD_W: sums of chunks */
} ls_whole_product;

typedef struct {
    whole_body body;
    unsigned rows, columns, chunks, depth; /* logarithms */
} ls_whole_tile;

/* The least logarithm of a power of two that is at least n. */
unsigned ls_whole_log(size_t n);

/* The fastest tile, and rough cycles of one tile and of the whole product. */
ls_whole_tile ls_whole_tile_for(const ls_whole_product *product, const ls_whole_limits *limits);
double ls_whole_tile_cost(const ls_whole_product *product, const ls_whole_tile *tile,
                          const ls_whole_limits *limits);
double ls_whole_product_cost(const ls_whole_product *product, const ls_whole_tile *tile,
                             const ls_whole_limits *limits);

#endif
