/* SPDX-License-Identifier: MIT */
/* Files that belong to the library and are not part of it. They lie beside it or the program (in a
 * build folder), or where an installation puts them. */
#ifndef LS_COMPANION_H
#define LS_COMPANION_H

#include <limits.h>
#include <stdbool.h>

/* The path of the file of that name, which is to be readable or, with runs, executable. False if
 * there is none. */
bool ls_find_companion(const char *name, bool runs, char path[PATH_MAX]);

#endif
