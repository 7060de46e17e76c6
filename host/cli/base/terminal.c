/* SPDX-License-Identifier: MIT */
#include "host/cli/base/terminal.h"
#include "host/base/visible.h"
#include <stdatomic.h>
#include <stdlib.h>

static atomic_bool incomplete;

bool terminal_is_incomplete(void) { return atomic_load(&incomplete); }
void terminal_set_incomplete(void) { atomic_store(&incomplete, true); }

void terminal_vprint(FILE *to, const char *format, va_list arguments)
{
    ls_text text = {0};
    ls_text_vshow(&text, format, arguments);
    if (text.text) fputs(text.text, to);
    if (text.failed) fputs("... (out of memory)\n", to);
    if (text.failed && to == stdout) terminal_set_incomplete();
    free(text.text);
}

void terminal_print(FILE *to, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    terminal_vprint(to, format, list);
    va_end(list);
}
