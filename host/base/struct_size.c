/* SPDX-License-Identifier: MIT */
#include "host/base/struct_size.h"
#include <assert.h>
#include <string.h>

/* No public struct comes near this size: a larger value is one that nobody has set. */
enum { MOST = 64 * 1024 };

static size_t size_of(const void *sized)
{
    size_t size;
    memcpy(&size, sized, sizeof size);
    return size;
}

static bool valid(const ls_sized_type *type, size_t size)
{
    return size >= type->first && size <= MOST;
}

ls_status ls_sized_read(const ls_sized_type *type, const void *from, void *out, ls_error *err)
{
    size_t size = from ? size_of(from) : 0;
    if (size && !valid(type, size))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: struct_size is %zu; set it to sizeof(%s), or to 0 for the members of "
                       "version 0.1",
                       type->name, size, type->name);
    if (!size) size = type->first;
    if (size > type->size) size = type->size;
    memset(out, 0, type->size);
    if (from) memcpy(out, from, size);
    memcpy(out, &type->size, sizeof type->size);
    return LS_OK;
}

ls_status ls_sized_check(const ls_sized_type *type, const void *to, ls_error *err)
{
    size_t size = size_of(to);
    if (valid(type, size)) return LS_OK;
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "%s: struct_size is %zu; set it to sizeof(%s) before the call, as with LS_INIT",
                   type->name, size, type->name);
}

void ls_sized_write(const ls_sized_type *type, void *array, size_t i, const void *own)
{
    size_t stride = size_of(array);
    char *to = (char *)array + i * stride;
    assert(valid(type, stride));
    memcpy(to + sizeof stride, (const char *)own + sizeof stride,
           (stride < type->size ? stride : type->size) - sizeof stride);
    memcpy(to, &stride, sizeof stride);
}
