/* SPDX-License-Identifier: MIT */
#include "host/training/checkpoint_file.h"
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/sha256.h"
#include "host/model/model_format.h"
#include "host/model/options_json.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { CHECKSUMS = 0 }; /* a fuzzer cannot find them and would not get past them */
#else
enum { CHECKSUMS = 1 };
#endif

enum { FORMAT = 1 };
static const char entry[] = "lockstep_checkpoint";

/* ---- What is saved --------------------------------------------------------------------------- */

/* A number of a copy by name: a count or a real number. */
typedef struct {
    const char *name;
    uint64_t *count;
    double *real;
} number;
enum { NUMBERS = 20 };

static void list_numbers(ls_copy *copy, number list[NUMBERS])
{
    ls_course *c = &copy->course;
    ls_summary *s = &copy->summary;
    ls_rate_plan *p = &c->schedule;
    const number all[NUMBERS] = {
        {"step", &c->step, NULL},
        {"epoch_sum", NULL, &c->epoch_sum},
        {"loss", NULL, &c->loss},
        {"validation", NULL, &c->validation},
        {"accuracy", NULL, &c->accuracy},
        {"best_loss", NULL, &c->best_loss},
        {"best_validation", NULL, &c->best_validation},
        {"bad_epochs", &c->bad_epochs, NULL},
        {"bad_validations", &c->bad_validations, NULL},
        {"stride", &c->stride, NULL},
        {"seconds", NULL, &c->seconds},
        {"factor_plateau", NULL, &p->factors.plateau},
        {"factor_halved", NULL, &p->factors.halved},
        {"plateau_best", NULL, &p->best},
        {"plateau_waited", &p->waited, NULL},
        {"epochs", &s->epochs, NULL},
        {"steps", &s->steps, NULL},
        {"best_epoch", &s->best_epoch, NULL},
        {"epoch_loss", NULL, &s->loss},
        {"rollbacks", &c->rollbacks, NULL},
    };
    memcpy(list, all, sizeof all);
}

/* A tensor of the file: `count` elements in columns of `width` (1: a vector). */
typedef struct {
    const char *name, *type;
    size_t size; /* bytes of an element */
    size_t count, width;
} tensor;
enum { TENSORS = 4 };

/* In the order of the file. */
static size_t list_tensors(const ls_trainer *t, size_t history, bool best, tensor list[TENSORS])
{
    size_t n = 0, state = t->plan->state;
    if (history) list[n++] = (tensor){"history_epochs", "I64", 8, history, 1};
    if (best) list[n++] = (tensor){"best", "F32", 4, state, 1};
    if (history) list[n++] = (tensor){"history_values", "F32", 4, 3 * history, 3};
    list[n++] = (tensor){"state", "F32", 4, state, 1};
    return n;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static char *put_u64(char *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) *to++ = (char)(value >> (8 * i));
    return to;
}

static uint64_t get_u64(const char *from)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value |= (uint64_t)(unsigned char)from[i] << (8 * i);
    return value;
}

static char *put_float(char *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++) *to++ = (char)(bits >> (8 * i));
    return to;
}

