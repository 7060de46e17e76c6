/* SPDX-License-Identifier: MIT */
#include "host/data/column_builder.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/dates.h"
#include "host/data/judge.h"
#include "host/data/names.h"
#include "host/data/notes.h"

enum { MOST_CATEGORIES = 1000, FEW_CATEGORIES = 50 };

/* A quiet NaN to which the number of a text is added. NAN itself, without the last 1, is a missing
 * value. */
#define TEXT_NAN 0x7fc00001u

static float text_cell(int32_t number)
{
    uint32_t bits = TEXT_NAN + (uint32_t)number;
    float cell;
    memcpy(&cell, &bits, sizeof cell);
    return cell;
}

/* The number of the text that a cell holds, or -1 for a number or a missing value. */
static int32_t text_of(const float *cell)
{
    uint32_t bits;
    memcpy(&bits, cell, sizeof bits);
    return bits >= TEXT_NAN && bits < 0x80000000u ? (int32_t)(bits - TEXT_NAN) : -1;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* The text of a verdict's example in messages, and its line. */
struct example {
    ls_excerpt text;
    size_t line;
};

static struct example example_of(const ls_column_builder *column, size_t i)
{
    struct example e;
    e.text = ls_excerpt_of(ls_dictionary_text(column->texts, i, NULL, &e.line));
    return e;
}

static ls_status is_date(const ls_column_builder *column, const ls_column_context *in, size_t i,
                         ls_error *err)
{
    struct example e = example_of(column, i);
    ls_date date = {0};
    ls_parse_date(ls_dictionary_text(column->texts, i, NULL, NULL), &date);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: \"%s\" is a %s, and networks take numbers and categories; give --dates for "
        "numbers of %s, leave the column out with --drop %s, or turn it into other numbers",
        in->path, e.line, in->label, e.text.text, date.month ? "date" : "time",
        date.month ? "days" : "hours", in->name);
}

static ls_status is_unclear(const ls_column_context *in, const char *text, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA,
                   "%s, column %s: \"%s\" may have the day first (31/12/2024) or the month first "
                   "(12/31/2024), and no date of the column decides which; write dates as "
                   "2024-12-31, or leave the column out with --drop %s",
                   in->path, in->label, text, in->name);
}

/* Finds the order of day and month in the dates of a column. If more of them are to come than the
 * texts that are kept, these may decide. */
static ls_status find_order(const ls_column_builder *column, const ls_column_context *in,
                            size_t example, char *order, ls_error *err)
{
    bool day_first = false, month_first = false;
    size_t unclear = SIZE_MAX;
    ls_date date = {0};
    ls_parse_date(ls_dictionary_text(column->texts, example, NULL, NULL), &date);
    *order = date.month ? LS_DATES_CLEAR : LS_DATES_TIMES;
    for (size_t i = 0; i < ls_dictionary_count(column->texts) && date.month; i++) {
        ls_date d = {0};
        if (!ls_parse_date(ls_dictionary_text(column->texts, i, NULL, NULL), &d)) continue;
        day_first |= d.day_first;
        month_first |= d.month_first;
        if (d.other_day && unclear == SIZE_MAX) unclear = i;
    }
    if (day_first || month_first) *order = day_first ? LS_DATES_DAY_FIRST : LS_DATES_MONTH_FIRST;
    else if (unclear != SIZE_MAX && ls_dictionary_count(column->texts) == LS_MOST_TEXTS)
        *order = LS_DATES_OPEN;
    else if (unclear != SIZE_MAX) return is_unclear(in, example_of(column, unclear).text.text, err);
    return LS_OK;
}

static ls_status is_stray(const ls_column_builder *column, const ls_column_context *in, size_t i,
                          ls_error *err)
{
    struct example e = example_of(column, i);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: \"%s\" is not a finite number, but %zu other values of the column are; correct it, "
        "drop the row, or name the column with --categorical, or the text with --missing-mark if it stands for a "
        "missing value",
        in->path, e.line, in->label, e.text.text, column->numbers);
}

