/* SPDX-License-Identifier: MIT */
/* Steps over the whole device in one launch (host/opencl/cl_whole.c): their division into phases as
 * a pure function, and random networks on every exact OpenCL device with one and with several
 * work-groups, compared bit by bit with the CPU path. */
#include <criterion/criterion.h>
#ifdef LS_OPENCL
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/cl_device.h"
#include "host/opencl/cl_speed.h"
#include "host/opencl/cl_whole.h"
#include "host/opencl/whole_phases.h"
#include "tests/support/subject.h"

TestSuite(whole, .timeout = 600);

/* ---- Random networks ------------------------------------------------------------------------- */

/* Members of one call that differ in their number of steps and in their state. */
enum { MEMBERS = 3 };

/* The first float of member k's state is changed by k, and it runs k steps fewer. */
static size_t steps_of(const subject *s, size_t k) { return s->steps > k ? s->steps - k : 0; }

/* results: for each member its state after all steps, then their losses. */
static void train(const subject *s, const test_backend *t, size_t members, bool keep,
                  float *results)
{
    const ls_backend_slots *slots = t->backend->slots;
    ls_workspace *workspace;
    ls_error err = {LS_OK, ""};
    ls_run run[MEMBERS];
    size_t all = s->plan->state + s->steps;
    cr_assert_eq(slots->workspace_open(t->backend, &s->data, &workspace, &err), LS_OK, "%s: %s",
                 t->name, err.message);
    for (size_t k = 0; k < members; k++) {
        size_t number;
        float first = s->start[0] + (float)k;
        cr_assert_eq(slots->member_add(workspace, s->plan, s->origin, &number, &err), LS_OK,
                     "%s: %s", t->name, err.message);
        cr_assert_eq(slots->write(workspace, number, 0, s->plan->state, s->start, &err), LS_OK);
        cr_assert_eq(slots->write(workspace, number, 0, 1, &first, &err), LS_OK);
        run[k] = (ls_run){.member = number,
                          .first = s->first + k,
                          .count = steps_of(s, k),
                          .rates = s->rates,
                          .losses = results + k * all + s->plan->state,
                          .keep = keep};
    }
    cr_assert_eq(slots->run(workspace, run, members, &err), LS_OK, "%s on %s: %s", s->text, t->name,
                 err.message);
    for (size_t k = 0; k < members; k++)
        cr_assert_eq(slots->read(workspace, k, 0, s->plan->state, results + k * all, &err), LS_OK,
                     "%s: %s", t->name, err.message);
    slots->workspace_close(workspace);
}

static void compare(const subject *s, const test_backend *t, size_t members, const float *expected,
                    const float *got)
{
    size_t n = s->plan->state, all = n + s->steps;
    for (size_t i = 0; i < members * all; i++)
        cr_assert(
            bits_equal(expected[i], got[i]),
            "%s; task %d, %zu features, %zu outputs, %zu rows from %zu on, %zu steps from %llu "
            "on; on %s: member %zu, %s %zu is %a, not %a",
            s->text, s->shape.task, s->features, s->net.outputs, s->rows, s->origin, s->steps,
            (unsigned long long)s->first, t->name, i / all,
            i % all < n ? "float of the state" : "loss", i % all < n ? i % all : i % all - n,
            (double)got[i], (double)expected[i]);
}

/* Returns whether the run is meaningful: all results are finite, and parameters have changed. */
static bool check(const subject *s, const test_backends *b, size_t members)
{
    size_t n = members * (s->plan->state + s->steps);
    float *expected = calloc(2 * n, sizeof *expected), *got = expected + n;
    bool finite = true, moved = false;
    cr_assert(expected);
    train(s, &b->list[0], members, true, expected);
    for (size_t i = b->opencl; i < b->count; i++) {
        memset(got, 0, n * sizeof *got);
        train(s, &b->list[i], members, false, got);
        compare(s, &b->list[i], members, expected, got);
    }
    for (size_t i = 0; i < n; i++) finite &= isfinite(expected[i]) != 0;
    for (size_t i = 1; i < s->plan->parameters; i++) moved |= expected[i] != s->start[i];
    free(expected);
    return finite && moved;
}

