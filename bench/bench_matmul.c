/* SPDX-License-Identifier: MIT */
#include "bench/bench_matmul.h"
#include "bench/bench_blas.h"
#include "host/base/memory.h"
#include "host/network/device_kind.h"
#include "kernels/random.h"
#include <stdlib.h>
#include <string.h>

/* A plan of one operation on three matrices. */
typedef struct {
    ls_device *device;
    ls_plan plan;
    ls_op op;
    ls_workspace *workspace;
    ls_rates rates[64];
    float losses[64];
} rig;

enum { NN, NT, TN };
static const char *const forms[] = {"NN", "NT", "TN"};

/* Sets the operation for m × n results over k (DENSE, GRAD_X or GRAD_W, with batches of m, m and k
 * rows). Returns the number of values in the three matrices. */
static size_t set_product(rig *r, int form, size_t m, size_t n, size_t k)
{
    size_t a = 0, b = m * k, c = b + k * n, z = c + m * n, rows = form == TN ? k : m;
    r->op = form == NN   ? (ls_op){.kind = LS_OP_DENSE,
                                   .in = k,
                                   .out = n,
                                   .x = {LS_ARENA, a},
                                   .w = {LS_ARENA, b},
                                   .z = {LS_ARENA, c}}
            : form == NT ? (ls_op){.kind = LS_OP_GRAD_X,
                                   .act = LS_ACT_identity,
                                   .in = k,
                                   .out = n,
                                   .dz = {LS_ARENA, a},
                                   .w = {LS_ARENA, b},
                                   .d = {LS_ARENA, c},
                                   .z = {LS_ARENA, c},
                                   .a = {LS_ARENA, c},
                                   .y = {LS_ARENA, c}}
                         : (ls_op){.kind = LS_OP_GRAD_W,
                                   .in = m,
                                   .out = n,
                                   .x = {LS_ARENA, a},
                                   .dz = {LS_ARENA, b},
                                   .y = {LS_ARENA, c}};
    r->plan = (ls_plan){.rows = rows,
                        .batch = rows,
                        .capacity = rows,
                        .features = 1,
                        .outputs = 1,
                        .step = {&r->op, 1, 1},
                        .arena = z + m * n,
                        .work = z + m * n};
    return z;
}

/* Opens the workspace and fills it with values in [low, low + 1). */
static ls_status rig_open(rig *r, ls_device *device, size_t values, float low, ls_error *err)
{
    static const float nothing[1];
    ls_rows data = {1, 1, 1, nothing, nothing, NULL};
    float *fill;
    r->device = device;
    LS_TRY(ls_workspace_of_one(device->backend, &data, &r->plan, &r->workspace, err));
    ls_status status = ls_alloc(&fill, values, sizeof *fill, "the benchmark", err);
    for (size_t i = 0; i < values && status == LS_OK; i++)
        fill[i] = ls_random_uniform(1, 2, 0, (ls_u32)i) + low;
    if (status == LS_OK)
        status = device->backend->slots->write(r->workspace, 0, 0, values, fill, err);
    free(fill);
    return status;
}

