/* SPDX-License-Identifier: MIT */
#include "host/data/apart.h"
#include <stdlib.h>

ls_apart *ls_apart_share(ls_apart *a)
{
    if (a) a->uses++;
    return a;
}

void ls_apart_free(ls_apart *a)
{
    if (!a || --a->uses) return;
    ls_columns_free(a->column, a->columns);
    if (a->free_context) a->free_context(a->context);
    free(a);
}
