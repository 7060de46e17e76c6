/* SPDX-License-Identifier: MIT */
#include "host/cli/base/json_output.h"
#include "host/cli/base/terminal.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Writes JSON with the control characters DEL and C1 escaped, as jansson escapes the others. They
 * occur only within strings. */
static void print_escaped(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
        if (c == 0x7f) fputs("\\u007f", stdout);
        else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
            terminal_print(stdout, "\\u%04x", next);
            text++;
        } else putchar(c);
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
