/* SPDX-License-Identifier: MIT */
/* Results of the experiments: metrics of each run and their statistics over the seeds. */
#ifndef LS_CLI_EXPERIMENT_RESULT_H
#define LS_CLI_EXPERIMENT_RESULT_H

#include "host/cli/experiment/table.h"

typedef enum {
    EXP_ACCURACY,
    EXP_PRECISION,
    EXP_RECALL,
    EXP_F1,
    EXP_LOSS,
    EXP_LOSS_SUM,
    EXP_ERROR,
    EXP_MARK,      /* the loss recorded last but one (exp_row.every) */
    EXP_FIT,       /* accuracy on the training rows */
    EXP_THIRTIETH, /* epochs until the loss is 30 % of the first loss */
    EXP_FAILED,    /* 1 if the loss did not fall, otherwise 0 */
    EXP_METRICS
} exp_metric;

/* Name of a metric in files, and its title in tables. */
const char *exp_metric_name(exp_metric metric);
const char *exp_metric_title(exp_metric metric);
/* Returns true if larger values of a metric are better. */
bool exp_metric_larger_is_better(exp_metric metric);

enum { EXP_MARKS = 32, EXP_MOST_SEEDS = 1000 };

/* One training. Metrics that it does not have are NaN. */
typedef struct {
    double metric[EXP_METRICS];
    ls_history_point *history; /* NULL if it diverged */
    size_t points;
    double mark[EXP_MARKS]; /* the loss after every `every` epochs */
    size_t marks;
    ls_model *model; /* of the first seed, for plots */
    size_t member;
    bool diverged;
} exp_run;

/* The runs of a row, one per seed, with mean, sample standard deviation and median of each metric
 * over the `counted` runs that have it. */
typedef struct {
    const exp_row *row;
    exp_run *run;
    double mean[EXP_METRICS], sd[EXP_METRICS], median[EXP_METRICS];
    size_t counted[EXP_METRICS];
    size_t diverged;
    uint64_t epochs;
    const ls_data *train, *test; /* of the first seed */
} exp_result;

/* What the command line asks for. */
typedef struct {
    const char *folder, *datasets;
    size_t seeds;
    bool quick, quiet;
    char letters[16]; /* of the experiments */
} exp_order;

typedef struct {
    const exp_order *order;
    exp_result *result;
    size_t results, trainings;
    struct exp_cache *cache;
    uint64_t steps;
    double seconds;
} exp_session;

/* Computes mean, deviation and median of each metric over the runs. */
void exp_summarize(exp_result *result, size_t seeds);
/* Number of a row's runs whose loss did not fall. */
size_t exp_failures(const exp_result *result);
/* Median training loss over a row's seeds at the k-th point of the history. Returns false past the
 * end, or if seeds stopped at different epochs. */
bool exp_median_loss(const exp_session *session, const exp_result *result, size_t k,
                     uint64_t *epoch, double *loss);

#endif
