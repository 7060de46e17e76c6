/* SPDX-License-Identifier: MIT */
/* Binaries of programs in the user's cache folder, for drivers that would compile them again in
 * every run. A file is the SHA-256 of its own name and the binary as 64 hexadecimal digits, a line
 * feed, and the binary. A truncated, damaged or renamed file is ignored. Errors are ignored, too:
 * the source is then compiled. */
#include "host/opencl/cl_binary.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/opencl/cl_cache.h"
#include <stdlib.h>
#include <string.h>

enum { HEADER = 65 };

/* These drivers cache what they compile: PoCL in ~/.cache/pocl, NVIDIA's in ~/.nv/ComputeCache. The
 * environment variable LOCKSTEP_CACHE_BINARIES (1 or 0) overrides the list. */
bool ls_cl_keeps_binaries(const ls_device_info *info)
{
    static const char *const caching[] = {"Portable Computing Language", "NVIDIA CUDA"};
    const char *wanted = getenv("LOCKSTEP_CACHE_BINARIES");
    if (wanted && *wanted) return strcmp(wanted, "0") != 0;
    for (size_t i = 0; i < sizeof caching / sizeof *caching; i++)
        if (!strcmp(info->platform, caching[i])) return false;
    return true;
}

void ls_cl_program_id(const char *source, size_t size, const char *options, char id[33])
{
    ls_sha256 sha;
    char hex[65];
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, options, strlen(options) + 1);
    ls_sha256_update(&sha, source, size);
    ls_sha256_final(&sha, hex);
    memcpy(id, hex, 32);
    id[32] = 0;
}

/* The file of a program. Its name has a hash of source and options, besides the hash that
 * ls_cl_cache_path adds. */
static void path_of(const ls_cl_device *d, const char *source, size_t size, const char *options,
                    char path[LS_CL_PATH], bool make)
{
    char id[33], what[64];
    ls_cl_program_id(source, size, options, id);
    snprintf(what, sizeof what, "program-%s", id);
    ls_cl_cache_path(&d->info, what, path, make);
}

/* The hash at the start of a file. */
static void digest(const char *path, const unsigned char *binary, size_t size, char hex[65])
{
    const char *name = strrchr(path, '/');
    ls_sha256 sha;
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, name, strlen(name) + 1);
    ls_sha256_update(&sha, binary, size);
    ls_sha256_final(&sha, hex);
}

bool ls_cl_recall_program(ls_cl_device *d, const char *source, size_t size, const char *options,
                          cl_program *out)
{
    char path[LS_CL_PATH], *file, hex[65];
    size_t length;
    cl_int status = CL_SUCCESS, code = CL_INVALID_BINARY;
    cl_program program = NULL;
    path_of(d, source, size, options, path, false);
    if (!*path || ls_read_file(path, &file, &length, NULL) != LS_OK) return false;
    if (length > HEADER) {
        const unsigned char *binary = (const unsigned char *)file + HEADER;
        size_t bytes = length - HEADER;
        digest(path, binary, bytes, hex);
        if (!memcmp(file, hex, 64))
            program = d->cl.clCreateProgramWithBinary(d->context, 1, &d->id, &bytes, &binary,
                                                      &status, &code);
    }
    free(file);
    if (program && code == CL_SUCCESS && status == CL_SUCCESS)
        code = d->cl.clBuildProgram(program, 1, &d->id, options, NULL, NULL);
    if (code == CL_SUCCESS && status == CL_SUCCESS) {
        *out = program;
        d->programs_recalled++;
        return true;
    }
    if (program) d->cl.clReleaseProgram(program);
    return false;
}

void ls_cl_remember_program(ls_cl_device *d, const char *source, size_t size, const char *options,
                            cl_program program)
{
    char path[LS_CL_PATH];
    unsigned char *file;
    size_t bytes = 0;
    path_of(d, source, size, options, path, true);
    if (!*path ||
        d->cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) !=
            CL_SUCCESS ||
        !bytes)
        return;
    if (ls_alloc(&file, bytes + HEADER, 1, "a program's binary", NULL) != LS_OK) return;
    unsigned char *binary = file + HEADER;
    if (d->cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) ==
        CL_SUCCESS) {
        digest(path, binary, bytes, (char *)file);
        file[HEADER - 1] = '\n';
        (void)ls_write_file(path, file, bytes + HEADER, NULL);
    }
    free(file);
}
