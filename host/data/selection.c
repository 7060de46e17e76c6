/* SPDX-License-Identifier: MIT */
#include "host/data/selection.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>

#include <stdlib.h>
#include <string.h>

static ls_status no_such_column(const char *path, const char *option, const char *wanted,
                                const char *const *header, size_t columns, ls_error *err)
{
    const char *near = header ? ls_nearest(wanted, header, columns) : NULL;
    if (near)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: --%s: there is no column \"%.40s\"; did you mean \"%.40s\"?", path,
                       option, wanted, near);
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "%s: --%s: there is no column \"%.40s\"; give %sindices, 0 to %zu", path, option,
                   wanted, header ? "names from its first line, or " : "", columns - 1);
}

static size_t find_name(const char *name, const char *const *header, size_t columns)
{
    for (size_t j = 0; header && j < columns; j++)
        if (!strcmp(header[j], name)) return j;
    return LS_NO_COLUMN;
}

/* Marks the columns of a list of names or indices; a name has precedence. */
static ls_status mark(const char *path, const char *option, const char *list,
                      const char *const *header, size_t columns, bool *marks, ls_error *err)
{
    char *copy = ls_strdup(list);
    ls_status status = copy ? LS_OK : ls_fail(err, LS_ERR_MEMORY, "out of memory for --%s", option);
    for (char *piece = copy; piece && status == LS_OK;) {
        char *comma = strchr(piece, ',');
        uint64_t index;
        if (comma) *comma = 0;
        piece += strspn(piece, " ");
        size_t found = find_name(piece, header, columns);
        if (found == LS_NO_COLUMN && ls_parse_u64(piece, &index) && index < columns)
            found = (size_t)index;
        if (found == LS_NO_COLUMN)
            status = no_such_column(path, option, piece, header, columns, err);
        else marks[found] = true;
        piece = comma ? comma + 1 : NULL;
    }
    free(copy);
    return status;
}

/* Sets the role of each column as the options say. */
static ls_status apply_options(const ls_read_request *request, const char *path,
                               const char *const *header, ls_selection *s, bool *marks,
                               ls_error *err)
{
    for (size_t j = 0; j < s->columns; j++)
        s->role[j] = request->numbers_only ? LS_ROLE_NUMBER : LS_ROLE_INFERRED;
    if (request->columns) {
        LS_TRY(mark(path, "columns", request->columns, header, s->columns, marks, err));
        for (size_t j = 0; j < s->columns; j++)
            if (!marks[j]) s->role[j] = LS_ROLE_UNUSED;
        memset(marks, 0, s->columns * sizeof *marks);
    }
    if (request->drop) {
        LS_TRY(mark(path, "drop", request->drop, header, s->columns, marks, err));
        if (s->target != LS_NO_COLUMN && marks[s->target])
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "%s: --drop names the class column; say with --target which one that is",
                           path);
        for (size_t j = 0; j < s->columns; j++)
            if (marks[j]) s->role[j] = LS_ROLE_UNUSED;
        memset(marks, 0, s->columns * sizeof *marks);
    }
    if (request->categorical)
        LS_TRY(mark(path, "categorical", request->categorical, header, s->columns, marks, err));
    for (size_t j = 0; j < s->columns; j++)
        if (marks[j] && s->role[j] != LS_ROLE_UNUSED) s->role[j] = LS_ROLE_CATEGORY;
    if (s->target != LS_NO_COLUMN) s->role[s->target] = LS_ROLE_TARGET;
    return LS_OK;
}

/* Numbers the used columns in the order of the file. */
static void number_used(ls_selection *s)
{
    s->used = 0;
    for (size_t j = 0; j < s->columns; j++)
        if (ls_is_feature(s->role[j])) s->index[j] = s->used++;
    s->complete = s->used + (s->target != LS_NO_COLUMN) == s->columns;
}

/* ---- What a model or training data expect ---------------------------------------------------- */

static const char *expected_name(const ls_expected_rows *e, size_t i)
{
    return e->column ? e->column[i].name : e->feature_names ? e->feature_names[i] : NULL;
}

static ls_role expected_role(const ls_expected_rows *e, size_t i)
{
    return e->column && e->column[i].categorical ? LS_ROLE_CATEGORY : LS_ROLE_NUMBER;
}

