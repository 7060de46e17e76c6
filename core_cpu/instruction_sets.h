/* SPDX-License-Identifier: MIT */
#ifndef LS_CPU_INSTRUCTION_SETS_H
#define LS_CPU_INSTRUCTION_SETS_H

#include "core_cpu/kernels.h"

/* Kernels of the i-th instruction set that this build contains and this machine supports, best
 * first; NULL past the last one. */
const ls_cpu_kernels *ls_cpu_kernels_at(size_t i);

#endif
