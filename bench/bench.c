/* SPDX-License-Identifier: MIT */
/* lockstep-bench: what a device does, as rates and as shares of its measured peak. */
#include "bench/bench.h"
#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/text.h"
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: lockstep-bench matmul|step|small|width|fleet|epoch|sweep|choose|elementwise|peak|hash|devices|tune|serve [options]\n\n"
    "  matmul       matrix products of all transposes through the operations of a step, in turn with OpenBLAS, BLIS and oneDNN\n"
    "               where they are found (forms: NN forward, NT gradient of inputs, TN gradient of weights)\n"
    "  step         training steps of one network: time, GFLOP/s, share of the peak (of the step's products: 6·rows·weights less\n"
    "               the first layer's gradient of inputs, which nobody needs); memory: what is needed (parameters x (2 + optimizer\n"
    "               states) + two activations a layer + data), what is held, and the peak resident\n"
    "  small        steps of five small networks, full batch, one thread, the loss of each step reported, on the devices of\n"
    "               --device in turn; beside each the floor: 6·rows·weights FLOP at the measured fma peak of one core\n"
    "  width        a whole run, 250000 epochs of 2-20-20-1 on 400 rows, on each device of --device, and whether the bits agree\n"
    "  fleet        1000 members of 2-20-20-1 on 400 rows for 1000 epochs against one of them: member-steps a second on the CPU\n"
    "               path with one thread and all, and on the devices of --device. Then 10, 100 … members for a tenth of the\n"
    "               epochs: OUT.csv and, where gnuplot is installed, OUT.svg, time and memory over members. Each measurement\n"
    "               has a process of its own; adding the members counts\n"
    "  epoch        an epoch on data of MNIST's size (60000 x 784), and the share of its time outside matrix products: 1 less the\n"
    "               time of the epoch's products alone over that of the epoch. The products alone are the same operations on the\n"
    "               same device, without activations, batches, loss, optimizer and what else a step has; both are run in turn.\n"
    "               They find more of their operands in the caches than in a whole step: the share is, if anything, too high\n"
    "  sweep        steps of 784-W-W-10 for W of 64 to 4096 and batches of 16 to 4096: OUT.csv, and OUT.svg where gnuplot is\n"
    "               installed: time per FLOP. A point that looks like a cliff is measured up to three times more and the best\n"
    "               kept; a cliff is a point under half the rate of the next smaller width or batch, or that takes longer than\n"
    "               the next larger one (by a tenth)\n"
    "  choose       what --device auto and --threads auto choose, over widths, depths, batches and members: microseconds of a step of\n"
    "               one member on each device (* the best, < chosen); loss: the chosen one's time over the best one's; cost: what\n"
    "               choosing took, of a run of ten seconds; run: such a run's time over that on the best device alone\n"
    "  elementwise  activations and optimizer passes, in GB/s\n"
    "  devices      the devices there are; tune: chooses tiles for one (both as in lockstep, for machines without its libraries)\n"
    "  peak         the rates the others are compared with\n"
    "  hash         weights_sha256 of some whole runs: the same on every device and machine\n"
    "  serve        for bench/side_by_side.py\n\n"
    "  --device D       cpu (default), an index, or part of a name (lockstep devices);\n"
    "                   small, width, fleet, sweep: several by commas\n"
    "  --threads N      of the CPU path (default: one a core; small: 1)\n"
    "  --isa NAME       of the CPU path: avx512, avx2, generic (default: the best)\n"
    "  --network W      step, epoch, serve: widths (default 784-512-512-10); width, fleet: (default 2-20-20-1)\n"
    "  --batch N        rows a step (default 256)\n"
    "  --rows N         rows of the data set (default: 8 batches; epoch: 60000; width, fleet: 400); those of a batch: full batch\n"
    "  --data DIR       step, epoch: rows from the IDX files of MNIST or the like in a folder, .gz too (default: random)\n"
    "  --optimizer O    (default adam; width, fleet: gd)\n"
    "  --activation A   of the hidden layers (default relu)\n"
    "  --lr RATE        (default 0.001; width, fleet: 0.025)\n"
    "  --epochs N       width: (default 250000); fleet: (default 1000); serve with --members: epochs a repetition\n"
    "  --members N      fleet: (default 1000); serve: a fleet of so many\n"
    "  --shape M,N,K    matmul: one shape\n"
    "  --peer LIBRARY   matmul: a library to load, or none\n"
    "  --up-to N        sweep: largest width and batch (default 4096); choose: largest width; fleet: most members (default 10000; 1: only the comparison)\n"
    "  --out OUT        sweep, fleet: the files (default: the mode's name)\n"
    "  --repeat N       timed repetitions, the median of which counts (default 7; sweep, choose, fleet: 3; width: 1)\n"
    "  --seconds S      aimed-at length of a repetition (default 0.2, sweep, choose: 0.1)\n"
    "  --json           one JSON array\n";

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
    /* a number, so that no threads are chosen among: what is measured is one device */
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
    if (status == LS_OK && !*count) status = ls_fail(err, LS_ERR_ARGUMENT, "--device names none");
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