/* What the spelling of a number is, and which options read it. */
static void describe_spelling(const ls_column_builder *column, const ls_column_context *in,
                              const char *text, ls_text *out)
{
    ls_spelling s = {0};
    static const struct {
        char sign;
        const char *name;
    } groups[] = {{',', "comma"}, {'.', "point"}, {' ', "space"}, {'\'', "apostrophe"}};
    double value;
    if (ls_is_odd_number(text) || (!ls_spell(text, &s) && !ls_parse_number(text, &value))) {
        ls_text_add(out,
                    "is of digits, but in a spelling of numbers that is not read; write plain "
                    "numbers (as -1 or 0.5), leave the column out with --drop %s, or make it "
                    "categories with --categorical %s",
                    in->name, in->name);
        return;
    }
    if (!s.ways) {
        ls_text_add(
            out, "has a decimal point, but other numbers of the column have decimal commas; write "
                 "all of them in one way, or give --decimal point");
        return;
    }
    const char *thousands = "comma";
    for (size_t i = 0; i < 4; i++)
        if (groups[i].sign == s.group) thousands = groups[i].name;
    bool grouped = s.ways & LS_SPELL_GROUPED, comma = s.ways & LS_SPELL_COMMA;
    ls_text_add(out, "is a number %s; ",
                s.unit != LS_UNIT_NONE ? "with a sign or a unit"
                : grouped && comma     ? "with a decimal comma or with separators of thousands"
                : grouped              ? "with separators of thousands"
                : comma && !(s.ways & LS_SPELL_POINT) ? "with a decimal comma"
                                                      : "with a blank or a sign too many");
    if (column->format.units)
        ls_text_add(out, "other numbers of the column have another one or another spelling; ");
    bool readable = s.unit != LS_UNIT_NONE || !(s.ways & LS_SPELL_POINT);
    ls_text_add(out, readable ? "read it with " : "write it plainly");
    if (s.unit != LS_UNIT_NONE) ls_text_add(out, "--units %s", in->name);
    const char *and = s.unit != LS_UNIT_NONE ? " and " : "";
    bool point_too = s.ways & LS_SPELL_POINT;
    if (grouped && !point_too) ls_text_add(out, "%s--thousands %s", and, thousands);
    if (comma && !point_too) ls_text_add(out, "%s--decimal comma", grouped ? " or " : and);
    if (grouped && !comma && s.group != ',' && strchr(text, ','))
        ls_text_add(out, " and --decimal comma");
    ls_text_add(
        out, ", leave the column out with --drop %s, or make it categories with --categorical %s",
        in->name, in->name);
}

static ls_status is_spelled(const ls_column_builder *column, const ls_column_context *in, size_t i,
                            ls_error *err)
{
    ls_text what = {0};
    struct example e = example_of(column, i);
    describe_spelling(column, in, ls_dictionary_text(column->texts, i, NULL, NULL), &what);
    ls_status status = ls_fail(err, LS_ERR_DATA, "%s, line %zu, column %s: \"%s\" %s", in->path,
                               e.line, in->label, e.text.text,
                               what.failed ? "is a number in another spelling" : what.text);
    free(what.text);
    return status;
}

static ls_status free_text(const ls_column_builder *column, const ls_column_context *in,
                           ls_error *err)
{
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: \"%s\" and too many other texts; this is free text or a key, not a category: leave "
        "the column out with --drop",
        in->path, column->first_line, in->label, column->first_text.text);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

/* Knuth's multiplicative hash, whose upper 9 bits are the slot. Different floats differ in it. */
static uint32_t hash_of(float cell)
{
    uint32_t bits;
    cell += 0.0f; /* -0 and 0 are one */
    memcpy(&bits, &cell, sizeof bits);
    return bits * 2654435761u;
}

