/* SPDX-License-Identifier: MIT */
#include "host/base/trace.h"
#include "host/base/clock.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE = 4096 }; /* longer ones are cut */

static const char *path(void)
{
    const char *name = getenv("LOCKSTEP_TRACE");
    return name && *name ? name : NULL;
}

bool ls_trace_is_on(void) { return path() != NULL; }

void ls_trace(const char *format, ...)
{
    char line[LINE];
    va_list arguments;
    const char *name = path();
    if (!name) return;
    int n = snprintf(line, sizeof line, "%.4f ", ls_clock());
    va_start(arguments, format);
    int text = vsnprintf(line + n, sizeof line - (size_t)n, format, arguments);
    va_end(arguments);
    if (text < 0) return;
    n = n + text < LINE - 1 ? n + text : LINE - 2;
    line[n++] = '\n';
    /* one write: lines of several processes do not mix */
    int file = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return;
    if (write(file, line, (size_t)n) < 0) { /* lost */
    }
    close(file);
}
