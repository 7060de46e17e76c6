/* SPDX-License-Identifier: MIT */
/* Trying a device anew for `lockstep doctor`, in helpers only. */
#ifndef LS_CL_EXAMINE_H
#define LS_CL_EXAMINE_H

#include "host/network/examination.h"
#include "host/opencl/cl_find.h"
#include <stdatomic.h>

/* Its memory and the copies to it; the self-check's parts and awkward shapes, whatever is
 * remembered of them; its speed. What came of it is remembered: the verdict, the ways of running
 * steps that are not used any more, and, if everything is right, that an earlier failure is over.
 * *info is completed by the verdict. Fails only if it cannot be tried at all. */
ls_status ls_cl_examine(const ls_cl_found *found, ls_device_info *info, const atomic_bool *stop,
                        ls_check_callback callback, void *user, ls_examination *out, ls_error *err);

#endif
