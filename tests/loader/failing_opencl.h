/* SPDX-License-Identifier: MIT */
/* What failing_opencl.c counts. */
#ifndef LOADER_FAILING_OPENCL_H
#define LOADER_FAILING_OPENCL_H

#include <stdatomic.h>
#include <stdio.h>

/* The functions of the loader, as in host/opencl/cl_api.h. */
#define FAILING_FUNCTIONS(X)                                                                       \
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

typedef enum {
    FAILING_CONTEXT,
    FAILING_QUEUE,
    FAILING_PROGRAM,
    FAILING_KERNEL,
    FAILING_BUFFER,
    FAILING_EVENT,
    FAILING_KINDS
} failing_kind;

/* The file FAILING_OPENCL_COUNTS. */
typedef struct {
    atomic_long calls, failures;
    atomic_long of[64]; /* calls of each function, in the order above */
    atomic_long created[FAILING_KINDS], released[FAILING_KINDS];
} failing_counts;

#endif
