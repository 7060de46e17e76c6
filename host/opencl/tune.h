/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_TUNE_H
#define LS_CL_TUNE_H

#include "host/opencl/cl_device.h"

/* Whether a tile gives the CPU path's bits for a form of product, on shapes that are no multiples
 * of it. */
ls_status ls_cl_tile_is_exact(ls_cl_device *device, ls_backend *cpu, ls_form form,
                              const ls_cl_tile *tile, bool *right, ls_error *err);

/* Whether one product of m × n results over k, in the device's tile for it, gives the CPU path's
 * bits. Its operands begin `shift` floats after a multiple of any vector. */
ls_status ls_cl_product_is_exact(ls_cl_device *device, ls_backend *cpu, ls_form form, size_t m,
                                 size_t n, size_t k, size_t shift, bool *exact, ls_error *err);

/* The i-th tile that the tuner may choose; NULL past the end. */
const ls_cl_tile *ls_cl_candidate(size_t i);

/* Sets the device's tiles to the fastest of each class. The callback is called after each
 * candidate; if it returns other than 0, the tiles stay unchanged and LS_ERR_ARGUMENT is returned.
 */
ls_status ls_cl_tune(ls_cl_device *device, ls_tune_callback callback, void *user, ls_error *err);

#endif
