/* SPDX-License-Identifier: MIT */
#include "host/data/dictionary.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/names.h"
#include "host/data/value.h"

enum { MOST_CLASSES = 1000 };

typedef struct {
    char *text;
    size_t line, rows; /* line of the first occurrence; number of occurrences */
    bool is_number;
    double value;
    int32_t number; /* provisional */
} entry;

struct ls_dictionary {
    entry *entries;
    size_t count, room;
    size_t most;     /* texts */
    uint32_t *slots; /* hash table of 4 × room: 1 + index in entries, or 0 if free */
};

/* ---- Collecting ------------------------------------------------------------------------------ */

ls_status ls_dictionary_create(size_t most, ls_dictionary **out, ls_error *err)
{
    assert(most < INT32_MAX);
    ls_dictionary *d = NULL;
    LS_TRY(ls_alloc(&d, 1, sizeof *d, "the classes", err));
    d->room = 16;
    d->most = most;
    ls_status status = ls_alloc(&d->entries, d->room, sizeof *d->entries, "the classes", err);
    if (status == LS_OK)
        status = ls_alloc(&d->slots, 4 * d->room, sizeof *d->slots, "the classes", err);
    if (status != LS_OK) {
        ls_dictionary_free(d);
        return status;
    }
    *out = d;
    return LS_OK;
}

void ls_dictionary_free(ls_dictionary *d)
{
    if (!d) return;
    for (size_t i = 0; i < d->count; i++) free(d->entries[i].text);
    free(d->entries);
    free(d->slots);
    free(d);
}

/* FNV-1a (Fowler, Noll, Vo). */
static size_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return (size_t)(h ^ (h >> 32));
}

/* The slot of a text, or the free slot where it belongs. */
static size_t find_slot(const ls_dictionary *d, const char *text)
{
    size_t slots = 4 * d->room, slot = hash(text) % slots;
    while (d->slots[slot] != 0 && strcmp(d->entries[d->slots[slot] - 1].text, text) != 0)
        slot = (slot + 1) % slots;
    return slot;
}

/* Doubles the room; false if memory runs out. */
static bool make_room(ls_dictionary *d)
{
    size_t room = 2 * d->room;
    entry *grown = realloc(d->entries, room * sizeof *grown);
    if (!grown) return false;
    d->entries = grown;
    uint32_t *slots = calloc(4 * room, sizeof *slots);
    if (!slots) return false;
    free(d->slots);
    d->slots = slots;
    d->room = room;
    for (size_t i = 0; i < d->count; i++) slots[find_slot(d, grown[i].text)] = (uint32_t)(i + 1);
    return true;
}

bool ls_dictionary_add(ls_dictionary *d, const char *text, size_t line, int32_t *number)
{
    size_t slot = find_slot(d, text);
    if (d->slots[slot] != 0) {
        entry *known = &d->entries[d->slots[slot] - 1];
        known->rows++;
        *number = known->number;
        return true;
    }
    if (d->count == d->most) return false;
    if (d->count == d->room) {
        if (!make_room(d)) return false;
        slot = find_slot(d, text);
    }
    char *copy = ls_strdup(text);
    if (!copy) return false;
    entry *added = &d->entries[d->count];
    *added = (entry){.text = copy, .line = line, .rows = 1, .number = (int32_t)d->count};
    added->is_number = ls_parse_number(text, &added->value);
    added->value += 0.0; /* -0 and 0 are the same class */
    d->slots[slot] = (uint32_t)++d->count;
    *number = added->number;
    return true;
}

size_t ls_dictionary_count(const ls_dictionary *d) { return d->count; }

const char *ls_dictionary_text(const ls_dictionary *d, size_t i, size_t *rows, size_t *line)
{
    assert(i < d->count);
    if (rows) *rows = d->entries[i].rows;
    if (line) *line = d->entries[i].line;
    return d->entries[i].text;
}

static bool all_numbers(const ls_dictionary *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!d->entries[i].is_number) return false;
    }
    return true;
}

