/* SPDX-License-Identifier: MIT */
/* Zip archives in memory, as far as numpy.savez writes them: stored or deflated members of less
 * than 4 GiB. Archives may come from strangers: every size is checked before it is used. */
#ifndef LS_ZIP_H
#define LS_ZIP_H

#include "host/base/error.h"

enum { LS_ZIP_MOST_MEMBERS = 64, LS_ZIP_MOST_NAME = 64 };

typedef struct {
    char name[LS_ZIP_MOST_NAME + 1]; /* cut off, if it is longer */
    const char *packed;              /* its bytes in the archive */
    size_t packed_size, size;        /* there, and unpacked */
    bool deflated;
    uint32_t crc;
} ls_zip_member;

typedef struct {
    ls_zip_member member[LS_ZIP_MOST_MEMBERS];
    size_t count;
} ls_zip;

/* Reads the directory of an archive. path: for messages. Errors: LS_ERR_DATA for an archive that is
 * damaged, encrypted, in parts, too large or of too many members. */
ls_status ls_zip_read(const char *path, const char *bytes, size_t size, ls_zip *out, ls_error *err);

/* Unpacks a member into new bytes, with a NUL behind them. Errors: LS_ERR_DATA if it is damaged;
 * LS_ERR_UNSUPPORTED for a deflated one without zlib. */
ls_status ls_zip_unpack(const char *path, const ls_zip_member *member, char **out, ls_error *err);

#endif
