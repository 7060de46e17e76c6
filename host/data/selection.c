/* SPDX-License-Identifier: MIT */
/* Which columns of a file are used, and for what. */
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/read.h"

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

/* Marks the columns of a list, by name or else by index. */
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

/* What the options say of each column: not used, to be looked at, or a category. */
static ls_status apply_options(const ls_layout *l, const char *path, const char *const *header,
                               ls_selection *s, bool *marks, ls_error *err)
{
    for (size_t j = 0; j < s->columns; j++)
        s->use[j] = l->numbers_only ? LS_USE_NUMBER : LS_USE_LOOK;
    if (l->columns) {
        LS_TRY(mark(path, "columns", l->columns, header, s->columns, marks, err));
        for (size_t j = 0; j < s->columns; j++)
            if (!marks[j]) s->use[j] = LS_USE_NOT;
        memset(marks, 0, s->columns * sizeof *marks);
    }
    if (l->drop) {
        LS_TRY(mark(path, "drop", l->drop, header, s->columns, marks, err));
        if (s->target != LS_NO_COLUMN && marks[s->target])
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "%s: --drop names the class column; say with --target which one that is",
                           path);
        for (size_t j = 0; j < s->columns; j++)
            if (marks[j]) s->use[j] = LS_USE_NOT;
        memset(marks, 0, s->columns * sizeof *marks);
    }
    if (l->categorical)
        LS_TRY(mark(path, "categorical", l->categorical, header, s->columns, marks, err));
    for (size_t j = 0; j < s->columns; j++)
        if (marks[j] && s->use[j] != LS_USE_NOT) s->use[j] = LS_USE_CATEGORY;
    if (s->target != LS_NO_COLUMN) s->use[s->target] = LS_USE_TARGET;
    return LS_OK;
}

/* Numbers the used columns in their order. */
static void number_used(ls_selection *s)
{
    s->used = 0;
    for (size_t j = 0; j < s->columns; j++)
        if (s->use[j] != LS_USE_NOT && s->use[j] != LS_USE_TARGET) s->to[j] = s->used++;
    s->whole = s->used + (s->target != LS_NO_COLUMN) == s->columns;
}

/* ---- What a model or training data expect ---------------------------------------------------- */

static const char *expected_name(const ls_layout *l, size_t i)
{
    return l->column ? l->column[i].name : l->names ? l->names[i] : NULL;
}

static ls_use expected_use(const ls_layout *l, size_t i)
{
    return l->column && l->column[i].categorical ? LS_USE_CATEGORY : LS_USE_NUMBER;
}

static bool has_names(const ls_layout *l, const char *const *header, size_t columns)
{
    for (size_t i = 0; i < l->features; i++) {
        const char *name = expected_name(l, i);
        if (!name || find_name(name, header, columns) == LS_NO_COLUMN) return false;
    }
    return header != NULL;
}

/* Whether the used columns are the expected ones, in their order. */
static bool same_names(const ls_layout *l, const char *const *header, const ls_selection *s)
{
    if (!header || s->used != l->features) return false;
    for (size_t j = 0; j < s->columns; j++) {
        bool used = s->use[j] != LS_USE_NOT && s->use[j] != LS_USE_TARGET;
        const char *name = used ? expected_name(l, s->to[j]) : header[j];
        if (!name || strcmp(name, header[j]) != 0) return false;
    }
    return true;
}

/* Takes expected column i from the file's column j. */
static void take(const ls_layout *l, ls_selection *s, size_t i, size_t j)
{
    if (s->target == j) s->target = LS_NO_COLUMN;
    s->use[j] = expected_use(l, i);
    s->to[j] = i;
}

static ls_status wrong_width(const ls_layout *l, const char *path, const ls_selection *s,
                             ls_error *err)
{
    size_t features = s->target == LS_NO_COLUMN ? s->columns : s->columns - 1;
    return ls_fail(
        err, LS_ERR_DATA,
        "%s: has %zu columns, so %zu features beside the class, but %zu are expected; give %zu columns, or %zu "
        "without classes",
        path, s->columns, features, l->features, l->features + 1, l->features);
}

/* The file's own width again, of which some columns were used; perhaps without the class. */
static bool same_file(const ls_layout *l, const ls_selection *s)
{
    return l->column && (s->columns == l->file_columns ||
                         (s->columns + 1 == l->file_columns && l->file_target < l->file_columns));
}

static ls_status match(const ls_layout *l, const char *path, const char *const *header,
                       ls_selection *s, ls_error *err)
{
    bool named = !same_names(l, header, s) && has_names(l, header, s->columns);
    if (!named && s->used != l->features && !same_file(l, s)) return wrong_width(l, path, s, err);
    bool in_order = !named && s->used == l->features;
    for (size_t j = 0; in_order && j < s->columns; j++)
        if (s->use[j] != LS_USE_NOT && s->use[j] != LS_USE_TARGET)
            s->use[j] = expected_use(l, s->to[j]);
    if (in_order) return LS_OK;
    for (size_t j = 0; j < s->columns; j++) s->use[j] = LS_USE_NOT;
    if (!named && s->columns < l->file_columns) s->target = LS_NO_COLUMN;
    for (size_t i = 0; i < l->features; i++) {
        size_t place = named ? find_name(expected_name(l, i), header, s->columns)
                             : l->column[i].place;
        if (!named && s->columns < l->file_columns && place > l->file_target) place--;
        if (place >= s->columns || s->use[place] != LS_USE_NOT) return wrong_width(l, path, s, err);
        take(l, s, i, place);
    }
    if (s->target != LS_NO_COLUMN) s->use[s->target] = LS_USE_TARGET;
    s->used = l->features;
    return LS_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

ls_status ls_select(const ls_layout *l, const char *path, const char *const *header, size_t columns,
                    size_t target, ls_selection *s, ls_error *err)
{
    bool *marks = NULL;
    *s = (ls_selection){.columns = columns, .target = target};
    LS_TRY(ls_alloc(&s->use, columns, sizeof *s->use, "the columns", err));
    LS_TRY(ls_alloc(&s->to, columns, sizeof *s->to, "the columns", err));
    LS_TRY(ls_alloc(&marks, columns, sizeof *marks, "the columns", err));
    ls_status status = apply_options(l, path, header, s, marks, err);
    free(marks);
    LS_TRY(status);
    number_used(s);
    if (l->features) return match(l, path, header, s, err);
    return s->used ? LS_OK
                   : ls_fail(err, LS_ERR_ARGUMENT,
                             "%s: --columns and --drop leave no column beside the class", path);
}

void ls_selection_free(ls_selection *s)
{
    free(s->use);
    free(s->to);
    *s = (ls_selection){0};
}
