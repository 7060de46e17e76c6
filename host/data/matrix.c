/* SPDX-License-Identifier: MIT */
/* Rows and classes from matrices of numbers, as IDX and NPY files hold them. */
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/cells.h"
#include "host/data/names.h"
#include "host/data/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_TARGET LS_NO_COLUMN
enum { LABEL_ROOM = 26 }; /* a double with 17 digits */

/* ---- Numbers --------------------------------------------------------------------------------- */

static double number_at(const ls_numbers *n, size_t i)
{
    const unsigned char *at = (const unsigned char *)n->bytes + i * n->width;
    uint64_t bits = 0;
    for (unsigned k = 0; k < n->width; k++)
        bits |= (uint64_t)at[k] << 8 * (n->big_endian ? n->width - 1 - k : k);
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

static ls_status bad_number(const ls_numbers *n, size_t row, size_t column, double value,
                            ls_error *err)
{
    if (isnan(value))
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, row %zu, column %zu (from 0): the value is missing (NaN); fill it in or drop the row",
            n->path, row, column);
    return ls_fail(err, LS_ERR_DATA, "%s, row %zu, column %zu (from 0): %g is %s", n->path, row,
                   column, value,
                   isinf(value) ? "not finite; correct it, or drop the row"
                                : "too large for a 32-bit float; use other units");
}

/* One cell; `column` learns what there is in its column. Categories are found through their texts,
 * as in CSV files. */
static ls_status fill_cell(const ls_numbers *n, size_t r, size_t j, bool accept_gaps,
                           bool categorical, ls_csv_column *column, float *cell, ls_error *err)
{
    const double limit = 0x1.ffffffp127; /* from here on a double rounds to an infinite float */
    double value = number_at(n, r * n->columns + j);
    char text[LABEL_ROOM], where[32];
    bool gap = isnan(value) && accept_gaps;
    if (!gap && !(fabs(value) < limit)) return bad_number(n, r, j, value, err);
    *cell = gap ? NAN : (float)value;
    column->gaps += gap;
    if (gap) return LS_OK;
    if (!categorical) {
        column->numbers++;
        return LS_OK;
    }
    snprintf(text, sizeof text, "%.9g", (double)*cell + 0.0);
    snprintf(where, sizeof where, "%zu", j);
    return ls_csv_column_add(column, text, r, cell)
               ? LS_OK
               : ls_csv_column_too_many(column, n->path, where, err);
}

static ls_status fill_rows(const ls_numbers *n, const ls_selection *selection, bool accept_gaps,
                           ls_data *data, ls_csv_column *column, ls_error *err)
{
    for (size_t r = 0; r < n->rows; r++)
        for (size_t j = 0; j < n->columns; j++) {
            ls_use use = selection->use[j];
            size_t c = selection->to[j];
            if (use == LS_USE_NOT || use == LS_USE_TARGET) continue;
            LS_TRY(fill_cell(n, r, j, accept_gaps, use == LS_USE_CATEGORY, &column[c],
                             &data->x[r * data->columns + c], err));
        }
    return LS_OK;
}

/* ---- Classes --------------------------------------------------------------------------------- */

/* Class numbers through their texts, as in CSV files: known classes are found in the same way. */
static ls_status collect(const ls_numbers *n, size_t column, ls_csv_labels *labels, int32_t *y,
                         const char *where, ls_error *err)
{
    for (size_t r = 0; r < n->rows; r++) {
        char text[LABEL_ROOM];
        double value = number_at(n, r * n->columns + column);
        if (!isfinite(value)) return bad_number(n, r, column, value, err);
        snprintf(text, sizeof text, "%.17g", value + 0.0);
        if (!ls_csv_labels_add(labels, text, r + 1, &y[r]))
            return ls_csv_labels_too_many(labels, n->path, where, err);
    }
    return LS_OK;
}

static ls_status settle(const ls_layout *layout, const ls_numbers *n, const ls_csv_labels *labels,
                        const char *where, ls_data *data, ls_error *err)
{
    int32_t *map = NULL;
    char **names = NULL;
    size_t classes = 0;
    LS_TRY(ls_csv_labels_settle(labels, n->path, where, layout->class_names, layout->classes, &map,
                                &names, &classes, err));
    for (size_t r = 0; r < data->rows; r++) data->y[r] = map[data->y[r]];
    free(map);
    free(data->class_names);
    data->class_names = names;
    data->classes = classes;
    return LS_OK;
}

