/* SPDX-License-Identifier: MIT */
/* Whether the first record of a second file names the columns: by what a model or training data
 * expect, and by that record alone, so that a row is read the same with and without others. */
#ifndef LS_CSV_KNOWN_H
#define LS_CSV_KNOWN_H

#include "host/data/csv_sample.h"
#include "host/data/request.h"

typedef enum { LS_FIRST_ROW, LS_FIRST_HEADER, LS_FIRST_UNKNOWN } ls_csv_first_record;

/* Whether the names or kinds of the expected columns are known. */
bool ls_csv_knows_columns(const ls_expected_rows *expected);

/* UNKNOWN: the record has texts alone, and neither known names nor known categories. */
ls_csv_first_record ls_csv_judge_known(const ls_csv_field *field, size_t columns,
                                       const ls_read_request *request);

/* What a line above the first record is that begins with #. The first field has the #. ROW: it has
 * a known category or class. UNKNOWN: it may be a row with a new one. */
typedef enum { LS_HASH_COMMENT, LS_HASH_ROW, LS_HASH_UNKNOWN } ls_csv_hash;
ls_csv_hash ls_csv_judge_hash(const ls_csv_field *field, size_t columns,
                              const ls_read_request *request);

/* Whether all expected columns but the targets are named, in any order. */
bool ls_csv_has_all_names(const ls_csv_field *field, size_t columns,
                          const ls_expected_rows *expected);

/* Whether a field is the name of an expected column. */
bool ls_csv_has_known_name(const ls_csv_field *field, size_t columns,
                           const ls_expected_rows *expected);

#endif
