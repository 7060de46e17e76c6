/* SPDX-License-Identifier: MIT */
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size < (1u << 30) ? size : (1u << 30));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static ls_status write_failed(ls_error *err, const char *path, const char *verb)
{
    int cause = errno;
    const char *hint = "check the path and its permissions";
    if (cause == ENOSPC || cause == EDQUOT) hint = "free some space or choose another folder";
    if (cause == EFBIG) hint = "raise the limit on file sizes (ulimit -f)";
    if (cause == ENOENT) hint = "create the folder first";
    return ls_fail(err, LS_ERR_IO, "%s: cannot %s: %s; %s", path, verb, strerror(cause), hint);
}

static ls_status write_stdout(const void *bytes, size_t size, ls_error *err)
{
    if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout) != 0) {
        return ls_fail(err, LS_ERR_IO, "standard output: cannot write: %s; check where it goes",
                       strerror(errno));
    }
    return LS_OK;
}

/* Writes to devices and pipes, which a rename cannot replace. */
static ls_status write_in_place(const char *path, const void *bytes, size_t size, ls_error *err)
{
    int file = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0) return write_failed(err, path, "open");
    bool written = write_all(file, bytes, size);
    ls_status status = written ? LS_OK : write_failed(err, path, "write");
    if (close(file) != 0 && status == LS_OK) status = write_failed(err, path, "write");
    return status;
}

/* Creates a new file in folder (which ends in '/' or is empty) and stores its path in temporary.
 * Unlike mkstemp, open() with 0666 applies the umask, which cannot be read without changing it for
 * all threads. */
static int create_temporary(const char *folder, ls_text *temporary)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        temporary->length = 0;
        ls_text_add(temporary, "%s.lockstep-%ld-%09ld-%u.tmp", folder, (long)getpid(), now.tv_nsec,
                    attempt);
        if (temporary->failed) {
            errno = ENOMEM;
            return -1;
        }
        int file = open(temporary->text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

/* A rename survives power loss only once the folder is on disk, too. Some file systems cannot sync
 * a folder, and a folder may be writable but not readable; neither is an error. */
static ls_status sync_folder(const char *folder, const char *path, ls_error *err)
{
    int file = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return LS_OK;
    ls_status status = LS_OK;
    if (fsync(file) != 0 && errno != EINVAL && errno != ENOTSUP)
        status = write_failed(err, path, "sync its folder");
    close(file);
    return status;
}

/* Fills the open temporary file, closes it in any case, and moves it to path. mode: permissions to
 * keep, or 0. */
static ls_status fill_and_rename(int file, const char *temporary, const char *path, mode_t mode,
                                 const void *bytes, size_t size, ls_error *err)
{
    ls_status status = LS_OK;
    if (!write_all(file, bytes, size) || fsync(file) != 0)
        status = write_failed(err, path, "write");
    if (status == LS_OK && mode != 0 && fchmod(file, mode) != 0)
        status = write_failed(err, path, "set permissions");
    if (close(file) != 0 && status == LS_OK) status = write_failed(err, path, "write");
    if (status == LS_OK && rename(temporary, path) != 0)
        status = write_failed(err, path, "replace the file");
    return status;
}

static ls_status replace_file(const char *path, mode_t mode, const void *bytes, size_t size,
                              ls_error *err)
{
    char *folder = ls_strdup(path);
    if (!folder)
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name; free memory", path);
    char *slash = strrchr(folder, '/');
    if (slash) slash[1] = '\0';
    else folder[0] = '\0';

    ls_text temporary = {0};
    int file = create_temporary(folder, &temporary);
    ls_status status = LS_OK;
    if (file < 0) {
        status = write_failed(err, path, "create a file beside it");
    } else {
        status = fill_and_rename(file, temporary.text, path, mode, bytes, size, err);
        if (status != LS_OK) unlink(temporary.text);
        else status = sync_folder(folder, path, err);
    }
    free(temporary.text);
    free(folder);
    return status;
}

ls_status ls_write_file(const char *path, const void *bytes, size_t size, ls_error *err)
{
    assert(bytes || size == 0);
    if (strcmp(path, "-") == 0) return write_stdout(bytes, size, err);
    if (*path == '\0')
        return ls_fail(err, LS_ERR_ARGUMENT, "the name of the file to write is empty; give one");

    char *target = realpath(path, NULL); /* replaces the target of a symbolic link, not the link */
    struct stat info;
    mode_t mode = 0;
    ls_status status = LS_OK;
    bool special = false;
    if (target && stat(target, &info) == 0) {
        mode = info.st_mode & 0777;
        special = !S_ISREG(info.st_mode);
        if (S_ISDIR(info.st_mode)) {
            status = ls_fail(err, LS_ERR_IO, "%s: is a folder; give the name of a file in it",
                             path);
        }
    }
    if (status == LS_OK) {
        const char *real = target ? target : path;
        status = special ? write_in_place(real, bytes, size, err)
                         : replace_file(real, mode, bytes, size, err);
    }
    free(target);
    return status;
}

/* Reads to the end: the size of a pipe is unknown, and a file may grow while it is read. */
static ls_status read_all(int file, const char *path, size_t expected, char **bytes, size_t *size,
                          ls_error *err)
{
    size_t capacity = expected, length = 0;
    char *buffer = NULL;
    for (;;) {
        if (!buffer || length + 1 >= capacity) {
            bool fits = !buffer || ls_mul_size(capacity, 2, &capacity);
            char *grown = fits ? realloc(buffer, capacity) : NULL;
            if (!grown) {
                free(buffer);
                return ls_fail(err, LS_ERR_MEMORY,
                               "%s: out of memory after %zu bytes; use a smaller file", path,
                               length);
            }
            buffer = grown;
        }
        size_t room = capacity - length - 1;
        ssize_t got = read(file, buffer + length, room < (1u << 30) ? room : (1u << 30));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            free(buffer);
            return ls_fail(err, LS_ERR_IO, "%s: cannot read: %s; check the file and its disk", path,
                           strerror(errno));
        }
        if (got == 0) break;
        length += (size_t)got;
    }
    buffer[length] = '\0';
    *bytes = buffer;
    *size = length;
    return LS_OK;
}

