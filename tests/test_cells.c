/* SPDX-License-Identifier: MIT */
/* What the cells of a file become: names, numbers in other spellings, dates, marks of missing
 * values, offsets and targets. */
#include <criterion/criterion.h>

#include <math.h>

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/data/csv.h"
#include "host/data/dates.h"
#include "host/data/encoder.h"
#include "host/data/names.h"
#include "host/data/notes.h"
#include "host/data/read.h"
#include "host/data/spelling.h"
#include "tests/support/data.h"

static ls_status read_with(const char *text, size_t size, const ls_read_request *request,
                           ls_data **out, ls_error *err)
{
    char path[64];
    *out = NULL;
    write_temporary(path, text, size);
    ls_status status = ls_read_rows(path, request, out, err);
    unlink(path);
    return status;
}

/* Reads text that must be accepted. */
static ls_data *read_as(const char *text, ls_read_request request)
{
    ls_data *data;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(read_with(text, strlen(text), &request, &data, &err), LS_OK, "\"%s\": %s", text,
                 err.message);
    return data;
}

static void expect_refusal(const char *text, ls_read_request request, const char *says)
{
    ls_data *data;
    ls_error err = {LS_OK, ""};
    cr_expect_neq(read_with(text, strlen(text), &request, &data, &err), LS_OK, "\"%s\" is read",
                  text);
    cr_expect_null(data);
    expect_message(err.message, "/tmp/lockstep-test-", says);
    ls_data_free(data);
}

static bool has_note(const ls_data *data, const char *part)
{
    for (size_t i = 0; i < data->notes; i++)
        if (strstr(data->note[i], part)) return true;
    return false;
}

/* A file with the header a,class, in whose rows `format` gets the row number (twice), or `other`
 * stands instead in every `every`-th row. Freed by the caller. */
static char *column_of(const char *format, int rows, const char *other, int every, char separator)
{
    ls_text text = {0};
    ls_text_add(&text, "a%cb%cclass\n", separator, separator);
    for (int i = 0; i < rows; i++) {
        if (every && i % every == every - 1) ls_text_add(&text, "%s", other);
        else
            for (const char *at = format; *at; at++) {
                if (*at == '#') ls_text_add(&text, "%d", i);
                else if (*at == '@') ls_text_add(&text, "%03d", i);
                else if (*at == '%') ls_text_add(&text, "%d", i % 3);
                else ls_text_add(&text, "%c", *at);
            }
        ls_text_add(&text, "%c%d%c%c\n", separator, i * i % 7, separator, "uv"[i % 2]);
    }
    cr_assert_not(text.failed);
    return text.text;
}

/* ---- Names ----------------------------------------------------------------------------------- */

Test(cells, one_name_or_two)
{
    static const struct {
        const char *a, *b;
        bool one;
    } pairs[] = {
        {"1", "1.0", true},
        {"+1", "1.", true},
        {"-0", "0", true},
        {"9007199254740993", "9007199254740993.00", true},
        {"123456789012345678901234567890", "+123456789012345678901234567890", true},
        {"1", "-1", false},
        {"9007199254740992", "9007199254740993", false},
        {"007", "7", false},
        {"1E3", "1000", false},
        {"1.10", "1.1", false},
        {"1.5", "1.50", false},
        {"a", "a.", false},
        {"1", "1.01", false},
        {"TRUE", "True", false},
        {"00", "0", false},
        {".0", "0", false},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        cr_expect_eq(ls_is_one_name(pairs[i].a, pairs[i].b), pairs[i].one, "%s and %s", pairs[i].a,
                     pairs[i].b);
        cr_expect_eq(ls_is_one_name(pairs[i].b, pairs[i].a), pairs[i].one);
    }
}

static void expect_names(const char *text, ls_read_request request, const char *const *names,
                         size_t count)
{
    ls_data *data = read_as(text, request);
    cr_assert_eq(data->classes, count, "\"%s\": %zu classes", text, data->classes);
    for (size_t k = 0; k < count; k++) cr_expect_str_eq(data->class_names[k], names[k]);
    ls_data_free(data);
}

Test(cells, classes_are_exact_and_in_order)
{
    static const char *const wide[] = {"9007199254740992", "9007199254740993"},
                             *const codes[] = {"007", "012"}, *const letters[] = {"1000", "1E3"},
                             *const fractions[] = {"0.1234567891", "0.1234567892"},
                             *const mixed[] = {"-1", "0.5", "1", "2.0"},
                             *const texts[] = {"1", "10", "b"};
    const ls_read_request classes = {.task = LS_ASK_CLASSIFICATION};
    expect_names("x,c\n1,9007199254740993\n2,9007199254740992\n3,9007199254740993\n", classes, wide,
                 2);
    expect_names("x,c\n1,012\n2,007\n3,012\n", (ls_read_request){0}, codes, 2);
    expect_names("x,c\n1,1E3\n2,1000\n3,1E3\n", classes, letters, 2);
    expect_names("x,c\n1,0.1234567892\n2,0.1234567891\n", classes, fractions, 2);
    expect_names("x,c\n1,2.0\n2,+1\n3,1\n4,-1\n5,0.5\n", classes, mixed, 4);
    expect_names("x,c\n1,b\n2,10\n3,1\n4,1.0\n", classes, texts, 3);
}

Test(cells, merged_spellings_are_told)
{
    ls_data *data = read_as("x,c\n1,+1\n2,-1\n3,1\n", (ls_read_request){0});
    cr_expect(has_note(data, "\"+1\" and \"1\""));
    ls_data_free(data);
    data = read_as("x,c\n1,1.0\n2,2.0\n3,1.0\n", (ls_read_request){0});
    cr_expect_eq(data->notes, 0);
    cr_expect_str_eq(data->class_names[0], "1.0");
    ls_data_free(data);
}

