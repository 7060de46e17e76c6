/* SPDX-License-Identifier: MIT */
/* Every call of OpenCL fails once, in all ways. Opening a device then ends with an error or works;
 * training on it ends with the right bits, or without fallback also with an error; never with other
 * bits, and neither with the process of the test. */
#include <criterion/criterion.h>
#include <criterion/logging.h>
#ifdef LS_FAILING_LOADER
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/device/opener.h"
#include "host/opencl/cl_remote_ask.h"
#include "tests/loader/failing_opencl.h"
#include "tests/support/runs.h"

TestSuite(failing_device, .timeout = 900);

static const char *const function_names[] = {
#define X(function) #function,
    FAILING_FUNCTIONS(X)
#undef X
};
enum { FUNCTIONS = sizeof function_names / sizeof *function_names };

static failing_counts *counts;
static char expected[65]; /* the weights of the training */
static bool falls_back;   /* trainings go on on the CPU path */
static bool opened;       /* the device could be opened the last time */
static ls_data *data;
static ls_options *options;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The path of the real loader: here, before the folder of the other one comes first. */
static void find_loader(void)
{
    Dl_info info;
    void *library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    void *function = library ? dlsym(library, "clGetPlatformIDs") : NULL;
    if (!function && getenv("LOCKSTEP_REQUIRE_OPENCL")) cr_assert_fail("no OpenCL loader");
    if (!function) cr_skip_test("no OpenCL loader");
    cr_assert(dladdr(function, &info));
    char *path = realpath(info.dli_fname, NULL);
    setenv("FAILING_OPENCL_REAL", path, 1);
    free(path);
    setenv("LD_LIBRARY_PATH", LS_FAILING_LOADER, 1);
    setenv("LOCKSTEP_HELPER", LS_HELPER_UNDER_TEST, 1);
    unsetenv("LOCKSTEP_STEPS");
    unsetenv("LOCKSTEP_HELPER_SECONDS");
}

static void open_counts(void)
{
    char path[] = LS_TEST_FILES;
    int file = mkstemp(path);
    cr_assert(file >= 0 && ftruncate(file, sizeof *counts) == 0);
    setenv("FAILING_OPENCL_COUNTS", path, 1);
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    cr_assert_neq(counts, MAP_FAILED);
    close(file);
}

static void close_counts(void) { unlink(getenv("FAILING_OPENCL_COUNTS")); }

/* Trains on an open device, for the hash of the weights. */
static ls_status train_on(ls_device *device, char hex[65], ls_error *err)
{
    ls_model *model;
    LS_TRY(ls_train(device, options, data, NULL, NULL, &model, err));
    ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    return LS_OK;
}

/* What the tests repeat with failures: opens the device, trains on it and closes it. */
static ls_status open_and_train(char hex[65], ls_error *err)
{
    ls_device *device;
    opened = false;
    LS_TRY(ls_device_open("1", 1, 0, &device, err));
    opened = true;
    ls_device_set_fallback(device, falls_back, NULL);
    ls_status status = train_on(device, hex, err);
    ls_device_close(device);
    return status;
}

static void set_up(void)
{
    ls_error err;
    ls_device *cpu;
    char hex[65];
    find_loader();
    open_counts();
    data = runs_data("moons", 70);
    options = runs_options("epochs 3 hidden 5,4 validation 0.2 batch 16");
    cr_assert_eq(ls_device_open("cpu", 1, 0, &cpu, &err), LS_OK);
    cr_assert_eq(train_on(cpu, expected, &err), LS_OK, "%s", err.message);
    ls_device_close(cpu);
    unsetenv("FAILING_OPENCL"); /* the device is checked, and its programs are known */
    for (int i = 0; i < 2; i++) {
        memset(counts, 0, sizeof *counts);
        ls_status status = open_and_train(hex, &err);
        if (status == LS_ERR_DEVICE && !getenv("LOCKSTEP_REQUIRE_OPENCL"))
            cr_skip_test("%s", err.message);
        cr_assert_eq(status, LS_OK, "%s", err.message);
        cr_assert_str_eq(hex, expected);
    }
    cr_assert(atomic_load(&counts->calls) > 100, "the other loader was not used");
}

