/* SPDX-License-Identifier: MIT */
/* The measurement of a candidate (choice.h): which rounds are samples, and when there are enough of
 * them. */
#ifndef LS_TRIAL_H
#define LS_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned rounds;       /* since members moved there */
    unsigned returns;      /* times that members went back while it built */
    uint64_t builds;       /* builds that had ended after the last round */
    unsigned build_rounds; /* during which builds ended */
    size_t measured;       /* samples taken, of the candidate or of the best that is confirmed */
    double least_pace;     /* of the candidate's samples: seconds per unit of cost */
    double longest_sample; /* seconds */
    double settled;        /* seconds of samples since its pace became less */
    double lost;           /* seconds that it cost */
} ls_trial;

/* What a trial is judged by. */
typedef struct {
    double best;    /* pace of the best candidate */
    double left;    /* seconds of training that remain on it */
    bool gpu;       /* the candidate is a GPU */
    bool at_once;   /* it has its full speed at once: it need not settle */
    bool promising; /* it was far ahead while it was warmed up */
} ls_trial_rule;

/* Members move to the candidate, of which so many builds have ended. Earlier samples are kept. */
void ls_trial_begin(ls_trial *trial, uint64_t builds);
/* Whether a round is no sample: one during which a build ended, and the first one unless it is
 * long. builds: that have ended after it. */
bool ls_trial_is_no_sample(ls_trial *trial, uint64_t builds, double seconds);
/* A sample of some seconds. The least pace counts: disturbances only add time, and devices become
 * faster as they find the best way to run the steps. */
void ls_trial_note(ls_trial *trial, double seconds, double pace);
/* Whether there are samples enough to judge by; close results are measured for longer. */
bool ls_trial_is_enough(const ls_trial *trial, const ls_trial_rule *rule);
/* Whether a candidate that is slower need not be given more time to become faster: it had some time
 * without becoming faster, unless it is promising, or it costs too much. */
bool ls_trial_has_settled(const ls_trial *trial, const ls_trial_rule *rule);

#endif
