/* SPDX-License-Identifier: MIT */
/* The CPU path: a backend in plain C that runs everywhere. */
#ifndef LS_CPU_H
#define LS_CPU_H

#include "host/network/backend.h"

/* threads: 0 for all usable cores. isa: a name from ls_cpu_isa_at, or NULL for the best instruction
 * set. Errors: LS_ERR_ARGUMENT if this machine does not support it, LS_ERR_MEMORY. */
ls_status ls_cpu_open(unsigned threads, const char *isa, ls_backend **out, ls_error *err);

/* The threads that the CPU path in use was opened for; 0 if the backend is another one. */
unsigned ls_cpu_threads(const ls_backend *backend);

/* Changes the number of threads (at least 1), which changes no bit. If fewer can be started, these
 * work, and the backend's note says so. Errors: LS_ERR_MEMORY; the backend is then unchanged. */
ls_status ls_cpu_use(ls_backend *cpu, unsigned threads, ls_error *err);

/* Name of the i-th instruction set that this build contains and this machine supports, best first;
 * NULL past the last one. */
const char *ls_cpu_isa_at(size_t i);

#endif
