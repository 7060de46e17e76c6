/* SPDX-License-Identifier: MIT */
#include "host/data/formats.h"
#include "host/base/memory.h"
#include "host/data/csv.h"
#include "host/data/foreign.h"
#include "host/data/idx.h"
#include "host/data/npy.h"
#include "host/data/npz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_any(const char *bytes, size_t size)
{
    (void)bytes, (void)size;
    return true;
}

static const ls_format formats[] = {
    {"IDX", ls_is_idx, .head = ls_idx_head, .describe = ls_describe_idx, .labels = ls_idx_labels},
    {"NPY", ls_is_npy, .head = ls_npy_head, .describe = ls_describe_npy},
    {"NPZ", ls_is_npz, .read = ls_read_npz},
    {"CSV", is_any, .read = ls_read_csv},
};
#define FORMATS (sizeof formats / sizeof *formats)

ls_status ls_format_of(const char *path, const char *bytes, size_t size, const ls_format **out,
                       ls_error *err)
{
    size_t i = 0;
    while (!formats[i].is(bytes, size)) i++;
    assert(i < FORMATS && !formats[i].describe != !formats[i].read);
    if (i + 1 == FORMATS) LS_TRY(ls_refuse_foreign(ls_stream_name(path), bytes, size, err));
    *out = &formats[i];
    return LS_OK;
}

ls_status ls_format_matrix(const ls_format *format, const char *path, ls_stream *stream,
                           ls_matrix *out, size_t *wanted, ls_error *err)
{
    enum { MOST_HEAD = 1 << 20 /* bytes of a header; those of numpy have less than a thousand */ };
    const char *first;
    char *bytes;
    size_t count, size, cells;
    LS_TRY(ls_stream_head(stream, &first, &count, err));
    size_t head = format->head(first, count), bound = ls_stream_bound(stream);
    if (head > MOST_HEAD)
        return ls_fail(err, LS_ERR_DATA, "%s: is an %s file whose header has %zu bytes", path,
                       format->name, head);
    LS_TRY(ls_stream_rest(stream, head, &bytes, &size, err));
    ls_status status = format->describe(path, bytes, size, out, err);
    free(bytes);
    LS_TRY(status);
    out->head = head;
    if (ls_mul_size(out->rows, out->columns, &cells) && ls_mul_size(cells, out->width, wanted) &&
        *wanted <= bound)
        return LS_OK;
    return ls_fail(err, LS_ERR_DATA,
                   "%s: is an %s file of %zu x %zu numbers of %u bytes, which is more than it can "
                   "hold; it is cut short or damaged",
                   path, format->name, out->rows, out->columns, out->width);
}

ls_format_names ls_matrix_formats(void)
{
    ls_format_names names = {""};
    size_t count = 0, length = 0;
    for (size_t i = 0; i < FORMATS; i++) count += formats[i].describe != NULL;
    for (size_t i = 0, n = 0; i < FORMATS && length < sizeof names.text; i++) {
        if (!formats[i].describe) continue;
        const char *before = n == 0 ? "" : n + 1 == count ? " and " : ", ";
        int added = snprintf(names.text + length, sizeof names.text - length, "%s%s", before,
                             formats[i].name);
        length += added > 0 ? (size_t)added : 0;
        n++;
    }
    return names;
}

ls_status ls_format_check_labels(const ls_format *format, const char *labels, const char *path,
                                 ls_error *err)
{
    if (!labels || format->describe) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "--labels is for %s files, and %s is a %s file; the class is one of its columns "
                   "(--target)",
                   ls_matrix_formats().text, path, format->name);
}
