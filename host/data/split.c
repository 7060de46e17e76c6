/* SPDX-License-Identifier: MIT */
#include "host/data/split.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"

/* Purpose of a permutation (the others are in kernels/random.h). */
#define LS_PURPOSE_FOLDS 34u

static ls_status copy_name(char **slot, const char *name, ls_error *err)
{
    char *copy = ls_strdup(name);
    if (!copy)
        return ls_fail(err, LS_ERR_MEMORY,
                       "out of memory for the names of columns and classes; use less data");
    free(*slot);
    *slot = copy;
    return LS_OK;
}

static ls_status copy_names(ls_data *to, const ls_data *from, ls_error *err)
{
    for (size_t j = 0; !from->column && j < from->features; j++) {
        LS_TRY(copy_name(&to->feature_names[j], from->feature_names[j], err));
    }
    for (size_t c = 0; c < from->classes; c++) {
        LS_TRY(copy_name(&to->class_names[c], from->class_names[c], err));
    }
    ls_targets_free(to->target, to->targets);
    to->target = NULL;
    to->targets = 0;
    LS_TRY(ls_targets_copy(from->target, from->targets, &to->target, err));
    to->targets = from->targets;
    to->task = from->task;
    return ls_source_copy(&from->source, &to->source, err);
}

static void copy_rows(const ls_data *data, const bool *marks, bool wanted, ls_data *part)
{
    size_t to = 0;
    for (size_t i = 0; i < data->rows; i++) {
        if (marks[i] != wanted) continue;
        memcpy(part->x + to * data->columns, data->x + i * data->columns,
               data->columns * sizeof *data->x);
        if (data->y) part->y[to] = data->y[i];
        if (data->value)
            memcpy(part->value + to * data->targets, data->value + i * data->targets,
                   data->targets * sizeof *data->value);
        if (data->weight) part->weight[to] = data->weight[i];
        if (data->group) part->group[to] = data->group[i];
        part->number[to++] = ls_data_row_number(data, i);
    }
}

static ls_status copy_columns(const ls_data *data, bool all_categories, ls_data *part,
                              ls_error *err)
{
    ls_column *column = NULL;
    LS_TRY(ls_columns_copy(data->column, data->columns, &column, err));
    LS_TRY(ls_data_describe_columns(part, column, err));
    part->missing = data->missing;
    return all_categories ? LS_OK : ls_data_narrow(part, err);
}

/* Copies the `count` rows whose mark is `wanted`, in their order. all_categories: as in
 * ls_data_cut. */
static ls_status copy_marked(const ls_data *data, const bool *marks, bool wanted, size_t count,
                             bool all_categories, ls_data **out, ls_error *err)
{
    ls_data *part = NULL;
    LS_TRY(ls_data_create(count, data->columns, data->classes, data->y != NULL, &part, err));
    ls_status status = copy_names(part, data, err);
    if (status == LS_OK)
        status = ls_alloc(&part->number, count, sizeof *part->number, "the rows' numbers", err);
    if (status == LS_OK && data->value)
        status = ls_alloc(&part->value, count, data->targets * sizeof *part->value, "the targets",
                          err);
    if (status == LS_OK && data->weight)
        status = ls_alloc(&part->weight, count, sizeof *part->weight, "the weights", err);
    if (status == LS_OK && data->group)
        status = ls_alloc(&part->group, count, sizeof *part->group, "the groups", err);
    if (status == LS_OK) copy_rows(data, marks, wanted, part);
    if (status == LS_OK && data->column) status = copy_columns(data, all_categories, part, err);
    if (status != LS_OK) {
        ls_data_free(part);
        return status;
    }
    *out = part;
    return LS_OK;
}

ls_status ls_data_pick(const ls_data *data, const bool *marks, bool wanted, ls_data **out,
                       ls_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < data->rows; i++) count += marks[i] == wanted;
    return copy_marked(data, marks, wanted, count, false, out, err);
}

ls_status ls_data_thin(const ls_data *data, size_t most, ls_data **out, ls_error *err)
{
    size_t n = data->rows, *seen;
    bool *marks;
    *out = NULL;
    if (n <= most) return LS_OK;
    LS_TRY(ls_alloc(&seen, data->y ? data->classes : 1, sizeof *seen, "the rows", err));
    ls_status status = ls_alloc(&marks, n, sizeof *marks, "the rows", err);
    for (size_t i = 0; i < n && status == LS_OK; i++) {
        /* the k-th row of its class is taken if k·most/n passes a whole number */
        size_t k = seen[data->y ? (size_t)data->y[i] : 0]++;
        double share = (double)most / (double)n;
        marks[i] = k == 0 || floor((double)k * share) != floor((double)(k + 1) * share);
    }
    if (status == LS_OK) status = ls_data_pick(data, marks, true, out, err);
    free(marks);
    free(seen);
    return status;
}

