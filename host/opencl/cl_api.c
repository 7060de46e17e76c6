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
        return ls_fail(err, LS_ERR_DEVICE,
                       "no OpenCL loader (libOpenCL.so.1) is installed; on Debian: apt install "
                       "ocl-icd-libopencl1");
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
    /* The library stays loaded: drivers start threads and exit handlers that would outlive it.
     * Opening it again costs nothing. */
    *api = (ls_cl_api){0};
}

#define ERRORS(X)                                                                                  \
    X(CL_SUCCESS)                                                                                  \
    X(CL_DEVICE_NOT_FOUND)                                                                         \
    X(CL_DEVICE_NOT_AVAILABLE)                                                                     \
    X(CL_COMPILER_NOT_AVAILABLE)                                                                   \
    X(CL_MEM_OBJECT_ALLOCATION_FAILURE)                                                            \
    X(CL_OUT_OF_RESOURCES)                                                                         \
    X(CL_OUT_OF_HOST_MEMORY)                                                                       \
    X(CL_PROFILING_INFO_NOT_AVAILABLE)                                                             \
    X(CL_MEM_COPY_OVERLAP)                                                                         \
    X(CL_BUILD_PROGRAM_FAILURE)                                                                    \
    X(CL_MAP_FAILURE)                                                                              \
    X(CL_MISALIGNED_SUB_BUFFER_OFFSET)                                                             \
    X(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)                                                \
    X(CL_COMPILE_PROGRAM_FAILURE)                                                                  \
    X(CL_LINKER_NOT_AVAILABLE)                                                                     \
    X(CL_LINK_PROGRAM_FAILURE)                                                                     \
    X(CL_DEVICE_PARTITION_FAILED)                                                                  \
    X(CL_KERNEL_ARG_INFO_NOT_AVAILABLE)                                                            \
    X(CL_INVALID_VALUE)                                                                            \
    X(CL_INVALID_DEVICE_TYPE)                                                                      \
    X(CL_INVALID_PLATFORM)                                                                         \
    X(CL_INVALID_DEVICE)                                                                           \
    X(CL_INVALID_CONTEXT)                                                                          \
    X(CL_INVALID_QUEUE_PROPERTIES)                                                                 \
    X(CL_INVALID_COMMAND_QUEUE)                                                                    \
    X(CL_INVALID_HOST_PTR)                                                                         \
    X(CL_INVALID_MEM_OBJECT)                                                                       \
    X(CL_INVALID_BINARY)                                                                           \
    X(CL_INVALID_BUILD_OPTIONS)                                                                    \
    X(CL_INVALID_PROGRAM)                                                                          \
    X(CL_INVALID_PROGRAM_EXECUTABLE)                                                               \
    X(CL_INVALID_KERNEL_NAME)                                                                      \
    X(CL_INVALID_KERNEL_DEFINITION)                                                                \
    X(CL_INVALID_KERNEL)                                                                           \
    X(CL_INVALID_ARG_INDEX)                                                                        \
    X(CL_INVALID_ARG_VALUE)                                                                        \
    X(CL_INVALID_ARG_SIZE)                                                                         \
    X(CL_INVALID_KERNEL_ARGS)                                                                      \
    X(CL_INVALID_WORK_DIMENSION)                                                                   \
    X(CL_INVALID_WORK_GROUP_SIZE)                                                                  \
    X(CL_INVALID_WORK_ITEM_SIZE)                                                                   \
    X(CL_INVALID_GLOBAL_OFFSET)                                                                    \
    X(CL_INVALID_EVENT_WAIT_LIST)                                                                  \
    X(CL_INVALID_EVENT)                                                                            \
    X(CL_INVALID_OPERATION)                                                                        \
    X(CL_INVALID_BUFFER_SIZE)                                                                      \
    X(CL_INVALID_GLOBAL_WORK_SIZE)                                                                 \
    X(CL_INVALID_PROPERTY)                                                                         \
    X(CL_INVALID_COMPILER_OPTIONS)                                                                 \
    X(CL_INVALID_LINKER_OPTIONS)

const char *ls_cl_error_name(cl_int code)
{
#define LS_X(name)                                                                                 \
    case name: return #name;
    switch (code) {
        ERRORS(LS_X)
    case -1001: return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return "an unknown OpenCL error";
    }
#undef LS_X
}

ls_status ls_cl_check(cl_int code, const char *doing, ls_error *err)
{
    if (code == CL_SUCCESS) return LS_OK;
    if (code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY ||
        code == CL_INVALID_BUFFER_SIZE)
        return ls_fail(err, LS_ERR_MEMORY,
                       "OpenCL: the device is out of memory (%s failed with %s); use a smaller "
                       "--batch or network, or --device cpu",
                       doing, ls_cl_error_name(code));
    return ls_fail(err, LS_ERR_DEVICE, "OpenCL: %s failed with %s (%d)", doing,
                   ls_cl_error_name(code), (int)code);
}
