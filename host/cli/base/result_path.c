/* SPDX-License-Identifier: MIT */
#include "host/cli/base/result_path.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/run_files.h"
#include "host/data/parts.h"
#include "host/data/read.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct result_path {
    char *path;  /* as named */
    char *place; /* of a file that does not exist: absolute, without links in the part that does */
    struct stat about;
    bool exists, written;
    enum { IN_A_FOLDER, LIVE, IN_A_NEW_FOLDER } where; /* for a check that it can be written */
} result_path;

/* ---- Places ---------------------------------------------------------------------------------- */

/* The folder that a path is in, and its last name, which it cuts off. */
static const char *cut_name(char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') path[--n] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash) return NULL;
    char *name = slash + 1;
    while (slash > path && slash[-1] == '/') slash--;
    *slash = '\0';
    return name;
}

/* The real path of the deepest folder that exists, and the names below it. */
static char *place_of(const char *path)
{
    char *real = realpath(path, NULL), *copy = real ? NULL : ls_strdup(path);
    ls_text text = {0};
    if (real) return real;
    if (!copy) return NULL;
    const char *name = cut_name(copy);
    char *folder = place_of(!name ? "." : *copy ? copy : "/");
    if (!name) name = copy;
    if (folder && !strcmp(name, "..")) { /* of a folder to come */
        char *slash = strrchr(folder, '/');
        slash[slash == folder] = '\0';
    }
    if (folder && (!strcmp(name, ".") || !strcmp(name, ".."))) ls_text_add(&text, "%s", folder);
    else if (folder) ls_text_add(&text, "%s/%s", strcmp(folder, "/") ? folder : "", name);
    else text.failed = true;
    free(folder);
    free(copy);
    if (!text.failed) return text.text;
    free(text.text);
    return NULL;
}

static bool are_same(const result_path *a, const result_path *b)
{
    if (a->exists != b->exists) return false;
    return a->exists ? a->about.st_dev == b->about.st_dev && a->about.st_ino == b->about.st_ino
                     : !strcmp(a->place, b->place);
}

/* ---- The list -------------------------------------------------------------------------------- */

static void add(result_paths *paths, const char *path, bool written, int where)
{
    if (ls_grow(&paths->list, &paths->capacity, paths->count + 1, sizeof *paths->list, "the paths",
                NULL) != LS_OK) {
        paths->failed = true;
        return;
    }
    result_path *p = &paths->list[paths->count++];
    *p = (result_path){.path = ls_strdup(path), .written = written, .where = where};
    p->exists = stat(path, &p->about) == 0;
    if (!p->exists) p->place = place_of(path);
    paths->failed |= !p->path || (!p->exists && !p->place);
}

static void add_inside(result_paths *paths, const char *folder, const char *name, bool written)
{
    ls_text path = {0};
    ls_text_add(&path, "%s/%s", folder, name);
    if (path.failed) paths->failed = true;
    else if (written || access(path.text, F_OK) == 0)
        add(paths, path.text, written, written ? IN_A_NEW_FOLDER : IN_A_FOLDER);
    free(path.text);
}

/* What is redirected to standard input may be a regular file. */
static void add_input(result_paths *paths)
{
    struct stat about;
    if (fstat(STDIN_FILENO, &about) != 0 || !S_ISREG(about.st_mode)) return;
    add(paths, "/dev/stdin", false, IN_A_FOLDER);
    if (paths->failed) return;
    paths->list[paths->count - 1].exists = true;
    paths->list[paths->count - 1].about = about;
}

void result_reads(result_paths *paths, const char *path)
{
    struct stat about;
    if (!path) return;
    if (stat(path, &about) != 0) {
        if (!strcmp(path, "-")) add_input(paths);
        return;
    }
    add(paths, path, false, IN_A_FOLDER);
    for (int i = 0; S_ISDIR(about.st_mode) && i < RUN_FILES; i++)
        add_inside(paths, path, run_file_names[i], false);
}

void result_reads_rows(result_paths *paths, const char *path)
{
    struct stat about;
    ls_parts parts = {0};
    if (path && strstr(path, LS_PARTS_JOIN) && ls_parts_of(path, &parts, NULL) != LS_OK)
        paths->failed = true;
    for (size_t i = 0; i < parts.count; i++) result_reads(paths, parts.name[i]);
    ls_parts_free(&parts);
    result_reads(paths, path);
    /* to look at what is in a pipe would take it away */
    if (!path || stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return;
    char *beside;
    if (ls_labels_beside(path, &beside, NULL) != LS_OK) return; /* reading the rows tells why */
    result_reads(paths, beside);
    free(beside);
}

void result_writes(result_paths *paths, const char *path)
{
    if (path && strcmp(path, "-")) add(paths, path, true, IN_A_FOLDER);
}

void result_writes_live(result_paths *paths, const char *path)
{
    if (path && strcmp(path, "-")) add(paths, path, true, LIVE);
}

void result_writes_inside(result_paths *paths, const char *folder, const char *name)
{
    if (folder) add_inside(paths, folder, name, true);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

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
    if (errno == ENOENT)
        return ls_fail(
            err, LS_ERR_IO,
            "%s cannot be written: there is no folder %s; create it first (mkdir -p), or "
            "name another file",
            path, folder);
    return ls_fail(err, LS_ERR_IO, "%s cannot be written: %s: %s", path, folder, strerror(errno));
}

static ls_status check_pair(const result_path *a, const result_path *b, ls_error *err)
{
    if ((!a->written && !b->written) || !are_same(a, b)) return LS_OK;
    const result_path *result = a->written ? a : b;
    if (!a->written || !b->written)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s is an input file; name another one for the result",
                       result->path);
    if (result->exists && !S_ISREG(result->about.st_mode))
        return LS_OK; /* /dev/null may be named any number of times */
    return ls_fail(
        err, LS_ERR_ARGUMENT,
        "%s is named for two results, so it would be written twice; name different files",
        result->path);
}

static ls_status check_all(const result_paths *paths, ls_error *err)
{
    if (paths->failed) return ls_fail(err, LS_ERR_MEMORY, "out of memory for the paths");
    for (size_t i = 0; i < paths->count; i++)
        for (size_t k = 0; k < i; k++) LS_TRY(check_pair(&paths->list[k], &paths->list[i], err));
    for (size_t i = 0; i < paths->count; i++) {
        const result_path *p = &paths->list[i];
        bool live = p->where == LIVE && access(p->path, W_OK) == 0;
        if (p->written && p->where != IN_A_NEW_FOLDER && !live)
            LS_TRY(result_check_writable(p->path, err));
    }
    return LS_OK;
}

ls_status result_check(result_paths *paths, ls_error *err)
{
    ls_status status = check_all(paths, err);
    for (size_t i = 0; i < paths->count; i++) {
        free(paths->list[i].path);
        free(paths->list[i].place);
    }
    free(paths->list);
    *paths = (result_paths){0};
    return status;
}
