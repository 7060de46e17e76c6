/* SPDX-License-Identifier: MIT */
/* kernels/random.h: known answers, equal numbers on every device, and the distributions that the
 * numbers should have. All seeds are fixed, so each test always passes or always fails; bounds are
 * about five standard deviations of true random numbers. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"
#include "tests/support/devices.h"
#ifdef LS_OPENCL
#include "host/opencl/cl_device.h"
#include "host/opencl/cl_sources.h"
#endif

static const uint64_t seeds[] = {0, 1, 42, 0x123456789abcdef0, UINT64_MAX};
enum { SEEDS = sizeof seeds / sizeof *seeds };

static void *alloc(size_t count, size_t size)
{
    void *p = calloc(count, size);
    cr_assert(p);
    return p;
}

/* ---- The generator --------------------------------------------------------------------------- */

/* The first three are the lines "philox4x32 10" of tests/kat_vectors in Random123 1.14.0 (Salmon,
 * Moraes, Dror, Shaw; on GitHub DEShawResearch/random123); the inputs of the third are digits of
 * pi. The others were computed with that library's philox4x32_R(10, …). */
static const struct {
    ls_u32 counter[4], key[2], words[4];
} answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    {{1, 0x103, 7, 1}, {0x12345678, 0x9abcdef1}, {0x73494746, 0x662b75c2, 0xa118df0e, 0x9cb9ecc1}},
    {{2, 0x203, 14, 2}, {0x2468acf0, 0x9abcdef2}, {0x2ad27a1a, 0xae7eb08e, 0xace06ff2, 0x83d426d3}},
    {{3, 0x303, 21, 3}, {0x369d0368, 0x9abcdef3}, {0x01133734, 0x0a8ac43b, 0xc2735509, 0xba6ee7b1}},
};

static ls_u32 word(ls_u32x4 r, unsigned i)
{
    return i == 0 ? r.x : i == 1 ? r.y : i == 2 ? r.z : r.w;
}

Test(random, philox_known_answers)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const ls_u32 *c = answers[i].counter, *k = answers[i].key;
        ls_u32x4 r = ls_philox4x32((ls_u32x4){c[0], c[1], c[2], c[3]}, k[0], k[1]);
        for (unsigned w = 0; w < 4; w++)
            cr_expect_eq(word(r, w), answers[i].words[w], "answer %zu, word %u: %08x", i, w,
                         word(r, w));
    }
}

/* The counter and key of a number are part of the arithmetic, too. */
Test(random, words_by_seed_purpose_step_index)
{
    for (size_t i = 3; i < sizeof answers / sizeof *answers; i++) {
        const ls_u32 *c = answers[i].counter, *k = answers[i].key, *words = answers[i].words;
        uint64_t seed = (uint64_t)k[1] << 32 | k[0], step = (uint64_t)c[3] << 32 | c[2];
        ls_u32x4 block = ls_random_block(seed, c[1], step, c[0]);
        for (unsigned w = 0; w < 4; w++) {
            ls_u32 index = 4 * c[0] + w;
            cr_expect_eq(word(block, w), words[w]);
            cr_expect_eq(ls_random_u32(seed, c[1], step, index), words[w], "answer %zu, word %u", i,
                         w);
            cr_expect_eq(ls_random_uniform(seed, c[1], step, index),
                         (float)(words[w] >> 8) / 16777216.0f);
        }
    }
}

/* ---- Host and devices ------------------------------------------------------------------------ */

#ifdef LS_OPENCL

/* Arguments of the functions; base: first index, n: size of the permutation, p: of dropout. */
typedef struct {
    ls_u64 seed, step;
    ls_u32 purpose, base, n;
    float p;
} arguments;

enum { ITEMS = 4096, RESULTS = 5 };
static const char *const result_names[RESULTS] = {"u32", "uniform", "normal", "dropout factor",
                                                  "permute"};

static const char probe_source[] =
    "__kernel void probe(__global uint *out, ulong seed, ulong step, uint purpose, "
    "uint base, uint n, float p) {\n"
    "    uint i = get_global_id(0), k = base + i;\n"
    "    out += 5 * i;\n"
    "    out[0] = ls_random_u32(seed, purpose, step, k);\n"
    "    out[1] = as_uint(ls_random_uniform(seed, purpose, step, k));\n"
    "    out[2] = as_uint(ls_random_normal(seed, purpose, step, k));\n"
    "    out[3] = as_uint(ls_dropout_factor(seed, purpose, step, k, p));\n"
    "    out[4] = ls_permute(k % n, n, seed, purpose, step);\n"
    "}\n";

