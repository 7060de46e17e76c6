/* SPDX-License-Identifier: MIT */
/* The activations in double precision, written from the papers, with which the product's values,
 * derivatives and whole networks are compared. Shares nothing with the product. */
#ifndef SUPPORT_TRUE_ACTIVATIONS_H
#define SUPPORT_TRUE_ACTIVATIONS_H

#include <stddef.h>

typedef struct {
    const char *name;
    double (*value)(double z), (*slope)(double z);
    int kink;           /* 1 if the slope jumps at 0 */
    double value_error; /* allowed relative error of the float32 value */
    double slope_error; /* allowed absolute error of the float32 derivative */
} true_activation;

/* NULL if there is no activation of that name. */
const true_activation *true_activation_of(const char *name);

#endif
