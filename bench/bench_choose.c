/* SPDX-License-Identifier: MIT */
/* Measures whether `--device auto` chooses the fastest device, and what choosing costs: fleets over
 * a grid of widths, depths, batches and members, on each device and number of threads, and on
 * `auto`. Beside the measured time of a step stand the estimated one and that of warming up. */
#include "bench/bench_choose.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include "host/device/choice.h"
#include "host/network/settings.h"
#include "kernels/random.h"
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 16, BATCHES = 4, DEVICES = 24 };
static const double run_seconds = 10; /* of the run that choosing is part of, on the best device */

typedef struct {
    size_t width, depth, batch, members;
} grid_case;

typedef struct {
    ls_device *device[DEVICES];
    size_t count;
} device_list;

static ls_status add_device(device_list *l, const char *spec, unsigned threads, ls_error *err)
{
    if (l->count == DEVICES) return LS_OK;
    LS_TRY(ls_device_open(spec, threads, 0, &l->device[l->count], err));
    l->count++;
    return LS_OK;
}

/* Opens all devices and numbers of threads among which `auto` chooses. */
static ls_status open_all(device_list *l, ls_error *err)
{
    ls_device_info **found;
    size_t count;
    for (unsigned n = ls_usable_cores(); n; n /= 2) LS_TRY(add_device(l, "cpu", n, err));
    LS_TRY(ls_devices_list(&found, &count, NULL, err));
    ls_status status = LS_OK;
    for (size_t i = 1; i < count && status == LS_OK; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        if (found[i]->exact) status = add_device(l, index, 0, err);
    }
    ls_devices_free(found);
    return status;
}

static void close_all(device_list *l)
{
    for (size_t i = 0; i < l->count; i++) ls_device_close(l->device[i]);
}

static ls_status make_data(size_t rows, ls_data **out, ls_error *err)
{
    float *x;
    int32_t *y = NULL;
    LS_TRY(ls_alloc(&x, rows, FEATURES * sizeof *x, "the bench", err));
    ls_status status = ls_alloc(&y, rows, sizeof *y, "the bench", err);
    for (size_t i = 0; i < rows * FEATURES && status == LS_OK; i++)
        x[i] = ls_random_uniform(1, 1, 0, (ls_u32)i);
    for (size_t i = 0; i < rows && status == LS_OK; i++) y[i] = (int32_t)(i % 2);
    if (status == LS_OK) status = ls_data_from_arrays(x, y, rows, FEATURES, 2, out, err);
    free(x);
    free(y);
    return status;
}

static ls_status add_members(ls_fleet *fleet, const grid_case *g, const ls_data *data,
                             uint64_t epochs, ls_error *err)
{
    ls_options *options;
    char hidden[256] = "", text[32];
    for (size_t i = 0; i < g->depth; i++)
        snprintf(hidden + strlen(hidden), sizeof hidden - strlen(hidden), "%s%zu", i ? "," : "",
                 g->width);
    LS_TRY(ls_options_create_plain(&options, err));
    ls_status status = ls_options_set(options, "hidden", hidden, err);
    snprintf(text, sizeof text, "%zu", g->batch);
    if (status == LS_OK) status = ls_options_set(options, "batch", text, err);
    snprintf(text, sizeof text, "%llu", (unsigned long long)epochs);
    if (status == LS_OK) status = ls_options_set(options, "epochs", text, err);
    for (size_t i = 0; i < g->members && status == LS_OK; i++) {
        snprintf(text, sizeof text, "%zu", i + 1);
        status = ls_options_set(options, "seed", text, err);
        if (status == LS_OK) status = ls_fleet_add(fleet, options, data, NULL, err);
    }
    ls_options_free(options);
    return status;
}

/* Measures the seconds per step and member: the least of --repeats samples of --seconds each. */
static ls_status time_fixed(const bench_options *o, ls_device *device, const grid_case *g,
                            const ls_data *data, double *out, ls_error *err)
{
    ls_fleet *fleet;
    uint64_t until = 1, epochs = 1;
    LS_TRY(ls_fleet_open(device, 0, &fleet, err));
    ls_status status = add_members(fleet, g, data, 1000000000, err);
    if (status == LS_OK)
        status = ls_fleet_run(fleet, NULL, 0, until, NULL, NULL, err); /* compiles, warms up */
    *out = 0;
    for (size_t i = 0; i < o->repeats && status == LS_OK;) {
        double started = bench_now();
        until += epochs;
        status = ls_fleet_run(fleet, NULL, 0, until, NULL, NULL, err);
        double seconds = bench_now() - started,
               step = seconds / (double)(epochs * BATCHES * g->members);
        if (seconds < o->seconds / 2) {
            epochs *= 2;
            continue;
        }
        if (!i++ || step < *out) *out = step;
    }
    ls_fleet_close(fleet);
    return status;
}

