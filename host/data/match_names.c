/* SPDX-License-Identifier: MIT */
#include "host/data/match_names.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/data/value.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 6 /* names of a list in a message */ };

/* ---- Whether names count --------------------------------------------------------------------- */

/* The number of a name that a column without a header gets, x1, x2, ...; 0 for other names. */
static uint64_t default_number(const char *name)
{
    uint64_t number = 0;
    return name[0] == 'x' && name[1] != '0' && ls_parse_u64(name + 1, &number) ? number : 0;
}

ls_status ls_names_compare(const ls_expected_rows *e, const ls_file_columns *f, bool *out,
                           ls_error *err)
{
    bool *seen;
    size_t defaults = 0, found = 0;
    *out = f->name != NULL;
    if (!f->name || e->source->header) return LS_OK;
    LS_TRY(ls_alloc(&seen, e->features + 1, sizeof *seen, "the columns", err));
    for (size_t j = 0; j < f->count; j++) {
        uint64_t number = default_number(f->name[j]);
        defaults += number > 0;
        if (number > e->features) continue;
        found += number > 0 && !seen[number];
        seen[number] = true;
    }
    free(seen);
    *out = found == e->features && defaults == e->features;
    return LS_OK;
}

/* ---- Features -------------------------------------------------------------------------------- */

static void add_name(ls_text *text, const char *name, size_t i)
{
    if (i < SHOWN) ls_text_add(text, "%s\"%s\"", i ? ", " : "", ls_excerpt_of(name).text);
    else if (i == SHOWN) ls_text_add(text, ", ...");
}

/* The error of a header that lacks expected columns: those found nowhere. */
static ls_status lacks(const ls_expected_rows *e, const ls_file_columns *f, const ls_found *at,
                       ls_error *err)
{
    ls_text missing = {0}, expected = {0}, found = {0};
    size_t count = 0;
    bool other_case = false;
    for (size_t i = 0; i < e->features; i++) {
        const char *name = ls_expected_name(e, i);
        add_name(&expected, name, i);
        if (at->feature[i] != LS_NO_COLUMN) continue;
        add_name(&missing, name, count++);
        for (size_t j = 0; count <= SHOWN && j < f->count; j++)
            other_case |= !ls_ascii_casecmp(f->name[j], name);
    }
    for (size_t j = 0; j < f->count; j++) add_name(&found, f->name[j], j);
    bool failed = missing.failed || expected.failed || found.failed, all = count == e->features;
    ls_status status =
        failed
            ? ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its names", f->path)
            : ls_fail(err, LS_ERR_DATA,
                      "%s: its header lacks %s (expected columns: %s; columns of the file: %s%s); "
                      "rename the columns, or give --header no if the first line is a row",
                      f->path, all ? "all expected columns" : missing.text, expected.text,
                      found.text, other_case ? "; upper and lower case differ" : "");
    free(missing.text);
    free(expected.text);
    free(found.text);
    return status;
}

/* Whether the file has the same names in the same places as the training file, as far as those are
 * known. without: the training file without its targets. */
static bool same_header(const ls_expected_rows *e, const ls_file_columns *f, bool without)
{
    if (f->count != ls_expected_width(e) - (without ? e->targets : 0)) return false;
    for (size_t i = 0; i < e->features; i++) {
        size_t place = ls_expected_place(e, i);
        if (without) place -= ls_expected_targets_before(e, place);
        if (place >= f->count || !ls_same_name(f->name[place], ls_expected_name(e, i)))
            return false;
    }
    for (size_t k = 0; k < e->targets && !without; k++) {
        size_t place = e->target[k].place;
        if (place < f->count && e->target[k].name &&
            !ls_same_name(f->name[place], e->target[k].name))
            return false;
    }
    return true;
}

