/* SPDX-License-Identifier: MIT */
/* CSV files drawn from a seed: a table with the truth of what it says, and a way to write it. The
 * same table can be written whole, row by row, and with rows and columns in another order. */
#ifndef SUPPORT_FILE_MAKER_H
#define SUPPORT_FILE_MAKER_H

#include "host/include/lockstep.h"
#include "tests/support/made_table.h"

enum { MADE_BYTES = 1 << 17 };

/* Ways to write a file and options to read it. */
typedef enum {
    MADE_SEMICOLON = MADE_KINDS,
    MADE_TAB,
    MADE_SPACE,            /* white space */
    MADE_NO_HEADER,        /* unless an option says so, seen by the reader */
    MADE_TEXT_HEADER,      /* a header, or none, where all cells are text */
    MADE_HASH_HEADER,      /* #x,y,class */
    MADE_HASH_HEADER_SAID, /* #x,y,class, and an option that says that there is a header */
    MADE_COMMENTS,         /* # lines above the first record */
    MADE_HASH_DATA,        /* rows that begin with # */
    MADE_OTHER_SEPARATOR,  /* a comma in a text of a file with semicolons */
    MADE_MIDDLE_QUOTES,    /* 5" pipe, without quotes around it */
    MADE_DECIMAL_COMMA,    /* told by the reader */
    MADE_SAID_DECIMAL,     /* by an option */
    MADE_MORE_MARKS,       /* None, <NA>, #N/A, n.a., -, . */
    MADE_SAID_HEADER,      /* by an option */
    MADE_SAID_SEPARATOR,
    MADE_SAID_MARK,
    MADE_SAID_TASK,
    MADE_HARD_BLANKS, /* no-break spaces around fields */
    MADE_GZIP,
    MADE_DROPPED,        /* columns dropped by an option */
    MADE_CLASS_ANYWHERE, /* else the class is the last column */
    MADE_WAYS
} made_way;

typedef enum { MADE_QUOTE_NEVER, MADE_QUOTE_NEEDED, MADE_QUOTE_TEXTS, MADE_QUOTE_ALL } made_quotes;

typedef struct {
    uint64_t seed;
    made_table table;
    char separator, decimal, thousands;
    char header; /* 0: none; '#': with # before it; else '1' */
    made_quotes quotes;
    char end[3]; /* of a line */
    bool last_end, mark, blank_lines, blanks, hard_blanks, comments, gzip;
    bool says_header, says_separator, says_decimal, says_thousands, says_mark, says_task,
        says_target;
    const char *missing; /* how missing values are treated */
    char lists[3][256];  /* target, drop, categorical */
} made_file;

/* Part of a file: rows and columns, by their numbers in the table. */
typedef struct {
    size_t count, row[MADE_ROWS];
    size_t width, column[MADE_COLUMNS];
    bool stranger; /* a row of texts that occur nowhere else, below the others */
} made_part;

/* kinds: [MADE_WAYS], what may occur. */
void made_draw(uint64_t seed, const bool *kinds, made_file *file);

made_part made_whole(const made_file *file);
made_part made_shuffled(const made_file *file, made_random *random);
made_part made_row(const made_file *file, size_t row);

/* Bytes of a file, at most MADE_BYTES. ambiguous (may be NULL): whether another separator splits
 * all records into equal numbers of fields. */
size_t made_write(const made_file *file, const made_part *part, char *out, bool *ambiguous);

/* The options with which the whole file is read. They refer to the file. */
ls_read_options made_options(const made_file *file);

/* Whether the first record cannot be told to be names, or data, by its kind of texts. */
bool made_header_is_a_guess(const made_file *file, const made_part *part);

/* Whether numbers of the file can be read in two ways. */
bool made_numbers_are_a_guess(const made_file *file);

/* Whether a column that is used holds what must be refused. */
bool made_must_be_refused(const made_file *file);

#endif
