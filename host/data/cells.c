/* SPDX-License-Identifier: MIT */
#include "host/data/cells.h"
#include "host/base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CATEGORIES = 1000, FEW_CATEGORIES = 50, NUMBER_ROOM = 18 /* a float with 9 digits */ };
#define TEXT_NAN                                                                                   \
    0x7fc00001u /* a quiet NaN; numbers of texts are added to it. The plain NaN, without the 1, is \
                   a gap. */

static float text_cell(int32_t number)
{
    uint32_t bits = TEXT_NAN + (uint32_t)number;
    float cell;
    memcpy(&cell, &bits, sizeof cell);
    return cell;
}

/* The number of a text, or -1 for a number or a gap. */
static int32_t text_of(const float *cell)
{
    uint32_t bits;
    memcpy(&bits, cell, sizeof bits);
    return bits >= TEXT_NAN && bits < 0x80000000u ? (int32_t)(bits - TEXT_NAN) : -1;
}

bool ls_csv_is_date(const char *text)
{
    size_t runs = 0, digits[3] = {0};
    char between = 0;
    for (; runs < 3; text++) {
        if (*text >= '0' && *text <= '9') {
            digits[runs]++;
            continue;
        }
        if (!digits[runs]) return false;
        if (++runs == 3) break;
        if ((*text != '-' && *text != '/' && *text != '.') || (between && *text != between))
            return false;
        between = *text;
    }
    bool year_first = digits[0] == 4, year_last = digits[2] == 4 || digits[2] == 2;
    return (year_first || (digits[0] <= 2 && year_last)) && digits[1] <= 2 && digits[2] <= 4 &&
           (*text == '\0' || *text == ' ' || *text == 'T');
}

bool ls_csv_column_add(ls_csv_column *column, const char *text, size_t line, float *cell)
{
    int32_t number;
    if (!column->labels && ls_csv_labels_create(&column->labels, NULL) != LS_OK) return false;
    if (!column->texts++) {
        column->line = line;
        column->text = ls_csv_shorten(text);
    }
    if (!ls_csv_labels_add(column->labels, text, line, &number)) return false;
    *cell = text_cell(number);
    return true;
}

/* ---- Settling -------------------------------------------------------------------------------- */

static ls_status mixed(const ls_csv_column *column, const char *path, const char *label,
                       ls_error *err)
{
    if (ls_csv_is_date(column->text.text))
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, line %zu, column %s: \"%s\" is a date, and networks take numbers and categories; leave the column out "
            "with --drop, or turn it into numbers (days, years)",
            path, column->line, label, column->text.text);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: \"%s\" is not a finite number, but %zu other values of the column are; correct it, "
        "drop the row, or name the column with --categorical",
        path, column->line, label, column->text.text, column->numbers);
}

ls_status ls_csv_column_too_many(const ls_csv_column *column, const char *path, const char *label,
                                 ls_error *err)
{
    if (column->numbers >= column->texts || ls_csv_is_date(column->text.text))
        return mixed(column, path, label, err);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: \"%s\" and too many other texts; this is free text or a key, not a category: leave "
        "the column out with --drop",
        path, column->line, label, column->text.text);
}

/* Numbers among texts are categories, too. */
static bool adopt_numbers(ls_csv_column *column, ls_data *data, size_t c)
{
    char text[NUMBER_ROOM];
    for (size_t r = 0; r < data->rows; r++) {
        float *cell = &data->x[r * data->columns + c];
        if (isnan(*cell)) continue;
        snprintf(text, sizeof text, "%.9g", (double)*cell);
        if (!ls_csv_column_add(column, text, column->line, cell)) return false;
    }
    return true;
}

static ls_status number_column(const ls_csv_column *column, const char *path, const char *label,
                               ls_error *err)
{
    if (column->numbers) return LS_OK;
    return ls_fail(err, LS_ERR_DATA,
                   "%s, column %s: all of its values are missing; leave it out with --drop", path,
                   label);
}

ls_status ls_csv_column_settle(ls_csv_column *column, const char *path, const char *label,
                               ls_data *data, size_t c, ls_column *out, ls_error *err)
{
    int32_t *map;
    if (!column->texts && !column->categorical) return number_column(column, path, label, err);
    if (!column->texts) return LS_OK; /* categories, of which there are none */
    if (!column->categorical) {
        if (column->numbers >= column->texts || ls_csv_is_date(column->text.text))
            return mixed(column, path, label, err);
        if (column->numbers && !adopt_numbers(column, data, c))
            return ls_csv_column_too_many(column, path, label, err);
    }
    out->categorical = true;
    LS_TRY(ls_csv_labels_name(column->labels, path, &map, &out->category, &out->categories, err));
    for (size_t r = 0; r < data->rows; r++) {
        float *cell = &data->x[r * data->columns + c];
        int32_t text = text_of(cell);
        if (text >= 0) *cell = (float)map[text];
    }
    free(map);
    bool many = out->categories > MOST_CATEGORIES ||
                (out->categories > FEW_CATEGORIES && out->categories > data->rows / 2);
    return many && !column->categorical ? ls_csv_column_too_many(column, path, label, err) : LS_OK;
}

void ls_csv_column_free(ls_csv_column *column) { ls_csv_labels_free(column->labels); }