static void see(ls_column_builder *column, double value, float cell)
{
    uint32_t hash = hash_of(cell);
    double *slot = &column->seen[hash >> 23];
    if (*slot == value) return;
    float old = (float)(*slot - column->offset);
    if (old == cell) {
        column->is_joined = true;
        column->looks = false;
        column->joined[0] = *slot;
        column->joined[1] = value;
    } else if (isnan(old) || hash < hash_of(old)) {
        *slot = value;
    }
}

/* false: without memory nothing is found, and nothing told. */
static bool begin_seen(ls_column_builder *column)
{
    if (column->seen) return true;
    column->seen = malloc(LS_JOIN_SLOTS * sizeof *column->seen);
    for (size_t i = 0; column->seen && i < LS_JOIN_SLOTS; i++) column->seen[i] = NAN;
    return column->seen != NULL;
}

void ls_column_watch(ls_column_builder *column, const ls_data *data, double value,
                     const float *cell)
{
    if (!column->seen) {
        if (!begin_seen(column)) return;
        size_t before = (size_t)(cell - data->x) / data->columns;
        const float *at = cell - before * data->columns;
        for (; before > 0; before--, at += data->columns)
            if (!isnan(*at)) see(column, (double)*at + column->offset, *at);
    }
    see(column, value, *cell);
}

/* The same as ls_column_watch, called for just those rows, and for those above the first of them.
 * If that row was another one than assumed, the file is read again. */
static void watch_apart(ls_column_builder *column, size_t row, double value, bool precise,
                        const float *cell)
{
    const double rest = value - column->offset;
    if (!column->fired && precise && ls_looks_at_row(row) && (double)*cell != rest) {
        column->fired = row;
        if (begin_seen(column)) see(column, value, *cell);
    } else if (!column->fired && row < column->watch) {
        if (begin_seen(column)) see(column, (double)*cell + column->offset, *cell);
    } else if (column->fired && column->looks && ls_looks_at_row(row) && column->seen) {
        see(column, value, *cell);
    }
}

void ls_column_note(ls_column_builder *column, const ls_data *data, double value, bool precise,
                    const float *cell)
{
    size_t k = 0;
    const double number = (double)*cell;
    if (column->distinct < LS_MANY_NUMBERS) {
        while (k < column->distinct && column->known[k] != *cell) k++;
        if (k == column->distinct) column->known[column->distinct++] = *cell;
    }
    if (number < column->least) column->least = number;
    if (number > column->most) column->most = number;
    if (column->watches) watch_apart(column, data->rows, value, precise, cell);
}

void ls_column_place(const int32_t *map, float *cells, size_t rows, size_t stride)
{
    for (size_t r = 0; r < rows; r++, cells += stride) {
        const int32_t text = text_of(cells);
        if (text >= 0) *cells = map ? (float)map[text] : NAN;
    }
}

void ls_column_watch_date(ls_column_builder *column, const char *text)
{
    ls_date d = {0};
    if (column->dates || !ls_parse_date(text, &d)) return;
    if (d.day_first) column->dates = LS_DATES_DAY_FIRST;
    if (d.month_first) column->dates = LS_DATES_MONTH_FIRST;
}

void ls_column_watch_wide(ls_column_builder *column, const char *text, double value)
{
    char exact[64];
    ls_whole whole = {0};
    if (!column->looks || column->rounded.text[0] || !ls_plain_whole(text, &whole)) return;
    snprintf(exact, sizeof exact, "%.0f", value);
    if (whole.count < sizeof exact && !ls_is_one_name(text, exact))
        column->rounded = ls_excerpt_of(text);
}

bool ls_column_add_text(ls_column_builder *column, const char *text, size_t line, float *cell)
{
    int32_t number;
    if (!column->texts && ls_dictionary_create(LS_MOST_TEXTS, &column->texts, NULL) != LS_OK)
        return false;
    if (!column->text_cells++) {
        column->first_line = line;
        column->first_text = ls_excerpt_of(text);
    }
    if (!ls_dictionary_add(column->texts, text, line, &number)) return false;
    *cell = text_cell(number);
    return true;
}

/* ---- Deciding -------------------------------------------------------------------------------- */

