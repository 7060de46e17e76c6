/* SPDX-License-Identifier: MIT */
#include "host/cli/run/config.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/sha256.h"
#include "host/base/text.h"
#include "host/cli/base/source.h"
#include "host/data/read.h"
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1 };
enum { LARGEST = 16 << 20 }; /* bytes; a run.json of ours stays far below */
static const long long unset = LLONG_MIN;
static const double unset_real = -DBL_MAX; /* not NaN, which someone may ask for, and be refused */

/* ---- The entries of "data" and "decision" ---------------------------------------------------- */

typedef enum { TEXT, COUNT, REAL } entry_kind;
/* Whether an entry says what the data are, how they are read, what is held out to test on, or (in
 * "decision") how the model decides. */
typedef enum { WHICH, HOW, HELD_OUT, DECISION } entry_role;

typedef struct {
    const char *name; /* as the option of the command line */
    entry_kind kind;
    entry_role role;
    size_t offset; /* in run_config */
    double initial;
} entry;

#define AT(field) offsetof(run_config, field)
static const entry entries[] = {
    {"source", TEXT, WHICH, AT(data), 0},
    {"labels", TEXT, WHICH, AT(source.labels), 0},
    {"rows", COUNT, WHICH, AT(source.rows), 0},
    {"noise", REAL, WHICH, AT(source.noise), -1},
    {"data-seed", COUNT, WHICH, AT(source.data_seed), 1},
    {"target", TEXT, HOW, AT(source.target), 0},
    {"columns", TEXT, HOW, AT(source.columns), 0},
    {"drop", TEXT, HOW, AT(source.drop), 0},
    {"categorical", TEXT, HOW, AT(source.categorical), 0},
    {"missing", TEXT, HOW, AT(source.missing), 0},
    {"test", TEXT, HELD_OUT, AT(test), 0},
    {"split", REAL, HELD_OUT, AT(split), 0},
    {"positive", TEXT, DECISION, AT(threshold.positive), 0},
    {"threshold", TEXT, DECISION, AT(threshold.threshold), 0},
};
enum { ENTRIES = sizeof entries / sizeof *entries };
enum { DECISIONS = 2 }; /* of them, the last ones */
static const char *const hash_names[INPUTS] = {"sha256", "labels_sha256", "test_sha256",
                                               "test_labels_sha256"};

static const char **text_of(const run_config *c, const entry *e)
{
    return (const char **)((char *)c + e->offset);
}
static long long *count_of(const run_config *c, const entry *e)
{
    return (long long *)((char *)c + e->offset);
}
static double *real_of(const run_config *c, const entry *e)
{
    return (double *)((char *)c + e->offset);
}

static bool is_said(const run_config *c, const entry *e)
{
    switch (e->kind) {
    case TEXT: return *text_of(c, e) != NULL;
    case COUNT: return *count_of(c, e) != unset;
    default: return *real_of(c, e) != unset_real;
    }
}

static void copy_entry(run_config *to, const run_config *from, const entry *e)
{
    switch (e->kind) {
    case TEXT: *text_of(to, e) = *text_of(from, e); break;
    case COUNT: *count_of(to, e) = *count_of(from, e); break;
    case REAL: *real_of(to, e) = *real_of(from, e); break;
    }
}

void config_unset(run_config *c)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        if (entries[i].kind == COUNT) *count_of(c, &entries[i]) = unset;
        if (entries[i].kind == REAL) *real_of(c, &entries[i]) = unset_real;
    }
}

void config_settle(run_config *c)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        const entry *e = &entries[i];
        if (is_said(c, e)) continue;
        if (e->kind == COUNT) *count_of(c, e) = (long long)e->initial;
        if (e->kind == REAL) *real_of(c, e) = e->initial;
    }
}

