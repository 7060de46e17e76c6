/* SPDX-License-Identifier: MIT */
/* A libOpenCL.so.1 for tests. It passes all calls on to the real loader (FAILING_OPENCL_REAL, its
 * path) but one, as FAILING_OPENCL says: "HOW NAME N", the N-th call (from 1) of the function NAME,
 * or of any for "*". HOW is
 *   -5      it returns this error     -5+     so do all calls of that name after it
 *   abort   it ends the process       hang    it never returns
 *   exit    it calls exit(3)          kill    it ends the process as somebody else would
 *   flip    a bit of what it has read is wrong (clEnqueueReadBuffer)
 *   skip    it does nothing (clEnqueueNDRangeKernel)
 * FAILING_OPENCL_LIMITS is "LOCAL GROUP": devices are GPUs with so many bytes of local memory and
 * work-items in a group, and launches of more fail.
 * FAILING_OPENCL_COUNTS is a file of failing_counts, which all processes add to. */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/loader/failing_opencl.h"

typedef enum { PASS, FAIL, FLIP, SKIP } verdict;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static failing_counts none, *counts;
static void *real;
static char how[32], name[64];
static long number, seen;
static size_t local_limit, group_limit; /* 0: those of the device */

static void set_up(void)
{
    const char *plan = getenv("FAILING_OPENCL"), *path = getenv("FAILING_OPENCL_COUNTS"),
               *limits = getenv("FAILING_OPENCL_LIMITS");
    real = dlopen(getenv("FAILING_OPENCL_REAL"), RTLD_NOW | RTLD_LOCAL);
    if (!real) abort();
    counts = &none;
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = file >= 0 ? mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                         : MAP_FAILED;
    if (at != MAP_FAILED) counts = at;
    if (file >= 0) close(file);
    if (!plan || sscanf(plan, "%31s %63s %ld", how, name, &number) != 3) number = 0;
    if (!limits || sscanf(limits, "%zu %zu", &local_limit, &group_limit) != 2) group_limit = 0;
}

static void *function(const char *which)
{
    pthread_mutex_lock(&lock);
    if (!real) set_up();
    pthread_mutex_unlock(&lock);
    void *found = dlsym(real, which);
    if (!found) abort();
    return found;
}

/* Counts the call and says what becomes of it. */
static verdict judge(const char *which, size_t index, cl_int *code)
{
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&counts->calls, 1);
    atomic_fetch_add(&counts->of[index], 1);
    bool mine = number && (!strcmp(name, "*") || !strcmp(name, which));
    if (mine) seen++;
    bool lost = strchr(how, '+') != NULL;
    mine = mine && (seen == number || (lost && seen > number));
    pthread_mutex_unlock(&lock);
    if (!mine) return PASS;
    atomic_fetch_add(&counts->failures, 1);
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "exit")) exit(3);
    if (!strcmp(how, "kill")) kill(getpid(), SIGKILL);
    if (!strcmp(how, "hang"))
        for (;;) pause();
    if (!strcmp(how, "flip")) return FLIP;
    if (!strcmp(how, "skip")) return SKIP;
    *code = (cl_int)strtol(how, NULL, 10);
    return FAIL;
}

static void created(failing_kind kind, const void *object)
{
    if (object) atomic_fetch_add(&counts->created[kind], 1);
}
static void released(failing_kind kind) { atomic_fetch_add(&counts->released[kind], 1); }

/* The number of a function in FAILING_FUNCTIONS. */
enum {
#define X(function) INDEX_##function,
    FAILING_FUNCTIONS(X)
#undef X
};

