/* SPDX-License-Identifier: MIT */
#include "host/cli/base/terminal.h"
#include "host/base/visible.h"
#include "host/cli/base/progress.h"
#include <stdbool.h>
#include <stdlib.h>

static bool incomplete; /* standard output lacks something */

static bool quiet;

void terminal_be_quiet(void) { quiet = true; }
bool terminal_is_quiet(void) { return quiet; }

bool terminal_incomplete(void) { return incomplete; }
void terminal_lacks(void) { incomplete = true; }

void terminal_vprint(FILE *to, const char *format, va_list arguments)
{
    ls_text text = {0};
    if (quiet && to == stdout) return;
    progress_clear();
    ls_text_vshow(&text, format, arguments);
    if (text.text) fputs(text.text, to);
    if (text.failed) fputs("... (out of memory)\n", to);
    if (text.failed && to == stdout) incomplete = true;
    free(text.text);
}

void terminal_print(FILE *to, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    terminal_vprint(to, format, list);
    va_end(list);
}