/* ---- Known classes --------------------------------------------------------------------------- */

static ls_status no_names(const char *path, ls_error *err)
{
    return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for class names; use less data", path);
}

static ls_status unknown_class(const entry *unknown, const char *path, const char *column,
                               const char *const *known, size_t count, ls_error *err)
{
    ls_text list = {0};
    for (size_t k = 0; k < count && k < 8; k++) {
        ls_text_add(&list, "%s%s", k ? ", " : "", ls_excerpt_of(known[k]).text);
    }
    if (count > 8) ls_text_add(&list, " and %zu more", count - 8);
    ls_status status =
        ls_fail(err, LS_ERR_DATA,
                "%s, line %zu, column %s: \"%s\" is not a known class; these are: %s", path,
                unknown->line, column, ls_excerpt_of(unknown->text).text,
                list.failed ? "(no memory to list them)" : list.text);
    free(list.text);
    return status;
}

static ls_status map_known(const ls_dictionary *d, const char *path, const char *column,
                           const char *const *known, size_t count, ls_coding *out, ls_error *err)
{
    for (size_t i = 0; i < d->count; i++) {
        size_t k = ls_find_name(d->entries[i].text, known, count, true);
        if (k == count) return unknown_class(&d->entries[i], path, column, known, count, err);
        out->map[i] = (int32_t)k;
    }
    for (size_t k = 0; k < count; k++)
        if (!(out->names[k] = ls_strdup(known[k]))) return no_names(path, err);
    out->count = count;
    return LS_OK;
}

/* ---- Found classes --------------------------------------------------------------------------- */

/* A name while names are sorted: the entries that are spellings of it follow each other in an array
 * sorted by by_key. */
typedef struct {
    char *name;
    double value;
    size_t first, count; /* its entries */
} group;

/* Order in which equal names are neighbours: plain whole numbers by value, then texts by bytes. */
static int by_key(const void *a, const void *b)
{
    const entry *left = a, *right = b;
    ls_whole whole;
    bool plain = ls_plain_whole(left->text, &whole);
    if (plain != ls_plain_whole(right->text, &whole)) return plain ? -1 : 1;
    return plain ? ls_compare_numbers(left->text, left->value, right->text, right->value)
                 : strcmp(left->text, right->text);
}

static int by_value(const void *a, const void *b)
{
    const group *left = a, *right = b;
    return ls_compare_numbers(left->name, left->value, right->name, right->value);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const group *)a)->name, ((const group *)b)->name);
}

/* The only spelling of a name, or the plain one of several. NULL if memory runs out. */
static char *name_of(const entry *spelling, size_t count)
{
    ls_whole whole;
    if (count == 1 || !ls_plain_whole(spelling->text, &whole)) return ls_strdup(spelling->text);
    char *name = malloc(whole.count + 2);
    if (!name) return NULL;
    size_t sign = whole.negative ? 1 : 0;
    name[0] = '-';
    memcpy(name + sign, whole.digits, whole.count);
    name[sign + whole.count] = '\0';
    return name;
}

/* Groups sorted entries. false if memory runs out; the names made so far are in groups. */
static bool group_spellings(const entry *sorted, size_t count, group *groups, size_t *made)
{
    *made = 0;
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && ls_is_one_name(sorted[i].text, sorted[next].text);)
            next++;
        group *one = &groups[*made];
        *one = (group){.value = sorted[i].value, .first = i, .count = next - i};
        if (!(one->name = name_of(&sorted[i], next - i))) return false;
        *made += 1;
    }
    return true;
}

static void number_groups(const entry *sorted, const group *groups, size_t count, ls_coding *out)
{
    for (size_t g = 0; g < count; g++) {
        out->names[g] = groups[g].name;
        for (size_t i = 0; i < groups[g].count; i++)
            out->map[sorted[groups[g].first + i].number] = (int32_t)g;
        if (groups[g].count > 1 && !out->spelling[0].text[0])
            for (size_t i = 0; i < 2; i++)
                out->spelling[i] = ls_excerpt_of(sorted[groups[g].first + i].text);
    }
    out->count = count;
}