void config_fill(run_config *to, const run_config *from)
{
    bool given = to->data != NULL, other = given && from->data && strcmp(to->data, from->data) != 0;
    bool labels_given = to->source.labels != NULL, test_given = to->test || to->split != unset_real;
    bool generated_anew = to->source.rows != unset || to->source.noise != unset_real ||
                          to->source.data_seed != unset;
    for (size_t i = 0; i < ENTRIES; i++) {
        const entry *e = &entries[i];
        bool apart = (e->role == WHICH && other) || (e->role == HELD_OUT && test_given);
        if (!apart && !is_said(to, e) && is_said(from, e)) copy_entry(to, from, e);
    }
    const bool taken[INPUTS] = {!given && !generated_anew, !given && !labels_given, !test_given,
                                !test_given};
    for (size_t i = 0; i < INPUTS; i++)
        if (taken[i]) strcpy(to->hash[i], from->hash[i]);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static ls_status unknown(const char *path, const char *where, const char *name,
                         const char *const *names, size_t count, ls_error *err)
{
    const char *near = ls_nearest(name, names, count);
    return ls_fail(err, LS_ERR_ARGUMENT,
                   near ? "%s: there is no entry '%.60s' in %s; did you mean '%s'?"
                        : "%s: there is no entry '%.60s' in %s",
                   path, name, where, near);
}

static bool is_hash(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static ls_status read_hash(run_config *c, const char *name, const json_t *value, bool *found,
                           const char *path, ls_error *err)
{
    for (size_t i = 0; i < INPUTS; i++) {
        if (strcmp(name, hash_names[i])) continue;
        if (!is_hash(json_string_value(value)))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "%s: \"%s\" is not 64 hexadecimal digits in lower case", path, name);
        strcpy(c->hash[i], json_string_value(value));
        *found = true;
    }
    return LS_OK;
}

static ls_status read_entry(run_config *c, const entry *e, const json_t *value, const char *path,
                            ls_error *err)
{
    static const char *const wanted[] = {"a text", "a whole number of 0 or more", "a number"};
    bool fits = e->kind == TEXT    ? json_is_string(value)
                : e->kind == COUNT ? json_is_integer(value) && json_integer_value(value) >= 0
                                   : json_is_number(value);
    if (!fits) /* of a decision numbers are taken, too: they have become texts by now */
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: \"%s\" in \"%s\" is not %s", path, e->name,
                       e->role == DECISION ? "decision" : "data",
                       e->role == DECISION ? "a text or a number" : wanted[e->kind]);
    switch (e->kind) {
    case TEXT: *text_of(c, e) = json_string_value(value); break;
    case COUNT: *count_of(c, e) = json_integer_value(value); break;
    case REAL: *real_of(c, e) = json_number_value(value); break;
    }
    return LS_OK;
}

static ls_status read_data(run_config *c, json_t *object, const char *path, ls_error *err)
{
    const char *names[ENTRIES - DECISIONS + INPUTS], *name;
    json_t *value;
    enum { DATA = ENTRIES - DECISIONS };
    for (size_t i = 0; i < DATA; i++) names[i] = entries[i].name;
    for (size_t i = 0; i < INPUTS; i++) names[DATA + i] = hash_names[i];
    json_object_foreach(object, name, value)
    {
        bool found = false;
        LS_TRY(read_hash(c, name, value, &found, path, err));
        for (size_t i = 0; i < DATA && !found; i++) {
            if (strcmp(name, entries[i].name)) continue;
            LS_TRY(read_entry(c, &entries[i], value, path, err));
            found = true;
        }
        if (!found) return unknown(path, "\"data\"", name, names, DATA + INPUTS, err);
    }
    if (c->test && c->split > 0)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: has \"test\" and \"split\" in \"data\"; one of them has to go", path);
    if (c->split != unset_real && !(c->split >= 0 && c->split < 1))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: \"split\": %g is not a share between 0 and 1",
                       path, c->split);
    return LS_OK;
}

/* An option's value, which people write as what it is: 100, 0.01, true, "tanh", [20, 20]. False for
 * anything else. */