/* Numbers among texts keep their spelling, so a row alone is what it is within its file. */
Test(cells, categories_do_not_depend_on_other_rows)
{
    ls_data *train =
        read_as("code,x,c\nV10,1,a\n0012,2,b\nE11,3,a\n1.50,1,b\n4019,2,a\nV10,1,a\nE11,2,b\n",
                (ls_read_request){0});
    cr_assert(train->column && train->column[0].categorical);
    cr_assert_eq(train->column[0].categories, 5);
    static const char *const names[] = {"0012", "1.50", "4019", "E11", "V10"};
    for (size_t k = 0; k < 5; k++) cr_expect_str_eq(train->column[0].category[k], names[k]);
    ls_encoder *encoder;
    ls_error err;
    cr_assert_eq(ls_encoder_fit(train, &encoder, &err), LS_OK);
    static const struct {
        const char *text, *beside;
        size_t input; /* that is 1; 5: none */
    } rows[] = {{"0012", "zz", 0}, {"1.50", "zz", 1},  {"1.5", "zz", 5},
                {"12", "zz", 5},   {"4019.0", "1", 2}, {"V10", "1", 4}};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int beside = 0; beside < 2; beside++) {
            char text[64];
            float inputs[14] = {0};
            snprintf(text, sizeof text, beside ? "code,x\n%s,1\n%s,1\n" : "code,x\n%s,1\n",
                     rows[i].text, rows[i].beside);
            ls_data *data = read_as(text, (ls_read_request){.expected = ls_expect_like(train)});
            cr_assert_eq(ls_encode(encoder, &(ls_number_scaling){0}, 7, data, inputs, &err), LS_OK);
            for (size_t k = 0; k < 5; k++)
                cr_expect_eq(inputs[k], k == rows[i].input ? 1.0f : 0.0f, "%s, input %zu",
                             rows[i].text, k);
            ls_data_free(data);
        }
    ls_encoder_free(encoder);
    ls_data_free(train);
}

/* Within quotes, too. */
Test(cells, blanks_at_the_ends_are_no_part_of_a_name)
{
    static const char *const names[] = {"bad", "good"};
    static const char text[] = "a,x,c\n\" r\",1,\"  bad\"\nr,2,bad\n\"\xc2\xa0g\t\",\" 3 \",good\n"
                               "g,4,\"good\xe2\x80\xaf\"\n";
    ls_data *data = read_as(text, (ls_read_request){0});
    cr_assert_eq(data->classes, 2);
    for (size_t k = 0; k < 2; k++) cr_expect_str_eq(data->class_names[k], names[k]);
    cr_assert(data->column && data->column[0].categories == 2 && !data->column[1].categorical);
    cr_expect(data->x[0] == data->x[2] && data->x[4] == data->x[6] && data->x[0] != data->x[4]);
    cr_expect_eq(data->x[5], 3.0f);
    ls_data *like = read_as("a,x,c\n\" g \",1,\"bad \"\n",
                            (ls_read_request){.expected = ls_expect_like(data)});
    cr_expect(like->x[0] == data->x[4] && like->y[0] == 0);
    ls_data_free(like);
    ls_data_free(data);
    /* Names of a model may have them. */
    static const char *const known[] = {"  bad", "good "};
    cr_expect_eq(ls_find_name("bad", known, 2, false), 0);
    cr_expect_eq(ls_find_name("good", known, 2, false), 1);
    cr_expect_eq(ls_find_name("d", known, 2, false), 2);
    expect_refusal("x,c\n1,a\n2,\" \"\n", (ls_read_request){0}, "the class is missing");
}

Test(cells, a_class_na_must_be_quoted)
{
    expect_refusal(
        "x,c\n1,DE\n2,NA\n", (ls_read_request){0},
        "line 3, column 1 (from 0, c): the class is missing: NA without quotes|write \"NA\"");
    expect_names("x,c\n1,DE\n2,\"NA\"\n", (ls_read_request){0}, (const char *[]){"DE", "NA"}, 2);
}

/* ---- Numbers in other spellings -------------------------------------------------------------- */

