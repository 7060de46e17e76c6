/* SPDX-License-Identifier: MIT */
#include "host/cli/base/phases.h"
#include "host/base/clock.h"
#include "host/cli/base/terminal.h"
#include <stdarg.h>

static bool told;

void phases_tell(bool tell) { told = tell; }
bool phases_told(void) { return told; }

double phase_begin(void) { return told ? ls_clock() : 0; }

void phase_end(double begun, const char *format, ...)
{
    va_list list;
    if (!told) return;
    terminal_print(stderr, "%9.3f s  ", ls_clock() - begun);
    va_start(list, format);
    terminal_vprint(stderr, format, list);
    va_end(list);
    terminal_print(stderr, "\n");
}