/* A whole number from 1 to most; complains otherwise. */
static bool count_of(const char *option, const char *text, uint64_t most, uint64_t *out)
{
    if (ls_parse_u64(text, out) && *out > 0 && *out <= most) return true;
    fprintf(stderr, "lockstep-bench: --%s takes a number from 1 to %llu\n", option,
            (unsigned long long)most);
    return false;
}

/* A number above 0; complains otherwise. */
static bool above_zero(const char *option, const char *text, double *out)
{
    if (ls_parse_double(text, out) && *out > 0) return true;
    fprintf(stderr, "lockstep-bench: --%s takes a number above 0\n", option);
    return false;
}

static int parse(bench_options *o, int argc, char **argv)
{
    enum { JSON = 1, HELP, TEXT = 10, COUNT = 30, REAL = 50 };
    static const struct option table[] = {{"device", 1, NULL, TEXT},
                                          {"isa", 1, NULL, TEXT + 1},
                                          {"network", 1, NULL, TEXT + 2},
                                          {"data", 1, NULL, TEXT + 3},
                                          {"optimizer", 1, NULL, TEXT + 4},
                                          {"shape", 1, NULL, TEXT + 5},
                                          {"peer", 1, NULL, TEXT + 6},
                                          {"out", 1, NULL, TEXT + 7},
                                          {"activation", 1, NULL, TEXT + 8},
                                          {"threads", 1, NULL, COUNT},
                                          {"repeat", 1, NULL, COUNT + 1},
                                          {"batch", 1, NULL, COUNT + 2},
                                          {"rows", 1, NULL, COUNT + 3},
                                          {"up-to", 1, NULL, COUNT + 4},
                                          {"epochs", 1, NULL, COUNT + 5},
                                          {"members", 1, NULL, COUNT + 6},
                                          {"lr", 1, NULL, REAL},
                                          {"seconds", 1, NULL, REAL + 1},
                                          {"json", 0, NULL, JSON},
                                          {"help", 0, NULL, HELP},
                                          {NULL, 0, NULL, 0}};
    const char **text[] = {&o->device, &o->isa,  &o->network, &o->data,      &o->optimizer,
                           &o->shape,  &o->peer, &o->out,     &o->activation};
    size_t *count[] = {&o->threads, &o->repeats, &o->batch,  &o->rows,
                       &o->up_to,   &o->epochs,  &o->members};
    const uint64_t most[] = {1024, 1000, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 10000000};
    double *real[] = {&o->rate, &o->seconds};
    uint64_t n;
    int index = 0;
    for (int c; (c = getopt_long(argc, argv, "", table, &index)) != -1;) {
        if (c == '?') return 2;
        if (c == HELP) fputs(help, stdout), exit(0);
        else if (c == JSON) o->json = true;
        else if (c < COUNT) *text[c - TEXT] = optarg;
        else if (c >= REAL) {
            if (!above_zero(table[index].name, optarg, real[c - REAL])) return 2;
        } else {
            if (!count_of(table[index].name, optarg, most[c - COUNT], &n)) return 2;
            *count[c - COUNT] = n;
        }
    }
    return 0;
}

/* What a mode takes where the command line does not say. */
static void fill_in(bench_options *o, const char *what)
{
    bool sweep = !strcmp(what, "sweep") || !strcmp(what, "choose"), width = !strcmp(what, "width"),
         fleet = !strcmp(what, "fleet"), small = width || fleet;
    if (!o->network) o->network = small ? "2-20-20-1" : "784-512-512-10";
    if (!o->optimizer) o->optimizer = small ? "gd" : "adam";
    if (!o->rows && small) o->rows = 400;
    if (!(o->rate > 0)) o->rate = small ? 0.025 : 0.001;
    if (!o->epochs) o->epochs = width ? 250000 : 1000;
    if (!o->up_to) o->up_to = fleet ? 10000 : 4096;
    if (!o->out) o->out = what;
    if (!o->repeats) o->repeats = width ? 1 : sweep || fleet ? 3 : 7;
    if (!(o->seconds > 0)) o->seconds = sweep ? 0.1 : 0.2;
}

