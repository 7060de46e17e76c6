/* SPDX-License-Identifier: MIT */
/* Finds the fastest tile for each form and size class of product: the fastest of a list, and then
 * the fastest of its neighbours, which differ from it in one number. A candidate is compared with
 * the CPU path bit by bit, on shapes that are no multiples of it, before it is timed. */
#include "host/opencl/tune.h"
#include "core_cpu/cpu.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_matmul.h"
#include "kernels/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A local tile by all its numbers: m, n, k, work-items across and down, floats per load, slices,
 * rows of tiles to a band, serpentine, direct, sums in local memory. */
#define LOCAL(...)                                                                                 \
    {                                                                                              \
        .family = LS_TILE_LOCAL, .local = { __VA_ARGS__ }                                          \
    }

static const ls_cl_tile candidates[] = {
    /* rows, vectors, lanes, repeat, depth */
    LS_REGISTER_TILE(12, 2, 16, 8, 256),
    LS_REGISTER_TILE(12, 2, 16, 16, 256),
    LS_REGISTER_TILE(12, 2, 16, 4, 512),
    LS_REGISTER_TILE(8, 3, 16, 8, 256),
    LS_REGISTER_TILE(6, 4, 16, 16, 256),
    LS_REGISTER_TILE(14, 2, 16, 8, 256),
    LS_REGISTER_TILE(12, 1, 16, 4, 256),
    LS_REGISTER_TILE(8, 1, 16, 2, 256),
    LS_REGISTER_TILE(6, 2, 8, 16, 256),
    LS_REGISTER_TILE(4, 3, 8, 16, 256),
    LS_REGISTER_TILE(12, 1, 8, 8, 256),
    LS_REGISTER_TILE(4, 4, 4, 8, 256),
    /* through registers */
    LS_LOCAL_TILE(128, 128, 16, 16, 16, 4),
    LS_LOCAL_TILE(128, 128, 8, 16, 16, 4),
    LS_LOCAL_TILE(128, 64, 8, 16, 16, 4),
    LS_LOCAL_TILE(128, 64, 16, 16, 16, 4),
    LS_LOCAL_TILE(64, 128, 16, 16, 16, 4),
    LS_LOCAL_TILE(128, 64, 32, 16, 16, 2),
    LS_LOCAL_TILE(64, 64, 16, 16, 16, 4),
    LS_LOCAL_TILE(64, 64, 32, 16, 16, 4),
    LS_LOCAL_TILE(64, 64, 16, 16, 8, 4),
    LS_LOCAL_TILE(64, 64, 16, 8, 8, 4),
    LS_LOCAL_TILE(64, 64, 16, 16, 16, 1),
    LS_LOCAL_TILE(32, 64, 32, 16, 8, 4),
    LS_LOCAL_TILE(32, 32, 32, 8, 8, 4),
    LS_LOCAL_TILE(32, 32, 64, 8, 8, 2),
    LS_LOCAL_TILE(16, 16, 64, 8, 8, 2),
    LS_LOCAL_TILE(16, 16, 32, 16, 16, 1),
    LS_LOCAL_TILE(8, 16, 64, 8, 4, 2),
    LS_LOCAL_TILE(128, 32, 32, 8, 32, 4),
    LS_LOCAL_TILE(96, 64, 16, 16, 12, 4),
    LOCAL(64, 128, 16, 8, 8, 4, 2, 8, 1, 0, 0),
    LOCAL(64, 64, 16, 8, 8, 4, 2, 8, 1, 0, 1),
    LOCAL(64, 128, 8, 8, 8, 4, 2, 8, 1, 0, 1),
    /* with asynchronous copies */
    LS_DIRECT_TILE(64, 128, 16, 8, 8, 3, 0),
    LS_DIRECT_TILE(128, 128, 16, 8, 16, 2, 0),
    LS_DIRECT_TILE(128, 256, 8, 16, 16, 3, 0),
    LS_DIRECT_TILE(64, 128, 8, 8, 8, 2, 1),
    LS_DIRECT_TILE(64, 64, 16, 8, 8, 3, 0),
    LS_DIRECT_TILE(64, 64, 16, 8, 8, 2, 1),
    LS_DIRECT_TILE(64, 64, 16, 4, 8, 4, 0),
    LS_DIRECT_TILE(32, 128, 16, 16, 4, 3, 0),
    LS_DIRECT_TILE(32, 64, 32, 8, 8, 2, 0),
    LS_DIRECT_TILE(32, 32, 32, 8, 8, 3, 0),
    LOCAL(32, 32, 64, 8, 8, 2, 2, 1, 0, 1, 0),
    LOCAL(16, 16, 64, 8, 8, 2, 3, 1, 0, 1, 0),
    LOCAL(16, 16, 32, 16, 16, 1, 3, 1, 0, 1, 0),
    LOCAL(8, 16, 64, 8, 4, 2, 3, 1, 0, 1, 0),
};
enum { CANDIDATES = sizeof candidates / sizeof *candidates, NEIGHBOURS = 6 };

