/* SPDX-License-Identifier: MIT */
/* lockstep doctor: what it tries on the devices of this machine. */
#include <criterion/criterion.h>
#if defined(LS_OPENCL) && defined(LS_PROGRAM) && defined(LS_HELPER)
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_cpu/cpu.h"
#include "host/device/catalogue.h"
#include "host/opencl/check_shapes.h"
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_memory.h"
#include "host/opencl/cl_program.h"
#include "tests/support/program.h"

static char folder[64]; /* of a test, and its cache folder */

static void begin(void)
{
    static const char *const variables[] = {"HELPER_FAULT", "HELPER_WRONG", "HELPER_TILES",
                                            "LOCKSTEP_STEPS", "LOCKSTEP_HELPER_SECONDS"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
    runs_folder_enter(folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("LOCKSTEP_HELPER", LS_HELPER, 1);
}

static void end(void) { runs_folder_leave(folder); }

/* ---- The devices of this machine ------------------------------------------------------------- */

/* The first OpenCL device, or the test is skipped. */
static ls_device_info first_device(void)
{
    ls_catalogue c;
    ls_error err;
    cr_assert_eq(ls_catalogue_open(&c, true, 0, &err), LS_OK, "%s", err.message);
    bool any = c.count > 1;
    ls_device_info info = c.info[any];
    ls_catalogue_close(&c);
    if (!any && getenv("LOCKSTEP_REQUIRE_OPENCL")) cr_assert_fail("no OpenCL device");
    if (!any) cr_skip_test("no OpenCL device");
    return info;
}

static json_t *find(json_t *list, const char *tried, const char *found)
{
    size_t i;
    json_t *f;
    json_array_foreach(list, i,
                       f) if (strstr(json_string_value(json_object_get(f, "tried")), tried) &&
                              strstr(json_string_value(json_object_get(f, "found")),
                                     found)) return f;
    return NULL;
}

static void expect_status(json_t *list, const char *tried, const char *found, const char *status)
{
    json_t *f = find(list, tried, found);
    cr_assert(f, "no finding on '%s' with '%s'", tried, found);
    cr_expect_str_eq(json_string_value(json_object_get(f, "status")), status);
    bool good = !strcmp(status, "ok") || !strcmp(status, "note");
    cr_expect_eq(json_is_true(json_object_get(f, "ok")), good);
}

/* On a machine whose devices are PoCL's: all kernels right, no GPU. A failure that is remembered is
 * forgotten. */
Test(doctor_devices, devices_of_this_machine, .timeout = 900)
{
    char why[256];
    begin();
    const ls_device_info info = first_device();
    ls_catalogue_note_failure(&info, "the test says that it has failed");
    cr_assert(ls_catalogue_failure(&info, why));
    char *text = runs_program_expect("doctor --json --device 1", strcmp(info.kind, "gpu") ? 1 : 0);
    json_t *report = program_parse(text, "doctor --json");
    json_t *checks = json_object_get(report, "checks"),
           *devices = json_object_get(report, "devices"), *device = json_array_get(devices, 1);
    expect_status(checks, "small program", "it runs", "ok");
    expect_status(checks, "patterns", "MiB are right", "ok");
    expect_status(checks, "bit by bit", "the same in all", "ok");
    expect_status(checks, "timing", "a launch", "ok");
    expect_status(checks, "in earlier runs", "chosen again", "note");
    cr_expect(!ls_catalogue_failure(&info, why), "%s", why);
    cr_expect(json_is_true(json_object_get(device, "usable")));
    cr_expect(json_number_value(json_object_get(device, "download_bytes_per_second")) > 0);
    cr_expect_eq(json_integer_value(json_object_get(device, "memory_wrong_words")), 0);
    cr_expect(json_integer_value(json_object_get(device, "parts")) > 15);
    json_decref(report);
    free(text);
    end();
}

/* A driver that crashes on memory, and gives wrong bits in one way of running steps and with stored
 * tiles. */
Test(doctor_devices, faulty_device, .timeout = 900)
{
    ls_cl_verdict v;
    char why[256], tiles[LS_CL_PATH];
    begin();
    const ls_device_info info = first_device();
    ls_catalogue_note_failure(&info, "the test says that it has failed");
    setenv("LOCKSTEP_HELPER", LS_FAULTY_HELPER, 1);
    setenv("HELPER_FAULT", "abort memory", 1);
    setenv("HELPER_WRONG", "awkward shapes, small", 1);
    ls_cl_cache_path(&info, "tiles", tiles, true);
    runs_file_write(tiles, "no tile\n", 8);
    setenv("HELPER_TILES", tiles, 1);
    char *text = runs_program_expect("doctor --json --device 1", 2);
    json_t *report = program_parse(text, "doctor --json");
    json_t *checks = json_object_get(report, "checks");
    expect_status(checks, "small program", "the driver crashes (Aborted)", "broken");
    expect_status(checks, "bit by bit", "the same in all", "ok");
    expect_status(checks, "putting aside", "'small' of running steps: the test", "note");
    expect_status(checks, "putting aside", "tune has stored: the test", "note");
    cr_expect_neq(access(tiles, F_OK), 0);
    expect_status(checks, "in earlier runs", "not chosen until", "broken");
    json_t *device = json_array_get(json_object_get(report, "devices"), 1);
    cr_expect(json_is_false(json_object_get(device, "usable")));
    cr_expect(ls_catalogue_failure(&info, why), "it has not worked, and stays put aside");
    cr_assert(ls_cl_recall_verdict(&info, &v));
    cr_expect_eq(v.judgement, LS_CL_EXACT);
    cr_expect(strstr(v.way_out[LS_CL_WAY_SMALL], "the test"), "%s", v.way_out[LS_CL_WAY_SMALL]);
    json_decref(report);
    free(text);
    end();
}

/* ---- Awkward shapes -------------------------------------------------------------------------- */

static const ls_backend_slots *good;

static ls_status read_wrong(ls_workspace *workspace, size_t member, size_t at, size_t count,
                            float *to, ls_error *err)
{
    ls_status status = good->read(workspace, member, at, count, to, err);
    if (count) to[count - 1] = nextafterf(to[count - 1], 1.0f);
    return status;
}

static ls_cl_found *found;

static ls_cl_device *open_here(ls_cl_api *cl)
{
    ls_cl_device *d;
    ls_error err;
    size_t count = 0;
    char note[256];
    first_device();
    cr_assert_eq(ls_cl_api_open(cl, &err), LS_OK);
    cr_assert_eq(ls_cl_find(cl, &found, &count, note, &err), LS_OK);
    cr_assert_eq(ls_cl_backend_create(cl, &found[0], LS_CL_COPIES_PLAIN, &d, &err), LS_OK);
    return d;
}

static void close_here(ls_cl_device *d)
{
    ls_cl_backend_close(&d->base);
    free(found);
}

/* One float off by one unit in the last place is noticed in each shape and each form. */
Test(doctor_devices, shapes_find_a_fault, .timeout = 900)
{
    ls_cl_api cl;
    ls_error err;
    ls_backend *cpu;
    begin();
    ls_cl_device *d = open_here(&cl);
    cr_assert_eq(ls_cl_build_kernels(d, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_cpu_open(1, NULL, &cpu, &err), LS_OK);
    good = d->base.slots;
    ls_backend_slots faulty = *good;
    faulty.read = read_wrong;
    d->base.slots = &faulty;
    for (size_t i = 0; i < ls_check_shape_count() + ls_check_image_shape_count(); i++) {
        char reason[256] = "";
        cr_expect_eq(ls_check_shapes(d, cpu, LS_CL_WAY_LAYERED, i, 1, reason, &err), LS_OK, "%s",
                     err.message);
        cr_expect(strstr(reason, "other weights") && strchr(reason, '('), "%zu: '%s'", i, reason);
    }
    for (int form = 0; form < LS_FORM_COUNT; form++) {
        char reason[256] = "";
        cr_expect_eq(ls_check_products(d, cpu, (ls_form)form, reason, &err), LS_OK);
        cr_expect(strstr(reason, "1 x 1 over 1"), "%s", reason);
    }
    d->base.slots = good;
    cpu->slots->close(cpu);
    close_here(d);
    end();
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static ls_cl_api real;
static size_t reads, bad_read; /* the read-back in which a bit is flipped; from 1 */

static cl_int read_with_fault(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t at,
                              size_t size, void *to, cl_uint n, const cl_event *list,
                              cl_event *event)
{
    cl_int code = real.clEnqueueReadBuffer(queue, buffer, blocking, at, size, to, n, list, event);
    if (++reads == bad_read) ((unsigned char *)to)[size / 2] ^= 16;
    return code;
}

static cl_int fail_to_build(cl_program program, cl_uint count, const cl_device_id *list,
                            const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                            void *user)
{
    (void)program, (void)count, (void)list, (void)options, (void)notify, (void)user;
    return CL_BUILD_PROGRAM_FAILURE;
}

static void expect_build_failure(ls_cl_device *d)
{
    ls_memory_report m;
    d->cl.clBuildProgram = fail_to_build;
    ls_cl_memory_check(d, &m);
    cr_expect(strstr(m.failed, "does not build"), "%s", m.failed);
    cr_expect(strstr(m.log, "CL_BUILD_PROGRAM_FAILURE") && !strchr(m.log, '\n'), "%s", m.log);
}

/* A bit that is flipped in any of the read-backs is noticed. */
Test(doctor_devices, memory_faults, .timeout = 300)
{
    begin();
    ls_cl_device *d = open_here(&real);
    d->info.memory = 64 << 20; /* to take a moment only */
    d->cl.clEnqueueReadBuffer = read_with_fault;
    size_t all = 1;
    for (bad_read = 0; bad_read <= all; bad_read++) {
        ls_memory_report m;
        reads = 0;
        ls_cl_memory_check(d, &m);
        cr_assert_str_empty(m.failed, "%s", m.failed);
        cr_expect_eq(m.wrong > 0, bad_read > 0, "read %zu of %zu", bad_read, all);
        cr_expect_eq(m.tried, 4 << 20);
        if (!bad_read) all = reads;
    }
    cr_expect(all >= 8, "%zu", all); /* four turns there and back, and two patterns */
    expect_build_failure(d);
    close_here(d);
    end();
}
#else
Test(doctor_devices, needs_opencl)
{
    cr_skip_test("this build has no OpenCL, no helper or no program");
}
#endif
