/* SPDX-License-Identifier: MIT */
#include "host/cli/run/resume.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/folder.h"
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/run/config_write.h"
#include "host/training/checkpoint.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char resume_config_name[] = "run.json", resume_outputs_name[] = "outputs.json";

enum { LARGEST = 1 << 20 }; /* bytes of outputs.json */

/* ---- Entries --------------------------------------------------------------------------------- */

/* Texts and counts of a request that outputs.json holds. */
typedef struct {
    const char *name;
    size_t offset;
    bool path; /* relative to the folder of the training */
} text_entry;
static const text_entry texts[] = {
    {"model", offsetof(training_request, save), true},
    {"run", offsetof(training_request, run), true},
    {"report", offsetof(training_request, report), true},
    {"log", offsetof(training_request, log), true},
    {"tensorboard", offsetof(training_request, tensorboard), true},
    {"every", offsetof(training_request, safety.every), false},
};
static const struct {
    const char *name;
    size_t offset;
} counts[] = {
    {"keep", offsetof(training_request, safety.keep)},
    {"verify", offsetof(training_request, safety.verify)},
};
enum { TEXTS = sizeof texts / sizeof *texts, COUNTS = sizeof counts / sizeof *counts };

static const char **text_of(training_request *r, size_t i)
{
    return (const char **)(void *)((char *)r + texts[i].offset);
}

static long long *count_of(training_request *r, size_t i)
{
    return (long long *)(void *)((char *)r + counts[i].offset);
}

static ls_status path_in(const char *folder, const char *name, char **out, ls_error *err)
{
    ls_text path = {0};
    ls_text_add(&path, "%s/%s", folder, name);
    if (path.failed) {
        free(path.text);
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for a name", folder);
    }
    *out = path.text;
    return LS_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

ls_status resume_check(const training_request *r, ls_error *err)
{
    if (!r->safety.checkpoint || r->resumes) return LS_OK;
    if (ls_checkpoints_exist(r->safety.checkpoint))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--checkpoint: %s holds checkpoints of an earlier training; lockstep resume "
                       "%s goes on with it; otherwise name another folder, or remove this one",
                       r->safety.checkpoint, r->safety.checkpoint);
    return LS_OK;
}

static ls_status write_json(const char *folder, const char *name, json_t *o, ls_error *err)
{
    ls_text text = {0};
    char *path, *dump = o ? ls_json_dump(o, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(o);
    if (dump) ls_text_add(&text, "%s\n", dump);
    free(dump);
    ls_status status = dump && !text.failed
                           ? path_in(folder, name, &path, err)
                           : ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", folder);
    if (status == LS_OK) {
        status = ls_write_file(path, text.text, text.length, err);
        free(path);
    }
    free(text.text);
    return status;
}

static json_t *outputs_json(const training_request *r)
{
    training_request same = *r;
    char folder[PATH_MAX];
    json_t *o = json_pack("{s:i}", "format", 1);
    if (getcwd(folder, sizeof folder) && ls_is_utf8(folder))
        ls_json_set(&o, "folder", json_string(folder));
    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = *text_of(&same, i);
        if (text) ls_json_set(&o, texts[i].name, json_string(text));
    }
    for (size_t i = 0; i < COUNTS; i++)
        if (*count_of(&same, i)) ls_json_set(&o, counts[i].name, json_integer(*count_of(&same, i)));
    if (r->safety.check_finite) ls_json_set(&o, "check-finite", json_true());
    return o;
}

ls_status resume_write(const training_request *r, ls_error *err)
{
    const char *folder = r->safety.checkpoint;
    training_request same = *r;
    if (!folder || r->resumes) return LS_OK;
    for (size_t i = 0; i < TEXTS; i++)
        if (*text_of(&same, i) && !ls_is_utf8(*text_of(&same, i)))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "the name of the %s is not valid UTF-8, so it cannot be written to %s",
                           texts[i].name, resume_outputs_name);
    LS_TRY(ls_folder_make(folder, NULL, err));
    LS_TRY(config_check(&r->inputs, err));
    LS_TRY(write_json(folder, resume_config_name, config_json(&r->inputs, r->options), err));
    return write_json(folder, resume_outputs_name, outputs_json(r), err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* *path as an absolute path that the request owns. */
static ls_status make_absolute(training_request *r, const char **path, ls_error *err)
{
    char folder[PATH_MAX];
    char *absolute;
    if (!*path || **path == '/') return LS_OK;
    if (!getcwd(folder, sizeof folder))
        return ls_fail(err, LS_ERR_IO, "the current folder has no name: %s", strerror(errno));
    LS_TRY(path_in(folder, *path, &absolute, err));
    r->owned[r->owned_count++] = absolute;
    *path = absolute;
    return LS_OK;
}

static ls_status read_outputs(training_request *r, const char *path, ls_error *err)
{
    char *bytes;
    size_t size;
    LS_TRY(ls_read_regular(path, &bytes, &size, err));
    r->outputs = size <= LARGEST ? json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    free(bytes);
    if (!json_is_object(r->outputs))
        return ls_fail(err, LS_ERR_DATA, "%s is damaged: it is no JSON object", path);
    for (size_t i = 0; i < TEXTS; i++) {
        const json_t *value = json_object_get(r->outputs, texts[i].name);
        if (value && !json_is_string(value))
            return ls_fail(err, LS_ERR_DATA, "%s is damaged: \"%s\" is no string", path,
                           texts[i].name);
        if (!*text_of(r, i)) *text_of(r, i) = json_string_value(value);
    }
    for (size_t i = 0; i < COUNTS; i++)
        if (!*count_of(r, i))
            *count_of(r, i) = json_integer_value(json_object_get(r->outputs, counts[i].name));
    r->safety.check_finite |= json_is_true(json_object_get(r->outputs, "check-finite"));
    return LS_OK;
}

ls_status resume_read(training_request *r, ls_error *err)
{
    char *path;
    struct stat about;
    if (stat(r->safety.checkpoint, &about) != 0)
        return ls_fail(err, LS_ERR_IO, "%s: %s; name the folder that --checkpoint named",
                       r->safety.checkpoint, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return ls_fail(err, LS_ERR_IO, "%s is not a folder; name the one that --checkpoint named",
                       r->safety.checkpoint);
    LS_TRY(make_absolute(r, &r->safety.checkpoint, err));
    LS_TRY(make_absolute(r, &r->elsewhere.data, err));
    LS_TRY(make_absolute(r, &r->elsewhere.source.labels, err));
    LS_TRY(make_absolute(r, &r->elsewhere.test, err));
    LS_TRY(make_absolute(r, &r->elsewhere.from, err));
    for (size_t i = 0; i < TEXTS; i++)
        if (texts[i].path) LS_TRY(make_absolute(r, text_of(r, i), err));
    LS_TRY(path_in(r->safety.checkpoint, resume_config_name, &path, err));
    r->owned[r->owned_count++] = path;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return ls_fail(err, LS_ERR_DATA,
                       "%s is missing or no file: %s is not a folder of --checkpoint", path,
                       r->safety.checkpoint);
    r->config = path;
    LS_TRY(path_in(r->safety.checkpoint, resume_outputs_name, &path, err));
    r->owned[r->owned_count++] = path;
    LS_TRY(read_outputs(r, path, err));
    const char *folder = json_string_value(json_object_get(r->outputs, "folder"));
    r->moved = folder && chdir(folder) != 0; /* another machine: relative to where we are */
    return LS_OK;
}
