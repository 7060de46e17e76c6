/* SPDX-License-Identifier: MIT */
#include "csv_parse.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Opening -------------------------------------------------------------------------------------------------- */

static size_t line_of(const char *text, const char *at)
{
    size_t line = 1;
    for (; text < at; text++) line += *text == '\n';
    return line;
}

static ls_status check_text(const char *path, const char *text, size_t size, ls_error *err)
{
    if (size == 0) return ls_fail(err, LS_ERR_DATA, "%s: is empty; give a CSV file with at least one row", path);
    if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
        return ls_fail(err, LS_ERR_DATA, "%s: is UTF-16 text; save it as UTF-8", path);
    }
    const char *nul = memchr(text, '\0', size);
    if (nul) {
        return ls_fail(err, LS_ERR_DATA, "%s, line %zu: has a NUL byte, so this is not a text file; give a CSV file",
                       path, line_of(text, nul));
    }
    return LS_OK;
}

/* The separator of the first record that is not blank. A semicolon wins over commas, which then are decimal ones or
 * part of names; of commas and tabs the more frequent, since tabs may also stand for blanks. */
static char find_separator(const char *at)
{
    size_t commas = 0, semicolons = 0, tabs = 0;
    bool in_quotes = false, blank = true;
    for (; *at; at++) {
        if (*at == '#' && blank) at += strcspn(at, "\r\n");
        if (!*at) break;
        if (*at == '"') in_quotes = !in_quotes;
        if (!in_quotes && !blank && (*at == '\n' || *at == '\r')) break;
        if (!strchr(" \t\r\n", *at)) blank = false;
        if (in_quotes) continue;
        commas += *at == ',';
        semicolons += *at == ';';
        tabs += *at == '\t';
    }
    if (semicolons > 0) return ';';
    return tabs > commas ? '\t' : ',';
}

ls_status ls_csv_open(ls_csv_reader *reader, const char *path, char *text, size_t size, ls_error *err)
{
    LS_TRY(check_text(path, text, size, err));
    memset(reader, 0, sizeof *reader);
    reader->path = path;
    reader->at = text;
    reader->end = text + size;
    reader->line = 1;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) reader->at += 3;
    reader->separator = find_separator(reader->at);
    return LS_OK;
}

size_t ls_csv_most_records(const ls_csv_reader *reader, size_t columns)
{
    size_t left = (size_t)(reader->end - reader->at), ends = 1;
    size_t by_size = (left + 1) / columns; /* each field has a separator or line end */
    for (const char *at = reader->at; at < reader->end; at++) {
        ends += *at == '\n' || (*at == '\r' && at[1] != '\n');
    }
    return ends < by_size ? ends : by_size;
}

/* ---- Fields --------------------------------------------------------------------------------------------------- */

static bool is_blank(const ls_csv_reader *reader, char c)
{
    return c == ' ' || (c == '\t' && reader->separator != '\t');
}

static void skip_blanks(ls_csv_reader *reader)
{
    while (is_blank(reader, *reader->at)) reader->at++;
}

static ls_status add_field(ls_csv_reader *reader, char *text, bool quoted, ls_error *err)
{
    if (reader->count == reader->capacity) {
        size_t capacity = reader->capacity ? 2 * reader->capacity : 64, bytes = 0;
        bool fits = ls_mul_size(capacity, sizeof *reader->fields, &bytes);
        ls_csv_field *grown = fits ? realloc(reader->fields, bytes) : NULL;
        if (!grown) {
            return ls_fail(err, LS_ERR_MEMORY, "%s, line %zu: out of memory after %zu fields; use a narrower file",
                           reader->path, reader->record_line, reader->count);
        }
        reader->fields = grown;
        reader->capacity = capacity;
    }
    reader->fields[reader->count++] = (ls_csv_field){text, quoted};
    return LS_OK;
}

/* From an opening quote to behind the closing one and the blanks there; "" becomes ". */
static ls_status read_quoted(ls_csv_reader *reader, ls_error *err)
{
    size_t opened = reader->line, number = reader->count + 1;
    char *text = ++reader->at, *to = text;
    for (;; reader->at++) {
        if (reader->at == reader->end) {
            return ls_fail(err, LS_ERR_DATA, "%s, line %zu, column %zu: a quote is opened and never closed; close it, "
                           "or write a quote inside a field as \"\"", reader->path, opened, number);
        }
        if (*reader->at == '"') {
            if (reader->at[1] != '"') break;
            reader->at++;
        }
        reader->line += *reader->at == '\n';
        *to++ = *reader->at;
    }
    reader->at++;
    skip_blanks(reader);
    char next = *reader->at;
    if (next != '\0' && next != reader->separator && next != '\n' && next != '\r') {
        return ls_fail(err, LS_ERR_DATA, "%s, line %zu, column %zu: \"%s\" follows a closing quote; write a quote "
                       "inside a field as \"\"", reader->path, reader->line, number,
                       ls_csv_shorten((char[]){next, '\0'}).text);
    }
    *to = '\0';
    return add_field(reader, text, true, err);
}

