/* SPDX-License-Identifier: MIT */
#include "host/data/columns.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdlib.h>
#include <string.h>

size_t ls_column_inputs(const ls_column *column)
{
    return column->categorical ? column->categories + 1 : 1;
}

size_t ls_columns_inputs(const ls_column *column, size_t count)
{
    size_t inputs = 0;
    for (size_t c = 0; c < count; c++) inputs += ls_column_inputs(&column[c]);
    return inputs;
}

void ls_columns_free(ls_column *column, size_t count)
{
    for (size_t c = 0; column && c < count; c++) {
        for (size_t k = 0; column[c].category && k < column[c].categories; k++)
            free(column[c].category[k]);
        free(column[c].category);
        free(column[c].name);
        free(column[c].mark);
    }
    free(column);
}

static ls_status copy_column(const ls_column *from, ls_column *to, ls_error *err)
{
    *to = (ls_column){.place = from->place,
                      .categorical = from->categorical,
                      .offset = from->offset,
                      .format = from->format};
    bool lost = !(to->name = ls_strdup(from->name));
    if (from->mark) lost |= !(to->mark = ls_strdup(from->mark));
    LS_TRY(ls_alloc(&to->category, from->categories, sizeof *to->category, "the categories", err));
    to->categories = from->categories;
    for (size_t k = 0; k < from->categories; k++)
        if (from->category[k]) lost |= !(to->category[k] = ls_strdup(from->category[k]));
    return lost ? ls_fail(err, LS_ERR_MEMORY,
                          "out of memory for the names of columns and categories")
                : LS_OK;
}

ls_status ls_columns_copy(const ls_column *from, size_t count, ls_column **to, ls_error *err)
{
    ls_column *copy;
    LS_TRY(ls_alloc(&copy, count, sizeof *copy, "the columns", err));
    ls_status status = LS_OK;
    for (size_t c = 0; c < count && status == LS_OK; c++)
        status = copy_column(&from[c], &copy[c], err);
    if (status != LS_OK) ls_columns_free(copy, count);
    else *to = copy;
    return status;
}

/* "colour", or "colour=red" and "colour=(other)". */
static char *input_name(const ls_column *column, size_t slot)
{
    if (!column->categorical) return ls_strdup(column->name);
    const char *category = slot == column->categories ? "(other)"
                           : column->category[slot]   ? column->category[slot]
                                                      : "(unused)";
    size_t length = strlen(column->name) + strlen(category) + 2;
    char *name = malloc(length);
    if (name) snprintf(name, length, "%s=%s", column->name, category);
    return name;
}

ls_status ls_columns_name_inputs(const ls_column *column, size_t count, char **names, ls_error *err)
{
    for (size_t c = 0, i = 0; c < count; c++)
        for (size_t k = 0; k < ls_column_inputs(&column[c]); k++, i++)
            if (!(names[i] = input_name(&column[c], k)))
                return ls_fail(err, LS_ERR_MEMORY,
                               "out of memory for the names of features; use less data");
    return LS_OK;
}
