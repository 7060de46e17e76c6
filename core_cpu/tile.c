/* SPDX-License-Identifier: MIT */
/* The parts of products that depend on the register tile, compiled once per tile with
 * -DLS_TILE=name and the compiler flags of its instruction set; core_cpu/product.c puts them
 * together. Tiles other than the set's own are given by -DLS_TILE_ROWS and -DLS_TILE_VECTORS.
 *
 * The micro-kernel keeps MR × NR chains in registers. Blocks over k are processed in ascending
 * order and leave the chains' values in c between them, so no tile changes a bit. */
#include "core_cpu/tile.h"
#include "host/network/backend.h"

#include "core_cpu/pack.inc"

/* Row 0 of a chunk in the matrix at offset `at` of its arena, whose rows are `row` apart. */
static const float *chunk_at(const ls_chunk_place *place, size_t at, size_t row)
{
    return place->arena + at + place->row * row;
}

/* Packs rows [k0, k0 + kc) of chunks that lie in several places. */
static void pack_places(const ls_chunk_place *places, size_t at, size_t row, size_t k0,
                        size_t lines, size_t kc, float *restrict out, size_t width)
{
    for (size_t k = 0, n; k < kc; k += n) {
        const size_t within = (k0 + k) % LS_CHUNK;
        n = min_size(LS_CHUNK - within, kc - k);
        pack_across_k(chunk_at(&places[(k0 + k) / LS_CHUNK], at, row), row, NULL, within, lines, n,
                      kc, out + k * width, width);
    }
}

/* Packs kc rows of nc columns of b into panels of NR columns. */
static void pack_b(const ls_matmul *p, size_t k0, size_t kc, size_t j0, size_t nc,
                   float *restrict out)
{
    if (p->places) {
        pack_places(p->places, p->b_at + j0, p->b_row, k0, nc, kc, out, NR);
        return;
    }
    if (p->b_col == 1) {
        pack_across_k(p->b + j0, p->b_row, NULL, k0, nc, kc, kc, out, NR);
        return;
    }
    for (size_t j = 0; j < nc; j += NR)
        pack_along_k(p->b + k0, p->b_col, NULL, j0 + j, min_size(NR, nc - j), kc, out + j * kc, NR);
}

/* Packs mc rows of kc columns of a into panels of MR rows. */
static void pack_a(const ls_matmul *p, size_t i0, size_t mc, size_t k0, size_t kc,
                   float *restrict out)
{
    if (p->places) {
        pack_places(p->places, p->a_at + i0, p->a_col, k0, mc, kc, out, MR);
        return;
    }
    if (p->a_row == 1) {
        pack_across_k(p->a + i0, p->a_col, p->a_rows, k0, mc, kc, kc, out, MR);
        return;
    }
    for (size_t i = 0; i < mc; i += MR)
        pack_along_k(p->a + k0, p->a_row, p->a_rows, i0 + i, min_size(MR, mc - i), kc, out + i * kc,
                     MR);
}

/* A tile for one block over k. c: MR rows of V·VW floats, c_row apart. prior: the chains continue
 * from c. start: NR values, or NULL for 0. */
typedef struct {
    size_t kc;
    const float *a, *b; /* packed panels */
    float *c;
    size_t c_row;
    bool prior;
    const float *start;
} tile_job;

/* Adds kc products to MR × V vectors of chains. */
static inline __attribute__((always_inline)) void chains(int V, size_t kc, const float *restrict a,
                                                         const float *restrict b, vf acc[MR][NV])
{
    for (size_t k = 0; k < kc; k++, a += MR, b += NR) {
        vf bv[NV];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) bv[v] = v_load(b + v * VW);
#pragma GCC unroll 32
        for (int i = 0; i < MR; i++) {
            vf ai = v_set(a[i]);
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) acc[i][v] = v_fma(ai, bv[v], acc[i][v]);
        }
    }
}

/* One part of each chain. */
static inline __attribute__((always_inline)) void tile_of(int V, const tile_job *t)
{
    vf acc[MR][NV];
    float *c = t->c;
    const size_t c_row = t->c_row;
#pragma GCC unroll 32
    for (int i = 0; i < MR; i++) {
        __builtin_prefetch(c + (size_t)i * c_row, 1);
        __builtin_prefetch(c + (size_t)i * c_row + V * VW - 1, 1);
    }
#pragma GCC unroll 32
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int v = 0; v < V; v++)
            acc[i][v] = t->prior   ? v_load(c + (size_t)i * c_row + v * VW)
                        : t->start ? v_load(t->start + v * VW)
                                   : v_set(0.0f);
    chains(V, t->kc, t->a, t->b, acc);