/* The different numbers of a column, at most LS_MANY_NUMBERS. */
static size_t count_numbers(const ls_column_builder *column, const ls_data *data, size_t c)
{
    if (column->apart) return column->distinct;
    float known[LS_MANY_NUMBERS];
    size_t count = 0, rows = data->rows;
    for (size_t r = 0; r < rows && count < LS_MANY_NUMBERS; r++) {
        float cell = data->x[r * data->columns + c];
        size_t k = 0;
        if (isnan(cell)) continue;
        while (k < count && known[k] != cell) k++;
        if (k == count) known[count++] = cell;
    }
    return count;
}

/* Acts on a verdict: an error, or *again. */
static ls_status obey(const ls_column_builder *column, const ls_column_context *in,
                      const ls_verdict *v, ls_assumed *assumed, bool *again, ls_error *err)
{
    switch (v->kind) {
    case LS_COLUMN_DATES:
        if (!in->dates) return is_date(column, in, v->example, err);
        LS_TRY(find_order(column, in, v->example, &assumed->dates, err));
        *again = true;
        break;
    case LS_COLUMN_STRAY: return is_stray(column, in, v->example, err);
    case LS_COLUMN_SPELLED: return is_spelled(column, in, v->example, err);
    case LS_COLUMN_COMMAS: assumed->commas = *again = true; break;
    case LS_COLUMN_CATEGORIES:
        assumed->told = v->told;
        if (column->numbers) assumed->categories = *again = true;
        break;
    case LS_COLUMN_NUMBERS: return LS_OK;
    }
    assumed->example = example_of(column, v->example).text;
    return LS_OK;
}

static ls_verdict judge(const ls_column_builder *column, const ls_column_context *in,
                        const ls_data *data, size_t c)
{
    const ls_column_cells cells = {.texts = column->texts,
                                   .numbers = column->numbers,
                                   .distinct = count_numbers(column, data, c),
                                   .may_comma = in->may_comma && column->format.decimal == 0};
    return ls_judge(&cells);
}

ls_status ls_column_too_many_texts(const ls_column_builder *column, const ls_column_context *in,
                                   const ls_data *data, size_t c, ls_assumed *assumed, bool *again,
                                   ls_error *err)
{
    if (!column->texts)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for the texts of column %s", in->path,
                       in->label);
    if (column->categorical) return free_text(column, in, err);
    ls_verdict v = judge(column, in, data, c);
    if (v.kind == LS_COLUMN_CATEGORIES || v.kind == LS_COLUMN_NUMBERS)
        return free_text(column, in, err);
    return obey(column, in, &v, assumed, again, err);
}

/* ---- Finishing ------------------------------------------------------------------------------- */

static ls_status finish_categories(ls_column_builder *column, const ls_column_context *in,
                                   ls_data *data, size_t c, const ls_assumed *assumed,
                                   ls_column *out, ls_error *err)
{
    ls_coding coding;
    LS_TRY(ls_dictionary_categories(column->texts, in->path, &coding, err));
    if (!column->apart) ls_column_place(coding.map, data->x + c, data->rows, data->columns);
    column->map = coding.map;
    out->categorical = true;
    out->category = coding.names;
    out->categories = coding.count;
    bool many = out->categories > MOST_CATEGORIES ||
                (out->categories > FEW_CATEGORIES && out->categories > data->rows / 2);
    if (many && !column->asked) return free_text(column, in, err);
    if (coding.spelling[0].text[0])
        LS_TRY(ls_data_note_add(data, err,
                                "column %s has one category written as \"%s\" and \"%s\": plain "
                                "whole numbers of one value are one category",
                                in->label, coding.spelling[0].text, coding.spelling[1].text));
    if (!assumed->told) return LS_OK;
    ls_spelling s;
    if (ls_spell(assumed->example.text, &s))
        return ls_data_note_add(
            data, err,
            "column %s: its %zu values, such as \"%s\", are categories (--units "
            "%s for numbers with a unit)",
            in->label, out->categories, assumed->example.text, in->name);
    return ls_data_note_add(
        data, err,
        "column %s: its %zu values are categories, because texts such as \"%s\" "
        "stand beside few different numbers (--missing-mark if that is a "
        "missing value)",
        in->label, out->categories, assumed->example.text);
}

