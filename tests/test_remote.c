/* SPDX-License-Identifier: MIT */
/* A device in a process of its own against the CPU path: random sequences of all that can be done
 * with members of two workspaces. Copies are sent late and results of inferences ahead of time
 * (host/opencl/cl_remote_work.c); neither can be seen in a bit. */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#ifdef LS_HELPER_UNDER_TEST
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core_cpu/cpu.h"
#include "host/network/network.h"
#include "host/opencl/cl_remote.h"
#include "host/opencl/cl_remote_ask.h"
#include "tests/support/devices.h"
#include "tests/support/runs.h"

TestSuite(remote, .timeout = 600);

enum { SHAPES = 4, SPACES = 2, MEMBERS = 4, TABLES = 2, ROWS = 90, TRAINED = 50, FEATURES = 3 };
enum { STEPS = 12, SEEDS = 40, ROUNDS = 120 };

static const char *const shapes[SHAPES] = {
    "hidden 5,4 batch 16 patience 3 validation 0.2",
    "hidden 6 batch 10 optimizer momentum l2 0.01",
    "hidden 4,4 batch full optimizer gd patience 2 validation 0.2",
    "hidden 8,3 batch 7 dropout 0.3 clip 0.5",
};

/* The same workspace on both backends. */
typedef struct {
    ls_workspace *cpu, *remote;
    size_t plan[MEMBERS]; /* 1 + the member's plan, or 0 */
    size_t origin[MEMBERS];
} space;

static ls_plan *plans[SHAPES];
static ls_network nets[SHAPES];
static float x[TABLES][ROWS * FEATURES], t[TABLES][ROWS];
static ls_backend *cpu;
static ls_device *device;
static space spaces[SPACES];
static uint32_t state;
static char doing[64]; /* for messages */
static size_t taken, dropped, late;

static uint32_t dice(uint32_t sides)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % sides;
}

static ls_cl_remote *remote(void) { return (ls_cl_remote *)device->backend; }

/* ---- Setting up ------------------------------------------------------------------------------ */

static void make_plans(void)
{
    for (size_t i = 0; i < SHAPES; i++) {
        ls_error err;
        ls_options *options = runs_options(shapes[i]);
        const ls_settings *s = &options->settings;
        cr_assert_eq(ls_network_build(s, FEATURES, ls_shape_of_classes(2), &nets[i], &err), LS_OK);
        cr_assert_eq(ls_plan_build(&nets[i], s, LS_PLAN_TRAIN, TRAINED, false, &plans[i], &err),
                     LS_OK, "%s", err.message);
        cr_assert_eq(plans[i]->outputs, 1);
        ls_options_free(options);
    }
}

static ls_rows table(size_t i) { return (ls_rows){ROWS, FEATURES, 1, x[i], t[i], NULL}; }

static void open_space(space *s)
{
    ls_error err;
    ls_rows rows = table(0);
    *s = (space){0};
    cr_assert_eq(cpu->slots->workspace_open(cpu, &rows, &s->cpu, &err), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.workspace_open(device->backend, &rows, &s->remote, &err), LS_OK,
                 "%s", err.message);
}

static void close_space(space *s)
{
    cpu->slots->workspace_close(s->cpu);
    ls_cl_remote_slots.workspace_close(s->remote);
}

static void set_up(void)
{
    ls_error err;
    setenv("LOCKSTEP_HELPER", LS_HELPER_UNDER_TEST, 1);
    ls_status status = ls_device_open("1", 1, 0, &device, &err);
    if (status == LS_ERR_DEVICE && !getenv("LOCKSTEP_REQUIRE_OPENCL"))
        cr_skip_test("%s", err.message);
    cr_assert_eq(status, LS_OK, "%s", err.message);
    cr_assert_eq(device->backend->slots, &ls_cl_remote_slots);
    cr_assert_eq(ls_cpu_open(1, NULL, &cpu, &err), LS_OK);
    make_plans();
    for (size_t i = 0; i < TABLES; i++)
        for (size_t r = 0; r < ROWS; r++) {
            t[i][r] = (float)(test_value(VALUES_MODERATE, 7 + (uint32_t)i, r, ROWS) > 0);
            for (size_t k = 0; k < FEATURES; k++)
                x[i][r * FEATURES + k] = test_value(VALUES_MODERATE, (uint32_t)i, r * FEATURES + k,
                                                    ROWS * FEATURES);
        }
    taken = dropped = late = 0;
}