#pragma GCC unroll 32
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) v_store(c + (size_t)i * c_row + v * VW, acc[i][v]);
}

/* The chains of one chunk, whose values are added to c. */
static inline __attribute__((always_inline)) void chunk_of(int V, const tile_job *t)
{
    vf acc[MR][NV];
    float *c = t->c;
#pragma GCC unroll 32
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) acc[i][v] = v_set(0.0f);
    chains(V, t->kc, t->a, t->b, acc);
    if (t->prior)
#pragma GCC unroll 32
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
            for (int v = 0; v < V; v++)
                v_store(c + i * NR + v * VW, v_add(v_load(c + i * NR + v * VW), acc[i][v]));
    else
#pragma GCC unroll 32
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) v_store(c + i * NR + v * VW, acc[i][v]);
}

/* Tiles of 1 … NV vectors: columns past the edge of c cost at most part of a vector. */
typedef void (*tile_fn)(const tile_job *t);
#define WIDTHS(X) X(1) X(2) X(3) X(4)
enum { MOST_WIDTH = 4 };
_Static_assert((int)NV <= (int)MOST_WIDTH, "WIDTHS lists each width of a tile in vectors");
#define LS_X(v)                                                                                    \
    static void tile_##v(const tile_job *t) { tile_of(v <= NV ? v : 1, t); }                       \
    static void chunk_##v(const tile_job *t) { chunk_of(v <= NV ? v : 1, t); }
WIDTHS(LS_X)
#undef LS_X
#define LS_X(v) tile_##v,
static const tile_fn tile_widths[] = {WIDTHS(LS_X)};
#undef LS_X
#define LS_X(v) chunk_##v,
static const tile_fn chunk_widths[] = {WIDTHS(LS_X)};
#undef LS_X

/* Prefetches rows [r0, r1) of a tile at (i, j) of the matrices that `finish` reads, while the
 * chains run. Inlined by force: GCC takes a function that only prefetches for one without effect,
 * and removes its calls. */
static inline __attribute__((always_inline)) void fetch_ahead(const ls_matmul *p, size_t i,
                                                              size_t j, size_t r0, size_t r1)
{
    for (int m = 0; m < 3 && p->ahead[m]; m++)
        for (size_t r = i + r0; r < i + r1; r++) {
            const float *row = p->ahead[m] + r * p->c_row + j;
            for (size_t l = 0; l < NR; l += 16) __builtin_prefetch(row + l, 1, 2);
            __builtin_prefetch(row + NR - 1, 1, 2);
        }
}

/* A block's chunks one after the other: their sums are kept in `sums`, MR × NR, which stays in the
 * first-level cache. */
static void run_chunks(const ls_matmul *p, const tile_job *t, tile_fn chunk, size_t i, size_t j,
                       size_t h, bool last)
{
    tile_job part = *t;
    for (size_t k = 0, done = 0; k < t->kc; k += LS_CHUNK) {
        size_t len = min_size(LS_CHUNK, t->kc - k), until = h * (k + len) / t->kc;
        if (last) fetch_ahead(p, i, j, done, until);
        done = until;
        part.kc = len, part.a = t->a + k * MR, part.b = t->b + k * NR;
        part.prior = t->prior || k;
        chunk(&part);
    }
}

static inline void copy_block(const float *from, size_t from_row, float *to, size_t to_row,
                              size_t h, size_t w)
{
    for (size_t r = 0; r < h; r++) memcpy(to + r * to_row, from + r * from_row, w * sizeof *to);
}

/* h × w elements of c at (i, j), for kc products from k0 on. buffer: MR × NR floats. A tile that
 * extends past the edge of c, and the sums of chunks, are computed in it. */
