/* SPDX-License-Identifier: MIT */
#include "bench/bench_epoch.h"
#include "bench/run.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

/* The matrix products of a step alone, without the activations and optimizer updates that are fused
 * with them. The gradient of inputs still passes over its result once, with the derivative of the
 * identity. */
static ls_status products_of(const ls_plan *whole, ls_plan *out, ls_error *err)
{
    *out = *whole;
    out->step = (ls_ops){0};
    LS_TRY(ls_alloc(&out->step.op, whole->step.count, sizeof *out->step.op, "the benchmark", err));
    for (size_t i = 0; i < whole->step.count; i++) {
        ls_op op = whole->step.op[i];
        if (op.kind != LS_OP_DENSE && op.kind != LS_OP_GRAD_X && op.kind != LS_OP_GRAD_W) continue;
        if (op.kind == LS_OP_DENSE) op.a.place = LS_NOWHERE;
        if (op.kind == LS_OP_GRAD_X)
            op.act = LS_ACT_identity, op.skip.place = LS_NOWHERE, op.dropout = 0;
        if (op.kind == LS_OP_GRAD_W) op.theta.place = LS_NOWHERE;
        out->step.op[out->step.count++] = op;
    }
    return LS_OK;
}

/* A second workspace for the products, with a copy of the first one's memory after some steps:
 * weights and batches as in training, because some devices are faster on zeros. */
static ls_status open_products(const bench_run *whole, const ls_plan *plan, ls_workspace **out,
                               ls_error *err)
{
    const ls_backend_slots *slots = whole->device->backend->slots;
    ls_rows data = {plan->rows, plan->features, plan->outputs, whole->x, whole->t, NULL};
    float *memory;
    LS_TRY(ls_workspace_of_one(whole->device->backend, &data, plan, out, err));
    LS_TRY(ls_alloc(&memory, plan->arena, sizeof *memory, "the benchmark", err));
    ls_status status = slots->read(whole->workspace, 0, 0, plan->arena, memory, err);
    if (status == LS_OK) status = slots->write(*out, 0, 0, plan->arena, memory, err);
    free(memory);
    return status;
}

/* Seconds of whole epochs and of their products alone, in turn. */
static ls_status time_epochs(bench_run *whole, ls_workspace *products, size_t repeats, double *all,
                             double *alone, ls_error *err)
{
    bench_run other = *whole;
    uint64_t count = ls_plan_steps_per_epoch(whole->plan);
    other.workspace = products;
    LS_TRY(bench_run_steps(&other, 2, err));
    for (size_t i = 0; i < repeats; i++) {
        double start = bench_now();
        LS_TRY(bench_run_steps(whole, count, err));
        double middle = bench_now();
        LS_TRY(bench_run_steps(&other, count, err));
        all[i] = middle - start;
        alone[i] = bench_now() - middle;
    }
    return LS_OK;
}

static void report(bench_options *o, const bench_run *r, double *all, double *alone)
{
    double outside[1000], spread, flops = r->flops / (double)r->plan->batch * (double)r->plan->rows;
    char name[160];
    for (size_t i = 0; i < o->repeats; i++) outside[i] = 1 - alone[i] / all[i];
    double time = bench_median(all, o->repeats, &spread);
    snprintf(name, sizeof name, "%s batch %zu %s", o->network, o->batch, o->optimizer);
    bench_row(o, "epoch", name, flops / time * 1e-9, "GFLOP/s", o->peak_flops * 1e-9, time, spread);
    double products = bench_median(alone, o->repeats, &spread);
    bench_row(o, "epoch", "  its matrix products alone", flops / products * 1e-9, "GFLOP/s",
              o->peak_flops * 1e-9, products, spread);
    double share = bench_median(outside, o->repeats, NULL), low = outside[o->repeats / 4],
           high = outside[o->repeats - 1 - o->repeats / 4];
    bench_row(o, "epoch", "  outside matrix products", 100 * share, "%", 0, time - products,
              0.5 * (high - low));
}

ls_status bench_epoch(bench_options *o, ls_device *device, ls_error *err)
{
    bench_run r;
    ls_plan plan = {0};
    ls_workspace *products = NULL;
    double all[1000], alone[1000];
    LS_TRY(bench_run_open(o, device, &r, err));
    ls_status status = bench_run_steps(&r, 2, err); /* compiles, warms up */
    if (status == LS_OK) status = products_of(r.plan, &plan, err);
    if (status == LS_OK) status = open_products(&r, &plan, &products, err);
    if (status == LS_OK) status = time_epochs(&r, products, o->repeats, all, alone, err);
    if (status == LS_OK) report(o, &r, all, alone);
    if (products) device->backend->slots->workspace_close(products);
    free(plan.step.op);
    bench_run_close(&r);
    return status;
}
