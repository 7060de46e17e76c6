/* SPDX-License-Identifier: MIT */
#include "host/data/names.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/csv_parse.h"

#define MOST_CLASSES 1000
#define MOST_FRACTIONAL                                                                            \
    20 /* distinct values of a column of numbers with fractions that may still be classes */
#define MOST_TEXTS 4096 /* above MOST_CLASSES, since 1, 1.0 and 1.00 are one class */

typedef struct {
    char *text;
    size_t line, rows; /* first seen, how often */
    bool is_number;
    double value;
    int32_t number; /* provisional */
} label;

struct ls_csv_labels {
    label *labels;
    size_t count, room;
    uint16_t *slots; /* 4 × room of them: 1 + index in labels, or 0 */
    bool first_dropped;
};

/* ---- Collecting ------------------------------------------------------------------------------ */

ls_status ls_csv_labels_create(ls_csv_labels **out, ls_error *err)
{
    ls_csv_labels *labels = NULL;
    LS_TRY(ls_alloc(&labels, 1, sizeof *labels, "class labels", err));
    labels->room = 16;
    ls_status status = ls_alloc(&labels->labels, labels->room, sizeof *labels->labels,
                                "class labels", err);
    if (status == LS_OK)
        status = ls_alloc(&labels->slots, 4 * labels->room, sizeof *labels->slots, "class labels",
                          err);
    if (status != LS_OK) {
        ls_csv_labels_free(labels);
        return status;
    }
    *out = labels;
    return LS_OK;
}

void ls_csv_labels_free(ls_csv_labels *labels)
{
    if (!labels) return;
    for (size_t i = 0; i < labels->count; i++) free(labels->labels[i].text);
    free(labels->labels);
    free(labels->slots);
    free(labels);
}

/* FNV-1a (Fowler, Noll, Vo). */
static size_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return (size_t)(h ^ (h >> 32));
}

/* The slot of a text, or the free one where it belongs. */
static size_t find_slot(const ls_csv_labels *labels, const char *text)
{
    size_t slots = 4 * labels->room, slot = hash(text) % slots;
    while (labels->slots[slot] != 0 &&
           strcmp(labels->labels[labels->slots[slot] - 1].text, text) != 0)
        slot = (slot + 1) % slots;
    return slot;
}

/* Twice the room; false where there is no memory for it. */
static bool make_room(ls_csv_labels *labels)
{
    size_t room = 2 * labels->room;
    label *grown = realloc(labels->labels, room * sizeof *grown);
    if (!grown) return false;
    labels->labels = grown;
    uint16_t *slots = calloc(4 * room, sizeof *slots);
    if (!slots) return false;
    free(labels->slots);
    labels->slots = slots;
    labels->room = room;
    for (size_t i = 0; i < labels->count; i++)
        slots[find_slot(labels, grown[i].text)] = (uint16_t)(i + 1);
    return true;
}

bool ls_csv_labels_add(ls_csv_labels *labels, const char *text, size_t line, int32_t *number)
{
    size_t slot = find_slot(labels, text);
    if (labels->slots[slot] != 0) {
        label *known = &labels->labels[labels->slots[slot] - 1];
        known->rows++;
        *number = known->number;
        return true;
    }
    if (labels->count == MOST_TEXTS) return false;
    if (labels->count == labels->room) {
        if (!make_room(labels)) return false;
        slot = find_slot(labels, text);
    }
    char *copy = ls_strdup(text);
    if (!copy) return false;
    label *added = &labels->labels[labels->count];
    *added = (label){.text = copy, .line = line, .rows = 1, .number = (int32_t)labels->count};
    added->is_number = ls_csv_number(text, &added->value);
    added->value += 0.0; /* -0 and 0 are one class */
    labels->slots[slot] = (uint16_t)++labels->count;
    *number = added->number;
    return true;
}

static size_t first_label(const ls_csv_labels *labels) { return labels->first_dropped ? 1 : 0; }

