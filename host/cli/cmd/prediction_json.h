/* SPDX-License-Identifier: MIT */
/* Predictions as lines of JSON, one object a row:
 *   {"row": 0, "kept": {"id": "a7"}, "class": "b", "probabilities": {"a": 0.2, "b": 0.8}}
 *   with --top K        "top": [{"class": "b", "p": 0.8}] instead of "probabilities"
 *   identity outputs    "outputs": [...]
 *   regression          {"row": 0, "predictions": {"y": 1.5}}
 *   labels              {"row": 0, "labels": {"a": true}, "probabilities": {"a": 0.9}}
 * "kept" is there if columns are passed through. Of a row without a prediction, all is null. */
#ifndef LS_CLI_PREDICTION_JSON_H
#define LS_CLI_PREDICTION_JSON_H

#include "host/cli/cmd/prediction_state.h"
#include "host/data/kept.h"

/* Adds the object of row `number`, and a newline. kept: of the block, whose row `row` it is, or
 * NULL. outputs: NULL without a prediction. */
void prediction_json_add(ls_text *out, const prediction_lines *lines, const ls_kept *kept,
                         size_t number, size_t row, const float *outputs);

/* Adds a text as a string, in quotes. Bytes that are no UTF-8 become '?'. */
void prediction_json_string(ls_text *out, const char *text);

#endif
