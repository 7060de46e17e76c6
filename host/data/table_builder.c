/* SPDX-License-Identifier: MIT */
#include "host/data/table_builder.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/pass.h"
#include "host/data/spelling.h"

enum { MORE_ROWS = 256 };

ls_column_label ls_builder_label(const ls_table_builder *t, size_t column)
{
    ls_column_label label;
    assert(column < t->selection.columns);
    if (t->header)
        snprintf(label.text, sizeof label.text, "%zu (from 0, %s)", column,
                 ls_excerpt_of(t->header[column]).text);
    else snprintf(label.text, sizeof label.text, "%zu (from 0)", column);
    return label;
}

/* Whether cells are handed out block by block. */
static bool delivers(const ls_table_builder *t)
{
    return t->request->pass && t->request->pass->take;
}

static bool infers(const ls_table_builder *t) { return !t->request->expected.features; }

void ls_builder_describe(const ls_table_builder *t, size_t column, ls_builder_context *out)
{
    const ls_read_request *r = t->request;
    out->label = ls_builder_label(t, column);
    if (t->header && t->header[column][0]) out->name = ls_excerpt_of(t->header[column]);
    else snprintf(out->name.text, sizeof out->name.text, "%zu", column);
    out->context = (ls_column_context){.path = t->path,
                                       .label = out->label.text,
                                       .name = out->name.text,
                                       .may_comma = t->separator && t->separator != ',' &&
                                                    !r->decimal && infers(t),
                                       .dates = r->dates && infers(t),
                                       .may_offset = infers(t) && !r->numbers_only,
                                       .may_miss = t->accept_missing};
}

/* ---- Columns --------------------------------------------------------------------------------- */

void ls_assumptions_free(ls_assumptions *a)
{
    free(a->column);
    *a = (ls_assumptions){0};
}

ls_status ls_assumptions_of(const ls_read_request *request, ls_assumptions *out, ls_error *err)
{
    const ls_pass *pass = request->pass;
    *out = (ls_assumptions){0};
    if (!pass || !pass->take) return LS_OK;
    LS_TRY(ls_alloc(&out->column, pass->file_columns, sizeof *out->column, "the columns", err));
    memcpy(out->column, pass->assumed, pass->file_columns * sizeof *out->column);
    out->columns = pass->file_columns;
    return LS_OK;
}

static ls_status has_changed(const ls_table_builder *t, ls_error *err)
{
    return ls_fail(err, LS_ERR_IO, "%s: has changed while it was read; read it again", t->path);
}

static ls_status prepare_assumptions(const ls_table_builder *t, size_t columns, ls_error *err)
{
    ls_assumptions *a = t->assumptions;
    if (a->column && a->columns == columns) return LS_OK;
    if (a->column) return has_changed(t, err);
    a->columns = columns;
    return ls_alloc(&a->column, columns, sizeof *a->column, "the columns", err);
}

/* The format of numbers that the options ask for, or that was found. */
static ls_number_format format_of(const ls_table_builder *t, size_t j, bool units)
{
    const ls_read_request *r = t->request;
    if (t->assumptions->column[j].dates)
        return (ls_number_format){.dates = t->assumptions->column[j].dates};
    bool comma = r->decimal == ',' || t->assumptions->column[j].commas;
    return (ls_number_format){
        .decimal = comma ? ',' : 0, .thousands = r->thousands, .units = units};
}

static void begin_column(ls_table_builder *t, size_t j, bool units)
{
    ls_column_builder *c = ls_builder_column(t, j);
    const ls_assumed *assumed = &t->assumptions->column[j];
    const ls_column *expected = t->request->expected.column;
    ls_column_begin(c);
    c->asked = t->selection.role[j] == LS_ROLE_CATEGORY;
    c->categorical = c->asked || assumed->categories;
    c->looks = infers(t) && !delivers(t);
    c->apart = t->request->pass && !delivers(t);
    c->watches = c->looks;
    c->watch = assumed->watch;
    if (expected) expected += t->selection.index[j];
    c->format = expected ? expected->format : format_of(t, j, units);
    c->offset = expected ? expected->offset : assumed->offset;
    c->mark = expected ? expected->mark : NULL;
    c->plain = ls_is_plain_format(&c->format);
    if (c->plain && !c->categorical && !t->marks) t->plain[j] = c;
}

/* A later pass: the column as the first one has left it, so that a row is read in the same way
 * wherever the pass begins. */
static ls_status continue_column(ls_table_builder *t, size_t j, ls_error *err)
{
    const ls_pass *pass = t->request->pass;
    const size_t c = t->selection.index[j];
    ls_column_builder *column = &t->column[c];
    int32_t number;
    if (pass->apart->columns != t->selection.used) return has_changed(t, err);
    column->format = pass->format[c];
    column->numbers = pass->numbers[c];
    if (!pass->texts[c]) return LS_OK;
    LS_TRY(ls_dictionary_create(LS_MOST_TEXTS, &column->texts, err));
    for (size_t i = 0; i < ls_dictionary_count(pass->texts[c]); i++) {
        size_t line;
        const char *text = ls_dictionary_text(pass->texts[c], i, NULL, &line);
        if (!ls_dictionary_add(column->texts, text, line, &number))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its texts", t->path);
    }
    return LS_OK;
}

