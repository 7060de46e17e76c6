/* SPDX-License-Identifier: MIT */
/* Kinds of devices. The public ls_device_info has their names; the library compares the enum. */
#ifndef LS_DEVICE_KIND_H
#define LS_DEVICE_KIND_H

#include "host/include/lockstep.h"

typedef enum {
    LS_KIND_CPU_PATH, /* the C code of core_cpu/ */
    LS_KIND_GPU,
    LS_KIND_CPU, /* a CPU behind a driver, such as PoCL's */
    LS_KIND_ACCELERATOR,
    LS_KIND_OTHER,
    LS_KIND_COUNT
} ls_device_kind;

const char *ls_device_kind_name(ls_device_kind kind);

/* Writes the kind's name into info->kind. */
void ls_device_set_kind(ls_device_info *info, ls_device_kind kind);

/* The kind that info->kind names; LS_KIND_OTHER for an unknown name. */
ls_device_kind ls_device_kind_of(const ls_device_info *info);

#endif
