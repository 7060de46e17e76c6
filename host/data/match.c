/* SPDX-License-Identifier: MIT */
#include "host/data/match.h"
#include "host/base/memory.h"
#include "host/data/match_names.h"
#include "host/data/match_places.h"
#include "host/data/value.h"

#include <stdlib.h>
#include <string.h>

/* ---- Columns of which only the number is known ----------------------------------------------- */

static ls_status wrong_width(const ls_expected_rows *e, const ls_file_columns *f, size_t targets,
                             ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA,
                   "%s: has %zu columns, so %zu features beside the %s, but %zu are expected; "
                   "give %zu columns, or %zu without %s",
                   f->path, f->count, f->count - targets, ls_expected_noun(e), e->features,
                   e->features + (e->targets ? e->targets : 1), e->features,
                   e->task == LS_TASK_CLASSIFICATION ? "classes" : "targets");
}

/* The class is the column that --target names, or the last one; a file of exactly as many columns
 * has none. */
static ls_status match_count(const ls_read_request *r, const ls_file_columns *f, bool apart,
                             ls_found *out, ls_error *err)
{
    const ls_expected_rows *e = &r->expected;
    size_t target = f->count - 1;
    ls_error why;
    bool none = apart || f->count == e->features;
    if (r->target && !apart) {
        ls_status status = ls_column_find(f, "target", r->target, &target, &why);
        if (status != LS_OK && !none) return ls_fail(err, status, "%s", why.message);
        none = status != LS_OK;
    }
    if (f->count - !none != e->features) return wrong_width(e, f, !none, err);
    for (size_t i = 0; i < e->features; i++) out->feature[i] = none || i < target ? i : i + 1;
    if (!none && !r->no_target) out->target[0] = target, out->targets = 1;
    return LS_OK;
}

/* ---- Roles ----------------------------------------------------------------------------------- */

static ls_status set_roles(const ls_expected_rows *e, const ls_file_columns *f, const bool *kept,
                           const ls_found *found, ls_selection *s, ls_error *err)
{
    for (size_t j = 0; j < f->count; j++) s->role[j] = LS_ROLE_UNUSED;
    for (size_t i = 0; i < e->features; i++) {
        size_t j = found->feature[i];
        if (!kept[j])
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "%s: --columns or --drop leave out column %zu (from 0%s%s), which is an "
                           "input of the model",
                           f->path, j, f->name ? ", " : "",
                           f->name ? ls_excerpt_of(f->name[j]).text : "");
        s->role[j] = ls_expected_role(e, i);
        s->index[j] = i;
    }
    for (size_t k = 0; k < found->targets; k++) {
        s->role[found->target[k]] = LS_ROLE_TARGET;
        s->index[found->target[k]] = k;
    }
    s->used = e->features;
    s->targets = found->targets;
    s->target = found->targets ? found->target[0] : LS_NO_COLUMN;
    if (*found->note) strcpy(s->note[s->notes++], found->note);
    strcpy(s->absent, found->absent);
    return LS_OK;
}

ls_status ls_match(const ls_read_request *r, const ls_file_columns *f, bool apart, const bool *kept,
                   ls_selection *s, ls_error *err)
{
    const ls_expected_rows *e = &r->expected;
    size_t targets = e->targets ? e->targets : 1;
    ls_found found = {.targets = 0};
    LS_TRY(ls_alloc(&found.feature, e->features + targets, sizeof *found.feature, "the columns",
                    err));
    found.target = found.feature + e->features;
    bool named = false;
    ls_status status = LS_OK;
    if (e->source) status = ls_names_compare(e, f, &named, err);
    if (status == LS_OK)
        status = !e->source ? match_count(r, f, apart, &found, err)
                 : named    ? ls_match_names(r, f, apart, &found, err)
                            : ls_match_places(r, f, apart, kept, &found, err);
    if (status == LS_OK) status = set_roles(e, f, kept, &found, s, err);
    free(found.feature);
    return status;
}
