/* SPDX-License-Identifier: MIT */
#include "host/cli/base/json_memory.h"
#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { RESERVE = 1 << 20, ALIGNMENT = 16 };

/* Pages that nobody touches are not taken from the system. */
static _Alignas(ALIGNMENT) char reserve[RESERVE];
static atomic_size_t used;

static void *get(size_t size)
{
    void *memory = malloc(size);
    if (memory || size > RESERVE) return memory;
    size_t whole = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t at = atomic_fetch_add(&used, whole);
    return at <= RESERVE - whole ? reserve + at : NULL;
}

/* What comes from the reserve does not go back. */
static void give(void *memory)
{
    uintptr_t at = (uintptr_t)memory, start = (uintptr_t)reserve;
    if (at < start || at >= start + RESERVE) free(memory);
}

void json_memory_reserve(void) { json_set_alloc_funcs(get, give); }
