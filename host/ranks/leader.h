/* SPDX-License-Identifier: MIT */
/* The backend of rank 0: its members are trained by all ranks. */
#ifndef LS_LEADER_BACKEND_H
#define LS_LEADER_BACKEND_H

#include "host/ranks/rank.h"

/* Opens the device of every rank. spec, threads: as for ls_device_open. info: a description of all
 * together. rank must outlive the backend. Errors: of any rank. */
ls_status ls_leader_open(ls_rank *rank, const char *spec, unsigned threads, bool allow_approximate,
                         ls_device_info *info, ls_backend **out, ls_error *err);
/* Whether a backend is one of these. */
bool ls_is_leader_backend(const ls_backend *backend);

#endif
