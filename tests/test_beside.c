/* SPDX-License-Identifier: MIT */
/* A program that is built on a thread beside the training (host/opencl/cl_beside.h): the training
 * goes on in other ways, to the same bits; a build that fails, or that still goes on when the
 * device is closed, does no harm. The test decides when the driver's compiler ends. */
#include <criterion/criterion.h>
#ifdef LS_OPENCL
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/opencl/cl_beside.h"
#include "tests/support/subject.h"

TestSuite(beside, .timeout = 600);

/* ---- The thread ------------------------------------------------------------------------------ */

typedef struct {
    int result, builds;
    bool fails;
} work;

static ls_status do_work(void *user, ls_error *err)
{
    work *w = user;
    w->builds++;
    w->result = 41 + w->builds;
    return w->fails ? ls_fail(err, LS_ERR_DEVICE, "build %d fails", w->builds) : LS_OK;
}

static void pause_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    nanosleep(&moment, NULL);
}

Test(beside, results_pass_to_the_caller)
{
    ls_cl_device *d = calloc(1, sizeof *d);
    ls_cl_beside b = {0};
    work w = {0};
    cr_assert(d);
    d->counts = &d->own_counts;
    cr_expect(!ls_cl_beside_has_ended(&b));
    ls_cl_beside_wait(&b); /* for nothing */
    for (int i = 1; i <= 20; i++) {
        w.fails = i % 3 == 0;
        ls_cl_beside_begin(&b, d, do_work, &w);
        if (i % 2)
            while (!ls_cl_beside_has_ended(&b)) pause_a_moment();
        else ls_cl_beside_wait(&b);
        cr_expect(ls_cl_beside_has_ended(&b) && !b.threaded);
        cr_expect_eq(w.result, 41 + i);
        cr_expect_eq(b.status, w.fails ? LS_ERR_DEVICE : LS_OK);
        if (w.fails) cr_expect(strstr(b.error.message, "fails"), "%s", b.error.message);
        cr_expect_eq(atomic_load(&d->counts->builds_pending), 0);
    }
    free(d);
}

/* ---- A driver -------------------------------------------------------------------------------- */

/* Counts what is done with the program of the way `whole`, whose build waits for the gate. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool is_open, fails;
    int begun, ended, released; /* builds, and programs */
    cl_kernel made[4];          /* kernels of the program; NULL once released */
    cl_program program;
    cl_kernel kernel[LS_CL_WAY_COUNT];
    int launches[LS_CL_WAY_COUNT];
    ls_cl_api real;
} driver = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static cl_int build_program(cl_program program, cl_uint count, const cl_device_id *list,
                            const char *options,
                            void(CL_CALLBACK *notify)(cl_program program, void *user), void *user)
{
    bool whole = strstr(options, "-DPOOL=") != NULL, fails = whole && driver.fails;
    pthread_mutex_lock(&driver.lock);
    if (whole) driver.begun++, driver.program = program;
    pthread_cond_broadcast(&driver.change);
    while (whole && !driver.is_open) pthread_cond_wait(&driver.change, &driver.lock);
    pthread_mutex_unlock(&driver.lock);
    cl_int code = fails ? CL_BUILD_PROGRAM_FAILURE
                        : driver.real.clBuildProgram(program, count, list, options, notify, user);
    pthread_mutex_lock(&driver.lock);
    driver.ended += whole;
    pthread_mutex_unlock(&driver.lock);
    return code;
}

static cl_kernel create_kernel(cl_program program, const char *name, cl_int *code)
{
    cl_kernel kernel = driver.real.clCreateKernel(program, name, code);
    pthread_mutex_lock(&driver.lock);
    for (int i = 0; i < 4 && program == driver.program; i++)
        if (!driver.made[i]) {
            driver.made[i] = kernel;
            break;
        }
    if (!strcmp(name, "whole_steps")) driver.kernel[LS_CL_WAY_WHOLE] = kernel;
    if (!strcmp(name, "small_steps")) driver.kernel[LS_CL_WAY_SMALL] = kernel;
    pthread_mutex_unlock(&driver.lock);
    return kernel;
}

