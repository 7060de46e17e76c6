/* SPDX-License-Identifier: MIT */
#include "host/data/cells.h"

#include <stdlib.h>
#include <string.h>

#include "host/data/judge.h"
#include "host/data/names.h"
#include "host/data/spelling.h"

/* ---- Missing values -------------------------------------------------------------------------- */

static bool is_listed(const ls_table_builder *t, const char *text)
{
    for (const char *mark = t->marks; mark && mark < t->marks + t->mark_size;
         mark += strlen(mark) + 1)
        if (ls_is_one_name(mark, text)) return true;
    return false;
}

static bool is_missing(const ls_table_builder *t, const char *text, bool quoted)
{
    return *text == '\0' || (!quoted && ls_is_missing_text(text)) || is_listed(t, text);
}

/* Whether a text that is no number is a mark of missing values in a column of numbers. */
static bool is_mark(const ls_table_builder *t, size_t column, const char *text)
{
    const char *mark = ls_builder_column(t, column)->mark;
    if (mark && strcmp(mark, text) == 0) return true;
    bool read = t->request->expected.features || ls_builder_column(t, column)->format.dates;
    return read && ls_is_weak_mark(text);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static const char *no_date(char order)
{
    switch ((ls_date_order)order) {
    case LS_DATES_TIMES: return "is not a time, as others of the column are";
    case LS_DATES_DAY_FIRST: return "is not a date with the day first, as others of the column are";
    case LS_DATES_MONTH_FIRST:
        return "is not a date with the month first, as others of the column are";
    case LS_DATES_CLEAR: return "is not a date with one meaning, as others of the column are";
    case LS_DATES_OPEN: break;
    }
    return "is not a date, as others of the column are";
}

static ls_status bad_number(const ls_table_builder *t, size_t line, size_t column, const char *text,
                            bool quoted, ls_error *err)
{
    double value;
    const char *trouble = "is not a finite number", *hint = "correct it, or drop the row or column";
    const ls_number_format *format = &ls_builder_column(t, column)->format;
    ls_column_label label = ls_builder_label(t, column);
    if (is_missing(t, text, quoted))
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu, column %s: the value is missing%s%s%s; fill it in or drop "
                       "the row",
                       t->path, line, label.text, *text ? " (\"" : "", ls_excerpt_of(text).text,
                       *text ? "\")" : "");
    if (ls_parse_formatted(text, format, &value)) {
        trouble = "is too large for a 32-bit float";
        hint = "use other units";
    } else if (format->dates) {
        trouble = no_date(format->dates);
    } else if (!ls_is_plain_format(format)) {
        trouble = "is not a number in the spelling of the column";
        hint = format->decimal == ',' ? "its decimals have a comma; correct it, or drop the row"
                                      : "correct it, or drop the row";
    } else if (strchr(text, ',')) {
        hint = "write decimals with a point";
    } else if (!t->header && line == t->first_line) {
        hint = "correct it, or name all columns if this line is a header";
    }
    return ls_fail(err, LS_ERR_DATA, "%s, line %zu, column %s: \"%s\" %s; %s", t->path, line,
                   label.text, ls_excerpt_of(text).text, trouble, hint);
}

static ls_status is_absent(const ls_table_builder *t, size_t line, size_t column, const char *what,
                           const char *text, ls_error *err)
{
    if (*text && !is_listed(t, text))
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu, column %s: the %s is missing: %s without quotes marks a "
                       "missing value; write \"%s\" if it is a name, else fill it in or drop the "
                       "row",
                       t->path, line, ls_builder_label(t, column).text, what,
                       ls_excerpt_of(text).text, ls_excerpt_of(text).text);
    return ls_fail(err, LS_ERR_DATA,
                   "%s, line %zu, column %s: the %s is missing; fill it in or drop the row",
                   t->path, line, ls_builder_label(t, column).text, what);
}

static ls_status other_unit(const ls_table_builder *t, size_t line, size_t column, const char *text,
                            ls_error *err)
{
    const ls_number_format *f = &ls_builder_column(t, column)->format;
    if (ls_is_relation(f->prefix) || !(f->prefix[0] || f->suffix[0]))
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu, column %s: \"%s\" has not the sign of the numbers above it, "
                       "\"%s\", and --units ignores a sign only if all have it; correct it, leave "
                       "the column out with --drop, or name it with --categorical",
                       t->path, line, ls_builder_label(t, column).text, ls_excerpt_of(text).text,
                       f->prefix);
    return ls_fail(err, LS_ERR_DATA,
                   "%s, line %zu, column %s: \"%s\" is not a number with the unit \"%s%s\" of the "
                   "numbers above it; correct it, or drop the row",
                   t->path, line, ls_builder_label(t, column).text, ls_excerpt_of(text).text,
                   ls_excerpt_of(f->prefix).text, ls_excerpt_of(f->suffix).text);
}

/* ---- Features -------------------------------------------------------------------------------- */

static bool parse(ls_column_builder *c, const char *text, double *value)
{
    /* No number begins with a letter, and most texts do. */
    bool letters = (unsigned char)*text >= 'A';
    if (c->plain && letters) return false;
    return c->plain ? ls_parse_number(text, value)
                    : ls_parse_with_unit(text, &c->format, c->numbers > 0, value);
}