static ls_cl_device *device_of(const test_backend *t) { return (ls_cl_device *)t->backend; }

/* That this way, and not another one, has run. */
static void assert_used(const test_backends *b)
{
    for (size_t i = b->opencl; i < b->count; i++) {
        const ls_cl_device *d = device_of(&b->list[i]);
        cr_assert(d->way_state[LS_CL_WAY_WHOLE], "%s: not used", b->list[i].name);
        cr_assert_str_empty(d->way_out[LS_CL_WAY_WHOLE], "%s: %s", b->list[i].name,
                            d->way_out[LS_CL_WAY_WHOLE]);
    }
}

static void check_cases(uint32_t from, uint32_t to, const char *groups, bool norm, size_t members)
{
    test_backends b;
    size_t good = 0;
    setenv("LOCKSTEP_STEPS", "whole", 1);
    setenv("LOCKSTEP_GROUPS", groups, 1);
    test_backends_open(&b);
    for (uint32_t i = from; i < to; i++) {
        subject s;
        subject_open(&s, i, norm);
        good += check(&s, &b, members);
        subject_close(&s);
    }
    assert_used(&b);
    test_backends_close(&b);
    cr_expect_geq(good, (to - from) * 8 / 10, "only %zu runs are meaningful", good);
}

Test(whole, one_group) { check_cases(0, 100, "1", false, 1); }
Test(whole, one_group_with_norm) { check_cases(100, 200, "1", true, 1); }
Test(whole, one_large_group) { check_cases(200, 212, "1:256", false, 1); }
Test(whole, one_large_group_with_norm) { check_cases(240, 252, "1:256", true, 1); }
Test(whole, one_middle_group) { check_cases(280, 290, "1:128", true, 1); }
Test(whole, two_groups) { check_cases(300, 310, "2", false, 1); }
Test(whole, two_groups_with_norm) { check_cases(330, 340, "2", true, 1); }
Test(whole, members_one_after_another) { check_cases(360, 375, "1", true, MEMBERS); }
Test(whole, members_side_by_side) { check_cases(380, 395, "2", false, MEMBERS); }

/* More groups than the device can run at once: the launch is given up, the members are restored,
 * and the steps run in another way. Devices that run more groups at once than they have units pass
 * without that. */
Test(whole, too_many_groups)
{
    char groups[24];
    test_backends b;
    subject s;
    setenv("LOCKSTEP_STEPS", "whole", 1);
    test_backends_open(&b);
    subject_open(&s, 7, false);
    for (size_t i = b.opencl; i < b.count; i++) {
        const ls_cl_device *d = device_of(&b.list[i]);
        snprintf(groups, sizeof groups, "%zu", d->compute_units + 2);
        setenv("LOCKSTEP_GROUPS", groups, 1);
        test_backends one = {.count = 2, .opencl = 1};
        one.list[0] = b.list[0], one.list[1] = b.list[i];
        cr_expect(check(&s, &one, 1), "%s", s.text);
        cr_expect(check(&s, &one, 1), "%s", s.text); /* and the way is left alone from then on */
        if (strstr(b.list[i].name, "pthread"))
            cr_expect(strstr(d->way_out[LS_CL_WAY_WHOLE], "did not run at the same time"),
                      "%s: '%s'", b.list[i].name, d->way_out[LS_CL_WAY_WHOLE]);
    }
    subject_close(&s);
    test_backends_close(&b);
}

/* The barrier over all groups: with the device's other rates, of one group nothing, and of more
 * groups than can run at once a failure. The measurement counts the meetings itself. */
