/* SPDX-License-Identifier: MIT */
/* In place of probe.c in builds without OpenCL. */
#include "host/doctor/probe.h"

bool ls_probe_built(void) { return false; }

const char *ls_probe_missing(void)
{
    return "this build has no OpenCL (disabled, or its headers were missing)";
}

bool ls_probe(const char *library, ls_driver_look *out)
{
    (void)library, (void)out;
    return false;
}