/* A run on `auto` until its decision. */
typedef struct {
    const ls_device *device;
    double seconds;
    uint64_t steps;
    bool decided;
} decision;

static int on_progress(const ls_fleet_progress *p, void *user)
{
    decision *d = user;
    d->seconds = p->seconds;
    d->steps = p->steps;
    d->decided = d->device->choice->state == LS_CHOICE_DECIDED;
    return d->decided;
}

/* step: seconds per step on the best device. */
static ls_status time_choice(ls_device *device, const grid_case *g, const ls_data *data,
                             double step, decision *d, ls_error *err)
{
    ls_fleet *fleet;
    *d = (decision){.device = device};
    uint64_t epochs = (uint64_t)(run_seconds / (step * BATCHES * (double)g->members)) + 1;
    LS_TRY(ls_fleet_open(device, 0, &fleet, err));
    ls_status status = add_members(fleet, g, data, epochs, err);
    if (status == LS_OK) status = ls_fleet_run(fleet, NULL, 0, 0, on_progress, d, err);
    ls_fleet_close(fleet);
    return status;
}

static bool same_device(const ls_device *a, const ls_device *b)
{
    return a->info.index == b->info.index && !strcmp(a->info.name, b->info.name);
}

/* The candidate of `auto` that is this device; NULL if it did not come to it. */
static const ls_candidate *candidate_of(const ls_device *automatic, const ls_device *device)
{
    const ls_choice *c = automatic->choice;
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].info.index == device->info.index &&
            !strcmp(c->list[i].info.name, device->info.name))
            return &c->list[i];
    return NULL;
}

/* Seconds per step and member as estimated from the device's speed, and while it was warmed up; 0
 * if unknown. */
typedef struct {
    double estimated, tried;
} forecast;

static forecast forecast_of(const ls_device *automatic, const ls_device *device)
{
    const ls_candidate *c = candidate_of(automatic, device),
                       *best = &automatic->choice->list[automatic->choice->best];
    forecast f = {0};
    if (!c) return f;
    if (c->timing.estimated > 0) f.estimated = 1 / c->timing.estimated;
    /* paces are seconds per unit of cost: that of a step follows from the best's */
    if (best->pace > 0 && best->timing.speed > 0)
        f.tried = c->tried / (best->pace * best->timing.speed);
    return f;
}

static void tell_forecasts(const bench_options *o, const device_list *l, const ls_device *automatic,
                           const double *step)
{
    for (size_t i = 0; i < l->count; i++) {
        forecast f = forecast_of(automatic, l->device[i]);
        if (o->json)
            printf("%s{\"estimated\":%.6g,\"warm\":%.6g}", i ? "," : "", f.estimated, f.tried);
        else if (f.estimated > 0 || f.tried > 0)
            printf("%28s device %zu: estimated %.2f us, warmed up %.2f us, measured %.2f us\n", "",
                   i, f.estimated * 1e6, f.tried * 1e6, step[i] * 1e6);
    }
}

/* The worst results of the grid. */
typedef struct {
    double loss, cost, whole;
    size_t cases, within;
} worst;