static float get_float(const char *from)
{
    uint32_t bits = 0;
    float value;
    for (int i = 0; i < 4; i++) bits |= (uint32_t)(unsigned char)from[i] << (8 * i);
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The bits of a real number as hexadecimal digits: any value, exactly. */
static json_t *real_json(double value)
{
    char hex[17];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    snprintf(hex, sizeof hex, "%016" PRIx64, bits);
    return json_string(hex);
}

static bool read_real(const json_t *value, double *out)
{
    const char *text = json_string_value(value);
    char *end;
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) return false;
    uint64_t bits = strtoull(text, &end, 16);
    memcpy(out, &bits, sizeof bits);
    return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static json_t *numbers_json(const ls_copy *copy)
{
    ls_copy same = *copy;
    number list[NUMBERS];
    json_t *o = json_object();
    list_numbers(&same, list);
    for (size_t i = 0; i < NUMBERS; i++)
        ls_json_set(&o, list[i].name,
                    list[i].count ? json_integer((json_int_t)*list[i].count)
                                  : real_json(*list[i].real));
    return o;
}

/* The header: metadata, then the tensors; NULL if memory runs out. */
static char *header_text(const char *metadata, const tensor *list, size_t count)
{
    json_t *root = json_pack("{s:{s:s}}", "__metadata__", entry, metadata);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const tensor *t = &list[i];
        size_t end = at + t->count * t->size;
        json_t *shape = t->width > 1 ? json_pack("[I,I]", (json_int_t)(t->count / t->width),
                                                 (json_int_t)t->width)
                                     : json_pack("[I]", (json_int_t)t->count);
        ls_json_set(&root, t->name,
                    json_pack("{s:s,s:o,s:[I,I]}", "dtype", t->type, "shape", shape, "data_offsets",
                              (json_int_t)at, (json_int_t)end));
        at = end;
    }
    char *text = root ? ls_json_dump(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(root);
    return text;
}

static ls_status put_tensors(const ls_trainer *t, const ls_copy *copy, char *to, ls_error *err)
{
    const size_t n = t->plan->state;
    float *state;
    LS_TRY(ls_alloc(&state, n, sizeof *state, "a checkpoint", err));
    ls_copy_state(t, copy, state);
    for (size_t i = 0; i < copy->history_count; i++) to = put_u64(to, copy->history[i].epoch);
    for (size_t i = 0; copy->best && i < n; i++) to = put_float(to, copy->state[n + i]);
    for (size_t i = 0; i < copy->history_count; i++) {
        to = put_float(to, copy->history[i].loss);
        to = put_float(to, copy->history[i].validation_loss);
        to = put_float(to, copy->history[i].validation_accuracy);
    }
    for (size_t i = 0; i < n; i++) to = put_float(to, state[i]);
    free(state);
    return LS_OK;
}

/* The metadata as canonical JSON; NULL if memory runs out. sha256: of the tensors. */
static char *metadata_text(const ls_trainer *t, const ls_checkpoint_key *key, const ls_copy *copy,
                           const char sha256[65])
{
    char hex[65];
    json_t *meta = json_pack("{s:i,s:s,s:i,s:s,s:s,s:I,s:b,s:s}", "format", FORMAT, "arithmetic",
                             key->arithmetic, "arithmetic_version", LS_ARITHMETIC_VERSION,
                             "version", ls_version(), "data_sha256", key->data, "history",
                             (json_int_t)copy->history_count, "best", (int)copy->best,
                             "tensors_sha256", sha256);
    if (*key->start) ls_json_set(&meta, "from_sha256", json_string(key->start));
    if (key->refit) ls_json_set(&meta, "refit", json_true());
    ls_json_set(&meta, "options", ls_options_json(t->model->options));
    ls_json_set(&meta, "numbers", numbers_json(copy));
    if (meta && ls_metadata_hash(meta, hex))
        ls_json_set(&meta, "metadata_sha256", json_string(hex));
    else {
        json_decref(meta);
        meta = NULL;
    }
    char *text = meta ? ls_json_dump(meta, LS_CANONICAL_JSON) : NULL;
    json_decref(meta);
    return text;
}

ls_status ls_checkpoint_serialize(const ls_trainer *t, const ls_checkpoint_key *key,
                                  const ls_copy *copy, char **bytes, size_t *size, ls_error *err)
{
    tensor list[TENSORS];
    char sha256[65], *data, *out = NULL;
    size_t count = list_tensors(t, copy->history_count, copy->best, list), data_size = 0;
    for (size_t i = 0; i < count; i++) data_size += list[i].count * list[i].size;
    LS_TRY(ls_alloc(&data, data_size, 1, "a checkpoint", err));
    ls_status put = put_tensors(t, copy, data, err);
    if (put != LS_OK) {
        free(data);
        return put;
    }
    ls_sha256_of(data, data_size, sha256);
    char *metadata = metadata_text(t, key, copy, sha256);
    char *header = metadata ? header_text(metadata, list, count) : NULL;
    size_t length = header ? strlen(header) : 0, padded = (length + 7) & ~(size_t)7;
    ls_status status = header ? ls_alloc(&out, 8 + padded + data_size, 1, "a checkpoint", err)
                              : ls_fail(err, LS_ERR_MEMORY, "out of memory for a checkpoint");
    if (status == LS_OK) {
        put_u64(out, padded);
        memset(out + 8, ' ', padded);
        memcpy(out + 8, header, length);
        memcpy(out + 8 + padded, data, data_size);
        *bytes = out;
        *size = 8 + padded + data_size;
    }
    free(metadata);
    free(header);
    free(data);
    return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static ls_status damaged(const char *path, const char *what, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s: not a usable checkpoint: %s", path, what);
}

/* The metadata, with its checksum checked. */
static ls_status read_metadata(const char *path, const char *bytes, size_t size, json_t **out,
                               char **text, ls_error *err)
{
    char hash[65], stated[65];
    uint64_t length = size >= 8 ? get_u64(bytes) : 0;
    if (size < 8 || length > LS_HEADER_LIMIT || length > size - 8 || length < 2 || bytes[8] != '{')
        return damaged(path, "it does not start like a safetensors file, or is cut short", err);
    json_t *root = json_loadb(bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
    const char *inner = json_string_value(json_object_get(json_object_get(root, "__metadata__"),
                                                          entry));
    json_t *meta = inner ? json_loads(inner, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *sum = json_string_value(json_object_get(meta, "metadata_sha256"));
    snprintf(stated, sizeof stated, "%s", sum ? sum : "");
    bool good = meta && ls_metadata_hash(meta, hash) && (!CHECKSUMS || !strcmp(hash, stated));
    *text = good ? strdup(inner) : NULL;
    *out = meta;
    json_decref(root);
    return good && *text ? LS_OK
           : good        ? ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path)
                         : damaged(path, "its metadata does not match its checksum", err);
}

/* Whether its training started from the same values. */
static ls_status check_start(const ls_checkpoint_key *key, const json_t *meta, const char *path,
                             ls_error *err)
{
    const char *from = json_string_value(json_object_get(meta, "from_sha256"));
    bool refit = json_is_true(json_object_get(meta, "refit"));
    if (strcmp(from ? from : "", key->start))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       from && *key->start ? "%s is of a training that started from another model"
                       : from              ? "%s is of a training that started from a model"
                                           : "%s is of a training that started from the seed",
                       path);
    return refit == key->refit
               ? LS_OK
               : ls_fail(err, LS_ERR_ARGUMENT,
                         refit ? "%s is of a training that fitted the preprocessing once more"
                               : "%s is of a training that kept the preprocessing of its model",
                         path);
}

/* Whether it is of the same data, start, options and arithmetic. */
static ls_status check_key(const ls_trainer *t, const ls_checkpoint_key *key, const json_t *meta,
                           const char *path, ls_error *err)
{
    uint64_t version = 0, format = 0;
    const char *arithmetic = json_string_value(json_object_get(meta, "arithmetic")),
               *data = json_string_value(json_object_get(meta, "data_sha256"));
    ls_json_read_count(json_object_get(meta, "format"), &format);
    ls_json_read_count(json_object_get(meta, "arithmetic_version"), &version);
    if (format != FORMAT)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s is a checkpoint of another version of Lockstep",
                       path);
    if (!arithmetic || strcmp(arithmetic, key->arithmetic) || version != LS_ARITHMETIC_VERSION)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s was computed with another arithmetic (%.60s, version %llu; this is %s, "
                       "version %d): going on would give a model that no machine can repeat",
                       path, arithmetic ? arithmetic : "unknown", (unsigned long long)version,
                       key->arithmetic, LS_ARITHMETIC_VERSION);
    if (!data || strcmp(data, key->data))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s was trained on other data: the rows have changed since then", path);
    LS_TRY(check_start(key, meta, path, err));
    for (size_t i = 0; i < ls_option_count(); i++) {
        const char *name = ls_option_at(i)->name,
                   *was = json_string_value(json_object_get(json_object_get(meta, "options"),
                                                            name)),
                   *is = ls_options_get(t->model->options, name);
        if (!was || !is || strcmp(was, is))
            return ls_fail(err, LS_ERR_ARGUMENT, "%s was trained with --%s %.80s, not %.80s", path,
                           name, was ? was : "(unknown)", is ? is : "(unknown)");
    }
    return LS_OK;
}

/* The tensors, whose places and checksum follow from the metadata. Every byte of the file is known
 * or has a checksum. */
static ls_status check_bytes(const ls_trainer *t, const json_t *meta, const char *text,
                             const char *path, const char *bytes, size_t size, const char **data,
                             ls_error *err)
{
    tensor list[TENSORS];
    char hash[65];
    uint64_t history = 0;
    const char *stated = json_string_value(json_object_get(meta, "tensors_sha256"));
    bool best = json_is_true(json_object_get(meta, "best"));
    if (!ls_json_read_count(json_object_get(meta, "history"), &history) ||
        history > LS_HISTORY_POINTS)
        return damaged(path, "its history is too long", err);
    size_t count = list_tensors(t, (size_t)history, best, list), data_size = 0;
    for (size_t i = 0; i < count; i++) data_size += list[i].count * list[i].size;
    char *header = header_text(text, list, count);
    if (!header) return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    size_t length = strlen(header), padded = (length + 7) & ~(size_t)7;
    const uint64_t stated_length = get_u64(bytes); /* at most size - 8 */
    bool same = size - 8 - stated_length == data_size;
    if (CHECKSUMS) same &= stated_length == padded && !memcmp(bytes + 8, header, length);
    for (size_t i = length; CHECKSUMS && same && i < padded; i++) same = bytes[8 + i] == ' ';
    free(header);
    if (!same) return damaged(path, "its header or its size is not that of its network", err);
    *data = bytes + 8 + stated_length;
    ls_sha256_of(*data, data_size, hash);
    return !CHECKSUMS || (stated && !strcmp(hash, stated))
               ? LS_OK
               : damaged(path, "its tensors do not match their checksum", err);
}

static ls_status read_numbers(ls_copy *copy, const json_t *meta, const char *path, ls_error *err)
{
    number list[NUMBERS];
    const json_t *numbers = json_object_get(meta, "numbers");
    list_numbers(copy, list);
    for (size_t i = 0; i < NUMBERS; i++) {
        const json_t *value = json_object_get(numbers, list[i].name);
        if (list[i].count ? !ls_json_read_count(value, list[i].count)
                          : !read_real(value, list[i].real))
            return damaged(path, "a number in its metadata is missing", err);
    }
    return LS_OK;
}

/* Whether a training of these settings can get there. */
static bool is_possible(const ls_trainer *t, const ls_copy *copy)
{
    const ls_settings *s = t->settings;
    const ls_course *c = &copy->course;
    const uint64_t per_epoch = c->schedule.steps_per_epoch;
    size_t room = s->epochs < LS_HISTORY_POINTS ? (size_t)s->epochs : LS_HISTORY_POINTS;
    return c->step < s->epochs * per_epoch && copy->summary.epochs == c->step / per_epoch &&
           copy->history_count <= room && c->stride > 0 &&
           copy->best == (s->patience && c->best_validation < (double)INFINITY) &&
           copy->summary.best_epoch <= copy->summary.epochs;
}

static ls_status take(const ls_trainer *t, const json_t *meta, const char *path, const char *data,
                      ls_copy *out, ls_error *err)
{
    uint64_t history = 0;
    const size_t n = t->plan->state;
    ls_json_read_count(json_object_get(meta, "history"), &history);
    *out = (ls_copy){.best = json_is_true(json_object_get(meta, "best")),
                     .course = t->now,
                     .summary = t->model->summary,
                     .history_count = (size_t)history};
    LS_TRY(read_numbers(out, meta, path, err));
    if (!is_possible(t, out)) return damaged(path, "it is where its training cannot get", err);
    LS_TRY(ls_alloc(&out->state, out->best ? 2 * n : n, sizeof *out->state, "a checkpoint", err));
    LS_TRY(ls_alloc(&out->history, out->history_count, sizeof *out->history, "a checkpoint", err));
    const char *best = data + 8 * history, *values = best + (out->best ? 4 * n : 0),
               *state = values + 12 * history;
    for (size_t i = 0; i < out->history_count; i++)
        out->history[i] = (ls_history_point){.epoch = get_u64(data + 8 * i),
                                             .loss = get_float(values + 12 * i),
                                             .validation_loss = get_float(values + 12 * i + 4),
                                             .validation_accuracy = get_float(values + 12 * i + 8)};
    for (size_t i = 0; i < n; i++) out->state[i] = get_float(state + 4 * i);
    for (size_t i = 0; out->best && i < n; i++) out->state[n + i] = get_float(best + 4 * i);
    return LS_OK;
}

ls_status ls_checkpoint_parse(const ls_trainer *t, const ls_checkpoint_key *key, const char *path,
                              const char *bytes, size_t size, ls_copy *out, ls_error *err)
{
    json_t *meta = NULL;
    char *text = NULL;
    const char *data = NULL;
    *out = (ls_copy){0};
    ls_status status = read_metadata(path, bytes, size, &meta, &text, err);
    if (status == LS_OK) status = check_key(t, key, meta, path, err);
    if (status == LS_OK) status = check_bytes(t, meta, text, path, bytes, size, &data, err);
    if (status == LS_OK) status = take(t, meta, path, data, out, err);
    if (status != LS_OK) ls_copy_free(out);
    json_decref(meta);
    free(text);
    return status;
}
