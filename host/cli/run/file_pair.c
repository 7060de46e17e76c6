/* SPDX-License-Identifier: MIT */
#include "host/cli/run/file_pair.h"
#include "host/base/json.h"
#include <stdlib.h>
#include <string.h>

static void add_json(ls_text *out, json_t *value)
{
    enum { MOST = 60 };
    char *text = value ? ls_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    size_t length = text ? strlen(text) : 0, shown = length < MOST ? length : MOST;
    while (shown < length && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--; /* do not cut a UTF-8 character */
    if (text) ls_text_add(out, "%.*s%s", (int)shown, text, shown < length ? "..." : "");
    else ls_text_add(out, value ? "?" : "nothing");
    free(text);
}

void file_pair_describe_values(file_pair *pair, const char *where, json_t *const value[2])
{
    ls_text_add(&pair->message, "%s: ", where && *where ? where : "everything");
    add_json(&pair->message, value[0]);
    ls_text_add(&pair->message, " and ");
    add_json(&pair->message, value[1]);
    ls_json_set(&pair->detail, "where", json_string(where ? where : ""));
    ls_json_set(&pair->detail, "a", value[0] ? json_incref(value[0]) : json_null());
    ls_json_set(&pair->detail, "b", value[1] ? json_incref(value[1]) : json_null());
}

void file_pair_describe_byte(file_pair *p)
{
    size_t n = p->size[0] < p->size[1] ? p->size[0] : p->size[1], i = 0;
    while (i < n && p->bytes[0][i] == p->bytes[1][i]) i++;
    ls_text_add(&p->message, "from byte %zu on", i);
    if (p->size[0] != p->size[1])
        ls_text_add(&p->message, "; %zu and %zu bytes", p->size[0], p->size[1]);
    ls_json_set(&p->detail, "byte", json_integer((json_int_t)i));
}

void file_pair_free(file_pair *p)
{
    for (int i = 0; i < 2; i++) free(p->bytes[i]);
    for (int i = 0; i < 2; i++) free(p->source[i]);
    free(p->message.text);
    json_decref(p->detail);
}
