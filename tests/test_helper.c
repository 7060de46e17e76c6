/* SPDX-License-Identifier: MIT */
/* Drivers that crash, hang or destroy memory do so in a helper process: the way of running steps
 * that was tried is not used, the device is, and this is remembered. */
#include <criterion/criterion.h>
#ifdef LS_OPENCL
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/network/settings.h"
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_binary.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_helper.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/cl_speed.h"
#include "tests/support/runs.h"

static char folder[64]; /* the cache of a test */

/* A cache folder of this test, and a helper with a fault (NULL: none). Without an OpenCL device the
 * test is skipped, or fails if LOCKSTEP_REQUIRE_OPENCL is set. */
static void set_up(const char *fault)
{
    ls_cl_api cl;
    ls_cl_found *found = NULL;
    size_t count = 0;
    char note[256];
    if (ls_cl_api_open(&cl, NULL) == LS_OK) ls_cl_find(&cl, &found, &count, note, NULL);
    free(found);
    if (!count && getenv("LOCKSTEP_REQUIRE_OPENCL")) cr_assert_fail("no OpenCL device");
    if (!count) cr_skip_test("no OpenCL device");
    strcpy(folder, "/tmp/lockstep-test-XXXXXX");
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    unsetenv("LOCKSTEP_STEPS");
    setenv("LOCKSTEP_HELPER", LS_FAULTY_HELPER, 1);
    unsetenv("LOCKSTEP_HELPER_SECONDS");
    if (fault) setenv("HELPER_FAULT", fault, 1);
    else unsetenv("HELPER_FAULT");
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

/* The first OpenCL device as the library lists it, after its check. */
static void check_devices(ls_device_info *first)
{
    ls_device_info **list;
    size_t count;
    char note[256];
    ls_error err;
    cr_assert_eq(ls_devices_list(&list, &count, note, &err), LS_OK, "%s", err.message);
    cr_assert(count > 1, "%s", note);
    *first = *list[1];
    ls_devices_free(list);
}

/* Weights of a small training on a device. The way must be out afterwards, for a reason that
 * contains `why`, or in use if that is NULL; so must the other ones. */
static void train(const char *device, ls_cl_way_id way, const char *why, char hex[65])
{
    ls_device *d;
    ls_data *data;
    ls_options *options;
    ls_model *model;
    ls_error err;
    ls_generate_options make = {.rows = 100};
    cr_assert_eq(ls_device_open(device, 1, 0, &d, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_data_generate("moons", &make, &data, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "epochs", "3", &err), LS_OK);
    cr_assert_eq(ls_train(d, options, data, NULL, NULL, &model, &err), LS_OK, "%s", err.message);
    ls_model_weights_sha256(model, hex);
    const char *note = ls_device_note(d), *out = strstr(note, "in the way '");
    if (!why || !strcmp(device, "cpu")) cr_expect_null(out, "%s", note);
    else {
        cr_expect(out && !strncmp(out + 12, ls_cl_way_name(way), strlen(ls_cl_way_name(way))) &&
                      strstr(out, why),
                  "'%s' is not in '%s'", why, note);
        cr_expect_null(out ? strstr(out + 1, "in the way '") : NULL, "%s", note);
    }
    ls_model_free(model);
    ls_options_free(options);
    ls_data_free(data);
    ls_device_close(d);
}

/* The same weights as on the CPU path. */
static void expect_trains(ls_cl_way_id way, const char *why)
{
    char here[65], there[65];
    train("cpu", way, NULL, here);
    train("1", way, why, there);
    cr_expect_str_eq(here, there);
}

/* ---- The self-check -------------------------------------------------------------------------- */

static void expect_usable(const ls_device_info *info, const char *way_out)
{
    ls_cl_verdict v;
    ls_device_rates rates = LS_INIT(ls_device_rates);
    cr_expect(info->exact && !*info->reason, "%s", info->reason);
    cr_assert(ls_cl_recall_verdict(info, &v));
    cr_expect_eq(v.judgement, LS_CL_EXACT);
    if (!way_out) cr_expect_str_empty(v.way_out[LS_CL_WAY_SMALL]);
    else
        cr_expect(strstr(v.way_out[LS_CL_WAY_SMALL], way_out), "'%s' is not in '%s'", way_out,
                  v.way_out[LS_CL_WAY_SMALL]);
    cr_expect_str_empty(v.way_out[LS_CL_WAY_LAYERED]);
    expect_trains(LS_CL_WAY_SMALL, way_out);
    cr_assert_eq(ls_device_get_rates(info, &rates, NULL), LS_OK);
    cr_expect(rates.alone > 0, "its speed has been measured without the way");
}

/* A crash while a way is compared: the device trains in another way, and knows it afterwards. */
Test(helper, crash_of_a_way, .timeout = 600)
{
    static const char *const faults[][2] = {{"abort training, small", "crashes (Aborted)"},
                                            {"exit training, small", "ends the process"},
                                            {"junk training, small", "destroys its own memory"}};
    for (size_t i = 0; i < 3; i++) {
        ls_device_info info;
        set_up(faults[i][0]);
        check_devices(&info);
        expect_usable(&info, faults[i][1]);
        setenv("LOCKSTEP_HELPER", "none", 1); /* remembered, not found out again */
        check_devices(&info);
        expect_usable(&info, faults[i][1]);
        tear_down();
    }
}

/* The same for the way over the whole device, which CPU devices have on demand only: what came of
 * it is then not remembered. */
Test(helper, crash_of_the_way_over_the_whole_device, .timeout = 600)
{
    set_up("abort training, whole");
    setenv("LOCKSTEP_STEPS", "any", 1);
    expect_trains(LS_CL_WAY_WHOLE, "crashes (Aborted)");
    unsetenv("HELPER_FAULT");
    expect_trains(LS_CL_WAY_WHOLE, NULL);
    tear_down();
}

/* A crash that does not happen when the part is compared alone is no fault of the device. */
Test(helper, crash_once, .timeout = 600)
{
    ls_device_info info;
    char mark[96];
    set_up("once training, small");
    snprintf(mark, sizeof mark, "%s/mark", folder);
    setenv("HELPER_MARK", mark, 1);
    check_devices(&info);
    cr_expect_eq(access(mark, F_OK), 0, "nothing has crashed");
    expect_usable(&info, NULL);
    tear_down();
}

/* Without the layered way there is nothing to fall back on. */
Test(helper, crash_of_the_device, .timeout = 600)
{
    ls_device_info info;
    ls_device *device;
    ls_error err;
    ls_device_rates rates = LS_INIT(ls_device_rates);
    set_up("abort operations and functions");
    for (int again = 0; again < 2; again++) {
        check_devices(&info);
        cr_expect(!info.exact && strstr(info.reason, "crashes (Aborted)"), "%s", info.reason);
        for (int approximate = 0; approximate < 2; approximate++) {
            cr_expect_eq(ls_device_open("1", 0, approximate, &device, &err), LS_ERR_DEVICE);
            cr_expect(strstr(err.message, "crashes (Aborted)"), "%s", err.message);
        }
        setenv("LOCKSTEP_HELPER", "none", 1);
    }
    cr_assert_eq(ls_device_get_rates(&info, &rates, &err), LS_OK);
    cr_expect_eq(rates.launch, 0);
    tear_down();
}

/* The probe for asynchronous copies may crash; so may all helpers but one when they open the
 * device. If none can open it, it is out. */
Test(helper, crash_at_opening, .timeout = 600)
{
    static const struct {
        const char *fault;
        bool exact;
    } list[] = {{"abort probe", true}, {"abort open", true}, {"abort e", false}};
    for (size_t i = 0; i < 3; i++) {
        ls_device_info info;
        set_up(list[i].fault);
        check_devices(&info);
        cr_expect_eq(info.exact, list[i].exact, "%s: %s", list[i].fault, info.reason);
        if (!list[i].exact)
            cr_expect(strstr(info.reason, "crashes (Aborted) when the device is opened"), "%s",
                      info.reason);
        tear_down();
    }
}

/* Somebody who ends the helper says nothing about the driver: it is checked again next time. */
Test(helper, ended_by_somebody, .timeout = 600)
{
    ls_device_info info;
    ls_cl_verdict v;
    set_up("kill training, small");
    check_devices(&info);
    cr_expect(!info.exact && strstr(info.reason, "interrupted"), "%s", info.reason);
    cr_expect(!ls_cl_recall_verdict(&info, &v));
    unsetenv("HELPER_FAULT");
    check_devices(&info);
    expect_usable(&info, NULL);
    tear_down();
}

/* A program that is no helper, or none at all: the check runs in this process. */
Test(helper, none, .timeout = 600)
{
    static const char *const helpers[] = {"/bin/true", "none"}, *const missing[] = {
                                                                    "", "lockstep-device-helper",
                                                                    "/nowhere/at/all"};
    for (size_t i = 0; i < 3; i++) {
        ls_cl_helper helper;
        setenv("LOCKSTEP_HELPER", missing[i], 1);
        cr_expect(!ls_cl_helper_start(&helper), "'%s' was started", missing[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        ls_device_info info;
        ls_device_rates rates = LS_INIT(ls_device_rates);
        set_up("abort ");
        setenv("LOCKSTEP_HELPER", helpers[i], 1);
        check_devices(&info);
        cr_expect(info.exact, "'%s': %s", helpers[i], info.reason);
        cr_assert_eq(ls_device_get_rates(&info, &rates, NULL), LS_OK);
        cr_expect(rates.launch > 0 && rates.finish > 0 && rates.copy > 0 && rates.upload > 0 &&
                  rates.product[0] > 0 && rates.product[3] > 0 && rates.alone > 0 &&
                  rates.fleet > 0);
        if (i == 0) expect_usable(&info, NULL);
        tear_down();
    }
}

typedef struct {
    unsigned calls, last, total;
} seen;

static void on_progress(const ls_check_progress *p, void *user)
{
    seen *s = user;
    cr_expect_eq(p->struct_size, sizeof *p);
    cr_expect(p->done < p->total && p->done >= s->last && *p->device->name);
    s->calls++, s->last = p->done, s->total = p->total;
}

/* With a helper and without. */
Test(helper, progress, .timeout = 600)
{
    for (int with = 0; with < 2; with++) {
        ls_device_info **list;
        ls_error err;
        seen s = {0};
        set_up(NULL);
        if (!with) setenv("LOCKSTEP_HELPER", "none", 1);
        cr_assert_eq(ls_devices_list_with(on_progress, &s, &list, NULL, NULL, &err), LS_OK, "%s",
                     err.message);
        cr_expect(s.calls > 1 && s.total > 8, "%u calls, %u parts", s.calls, s.total);
        ls_devices_free(list);
        unsigned before = s.calls;
        cr_assert_eq(ls_devices_list_with(on_progress, &s, &list, NULL, NULL, &err), LS_OK);
        cr_expect_eq(s.calls, before, "a known device was checked again");
        ls_devices_free(list);
        tear_down();
    }
}

/* ---- Programs of ways ------------------------------------------------------------------------ */

/* The driver's compiler crashes on a way's program in the middle of a run, which goes on in another
 * way, and the program is remembered. The device has been checked in this process, which does not
 * note the programs as harmless. */
static void crash_in_run(const char *fault, const char *steps, ls_cl_way_id way)
{
    ls_device_info info;
    set_up(fault);
    setenv("LOCKSTEP_HELPER", "none", 1);
    check_devices(&info);
    cr_expect(info.exact, "%s", info.reason);
    setenv("LOCKSTEP_HELPER", LS_FAULTY_HELPER, 1);
    if (steps) setenv("LOCKSTEP_STEPS", steps, 1);
    expect_trains(way, "compiler crashes (Aborted)");
    setenv("LOCKSTEP_HELPER", "none", 1);
    expect_trains(way, "compiler crashes (Aborted)");
    tear_down();
}

Test(helper, crash_in_a_run_small, .timeout = 600)
{
    crash_in_run("abort -DGROUP=1 -DTILE_LANES=", NULL, LS_CL_WAY_SMALL);
}

Test(helper, crash_in_a_run_whole, .timeout = 600)
{
    crash_in_run("abort -DPOOL=", "whole", LS_CL_WAY_WHOLE);
}

/* ---- Single programs ------------------------------------------------------------------------- */

static const char source[] = "__kernel void one(__global float *x) { x[0] = FACTOR; }";

static ls_cl_device *open_guarded(ls_cl_found **found)
{
    ls_cl_api cl;
    ls_cl_device *d;
    size_t count;
    char note[256];
    ls_error err;
    cr_assert_eq(ls_cl_api_open(&cl, &err), LS_OK);
    cr_assert_eq(ls_cl_find(&cl, found, &count, note, &err), LS_OK);
    cr_assert_eq(ls_cl_backend_create(&cl, &(*found)[0], LS_CL_COPIES_PLAIN, &d, &err), LS_OK, "%s",
                 err.message);
    d->guarded = true;
    return d;
}

static ls_status build(ls_cl_device *d, const char *defines, ls_error *err)
{
    cl_program program;
    ls_status status = ls_cl_build(d, source, strlen(source), defines, &program, err);
    if (status == LS_OK) d->cl.clReleaseProgram(program);
    return status;
}

Test(helper, guards_programs, .timeout = 600)
{
    ls_cl_found *found;
    ls_error err;
    set_up("abort FACTOR=2");
    ls_cl_device *d = open_guarded(&found);
    for (int again = 0; again < 2; again++) {
        cr_expect_eq(build(d, "-DFACTOR=1", &err), LS_OK, "%s", err.message);
        cr_expect_eq(build(d, "-DFACTOR=2", &err), LS_ERR_DEVICE);
        cr_expect(strstr(err.message, "compiler crashes (Aborted)"), "%s", err.message);
        setenv("LOCKSTEP_HELPER", "none", 1);
    }
    cr_expect_eq(build(d, "-DFACTOR=3", &err), LS_OK, "no helper: %s", err.message);
    setenv("LOCKSTEP_HELPER", LS_FAULTY_HELPER, 1);
    cr_expect_eq(build(d, "-DFACTOR=?", &err), LS_ERR_DEVICE);
    cr_expect(strstr(err.message, "do not build"), "%s", err.message);
    ls_cl_backend_close(&d->base);
    free(found);
    tear_down();
}

/* One line per program; other lines are ignored, and so is half a line. */
Test(helper, list_of_programs, .timeout = 600)
{
    ls_cl_found *found;
    ls_error err;
    char path[LS_CL_PATH], *text;
    size_t size;
    set_up("abort FACTOR=2");
    ls_cl_device *d = open_guarded(&found);
    cr_expect_eq(build(d, "-DFACTOR=2", &err), LS_ERR_DEVICE);
    ls_cl_cache_path(&d->info, "programs", path, false);
    cr_assert_eq(ls_read_file(path, &text, &size, &err), LS_OK, "%s", err.message);
    cr_expect(!strncmp(text, "out ", 4) && text[size - 1] == '\n', "%s", text);
    unsetenv("HELPER_FAULT");
    for (size_t cut = 0; cut < 36; cut++) {
        cr_assert_eq(ls_write_file(path, text, cut, &err), LS_OK);
        setenv("LOCKSTEP_HELPER", "none", 1);
        cr_expect_eq(build(d, "-DFACTOR=2", &err), LS_OK, "%zu bytes: %s", cut, err.message);
    }
    text[5] ^= 1;
    cr_assert_eq(ls_write_file(path, text, size, &err), LS_OK);
    cr_expect_eq(build(d, "-DFACTOR=2", &err), LS_OK, "%s", err.message);
    free(text);
    ls_cl_backend_close(&d->base);
    free(found);
    tear_down();
}

/* A driver that hangs without computing is given up after the time limit. */
Test(helper, hang, .timeout = 600)
{
    ls_cl_helper h;
    ls_cl_found *found;
    ls_open_answer opened;
    ls_check_answer answer;
    ls_helper_failure failure = {.crashed = false};
    set_up("hang training, small");
    ls_cl_device *d = open_guarded(&found);
    cr_assert(ls_cl_helper_start(&h));
    cr_assert(ls_cl_helper_open(&h, 0, &d->info, LS_CL_COPIES_PLAIN, &opened, &failure), "%s",
              failure.how);
    cr_assert_eq(opened.status, LS_OK, "%s", opened.message);
    size_t i = 0;
    while (i < opened.count && strcmp(opened.parts[i].name, "training, small")) i++;
    cr_assert(i < opened.count);
    setenv("LOCKSTEP_HELPER_SECONDS", "0.05", 1);
    cr_expect(!ls_cl_helper_ask(&h, LS_MESSAGE_CHECK, &opened.parts[i], sizeof opened.parts[i],
                                NULL, 0, &answer, sizeof answer, &failure));
    cr_expect(strstr(failure.how, "does not end") && failure.lasting && !failure.crashed, "%s",
              failure.how);
    cr_expect(!h.child);
    ls_cl_backend_close(&d->base);
    free(found);
    tear_down();
}

/* ---- Files ----------------------------------------------------------------------------------- */

static const ls_device_info nobody = {.name = "a device", .platform = "of the tests"};

static bool recalls(const char *what)
{
    ls_cl_verdict v;
    ls_device_speed s;
    return strcmp(what, "check") ? ls_cl_recall_speed(&nobody, &s)
                                 : ls_cl_recall_verdict(&nobody, &v);
}

/* Each byte changed, each truncation, and the file of another device: all are ignored. */
static void damage(const char *what)
{
    char path[LS_CL_PATH], other[LS_CL_PATH], *bytes;
    size_t size;
    ls_error err;
    ls_device_info stranger = nobody;
    cr_expect(recalls(what), "%s is not read back", what);
    ls_cl_cache_path(&nobody, what, path, false);
    cr_assert_eq(ls_read_file(path, &bytes, &size, &err), LS_OK, "%s", err.message);
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            bytes[i] ^= (char)(1 << bit);
            cr_assert_eq(ls_write_file(path, bytes, size, &err), LS_OK);
            cr_expect(!recalls(what), "%s: byte %zu", what, i);
            bytes[i] ^= (char)(1 << bit);
        }
    for (size_t cut = 0; cut < size; cut++) {
        cr_assert_eq(ls_write_file(path, bytes, cut, &err), LS_OK);
        cr_expect(!recalls(what), "%s: %zu bytes", what, cut);
    }
    strcpy(stranger.name, "another device");
    ls_cl_cache_path(&stranger, what, other, false);
    cr_assert_eq(ls_write_file(path, bytes, size, &err), LS_OK);
    cr_expect(recalls(what));
    cr_assert_eq(rename(path, other), 0);
    cr_assert_eq(rename(other, path), 0);
    cr_expect(recalls(what));
    cr_assert_eq(ls_write_file(other, bytes, size, &err), LS_OK);
    ls_cl_verdict v;
    ls_device_speed s;
    cr_expect(!ls_cl_recall_verdict(&stranger, &v) && !ls_cl_recall_speed(&stranger, &s));
    free(bytes);
}

Test(helper, damaged_files)
{
    ls_cl_verdict v = {.judgement = LS_CL_APPROXIMATE, .reason = "two\nlines: exact: 1"}, got;
    ls_device_speed s = {.launch = 5.6e-6,
                         .barrier = 1.5e-6,
                         .product = {1e9, 2e9, 3e12, 4.8e13},
                         .fleet = 1e12},
                    t;
    strcpy(folder, "/tmp/lockstep-test-XXXXXX");
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    strcpy(v.way_out[LS_CL_WAY_WHOLE], "the driver crashes (Aborted)");
    ls_cl_remember_verdict(&nobody, &v);
    cr_assert(ls_cl_recall_verdict(&nobody, &got));
    cr_expect_eq(got.judgement, LS_CL_APPROXIMATE);
    cr_expect_str_eq(got.reason, "two lines: exact: 1");
    cr_expect_str_eq(got.way_out[LS_CL_WAY_WHOLE], v.way_out[LS_CL_WAY_WHOLE]);
    cr_expect_str_empty(got.way_out[LS_CL_WAY_SMALL]);
    damage("check");
    ls_cl_remember_speed(&nobody, &s);
    cr_assert(ls_cl_recall_speed(&nobody, &t));
    cr_expect(t.launch == s.launch && t.product[3] == s.product[3] && t.fleet == s.fleet &&
              t.barrier == s.barrier && t.copy == 0);
    damage("speed");
    tear_down();
}
#else
Test(helper, no_opencl) {}
#endif
