/* SPDX-License-Identifier: MIT */
/* Unpacks gzip (RFC 1952) piece by piece. Built with zlib; without it gzip_none.c stands in and
 * says so. */
#ifndef LS_GZIP_H
#define LS_GZIP_H

#include "host/base/error.h"

typedef struct ls_gzip ls_gzip;

/* Whether the bytes begin like a gzip file. */
static inline bool ls_is_gzip(const char *bytes, size_t size)
{
    return size >= 2 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b;
}

/* path: for messages; it must outlive the object. */
ls_status ls_gzip_open(const char *path, ls_gzip **out, ls_error *err);
void ls_gzip_close(ls_gzip *gzip);

/* Unpacks what it can of packed[size] into to[room], all members one after the other: *used bytes
 * of the one became *made of the other. last: nothing follows those packed bytes; *made is then 0
 * only where all is unpacked. Where it is not last, *used and *made may both be 0: more packed
 * bytes are needed. */
ls_status ls_gzip_unpack(ls_gzip *gzip, const char *packed, size_t size, bool last, char *to,
                         size_t room, size_t *used, size_t *made, ls_error *err);

#endif
