/* SPDX-License-Identifier: MIT */
/* What a model knows about its training: the parts of its data, and the command that trained it. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void)
{
    runs_folder_enter(folder);
    char text[8192] = "id,a,b,c,g,kind\n";
    for (int i = 0; i < 120; i++)
        snprintf(text + strlen(text), 64, "%d,%d,%d,u%d,%d,k%d\n", i, i % 7, i * i % 11, i % 3,
                 i % 5, i * 7 % 13 % 2);
    runs_file_write("x.csv", text, strlen(text));
}
static void leave(void) { runs_folder_leave(folder); }

TestSuite(origin, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --device cpu -q --epochs 4 --hidden 5"

/* The figures that evaluate prints for a part of the training data. */
static json_t *evaluated(const char *model, const char *data, const char *part)
{
    char line[256];
    snprintf(line, sizeof line, "evaluate %s %s --split %s --device cpu --json", model, data, part);
    char *text = runs_program_expect(line, 0);
    json_t *o = program_parse(text, line);
    free(text);
    cr_expect_str_eq(json_string_value(json_object_get(o, "split")), part);
    return o;
}

static void expect_rows(const char *model, const char *data, const char *part, int rows)
{
    json_t *o = evaluated(model, data, part);
    cr_expect_eq(json_integer_value(json_object_get(o, "rows")), rows, "%s %s: %lld rows", model,
                 part, (long long)json_integer_value(json_object_get(o, "rows")));
    json_decref(o);
}

/* Trains, and expects of the test rows what the training printed of them. */
static void expect_same_test_rows(const char *options, const char *data)
{
    char line[512];
    snprintf(line, sizeof line, "train %s %s --device cpu --json --epochs 4 -o m", data, options);
    char *text = runs_program_expect(line, 0);
    json_t *trained = program_parse(text, line), *test = json_object_get(trained, "test"),
           *again = evaluated("m", data, "test");
    free(text);
    static const char *const keys[] = {"rows", "loss", "accuracy", "rmse", "confusion"};
    for (size_t i = 0; i < RUNS_COUNT(keys); i++) {
        json_t *a = json_object_get(test, keys[i]), *b = json_object_get(again, keys[i]);
        cr_expect(!a || json_equal(a, b), "%s: %s differs", line, keys[i]);
    }
    json_decref(trained);
    json_decref(again);
}

Test(origin, parts_are_those_of_the_training)
{
    static const char *const options[] = {
        "--split 0.25",
        "--split 0.2 --seed 5 --validation 0.1",
        "--split 0.2 --drop id --weight g",
        "--split 0.2 --group g",
        "--split 0.3 --sample 60 --data-seed 9",
        "--split 0.2 --target a,b",
        "--split 0.2 --categorical a --missing median --target c",
    };
    for (size_t i = 0; i < RUNS_COUNT(options); i++) expect_same_test_rows(options[i], "x.csv");
    expect_same_test_rows("--split 0.2", "moons --rows 90 --noise 0.2 --data-seed 3");
    program_do("train x.csv -o m --split 0.25 --validation 0.1" QUICK);
    expect_rows("m", "x.csv", "test", 30);
    expect_rows("m", "x.csv", "validation", 9);
    expect_rows("m", "x.csv", "train", 81);
    cr_expect_eq(system("mkdir elsewhere && gzip -c x.csv > elsewhere/y.gz"), 0);
    expect_rows("m", "elsewhere/y.gz", "test", 30); /* the same rows */
    program_do("train x.csv --run r --validation 0.2" QUICK);
    expect_rows("r", "x.csv", "validation", 24);
    program_do("train x.csv --from m --split 0.25 --validation 0.1 -o f" QUICK);
    expect_rows("f", "x.csv", "validation", 9);
    program_do("report m x.csv --split test -o r.html --device cpu");
    char *page = runs_file_read("r.html", NULL);
    cr_expect(strstr(page, "30 test rows"));
    free(page);
}

