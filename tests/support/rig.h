/* SPDX-License-Identifier: MIT */
/* One training run in the product, by its plan on the CPU path, and in the oracle, side by side. */
#ifndef SUPPORT_RIG_H
#define SUPPORT_RIG_H

#include "host/network/backend.h"
#include "host/network/network.h"
#include "tests/support/oracle.h"

typedef struct {
    const char *name;
    /* "name=value name=value", as on the command line. With no classes, "numbers=3" or "labels=3"
     * gives the number of targets, and "row-weights=on" weights to the rows. */
    const char *options;
    size_t rows, features, classes;
} rig_case;

typedef struct {
    const rig_case *c;
    size_t numbers, labels; /* number of targets of this kind; both 0 for classes */
    bool row_weights;
    size_t pieces; /* of each input, with an embedding: even ones from -2 to 2; otherwise 0 */
    ls_options *options;
    ls_network net;
    ls_plan *plan;
    ls_backend *cpu;
    ls_workspace *workspace;
    float *x, *t, *weight; /* the data; weight is NULL if all weights are 1 */
    int32_t *y;            /* classes */
    float *start, *state;  /* the product's state: before the first step, and as last read */
    oracle *truth;
    uint64_t seed, steps; /* steps: number of steps that the product has run */
    size_t batch;         /* rows per step */
    bool shuffle;
} rig;

/* The oracle's input for one step; owns all of it. */
typedef struct {
    oracle_batch batch;
    double *x, *t, *weight;
    unsigned char *kept[ORACLE_LAYERS];
} rig_batch;

/* Largest errors of the product, each relative to the largest reference value in the same tensor.
 * For parameters and running averages, the reference value is the change since the start, and the
 * rounding of each step's result is subtracted from the error. */
typedef struct {
    double parameters, states, running, losses;
} rig_errors;

rig *rig_open(const rig_case *c);
void rig_close(rig *r);

/* The batch of a step, counted from 0, as doubles. */
void rig_batch_open(const rig *r, uint64_t step, rig_batch *out);
void rig_batch_close(rig_batch *b);

/* The learning rate of a step in rig_run: changes from step to step. */
double rig_rate(const rig *r, uint64_t step);

/* Runs `count` more steps, 16 at most, in both; *errors are those after the last, losses those of
 * all `count`. */
void rig_run(rig *r, size_t count, rig_errors *errors);
/* Runs only the product's part, and returns its losses; r->state is up to date afterwards. */
void rig_run_product(rig *r, size_t count, float *losses);

/* The larger of two errors; NaN is larger than any. */
double rig_worse(double a, double b);

/* Number of tensors of a layer (weight, then bias or gamma and beta) and the k-th one's offsets
 * among the parameters. */
size_t rig_tensors(const rig *r, size_t layer);
size_t rig_tensor(const rig *r, size_t layer, size_t k, size_t *product, size_t *truth);

/* Copies parameters (or an array of the same shape) from the product's order to the oracle's. */
void rig_to_truth(const rig *r, const float *from, double *to);

/* Rows with classes that depend on the features; the same on every machine. y: class numbers. */
void rig_data(size_t rows, size_t features, size_t classes, float *x, int32_t *y);

/* A schedule of the learning rate; fields are named after the options. */
typedef struct {
    const char *kind;
    double base, min, factor;
    uint64_t warmup, every, epochs, per_epoch;
} rig_schedule;

/* The rate of a step, counted from 0. reductions: number of plateau's reductions so far. */
double rig_rate_of(const rig_schedule *s, uint64_t step, int reductions);
/* The schedule as options; text: at least 300 bytes. */
void rig_schedule_text(const rig_schedule *s, char *text);
/* The product's options from "name=value name=value". */
ls_options *rig_options(const char *text);

#endif
