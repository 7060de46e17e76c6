/* SPDX-License-Identifier: MIT */
/* Turns the texts of a class column into class numbers and names. */
#ifndef LS_CSV_LABELS_H
#define LS_CSV_LABELS_H

#include "host/base/error.h"

typedef struct ls_csv_labels ls_csv_labels;

ls_status ls_csv_labels_create(ls_csv_labels **out, ls_error *err);
void ls_csv_labels_free(ls_csv_labels *labels);

/* Gives text a provisional number, in the order of first appearance. The text is kept by reference.
 * false: there are far more distinct texts than classes can be (see ls_csv_labels_too_many). */
bool ls_csv_labels_add(ls_csv_labels *labels, const char *text, size_t line, int32_t *number);

/* What ends the reading of a column with too many distinct texts. */
ls_status ls_csv_labels_too_many(const ls_csv_labels *labels, const char *path, const char *column,
                                 ls_error *err);

/* Whether the first label is a column's title rather than a class: it stands in one row only and
 * does not fit (is not a number; or is not among known[0..count)), while all others do. */
bool ls_csv_labels_first_is_title(const ls_csv_labels *labels, const char *const *known,
                                  size_t count);

/* Forgets the first label. Its number must no longer be used. */
void ls_csv_labels_drop_first(ls_csv_labels *labels);

/* Settles the classes. map gets the class of each provisional number. names gets the classes'
 * names, as text: the known ones if given, else those found, sorted by value if all are numbers
 * (then written with %.9g), by bytes otherwise. */
ls_status ls_csv_labels_settle(const ls_csv_labels *labels, const char *path, const char *column,
                               const char *const *known, size_t known_count, int32_t **map,
                               char ***names, size_t *classes, ls_error *err);

/* The same for categories that are not classes: any number of them, and none is known. `map` and
 * `names` as above. */
ls_status ls_csv_labels_name(const ls_csv_labels *labels, const char *path, int32_t **map,
                             char ***names, size_t *count, ls_error *err);

#endif
