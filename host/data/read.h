/* SPDX-License-Identifier: MIT */
/* Reads a file of rows in any of the formats. */
#ifndef LS_READ_H
#define LS_READ_H

#include "host/data/request.h"

ls_status ls_read_rows(const char *path, const ls_read_request *request, ls_data **out,
                       ls_error *err);

/* Rows like these. The result refers to the data. */
ls_expected_rows ls_expect_like(const ls_data *data);

/* The file of classes that is found beside a data file by itself; freed with free(). NULL if there
 * is none. */
char *ls_labels_beside(const char *path);

#endif