static ls_status list_devices(ls_error *err)
{
    ls_device_info *list;
    size_t count;
    char note[256];
    LS_TRY(ls_devices_list(&list, &count, note, err));
    for (size_t i = 0; i < count; i++)
        printf("%zu  %s: %s, %s, driver %s, %.1f GiB: %s%s%s\n", i, list[i].kind, list[i].name,
               list[i].platform, list[i].driver, (double)list[i].memory / (1 << 30),
               list[i].exact ? "exact" : "approximate", *list[i].reason ? ", " : "",
               list[i].reason);
    if (*note) puts(note);
    ls_devices_free(list);
    return LS_OK;
}

static int on_tune(const ls_tune_progress *p, void *user)
{
    (void)user;
    if (p->flops > 0)
        printf("%-30s %-40s %9.1f GFLOP/s%s\n", p->product, p->tile, p->flops * 1e-9,
               p->flops >= p->best ? "  best so far" : "");
    fflush(stdout);
    return 0;
}

static ls_status run(bench_options *o, const char *what, ls_error *err)
{
    ls_device *device;
    if (!strcmp(what, "devices")) return list_devices(err);
    if (!strcmp(what, "sweep")) return bench_sweep(o, err);
    if (!strcmp(what, "small")) return bench_small(o, err);
    if (!strcmp(what, "width")) return bench_width(o, err);
    if (!strcmp(what, "fleet")) return bench_fleet(o, err);
    if (!strcmp(what, "choose")) return bench_choose(o, err);
    LS_TRY(bench_open(o, &device, err));
    if (!strcmp(what, "hash") || !strcmp(what, "tune")) {
        ls_status status = *what == 'h' ? bench_hash(device, err)
                                        : ls_device_tune(device, on_tune, NULL, NULL, err);
        ls_device_close(device);
        return status;
    }
    bool serve = !strcmp(what, "serve");
    ls_status status = serve ? LS_OK
                             : bench_peak(device, (unsigned)o->threads, o->isa, &o->peak_flops,
                                          &o->peak_bytes, err);
    if (!o->json && !serve && status == LS_OK) printf("%s\n", ls_device_get_info(device)->name);
    if (status == LS_OK && !serve) {
        bench_row(o, "peak", "fma", o->peak_flops * 1e-9, "GFLOP/s", 0, 0, 0);
        bench_row(o, "peak", "copy (read and written)", o->peak_bytes * 1e-9, "GB/s", 0, 0, 0);
    }
    if (status == LS_OK) {
        if (serve)
            status = o->members ? bench_serve_fleet(o, device, err) : bench_serve(o, device, err);
        else if (!strcmp(what, "matmul")) status = bench_matmul(o, device, err);
        else if (!strcmp(what, "step")) status = bench_step(o, device, err);
        else if (!strcmp(what, "epoch")) status = bench_epoch(o, device, err);
        else if (!strcmp(what, "elementwise")) status = bench_elementwise(o, device, err);
    }
    ls_device_close(device);
    return status;
}

int main(int argc, char **argv)
{
    static const char *const commands[] = {"matmul", "step",    "small",  "width",       "fleet",
                                           "epoch",  "sweep",   "choose", "elementwise", "peak",
                                           "hash",   "devices", "tune",   "serve"};
    bench_options o = {.device = "cpu", .first = true, .batch = 256, .activation = "relu"};
    ls_error err;
    bool known = false;
    if (argc > 1 && !strcmp(argv[1], "--help")) return fputs(help, stdout), 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands && argc > 1; i++)
        known |= !strcmp(argv[1], commands[i]);
    if (!known) return fputs(help, stderr), 2;
    int status = parse(&o, argc - 1, argv + 1);
    if (status) return status;
    fill_in(&o, argv[1]);
    bool done = run(&o, argv[1], &err) == LS_OK;
    if (o.json && !o.first) puts("]");
    if (done) return 0;
    fprintf(stderr, "lockstep-bench: %s\n", err.message);
    return 1;
}
