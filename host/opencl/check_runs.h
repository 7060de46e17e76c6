/* SPDX-License-Identifier: MIT */
/* The self-check's short runs, and the parts of the arithmetic that they compare. */
#ifndef LS_CHECK_RUNS_H
#define LS_CHECK_RUNS_H

#include "host/network/network.h"
#include "host/opencl/cl_device.h"

typedef enum { LS_CHECK_LAYERED, LS_CHECK_CHUNKWISE, LS_CHECK_MODES } ls_check_mode;

/* What runs have compared in one mode. */
typedef struct {
    bool op[LS_OP_COUNT], act[LS_ACT_COUNT], opt[LS_OPT_COUNT], loss[LS_LOSS_COUNT],
        output[LS_OUTPUT_COUNT];
} ls_check_coverage;

/* Number of runs; of those at the beginning of the list whose layered mode compiles programs of its
 * own; and of those with images, at the end. */
size_t ls_check_run_count(void);
size_t ls_check_fixed_runs(void);
size_t ls_check_image_runs(void);

/* Compares the device with the CPU path bit by bit in `count` runs from `first` on, as far as they
 * suit the way; the first difference goes into reason, which must be "" before. */
ls_status ls_check_runs(ls_cl_device *device, ls_backend *cpu, ls_cl_way_id way, size_t first,
                        size_t count, char reason[256], ls_error *err);

/* Compares a network and a training that are not in the list in the same way. image: the network
 * has operations on images. */
ls_status ls_check_network(ls_cl_device *device, ls_backend *cpu, ls_cl_way_id way,
                           ls_options *options, size_t features, ls_shape shape, bool image,
                           char reason[256], ls_error *err);

/* Marks what the runs cover, without running them. */
ls_status ls_check_runs_coverage(ls_check_coverage covered[LS_CHECK_MODES], ls_error *err);

/* Fails with LS_ERR_UNSUPPORTED and the name of the first entry of a table that is not covered in a
 * mode that has it. */
ls_status ls_check_is_complete(const ls_check_coverage covered[LS_CHECK_MODES], ls_error *err);

#endif