static ls_status add_feature(ls_table_builder *t, size_t column, const char *text, bool quoted,
                             size_t line, bool *again, ls_error *err)
{
    ls_column_builder *c = ls_builder_column(t, column);
    float *cell = ls_builder_cell(t, column);
    ls_role role = t->selection.role[column];
    double value;
    bool listed = t->marks && is_listed(t, text);
    if (!listed && !c->categorical && parse(c, text, &value)) {
        if (!ls_column_add_number(c, t->data, value, true, cell))
            return bad_number(t, line, column, text, quoted, err);
        if (fabs(value) >= 0x1p53) ls_column_watch_wide(c, text, value);
        if (c->format.dates == LS_DATES_OPEN) ls_column_watch_date(c, text);
        return LS_OK;
    }
    bool number = !c->categorical && (role == LS_ROLE_NUMBER || c->format.dates);
    bool missing = listed || is_missing(t, text, quoted) || (number && is_mark(t, column, text));
    if (missing && t->accept_missing) {
        ls_column_add_missing(c, cell);
        return LS_OK;
    }
    if (missing || number) return bad_number(t, line, column, text, quoted, err);
    ls_spelling s;
    bool known_unit = c->format.prefix[0] || c->format.suffix[0];
    bool spelled = c->format.units && !c->categorical &&
                   (ls_spell(text, &s) || ls_parse_number(text, &value));
    if (spelled && (known_unit || (c->numbers && ls_is_relation(s.prefix))))
        return other_unit(t, line, column, text, err);
    return ls_builder_add_text(t, column, text, line, again, err);
}

/* ---- Targets, weights and groups ------------------------------------------------------------- */

/* Whether the cells of a target are classes, as far as the options, the model or the training rows,
 * and the cells above tell. */
static bool are_classes(const ls_table_builder *t, size_t column)
{
    const ls_expected_rows *expected = &t->request->expected;
    const ls_target_builder *target = &t->target[t->selection.index[column]];
    if (expected->features || expected->class_names)
        return expected->task == LS_TASK_CLASSIFICATION;
    if (t->targets > 1 || t->request->task == LS_ASK_REGRESSION) return false;
    return t->request->task == LS_ASK_CLASSIFICATION || target->numbers < target->rows;
}

static ls_status add_target(ls_table_builder *t, size_t column, const char *text, bool quoted,
                            size_t line, ls_error *err)
{
    if (is_missing(t, text, quoted))
        return is_absent(t, line, column, are_classes(t, column) ? "class" : "target", text, err);
    return ls_builder_add_target(t, t->selection.index[column], t->data->rows - 1, text, line, err);
}

static ls_status add_weight(ls_table_builder *t, size_t column, const char *text, bool quoted,
                            size_t line, ls_error *err)
{
    double value;
    if (is_missing(t, text, quoted)) return is_absent(t, line, column, "weight", "", err);
    bool comma = t->request->decimal == ',';
    const ls_number_format format = {.decimal = comma ? ',' : 0,
                                     .thousands = t->request->thousands};
    if (!ls_parse_formatted(text, &format, &value) || value < 0)
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu, column %s: the weight \"%s\" is not a finite number of at "
                       "least 0; correct it, or drop the row",
                       t->path, line, ls_builder_label(t, column).text, ls_excerpt_of(text).text);
    t->data->weight[t->data->rows - 1] = value;
    return LS_OK;
}

static ls_status add_group(ls_table_builder *t, size_t column, const char *text, bool quoted,
                           size_t line, ls_error *err)
{
    if (is_missing(t, text, quoted)) return is_absent(t, line, column, "group", text, err);
    if (ls_dictionary_add(t->groups, text, line, &t->data->group[t->data->rows - 1])) return LS_OK;
    return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its groups", t->path);
}

/* Adds a text without blanks at its ends. */
static ls_status add_trimmed(ls_table_builder *t, size_t column, const char *text, bool quoted,
                             size_t line, bool *again, ls_error *err)
{
    switch (t->selection.role[column]) {
    case LS_ROLE_UNUSED: return LS_OK;
    case LS_ROLE_TARGET: return add_target(t, column, text, quoted, line, err);
    case LS_ROLE_WEIGHT: return add_weight(t, column, text, quoted, line, err);
    case LS_ROLE_GROUP: return add_group(t, column, text, quoted, line, err);
    case LS_ROLE_INFERRED:
    case LS_ROLE_NUMBER:
    case LS_ROLE_CATEGORY: break;
    }
    return add_feature(t, column, text, quoted, line, again, err);
}

ls_status ls_builder_add_other(ls_table_builder *t, size_t column, const char *text, bool quoted,
                               size_t line, bool *again, ls_error *err)
{
    size_t length;
    char *copy;
    text = ls_trimmed(text, &length);
    if (text[length] == '\0') return add_trimmed(t, column, text, quoted, line, again, err);
    if (!(copy = malloc(length + 1)))
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for a text", t->path);
    memcpy(copy, text, length);
    copy[length] = '\0';
    ls_status status = add_trimmed(t, column, copy, quoted, line, again, err);
    free(copy);
    return status;
}
