/* SPDX-License-Identifier: MIT */
#include "host/cli/base/json_output.h"
#include "host/base/visible.h"
#include "host/cli/base/terminal.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Writes JSON in which the control characters that jansson leaves are escaped, too. They occur only
 * within strings. */
static void print_escaped(const char *text)
{
    for (size_t n; *text; text += n) {
        unsigned code;
        n = ls_control_bytes(text, &code);
        if (n) terminal_print(stdout, "\\u%04x", code);
        else {
            putchar(*text);
            n = 1;
        }
    }
    putchar('\n');
}

void print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    print_escaped(text ? text : "{}");
    free(text);
    json_decref(object);
}
