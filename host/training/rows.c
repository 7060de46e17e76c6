/* SPDX-License-Identifier: MIT */
#include "host/training/rows.h"
#include "host/base/memory.h"
#include "host/data/encoder.h"
#include "host/data/split.h"
#include "host/data/walk.h"
#include "host/model/model.h"
#include "host/model/targets.h"
#include "host/model/training_rows.h"
#include "host/network/pieces.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* Checks numbers and labels. */
static ls_status check_values(const ls_settings *s, const ls_data *data, ls_error *err)
{
    bool varied = false, fits = data->task == LS_TASK_MULTILABEL || s->standardize_target;
    for (size_t i = 0; i < data->rows * data->targets; i++) {
        varied |= data->value[i] != data->value[i % data->targets];
        if (!fits && !isfinite((float)data->value[i]))
            return ls_fail(err, LS_ERR_DATA,
                           "row %zu (from 0) has the target %g, which is too large without "
                           "--standardize-target",
                           i / data->targets, data->value[i]);
    }
    if (varied) return LS_OK;
    if (data->rows == 1)
        return ls_fail(err, LS_ERR_DATA,
                       "there is only one training row, so there is nothing to learn; give more");
    if (data->targets > 1)
        return ls_fail(err, LS_ERR_DATA,
                       "all %zu training rows have the same %zu targets; there is nothing to learn",
                       data->rows, data->targets);
    return ls_fail(err, LS_ERR_DATA,
                   "all %zu training rows have the target %g; there is nothing to learn",
                   data->rows, data->value[0]);
}

ls_status ls_rows_check(const ls_settings *s, const ls_data *data, ls_error *err)
{
    LS_TRY(ls_training_check_labels(data, err));
    LS_TRY(ls_training_check_settings(s, data, err));
    if (data->task != LS_TASK_CLASSIFICATION) return check_values(s, data, err);
    int32_t first = data->y[0];
    for (size_t r = 1; r < data->rows; r++)
        if (data->y[r] != first) return LS_OK;
    return ls_fail(err, LS_ERR_DATA,
                   "all %zu training rows are of class '%s'; there is nothing to learn", data->rows,
                   data->class_names[first]);
}

/* Of each channel of an image. */
typedef struct {
    ls_image image;
    double *sum;  /* of its values, */
    double *mean; /* or NULL, and then of squares of what they are off it */
} channels;

static ls_status add_channels(void *user, const ls_data *block, size_t first, ls_error *err)
{
    const channels *s = user;
    const size_t positions = ls_image_positions(s->image);
    (void)first, (void)err;
    for (size_t c = 0; c < s->image.channels; c++) {
        double sum = s->sum[c];
        const float *x = block->x + c * positions;
        for (size_t r = 0; r < block->rows; r++)
            for (size_t p = 0; p < positions; p++) {
                const double value = (double)x[r * block->columns + p],
                             off = s->mean ? value - s->mean[c] : value;
                sum += s->mean ? off * off : off;
            }
        s->sum[c] = sum;
    }
    return LS_OK;
}

static ls_status pool(const ls_image image, const ls_data *d, double *sum, double *squares,
                      double *mean, double *scale, ls_error *err)
{
    const size_t positions = ls_image_positions(image);
    const double count = (double)d->rows * (double)positions;
    LS_TRY(ls_data_walk(d, add_channels, &(channels){image, sum, NULL}, err));
    for (size_t c = 0; c < image.channels; c++) sum[c] /= count;
    LS_TRY(ls_data_walk(d, add_channels, &(channels){image, squares, sum}, err));
    for (size_t i = 0; i < image.channels * positions; i++) {
        const double square = squares[i / positions];
        mean[i] = sum[i / positions];
        scale[i] = square > 0 ? 1 / sqrt(square / count) : 1;
    }
    return LS_OK;
}

/* One mean and deviation for all positions of a channel: a window finds the same values wherever it
 * lies. Sums are in double, rows after positions, in ascending order. */
static ls_status pool_channels(const ls_image image, const ls_data *d, double *mean, double *scale,
                               ls_error *err)
{
    double *sum;
    LS_TRY(ls_alloc(&sum, image.channels, 2 * sizeof *sum, "the preprocessing", err));
    ls_status status = pool(image, d, sum, sum + image.channels, mean, scale, err);
    free(sum);
    return status;
}

ls_status ls_preprocessing_copy(const double *from, size_t count, double **to, ls_error *err)
{
    if (!from) return LS_OK;
    LS_TRY(ls_alloc(to, count, sizeof **to, "the preprocessing", err));
    memcpy(*to, from, count * sizeof **to);
    return LS_OK;
}

