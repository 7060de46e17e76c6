/* SPDX-License-Identifier: MIT */
#include "bench/run.h"
#include "bench/rows.h"
#include "host/base/memory.h"
#include "host/network/network.h"
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 }; /* steps per call of the backend, at most */

/* "1x28x28:conv 16 3, relu, dense 10": a shape and a description, which ends in the classes. */
static ls_status set_images(ls_options *options, const char *text, size_t *features,
                            size_t *classes, ls_error *err)
{
    char shape[48];
    const char *colon = strchr(text, ':'), *last = strrchr(text, ' ');
    snprintf(shape, sizeof shape, "%.*s", (int)(colon - text), text);
    LS_TRY(ls_options_set(options, "shape", shape, err));
    LS_TRY(ls_options_set(options, "net", colon + 1, err));
    *features = ls_image_values(options->settings.shape);
    *classes = last ? strtoul(last, NULL, 10) : 0;
    return *classes > 1 ? LS_OK
                        : ls_fail(err, LS_ERR_ARGUMENT,
                                  "--network %s: the last item must be 'dense N', N > 1", text);
}

ls_status bench_set_network(ls_options *options, const char *widths, size_t *features,
                            size_t *classes, ls_error *err)
{
    if (strchr(widths, ':')) return set_images(options, widths, features, classes, err);
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
    LS_TRY(ls_options_create_plain(out, err));
    ls_status status = bench_set_network(*out, o->network, features, classes, err);
    for (size_t i = 0; i < sizeof settings / sizeof *settings && status == LS_OK; i++)
        status = ls_options_set(*out, settings[i][0], settings[i][1], err);
    if (status == LS_OK) return LS_OK;
    ls_options_free(*out);
    *out = NULL;
    return status;
}

/* Products of a step, per row: forward, gradient of weights, gradient of inputs but for the first
 * layer. */
static double products_of(const ls_network *n)
{
    double sum = 0;
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        if (ls_layer_weights(l))
            sum += (l->from < 0 ? 2.0 : 3.0) * (double)l->in * (double)ls_layer_width(l);
    }
    return sum;
}

static ls_status fill_run(const bench_options *o, bench_run *r, size_t features, size_t classes,
                          ls_error *err)
{
    char batch[32], lr[32];
    double rate = o->rate > 0 ? o->rate : 0.001;
    snprintf(batch, sizeof batch, "%zu", o->batch);
    snprintf(lr, sizeof lr, "%.9g", rate);
    LS_TRY(ls_options_create_plain(&r->options, err));
    LS_TRY(bench_set_network(r->options, o->network, &features, &classes, err));
    LS_TRY(ls_options_set(r->options, "batch", batch, err));
    LS_TRY(ls_options_set(r->options, "optimizer", o->optimizer, err));
    LS_TRY(ls_options_set(r->options, "activation", o->activation, err));
    LS_TRY(ls_options_set(r->options, "lr", lr, err));
    LS_TRY(ls_alloc(&r->network, 1, sizeof *r->network, "the benchmark", err));
    const ls_settings *s = &r->options->settings;
    LS_TRY(ls_network_build(s, features, ls_shape_of_classes(classes), r->network, err));
    size_t rows = o->rows ? o->rows : 8 * o->batch, outputs = r->network->outputs,
           values = r->network->parameters + r->network->running;
    LS_TRY(bench_fill_rows(o, rows, features, outputs, &r->x, &r->t, err));
    LS_TRY(ls_alloc(&r->rates, ROOM, sizeof *r->rates, "the benchmark", err));
    LS_TRY(ls_alloc(&r->losses, ROOM, sizeof *r->losses, "the benchmark", err));
    for (int i = 0; i < ROOM; i++) r->rates[i] = (ls_rates){(float)rate, (float)rate, 1.0f, 1.0f};
    LS_TRY(ls_plan_build(r->network, s, LS_PLAN_TRAIN, rows, false, &r->plan, err));
    ls_rows data = {rows, features, outputs, r->x, r->t, NULL};
    LS_TRY(ls_workspace_of_one(r->device->backend, &data, r->plan, &r->workspace, err));
    float *start;
    LS_TRY(ls_alloc(&start, values, sizeof *start, "the benchmark", err));
    ls_network_init(r->network, s, start);
    ls_status status = r->device->backend->slots->write(r->workspace, 0, 0, r->network->parameters,
                                                        start, err);
    free(start);
    r->flops = 2.0 * (double)r->plan->batch * products_of(r->network);
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

ls_status bench_time_steps(const bench_options *o, bench_run *r, double *seconds, double *spread,
                           ls_error *err)
{
    double times[1000];
    uint64_t count;
    LS_TRY(bench_calibrate(o, r, &count, err));
    for (size_t i = 0; i < o->repeats; i++) {
        double start = bench_now();
        LS_TRY(bench_run_steps(r, count, err));
        times[i] = (bench_now() - start) / (double)count;
    }
    *seconds = bench_median(times, o->repeats, spread);
    return LS_OK;
}