static bool add_value(ls_text *out, const json_t *value, bool in_list)
{
    size_t n = json_array_size(value);
    if (json_is_string(value)) ls_text_add(out, "%s", json_string_value(value));
    else if (json_is_integer(value)) ls_text_add(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value)) ls_text_add(out, "%.17g", json_real_value(value));
    else if (json_is_boolean(value)) ls_text_add(out, "%s", json_is_true(value) ? "on" : "off");
    else if (!json_is_array(value) || in_list) return false;
    for (size_t i = 0; i < n; i++) {
        if (i) ls_text_add(out, ",");
        if (!add_value(out, json_array_get(value, i), true)) return false;
    }
    return true;
}

/* Where people write a class or a threshold as the number that it is, it becomes the text that the
 * command line would have. */
static bool make_text(json_t *object, const char *name)
{
    ls_text text = {0};
    const json_t *value = json_object_get(object, name);
    bool fits = !json_is_number(value) ||
                (add_value(&text, value, true) && !text.failed &&
                 !json_object_set_new(object, name, json_string(text.text)));
    free(text.text);
    return fits;
}

static ls_status read_decision(run_config *c, json_t *object, const char *path, ls_error *err)
{
    const char *names[DECISIONS], *name;
    json_t *value;
    for (size_t i = 0; i < DECISIONS; i++) {
        const entry *e = &entries[ENTRIES - DECISIONS + i];
        names[i] = e->name;
        if (!make_text(object, e->name))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", path);
        value = json_object_get(object, e->name);
        if (value) LS_TRY(read_entry(c, e, value, path, err));
    }
    json_object_foreach(object, name,
                        value) if (strcmp(name, names[0]) &&
                                   strcmp(name, names[1])) return unknown(path, "\"decision\"",
                                                                          name, names, DECISIONS,
                                                                          err);
    return LS_OK;
}

static ls_status set_option(ls_options *options, const char *name, const json_t *value,
                            const char *path, ls_error *err)
{
    ls_text text = {0};
    ls_error why;
    ls_status status = LS_OK;
    if (!add_value(&text, value, false))
        status = ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s: \"%.60s\" in \"options\" is not a text, a number, true, false or a list of these",
            path, name);
    else if (text.failed) status = ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", path);
    else if ((status = ls_options_set(options, name, text.text ? text.text : "", &why)) != LS_OK)
        ls_fail(err, status, "%s: %.900s", path, why.message);
    free(text.text);
    return status;
}

ls_status config_options(const run_config *c, const char *path, ls_options *options, ls_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(c->root, "options"), name, value)
        LS_TRY(set_option(options, name, value, path, err));
    return LS_OK;
}

bool config_has_option(const run_config *c, const char *name)
{
    return json_object_get(json_object_get(c->root, "options"), name) != NULL;
}

static ls_status check_options(const run_config *c, const char *path, ls_error *err)
{
    ls_options *options;
    LS_TRY(ls_options_create(&options, err));
    ls_status status = config_options(c, path, options, err);
    ls_options_free(options);
    return status;
}

static ls_status read_root(run_config *c, const char *path, ls_error *err)
{
    static const char *const names[] = {"format",  "lockstep", "data",
                                        "options", "decision", "result"};
    json_t *format = json_object_get(c->root, "format"), *data = json_object_get(c->root, "data"),
           *options = json_object_get(c->root, "options");
    json_t *decision = json_object_get(c->root, "decision"), *value;
    const char *name;
    if (!json_is_object(c->root))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: is JSON, but no object with \"data\" and \"options\"", path);
    json_object_foreach(c->root, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) known |= !strcmp(name, names[i]);
        if (!known) return unknown(path, "it", name, names, sizeof names / sizeof *names, err);
    }
    if (format && (!json_is_integer(format) || json_integer_value(format) != FORMAT))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: its format is of another version; this program reads format %d", path,
                       FORMAT);
    if (data && !json_is_object(data))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: \"data\" is no object", path);
    if (options && !json_is_object(options))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: \"options\" is no object", path);
    if (decision && !json_is_object(decision))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: \"decision\" is no object", path);
    LS_TRY(read_data(c, data, path, err));
    LS_TRY(read_decision(c, decision, path, err));
    return check_options(c, path, err);
}

