/* SPDX-License-Identifier: MIT */
/* Finds the first difference of two JSON values. */
#ifndef LS_CLI_JSON_DIFFERENCE_H
#define LS_CLI_JSON_DIFFERENCE_H

#include "host/base/text.h"
#include <jansson.h>
#include <stdbool.h>

/* Returns false if the values are equal. Otherwise *where is the path of the first difference, such
 * as "result.train.loss", and value[] are the two values there (NULL: absent).
 * later: keys that count only if nothing else differs; NULL ends the list. */
bool json_difference(json_t *a, json_t *b, const char *const *later, ls_text *where,
                     json_t *value[2]);

#endif
