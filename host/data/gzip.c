/* SPDX-License-Identifier: MIT */
#include "host/data/gzip.h"
#include "host/base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct ls_gzip {
    const char *path;
    z_stream stream;
    bool between; /* a member has ended and the next has not begun */
    size_t zeros; /* zero bytes after it: padding, as on tapes */
    size_t made;  /* bytes decompressed so far, for messages */
};

ls_status ls_gzip_open(const char *path, ls_gzip **out, ls_error *err)
{
    enum { GZIP_ONLY = 16 };
    ls_gzip *g;
    LS_TRY(ls_alloc(&g, 1, sizeof *g, "decompression", err));
    g->path = path;
    if (inflateInit2(&g->stream, MAX_WBITS + GZIP_ONLY) != Z_OK) {
        free(g);
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for decompressing it", path);
    }
    *out = g;
    return LS_OK;
}

void ls_gzip_close(ls_gzip *g)
{
    if (!g) return;
    inflateEnd(&g->stream);
    free(g);
}

/* Checks what follows a member: zeros up to the end, or another member. */
static ls_status check_after_member(ls_gzip *g, const char *packed, size_t size, bool last,
                                    size_t *used, ls_error *err)
{
    size_t at = 0;
    while (at < size && packed[at] == 0) at++;
    g->zeros += at;
    *used += at;
    packed += at, size -= at;
    if (size == 0 || (size == 1 && !last)) return LS_OK;
    if (g->zeros || !ls_is_gzip(packed, size))
        return ls_fail(err, LS_ERR_DATA,
                       "%s: bytes that are not gzip follow the gzip data; remove them", g->path);
    if (inflateReset(&g->stream) != Z_OK)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for decompressing it", g->path);
    g->between = false;
    return LS_OK;
}

/* One call of inflate. */
static ls_status unpack_piece(ls_gzip *g, const char *packed, size_t size, bool last, char *to,
                              size_t room, size_t *used, size_t *made, ls_error *err)
{
    z_stream *z = &g->stream;
    const uInt in = (uInt)(size < UINT_MAX ? size : UINT_MAX),
               out = (uInt)(room < UINT_MAX ? room : UINT_MAX);
    z->next_in = (z_const Bytef *)packed, z->avail_in = in;
    z->next_out = (Bytef *)to, z->avail_out = out;
    int code = inflate(z, Z_NO_FLUSH);
    *used += in - z->avail_in;
    *made += out - z->avail_out;
    g->made += out - z->avail_out;
    g->between = code == Z_STREAM_END;
    if (code == Z_OK || code == Z_STREAM_END || (code == Z_BUF_ERROR && !last)) return LS_OK;
    if (code == Z_MEM_ERROR)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for decompressing it", g->path);
    if (code == Z_BUF_ERROR)
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: the gzip file is cut short, after %zu decompressed bytes; download it again",
            g->path, g->made);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s: the gzip file is damaged, after %zu decompressed bytes (%s); download it again",
        g->path, g->made, z->msg ? z->msg : "no valid data");
}

ls_status ls_gzip_unpack(ls_gzip *g, const char *packed, size_t size, bool last, char *to,
                         size_t room, size_t *used, size_t *made, ls_error *err)
{
    *used = *made = 0;
    while (room > *made) {
        size_t before = *used + *made;
        if (g->between)
            LS_TRY(check_after_member(g, packed + *used, size - *used, last, used, err));
        if (g->between) return LS_OK; /* the end, or more compressed bytes are needed to decide */
        if (*used == size && !last) return LS_OK;
        LS_TRY(unpack_piece(g, packed + *used, size - *used, last, to + *made, room - *made, used,
                            made, err));
        if (*used + *made == before && !g->between) return LS_OK;
    }
    return LS_OK;
}

ls_status ls_deflate_unpack(const char *path, const char *packed, size_t size, char *to,
                            size_t room, ls_error *err)
{
    z_stream z = {0};
    int code = Z_OK;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for decompressing it", path);
    size_t used = 0, made = 0;
    while (code == Z_OK) {
        const uInt in = (uInt)(size - used < UINT_MAX ? size - used : UINT_MAX),
                   out = (uInt)(room - made < UINT_MAX ? room - made : UINT_MAX);
        z.next_in = (z_const Bytef *)packed + used, z.avail_in = in;
        z.next_out = (Bytef *)to + made, z.avail_out = out;
        code = inflate(&z, Z_NO_FLUSH);
        used += in - z.avail_in;
        made += out - z.avail_out;
        if (code == Z_OK && in == z.avail_in && out == z.avail_out) break; /* no progress */
    }
    inflateEnd(&z);
    if (code == Z_STREAM_END && made == room && used == size) return LS_OK;
    if (code == Z_MEM_ERROR)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for decompressing it", path);
    return ls_fail(err, LS_ERR_DATA,
                   "%s: compressed data in it are damaged, after %zu decompressed bytes", path,
                   made);
}

bool ls_crc_is(const char *bytes, size_t size, uint32_t crc)
{
    uLong now = crc32(0, Z_NULL, 0);
    for (size_t at = 0; at < size;) {
        uInt n = (uInt)(size - at < UINT_MAX ? size - at : UINT_MAX);
        now = crc32(now, (const Bytef *)bytes + at, n);
        at += n;
    }
    return (uint32_t)now == crc;
}