static bool has_names(const ls_expected_rows *e, const char *const *header, size_t columns)
{
    for (size_t i = 0; i < e->features; i++) {
        const char *name = expected_name(e, i);
        if (!name || find_name(name, header, columns) == LS_NO_COLUMN) return false;
    }
    return header != NULL;
}

/* Whether the used columns are the expected ones, in their order. */
static bool same_names(const ls_expected_rows *e, const char *const *header, const ls_selection *s)
{
    if (!header || s->used != e->features) return false;
    for (size_t j = 0; j < s->columns; j++) {
        bool used = ls_is_feature(s->role[j]);
        const char *name = used ? expected_name(e, s->index[j]) : header[j];
        if (!name || strcmp(name, header[j]) != 0) return false;
    }
    return true;
}

/* Uses column j of the file as expected column i. */
static void use_column(const ls_expected_rows *e, ls_selection *s, size_t i, size_t j)
{
    if (s->target == j) s->target = LS_NO_COLUMN;
    s->role[j] = expected_role(e, i);
    s->index[j] = i;
}

static ls_status wrong_width(const ls_expected_rows *e, const char *path, const ls_selection *s,
                             ls_error *err)
{
    size_t features = s->target == LS_NO_COLUMN ? s->columns : s->columns - 1;
    return ls_fail(
        err, LS_ERR_DATA,
        "%s: has %zu columns, so %zu features beside the class, but %zu are expected; give %zu columns, or %zu "
        "without classes",
        path, s->columns, features, e->features, e->features + 1, e->features);
}

/* Whether the file is as wide as the one that the expected columns came from, with or without its
 * class column. */
static bool same_file(const ls_expected_rows *e, const ls_selection *s)
{
    return e->column && (s->columns == e->source->columns ||
                         (s->columns + 1 == e->source->columns && e->target < e->source->columns));
}

static ls_status match(const ls_expected_rows *e, const char *path, const char *const *header,
                       ls_selection *s, ls_error *err)
{
    bool named = !same_names(e, header, s) && has_names(e, header, s->columns);
    if (!named && s->used != e->features && !same_file(e, s)) return wrong_width(e, path, s, err);
    bool in_order = !named && s->used == e->features;
    for (size_t j = 0; in_order && j < s->columns; j++)
        if (ls_is_feature(s->role[j])) s->role[j] = expected_role(e, s->index[j]);
    if (in_order) return LS_OK;
    for (size_t j = 0; j < s->columns; j++) s->role[j] = LS_ROLE_UNUSED;
    bool without_class = !named && s->columns < e->source->columns;
    if (without_class) s->target = LS_NO_COLUMN;
    for (size_t i = 0; i < e->features; i++) {
        size_t place = named ? find_name(expected_name(e, i), header, s->columns)
                             : e->column[i].place;
        if (without_class && place > e->target) place--;
        if (place >= s->columns || s->role[place] != LS_ROLE_UNUSED)
            return wrong_width(e, path, s, err);
        use_column(e, s, i, place);
    }
    if (s->target != LS_NO_COLUMN) s->role[s->target] = LS_ROLE_TARGET;
    s->used = e->features;
    return LS_OK;
}

ls_status ls_mark_columns(const char *path, const char *option, const char *list,
                          const char *const *header, size_t columns, bool *marks, ls_error *err)
{
    return mark(path, option, list, header, columns, marks, err);
}

/* ---- Selecting ------------------------------------------------------------------------------- */

ls_status ls_select(const ls_read_request *request, const char *path, const char *const *header,
                    size_t columns, size_t target, ls_selection *s, ls_error *err)
{
    bool *marks = NULL;
    assert(columns > 0 && (target < columns || target == LS_NO_COLUMN));
    *s = (ls_selection){.columns = columns, .target = target};
    LS_TRY(ls_alloc(&s->role, columns, sizeof *s->role, "the columns", err));
    LS_TRY(ls_alloc(&s->index, columns, sizeof *s->index, "the columns", err));
    LS_TRY(ls_alloc(&marks, columns, sizeof *marks, "the columns", err));
    ls_status status = apply_options(request, path, header, s, marks, err);
    free(marks);
    LS_TRY(status);
    number_used(s);
    if (request->expected.features) return match(&request->expected, path, header, s, err);
    return s->used ? LS_OK
                   : ls_fail(err, LS_ERR_ARGUMENT,
                             "%s: --columns and --drop leave no column beside the class", path);
}

void ls_selection_free(ls_selection *s)
{
    free(s->role);
    free(s->index);
    *s = (ls_selection){0};
}