Test(cells, formats_of_numbers)
{
    static const struct {
        const char *text;
        ls_number_format format;
        double value; /* NaN: refused */
    } cases[] = {
        {"5,1", {.decimal = ','}, 5.1},
        {"-,5", {.decimal = ','}, -0.5},
        {"1,5e3", {.decimal = ','}, 1500},
        {"5.1", {.decimal = ','}, NAN},
        {"1,234.5", {.thousands = ','}, 1234.5},
        {"1,234,567", {.thousands = ','}, 1234567},
        {"1234", {.thousands = ','}, 1234},
        {"12,34", {.thousands = ','}, NAN},
        {"1,2345", {.thousands = ','}, NAN},
        {"1234,567", {.thousands = ','}, NAN},
        {"0,123", {.thousands = ','}, NAN},
        {",123", {.thousands = ','}, NAN},
        {"1.234,5", {.decimal = ',', .thousands = '.'}, 1234.5},
        {"1 234,5", {.decimal = ',', .thousands = ' '}, 1234.5},
        {"1\xc2\xa0"
         "234",
         {.thousands = ' '},
         1234},
        {"1\xe2\x80\xaf"
         "234",
         {.thousands = ' '},
         1234},
        {"1'234", {.thousands = '\''}, 1234},
        {"$5", {.units = true, .prefix = "$"}, 5},
        {"-$5", {.units = true, .prefix = "$"}, -5},
        {"$-5", {.units = true, .prefix = "$"}, -5},
        {"5 kg", {.units = true, .suffix = "kg"}, 5},
        {"5kg", {.units = true, .suffix = "kg"}, 5},
        {"5", {.units = true, .suffix = "kg"}, 5},
        {"5 lb", {.units = true, .suffix = "kg"}, NAN},
        {"$5", {.units = true, .suffix = "kg"}, NAN},
        {"$5", {0}, NAN},
        {"1e400", {.decimal = ','}, NAN},
        {"", {.decimal = ','}, NAN},
        {"-", {.decimal = ','}, NAN},
        {",", {.decimal = ','}, NAN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = NAN;
        bool read = ls_parse_formatted(cases[i].text, &cases[i].format, &value);
        cr_expect_eq(read, !isnan(cases[i].value), "\"%s\"", cases[i].text);
        if (read) cr_expect_eq(value, cases[i].value, "\"%s\" is %.17g", cases[i].text, value);
    }
}

typedef struct {
    const char *format; /* # row number, @ with three digits, % row number modulo 3 */
    char separator;
    ls_read_request request;
    const char *says; /* NULL: read as numbers; "": as categories; else refused */
    const char *note; /* part of a note, or NULL for no notes */
} spelled;

static void check_spelled(const spelled *one, int rows)
{
    char *text = column_of(one->format, rows, NULL, 0, one->separator);
    if (one->says && *one->says) {
        expect_refusal(text, one->request, one->says);
        free(text);
        return;
    }
    ls_data *data = read_as(text, one->request);
    bool categories = data->column && data->column[0].categorical;
    cr_expect_eq(categories, one->says != NULL, "%s", one->format);
    if (one->note) cr_expect(has_note(data, one->note), "%s: no note", one->format);
    else cr_expect_eq(data->notes, 0, "%s: %s", one->format, data->notes ? data->note[0] : "");
    ls_data_free(data);
    free(text);
}

Test(cells, other_spellings_are_read_or_refused)
{
    static const spelled cases[] = {
        {"#,5", ';', {0}, NULL, "decimal comma"},
        {"#,5", '\t', {0}, NULL, "decimal comma"},
        {"#,5", ';', {.decimal = '.'}, "column 0 (from 0, a)|\"0,5\"|--decimal comma", NULL},
        {"#,5", ';', {.decimal = ','}, NULL, NULL},
        {"\"#,5\"",
         ',',
         {0},
         "line 2, column 0 (from 0, a)|\"0,5\"|--decimal comma|--drop a|--categorical a",
         NULL},
        {"\"#,5\"", ',', {.decimal = ','}, NULL, NULL},
        {"\"1,@\"", ',', {0}, "--thousands comma|or --decimal comma", NULL},
        {"\"1,@\"", ',', {.thousands = ','}, NULL, NULL},
        {"1 @", ',', {0}, "--thousands space", NULL},
        {"1 @", ',', {.thousands = ' '}, NULL, NULL},
        {"1'@", ',', {0}, "--thousands apostrophe", NULL},
        {"1.@,5", ';', {0}, "--thousands point|--decimal comma", NULL},
        {"1.@,5", ';', {.decimal = ',', .thousands = '.'}, NULL, NULL},
        {"$#", ',', {0}, "with a sign or a unit|--units a", NULL},
        {"$#", ',', {.units = "a"}, NULL, NULL},
        {"\xe2\x82\xac#", ',', {0}, "--units a", NULL},
        {"# kg", ',', {0}, "--units a", NULL},
        {"# kg", ',', {.units = "0"}, NULL, NULL},
        {"<#", ',', {0}, "--units a", NULL},
        {"# widgets", ',', {0}, "--units a", NULL},
        {"(#)",
         ',',
         {0},
         "line 2, column 0 (from 0, a)|\"(0)\" is of digits|--drop a|--categorical a",
         NULL},
        {"$(#)", ',', {0}, "\"$(0)\" is of digits", NULL},
        {"#-", ',', {0}, "\"0-\" is of digits", NULL},
        {"#,-", ';', {0}, "\"0,-\" is of digits", NULL},
        {"#/10", ',', {0}, "\"0/10\" is of digits", NULL},
        {"1 #/10", ',', {0}, "\"1 0/10\" is of digits", NULL},
        {"1.#D+03", ',', {0}, "\"1.0D+03\" is of digits", NULL},
        {"\xe2\x88\x92#", ',', {0}, "is of digits|--categorical a", NULL},
        {"#k", ',', {0}, "\"0k\" is of digits", NULL},
        {"1.#M", ',', {0}, "\"1.0M\" is of digits", NULL},
        {"1_@", ',', {0}, "\"1_000\" is of digits", NULL},
        {"%K", ',', {0}, "", NULL},
        {"#:0", ',', {0}, "\"0:0\" is of digits", NULL},
        {"(#)", ',', {.categorical = "a"}, "", NULL},
        {"(%)", ',', {0}, "", NULL},
        {"#-9#", ',', {0}, "", NULL}, /* ranges */
        {"\"[#,50)\"", ',', {0}, "", NULL},
        {"- #", ',', {0}, "\"- 0\"|write it plainly, leave", NULL},
        {"V%", ',', {0}, "", NULL},
        {"E1%", ',', {0}, "", NULL},
        {"%door", ',', {0}, "", "--units a"},
        {"%th", ',', {0}, "", "--units a"},
        {"% months", ',', {0}, "", "--units a"},
        {"10%-20%", ',', {0}, "", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_spelled(&cases[i], 40);
}

Test(cells, percent_and_unit_of_two_kinds)
{
    expect_refusal("a,class\n5%,u\n6%,v\n7%,u\n", (ls_read_request){0}, "\"5%\"|--units a");
    ls_data *data = read_as("a,class\n5%,u\n6 %,v\n7,u\n", (ls_read_request){.units = "a"});
    cr_expect(data->x[0] == 5 && data->x[1] == 6 && data->x[2] == 7);
    cr_assert_not_null(data->column);
    cr_expect_str_eq(data->column[0].format.suffix, "%");
    /* Rows like these need the same unit. */
    const ls_read_request like = {.expected = ls_expect_like(data)};
    expect_refusal("a\n5 kg\n", like, "line 2, column 0 (from 0, a)|\"5 kg\"");
    ls_data *same = read_as("a\n9%\n8\n", like);
    cr_expect(same->x[0] == 9 && same->x[1] == 8);
    ls_data_free(same);
    ls_data_free(data);
    expect_refusal("a,class\n5 kg,u\n6 lb,v\n", (ls_read_request){.units = "a"},
                   "line 3, column 0 (from 0, a)|\"6 lb\"|\"kg\"");
    expect_refusal("a;class\n5,5;u\n6.5;v\n7,5;u\n", (ls_read_request){0},
                   "line 3, column 0 (from 0, a)|\"6.5\" has a decimal point");
}

/* Categories are texts: how numbers are written says nothing about them, and model files may not
 * say that it does. */
Test(cells, categories_have_no_format_of_numbers)
{
    static const ls_number_format none = {0};
    ls_data *data = read_as("a;x;y\nr;1,5;u\ng;2,5;v\nr;3,5;u\n",
                            (ls_read_request){.decimal = ',', .units = "a"});
    cr_assert(data->column && data->column[0].categorical && !data->column[1].categorical);
    cr_expect(ls_same_format(&data->column[0].format, &none));
    cr_expect_eq(data->column[1].format.decimal, ',');
    ls_data_free(data);
    data = read_as("a;x;y\n1,5;1,5;u\n2;2,5;v\n1,5;3,5;u\n",
                   (ls_read_request){.decimal = ',', .categorical = "a"});
    cr_assert(data->column && data->column[0].categorical);
    cr_expect(ls_same_format(&data->column[0].format, &none));
    ls_data_free(data);
}

/* "<5" is no 5 beside other numbers. */
Test(cells, relations_are_ignored_only_where_all_have_one)
{
    const ls_read_request units = {.units = "a"};
    ls_data *data = read_as("a,class\n<5,u\n< 6,v\n<7,u\n", units);
    cr_expect(data->x[0] == 5 && data->x[1] == 6 && data->x[2] == 7);
    cr_expect(has_note(data, "column 0 (from 0, a): the sign < in front of each"));
    const ls_read_request like = {.expected = ls_expect_like(data)};
    expect_refusal("a\n5\n", like, "line 2, column 0 (from 0, a)|\"5\"");
    expect_refusal("a\n>5\n", like, "line 2, column 0 (from 0, a)|\">5\"");
    ls_data_free(data);
    expect_refusal("a,class\n<5,u\n6,v\n<7,u\n", units,
                   "line 3, column 0 (from 0, a): \"6\" has not the sign|\"<\"");
    expect_refusal("a,class\n5,u\n<6,v\n7,u\n", units,
                   "line 3, column 0 (from 0, a): \"<6\" has not the sign");
    expect_refusal("a,class\n<5,u\n>6,v\n<7,u\n", units, "line 3, column 0 (from 0, a): \">6\"");
    expect_refusal("a,class\n<5 kg,u\n6 kg,v\n", units, "line 3, column 0 (from 0, a): \"6 kg\"");
    expect_refusal("x,y\n1,5\n2,<6\n3,7\n",
                   (ls_read_request){.units = "y", .task = LS_ASK_REGRESSION}, "\"<6\"");
}

/* With a model, a row alone is read as within its file: nothing is found from its cells. */
Test(cells, decimal_commas_are_kept_for_rows_like_these)
{
    ls_data *data = read_as("a;class\n5,5;u\n6;v\n7,25;u\n", (ls_read_request){0});
    cr_assert_not_null(data->column);
    cr_expect_eq(data->column[0].format.decimal, ',');
    ls_data *like = read_as("a\n6\n", (ls_read_request){.expected = ls_expect_like(data)});
    cr_expect_eq(like->x[0], 6.0f);
    ls_data_free(like);
    expect_refusal("a\n6.5\n", (ls_read_request){.expected = ls_expect_like(data)},
                   "\"6.5\" is not a number in the spelling of the column");
    ls_data_free(data);
}

/* Among plain numbers, too, however few. */
Test(cells, spellings_that_are_not_read_among_numbers)
{
    static const char *const odd[] = {"(3)", "3-", "1/3", "1.5D+03"};
    for (size_t i = 0; i < COUNT(odd); i++) {
        char *text = column_of("%", 40, odd[i], 8, ',');
        expect_refusal(text, (ls_read_request){0}, "line 9, column 0 (from 0, a)|is of digits");
        free(text);
        text = column_of("#", 40, odd[i], 40, ',');
        expect_refusal(text, (ls_read_request){0}, "line 41, column 0 (from 0, a)|is of digits");
        free(text);
    }
    ls_text text = {0};
    ls_text_add(&text, "x,y\n");
    for (int i = 0; i < 40; i++) ls_text_add(&text, "%d,(%d)\n", i % 3, i);
    expect_refusal(text.text, (ls_read_request){0},
                   "line 2, column 1 (from 0, y): the target \"(0)\"");
    free(text.text);
}

/* ---- Dates ----------------------------------------------------------------------------------- */

Test(cells, dates_and_times)
{
    static const struct {
        const char *text;
        double number; /* NaN: a date that is no number of days */
    } dates[] = {
        {"1970-01-01", 0},
        {"2024-03-31", 19813},
        {"31.3.2024", 19813},
        {"3/31/24", 19813},
        {"31-Mar-2024", 19813},
        {"31 March 2024", 19813},
        {"31. M\xc3\xa4rz 2024", 19813},
        {"31 mars 2024", 19813},
        {"March 31, 2024", 19813},
        {"Sunday, March 31st, 2024", 19813},
        {"2024-W13-7", 19813},
        {"2024W137", 19813},
        {"2024-W13", 19807},
        {"2020-W53-7", 18630},
        {"2024 03 31", 19813},
        {"2024/03/31", 19813},
        {"31MAR2024", 19813},
        {"2024-03", 19783},
        {"Mar 2024", 19783},
        {"03/2024", 19783},
        {"31 Mar", NAN},
        {"2024-02-30", NAN},
        {"2024-03-31T12:00:00Z", 19813.5},
        {"2024-03-31 12:00", 19813.5},
        {"2024-03-31T12:00:00+12:00", 19813},
        {"2024-03-31T18:00:00-0600", 19814},
        {"20240331T1200", 19813.5},
        {"01Jan1970:12:00:00", 0.5},
        {"12:30", 12.5},
        {"12:30:36", 12.51},
        {"12:30:05.5", 12.5 + 5.5 / 3600},
        {"3 pm", 15},
        {"12:30 AM", 0.5},
        {"1 days 12:00:00", 36},
        {"1969-12-31", -1},
    };
    static const char *const others[] = {
        "",         "12",       "20240331", "10-20",       "1-2-3",       "192.168.1.1",
        "V1.2",     "2020-21",  "1.10.2",   "16:9",        "may",         "August",
        "4/5",      "3+",       "10e",      "12a",         "2024-13-01",  "12:60",
        "31.13.24", "13/13/24", "a 2024",   "2024-03-31x", "12:30:05:06", "99",
    };
    for (size_t i = 0; i < COUNT(dates); i++) {
        ls_date date;
        double number = NAN;
        cr_expect(ls_parse_date(dates[i].text, &date), "%s", dates[i].text);
        bool counted = ls_date_number(&date, &number);
        cr_expect_eq(counted, !isnan(dates[i].number), "%s", dates[i].text);
        if (counted)
            cr_expect(fabs(number - dates[i].number) < 1e-9, "%s is %.17g", dates[i].text, number);
    }
    for (size_t i = 0; i < COUNT(others); i++)
        cr_expect_not(ls_parse_date(others[i], NULL), "%s", others[i]);
    expect_refusal("d,class\n31-Mar-2024,u\n1-Apr-2024,v\n", (ls_read_request){0},
                   "line 2, column 0 (from 0, d)|\"31-Mar-2024\" is a date|--drop d");
    expect_refusal("d,class\n12:30,u\n13:30,v\n", (ls_read_request){0}, "is a time|--drop d");
}

typedef struct {
    const char *text;
    double number[3]; /* of its rows; 0 rows: refused */
    const char *says; /* in the message, or a note */
} dated;

Test(cells, dates_become_numbers_on_request)
{
    static const dated files[] = {
        {"2024-03-31,u\n2024-04-01,v\n2024-04-02T12:00,u\n",
         {19813, 19814, 19815.5},
         "dates such as 2024-03-31 are read as days since 1970-01-01"},
        {"1/4/2024,u\n31/3/2024,v\n2/4/2024,u\n", {19814, 19813, 19815}, "the day before"},
        {"4/1/2024,u\n3/31/2024,v\n4/2/2024,u\n", {19814, 19813, 19815}, "the month before"},
        {"1.4.2024,u\n2.4.2024,v\n3.4.2024,u\n", {19814, 19815, 19816}, "the day before"},
        {"12:30,u\n13:00,v\n0:45:00,u\n",
         {12.5, 13, 0.75},
         "times such as 12:30 are read as hours"},
    };
    const ls_read_request dates = {.dates = true};
    for (size_t i = 0; i < COUNT(files); i++) {
        char text[128], row[64];
        snprintf(text, sizeof text, "d,class\n%s", files[i].text);
        ls_data *data = read_as(text, dates);
        cr_assert(data->column && !data->column[0].categorical);
        cr_expect(has_note(data, files[i].says), "%s", files[i].text);
        for (size_t r = 0; r < 3; r++)
            cr_expect_eq((double)data->x[r] + data->column[0].offset, files[i].number[r], "%s",
                         files[i].text);
        /* A row alone is read in the order of the file. */
        snprintf(row, sizeof row, "d\n%.*s\n", (int)strcspn(files[i].text, ","), files[i].text);
        ls_data *like = read_as(row, (ls_read_request){.expected = ls_expect_like(data)});
        cr_expect_eq(like->x[0], data->x[0]);
        ls_data_free(like);
        expect_refusal("d\n13/13/24\n", (ls_read_request){.expected = ls_expect_like(data)},
                       "line 2, column 0 (from 0, d): \"13/13/24\" is not a ");
        ls_data_free(data);
        expect_refusal(text, (ls_read_request){0}, "line 2, column 0 (from 0, d)|--dates|--drop d");
    }
    static const dated refused[] = {
        {"1/4/2024,u\n2/3/2024,v\n",
         {0},
         "column 0 (from 0, d)|\"1/4/2024\" may have the day first|month first"},
        {"13/4/2024,u\n2/13/2024,v\n",
         {0},
         "line 3|\"2/13/2024\" is not a date with the day first"},
        {"1.4.2024,u\n2.13.2024,v\n", {0}, "line 3|\"2.13.2024\" is not a date with the day first"},
        {"2024-04-01,u\n2024-04-02,u\nsoon,v\n", {0}, "line 4|\"soon\" is not a date"},
        {"2024-04-01,u\n12:30,v\n", {0}, "line 3|\"12:30\" is not a date"},
        {"12:30,u\n2024-04-01,v\n", {0}, "line 3|\"2024-04-01\" is not a time"},
        {"2024-04-01,u\n2024-02-30,v\n", {0}, "line 3|\"2024-02-30\" is not a date"},
        {"31 Mar,u\n1 Apr,v\n", {0}, "line 2|\"31 Mar\" is not a date"},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        char text[128];
        snprintf(text, sizeof text, "d,class\n%s", refused[i].text);
        expect_refusal(text, dates, refused[i].says);
    }
    ls_data *data = read_as("d,class\n2024-03-31,u\n-,v\nNA,u\n", dates);
    cr_expect(!isnan(data->x[0]) && isnan(data->x[1]) && isnan(data->x[2]));
    ls_data_free(data);
    data = read_as("x,class\n1,u\n2,v\n", dates);
    cr_expect(!data->column && data->notes == 0);
    ls_data_free(data);
}

/* The order may only be known behind the texts that are kept. */
Test(cells, a_late_date_decides_the_order)
{
    for (int decides = 0; decides < 3; decides++) {
        static const char *const last[] = {"1/1/2024 0:00", "13/1/2024 0:00", "1/13/2024 0:00"};
        ls_text text = {0};
        ls_text_add(&text, "d,class\n");
        for (int i = 0; i < 6000; i++)
            ls_text_add(&text, "%d/2/2024 %d:%02d,%c\n", 1 + i / 1440, i / 60 % 24, i % 60,
                        "uv"[i % 2]);
        ls_text_add(&text, "%s,u\n", last[decides]);
        if (decides == 0) {
            expect_refusal(text.text, (ls_read_request){.dates = true},
                           "column 0 (from 0, d)|\"1/2/2024 0:00\" may have the day first");
        } else {
            ls_data *data = read_as(text.text, (ls_read_request){.dates = true});
            double day = (double)data->x[2880] + data->column[0].offset;
            cr_expect_eq(day, decides == 1 ? 19756 : 19784, "%.17g", day);
            cr_expect_eq(data->column[0].format.dates, "odm"[decides]);
            ls_data_free(data);
        }
        free(text.text);
    }
}

/* float32 tells no seconds apart in days since 1970. */
Test(cells, seconds_of_dates_are_kept_by_an_offset)
{
    ls_text text = {0};
    ls_text_add(&text, "d,class\n");
    for (int i = 0; i < 5000; i++) /* more than the texts that are kept */
        ls_text_add(&text, "2024-03-31 %02d:%02d:%02d,%c\n", i / 3600, i / 60 % 60, i % 60,
                    "uv"[i % 2]);
    ls_data *data = read_as(text.text, (ls_read_request){.dates = true});
    cr_assert(data->column && data->column[0].offset == 19813.0);
    for (size_t r = 1; r < 5000; r++) cr_assert_gt(data->x[r], data->x[r - 1]);
    cr_expect(fabsf(data->x[4999] - 4999.0f / 86400) < 1e-7f);
    ls_data_free(data);
    free(text.text);
}

/* ---- Missing values -------------------------------------------------------------------------- */

Test(cells, marks_of_missing_values)
{
    static const struct {
        const char *other;
        int every, rows;
        ls_read_request request;
        const char *says; /* as in spelled */
        const char *note;
    } cases[] = {
        {"None", 10, 60, {0}, NULL, NULL},
        {"<NA>", 10, 60, {0}, NULL, NULL},
        {"-", 60, 60, {0}, NULL, NULL},
        {".", 60, 60, {0}, NULL, NULL},
        {"n.a.", 60, 60, {0}, NULL, NULL},
        {"#DIV/0!", 10, 60, {0}, NULL, NULL},
        {"#VALUE!", 60, 60, {0}, NULL, NULL},
        {"#REF!", 60, 60, {0}, NULL, NULL},
        {"#NAME?", 60, 60, {0}, NULL, NULL},
        {"#NUM!", 60, 60, {0}, NULL, NULL},
        {"#NULL!", 60, 60, {0}, NULL, NULL},
        {"abc", 10, 60, {0}, NULL, "\"abc\" among its numbers is read as a missing value"},
        {"unknown", 60, 60, {0}, NULL, "\"unknown\""},
        {"abc",
         60,
         60,
         {0},
         "line 61, column 0 (from 0, a): \"abc\"|59 other values|--missing-mark",
         NULL},
        {"abc", 60, 60, {.missing_mark = "x,abc"}, NULL, NULL},
        {"-999", 10, 60, {.missing_mark = "-999.0"}, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = column_of("#", cases[i].rows, cases[i].other, cases[i].every, ',');
        if (cases[i].says) {
            expect_refusal(text, cases[i].request, cases[i].says);
        } else {
            ls_data *data = read_as(text, cases[i].request);
            cr_assert(data->column && !data->column[0].categorical, "%s", cases[i].other);
            size_t missing = 0;
            for (size_t r = 0; r < data->rows; r++) missing += isnan(data->x[r * 2]);
            cr_expect_eq(missing, (size_t)(cases[i].rows / cases[i].every), "%s", cases[i].other);
            if (cases[i].note) cr_expect(has_note(data, cases[i].note), "%s", cases[i].other);
            else cr_expect_eq(data->notes, 0, "%s", cases[i].other);
            /* Rows like these know the mark. */
            char row[64];
            snprintf(row, sizeof row, "a,b\n%s,1\n", cases[i].other);
            ls_data *like = read_as(row, (ls_read_request){
                                             .expected = ls_expect_like(data),
                                             .missing_mark = cases[i].request.missing_mark});
            cr_expect(isnan(like->x[0]), "%s", cases[i].other);
            ls_data_free(like);
            ls_data_free(data);
        }
        free(text);
    }
}

Test(cells, marks_are_refused_if_missing_values_are)
{
    const ls_read_request strict = {.missing = LS_MISSING_ERROR};
    expect_refusal("a,class\n1,u\n-,v\n3,u\n", strict,
                   "line 3, column 0 (from 0, a): the value is missing (\"-\")");
    expect_refusal("a,class\n1,u\nunknown,v\n3,u\n", strict, "is missing (\"unknown\")");
}

Test(cells, texts_beside_few_numbers_are_categories)
{
    char *text = column_of("%", 40, "5more", 4, ',');
    ls_data *data = read_as(text, (ls_read_request){0});
    cr_expect(data->column && data->column[0].categorical && data->column[0].categories == 4);
    cr_expect(has_note(data, "\"5more\""));
    ls_data_free(data);
    free(text);
    text = column_of("%", 40, "2x", 40, ','); /* once: a mistake */
    expect_refusal(text, (ls_read_request){0}, "line 41|\"2x\"");
    free(text);
    data = read_as("a,class\nNone,u\nSome,v\nNone,u\n", (ls_read_request){0});
    cr_expect(data->column && data->column[0].categories == 2);
    cr_expect(data->notes == 1 && has_note(data, "is taken as the names of the columns"));
    ls_data_free(data);
    data = read_as("a,class\nNone,u\nSome,v\nNone,u\n", (ls_read_request){.header = LS_HEADER_YES});
    cr_expect(data->column && data->column[0].categories == 2 && data->notes == 0);
    ls_data_free(data);
}

/* ---- Offsets --------------------------------------------------------------------------------- */

Test(cells, values_that_float_joins_get_an_offset)
{
    ls_data *data = read_as("t,z,c\n1700000008,1,a\n1700000056,2,b\n1700000009,3,a\n",
                            (ls_read_request){0});
    cr_assert_not_null(data->column);
    cr_expect_eq(data->notes, 0);
    cr_expect_eq(data->column[1].offset, 0.0);
    static const double times[] = {1700000008, 1700000056, 1700000009};
    for (size_t r = 0; r < 3; r++)
        cr_expect_eq((double)data->x[r * 2] + data->column[0].offset, times[r]);
    ls_column_info info = LS_INIT(ls_column_info);
    ls_error err;
    cr_assert_eq(ls_data_column(data, 0, &info, &err), LS_OK);
    cr_expect(info.least == 1700000008.0 && info.most == 1700000056.0);
    cr_expect(fabs(info.mean - (1700000008.0 + 1700000056.0 + 1700000009.0) / 3) < 1e-6);
    /* Rows like these have the same offset; data without one give the same inputs. */
    ls_data *like = read_as("t,z\n1700000009,3\n",
                            (ls_read_request){.expected = ls_expect_like(data)});
    cr_expect_eq(like->x[0], data->x[4]);
    ls_encoder *encoder;
    cr_assert_eq(ls_encoder_fit(data, &encoder, &err), LS_OK);
    double mean[2], scale[2];
    float inputs[6], other[6];
    cr_assert_eq(ls_encoder_standardize(encoder, data, mean, scale, NULL), LS_OK);
    cr_assert_eq(ls_encode(encoder, &(ls_number_scaling){mean, scale, 0, NULL}, 2, data, inputs,
                           &err),
                 LS_OK);
    double offset = data->column[0].offset;
    data->column[0].offset += 8;
    for (size_t r = 0; r < 3; r++) data->x[r * 2] -= 8;
    cr_assert_eq(ls_encode(encoder, &(ls_number_scaling){mean, scale, 0, NULL}, 2, data, other,
                           &err),
                 LS_OK);
    cr_expect_arr_eq(inputs, other, sizeof inputs);
    cr_expect_neq(inputs[0], inputs[4]);
    data->column[0].offset = offset;
    for (size_t r = 0; r < 3; r++) data->x[r * 2] += 8;
    char path[64], *text = NULL;
    size_t size;
    write_temporary(path, "", 0);
    cr_assert_eq(ls_data_write_csv(data, path, &err), LS_OK);
    cr_assert_eq(ls_read_file(path, &text, &size, &err), LS_OK);
    cr_expect_str_eq(text, "t,z,c\n1700000008,1,a\n1700000056,2,b\n1700000009,3,a\n");
    unlink(path);
    free(text);
    ls_encoder_free(encoder);
    ls_data_free(like);
    ls_data_free(data);
}

Test(cells, offsets_only_where_they_help)
{
    ls_data *data = read_as("t,c\n0,a\n16777216,b\n16777217,a\n", (ls_read_request){0});
    cr_expect(!data->column || data->column[0].offset == 0);
    cr_expect(has_note(data, "16777216 and 16777217"));
    ls_data_free(data);
    data = read_as("t,c\n0.1,a\n0.2,b\n1e30,a\n", (ls_read_request){0});
    cr_expect(!data->column && data->notes == 0);
    ls_data_free(data);
    /* The first value that is rounded meets one above it that is not. */
    data = read_as("t,c\n20240300,a\n20240301,b\n", (ls_read_request){0});
    cr_assert_not_null(data->column);
    cr_expect_eq(data->column[0].offset, 20240300.0);
    cr_expect(data->x[0] == 0 && data->x[1] == 1);
    ls_data_free(data);
}

/* Equal floats stand next to each other, or far apart. */
Test(cells, joined_values_are_found_in_any_order)
{
    enum { HALF = 4000 };
    for (int order = 0; order < 3; order++) {
        ls_text text = {0};
        ls_text_add(&text, "t,c\n");
        for (int i = 0; i < 2 * HALF; i++) {
            int k = order == 0 ? i : order == 1 ? 2 * i % (2 * HALF) + i / HALF : 2 * HALF - 1 - i;
            ls_text_add(&text, "%d,%c\n", 100000000 + 16 * (k / 2) + k % 2, "uv"[i % 2]);
        }
        ls_data *data = read_as(text.text, (ls_read_request){0});
        cr_assert(data->column && data->column[0].offset == 100000000.0, "order %d", order);
        ls_data_free(data);
        free(text.text);
    }
}

Test(cells, whole_numbers_that_double_joins_are_told)
{
    ls_data *data = read_as("t,c\n9007199254740993,a\n9007199254740994,b\n9007199254740995,a\n",
                            (ls_read_request){0});
    cr_expect(has_note(data,
                       "column 0 (from 0, t): whole numbers such as 9007199254740993 are rounded"));
    ls_data_free(data);
    data = read_as("t;c\n9007199254740993;a\n9007199254740994;b\n9007199254740995;a\n",
                   (ls_read_request){.decimal = ','});
    cr_expect(has_note(data, "such as 9007199254740993 are rounded"));
    ls_data_free(data);
    data = read_as("t,c\n9007199254740992,a\n1e22,b\n18014398509481984,a\n", (ls_read_request){0});
    cr_expect_not(has_note(data, "are rounded"));
    ls_data_free(data);
}

/* ---- Targets --------------------------------------------------------------------------------- */

static ls_data *read_target(int rows, int values, const char *prefix, const char *suffix,
                            ls_read_request request)
{
    ls_text text = {0};
    ls_text_add(&text, "x,y\n");
    for (int i = 0; i < rows; i++)
        ls_text_add(&text, "%d,%s%d%s\n", i % 5, prefix, i % values, suffix);
    ls_data *data = read_as(text.text, request);
    free(text.text);
    return data;
}

Test(cells, task_by_the_values_of_the_target)
{
    static const struct {
        int rows, values;
        const char *prefix, *suffix;
        ls_task_request asked;
        ls_task task;
    } cases[] = {
        {100, 60, "", "", LS_ASK_AUTO, LS_TASK_REGRESSION}, /* more than half differ */
        {100, 10, "", "", LS_ASK_AUTO, LS_TASK_CLASSIFICATION},
        {7, 4, "", "", LS_ASK_AUTO, LS_TASK_CLASSIFICATION}, /* fewer than 5 values */
        {8, 5, "", "", LS_ASK_AUTO, LS_TASK_REGRESSION},
        {209, 21, "", "", LS_ASK_AUTO, LS_TASK_REGRESSION}, /* fewer than 10 rows a value */
        {210, 21, "", "", LS_ASK_AUTO, LS_TASK_CLASSIFICATION},
        {2100, 21, "", ".5", LS_ASK_AUTO, LS_TASK_REGRESSION}, /* fractions */
        {2000, 20, "", ".5", LS_ASK_AUTO, LS_TASK_CLASSIFICATION},
        {5000, 5000, "", "", LS_ASK_AUTO, LS_TASK_REGRESSION},   /* more than texts are kept */
        {100, 60, "0", "", LS_ASK_AUTO, LS_TASK_CLASSIFICATION}, /* codes */
        {100, 60, "c", "", LS_ASK_AUTO, LS_TASK_CLASSIFICATION},
        {100, 60, "", "", LS_ASK_CLASSIFICATION, LS_TASK_CLASSIFICATION},
        {100, 2, "", "", LS_ASK_REGRESSION, LS_TASK_REGRESSION},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ls_data *data = read_target(cases[i].rows, cases[i].values, cases[i].prefix,
                                    cases[i].suffix, (ls_read_request){.task = cases[i].asked});
        cr_assert_eq(data->task, cases[i].task, "case %zu", i);
        bool regression = data->task == LS_TASK_REGRESSION;
        cr_expect_eq(data->y == NULL, regression);
        cr_expect_eq(data->value == NULL, !regression);
        cr_expect_eq(data->classes == 0, regression);
        bool told = has_note(data, "--task classification");
        cr_expect_eq(told, regression && cases[i].asked == LS_ASK_AUTO, "case %zu", i);
        for (size_t r = 0; regression && r < data->rows; r++) {
            double half = *cases[i].suffix ? 0.5 : 0;
            cr_assert_eq(data->value[r], (double)((int)r % cases[i].values) + half);
        }
        ls_data_free(data);
    }
}

Test(cells, targets_that_do_not_fit)
{
    ls_text text = {0};
    ls_text_add(&text, "x,y\n");
    for (int i = 0; i < 50; i++) ls_text_add(&text, "1,%d.25\n", i);
    size_t length = text.length;
    ls_text_add(&text, "1,abc\n");
    expect_refusal(text.text, (ls_read_request){0},
                   "line 52, column 1 (from 0, y): the target \"abc\"|50");
    text.length = length;
    ls_text_add(&text, "1,\n");
    expect_refusal(text.text, (ls_read_request){0},
                   "line 52, column 1 (from 0, y): the target is missing");
    free(text.text);
    expect_refusal("x,y\n1,\n2,3\n", (ls_read_request){.task = LS_ASK_REGRESSION},
                   "line 2, column 1 (from 0, y): the target is missing");
    expect_refusal("x,y\n1,\n2,3\n", (ls_read_request){.task = LS_ASK_CLASSIFICATION},
                   "line 2, column 1 (from 0, y): the class is missing");
    expect_refusal("x,y\n1,2\n2,b\n", (ls_read_request){.task = LS_ASK_REGRESSION},
                   "line 3, column 1 (from 0, y)|\"b\"");
    expect_refusal("x,y,z\n1,2,yes\n2,3,no\n", (ls_read_request){.target = "y,z"},
                   "column 2 (from 0, z)|words");
    expect_refusal("x,y,z\n1,2,abc\n2,3,no\n", (ls_read_request){.target = "y,z"}, "\"abc\"");
    expect_refusal("x,y,z\n1,2,1\n2,3,0\n",
                   (ls_read_request){.target = "y,z", .task = LS_ASK_CLASSIFICATION},
                   "column 1 (from 0, y)|labels");
}

static void expect_numbers(const double *found, const char *expected)
{
    for (char *end; *expected; found++, expected = end) {
        double value = strtod(expected, &end);
        cr_expect_eq(*found, value, "%g instead of %g", *found, value);
    }
}

Test(cells, several_targets)
{
    ls_data *data = read_as("a,x,b\n1,5,2.5\n0,6,3\n", (ls_read_request){.target = "b,a"});
    cr_assert(data->task == LS_TASK_REGRESSION && data->targets == 2 && !data->y);
    cr_expect_str_eq(data->target[0].name, "b");
    cr_expect_str_eq(data->target[1].name, "a");
    expect_numbers(data->value, "2.5 1 3 0");
    ls_data_free(data);
    data = read_as("a,x,b\nYes,5,1\nno,6,0.0\n", (ls_read_request){.target = "a,b"});
    cr_assert_eq(data->task, LS_TASK_MULTILABEL);
    expect_numbers(data->value, "1 1 0 0");
    ls_data_free(data);
    data = read_as("a,x,b\n1,5,1\n0,6,0\n",
                   (ls_read_request){.target = "a,b", .task = LS_ASK_REGRESSION});
    cr_expect_eq(data->task, LS_TASK_REGRESSION);
    ls_data_free(data);
}

Test(cells, weights_and_groups)
{
    ls_data *data = read_as("w,g,x,c\n0.5,k1,1,a\n0,k2,2,b\n2,k1,3,a\n",
                            (ls_read_request){.weight = "w", .group = "g"});
    cr_assert(data->weight && data->group && data->columns == 1);
    expect_numbers(data->weight, "0.5 0 2");
    cr_expect(data->group[0] == data->group[2] && data->group[0] != data->group[1]);
    ls_data_free(data);
    const ls_read_request weighted = {.weight = "w"};
    expect_refusal("w,x,c\n-1,1,a\n1,2,b\n", weighted,
                   "line 2, column 0 (from 0, w): the weight \"-1\"");
    expect_refusal("w,x,c\nx,1,a\n1,2,b\n", weighted, "the weight \"x\"");
    expect_refusal("w,x,c\n,1,a\n1,2,b\n", weighted, "the weight is missing");
    expect_refusal("w,x,c\n0,1,a\n0,2,b\n", weighted, "are all 0");
    expect_refusal("g,x,c\n,1,a\n1,2,b\n", (ls_read_request){.group = "g"}, "the group is missing");
}

/* ---- Matrices -------------------------------------------------------------------------------- */

static ls_data *read_npy(const char *type, size_t rows, size_t columns, const void *numbers,
                         size_t size, ls_read_request request)
{
    char header[128], bytes[512];
    int length = snprintf(header, sizeof header,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (%zu, %zu), }\n", type,
                          rows, columns);
    cr_assert((size_t)length + 10 + size <= sizeof bytes);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (char)length, bytes[9] = 0;
    memcpy(bytes + 10, header, (size_t)length);
    memcpy(bytes + 10 + length, numbers, size);
    ls_data *data;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(read_with(bytes, 10 + (size_t)length + size, &request, &data, &err), LS_OK, "%s",
                 err.message);
    return data;
}

Test(cells, npy_names_and_offsets_are_exact)
{
    static const int64_t whole[] = {1, 9007199254740993, 2, 9007199254740992};
    static const uint64_t large[] = {1, 18446744073709551615u, 2, 18446744073709551614u};
    static const float floats[] = {1, 0.1f, 2, 0.2f};
    static const double times[] = {1700000001, 0, 1700000002, 1};
    const ls_read_request classes = {.task = LS_ASK_CLASSIFICATION};
    ls_data *data = read_npy("<i8", 2, 2, whole, sizeof whole, classes);
    cr_assert_eq(data->classes, 2);
    cr_expect_str_eq(data->class_names[0], "9007199254740992");
    cr_expect_str_eq(data->class_names[1], "9007199254740993");
    ls_data_free(data);
    data = read_npy("<u8", 2, 2, large, sizeof large, classes);
    cr_expect_str_eq(data->class_names[1], "18446744073709551615");
    ls_data_free(data);
    data = read_npy("<f4", 2, 2, floats, sizeof floats, classes);
    cr_expect_str_eq(data->class_names[0], "0.1");
    ls_data_free(data);
    data = read_npy("<f8", 2, 2, times, sizeof times, classes);
    cr_assert_not_null(data->column);
    cr_expect(data->x[0] != data->x[1]);
    cr_expect_eq((double)data->x[1] + data->column[0].offset, 1700000002.0);
    cr_expect_str_eq(data->class_names[1], "1");
    ls_data_free(data);
}

/* ---- Reading again --------------------------------------------------------------------------- */

/* A pipe cannot be rewound: what was read from it is kept. */
Test(cells, a_pipe_is_read_again)
{
    char *text = column_of("V%", 3000, "17", 2, ',');
    int ends[2];
    char path[32];
    cr_assert_eq(pipe(ends), 0);
    pid_t writer = fork();
    if (writer == 0) {
        close(ends[0]);
        size_t done = 0, size = strlen(text);
        while (done < size) {
            ssize_t wrote = write(ends[1], text + done, size - done);
            if (wrote <= 0) break;
            done += (size_t)wrote;
        }
        _exit(0);
    }
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_read_rows(path, &(ls_read_request){0}, &data, &err), LS_OK, "%s", err.message);
    cr_expect_eq(data->rows, 3000);
    cr_assert(data->column && data->column[0].categorical);
    cr_expect_eq(data->column[0].categories, 4);
    cr_expect_str_eq(data->column[0].category[0], "17");
    ls_data_free(data);
    close(ends[0]);
    free(text);
}
