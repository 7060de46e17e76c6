/* SPDX-License-Identifier: MIT */
#include "host/opencl/whole_tile.h"
#include <math.h>

unsigned ls_whole_log(size_t n)
{
    unsigned log = 0;
    while (log < 63 && (size_t)1 << log < n) log++;
    return log;
}

/* Rough cycles on a GPU. A product of a group of 256 is bound by reads of local memory: per step
 * along its chains, and with one chain a work-item, some 5 cycles and one more for each 32
 * work-items; 20 with 2 × 2 chains, 40 with 4 × 4. A slice costs two barriers, and a tile the
 * latencies of its first reads and of what follows the chains. */
static const double tile_cycles = 3000, slice_cycles = 150;

static double cycles_of(whole_body body, const ls_whole_limits *l, size_t items)
{
    double smaller = (double)l->group / 256;
    if (body == WHOLE_BODY_TWO) return 20 * smaller;
    if (body == WHOLE_BODY_FOUR) return 40 * smaller;
    return 5 + (double)items / 32;
}

double ls_whole_tile_cost(const ls_whole_product *p, const ls_whole_tile *s,
                          const ls_whole_limits *l)
{
    size_t depth = (size_t)1 << s->depth, k = p->k;
    if (p->over_rows) k = ls_whole_parts(ls_whole_chunks(p->k), (size_t)1 << s->chunks) * LS_CHUNK;
    return tile_cycles +
           (double)k * cycles_of(s->body, l, (size_t)1 << (s->rows + s->columns + s->chunks)) +
           (double)ls_whole_parts(k, depth) * slice_cycles;
}

double ls_whole_product_cost(const ls_whole_product *p, const ls_whole_tile *s,
                             const ls_whole_limits *l)
{
    double tiles = (double)ls_whole_parts(p->m, (size_t)1 << s->rows) *
                   (double)ls_whole_parts(p->n, (size_t)1 << s->columns);
    return ceil(tiles / (double)p->groups) * ls_whole_tile_cost(p, s, l);
}

/* The depth of slices, at least 8, with which two slices of a shape of one chain a work-item fit,
 * with two values per work-item; 0 if none does. */
static unsigned depth_of(const ls_whole_tile *s, const ls_whole_limits *l)
{
    size_t width = (((size_t)1 << s->rows) + ((size_t)1 << s->columns)) << s->chunks;
    for (unsigned log = 6; log >= 3; log--) {
        size_t depth = (size_t)1 << log;
        if (width * depth <= WHOLE_LOADS * l->group &&
            2 * width * (depth + 4) + 2 * l->group <= l->pool)
            return log;
    }
    return 0;
}

static void consider(const ls_whole_product *p, const ls_whole_limits *l, ls_whole_tile s,
                     ls_whole_tile *best, double *least)
{
    double cost = ls_whole_product_cost(p, &s, l);
    if (cost >= *least) return;
    *least = cost;
    *best = s;
}

ls_whole_tile ls_whole_tile_for(const ls_whole_product *p, const ls_whole_limits *l)
{
    unsigned items = ls_whole_log(l->group), down = items - 4; /* TWO, FOUR: 16 work-items across */
    ls_whole_tile best = {0};
    double least = INFINITY;
    for (unsigned rows = 0; rows <= 6; rows++)
        for (unsigned columns = 2; rows + columns <= items; columns++) {
            ls_whole_tile s = {WHOLE_BODY_ONE, rows, columns, 0, 0};
            if (p->over_rows) {
                unsigned room = items - rows - columns, most = ls_whole_log(ls_whole_chunks(p->k));
                s.chunks = room < most ? room : most;
            }
            s.depth = depth_of(&s, l);
            if (s.depth) consider(p, l, s, &best, &least);
        }
    consider(p, l, (ls_whole_tile){WHOLE_BODY_TWO, down + 1, 5, 0, 4}, &best, &least);
    if (l->pool >= LS_WHOLE_POOL_FOUR)
        consider(p, l, (ls_whole_tile){WHOLE_BODY_FOUR, down + 2, 6, 0, 4}, &best, &least);
    return best;
}
