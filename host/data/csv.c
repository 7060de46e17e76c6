/* SPDX-License-Identifier: MIT */
#include "host/data/csv.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/cells.h"
#include "host/data/csv_layout.h"
#include "host/data/file_columns.h"
#include "host/data/pass.h"
#include "host/data/table_finish.h"

enum {
    FIRST_ROWS = 256,
    LARGE = 32 << 20,      /* bytes of a file from which on progress is reported */
    REPORT_ROWS = 1 << 16, /* rows between two reports */
    FEW = 2, /* records of a pipe that show the layout of rows for a model: nobody need wait, and
                the layout does not depend on what has arrived */
    MOST_READINGS = 8 /* each changes what is assumed of a column in one of three ways */
};

/* A file being read. */
typedef struct {
    const char *path;
    ls_stream *stream;
    const ls_read_request *request;
    ls_csv_reader reader;
    ls_csv_layout layout;
    size_t target; /* class column, or LS_NO_COLUMN */
    ls_assumptions *assumptions;
    bool again; /* the assumptions have changed: the file is to be read again */
    ls_table_builder table;
    /* Of several files: */
    size_t part;   /* the one that records come from */
    size_t *place; /* [columns] the field of each column in it; NULL: the fields are in order */
    ls_csv_field *ordered;
} csv_file;

/* ---- What the columns are -------------------------------------------------------------------- */

/* Selects the columns that are used. */
static ls_status choose_columns(csv_file *file, ls_error *err)
{
    if (file->layout.columns == 1 && !file->request->expected.source &&
        file->request->expected.features != 1) {
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu: has one column only; fields must be separated by commas, "
                       "semicolons or tabs, and there must be a class column beside the features",
                       file->path, file->layout.line);
    }
    file->table = (ls_table_builder){.path = file->path,
                                     .request = file->request,
                                     .assumptions = file->assumptions,
                                     .separator = file->reader.separator,
                                     .first_line = file->layout.line,
                                     .header = file->layout.name};
    LS_TRY(ls_builder_select(&file->table, file->layout.columns, false, err));
    file->target = file->table.selection.target;
    return LS_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static ls_status add_row(csv_file *file, size_t line, const ls_csv_field *fields, size_t count,
                         ls_error *err)
{
    if (count != file->layout.columns)
        return ls_csv_odd_record(&file->layout, file->path, fields, count, line, err);
    LS_TRY(ls_builder_add_row(&file->table, err));
    for (size_t j = 0; j < count && !file->again; j++)
        LS_TRY(ls_builder_add_field(&file->table, j, fields[j].text, fields[j].quoted, line,
                                    &file->again, err));
    return LS_OK;
}

/* ---- Several files --------------------------------------------------------------------------- */

/* The places of a header's names among the columns, which must be the same in any order. */
static ls_status match_header(csv_file *file, const ls_csv_field *fields, size_t count,
                              const char *path, ls_error *err)
{
    const ls_file_columns columns = {file->path, file->layout.name, file->layout.columns};
    bool same = count == columns.count;
    for (size_t j = 0; same && j < count; j++) same = ls_same_name(columns.name[j], fields[j].text);
    free(file->place);
    file->place = NULL;
    if (same) return LS_OK;
    LS_TRY(ls_alloc(&file->place, columns.count, sizeof *file->place, "the columns", err));
    for (size_t j = 0; j < columns.count; j++) file->place[j] = LS_NO_COLUMN;
    for (size_t j = 0; j < count; j++) {
        size_t place = ls_column_named(&columns, fields[j].text, 0);
        if (count != columns.count || place == LS_NO_COLUMN || file->place[place] != LS_NO_COLUMN)
            return ls_fail(
                err, LS_ERR_DATA,
                "%s: its first line is not a header with the names of the first file's %zu "
                "columns (column %zu is \"%s\"); files of one table have the same columns",
                path, columns.count, j, ls_excerpt_of(fields[j].text).text);
        file->place[place] = j;
    }
    return LS_OK;
}

