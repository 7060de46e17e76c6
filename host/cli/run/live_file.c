/* SPDX-License-Identifier: MIT */
#include "host/cli/run/live_file.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
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

ls_status live_file_open(live_file *s, const char *path, live_start start, ls_error *err)
{
    static const int how[] = {[LIVE_NEW] = O_EXCL, [LIVE_REPLACE] = O_TRUNC, [LIVE_GO_ON] = 0};
    struct stat about;
    s->path = path;
    s->whole = 0;
    s->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | how[start], 0666) + 1;
    if (!s->file) return failed(s, "open", err);
    s->regular = fstat(s->file - 1, &about) == 0 && S_ISREG(about.st_mode);
    s->goes_on = start == LIVE_GO_ON && s->regular;
    s->epoch = 0;
    if (!s->goes_on) return LS_OK;
    s->whole = about.st_size;
    return lseek(s->file - 1, 0, SEEK_END) < 0 ? failed(s, "open", err) : LS_OK;
}

/* The epoch of a line, 0 if it has none. */
static uint64_t epoch_of(const char *line, size_t length)
{
    static const char key[] = "\"epoch\":";
    for (size_t i = 0; i + sizeof key <= length; i++)
        if (!memcmp(line + i, key, sizeof key - 1))
            return strtoull(line + i + sizeof key - 1, NULL, 10);
    return 0;
}

ls_status live_file_reach(live_file *s, uint64_t epoch, bool (*usual)(uint64_t epoch),
                          ls_error *err)
{
    char *bytes;
    size_t size, kept = 0;
    bool again = s->goes_on || epoch <= s->epoch, resumed = s->goes_on;
    uint64_t last = 0, expected = epoch - 1;
    s->epoch = epoch;
    s->goes_on = false;
    if (!again || !s->regular) return LS_OK;
    LS_TRY(ls_read_regular(s->path, &bytes, &size, err));
    for (const char *end; kept < size && (end = memchr(bytes + kept, '\n', size - kept));) {
        size_t length = (size_t)(end - bytes) + 1 - kept;
        uint64_t of = epoch_of(bytes + kept, length);
        if (of >= epoch || (of && usual && !usual(of))) break;
        if (of) last = of;
        kept += length;
    }
    free(bytes);
    while (usual && expected && !usual(expected)) expected--;
    s->gap |= resumed && last != expected;
    s->whole = (off_t)kept;
    return ftruncate(s->file - 1, s->whole) == 0 && lseek(s->file - 1, s->whole, SEEK_SET) >= 0
               ? LS_OK
               : failed(s, "cut", err);
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

ls_status live_file_check(const live_file *s, ls_error *err)
{
    if (!s->gap) return LS_OK;
    return ls_fail(err, LS_ERR_IO,
                   "%s: lacks epochs before those of the resumed part: it was changed, removed or "
                   "not yet on disk when the training was interrupted",
                   s->path);
}

uint64_t live_file_last_epoch(const char *path)
{
    char *bytes;
    size_t size;
    uint64_t last = 0;
    if (ls_read_regular(path, &bytes, &size, NULL) != LS_OK) return 0;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - bytes) + 1 - at : size - at;
        uint64_t of = end ? epoch_of(bytes + at, length) : 0;
        if (of > last) last = of;
        at += length;
    }
    free(bytes);
    return last;
}
