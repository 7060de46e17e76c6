/* SPDX-License-Identifier: MIT */
/* Several networks that predict together. Their model has no network of its own: `network` is then
 * one without hidden layers and values, which says what goes in and comes out. */
#ifndef LS_ENSEMBLE_H
#define LS_ENSEMBLE_H

#include "host/model/model.h"

enum { LS_MOST_MEMBERS = 10000 };

struct ls_ensemble {
    size_t members;
    ls_model **member;  /* [members], of the same task, inputs and targets */
    uint64_t *times;    /* [members] how often each counts in the mean, at least 1 */
    double temperature; /* of classes: divides the logits of the mean probabilities; > 0 */
};

/* A model of these members, which it owns, even if this fails; `named` says what rows look like:
 * names, encoder, targets, standardisation. Its values of `summary` are the sums of the members'.
 * Errors: LS_ERR_ARGUMENT if there are more than LS_MOST_MEMBERS. */
ls_status ls_ensemble_create(ls_model **member, const uint64_t *times, size_t members,
                             double temperature, const ls_model *named, ls_model **out,
                             ls_error *err);

/* Rooms for members in a model without them. */
ls_status ls_ensemble_reserve(ls_model *model, size_t members, ls_error *err);
void ls_ensemble_free(ls_ensemble *ensemble);
/* A deep copy into a model without members. */
ls_status ls_ensemble_copy(const ls_ensemble *from, ls_model *to, ls_error *err);

/* Network number `i` of a model, which is itself without members, and the number of them. */
size_t ls_model_networks(const ls_model *model);
const ls_model *ls_model_network(const ls_model *model, size_t i);

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