/* Reads a record. The first one of a further file is its header if the first file has one. */
static ls_status next_record(csv_file *file, bool *found, ls_error *err)
{
    ls_csv_reader *reader = &file->reader;
    LS_TRY(ls_csv_next(reader, found, err));
    while (*found && file->part + 1 < ls_stream_parts(file->stream)) {
        size_t line;
        const char *path = ls_stream_part(file->stream, file->part + 1, &line);
        if (!line || reader->record_line < line) return LS_OK;
        file->part++;
        if (!file->layout.first_is_header) continue;
        LS_TRY(match_header(file, reader->fields, reader->count, path, err));
        LS_TRY(ls_csv_next(reader, found, err));
    }
    return LS_OK;
}

/* The fields of the record in the order of the first file's columns. */
static const ls_csv_field *in_order(csv_file *file, const ls_csv_field *fields, size_t count)
{
    if (!file->place || count != file->layout.columns) return fields;
    for (size_t j = 0; j < count; j++) file->ordered[j] = fields[file->place[j]];
    return file->ordered;
}

/* Finds the layout and the first row, which stays in the reader. */
static ls_status begin(csv_file *file, bool *found, ls_error *err)
{
    ls_csv_reader *reader = &file->reader;
    const ls_read_request *request = file->request;
    LS_TRY(ls_csv_find_layout(reader, request, &file->layout, err));
    LS_TRY(choose_columns(file, err));
    LS_TRY(ls_csv_next(reader, found, err));
    if (file->layout.first_is_header) LS_TRY(next_record(file, found, err));
    if (ls_stream_parts(file->stream) > 1)
        LS_TRY(ls_alloc(&file->ordered, file->layout.columns, sizeof *file->ordered, "a row", err));
    if (*found) return LS_OK;
    return ls_fail(err, LS_ERR_DATA, "%s: has a header but no rows; add at least one%s", file->path,
                   request->header == LS_HEADER_AUTO ? ", or give --header no" : "");
}

/* A later pass: goes on at its first row. */
static ls_status seek_first(csv_file *file, bool *found, ls_error *err)
{
    const ls_pass *pass = file->request->pass;
    if (!pass->first) return LS_OK;
    const ls_record_start *start = &pass->start[pass->first / LS_APART_BLOCK - 1];
    LS_TRY(ls_csv_seek(&file->reader, start->byte, start->line, err));
    return next_record(file, found, err);
}

/* The first pass: after so many rows, notes where the next one begins. */
static ls_status note_start(csv_file *file, size_t rows, ls_error *err)
{
    ls_pass *pass = file->request->pass;
    const size_t starts = rows / LS_APART_BLOCK;
    if (pass->take || rows % LS_APART_BLOCK) return LS_OK;
    LS_TRY(ls_grow(&pass->start, &pass->start_room, starts, sizeof *pass->start, "the rows", err));
    pass->start[starts - 1] = (ls_record_start){ls_csv_place(&file->reader), file->reader.line};
    pass->starts = starts;
    return LS_OK;
}

static void report(const ls_read_request *request, double share)
{
    if (request->mode) ls_host_mode_give(request->mode);
    request->callback(share, request->user);
    if (request->mode) ls_host_mode_take(request->mode);
}

static ls_status read_rows(csv_file *file, ls_error *err)
{
    bool found = false;
    ls_csv_reader *reader = &file->reader;
    const ls_read_request *request = file->request;
    LS_TRY(begin(file, &found, err));
    LS_TRY(ls_builder_allocate(&file->table, FIRST_ROWS, file->target != LS_NO_COLUMN, err));
    LS_TRY(ls_csv_tell_layout(&file->layout, request, file->table.data, err));
    if (request->pass && request->pass->take) LS_TRY(seek_first(file, &found, err));
    for (size_t done = 1; found && !file->again; done++) {
        LS_TRY(add_row(file, reader->record_line, in_order(file, reader->fields, reader->count),
                       reader->count, err));
        if (request->pass && request->pass->take && done == request->pass->rows) break;
        if (request->pass) LS_TRY(note_start(file, done, err));
        LS_TRY(next_record(file, &found, err));
        if (request->callback && done % REPORT_ROWS == 0 && ls_stream_size(file->stream) > LARGE)
            report(request, ls_stream_share(file->stream));
    }
    return LS_OK;
}