static cl_int release_program(cl_program program)
{
    pthread_mutex_lock(&driver.lock);
    driver.released += program == driver.program;
    pthread_mutex_unlock(&driver.lock);
    return driver.real.clReleaseProgram(program);
}

static cl_int release_kernel(cl_kernel kernel)
{
    pthread_mutex_lock(&driver.lock);
    for (int i = 0; i < 4; i++)
        if (driver.made[i] == kernel) driver.made[i] = NULL;
    pthread_mutex_unlock(&driver.lock);
    return driver.real.clReleaseKernel(kernel);
}

static cl_int enqueue(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                      const size_t *offset, const size_t *global, const size_t *local,
                      cl_uint waits, const cl_event *wait, cl_event *event)
{
    pthread_mutex_lock(&driver.lock);
    ls_cl_way_id way = LS_CL_WAY_LAYERED;
    for (int i = 0; i < LS_CL_WAY_COUNT; i++)
        if (kernel == driver.kernel[i]) way = (ls_cl_way_id)i;
    driver.launches[way]++;
    pthread_mutex_unlock(&driver.lock);
    return driver.real.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local,
                                              waits, wait, event);
}

static void open_gate(void)
{
    pthread_mutex_lock(&driver.lock);
    driver.is_open = true;
    pthread_cond_broadcast(&driver.change);
    pthread_mutex_unlock(&driver.lock);
}

static void wait_for_build(void)
{
    pthread_mutex_lock(&driver.lock);
    while (!driver.begun) pthread_cond_wait(&driver.change, &driver.lock);
    pthread_mutex_unlock(&driver.lock);
}

/* ---- Training -------------------------------------------------------------------------------- */

typedef struct {
    test_backends b;
    ls_cl_device *device; /* the first OpenCL device */
    subject s;
    size_t count;
    float *expected, *got;
} setting;

static void train(const subject *s, const test_backend *t, bool keep, float *results)
{
    const ls_backend_slots *slots = t->backend->slots;
    ls_workspace *w;
    ls_error err = {LS_OK, ""};
    size_t member;
    ls_run run = {.first = s->first,
                  .count = s->steps,
                  .rates = s->rates,
                  .losses = results + s->plan->state,
                  .keep = keep};
    cr_assert_eq(slots->workspace_open(t->backend, &s->data, &w, &err), LS_OK, "%s", err.message);
    cr_assert_eq(slots->member_add(w, s->plan, s->origin, &member, &err), LS_OK, "%s", err.message);
    run.member = member;
    cr_assert_eq(slots->write(w, member, 0, s->plan->state, s->start, &err), LS_OK);
    cr_assert_eq(slots->run(w, &run, 1, &err), LS_OK, "%s: %s", t->name, err.message);
    cr_assert_eq(slots->read(w, member, 0, s->plan->state, results, &err), LS_OK);
    slots->workspace_close(w);
}

/* False without a device. */
static bool set_up(setting *t, const char *steps)
{
    setenv("LOCKSTEP_STEPS", steps, 1);
    setenv("LOCKSTEP_GROUPS", "1", 1);
    test_backends_open(&t->b);
    if (t->b.opencl == t->b.count) {
        test_backends_close(&t->b);
        return false;
    }
    t->device = (ls_cl_device *)t->b.list[t->b.opencl].backend;
    driver.real = t->device->cl;
    t->device->cl.clBuildProgram = build_program;
    t->device->cl.clCreateKernel = create_kernel;
    t->device->cl.clReleaseProgram = release_program;
    t->device->cl.clReleaseKernel = release_kernel;
    t->device->cl.clEnqueueNDRangeKernel = enqueue;
    subject_open(&t->s, 5, false);
    t->count = t->s.plan->state + t->s.steps;
    t->expected = calloc(2 * t->count, sizeof *t->expected);
    cr_assert(t->expected && t->s.steps);
    t->got = t->expected + t->count;
    train(&t->s, &t->b.list[0], true, t->expected);
    return true;
}

