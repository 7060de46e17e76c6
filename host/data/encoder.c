/* SPDX-License-Identifier: MIT */
#include "host/data/encoder.h"
#include "host/base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/names.h"
#include "host/data/walk.h"

/* ---- Objects --------------------------------------------------------------------------------- */

void ls_encoder_free(ls_encoder *e)
{
    if (!e) return;
    ls_columns_free(e->column, e->columns);
    free(e->fill);
    free(e->other);
    free(e);
}

ls_status ls_encoder_create(ls_column *column, size_t columns, ls_encoder **out, ls_error *err)
{
    ls_encoder *e;
    ls_status status = ls_alloc(&e, 1, sizeof *e, "the preprocessing", err);
    if (status != LS_OK) {
        ls_columns_free(column, columns);
        return status;
    }
    *e = (ls_encoder){
        .columns = columns, .inputs = ls_columns_inputs(column, columns), .column = column};
    status = ls_alloc(&e->fill, columns, sizeof *e->fill, "the preprocessing", err);
    if (status == LS_OK)
        status = ls_alloc(&e->other, columns, sizeof *e->other, "the preprocessing", err);
    if (status != LS_OK) ls_encoder_free(e);
    else *out = e;
    return status;
}

ls_status ls_encoder_copy(const ls_encoder *from, ls_encoder **out, ls_error *err)
{
    ls_column *column;
    LS_TRY(ls_columns_copy(from->column, from->columns, &column, err));
    LS_TRY(ls_encoder_create(column, from->columns, out, err));
    ls_encoder *e = *out;
    e->missing = from->missing;
    memcpy(e->fill, from->fill, e->columns * sizeof *e->fill);
    memcpy(e->other, from->other, e->columns * sizeof *e->other);
    return LS_OK;
}

/* ---- Fitting --------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* The most frequent of sorted values; the smallest one on a tie. */
static double most_frequent(const float *sorted, size_t count)
{
    size_t best = 0, longest = 0;
    for (size_t i = 0, start = 0; i < count; i++) {
        if (sorted[i] != sorted[start]) start = i;
        if (i - start + 1 > longest) longest = i - start + 1, best = start;
    }
    return (double)sorted[best];
}

/* Whether the values of a column are needed all at once to fill its missing ones. */
static bool needs_values(ls_missing missing)
{
    return missing == LS_MISSING_MEDIAN || missing == LS_MISSING_MOST_FREQUENT;
}

static double fill_of(ls_missing missing, bool categorical, size_t categories, float *values,
                      size_t count)
{
    bool counted = missing == LS_MISSING_MOST_FREQUENT;
    if (categorical && (!counted || !count)) return (double)categories;
    if (!count) return 0;
    if (counted || missing == LS_MISSING_MEDIAN) qsort(values, count, sizeof *values, by_value);
    if (counted) return most_frequent(values, count);
    if (missing == LS_MISSING_MEDIAN)
        return ((double)values[(count - 1) / 2] + (double)values[count / 2]) / 2;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i];
    return sum / (double)count;
}

/* What is noted of each column on the way through the rows. */
typedef struct {
    size_t *count; /* values that are not missing */
    double *sum;   /* of them */
    bool **seen;   /* [categories] of a categorical one, or NULL */
} tally;

static ls_status note_block(void *user, const ls_data *block, size_t first, ls_error *err)
{
    const tally *t = user;
    (void)first, (void)err;
    for (size_t r = 0; r < block->rows; r++)
        for (size_t c = 0; c < block->columns; c++) {
            const float cell = block->x[r * block->columns + c];
            if (isnan(cell)) continue;
            t->count[c]++;
            t->sum[c] += (double)cell;
            if (t->seen[c]) t->seen[c][(size_t)cell] = true;
        }
    return LS_OK;
}

static ls_status take_tally(const ls_encoder *e, const ls_data *train, tally *t, ls_error *err)
{
    LS_TRY(ls_alloc(&t->count, e->columns, sizeof *t->count, "the preprocessing", err));
    LS_TRY(ls_alloc(&t->sum, e->columns, sizeof *t->sum, "the preprocessing", err));
    LS_TRY(ls_alloc(&t->seen, e->columns, sizeof *t->seen, "the preprocessing", err));
    for (size_t c = 0; c < e->columns; c++)
        if (e->column[c].categorical)
            LS_TRY(ls_alloc(&t->seen[c], e->column[c].categories, sizeof **t->seen,
                            "the preprocessing", err));
    return ls_data_walk(train, note_block, t, err);
}

