/* SPDX-License-Identifier: MIT */
#include "host/data/table_finish.h"
#include "host/base/decimal.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/notes.h"
#include "host/data/pass.h"
#include "host/data/spelling.h"
#include "host/data/split.h"
#include "host/data/walk.h"

/* ---- Names ----------------------------------------------------------------------------------- */

static ls_status no_names(const ls_table_builder *t, ls_error *err)
{
    return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for column names; use less data",
                   t->path);
}

/* Replaces a name, unless the new one is NULL. */
static ls_status rename_to(const ls_table_builder *t, char **slot, const char *name, ls_error *err)
{
    char *copy = name ? ls_strdup(name) : NULL;
    if (!name) return LS_OK;
    if (!copy) return no_names(t, err);
    free(*slot);
    *slot = copy;
    return LS_OK;
}

static ls_status name_columns(const ls_table_builder *t, ls_error *err)
{
    const ls_selection *s = &t->selection;
    for (size_t j = 0; t->header && j < s->columns; j++)
        if (ls_is_feature(s->role[j]))
            LS_TRY(rename_to(t, &t->data->feature_names[s->index[j]], t->header[j], err));
    return LS_OK;
}

/* Names targets by the header, or else numbers "y", or "y1", "y2"...; classes "class". */
static ls_status name_target(const ls_table_builder *t, size_t k, size_t count, ls_target *target,
                             ls_error *err)
{
    char name[32] = "class";
    if (t->data->task != LS_TASK_CLASSIFICATION) strcpy(name, "y");
    if (count > 1) snprintf(name, sizeof name, "y%zu", k + 1);
    if (!target->name) LS_TRY(rename_to(t, &target->name, name, err));
    if (k >= t->targets) return LS_OK;
    size_t j = t->target_column[k];
    target->format = t->target[k].format;
    return t->header && j != LS_NO_COLUMN ? rename_to(t, &target->name, t->header[j], err) : LS_OK;
}

/* Names and places of the targets, also of rows without targets. Rows like others are described as
 * those are, in the file that these come from. */
static ls_status take_targets(const ls_table_builder *t, ls_error *err)
{
    const ls_expected_rows *expected = &t->request->expected;
    ls_target *targets;
    ls_data *d = t->data;
    size_t count = expected->targets ? expected->targets : t->targets ? t->targets : 1;
    if (expected->targets) LS_TRY(ls_targets_copy(expected->target, count, &targets, err));
    else LS_TRY(ls_alloc(&targets, count, sizeof *targets, "the targets", err));
    ls_targets_free(d->target, d->targets);
    d->target = targets;
    d->targets = count;
    for (size_t k = 0; k < count; k++) {
        if (!expected->targets)
            targets[k].place = k < t->targets ? t->target_column[k] : LS_NO_COLUMN;
        LS_TRY(name_target(t, k, count, &targets[k], err));
    }
    return LS_OK;
}

/* ---- Targets --------------------------------------------------------------------------------- */

static ls_status finish_classes(ls_table_builder *t, const char *path, const char *label,
                                ls_error *err)
{
    const ls_expected_rows *expected = &t->request->expected;
    const ls_target_builder *target = t->target;
    ls_data *data = t->data;
    ls_coding coding;
    if (target->full) return ls_dictionary_too_many(target->texts, path, label, err);
    LS_TRY(ls_dictionary_classes(target->texts, path, label, expected->class_names,
                                 expected->classes, &coding, err));
    for (size_t r = 0; r < data->rows; r++) data->y[r] = coding.map[data->y[r]];
    free(coding.map);
    free(data->class_names);
    data->class_names = coding.names;
    data->classes = coding.count;
    free(data->value);
    data->value = NULL;
    if (!coding.spelling[0].text[0]) return LS_OK;
    return ls_data_note_add(
        data, err,
        "the target, column %s, has one class written as \"%s\" and \"%s\": plain whole "
        "numbers of one value are one class",
        label, coding.spelling[0].text, coding.spelling[1].text);
}

