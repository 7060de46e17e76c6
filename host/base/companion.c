/* SPDX-License-Identifier: MIT */
#include "host/base/companion.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_there(const char *path, bool runs)
{
    return *path == '/' && access(path, runs ? X_OK : R_OK) == 0;
}

/* Beside a file of this process, or where an installation puts it relative to that file. */
static bool find_beside(const char *file, const char *name, bool runs, char path[PATH_MAX])
{
    static const char *const places[] = {".", LS_COMPANIONS_FROM_LIB, LS_COMPANIONS_FROM_BIN};
    const char *end = strrchr(file, '/');
    for (size_t i = 0; end && i < sizeof places / sizeof *places; i++) {
        int n = snprintf(path, PATH_MAX, "%.*s/%s/%s", (int)(end - file), file, places[i], name);
        if (n > 0 && n < PATH_MAX && is_there(path, runs)) return true;
    }
    return false;
}

/* The library may be a file of its own or a part of the program. */
bool ls_find_companion(const char *name, bool runs, char path[PATH_MAX])
{
    Dl_info self;
    static const char here = 0; /* its address is in this library */
    if (dladdr(&here, &self) && self.dli_fname && *self.dli_fname == '/' &&
        find_beside(self.dli_fname, name, runs, path))
        return true;
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) {
        program[n] = 0;
        if (find_beside(program, name, runs, path)) return true;
    }
    n = snprintf(path, PATH_MAX, "%s/%s", LS_COMPANIONS, name);
    return n > 0 && n < PATH_MAX && is_there(path, runs);
}
