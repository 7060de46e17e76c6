/* SPDX-License-Identifier: MIT */
/* A number m·2^e times 10^k is m·5^k·2^(e + k): for the usual magnitudes m·5^k is an exact integer
 * of up to 128 bits, whose upper part are the digits and whose lower part decides the rounding. All
 * other numbers go through printf. */
#include "host/base/decimal.h"
#include "host/base/format.h"
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- By printf ------------------------------------------------------------------------------- */

static size_t print(char *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = ls_format(to, LS_DECIMAL_ROOM, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= LS_DECIMAL_ROOM) length = 0;
    to[length] = '\0';
    return (size_t)length;
}

/* strtod would read with the locale's decimal point. */
static double read_back(const char *text)
{
    char local[LS_DECIMAL_ROOM + 8], point[LS_DECIMAL_ROOM];
    const char *dot = strchr(text, '.');
    if (!dot) return strtod(text, NULL);
    snprintf(point, sizeof point, "%.1f", 0.5);
    snprintf(local, sizeof local, "%.*s%.*s%s", (int)(dot - text), text, (int)strlen(point) - 2,
             point + 1, dot + 1);
    return strtod(local, NULL);
}

static size_t print_double(double value, char *to)
{
    size_t length = print(to, "%.15g", value);
    if (!isfinite(value) || read_back(to) == value) return length;
    length = print(to, "%.16g", value);
    return read_back(to) == value ? length : print(to, "%.17g", value);
}

#ifndef __SIZEOF_INT128__ /* 32-bit machines */

size_t ls_decimal_of_float(float value, char to[LS_DECIMAL_ROOM])
{
    return print(to, "%.9g", (double)value);
}

size_t ls_decimal_of_double(double value, char to[LS_DECIMAL_ROOM])
{
    return print_double(value, to);
}

#else

__extension__ typedef unsigned __int128 wide;

/* ---- Digits ---------------------------------------------------------------------------------- */

enum { MOST_FIVES = 44 /* 5^44 has 103 bits: times a float's 24 bits it fits */ };

static wide power_of_five(int k)
{
    static const uint64_t five[] = {1u,
                                    5u,
                                    25u,
                                    125u,
                                    625u,
                                    3125u,
                                    15625u,
                                    78125u,
                                    390625u,
                                    1953125u,
                                    9765625u,
                                    48828125u,
                                    244140625u,
                                    1220703125u,
                                    6103515625u,
                                    30517578125u,
                                    152587890625u,
                                    762939453125u,
                                    3814697265625u,
                                    19073486328125u,
                                    95367431640625u,
                                    476837158203125u,
                                    2384185791015625u,
                                    11920928955078125u,
                                    59604644775390625u,
                                    298023223876953125u,
                                    1490116119384765625u,
                                    7450580596923828125u};
    return k <= 27 ? (wide)five[k] : (wide)five[27] * five[k - 27];
}

/* The largest X with 10^X <= 2^bit, for |bit| < 1650. */
static int decimal_exponent(int bit)
{
    int product = bit * 78913; /* log10(2)·2^18 */
    return product >= 0 ? product >> 18 : -((-product + (1 << 18) - 1) >> 18);
}

/* Writes the number digits·10^(exponent - count + 1) as %g does: `count` significant digits (at
 * most 17), of which zeros at the end are left out. */
static size_t write_digits(char *to, bool negative, uint64_t digits, int count, int exponent)
{
    char digit[20], *out = to;
    for (int i = count; i-- > 0; digits /= 10) digit[i] = (char)('0' + digits % 10);
    int used = count;
    while (used > 1 && digit[used - 1] == '0') used--;
    if (negative) *out++ = '-';
    const bool scientific = exponent < -4 || exponent >= count;
    if (!scientific && exponent < 0) {
        *out++ = '0';
        *out++ = '.';
        for (int i = -1; i > exponent; i--) *out++ = '0';
        memcpy(out, digit, (size_t)used);
        out += used;
    } else {
        int whole = scientific ? 1 : exponent + 1;
        for (int i = 0; i < whole; i++) *out++ = i < used ? digit[i] : '0';
        if (used > whole) {
            *out++ = '.';
            memcpy(out, digit + whole, (size_t)(used - whole));
            out += used - whole;
        }
    }
    if (scientific) {
        int size = exponent < 0 ? -exponent : exponent;
        *out++ = 'e';
        *out++ = exponent < 0 ? '-' : '+';
        if (size >= 100) *out++ = (char)('0' + size / 100);
        *out++ = (char)('0' + size / 10 % 10);
        *out++ = (char)('0' + size % 10);
    }
    *out = '\0';
    return (size_t)(out - to);
}

