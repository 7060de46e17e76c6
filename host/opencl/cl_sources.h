/* SPDX-License-Identifier: MIT */
/* Kernel sources as texts, embedded at build time (kernels/CMakeLists.txt). */
#ifndef LS_CL_SOURCES_H
#define LS_CL_SOURCES_H

#include <stddef.h>

extern const char ls_conv_local_source[];
extern const size_t ls_conv_local_source_size;
extern const char ls_conv_source[];
extern const size_t ls_conv_source_size;
extern const char ls_image_source[];
extern const size_t ls_image_source_size;
extern const char ls_kernel_source[];
extern const size_t ls_kernel_source_size;
extern const char ls_matmul_local_source[];
extern const size_t ls_matmul_local_source_size;
extern const char ls_matmul_source[];
extern const size_t ls_matmul_source_size;
extern const char ls_memory_source[];
extern const size_t ls_memory_source_size;
extern const char ls_ptx_source[];
extern const size_t ls_ptx_source_size;
extern const char ls_small_group_source[];
extern const size_t ls_small_group_source_size;
extern const char ls_slope_source[];
extern const size_t ls_slope_source_size;
extern const char ls_small_source[];
extern const size_t ls_small_source_size;
extern const char ls_whole_source[];
extern const size_t ls_whole_source_size;

#endif
