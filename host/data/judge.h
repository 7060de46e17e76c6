/* SPDX-License-Identifier: MIT */
/* Decides what a column is whose cells are not all plain numbers. */
#ifndef LS_JUDGE_H
#define LS_JUDGE_H

#include "host/data/dictionary.h"
#include "host/data/spelling.h"

typedef enum {
    LS_COLUMN_NUMBERS,    /* its texts mark missing values */
    LS_COLUMN_COMMAS,     /* numbers with decimal commas: to be read as such */
    LS_COLUMN_CATEGORIES, /* all of its cells are texts */
    /* What is refused: */
    LS_COLUMN_STRAY,   /* numbers, and texts that are mistakes or marks */
    LS_COLUMN_SPELLED, /* numbers in another spelling */
    LS_COLUMN_DATES
} ls_column_kind;

/* The cells of a column. */
typedef struct {
    const ls_dictionary *texts;
    size_t numbers;  /* cells that are numbers */
    size_t distinct; /* different numbers, at most LS_MANY_NUMBERS */
    bool may_comma;  /* a number may have a decimal comma */
} ls_column_cells;

/* Of so many different numbers, texts beside them are no categories. */
enum { LS_MANY_NUMBERS = 11 };

typedef struct {
    ls_column_kind kind;
    size_t example; /* number of a text that shows the kind */
    bool marked;    /* NUMBERS, COMMAS: text `mark` stands for a missing value in this column */
    size_t mark;
    bool told; /* CATEGORIES: it is not obvious, so a note tells it */
} ls_verdict;

/* The texts are not empty. */
ls_verdict ls_judge(const ls_column_cells *cells);

/* Marks of missing values in columns of numbers: None, <NA>, #N/A, n.a., -, . and the like. In
 * columns of text they are texts. */
bool ls_is_weak_mark(const char *text);

#endif
