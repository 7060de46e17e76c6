/* SPDX-License-Identifier: MIT */
#include "host/data/csv_known.h"

#include <string.h>

#include "host/data/csv_header.h"
#include "host/data/names.h"
#include "host/data/value.h"

/* The fields of a record in the places of the expected columns. */
typedef struct {
    bool aligned;    /* the record is as wide as a row */
    bool named;      /* each is the name of its column */
    size_t numbers;  /* where numbers are expected: numbers, */
    size_t words;    /* words, */
    size_t others;   /* marks of missing values and other texts */
    size_t category; /* known categories where categories are expected, */
    size_t other_category;
} by_place;

/* ---- Expected columns ------------------------------------------------------------------------ */

/* The place of expected column i in a record of this width; LS_NO_COLUMN if the record is not as
 * wide as a row, with or without the targets and the columns that are not used. */
static size_t place_of(const ls_expected_rows *e, size_t i, size_t columns)
{
    size_t width = ls_expected_width(e), place = ls_expected_place(e, i);
    size_t before = ls_expected_targets_before(e, place);
    if (columns == e->features) return i;
    if (columns == width) return place;
    if (columns + e->targets == width) return place - before;
    if (columns == e->features + e->targets) return i + before;
    return ls_expected_knows_targets(e) || columns != width + e->targets ? LS_NO_COLUMN : place;
}

static bool is_listed(const char *list, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = list; at && length; at = strchr(at, ',')) {
        at += strspn(at, ", ");
        if (!strncmp(at, text, length) && (at[length] == ',' || at[length] == '\0')) return true;
    }
    return false;
}

static bool is_marked(const ls_read_request *r, const ls_column *column, const char *text)
{
    return (column && column->mark && !strcmp(column->mark, text)) ||
           is_listed(r->missing_mark, text) ||
           (r->expected.source && is_listed(r->expected.source->marks, text));
}

static bool is_written_otherwise(const ls_number_format *f)
{
    return f->decimal || f->thousands || f->units;
}

bool ls_csv_knows_columns(const ls_expected_rows *e)
{
    return e->features && e->source && (e->column || e->feature_names);
}

/* ---- The record ------------------------------------------------------------------------------ */

static void add_number(const ls_csv_field *field, const ls_read_request *r, const ls_column *column,
                       by_place *p)
{
    ls_field_kind kind = ls_csv_field_kind(field);
    bool otherwise = column && is_written_otherwise(&column->format);
    if (is_marked(r, column, field->text)) p->others++;
    else if (kind == LS_FIELD_NUMBER || (kind == LS_FIELD_DIGITS && otherwise)) p->numbers++;
    else if (kind == LS_FIELD_WORD) p->words++;
    else p->others++;
}

static bool is_category(const ls_column *column, const char *text)
{
    for (size_t k = 0; k < column->categories; k++)
        if (column->category[k] && ls_is_one_name(column->category[k], text)) return true;
    return false;
}

static by_place compare(const ls_csv_field *field, size_t columns, const ls_read_request *r)
{
    const ls_expected_rows *e = &r->expected;
    by_place p = {.aligned = true, .named = true};
    for (size_t i = 0; i < e->features; i++) {
        const ls_column *column = e->column ? &e->column[i] : NULL;
        size_t place = place_of(e, i, columns);
        if (place >= columns) return (by_place){0};
        const char *name = ls_expected_name(e, i), *text = field[place].text;
        p.named &= name && !strcmp(name, text);
        if (!column || !column->categorical) add_number(&field[place], r, column, &p);
        else if (is_category(column, text)) p.category++;
        else p.other_category++;
    }
    return p;
}

static bool is_name(const char *name, const char *text)
{
    return name && *name && !strcmp(name, text);
}

bool ls_csv_has_known_name(const ls_csv_field *field, size_t columns, const ls_expected_rows *e)
{
    for (size_t j = 0; j < columns; j++) {
        for (size_t k = 0; k < e->targets; k++)
            if (is_name(e->target[k].name, field[j].text)) return true;
        for (size_t i = 0; i < e->features; i++)
            if (is_name(ls_expected_name(e, i), field[j].text)) return true;
    }
    return false;
}

bool ls_csv_has_all_names(const ls_csv_field *field, size_t columns, const ls_expected_rows *e)
{
    for (size_t i = 0; i < e->features; i++) {
        size_t tried = 0; /* first in the same order */
        while (tried < columns &&
               !is_name(ls_expected_name(e, i), field[(i + tried) % columns].text))
            tried++;
        if (tried == columns) return false;
    }
    return columns >= e->features;
}

static bool is_class(const ls_expected_rows *e, const char *text)
{
    for (size_t k = 0; e->class_names && k < e->classes; k++)
        if (!strcmp(e->class_names[k], text)) return true;
    return false;
}

ls_csv_hash ls_csv_judge_hash(const ls_csv_field *field, size_t columns, const ls_read_request *r)
{
    const ls_expected_rows *e = &r->expected;
    by_place p = compare(field, columns, r);
    if (!p.aligned || p.words) return LS_HASH_COMMENT;
    for (size_t i = 0; i < e->features; i++) {
        const ls_column *column = e->column ? &e->column[i] : NULL;
        if (place_of(e, i, columns) != 0) continue;
        if (!column || !column->categorical) return LS_HASH_COMMENT; /* no number begins with # */
        return is_category(column, field->text) ? LS_HASH_ROW : LS_HASH_UNKNOWN;
    }
    return is_class(e, field->text) ? LS_HASH_ROW : LS_HASH_UNKNOWN;
}

/* A record that is not as wide as a row, without known names. */
static ls_csv_first_record judge_other(const ls_csv_field *field, size_t columns)
{
    for (size_t j = 0; j < columns; j++) {
        ls_field_kind kind = ls_csv_field_kind(&field[j]);
        if (kind != LS_FIELD_WORD && kind != LS_FIELD_EMPTY) return LS_FIRST_ROW;
    }
    return LS_FIRST_HEADER;
}

ls_csv_first_record ls_csv_judge_known(const ls_csv_field *field, size_t columns,
                                       const ls_read_request *r)
{
    const ls_expected_rows *e = &r->expected;
    by_place p = compare(field, columns, r);
    bool names = e->source->header || e->source->columns == 0; /* those of columns, not x1, x2 */
    bool wants_numbers = p.numbers + p.words + p.others > 0;
    bool titles = p.words > 0 && p.numbers + p.others == 0;
    if (names && p.aligned && p.named) return LS_FIRST_HEADER;
    if (p.aligned && p.numbers && !p.words) return LS_FIRST_ROW;
    if (names && ls_csv_has_known_name(field, columns, e))
        return p.aligned && !wants_numbers && !p.other_category ? LS_FIRST_ROW : LS_FIRST_HEADER;
    if (!p.aligned) return names ? judge_other(field, columns) : LS_FIRST_ROW;
    if (wants_numbers) return titles ? LS_FIRST_HEADER : LS_FIRST_ROW;
    return p.category || !names ? LS_FIRST_ROW : LS_FIRST_UNKNOWN;
}
