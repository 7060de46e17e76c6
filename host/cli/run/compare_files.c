/* SPDX-License-Identifier: MIT */
#include "host/cli/run/compare_files.h"
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/json.h"
#include "host/base/sha256.h"
#include "host/cli/base/json_output.h"
#include "host/cli/run/compare_models.h"
#include "host/cli/run/config.h"
#include "host/cli/run/json_difference.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Removes the paths of files that have the same bytes in both runs. */
static bool remove_paths(file_pair *p, json_t *const root[2])
{
    static const char *const paths[INPUTS] = {"source", "labels", "test", NULL, "from"};
    json_t *data[2] = {json_object_get(root[0], "data"), json_object_get(root[1], "data")};
    bool removed = false;
    for (int k = 0; k < 2; k++) {
        const char *name = json_string_value(json_object_get(data[k], "source"));
        p->source[k] = name ? ls_strdup(name) : NULL;
    }
    for (int i = 0; i < INPUTS; i++) {
        const json_t *a = json_object_get(data[0], config_hash_names[i]),
                     *b = json_object_get(data[1], config_hash_names[i]);
        if (!paths[i] || !json_is_string(a) || !json_is_string(b) || !json_equal(a, b)) continue;
        for (int k = 0; k < 2; k++) removed |= json_object_del(data[k], paths[i]) == 0;
    }
    return removed;
}

static void compare_json(file_pair *p)
{
    json_t *root[2], *value[2];
    ls_text where = {0};
    for (int i = 0; i < 2; i++)
        root[i] = json_loadb(p->bytes[i], p->size[i], JSON_REJECT_DUPLICATES, NULL);
    if (!root[0] || !root[1]) {
        ls_text_add(&p->message, "%s is not JSON; ", p->path[root[0] ? 1 : 0]);
        file_pair_describe_byte(p);
    } else if (remove_paths(p, root) && json_equal(root[0], root[1])) {
        p->same = true;
        ls_text_add(&p->message, "same but for where files lie");
    } else if (json_difference(root[0], root[1], NULL, &where, value))
        file_pair_describe_values(p, where.text, value);
    else file_pair_describe_byte(p);
    free(where.text);
    json_decref(root[0]);
    json_decref(root[1]);
}

static size_t line_length(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return (size_t)((newline ? newline + 1 : end) - at);
}

/* Describes two lines that differ. A line of length 0 means that its file has ended. */
static void compare_lines(file_pair *p, size_t number, const char *const line[2],
                          const size_t length[2])
{
    json_t *root[2], *value[2];
    ls_text where = {0};
    for (int i = 0; i < 2; i++)
        root[i] = length[i] ? json_loadb(line[i], length[i], JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *epoch = json_object_get(root[root[0] ? 0 : 1], "epoch");
    if (json_is_integer(epoch)) {
        ls_text_add(&p->message, "epoch %lld, ", (long long)json_integer_value(epoch));
        ls_json_set(&p->detail, "epoch", json_integer(json_integer_value(epoch)));
    }
    ls_text_add(&p->message, "line %zu: ", number);
    ls_json_set(&p->detail, "line", json_integer((json_int_t)number));
    if (!length[0] || !length[1])
        ls_text_add(&p->message, "%s has ended", p->path[length[0] ? 1 : 0]);
    else if (root[0] && root[1] && json_difference(root[0], root[1], NULL, &where, value))
        file_pair_describe_values(p, where.text, value);
    else file_pair_describe_byte(p);
    free(where.text);
    json_decref(root[0]);
    json_decref(root[1]);
}

static void compare_jsonl(file_pair *p)
{
    const char *at[2] = {p->bytes[0], p->bytes[1]},
               *end[2] = {at[0] + p->size[0], at[1] + p->size[1]};
    for (size_t number = 1; at[0] < end[0] || at[1] < end[1]; number++) {
        size_t length[2] = {line_length(at[0], end[0]), line_length(at[1], end[1])};
        if (length[0] != length[1] || memcmp(at[0], at[1], length[0]) != 0) {
            compare_lines(p, number, at, length);
            return;
        }
        at[0] += length[0];
        at[1] += length[1];
    }
}

static json_t *hash_json(const file_pair *p)
{
    ls_sha256 sha;
    char hex[65];
    ls_sha256_init(&sha);
    ls_sha256_update(&sha, p->bytes[0], p->size[0]);
    ls_sha256_final(&sha, hex);
    return json_string(hex);
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

ls_status file_pair_compare(file_pair *p, ls_error *err)
{
    if (!(p->detail = json_object()))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory comparing %s", p->name);
    for (int i = 0; i < 2; i++)
        if (access(p->path[i], F_OK) == 0)
            LS_TRY(p->inside[i] ? ls_read_regular(p->path[i], &p->bytes[i], &p->size[i], err)
                                : ls_read_file(p->path[i], &p->bytes[i], &p->size[i], err));
    bool both = p->bytes[0] && p->bytes[1];
    p->same = both ? p->size[0] == p->size[1] && !memcmp(p->bytes[0], p->bytes[1], p->size[0])
                   : p->bytes[0] == p->bytes[1];
    if (!both && !p->same) ls_text_add(&p->message, "%s is missing", p->path[p->bytes[0] ? 1 : 0]);
    else if (!both) ls_text_add(&p->message, "missing in both");
    else if (p->same) ls_json_set(&p->detail, "sha256", hash_json(p));
    else if (ends_with(p->name, ".safetensors")) compare_models(p);
    else if (ends_with(p->name, ".jsonl")) compare_jsonl(p);
    else if (ends_with(p->name, ".json")) compare_json(p);
    else file_pair_describe_byte(p);
    ls_json_set(&p->detail, "same", json_boolean(p->same));
    if (p->message.text) ls_json_set(&p->detail, "message", json_shown(p->message.text));
    return p->message.failed || !p->detail
               ? ls_fail(err, LS_ERR_MEMORY, "out of memory comparing %s", p->name)
               : LS_OK;
}
