/* SPDX-License-Identifier: MIT */
/* lockstep predict: columns of the file beside the predictions, the most probable classes, JSON. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/program.h"

static char folder[64];

static const char orders[] = "key,size,kind,note\n"
                             "007,1,a,\"said \"\"no\"\", twice\"\n"
                             "1E3,2,b, spaces \n"
                             "x y,1.50,a,\n"
                             ",2.5,b,\"two\nlines\"\n";

static void enter(void)
{
    runs_folder_enter(folder);
    runs_file_write("orders.csv", orders, sizeof orders - 1);
    program_do("train orders.csv --columns size --target kind -o m.st --epochs 3 --device cpu -q");
}
static void leave(void) { runs_folder_leave(folder); }

TestSuite(predict_columns, .init = enter, .fini = leave, .timeout = 300);

/* Runs a script, where $LS is the program; it must succeed. */
static void script(const char *text)
{
    char line[2048];
    runs_child c;
    snprintf(line, sizeof line, "LS='%s'; I='%s/datasets/iris.csv'; %s", LS_PROGRAM, LS_SOURCE_DIR,
             text);
    runs_spawn((const char *const[]){"/bin/sh", "-c", line, NULL}, &c);
    cr_expect_eq(c.status, 0, "%s: %s%s", text, c.out, c.err);
    runs_child_free(&c);
}

/* Columns stand in front as in the file, in the order of the options; quoted if necessary. */
Test(predict_columns, stand_as_in_the_file)
{
    char *bare = runs_program_expect("predict m.st orders.csv", 0),
         *all = runs_program_expect("predict m.st orders.csv --keep all", 0),
         *two = runs_program_expect("predict m.st orders.csv --id note --keep size,key", 0);
    cr_expect(!strncmp(bare, "class,p_a,p_b\n", 14), "%s", bare);
    cr_expect(!strncmp(all, "key,size,kind,note,class,p_a,p_b\n", 33), "%s", all);
    cr_expect(strstr(all, "\n007,1,a,\"said \"\"no\"\", twice\","), "%s", all);
    cr_expect(strstr(all, "\n1E3,2,b,spaces,"), "%s", all);
    cr_expect(strstr(all, "\nx y,1.50,a,,"), "%s", all);
    cr_expect(strstr(all, "\n,2.5,b,\"two\nlines\","), "%s", all);
    cr_expect(!strncmp(two, "note,size,key,class,", 20), "%s", two);
    cr_expect(strstr(two, "\n\"said \"\"no\"\", twice\",1,007,"), "%s", two);
    free(bare);
    free(all);
    free(two);
}

/* A prediction with the name of a kept column gets another one. */
Test(predict_columns, have_names_of_their_own)
{
    program_do("make friedman1 --rows 20 -o f.csv");
    program_do("train f.csv -o f.st --epochs 2 --device cpu -q");
    char *out = runs_program_expect("predict f.st f.csv --keep y", 0);
    cr_expect(!strncmp(out, "y,predicted_y\n", 14), "%.40s", out);
    free(out);
    script("head -3 $I > i.csv; $LS train $I -q -o i.st --epochs 2 --device cpu;"
           "$LS predict i.st i.csv --id 4 | head -1 | grep -q '^x5,class,p_'");
}

/* Many blocks and a thread: each row has its own columns. */
Test(predict_columns, stay_with_their_rows)
{
    script(
        "$LS make moons --rows 30000 -o big.csv; $LS train moons -q -o b.st --epochs 1 --device cpu;"
        "$LS predict b.st big.csv --keep x1,x2 > with.csv && cut -d, -f1,2 with.csv > a &&"
        "cut -d, -f1,2 big.csv | cmp a - && cut -d, -f3- with.csv > c && $LS predict b.st big.csv |"
        "cmp - c && cat big.csv | $LS predict b.st - --keep x1,x2 --threads 1 | cmp - with.csv");
}

Test(predict_columns, the_most_probable_classes)
{
    script("$LS train $I -q -o i.st --epochs 3 --device cpu; $LS predict i.st $I > all;"
           "$LS predict i.st $I --top 3 > three; cut -d, -f1 all | tail -n +2 > classes;"
           "$LS predict i.st $I --top 1 | cut -d, -f2 | tail -n +2 | cmp - classes");
    char *text = runs_file_read("three", NULL), class[3][32];
    double p[3], sum = 0;
    size_t rows = 0;
    cr_assert(!strncmp(text, "class,class_1,p_1,class_2,p_2,class_3,p_3\n", 42), "%.60s", text);
    for (char *at = strchr(text, '\n') + 1; *at; at = strchr(at, '\n') + 1, rows++) {
        cr_assert_eq(sscanf(at, "%*[^,],%31[^,],%lf,%31[^,],%lf,%31[^,],%lf", class[0], &p[0],
                            class[1], &p[1], class[2], &p[2]),
                     6);
        cr_expect(p[0] >= p[1] && p[1] >= p[2]);
        cr_expect(strcmp(class[0], class[1]) && strcmp(class[1], class[2]) &&
                  strcmp(class[0], class[2]));
        sum += p[0] + p[1] + p[2];
    }
    cr_expect(rows == 150 && sum > 149.999 && sum < 150.001);
    free(text);
}

