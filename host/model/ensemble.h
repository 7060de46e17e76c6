/* SPDX-License-Identifier: MIT */
/* Several networks that predict together. Their model has no network of its own: `network` is then
 * one without hidden layers and values, which says what goes in and comes out. */
#ifndef LS_ENSEMBLE_H
#define LS_ENSEMBLE_H

#include "host/model/model.h"

/* A model of these members, which it owns, even if this fails; `named` says what rows look like:
 * names, encoder, targets, standardisation. Its values of `summary` are the sums of the members'.
 * Errors: LS_ERR_ARGUMENT if there are more than LS_MOST_MEMBERS. */
ls_status ls_ensemble_create(ls_model **member, const uint64_t *times, size_t members,
                             double temperature, const ls_model *named, ls_model **out,
                             ls_error *err);

/* What member i of the model has predicted joins the sum, sum[rows × outputs]: probabilities, or
 * numbers in units of the targets. */
void ls_ensemble_add(const ls_model *model, size_t i, const float *outputs, size_t rows,
                     double *sum);
/* outputs[rows × outputs] of the model: the mean of its members as probabilities, calibrated by the
 * temperature, or as an output of `network` (a standardised number). */
void ls_ensemble_mean(const ls_model *model, const double *sum, size_t rows, float *outputs);
/* losses[rows] of such outputs: -log of the probability of each target, or squared errors. t:
 * targets as ls_network_targets gives them. */
void ls_ensemble_losses(const ls_model *model, const float *outputs, const float *t, size_t rows,
                        float *losses);

/* Calibrates n probabilities of one row (one: that of the second class) by 1/temperature, in
 * place. Guo et al., arXiv 1706.04599. */
void ls_calibrate(float *p, size_t n, float inverse);

#endif
