/* SPDX-License-Identifier: MIT */
/* The quantiles of a model's inputs in its file. Only in builds with jansson. */
#ifndef LS_QUANTILES_JSON_H
#define LS_QUANTILES_JSON_H

#include "host/data/quantiles.h"
#include <jansson.h>

/* For each input [values, scores], or null for a category. */
json_t *ls_quantiles_json(const ls_quantiles *quantiles);

/* Reads such a list for these inputs, of which those with `number` false must have null. Errors:
 * LS_ERR_DATA if it is none, or too long, without a message; LS_ERR_MEMORY. */
ls_status ls_quantiles_of_json(const json_t *list, size_t inputs, const bool *number,
                               ls_quantiles **out, ls_error *err);

#endif
