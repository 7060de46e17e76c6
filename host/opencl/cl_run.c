/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_run.h"
#include "host/base/clock.h"
#include "host/base/memory.h"
#include "host/base/trace.h"
#include "host/opencl/cl_layered.h"
#include "host/opencl/cl_small.h"
#include "host/opencl/cl_whole.h"
#include "host/opencl/cl_workspace.h"
#include "host/opencl/way_trial.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const ls_cl_way *const ways[LS_CL_WAY_COUNT] = {
    [LS_CL_WAY_LAYERED] = &ls_cl_layered_way,
    [LS_CL_WAY_SMALL] = &ls_cl_small_way,
    [LS_CL_WAY_WHOLE] = &ls_cl_whole_way,
};
#define LS_X(NAME, name) [LS_CL_WAY_##NAME] = #name,
static const char *const way_names[LS_CL_WAY_COUNT] = {LS_CL_WAYS(LS_X)};
#undef LS_X

/* ---- Trials ---------------------------------------------------------------------------------- */

/* Calls whose ways should be equally fast: members of one shape, in a number between two powers of
 * two. */
typedef struct {
    uint64_t shape;
    unsigned members; /* logarithm of their number */
    uint64_t used;    /* number of the last call that used it */
    ls_way_trial trial;
} trial_entry;

enum { TRIALS = 64 };
struct ls_cl_ways {
    uint64_t calls;
    trial_entry entry[TRIALS];
};

/* The trial of such calls; the one that was not used for longest gives way to a new one. */
static ls_way_trial *trial_of(struct ls_cl_ways *w, uint64_t shape, size_t members)
{
    unsigned magnitude = 0;
    trial_entry *oldest = w->entry;
    while (members >>= 1) magnitude++;
    w->calls++;
    for (trial_entry *e = w->entry; e < w->entry + TRIALS; e++) {
        if (e->used && e->shape == shape && e->members == magnitude) {
            e->used = w->calls;
            return &e->trial;
        }
        if (e->used < oldest->used) oldest = e;
    }
    *oldest = (trial_entry){.shape = shape, .members = magnitude, .used = w->calls};
    return &oldest->trial;
}

/* ---- Members --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3u; /* FNV-1a, a word at a time */
}

/* A number that is equal for plans whose steps take the same time. */
static uint64_t shape_of(const ls_plan *p)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < p->step.count; i++) {
        const ls_op *o = &p->step.op[i];
        hash = mix(mix(hash, (uint64_t)o->kind << 8 | (uint64_t)o->act), (uint64_t)o->in);
        hash = mix(mix(hash, o->out), (uint64_t)(o->dropout > 0) << 1 | ls_there(o->skip));
        hash = mix(mix(hash, o->points), ls_image_values(o->window.from));
    }
    hash = mix(mix(hash, p->batch), p->rows / p->batch);
    return mix(hash, (uint64_t)p->loss << 16 | (uint64_t)p->output << 8 | (uint64_t)p->optimizer);
}

static ls_status prepare(cl_workspace *w, member *m, ls_error *err)
{
    if (m->is_prepared) return LS_OK;
    for (int way = 0; way < LS_CL_WAY_COUNT; way++) {
        m->prepared[way].way = ways[way];
        if (!m->prepared[way].data)
            LS_TRY(ways[way]->prepare(w->device, m->plan, &m->prepared[way].data, err));
    }
    m->shape = shape_of(m->plan);
    m->is_prepared = true;
    return LS_OK;
}

/* ---- Choosing a way -------------------------------------------------------------------------- */

/* Members of a call that run together. */
typedef struct {
    const ls_run **runs;
    size_t count;
    bool mixed; /* of several shapes: not measured */
    bool keep;  /* activations stay in the arena: layered */
} group;

/* LOCKSTEP_STEPS in the environment: the name of a way restricts the choice to this way where it is
 * possible; "any" allows and measures all ways on all devices. For tests. */
static bool is_allowed(const ls_cl_device *d, ls_cl_way_id way)
{
    const char *steps = getenv("LOCKSTEP_STEPS");
    if (d->only_way) return (int)way == d->only_way - 1;
    bool natural = way == LS_CL_WAY_LAYERED || way == LS_CL_WAY_SMALL || !d->is_cpu;
    if (!steps || !*steps) return natural;
    if (!strcmp(steps, "any")) return true;
    for (int i = 0; i < LS_CL_WAY_COUNT; i++)
        if (!strcmp(steps, way_names[i])) return (int)way == i;
    return natural; /* a name that means a mode of a way */
}

