/* SPDX-License-Identifier: MIT */
#include "host/data/csv_reader.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdlib.h>
#include <string.h>

#include "host/data/request.h"
#include "host/data/value.h"

enum { WINDOW = 1 << 20 };

/* ---- The window ------------------------------------------------------------------------------ */

/* Fails if the text contains a NUL. start: where the line reader->line begins. */
static ls_status check_text(const ls_csv_reader *reader, const char *start, const char *from,
                            size_t size, ls_error *err)
{
    const char *nul = memchr(from, '\0', size);
    size_t line = reader->line;
    if (!nul) return LS_OK;
    for (const char *c = start; c < nul; c++) line += *c == '\n';
    return ls_fail(err, LS_ERR_DATA,
                   "%s, line %zu: has a NUL byte, so this is not a text file; give a CSV file",
                   reader->path, line);
}

ls_status ls_csv_look(ls_csv_reader *reader, size_t bytes, ls_error *err)
{
    if (reader->ahead_ended || reader->ahead_count >= bytes) return LS_OK;
    char *grown = bytes < ls_most_bytes() ? realloc(reader->ahead, bytes + 1) : NULL;
    if (!grown)
        return ls_fail(
            err, LS_ERR_MEMORY,
            "%s, line %zu: out of memory for a record of %zu bytes; is a quote left open?",
            reader->path, reader->line, reader->ahead_count);
    reader->ahead = grown;
    size_t before = reader->ahead_count;
    while (reader->ahead_count < bytes && !reader->ahead_ended) {
        size_t count;
        char *added = grown + reader->ahead_count;
        LS_TRY(ls_stream_read_first(reader->stream, added, bytes - reader->ahead_count, &count,
                                    err));
        reader->ahead_count += count;
        reader->ahead_ended = count == 0;
        for (const char *c = added; c < added + count; c++) reader->ahead_lines += *c == '\n';
        if (reader->sample_rows && reader->ahead_lines >= reader->sample_rows &&
            !ls_stream_ready(reader->stream))
            break; /* a pipe: enough for the sample */
    }
    grown[reader->ahead_count] = '\0';
    return check_text(reader, grown + reader->ahead_at, grown + before,
                      reader->ahead_count - before, err);
}

/* Reads what was read ahead, then the stream. */
static ls_status fetch(ls_csv_reader *reader, char *to, size_t room, size_t *count, ls_error *err)
{
    size_t left = reader->ahead_count - reader->ahead_at;
    if (!left) {
        free(reader->ahead);
        reader->ahead = NULL;
        return ls_stream_read(reader->stream, to, room, count, err);
    }
    *count = left < room ? left : room;
    memcpy(to, reader->ahead + reader->ahead_at, *count);
    reader->ahead_at += *count;
    return LS_OK;
}

/* Moves the unread rest to the front of the window and reads more behind it: at least as many bytes
 * as the rest has, even if a pipe gives fewer at a time, because a long record is parsed anew after
 * each refill. */
