/* SPDX-License-Identifier: MIT */
#include "host/network/activation.h"
#include <math.h>

/* Each gives the values of an ls_flat. */
#define NOWHERE LS_FLAT_NOWHERE, 0, 0
#define OUTSIDE(low, high) LS_FLAT_OUTSIDE, low, high
#define WITHIN(low, high) LS_FLAT_WITHIN, low, high
#define READS_A false
#define READS_Z true
#define FACTS(init, ...)                                                                           \
    LS_DEFAULT_INIT_##init, { __VA_ARGS__ }
#define ROW(name, reads, facts) {#name, READS_##reads, FACTS facts},

const ls_act_info ls_activations[LS_ACT_COUNT] = {LS_ACTIVATIONS(ROW)};

bool ls_act_saturated(ls_act act, float a)
{
    const ls_flat *flat = &ls_activations[act].flat;
    switch (flat->kind) {
    case LS_FLAT_OUTSIDE: return a < flat->low || a > flat->high;
    case LS_FLAT_WITHIN: return a > flat->low && a < flat->high;
    case LS_FLAT_NOWHERE: break;
    }
    return false;
}