/* ---- Floats ---------------------------------------------------------------------------------- */

size_t ls_decimal_of_float(float value, char to[LS_DECIMAL_ROOM])
{
    const uint64_t least = 100000000, most = 10 * least; /* nine digits */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const bool negative = bits >> 31;
    const int field = (int)(bits >> 23 & 0xff);
    uint64_t m = bits & 0x7fffff, digits;
    if (!field && !m) {
        memcpy(to, negative ? "-0" : "0", negative ? 3 : 2);
        return negative ? 2 : 1;
    }
    if (!field || field == 0xff) return print(to, "%.9g", (double)value);
    m |= 0x800000;
    const int e = field - 150; /* value = m·2^e */
    for (int exponent = decimal_exponent(e + 23);; exponent++) {
        int k = 8 - exponent;
        if (k < 0 || k > MOST_FIVES) return print(to, "%.9g", (double)value);
        wide v = m * power_of_five(k);
        int shift = -(e + k);
        if (shift <= 0) digits = (uint64_t)(v << -shift);
        else {
            wide rest = v & (((wide)1 << shift) - 1), half = (wide)1 << (shift - 1);
            digits = (uint64_t)(v >> shift);
            if (digits >= most) continue;
            digits += rest > half || (rest == half && (digits & 1));
        }
        if (digits > most) continue;
        if (digits == most) digits = least, exponent++;
        return write_digits(to, negative, digits, 9, exponent);
    }
}

/* ---- Doubles --------------------------------------------------------------------------------- */

/* A positive double in units of its 17th digit: digits + rest / 2^shift. An error of less than
 * half / 2^shift of the unit does not change the double that is read back. */
typedef struct {
    uint64_t digits;
    wide rest, half;
    int shift, exponent;
    bool even, power; /* the mantissa is even, a power of two: the double below is half as far */
} scaled;

static bool scale(uint64_t bits, scaled *s)
{
    const int field = (int)(bits >> 52 & 0x7ff);
    if (!field || field == 0x7ff) return false;
    const uint64_t m = (bits & 0xfffffffffffff) | 0x10000000000000, most = 100000000000000000;
    const int e = field - 1075; /* value = m·2^e */
    for (s->exponent = decimal_exponent(e + 52);; s->exponent++) {
        int k = 16 - s->exponent;
        s->shift = 1 - e - k;
        if (k < 0 || k > 31 || s->shift < 1) return false;
        s->half = power_of_five(k);
        wide v = s->half * (2 * m);
        s->digits = (uint64_t)(v >> s->shift);
        if (s->digits >= most) continue;
        s->rest = v & (((wide)1 << s->shift) - 1);
        s->even = m % 2 == 0;
        s->power = m == 0x10000000000000;
        return true;
    }
}

/* Rounds to 17 - dropped digits, where unit = 10^dropped. *exact: the result reads back. */
static uint64_t round_off(const scaled *s, uint64_t unit, bool *exact)
{
    uint64_t digits = s->digits / unit;
    wide rest = ((wide)(s->digits % unit) << s->shift) + s->rest, whole = (wide)unit << s->shift;
    bool up = rest > whole - rest || (rest == whole - rest && (digits & 1));
    wide error = up ? whole - rest : rest;
    if (s->power && !up) error *= 2;
    *exact = error < s->half || (error == s->half && s->even);
    return digits + up;
}

size_t ls_decimal_of_double(double value, char to[LS_DECIMAL_ROOM])
{
    scaled s;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (!scale(bits, &s)) return print_double(value, to);
    uint64_t unit = 100, most = 1000000000000000;
    for (int count = 15;; count++, unit /= 10, most *= 10) {
        bool exact;
        uint64_t digits = round_off(&s, unit, &exact);
        if (!exact && count < 17) continue;
        int exponent = s.exponent;
        if (digits == most) digits /= 10, exponent++;
        return write_digits(to, bits >> 63, digits, count, exponent);
    }
}

#endif