/* Checks that a known task fits. */
static ls_status check_task(const ls_table_builder *t, const ls_column_context *contexts,
                            ls_error *err)
{
    for (size_t k = 0; k < t->targets; k++) {
        const ls_target_builder *one = &t->target[k];
        if (t->data->task == LS_TASK_REGRESSION)
            LS_TRY(ls_target_check_numbers(one, &contexts[k], true, err));
        else if (one->labels != one->rows)
            return ls_fail(
                err, LS_ERR_DATA,
                "%s, line %zu, column %s: \"%s\" is no label; write 0 or 1, or drop the row",
                contexts[k].path, one->other_line, contexts[k].label, one->other_text.text);
    }
    return LS_OK;
}

static ls_status choose_task(ls_table_builder *t, const ls_column_context *contexts, bool *again,
                             ls_error *err)
{
    const ls_expected_rows *expected = &t->request->expected;
    ls_data *data = t->data;
    ls_assumed none = {0}, **assumed;
    data->task = expected->task;
    if (expected->features || expected->class_names)
        return data->task == LS_TASK_CLASSIFICATION ? LS_OK : check_task(t, contexts, err);
    LS_TRY(ls_alloc(&assumed, t->targets, sizeof *assumed, "the targets", err));
    for (size_t k = 0; k < t->targets; k++)
        assumed[k] = t->target_column[k] == LS_NO_COLUMN
                         ? &none
                         : &t->assumptions->column[t->target_column[k]];
    ls_status status = ls_targets_task(t->target, t->targets, t->request->task, contexts, assumed,
                                       again, &data->task, data, err);
    free(assumed);
    return status;
}

static ls_status finish_targets(ls_table_builder *t, const ls_column_context *contexts, bool *again,
                                ls_error *err)
{
    ls_data *data = t->data;
    LS_TRY(choose_task(t, contexts, again, err));
    if (*again) return LS_OK;
    if (data->task == LS_TASK_CLASSIFICATION)
        return finish_classes(t, contexts->path, contexts->label, err);
    free(data->y);
    data->y = NULL;
    return LS_OK;
}

