/* SPDX-License-Identifier: MIT */
/* --oof: predictions of the best trial's networks for the rows that each has not seen. */
#ifndef LS_CLI_CMD_SEARCH_OOF_H
#define LS_CLI_CMD_SEARCH_OOF_H

#include "host/cli/cmd/search_output.h"

/* Checks that rows are held out because the command line says so. */
ls_status search_oof_check(const search_arguments *a, ls_error *err);

/* Trains the best trial's networks again and writes the file. What fails is told and counted in
 * w->lost, except an interruption, which makes the search incomplete. */
void search_oof_write(const search_arguments *a, search_work *w, ls_fleet_callback callback,
                      void *user);

#endif
