/* SPDX-License-Identifier: MIT */
/* Prints a search while it runs and when it has ended. */
#ifndef LS_CLI_CMD_SEARCH_OUTPUT_H
#define LS_CLI_CMD_SEARCH_OUTPUT_H

#include "host/cli/base/device_report.h"
#include "host/cli/base/losses.h"
#include "host/cli/base/source.h"
#include "host/search/search.h"
#include <stdbool.h>

typedef struct {
    source_options source;
    ls_space *space;
    const char *data, *save, *report, *state, *oof, *strategy, *metric;
    int restart;
    long long trials, seeds, folds, eta, search_seed, top;
    double holdout;
} search_arguments;

/* The search and its results. */
typedef struct {
    ls_data *data;
    ls_device *device;
    device_report report; /* of the search, not of the final training */
    ls_search *search;
    ls_model *model; /* the best network, trained on all rows; NULL without -o or if the search was
                        interrupted */
    size_t *order;   /* trials, best first */
    bool complete;
    double seconds;
    const char *model_path; /* where the model is, or NULL */
    char *rescued;          /* the same if its own place could not be written */
    char hash[65];          /* of the bytes of its file */
    bool state_kept;        /* the state has been written */
    losses lost;            /* files that could not be written */
} search_work;

/* The leaderboard, redrawn in place on a terminal. */
typedef struct {
    const ls_search *search;
    bool live;
    size_t top;
    double started, drawn;
} search_view;

/* Draws the leaderboard, at most five times per second. */
void search_view_draw(search_view *view, const ls_fleet_progress *progress);

/* The best trial, or NULL if no trial has a score. */
const ls_trial *search_best(const search_work *w);

/* The command "lockstep train DATA ..." that trains the best network on all rows. Freed with
 * free(); NULL if memory runs out. */
char *search_command(const search_arguments *a, const search_work *w);

void search_print_text(const search_arguments *a, const search_work *w);
/* Returns EXIT_OK or EXIT_FAILED. */
int search_print_json(const search_arguments *a, const search_work *w);

#endif
