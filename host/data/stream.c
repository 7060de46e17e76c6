/* SPDX-License-Identifier: MIT */
#include "host/data/stream.h"
#include "host/base/file.h"
#include "host/base/memory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/data/foreign.h"
#include "host/data/gzip.h"
#include "host/data/parts.h"

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
    /* Of several files, which are streams of their own: */
    ls_parts parts;
    size_t *begins;  /* [parts.count] number of the first line of each */
    size_t part;     /* the one that is read */
    ls_stream *open; /* that one */
    size_t lines;    /* line ends so far */
    char last;       /* byte */
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

/* ---- Several files --------------------------------------------------------------------------- */

static void count_lines(ls_stream *s, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        s->lines += bytes[i] == '\r' || (bytes[i] == '\n' && s->last != '\r');
        s->last = bytes[i];
    }
}

/* Opens part s->part; a byte order mark of a later one is skipped. */
static ls_status open_part(ls_stream *s, ls_error *err)
{
    const char *head;
    size_t count;
    LS_TRY(ls_stream_open(s->parts.name[s->part], &s->open, err));
    s->begins[s->part] = s->lines + 1;
    if (!s->part) return LS_OK;
    LS_TRY(ls_stream_head(s->open, &head, &count, err));
    LS_TRY(ls_refuse_foreign(s->parts.name[s->part], head, count, err));
    if (count >= 3 && !memcmp(head, "\xef\xbb\xbf", 3)) s->open->head_at = 3;
    return LS_OK;
}

/* Reads on in the next part, if there is one. */
static ls_status next_part(ls_stream *s, ls_error *err)
{
    ls_stream_close(s->open);
    s->open = NULL;
    s->part++;
    return s->part < s->parts.count ? open_part(s, err) : LS_OK;
}

static ls_status read_parts(ls_stream *s, char *to, size_t room, size_t *count, ls_error *err)
{
    for (*count = 0; !*count && s->open;) {
        LS_TRY(ls_stream_read(s->open, to, room, count, err));
        if (*count) break;
        bool ended = !s->last || s->last == '\n' || s->last == '\r';
        LS_TRY(next_part(s, err));
        if (ended || !s->open) continue;
        *to = '\n'; /* the last line of a file may have no end */
        *count = 1;
        s->begins[s->part]++;
    }
    count_lines(s, to, *count);
    return LS_OK;
}

ls_status ls_stream_read_first(ls_stream *s, char *to, size_t room, size_t *count, ls_error *err)
{
    if (!s->parts.count) return ls_stream_read(s, to, room, count, err);
    *count = 0;
    if (!s->part) LS_TRY(ls_stream_read(s->open, to, room, count, err));
    count_lines(s, to, *count);
    return LS_OK;
}

static ls_status rewind_parts(ls_stream *s, ls_error *err)
{
    ls_stream_close(s->open);
    s->open = NULL;
    s->part = s->lines = 0;
    s->last = 0;
    memset(s->begins, 0, s->parts.count * sizeof *s->begins);
    return open_part(s, err);
}

static ls_status open_parts(ls_stream s, ls_stream **out, ls_error *err)
{
    ls_stream *made;
    ls_status status = ls_alloc(&made, 1, sizeof *made, "reading", err);
    if (status != LS_OK) {
        ls_parts_free(&s.parts);
        return status;
    }
    *made = s;
    status = ls_alloc(&made->begins, s.parts.count, sizeof *made->begins, "reading", err);
    for (size_t i = 0; i < s.parts.count && status == LS_OK; i++) {
        ls_stream *part; /* all must be there before the first is read */
        status = ls_stream_open(s.parts.name[i], &part, err);
        if (status != LS_OK) break;
        made->size += part->size;
        made->keeps |= part->is_pipe;
        ls_stream_close(part);
    }
    if (status == LS_OK && made->keeps)
        status = ls_fail(err, LS_ERR_ARGUMENT, "%s: pipes cannot be joined; give files", s.path);
    if (status == LS_OK) status = open_part(made, err);
    if (status != LS_OK) ls_stream_close(made);
    else *out = made;
    return status;
}

size_t ls_stream_parts(const ls_stream *s) { return s->parts.count ? s->parts.count : 1; }

const char *ls_stream_part(const ls_stream *s, size_t i, size_t *line)
{
    *line = s->parts.count ? s->begins[i] : 1;
    return s->parts.count ? s->parts.name[i] : s->path;
}

void ls_stream_explain(const ls_stream *s, ls_error *err)
{
    const char *at = err ? strstr(err->message, ", line ") : NULL;
    size_t line = at ? (size_t)strtoull(at + 7, NULL, 10) : 0, part = s->parts.count;
    while (part > 0 && (!s->begins[part - 1] || s->begins[part - 1] > line)) part--;
    if (!line || !part) return;
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, " (line %zu of %s)",
             line - s->begins[part - 1] + 1, s->parts.name[part - 1]);
}

/* ---- Opening --------------------------------------------------------------------------------- */

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
    ls_stream s = {.path = ls_stream_name(path), .file = -1};
    if (strstr(path, LS_PARTS_JOIN)) {
        LS_TRY(ls_parts_of(path, &s.parts, err));
        if (s.parts.count > 1) return open_parts(s, out, err);
        ls_parts_free(&s.parts);
    }
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
    ls_stream_close(s->open);
    ls_parts_free(&s->parts);
    free(s->begins);
    free(s);
}

void ls_stream_keep(ls_stream *s) { s->keeps = s->is_pipe; /* the first bytes have been kept */ }

ls_status ls_stream_rewind(ls_stream *s, ls_error *err)
{
    if (s->parts.count) return rewind_parts(s, err);
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
    if (s->parts.count) return ls_stream_head(s->open, bytes, count, err);
    if (s->head_at) return ls_fail(err, LS_ERR_ARGUMENT, "%s: has already been read", s->path);
    *bytes = s->head;
    *count = s->head_count;
    return LS_OK;
}

ls_status ls_stream_read(ls_stream *s, char *to, size_t room, size_t *count, ls_error *err)
{
    if (s->parts.count) return read_parts(s, to, room, count, err);
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
    if (s->is_pipe || s->parts.count) return SIZE_MAX;
    if (!s->gzip) return s->size;
    return s->size < SIZE_MAX / RATIO ? s->size * RATIO : SIZE_MAX;
}

bool ls_stream_is_pipe(const ls_stream *s) { return s->is_pipe; }

bool ls_stream_is_plain(const ls_stream *s)
{
    return s->file >= 0 && !s->is_pipe && !s->gzip && !s->parts.count && s->start == 0;
}

ls_status ls_stream_seek(ls_stream *s, size_t byte, ls_error *err)
{
    s->head_at = s->head_count;
    s->read = byte;
    s->ended = false;
    return lseek(s->file, (off_t)byte, SEEK_SET) >= 0
               ? LS_OK
               : ls_fail(err, LS_ERR_IO, "%s: cannot be read from byte %zu on: %s", s->path, byte,
                         strerror(errno));
}

bool ls_stream_ready(const ls_stream *s)
{
    struct pollfd wait = {.fd = s->file, .events = POLLIN};
    if (s->parts.count || s->head_at < s->head_count || s->replayed < s->kept_count ||
        s->packed_count || s->file < 0 || s->ended)
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
    if (s->parts.count)
        return ((double)s->part + (s->open ? ls_stream_share(s->open) : 0)) /
               (double)s->parts.count;
    return s->size > s->read ? (double)s->read / (double)s->size : 1.0;
}
