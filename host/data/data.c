/* SPDX-License-Identifier: MIT */
#include "host/data/data.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/struct_size.h"
#include "host/base/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Objects --------------------------------------------------------------------------------- */

static ls_status no_names(ls_error *err)
{
    return ls_fail(err, LS_ERR_MEMORY,
                   "out of memory for the names of columns and classes; use less data");
}

/* names[i] = prefix and first + i. */
static ls_status number_names(char **names, size_t count, const char *prefix, size_t first,
                              ls_error *err)
{
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%zu", prefix, first + i);
        names[i] = ls_strdup(name);
        if (!names[i]) return no_names(err);
    }
    return LS_OK;
}

static ls_status too_large(size_t rows, size_t features, ls_error *err)
{
    return ls_fail(err, LS_ERR_MEMORY,
                   "%zu rows x %zu features is more than this machine can address; use less data",
                   rows, features);
}

static ls_status fill_new(ls_data *data, bool labelled, bool apart, ls_error *err)
{
    size_t cells;
    if (!ls_mul_size(data->rows, data->features, &cells))
        return too_large(data->rows, data->features, err);
    if (!apart) LS_TRY(ls_alloc(&data->x, cells, sizeof *data->x, "the features", err));
    if (labelled) LS_TRY(ls_alloc(&data->y, data->rows, sizeof *data->y, "the classes", err));
    LS_TRY(ls_alloc(&data->feature_names, data->features, sizeof *data->feature_names,
                    "feature names", err));
    LS_TRY(ls_alloc(&data->class_names, data->classes, sizeof *data->class_names, "class names",
                    err));
    LS_TRY(number_names(data->feature_names, data->features, "x", 1, err));
    LS_TRY(number_names(data->class_names, data->classes, "", 0, err));
    data->targets = 1;
    LS_TRY(ls_alloc(&data->target, 1, sizeof *data->target, "the targets", err));
    data->target->place = LS_NO_COLUMN;
    data->target->name = ls_strdup("class");
    return data->target->name ? LS_OK : no_names(err);
}

static ls_status create(size_t rows, size_t features, size_t classes, bool labelled, bool apart,
                        ls_data **out, ls_error *err)
{
    ls_data *data = NULL;
    LS_TRY(ls_alloc(&data, 1, sizeof *data, "a data set", err));
    data->rows = rows;
    data->features = data->columns = features;
    data->classes = classes;
    ls_status status = fill_new(data, labelled, apart, err);
    if (status != LS_OK) {
        ls_data_free(data);
        return status;
    }
    *out = data;
    return LS_OK;
}

ls_status ls_data_create(size_t rows, size_t features, size_t classes, bool labelled, ls_data **out,
                         ls_error *err)
{
    return create(rows, features, classes, labelled, false, out, err);
}

ls_status ls_data_create_apart(size_t rows, size_t features, size_t classes, bool labelled,
                               ls_data **out, ls_error *err)
{
    return create(rows, features, classes, labelled, true, out, err);
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

void ls_data_free(ls_data *data)
{
    if (!data) return;
    free(data->x);
    free(data->y);
    free_names(data->feature_names, data->features);
    free_names(data->class_names, data->classes);
    free_names(data->note, data->notes);
    free(data->absent);
    ls_apart_free(data->apart);
    ls_kept_free(data->kept);
    ls_targets_free(data->target, data->targets);
    ls_source_free(&data->source);
    free(data->value);
    free(data->weight);
    free(data->group);
    free(data->number);
    ls_columns_free(data->column, data->columns);
    free(data);
}

static ls_status check_arrays(const float *x, const int32_t *y, size_t rows, size_t features,
                              size_t classes, ls_error *err)
{
    size_t cells;
    if (rows == 0 || features == 0) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "data of %zu rows x %zu features is empty; give at least one of each", rows,
                       features);
    }
    if (!ls_mul_size(rows, features, &cells)) return too_large(rows, features, err);
    if (y && (classes == 0 || classes > LS_MOST_CLASSES)) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "classes are given, but the number of classes is %zu; give 1 to %d", classes,
                       LS_MOST_CLASSES);
    }
    for (size_t i = 0; i < cells; i++) {
        if (!isfinite(x[i])) {
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "row %zu, feature %zu (from 0) is not finite; replace or drop the row",
                           i / features, i % features);
        }
    }
    for (size_t i = 0; y && i < rows; i++) {
        if (y[i] < 0 || (size_t)y[i] >= classes) {
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "row %zu (from 0) has class %ld; classes go from 0 to %zu", i,
                           (long)y[i], classes - 1);
        }
    }
    return LS_OK;
}

