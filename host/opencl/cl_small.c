/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_small.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/network/chunks.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_sources.h"
#include "host/opencl/cl_workspace.h"
#include "kernels/small.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LANES = 16 };      /* floats that rows of gradients in scratch are padded to */
enum { GPU_GROUP = 256 }; /* work-items per member on a GPU, if the device allows as many */
/* Longest launch on a GPU: it may drive a display, which waits meanwhile. */
static const double launch_seconds = 0.05;

/* A plan as the words that the kernel reads (kernels/small.h). */
typedef struct {
    cl_uint *word;
    size_t words;
    size_t scratch; /* floats that a step needs */
} small_plan;

/* A member's part of a launch. */
typedef struct {
    const small_plan *small;
    size_t base, origin; /* offset of its arena in the slab, and the first of its rows */
    const ls_run *run;
} small_run;

/* ---- A plan in words ------------------------------------------------------------------------- */

static cl_uint bits_of(float value)
{
    cl_uint bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static cl_uint place(size_t at) { return at == LS_NO_PLACE ? SMALL_NONE : (cl_uint)at; }
static cl_uint view(ls_view v) { return ls_there(v) ? (cl_uint)v.at : SMALL_NONE; }

static void describe_member(cl_uint *w, const ls_plan *p, const ls_chunks *c)
{
    uint64_t per_epoch = ls_plan_steps_per_epoch(p);
    w[SMALL_seed_low] = (cl_uint)p->seed, w[SMALL_seed_high] = (cl_uint)(p->seed >> 32);
    w[SMALL_rows] = (cl_uint)p->rows, w[SMALL_batch] = (cl_uint)p->batch;
    w[SMALL_steps_per_epoch] = (cl_uint)per_epoch, w[SMALL_shuffle] = p->shuffle;
    w[SMALL_scale] = bits_of(ls_plan_batch(p, 0).scale),
    w[SMALL_last_scale] = bits_of(ls_plan_batch(p, per_epoch - 1).scale);
    w[SMALL_output] = (cl_uint)p->output, w[SMALL_loss] = (cl_uint)p->loss,
    w[SMALL_huber_delta] = bits_of(p->huber_delta);
    w[SMALL_optimizer] = (cl_uint)p->optimizer;
    w[SMALL_clip] = bits_of(p->clip);
    memcpy(w + SMALL_hyper, &p->hyper, sizeof p->hyper); /* floats as their bits */
    w[SMALL_features] = (cl_uint)p->features, w[SMALL_outputs] = (cl_uint)p->outputs;
    w[SMALL_t] = place(c->target), w[SMALL_row_weight] = place(c->row_weight);
    w[SMALL_row_loss] = place(c->row_loss), w[SMALL_rows_at] = place(c->rows);
    for (size_t i = 0; i < c->inputs; i++)
        if (c->input[i].place == LS_DATA_X) w[SMALL_x] = place(c->input[i].to);
}

/* Where operations are appended. */
typedef struct {
    const ls_plan *plan;
    small_plan *small;
    cl_uint *count; /* of_chunk or of_step */
    size_t sums;    /* place in scratch for two lists of sums of squares */
} writer;

/* Appends an operation of the kernel with the matrices and sizes of the plan's operation. */
static cl_uint *put(writer *to, cl_uint kind, const ls_chunk_op *c)
{
    cl_uint *w = to->small->word + to->small->words;
    const ls_op *o = c->op;
    w[SMALL_OP_kind] = kind;
    w[SMALL_OP_act] = (cl_uint)o->act, w[SMALL_OP_in] = (cl_uint)o->in,
    w[SMALL_OP_out] = (cl_uint)o->out;
    w[SMALL_OP_x] = place(c->x), w[SMALL_OP_z] = place(c->z), w[SMALL_OP_a] = place(c->a),
    w[SMALL_OP_y] = place(c->y);
    w[SMALL_OP_d] = place(c->d), w[SMALL_OP_dz] = place(c->dz), w[SMALL_OP_skip] = place(c->skip),
    w[SMALL_OP_dropped] = place(c->dropped);
    w[SMALL_OP_grad] = (cl_uint)c->grad, w[SMALL_OP_width] = (cl_uint)c->width;
    w[SMALL_OP_dropout] = bits_of(o->dropout), w[SMALL_OP_purpose] = o->purpose;
    w[SMALL_OP_w] = view(o->w), w[SMALL_OP_b] = view(o->b), w[SMALL_OP_gradient] = view(o->y);
    w[SMALL_OP_bias_gradient] = c->bias ? view(c->bias->y) : SMALL_NONE;
    w[SMALL_OP_theta] = view(o->theta), w[SMALL_OP_s] = view(o->s), w[SMALL_OP_v] = view(o->v);
    to->small->words += SMALL_OP_WORDS;
    ++*to->count;
    return w;
}

static void put_grad_x(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_GRAD_X, c);
    if (ls_there(c->op->skip)) put(to, SMALL_SKIP, c)[SMALL_OP_y] = place(c->d);
    if (c->op->dropout > 0) put(to, SMALL_DROP, c);
    cl_uint *w = put(to, SMALL_ACTIVATION_GRAD, c);
    if (c->op->dropout > 0)
        w[SMALL_OP_d] = place(c->dropped); /* d itself stays whole for a residual block */
}

