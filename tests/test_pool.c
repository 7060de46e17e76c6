/* SPDX-License-Identifier: MIT */
/* Threads that the system does not give: fewer work, and the device says so. */
#include "core_cpu/cpu.h"
#include "core_cpu/pool.h"
#include "host/network/settings.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(pool, .timeout = 120);

/* No more threads for this process. Limits do not hold for root. */
static void forbid_threads(void)
{
    const struct rlimit none = {0, 0};
    const uid_t nobody = 65534;
    if (geteuid() == 0) cr_assert_eq(setuid(nobody), 0);
    cr_assert_eq(setrlimit(RLIMIT_NPROC, &none), 0);
}

static void count(void *work, unsigned share, unsigned shares, unsigned thread)
{
    (void)shares, (void)thread;
    ((int *)work)[share]++;
}

Test(pool, works_with_the_threads_it_gets)
{
    enum { SHARES = 50 };
    int done[SHARES] = {0};
    ls_pool *pool;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_pool_open(3, &pool, &err), LS_OK);
    cr_expect_eq(ls_pool_threads(pool), 3);
    ls_pool_close(pool);
    forbid_threads();
    cr_assert_eq(ls_pool_open(8, &pool, &err), LS_OK, "%s", err.message);
    cr_expect_eq(ls_pool_threads(pool), 1);
    ls_pool_run(pool, count, done, SHARES);
    for (int i = 0; i < SHARES; i++) cr_expect_eq(done[i], 1);
    ls_pool_close(pool);
}

Test(pool, the_device_says_so)
{
    ls_device *device;
    ls_options *options;
    ls_data *data;
    ls_model *model;
    ls_error err = {LS_OK, ""};
    char hex[2][65];
    const ls_generate_options how = {.rows = 100, .noise = -1, .overlap = -1};
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "epochs", "5", &err), LS_OK);
    cr_assert_eq(ls_data_generate("moons", &how, &data, &err), LS_OK);
    for (int limited = 0; limited < 2; limited++) {
        if (limited) forbid_threads();
        cr_assert_eq(ls_device_open("cpu", 4, 0, &device, &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                     err.message);
        ls_model_weights_sha256(model, hex[limited]);
        const char *note = ls_device_note(device);
        cr_expect_eq(strstr(note, "only 1 of 4 threads") != NULL, limited, "%s", note);
        ls_model_free(model);
        ls_device_close(device);
    }
    cr_expect_str_eq(hex[0], hex[1]);
    ls_data_free(data);
    ls_options_free(options);
}

/* A device that was used before a fork works in the child on one thread, and can be closed there.
 */
Test(pool, a_forked_child_trains_and_closes)
{
    ls_error err;
    ls_device *device;
    ls_data *data = runs_data("moons", 200);
    runs_run before, after;
    cr_assert_eq(ls_device_open("cpu", 3, 0, &device, &err), LS_OK);
    runs_train(device, "hidden 128,128 epochs 3", data, 0, &before);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        runs_train(device, "hidden 128,128 epochs 3", data, 0, &after);
        ls_device_close(device);
        _exit(strcmp(before.weights, after.weights) ? 1 : 0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    runs_train(device, "hidden 128,128 epochs 3", data, 0, &after);
    cr_expect_str_eq(before.weights, after.weights);
    runs_free(&before);
    runs_free(&after);
    ls_device_close(device);
    ls_data_free(data);
}
