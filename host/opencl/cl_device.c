/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_device.h"
#include "host/base/memory.h"
#include "host/network/device_kind.h"
#include <stdlib.h>
#include <unistd.h>

static void describe_limits(ls_cl_device *d, const ls_cl_found *found)
{
    cl_ulong largest = 0, local = 0;
    cl_uint lanes = 0, units = 1;
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof largest, &largest, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof lanes, &lanes, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof d->group_limit,
                          &d->group_limit, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_VENDOR_ID, sizeof d->vendor, &d->vendor, NULL);
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    d->compute_units = units ? units : 1;
    d->buffer_limit = (size_t)largest;
    d->local_memory = (size_t)local;
    d->lanes = lanes;
    d->is_cpu = ls_device_kind_of(&found->info) == LS_KIND_CPU;
    if (!d->is_cpu && d->group_limit) {
        d->pass_group = d->group_limit < LS_CL_PASS_GROUP ? d->group_limit : LS_CL_PASS_GROUP;
        d->pass_groups = d->compute_units * (LS_CL_PASS_ITEMS / d->pass_group);
    }
}

ls_status ls_cl_device_create(const ls_cl_api *cl, const ls_cl_found *found, ls_cl_device **out,
                              ls_error *err)
{
    ls_cl_device *d;
    cl_int code;
    LS_TRY(ls_alloc(&d, 1, sizeof *d, "a device", err));
    pthread_mutex_init(&d->noting, NULL);
    d->cl = *cl;
    d->counts = &d->own_counts;
    d->owner = getpid();
    d->id = found->id;
    d->number = found->number;
    d->info = found->info;
    describe_limits(d, found);
    d->context = cl->clCreateContext(NULL, 1, &d->id, NULL, NULL, &code);
    ls_status status = ls_cl_check(code, "creating a context", err);
    if (status == LS_OK) {
        d->queue = cl->clCreateCommandQueue(d->context, d->id, 0, &code);
        status = ls_cl_check(code, "creating a command queue", err);
    }
    if (status != LS_OK) {
        ls_cl_device_free(d);
        return status;
    }
    *out = d;
    return LS_OK;
}

ls_status ls_cl_owned(const ls_cl_device *d, ls_error *err)
{
    if (d->owner == getpid()) return LS_OK;
    return ls_fail(err, LS_ERR_DEVICE,
                   "%s was opened before the process was forked; open it in the new process",
                   d->info.name);
}

void ls_cl_device_free(ls_cl_device *d)
{
    if (d->queue) d->cl.clReleaseCommandQueue(d->queue);
    if (d->context) d->cl.clReleaseContext(d->context);
    free(d->noted.text);
    pthread_mutex_destroy(&d->noting);
    free(d);
}

ls_status ls_cl_buffer(ls_cl_device *d, size_t floats, const char *what, cl_mem *out, ls_error *err)
{
    cl_int code;
    size_t bytes;
    if (!ls_mul_size(floats ? floats : 1, sizeof(float), &bytes) ||
        (d->buffer_limit && bytes > d->buffer_limit))
        return ls_fail(
            err, LS_ERR_MEMORY,
            "%s needs %.1f MB, more than the device's largest buffer of %.1f MB; use a smaller "
            "--batch or network, or --device cpu",
            what, (double)floats * 4e-6, (double)d->buffer_limit * 1e-6);
    cl_mem buffer = d->cl.clCreateBuffer(d->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    LS_TRY(ls_cl_check(code, "allocating memory on the device", err));
    *out = buffer;
    return LS_OK;
}