/* Checks that the open file is a regular file or a pipe. */
static ls_status check_readable(int file, const char *path, size_t *size, ls_error *err)
{
    struct stat info;
    if (fstat(file, &info) != 0) {
        return ls_fail(err, LS_ERR_IO, "%s: cannot read its properties: %s; check the path", path,
                       strerror(errno));
    }
    if (S_ISDIR(info.st_mode))
        return ls_fail(err, LS_ERR_IO, "%s: is a folder, not a file; name a file in it", path);
    if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) {
        return ls_fail(err, LS_ERR_IO,
                       "%s: is neither a file nor a pipe; copy its contents to a file", path);
    }
    if ((uintmax_t)info.st_size > (uintmax_t)PTRDIFF_MAX - 2) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: is larger than this machine can address; use a smaller file", path);
    }
    *size = info.st_size > 0 ? (size_t)info.st_size : 0;
    return LS_OK;
}

ls_status ls_open_file(const char *path, int *file, size_t *size, ls_error *err)
{
    *file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*file < 0) {
        return ls_fail(err, LS_ERR_IO, "%s: cannot open: %s; check the path and its permissions",
                       path, strerror(errno));
    }
    ls_status status = check_readable(*file, path, size, err);
    if (status != LS_OK) close(*file);
    return status;
}

ls_status ls_read_file(const char *path, char **bytes, size_t *size, ls_error *err)
{
    int file;
    size_t expected;
    LS_TRY(ls_open_file(path, &file, &expected, err));
    /* room for a NUL and one more byte, so that reading to the end needs no larger buffer */
    ls_status status = read_all(file, path, expected ? expected + 2 : 65536, bytes, size, err);
    close(file);
    return status;
}
