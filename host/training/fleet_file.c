/* SPDX-License-Identifier: MIT */
/* The file: a line with its name and version, the key, the note, and a record per member, each with
 * its size before it; at the end the SHA-256 of all that. A record begins with the member's state:
 * a training one has its checkpoint, a finished one its model, a diverged one its message. */
#include "host/training/fleet_file.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/model/model_read.h"
#include "host/model/model_write.h"
#include "host/training/checkpoint_file.h"
#include "host/training/fleet_state.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char heading[] = "lockstep fleet 1\n";
enum { KEY = 64, SUM = 64, SIZE = 8 };

static const char *arithmetic_of(const ls_fleet *fleet)
{
    const ls_device_info *info = fleet->choice ? &fleet->choice->device->info : NULL;
    return !info || info->exact ? "exact" : info->name;
}

static ls_checkpoint_key key_of(const ls_fleet *fleet, const char *key)
{
    ls_checkpoint_key k = {.arithmetic = arithmetic_of(fleet)};
    snprintf(k.data, sizeof k.data, "%s", key);
    return k;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* A file and the hash of what is in it. */
typedef struct {
    ls_sink *sink;
    ls_sha256 sha;
} writer;

static ls_status put(writer *w, const void *bytes, size_t size, ls_error *err)
{
    ls_sha256_update(&w->sha, bytes, size);
    return ls_sink_write(w->sink, bytes, size, err);
}

static ls_status put_sized(writer *w, const char *start, const void *bytes, size_t size,
                           ls_error *err)
{
    unsigned char length[SIZE];
    uint64_t all = (uint64_t)strlen(start) + size;
    for (int i = 0; i < SIZE; i++) length[i] = (unsigned char)(all >> (8 * i));
    LS_TRY(put(w, length, sizeof length, err));
    LS_TRY(put(w, start, strlen(start), err));
    return size ? put(w, bytes, size, err) : LS_OK;
}

static ls_status put_training(writer *w, ls_trainer *trainer, const ls_checkpoint_key *key,
                              ls_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    ls_copy taken = {0};
    bool there = trainer->workspace != NULL;
    if (!trainer->now.step) return put_sized(w, "s", NULL, 0, err);
    if (there) LS_TRY(ls_copy_take(trainer, &taken, err));
    ls_status status = ls_checkpoint_serialize(trainer, key, there ? &taken : &trainer->copy,
                                               &bytes, &size, err);
    ls_copy_free(&taken);
    if (status == LS_OK) status = put_sized(w, "t", bytes, size, err);
    free(bytes);
    return status;
}

static ls_status put_member(writer *w, ls_trainer *trainer, const ls_checkpoint_key *key,
                            ls_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    if (!trainer) return put_sized(w, "-", NULL, 0, err);
    if (trainer->state == LS_MEMBER_DIVERGED)
        return put_sized(w, "d", trainer->message, strlen(trainer->message), err);
    if (trainer->state == LS_MEMBER_TRAINING) return put_training(w, trainer, key, err);
    LS_TRY(ls_model_serialize(trainer->model, &bytes, &size, err));
    ls_status status = put_sized(w, "m", bytes, size, err);
    free(bytes);
    return status;
}

static ls_status put_all(writer *w, ls_fleet *fleet, const char *key, const char *note,
                         ls_error *err)
{
    const ls_checkpoint_key k = key_of(fleet, key);
    char sum[SUM + 1];
    LS_TRY(put(w, heading, sizeof heading - 1, err));
    LS_TRY(put(w, key, KEY, err));
    LS_TRY(put_sized(w, "", note, strlen(note), err));
    for (size_t i = 0; i < fleet->count; i++) LS_TRY(put_member(w, fleet->member[i], &k, err));
    ls_sha256_final(&w->sha, sum);
    return ls_sink_write(w->sink, sum, SUM, err);
}

ls_status ls_fleet_save(ls_fleet *fleet, const char *key, const char *note, const char *path,
                        ls_error *err)
{
    writer w;
    assert(strlen(key) == KEY);
    LS_TRY(ls_sink_open(path, &w.sink, err));
    ls_sha256_init(&w.sha);
    ls_status status = put_all(&w, fleet, key, note, err);
    if (status == LS_OK) return ls_sink_finish(w.sink, err);
    ls_sink_drop(w.sink);
    return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

typedef struct {
    const char *path, *at, *end;
} reader;

static ls_status damaged(const char *path, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s is damaged; remove it to start over", path);
}

/* The next record, which lies in the file's bytes. */
static ls_status next(reader *r, const char **bytes, size_t *size, ls_error *err)
{
    uint64_t length = 0;
    if (r->end - r->at < SIZE) return damaged(r->path, err);
    for (int i = 0; i < SIZE; i++) length |= (uint64_t)(unsigned char)r->at[i] << (8 * i);
    r->at += SIZE;
    if (length > (uint64_t)(r->end - r->at)) return damaged(r->path, err);
    *bytes = r->at;
    *size = (size_t)length;
    r->at += length;
    return LS_OK;
}

static char *text_of(const char *bytes, size_t size)
{
    char *text;
    if (ls_alloc(&text, size + 1, 1, "a text", NULL) != LS_OK) return NULL;
    memcpy(text, bytes, size);
    text[size] = 0;
    return text;
}

/* The trainer has ended with this model. */
static ls_status take_model(ls_trainer *trainer, const char *path, const char *bytes, size_t size,
                            ls_error *err)
{
    ls_model *model, *own = trainer->model;
    LS_TRY(ls_model_parse(path, bytes, size, &model, err));
    const ls_network *n = &own->network;
    bool fits = model->network.parameters == n->parameters &&
                model->network.running == n->running &&
                model->summary.epochs <= trainer->settings->epochs &&
                model->history_count <= LS_HISTORY_POINTS &&
                model->history_count <= trainer->settings->epochs;
    if (fits) {
        memcpy(own->values, model->values, (n->parameters + n->running) * sizeof *own->values);
        memcpy(own->history, model->history, model->history_count * sizeof *own->history);
        memcpy(own->stopped, model->stopped, sizeof own->stopped);
        own->history_count = model->history_count;
        own->summary = model->summary;
        own->summary.stopped = own->stopped;
        trainer->state = LS_MEMBER_DONE;
        trainer->stopped = own->stopped;
        trainer->now.step = model->summary.steps;
        trainer->now.loss = model->summary.loss;
    }
    ls_model_free(model);
    return fits ? LS_OK : damaged(path, err);
}

static ls_status take_member(ls_trainer *trainer, const ls_checkpoint_key *key, const char *path,
                             const char *bytes, size_t size, ls_error *err)
{
    ls_copy copy;
    if (!size || !trainer != (*bytes == '-')) return damaged(path, err);
    switch (*bytes) {
    case '-':
    case 's': return LS_OK;
    case 'm': return take_model(trainer, path, bytes + 1, size - 1, err);
    case 't':
        LS_TRY(ls_checkpoint_parse(trainer, key, path, bytes + 1, size - 1, &copy, err));
        ls_trainer_resume(trainer, copy);
        return LS_OK;
    case 'd':
        trainer->message = text_of(bytes + 1, size - 1);
        trainer->state = LS_MEMBER_DIVERGED;
        return trainer->message ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "out of memory");
    default: return damaged(path, err);
    }
}

static ls_status take_all(ls_fleet *fleet, const char *key, reader *r, char **note, ls_error *err)
{
    const ls_checkpoint_key k = key_of(fleet, key);
    const char *bytes;
    size_t size;
    LS_TRY(next(r, &bytes, &size, err));
    if (!(*note = text_of(bytes, size)))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", r->path);
    for (size_t i = 0; i < fleet->count; i++) {
        LS_TRY(next(r, &bytes, &size, err));
        LS_TRY(take_member(fleet->member[i], &k, r->path, bytes, size, err));
    }
    return r->at == r->end ? LS_OK : damaged(r->path, err);
}

ls_status ls_fleet_load(ls_fleet *fleet, const char *key, const char *path, char **note,
                        ls_error *err)
{
    enum { START = sizeof heading - 1 };
    char *bytes, sum[SUM + 1];
    size_t size;
    LS_TRY(ls_read_regular(path, &bytes, &size, err));
    ls_status status = LS_OK;
    *note = NULL;
    if (size < START + KEY + SUM || memcmp(bytes, heading, START)) status = damaged(path, err);
    if (status == LS_OK) {
        ls_sha256_of(bytes, size - SUM, sum);
        if (memcmp(sum, bytes + size - SUM, SUM)) status = damaged(path, err);
    }
    if (status == LS_OK && memcmp(bytes + START, key, KEY))
        status = ls_fail(err, LS_ERR_ARGUMENT, "%s is of other trainings; remove it to start over",
                         path);
    reader r = {.path = path, .at = bytes + START + KEY, .end = bytes + size - SUM};
    if (status == LS_OK) status = take_all(fleet, key, &r, note, err);
    if (status != LS_OK) {
        free(*note);
        *note = NULL;
    }
    free(bytes);
    return status;
}