/* Reads all rows under the assumptions; *out is not set if they have changed. */
static ls_status read_file(csv_file *file, ls_data **out, ls_error *err)
{
    LS_TRY(ls_csv_open(&file->reader, file->path, file->stream, file->request->window, 0, err));
    LS_TRY(read_rows(file, err));
    const ls_pass *pass = file->request->pass;
    if (pass && pass->take && !file->again) return ls_builder_deliver(&file->table, err);
    if (file->again) return LS_OK;
    return ls_builder_finish(&file->table, NULL, &file->again, out, err);
}

static void free_file(csv_file *file)
{
    ls_builder_free(&file->table);
    ls_csv_layout_free(&file->layout);
    ls_csv_close(&file->reader);
    free(file->place);
    free(file->ordered);
}

static ls_status read_once(const char *path, ls_stream *stream, const ls_read_request *request,
                           ls_assumptions *assumptions, bool *again, ls_data **out, ls_error *err)
{
    csv_file file = {
        .path = path, .stream = stream, .request = request, .assumptions = assumptions};
    ls_status status = read_file(&file, out, err);
    *again = file.again;
    free_file(&file);
    return status;
}

ls_status ls_read_csv(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err)
{
    ls_assumptions assumptions = {0};
    const bool later = request->pass && request->pass->take;
    const int most = later ? 1 : request->pass ? 2 * MOST_READINGS : MOST_READINGS;
    bool again = true;
    ls_status status = ls_assumptions_of(request, &assumptions, err);
    if (!request->expected.features) ls_stream_keep(stream);
    for (int readings = 0; status == LS_OK && again; readings++) {
        if (readings == most)
            status = ls_fail(err, LS_ERR_IO, "%s: has changed while it was read; read it again",
                             path);
        if (status == LS_OK && readings) status = ls_stream_rewind(stream, err);
        if (status == LS_OK)
            status = read_once(path, stream, request, &assumptions, &again, out, err);
    }
    ls_assumptions_free(&assumptions);
    return status;
}

/* ---- Block by block -------------------------------------------------------------------------- */

struct ls_csv_rows {
    csv_file file;
    ls_assumptions assumptions; /* of a block: none, as it is known what the columns are */
    bool found;                 /* the reader holds a record that is not in a block yet */
    bool begun, ended;          /* a block has been filled; the file has no more records */
    size_t *keep, keeps;        /* columns that are passed through */
    ls_kept *kept;              /* those of the block */
    ls_status status;           /* of a row that cannot be read: */
    ls_error error;
};

ls_status ls_csv_rows_open(const char *path, ls_stream *stream, const ls_read_request *request,
                           ls_csv_rows **out, ls_error *err)
{
    ls_csv_rows *rows;
    LS_TRY(ls_alloc(&rows, 1, sizeof *rows, "the rows", err));
    csv_file *file = &rows->file;
    *file = (csv_file){
        .path = path, .stream = stream, .request = request, .assumptions = &rows->assumptions};
    size_t sample = ls_stream_is_pipe(stream) ? FEW : 0;
    ls_status status = ls_csv_open(&file->reader, path, stream, request->window, sample, err);
    if (status == LS_OK) status = begin(file, &rows->found, err);
    if (status != LS_OK) ls_csv_rows_close(rows);
    else *out = rows;
    return status;
}

void ls_csv_rows_close(ls_csv_rows *rows)
{
    if (!rows) return;
    free_file(&rows->file);
    ls_assumptions_free(&rows->assumptions);
    ls_kept_free(rows->kept);
    free(rows->keep);
    free(rows);
}

/* ---- Columns that are passed through --------------------------------------------------------- */

static void keep_column(ls_csv_rows *rows, size_t column)
{
    for (size_t i = 0; i < rows->keeps; i++)
        if (rows->keep[i] == column) return;
    rows->keep[rows->keeps++] = column;
}

