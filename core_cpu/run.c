/* SPDX-License-Identifier: MIT */
/* Runs plans on the CPU path, layered or chunk-wise. */
#include "core_cpu/run.h"
#include "core_cpu/chunk.h"
#include "core_cpu/operations.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* ---- Running plans --------------------------------------------------------------------------- */

/* Below this cost one thread runs an operation: a hand-over would take longer. */
static const double worth_sharing = 10000.0;

static void run_share(void *work, unsigned share, unsigned shares, unsigned thread)
{
    const cpu_job *j = work;
    size_t n = ls_cpu_operations[j->op->kind]->extent(j),
           unit = ls_cpu_operations[j->op->kind]->unit;
    size_t units = (n + unit - 1) / unit;
    size_t i0 = smaller(units * share / shares * unit, n),
           i1 = smaller(units * (share + 1) / shares * unit, n);
    if (i0 < i1)
        ls_cpu_operations[j->op->kind]->run(j, i0, i1,
                                            j->backend->scratch +
                                                (size_t)thread * LS_MATMUL_SCRATCH);
}

/* Number of shares of an operation, of which none costs less than a hand-over; sets the number of
 * threads that may share it, which extents read. */
static unsigned shares_of(cpu_job *j)
{
    const cpu_operation *o = ls_cpu_operations[j->op->kind];
    const double worth = o->cost(j) / worth_sharing;
    const size_t threads = ls_pool_threads(j->backend->pool),
                 most = smaller(threads * o->parts, LS_POOL_SHARES),
                 shares = worth < 1              ? 1
                          : worth < (double)most ? (size_t)worth
                                                 : most;
    j->threads = smaller(shares, threads);
    const size_t units = (o->extent(j) + o->unit - 1) / o->unit;
    return (unsigned)(units < 1 ? 1 : smaller(shares, units));
}

static void run_phase(cpu_job *j, bool alone, unsigned thread)
{
    unsigned shares = 1;
    j->threads = 1;
    if (!alone) shares = shares_of(j);
    if (shares == 1) run_share(j, 0, 1, thread);
    else {
        ls_product_begin(&j->backend->progress);
        ls_pool_run(j->backend->pool, run_share, j, shares);
    }
    if (ls_cpu_operations[j->op->kind]->finish) ls_cpu_operations[j->op->kind]->finish(j);
}

/* Runs an operation; alone: only on the calling thread, with the scratch of thread `thread`. */
static void run_op(cpu_job *j, const ls_op *op, bool alone, unsigned thread)
{
    const cpu_operation *operation = ls_cpu_operations[op->kind];
    j->op = op, j->phase = 0;
    const unsigned phases = operation->phases ? operation->phases(j) : 1;
    for (; j->phase < phases; j->phase++) run_phase(j, alone, thread);
}

static void run_ops(cpu_job *j, const ls_ops *ops, bool alone, unsigned thread)
{
    for (size_t i = 0; i < ops->count; i++)
        if (&ops->op[i] != j->member->skipped_gather) run_op(j, &ops->op[i], alone, thread);
}

/* The operations of a chunk-wise step that run once per step. */
static void run_rest(void *user, const ls_op *op)
{
    cpu_job *j = user;
    j->op = op;
    if (op->kind == LS_OP_GRAD_W) {
        ls_cpu_update_weights(j);
        return;
    }
    run_share(j, 0, 1, 0); /* none of these operations uses scratch */
    if (ls_cpu_operations[op->kind]->finish) ls_cpu_operations[op->kind]->finish(j);
}

_Static_assert((size_t)LS_CHUNKS_SCRATCH <= (size_t)LS_MATMUL_SCRATCH,
               "chunk-wise steps use the scratch of products");