static void probe_on_host(const arguments *a, ls_u32 *out)
{
    for (ls_u32 i = 0; i < ITEMS; i++, out += RESULTS) {
        ls_u32 k = a->base + i;
        out[0] = ls_random_u32(a->seed, a->purpose, a->step, k);
        out[1] = ls_as_u32(ls_random_uniform(a->seed, a->purpose, a->step, k));
        out[2] = ls_as_u32(ls_random_normal(a->seed, a->purpose, a->step, k));
        out[3] = ls_as_u32(ls_dropout_factor(a->seed, a->purpose, a->step, k, a->p));
        out[4] = ls_permute(k % a->n, a->n, a->seed, a->purpose, a->step);
    }
}

static void probe_on_device(const ls_cl_device *d, cl_kernel kernel, cl_mem memory,
                            const arguments *a, ls_u32 *out)
{
    const ls_cl_api *cl = &d->cl;
    const struct {
        size_t size;
        const void *value;
    } args[] = {{sizeof memory, &memory},   {sizeof a->seed, &a->seed},
                {sizeof a->step, &a->step}, {sizeof a->purpose, &a->purpose},
                {sizeof a->base, &a->base}, {sizeof a->n, &a->n},
                {sizeof a->p, &a->p}};
    size_t global = ITEMS, local = 64;
    cl_int code = CL_SUCCESS;
    for (cl_uint i = 0; i < 7 && !code; i++)
        code = cl->clSetKernelArg(kernel, i, args[i].size, args[i].value);
    if (!code)
        code = cl->clEnqueueNDRangeKernel(d->queue, kernel, 1, NULL, &global, &local, 0, NULL,
                                          NULL);
    if (!code)
        code = cl->clEnqueueReadBuffer(d->queue, memory, CL_TRUE, 0, ITEMS * RESULTS * sizeof *out,
                                       out, 0, NULL, NULL);
    cr_assert_eq(code, CL_SUCCESS, "%s", ls_cl_error_name(code));
}

/* The product's kernel source, followed by the probe. */
static cl_program build_probe(const ls_cl_device *d)
{
    const char *source[] = {ls_kernel_source, probe_source};
    size_t length[] = {ls_kernel_source_size, sizeof probe_source - 1};
    cl_int code;
    cl_program program = d->cl.clCreateProgramWithSource(d->context, 2, source, length, &code);
    cr_assert_eq(code, CL_SUCCESS, "%s", ls_cl_error_name(code));
    code =
        d->cl.clBuildProgram(program, 1, &d->id,
                             "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt -DLS_CHUNK=64u",
                             NULL, NULL);
    cr_assert_eq(code, CL_SUCCESS, "%s", ls_cl_error_name(code));
    return program;
}

static void check_device(const test_backend *t)
{
    static const ls_u64 steps[] = {0, 7, 0x100000000, UINT64_MAX};
    static const ls_u32 bases[] = {0, 0x7ffff800, 0xfffff800},
                        sizes[] = {1, 5, 64, 4096, 1000003, 0xfffffffb};
    static const float p[] = {0.1f, 0.5f, 0.0f, 0.999f};
    const ls_cl_device *d = (const ls_cl_device *)t->backend;
    ls_u32 *here = alloc(2 * ITEMS * RESULTS, sizeof *here), *there = here + ITEMS * RESULTS;
    cl_int codes[2];
    cl_program program = build_probe(d);
    cl_kernel kernel = d->cl.clCreateKernel(program, "probe", &codes[0]);
    cl_mem memory = d->cl.clCreateBuffer(d->context, CL_MEM_READ_WRITE,
                                         ITEMS * RESULTS * sizeof *here, NULL, &codes[1]);
    cr_assert(codes[0] == CL_SUCCESS && codes[1] == CL_SUCCESS);
    for (unsigned c = 0; c < 240; c++) {
        arguments a = {seeds[c % SEEDS], steps[c / 5 % 4], c % 7 + (c % 3 << 8),
                       bases[c % 3],     sizes[c % 6],     p[c % 4]};
        probe_on_host(&a, here);
        probe_on_device(d, kernel, memory, &a, there);
        for (size_t i = 0; i < ITEMS * RESULTS; i++)
            cr_assert_eq(
                here[i], there[i],
                "%s of seed %llx, step %llx, purpose %x, index %x, n %u, p %g: %08x, on %s %08x",
                result_names[i % RESULTS], (unsigned long long)a.seed, (unsigned long long)a.step,
                a.purpose, a.base + (ls_u32)(i / RESULTS), a.n, (double)a.p, here[i], t->name,
                there[i]);
    }
    d->cl.clReleaseMemObject(memory);
    d->cl.clReleaseKernel(kernel);
    d->cl.clReleaseProgram(program);
    free(here);
}

