/* SPDX-License-Identifier: MIT */
/* Layers, and the networks that consist of them. */
#ifndef LS_LAYER_H
#define LS_LAYER_H

#include "host/base/error.h"
#include "host/network/activation.h"
#include "host/network/window.h"
#include "kernels/loss.h"

/* The kinds of layers, one row each: NAME, name in tables, and whether it has weights. A layer is
 * the map of its kind, then, as far as it has them, batch normalisation, an activation, dropout,
 * and the addition of another layer's output.
 *   DENSE     x·w + b
 *   CONV      a convolution, which slides a window over an image
 *   MAX_POOL, AVG_POOL   the largest value, or the mean, of each channel in each window
 *   PASS      no map: what follows another layer's addition, say
 *   PIECES    piecewise-linear encoding of the network's inputs: only the first layer, and alone */
#define LS_LAYERS(X)                                                                               \
    X(DENSE, dense, true)                                                                          \
    X(CONV, conv, true)                                                                            \
    X(MAX_POOL, maxpool, false)                                                                    \
    X(AVG_POOL, avgpool, false)                                                                    \
    X(PASS, pass, false)                                                                           \
    X(PIECES, piecewise, false)

#define LS_X(NAME, name, weights) LS_LAYER_##NAME,
typedef enum { LS_LAYERS(LS_X) LS_LAYER_COUNT } ls_layer_kind;
#undef LS_X

typedef struct {
    const char *name;
    bool weights;
} ls_layer_info_of_kind;
extern const ls_layer_info_of_kind ls_layer_kinds[LS_LAYER_COUNT];

typedef struct {
    ls_layer_kind kind;
    ls_window window; /* CONV and pools; `to` of every layer whose output is an image */
    int from;         /* the layer whose output it reads, -1: the inputs */
    /* Weights are in × out: for DENSE units; for CONV in is window positions × channels of a group,
     * out is channels. Other layers have no weights, and out channels or units. */
    size_t in, out;
    size_t points; /* positions of the output: a row has points × out values; 1 without an image */
    ls_act act;
    bool norm;     /* batch normalisation (per channel) before the activation, in place of a bias */
    float dropout; /* probability of dropping a unit, 0 if there is no dropout */
    int skip; /* the layer whose output is added to this one's (end of a residual block), or -1 */
    size_t weight;         /* offsets among the parameters: in × out */
    size_t bias;           /* out, without norm; only of layers with weights */
    size_t gamma, beta;    /* out each, with norm */
    size_t mean, variance; /* offsets among the running averages, with norm */
    size_t table;          /* the same, of PIECES: its table, see kernels/piecewise.h */
} ls_layer;

static inline bool ls_layer_weights(const ls_layer *l) { return ls_layer_kinds[l->kind].weights; }
static inline bool ls_layer_bias(const ls_layer *l) { return ls_layer_weights(l) && !l->norm; }
/* Values of a row of its output. */
static inline size_t ls_layer_width(const ls_layer *l) { return l->points * l->out; }

/* What is predicted for a row. */
typedef struct {
    ls_task task;
    size_t classes; /* number of classes; 0 for numbers and labels */
    size_t targets; /* number of target columns; 1 for classes */
    ls_image image; /* that a row holds, as the data says; channels 0: it does not say */
    /* Of each input the most pieces that its values can have, at least 1; NULL: any number. Not
     * owned. */
    const unsigned char *pieces;
} ls_shape;

static inline ls_shape ls_shape_of_classes(size_t classes)
{
    return (ls_shape){.task = LS_TASK_CLASSIFICATION, .classes = classes, .targets = 1};
}

typedef struct ls_network {
    size_t inputs, outputs, classes; /* classes: as in ls_shape */
    ls_task task;
    ls_image image;     /* that the inputs are, or channels 0 */
    ls_u32 shift, flip; /* augmentation of training images; 0: none */
    size_t count;       /* number of layers, the last one is the output layer */
    ls_layer *layer;
    ls_output output;
    ls_loss loss;
    unsigned char *pieces; /* [inputs]: with a layer of PIECES, those of each input, */
    size_t most_pieces;    /* of which none has more than these */
    size_t weights, parameters,
        running; /* numbers of floats; weights come first among the parameters */
} ls_network;

#endif