/* The preprocessing of the model that training starts from, or NULL if it is fitted. */
static const ls_model *kept_of(const ls_block *b) { return b->start.refit ? NULL : b->start.from; }

static ls_status fit_encoder(ls_block *b, const ls_data *train, ls_error *err)
{
    const ls_model *from = b->start.from, *kept = kept_of(b);
    if (from && from->encoder)
        return kept ? ls_encoder_copy(from->encoder, &b->encoder, err)
                    : ls_encoder_refit(from->encoder, train, &b->encoder, err);
    return kept ? LS_OK : ls_encoder_fit(train, &b->encoder, err);
}

static ls_status fit_standardize(ls_block *b, const ls_network *n, const ls_data *d, ls_error *err)
{
    const ls_model *kept = kept_of(b);
    if (kept) {
        b->clip = kept->clip;
        LS_TRY(ls_quantiles_copy(kept->quantiles, &b->quantiles, err));
        LS_TRY(ls_preprocessing_copy(kept->mean, n->inputs, &b->mean, err));
        return ls_preprocessing_copy(kept->scale, n->inputs, &b->scale, err);
    }
    LS_TRY(ls_alloc(&b->mean, n->inputs, sizeof *b->mean, "the preprocessing", err));
    LS_TRY(ls_alloc(&b->scale, n->inputs, sizeof *b->scale, "the preprocessing", err));
    if (n->image.channels && !b->encoder) return pool_channels(n->image, d, b->mean, b->scale, err);
    if (b->scaling == LS_SCALING_ROBUST) {
        b->clip = LS_ROBUST_CLIP;
        return ls_encoder_robust(b->encoder, d, b->mean, b->scale, err);
    }
    if (b->scaling == LS_SCALING_QUANTILE) {
        for (size_t i = 0; i < n->inputs; i++) b->mean[i] = 0, b->scale[i] = 1;
        return ls_encoder_quantiles(b->encoder, d, &b->quantiles, err);
    }
    return ls_encoder_standardize(b->encoder, d, b->mean, b->scale, err);
}

/* Weight of each class: n / (classes · rows of the class) if balanced, as in scikit-learn, or as
 * given. */
static void class_weights(const ls_block *b, const ls_data *train, double *weight)
{
    if (b->class_weights == LS_WEIGHTS_GIVEN) {
        assert(b->classes == train->classes);
        memcpy(weight, b->class_weight, b->classes * sizeof *weight);
        return;
    }
    for (size_t k = 0; k < train->classes; k++) weight[k] = 0;
    for (size_t r = 0; r < train->rows; r++) weight[train->y[r]] += 1;
    for (size_t k = 0; k < train->classes; k++)
        weight[k] = weight[k] > 0 ? (double)train->rows / ((double)train->classes * weight[k]) : 0;
}

/* The mean weight of the training rows, to which their weights are normalised: weights that are all
 * equal have no effect. */
static ls_status mean_weight(const ls_data *train, double *mean, ls_error *err)
{
    double sum = 0;
    for (size_t r = 0; r < train->rows; r++) sum += train->weight[r];
    *mean = sum / (double)train->rows;
    return *mean > 0 && isfinite(sum)
               ? LS_OK
               : ls_fail(err, LS_ERR_DATA, "the weights of the %zu training rows are %s",
                         train->rows,
                         isfinite(sum) ? "all 0; there is nothing to learn" : "too large");
}

/* Weights of training rows: that of the class times that of the row. Validation rows have 1. */
static ls_status fill_weights(ls_block *b, const ls_data *train, ls_error *err)
{
    double *class_weight = NULL, mean = 1;
    if (!b->weighted) return LS_OK;
    if (train->weight) LS_TRY(mean_weight(train, &mean, err));
    LS_TRY(ls_alloc(&b->weight, b->rows + b->held_out, sizeof *b->weight, "the row weights", err));
    if (b->class_weights != LS_WEIGHTS_NONE) {
        LS_TRY(ls_alloc(&class_weight, train->classes, sizeof *class_weight, "the class weights",
                        err));
        class_weights(b, train, class_weight);
    }
    for (size_t r = 0; r < b->rows + b->held_out; r++) {
        double weight = r < b->rows && train->weight ? train->weight[r] / mean : 1.0;
        if (r < b->rows && class_weight) weight *= class_weight[train->y[r]];
        b->weight[r] = (float)weight;
    }
    free(class_weight);
    return LS_OK;
}

