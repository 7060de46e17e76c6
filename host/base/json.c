/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
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

/* A text in the making. */
typedef struct {
    char *text;
    size_t length, capacity;
    bool failed;
} buffer;

static int append(const char *bytes, size_t size, void *user)
{
    buffer *b = user;
    if (b->failed) return -1;
    if (size >= b->capacity - b->length) {
        size_t capacity = 2 * b->capacity + size + 1;
        char *grown = capacity > size ? realloc(b->text, capacity) : NULL;
        if (!grown) {
            b->failed = true;
            return -1;
        }
        b->text = grown, b->capacity = capacity;
    }
    memcpy(b->text + b->length, bytes, size);
    b->text[b->length += size] = '\0';
    return 0;
}

char *ls_json_dumps(const json_t *value, size_t flags)
{
    buffer b = {0};
    if (value && json_dump_callback(value, append, &b, flags) == 0 && !b.failed) return b.text;
    free(b.text);
    return NULL;
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
