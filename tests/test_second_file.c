/* SPDX-License-Identifier: MIT */
/* A second file: how its columns and its class are found for training rows or a model, and which
 * files are refused because they could be read in two ways. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>

#include "host/base/error.h"
#include "host/base/text.h"
#include "host/model/model.h"
#include "tests/support/data.h"
#include "tests/support/runs.h"

static ls_status read_it(const char *text, size_t size, const ls_read_options *options,
                         ls_data **out, ls_error *err)
{
    char path[64];
    write_temporary(path, text, size);
    ls_status status = ls_data_read(path, options, out, err);
    unlink(path);
    return status;
}

static ls_data *read_first(const char *text, const ls_read_options *options)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(read_it(text, strlen(text), options, &data, &err), LS_OK, "\"%s\": %s", text,
                 err.message);
    return data;
}

/* A model of the rows, saved and loaded. */
static ls_model *train(const ls_data *data)
{
    char path[64];
    ls_model *model = NULL;
    ls_error err = {LS_OK, ""};
    ls_options *options = runs_options("hidden 2 epochs 1");
    cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), LS_OK, "%s", err.message);
    write_temporary(path, "", 0);
    cr_assert_eq(ls_model_save(model, path, &err), LS_OK, "%s", err.message);
    ls_model_free(model);
    model = NULL;
    cr_assert_eq(ls_model_load(path, &model, &err), LS_OK, "%s", err.message);
    unlink(path);
    ls_options_free(options);
    return model;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

typedef struct {
    const char *what;
    const char *first;
    ls_read_options how_first;
    const char *second;
    ls_read_options how_second;
    const char *rows; /* "1 10 a;2 20 b": cells and class of each row, "-" without classes; NULL:
                         the file is refused */
    const char *says; /* parts of the error or of the note, separated by '|', or NULL: no note */
} second_case;

/* Rows as in `rows` of a case. */
static void write_rows(const ls_data *data, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t r = 0; r < data->rows; r++) {
        n += (size_t)snprintf(out + n, size - n, "%s", r ? ";" : "");
        for (size_t c = 0; c < data->columns; c++)
            n += (size_t)snprintf(out + n, size - n, "%g ", (double)data->x[r * data->columns + c]);
        n += (size_t)snprintf(out + n, size - n, "%s",
                              data->y ? ls_data_class_name(data, (size_t)data->y[r]) : "-");
    }
}

static void expect_rows(const second_case *t, const char *by, const ls_data *data)
{
    char rows[256];
    write_rows(data, rows, sizeof rows);
    cr_expect_str_eq(rows, t->rows, "%s (%s): %s, not %s", t->what, by, rows, t->rows);
    const char *note = ls_data_note(data, 0);
    if (!t->says) cr_expect_null(note, "%s (%s): note: %s", t->what, by, note);
    else if (!note) cr_expect(false, "%s (%s): there is no note", t->what, by);
    else expect_message(note, "", t->says);
}

static void check(const second_case *t, const char *by, const ls_data *like, const ls_model *model)
{
    ls_data *data = NULL;
    ls_error err = {LS_OK, ""};
    ls_read_options options = t->how_second;
    options.struct_size = sizeof options;
    options.like = like;
    options.model = model;
    ls_status status = read_it(t->second, strlen(t->second), &options, &data, &err);
    if (t->rows) {
        cr_expect_eq(status, LS_OK, "%s (%s): %s", t->what, by, err.message);
        if (status == LS_OK) expect_rows(t, by, data);
    } else {
        cr_expect(status == LS_ERR_DATA || status == LS_ERR_ARGUMENT, "%s (%s): is read", t->what,
                  by);
        if (status != LS_OK) expect_message(err.message, "/tmp/lockstep-test-", t->says);
    }
    ls_data_free(data);
}

static void check_all(const second_case *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ls_read_options options = list[i].how_first;
        options.struct_size = sizeof options;
        ls_data *first = read_first(list[i].first, &options);
        ls_model *model = train(first);
        check(&list[i], "like the training rows", first, NULL);
        check(&list[i], "for the model", NULL, model);
        ls_model_free(model);
        ls_data_free(first);
    }
}

