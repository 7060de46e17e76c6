/* SPDX-License-Identifier: MIT */
/* Definitions of the operations on images, written from rules 12 to 14 of docs/arithmetic.md:
 * direct loops over images, positions, channels and windows. One function per operation, of type
 * hand_truth. */
#ifndef SUPPORT_TRUE_IMAGES_H
#define SUPPORT_TRUE_IMAGES_H

#include "tests/support/devices.h"

void true_conv(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_conv_x(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_conv_w(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_max_pool(const hand_plan *p, size_t rows, float *arena, float *loss);
/* The plan's second operation, after a MAX_POOL that sets its index. */
void true_max_pool_x(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_avg_pool(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_avg_pool_x(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_act(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_augment(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_slope(const hand_plan *p, size_t rows, float *arena, float *loss);

/* Sum over all positions of images, of n terms x (y NULL) or x·y: chains over TRUTH_CHUNK positions
 * of an image, whose sums are added; the images' sums are added in chunks of TRUTH_CHUNK. With one
 * position per image, truth_sum over the images. Position p of image r is at (r·points + p)·step.
 */
float truth_sum_of_images(const float *x, size_t x_step, const float *y, size_t y_step,
                          size_t images, size_t points);

#endif
