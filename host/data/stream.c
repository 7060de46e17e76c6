/* SPDX-License-Identifier: MIT */
#include "host/data/stream.h"
#include "host/base/file.h"
#include "host/base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/data/gzip.h"

enum { PACKED = 256 << 10 }; /* bytes of a compressed file read at a time */

struct ls_stream {
    const char *path;
    int file;          /* file descriptor, or -1 for bytes in memory */
    size_t size, read; /* bytes of the file (compressed, if it is gzip) */
    const char *bytes; /* of a stream in memory */
    char head[LS_STREAM_HEAD_MOST];
    size_t head_at, head_count;
    ls_gzip *gzip; /* or NULL */
    char *packed;  /* buffer of PACKED compressed bytes; `packed_count` of them, from packed_at, are
                      not yet decompressed */
    const char *packed_at;
    size_t packed_count;
    bool ended; /* the file has been read completely */
    /* Of a pipe that is to be rewound: what has been read from it. */
    bool is_pipe, keeps;
    off_t start;     /* of a file: where reading began */
    bool pipe_ended; /* once: a terminal would wait for more */
    char *kept;
    size_t kept_count, kept_room;
    size_t replayed; /* bytes of `kept` that have been read again */
};

/* Keeps bytes that were read from a pipe. */
static ls_status keep(ls_stream *s, const char *bytes, size_t count, ls_error *err)
{
    if (s->kept_room - s->kept_count < count) {
        size_t room = 2 * s->kept_room + count + (1 << 16);
        char *grown = room <= ls_most_bytes() ? realloc(s->kept, room) : NULL;
        if (!grown)
            return ls_fail(err, LS_ERR_MEMORY,
                           "%s: is a pipe with more than the %zu MB of memory available for it; "
                           "write it to a file first",
                           s->path, ls_most_bytes() >> 20);
        s->kept = grown;
        s->kept_room = room;
    }
    if (count) memcpy(s->kept + s->kept_count, bytes, count);
    s->kept_count += count;
    s->replayed = s->kept_count;
    return LS_OK;
}

/* Reads bytes of the file or memory without decompressing them. */
static ls_status read_raw(ls_stream *s, char *to, size_t room, size_t *count, ls_error *err)
{
    if (s->replayed < s->kept_count) {
        size_t left = s->kept_count - s->replayed;
        *count = left < room ? left : room;
        memcpy(to, s->kept + s->replayed, *count);
        s->replayed += *count;
    } else if (s->pipe_ended) {
        *count = 0;
    } else if (s->file < 0) {
        *count = s->size - s->read < room ? s->size - s->read : room;
        memcpy(to, s->bytes + s->read, *count);
    } else {
        ssize_t got;
        do got = read(s->file, to, room < (1u << 30) ? room : (1u << 30));
        while (got < 0 && errno == EINTR);
        if (got < 0)
            return ls_fail(err, LS_ERR_IO, "%s: cannot read: %s; check the file and its disk",
                           s->path, strerror(errno));
        *count = (size_t)got;
        s->pipe_ended = s->is_pipe && got == 0;
        if (s->keeps) LS_TRY(keep(s, to, *count, err));
    }
    s->read += *count;
    s->ended = *count == 0;
    return LS_OK;
}

/* Reads more compressed bytes behind those that are left. */
static ls_status read_packed(ls_stream *s, ls_error *err)
{
    size_t count;
    if (s->packed_count) memmove(s->packed, s->packed_at, s->packed_count);
    s->packed_at = s->packed;
    LS_TRY(read_raw(s, s->packed + s->packed_count, PACKED - s->packed_count, &count, err));
    s->packed_count += count;
    return LS_OK;
}

static ls_status read_unpacked(ls_stream *s, char *to, size_t room, size_t *count, ls_error *err)
{
    for (size_t used;;) {
        LS_TRY(ls_gzip_unpack(s->gzip, s->packed_at, s->packed_count, s->ended, to, room, &used,
                              count, err));
        s->packed_at += used;
        s->packed_count -= used;
        if (*count || s->ended) return LS_OK;
        LS_TRY(read_packed(s, err));
    }
}

/* Whether the first bytes are those of a text: a pipe may have no more for now. */
static bool begins_text(const ls_stream *s)
{
    return s->head_count > 0 && s->head[0] >= ' ' && s->head[0] <= '~';
}

/* Whether more of the first bytes are needed: those of an archive name the first file in it. */
static bool wants_head(const ls_stream *s)
{
    bool archive = s->head_count >= 4 && memcmp(s->head, "PK\3\4", 4) == 0;
    return s->head_count < (archive ? LS_STREAM_HEAD_MOST : LS_STREAM_HEAD) &&
           (archive || !begins_text(s));
}

/* Detects gzip by the first bytes. */
static ls_status look_at_head(ls_stream *s, ls_error *err)
{
    s->head_at = s->head_count = 0;
    for (size_t count = 1; count && wants_head(s); s->head_count += count)
        LS_TRY(read_raw(s, s->head + s->head_count, sizeof s->head - s->head_count, &count, err));
    if (!ls_is_gzip(s->head, s->head_count)) return LS_OK;
    LS_TRY(ls_gzip_open(s->path, &s->gzip, err));
    if (!s->packed) LS_TRY(ls_alloc(&s->packed, PACKED, 1, "decompression", err));
    memcpy(s->packed, s->head, s->head_count);
    s->packed_at = s->packed;
    s->packed_count = s->head_count;
    s->head_count = 0;
    for (size_t count = 1; count && s->head_count < LS_STREAM_HEAD; s->head_count += count)
        LS_TRY(read_unpacked(s, s->head + s->head_count, sizeof s->head - s->head_count, &count,
                             err));
    return LS_OK;
}

