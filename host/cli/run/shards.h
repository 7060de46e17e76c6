/* SPDX-License-Identifier: MIT */
/* train --data-shards: no process holds all rows. */
#ifndef LS_CLI_SHARDS_H
#define LS_CLI_SHARDS_H

#include "host/cli/run/training_request.h"

/* Refuses what needs all rows in one place. Nothing without --data-shards. */
ls_status shards_check(const training_request *request, ls_error *err);

/* The same for what depends on the rows. ranks: that train on them. */
ls_status shards_check_rows(const training_request *request, const ls_data *rows, int ranks,
                            ls_error *err);

#endif
