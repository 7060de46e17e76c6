/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_speed.h"
#include "host/base/clock.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/network/network.h"
#include "host/network/settings.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/cl_whole.h"
#include "host/opencl/tune.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Launches and copies --------------------------------------------------------------------- */

/* Launches an empty kernel `count` times and waits for the end. */
static ls_status launch(ls_cl_device *d, size_t count, double *seconds, ls_error *err)
{
    const size_t local = d->group_limit && d->group_limit < 64 ? d->group_limit : 64;
    cl_int code = CL_SUCCESS;
    double start = ls_clock();
    for (size_t i = 0; i < count && code == CL_SUCCESS; i++)
        code = d->cl.clEnqueueNDRangeKernel(d->queue, d->kernel[LS_KERNEL_check], 1, NULL, &local,
                                            &local, 0, NULL, NULL);
    if (code == CL_SUCCESS) code = d->cl.clFinish(d->queue);
    *seconds = ls_clock() - start;
    return ls_cl_check(code, "measuring a launch", err);
}

static ls_status measure_launches(ls_cl_device *d, cl_mem memory, ls_device_speed *out,
                                  ls_error *err)
{
    enum { MANY = 256 };
    const cl_uint none = 0;
    cl_kernel kernel = d->kernel[LS_KERNEL_check];
    cl_int code = CL_SUCCESS;
    double seconds, many = INFINITY;
    for (cl_uint i = 0; i < 3 && code == CL_SUCCESS; i++)
        code = d->cl.clSetKernelArg(kernel, i, sizeof memory, &memory);
    if (code == CL_SUCCESS) code = d->cl.clSetKernelArg(kernel, 3, sizeof none, &none);
    LS_TRY(ls_cl_check(code, "measuring a launch", err));
    LS_TRY(launch(d, 2, &seconds, err));
    out->finish = INFINITY;
    for (int i = 0; i < 20; i++) {
        LS_TRY(launch(d, 1, &seconds, err));
        if (seconds < out->finish) out->finish = seconds;
    }
    for (int i = 0; i < 3; i++) {
        LS_TRY(launch(d, MANY, &seconds, err));
        if (seconds < many) many = seconds;
    }
    out->launch = many > out->finish ? (many - out->finish) / (MANY - 1) : many / MANY;
    return LS_OK;
}

/* Bytes of a buffer for copies: more than caches hold, if the device has that much. */
static size_t copy_bytes(const ls_cl_device *d)
{
    size_t most = 64 << 20, limit = d->buffer_limit ? d->buffer_limit / 4 : most;
    if (d->info.memory && d->info.memory / 16 < limit) limit = (size_t)(d->info.memory / 16);
    return limit < most ? limit & ~(size_t)63 : most;
}

static ls_status measure_copies(ls_cl_device *d, cl_mem from, cl_mem to, size_t bytes,
                                ls_device_speed *out, ls_error *err)
{
    const float value = 1.5f;
    size_t part = bytes / 4;
    float *host;
    double best[2] = {INFINITY, INFINITY};
    LS_TRY(ls_alloc(&host, part, 1, "measuring a copy", err));
    memset(host, 0x3f, part); /* pages that exist */
    cl_int code = d->cl.clEnqueueFillBuffer(d->queue, from, &value, sizeof value, 0, bytes, 0, NULL,
                                            NULL);
    for (int i = 0; i < 4 && code == CL_SUCCESS; i++) {
        double start = ls_clock();
        code = d->cl.clEnqueueCopyBuffer(d->queue, from, to, 0, 0, bytes, 0, NULL, NULL);
        if (code == CL_SUCCESS) code = d->cl.clFinish(d->queue);
        double middle = ls_clock();
        if (code == CL_SUCCESS)
            code = d->cl.clEnqueueWriteBuffer(d->queue, to, CL_TRUE, 0, part, host, 0, NULL, NULL);
        double end = ls_clock();
        if (i && middle - start < best[0]) best[0] = middle - start; /* the first one warms up */
        if (i && end - middle < best[1]) best[1] = end - middle;
    }
    free(host);
    LS_TRY(ls_cl_check(code, "measuring a copy", err));
    out->copy = best[0] > 0 ? 2.0 * (double)bytes / best[0] : 0;
    out->upload = best[1] > 0 ? (double)part / best[1] : 0;
    return LS_OK;
}

static ls_status measure_memory(ls_cl_device *d, ls_device_speed *out, ls_error *err)
{
    cl_mem from = NULL, to = NULL;
    size_t bytes = copy_bytes(d);
    if (bytes < 4096) return LS_OK;
    ls_status status = ls_cl_buffer(d, bytes / sizeof(float), "measuring a copy", &from, err);
    if (status == LS_OK)
        status = ls_cl_buffer(d, bytes / sizeof(float), "measuring a copy", &to, err);
    if (status == LS_OK) status = measure_launches(d, from, out, err);
    if (status == LS_OK) status = measure_copies(d, from, to, bytes, out, err);
    if (from) d->cl.clReleaseMemObject(from);
    if (to) d->cl.clReleaseMemObject(to);
    return status;
}

