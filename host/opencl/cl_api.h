/* SPDX-License-Identifier: MIT */
/* The OpenCL loader, opened at run time, so that one binary runs with and without it. */
#ifndef LS_CL_API_H
#define LS_CL_API_H

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include "host/base/error.h"
#include <CL/cl.h>

/* All functions in use; the fields of ls_cl_api and the look-up by name come from this list. */
#define LS_CL_FUNCTIONS(X)                                                                         \
    X(clGetPlatformIDs)                                                                            \
    X(clGetPlatformInfo)                                                                           \
    X(clGetDeviceIDs)                                                                              \
    X(clGetDeviceInfo)                                                                             \
    X(clCreateContext)                                                                             \
    X(clReleaseContext)                                                                            \
    X(clCreateCommandQueue)                                                                        \
    X(clReleaseCommandQueue)                                                                       \
    X(clCreateProgramWithSource)                                                                   \
    X(clCreateProgramWithBinary)                                                                   \
    X(clGetProgramInfo)                                                                            \
    X(clBuildProgram)                                                                              \
    X(clGetProgramBuildInfo)                                                                       \
    X(clReleaseProgram)                                                                            \
    X(clCreateKernel)                                                                              \
    X(clReleaseKernel)                                                                             \
    X(clGetKernelWorkGroupInfo)                                                                    \
    X(clSetKernelArg)                                                                              \
    X(clCreateBuffer)                                                                              \
    X(clReleaseMemObject)                                                                          \
    X(clEnqueueNDRangeKernel)                                                                      \
    X(clEnqueueReadBuffer)                                                                         \
    X(clEnqueueWriteBuffer)                                                                        \
    X(clEnqueueCopyBuffer)                                                                         \
    X(clEnqueueFillBuffer)                                                                         \
    X(clFinish)                                                                                    \
    X(clFlush)                                                                                     \
    X(clEnqueueMarkerWithWaitList)                                                                 \
    X(clWaitForEvents)                                                                             \
    X(clReleaseEvent)

typedef struct {
    void *library;
#define LS_X(name) __typeof__(&name) name;
    LS_CL_FUNCTIONS(LS_X)
#undef LS_X
} ls_cl_api;

/* Fails with LS_ERR_DEVICE and the reason if there is no loader or it is too old. */
ls_status ls_cl_api_open(ls_cl_api *api, ls_error *err);
void ls_cl_api_close(ls_cl_api *api);

/* "CL_OUT_OF_RESOURCES" for -5 and so on. */
const char *ls_cl_error_name(cl_int code);

/* Fails unless code is CL_SUCCESS; the message has `doing`, what was being done, and the name of
 * the error. */
ls_status ls_cl_check(cl_int code, const char *doing, ls_error *err);

#endif
