/* SPDX-License-Identifier: MIT */
/* The shape of a network: its layers, and the offsets of their tensors among the parameters. */
#ifndef LS_NETWORK_H
#define LS_NETWORK_H

#include "host/network/layer.h"
#include "host/network/settings.h"

/* A named tensor of a model; its offset counts over [parameters | running averages]. */
typedef struct {
    char name[64];
    size_t offset, rows, columns; /* columns = 0: a vector of `rows` elements */
} ls_tensor;

/* Derives the network from the settings and the shape of the data. Errors: LS_ERR_ARGUMENT for
 * settings that contradict each other or the data, LS_ERR_MEMORY. */
ls_status ls_network_build(const ls_settings *settings, size_t features, ls_shape shape,
                           ls_network *out, ls_error *err);
void ls_network_free(ls_network *network);

/* Files hold images channel by channel, networks read the channels of a position side by side:
 * rearranges rows of inputs, if there are several channels. Errors: LS_ERR_MEMORY. */
ls_status ls_network_arrange(const ls_network *network, float *x, size_t rows, ls_error *err);

/* The tensors in file order (names sorted by bytes). *out is freed with free(). */
ls_status ls_network_tensors(const ls_network *network, ls_tensor **out, size_t *count,
                             ls_error *err);

/* Initial values of all parameters and running averages, from the seed. values: parameters +
 * running floats. */
void ls_network_init(const ls_network *network, const ls_settings *settings, float *values);

#endif
