/* SPDX-License-Identifier: MIT */
/* Networks and products of awkward shapes: one column, primes, and sizes beside those of vectors,
 * tiles and work-groups. `lockstep doctor` compares them; the self-check at a device's first use
 * has no time for them. */
#ifndef LS_CHECK_SHAPES_H
#define LS_CHECK_SHAPES_H

#include "host/opencl/cl_device.h"

/* Networks without images; and those with, whose numbers follow. */
size_t ls_check_shape_count(void);
size_t ls_check_image_shape_count(void);

/* Compares the device with the CPU path bit by bit on `count` networks from `first` on, as far as
 * they suit the way; the first difference goes into reason, which must be "" before. */
ls_status ls_check_shapes(ls_cl_device *device, ls_backend *cpu, ls_cl_way_id way, size_t first,
                          size_t count, char reason[256], ls_error *err);

/* The same for products of one form. */
ls_status ls_check_products(ls_cl_device *device, ls_backend *cpu, ls_form form, char reason[256],
                            ls_error *err);

#endif
