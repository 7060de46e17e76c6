/* SPDX-License-Identifier: MIT */
/* Decompresses gzip (RFC 1952) piece by piece with zlib. Without zlib, gzip_none.c takes the place
 * of gzip.c and refuses gzip files. */
#ifndef LS_GZIP_H
#define LS_GZIP_H

#include "host/base/error.h"

typedef struct ls_gzip ls_gzip;

/* Whether the bytes are the start of a gzip file. */
static inline bool ls_is_gzip(const char *bytes, size_t size)
{
    return size >= 2 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b;
}

/* path: for messages; must outlive the object. */
ls_status ls_gzip_open(const char *path, ls_gzip **out, ls_error *err);
void ls_gzip_close(ls_gzip *gzip);

/* Decompresses packed[size] into to[room], all members one after the other: *used bytes of `packed`
 * became *made bytes of `to`. last: no more compressed bytes follow; *made is then 0 only at the
 * end of the data. If not last, *used and *made may both be 0: more compressed bytes are needed. */
ls_status ls_gzip_unpack(ls_gzip *gzip, const char *packed, size_t size, bool last, char *to,
                         size_t room, size_t *used, size_t *made, ls_error *err);

/* Decompresses deflate (RFC 1951) into exactly `room` bytes. Errors: LS_ERR_DATA if there are more
 * or fewer; LS_ERR_UNSUPPORTED without zlib. */
ls_status ls_deflate_unpack(const char *path, const char *packed, size_t size, char *to,
                            size_t room, ls_error *err);
/* Whether bytes have this CRC-32; true without zlib. */
bool ls_crc_is(const char *bytes, size_t size, uint32_t crc);

#endif
