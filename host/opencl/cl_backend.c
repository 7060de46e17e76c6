/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_backend.h"
#include "host/opencl/cl_binary.h"
#include "host/opencl/cl_image_program.h"
#include "host/opencl/cl_layered.h"
#include "host/opencl/cl_matmul.h"
#include "host/opencl/cl_program.h"
#include "host/opencl/cl_ptx.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/cl_workspace.h"

/* Slot: arenas are the device's. */
static float *no_memory(ls_workspace *workspace, size_t index)
{
    (void)workspace, (void)index;
    return NULL;
}

const ls_backend_slots ls_cl_slots = {
    .workspace_open = ls_cl_workspace_open,
    .workspace_load = ls_cl_workspace_load,
    .workspace_close = ls_cl_workspace_close,
    .member_add = ls_cl_member_add,
    .member_remove = ls_cl_member_remove,
    .run = ls_cl_run,
    .run_part = ls_cl_run_part,
    .memory = no_memory,
    .infer = ls_cl_infer,
    .read = ls_cl_read,
    .read_twice = ls_cl_arena_read_twice,
    .write = ls_cl_write,
    .copy = ls_cl_copy,
    .note = ls_cl_note,
    .builds = ls_cl_builds,
    .close = ls_cl_backend_close,
};

ls_status ls_cl_backend_create(const ls_cl_api *cl, const ls_cl_found *found,
                               ls_cl_copies_use copies, ls_cl_device **out, ls_error *err)
{
    ls_cl_device *d;
    LS_TRY(ls_cl_device_create(cl, found, &d, err));
    d->base.slots = &ls_cl_slots;
    d->keeps_binaries = ls_cl_keeps_binaries(&d->info);
    if (copies == LS_CL_COPIES_PROBE) ls_cl_probe_async_copies(d);
    else d->async_copies = copies == LS_CL_COPIES_ASYNC;
    ls_cl_default_tiles(d);
    ls_cl_recall_tiles(d, &d->info);
    *out = d;
    return LS_OK;
}

ls_status ls_cl_backend_open(const ls_cl_api *cl, const ls_cl_found *found, ls_cl_device **out,
                             ls_error *err)
{
    ls_cl_device *d;
    LS_TRY(ls_cl_backend_create(cl, found, LS_CL_COPIES_PROBE, &d, err));
    ls_status status = ls_cl_build_kernels(d, err);
    if (status != LS_OK) {
        ls_cl_backend_close(&d->base);
        return status;
    }
    *out = d;
    return LS_OK;
}

void ls_cl_backend_close(ls_backend *base)
{
    ls_cl_device *d = (ls_cl_device *)base;
    if (ls_cl_owned(d, NULL) != LS_OK) return; /* releasing would wait for threads of the driver */
    ls_cl_release_variants(d);
    ls_cl_release_images(d);
    ls_cl_run_close(d);
    ls_cl_release_kernels(d);
    ls_cl_device_free(d);
}
