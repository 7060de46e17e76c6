/* SPDX-License-Identifier: MIT */
#include "host/device/cpu_path.h"
#include "core_cpu/cpu.h"
#include "host/base/cores.h"
#include "host/base/memory.h"
#include "host/network/device_kind.h"
#include <unistd.h>

ls_device_info ls_cpu_info(unsigned threads)
{
    ls_device_info info = {.struct_size = sizeof info, .exact = 1};
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

ls_status ls_cpu_path_finish(void *search, unsigned threads, ls_device_info **list, size_t *count,
                             char note[256], ls_error *err)
{
    (void)search, (void)note;
    LS_TRY(ls_alloc(list, 1, sizeof **list, "the device list", err));
    **list = ls_cpu_info(threads);
    *count = 1;
    return LS_OK;
}

ls_status ls_cpu_path_open(void *search, size_t number, unsigned threads, ls_device_info *info,
                           ls_backend **out, ls_error *err)
{
    (void)search, (void)number, (void)info;
    return ls_cpu_open(threads, NULL, out, err);
}
