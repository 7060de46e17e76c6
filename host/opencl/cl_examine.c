/* SPDX-License-Identifier: MIT */
#include "host/opencl/cl_examine.h"
#include "host/opencl/cl_helper.h"
#include "host/opencl/cl_known.h"
#include "host/opencl/cl_run.h"
#include "host/opencl/self_check.h"
#include <string.h>
#include <unistd.h>

static bool ask_memory(ls_cl_helper *h, const ls_cl_found *found, ls_examination *out,
                       ls_helper_failure *f)
{
    ls_open_answer opened;
    if (!ls_cl_helper_open(h, found->number, &found->info, LS_CL_COPIES_PLAIN, &opened, f))
        return false;
    if (opened.status != LS_OK) {
        snprintf(out->memory.failed, sizeof out->memory.failed, "%.255s", opened.message);
        return true;
    }
    return ls_cl_helper_ask(h, LS_MESSAGE_MEMORY, NULL, 0, NULL, 0, &out->memory,
                            sizeof out->memory, f);
}

static ls_status examine_memory(const ls_cl_found *found, const atomic_bool *stop,
                                ls_examination *out, ls_error *err)
{
    ls_cl_helper h;
    ls_helper_failure f = {.crashed = false};
    if (!ls_cl_helper_start_with(&h, stop))
        return ls_fail(err, LS_ERR_DEVICE, "a process for %s cannot be started", found->info.name);
    bool good = ask_memory(&h, found, out, &f);
    ls_cl_helper_stop(&h);
    out->memory.failed[sizeof out->memory.failed - 1] = 0;
    out->memory.log[sizeof out->memory.log - 1] = 0;
    if (!good) snprintf(out->failed, sizeof out->failed, "the driver %s", f.how);
    return LS_OK;
}

/* Removes the tiles that `lockstep tune` has stored; false if there are none. */
static bool forget_tiles(const ls_device_info *info)
{
    char path[LS_CL_PATH];
    ls_cl_cache_path(info, "tiles", path, false);
    return *path && unlink(path) == 0;
}

static void put_aside(ls_examination *out, const char *what, const char *why)
{
    size_t n = strlen(out->aside);
    snprintf(out->aside + n, sizeof out->aside - n, "%s%s: %s", n ? "; " : "", what, why);
}

static ls_status compare(const ls_cl_found *found, ls_checked *c, const atomic_bool *stop,
                         ls_check_callback callback, void *user, ls_examination *out)
{
    return ls_cl_check_anew(found, c, &out->speed, &out->parts, stop, callback, user, &c->error);
}

/* What is wrong with tiles that were stored is compared once more with the tiles of the program. */
static void examine_bits(const ls_cl_found *found, ls_checked *c, const atomic_bool *stop,
                         ls_check_callback callback, void *user, ls_examination *out)
{
    c->status = compare(found, c, stop, callback, user, out);
    if (c->status == LS_OK && c->verdict.judgement == LS_CL_APPROXIMATE &&
        forget_tiles(&found->info)) {
        const ls_cl_verdict before = c->verdict;
        c->status = compare(found, c, stop, callback, user, out);
        if (c->status == LS_OK && c->verdict.judgement == LS_CL_EXACT)
            put_aside(out, "the tiles that lockstep tune has stored", before.reason);
    }
    if (c->status != LS_OK) {
        snprintf(out->unjudged, sizeof out->unjudged, "%.255s", c->error.message);
        return;
    }
    out->exact = c->verdict.judgement == LS_CL_EXACT;
    snprintf(out->reason, sizeof out->reason, "%s", c->verdict.reason);
    for (int way = 0; way < LS_CL_WAY_COUNT; way++) {
        char name[48];
        if (!*c->verdict.way_out[way]) continue;
        snprintf(name, sizeof name, "the way '%s' of running steps",
                 ls_cl_way_name((ls_cl_way_id)way));
        put_aside(out, name, c->verdict.way_out[way]);
    }
}

ls_status ls_cl_examine(const ls_cl_found *found, ls_device_info *info, const atomic_bool *stop,
                        ls_check_callback callback, void *user, ls_examination *out, ls_error *err)
{
    ls_checked c = {.info = info};
    memset(out, 0, sizeof *out);
    if (!ls_cl_recall_failure(&found->info, out->earlier)) *out->earlier = 0;
    LS_TRY(examine_memory(found, stop, out, err));
    if (!found->info.exact) snprintf(out->unjudged, sizeof out->unjudged, "%s", found->info.reason);
    else examine_bits(found, &c, stop, callback, user, out);
    bool good = out->exact && !*out->failed && !*out->memory.failed && !out->memory.wrong;
    if (good && *out->earlier) {
        ls_cl_forget_failure(&found->info);
        info->failed = 0;
        out->forgotten = true;
    }
    return LS_OK;
}
