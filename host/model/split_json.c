/* SPDX-License-Identifier: MIT */
#include "host/model/split_json.h"
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/model/model_format.h"
#include <stdlib.h>
#include <string.h>

json_t *ls_split_json(const ls_split_record *r)
{
    json_t *read = json_loads(r->read, JSON_REJECT_DUPLICATES, NULL);
    json_t *o = json_pack("{s:f,s:f,s:s}", "test", r->test, "validation", r->validation, "sha256",
                          r->sha256);
    ls_json_set(&o, "read", read);
    return o;
}

static bool is_share(const json_t *value, double *out)
{
    return ls_json_read_number(value, out) && *out >= 0 && *out < 1;
}

static bool is_hash(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* Whether an object has texts, numbers, true and false alone. */
static bool is_flat(json_t *object)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) return false;
    json_object_foreach(object, name, value)
    {
        if (!json_is_string(value) && !json_is_number(value) && !json_is_boolean(value))
            return false;
    }
    return true;
}

ls_status ls_split_read(const json_t *object, const char *path, ls_split_record **out,
                        ls_error *err)
{
    const char *hash = json_string_value(json_object_get(object, "sha256"));
    json_t *read = json_object_get(object, "read");
    ls_split_record r = {0};
    if (!is_share(json_object_get(object, "test"), &r.test) ||
        !is_share(json_object_get(object, "validation"), &r.validation) || !is_hash(hash) ||
        !is_flat(read) || json_object_size(object) != 4)
        return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: its split is malformed",
                       path);
    memcpy(r.sha256, hash, sizeof r.sha256);
    r.read = ls_json_dump(read, LS_CANONICAL_JSON);
    if (!r.read) return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    ls_status status = ls_split_record_copy(&r, out, err);
    free(r.read);
    return status;
}
