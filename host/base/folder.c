/* SPDX-License-Identifier: MIT */
#include "host/base/folder.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Cuts the last name off a path, "/" at its end included. Returns false if none is left. */
static bool cut_name(char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    while (n > 1 && path[n - 1] == '/') n--;
    path[n] = '\0';
    return n > 0 && strcmp(path, "/") != 0;
}

static ls_status copy_of(const char *path, char **out, ls_error *err)
{
    if (!*path) return ls_fail(err, LS_ERR_ARGUMENT, "the name of the folder is empty");
    *out = ls_strdup(path);
    return *out ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its name", path);
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Makes one folder, or says why it is not there. Others may make it at the same time. */
static bool make_one(const char *path, size_t *made)
{
    if (mkdir(path, 0777) == 0) {
        ++*made;
        return true;
    }
    if (errno != EEXIST) return false;
    errno = ENOTDIR;
    return is_folder(path);
}

static bool make_all(char *path, size_t *made)
{
    if (make_one(path, made)) return true;
    if (errno != ENOENT) return false;
    char *above = ls_strdup(path);
    errno = ENOMEM;
    bool there = above != NULL;
    if (there) errno = ENOENT;
    there = there && cut_name(above) && make_all(above, made);
    int why = errno;
    free(above);
    errno = why;
    return there && make_one(path, made);
}

ls_status ls_folder_make(const char *path, size_t *made, ls_error *err)
{
    char *copy;
    size_t count = 0;
    LS_TRY(copy_of(path, &copy, err));
    bool there = make_all(copy, &count);
    int why = errno;
    free(copy);
    if (made) *made = count;
    return there ? LS_OK
                 : ls_fail(err, LS_ERR_IO, "%s: this folder cannot be created: %s", path,
                           strerror(why));
}

void ls_folder_unmake(const char *path, size_t made)
{
    char *copy;
    if (!made || copy_of(path, &copy, NULL) != LS_OK) return;
    while (made-- > 0 && rmdir(copy) == 0 && cut_name(copy)) {}
    free(copy);
}

ls_status ls_folder_check(const char *path, ls_error *err)
{
    char *copy;
    LS_TRY(copy_of(path, &copy, err));
    bool left = true;
    struct stat about;
    while (left && stat(copy, &about) != 0 && errno == ENOENT) left = cut_name(copy);
    const char *at = left ? copy : *path == '/' ? "/" : ".";
    errno = 0;
    bool folder = is_folder(at), writable = folder && access(at, W_OK | X_OK) == 0;
    ls_status status = LS_OK;
    if (!writable)
        status = ls_fail(err, LS_ERR_IO, "%s: this folder cannot be created: %s: %s", path, at,
                         folder || errno ? strerror(errno) : "is not a folder");
    free(copy);
    return status;
}
