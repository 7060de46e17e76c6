/* SPDX-License-Identifier: MIT */
/* Shows what was assumed when data were read. */
#ifndef LS_CLI_NOTES_H
#define LS_CLI_NOTES_H

#include "host/include/lockstep.h"
#include <jansson.h>

/* Prints each note of the data on stderr. file: the file that they are about if there are several,
 * or NULL. */
void notes_print(const ls_data *data, const char *file);

/* A list of the notes of the data, and of the test rows if these are not NULL. */
json_t *notes_json(const ls_data *data, const ls_data *test);

#endif