/* ---- Products -------------------------------------------------------------------------------- */

/* All forms of a class, as a step has one of each. A device on which the next class would take too
 * long is given the last one's figure. */
static ls_status measure_products(ls_cl_device *d, ls_device_speed *out, ls_error *err)
{
    static const double longest = 0.15; /* seconds of a class */
    for (int c = 0; c < LS_SIZE_COUNT; c++) {
        double work = 0, seconds = 0;
        for (int f = 0; f < LS_FORM_COUNT; f++)
            work += ls_cl_example_fma(d, (ls_form)f, (ls_size_class)c);
        if (c && out->product[c - 1] > 0 && work / out->product[c - 1] > longest) {
            out->product[c] = out->product[c - 1];
            continue;
        }
        for (int f = 0; f < LS_FORM_COUNT; f++) {
            double one;
            LS_TRY(ls_cl_example_time(d, (ls_form)f, (ls_size_class)c, &one, err));
            seconds += one;
        }
        out->product[c] = seconds > 0 ? work / seconds : 0;
    }
    return LS_OK;
}

/* ---- Barriers -------------------------------------------------------------------------------- */

/* 0 where the way that needs it is not used, or fails. Waits for that way's program: the small
 * networks after it are run in this way, too. */
static void measure_barrier(ls_cl_device *d, ls_device_speed *out)
{
    if (!ls_cl_way_is_used(d, LS_CL_WAY_WHOLE) ||
        ls_cl_whole_barrier(d, &out->barrier, NULL) != LS_OK)
        out->barrier = 0;
}

/* ---- Small networks -------------------------------------------------------------------------- */

enum { ROWS = 400, INPUTS = 2, WIDTH = 20, FLEET = 1024 };

typedef struct {
    ls_options *options;
    ls_network net;
    ls_plan *plan;
    float *memory; /* ROWS × (INPUTS + 1), then the parameters */
    ls_rows rows;
} small_case;

static void small_close(small_case *s)
{
    free(s->memory);
    ls_plan_free(s->plan);
    ls_network_free(&s->net);
    ls_options_free(s->options);
}

/* 2-20-20-1 on 400 rows in one batch. */
static ls_status small_open(small_case *s, ls_error *err)
{
    *s = (small_case){0};
    LS_TRY(ls_options_create_plain(&s->options, err));
    LS_TRY(ls_options_set(s->options, "hidden", "20,20", err));
    LS_TRY(ls_options_set(s->options, "batch", "full", err));
    const ls_settings *settings = &s->options->settings;
    LS_TRY(ls_network_build(settings, INPUTS, ls_shape_of_classes(2), &s->net, err));
    LS_TRY(ls_plan_build(&s->net, settings, LS_PLAN_TRAIN, ROWS, false, &s->plan, err));
    const size_t data = (size_t)ROWS * (INPUTS + s->net.outputs);
    LS_TRY(ls_alloc(&s->memory, data + s->net.parameters + s->net.running, sizeof(float),
                    "measuring a small network", err));
    float *x = s->memory, *t = x + ROWS * INPUTS;
    for (size_t i = 0; i < ROWS * INPUTS; i++) x[i] = (float)(i * 37 % 101) / 50.0f - 1.0f;
    for (size_t i = 0; i < ROWS; i++) t[i * s->net.outputs] = (float)(i % 2);
    ls_network_init(&s->net, settings, t + ROWS * s->net.outputs);
    s->rows = (ls_rows){ROWS, INPUTS, s->net.outputs, x, t, NULL};
    return LS_OK;
}

/* fma of a step: forward, and both gradients but that of the first layer's inputs. */
static double step_fma(const small_case *s)
{
    return (double)ROWS * (3.0 * (double)s->net.weights - (double)INPUTS * WIDTH);
}

enum { STEPS_MOST = 64 };

/* Seconds of `steps` steps of each of `count` members. */
static ls_status run_members(ls_workspace *w, size_t count, uint64_t steps, ls_run *runs,
                             float *losses, double *seconds, ls_error *err)
{
    ls_rates rates[STEPS_MOST];
    for (size_t i = 0; i < STEPS_MOST; i++)
        rates[i] = (ls_rates){
            .rate = 0.001f, .rate_corrected = 0.001f, .correction2 = 1.0f, .keep = 1.0f};
    for (size_t i = 0; i < count; i++)
        runs[i] = (ls_run){
            .member = i, .count = steps, .rates = rates, .losses = losses + i * (size_t)steps};
    double start = ls_clock();
    LS_TRY(w->backend->slots->run(w, runs, count, err));
    *seconds = ls_clock() - start;
    return LS_OK;
}

