/* SPDX-License-Identifier: MIT */
/* A library for LD_PRELOAD in which one call for files fails: the program's call number
 * LOCKSTEP_FAIL_AT (from 1) of open, write, fsync, rename, close, mkdir, mkdtemp or mkostemp. A
 * write is cut to its half first, as by a disk that becomes full, and the next one fails. What
 * failed is appended to the file LOCKSTEP_FAIL_LOG; if it does not appear, there were fewer calls.
 * Other programs, and child processes, are left alone. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long left = -1; /* calls until the one that fails; -1: none does */
static int torn = -1;  /* descriptor whose next write fails */
static pid_t owner;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("LOCKSTEP_FAIL_AT");
    if (at && !strcmp(program_invocation_short_name, "lockstep")) left = atol(at);
    owner = getpid();
}

static void tell(const char *call, const char *what)
{
    const char *path = getenv("LOCKSTEP_FAIL_LOG");
    char line[600];
    int n = snprintf(line, sizeof line, "%s %s\n", call, what);
    long file = syscall(SYS_openat, AT_FDCWD, path ? path : "", O_WRONLY | O_CREAT | O_APPEND,
                        0600);
    if (file < 0) return;
    syscall(SYS_write, file, line, n);
    syscall(SYS_close, file);
}

/* Counts a call. Returns whether it fails. */
static int fails(const char *call, const char *what)
{
    if (left <= 0 || getpid() != owner || --left > 0) return 0;
    left = -1;
    tell(call, what);
    return 1;
}

static int fails_on(const char *call, int file)
{
    char link[64], path[500];
    if (left <= 0 || file < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    return fails(call, path);
}

static int fail(int code)
{
    errno = code;
    return -1;
}

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, #name))

static int open_file(const char *path, int flags, unsigned mode)
{
    if (fails("open", path)) return fail(flags & O_CREAT ? ENOSPC : EIO);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, unsigned) : 0;                \
        va_end(list);                                                                              \
        return open_file(path, flags, mode);                                                       \
    }
OPEN(open)
OPEN(open64)
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags) { return open_file(path, flags, 0); }
int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags) { return open_file(path, flags, 0); }

ssize_t write(int file, const void *bytes, size_t size)
{
    if (torn >= 0 && torn == file) {
        torn = -1;
        return fail(ENOSPC);
    }
    if (fails_on("write", file)) {
        if (size < 2) return fail(ENOSPC);
        torn = file;
        size /= 2;
    }
    return syscall(SYS_write, file, bytes, size);
}

int fsync(int file) { return fails_on("fsync", file) ? fail(EIO) : (int)syscall(SYS_fsync, file); }

int close(int file)
{
    int failed = fails_on("close", file), result = (int)syscall(SYS_close, file);
    if (torn == file) torn = -1;
    return failed ? fail(EIO) : result;
}

int rename(const char *from, const char *to)
{
    return fails("rename", to) ? fail(ENOSPC)
                               : REAL(rename, int (*)(const char *, const char *))(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    return fails("mkdir", path) ? fail(ENOSPC)
                                : REAL(mkdir, int (*)(const char *, mode_t))(path, mode);
}

char *mkdtemp(char *path)
{
    if (!fails("mkdtemp", path)) return REAL(mkdtemp, char *(*)(char *))(path);
    errno = ENOSPC;
    return NULL;
}

int mkostemp(char *path, int flags)
{
    return fails("mkostemp", path) ? fail(ENOSPC)
                                   : REAL(mkostemp, int (*)(char *, int))(path, flags);
}
