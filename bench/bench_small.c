/* SPDX-License-Identifier: MIT */
#include "bench/bench_small.h"
#include "bench/bench_peak.h"
#include "bench/run.h"
#include "host/base/error.h"
#include <stdlib.h>
#include <string.h>

/* The networks, and for each the project's target for the CPU path, in microseconds on the machine
 * for which the targets were set. The first row of a network has the target configuration; the
 * extra rows show that the speed does not depend on one activation or optimizer. */
static const struct {
    const char *network;
    size_t rows;
    const char *activation, *optimizer;
    double target;
    bool extra;
} cases[] = {
    {"2-4-4-1", 100, "relu", "gd", 3.3, false},
    {"2-4-4-1", 100, "sigmoid", "gd", 3.3, true},
    {"2-4-4-1", 100, "relu", "adam", 3.3, true},
    {"2-20-20-1", 400, "relu", "gd", 20, false},
    {"2-20-20-1", 400, "sigmoid", "gd", 20, true},
    {"2-20-20-1", 400, "relu", "adam", 20, true},
    {"2-50-50-1", 400, "relu", "gd", 80, false},
    {"2-50-50-1", 400, "sigmoid", "gd", 80, true},
    {"2-50-50-1", 400, "relu", "adam", 80, true},
    {"2-20-20-20-20-20-20-20-20-20-20-1", 400, "relu", "gd", 110, false},
    {"2-20-20-20-20-20-20-20-20-20-20-1", 400, "sigmoid", "gd", 110, true},
    {"2-20-20-20-20-20-20-20-20-20-20-1", 400, "relu", "adam", 110, true},
    {"5-50-3", 50, "relu", "adam", 4.2, false},
    {"5-50-3", 50, "sigmoid", "adam", 4.2, true},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct {
    bench_options *options;
    ls_device *device[BENCH_DEVICES];
    size_t count;
    double seconds[CASES][BENCH_DEVICES], spread[CASES][BENCH_DEVICES];
    double peak; /* FLOP/s of one core */
} small;

/* 6·rows·weights, including the gradient of the inputs of the first layer, which is not computed.
 */
static double flops_of(size_t i)
{
    double weights = 0;
    char *end;
    for (double before = (double)strtoul(cases[i].network, &end, 10), width; *end == '-';
         before = width) {
        width = (double)strtoul(end + 1, &end, 10);
        weights += before * width;
    }
    return 6.0 * (double)cases[i].rows * weights;
}

static ls_status one_round(bench_run *runs, const uint64_t *steps, size_t count,
                           double (*times)[1000], size_t round, ls_error *err)
{
    for (size_t d = 0; d < count; d++) {
        double start = bench_now();
        LS_TRY(bench_run_steps(&runs[d], steps[d], err));
        times[d][round] = (bench_now() - start) / (double)steps[d];
    }
    return LS_OK;
}

/* Measures one case on all devices in turn, so that changes of the machine's speed affect all of
 * them. */
static ls_status measure(small *s, size_t i, ls_error *err)
{
    bench_options o = *s->options;
    bench_run runs[BENCH_DEVICES];
    uint64_t steps[BENCH_DEVICES];
    static double times[BENCH_DEVICES][1000];
    size_t open = 0;
    ls_status status = LS_OK;
    o.network = cases[i].network, o.activation = cases[i].activation,
    o.optimizer = cases[i].optimizer;
    o.batch = o.rows = cases[i].rows;
    o.rate = strcmp(cases[i].optimizer, "gd") ? 0.001 : 0.025;
    while (open < s->count &&
           (status = bench_run_open(&o, s->device[open], &runs[open], err)) == LS_OK)
        open++;
    for (size_t d = 0; d < open && status == LS_OK; d++)
        status = bench_calibrate(&o, &runs[d], &steps[d], err);
    for (size_t k = 0; k < o.repeats && status == LS_OK; k++)
        status = one_round(runs, steps, s->count, times, k, err);
    for (size_t d = 0; d < s->count && status == LS_OK; d++)
        s->seconds[i][d] = bench_median(times[d], o.repeats, &s->spread[i][d]);
    while (open--) bench_run_close(&runs[open]);
    return status;
}

/* ---- The report ------------------------------------------------------------------------------ */

/* The target: the CPU path has its own, other devices half the speed of the CPU path. */
static double target_of(const small *s, size_t i, size_t d)
{
    return d && !strcmp(s->device[0]->info.kind, "cpu path") ? 2 * s->seconds[i][0]
                                                             : cases[i].target * 1e-6;
}

static const char *short_name(size_t i)
{
    return strlen(cases[i].network) > 20 ? "2-(10 x 20)-1" : cases[i].network;
}

static void print_case(small *s, size_t i, size_t d)
{
    double seconds = s->seconds[i][d], floor = flops_of(i) / s->peak, most = target_of(s, i, d);
    if (s->options->json) {
        printf(
            "%s{\"bench\":\"small\",\"device\":\"%s\",\"network\":\"%s\",\"rows\":%zu,\"activation\":\"%s\",\"optimizer\":\"%s\",\"extra\":%s,"
            "\"seconds\":%.6g,\"spread\":%.3g,\"floor\":%.6g,\"share_of_peak\":%.4g,\"allowed\":%.6g,\"kept\":%s}",
            s->options->first ? "[" : ",\n", ls_device_get_info(s->device[d])->name,
            cases[i].network, cases[i].rows, cases[i].activation, cases[i].optimizer,
            cases[i].extra ? "true" : "false", seconds, s->spread[i][d], floor, floor / seconds,
            most, seconds <= most ? "true" : "false");
        s->options->first = false;
        return;
    }
    printf("%-14s %4zu  %-8s %-5s %9.2f ±%4.1f %% %8.2f %6.1f %% %9.2f  %s%s", short_name(i),
           cases[i].rows, cases[i].activation, cases[i].optimizer, 1e6 * seconds,
           100 * s->spread[i][d], 1e6 * floor, 100 * floor / seconds, 1e6 * most,
           seconds <= most ? "reached" : "NOT REACHED", cases[i].extra ? " (extra)" : "");
    if (d) printf("  %.2f x the speed of the first device", s->seconds[i][0] / seconds);
    putchar('\n');
}

static void report(small *s)
{
    bench_row(s->options, "peak", "fma, one core", s->peak * 1e-9, "GFLOP/s", 0, 0, 0);
    for (size_t d = 0; d < s->count; d++) {
        if (!s->options->json)
            printf("\n%s\n%-14s %4s  %-8s %-5s %9s %8s %8s %8s %9s\n",
                   ls_device_get_info(s->device[d])->name, "network", "rows", "hidden", "opt.",
                   "us/step", "spread", "floor us", "of peak", "target");
        for (size_t i = 0; i < CASES; i++) print_case(s, i, d);
    }
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Measures the peak; the best of the measurements before and after the cases counts, because
 * another program on the core makes it lower. */
static ls_status measure_peak(small *s, ls_error *err)
{
    double flops = 0, bytes;
    ls_device *cpu;
    LS_TRY(ls_device_open("cpu", 1, 0, &cpu, err));
    ls_status status = bench_peak(cpu, 1, s->options->isa, &flops, &bytes, err);
    if (flops > s->peak) s->peak = flops;
    ls_device_close(cpu);
    return status;
}

ls_status bench_small(bench_options *o, ls_error *err)
{
    small s = {.options = o};
    char *names[BENCH_DEVICES];
    size_t count;
    if (!o->threads) o->threads = 1;
    /* PoCL reads this when it starts; one compute unit, as the CPU path has one thread */
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 0);
    LS_TRY(bench_names(o, names, &count, err));
    ls_status status = LS_OK;
    for (; s.count < count && status == LS_OK; s.count += status == LS_OK) {
        o->device = names[s.count];
        status = bench_open(o, &s.device[s.count], err);
    }
    if (status == LS_OK) status = measure_peak(&s, err);
    for (size_t i = 0; i < CASES && status == LS_OK; i++) status = measure(&s, i, err);
    if (status == LS_OK) status = measure_peak(&s, err);
    if (status == LS_OK) report(&s);
    while (s.count--) ls_device_close(s.device[s.count]);
    bench_names_free(names, count);
    return status;
}
