/* SPDX-License-Identifier: MIT */
/* Checks of the paths that a command reads and writes, made before long work: a result must not
 * take the place of a file that is read, or of another result. Files are the same if they have the
 * same device and inode, or, of those that do not exist yet, the same place. */
#ifndef LS_CLI_RESULT_PATH_H
#define LS_CLI_RESULT_PATH_H

#include "host/include/lockstep.h"
#include <stdbool.h>

typedef struct {
    struct result_path *list;
    size_t count, capacity;
    bool failed; /* memory has run out */
} result_paths;

/* A file that is read. NULL, generators and files that do not exist are left out; "-" is standard
 * input. With a folder, every file of the run in it is read. */
void result_reads(result_paths *paths, const char *path);
/* The same for a file of rows, with the file of classes that is found beside it. */
void result_reads_rows(result_paths *paths, const char *path);

/* A file that is written; NULL and "-" (standard output) are left out. */
void result_writes(result_paths *paths, const char *path);
/* The same for a file that may also be a pipe or a device in a folder that is not writable. */
void result_writes_live(result_paths *paths, const char *path);
/* The same for file `name` of a folder that the command creates. */
void result_writes_inside(result_paths *paths, const char *folder, const char *name);

/* Checks that each file can be written, and that no two are the same of which one is written. Frees
 * the list. */
ls_status result_check(result_paths *paths, ls_error *err);

/* Checks that a file can be written to path. NULL and "-" pass. */
ls_status result_check_writable(const char *path, ls_error *err);

#endif
