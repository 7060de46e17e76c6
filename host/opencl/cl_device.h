/* SPDX-License-Identifier: MIT */
/* An opened OpenCL device: context, queue, and what the files of this room keep on it. */
#ifndef LS_CL_DEVICE_H
#define LS_CL_DEVICE_H

#include "host/base/text.h"
#include "host/network/backend.h"
#include "host/opencl/cl_counts.h"
#include "host/opencl/cl_find.h"
#include "host/opencl/cl_tile.h"
#include "host/opencl/cl_way.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* All kernels except those of matrix products. The enum, their creation and their names come from
 * this list and the shared tables. */
#define LS_CL_KERNELS(X)                                                                           \
    X(batch)                                                                                       \
    X(gather)                                                                                      \
    X(pack)                                                                                        \
    X(join)                                                                                        \
    X(pieces)                                                                                      \
    X(row_sum_chunks)                                                                              \
    X(square_chunks)                                                                               \
    X(norm_hat_chunks)                                                                             \
    X(row_sum_total)                                                                               \
    X(norm_mean)                                                                                   \
    X(norm_inv)                                                                                    \
    X(norm_apply)                                                                                  \
    X(norm_grad)                                                                                   \
    X(flat_chunks)                                                                                 \
    X(clip_factor)                                                                                 \
    X(max_norm)                                                                                    \
    X(check)

typedef enum {
#define LS_X(name) LS_KERNEL_##name,
    LS_CL_KERNELS(LS_X)
#undef LS_X
#define LS_X(NAME, name) LS_KERNEL_loss_##name,
        LS_LOSSES(LS_X)
#undef LS_X
#define LS_X(name, reads, facts) LS_KERNEL_act_##name,
            LS_ACTIVATIONS(LS_X)
#undef LS_X
#define LS_X(name, states, facts) LS_KERNEL_update_##name,
                LS_OPTIMIZERS(LS_X)
#undef LS_X
                    LS_KERNEL_COUNT
} ls_cl_kernel;

/* Kernels for images, apart from the sums of convolutions; built when a plan first needs one
 * (cl_image_program.c). */
#define LS_CL_IMAGE_KERNELS(X)                                                                     \
    X(pad)                                                                                         \
    X(widen)                                                                                       \
    X(pack_window)                                                                                 \
    X(depthwise)                                                                                   \
    X(depthwise_w)                                                                                 \
    X(point_sums)                                                                                  \
    X(point_squares)                                                                               \
    X(point_hats)                                                                                  \
    X(image_chunks)                                                                                \
    X(point_norm)                                                                                  \
    X(point_norm_grad)                                                                             \
    X(augment)                                                                                     \
    X(max_pool)                                                                                    \
    X(max_pool_x)                                                                                  \
    X(max_pool_spread)                                                                             \
    X(avg_pool)                                                                                    \
    X(avg_pool_x)

typedef enum {
#define LS_X(name) LS_IMAGE_##name,
    LS_CL_IMAGE_KERNELS(LS_X)
#undef LS_X
        LS_IMAGE_COUNT
} ls_cl_image_kernel;

/* A kernel of a convolution's sums: compiled for a form, a width of its tile and the function that
 * follows. */
typedef struct {
    ls_form form;
    unsigned vectors; /* of a row of the tile; CPU devices */
    int function;     /* ls_act, or LS_CL_NO_FUNCTION */
    bool local;       /* tiles through local memory, for GPUs */
    cl_program program;
    cl_kernel kernel;
} ls_cl_conv;

enum { LS_CL_CONVS = 64 };

/* Chunk-wise launches (cl_small.c): programs, one for CPU devices, and for GPUs those of groups of
 * 32, 64, 128 and 256 work-items with scratch in global or in local memory; and buffers. */
enum { LS_SMALL_PROGRAMS = 9 };
typedef enum {
    LS_SMALL_TABLE,
    LS_SMALL_RATES,
    LS_SMALL_LOSSES,
    LS_SMALL_SCRATCH,
    LS_SMALL_NEXT,
    LS_SMALL_BUFFERS
} ls_small_buffer;

enum { LS_CL_NOTE = (LS_CL_WAY_COUNT + 2) * 320 };