static ls_status begin(ls_stream s, ls_stream **out, ls_error *err)
{
    ls_stream *made;
    ls_status status = ls_alloc(&made, 1, sizeof *made, "reading", err);
    if (status != LS_OK) {
        if (s.file >= 0) close(s.file);
        return status;
    }
    *made = s;
    made->start = s.file >= 0 ? lseek(s.file, 0, SEEK_CUR) : 0;
    made->is_pipe = made->start < 0;
    made->keeps = made->is_pipe;
    status = look_at_head(made, err);
    made->keeps = false;
    if (status != LS_OK) ls_stream_close(made);
    else *out = made;
    return status;
}

ls_status ls_stream_open(const char *path, ls_stream **out, ls_error *err)
{
    ls_stream s = {.path = path};
    s.path = ls_stream_name(path);
    LS_TRY(strcmp(path, "-") == 0 ? ls_open_stdin(&s.file, &s.size, err)
                                  : ls_open_file(path, &s.file, &s.size, err));
    return begin(s, out, err);
}

ls_status ls_stream_of(const char *path, const char *bytes, size_t size, ls_stream **out,
                       ls_error *err)
{
    return begin((ls_stream){.path = path, .file = -1, .bytes = bytes, .size = size}, out, err);
}

void ls_stream_close(ls_stream *s)
{
    if (!s) return;
    if (s->file >= 0) close(s->file);
    ls_gzip_close(s->gzip);
    free(s->packed);
    free(s->kept);
    free(s);
}

void ls_stream_keep(ls_stream *s) { s->keeps = s->is_pipe; /* the first bytes have been kept */ }

ls_status ls_stream_rewind(ls_stream *s, ls_error *err)
{
    s->replayed = 0;
    s->read = 0;
    s->ended = false;
    if (s->file >= 0 && !s->is_pipe && lseek(s->file, s->start, SEEK_SET) < 0)
        return ls_fail(err, LS_ERR_IO, "%s: cannot be read again: %s", s->path, strerror(errno));
    ls_gzip_close(s->gzip);
    s->gzip = NULL;
    return look_at_head(s, err);
}

ls_status ls_stream_head(ls_stream *s, const char **bytes, size_t *count, ls_error *err)
{
    if (s->head_at) return ls_fail(err, LS_ERR_ARGUMENT, "%s: has already been read", s->path);
    *bytes = s->head;
    *count = s->head_count;
    return LS_OK;
}

ls_status ls_stream_read(ls_stream *s, char *to, size_t room, size_t *count, ls_error *err)
{
    size_t head = s->head_count - s->head_at;
    if (!head)
        return s->gzip ? read_unpacked(s, to, room, count, err) : read_raw(s, to, room, count, err);
    *count = head < room ? head : room;
    memcpy(to, s->head + s->head_at, *count);
    s->head_at += *count;
    return LS_OK;
}

/* Room for more bytes of a buffer of `capacity`: `first` at the beginning, then twice as much. */
static ls_status grow(ls_stream *s, char **buffer, size_t *capacity, size_t first, ls_error *err)
{
    const size_t most = ls_most_bytes();
    size_t wanted = !*capacity ? first : *capacity < most / 2 ? 2 * *capacity : most;
    if (wanted > most) wanted = most;
    char *grown = wanted > *capacity ? realloc(*buffer, wanted) : NULL;
    if (!grown)
        return ls_fail(
            err, LS_ERR_MEMORY,
            "%s: its content exceeds the %zu MB of memory available for it; use less data", s->path,
            most >> 20);
    *buffer = grown;
    *capacity = wanted;
    return LS_OK;
}

ls_status ls_stream_rest(ls_stream *s, size_t most, char **bytes, size_t *size, ls_error *err)
{
    size_t capacity = 0, length = 0, count = 1, first = s->size < most ? s->size : most;
    char *buffer = NULL;
    ls_status status = LS_OK;
    if (first > SIZE_MAX - 64) first = SIZE_MAX - 64;
    for (; status == LS_OK && count && (length < most || !buffer); length += count) {
        count = 0;
        if (capacity - length < 2) status = grow(s, &buffer, &capacity, first + 64, err);
        size_t room = capacity - length - 1;
        if (status == LS_OK && most > length)
            status = ls_stream_read(s, buffer + length, room < most - length ? room : most - length,
                                    &count, err);
    }
    if (status != LS_OK) {
        free(buffer);
        return status;
    }
    buffer[length] = '\0';
    *bytes = buffer;
    *size = length;
    return LS_OK;
}

size_t ls_stream_bound(const ls_stream *s)
{
    enum { RATIO = 1032 /* of deflate: 258 bytes in 2 bits */ };
    if (s->is_pipe) return SIZE_MAX;
    if (!s->gzip) return s->size;
    return s->size < SIZE_MAX / RATIO ? s->size * RATIO : SIZE_MAX;
}

bool ls_stream_is_pipe(const ls_stream *s) { return s->is_pipe; }

bool ls_stream_ready(const ls_stream *s)
{
    struct pollfd wait = {.fd = s->file, .events = POLLIN};
    if (s->head_at < s->head_count || s->replayed < s->kept_count || s->packed_count ||
        s->file < 0 || s->ended)
        return true;
    return poll(&wait, 1, 0) != 0;
}

const char *ls_stream_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

size_t ls_stream_size(const ls_stream *s) { return s->size; }
double ls_stream_share(const ls_stream *s)
{
    return s->size > s->read ? (double)s->read / (double)s->size : 1.0;
}
