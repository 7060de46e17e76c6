/* SPDX-License-Identifier: MIT */
/* Blocks, stages and items of a product.
 *
 *            NC
 *        ┌────────┐
 *     KC │ b      │
 *        └────────┘
 *   KC   ┌────────┐
 * ┌────┐ │ c      │ MC
 * │ a  │ │        │
 * └────┘ └────────┘
 *
 * A stage multiplies a packed block of a with a packed block of b. Stages run over columns, then k,
 * then rows; b is packed for the first stage of its block only. Blocks over k are processed in
 * ascending order and leave the chains' values in c between them, so blocking changes no bit.
 *
 * The work of a stage is divided into items: some that pack, and some that multiply. Threads take
 * items in a fixed order, so that an item waits only for items that were taken before it, and one
 * that has been taken is being worked on. The blocks of the next stage are packed, into a second
 * pair of buffers, while the current stage is multiplied: threads rarely wait. */
#include "core_cpu/product.h"
#include "core_cpu/pool.h"
#include "host/network/plan.h"

typedef struct {
    const ls_cpu_tile *tile;
    const ls_matmul *p;
    size_t kc, mc, nc;             /* size of the blocks */
    size_t over_k, over_m, stages; /* number of blocks over k and rows, and of stages */
    size_t packs;                  /* items that pack one operand */
    size_t rows, columns;          /* parts of a block; items that multiply: rows × columns */
    float *scratch;
    size_t buffers; /* 1 or 2 pairs of buffers in scratch */
} schedule;

typedef struct {
    size_t m0, m1, n0, n1, k0, k1;
    bool packs_b;
    float *a, *b;
} stage;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

/* Length of blocks of about equal length, in whole units, of which none is longer than `most`. */
static size_t block_of(size_t n, size_t most, size_t unit)
{
    return ceil_div(ceil_div(n, ceil_div(n, most / unit * unit)), unit) * unit;
}

/* Start of part number `part` of n in whole units. */
static size_t cut(size_t n, size_t unit, size_t part, size_t parts)
{
    return smaller(ceil_div(n, unit) * part / parts * unit, n);
}

/* An item that multiplies: columns for which a block of b fits the second-level cache beside what
 * passes through it, enough items to keep all threads busy until the end, and at least some
 * microseconds of work in each. */
static void divide(schedule *s, size_t threads)
{
    enum { COLUMNS = 256, PER_THREAD = 8, LEAST = 1 << 19 };
    const ls_cpu_tile *k = s->tile;
    const size_t m = smaller(s->mc, s->p->m), n = smaller(s->nc, s->p->n);
    const size_t most = smaller(LS_PRODUCT_PARTS, larger(1, m * n * s->kc / LEAST));
    s->columns = smaller(most, ceil_div(n, COLUMNS));
    const size_t wanted = threads > 1 ? ceil_div(PER_THREAD * threads, s->columns) : 1;
    s->rows = larger(1, smaller(smaller(wanted, ceil_div(m, k->rows)), most / s->columns));
    s->packs = threads > 1 ? 2 * threads : 1;
}

static schedule schedule_of(const ls_cpu_tile *tile, const ls_matmul *p, size_t threads,
                            float *scratch)
{
    schedule s = {.tile = tile,
                  .p = p,
                  .kc = block_of(p->k, LS_MATMUL_KC, LS_CHUNK),
                  .mc = block_of(p->m, LS_MATMUL_MC, tile->rows),
                  .nc = block_of(p->n, LS_MATMUL_NC, tile->columns),
                  .scratch = scratch,
                  .buffers = threads > 1 ? 2 : 1};
    s.over_k = ceil_div(p->k, s.kc);
    s.over_m = ceil_div(p->m, s.mc);
    s.stages = s.over_k * s.over_m * ceil_div(p->n, s.nc);
    divide(&s, threads);
    return s;
}

static stage stage_of(const schedule *s, size_t number)
{
    const size_t b = number / s->over_m, m0 = number % s->over_m * s->mc,
                 k0 = b % s->over_k * s->kc, n0 = b / s->over_k * s->nc;
    return (stage){.m0 = m0,
                   .m1 = smaller(m0 + s->mc, s->p->m),
                   .n0 = n0,
                   .n1 = smaller(n0 + s->nc, s->p->n),
                   .k0 = k0,
                   .k1 = smaller(k0 + s->kc, s->p->k),
                   .packs_b = m0 == 0,
                   .a = s->scratch + number % s->buffers * LS_MATMUL_SCRATCH,
                   .b = s->scratch + b % s->buffers * LS_MATMUL_SCRATCH + LS_MATMUL_A};
}

/* Items [0, packs) pack parts of b, [packs, 2·packs) parts of a. */
static void pack(const schedule *s, size_t number, size_t item)
{
    const stage t = stage_of(s, number);
    const ls_cpu_tile *k = s->tile;
    const size_t kc = t.k1 - t.k0;
    if (item < s->packs) {
        if (!t.packs_b) return;
        const size_t n = t.n1 - t.n0, j0 = cut(n, k->columns, item, s->packs),
                     j1 = cut(n, k->columns, item + 1, s->packs);
        if (j0 < j1) k->pack_b(s->p, t.k0, kc, t.n0 + j0, j1 - j0, t.b + j0 * kc);
        return;
    }
    item -= s->packs;
    const size_t m = t.m1 - t.m0, i0 = cut(m, k->rows, item, s->packs),
                 i1 = cut(m, k->rows, item + 1, s->packs);
    if (i0 < i1) k->pack_a(s->p, t.m0 + i0, i1 - i0, t.k0, kc, t.a + i0 * kc);
}

