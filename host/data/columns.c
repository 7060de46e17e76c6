/* SPDX-License-Identifier: MIT */
/* Columns of more than plain numbers: categories and gaps. */
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const ls_missing_names[] = {"mean", "median", "most-frequent", "drop", "error", NULL};

size_t ls_columns_inputs(const ls_column *column, size_t count)
{
    size_t inputs = 0;
    for (size_t c = 0; c < count; c++)
        inputs += column[c].categorical ? column[c].categories + 1 : 1;
    return inputs;
}

void ls_columns_free(ls_column *column, size_t count)
{
    for (size_t c = 0; column && c < count; c++) {
        for (size_t k = 0; column[c].category && k < column[c].categories; k++)
            free(column[c].category[k]);
        free(column[c].category);
        free(column[c].name);
    }
    free(column);
}

static ls_status copy_column(const ls_column *from, ls_column *to, ls_error *err)
{
    *to = (ls_column){.place = from->place, .categorical = from->categorical};
    bool lost = !(to->name = ls_strdup(from->name));
    LS_TRY(ls_alloc(&to->category, from->categories, sizeof *to->category, "the categories", err));
    to->categories = from->categories;
    for (size_t k = 0; k < from->categories; k++)
        if (from->category[k]) lost |= !(to->category[k] = ls_strdup(from->category[k]));
    return lost ? ls_fail(err, LS_ERR_MEMORY,
                          "out of memory for the names of columns and categories")
                : LS_OK;
}

ls_status ls_columns_copy(const ls_column *from, size_t count, ls_column **to, ls_error *err)
{
    ls_column *copy;
    LS_TRY(ls_alloc(&copy, count, sizeof *copy, "the columns", err));
    ls_status status = LS_OK;
    for (size_t c = 0; c < count && status == LS_OK; c++)
        status = copy_column(&from[c], &copy[c], err);
    if (status != LS_OK) ls_columns_free(copy, count);
    else *to = copy;
    return status;
}

/* "colour", or "colour=red" and "colour=(other)". */
static char *input_name(const ls_column *column, size_t slot)
{
    if (!column->categorical) return ls_strdup(column->name);
    const char *category = slot == column->categories ? "(other)"
                           : column->category[slot]   ? column->category[slot]
                                                      : "(unused)";
    size_t length = strlen(column->name) + strlen(category) + 2;
    char *name = malloc(length);
    if (name) snprintf(name, length, "%s=%s", column->name, category);
    return name;
}

static ls_status name_inputs(const ls_column *column, size_t count, char **names, ls_error *err)
{
    for (size_t c = 0, i = 0; c < count; c++)
        for (size_t k = 0; k < (column[c].categorical ? column[c].categories + 1 : 1); k++, i++)
            if (!(names[i] = input_name(&column[c], k)))
                return ls_fail(err, LS_ERR_MEMORY,
                               "out of memory for the names of features; use less data");
    return LS_OK;
}

ls_status ls_data_describe_columns(ls_data *data, ls_column *column, ls_error *err)
{
    size_t inputs = ls_columns_inputs(column, data->columns);
    char **names;
    ls_status status = ls_alloc(&names, inputs, sizeof *names, "feature names", err);
    if (status == LS_OK) status = name_inputs(column, data->columns, names, err);
    if (status != LS_OK) {
        for (size_t i = 0; names && i < inputs; i++) free(names[i]);
        free(names);
        ls_columns_free(column, data->columns);
        return status;
    }
    for (size_t i = 0; i < data->features; i++) free(data->feature_names[i]);
    free(data->feature_names);
    if (column != data->column) ls_columns_free(data->column, data->columns);
    data->feature_names = names;
    data->features = inputs;
    data->column = column;
    return LS_OK;
}

/* Categories of one column that rows have, moved together; map: a category's new number. */
static void narrow_column(ls_data *data, size_t c, size_t *map)
{
    ls_column *column = &data->column[c];
    size_t kept = 0;
    memset(map, 0, column->categories * sizeof *map);
    for (size_t r = 0; r < data->rows; r++) {
        float cell = data->x[r * data->columns + c];
        if (!isnan(cell)) map[(size_t)cell] = 1;
    }
    for (size_t k = 0; k < column->categories; k++) {
        char *name = column->category[k];
        column->category[k] = NULL;
        if (!map[k]) free(name);
        else column->category[map[k] = kept++] = name;
    }
    column->categories = kept;
    for (size_t r = 0; r < data->rows; r++) {
        float *cell = &data->x[r * data->columns + c];
        if (!isnan(*cell)) *cell = (float)map[(size_t)*cell];
    }
}

ls_status ls_data_narrow(ls_data *data, ls_error *err)
{
    size_t most = 0, *map;
    ls_column *column = NULL;
    for (size_t c = 0; c < data->columns; c++)
        if (data->column[c].categories > most) most = data->column[c].categories;
    if (!most) return LS_OK;
    LS_TRY(ls_alloc(&map, most, sizeof *map, "the categories", err));
    for (size_t c = 0; c < data->columns; c++)
        if (data->column[c].categorical) narrow_column(data, c, map);
    free(map);
    LS_TRY(ls_columns_copy(data->column, data->columns, &column, err));
    return ls_data_describe_columns(data, column, err);
}

/* ---- What is told of them -------------------------------------------------------------------- */

size_t ls_data_columns(const ls_data *data) { return data->columns; }
size_t ls_data_dropped(const ls_data *data) { return data->dropped; }
const char *ls_data_target_name(const ls_data *data) { return data->target_name; }

ls_status ls_data_column(const ls_data *data, size_t i, ls_column_info *out, ls_error *err)
{
    if (!data || !out || i >= data->columns)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_column: there is no column %zu", i);
    const ls_column *c = data->column ? &data->column[i] : NULL;
    double sum = 0, squares = 0;
    size_t count = 0;
    *out = (ls_column_info){.name = c ? c->name : data->feature_names[i],
                            .place = c ? c->place : i,
                            .categorical = c && c->categorical,
                            .categories = c ? c->categories : 0,
                            .least = NAN,
                            .most = NAN,
                            .mean = NAN,
                            .deviation = NAN};
    for (size_t r = 0; r < data->rows; r++) {
        double value = (double)data->x[r * data->columns + i];
        if (isnan(value)) continue;
        count++;
        sum += value;
        out->least = fmin(out->least, value);
        out->most = fmax(out->most, value);
    }
    out->missing = data->rows - count;
    if (out->categorical) out->least = out->most = NAN;
    if (out->categorical || !count) return LS_OK;
    out->mean = sum / (double)count;
    for (size_t r = 0; r < data->rows; r++) {
        double value = (double)data->x[r * data->columns + i];
        if (!isnan(value)) squares += (value - out->mean) * (value - out->mean);
    }
    out->deviation = sqrt(squares / (double)count);
    return LS_OK;
}

const char *ls_data_category(const ls_data *data, size_t column, size_t k, size_t *rows)
{
    if (!data->column || column >= data->columns || k >= data->column[column].categories)
        return NULL;
    size_t count = 0;
    for (size_t r = 0; rows && r < data->rows; r++)
        count += data->x[r * data->columns + column] == (float)k;
    if (rows) *rows = count;
    return data->column[column].category[k];
}
