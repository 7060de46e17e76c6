/* SPDX-License-Identifier: MIT */
/* Makes folders for results, with the folders that they are to be in. */
#ifndef LS_FOLDER_H
#define LS_FOLDER_H

#include "host/base/error.h"

/* Makes a folder and the missing ones above it; one that exists is left as it is. *made (may be
 * NULL): how many were made, also on failure. */
ls_status ls_folder_make(const char *path, size_t *made, ls_error *err);

/* Removes the last `made` folders of a path as far as they are empty. */
void ls_folder_unmake(const char *path, size_t made);

/* Checks that ls_folder_make can make the folder: the deepest one that exists is a folder and can
 * be written. */
ls_status ls_folder_check(const char *path, ls_error *err);

#endif
