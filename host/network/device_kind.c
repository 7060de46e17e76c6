/* SPDX-License-Identifier: MIT */
#include "host/network/device_kind.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The names are part of the public interface and of `lockstep devices --json`. */
static const char *const names[] = {
    [LS_KIND_CPU_PATH] = "cpu path",       [LS_KIND_GPU] = "gpu",     [LS_KIND_CPU] = "cpu",
    [LS_KIND_ACCELERATOR] = "accelerator", [LS_KIND_OTHER] = "other",
};
_Static_assert(sizeof names / sizeof *names == LS_KIND_COUNT, "each kind has a name");

const char *ls_device_kind_name(ls_device_kind kind)
{
    assert(kind < LS_KIND_COUNT && names[kind]);
    return names[kind];
}

void ls_device_set_kind(ls_device_info *info, ls_device_kind kind)
{
    snprintf(info->kind, sizeof info->kind, "%s", ls_device_kind_name(kind));
}

ls_device_kind ls_device_kind_of(const ls_device_info *info)
{
    for (int kind = 0; kind < LS_KIND_OTHER; kind++)
        if (!strcmp(info->kind, names[kind])) return (ls_device_kind)kind;
    return LS_KIND_OTHER;
}
