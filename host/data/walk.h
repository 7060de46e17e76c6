/* SPDX-License-Identifier: MIT */
/* Going through the rows of a data set in their order, whether its cells are in memory or are read
 * again for it (host/data/apart.h). */
#ifndef LS_WALK_H
#define LS_WALK_H

#include "host/data/data.h"

/* Rows [first, first + block->rows) of the data; the block is valid during the call. */
typedef ls_status ls_walk_take(void *user, const ls_data *block, size_t first, ls_error *err);

/* Calls `take` for all rows. Cells in memory are one block. */
ls_status ls_data_walk(const ls_data *data, ls_walk_take *take, void *user, ls_error *err);

/* Refuses data whose cells are not in memory for what needs all of them at once. */
ls_status ls_data_check_kept(const ls_data *data, const char *what, ls_error *err);

/* Removes categories that occur in no row. */
ls_status ls_data_narrow(ls_data *data, ls_error *err);

/* missing[data->columns]: the missing values of each column. */
ls_status ls_data_missing(const ls_data *data, size_t *missing, ls_error *err);

#endif