static void check(setting *t)
{
    memset(t->got, 0, t->count * sizeof *t->got);
    train(&t->s, &t->b.list[t->b.opencl], false, t->got);
    for (size_t i = 0; i < t->count; i++)
        cr_assert(bits_equal(t->expected[i], t->got[i]), "%s: float %zu is %a, not %a", t->s.text,
                  i, (double)t->got[i], (double)t->expected[i]);
}

static void tear_down(setting *t)
{
    free(t->expected);
    subject_close(&t->s);
    test_backends_close(&t->b);
}

static unsigned pending(const setting *t)
{
    return t->device->base.slots->builds(&t->device->base).pending;
}

/* Each way is measured in the first calls that it can run; how many that takes depends on time. */
static void check_until_used(setting *t, ls_cl_way_id way)
{
    for (int i = 0; i < 10000 && !driver.launches[way]; i++) check(t);
    cr_assert(driver.launches[way], "the way %d has not been tried", way);
}

/* The other ways run meanwhile; then all are measured. */
static void check_going_on(const char *steps, bool as_gpu)
{
    setting t;
    if (!set_up(&t, steps)) return;
    if (as_gpu) t.device->is_cpu = false;
    check(&t);
    wait_for_build();
    check_until_used(&t, LS_CL_WAY_SMALL);
    check_until_used(&t, LS_CL_WAY_LAYERED);
    cr_expect(pending(&t));
    cr_expect(driver.begun == 1 && !driver.ended && !driver.launches[LS_CL_WAY_WHOLE]);
    open_gate();
    while (pending(&t)) pause_a_moment();
    check_until_used(&t, LS_CL_WAY_WHOLE);
    cr_expect_str_eq(t.device->way_out[LS_CL_WAY_WHOLE], "");
    cr_expect_eq(driver.begun, 1);
    tear_down(&t);
}

Test(beside, training_goes_on) { check_going_on("any", false); }
Test(beside, training_goes_on_as_on_a_gpu) { check_going_on("", true); }

