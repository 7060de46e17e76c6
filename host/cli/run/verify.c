/* SPDX-License-Identifier: MIT */
#include "host/cli/run/verify.h"
#include "host/base/file.h"
#include "host/base/text.h"

#include "host/base/sha256.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool is_in(const char *key, const char *const *list)
{
    for (; list && *list; list++)
        if (!strcmp(key, *list)) return true;
    return false;
}

static bool differ(json_t *a, json_t *b, const char *const *later, ls_text *where,
                   json_t *value[2]);

static bool member_differs(json_t *a, json_t *b, const char *key, const char *const *later,
                           ls_text *where, json_t *value[2])
{
    size_t length = where->length;
    ls_text_add(where, "%s%s", length ? "." : "", key);
    if (differ(json_object_get(a, key), json_object_get(b, key), later, where, value)) return true;
    where->length = length;
    if (where->text) where->text[length] = 0;
    return false;
}

static bool objects_differ(json_t *a, json_t *b, const char *const *later, ls_text *where,
                           json_t *value[2])
{
    const char *key;
    json_t *unused;
    for (int last = 0; last < 2; last++) {
        json_object_foreach(a, key,
                            unused) if (is_in(key, later) == last &&
                                        member_differs(a, b, key, later, where, value)) return true;
        json_object_foreach(b, key,
                            unused) if (is_in(key, later) == last && !json_object_get(a, key) &&
                                        member_differs(a, b, key, later, where, value)) return true;
    }
    return false;
}

static bool arrays_differ(json_t *a, json_t *b, const char *const *later, ls_text *where,
                          json_t *value[2])
{
    size_t m = json_array_size(a), n = json_array_size(b), length = where->length;
    for (size_t i = 0; i < m || i < n; i++) {
        ls_text_add(where, "[%zu]", i);
        if (differ(json_array_get(a, i), json_array_get(b, i), later, where, value)) return true;
        where->length = length;
        if (where->text) where->text[length] = 0;
    }
    return false;
}

static bool differ(json_t *a, json_t *b, const char *const *later, ls_text *where, json_t *value[2])
{
    if (json_is_object(a) && json_is_object(b)) return objects_differ(a, b, later, where, value);
    if (json_is_array(a) && json_is_array(b)) return arrays_differ(a, b, later, where, value);
    if (a == b || (a && b && json_equal(a, b))) return false;
    value[0] = a;
    value[1] = b;
    return true;
}

bool json_difference(json_t *a, json_t *b, const char *const *later, ls_text *where,
                     json_t *value[2])
{
    return differ(a, b, later, where, value);
}

static void add_json(ls_text *out, json_t *value)
{
    enum { MOST = 60 };
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    size_t length = text ? strlen(text) : 0, shown = length < MOST ? length : MOST;
    while (shown < length && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--; /* not within a character */
    if (text) ls_text_add(out, "%.*s%s", (int)shown, text, shown < length ? "..." : "");
    else ls_text_add(out, value ? "?" : "nothing");
    free(text);
}

void tell_difference(file_pair *pair, const char *where, json_t *const value[2])
{
    ls_text_add(&pair->words, "%s: ", where && *where ? where : "all of it");
    add_json(&pair->words, value[0]);
    ls_text_add(&pair->words, " and ");
    add_json(&pair->words, value[1]);
    json_object_set_new(pair->detail, "where", json_string(where ? where : ""));
    json_object_set(pair->detail, "a", value[0] ? value[0] : json_null());
    json_object_set(pair->detail, "b", value[1] ? value[1] : json_null());
}

/* ---- Files ----------------------------------------------------------------------------------- */

void tell_byte(file_pair *p)
{
    size_t n = p->size[0] < p->size[1] ? p->size[0] : p->size[1], i = 0;
    while (i < n && p->bytes[0][i] == p->bytes[1][i]) i++;
    ls_text_add(&p->words, "from byte %zu on", i);
    if (p->size[0] != p->size[1])
        ls_text_add(&p->words, "; %zu and %zu bytes", p->size[0], p->size[1]);
    json_object_set_new(p->detail, "byte", json_integer((json_int_t)i));
}

static void compare_json(file_pair *p)
{
    json_t *root[2], *value[2];
    ls_text where = {0};
    for (int i = 0; i < 2; i++)
        root[i] = json_loadb(p->bytes[i], p->size[i], JSON_REJECT_DUPLICATES, NULL);
    if (!root[0] || !root[1]) {
        ls_text_add(&p->words, "%s is not JSON; ", p->path[root[0] ? 1 : 0]);
        tell_byte(p);
    } else if (json_difference(root[0], root[1], NULL, &where, value))
        tell_difference(p, where.text, value);
    else tell_byte(p);
    free(where.text);
    json_decref(root[0]);
    json_decref(root[1]);
}

static size_t line_length(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return (size_t)((newline ? newline + 1 : end) - at);
}

/* Two lines that differ; an empty one where a file has ended. */
static void compare_lines(file_pair *p, size_t number, const char *const line[2],
                          const size_t length[2])
{
    json_t *root[2], *value[2];
    ls_text where = {0};
    for (int i = 0; i < 2; i++)
        root[i] = length[i] ? json_loadb(line[i], length[i], JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *epoch = json_object_get(root[root[0] ? 0 : 1], "epoch");
    if (json_is_integer(epoch)) {
        ls_text_add(&p->words, "epoch %lld, ", (long long)json_integer_value(epoch));
        json_object_set_new(p->detail, "epoch", json_integer(json_integer_value(epoch)));
    }
    ls_text_add(&p->words, "line %zu, ", number);
    json_object_set_new(p->detail, "line", json_integer((json_int_t)number));
    if (!length[0] || !length[1])
        ls_text_add(&p->words, "where %s has ended", p->path[length[0] ? 1 : 0]);
    else if (root[0] && root[1] && json_difference(root[0], root[1], NULL, &where, value))
        tell_difference(p, where.text, value);
    else tell_byte(p);
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
            LS_TRY(ls_read_file(p->path[i], &p->bytes[i], &p->size[i], err));
    bool both = p->bytes[0] && p->bytes[1];
    p->same = both ? p->size[0] == p->size[1] && !memcmp(p->bytes[0], p->bytes[1], p->size[0])
                   : p->bytes[0] == p->bytes[1];
    if (!both && !p->same) ls_text_add(&p->words, "%s is missing", p->path[p->bytes[0] ? 1 : 0]);
    else if (!both) ls_text_add(&p->words, "not there in either");
    else if (p->same) json_object_set_new(p->detail, "sha256", hash_json(p));
    else if (ends_with(p->name, ".safetensors")) compare_models(p);
    else if (ends_with(p->name, ".jsonl")) compare_jsonl(p);
    else if (ends_with(p->name, ".json")) compare_json(p);
    else tell_byte(p);
    json_object_set_new(p->detail, "same", json_boolean(p->same));
    if (p->words.text) json_object_set_new(p->detail, "message", json_string(p->words.text));
    return p->words.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory comparing %s", p->name)
                           : LS_OK;
}

void file_pair_free(file_pair *p)
{
    for (int i = 0; i < 2; i++) free(p->bytes[i]);
    free(p->words.text);
    json_decref(p->detail);
}