#endif

Test(random, same_on_devices)
{
#ifdef LS_OPENCL
    test_backends b;
    test_backends_open(&b);
    size_t devices = b.count - b.opencl;
    for (size_t i = b.opencl; i < b.count; i++) check_device(&b.list[i]);
    test_backends_close(&b);
    if (!devices) cr_skip_test("no exact OpenCL device");
#else
    cr_skip_test("this build has no OpenCL");
#endif
}

/* ---- Permutations ---------------------------------------------------------------------------- */

/* The positions of the first eight rows, recorded from this project itself: another permutation
 * might pass all tests below, but would change every shuffled model. */
Test(random, permutation_known_answers)
{
    static const struct {
        uint64_t seed, epoch;
        ls_u32 purpose, n, places[8];
    } known[] = {
        {0x0, 0x0, 2, 10, {1, 6, 2, 7, 3, 5, 0, 4}},
        {0x2a, 0x3, 2, 150, {83, 130, 60, 38, 21, 31, 20, 76}},
        {0x123456789abcdef0,
         0x100000001,
         4,
         1000003,
         {375599, 124487, 734329, 945862, 192379, 245452, 976009, 188155}},
        {0xffffffffffffffff,
         0x7,
         2,
         4294967291,
         {559656562, 4114994961, 4211772502, 2734796965, 657496248, 941225060, 252356758,
          916720881}},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        for (ls_u32 i = 0; i < 8; i++) {
            ls_u32 place = ls_permute(i, known[k].n, known[k].seed, known[k].purpose,
                                      known[k].epoch);
            cr_expect_eq(place, known[k].places[i], "answer %zu: row %u goes to %u", k, i, place);
        }
}

static void check_bijection(ls_u32 n, uint64_t seed, uint64_t epoch)
{
    unsigned char *seen = alloc(n, 1);
    for (ls_u32 i = 0; i < n; i++) {
        ls_u32 to = ls_permute(i, n, seed, LS_PURPOSE_ORDER, epoch);
        cr_assert_lt(to, n, "n %u: %u goes to %u", n, i, to);
        cr_assert_eq(seen[to]++, 0, "n %u: two go to %u", n, to);
    }
    free(seen);
}

Test(random, permutations_are_bijections)
{
    static const ls_u32 more[] = {1000, 1023, 1024, 1025, 65535, 65536, 65537, 131072};
    for (ls_u32 n = 1; n <= 300; n++)
        for (size_t s = 0; s < SEEDS; s++) check_bijection(n, seeds[s], n + 3 * s);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) check_bijection(more[i], 9, i);
    check_bijection(1000003, 10, 0x500000000);
}

/* Number of standard deviations by which Pearson's statistic of the observed counts is above its
 * mean; freedom: degrees of freedom. */
static double excess(const double *count, size_t cells, double expected, double scale,
                     double freedom)
{
    double sum = 0;
    for (size_t i = 0; i < cells; i++)
        sum += (count[i] - expected) * (count[i] - expected) / expected;
    return (scale * sum - freedom) / sqrt(2 * freedom);
}

/* Over many epochs, every row is at every position equally often. The rows and columns of the table
 * of counts have fixed sums, hence the scale and (n - 1)² degrees of freedom. */
static void check_places(ls_u32 n, unsigned epochs, uint64_t seed)
{
    double *count = alloc((size_t)n * n, sizeof *count), m = n;
    for (unsigned e = 0; e < epochs; e++)
        for (ls_u32 i = 0; i < n; i++)
            count[(size_t)i * n + ls_permute(i, n, seed, LS_PURPOSE_ORDER, e)]++;
    double above = excess(count, (size_t)n * n, epochs / m, (m - 1) / m, (m - 1) * (m - 1));
    cr_expect(fabs(above) < 5, "n %u: positions are uneven, %.1f standard deviations", n, above);
    free(count);
}