/* What the model has to know about the targets of its training rows. */
static ls_status fit_targets(ls_block *b, const ls_data *train, ls_error *err)
{
    const ls_model *kept = kept_of(b);
    b->most_frequent = -1;
    if (b->task == LS_TASK_CLASSIFICATION) {
        b->most_frequent = ls_most_frequent_class(train);
        return LS_OK;
    }
    if (kept && kept->target_scale) {
        LS_TRY(ls_preprocessing_copy(kept->target_mean, b->outputs, &b->target_mean, err));
        return ls_preprocessing_copy(kept->target_scale, b->outputs, &b->target_scale, err);
    }
    LS_TRY(ls_alloc(&b->target_mean, b->outputs, sizeof *b->target_mean, "the targets", err));
    ls_targets_mean(train, b->target_mean);
    if (!b->standardize_target) return LS_OK;
    LS_TRY(ls_alloc(&b->target_scale, b->outputs, sizeof *b->target_scale, "the targets", err));
    return ls_targets_scale(train, b->target_mean, b->target_scale, err);
}

/* Inputs and targets of rows whose cells are in memory. */
static ls_status make_rows(const ls_block *b, const ls_data *rows, float *x, float *t,
                           ls_error *err)
{
    const ls_network *n = b->network;
    const ls_number_scaling scaling = {b->mean, b->scale, b->clip, b->quantiles};
    LS_TRY(ls_encode(b->encoder, &scaling, n->inputs, rows, x, err));
    LS_TRY(ls_network_arrange(n, x, rows->rows, err));
    ls_network_targets(n, rows, b->target_mean, b->target_scale, t);
    return LS_OK;
}

/* Fits the encoder and writes inputs and targets as networks see them. */
static ls_status fill_block(ls_block *b, const ls_network *n, const ls_data *train,
                            const ls_data *held_out, ls_error *err)
{
    size_t inputs, outputs;
    b->rows = train->rows;
    b->held_out = held_out ? held_out->rows : 0;
    if (!ls_mul_size(b->rows + b->held_out, n->inputs, &inputs) ||
        !ls_mul_size(b->rows + b->held_out, n->outputs, &outputs))
        return ls_fail(err, LS_ERR_MEMORY, "%zu rows are too many for this machine's memory",
                       b->rows + b->held_out);
    LS_TRY(fit_encoder(b, train, err));
    if (b->standardize) LS_TRY(fit_standardize(b, n, train, err));
    b->apart = train->apart != NULL;
    if (!b->apart) LS_TRY(ls_alloc(&b->x, inputs, sizeof *b->x, "the inputs", err));
    if (!b->apart) LS_TRY(ls_alloc(&b->t, outputs, sizeof *b->t, "the targets", err));
    LS_TRY(fill_weights(b, train, err));
    LS_TRY(fit_targets(b, train, err));
    if (held_out) {
        LS_TRY(ls_alloc(&b->row_losses, b->held_out, sizeof(float), "the validation", err));
        LS_TRY(ls_alloc(&b->held_outputs, b->held_out * n->outputs, sizeof(float), "the validation",
                        err));
    }
    b->part[0] = train, b->part[1] = held_out;
    b->network = n;
    for (size_t i = 0, at = 0; !b->apart && i < 2 && b->part[i]; at += b->part[i++]->rows)
        LS_TRY(make_rows(b, b->part[i], b->x + at * n->inputs, b->t + at * n->outputs, err));
    return LS_OK;
}

static ls_status split_and_fill(ls_block *b, const ls_settings *s, const ls_network *n,
                                const ls_data *data, ls_error *err)
{
    ls_data *train, *validation;
    LS_TRY(ls_training_split(s, data, &train, &validation, err));
    ls_status status = fill_block(b, n, train ? train : data, validation, err);
    if (b->apart) {
        b->owned[0] = train, b->owned[1] = validation;
        return status;
    }
    ls_data_free(train);
    ls_data_free(validation);
    return status;
}

/* A block as far as it follows from the settings, to which the class weights still belong. */
static ls_block key_of(const ls_settings *s, const ls_network *n, const ls_start *start,
                       const ls_data *data)
{
    double share = ls_training_share(s, data);
    bool given = s->class_weights == LS_WEIGHTS_GIVEN;
    return (ls_block){.data = data,
                      .share = share > 0 ? share : 0,
                      .seed = share > 0 ? s->seed : 0,
                      .fold = s->fold,
                      .standardize = s->standardize,
                      .scaling = (ls_scaling)s->scaling,
                      .standardize_target = data->task == LS_TASK_REGRESSION &&
                                            s->standardize_target,
                      .class_weights = s->class_weights,
                      .class_weight = given ? s->class_weight : NULL,
                      .classes = given ? s->class_weight_count : 0,
                      .features = n->inputs,
                      .image = n->image,
                      .outputs = n->outputs,
                      .task = data->task,
                      .weighted = ls_rows_are_weighted(s, data),
                      .start = *start};
}

