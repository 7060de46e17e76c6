/* SPDX-License-Identifier: MIT */
/* Chooses an ensemble from a pool of trials by what they predict on held-out rows: greedily and
 * with replacement (Caruana et al., Ensemble selection from libraries of models, ICML 2004). */
#ifndef LS_AUTO_SELECT_H
#define LS_AUTO_SELECT_H

#include "host/base/error.h"

/* Of one trial, on the held-out rows. */
typedef struct {
    /* [values] Classes and labels: the probability of what is true; numbers: the standardised
     * error. The mean over trials is that of the ensemble. */
    const float *evidence;
} ls_candidate;

/* Mean loss of a mean of candidates: -log of the probability, or the squared error.
 * sum[values] = Σ times·evidence; count: Σ times. */
double ls_evidence_loss(const double *sum, size_t values, double count, bool numbers);

/* times[count]: how often each candidate counts. The first picks are the best few by themselves, at
 * most `picks` in all; the prefix with the least loss is kept. *loss receives it. */
ls_status ls_choose_ensemble(const ls_candidate *candidate, size_t count, size_t values,
                             bool numbers, size_t picks, uint64_t *times, double *loss,
                             ls_error *err);

/* The temperature from 1/4 to 4, a whole number of 64ths of its inverse, that gives the
 * probabilities p[rows × width] (width 1: of the second class) the least log-loss, which *loss
 * receives. y[rows]: the classes. */
double ls_fit_temperature(const float *p, const int32_t *y, size_t rows, size_t width,
                          double *loss);

/* The log-loss of these probabilities at a temperature. */
double ls_calibrated_loss(const float *p, const int32_t *y, size_t rows, size_t width,
                          double temperature);

#endif
