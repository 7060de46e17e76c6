/* SPDX-License-Identifier: MIT */
/* Saves a fleet under way in one file, and goes on with it in another process: its members, added
 * in the same order, then stand where they were. */
#ifndef LS_FLEET_FILE_H
#define LS_FLEET_FILE_H

#include "host/base/error.h"

/* Writes the file as a whole or not at all. key: 64 characters that say what is trained. note: the
 * caller's own text. Errors: LS_ERR_IO; LS_ERR_DEVICE, after which the fleet can still go on;
 * LS_ERR_UNSUPPORTED without jansson. */
ls_status ls_fleet_save(ls_fleet *fleet, const char *key, const char *note, const char *path,
                        ls_error *err);

/* Reads it into a fleet to which the same members were added, none of which has begun. *note is
 * freed with free(). Errors: LS_ERR_DATA for a damaged file, LS_ERR_ARGUMENT for one of another key
 * or arithmetic; the fleet must be closed then. */
ls_status ls_fleet_load(ls_fleet *fleet, const char *key, const char *path, char **note,
                        ls_error *err);

#endif
