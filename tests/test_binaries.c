/* SPDX-License-Identifier: MIT */
/* Binaries of programs in the cache folder: used if they are whole, otherwise ignored and replaced.
 */
#include "host/base/file.h"
#include "host/base/sha256.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef LS_OPENCL
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_binary.h"
#include "host/opencl/cl_cache.h"
#include "host/opencl/cl_program.h"

static const char source[] =
    "__kernel void times(__global float *x) { x[get_global_id(0)] *= FACTOR; }";

static ls_cl_api cl;
static ls_cl_found *found;
static size_t devices;

/* Makes a cache folder for this test alone. Without an OpenCL device the test is skipped, or fails
 * if LOCKSTEP_REQUIRE_OPENCL is set. */
static void set_up(char folder[64])
{
    char note[256];
    ls_error err;
    strcpy(folder, "/tmp/lockstep-test-XXXXXX");
    cr_assert(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    if (ls_cl_api_open(&cl, &err) == LS_OK)
        cr_assert_eq(ls_cl_find(&cl, &found, &devices, note, &err), LS_OK, "%s", err.message);
    if (devices) return;
    rmdir(folder);
    if (getenv("LOCKSTEP_REQUIRE_OPENCL")) cr_assert_fail("no OpenCL device");
    cr_skip_test("no OpenCL device");
}

/* The only file of a program in the folder, or ""; more than one fails the test. */
static void program_file(const char *folder, char path[LS_CL_PATH])
{
    char inside[128];
    snprintf(inside, sizeof inside, "%s/lockstep", folder);
    DIR *list = opendir(inside);
    path[0] = 0;
    if (!list) return;
    for (struct dirent *entry; (entry = readdir(list));) {
        if (strncmp(entry->d_name, "program-", 8)) continue;
        cr_expect(!*path, "two files for one program");
        snprintf(path, LS_CL_PATH, "%s/%.300s", inside, entry->d_name);
    }
    closedir(list);
}

static void remove_folder(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

/* Opens a device, builds the test's program and multiplies a number with it; returns whether a
 * binary was used. */
static bool build_once(bool keep, int factor)
{
    ls_cl_device *d;
    ls_error err;
    cl_program program;
    cl_int code;
    float x = 21.0f;
    size_t one = 1;
    char defines[32];
    snprintf(defines, sizeof defines, "-DFACTOR=%d", factor);
    setenv("LOCKSTEP_CACHE_BINARIES", "0", 1); /* not for the device's own kernels */
    cr_assert_eq(ls_cl_backend_open(&cl, &found[0], &d, &err), LS_OK, "%s", err.message);
    cr_assert(!d->keeps_binaries && !d->programs_recalled);
    d->keeps_binaries = keep;
    cr_assert_eq(ls_cl_build(d, source, strlen(source), defines, &program, &err), LS_OK, "%s",
                 err.message);
    bool recalled = d->programs_recalled > 0;
    cl_kernel kernel = cl.clCreateKernel(program, "times", &code);
    cr_assert_eq(code, CL_SUCCESS);
    cl_mem memory = cl.clCreateBuffer(d->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                                      sizeof x, &x, &code);
    cr_assert_eq(code, CL_SUCCESS);
    cr_assert_eq(cl.clSetKernelArg(kernel, 0, sizeof memory, &memory), CL_SUCCESS);
    cr_assert_eq(cl.clEnqueueNDRangeKernel(d->queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL),
                 CL_SUCCESS);
    cr_assert_eq(cl.clEnqueueReadBuffer(d->queue, memory, CL_TRUE, 0, sizeof x, &x, 0, NULL, NULL),
                 CL_SUCCESS);
    cr_expect_eq(x, 21.0f * (float)factor);
    cl.clReleaseMemObject(memory);
    cl.clReleaseKernel(kernel);
    cl.clReleaseProgram(program);
    ls_cl_backend_close(&d->base);
    return recalled;
}

Test(binaries, second_open_uses_it)
{
    char folder[64], path[LS_CL_PATH];
    set_up(folder);
    cr_expect(!build_once(false, 2));
    program_file(folder, path);
    cr_expect(!*path, "a file was written for a driver that caches binaries");
    cr_expect(!build_once(true, 2), "a binary was used before one was written");
    program_file(folder, path);
    cr_expect(*path, "no binary was written");
    cr_expect(build_once(true, 2), "the binary was not used");
    remove_folder(folder);
    free(found);
}

/* A file with a changed byte, without its end, or of another program is ignored and replaced. */
Test(binaries, damage_is_ignored)
{
    char folder[64], path[LS_CL_PATH], *bytes;
    size_t size;
    ls_error err;
    set_up(folder);
    build_once(true, 2);
    program_file(folder, path);
    cr_assert_eq(ls_read_file(path, &bytes, &size, &err), LS_OK, "%s", err.message);
    const struct {
        const char *what;
        size_t flip, size;
    } damage[] = {{"a byte of the binary", size - 7, size}, {"a byte of the hash", 3, size},
                  {"cut short", SIZE_MAX, size - 1},        {"a header alone", SIZE_MAX, 65},
                  {"half a header", SIZE_MAX, 30},          {"empty", SIZE_MAX, 0}};
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        if (damage[i].flip < size) bytes[damage[i].flip] ^= 1;
        cr_assert_eq(ls_write_file(path, bytes, damage[i].size, &err), LS_OK, "%s", err.message);
        if (damage[i].flip < size) bytes[damage[i].flip] ^= 1;
        cr_expect(!build_once(true, 2), "%s: used", damage[i].what);
        cr_expect(build_once(true, 2), "%s: the file was not replaced", damage[i].what);
    }
    /* the file of another program under this one's name */
    char other[LS_CL_PATH];
    cr_assert_eq(unlink(path), 0);
    cr_expect(!build_once(true, 3));
    program_file(folder, other);
    cr_assert_eq(rename(other, path), 0);
    cr_expect(!build_once(true, 2), "another program's binary was used");
    free(bytes);
    remove_folder(folder);
    free(found);
}

/* A whole file with a binary that the driver rejects (as after an update that kept its version):
 * the source is built. */
Test(binaries, refused_by_the_driver)
{
    char folder[64], path[LS_CL_PATH],
        file[] = "0000000000000000000000000000000000000000000000000000000000000000\n"
                 "no binary of any driver",
        hex[65];
    ls_sha256 sha;
    ls_error err;
    set_up(folder);
    build_once(true, 2);
    program_file(folder, path);
    const char *name = strrchr(path, '/');
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, name, strlen(name) + 1);
    ls_sha256_update(&sha, file + 65, sizeof file - 1 - 65);
    ls_sha256_final(&sha, hex);
    memcpy(file, hex, 64);
    cr_assert_eq(ls_write_file(path, file, sizeof file - 1, &err), LS_OK, "%s", err.message);
    cr_expect(!build_once(true, 2));
    cr_expect(build_once(true, 2), "the refused file was not replaced");
    remove_folder(folder);
    free(found);
}

Test(binaries, who_keeps_them)
{
    ls_device_info pocl = {.platform = "Portable Computing Language"},
                   nvidia = {.platform = "NVIDIA CUDA"}, other = {.platform = "Other"};
    unsetenv("LOCKSTEP_CACHE_BINARIES");
    cr_expect(!ls_cl_keeps_binaries(&pocl) && !ls_cl_keeps_binaries(&nvidia) &&
              ls_cl_keeps_binaries(&other));
    setenv("LOCKSTEP_CACHE_BINARIES", "1", 1);
    cr_expect(ls_cl_keeps_binaries(&pocl) && ls_cl_keeps_binaries(&nvidia) &&
              ls_cl_keeps_binaries(&other));
    setenv("LOCKSTEP_CACHE_BINARIES", "0", 1);
    cr_expect(!ls_cl_keeps_binaries(&pocl) && !ls_cl_keeps_binaries(&other));
}
#else
Test(binaries, no_opencl) {}
#endif
