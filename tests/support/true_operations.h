/* SPDX-License-Identifier: MIT */
/* Definitions of the operations of a plan: plain loops written from the contract
 * (docs/arithmetic.md), one function per operation, of type hand_truth. Of the product they use
 * only exp, log and similar functions from kernels/arith.h, which have tests of their own. */
#ifndef SUPPORT_TRUE_OPERATIONS_H
#define SUPPORT_TRUE_OPERATIONS_H

#include "tests/support/devices.h"

void true_gather(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_dense(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_norm(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_norm_fixed(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_norm_grad(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_join(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_loss(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_loss_sum(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_grad_w(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_grad_b(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_grad_x(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_clip(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_update(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_pieces(const hand_plan *p, size_t rows, float *arena, float *loss);
void true_max_norm(const hand_plan *p, size_t rows, float *arena, float *loss);

/* Updates parameter i of an UPDATE, or of a GRAD_W or CONV_W that includes the optimizer; weight:
 * penalties and decay apply to it. */
void true_update_at(const hand_plan *p, float *arena, size_t i, bool weight);

#endif