static void run_chunks(cpu_job *j, unsigned thread)
{
    const cpu_member *m = j->member;
    ls_chunk_step s = {.kernels = j->backend->kernels,
                       .plan = m->plan,
                       .data = &j->workspace->data,
                       .origin = m->origin,
                       .arena = m->arena,
                       .scratch = j->backend->scratch + (size_t)thread * LS_MATMUL_SCRATCH,
                       .step = j->step,
                       .batch = j->batch,
                       .loss = j->loss,
                       .inputs_kept = j->inputs_kept,
                       .rest = run_rest,
                       .user = j};
    j->inputs_kept = ls_chunks_run(m->chunks, &s);
}

/* Runs a step of a member that all threads may share, in the faster mode. Both modes are measured
 * first, alternating after two steps each, as a second chunk-wise step may find its inputs in
 * scratch. Both give the same bits. */
static void run_faster(cpu_job *j, cpu_member *m)
{
    enum { STEPS = 8, IN_A_ROW = 2 };
    cpu_mode_choice *mode = &m->mode;
    unsigned threads = ls_pool_threads(j->backend->pool);
    if (mode->threads != threads) *mode = (cpu_mode_choice){.threads = threads};
    const bool measuring = mode->measured < STEPS;
    const unsigned chunkwise = measuring ? mode->measured / IN_A_ROW % 2
                                         : mode->least[1] < mode->least[0];
    double started = measuring ? ls_clock() : 0;
    if (chunkwise) run_chunks(j, 0);
    else {
        run_ops(j, &m->plan->step, false, 0);
        j->inputs_kept = false;
    }
    if (!measuring) return;
    double seconds = ls_clock() - started;
    const bool first = mode->measured == 0 || mode->measured == IN_A_ROW;
    if (first || seconds < mode->least[chunkwise]) mode->least[chunkwise] = seconds;
    mode->measured++;
}

static void run_member(cpu_backend *backend, const cpu_workspace *workspace, const ls_run *run,
                       bool alone, unsigned thread)
{
    cpu_member *m = ls_cpu_member(workspace, run->member);
    bool chunkwise = m->chunks && !run->keep, shared = !alone && ls_pool_threads(backend->pool) > 1;
    cpu_job j = {.backend = backend, .workspace = workspace, .member = m, .training = true};
    for (uint64_t i = 0; i < run->count; i++) {
        j.step = run->first + i;
        j.batch = ls_plan_batch(m->plan, j.step);
        j.rows = j.whole = j.batch.rows;
        /* gathered batches use any of the member's rows, others start at the batch's first row */
        j.row0 = m->origin + (m->plan->shuffle ? 0 : j.batch.first);
        j.rates = &run->rates[i];
        j.loss = &run->losses[i];
        if (chunkwise && shared) run_faster(&j, m);
        else if (chunkwise) run_chunks(&j, thread);
        else run_ops(&j, &m->plan->step, alone, thread);
    }
}

/* Many members: each thread takes whole members. */
typedef struct {
    cpu_backend *backend;
    const cpu_workspace *workspace;
    const ls_run *runs;
    size_t count;
    atomic_size_t next;
} member_queue;

static void run_members(void *work, unsigned share, unsigned shares, unsigned thread)
{
    (void)share, (void)shares;
    member_queue *q = work;
    for (size_t i; (i = atomic_fetch_add(&q->next, 1)) < q->count;)
        run_member(q->backend, q->workspace, &q->runs[i], true, thread);
}

#ifndef NDEBUG
/* Whether a call has what its steps need, and each member at most once. */
static bool runs_valid(const cpu_workspace *workspace, const ls_run *runs, size_t count)
{
    bool valid = true;
    for (size_t i = 0; i < count; i++) {
        cpu_member *m = ls_cpu_member(workspace, runs[i].member);
        valid = valid && !m->in_call && (!runs[i].count || (runs[i].rates && runs[i].losses));
        m->in_call = true;
    }
    for (size_t i = 0; i < count; i++) ls_cpu_member(workspace, runs[i].member)->in_call = false;
    return valid;
}
#endif

