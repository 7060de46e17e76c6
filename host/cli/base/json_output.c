/* SPDX-License-Identifier: MIT */
#include "host/cli/base/json_output.h"
#include "host/base/json.h"
#include "host/base/visible.h"
#include "host/cli/base/args.h"
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

int print_json(const char *command, json_t *object)
{
    char *text = object ? ls_json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(object);
    if (!text) return complain(command, EXIT_FAILED, "out of memory for the JSON output");
    print_escaped(text);
    free(text);
    return EXIT_OK;
}

json_t *json_shown(const char *text)
{
    if (ls_is_utf8(text)) return json_string(text);
    ls_text shown = {0};
    ls_text_show(&shown, "%s", text);
    json_t *value = shown.failed ? NULL : json_string(shown.text);
    free(shown.text);
    return value;
}