static void begin_target(ls_table_builder *t, size_t k, size_t j, bool units)
{
    const ls_expected_rows *expected = &t->request->expected;
    ls_target_builder *target = &t->target[k];
    bool known = !infers(t) && expected->task != LS_TASK_CLASSIFICATION && k < expected->targets;
    t->target_column[k] = j;
    target->format = known               ? expected->target[k].format
                     : j == LS_NO_COLUMN ? (ls_number_format){0}
                                         : format_of(t, j, units);
    target->plain = ls_is_plain_format(&target->format);
}

/* Copies the marks of missing values of the options, or of the file of the training rows. */
static ls_status take_marks(ls_table_builder *t, ls_error *err)
{
    const ls_source *source = t->request->expected.source;
    const char *list = t->request->missing_mark ? t->request->missing_mark
                       : source                 ? source->marks
                                                : NULL;
    if (!list || !*list) return LS_OK;
    t->mark_size = strlen(list) + 1;
    if (!(t->marks = ls_strdup(list)))
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for --missing-mark", t->path);
    for (char *at = t->marks; *at; at++)
        if (*at == ',') *at = '\0';
    return LS_OK;
}

static ls_status begin_columns(ls_table_builder *t, const bool *units, ls_error *err)
{
    const ls_selection *s = &t->selection;
    for (size_t j = 0; j < s->columns; j++) {
        if (!ls_is_feature(s->role[j])) continue;
        begin_column(t, j, units[j]);
        if (delivers(t)) LS_TRY(continue_column(t, j, err));
    }
    t->targets = s->targets;
    size_t room = t->targets ? t->targets : 1;
    LS_TRY(ls_alloc(&t->target, room, sizeof *t->target, "the targets", err));
    LS_TRY(ls_alloc(&t->target_column, room, sizeof *t->target_column, "the targets", err));
    for (size_t j = 0; j < s->columns; j++) {
        if (s->role[j] != LS_ROLE_TARGET) continue;
        assert(s->index[j] < t->targets);
        begin_target(t, s->index[j], j, units[j]);
    }
    return LS_OK;
}

ls_status ls_builder_select(ls_table_builder *t, size_t columns, bool apart, ls_error *err)
{
    const ls_file_columns file = {.path = t->path, .name = t->header, .count = columns};
    const ls_read_request *r = t->request;
    bool *units = NULL;
    LS_TRY(ls_select(r, &file, apart, &t->selection, err));
    LS_TRY(prepare_assumptions(t, columns, err));
    LS_TRY(take_marks(t, err));
    LS_TRY(ls_alloc(&t->column, t->selection.used, sizeof *t->column, "the columns", err));
    LS_TRY(ls_alloc(&t->plain, columns, sizeof *t->plain, "the columns", err));
    LS_TRY(ls_alloc(&units, columns, sizeof *units, "the columns", err));
    ls_status status = r->units ? ls_mark_columns(&file, "units", r->units, units, err) : LS_OK;
    if (status == LS_OK) status = begin_columns(t, units, err);
    free(units);
    t->accept_missing = r->missing != LS_MISSING_ERROR;
    return status;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool has_role(const ls_table_builder *t, ls_role role)
{
    for (size_t j = 0; j < t->selection.columns; j++)
        if (t->selection.role[j] == role) return true;
    return false;
}

ls_status ls_builder_allocate(ls_table_builder *t, size_t rows, bool labelled, ls_error *err)
{
    assert(rows > 0 && t->selection.used > 0 && !t->data && (labelled || t->targets == 0));
    const ls_expected_rows *expected = &t->request->expected;
    if (labelled && t->targets == 0) { /* from another file */
        t->targets = 1;
        begin_target(t, 0, LS_NO_COLUMN, false);
    }
    if (t->request->pass && rows > LS_PASS_ROWS) rows = LS_PASS_ROWS;
    bool classes = t->targets == 1 && (infers(t) || expected->task == LS_TASK_CLASSIFICATION);
    LS_TRY(ls_data_create(rows, t->selection.used, 0, classes, &t->data, err));
    ls_data *data = t->data;
    data->rows = 0;
    t->room = t->block = rows;
    if (classes) LS_TRY(ls_dictionary_create(LS_MOST_TEXTS, &t->target->texts, err));
    bool numbers = t->targets && t->request->task != LS_ASK_CLASSIFICATION &&
                   !(classes && !infers(t));
    if (numbers || t->targets > 1)
        LS_TRY(ls_alloc(&data->value, rows, t->targets * sizeof *data->value, "the targets", err));
    if (has_role(t, LS_ROLE_WEIGHT))
        LS_TRY(ls_alloc(&data->weight, rows, sizeof *data->weight, "the weights", err));
    if (!has_role(t, LS_ROLE_GROUP)) return LS_OK;
    LS_TRY(ls_dictionary_create(INT32_MAX - 1, &t->groups, err));
    return ls_alloc(&data->group, rows, sizeof *data->group, "the groups", err);
}

/* Resizes an array of rows unless it is NULL. false: memory has run out, and it is as before. */
static bool resize(void *array, size_t rows, size_t size)
{
    void *old;
    memcpy(&old, array, sizeof old);
    if (!old) return true;
    size_t bytes;
    void *grown = ls_mul_size(rows, size, &bytes) ? realloc(old, bytes) : NULL;
    if (grown) memcpy(array, &grown, sizeof grown);
    return grown != NULL;
}

static bool resize_all(ls_table_builder *t, size_t rows)
{
    ls_data *d = t->data;
    /* of cells that are not kept there is a block */
    const bool fits = t->request->pass || resize(&d->x, rows, d->columns * sizeof *d->x);
    return fits && resize(&d->y, rows, sizeof *d->y) &&
           resize(&d->value, rows, t->targets * sizeof *d->value) &&
           resize(&d->weight, rows, sizeof *d->weight) && resize(&d->group, rows, sizeof *d->group);
}

/* Grows the room by half. */
static ls_status make_room(ls_table_builder *t, ls_error *err)
{
    ls_data *data = t->data;
    size_t room = t->room + t->room / 2 + MORE_ROWS, cells = 0, bytes = 0;
    bool fits = ls_mul_size(room, data->columns, &cells) &&
                ls_mul_size(cells, sizeof *data->x, &bytes) && bytes <= ls_most_bytes();
    if (!fits || !resize_all(t, room))
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: out of memory after %zu rows of %zu columns; use fewer of them",
                       t->path, data->rows, data->columns);
    t->room = room;
    return LS_OK;
}

