/* SPDX-License-Identifier: MIT */
/* Builds data row by row: the rules that the readers of all formats share. A reader names the
 * columns (ls_builder_select), makes room (ls_builder_allocate), fills cells, and finishes
 * (host/data/table_finish.h). If the cells then show that what was assumed of a column is wrong, it
 * starts again. */
#ifndef LS_TABLE_BUILDER_H
#define LS_TABLE_BUILDER_H

#include "host/data/column_builder.h"
#include "host/data/selection.h"
#include "host/data/target_builder.h"

/* What is assumed of each column of a file. Zero at first; kept from one reading to the next. */
typedef struct {
    ls_assumed *column; /* [columns of the file] */
    size_t columns;
    size_t readings; /* that have ended */
} ls_assumptions;
void ls_assumptions_free(ls_assumptions *assumptions);
/* Those of a later pass (host/data/pass.h), otherwise none. */
ls_status ls_assumptions_of(const ls_read_request *request, ls_assumptions *out, ls_error *err);

typedef struct {
    const char *path; /* for messages */
    const ls_read_request *request;
    ls_assumptions *assumptions;
    const char *const *header; /* names of the file's columns, or NULL */
    char separator;            /* of a text file, else 0 */
    size_t first_line;         /* of a text file, for messages */
    bool accept_missing;
    char *marks;      /* further texts that mark missing values, each followed by a NUL, or NULL */
    size_t mark_size; /* bytes of them */
    ls_selection selection;
    ls_column_builder *column; /* [selection.used] */
    ls_column_builder **plain; /* [columns of the file]: the builder if its numbers are written
                                  plainly, and no text marks a missing value; else NULL */
    ls_target_builder *target; /* [targets] */
    size_t *target_column;     /* [targets]: its column in the file */
    size_t targets;            /* 0: the rows have none */
    ls_dictionary *groups;     /* or NULL */
    ls_data *data;             /* data->rows of them are filled */
    size_t room;               /* rows that data has room for */
    float *row;                /* cells of the last row */
    size_t block;              /* rows that there are cells for, if these are not kept */
    size_t delivered;          /* rows that were handed out */
} ls_table_builder;

/* A column in messages: "1 (from 0, width)", or without a header "1 (from 0)". */
typedef struct {
    char text[96];
} ls_column_label;
ls_column_label ls_builder_label(const ls_table_builder *table, size_t column);

/* Selects columns of the file. apart: the classes come from another file. Before the call, only the
 * members up to first_line are set. The builder is freed with ls_builder_free, also if this fails.
 */
ls_status ls_builder_select(ls_table_builder *table, size_t columns, bool apart, ls_error *err);

/* Makes room for this number of rows; more can be added. labelled: they have targets. */
ls_status ls_builder_allocate(ls_table_builder *table, size_t rows, bool labelled, ls_error *err);

/* Appends a row, whose cells and targets the caller must fill. */
ls_status ls_builder_add_row(ls_table_builder *table, ls_error *err);

/* A later pass (host/data/pass.h): hands out the rows that are left. */
ls_status ls_builder_deliver(ls_table_builder *table, ls_error *err);

/* Builder and cell of the last row for a column of the file that is a feature. */
static inline ls_column_builder *ls_builder_column(const ls_table_builder *table, size_t column)
{
    return &table->column[table->selection.index[column]];
}
static inline float *ls_builder_cell(const ls_table_builder *table, size_t column)
{
    return table->row + table->selection.index[column];
}

/* Sets the cell of a column in the last row to a text. *again: the file is to be read again. */
ls_status ls_builder_add_text(ls_table_builder *table, size_t column, const char *text, size_t line,
                              bool *again, ls_error *err);

/* Sets target number k of a row to a text. */
ls_status ls_builder_add_target(ls_table_builder *table, size_t k, size_t row, const char *text,
                                size_t line, ls_error *err);

/* What messages say about a column of the file, and how its numbers may be written. The texts are
 * in *label and *name. */
typedef struct {
    ls_column_label label;
    ls_excerpt name;
    ls_column_context context;
} ls_builder_context;
void ls_builder_describe(const ls_table_builder *table, size_t column, ls_builder_context *out);

/* Frees unused room. */
void ls_builder_trim(ls_table_builder *table);
void ls_builder_free(ls_table_builder *table);

#endif
