/* SPDX-License-Identifier: MIT */
#include "host/data/npz.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/matrix.h"
#include "host/data/npy.h"
#include "host/data/zip.h"
#include <stdlib.h>
#include <string.h>

/* Names of arrays, in any case; those of numpy.savez without names come last. */
static const char *const row_names[] = {"x", "data", "features", "inputs", "images", "arr_0", NULL};
static const char *const target_names[] = {"y",       "labels",  "label", "target",
                                           "targets", "classes", "arr_1", NULL};

static bool ends_npy(const char *name, size_t length)
{
    return length > 4 && !memcmp(name + length - 4, ".npy", 4);
}

bool ls_is_npz(const char *bytes, size_t size)
{
    enum { LOCAL = 30 };
    if (size < LOCAL || memcmp(bytes, "PK\3\4", 4)) return false;
    size_t length = (size_t)(unsigned char)bytes[26] | (size_t)(unsigned char)bytes[27] << 8;
    return size - LOCAL >= length && ends_npy(bytes + LOCAL, length);
}

static bool is_named(const ls_zip_member *m, const char *const *names)
{
    for (; *names; names++)
        if (!ls_ascii_ncasecmp(m->name, *names, strlen(*names)) &&
            !strcmp(m->name + strlen(*names), ".npy"))
            return true;
    return false;
}

static ls_status unclear(const char *path, const ls_zip *zip, ls_error *err)
{
    char list[400] = "";
    for (size_t i = 0; i < zip->count && strlen(list) < sizeof list - 80; i++)
        snprintf(list + strlen(list), 80, "%s%.*s", i ? ", " : "",
                 (int)strcspn(zip->member[i].name, "."), zip->member[i].name);
    return ls_fail(err, LS_ERR_DATA,
                   "%s: is an NPZ file of the arrays %s; save one array of rows, or rows x and "
                   "targets y: numpy.savez(\"data.npz\", x=..., y=...)",
                   path, list);
}

/* Which arrays are the rows and the targets (NULL: there are none). */
static ls_status find_arrays(const char *path, const ls_zip *zip, const ls_zip_member **rows,
                             const ls_zip_member **targets, ls_error *err)
{
    *rows = *targets = NULL;
    for (size_t i = 0; i < zip->count; i++) {
        const ls_zip_member *m = &zip->member[i];
        if (!ends_npy(m->name, strlen(m->name))) return unclear(path, zip, err);
        if (zip->count == 1 || (!*rows && is_named(m, row_names))) *rows = m;
        else if (!*targets && is_named(m, target_names)) *targets = m;
        else return unclear(path, zip, err);
    }
    return *rows ? LS_OK : unclear(path, zip, err);
}

/* The matrix of an NPY file in memory. */
static ls_status describe(const char *path, const char *bytes, size_t size, ls_matrix *out,
                          ls_error *err)
{
    if (!ls_is_npy(bytes, size))
        return ls_fail(err, LS_ERR_DATA, "%s: is an NPZ file with a member that is no array", path);
    LS_TRY(ls_describe_npy(path, bytes, size, out, err));
    const size_t head = ls_npy_head(bytes, size);
    out->bytes = bytes + head;
    return ls_check_matrix(out, "NPZ", size - head, err);
}

static ls_status read_arrays(const char *path, const char *rows, size_t rows_size,
                             const char *targets, size_t targets_size,
                             const ls_read_request *request, ls_data **out, ls_error *err)
{
    ls_matrix x, y;
    LS_TRY(describe(path, rows, rows_size, &x, err));
    if (targets) LS_TRY(describe(path, targets, targets_size, &y, err));
    return ls_read_matrix(&x, targets ? &y : NULL, request, out, err);
}

static ls_status read_zip(const char *path, const char *bytes, size_t size,
                          const ls_read_request *request, ls_data **out, ls_error *err)
{
    ls_zip zip;
    const ls_zip_member *rows, *targets;
    char *x, *y = NULL;
    LS_TRY(ls_zip_read(path, bytes, size, &zip, err));
    LS_TRY(find_arrays(path, &zip, &rows, &targets, err));
    if (request->no_target) targets = NULL;
    LS_TRY(ls_zip_unpack(path, rows, &x, err));
    ls_status status = targets ? ls_zip_unpack(path, targets, &y, err) : LS_OK;
    if (status == LS_OK)
        status = read_arrays(path, x, rows->size, y, targets ? targets->size : 0, request, out,
                             err);
    free(x);
    free(y);
    return status;
}

ls_status ls_read_npz(const char *path, ls_stream *stream, const ls_read_request *request,
                      ls_data **out, ls_error *err)
{
    char *bytes;
    size_t size;
    LS_TRY(ls_stream_rest(stream, SIZE_MAX, &bytes, &size, err));
    ls_status status = read_zip(path, bytes, size, request, out, err);
    free(bytes);
    return status;
}

ls_status ls_npz_rows(const char *path, ls_stream *stream, char **bytes, size_t *size,
                      ls_error *err)
{
    ls_zip zip;
    const ls_zip_member *rows, *targets;
    char *all;
    size_t all_size;
    LS_TRY(ls_stream_rest(stream, SIZE_MAX, &all, &all_size, err));
    ls_status status = ls_zip_read(path, all, all_size, &zip, err);
    if (status == LS_OK) status = find_arrays(path, &zip, &rows, &targets, err);
    if (status == LS_OK) status = ls_zip_unpack(path, rows, bytes, err);
    if (status == LS_OK) *size = rows->size;
    free(all);
    return status;
}