static void tear_down(void)
{
    for (size_t i = 0; i < SHAPES; i++) {
        ls_plan_free(plans[i]);
        ls_network_free(&nets[i]);
    }
    cpu->slots->close(cpu);
    ls_device_close(device);
}

/* ---- What is done with members --------------------------------------------------------------- */

static const ls_plan *plan_of(const space *s, size_t member) { return plans[s->plan[member] - 1]; }

static void expect_same(const float *a, const float *b, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        cr_assert(bits_equal(a[i], b[i]), "%s: %s, value %zu: %a on the CPU path, %a", doing, what,
                  i, (double)a[i], (double)b[i]);
}

/* All but `work`. */
static void read_all(const space *s, size_t member)
{
    const size_t count = plan_of(s, member)->arena - plan_of(s, member)->work;
    float *a = malloc(2 * count * sizeof *a), *b = a + count;
    cr_assert(a);
    cr_assert_eq(cpu->slots->read(s->cpu, member, 0, count, a, NULL), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.read(s->remote, member, 0, count, b, NULL), LS_OK);
    expect_same(a, b, count, "a member");
    free(a);
}

static void write_some(const space *s, size_t member)
{
    const ls_plan *p = plan_of(s, member);
    const size_t at = dice((uint32_t)p->state), count = 1 + dice((uint32_t)(p->state - at));
    float *from = malloc(count * sizeof *from);
    uint32_t seed = dice(1000000);
    cr_assert(from);
    for (size_t i = 0; i < count; i++) {
        float value = test_value(VALUES_MODERATE, seed, i, count) / 8;
        from[i] = at + i < p->parameters ? value : fabsf(value); /* squares are not negative */
    }
    cr_assert_eq(cpu->slots->write(s->cpu, member, at, count, from, NULL), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.write(s->remote, member, at, count, from, NULL), LS_OK);
    free(from);
}

static void write_state(const space *s, size_t member)
{
    const ls_plan *p = plan_of(s, member);
    float *from = malloc(p->state * sizeof *from);
    cr_assert(from);
    for (size_t i = 0; i < p->state; i++) {
        float value = test_value(VALUES_MODERATE, (uint32_t)member, i, p->state) / 8;
        from[i] = i < p->parameters ? value : fabsf(value);
    }
    cr_assert_eq(cpu->slots->write(s->cpu, member, 0, p->state, from, NULL), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.write(s->remote, member, 0, p->state, from, NULL), LS_OK);
    free(from);
}

/* From one of the member's states to another, or a part of that. */
static void copy_some(const space *s, size_t member)
{
    const ls_plan *p = plan_of(s, member);
    const size_t places[] = {0, p->snapshot, p->best};
    size_t from = places[dice(3)], to = places[dice(3)];
    size_t at = dice(3) ? 0 : dice((uint32_t)p->state), count = p->state - at;
    if (dice(3) == 0) count = dice((uint32_t)count + 1);
    if (from == to) return;
    cr_assert_eq(cpu->slots->copy(s->cpu, member, from + at, to + at, count, NULL), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.copy(s->remote, member, from + at, to + at, count, NULL),
                 LS_OK);
    size_t waiting = ((const ls_cl_remote_workspace *)s->remote)->changes_bytes /
                     sizeof(ls_use_change);
    if (waiting > late) late = waiting;
}

static void add_member(space *s)
{
    ls_error err;
    size_t on_cpu, member, plan = dice(SHAPES), origin = dice(8), free_one = 0;
    while (free_one < MEMBERS && s->plan[free_one]) free_one++;
    if (free_one == MEMBERS) return;
    cr_assert_eq(cpu->slots->member_add(s->cpu, plans[plan], origin, &on_cpu, &err), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.member_add(s->remote, plans[plan], origin, &member, &err),
                 LS_OK, "%s", err.message);
    cr_assert(on_cpu == free_one && member == free_one);
    s->plan[member] = plan + 1;
    s->origin[member] = origin;
    if (dice(2)) read_all(s, member); /* zeros */
    write_state(s, member);
}

static void remove_member(space *s, size_t member)
{
    cpu->slots->member_remove(s->cpu, member);
    ls_cl_remote_slots.member_remove(s->remote, member);
    s->plan[member] = 0;
}

static void load(const space *s)
{
    ls_rows rows = table(dice(TABLES));
    cr_assert_eq(cpu->slots->workspace_load(s->cpu, &rows, NULL), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.workspace_load(s->remote, &rows, NULL), LS_OK);
}

