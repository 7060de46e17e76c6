/* SPDX-License-Identifier: MIT */
/* Matrix products and element passes, as operations of a plan through the seam, so that what is timed is what trains. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "../kernels/random.h"
#include "bench.h"

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

/* m × n results over k: DENSE, GRAD_X or GRAD_W. Rows of the batch are m, m and k. */
static size_t set_product(rig *r, int form, size_t m, size_t n, size_t k)
{
    size_t a = 0, b = m * k, c = b + k * n, z = c + m * n, rows = form == TN ? k : m;
    r->op = form == NN ? (ls_op){.kind = LS_OP_DENSE, .in = k, .out = n, .x = {LS_ARENA, a}, .w = {LS_ARENA, b}, .z = {LS_ARENA, c}}
          : form == NT ? (ls_op){.kind = LS_OP_GRAD_X, .act = LS_ACT_identity, .in = k, .out = n, .dz = {LS_ARENA, a}, .w = {LS_ARENA, b},
                                 .d = {LS_ARENA, c}, .z = {LS_ARENA, c}, .a = {LS_ARENA, c}, .y = {LS_ARENA, c}}
                       : (ls_op){.kind = LS_OP_GRAD_W, .in = m, .out = n, .x = {LS_ARENA, a}, .dz = {LS_ARENA, b}, .y = {LS_ARENA, c}};
    r->plan = (ls_plan){.rows = rows, .batch = rows, .capacity = rows, .features = 1, .outputs = 1,
                        .step = {&r->op, 1, 1}, .arena = z + m * n, .work = z + m * n};
    return z;
}

static ls_status rig_open(rig *r, ls_device *device, size_t values, ls_error *err)
{
    static const float nothing[1];
    ls_rows data = {1, 1, 1, nothing, nothing, NULL};
    float *fill;
    r->device = device;
    LS_TRY(ls_workspace_of_one(device->backend, &data, &r->plan, &r->workspace, err));
    ls_status status = ls_alloc(&fill, values, sizeof *fill, "the bench", err);
    for (size_t i = 0; i < values && status == LS_OK; i++) fill[i] = ls_random_uniform(1, 2, 0, (ls_u32)i) - 0.5f;
    if (status == LS_OK) status = device->backend->slots->write(r->workspace, 0, 0, values, fill, err);
    free(fill);
    return status;
}

/* Seconds of one operation, over count of them. */
static ls_status rig_time(rig *r, uint64_t count, double *seconds, ls_error *err)
{
    double start = bench_now();
    for (uint64_t done = 0; done < count;) {
        ls_run run = {.count = count - done < 64 ? count - done : 64, .rates = r->rates, .losses = r->losses};
        LS_TRY(r->device->backend->slots->run(r->workspace, &run, 1, err));
        done += run.count;
    }
    *seconds = (bench_now() - start) / (double)count;
    return LS_OK;
}

/* ---- Peers ------------------------------------------------------------------------------------------------------ */

typedef void (*sgemm_fn)(const char *, const char *, const int *, const int *, const int *, const float *, const float *, const int *,
                         const float *, const int *, const float *, float *, const int *);

typedef struct {
    const char *name;
    sgemm_fn sgemm;
} blas;

