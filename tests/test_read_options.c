/* SPDX-License-Identifier: MIT */
/* Options of reading, and the notes about what was assumed. */
#include <criterion/criterion.h>

#include "host/base/error.h"
#include "host/base/text.h"
#include "host/data/notes.h"
#include "host/data/request.h"
#include "tests/support/data.h"

/* ---- Notes ----------------------------------------------------------------------------------- */

Test(notes, equal_notes_are_kept_once_and_in_order)
{
    ls_error err;
    ls_data *data = read_text("1,2,a\n3,4,b\n", NULL);
    cr_expect_null(ls_data_note(data, 0));
    cr_assert_eq(ls_data_note_add(data, &err, "column %d (--%s)", 1, "drop"), LS_OK);
    cr_assert_eq(ls_data_note_add(data, &err, "another"), LS_OK);
    cr_assert_eq(ls_data_note_add(data, &err, "column %d (--%s)", 1, "drop"), LS_OK);
    cr_expect_str_eq(ls_data_note(data, 0), "column 1 (--drop)");
    cr_expect_str_eq(ls_data_note(data, 1), "another");
    cr_expect_null(ls_data_note(data, 2));
    ls_data_free(data);
}

Test(notes, what_would_harm_a_terminal_or_json_is_replaced)
{
    ls_error err;
    ls_data *data = read_text("1,2,a\n3,4,b\n", NULL);
    cr_assert_eq(ls_data_note_add(data, &err, "a\033[2Jb\x7f\n"), LS_OK);
    cr_assert_eq(ls_data_note_add(data, &err, "caf\xe9"), LS_OK);
    cr_assert_eq(ls_data_note_add(data, &err, "caf\xc3\xa9"), LS_OK);
    cr_expect_str_eq(ls_data_note(data, 0), "a?[2Jb??");
    cr_expect_str_eq(ls_data_note(data, 1), "caf?");
    cr_expect_str_eq(ls_data_note(data, 2), "caf\xc3\xa9");
    ls_data_free(data);
}

Test(notes, parts_have_none_and_moved_notes_are_kept_once)
{
    ls_error err;
    ls_data *data = read_text("1,2,a\n3,4,b\n5,6,a\n7,8,b\n", NULL), *rest = NULL, *part = NULL;
    cr_assert_eq(ls_data_note_add(data, &err, "one"), LS_OK);
    cr_assert_eq(ls_data_note_add(data, &err, "two"), LS_OK);
    cr_assert_eq(ls_data_split(data, 0.5, 1, &rest, &part, &err), LS_OK);
    cr_expect_null(ls_data_note(rest, 0));
    cr_expect_null(ls_data_note(part, 0));
    cr_assert_eq(ls_data_note_add(rest, &err, "two"), LS_OK);
    cr_assert_eq(ls_data_notes_move(data, rest, &err), LS_OK);
    cr_expect_null(ls_data_note(data, 0));
    cr_expect_str_eq(ls_data_note(rest, 0), "two");
    cr_expect_str_eq(ls_data_note(rest, 1), "one");
    cr_expect_null(ls_data_note(rest, 2));
    ls_data_free(data);
    ls_data_free(rest);
    ls_data_free(part);
}

/* ---- Options --------------------------------------------------------------------------------- */

Test(read_options, values_are_taken)
{
    ls_error err = {LS_OK, ""};
    ls_read_request r;
    ls_read_options o = {.header = "no",
                         .separator = "tab",
                         .decimal = "comma",
                         .thousands = "point",
                         .task = "regression",
                         .units = "a,b",
                         .missing_mark = "-999",
                         .missing = "median",
                         .weight = "w",
                         .group = "g",
                         .no_target = 1,
                         .dates = 1,
                         .sample = 7,
                         .sample_seed = 3};
    cr_assert_eq(ls_request_take(&o, &r, &err), LS_OK, "%s", err.message);
    cr_expect_eq(r.header, LS_HEADER_NO);
    cr_expect_eq(r.separator, '\t');
    cr_expect_eq(r.decimal, ',');
    cr_expect_eq(r.thousands, '.');
    cr_expect_eq(r.task, LS_ASK_REGRESSION);
    cr_expect_eq(r.missing, LS_MISSING_MEDIAN);
    cr_expect(r.no_target && r.dates && r.sample == 7 && r.sample_seed == 3);
    cr_expect_str_eq(r.weight, "w");
    cr_expect_str_eq(r.group, "g");
    cr_expect_str_eq(r.units, "a,b");
    cr_expect_str_eq(r.missing_mark, "-999");
}

