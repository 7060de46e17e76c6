/* SPDX-License-Identifier: MIT */
/* Metrics, and the functions of host/base. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "host/base/file.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "tests/support/data.h"

/* ---- Metrics: values from scikit-learn 1.9.1, zero_division=0 -------------------------------- */

static ls_metrics *measure(const float *outputs, size_t rows, size_t columns, const int32_t *y,
                           size_t classes)
{
    ls_metrics *metrics = NULL;
    ls_error err;
    ls_status status = ls_metrics_compute(outputs, rows, columns, y, classes, NULL, NULL, &metrics,
                                          &err);
    cr_assert_eq(status, LS_OK, "%s", err.message);
    return metrics;
}

static void expect_figures(const ls_metrics *metrics, double accuracy, double precision,
                           double recall, double f1)
{
    cr_expect_float_eq(metrics->accuracy, accuracy, 1e-15);
    cr_expect_float_eq(metrics->precision, precision, 1e-15);
    cr_expect_float_eq(metrics->recall, recall, 1e-15);
    cr_expect_float_eq(metrics->f1, f1, 1e-15);
}

Test(host, metrics_binary_with_ties)
{
    static const float scores[] = {0.1f, 0.4f, 0.35f, 0.8f, 0.5f, 0.5f, 0.7f, 0.2f, 0.5f, 0.9f};
    static const float loss[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    static const int32_t y[] = {0, 0, 1, 1, 0, 1, 1, 0, 0, 1};
    static const uint64_t confusion[] = {3, 2, 1, 4};
    float pairs[20];
    for (size_t i = 0; i < 10; i++) {
        pairs[2 * i] =
            1 - scores[i]; /* exact around 0.5, so that ties stay ties and the first column wins */
        pairs[2 * i + 1] = scores[i];
    }
    ls_metrics *one = NULL, *two = measure(pairs, 10, 2, y, 2);
    cr_assert_eq(ls_metrics_compute(scores, 10, 1, y, 2, loss, NULL, &one, NULL), LS_OK);
    expect_figures(one, 0.7, 0.6666666666666666, 0.8, 0.7272727272727273);
    cr_expect_float_eq(one->auc, 0.84, 1e-15);
    cr_expect_eq(two->auc, one->auc);
    cr_expect_arr_eq(one->confusion, confusion, sizeof confusion);
    cr_expect(two->confusion[0] == 5 && two->confusion[3] == 3);
    cr_expect_eq(one->undefined, 0);
    cr_expect(one->loss == 5.5 && one->loss_sum == 55.0 && isnan(two->loss));
    ls_metrics_free(one);
    ls_metrics_free(two);
}

Test(host, metrics_three_classes)
{
    static const float outputs[] = {0.5f, 0.3f, 0.2f, 0.1f, 0.6f, 0.3f, 0.2f, 0.2f,
                                    0.6f, 0.4f, 0.4f, 0.2f, 0.1f, 0.1f, 0.8f, 0.3f,
                                    0.5f, 0.2f, 0.6f, 0.2f, 0.2f, 0.2f, 0.3f, 0.5f};
    static const int32_t y[] = {0, 1, 2, 1, 2, 0, 0, 1};
    static const uint64_t confusion[] = {2, 1, 0, 1, 1, 1, 0, 0, 2};
    ls_metrics *metrics = measure(outputs, 8, 3, y, 3);
    expect_figures(metrics, 0.625, 0.611111111111111, 0.6666666666666666, 0.6222222222222222);
    cr_expect_arr_eq(metrics->confusion, confusion, sizeof confusion);
    cr_expect_float_eq(metrics->class_precision[1], 0.5, 1e-15);
    cr_expect_float_eq(metrics->class_recall[1], 1.0 / 3, 1e-15);
    cr_expect_float_eq(metrics->class_f1[2], 0.8, 1e-15);
    cr_expect_eq(metrics->undefined, 0);
    ls_metrics_free(metrics);
}

Test(host, metrics_count_undefined_values)
{
    /* Class 2 neither occurs nor is predicted; class 3 is never predicted. */
    static const float four[] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0};
    static const int32_t y4[] = {0, 1, 3, 1, 0}, y[] = {0, 0, 1}, none[] = {0, 0, 0};
    static const float low[] = {0.1f, 0.2f, 0.3f};
    ls_metrics *metrics = measure(four, 5, 4, y4, 4);
    expect_figures(metrics, 0.8, 0.41666666666666663, 0.5, 0.45);
    cr_expect_eq(metrics->undefined,
                 4); /* precision, recall and F1 of class 2, and its area under the ROC curve */
    ls_metrics_free(metrics);

    metrics = measure(low, 3, 1, y, 2); /* nothing is predicted positive */
    expect_figures(metrics, 0.6666666666666666, 0, 0, 0);
    cr_expect_eq(metrics->undefined, 1);
    cr_expect_eq(metrics->auc, 1.0);
    ls_metrics_free(metrics);

    metrics = measure(low, 3, 1, none, 2); /* and no row is positive */
    expect_figures(metrics, 1, 0, 0, 0);
    cr_expect_eq(metrics->undefined, 4);
    cr_expect(isnan(metrics->auc));
    ls_metrics_free(metrics);

    metrics = measure(low, 0, 1, none, 2);
    expect_figures(metrics, 0, 0, 0, 0);
    cr_expect_eq(metrics->undefined, 5);
    ls_metrics_free(metrics);
}

