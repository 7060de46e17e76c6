/* SPDX-License-Identifier: MIT */
#include "host/device/catalogue.h"
#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include "host/network/device_kind.h"
#include <stdlib.h>
#include <unistd.h>

ls_device_info ls_cpu_info(unsigned threads)
{
    ls_device_info info = {.exact = 1};
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (!threads) threads = ls_usable_cores();
    ls_device_set_kind(&info, LS_KIND_CPU_PATH);
    snprintf(info.name, sizeof info.name, "CPU path (%s, %u thread%s)", ls_cpu_isa_at(0), threads,
             threads == 1 ? "" : "s");
    snprintf(info.vendor, sizeof info.vendor, "Lockstep");
    snprintf(info.driver, sizeof info.driver, "%s", ls_version());
    snprintf(info.platform, sizeof info.platform, "C");
    info.memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    return info;
}

void ls_catalogue_begin(ls_catalogue *c, unsigned idle)
{
    *c = (ls_catalogue){0};
#ifdef LS_OPENCL
    ls_error missing;
    if (ls_cl_api_open(&c->cl, &missing) != LS_OK)
        snprintf(c->note, sizeof c->note, "%.255s", missing.message);
    else ls_cl_probe_begin(&c->probing, idle);
#else
    (void)idle;
    snprintf(c->note, sizeof c->note,
             "this build has no OpenCL (it was made without, or OpenCL headers were missing)");
#endif
}

/* info[0] is the CPU path, `found` others follow. */
static ls_status fill(ls_catalogue *c, size_t found, ls_error *err)
{
    LS_TRY(ls_alloc(&c->info, found + 1, sizeof *c->info, "the device list", err));
    c->count = found + 1;
    c->info[0] = ls_cpu_info(0);
#ifdef LS_OPENCL
    for (size_t i = 0; i < found; i++) c->info[i + 1] = c->found[i].info;
#endif
    for (size_t i = 0; i < c->count; i++) c->info[i].index = (int)i;
    return LS_OK;
}

ls_status ls_catalogue_finish(ls_catalogue *c, ls_error *err)
{
    size_t found = 0;
#ifdef LS_OPENCL
    if (!*c->note && ls_cl_probe_end(&c->probing, c->note))
        LS_TRY(ls_cl_find(&c->cl, &c->found, &found, c->note, err));
#endif
    return fill(c, found, err);
}

ls_status ls_catalogue_open(ls_catalogue *c, bool opencl, ls_error *err)
{
    *c = (ls_catalogue){0};
    if (opencl) ls_catalogue_begin(c, 0);
    ls_status status = opencl ? ls_catalogue_finish(c, err) : fill(c, 0, err);
    if (status != LS_OK) ls_catalogue_close(c);
    return status;
}

void ls_catalogue_close(ls_catalogue *c)
{
    free(c->info);
#ifdef LS_OPENCL
    free(c->found);
    ls_cl_api_close(&c->cl);
#endif
    *c = (ls_catalogue){0};
}

bool ls_catalogue_recall(ls_catalogue *c, size_t i)
{
#ifdef LS_OPENCL
    return !c->info[i].exact || ls_cl_recall(&c->info[i]);
#else
    (void)c, (void)i;
    return true;
#endif
}

ls_status ls_catalogue_start(ls_catalogue *c, size_t i, ls_backend **out, ls_error *err)
{
#ifdef LS_OPENCL
    ls_cl_device *device;
    LS_TRY(ls_cl_device_open(&c->cl, &c->found[i - 1], &device, err));
    ls_status status = ls_cl_self_check(device, &c->info[i], err);
    if (status != LS_OK) {
        ls_cl_device_close(&device->base);
        return status;
    }
    *out = &device->base;
    return LS_OK;
#else
    (void)c, (void)i, (void)out;
    return ls_fail(err, LS_ERR_UNSUPPORTED, "this build has no OpenCL");
#endif
}
