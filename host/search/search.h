/* SPDX-License-Identifier: MIT */
/* Search over options: which networks to try, on which rows each is trained and scored, and which
 * of them go on. A search is a function of the data, the space and its settings: neither the device
 * nor the order in which trials end changes a bit. */
#ifndef LS_SEARCH_H
#define LS_SEARCH_H

#include "host/base/text.h"
#include "host/network/settings.h"

/* ---- Spaces (search_space.c): what each option may take -------------------------------------- */

/* One alternative: a value, or a range of numbers. */
typedef struct {
    char **point; /* points texts: the value, or the range's points in a grid */
    size_t points;
    bool range, log;
    double low, high; /* of a range, both included */
} ls_piece;

/* An option with more than one possible value. */
typedef struct {
    size_t option; /* as in ls_option_at */
    char *text;    /* as it was given */
    bool whole;    /* takes whole numbers */
    ls_piece *piece;
    size_t pieces;
} ls_dimension;

typedef struct {
    ls_options *base;        /* what every trial has in common */
    ls_dimension *dimension; /* in the order of the table of options */
    size_t count;
    bool *given;         /* ls_option_count(): set by ls_space_set */
    ls_options *scratch; /* where values are checked */
} ls_space;

/* A space of one point: all options at their defaults. */
ls_status ls_space_create(ls_space **out, ls_error *err);
void ls_space_free(ls_space *space);

/* Sets an option to a value ("relu"), alternatives ("relu|tanh"), or a range ("1e-4..1e-1:log",
 * "1..9", "0..1:5" with 5 points in a grid); alternatives may be ranges. Errors: LS_ERR_ARGUMENT as
 * ls_options_set has them, and for ranges that are none. */
ls_status ls_space_set(ls_space *space, const char *name, const char *text, ls_error *err);

/* Where no option has alternatives: gives them to those of hidden, lr and activation that were not
 * set. */
ls_status ls_space_default(ls_space *space, ls_error *err);

/* Number of points of the grid (SIZE_MAX where it is larger), and whether there are no others: no
 * ranges. */
size_t ls_space_points(const ls_space *space);
bool ls_space_is_finite(const ls_space *space);

/* Values of grid point i, the last option fastest, or of the draw (trial, attempt) under a seed.
 * value: count texts, each freed with free(); on failure none is left. A draw is a function of its
 * arguments, and each option's of its own number. */
ls_status ls_space_grid(const ls_space *space, size_t i, char **value, ls_error *err);
ls_status ls_space_draw(const ls_space *space, uint64_t seed, size_t trial, size_t attempt,
                        char **value, ls_error *err);

/* ---- Searches (search.c) --------------------------------------------------------------------- */

typedef enum { LS_SEARCH_GRID, LS_SEARCH_RANDOM, LS_SEARCH_HALVING } ls_strategy;
extern const char *const ls_strategy_names[]; /* NULL-terminated */

typedef enum {
    LS_SCORE_ACCURACY,
    LS_SCORE_PRECISION,
    LS_SCORE_RECALL,
    LS_SCORE_F1,
    LS_SCORE_AUC,
    LS_SCORE_LOSS,
    LS_SCORE_MACRO_F1,
    LS_SCORE_WEIGHTED_F1,
    LS_SCORE_LOG_LOSS,
    LS_SCORE_BRIER,
    LS_SCORES
} ls_score;
extern const char *const ls_score_names[]; /* NULL-terminated */

typedef struct {
    int strategy;   /* ls_strategy */
    int metric;     /* ls_score: what trials are ranked by */
    size_t trials;  /* 0: all of a grid, else 50 */
    size_t seeds;   /* trainings of each trial, with its seed, its seed + 1, ... */
    size_t folds;   /* 0: one held-out part */
    double holdout; /* share of the rows in it */
    size_t eta;     /* halving: one in eta goes on */
    uint64_t seed;  /* of draws and folds */
} ls_search_settings;
extern const ls_search_settings ls_search_defaults;

