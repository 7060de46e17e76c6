/* SPDX-License-Identifier: MIT */
#include "host/data/selection.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/match.h"
#include "host/data/value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Lists of columns ------------------------------------------------------------------------ */

/* kept[j] = whether --columns and --drop leave column j. */
static ls_status keep_columns(const ls_read_request *r, const ls_file_columns *f, bool *marks,
                              bool *kept, ls_error *err)
{
    for (size_t j = 0; j < f->count; j++) kept[j] = true;
    if (r->columns) LS_TRY(ls_mark_columns(f, "columns", r->columns, kept, err));
    if (!r->drop) return LS_OK;
    LS_TRY(ls_mark_columns(f, "drop", r->drop, marks, err));
    for (size_t j = 0; j < f->count; j++) kept[j] &= !marks[j];
    return LS_OK;
}

/* ---- Roles by options ------------------------------------------------------------------------ */

/* Gives a column the role of an option, if it has not that of another one. */
static ls_status take_column(const ls_file_columns *f, const char *option, size_t column,
                             ls_role role, ls_selection *s, ls_error *err)
{
    static const char *const takers[] = {
        [LS_ROLE_TARGET] = "the target (--target)",
        [LS_ROLE_WEIGHT] = "the weight (--weight)",
        [LS_ROLE_GROUP] = "the group (--group)",
    };
    if (s->role[column] >= LS_ROLE_TARGET)
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: --%s: column %zu (from 0%s%s) is %s already",
                       f->path, option, column, f->name ? ", " : "",
                       f->name ? ls_excerpt_of(f->name[column]).text : "", takers[s->role[column]]);
    s->role[column] = role;
    return LS_OK;
}

static ls_status take_option(const ls_file_columns *f, const char *option, const char *text,
                             ls_role role, ls_selection *s, ls_error *err)
{
    size_t column;
    if (!text) return LS_OK;
    LS_TRY(ls_column_find(f, option, text, &column, err));
    return take_column(f, option, column, role, s, err);
}

/* The targets are the columns that --target names, or the last one. */
static ls_status take_targets(const ls_read_request *r, const ls_file_columns *f, size_t *list,
                              const bool *dropped, ls_selection *s, ls_error *err)
{
    size_t count = 1;
    list[0] = f->count - 1;
    if (r->target) LS_TRY(ls_column_list(f, "target", r->target, list, &count, err));
    ls_role last = s->role[f->count - 1];
    if (!r->target && last >= LS_ROLE_TARGET)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: --%s names the last column, %zu (from 0%s%s), which is the target; say "
                       "with --target which other one that is",
                       f->path, last == LS_ROLE_WEIGHT ? "weight" : "group", f->count - 1,
                       f->name ? ", " : "",
                       f->name ? ls_excerpt_of(f->name[f->count - 1]).text : "");
    for (size_t k = 0; k < count; k++) {
        if (dropped[list[k]])
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "%s: --drop names the target column; say with --target which one that is", f->path);
        LS_TRY(take_column(f, "target", list[k], r->no_target ? LS_ROLE_UNUSED : LS_ROLE_TARGET, s,
                           err));
        s->index[list[k]] = k;
    }
    if (r->no_target) return LS_OK;
    s->target = list[0];
    s->targets = count;
    return LS_OK;
}

/* list, marks, kept: room for the columns of the file. */
static ls_status by_options(const ls_read_request *r, const ls_file_columns *f, bool apart,
                            size_t *list, bool *marks, const bool *kept, ls_selection *s,
                            ls_error *err)
{
    for (size_t j = 0; j < f->count; j++)
        s->role[j] = !kept[j]          ? LS_ROLE_UNUSED
                     : r->numbers_only ? LS_ROLE_NUMBER
                                       : LS_ROLE_INFERRED;
    memset(marks, 0, f->count * sizeof *marks);
    if (r->categorical) LS_TRY(ls_mark_columns(f, "categorical", r->categorical, marks, err));
    for (size_t j = 0; j < f->count; j++)
        if (marks[j] && kept[j]) s->role[j] = LS_ROLE_CATEGORY;
    LS_TRY(take_option(f, "weight", r->weight, LS_ROLE_WEIGHT, s, err));
    LS_TRY(take_option(f, "group", r->group, LS_ROLE_GROUP, s, err));
    memset(marks, 0, f->count * sizeof *marks);
    if (r->drop) LS_TRY(ls_mark_columns(f, "drop", r->drop, marks, err));
    if (!apart) LS_TRY(take_targets(r, f, list, marks, s, err));
    for (size_t j = 0; j < f->count; j++)
        if (ls_is_feature(s->role[j])) s->index[j] = s->used++;
    s->complete = s->used + s->targets == f->count;
    return s->used ? LS_OK
                   : ls_fail(err, LS_ERR_ARGUMENT,
                             "%s: --columns and --drop leave no column beside the target", f->path);
}

/* ---- Selecting ------------------------------------------------------------------------------- */

ls_status ls_select(const ls_read_request *r, const ls_file_columns *f, bool apart, ls_selection *s,
                    ls_error *err)
{
    size_t *list = NULL;
    bool *marks = NULL;
    assert(f->count > 0);
    *s = (ls_selection){.columns = f->count, .target = LS_NO_COLUMN};
    LS_TRY(ls_alloc(&s->role, f->count, sizeof *s->role, "the columns", err));
    LS_TRY(ls_alloc(&s->index, f->count, sizeof *s->index, "the columns", err));
    ls_status status = ls_alloc(&list, f->count, sizeof *list, "the columns", err);
    if (status == LS_OK) status = ls_alloc(&marks, f->count, 2 * sizeof *marks, "the columns", err);
    bool *kept = status == LS_OK ? marks + f->count : NULL;
    if (status == LS_OK) status = keep_columns(r, f, marks, kept, err);
    if (status == LS_OK)
        status = r->expected.features ? ls_match(r, f, apart, kept, s, err)
                                      : by_options(r, f, apart, list, marks, kept, s, err);
    free(list);
    free(marks);
    return status;
}

void ls_selection_free(ls_selection *s)
{
    free(s->role);
    free(s->index);
    *s = (ls_selection){0};
}

bool ls_names_header(const ls_read_request *r, const ls_file_columns *first)
{
    const char *const lists[] = {r->target, r->weight,      r->group, r->columns,
                                 r->drop,   r->categorical, r->units};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i] && ls_list_has_name(first, lists[i])) return true;
    return false;
}
