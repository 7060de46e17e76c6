/* SPDX-License-Identifier: MIT */
/* Reading rows for a model. */
#ifndef LS_MODEL_DATA_H
#define LS_MODEL_DATA_H

#include "host/data/request.h"

/* What is known of a file that is read with these options, to which the request refers. Errors:
 * LS_ERR_ARGUMENT. */
ls_status ls_model_data_request(const ls_read_options *options, ls_read_request *out,
                                ls_error *err);

#endif
