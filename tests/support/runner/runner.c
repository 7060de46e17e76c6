/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/runner/criterion/criterion.h"

enum { SKIPPED = 77, MOST = 200 };

typedef struct {
    const char *suite, *name;
    void (*run)(void);
    runner_options options;
} runner_test;

static runner_test tests[MOST], suites[MOST];
static size_t test_count, suite_count;
static bool failed; /* of the test that this process runs */

static void add(runner_test *list, size_t *count, runner_test entry)
{
    if (*count == MOST) {
        fputs("runner: too many tests\n", stderr);
        exit(2);
    }
    list[(*count)++] = entry;
}

void runner_add_suite(const char *suite, const runner_options *options)
{
    add(suites, &suite_count, (runner_test){suite, "", NULL, *options});
}

void runner_add_test(const char *suite, const char *name, void (*run)(void),
                     const runner_options *options)
{
    add(tests, &test_count, (runner_test){suite, name, run, *options});
}

void runner_failed(bool assertion, const char *file, int line, const char *check,
                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: %s: ", file, line, check);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    failed = true;
    if (assertion) exit(1);
}

_Noreturn void runner_skip(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("skipped: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(SKIPPED);
}

/* Exit, too, is part of the test: ThreadSanitizer's own status is set there. */
static _Noreturn void run(const runner_test *test)
{
    const runner_options *suite = &(runner_options){0};
    for (size_t i = 0; i < suite_count; i++)
        if (!strcmp(suites[i].suite, test->suite)) suite = &suites[i].options;
    unsigned timeout = test->options.timeout ? test->options.timeout : suite->timeout;
    alarm(timeout ? 10 * timeout : 600); /* ThreadSanitizer makes programs about ten times slower */
    void (*init)(void) = test->options.init ? test->options.init : suite->init;
    void (*fini)(void) = test->options.fini ? test->options.fini : suite->fini;
    if (init) init();
    test->run();
    if (fini) fini();
    exit(failed);
}

int main(void)
{
    size_t passed = 0, skipped = 0;
    for (size_t i = 0; i < test_count; i++) {
        int status;
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) run(&tests[i]);
        if (child < 0 || waitpid(child, &status, 0) != child) {
            perror("runner");
            return 2;
        }
        bool skip = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
        bool pass = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!skip && !pass)
            printf("%s::%s failed (status %d)\n", tests[i].suite, tests[i].name, status);
        passed += pass;
        skipped += skip;
    }
    printf("%zu passed, %zu failed, %zu skipped\n", passed, test_count - passed - skipped, skipped);
    return passed + skipped < test_count;
}