/* The BLAS libraries that are installed, with their number of threads set. */
static size_t find_peers(const bench_options *o, blas *list)
{
    const char *names[] = {"libopenblas.so.0", "libblis.so.4"}, *labels[] = {"OpenBLAS", "BLIS"};
    size_t count = 0;
    /* released versions do not know every processor and would run kernels for old ones */
    if (!strcmp(ls_cpu_isa_at(0), "avx512")) setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
    if (!strcmp(ls_cpu_isa_at(0), "avx512")) setenv("BLIS_ARCH_TYPE", "0", 0); /* skx */
    for (size_t i = 0; i < 2 && (!o->peer || strcmp(o->peer, "none")); i++) {
        void *library = dlopen(o->peer ? o->peer : names[i], RTLD_NOW | RTLD_LOCAL);
        sgemm_fn sgemm = library ? (sgemm_fn)dlsym(library, "sgemm_") : NULL;
        if (!sgemm) {
            if (!o->json) printf("(%s not found: left out)\n", o->peer ? o->peer : labels[i]);
            continue;
        }
        void (*openblas)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
        void (*blis)(long) = (void (*)(long))dlsym(library, "bli_thread_set_num_threads");
        if (openblas && o->threads) openblas((int)o->threads);
        if (blis && o->threads) blis((long)o->threads);
        list[count++] = (blas){o->peer ? o->peer : labels[i], sgemm};
        if (o->peer) break;
    }
    return count;
}

/* The same product by a column-major BLAS: c' = b'·a'. */
static double peer_time(sgemm_fn sgemm, int form, size_t m, size_t n, size_t k, const float *a, const float *b, float *c, uint64_t count)
{
    const float one = 1, zero = 0;
    int M = (int)n, N = (int)m, K = (int)k, ldb = form == NT ? K : M, lda = form == TN ? N : K;
    double start = bench_now();
    for (uint64_t i = 0; i < count; i++)
        sgemm(form == NT ? "T" : "N", form == TN ? "T" : "N", &M, &N, &K, &one, b, &ldb, a, &lda, &zero, c, &M);
    return (bench_now() - start) / (double)count;
}

/* ---- Cases ------------------------------------------------------------------------------------------------------ */

static ls_status one_product(bench_options *o, ls_device *device, int form, size_t m, size_t n, size_t k, const blas *peers,
                             size_t peer_count, ls_error *err)
{
    rig r = {0};
    double ours[100], theirs[2][100], spread, flops = 2.0 * (double)m * (double)n * (double)k, first;
    char name[80];
    float *memory;
    size_t size = set_product(&r, form, m, n, k);
    LS_TRY(rig_open(&r, device, size, err));
    ls_status status = ls_alloc(&memory, size, sizeof *memory, "the bench", err);
    for (size_t i = 0; i < size && status == LS_OK; i++) memory[i] = ls_random_uniform(1, 2, 0, (ls_u32)i) - 0.5f;
    if (status == LS_OK) status = rig_time(&r, 2, &first, err);
    if (status == LS_OK) status = rig_time(&r, 2, &first, err);
    uint64_t count = status == LS_OK ? (uint64_t)(o->seconds / first) + 1 : 1;
    unsigned repeats = o->repeats < 100 ? o->repeats : 100;
    for (unsigned i = 0; i < repeats && status == LS_OK; i++) {
        status = rig_time(&r, count, &ours[i], err);
        for (size_t p = 0; p < peer_count; p++)
            theirs[p][i] = peer_time(peers[p].sgemm, form, m, n, k, memory, memory + m * k, memory + m * k + k * n, count);
    }
    if (status == LS_OK) {
        double time = bench_median(ours, repeats, &spread);
        snprintf(name, sizeof name, "%s %zux%zux%zu", forms[form], m, n, k);
        bench_row(o, "matmul", name, flops / time * 1e-9, "GFLOP/s", o->peak_flops * 1e-9, time, spread);
        for (size_t p = 0; p < peer_count; p++) {
            double peer = bench_median(theirs[p], repeats, &spread);
            snprintf(name, sizeof name, "  %s (ours %.2f x)", peers[p].name, peer / time);
            bench_row(o, "", name, flops / peer * 1e-9, "GFLOP/s", o->peak_flops * 1e-9, peer, spread);
        }
    }
    free(memory);
    device->backend->slots->workspace_close(r.workspace);
    return status;
}