Test(read_options, zero_stands_for_the_defaults)
{
    ls_error err = {LS_OK, ""};
    ls_read_request r;
    cr_assert_eq(ls_request_take(&(ls_read_options){0}, &r, &err), LS_OK, "%s", err.message);
    cr_expect(r.header == LS_HEADER_AUTO && !r.separator && !r.decimal && !r.thousands);
    cr_expect(r.task == LS_ASK_AUTO && r.missing == LS_MISSING_MEAN && !r.no_target && !r.dates);
    const ls_read_options automatic = {.header = "auto",
                                       .separator = "auto",
                                       .decimal = "auto",
                                       .thousands = "none",
                                       .task = "auto"};
    cr_assert_eq(ls_request_take(&automatic, &r, &err), LS_OK, "%s", err.message);
    cr_expect(r.header == LS_HEADER_AUTO && !r.separator && !r.decimal && !r.thousands);
}

Test(read_options, separators)
{
    static const struct {
        const char *text;
        char separator;
    } list[] = {{"comma", ','}, {",", ','},    {"semicolon", ';'}, {"pipe", '|'},
                {"|", '|'},     {"tab", '\t'}, {"\\t", '\t'},      {"\t", '\t'},
                {"space", ' '}, {" ", ' '},    {":", ':'}};
    for (size_t i = 0; i < COUNT(list); i++) {
        ls_error err = {LS_OK, ""};
        ls_read_request r;
        cr_expect_eq(ls_request_take(&(ls_read_options){.separator = list[i].text}, &r, &err),
                     LS_OK, "%s", err.message);
        cr_expect_eq(r.separator, list[i].separator, "%s", list[i].text);
    }
}

/* The character of decimals is the one that thousands leave. */
Test(read_options, thousands_settle_the_decimals)
{
    ls_error err;
    ls_read_request r;
    cr_assert_eq(ls_request_take(&(ls_read_options){.thousands = "point"}, &r, &err), LS_OK);
    cr_expect(r.thousands == '.' && r.decimal == ',');
    cr_assert_eq(ls_request_take(&(ls_read_options){.thousands = "comma"}, &r, &err), LS_OK);
    cr_expect(r.thousands == ',' && r.decimal == '.');
    cr_assert_eq(ls_request_take(&(ls_read_options){.thousands = "space"}, &r, &err), LS_OK);
    cr_expect(r.thousands == ' ' && r.decimal == 0);
}

Test(read_options, mistakes_name_the_option_and_suggest_a_value)
{
    static const struct {
        ls_read_options o;
        const char *option, *says;
    } list[] = {
        {{.header = "ye"}, "--header", "did you mean 'yes'"},
        {{.header = "first"}, "--header", "did you mean 'yes'"},
        {{.header = "purple"}, "--header", "auto, yes, no"},
        {{.separator = "tabs"}, "--separator", "did you mean 'tab'"},
        {{.separator = ";;"}, "--separator", "semicolon|or a character"},
        {{.separator = "x"}, "--separator", "no letter"},
        {{.separator = "."}, "--separator", "point"},
        {{.separator = "\""}, "--separator", "quote"},
        {{.separator = ""}, "--separator", "give one of"},
        {{.decimal = "coma"}, "--decimal", "did you mean 'comma'"},
        {{.decimal = "space"}, "--decimal", "auto, point, comma"},
        {{.thousands = "apostroph"}, "--thousands", "did you mean 'apostrophe'"},
        {{.decimal = "comma", .thousands = "comma"}, "--decimal", "--thousands|both comma"},
        {{.task = "regresion"}, "--task", "did you mean 'regression'"},
        {{.task = "numbers"}, "--task", "did you mean 'regression'"},
        {{.task = "purple"}, "--task", "auto, classification, regression"},
        {{.missing = "avg"}, "--missing", "mean"},
    };
    for (size_t i = 0; i < COUNT(list); i++) {
        ls_error err = {LS_OK, ""};
        ls_data *data = NULL;
        cr_expect_eq(ls_data_read("no such file", &(ls_read_options){0}, &data, &err), LS_ERR_IO);
        ls_read_options o = list[i].o;
        o.struct_size = sizeof o;
        cr_expect_eq(ls_data_read("no such file", &o, &data, &err), LS_ERR_ARGUMENT, "%s %s",
                     list[i].option, err.message);
        expect_message(err.message, list[i].option, list[i].says);
    }
}