#define PLAIN "len,wid,kind\n1,10,a\n2,20,b\n1.1,9,a\n2.1,21,b\n"

/* ---- With a header --------------------------------------------------------------------------- */

static const second_case named[] = {
    {"the same header", PLAIN, {0}, "len,wid,kind\n1,10,a\n2,20,b\n", {0}, "1 10 a;2 20 b", NULL},
    {"another order", PLAIN, {0}, "wid,len,kind\n10,1,a\n20,2,b\n", {0}, "1 10 a;2 20 b", NULL},
    {"more columns",
     PLAIN,
     {0},
     "id,wid,len,extra\n7,10,1,x\n8,20,2,y\n",
     {0},
     "1 10 -;2 20 -",
     NULL},
    {"blanks and quotes", PLAIN, {0}, " wid ,\" len\"\n10,1\n", {0}, "1 10 -", NULL},
    {"the class first", PLAIN, {0}, "kind,wid,len\na,10,1\nb,20,2\n", {0}, "1 10 a;2 20 b", NULL},
    {"the class in the middle", PLAIN, {0}, "len,kind,wid\n1,a,10\n", {0}, "1 10 a", NULL},
    {"another column last", PLAIN, {0}, "kind,len,wid,fold\nb,2,20,a\n", {0}, "2 20 b", NULL},
    {"no class", PLAIN, {0}, "wid,len\n10,1\n", {0}, "1 10 -", NULL},
    {"upper case",
     PLAIN,
     {0},
     "Len,Wid\n1,10\n",
     {0},
     NULL,
     "all expected|\"len\", \"wid\"|\"Len\", \"Wid\"|upper and lower case"},
    {"other names",
     PLAIN,
     {0},
     "width,length\n10,1\n",
     {0},
     NULL,
     "all expected|\"len\", \"wid\"|\"width\", \"length\"|--header no"},
    {"one other name",
     PLAIN,
     {0},
     "len,width,kind\n1,10,a\n",
     {0},
     NULL,
     "lacks \"wid\"|\"width\""},
    {"one column", PLAIN, {0}, "len\n1\n", {0}, NULL, "lacks \"wid\""},
    {"the class in place of a feature",
     PLAIN,
     {0},
     "len,kind\n1,a\n2,b\n",
     {0},
     NULL,
     "lacks \"wid\"|\"len\", \"kind\""},
    {"a feature twice",
     PLAIN,
     {0},
     "len,wid,len\n1,10,2\n",
     {0},
     NULL,
     "columns 0 and 2|both named \"len\""},
    {"a feature twice that is dropped",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,a\n",
     {.drop = "wid"},
     NULL,
     "leave out column 1|wid|input of the model"},
    {"a feature that --columns lacks",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,a\n",
     {.columns = "wid"},
     NULL,
     "leave out column 0|len"},
    {"a list with an unknown name",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,a\n",
     {.drop = "wide"},
     NULL,
     "--drop|did you mean \"wid\""},
};

Test(second_file, names_count_if_both_files_have_a_header) { check_all(named, COUNT(named)); }

static const second_case classes[] = {
    {"renamed, in its place", PLAIN, {0}, "len,wid,sort\n1,10,a\n", {0}, "1 10 -", NULL},
    {"another column of known classes in its place",
     PLAIN,
     {0},
     "len,wid,fold\n1,10,b\n",
     {0},
     "1 10 -",
     NULL},
    {"renamed, elsewhere", PLAIN, {0}, "wid,len,sort\n10,1,a\n", {0}, "1 10 -", NULL},
    {"renamed, with another column",
     PLAIN,
     {0},
     "len,wid,sort,fold\n1,10,a,b\n",
     {0},
     "1 10 -",
     NULL},
    {"renamed and named", PLAIN, {0}, "wid,sort,len\n10,a,1\n", {.target = "sort"}, "1 10 a", NULL},
    {"renamed and counted", PLAIN, {0}, "wid,sort,len\n10,a,1\n", {.target = "1"}, "1 10 a", NULL},
    {"another one is named",
     PLAIN,
     {0},
     "len,wid,kind,fold\n1,10,a,b\n",
     {.target = "fold"},
     "1 10 b",
     NULL},
    {"a feature is named",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,a\n",
     {.target = "len"},
     NULL,
     "--target|\"len\"|input of the model"},
    {"two are named",
     PLAIN,
     {0},
     "len,wid,kind,sort\n1,10,a,b\n",
     {.target = "kind,sort"},
     NULL,
     "--target names 2 columns|1 are expected"},
    {"twice",
     PLAIN,
     {0},
     "kind,len,wid,kind\na,1,10,b\n",
     {0},
     NULL,
     "columns 0 and 3|both named \"kind\"|--target INDEX"},
    {"twice and named",
     PLAIN,
     {0},
     "kind,len,wid,kind\na,1,10,b\n",
     {.target = "kind"},
     NULL,
     "--target|columns 0 and 3|index"},
    {"twice and counted",
     PLAIN,
     {0},
     "kind,len,wid,kind\na,1,10,b\n",
     {.target = "3"},
     "1 10 b",
     NULL},
    {"not there",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,a\n",
     {.target = "sort"},
     NULL,
     "--target|no column \"sort\""},
    {"unknown", PLAIN, {0}, "len,wid,kind\n1,10,zebra\n", {0}, NULL, "\"zebra\"|a, b"},
};

