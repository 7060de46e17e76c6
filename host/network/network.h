/* SPDX-License-Identifier: MIT */
/* The shape of a network: its layers, and the offsets of their tensors among the parameters. */
#ifndef LS_NETWORK_H
#define LS_NETWORK_H

#include "host/network/activation.h"
#include "host/network/settings.h"
#include "kernels/loss.h"

typedef struct {
    size_t in, out;
    ls_act act;
    bool norm;     /* batch normalisation before the activation, in place of a bias */
    float dropout; /* probability of dropping a unit, 0 if there is no dropout */
    int skip; /* the layer whose output is added to this one's (end of a residual block), or -1 */
    size_t weight;         /* offsets among the parameters: in × out */
    size_t bias;           /* out, without norm */
    size_t gamma, beta;    /* out each, with norm */
    size_t mean, variance; /* offsets among the running averages, with norm */
} ls_layer;

/* What is predicted for a row. */
typedef struct {
    ls_task task;
    size_t classes; /* number of classes; 0 for numbers and labels */
    size_t targets; /* number of target columns; 1 for classes */
} ls_shape;

static inline ls_shape ls_shape_of_classes(size_t classes)
{
    return (ls_shape){.task = LS_TASK_CLASSIFICATION, .classes = classes, .targets = 1};
}

typedef struct ls_network {
    size_t inputs, outputs, classes; /* classes: as in ls_shape */
    ls_task task;
    size_t count; /* number of layers, the last one is the output layer */
    ls_layer *layer;
    ls_output output;
    ls_loss loss;
    size_t weights, parameters,
        running; /* numbers of floats; weights come first among the parameters */
} ls_network;

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

/* The tensors in file order (names sorted by bytes). *out is freed with free(). */
ls_status ls_network_tensors(const ls_network *network, ls_tensor **out, size_t *count,
                             ls_error *err);

/* Initial values of all parameters and running averages, from the seed. values: parameters +
 * running floats. */
void ls_network_init(const ls_network *network, const ls_settings *settings, float *values);

#endif
