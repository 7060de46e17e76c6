/* SPDX-License-Identifier: MIT */
#include "host/data/names.h"

#include <string.h>

/* Bytes of the blank that the `length` bytes at `at` begin with, or end with; 0 if there is none.
 */
static size_t blank(const char *at, size_t length, bool ends)
{
    static const char *const blanks[] = {" ",        "\t",           "\n",          "\r",
                                         "\xc2\xa0", "\xe2\x80\x89", "\xe2\x80\xaf"};
    static const unsigned char bytes[] = {1, 1, 1, 1, 2, 3, 3};
    for (size_t i = 0; i < sizeof bytes; i++)
        if (bytes[i] <= length && !memcmp(ends ? at + length - bytes[i] : at, blanks[i], bytes[i]))
            return bytes[i];
    return 0;
}

const char *ls_trimmed(const char *text, size_t *length)
{
    size_t n = strlen(text), bytes;
    while ((bytes = blank(text, n, false))) text += bytes, n -= bytes;
    while ((bytes = blank(text, n, true))) n -= bytes;
    *length = n;
    return text;
}

/* Whether text is the known name; files of models may have names with blanks at their ends. */
static bool is_known(const char *text, size_t length, const char *known)
{
    size_t n;
    const char *name = ls_trimmed(known, &n);
    return n == length && memcmp(text, name, n) == 0;
}

bool ls_plain_whole(const char *text, ls_whole *out)
{
    bool negative = *text == '-';
    if (*text == '-' || *text == '+') text++;
    size_t count = strspn(text, "0123456789");
    if (count == 0 || (count > 1 && *text == '0')) return false;
    const char *rest = text + count;
    if (*rest == '.') rest++, rest += strspn(rest, "0");
    if (*rest != '\0') return false;
    *out = (ls_whole){.negative = negative && *text != '0', .digits = text, .count = count};
    return true;
}

static int compare_wholes(const ls_whole *a, const ls_whole *b)
{
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    int order = a->count != b->count ? (a->count < b->count ? -1 : 1)
                                     : memcmp(a->digits, b->digits, a->count);
    return a->negative ? -order : order;
}

bool ls_is_one_name(const char *a, const char *b)
{
    ls_whole left = {0}, right = {0};
    if (strcmp(a, b) == 0) return true;
    return ls_plain_whole(a, &left) && ls_plain_whole(b, &right) &&
           compare_wholes(&left, &right) == 0;
}

/* Among texts whose values are equal as doubles, plain whole numbers come first: comparing them
 * exactly, and the others by bytes, is then an order. */
int ls_compare_numbers(const char *a, double a_value, const char *b, double b_value)
{
    ls_whole left = {0}, right = {0};
    if (a_value != b_value) return a_value < b_value ? -1 : 1;
    bool plain = ls_plain_whole(a, &left);
    if (plain != ls_plain_whole(b, &right)) return plain ? -1 : 1;
    int order = plain ? compare_wholes(&left, &right) : 0;
    return order ? order : strcmp(a, b);
}

size_t ls_find_name(const char *text, const char *const *known, size_t count, bool stop)
{
    ls_whole whole;
    for (size_t k = 0; k < count; k++)
        if (strcmp(text, known[k]) == 0) return k;
    for (size_t k = 0; ls_plain_whole(text, &whole) && k < count; k++)
        if (ls_is_one_name(text, known[k])) return k;
    size_t length = strlen(text);
    for (size_t k = 0; k < count; k++)
        if (is_known(text, length, known[k])) return k;
    for (size_t k = 0; stop && length > 1 && text[length - 1] == '.' && k < count; k++)
        if (strlen(known[k]) == length - 1 && strncmp(text, known[k], length - 1) == 0) return k;
    return count;
}
