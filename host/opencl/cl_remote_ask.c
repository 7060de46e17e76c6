/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_remote_ask.h"
#include <stdio.h>
#include <unistd.h>

ls_status ls_cl_remote_fail(ls_cl_remote *r, const ls_helper_failure *f, ls_error *err)
{
    snprintf(r->failed, sizeof r->failed, "the driver of %.120s %.120s", r->info.name, f->past);
    return ls_fail(err, LS_ERR_DEVICE, "%s", r->failed);
}

ls_status ls_cl_remote_check(ls_cl_remote *r, ls_error *err)
{
    if (r->helper.owner && r->helper.owner != getpid())
        return ls_fail(err, LS_ERR_DEVICE,
                       "%s was opened before the process was forked; open it in the new process",
                       r->info.name);
    if (*r->failed) return ls_fail(err, LS_ERR_DEVICE, "%s", r->failed);
    return LS_OK;
}

static ls_status request_with(ls_cl_remote *r, ls_message_kind kind, const void *request,
                              size_t size, const void *more, size_t more_size,
                              ls_use_answer *answer, ls_error *err)
{
    ls_helper_failure f = {.crashed = false};
    answer->changes_failed = false;
    r->foretold.workspace = NULL;
    LS_TRY(ls_cl_remote_check(r, err));
    if (!ls_cl_helper_ask(&r->helper, kind, request, size, more, more_size, answer, sizeof *answer,
                          &f))
        return ls_cl_remote_fail(r, &f, err);
    answer->message[sizeof answer->message - 1] = 0;
    answer->reason[sizeof answer->reason - 1] = 0;
    return answer->status == LS_OK ? LS_OK : ls_fail(err, answer->status, "%s", answer->message);
}

ls_status ls_cl_remote_request(ls_cl_remote *r, ls_message_kind kind, const void *request,
                               size_t size, ls_use_answer *answer, ls_error *err)
{
    return request_with(r, kind, request, size, NULL, 0, answer, err);
}

ls_status ls_cl_remote_work(ls_cl_remote_workspace *w, ls_message_kind kind,
                            ls_use_request *request, ls_use_answer *answer, ls_error *err)
{
    ls_cl_remote *r = w->remote;
    request->changes = w->changes_bytes;
    w->changes_bytes = 0;
    ls_status status = request_with(r, kind, request, sizeof *request, w->changes, request->changes,
                                    answer, err);
    if (answer->changes_failed) snprintf(r->failed, sizeof r->failed, "%.255s", answer->message);
    return status;
}

ls_status ls_cl_remote_ask(ls_cl_remote *r, ls_message_kind kind, const ls_use_request *request,
                           size_t *number, ls_error *err)
{
    ls_use_answer a;
    LS_TRY(ls_cl_remote_request(r, kind, request, sizeof *request, &a, err));
    if (number) *number = a.number;
    return LS_OK;
}

ls_status ls_cl_remote_window(ls_cl_remote *r, size_t bytes, unsigned char **out, ls_error *err)
{
    r->foretold.workspace = NULL;
    LS_TRY(ls_cl_remote_check(r, err));
    if (ls_cl_helper_room(&r->helper, bytes) < bytes)
        return ls_fail(err, LS_ERR_MEMORY,
                       "out of memory: %.1f MB to be shared with the device's process",
                       (double)bytes * 1e-6);
    *out = r->helper.shared->window;
    return LS_OK;
}
