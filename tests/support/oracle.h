/* SPDX-License-Identifier: MIT */
/* A network in double precision, written from the formulas alone, with which training is compared.
 * It shares nothing with the product: not its headers, memory layout, order of operations or
 * parsing. It is clear rather than fast, as the networks of the tests are small. */
#ifndef SUPPORT_ORACLE_H
#define SUPPORT_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORACLE_LAYERS = 8 };

typedef struct {
    size_t in, out;
    double (*act)(double z), (*slope)(double z);
    bool norm;
    int skip;              /* the layer whose output is added to this one's, or -1 */
    size_t weight, bias;   /* offsets in theta: in × out, and out (without norm) */
    size_t gamma, beta;    /* out each, with norm */
    size_t mean, variance; /* offsets in running, with norm */
} oracle_layer;

typedef enum { ORACLE_BCE, ORACLE_CE, ORACLE_MSE, ORACLE_MAE, ORACLE_HUBER } oracle_loss;
typedef enum { ORACLE_SIGMOID, ORACLE_SOFTMAX, ORACLE_IDENTITY } oracle_output;

typedef struct {
    /* Options, set by oracle_set. */
    size_t hidden[ORACLE_LAYERS], hidden_count;
    char activation[ORACLE_LAYERS][16];
    size_t activation_count;
    char optimizer[16], loss_name[16], output_name[16];
    double rate, momentum, rho, beta1, beta2, epsilon, weight_decay;
    double dropout, l1, l2, max_norm, clip, huber_delta, label_smoothing;
    bool bias_correction, mean, batch_norm, residual;
    /* Derived from the options by oracle_build. */
    oracle_loss loss;
    oracle_output output;
    size_t features, outputs, layers;
    oracle_layer layer[ORACLE_LAYERS];
    size_t parameters, running_count;
    double *theta;          /* parameters */
    double *running;        /* running averages of batch norm: mean 0 and variance 1 at the start */
    double *first, *second; /* velocity; average of squares (rmsprop: first); adam's m and v */
    uint64_t steps;         /* completed so far */
    double peak[ORACLE_LAYERS]; /* largest |pre-activation| of each layer in the last step */
    /* Factor on a layer's activation derivative, 1 for a correct one. Tests that the tests detect
     * errors. */
    double fault[ORACLE_LAYERS];
} oracle;

/* One batch. With dropout, kept[i] says for layer i (rows × out) which outputs are kept: 1 or 0. */
typedef struct {
    size_t rows;
    const double *x, *t;  /* rows × features, rows × outputs */
    const double *weight; /* rows, or NULL: all 1 */
    const unsigned char *const *kept;
} oracle_batch;

/* All options at their documented defaults. */
oracle *oracle_new(void);
/* Sets an option from its text; returns false if the option does not affect a step's arithmetic. */
bool oracle_set(oracle *o, const char *name, const char *value);
/* Derives layers and allocates memory; parameters are 0 (gamma 1) until set through theta. */
void oracle_build(oracle *o, size_t features, size_t classes);
/* The same for targets that are numbers, or labels. */
void oracle_build_targets(oracle *o, size_t features, size_t targets, bool labels);
void oracle_free(oracle *o);

/* Loss of a batch: mean (or sum) over the rows of weight × loss, without penalties. Changes
 * nothing. */
double oracle_objective(const oracle *o, const double *theta, const oracle_batch *batch);
/* l1·Σ|w| + l2·Σw² over weights. */
double oracle_penalty(const oracle *o, const double *theta);
/* The gradient of oracle_objective, from formulas derived by hand. */
void oracle_gradient(const oracle *o, const double *theta, const oracle_batch *batch,
                     double *gradient);
/* One step of training; returns the objective before it. */
double oracle_step(oracle *o, const oracle_batch *batch, double rate);
/* Outputs (rows × outputs) and losses (rows) as at inference; either may be NULL. */
void oracle_infer(const oracle *o, const double *x, const double *t, size_t rows, double *outputs,
                  double *losses);

/* Zeroed doubles; aborts if memory runs out. */
double *oracle_alloc(size_t count);

#endif
