/* SPDX-License-Identifier: MIT */
/* Text buffers, reading numbers, UTF-8, and name suggestions. Independent of the locale. */
#ifndef LS_TEXT_H
#define LS_TEXT_H

#include "host/base/error.h"

/* A growing text buffer. `failed` stays set once memory has run out, so check it once, at the end.
 */
typedef struct {
    char *text;
    size_t length, capacity;
    bool failed;
} ls_text;
void ls_text_add(ls_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a field of a CSV file, quoted if necessary. */
void ls_text_add_csv(ls_text *text, const char *field);

/* A copy of text, or NULL if memory runs out. */
char *ls_strdup(const char *text);

/* strcasecmp, strncasecmp and strcasestr (as a yes or no) for ASCII letters, in any locale. */
int ls_ascii_casecmp(const char *a, const char *b);
int ls_ascii_ncasecmp(const char *a, const char *b, size_t most);
bool ls_ascii_contains(const char *text, const char *part);
/* Whether ls_ascii_casecmp finds no difference; quick if the first characters differ. */
static inline bool ls_ascii_same(const char *a, const char *b)
{
    const unsigned differ = (unsigned char)*a ^ (unsigned)(unsigned char)*b;
    return (differ == 0 || differ == ('a' ^ 'A')) && !ls_ascii_casecmp(a, b);
}

/* Reads a finite number that spans the whole text, with '.' as the decimal point. */
bool ls_parse_double(const char *text, double *out);
/* Reads an unsigned decimal integer that spans the whole text. */
bool ls_parse_u64(const char *text, uint64_t *out);

/* Whether text is well-formed UTF-8 (RFC 3629). */
bool ls_is_utf8(const char *text);
/* Replaces each byte that is no part of well-formed UTF-8 by '?'. */
void ls_clean_utf8(char *text);

/* The name among names[0..count) nearest to text by edit distance, or NULL if none is near. */
const char *ls_nearest(const char *text, const char *const *names, size_t count);

#endif
