/* SPDX-License-Identifier: MIT */
#include "host/data/table_builder.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/notes.h"
#include "host/data/split.h"

enum { MORE_ROWS = 256 };

ls_column_label ls_builder_label(const ls_table_builder *t, size_t column)
{
    ls_column_label label;
    assert(column < t->selection.columns);
    if (t->header)
        snprintf(label.text, sizeof label.text, "%zu (%s)", column + 1,
                 ls_excerpt_of(t->header[column]).text);
    else if (t->from_zero) snprintf(label.text, sizeof label.text, "%zu (from 0)", column);
    else snprintf(label.text, sizeof label.text, "%zu", column + 1);
    return label;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

ls_status ls_builder_select(ls_table_builder *t, size_t columns, bool apart, ls_error *err)
{
    const ls_file_columns file = {.path = t->path, .name = t->header, .count = columns};
    LS_TRY(ls_select(t->request, &file, apart, &t->selection, err));
    if (t->selection.targets > 1)
        return ls_fail(err, LS_ERR_UNSUPPORTED, "%s: several targets cannot be read yet", t->path);
    LS_TRY(ls_alloc(&t->column, t->selection.used, sizeof *t->column, "the columns", err));
    for (size_t j = 0; j < columns; j++)
        if (t->selection.role[j] == LS_ROLE_CATEGORY) ls_builder_column(t, j)->categorical = true;
    t->accept_missing = t->request->missing != LS_MISSING_ERROR;
    return LS_OK;
}

ls_status ls_builder_allocate(ls_table_builder *t, size_t rows, bool labelled, ls_error *err)
{
    assert(rows > 0 && t->selection.used > 0 && !t->data);
    LS_TRY(ls_data_create(rows, t->selection.used, 0, labelled, &t->data, err));
    t->data->rows = 0;
    t->room = rows;
    return labelled ? ls_dictionary_create(&t->classes, err) : LS_OK;
}

/* Grows the room by half. */
static ls_status make_room(ls_table_builder *t, ls_error *err)
{
    ls_data *data = t->data;
    size_t room = t->room + t->room / 2 + MORE_ROWS, cells = 0, bytes = 0;
    bool fits = ls_mul_size(room, data->columns, &cells) &&
                ls_mul_size(cells, sizeof *data->x, &bytes) && bytes <= ls_most_bytes();
    float *x = fits ? realloc(data->x, bytes) : NULL;
    if (x) data->x = x;
    int32_t *y = x && data->y ? realloc(data->y, room * sizeof *y) : NULL;
    if (y) data->y = y;
    if (!x || (data->y && !y))
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: out of memory after %zu rows of %zu columns; use fewer of them",
                       t->path, data->rows, data->columns);
    t->room = room;
    return LS_OK;
}

ls_status ls_builder_add_row(ls_table_builder *t, ls_error *err)
{
    if (t->data->rows == t->room) LS_TRY(make_room(t, err));
    t->data->rows++;
    return LS_OK;
}

ls_status ls_builder_add_text(ls_table_builder *t, size_t column, const char *text, size_t line,
                              ls_error *err)
{
    ls_column_builder *builder = ls_builder_column(t, column);
    if (ls_column_add_text(builder, text, line, ls_builder_cell(t, column))) return LS_OK;
    return ls_column_too_many_texts(builder, t->path, ls_builder_label(t, column).text, err);
}

/* Frees unused room. */
static void trim(ls_table_builder *t)
{
    ls_data *data = t->data;
    if (data->rows == t->room || data->rows == 0) return;
    float *x = realloc(data->x, data->rows * data->columns * sizeof *x);
    if (x) data->x = x;
    int32_t *y = data->y ? realloc(data->y, data->rows * sizeof *y) : NULL;
    if (y) data->y = y;
    t->room = data->rows;
}

/* ---- Names and classes ----------------------------------------------------------------------- */

static ls_status take_names(const ls_table_builder *t, ls_error *err)
{
    const ls_selection *s = &t->selection;
    for (size_t j = 0; t->header && j < s->columns; j++) {
        if (s->role[j] != LS_ROLE_TARGET && !ls_is_feature(s->role[j])) continue;
        char **slot = s->role[j] == LS_ROLE_TARGET ? &t->data->target[s->index[j]].name
                                                   : &t->data->feature_names[s->index[j]];
        char *name = ls_strdup(t->header[j]);
        if (!name)
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for column names; use less data",
                           t->path);
        free(*slot);
        *slot = name;
    }
    return LS_OK;
}

/* The targets' names and places, also of rows without targets. Rows like others are described as
 * those are, in the file that these come from. */
static ls_status take_targets(const ls_table_builder *t, ls_error *err)
{
    const ls_expected_rows *expected = &t->request->expected;
    const ls_selection *s = &t->selection;
    ls_data *d = t->data;
    ls_target *target;
    size_t count = expected->targets ? expected->targets : s->targets ? s->targets : 1;
    if (expected->targets) LS_TRY(ls_targets_copy(expected->target, count, &target, err));
    else LS_TRY(ls_alloc(&target, count, sizeof *target, "the targets", err));
    for (size_t k = 0; k < count; k++) {
        if (!expected->targets) target[k].place = LS_NO_COLUMN;
        if (target[k].name || k >= d->targets) continue;
        target[k].name = d->target[k].name; /* the default name */
        d->target[k].name = NULL;
    }
    for (size_t j = 0; j < s->columns && !expected->targets; j++)
        if (s->role[j] == LS_ROLE_TARGET) target[s->index[j]].place = j;
    ls_targets_free(d->target, d->targets);
    d->target = target;
    d->targets = count;
    return LS_OK;
}

