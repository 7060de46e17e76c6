/* SPDX-License-Identifier: MIT */
#include "host/search/parts.h"
#include "host/base/memory.h"
#include "host/data/data.h"
#include "host/data/split.h"
#include <stdlib.h>

static ls_status fill_folds(ls_search *s, const uint32_t *fold, bool *marks, ls_error *err)
{
    for (size_t k = 0; k < s->parts; k++) {
        for (size_t i = 0; i < s->data->rows; i++) marks[i] = fold[i] == k;
        LS_TRY(ls_data_pick(s->data, marks, true, &s->held[k], err));
        LS_TRY(ls_data_pick(s->data, marks, false, &s->train[k], err));
    }
    return LS_OK;
}

static ls_status hold_out(ls_search *s, ls_error *err)
{
    bool chosen = s->how.holdout < 0;
    if (chosen) s->how.holdout = ls_data_usable_share(s->data, 0.2);
    ls_status status = ls_data_split(s->data, s->how.holdout, s->how.seed, &s->train[0],
                                     &s->held[0], err);
    return chosen && status == LS_ERR_ARGUMENT && !s->data->group
               ? ls_fail(
                     err, status,
                     "a search needs rows to train on and other rows to score on; %zu rows are too few",
                     s->data->rows)
               : status;
}

ls_status ls_search_split_rows(ls_search *s, ls_error *err)
{
    uint32_t *fold = NULL;
    bool *marks = NULL;
    s->parts = s->how.folds ? s->how.folds : 1;
    if (s->how.folds > s->data->rows)
        return ls_fail(err, LS_ERR_ARGUMENT, "--folds: the data has only %zu rows", s->data->rows);
    LS_TRY(ls_alloc(&s->train, s->parts, sizeof *s->train, "the folds", err));
    LS_TRY(ls_alloc(&s->held, s->parts, sizeof *s->held, "the folds", err));
    if (!s->how.folds) return hold_out(s, err);
    ls_status status = ls_alloc(&fold, s->data->rows, sizeof *fold, "the folds", err);
    if (status == LS_OK) status = ls_alloc(&marks, s->data->rows, sizeof *marks, "the folds", err);
    if (status == LS_OK) status = ls_data_folds(s->data, s->how.folds, s->how.seed, fold, err);
    if (status == LS_OK) status = fill_folds(s, fold, marks, err);
    free(fold);
    free(marks);
    return status;
}

void ls_search_free_parts(ls_search *s)
{
    for (size_t i = 0; i < s->parts; i++) {
        if (s->train) ls_data_free(s->train[i]);
        if (s->held) ls_data_free(s->held[i]);
    }
    free(s->train);
    free(s->held);
}
