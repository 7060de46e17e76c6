/* SPDX-License-Identifier: MIT */
#include "bench/bench_fleet.h"
#include "bench/bench_fleet_plot.h"
#include "bench/resident.h"
#include "bench/run.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "kernels/random.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SETUPS = 2 * BENCH_DEVICES, SIZES = 8, SAMPLE = 16 };

/* A device and its threads. */
typedef struct {
    const char *device;
    size_t threads; /* of the CPU path; 0 for other devices */
} setup;

/* The measurements of one process. */
typedef struct {
    ls_status status;
    char message[1024], name[128];
    double seconds, adding, opening, peak;
    char hash[65]; /* of the weights of up to SAMPLE members */
} outcome;

typedef struct {
    bench_options *options;
    setup setups[SETUPS];
    size_t count;
    char name[SETUPS][160];
    bench_fleet_point points[SETUPS * SIZES];
    size_t point_count;
} study;

/* ---- One fleet ------------------------------------------------------------------------------- */

/* The random rows of bench_fill_rows, which the peers of side_by_side.py generate, too. */
static ls_status make_rows(const bench_options *o, size_t features, size_t classes, ls_data **out,
                           ls_error *err)
{
    float *x = NULL;
    int32_t *y = NULL;
    ls_status status = ls_alloc(&x, o->rows * features, sizeof *x, "the benchmark", err);
    if (status == LS_OK) status = ls_alloc(&y, o->rows, sizeof *y, "the benchmark", err);
    for (size_t i = 0; status == LS_OK && i < o->rows * features; i++)
        x[i] = ls_random_uniform(1, 1, 0, (ls_u32)i);
    for (size_t i = 0; status == LS_OK && i < o->rows; i++) y[i] = (int32_t)(i % classes);
    if (status == LS_OK) status = ls_data_from_arrays(x, y, o->rows, features, classes, out, err);
    free(x);
    free(y);
    return status;
}

/* Adds members that differ in their seeds: 1, 2 … */
static ls_status add_members(ls_fleet *fleet, ls_options *options, const ls_data *data,
                             size_t count, ls_error *err)
{
    char seed[32];
    for (size_t i = 0; i < count; i++) {
        snprintf(seed, sizeof seed, "%zu", i + 1);
        LS_TRY(ls_options_set(options, "seed", seed, err));
        LS_TRY(ls_fleet_add(fleet, options, data, NULL, err));
    }
    return LS_OK;
}

/* A first run, which compiles for the device and is not measured. */
static ls_status warm_up(ls_device *device, ls_options *options, const ls_data *data, ls_error *err)
{
    ls_fleet *fleet;
    LS_TRY(ls_fleet_open(device, 0, &fleet, err));
    ls_status status = add_members(fleet, options, data, 2, err);
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 2, NULL, NULL, err);
    ls_fleet_close(fleet);
    return status;
}

/* One hash of members from the whole fleet: the same on every device. */
static ls_status hash_some(ls_fleet *fleet, size_t members, char hex[65], ls_error *err)
{
    ls_sha256 all;
    size_t some = members < SAMPLE ? members : SAMPLE;
    ls_sha256_init(&all);
    for (size_t i = 0; i < some; i++) {
        ls_model *model;
        LS_TRY(ls_fleet_model(fleet, i * members / some, &model, err));
        ls_model_weights_sha256(model, hex);
        ls_sha256_update(&all, hex, 64);
        ls_model_free(model);
    }
    ls_sha256_final(&all, hex);
    return LS_OK;
}

static ls_status train(ls_device *device, ls_options *options, const ls_data *data, size_t members,
                       outcome *out, ls_error *err)
{
    ls_fleet *fleet;
    LS_TRY(warm_up(device, options, data, err));
    bench_reset_peak();
    out->opening = bench_resident();
    double start = bench_now();
    LS_TRY(ls_fleet_open(device, 0, &fleet, err));
    ls_status status = add_members(fleet, options, data, members, err);
    out->adding = bench_now() - start;
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, err);
    out->seconds = bench_now() - start;
    out->peak = bench_peak_resident();
    if (status == LS_OK) status = hash_some(fleet, members, out->hash, err);
    ls_fleet_close(fleet);
    return status;
}

static ls_status measure(bench_options o, const setup *s, size_t members, size_t epochs,
                         outcome *out, ls_error *err)
{
    ls_device *device;
    ls_options *options = NULL;
    ls_data *data = NULL;
    size_t features, classes;
    o.device = s->device, o.threads = s->threads, o.epochs = epochs;
    LS_TRY(bench_open(&o, &device, err));
    snprintf(out->name, sizeof out->name, "%s", ls_device_get_info(device)->name);
    ls_status status = bench_full_batch_options(&o, &options, &features, &classes, err);
    if (status == LS_OK) status = make_rows(&o, features, classes, &data, err);
    if (status == LS_OK) status = train(device, options, data, members, out, err);
    ls_data_free(data);
    ls_options_free(options);
    ls_device_close(device);
    return status;
}

/* The same in its own process, so that the memory is that of this fleet: allocators and drivers
 * keep memory that they once had. */
