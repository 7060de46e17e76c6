/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_use.h"
#include "host/opencl/check_values.h"
#include "host/opencl/cl_known.h"
#include "host/opencl/cl_program.h"
#include <string.h>

static ls_status build_and_check(ls_cl_device *d, const ls_cl_verdict *verdict, char reason[256],
                                 ls_error *err)
{
    LS_TRY(ls_cl_build_kernels(d, err));
    if (verdict->judgement != LS_CL_EXACT) return LS_OK;
    LS_TRY(ls_check_values(d, reason, err));
    if (!*reason) return LS_OK;
    ls_cl_verdict changed = *verdict;
    changed.judgement = LS_CL_APPROXIMATE;
    memcpy(changed.reason, reason, sizeof changed.reason);
    ls_cl_remember_verdict(&d->info, &changed);
    return LS_OK;
}

ls_status ls_cl_open_for_use(const ls_cl_api *cl, const ls_cl_found *found,
                             const ls_cl_verdict *verdict, ls_cl_counts *counts, ls_cl_device **out,
                             char reason[256], ls_error *err)
{
    ls_cl_device *d;
    *reason = 0;
    LS_TRY(ls_cl_backend_create(cl, found,
                                verdict->async_copies ? LS_CL_COPIES_ASYNC : LS_CL_COPIES_PLAIN, &d,
                                err));
    if (counts) d->counts = counts;
    d->guarded = true;
    memcpy(d->way_out, verdict->way_out, sizeof d->way_out);
    if (!ls_cl_recall_failure(&d->info, d->earlier)) *d->earlier = 0;
    ls_status status = build_and_check(d, verdict, reason, err);
    if (status != LS_OK) {
        ls_cl_backend_close(&d->base);
        return status;
    }
    *out = d;
    return LS_OK;
}
