/* SPDX-License-Identifier: MIT */
/* The CPU path's kernels as a table, one table per instruction set (isa.c is compiled once for
 * each). All loops over numbers are in them; run.c only divides the work. Matrices are row-major;
 * columns [j0, j1) are one thread's share. */
#ifndef LS_CPU_KERNELS_H
#define LS_CPU_KERNELS_H

#include "host/network/chunks.h"
#include "host/network/plan.h"

/* Computes p = output(z) and the losses of rows of outputs; if scale != 0, z becomes dL/dz.
 * row_weight may be NULL. */
typedef struct {
    size_t columns;
    ls_output output;
    float *z, *p;
    const float *target, *row_weight;
    float *row_loss;
    float scale;       /* 1/rows or 1; 0 outside training */
    float delta;       /* of Huber's loss */
    float keep, share; /* of label smoothing: 1 and 0 outside training */
} ls_loss_rows;

/* Matrices and vectors of batch normalisation; see LS_OPS. */
typedef struct {
    size_t rows, columns;
    float inv_rows;
    float *z, *y, *mean, *inv, *running_mean, *running_var;
    const float *gamma, *beta;
    float *grad_gamma, *grad_beta;
    const float *dy;
} ls_norm_rows;

/* What is summed over positions: z; (z - mean)²; dy, and dy·hat. */
typedef enum { LS_SUM_VALUES, LS_SUM_SQUARES, LS_SUM_GRADS } ls_image_sum;

/* Pixels of an image: rows × columns of them, `line` and `pixel` floats apart, of channels values
 * each. Their numbers are `at`, and `at_line` and `at_pixel` apart. */
typedef struct {
    size_t rows, columns, channels, line, pixel;
    uint32_t at, at_line, at_pixel;
} ls_pixels;

/* A block of parameters with their gradients and states (NULL if the optimizer does not have that
 * state): rows × columns, rows `stride` floats apart, those of g `g_stride`. */
typedef struct {
    float *theta, *s, *v;
    const float *g;
    size_t rows, columns, stride, g_stride;
    float clip;
    ls_hyper hyper;
    ls_rates rates;
} ls_update_block;

/* A block of rows × columns elements, whose rows are `stride` floats apart in each matrix. */
typedef struct {
    size_t rows, columns, stride;
} ls_block;

/* The random stream of a dropout mask; p = 0: nothing is dropped. */
typedef struct {
    ls_u64 seed, step;
    ls_u32 purpose;
    float p;
} ls_mask;

/* A product in lanes (lanes.inc): c[i][0…n) = start[i] + Σ a(i, k)·b[k][0…n), each element one
 * ascending chain of fma from start or 0. Element (i, k) of a is a[i·a_i + k·a_k], and one of these
 * strides is 1; rows of b and c are b_k and c_i floats apart. */
typedef struct {
    size_t m, n, k; /* n: a multiple of lane_unit */
    const float *a;
    size_t a_i, a_k;
    const float *b;
    size_t b_k;
    const float *start; /* m values, or NULL for 0 */
    float *c;
    size_t c_i;
    bool add; /* the chains' values are added to c, otherwise stored */
} ls_lanes_product;

