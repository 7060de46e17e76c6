/* SPDX-License-Identifier: MIT */
/* Standard input that is read more than once. */
#ifndef LS_CLI_STANDARD_INPUT_H
#define LS_CLI_STANDARD_INPUT_H

#include "host/base/error.h"
#include <stdbool.h>

/* Whether a name stands for standard input. */
bool is_standard_input(const char *name);

/* Makes standard input a file from here on: a pipe is copied to an unnamed one in TMPDIR or /tmp.
 */
ls_status standard_input_keep(ls_error *err);

#endif