Test(whole, barrier)
{
    test_backends b;
    ls_error err;
    double seconds;
    char groups[24];
    setenv("LOCKSTEP_STEPS", "any", 1);
    test_backends_open(&b);
    for (size_t i = b.opencl; i < b.count; i++) {
        ls_cl_device *d = device_of(&b.list[i]);
        ls_device_speed speed = {0};
        setenv("LOCKSTEP_GROUPS", "1", 1);
        cr_expect_eq(ls_cl_whole_barrier(d, &seconds, &err), LS_OK, "%s", err.message);
        cr_expect_eq(seconds, 0);
        setenv("LOCKSTEP_GROUPS", "2", 1);
        for (int k = 0; k < 20 && !speed.barrier; k++) /* a busy machine may hide it */
            cr_expect_eq(ls_cl_speed_measure(d, &speed, &err), LS_OK, "%s", err.message);
        cr_expect(speed.barrier > 0 && speed.barrier < 1, "%g", speed.barrier);
        snprintf(groups, sizeof groups, "%zu", d->compute_units + 2);
        setenv("LOCKSTEP_GROUPS", groups, 1);
        ls_status status = ls_cl_whole_barrier(d, &seconds, &err);
        if (!strstr(b.list[i].name, "pthread")) continue;
        cr_expect_eq(status, LS_ERR_DEVICE);
        cr_expect(strstr(err.message, "did not run at the same time"), "%s", err.message);
    }
    test_backends_close(&b);
}

/* ---- Phases ---------------------------------------------------------------------------------- */

/* The largest groups and the numbers of them that the phases are checked with. */
static const ls_whole_limits limits[] = {{1, 64, LS_WHOLE_POOL},
                                         {2, 64, LS_WHOLE_POOL_FOUR},
                                         {16, 128, LS_WHOLE_POOL},
                                         {132, 256, LS_WHOLE_POOL_FOUR},
                                         {80, 256, LS_WHOLE_POOL}};

static ls_whole_phases *phases_of(const ls_plan *plan, const ls_whole_limits *l)
{
    ls_whole_phases *p;
    ls_error err;
    cr_assert_eq(ls_whole_phases_build(plan, l, &p, &err), LS_OK);
    cr_assert(p);
    return p;
}

/* A range of the arena that an operation of a plan reads or writes, from the words of LS_OPS. */
typedef struct {
    size_t at, count;
    bool writes, batch; /* batch: one row per row of the batch */
} range;
typedef struct {
    range list[24];
    size_t count;
} ranges;

static void add_range(ranges *r, ls_view v, size_t count, bool writes, bool batch)
{
    if (v.place == LS_ARENA) r->list[r->count++] = (range){v.at, count, writes, batch};
}

/* What an operation of the plan touches, written from plan.h and not from the unit under test. The
 * states are those that the optimizer has. GATHER is no operation here: its readers read BATCH's
 * numbers. */
