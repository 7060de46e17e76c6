/* SPDX-License-Identifier: MIT */
#include "host/data/row_reader.h"
#include "host/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/csv.h"
#include "host/data/formats.h"
#include "host/data/npz.h"

struct ls_row_reader {
    const char *name; /* for messages */
    ls_read_request request;
    ls_stream *stream;
    size_t rows;       /* returned so far */
    ls_csv_rows *text; /* CSV; otherwise: */
    const ls_format *format;
    ls_matrix matrix; /* its `rows` are those of the file */
    size_t width;     /* bytes of a row */
    char *unpacked;   /* the file that an archive held, or NULL */
    char *bytes;      /* rows that were read but not returned */
    size_t room, held;
};

/* Reads until `to` holds `wanted` bytes or the stream ends. */
static ls_status fill(ls_stream *stream, char *to, size_t wanted, size_t *held, ls_error *err)
{
    for (size_t count = 1; *held < wanted && count; *held += count)
        LS_TRY(ls_stream_read(stream, to + *held, wanted - *held, &count, err));
    return LS_OK;
}

static ls_status open_matrix(ls_row_reader *r, ls_error *err)
{
    size_t bytes;
    LS_TRY(ls_format_matrix(r->format, r->name, r->stream, &r->matrix, &bytes, err));
    r->width = r->matrix.columns * r->matrix.width; /* at most `bytes` */
    return LS_OK;
}

/* Takes the rows of an archive for the file. */
static ls_status open_archive(ls_row_reader *r, ls_error *err)
{
    const char *first;
    size_t size, count;
    LS_TRY(ls_npz_rows(r->name, r->stream, &r->unpacked, &size, err));
    ls_stream_close(r->stream);
    r->stream = NULL;
    LS_TRY(ls_stream_of(r->name, r->unpacked, size, &r->stream, err));
    LS_TRY(ls_stream_head(r->stream, &first, &count, err));
    LS_TRY(ls_format_of(r->name, first, count, &r->format, err));
    if (r->format->describe) return open_matrix(r, err);
    return ls_fail(err, LS_ERR_DATA, "%s: is an NPZ file with a member that is no array", r->name);
}

static ls_status open_format(ls_row_reader *r, ls_error *err)
{
    const char *first;
    size_t count;
    LS_TRY(ls_stream_head(r->stream, &first, &count, err));
    LS_TRY(ls_format_of(r->name, first, count, &r->format, err));
    LS_TRY(ls_format_check_labels(r->format, r->request.labels, r->name, err));
    if (!ls_format_is_text(r->format) && ls_stream_parts(r->stream) > 1)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: only CSV files are read as one table", r->name);
    if (!r->format->describe && !ls_format_is_text(r->format)) return open_archive(r, err);
    if (r->format->describe) return open_matrix(r, err);
    return ls_csv_rows_open(r->name, r->stream, &r->request, &r->text, err);
}

ls_status ls_row_reader_open(const char *path, const ls_read_request *request, ls_row_reader **out,
                             ls_error *err)
{
    ls_row_reader *r;
    assert(request->expected.features > 0);
    LS_TRY(ls_alloc(&r, 1, sizeof *r, "reading", err));
    *r = (ls_row_reader){.name = ls_stream_name(path), .request = *request};
    r->request.no_target = true;
    ls_status status = ls_stream_open(path, &r->stream, err);
    if (status == LS_OK) status = open_format(r, err);
    if (status != LS_OK) ls_row_reader_close(r);
    else *out = r;
    return status;
}

void ls_row_reader_close(ls_row_reader *r)
{
    if (!r) return;
    ls_csv_rows_close(r->text);
    ls_stream_close(r->stream);
    free(r->unpacked);
    free(r->bytes);
    free(r);
}

double ls_row_reader_share(const ls_row_reader *r)
{
    return ls_stream_size(r->stream) ? ls_stream_share(r->stream) : 0;
}

ls_status ls_row_reader_keep(ls_row_reader *r, const char *option, const char *list, ls_error *err)
{
    if (r->text) return ls_csv_rows_keep(r->text, option, list, err);
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--%s: columns are passed through from CSV files, and %s is an %s file", option,
                   r->name, r->format->name);
}

size_t ls_row_reader_kept(const ls_row_reader *r)
{
    return r->text ? ls_csv_rows_kept(r->text) : 0;
}

const char *ls_row_reader_kept_name(const ls_row_reader *r, size_t i, char storage[32])
{
    return ls_csv_rows_kept_name(r->text, i, storage);
}

/* ---- Matrices -------------------------------------------------------------------------------- */

/* Fails unless all rows of the header were there, and nothing follows them. */
static ls_status check_end(ls_row_reader *r, ls_error *err)
{
    char more;
    size_t count = 0;
    if (r->rows == r->matrix.rows) LS_TRY(ls_stream_read(r->stream, &more, 1, &count, err));
    if (r->rows == r->matrix.rows && !count) return LS_OK;
    return ls_fail(err, LS_ERR_DATA,
                   "%s: is an %s file of %zu rows of %zu numbers, but %s; it is %s", r->name,
                   r->format->name, r->matrix.rows, r->matrix.columns,
                   count ? "more bytes follow them" : "it ends within them",
                   count ? "damaged" : "cut short or damaged");
}

static ls_status make_room(ls_row_reader *r, size_t rows, ls_error *err)
{
    size_t wanted;
    if (!ls_mul_size(rows, r->width, &wanted) || wanted > ls_most_bytes())
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for %zu rows of %zu bytes", r->name,
                       rows, r->width);
    return ls_grow(&r->bytes, &r->room, wanted, 1, "the rows", err);
}

/* Reads the rows at the front of `bytes`: fewer of them if one cannot be read. */
static ls_status take_rows(ls_row_reader *r, size_t rows, ls_data **out, ls_error *err)
{
    ls_matrix part = r->matrix;
    part.bytes = r->bytes;
    part.first = r->rows;
    ls_status status;
    for (part.rows = rows;; part.rows /= 2) {
        status = ls_read_matrix(&part, NULL, &r->request, out, err);
        if (status != LS_ERR_DATA || part.rows == 1) break;
    }
    LS_TRY(status);
    size_t used = part.rows * r->width;
    r->held -= used;
    memmove(r->bytes, r->bytes + used, r->held);
    return LS_OK;
}

static ls_status next_of_matrix(ls_row_reader *r, size_t most, ls_data **out, ls_error *err)
{
    size_t left = r->matrix.rows - r->rows;
    if (most > left) most = left;
    LS_TRY(make_room(r, most, err));
    LS_TRY(fill(r->stream, r->bytes, most * r->width, &r->held, err));
    size_t rows = r->held / r->width;
    if (!rows) return check_end(r, err);
    return take_rows(r, rows < most ? rows : most, out, err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

ls_status ls_row_reader_next(ls_row_reader *r, size_t most, ls_data **out, ls_error *err)
{
    ls_data *data = NULL;
    assert(most > 0);
    ls_status status = r->text ? ls_csv_rows_next(r->text, most, &data, err)
                               : next_of_matrix(r, most, &data, err);
    if (status != LS_OK) ls_stream_explain(r->stream, err);
    LS_TRY(status);
    if (data) {
        data->first = r->rows;
        r->rows += data->rows;
    }
    *out = data;
    return LS_OK;
}
