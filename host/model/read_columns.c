/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/model/model_format.h"
#include "host/model/read_json.h"
#include "host/model/source_json.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

ls_status ls_damaged(const char *path, const char *what, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: %s", path, what);
}

/* Replaces the names by those of a JSON list of the same length. */
ls_status ls_read_names(const json_t *list, char **names, const char *path, ls_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name) return ls_damaged(path, "a name in its metadata is not a string", err);
        free(names[i]);
        if (!(names[i] = ls_strdup(name)))
            return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    }
    return LS_OK;
}

ls_status ls_read_numbers(const json_t *list, size_t count, double **out, const char *path,
                          ls_error *err)
{
    if (json_is_null(list)) return LS_OK;
    if (json_array_size(list) != count)
        return ls_damaged(path,
                          "its number of standardisation values is not its number of features",
                          err);
    LS_TRY(ls_alloc(out, count, sizeof **out, "a model", err));
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_number(value))
            return ls_damaged(path, "a standardisation value is not a number", err);
        (*out)[i] = json_number_value(value);
        if (!isfinite((*out)[i]))
            return ls_damaged(path, "a standardisation value is not finite", err);
    }
    return LS_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Names of one column's categories, null for those without training rows. */
static ls_status read_categories(const json_t *list, ls_column *column, const char *path,
                                 ls_error *err)
{
    size_t count = json_array_size(list);
    LS_TRY(ls_alloc(&column->category, count, sizeof *column->category, "a model", err));
    column->categorical = true;
    column->categories = count;
    for (size_t k = 0; k < count; k++) {
        const json_t *value = json_array_get(list, k);
        if (json_is_null(value)) continue;
        const char *name = json_string_value(value);
        if (!name) return ls_damaged(path, "a category in its metadata is not a string", err);
        if (!(column->category[k] = ls_strdup(name)))
            return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    }
    return LS_OK;
}

static ls_status read_column(const json_t *o, size_t file_columns, ls_column *column,
                             const char *path, ls_error *err)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    json_int_t place = json_integer_value(json_object_get(o, "place"));
    const json_t *categories = json_object_get(o, "categories");
    if (!name || !json_is_number(json_object_get(o, "fill")))
        return ls_damaged(path, "a column in its metadata is malformed", err);
    if (!json_is_integer(json_object_get(o, "place")) || place < 0 ||
        (uint64_t)place >= file_columns)
        return ls_damaged(path,
                          "a column in its metadata has a place beyond the columns of its file",
                          err);
    if (categories && (!json_is_array(categories) || !json_is_boolean(json_object_get(o, "other"))))
        return ls_damaged(path, "the categories of a column in its metadata are malformed", err);
    column->place = (size_t)place;
    if (!(column->name = ls_strdup(name)))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    if (categories) LS_TRY(read_categories(categories, column, path, err));
    return ls_source_read_numbers(o, column, path, err);
}

/* Fill values, which replace missing values. Each must fit its column. */
static ls_status read_fills(const json_t *list, ls_encoder *e, const char *path, ls_error *err)
{
    for (size_t c = 0; c < e->columns; c++) {
        const json_t *o = json_array_get(list, c);
        const ls_column *column = &e->column[c];
        double fill = json_number_value(json_object_get(o, "fill"));
        bool fits = isfinite(fill);
        if (column->categorical) /* a category with a name, or the one for all others */
            fits = fill >= 0 && fill <= (double)column->categories && fill == floor(fill) &&
                   (fill == (double)column->categories || column->category[(size_t)fill]);
        if (!fits)
            return ls_damaged(path, "the fill value of a column does not fit the column", err);
        e->fill[c] = fill;
        e->other[c] = json_is_true(json_object_get(o, "other"));
    }
    return LS_OK;
}

static ls_status read_missing(const json_t *value, ls_missing *out, const char *path, ls_error *err)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && ls_missing_names[i]; i++)
        if (!strcmp(name, ls_missing_names[i])) {
            *out = (ls_missing)i;
            return LS_OK;
        }
    return ls_damaged(path, "its rule for missing values is unknown", err);
}