Test(origin, other_data_and_parts_are_refused)
{
    static const program_mistake list[] = {
        {"evaluate m other.csv --split test", 1, "other.csv SHA-256 --split"},
        {"evaluate m moons --split test", 1, "moons SHA-256"},
        {"evaluate m x.csv --split tests", 2, "'test'"},
        {"evaluate m x.csv --split 0.2", 2, "train, validation"},
        {"evaluate m x.csv --split validation", 1, "validation rows --validation"},
        {"evaluate n x.csv --split test", 1, "--split"},
        {"evaluate v x.csv --split test", 1, "test rows"},
        {"evaluate m x.csv --split test --drop a", 2, "--drop --split"},
        {"evaluate m x.csv --split test --rows 4", 2, "--rows --split"},
        {"predict m other.csv --split test", 1, "other.csv SHA-256 --split"},
        {"predict m x.csv --split tests", 2, "'test'"},
        {"predict m x.csv --split test --id id", 2, "--id --split"},
        {"predict m x.csv --split test --keep all", 2, "--keep --split"},
        {"show nothing -q", 1, "nothing"},
    };
    program_do("train x.csv --split 0.2 --validation 0 -o m" QUICK);
    program_do("train x.csv --validation 0.2 -o v" QUICK);
    program_do("train x.csv --validation 0 -o n" QUICK);
    cr_expect_eq(system("sed 's/^7,/8,/' x.csv > other.csv"), 0);
    program_check_mistakes(list, RUNS_COUNT(list));
}

/* The rows of a part as predict tells them, each with its number, are those of the whole file. */
static void expect_predicted_part(const char *model, const char *part, size_t rows)
{
    char command[256], line[512], whole[512];
    size_t count = 0, last = 0;
    snprintf(command, sizeof command, "predict %s x.csv --split %s -o part.csv --device cpu -q",
             model, part);
    program_do(command);
    snprintf(command, sizeof command, "predict %s x.csv -o whole.csv --device cpu -q", model);
    program_do(command);
    FILE *file = fopen("part.csv", "r"), *all = fopen("whole.csv", "r");
    cr_assert(file && all && fgets(line, sizeof line, file) && fgets(whole, sizeof whole, all));
    cr_expect(!strncmp(line, "row,", 4) && !strcmp(line + 4, whole), "%s", line);
    for (size_t at = 0; fgets(line, sizeof line, file); count++) {
        char *rest;
        size_t number = strtoul(line, &rest, 10);
        cr_assert(number > last && number <= 120, "row %zu after %zu", number, last);
        last = number;
        while (at < number && fgets(whole, sizeof whole, all)) at++;
        cr_expect_str_eq(rest + 1, whole, "%s, row %zu", part, number);
    }
    cr_expect_eq(count, rows, "%s: %zu rows", part, count);
    fclose(file);
    fclose(all);
}

Test(origin, predictions_of_a_part)
{
    program_do("train x.csv -o m --split 0.25 --validation 0.1" QUICK);
    expect_predicted_part("m", "test", 30);
    expect_predicted_part("m", "validation", 9);
    expect_predicted_part("m", "train", 81);
    char *first = runs_program_expect("predict m x.csv --split test --device cpu -q", 0),
         *json = runs_program_expect("predict m x.csv --split test --json --device cpu -q", 0);
    cr_expect_eq(strtoul(strchr(first, '\n') + 1, NULL, 10),
                 strtoul(json + strlen("{\"row\":"), NULL, 10) + 1);
    free(first);
    free(json);
    program_do("auto x.csv --split 0.25 --seed 7 --trials 3 -o e --device cpu -q");
    expect_predicted_part("e", "test", 30);
    expect_predicted_part("e", "train", 90);
}

