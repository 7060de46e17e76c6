/* SPDX-License-Identifier: MIT */
/* The files of a search: its table and its state. */
#ifndef LS_CLI_CMD_SEARCH_FILES_H
#define LS_CLI_CMD_SEARCH_FILES_H

#include "host/cli/cmd/search_output.h"

/* Checks the paths of all results. */
ls_status search_files_check(const search_arguments *a, ls_error *err);

/* Reads the state file if there is one. */
ls_status search_files_resume(const search_arguments *a, search_work *w, ls_error *err);

/* Write the table, and the state, as they are now. err may be NULL. */
ls_status search_files_table(const search_arguments *a, const search_work *w, ls_error *err);
ls_status search_files_state(const search_arguments *a, const search_work *w, ls_error *err);

/* Writes both. What cannot be written is told and counted. */
void search_files_keep(const search_arguments *a, search_work *w);

#endif
