/* SPDX-License-Identifier: MIT */
/* Every device there is: the CPU path is entry 0, OpenCL devices follow in the loader's order. */
#ifndef LS_CATALOGUE_H
#define LS_CATALOGUE_H

#include "host/network/backend.h"
#ifdef LS_OPENCL
#include "host/opencl/cl_find.h"
#include "host/opencl/cl_probe.h"
#endif

typedef struct {
    ls_device_info *info;
    size_t count;
    char note[256]; /* why there is no OpenCL device, or "" */
#ifdef LS_OPENCL
    ls_cl_api cl;
    ls_cl_found *found; /* count - 1 */
    ls_cl_probing probing;
#endif
} ls_catalogue;

ls_device_info ls_cpu_info(unsigned threads);

/* Begins to look for OpenCL devices, without waiting for drivers. idle: threads of this process,
 * besides the calling one, that hold no locks. Nothing can fail here; what does, fails in
 * ls_catalogue_finish. */
void ls_catalogue_begin(ls_catalogue *catalogue, unsigned idle);
/* Lists what was found; may be called on another thread than the beginning. The catalogue must be
 * closed even where this fails. */
ls_status ls_catalogue_finish(ls_catalogue *catalogue, ls_error *err);
/* Both at once; without OpenCL devices where they are not wanted. */
ls_status ls_catalogue_open(ls_catalogue *catalogue, bool opencl, ls_error *err);
void ls_catalogue_close(ls_catalogue *catalogue);

/* Whether the verdict on entry i, i > 0, is known without opening it; its info is then complete. */
bool ls_catalogue_recall(ls_catalogue *catalogue, size_t i);
/* Opens entry i, i > 0, and completes its info by the self-check, where its verdict is not known.
 */
ls_status ls_catalogue_start(ls_catalogue *catalogue, size_t i, ls_backend **out, ls_error *err);

#endif