/* An ensemble knows the rows that auto kept apart, by its seed. */
Test(origin, test_rows_of_an_ensemble)
{
    for (int seed = 1; seed < 3; seed++) {
        char line[256];
        snprintf(line, sizeof line,
                 "auto x.csv --split 0.3 --seed %d --trials 3 -o e --device cpu --json", seed);
        char *text = runs_program_expect(line, 0);
        json_t *o = program_parse(text, line), *test = json_object_get(o, "test"),
               *again = evaluated("e", "x.csv", "test");
        cr_expect_eq(json_integer_value(json_object_get(test, "rows")), 36);
        cr_expect(json_equal(json_object_get(test, "loss"), json_object_get(again, "loss")));
        free(text);
        json_decref(o);
        json_decref(again);
    }
    char *shown = runs_program_expect("show e", 0);
    cr_expect(strstr(shown, "0.3 of the rows for testing"), "%s", shown);
    free(shown);
    shown = runs_program_expect("show e -q", 0);
    cr_expect_str_empty(shown);
    free(shown);
    program_do("auto x.csv --trials 3 -o e --device cpu -q");
    static const program_mistake none[] = {{"evaluate e x.csv --split test", 1, "--split"}};
    program_check_mistakes(none, 1);
}

/* Without rows that are held out, a model file has no word of it. */
Test(origin, files_without_a_split_are_as_before)
{
    size_t size;
    program_do("train x.csv --validation 0 -o n" QUICK);
    char *bytes = runs_file_read("n", &size);
    cr_expect_null(memmem(bytes, size, "\\\"split\\\"", 9));
    free(bytes);
    program_do("train x.csv --split 0.1 -o n" QUICK);
    bytes = runs_file_read("n", &size);
    cr_expect_not_null(memmem(bytes, size, "\\\"split\\\"", 9));
    cr_expect_null(memmem(bytes, size, "x.csv", 5));
    free(bytes);
}

/* The command of a report, without the marks of HTML. */
static char *command_in(const char *path)
{
    char *page = runs_file_read(path, NULL), *at = strstr(page, "again: <code>");
    cr_assert_not_null(at);
    at += strlen("again: <code>lockstep ");
    *strstr(at, "</code>") = 0;
    char *command = strdup(at);
    free(page);
    return command;
}

/* Runs the command of the report of m, and expects the same model. */
static void expect_command_trains(const char *data, const char *options)
{
    char line[1024], again[65], first[65];
    snprintf(line, sizeof line, "train %s %s" QUICK " -o m", data, options);
    program_do(line);
    snprintf(line, sizeof line, "report m %s -o r.html --device cpu", data);
    program_do(line);
    char *command = command_in("r.html");
    snprintf(line, sizeof line, "%s -o again --device cpu -q", command);
    program_do(line);
    runs_file_sha256("m", first);
    runs_file_sha256("again", again);
    cr_expect_str_eq(first, again, "%s: %s", options, command);
    free(command);
}

Test(origin, the_command_of_a_report_trains_the_model)
{
    static const char *const options[] = {
        "",
        "--split 0.25",
        "--split 0.1 --drop id,a --weight g --seed 7",
        "--validation 0.2 --group g --sample 80",
        "--split 0.2 --target c --categorical a --missing median --patience 3",
        "--drop id",
        "--columns a,c --header yes",
        "--target a,b --validation 0",
        "--target c --missing most-frequent --validation 0",
        "--split 0.2 --positive k0 --threshold 0.4",
    };
    for (size_t i = 0; i < RUNS_COUNT(options); i++) expect_command_trains("x.csv", options[i]);
    expect_command_trains("moons --rows 60 --noise 0.3", "--split 0.2");
    expect_command_trains("moons --data-seed 4", "");
    expect_command_trains("friedman1 --rows 60", "--validation 0.2 --loss huber");
}

/* What the model does not keep is said. */
Test(origin, a_report_says_what_is_not_known)
{
    cr_expect_eq(system("head -60 x.csv > other.csv"), 0);
    program_do("train x.csv --split 0.2 -o m" QUICK);
    program_do("report m other.csv -o r.html --device cpu");
    char *command = command_in("r.html"), *page = runs_file_read("r.html", NULL);
    cr_expect(!strncmp(command, "train DATA --split 0.2", 22), "%s", command);
    cr_expect_not_null(strstr(page, "DATA: the file of the training rows"));
    free(command);
    free(page);
    program_do("report m -o r.html --device cpu");
    command = command_in("r.html");
    cr_expect(!strncmp(command, "train DATA --split 0.2", 22), "%s", command);
    free(command);
}

#else
Test(origin, skipped) { cr_skip_test("the program was not built"); }
#endif
