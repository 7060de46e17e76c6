/* SPDX-License-Identifier: MIT */
/* lockstep-bench: measures a device, as rates and as shares of its measured peak. */
#include "bench/bench_choose.h"
#include "bench/bench_epoch.h"
#include "bench/bench_fleet.h"
#include "bench/bench_hash.h"
#include "bench/bench_matmul.h"
#include "bench/bench_peak.h"
#include "bench/bench_small.h"
#include "bench/bench_step.h"
#include "bench/bench_sweep.h"
#include "bench/bench_width.h"
#include "bench/common.h"
#include "host/base/host_mode.h"
#include <string.h>

/* ---- Commands without a file of their own ---------------------------------------------------- */

static ls_status list_devices(bench_options *o, ls_error *err)
{
    (void)o;
    ls_device_info **list;
    size_t count;
    char note[256];
    LS_TRY(ls_devices_list(&list, &count, note, err));
    for (size_t i = 0; i < count; i++)
        printf("%zu  %s: %s, %s, driver %s, %.1f GiB: %s%s%s\n", i, list[i]->kind, list[i]->name,
               list[i]->platform, list[i]->driver, (double)list[i]->memory / (1 << 30),
               list[i]->exact ? "exact" : "approximate", *list[i]->reason ? ", " : "",
               list[i]->reason);
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

static ls_status tune(bench_options *o, ls_device *device, ls_error *err)
{
    (void)o;
    return ls_device_tune(device, on_tune, NULL, NULL, err);
}

/* The peak rates are printed before the command runs. */
static ls_status peak_only(bench_options *o, ls_device *device, ls_error *err)
{
    (void)o, (void)device, (void)err;
    return LS_OK;
}

static ls_status serve(bench_options *o, ls_device *device, ls_error *err)
{
    return o->members ? bench_serve_fleet(o, device, err) : bench_serve(o, device, err);
}

/* ---- The table of commands ------------------------------------------------------------------- */

typedef struct {
    const char *name;
    ls_status (*run)(bench_options *o, ls_error *err); /* opens its devices itself; or: */
    ls_status (*run_on)(bench_options *o, ls_device *device, ls_error *err);
    bool peak;              /* measures and prints the peak rates of the device first */
    bench_options defaults; /* of options that the command line does not give */
    const char *help;
} command;

/* Defaults of commands that run steps of a large network (n_rows: 0 for 8 batches), that run a grid
 * of sizes, and that train one small network. */
#define STEPS(n_rows)                                                                              \
    {                                                                                              \
        .network = "784-512-512-10", .optimizer = "adam", .rate = 0.001, .epochs = 1000,           \
        .rows = n_rows, .repeats = 7, .seconds = 0.2                                               \
    }
#define GRID                                                                                       \
    {                                                                                              \
        .network = "784-512-512-10", .optimizer = "adam", .rate = 0.001, .epochs = 1000,           \
        .up_to = 4096, .repeats = 3, .seconds = 0.1                                                \
    }
#define SMALL(n_epochs, n_repeats)                                                                 \
    {                                                                                              \
        .network = "2-20-20-1", .optimizer = "gd", .rate = 0.025, .rows = 400, .epochs = n_epochs, \
        .members = 1000, .up_to = 10000, .repeats = n_repeats, .seconds = 0.2                      \
    }

static const command commands[] = {
    {"matmul", NULL, bench_matmul, true, STEPS(0),
     "matrix products in all transpositions, as operations of a training step; in turn with OpenBLAS, BLIS and oneDNN "
     "if installed (forms: NN forward, NT gradient of inputs, TN gradient of weights)"},
    {"step", NULL, bench_step, true, STEPS(0),
     "training steps of one network: time, GFLOP/s, share of the peak (of the step's products: 6 x rows x weights without "
     "the gradient of the inputs of the first layer, which is not computed); memory: needed (parameters x (2 + optimizer "
     "states) + two activations per layer + data), allocated, and peak resident"},
    {"small", bench_small, NULL, false, STEPS(0),
     "full-batch steps of five small networks on one thread, with the loss of each step read back, on the devices of "
     "--device in turn; beside each time the floor: 6 x rows x weights FLOP at the measured fma peak of one core"},
    {"width", bench_width, NULL, false, SMALL(250000, 1),
     "a whole run, 250000 epochs of 2-20-20-1 on 400 rows, on each device of --device; compares the weights bit for bit"},
    {"fleet", bench_fleet, NULL, false, SMALL(1000, 3),
     "1000 members of 2-20-20-1 on 400 rows for 1000 epochs against one member: member-steps per second on the CPU path "
     "with one thread and with all, and on the other devices of --device. Then 10, 100, ... members for a tenth of the "
     "epochs: OUT.csv and, if gnuplot is installed, OUT.svg with time and memory against members. Each measurement runs "
     "in its own process; the time includes adding the members"},
    {"epoch", NULL, bench_epoch, true, STEPS(60000),
     "an epoch on data of MNIST's size (60000 x 784), and the share of its time outside matrix products: 1 - time of the "
     "epoch's products alone / time of the epoch. The products alone are the same operations on the same device, without "
     "activations, batches, loss, optimizer and the rest of a step; both run in turn. The products alone find more of "
     "their operands in caches than in a whole step, so the share is an upper bound"},
    {"sweep", bench_sweep, NULL, false, GRID,
     "steps of 784-W-W-10 for W from 64 to 4096 and batches from 16 to 4096: OUT.csv and, if gnuplot is installed, OUT.svg "
     "with time per FLOP. A point that looks like a cliff is measured up to three more times and the best time kept. A "
     "cliff is a point with less than half the rate of the next smaller width or batch, or of the next larger one if it "
     "also takes 10 % longer than that"},
    {"choose", bench_choose, NULL, false, GRID,
     "what --device auto and --threads auto choose, over widths, depths, batches and members: microseconds per step of one "
     "member on each device (* the best, < the chosen); loss: the chosen device's time relative to the best; cost: time "
     "spent on choosing, relative to a run of ten seconds; run: time of such a run relative to the best device alone"},
    {"elementwise", NULL, bench_elementwise, true, STEPS(0),
     "activations and optimizer updates, in GB/s"},
    {"peak", NULL, peak_only, true, STEPS(0),
     "the peak rates that other results are compared with"},
    {"hash", NULL, bench_hash, false, STEPS(0),
     "weights_sha256 of some whole runs, and of networks of images: the same on every exact "
     "device and machine"},
    {"devices", list_devices, NULL, false, STEPS(0),
     "the devices of this machine, as in lockstep devices"},
    {"tune", NULL, tune, false, STEPS(0), "chooses matrix tiles for a device, as lockstep tune"},
    {"serve", NULL, serve, false, STEPS(0), "for bench/side_by_side.py"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("usage: lockstep-bench COMMAND [options]\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-13s", commands[i].name);
        bench_print_wrapped(out, commands[i].help, 15);
    }
    fputc('\n', out);
    bench_options_print_help(out);
}

/* ---- Running --------------------------------------------------------------------------------- */

static ls_status measure_peak(bench_options *o, ls_device *device, ls_error *err)
{
    LS_TRY(bench_peak(device, (unsigned)o->threads, o->isa, &o->peak_flops, &o->peak_bytes, err));
    if (!o->json) printf("%s\n", ls_device_get_info(device)->name);
    bench_row(o, "peak", "fma", o->peak_flops * 1e-9, "GFLOP/s", 0, 0, 0);
    bench_row(o, "peak", "copy (read and written)", o->peak_bytes * 1e-9, "GB/s", 0, 0, 0);
    return LS_OK;
}

static ls_status run(const command *c, bench_options *o, ls_error *err)
{
    ls_device *device;
    if (c->run) return c->run(o, err);
    LS_TRY(bench_open(o, &device, err));
    ls_status status = c->peak ? measure_peak(o, device, err) : LS_OK;
    if (status == LS_OK) status = c->run_on(o, device, err);
    ls_device_close(device);
    return status;
}

int main(int argc, char **argv)
{
    LS_HOST_MODE(mode);
    bench_options o = {.device = "cpu", .first = true, .batch = 256, .activation = "relu"};
    const command *c = NULL;
    ls_error err;
    bool help = argc > 1 && !strcmp(argv[1], "--help");
    for (size_t i = 0; i < COMMANDS && argc > 1; i++)
        if (!strcmp(argv[1], commands[i].name)) c = &commands[i];
    if (!help && !c) return print_help(stderr), 2;
    int status = help ? 0 : bench_options_parse(&o, argc - 1, argv + 1, &help);
    if (status) return status;
    if (help) return print_help(stdout), 0;
    bench_options_fill(&o, &c->defaults);
    if (!o.out) o.out = c->name;
    bool done = run(c, &o, &err) == LS_OK;
    if (o.json && !o.first) puts("]");
    if (done) return 0;
    fprintf(stderr, "lockstep-bench: %s\n", err.message);
    return 1;
}
