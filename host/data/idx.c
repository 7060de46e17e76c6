/* SPDX-License-Identifier: MIT */
/* The header: two zeros, a type, the number of dimensions, their sizes; numbers follow. All of it
 * is big-endian. */
#include "host/data/idx.h"
#include "host/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    unsigned char code;
    char kind;
    unsigned width;
} types[] = {
    {0x08, 'u', 1}, {0x09, 'i', 1}, {0x0b, 'i', 2}, {0x0c, 'i', 4}, {0x0d, 'f', 4}, {0x0e, 'f', 8},
};

static int find_type(unsigned char code)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code) return (int)i;
    return -1;
}

/* CSV text contains no NUL, so that it cannot be mistaken for this. */
bool ls_is_idx(const char *bytes, size_t size)
{
    return size >= 4 && bytes[0] == 0 && bytes[1] == 0 && ((unsigned char)bytes[2] >> 4) == 0 &&
           bytes[3] > 0;
}

size_t ls_idx_head(const char *bytes, size_t size)
{
    return size < 4 ? 4 : 4 + 4 * (size_t)(unsigned char)bytes[3];
}

ls_status ls_describe_idx(const char *path, const char *bytes, size_t size, ls_matrix *out,
                          ls_error *err)
{
    const unsigned char *at = (const unsigned char *)bytes;
    int type = find_type(at[2]);
    size_t dimensions = at[3], header = ls_idx_head(bytes, size);
    if (type < 0)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: is an IDX file of an unknown type (0x%02x); 08, 09, 0b, 0c, 0d and 0e are supported",
            path, at[2]);
    if (size < header)
        return ls_fail(err, LS_ERR_DATA,
                       "%s: is an IDX file that is cut short in its header (%zu bytes of %zu)",
                       path, size, header);
    *out = (ls_matrix){.path = path,
                       .columns = 1,
                       .kind = types[type].kind,
                       .width = types[type].width,
                       .big_endian = true};
    for (size_t d = 0; d < dimensions; d++) {
        const unsigned char *n = at + 4 + 4 * d;
        size_t length = (size_t)n[0] << 24 | (size_t)n[1] << 16 | (size_t)n[2] << 8 | n[3];
        if (length == 0)
            return ls_fail(err, LS_ERR_DATA,
                           "%s: is an IDX file without numbers: dimension %zu is 0", path, d + 1);
        if (d > 0 && d < 4 && dimensions > 2 && dimensions < 5) out->side[d - 1] = length;
        if (d == 0) out->rows = length;
        else if (!ls_mul_size(out->columns, length, &out->columns))
            return ls_fail(
                err, LS_ERR_DATA,
                "%s: is an IDX file whose dimensions are more than this machine can address", path);
    }
    return LS_OK;
}

/* ---- Class labels ---------------------------------------------------------------------------- */

/* Replaces every `from` by `to`, which has the same length. */
static void replace(char *text, const char *from, const char *to)
{
    for (char *at = text; (at = strstr(at, from)); at += strlen(to)) memcpy(at, to, strlen(to));
}

char *ls_idx_labels(const char *path)
{
    size_t length = strlen(path);
    const char *slash = strrchr(path, '/');
    char *name = malloc(length + 4);
    if (!name) return NULL;
    memcpy(name, path, length + 1);
    char *base = name + (slash ? slash + 1 - path : 0);
    replace(base, "images", "labels");
    for (const char *digit = "23456789"; *digit; digit++)
        replace(base, (char[]){'i', 'd', 'x', *digit, 0}, "idx1");
    if (strcmp(name, path) == 0) {
        free(name);
        return NULL;
    }
    if (access(name, R_OK) == 0) return name;
    bool packed = length > 3 && strcmp(name + length - 3, ".gz") == 0;
    strcpy(name + length - (packed ? 3 : 0), packed ? "" : ".gz");
    if (access(name, R_OK) != 0)
        strcpy(name + length - (packed ? 3 : 0), packed ? ".gz" : ""); /* for the message */
    return name;
}
