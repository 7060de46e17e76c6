/* SPDX-License-Identifier: MIT */
#ifndef LS_CL_MATMUL_H
#define LS_CL_MATMUL_H

#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_device.h"

/* Sensible tiles for the type of device, before anything was measured. */
void ls_cl_default_tiles(ls_cl_device *device);

/* Whether the device can run a tile at all. */
bool ls_cl_tile_fits(const ls_cl_device *device, const ls_cl_tile *tile);

/* The class of m × n results over k. */
ls_size_class ls_cl_size_class(size_t m, size_t n);

/* The kernel of a product, compiled at first use. */
ls_status ls_cl_variant_of(ls_cl_device *device, const ls_cl_tile *tile, ls_form form, int function,
                           const ls_cl_variant **out, ls_error *err);

void ls_cl_release_variants(ls_cl_device *device);

/* Tiles chosen by the tuner; what is not there, or does not fit the device, leaves the choice as it
 * is. */
void ls_cl_recall_tiles(ls_cl_device *device, const ls_device_info *info);
ls_status ls_cl_remember_tiles(const ls_cl_device *device, const ls_device_info *info,
                               char path[LS_CL_PATH], ls_error *err);

#endif
