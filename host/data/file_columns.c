/* SPDX-License-Identifier: MIT */
#include "host/data/file_columns.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/value.h"

#include <stdlib.h>
#include <string.h>

/* ---- Names ----------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Length of a text without the blanks at its end. */
static size_t length_of(const char *text, size_t length)
{
    while (length && is_blank(text[length - 1])) length--;
    return length;
}

static bool same_text(const char *name, const char *text, size_t length)
{
    while (is_blank(*name)) name++;
    while (length && is_blank(*text)) text++, length--;
    length = length_of(text, length);
    return length_of(name, strlen(name)) == length && !memcmp(name, text, length);
}

bool ls_same_name(const char *a, const char *b) { return same_text(a, b, strlen(b)); }

int ls_compare_names(const char *a, const char *b)
{
    a += strspn(a, " \t");
    b += strspn(b, " \t");
    size_t left = length_of(a, strlen(a)), right = length_of(b, strlen(b));
    int order = memcmp(a, b, left < right ? left : right);
    return order ? order : (left > right) - (left < right);
}

static size_t named(const ls_file_columns *f, const char *text, size_t length, size_t start)
{
    for (size_t j = start; f->name && j < f->count; j++)
        if (same_text(f->name[j], text, length)) return j;
    return LS_NO_COLUMN;
}

size_t ls_column_named(const ls_file_columns *f, const char *name, size_t start)
{
    return named(f, name, strlen(name), start);
}

/* ---- Options --------------------------------------------------------------------------------- */

static ls_status no_such_column(const ls_file_columns *f, const char *option, const char *wanted,
                                ls_error *err)
{
    uint64_t index;
    const char *near = f->name ? ls_nearest(wanted, f->name, f->count) : NULL;
    if (ls_parse_u64(wanted, &index))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: --%s: there is no column \"%s\"; indices are from 0 to %zu", f->path,
                       option, ls_excerpt_of(wanted).text, f->count - 1);
    if (!f->name)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: --%s: the file has no header, so there is no column \"%s\"; give "
                       "indices, 0 to %zu",
                       f->path, option, ls_excerpt_of(wanted).text, f->count - 1);
    if (near)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: --%s: there is no column \"%s\"; did you mean \"%s\"?", f->path, option,
                       ls_excerpt_of(wanted).text, ls_excerpt_of(near).text);
    return ls_fail(err, LS_ERR_ARGUMENT,
                   "%s: --%s: there is no column \"%s\"; give names from its first line, or "
                   "indices, 0 to %zu (the last column is \"%s\")",
                   f->path, option, ls_excerpt_of(wanted).text, f->count - 1,
                   ls_excerpt_of(f->name[f->count - 1]).text);
}

/* The column of that name, which must be the only one; LS_NO_COLUMN if there is none. */
static ls_status find_name(const ls_file_columns *f, const char *option, const char *text,
                           size_t length, size_t *out, ls_error *err)
{
    size_t first = named(f, text, length, 0),
           second = first == LS_NO_COLUMN ? first : named(f, text, length, first + 1);
    *out = first;
    return second == LS_NO_COLUMN
               ? LS_OK
               : ls_fail(
                     err, LS_ERR_ARGUMENT,
                     "%s: --%s: columns %zu and %zu (from 0) are both named \"%s\"; give the index",
                     f->path, option, first, second, ls_excerpt_of(f->name[first]).text);
}

ls_status ls_column_find(const ls_file_columns *f, const char *option, const char *text,
                         size_t *out, ls_error *err)
{
    uint64_t index;
    LS_TRY(find_name(f, option, text, strlen(text), out, err));
    if (*out == LS_NO_COLUMN && ls_parse_u64(text, &index) && index < f->count)
        *out = (size_t)index;
    return *out == LS_NO_COLUMN ? no_such_column(f, option, text, err) : LS_OK;
}

/* Finds the next piece of a list: the longest one that is a name if names contain commas, else up
 * to the next comma. */
static ls_status next_piece(const ls_file_columns *f, const char *option, const char *list,
                            size_t *column, size_t *length, ls_error *err)
{
    bool commas = false;
    for (size_t j = 0; f->name && j < f->count; j++) commas |= strchr(f->name[j], ',') != NULL;
    *length = strcspn(list, ",");
    for (size_t n = commas ? strlen(list) : 0; n > *length; n--) {
        if (list[n] && list[n] != ',') continue;
        LS_TRY(find_name(f, option, list, n, column, err));
        if (*column == LS_NO_COLUMN) continue;
        *length = n;
        return LS_OK;
    }
    char *piece = ls_strdup(list);
    if (!piece) return ls_fail(err, LS_ERR_MEMORY, "out of memory for --%s", option);
    piece[length_of(piece, *length)] = '\0';
    ls_status status = ls_column_find(f, option, piece + strspn(piece, " \t"), column, err);
    free(piece);
    return status;
}

ls_status ls_column_list(const ls_file_columns *f, const char *option, const char *list,
                         size_t *out, size_t *count, ls_error *err)
{
    for (*count = 0;; list++) {
        size_t column, length;
        LS_TRY(next_piece(f, option, list, &column, &length, err));
        bool listed = false;
        for (size_t i = 0; i < *count; i++) listed |= out[i] == column;
        if (listed && strcmp(option, "target") == 0)
            return ls_fail(err, LS_ERR_ARGUMENT,
                           "%s: --target names column %zu (from 0%s%s) twice; name it once",
                           f->path, column, f->name ? ", " : "",
                           f->name ? ls_excerpt_of(f->name[column]).text : "");
        if (!listed) out[(*count)++] = column;
        list += length;
        if (!*list) return LS_OK;
    }
}

ls_status ls_mark_columns(const ls_file_columns *f, const char *option, const char *list,
                          bool *marks, ls_error *err)
{
    size_t *column, count;
    LS_TRY(ls_alloc(&column, f->count, sizeof *column, "the columns", err));
    memset(marks, 0, f->count * sizeof *marks);
    ls_status status = ls_column_list(f, option, list, column, &count, err);
    for (size_t i = 0; i < count && status == LS_OK; i++) marks[column[i]] = true;
    free(column);
    return status;
}

bool ls_list_has_name(const ls_file_columns *f, const char *list)
{
    bool found = ls_column_named(f, list, 0) != LS_NO_COLUMN &&
                 list[strspn(list, "0123456789")] != '\0';
    for (const char *piece = list; !found; piece++) {
        size_t length = strcspn(piece, ",");
        found = length && strspn(piece, " 0123456789") < length &&
                named(f, piece, length, 0) != LS_NO_COLUMN;
        piece += length;
        if (!*piece) break;
    }
    return found;
}
