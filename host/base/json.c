/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/base/memory.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Drops a container to which something could not be added. */
static void drop(json_t **container)
{
    json_decref(*container);
    *container = NULL;
}

void ls_json_set(json_t **object, const char *key, json_t *value)
{
    assert(!*object || json_is_object(*object));
    if (json_object_set_new(*object, key, value) != 0) drop(object); /* takes NULL, too */
}

void ls_json_append(json_t **array, json_t *value)
{
    assert(!*array || json_is_array(*array));
    if (json_array_append_new(*array, value) != 0) drop(array);
}

/* A text that grows; `failed` stays set once memory has run out. */
typedef struct {
    char *bytes;
    size_t length, capacity;
    bool failed;
} growing;

/* jansson does not always look at what this returns, hence `failed`. */
static int add_bytes(const char *bytes, size_t size, void *user)
{
    growing *g = user;
    if (!g->failed && g->capacity - g->length <= size)
        g->failed = ls_grow(&g->bytes, &g->capacity, g->length + size + 1, 1, "JSON", NULL) !=
                    LS_OK;
    if (g->failed) return -1;
    memcpy(g->bytes + g->length, bytes, size);
    g->length += size;
    return 0;
}

char *ls_json_dump(const json_t *value, size_t flags)
{
    growing g = {0};
    if (value && json_dump_callback(value, add_bytes, &g, flags) == 0 && add_bytes("", 1, &g) == 0)
        return g.bytes;
    free(g.bytes);
    return NULL;
}

json_t *ls_json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *ls_json_text(const char *text) { return text ? json_string(text) : json_null(); }

json_t *ls_json_texts(char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) ls_json_append(&list, ls_json_text(texts[i]));
    return list;
}

json_t *ls_json_numbers(const double *numbers, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) ls_json_append(&list, ls_json_number(numbers[i]));
    return list;
}

bool ls_json_read_count(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

bool ls_json_read_number(const json_t *value, double *out)
{
    if (!json_is_number(value)) return false;
    *out = json_number_value(value);
    return true;
}
