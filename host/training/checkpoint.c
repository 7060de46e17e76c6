/* SPDX-License-Identifier: MIT */
#include "host/training/checkpoint.h"
#include "host/base/clock.h"
#include "host/base/file.h"
#include "host/base/folder.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/fingerprint.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const double usual_seconds = 30;
/* Share of the time that checkpoints take at most, unless the caller says how often. */
static const double share = 0.01;
enum { LEAST_KEPT = 2 };

static const char prefix[] = "checkpoint-", suffix[] = ".safetensors";

struct ls_checkpoints {
    const ls_train_control *control;
    const char *folder;
    int lock; /* the folder, locked */
    ls_checkpoint_key key;
    size_t keep;
    double written; /* clock, when the last one was written */
    double cost;    /* seconds that it took */
    uint64_t epoch; /* of the last one, if they are written by epochs */
    uint64_t step;  /* of the last one */
    bool any;
    size_t failed;
};

static void tell(const ls_checkpoints *c, const char *line)
{
    if (c->control->notice) c->control->notice(line, c->control->user);
}

/* ---- The folder ------------------------------------------------------------------------------ */

static bool is_checkpoint(const char *name, uint64_t *step)
{
    size_t length = strlen(name), digits = sizeof prefix - 1;
    char number[32];
    if (length <= sizeof prefix + sizeof suffix - 2 || length - (sizeof prefix - 1) >= 40 ||
        strncmp(name, prefix, digits) || strcmp(name + length - (sizeof suffix - 1), suffix))
        return false;
    size_t count = length - (sizeof prefix - 1) - (sizeof suffix - 1);
    if (count >= sizeof number) return false;
    memcpy(number, name + digits, count);
    number[count] = 0;
    return ls_parse_u64(number, step);
}

static bool is_leftover(const char *name)
{
    size_t length = strlen(name);
    return !strncmp(name, ".lockstep-", 10) && length > 4 && !strcmp(name + length - 4, ".tmp");
}

static int newest_first(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The steps of the checkpoints, newest first. */
static ls_status list_steps(const char *folder, uint64_t **out, size_t *count, ls_error *err)
{
    size_t room = 0;
    uint64_t step;
    *out = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    if (!dir) return ls_fail(err, LS_ERR_IO, "%s: cannot be read: %s", folder, strerror(errno));
    ls_status status = LS_OK;
    for (struct dirent *e; status == LS_OK && (e = readdir(dir));) {
        if (!is_checkpoint(e->d_name, &step)) continue;
        status = ls_grow(out, &room, *count + 1, sizeof **out, "the checkpoints", err);
        if (status == LS_OK) (*out)[(*count)++] = step;
    }
    closedir(dir);
    if (*count > 1) qsort(*out, *count, sizeof **out, newest_first);
    return status;
}

bool ls_checkpoints_exist(const char *folder)
{
    uint64_t *step;
    size_t count = 0;
    bool good = list_steps(folder, &step, &count, NULL) == LS_OK;
    free(step);
    return good && count;
}

/* What a process that was killed has left of a file that it was writing. */
static void remove_leftovers(const ls_checkpoints *c)
{
    DIR *dir = opendir(c->folder);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));)
        if (is_leftover(e->d_name)) unlinkat(c->lock, e->d_name, 0);
    closedir(dir);
}

static ls_status path_of(const ls_checkpoints *c, uint64_t step, char **out, ls_error *err)
{
    ls_text path = {0};
    ls_text_add(&path, "%s/%s%012" PRIu64 "%s", c->folder, prefix, step, suffix);
    if (path.failed) {
        free(path.text);
        return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for a name", c->folder);
    }
    *out = path.text;
    return LS_OK;
}

/* Removes all but the newest ones. */
static void prune(const ls_checkpoints *c)
{
    uint64_t *step;
    size_t count;
    char *path;
    if (list_steps(c->folder, &step, &count, NULL) == LS_OK)
        for (size_t i = c->keep; i < count; i++)
            if (path_of(c, step[i], &path, NULL) == LS_OK) {
                unlink(path);
                free(path);
            }
    free(step);
}

