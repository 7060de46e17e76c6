/* SPDX-License-Identifier: MIT */
#include "bench/bench_blas.h"
#include "core_cpu/cpu.h"
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *label, *file[3];
} known[BENCH_PEERS] = {
    {"OpenBLAS", {"libopenblas.so.0"}},
    {"BLIS", {"libblis.so.4", "libblis.so.3"}},
    {"oneDNN", {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so.1"}},
};

/* Sets environment variables that the libraries read when they are loaded. */
static void prepare(unsigned threads)
{
    char text[16];
    /* released versions do not know every processor and would choose kernels for old ones */
    if (!strcmp(ls_cpu_isa_at(0), "avx512")) {
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
        setenv("BLIS_ARCH_TYPE", "0", 0); /* skx */
    }
    /* oneDNN has no function for the number of threads; it uses OpenMP's. Its guide also recommends
     * binding threads to cores (OMP_PROC_BIND), but that also binds the main thread and every
     * thread that the other libraries start, so set it only to measure oneDNN alone. */
    snprintf(text, sizeof text, "%u", threads);
    if (threads) setenv("OMP_NUM_THREADS", text, 1);
}

static bool load(const char *file, unsigned threads, bench_blas *out)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    *(void **)&out->dnnl = dlsym(library, "dnnl_sgemm");
    *(void **)&out->blas = dlsym(library, "sgemm_");
    void (*openblas)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
    void (*blis)(long) = (void (*)(long))dlsym(library, "bli_thread_set_num_threads");
    if (openblas && threads) openblas((int)threads);
    if (blis && threads) blis((long)threads);
    return out->blas || out->dnnl;
}

size_t bench_blas_find(const bench_options *o, bench_blas list[BENCH_PEERS])
{
    size_t count = 0;
    if (o->peer && !strcmp(o->peer, "none")) return 0;
    prepare((unsigned)o->threads);
    for (size_t i = 0; i < (o->peer ? 1 : BENCH_PEERS); i++) {
        bench_blas found = {.name = o->peer ? o->peer : known[i].label};
        bool there = o->peer && load(o->peer, (unsigned)o->threads, &found);
        for (size_t k = 0; k < 3 && !o->peer && !there && known[i].file[k]; k++)
            there = load(known[i].file[k], (unsigned)o->threads, &found);
        if (there) list[count++] = found;
        else if (!o->json) printf("(%s not found: left out)\n", found.name);
    }
    return count;
}

/* c = a·b in row-major order (oneDNN), or c' = b'·a' in column-major order (BLAS): the same memory.
 */
static void multiply(const bench_blas *peer, bool ta, bool tb, size_t m, size_t n, size_t k,
                     const float *a, const float *b, float *c)
{
    const float one = 1, zero = 0;
    size_t lda = ta ? m : k, ldb = tb ? k : n;
    if (peer->dnnl) {
        peer->dnnl(ta ? 'T' : 'N', tb ? 'T' : 'N', (int64_t)m, (int64_t)n, (int64_t)k, 1, a,
                   (int64_t)lda, b, (int64_t)ldb, 0, c, (int64_t)n);
        return;
    }
    int M = (int)n, N = (int)m, K = (int)k, A = (int)ldb, B = (int)lda, C = (int)n;
    peer->blas(tb ? "T" : "N", ta ? "T" : "N", &M, &N, &K, &one, b, &A, a, &B, &zero, c, &C);
}

bool bench_blas_right(const bench_blas *peer, bool ta, bool tb, size_t m, size_t n, size_t k,
                      const float *a, const float *b, float *c)
{
    multiply(peer, ta, tb, m, n, k, a, b, c);
    for (size_t p = 0; p < 16; p++) {
        size_t i = p * 7919 % m, j = p * 104729 % n;
        double sum = 0;
        for (size_t l = 0; l < k; l++)
            sum += (double)a[ta ? l * m + i : i * k + l] * (double)b[tb ? j * k + l : l * n + j];
        if (!(fabs(sum - (double)c[i * n + j]) <= 1e-3 * sqrt((double)k))) return false;
    }
    return true;
}

double bench_blas_time(const bench_blas *peer, bool ta, bool tb, size_t m, size_t n, size_t k,
                       const float *a, const float *b, float *c, uint64_t count)
{
    double start = bench_now();
    for (uint64_t i = 0; i < count; i++) multiply(peer, ta, tb, m, n, k, a, b, c);
    double seconds = (bench_now() - start) / (double)count;
    /* threads of OpenBLAS and OpenMP spin for up to 30 ms after a product and would slow down the
     * next measurement */
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return seconds;
}