ls_status ls_cpu_run(ls_workspace *base, const ls_run *runs, size_t count, ls_error *err)
{
    (void)err;
    cpu_workspace *workspace = (cpu_workspace *)base;
    cpu_backend *backend = (cpu_backend *)base->backend;
    assert(runs_valid(workspace, runs, count));
    ls_pool_enter(backend->pool);
    if (count >= ls_pool_threads(backend->pool)) {
        member_queue q = {.backend = backend, .workspace = workspace, .runs = runs, .count = count};
        ls_pool_run(backend->pool, run_members, &q, ls_pool_threads(backend->pool));
    } else {
        for (size_t i = 0; i < count; i++) run_member(backend, workspace, &runs[i], false, 0);
    }
    return LS_OK;
}

/* ---- Parts of steps -------------------------------------------------------------------------- */

ls_status ls_cpu_run_part(ls_workspace *base, const ls_part *part, ls_error *err)
{
    (void)err;
    cpu_workspace *workspace = (cpu_workspace *)base;
    cpu_backend *backend = (cpu_backend *)base->backend;
    cpu_member *m = ls_cpu_member(workspace, part->member);
    assert(m->plan->shared && part->to <= m->plan->step.count);
    cpu_job j = {.backend = backend, .workspace = workspace, .member = m, .training = true};
    float unused;
    j.step = part->step;
    j.batch = ls_plan_batch(m->plan, part->step);
    j.before = part->first, j.whole = j.batch.rows;
    j.batch.first += part->first;
    j.row0 = m->origin + (m->plan->shuffle ? 0 : j.batch.first);
    j.rates = part->rates;
    j.slice = part->slice, j.places = part->places;
    j.loss = &unused;
    ls_pool_enter(backend->pool);
    for (size_t i = part->from; i < part->to; i++) {
        const ls_op *o = &m->plan->step.op[i];
        j.rows = ls_part_rows(part, o);
        if (j.rows || !o->most_rows) run_op(&j, o, false, 0);
    }
    return LS_OK;
}

/* ---- Inference ------------------------------------------------------------------------------- */

/* Rows to infer. Blocks of them go through all operations independently. */
typedef struct {
    cpu_backend *backend;
    const cpu_workspace *workspace;
    const cpu_member *member;
    size_t first, rows;
    float *outputs, *losses; /* either may be NULL */
    float *arenas;           /* one for each thread but thread 0, which uses the member's */
    size_t stride;           /* floats from one to the next */
    atomic_size_t next;      /* the first block that no thread has taken */
} inference;

/* Runs the block that starts after `done` rows and returns the number of its rows. alone: only on
 * the calling thread. */
static size_t infer_block(const inference *f, const cpu_member *m, size_t done, bool alone,
                          unsigned thread)
{
    const ls_plan *p = m->plan;
    cpu_job j = {.backend = f->backend, .workspace = f->workspace, .member = m};
    j.row0 = m->origin + f->first + done;
    j.rows = smaller(f->rows - done, p->capacity);
    run_ops(&j, &p->infer, alone, thread);
    if (f->outputs)
        memcpy(f->outputs + done * p->outputs, m->arena + p->result.at,
               j.rows * p->outputs * sizeof *f->outputs);
    if (f->losses) memcpy(f->losses + done, m->arena + p->row_loss.at, j.rows * sizeof *f->losses);
    return j.rows;
}

static void infer_blocks(void *work, unsigned share, unsigned shares, unsigned thread)
{
    (void)share, (void)shares;
    inference *f = work;
    const size_t capacity = f->member->plan->capacity;
    cpu_member m = *f->member;
    if (thread) m.arena = f->arenas + (thread - 1) * f->stride;
    bool filled = !thread;
    for (size_t done; (done = atomic_fetch_add(&f->next, 1) * capacity) < f->rows;) {
        if (!filled) memcpy(m.arena, f->member->arena, m.plan->state * sizeof *m.arena);
        filled = true;
        infer_block(f, &m, done, true, thread);
    }
}

