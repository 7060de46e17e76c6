/* SPDX-License-Identifier: MIT */
#include "host/data/matrix.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/cells.h"
#include "host/data/pass.h"
#include "host/data/table_finish.h"

enum { NUMBER_ROOM = 26 /* a double with 17 digits */, STREAMED = 1 << 20 /* bytes */ };

/* ---- Numbers --------------------------------------------------------------------------------- */

static uint64_t bits_at(const ls_matrix *m, size_t i)
{
    const unsigned char *at = (const unsigned char *)m->bytes + i * m->width;
    uint64_t bits = 0;
    for (unsigned k = 0; k < m->width; k++)
        bits |= (uint64_t)at[k] << 8 * (m->big_endian ? m->width - 1 - k : k);
    return bits;
}

static int64_t signed_of(const ls_matrix *m, uint64_t bits)
{
    unsigned unused = 64 - 8 * m->width;
    return (int64_t)(bits << unused) >> unused;
}

static double number_at(const ls_matrix *m, size_t i)
{
    uint64_t bits = bits_at(m, i);
    if (m->kind == 'f' && m->width == 4) {
        float value;
        uint32_t word = (uint32_t)bits;
        memcpy(&value, &word, sizeof value);
        return (double)value;
    }
    if (m->kind == 'f') {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    return m->kind == 'i' ? (double)signed_of(m, bits) : (double)bits;
}

/* A number as a text, as in CSV files: integers exactly, others with the fewest digits that read
 * back as the same number of their width. */
static void write_number(const ls_matrix *m, size_t i, char text[NUMBER_ROOM])
{
    uint64_t bits = bits_at(m, i);
    if (m->kind == 'i') {
        snprintf(text, NUMBER_ROOM, "%lld", (long long)signed_of(m, bits));
    } else if (m->kind != 'f') {
        snprintf(text, NUMBER_ROOM, "%llu", (unsigned long long)bits);
    } else {
        double value = number_at(m, i) + 0.0, back = 0; /* -0 becomes 0 */
        for (int digits = 6; digits <= 17; digits++) {
            snprintf(text, NUMBER_ROOM, "%.*g", digits, value);
            if (!ls_parse_double(text, &back)) continue;
            if (m->width == 4 ? (float)back == (float)value : back == value) break;
        }
    }
}

static ls_status bad_number(const ls_matrix *m, size_t row, size_t column, double value,
                            ls_error *err)
{
    row += m->first;
    if (isnan(value))
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, row %zu, column %zu (from 0): the value is missing (NaN); fill it in or drop the row",
            m->path, row, column);
    return ls_fail(err, LS_ERR_DATA, "%s, row %zu, column %zu (from 0): %g is %s", m->path, row,
                   column, value,
                   isinf(value) ? "not finite; correct it, or drop the row"
                                : "too large for a 32-bit float; use other units");
}

static ls_status add_text(ls_table_builder *t, const ls_matrix *m, size_t r, size_t j, bool *again,
                          ls_error *err)
{
    char text[NUMBER_ROOM];
    write_number(m, r * m->columns + j, text);
    return ls_builder_add_field(t, j, text, false, m->first + r, again, err);
}

static ls_status add_target(ls_table_builder *t, const ls_matrix *m, size_t r, size_t j, size_t k,
                            ls_error *err)
{
    char text[NUMBER_ROOM];
    double value = number_at(m, r * m->columns + j);
    if (!isfinite(value)) return bad_number(m, r, j, value, err);
    write_number(m, r * m->columns + j, text);
    return ls_builder_add_target(t, k, t->data->rows - 1, text, m->first + r + 1, err);
}