/* The i-th neighbour of a local tile. */
static ls_cl_tile neighbour(ls_cl_tile t, size_t i)
{
    ls_cl_local_tile *l = &t.local;
    switch (i) {
    case 0: l->slices++; break;
    case 1: l->slices--; break;
    case 2: l->band = l->band > 1 ? 1 : 8; break;
    case 3: l->serpentine = !l->serpentine; break;
    case 4: l->direct = !l->direct; break;
    default: l->sums = !l->sums; break;
    }
    return t;
}

/* The product that is timed for each class on a CPU device: m × n results over k. */
typedef struct {
    size_t m, n, k;
} example;
static const example cpu_examples[LS_FORM_COUNT][LS_SIZE_COUNT] = {
    {{512, 10, 512}, {128, 128, 784}, {1024, 1024, 1024}, {2048, 2048, 1024}},
    {{512, 20, 512}, {128, 128, 128}, {1024, 1024, 1024}, {2048, 2048, 1024}},
    {{512, 10, 512}, {784, 128, 128}, {1024, 1024, 1024}, {2048, 2048, 1024}},
};
static const char *const example_names[LS_FORM_COUNT][LS_SIZE_COUNT] = {
    {"forward, narrow", "forward, small", "forward, large", "forward, huge"},
    {"gradient of inputs, narrow", "gradient of inputs, small", "gradient of inputs, large",
     "gradient of inputs, huge"},
    {"gradient of weights, narrow", "gradient of weights, small", "gradient of weights, large",
     "gradient of weights, huge"},
};

/* On a GPU the class depends on its compute units: the largest square of the class, up to 2048. */
static example example_of(const ls_cl_device *d, ls_form form, ls_size_class class)
{
    enum { LARGEST = 2048 };
    example e = cpu_examples[form][class];
    if (d->is_cpu || class == LS_SIZE_NARROW) return e;
    size_t side = LARGEST;
    while (side > 64 && ls_cl_class_on(d, side, side) > class) side /= 2;
    return (example){side, side, side < 1024 ? side : 1024};
}

/* Shapes for comparing bits, as m, n, k: single rows and columns, edges of every tile, whole tiles
 * with rows of whole vectors and with other rows, up to five chunks. */
static const size_t odd[][3] = {{1, 1, 1},    {13, 33, 65},   {131, 67, 129}, {17, 200, 300},
                                {40, 5, 70},  {68, 132, 100}, {133, 259, 97}, {260, 264, 200},
                                {1, 70, 130}, {70, 1, 1}};
enum { ODD = sizeof odd / sizeof *odd };

/* A plan of one product. */
typedef struct {
    ls_plan plan;
    ls_op op;
} product_plan;

/* The operands begin `shift` floats later than at a multiple of any vector. */
static size_t set_product(product_plan *r, ls_form form, size_t m, size_t n, size_t k, size_t shift)
{
    size_t a = shift, b = a + m * k, c = b + k * n, y = c + m * n,
           rows = form == LS_FORM_GRAD_W ? k : m;
    *r = (product_plan){0};
    r->op = form == LS_FORM_DENSE    ? (ls_op){.kind = LS_OP_DENSE,
                                               .in = k,
                                               .out = n,
                                               .x = {LS_ARENA, a},
                                               .w = {LS_ARENA, b},
                                               .b = {LS_ARENA, a},
                                               .z = {LS_ARENA, c}}
            : form == LS_FORM_GRAD_X ? (ls_op){.kind = LS_OP_GRAD_X,
                                               .act = LS_ACT_identity,
                                               .in = k,
                                               .out = n,
                                               .dz = {LS_ARENA, a},
                                               .w = {LS_ARENA, b},
                                               .d = {LS_ARENA, c},
                                               .z = {LS_ARENA, c},
                                               .a = {LS_ARENA, c},
                                               .y = {LS_ARENA, y}}
                                     : (ls_op){.kind = LS_OP_GRAD_W,
                                               .in = m,
                                               .out = n,
                                               .x = {LS_ARENA, a},
                                               .dz = {LS_ARENA, b},
                                               .y = {LS_ARENA, c}};
    if (form == LS_FORM_DENSE && m * k < n)
        r->op.b = (ls_view){LS_NOWHERE, 0}; /* no n values to start from */
    r->plan = (ls_plan){.rows = rows,
                        .batch = rows,
                        .capacity = rows,
                        .features = 1,
                        .outputs = 1,
                        .step = {&r->op, 1, 1},
                        .arena = y + m * n,
                        .work = y + m * n};
    return y + m * n;
}

