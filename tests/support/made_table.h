/* SPDX-License-Identifier: MIT */
/* Tables drawn from a seed, together with the truth of what they say: which columns are numbers,
 * the value of each number, the text of each category and class. Shares no code with the readers.
 */
#ifndef SUPPORT_MADE_TABLE_H
#define SUPPORT_MADE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MADE_COLUMNS = 7, MADE_ROWS = 40, MADE_TEXT = 48 };

/* What a column holds. */
typedef enum {
    MADE_DECIMALS,  /* -12.5 */
    MADE_WHOLES,    /* 12 */
    MADE_SPELLINGS, /* +1.5, .5, 2., 1e3 */
    MADE_TIMES,     /* 1700000040: float32 alone would join them */
    MADE_DAYS,      /* 20240301 */
    MADE_HUGE,      /* 1.5e30 */
    MADE_TINY,      /* 1.5e-30 */
    MADE_CONSTANT,  /* one number */
    MADE_THOUSANDS, /* 1,234 */
    MADE_MARKED,    /* different numbers, and one text that stands for a missing value */
    MADE_WORDS,     /* texts */
    MADE_ONE_WORD,  /* one text */
    MADE_CODES,     /* 007, 7: digits that are categories by an option */
    MADE_MIXED,     /* texts, and numbers among them */
    MADE_DATES,     /* must be refused */
    MADE_CLASS_WORDS,
    MADE_CLASS_WHOLES,    /* 0, 1, 2 */
    MADE_CLASS_ZEROS,     /* 007, 012, 7 */
    MADE_CLASS_LONG,      /* 9007199254740993 */
    MADE_CLASS_SPELLINGS, /* 1 = +1 = 1.0 = 1. */
    MADE_CLASS_POWERS,    /* 1E3, 1000, 1.10, 1.1: four classes */
    MADE_CLASS_CASES,     /* True, true, TRUE: three classes */
    MADE_TARGET,          /* numbers to predict */
    MADE_KINDS
} made_kind;

/* A random number generator (splitmix64). */
typedef struct {
    uint64_t state;
} made_random;

uint64_t made_next(made_random *random);
size_t made_below(made_random *random, size_t count);
bool made_chance(made_random *random, unsigned percent);

/* What a table must respect so that a file can hold it. */
typedef struct {
    char separator;            /* ' ': white space */
    char decimal;              /* ',' or '.' */
    char thousands;            /* or 0 */
    bool quotes;               /* texts that need quotes have them */
    bool class_anywhere;       /* else the class is the last column */
    const bool *kinds;         /* [MADE_KINDS] those that may occur */
    const char *const *gaps;   /* texts for missing numbers, ends with NULL */
    const char *const *absent; /* texts for missing categories, ends with NULL */
} made_limits;

typedef struct {
    char text[MADE_TEXT]; /* as spelled in the file, without quotes */
    bool missing;
    double value; /* of a number */
} made_cell;

typedef struct {
    char name[MADE_TEXT];
    made_kind kind;
    bool numeric;
    bool dropped; /* by an option */
} made_column;

typedef struct {
    size_t rows, columns, target;
    made_column column[MADE_COLUMNS];
    made_cell cell[MADE_ROWS][MADE_COLUMNS];
} made_table;

void made_draw_table(made_random *random, const made_limits *limits, made_table *table);

/* Whether a text needs quotes in a file with this separator. */
bool made_needs_quotes(const char *text, char separator);

/* A text with whole numbers in their plain spelling: texts name the same class or category if these
 * are equal. */
void made_same_name(const char *text, char out[MADE_TEXT]);

/* The name that is shown for the category or class of a cell: its spelling if all rows spell it
 * so, else the plain one. Returns whether several spellings were joined. */
bool made_shown_name(const made_table *table, size_t row, size_t column, char out[MADE_TEXT]);

#endif
