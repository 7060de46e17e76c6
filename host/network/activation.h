/* SPDX-License-Identifier: MIT */
/* The activations as the host sees them; the table is LS_ACTIVATIONS in kernels/activation.h. */
#ifndef LS_NETWORK_ACTIVATION_H
#define LS_NETWORK_ACTIVATION_H

#include "kernels/activation.h"
#include <stdbool.h>

/* Families of default initialisations. */
typedef enum { LS_DEFAULT_INIT_XAVIER, LS_DEFAULT_INIT_HE } ls_default_init;

/* The values of an activation for which it is flat or nearly so, bounds not included. */
typedef enum { LS_FLAT_NOWHERE, LS_FLAT_OUTSIDE, LS_FLAT_WITHIN } ls_flat_kind;
typedef struct {
    ls_flat_kind kind;
    float low, high;
} ls_flat;

typedef struct {
    const char *name;
    bool reads_z; /* the derivative reads the pre-activation; otherwise the value alone */
    ls_default_init init;
    ls_flat flat;
} ls_act_info;

extern const ls_act_info ls_activations[LS_ACT_COUNT];

/* All names in one literal, ", " before each, for help texts. */
#define LS_ACT_NAME_(name, reads, facts) ", " #name
#define LS_ACT_NAMES LS_ACTIVATIONS(LS_ACT_NAME_)

/* Whether a unit with activation value a is saturated, that is, the activation is flat there. */
bool ls_act_saturated(ls_act act, float a);

#endif