static void multiply_tile(const ls_matmul *p, size_t k0, size_t kc, size_t i, size_t j, size_t h,
                          size_t w, const float *a, const float *b, float *buffer)
{
    const size_t vectors = (w + VW - 1) / VW;
    const bool last = k0 + kc == p->k, inside = h == MR && w == vectors * VW;
    float *c = p->c + i * p->c_row + j, first[NR];
    tile_job t = {.kc = kc,
                  .a = a,
                  .b = b,
                  .c = c,
                  .c_row = p->c_row,
                  .prior = k0 > 0 || p->onto,
                  .start = p->start ? p->start + j : NULL};
    if (t.start && !inside) {
        memset(first, 0, sizeof first);
        memcpy(first, t.start, w * sizeof *first);
        t.start = first;
    }
    if (p->over_rows || !inside) {
        t.c = buffer, t.c_row = NR;
        if (t.prior && !inside) memset(buffer, 0, MR * NR * sizeof *buffer);
        if (t.prior) copy_block(c, p->c_row, buffer, NR, h, w);
    }
    if (p->over_rows) run_chunks(p, &t, chunk_widths[vectors - 1], i, j, h, last);
    else tile_widths[vectors - 1](&t);
    const bool stays = last && p->scratch && t.c != c;
    if (t.c != c && !stays) copy_block(buffer, NR, c, p->c_row, h, w);
    if (last && p->finish) p->finish(p, i, j, h, w, stays ? buffer : c, stays ? NR : p->c_row);
}

/* Rows [i0, i1) × columns [j0, j1) of c, for kc products from k0 on. a: packed panels of rows, the
 * first of which is i0; b: of columns from j0 on. */
static void multiply(const ls_matmul *p, size_t k0, size_t kc, size_t i0, size_t i1, size_t j0,
                     size_t j1, const float *a, const float *b)
{
    _Alignas(64) float buffer[MR * NR];
    for (size_t i = i0; i < i1; i += MR)
        for (size_t j = j0; j < j1; j += NR)
            multiply_tile(p, k0, kc, i, j, min_size(MR, i1 - i), min_size(NR, j1 - j),
                          a + (i - i0) * kc, b + (j - j0) * kc, buffer);
}

/* ---- Few rows --------------------------------------------------------------------------------
 * Packing b would take longer than multiplying with it, so its rows are read in place, DIRECT
 * vectors at a time. */
enum { DIRECT = 8, DIRECT_ROWS = SET_ROWS / 4 };

/* Adds kc products to the chains of n ≤ DIRECT·VW neighbouring columns of one row: whole vectors,
 * then single columns. */
static inline void direct_chains(size_t kc, const float *a, size_t a_col, const float *b,
                                 size_t b_row, size_t n, const float *from, float *to)
{
    size_t vectors = n / VW;
    if (vectors == DIRECT) {
        vf acc[DIRECT];
        for (int v = 0; v < DIRECT; v++) acc[v] = from ? v_load(from + v * VW) : v_set(0.0f);
        for (size_t k = 0; k < kc; k++)
#pragma GCC unroll 8
            for (int v = 0; v < DIRECT; v++)
                acc[v] = v_fma(v_set(a[k * a_col]), v_load(b + k * b_row + v * VW), acc[v]);
        for (int v = 0; v < DIRECT; v++) v_store(to + v * VW, acc[v]);
        return;
    }
    for (size_t v = 0; v < vectors; v++) {
        vf acc = from ? v_load(from + v * VW) : v_set(0.0f);
        for (size_t k = 0; k < kc; k++)
            acc = v_fma(v_set(a[k * a_col]), v_load(b + k * b_row + v * VW), acc);
        v_store(to + v * VW, acc);
    }
    for (size_t j = vectors * VW; j < n; j++) {
        float acc = from ? from[j] : 0.0f;
        for (size_t k = 0; k < kc; k++) acc = fmaf(a[k * a_col], b[k * b_row + j], acc);
        to[j] = acc;
    }
}

static void direct_row(const ls_matmul *p, size_t i, size_t j, size_t n)
{
    float sums[DIRECT * VW], *c = p->c + i * p->c_row + j;
    const float *a = p->places ? NULL : p->a + line_of(p->a_rows, i) * p->a_row,
                *b = p->places ? NULL : p->b + j;
    if (!p->over_rows) {
        direct_chains(p->k, a, p->a_col, b, p->b_row, n, p->start ? p->start + j : NULL, c);
        return;
    }
    for (size_t k = 0; k < p->k; k += LS_CHUNK) {
        const ls_chunk_place *place = p->places ? &p->places[k / LS_CHUNK] : NULL;
        direct_chains(min_size(LS_CHUNK, p->k - k),
                      place ? chunk_at(place, p->a_at, p->a_col) + i * p->a_row : a + k * p->a_col,
                      p->a_col, place ? chunk_at(place, p->b_at, p->b_row) + j : b + k * p->b_row,
                      p->b_row, n, NULL, sums);
        for (size_t e = 0; e < n; e++) c[e] = k || p->onto ? c[e] + sums[e] : sums[e];
    }
}

