/* SPDX-License-Identifier: MIT */
/* Reading rows for a model. */
#ifndef LS_MODEL_DATA_H
#define LS_MODEL_DATA_H

#include "host/base/text.h"
#include "host/data/request.h"

/* What is known of a file that is read with these options, to which the request refers.
 * *without_effect, freed by the caller: the options that the model's training rows settle, or
 * empty. Errors: LS_ERR_ARGUMENT. */
ls_status ls_model_data_request(const char *path, const ls_read_options *options,
                                ls_read_request *out, ls_text *without_effect, ls_error *err);

/* As ls_data_read, but the cells are not kept (ls_read_apart): the options have no model. path and
 * what the options point to must outlive the data. */
ls_status ls_model_data_apart(const char *path, const ls_read_options *options, ls_data **out,
                              ls_error *err);

/* Adds a note about options without effect, unless there are none. */
ls_status ls_model_data_note(ls_data *data, const ls_text *without_effect, ls_error *err);

#endif