/* Operations of a chunk */

static void put_dense(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_DENSE, c);
    if (ls_there(c->op->a)) put(to, SMALL_ACTIVATE, c);
}

static void put_join(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_JOIN, c);
    if (ls_there(c->op->skip)) put(to, SMALL_SKIP, c);
}

static void put_loss(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_LOSS, c);
    put(to, SMALL_LOSS_SUM, c);
}

static void put_grad_w(writer *to, const ls_chunk_op *c)
{
    put(to, SMALL_ROWS, c);
    put(to, SMALL_GRAD_W, c);
}

/* Operations of a step */

/* Sums the squares by chunks, then the chunk sums by chunks, alternating between two places until
 * one sum is left. */
static void put_clip(writer *to, const ls_chunk_op *c)
{
    size_t n = c->op->out, from = to->sums, second = to->sums + chunks_of(n);
    cl_uint *w = put(to, SMALL_SQUARES, c);
    w[SMALL_OP_in] = (cl_uint)n, w[SMALL_OP_gradient] = view(c->op->x),
    w[SMALL_OP_to] = (cl_uint)from;
    for (n = chunks_of(n); n > 1; n = chunks_of(n)) {
        w = put(to, SMALL_SUMS, c);
        w[SMALL_OP_in] = (cl_uint)n, w[SMALL_OP_from] = (cl_uint)from,
        w[SMALL_OP_to] = (cl_uint)second;
        size_t other = from;
        from = second, second = other;
    }
    put(to, SMALL_FACTOR, c)[SMALL_OP_from] = (cl_uint)from;
}

static void put_update(writer *to, const ls_chunk_op *c)
{
    size_t weights = to->plan->weights, first = c->op->in;
    put(to, SMALL_UPDATE, c)[SMALL_OP_weights] = (cl_uint)(weights > first ? weights - first : 0);
}

static void put_max_norm(writer *to, const ls_chunk_op *c) { put(to, SMALL_MAX_NORM, c); }

/* The gradients of a GRAD_W into the arena, and the optimizer's step if it follows at once. */
static void put_weights(writer *to, const ls_chunk_op *c)
{
    const ls_op *o = c->op;
    put(to, SMALL_UNPACK, c);
    if (!ls_there(o->theta)) return;
    cl_uint *w = put(to, SMALL_UPDATE, c);
    w[SMALL_OP_out] = w[SMALL_OP_weights] = (cl_uint)(o->in * o->out);
}

/* One function per operation that LS_OPS calls CHUNK or STEP: without it, it does not compile. */
typedef void (*put_function)(writer *to, const ls_chunk_op *c);
#define OF_CHUNK_CHUNK(name) put_##name
#define OF_CHUNK_STEP(name) NULL
#define OF_CHUNK_IMPLIED(name) NULL
#define OF_CHUNK_NEVER(name) NULL
#define OF_STEP_CHUNK(name) NULL
#define OF_STEP_STEP(name) put_##name
#define OF_STEP_IMPLIED(name) NULL
#define OF_STEP_NEVER(name) NULL
#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = OF_CHUNK_##chunkwise(name),
static const put_function of_chunk[LS_OP_COUNT] = {LS_OPS(LS_X)};
#undef LS_X
#define LS_X(NAME, name, chunkwise) [LS_OP_##NAME] = OF_STEP_##chunkwise(name),
static const put_function of_step[LS_OP_COUNT] = {LS_OPS(LS_X)};
#undef LS_X

