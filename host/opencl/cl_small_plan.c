/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_small_plan.h"
#include "host/network/plan.h"

enum {
    MOST = 256,       /* work-items of a group: what all GPUs have */
    ITEMS = 64,       /* of a part, at first: one per row */
    BUSY = 384,       /* work-items that a multiprocessor runs at once (12 warps of NVIDIA's with at
                         most 168 registers each): all members should run at once if they can */
    RESERVED = 1024,  /* bytes of local memory that are left to the driver */
    LEAST_LANES = 16, /* rows of a chunk are rounded up to 16, 32 or 64 (kernels/small_group.cl) */
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t divide_up(size_t a, size_t b) { return a / b + (a % b != 0); }

/* The smallest power of two that is >= n. */
static size_t power_above(size_t n)
{
    size_t power = 1;
    while (power < n) power *= 2;
    return power;
}

/* The largest power of two that is <= n, n >= 1. */
static size_t power_below(size_t n)
{
    size_t power = 1;
    while (power <= n / 2) power *= 2;
    return power;
}

/* Parts whose scratch fits into local memory. */
static size_t fitting(const ls_small_device *d, const ls_small_need *n)
{
    size_t floats = (d->local_memory > RESERVED ? d->local_memory - RESERVED : 0) / sizeof(float);
    return floats > n->common ? (floats - n->common) / n->part : 0;
}

/* Tasks of the widest operation on a chunk: a row of four columns each. */
static size_t tasks_of(const ls_small_need *n)
{
    size_t lanes = power_above(smaller(n->rows, LS_CHUNK));
    return (lanes < LEAST_LANES ? LEAST_LANES : lanes) * divide_up(n->width, 4);
}

ls_small_split ls_small_divide(const ls_small_device *d, const ls_small_need *n, bool keep_global)
{
    size_t limit = power_below(smaller(d->group_limit, MOST)), fit = fitting(d, n);
    bool local = fit && !keep_global;
    size_t each = d->units * BUSY / n->members, items = smaller(ITEMS, limit);
    /* no more parts than chunks, and none that make members wait for others */
    size_t parts = power_above(divide_up(n->rows, LS_CHUNK));
    parts = smaller(parts, each > items ? power_below(each / items) : 1);
    parts = smaller(parts, limit / items);
    if (local) parts = smaller(parts, power_below(fit));
    /* more work-items per row while the device has idle ones and the widest operation has work */
    while (2 * items * parts <= limit && 2 * items * parts <= each && 2 * items <= tasks_of(n))
        items *= 2;
    return (ls_small_split){items * parts, parts, items, local, n->common + parts * n->part};
}