const char *ls_cl_way_name(ls_cl_way_id way) { return way_names[way]; }

bool ls_cl_way_is_used(const ls_cl_device *d, ls_cl_way_id way)
{
    return !*d->way_out[way] && is_allowed(d, way);
}

/* Whether the way is the only one that is wanted: by the self-check, which compares it, or by
 * LOCKSTEP_STEPS. It is then waited for. */
static bool is_demanded(const ls_cl_device *d, ls_cl_way_id way)
{
    const char *steps = getenv("LOCKSTEP_STEPS");
    return d->only_way || (steps && !strcmp(steps, way_names[way]));
}

/* Whether a way can run the group now. */
static bool is_ready(cl_workspace *w, const group *g, ls_cl_way_id way)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    ls_cl_readiness is;
    while ((is = ways[way]->ready(w, g->runs, g->count)) == LS_CL_BUILDING &&
           is_demanded(w->device, way))
        nanosleep(&moment, NULL);
    return is == LS_CL_READY;
}

static bool all_prepared(const cl_workspace *w, const group *g, ls_cl_way_id way)
{
    bool all = true;
    for (size_t i = 0; i < g->count && all; i++)
        all = member_at(w, g->runs[i]->member)->prepared[way].data != NULL;
    return all;
}

/* The ways that can run the group now. */
static void find_able(cl_workspace *w, const group *g, bool able[LS_CL_WAY_COUNT])
{
    bool some = false;
    for (int way = 0; way < LS_CL_WAY_COUNT; way++) {
        bool beaten = way > LS_CL_WAY_SMALL && g->mixed && able[LS_CL_WAY_SMALL]; /* see below */
        able[way] = !(g->keep && way != LS_CL_WAY_LAYERED) && !beaten &&
                    !*w->device->way_out[way] && is_allowed(w->device, (ls_cl_way_id)way) &&
                    all_prepared(w, g, (ls_cl_way_id)way) && is_ready(w, g, (ls_cl_way_id)way);
        some |= able[way];
    }
    if (!some) able[LS_CL_WAY_LAYERED] = true;
    /* CPU devices: the chunk-wise way is the fastest for all that it takes. So it is for members of
     * different shapes, which it runs in one launch. */
    const char *steps = getenv("LOCKSTEP_STEPS");
    bool measured = !w->device->is_cpu || (steps && !strcmp(steps, "any"));
    if (able[LS_CL_WAY_SMALL] && (!measured || g->mixed))
        for (int way = 0; way < LS_CL_WAY_COUNT; way++) able[way] = way == LS_CL_WAY_SMALL;
}

/* ---- Running a group ------------------------------------------------------------------------- */

/* Steps [from, from + most) of each run, as far as it has these; the number of runs that have
 * any. */
static size_t take_part(const group *g, uint64_t from, uint64_t most, ls_run *part,
                        const ls_run **parts)
{
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        const ls_run *r = g->runs[i];
        if (r->count <= from) continue;
        part[n] = *r;
        part[n].first += from, part[n].rates += from, part[n].losses += from;
        part[n].count = r->count - from < most ? r->count - from : most;
        parts[n] = &part[n];
        n++;
    }
    return n;
}

/* Turns of a trial, and calls that were slow to come back. */
static void trace_turn(const cl_workspace *w, ls_way_turn turn, size_t count, uint64_t steps,
                       double seconds)
{
    if (!ls_trace_is_on() || (turn.steps == UINT64_MAX && seconds < 0.05)) return;
    ls_trace("%s: %s%s, %zu members, %llu steps in %.6f s", w->device->info.name,
             way_names[turn.way], turn.steps == UINT64_MAX ? "" : " on trial", count,
             (unsigned long long)steps, seconds);
}

/* One turn: some steps in one way. A way that fails and leaves the members as they were is not used
 * on this device any more. */
static ls_status take_turn(cl_workspace *w, ls_way_trial *trial, ls_way_turn turn,
                           const ls_run *const *parts, size_t count, bool *failed, ls_error *err)
{
    bool intact = false;
    ls_error why;
    uint64_t steps = 0;
    for (size_t i = 0; i < count; i++)
        if (parts[i]->count > steps) steps = parts[i]->count;
    double start = ls_clock();
    ls_status status = ways[turn.way]->steps(w, parts, count, &intact, &why);
    *failed = status != LS_OK;
    if (status == LS_OK) {
        double seconds = ls_clock() - start;
        if (trial) ls_way_trial_note(trial, turn.way, steps, seconds);
        trace_turn(w, turn, count, steps, seconds);
        return LS_OK;
    }
    if (status != LS_ERR_DEVICE || !intact || turn.way == LS_CL_WAY_LAYERED)
        return ls_fail(err, status, "%s", why.message);
    snprintf(w->device->way_out[turn.way], sizeof w->device->way_out[turn.way], "%.159s",
             why.message);
    ls_trace("%s: %s is not used any more: %s", w->device->info.name, way_names[turn.way],
             why.message);
    return LS_OK;
}