/* Runs the product `count` times. out, if not NULL, receives the arena after one run, and seconds,
 * if not NULL, the time per run. */
static ls_status run_product(ls_backend *backend, const product_plan *r, const float *fill,
                             size_t size, uint64_t count, float *out, double *seconds,
                             ls_error *err)
{
    /* the product reads no rows of the data, but the plan has that many */
    ls_rows data = {r->plan.rows, 1, 1, fill, fill, NULL};
    ls_rates rates[16] = {{0}};
    float losses[16];
    ls_workspace *workspace;
    LS_TRY(ls_workspace_of_one(backend, &data, &r->plan, &workspace, err));
    ls_run once = {.count = 1, .rates = rates, .losses = losses, .keep = true};
    ls_status status = backend->slots->write(workspace, 0, 0, size, fill, err);
    if (status == LS_OK) status = backend->slots->run(workspace, &once, 1, err);
    if (status == LS_OK && out) status = backend->slots->read(workspace, 0, 0, size, out, err);
    double started = ls_clock();
    for (uint64_t done = 0; done < count && status == LS_OK; done += once.count) {
        once.count = count - done < 16 ? count - done : 16;
        status = backend->slots->run(workspace, &once, 1, err);
    }
    if (seconds) *seconds = (ls_clock() - started) / (double)(count ? count : 1);
    backend->slots->workspace_close(workspace);
    return status;
}

/* Values for an arena; awkward ones, with zeros and denormals, for comparing bits. Denormals are
 * slow on some devices, so timing uses plain ones. */
static float *values(size_t size, bool awkward)
{
    float *fill;
    if (ls_alloc(&fill, size, sizeof *fill, "the tuner", NULL) != LS_OK) return NULL;
    for (size_t i = 0; i < size; i++)
        fill[i] = i % 37 || !awkward ? ls_random_uniform(3, 1, 0, (ls_u32)i) - 0.5f
                                     : (i % 2 ? -0.0f : 1e-41f);
    return fill;
}

ls_status ls_cl_product_is_exact(ls_cl_device *d, ls_backend *cpu, ls_form form, size_t m, size_t n,
                                 size_t k, size_t shift, bool *exact, ls_error *err)
{
    product_plan r;
    size_t size = set_product(&r, form, m, n, k, shift);
    float *fill = values(size, true), *here = values(size, true), *there = values(size, true);
    ls_status status = fill && here && there
                           ? LS_OK
                           : ls_fail(err, LS_ERR_MEMORY, "out of memory for the tuner");
    if (status == LS_OK) status = run_product(cpu, &r, fill, size, 0, here, NULL, err);
    if (status == LS_OK) status = run_product(&d->base, &r, fill, size, 0, there, NULL, err);
    if (status == LS_OK) *exact = !memcmp(here, there, size * sizeof *here);
    free(fill);
    free(here);
    free(there);
    return status;
}

/* Whether the device's tiles for a form give the CPU path's bits on the odd shapes. */
static ls_status tiles_are_exact(ls_cl_device *d, ls_backend *cpu, ls_form form, bool *exact,
                                 ls_error *err)
{
    *exact = true;
    for (size_t i = 0; i < ODD && *exact; i++)
        LS_TRY(ls_cl_product_is_exact(d, cpu, form, odd[i][0], odd[i][1], odd[i][2], i % 2, exact,
                                      err));
    return LS_OK;
}