static int by_place(const void *a, const void *b)
{
    size_t left = ((const ls_column *)a)->place, right = ((const ls_column *)b)->place;
    return (left > right) - (left < right);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sets *twice if two names are equal; NULL entries do not count. */
ls_status ls_find_twice(char *const *names, size_t count, bool *twice, ls_error *err)
{
    char **sorted;
    size_t n = 0;
    LS_TRY(ls_alloc(&sorted, count, sizeof *sorted, "a model", err));
    for (size_t i = 0; i < count; i++)
        if (names[i]) sorted[n++] = names[i];
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 1; i < n; i++) *twice |= !strcmp(sorted[i], sorted[i - 1]);
    free(sorted);
    return LS_OK;
}

/* Checks that columns have different places, other than the class column's, and that each column's
 * categories have different names. */
static ls_status check_columns(const ls_encoder *e, size_t target, const char *path, ls_error *err)
{
    ls_column *sorted;
    bool twice = false;
    LS_TRY(ls_alloc(&sorted, e->columns, sizeof *sorted, "a model", err));
    memcpy(sorted, e->column, e->columns * sizeof *sorted);
    qsort(sorted, e->columns, sizeof *sorted, by_place);
    for (size_t c = 0; c < e->columns; c++)
        twice |= sorted[c].place == target || (c > 0 && sorted[c].place == sorted[c - 1].place);
    free(sorted);
    for (size_t c = 0; c < e->columns && !twice; c++)
        LS_TRY(ls_find_twice(e->column[c].category, e->column[c].categories, &twice, err));
    return twice ? ls_damaged(path, "a column or a category is listed twice", err) : LS_OK;
}

/* Width of the file and place of its class, which files without "source" have here. */
static ls_status read_file_columns(const json_t *object, ls_model *m, const char *path,
                                   ls_error *err)
{
    const json_t *target = json_object_get(object, "file_target");
    json_int_t width = json_integer_value(json_object_get(object, "file_columns")),
               at = json_integer_value(target);
    if (width < 1 || width > INT32_MAX)
        return ls_damaged(path, "its columns do not match its features", err);
    if (!json_is_null(target) && (!json_is_integer(target) || at < 0 || at >= width))
        return ls_damaged(path, "its class column has a place beyond the columns of its file", err);
    m->source.columns = (size_t)width;
    m->target->place = json_is_null(target) ? LS_NO_COLUMN : (size_t)at;
    return LS_OK;
}

ls_status ls_read_encoder(const json_t *object, ls_model *m, const char *path, ls_error *err)
{
    const json_t *list = json_object_get(object, "list");
    size_t count = json_array_size(list);
    ls_column *column;
    ls_missing missing = LS_MISSING_MEAN;
    LS_TRY(read_missing(json_object_get(object, "missing"), &missing, path, err));
    if (!m->source.columns) LS_TRY(read_file_columns(object, m, path, err));
    if (!count || count > m->network.inputs || count > m->source.columns)
        return ls_damaged(path, "its columns do not match its features", err);
    LS_TRY(ls_alloc(&column, count, sizeof *column, "a model", err));
    ls_status status = LS_OK;
    for (size_t c = 0; c < count && status == LS_OK; c++)
        status = read_column(json_array_get(list, c), m->source.columns, &column[c], path, err);
    if (status == LS_OK && ls_columns_inputs(column, count) != m->network.inputs)
        status = ls_damaged(path, "its columns do not match its features", err);
    if (status != LS_OK) {
        ls_columns_free(column, count);
        return status;
    }
    LS_TRY(ls_encoder_create(column, count, &m->encoder, err));
    m->encoder->missing = missing;
    LS_TRY(check_columns(m->encoder, m->target->place, path, err));
    return read_fills(list, m->encoder, path, err);
}
