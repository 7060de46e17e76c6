/* SPDX-License-Identifier: MIT */
/* Stands in for gzip.c where zlib is missing. */
#include "gzip.h"

ls_status ls_gunzip(const char *path, const char *packed, size_t packed_size, char **bytes, size_t *size, ls_error *err)
{
    (void)packed, (void)packed_size, (void)bytes, (void)size;
    return ls_fail(err, LS_ERR_UNSUPPORTED, "%s: is gzip-compressed, and this build cannot unpack that (zlib was not found when it was "
                   "built); unpack it first: gunzip -k %s", path, path);
}
