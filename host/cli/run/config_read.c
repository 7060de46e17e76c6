/* SPDX-License-Identifier: MIT */
#include "host/cli/run/config_read.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/run/config.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes. A run.json that this program writes is far smaller. */
enum { LARGEST = 16 << 20 };

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
        if (strcmp(name, config_hash_names[i])) continue;
        if (!is_hash(json_string_value(value)))
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "%s: \"%s\" is not 64 hexadecimal digits in lower case", path, name);
        strcpy(c->hash[i], json_string_value(value));
        *found = true;
    }
    return LS_OK;
}

static ls_status read_entry(run_config *c, const config_entry *e, const json_t *value,
                            const char *path, ls_error *err)
{
    static const char *const wanted[] = {"a string", "a non-negative integer", "a number",
                                         "true or false"};
    bool fits = e->kind == CONFIG_TEXT    ? json_is_string(value)
                : e->kind == CONFIG_FLAG  ? json_is_boolean(value)
                : e->kind == CONFIG_COUNT ? json_is_integer(value) && json_integer_value(value) >= 0
                                          : json_is_number(value);
    if (!fits) /* "decision" also accepts numbers; make_text() has already converted them */
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: \"%s\" in \"%s\" is not %s", path, e->name,
                       e->role == CONFIG_DECISION ? "decision" : "data",
                       e->role == CONFIG_DECISION ? "a string or a number" : wanted[e->kind]);
    switch (e->kind) {
    case CONFIG_TEXT: *config_text_of(c, e) = json_string_value(value); break;
    case CONFIG_COUNT: *config_count_of(c, e) = json_integer_value(value); break;
    case CONFIG_REAL: *config_real_of(c, e) = json_number_value(value); break;
    case CONFIG_FLAG: *config_flag_of(c, e) = json_is_true(value); break;
    }
    return LS_OK;
}

static ls_status read_data(run_config *c, json_t *object, const char *path, ls_error *err)
{
    const char *names[CONFIG_ENTRIES - CONFIG_DECISIONS + INPUTS], *name;
    json_t *value;
    enum { DATA = CONFIG_ENTRIES - CONFIG_DECISIONS };
    for (size_t i = 0; i < DATA; i++) names[i] = config_entries[i].name;
    for (size_t i = 0; i < INPUTS; i++) names[DATA + i] = config_hash_names[i];
    json_object_foreach(object, name, value)
    {
        bool found = false;
        LS_TRY(read_hash(c, name, value, &found, path, err));
        for (size_t i = 0; i < DATA && !found; i++) {
            if (strcmp(name, config_entries[i].name)) continue;
            LS_TRY(read_entry(c, &config_entries[i], value, path, err));
            found = true;
        }
        if (!found) return unknown(path, "\"data\"", name, names, DATA + INPUTS, err);
    }
    if (c->test && c->split > 0)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: \"data\" has both \"test\" and \"split\"; remove one of them", path);
    if (c->split != CONFIG_UNSET_REAL && !(c->split >= 0 && c->split < 1))
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: \"split\": %g is not between 0 and 1", path,
                       c->split);
    return LS_OK;
}

/* Adds an option's value as the command line has it. The file may have a number, a boolean, a
 * string or a list of these: 100, 0.01, true, "tanh", [20, 20]. Returns false for anything else. */
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

/* Replaces a member that is a number by the string that the command line would have. */
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
    const char *names[CONFIG_DECISIONS], *name;
    json_t *value;
    for (size_t i = 0; i < CONFIG_DECISIONS; i++) {
        const config_entry *e = &config_entries[CONFIG_ENTRIES - CONFIG_DECISIONS + i];
        names[i] = e->name;
        if (!make_text(object, e->name))
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", path);
        value = json_object_get(object, e->name);
        if (value) LS_TRY(read_entry(c, e, value, path, err));
    }
    json_object_foreach(object, name, value)
    {
        if (strcmp(name, names[0]) && strcmp(name, names[1]))
            return unknown(path, "\"decision\"", name, names, CONFIG_DECISIONS, err);
    }
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
            "%s: \"%.60s\" in \"options\" is not a string, a number, true, false or a list of these",
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

static ls_status check_options(const run_config *c, const char *path, ls_error *err)
{
    ls_options *options;
    LS_TRY(ls_options_create(&options, err));
    ls_status status = config_options(c, path, options, err);
    ls_options_free(options);
    return status;
}

static ls_status check_names(json_t *root, const char *path, ls_error *err)
{
    static const char *const names[] = {"format",  "lockstep", "data",
                                        "options", "decision", "result"};
    enum { NAMES = sizeof names / sizeof *names };
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < NAMES; i++) known |= !strcmp(name, names[i]);
        if (!known) return unknown(path, "it", name, names, NAMES, err);
    }
    return LS_OK;
}

/* A member that is an object, or NULL if there is no such member. */
static ls_status get_object(const run_config *c, const char *name, json_t **out, const char *path,
                            ls_error *err)
{
    *out = json_object_get(c->root, name);
    return !*out || json_is_object(*out)
               ? LS_OK
               : ls_fail(err, LS_ERR_ARGUMENT, "%s: \"%s\" is not an object", path, name);
}

static ls_status read_root(run_config *c, const char *path, ls_error *err)
{
    const json_t *format = json_object_get(c->root, "format");
    json_t *data, *options, *decision;
    if (!json_is_object(c->root))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: is not a JSON object with \"data\" and \"options\"", path);
    LS_TRY(check_names(c->root, path, err));
    if (format && (!json_is_integer(format) || json_integer_value(format) != CONFIG_FORMAT))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: \"format\" is not %d, the only format that this version reads", path,
                       CONFIG_FORMAT);
    LS_TRY(get_object(c, "data", &data, path, err));
    LS_TRY(get_object(c, "options", &options, path, err));
    LS_TRY(get_object(c, "decision", &decision, path, err));
    LS_TRY(read_data(c, data, path, err));
    LS_TRY(read_decision(c, decision, path, err));
    return check_options(c, path, err);
}

ls_status config_parse(const char *path, const char *bytes, size_t size, run_config *out,
                       ls_error *err)
{
    json_error_t where;
    run_config c = {0};
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

/* Reads at most LARGEST bytes, of which one is free at the end. */
static ls_status read_file(const char *path, char *bytes, size_t *size, ls_error *err)
{
    int file;
    LS_TRY(ls_open_file(path, &file, size, err));
    ls_status status = ls_read_some(file, path, bytes, LARGEST, size, err);
    close(file);
    if (status == LS_OK && *size == LARGEST)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: has too many bytes for a file of options", path);
    return status;
}

ls_status config_read(const char *path, run_config *out, ls_error *err)
{
    char *bytes;
    size_t size;
    LS_TRY(ls_alloc(&bytes, LARGEST, 1, "a file of options", err));
    ls_status status = read_file(path, bytes, &size, err);
    if (status == LS_OK) status = config_parse(path, bytes, size, out, err);
    free(bytes);
    return status;
}
