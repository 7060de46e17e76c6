/* SPDX-License-Identifier: MIT */
#include "host/data/split.h"
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/deal.h"
#include "host/data/walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"

/* Purposes of permutations (the others are in kernels/random.h and host/data/deal.c). */
#define LS_PURPOSE_FOLDS 34u
#define LS_PURPOSE_SAMPLE 35u

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
        if (data->x)
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

/* Makes room for what goes with each row besides cells and classes. */
static ls_status create_row_arrays(const ls_data *data, ls_data *part, ls_error *err)
{
    size_t values, n = part->rows;
    if (!ls_mul_size(n, data->targets, &values))
        return ls_fail(err, LS_ERR_MEMORY,
                       "%zu rows of %zu targets are more than this machine can address", n,
                       data->targets);
    LS_TRY(ls_alloc(&part->number, n, sizeof *part->number, "the rows' numbers", err));
    if (data->value)
        LS_TRY(ls_alloc(&part->value, values, sizeof *part->value, "the targets", err));
    if (data->weight)
        LS_TRY(ls_alloc(&part->weight, n, sizeof *part->weight, "the rows' weights", err));
    if (data->group)
        LS_TRY(ls_alloc(&part->group, n, sizeof *part->group, "the rows' groups", err));
    return LS_OK;
}

/* Copies the `count` rows whose mark is `wanted`, in their order. all_categories: as in
 * ls_data_cut. */
static ls_status copy_marked(const ls_data *data, const bool *marks, bool wanted, size_t count,
                             bool all_categories, ls_data **out, ls_error *err)
{
    ls_data *part = NULL;
    LS_TRY((data->apart ? ls_data_create_apart : ls_data_create)(count, data->columns,
                                                                 data->classes, data->y != NULL,
                                                                 &part, err));
    part->apart = ls_apart_share(data->apart);
    ls_status status = copy_names(part, data, err);
    if (status == LS_OK) status = create_row_arrays(data, part, err);
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

ls_status ls_data_sample(const ls_data *data, size_t count, uint64_t seed, ls_data **out,
                         ls_error *err)
{
    size_t n = data->rows;
    bool *marks;
    *out = NULL;
    if (count == 0)
        return ls_fail(err, LS_ERR_ARGUMENT, "a sample of 0 rows has no rows; draw 1 or more");
    if (n <= count) return LS_OK;
    if (n > UINT32_MAX)
        return ls_fail(err, LS_ERR_MEMORY,
                       "cannot draw from %zu rows; at most 4294967295 are supported", n);
    LS_TRY(ls_alloc(&marks, n, sizeof *marks, "the sample", err));
    for (size_t k = 0; k < count; k++)
        marks[ls_permute((ls_u32)k, (ls_u32)n, seed, LS_PURPOSE_SAMPLE, 0)] = true;
    ls_status status = ls_data_pick(data, marks, true, out, err);
    free(marks);
    return status;
}

/* Sorts row numbers by class, in their order within a class. Those of class c end at ends[c]. */
static void sort_by_class(const ls_data *data, size_t classes, uint32_t *order, size_t *ends)
{
    size_t start = 0;
    for (size_t i = 0; i < data->rows; i++) ends[data->y ? (size_t)data->y[i] : 0]++;
    for (size_t c = 0; c < classes; c++) {
        size_t count = ends[c];
        ends[c] = start;
        start += count;
    }
    for (size_t i = 0; i < data->rows; i++)
        order[ends[data->y ? (size_t)data->y[i] : 0]++] = (uint32_t)i;
}

/* Marks round(fraction × n) of the n rows of each class. Returns the number of marked rows. */
static size_t mark_part(double fraction, uint64_t seed, size_t classes, const uint32_t *order,
                        const size_t *ends, bool *marks)
{
    size_t marked = 0, start = 0;
    for (size_t c = 0; c < classes; c++) {
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

size_t ls_data_largest_class(const ls_data *data, size_t enough)
{
    size_t most = 0, *count;
    if (!data->y) return data->rows;
    if (data->rows > data->classes * (enough - 1)) return enough; /* some class has as many */
    if (ls_alloc(&count, data->classes, sizeof *count, "the classes", NULL) != LS_OK) return enough;
    for (size_t i = 0; i < data->rows && most < enough; i++) {
        size_t rows = ++count[data->y[i]];
        if (rows > most) most = rows;
    }
    free(count);
    return most;
}

double ls_data_usable_share(const ls_data *data, double share)
{
    return fmax(share, 0.5 / (double)ls_data_largest_class(data, (size_t)(0.5 / share) + 1));
}

/* Marks the rows of the part: a fraction of each class, or whole groups. */
static ls_status mark_rows(const ls_data *data, double fraction, uint64_t seed, bool *marks,
                           size_t *marked, ls_error *err)
{
    size_t classes = data->y ? data->classes : 1, *ends = NULL;
    uint32_t *order = NULL;
    LS_TRY(ls_alloc(&order, data->rows, sizeof *order, "the split", err));
    ls_status status = ls_alloc(&ends, classes, sizeof *ends, "the split", err);
    if (status == LS_OK && data->group) {
        const double share[2] = {1 - fraction, fraction};
        status = ls_groups_deal(data, 2, share, seed, order, err);
        *marked = 0;
        for (size_t i = 0; i < data->rows && status == LS_OK; i++)
            *marked += marks[i] = order[i] == 1;
    } else if (status == LS_OK) {
        sort_by_class(data, classes, order, ends);
        *marked = mark_part(fraction, seed, classes, order, ends, marks);
    }
    free(order);
    free(ends);
    return status;
}

/* Checks a cut and marks its rows; *marks is freed with free(). */
static ls_status plan_cut(const ls_data *data, double fraction, uint64_t seed, bool **marks,
                          size_t *marked, ls_error *err)
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
    LS_TRY(ls_alloc(marks, data->rows, sizeof **marks, "the split", err));
    ls_status status = mark_rows(data, fraction, seed, *marks, marked, err);
    if (status == LS_OK && !data->group && data->y && ls_data_largest_class(data, 2) < 2)
        status = ls_fail(
            err, LS_ERR_ARGUMENT,
            "each of the %zu rows is of another class, so that none can be held out; use more rows, or name another column to predict with --target",
            data->rows);
    else if (status == LS_OK && (*marked == 0 || *marked == data->rows))
        status = ls_fail(err, LS_ERR_ARGUMENT,
                         "a fraction of %g of %zu rows leaves one part without rows; %s", fraction,
                         data->rows,
                         *marked == 0 ? "use a larger fraction or more rows"
                                      : "use a smaller fraction");
    if (status != LS_OK) free(*marks);
    return status;
}

/* Cuts at marks, which it frees. */
static ls_status cut_marked(const ls_data *data, bool *marks, size_t marked, bool all_categories,
                            ls_data **rest, ls_data **part, ls_error *err)
{
    ls_data *first = NULL, *second = NULL;
    ls_status status = copy_marked(data, marks, false, data->rows - marked, all_categories, &first,
                                   err);
    if (status == LS_OK)
        status = copy_marked(data, marks, true, marked, all_categories, &second, err);
    free(marks);
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
    bool *marks;
    size_t marked = 0;
    LS_TRY(plan_cut(data, fraction, seed, &marks, &marked, err));
    return cut_marked(data, marks, marked, all_categories, rest, part, err);
}

ls_status ls_data_cut_rows(const ls_data *data, double fraction, uint64_t seed, size_t *rest,
                           ls_error *err)
{
    bool *marks;
    size_t marked = 0;
    LS_TRY(plan_cut(data, fraction, seed, &marks, &marked, err));
    free(marks);
    *rest = data->rows - marked;
    return LS_OK;
}

ls_status ls_data_split(const ls_data *data, double fraction, uint64_t seed, ls_data **rest,
                        ls_data **part, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!data || !rest || !part)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_split: an argument is NULL");
    return ls_data_cut(data, fraction, seed, false, rest, part, err);
}

static ls_status deal_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold,
                            ls_error *err)
{
    double *share;
    LS_TRY(ls_alloc(&share, folds, sizeof *share, "the folds", err));
    for (size_t k = 0; k < folds; k++) share[k] = 1 / (double)folds;
    ls_status status = ls_groups_deal(data, folds, share, seed, fold, err);
    free(share);
    return status;
}

