/* SPDX-License-Identifier: MIT */
/* The packages of distributions that have OpenCL. */
#ifndef LS_DOCTOR_PACKAGES_H
#define LS_DOCTOR_PACKAGES_H

#include "host/doctor/machine.h"

typedef enum {
    LS_PACKAGE_NVIDIA, /* drivers of GPUs: in the order of ls_vendor */
    LS_PACKAGE_AMD,
    LS_PACKAGE_INTEL,
    LS_PACKAGE_LOADER,
    LS_PACKAGE_POCL, /* OpenCL on the CPU */
    LS_PACKAGE_COUNT
} ls_package;

/* The command that installs it, or what to look for where that is not known. */
const char *ls_package_command(ls_family family, ls_package package);
/* The command that names the package that a file is from, up to the file's name; or NULL. */
const char *ls_package_owner_command(ls_family family);

#endif