/* Sorts row numbers by class, in their order within a class. Those of class c end at ends[c]. */
static void sort_by_class(const ls_data *data, size_t groups, uint32_t *order, size_t *ends)
{
    size_t start = 0;
    for (size_t i = 0; i < data->rows; i++) ends[data->y ? (size_t)data->y[i] : 0]++;
    for (size_t c = 0; c < groups; c++) {
        size_t count = ends[c];
        ends[c] = start;
        start += count;
    }
    for (size_t i = 0; i < data->rows; i++)
        order[ends[data->y ? (size_t)data->y[i] : 0]++] = (uint32_t)i;
}

/* Marks round(fraction × n) of the n rows of each class. Returns the number of marked rows. */
static size_t mark_part(double fraction, uint64_t seed, size_t groups, const uint32_t *order,
                        const size_t *ends, bool *marks)
{
    size_t marked = 0, start = 0;
    for (size_t c = 0; c < groups; c++) {
        size_t count = ends[c] - start;
        size_t taken = (size_t)floor(fraction * (double)count + 0.5);
        for (size_t k = 0; k < taken; k++) {
            marks[order[start + ls_permute((ls_u32)k, (ls_u32)count, seed, LS_PURPOSE_SPLIT, c)]] =
                true;
        }
        marked += taken;
        start = ends[c];
    }
    return marked;
}

static ls_status split_marked(const ls_data *data, const bool *marks, size_t marked,
                              double fraction, bool all_categories, ls_data **rest, ls_data **part,
                              ls_error *err)
{
    if (marked == 0 || marked == data->rows) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "a fraction of %g of %zu rows leaves one part without rows; %s", fraction,
                       data->rows,
                       marked == 0 ? "use a larger fraction or more rows"
                                   : "use a smaller fraction");
    }
    ls_data *first = NULL, *second = NULL;
    LS_TRY(copy_marked(data, marks, false, data->rows - marked, all_categories, &first, err));
    ls_status status = copy_marked(data, marks, true, marked, all_categories, &second, err);
    if (status != LS_OK) {
        ls_data_free(first);
        return status;
    }
    *rest = first;
    *part = second;
    return LS_OK;
}

ls_status ls_data_cut(const ls_data *data, double fraction, uint64_t seed, bool all_categories,
                      ls_data **rest, ls_data **part, ls_error *err)
{
    if (!(fraction > 0.0 && fraction < 1.0)) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "cannot split off a fraction of %g; give one between 0 and 1, like 0.2",
                       fraction);
    }
    if (data->rows > UINT32_MAX) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "cannot split %zu rows; at most 4294967295 are supported", data->rows);
    }
    size_t groups = data->y ? data->classes : 1;
    bool *marks = NULL;
    uint32_t *order = NULL;
    size_t *ends = NULL;
    ls_status status = ls_alloc(&marks, data->rows, sizeof *marks, "the split", err);
    if (status == LS_OK) status = ls_alloc(&order, data->rows, sizeof *order, "the split", err);
    if (status == LS_OK) status = ls_alloc(&ends, groups, sizeof *ends, "the split", err);
    if (status == LS_OK) {
        sort_by_class(data, groups, order, ends);
        size_t marked = mark_part(fraction, seed, groups, order, ends, marks);
        status = split_marked(data, marks, marked, fraction, all_categories, rest, part, err);
    }
    free(marks);
    free(order);
    free(ends);
    return status;
}

ls_status ls_data_split(const ls_data *data, double fraction, uint64_t seed, ls_data **rest,
                        ls_data **part, ls_error *err)
{
    return ls_data_cut(data, fraction, seed, false, rest, part, err);
}

ls_status ls_data_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold,
                        ls_error *err)
{
    if (folds < 2 || folds > data->rows || data->rows > UINT32_MAX)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%zu rows cannot be divided into %zu folds; use 2 to %zu", data->rows, folds,
                       data->rows);
    size_t groups = data->y ? data->classes : 1, start = 0;
    uint32_t *order = NULL;
    size_t *ends = NULL;
    ls_status status = ls_alloc(&order, data->rows, sizeof *order, "the folds", err);
    if (status == LS_OK) status = ls_alloc(&ends, groups, sizeof *ends, "the folds", err);
    if (status == LS_OK) sort_by_class(data, groups, order, ends);
    for (size_t c = 0; status == LS_OK && c < groups; start = ends[c++])
        for (size_t k = 0, count = ends[c] - start; k < count; k++) {
            /* dealt out in turn, continuing from class to class */
            size_t place = start + ls_permute((ls_u32)k, (ls_u32)count, seed, LS_PURPOSE_FOLDS, c);
            fold[order[start + k]] = (uint32_t)(place % folds);
        }
    free(order);
    free(ends);
    return status;
}
