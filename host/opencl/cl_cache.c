/* SPDX-License-Identifier: MIT */
/* Files about a device in the user's cache folder, and the one with the self-check's verdict. A
 * cache that cannot be read or written costs time and nothing else. */
#include "host/opencl/cl_cache.h"
#include "host/base/file.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/opencl/cl_sources.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add_sources(ls_sha256 *hash)
{
    ls_sha256_update(hash, ls_kernel_source, ls_kernel_source_size);
    ls_sha256_update(hash, ls_matmul_source, ls_matmul_source_size);
    ls_sha256_update(hash, ls_matmul_local_source, ls_matmul_local_source_size);
    ls_sha256_update(hash, ls_image_source, ls_image_source_size);
    ls_sha256_update(hash, ls_slope_source, ls_slope_source_size);
    ls_sha256_update(hash, ls_conv_source, ls_conv_source_size);
    ls_sha256_update(hash, ls_conv_local_source, ls_conv_local_source_size);
    ls_sha256_update(hash, ls_memory_source, ls_memory_source_size);
    ls_sha256_update(hash, ls_ptx_source, ls_ptx_source_size);
    ls_sha256_update(hash, ls_small_group_source, ls_small_group_source_size);
    ls_sha256_update(hash, ls_small_source, ls_small_source_size);
    ls_sha256_update(hash, ls_whole_source, ls_whole_source_size);
}

void ls_cl_build_id(char id[65])
{
    ls_sha256 hash;
    ls_sha256_init(&hash);
    ls_sha256_update(&hash, ls_version(), strlen(ls_version()) + 1);
    add_sources(&hash);
    ls_sha256_final(&hash, id);
}

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
    const char *const parts[] = {ls_version(), info->platform, info->vendor,
                                 info->name,   info->driver,   info->version};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ls_sha256_update(&hash, parts[i], strlen(parts[i]) + 1);
    add_sources(&hash);
    ls_sha256_final(&hash, hex);
    snprintf(path, LS_CL_PATH, "%s/%s-%.32s", folder, what, hex);
}

/* ---- Small text files ------------------------------------------------------------------------ */

static const char head[] =
    "lockstep 1 "; /* the version of the format; then a hash and a new line */
enum { HEAD = sizeof head - 1 + 64 + 1 };

static void digest(const char *path, const char *text, char hex[65])
{
    const char *name = strrchr(path, '/');
    ls_sha256 sha;
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, name, strlen(name) + 1);
    ls_sha256_update(&sha, text, strlen(text));
    ls_sha256_final(&sha, hex);
}

bool ls_cl_recall_file(const ls_device_info *info, const char *what, char **text)
{
    char path[LS_CL_PATH], *file, hex[65];
    size_t size;
    ls_cl_cache_path(info, what, path, false);
    if (!*path || ls_read_file(path, &file, &size, NULL) != LS_OK) return false;
    bool good = size >= HEAD && strlen(file) == size && !memcmp(file, head, sizeof head - 1);
    if (good) {
        digest(path, file + HEAD, hex);
        good = !memcmp(file + sizeof head - 1, hex, 64) && file[HEAD - 1] == '\n';
    }
    if (good) {
        memmove(file, file + HEAD, size - HEAD + 1);
        *text = file;
    } else free(file);
    return good;
}

void ls_cl_remember_file(const ls_device_info *info, const char *what, const char *text)
{
    char path[LS_CL_PATH], hex[65];
    ls_text file = {0};
    ls_cl_cache_path(info, what, path, true);
    if (!*path) return;
    digest(path, text, hex);
    ls_text_add(&file, "%s%s\n%s", head, hex, text);
    if (!file.failed) (void)ls_write_file(path, file.text, file.length, NULL);
    free(file.text);
}

/* ---- The self-check's verdict ---------------------------------------------------------------- */

static const char *const judgements[LS_CL_JUDGEMENTS] = {"exact", "approximate", "broken"};
#define LS_X(NAME, name) [LS_CL_WAY_##NAME] = #name,
static const char *const way_names[LS_CL_WAY_COUNT] = {LS_CL_WAYS(LS_X)};
#undef LS_X

static const char async[] = "asynchronous copies";

/* The text behind "NAME: " if the line begins so, or else NULL. */
static const char *behind(const char *line, const char *name)
{
    size_t length = strlen(name);
    return !strncmp(line, name, length) && !strncmp(line + length, ": ", 2) ? line + length + 2
                                                                            : NULL;
}

bool ls_cl_recall_verdict(const ls_device_info *info, ls_cl_verdict *out)
{
    char *text, *rest = NULL;
    const char *found;
    ls_cl_verdict v = {.judgement = LS_CL_JUDGEMENTS};
    if (!ls_cl_recall_file(info, "check", &text)) return false;
    char *line = strtok_r(text, "\n", &rest);
    for (int i = 0; line && i < LS_CL_JUDGEMENTS; i++)
        if ((found = behind(line, judgements[i]))) {
            v.judgement = (ls_cl_judgement)i;
            snprintf(v.reason, sizeof v.reason, "%.255s", found);
        }
    while (line && (line = strtok_r(NULL, "\n", &rest))) {
        v.async_copies |= !strcmp(line, async);
        for (int way = 0; way < LS_CL_WAY_COUNT; way++)
            if ((found = behind(line, way_names[way])))
                snprintf(v.way_out[way], sizeof v.way_out[way], "%.159s", found);
    }
    free(text);
    if (v.judgement == LS_CL_JUDGEMENTS) return false;
    *out = v;
    return true;
}

/* A line of a message, which may have several lines. */
static void add_line(ls_text *text, const char *name, const char *message)
{
    ls_text_add(text, "%s: ", name);
    for (const char *c = message; *c; c++) ls_text_add(text, "%c", *c == '\n' ? ' ' : *c);
    ls_text_add(text, "\n");
}

void ls_cl_remember_verdict(const ls_device_info *info, const ls_cl_verdict *v)
{
    ls_text text = {0};
    add_line(&text, judgements[v->judgement], v->reason);
    for (int way = 0; way < LS_CL_WAY_COUNT; way++)
        if (*v->way_out[way]) add_line(&text, way_names[way], v->way_out[way]);
    if (v->async_copies) ls_text_add(&text, "%s\n", async);
    if (!text.failed) ls_cl_remember_file(info, "check", text.text);
    free(text.text);
}
