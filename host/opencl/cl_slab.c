/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_slab.h"
#include "host/base/memory.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Places start at multiples of 256 bytes. The first slab has the size of its first member. Later
 * ones have 64 MiB, or more if a member needs it: few slabs for thousands of members, and little
 * unused memory. */
enum { ALIGN = 64, SLAB = 16 << 20 }; /* floats */

/* Takes the front of the first free span that is long enough. */
static bool take_from(ls_cl_slab *s, size_t size, size_t *at)
{
    for (size_t i = 0; i < s->spans; i++) {
        ls_cl_span *span = &s->span[i];
        if (span->size < size) continue;
        *at = span->at;
        span->at += size;
        span->size -= size;
        if (!span->size) memmove(span, span + 1, (--s->spans - i) * sizeof *span);
        s->places++;
        return true;
    }
    return false;
}

static ls_status new_slab(ls_cl_device *d, ls_cl_slabs *slabs, size_t need, size_t *out,
                          ls_error *err)
{
    size_t i = 0, most = d->buffer_limit ? d->buffer_limit / sizeof(float) : SLAB,
           size = SLAB < most ? SLAB : most;
    bool first = true;
    for (size_t k = 0; k < slabs->count; k++) first &= !slabs->slab[k].buffer;
    while (i < slabs->count && slabs->slab[i].buffer) i++;
    LS_TRY(ls_grow(&slabs->slab, &slabs->capacity, i + 1, sizeof *slabs->slab, "slabs", err));
    ls_cl_slab *s = &slabs->slab[i];
    LS_TRY(ls_grow(&s->span, &s->capacity, 2, sizeof *s->span, "slabs", err));
    if (i == slabs->count) slabs->count++;
    if (first || size < need || ls_cl_buffer(d, size, "the networks", &s->buffer, NULL) != LS_OK) {
        size = need;
        LS_TRY(ls_cl_buffer(d, size, "the network", &s->buffer, err));
    }
    s->size = size;
    s->places = 0;
    s->spans = 1;
    s->span[0] = (ls_cl_span){0, size};
    *out = i;
    return LS_OK;
}

ls_status ls_cl_place_take(ls_cl_device *d, ls_cl_slabs *slabs, size_t floats, ls_cl_place *out,
                           ls_error *err)
{
    size_t size, at = 0, i = 0;
    if (!ls_add_size(floats ? floats : 1, ALIGN - 1, &size))
        return ls_fail(err, LS_ERR_MEMORY, "the network is too large for this machine's memory");
    size -= size % ALIGN;
    for (; i < slabs->count; i++) {
        ls_cl_slab *s = &slabs->slab[i];
        if (!s->buffer) continue;
        LS_TRY(ls_grow(&s->span, &s->capacity, s->places + 2, sizeof *s->span, "slabs", err));
        if (take_from(s, size, &at)) break;
    }
    if (i == slabs->count || !slabs->slab[i].buffer) {
        LS_TRY(new_slab(d, slabs, size, &i, err));
        take_from(&slabs->slab[i], size, &at);
    }
    *out = (ls_cl_place){i, at, size};
    return LS_OK;
}

static void release(ls_cl_device *d, ls_cl_slab *s)
{
    if (s->buffer) d->cl.clReleaseMemObject(s->buffer);
    s->buffer = NULL;
    s->spans = 0;
}

void ls_cl_place_give(ls_cl_device *d, ls_cl_slabs *slabs, const ls_cl_place *place)
{
    ls_cl_slab *s = &slabs->slab[place->slab];
    size_t i = 0;
    assert(s->buffer && s->places);
    if (!--s->places) {
        release(d, s);
        return;
    }
    while (i < s->spans && s->span[i].at < place->at) i++;
    bool before = i > 0 && s->span[i - 1].at + s->span[i - 1].size == place->at;
    bool behind = i < s->spans && place->at + place->size == s->span[i].at;
    if (before && behind) {
        s->span[i - 1].size += place->size + s->span[i].size;
        memmove(&s->span[i], &s->span[i + 1], (--s->spans - i) * sizeof *s->span);
    } else if (before) {
        s->span[i - 1].size += place->size;
    } else if (behind) {
        s->span[i].at = place->at;
        s->span[i].size += place->size;
    } else {
        memmove(&s->span[i + 1], &s->span[i], (s->spans++ - i) * sizeof *s->span);
        s->span[i] = (ls_cl_span){place->at, place->size};
    }
}

void ls_cl_slabs_close(ls_cl_device *d, ls_cl_slabs *slabs)
{
    for (size_t i = 0; i < slabs->count; i++) {
        release(d, &slabs->slab[i]);
        free(slabs->slab[i].span);
    }
    free(slabs->slab);
    *slabs = (ls_cl_slabs){0};
}