ls_status ls_data_from_arrays(const float *x, const int32_t *y, size_t rows, size_t features,
                              size_t classes, ls_data **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!x || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_from_arrays: an argument is NULL");
    LS_TRY(check_arrays(x, y, rows, features, classes, err));
    ls_data *data = NULL;
    LS_TRY(ls_data_create(rows, features, y ? classes : 0, y != NULL, &data, err));
    memcpy(data->x, x, rows * features * sizeof *x);
    if (y) memcpy(data->y, y, rows * sizeof *y);
    *out = data;
    return LS_OK;
}

static ls_status check_values(const double *values, size_t rows, size_t targets, ls_task task,
                              ls_error *err)
{
    size_t count;
    if (task != LS_TASK_REGRESSION && task != LS_TASK_MULTILABEL)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "ls_data_from_targets: the task is not regression or multi-label; for "
                       "classes use ls_data_from_arrays");
    if (!targets || targets > LS_MOST_CLASSES || !ls_mul_size(rows, targets, &count))
        return ls_fail(err, LS_ERR_ARGUMENT, "%zu targets for %zu rows; give 1 to %d", targets,
                       rows, LS_MOST_CLASSES);
    for (size_t i = 0; values && i < count; i++) {
        if (!isfinite(values[i]))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "row %zu, target %zu (from 0) is not finite; replace or drop the row",
                           i / targets, i % targets);
        if (task == LS_TASK_MULTILABEL && values[i] != 0 && values[i] != 1)
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "row %zu, label %zu (from 0) is %g; labels are 0 or 1", i / targets,
                           i % targets, values[i]);
    }
    return LS_OK;
}

/* Puts targets in the place of the class column. */
static ls_status set_targets(ls_data *data, const double *values, size_t targets, ls_task task,
                             ls_error *err)
{
    ls_targets_free(data->target, data->targets);
    data->target = NULL;
    data->targets = 0;
    LS_TRY(ls_alloc(&data->target, targets, sizeof *data->target, "the targets", err));
    data->task = task;
    data->targets = targets;
    for (size_t i = 0; i < targets; i++) {
        char name[32] = "y";
        if (targets > 1) snprintf(name, sizeof name, "y%zu", i + 1);
        data->target[i].place = LS_NO_COLUMN;
        if (!(data->target[i].name = ls_strdup(name))) return no_names(err);
    }
    if (!values) return LS_OK;
    LS_TRY(ls_alloc(&data->value, data->rows, targets * sizeof *data->value, "the targets", err));
    memcpy(data->value, values, data->rows * targets * sizeof *values);
    return LS_OK;
}

ls_status ls_data_from_targets(const float *x, const double *values, size_t rows, size_t features,
                               size_t targets, ls_task task, ls_data **out, ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_data *data;
    if (!x || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_from_targets: an argument is NULL");
    LS_TRY(check_values(values, rows, targets, task, err));
    LS_TRY(ls_data_from_arrays(x, NULL, rows, features, 0, &data, err));
    ls_status status = set_targets(data, values, targets, task, err);
    if (status != LS_OK) {
        ls_data_free(data);
        return status;
    }
    *out = data;
    return LS_OK;
}

ls_status ls_data_set_weights(ls_data *data, const double *weights, ls_error *err)
{
    LS_HOST_MODE(mode);
    double *copy = NULL;
    if (!data) return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_set_weights: an argument is NULL");
    for (size_t i = 0; weights && i < data->rows; i++)
        if (!isfinite(weights[i]) || weights[i] < 0)
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "row %zu (from 0) has the weight %g; weights are finite and not negative", i,
                weights[i]);
    if (weights) LS_TRY(ls_alloc(&copy, data->rows, sizeof *copy, "the weights", err));
    if (weights) memcpy(copy, weights, data->rows * sizeof *copy);
    free(data->weight);
    data->weight = copy;
    return LS_OK;
}

size_t ls_data_rows(const ls_data *data) { return data ? data->rows : 0; }

size_t ls_data_features(const ls_data *data) { return data ? data->features : 0; }

size_t ls_data_classes(const ls_data *data) { return data && data->y ? data->classes : 0; }

