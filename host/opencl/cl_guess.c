/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_guess.h"

enum { VENDOR_INTEL = 0x8086 };

/* Shares of the assumed peak, chosen to be below what GPUs reach: set beside the rates that were
 * seen on an NVIDIA H100, 1.6 to 10 times. */
static const double product_share[LS_SPEED_CLASSES] = {0.01, 0.1, 0.25, 0.3};
static const double alone_share = 0.05; /* of one compute unit's peak */
static const double fleet_share = 0.01;

/* fma per clock of a compute unit: Intel counts execution units of 8 lanes, others multiprocessors
 * of 32 to 128. */
static double lanes_of(const ls_cl_api *cl, cl_device_id id)
{
    cl_uint vendor = 0;
    cl->clGetDeviceInfo(id, CL_DEVICE_VENDOR_ID, sizeof vendor, &vendor, NULL);
    return vendor == VENDOR_INTEL ? 8 : 32;
}

void ls_cl_guess_speed(const ls_cl_api *cl, cl_device_id id, ls_device_speed *out)
{
    cl_device_type type = 0;
    cl_uint units = 0, megahertz = 0;
    cl_bool shared = CL_TRUE;
    *out = (ls_device_speed){0};
    cl->clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    cl->clGetDeviceInfo(id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    cl->clGetDeviceInfo(id, CL_DEVICE_MAX_CLOCK_FREQUENCY, sizeof megahertz, &megahertz, NULL);
    cl->clGetDeviceInfo(id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof shared, &shared, NULL);
    if (!(type & CL_DEVICE_TYPE_GPU) || !units || !megahertz) return;
    double unit = 1e6 * megahertz * lanes_of(cl, id), peak = unit * units;
    out->launch = 2e-5;
    out->finish = 5e-5;
    out->copy = shared ? 1e10 : 1e11;
    out->upload = 2e9;
    for (int i = 0; i < LS_SPEED_CLASSES; i++) out->product[i] = product_share[i] * peak;
    out->alone = alone_share * unit;
    out->fleet = fleet_share * peak;
}