static ls_status fill_classes(const ls_layout *layout, const ls_numbers *n, size_t column,
                              ls_data *data, ls_error *err)
{
    char where[32];
    ls_csv_labels *labels = NULL;
    snprintf(where, sizeof where, "%zu", column + 1);
    LS_TRY(ls_csv_labels_create(&labels, err));
    ls_status status = collect(n, column, labels, data->y, where, err);
    if (status == LS_OK) status = settle(layout, n, labels, where, data, err);
    ls_csv_labels_free(labels);
    return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static ls_status settle_columns(const ls_numbers *n, const ls_selection *selection,
                                ls_csv_column *found, ls_data *data, ls_column *column,
                                ls_error *err)
{
    char where[32];
    for (size_t j = 0; j < n->columns; j++) {
        ls_use use = selection->use[j];
        size_t to = selection->to[j];
        ls_column *c = &column[to];
        if (use == LS_USE_NOT || use == LS_USE_TARGET) continue;
        c->place = j;
        c->categorical = use == LS_USE_CATEGORY;
        if (!(c->name = ls_strdup(data->feature_names[to])))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for column names", n->path);
        if (use == LS_USE_NUMBER) continue; /* also one without any value: it is known what it is */
        snprintf(where, sizeof where, "%zu (from 0)", j);
        LS_TRY(ls_csv_column_settle(&found[to], n->path, where, data, to, c, err));
    }
    return LS_OK;
}

/* What the columns are called, where they come from and which categories they have, where that is
 * more than plain numbers in their order. */
static ls_status describe(const ls_numbers *n, const ls_layout *layout,
                          const ls_selection *selection, ls_csv_column *found, ls_data *data,
                          ls_error *err)
{
    ls_column *column;
    bool expected = layout->features > 0,
         needed = expected ? layout->column != NULL : !selection->whole;
    for (size_t c = 0; c < selection->used; c++)
        needed |= found[c].gaps > 0 || found[c].categorical;
    if (!needed) return LS_OK;
    LS_TRY(ls_alloc(&column, data->columns, sizeof *column, "the columns", err));
    ls_status status = settle_columns(n, selection, found, data, column, err);
    if (status != LS_OK) {
        ls_columns_free(column, data->columns);
        return status;
    }
    LS_TRY(ls_data_describe_columns(data, column, err));
    data->file_columns = n->columns;
    data->file_target = selection->target;
    data->missing = layout->missing;
    return ls_data_narrow(data, err);
}

static ls_status fill_columns(const ls_numbers *n, const ls_selection *selection,
                              const ls_layout *layout, ls_data *data, ls_error *err)
{
    ls_csv_column *found;
    LS_TRY(ls_alloc(&found, selection->used, sizeof *found, "the columns", err));
    for (size_t j = 0; j < n->columns; j++)
        if (selection->use[j] == LS_USE_CATEGORY) found[selection->to[j]].categorical = true;
    ls_status status = fill_rows(n, selection, layout->missing != LS_MISSING_ERROR, data, found,
                                 err);
    if (status == LS_OK) status = describe(n, layout, selection, found, data, err);
    for (size_t c = 0; c < selection->used; c++) ls_csv_column_free(&found[c]);
    free(found);
    return status;
}

static ls_status fill(const ls_numbers *n, const ls_selection *selection, const ls_numbers *labels,
                      const ls_layout *layout, ls_data *data, ls_error *err)
{
    LS_TRY(fill_columns(n, selection, layout, data, err));
    if (labels) return fill_classes(layout, labels, 0, data, err);
    return selection->target != NO_TARGET ? fill_classes(layout, n, selection->target, data, err)
                                          : LS_OK;
}

static ls_status build_selected(const ls_numbers *n, const ls_selection *selection,
                                const ls_numbers *labels, const ls_layout *layout, ls_data **out,
                                ls_error *err)
{
    ls_data *data = NULL;
    LS_TRY(ls_data_create(n->rows, selection->used, 0, labels || selection->target != NO_TARGET,
                          &data, err));
    ls_status status = fill(n, selection, labels, layout, data, err);
    if (status == LS_OK) status = ls_data_drop_gaps(n->path, layout, &data, err);
    if (status == LS_OK) *out = data;
    else ls_data_free(data);
    return status;
}

static ls_status build(const ls_numbers *n, size_t target, const ls_numbers *labels,
                       const ls_layout *layout, ls_data **out, ls_error *err)
{
    ls_selection selection;
    if (n->columns - (target != NO_TARGET) == 0)
        return ls_fail(err, LS_ERR_DATA,
                       "%s: has one column only; name a file of classes with --labels", n->path);
    ls_status status = ls_select(layout, n->path, NULL, n->columns, target, &selection, err);
    if (status == LS_OK) status = build_selected(n, &selection, labels, layout, out, err);
    ls_selection_free(&selection);
    return status;
}

static ls_status read_with_labels(const ls_numbers *n, const char *path, const ls_layout *layout,
                                  ls_data **out, ls_error *err)
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
             : ls_is_npy(bytes, size)
                 ? ls_open_npy(path, bytes, size, &labels, err)
                 : ls_fail(err, LS_ERR_DATA,
                           "%s: classes are read from IDX and NPY files, and this is neither",
                           path);
    if (status == LS_OK && (labels.columns != 1 || labels.rows != n->rows))
        status =
            ls_fail(err, LS_ERR_DATA,
                    "%s: has %zu x %zu numbers, but %s has %zu rows; one class a row is needed",
                    path, labels.rows, labels.columns, n->path, n->rows);
    if (status == LS_OK) status = build(n, NO_TARGET, &labels, layout, out, err);
    free(bytes);
    return status;
}

ls_status ls_read_numbers(const ls_numbers *n, const char *default_labels, const ls_layout *layout,
                          ls_data **out, ls_error *err)
{
    uint64_t index = n->columns - 1;
    if (layout->labels) return read_with_labels(n, layout->labels, layout, out, err);
    if (default_labels && access(default_labels, R_OK) == 0)
        return read_with_labels(n, default_labels, layout, out, err);
    if (layout->features && layout->features == n->columns)
        return build(n, NO_TARGET, NULL, layout, out, err);
    if (default_labels && !layout->target)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: has no classes beside it (there is no %s); name their file with --labels", n->path,
            default_labels);
    if (layout->target && (!ls_parse_u64(layout->target, &index) || index >= n->columns))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: its columns have no names; give the target's index, 0 to %zu", n->path,
                       n->columns - 1);
    return build(n, (size_t)index, NULL, layout, out, err);
}