Test(random, rows_come_to_every_place)
{
    check_places(5, 60000, 1);
    check_places(21, 40000, 2);
    check_places(64, 10000, 3);
    check_places(100, 6000, 4);
    check_places(150, 3000, 5);
}

/* All n! orders of n rows are equally frequent. */
static void check_orders(ls_u32 n, unsigned epochs, uint64_t seed)
{
    size_t orders = 1;
    for (ls_u32 i = 2; i <= n; i++) orders *= i;
    double *count = alloc(orders, sizeof *count), least = HUGE_VAL;
    for (unsigned e = 0; e < epochs; e++) {
        ls_u32 to[8];
        size_t rank = 0;
        for (ls_u32 i = 0; i < n; i++) to[i] = ls_permute(i, n, seed, LS_PURPOSE_ORDER, e);
        for (ls_u32 i = 0; i < n; i++) {
            size_t smaller = 0;
            for (ls_u32 k = i + 1; k < n; k++) smaller += to[k] < to[i];
            rank = rank * (n - i) + smaller;
        }
        count[rank]++;
    }
    for (size_t i = 0; i < orders; i++) least = count[i] < least ? count[i] : least;
    double above = excess(count, orders, (double)epochs / (double)orders, 1, (double)(orders - 1));
    cr_expect(fabs(above) < 5, "n %u: orders are uneven, %.1f standard deviations", n, above);
    cr_expect(least > 0.8 * epochs / (double)orders, "n %u: one order occurred only %g times", n,
              least);
    free(count);
}

Test(random, all_orders_of_few_rows_are_even)
{
    check_orders(2, 100000, 1);
    check_orders(3, 100000, 2);
    check_orders(4, 100000, 3);
    check_orders(5, 240000, 4);
}

/* Correlation of the positions of neighbours, of a row's positions in successive epochs, and of
 * position and row: -1/(n - 1) for different rows of one permutation, 0 for the others. */
static void check_correlations(ls_u32 n, unsigned epochs, uint64_t seed)
{
    double m = n, middle = (m - 1) / 2, variance = (m * m - 1) / 12, neighbours = 0, successive = 0,
           still = 0;
    for (unsigned e = 0; e < epochs; e++)
        for (ls_u32 i = 0; i < n; i++) {
            double here = ls_permute(i, n, seed, LS_PURPOSE_ORDER, e) - middle;
            neighbours += here * (ls_permute((i + 1) % n, n, seed, LS_PURPOSE_ORDER, e) - middle);
            successive += here * (ls_permute(i, n, seed, LS_PURPOSE_ORDER, e + 1) - middle);
            still += here * (i - middle);
        }
    double all = variance * m * epochs, bound = 5 / sqrt(m * epochs);
    cr_expect(fabs(neighbours / all + 1 / (m - 1)) < bound, "n %u: neighbours correlate by %g", n,
              neighbours / all);
    cr_expect(fabs(successive / all) < bound, "n %u: epochs correlate by %g", n, successive / all);
    cr_expect(fabs(still / all) < bound, "n %u: positions and rows correlate by %g", n,
              still / all);
}

Test(random, neighbours_do_not_stay_together)
{
    check_correlations(21, 10000, 6);
    check_correlations(100, 2000, 7);
    check_correlations(1000, 200, 8);
    check_correlations(65537, 4, 9);
}

/* ---- Distributions --------------------------------------------------------------------------- */

enum { SAMPLES = 1 << 18 };

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double uniform_below(double x) { return x; }
static double normal_below(double x) { return 0.5 * erfc(-x / sqrt(2.0)); }

/* The Kolmogorov-Smirnov statistic × sqrt(n): above 1.95 with probability 0.001. Sorts x. */
static double distance(float *x, size_t n, double (*below)(double))
{
    double most = 0;
    qsort(x, n, sizeof *x, by_value);
    for (size_t i = 0; i < n; i++) {
        double f = below((double)x[i]);
        most = fmax(most, fmax((double)(i + 1) / (double)n - f, f - (double)i / (double)n));
    }
    return most * sqrt((double)n);
}

