/* SPDX-License-Identifier: MIT */
#include "host/data/csv.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdlib.h>
#include <string.h>

#include "host/data/csv_layout.h"
#include "host/data/table_builder.h"

enum {
    FIRST_ROWS = 256,
    LARGE = 32 << 20,     /* bytes of a file from which on progress is reported */
    REPORT_ROWS = 1 << 16 /* rows between two reports */
};

/* A file being read. */
typedef struct {
    const char *path;
    ls_stream *stream;
    const ls_read_request *request;
    ls_csv_reader reader;
    ls_csv_layout layout;
    size_t target; /* class column, or LS_NO_COLUMN */
    ls_table_builder table;
} csv_file;

/* ---- What the columns are -------------------------------------------------------------------- */

static bool is_missing(const ls_csv_field *field)
{
    return *field->text == '\0' || (!field->quoted && ls_is_missing_text(field->text));
}

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
    file->table = (ls_table_builder){
        .path = file->path, .request = file->request, .header = file->layout.name};
    LS_TRY(ls_builder_select(&file->table, file->layout.columns, false, err));
    file->target = file->table.selection.target;
    return LS_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static ls_status bad_number(const csv_file *file, size_t line, size_t column,
                            const ls_csv_field *field, ls_error *err)
{
    double value;
    const char *trouble = "is not a finite number", *hint = "correct it, or drop the row or column";
    if (is_missing(field)) {
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, line %zu, column %s: the value is missing%s%s%s; fill it in or drop the "
            "row",
            file->path, line, ls_builder_label(&file->table, column).text,
            *field->text ? " (\"" : "", ls_excerpt_of(field->text).text, *field->text ? "\")" : "");
    }
    if (ls_parse_number(field->text, &value)) {
        trouble = "is too large for a 32-bit float";
        hint = "use other units";
    } else if (strchr(field->text, ',')) {
        hint = "write decimals with a point";
    } else if (!file->layout.name && line == file->layout.line) {
        hint = "correct it, or name all columns if this line is a header";
    }
    return ls_fail(err, LS_ERR_DATA, "%s, line %zu, column %s: \"%s\" %s; %s", file->path, line,
                   ls_builder_label(&file->table, column).text, ls_excerpt_of(field->text).text,
                   trouble, hint);
}

static ls_status add_class(csv_file *file, size_t line, const ls_csv_field *field, ls_error *err)
{
    ls_table_builder *table = &file->table;
    if (is_missing(field)) {
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu, column %s: the class is missing; fill it in or drop the row",
                       file->path, line, ls_builder_label(table, file->target).text);
    }
    if (ls_dictionary_add(table->classes, field->text, line,
                          &table->data->y[table->data->rows - 1]))
        return LS_OK;
    return ls_dictionary_too_many(table->classes, file->path,
                                  ls_builder_label(table, file->target).text, err);
}

static ls_status add_cell(csv_file *file, size_t line, size_t j, const ls_csv_field *field,
                          ls_error *err)
{
    ls_table_builder *table = &file->table;
    ls_role role = table->selection.role[j];
    double value;
    if (role != LS_ROLE_CATEGORY && ls_parse_number(field->text, &value))
        return ls_column_add_number(ls_builder_column(table, j), value, ls_builder_cell(table, j))
                   ? LS_OK
                   : bad_number(file, line, j, field, err);
    if (is_missing(field) && table->accept_missing) {
        ls_column_add_missing(ls_builder_column(table, j), ls_builder_cell(table, j));
        return LS_OK;
    }
    if (is_missing(field) || role == LS_ROLE_NUMBER) return bad_number(file, line, j, field, err);
    return ls_builder_add_text(table, j, field->text, line, err);
}

static ls_status add_row(csv_file *file, size_t line, const ls_csv_field *fields, size_t count,
                         ls_error *err)
{
    if (count != file->layout.columns)
        return ls_csv_odd_record(&file->layout, file->path, fields, count, line, err);
    LS_TRY(ls_builder_add_row(&file->table, err));
    for (size_t j = 0; j < count; j++) {
        ls_role role = file->table.selection.role[j];
        if (role == LS_ROLE_TARGET) LS_TRY(add_class(file, line, &fields[j], err));
        else if (role != LS_ROLE_UNUSED) LS_TRY(add_cell(file, line, j, &fields[j], err));
    }
    return LS_OK;
}

static ls_status read_rows(csv_file *file, ls_error *err)
{
    bool found = false;
    ls_csv_reader *reader = &file->reader;
    const ls_read_request *request = file->request;
    LS_TRY(ls_csv_find_layout(reader, request, &file->layout, err));
    LS_TRY(choose_columns(file, err));
    LS_TRY(ls_csv_next(reader, &found, err));
    if (file->layout.first_is_header) LS_TRY(ls_csv_next(reader, &found, err));
    if (!found)
        return ls_fail(err, LS_ERR_DATA, "%s: has a header but no rows; add at least one%s",
                       file->path,
                       request->header == LS_HEADER_AUTO ? ", or give --header no" : "");
    LS_TRY(ls_builder_allocate(&file->table, FIRST_ROWS, file->target != LS_NO_COLUMN, err));
    LS_TRY(ls_csv_tell_layout(&file->layout, request, file->table.data, err));
    for (size_t done = 1; found; done++) {
        LS_TRY(add_row(file, reader->record_line, reader->fields, reader->count, err));
        LS_TRY(ls_csv_next(reader, &found, err));
        if (request->callback && done % REPORT_ROWS == 0 && ls_stream_size(file->stream) > LARGE)
            request->callback(ls_stream_share(file->stream), request->user);
    }
    return LS_OK;
}

static ls_status read_file(csv_file *file, ls_data **out, ls_error *err)
{
    LS_TRY(ls_csv_open(&file->reader, file->path, file->stream, file->request->window, err));
    LS_TRY(read_rows(file, err));
    return ls_builder_finish(&file->table, NULL, out, err);
}

ls_status ls_read_csv(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err)
{
    csv_file file = {.path = path, .stream = stream, .request = request};
    ls_status status = read_file(&file, out, err);
    ls_builder_free(&file.table);
    ls_csv_layout_free(&file.layout);
    ls_csv_close(&file.reader);
    return status;
}
