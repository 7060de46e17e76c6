/* SPDX-License-Identifier: MIT */
/* Progress on standard error: a line that is drawn again and again in its place, or a board of
 * several lines. No line is longer than the terminal is wide, less one column, so that none wraps;
 * the width is asked for with each drawing, so that it may change.
 *
 * A terminal without these abilities (TERM is unset or "dumb"), a file and a pipe get plain lines,
 * each ended by a newline. No colours are used; with NO_COLOR set, no escape sequence is either. */
#ifndef LS_CLI_PROGRESS_H
#define LS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether standard error is a terminal on which a line can be drawn again. */
bool progress_live(void);

/* Whether a board can be: this takes escape sequences. */
bool progress_boards(void);

/* The columns that a line may have; SIZE_MAX where standard error is no terminal. */
size_t progress_columns(void);
/* The rows of the terminal. */
size_t progress_rows(void);

/* A part of a line. Parts are left out, the one of the highest rank first, until the line fits. */
typedef struct {
    char text[120];
    int rank; /* 0: never left out */
} progress_part;

/* Draws a line in place of the one before, or prints it. What does not fit is cut off. */
void progress_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_parts(const progress_part *part, size_t count);

/* Draws the lines of a text in place of those before. */
void progress_board(const char *text);

/* Removes what is drawn. Everything that is printed otherwise (terminal_print) begins so. */
void progress_clear(void);
/* Leaves it where it is: what is printed next comes below. */
void progress_end(void);

#endif
