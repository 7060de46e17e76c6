/* SPDX-License-Identifier: MIT */
#ifndef LS_OPTIONS_JSON_H
#define LS_OPTIONS_JSON_H

#include "host/base/error.h"
#include <jansson.h>

/* All options by name, each value as text. NULL if memory runs out. */
json_t *ls_options_json(const ls_options *options);

#endif
