/* SPDX-License-Identifier: MIT */
/* Whether a device is exact: elementary operations and functions on awkward values, matrix
 * products, and short training runs are compared with the CPU path bit by bit. Drivers are judged
 * by this, not by a list of names. */
#include "host/opencl/self_check.h"
#include "core_cpu/cpu.h"
#include "host/opencl/check_parts.h"
#include "host/opencl/check_runs.h"
#include "host/opencl/cl_cache.h"
#include <stdlib.h>
#include <string.h>

/* The runs must cover the tables that they are made from. */
static ls_status check_coverage(ls_error *err)
{
    ls_check_coverage covered[LS_CHECK_MODES];
    LS_TRY(ls_check_runs_coverage(covered, err));
    return ls_check_is_complete(covered, err);
}

static ls_status check_here(ls_cl_device *d, char reason[256], ls_error *err)
{
    ls_check_part parts[LS_CHECK_PARTS_MOST];
    size_t count = ls_check_parts(d, parts);
    ls_backend *cpu;
    LS_TRY(ls_cpu_open(1, NULL, &cpu, err));
    ls_status status = LS_OK;
    for (size_t i = 0; i < count && status == LS_OK && !*reason; i++)
        status = ls_check_part_run(d, cpu, &parts[i], reason, err);
    cpu->slots->close(cpu);
    return status;
}

ls_status ls_cl_self_check(ls_cl_device *d, ls_device_info *info, ls_error *err)
{
    if (!info->exact || ls_cl_recall_verdict(info)) return LS_OK;
    char reason[256] = "";
    LS_TRY(check_coverage(err));
    LS_TRY(check_here(d, reason, err));
    info->exact = !*reason;
    snprintf(info->reason, sizeof info->reason, "%s", reason);
    /* LOCKSTEP_STEPS forces one mode: the others were not compared */
    if (!getenv("LOCKSTEP_STEPS")) ls_cl_remember_verdict(info);
    return LS_OK;
}