const float *ls_data_x(const ls_data *data) { return data ? data->x : NULL; }

const int32_t *ls_data_y(const ls_data *data) { return data ? data->y : NULL; }

size_t ls_data_columns(const ls_data *data) { return data ? data->columns : 0; }
size_t ls_data_dropped(const ls_data *data) { return data ? data->dropped : 0; }
const char *ls_data_target_name(const ls_data *data) { return data ? data->target->name : NULL; }
ls_task ls_data_task(const ls_data *data) { return data ? data->task : LS_TASK_CLASSIFICATION; }
size_t ls_data_targets(const ls_data *data) { return data ? data->targets : 0; }
const double *ls_data_values(const ls_data *data) { return data ? data->value : NULL; }
const double *ls_data_weights(const ls_data *data) { return data ? data->weight : NULL; }

const char *ls_data_target_at(const ls_data *data, size_t i)
{
    return data && i < data->targets ? data->target[i].name : NULL;
}

size_t ls_data_row_number(const ls_data *data, size_t i)
{
    if (!data || i >= data->rows) return 0;
    return data->number ? data->number[i] : data->first + i;
}

ls_data ls_data_block(const ls_data *data, size_t first, size_t rows)
{
    assert(first <= data->rows && rows <= data->rows - first);
    ls_data block = *data;
    block.rows = rows;
    if (block.x) block.x += first * data->columns;
    if (block.y) block.y += first;
    if (block.value) block.value += first * data->targets;
    if (block.weight) block.weight += first;
    if (block.group) block.group += first;
    if (block.number) block.number += first;
    block.first += first;
    return block;
}

const char *ls_data_class_name(const ls_data *data, size_t i)
{
    return data && i < data->classes ? data->class_names[i] : NULL;
}

const char *ls_data_feature_name(const ls_data *data, size_t i)
{
    return data && i < data->features ? data->feature_names[i] : NULL;
}

/* ---- Columns --------------------------------------------------------------------------------- */

ls_status ls_data_describe_columns(ls_data *data, ls_column *column, ls_error *err)
{
    size_t inputs = ls_columns_inputs(column, data->columns);
    char **names;
    ls_status status = ls_alloc(&names, inputs, sizeof *names, "feature names", err);
    if (status == LS_OK) status = ls_columns_name_inputs(column, data->columns, names, err);
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

ls_status ls_data_column(const ls_data *data, size_t i, ls_column_info *out, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!data || !out || i >= data->columns)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_column: there is no column %zu", i);
    LS_TRY(LS_CHECK_STRUCT(ls_column_info, out, err));
    const ls_column *c = data->column ? &data->column[i] : NULL;
    double sum = 0, squares = 0;
    size_t count = 0;
    ls_column_info info = {.name = c ? c->name : data->feature_names[i],
                           .place = c ? c->place : i,
                           .categorical = c && c->categorical,
                           .categories = c ? c->categories : 0,
                           .offset = c && !c->categorical ? c->offset : 0,
                           .least = NAN,
                           .most = NAN,
                           .mean = NAN,
                           .deviation = NAN};
    for (size_t r = 0; r < data->rows; r++) {
        double value = (double)data->x[r * data->columns + i];
        if (isnan(value)) continue;
        count++;
        sum += value;
        if (!(info.least <= value)) info.least = value;
        if (!(info.most >= value)) info.most = value;
    }
    info.missing = data->rows - count;
    double offset = info.offset;
    info.least += offset, info.most += offset;
    if (info.categorical) info.least = info.most = NAN;
    if (!info.categorical && count) {
        info.mean = sum / (double)count;
        for (size_t r = 0; r < data->rows; r++) {
            double value = (double)data->x[r * data->columns + i];
            if (!isnan(value)) squares += (value - info.mean) * (value - info.mean);
        }
        info.deviation = sqrt(squares / (double)count);
        info.mean += offset;
    }
    LS_WRITE_STRUCT(ls_column_info, out, 0, &info);
    return LS_OK;
}

const char *ls_data_category(const ls_data *data, size_t column, size_t k, size_t *rows)
{
    LS_FLOAT_MODE(mode);
    if (!data || !data->column || column >= data->columns || k >= data->column[column].categories)
        return NULL;
    size_t count = 0;
    for (size_t r = 0; rows && r < data->rows; r++)
        count += data->x[r * data->columns + column] == (float)k;
    if (rows) *rows = count;
    return data->column[column].category[k];
}
