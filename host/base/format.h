/* SPDX-License-Identifier: MIT */
/* Formatting that does not depend on the locale. */
#ifndef LS_FORMAT_H
#define LS_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* vsnprintf with '.' as the decimal point whatever the program's locale is. Changes the locale of
 * the calling thread only, and restores it. */
int ls_format(char *out, size_t size, const char *format, va_list arguments);

#endif
