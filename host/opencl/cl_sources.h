/* SPDX-License-Identifier: MIT */
/* Kernel sources as texts, embedded at build time (kernels/CMakeLists.txt). */
#ifndef LS_CL_SOURCES_H
#define LS_CL_SOURCES_H

#include <stddef.h>

extern const char ls_kernel_source[], ls_matmul_source[], ls_matmul_local_source[],
    ls_small_source[], ls_ptx_source[];
extern const size_t ls_kernel_source_size, ls_matmul_source_size, ls_matmul_local_source_size,
    ls_small_source_size, ls_ptx_source_size;

#endif
