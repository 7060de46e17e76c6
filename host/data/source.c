/* SPDX-License-Identifier: MIT */
#include "host/data/source.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdlib.h>

ls_status ls_source_copy(const ls_source *from, ls_source *to, ls_error *err)
{
    ls_source copy = *from;
    if (from->marks && !(copy.marks = ls_strdup(from->marks)))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for the marks of missing values");
    *to = copy;
    return LS_OK;
}

void ls_source_free(ls_source *source)
{
    free(source->marks);
    source->marks = NULL;
}

ls_status ls_targets_copy(const ls_target *from, size_t count, ls_target **to, ls_error *err)
{
    ls_target *copy;
    bool lost = false;
    LS_TRY(ls_alloc(&copy, count, sizeof *copy, "the targets", err));
    for (size_t i = 0; i < count; i++) {
        copy[i] = from[i];
        if (from[i].name) lost |= !(copy[i].name = ls_strdup(from[i].name));
    }
    if (lost) {
        ls_targets_free(copy, count);
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for the names of targets");
    }
    *to = copy;
    return LS_OK;
}

void ls_targets_free(ls_target *target, size_t count)
{
    for (size_t i = 0; target && i < count; i++) free(target[i].name);
    free(target);
}
