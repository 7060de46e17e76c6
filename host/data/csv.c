/* SPDX-License-Identifier: MIT */
#include "host/data/csv.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdlib.h>
#include <string.h>

#include "host/data/cells.h"
#include "host/data/csv_reader.h"
#include "host/data/table_finish.h"

enum {
    FIRST_ROWS = 256,
    LARGE = 32 << 20,      /* bytes of a file from which on progress is reported */
    REPORT_ROWS = 1 << 16, /* rows between two reports */
    MOST_READINGS = 8      /* each changes what is assumed of a column in one of three ways */
};

/* A file being read. */
typedef struct {
    const char *path;
    ls_stream *stream;
    const ls_read_request *request;
    ls_csv_reader reader;
    ls_csv_field *first;      /* copy of the first record, which may be the header */
    char *first_text;         /* what its fields point to */
    const char **first_names; /* the texts of its fields */
    size_t first_line;
    size_t columns;
    bool has_header;
    size_t target; /* class column, or LS_NO_COLUMN */
    ls_assumptions *assumptions;
    bool again; /* the assumptions have changed: the file is to be read again */
    ls_table_builder table;
} csv_file;

/* ---- What the columns are -------------------------------------------------------------------- */

static bool is_number(const ls_csv_field *field)
{
    double value;
    return ls_parse_number(field->text, &value);
}

static bool is_missing(const ls_csv_field *field)
{
    return *field->text == '\0' || (!field->quoted && ls_is_missing_text(field->text));
}

/* Whether the first record is a header. Only columns that hold a number in the second record count
 * (a quoted number above plain ones is a name): at least half of them must not hold a number in the
 * first. A single odd field is more likely a mistake in a row of data, which must be reported and
 * not be dropped as a header. */
static bool looks_like_header(const csv_file *file, const ls_csv_field *second, size_t second_count)
{
    size_t numbers = 0, names = 0, texts = 0;
    for (size_t j = 0; j < file->columns; j++) {
        const ls_csv_field *field = &file->first[j];
        bool text = !is_missing(field) && !is_number(field);
        texts += text;
        if (j >= second_count || !is_number(&second[j])) continue;
        numbers++;
        names += text || (field->quoted && !second[j].quoted);
    }
    /* A record of texts only is a header, too: an error in the row below is then reported instead.
     */
    return numbers > 0 ? names > 0 && 2 * names >= numbers : texts == file->columns;
}

/* Selects the columns that are used. */
static ls_status choose_columns(csv_file *file, ls_error *err)
{
    if (file->columns == 1 && !file->request->expected.source &&
        file->request->expected.features != 1) {
        return ls_fail(err, LS_ERR_DATA,
                       "%s, line %zu: has one column only; fields must be separated by commas, "
                       "semicolons or tabs, and there must be a class column beside the features",
                       file->path, file->first_line);
    }
    file->table = (ls_table_builder){.path = file->path,
                                     .request = file->request,
                                     .assumptions = file->assumptions,
                                     .separator = file->reader.separator,
                                     .first_line = file->first_line,
                                     .header = file->has_header ? file->first_names : NULL};
    LS_TRY(ls_builder_select(&file->table, file->columns, false, err));
    file->target = file->table.selection.target;
    return LS_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static ls_status add_row(csv_file *file, size_t line, const ls_csv_field *fields, size_t count,
                         ls_error *err)
{
    if (count != file->columns) {
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, line %zu: has %zu fields, but line %zu has %zu; check its separators and "
            "quotes",
            file->path, line, count, file->first_line, file->columns);
    }
    LS_TRY(ls_builder_add_row(&file->table, err));
    for (size_t j = 0; j < count && !file->again; j++)
        LS_TRY(ls_builder_add_field(&file->table, j, fields[j].text, fields[j].quoted, line,
                                    &file->again, err));
    return LS_OK;
}