ls_status ls_block_prepare(const ls_settings *s, const ls_network *n, const ls_start *start,
                           const ls_data *data, ls_block **out, ls_error *err)
{
    ls_block *b;
    LS_TRY(ls_alloc(&b, 1, sizeof *b, "the training rows", err));
    *b = key_of(s, n, start, data);
    b->class_weight = NULL;
    ls_status status = ls_alloc(&b->class_weight, b->classes, sizeof *b->class_weight,
                                "the class weights", err);
    if (status == LS_OK && b->classes)
        memcpy(b->class_weight, s->class_weight, b->classes * sizeof *b->class_weight);
    if (status == LS_OK) status = split_and_fill(b, s, n, data, err);
    if (status != LS_OK) {
        ls_block_free(b);
        return status;
    }
    *out = b;
    return LS_OK;
}

bool ls_block_serves(const ls_block *b, const ls_settings *s, const ls_network *n,
                     const ls_start *start, const ls_data *data)
{
    ls_block k = key_of(s, n, start, data);
    return b->data == k.data && b->share == k.share && b->seed == k.seed &&
           !memcmp(&b->fold, &k.fold, sizeof k.fold) && b->standardize == k.standardize &&
           b->scaling == k.scaling && b->task == k.task &&
           b->standardize_target == k.standardize_target && b->outputs == k.outputs &&
           !memcmp(&b->image, &k.image, sizeof k.image) && b->class_weights == k.class_weights &&
           b->classes == k.classes && ls_start_equal(&b->start, &k.start) &&
           (!k.classes ||
            !memcmp(b->class_weight, k.class_weight, k.classes * sizeof *k.class_weight));
}

static void free_arrays(float **x, float **t, float **weight)
{
    free(*x);
    free(*t);
    free(*weight);
    *x = *t = *weight = NULL;
}

void ls_block_free(ls_block *b)
{
    if (!b) return;
    free_arrays(&b->x, &b->t, &b->weight);
    ls_encoder_free(b->encoder);
    free(b->class_weight);
    free(b->mean);
    free(b->scale);
    ls_quantiles_free(b->quantiles);
    free(b->target_mean);
    free(b->target_scale);
    free(b->row_losses);
    free(b->held_outputs);
    ls_data_free(b->owned[0]);
    ls_data_free(b->owned[1]);
    for (size_t i = 0; b->pieces && i <= LS_MOST_PIECES; i++) free(b->pieces[i]);
    free(b->pieces);
    free(b);
}

static uint64_t bytes_of(size_t rows, size_t features, size_t outputs, bool weighted)
{
    return (uint64_t)rows * (features + outputs + weighted) * sizeof(float);
}

