/* SPDX-License-Identifier: MIT */
/* Writes a config as run.json has it. */
#ifndef LS_CLI_CONFIG_WRITE_H
#define LS_CLI_CONFIG_WRITE_H

#include "host/cli/run/config.h"
#include "host/include/lockstep.h"
#include <jansson.h>

/* Fails if the config cannot be written as JSON, which is UTF-8. */
ls_status config_check(const run_config *config, ls_error *err);

/* The entries of "data" that are not at their defaults, and the hashes. */
json_t *config_data_json(const run_config *config);

/* {"format", "lockstep", "data", "options"}, and "decision" if a threshold or a positive class was
 * given. */
json_t *config_json(const run_config *config, const ls_options *options);

#endif