static ranges ranges_of(const ls_plan *p, const ls_op *o)
{
    ranges r = {.count = 0};
    size_t m = p->batch, n = o->out, states = (size_t)ls_optimizers[p->optimizer].states;
    switch (o->kind) {
    case LS_OP_BATCH: add_range(&r, o->y, m, true, true); break;
    case LS_OP_DENSE:
        add_range(&r, o->x, m * o->in, false, true), add_range(&r, o->w, o->in * n, false, false);
        add_range(&r, o->b, n, false, false), add_range(&r, o->z, m * n, true, true);
        add_range(&r, o->a, m * n, true, true);
        break;
    case LS_OP_NORM:
        add_range(&r, o->z, m * n, false, true), add_range(&r, o->y, m * n, true, true);
        add_range(&r, o->a, m * n, true, true), add_range(&r, o->mean, n, true, false);
        add_range(&r, o->inv, n, true, false), add_range(&r, o->running_mean, n, true, false);
        add_range(&r, o->running_var, n, true, false), add_range(&r, o->gamma, n, false, false);
        add_range(&r, o->beta, n, false, false);
        break;
    case LS_OP_JOIN:
        add_range(&r, o->a, m * n, false, true), add_range(&r, o->skip, m * n, false, true);
        add_range(&r, o->y, m * n, true, true);
        break;
    case LS_OP_LOSS:
        add_range(&r, o->z, m * n, true, true), add_range(&r, o->row_loss, m, true, true);
        break;
    case LS_OP_LOSS_SUM: add_range(&r, p->row_loss, m, false, true); break;
    case LS_OP_GRAD_W:
        add_range(&r, o->x, m * o->in, false, true), add_range(&r, o->dz, m * n, false, true);
        if (!ls_there(o->theta)) add_range(&r, o->y, o->in * n, true, false);
        else {
            add_range(&r, o->theta, o->in * n, true, false);
            if (states > 0) add_range(&r, o->s, o->in * n, true, false);
            if (states > 1) add_range(&r, o->v, o->in * n, true, false);
        }
        break;
    case LS_OP_GRAD_B:
        add_range(&r, o->dz, m * n, false, true), add_range(&r, o->y, n, true, false);
        break;
    case LS_OP_GRAD_X:
        add_range(&r, o->dz, m * o->in, false, true), add_range(&r, o->w, o->in * n, false, false);
        add_range(&r, ls_activations[o->act].reads_z ? o->z : o->a, m * n, false, true);
        add_range(&r, o->skip, m * n, false, true), add_range(&r, o->y, m * n, true, true);
        break;
    case LS_OP_NORM_GRAD:
        add_range(&r, o->dz, m * n, false, true), add_range(&r, o->z, m * n, true, true);
        add_range(&r, o->y, m * n, true, true), add_range(&r, o->mean, n, false, false);
        add_range(&r, o->inv, n, false, false), add_range(&r, o->gamma, n, false, false);
        add_range(&r, o->grad_gamma, n, true, false), add_range(&r, o->grad_beta, n, true, false);
        break;
    case LS_OP_CLIP:
        add_range(&r, o->x, n, false, false), add_range(&r, o->y, 1, true, false);
        break;
    case LS_OP_UPDATE:
        add_range(&r, o->theta, n, true, false), add_range(&r, o->y, n, false, false);
        add_range(&r, o->b, 1, false, false);
        if (states > 0) add_range(&r, o->s, n, true, false);
        if (states > 1) add_range(&r, o->v, n, true, false);
        break;
    case LS_OP_MAX_NORM: add_range(&r, o->w, o->in * n, true, false); break;
    default: break;
    }
    return r;
}

/* Whether two operations of the plan must stay in order. */
static bool depend(const ranges *a, const ranges *b)
{
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++) {
            const range *p = &a->list[i], *q = &b->list[k];
            if ((p->writes || q->writes) && p->at < q->at + q->count && q->at < p->at + p->count)
                return true;
        }
    return false;
}

/* Where an operation of the plan is: phase, strand and place in it, or the place of the operation
 * that does its work; the last one if several do parts of it, and also the first. */
typedef struct {
    bool found;
    size_t phase, strand, place, last_phase;
    whole_share share;
} spot;

static spot spot_of(const ls_whole_phases *p, const ls_op *op)
{
    spot found = {0};
    for (size_t i = 0; i < p->phases; i++)
        for (size_t s = p->phase[i].first; s < p->phase[i].first + p->phase[i].count; s++)
            for (size_t k = 0; k < p->strand[s].count; k++) {
                const ls_whole_op *o = &p->op[p->order[p->strand[s].first + k]];
                if (o->op != op && o->join != op) continue;
                if (!found.found)
                    found = (spot){true, i, s, p->strand[s].first + k, i, p->strand[s].share};
                found.last_phase = i;
            }
    return found;
}

/* Dependent operations are in order of phases, or in one strand, one after the other, by rows or by
 * columns. Every operation is somewhere. */
static void check_order(const subject *s, const ls_whole_limits *l)
{
    ls_whole_phases *p = phases_of(s->plan, l);
    const ls_ops *ops = &s->plan->step;
    for (size_t i = 0; i < ops->count; i++) {
        const ls_op *a = &ops->op[i];
        spot first = spot_of(p, a);
        ranges ra = ranges_of(s->plan, a);
        cr_expect(first.found || a->kind == LS_OP_GATHER || (a->kind == LS_OP_UPDATE && !a->out),
                  "%s: operation %zu is nowhere", s->text, i);
        for (size_t k = i + 1; k < ops->count; k++) {
            const ls_op *b = &ops->op[k];
            ranges rb = ranges_of(s->plan, b);
            if (!depend(&ra, &rb)) continue;
            spot second = spot_of(p, b);
            bool own = first.share == WHOLE_BY_ROWS || first.share == WHOLE_BY_COLUMNS;
            bool together = first.strand == second.strand &&
                            (first.place == second.place || (own && first.place < second.place));
            /* biases: the parts of one UPDATE are with the sums that they follow */
            bool part = b->kind == LS_OP_UPDATE && !ls_there(b->b);
            cr_expect(
                first.last_phase < second.phase || together || part,
                "%s, %zu groups: operations %zu and %zu in phases %zu and %zu, strands %zu and "
                "%zu",
                s->text, l->groups, i, k, first.phase, second.phase, first.strand, second.strand);
        }
    }
    ls_whole_phases_free(p);
}