ls_status config_parse(const char *path, const char *bytes, size_t size, run_config *out,
                       ls_error *err)
{
    json_error_t where;
    run_config c = {0};
    if (size > LARGEST)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: %zu bytes are no file of options", path, size);
    c.root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &where);
    if (!c.root)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: is not JSON: line %d, column %d: %s", path,
                       where.line, where.column, where.text);
    config_unset(&c);
    ls_status status = read_root(&c, path, err);
    if (status == LS_OK) *out = c;
    else config_free(&c);
    return status;
}

ls_status config_read(const char *path, run_config *out, ls_error *err)
{
    char *bytes;
    size_t size;
    LS_TRY(ls_read_file(path, &bytes, &size, err));
    ls_status status = config_parse(path, bytes, size, out, err);
    free(bytes);
    return status;
}

void config_free(run_config *c)
{
    json_decref(c->root);
    c->root = NULL;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Whether an entry need not be told: it is as it would be without. */
static bool is_initial(const run_config *c, const entry *e)
{
    switch (e->kind) {
    case TEXT: return !*text_of(c, e);
    case COUNT: return *count_of(c, e) == (long long)e->initial;
    default: return !(*real_of(c, e) >= 0) || *real_of(c, e) == e->initial;
    }
}

/* The entries of "decision", or those of "data". */
static json_t *entries_json(const run_config *c, bool decision)
{
    json_t *o = json_object();
    for (size_t i = 0; i < ENTRIES; i++) {
        const entry *e = &entries[i];
        if ((e->role == DECISION) != decision || is_initial(c, e)) continue;
        switch (e->kind) {
        case TEXT: json_object_set_new(o, e->name, json_string(*text_of(c, e))); break;
        case COUNT: json_object_set_new(o, e->name, json_integer(*count_of(c, e))); break;
        case REAL: json_object_set_new(o, e->name, json_real(*real_of(c, e))); break;
        }
    }
    return o;
}

static json_t *data_json(const run_config *c)
{
    json_t *o = entries_json(c, false);
    for (size_t i = 0; i < INPUTS; i++)
        if (*c->hash[i]) json_object_set_new(o, hash_names[i], json_string(c->hash[i]));
    return o;
}

ls_status config_check(const run_config *c, ls_error *err)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (entries[i].kind == TEXT && *text_of(c, &entries[i]) &&
            !ls_is_utf8(*text_of(c, &entries[i])))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "the %s is not written in UTF-8, so run.json cannot have it; rename it",
                           entries[i].name);
    return LS_OK;
}

json_t *config_json(const run_config *c, const ls_options *options)
{
    json_t *set = json_object();
    for (size_t i = 0; i < ls_option_count(); i++) {
        const char *name = ls_option_at(i)->name;
        json_object_set_new(set, name, json_string(ls_options_get(options, name)));
    }
    json_t *o = json_pack("{s:i,s:s,s:o,s:o}", "format", FORMAT, "lockstep", ls_version(), "data",
                          data_json(c), "options", set);
    json_t *decision = entries_json(c, true);
    if (o && json_object_size(decision)) json_object_set(o, "decision", decision);
    json_decref(decision);
    return o;
}

/* ---- As a command ---------------------------------------------------------------------------- */

bool config_is_stop(const char *option)
{
    static const char *const stops[] = {"epochs", "patience", "validation", "tolerance",
                                        "time-limit"};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (!strcmp(option, stops[i])) return true;
    return false;
}

void command_add_word(ls_text *out, const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.,:/=@%";
    if (*word && !word[strspn(word, plain)]) {
        ls_text_add(out, " %s", word);
        return;
    }
    ls_text_add(out, " '");
    for (; *word; word++) ls_text_add(out, *word == '\'' ? "'\\''" : "%c", *word);
    ls_text_add(out, "'");
}

/* A path that begins with a dash would be taken for an option. */
static void add_data(ls_text *out, const char *path)
{
    ls_text inside = {0};
    ls_text_add(&inside, "%s%s", *path == '-' ? "./" : "", path);
    if (inside.failed) out->failed = true;
    else command_add_word(out, inside.text);
    free(inside.text);
}

/* In as few digits as give the same number back. */
static void add_real(ls_text *out, double value)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    ls_text_add(out, " %s", text);
}

