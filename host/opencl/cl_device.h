/* SPDX-License-Identifier: MIT */
/* An opened OpenCL device: context, queue, the program with all kernels, and those of the matrix
 * products. */
#ifndef LS_CL_DEVICE_H
#define LS_CL_DEVICE_H

#include "host/network/backend.h"
#include "host/opencl/cl_api.h"
#include <sys/types.h>

/* All kernels but the matrix products'; the enum, their creation and their names come from this
 * list and the shared tables. */
#define LS_CL_KERNELS(X) \
    X(batch) \
    X(gather) \
    X(pack) \
    X(join) \
    X(row_sum_chunks) \
    X(square_chunks) \
    X(norm_hat_chunks) \
    X(row_sum_total) \
    X(norm_mean) \
    X(norm_inv) \
    X(norm_apply) \
    X(norm_grad) \
    X(flat_chunks) \
    X(clip_factor) \
    X(max_norm) \
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

/* How a matrix product is cut into tiles. Two families: register tiles over packed operands, for
 * CPU devices (kernels/matmul.cl), and tiles through local memory, for GPUs
 * (kernels/matmul_local.cl). No choice changes a bit. */
typedef struct {
    unsigned local;   /* which family */
    unsigned size[6]; /* rows, vectors, lanes, repeat, depth; or m, n, k, work-items across and
                         down, floats a load */
} ls_cl_tile;

/* Products are told apart by form (which operand is transposed) and size; each class has its tile.
 */
typedef enum { LS_FORM_DENSE, LS_FORM_GRAD_X, LS_FORM_GRAD_W, LS_FORM_COUNT } ls_form;
typedef enum {
    LS_SIZE_NARROW,
    LS_SIZE_SMALL,
    LS_SIZE_LARGE,
    LS_SIZE_HUGE,
    LS_SIZE_COUNT
} ls_size_class;

/* A product's kernel: of a form, in a tile, with what follows compiled in (an activation, the
 * derivative of one, an optimizer). */
enum { LS_CL_NOTHING = -1 };
typedef struct {
    ls_cl_tile tile;
    ls_form form;
    int function; /* ls_act or ls_opt, or LS_CL_NOTHING */
    cl_program program;
    cl_kernel kernel;
} ls_cl_variant;

/* More than the plans of a fleet can ask for in turn: each activation and optimizer in the tile of
 * each class, and some. */
enum { LS_CL_VARIANTS = 128 };

/* Buffers that launches of small networks share (cl_small.c). */
typedef enum {
    LS_SMALL_TABLE,
    LS_SMALL_RATES,
    LS_SMALL_LOSSES,
    LS_SMALL_SCRATCH,
    LS_SMALL_NEXT,
    LS_SMALL_BUFFERS
} ls_small_buffer;

typedef struct {
    ls_backend base;
    ls_cl_api cl;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel[LS_KERNEL_COUNT];
    ls_cl_variant variant[LS_CL_VARIANTS];
    size_t variants;
    ls_cl_tile choice[LS_FORM_COUNT][LS_SIZE_COUNT];
    ls_device_info info; /* as it was found */
    bool binaries; /* programs are remembered between runs, as the driver does not (cl_binary.c) */
    unsigned recalled;   /* programs that came from there */
    cl_uint vendor;      /* PCI number of the vendor */
    bool cpu;            /* a CPU device: register tiles by default */
    unsigned lanes;      /* native vector width in floats */
    size_t largest;      /* bytes of the largest buffer */
    size_t local_memory; /* bytes of local memory, and work-items a group */
    size_t group;
    size_t units; /* compute units */

    /* Small networks, see cl_small.h: for CPU devices, and GPUs with scratch in local or in global
     * memory. */
    cl_program small_program[3];
    cl_kernel small_kernel[3];
    cl_mem small_buffer[LS_SMALL_BUFFERS];
    size_t small_room[LS_SMALL_BUFFERS]; /* floats */
} ls_cl_device;

/* Kernel sources as texts, embedded at build time. */
extern const char ls_kernel_source[], ls_matmul_source[], ls_matmul_local_source[],
    ls_small_source[];
extern const size_t ls_kernel_source_size, ls_matmul_source_size, ls_matmul_local_source_size,
    ls_small_source_size;

/* ---- Finding and opening (cl_device.c, cl_probe.c) ------------------------------------------- */

/* A device and what it reports; info.exact is what that allows, the self-check comes when it is
 * opened. */
