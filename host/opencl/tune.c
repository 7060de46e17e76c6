/* SPDX-License-Identifier: MIT */
/* Finds the fastest tile for each form and size class of product. A candidate is compared with the
 * CPU path bit by bit, on shapes that are no multiples of it, before it is timed. */
#include "host/opencl/tune.h"
#include "core_cpu/cpu.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/opencl/cl_matmul.h"
#include "kernels/random.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    /* m, n, k, work-items across and down, floats per load */
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
    LS_LOCAL_TILE(128, 32, 32, 8, 32, 4),
    LS_LOCAL_TILE(96, 64, 16, 16, 12, 4),
};
enum { CANDIDATES = sizeof candidates / sizeof *candidates };

/* The product that is timed for each class: m × n results over k. */
static const struct {
    const char *name;
    size_t m, n, k;
} examples[LS_FORM_COUNT][LS_SIZE_COUNT] = {
    {{"forward, narrow", 512, 10, 512},
     {"forward, small", 128, 128, 784},
     {"forward, large", 1024, 1024, 1024},
     {"forward, huge", 2048, 2048, 1024}},
    {{"gradient of inputs, narrow", 512, 20, 512},
     {"gradient of inputs, small", 128, 128, 128},
     {"gradient of inputs, large", 1024, 1024, 1024},
     {"gradient of inputs, huge", 2048, 2048, 1024}},
    {{"gradient of weights, narrow", 512, 10, 512},
     {"gradient of weights, small", 784, 128, 128},
     {"gradient of weights, large", 1024, 1024, 1024},
     {"gradient of weights, huge", 2048, 2048, 1024}},
};

/* Shapes for comparing bits, as m, n, k; the rows of the last one are whole vectors. */
static const size_t odd[][3] = {{1, 1, 1},      {13, 33, 65}, {131, 67, 129},
                                {17, 200, 300}, {40, 5, 70},  {68, 132, 100}};
enum { ODD = sizeof odd / sizeof *odd };

/* A plan of one product. */
typedef struct {
    ls_plan plan;
    ls_op op;
} product_plan;

static size_t set_product(product_plan *r, ls_form form, size_t m, size_t n, size_t k)
{
    size_t a = 0, b = m * k, c = b + k * n, y = c + m * n, rows = form == LS_FORM_GRAD_W ? k : m;
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

/* Whether the device's tiles for a form give the CPU path's bits on the odd shapes. */
static ls_status tiles_are_exact(ls_cl_device *d, ls_backend *cpu, ls_form form, bool *exact,
                                 ls_error *err)
{
    *exact = true;
    for (size_t i = 0; i < ODD && *exact; i++) {
        product_plan r;
        size_t size = set_product(&r, form, odd[i][0], odd[i][1], odd[i][2]);
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
        LS_TRY(status);
    }
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
    product_plan r;
    double seconds = 0, best = INFINITY,
           work = 2.0 * (double)examples[form][class].m * (double)examples[form][class].n *
                  (double)examples[form][class].k;
    size_t size = set_product(&r, form, examples[form][class].m, examples[form][class].n,
                              examples[form][class].k);
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

double ls_cl_example_fma(ls_form form, ls_size_class size)
{
    return (double)examples[form][size].m * (double)examples[form][size].n *
           (double)examples[form][size].k;
}

/* Random numbers would take longer than the product: a few are repeated. */
ls_status ls_cl_example_time(ls_cl_device *d, ls_form form, ls_size_class class, double *seconds,
                             ls_error *err)
{
    enum { FEW = 4093 };
    static const double enough = 0.004;
    product_plan r;
    float *fill;
    size_t size = set_product(&r, form, examples[form][class].m, examples[form][class].n,
                              examples[form][class].k);
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

static void describe(const ls_cl_tile *t, char text[64])
{
    const ls_cl_register_tile *r = &t->reg;
    const ls_cl_local_tile *l = &t->local;
    if (t->family == LS_TILE_REGISTER)
        snprintf(text, 64, "registers %ux%u*%u, %u times, depth %u", r->rows, r->vectors, r->lanes,
                 r->repeat, r->depth);
    else
        snprintf(text, 64, "local %ux%ux%u by %ux%u, loads of %u", l->m, l->n, l->k,
                 l->items_across, l->items_down, l->load);
}

/* FLOP/s of a candidate for a class; 0 if it cannot be used. */
static double try_candidate(ls_cl_device *d, ls_backend *cpu, ls_form form, ls_size_class class,
                            const ls_cl_tile *tile)
{
    ls_cl_tile before = d->tiles[form][class];
    bool exact = false;
    double flops = 0;
    /* a candidate that does not build or run does not fail the tuner */
    if (ls_cl_tile_is_exact(d, cpu, form, tile, &exact, NULL) != LS_OK || !exact) return 0;
    d->tiles[form][class] = *tile;
    if (measure(d, form, class, &flops, NULL) != LS_OK) flops = 0;
    d->tiles[form][class] = before;
    return flops;
}

const ls_cl_tile *ls_cl_candidate(size_t i) { return i < CANDIDATES ? &candidates[i] : NULL; }

/* CPU devices run local tiles as loops around barriers: with the right bits, but slowly. */
static bool sensible(const ls_cl_device *d, const ls_cl_tile *t)
{
    return ls_cl_tile_fits(d, t) && d->is_cpu == (t->family == LS_TILE_REGISTER);
}

ls_status ls_cl_tune(ls_cl_device *d, ls_tune_callback callback, void *user, ls_error *err)
{
    ls_backend *cpu;
    unsigned done = 0, total = 0;
    bool stop = false;
    ls_cl_tile before[LS_FORM_COUNT][LS_SIZE_COUNT];
    memcpy(before, d->tiles, sizeof before);
    LS_TRY(ls_cpu_open(0, NULL, &cpu, err));
    for (size_t i = 0; i < CANDIDATES; i++)
        total += sensible(d, &candidates[i]) ? LS_FORM_COUNT * LS_SIZE_COUNT : 0;
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++) {
            double best = 0;
            ls_cl_tile chosen = d->tiles[f][c];
            for (size_t i = 0; i < CANDIDATES && !stop; i++) {
                char text[64];
                const ls_cl_tile *t = &candidates[i];
                if (!sensible(d, t)) continue;
                double flops = try_candidate(d, cpu, (ls_form)f, (ls_size_class)c, t);
                if (flops > best) best = flops, chosen = *t;
                done++;
                describe(t, text);
                const ls_tune_progress p = {.struct_size = sizeof p,
                                            .product = examples[f][c].name,
                                            .tile = text,
                                            .flops = flops,
                                            .best = best,
                                            .done = done,
                                            .total = total};
                if (callback) stop = callback(&p, user) != 0;
            }
            if (!stop) d->tiles[f][c] = chosen;
        }
    cpu->slots->close(cpu);
    if (stop) memcpy(d->tiles, before, sizeof before);
    return stop ? ls_fail(err, LS_ERR_ARGUMENT, "tuning was stopped; the tiles are unchanged")
                : LS_OK;
}