/* Texts that mark missing values become missing. mark: the one of this column, or NULL. */
static ls_status forget_texts(ls_column_builder *column, const ls_column_context *in, ls_data *data,
                              size_t c, const char *mark, ls_column *out, ls_error *err)
{
    if (!in->may_miss)
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu, column %s: the value is missing (\"%s\"); fill it in or drop "
                       "the row",
                       in->path, column->first_line, in->label, column->first_text.text);
    if (!column->apart) ls_column_place(NULL, data->x + c, data->rows, data->columns);
    column->missing += column->text_cells;
    if (!mark) return LS_OK;
    if (!(out->mark = ls_strdup(mark)))
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for a mark", in->path);
    return ls_data_note_add(data, err,
                            "column %s: \"%s\" among its numbers is read as a missing value, as by "
                            "--missing-mark (--categorical %s for categories)",
                            in->label, ls_excerpt_of(mark).text, in->name);
}

/* The smallest number of column c, if numbers minus it are at most a quarter as large; else 0: an
 * offset would not keep more of their digits. */
static double offset_of(const ls_column_builder *column, const ls_data *data, size_t c)
{
    double least = column->least, most = column->most;
    for (size_t r = 0; !column->apart && r < data->rows; r++) {
        double value = (double)data->x[r * data->columns + c];
        if (isnan(value)) continue;
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    return 4 * (most - least) <= fmax(fabs(least), fabs(most)) ? least : 0;
}

/* A column of numbers whose values float32 joins is read again with an offset, if that helps. */
static void finish_numbers(const ls_column_builder *column, const ls_column_context *in,
                           const ls_data *data, size_t c, ls_assumed *assumed, bool *again,
                           ls_column *out)
{
    out->offset = column->offset;
    out->format = column->format;
    if (ls_column_watched_wrongly(column)) {
        assumed->watch = ls_column_first_watched(column);
        *again = true;
        return;
    }
    if (!column->is_joined || !in->may_offset || column->offset != 0) return;
    assumed->offset = offset_of(column, data, c);
    if (assumed->offset != 0) *again = true;
}

ls_status ls_column_finish(ls_column_builder *column, const ls_column_context *in, ls_data *data,
                           size_t c, ls_assumed *assumed, bool *again, ls_column *out,
                           ls_error *err)
{
    assert(c < data->columns && !out->category);
    if (!column->text_cells && !column->numbers && !column->categorical)
        return ls_fail(err, LS_ERR_DATA,
                       "%s, column %s: all of its values are missing; leave it out with --drop",
                       in->path, in->label);
    if (!column->text_cells && column->categorical) return LS_OK; /* no row has a category */
    if (column->categorical) return finish_categories(column, in, data, c, assumed, out, err);
    if (column->text_cells) {
        ls_verdict v = judge(column, in, data, c);
        LS_TRY(obey(column, in, &v, assumed, again, err));
        if (*again) return LS_OK;
        if (v.kind == LS_COLUMN_CATEGORIES)
            return finish_categories(column, in, data, c, assumed, out, err);
        const char *mark = v.marked ? ls_dictionary_text(column->texts, v.mark, NULL, NULL) : NULL;
        LS_TRY(forget_texts(column, in, data, c, mark, out, err));
    }
    if (column->format.dates == LS_DATES_OPEN) {
        assumed->dates = column->dates;
        *again = true;
        return column->dates ? LS_OK : is_unclear(in, assumed->example.text, err);
    }
    finish_numbers(column, in, data, c, assumed, again, out);
    return LS_OK;
}

void ls_column_builder_free(ls_column_builder *column)
{
    ls_dictionary_free(column->texts);
    free(column->seen);
    free(column->map);
}
