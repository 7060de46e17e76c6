/* SPDX-License-Identifier: MIT */
#include "host/base/trace.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/lockstep-trace-XXXXXX";

static void begin(void)
{
    int file = mkstemp(path);
    cr_assert(file >= 0);
    close(file);
    setenv("LOCKSTEP_TRACE", path, 1);
}

static void end(void) { unlink(path); }

static size_t read_all(char *text, size_t room)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f != NULL);
    size_t n = fread(text, 1, room - 1, f);
    fclose(f);
    text[n] = 0;
    return n;
}

Test(trace, a_line_each, .init = begin, .fini = end)
{
    char text[1000], what[20];
    double first, second;
    cr_expect(ls_trace_is_on());
    ls_trace("built in %.1f s", 1.5);
    ls_trace("%s", "");
    read_all(text, sizeof text);
    cr_assert_eq(sscanf(text, "%lf built in %19[^\n]\n%lf", &first, what, &second), 3, "%s", text);
    cr_expect_str_eq(what, "1.5 s");
    cr_expect_leq(first, second);
}

Test(trace, long_lines_are_cut, .init = begin, .fini = end)
{
    static char text[20000], lengthy[9000];
    memset(lengthy, 'x', sizeof lengthy - 1);
    ls_trace("%s", lengthy);
    ls_trace("next");
    size_t n = read_all(text, sizeof text);
    cr_expect_leq(n, 4096 + 40, "%zu", n);
    const char *next = strchr(text, '\n');
    cr_assert(next != NULL);
    cr_expect(strstr(next, "next\n") != NULL);
}

Test(trace, nothing_without_a_file)
{
    unsetenv("LOCKSTEP_TRACE");
    cr_expect(!ls_trace_is_on());
    ls_trace("lost");
    setenv("LOCKSTEP_TRACE", "", 1);
    cr_expect(!ls_trace_is_on());
    setenv("LOCKSTEP_TRACE", "/nowhere/at/all", 1);
    ls_trace("lost");
}
