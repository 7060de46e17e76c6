/* SPDX-License-Identifier: MIT */
/* The devices of ranks; see ls_ranks_begin. */
#ifndef LS_DEVICE_RANKS_H
#define LS_DEVICE_RANKS_H

#include "host/network/backend.h"
#include <stdbool.h>

/* From the next ls_ranks_begin on, waiting for other ranks ends soon after *stopped says so. */
void ls_ranks_heed(int (*stopped)(void));

/* Whether this process leads others whose devices are not open. */
bool ls_ranks_are_free(void);
/* Opens the devices of all ranks as one; see ls_leader_open. */
ls_status ls_ranks_open(const char *spec, unsigned threads, bool allow_approximate,
                        ls_device_info *info, ls_backend **out, ls_error *err);

/* Of data whose cells are not in memory, each rank reads its part of the file and keeps it, if
 * there are ranks and the file can be read in parts. Errors: of any rank. */
ls_status ls_ranks_keep(ls_data *data, ls_error *err);

#endif
