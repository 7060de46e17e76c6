/* SPDX-License-Identifier: MIT */
#ifndef LS_CPU_INSTRUCTION_SETS_H
#define LS_CPU_INSTRUCTION_SETS_H

#include "core_cpu/kernels.h"
#include "core_cpu/tile.h"

/* An instruction set with a register tile for its products. */
typedef struct {
    const char *name; /* that of the set, with a suffix if the tile is not the best one here */
    const ls_cpu_kernels *kernels;
    const ls_cpu_tile *tile;
} ls_cpu_set;

/* The i-th set that this build contains and this machine supports, best first. false past the last
 * one. */
bool ls_cpu_set_at(size_t i, ls_cpu_set *out);

#endif