static void free_tally(tally *t, size_t columns)
{
    for (size_t c = 0; t->seen && c < columns; c++) free(t->seen[c]);
    free(t->seen);
    free(t->count);
    free(t->sum);
}

/* Removes the names of categories that occur in no row. */
static void forget_unseen(const bool *seen, ls_column *column)
{
    for (size_t k = 0; k < column->categories; k++) {
        if (seen[k]) continue;
        free(column->category[k]);
        column->category[k] = NULL;
    }
}

/* values: room for those of a column, or NULL if they are not needed. */
static void fit_column(ls_encoder *e, const ls_data *train, size_t c, const tally *t, float *values)
{
    ls_column *column = &e->column[c];
    size_t count = 0;
    for (size_t r = 0; values && r < train->rows; r++) {
        float cell = train->x[r * train->columns + c];
        if (!isnan(cell)) values[count++] = cell;
    }
    if (column->categorical) forget_unseen(t->seen[c], column);
    bool missing = t->count[c] < train->rows;
    if (values || column->categorical)
        e->fill[c] = fill_of(e->missing, column->categorical, column->categories, values, count);
    else e->fill[c] = t->count[c] ? t->sum[c] / (double)t->count[c] : 0;
    e->other[c] = column->categorical && missing && e->fill[c] == (double)column->categories;
}

static ls_status fit_columns(ls_encoder *e, const ls_data *train, ls_error *err)
{
    tally t = {0};
    float *values = NULL;
    e->missing = train->missing;
    ls_status status = take_tally(e, train, &t, err);
    if (status == LS_OK && needs_values(e->missing))
        status = ls_data_check_kept(train, "--missing median and most-frequent", err);
    if (status == LS_OK && needs_values(e->missing))
        status = ls_alloc(&values, train->rows, sizeof *values, "the preprocessing", err);
    for (size_t c = 0; c < e->columns && status == LS_OK; c++) fit_column(e, train, c, &t, values);
    free_tally(&t, e->columns);
    free(values);
    return status;
}

ls_status ls_encoder_fit(const ls_data *train, ls_encoder **out, ls_error *err)
{
    ls_column *column;
    ls_encoder *e;
    *out = NULL;
    if (!train->column) return LS_OK;
    LS_TRY(ls_columns_copy(train->column, train->columns, &column, err));
    LS_TRY(ls_encoder_create(column, train->columns, &e, err));
    ls_status status = fit_columns(e, train, err);
    if (status == LS_OK) *out = e;
    else ls_encoder_free(e);
    return status;
}

/* What to add to a cell of the data, so that it is one of the encoder: their offsets differ if the
 * data were not read for it. */
static double shift_of(const ls_encoder *e, const ls_data *data, size_t c)
{
    return (data->column ? data->column[c].offset : 0) - (e ? e->column[c].offset : 0);
}

/* Cell (r, c) with its missing value filled. */
static double filled(const ls_encoder *e, const ls_data *data, size_t r, size_t c, double shift)
{
    float cell = data->x[r * data->columns + c];
    return e && isnan(cell) ? e->fill[c] : (double)cell + shift;
}

/* Of each column; those with categories are left out. */
typedef struct {
    const ls_encoder *e;
    double *sum;  /* of its values, */
    double *mean; /* or NULL, and then of squares of what they are off it */
} moments;

static ls_status add_moments(void *user, const ls_data *block, size_t first, ls_error *err)
{
    const moments *m = user;
    (void)first, (void)err;
    /* some rows at a time: those of all columns are in the cache, and each column has its order */
    enum { ROWS = 64 };
    for (size_t from = 0, to; from < block->rows; from = to) {
        to = block->rows - from < ROWS ? block->rows : from + ROWS;
        for (size_t c = 0; c < block->columns; c++) {
            if (m->e && m->e->column[c].categorical) continue;
            const double shift = shift_of(m->e, block, c);
            double sum = m->sum[c];
            for (size_t r = from; r < to; r++) {
                const double value = filled(m->e, block, r, c, shift);
                const double off = m->mean ? value - m->mean[c] : value;
                sum += m->mean ? off * off : off;
            }
            m->sum[c] = sum;
        }
    }
    return LS_OK;
}