static void put_all(small_plan *small, const ls_plan *plan, const ls_chunks *c)
{
    const ls_op nothing = {0};
    const ls_chunk_op none = {.op = &nothing};
    writer to = {plan, small, &small->word[SMALL_of_chunk], c->scratch};
    describe_member(small->word, plan, c);
    small->words = SMALL_MEMBER_WORDS;
    if (plan->shuffle) put(&to, SMALL_NUMBERS, &none);
    put(&to, SMALL_LOAD, &none);
    for (size_t i = 0; i < c->count; i++)
        if (of_chunk[c->op[i].op->kind]) of_chunk[c->op[i].op->kind](&to, &c->op[i]);
    to.count = &small->word[SMALL_of_step];
    for (size_t i = 0; i < c->count; i++) {
        ls_op_kind kind = c->op[i].op->kind;
        if (kind == LS_OP_GRAD_W) put_weights(&to, &c->op[i]);
        else if (of_step[kind]) of_step[kind](&to, &c->op[i]);
    }
}

/* *out is NULL if the plan cannot run chunk-wise. */
static ls_status build(const ls_plan *plan, small_plan **out, ls_error *err)
{
    /* at most: operations of the kernel per operation of the plan, and levels of sums for 2^32
     * squares with the operations before and after them */
    enum { MOST = 7, LEVELS = 8 };
    ls_chunks *c;
    small_plan *s;
    *out = NULL;
    LS_TRY(ls_chunks_build(plan, LANES, 0, &c, err));
    if (!c) return LS_OK;
    ls_status status = ls_alloc(&s, 1, sizeof *s, "the network", err);
    if (status == LS_OK) {
        s->scratch = (c->scratch + (plan->clip > 0 ? 2 * chunks_of(plan->parameters) : 0) + 15) &
                     ~(size_t)15;
        status = ls_alloc(&s->word,
                          SMALL_MEMBER_WORDS + (MOST * c->count + LEVELS + 2) * SMALL_OP_WORDS,
                          sizeof *s->word, "the network", err);
        if (status != LS_OK) free(s);
    }
    if (status == LS_OK) {
        put_all(s, plan, c);
        *out = s;
    }
    ls_chunks_free(c);
    return status;
}

static void release(ls_cl_device *d, void *prepared)
{
    small_plan *small = prepared;
    (void)d;
    free(small->word);
    free(small);
}

/* ---- Launching ------------------------------------------------------------------------------- */

/* A member's steps are run by one work-item on CPU devices, and by a work-group on others, with
 * scratch in local memory if it fits. The environment variable LOCKSTEP_STEPS=grouped or
 * grouped-global selects the modes of GPUs on any device. */
static bool mode_is_forced(const char *mode)
{
    const char *steps = getenv("LOCKSTEP_STEPS");
    return steps && !strcmp(steps, mode);
}

bool ls_cl_small_is_solo(const ls_cl_device *d)
{
    return d->is_cpu && !mode_is_forced("grouped") && !mode_is_forced("grouped-global");
}

static bool is_local(const ls_cl_device *d, size_t scratch)
{
    return !ls_cl_small_is_solo(d) && !mode_is_forced("grouped-global") &&
           scratch * sizeof(float) + 1024 <= d->local_memory;
}

static size_t group_of(const ls_cl_device *d)
{
    return ls_cl_small_is_solo(d) ? 1 : d->group_limit < GPU_GROUP ? d->group_limit : GPU_GROUP;
}

/* The kernel for CPU devices, or for GPUs with scratch in local or global memory, compiled at first
 * use. */
static ls_status kernel_of(ls_cl_device *d, bool local, cl_kernel *out, ls_error *err)
{
    char defines[120];
    cl_int code;
    int which = ls_cl_small_is_solo(d) ? 0 : local ? 1 : 2;
    *out = d->small_kernel[which];
    if (*out) return LS_OK;
    unsigned lanes = d->lanes >= 16 ? 16 : d->lanes >= 8 ? 8 : 4;
    if (which == 0) snprintf(defines, sizeof defines, "-DGROUP=1 -DTILE_LANES=%u", lanes);
    else
        snprintf(defines, sizeof defines, "-DGROUP=%zu %s", group_of(d),
                 local ? "-DSPACE=__local" : "-DSCRATCH_IN_GLOBAL");
    LS_TRY(ls_cl_build(d, ls_small_source, ls_small_source_size, defines, &d->small_program[which],
                       err));
    d->small_kernel[which] = d->cl.clCreateKernel(d->small_program[which], "small_steps", &code);
    *out = d->small_kernel[which];
    return ls_cl_check(code, "creating the kernel 'small_steps'", err);
}

