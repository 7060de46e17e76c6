/* SPDX-License-Identifier: MIT */
/* A library to preload (glibc): the n-th allocation of the program fails, once.
 *   FAILING_PROGRAM  name of the program concerned; processes that it starts are not
 *   FAILING_AT       n, from 1; 0 for none
 *   FAILING_RANK     only in this process of mpirun, and only calls of aligned_alloc count: MPI
 *                    makes none, and Lockstep makes them
 *   FAILING_COUNT    file that receives the number of allocations when the program ends */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_ulong count;
static unsigned long fail_at;
static atomic_bool active;
static bool aligned_only;

static bool fails(void)
{
    if (!atomic_load(&active) || atomic_fetch_add(&count, 1) + 1 != fail_at) return false;
    errno = ENOMEM;
    return true;
}

static bool any_fails(void) { return !aligned_only && fails(); }

void *malloc(size_t size) { return any_fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return any_fails() ? NULL : __libc_calloc(n, size); }
void *realloc(void *memory, size_t size)
{
    return any_fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = any_fails() ? NULL : __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *out = memory;
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("FAILING_PROGRAM"), *at = getenv("FAILING_AT"),
               *rank = getenv("FAILING_RANK"), *own = getenv("OMPI_COMM_WORLD_RANK");
    if (!own) own = getenv("PMI_RANK");
    fail_at = at ? strtoul(at, NULL, 10) : 0;
    aligned_only = rank != NULL;
    atomic_store(&active, name && !strcmp(name, program_invocation_short_name) &&
                              (!rank || (own && !strcmp(rank, own))));
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAILING_COUNT");
    char text[32];
    if (!atomic_exchange(&active, false) || !path) return;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int length = snprintf(text, sizeof text, "%lu", atomic_load(&count));
    if (file < 0 || write(file, text, (size_t)length) != length) return;
    close(file);
}
