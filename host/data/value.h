/* SPDX-License-Identifier: MIT */
/* What the text of a field stands for: a number or a missing value. */
#ifndef LS_VALUE_H
#define LS_VALUE_H

#include "host/base/error.h"

#include <math.h>

/* Whether text is a finite number and nothing else. */
bool ls_parse_number(const char *text, double *out);
/* The same. *precise: it may have more than six digits, so that float32 may not tell it from its
 * neighbours. */
bool ls_parse_digits(const char *text, double *out, bool *precise);

/* Whether a number is finite as a 32-bit float; false for NaN. From 0x1.ffffffp127 on a double
 * rounds to an infinite float. */
static inline bool ls_fits_float(double value) { return fabs(value) < 0x1.ffffffp127; }

/* Whether text stands for a missing value: nothing, ?, NA, N/A, NaN or null in any case. */
bool ls_is_missing_text(const char *text);

/* At most 40 characters of a text, for messages: control characters become '?'. */
typedef struct {
    char text[48];
} ls_excerpt;
ls_excerpt ls_excerpt_of(const char *text);

#endif
