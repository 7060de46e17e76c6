/* SPDX-License-Identifier: MIT */
#include "host/cli/run/json_difference.h"
#include <string.h>

static bool is_in(const char *key, const char *const *list)
{
    for (; list && *list; list++)
        if (!strcmp(key, *list)) return true;
    return false;
}

static bool member_differs(json_t *a, json_t *b, const char *key, const char *const *later,
                           ls_text *where, json_t *value[2])
{
    size_t length = where->length;
    ls_text_add(where, "%s%s", length ? "." : "", key);
    if (json_difference(json_object_get(a, key), json_object_get(b, key), later, where, value))
        return true;
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
        if (json_difference(json_array_get(a, i), json_array_get(b, i), later, where, value))
            return true;
        where->length = length;
        if (where->text) where->text[length] = 0;
    }
    return false;
}

bool json_difference(json_t *a, json_t *b, const char *const *later, ls_text *where,
                     json_t *value[2])
{
    if (json_is_object(a) && json_is_object(b)) return objects_differ(a, b, later, where, value);
    if (json_is_array(a) && json_is_array(b)) return arrays_differ(a, b, later, where, value);
    if (a == b || (a && b && json_equal(a, b))) return false;
    value[0] = a;
    value[1] = b;
    return true;
}
