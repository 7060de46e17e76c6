/* SPDX-License-Identifier: MIT */
/* The part of Criterion's interface that this project's tests use, for builds with ThreadSanitizer:
 * Criterion shares memory with its test processes at addresses that ThreadSanitizer forbids. The
 * macros mean the same; each test runs in a process of its own, one after the other. */
#ifndef SUPPORT_RUNNER_CRITERION_H
#define SUPPORT_RUNNER_CRITERION_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int unused; /* lets an empty list of options initialise the rest to 0 */
    unsigned timeout;
    void (*init)(void), (*fini)(void);
} runner_options;

void runner_add_suite(const char *suite, const runner_options *options);
void runner_add_test(const char *suite, const char *name, void (*run)(void),
                     const runner_options *options);
/* Reports a failed check; ends the test if the check is an assertion. */
void runner_failed(bool assertion, const char *file, int line, const char *check,
                   const char *format, ...);
_Noreturn void runner_skip(const char *format, ...);

#define TestSuite(suite, ...)                                                                      \
    __attribute__((constructor)) static void suite##_add_suite(void)                               \
    {                                                                                              \
        runner_add_suite(#suite, &(runner_options){0, __VA_ARGS__});                               \
    }                                                                                              \
    struct suite##_needs_semicolon

#define Test(suite, name, ...)                                                                     \
    static void suite##_##name##_run(void);                                                        \
    __attribute__((constructor)) static void suite##_##name##_add(void)                            \
    {                                                                                              \
        runner_add_test(#suite, #name, suite##_##name##_run, &(runner_options){0, __VA_ARGS__});   \
    }                                                                                              \
    static void suite##_##name##_run(void)

#define RUNNER_CHECK(assertion, check, text, ...)                                                  \
    ((check) ? (void)0 : runner_failed(assertion, __FILE__, __LINE__, text, "" __VA_ARGS__))
#define RUNNER_STREQ(a, b) (strcmp(a, b) == 0)
#define RUNNER_NEAR(a, b, e) (fabs((double)(a) - (double)(b)) <= (double)(e))
#define RUNNER_SAME(a, b, n) (memcmp(a, b, n) == 0)

#define cr_assert(a, ...) RUNNER_CHECK(true, a, #a, __VA_ARGS__)
#define cr_expect(a, ...) RUNNER_CHECK(false, a, #a, __VA_ARGS__)
#define cr_assert_not(a, ...) RUNNER_CHECK(true, !(a), "not " #a, __VA_ARGS__)
#define cr_expect_not(a, ...) RUNNER_CHECK(false, !(a), "not " #a, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) RUNNER_CHECK(true, (a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_expect_eq(a, b, ...) RUNNER_CHECK(false, (a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) RUNNER_CHECK(true, (a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) RUNNER_CHECK(false, (a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) RUNNER_CHECK(true, (a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) RUNNER_CHECK(false, (a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) RUNNER_CHECK(true, (a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) RUNNER_CHECK(false, (a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) RUNNER_CHECK(true, (a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) RUNNER_CHECK(false, (a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) RUNNER_CHECK(true, (a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) RUNNER_CHECK(false, (a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_null(a, ...) RUNNER_CHECK(true, (a) == NULL, #a " is NULL", __VA_ARGS__)
#define cr_expect_null(a, ...) RUNNER_CHECK(false, (a) == NULL, #a " is NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...) RUNNER_CHECK(true, (a) != NULL, #a " is not NULL", __VA_ARGS__)
#define cr_expect_not_null(a, ...) RUNNER_CHECK(false, (a) != NULL, #a " is not NULL", __VA_ARGS__)
#define cr_assert_str_empty(a, ...) RUNNER_CHECK(true, *(a) == '\0', #a " is empty", __VA_ARGS__)
#define cr_expect_str_empty(a, ...) RUNNER_CHECK(false, *(a) == '\0', #a " is empty", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                                                \
    RUNNER_CHECK(true, RUNNER_STREQ(a, b), #a " is " #b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)                                                                \
    RUNNER_CHECK(false, RUNNER_STREQ(a, b), #a " is " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                                               \
    RUNNER_CHECK(true, !RUNNER_STREQ(a, b), #a " is not " #b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)                                                               \
    RUNNER_CHECK(false, !RUNNER_STREQ(a, b), #a " is not " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...)                                                           \
    RUNNER_CHECK(true, RUNNER_NEAR(a, b, e), #a " is near " #b, __VA_ARGS__)
#define cr_expect_float_eq(a, b, e, ...)                                                           \
    RUNNER_CHECK(false, RUNNER_NEAR(a, b, e), #a " is near " #b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)                                                             \
    RUNNER_CHECK(true, RUNNER_SAME(a, b, n), #a " equals " #b, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...)                                                             \
    RUNNER_CHECK(false, RUNNER_SAME(a, b, n), #a " equals " #b, __VA_ARGS__)
#define cr_expect_arr_neq(a, b, n, ...)                                                            \
    RUNNER_CHECK(false, !RUNNER_SAME(a, b, n), #a " differs from " #b, __VA_ARGS__)
#define cr_assert_fail(...) runner_failed(true, __FILE__, __LINE__, "failed", "" __VA_ARGS__)
#define cr_skip_test(...) runner_skip("" __VA_ARGS__)
#define cr_log_info(...) (printf(__VA_ARGS__), putchar('\n'))

#endif
