/* SPDX-License-Identifier: MIT */
#include "host/data/matrix.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>
#include <string.h>

#include "host/data/table_builder.h"

enum { NUMBER_ROOM = 26 /* a double with 17 digits */ };

/* ---- Numbers --------------------------------------------------------------------------------- */

static double number_at(const ls_matrix *m, size_t i)
{
    const unsigned char *at = (const unsigned char *)m->bytes + i * m->width;
    uint64_t bits = 0;
    for (unsigned k = 0; k < m->width; k++)
        bits |= (uint64_t)at[k] << 8 * (m->big_endian ? m->width - 1 - k : k);
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
    if (m->kind != 'i') return (double)bits;
    unsigned unused = 64 - 8 * m->width;
    return (double)((int64_t)(bits << unused) >> unused);
}

static ls_status bad_number(const ls_matrix *m, size_t row, size_t column, double value,
                            ls_error *err)
{
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

/* Adds the value as a text, as in CSV files. */
static ls_status add_category(ls_table_builder *t, size_t r, size_t j, float value, ls_error *err)
{
    char text[NUMBER_ROOM];
    snprintf(text, sizeof text, "%.9g", (double)value + 0.0);
    return ls_builder_add_text(t, j, text, r, err);
}

static ls_status add_cell(ls_table_builder *t, const ls_matrix *m, size_t r, size_t j,
                          ls_error *err)
{
    ls_role role = t->selection.role[j];
    if (!ls_is_feature(role)) return LS_OK;
    double value = number_at(m, r * m->columns + j);
    if (isnan(value) && t->accept_missing) {
        ls_column_add_missing(ls_builder_column(t, j), ls_builder_cell(t, j));
        return LS_OK;
    }
    if (role == LS_ROLE_CATEGORY && ls_fits_float(value))
        return add_category(t, r, j, (float)value, err);
    return ls_column_add_number(ls_builder_column(t, j), value, ls_builder_cell(t, j))
               ? LS_OK
               : bad_number(m, r, j, value, err);
}

/* Classes become texts, so that known classes are found as in CSV files. */
static ls_status add_classes(ls_table_builder *t, const ls_matrix *m, size_t column, ls_error *err)
{
    assert(m->rows == t->data->rows && column < m->columns);
    for (size_t r = 0; r < m->rows; r++) {
        char text[NUMBER_ROOM];
        double value = number_at(m, r * m->columns + column);
        if (!isfinite(value)) return bad_number(m, r, column, value, err);
        snprintf(text, sizeof text, "%.17g", value + 0.0);
        if (!ls_dictionary_add(t->classes, text, r + 1, &t->data->y[r]))
            return ls_dictionary_too_many(t->classes, m->path, ls_builder_label(t, column).text,
                                          err);
    }
    return LS_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static ls_status add_rows(ls_table_builder *t, const ls_matrix *m, const ls_matrix *labels,
                          ls_error *err)
{
    size_t target = t->selection.target;
    LS_TRY(ls_builder_allocate(t, m->rows, labels || target != LS_NO_COLUMN, err));
    for (size_t r = 0; r < m->rows; r++) {
        LS_TRY(ls_builder_add_row(t, err));
        for (size_t j = 0; j < m->columns; j++) LS_TRY(add_cell(t, m, r, j, err));
    }
    if (labels) return add_classes(t, labels, 0, err);
    return target != LS_NO_COLUMN ? add_classes(t, m, target, err) : LS_OK;
}

static ls_status read_selected(const ls_matrix *m, const ls_matrix *labels,
                               const ls_read_request *request, ls_data **out, ls_error *err)
{
    ls_table_builder table = {.path = m->path, .request = request, .from_zero = true};
    if (m->columns == 1 && !labels && !request->expected.source && request->expected.features != 1)
        return ls_fail(err, LS_ERR_DATA,
                       "%s: has one column only; name a file of classes with --labels", m->path);
    ls_status status = ls_builder_select(&table, m->columns, labels != NULL, err);
    if (status == LS_OK) status = add_rows(&table, m, labels, err);
    if (status == LS_OK) status = ls_builder_finish(&table, labels ? labels->path : NULL, out, err);
    ls_builder_free(&table);
    return status;
}

ls_status ls_check_matrix(const ls_matrix *m, const char *format, size_t bytes, ls_error *err)
{
    size_t cells, wanted;
    if (ls_mul_size(m->rows, m->columns, &cells) && ls_mul_size(cells, m->width, &wanted) &&
        bytes == wanted)
        return LS_OK;
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