Test(second_file, the_class_is_found_by_option_name_or_place)
{
    check_all(classes, COUNT(classes));
}

/* For predictions no class is read, whatever is there. */
static const second_case unread[] = {
    {"unknown", PLAIN, {0}, "len,wid,kind\n1,10,zebra\n", {.no_target = 1}, "1 10 -", NULL},
    {"missing",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,?\n2,20,\n",
     {.no_target = 1},
     "1 10 -;2 20 -",
     NULL},
    {"absent", PLAIN, {0}, "wid,len\n10,1\n", {.no_target = 1}, "1 10 -", NULL},
    {"renamed", PLAIN, {0}, "len,wid,sort\n1,10,a\n", {.no_target = 1}, "1 10 -", NULL},
    {"twice", PLAIN, {0}, "kind,len,wid,kind\na,1,10,b\n", {.no_target = 1}, "1 10 -", NULL},
    {"named but absent",
     PLAIN,
     {0},
     "len,wid\n1,10\n",
     {.no_target = 1, .target = "kind"},
     "1 10 -",
     NULL},
    {"without a header",
     PLAIN,
     {0},
     "1,10,zebra\n",
     {.no_target = 1, .header = "no"},
     "1 10 -",
     "no header"},
};

Test(second_file, predictions_read_no_class) { check_all(unread, COUNT(unread)); }

#define TWINS "a,a,kind\n1,10,u\n2,20,v\n3,30,u\n"

static const second_case twins[] = {
    {"the same header", TWINS, {0}, "a,a,kind\n1,10,v\n", {0}, "1 10 v", NULL},
    {"the same header without the class", TWINS, {0}, "a,a\n1,10\n", {0}, "1 10 -", NULL},
    {"another order", TWINS, {0}, "kind,a,a\nu,1,10\n", {0}, NULL, "columns 1 and 2|\"a\""},
    {"one of them", TWINS, {0}, "a,kind\n1,u\n", {0}, NULL, "one column \"a\"|several"},
    {"three of them", TWINS, {0}, "a,a,a\n1,2,3\n", {0}, NULL, "columns 0 and 1|\"a\""},
};

Test(second_file, columns_of_one_name_need_the_same_header) { check_all(twins, COUNT(twins)); }

/* ---- Without a header ------------------------------------------------------------------------ */

#define BARE "1,10,a\n2,20,b\n1.1,9,a\n2.1,21,b\n"
#define BARE_FRONT "a,1,10\nb,2,20\na,1.1,9\nb,2.1,21\n"
#define DROPPED "id,len,wid,kind\n7,1,10,a\n8,2,20,b\n9,1.1,9,a\n"
#define DROPPED_TWO "id,len,x,wid,kind\n7,1,5,10,a\n8,2,5,20,b\n9,1.1,5,9,a\n"

