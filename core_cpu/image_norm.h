/* SPDX-License-Identifier: MIT */
/* Batch normalisation and bias gradients; those of images have sums of their own for each image. */
#ifndef LS_CPU_IMAGE_NORM_H
#define LS_CPU_IMAGE_NORM_H

#include "core_cpu/job.h"

extern const cpu_operation ls_cpu_norm, ls_cpu_norm_fixed, ls_cpu_norm_grad, ls_cpu_grad_b;

/* Floats of a member's image_sums for each row of the batch. */
size_t ls_cpu_image_sums(const ls_plan *plan);

#endif
