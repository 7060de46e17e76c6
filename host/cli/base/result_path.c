/* SPDX-License-Identifier: MIT */
#include "host/cli/base/result_path.h"
#include "host/base/error.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ls_status result_check_writable(const char *path, ls_error *err)
{
    char folder[4096];
    const char *slash = path ? strrchr(path, '/') : NULL;
    struct stat about;
    if (!path || !strcmp(path, "-")) return LS_OK;
    if (!*path) return ls_fail(err, LS_ERR_ARGUMENT, "the name of the file to write is empty");
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return ls_fail(err, LS_ERR_IO, "%s is a folder; name a file in it", path);
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + (slash == path) : 1,
             slash ? path : ".");
    if (access(folder, W_OK) == 0) return LS_OK;
    return ls_fail(err, LS_ERR_IO, "%s cannot be written: %s: %s", path, folder, strerror(errno));
}

static bool same_file(const char *path, const char *other)
{
    struct stat a, b;
    return !stat(path, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

ls_status result_check_apart(const char *path, const char *data, ls_error *err)
{
    char inside[4096];
    if (!path || !data) return LS_OK;
    snprintf(inside, sizeof inside, "%s/model.safetensors", data); /* if data is a run folder */
    if (!same_file(path, data) && !same_file(path, inside)) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT, "%s is an input file; name another one for the result",
                   path);
}

ls_status result_check_distinct(const char *const *paths, size_t count, ls_error *err)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++) {
            struct stat about;
            if (!paths[i] || !paths[k] ||
                (strcmp(paths[i], paths[k]) && !same_file(paths[i], paths[k])))
                continue;
            if (stat(paths[i], &about) == 0 && !S_ISREG(about.st_mode))
                continue; /* /dev/null may be named any number of times */
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "%s is named for two results, so it would be written twice; name different files",
                paths[i]);
        }
    return LS_OK;
}