static void close_way(ls_cl_device *d)
{
    for (int i = 0; i < 3; i++) {
        if (d->small_kernel[i]) d->cl.clReleaseKernel(d->small_kernel[i]);
        if (d->small_program[i]) d->cl.clReleaseProgram(d->small_program[i]);
    }
    for (int i = 0; i < LS_SMALL_BUFFERS; i++)
        if (d->small_buffer[i]) d->cl.clReleaseMemObject(d->small_buffer[i]);
}

/* Enlarges a buffer, which later launches use, too, to at least that many floats. */
static ls_status ensure_buffer(ls_cl_device *d, ls_small_buffer which, size_t floats, ls_error *err)
{
    if (d->small_room[which] >= floats) return LS_OK;
    if (d->small_buffer[which]) d->cl.clReleaseMemObject(d->small_buffer[which]);
    d->small_buffer[which] = NULL;
    d->small_room[which] = 0;
    LS_TRY(ls_cl_buffer(d, floats, "a launch", &d->small_buffer[which], err));
    d->small_room[which] = floats;
    /* products also run over padding in scratch that is never written: old contents may be denormal
     * numbers, which are slow */
    const float zero = 0.0f;
    return ls_cl_check(d->cl.clEnqueueFillBuffer(d->queue, d->small_buffer[which], &zero,
                                                 sizeof zero, 0, floats * sizeof zero, 0, NULL,
                                                 NULL),
                       "clearing memory on the device", err);
}

/* What a launch needs on the host: the members' table entries and programs, and the scalars of
 * their steps. */
typedef struct {
    const small_run *runs;
    size_t count, steps, words, scratch;
    cl_uint *table;
    ls_rates *rates;
    float *losses;
} launch;

static void fill(launch *l)
{
    size_t program = 0, step = 0;
    for (size_t i = 0; i < l->count; i++) {
        const small_run *r = &l->runs[i];
        cl_uint *w = l->table + i * SMALL_RUN_WORDS;
        w[SMALL_RUN_program] = (cl_uint)program;
        w[SMALL_RUN_arena_low] = (cl_uint)r->base,
        w[SMALL_RUN_arena_high] = (cl_uint)((uint64_t)r->base >> 32);
        w[SMALL_RUN_origin] = (cl_uint)r->origin;
        w[SMALL_RUN_rates] = w[SMALL_RUN_losses] = (cl_uint)step;
        memcpy(l->table + l->count * SMALL_RUN_WORDS + program, r->small->word,
               r->small->words * sizeof *w);
        memcpy(l->rates + step, r->run->rates, (size_t)r->run->count * sizeof *l->rates);
        program += r->small->words;
        step += (size_t)r->run->count;
    }
}

/* Sets the launch to steps [from, from + most) of each member, as far as it has these steps. */
static void set_steps(launch *l, uint64_t from, uint64_t most)
{
    size_t step = 0;
    for (size_t i = 0; i < l->count; i++) {
        const ls_run *run = l->runs[i].run;
        cl_uint *w = l->table + i * SMALL_RUN_WORDS;
        uint64_t first = run->first + from, left = run->count > from ? run->count - from : 0;
        w[SMALL_RUN_first_low] = (cl_uint)first, w[SMALL_RUN_first_high] = (cl_uint)(first >> 32);
        w[SMALL_RUN_count] = (cl_uint)(left < most ? left : most);
        w[SMALL_RUN_rates] = w[SMALL_RUN_losses] = (cl_uint)(step + from);
        step += (size_t)run->count;
    }
}

static ls_status write_to(ls_cl_device *d, ls_small_buffer which, const void *from, size_t bytes,
                          ls_error *err)
{
    return ls_cl_check(d->cl.clEnqueueWriteBuffer(d->queue, d->small_buffer[which], CL_FALSE, 0,
                                                  bytes, from, 0, NULL, NULL),
                       "writing to the device", err);
}

