/* SPDX-License-Identifier: MIT */
/* Tiles of matrix products, and the kernels compiled for them. */
#ifndef LS_CL_TILE_H
#define LS_CL_TILE_H

#include "host/opencl/cl_api.h"

/* How a matrix product is cut into tiles. Two families: register tiles over packed operands, for
 * CPU devices (kernels/matmul.cl), and tiles through local memory, for GPUs
 * (kernels/matmul_local.cl). No choice changes a bit. */
typedef struct {
    unsigned local;   /* which family */
    unsigned size[6]; /* rows, vectors, lanes, repeat, depth; or m, n, k, work-items across and
                         down, floats a load */
} ls_cl_tile;

/* Products are told apart by form (which operand is transposed) and size; each class has its tile.
 */
typedef enum { LS_FORM_DENSE, LS_FORM_GRAD_X, LS_FORM_GRAD_W, LS_FORM_COUNT } ls_form;
typedef enum {
    LS_SIZE_NARROW,
    LS_SIZE_SMALL,
    LS_SIZE_LARGE,
    LS_SIZE_HUGE,
    LS_SIZE_COUNT
} ls_size_class;

/* A product's kernel: of a form, in a tile, with what follows compiled in (an activation, the
 * derivative of one, an optimizer). */
enum { LS_CL_NOTHING = -1 };
typedef struct {
    ls_cl_tile tile;
    ls_form form;
    int function; /* ls_act or ls_opt, or LS_CL_NOTHING */
    cl_program program;
    cl_kernel kernel;
} ls_cl_variant;

/* More than the plans of a fleet can ask for in turn: each activation and optimizer in the tile of
 * each class, and some. */
enum { LS_CL_VARIANTS = 128 };

#endif
