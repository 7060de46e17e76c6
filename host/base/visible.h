/* SPDX-License-Identifier: MIT */
/* Text for terminals: whatever a name from a file holds, a terminal shows it and obeys none of it.
 *
 * Each control character (C0, DEL, C1), each line or paragraph separator and direction control of
 * Unicode, and each byte that is not UTF-8 becomes a question mark. Widths are in characters, one
 * per code point. */
#ifndef LS_VISIBLE_H
#define LS_VISIBLE_H

#include "host/base/text.h"

#include <stdarg.h>

/* Copies text that way: at most size - 1 bytes, whole characters, and a NUL. Returns whether all of
 * it was copied. */
bool ls_visible_copy(char *to, size_t size, const char *text);

/* The next character of a text that has not ended, as it is shown (*shown bytes), and the number of
 * bytes of the text that it stands for. */
const char *ls_visible_next(const char *text, size_t *bytes, size_t *shown);

/* Number of bytes of the control character at the start of a text, and its code point; 0 if there
 * is none. */
size_t ls_control_bytes(const char *text, unsigned *code);

/* Number of characters of the text. */
size_t ls_visible_width(const char *text);

/* As ls_text_add, with the texts of %s made visible. Their width and precision are in characters.
 * Supported are %s, %c, %%, and the integers and doubles of printf. */
void ls_text_show(ls_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ls_text_vshow(ls_text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
