/* SPDX-License-Identifier: MIT */
#include "host/base/text.h"
#include "host/base/format.h"
#include "host/base/memory.h"
#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- Buffers --------------------------------------------------------------------------------- */

/* Makes room for `more` characters and a NUL. */
static bool text_reserve(ls_text *text, size_t more)
{
    size_t needed, capacity = text->capacity ? text->capacity : 256;
    if (!ls_add_size(text->length, more, &needed) || !ls_add_size(needed, 1, &needed)) return false;
    if (needed <= text->capacity) return true;
    while (capacity < needed) {
        if (!ls_mul_size(capacity, 2, &capacity)) return false;
    }
    char *grown = realloc(text->text, capacity);
    if (!grown) return false;
    text->text = grown;
    text->capacity = capacity;
    return true;
}

void ls_text_add(ls_text *text, const char *format, ...)
{
    assert(text->length < text->capacity || !text->text);
    if (text->failed) return;
    for (int attempt = 0; attempt < 2; attempt++) {
        size_t room = text->capacity - text->length;
        va_list arguments;
        va_start(arguments, format);
        int length = ls_format(text->text ? text->text + text->length : NULL, room, format,
                               arguments);
        va_end(arguments);
        if (length >= 0 && (size_t)length < room) {
            text->length += (size_t)length;
            return;
        }
        if (length < 0 || !text_reserve(text, (size_t)length)) break;
    }
    if (text->text) text->text[text->length] = '\0'; /* drops the part that did not fit */
    text->failed = true;
}

void ls_text_add_csv(ls_text *text, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        ls_text_add(text, "%s", field);
        return;
    }
    ls_text_add(text, "\"");
    for (; *field; field++) ls_text_add(text, *field == '"' ? "\"%c" : "%c", *field);
    ls_text_add(text, "\"");
}

char *ls_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

/* ---- Case ------------------------------------------------------------------------------------ */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

int ls_ascii_ncasecmp(const char *a, const char *b, size_t most)
{
    for (; most > 0; a++, b++, most--) {
        int difference = (unsigned char)lower(*a) - (unsigned char)lower(*b);
        if (difference || !*a) return difference;
    }
    return 0;
}

int ls_ascii_casecmp(const char *a, const char *b) { return ls_ascii_ncasecmp(a, b, SIZE_MAX); }

bool ls_ascii_contains(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (;; text++) {
        if (!ls_ascii_ncasecmp(text, part, length)) return true;
        if (!*text) return false;
    }
}

/* ---- Numbers --------------------------------------------------------------------------------- */

bool ls_parse_double(const char *text, double *out)
{
    const char *first = text + strspn(text, " \t");
    size_t length = strspn(first, "+-.0123456789eE"); /* excludes hexadecimal, inf and nan */
    const char *rest = first + length + strspn(first + length, " \t");
    if (length == 0 || *rest != '\0') return false;

    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return false;
    char *end = NULL;
    double value = strtod_l(first, &end, plain);
    freelocale(plain);
    if (end != first + length || !isfinite(value)) return false;
    *out = value;
    return true;
}

bool ls_parse_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0') return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* Bytes of the well-formed character at c, which is not NUL; 0 if there is none. */
static size_t character_size(const unsigned char *c)
{
    size_t more = *c < 0x80                 ? 0
                  : *c >= 0xc2 && *c < 0xe0 ? 1
                  : *c >= 0xe0 && *c < 0xf0 ? 2
                  : *c >= 0xf0 && *c < 0xf5 ? 3
                                            : 4;
    if (more == 4) return 0;
    /* overlong forms, surrogates, and code points above U+10FFFF */
    bool bad = (*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) ||
               (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f);
    for (size_t i = 1; i <= more && !bad; i++) bad = (c[i] & 0xc0) != 0x80;
    return bad ? 0 : more + 1;
}

bool ls_is_utf8(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        size_t size = character_size(c);
        if (!size) return false;
        c += size;
    }
    return true;
}

void ls_clean_utf8(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c;) {
        size_t size = character_size(c);
        if (!size) *c = '?';
        c += size ? size : 1;
    }
}

/* ---- Suggestions ----------------------------------------------------------------------------- */

/* Longer names get no suggestion, so that the table below has a fixed size. */
enum { LONGEST_NAME = 63 };

static unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string
 * alignment). */
static unsigned edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned table[3][LONGEST_NAME + 1]; /* the current row and the two before it */
    for (unsigned j = 0; j <= b_length; j++) table[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = table[i % 3], *above = table[(i + 2) % 3];
        const unsigned *two_above = table[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned cost = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = smaller(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return table[a_length % 3][b_length];
}

const char *ls_nearest(const char *text, const char *const *names, size_t count)
{
    size_t length = strlen(text);
    if (length == 0 || length > LONGEST_NAME) return NULL;
    unsigned near = length >= 6 ? (unsigned)(length / 3) : 1;
    unsigned best_distance = near + 1;
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > LONGEST_NAME) continue;
        unsigned distance = edit_distance(text, length, names[i], name_length);
        bool prefix = length >= 2 && name_length > length &&
                      ls_ascii_ncasecmp(text, names[i], length) == 0;
        if (prefix)
            distance = smaller(distance, near); /* the start of a name counts as a near name */
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}
