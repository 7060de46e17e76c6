/* SPDX-License-Identifier: MIT */
/* The values of the options. host/network/options.c has the table of names, ranges and defaults. */
#ifndef LS_SETTINGS_H
#define LS_SETTINGS_H

#include "host/base/error.h"
#include "host/network/net.h"

enum { LS_AUTO = -1 };
#define LS_BATCH_AUTO UINT64_MAX
#define LS_COUNT_AUTO UINT64_MAX /* of options whose default is "auto" */

typedef enum { LS_ORDER_SHUFFLE, LS_ORDER_FILE } ls_order;
/* How the losses of a batch's rows become its loss. */
typedef enum { LS_REDUCE_MEAN, LS_REDUCE_SUM } ls_reduction;
/* BALANCED: inversely proportional to the number of rows of a class. GIVEN: settings.class_weight.
 */
typedef enum { LS_WEIGHTS_NONE, LS_WEIGHTS_BALANCED, LS_WEIGHTS_GIVEN } ls_class_weights;
typedef enum {
    LS_SCHEDULE_CONSTANT,
    LS_SCHEDULE_STEP,
    LS_SCHEDULE_COSINE,
    LS_SCHEDULE_PLATEAU
} ls_schedule;
/* What happens when a loss is not finite. */
typedef enum { LS_ON_NAN_STOP, LS_ON_NAN_ROLLBACK } ls_on_nan;
typedef enum { LS_EMBEDDING_NONE, LS_EMBEDDING_PIECEWISE } ls_embedding;
typedef enum {
    LS_INIT_XAVIER_UNIFORM,
    LS_INIT_XAVIER_NORMAL,
    LS_INIT_HE_UNIFORM,
    LS_INIT_HE_NORMAL,
    LS_INIT_LECUN_UNIFORM,
    LS_INIT_LECUN_NORMAL,
    LS_INIT_ZEROS
} ls_init;

enum { LS_MAX_HIDDEN = 1000 };

/* How numbers are standardised: by mean and deviation, or by median and quartiles with smooth
 * clipping at LS_ROBUST_CLIP. */
typedef enum { LS_SCALING_STANDARD, LS_SCALING_ROBUST, LS_SCALING_QUANTILE } ls_scaling;
#define LS_ROBUST_CLIP 3.0

/* Part `part` (from 1) of `parts` equal parts of the rows, chosen by `seed`; parts 0: none. */
typedef struct {
    uint64_t part, parts, seed;
} ls_fold;

typedef struct ls_settings {
    uint64_t *hidden; /* hidden_count widths */
    size_t hidden_count;
    int *activation; /* ls_act: activation_count values, one for all hidden layers or one each */
    size_t activation_count;
    ls_net_item
        *net; /* net_count items of a description, in place of hidden and activation; or NULL */
    size_t net_count;
    int embedding; /* ls_embedding */
    uint64_t bins; /* pieces of an input, with an embedding */
    uint64_t augment_shift;
    bool augment_flip;
    ls_image shape;   /* of the images that rows hold; channels 0: not given */
    int loss, output; /* ls_loss, ls_output or LS_AUTO */
    double huber_delta, label_smoothing;
    int on_nan;    /* ls_on_nan */
    int optimizer; /* ls_opt */
    double rate;   /* negative: the optimizer's default */
    double momentum, rho, beta1, beta2, epsilon, weight_decay;
    bool bias_correction;
    uint64_t batch;       /* 0: all rows; LS_BATCH_AUTO: depends on the optimizer */
    int order, reduction; /* ls_order, ls_reduction */
    uint64_t epochs;
    double tolerance;
    uint64_t tolerance_epochs, patience; /* patience: or LS_COUNT_AUTO */
    double validation;                   /* negative: auto */
    ls_fold fold;                        /* of validation rows, in place of the share */
    double time_limit;                   /* seconds; 0: no limit */
    bool batch_norm;
    double dropout, l1, l2, max_norm, clip; /* l2: negative: auto */
    int schedule;                           /* ls_schedule or LS_AUTO */
    uint64_t warmup, schedule_epochs;
    double schedule_factor, min_rate;
    int init; /* ls_init or LS_AUTO */
    ls_class_weights class_weights;
    double *class_weight; /* class_weight_count values, if they are given */
    size_t class_weight_count;
    int scaling; /* ls_scaling */
    bool residual, standardize, standardize_target;
    uint64_t seed;
} ls_settings;

struct ls_options {
    ls_settings settings;
    char **text; /* ls_option_count() values as canonical text, for the model file */
};

/* *out is freed with ls_options_free. */
ls_status ls_options_copy(const ls_options *from, ls_options **out, ls_error *err);

/* Whether option i takes one number, so that a range can be given for it; *whole is then whether it
 * is a whole number. */
bool ls_option_numeric(size_t i, bool *whole);

/* Resolves "auto" of the options whose default depends on the task. rows: of training; 0: not known
 * yet, and l2 may stay "auto". */
void ls_settings_resolve(ls_settings *settings, ls_task task, size_t rows);

/* Options of a plain training, whatever the defaults are: 32,32, all rows, 100 epochs. Checks of
 * devices, benchmarks, experiments and tests start from them. */
ls_status ls_options_create_plain(ls_options **out, ls_error *err);

/* Whether an option, which must exist, has its default value or that of a plain training. */
bool ls_settings_at_default(const ls_settings *settings, const char *name);
/* Whether batch normalisation has one value per row and unit, so that a batch of one row has no
 * variance; images have one per position. */
bool ls_settings_normalise_rows(const ls_settings *settings);
/* The most pieces of an input, 0 without an embedding. */
size_t ls_settings_pieces(const ls_settings *settings);
/* Learning rate with "auto" resolved. */
double ls_settings_rate(const ls_settings *settings);
/* Rows per step for so many training rows, with "auto" resolved: all of them for gd, otherwise the
 * power of two next to a fiftieth of them, from 16 to 256; with batch normalisation the next
 * larger number that leaves no batch of one row. At most `rows`.
 */
uint64_t ls_settings_batch(const ls_settings *settings, uint64_t rows);
/* Fraction of so many rows used for validation, with "auto" resolved: 0.1, or none without
 * patience; fewer rows than LS_LEAST_VALIDATED are all trained on unless patience is asked for. */
double ls_settings_validation(const ls_settings *settings, size_t rows);
enum { LS_LEAST_VALIDATED = 50 };
/* Resolves "auto" of patience. validated: there are validation rows. */
void ls_settings_watch(ls_settings *settings, bool validated);

#endif
