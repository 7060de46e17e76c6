/* SPDX-License-Identifier: MIT */
/* Shared libraries for tests/test_doctor.c, one for each value of FAKE: what is wrong with them. */
#define ABORTS 1  /* when it is opened */
#define HANGS 2   /* when it is opened */
#define NOTHING 3 /* it is no driver */
#define RUSTICL 4 /* a driver with a platform without devices */
#define GPU 5     /* a driver with a platform that lists a GPU */
#define NO_GPU 6  /* a driver without a platform */
#define LOADER 7  /* looks like a loader */

#if FAKE == ABORTS || FAKE == HANGS
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void fail(void)
{
    if (FAKE == ABORTS) abort();
    for (;;) pause();
}
#elif FAKE == LOADER
int clGetPlatformIDs(void);
int clGetPlatformIDs(void) { return -1001; }
#elif FAKE == NOTHING
int nothing(void);
int nothing(void) { return 0; }
#else
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <string.h>

CL_API_ENTRY cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint most, cl_platform_id *list,
                                                       cl_uint *count);
CL_API_ENTRY void *CL_API_CALL clGetExtensionFunctionAddress(const char *name);
CL_API_ENTRY cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id platform, cl_platform_info what,
                                                  size_t size, void *value, size_t *needed);

static cl_int not_there(void) { return CL_INVALID_VALUE; }

static cl_int get_devices(cl_platform_id platform, cl_device_type type, cl_uint most,
                          cl_device_id *list, cl_uint *count);

static void *table[256];
static struct {
    void **dispatch;
} platform = {table}, device = {table};

cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id which, cl_platform_info what, size_t size,
                                     void *value, size_t *needed)
{
    const char *text = what == CL_PLATFORM_NAME ? (FAKE == RUSTICL ? "rusticl" : "a platform")
                       : what == CL_PLATFORM_EXTENSIONS ? "cl_khr_icd"
                       : what == CL_PLATFORM_VERSION    ? "OpenCL 1.2 of the tests"
                                                        : "test";
    (void)which;
    if (needed) *needed = strlen(text) + 1;
    if (value && size > strlen(text)) strcpy(value, text);
    return CL_SUCCESS;
}

static cl_int get_devices(cl_platform_id which, cl_device_type type, cl_uint most,
                          cl_device_id *list, cl_uint *count)
{
    (void)which, (void)type;
    if (count) *count = FAKE == GPU;
    if (FAKE != GPU) return CL_DEVICE_NOT_FOUND;
    if (list && most) list[0] = (cl_device_id)&device;
    return CL_SUCCESS;
}

cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint most, cl_platform_id *list, cl_uint *count)
{
    for (int i = 0; i < 256; i++) table[i] = (void *)not_there;
    table[1] = (void *)clGetPlatformInfo;
    table[2] = (void *)get_devices;
    if (count) *count = FAKE != NO_GPU;
    if (FAKE == NO_GPU) return -1001;
    if (list && most) list[0] = (cl_platform_id)&platform;
    return CL_SUCCESS;
}

void *CL_API_CALL clGetExtensionFunctionAddress(const char *name)
{
    if (!strcmp(name, "clIcdGetPlatformIDsKHR")) return (void *)clIcdGetPlatformIDsKHR;
    return !strcmp(name, "clGetPlatformInfo") ? (void *)clGetPlatformInfo : NULL;
}
#endif
