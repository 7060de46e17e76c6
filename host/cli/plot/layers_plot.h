/* SPDX-License-Identifier: MIT */
/* Gradient norm and share of saturated activations of each layer. */
#ifndef LS_CLI_PLOT_LAYERS_PLOT_H
#define LS_CLI_PLOT_LAYERS_PLOT_H

#include "host/base/text.h"
#include "host/include/lockstep.h"

void plot_layers(ls_text *script, const ls_layer_info *layer, size_t count);

#endif
