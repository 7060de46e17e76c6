/* SPDX-License-Identifier: MIT */
#include "host/data/spelling.h"
#include "host/base/text.h"

#include <string.h>

#include "host/data/dates.h"
#include "host/data/value.h"

enum { MOST_DIGITS = 100 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Bytes of the blank at `at`: a space, or in UTF-8 a no-break, thin or narrow no-break space; 0 if
 * there is none. */
static size_t blank_at(const char *at)
{
    if (*at == ' ') return 1;
    if (!strncmp(at, "\xc2\xa0", 2)) return 2;
    return !strncmp(at, "\xe2\x80\x89", 3) || !strncmp(at, "\xe2\x80\xaf", 3) ? 3 : 0;
}

static const char *skip_blanks(const char *at)
{
    for (size_t n; (n = blank_at(at));) at += n;
    return at;
}

/* Bytes of a separator of thousands: one of , . or, as ' ' and '\'', any blank and apostrophe. */
static size_t separator_at(const char *at, char separator)
{
    if (separator == ' ') return blank_at(at);
    if (separator == '\'' && !strncmp(at, "\xe2\x80\x99", 3)) return 3;
    return separator && *at == separator ? 1 : 0;
}

/* ---- Digits ---------------------------------------------------------------------------------- */

static size_t count_digits(const char *at) { return strspn(at, "0123456789"); }

/* Reads a number without sign, writing it to `to` (MOST_DIGITS + 1 bytes) as a plain one; returns
 * the end of what was read, or NULL. Separators of thousands count only at their places: one to
 * three digits, then groups of three. *grouped: there was one. */
static const char *read_digits(const char *at, char decimal, char thousands, char *to,
                               bool *grouped)
{
    size_t length = count_digits(at), separator;
    const char *start = to;
    *grouped = false;
    if (length > MOST_DIGITS / 2) return NULL;
    memcpy(to, at, length), to += length, at += length;
    bool may_group = length >= 1 && length <= 3 && *start != '0';
    while (may_group && (separator = separator_at(at, thousands)) &&
           count_digits(at + separator) == 3 && to - start < MOST_DIGITS / 2) {
        memcpy(to, at + separator, 3), to += 3, at += separator + 3;
        *grouped = true;
    }
    if (*at == decimal) {
        size_t fraction = count_digits(at + 1);
        if (length + fraction == 0 || fraction > MOST_DIGITS / 2 - 12) return NULL;
        *to++ = '.';
        memcpy(to, at + 1, fraction), to += fraction, at += 1 + fraction;
    } else if (length == 0) {
        return NULL;
    }
    if ((*at == 'e' || *at == 'E') && is_digit(at[1 + (at[1] == '-' || at[1] == '+')])) {
        size_t sign = at[1] == '-' || at[1] == '+', digits = count_digits(at + 1 + sign);
        if (digits > 4) return NULL;
        memcpy(to, at, 1 + sign + digits), to += 1 + sign + digits, at += 1 + sign + digits;
    }
    *to = '\0';
    return at;
}

/* ---- Signs and units ------------------------------------------------------------------------- */

static bool is_among(const char *text, size_t length, const char *const *list, bool any_case)
{
    for (; *list; list++)
        if (strlen(*list) == length &&
            (any_case ? ls_ascii_ncasecmp(*list, text, length) : strncmp(*list, text, length)) == 0)
            return true;
    return false;
}

static const char *const currencies[] = {
    "$",   "\xe2\x82\xac", "\xc2\xa3",  "\xc2\xa5", "\xe2\x82\xb9", "\xe2\x82\xa9", "\xe2\x82\xbd",
    "R$",  "US$",          "C$",        "A$",       "CHF",          "USD",          "EUR",
    "GBP", "JPY",          "INR",       "CAD",      "AUD",          "Rs",           "Rs.",
    "Fr.", "kr",           "z\xc5\x82", NULL};
static const char *const relations[] = {
    "<",        ">", "<=", ">=", "~", "=", "\xe2\x89\xa4", "\xe2\x89\xa5", "\xe2\x89\x88",
    "\xc2\xb1", NULL};
static const char *const units[] = {"%",
                                    "\xe2\x80\xb0",
                                    "\xc2\xb0",
                                    "\xc2\xb0\x43",
                                    "\xc2\xb0\x46",
                                    "\xc2\xba",
                                    "ppm",
                                    "ppb",
                                    "kg",
                                    "mg",
                                    "\xc2\xb5g",
                                    "\xce\xbcg",
                                    "lb",
                                    "lbs",
                                    "oz",
                                    "km",
                                    "cm",
                                    "mm",
                                    "m",
                                    "g",
                                    "l",
                                    "ft",
                                    "km/h",
                                    "kmh",
                                    "kph",
                                    "mph",
                                    "m/s",
                                    "ml",
                                    "cl",
                                    "cc",
                                    "kW",
                                    "kWh",
                                    "MW",
                                    "Wh",
                                    "mA",
                                    "mAh",
                                    "Hz",
                                    "kHz",
                                    "MHz",
                                    "GHz",
                                    "kB",
                                    "KB",
                                    "MB",
                                    "GB",
                                    "TB",
                                    "ms",
                                    "\xc2\xb5s",
                                    "min",
                                    "hrs",
                                    "sqft",
                                    "sq ft",
                                    "m2",
                                    "m\xc2\xb2",
                                    "m3",
                                    "m\xc2\xb3",
                                    "km2",
                                    "ha",
                                    "bhp",
                                    "hp",
                                    "CC",
                                    "kmpl",
                                    "km/kg",
                                    "mmHg",
                                    "mg/dl",
                                    "mg/dL",
                                    "mmol/l",
                                    "mmol/L",
                                    "g/dl",
                                    "g/dL",
                                    "bpm",
                                    "kPa",
                                    "hPa",
                                    "bar",
                                    "psi",
                                    "dB",
                                    "kJ",
                                    "kcal",
                                    "Nm",
                                    "rpm",
                                    "\xe2\x82\xac/m\xc2\xb2",
                                    NULL};

static ls_unit unit_of(const char *prefix, size_t before, const char *suffix, size_t behind,
                       bool apart)
{
    bool relation = before && is_among(prefix, before, relations, false);
    if (before && !relation) return LS_UNIT_KNOWN; /* a currency */
    if (behind &&
        (is_among(suffix, behind, currencies, true) || is_among(suffix, behind, units, false)))
        return LS_UNIT_KNOWN;
    if (behind) return apart ? LS_UNIT_APART : LS_UNIT_JOINED;
    return relation ? LS_UNIT_RELATION : LS_UNIT_NONE;
}

/* What stands before and behind the digits. */
typedef struct {
    bool negative, apart;
    const char *digits, *prefix, *suffix;
    size_t before, behind;
} parts;

/* Finds sign and prefix; false if the digits do not follow. */
static bool read_front(const char *text, parts *p)
{
    const char *at = skip_blanks(text);
    *p = (parts){.negative = *at == '-'};
    if (*at == '-' || *at == '+') at = skip_blanks(at + 1);
    p->prefix = at;
    while (*at && !is_digit(*at) && *at != ',' && *at != '-' && *at != '+' && !blank_at(at) &&
           !(*at == '.' && is_digit(at[1])))
        at++;
    p->before = (size_t)(at - p->prefix);
    if (p->before && !is_among(p->prefix, p->before, currencies, true) &&
        !is_among(p->prefix, p->before, relations, false))
        return false;
    if (p->before) at = skip_blanks(at);
    if (p->before && !p->negative && (*at == '-' || *at == '+')) p->negative = *at++ == '-';
    p->digits = at;
    return is_digit(*at) || ((*at == '.' || *at == ',') && is_digit(at[1]));
}

/* Finds the suffix behind the digits; false if it is no unit. */
static bool read_back(const char *at, parts *p)
{
    p->suffix = skip_blanks(at);
    p->apart = p->suffix != at;
    p->behind = strlen(p->suffix);
    if (p->behind == 0) return true;
    bool known = is_letter(*p->suffix) || strchr("%$\"'", *p->suffix);
    return known && p->behind < sizeof((ls_spelling *)NULL)->suffix;
}

/* ---- Discovering ----------------------------------------------------------------------------- */

/* The ways of writing numbers that are looked for. */
static const struct {
    char decimal, thousands;
} ways[] = {{'.', 0},   {',', 0},   {'.', ','},  {',', '.'},
            {'.', ' '}, {',', ' '}, {'.', '\''}, {',', '\''}};

bool ls_spell(const char *text, ls_spelling *out)
{
    parts front, p, best = {0};
    char digits[MOST_DIGITS + 1];
    double value;
    *out = (ls_spelling){0};
    if (ls_parse_number(text, &value) || !read_front(text, &front)) return false;
    size_t shortest = sizeof out->suffix;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        bool grouped;
        const char *end = read_digits(front.digits, ways[i].decimal, ways[i].thousands, digits,
                                      &grouped);
        p = front;
        if (!end || (ways[i].thousands && !grouped) || !read_back(end, &p)) continue;
        if (p.behind > shortest) continue; /* a unit that begins with digits is none */
        if (p.behind < shortest) out->ways = 0;
        shortest = p.behind;
        best = p;
        out->ways |= ways[i].thousands        ? LS_SPELL_GROUPED
                     : ways[i].decimal == '.' ? LS_SPELL_POINT
                                              : LS_SPELL_COMMA;
        if (ways[i].thousands) out->group = ways[i].thousands;
    }
    if (!out->ways || best.before >= sizeof out->prefix) return false;
    memcpy(out->prefix, best.prefix, best.before);
    memcpy(out->suffix, best.suffix, best.behind);
    out->unit = unit_of(best.prefix, best.before, best.suffix, best.behind, best.apart);
    return true;
}

