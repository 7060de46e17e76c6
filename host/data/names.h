/* SPDX-License-Identifier: MIT */
/* Names of classes and categories: when two texts are the same name, and the order of names. Both
 * depend on the texts alone. */
#ifndef LS_NAMES_H
#define LS_NAMES_H

#include "host/base/error.h"

#include <stdbool.h>

/* A plain whole number: an optional sign, digits without leading zeros, optionally a point and
 * zeros. 1, +1, 1. and 1.0 are the same one; 007, 1E3 and 1.10 are none. */
typedef struct {
    bool negative; /* false for zero */
    const char *digits;
    size_t count; /* of digits */
} ls_whole;

/* The text without the blanks at its ends, which are no part of a name: spaces, tabs, line ends,
 * and in UTF-8 no-break, thin and narrow no-break spaces. */
const char *ls_trimmed(const char *text, size_t *length);

bool ls_plain_whole(const char *text, ls_whole *out);

/* Whether two texts are one name: they are equal, or both are plain whole numbers of one value. */
bool ls_is_one_name(const char *a, const char *b);

/* Order by value of two texts that are numbers with these values, exactly for plain whole numbers;
 * texts of equal value by their bytes. Less than, equal to, or greater than 0. */
int ls_compare_numbers(const char *a, double a_value, const char *b, double b_value);

/* Index of the known name that text, which has no blanks at its ends, is, or count. A full stop at
 * the end of text is ignored if it is not known otherwise and `stop` is set: the test file of UCI
 * Adult has one behind each class.
 */
size_t ls_find_name(const char *text, const char *const *known, size_t count, bool stop);

#endif