static ls_status refill(ls_csv_reader *reader, ls_error *err)
{
    size_t left = (size_t)(reader->end - reader->at), more = 0, count = 1;
    if (left) memmove(reader->text, reader->at, left);
    if (reader->capacity - left < reader->window + 1) {
        size_t capacity = 2 * left + reader->window + 1;
        char *grown = capacity / 2 < left || capacity > ls_most_bytes()
                          ? NULL
                          : realloc(reader->text, capacity);
        if (!grown)
            return ls_fail(
                err, LS_ERR_MEMORY,
                "%s, line %zu: out of memory for a record of %zu bytes; is a quote left open?",
                reader->path, reader->line, left);
        reader->text = grown;
        reader->capacity = capacity;
    }
    reader->at = reader->text;
    reader->end = reader->text + left;
    *reader->end = '\0';
    for (; count && (more == 0 || (more < left && left + more + 1 < reader->capacity));
         more += count) {
        char *added = reader->end;
        LS_TRY(fetch(reader, added, reader->capacity - left - more - 1, &count, err));
        reader->end += count;
        reader->passed += count;
        *reader->end = '\0';
        LS_TRY(check_text(reader, reader->at, added, count, err));
    }
    reader->ended = count == 0;
    return LS_OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Skips a line "sep=;", which spreadsheets write as an instruction for themselves. */
static void skip_instruction(ls_csv_reader *reader)
{
    const char *at = reader->ahead + reader->ahead_at;
    bool quoted = *at == '"';
    at += quoted;
    if (ls_ascii_ncasecmp(at, "sep=", 4) != 0) return;
    at += 4;
    char separator = *at;
    if (!ls_is_separator(separator)) return;
    while (*at == separator) at++; /* a spreadsheet may have padded the line to all columns */
    if (quoted && *at++ != '"') return;
    while (*at == separator) at++;
    if (*at != '\r' && *at != '\n' && *at != '\0') return;
    if (*at == '\r') at++;
    if (*at == '\n') at++;
    reader->ahead_at = (size_t)(at - reader->ahead);
    reader->declared = reader->separator = separator;
    reader->line = 2;
}

ls_status ls_csv_open(ls_csv_reader *reader, const char *path, ls_stream *stream, size_t window,
                      size_t sample_rows, ls_error *err)
{
    *reader = (ls_csv_reader){.path = path,
                              .stream = stream,
                              .window = window ? window : WINDOW,
                              .sample_rows = sample_rows,
                              .separator = ',',
                              .line = 1};
    LS_TRY(ls_csv_look(reader, WINDOW, err));
    if (reader->ahead_count == 0)
        return ls_fail(err, LS_ERR_DATA, "%s: is empty; give a CSV file with at least one row",
                       path);
    if (memcmp(reader->ahead, "\xef\xbb\xbf", 3) == 0) reader->ahead_at = 3;
    skip_instruction(reader);
    reader->passed = reader->ahead_at;
    return LS_OK;
}

ls_csv_reader ls_csv_reader_of(const char *path, char *text, size_t size, bool ended,
                               char separator, size_t line)
{
    return (ls_csv_reader){.path = path,
                           .at = text,
                           .end = text + size,
                           .ended = ended,
                           .separator = separator,
                           .line = line};
}

void ls_csv_close(ls_csv_reader *reader)
{
    free(reader->ahead);
    free(reader->text);
    free(reader->fields);
}

/* ---- Fields ---------------------------------------------------------------------------------- */

/* The text is not changed while a record is parsed: if the window ends before the record does, the
 * record is parsed again after a refill. is_short detects that. */

/* Bytes of the blank that begins at a place: 0 if there is none, 2 for a no-break space. */
static inline int blank_at(const ls_csv_reader *reader, const char *at)
{
    if ((unsigned char)(*at - '!') <= '~' - '!') return 0; /* most fields */
    if (*at == ' ') return 1;
    if (*at == '\t') return reader->separator != '\t';
    return *at == '\xc2' && at[1] == '\xa0' ? 2 : 0;
}

/* Bytes of the blank that ends before a place. */
static inline int blank_before(const ls_csv_reader *reader, const char *text, const char *at)
{
    if (at == text || (unsigned char)(at[-1] - '!') <= '~' - '!') return 0;
    if (at[-1] == '\xa0') return at - text >= 2 && at[-2] == '\xc2' ? 2 : 0;
    return at[-1] == ' ' || (at[-1] == '\t' && reader->separator != '\t');
}

static void skip_blanks(ls_csv_reader *reader)
{
    for (int bytes; (bytes = blank_at(reader, reader->at)) != 0;) reader->at += bytes;
}

/* Whether parsing reached the end of the window although more text follows. Behind the end of a
 * line, nothing of the record can follow. */
static bool is_short(const ls_csv_reader *reader)
{
    return reader->at == reader->end && !reader->ended && !reader->complete;
}

static ls_status add_field(ls_csv_reader *reader, ls_csv_field field, ls_error *err)
{
    if (reader->count == reader->room) {
        size_t room = reader->room ? 2 * reader->room : 64, bytes = 0;
        bool fits = ls_mul_size(room, sizeof *reader->fields, &bytes);
        ls_csv_field *grown = fits ? realloc(reader->fields, bytes) : NULL;
        if (!grown) {
            return ls_fail(err, LS_ERR_MEMORY,
                           "%s, line %zu: out of memory after %zu fields; use a narrower file",
                           reader->path, reader->record_line, reader->count);
        }
        reader->fields = grown;
        reader->room = room;
    }
    reader->fields[reader->count++] = field;
    return LS_OK;
}

/* Parses from an opening quote to behind the closing quote and the blanks after it. */
static ls_status read_quoted(ls_csv_reader *reader, ls_error *err)
{
    size_t opened = reader->line, number = reader->count;
    ls_csv_field field = {.text = ++reader->at, .quoted = true};
    for (;; reader->at++) {
        if (is_short(reader)) return LS_OK;
        if (reader->at == reader->end) {
            return ls_fail(
                err, LS_ERR_DATA,
                "%s, line %zu, column %zu (from 0): a quote is opened and never closed; close it, "
                "or write a quote inside a field as \"\"",
                reader->path, opened, number);
        }
        if (*reader->at == '"') {
            if (reader->at[1] != '"') break;
            reader->at++;
            field.doubled = true;
        }
        reader->line += *reader->at == '\n';
    }
    field.end = reader->at++;
    const char *closed = reader->at;
    skip_blanks(reader);
    if (*reader->at == '\xc2' && reader->at + 1 == reader->end && !reader->ended)
        reader->at = reader->end; /* half of a no-break space */
    if (is_short(reader)) return LS_OK;
    char next = *reader->at;
    bool apart = reader->separator == ' ' && reader->at > closed;
    if (next != '\0' && next != reader->separator && next != '\n' && next != '\r' && !apart) {
        return ls_fail(
            err, LS_ERR_DATA,
            "%s, line %zu, column %zu (from 0): \"%s\" follows a closing quote; write a quote "
            "inside a field as \"\"",
            reader->path, reader->line, number, ls_excerpt_of((char[]){next, '\0'}).text);
    }
    return add_field(reader, field, err);
}

/* Parses up to the separator or line end, which stays unread. */
static ls_status read_plain(ls_csv_reader *reader, ls_error *err)
{
    char *text = reader->at, separator = reader->separator;
    char *at = text;
    while (*at != separator && *at != '\n' && *at != '\r' && *at != '\0') at++;
    reader->at = at;
    for (int bytes; (bytes = blank_before(reader, text, at)) != 0;) at -= bytes;
    bool quoted = at - text >= 2 && *text == '\'' && at[-1] == '\'';
    return add_field(reader,
                     (ls_csv_field){.text = text + quoted, .end = at - quoted, .quoted = quoted},
                     err);
}

/* Parses up to a blank or the line end, and skips the blanks. */
static ls_status read_word(ls_csv_reader *reader, ls_error *err)
{
    ls_csv_field field = {.text = reader->at};
    while (!blank_at(reader, reader->at) && !strchr("\n\r", *reader->at)) reader->at++;
    field.end = reader->at;
    skip_blanks(reader);
    return add_field(reader, field, err);
}

/* Skips a line end. If the window ends within it, the record is parsed again (is_short). */
static void skip_line_end(ls_csv_reader *reader)
{
    char stop = *reader->at++;
    if (stop == '\r' && *reader->at == '\n') reader->at++;
    if (stop == '\n' || stop == '\r') reader->line++;
    reader->complete = reader->at[-1] == '\n';
}

/* Parses one field of a file whose separator is white space. */
static ls_status read_spaced(ls_csv_reader *reader, bool *more, ls_error *err)
{
    LS_TRY(*reader->at == '"' ? read_quoted(reader, err) : read_word(reader, err));
    if (is_short(reader)) return LS_OK;
    *more = reader->at != reader->end && !strchr("\n\r", *reader->at);
    if (reader->at != reader->end && !*more) skip_line_end(reader);
    return LS_OK;
}

/* Parses one field. *more: another field follows in this record. */
static ls_status read_field(ls_csv_reader *reader, bool *more, ls_error *err)
{
    skip_blanks(reader);
    if (reader->separator == ' ') return read_spaced(reader, more, err);
    if (*reader->at == '"') LS_TRY(read_quoted(reader, err));
    else LS_TRY(read_plain(reader, err));
    if (is_short(reader)) return LS_OK;
    *more = *reader->at == reader->separator && reader->at != reader->end;
    if (*more) reader->at++;
    else if (reader->at != reader->end) skip_line_end(reader);
    return LS_OK;
}

static void skip_comment(ls_csv_reader *reader)
{
    reader->comment = reader->at + 1;
    reader->comment_line = reader->line;
    while (reader->at != reader->end && *reader->at != '\n' && *reader->at != '\r') reader->at++;
    bool carriage = *reader->at == '\r';
    if (reader->at != reader->end) reader->at++;
    if (carriage && reader->at != reader->end && *reader->at == '\n') reader->at++;
    reader->line++;
}

/* Whether the first field of the line begins with # although it is a value: an error that a
 * spreadsheet wrote (#N/A, #DIV/0!), or a colour of six or eight hexadecimal digits. */
static bool is_hash_value(const ls_csv_reader *reader)
{
    static const char *const errors[] = {"N/A",  "DIV/0!", "NAME?", "NULL!",
                                         "NUM!", "REF!",   "VALUE!"};
    const char *text = reader->at + 1, *end = NULL;
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (digits == 6 || digits == 8) end = text + digits;
    for (size_t i = 0; i < sizeof errors / sizeof *errors && !end; i++)
        if (!strncmp(text, errors[i], strlen(errors[i]))) end = text + strlen(errors[i]);
    return end && (*end == reader->separator || blank_at(reader, end));
}

static bool is_comment(const ls_csv_reader *reader)
{
    bool record = reader->hash_line && reader->line >= reader->hash_line;
    return !record && !is_hash_value(reader);
}

/* Parses a record or a comment; is invalid if is_short says so afterwards. */
static ls_status read_record(ls_csv_reader *reader, ls_error *err)
{
    bool more = true;
    reader->complete = false;
    reader->count = 0;
    reader->record_line = reader->line;
    if (*reader->at == '#' && !reader->begun && is_comment(reader)) {
        skip_comment(reader);
        return LS_OK;
    }
    while (more) {
        LS_TRY(read_field(reader, &more, err));
        if (is_short(reader)) return LS_OK;
    }
    return LS_OK;
}

/* Ends the fields of the record with a NUL and replaces "" by " in quoted ones. */
static void finish(ls_csv_reader *reader)
{
    for (ls_csv_field *f = reader->fields; f < reader->fields + reader->count; f++) {
        *f->end = '\0';
        if (!f->doubled) continue;
        char *to = f->text;
        for (const char *from = f->text; from < f->end; from++) {
            from += *from == '"';
            *to++ = *from;
        }
        *to = '\0';
        f->end = to;
    }
}

ls_status ls_csv_next(ls_csv_reader *reader, bool *found, ls_error *err)
{
    *found = false;
    for (;;) {
        if (reader->at == reader->end) {
            if (reader->ended || !reader->stream) return LS_OK;
            LS_TRY(refill(reader, err));
            continue;
        }
        char *start = reader->at;
        size_t line = reader->line;
        LS_TRY(read_record(reader, err));
        if (is_short(reader)) {
            reader->at = start;
            reader->line = line;
            if (!reader->stream) return LS_OK;
            LS_TRY(refill(reader, err));
            continue;
        }
        if (reader->count == 0) continue; /* a comment */
        finish(reader);
        if (reader->count == 1 && *reader->fields[0].text == '\0' && !reader->fields[0].quoted)
            continue; /* blank */
        reader->begun = *found = true;
        return LS_OK;
    }
}

size_t ls_csv_place(const ls_csv_reader *reader)
{
    return reader->passed - (size_t)(reader->end - reader->at);
}

ls_status ls_csv_seek(ls_csv_reader *reader, size_t place, size_t line, ls_error *err)
{
    reader->ahead_at = reader->ahead_count;
    reader->at = reader->end;
    reader->ended = false;
    reader->passed = place;
    reader->line = line;
    return ls_stream_seek(reader->stream, place, err);
}

bool ls_csv_waits(const ls_csv_reader *reader)
{
    return !reader->ended && !memchr(reader->at, '\n', (size_t)(reader->end - reader->at)) &&
           !ls_stream_ready(reader->stream);
}