uint64_t ls_block_bytes(const ls_block *b)
{
    return bytes_of(b->rows + b->held_out, b->features, b->outputs, b->weighted);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

void ls_table_free(ls_table *t)
{
    if (!t) return;
    if (t->workspace) t->workspace->backend->slots->workspace_close(t->workspace);
    if (t->reserved) ls_release(t->t, t->reserved, sizeof *t->t);
    if (t->reserved) t->t = NULL;
    free_arrays(&t->x, &t->t, &t->weight);
    free(t);
}

/* ---- Rows whose cells are not in memory ------------------------------------------------------ */

typedef struct {
    const ls_block *block;
    ls_rows_take *take;
    void *user;
    size_t origin; /* of the part in the block */
    float *x, *t;
    size_t room; /* rows of x and t */
} making;

static ls_status make_part(void *user, const ls_data *rows, size_t first, ls_error *err)
{
    making *m = user;
    const ls_block *b = m->block;
    const size_t at = m->origin + first;
    if (m->room < rows->rows) {
        free(m->x);
        free(m->t);
        m->x = m->t = NULL;
        m->room = 0;
        LS_TRY(ls_alloc(&m->x, rows->rows, b->features * sizeof *m->x, "the inputs", err));
        LS_TRY(ls_alloc(&m->t, rows->rows, b->outputs * sizeof *m->t, "the targets", err));
        m->room = rows->rows;
    }
    LS_TRY(make_rows(b, rows, m->x, m->t, err));
    return m->take(m->user, at, rows->rows, m->x, m->t, b->weight ? b->weight + at : NULL, err);
}

static ls_status make_all(const ls_block *b, ls_rows_take *take, void *user, ls_error *err)
{
    making m = {.block = b, .take = take, .user = user};
    ls_status status = LS_OK;
    for (size_t i = 0; i < 2 && b->part[i] && status == LS_OK; m.origin += b->part[i++]->rows)
        status = ls_data_walk(b->part[i], make_part, &m, err);
    free(m.x);
    free(m.t);
    return status;
}

static ls_status make_source(const ls_row_source *source, ls_rows_take *take, void *user,
                             ls_error *err)
{
    return make_all(((const ls_table *)(const void *)source)->apart, take, user, err);
}

/* Into the arrays of a table. */
static ls_status store_rows(void *user, size_t first, size_t rows, const float *x, const float *t,
                            const float *row_weight, ls_error *err)
{
    const ls_table *table = user;
    const size_t features = table->source.rows.features, outputs = table->source.rows.outputs;
    (void)row_weight, (void)err;
    memcpy(table->x + first * features, x, rows * features * sizeof *x);
    memcpy(table->t + first * outputs, t, rows * outputs * sizeof *t);
    return LS_OK;
}

static ls_status fill_apart(ls_table *t, ls_block *b, bool deals, ls_error *err)
{
    const size_t rows = b->rows + b->held_out;
    if (!deals) {
        LS_TRY(ls_alloc(&t->x, rows, b->features * sizeof *t->x, "the inputs", err));
        LS_TRY(ls_alloc(&t->t, rows, b->outputs * sizeof *t->t, "the targets", err));
        LS_TRY(make_all(b, store_rows, t, err));
        t->weight = b->weight;
        b->weight = NULL;
        return LS_OK;
    }
    t->apart = b; /* which keeps its weights */
    t->source.make = make_source;
    LS_TRY(ls_reserve_sparse(&t->t, rows * b->outputs, sizeof *t->t, "the targets", err));
    t->reserved = rows * b->outputs;
    if (b->part[1])
        ls_network_targets(b->network, b->part[1], b->target_mean, b->target_scale,
                           t->t + b->rows * b->outputs);
    return LS_OK;
}

/* Copies all rows together; a single block hands over its arrays instead. */
static ls_status fill_table(ls_table *t, ls_block *const *blocks, size_t count, bool weighted,
                            bool deals, ls_error *err)
{
    size_t rows = t->source.rows.rows, features = t->source.rows.features,
           outputs = t->source.rows.outputs, at = 0;
    if (blocks[0]->apart) return fill_apart(t, blocks[0], deals, err);
    if (count == 1) {
        t->x = blocks[0]->x, t->t = blocks[0]->t, t->weight = blocks[0]->weight;
        blocks[0]->x = blocks[0]->t = blocks[0]->weight = NULL;
        return LS_OK;
    }
    LS_TRY(ls_alloc(&t->x, rows, features * sizeof *t->x, "the inputs", err));
    LS_TRY(ls_alloc(&t->t, rows, outputs * sizeof *t->t, "the targets", err));
    if (weighted) LS_TRY(ls_alloc(&t->weight, rows, sizeof *t->weight, "the row weights", err));
    for (size_t i = 0; i < count; i++) {
        ls_block *b = blocks[i];
        size_t n = b->rows + b->held_out;
        memcpy(t->x + at * features, b->x, n * features * sizeof *t->x);
        memcpy(t->t + at * outputs, b->t, n * outputs * sizeof *t->t);
        if (b->weight) memcpy(t->weight + at, b->weight, n * sizeof *t->weight);
        free_arrays(&b->x, &b->t, &b->weight);
        b->origin = at;
        at += n;
    }
    return LS_OK;
}

ls_status ls_table_build(ls_block *const *blocks, size_t count, bool deals, ls_table **out,
                         ls_error *err)
{
    ls_table *t;
    bool weighted = false;
    LS_TRY(ls_alloc(&t, 1, sizeof *t, "the training rows", err));
    t->source.rows = (ls_rows){.features = blocks[0]->features, .outputs = blocks[0]->outputs};
    for (size_t i = 0; i < count; i++) {
        t->source.rows.rows += blocks[i]->rows + blocks[i]->held_out;
        weighted |= blocks[i]->weight != NULL;
    }
    ls_status status = fill_table(t, blocks, count, weighted, deals, err);
    if (status != LS_OK) {
        ls_table_free(t);
        return status;
    }
    t->source.rows.x = t->x, t->source.rows.t = t->t, t->source.rows.row_weight = t->weight;
    if (t->apart) t->source.rows.row_weight = t->apart->weight;
    t->bytes = bytes_of(t->source.rows.rows, t->source.rows.features, t->source.rows.outputs,
                        weighted);
    t->blocks = count;
    for (size_t i = 0; i < count; i++) blocks[i]->table = t;
    *out = t;
    return LS_OK;
}
