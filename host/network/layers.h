/* SPDX-License-Identifier: MIT */
/* From the items of a description (net.h) to layers. */
#ifndef LS_LAYERS_H
#define LS_LAYERS_H

#include "host/network/layer.h"
#include "host/network/settings.h"

/* Sets network->layer and count from the settings' items; the rest of the network is known. Errors:
 * LS_ERR_ARGUMENT for an item that cannot be, with what it gets and what it needs; LS_ERR_MEMORY.
 * The caller frees the layers, also after an error. */
ls_status ls_network_layers(const ls_settings *settings, ls_network *network, ls_error *err);

#endif
