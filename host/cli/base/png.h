/* SPDX-License-Identifier: MIT */
/* Small pictures as PNG (ISO/IEC 15948). They are not compressed, so that their bytes do not depend
 * on a library's version. */
#ifndef LS_CLI_PNG_H
#define LS_CLI_PNG_H

#include "host/base/text.h"

/* Bytes of a picture: an image or a row of them may have this many at most. */
enum { PNG_MOST = 4096 };

/* Adds "data:image/png;base64,..." of high × wide pixels, row by row, with 1 channel (grey) or 3
 * (red, green, blue), one byte each; at most PNG_MOST bytes. */
void png_add_uri(ls_text *out, const unsigned char *pixel, size_t high, size_t wide,
                 size_t channels);

#endif
