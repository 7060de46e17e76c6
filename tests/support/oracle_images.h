/* SPDX-License-Identifier: MIT */
/* Networks of images in double precision, written from the published formulas alone, with which
 * training is compared. As oracle.h, it shares nothing with the product: images lie channel by
 * channel (NCHW), weights of convolutions by output channel, input channel, row, column, and the
 * network is a list of single operations, each of which reads one or two before it. */
#ifndef SUPPORT_ORACLE_IMAGES_H
#define SUPPORT_ORACLE_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    NODE_INPUT,
    NODE_CONV,
    NODE_DENSE,
    NODE_NORM,
    NODE_ACT,
    NODE_DROP,
    NODE_MAX,
    NODE_MEAN,
    NODE_FLAT,
    NODE_ADD
} node_kind;

typedef struct {
    node_kind kind;
    int from, other;                /* nodes that it reads; other: of ADD */
    size_t channels, height, width; /* of its output */
    size_t kernel[2], stride[2], dilation[2], before[2], groups;
    bool bias;
    double (*act)(double z), (*slope)(double z);
    double rate;               /* of DROP */
    size_t theta, beta;        /* offsets: weights or gamma; bias or beta */
    size_t running;            /* NORM: offset of the mean; the variance follows after `channels` */
    double *value, *gradient;  /* rows × channels × height × width */
    double *mean, *variance;   /* NORM: of the batch */
    const unsigned char *kept; /* DROP: per value, 1 or 0; set by the caller */
    double fault;              /* factor on its gradient, 1 for a correct one */
} node;

enum { NODES = 40 };

typedef struct {
    node node[NODES];
    size_t nodes, parameters, running_count, rows; /* rows: that there is space for */
    bool squares; /* loss: squared errors instead of softmax and cross-entropy */
    double *theta, *running;
} image_net;

/* Builds a network from items separated by ';', on images of that shape:
 *   c OUT KH KW SH SW TOP LEFT BOTTOM RIGHT DH DW GROUPS   convolution; C: without bias
 *   d OUT           dense layer;  D: without bias        n       batch normalisation
 *   a NAME          activation                           o RATE  dropout
 *   m KH KW SH SW TOP LEFT BOTTOM RIGHT                  largest value; v: mean of what is inside
 *   f               flatten, in the order (row, column, channel)
 *   [               what comes here is added at ];   [ followed by c or d: after that operation
 */
image_net *image_net_new(const char *text, size_t channels, size_t height, size_t width,
                         size_t rows);
void image_net_free(image_net *n);

static inline size_t node_size(const node *n) { return n->channels * n->height * n->width; }

/* Mean loss of a batch. x: rows × the input's values; t: rows × outputs. training: batch norm uses
 * the batch's statistics, and dropout drops. */
double image_net_loss(image_net *n, const double *theta, const double *x, const double *t,
                      size_t rows, bool training);
/* The gradient of the loss, after image_net_loss of the same rows in training. */
void image_net_gradient(image_net *n, const double *theta, const double *t, size_t rows,
                        double *gradient);
/* Moves the running averages towards the statistics of the last batch. */
void image_net_move(image_net *n);
/* Probabilities, or values, after image_net_loss. */
void image_net_outputs(const image_net *n, size_t rows, double *out);

#endif