static void tear_down(void)
{
    ls_data_free(data);
    ls_options_free(options);
    close_counts();
}

static bool is_balanced(void)
{
    bool balanced = true;
    for (int i = 0; i < FAILING_KINDS; i++)
        balanced &= atomic_load(&counts->created[i]) == atomic_load(&counts->released[i]);
    return balanced;
}

static void expect_balance(const char *plan)
{
    for (int i = 0; i < FAILING_KINDS; i++)
        cr_expect_eq(atomic_load(&counts->created[i]), atomic_load(&counts->released[i]),
                     "%s: %ld of %ld objects of kind %d are released", plan,
                     atomic_load(&counts->released[i]), atomic_load(&counts->created[i]), i);
}

static void expect_no_child(const char *plan)
{
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "%s: a process is left", plan);
}

/* One failure. How the run ended. */
static ls_status disturb(const char *how, const char *function, long number, ls_error *err)
{
    char plan[128], hex[65];
    snprintf(plan, sizeof plan, "%s %s %ld", how, function, number);
    setenv("FAILING_OPENCL", plan, 1);
    memset(counts, 0, sizeof *counts);
    ls_status status = open_and_train(hex, err);
    /* on a busy machine the helper may be ended before it has released all; a leak comes again */
    if (!is_balanced() && strcmp(function, "clFinish")) {
        memset(counts, 0, sizeof *counts);
        status = open_and_train(hex, err);
    }
    unsetenv("FAILING_OPENCL");
    if (status == LS_OK) cr_expect_str_eq(hex, expected, "%s: other bits", plan);
    else
        cr_expect((status == LS_ERR_DEVICE || status == LS_ERR_MEMORY) && *err->message,
                  "%s: status %d, %s", plan, (int)status, err->message);
    cr_expect(!falls_back || !opened || status == LS_OK, "%s: the training has failed: %s", plan,
              err->message);
    bool ended = !strcmp(how, "abort") || !strcmp(how, "exit") || !strcmp(how, "kill") ||
                 !strcmp(how, "hang");
    bool described = !strcmp(function, "clGetDeviceInfo") ||
                     !strcmp(function, "clGetPlatformInfo"); /* it looks like another device, which
                                                                is checked by processes that are
                                                                ended when that is over */
    /* without it nobody knows when the driver has left the memory of a command alone: it may crash
     * while it releases that, in its own process, when the training has gone on elsewhere */
    bool unfinished = !strcmp(function, "clFinish");
    if (!ended && !described && !unfinished && strncmp(function, "clRelease", 9))
        expect_balance(plan);
    expect_no_child(plan);
    return status;
}

/* The calls of a function that are disturbed: the first two, one in the middle, and the last. All
 * of them with LOCKSTEP_EVERY_CALL in the environment, which takes an hour. */