static bool all_numbers(const ls_csv_labels *labels)
{
    for (size_t i = first_label(labels); i < labels->count; i++) {
        if (!labels->labels[i].is_number) return false;
    }
    return true;
}

/* ---- Known classes --------------------------------------------------------------------------- */

/* Index of the known class that a label names, or count. 1.0 names the class "1"; a full stop at
 * the end may be one too many, as in published test files. */
static size_t find_known(const label *wanted, const char *const *known, size_t count)
{
    double value;
    for (size_t k = 0; k < count; k++) {
        if (strcmp(wanted->text, known[k]) == 0) return k;
    }
    for (size_t k = 0; k < count && wanted->is_number; k++) {
        if (ls_csv_number(known[k], &value) && value == wanted->value) return k;
    }
    size_t length = strlen(wanted->text);
    for (size_t k = 0; k < count && length > 1 && wanted->text[length - 1] == '.'; k++) {
        if (strlen(known[k]) == length - 1 && strncmp(wanted->text, known[k], length - 1) == 0)
            return k;
    }
    return count;
}

bool ls_csv_labels_first_is_title(const ls_csv_labels *labels, const char *const *known,
                                  size_t count)
{
    if (labels->count < 2 || labels->first_dropped || labels->labels[0].rows != 1) return false;
    for (size_t i = 0; i < labels->count; i++) {
        const label *one = &labels->labels[i];
        bool fits = known ? find_known(one, known, count) < count : one->is_number;
        if (fits == (i == 0)) return false;
    }
    return true;
}

void ls_csv_labels_drop_first(ls_csv_labels *labels) { labels->first_dropped = true; }

static ls_status unknown_class(const label *unknown, const char *path, const char *column,
                               const char *const *known, size_t count, ls_error *err)
{
    ls_text list = {0};
    for (size_t k = 0; k < count && k < 8; k++) {
        ls_text_add(&list, "%s%s", k ? ", " : "", ls_csv_shorten(known[k]).text);
    }
    if (count > 8) ls_text_add(&list, " and %zu more", count - 8);
    ls_status status =
        ls_fail(err, LS_ERR_DATA,
                "%s, line %zu, column %s: \"%s\" is not a known class; these are: %s", path,
                unknown->line, column, ls_csv_shorten(unknown->text).text,
                list.failed ? "(no memory to list them)" : list.text);
    free(list.text);
    return status;
}

static ls_status map_known(const ls_csv_labels *labels, const char *path, const char *column,
                           const char *const *known, size_t count, int32_t *map, char **names,
                           ls_error *err)
{
    for (size_t i = first_label(labels); i < labels->count; i++) {
        size_t k = find_known(&labels->labels[i], known, count);
        if (k == count) return unknown_class(&labels->labels[i], path, column, known, count, err);
        map[i] = (int32_t)k;
    }
    for (size_t k = 0; k < count; k++) {
        names[k] = ls_strdup(known[k]);
        if (!names[k])
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for class names; use less data",
                           path);
    }
    return LS_OK;
}

/* ---- Found classes --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double left = ((const label *)a)->value, right = ((const label *)b)->value;
    return (left > right) - (left < right);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const label *)a)->text, ((const label *)b)->text);
}

/* Name of a class: its text, or its value with as many digits as a float can tell apart. NULL: out
 * of memory. */
static char *class_name(const label *from, bool numbers)
{
    if (!numbers) return ls_strdup(from->text);
    ls_text name = {0};
    ls_text_add(&name, "%.9g", from->value);
    if (!name.failed) return name.text;
    free(name.text);
    return NULL;
}

/* Names sorted labels; equal names are one class. *fractional: whether a value is not an integer.
 */