/* Moment about `middle` against its expected value; deviation: that of one sample's term. */
static void check_moment(const char *what, const float *x, double middle, int power,
                         double expected, double deviation)
{
    double sum = 0;
    for (size_t i = 0; i < SAMPLES; i++) sum += pow((double)x[i] - middle, power);
    double off = (sum / SAMPLES - expected) * sqrt((double)SAMPLES) / deviation;
    cr_expect(fabs(off) < 5, "%s: moment %d is off by %.1f standard deviations", what, power, off);
}

/* Correlation of neighbours. */
static void check_serial(const char *what, const float *x, double middle, double variance)
{
    double sum = 0;
    for (size_t i = 1; i < SAMPLES; i++)
        sum += ((double)x[i] - middle) * ((double)x[i - 1] - middle);
    double off = sum / variance / sqrt((double)SAMPLES);
    cr_expect(fabs(off) < 5, "%s: neighbours correlate, %.1f standard deviations", what, off);
}

/* Along indices (step fixed) or along steps (index fixed): a run uses numbers in both ways. */
static void fill(float *x, bool normal, bool steps, uint64_t seed)
{
    float (*const f)(ls_u64, ls_u32, ls_u64, ls_u32) = normal ? ls_random_normal
                                                              : ls_random_uniform;
    for (ls_u32 i = 0; i < SAMPLES; i++) x[i] = steps ? f(seed, 3, i, 5) : f(seed, 3, 5, i);
}

Test(random, uniforms_are_uniform)
{
    float *x = alloc(SAMPLES, sizeof *x);
    for (unsigned c = 0; c < 2 * SEEDS; c++) {
        fill(x, false, c & 1, seeds[c / 2]);
        for (size_t i = 0; i < SAMPLES; i++) {
            float whole = x[i] * 0x1p24f;
            cr_assert(x[i] >= 0.0f && x[i] < 1.0f && whole == floorf(whole), "%a", (double)x[i]);
        }
        check_moment("uniforms", x, 0.5, 1, 0, sqrt(1 / 12.0));
        check_moment("uniforms", x, 0.5, 2, 1 / 12.0, sqrt(1 / 180.0));
        check_moment("uniforms", x, 0.5, 3, 0, sqrt(1 / 448.0));
        check_serial("uniforms", x, 0.5, 1 / 12.0);
        double d = distance(x, SAMPLES, uniform_below);
        cr_expect(d < 1.95, "uniforms of seed %llx: distance %.2f",
                  (unsigned long long)seeds[c / 2], d);
    }
    free(x);
}

Test(random, normals_are_normal)
{
    float *x = alloc(SAMPLES, sizeof *x);
    for (unsigned c = 0; c < 2 * SEEDS; c++) {
        fill(x, true, c & 1, seeds[c / 2]);
        check_moment("normals", x, 0, 1, 0, 1);
        check_moment("normals", x, 0, 2, 1, sqrt(2.0));
        check_moment("normals", x, 0, 3, 0, sqrt(15.0));
        check_moment("normals", x, 0, 4, 3, sqrt(96.0));
        check_serial("normals", x, 0, 1);
        double d = distance(x, SAMPLES, normal_below);
        cr_expect(d < 1.95, "normals of seed %llx: distance %.2f", (unsigned long long)seeds[c / 2],
                  d);
    }
    free(x);
}

/* Box and Muller in double from the same words: 24 bits of the first in (0, 1], 24 bits of the
 * second as an angle. */
Test(random, normals_follow_their_words)
{
    const double pi = 3.14159265358979323846;
    for (ls_u32 i = 0; i < 100000; i++) {
        ls_u32x4 r = ls_random_block(11, 3, 2, i);
        double u = ((r.x >> 8) + 1) / 16777216.0,
               z = sqrt(-2 * log(u)) * sin(pi * (0.5 - (r.y >> 8) / 8388608.0));
        double got = (double)ls_random_normal(11, 3, 2, i);
        cr_assert(fabs(got - z) <= 4e-7 * fabs(z) + 1e-15, "index %u: %.9g, in double %.9g", i, got,
                  z);
    }
}

