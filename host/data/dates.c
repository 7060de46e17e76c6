/* SPDX-License-Identifier: MIT */
#include "host/data/dates.h"
#include "host/base/text.h"

#include <stddef.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Reads at most six digits; returns how many there are (7 for more). */
static int read_number(const char **at, int *value)
{
    int digits = 0;
    *value = 0;
    for (; is_digit(**at); ++*at) {
        if (digits < 7) digits++;
        if (digits < 7) *value = *value * 10 + (**at - '0');
    }
    return digits;
}

static void skip_blanks(const char **at)
{
    while (**at == ' ') ++*at;
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Number (from 1) of the name, in a list with blanks between names, that begins with the letters at
 * *at, of which there must be three; 0 if there is none. The list may hold several languages: the
 * numbers start again after `parts` names. A full stop behind it is read, too. */
static int read_name(const char **at, const char *names, int parts)
{
    size_t length = 0, name;
    while (is_letter((*at)[length])) length++;
    if (length < 3) return 0;
    for (int i = 0; *names; i++, names += name + (names[name] == ' ')) {
        name = strcspn(names, " ");
        if (name < length || ls_ascii_ncasecmp(*at, names, length) != 0) continue;
        *at += length;
        if (**at == '.') ++*at;
        return i % parts + 1;
    }
    return 0;
}

/* English, German, French and Spanish names, and short forms that do not begin one of these. */
static int read_month(const char **at)
{
    static const char names[] =
        "January February March April May June July August September October November December "
        "Januar Februar M\xc3\xa4rz April Mai Juni Juli August September Oktober November Dezember "
        "janvier f\xc3\xa9vrier mars avril mai juin juillet ao\xc3\xbbt septembre octobre novembre "
        "d\xc3\xa9"
        "cembre "
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre "
        "Jan Feb Mrz Apr May Jun Jul Aug Sept Oct Nov Dec";
    return read_name(at, names, 12);
}

static void skip_weekday(const char **at)
{
    static const char names[] = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday";
    const char *next = *at;
    if (!read_name(&next, names, 7)) return;
    if (*next == ',') next++;
    if (*next != ' ') return;
    skip_blanks(&next);
    *at = next;
}

/* ---- Times ----------------------------------------------------------------------------------- */

static bool read_zone(const char **at, ls_date *d)
{
    const char *from = *at;
    skip_blanks(&from);
    if (*from == '+' || *from == '-') {
        int sign = *from++ == '-' ? -1 : 1, hours, minutes = 0;
        int digits = read_number(&from, &hours);
        if (digits == 4) minutes = hours % 100, hours /= 100;
        else if (digits != 2) return false;
        if (digits == 2 && *from == ':') {
            from++;
            if (read_number(&from, &minutes) != 2) return false;
        }
        if (hours > 18 || minutes > 59) return false;
        d->zone = sign * (hours + minutes / 60.0);
    } else {
        static const char *const zones[] = {"Z",   "UTC", "GMT", "CET", "CEST", "EST", "EDT",
                                            "CST", "CDT", "MST", "MDT", "PST",  "PDT"};
        static const int ahead[] = {0, 0, 0, 1, 2, -5, -4, -6, -5, -7, -6, -8, -7};
        size_t length = 0, i = 0;
        while (is_letter(from[length])) length++;
        while (i < 13 && (strlen(zones[i]) != length || ls_ascii_ncasecmp(from, zones[i], length)))
            i++;
        if (i == 13) return true; /* no zone */
        from += length;
        d->zone = ahead[i];
    }
    d->zoned = true;
    *at = from;
    return true;
}

/* am or pm behind an hour of 1 to 12. *found: it is there. */
static bool read_half(const char **at, int *hours, bool *found)
{
    const char *from = *at;
    skip_blanks(&from);
    char half = *from;
    *found = false;
    if (half == '\0' || !strchr("aApP", half)) return true;
    if (*++from == '.') from++;
    if (*from != 'm' && *from != 'M') return true;
    if (*++from == '.') from++;
    if (*hours < 1 || *hours > 12) return false;
    *hours = *hours % 12 + (half == 'p' || half == 'P' ? 12 : 0);
    *found = true;
    *at = from;
    return true;
}

static bool read_fraction(const char **at, double *seconds)
{
    if (**at != '.' && **at != ',') return true;
    ++*at;
    if (!is_digit(**at)) return false;
    for (double weight = 0.1; is_digit(**at); ++*at, weight /= 10)
        *seconds += weight * (**at - '0');
    return true;
}

/* 12:30, 12:30:05.5, 3 pm, and behind a T also 12, 1230 and 123005. */
static bool read_time(const char **at, bool compact, ls_date *d)
{
    int hours, minutes = 0, whole = 0;
    bool half = false;
    double seconds = 0;
    int digits = read_number(at, &hours);
    if (digits == 0 || digits > 6) return false;
    if (**at == ':') {
        if (digits > 3) return false;
        ++*at;
        if (read_number(at, &minutes) != 2) return false;
        if (**at == ':') {
            ++*at;
            if (read_number(at, &whole) != 2) return false;
        }
    } else if (compact && (digits == 4 || digits == 6)) {
        if (digits == 6) whole = hours % 100, hours /= 100;
        minutes = hours % 100, hours /= 100;
    } else if (digits > 2) {
        return false;
    }
    if (minutes > 59 || whole > 60 || !read_fraction(at, &seconds)) return false;
    seconds += whole;
    if (!read_half(at, &hours, &half)) return false;
    d->timed = true;
    d->hours = hours + minutes / 60.0 + seconds / 3600.0;
    return read_zone(at, d);
}

/* ---- Dates ----------------------------------------------------------------------------------- */

static bool set_year(ls_date *d, int digits, int year)
{
    d->short_year = digits == 2;
    d->year = digits == 2 ? year + (year < 69 ? 2000 : 1900) : year;
    return digits == 2 || (digits == 4 && year >= 1000);
}

static bool is_day(int digits, int day) { return digits <= 2 && day >= 1 && day <= 31; }
static bool is_month(int digits, int month) { return digits <= 2 && month >= 1 && month <= 12; }

/* Behind the first two of three numbers, which do not begin with the year. */
static bool year_last(ls_date *d, char separator, int a, int b, int digits, int year)
{
    bool day_first = a >= 1 && a <= 31 && b >= 1 && b <= 12,
         month_first = b >= 1 && b <= 31 && a >= 1 && a <= 12;
    if (!set_year(d, digits, year) || (!day_first && !month_first)) return false;
    d->day_first = day_first && (!month_first || (separator == '.' && a != b));
    d->month_first = month_first && !day_first;
    if (separator == '.') month_first = month_first && !day_first;
    d->month = month_first ? a : b;
    d->day = month_first ? b : a;
    if (day_first && month_first && a != b) d->other_day = a, d->other_month = b;
    return true;
}

/* A week: 2024-W13, 2024-W13-7, 2024W137. d->day is the number of days after January 1, so that
 * ls_date_number finds it. */
static bool read_week(const char **at, ls_date *d)
{
    int week, day = 1;
    bool dashed = **at == '-';
    if (dashed) ++*at;
    ++*at;
    int digits = read_number(at, &week);
    if (digits == 3) day = week % 10, week /= 10;
    else if (digits != 2) return false;
    if (digits == 2 && **at == '-' && is_digit((*at)[1])) {
        ++*at;
        if (read_number(at, &day) != 1) return false;
    }
    d->month = 13; /* a week */
    d->day = 7 * (week - 1) + day;
    return week >= 1 && week <= 53 && day >= 1 && day <= 7;
}

/* A date of numbers whose first is read. */
static bool read_numeric(const char **at, int digits, int first, ls_date *d)
{
    int second, third;
    char separator = **at;
    if (digits == 4 && (*at[0] == 'W' || (separator == '-' && (*at)[1] == 'W')))
        return set_year(d, digits, first) && read_week(at, d);
    if (separator == '\0' || !strchr("-/. ", separator)) return false;
    ++*at;
    int second_digits = read_number(at, &second);
    if (!second_digits) return false;
    if (**at != separator || !is_digit((*at)[1])) { /* year and month */
        if (separator != '-' && separator != '/') return false;
        bool year_first = digits == 4;
        d->month = year_first ? second : first;
        if (year_first ? second_digits != 2 && separator == '-' : second_digits != 4) return false;
        return is_month(year_first ? second_digits : digits, d->month) &&
               set_year(d, year_first ? digits : second_digits, year_first ? first : second);
    }
    ++*at;
    int third_digits = read_number(at, &third);
    if (digits == 4) {
        d->month = second, d->day = third;
        return set_year(d, 4, first) && is_month(second_digits, second) &&
               is_day(third_digits, third);
    }
    return digits <= 2 && second_digits <= 2 &&
           year_last(d, separator, first, second, third_digits, third);
}

static void skip_between(const char **at, bool comma)
{
    if (comma && **at == ',') ++*at;
    if (**at == '-' || **at == '/' || **at == '.' || **at == ' ') ++*at;
    skip_blanks(at);
}

static void skip_ordinal(const char **at)
{
    static const char *const ends[] = {"st", "nd", "rd", "th"};
    for (int i = 0; i < 4; i++)
        if (!ls_ascii_ncasecmp(*at, ends[i], 2) && !is_letter((*at)[2])) *at += 2;
}

/* 31-Mar-2024, 31 Mar, 2024-Mar-31: the first number is read. */
static bool read_named(const char **at, int digits, int first, ls_date *d)
{
    int last;
    skip_ordinal(at);
    skip_between(at, false);
    if (!(d->month = read_month(at))) return false;
    skip_between(at, true);
    const char *before = *at;
    int last_digits = read_number(at, &last);
    if (digits == 4) {
        d->day = last;
        return set_year(d, 4, first) && (!last_digits || is_day(last_digits, last));
    }
    d->day = first;
    if (!is_day(digits, first)) return false;
    if (!last_digits || (last_digits < 4 && **at == ':')) {
        *at = before;
        return d->no_year = true;
    }
    return set_year(d, last_digits, last);
}

/* March 31, 2024, Mar 2024, Mar-24: the month is read. */
static bool read_after_month(const char **at, ls_date *d)
{
    int first, last;
    const char *before = *at;
    skip_between(at, false);
    if (before == *at) return false;
    int digits = read_number(at, &first);
    if (digits == 4) return set_year(d, 4, first);
    skip_ordinal(at);
    if (!is_day(digits, first)) return digits == 2 && set_year(d, 2, first);
    d->day = first;
    before = *at;
    skip_between(at, true);
    int last_digits = *at == before ? 0 : read_number(at, &last);
    if (!last_digits || **at == ':') {
        *at = before;
        return d->no_year = true;
    }
    return set_year(d, last_digits, last);
}

/* The date in front of a T: 20240331 or 20240331T1230. */
static bool read_compact(const char **at, ls_date *d)
{
    for (int i = 0; i < 8; i++)
        if (!is_digit((*at)[i])) return false;
    const char *s = *at;
    if (s[8] != 'T' || !is_digit(s[9])) return false;
    d->month = (s[4] - '0') * 10 + s[5] - '0';
    d->day = (s[6] - '0') * 10 + s[7] - '0';
    *at += 8;
    return set_year(d, 4,
                    (s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + s[3] - '0') &&
           is_month(2, d->month) && is_day(2, d->day);
}

static bool read_date(const char **at, ls_date *d)
{
    int first;
    const char *start = *at;
    if (read_compact(at, d)) return true;
    *d = (ls_date){0};
    skip_weekday(at);
    if ((d->month = read_month(at))) return read_after_month(at, d);
    start = *at;
    int digits = read_number(at, &first);
    if (digits == 0 || digits > 4) return false;
    const char *behind = *at;
    if (read_numeric(at, digits, first, d)) return true;
    *d = (ls_date){0};
    *at = behind;
    if (start == behind) return false;
    return read_named(at, digits, first, d);
}

/* "2 days 03:04:05" or a time alone. */
static bool read_duration(const char **at, ls_date *d)
{
    int days;
    const char *start = *at;
    int digits = read_number(at, &days);
    if (digits && digits < 7 && strncmp(*at, " day", 4) == 0) {
        *at += 4;
        if (**at == 's') ++*at;
        if (**at == ',') ++*at;
        skip_blanks(at);
        if (!read_time(at, false, d)) return false;
        d->hours += 24.0 * days;
        return true;
    }
    *at = start;
    if (!read_time(at, false, d)) return false;
    size_t read = (size_t)(*at - start); /* digits alone are a number */
    return strspn(start, "0123456789") < read &&
           (strchr(start, ':') || (*at)[-1] == 'm' || (*at)[-1] == 'M' || (*at)[-1] == '.');
}

bool ls_parse_date(const char *text, ls_date *out)
{
    ls_date d = {0};
    const char *at = text;
    if (!is_digit(*at) && !is_letter(*at)) return false;
    if (read_date(&at, &d)) {
        bool time_follows = *at == 'T' || *at == ' ' || *at == ',' || *at == ':';
        if (time_follows) {
            bool compact = *at == 'T';
            at++;
            skip_blanks(&at);
            if (!read_time(&at, compact, &d)) return false;
        }
    } else {
        d = (ls_date){0};
        at = text;
        if (!read_duration(&at, &d)) return false;
    }
    if (*at != '\0') return false;
    if (out) *out = d;
    return true;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, chrono-compatible low-level
 * date algorithms). */
static long days_from_civil(int year, int month, int day)
{
    long y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400,
         of_era = y - era * 400;
    long of_year = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool ls_date_number(const ls_date *d, double *out)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (d->month == 0) {
        *out = d->hours;
        return true;
    }
    if (d->no_year) return false;
    long days;
    if (d->month == 13) { /* week 1 has January 4 */
        long fourth = days_from_civil(d->year, 1, 4), weekday = ((fourth + 3) % 7 + 7) % 7;
        days = fourth - weekday + d->day - 1;
    } else {
        int day = d->day ? d->day : 1;
        bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
        if (day > lengths[d->month - 1] || (d->month == 2 && day == 29 && !leap)) return false;
        days = days_from_civil(d->year, d->month, day);
    }
    *out = (double)days + (d->hours - d->zone) / 24;
    return true;
}

bool ls_read_date(const char *text, char order, double *out)
{
    ls_date d;
    if (!ls_parse_date(text, &d) || (d.month == 0) != (order == LS_DATES_TIMES)) return false;
    if (order == LS_DATES_OPEN) return ls_date_number(&d, out);
    bool day_first = order == LS_DATES_DAY_FIRST, month_first = order == LS_DATES_MONTH_FIRST;
    if ((d.day_first && !day_first) || (d.month_first && !month_first)) return false;
    if (d.other_day && !day_first && !month_first) return false;
    if (d.other_day && order == LS_DATES_DAY_FIRST) d.day = d.other_day, d.month = d.other_month;
    return ls_date_number(&d, out);
}