/* Runs `count` members from `member` on that are there. */
static void run(const space *s, size_t member, size_t members, bool keep)
{
    ls_run on_cpu[MEMBERS], on_remote[MEMBERS];
    float a[MEMBERS][STEPS], b[MEMBERS][STEPS];
    ls_rates rates[STEPS];
    size_t n = 0;
    ls_error err;
    for (size_t i = 0; i < STEPS; i++) rates[i] = (ls_rates){0.05f, 0.06f, 1.5f, 0.999f};
    for (size_t i = member; i < MEMBERS && n < members; i++) {
        if (!s->plan[i]) continue;
        on_cpu[n] = (ls_run){i, dice(100), 1 + dice(STEPS), rates, a[n], keep};
        on_remote[n] = on_cpu[n];
        on_remote[n].losses = b[n];
        n++;
    }
    cr_assert_eq(cpu->slots->run(s->cpu, on_cpu, n, &err), LS_OK);
    cr_assert_eq(ls_cl_remote_slots.run(s->remote, on_remote, n, &err), LS_OK, "%s", err.message);
    for (size_t i = 0; i < n; i++)
        expect_same(a[i], b[i], (size_t)on_cpu[i].count, "losses of steps");
    if (keep) /* what is to be kept would be overwritten */
        cr_assert_null(remote()->foretold.workspace, "%s", doing);
}

/* which: as LS_USE_OUTPUTS and LS_USE_LOSSES; 0 for neither. */
static void infer(const space *s, size_t member, size_t first, size_t rows, int which)
{
    float a[2][ROWS], b[2][ROWS];
    bool outputs = which & LS_USE_OUTPUTS, losses = which & LS_USE_LOSSES,
         there = remote()->foretold.workspace != NULL;
    size_t most = ROWS - s->origin[member] - first;
    ls_error err;
    if (rows > most) rows = most;
    ls_cl_inference of = {member, first, rows, which};
    bool same = there && remote()->foretold.workspace == s->remote &&
                !memcmp(&remote()->foretold.of.member, &of.member, 3 * sizeof of.member) &&
                remote()->foretold.of.which == which;
    cr_assert_eq(cpu->slots->infer(s->cpu, member, first, rows, outputs ? a[0] : NULL,
                                   losses ? a[1] : NULL, &err),
                 LS_OK);
    cr_assert_eq(ls_cl_remote_slots.infer(s->remote, member, first, rows, outputs ? b[0] : NULL,
                                          losses ? b[1] : NULL, &err),
                 LS_OK, "%s", err.message);
    if (outputs) expect_same(a[0], b[0], rows, "outputs");
    if (losses) expect_same(a[1], b[1], rows, "losses of rows");
    if (same) taken++;
    else if (there) dropped++;
}

static bool find_member(const space *s, size_t *member)
{
    size_t start = dice(MEMBERS);
    for (size_t i = 0; i < MEMBERS; i++) {
        *member = (start + i) % MEMBERS;
        if (s->plan[*member]) return true;
    }
    return false;
}

/* Anything, with any member. */
static void do_something(void)
{
    space *s = &spaces[dice(SPACES)];
    size_t member;
    bool there = remote()->foretold.workspace != NULL;
    if (!find_member(s, &member)) {
        add_member(s);
        return;
    }
    switch (dice(12)) {
    case 0: add_member(s); break;
    case 1: remove_member(s, member); break;
    case 2: load(s); break;
    case 3: run(s, 0, MEMBERS, false); break;
    case 4: run(s, member, 1, dice(2)); break;
    case 5: infer(s, member, dice(30), 1 + dice(ROWS), (int)dice(4)); return;
    case 6: write_some(s, member); break;
    case 7: read_all(s, member); break;
    case 8: (void)device->backend->slots->note(device->backend); break;
    default:
        for (uint32_t i = dice(4) + 1; i; i--) copy_some(s, member);
    }
    if (there && !remote()->foretold.workspace) dropped++;
}

