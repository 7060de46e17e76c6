/* SPDX-License-Identifier: MIT */
/* Finding OpenCL devices, and judging them by what they report. */
#include "host/opencl/cl_find.h"
#include "host/base/text.h"
#include "host/network/device_kind.h"
#include "host/opencl/cl_guess.h"
#include <stdlib.h>
#include <string.h>

/* A text property without surrounding blanks; empty if the device does not report it. */
static void device_text(const ls_cl_api *cl, cl_device_id id, cl_device_info what, char *out,
                        size_t size)
{
    char text[1024] = "";
    if (cl->clGetDeviceInfo(id, what, sizeof text - 1, text, NULL) != CL_SUCCESS) text[0] = 0;
    const char *from = text + strspn(text, " \t\n");
    snprintf(out, size, "%s", from);
    for (size_t n = strlen(out); n && strchr(" \t\n", out[n - 1]); n--) out[n - 1] = 0;
}

/* Checks that a device reports all that the contract (docs/arithmetic.md) needs. */
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
        snprintf(info->reason, sizeof info->reason, "the driver reports that it is not available");
    else if (!compiler) snprintf(info->reason, sizeof info->reason, "the driver has no compiler");
    else if (*lacks) snprintf(info->reason, sizeof info->reason, "does not report %s", lacks);
    info->exact = !*info->reason;
}

/* Compilers of the same driver version may differ in what is told here (PoCL: LLVM's version). */
static void describe_version(const ls_cl_api *cl, cl_platform_id platform, cl_device_id id,
                             ls_device_info *info)
{
    char device[100], of_platform[1024] = "";
    device_text(cl, id, CL_DEVICE_VERSION, device, sizeof device);
    if (cl->clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof of_platform - 1, of_platform,
                              NULL) != CL_SUCCESS)
        of_platform[0] = 0;
    snprintf(info->version, sizeof info->version, "%s, platform %.140s", device, of_platform);
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
    describe_version(cl, platform, id, info);
    ls_clean_utf8(info->name), ls_clean_utf8(info->vendor);
    ls_clean_utf8(info->driver), ls_clean_utf8(info->platform);
    ls_clean_utf8(info->version);
    judge_reported(cl, id, info);
}

/* Appends the devices of one platform; one without devices (a driver that is not set up) is
 * skipped. */
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
        more[*count] = (ls_cl_found){.id = ids[i], .number = *count};
        describe(cl, platform, ids[i], &more[*count].info);
        ls_cl_guess_speed(cl, ids[i], &more[(*count)++].guess);
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
        snprintf(note, 256,
                 "the OpenCL loader finds no driver (%s); install one, on Debian for instance "
                 "pocl-opencl-icd",
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
