/* SPDX-License-Identifier: MIT */
/* An archive ends with a record that says where its directory is; each entry of this says where a
 * member's own header is, which is followed by the member's bytes (APPNOTE.TXT, PKWARE). */
#include "host/data/zip.h"
#include "host/base/memory.h"
#include "host/data/gzip.h"
#include <stdlib.h>
#include <string.h>

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { CHECKSUMS = 0 }; /* a fuzzer cannot find them and would not get past them */
#else
enum { CHECKSUMS = 1 };
#endif

enum {
    END = 22,   /* bytes of the last record without its comment */
    ENTRY = 46, /* of an entry without its name */
    LOCAL = 30, /* of a member's header without its name */
    COMMENT = 0xffff,
    DEFLATED = 8,
    ENCRYPTED = 1, /* flag */
};

static size_t get(const char *at, int bytes)
{
    size_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) value = value << 8 | (unsigned char)at[i];
    return value;
}

static ls_status bad(const char *path, const char *what, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s: is a zip archive %s", path, what);
}

/* The last record, or NULL. */
static const char *find_end(const char *bytes, size_t size)
{
    for (size_t comment = 0; comment <= COMMENT && size >= END + comment; comment++) {
        const char *at = bytes + size - END - comment;
        if (!memcmp(at, "PK\5\6", 4) && get(at + 20, 2) == comment) return at;
    }
    return NULL;
}

/* Finds the bytes of a member whose header is at an offset. */
static ls_status locate(const char *path, const char *bytes, size_t size, size_t offset,
                        ls_zip_member *m, ls_error *err)
{
    if (offset > size || size - offset < LOCAL || memcmp(bytes + offset, "PK\3\4", 4))
        return bad(path, "that is damaged: a member is not where its directory says", err);
    size_t before = LOCAL + get(bytes + offset + 26, 2) + get(bytes + offset + 28, 2);
    if (size - offset < before || size - offset - before < m->packed_size)
        return bad(path, "that is cut short or damaged: a member has fewer bytes than it should",
                   err);
    m->packed = bytes + offset + before;
    return LS_OK;
}

static ls_status check_sizes(const char *path, const ls_zip_member *m, ls_error *err)
{
    enum { RATIO = 1032 /* of deflate: 258 bytes in 2 bits */ };
    if (m->size == 0xffffffff || m->packed_size == 0xffffffff)
        return bad(path, "with members of 4 GiB or more; save its arrays as NPY", err);
    if (m->deflated ? m->size / RATIO > m->packed_size : m->size != m->packed_size)
        return bad(path, "that is damaged: a member cannot have the size that it says", err);
    if (m->size > ls_most_bytes())
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: a member has %zu MB, more than the %zu MB of memory available for it",
                       path, m->size >> 20, ls_most_bytes() >> 20);
    return LS_OK;
}

/* Reads the entry at `at`, of which `left` bytes are there, and says how many it has. */
static ls_status read_entry(const char *path, const char *bytes, size_t size, const char *at,
                            size_t left, ls_zip_member *m, size_t *used, ls_error *err)
{
    if (left < ENTRY || memcmp(at, "PK\1\2", 4))
        return bad(path, "whose directory is damaged", err);
    const size_t name = get(at + 28, 2), method = get(at + 10, 2);
    *used = ENTRY + name + get(at + 30, 2) + get(at + 32, 2);
    if (left < *used) return bad(path, "whose directory is damaged", err);
    if (get(at + 8, 2) & ENCRYPTED) return bad(path, "that is encrypted; decrypt it first", err);
    if (method != 0 && method != DEFLATED)
        return bad(path, "compressed in another way than numpy does", err);
    *m = (ls_zip_member){.deflated = method == DEFLATED,
                         .crc = (uint32_t)get(at + 16, 4),
                         .packed_size = get(at + 20, 4),
                         .size = get(at + 24, 4)};
    memcpy(m->name, at + ENTRY, name < LS_ZIP_MOST_NAME ? name : LS_ZIP_MOST_NAME);
    LS_TRY(check_sizes(path, m, err));
    return locate(path, bytes, size, get(at + 42, 4), m, err);
}

ls_status ls_zip_read(const char *path, const char *bytes, size_t size, ls_zip *out, ls_error *err)
{
    const char *end = find_end(bytes, size);
    if (!end) return bad(path, "that is cut short: its directory is missing", err);
    const size_t count = get(end + 10, 2), length = get(end + 12, 4), offset = get(end + 16, 4);
    if (get(end + 4, 2) || get(end + 8, 2) != count) return bad(path, "in several parts", err);
    if (count > LS_ZIP_MOST_MEMBERS) return bad(path, "with more than 64 members", err);
    if (offset > (size_t)(end - bytes) || (size_t)(end - bytes) - offset < length)
        return bad(path, "whose directory is damaged", err);
    *out = (ls_zip){.count = 0};
    size_t at = offset, used;
    for (; out->count < count; out->count++, at += used)
        LS_TRY(read_entry(path, bytes, size, bytes + at, offset + length - at,
                          &out->member[out->count], &used, err));
    return LS_OK;
}

ls_status ls_zip_unpack(const char *path, const ls_zip_member *m, char **out, ls_error *err)
{
    char *bytes;
    LS_TRY(ls_alloc(&bytes, m->size + 1, 1, "an array", err));
    ls_status status = LS_OK;
    if (m->deflated)
        status = ls_deflate_unpack(path, m->packed, m->packed_size, bytes, m->size, err);
    else if (m->size) memcpy(bytes, m->packed, m->size);
    if (CHECKSUMS && status == LS_OK && !ls_crc_is(bytes, m->size, m->crc))
        status = bad(path, "that is damaged: the checksum of a member is wrong", err);
    if (status == LS_OK) *out = bytes;
    else free(bytes);
    return status;
}
