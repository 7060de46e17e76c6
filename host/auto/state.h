/* SPDX-License-Identifier: MIT */
/* The state of ls_auto, which the files of this folder work on. */
#ifndef LS_AUTO_STATE_H
#define LS_AUTO_STATE_H

#include "host/auto/select.h"
#include "host/auto/space.h"
#include "host/base/host_mode.h"
#include "host/model/ensemble.h"

typedef enum {
    LS_AUTO_WORKING, /* in the fleet */
    LS_AUTO_DROPPED, /* weak, diverged, or its options do not fit the data */
    LS_AUTO_POOLED   /* trained to its end: what it predicts is in the pool */
} ls_auto_trial_state;

/* A trial is trained once for each part that is held out. */
typedef struct {
    ls_auto_trial_state state;
    size_t *member;   /* [parts] in the fleet */
    ls_model **model; /* [parts] once it is pooled */
    float *outputs;   /* [held × outputs] on the held-out rows: probabilities, or standardised
                         numbers */
    float *evidence;  /* [values] see ls_candidate */
    double score;     /* mean validation loss of the parts at the last rung */
    uint64_t times;   /* in the ensemble */
} ls_auto_trial;

typedef struct {
    ls_auto_control control;
    ls_host_mode *mode;
    const ls_data *data;
    ls_space *space;
    ls_device *scoring; /* evaluates models */
    ls_fleet *fleet;
    ls_model *named; /* untrained, on all rows: names, encoder, standardisation */

    size_t folds, parts; /* parts of the rows, and how many of them are held out in turn */
    ls_data **part;      /* [parts] the rows held out */
    size_t *place;       /* [parts + 1] where the rows of a part begin among the held-out rows */
    size_t held, values; /* held-out rows, values of evidence */
    int32_t *y;          /* [held] classes, or NULL */
    double *target;      /* [held × targets] numbers and labels, or NULL */

    ls_auto_trial *trial;
    size_t trials, planned, room; /* in the list, of which there will be `planned`, or 0 */

    double loss; /* of the ensemble so far; NaN before there is one */
    double started, pace, left;
    bool stopped; /* by the callback */
} ls_auto_run;

/* ---- Held-out rows (held.c) ------------------------------------------------------------------ */

/* Divides the rows. Errors: LS_ERR_ARGUMENT if there are too few. */
ls_status ls_auto_hold_out(ls_auto_run *run, ls_error *err);
/* A trial whose trainings have ended joins the pool, unless one has diverged. */
ls_status ls_auto_pool(ls_auto_run *run, ls_auto_trial *trial, ls_error *err);
/* Chooses the ensemble from the pool: `times` of all trials, and `loss`. */
ls_status ls_auto_choose(ls_auto_run *run, ls_error *err);
/* The model of the chosen ensemble, whose networks it takes from the trials. */
ls_status ls_auto_model(ls_auto_run *run, ls_model **out, ls_error *err);

#endif