static const second_case bare[] = {
    {"the same width", BARE, {0}, "1,10,a\n2,20,b\n", {0}, "1 10 a;2 20 b", NULL},
    {"without the class", BARE, {0}, "1,10\n2,20\n", {0}, "1 10 -;2 20 -", NULL},
    {"a single row", BARE, {0}, "2,20\n", {0}, "2 20 -", NULL},
    {"too wide", BARE, {0}, "1,10,5,a\n", {0}, NULL, "has 4 columns|2 features are expected|3 ("},
    {"too narrow", BARE, {0}, "1\n2\n", {0}, NULL, "has 1 columns|2 features are expected"},
    {"the class first in the training file",
     BARE_FRONT,
     {.target = "0"},
     "b,2,20\n",
     {0},
     "2 20 b",
     NULL},
    {"the same without the class", BARE_FRONT, {.target = "0"}, "2,20\n", {0}, "2 20 -", NULL},
    {"the class first in the second file",
     BARE,
     {0},
     "a,1,10\nb,2,20\n",
     {.target = "0"},
     "1 10 a;2 20 b",
     NULL},
    {"the class counted in its place", BARE, {0}, "1,10,a\n", {.target = "2"}, "1 10 a", NULL},
    {"the class beyond the last column",
     BARE,
     {0},
     "1,10,a\n",
     {.target = "3"},
     NULL,
     "--target|no column \"3\"|0 to 2"},
    {"the class by a name", BARE, {0}, "1,10,a\n", {.target = "sort"}, NULL, "--target|no header"},
    {"names in the second file alone",
     BARE,
     {0},
     "len,wid,kind\n1,10,a\n",
     {0},
     "1 10 a",
     "by their place"},
    {"names that Lockstep gives", BARE, {0}, "x2,x1,class\n10,1,a\n", {0}, "1 10 a", NULL},
    {"such names of more columns",
     BARE,
     {0},
     "x2,x1,x3\n1,10,a\n",
     {0},
     "1 10 a",
     "by their place"},
    {"names in the training file alone",
     PLAIN,
     {0},
     "1,10,a\n2,20,b\n",
     {0},
     "1 10 a;2 20 b",
     "no header|order of the training file"},
    {"the known name of the class",
     PLAIN,
     {0},
     "1,10,a\n",
     {.target = "kind"},
     "1 10 a",
     "no header"},
};

Test(second_file, places_count_without_a_header) { check_all(bare, COUNT(bare)); }

static const second_case fewer[] = {
    {"as the training file", DROPPED, {.drop = "id"}, "7,1,10,a\n", {0}, "1 10 a", "no header"},
    {"the used columns", DROPPED, {.drop = "id"}, "1,10\n", {0}, "1 10 -", "no header"},
    {"two ways",
     DROPPED,
     {.drop = "id"},
     "7,1,10\n",
     {0},
     NULL,
     "3 columns can be|training file without the class|used and the class|header|--target|--drop"},
    {"two ways with numbers to predict",
     "id,len,wid,y\n7,1,10,1.5\n8,2,20,2.5\n9,1.1,9,3.5\n",
     {.drop = "id", .task = "regression"},
     "7,1,10\n",
     {0},
     NULL,
     "file without the target|used and the target|which column is the target"},
    {"two ways for predictions",
     DROPPED,
     {.drop = "id"},
     "7,1,10\n",
     {.no_target = 1},
     NULL,
     "3 columns can be"},
    {"two ways, settled",
     DROPPED,
     {.drop = "id"},
     "1,10,b\n",
     {.target = "2"},
     "1 10 b",
     "no header"},
    {"the same columns dropped",
     DROPPED,
     {.drop = "id"},
     "7,1,10,a\n",
     {.drop = "0"},
     "1 10 a",
     "no header"},
    {"another column dropped",
     DROPPED,
     {.drop = "id"},
     "1,10,5,b\n",
     {.drop = "2"},
     "1 10 b",
     "no header"},
    {"by name", DROPPED, {.drop = "id"}, "kind,wid,len\na,10,1\n", {0}, "1 10 a", NULL},
    {"two dropped, as the training file",
     DROPPED_TWO,
     {.drop = "id,x"},
     "7,1,5,10,a\n",
     {0},
     "1 10 a",
     "no header"},
    {"two dropped, without the class",
     DROPPED_TWO,
     {.drop = "id,x"},
     "7,1,5,10\n",
     {0},
     "1 10 -",
     "no header"},
    {"two dropped, the used columns and the class",
     DROPPED_TWO,
     {.drop = "id,x"},
     "1,10,b\n",
     {0},
     "1 10 b",
     "no header"},
    {"two dropped, the used columns",
     DROPPED_TWO,
     {.drop = "id,x"},
     "1,10\n",
     {0},
     "1 10 -",
     "no header"},
    {"two dropped, one more",
     DROPPED_TWO,
     {.drop = "id,x"},
     "7,1,5,10,a,9\n",
     {0},
     NULL,
     "has 6 columns|2 features are expected|5 (|4 (|2 (|3 ("},
};