/* Members that run operation by operation need a launch for each product of each step. Where that
 * alone is hopeless, as with thousands of small members, no step is wasted to see it. No driver was
 * seen that enqueues a launch in less time than this. */
static void expect_launches(const cl_workspace *w, const group *g, ls_way_trial *trial)
{
    static const double launch_seconds = 1e-6;
    const ls_ops *step = &member_at(w, g->runs[0]->member)->plan->step;
    size_t products = 0;
    for (size_t i = 0; i < step->count; i++)
        products += step->op[i].kind == LS_OP_DENSE || step->op[i].kind == LS_OP_GRAD_W;
    ls_way_trial_expect(trial, LS_CL_WAY_LAYERED,
                        launch_seconds * (double)products * (double)g->count);
}

static ls_status run_group(cl_workspace *w, const group *g, ls_run *part, const ls_run **parts,
                           ls_error *err)
{
    uint64_t most = 0;
    bool measured = !g->mixed && !g->keep;
    ls_way_trial *trial = measured ? trial_of(w->device->ways,
                                              member_at(w, g->runs[0]->member)->shape, g->count)
                                   : NULL;
    const ls_way_trial untried = {0};
    for (size_t i = 0; i < g->count; i++)
        if (g->runs[i]->count > most) most = g->runs[i]->count;
    for (uint64_t done = 0; done < most;) {
        bool able[LS_CL_WAY_COUNT], failed;
        find_able(w, g, able);
        if (trial) expect_launches(w, g, trial);
        ls_way_turn turn = ls_way_trial_next(trial ? trial : &untried, able);
        if (!trial) turn.steps = UINT64_MAX;
        uint64_t steps = most - done < turn.steps ? most - done : turn.steps;
        size_t n = take_part(g, done, steps, part, parts);
        LS_TRY(take_turn(w, trial, turn, parts, n, &failed, err));
        ls_cl_progress(w->device->counts);
        if (!failed) done += steps;
    }
    return LS_OK;
}

/* ---- Dividing a call into groups ------------------------------------------------------------- */

/* Fewer members of one shape are no group of their own if they can run chunk-wise. */
enum { FEW = 32 };

typedef struct {
    const ls_run *run;
    size_t slab;
    uint64_t shape;
    bool keep, chunkwise;
} entry;

static int compare(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    if (p->keep != q->keep) return p->keep ? -1 : 1;
    if (p->slab != q->slab) return p->slab < q->slab ? -1 : 1;
    if (p->chunkwise != q->chunkwise) return p->chunkwise ? 1 : -1;
    if (p->shape != q->shape) return p->shape < q->shape ? -1 : 1;
    return p->run < q->run ? -1 : p->run > q->run;
}

static bool same_place(const entry *a, const entry *b)
{
    return a->keep == b->keep && a->slab == b->slab && a->chunkwise == b->chunkwise;
}

/* The group of the entries [0, to), which are of one shape. */
static group group_of(const entry *e, size_t to, const ls_run **list)
{
    for (size_t i = 0; i < to; i++) list[i] = e[i].run;
    return (group){.runs = list, .count = to, .keep = e->keep};
}

/* The scratch that a group takes chunk-wise, if its members may run together with those of other
 * shapes: they are few, or chunk-wise is their fastest way, as far as that is known; otherwise 0.
 * One launch of all then fills the device, which several, one after the other, may not. */
static size_t joining(cl_workspace *w, const entry *e, const group *g)
{
    bool able[LS_CL_WAY_COUNT];
    if (!e->chunkwise || e->keep) return 0;
    const member *m = member_at(w, e->run->member);
    const size_t scratch = ls_cl_small_scratch(m->prepared[LS_CL_WAY_SMALL].data);
    if (g->count < FEW) return scratch;
    find_able(w, g, able);
    const ls_way_turn turn = ls_way_trial_next(trial_of(w->device->ways, m->shape, g->count), able);
    return turn.way == LS_CL_WAY_SMALL && turn.steps == UINT64_MAX ? scratch : 0;
}

