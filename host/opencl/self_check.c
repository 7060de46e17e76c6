/* SPDX-License-Identifier: MIT */
/* Whether a device is exact: elementary operations and functions on awkward values, matrix
 * products, and short training runs are compared with the CPU path bit by bit. Drivers are judged
 * by this, not by a list of names. */
#include "host/opencl/self_check.h"
#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/opencl/check_jobs.h"
#include "host/opencl/check_parts.h"
#include "host/opencl/check_runs.h"
#include "host/opencl/check_values.h"
#include "host/opencl/cl_speed.h"
#include <stdlib.h>
#include <string.h>

/* The runs must cover the tables that they are made from. */
static ls_status check_coverage(ls_error *err)
{
    ls_check_coverage covered[LS_CHECK_MODES];
    LS_TRY(ls_check_runs_coverage(covered, err));
    return ls_check_is_complete(covered, err);
}

/* ---- Without a helper ------------------------------------------------------------------------ */

static ls_status compare_parts(ls_cl_device *d, ls_check_job *job, ls_check_callback callback,
                               void *user, ls_error *err)
{
    ls_check_part parts[LS_CHECK_PARTS_MOST];
    size_t count = ls_check_parts(d, parts);
    ls_backend *cpu;
    ls_status status = LS_OK;
    ls_cl_verdict *v = &job->verdict;
    LS_TRY(ls_cpu_open(1, NULL, &cpu, err));
    for (size_t i = 0; i < count && status == LS_OK && !*v->reason; i++) {
        const ls_check_progress p = {.struct_size = sizeof p,
                                     .device = job->info,
                                     .doing = parts[i].name,
                                     .done = (unsigned)i,
                                     .total = (unsigned)count + 1};
        ls_error why;
        if (callback) callback(&p, user);
        status = ls_check_part_run(d, cpu, &parts[i], v->reason, &why);
        if (status == LS_ERR_DEVICE && parts[i].way != LS_CL_WAY_LAYERED) {
            snprintf(v->way_out[parts[i].way], sizeof *v->way_out, "%.159s", why.message);
            status = LS_OK;
        } else if (status != LS_OK) ls_error_set(err, status, "%s", why.message);
    }
    cpu->slots->close(cpu);
    if (*v->reason) v->judgement = LS_CL_APPROXIMATE;
    return status;
}

static ls_status check_here(const ls_cl_api *cl, const ls_cl_found *found, ls_check_job *job,
                            ls_check_callback callback, void *user, ls_error *err)
{
    ls_cl_device *d;
    LS_TRY(ls_cl_backend_open(cl, found, &d, err));
    ls_status status = compare_parts(d, job, callback, user, err);
    job->judged = status == LS_OK;
    job->verdict.async_copies = d->async_copies;
    if (job->judged && job->verdict.judgement == LS_CL_EXACT)
        (void)ls_cl_speed_measure(d, &job->speed, NULL);
    ls_cl_backend_close(&d->base);
    return status;
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

static void complete(ls_device_info *info, const ls_cl_verdict *v)
{
    info->exact = v->judgement == LS_CL_EXACT;
    snprintf(info->reason, sizeof info->reason, "%s", v->reason);
    ls_clean_utf8(info->reason);
}

bool ls_cl_complete(ls_device_info *info)
{
    ls_cl_verdict v;
    if (!info->exact) return true; /* it does not report what is needed */
    if (!ls_cl_recall_verdict(info, &v)) return false;
    complete(info, &v);
    return true;
}

/* Takes what came of a device; checks it in this process if there was no helper. */
static ls_status conclude(const ls_cl_api *cl, const ls_cl_found *found, ls_check_job *job,
                          ls_checked *out, ls_check_callback callback, void *user, ls_error *err)
{
    if (job->status != LS_OK) return ls_fail(err, job->status, "%s", job->error.message);
    if (!job->judged && !cl)
        return ls_fail(err, LS_ERR_DEVICE, "a process for %s cannot be started", found->info.name);
    if (!job->judged) LS_TRY(check_here(cl, found, job, callback, user, err));
    /* LOCKSTEP_STEPS forces one mode: the others were not compared. What was compared with wrong
     * answers says nothing. */
    if (!getenv("LOCKSTEP_STEPS") && ls_check_values_known()) {
        ls_cl_remember_verdict(&found->info, &job->verdict);
        if (job->verdict.judgement == LS_CL_EXACT) ls_cl_remember_speed(&found->info, &job->speed);
    }
    out->verdict = job->verdict;
    complete(out->info, &job->verdict);
    return LS_OK;
}

/* Whether verdict and speed are known; they are taken from the cache. */
static bool is_known(const ls_cl_found *found, ls_checked *c)
{
    ls_device_speed speed;
    if (!found->info.exact) return true; /* it does not report what is needed */
    if (!ls_cl_recall_verdict(&found->info, &c->verdict)) return false;
    complete(c->info, &c->verdict);
    return !c->info->exact || !c->speed || ls_cl_recall_speed(&found->info, &speed);
}

/* The devices of one turn: the next one of each driver. */
static size_t pick(const ls_cl_found *found, ls_checked *list, bool *done, size_t count,
                   ls_check_job *jobs, size_t *which)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        bool taken = false;
        if (!done[i]) done[i] = is_known(&found[i], &list[i]);
        for (size_t k = 0; k < n; k++)
            taken |= !strcmp(jobs[k].info->platform, found[i].info.platform);
        if (done[i] || taken) continue;
        done[i] = true;
        jobs[n] = (ls_check_job){.number = found[i].number, .info = &found[i].info};
        which[n++] = i;
    }
    return n;
}

typedef struct {
    ls_check_job *jobs;
    size_t *which;
    bool *done;
} turns;

static ls_status allocate(turns *t, size_t count, ls_error *err)
{
    LS_TRY(check_coverage(err));
    LS_TRY(ls_alloc(&t->jobs, count, sizeof *t->jobs, "the self-check", err));
    LS_TRY(ls_alloc(&t->which, count, sizeof *t->which, "the self-check", err));
    return ls_alloc(&t->done, count, sizeof *t->done, "the self-check", err);
}

ls_status ls_cl_self_check(const ls_cl_api *cl, const ls_cl_found *found, ls_checked *list,
                           size_t count, const atomic_bool *stop, ls_check_callback callback,
                           void *user, ls_error *err)
{
    turns t = {0};
    size_t n;
    ls_status status = allocate(&t, count, err);
    while (status == LS_OK && (n = pick(found, list, t.done, count, t.jobs, t.which))) {
        ls_check_jobs_run(t.jobs, n, ls_usable_cores(), stop, callback, user);
        for (size_t k = 0; k < n; k++) {
            size_t i = t.which[k];
            list[i].status = conclude(cl, &found[i], &t.jobs[k], &list[i], callback, user,
                                      &list[i].error);
        }
    }
    free(t.jobs);
    free(t.which);
    free(t.done);
    return status;
}

ls_status ls_cl_check_anew(const ls_cl_found *found, ls_checked *out, ls_device_speed *speed,
                           unsigned *parts, const atomic_bool *stop, ls_check_callback callback,
                           void *user, ls_error *err)
{
    ls_check_job job = {.number = found->number, .info = &found->info, .thorough = true};
    LS_TRY(check_coverage(err));
    ls_check_jobs_run(&job, 1, ls_usable_cores(), stop, callback, user);
    *speed = job.speed;
    *parts = job.parts;
    return conclude(NULL, found, &job, out, NULL, NULL, err);
}
