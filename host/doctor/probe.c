/* SPDX-License-Identifier: MIT */
#include "host/doctor/probe.h"
#include "host/opencl/cl_look.h"

bool ls_probe_built(void) { return true; }

const char *ls_probe_missing(void)
{
    ls_driver_look look;
    /* a library that every program has */
    return ls_opencl_look("libc.so.6", &look)
               ? NULL
               : "lockstep-device-helper, the process in which drivers are tried, does not start";
}

bool ls_probe(const char *library, ls_driver_look *out) { return ls_opencl_look(library, out); }