static void multiply(const schedule *s, size_t number, size_t item)
{
    const stage t = stage_of(s, number);
    const ls_cpu_tile *k = s->tile;
    const size_t m = t.m1 - t.m0, n = t.n1 - t.n0, kc = t.k1 - t.k0, r = item % s->rows,
                 c = item / s->rows;
    const size_t i0 = cut(m, k->rows, r, s->rows), i1 = cut(m, k->rows, r + 1, s->rows),
                 j0 = cut(n, k->columns, c, s->columns), j1 = cut(n, k->columns, c + 1, s->columns);
    if (i0 < i1 && j0 < j1)
        k->multiply(s->p, t.k0, kc, t.m0 + i0, t.m0 + i1, t.n0 + j0, t.n0 + j1, t.a + i0 * kc,
                    t.b + j0 * kc);
}

static bool is_direct(const ls_cpu_tile *tile, const ls_matmul *p)
{
    return p->b_col == 1 && p->m <= tile->direct_rows;
}

void ls_product_alone(const ls_cpu_tile *tile, const ls_matmul *p, float *scratch)
{
    if (is_direct(tile, p)) {
        tile->direct(p, 0, p->n);
        return;
    }
    const schedule s = schedule_of(tile, p, 1, scratch);
    for (size_t number = 0; number < s.stages; number++) {
        for (size_t i = 0; i < 2 * s.packs; i++) pack(&s, number, i);
        for (size_t i = 0; i < s.rows * s.columns; i++) multiply(&s, number, i);
    }
}

/* ---- Shared ---------------------------------------------------------------------------------- */

void ls_product_begin(ls_product_progress *progress)
{
    atomic_store_explicit(&progress->next, 0, memory_order_relaxed);
    for (size_t i = 0; i < LS_PRODUCT_RING; i++) {
        atomic_store_explicit(&progress->packed[i], 0, memory_order_relaxed);
        atomic_store_explicit(&progress->multiplied[i], 0, memory_order_relaxed);
    }
    for (size_t i = 0; i < LS_PRODUCT_PARTS; i++)
        atomic_store_explicit(&progress->finished[i], 0, memory_order_relaxed);
}

static void wait_for(atomic_size_t *counter, size_t value)
{
    for (unsigned i = 0; atomic_load_explicit(counter, memory_order_acquire) < value; i++)
        ls_pool_wait(i);
}

/* Waits until all `count` items of a stage are finished. Counters are never reset during a product:
 * at most three stages are in progress at a time. */
static void wait_for_stage(atomic_size_t *ring, size_t number, size_t count)
{
    wait_for(&ring[number % LS_PRODUCT_RING], (number / LS_PRODUCT_RING + 1) * count);
}

static void finish_item(atomic_size_t *ring, size_t number)
{
    atomic_fetch_add_explicit(&ring[number % LS_PRODUCT_RING], 1, memory_order_acq_rel);
}

/* The buffers of a stage are those of the stage before the previous one. */
static void share_pack(const schedule *s, ls_product_progress *progress, size_t number, size_t item)
{
    if (number >= s->stages) return;
    if (number >= 2) wait_for_stage(progress->multiplied, number - 2, s->rows * s->columns);
    pack(s, number, item);
    finish_item(progress->packed, number);
}

/* A part of c continues its chains where the block over k before left them. */
static void share_multiply(const schedule *s, ls_product_progress *progress, size_t number,
                           size_t item)
{
    const size_t first = number / s->over_m * s->over_m;
    wait_for_stage(progress->packed, number, 2 * s->packs);
    if (first != number) wait_for_stage(progress->packed, first, 2 * s->packs);
    if (first / s->over_m % s->over_k) wait_for(&progress->finished[item], number - s->over_m + 1);
    multiply(s, number, item);
    atomic_store_explicit(&progress->finished[item], number + 1, memory_order_release);
    finish_item(progress->multiplied, number);
}

static void share_direct(const ls_cpu_tile *tile, const ls_matmul *p, size_t threads,
                         ls_product_progress *progress)
{
    for (size_t i; (i = atomic_fetch_add(&progress->next, 1)) < threads;)
        tile->direct(p, cut(p->n, tile->columns, i, threads),
                     cut(p->n, tile->columns, i + 1, threads));
}

/* Order of the items: packing of stage 0; then for each stage half of its multiplications, packing
 * of the next stage, and the other half. */
void ls_product_share(const ls_cpu_tile *tile, const ls_matmul *p, size_t threads,
                      ls_product_progress *progress, float *scratch)
{
    if (is_direct(tile, p)) {
        share_direct(tile, p, threads, progress);
        return;
    }
    const schedule s = schedule_of(tile, p, threads, scratch);
    const size_t packs = 2 * s.packs, parts = s.rows * s.columns, half = parts / 2,
                 items = packs + s.stages * (packs + parts);
    for (size_t i;
         (i = atomic_fetch_add_explicit(&progress->next, 1, memory_order_relaxed)) < items;) {
        if (i < packs) {
            share_pack(&s, progress, 0, i);
            continue;
        }
        const size_t number = (i - packs) / (packs + parts), item = (i - packs) % (packs + parts);
        if (item < half) share_multiply(&s, progress, number, item);
        else if (item < half + packs) share_pack(&s, progress, number + 1, item - half);
        else share_multiply(&s, progress, number, item - packs);
    }
}
