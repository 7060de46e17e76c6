/* SPDX-License-Identifier: MIT */
/* Rows and classes from matrices of numbers, as IDX and NPY files hold them. */
#include "csv_labels.h"
#include "data_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_TARGET LS_NO_COLUMN
enum { LABEL_ROOM = 26 }; /* a double with 17 digits */

/* ---- Numbers ---------------------------------------------------------------------------------------------------- */

static double number_at(const ls_numbers *n, size_t i)
{
    const unsigned char *at = (const unsigned char *)n->bytes + i * n->width;
    uint64_t bits = 0;
    for (unsigned k = 0; k < n->width; k++) bits |= (uint64_t)at[k] << 8 * (n->big_endian ? n->width - 1 - k : k);
    if (n->kind == 'f' && n->width == 4) {
        float value;
        uint32_t word = (uint32_t)bits;
        memcpy(&value, &word, sizeof value);
        return (double)value;
    }
    if (n->kind == 'f') {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (n->kind != 'i') return (double)bits;
    unsigned unused = 64 - 8 * n->width;
    return (double)((int64_t)(bits << unused) >> unused);
}

static ls_status bad_number(const ls_numbers *n, size_t row, size_t column, double value, ls_error *err)
{
    if (isnan(value)) return ls_fail(err, LS_ERR_DATA, "%s, row %zu, column %zu (from 0): the value is missing (NaN); fill it in or drop the row", n->path, row, column);
    return ls_fail(err, LS_ERR_DATA, "%s, row %zu, column %zu (from 0): %g is %s", n->path, row, column, value,
                   isinf(value) ? "not finite; correct it, or drop the row" : "too large for a 32-bit float; use other units");
}

/* *gaps: whether a value is missing somewhere. */
static ls_status fill_rows(const ls_numbers *n, const ls_selection *selection, bool accept_gaps, ls_data *data, bool *gaps, ls_error *err)
{
    const double limit = 0x1.ffffffp127; /* from here on a double rounds to an infinite float */
    *gaps = false;
    for (size_t r = 0; r < n->rows; r++)
        for (size_t j = 0; j < n->columns; j++) {
            if (selection->use[j] == LS_USE_NOT || selection->use[j] == LS_USE_TARGET) continue;
            double value = number_at(n, r * n->columns + j);
            bool gap = isnan(value) && accept_gaps;
            if (!gap && !(fabs(value) < limit)) return bad_number(n, r, j, value, err);
            data->x[r * data->columns + selection->to[j]] = gap ? NAN : (float)value;
            *gaps |= gap;
        }
    return LS_OK;
}

/* ---- Classes ---------------------------------------------------------------------------------------------------- */

/* Class numbers through their texts, as in CSV files: known classes are found in the same way. */
static ls_status collect(const ls_numbers *n, size_t column, ls_csv_labels *labels, char *texts, int32_t *y, const char *where, ls_error *err)
{
    for (size_t r = 0; r < n->rows; r++) {
        char *text = texts + r * LABEL_ROOM;
        double value = number_at(n, r * n->columns + column);
        if (!isfinite(value)) return bad_number(n, r, column, value, err);
        snprintf(text, LABEL_ROOM, "%.17g", value + 0.0);
        if (!ls_csv_labels_add(labels, text, r + 1, &y[r])) return ls_csv_labels_too_many(labels, n->path, where, err);
    }
    return LS_OK;
}

static ls_status settle(const ls_layout *layout, const ls_numbers *n, const ls_csv_labels *labels, const char *where, ls_data *data, ls_error *err)
{
    int32_t *map = NULL;
    char **names = NULL;
    size_t classes = 0;
    LS_TRY(ls_csv_labels_settle(labels, n->path, where, layout->class_names, layout->classes, &map, &names, &classes, err));
    for (size_t r = 0; r < data->rows; r++) data->y[r] = map[data->y[r]];
    free(map);
    free(data->class_names);
    data->class_names = names;
    data->classes = classes;
    return LS_OK;
}

static ls_status fill_classes(const ls_layout *layout, const ls_numbers *n, size_t column, ls_data *data, ls_error *err)
{
    char *texts = NULL, where[32];
    ls_csv_labels *labels = NULL;
    snprintf(where, sizeof where, "%zu", column + 1);
    LS_TRY(ls_alloc(&texts, n->rows, LABEL_ROOM, "class labels", err));
    ls_status status = ls_csv_labels_create(&labels, err);
    if (status == LS_OK) status = collect(n, column, labels, texts, data->y, where, err);
    if (status == LS_OK) status = settle(layout, n, labels, where, data, err);
    ls_csv_labels_free(labels);
    free(texts);
    return status;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* What the columns are called and where they come from, where that is more than plain numbers in their order. */
static ls_status describe(const ls_numbers *n, const ls_layout *layout, const ls_selection *selection, bool gaps, ls_data *data, ls_error *err)
{
    ls_column *column;
    bool lost = false, expected = layout->features > 0;
    if (!gaps && (expected ? !layout->column : selection->whole)) return LS_OK;
    LS_TRY(ls_alloc(&column, data->columns, sizeof *column, "the columns", err));
    for (size_t j = 0; j < n->columns; j++) {
        if (selection->use[j] == LS_USE_NOT || selection->use[j] == LS_USE_TARGET) continue;
        ls_column *c = &column[selection->to[j]];
        c->place = j;
        lost |= !(c->name = ls_strdup(data->feature_names[selection->to[j]]));
    }
    data->file_columns = n->columns;
    data->file_target = selection->target;
    data->missing = layout->missing;
    if (!lost) return ls_data_describe_columns(data, column, err);
    ls_columns_free(column, data->columns);
    return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for column names", n->path);
}

static ls_status fill(const ls_numbers *n, const ls_selection *selection, const ls_numbers *labels, const ls_layout *layout, ls_data *data, ls_error *err)
{
    bool gaps;
    LS_TRY(fill_rows(n, selection, layout->missing != LS_MISSING_ERROR, data, &gaps, err));
    LS_TRY(describe(n, layout, selection, gaps, data, err));
    if (labels) return fill_classes(layout, labels, 0, data, err);
    return selection->target != NO_TARGET ? fill_classes(layout, n, selection->target, data, err) : LS_OK;
}

static ls_status build_selected(const ls_numbers *n, const ls_selection *selection, const ls_numbers *labels, const ls_layout *layout,
                                ls_data **out, ls_error *err)
{
    ls_data *data = NULL;
    for (size_t j = 0; j < n->columns; j++)
        if (selection->use[j] == LS_USE_CATEGORY)
            return ls_fail(err, LS_ERR_ARGUMENT, "%s: column %zu is to have categories; they are read from CSV files alone", n->path, j);
    LS_TRY(ls_data_create(n->rows, selection->used, 0, labels || selection->target != NO_TARGET, &data, err));
    ls_status status = fill(n, selection, labels, layout, data, err);
    if (status == LS_OK) status = ls_data_drop_gaps(n->path, layout, &data, err);
    if (status == LS_OK) *out = data;
    else ls_data_free(data);
    return status;
}

static ls_status build(const ls_numbers *n, size_t target, const ls_numbers *labels, const ls_layout *layout, ls_data **out, ls_error *err)
{
    ls_selection selection;
    if (n->columns - (target != NO_TARGET) == 0)
        return ls_fail(err, LS_ERR_DATA, "%s: has one column only; name a file of classes with --labels", n->path);
    ls_status status = ls_select(layout, n->path, NULL, n->columns, target, &selection, err);
    if (status == LS_OK) status = build_selected(n, &selection, labels, layout, out, err);
    ls_selection_free(&selection);
    return status;
}

static ls_status read_with_labels(const ls_numbers *n, const char *path, const ls_layout *layout, ls_data **out, ls_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    ls_numbers labels;
    ls_stream *stream;
    LS_TRY(ls_stream_open(path, &stream, err));
    ls_status status = ls_stream_rest(stream, &bytes, &size, err);
    ls_stream_close(stream);
    LS_TRY(status);
    status = ls_is_idx(bytes, size) ? ls_open_idx(path, bytes, size, &labels, err)
                     : ls_is_npy(bytes, size) ? ls_open_npy(path, bytes, size, &labels, err)
                     : ls_fail(err, LS_ERR_DATA, "%s: classes are read from IDX and NPY files, and this is neither", path);
    if (status == LS_OK && (labels.columns != 1 || labels.rows != n->rows))
        status = ls_fail(err, LS_ERR_DATA, "%s: has %zu x %zu numbers, but %s has %zu rows; one class a row is needed", path, labels.rows,
                         labels.columns, n->path, n->rows);
    if (status == LS_OK) status = build(n, NO_TARGET, &labels, layout, out, err);
    free(bytes);
    return status;
}

ls_status ls_read_numbers(const ls_numbers *n, const char *default_labels, const ls_layout *layout, ls_data **out, ls_error *err)
{
    uint64_t index = n->columns - 1;
    if (layout->labels) return read_with_labels(n, layout->labels, layout, out, err);
    if (default_labels && access(default_labels, R_OK) == 0) return read_with_labels(n, default_labels, layout, out, err);
    if (layout->features && layout->features == n->columns) return build(n, NO_TARGET, NULL, layout, out, err);
    if (default_labels && !layout->target)
        return ls_fail(err, LS_ERR_DATA, "%s: has no classes beside it (there is no %s); name their file with --labels", n->path, default_labels);
    if (layout->target && (!ls_parse_u64(layout->target, &index) || index >= n->columns))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: its columns have no names; give the target's index, 0 to %zu", n->path, n->columns - 1);
    return build(n, (size_t)index, NULL, layout, out, err);
}