static bool is_any_number(const char *text, size_t length)
{
    char copy[MOST_DIGITS + 1];
    double value;
    ls_spelling s;
    if (length == 0 || length > MOST_DIGITS) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return ls_parse_number(copy, &value) || ls_spell(copy, &s);
}

/* (1), $(1), 500- and 1,- */
static bool is_marked_behind(const char *text, size_t length)
{
    const char *open = strchr(text, '(');
    if (open && text[length - 1] == ')')
        return (open == text || is_among(text, (size_t)(open - text), currencies, true)) &&
               is_any_number(open + 1, length - (size_t)(open - text) - 2);
    size_t end = length;
    while (end && text[end - 1] == '-') end--;
    if (end == length) return false;
    if (end && (text[end - 1] == ',' || text[end - 1] == '.')) end--;
    return is_any_number(text, end);
}

/* 1/10 and 1 1/2 */
static bool is_fraction(const char *text)
{
    if (*text == '-' || *text == '+') text++;
    size_t digits = count_digits(text), blank = digits ? blank_at(text + digits) : 0;
    if (blank) text += digits + blank, digits = count_digits(text);
    return digits && text[digits] == '/' && count_digits(text + digits + 1) &&
           !text[digits + 1 + count_digits(text + digits + 1)];
}

/* 1.5D+03 and 1.5d3 */
static bool is_fortran(const char *text)
{
    char copy[MOST_DIGITS + 1] = "";
    double value;
    size_t at = strcspn(text, "dD");
    if (!text[at] || strlen(text) > MOST_DIGITS) return false;
    bool plain = text[at + 1] != '-' && text[at + 1] != '+' && !memchr(text, '.', at);
    strcpy(copy, text);
    copy[at] = 'e';
    return !plain && ls_parse_number(copy, &value);
}

