/* SPDX-License-Identifier: MIT */
/* The state of a search, which the files of this folder work on. */
#ifndef LS_SEARCH_TYPES_H
#define LS_SEARCH_TYPES_H

#include "host/search/score.h"
#include "host/search/space.h"

typedef enum { LS_SEARCH_GRID, LS_SEARCH_RANDOM, LS_SEARCH_HALVING } ls_strategy;

typedef struct {
    int strategy;   /* ls_strategy */
    int metric;     /* ls_score that trials are ranked by */
    size_t trials;  /* 0: the whole grid, or 50 draws */
    size_t seeds;   /* trainings per trial, with the trial's seed, seed + 1, ... */
    size_t folds;   /* 0: a single holdout part */
    double holdout; /* its share of the rows; negative: 0.2, or more if that is no row */
    size_t eta;     /* halving: one in eta trials goes on */
    uint64_t seed;  /* of draws and folds */
} ls_search_settings;

typedef enum {
    LS_TRIAL_WAITING,
    LS_TRIAL_SCORED,
    LS_TRIAL_DIVERGED, /* one of its trainings diverged */
    LS_TRIAL_REFUSED   /* its options do not fit together, or not the data */
} ls_trial_state;

/* One combination of options. */
typedef struct {
    ls_trial_state state;
    char **value; /* one per dimension of the space */
    size_t rung;  /* rungs completed, the one it diverged in included */
    /* Over its trainings where the score is not NaN; the mean is NaN for none, sd for fewer than
     * two. */
    double mean[LS_SCORES], sd[LS_SCORES];
    size_t parts[LS_SCORES]; /* trainings where the score is defined (ls_scores_read) */
    double *score; /* [members] each training's score by the metric that trials are ranked by, or
                      NULL: training i has seed i / parts and part i % parts */
    double epochs, steps; /* means over its trainings */
    uint64_t parameters;
    double seconds;   /* sum over its trainings */
    char weights[65]; /* hash of the first training's weights */
    char *reason;     /* why it diverged or was refused, or NULL */
    size_t *member;   /* its trainings in the fleet, or NULL */
} ls_trial;

/* A stage of the search: the best `trials` train until `until` epochs (0: to their end). Only
 * halving has more than one. */
typedef struct {
    size_t trials;
    uint64_t until;
} ls_rung;
enum { LS_MOST_RUNGS = 64 };

typedef struct ls_search {
    const ls_space *space;
    ls_search_settings how;
    const ls_data *data;
    ls_data **train, **held; /* per part: the rows to train on, and the rows to score on */
    size_t parts, members;   /* members = seeds × parts: trainings per trial */
    ls_trial *trial;
    size_t trials;
    ls_rung rung[LS_MOST_RUNGS];
    size_t rungs;
    size_t at, working; /* rung of the last wave, and the trainings in that wave */
    size_t wave_size;   /* largest number of trainings per wave */
    ls_fleet *fleet;
    ls_device *scoring_device;  /* evaluates models */
    struct ls_scorers *scorers; /* several of them, each on a thread (scoring.c) */
} ls_search;

#endif
