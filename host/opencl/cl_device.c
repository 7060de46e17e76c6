/* SPDX-License-Identifier: MIT */
/* Finding OpenCL devices, what they report, and opening one. */
#include "host/opencl/cl_device.h"
#include "host/base/memory.h"
#include "host/network/device_kind.h"
#include "host/opencl/cl_small.h"
#include <stdlib.h>
#include <string.h>

/* A text property, blanks trimmed; empty where the device does not say. */
static void device_text(const ls_cl_api *cl, cl_device_id id, cl_device_info what, char *out,
                        size_t size)
{
    char text[1024] = "";
    if (cl->clGetDeviceInfo(id, what, sizeof text - 1, text, NULL) != CL_SUCCESS) text[0] = 0;
    const char *from = text + strspn(text, " \t\n");
    snprintf(out, size, "%s", from);
    for (size_t n = strlen(out); n && strchr(" \t\n", out[n - 1]); n--) out[n - 1] = 0;
}

/* What the contract needs of a device (docs/arithmetic.md), judged by what it reports. */
static void judge_reported(const ls_cl_api *cl, cl_device_id id, ls_device_info *info)
{
    cl_device_fp_config fp = 0;
    cl_bool available = CL_FALSE, compiler = CL_FALSE;
    cl->clGetDeviceInfo(id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof fp, &fp, NULL);
    cl->clGetDeviceInfo(id, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
    cl->clGetDeviceInfo(id, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
    char lacks[160] = "";
    const struct {
        bool has;
        const char *what;
    } needs[] = {
        {fp & CL_FP_FMA, "fused multiply-add"},
        {fp & CL_FP_DENORM, "denormals"},
        {fp & CL_FP_ROUND_TO_NEAREST, "rounding to nearest"},
        {fp & CL_FP_INF_NAN, "infinities and NaN"},
        {fp & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT, "correctly rounded division and square root"},
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (!needs[i].has)
            snprintf(lacks + strlen(lacks), sizeof lacks - strlen(lacks), "%s%s",
                     *lacks ? ", " : "", needs[i].what);
    if (!available)
        snprintf(info->reason, sizeof info->reason, "the driver says it is not available");
    else if (!compiler) snprintf(info->reason, sizeof info->reason, "the driver has no compiler");
    else if (*lacks) snprintf(info->reason, sizeof info->reason, "does not report %s", lacks);
    info->exact = !*info->reason;
}

static void describe(const ls_cl_api *cl, cl_platform_id platform, cl_device_id id,
                     ls_device_info *info)
{
    cl_device_type type = 0;
    cl_ulong memory = 0;
    cl->clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    cl->clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);
    info->memory = memory;
    ls_device_set_kind(info, type & CL_DEVICE_TYPE_GPU   ? LS_KIND_GPU
                             : type & CL_DEVICE_TYPE_CPU ? LS_KIND_CPU
                                                         : LS_KIND_ACCELERATOR);
    device_text(cl, id, CL_DEVICE_NAME, info->name, sizeof info->name);
    device_text(cl, id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    device_text(cl, id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    cl->clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof info->platform - 1, info->platform,
                          NULL);
    judge_reported(cl, id, info);
}

/* Appends the devices of one platform; a platform without any (a driver that is not set up) is
 * passed over. */
static ls_status find_on(const ls_cl_api *cl, cl_platform_id platform, ls_cl_found **list,
                         size_t *count, ls_error *err)
{
    cl_device_id ids[64];
    cl_uint n = 0;
    if (cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 64, ids, &n) != CL_SUCCESS || n == 0)
        return LS_OK;
    if (n > 64) n = 64;
    ls_cl_found *more = realloc(*list, (*count + n) * sizeof *more);
    if (!more) return ls_fail(err, LS_ERR_MEMORY, "out of memory listing devices");
    *list = more;
    for (cl_uint i = 0; i < n; i++) {
        more[*count] = (ls_cl_found){.id = ids[i]};
        describe(cl, platform, ids[i], &more[(*count)++].info);
    }
    return LS_OK;
}

ls_status ls_cl_find(const ls_cl_api *cl, ls_cl_found **list, size_t *count, char note[256],
                     ls_error *err)
{
    cl_platform_id platforms[32];
    cl_uint n = 0;
    *list = NULL;
    *count = 0;
    note[0] = 0;
    cl_int code = cl->clGetPlatformIDs(32, platforms, &n);
    if (code != CL_SUCCESS || n == 0) {
        snprintf(
            note, 256,
            "the OpenCL loader finds no driver (%s); install one, on Debian for instance pocl-opencl-icd",
            ls_cl_error_name(code ? code : -1001));
        return LS_OK;
    }
    for (cl_uint i = 0; i < n && i < 32; i++) {
        ls_status status = find_on(cl, platforms[i], list, count, err);
        if (status != LS_OK) {
            free(*list);
            *list = NULL;
            return status;
        }
    }
    if (!*count)
        snprintf(note, 256, "%u OpenCL driver%s installed, but none has a device", n,
                 n == 1 ? " is" : "s are");
    return LS_OK;
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

/* The end of the compiler's log in an error message: what is wrong stands last. */
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

static ls_status build_source(ls_cl_device *d, const char *source, size_t size, const char *options,
                              cl_program *out, ls_error *err)
{
    cl_int code;
    cl_program program = d->cl.clCreateProgramWithSource(d->context, 1, &source, &size, &code);
    LS_TRY(ls_cl_check(code, "creating a program", err));
    code = d->cl.clBuildProgram(program, 1, &d->id, options, NULL, NULL);
    if (code != CL_SUCCESS) {
        ls_status status = build_failed(d, program, code, err);
        d->cl.clReleaseProgram(program);
        return status;
    }
    *out = program;
    return LS_OK;
}

ls_status ls_cl_build(ls_cl_device *d, const char *source, size_t size, const char *defines,
                      cl_program *out, ls_error *err)
{
    char options[512];
    cl_device_fp_config fp = 0;
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof fp, &fp, NULL);
    snprintf(options, sizeof options, "-cl-std=CL1.2 %s -DLS_CHUNK=%du %s",
             fp & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT ? "-cl-fp32-correctly-rounded-divide-sqrt"
                                                      : "",
             LS_CHUNK, defines);
    if (d->binaries && ls_cl_recall_program(d, source, size, options, out)) return LS_OK;
    LS_TRY(build_source(d, source, size, options, out, err));
    if (d->binaries) ls_cl_remember_program(d, source, size, options, *out);
    return LS_OK;
}

static ls_status build_program(ls_cl_device *d, const ls_cl_found *found, ls_error *err)
{
    LS_TRY(ls_cl_build(d, ls_kernel_source, ls_kernel_source_size, "", &d->program, err));
    for (int i = 0; i < LS_KERNEL_COUNT; i++) {
        cl_int code;
        d->kernel[i] = d->cl.clCreateKernel(d->program, kernel_names[i], &code);
        if (code != CL_SUCCESS)
            return ls_fail(err, LS_ERR_DEVICE,
                           "OpenCL: creating the kernel '%s' on %s failed with %s", kernel_names[i],
                           found->info.name, ls_cl_error_name(code));
    }
    return LS_OK;
}

void ls_cl_device_close(ls_backend *base)
{
    ls_cl_device *d = (ls_cl_device *)base;
    for (int i = 0; i < LS_KERNEL_COUNT; i++)
        if (d->kernel[i]) d->cl.clReleaseKernel(d->kernel[i]);
    ls_cl_release_variants(d);
    ls_cl_small_close(d);
    if (d->program) d->cl.clReleaseProgram(d->program);
    if (d->queue) d->cl.clReleaseCommandQueue(d->queue);
    if (d->context) d->cl.clReleaseContext(d->context);
    free(d);
}

static void describe_limits(ls_cl_device *d, const ls_cl_found *found)
{
    cl_ulong largest = 0, local = 0;
    cl_uint lanes = 0, units = 1;
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof largest, &largest, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof lanes, &lanes, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof d->group, &d->group, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_VENDOR_ID, sizeof d->vendor, &d->vendor, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    d->units = units ? units : 1;
    d->largest = (size_t)largest;
    d->local_memory = (size_t)local;
    d->lanes = lanes;
    d->cpu = ls_device_kind_of(&found->info) == LS_KIND_CPU;
}

ls_status ls_cl_device_open(const ls_cl_api *cl, const ls_cl_found *found, ls_cl_device **out,
                            ls_error *err)
{
    ls_cl_device *d;
    cl_int code;
    LS_TRY(ls_alloc(&d, 1, sizeof *d, "a device", err));
    d->base.slots = &ls_cl_slots;
    d->cl = *cl;
    d->id = found->id;
    d->info = found->info;
    d->binaries = ls_cl_keeps_binaries(&d->info);
    describe_limits(d, found);
    ls_cl_default_tiles(d);
    ls_cl_recall_tiles(d, &found->info);
    d->context = cl->clCreateContext(NULL, 1, &d->id, NULL, NULL, &code);
    ls_status status = ls_cl_check(code, "creating a context", err);
    if (status == LS_OK) {
        d->queue = cl->clCreateCommandQueue(d->context, d->id, 0, &code);
        status = ls_cl_check(code, "creating a command queue", err);
    }
    if (status == LS_OK) status = build_program(d, found, err);
    if (status != LS_OK) {
        ls_cl_device_close(&d->base);
        return status;
    }
    *out = d;
    return LS_OK;
}
