/* SPDX-License-Identifier: MIT */
/* Opening drivers' libraries in processes of their own (host/opencl/). */
#ifndef LS_DOCTOR_PROBE_H
#define LS_DOCTOR_PROBE_H

#include "host/network/examination.h"
#include <stddef.h>

/* Whether this build has OpenCL. */
bool ls_probe_built(void);
/* Why no library can be tried, or NULL. */
const char *ls_probe_missing(void);
/* False if it cannot be tried. */
bool ls_probe(const char *library, ls_driver_look *out);

#endif
