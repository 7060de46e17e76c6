/* SPDX-License-Identifier: MIT */
/* Building programs, and creating the kernels that every device has. */
#include "host/opencl/cl_program.h"
#include "host/base/clock.h"
#include "host/base/error.h"
#include "host/base/trace.h"
#include "host/opencl/cl_binary.h"
#include "host/opencl/cl_guard.h"
#include "host/opencl/cl_sources.h"
#include <stdlib.h>
#include <string.h>

/* The error message has the end of the compiler's log, where the errors are. */
static ls_status build_failed(const ls_cl_device *d, cl_program program, cl_int code, ls_error *err)
{
    size_t size = 0;
    char *log = NULL;
    d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    if (size) log = calloc(1, size + 1);
    if (log) d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    size_t length = log ? strlen(log) : 0;
    ls_status status =
        ls_fail(err, LS_ERR_DEVICE,
                "the kernels do not build on this device (%s). The compiler's log ends with:\n%s",
                ls_cl_error_name(code), log ? log + (length > 700 ? length - 700 : 0) : "(no log)");
    free(log);
    return status;
}

static void trace_build(const ls_cl_device *d, cl_program program, const char *options,
                        double seconds)
{
    size_t size = 0;
    if (!ls_trace_is_on()) return;
    d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = calloc(1, size + 1);
    if (log && size)
        d->cl.clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    ls_trace("%s: built in %.3f s: %s %s", d->info.name, seconds, options, log ? log : "");
    free(log);
}

static ls_status build_source(ls_cl_device *d, const char *source, size_t size, const char *options,
                              cl_program *out, ls_error *err)
{
    cl_int code;
    cl_program program = d->cl.clCreateProgramWithSource(d->context, 1, &source, &size, &code);
    LS_TRY(ls_cl_check(code, "creating a program", err));
    double started = ls_clock();
    code = d->cl.clBuildProgram(program, 1, &d->id, options, NULL, NULL);
    trace_build(d, program, options, ls_clock() - started);
    if (code != CL_SUCCESS) {
        ls_status status = build_failed(d, program, code, err);
        d->cl.clReleaseProgram(program);
        return status;
    }
    *out = program;
    return LS_OK;
}

static ls_status build_or_recall(ls_cl_device *d, const char *source, size_t size,
                                 const char *defines, cl_program *out, ls_error *err)
{
    char options[512];
    cl_device_fp_config fp = 0;
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof fp, &fp, NULL);
    snprintf(options, sizeof options, "-cl-std=CL1.2 %s -DLS_CHUNK=%du %s",
             fp & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT ? "-cl-fp32-correctly-rounded-divide-sqrt"
                                                      : "",
             LS_CHUNK, defines);
    return ls_cl_build_exactly(d, source, size, options, out, err);
}

ls_status ls_cl_build_exactly(ls_cl_device *d, const char *source, size_t size, const char *options,
                              cl_program *out, ls_error *err)
{
    if (d->keeps_binaries && ls_cl_recall_program(d, source, size, options, out)) return LS_OK;
    bool elsewhere = false;
    LS_TRY(ls_cl_guard(d, source, size, options, &elsewhere, err));
    if (elsewhere && d->keeps_binaries && ls_cl_recall_program(d, source, size, options, out))
        return LS_OK;
    LS_TRY(build_source(d, source, size, options, out, err));
    if (d->keeps_binaries) ls_cl_remember_program(d, source, size, options, *out);
    if (d->is_helper) ls_cl_guard_note(d, source, size, options);
    return LS_OK;
}

ls_status ls_cl_build(ls_cl_device *d, const char *source, size_t size, const char *defines,
                      cl_program *out, ls_error *err)
{
    ls_cl_progress(d->counts);
    atomic_fetch_add(&d->counts->builds_pending, 1);
    ls_status status = build_or_recall(d, source, size, defines, out, err);
    atomic_fetch_sub(&d->counts->builds_pending, 1);
    atomic_fetch_add(&d->counts->builds_ended, 1);
    ls_cl_progress(d->counts);
    return status;
}

ls_builds ls_cl_builds(const ls_backend *base)
{
    const ls_cl_device *d = (const ls_cl_device *)base;
    return (ls_builds){atomic_load(&d->counts->builds_ended),
                       atomic_load(&d->counts->builds_pending)};
}

static const char *const kernel_names[] = {
#define LS_X(name) #name,
    LS_CL_KERNELS(LS_X)
#undef LS_X
#define LS_X(NAME, name) "loss_" #name,
        LS_LOSSES(LS_X)
#undef LS_X
#define LS_X(name, reads, facts) "act_" #name,
            LS_ACTIVATIONS(LS_X)
#undef LS_X
#define LS_X(name, states, facts) "update_" #name,
                LS_OPTIMIZERS(LS_X)
#undef LS_X
};

ls_status ls_cl_build_kernels(ls_cl_device *d, ls_error *err)
{
    char defines[64] = "";
    if (d->pass_group) snprintf(defines, sizeof defines, "-DPASS_GROUP=%zu", d->pass_group);
    LS_TRY(ls_cl_build(d, ls_kernel_source, ls_kernel_source_size, defines, &d->program, err));
    for (int i = 0; i < LS_KERNEL_COUNT; i++) {
        cl_int code;
        d->kernel[i] = d->cl.clCreateKernel(d->program, kernel_names[i], &code);
        if (code != CL_SUCCESS)
            return ls_fail(err, LS_ERR_DEVICE,
                           "OpenCL: creating the kernel '%s' on %s failed with %s", kernel_names[i],
                           d->info.name, ls_cl_error_name(code));
    }
    return LS_OK;
}

void ls_cl_release_kernels(ls_cl_device *d)
{
    for (int i = 0; i < LS_KERNEL_COUNT; i++)
        if (d->kernel[i]) d->cl.clReleaseKernel(d->kernel[i]);
    if (d->program) d->cl.clReleaseProgram(d->program);
}
