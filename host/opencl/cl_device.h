/* SPDX-License-Identifier: MIT */
/* An opened OpenCL device: context, queue, the one program with all kernels, and whether it is exact. */
#ifndef LS_CL_DEVICE_H
#define LS_CL_DEVICE_H

#include "../backend.h"
#include "cl_api.h"

/* All kernels; the enum, their creation and their names are derived from this list and from the shared tables. */
#define LS_CL_KERNELS(X)                                                                                       \
    X(batch) X(gather) X(join) X(loss_bce) X(loss_ce) X(loss_mse) X(row_sum_chunks) X(square_chunks)           \
    X(norm_hat_chunks) X(row_sum_total) X(norm_mean) X(norm_inv) X(norm_apply) X(norm_grad) X(flat_chunks)     \
    X(clip_factor) X(max_norm) X(matmul) X(matmul_over_rows) X(transpose) X(check)

typedef enum {
#define LS_X(name) LS_KERNEL_##name,
    LS_CL_KERNELS(LS_X)
#undef LS_X
#define LS_X(name) LS_KERNEL_act_##name,
    LS_ACTIVATIONS(LS_X)
#undef LS_X
#define LS_X(name) LS_KERNEL_act_grad_##name,
    LS_ACTIVATIONS(LS_X)
#undef LS_X
#define LS_X(name, states) LS_KERNEL_update_##name,
    LS_OPTIMIZERS(LS_X)
#undef LS_X
    LS_KERNEL_COUNT
} ls_cl_kernel;

/* The register tile of the matmul kernels, by type of device. */
typedef struct {
    unsigned rows, vectors, lanes, group;
} ls_cl_tile;

typedef struct {
    ls_backend base;
    ls_cl_api cl;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel[LS_KERNEL_COUNT];
    ls_cl_tile tile;
    size_t largest;       /* bytes of the largest buffer */
} ls_cl_device;

/* Kernel sources as one text, embedded at build time. */
extern const char ls_kernel_source[];
extern const size_t ls_kernel_source_size;

/* Lists OpenCL devices into list[0..*count), at most `most`; id's are parallel. info->exact is what the device's reported
 * properties allow; the self-check comes when it is opened. `note` says why there is none. */
typedef struct {
    ls_device_info info;
    cl_device_id id;
} ls_cl_found;
ls_status ls_cl_find(const ls_cl_api *cl, ls_cl_found **list, size_t *count, char note[256], ls_error *err);

/* Whether the installed drivers survive being asked for their devices: tried in a child process, as some crash, abort or
 * hang there and would take the program along. false: note says what happened. */
bool ls_cl_probe(char note[256]);

/* Opens a found device without checking it. */
ls_status ls_cl_device_open(const ls_cl_api *cl, const ls_cl_found *found, ls_cl_device **out, ls_error *err);

/* Compares the device with the CPU path bit by bit; info->exact and info->reason take the verdict. The verdict is
 * remembered in the user's cache folder by device, driver and kernels. */
ls_status ls_cl_self_check(ls_cl_device *device, ls_device_info *info, ls_error *err);

/* Verdict remembered for a device, without opening it; false: none. */
bool ls_cl_recall(ls_device_info *info);

/* The slots of the OpenCL backend; closing releases all of it. */
void ls_cl_device_close(ls_backend *base);
extern const ls_backend_slots ls_cl_slots;

#endif