/* How the file was read, so that another one can be read in the same way. Rows like others have
 * their columns. */
static ls_status take_source(const ls_table_builder *t, ls_error *err)
{
    const ls_read_request *r = t->request;
    ls_source *source = &t->data->source;
    for (size_t i = 0; i < t->selection.notes; i++)
        LS_TRY(ls_data_note_add(t->data, err, "%s", t->selection.note[i]));
    if (r->expected.source) return ls_source_copy(r->expected.source, source, err);
    source->columns = t->selection.columns;
    source->header = t->header != NULL;
    source->header_option = r->header;
    source->separator = r->separator;
    if (r->missing_mark && !(source->marks = ls_strdup(r->missing_mark)))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for the marks of missing values");
    return LS_OK;
}

static ls_status finish_classes(ls_table_builder *t, const char *labels, ls_error *err)
{
    const ls_expected_rows *expected = &t->request->expected;
    ls_data *data = t->data;
    ls_coding coding;
    ls_column_label label = {"0 (from 0)"};
    if (!labels) label = ls_builder_label(t, t->selection.target);
    LS_TRY(ls_dictionary_classes(t->classes, labels ? labels : t->path, label.text,
                                 expected->class_names, expected->classes, &coding, err));
    for (size_t r = 0; r < data->rows; r++) data->y[r] = coding.map[data->y[r]];
    free(coding.map);
    free(data->class_names);
    data->class_names = coding.names;
    data->classes = coding.count;
    return LS_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Whether the data is more than plain numbers in the order of the file. */
static bool needs_description(const ls_table_builder *t)
{
    const ls_expected_rows *expected = &t->request->expected;
    bool needed = expected->features > 0 ? expected->column != NULL : !t->selection.complete;
    for (size_t c = 0; c < t->selection.used; c++)
        needed |= t->column[c].text_cells > 0 || t->column[c].missing > 0 ||
                  t->column[c].categorical;
    return needed;
}

static ls_status finish_columns(const ls_table_builder *t, ls_column *column, ls_error *err)
{
    const ls_expected_rows *expected = &t->request->expected;
    const ls_selection *s = &t->selection;
    for (size_t j = 0; j < s->columns; j++) {
        ls_role role = s->role[j];
        size_t c = s->index[j];
        if (!ls_is_feature(role)) continue;
        column[c].place = expected->source ? ls_expected_place(expected, c) : j;
        column[c].categorical = role == LS_ROLE_CATEGORY;
        if (!(column[c].name = ls_strdup(t->data->feature_names[c])))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for column names", t->path);
        if (role == LS_ROLE_NUMBER) continue; /* also if all of its values are missing */
        LS_TRY(ls_column_finish(&t->column[c], t->path, ls_builder_label(t, j).text, t->data, c,
                                &column[c], err));
    }
    return LS_OK;
}

static ls_status describe_columns(const ls_table_builder *t, ls_error *err)
{
    ls_column *column;
    ls_data *data = t->data;
    if (!needs_description(t)) return LS_OK;
    LS_TRY(ls_alloc(&column, data->columns, sizeof *column, "the columns", err));
    ls_status status = finish_columns(t, column, err);
    if (status != LS_OK) {
        ls_columns_free(column, data->columns);
        return status;
    }
    LS_TRY(ls_data_describe_columns(data, column, err));
    data->missing = t->request->missing;
    return ls_data_narrow(data, err);
}

/* ---- Finishing ------------------------------------------------------------------------------- */

/* Drops rows with missing values if requested. Rows for a model or like other rows are kept. */
static ls_status drop_incomplete(ls_table_builder *t, ls_error *err)
{
    ls_data *d = t->data, *kept;
    bool *complete;
    size_t count = 0;
    if (d->missing != LS_MISSING_DROP || !d->column || t->request->expected.features) return LS_OK;
    LS_TRY(ls_alloc(&complete, d->rows, sizeof *complete, "the rows", err));
    for (size_t r = 0; r < d->rows; r++) {
        complete[r] = true;
        for (size_t c = 0; c < d->columns && complete[r]; c++)
            complete[r] = !isnan(d->x[r * d->columns + c]);
        count += complete[r];
    }
    ls_status status =
        count ? ls_data_pick(d, complete, true, &kept, err)
              : ls_fail(err, LS_ERR_DATA,
                        "%s: every row has a missing value; fill them in with --missing mean",
                        t->path);
    free(complete);
    LS_TRY(status);
    kept->dropped = d->rows - count;
    status = ls_data_notes_move(d, kept, err);
    ls_data_free(d);
    t->data = kept;
    return status;
}

ls_status ls_builder_finish(ls_table_builder *t, const char *labels, ls_data **out, ls_error *err)
{
    assert(t->data && !t->classes == !t->data->y);
    trim(t);
    if (t->classes) LS_TRY(finish_classes(t, labels, err));
    LS_TRY(take_targets(t, err));
    LS_TRY(take_names(t, err));
    LS_TRY(take_source(t, err));
    LS_TRY(describe_columns(t, err));
    LS_TRY(drop_incomplete(t, err));
    *out = t->data;
    t->data = NULL;
    return LS_OK;
}

void ls_builder_free(ls_table_builder *t)
{
    for (size_t c = 0; t->column && c < t->selection.used; c++)
        ls_column_builder_free(&t->column[c]);
    free(t->column);
    ls_selection_free(&t->selection);
    ls_dictionary_free(t->classes);
    ls_data_free(t->data);
}