/* Begins a function: `pass` is the real one, and `what` what becomes of the call. */
#define BEGIN(function_name)                                                                       \
    static __typeof__(&function_name) pass;                                                        \
    cl_int code = CL_SUCCESS;                                                                      \
    if (!pass) *(void **)&pass = function(#function_name);                                         \
    verdict what = judge(#function_name, INDEX_##function_name, &code);                            \
    (void)what

/* A function that returns an error code; `extra` is done if it is called. */
#define CALL(function_name, parameters, arguments, extra)                                          \
    cl_int function_name parameters                                                                \
    {                                                                                              \
        BEGIN(function_name);                                                                      \
        if (what == FAIL) return code;                                                             \
        extra;                                                                                     \
        return pass arguments;                                                                     \
    }
/* One that returns an object, and its error through `error`. */
#define CREATE(type, kind, function_name, parameters, arguments)                                   \
    type function_name parameters                                                                  \
    {                                                                                              \
        BEGIN(function_name);                                                                      \
        if (what == FAIL) {                                                                        \
            if (error) *error = code;                                                              \
            return NULL;                                                                           \
        }                                                                                          \
        type object = pass arguments;                                                              \
        created(kind, object);                                                                     \
        return object;                                                                             \
    }

CALL(clGetPlatformIDs, (cl_uint n, cl_platform_id *list, cl_uint *count), (n, list, count), )
CALL(clGetPlatformInfo, (cl_platform_id p, cl_platform_info i, size_t n, void *to, size_t *size),
     (p, i, n, to, size), )
CALL(clGetDeviceIDs,
     (cl_platform_id p, cl_device_type t, cl_uint n, cl_device_id *list, cl_uint *count),
     (p, t, n, list, count), )
static cl_int give(const void *value, size_t bytes, size_t n, void *to, size_t *size)
{
    if (size) *size = bytes;
    if (to && n < bytes) return CL_INVALID_VALUE;
    if (to) memcpy(to, value, bytes);
    return CL_SUCCESS;
}

cl_int clGetDeviceInfo(cl_device_id d, cl_device_info i, size_t n, void *to, size_t *size)
{
    BEGIN(clGetDeviceInfo);
    const cl_device_type gpu = CL_DEVICE_TYPE_GPU;
    const cl_ulong local = local_limit;
    if (what == FAIL) return code;
    if (group_limit && i == CL_DEVICE_TYPE) return give(&gpu, sizeof gpu, n, to, size);
    if (group_limit && i == CL_DEVICE_LOCAL_MEM_SIZE)
        return give(&local, sizeof local, n, to, size);
    if (group_limit && i == CL_DEVICE_MAX_WORK_GROUP_SIZE)
        return give(&group_limit, sizeof group_limit, n, to, size);
    return pass(d, i, n, to, size);
}

cl_context clCreateContext(const cl_context_properties *p, cl_uint n, const cl_device_id *d,
                           void(CL_CALLBACK *tell)(const char *, const void *, size_t, void *),
                           void *user, cl_int *error)
{
    BEGIN(clCreateContext);
    if (what == FAIL) {
        if (error) *error = code;
        return NULL;
    }
    cl_context object = pass(p, n, d, tell, user, error);
    created(FAILING_CONTEXT, object);
    return object;
}
CALL(clReleaseContext, (cl_context c), (c), released(FAILING_CONTEXT))
CREATE(cl_command_queue, FAILING_QUEUE, clCreateCommandQueue,
       (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *error),
       (c, d, p, error))
CALL(clReleaseCommandQueue, (cl_command_queue q), (q), released(FAILING_QUEUE))

CREATE(cl_program, FAILING_PROGRAM, clCreateProgramWithSource,
       (cl_context c, cl_uint n, const char **text, const size_t *size, cl_int *error),
       (c, n, text, size, error))
CREATE(cl_program, FAILING_PROGRAM, clCreateProgramWithBinary,
       (cl_context c, cl_uint n, const cl_device_id *d, const size_t *size,
        const unsigned char **bytes, cl_int *status, cl_int *error),
       (c, n, d, size, bytes, status, error))
CALL(clGetProgramInfo, (cl_program p, cl_program_info i, size_t n, void *to, size_t *size),
     (p, i, n, to, size), )
cl_int clBuildProgram(cl_program p, cl_uint n, const cl_device_id *d, const char *options,
                      void(CL_CALLBACK *tell)(cl_program, void *), void *user)
{
    BEGIN(clBuildProgram);
    return what == FAIL ? code : pass(p, n, d, options, tell, user);
}
CALL(clGetProgramBuildInfo,
     (cl_program p, cl_device_id d, cl_program_build_info i, size_t n, void *to, size_t *size),
     (p, d, i, n, to, size), )
CALL(clReleaseProgram, (cl_program p), (p), released(FAILING_PROGRAM))

CREATE(cl_kernel, FAILING_KERNEL, clCreateKernel, (cl_program p, const char *text, cl_int *error),
       (p, text, error))
CALL(clReleaseKernel, (cl_kernel k), (k), released(FAILING_KERNEL))
CALL(clGetKernelWorkGroupInfo,
     (cl_kernel k, cl_device_id d, cl_kernel_work_group_info i, size_t n, void *to, size_t *size),
     (k, d, i, n, to, size), )
CALL(clSetKernelArg, (cl_kernel k, cl_uint i, size_t n, const void *from), (k, i, n, from), )

CREATE(cl_mem, FAILING_BUFFER, clCreateBuffer,
       (cl_context c, cl_mem_flags f, size_t n, void *from, cl_int *error), (c, f, n, from, error))
CALL(clReleaseMemObject, (cl_mem m), (m), released(FAILING_BUFFER))

/* What a device with these limits would say of a launch. */
static cl_int check_limits(cl_command_queue q, cl_kernel k, cl_uint n, const size_t *local)
{
    cl_int (*ask)(cl_kernel, cl_device_id, cl_kernel_work_group_info, size_t, void *, size_t *);
    cl_int (*owner)(cl_command_queue, cl_command_queue_info, size_t, void *, size_t *);
    cl_device_id device;
    cl_ulong bytes = 0;
    size_t items = 1;
    *(void **)&ask = function("clGetKernelWorkGroupInfo");
    *(void **)&owner = function("clGetCommandQueueInfo");
    for (cl_uint i = 0; i < n && local; i++) items *= local[i];
    if (items > group_limit) return CL_INVALID_WORK_GROUP_SIZE;
    if (owner(q, CL_QUEUE_DEVICE, sizeof device, &device, NULL) == CL_SUCCESS)
        ask(k, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof bytes, &bytes, NULL);
    return bytes > local_limit ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue q, cl_kernel k, cl_uint n, const size_t *offset,
                              const size_t *global, const size_t *local, cl_uint waits,
                              const cl_event *list, cl_event *event)
{
    BEGIN(clEnqueueNDRangeKernel);
    if (what == FAIL || what == SKIP) return code;
    if (group_limit) code = check_limits(q, k, n, local);
    if (code != CL_SUCCESS) return code;
    return pass(q, k, n, offset, global, local, waits, list, event);
}

cl_int clEnqueueReadBuffer(cl_command_queue q, cl_mem m, cl_bool wait, size_t at, size_t n,
                           void *to, cl_uint waits, const cl_event *list, cl_event *event)
{
    BEGIN(clEnqueueReadBuffer);
    if (what == FAIL) return code;
    code = pass(q, m, what == FLIP ? CL_TRUE : wait, at, n, to, waits, list, event);
    if (what == FLIP && code == CL_SUCCESS && n) ((unsigned char *)to)[n / 2] ^= 1;
    return code;
}
CALL(clEnqueueWriteBuffer,
     (cl_command_queue q, cl_mem m, cl_bool wait, size_t at, size_t n, const void *from,
      cl_uint waits, const cl_event *list, cl_event *event),
     (q, m, wait, at, n, from, waits, list, event), )
CALL(clEnqueueCopyBuffer,
     (cl_command_queue q, cl_mem m, cl_mem to, size_t at, size_t to_at, size_t n, cl_uint waits,
      const cl_event *list, cl_event *event),
     (q, m, to, at, to_at, n, waits, list, event), )
CALL(clEnqueueFillBuffer,
     (cl_command_queue q, cl_mem m, const void *pattern, size_t each, size_t at, size_t n,
      cl_uint waits, const cl_event *list, cl_event *event),
     (q, m, pattern, each, at, n, waits, list, event), )
CALL(clFinish, (cl_command_queue q), (q), )
CALL(clFlush, (cl_command_queue q), (q), )

cl_int clEnqueueMarkerWithWaitList(cl_command_queue q, cl_uint waits, const cl_event *list,
                                   cl_event *event)
{
    BEGIN(clEnqueueMarkerWithWaitList);
    if (what == FAIL) return code;
    code = pass(q, waits, list, event);
    if (event && code == CL_SUCCESS) created(FAILING_EVENT, *event);
    return code;
}
CALL(clWaitForEvents, (cl_uint n, const cl_event *list), (n, list), )
CALL(clReleaseEvent, (cl_event e), (e), released(FAILING_EVENT))
