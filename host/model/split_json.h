/* SPDX-License-Identifier: MIT */
/* "split" in a model file. */
#ifndef LS_SPLIT_JSON_H
#define LS_SPLIT_JSON_H

#include "host/model/split_record.h"
#include <jansson.h>

json_t *ls_split_json(const ls_split_record *record);

/* Reads it. path: for messages. Errors: LS_ERR_DATA for anything that ls_split_json does not write.
 */
ls_status ls_split_read(const json_t *object, const char *path, ls_split_record **out,
                        ls_error *err);

#endif
