/* SPDX-License-Identifier: MIT */
/* The start of a safetensors file: the length of the header in 8 bytes, the header as JSON. */
#include "host/model/model_start.h"
#include "host/model/model_format.h"

static ls_status damaged(const char *path, const char *what, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: %s", path, what);
}

ls_status ls_model_check_start(const char *path, const char *bytes, size_t size, size_t *header,
                               ls_error *err)
{
    uint64_t length = 0;
    for (int i = 0; size > 8 && i < 8; i++) length |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    if (length < 2 || length > LS_HEADER_LIMIT || bytes[8] != '{')
        return damaged(path, "it does not start like a safetensors file, or is cut short", err);
    *header = (size_t)length;
    return LS_OK;
}

ls_status ls_model_promised_size(const char *path, const char *header, size_t length,
                                 uint64_t *size, ls_error *err)
{
    json_error_t where;
    json_t *root = json_loadb(header, length, JSON_REJECT_DUPLICATES, &where), *entry;
    const char *name;
    if (!root) return damaged(path, "its header is not JSON", err);
    *size = 0;
    json_object_foreach(root, name, entry)
    {
        json_int_t end = json_integer_value(json_array_get(json_object_get(entry, "data_offsets"),
                                                           1));
        if (end > 0 && (uint64_t)end > *size) *size = (uint64_t)end;
    }
    json_decref(root);
    return LS_OK;
}