/* Work-groups of a launch. On a CPU device one per compute unit, each of which takes member after
 * member; otherwise one per member, up to a number that keeps any device busy. */
static size_t groups_of(const ls_cl_device *d, size_t count)
{
    size_t most = ls_cl_small_is_solo(d) ? d->compute_units : 16384;
    return count < most ? count : most;
}

static ls_status enqueue(ls_cl_device *d, const launch *l, cl_kernel kernel, bool local,
                         const cl_mem buffers[4], ls_error *err)
{
    cl_mem *own = d->small_buffer;
    cl_uint members = (cl_uint)l->count, stride = (cl_uint)l->scratch;
    size_t group = group_of(d), global = groups_of(d, l->count) * group;
    const cl_uint zero = 0;
    cl_int code = CL_SUCCESS;
    const struct {
        size_t size;
        const void *value;
    } args[] = {{sizeof(cl_mem), &buffers[0]},
                {sizeof(cl_mem), &buffers[1]},
                {sizeof(cl_mem), &buffers[2]},
                {sizeof(cl_mem), &buffers[3]},
                {sizeof(cl_mem), &own[LS_SMALL_TABLE]},
                {sizeof members, &members},
                {sizeof(cl_mem), &own[LS_SMALL_RATES]},
                {sizeof(cl_mem), &own[LS_SMALL_LOSSES]},
                {local ? l->scratch * sizeof(float) : sizeof(cl_mem),
                 local ? NULL : &own[LS_SMALL_SCRATCH]},
                {sizeof stride, &stride},
                {sizeof(cl_mem), &own[LS_SMALL_NEXT]}};
    for (cl_uint i = 0; i < sizeof args / sizeof *args && code == CL_SUCCESS; i++)
        code = d->cl.clSetKernelArg(kernel, i, args[i].size, args[i].value);
    if (code == CL_SUCCESS)
        code = d->cl.clEnqueueWriteBuffer(d->queue, own[LS_SMALL_NEXT], CL_FALSE, 0, sizeof zero,
                                          &zero, 0, NULL, NULL);
    if (code == CL_SUCCESS)
        code = d->cl.clEnqueueNDRangeKernel(d->queue, kernel, 1, NULL, &global, &group, 0, NULL,
                                            NULL);
    if (code == CL_SUCCESS)
        code = d->cl.clFinish(d->queue); /* `zero` and the table must have been read before they
                                            change */
    return ls_cl_check(code, "running small networks", err);
}

/* All steps, on a GPU in launches of bounded time; where a launch ends changes no bit. */
static ls_status launch_all(ls_cl_device *d, launch *l, cl_kernel kernel, bool local,
                            const cl_mem buffers[4], ls_error *err)
{
    double pace = launch_seconds /
                  8; /* seconds per step of all members: a guess for the first launch */
    uint64_t most = 0, piece;
    for (size_t i = 0; i < l->count; i++)
        if (l->runs[i].run->count > most) most = l->runs[i].run->count;
    for (uint64_t from = 0; from < most; from += piece) {
        piece = most - from;
        if (!ls_cl_small_is_solo(d) && (double)piece * pace > launch_seconds)
            piece = (uint64_t)(launch_seconds / pace) + 1;
        if (piece > most - from) piece = most - from;
        set_steps(l, from, piece);
        LS_TRY(write_to(d, LS_SMALL_TABLE, l->table, l->words * sizeof *l->table, err));
        double started = ls_clock();
        LS_TRY(enqueue(d, l, kernel, local, buffers, err));
        pace = (ls_clock() - started) / (double)piece;
    }
    return LS_OK;
}