/* sum, squares: room for a number for each column. */
static ls_status standardize(const ls_encoder *e, const ls_data *d, double *sum, double *squares,
                             double *mean, double *scale, ls_error *err)
{
    const double rows = (double)d->rows;
    LS_TRY(ls_data_walk(d, add_moments, &(moments){e, sum, NULL}, err));
    for (size_t c = 0; c < d->columns; c++) sum[c] /= rows;
    LS_TRY(ls_data_walk(d, add_moments, &(moments){e, squares, sum}, err));
    for (size_t c = 0, i = 0; c < d->columns; c++) {
        const bool categorical = e && e->column[c].categorical;
        const size_t width = categorical ? e->column[c].categories + 1 : 1;
        for (size_t k = 0; k < width; k++) mean[i + k] = 0, scale[i + k] = 1;
        if (!categorical) mean[i] = sum[c];
        if (!categorical && squares[c] > 0) scale[i] = 1.0 / sqrt(squares[c] / rows);
        i += width;
    }
    return LS_OK;
}

ls_status ls_encoder_standardize(const ls_encoder *e, const ls_data *d, double *mean, double *scale,
                                 ls_error *err)
{
    double *sum;
    LS_TRY(ls_alloc(&sum, d->columns, 2 * sizeof *sum, "the preprocessing", err));
    ls_status status = standardize(e, d, sum, sum + d->columns, mean, scale, err);
    free(sum);
    return status;
}

