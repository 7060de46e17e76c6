/* SPDX-License-Identifier: MIT */
/* Reads run.json and other files of --config. */
#ifndef LS_CLI_CONFIG_READ_H
#define LS_CLI_CONFIG_READ_H

#include "host/cli/run/config.h"
#include "host/include/lockstep.h"

/* Reads and checks a file, including its options. An unknown name is an error, whose message
 * suggests the nearest name. */
ls_status config_read(const char *path, run_config *out, ls_error *err);

/* The same for the bytes of a file. path: for messages. */
ls_status config_parse(const char *path, const char *bytes, size_t size, run_config *out,
                       ls_error *err);

/* Sets the options that the file has. path: for messages. */
ls_status config_options(const run_config *config, const char *path, ls_options *options,
                         ls_error *err);

#endif
