/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_api.h"
#include "host/base/error.h"
#include <dlfcn.h>

ls_status ls_cl_api_open(ls_cl_api *api, ls_error *err)
{
    static const char *const names[] = {"libOpenCL.so.1", "libOpenCL.so", "libOpenCL.dylib",
                                        "/System/Library/Frameworks/OpenCL.framework/OpenCL"};
    *api = (ls_cl_api){0};
    for (size_t i = 0; i < sizeof names / sizeof *names && !api->library; i++)
        api->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!api->library)
        return ls_fail(
            err, LS_ERR_DEVICE,
            "no OpenCL loader (libOpenCL.so.1) is installed; on Debian: apt install ocl-icd-libopencl1");
#define LS_X(name)                                                                                 \
    *(void **)&api->name = dlsym(api->library, #name);                                             \
    if (!api->name) {                                                                              \
        ls_cl_api_close(api);                                                                      \
        return ls_fail(err, LS_ERR_DEVICE,                                                         \
                       "the OpenCL loader is too old: it has no %s; OpenCL 1.2 is needed", #name); \
    }
    LS_CL_FUNCTIONS(LS_X)
#undef LS_X
    return LS_OK;
}

void ls_cl_api_close(ls_cl_api *api)
{
    /* Drivers start threads and exit handlers of their own, which outlive an unloaded library: it
     * stays loaded, and opening it again costs nothing. */
    *api = (ls_cl_api){0};
}

const char *ls_cl_error_name(cl_int code)
{
#define NAME(name)                                                                                 \
    case name: return #name;
    switch (code) {
        NAME(CL_SUCCESS)
        NAME(CL_DEVICE_NOT_FOUND)
        NAME(CL_DEVICE_NOT_AVAILABLE)
        NAME(CL_COMPILER_NOT_AVAILABLE)
        NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE)
        NAME(CL_OUT_OF_RESOURCES)
        NAME(CL_OUT_OF_HOST_MEMORY)
        NAME(CL_PROFILING_INFO_NOT_AVAILABLE)
        NAME(CL_MEM_COPY_OVERLAP)
        NAME(CL_BUILD_PROGRAM_FAILURE)
        NAME(CL_MAP_FAILURE)
        NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET)
        NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST) NAME(CL_COMPILE_PROGRAM_FAILURE) NAME(
            CL_LINKER_NOT_AVAILABLE) NAME(CL_LINK_PROGRAM_FAILURE) NAME(CL_DEVICE_PARTITION_FAILED)
            NAME(CL_KERNEL_ARG_INFO_NOT_AVAILABLE) NAME(CL_INVALID_VALUE) NAME(
                CL_INVALID_DEVICE_TYPE) NAME(CL_INVALID_PLATFORM) NAME(CL_INVALID_DEVICE)
                NAME(CL_INVALID_CONTEXT) NAME(CL_INVALID_QUEUE_PROPERTIES) NAME(
                    CL_INVALID_COMMAND_QUEUE) NAME(CL_INVALID_HOST_PTR) NAME(CL_INVALID_MEM_OBJECT)
                    NAME(CL_INVALID_BINARY) NAME(CL_INVALID_BUILD_OPTIONS) NAME(CL_INVALID_PROGRAM)
                        NAME(CL_INVALID_PROGRAM_EXECUTABLE) NAME(CL_INVALID_KERNEL_NAME)
                            NAME(CL_INVALID_KERNEL_DEFINITION) NAME(CL_INVALID_KERNEL) NAME(
                                CL_INVALID_ARG_INDEX) NAME(CL_INVALID_ARG_VALUE)
                                NAME(CL_INVALID_ARG_SIZE) NAME(CL_INVALID_KERNEL_ARGS) NAME(
                                    CL_INVALID_WORK_DIMENSION) NAME(CL_INVALID_WORK_GROUP_SIZE)
                                    NAME(CL_INVALID_WORK_ITEM_SIZE) NAME(CL_INVALID_GLOBAL_OFFSET)
                                        NAME(CL_INVALID_EVENT_WAIT_LIST) NAME(CL_INVALID_EVENT)
                                            NAME(CL_INVALID_OPERATION) NAME(CL_INVALID_BUFFER_SIZE)
                                                NAME(CL_INVALID_GLOBAL_WORK_SIZE)
                                                    NAME(CL_INVALID_PROPERTY)
                                                        NAME(CL_INVALID_COMPILER_OPTIONS) NAME(
                                                            CL_INVALID_LINKER_OPTIONS) case -1001
            : return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return "an unknown OpenCL error";
    }
#undef NAME
}

ls_status ls_cl_check(cl_int code, const char *doing, ls_error *err)
{
    if (code == CL_SUCCESS) return LS_OK;
    if (code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY ||
        code == CL_INVALID_BUFFER_SIZE)
        return ls_fail(
            err, LS_ERR_MEMORY,
            "OpenCL: the device has no memory left (%s failed with %s); use a smaller --batch or network, or "
            "--device cpu",
            doing, ls_cl_error_name(code));
    return ls_fail(err, LS_ERR_DEVICE, "OpenCL: %s failed with %s (%d)", doing,
                   ls_cl_error_name(code), (int)code);
}