/* Keeps a copy of the current record as the first one. */
static ls_status keep_first(csv_file *file, ls_error *err)
{
    const ls_csv_field *fields = file->reader.fields;
    size_t bytes = 0;
    for (size_t j = 0; j < file->columns; j++)
        bytes += (size_t)(fields[j].end - fields[j].text) + 1;
    LS_TRY(ls_alloc(&file->first, file->columns, sizeof *file->first, "the first record", err));
    LS_TRY(ls_alloc(&file->first_text, bytes, 1, "the first record", err));
    LS_TRY(ls_alloc(&file->first_names, file->columns, sizeof *file->first_names,
                    "the first record", err));
    char *to = file->first_text;
    for (size_t j = 0; j < file->columns; j++) {
        size_t length = (size_t)(fields[j].end - fields[j].text);
        file->first[j] = (ls_csv_field){.text = memcpy(to, fields[j].text, length + 1),
                                        .end = to + length,
                                        .quoted = fields[j].quoted};
        file->first_names[j] = to;
        to += length + 1;
    }
    return LS_OK;
}

/* Decides what the columns are by the first two records. The second stays in the reader; *found:
 * whether there is one. */
static ls_status choose_layout(csv_file *file, bool *found, ls_error *err)
{
    ls_csv_reader *reader = &file->reader;
    LS_TRY(ls_csv_next(reader, found, err));
    if (!*found)
        return ls_fail(err, LS_ERR_DATA, "%s: has only blank lines; give at least one row",
                       file->path);
    file->columns = reader->count;
    file->first_line = reader->record_line;
    LS_TRY(keep_first(file, err));
    LS_TRY(ls_csv_next(reader, found, err));
    file->has_header = looks_like_header(file, reader->fields, *found ? reader->count : 0);
    const ls_file_columns first = {file->path, file->first_names, file->columns};
    file->has_header |= ls_names_header(file->request, &first);
    LS_TRY(choose_columns(file, err));
    if (file->has_header && !*found) {
        return ls_fail(err, LS_ERR_DATA, "%s: has a header but no rows; add at least one",
                       file->path);
    }
    return LS_OK;
}

static ls_status read_rows(csv_file *file, ls_error *err)
{
    bool found = false;
    ls_csv_reader *reader = &file->reader;
    const ls_read_request *request = file->request;
    LS_TRY(choose_layout(file, &found, err));
    LS_TRY(ls_builder_allocate(&file->table, FIRST_ROWS, file->target != LS_NO_COLUMN, err));
    if (!file->has_header) LS_TRY(add_row(file, file->first_line, file->first, file->columns, err));
    for (size_t done = 1; found && !file->again; done++) {
        LS_TRY(add_row(file, reader->record_line, reader->fields, reader->count, err));
        LS_TRY(ls_csv_next(reader, &found, err));
        if (request->callback && done % REPORT_ROWS == 0 && ls_stream_size(file->stream) > LARGE)
            request->callback(ls_stream_share(file->stream), request->user);
    }
    return LS_OK;
}

/* If the class of the first row is a title, that row was a header with numbers for names. */
static void drop_title(csv_file *file)
{
    if (file->has_header || !ls_builder_first_is_title(&file->table)) return;
    ls_builder_drop_first(&file->table);
    file->table.header = file->first_names;
}

/* Reads all rows under the assumptions; *out is not set if they have changed. */
static ls_status read_file(csv_file *file, ls_data **out, ls_error *err)
{
    LS_TRY(ls_csv_open(&file->reader, file->path, file->stream, file->request->window, err));
    LS_TRY(read_rows(file, err));
    if (file->again) return LS_OK;
    drop_title(file);
    return ls_builder_finish(&file->table, NULL, &file->again, out, err);
}

static ls_status read_once(const char *path, ls_stream *stream, const ls_read_request *request,
                           ls_assumptions *assumptions, bool *again, ls_data **out, ls_error *err)
{
    csv_file file = {
        .path = path, .stream = stream, .request = request, .assumptions = assumptions};
    ls_status status = read_file(&file, out, err);
    *again = file.again;
    ls_builder_free(&file.table);
    free(file.first);
    free(file.first_text);
    free(file.first_names);
    ls_csv_close(&file.reader);
    return status;
}

ls_status ls_read_csv(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err)
{
    ls_assumptions assumptions = {0};
    bool again = true;
    ls_status status = LS_OK;
    if (!request->expected.features) ls_stream_keep(stream);
    for (int readings = 0; status == LS_OK && again; readings++) {
        if (readings == MOST_READINGS)
            status = ls_fail(err, LS_ERR_IO, "%s: has changed while it was read; read it again",
                             path);
        if (status == LS_OK && readings) status = ls_stream_rewind(stream, err);
        if (status == LS_OK)
            status = read_once(path, stream, request, &assumptions, &again, out, err);
    }
    ls_assumptions_free(&assumptions);
    return status;
}