static long next_call(long number, long count)
{
    if (getenv("LOCKSTEP_EVERY_CALL") || number < 2) return number + 1;
    return number < count / 2 ? count / 2 : number < count ? count : count + 1;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void disturb_all(const char *how, bool fallback)
{
    long of[FUNCTIONS], done = 0, failed = 0;
    set_up();
    falls_back = fallback;
    for (size_t i = 0; i < FUNCTIONS; i++) of[i] = atomic_load(&counts->of[i]);
    for (size_t i = 0; i < FUNCTIONS; i++)
        for (long n = 1; n <= of[i]; n = next_call(n, of[i])) {
            ls_error err;
            failed += disturb(how, function_names[i], n, &err) != LS_OK;
            done++;
        }
    falls_back = false;
    cr_log_info("%s: %ld calls failed, one in each run; %ld runs ended with an error", how, done,
                failed);
    cr_expect(done > 30 && failed > (fallback ? 2 : 5), "%ld failures, of which %ld were noticed",
              done, failed);
    tear_down();
}

Test(failing_device, out_of_resources) { disturb_all("-5", false); }
Test(failing_device, out_of_resources_and_fallback) { disturb_all("-5", true); }
Test(failing_device, out_of_memory) { disturb_all("-4", true); }
Test(failing_device, lost) { disturb_all("-36+", true); }
Test(failing_device, abort) { disturb_all("abort", true); }
Test(failing_device, exit) { disturb_all("exit", false); }

/* Launches that do not run and reads with a wrong bit, of a training without validation rows: they
 * are noticed without --verify (small networks: a launch is many steps, whose losses are missing
 * then). Those at opening make the device approximate. */
Test(failing_device, wrong_results_in_use)
{
    static const char *const plans[][2] = {{"skip", "clEnqueueNDRangeKernel"},
                                           {"flip", "clEnqueueReadBuffer"}};
    char folder[] = LS_TEST_FILES, command[300], hex[65];
    ls_error err;
    ls_device *cpu;
    set_up();
    cr_assert(mkdtemp(folder));
    snprintf(command, sizeof command, "cp -r \"${XDG_CACHE_HOME:-$HOME/.cache}/lockstep\" %s/good",
             folder);
    cr_assert_eq(system(command), 0);
    setenv("XDG_CACHE_HOME", folder, 1);
    ls_options_free(options);
    options = runs_options("epochs 40 hidden 5,4 batch 16");
    cr_assert_eq(ls_device_open("cpu", 1, 0, &cpu, &err), LS_OK);
    cr_assert_eq(train_on(cpu, expected, &err), LS_OK);
    ls_device_close(cpu);
    falls_back = true;
    for (size_t i = 0; i < 2; i++) {
        size_t trained = 0;
        for (long n = 1, last = 1000; n <= last; n++) {
            /* what is remembered of the device is as it was before the last failure */
            snprintf(command, sizeof command, "cd %s && rm -rf lockstep && cp -r good lockstep",
                     folder);
            cr_assert_eq(system(command), 0);
            memset(counts, 0, sizeof *counts);
            if (n == 1) cr_assert_eq(open_and_train(hex, &err), LS_OK, "%s", err.message);
            for (size_t k = 0; n == 1 && k < FUNCTIONS; k++)
                if (!strcmp(function_names[k], plans[i][1])) last = atomic_load(&counts->of[k]);
            disturb(plans[i][0], plans[i][1], n, &err);
            trained += opened;
        }
        cr_expect(trained > 2, "%s: %zu trainings", plans[i][0], trained);
    }
    falls_back = false;
    tear_down();
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

/* What the messages say. */
Test(failing_device, messages)
{
    static const struct {
        const char *how, *words;
    } list[] = {{"abort", "crashed (Aborted)"},
                {"exit", "ended its process"},
                {"kill", "was ended by somebody else"}};
    set_up();
    for (size_t i = 0; i < 3; i++) {
        ls_error err;
        cr_expect_eq(disturb(list[i].how, "clEnqueueNDRangeKernel", 4, &err), LS_ERR_DEVICE);
        cr_expect(strstr(err.message, list[i].words), "%s", err.message);
    }
    tear_down();
}

/* A driver that hangs is given up; so is one that hangs when it is asked for its devices, or when
 * the device is closed. */
Test(failing_device, hang)
{
    static const char *const functions[] = {"clGetPlatformIDs", "clBuildProgram",
                                            "clEnqueueNDRangeKernel", "clFinish"};
    set_up();
    setenv("LOCKSTEP_HELPER_SECONDS", "1", 1);
    for (size_t i = 0; i < 4; i++) {
        ls_error err;
        double started = now();
        cr_expect_eq(disturb("hang", functions[i], 1, &err), LS_ERR_DEVICE);
        cr_expect(strstr(err.message, i ? "hung" : "hangs"), "%s: %s", functions[i], err.message);
        cr_expect(now() - started < 20, "%s: %.1f s", functions[i], now() - started);
    }
    ls_error err;
    double started = now();
    cr_expect_eq(disturb("hang", "clReleaseContext", 1, &err), LS_OK);
    cr_expect(now() - started < 20, "closing: %.1f s", now() - started);
    tear_down();
}

/* A bit that is wrong at opening: the device is not exact any more, and this is remembered. */
Test(failing_device, wrong_values_at_opening)
{
    ls_error err;
    char folder[] = LS_TEST_FILES, hex[65], command[128];
    find_loader();
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    set_up();
    cr_expect_eq(disturb("flip", "clEnqueueReadBuffer", 1, &err), LS_ERR_DEVICE);
    cr_expect(strstr(err.message, "approximate"), "%s", err.message);
    cr_expect_eq(open_and_train(hex, &err), LS_ERR_DEVICE);
    cr_expect(strstr(err.message, "self-check"), "%s", err.message);
    tear_down();
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

/* A GPU with groups of 32 and 16 KiB of local memory is exact; one that has less cannot be opened,
 * and is called that. */
Test(failing_device, small_devices)
{
    static const struct {
        const char *limits;
        bool exact;
    } list[] = {{"16384 32", true}, {"16384 16", false}};
    char folder[] = LS_TEST_FILES, hex[65], command[128];
    set_up();
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    for (size_t i = 0; i < 2; i++) {
        ls_device_info **devices;
        size_t count;
        ls_error err;
        setenv("FAILING_OPENCL_LIMITS", list[i].limits, 1);
        cr_assert_eq(ls_devices_list(&devices, &count, NULL, &err), LS_OK, "%s", err.message);
        cr_assert(count > 1);
        cr_expect_eq(devices[1]->exact, list[i].exact, "%s: %s", list[i].limits,
                     devices[1]->reason);
        cr_expect_eq(devices[1]->unusable, !list[i].exact);
        ls_devices_free(devices);
        if (list[i].exact) {
            cr_expect_eq(open_and_train(hex, &err), LS_OK, "%s", err.message);
            cr_expect_str_eq(hex, expected);
        }
        snprintf(command, sizeof command, "rm -rf %s/*", folder);
        cr_expect_eq(system(command), 0);
    }
    unsetenv("FAILING_OPENCL_LIMITS");
    rmdir(folder);
    tear_down();
}

/* Whoever ends the process of an idle device: later calls fail, and closing works. */
Test(failing_device, ended_while_idle)
{
    ls_device *device;
    ls_error err;
    char hex[65];
    set_up();
    cr_assert_eq(ls_device_open("1", 1, 0, &device, &err), LS_OK, "%s", err.message);
    cr_assert_eq(train_on(device, hex, &err), LS_OK, "%s", err.message);
    kill(((ls_cl_remote *)device->backend)->helper.child, SIGKILL);
    for (int i = 0; i < 2; i++) {
        ls_status status = train_on(device, hex, &err);
        if (status == LS_OK) cr_expect_str_eq(hex, expected);
        else
            cr_expect(status == LS_ERR_DEVICE && strstr(err.message, "(Killed)"), "%s",
                      err.message);
    }
    ls_device_close(device);
    expect_no_child("ended while idle");
    tear_down();
}

/* The process of a device ends with the program, however that ends. */
Test(failing_device, ends_with_the_program)
{
    int ends[2];
    pid_t child, helper = 0;
    set_up();
    cr_assert_eq(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        ls_device *device;
        if (ls_device_open("1", 1, 0, &device, NULL) != LS_OK) _exit(1);
        helper = ((ls_cl_remote *)device->backend)->helper.child;
        if (write(ends[1], &helper, sizeof helper) != sizeof helper) _exit(1);
        for (;;) pause();
    }
    cr_assert_eq(read(ends[0], &helper, sizeof helper), (ssize_t)sizeof helper);
    cr_assert_eq(kill(helper, 0), 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    double started = now();
    char stat[64], state = 'R';
    snprintf(stat, sizeof stat, "/proc/%d/stat", (int)helper);
    while (state != 'Z' && state != 'X' && now() - started < 10) {
        FILE *file = fopen(stat, "r");
        if (!file || fscanf(file, "%*d %*s %c", &state) != 1) state = 'X';
        if (file) fclose(file);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_expect(state == 'Z' || state == 'X', "the process is still there: %c", state);
    tear_down();
}

/* A child after a fork gets an error, and can close the device; the parent goes on. */
Test(failing_device, fork)
{
    ls_device *device;
    ls_error err;
    char hex[65];
    int state;
    set_up();
    cr_assert_eq(ls_device_open("1", 1, 0, &device, &err), LS_OK, "%s", err.message);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        ls_status status = train_on(device, hex, &err);
        ls_device_close(device);
        _exit(status == LS_ERR_DEVICE && strstr(err.message, "forked") ? 0
              : status == LS_OK && !strcmp(hex, expected)              ? 0
                                                                       : 1);
    }
    cr_expect_eq(waitpid(child, &state, 0), child);
    cr_expect(WIFEXITED(state) && WEXITSTATUS(state) == 0, "state %d", state);
    cr_expect_eq(train_on(device, hex, &err), LS_OK, "%s", err.message);
    cr_expect_str_eq(hex, expected);
    ls_device_close(device);
    tear_down();
}

/* Standard input and outputs are closed: none of the descriptors takes their place. */
Test(failing_device, closed_descriptors)
{
    ls_error err;
    char hex[65];
    int kept[3];
    set_up();
    for (int i = 0; i < 3; i++) {
        kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        close(i);
    }
    ls_device *device = NULL;
    ls_status status = ls_device_open("1", 1, 0, &device, &err), trained = LS_OK;
    int taken = 0;
    for (int i = 0; i < 3; i++) taken += fcntl(i, F_GETFD) >= 0;
    if (status == LS_OK) trained = train_on(device, hex, &err);
    for (int i = 0; i < 3; i++)
        if (kept[i] >= 0) dup2(kept[i], i);
    cr_expect_eq(status, LS_OK, "%s", err.message);
    cr_expect_eq(trained, LS_OK, "%s", err.message);
    cr_expect_eq(taken, 0, "%d of the three descriptors are in use", taken);
    ls_device_close(device);
    tear_down();
}

typedef struct {
    ls_status status;
    ls_error err;
    char hex[65];
} opening;

static void *open_on_thread(void *user)
{
    opening *o = user;
    o->status = open_and_train(o->hex, &o->err);
    return NULL;
}

/* Threads that open devices at the same time. */
Test(failing_device, threads)
{
    enum { THREADS = 4 };
    opening list[THREADS];
    pthread_t thread[THREADS];
    set_up();
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, open_on_thread, &list[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        cr_expect_eq(list[i].status, LS_OK, "%s", list[i].err.message);
        cr_expect_str_eq(list[i].hex, expected);
    }
    tear_down();
}

/* A failure is remembered until its device has another version, or it is forgotten. */
Test(failing_device, is_remembered)
{
    ls_device_info info = {.name = "a device", .platform = "of the tests", .version = "1"};
    ls_device_info other = info;
    char folder[] = LS_TEST_FILES, why[256], command[128];
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    strcpy(other.version, "2");
    cr_expect(!ls_catalogue_failure(&info, why));
    ls_catalogue_note_failure(&info, "the driver of a device\ncrashed (Aborted)");
    cr_assert(ls_catalogue_failure(&info, why));
    cr_expect_str_eq(why, "the driver of a device crashed (Aborted)");
    cr_expect(!ls_catalogue_failure(&other, why), "another version has not failed");
    ls_catalogue_forget_failures(&info);
    cr_expect(!ls_catalogue_failure(&info, why));
    ls_catalogue_note_failure(&info, "the driver " LS_HELPER_WAS_ENDED " (Killed)");
    cr_expect(!ls_catalogue_failure(&info, why), "somebody else is no fault of the device");
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

/* A program that ends while a driver hangs is not kept from it. */
Test(failing_device, hang_while_the_program_ends)
{
    ls_opener *opener;
    const ls_known_device *list;
    size_t count;
    ls_error err;
    set_up();
    setenv("FAILING_OPENCL", "hang clGetPlatformIDs 1", 1);
    cr_assert_eq(ls_opener_create(&opener, &err), LS_OK);
    opener->slots->find(opener, 0);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    double started = now();
    opener->slots->stop(opener);
    cr_expect_neq(opener->slots->found(opener, &list, &count, &err), LS_OK);
    opener->slots->close(opener);
    cr_expect(now() - started < 3, "%.1f s", now() - started);
    expect_no_child("hang while the program ends");
    tear_down();
}
#else
Test(failing_device, no_opencl) {}
#endif