static ls_status measure_in_process(const bench_options *o, const setup *s, size_t members,
                                    size_t epochs, outcome *out, ls_error *err)
{
    int ends[2];
    fflush(stdout);
    if (pipe(ends)) return ls_fail(err, LS_ERR_IO, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        outcome mine = {0};
        ls_error why;
        mine.status = measure(*o, s, members, epochs, &mine, &why);
        if (mine.status != LS_OK) snprintf(mine.message, sizeof mine.message, "%s", why.message);
        _exit(write(ends[1], &mine, sizeof mine) != sizeof mine);
    }
    close(ends[1]);
    FILE *from = child > 0 ? fdopen(ends[0], "rb") : NULL;
    bool whole = from && fread(out, sizeof *out, 1, from) == 1;
    if (from) fclose(from);
    else close(ends[0]);
    if (child > 0) waitpid(child, NULL, 0);
    if (!whole)
        return ls_fail(err, LS_ERR_MEMORY, "the process that trained %zu members ended too early",
                       members);
    return out->status == LS_OK ? LS_OK : ls_fail(err, out->status, "%s", out->message);
}

/* ---- Fleet against one member ---------------------------------------------------------------- */

static void print_rate(study *s, size_t i, size_t members, size_t epochs, double seconds,
                       double spread, double base, double own, double peak)
{
    double rate = (double)members * (double)epochs / seconds;
    if (s->options->json) {
        printf(
            "%s{\"bench\":\"fleet\",\"device\":\"%s\",\"threads\":%zu,\"members\":%zu,\"epochs\":%zu,\"seconds\":%.6g,\"spread\":%.3g,"
            "\"member_steps_per_second\":%.6g,\"over_one_on_one_thread\":%.4g,\"over_one_here\":%.4g,\"peak_resident\":%.0f}",
            s->options->first ? "[" : ",\n", s->name[i], s->setups[i].threads, members, epochs,
            seconds, spread, rate, rate / base, rate / own, peak);
        s->options->first = false;
        return;
    }
    printf(
        "%-52.52s %7zu x %-7zu %8.3f s ±%4.1f %% %10.0f member-steps/s %6.2f x %6.2f x %7.1f MB\n",
        s->name[i], members, epochs, seconds, 100 * spread, rate, rate / base, rate / own,
        peak * 1e-6);
}

/* Medians of interleaved rounds. The single member runs for more epochs, so that the cost of a call
 * does not count. */
static ls_status compare(study *s, ls_error *err)
{
    bench_options *o = s->options;
    static double seconds[SETUPS][2][1000];
    double peak[SETUPS][2] = {{0}}, spread, median[SETUPS][2] = {{0}}, scatter[SETUPS][2] = {{0}};
    size_t members[2] = {1, o->members},
           epochs[2] = {o->epochs * (o->members > 20 ? o->members / 20 : 1), o->epochs};
    char hash[2][65] = {"", ""};
    bool same = true;
    outcome now;
    for (size_t k = 0; k < o->repeats; k++)
        for (size_t i = 0; i < s->count; i++)
            for (int many = 0; many < 2; many++) {
                LS_TRY(measure_in_process(o, &s->setups[i], members[many], epochs[many], &now,
                                          err));
                seconds[i][many][k] = now.seconds;
                if (now.peak > peak[i][many]) peak[i][many] = now.peak;
                if (!*hash[many]) memcpy(hash[many], now.hash, sizeof now.hash);
                same = same && !strcmp(hash[many], now.hash);
                snprintf(s->name[i], sizeof s->name[i], "%s", now.name);
            }
    for (size_t i = 0; i < s->count; i++)
        for (int many = 0; many < 2; many++) {
            median[i][many] = bench_median(seconds[i][many], o->repeats, &spread);
            scatter[i][many] = spread;
        }
    if (!o->json)
        printf("%s, %zu rows, full batch, %s hidden, %s\n%114s %8s\n", o->network, o->rows,
               o->activation, o->optimizer, "x first", "x own");
    for (size_t i = 0; i < s->count; i++)
        for (int many = 0; many < 2; many++)
            print_rate(s, i, members[many], epochs[many], median[i][many], scatter[i][many],
                       (double)epochs[0] / median[0][0], (double)epochs[0] / median[i][0],
                       peak[i][many]);
    if (!o->json)
        printf(
            "x first, x own: relative to one member on the first device and on the same device; weights of a sample: %s\n",
            same ? "EQUAL" : "DIFFERENT: please report this");
    return LS_OK;
}

/* ---- Time and memory against the number of members ------------------------------------------- */