static ls_status run_launch(ls_cl_device *d, launch *l, const cl_mem buffers[4], ls_error *err)
{
    cl_kernel kernel;
    bool local = is_local(d, l->scratch);
    LS_TRY(kernel_of(d, local, &kernel, err));
    LS_TRY(ensure_buffer(d, LS_SMALL_TABLE, l->words, err));
    LS_TRY(ensure_buffer(d, LS_SMALL_RATES, 4 * l->steps, err));
    LS_TRY(ensure_buffer(d, LS_SMALL_LOSSES, l->steps, err));
    LS_TRY(ensure_buffer(d, LS_SMALL_NEXT, 1, err));
    if (!local)
        LS_TRY(ensure_buffer(d, LS_SMALL_SCRATCH, groups_of(d, l->count) * l->scratch, err));
    fill(l);
    LS_TRY(write_to(d, LS_SMALL_RATES, l->rates, l->steps * sizeof *l->rates, err));
    LS_TRY(launch_all(d, l, kernel, local, buffers, err));
    LS_TRY(ls_cl_check(d->cl.clEnqueueReadBuffer(d->queue, d->small_buffer[LS_SMALL_LOSSES],
                                                 CL_TRUE, 0, l->steps * sizeof *l->losses,
                                                 l->losses, 0, NULL, NULL),
                       "reading losses", err));
    for (size_t i = 0, at = 0; i < l->count; at += (size_t)l->runs[i++].run->count)
        memcpy(l->runs[i].run->losses, l->losses + at,
               (size_t)l->runs[i].run->count * sizeof(float));
    return LS_OK;
}

/* The slab and the data of a launch. */
static ls_status run_members(cl_workspace *w, cl_mem slab, const small_run *runs, size_t count,
                             ls_error *err)
{
    launch l = {.runs = runs, .count = count, .words = count * SMALL_RUN_WORDS};
    const cl_mem buffers[4] = {slab, w->x, w->t, w->weight};
    for (size_t i = 0; i < count; i++) {
        l.words += runs[i].small->words;
        l.steps += (size_t)runs[i].run->count;
        if (runs[i].small->scratch > l.scratch) l.scratch = runs[i].small->scratch;
    }
    _Static_assert(sizeof(ls_rates) == LS_RATES_COUNT * sizeof(float), "rates travel as floats");
    if (!l.steps) return LS_OK;
    ls_status status = ls_alloc(&l.table, l.words, sizeof *l.table, "a launch", err);
    if (status == LS_OK) status = ls_alloc(&l.rates, l.steps, sizeof *l.rates, "a launch", err);
    if (status == LS_OK) status = ls_alloc(&l.losses, l.steps, sizeof *l.losses, "a launch", err);
    if (status == LS_OK) status = run_launch(w->device, &l, buffers, err);
    free(l.table);
    free(l.rates);
    free(l.losses);
    return status;
}

/* ---- The way --------------------------------------------------------------------------------- */

static ls_status prepare(ls_cl_device *d, const ls_plan *plan, void **out, ls_error *err)
{
    small_plan *small;
    (void)d;
    LS_TRY(build(plan, &small, err));
    *out = small;
    return LS_OK;
}

/* A group that works alone on a large network leaves most of a GPU idle: at some 1e10 fma per
 * second, even trying it would cost a noticeable time. */
static ls_cl_readiness ready(cl_workspace *w, const ls_run *const *runs, size_t count)
{
    static const double most = 1 << 24; /* fma of a forward pass */
    const ls_plan *plan = member_at(w, runs[0]->member)->plan;
    bool idle = !ls_cl_small_is_solo(w->device) && 4 * count < w->device->compute_units;
    return idle && (double)plan->weights * (double)plan->batch > most ? LS_CL_NEVER : LS_CL_READY;
}

static ls_status steps(cl_workspace *w, const ls_run *const *runs, size_t count, bool *intact,
                       ls_error *err)
{
    small_run *list;
    cl_kernel kernel;
    size_t scratch = 0;
    LS_TRY(ls_alloc(&list, count, sizeof *list, "a launch", err));
    for (size_t i = 0; i < count; i++) {
        const member *m = member_at(w, runs[i]->member);
        assert(m->origin + m->plan->rows <= w->shape.rows);
        list[i] = (small_run){m->prepared[LS_CL_WAY_SMALL].data, m->base, m->origin, runs[i]};
        if (list[i].small->scratch > scratch) scratch = list[i].small->scratch;
    }
    ls_status status = kernel_of(w->device, is_local(w->device, scratch), &kernel, err);
    *intact = status != LS_OK; /* nothing has run if the program does not build */
    if (status == LS_OK)
        status = run_members(w, member_at(w, runs[0]->member)->arena, list, count, err);
    free(list);
    return status;
}

const ls_cl_way ls_cl_small_way = {
    .prepare = prepare, .release = release, .ready = ready, .steps = steps, .close = close_way};
