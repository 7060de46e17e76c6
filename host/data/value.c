/* SPDX-License-Identifier: MIT */
#include "host/data/value.h"
#include "host/base/text.h"
#include "host/base/visible.h"

#include <string.h>

/* Reads digits with at most one point as an integer. *scale becomes the number of digits after the
 * point. NULL if there are more than 18 digits. */
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

/* Reads short decimals: mantissa and power of ten are then exact doubles, so that one
 * multiplication or division rounds correctly (Clinger, How to read floating point numbers
 * accurately, PLDI 1990). Returns false for all other texts. */
static bool short_decimal(const char *text, double *out, bool *precise)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    bool negative = *text == '-';
    uint64_t mantissa = 0;
    int digits = 0, scale = 0, exponent = 0;
    const char *at = read_digits(negative ? text + 1 : text, &mantissa, &digits, &scale);
    if (!at || digits == 0 || mantissa > (1ull << 53)) return false;
    if (*at == 'e' || *at == 'E') {
        bool down = *++at == '-';
        if (*at == '-' || *at == '+') at++;
        const char *first = at;
        for (; *at >= '0' && *at <= '9' && at - first < 3; at++)
            exponent = exponent * 10 + (*at - '0');
        if (at == first) return false;
        if (down) exponent = -exponent;
    }
    exponent -= scale;
    if (*at != '\0' || exponent < -22 || exponent > 22) return false;
    double value = (double)mantissa;
    value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
    *out = negative ? -value : value;
    *precise = mantissa > 999999;
    return true;
}

bool ls_parse_digits(const char *text, double *out, bool *precise)
{
    if (short_decimal(text, out, precise)) return true;
    *precise = true;
    return ls_parse_double(text, out);
}

bool ls_parse_number(const char *text, double *out)
{
    bool precise;
    return ls_parse_digits(text, out, &precise);
}

bool ls_is_missing_text(const char *text)
{
    static const char *const marks[] = {"", "?", "NA", "N/A", "NaN", "null"};
    if (*text && *text != '?' && *text != 'n' && *text != 'N') return false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (ls_ascii_same(text, marks[i])) return true;
    return false;
}

ls_excerpt ls_excerpt_of(const char *text)
{
    enum { MOST = 40 }; /* bytes */
    ls_excerpt excerpt;
    if (!ls_visible_copy(excerpt.text, MOST + 1, text)) {
        ls_visible_copy(excerpt.text, MOST - 3 + 1, text);
        memcpy(excerpt.text + strlen(excerpt.text), "...", 4);
    }
    return excerpt;
}
