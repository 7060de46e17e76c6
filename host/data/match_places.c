/* SPDX-License-Identifier: MIT */
#include "host/data/match_places.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdlib.h>
#include <string.h>

/* What the columns of a file can be. LAST and WHOLE_LAST: if it is not known where the targets were
 * in the training file, they come last. */
typedef enum { WHOLE, WITHOUT_TARGETS, USED, USED_TARGETS, LAST, WHOLE_LAST, WAYS } way;

static const char *const way_columns[WAYS] = {
    [WHOLE] = "the columns of the training file",
    [WITHOUT_TARGETS] = "the columns of the training file without the ",
    [USED] = "the columns that are used",
    [USED_TARGETS] = "the columns that are used and the ",
    [LAST] = "the columns that are used and the ",
    [WHOLE_LAST] = "the columns of the training file and the "};

typedef struct {
    const ls_expected_rows *e;
    bool known;   /* where the targets were */
    bool sorted;  /* the used columns are in the order of the training file */
    bool without; /* no targets are among the columns that are looked at */
    bool apart;
    bool fewer; /* --columns or --drop have left columns out */
} setting;

/* ---- Ways ------------------------------------------------------------------------------------ */

/* Number of columns that a way needs; 0 if it is out of the question. */
static size_t width_of(const setting *s, way w)
{
    const ls_expected_rows *e = s->e;
    size_t whole = ls_expected_width(e), used = e->features, targets = e->targets;
    switch (w) {
    case WHOLE: return s->without && s->known && !s->apart ? 0 : whole;
    case WITHOUT_TARGETS: return s->known && whole > targets ? whole - targets : 0;
    case USED: return used;
    case USED_TARGETS: return s->known && s->sorted && !s->without ? used + targets : 0;
    case LAST: return s->known || s->without ? 0 : used + targets;
    case WHOLE_LAST: return s->known || s->without || whole == used ? 0 : whole + targets;
    default: return 0;
    }
}

static size_t feature_in(const setting *s, way w, size_t i)
{
    const ls_expected_rows *e = s->e;
    size_t place = ls_expected_place(e, i);
    switch (w) {
    case WITHOUT_TARGETS: return place - ls_expected_targets_before(e, place);
    case USED:
    case LAST: return i;
    case USED_TARGETS: return i + ls_expected_targets_before(e, place);
    default: return place;
    }
}

/* Place of target k; LS_NO_COLUMN if the way has no targets. */
static size_t target_in(const setting *s, way w, size_t k)
{
    const ls_expected_rows *e = s->e;
    size_t place = e->target[k].place, before = 0;
    if (s->without) return LS_NO_COLUMN;
    switch (w) {
    case WHOLE: return s->known ? place : LS_NO_COLUMN;
    case USED_TARGETS:
        for (size_t i = 0; i < e->features; i++) before += ls_expected_place(e, i) < place;
        return before + ls_expected_targets_before(e, place);
    case LAST: return e->features + k;
    case WHOLE_LAST: return ls_expected_width(e) + k;
    default: return LS_NO_COLUMN;
    }
}

/* The word after way_columns[w]. */
static const char *way_noun(const setting *s, way w)
{
    return w == WHOLE || w == USED ? "" : ls_expected_noun(s->e);
}