/* Every part of an UPDATE without clipping follows, in its strand, the sum that writes its
 * gradients; nothing else may then touch them. */
static void check_attached(const subject *s, const ls_whole_limits *l)
{
    ls_whole_phases *p = phases_of(s->plan, l);
    for (size_t st = 0; st < p->strands; st++)
        for (size_t k = 0; k < p->strand[st].count; k++) {
            const ls_whole_op *o = &p->op[p->order[p->strand[st].first + k]];
            if (o->kind != WHOLE_UPDATE || !o->attached) continue;
            bool follows = false;
            for (size_t j = 0; j < k; j++) {
                const ls_whole_op *q = &p->op[p->order[p->strand[st].first + j]];
                follows |= q->kind == WHOLE_COLUMN_SUM && ls_same_view(q->y, o->y);
                follows |= q->kind == WHOLE_NORM_GRAD && (ls_same_view(q->op->grad_beta, o->y) ||
                                                          ls_same_view(q->op->grad_gamma, o->y));
            }
            cr_expect(follows && p->strand[st].share == WHOLE_BY_COLUMNS, "%s", s->text);
        }
    ls_whole_phases_free(p);
}

Test(whole, phases_keep_the_order)
{
    for (uint32_t i = 0; i < 300; i++) {
        subject s;
        subject_open(&s, i, i % 2);
        for (size_t k = 0; k < RUNS_COUNT(limits); k++) check_order(&s, &limits[k]);
        for (size_t k = 0; k < RUNS_COUNT(limits); k++) check_attached(&s, &limits[k]);
        subject_close(&s);
    }
}

typedef struct {
    const char *options;
    size_t features, classes, rows, phases;
} known;

static const known known_phases[] = {
    /* first product | the second one, loss, gradient of its inputs | all gradients of weights */
    {"hidden 128 activation relu batch 128 optimizer adam", 784, 10, 1000, 3},
    {"hidden 128 activation relu batch full optimizer adam", 784, 10, 128, 3},
    /* everything by rows | gradients of weights */
    {"hidden 20,20 activation tanh batch full optimizer gd", 2, 2, 400, 2},
    {"hidden none batch full optimizer gd", 4, 3, 400, 2},
    /* two products | by rows | gradient of inputs | gradients of weights: the second layer's can
     * only be updated when its inputs' gradients have been read */
    {"hidden 512,512 activation relu batch 256 optimizer adam", 784, 10, 1000, 5},
};

Test(whole, known_numbers_of_phases)
{
    for (size_t i = 0; i < RUNS_COUNT(known_phases); i++) {
        const known *k = &known_phases[i];
        ls_error err = {LS_OK, ""};
        ls_options *o = runs_options(k->options);
        ls_network net;
        ls_plan *plan;
        cr_assert_eq(ls_network_build(&o->settings, k->features, ls_shape_of_classes(k->classes),
                                      &net, &err),
                     LS_OK, "%s", err.message);
        cr_assert_eq(ls_plan_build(&net, &o->settings, LS_PLAN_TRAIN, k->rows, false, &plan, &err),
                     LS_OK, "%s", err.message);
        ls_whole_phases *p = phases_of(plan, &limits[3]);
        cr_expect_eq(p->phases, k->phases, "%s: %zu phases", k->options, p->phases);
        ls_whole_phases_free(p);
        ls_plan_free(plan);
        ls_network_free(&net);
        ls_options_free(o);
    }
}
#else
Test(whole, no_opencl) {}
#endif
