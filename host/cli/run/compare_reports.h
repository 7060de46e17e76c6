/* SPDX-License-Identifier: MIT */
/* Compares the reports of two runs whose data lie in different places. */
#ifndef LS_CLI_COMPARE_REPORTS_H
#define LS_CLI_COMPARE_REPORTS_H

#include "host/cli/run/file_pair.h"

/* Sets pair->same if the pages differ in nothing but the command that trains the model again and
 * the name of the data, which are known to mean the same. source: that name in each run. */
void reports_forgive_names(file_pair *pair, char *const source[2]);

#endif
