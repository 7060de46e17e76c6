/* SPDX-License-Identifier: MIT */
#include "host/data/deal.h"
#include "host/base/memory.h"
#include <assert.h>
#include <stdlib.h>

#include "kernels/random.h"

#define LS_PURPOSE_GROUPS 36u /* of a permutation; the others are in kernels/random.h */

typedef struct {
    int32_t group, class; /* class 0 without classes */
    uint32_t row;
} dealt_row;

typedef struct {
    size_t first, rows; /* range of the sorted rows */
    unsigned octave;    /* floor(log2(rows)) */
    uint32_t place;     /* in the shuffled order */
} dealt_group;

typedef struct {
    dealt_row *row; /* sorted by group, class and row */
    dealt_group *group;
    size_t groups, parts, counters;
    const double *share;
    /* Numbers of rows: of each class, and of all in the last place. */
    double *have;  /* parts × counters: dealt so far */
    double *whole; /* [counters] */
    bool *filled;  /* [parts] */
    size_t empty;  /* parts without rows */
} deal;

static int compare(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int by_group(const void *pa, const void *pb)
{
    const dealt_row *a = pa, *b = pb;
    int order = compare(a->group, b->group);
    if (!order) order = compare(a->class, b->class);
    return order ? order : compare(a->row, b->row);
}

static int by_size(const void *pa, const void *pb)
{
    const dealt_group *a = pa, *b = pb;
    int order = compare(b->octave, a->octave);
    return order ? order : compare(a->place, b->place);
}

static void sort_rows(const ls_data *data, deal *d)
{
    for (size_t i = 0; i < data->rows; i++) {
        int32_t class = data->y ? data->y[i] : 0;
        d->row[i] = (dealt_row){data->group[i], class, (uint32_t)i};
        if (data->y) d->whole[class] += 1;
    }
    d->whole[d->counters - 1] = (double)data->rows;
    qsort(d->row, data->rows, sizeof *d->row, by_group);
    for (size_t i = 0; i < data->rows; i++)
        d->groups += i == 0 || d->row[i].group != d->row[i - 1].group;
}

static void sort_groups(size_t rows, uint64_t seed, deal *d)
{
    size_t n = 0;
    for (size_t i = 0; i < rows; i++) {
        if (i == 0 || d->row[i].group != d->row[i - 1].group) d->group[n++].first = i;
        d->group[n - 1].rows++;
    }
    for (size_t k = 0; k < n; k++) {
        dealt_group *g = &d->group[k];
        g->place = ls_permute((ls_u32)k, (ls_u32)n, seed, LS_PURPOSE_GROUPS, 0);
        while (g->rows >> g->octave > 1) g->octave++;
    }
    qsort(d->group, n, sizeof *d->group, by_size);
}

/* What `count` more rows of a class, or of all, add to a part's deviation. */
static double cost(const deal *d, size_t part, size_t counter, double count)
{
    double have = d->have[part * d->counters + counter];
    return count * (2 * have + count) / (d->share[part] * d->whole[counter]);
}

/* Number of rows from `first` on that have the same class, within the group. */
static size_t run_length(const deal *d, const dealt_group *g, size_t first)
{
    size_t end = first;
    while (end < g->first + g->rows && d->row[end].class == d->row[first].class) end++;
    return end - first;
}

static double cost_of_group(const deal *d, const dealt_group *g, size_t part)
{
    double sum = cost(d, part, d->counters - 1, (double)g->rows);
    for (size_t i = g->first, n; d->counters > 1 && i < g->first + g->rows; i += n) {
        n = run_length(d, g, i);
        sum += cost(d, part, (size_t)d->row[i].class, (double)n);
    }
    return sum;
}

static void deal_groups(deal *d, uint32_t *part)
{
    for (size_t k = 0; k < d->groups; k++) {
        const dealt_group *g = &d->group[k];
        bool only_empty = d->groups - k <= d->empty;
        size_t best = d->parts;
        double least = 0;
        for (size_t p = 0; p < d->parts; p++) {
            if (only_empty && d->filled[p]) continue;
            double c = cost_of_group(d, g, p);
            if (best < d->parts && c >= least) continue;
            best = p;
            least = c;
        }
        assert(best < d->parts);
        for (size_t i = g->first; i < g->first + g->rows; i++) {
            part[d->row[i].row] = (uint32_t)best;
            if (d->counters > 1) d->have[best * d->counters + (size_t)d->row[i].class] += 1;
        }
        d->have[best * d->counters + d->counters - 1] += (double)g->rows;
        d->empty -= !d->filled[best];
        d->filled[best] = true;
    }
}

static ls_status make_room(const ls_data *data, deal *d, ls_error *err)
{
    size_t cells;
    if (!ls_mul_size(d->parts, d->counters, &cells))
        return ls_fail(err, LS_ERR_MEMORY, "%zu parts of %zu classes are too many", d->parts,
                       data->classes);
    LS_TRY(ls_alloc(&d->row, data->rows, sizeof *d->row, "the groups", err));
    LS_TRY(ls_alloc(&d->have, cells, sizeof *d->have, "the groups", err));
    LS_TRY(ls_alloc(&d->whole, d->counters, sizeof *d->whole, "the groups", err));
    return ls_alloc(&d->filled, d->parts, sizeof *d->filled, "the groups", err);
}

ls_status ls_groups_deal(const ls_data *data, size_t parts, const double *share, uint64_t seed,
                         uint32_t *part, ls_error *err)
{
    assert(data->group && parts > 0);
    if (data->rows > UINT32_MAX)
        return ls_fail(err, LS_ERR_MEMORY,
                       "cannot divide %zu rows; at most 4294967295 are supported", data->rows);
    deal d = {.parts = parts,
              .counters = data->y ? data->classes + 1 : 1,
              .share = share,
              .empty = parts};
    ls_status status = make_room(data, &d, err);
    if (status == LS_OK) sort_rows(data, &d);
    if (status == LS_OK && d.groups < parts)
        status = ls_fail(
            err, LS_ERR_ARGUMENT,
            "the rows form %zu group%s, too few for %zu parts, since a group is kept together; use more groups, fewer parts or no --group",
            d.groups, d.groups == 1 ? "" : "s", parts);
    if (status == LS_OK) status = ls_alloc(&d.group, d.groups, sizeof *d.group, "the groups", err);
    if (status == LS_OK) {
        sort_groups(data->rows, seed, &d);
        deal_groups(&d, part);
    }
    free(d.row);
    free(d.group);
    free(d.have);
    free(d.whole);
    free(d.filled);
    return status;
}