static void tell(bench_options *o, const grid_case *g, const device_list *l, const double *step,
                 size_t best, const ls_device *automatic, const decision *d, worst *w)
{
    size_t chosen = best;
    for (size_t i = 0; i < l->count; i++)
        if (same_device(l->device[i], automatic)) chosen = i;
    double loss = step[chosen] / step[best] - 1, cost = automatic->choice->lost / run_seconds,
           total = run_seconds / step[best];
    double whole = (d->seconds + (total - (double)d->steps) * step[chosen]) / run_seconds - 1;
    if (o->json) {
        printf(
            "%s{\"bench\":\"choose\",\"width\":%zu,\"depth\":%zu,\"batch\":%zu,\"members\":%zu,\"chosen\":%zu,\"best\":%zu,\"loss\":%.4g,\"cost\":%.4g,"
            "\"whole_run\":%.4g,\"decided\":%s,\"decided_after\":%.4g,\"step_seconds\":[",
            o->first ? "[" : ",\n", g->width, g->depth, g->batch, g->members, chosen, best, loss,
            cost, whole, d->decided ? "true" : "false", d->seconds);
        for (size_t i = 0; i < l->count; i++) printf("%s%.6g", i ? "," : "", step[i]);
        printf("],\"forecasts\":[");
        tell_forecasts(o, l, automatic, step);
        printf("]}");
        o->first = false;
    } else {
        printf("%5zu %5zu %5zu %7zu ", g->width, g->depth, g->batch, g->members);
        for (size_t i = 0; i < l->count; i++)
            printf(" %c%9.2f%c", i == best ? '*' : ' ', step[i] * 1e6, i == chosen ? '<' : ' ');
        printf("  %7.1f %% %7.2f %% %7.1f %% %7.2f s%s\n", 100 * loss, 100 * cost, 100 * whole,
               d->seconds, d->decided ? "" : " (undecided)");
        tell_forecasts(o, l, automatic, step);
    }
    fflush(stdout);
    if (loss > w->loss) w->loss = loss;
    if (cost > w->cost) w->cost = cost;
    if (whole > w->whole) w->whole = whole;
    w->cases++;
    w->within += loss <= 0.1 && cost <= 0.02;
}

static ls_status measure(bench_options *o, const grid_case *g, const device_list *l, worst *w,
                         ls_error *err)
{
    ls_data *data;
    ls_device *automatic;
    double step[DEVICES] = {0};
    size_t best = 0;
    decision d;
    LS_TRY(make_data(g->batch * BATCHES, &data, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < l->count && status == LS_OK; i++) {
        status = time_fixed(o, l->device[i], g, data, &step[i], err);
        if (status == LS_OK && step[i] < step[best]) best = i;
    }
    if (status == LS_OK) status = ls_device_open("auto", 0, 0, &automatic, err);
    if (status == LS_OK) {
        status = time_choice(automatic, g, data, step[best], &d, err);
        if (status == LS_OK) tell(o, g, l, step, best, automatic, &d, w);
        ls_device_close(automatic);
    }
    ls_data_free(data);
    return status;
}

static ls_status measure_all(bench_options *o, const device_list *l, worst *w, ls_error *err)
{
    static const size_t widths[] = {8, 32, 128, 512}, depths[] = {1, 4}, batches[] = {32, 512},
                        members[] = {1, 8, 256};
    static const double most =
        3e9; /* products a step of all members: beyond that a case takes minutes */
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 2; k++)
            for (size_t b = 0; b < 2; b++)
                for (size_t m = 0; m < 3; m++) {
                    grid_case g = {widths[i], depths[k], batches[b], members[m]};
                    double weights = (double)g.width * (double)(FEATURES + (g.depth - 1) * g.width);
                    if (g.width > o->up_to || 3 * weights * (double)(g.batch * g.members) > most)
                        continue;
                    LS_TRY(measure(o, &g, l, w, err));
                }
    return LS_OK;
}

ls_status bench_choose(bench_options *o, ls_error *err)
{
    device_list list = {0};
    worst w = {0};
    ls_status status = open_all(&list, err);
    if (status == LS_OK && !o->json) {
        for (size_t i = 0; i < list.count; i++)
            printf("device %zu: %s\n", i, list.device[i]->info.name);
        printf("%5s %5s %5s %7s ", "width", "depth", "batch", "members");
        for (size_t i = 0; i < list.count; i++) printf("   %4s %zu  ", "us", i);
        printf("  %9s %9s %9s %9s\n", "loss", "cost", "run", "decided");
    }
    if (status == LS_OK) status = measure_all(o, &list, &w, err);
    if (status == LS_OK && !o->json)
        printf(
            "worst of %zu cases: loss %.1f %%, cost %.2f %%, run of %.0f s %.1f %%; loss within 10 %% and cost within 2 %%: %zu\n",
            w.cases, 100 * w.loss, 100 * w.cost, run_seconds, 100 * w.whole, w.within);
    close_all(&list);
    return status;
}
