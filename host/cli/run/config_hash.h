/* SPDX-License-Identifier: MIT */
/* Hashes of the data of a training. */
#ifndef LS_CLI_CONFIG_HASH_H
#define LS_CLI_CONFIG_HASH_H

#include "host/cli/run/config.h"
#include "host/include/lockstep.h"

/* Sets config->hash. rows: the rows if they were generated, otherwise NULL (the files are read). */
ls_status config_hash(run_config *config, const ls_data *rows, ls_error *err);

#endif
