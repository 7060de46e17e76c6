/* SPDX-License-Identifier: MIT */
/* The published experiments: what is trained is data (experiment_table.c), how it is run and told
 * is the same for all. */
#ifndef LS_CLI_EXPERIMENT_H
#define LS_CLI_EXPERIMENT_H

#include "host/cli/base/cli.h"

/* Where rows come from. The seed of an experiment's run is the data's seed too, so that the spread
 * over the seeds is that of both. */
typedef struct {
    const char *name;      /* what tables call it */
    const char *generator; /* NULL: the files three-class-train.csv and three-class-test.csv */
    size_t rows;
    double noise;    /* negative: the generator's default */
    double held_out; /* share of the rows to measure on; 0: measured on the training rows */
} exp_data;

/* One line of a table: a network, and what was published about it. */
typedef struct {
    const char *experiment; /* "R" */
    const char *group;      /* rows of a group are drawn together: "lr" */
    const char *name;
    const exp_data *data;  /* NULL: open, `why` says for what it waits */
    const char *options;   /* "hidden=none lr=1" */
    const char *published; /* "accuracy=0.7 loss=0.018", "accuracy=0.85..0.9", or "" */
    const char *why;       /* why a published figure is not reached, where it is not */
    uint64_t every;        /* print the loss every so many epochs; 0: do not */
} exp_row;

typedef enum { EXP_CURVES, EXP_PANELS, EXP_THIRTY } exp_kind;

/* One picture: the rows of a group. */
typedef struct {
    const char *experiment, *group, *name;
    exp_kind kind;
    const char *title, *label; /* label: of the axis of losses */
} exp_picture;

/* What an experiment is about, as paragraphs of the page. */
typedef struct {
    const char *letter, *title, *about, *found;
} exp_text;

extern const exp_row exp_rows[];
extern const size_t exp_row_count;
extern const exp_picture exp_pictures[];
extern const size_t exp_picture_count;
extern const exp_text exp_texts[];
extern const size_t exp_text_count;

/* ---- Results --------------------------------------------------------------------------------- */

typedef enum {
    EXP_ACCURACY,
    EXP_PRECISION,
    EXP_RECALL,
    EXP_F1,
    EXP_LOSS,
    EXP_LOSS_SUM,
    EXP_ERROR,
    EXP_MARK,
    EXP_FIT,
    EXP_THIRTIETH,
    EXP_FAILED,
    EXP_FIGURES
} exp_figure;

/* Name of a figure in files, and in tables. */
const char *exp_figure_name(exp_figure figure);
const char *exp_figure_title(exp_figure figure);

enum { EXP_MARKS = 32, EXP_MOST_SEEDS = 1000 };

/* One training. Figures that it has not are NaN. */
typedef struct {
    double figure[EXP_FIGURES];
    ls_history_point *history; /* NULL where it diverged */
    size_t points;
    double mark[EXP_MARKS]; /* losses at every `every` epochs */
    size_t marks;
    ls_model *model; /* kept for the first seed where a picture shows it */
    size_t member;
    bool diverged;
} exp_run;

/* A row's runs, one a seed, and their mean, sample standard deviation and median over those that
 * have the figure. */
typedef struct {
    const exp_row *row;
    exp_run *run;
    double mean[EXP_FIGURES], sd[EXP_FIGURES], median[EXP_FIGURES];
    size_t counted[EXP_FIGURES];
    size_t diverged;
    uint64_t epochs;
    const ls_data *train, *test; /* of the first seed */
} exp_result;

typedef struct {
    const char *folder, *datasets;
    size_t seeds;
    bool quick, quiet;
    char letters[16]; /* which experiments */
} exp_order;

typedef struct {
    const exp_order *order;
    exp_result *result;
    size_t results, trainings;
    struct exp_cache *cache;
    uint64_t steps;
    double seconds;
} exp_session;

/* Trains all that the order asks for, as one fleet (experiment_run.c). */
ls_status exp_session_run(exp_session *session, ls_device *device, ls_error *err);
void exp_session_free(exp_session *session);
/* The median of n values, which it sorts. */
double exp_middle(double *value, size_t n);

/* ---- Tables (experiment_tables.c) ------------------------------------------------------------ */

typedef enum { EXP_REACHED, EXP_BETTER, EXP_NOT_REACHED, EXP_OPEN } exp_verdict;
typedef struct {
    exp_figure figure;
    double low, high; /* published, a range or one number twice */
} exp_claim;

/* The claims of a row's `published`; returns their number. */
size_t exp_claims(const exp_row *row, exp_claim claim[EXP_FIGURES]);
exp_verdict exp_judge(const exp_result *result, const exp_claim *claim);
/* How many of a row's runs are, each by itself, as good as what was published. */
size_t exp_as_good(const exp_result *result, size_t seeds, const exp_claim *claim);
const char *exp_verdict_name(exp_verdict verdict);
/* "0.994 ± 0.008" in as many digits as say something, with a word where not all seeds have the
 * figure. */
void exp_show(const exp_result *result, size_t seeds, exp_figure figure, char out[64]);
/* The same with the median, where that is what is judged. */
void exp_show_judged(const exp_result *result, size_t seeds, const exp_claim *claim, char out[96]);
void exp_show_claim(const exp_claim *claim, char out[64]);
/* The verdict with its reason. */
void exp_show_verdict(const exp_session *session, const exp_result *result, const exp_claim *claim,
                      char out[600]);
/* Columns of the table of all rows, and how many of a row's runs failed. */
enum { EXP_COLUMNS = 5 };
extern const exp_figure exp_columns[EXP_COLUMNS];
size_t exp_failures(const exp_result *result);
/* The text of an experiment. */
const exp_text *exp_text_of(const char *letter);
/* DIR/R.csv, DIR/R-curves.csv, DIR/R-losses.csv and DIR/R.md for each experiment. */
ls_status exp_write_tables(const exp_session *session, ls_error *err);

/* Median loss over a row's seeds at the k-th point of the history; false past the end or where
 * seeds stopped at different epochs. */
bool exp_median(const exp_session *session, const exp_result *result, size_t k, uint64_t *epoch,
                double *loss);

/* ---- Pictures and the page (experiment_pictures.c, experiment_page.c) ------------------------ */

/* Draws each picture into DIR and keeps its SVG in svg[picture] (freed by the caller; NULL: not
 * drawn). */
ls_status exp_draw(const exp_session *session, char **svg, ls_error *err);
ls_status exp_write_page(const exp_session *session, char *const *svg, ls_error *err);

#endif