Test(host, metrics_decide_and_check)
{
    static const float first_wins[] = {0.2f, 0.4f, 0.4f}, half = 0.5f, below = 0.49999997f;
    static const int32_t y[] = {2};
    ls_metrics *metrics = NULL;
    const ls_decision usual = ls_decision_default();
    cr_expect_eq(ls_decide(first_wins, 3, &usual), 1);
    cr_expect(ls_decide(&half, 1, &usual) == 1 && ls_decide(&below, 1, &usual) == 0);
    cr_expect_eq(ls_metrics_compute(&half, 1, 1, y, 2, NULL, NULL, &metrics, NULL),
                 LS_ERR_ARGUMENT);
    cr_expect_eq(ls_metrics_compute(first_wins, 1, 3, y, 4, NULL, NULL, &metrics, NULL),
                 LS_ERR_ARGUMENT);
    cr_expect_null(metrics);
    ls_metrics_free(NULL);
}

/* ---- Hashes, texts, memory ------------------------------------------------------------------- */

static void expect_sha256(const char *text, size_t times, const char *expected)
{
    ls_sha256 sha;
    char hex[65];
    ls_sha256_init(&sha);
    for (size_t i = 0; i < times; i++) ls_sha256_update(&sha, text, strlen(text));
    ls_sha256_final(&sha, hex);
    cr_expect_str_eq(hex, expected);
}