Test(random, dropout_drops_its_share)
{
    static const float shares[] = {0.0f, 0.1f, 0.25f, 0.5f, 0.9f, 0.999f};
    for (unsigned c = 0; c < sizeof shares / sizeof *shares; c++) {
        double p = (double)shares[c], dropped = 0;
        for (ls_u32 i = 0; i < SAMPLES; i++) {
            float factor = ls_dropout_factor(12, 0x203, 4, i, shares[c]);
            cr_assert(factor == 0.0f || fabs((double)factor * (1 - p) - 1) < 1e-6,
                      "p %g: factor %a", p, (double)factor);
            dropped += factor == 0.0f;
        }
        double bound = 5 * sqrt(SAMPLES * p * (1 - p));
        cr_expect(fabs(dropped - p * SAMPLES) <= bound, "p %g: %g of %d dropped", p, dropped,
                  SAMPLES);
    }
}

/* ---- Streams --------------------------------------------------------------------------------- */

/* Streams that differ only in seed, step or purpose have as many equal bits as chance predicts, and
 * no equal words. */
Test(random, streams_differ)
{
    static const struct {
        ls_u64 seed, step;
        ls_u32 purpose;
    } stream[] = {
        {7, 0, LS_PURPOSE_INIT},
        {7, 0, LS_PURPOSE_ORDER},
        {7, 0, LS_PURPOSE_DROPOUT},
        {7, 0, LS_PURPOSE_SPLIT},
        {7, 0, LS_PURPOSE_DATA},
        {7, 0, LS_PURPOSE_VALIDATION},
        {7, 0, LS_PURPOSE_DROPOUT + 0x100},
        {7, 0, LS_PURPOSE_DROPOUT + 0x200},
        {7, 0, LS_PURPOSE_DROPOUT + 0x10000},
        {7, 1, LS_PURPOSE_DROPOUT},
        {7, 2, LS_PURPOSE_DROPOUT},
        {7, 1ull << 32, LS_PURPOSE_DROPOUT},
        {8, 0, LS_PURPOSE_DROPOUT},
        {7ull << 32, 0, LS_PURPOSE_DROPOUT},
        {(1ull << 32) + 7, 0, LS_PURPOSE_DROPOUT},
    };
    enum { STREAMS = sizeof stream / sizeof *stream, WORDS = 4096 };
    for (size_t a = 0; a < STREAMS; a++)
        for (size_t b = 0; b < a; b++) {
            int differing = 0, same = 0;
            for (ls_u32 i = 0; i < WORDS; i++) {
                ls_u32 x = ls_random_u32(stream[a].seed, stream[a].purpose, stream[a].step, i);
                ls_u32 y = ls_random_u32(stream[b].seed, stream[b].purpose, stream[b].step, i);
                differing += __builtin_popcount(x ^ y);
                same += x == y;
            }
            double off = (differing - 16.0 * WORDS) / sqrt(8.0 * WORDS);
            cr_expect(fabs(off) < 5, "streams %zu and %zu: %.1f standard deviations", a, b, off);
            cr_expect(same < 2, "streams %zu and %zu have %d words in common", a, b, same);
        }
}

/* Every bit of the words is set half of the time. */
Test(random, bits_are_even)
{
    int ones[32] = {0};
    for (ls_u32 i = 0; i < SAMPLES; i++) {
        ls_u32 r = ls_random_u32(13, 1, 0, i);
        for (int k = 0; k < 32; k++) ones[k] += (int)(r >> k & 1);
    }
    for (int k = 0; k < 32; k++)
        cr_expect(abs(ones[k] - SAMPLES / 2) < 5 * 256, "bit %d: %d of %d", k, ones[k], SAMPLES);
}

/* Orders of different seeds, epochs and purposes agree in one position on average, as by chance. */
Test(random, orders_differ)
{
    enum { N = 1000 };
    const struct {
        uint64_t seed, epoch;
        ls_u32 purpose;
    } order[] = {{1, 0, 2}, {1, 1, 2}, {1, 2, 2},          {2, 0, 2},
                 {1, 0, 4}, {1, 0, 6}, {1ull << 32, 0, 2}, {1, 1ull << 32, 2}};
    for (size_t a = 0; a < sizeof order / sizeof *order; a++)
        for (size_t b = 0; b < a; b++) {
            int common = 0;
            for (ls_u32 i = 0; i < N; i++)
                common += ls_permute(i, N, order[a].seed, order[a].purpose, order[a].epoch) ==
                          ls_permute(i, N, order[b].seed, order[b].purpose, order[b].epoch);
            cr_expect(common < 8, "orders %zu and %zu have %d of %d places in common", a, b, common,
                      N);
        }
}