typedef struct ls_cl_device {
    ls_backend base;
    ls_cl_api cl;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel[LS_KERNEL_COUNT];
    cl_program image_program;
    cl_kernel image_kernel[LS_IMAGE_COUNT];
    unsigned image_lanes;                      /* of its work-items: IMAGE_LANES */
    cl_program slope_program[LS_ACT_COUNT][2]; /* without and with dropout */
    cl_kernel slope_kernel[LS_ACT_COUNT][2];
    ls_cl_conv conv[LS_CL_CONVS];
    size_t convs;
    ls_cl_variant variant[LS_CL_VARIANTS];
    size_t variants;
    ls_cl_tile tiles[LS_FORM_COUNT][LS_SIZE_COUNT];
    ls_device_info info; /* as found, before the self-check */
    bool keeps_binaries; /* programs are cached between runs, as the driver does not do it
                            (cl_binary.c) */
    _Atomic unsigned programs_recalled; /* programs taken from that cache */
    ls_cl_counts own_counts, *counts;   /* builds and progress; `counts` may be elsewhere */
    bool careful;           /* waits for each operation, so that slow ones show progress */
    pid_t owner;            /* the process that has opened it: drivers do not survive a fork */
    char earlier[256];      /* how it failed in an earlier run, or "" */
    char note[LS_CL_NOTE];  /* the last that ls_cl_note has made */
    size_t number;          /* in the list of ls_cl_find */
    bool guarded;           /* new programs are built in a helper first (cl_guard.h) */
    bool is_helper;         /* this process is the helper */
    ls_text noted;          /* the helper: programs that were built (cl_guard.h) */
    pthread_mutex_t noting; /* held while `noted` is used */
    cl_uint vendor;         /* PCI number of the vendor */
    bool is_cpu;    /* register tiles by default, and one work-item per group in chunk-wise mode */
    unsigned lanes; /* native vector width in floats */
    size_t buffer_limit; /* bytes of the largest buffer */
    size_t local_memory; /* bytes per work-group */
    size_t group_limit;  /* work-items per work-group */
    size_t compute_units;
    bool unoptimised;  /* products in local tiles, and groups of small networks, are built without
                          optimisation, for tests: that takes a quarter of the time */
    bool async_copies; /* asynchronous copies to local memory work (cl_ptx.c) */
    /* Passes over elements (kernels/pass.h): work-items per group, 0: one work-item per element;
     * and the most groups. */
    size_t pass_group, pass_groups;

    struct ls_cl_ways *ways;            /* what is known about the ways' speed, see cl_run.c */
    void *way_state[LS_CL_WAY_COUNT];   /* each way's own; NULL until it needs some */
    int only_way;                       /* 1 + the only way in use, or 0; for the self-check */
    char way_out[LS_CL_WAY_COUNT][160]; /* why a way is not used on this device any more, or "" */

    /* Chunk-wise mode, see cl_small.c */
    cl_program small_program[LS_SMALL_PROGRAMS];
    cl_kernel small_kernel[LS_SMALL_PROGRAMS];
    cl_mem small_buffer[LS_SMALL_BUFFERS];
    size_t small_room[LS_SMALL_BUFFERS]; /* floats */
} ls_cl_device;

/* Passes on CPU devices: elements per work-item. */
enum { LS_CL_PASS_SPAN = 512 };

/* Passes on GPUs: elements per work-item and block, and work-items that a compute unit runs at once
 * (NVIDIA 2048; more than it can run do no harm). */
enum { LS_CL_PASS_WIDTH = 4, LS_CL_PASS_GROUP = 256, LS_CL_PASS_ITEMS = 2048 };

/* Creates context and queue and reads the device's limits; compiles nothing. */
ls_status ls_cl_device_create(const ls_cl_api *cl, const ls_cl_found *found, ls_cl_device **out,
                              ls_error *err);
/* Fails in a process that was forked after the device was opened: the driver's threads are not
 * there.
 */
ls_status ls_cl_owned(const ls_cl_device *device, ls_error *err);
/* Releases context, queue and the struct; everything else must have been released before. */
void ls_cl_device_free(ls_cl_device *device);

/* A buffer of `floats` floats (at least one); fails if the device has no buffer of that size.
 * `what` names it in the message. */
ls_status ls_cl_buffer(ls_cl_device *device, size_t floats, const char *what, cl_mem *out,
                       ls_error *err);

#endif