/* Members of several shapes in one call run chunk-wise. */
Test(beside, nothing_is_built_for_mixed_members)
{
    setting t;
    ls_error err;
    ls_workspace *w;
    ls_plan *other;
    if (!set_up(&t, "any")) return;
    const subject *s = &t.s;
    const char *other_batch = s->plan->batch == 1 ? "2" : "1";
    const ls_backend_slots *slots = t.device->base.slots;
    cr_assert_eq(ls_options_set(s->options, "batch", other_batch, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_plan_build(&s->net, &s->options->settings, LS_PLAN_TRAIN, s->rows, s->weighted,
                               &other, &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(slots->workspace_open(&t.device->base, &s->data, &w, &err), LS_OK);
    ls_run run[2];
    size_t first; /* it has a slab of its own */
    cr_assert_eq(slots->member_add(w, s->plan, s->origin, &first, &err), LS_OK);
    for (int i = 0; i < 2; i++) {
        run[i] = (ls_run){.count = s->steps, .rates = s->rates, .losses = t.got};
        cr_assert_eq(slots->member_add(w, i ? other : s->plan, s->origin, &run[i].member, &err),
                     LS_OK);
    }
    cr_assert_eq(slots->run(w, run, 2, &err), LS_OK, "%s", err.message);
    cr_expect_eq(pending(&t), 0);
    cr_assert_eq(slots->run(w, run, 1, &err), LS_OK, "%s", err.message);
    cr_expect(pending(&t), "alone, a member may be fastest in the way that is built");
    open_gate();
    slots->workspace_close(w);
    ls_plan_free(other);
    tear_down(&t);
}

/* What is to be kept is in arenas only if the steps run operation by operation. */
Test(beside, mixed_members_that_keep_are_layered)
{
    setting t;
    ls_error err;
    ls_workspace *w;
    ls_plan *other;
    if (!set_up(&t, "any")) return;
    const subject *s = &t.s;
    const ls_backend_slots *slots = t.device->base.slots;
    cr_assert_eq(ls_options_set(s->options, "batch", s->plan->batch == 1 ? "2" : "1", &err), LS_OK);
    cr_assert_eq(ls_plan_build(&s->net, &s->options->settings, LS_PLAN_TRAIN, s->rows, s->weighted,
                               &other, &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(slots->workspace_open(&t.device->base, &s->data, &w, &err), LS_OK);
    for (int keep = 0; keep < 2; keep++) {
        ls_run run[3];
        memset(driver.launches, 0, sizeof driver.launches);
        for (int i = 0; i < 3; i++) { /* the first has a slab of its own */
            run[i] = (ls_run){.count = 1, .rates = s->rates, .losses = t.got, .keep = keep};
            cr_assert_eq(slots->member_add(w, i == 2 ? other : s->plan, s->origin, &run[i].member,
                                           &err),
                         LS_OK);
        }
        cr_assert_eq(slots->run(w, run + 1, 2, &err), LS_OK, "%s", err.message);
        cr_expect_eq(driver.launches[LS_CL_WAY_SMALL] > 0, !keep);
        cr_expect_eq(driver.launches[LS_CL_WAY_LAYERED] > 0, keep);
    }
    open_gate();
    slots->workspace_close(w);
    ls_plan_free(other);
    tear_down(&t);
}

/* Many members of each of two shapes: launches of a call of all of them, with the right bits. */
static size_t run_two_shapes(setting *t, ls_plan *const plans[2], const float *const expected[2],
                             bool together)
{
    enum { EACH = 40 }; /* too many to join others for being few */
    const subject *s = &t->s;
    const ls_backend_slots *slots = t->device->base.slots;
    ls_run run[2 * EACH];
    ls_workspace *w;
    ls_error err;
    float *losses = calloc(2 * EACH * s->steps, sizeof *losses);
    cr_assert(losses);
    cr_assert_eq(slots->workspace_open(&t->device->base, &s->data, &w, &err), LS_OK);
    for (size_t i = 0; i < 2 * EACH; i++) {
        run[i] = (ls_run){.first = s->first,
                          .count = s->steps,
                          .rates = s->rates,
                          .losses = losses + i * s->steps};
        cr_assert_eq(slots->member_add(w, plans[i / EACH], s->origin, &run[i].member, &err), LS_OK);
        cr_assert_eq(slots->write(w, run[i].member, 0, s->plan->state, s->start, &err), LS_OK);
    }
    memset(driver.launches, 0, sizeof driver.launches);
    for (size_t i = 0; i < 2 * EACH; i += together ? 2 * EACH : EACH)
        cr_assert_eq(slots->run(w, run + i, together ? 2 * EACH : EACH, &err), LS_OK, "%s",
                     err.message);
    for (size_t i = 0; i < 2 * EACH; i++) {
        cr_assert_eq(slots->read(w, run[i].member, 0, s->plan->state, t->got, &err), LS_OK);
        memcpy(t->got + s->plan->state, run[i].losses, s->steps * sizeof *losses);
        for (size_t k = 0; k < t->count; k++)
            cr_assert(bits_equal(expected[i / EACH][k], t->got[k]), "member %zu, float %zu", i, k);
    }
    slots->workspace_close(w);
    free(losses);
    return driver.launches[LS_CL_WAY_SMALL];
}

Test(beside, many_members_of_several_shapes_share_launches)
{
    setting t;
    ls_error err;
    ls_plan *plans[2];
    if (!set_up(&t, "")) return;
    const subject *s = &t.s;
    float *other = calloc(t.count, sizeof *other);
    const float *const expected[2] = {t.expected, other};
    cr_assert(other);
    plans[0] = s->plan;
    cr_assert_eq(ls_options_set(s->options, "batch", s->plan->batch == 1 ? "2" : "1", &err), LS_OK);
    cr_assert_eq(ls_plan_build(&s->net, &s->options->settings, LS_PLAN_TRAIN, s->rows, s->weighted,
                               &plans[1], &err),
                 LS_OK, "%s", err.message);
    cr_assert_eq(plans[1]->state, plans[0]->state);
    subject second = *s;
    second.plan = plans[1];
    train(&second, &t.b.list[0], true, other);
    const size_t apart = run_two_shapes(&t, plans, expected, false),
                 joined = run_two_shapes(&t, plans, expected, true);
    cr_expect(joined && joined < apart, "%zu launches together, %zu apart", joined, apart);
    open_gate();
    ls_plan_free(plans[1]);
    free(other);
    tear_down(&t);
}

static void *open_later(void *user)
{
    (void)user;
    for (int i = 0; i < 50; i++) pause_a_moment();
    open_gate();
    return NULL;
}

/* Closing waits for the build, and releases what it has made. */
Test(beside, device_is_closed_meanwhile)
{
    setting t;
    pthread_t thread;
    if (!set_up(&t, "any")) return;
    check(&t);
    wait_for_build();
    cr_assert_eq(pthread_create(&thread, NULL, open_later, NULL), 0);
    tear_down(&t);
    cr_expect_eq(driver.ended, 1);
    cr_expect_eq(driver.released, 1);
    for (int i = 0; i < 4; i++) cr_expect(!driver.made[i]);
    pthread_join(thread, NULL);
}

/* The only way that is wanted is waited for. */
Test(beside, the_only_way_is_waited_for)
{
    setting t;
    pthread_t thread;
    if (!set_up(&t, "whole")) return;
    cr_assert_eq(pthread_create(&thread, NULL, open_later, NULL), 0);
    check(&t);
    cr_expect(driver.launches[LS_CL_WAY_WHOLE] && !driver.launches[LS_CL_WAY_SMALL] &&
              !driver.launches[LS_CL_WAY_LAYERED]);
    pthread_join(thread, NULL);
    tear_down(&t);
}

/* The way is not used any more, the device is. */
Test(beside, a_build_that_fails)
{
    static const char *const steps[] = {"any", "whole"};
    for (int i = 0; i < 2; i++) {
        setting t;
        driver.fails = driver.is_open = true;
        driver.begun = 0;
        memset(driver.kernel, 0, sizeof driver.kernel);
        memset(driver.launches, 0, sizeof driver.launches);
        if (!set_up(&t, steps[i])) return;
        check(&t);
        wait_for_build();
        while (pending(&t)) pause_a_moment();
        const int tries = driver.begun; /* two with a cache of binaries */
        for (int k = 0; k < 3; k++) check(&t);
        cr_expect(strstr(t.device->way_out[LS_CL_WAY_WHOLE], "do not build"), "'%s'",
                  t.device->way_out[LS_CL_WAY_WHOLE]);
        cr_expect(strstr(t.device->base.slots->note(&t.device->base), "'whole'"));
        cr_expect(!driver.launches[LS_CL_WAY_WHOLE] && driver.begun == tries);
        tear_down(&t);
    }
}

/* A CPU device builds nothing that it would not choose. */
Test(beside, nothing_is_built_in_vain)
{
    setting t;
    driver.is_open = true;
    if (!set_up(&t, "")) return;
    for (int i = 0; i < 3; i++) check(&t);
    if (t.device->is_cpu) cr_expect_eq(driver.begun, 0);
    tear_down(&t);
}
#else
Test(beside, no_opencl) {}
#endif