static ls_status name_sorted(const char *path, const label *sorted, size_t count, bool numbers,
                             int32_t *map, char **names, size_t *classes, bool *fractional,
                             ls_error *err)
{
    *classes = 0;
    *fractional = false;
    for (size_t i = 0; i < count; i++) {
        char *name = class_name(&sorted[i], numbers);
        if (!name)
            return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for class names; use less data",
                           path);
        if (*classes > 0 && strcmp(name, names[*classes - 1]) == 0) free(name);
        else names[(*classes)++] = name;
        map[sorted[i].number] = (int32_t)(*classes - 1);
        if (numbers && sorted[i].value != floor(sorted[i].value)) *fractional = true;
    }
    return LS_OK;
}

static ls_status not_classes(const char *path, const char *column, bool numbers, const char *more,
                             size_t count, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA,
                   "%s: the target column %s looks like %s, not a class (%s%zu distinct values); "
                   "name another with --target",
                   path, column, numbers ? "a measurement" : "free text or a key", more, count);
}

ls_status ls_csv_labels_too_many(const ls_csv_labels *labels, const char *path, const char *column,
                                 ls_error *err)
{
    return not_classes(path, column, all_numbers(labels), "more than ", labels->count, err);
}

static ls_status name_all(const ls_csv_labels *labels, const char *path, int32_t *map, char **names,
                          size_t *classes, bool *fractional, ls_error *err)
{
    size_t count = labels->count - first_label(labels);
    bool numbers = all_numbers(labels);
    label *sorted = NULL;
    LS_TRY(ls_alloc(&sorted, count, sizeof *sorted, "class labels", err));
    memcpy(sorted, labels->labels + first_label(labels), count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, numbers ? by_value : by_bytes);
    ls_status status = name_sorted(path, sorted, count, numbers, map, names, classes, fractional,
                                   err);
    free(sorted);
    return status;
}

static ls_status name_found(const ls_csv_labels *labels, const char *path, const char *column,
                            int32_t *map, char **names, size_t *classes, ls_error *err)
{
    bool fractional = false;
    LS_TRY(name_all(labels, path, map, names, classes, &fractional, err));
    if (*classes > MOST_CLASSES || (fractional && *classes > MOST_FRACTIONAL)) {
        return not_classes(path, column, all_numbers(labels), "", *classes, err);
    }
    return LS_OK;
}

ls_status ls_csv_labels_settle(const ls_csv_labels *labels, const char *path, const char *column,
                               const char *const *known, size_t known_count, int32_t **map,
                               char ***names, size_t *classes, ls_error *err)
{
    size_t room = known ? known_count : labels->count, count = room;
    int32_t *new_map = NULL;
    char **new_names = NULL;
    ls_status status = ls_alloc(&new_map, labels->count, sizeof *new_map, "class labels", err);
    if (status == LS_OK) status = ls_alloc(&new_names, room, sizeof *new_names, "class names", err);
    if (status == LS_OK && known) {
        status = map_known(labels, path, column, known, known_count, new_map, new_names, err);
    } else if (status == LS_OK) {
        status = name_found(labels, path, column, new_map, new_names, &count, err);
    }
    if (status != LS_OK) {
        for (size_t i = 0; new_names && i < room; i++) free(new_names[i]);
        free(new_names);
        free(new_map);
        return status;
    }
    *map = new_map;
    *names = new_names;
    *classes = count;
    return LS_OK;
}

ls_status ls_csv_labels_name(const ls_csv_labels *labels, const char *path, int32_t **map,
                             char ***names, size_t *count, ls_error *err)
{
    int32_t *new_map = NULL;
    char **new_names = NULL;
    bool fractional;
    *count = 0;
    ls_status status = ls_alloc(&new_map, labels->count, sizeof *new_map, "categories", err);
    if (status == LS_OK)
        status = ls_alloc(&new_names, labels->count, sizeof *new_names, "category names", err);
    if (status == LS_OK)
        status = name_all(labels, path, new_map, new_names, count, &fractional, err);
    if (status != LS_OK) {
        for (size_t i = 0; new_names && i < *count; i++) free(new_names[i]);
        free(new_names);
        free(new_map);
        return status;
    }
    *map = new_map;
    *names = new_names;
    return LS_OK;
}