static void print_growth(study *s, const bench_fleet_point *p)
{
    double each = p->seconds / (double)p->members / (double)p->epochs,
           held = (p->peak - p->opening) / (double)p->members;
    if (!s->options->json) {
        printf(
            "%-52.52s %7zu x %-7zu %8.3f s %8.2f us per member and step %8.1f MB more than before, %8.2f kB per member\n",
            p->device, p->members, p->epochs, p->seconds, 1e6 * each, 1e-6 * (p->peak - p->opening),
            1e-3 * held);
        return;
    }
    printf(
        "%s{\"bench\":\"fleet growth\",\"device\":\"%s\",\"threads\":%zu,\"members\":%zu,\"epochs\":%zu,\"seconds\":%.6g,\"adding\":%.6g,"
        "\"opening_resident\":%.0f,\"peak_resident\":%.0f}",
        s->options->first ? "[" : ",\n", p->device, p->threads, p->members, p->epochs, p->seconds,
        p->adding, p->opening, p->peak);
    s->options->first = false;
}

static ls_status grow(study *s, size_t i, size_t members, ls_error *err)
{
    bench_options *o = s->options;
    double seconds[1000];
    outcome now;
    bench_fleet_point *p = &s->points[s->point_count];
    *p = (bench_fleet_point){.device = s->name[i],
                             .threads = s->setups[i].threads,
                             .members = members,
                             .epochs = o->epochs > 10 ? o->epochs / 10 : 1};
    for (size_t k = 0; k < o->repeats; k++) {
        LS_TRY(measure_in_process(o, &s->setups[i], members, p->epochs, &now, err));
        seconds[k] = now.seconds;
        p->adding = now.adding;
        if (now.peak - now.opening > p->peak - p->opening)
            p->peak = now.peak, p->opening = now.opening;
        snprintf(s->name[i], sizeof s->name[i], "%s", now.name);
    }
    p->seconds = bench_median(seconds, o->repeats, NULL);
    print_growth(s, p);
    s->point_count++;
    return LS_OK;
}

/* ---- The command ----------------------------------------------------------------------------- */

/* The CPU path with one thread and with all, and the other devices. */
static void list_setups(study *s, char *const *names, size_t count)
{
    size_t all = s->options->threads, one = 1;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (!all) all = cores > 0 ? (size_t)cores : 1;
    for (size_t d = 0; d < count; d++) {
        bool cpu = !strcmp(names[d], "cpu") || !strcmp(names[d], "0");
        if (cpu && all > one) s->setups[s->count++] = (setup){names[d], one};
        s->setups[s->count++] = (setup){names[d], cpu ? all : 0};
    }
}

ls_status bench_fleet(bench_options *o, ls_error *err)
{
    static study s;
    char *names[BENCH_DEVICES];
    size_t count;
    LS_TRY(bench_names(o, names, &count, err));
    s.options = o;
    list_setups(&s, names, count);
    ls_status status = compare(&s, err);
    for (size_t i = 0; i < s.count; i++) {
        bool fewer_threads = i + 1 < s.count && s.setups[i].device == s.setups[i + 1].device;
        for (size_t members = 10;
             members <= o->up_to && members <= 10000000 && !fewer_threads && status == LS_OK;
             members *= 10)
            status = grow(&s, i, members, err);
    }
    if (status == LS_OK && s.point_count)
        status = bench_fleet_files(o, s.points, s.point_count, err);
    bench_names_free(names, count);
    return status;
}

/* ---- For side_by_side.py --------------------------------------------------------------------- */

/* Trains all members for --epochs more epochs; prints the seconds per member and step. */
static ls_status go_on(ls_fleet *fleet, const bench_options *o, uint64_t *done, ls_error *err)
{
    double start = bench_now();
    LS_TRY(ls_fleet_run(fleet, NULL, 0, *done += o->epochs, NULL, NULL, err));
    printf("%.9g\n", (bench_now() - start) / (double)o->epochs / (double)o->members);
    fflush(stdout);
    return LS_OK;
}

static ls_status serve(const bench_options *o, ls_fleet *fleet, ls_error *err)
{
    char line[64];
    ls_member_info info = LS_INIT(ls_member_info);
    uint64_t done = 20;
    double sum = 0;
    LS_TRY(ls_fleet_run(fleet, NULL, 0, done, NULL, NULL, err));
    for (size_t i = 0; i < o->members; i++) {
        LS_TRY(ls_fleet_member(fleet, i, &info, err));
        sum += info.loss;
    }
    printf("ready %.6g 0\n", sum / (double)o->members);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && !strncmp(line, "go", 2))
        LS_TRY(go_on(fleet, o, &done, err));
    return LS_OK;
}

ls_status bench_serve_fleet(bench_options *o, ls_device *device, ls_error *err)
{
    bench_options whole = *o;
    ls_options *options = NULL;
    ls_data *data = NULL;
    ls_fleet *fleet = NULL;
    size_t features, classes;
    whole.epochs = 1000000000; /* never reached */
    whole.rows = o->rows ? o->rows : o->batch;
    ls_status status = bench_full_batch_options(&whole, &options, &features, &classes, err);
    if (status == LS_OK) status = make_rows(&whole, features, classes, &data, err);
    if (status == LS_OK) status = ls_fleet_open(device, 0, &fleet, err);
    if (status == LS_OK) status = add_members(fleet, options, data, o->members, err);
    if (status == LS_OK) status = serve(o, fleet, err);
    ls_fleet_close(fleet);
    ls_data_free(data);
    ls_options_free(options);
    return status;
}
