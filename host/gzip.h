/* SPDX-License-Identifier: MIT */
/* Unpacks gzip (RFC 1952). Built with zlib; without it gzip_none.c stands in and says so. */
#ifndef LS_GZIP_H
#define LS_GZIP_H

#include "common.h"

/* Whether the bytes begin like a gzip file. */
static inline bool ls_is_gzip(const char *bytes, size_t size)
{
    return size >= 2 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b;
}

/* What packed unpacks to, all members one after the other, with a NUL behind it (not counted in *size). path is for messages.
 * Freed with free(). */
ls_status ls_gunzip(const char *path, const char *packed, size_t packed_size, char **bytes, size_t *size, ls_error *err);

#endif