/* Creates and locks the folder. */
static ls_status open_folder(ls_checkpoints *c, ls_error *err)
{
    LS_TRY(ls_folder_make(c->folder, NULL, err));
    c->lock = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->lock < 0)
        return ls_fail(err, LS_ERR_IO, "%s: cannot be opened: %s", c->folder, strerror(errno));
    if (flock(c->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return ls_fail(err, LS_ERR_IO, "%s: another training is writing checkpoints there",
                       c->folder);
    return LS_OK;
}

/* ---- Going on -------------------------------------------------------------------------------- */

static ls_status load(ls_checkpoints *c, uint64_t step, ls_trainer *trainer, ls_error *err)
{
    char *path, *bytes;
    size_t size;
    LS_TRY(path_of(c, step, &path, err));
    ls_status status = ls_read_regular(path, &bytes, &size, err);
    if (status == LS_OK) {
        ls_copy copy;
        status = ls_checkpoint_parse(trainer, &c->key, path, bytes, size, &copy, err);
        if (status == LS_OK) ls_trainer_resume(trainer, copy);
        free(bytes);
    }
    free(path);
    return status;
}

/* From the newest checkpoint that is whole. */
static ls_status go_on(ls_checkpoints *c, const uint64_t *step, size_t count, ls_trainer *trainer,
                       ls_error *err)
{
    ls_error why = {0};
    for (size_t i = 0; i < count; i++) {
        ls_status status = load(c, step[i], trainer, &why);
        if (status == LS_OK) {
            c->step = trainer->now.step;
            c->epoch = trainer->model->summary.epochs;
            c->any = true;
            return LS_OK;
        }
        if (status != LS_ERR_DATA && status != LS_ERR_IO)
            return ls_fail(err, status, "%s", why.message);
        if (i + 1 < count) {
            char line[1100];
            snprintf(line, sizeof line, "%.950s; going back to the checkpoint before it",
                     why.message);
            tell(c, line);
        }
    }
    return count ? ls_fail(err, LS_ERR_DATA, "%.900s; there is no whole checkpoint", why.message)
                 : LS_OK;
}

static ls_status begin(ls_checkpoints *c, ls_trainer *trainer, ls_error *err)
{
    uint64_t *step = NULL;
    size_t count = 0;
    LS_TRY(open_folder(c, err));
    ls_status status = list_steps(c->folder, &step, &count, err);
    if (status == LS_OK && c->control->resume) {
        remove_leftovers(c);
        status = go_on(c, step, count, trainer, err);
    } else if (status == LS_OK && count)
        status = ls_fail(err, LS_ERR_ARGUMENT,
                         "%s holds checkpoints of an earlier training; resume that one, or name "
                         "another folder",
                         c->folder);
    free(step);
    return status;
}

ls_status ls_checkpoints_open(const ls_train_control *control, const char *arithmetic,
                              const ls_data *data, ls_trainer *trainer, ls_checkpoints **out,
                              ls_error *err)
{
    ls_checkpoints *c;
    ls_sha256 sha;
    LS_TRY(ls_alloc(&c, 1, sizeof *c, "the checkpoints", err));
    *c = (ls_checkpoints){.control = control,
                          .folder = control->checkpoint,
                          .lock = -1,
                          .key.arithmetic = arithmetic,
                          .keep = control->keep > LEAST_KEPT ? control->keep : LEAST_KEPT,
                          .written = ls_clock()};
    ls_sha256_init(&sha);
    ls_status status = ls_hash_data(&sha, data, err);
    ls_sha256_final(&sha, c->key.data);
    c->key.refit = trainer->block->start.refit;
    if (status == LS_OK) status = ls_start_hash(&trainer->block->start, c->key.start, err);
    if (status == LS_OK) status = begin(c, trainer, err);
    if (status != LS_OK) ls_checkpoints_close(c);
    else *out = c;
    return status;
}

void ls_checkpoints_close(ls_checkpoints *c)
{
    if (!c) return;
    if (c->lock >= 0) close(c->lock);
    free(c);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static ls_status write_file(ls_checkpoints *c, const ls_trainer *trainer, const ls_copy *copy,
                            ls_error *err)
{
    char *bytes, *path;
    size_t size;
    LS_TRY(ls_checkpoint_serialize(trainer, &c->key, copy, &bytes, &size, err));
    ls_status status = path_of(c, copy->course.step, &path, err);
    if (status == LS_OK) {
        status = ls_write_file(path, bytes, size, err);
        free(path);
    }
    free(bytes);
    return status;
}

ls_status ls_checkpoints_write(ls_checkpoints *c, ls_trainer *trainer, ls_error *err)
{
    ls_error why;
    ls_copy taken = {0};
    double started = ls_clock();
    ls_status status = trainer->workspace ? ls_copy_take(trainer, &taken, &why) : LS_OK;
    if (status == LS_ERR_DEVICE) return ls_fail(err, status, "%s", why.message);
    if (status == LS_OK)
        status = write_file(c, trainer, trainer->workspace ? &taken : &trainer->copy, &why);
    ls_copy_free(&taken);
    c->written = ls_clock();
    c->cost = c->written - started;
    c->epoch = trainer->model->summary.epochs;
    c->step = trainer->now.step;
    c->any = true;
    if (status == LS_OK) {
        prune(c);
        return LS_OK;
    }
    char line[1100];
    c->failed++;
    snprintf(line, sizeof line, "no checkpoint at epoch %llu: %.1000s",
             (unsigned long long)c->epoch, why.message);
    tell(c, line);
    return LS_OK;
}

static bool is_due(const ls_checkpoints *c, const ls_trainer *trainer)
{
    const ls_train_control *control = c->control;
    uint64_t epochs = trainer->model->summary.epochs;
    if (control->every_epochs) return epochs != c->epoch && epochs % control->every_epochs == 0;
    double wait = control->every_seconds > 0        ? control->every_seconds
                  : c->cost / share > usual_seconds ? c->cost / share
                                                    : usual_seconds;
    return ls_clock() - c->written >= wait;
}

ls_status ls_checkpoints_offer(ls_checkpoints *c, ls_trainer *trainer, ls_error *err)
{
    bool same = c->any && c->step == trainer->now.step;
    return trainer->state == LS_MEMBER_TRAINING && !same && is_due(c, trainer)
               ? ls_checkpoints_write(c, trainer, err)
               : LS_OK;
}

uint64_t ls_checkpoints_limit(const ls_checkpoints *c, const ls_trainer *trainer, uint64_t steps)
{
    uint64_t every = c ? c->control->every_epochs : 0;
    const uint64_t per_epoch = trainer->now.schedule.steps_per_epoch;
    if (!every || every > UINT64_MAX / 2 / per_epoch) return steps;
    uint64_t left = every * per_epoch - trainer->now.step % (every * per_epoch);
    return steps < left ? steps : left;
}

size_t ls_checkpoints_failed(const ls_checkpoints *c) { return c ? c->failed : 0; }
