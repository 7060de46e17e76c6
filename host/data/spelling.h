/* SPDX-License-Identifier: MIT */
/* Numbers in other spellings than a programming language's: 5,1 and 1.234,50 and $5 and 3 kg. */
#ifndef LS_SPELLING_H
#define LS_SPELLING_H

#include "host/data/source.h"

/* Ways to write the digits of a number, as bits. */
enum {
    LS_SPELL_POINT = 1,   /* 5.1 */
    LS_SPELL_COMMA = 2,   /* 5,1 */
    LS_SPELL_GROUPED = 4, /* 1,234.5 or 1.234,5 or 1 234 or 1'234: with separators of thousands */
};

/* How far a sign or unit tells that the text is a measurement. */
typedef enum {
    LS_UNIT_NONE,
    LS_UNIT_RELATION, /* < > ~ */
    LS_UNIT_JOINED,   /* any letters: 2door, 10th */
    LS_UNIT_APART,    /* any letters behind a blank: 36 months */
    LS_UNIT_KNOWN     /* a currency, %, a degree, or a usual unit */
} ls_unit;

/* A text with digits that begin after a sign alone, as opposed to a code such as V10. */
typedef struct {
    unsigned ways; /* of which the digits may be */
    ls_unit unit;
    char prefix[8], suffix[16]; /* without blanks at their ends */
    char group;                 /* the separator of thousands of LS_SPELL_GROUPED */
} ls_spelling;

/* Describes a text that is a number in another spelling; false for all other texts, and for plain
 * numbers. */
bool ls_spell(const char *text, ls_spelling *out);

/* Whether text is a number in a spelling that is not read: (1) and 500- for -1 and -500, 1,- for 1,
 * 1/10, 1 1/2, 1.5D+03, 5k and 1.2M, 1_000, or with another minus sign. */
bool ls_is_odd_number(const char *text);

/* Whether text is of digits, blanks and punctuation alone, but neither a range (10-14) nor an
 * interval ([0-10)): as such texts may be numbers, they are no category that goes without saying.
 */
bool ls_is_of_digits(const char *text);

/* Whether the format is that of plain numbers, which ls_parse_number reads. */
bool ls_is_plain_format(const ls_number_format *format);

/* Whether two formats are equal. */
bool ls_same_format(const ls_number_format *a, const ls_number_format *b);

/* Whether the prefix of a format is a relation such as < or ~: then each number has it. */
bool ls_is_relation(const char *prefix);

/* Reads a finite number, or a date, of this format. */
bool ls_parse_formatted(const char *text, const ls_number_format *format, double *out);

/* Reads a number of a column whose numbers may have one unit. The first that occurs is put into the
 * format. bare: numbers without one were read before. false: it is not a number, has another unit,
 * or not the relation that others have. */
bool ls_parse_with_unit(const char *text, ls_number_format *format, bool bare, double *out);

#endif
