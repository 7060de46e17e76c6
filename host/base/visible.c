/* SPDX-License-Identifier: MIT */
#include "host/base/visible.h"
#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- Characters ------------------------------------------------------------------------------ */

/* Number of bytes of the UTF-8 character (RFC 3629) at the start of a text; 0 if there is none. */
static size_t character_bytes(const unsigned char *c)
{
    if (*c < 0x80) return 1;
    size_t more = *c >= 0xc2 && *c < 0xe0   ? 1
                  : *c >= 0xe0 && *c < 0xf0 ? 2
                  : *c >= 0xf0 && *c < 0xf5 ? 3
                                            : 0;
    /* overlong forms, surrogates, and code points above U+10FFFF */
    if (!more || (*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) ||
        (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] > 0x8f))
        return 0;
    for (size_t i = 1; i <= more; i++)
        if ((c[i] & 0xc0) != 0x80) return 0;
    return more + 1;
}

/* Whether a terminal would obey a character of that many bytes, or show the text in another order
 * or on another line: C0, DEL, C1, U+2028 to U+202E, U+2066 to U+2069. */
static bool is_control(const unsigned char *c, size_t bytes)
{
    if (bytes == 1) return *c < ' ' || *c == 0x7f;
    if (bytes == 2) return *c == 0xc2 && c[1] < 0xa0;
    if (bytes == 3 && *c == 0xef) return c[1] == 0xbf && c[2] >= 0xbe;
    return bytes == 3 && *c == 0xe2 &&
           ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
            (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

size_t ls_control_bytes(const char *text, unsigned *code)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t n = *c ? character_bytes(c) : 0;
    if (!n || !is_control(c, n)) return 0;
    *code = n == 1   ? *c
            : n == 2 ? c[1]
                     : ((*c & 0xfu) << 12) + ((c[1] & 0x3fu) << 6) + (c[2] & 0x3fu);
    return n;
}

const char *ls_visible_next(const char *text, size_t *bytes, size_t *shown)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t n = character_bytes(c);
    *bytes = n ? n : 1;
    bool keep = n && !is_control(c, n);
    *shown = keep ? n : 1;
    return keep ? text : "?";
}

bool ls_visible_copy(char *to, size_t size, const char *text)
{
    size_t at = 0, bytes, shown;
    assert(size > 0);
    for (; *text; text += bytes, at += shown) {
        const char *c = ls_visible_next(text, &bytes, &shown);
        if (shown > size - 1 - at) break;
        memcpy(to + at, c, shown);
    }
    to[at] = '\0';
    return !*text;
}

size_t ls_visible_width(const char *text)
{
    size_t width = 0, bytes, shown;
    for (; *text; text += bytes, width++) ls_visible_next(text, &bytes, &shown);
    return width;
}

/* ---- Formatting ------------------------------------------------------------------------------ */

/* A conversion of printf. */
typedef struct {
    char flags[6];
    int width, precision; /* precision: -1 for none */
    char length;          /* 'L' for ll, 'H' for hh, or 0 */
    char conversion;
} conversion;

static int read_number(const char **at)
{
    int n = 0;
    for (; **at >= '0' && **at <= '9' && n < 100000; (*at)++) n = 10 * n + (**at - '0');
    return n;
}

/* Adds a text, cut to the precision and padded to the width. */
static void add_text(ls_text *out, const conversion *c, const char *text)
{
    char buffer[256];
    size_t most = c->precision < 0 ? SIZE_MAX : (size_t)c->precision, width = 0, wanted, used = 0,
           bytes, shown;
    for (const char *t = text; *t && width < most; t += bytes, width++)
        ls_visible_next(t, &bytes, &shown);
    wanted = c->width > 0 && (size_t)c->width > width ? (size_t)c->width - width : 0;
    bool left = strchr(c->flags, '-') != NULL;
    if (!left) ls_text_add(out, "%*s", (int)wanted, "");
    for (size_t k = 0; k < width; k++, text += bytes) {
        const char *character = ls_visible_next(text, &bytes, &shown);
        if (used + shown >= sizeof buffer) {
            ls_text_add(out, "%.*s", (int)used, buffer);
            used = 0;
        }
        memcpy(buffer + used, character, shown);
        used += shown;
    }
    ls_text_add(out, "%.*s", (int)used, buffer);
    if (left) ls_text_add(out, "%*s", (int)wanted, "");
}

/* A number goes through printf with the conversion written out again. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void add_number(ls_text *out, const conversion *c, va_list *list)
{
    char width[16] = "", precision[16] = "", spec[64];
    const char *length = c->length == 'z' ? "z" : c->length == 'l' ? "l" : c->length ? "ll" : "";
    bool real = strchr("fFeEgGaA", c->conversion) != NULL;
    if (c->width > 0) snprintf(width, sizeof width, "%d", c->width);
    if (c->precision >= 0) snprintf(precision, sizeof precision, ".%d", c->precision);
    snprintf(spec, sizeof spec, "%%%s%s%s%s%c", c->flags, width, precision, real ? "" : length,
             c->conversion);
    double value = real ? va_arg(*list, double) : 0;
    /* the sign of a NaN says nothing and differs between machines */
    if (real) ls_text_add(out, spec, isnan(value) ? fabs((double)NAN) : value);
    else if (c->length == 'z') ls_text_add(out, spec, va_arg(*list, size_t));
    else if (c->length == 'l') ls_text_add(out, spec, va_arg(*list, long));
    else if (c->length) ls_text_add(out, spec, va_arg(*list, long long));
    else ls_text_add(out, spec, va_arg(*list, int));
}
#pragma GCC diagnostic pop

/* Reads a conversion after its '%'. */
static const char *read_conversion(const char *at, conversion *c, va_list *list)
{
    size_t n = 0;
    *c = (conversion){.precision = -1};
    for (; *at && strchr("-+ #0", *at); at++)
        if (n + 1 < sizeof c->flags) c->flags[n++] = *at;
    if (*at == '*') {
        c->width = va_arg(*list, int);
        at++;
    } else c->width = read_number(&at);
    if (c->width < 0) {
        c->width = -c->width;
        if (n + 1 < sizeof c->flags) c->flags[n] = '-';
    }
    if (*at == '.') {
        at++;
        if (*at == '*') {
            c->precision = va_arg(*list, int);
            at++;
        } else c->precision = read_number(&at);
    }
    if (*at == 'z' || *at == 'l') c->length = *at++;
    if (c->length == 'l' && *at == 'l') {
        c->length = 'L';
        at++;
    }
    c->conversion = *at;
    return *at ? at + 1 : at;
}

void ls_text_vshow(ls_text *out, const char *format, va_list arguments)
{
    va_list list; /* of array type on some machines, so that only a copy has an address */
    va_copy(list, arguments);
    while (*format) {
        size_t plain = strcspn(format, "%");
        ls_text_add(out, "%.*s", (int)plain, format);
        format += plain;
        if (!*format) break;
        conversion c;
        format = read_conversion(format + 1, &c, &list);
        switch (c.conversion) {
        case 's': add_text(out, &c, va_arg(list, const char *)); break;
        case 'c': {
            char text[2] = {(char)va_arg(list, int), '\0'};
            add_text(out, &c, text);
            break;
        }
        case '%': ls_text_add(out, "%%"); break;
        default:
            assert(c.conversion && strchr("diuoxXfFeEgGaA", c.conversion));
            add_number(out, &c, &list);
        }
    }
    va_end(list);
}

void ls_text_show(ls_text *out, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    ls_text_vshow(out, format, list);
    va_end(list);
}
