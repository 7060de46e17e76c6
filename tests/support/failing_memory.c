/* SPDX-License-Identifier: MIT */
/* A library for LD_PRELOAD in which the program's allocation number LOCKSTEP_FAIL_AT (from 1)
 * fails, those of the libraries that it uses included. LOCKSTEP_FAIL_LOG: a file that is created
 * then; if it does not appear, there were fewer. Other programs are left alone. For glibc. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __GLIBC__
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static long left; /* allocations until the one that fails; 0: none does */

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("LOCKSTEP_FAIL_AT");
    if (at && !strcmp(program_invocation_short_name, "lockstep")) left = atol(at);
}

static int fails(void)
{
    if (__atomic_load_n(&left, __ATOMIC_RELAXED) <= 0) return 0;
    if (__atomic_sub_fetch(&left, 1, __ATOMIC_RELAXED) != 0) return 0;
    const char *path = getenv("LOCKSTEP_FAIL_LOG");
    long file = syscall(SYS_openat, AT_FDCWD, path ? path : "", O_WRONLY | O_CREAT, 0600);
    if (file >= 0) syscall(SYS_close, file);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }
void *realloc(void *memory, size_t size) { return fails() ? NULL : __libc_realloc(memory, size); }
void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}
#else
typedef int no_failing_memory; /* C does not allow an empty file */
#endif