static ls_status add_cell(ls_table_builder *t, const ls_matrix *m, size_t r, size_t j, bool *again,
                          ls_error *err)
{
    ls_role role = t->selection.role[j];
    if (role == LS_ROLE_UNUSED) return LS_OK;
    if (role == LS_ROLE_TARGET) return add_target(t, m, r, j, t->selection.index[j], err);
    double value = number_at(m, r * m->columns + j);
    if (!ls_is_feature(role))
        return isfinite(value) ? add_text(t, m, r, j, again, err) : bad_number(m, r, j, value, err);
    if (isnan(value) && t->accept_missing) {
        ls_column_add_missing(ls_builder_column(t, j), ls_builder_cell(t, j));
        return LS_OK;
    }
    if (isfinite(value) && (role == LS_ROLE_CATEGORY || t->marks))
        return add_text(t, m, r, j, again, err);
    return ls_column_add_number(ls_builder_column(t, j), t->data, value, true,
                                ls_builder_cell(t, j))
               ? LS_OK
               : bad_number(m, r, j, value, err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Rows of the matrix from row `first` of the labels on. */
static ls_status add_rows(ls_table_builder *t, const ls_matrix *m, const ls_matrix *labels,
                          size_t first, ls_error *err)
{
    bool again = false; /* is not set for numbers */
    for (size_t r = 0; r < m->rows; r++) {
        LS_TRY(ls_builder_add_row(t, err));
        for (size_t j = 0; j < m->columns; j++) LS_TRY(add_cell(t, m, r, j, &again, err));
        if (labels) LS_TRY(add_target(t, labels, first + r, 0, 0, err));
    }
    return LS_OK;
}

static ls_status fill(const ls_matrix *m, char *to, size_t bytes, ls_error *err)
{
    for (size_t held = 0, count; held < bytes; held += count) {
        LS_TRY(ls_stream_read(m->stream, to + held, bytes - held, &count, err));
        if (!count)
            return ls_fail(err, LS_ERR_IO, "%s: has changed while it was read; read it again",
                           m->path);
    }
    return LS_OK;
}

/* A block of rows at a time. */
static ls_status add_streamed(ls_table_builder *t, const ls_matrix *m, const ls_matrix *labels,
                              ls_error *err)
{
    const size_t width = m->columns * m->width;
    size_t most = STREAMED / width ? STREAMED / width : 1, room;
    char *bytes;
    const ls_pass *pass = t->request->pass;
    const size_t from = pass->take ? pass->first : 0, left = m->rows > from ? m->rows - from : 0,
                 end = pass->take && pass->rows < left ? from + pass->rows : from + left;
    if (most > m->rows) most = m->rows;
    room = most * width > m->head ? most * width : m->head;
    LS_TRY(ls_alloc(&bytes, room, 1, "the rows", err));
    ls_status status = ls_stream_rewind(m->stream, err);
    if (status == LS_OK) status = fill(m, bytes, m->head, err);
    if (status == LS_OK && from) status = ls_stream_seek(m->stream, m->head + from * width, err);
    ls_matrix part = *m;
    part.bytes = bytes;
    for (part.first = from; part.first < end && status == LS_OK; part.first += part.rows) {
        part.rows = end - part.first < most ? end - part.first : most;
        status = fill(m, bytes, part.rows * width, err);
        if (status == LS_OK) status = add_rows(t, &part, labels, part.first, err);
    }
    free(bytes);
    return status;
}

static ls_status add_all(ls_table_builder *t, const ls_matrix *m, const ls_matrix *labels,
                         ls_error *err)
{
    LS_TRY(ls_builder_allocate(t, m->rows, labels || t->targets, err));
    return m->bytes ? add_rows(t, m, labels, 0, err) : add_streamed(t, m, labels, err);
}

static ls_status read_once(const ls_matrix *m, const ls_matrix *labels,
                           const ls_read_request *request, ls_assumptions *assumptions, bool *again,
                           ls_data **out, ls_error *err)
{
    ls_table_builder table = {.path = m->path, .request = request, .assumptions = assumptions};
    *again = false;
    ls_status status = ls_builder_select(&table, m->columns, labels != NULL, err);
    const bool later = request->pass && request->pass->take;
    if (status == LS_OK) status = add_all(&table, m, labels, err);
    if (status == LS_OK && later) status = ls_builder_deliver(&table, err);
    else if (status == LS_OK)
        status = ls_builder_finish(&table, labels ? labels->path : NULL, again, out, err);
    ls_builder_free(&table);
    return status;
}

/* A row of two dimensions is an image. One of three has its channels first, if it has at most four:
 * images have more rows than that. */
static void note_image(const ls_matrix *m, ls_data *data)
{
    enum { MOST_CHANNELS = 4 };
    const size_t *side = m->side;
    size_t *image = data->source.image;
    if (!side[1] || data->columns != m->columns || data->features != m->columns) return;
    if (!side[2]) image[0] = 1, image[1] = side[0], image[2] = side[1];
    else if (side[0] <= MOST_CHANNELS) memcpy(image, side, sizeof data->source.image);
}

static ls_status read_selected(const ls_matrix *m, const ls_matrix *labels,
                               const ls_read_request *request, ls_data **out, ls_error *err)
{
    ls_assumptions assumptions = {0};
    bool again = true;
    ls_status status = LS_OK;
    if (m->columns == 1 && !labels && !request->expected.source && request->expected.features != 1)
        return ls_fail(err, LS_ERR_DATA,
                       "%s: has one column only; name a file of classes with --labels", m->path);
    status = ls_assumptions_of(request, &assumptions, err);
    while (status == LS_OK && again)
        status = read_once(m, labels, request, &assumptions, &again, out, err);
    ls_assumptions_free(&assumptions);
    if (status == LS_OK && *out) note_image(m, *out);
    return status;
}

ls_status ls_check_matrix(const ls_matrix *m, const char *format, size_t bytes, ls_error *err)
{
    size_t cells, wanted;
    bool fits = ls_mul_size(m->rows, m->columns, &cells) && ls_mul_size(cells, m->width, &wanted);
    if (fits && bytes == wanted) return LS_OK;
    if (fits && bytes > wanted)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: is an %s file of %zu x %zu numbers of %u bytes, but more bytes follow them; it is damaged",
            m->path, format, m->rows, m->columns, m->width);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s: is an %s file of %zu x %zu numbers of %u bytes, but %zu bytes follow its header; it is cut short "
        "or damaged",
        m->path, format, m->rows, m->columns, m->width, bytes);
}

ls_status ls_read_matrix(const ls_matrix *m, const ls_matrix *labels,
                         const ls_read_request *request, ls_data **out, ls_error *err)
{
    assert(m->rows > 0 && m->columns > 0 && m->width > 0 && m->width <= 8);
    if (labels && (labels->columns != 1 || labels->rows != m->rows))
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: has %zu x %zu numbers, but %s has %zu rows; one class per row is needed",
            labels->path, labels->rows, labels->columns, m->path, m->rows);
    return read_selected(m, labels, request, out, err);
}
