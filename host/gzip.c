/* SPDX-License-Identifier: MIT */
#include "gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* What the unpacked file may take: half of the machine's memory. A few kilobytes can unpack to many gigabytes, and a system that
 * promises memory it does not have would kill the program instead of saying no. */
static size_t most_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t bytes;
    if (pages <= 0 || page <= 0 || !ls_mul_size((size_t)pages, (size_t)page, &bytes)) return SIZE_MAX / 4;
    return bytes / 2;
}

typedef struct {
    const char *path;
    z_stream stream;
    size_t left;     /* packed bytes that the stream has not been given yet */
    char *bytes;     /* capacity of them, size in use */
    size_t size, capacity, most;
} unpacking;

static ls_status make_room(unpacking *u, ls_error *err)
{
    size_t wanted = u->capacity / 2 > u->most - u->capacity ? u->most : u->capacity + u->capacity / 2;
    if (u->size + 1 < u->capacity) return LS_OK;
    char *grown = u->capacity < u->most ? realloc(u->bytes, wanted) : NULL;
    if (!grown) return ls_fail(err, LS_ERR_MEMORY, "%s: unpacks to more than the %zu MB that there is room for; use less data", u->path, u->most >> 20);
    u->bytes = grown;
    u->capacity = wanted;
    return LS_OK;
}

/* One more piece; *ended: it was a member's last. */
static ls_status unpack_piece(unpacking *u, bool *ended, ls_error *err)
{
    z_stream *z = &u->stream;
    LS_TRY(make_room(u, err));
    if (z->avail_in == 0) {
        z->avail_in = (uInt)(u->left < UINT_MAX ? u->left : UINT_MAX);
        u->left -= z->avail_in;
    }
    size_t room = u->capacity - 1 - u->size; /* a NUL goes behind */
    z->next_out = (Bytef *)u->bytes + u->size;
    z->avail_out = (uInt)(room < UINT_MAX ? room : UINT_MAX);
    int code = inflate(z, Z_NO_FLUSH);
    u->size = (size_t)((char *)z->next_out - u->bytes);
    *ended = code == Z_STREAM_END;
    if (code == Z_OK || *ended) return LS_OK;
    if (code == Z_MEM_ERROR) return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for unpacking it", u->path);
    if (code == Z_BUF_ERROR) return ls_fail(err, LS_ERR_DATA, "%s: the gzip file is cut short, %zu bytes into what it holds; fetch it again", u->path, u->size);
    return ls_fail(err, LS_ERR_DATA, "%s: the gzip file is damaged, %zu bytes into what it holds (%s); fetch it again", u->path, u->size,
                   z->msg ? z->msg : "no valid data");
}

/* Member after member; zeros may pad the file, as on tapes. */
static ls_status unpack(unpacking *u, ls_error *err)
{
    z_stream *z = &u->stream;
    for (bool ended = false;;) {
        LS_TRY(unpack_piece(u, &ended, err));
        if (!ended) continue;
        size_t rest = z->avail_in + u->left, zeros = 0;
        while (zeros < rest && z->next_in[zeros] == 0) zeros++;
        if (zeros == rest) return LS_OK;
        if (zeros || !ls_is_gzip((const char *)z->next_in, rest))
            return ls_fail(err, LS_ERR_DATA, "%s: %zu bytes that are not gzip follow the gzip data; cut them off", u->path, rest);
        if (inflateReset(z) != Z_OK) return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for unpacking it", u->path);
    }
}

ls_status ls_gunzip(const char *path, const char *packed, size_t packed_size, char **bytes, size_t *size, ls_error *err)
{
    enum { GZIP_ONLY = 16 };
    unpacking u = {.path = path, .left = packed_size, .most = most_bytes()};
    u.capacity = packed_size < u.most / 4 ? 4 * packed_size + 64 : u.most;
    u.bytes = malloc(u.capacity);
    u.stream.next_in = (z_const Bytef *)packed;
    if (!u.bytes || inflateInit2(&u.stream, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        free(u.bytes);
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for unpacking it", path);
    }
    ls_status status = unpack(&u, err);
    inflateEnd(&u.stream);
    if (status != LS_OK) {
        free(u.bytes);
        return status;
    }
    u.bytes[u.size] = '\0';
    *bytes = u.bytes;
    *size = u.size;
    return LS_OK;
}
