/* SPDX-License-Identifier: MIT */
/* A file is a magic number, a version, a header that is a Python dictionary as text, then the
 * numbers. */
#include "host/data/npy.h"
#include "host/base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char magic[] = "\x93NUMPY";
enum { MAGIC = 6, MOST_DIMENSIONS = 32 };

bool ls_is_npy(const char *bytes, size_t size)
{
    return size >= MAGIC && memcmp(bytes, magic, MAGIC) == 0;
}

static ls_status bad(const char *path, const char *what, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s: is an NPY file %s", path, what);
}

/* The value of a key in the header, after leading blanks; NULL if there is none. */
static const char *find_value(const char *header, const char *key)
{
    char quoted[32];
    for (int k = 0; k < 2; k++) {
        snprintf(quoted, sizeof quoted, k ? "\"%s\"" : "'%s'", key);
        const char *at = strstr(header, quoted);
        if (!at) continue;
        at += strlen(quoted);
        at += strspn(at, " ");
        if (*at++ != ':') return NULL;
        return at + strspn(at, " ");
    }
    return NULL;
}

/* Parses a type such as '<f4'. */
static ls_status read_type(const char *path, const char *at, ls_matrix *out, ls_error *err)
{
    char text[16] = "";
    size_t length = at && (*at == '\'' || *at == '"') ? strcspn(at + 1, "'\"") : 0;
    if (length == 0 || length >= sizeof text)
        return bad(path, "of structured or unknown type; save plain float32 or float64", err);
    memcpy(text, at + 1, length);
    const char *type = text + strspn(text, "<>|=");
    unsigned width = type[0] && type[1] && !type[2] ? (unsigned)type[1] - '0' : 0;
    bool known = type[0] == 'f'   ? width == 4 || width == 8
                 : type[0] == 'b' ? width == 1
                                  : (type[0] == 'i' || type[0] == 'u') &&
                                        (width == 1 || width == 2 || width == 4 || width == 8);
    if (!known || type - text > 1)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: is an NPY file of type '%s', which is not supported; save it as float32, float64 or integers",
            path, text);
    out->kind = type[0];
    out->width = width;
    out->big_endian = text[0] == '>';
    return LS_OK;
}

/* Parses a shape: (rows,), (rows, columns) or more dimensions, all but the first of which become
 * columns. */
static ls_status read_shape(const char *path, const char *at, ls_matrix *out, ls_error *err)
{
    size_t dimensions = 0;
    out->columns = 1;
    if (!at || *at++ != '(') return bad(path, "whose header has no shape", err);
    for (at += strspn(at, " "); *at != ')'; at += strspn(at, " ,")) {
        char *end;
        unsigned long long length = *at >= '0' && *at <= '9' ? strtoull(at, &end, 10) : 0;
        if (length == 0 || length > SIZE_MAX / 8)
            return bad(path, "without numbers, or whose shape is not readable", err);
        if (dimensions && dimensions < 4) out->side[dimensions - 1] = (size_t)length;
        if (dimensions++ == 0) out->rows = (size_t)length;
        else if (!ls_mul_size(out->columns, (size_t)length, &out->columns))
            return bad(path, "whose shape is more than this machine can address", err);
        if (dimensions > MOST_DIMENSIONS) return bad(path, "with too many dimensions", err);
        at = end;
    }
    if (dimensions < 3 || dimensions > 4) memset(out->side, 0, sizeof out->side);
    return dimensions ? LS_OK : bad(path, "of a single number; rows are needed", err);
}

static ls_status read_header(const char *path, const char *header, ls_matrix *out, ls_error *err)
{
    const char *order = find_value(header, "fortran_order");
    LS_TRY(read_type(path, find_value(header, "descr"), out, err));
    LS_TRY(read_shape(path, find_value(header, "shape"), out, err));
    if (!order || (strncmp(order, "True", 4) && strncmp(order, "False", 5)))
        return bad(path, "whose header lacks fortran_order", err);
    if (*order == 'T' && out->columns > 1)
        return bad(path, "in Fortran order; save it in C order (numpy.ascontiguousarray)", err);
    return LS_OK;
}

/* Bytes before the header's text, whose length is the number that they end with. */
static size_t before_text(unsigned version) { return MAGIC + 2 + (version > 1 ? 4 : 2); }

size_t ls_npy_head(const char *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes + MAGIC;
    if (size < before_text(2)) return before_text(2);
    size_t length = at[2] | (size_t)at[3] << 8;
    if (*at > 1) length |= (size_t)at[4] << 16 | (size_t)at[5] << 24;
    return before_text(*at) + length;
}

ls_status ls_describe_npy(const char *path, const char *bytes, size_t size, ls_matrix *out,
                          ls_error *err)
{
    size_t head = ls_npy_head(bytes, size);
    unsigned version = size > MAGIC ? (unsigned char)bytes[MAGIC] : 1;
    if (version < 1 || version > 3)
        return ls_fail(err, LS_ERR_DATA,
                       "%s: is an NPY file of version %u; versions 1 to 3 are supported", path,
                       version);
    if (head > size) return bad(path, "that is cut short in its header", err);
    char *header = NULL;
    size_t length = head - before_text(version);
    LS_TRY(ls_alloc(&header, length + 1, 1, "the header", err));
    memcpy(header, bytes + before_text(version), length);
    *out = (ls_matrix){.path = path};
    ls_status status = read_header(path, header, out, err);
    free(header);
    return status;
}
