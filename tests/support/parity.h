/* SPDX-License-Identifier: MIT */
/* What test_parity.c and test_parity_images.c share. */
#ifndef SUPPORT_PARITY_H
#define SUPPORT_PARITY_H

#include "tests/support/devices.h"

/* The operations that test_parity_images.c has, one row each: NAME, name, variants. All others have
 * a row in test_parity.c, which checks that none is missing. */
#define PARITY_IMAGES(X)                                                                           \
    X(CONV, conv, 18 + LS_ACT_COUNT)                                                               \
    X(CONV_X, conv_x, 64)                                                                          \
    X(CONV_W, conv_w, 2 + LS_OPT_COUNT)                                                            \
    X(MAX_POOL, max_pool, 4)                                                                       \
    X(MAX_POOL_X, max_pool_x, 2)                                                                   \
    X(AVG_POOL, avg_pool, 2)                                                                       \
    X(AVG_POOL_X, avg_pool_x, 1)                                                                   \
    X(ACT, act, LS_ACT_COUNT)                                                                      \
    X(AUGMENT, augment, 4)                                                                         \
    X(SLOPE, slope, 64)

/* Data for three batches of m rows, the last of which is incomplete and is the one that the step
 * uses. */
void parity_batches(hand_plan *p, size_t m, size_t features, size_t outputs);
/* Runs the plan as inference: over blocks of plan.capacity rows, with these outputs. */
void parity_inference(hand_plan *p, size_t outputs, ls_view result);
/* The optimizer's step over n parameters as part of operation o. */
void parity_optimizer(hand_plan *p, ls_op *o, unsigned optimizer, size_t n);
/* Makes the values of an array those that relu gives: its derivative relies on it. */
void parity_relu(hand_plan *p, ls_view view, size_t n);

#endif
