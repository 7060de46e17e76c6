/* SPDX-License-Identifier: MIT */
#include "bench/bench_step.h"
#include "bench/resident.h"
#include "bench/run.h"
#include "host/network/network.h"
#include "host/network/schedule.h"
#include <string.h>

/* Bytes: needed for parameters, activations and data; allocated; peak resident during the steps and
 * during setup. */
typedef struct {
    double parameters, activations, data, allocated, peak, setup;
} memory;

static memory memory_of(const bench_run *r, double setup)
{
    size_t widths = 0;
    for (size_t i = 0; i < r->network->count; i++) widths += ls_layer_width(&r->network->layer[i]);
    double data = 4.0 * (double)r->plan->rows * (double)(r->plan->features + r->plan->outputs);
    return (memory){.parameters = 4.0 * (double)r->plan->parameters *
                                  (2.0 + ls_optimizers[r->plan->optimizer].states),
                    .activations = 4.0 * 2.0 * (double)r->plan->batch * (double)widths,
                    .data = data,
                    .allocated = 4.0 * (double)r->plan->arena + data,
                    .peak = bench_peak_resident(),
                    .setup = setup};
}

static void print_memory(const bench_options *o, const bench_run *r, double setup)
{
    memory m = memory_of(r, setup);
    double need = m.parameters + m.activations + m.data;
    if (o->json) {
        printf(
            ",\n{\"bench\":\"memory\",\"needed\":%.0f,\"parameters_and_states\":%.0f,\"activations\":%.0f,\"data\":%.0f,\"held\":%.0f,"
            "\"peak_resident\":%.0f,\"peak_resident_opening\":%.0f,\"held_over_needed\":%.4g,\"peak_over_needed\":%.4g}",
            need, m.parameters, m.activations, m.data, m.allocated, m.peak, m.setup,
            m.allocated / need, m.peak / need);
        return;
    }
    printf(
        "%-12s needed %.1f MB: %.1f parameters x %d (values, gradients, %s's states), %.1f two activations per layer, %.1f data\n",
        "memory", need * 1e-6, m.parameters * 1e-6, 2 + ls_optimizers[r->plan->optimizer].states,
        o->optimizer, m.activations * 1e-6, m.data * 1e-6);
    printf("%-12s allocated %.1f MB, %.2f x\n", "", m.allocated * 1e-6, m.allocated / need);
    printf(
        "%-12s peak resident, whole process: %.1f MB during the steps, %.2f x; %.1f MB during setup\n",
        "", m.peak * 1e-6, m.peak / need, m.setup * 1e-6);
}

ls_status bench_step(bench_options *o, ls_device *device, ls_error *err)
{
    bench_run r;
    char name[256];
    double time, spread;
    bench_reset_peak();
    LS_TRY(bench_run_open(o, device, &r, err));
    double setup = bench_peak_resident();
    bench_reset_peak();
    ls_status status = bench_time_steps(o, &r, &time, &spread, err);
    if (status == LS_OK) {
        snprintf(name, sizeof name, "%s batch %zu %s", o->network, o->batch, o->optimizer);
        bench_row(o, "step", name, r.flops / time * 1e-9, "GFLOP/s", o->peak_flops * 1e-9, time,
                  spread);
        print_memory(o, &r, setup);
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
    /* the loss after 20 steps shows that all peers do the same work; these steps use the rates of a
     * training, including Adam's bias corrections */
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