typedef enum {
    LS_TRIAL_WAITING,
    LS_TRIAL_SCORED,
    LS_TRIAL_DIVERGED, /* one of its trainings did */
    LS_TRIAL_REFUSED   /* its options do not fit together */
} ls_trial_state;

typedef struct {
    ls_trial_state state;
    char **value;                          /* one a dimension */
    size_t rung;                           /* rungs behind it, the one it diverged in included */
    double mean[LS_SCORES], sd[LS_SCORES]; /* over its trainings; sd is NaN for a single one */
    double epochs, steps;                  /* means over its trainings */
    uint64_t parameters;
    double seconds;   /* of all its trainings */
    char weights[65]; /* hash of the first training's weights */
    char *reason;     /* why it diverged or was refused, or NULL */
    size_t *member;   /* its trainings in the fleet, or NULL */
} ls_trial;

/* A stage of the search: the best `trials` train until `until` epochs (0: to their end). One stage,
 * but for halving. */
typedef struct {
    size_t trials;
    uint64_t until;
} ls_rung;
enum { LS_MOST_RUNGS = 64 };

typedef struct ls_search {
    const ls_space *space;
    ls_search_settings how;
    const ls_data *data;
    ls_data **train, **held; /* parts of each: rows to train on, and rows to score on */
    size_t parts, members;   /* members = seeds × parts: trainings of a trial */
    ls_trial *trial;
    size_t trials;
    ls_rung rung[LS_MOST_RUNGS];
    size_t rungs;
    size_t at, working; /* rung that the last wave was on, and trainings in it */
    size_t wave;        /* trainings at once */
    ls_fleet *fleet;
    ls_device *judge; /* scores models */
} ls_search;

/* Chooses the trials and parts the rows; data and space must outlive the search. Errors:
 * LS_ERR_ARGUMENT for settings that do not go with each other or the data, and where no trial's
 * options fit together. */
ls_status ls_search_create(const ls_space *space, const ls_search_settings *how,
                           const ls_data *data, ls_search **out, ls_error *err);
void ls_search_free(ls_search *search);

/* Makes ready to train on a device, which must outlive the search. */
ls_status ls_search_start(ls_search *search, ls_device *device, ls_error *err);

/* Trains and scores the next wave of trials; *finished: there is none left. The callback may stop
 * it: trials whose trainings are complete then count, others will be trained in a later wave. */
ls_status ls_search_step(ls_search *search, ls_fleet_callback callback, void *user, bool *finished,
                         ls_error *err);

/* All trials, best first: by rung, then by the metric, then by number; diverged, refused and
 * waiting ones last. */
ls_status ls_search_rank(const ls_search *search, size_t *order, ls_error *err);

/* Trials with a result. */
size_t ls_search_count(const ls_search *search);

/* Whether larger is better. */
bool ls_score_larger(int metric);

/* Options of a trial's training with the seed it was given plus `seed`. */
ls_status ls_search_options(const ls_search *search, size_t trial, size_t seed, ls_options **out,
                            ls_error *err);

/* Stages of halving for so many trials and epochs, at most LS_MOST_RUNGS; returns how many there
 * are. */
size_t ls_halving(size_t trials, uint64_t epochs, size_t eta, ls_rung *rung);

/* ---- Keeping (search_state.c) ---------------------------------------------------------------- */

/* SHA-256 of all that determines the results. arithmetic: "exact", or what else names it. */
void ls_search_key(const ls_search *search, const char *arithmetic, char hex[65]);

/* Results so far to and from text. Reading refuses what is damaged or belongs to another search;
 * name: of the file, for messages. */
void ls_search_write(const ls_search *search, const char key[65], ls_text *out);
ls_status ls_search_read(ls_search *search, const char key[65], const char *name, char *text,
                         ls_error *err);
bool ls_search_is_state(const char *text);

/* The table of trials as CSV, one row a trial that has a result. */
ls_status ls_search_table(const ls_search *search, ls_text *out, ls_error *err);

#endif
