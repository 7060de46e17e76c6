/* SPDX-License-Identifier: MIT */
/* Dates and times as they are usually written. */
#ifndef LS_DATES_H
#define LS_DATES_H

#include "host/data/source.h"

/* What a text says. A part that it does not say is 0. */
typedef struct {
    int year, month, day;        /* month 0: a time of day alone */
    int other_day, other_month;  /* 3/4/2024: the reading with the day first; else 0. `day` and
                                    `month` are then the one with the month first. */
    bool day_first, month_first; /* 31/3/2024 or 4.3.2024, 3/31/2024: it has this order */
    bool short_year;             /* of two digits; year is then 1969 to 2068 */
    bool no_year;                /* 31 Mar */
    bool timed, zoned;
    double hours; /* since midnight, or a duration */
    double zone;  /* hours that the zone is ahead of UTC */
} ls_date;

/* Whether the whole text is a date, a time, or both: 2024-03-31, 31.3.2024, 3/31/24, 31-Mar-2024,
 * March 31, 2024, Mar 2024, 2024-03, 2024-W13-7, 2024 03 31, 12:30:05.5, 3 pm,
 * 2024-03-31T12:30:00+02:00, 20240331T1230. A number alone is none. out may be NULL. */
bool ls_parse_date(const char *text, ls_date *out);

/* Reads a date of a column whose dates are written in this ls_date_order. false: it is none, or is
 * written in another one. */
bool ls_read_date(const char *text, char order, double *out);

/* Days from 1970-01-01 00:00 UTC to the date, with a fraction for the time; the first day of a
 * month without a day. A time alone: its hours. false: the date has no year, or does not exist. */
bool ls_date_number(const ls_date *date, double *out);

#endif