ls_status ls_cl_tile_is_exact(ls_cl_device *d, ls_backend *cpu, ls_form form,
                              const ls_cl_tile *tile, bool *exact, ls_error *err)
{
    ls_cl_tile before[LS_SIZE_COUNT];
    memcpy(before, d->tiles[form], sizeof before);
    for (int c = 0; c < LS_SIZE_COUNT; c++) d->tiles[form][c] = *tile;
    ls_status status = tiles_are_exact(d, cpu, form, exact, err);
    memcpy(d->tiles[form], before, sizeof before);
    return status;
}

/* FLOP/s of the device's tile for a class on its example, the best of three measurements. */
static ls_status measure(ls_cl_device *d, ls_form form, ls_size_class class, double *flops,
                         ls_error *err)
{
    const example e = example_of(d, form, class);
    product_plan r;
    double seconds = 0, best = INFINITY, work = 2.0 * (double)e.m * (double)e.n * (double)e.k;
    size_t size = set_product(&r, form, e.m, e.n, e.k, 0);
    float *fill = values(size, false);
    if (!fill) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the tuner");
    ls_status status = run_product(&d->base, &r, fill, size, 2, NULL, &seconds, err);
    uint64_t count = seconds > 0 && seconds < 0.02 ? (uint64_t)(0.02 / seconds) + 1 : 1;
    for (int i = 0; i < 3 && status == LS_OK; i++) {
        status = run_product(&d->base, &r, fill, size, count, NULL, &seconds, err);
        if (seconds < best) best = seconds;
    }
    free(fill);
    *flops = work / best;
    return status;
}

double ls_cl_example_fma(const ls_cl_device *d, ls_form form, ls_size_class size)
{
    const example e = example_of(d, form, size);
    return (double)e.m * (double)e.n * (double)e.k;
}

/* Random numbers would take longer than the product: a few are repeated. */
ls_status ls_cl_example_time(ls_cl_device *d, ls_form form, ls_size_class class, double *seconds,
                             ls_error *err)
{
    enum { FEW = 4093 };
    static const double enough = 0.004;
    const example e = example_of(d, form, class);
    product_plan r;
    float *fill;
    size_t size = set_product(&r, form, e.m, e.n, e.k, 0);
    LS_TRY(ls_alloc(&fill, size, sizeof *fill, "measuring a product", err));
    for (size_t i = 0; i < size; i++)
        fill[i] = i < FEW ? ls_random_uniform(3, 1, 0, (ls_u32)i) - 0.5f : fill[i - FEW];
    ls_status status = run_product(&d->base, &r, fill, size, 1, NULL, seconds, err);
    if (status == LS_OK && *seconds < enough) {
        uint64_t count = *seconds > 1e-6 ? (uint64_t)(enough / *seconds) + 1 : 4096;
        status = run_product(&d->base, &r, fill, size, count, NULL, seconds, err);
    }
    free(fill);
    return status;
}

enum { DESCRIPTION = 128 };

static void describe(const ls_cl_tile *t, char text[DESCRIPTION])
{
    const ls_cl_register_tile *r = &t->reg;
    const ls_cl_local_tile *l = &t->local;
    if (t->family == LS_TILE_REGISTER) {
        snprintf(text, DESCRIPTION, "registers %ux%u*%u, %u times, depth %u", r->rows, r->vectors,
                 r->lanes, r->repeat, r->depth);
        return;
    }
    int n = snprintf(text, DESCRIPTION, "local %ux%ux%u by %ux%u, loads of %u, %u slices%s", l->m,
                     l->n, l->k, l->items_across, l->items_down, l->load, l->slices,
                     l->direct ? " direct" : "");
    if (l->band > 1) n += snprintf(text + n, DESCRIPTION - (size_t)n, ", bands of %u", l->band);
    snprintf(text + n, DESCRIPTION - (size_t)n, "%s%s", l->serpentine ? ", serpentine" : "",
             l->sums ? ", local sums" : "");
}

/* FLOP/s of a candidate for a class; 0 if it cannot be used. Every class has the candidate
 * meanwhile; one that does not build or run is replaced there (ls_cl_product_kernel), and does not
 * fail the tuner. */
