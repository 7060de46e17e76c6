/* SPDX-License-Identifier: MIT */
#include "bench/common.h"
#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/text.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n, double *spread)
{
    qsort(values, n, sizeof *values, by_value);
    double median = n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
    if (spread) *spread = 0.5 * (values[n - 1 - n / 4] - values[n / 4]) / median;
    return median;
}

ls_status bench_open(const bench_options *o, ls_device **out, ls_error *err)
{
    /* a fixed number of threads, so that ls_device_open does not measure which number is best */
    LS_TRY(ls_device_open(o->device, o->threads ? (unsigned)o->threads : ls_usable_cores(), 0, out,
                          err));
    if (!o->isa || strcmp(o->device, "cpu")) return LS_OK;
    ls_device *d = *out;
    d->backend->slots->close(d->backend);
    d->backend = NULL;
    ls_status status = ls_cpu_open((unsigned)o->threads, o->isa, &d->backend, err);
    if (status != LS_OK) ls_device_close(d);
    return status;
}

ls_status bench_names(const bench_options *o, char *names[BENCH_DEVICES], size_t *count,
                      ls_error *err)
{
    char *rest = NULL, *list = ls_strdup(o->device);
    ls_status status = list ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "out of memory");
    *count = 0;
    for (char *name = list ? strtok_r(list, ",", &rest) : NULL; name && status == LS_OK;
         name = strtok_r(NULL, ",", &rest)) {
        if (*count == BENCH_DEVICES)
            status = ls_fail(err, LS_ERR_ARGUMENT, "--device: at most %d devices", BENCH_DEVICES);
        else if (!(names[*count] = ls_strdup(name)))
            status = ls_fail(err, LS_ERR_MEMORY, "out of memory");
        else ++*count;
    }
    free(list);
    if (status == LS_OK && !*count)
        status = ls_fail(err, LS_ERR_ARGUMENT, "--device names no device");
    if (status != LS_OK) bench_names_free(names, *count);
    return status;
}

void bench_names_free(char *names[BENCH_DEVICES], size_t count)
{
    for (size_t i = 0; i < count; i++) free(names[i]);
}

void bench_row(bench_options *o, const char *what, const char *name, double rate, const char *unit,
               double peak, double seconds, double spread)
{
    if (o->json) {
        printf(
            "%s{\"bench\":\"%s\",\"case\":\"%s\",\"rate\":%.6g,\"unit\":\"%s\",\"share_of_peak\":%.4g,\"seconds\":%.6g,\"spread\":%.3g}",
            o->first ? "[" : ",\n", what, name, rate, unit, peak > 0 ? rate / peak : 0, seconds,
            spread);
        o->first = false;
        return;
    }
    printf("%-12s %-34s %9.1f %-8s", what, name, rate, unit);
    if (peak > 0) printf(" %5.1f %% of peak", 100 * rate / peak);
    else printf("%16s", "");
    printf("  %10.1f us  ±%.1f %%\n", seconds * 1e6, 100 * spread);
    fflush(stdout);
}
