/* SPDX-License-Identifier: MIT */
/* A training as a shell command that repeats it. */
#ifndef LS_CLI_TRAIN_COMMAND_H
#define LS_CLI_TRAIN_COMMAND_H

#include "host/base/text.h"
#include "host/cli/run/config.h"
#include "host/include/lockstep.h"

/* Adds a space and the word, quoted if the shell would otherwise split or expand it. */
void command_add_word(ls_text *out, const char *word);

/* Adds "lockstep train DATA --target ... --epochs ...": everything that was set about data and
 * decision, and all options that are not at their defaults. Pasted into a shell, the command trains
 * the same model. Unknown data are written as DATA. */
void command_add_train(ls_text *out, const run_config *config, const ls_options *options);

#endif
