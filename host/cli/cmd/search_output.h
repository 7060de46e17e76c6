/* SPDX-License-Identifier: MIT */
/* How a search is shown (cmd_search_output.c). */
#ifndef LS_CLI_CMD_SEARCH_OUTPUT_H
#define LS_CLI_CMD_SEARCH_OUTPUT_H

#include "host/cli/base/device_report.h"
#include "host/cli/base/source.h"
#include "host/search/search.h"
#include <stdbool.h>

typedef struct {
    source_options source;
    ls_space *space;
    const char *data, *save, *report, *state, *strategy, *metric;
    int restart;
    long long trials, seeds, folds, eta, search_seed, top;
    double holdout;
} search_arguments;

/* What is at work and what came of it; freed by the command. */
typedef struct {
    ls_data *data;
    ls_device *device;
    device_report report; /* of the search, not of training the best */
    ls_search *search;
    ls_model *model; /* of the best on all rows, where it was asked for and the search ended */
    size_t *order;   /* trials, best first */
    bool complete;
    double seconds;
} search_work;

/* The leaderboard that is rewritten in place on a terminal. */
typedef struct {
    const ls_search *search;
    bool live;
    size_t top, lines; /* lines: on the screen now */
    double started, drawn;
} search_view;

/* Draws it, at most five times a second. */
void search_view_draw(search_view *view, const ls_fleet_progress *progress);
void search_view_clear(search_view *view);

/* The best trial, or NULL where none has a score. */
const ls_trial *search_best(const search_work *w);

/* "lockstep train DATA …": repeats the best trial's training on all rows. Freed with free(); NULL
 * where memory is out. */
char *search_command(const search_arguments *a, const search_work *w);

void search_print_text(const search_arguments *a, const search_work *w);
void search_print_json(const search_arguments *a, const search_work *w);

#endif