static double try_candidate(ls_cl_device *d, ls_backend *cpu, ls_form form, ls_size_class class,
                            const ls_cl_tile *tile)
{
    ls_cl_tile before[LS_SIZE_COUNT];
    bool exact = false;
    double flops = 0;
    if (ls_cl_tile_is_exact(d, cpu, form, tile, &exact, NULL) != LS_OK || !exact) return 0;
    memcpy(before, d->tiles[form], sizeof before);
    for (int c = 0; c < LS_SIZE_COUNT; c++) d->tiles[form][c] = *tile;
    if (measure(d, form, class, &flops, NULL) != LS_OK) flops = 0;
    for (int c = 0; c < LS_SIZE_COUNT; c++)
        if (!ls_cl_tile_equal(&d->tiles[form][c], tile)) flops = 0;
    memcpy(d->tiles[form], before, sizeof before);
    return flops;
}

const ls_cl_tile *ls_cl_candidate(size_t i) { return i < CANDIDATES ? &candidates[i] : NULL; }

/* Whether a tile is worth trying. CPU devices run local tiles as loops around barriers: with the
 * right bits, but slowly. */
static bool sensible(const ls_cl_device *d, ls_form form, const ls_cl_tile *t)
{
    enum { MOST = 64 }; /* chains of a work-item that has their sums in registers, too */
    const ls_cl_local_tile *l = &t->local;
    if (!ls_cl_tile_fits(d, t) || d->is_cpu != (t->family == LS_TILE_REGISTER)) return false;
    if (t->family == LS_TILE_REGISTER) return true;
    if (l->direct && !d->async_copies) return false;
    if (form != LS_FORM_GRAD_W) return !l->sums;
    return l->sums || l->m * l->n <= MOST * l->items_across * l->items_down;
}

/* A tuning run. */
typedef struct {
    ls_cl_device *device;
    ls_backend *cpu;
    ls_tune_callback callback;
    void *user;
    unsigned done, total;
    bool stop;
} tuning;

/* Tries a tile for a class; *best and *chosen are those of the fastest so far. */
static void try_tile(tuning *t, ls_form form, ls_size_class class, const ls_cl_tile *tile,
                     double *best, ls_cl_tile *chosen)
{
    char text[DESCRIPTION];
    double flops = try_candidate(t->device, t->cpu, form, class, tile);
    if (flops > *best) *best = flops, *chosen = *tile;
    describe(tile, text);
    const ls_tune_progress p = {.struct_size = sizeof p,
                                .product = example_names[form][class],
                                .tile = text,
                                .flops = flops,
                                .best = *best,
                                .done = ++t->done,
                                .total = t->total};
    ls_cl_progress(t->device->counts);
    if (t->callback) t->stop = t->callback(&p, t->user) != 0;
}

/* How many tiles are tried for a form, the neighbours of the fastest included. */
static unsigned tiles_of(const ls_cl_device *d, ls_form form)
{
    unsigned count = d->is_cpu ? 0 : NEIGHBOURS;
    for (size_t i = 0; i < CANDIDATES; i++) count += sensible(d, form, &candidates[i]);
    return count;
}

static void tune_class(tuning *t, ls_form form, ls_size_class class)
{
    ls_cl_device *d = t->device;
    double best = 0;
    ls_cl_tile chosen = d->tiles[form][class];
    for (size_t i = 0; i < CANDIDATES && !t->stop; i++)
        if (sensible(d, form, &candidates[i]))
            try_tile(t, form, class, &candidates[i], &best, &chosen);
    for (size_t i = 0; i < NEIGHBOURS && !d->is_cpu && !t->stop; i++) {
        const ls_cl_tile next = neighbour(chosen, i);
        if (best > 0 && sensible(d, form, &next)) try_tile(t, form, class, &next, &best, &chosen);
        else t->done++;
    }
    if (!t->stop) d->tiles[form][class] = chosen;
}

ls_status ls_cl_tune(ls_cl_device *d, ls_tune_callback callback, void *user, ls_error *err)
{
    tuning t = {.device = d, .callback = callback, .user = user};
    ls_cl_tile before[LS_FORM_COUNT][LS_SIZE_COUNT];
    memcpy(before, d->tiles, sizeof before);
    LS_TRY(ls_cpu_open(0, NULL, &t.cpu, err));
    for (int f = 0; f < LS_FORM_COUNT; f++) t.total += LS_SIZE_COUNT * tiles_of(d, (ls_form)f);
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT && !t.stop; c++)
            tune_class(&t, (ls_form)f, (ls_size_class)c);
    t.cpu->slots->close(t.cpu);
    if (t.stop) memcpy(d->tiles, before, sizeof before);
    return t.stop ? ls_fail(err, LS_ERR_ARGUMENT, "tuning was stopped; the tiles are unchanged")
                  : LS_OK;
}
