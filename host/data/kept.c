/* SPDX-License-Identifier: MIT */
#include "host/data/kept.h"
#include "host/base/memory.h"
#include <stdlib.h>
#include <string.h>

ls_status ls_kept_add(ls_kept *k, const char *text, ls_error *err)
{
    const size_t size = strlen(text) + 1;
    LS_TRY(ls_grow(&k->at, &k->room, k->cells + 1, sizeof *k->at, "the kept columns", err));
    LS_TRY(ls_grow(&k->text, &k->capacity, k->length + size, 1, "the kept columns", err));
    memcpy(k->text + k->length, text, size);
    k->at[k->cells++] = k->length;
    k->length += size;
    return LS_OK;
}

const char *ls_kept_text(const ls_kept *k, size_t row, size_t column)
{
    return k->text + k->at[row * k->columns + column];
}

void ls_kept_free(ls_kept *k)
{
    if (!k) return;
    free(k->at);
    free(k->text);
    free(k);
}