/* Runs the entries [0, n), which are of one place: one group for each shape, but a common one for
 * chunk-wise members that may join it and do not need much less scratch than others in it, as all
 * get what the largest needs. */
static ls_status run_place(cl_workspace *w, const entry *e, size_t n, const ls_run **list,
                           ls_run *part, const ls_run **parts, ls_error *err)
{
    const ls_run **others = list + n;
    size_t joined = 0, largest = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && e[to].shape == e[from].shape;) to++;
        const group g = group_of(e + from, to - from, list);
        const size_t scratch = g.count < n ? joining(w, e + from, &g) : 0;
        if (scratch > largest) largest = scratch;
    }
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && e[to].shape == e[from].shape;) to++;
        const group g = group_of(e + from, to - from, list);
        const size_t scratch = g.count < n ? joining(w, e + from, &g) : 0;
        if (!scratch || (g.count >= FEW && 2 * scratch < largest))
            LS_TRY(run_group(w, &g, part, parts, err));
        else
            for (size_t i = from; i < to; i++) others[joined++] = e[i].run;
    }
    if (!joined) return LS_OK;
    const group g = {.runs = others, .count = joined, .mixed = true};
    return run_group(w, &g, part, parts, err);
}

static ls_status run_entries(cl_workspace *w, entry *e, size_t count, const ls_run **list,
                             ls_run *part, const ls_run **parts, ls_error *err)
{
    qsort(e, count, sizeof *e, compare);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from; to < count && same_place(&e[to], &e[from]);) to++;
        LS_TRY(run_place(w, e + from, to - from, list, part, parts, err));
    }
    return LS_OK;
}

static ls_status make_entries(cl_workspace *w, const ls_run *runs, size_t count, entry *e,
                              ls_error *err)
{
    for (size_t i = 0; i < count; i++) {
        member *m = member_at(w, runs[i].member);
        LS_TRY(prepare(w, m, err));
        e[i] = (entry){&runs[i], m->place.slab, m->shape, runs[i].keep,
                       m->prepared[LS_CL_WAY_SMALL].data != NULL};
    }
    return LS_OK;
}

/* The preconditions of ls_backend_slots.run. */
static void assert_runs(const cl_workspace *w, const ls_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        member *m = member_at(w, runs[i].member);
        assert(!m->in_call); /* a member is part of a call once */
        assert(m->plan->step.count);
        assert(!runs[i].count || (runs[i].rates && runs[i].losses));
        m->in_call = true;
    }
    for (size_t i = 0; i < count; i++) member_at(w, runs[i].member)->in_call = false;
}

ls_status ls_cl_run(ls_workspace *base, const ls_run *runs, size_t count, ls_error *err)
{
    cl_workspace *w = (cl_workspace *)base;
    entry *entries = NULL;
    const ls_run **list = NULL;
    ls_run *part = NULL;
    assert_runs(w, runs, count);
    LS_TRY(ls_cl_owned(w->device, err));
    if (!w->device->ways)
        LS_TRY(ls_alloc(&w->device->ways, 1, sizeof *w->device->ways, "a call", err));
    ls_status status = ls_alloc(&entries, count, sizeof *entries, "a call", err);
    if (status == LS_OK) status = ls_alloc(&list, 3 * count, sizeof *list, "a call", err);
    if (status == LS_OK) status = ls_alloc(&part, count, sizeof *part, "a call", err);
    if (status == LS_OK) status = make_entries(w, runs, count, entries, err);
    if (status == LS_OK) status = run_entries(w, entries, count, list, part, list + 2 * count, err);
    free(entries);
    free(list);
    free(part);
    return status;
}

const char *ls_cl_note(ls_backend *backend)
{
    ls_cl_device *d = (ls_cl_device *)backend;
    size_t length = 0;
    if (*d->earlier)
        length = (size_t)snprintf(d->note, sizeof d->note, "it failed in an earlier run: %s",
                                  d->earlier);
    else *d->note = '\0';
    for (int way = 0; way < LS_CL_WAY_COUNT; way++)
        if (*d->way_out[way])
            length += (size_t)snprintf(
                d->note + length, sizeof d->note - length,
                "%sthe device does not run steps in the way '%s' any more: %s; another way gives "
                "the same bits",
                length ? ". " : "", way_names[way], d->way_out[way]);
    return d->note;
}

void ls_cl_run_close(ls_cl_device *d)
{
    for (int way = 0; way < LS_CL_WAY_COUNT; way++) ways[way]->close(d);
    free(d->ways);
}
