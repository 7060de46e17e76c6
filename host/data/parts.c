/* SPDX-License-Identifier: MIT */
#include "host/data/parts.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_joined(const char *name)
{
    return strstr(name, LS_PARTS_JOIN) && access(name, F_OK) != 0;
}

ls_status ls_parts_of(const char *name, ls_parts *out, ls_error *err)
{
    const size_t join = strlen(LS_PARTS_JOIN);
    size_t count = 1;
    for (const char *at = name; is_joined(name) && (at = strstr(at, LS_PARTS_JOIN)); at += join)
        count++;
    *out = (ls_parts){0};
    LS_TRY(ls_alloc(&out->name, count, sizeof *out->name, "the names of files", err));
    for (const char *at = name; out->count < count; out->count++) {
        const char *end = out->count + 1 < count ? strstr(at, LS_PARTS_JOIN) : at + strlen(at);
        char *part = ls_strdup(at);
        if (!part) {
            ls_parts_free(out);
            return ls_fail(err, LS_ERR_MEMORY, "out of memory for the names of files");
        }
        part[end - at] = '\0';
        out->name[out->count] = part;
        at = end + join;
    }
    return LS_OK;
}

void ls_parts_free(ls_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) free(parts->name[i]);
    free(parts->name);
    *parts = (ls_parts){0};
}

bool ls_parts_exist(const char *name)
{
    ls_parts parts;
    bool there = true;
    if (!is_joined(name)) return access(name, F_OK) == 0;
    if (ls_parts_of(name, &parts, NULL) != LS_OK) return false;
    for (size_t i = 0; i < parts.count; i++) there &= access(parts.name[i], F_OK) == 0;
    ls_parts_free(&parts);
    return there;
}