/* 1_000, 5k and 1.2M */
static bool is_short_form(const char *text, size_t length)
{
    static const char *const multiples[] = {"k", "K", "M", "Mio", "bn", NULL};
    size_t digits = strspn(text, "0123456789.,"), rest = length - digits;
    if (rest && is_among(text + digits, rest, multiples, false)) return is_any_number(text, digits);
    return is_digit(*text) && is_digit(text[length - 1]) && strchr(text, '_') &&
           strspn(text, "0123456789_.") == length;
}

bool ls_is_odd_number(const char *text)
{
    static const char *const minus[] = {"\xe2\x88\x92", "\xe2\x80\x93", "\xef\xb9\xa3"};
    size_t length = strlen(text);
    if (length == 0) return false;
    for (size_t i = 0; i < sizeof minus / sizeof *minus; i++)
        if (!strncmp(text, minus[i], 3)) return is_any_number(text + 3, length - 3);
    return is_marked_behind(text, length) || is_fraction(text) || is_fortran(text) ||
           is_short_form(text, length);
}

/* 10-14, 10 - 14 and 10..14: two numbers, the second of which is larger. */
static bool is_range(const char *text)
{
    size_t digits = strspn(text, "0123456789.");
    char first[MOST_DIGITS + 1];
    double low, high;
    if (digits == 0 || digits > MOST_DIGITS) return false;
    const char *dots = strstr(text, "..");
    if (dots && dots < text + digits) digits = (size_t)(dots - text);
    const char *at = skip_blanks(text + digits);
    memcpy(first, text, digits);
    first[digits] = '\0';
    if (*at != '-' && strncmp(at, "..", 2) != 0) return false;
    at = skip_blanks(at + (*at == '-' ? 1 : 2));
    return ls_parse_number(first, &low) && ls_parse_number(at, &high) && low <= high;
}

