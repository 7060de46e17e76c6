/* SPDX-License-Identifier: MIT */
/* Builds data row by row: the rules that the readers of all formats share. A reader names the
 * columns (ls_builder_select), makes room (ls_builder_allocate), fills cells, and finishes. */
#ifndef LS_TABLE_BUILDER_H
#define LS_TABLE_BUILDER_H

#include "host/data/column_builder.h"
#include "host/data/selection.h"

typedef struct {
    const char *path; /* for messages */
    const ls_read_request *request;
    const char *const *header; /* names of the file's columns, or NULL */
    bool from_zero;            /* messages number columns without names from 0, not from 1 */
    bool accept_missing;
    ls_selection selection;
    ls_column_builder *column; /* [selection.used] */
    ls_dictionary *classes;    /* or NULL if rows have none */
    ls_data *data;             /* data->rows of them are filled */
    size_t room;               /* rows that data has room for */
} ls_table_builder;

/* A column in messages: "2 (width)", or without a header "2" or "1 (from 0)". */
typedef struct {
    char text[80];
} ls_column_label;
ls_column_label ls_builder_label(const ls_table_builder *table, size_t column);

/* Selects columns of the file. apart: the classes come from another file. Before the call, only
 * path, request, header and from_zero of the builder are set. It is freed with ls_builder_free,
 * also if this fails. */
ls_status ls_builder_select(ls_table_builder *table, size_t columns, bool apart, ls_error *err);

/* Makes room for this number of rows; more can be added. labelled: they have classes. */
ls_status ls_builder_allocate(ls_table_builder *table, size_t rows, bool labelled, ls_error *err);

/* Appends a row, whose cells and class the caller must fill: a class with the number that
 * table->classes gives it. */
ls_status ls_builder_add_row(ls_table_builder *table, ls_error *err);

/* Builder and cell of the last row for a column of the file that is a feature. */
static inline ls_column_builder *ls_builder_column(const ls_table_builder *table, size_t column)
{
    return &table->column[table->selection.index[column]];
}
static inline float *ls_builder_cell(const ls_table_builder *table, size_t column)
{
    const ls_data *data = table->data;
    return &data->x[(data->rows - 1) * data->columns + table->selection.index[column]];
}

/* Sets the cell of a column in the last row to a text. */
ls_status ls_builder_add_text(ls_table_builder *table, size_t column, const char *text, size_t line,
                              ls_error *err);

/* Decides what columns and classes are, names them, and drops rows with missing values if asked to.
 * labels: path of the file that the classes came from, or NULL for the table itself. */
ls_status ls_builder_finish(ls_table_builder *table, const char *labels, ls_data **out,
                            ls_error *err);
void ls_builder_free(ls_table_builder *table);

#endif