/* The best of some calls: the first ones compile, and try the ways of running steps. */
static ls_status time_members(ls_workspace *w, size_t count, ls_run *runs, float *losses,
                              double *seconds_per_step, ls_error *err)
{
    const double until = ls_clock() + 0.05;
    uint64_t steps = count > 1 ? 4 : STEPS_MOST;
    double seconds;
    *seconds_per_step = INFINITY;
    LS_TRY(run_members(w, count, 1, runs, losses, &seconds, err));
    for (int i = 0; i < 3 || (i < 100 && ls_clock() < until); i++) {
        LS_TRY(run_members(w, count, steps, runs, losses, &seconds, err));
        seconds /= (double)steps;
        if (seconds < *seconds_per_step) *seconds_per_step = seconds;
    }
    return LS_OK;
}

static ls_status add_members(ls_workspace *w, const small_case *s, size_t count, ls_error *err)
{
    const float *start = s->memory + ROWS * (INPUTS + s->net.outputs);
    for (size_t i = 0; i < count; i++) {
        size_t member;
        LS_TRY(w->backend->slots->member_add(w, s->plan, 0, &member, err));
        LS_TRY(w->backend->slots->write(w, member, 0, s->plan->parameters, start, err));
    }
    return LS_OK;
}

static ls_status measure_small_on(ls_workspace *w, const small_case *s, ls_run *runs, float *losses,
                                  ls_device_speed *out, ls_error *err)
{
    double seconds;
    LS_TRY(add_members(w, s, 1, err));
    LS_TRY(time_members(w, 1, runs, losses, &seconds, err));
    out->alone = seconds > 0 ? step_fma(s) / seconds : 0;
    LS_TRY(add_members(w, s, FLEET - 1, err));
    LS_TRY(time_members(w, FLEET, runs, losses, &seconds, err));
    out->fleet = seconds > 0 ? FLEET * step_fma(s) / seconds : 0;
    return LS_OK;
}

static ls_status measure_small(ls_cl_device *d, ls_device_speed *out, ls_error *err)
{
    small_case s;
    ls_workspace *w = NULL;
    ls_run *runs = NULL;
    float *losses = NULL;
    ls_status status = small_open(&s, err);
    if (status == LS_OK) status = ls_alloc(&runs, FLEET, sizeof *runs, "measuring a fleet", err);
    if (status == LS_OK)
        status = ls_alloc(&losses, FLEET * STEPS_MOST, sizeof *losses, "measuring a fleet", err);
    if (status == LS_OK) status = d->base.slots->workspace_open(&d->base, &s.rows, &w, err);
    if (status == LS_OK) status = measure_small_on(w, &s, runs, losses, out, err);
    if (w) d->base.slots->workspace_close(w);
    free(losses);
    free(runs);
    small_close(&s);
    return status;
}

ls_status ls_cl_speed_measure(ls_cl_device *d, ls_device_speed *out, ls_error *err)
{
    ls_device_speed speed = {0};
    if (!d->program) LS_TRY(ls_cl_build_kernels(d, err));
    LS_TRY(measure_memory(d, &speed, err));
    LS_TRY(measure_products(d, &speed, err));
    measure_barrier(d, &speed);
    LS_TRY(measure_small(d, &speed, err));
    *out = speed;
    return LS_OK;
}

/* ---- The file -------------------------------------------------------------------------------- */

/* Its lines, in order, between the first and the last one. */
#define FIELDS(X)                                                                                  \
    X(launch, launch)                                                                              \
    X(finish, finish)                                                                              \
    X(barrier, barrier)                                                                            \
    X(copy, copy)                                                                                  \
    X(upload, upload)                                                                              \
    X(narrow, product[LS_SIZE_NARROW])                                                             \
    X(small, product[LS_SIZE_SMALL])                                                               \
    X(large, product[LS_SIZE_LARGE])                                                               \
    X(huge, product[LS_SIZE_HUGE])                                                                 \
    X(alone, alone)                                                                                \
    X(fleet, fleet)
_Static_assert((int)LS_SPEED_CLASSES == (int)LS_SIZE_COUNT, "the classes of products");

/* A line "NAME NUMBER"; *text moves behind it. */
static bool read_line(char **text, const char *name, double *out)
{
    char *line = *text, *end = strchr(line, '\n');
    size_t length = strlen(name);
    if (!end || strncmp(line, name, length) || line[length] != ' ') return false;
    *end = 0;
    *text = end + 1;
    /* no device is that fast, and no launch takes so long */
    return ls_parse_double(line + length + 1, out) && *out >= 0 && *out < 1e18;
}

bool ls_cl_recall_speed(const ls_device_info *info, ls_device_speed *out)
{
    char *text;
    ls_device_speed speed;
    if (!ls_cl_recall_file(info, "speed", &text)) return false;
    char *at = text;
    bool good = true;
#define LS_X(name, field) good = good && read_line(&at, #name, &speed.field);
    FIELDS(LS_X)
#undef LS_X
    good = good && !*at;
    free(text);
    if (good) *out = speed;
    return good;
}

void ls_cl_remember_speed(const ls_device_info *info, const ls_device_speed *speed)
{
    ls_text text = {0};
#define LS_X(name, field) ls_text_add(&text, #name " %.6g\n", speed->field);
    FIELDS(LS_X)
#undef LS_X
    if (!text.failed) ls_cl_remember_file(info, "speed", text.text);
    free(text.text);
}
