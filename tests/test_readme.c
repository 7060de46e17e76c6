/* SPDX-License-Identifier: MIT */
/* The C program in the README compiles and runs against the shared library. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(readme, .init = enter, .fini = leave, .timeout = 300);

/* The first C block that has a main, or NULL. */
static char *readme_program(void)
{
    char *text = runs_file_read(LS_SOURCE_DIR "/README.md", NULL), *found = NULL;
    for (char *at = text; at && !found && (at = strstr(at, "```c\n"));) {
        char *end = strstr(at += 5, "```");
        if (!end) break;
        *end = 0;
        if (strstr(at, "int main")) found = strdup(at);
        at = end + 1;
    }
    free(text);
    return found;
}

Test(readme, its_program_works)
{
    char *source = readme_program(), library[1024], link[1024], rpath[1024];
    if (!source) cr_skip_test("README.md has no C program");
    runs_file_write("example.c", source, strlen(source));
    free(source);
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("a program without the sanitizers cannot use a library with them");
#endif
    int length = (int)(strrchr(LS_PROGRAM, '/') - LS_PROGRAM);
    snprintf(library, sizeof library, "%.*s/liblockstep.so", length, LS_PROGRAM);
    snprintf(link, sizeof link, "-L%.*s", length, LS_PROGRAM);
    snprintf(rpath, sizeof rpath, "-Wl,-rpath,%.*s", length, LS_PROGRAM);
    if (access(library, R_OK) != 0) cr_skip_test("the shared library is not built");
    const char *const compile[] = {"cc",        "-std=c11", "-Wall",
                                   "-Wextra",   "-Werror",  "-I" LS_SOURCE_DIR "/host/include",
                                   "example.c", "-o",       "example",
                                   link,        rpath,      "-llockstep",
                                   "-lm",       NULL};
    const char *const example[] = {"./example", NULL};
    runs_child c;
    runs_spawn(compile, &c);
    cr_assert_eq(c.status, 0, "does not compile: %s", c.err);
    runs_child_free(&c);
    runs_spawn(example, &c);
    cr_assert_eq(c.status, 0, "exit status %d: %s%s", c.status, c.out, c.err);
    runs_child_free(&c);
}

#else
Test(readme, skipped) { cr_skip_test("the program was not built"); }
#endif