Test(second_file, columns_that_are_not_used_make_several_widths) { check_all(fewer, COUNT(fewer)); }

/* ---- Options that the first file settles ----------------------------------------------------- */

#define MARKED "len,wid,kind\n1,10,a\n2,20,b\n-999,9,a\n2.1,21,b\n"

static const second_case settled[] = {
    {"without effect",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,a\n",
     {.weight = "nothing", .decimal = "comma", .categorical = "len", .task = "regression"},
     "1 10 a",
     "--categorical, --decimal, --task, --weight|training rows settle"},
    {"other marks",
     PLAIN,
     {0},
     "len,wid,kind\n1,10,a\n",
     {.missing_mark = "1"},
     NULL,
     "--missing-mark|settled by the training rows"},
    {"the same header option", BARE, {.header = "no"}, "1,10,a\n", {0}, "1 10 a", NULL},
};

Test(second_file, columns_are_settled_by_the_first) { check_all(settled, COUNT(settled)); }

/* ---- Matrices -------------------------------------------------------------------------------- */

/* An NPY file of bytes. */
static size_t write_npy(char *out, const unsigned char *cells, size_t rows, size_t columns)
{
    char text[128];
    int n = snprintf(text, sizeof text,
                     "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu, %zu), }\n", rows,
                     columns);
    memcpy(out, "\x93NUMPY\1\0", 8);
    out[8] = (char)n;
    out[9] = 0;
    memcpy(out + 10, text, (size_t)n);
    memcpy(out + 10 + n, cells, rows * columns);
    return 10 + (size_t)n + rows * columns;
}

Test(second_file, matrices_follow_the_same_rules)
{
    static const unsigned char cells[] = {5, 1, 10, 0, 6, 2, 20, 1, 7, 3, 9, 0};
    static const struct {
        size_t columns;
        ls_read_options how;
        const char *rows, *says;
    } list[] = {
        {4, {0}, "1 10 0;2 20 1;3 9 0", NULL},
        {2, {0}, "5 1 -;10 0 -;6 2 -;20 1 -;7 3 -;9 0 -", NULL},
        {3, {0}, NULL, "3 columns can be"},
        {3, {.target = "0"}, NULL, "5"},
        {6, {0}, NULL, "2 features are expected"},
    };
    char bytes[256], rows[256];
    size_t size = write_npy(bytes, cells, 3, 4);
    ls_data *first = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(read_it(bytes, size, &(ls_read_options){.drop = "0"}, &first, &err), LS_OK, "%s",
                 err.message);
    for (size_t i = 0; i < COUNT(list); i++) {
        ls_data *data = NULL;
        ls_read_options how = list[i].how;
        how.like = first;
        size = write_npy(bytes, cells, 12 / list[i].columns, list[i].columns);
        ls_status status = read_it(bytes, size, &how, &data, &err);
        cr_expect_eq(status == LS_OK, list[i].rows != NULL, "%zu: %s", i, err.message);
        if (status != LS_OK) {
            expect_message(err.message, "/tmp/", list[i].says);
            continue;
        }
        write_rows(data, rows, sizeof rows);
        cr_expect_str_eq(rows, list[i].rows);
        ls_data_free(data);
    }
    ls_data_free(first);
}

