/* SPDX-License-Identifier: MIT */
/* Outputs of a command that could not be written. One that fails costs no other: each failure is
 * told at once, and the exit status is EXIT_FAILED at the end. */
#ifndef LS_CLI_LOSSES_H
#define LS_CLI_LOSSES_H

#include "host/base/error.h"
#include <stdbool.h>

typedef struct {
    const char *command;
    size_t count;
} losses;

/* Tells and counts a failure. Returns whether the status is LS_OK. */
bool losses_check(losses *l, ls_status status, const ls_error *err);

/* A model whose place cannot be written is saved once more, as model.safetensors in a new folder
 * lockstep-model-XXXXXX: in the folder `beside` (NULL: none), in TMPDIR, or in /tmp. Tells where.
 * Returns its path, freed with free(), and its hash; NULL (told and counted) if no place will do.
 */
char *losses_rescue(losses *l, const ls_model *model, const char *beside, char hex[65]);

#endif
