/* SPDX-License-Identifier: MIT */
/* Files about a device in the user's cache folder, and the one with the self-check's verdict. A
 * cache that cannot be read or written costs time and nothing else. */
#include "host/opencl/cl_cache.h"
#include "host/base/file.h"
#include "host/base/sha256.h"
#include "host/opencl/cl_sources.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void ls_cl_cache_path(const ls_device_info *info, const char *what, char path[LS_CL_PATH],
                      bool make)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char folder[512], hex[65];
    ls_sha256 hash;
    path[0] = 0;
    if (cache && *cache == '/') snprintf(folder, sizeof folder, "%s", cache);
    else if (home && *home == '/') snprintf(folder, sizeof folder, "%s/.cache", home);
    else return;
    if (strlen(folder) > sizeof folder - 32) return; /* the path would be cut short */
    if (make) mkdir(folder, 0700);
    snprintf(folder + strlen(folder), sizeof folder - strlen(folder), "/lockstep");
    if (make) mkdir(folder, 0700);
    ls_sha256_init(&hash);
    const char *const parts[] = {ls_version(), info->platform, info->vendor, info->name,
                                 info->driver};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ls_sha256_update(&hash, parts[i], strlen(parts[i]) + 1);
    ls_sha256_update(&hash, ls_kernel_source, ls_kernel_source_size);
    ls_sha256_update(&hash, ls_matmul_source, ls_matmul_source_size);
    ls_sha256_update(&hash, ls_matmul_local_source, ls_matmul_local_source_size);
    ls_sha256_update(&hash, ls_small_source, ls_small_source_size);
    ls_sha256_final(&hash, hex);
    snprintf(path, LS_CL_PATH, "%s/%s-%.32s", folder, what, hex);
}

bool ls_cl_recall_verdict(ls_device_info *info)
{
    char path[LS_CL_PATH], *text;
    size_t size;
    ls_cl_cache_path(info, "check", path, false);
    if (!*path || ls_read_file(path, &text, &size, NULL) != LS_OK) return false;
    bool exact = !strcmp(text, "exact\n"), approximate = !strncmp(text, "approximate: ", 13);
    if (approximate) {
        snprintf(info->reason, sizeof info->reason, "%s", text + 13);
        info->reason[strcspn(info->reason, "\n")] = 0;
    }
    if (exact || approximate) info->exact = exact;
    free(text);
    return exact || approximate;
}

void ls_cl_remember_verdict(const ls_device_info *info)
{
    char path[LS_CL_PATH], text[300];
    ls_cl_cache_path(info, "check", path, true);
    int n = info->exact ? snprintf(text, sizeof text, "exact\n")
                        : snprintf(text, sizeof text, "approximate: %s\n", info->reason);
    if (*path && n > 0) (void)ls_write_file(path, text, (size_t)n, NULL);
}