/* Decides what the targets are. labels: the file that they come from, or NULL. */
static ls_status look_at_targets(ls_table_builder *t, const char *labels, bool *again,
                                 ls_error *err)
{
    ls_builder_context *about;
    ls_column_context *contexts;
    if (t->targets == 0) {
        t->data->task = t->request->expected.task;
        return LS_OK;
    }
    LS_TRY(ls_alloc(&about, t->targets, sizeof *about, "the targets", err));
    ls_status status = ls_alloc(&contexts, t->targets, sizeof *contexts, "the targets", err);
    for (size_t k = 0; k < t->targets && status == LS_OK; k++) {
        if (labels)
            contexts[k] = (ls_column_context){.path = labels, .label = "0 (from 0)", .name = "0"};
        else {
            ls_builder_describe(t, t->target_column[k], &about[k]);
            contexts[k] = about[k].context;
        }
    }
    if (status == LS_OK) status = finish_targets(t, contexts, again, err);
    free(contexts);
    free(about);
    return status;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Whether the data is more than plain numbers in the order of the file. */
static bool needs_description(const ls_table_builder *t)
{
    const ls_expected_rows *expected = &t->request->expected;
    static const ls_number_format none = {0};
    bool needed = expected->features > 0 ? expected->column != NULL : !t->selection.complete;
    for (size_t c = 0; c < t->selection.used; c++)
        needed |= t->column[c].text_cells > 0 || t->column[c].missing > 0 ||
                  t->column[c].categorical || t->column[c].offset != 0 ||
                  !ls_same_format(&t->column[c].format, &none);
    return needed;
}

static ls_status finish_columns(const ls_table_builder *t, ls_column *column, bool *again,
                                ls_error *err)
{
    const ls_expected_rows *expected = &t->request->expected;
    const ls_selection *s = &t->selection;
    for (size_t j = 0; j < s->columns; j++) {
        ls_role role = s->role[j];
        size_t c = s->index[j];
        if (!ls_is_feature(role)) continue;
        ls_column_builder *builder = &t->column[c];
        column[c].place = expected->source ? ls_expected_place(expected, c) : j;
        column[c].categorical = role == LS_ROLE_CATEGORY;
        if (!(column[c].name = ls_strdup(t->data->feature_names[c]))) return no_names(t, err);
        column[c].offset = builder->offset;
        column[c].format = builder->format;
        if (builder->mark && !(column[c].mark = ls_strdup(builder->mark))) return no_names(t, err);
        if (role == LS_ROLE_NUMBER && t->request->expected.features)
            continue; /* also if all of its values are missing */
        ls_builder_context about;
        ls_builder_describe(t, j, &about);
        LS_TRY(ls_column_finish(builder, &about.context, t->data, c, &t->assumptions->column[j],
                                again, &column[c], err));
        if (column[c].categorical) { /* also if its cells decided so: they are read as texts */
            column[c].format = (ls_number_format){0};
            column[c].offset = 0;
        }
    }
    return LS_OK;
}

/* Looks at columns of plain numbers: whether float32 joins their values. */
static ls_status look_at_plain(const ls_table_builder *t, bool *again, ls_error *err)
{
    for (size_t j = 0; j < t->selection.columns; j++) {
        ls_column unused = {0};
        ls_builder_context about;
        ls_column_builder *builder = ls_builder_column(t, j);
        if (!ls_is_feature(t->selection.role[j]) ||
            (!builder->is_joined && !ls_column_watched_wrongly(builder)))
            continue;
        ls_builder_describe(t, j, &about);
        LS_TRY(ls_column_finish(builder, &about.context, t->data, t->selection.index[j],
                                &t->assumptions->column[j], again, &unused, err));
    }
    return LS_OK;
}

static ls_status describe_columns(const ls_table_builder *t, bool *again, ls_error *err)
{
    ls_column *column;
    ls_data *data = t->data;
    if (!needs_description(t)) return look_at_plain(t, again, err);
    LS_TRY(ls_alloc(&column, data->columns, sizeof *column, "the columns", err));
    ls_status status = finish_columns(t, column, again, err);
    if (status != LS_OK || *again) {
        ls_columns_free(column, data->columns);
        return status;
    }
    LS_TRY(ls_data_describe_columns(data, column, err));
    data->missing = t->request->missing;
    /* of a first pass, all categories were found in rows */
    return t->request->pass ? LS_OK : ls_data_narrow(data, err);
}

/* ---- Notes ----------------------------------------------------------------------------------- */

/* The columns that a note is about: the first of them, and how many there are. */
typedef struct {
    size_t first, count;
} columns_of_note;

static void add_column(columns_of_note *of, size_t j)
{
    if (!of->count++) of->first = j;
}

/* " and 3 other columns", or "". */
typedef struct {
    char text[48];
} others_text;
static others_text others(const columns_of_note *of)
{
    others_text more = {""};
    if (of->count == 1) return more;
    snprintf(more.text, sizeof more.text, " and %zu other column%s", of->count - 1,
             of->count == 2 ? "" : "s");
    return more;
}

static ls_status tell_relation(const ls_table_builder *t, size_t j, const ls_number_format *f,
                               ls_error *err)
{
    ls_builder_context about;
    if (t->request->expected.features || !ls_is_relation(f->prefix)) return LS_OK;
    ls_builder_describe(t, j, &about);
    return ls_data_note_add(t->data, err,
                            "column %s: the sign %s in front of each of its numbers is ignored",
                            about.label.text, f->prefix);
}

static ls_status tell_dates(const ls_table_builder *t, size_t j, ls_error *err)
{
    const ls_assumed *assumed = &t->assumptions->column[j];
    ls_builder_context about;
    if (!assumed->dates) return LS_OK;
    ls_builder_describe(t, j, &about);
    return ls_data_note_add(t->data, err, "column %s: %s such as %s are read as %s%s",
                            about.label.text, assumed->dates == LS_DATES_TIMES ? "times" : "dates",
                            assumed->example.text,
                            assumed->dates == LS_DATES_TIMES ? "hours" : "days since 1970-01-01",
                            assumed->dates == LS_DATES_DAY_FIRST ? ", with the day before the month"
                            : assumed->dates == LS_DATES_MONTH_FIRST
                                ? ", with the month before the day"
                                : "");
}

/* Tells about ignored signs, and dates. */
static ls_status tell_formats(const ls_table_builder *t, ls_error *err)
{
    for (size_t j = 0; j < t->selection.columns; j++) {
        if (!ls_is_feature(t->selection.role[j])) continue;
        LS_TRY(tell_relation(t, j, &ls_builder_column(t, j)->format, err));
        LS_TRY(tell_dates(t, j, err));
    }
    for (size_t k = 0; k < t->targets && t->data->value; k++)
        if (t->target_column[k] != LS_NO_COLUMN)
            LS_TRY(tell_relation(t, t->target_column[k], &t->target[k].format, err));
    return LS_OK;
}

/* Tells about decimal commas and joined values, once for all columns. */
static ls_status tell(const ls_table_builder *t, ls_error *err)
{
    columns_of_note commas = {0}, joined = {0}, rounded = {0};
    ls_builder_context about;
    for (size_t j = 0; j < t->selection.columns; j++) {
        if (!ls_is_feature(t->selection.role[j])) continue;
        if (t->assumptions->column[j].commas) add_column(&commas, j);
        if (ls_builder_column(t, j)->is_joined) add_column(&joined, j);
        if (ls_builder_column(t, j)->rounded.text[0]) add_column(&rounded, j);
    }
    if (commas.count) {
        const char *example = t->assumptions->column[commas.first].example.text;
        ls_builder_describe(t, commas.first, &about);
        LS_TRY(ls_data_note_add(t->data, err,
                                "column %s%s: numbers such as %s are read with a decimal comma "
                                "(--decimal point or --thousands comma otherwise)",
                                about.label.text, others(&commas).text, example));
    }
    if (rounded.count) {
        ls_builder_describe(t, rounded.first, &about);
        LS_TRY(ls_data_note_add(t->data, err,
                                "column %s%s: whole numbers such as %s are rounded, because they "
                                "are beyond 2^53: different ones may become one (--categorical if "
                                "they are names)",
                                about.label.text, others(&rounded).text,
                                ls_builder_column(t, rounded.first)->rounded.text));
    }
    if (!joined.count) return LS_OK;
    char one[LS_DECIMAL_ROOM], other[LS_DECIMAL_ROOM];
    const ls_column_builder *first = ls_builder_column(t, joined.first);
    ls_builder_describe(t, joined.first, &about);
    ls_decimal_of_double(first->joined[0], one);
    ls_decimal_of_double(first->joined[1], other);
    return ls_data_note_add(t->data, err,
                            "column %s%s: values such as %s and %s are one number in 32 bits "
                            "(--categorical if they are names)",
                            about.label.text, others(&joined).text, one, other);
}

/* ---- Weights and groups ---------------------------------------------------------------------- */

static ls_status check_weights(const ls_table_builder *t, ls_error *err)
{
    const ls_data *data = t->data;
    double sum = 0;
    for (size_t r = 0; data->weight && r < data->rows; r++) sum += data->weight[r];
    if (!data->weight || (sum > 0 && isfinite(sum))) return LS_OK;
    return ls_fail(err, LS_ERR_DATA, "%s: the weights of its rows %s", t->path,
                   sum > 0 ? "are too large; use other units" : "are all 0");
}

/* ---- Finishing ------------------------------------------------------------------------------- */

static ls_status find_complete(void *user, const ls_data *block, size_t first, ls_error *err)
{
    bool *complete = user;
    (void)err;
    for (size_t r = 0; r < block->rows; r++) {
        complete[first + r] = true;
        for (size_t c = 0; c < block->columns && complete[first + r]; c++)
            complete[first + r] = !isnan(block->x[r * block->columns + c]);
    }
    return LS_OK;
}

/* Drops rows with missing values if requested. Rows for a model or like other rows are kept. */
static ls_status drop_incomplete(ls_table_builder *t, ls_error *err)
{
    ls_data *d = t->data, *kept;
    bool *complete;
    size_t count = 0;
    if (d->missing != LS_MISSING_DROP || !d->column || t->request->expected.features) return LS_OK;
    LS_TRY(ls_alloc(&complete, d->rows, sizeof *complete, "the rows", err));
    ls_status status = ls_data_walk(d, find_complete, complete, err);
    for (size_t r = 0; r < d->rows; r++) count += complete[r];
    if (status == LS_OK)
        status =
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

/* How the file was read, so that another one can be read in the same way. Rows like others have
 * their columns. */
static ls_status take_source(const ls_table_builder *t, ls_error *err)
{
    const ls_read_request *r = t->request;
    ls_source *source = &t->data->source;
    if (*t->selection.absent && !(t->data->absent = ls_strdup(t->selection.absent)))
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its names", t->path);
    for (size_t i = 0; i < t->selection.notes; i++)
        LS_TRY(ls_data_note_add(t->data, err, "%s", t->selection.note[i]));
    if (r->expected.source) return ls_source_copy(r->expected.source, source, err);
    source->columns = t->selection.columns;
    source->header = t->header != NULL;
    source->header_option = r->header;
    source->separator = r->separator;
    if (r->missing_mark && !(source->marks = ls_strdup(r->missing_mark))) return no_names(t, err);
    return LS_OK;
}

/* What later passes need. */
static ls_status end_first_pass(ls_table_builder *t, ls_error *err)
{
    ls_pass *pass = t->request->pass;
    ls_data *d = t->data;
    if (!pass) return LS_OK;
    ls_apart *apart = pass->apart;
    apart->columns = d->columns;
    pass->file_columns = t->assumptions->columns;
    LS_TRY(ls_alloc(&pass->assumed, pass->file_columns, sizeof *pass->assumed, "the columns", err));
    memcpy(pass->assumed, t->assumptions->column, pass->file_columns * sizeof *pass->assumed);
    LS_TRY(ls_alloc(&pass->map, d->columns, sizeof *pass->map, "the columns", err));
    LS_TRY(ls_alloc(&pass->texts, d->columns, sizeof *pass->texts, "the columns", err));
    LS_TRY(ls_alloc(&pass->format, d->columns, sizeof *pass->format, "the columns", err));
    LS_TRY(ls_alloc(&pass->numbers, d->columns, sizeof *pass->numbers, "the columns", err));
    for (size_t c = 0; c < d->columns; c++) {
        ls_column_builder *column = &t->column[c];
        pass->map[c] = column->map;
        pass->texts[c] = column->texts;
        column->map = NULL, column->texts = NULL;
        pass->format[c] = column->format;
        pass->numbers[c] = column->numbers > 0;
    }
    apart->rows = d->rows;
    if (d->column) LS_TRY(ls_columns_copy(d->column, d->columns, &apart->column, err));
    free(d->x);
    d->x = NULL;
    d->apart = ls_apart_share(apart);
    return LS_OK;
}

ls_status ls_builder_finish(ls_table_builder *t, const char *labels, bool *again, ls_data **out,
                            ls_error *err)
{
    assert(t->data);
    *again = false;
    ls_builder_trim(t);
    LS_TRY(name_columns(t, err));
    LS_TRY(check_weights(t, err));
    LS_TRY(look_at_targets(t, labels, again, err));
    LS_TRY(describe_columns(t, again, err));
    t->assumptions->readings++;
    if (*again) return LS_OK;
    LS_TRY(tell(t, err));
    LS_TRY(tell_formats(t, err));
    LS_TRY(take_targets(t, err));
    LS_TRY(take_source(t, err));
    LS_TRY(end_first_pass(t, err));
    LS_TRY(drop_incomplete(t, err));
    *out = t->data;
    t->data = NULL;
    return LS_OK;
}
