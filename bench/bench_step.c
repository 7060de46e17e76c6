/* SPDX-License-Identifier: MIT */
/* Whole training steps, as ls_train runs them: batches from the data set, forward, loss, backward,
 * update. */
#include "bench/bench.h"
#include "host/base/memory.h"
#include "host/network/network.h"
#include "host/network/schedule.h"
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 }; /* steps a call at most */

ls_status bench_set_network(ls_options *options, const char *widths, size_t *features,
                            size_t *classes, ls_error *err)
{
    char hidden[512] = "", *end;
    size_t n = 0;
    *classes = 0;
    *features = strtoul(widths, &end, 10);
    while (*end == '-') {
        size_t width = strtoul(end + 1, &end, 10);
        if (*end == '-')
            n += (size_t)snprintf(hidden + n, sizeof hidden - n, "%s%zu", n ? "," : "", width);
        else *classes = width < 2 ? 2 : width;
        if (n >= sizeof hidden) break;
    }
    if (*end || !*features || !*classes)
        return ls_fail(err, LS_ERR_ARGUMENT, "--network %s: widths are written 784-512-10", widths);
    return ls_options_set(options, "hidden", n ? hidden : "none", err);
}

ls_status bench_full_batch_options(const bench_options *o, ls_options **out, size_t *features,
                                   size_t *classes, ls_error *err)
{
    char rate[32], epochs[32];
    snprintf(rate, sizeof rate, "%.9g", o->rate);
    snprintf(epochs, sizeof epochs, "%zu", o->epochs);
    const char *const settings[][2] = {{"activation", o->activation},
                                       {"optimizer", o->optimizer},
                                       {"batch", "full"},
                                       {"lr", rate},
                                       {"epochs", epochs}};
    LS_TRY(ls_options_create(out, err));
    ls_status status = bench_set_network(*out, o->network, features, classes, err);
    for (size_t i = 0; i < sizeof settings / sizeof *settings && status == LS_OK; i++)
        status = ls_options_set(*out, settings[i][0], settings[i][1], err);
    if (status == LS_OK) return LS_OK;
    ls_options_free(*out);
    *out = NULL;
    return status;
}

static ls_status fill_run(const bench_options *o, bench_run *r, size_t features, size_t classes,
                          ls_error *err)
{
    char batch[32], lr[32];
    double rate = o->rate > 0 ? o->rate : 0.001;
    snprintf(batch, sizeof batch, "%zu", o->batch);
    snprintf(lr, sizeof lr, "%.9g", rate);
    LS_TRY(ls_options_create(&r->options, err));
    LS_TRY(bench_set_network(r->options, o->network, &features, &classes, err));
    LS_TRY(ls_options_set(r->options, "batch", batch, err));
    LS_TRY(ls_options_set(r->options, "optimizer", o->optimizer, err));
    LS_TRY(ls_options_set(r->options, "activation", o->activation, err));
    LS_TRY(ls_options_set(r->options, "lr", lr, err));
    LS_TRY(ls_alloc(&r->network, 1, sizeof *r->network, "the bench", err));
    const ls_settings *s = &r->options->settings;
    LS_TRY(ls_network_build(s, features, classes, r->network, err));
    size_t rows = o->rows ? o->rows : 8 * o->batch, outputs = r->network->outputs,
           values = r->network->parameters + r->network->running;
    LS_TRY(bench_fill_rows(o, r, rows, features, outputs, err));
    LS_TRY(ls_alloc(&r->rates, ROOM, sizeof *r->rates, "the bench", err));
    LS_TRY(ls_alloc(&r->losses, ROOM, sizeof *r->losses, "the bench", err));
    for (int i = 0; i < ROOM; i++) r->rates[i] = (ls_rates){(float)rate, (float)rate, 1.0f, 1.0f};
    LS_TRY(ls_plan_build(r->network, s, LS_PLAN_TRAIN, rows, false, &r->plan, err));
    ls_rows data = {rows, features, outputs, r->x, r->t, NULL};
    LS_TRY(ls_workspace_of_one(r->device->backend, &data, r->plan, &r->workspace, err));
    float *start;
    LS_TRY(ls_alloc(&start, values, sizeof *start, "the bench", err));
    ls_network_init(r->network, s, start);
    ls_status status = r->device->backend->slots->write(r->workspace, 0, 0, r->network->parameters,
                                                        start, err);
    free(start);
    r->flops = 2.0 * (double)r->plan->batch *
               (3.0 * (double)r->network->weights - (double)(features * r->network->layer[0].out));
    return status;
}

ls_status bench_run_open(const bench_options *o, ls_device *device, bench_run *run, ls_error *err)
{
    *run = (bench_run){.device = device};
    ls_status status = fill_run(o, run, 0, 0, err);
    if (status != LS_OK) bench_run_close(run);
    return status;
}

ls_status bench_run_steps(bench_run *r, uint64_t count, ls_error *err)
{
    for (uint64_t done = 0; done < count;) {
        uint64_t now = count - done < ROOM ? count - done : ROOM;
        ls_run run = {.first = r->step, .count = now, .rates = r->rates, .losses = r->losses};
        LS_TRY(r->device->backend->slots->run(r->workspace, &run, 1, err));
        r->step += now;
        done += now;
    }
    return LS_OK;
}

void bench_run_close(bench_run *r)
{
    if (r->workspace) r->device->backend->slots->workspace_close(r->workspace);
    ls_plan_free(r->plan);
    if (r->network) ls_network_free(r->network);
    free(r->network);
    ls_options_free(r->options);
    free(r->x);
    free(r->t);
    free(r->rates);
    free(r->losses);
}

