/* SPDX-License-Identifier: MIT */
#include "host/cli/run/live_file.h"
#include "host/base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ls_status failed(const live_file *s, const char *verb, ls_error *err)
{
    int cause = errno;
    const char *hint = "check the path and its permissions";
    if (cause == ENOSPC || cause == EDQUOT) hint = "free some space or choose another folder";
    if (cause == EFBIG) hint = "the limit on file sizes (ulimit -f) is reached";
    if (cause == EEXIST) hint = "another process has created this file";
    if (cause == ENOENT) hint = "create the folder first";
    if (cause == EPIPE) hint = "its reader has closed the pipe";
    return ls_fail(err, LS_ERR_IO, "%s: cannot %s: %s; %s", s->path, verb, strerror(cause), hint);
}

ls_status live_file_open(live_file *s, const char *path, bool fresh, ls_error *err)
{
    struct stat about;
    s->path = path;
    s->whole = 0;
    s->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (fresh ? O_EXCL : O_TRUNC),
                   0666) +
              1;
    if (!s->file) return failed(s, "open", err);
    s->regular = fstat(s->file - 1, &about) == 0 && S_ISREG(about.st_mode);
    return LS_OK;
}

ls_status live_file_write(live_file *s, const void *bytes, size_t size, ls_error *err)
{
    const size_t record = size;
    for (const char *at = bytes; size > 0;) {
        ssize_t written = write(s->file - 1, at, size);
        if (written < 0 && errno == EINTR) continue; /* Ctrl-C; the training checks interrupted() */
        if (written < 0) {
            ls_status status = failed(s, "write", err);
            /* readers expect whole lines; if this fails, too, nothing more can be done */
            if (s->regular && size < record && ftruncate(s->file - 1, s->whole) == 0)
                (void)lseek(s->file - 1, s->whole, SEEK_SET);
            return status;
        }
        at += written;
        size -= (size_t)written;
    }
    s->whole += (off_t)record;
    return LS_OK;
}

ls_status live_file_close(live_file *s, ls_error *err)
{
    int file = s->file - 1;
    ls_status status = LS_OK;
    s->file = 0;
    if (file < 0) return LS_OK;
    if (s->regular && fsync(file) != 0 && errno != EINVAL && errno != ENOTSUP)
        status = failed(s, "write", err);
    if (close(file) != 0 && status == LS_OK) status = failed(s, "write", err);
    return status;
}