/* Columns of one name can only be told apart by their places. */
static ls_status find_twins(const ls_expected_rows *e, const ls_file_columns *f, size_t i,
                            ls_found *out, ls_error *err)
{
    const char *name = ls_expected_name(e, i);
    bool whole = same_header(e, f, false);
    if (!whole && !(ls_expected_knows_targets(e) && same_header(e, f, true))) {
        size_t first = ls_column_named(f, name, 0), second = ls_column_named(f, name, first + 1);
        if (second == LS_NO_COLUMN)
            return ls_fail(err, LS_ERR_DATA,
                           "%s: has one column \"%s\", but the training file had several of that "
                           "name; give the file the header of the training file",
                           f->path, ls_excerpt_of(name).text);
        return ls_fail(
            err, LS_ERR_DATA,
            "%s: columns %zu and %zu (from 0) are both named \"%s\"; rename them, or give the file the "
            "header of the training file",
            f->path, first, second, ls_excerpt_of(name).text);
    }
    for (size_t k = 0; k < e->features; k++) {
        size_t place = ls_expected_place(e, k);
        out->feature[k] = whole ? place : place - ls_expected_targets_before(e, place);
    }
    return LS_OK;
}

typedef struct {
    const char *name;
    size_t column;
} named_column;

static int by_name(const void *a, const void *b)
{
    const named_column *left = a, *right = b;
    int order = ls_compare_names(left->name, right->name);
    return order ? order : (left->column > right->column) - (left->column < right->column);
}

/* Number of the columns of that name, of a sorted list, and the first of them. */
static size_t find_columns(const named_column *sorted, size_t count, const char *name,
                           size_t *column)
{
    size_t low = 0, high = count, n = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ls_compare_names(sorted[middle].name, name) < 0) low = middle + 1;
        else high = middle;
    }
    while (low + n < count && !ls_compare_names(sorted[low + n].name, name)) n++;
    *column = n ? sorted[low].column : LS_NO_COLUMN;
    return n;
}

/* taken[columns]: all false. */
static ls_status find_sorted(const ls_expected_rows *e, const ls_file_columns *f,
                             const named_column *sorted, bool *taken, ls_found *out, ls_error *err)
{
    size_t twin = LS_NO_COLUMN;
    bool lacking = false;
    for (size_t i = 0; i < e->features; i++) {
        size_t count = find_columns(sorted, f->count, ls_expected_name(e, i), &out->feature[i]);
        lacking |= count == 0;
        if (count == 0) continue;
        if (count > 1 || taken[out->feature[i]]) twin = i;
        taken[out->feature[i]] = true;
    }
    if (lacking) return lacks(e, f, out, err);
    return twin == LS_NO_COLUMN ? LS_OK : find_twins(e, f, twin, out, err);
}

static ls_status find_features(const ls_expected_rows *e, const ls_file_columns *f, ls_found *out,
                               ls_error *err)
{
    named_column *sorted;
    bool *taken = NULL;
    LS_TRY(ls_alloc(&sorted, f->count, sizeof *sorted, "the names of columns", err));
    ls_status status = ls_alloc(&taken, f->count, sizeof *taken, "the names of columns", err);
    if (status == LS_OK) {
        for (size_t j = 0; j < f->count; j++) sorted[j] = (named_column){f->name[j], j};
        qsort(sorted, f->count, sizeof *sorted, by_name);
        status = find_sorted(e, f, sorted, taken, out, err);
    }
    free(sorted);
    free(taken);
    return status;
}

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_feature(const ls_expected_rows *e, const ls_found *out, size_t column)
{
    for (size_t i = 0; i < e->features; i++)
        if (out->feature[i] == column) return true;
    return false;
}

static ls_status given_targets(const ls_read_request *r, const ls_file_columns *f, ls_found *out,
                               ls_error *err)
{
    const ls_expected_rows *e = &r->expected;
    size_t *list, count;
    LS_TRY(ls_alloc(&list, f->count, sizeof *list, "the targets", err));
    ls_status status = ls_column_list(f, "target", r->target, list, &count, err);
    if (status == LS_OK && count != e->targets)
        status = ls_fail(err, LS_ERR_ARGUMENT,
                         "%s: --target names %zu columns, but %zu are expected", f->path, count,
                         e->targets);
    for (size_t k = 0; k < count && status == LS_OK; k++) {
        if (is_feature(e, out, list[k]))
            status = ls_fail(err, LS_ERR_ARGUMENT,
                             "%s: --target names column \"%s\", which is an input of the model",
                             f->path, ls_excerpt_of(f->name[list[k]]).text);
        else out->target[k] = list[k];
    }
    if (status == LS_OK) out->targets = count;
    free(list);
    return status;
}