ls_status bench_calibrate(const bench_options *o, bench_run *r, uint64_t *count, ls_error *err)
{
    LS_TRY(bench_run_steps(r, 2, err)); /* compiles, warms up */
    for (*count = 1;; *count *= 2) {
        double start = bench_now();
        LS_TRY(bench_run_steps(r, *count, err));
        if (bench_now() - start > o->seconds / 2 || *count > 1u << 24) return LS_OK;
    }
}

/* A figure of the process in kB, as bytes. */
static double status_bytes(const char *name)
{
    char line[256];
    double kb = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, name, strlen(name)) && sscanf(line + strlen(name), ": %lf kB", &kb) == 1)
            break;
    if (status) fclose(status);
    return kb * 1024;
}

double bench_resident(void) { return status_bytes("VmRSS"); }
double bench_peak_resident(void) { return status_bytes("VmHWM"); }

void bench_reset_peak(void)
{
    FILE *refs = fopen("/proc/self/clear_refs", "w");
    if (refs) fputs("5", refs);
    if (refs) fclose(refs);
}

/* Bytes: what a run cannot do without, what it holds, and what the process came to. */
typedef struct {
    double parameters, activations, data, held, peak, opening;
} memory;

static memory memory_of(const bench_run *r, double opening)
{
    size_t widths = 0;
    for (size_t i = 0; i < r->network->count; i++) widths += r->network->layer[i].out;
    double data = 4.0 * (double)r->plan->rows * (double)(r->plan->features + r->plan->outputs);
    return (memory){.parameters = 4.0 * (double)r->plan->parameters *
                                  (2.0 + ls_optimizers[r->plan->optimizer].states),
                    .activations = 4.0 * 2.0 * (double)r->plan->batch * (double)widths,
                    .data = data,
                    .held = 4.0 * (double)r->plan->arena + data,
                    .peak = bench_peak_resident(),
                    .opening = opening};
}

static void print_memory(const bench_options *o, const bench_run *r, double opening)
{
    memory m = memory_of(r, opening);
    double need = m.parameters + m.activations + m.data;
    if (o->json) {
        printf(
            ",\n{\"bench\":\"memory\",\"needed\":%.0f,\"parameters_and_states\":%.0f,\"activations\":%.0f,\"data\":%.0f,\"held\":%.0f,"
            "\"peak_resident\":%.0f,\"peak_resident_opening\":%.0f,\"held_over_needed\":%.4g,\"peak_over_needed\":%.4g}",
            need, m.parameters, m.activations, m.data, m.held, m.peak, m.opening, m.held / need,
            m.peak / need);
        return;
    }
    printf(
        "%-12s needed %.1f MB: %.1f parameters x %d (values, gradients, %s's states), %.1f two activations a layer, %.1f data\n",
        "memory", need * 1e-6, m.parameters * 1e-6, 2 + ls_optimizers[r->plan->optimizer].states,
        o->optimizer, m.activations * 1e-6, m.data * 1e-6);
    printf("%-12s held   %.1f MB, %.2f x\n", "", m.held * 1e-6, m.held / need);
    printf(
        "%-12s peak resident, the whole process: %.1f MB in the steps, %.2f x; %.1f MB while it was set up\n",
        "", m.peak * 1e-6, m.peak / need, m.opening * 1e-6);
}

ls_status bench_step(bench_options *o, ls_device *device, ls_error *err)
{
    bench_run r;
    char name[160];
    double times[1000], spread;
    uint64_t count = 1;
    bench_reset_peak();
    LS_TRY(bench_run_open(o, device, &r, err));
    double opening = bench_peak_resident();
    bench_reset_peak();
    ls_status status = bench_calibrate(o, &r, &count, err);
    for (size_t i = 0; i < o->repeats && status == LS_OK; i++) {
        double start = bench_now();
        status = bench_run_steps(&r, count, err);
        times[i] = (bench_now() - start) / (double)count;
    }
    if (status == LS_OK) {
        double time = bench_median(times, o->repeats, &spread);
        snprintf(name, sizeof name, "%s batch %zu %s", o->network, o->batch, o->optimizer);
        bench_row(o, "step", name, r.flops / time * 1e-9, "GFLOP/s", o->peak_flops * 1e-9, time,
                  spread);
        print_memory(o, &r, opening);
    }
    bench_run_close(&r);
    return status;
}

ls_status bench_serve(bench_options *o, ls_device *device, ls_error *err)
{
    bench_run r;
    char line[64];
    uint64_t count = 1;
    LS_TRY(bench_run_open(o, device, &r, err));
    /* the loss after 20 steps, so that all peers are seen to do the same work: by the rates of a
     * run, Adam's corrections among them */
    ls_rates later = r.rates[0];
    ls_rate_plan plan;
    ls_rate_plan_init(&plan, &r.options->settings, ls_plan_steps_per_epoch(r.plan));
    for (uint64_t i = 0; i < 20; i++) r.rates[i] = ls_rates_at(&plan, i);
    ls_status status = bench_run_steps(&r, 20, err);
    for (uint64_t i = 0; i < 20; i++) r.rates[i] = later;
    float loss = status == LS_OK ? r.losses[19] / (float)r.plan->batch : 0;
    if (status == LS_OK) status = bench_calibrate(o, &r, &count, err);
    printf("ready %.6g %.6g\n", (double)loss, r.flops);
    fflush(stdout);
    while (status == LS_OK && fgets(line, sizeof line, stdin) && !strncmp(line, "go", 2)) {
        double start = bench_now();
        status = bench_run_steps(&r, count, err);
        printf("%.9g\n", (bench_now() - start) / (double)count);
        fflush(stdout);
    }
    bench_run_close(&r);
    return status;
}
