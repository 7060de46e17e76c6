/* SPDX-License-Identifier: MIT */
/* Takes the place of gzip.c if zlib is missing. */
#include "host/base/error.h"
#include "host/data/gzip.h"

ls_status ls_gzip_open(const char *path, ls_gzip **out, ls_error *err)
{
    (void)out;
    return ls_fail(
        err, LS_ERR_UNSUPPORTED,
        "%s: is gzip-compressed, and this build cannot decompress it (it was built without zlib); "
        "decompress it first: gunzip -k %s",
        path, path);
}

void ls_gzip_close(ls_gzip *gzip) { (void)gzip; }

ls_status ls_gzip_unpack(ls_gzip *gzip, const char *packed, size_t size, bool last, char *to,
                         size_t room, size_t *used, size_t *made, ls_error *err)
{
    (void)gzip, (void)packed, (void)size, (void)last, (void)to, (void)room, (void)used, (void)made;
    return ls_fail(err, LS_ERR_UNSUPPORTED, "this build cannot decompress gzip");
}

ls_status ls_deflate_unpack(const char *path, const char *packed, size_t size, char *to,
                            size_t room, ls_error *err)
{
    (void)packed, (void)size, (void)to, (void)room;
    return ls_fail(err, LS_ERR_UNSUPPORTED,
                   "%s: is compressed, and this build cannot decompress it (it was built without "
                   "zlib); save it with numpy.savez",
                   path);
}

bool ls_crc_is(const char *bytes, size_t size, uint32_t crc)
{
    (void)bytes, (void)size, (void)crc;
    return true;
}
