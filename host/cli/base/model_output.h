/* SPDX-License-Identifier: MIT */
/* Properties of a model that several subcommands print. */
#ifndef LS_CLI_MODEL_OUTPUT_H
#define LS_CLI_MODEL_OUTPUT_H

#include "host/include/lockstep.h"
#include <jansson.h>

/* The widths of all layers, such as "2-20-20-1". */
void describe_widths(const ls_model *model, char *out, size_t size);

/* "classification", "regression" or "multilabel". */
const char *model_task_name(const ls_model *model);
/* The name of a target, or "target" if it has none. */
const char *model_target_name(const ls_model *model, size_t i);

/* {"NAME": "VALUE", ...} for every option of the library. */
json_t *model_options_json(const ls_model *model);

#endif