ls_status ls_csv_rows_keep(ls_csv_rows *rows, const char *option, const char *list, ls_error *err)
{
    const ls_csv_layout *layout = &rows->file.layout;
    const ls_file_columns file = {rows->file.path, layout->name, layout->columns};
    size_t *column, count = 0;
    if (!rows->keep)
        LS_TRY(ls_alloc(&rows->keep, layout->columns, sizeof *rows->keep, "the columns", err));
    LS_TRY(ls_alloc(&column, layout->columns, sizeof *column, "the columns", err));
    ls_status status = LS_OK;
    if (!strcmp(list, "all"))
        for (; count < layout->columns; count++) column[count] = count;
    else status = ls_column_list(&file, option, list, column, &count, err);
    for (size_t i = 0; status == LS_OK && i < count; i++) keep_column(rows, column[i]);
    free(column);
    return status;
}

size_t ls_csv_rows_kept(const ls_csv_rows *rows) { return rows->keeps; }

const char *ls_csv_rows_kept_name(const ls_csv_rows *rows, size_t i, char storage[32])
{
    const char *const *names = rows->file.layout.name;
    if (names) return names[rows->keep[i]];
    snprintf(storage, 32, "x%zu", rows->keep[i] + 1);
    return storage;
}

/* Keeps the fields of a record that has become a row. */
static ls_status keep_fields(ls_csv_rows *rows, const ls_csv_field *fields, ls_error *err)
{
    for (size_t i = 0; i < rows->keeps; i++)
        LS_TRY(ls_kept_add(rows->kept, fields[rows->keep[i]].text, err));
    return LS_OK;
}

/* Adds the next row to the block. Sets `ended` if there is none. */
static ls_status next_row(ls_csv_rows *rows, ls_error *err)
{
    csv_file *file = &rows->file;
    const ls_csv_reader *reader = &file->reader;
    if (!rows->found) LS_TRY(next_record(file, &rows->found, err));
    rows->ended = !rows->found;
    rows->found = false;
    if (rows->ended) return LS_OK;
    const ls_csv_field *fields = in_order(file, reader->fields, reader->count);
    LS_TRY(add_row(file, reader->record_line, fields, reader->count, err));
    return keep_fields(rows, fields, err);
}

/* Fills a block: fewer rows than `most` at the end, before a row that cannot be read, and if a pipe
 * has no more for now. */
static void fill_block(ls_csv_rows *rows, size_t most)
{
    csv_file *file = &rows->file;
    size_t *count = &file->table.data->rows;
    while (*count < most && rows->status == LS_OK && !rows->ended) {
        if (*count && !rows->found && ls_csv_waits(&file->reader)) break;
        const size_t before = *count;
        rows->status = next_row(rows, &rows->error);
        if (rows->status != LS_OK) *count = before; /* without the part that was read */
    }
}

ls_status ls_csv_rows_next(ls_csv_rows *rows, size_t most, ls_data **out, ls_error *err)
{
    csv_file *file = &rows->file;
    *out = NULL;
    if (rows->status == LS_OK && !rows->ended) {
        ls_builder_free(&file->table);
        ls_assumptions_free(&rows->assumptions);
        LS_TRY(choose_columns(file, err));
        LS_TRY(ls_builder_allocate(&file->table, most < FIRST_ROWS ? most : FIRST_ROWS,
                                   file->target != LS_NO_COLUMN, err));
        if (!rows->begun)
            LS_TRY(ls_csv_tell_layout(&file->layout, file->request, file->table.data, err));
        ls_kept_free(rows->kept);
        rows->kept = NULL;
        if (rows->keeps) LS_TRY(ls_alloc(&rows->kept, 1, sizeof *rows->kept, "the columns", err));
        if (rows->keeps) rows->kept->columns = rows->keeps;
        fill_block(rows, most);
        rows->begun = true;
        if (file->table.data->rows) {
            LS_TRY(ls_builder_finish(&file->table, NULL, &file->again, out, err));
            (*out)->kept = rows->kept;
            rows->kept = NULL;
            return LS_OK;
        }
    }
    if (rows->status != LS_OK && err) *err = rows->error;
    return rows->status;
}
