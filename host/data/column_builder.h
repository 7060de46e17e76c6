/* SPDX-License-Identifier: MIT */
/* Collects the cells of one column, until it is known whether these are numbers or categories. */
#ifndef LS_COLUMN_BUILDER_H
#define LS_COLUMN_BUILDER_H

#include <math.h>

#include "host/data/data.h"
#include "host/data/dictionary.h"
#include "host/data/judge.h"
#include "host/data/value.h"

/* What is assumed of a column while it is read. If its cells show that this is wrong, the file is
 * read again under another assumption. */
typedef struct {
    bool categories; /* its numbers are texts, too */
    bool commas;     /* decimal commas were found */
    bool told;       /* that it has categories is told */
    char dates;      /* as in ls_number_format */
    double offset;
    size_t watch;       /* cells not kept: the row, from 1, whose number float32 rounds first, so
                           that those above it are watched, too; 0: none is above it */
    ls_excerpt example; /* a cell that led to the assumption */
} ls_assumed;

enum { LS_JOIN_SLOTS = 512 };

typedef struct {
    double offset;  /* cells are numbers minus it */
    size_t numbers; /* cells that are numbers */
    double *seen;   /* [LS_JOIN_SLOTS] values by the hash of their floats, once one was rounded:
                       of those in a slot, the one whose float has the smallest hash */
    bool looks;     /* for values that float32 joins */
    bool is_joined;
    bool asked;                 /* is to hold categories: as a user or a model says */
    bool categorical;           /* so or as it is assumed: numbers are texts */
    bool plain;                 /* numbers are written plainly */
    size_t text_cells, missing; /* other cells */
    ls_dictionary *texts;       /* or NULL if there are none */
    const char *mark;           /* a text for missing values, or NULL */
    double joined[2];           /* two values with one float, if is_joined */
    size_t first_line;          /* of the first text, and that text */
    ls_excerpt first_text;
    ls_excerpt rounded; /* a whole number beyond 2^53 that the double rounds, or "" */
    ls_number_format format;
    char dates; /* the order of dates that was found, if format.dates is LS_DATES_OPEN; or 0 */
    /* Cells are not kept: what is asked of all of them at the end is noted on the way. */
    bool apart, watches; /* watches: as `looks` was at first */
    size_t watch, fired; /* as assumed, and as it is found */
    float known[LS_MANY_NUMBERS];
    size_t distinct;    /* of `known` */
    double least, most; /* cells */
    int32_t *map;       /* the category of each text, once they are finished; or NULL */
} ls_column_builder;

/* Prepares a zeroed builder. */
static inline void ls_column_begin(ls_column_builder *column)
{
    column->looks = column->plain = true;
    column->least = (double)INFINITY, column->most = -(double)INFINITY;
}

static inline void ls_column_add_missing(ls_column_builder *column, float *cell)
{
    column->missing++;
    *cell = NAN;
}

/* Looks whether float32 joins this value with another one. cell: of the last row of the data, whose
 * rows before it hold values that float32 does not round if the table is new.
 *
 * Guaranteed: whether joined values are found does not depend on the order of the rows, if these
 * are at most LS_LOOK_ALL: of the floats that share a slot, one is watched from its first row on,
 * and the floats alone decide which. Values whose float is not watched are not found, so that a few
 * joined ones among many others may be missed. Of longer files, only some rows are looked at. */
void ls_column_watch(ls_column_builder *column, const ls_data *data, double value,
                     const float *cell);

/* Notes a number whose cell is not kept. */
void ls_column_note(ls_column_builder *column, const ls_data *data, double value, bool precise,
                    const float *cell);

/* Turns the texts of a column into categories, in rows that were read in just the way in which the
 * map was found; NULL: they are missing. cells: of the column, `stride` apart. */
void ls_column_place(const int32_t *map, float *cells, size_t rows, size_t stride);

/* The rows above the first watched one were not watched, or others: the file is to be read again.
 */
static inline size_t ls_column_first_watched(const ls_column_builder *column)
{
    return column->fired > 1 ? column->fired : 0;
}
static inline bool ls_column_watched_wrongly(const ls_column_builder *column)
{
    return column->apart && column->watches && ls_column_first_watched(column) != column->watch;
}

/* Keeps an example of whole numbers that a double rounds. */
void ls_column_watch_wide(ls_column_builder *column, const char *text, double value);

/* Looks which order of day and month a date has, for LS_DATES_OPEN. */
void ls_column_watch_date(ls_column_builder *column, const char *text);

/* Of a long file only some of the rows are looked at for joined values. */
enum { LS_LOOK_ALL = 1 << 16, LS_LOOK_PERIOD = 1 << 16, LS_LOOK_SOME = 1 << 12 };
static inline bool ls_looks_at_row(size_t row)
{
    return row < LS_LOOK_ALL || row % LS_LOOK_PERIOD < LS_LOOK_SOME;
}

/* Sets the cell, in the last row of the data. precise: the number may have more than six digits.
 * false if the value is not finite as a 32-bit float. */
static inline bool ls_column_add_number(ls_column_builder *column, const ls_data *data,
                                        double value, bool precise, float *cell)
{
    double rest = value - column->offset;
    if (!ls_fits_float(rest)) return false;
    column->numbers++;
    *cell = (float)rest;
    if (column->apart) ls_column_note(column, data, value, precise, cell);
    else if ((precise || column->seen) && column->looks && ls_looks_at_row(data->rows) &&
             ((double)*cell != rest || column->seen))
        ls_column_watch(column, data, value, cell);
    return true;
}

/* The cell becomes a NaN that holds the number of the text, until ls_column_finish. false: there
 * are too many different texts (ls_column_too_many_texts), or memory has run out. */
bool ls_column_add_text(ls_column_builder *column, const char *text, size_t line, float *cell);

/* A column in messages, and what decides how it may be read. */
typedef struct {
    const char *path, *label;
    const char *name; /* for examples of options: its name, or its index */
    bool may_comma;   /* a number may have a decimal comma */
    bool dates;       /* dates become numbers */
    bool may_offset;  /* numbers may be read with an offset */
    bool may_miss;    /* values may be missing */
} ls_column_context;

/* Decides about a column with too many different texts: an error, or *again is set and the file is
 * to be read again as *assumed says. */
ls_status ls_column_too_many_texts(const ls_column_builder *column,
                                   const ls_column_context *context, const ls_data *data, size_t c,
                                   ls_assumed *assumed, bool *again, ls_error *err);

/* Decides what column c of the data is: if it has texts, its cells become category numbers, or are
 * missing. *again: as in ls_column_too_many_texts; out is then not set. Notes are added to the
 * data. Errors: LS_ERR_DATA for columns that are neither numbers nor categories. */
ls_status ls_column_finish(ls_column_builder *column, const ls_column_context *context,
                           ls_data *data, size_t c, ls_assumed *assumed, bool *again,
                           ls_column *out, ls_error *err);

void ls_column_builder_free(ls_column_builder *column);

#endif