/* Rows from arrays have no file: their columns have the names x1, x2, ... and the class is last. */
Test(second_file, rows_of_arrays)
{
    static const float x[] = {1, 10, 2, 20};
    static const int32_t y[] = {0, 1};
    static const struct {
        const char *text, *rows, *note;
    } list[] = {{"1,10,1\n", "1 10 1", NULL},
                {"1,10\n", "1 10 -", NULL},
                {"class,x2,x1\n1,10,2\n", "2 10 1", NULL},
                {"x1,x2,kind\n1,10,1\n", "1 10 1", "last column, \"kind\""},
                {"x1,kind,x2,fold\n1,1,10,0\n", "1 10 0", "last column, \"fold\""},
                {"p,q,r\n1,10,1\n", "1 10 1", "by their place"}};
    ls_data *first = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_data_from_arrays(x, y, 2, 2, 2, &first, &err), LS_OK);
    ls_model *model = train(first);
    for (size_t i = 0; i < 2 * COUNT(list); i++) {
        const second_case t = {.what = list[i / 2].text,
                               .second = list[i / 2].text,
                               .rows = list[i / 2].rows,
                               .says = list[i / 2].note};
        check(&t, i % 2 ? "for the model" : "like the arrays", i % 2 ? NULL : first,
              i % 2 ? model : NULL);
    }
    ls_model_free(model);
    ls_data_free(first);
}

/* ---- The first file -------------------------------------------------------------------------- */

static const struct {
    ls_read_options how;
    const char *says;
} first_mistakes[] = {
    {{.target = "a"}, "--target|columns 0 and 2 (from 0) are both named \"a\"|index"},
    {{.drop = "b,a"}, "--drop|columns 0 and 2"},
    {{.columns = "a"}, "--columns|columns 0 and 2"},
    {{.categorical = "a"}, "--categorical|columns 0 and 2"},
    {{.weight = "a"}, "--weight|columns 0 and 2"},
    {{.group = "bb"}, "--group|did you mean \"b\""},
    {{.weight = "b", .group = "b"}, "--group|b) is the weight (--weight) already"},
    {{.weight = "kind"}, "--target|--weight names the last column"},
    {{.target = "b", .group = "b"}, "--target|is the group"},
    {{.target = "7"}, "--target|no column \"7\"|0 to 3"},
    {{.target = "b,kin"}, "--target|did you mean \"kind\""},
};

Test(second_file, options_of_the_first_name_one_column)
{
    static const char text[] = "a,b,a,kind\n1,2,3,u\n4,5,6,v\n";
    for (size_t i = 0; i < COUNT(first_mistakes); i++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        ls_read_options options = first_mistakes[i].how;
        options.struct_size = sizeof options;
        cr_expect_eq(read_it(text, strlen(text), &options, &data, &err), LS_ERR_ARGUMENT, "%zu: %s",
                     i, err.message);
        expect_message(err.message, "/tmp/lockstep-test-", first_mistakes[i].says);
    }
    ls_data *data = read_first(text, &(ls_read_options){.target = "2", .drop = "0"});
    cr_expect_str_eq(ls_data_target_name(data), "a");
    cr_expect(data->columns == 2 && data->x[0] == 2 && data->target->place == 2);
    ls_data_free(data);
}

Test(second_file, names_with_commas_can_be_listed)
{
    ls_data *data = read_first("\"x, left\",y,\"z,1\",c\n1,2,3,u\n4,5,6,v\n",
                               &(ls_read_options){.drop = "x, left,z,1"});
    cr_expect_eq(data->columns, 1);
    cr_expect_eq(data->x[0], 2);
    ls_data_free(data);
}

/* What a model keeps of its training file. */
Test(second_file, models_keep_names_places_and_options)
{
    const ls_read_options options = {.struct_size = sizeof options,
                                     .target = "kind",
                                     .header = "yes",
                                     .separator = "semicolon",
                                     .missing_mark = "none,-1"};
    ls_data *data = read_first("len;kind;wid\n1;a;10\n2;b;20\n", &options);
    ls_model *model = train(data);
    for (int i = 0; i < 2; i++) {
        const ls_source *s = i ? &model->source : &data->source;
        const ls_target *t = i ? model->target : data->target;
        cr_expect(s->columns == 3 && s->header && s->header_option == LS_HEADER_YES);
        cr_expect(s->separator == ';' && s->marks && !strcmp(s->marks, "none,-1"));
        cr_expect(t->place == 1 && t->name && !strcmp(t->name, "kind"));
    }
    ls_model_free(model);
    ls_data_free(data);
}

