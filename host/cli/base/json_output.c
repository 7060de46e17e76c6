/* SPDX-License-Identifier: MIT */
#include "host/cli/base/json_output.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts(text ? text : "{}");
    free(text);
    json_decref(object);
}
