/* SPDX-License-Identifier: MIT */
#include "host/data/column_builder.h"
#include "host/base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CATEGORIES = 1000, FEW_CATEGORIES = 50, NUMBER_ROOM = 18 /* a float with 9 digits */ };

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

/* Mostly numbers: the texts are mistakes. */
static bool has_stray_texts(const ls_column_builder *column)
{
    return column->numbers >= column->text_cells || ls_is_date(column->first_text.text);
}

static ls_status stray_text(const ls_column_builder *column, const char *path, const char *label,
                            ls_error *err)
{
    if (ls_is_date(column->first_text.text))
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, line %zu, column %s: \"%s\" is a date, and networks take numbers and categories; leave the column out "
            "with --drop, or turn it into numbers (days, years)",
            path, column->first_line, label, column->first_text.text);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: \"%s\" is not a finite number, but %zu other values of the column are; correct it, "
        "drop the row, or name the column with --categorical",
        path, column->first_line, label, column->first_text.text, column->numbers);
}

ls_status ls_column_too_many_texts(const ls_column_builder *column, const char *path,
                                   const char *label, ls_error *err)
{
    if (has_stray_texts(column)) return stray_text(column, path, label, err);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: \"%s\" and too many other texts; this is free text or a key, not a category: leave "
        "the column out with --drop",
        path, column->first_line, label, column->first_text.text);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

bool ls_column_add_text(ls_column_builder *column, const char *text, size_t line, float *cell)
{
    int32_t number;
    if (!column->texts && ls_dictionary_create(&column->texts, NULL) != LS_OK) return false;
    if (!column->text_cells++) {
        column->first_line = line;
        column->first_text = ls_excerpt_of(text);
    }
    if (!ls_dictionary_add(column->texts, text, line, &number)) return false;
    *cell = text_cell(number);
    return true;
}

/* Numbers among texts become texts, too. */
static bool adopt_numbers(ls_column_builder *column, ls_data *data, size_t c)
{
    char text[NUMBER_ROOM];
    for (size_t r = 0; r < data->rows; r++) {
        float *cell = &data->x[r * data->columns + c];
        if (isnan(*cell)) continue;
        snprintf(text, sizeof text, "%.9g", (double)*cell);
        if (!ls_column_add_text(column, text, column->first_line, cell)) return false;
    }
    return true;
}

/* ---- Finishing ------------------------------------------------------------------------------- */

static ls_status finish_categories(ls_column_builder *column, const char *path, const char *label,
                                   ls_data *data, size_t c, ls_column *out, ls_error *err)
{
    ls_coding coding;
    LS_TRY(ls_dictionary_categories(column->texts, path, &coding, err));
    for (size_t r = 0; r < data->rows; r++) {
        float *cell = &data->x[r * data->columns + c];
        int32_t text = text_of(cell);
        if (text >= 0) *cell = (float)coding.map[text];
    }
    free(coding.map);
    out->categorical = true;
    out->category = coding.names;
    out->categories = coding.count;
    bool many = out->categories > MOST_CATEGORIES ||
                (out->categories > FEW_CATEGORIES && out->categories > data->rows / 2);
    return many && !column->categorical ? ls_column_too_many_texts(column, path, label, err)
                                        : LS_OK;
}

ls_status ls_column_finish(ls_column_builder *column, const char *path, const char *label,
                           ls_data *data, size_t c, ls_column *out, ls_error *err)
{
    assert(c < data->columns && !out->category);
    if (!column->text_cells) {
        /* categories, of which no row has one, or numbers */
        if (column->categorical || column->numbers) return LS_OK;
        return ls_fail(err, LS_ERR_DATA,
                       "%s, column %s: all of its values are missing; leave it out with --drop",
                       path, label);
    }
    if (!column->categorical) {
        if (has_stray_texts(column)) return stray_text(column, path, label, err);
        if (column->numbers && !adopt_numbers(column, data, c))
            return ls_column_too_many_texts(column, path, label, err);
    }
    return finish_categories(column, path, label, data, c, out, err);
}

void ls_column_builder_free(ls_column_builder *column) { ls_dictionary_free(column->texts); }
