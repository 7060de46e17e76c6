/* SPDX-License-Identifier: MIT */
/* Which way of running steps is kept, and what finding out costs, for ways of given speed. */
#include <criterion/criterion.h>
#ifdef LS_OPENCL

#include "host/opencl/way_trial.h"

#define LAYERED LS_CL_WAY_LAYERED
#define SMALL LS_CL_WAY_SMALL
#define WHOLE LS_CL_WAY_WHOLE
#define WAYS LS_CL_WAY_COUNT

/* Ways as a run meets them. */
typedef struct {
    double build[WAYS];     /* seconds that the first steps take longer */
    double step[WAYS];      /* seconds per step; 0: the way cannot run */
    uint64_t able_at[WAYS]; /* the way can run from this step on */
} subject;

typedef struct {
    ls_cl_way_id last; /* the way of the last steps */
    double seconds;
    uint64_t steps[WAYS];
} outcome;

static outcome run(const subject *s, uint64_t steps, uint64_t call)
{
    ls_way_trial trial = {0};
    outcome o = {.last = WAYS};
    for (uint64_t done = 0; done < steps;) {
        bool able[WAYS];
        for (int w = 0; w < WAYS; w++) able[w] = s->step[w] > 0 && done >= s->able_at[w];
        ls_way_turn turn = ls_way_trial_next(&trial, able);
        uint64_t in_call = call - done % call, left = steps - done,
                 n = turn.steps < in_call ? turn.steps : in_call;
        if (n > left) n = left;
        cr_assert(turn.way < WAYS && able[turn.way] && n > 0);
        double seconds = (double)n * s->step[turn.way] +
                         (o.steps[turn.way] ? 0 : s->build[turn.way]);
        ls_way_trial_note(&trial, turn.way, n, seconds);
        o.steps[turn.way] += n;
        o.seconds += seconds;
        o.last = turn.way;
        done += n;
    }
    return o;
}

Test(way_trial, the_fastest_is_kept)
{
    static const struct {
        const char *what;
        subject s;
        ls_cl_way_id best;
        double most; /* of the best way's time, with builds */
    } cases[] = {
        {"one way", {.step = {1e-4}}, LAYERED, 1.0},
        {"whole is fastest", {.step = {1.3e-4, 1.8e-3, 3e-5}}, WHOLE, 1.02},
        {"layered is fastest", {.step = {1e-3, 0.5, 1.2e-3}}, LAYERED, 1.12},
        {"small is fastest", {.step = {4e-4, 1e-5, 3e-5}}, SMALL, 1.05},
        {"a build does not count", {.build = {0, 0, 5}, .step = {0, 1e-3, 1e-4}}, WHOLE, 1.02},
        {"faster than the clock", {.step = {1e-9, 1e-9, 1e-9}}, WAYS, 1e9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (uint64_t call = 1; call <= 100000; call *= 10) {
            const subject *s = &cases[i].s;
            outcome o = run(s, 100000, call);
            if (cases[i].best == WAYS) continue;
            double best = 1e5 * s->step[cases[i].best], builds = 0;
            for (int w = 0; w < WAYS; w++) builds += s->build[w];
            cr_expect_eq(o.last, cases[i].best, "%s: way %d", cases[i].what, o.last);
            cr_expect_leq(o.seconds - builds, cases[i].most * best, "%s, calls of %d: %g s of %g",
                          cases[i].what, (int)call, o.seconds, best);
        }
}

Test(way_trial, a_slow_way_is_given_up_at_once)
{
    const subject s = {.step = {1e-4, 0.3, 1e-5}};
    outcome o = run(&s, 100000, 1000);
    cr_expect_eq(o.steps[SMALL], 2, "%d steps", (int)o.steps[SMALL]);
    cr_expect_eq(o.last, WHOLE);
}

Test(way_trial, a_way_that_must_be_hopeless_does_not_run)
{
    const bool able[WAYS] = {true, true, false};
    for (int hopeless = 0; hopeless < 2; hopeless++) {
        ls_way_trial trial = {0};
        uint64_t layered = 0;
        ls_way_turn turn;
        /* nothing is known to compare it with yet */
        ls_way_trial_expect(&trial, LAYERED, 1e9);
        while ((turn = ls_way_trial_next(&trial, able)).steps != UINT64_MAX) {
            layered += turn.way == LAYERED ? turn.steps : 0;
            ls_way_trial_note(&trial, turn.way, turn.steps, (double)turn.steps * 1e-3);
            ls_way_trial_expect(&trial, LAYERED, hopeless ? 2.1e-3 : 1.9e-3);
        }
        cr_expect_eq(layered > 0, !hopeless, "%d: %d steps", hopeless, (int)layered);
        cr_expect_eq(turn.way == SMALL || !hopeless, true);
    }
}

Test(way_trial, a_way_may_come_later)
{
    const subject s = {.step = {0, 1e-3, 1e-4}, .able_at = {0, 0, 5000}};
    outcome o = run(&s, 100000, 100);
    cr_expect_eq(o.last, WHOLE);
    cr_expect_leq(o.steps[SMALL], 5100, "%d steps", (int)o.steps[SMALL]);
}

Test(way_trial, a_way_may_stop)
{
    ls_way_trial trial = {0};
    bool able[WAYS] = {true, true, true};
    ls_way_turn turn;
    while ((turn = ls_way_trial_next(&trial, able)).steps != UINT64_MAX)
        ls_way_trial_note(&trial, turn.way, turn.steps,
                          (double)turn.steps * (turn.way == WHOLE ? 1e-4 : 1e-3));
    cr_expect_eq(turn.way, WHOLE);
    able[WHOLE] = false;
    turn = ls_way_trial_next(&trial, able);
    cr_expect_neq(turn.way, WHOLE);
}
#else
Test(way_trial, no_opencl) {}
#endif
