/* SPDX-License-Identifier: MIT */
/* The files of a run folder. */
#ifndef LS_CLI_RUN_FILES_H
#define LS_CLI_RUN_FILES_H

enum { RUN_JSON, RUN_METRICS, RUN_MODEL, RUN_REPORT, RUN_TIMING, RUN_FILES };
extern const char *const run_file_names[RUN_FILES];
/* "folder/name", freed with free(); NULL if memory runs out. */
char *run_file_path(const char *folder, int file);

#endif
