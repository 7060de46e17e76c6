/* SPDX-License-Identifier: MIT */
/* Tiles of matrix products, and the kernels compiled for them. */
#ifndef LS_CL_TILE_H
#define LS_CL_TILE_H

#include "host/opencl/cl_api.h"
#include <stdbool.h>

/* How a matrix product is cut into tiles. There are two families: register tiles over packed
 * operands, for CPU devices (kernels/matmul.cl), and tiles through local memory, for GPUs
 * (kernels/matmul_local.cl). The choice changes speed only, never a bit. The cache file has the
 * numbers of the families. */
typedef enum { LS_TILE_REGISTER, LS_TILE_LOCAL, LS_TILE_FAMILIES } ls_tile_family;

/* One work-item computes `repeat` blocks of `rows` × `vectors` vectors of `lanes` floats, in slices
 * of `depth` along k. */
typedef struct {
    unsigned rows, vectors, lanes, repeat, depth;
} ls_cl_register_tile;

/* One work-group of items_across × items_down work-items computes m × n results in slices of k;
 * each load from memory takes `load` floats, if the rows of the operands begin at multiples of
 * that. Local memory holds `slices` of them. See kernels/matmul_local.cl for the rest:
 *   band        rows of tiles that the groups run through together; 1: one after the other
 *   serpentine  1: to and fro through the chains of a work-item
 *   direct      1: slices go straight to local memory, by asynchronous copies where the device has
 *               them; 0: through registers
 *   sums        1: in weight gradients, sums of chunks of rows are kept in local memory; 0: in
 *               registers */
typedef struct {
    unsigned m, n, k, items_across, items_down, load, slices, band, serpentine, direct, sums;
} ls_cl_local_tile;

typedef struct {
    ls_tile_family family;
    union {
        ls_cl_register_tile reg;
        ls_cl_local_tile local;
    };
} ls_cl_tile;

/* Initialisers: their numbers in the order of the structs above. */
#define LS_REGISTER_TILE(...)                                                                      \
    {                                                                                              \
        .family = LS_TILE_REGISTER, .reg = { __VA_ARGS__ }                                         \
    }
/* A local tile by its first six numbers, through registers into two slices; and one with
 * asynchronous copies, by its first five, the slices and the place of the sums. */
#define LS_LOCAL_TILE(m, n, k, across, down, load)                                                 \
    {                                                                                              \
        .family = LS_TILE_LOCAL, .local = { m, n, k, across, down, load, 2, 1, 0, 0, 0 }           \
    }
#define LS_DIRECT_TILE(m, n, k, across, down, slices, sums)                                        \
    {                                                                                              \
        .family = LS_TILE_LOCAL, .local = { m, n, k, across, down, 4, slices, 8, 1, 1, sums }      \
    }

bool ls_cl_tile_equal(const ls_cl_tile *a, const ls_cl_tile *b);
/* Columns of a register tile's panel of packed operands. */
size_t ls_cl_tile_panel(const ls_cl_register_tile *tile);

/* Products differ in form (which operand is transposed) and size class; each combination has its
 * tile. */
typedef enum { LS_FORM_DENSE, LS_FORM_GRAD_X, LS_FORM_GRAD_W, LS_FORM_COUNT } ls_form;
typedef enum {
    LS_SIZE_NARROW,
    LS_SIZE_SMALL,
    LS_SIZE_LARGE,
    LS_SIZE_HUGE,
    LS_SIZE_COUNT
} ls_size_class;

/* The kernel of a product: its form, its tile, and the function that is applied to the results (an
 * activation, a derivative of one, or an optimizer), which is compiled in. */
enum { LS_CL_NO_FUNCTION = -1 };
typedef struct {
    ls_cl_tile tile;
    ls_form form;
    int function; /* ls_act or ls_opt, or LS_CL_NO_FUNCTION */
    cl_program program;
    cl_kernel kernel;
    bool runs; /* false: the device cannot launch it, or its registers do not suffice */
} ls_cl_variant;

/* More than the plans of a fleet can need in turn: each activation and optimizer in the tile of
 * each class. */
enum { LS_CL_VARIANTS = 128 };

#endif
