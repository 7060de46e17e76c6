/* SPDX-License-Identifier: MIT */
#include "host/base/memory.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNMENT = 64, PAGE = 4096, MAPPED = 1 << 16 /* bytes from which blocks are mapped */ };

bool ls_mul_size(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool ls_add_size(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}

/* The machine's memory in units of PAGE bytes, which fit a size_t on every machine. The kernel may
 * grant more, and kill the program when it uses it. */
static size_t machine_pages(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * ((size_t)size / PAGE) : SIZE_MAX;
}

/* *bytes = count × size, and *with_room = the same plus room for alignment. */
static ls_status check_size(size_t count, size_t size, const char *what, size_t *bytes,
                            size_t *with_room, ls_error *err)
{
    size_t padded = 0;
    if (!ls_mul_size(count, size, bytes) || !ls_add_size(*bytes, ALIGNMENT, &padded) ||
        padded > PTRDIFF_MAX) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: %zu x %zu bytes are more than this machine can address; use less data",
                       what, count, size);
    }
    if (padded > (size_t)1 << 28 && padded / PAGE > machine_pages()) {
        return ls_fail(
            err, LS_ERR_MEMORY,
            "out of memory: %.1f GB for %s are more than this machine has; use less data, a "
            "smaller network or a smaller batch",
            (double)padded * 1e-9, what);
    }
    *with_room = padded;
    return LS_OK;
}

ls_status ls_alloc(void *out, size_t count, size_t size, const char *what, ls_error *err)
{
    void *memory = NULL;
    size_t bytes = 0, padded = 0;
    assert(out && what);
    memcpy(out, &memory, sizeof memory); /* out is the address of a pointer of any type */
    LS_TRY(check_size(count, size, what, &bytes, &padded, err));
    padded -= padded % ALIGNMENT; /* aligned_alloc takes multiples of the alignment, and 0 must
                                        give a pointer */
    if (bytes > padded || padded == 0) padded += ALIGNMENT;
    memory = aligned_alloc(ALIGNMENT, padded);
    if (!memory) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "out of memory: no room for %s (%zu bytes); use less data or free memory",
                       what, bytes);
    }
    memset(memory, 0, padded);
    memcpy(out, &memory, sizeof memory);
    return LS_OK;
}

static ls_status map(void *out, size_t count, size_t size, size_t bytes, int flags,
                     const char *what, ls_error *err)
{
    void *memory;
    if (bytes < MAPPED) return ls_alloc(out, count, size, what, err);
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (memory == MAP_FAILED) {
        return ls_fail(err, LS_ERR_MEMORY,
                       "out of memory: no room for %s (%zu bytes); use less data or free memory",
                       what, bytes);
    }
    memcpy(out, &memory, sizeof memory);
    return LS_OK;
}

ls_status ls_reserve(void *out, size_t count, size_t size, const char *what, ls_error *err)
{
    void *memory = NULL;
    size_t bytes = 0, padded = 0;
    memcpy(out, &memory, sizeof memory);
    LS_TRY(check_size(count, size, what, &bytes, &padded, err));
    return map(out, count, size, bytes, 0, what, err);
}

ls_status ls_reserve_sparse(void *out, size_t count, size_t size, const char *what, ls_error *err)
{
    void *memory = NULL;
    size_t bytes;
    memcpy(out, &memory, sizeof memory);
    if (!ls_mul_size(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return ls_fail(err, LS_ERR_MEMORY,
                       "%s: %zu x %zu bytes are more than this machine can address; use less data",
                       what, count, size);
    return map(out, count, size, bytes, MAP_NORESERVE, what, err);
}

void ls_release(void *memory, size_t count, size_t size)
{
    if (!memory) return;
    if (count * size < MAPPED) free(memory);
    else munmap(memory, count * size);
}

ls_status ls_grow(void *array, size_t *capacity, size_t wanted, size_t size, const char *what,
                  ls_error *err)
{
    void *old, *more;
    assert(size > 0);
    size_t doubled = *capacity <= SIZE_MAX / 2 ? 2 * *capacity : SIZE_MAX;
    if (wanted <= *capacity) return LS_OK;
    if (wanted < doubled) wanted = doubled;
    LS_TRY(ls_alloc(&more, wanted, size, what, err));
    memcpy(&old, array, sizeof old); /* array is the address of a pointer of any type */
    if (old) memcpy(more, old, *capacity * size);
    free(old);
    memcpy(array, &more, sizeof more);
    *capacity = wanted;
    return LS_OK;
}

size_t ls_most_bytes(void)
{
    size_t bytes;
    return ls_mul_size(machine_pages(), PAGE, &bytes) ? bytes / 2 : SIZE_MAX / 4;
}