bool ls_is_of_digits(const char *text)
{
    bool digits = false, parted = false;
    if (is_range(text)) return false;
    for (const char *at = text; *at; at++) {
        if (is_letter(*at)) return false;
        digits |= is_digit(*at);
        parted |= *at == ',' || *at == '-' || *at == ';';
    }
    bool interval = (*text == '[' || *text == '(' || *text == ']') && parted;
    return digits && !interval;
}

/* ---- Reading --------------------------------------------------------------------------------- */

bool ls_is_plain_format(const ls_number_format *f)
{
    return f->decimal != ',' && !f->thousands && !f->units && !f->dates;
}

bool ls_same_format(const ls_number_format *a, const ls_number_format *b)
{
    return (a->decimal == ',') == (b->decimal == ',') && a->thousands == b->thousands &&
           a->units == b->units && a->dates == b->dates && !strcmp(a->prefix, b->prefix) &&
           !strcmp(a->suffix, b->suffix);
}

/* Reads text; the unit that it has is returned as parts. */
static bool parse(const char *text, const ls_number_format *f, parts *p, double *out)
{
    char digits[MOST_DIGITS + 1];
    bool grouped;
    if (!read_front(text, p)) return false;
    const char *end = read_digits(p->digits, f->decimal == ',' ? ',' : '.', f->thousands, digits,
                                  &grouped);
    if (!end || !read_back(end, p) || (!f->units && (p->before || p->behind))) return false;
    if (!ls_parse_number(digits, out)) return false;
    if (p->negative) *out = -*out;
    return true;
}

static bool equals(const char *text, size_t length, const char *wanted)
{
    return strlen(wanted) == length && strncmp(text, wanted, length) == 0;
}

bool ls_is_relation(const char *prefix)
{
    return *prefix && is_among(prefix, strlen(prefix), relations, false);
}

bool ls_parse_formatted(const char *text, const ls_number_format *f, double *out)
{
    parts p;
    if (f->dates) return ls_read_date(text, f->dates, out);
    if (!parse(text, f, &p, out)) return false;
    if (!p.before && !p.behind) return !ls_is_relation(f->prefix);
    return equals(p.prefix, p.before, f->prefix) && equals(p.suffix, p.behind, f->suffix);
}

bool ls_parse_with_unit(const char *text, ls_number_format *f, bool bare, double *out)
{
    parts p;
    if (f->prefix[0] || f->suffix[0] || !f->units) return ls_parse_formatted(text, f, out);
    if (!parse(text, f, &p, out) || p.before >= sizeof f->prefix) return false;
    if (bare && p.before && is_among(p.prefix, p.before, relations, false)) return false;
    memcpy(f->prefix, p.prefix, p.before);
    memcpy(f->suffix, p.suffix, p.behind);
    return true;
}