ls_status bench_matmul(bench_options *o, ls_device *device, ls_error *err)
{
    static const size_t shapes[][3] = {{256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048}, {512, 2048, 784}, {2048, 512, 784}};
    blas peers[2];
    size_t one[3] = {0}, peer_count = find_peers(o, peers);
    if (o->shape && sscanf(o->shape, "%zu,%zu,%zu", &one[0], &one[1], &one[2]) != 3)
        return ls_fail(err, LS_ERR_ARGUMENT, "--shape is written M,N,K");
    for (size_t i = 0; i < (o->shape ? 1 : sizeof shapes / sizeof *shapes); i++)
        for (int form = NN; form <= TN; form++) {
            const size_t *s = o->shape ? one : shapes[i];
            LS_TRY(one_product(o, device, form, s[0], s[1], s[2], peers, peer_count, err));
        }
    return LS_OK;
}

/* ---- Element passes --------------------------------------------------------------------------------------------- */

/* Times an operation that moves `bytes` and prints GB/s. */
static ls_status one_pass(bench_options *o, rig *r, ls_device *device, const char *name, double bytes, ls_error *err)
{
    double times[100], first, spread;
    r->plan.step = (ls_ops){&r->op, 1, 1};
    LS_TRY(rig_open(r, device, r->plan.arena, err));
    ls_status status = rig_time(r, 2, &first, err);
    if (status == LS_OK) status = rig_time(r, 2, &first, err);
    uint64_t count = status == LS_OK ? (uint64_t)(o->seconds / first) + 1 : 1;
    unsigned repeats = o->repeats < 100 ? o->repeats : 100;
    for (unsigned i = 0; i < repeats && status == LS_OK; i++) status = rig_time(r, count, &times[i], err);
    if (status == LS_OK) {
        double time = bench_median(times, repeats, &spread);
        bench_row(o, "elementwise", name, bytes / time * 1e-9, "GB/s", o->peak_bytes * 1e-9, time, spread);
    }
    device->backend->slots->workspace_close(r->workspace);
    return status;
}

ls_status bench_elementwise(bench_options *o, ls_device *device, ls_error *err)
{
    enum { N = 8 << 20 };
    char name[80];
    for (int act = 0; act < LS_ACT_COUNT; act++) { /* a DENSE over one input: a rank-one product, then the activation */
        rig r = {.op = {.kind = LS_OP_DENSE, .act = (ls_act)act, .in = 1, .out = 1024, .x = {LS_ARENA, 0}, .w = {LS_ARENA, 8192},
                        .z = {LS_ARENA, 16384}, .a = {LS_ARENA, 16384 + N}},
                 .plan = {.rows = 8192, .batch = 8192, .features = 1, .outputs = 1, .arena = 16384 + 2 * N, .work = N}};
        snprintf(name, sizeof name, "outer product + %s", ls_act_name((ls_act)act));
        LS_TRY(one_pass(o, &r, device, name, 3.0 * N * 4, err));
    }
    for (int opt = 0; opt < LS_OPT_COUNT; opt++) {
        int states = ls_opt_states((ls_opt)opt);
        rig r = {.op = {.kind = LS_OP_UPDATE, .out = N, .x = {LS_ARENA, 0}, .w = {LS_ARENA, N}, .a = {LS_ARENA, 2 * N}, .z = {LS_ARENA, 3 * N}},
                 .plan = {.rows = 1, .batch = 1, .features = 1, .outputs = 1, .arena = 4 * N, .work = N, .parameters = N, .weights = N,
                          .optimizer = (ls_opt)opt, .hyper = {.beta1 = 0.9f, .rest1 = 0.1f, .beta2 = 0.999f, .rest2 = 0.001f, .epsilon = 1e-8f}}};
        for (int i = 0; i < 64; i++) r.rates[i] = (ls_rates){1e-6f, 1e-6f, 1, 1};
        snprintf(name, sizeof name, "update %s, %d parameters", ls_opt_name((ls_opt)opt), N);
        LS_TRY(one_pass(o, &r, device, name, (3.0 + 2.0 * states) * N * 4, err));
    }
    return LS_OK;
}