typedef struct {
    void (*act[LS_ACT_COUNT])(const float *z, float *a, ls_block b);
    /* y = d·act'(z, a); y may be z */
    void (*act_grad[LS_ACT_COUNT])(const float *d, const float *z, const float *a, float *y,
                                   ls_block b);
    /* y = a + skip; skip may be NULL */
    void (*join)(const float *a, const float *skip, float *y, size_t n);
    /* y = a with dropout; the element at a[0] has number `first`, those of rows follow with the
     * numbers of b.stride elements between them */
    void (*drop)(const float *a, float *y, size_t first, ls_block b, const ls_mask *mask);
    /* numbers[i] = ls_permute(first + i, n, seed, LS_PURPOSE_ORDER, epoch) */
    void (*order)(uint32_t *numbers, size_t first, size_t count, uint32_t n, uint64_t seed,
                  uint64_t epoch);
    void (*row_sum)(const float *x, size_t rows, size_t columns, size_t j0, size_t j1, float *out);
    void (*norm)(const ls_norm_rows *n, size_t j0, size_t j1);
    void (*norm_fixed)(const ls_norm_rows *n, size_t j0, size_t j1);
    void (*norm_grad)(const ls_norm_rows *n, size_t j0, size_t j1);
    /* The parts of these: the mean from the sum; inv from the sum of squares, and running averages;
     * inv from running averages; y; dz. */
    void (*norm_mean)(const ls_norm_rows *n, size_t j0, size_t j1);
    void (*norm_inv)(const ls_norm_rows *n, size_t j0, size_t j1);
    void (*norm_fixed_inv)(const ls_norm_rows *n, size_t j0, size_t j1);
    void (*norm_apply)(const ls_norm_rows *n, const float *mean, const float *inv, size_t j0,
                       size_t j1);
    void (*norm_slope)(const ls_norm_rows *n, size_t j0, size_t j1);
    /* Sums over the rows of one image, its positions, to out[columns]; those of LS_SUM_GRADS to
     * out[2 · columns]. add_images: sums of the sums of images, which are `stride` apart. */
    void (*image_sum)(ls_image_sum what, const ls_norm_rows *image, float *out);
    void (*add_images)(const float *sums, size_t images, size_t stride, size_t columns, float *out);
    /* out[c] = a chain from start[c] or 0 of fma(a[i][c], b[i][c], chain), over n; out may be
     * start */
    void (*taps)(const float *const *a, const float *const *b, size_t n, const float *start,
                 size_t columns, float *out);
    /* a = the largest of some pixels of x, and its number, if index is not NULL; a = the sum of
     * pixels · scale */
    void (*pool_max)(const ls_pixels *p, const float *x, float *a, uint32_t *index);
    void (*pool_sum)(const ls_pixels *p, const float *x, float scale, float *a);
    /* d = the sum of dz over some windows with this number as index; d += dz·scale; the pixels d
     * become dz if index is their number, otherwise 0 */
    void (*pool_max_x)(const ls_pixels *p, const float *dz, const uint32_t *index, uint32_t number,
                       float *d);
    void (*pool_add)(const float *dz, float scale, size_t n, float *d);
    void (*pool_spread)(const ls_pixels *p, const float *dz, const uint32_t *index, float *d);
    void (*loss[LS_LOSS_COUNT])(const ls_loss_rows *l, size_t i0, size_t i1);
    /* square_chunks: sums of squares of the chunks [c0, c1) of x[n], to out[c0…c1). sum_chunks:
     * sums of all chunks of x[n]; out may be x */
    void (*square_chunks)(const float *x, size_t n, size_t c0, size_t c1, float *out);
    void (*sum_chunks)(const float *x, size_t n, float *out);
    void (*update[LS_OPT_COUNT])(const ls_update_block *u, bool decays);
    void (*max_norm)(float *w, size_t in, size_t out, size_t j0, size_t j1, float limit);

    /* For the chunk-wise mode, see lanes.inc. lanes: a multiple of 16, at most LS_CHUNK. */
    size_t lane_unit;
    void (*lanes_product)(const ls_lanes_product *p);
    void (*rows_to_lanes)(const float *x, size_t stride, const uint32_t *numbers, size_t first,
                          size_t rows, size_t columns, float *out, size_t lanes);
    void (*lanes_to_rows)(const float *x, size_t columns, size_t lanes, size_t rows, float *out,
                          size_t width);
    /* out = the factors of dropout of a chunk's elements; room: LS_DROPOUT_ROOM floats more than
     * these */
    void (*lanes_factors)(const ls_mask *mask, size_t row, size_t rows, size_t columns,
                          size_t lanes, float *room, float *out);
    void (*times)(const float *a, const float *factor, float *y, size_t n); /* y = a·factor */
    /* a = the piecewise-linear encoding of x[rows × in], out values a row; of columns of lanes */
    void (*pieces)(const float *table, const float *x, size_t rows, size_t in, size_t out,
                   float *a);
    void (*lanes_pieces)(const float *table, const float *x, size_t lanes, size_t in, size_t out,
                         float *a);
    void (*lanes_loss[LS_LOSS_COUNT])(const ls_loss_rows *l, size_t lanes);
} ls_cpu_kernels;

extern const ls_cpu_kernels ls_cpu_kernels_generic;
#if defined(__x86_64__)
extern const ls_cpu_kernels ls_cpu_kernels_avx2;
extern const ls_cpu_kernels ls_cpu_kernels_avx512;
#endif

#endif