/* Whether two ways read the same. */
static bool same_way(const setting *s, way a, way b, bool no_target)
{
    for (size_t i = 0; i < s->e->features; i++)
        if (feature_in(s, a, i) != feature_in(s, b, i)) return false;
    for (size_t k = 0; k < s->e->targets && !no_target; k++)
        if (target_in(s, a, k) != target_in(s, b, k)) return false;
    return true;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static ls_status no_way(const setting *s, const ls_file_columns *f, size_t columns, ls_error *err)
{
    ls_text text = {0};
    for (way w = 0; w < WAYS; w++) {
        bool listed = width_of(s, w) == 0;
        for (way before = 0; before < w; before++) listed |= width_of(s, before) == width_of(s, w);
        if (!listed)
            ls_text_add(&text, "%s%zu (%s%s)", text.length ? ", or " : "", width_of(s, w),
                        way_columns[w], way_noun(s, w));
    }
    ls_status status = ls_fail(
        err, LS_ERR_DATA,
        "%s: has %zu columns%s, but %zu features are expected; without names of columns it must have %s",
        f->path, columns, s->without && !s->apart ? " beside those of --target" : "",
        s->e->features, text.failed ? "as many as the training file" : text.text);
    free(text.text);
    return status;
}

static ls_status two_ways(const setting *s, const ls_file_columns *f, size_t columns, way a, way b,
                          ls_error *err)
{
    return ls_fail(
        err, LS_ERR_DATA,
        "%s: its %zu columns can be %s%s, or %s%s; give it a header with the names of the training file, "
        "say with --target which column is the %s, or leave out with --drop what is not used",
        f->path, columns, way_columns[a], way_noun(s, a), way_columns[b], way_noun(s, b),
        s->e->task == LS_TASK_CLASSIFICATION ? "class" : "target");
}

/* The way to read a number of columns. */
static ls_status choose_way(const setting *s, const ls_file_columns *f, size_t columns,
                            bool no_target, way *out, ls_error *err)
{
    bool used_alone = false;
    *out = WAYS;
    for (way w = 0; s->fewer && w < WAYS; w++)
        used_alone |= (w == USED || w == USED_TARGETS || w == LAST) && width_of(s, w) == columns;
    for (way w = 0; w < WAYS; w++) {
        if (width_of(s, w) != columns) continue;
        if (used_alone && w != USED && w != USED_TARGETS && w != LAST) continue;
        if (*out != WAYS && !same_way(s, *out, w, no_target))
            return two_ways(s, f, columns, *out, w, err);
        if (*out == WAYS) *out = w;
    }
    return *out == WAYS ? no_way(s, f, columns, err) : LS_OK;
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* Whether --target gives the names of the expected targets, which says nothing new of a file
 * without names. */
static bool says_known_names(const ls_expected_rows *e, const char *text)
{
    for (size_t k = 0; k < e->targets; k++) {
        size_t length = e->target[k].name ? strlen(e->target[k].name) : 0;
        if (!length || strncmp(text, e->target[k].name, length)) return false;
        text += length;
        if (k + 1 < e->targets && *text++ != ',') return false;
    }
    return !*text;
}

/* The columns that --target names. *count is 0 if it is not given. */
static ls_status targets_given(const ls_read_request *r, const ls_file_columns *f, size_t *out,
                               size_t *count, ls_error *err)
{
    const ls_expected_rows *e = &r->expected;
    *count = 0;
    if (!r->target || (!f->name && says_known_names(e, r->target))) return LS_OK;
    LS_TRY(ls_column_list(f, "target", r->target, out, count, err));
    return r->no_target || *count == e->targets
               ? LS_OK
               : ls_fail(err, LS_ERR_ARGUMENT,
                         "%s: --target names %zu columns, but %zu are expected", f->path, *count,
                         e->targets);
}

static void add_note(const ls_read_request *r, const ls_file_columns *f, way w, ls_found *out)
{
    const ls_source *source = r->expected.source;
    if (f->name)
        snprintf(out->note, sizeof out->note,
                 "columns are taken by their place, not by their names: the training rows had no "
                 "names of columns");
    else if (source->header)
        snprintf(out->note, sizeof out->note,
                 "there is no header, so columns are taken in the order of the training file "
                 "(--header)");
    else if (w == LAST && !r->no_target && source->columns > 0)
        snprintf(out->note, sizeof out->note, "the %s %s taken from the last column%s (--target)",
                 ls_expected_noun(&r->expected), r->expected.targets > 1 ? "are" : "is",
                 r->expected.targets > 1 ? "s" : "");
}

/* Columns of the file that are looked at: those that are kept, without those of --target. */
static size_t remaining(const ls_file_columns *f, const bool *kept, const size_t *given,
                        size_t count, size_t *out)
{
    size_t n = 0;
    for (size_t j = 0; j < f->count; j++) {
        bool looked_at = kept[j];
        for (size_t k = 0; k < count; k++) looked_at &= given[k] != j;
        if (looked_at) out[n++] = j;
    }
    return n;
}

/* list, given: room for the columns of the file. */
static ls_status match(const ls_read_request *r, const ls_file_columns *f, setting *s,
                       const bool *kept, size_t *list, size_t *given, ls_found *out, ls_error *err)
{
    size_t count;
    way w;
    LS_TRY(targets_given(r, f, given, &count, err));
    s->without = s->apart || count > 0;
    size_t n = remaining(f, kept, given, count, list);
    LS_TRY(choose_way(s, f, n, r->no_target, &w, err));
    for (size_t i = 0; i < s->e->features; i++) {
        size_t at = feature_in(s, w, i);
        if (at >= n) return no_way(s, f, n, err);
        out->feature[i] = list[at];
    }
    for (size_t k = 0; k < s->e->targets && !r->no_target; k++) {
        size_t at = count ? 0 : target_in(s, w, k);
        if (at == LS_NO_COLUMN) break;
        if (at >= n) return no_way(s, f, n, err);
        out->target[k] = count ? given[k] : list[at];
        out->targets = k + 1;
    }
    add_note(r, f, w, out);
    return LS_OK;
}

ls_status ls_match_places(const ls_read_request *r, const ls_file_columns *f, bool apart,
                          const bool *kept, ls_found *out, ls_error *err)
{
    size_t *list;
    const ls_expected_rows *e = &r->expected;
    setting s = {.e = e,
                 .known = ls_expected_knows_targets(e),
                 .sorted = true,
                 .apart = apart,
                 .fewer = r->columns || r->drop};
    for (size_t i = 1; i < e->features && s.sorted; i++)
        s.sorted = ls_expected_place(e, i - 1) < ls_expected_place(e, i);
    LS_TRY(ls_alloc(&list, f->count, 2 * sizeof *list, "the columns", err));
    ls_status status = match(r, f, &s, kept, list, list + f->count, out, err);
    free(list);
    return status;
}
