/* SPDX-License-Identifier: MIT */
/* "source" in a model file: how the training file was read, and where its targets were. */
#ifndef LS_SOURCE_JSON_H
#define LS_SOURCE_JSON_H

#include "host/model/model.h"
#include <jansson.h>

/* Whether a model has anything to say about its training file that is not assumed without it. */
bool ls_model_has_source(const ls_model *model);

json_t *ls_source_json(const ls_model *model);

/* Reads it into the model, whose targets exist and whose columns are not read yet. path: for
 * messages. Errors: LS_ERR_DATA for anything that ls_source_json does not write. */
ls_status ls_source_read(const json_t *object, ls_model *model, const char *path, ls_error *err);

/* Checks the source against the columns, after both are read. */
ls_status ls_source_check(const ls_model *model, const char *path, ls_error *err);

/* For files of versions without "source": whether the names of the columns came from a header. */
void ls_source_guess(ls_model *model);

/* ---- Parts of the description of a column ---------------------------------------------------- */

/* Adds offset, format and mark of a column of numbers to its description, as far as it has them. */
void ls_source_add_numbers(json_t **object, const ls_column *column);
/* Reads these. Errors: LS_ERR_DATA, also for categories with any of these. */
ls_status ls_source_read_numbers(const json_t *object, ls_column *column, const char *path,
                                 ls_error *err);

#endif