size_t ls_dictionary_names(const ls_dictionary *d)
{
    size_t count = d->count, names = 0;
    entry *sorted = NULL;
    if (count == 0 || ls_alloc(&sorted, count, sizeof *sorted, "the classes", NULL) != LS_OK)
        return count;
    memcpy(sorted, d->entries, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 0; i < count; i++)
        names += i == 0 || !ls_is_one_name(sorted[i - 1].text, sorted[i].text);
    free(sorted);
    return names;
}

/* Names and numbers the texts as they were found. */
static ls_status name_found(const ls_dictionary *d, const char *path, ls_coding *out, ls_error *err)
{
    size_t count = d->count, made = 0;
    entry *sorted = NULL;
    group *groups = NULL;
    LS_TRY(ls_alloc(&sorted, count, sizeof *sorted, "the classes", err));
    ls_status status = ls_alloc(&groups, count, sizeof *groups, "the classes", err);
    if (status == LS_OK) {
        memcpy(sorted, d->entries, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_key);
        if (group_spellings(sorted, count, groups, &made)) {
            qsort(groups, made, sizeof *groups, all_numbers(d) ? by_value : by_bytes);
            number_groups(sorted, groups, made, out);
        } else {
            for (size_t g = 0; g < made; g++) free(groups[g].name);
            status = no_names(path, err);
        }
    }
    free(groups);
    free(sorted);
    return status;
}

static ls_status not_classes(const char *path, const char *column, bool numbers, const char *more,
                             size_t count, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA,
                   "%s: the target column %s looks like %s, not a class (%s%zu distinct values); "
                   "name another with --target",
                   path, column, numbers ? "a measurement" : "free text or a key", more, count);
}

ls_status ls_dictionary_too_many(const ls_dictionary *d, const char *path, const char *column,
                                 ls_error *err)
{
    return not_classes(path, column, all_numbers(d), "more than ", d->count, err);
}

static ls_status find_classes(const ls_dictionary *d, const char *path, const char *column,
                              ls_coding *out, ls_error *err)
{
    LS_TRY(name_found(d, path, out, err));
    if (out->count > MOST_CLASSES)
        return not_classes(path, column, all_numbers(d), "", out->count, err);
    return LS_OK;
}

/* ---- Codings --------------------------------------------------------------------------------- */

static ls_status create_coding(const ls_dictionary *d, size_t names, ls_coding *out, ls_error *err)
{
    *out = (ls_coding){0};
    LS_TRY(ls_alloc(&out->map, d->count, sizeof *out->map, "the classes", err));
    return ls_alloc(&out->names, names, sizeof *out->names, "class names", err);
}

/* Frees a coding with room for this number of names, unless status is LS_OK. */
static ls_status keep_or_free(ls_status status, size_t names, ls_coding *coding)
{
    if (status == LS_OK) return LS_OK;
    for (size_t i = 0; coding->names && i < names; i++) free(coding->names[i]);
    free(coding->names);
    free(coding->map);
    *coding = (ls_coding){0};
    return status;
}

ls_status ls_dictionary_classes(const ls_dictionary *d, const char *path, const char *column,
                                const char *const *known, size_t known_count, ls_coding *out,
                                ls_error *err)
{
    size_t names = known ? known_count : d->count;
    ls_status status = create_coding(d, names, out, err);
    if (status == LS_OK)
        status = known ? map_known(d, path, column, known, known_count, out, err)
                       : find_classes(d, path, column, out, err);
    return keep_or_free(status, names, out);
}

ls_status ls_dictionary_categories(const ls_dictionary *d, const char *path, ls_coding *out,
                                   ls_error *err)
{
    ls_status status = create_coding(d, d->count, out, err);
    if (status == LS_OK) status = name_found(d, path, out, err);
    return keep_or_free(status, d->count, out);
}
