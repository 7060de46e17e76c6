/* SPDX-License-Identifier: MIT */
/* The library's options as options of a subcommand, derived from the library's table. */
#ifndef LS_CLI_LIBRARY_OPTIONS_H
#define LS_CLI_LIBRARY_OPTIONS_H

#include "host/include/lockstep.h"
#include <popt.h>

/* popt entries for every option of the library. Each flag also has a "no-" entry. Returns NULL if
 * memory runs out. */
struct poptOption *library_table(void);
void library_table_free(struct poptOption *table);

/* The option that an entry of the table sets. *value is the value as text. */
const ls_option_info *library_option(int val, const char *text, const char **value);

/* Sets the option in `options` (see option_handler). Returns an exit status. */
int library_set(ls_options *options, int val, const char *text, const char *command);

/* Refuses a file as the value of --output, which is the activation of the output. Returns an exit
 * status. */
int library_check_file(const ls_option_info *info, const char *value, const char *command);

#endif
