/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_MATMUL_H
#define LS_CL_MATMUL_H

#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_device.h"

/* Sets the default tiles for the type of device; its limits and async_copies must be known. */
void ls_cl_default_tiles(ls_cl_device *device);

/* Whether the device can run a tile. */
bool ls_cl_tile_fits(const ls_cl_device *device, const ls_cl_tile *tile);

/* The size class of a product with m × n results on a CPU device, and on any device: on a GPU, the
 * class depends on the number of results per compute unit. */
ls_size_class ls_cl_size_class(size_t m, size_t n);
ls_size_class ls_cl_class_on(const ls_cl_device *device, size_t m, size_t n);

/* The kernel of a product in the device's tile for a class. A local tile that does not build, that
 * the device cannot launch or that needs more registers than it has is replaced, in the device's
 * tiles, by that of the class below, and at last by one that every device can run. *out is valid
 * until the next call. */
ls_status ls_cl_product_kernel(ls_cl_device *device, ls_form form, ls_size_class size, int function,
                               const ls_cl_variant **out, ls_error *err);

/* The kernel of a tile, compiled at first use; *out is valid until the next call. */
ls_status ls_cl_variant_of(ls_cl_device *device, const ls_cl_tile *tile, ls_form form, int function,
                           const ls_cl_variant **out, ls_error *err);

void ls_cl_release_variants(ls_cl_device *device);

/* Takes the tiles chosen by the tuner from the cache; a class without a tile that fits the device
 * keeps its own. */
void ls_cl_recall_tiles(ls_cl_device *device, const ls_device_info *info);
/* Stores the tiles in the cache; path receives the file. */
ls_status ls_cl_remember_tiles(const ls_cl_device *device, const ls_device_info *info,
                               char path[LS_CL_PATH], ls_error *err);

#endif
