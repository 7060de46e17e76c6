/* SPDX-License-Identifier: MIT */
#include "tests/support/exported.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char called[65536]; /* names, each between blanks */

static size_t name_length(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

/* Whether `called` has the name. */
static bool has(const char *name, size_t length)
{
    char wanted[80];
    cr_assert_lt(length, sizeof wanted - 2);
    snprintf(wanted, sizeof wanted, " %.*s ", (int)length, name);
    return strstr(called, wanted) != NULL;
}

void exported_call(const char *text)
{
    const char *name = strstr(text, "ls_");
    cr_assert_not_null(name, "%s calls no public function", text);
    size_t length = name_length(name), used = strlen(called);
    if (has(name, length)) return;
    cr_assert_lt(used + length + 3, sizeof called);
    snprintf(called + used, sizeof called - used, " %.*s ", (int)length, name);
}

void exported_check(void)
{
    char *map = runs_file_read(LS_SOURCE_DIR "/host/include/lockstep.map", NULL);
    size_t names = 0;
    cr_assert_not_null(map);
    for (const char *at = map; (at = strstr(at, "ls_")); at += name_length(at), names++)
        cr_expect(has(at, name_length(at)), "no call of %.*s", (int)name_length(at), at);
    cr_expect_geq(names, 90, "lockstep.map has only %zu names", names);
    free(map);
}