/* Whether each thread takes whole blocks: there are enough of them, and arenas for all threads take
 * little memory. */
static bool takes_blocks(const inference *f, unsigned threads)
{
    enum { BLOCKS = 4 /* per thread */, MOST_FLOATS = 1 << 26 };
    const ls_plan *p = f->member->plan;
    return threads > 1 && f->rows / p->capacity / threads >= BLOCKS &&
           p->arena <= MOST_FLOATS / threads;
}

ls_status ls_cpu_infer(ls_workspace *base, size_t index, size_t first, size_t rows, float *outputs,
                       float *losses, ls_error *err)
{
    (void)err;
    cpu_workspace *workspace = (cpu_workspace *)base;
    cpu_backend *backend = (cpu_backend *)base->backend;
    const cpu_member *m = ls_cpu_member(workspace, index);
    ls_pool_enter(backend->pool);
    const unsigned threads = ls_pool_threads(backend->pool);
    assert(m->origin <= workspace->data.rows && first <= workspace->data.rows - m->origin &&
           rows <= workspace->data.rows - m->origin - first);
    inference f = {.backend = backend,
                   .workspace = workspace,
                   .member = m,
                   .first = first,
                   .rows = rows,
                   .outputs = outputs,
                   .losses = losses};
    if (takes_blocks(&f, threads)) {
        const size_t line = 16; /* floats: threads share no line of the cache */
        f.stride = (m->plan->arena + line - 1) / line * line;
        size_t floats = f.stride * (threads - 1);
        if (ls_reserve(&f.arenas, floats, sizeof *f.arenas, "the network", NULL) == LS_OK) {
            ls_pool_run(backend->pool, infer_blocks, &f, threads);
            ls_release(f.arenas, floats, sizeof *f.arenas);
            return LS_OK;
        }
    }
    for (size_t done = 0; done < rows;) done += infer_block(&f, m, done, false, 0);
    return LS_OK;
}

/* One inference: the caller's thread takes it whole. */
typedef struct {
    cpu_backend *backend;
    const cpu_workspace *workspace;
    const ls_member_inference *list;
} inferences;

static inference inference_of(const inferences *all, size_t i)
{
    const ls_member_inference *of = &all->list[i];
    const cpu_workspace *w = all->workspace;
    const cpu_member *m = &w->members[of->member];
    assert(m->origin <= w->data.rows && of->first <= w->data.rows - m->origin &&
           of->rows <= w->data.rows - m->origin - of->first);
    return (inference){.backend = all->backend,
                       .workspace = w,
                       .member = m,
                       .first = of->first,
                       .rows = of->rows,
                       .outputs = of->outputs,
                       .losses = of->losses};
}

static void infer_member(void *work, unsigned share, unsigned shares, unsigned thread)
{
    const inference f = inference_of(work, share);
    (void)shares;
    for (size_t done = 0; done < f.rows;) done += infer_block(&f, f.member, done, true, thread);
}

/* As for steps, threads share an inference only if there are fewer members than threads. */
ls_status ls_cpu_infer_many(ls_workspace *base, const ls_member_inference *list, size_t count,
                            ls_error *err)
{
    cpu_backend *backend = (cpu_backend *)base->backend;
    inferences all = {backend, (cpu_workspace *)base, list};
    ls_pool_enter(backend->pool);
    if (count < ls_pool_threads(backend->pool)) {
        for (size_t i = 0; i < count; i++)
            LS_TRY(ls_cpu_infer(base, list[i].member, list[i].first, list[i].rows, list[i].outputs,
                                list[i].losses, err));
        return LS_OK;
    }
    for (size_t n; count; list += n, count -= n) {
        n = smaller(count, LS_POOL_SHARES);
        all.list = list;
        ls_pool_run(backend->pool, infer_member, &all, (unsigned)n);
    }
    return LS_OK;
}
