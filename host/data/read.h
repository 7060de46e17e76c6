/* SPDX-License-Identifier: MIT */
/* Reads a file of rows in any of the formats. */
#ifndef LS_READ_H
#define LS_READ_H

#include "host/data/request.h"

ls_status ls_read_rows(const char *path, const ls_read_request *request, ls_data **out,
                       ls_error *err);

/* The same without keeping the cells, which are read again whenever they are needed
 * (host/data/walk.h). The file must stay as it is, and path and what the request points to must
 * outlive the data; nothing is expected of them. Errors: LS_ERR_ARGUMENT for a pipe. */
ls_status ls_read_apart(const char *path, const ls_read_request *request, ls_data **out,
                        ls_error *err);

/* How rows are read that are kept apart in a `ranged` file, as bytes for another process of the
 * same build, which has the file, too. *bytes is freed with free(). */
ls_status ls_apart_pack(const ls_apart *apart, char **bytes, size_t *size, ls_error *err);
/* *out is freed with ls_apart_free; it does not say what categories there are. */
ls_status ls_apart_unpack(const char *bytes, size_t size, ls_apart **out, ls_error *err);

/* Expects rows like those of the data, to which the result refers. */
ls_expected_rows ls_expect_like(const ls_data *data);

/* *out: path of the file of classes that is read with this data file by default, freed with free();
 * NULL if there is none. */
ls_status ls_labels_beside(const char *path, char **out, ls_error *err);

#endif