/* Columns [j0, j1) of c. */
static void direct(const ls_matmul *p, size_t j0, size_t j1)
{
    for (size_t j = j0; j < j1; j += DIRECT * VW)
        for (size_t i = 0; i < p->m; i++) {
            size_t n = min_size(DIRECT * VW, j1 - j);
            direct_row(p, i, j, n);
            if (p->finish) p->finish(p, i, j, 1, n, p->c + i * p->c_row + j, p->c_row);
        }
}

/* ---- Operands read through offsets ------------------------------------------------------------
 */

/* One tile of V vectors: h rows of a, whose offsets are in `row`. c: MR rows, c_row apart. */
static inline __attribute__((always_inline)) void gathered_of(int V, const ls_gathered *g,
                                                              const uint32_t *row, size_t h,
                                                              const float *start, float *c,
                                                              size_t c_row)
{
    const float *a[MR], *b = g->b;
    const uint32_t *step = g->step, *const end = step + g->k;
    const size_t b_row = g->b_row;
    vf acc[MR][NV];
#pragma GCC unroll 32
    for (size_t i = 0; i < MR; i++) a[i] = g->a + row[i < h ? i : h - 1];
#pragma GCC unroll 32
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int v = 0; v < V; v++)
            acc[i][v] = g->prior ? v_load(c + (size_t)i * c_row + v * VW)
                        : start  ? v_load(start + v * VW)
                                 : v_set(0.0f);
    for (; step < end; step++, b += b_row) {
        const size_t at = *step;
        vf bv[NV];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) bv[v] = v_load(b + v * VW);
#pragma GCC unroll 32
        for (int i = 0; i < MR; i++) {
            const vf ai = v_set(a[i][at]);
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) acc[i][v] = v_fma(ai, bv[v], acc[i][v]);
        }
    }
    if (g->adds)
#pragma GCC unroll 32
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
            for (int v = 0; v < V; v++)
                acc[i][v] = v_add(v_load(c + (size_t)i * c_row + v * VW), acc[i][v]);
#pragma GCC unroll 32
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) v_store(c + (size_t)i * c_row + v * VW, acc[i][v]);
}

/* All tiles of a panel. A tile that extends past the edge of c is computed in a buffer. */
static inline __attribute__((always_inline)) void gathered_width(int V, const ls_gathered *g)
{
    _Alignas(64) float buffer[MR * NR], first[NR] = {0};
    const float *start = g->start;
    const bool whole = g->n == (size_t)V * VW;
    if (start && !whole) {
        memcpy(first, start, g->n * sizeof *first);
        start = first;
    }
    for (size_t i = 0; i < g->m; i += MR) {
        const size_t h = min_size(MR, g->m - i);
        float *c = g->c + i * g->c_row;
        if (whole && h == MR) {
            gathered_of(V, g, g->row + i, MR, start, c, g->c_row);
            continue;
        }
        if (g->prior || g->adds) {
            memset(buffer, 0, sizeof buffer);
            copy_block(c, g->c_row, buffer, NR, h, g->n);
        }
        gathered_of(V, g, g->row + i, h, start, buffer, NR);
        copy_block(buffer, NR, c, g->c_row, h, g->n);
    }
}

#define LS_X(v)                                                                                    \
    static void gathered_##v(const ls_gathered *g) { gathered_width(v <= NV ? v : 1, g); }
WIDTHS(LS_X)
#undef LS_X
#define LS_X(v) gathered_##v,
static void (*const gathered_widths[])(const ls_gathered *g) = {WIDTHS(LS_X)};
#undef LS_X

static void gathered(const ls_gathered *g) { gathered_widths[(g->n + VW - 1) / VW - 1](g); }

#define LS_NAME(isa) LS_NAME_(isa)
#define LS_NAME_(isa) ls_cpu_tile_##isa

const ls_cpu_tile LS_NAME(LS_TILE) = {
    .rows = MR,
    .columns = NR,
    .direct_rows = DIRECT_ROWS,
    .pack_a = pack_a,
    .pack_b = pack_b,
    .multiply = multiply,
    .direct = direct,
    .gathered = gathered,
};
