/* SPDX-License-Identifier: MIT */
/* Decimal texts of numbers, for files with millions of them. They have '.' as the decimal point in
 * every locale. */
#ifndef LS_DECIMAL_H
#define LS_DECIMAL_H

#include <stddef.h>

/* Room for any of these texts with its NUL. */
enum { LS_DECIMAL_ROOM = 32 };

/* Writes the text of printf("%.9g", (double)value), which reads back as the same float. Returns its
 * length. */
size_t ls_decimal_of_float(float value, char to[LS_DECIMAL_ROOM]);

/* Writes the first of the texts of printf with "%.15g", "%.16g" and "%.17g" that reads back as the
 * same double. Returns its length. */
size_t ls_decimal_of_double(double value, char to[LS_DECIMAL_ROOM]);

#endif
