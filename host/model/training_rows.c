/* SPDX-License-Identifier: MIT */
#include "host/model/training_rows.h"
#include "host/data/split.h"
#include "host/model/targets.h"

/* Whether no class has two rows: names or keys of rows. A few rows may well be like that. */
static bool has_own_classes(const ls_data *data)
{
    return data->task == LS_TASK_CLASSIFICATION && data->rows >= LS_LEAST_VALIDATED &&
           ls_data_largest_class(data, 2) < 2;
}

ls_status ls_training_check_labels(const ls_data *data, ls_error *err)
{
    if (ls_data_has_targets(data) && has_own_classes(data))
        return ls_fail(err, LS_ERR_DATA,
                       "each of the %zu rows is of another class, so that there is nothing to "
                       "learn; name the column to predict with --target",
                       data->rows);
    if (ls_data_has_targets(data)) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   data->task == LS_TASK_CLASSIFICATION ? "the data has no classes to learn"
                                                        : "the data has no targets to learn");
}

ls_status ls_training_check_settings(const ls_settings *s, const ls_data *data, ls_error *err)
{
    if (s->fold.parts && s->validation >= 0)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--fold and --validation both choose the validation rows; give one");
    if (s->patience && s->patience != LS_COUNT_AUTO && !s->fold.parts &&
        !(ls_settings_validation(s, data->rows) > 0))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "--patience watches the validation loss; hold rows out with --validation 0.1");
    if (data->task == LS_TASK_CLASSIFICATION && s->class_weights == LS_WEIGHTS_GIVEN &&
        s->class_weight_count != data->classes)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--class-weights names %zu weights, the data has %zu classes",
                       s->class_weight_count, data->classes);
    return LS_OK;
}

bool ls_rows_are_weighted(const ls_settings *s, const ls_data *data)
{
    return s->class_weights != LS_WEIGHTS_NONE || data->weight;
}

ls_status ls_training_check_batch(const ls_settings *s, size_t rows, ls_error *err)
{
    uint64_t batch = ls_settings_batch(s, rows), other = batch;
    const char *name = s->net ? "batchnorm" : "--batch-norm";
    if (!ls_settings_normalise_rows(s) || (batch > 1 && rows % batch != 1)) return LS_OK;
    if (rows < 2)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s needs batches of two or more rows, and there is one training row; use more rows or leave it out",
            name);
    while (other < rows && (other < 2 || rows % other == 1)) other++;
    if (batch == 1)
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s needs batches of two or more rows: a batch of one row has no variance; use for example --batch %llu",
            name, (unsigned long long)other);
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "%s needs batches of two or more rows: --batch %llu leaves a last batch of one of the %zu training rows; use for example --batch %llu",
        name, (unsigned long long)batch, rows, (unsigned long long)other);
}

double ls_training_share(const ls_settings *s, const ls_data *data)
{
    double share = s->fold.parts ? 0 : ls_settings_validation(s, data->rows);
    size_t rest;
    if (!(share > 0) || s->validation >= 0) return share;
    share = ls_data_usable_share(data, share);
    if (!data->group || s->patience != LS_COUNT_AUTO) return share;
    return ls_data_cut_rows(data, share, s->seed, &rest, NULL) == LS_OK ? share : 0;
}

/* More parts than a machine's memory has rows are refused as too many. */
static size_t in_memory(uint64_t n) { return n < SIZE_MAX ? (size_t)n : SIZE_MAX; }

ls_status ls_training_rows(const ls_settings *s, const ls_data *data, size_t *rows, ls_error *err)
{
    const ls_fold *f = &s->fold;
    double share = ls_training_share(s, data);
    if (f->parts)
        return ls_data_fold_rows(data, in_memory(f->part - 1), in_memory(f->parts), f->seed, rows,
                                 err);
    if (share > 0) return ls_data_cut_rows(data, share, s->seed, rows, err);
    *rows = data->rows;
    return LS_OK;
}

ls_status ls_training_split(const ls_settings *s, const ls_data *data, ls_data **train,
                            ls_data **validation, ls_error *err)
{
    const ls_fold *f = &s->fold;
    double share = ls_training_share(s, data);
    *train = *validation = NULL;
    if (f->parts)
        return ls_data_cut_fold(data, in_memory(f->part - 1), in_memory(f->parts), f->seed, train,
                                validation, err);
    return share > 0 ? ls_data_cut(data, share, s->seed, true, train, validation, err) : LS_OK;
}