/* Rows of one class after the other are dealt out in turn. */
static ls_status class_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold,
                             ls_error *err)
{
    size_t classes = data->y ? data->classes : 1, start = 0;
    uint32_t *order = NULL;
    size_t *ends = NULL;
    ls_status status = ls_alloc(&order, data->rows, sizeof *order, "the folds", err);
    if (status == LS_OK) status = ls_alloc(&ends, classes, sizeof *ends, "the folds", err);
    if (status == LS_OK) sort_by_class(data, classes, order, ends);
    for (size_t c = 0; status == LS_OK && c < classes; start = ends[c++])
        for (size_t k = 0, count = ends[c] - start; k < count; k++) {
            /* in turn, continuing from class to class */
            size_t place = start + ls_permute((ls_u32)k, (ls_u32)count, seed, LS_PURPOSE_FOLDS, c);
            fold[order[start + k]] = (uint32_t)(place % folds);
        }
    free(order);
    free(ends);
    return status;
}

ls_status ls_data_folds(const ls_data *data, size_t folds, uint64_t seed, uint32_t *fold,
                        ls_error *err)
{
    if (data->rows < 2)
        return ls_fail(err, LS_ERR_ARGUMENT, "%zu rows cannot be divided into folds; use 2 or more",
                       data->rows);
    if (folds < 2 || folds > data->rows || data->rows > UINT32_MAX)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%zu rows cannot be divided into %zu folds; use 2 to %zu", data->rows, folds,
                       data->rows);
    return data->group ? deal_folds(data, folds, seed, fold, err)
                       : class_folds(data, folds, seed, fold, err);
}

/* Marks the rows of a fold; *marks is freed with free(). */
static ls_status plan_fold(const ls_data *data, size_t number, size_t folds, uint64_t seed,
                           bool **marks, size_t *marked, ls_error *err)
{
    uint32_t *fold;
    LS_TRY(ls_alloc(&fold, data->rows, sizeof *fold, "the folds", err));
    ls_status status = ls_alloc(marks, data->rows, sizeof **marks, "the folds", err);
    if (status == LS_OK && (status = ls_data_folds(data, folds, seed, fold, err)) != LS_OK)
        free(*marks);
    *marked = 0;
    for (size_t i = 0; status == LS_OK && i < data->rows; i++)
        *marked += (*marks)[i] = fold[i] == number;
    free(fold);
    return status;
}

ls_status ls_data_cut_fold(const ls_data *data, size_t number, size_t folds, uint64_t seed,
                           ls_data **rest, ls_data **part, ls_error *err)
{
    bool *marks;
    size_t marked;
    LS_TRY(plan_fold(data, number, folds, seed, &marks, &marked, err));
    return cut_marked(data, marks, marked, true, rest, part, err);
}

ls_status ls_data_fold_rows(const ls_data *data, size_t number, size_t folds, uint64_t seed,
                            size_t *rest, ls_error *err)
{
    bool *marks;
    size_t marked;
    LS_TRY(plan_fold(data, number, folds, seed, &marks, &marked, err));
    free(marks);
    *rest = data->rows - marked;
    return LS_OK;
}