typedef struct {
    ls_device_info info;
    cl_device_id id;
} ls_cl_found;

/* Lists OpenCL devices; *list is freed with free(). `note` says why there is none. */
ls_status ls_cl_find(const ls_cl_api *cl, ls_cl_found **list, size_t *count, char note[256],
                     ls_error *err);

/* Whether the installed drivers survive being asked for their devices: tried in a child process, as
 * some crash, abort or hang there and would take the program along. Begins without waiting; idle:
 * threads, besides the calling one, that hold no locks. */
typedef struct {
    int from_child; /* negative: nothing is tried */
    pid_t child;
} ls_cl_probing;
void ls_cl_probe_begin(ls_cl_probing *probing, unsigned idle);
/* Waits for the child; on any thread. false: note says what happened. */
bool ls_cl_probe_end(ls_cl_probing *probing, char note[256]);

/* Opens a found device without checking it. */
ls_status ls_cl_device_open(const ls_cl_api *cl, const ls_cl_found *found, ls_cl_device **out,
                            ls_error *err);

/* Builds a program; a failure carries the compiler's log. */
ls_status ls_cl_build(ls_cl_device *device, const char *source, size_t size, const char *defines,
                      cl_program *out, ls_error *err);

/* The slots of the OpenCL backend; closing releases all of it. */
void ls_cl_device_close(ls_backend *base);
extern const ls_backend_slots ls_cl_slots;

/* ---- Matrix products (cl_matmul.c) ----------------------------------------------------------- */

/* Sensible tiles for the type of device, before anything was measured. */
void ls_cl_default_tiles(ls_cl_device *device);

/* Whether the device can run a tile at all. */
bool ls_cl_tile_fits(const ls_cl_device *device, const ls_cl_tile *tile);

/* The class of m × n results over k. */
ls_size_class ls_cl_size_class(size_t m, size_t n);

/* The kernel of a product, compiled at first use. */
ls_status ls_cl_variant_of(ls_cl_device *device, const ls_cl_tile *tile, ls_form form, int function,
                           const ls_cl_variant **out, ls_error *err);

void ls_cl_release_variants(ls_cl_device *device);

/* ---- What is remembered of a device (cl_cache.c) --------------------------------------------- */

/* Path in the user's cache folder for `what` of a device: hashed from device, driver, version and
 * kernels. Empty where there is no such folder. make: creates it. */
void ls_cl_cache_path(const ls_device_info *info, const char *what, char path[700], bool make);

/* The self-check's verdict; false: none. */
bool ls_cl_recall(ls_device_info *info);
void ls_cl_remember(const ls_device_info *info);

/* Tiles chosen by the tuner; what is not there, or does not fit the device, leaves the choice as it
 * is. */
void ls_cl_recall_tiles(ls_cl_device *device, const ls_device_info *info);
ls_status ls_cl_remember_tiles(const ls_cl_device *device, const ls_device_info *info,
                               char path[700], ls_error *err);

/* ---- Programs kept between runs (cl_binary.c) ------------------------------------------------ */

/* Whether to keep them for this device. */
bool ls_cl_keeps_binaries(const ls_device_info *info);

/* The program built from that source with these options, from its binary; false where there is
 * none, or the driver refuses it. */
bool ls_cl_recall_program(ls_cl_device *device, const char *source, size_t size,
                          const char *options, cl_program *out);
void ls_cl_remember_program(ls_cl_device *device, const char *source, size_t size,
                            const char *options, cl_program program);

/* ---- Trusting (self_check.c) and tuning (tune.c) --------------------------------------------- */

/* Compares the device with the CPU path bit by bit; info->exact and info->reason take the verdict,
 * which is remembered. */
ls_status ls_cl_self_check(ls_cl_device *device, ls_device_info *info, ls_error *err);

/* Whether a tile gives the CPU path's bits for a form of product, on shapes that hang over its
 * edges. */
ls_status ls_cl_tile_right(ls_cl_device *device, ls_backend *cpu, ls_form form,
                           const ls_cl_tile *tile, bool *right, ls_error *err);

/* The i-th tile that the tuner may choose; NULL past the end. */
const ls_cl_tile *ls_cl_candidate(size_t i);

/* Finds the best tile of each class by measuring; each candidate's bits are compared with the CPU
 * path's first. */
ls_status ls_cl_tune(ls_cl_device *device, ls_tune_callback callback, void *user, ls_error *err);

#endif