/* Epochs with validation, as training has them, which something comes between now and then. */
static void train(void)
{
    const space *s = &spaces[dice(SPACES)];
    size_t member, first = dice(40), rows = 1 + dice(40);
    int which = 1 + (int)dice(3);
    bool calm = dice(2);
    if (!find_member(s, &member)) return;
    size_t plan = s->plan[member];
    for (uint32_t epoch = 3 + dice(5); epoch && s->plan[member] == plan; epoch--) {
        if (plans[plan - 1]->snapshot) copy_some(s, member);
        run(s, member, 1, dice(8) == 0);
        if (!calm && dice(4) == 0) do_something();
        if (!s->plan[member]) return;
        if (!calm && dice(4) == 0) /* nearly the usual inference */
            infer(s, member, first + dice(2), rows + dice(2), dice(2) ? which : (int)dice(4));
        else infer(s, member, first, rows, which);
        if (dice(3) == 0) copy_some(s, member);
        if (dice(8) == 0) do_something();
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void play(uint32_t seed)
{
    state = seed * 7919u + 1;
    for (size_t i = 0; i < SPACES; i++) open_space(&spaces[i]);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(doing, sizeof doing, "seed %u, round %d", (unsigned)seed, i);
        if (dice(3)) do_something();
        else train();
    }
    for (size_t i = 0; i < SPACES; i++)
        for (size_t k = 0; k < MEMBERS && dice(4); k++)
            if (spaces[i].plan[k]) read_all(&spaces[i], k);
    for (size_t i = 0; i < SPACES; i++) close_space(&spaces[i]); /* with copies that wait */
}

Test(remote, random_sequences)
{
    set_up();
    for (uint32_t seed = 0; seed < SEEDS; seed++) play(seed);
    cr_log_info("%zu inferences came from the run before them, %zu were dropped; %zu copies waited",
                taken, dropped, late);
    cr_expect(taken > 100 && dropped > 30 && late > 4, "%zu taken, %zu dropped, %zu copies", taken,
              dropped, late);
    tear_down();
}

/* More copies than are kept, each of which says whether those before it are done. */
Test(remote, many_copies)
{
    set_up();
    open_space(&spaces[0]);
    ls_plan *p = plans[0];
    size_t members[2];
    cr_assert(p->snapshot && p->best);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(cpu->slots->member_add(spaces[0].cpu, p, 0, &members[i], NULL), LS_OK);
        cr_assert_eq(ls_cl_remote_slots.member_add(spaces[0].remote, p, 0, &members[i], NULL),
                     LS_OK);
        spaces[0].plan[i] = 1;
        write_state(&spaces[0], i);
    }
    state = 3;
    for (int i = 0; i < 10000; i++) copy_some(&spaces[0], dice(2));
    cr_expect(late > 1000, "%zu copies", late);
    for (size_t i = 0; i < 2; i++) read_all(&spaces[0], i);
    close_space(&spaces[0]);
    tear_down();
}
/* As many copies as go in one message, to a process that does not read it. */
Test(remote, a_stopped_process_is_noticed)
{
    ls_error err = {LS_OK, ""};
    size_t member, copies = 0;
    set_up();
    setenv("LOCKSTEP_HELPER_SECONDS", "1", 1);
    open_space(&spaces[0]);
    const ls_plan *p = plans[0];
    cr_assert_eq(ls_cl_remote_slots.member_add(spaces[0].remote, p, 0, &member, NULL), LS_OK);
    cr_assert_eq(kill(remote()->helper.child, SIGSTOP), 0);
    while (ls_cl_remote_slots.copy(spaces[0].remote, member, 0, p->best, p->state, &err) == LS_OK)
        cr_assert(++copies < 1000000);
    cr_expect_eq(err.status, LS_ERR_DEVICE, "%s", err.message);
    cr_expect(copies > 1000, "%zu copies", copies);
    close_space(&spaces[0]);
    tear_down();
}

/* A damaged process gives a new member the number of another one. */
Test(remote, the_number_of_another_member_is_refused)
{
    ls_error err = {LS_OK, ""};
    size_t member;
    float value;
    set_up();
    open_space(&spaces[0]);
    const ls_backend_slots *slots = &ls_cl_remote_slots;
    ls_cl_remote_workspace *w = (ls_cl_remote_workspace *)spaces[0].remote;
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(slots->member_add(spaces[0].remote, plans[0], 0, &member, &err), LS_OK);
    slots->member_remove(spaces[0].remote, 1);
    w->plans[1] = plans[0]; /* as if it were there */
    cr_expect_eq(slots->member_add(spaces[0].remote, plans[0], 0, &member, &err), LS_ERR_DEVICE);
    cr_expect_eq(slots->read(spaces[0].remote, 0, 0, 1, &value, &err), LS_ERR_DEVICE);
    close_space(&spaces[0]);
    tear_down();
}
#else
Test(remote, no_opencl) {}
#endif