/* Seconds of one operation, over count of them. */
static ls_status rig_time(rig *r, uint64_t count, double *seconds, ls_error *err)
{
    double start = bench_now();
    for (uint64_t done = 0; done < count;) {
        ls_run run = {
            .count = count - done < 64 ? count - done : 64, .rates = r->rates, .losses = r->losses};
        LS_TRY(r->device->backend->slots->run(r->workspace, &run, 1, err));
        done += run.count;
    }
    *seconds = (bench_now() - start) / (double)count;
    return LS_OK;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* One shape and form: our times and those of the peers, measured in turn. right: the peer computes
 * the correct product. */
typedef struct {
    int form;
    size_t m, n, k;
    size_t repeats;
    double ours[100], theirs[BENCH_PEERS][100];
    bool right[BENCH_PEERS];
} duel;

static ls_status run_duel(duel *d, double seconds, rig *r, float *memory, const bench_blas *peers,
                          size_t peer_count, ls_error *err)
{
    bool ta = d->form == TN, tb = d->form == NT;
    float *a = memory, *b = a + d->m * d->k, *c = b + d->k * d->n;
    double first;
    LS_TRY(rig_time(r, 2, &first, err));
    LS_TRY(rig_time(r, 2, &first, err));
    uint64_t count = (uint64_t)(seconds / first) + 1;
    for (size_t p = 0; p < peer_count; p++)
        d->right[p] = bench_blas_right(&peers[p], ta, tb, d->m, d->n, d->k, a, b, c);
    for (size_t i = 0; i < d->repeats; i++) {
        LS_TRY(rig_time(r, count, &d->ours[i], err));
        for (size_t p = 0; p < peer_count; p++)
            if (d->right[p])
                d->theirs[p][i] = bench_blas_time(&peers[p], ta, tb, d->m, d->n, d->k, a, b, c,
                                                  count);
    }
    return LS_OK;
}

static void print_duel(bench_options *o, duel *d, const bench_blas *peers, size_t peer_count)
{
    double spread, flops = 2.0 * (double)d->m * (double)d->n * (double)d->k,
                   time = bench_median(d->ours, d->repeats, &spread);
    char name[80];
    snprintf(name, sizeof name, "%s %zux%zux%zu", forms[d->form], d->m, d->n, d->k);
    bench_row(o, "matmul", name, flops / time * 1e-9, "GFLOP/s", o->peak_flops * 1e-9, time,
              spread);
    for (size_t p = 0; p < peer_count; p++) {
        if (!d->right[p]) {
            if (!o->json) printf("(%s computes a wrong product: left out)\n", peers[p].name);
            continue;
        }
        double peer = bench_median(d->theirs[p], d->repeats, &spread);
        snprintf(name, sizeof name, "  %s (ours %.2f x)", peers[p].name, peer / time);
        bench_row(o, "", name, flops / peer * 1e-9, "GFLOP/s", o->peak_flops * 1e-9, peer, spread);
    }
}

static ls_status one_product(bench_options *o, ls_device *device, int form, const size_t *shape,
                             const bench_blas *peers, size_t peer_count, ls_error *err)
{
    rig r = {0};
    duel d = {.form = form,
              .m = shape[0],
              .n = shape[1],
              .k = shape[2],
              .repeats = o->repeats < 100 ? o->repeats : 100};
    float *memory;
    size_t size = set_product(&r, form, d.m, d.n, d.k);
    LS_TRY(rig_open(&r, device, size, -0.5f, err));
    ls_status status = ls_alloc(&memory, size, sizeof *memory, "the benchmark", err);
    for (size_t i = 0; i < size && status == LS_OK; i++)
        memory[i] = ls_random_uniform(1, 2, 0, (ls_u32)i) - 0.5f;
    if (status == LS_OK) status = run_duel(&d, o->seconds, &r, memory, peers, peer_count, err);
    if (status == LS_OK) print_duel(o, &d, peers, peer_count);
    free(memory);
    device->backend->slots->workspace_close(r.workspace);
    return status;
}

ls_status bench_matmul(bench_options *o, ls_device *device, ls_error *err)
{
    static const size_t shapes[][3] = {{256, 256, 256},    {512, 512, 512},  {1024, 1024, 1024},
                                       {2048, 2048, 2048}, {512, 2048, 784}, {2048, 512, 784}};
    /* GPUs: larger, in rows that begin anywhere, and with few results */
    static const size_t more[][3] = {
        {4096, 4096, 4096}, {4095, 4097, 4093}, {128, 128, 784}, {512, 10, 2048}};
    enum { SHAPES = sizeof shapes / sizeof *shapes, MORE = sizeof more / sizeof *more };
    bench_blas peers[BENCH_PEERS];
    size_t one[3] = {0};
    if (o->shape && sscanf(o->shape, "%zu,%zu,%zu", &one[0], &one[1], &one[2]) != 3)
        return ls_fail(err, LS_ERR_ARGUMENT, "--shape takes M,N,K");
    size_t peer_count = bench_blas_find(o, peers);
    bool gpu = ls_device_kind_of(ls_device_get_info(device)) == LS_KIND_GPU;
    for (size_t i = 0; i < (o->shape ? 1 : gpu ? SHAPES + MORE : SHAPES); i++)
        for (int form = NN; form <= TN; form++)
            LS_TRY(one_product(o, device, form,
                               o->shape     ? one
                               : i < SHAPES ? shapes[i]
                                            : more[i - SHAPES],
                               peers, peer_count, err));
    return LS_OK;
}

/* ---- Element-wise passes --------------------------------------------------------------------- */

/* Times an operation that moves `bytes` and prints GB/s. */
static ls_status one_pass(bench_options *o, rig *r, ls_device *device, const char *name,
                          double bytes, ls_error *err)
{
    double times[100], first, spread;
    r->plan.step = (ls_ops){&r->op, 1, 1};
    LS_TRY(rig_open(r, device, r->plan.arena, 0.0f, err)); /* Adam's v must not be negative */
    ls_status status = rig_time(r, 2, &first, err);
    if (status == LS_OK) status = rig_time(r, 2, &first, err);
    uint64_t count = status == LS_OK ? (uint64_t)(o->seconds / first) + 1 : 1;
    size_t repeats = o->repeats < 100 ? o->repeats : 100;
    for (size_t i = 0; i < repeats && status == LS_OK; i++)
        status = rig_time(r, count, &times[i], err);
    if (status == LS_OK) {
        double time = bench_median(times, repeats, &spread);
        bench_row(o, "elementwise", name, bytes / time * 1e-9, "GB/s", o->peak_bytes * 1e-9, time,
                  spread);
    }
    device->backend->slots->workspace_close(r->workspace);
    return status;
}

ls_status bench_elementwise(bench_options *o, ls_device *device, ls_error *err)
{
    enum { N = 8 << 20 };
    char name[80];
    for (int act = 0; act < LS_ACT_COUNT;
         act++) { /* a DENSE over one input: a rank-one product, then the activation */
        rig r = {.op = {.kind = LS_OP_DENSE,
                        .act = (ls_act)act,
                        .in = 1,
                        .out = 1024,
                        .x = {LS_ARENA, 0},
                        .w = {LS_ARENA, 8192},
                        .z = {LS_ARENA, 16384},
                        .a = {LS_ARENA, 16384 + N}},
                 .plan = {.rows = 8192,
                          .batch = 8192,
                          .features = 1,
                          .outputs = 1,
                          .arena = 16384 + 2 * N,
                          .work = N}};
        snprintf(name, sizeof name, "outer product + %s", ls_activations[act].name);
        LS_TRY(one_pass(o, &r, device, name, 3.0 * N * 4, err));
    }
    for (int opt = 0; opt < LS_OPT_COUNT; opt++) {
        int states = ls_optimizers[opt].states;
        rig r = {.op = {.kind = LS_OP_UPDATE,
                        .out = N,
                        .theta = {LS_ARENA, 0},
                        .y = {LS_ARENA, N},
                        .s = {LS_ARENA, 2 * N},
                        .v = {LS_ARENA, 3 * N}},
                 .plan = {.rows = 1,
                          .batch = 1,
                          .features = 1,
                          .outputs = 1,
                          .arena = 4 * N,
                          .work = N,
                          .parameters = N,
                          .weights = N,
                          .optimizer = (ls_opt)opt,
                          .hyper = {.beta1 = 0.9f,
                                    .rest1 = 0.1f,
                                    .beta2 = 0.999f,
                                    .rest2 = 0.001f,
                                    .epsilon = 1e-8f}}};
        for (int i = 0; i < 64; i++) r.rates[i] = (ls_rates){1e-6f, 1e-6f, 1, 1};
        snprintf(name, sizeof name, "update %s, %d parameters", ls_optimizers[opt].name, N);
        LS_TRY(one_pass(o, &r, device, name, (3.0 + 2.0 * states) * N * 4, err));
    }
    return LS_OK;
}
