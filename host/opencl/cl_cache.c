/* SPDX-License-Identifier: MIT */
/* What is remembered of a device between runs: the self-check's verdict, and the tuner's tiles. A
 * cache that cannot be read or written costs time and nothing else. */
#include "host/base/file.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/opencl/cl_device.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void ls_cl_cache_path(const ls_device_info *info, const char *what, char path[700], bool make)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char folder[512], hex[65];
    ls_sha256 hash;
    path[0] = 0;
    if (cache && *cache == '/') snprintf(folder, sizeof folder, "%s", cache);
    else if (home && *home == '/') snprintf(folder, sizeof folder, "%s/.cache", home);
    else return;
    if (strlen(folder) > sizeof folder - 32) return; /* cut short, it would be another folder */
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
    snprintf(path, 700, "%s/%s-%.32s", folder, what, hex);
}

bool ls_cl_recall(ls_device_info *info)
{
    char path[700], *text;
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

void ls_cl_remember(const ls_device_info *info)
{
    char path[700], text[300];
    ls_cl_cache_path(info, "check", path, true);
    int n = info->exact ? snprintf(text, sizeof text, "exact\n")
                        : snprintf(text, sizeof text, "approximate: %s\n", info->reason);
    if (*path && n > 0) (void)ls_write_file(path, text, (size_t)n, NULL);
}

void ls_cl_recall_tiles(ls_cl_device *d, const ls_device_info *info)
{
    char path[700], *text, *rest = NULL;
    size_t size;
    ls_cl_cache_path(info, "tiles", path, false);
    if (!*path || ls_read_file(path, &text, &size, NULL) != LS_OK) return;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        unsigned form, class;
        ls_cl_tile t;
        bool whole = sscanf(line, "%u %u %u %u %u %u %u %u %u", &form, &class, &t.local, &t.size[0],
                            &t.size[1], &t.size[2], &t.size[3], &t.size[4], &t.size[5]) == 9;
        if (whole && form < LS_FORM_COUNT && class < LS_SIZE_COUNT && t.local < 2 &&
            ls_cl_tile_fits(d, &t))
            d->choice[form][class] = t;
    }
    free(text);
}

ls_status ls_cl_remember_tiles(const ls_cl_device *d, const ls_device_info *info, char path[700],
                               ls_error *err)
{
    ls_text text = {0};
    ls_cl_cache_path(info, "tiles", path, true);
    if (!*path)
        return ls_fail(
            err, LS_ERR_IO,
            "there is no cache folder to keep the choice in: set HOME or XDG_CACHE_HOME");
    for (int f = 0; f < LS_FORM_COUNT; f++)
        for (int c = 0; c < LS_SIZE_COUNT; c++) {
            const ls_cl_tile *t = &d->choice[f][c];
            ls_text_add(&text, "%d %d %u %u %u %u %u %u %u\n", f, c, t->local, t->size[0],
                        t->size[1], t->size[2], t->size[3], t->size[4], t->size[5]);
        }
    ls_status status = text.failed
                           ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the tuner's choice")
                           : ls_write_file(path, text.text, text.length, err);
    free(text.text);
    return status;
}