void ls_builder_trim(ls_table_builder *t)
{
    size_t rows = t->data->rows;
    if (rows == t->room || rows == 0) return;
    resize_all(t, rows);
    t->room = rows;
}

ls_status ls_builder_deliver(ls_table_builder *t, ls_error *err)
{
    const ls_pass *pass = t->request->pass;
    ls_data *d = t->data;
    const size_t rows = d->rows;
    if (!rows) return LS_OK;
    if (pass->apart->columns != d->columns) return has_changed(t, err);
    for (size_t c = 0; c < d->columns; c++)
        if (t->column[c].text_cells &&
            ls_dictionary_count(t->column[c].texts) >
                (pass->texts[c] ? ls_dictionary_count(pass->texts[c]) : 0))
            return has_changed(t, err);
    for (size_t c = 0; c < d->columns; c++)
        if (t->column[c].text_cells) ls_column_place(pass->map[c], d->x + c, rows, d->columns);
    d->rows = 0;
    t->delivered += rows;
    return pass->take(pass->user, pass->first + t->delivered - rows, rows, d->x, err);
}

ls_status ls_builder_add_row(ls_table_builder *t, ls_error *err)
{
    if (t->data->rows == t->room)
        LS_TRY(delivers(t) ? ls_builder_deliver(t, err) : make_room(t, err));
    const size_t row = t->data->rows++, place = t->request->pass ? row % t->block : row;
    t->row = &t->data->x[place * t->data->columns];
    return LS_OK;
}

ls_status ls_builder_add_text(ls_table_builder *t, size_t column, const char *text, size_t line,
                              bool *again, ls_error *err)
{
    ls_column_builder *builder = ls_builder_column(t, column);
    if (ls_column_add_text(builder, text, line, ls_builder_cell(t, column))) return LS_OK;
    ls_builder_context about;
    ls_builder_describe(t, column, &about);
    return ls_column_too_many_texts(builder, &about.context, t->data, t->selection.index[column],
                                    &t->assumptions->column[column], again, err);
}

ls_status ls_builder_add_target(ls_table_builder *t, size_t k, size_t row, const char *text,
                                size_t line, ls_error *err)
{
    double value;
    ls_data *data = t->data;
    LS_TRY(ls_target_add(&t->target[k], t->path, text, line, data->y ? &data->y[row] : NULL, &value,
                         err));
    if (data->value) data->value[row * t->targets + k] = value;
    return LS_OK;
}

void ls_builder_free(ls_table_builder *t)
{
    for (size_t c = 0; t->column && c < t->selection.used; c++)
        ls_column_builder_free(&t->column[c]);
    for (size_t k = 0; t->target && k < t->targets; k++) ls_target_builder_free(&t->target[k]);
    free(t->column);
    free(t->plain);
    free(t->target);
    free(t->target_column);
    free(t->marks);
    ls_dictionary_free(t->groups);
    ls_selection_free(&t->selection);
    ls_data_free(t->data);
}