Test(host, sha256_known_answers) /* the examples to FIPS 180-4, and the empty message */
{
    expect_sha256("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_sha256("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_sha256(
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
        "mnopqrstnopqrstu",
        1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    expect_sha256("aaaaaaaaaa", 100000,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Test(host, nearest_names)
{
    static const char *const names[] = {"moons", "circles", "classification", "learning-rate",
                                        "xor"};
    static const struct {
        const char *text, *near;
    } cases[] = {
        {"moon", "moons"},
        {"mooons", "moons"},
        {"omons", "moons"},
        {"MOONS", "moons"},
        {"class", "classification"},
        {"learnin-rate", "learning-rate"},
        {"xro", "xor"},
        {"quux", NULL},
        {"", NULL},
        {"lerning_rat", "learning-rate"},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        const char *near = ls_nearest(cases[k].text, names, COUNT(names));
        cr_expect_str_eq(near ? near : "(none)", cases[k].near ? cases[k].near : "(none)", "%s",
                         cases[k].text);
    }
}

Test(host, numbers_span_the_whole_text)
{
    static const char *const bad[] = {"",      " ",   "1x",  "x1",        "1 2",
                                      "0x1p3", "inf", "nan", "-infinity", "1e999",
                                      "--1",   ".",   "e5",  "1,5",       "1e"};
    double value = 7;
    uint64_t integer = 7;
    for (size_t k = 0; k < COUNT(bad); k++)
        cr_expect_not(ls_parse_double(bad[k], &value), "\"%s\"", bad[k]);
    cr_expect_eq(value, 7);
    cr_expect(ls_parse_double("  -1.5e-3\t", &value) && value == -1.5e-3);
    cr_expect(ls_parse_u64("18446744073709551615", &integer) && integer == UINT64_MAX);
    static const char *const bad_integers[] = {"",    "18446744073709551616", "-1", "+1", " 1",
                                               "1.0", "99999999999999999999"};
    for (size_t k = 0; k < COUNT(bad_integers); k++) {
        cr_expect_not(ls_parse_u64(bad_integers[k], &integer), "\"%s\"", bad_integers[k]);
    }
}

Test(host, locale_does_not_matter)
{
    /* If this locale is not installed, the default one is checked. */
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) setlocale(LC_ALL, "");
    double value = 0;
    ls_text text = {0};
    ls_error err;
    cr_expect(ls_parse_double("1.5", &value) && value == 1.5);
    ls_text_add(&text, "%.9g", 0.25);
    cr_expect_str_eq(text.text, "0.25");
    cr_expect_eq(ls_fail(&err, LS_ERR_DATA, "%g", 0.5), LS_ERR_DATA);
    cr_expect_str_eq(err.message, "0.5");
    free(text.text);
}

Test(host, allocation_is_aligned_zeroed_and_checked)
{
    double *memory = NULL;
    ls_error err;
    cr_assert_eq(ls_alloc(&memory, 1001, sizeof *memory, "test", &err), LS_OK);
    cr_expect_eq((uintptr_t)memory % 64, 0);
    for (size_t i = 0; i < 1001; i++) cr_assert_eq(memory[i], 0);
    free(memory);
    cr_expect_eq(ls_alloc(&memory, SIZE_MAX / 4, sizeof *memory, "the test", &err), LS_ERR_MEMORY);
    cr_expect_null(memory);
    expect_message(err.message, "the test", "more than this machine can address");
    cr_assert_eq(ls_alloc(&memory, 0, sizeof *memory, "test", &err), LS_OK);
    cr_expect_not_null(memory);
    free(memory);
}

Test(host, text_grows)
{
    ls_text text = {0};
    for (int i = 0; i < 10000; i++) ls_text_add(&text, "%04d,", i);
    cr_assert_not(text.failed);
    cr_expect_eq(text.length, 50000);
    cr_expect_str_eq(text.text + 49990, "9998,9999,");
    free(text.text);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void expect_contents(const char *path, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    cr_assert_eq(ls_read_file(path, &bytes, &size, NULL), LS_OK);
    cr_expect(size == strlen(expected) && strcmp(bytes, expected) == 0, "%s has \"%s\"", path,
              bytes);
    free(bytes);
}

Test(host, files_are_written_completely_and_keep_permissions)
{
    char folder[] = LS_TEST_FILES, path[64], link[64];
    struct stat info;
    ls_error err;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    umask(027);
    cr_assert_eq(ls_write_file(path, "one", 3, &err), LS_OK, "%s", err.message);
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0640);
    cr_assert_eq(chmod(path, 0600), 0);
    cr_assert_eq(symlink(path, link), 0);
    cr_assert_eq(ls_write_file(link, "two", 3, &err), LS_OK, "%s", err.message);
    expect_contents(path, "two");
    cr_assert_eq(lstat(link, &info), 0);
    cr_expect(S_ISLNK(info.st_mode), "the link was replaced");
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0600);
    unlink(link);
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "a temporary file was left");
}

Test(host, files_that_cannot_be_written_stay_as_they_were)
{
    ls_error err;
    cr_expect_eq(ls_write_file("/tmp/lockstep-no-such-folder/x", "a", 1, &err), LS_ERR_IO);
    expect_message(err.message, "/tmp/lockstep-no-such-folder/x: cannot",
                   "create the folder first");
    cr_expect_eq(ls_write_file("/tmp", "a", 1, &err), LS_ERR_IO);
    cr_expect_eq(ls_write_file("", "a", 1, &err), LS_ERR_ARGUMENT);

    /* A limit on the size of files makes the write fail half way. */
    char folder[] = LS_TEST_FILES, path[64];
    char *large = calloc(1, 100000);
    cr_assert_not_null(large);
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    cr_assert_eq(ls_write_file(path, "before", 6, &err), LS_OK);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {4096, 4096};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_eq(ls_write_file(path, large, 100000, &err), LS_ERR_IO);
    expect_contents(path, "before");
    unlink(path);
    cr_expect_eq(rmdir(folder), 0, "a temporary file was left");
    free(large);
}

Test(host, pipes_are_written_and_not_replaced)
{
    char folder[] = LS_TEST_FILES, path[64], got[8] = "";
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    cr_assert_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    cr_assert(reader >= 0);
    cr_expect_eq(ls_write_file(path, "abc", 3, NULL), LS_OK);
    cr_expect_eq(read(reader, got, sizeof got - 1), 3);
    cr_expect_str_eq(got, "abc");
    close(reader);
    unlink(path);
    rmdir(folder);
}

Test(host, version_and_status_names)
{
    cr_expect_str_eq(ls_version(), "0.1.0");
    cr_expect_str_eq(ls_status_name(LS_OK), "ok");
    cr_expect_str_eq(ls_status_name(LS_ERR_UNSUPPORTED), "unsupported");
    cr_expect_str_eq(ls_status_name((ls_status)99), "unknown");
}
