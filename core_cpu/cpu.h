/* SPDX-License-Identifier: MIT */
/* The CPU path: a backend in plain C that runs everywhere. */
#ifndef LS_CPU_H
#define LS_CPU_H

#include "host/network/backend.h"

/* threads: 0 for all cores. isa: an instruction set of ls_cpu_isa_at, NULL for the best one.
 * Errors: LS_ERR_ARGUMENT if this machine does not run it. */
ls_status ls_cpu_open(unsigned threads, const char *isa, ls_backend **out, ls_error *err);

/* Changes the number of threads from now on, which changes no bit. On failure nothing changes. */
ls_status ls_cpu_use(ls_backend *cpu, unsigned threads, ls_error *err);

/* Name of the i-th instruction set that this build has and this machine runs, best first; NULL past
 * the end. */
const char *ls_cpu_isa_at(size_t i);

#endif
