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
    if (fflush(stdout) != 0 || !write_all(STDOUT_FILENO, bytes, size)) {
        return ls_fail(err, LS_ERR_IO, "standard output: cannot write: %s; check where it goes",
                       strerror(errno));
    }
    return LS_OK;
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

struct ls_sink {
    const char *path;
    int file;          /* -1 for standard output */
    char *target;      /* path without symbolic links: their target is replaced, not the link */
    char *folder;      /* of the target: ends in '/' or is empty */
    ls_text temporary; /* path of the temporary file, or empty */
    mode_t mode;       /* permissions to keep, or 0 */
};

static ls_status open_temporary(ls_sink *s, ls_error *err)
{
    const char *real = s->target ? s->target : s->path;
    if (!(s->folder = ls_strdup(real)))
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name; free memory", s->path);
    char *slash = strrchr(s->folder, '/');
    if (slash) slash[1] = '\0';
    else s->folder[0] = '\0';
    s->file = create_temporary(s->folder, &s->temporary);
    if (s->file >= 0) return LS_OK;
    s->temporary.length = 0;
    return write_failed(err, s->path, "create a file beside it");
}

static ls_status open_sink(ls_sink *s, ls_error *err)
{
    struct stat info;
    if (strcmp(s->path, "-") == 0) return LS_OK;
    if (*s->path == '\0')
        return ls_fail(err, LS_ERR_ARGUMENT, "the name of the file to write is empty; give one");
    s->target = realpath(s->path, NULL);
    if (!s->target || stat(s->target, &info) != 0) return open_temporary(s, err);
    if (S_ISDIR(info.st_mode))
        return ls_fail(err, LS_ERR_IO, "%s: is a folder; give the name of a file in it", s->path);
    s->mode = info.st_mode & 0777;
    if (S_ISREG(info.st_mode)) return open_temporary(s, err);
    /* a device or a pipe, which a rename cannot replace */
    s->file = open(s->target, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return s->file < 0 ? write_failed(err, s->path, "open") : LS_OK;
}

ls_status ls_sink_open(const char *path, ls_sink **out, ls_error *err)
{
    ls_sink *s;
    LS_TRY(ls_alloc(&s, 1, sizeof *s, "writing", err));
    *s = (ls_sink){.path = path, .file = -1};
    ls_status status = open_sink(s, err);
    if (status != LS_OK) ls_sink_drop(s);
    else *out = s;
    return status;
}

const char *ls_sink_temporary(const ls_sink *s)
{
    return s->temporary.length ? s->temporary.text : NULL;
}

ls_status ls_sink_write(ls_sink *s, const void *bytes, size_t size, ls_error *err)
{
    if (s->file < 0) return write_stdout(bytes, size, err);
    return write_all(s->file, bytes, size) ? LS_OK : write_failed(err, s->path, "write");
}

/* Closes the file and moves it to its path. */
static ls_status complete(ls_sink *s, ls_error *err)
{
    const char *temporary = ls_sink_temporary(s);
    ls_status status = LS_OK;
    if (s->file < 0) return LS_OK;
    if (temporary && fsync(s->file) != 0) status = write_failed(err, s->path, "write");
    if (temporary && status == LS_OK && s->mode != 0 && fchmod(s->file, s->mode) != 0)
        status = write_failed(err, s->path, "set permissions");
    if (close(s->file) != 0 && status == LS_OK) status = write_failed(err, s->path, "write");
    s->file = -1;
    if (!temporary || status != LS_OK) return status;
    if (rename(temporary, s->target ? s->target : s->path) != 0)
        return write_failed(err, s->path, "replace the file");
    s->temporary.length = 0;
    return sync_folder(s->folder, s->path, err);
}

ls_status ls_sink_finish(ls_sink *s, ls_error *err)
{
    ls_status status = complete(s, err);
    ls_sink_drop(s);
    return status;
}

void ls_sink_drop(ls_sink *s)
{
    if (!s) return;
    if (s->file >= 0) close(s->file);
    if (ls_sink_temporary(s)) unlink(s->temporary.text);
    free(s->temporary.text);
    free(s->target);
    free(s->folder);
    free(s);
}

ls_status ls_write_file(const char *path, const void *bytes, size_t size, ls_error *err)
{
    ls_sink *sink;
    assert(bytes || size == 0);
    LS_TRY(ls_sink_open(path, &sink, err));
    ls_status status = ls_sink_write(sink, bytes, size, err);
    if (status == LS_OK) return ls_sink_finish(sink, err);
    ls_sink_drop(sink);
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

/* Checks that the open file is a regular file or, if those are allowed, a pipe. */
static ls_status check_readable(int file, const char *path, bool pipes, size_t *size, ls_error *err)
{
    struct stat info;
    if (fstat(file, &info) != 0) {
        return ls_fail(err, LS_ERR_IO, "%s: cannot read its properties: %s; check the path", path,
                       strerror(errno));
    }
    if (S_ISDIR(info.st_mode))
        return ls_fail(err, LS_ERR_IO, "%s: is a folder, not a file; name a file in it", path);
    if (!S_ISREG(info.st_mode) && !pipes)
        return ls_fail(err, LS_ERR_IO,
                       "%s: is a pipe or a device, not a file; it is not read from there", path);
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

static ls_status open_file(const char *path, bool pipes, int *file, size_t *size, ls_error *err)
{
    /* the end of a pipe would wait for a writer */
    *file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (pipes ? 0 : O_NONBLOCK));
    if (*file < 0) {
        return ls_fail(err, LS_ERR_IO, "%s: cannot open: %s; check the path and its permissions",
                       path, strerror(errno));
    }
    ls_status status = check_readable(*file, path, pipes, size, err);
    if (status != LS_OK) close(*file);
    return status;
}

ls_status ls_open_file(const char *path, int *file, size_t *size, ls_error *err)
{
    return open_file(path, true, file, size, err);
}

ls_status ls_open_regular(const char *path, int *file, size_t *size, ls_error *err)
{
    return open_file(path, false, file, size, err);
}

ls_status ls_open_stdin(int *file, size_t *size, ls_error *err)
{
    struct stat info;
    *file = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (*file < 0 || fstat(*file, &info) != 0) {
        ls_status status = ls_fail(err, LS_ERR_IO, "standard input: cannot read: %s",
                                   strerror(errno));
        if (*file >= 0) close(*file);
        return status;
    }
    if (S_ISDIR(info.st_mode)) {
        close(*file);
        return ls_fail(err, LS_ERR_IO, "standard input: is a folder, not a file");
    }
    off_t at = S_ISREG(info.st_mode) ? lseek(*file, 0, SEEK_CUR) : 0;
    *size = S_ISREG(info.st_mode) && info.st_size > at ? (size_t)(info.st_size - at) : 0;
    return LS_OK;
}

ls_status ls_read_some(int file, const char *path, char *bytes, size_t most, size_t *size,
                       ls_error *err)
{
    *size = 0;
    while (*size < most) {
        size_t left = most - *size;
        ssize_t got = read(file, bytes + *size, left < (1u << 30) ? left : (1u << 30));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return ls_fail(err, LS_ERR_IO, "%s: cannot read: %s; check the file and its disk", path,
                           strerror(errno));
        if (got == 0) break;
        *size += (size_t)got;
    }
    return LS_OK;
}

static ls_status read_whole(const char *path, bool pipes, char **bytes, size_t *size, ls_error *err)
{
    int file;
    size_t expected;
    LS_TRY(open_file(path, pipes, &file, &expected, err));
    /* room for a NUL and one more byte, so that reading to the end needs no larger buffer */
    ls_status status = read_all(file, path, expected ? expected + 2 : 65536, bytes, size, err);
    close(file);
    return status;
}

ls_status ls_read_file(const char *path, char **bytes, size_t *size, ls_error *err)
{
    return read_whole(path, true, bytes, size, err);
}

ls_status ls_read_regular(const char *path, char **bytes, size_t *size, ls_error *err)
{
    return read_whole(path, false, bytes, size, err);
}
