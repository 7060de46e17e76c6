/* SPDX-License-Identifier: MIT */
/* Finds the separator of a CSV file. */
#ifndef LS_CSV_SEPARATOR_H
#define LS_CSV_SEPARATOR_H

#include "host/data/csv_sample.h"
#include "host/data/request.h"

/* Sets the reader's separator and takes the first records under it. The separator is the one asked
 * for, or declared by the file; else the one under which all first records have the same number of
 * fields, two or more. Of several, those come first that give as many columns as are expected, then
 * single tabs before white space, then those with the largest share of fields that contain no other
 * candidate, then those with more fields; then comma, semicolon, tab, '|', white space. If none
 * gives equal numbers, the one that gives them most often, so that the reader reports the other
 * records. *rival: a separator that fits as well as the one chosen, or 0. *sample is freed with
 * ls_csv_sample_free, also if this fails. Errors: LS_ERR_MEMORY, LS_ERR_IO. */
ls_status ls_csv_find_separator(ls_csv_reader *reader, const ls_read_request *request,
                                ls_csv_sample *sample, char *rival, ls_error *err);

/* "commas", "white space", ... ; '?' is the separator where it has no such name. */
typedef struct {
    char text[16];
} ls_separator_name;
ls_separator_name ls_csv_separator_name(char separator);

#endif
