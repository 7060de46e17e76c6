/* SPDX-License-Identifier: MIT */
#include "host/cli/base/json.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

json_t *number_json(double value) { return isfinite(value) ? json_real(value) : json_null(); }

void print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts(text ? text : "{}");
    free(text);
    json_decref(object);
}
