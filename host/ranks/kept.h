/* SPDX-License-Identifier: MIT */
/* A file that ranks have read together, each a part of it. */
#ifndef LS_RANK_KEPT_H
#define LS_RANK_KEPT_H

#include "host/ranks/rank.h"

/* Has each rank read its part of a `ranged` file; the cells are fetched from the ranks from here
 * on. Errors: of any rank, which need not have the file. */
ls_status ls_kept_begin(ls_rank *leader, ls_apart *apart, ls_error *err);

#endif