/* Up to the separator or line end, which stays for the caller to look at; *last: where the field's NUL is to go. */
static ls_status read_plain(ls_csv_reader *reader, char **last, ls_error *err)
{
    char *text = reader->at, separator = reader->separator;
    char *at = text;
    while (*at != separator && *at != '\n' && *at != '\r' && *at != '\0') at++;
    reader->at = at;
    while (at > text && is_blank(reader, at[-1])) at--;
    bool quoted = at - text >= 2 && *text == '\'' && at[-1] == '\'';
    *last = quoted ? at - 1 : at;
    return add_field(reader, quoted ? text + 1 : text, quoted, err);
}

/* Reads one field; *more tells whether another follows in this record. */
static ls_status read_field(ls_csv_reader *reader, bool *more, ls_error *err)
{
    char *last = NULL;
    skip_blanks(reader);
    if (*reader->at == '"') LS_TRY(read_quoted(reader, err));
    else LS_TRY(read_plain(reader, &last, err));

    char stop = *reader->at;
    *more = stop == reader->separator && reader->at != reader->end;
    if (stop == '\r' && reader->at[1] == '\n') reader->at++;
    if (reader->at != reader->end) reader->at++;
    if (stop == '\n' || stop == '\r') reader->line++;
    if (last) *last = '\0'; /* only now: it may be the character that was looked at */
    return LS_OK;
}

/* A line that begins with # is a comment, whatever is in it. */
static void skip_comment(ls_csv_reader *reader)
{
    while (reader->at != reader->end && *reader->at != '\n' && *reader->at != '\r') reader->at++;
    if (reader->at != reader->end && *reader->at == '\r' && reader->at[1] == '\n') reader->at++;
    if (reader->at != reader->end) reader->at++;
    reader->line++;
}

ls_status ls_csv_next(ls_csv_reader *reader, bool *found, ls_error *err)
{
    *found = false;
    while (reader->at != reader->end) {
        bool more = true;
        if (*reader->at == '#') {
            skip_comment(reader);
            continue;
        }
        reader->count = 0;
        reader->record_line = reader->line;
        while (more) LS_TRY(read_field(reader, &more, err));
        if (reader->count == 1 && *reader->fields[0].text == '\0' && !reader->fields[0].quoted) continue; /* blank */
        *found = true;
        return LS_OK;
    }
    return LS_OK;
}

/* ---- Values --------------------------------------------------------------------------------------------------- */

/* Digits with at most one point, as a number without it; *scale becomes the number of digits behind the point. */
static const char *read_digits(const char *at, uint64_t *mantissa, int *digits, int *scale)
{
    bool point = false;
    for (;; at++) {
        unsigned digit = (unsigned)*at - '0';
        if (digit <= 9) {
            if (*digits == 18) return NULL;
            *mantissa = *mantissa * 10 + digit;
            *digits += 1;
            *scale += point;
        } else if (*at == '.' && !point) {
            point = true;
        } else {
            return at;
        }
    }
}

/* Plain short decimals: mantissa and power of ten are then exact doubles, so that one multiplication or division rounds
 * correctly (Clinger, How to read floating point numbers accurately, PLDI 1990). Anything else is left alone. */
static bool short_decimal(const char *text, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool negative = *text == '-';
    uint64_t mantissa = 0;
    int digits = 0, scale = 0, exponent = 0;
    const char *at = read_digits(negative ? text + 1 : text, &mantissa, &digits, &scale);
    if (!at || digits == 0 || mantissa > (1ull << 53)) return false;
    if (*at == 'e' || *at == 'E') {
        bool down = *++at == '-';
        if (*at == '-' || *at == '+') at++;
        const char *first = at;
        for (; *at >= '0' && *at <= '9' && at - first < 3; at++) exponent = exponent * 10 + (*at - '0');
        if (at == first) return false;
        if (down) exponent = -exponent;
    }
    exponent -= scale;
    if (*at != '\0' || exponent < -22 || exponent > 22) return false;
    double value = (double)mantissa;
    value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
    *out = negative ? -value : value;
    return true;
}

bool ls_csv_number(const char *text, double *out)
{
    return short_decimal(text, out) || ls_parse_double(text, out);
}

bool ls_csv_is_missing(const char *text)
{
    static const char *const marks[] = {"", "?", "NA", "N/A", "NaN", "null"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strcasecmp(text, marks[i]) == 0) return true;
    }
    return false;
}

ls_csv_excerpt ls_csv_shorten(const char *text)
{
    ls_csv_excerpt excerpt;
    size_t length = strlen(text), keep = length <= 40 ? length : 37;
    while (keep < length && keep > 0 && ((unsigned char)text[keep] & 0xc0) == 0x80) keep--; /* whole UTF-8 characters */
    for (size_t i = 0; i < keep; i++) {
        excerpt.text[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    }
    memcpy(excerpt.text + keep, keep < length ? "..." : "", keep < length ? 4 : 1);
    return excerpt;
}
