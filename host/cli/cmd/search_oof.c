/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/search_oof.h"
#include "host/base/decimal.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/outcome.h"
#include "host/cli/base/progress.h"
#include "host/search/out_of_fold.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

ls_status search_oof_check(const search_arguments *a, ls_error *err)
{
    if (!a->oof || a->folds || !isnan(a->holdout)) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--oof is of rows that were held out: say which with --folds N (each row once) "
                   "or --holdout SHARE");
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* A name after a prefix, as a field. */
static void add_name(ls_text *out, const char *prefix, const char *name)
{
    ls_text field = {0};
    ls_text_add(&field, "%s%s", prefix, name);
    ls_text_add(out, ",");
    if (field.text) ls_text_add_csv(out, field.text);
    out->failed |= field.failed;
    free(field.text);
}

static void add_header(ls_text *out, const outcome *o)
{
    ls_text_add(out, "row,fold");
    if (o->task == LS_TASK_CLASSIFICATION) {
        ls_text_add(out, ",true,predicted");
        for (size_t k = 0; k < o->classes; k++)
            add_name(out, o->probabilities ? "p_" : "output_", ls_model_class_name(o->model, k));
    }
    for (size_t k = 0; o->task != LS_TASK_CLASSIFICATION && k < o->targets; k++) {
        const char *name = model_target_name(o->model, k);
        add_name(out, "true_", name);
        add_name(out, "predicted_", name);
        if (o->task == LS_TASK_MULTILABEL) add_name(out, "p_", name);
    }
    ls_text_add(out, "\n");
}

static void add_float(ls_text *out, float value)
{
    char text[LS_DECIMAL_ROOM];
    ls_text_add(out, ",%.*s", (int)ls_decimal_of_float(value, text), text);
}

static void add_double(ls_text *out, double value)
{
    char text[LS_DECIMAL_ROOM];
    ls_text_add(out, ",%.*s", (int)ls_decimal_of_double(value, text), text);
}

static void add_class(ls_text *out, const outcome *o, size_t row)
{
    const float *p = o->p + row * o->outputs;
    add_name(out, "", ls_model_class_name(o->model, (size_t)ls_data_y(o->data)[row]));
    add_name(out, "", ls_model_class_name(o->model, outcome_predicted(o, row)));
    if (o->outputs == 1) add_float(out, 1.0f - p[0]);
    for (size_t k = 0; k < o->outputs; k++) add_float(out, p[k]);
}

static void add_row(ls_text *out, const outcome *o, size_t row, size_t part)
{
    ls_text_add(out, "%zu,%zu", ls_data_row_number(o->data, row) + 1, part + 1);
    if (o->task == LS_TASK_CLASSIFICATION) add_class(out, o, row);
    for (size_t k = 0; o->task != LS_TASK_CLASSIFICATION && k < o->targets; k++) {
        size_t at = row * o->targets + k;
        add_double(out, ls_data_values(o->data)[at]);
        if (o->task == LS_TASK_REGRESSION) add_double(out, o->number[at]);
        else {
            ls_text_add(out, ",%d", o->p[at] >= 0.5f);
            add_float(out, o->p[at]);
        }
    }
    ls_text_add(out, "\n");
}

/* ---- The file -------------------------------------------------------------------------------- */

/* The part and the position in it of each row that was held out, in the order of the file. */
typedef struct {
    size_t number, part, row;
} place;

static int by_number(const void *a, const void *b)
{
    const place *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static ls_status list_places(const ls_search *s, place **out, size_t *count, ls_error *err)
{
    *count = 0;
    LS_TRY(ls_alloc(out, ls_data_rows(s->data), sizeof **out, "the rows held out", err));
    for (size_t k = 0; k < s->parts; k++)
        for (size_t i = 0; i < ls_data_rows(s->held[k]); i++)
            (*out)[(*count)++] = (place){ls_data_row_number(s->held[k], i), k, i};
    qsort(*out, *count, sizeof **out, by_number);
    return LS_OK;
}

static ls_status write_file(const search_arguments *a, const ls_search *s, const outcome *o,
                            ls_error *err)
{
    place *list;
    size_t count;
    ls_text text = {0};
    LS_TRY(list_places(s, &list, &count, err));
    add_header(&text, &o[0]);
    for (size_t i = 0; i < count; i++) add_row(&text, &o[list[i].part], list[i].row, list[i].part);
    ls_status status = text.failed ? ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", a->oof)
                                   : ls_write_file(a->oof, text.text, text.length, err);
    free(text.text);
    free(list);
    return status;
}

static ls_status predict_all(const search_arguments *a, ls_search *s, ls_model *const *model,
                             ls_error *err)
{
    outcome *o;
    size_t done = 0;
    LS_TRY(ls_alloc(&o, s->parts, sizeof *o, "the predictions", err));
    ls_status status = LS_OK;
    for (; done < s->parts && status == LS_OK; done++)
        status = outcome_compute(model[done], s->scoring_device, s->held[done], "rows held out",
                                 &o[done], err);
    if (status == LS_OK) status = write_file(a, s, o, err);
    while (done > 0) outcome_free(&o[--done]);
    free(o);
    return status;
}

void search_oof_write(const search_arguments *a, search_work *w, ls_fleet_callback callback,
                      void *user)
{
    ls_search *s = w->search;
    ls_model **model;
    ls_error err;
    if (!losses_check(&w->lost, ls_alloc(&model, s->parts, sizeof *model, "the networks", &err),
                      &err))
        return;
    ls_status status = ls_search_out_of_fold(s, w->order[0], callback, user, model, &err);
    progress_clear();
    if (status == LS_OK && interrupted()) w->complete = false;
    else if (losses_check(&w->lost, status, &err))
        losses_check(&w->lost, predict_all(a, s, model, &err), &err);
    for (size_t k = 0; k < s->parts; k++) ls_model_free(model[k]);
    free(model);
}