/* Options about numbers say nothing of columns of categories, and the model can be loaded. */
Test(second_file, models_with_categories_beside_decimal_commas)
{
    const ls_read_options options = {
        .struct_size = sizeof options, .decimal = "comma", .thousands = "space"};
    ls_data *data = read_first("len;town;kind\n1,5;Ulm;a\n1 002,5;Bonn;b\n3,5;Ulm;a\n", &options);
    ls_model *model = train(data);
    cr_assert(model->encoder && model->encoder->columns == 2);
    cr_expect_eq(model->encoder->column[0].format.decimal, ',');
    cr_expect_eq(model->encoder->column[1].format.decimal, 0);
    ls_model_free(model);
    ls_data_free(data);
}

/* A single row with a tab between some fields, below a header with blanks. */
Test(second_file, a_row_alone_is_split_as_its_header)
{
    static const char first[] =
        "#\"wid\"    \"id\"    \"y\"\nred\t 1\t u\nred   2  v\nblue  3\tu\n",
                      row[] = "#\"wid\"    \"id\"    \"y\"\nblue\t 3\t u\n";
    ls_data *data = read_first(first, &(ls_read_options){.struct_size = sizeof(ls_read_options),
                                                         .header = "yes"}),
            *alone = NULL;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(read_it(row, sizeof row - 1, &(ls_read_options){.like = data}, &alone, &err),
                 LS_OK, "%s", err.message);
    cr_expect(alone->rows == 1 && alone->x[1] == 3);
    ls_data_free(alone);
    ls_data_free(data);
}

/* The header that --header yes speaks of may stand behind a #. */
Test(second_file, a_said_header_may_be_a_comment)
{
    static const struct {
        const char *text, *name;
        size_t rows;
    } list[] = {{"#w,x,kind\n1,2,a\n3,4,b\n5,6,a\n", "w", 3},
                {"#\"w\",\"x\",\"kind\"\n1,2,a\n3,4,b\n5,6,a\n", "w", 3},
                {"# made by hand\nw,x,kind\n1,2,a\n3,4,b\n5,6,a\n", "w", 3},
                {"#w,x,kind\np,q,r\n1,2,a\n3,4,b\n5,6,a\n", "p", 3}};
    for (size_t i = 0; i < COUNT(list); i++) {
        ls_data *data = read_first(list[i].text,
                                   &(ls_read_options){.struct_size = sizeof(ls_read_options),
                                                      .header = "yes"});
        cr_expect(data->rows == list[i].rows && !strcmp(data->feature_names[0], list[i].name),
                  "text %zu: %zu rows, \"%s\"", i, data->rows, data->feature_names[0]);
        ls_model *model = train(data);
        ls_data *again = NULL;
        ls_error err = {LS_OK, ""};
        cr_assert_eq(read_it(list[i].text, strlen(list[i].text), &(ls_read_options){.model = model},
                             &again, &err),
                     LS_OK, "text %zu: %s", i, err.message);
        cr_expect_eq(again->rows, list[i].rows, "text %zu: %zu rows", i, again->rows);
        ls_data_free(again);
        ls_model_free(model);
        ls_data_free(data);
    }
}

Test(second_file, sampled_rows_come_from_the_file_and_say_so)
{
    static const char text[] = "a,class\n1,u\n2,v\n3,u\n4,v\n5,u\n6,v\n";
    ls_read_options options = {.struct_size = sizeof options, .sample = 4, .sample_seed = 3};
    ls_data *once = read_first(text, &options), *twice = read_first(text, &options);
    cr_assert_eq(once->rows, 4);
    for (size_t r = 0; r < 4; r++) {
        cr_expect_eq(once->x[r], (float)(ls_data_row_number(once, r) + 1));
        cr_expect_eq(once->x[r], twice->x[r]);
        if (r) cr_expect_lt(once->x[r - 1], once->x[r]);
    }
    cr_expect_null(ls_data_note(once, 0));
    ls_data_free(once);
    ls_data_free(twice);
    options.sample = 7;
    once = read_first(text, &options);
    cr_expect_eq(once->rows, 6);
    cr_assert_not_null(ls_data_note(once, 0));
    expect_message(ls_data_note(once, 0), "", "6 rows|--sample");
    ls_data_free(once);
}