/* The column of a target's name beside the features; LS_NO_COLUMN if there is none. */
static ls_status target_named(const ls_expected_rows *e, const ls_file_columns *f, const char *name,
                              const ls_found *out, size_t *column, ls_error *err)
{
    size_t found = LS_NO_COLUMN;
    for (size_t j = 0; j < f->count; j++) {
        if (!ls_same_name(f->name[j], name) || is_feature(e, out, j)) continue;
        if (found != LS_NO_COLUMN)
            return ls_fail(err, LS_ERR_DATA,
                           "%s: columns %zu and %zu (from 0) are both named \"%s\"; say with "
                           "--target INDEX which one is the %s",
                           f->path, found, j, ls_excerpt_of(name).text,
                           e->task == LS_TASK_CLASSIFICATION ? "class" : "target");
        found = j;
    }
    *column = found;
    return LS_OK;
}

static ls_status targets_by_name(const ls_expected_rows *e, const ls_file_columns *f, ls_found *out,
                                 ls_error *err)
{
    for (size_t k = 0; k < e->targets; k++) {
        /* files of older versions do not have the name, which is then the usual one */
        const char *name = e->target[k].name ? e->target[k].name : "class";
        LS_TRY(target_named(e, f, name, out, &out->target[k], err));
        if (out->target[k] == LS_NO_COLUMN) return LS_OK;
    }
    out->targets = e->targets;
    return LS_OK;
}

/* Takes the columns at the places of the targets if all features are in theirs, too. */
static void targets_by_place(const ls_expected_rows *e, const ls_file_columns *f, ls_found *out)
{
    if (!ls_expected_knows_targets(e) || f->count != ls_expected_width(e)) return;
    for (size_t i = 0; i < e->features; i++)
        if (out->feature[i] != ls_expected_place(e, i)) return;
    for (size_t k = 0; k < e->targets; k++) out->target[k] = e->target[k].place;
    out->targets = e->targets;
    snprintf(out->note, sizeof out->note,
             "the training rows had no names of columns, so the %s %s taken from column %zu (from "
             "0, %s) (--target)",
             ls_expected_noun(e), e->targets > 1 ? "are" : "is", out->target[0],
             ls_excerpt_of(f->name[out->target[0]]).text);
}

/* Says which of the targets, which are looked for by their names, a header lacks. */
static ls_status tell_absence(const ls_expected_rows *e, const ls_file_columns *f, ls_found *out,
                              ls_error *err)
{
    ls_text wanted = {0}, found = {0};
    for (size_t k = 0, n = 0; k < e->targets; k++)
        if (e->target[k].name && ls_column_named(f, e->target[k].name, 0) == LS_NO_COLUMN)
            add_name(&wanted, e->target[k].name, n++);
    for (size_t j = 0; j < f->count; j++) add_name(&found, f->name[j], j);
    ls_status status = wanted.failed || found.failed
                           ? ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for its names", f->path)
                           : LS_OK;
    if (status == LS_OK && wanted.text)
        snprintf(out->absent, sizeof out->absent, "no column %s (columns of the file: %s)",
                 wanted.text, found.text);
    free(wanted.text);
    free(found.text);
    return status;
}

/* If neither the name nor the place of the class is known, it is the last column, told. */
static void target_by_order(const ls_expected_rows *e, const ls_file_columns *f, ls_found *out)
{
    size_t last = f->count - 1;
    if (e->targets != 1 || is_feature(e, out, last)) return;
    out->target[0] = last;
    out->targets = 1;
    snprintf(out->note, sizeof out->note, "the %s is taken from the last column, \"%s\" (--target)",
             ls_expected_noun(e), ls_excerpt_of(f->name[last]).text);
}

ls_status ls_match_names(const ls_read_request *r, const ls_file_columns *f, bool apart,
                         ls_found *out, ls_error *err)
{
    const ls_expected_rows *e = &r->expected;
    LS_TRY(find_features(e, f, out, err));
    if (apart || r->no_target) return LS_OK;
    if (r->target) return given_targets(r, f, out, err);
    LS_TRY(targets_by_name(e, f, out, err));
    if (out->targets) return LS_OK;
    if (e->source->header && e->target->name) return tell_absence(e, f, out, err);
    targets_by_place(e, f, out);
    if (!out->targets && !ls_expected_knows_targets(e)) target_by_order(e, f, out);
    return LS_OK;
}
