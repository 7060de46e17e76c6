/* SPDX-License-Identifier: MIT */
/* Programs in other locales: numbers have a comma or a character of several bytes as their decimal
 * point, and letters have other cases. The library reads and writes the same. */
#include "host/base/text.h"
#include "host/model/model.h"
#include "host/network/settings.h"
#include "tests/support/data.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(locale, .timeout = 300);

static const char *const names[] = {"de_DE", "ps_AF", "fa_IR", "tr_TR"};

/* Builds a locale into a folder of the test's own, where setlocale finds it. */
static bool set_locale(const char *name)
{
    char folder[64] = LS_TEST_FILES, command[512], full[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(command, sizeof command, "localedef -i %s -f UTF-8 %s/%s.UTF-8 >%s/log 2>&1", name,
             folder, name, folder);
    bool built = system(command) >= 0;
    cr_assert_eq(setenv("LOCPATH", folder, 1), 0);
    snprintf(full, sizeof full, "%s.UTF-8", name);
    built = built && setlocale(LC_ALL, full);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
    return built;
}

static void train_and_save(char hex[65], char **bytes, size_t *size)
{
    static const char table[] = "iris,width,class\n1.5,0.25,I\n2.5,0.5,i\n-3.25,0.125,I\n4,1e-3,i\n"
                                "1.25,0.75,I\n2,1.5,i\n-3,0.5,I\n4.5,2,i\n";
    char path[64], model_path[64];
    ls_options *options;
    ls_data *data;
    ls_model *model;
    ls_device *device;
    ls_error err = {LS_OK, ""};
    write_temporary(path, table, sizeof table - 1);
    write_temporary(model_path, "", 0);
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "lr", "0.0125", &err), LS_OK, "%s", err.message);
    cr_expect_str_eq(ls_options_get(options, "lr"), "0.0125");
    cr_expect_eq(ls_options_set(options, "lr", "0,5", &err), LS_ERR_ARGUMENT);
    cr_assert_eq(ls_options_set(options, "epochs", "7", &err), LS_OK);
    cr_assert_eq(ls_data_read(path, NULL, &data, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_device_open("CPU", 1, 0, &device, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_train(device, options, data, NULL, NULL, &model, &err), LS_OK, "%s",
                 err.message);
    ls_model_weights_sha256(model, hex);
#if __has_include(<jansson.h>)
    cr_assert_eq(ls_model_save(model, model_path, &err), LS_OK, "%s", err.message);
    ls_model_free(model);
    cr_assert_eq(ls_model_load(model_path, &model, &err), LS_OK, "%s", err.message);
    cr_expect_eq(model->options->settings.rate, 0.0125);
#endif
    *bytes = runs_file_read(model_path, size);
    unlink(path);
    unlink(model_path);
    ls_model_free(model);
    ls_device_close(device);
    ls_data_free(data);
    ls_options_free(options);
}

Test(locale, changes_no_file)
{
    char hex[2][65], *bytes[2];
    size_t size[2], tried = 0;
    train_and_save(hex[0], &bytes[0], &size[0]);
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        if (!set_locale(names[i])) continue;
        tried++;
        const char *before = setlocale(LC_ALL, NULL);
        train_and_save(hex[1], &bytes[1], &size[1]);
        cr_expect_str_eq(setlocale(LC_ALL, NULL), before);
        cr_expect_str_eq(hex[0], hex[1], "%s", names[i]);
        cr_expect(size[0] == size[1] && !memcmp(bytes[0], bytes[1], size[0]), "%s: another file",
                  names[i]);
        free(bytes[1]);
    }
    free(bytes[0]);
    if (!tried) cr_skip_test("no locale could be built (Debian: apt install locales)");
}

Test(locale, letters_are_ascii)
{
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        (void)set_locale(names[i]);
        cr_expect_eq(ls_ascii_casecmp("TITLE", "title"), 0);
        cr_expect(ls_ascii_contains("Portable Computing LIbrary", "library"));
        cr_expect(ls_ascii_contains("x", ""));
        cr_expect(!ls_ascii_contains("lib", "libr"));
        cr_expect_eq(ls_ascii_ncasecmp("sep=x", "SEP=y", 4), 0);
        cr_expect_lt(ls_ascii_casecmp("a", "B"), 0);
        cr_expect_neq(ls_ascii_casecmp("\xc4", "\xe4"), 0, "no letters of Latin-1");
    }
}

Test(locale, bytes_that_are_no_utf8)
{
    char text[] = "a\xffgr\xc3\xbc\xc3(\xe2\x82\xac\xe2\x82";
    ls_clean_utf8(text);
    cr_expect_str_eq(text, "a?gr\xc3\xbc?(\xe2\x82\xac??");
    cr_expect(ls_is_utf8(text));
}
