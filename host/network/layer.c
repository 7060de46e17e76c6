/* SPDX-License-Identifier: MIT */
#include "host/network/layer.h"

#define LS_X(NAME, name, weights) {#name, weights},
const ls_layer_info_of_kind ls_layer_kinds[LS_LAYER_COUNT] = {LS_LAYERS(LS_X)};
#undef LS_X
