/* SPDX-License-Identifier: MIT */
/* How a CSV file is laid out: its separator, its columns, and which line names them. */
#ifndef LS_CSV_LAYOUT_H
#define LS_CSV_LAYOUT_H

#include "host/data/csv_sample.h"
#include "host/data/request.h"

enum { LS_CSV_MOST_NOTES = 4 };

/* Owns all it points to. */
typedef struct {
    char separator;
    size_t columns;
    size_t line;                   /* of the first record */
    const char **name;             /* [columns], or NULL without a header; point into the sample */
    const char **text;             /* [columns] texts of the first record; point into the sample */
    bool first_is_header;          /* the first record is the header, and no row */
    ls_csv_sample sample;          /* the first records */
    size_t rows_from;              /* the first of them that is a row */
    char *note[LS_CSV_MOST_NOTES]; /* what was assumed, or NULL */
    size_t notes;
} ls_csv_layout;

/* Finds the layout of a file that was opened and not read, and sets the reader's separator.
 * Errors: LS_ERR_DATA if the file has no records, or with file and line if the first records have
 * different numbers of fields or it cannot be seen whether the first names the columns; those of
 * ls_csv_find_separator. Freed with ls_csv_layout_free, also if this fails. */
ls_status ls_csv_find_layout(ls_csv_reader *reader, const ls_read_request *request,
                             ls_csv_layout *out, ls_error *err);
void ls_csv_layout_free(ls_csv_layout *layout);

/* Adds the notes to data, and says in its source how the file was read. */
ls_status ls_csv_tell_layout(const ls_csv_layout *layout, const ls_read_request *request,
                             ls_data *data, ls_error *err);

/* The error of a record with another number of fields than the first. */
ls_status ls_csv_odd_record(const ls_csv_layout *layout, const char *path,
                            const ls_csv_field *field, size_t count, size_t line, ls_error *err);

#endif