/* JSON has one object a row. */
Test(predict_columns, objects_of_json)
{
    char *text = runs_program_expect("predict m.st orders.csv --json --id note", 0), *line = text;
    static const char *const notes[] = {"said \"no\", twice", "spaces", "", "two\nlines"};
    for (size_t row = 0; row < 4; row++, line = strchr(line, '\n') + 1) {
        json_t *o = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
        cr_assert_not_null(o, "%s", line);
        cr_expect_eq((size_t)json_integer_value(json_object_get(o, "row")), row);
        cr_expect_str_eq(json_string_value(json_object_get(json_object_get(o, "kept"), "note")),
                         notes[row]);
        json_t *p = json_object_get(o, "probabilities");
        double a = json_number_value(json_object_get(p, "a")),
               b = json_number_value(json_object_get(p, "b"));
        cr_expect(json_object_size(p) == 2 && a + b > 0.99999 && a + b < 1.00001);
        cr_expect_str_eq(json_string_value(json_object_get(o, "class")), b > a ? "b" : "a");
        json_decref(o);
    }
    cr_expect_eq(*line, 0);
    free(text);
    static const struct {
        const char *train, *predict, *words;
    } list[] = {
        {"train friedman1 -o n.st --epochs 2 -q --device cpu", "predict n.st friedman1 --json",
         "{\"row\":0,\"predictions\":{\"y\":"},
        {"train orders.csv --target kind --columns size -o n.st --epochs 2 -q --device cpu",
         "predict n.st orders.csv --json --top 1", "\"top\":[{\"class\":\""},
        {"train moons --output identity -o n.st --epochs 2 -q --device cpu",
         "predict n.st moons --json", "\"outputs\":["},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        program_do(list[i].train);
        text = runs_program_expect(list[i].predict, 0);
        cr_expect(strstr(text, list[i].words), "%s: %.200s", list[i].predict, text);
        json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
        cr_expect(first);
        json_decref(first);
        free(text);
    }
}

/* A row without a prediction: standardising multiplies its value by some thousands. */
Test(predict_columns, of_a_row_without_a_prediction)
{
    script("echo key,size,kind > n.csv; for i in 1 2 3 4 5 6 7 8; do"
           " echo k$i,$i.5e-4,c$((i % 2)) >> n.csv; done;"
           "$LS train n.csv --drop key -o far.st --epochs 1 --device cpu -q");
    runs_file_write("far.csv", "key,size\nk,3e38\n", 16);
    runs_child c = runs_program("predict far.st far.csv --id key --top 1");
    cr_expect(c.status == 1 && strstr(c.out, "\nk,,,NaN\n"), "%d %s", c.status, c.out);
    runs_child_free(&c);
    c = runs_program("predict far.st far.csv --json");
    cr_expect(c.status == 1 && strstr(c.out, "\"class\":null,\"probabilities\":null}"), "%d %s",
              c.status, c.out);
    runs_child_free(&c);
}

Test(predict_columns, mistakes)
{
    static const program_mistake list[] = {
        {"predict m.st orders.csv --id ky", 2, "--id ky \"key\""},
        {"predict m.st orders.csv --keep size,9", 2, "--keep 9"},
        {"predict m.st orders.csv --top 3", 2, "--top 3 2 classes"},
        {"predict m.st orders.csv --top 0", 2, "--top"},
        {"predict n.st friedman1 --top 1", 2, "--top classes"},
        {"predict n.st friedman1 --keep all", 2, "--keep generator"},
    };
    program_do("train friedman1 -o n.st --epochs 2 -q --device cpu");
    program_check_mistakes(list, RUNS_COUNT(list));
}

/* Commands that had no JSON. */
Test(predict_columns, experiment_prints_an_object)
{
    char *text = runs_program_expect("experiment X --quick --seeds 1 --device cpu --json -o out",
                                     0);
    json_t *o = program_parse(text, "experiment --json");
    cr_expect_str_eq(json_string_value(json_object_get(o, "folder")), "out");
    cr_expect_eq(json_array_size(json_object_get(o, "experiments")), 1);
    json_decref(o);
    free(text);
}

#else
Test(predict_columns, skipped) { cr_skip_test("the program was not built"); }
#endif
