/* SPDX-License-Identifier: MIT */
/* Numbers as normal scores: each input has knots, values of the training rows at even shares of
 * their order, and what these become. Between knots it is linear, beyond the outermost constant. */
#ifndef LS_QUANTILES_H
#define LS_QUANTILES_H

#include "host/base/error.h"

/* Knots of an input, at most; and of all inputs, so that they fit into a model file. */
enum { LS_MOST_KNOTS = 256, LS_MOST_KNOTS_TOGETHER = 1000000 };

typedef struct {
    size_t inputs, room; /* room: knots that fit */
    size_t *first; /* [inputs + 1]: knots of input i are those from first[i] up to first[i + 1];
                      categories have none */
    double *x, *z; /* values, ascending, and their scores, ascending */
} ls_quantiles;

/* For inputs that are added one after the other. knots: room for so many. */
ls_status ls_quantiles_create(size_t inputs, size_t knots, ls_quantiles **out, ls_error *err);
ls_status ls_quantiles_copy(const ls_quantiles *from, ls_quantiles **out, ls_error *err);
void ls_quantiles_free(ls_quantiles *quantiles);

/* Knots of each of `numbers` inputs of `rows` training rows, at most. */
size_t ls_quantiles_knots(size_t rows, size_t numbers);
/* Fits input `input`, the next one, to `count` sorted values: knot k of K = `knots` is the value at
 * share k/(K - 1) of the way, and becomes score[k] (ls_normal_scores). Equal knots become one, with
 * the mean of the first and the last of their scores. Without values: one knot, 0 at 0. */
void ls_quantiles_fit(ls_quantiles *quantiles, size_t input, const double *sorted, size_t count,
                      const double *score, size_t knots);
/* Input `input`, the next one, is of a category. */
void ls_quantiles_skip(ls_quantiles *quantiles, size_t input);

/* The score of a value; input has knots. */
double ls_quantiles_score(const ls_quantiles *quantiles, size_t input, double value);

/* The value at a share of the way through sorted ones, as numpy's default. */
double ls_quantile(const double *sorted, size_t count, double share);
/* score[k] = the normal quantile of (k + 1/2)/count, for k below count; exact operations alone. */
void ls_normal_scores(size_t count, double *score);

#endif