static int by_double(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The filled cells of a column, sorted; returns their number. */
static size_t sorted_column(const ls_encoder *e, const ls_data *d, size_t c, double *sorted)
{
    double shift = shift_of(e, d, c);
    size_t count = 0;
    for (size_t r = 0; r < d->rows; r++) {
        double value = filled(e, d, r, c, shift);
        if (!isnan(value)) sorted[count++] = value;
    }
    qsort(sorted, count, sizeof *sorted, by_double);
    return count;
}

static void robust_column(const ls_encoder *e, const ls_data *d, size_t c, double *sorted,
                          double *out_mean, double *out_scale)
{
    size_t count = sorted_column(e, d, c, sorted);
    *out_mean = 0, *out_scale = 1;
    if (!count) return;
    *out_mean = ls_quantile(sorted, count, 0.5);
    double width = ls_quantile(sorted, count, 0.75) - ls_quantile(sorted, count, 0.25);
    if (!(width > 0)) width = (sorted[count - 1] - sorted[0]) / 2;
    if (width > 0) *out_scale = 1 / width;
}

ls_status ls_encoder_robust(const ls_encoder *e, const ls_data *d, double *mean, double *scale,
                            ls_error *err)
{
    double *sorted;
    LS_TRY(ls_data_check_kept(d, "--scaling robust", err));
    LS_TRY(ls_alloc(&sorted, d->rows, sizeof *sorted, "the preprocessing", err));
    for (size_t c = 0, i = 0; c < d->columns; c++) {
        size_t width = e && e->column[c].categorical ? e->column[c].categories + 1 : 1;
        if (!e || !e->column[c].categorical) robust_column(e, d, c, sorted, &mean[i], &scale[i]);
        else
            for (size_t k = 0; k < width; k++) mean[i + k] = 0, scale[i + k] = 1;
        i += width;
    }
    free(sorted);
    return LS_OK;
}

static size_t number_columns(const ls_encoder *e, const ls_data *d)
{
    size_t count = 0;
    for (size_t c = 0; c < d->columns; c++) count += !e || !e->column[c].categorical;
    return count;
}

ls_status ls_encoder_quantiles(const ls_encoder *e, const ls_data *d, ls_quantiles **out,
                               ls_error *err)
{
    const size_t numbers = number_columns(e, d), knots = ls_quantiles_knots(d->rows, numbers);
    double *sorted, score[LS_MOST_KNOTS];
    LS_TRY(ls_data_check_kept(d, "--scaling quantile", err));
    ls_normal_scores(knots, score);
    LS_TRY(ls_alloc(&sorted, d->rows, sizeof *sorted, "the quantiles", err));
    ls_status status = ls_quantiles_create(e ? e->inputs : d->columns, numbers * knots, out, err);
    for (size_t c = 0, i = 0; c < d->columns && status == LS_OK; c++) {
        if (!e || !e->column[c].categorical) {
            size_t count = sorted_column(e, d, c, sorted);
            ls_quantiles_fit(*out, i++, sorted, count, score, knots);
            continue;
        }
        for (size_t k = 0; k <= e->column[c].categories; k++) ls_quantiles_skip(*out, i++);
    }
    free(sorted);
    return status;
}

/* ---- Encoding -------------------------------------------------------------------------------- */

/* A number as input i of the network; s->mean is not NULL. */
static float scaled(const ls_number_scaling *s, size_t i, double value)
{
    if (s->quantiles) return (float)ls_quantiles_score(s->quantiles, i, value);
    return (float)ls_clipped((value - s->mean[i]) * s->scale[i], s->clip);
}

/* Plain numbers without missing values, row by row: the usual case. */
static void encode_plain(const ls_number_scaling *s, size_t features, const float *x, size_t rows,
                         float *to)
{
    if (!s->mean) {
        memcpy(to, x, rows * features * sizeof *to);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < features; i++)
            to[r * features + i] = scaled(s, i, (double)x[r * features + i]);
}

/* map[k] = the number that the encoder gives to category k of the data; its `categories` for
 * categories it does not know. */
static void map_categories(const ls_column *to, const ls_column *from, size_t *map)
{
    const size_t count = to->categories;
    for (size_t k = 0, next = 0; k < from->categories; k++) {
        map[k] = count;
        for (size_t n = 0; n < count && map[k] == count; n++) {
            size_t j = (next + n) % count; /* most are in the same order */
            if (to->category[j] && from->category[k] && !strcmp(to->category[j], from->category[k]))
                map[k] = j, next = j + 1;
        }
        for (size_t j = 0; j < to->categories && map[k] == to->categories; j++)
            if (to->category[j] && from->category[k] &&
                ls_is_one_name(to->category[j], from->category[k]))
                map[k] = j;
    }
}

static void encode_categories(const ls_encoder *e, const ls_data *data, size_t c, const size_t *map,
                              size_t inputs, float *to)
{
    const ls_column *column = &e->column[c];
    for (size_t r = 0; r < data->rows; r++) {
        float cell = data->x[r * data->columns + c];
        size_t k = isnan(cell) ? (size_t)e->fill[c] : map[(size_t)cell];
        float *slots = to + r * inputs;
        memset(slots, 0, (column->categories + 1) * sizeof *slots);
        if (k < column->categories || e->other[c]) slots[k] = 1.0f;
    }
}

/* Column c, which is input i. */
static ls_status encode_numbers(const ls_encoder *e, const ls_data *data, size_t c,
                                const ls_number_scaling *s, size_t i, size_t inputs, float *to,
                                ls_error *err)
{
    assert(!s->mean || s->scale);
    double shift = shift_of(e, data, c);
    for (size_t r = 0; r < data->rows; r++) {
        double value = filled(e, data, r, c, shift);
        bool unknown = isnan(value);
        if (unknown && !s->mean)
            return ls_fail(
                err, LS_ERR_DATA,
                "row %zu, column %zu (from 0): the value is missing, and the model has no value for it; its training rows had none missing",
                ls_data_row_number(data, r) + 1, c);
        float *input = &to[r * inputs + i];
        if (unknown && s->quantiles) *input = 0;
        else if (!s->mean) *input = (float)value;
        else *input = scaled(s, i, unknown ? s->mean[i] : value);
    }
    return LS_OK;
}

static size_t inputs_of(const ls_encoder *e, size_t c)
{
    return e && e->column[c].categorical ? e->column[c].categories + 1 : 1;
}

/* All columns of numbers, some rows at a time: those of all columns are in the cache. */
static ls_status encode_all_numbers(const ls_encoder *e, const ls_data *data,
                                    const ls_number_scaling *s, size_t inputs, float *to,
                                    ls_error *err)
{
    enum { ROWS = 64 };
    for (size_t from = 0, rows; from < data->rows; from += rows) {
        rows = data->rows - from < ROWS ? data->rows - from : ROWS;
        const ls_data block = ls_data_block(data, from, rows);
        for (size_t c = 0, i = 0; c < data->columns; i += inputs_of(e, c++))
            if (!e || !e->column[c].categorical)
                LS_TRY(encode_numbers(e, &block, c, s, i, inputs, to + from * inputs, err));
    }
    return LS_OK;
}

ls_status ls_encoder_check_columns(const ls_encoder *e, size_t inputs, const ls_data *data,
                                   ls_error *err)
{
    size_t columns = e ? e->columns : inputs;
    if (data->columns != columns)
        return ls_fail(err, LS_ERR_DATA, "the data has %zu columns, the model takes %zu",
                       data->columns, columns);
    for (size_t c = 0; c < columns; c++) {
        bool wanted = e && e->column[c].categorical,
             there = data->column && data->column[c].categorical;
        if (wanted != there)
            return ls_fail(err, LS_ERR_DATA,
                           "column %zu (from 0) of the data is %s, but the model takes %s there", c,
                           there ? "categories" : "numbers", wanted ? "categories" : "numbers");
    }
    return LS_OK;
}

ls_status ls_encode(const ls_encoder *e, const ls_number_scaling *scaling, size_t inputs,
                    const ls_data *data, float *to, ls_error *err)
{
    LS_TRY(ls_encoder_check_columns(e, inputs, data, err));
    if (!e && !data->column) {
        encode_plain(scaling, inputs, data->x, data->rows, to);
        return LS_OK;
    }
    LS_TRY(encode_all_numbers(e, data, scaling, inputs, to, err));
    for (size_t c = 0, i = 0; e && c < data->columns; i += inputs_of(e, c++)) {
        size_t *map;
        if (!e->column[c].categorical) continue;
        LS_TRY(ls_alloc(&map, data->column[c].categories, sizeof *map, "the categories", err));
        map_categories(&e->column[c], &data->column[c], map);
        encode_categories(e, data, c, map, inputs, to + i);
        free(map);
    }
    return LS_OK;
}

/* ---- Fitting once more ----------------------------------------------------------------------- */

/* The cells of a column that have a value, as the encoder has them; returns their number. *other:
 * whether there are categories that it does not know, which are left out. map: room for the
 * categories. */
static size_t own_values(const ls_encoder *e, const ls_data *data, size_t c, size_t *map,
                         float *values, bool *other)
{
    const ls_column *column = &e->column[c];
    double shift = shift_of(e, data, c);
    size_t count = 0;
    if (column->categorical) map_categories(column, &data->column[c], map);
    for (size_t r = 0; r < data->rows; r++) {
        float cell = data->x[r * data->columns + c];
        if (isnan(cell)) continue;
        size_t k = column->categorical ? map[(size_t)cell] : 0;
        if (!column->categorical) values[count++] = (float)((double)cell + shift);
        else if (k < column->categories) values[count++] = (float)k;
        else *other = true;
    }
    return count;
}

static ls_status refit_column(ls_encoder *e, const ls_data *train, size_t c, float *values,
                              ls_error *err)
{
    const ls_column *column = &e->column[c];
    size_t *map, missing = 0;
    LS_TRY(ls_alloc(&map, train->column ? train->column[c].categories : 0, sizeof *map,
                    "the categories", err));
    size_t count = own_values(e, train, c, map, values, &e->other[c]);
    free(map);
    for (size_t r = 0; r < train->rows; r++) missing += isnan(train->x[r * train->columns + c]);
    e->fill[c] = fill_of(e->missing, column->categorical, column->categories, values, count);
    e->other[c] |= column->categorical && missing && e->fill[c] == (double)column->categories;
    return LS_OK;
}

ls_status ls_encoder_refit(const ls_encoder *from, const ls_data *train, ls_encoder **out,
                           ls_error *err)
{
    float *values = NULL;
    LS_TRY(ls_encoder_copy(from, out, err));
    ls_status status = ls_alloc(&values, train->rows, sizeof *values, "the preprocessing", err);
    for (size_t c = 0; c < from->columns && status == LS_OK; c++)
        status = refit_column(*out, train, c, values, err);
    free(values);
    if (status == LS_OK) return LS_OK;
    ls_encoder_free(*out);
    *out = NULL;
    return status;
}