static void add_entries(ls_text *out, const run_config *c)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        const entry *e = &entries[i];
        if (is_initial(c, e) || e->offset == AT(data)) continue;
        ls_text_add(out, " --%s", e->name);
        switch (e->kind) {
        case TEXT: command_add_word(out, *text_of(c, e)); break;
        case COUNT: ls_text_add(out, " %lld", *count_of(c, e)); break;
        case REAL: add_real(out, *real_of(c, e)); break;
        }
    }
}

void command_add_train(ls_text *out, const run_config *c, const ls_options *options)
{
    bool stops = false;
    ls_text_add(out, "lockstep train");
    add_data(out, c->data ? c->data : "DATA");
    add_entries(out, c);
    for (size_t i = 0; i < ls_option_count(); i++) {
        const ls_option_info *info = ls_option_at(i);
        const char *value = ls_options_get(options, info->name);
        if (!value || !strcmp(value, info->initial)) continue;
        stops |= config_is_stop(info->name);
        if (!info->argument) {
            ls_text_add(out, " --%s%s", strcmp(value, "off") ? "" : "no-", info->name);
            continue;
        }
        ls_text_add(out, " --%s", info->name);
        command_add_word(out, value);
    }
    /* epochs as they are by default, but said: files may have categories or gaps */
    if (!stops && c->data && !source_is_generated(c->data))
        ls_text_add(out, " --epochs %s", ls_options_get(options, "epochs"));
}

/* ---- Hashes ---------------------------------------------------------------------------------- */

static ls_status hash_open_file(int file, const char *path, char hex[65], ls_error *err)
{
    unsigned char bytes[1 << 16];
    struct stat about;
    ls_sha256 sha;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return ls_fail(
            err, LS_ERR_ARGUMENT,
            "%s: is no regular file, and cannot be read twice to state its hash; copy its contents to a file",
            path);
    ls_sha256_init(&sha);
    for (;;) {
        ssize_t got = read(file, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return ls_fail(err, LS_ERR_IO, "%s: cannot read: %s; check the file and its disk", path,
                           strerror(errno));
        if (got == 0) break;
        ls_sha256_update(&sha, bytes, (size_t)got);
    }
    ls_sha256_final(&sha, hex);
    return LS_OK;
}

static ls_status hash_file(const char *path, char hex[65], ls_error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0)
        return ls_fail(err, LS_ERR_IO, "%s: cannot open: %s; check the path and its permissions",
                       path, strerror(errno));
    ls_status status = hash_open_file(file, path, hex, err);
    close(file);
    return status;
}

/* Generated numbers and classes, little-endian as files of weights have them. */
static void hash_rows(const ls_data *d, char hex[65])
{
    ls_sha256 sha;
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, ls_data_x(d), ls_data_rows(d) * ls_data_columns(d) * sizeof(float));
    ls_sha256_update(&sha, ls_data_y(d), ls_data_rows(d) * sizeof(int32_t));
    ls_sha256_final(&sha, hex);
}

/* path: where the rows are; labels: where their classes are said to be, or NULL. */
static ls_status hash_pair(const char *path, const char *labels, char rows_hash[65],
                           char labels_hash[65], ls_error *err)
{
    LS_TRY(hash_file(path, rows_hash, err));
    char *beside = labels ? NULL : ls_labels_beside(path);
    ls_status status = labels || beside ? hash_file(labels ? labels : beside, labels_hash, err)
                                        : LS_OK;
    free(beside);
    return status;
}

ls_status config_hash(run_config *c, const ls_data *rows, ls_error *err)
{
    memset(c->hash, 0, sizeof c->hash);
    if (source_is_generated(c->data)) hash_rows(rows, c->hash[INPUT_DATA]);
    else
        LS_TRY(hash_pair(c->data, c->source.labels, c->hash[INPUT_DATA], c->hash[INPUT_LABELS],
                         err));
    return c->test ? hash_pair(c->test, NULL, c->hash[INPUT_TEST], c->hash[INPUT_TEST_LABELS], err)
                   : LS_OK;
}
