/* SPDX-License-Identifier: MIT */
/* Opening a shared library to see whether it is an OpenCL driver, and what it has. */
#ifndef LS_CL_LOOK_H
#define LS_CL_LOOK_H

#include "host/network/examination.h"

/* In this process: drivers may crash. library: a path, or a name for the dynamic linker. */
void ls_cl_look(const char *library, ls_driver_look *out);

/* In a helper, which gets 20 s, or what LOCKSTEP_HELPER_SECONDS says if that is less. False if
 * there is no helper. */
bool ls_opencl_look(const char *library, ls_driver_look *out);

#endif
