/* SPDX-License-Identifier: MIT */
/* What a search tells of its folds: a score for each, and predictions for the rows held out; and
 * that the command it prints trains the network that it has saved. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(search_folds, .init = enter, .fini = leave, .timeout = 300);

#define ONE " --hidden 4 --lr 0.02 --activation tanh --epochs 20 --device cpu"

/* Categories, missing values, dates, a number; the class depends on two of them. */
static void write_mixed(void)
{
    static const char *const towns[] = {"Ulm", "Bonn", "", "Trier", "Jena"};
    FILE *f = fopen("mixed.csv", "w"), *g = fopen("income.csv", "w");
    cr_assert(f && g);
    fputs("age,town,when,income,class\n", f);
    fputs("age,town,when,class,income\n", g);
    for (int i = 0; i < 120; i++) {
        char age[8];
        snprintf(age, sizeof age, i % 7 ? "%d" : "?", 20 + i * 13 % 50);
        const char *town = towns[i * 3 % 5],
                   *class = ((i * 13 % 50 > 25) != (i % 5 == 0)) ? "yes" : "no";
        int month = 1 + i % 12, income = 900 + i * 37 % 2000;
        fprintf(f, "%s,%s,2024-%02d-%02d,%d,%s\n", age, town, month, 1 + i % 28, income, class);
        fprintf(g, "%s,%s,2024-%02d-%02d,%s,%d\n", age, town, month, 1 + i % 28, class, income);
    }
    cr_assert(fclose(f) == 0 && fclose(g) == 0);
}

/* ---- The command ----------------------------------------------------------------------------- */

/* The line "best       lockstep train ..." of an output, as a shell would run it with another -o.
 */
static void run_command(const char *out, const char *line)
{
    char text[2048];
    const char *best = strstr(out, "\nbest       lockstep train "), *end;
    cr_assert(best, "lockstep %s: %s", line, out);
    best += strlen("\nbest       lockstep ");
    end = strstr(best, " -o best.st\n");
    cr_assert(end, "lockstep %s: %.200s", line, best);
    snprintf(text, sizeof text, "'%s' %.*s -o again.st -q --device cpu", LS_PROGRAM,
             (int)(end - best), best);
    runs_child c;
    runs_spawn((const char *const[]){"/bin/sh", "-c", text, NULL}, &c);
    cr_assert_eq(c.status, 0, "%s: %s", text, c.err);
    runs_child_free(&c);
}

Test(search_folds, the_command_trains_the_model_that_was_saved)
{
    static const char *const lines[] = {
        "mixed.csv --dates",
        "mixed.csv --drop when",
        "mixed.csv --drop when,town --missing drop --class-weights balanced",
        "mixed.csv --dates --group when",
        "mixed.csv --dates --folds 3 --patience 5",
        "mixed.csv --dates --validation 0",
        "mixed.csv --dates --patience 0|3",
        "mixed.csv --drop when --batch-norm=on|off --seeds 2",
        "income.csv --dates",
        "income.csv --dates --folds 2 --dropout 0|0.1 --lr 0.01",
        "moons --rows 100 --strategy halving --trials 9 --epochs 27",
    };
    write_mixed();
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char line[512], a[65], b[65];
        bool halving = strstr(lines[i], "halving");
        snprintf(line, sizeof line, "search %s --device cpu -o best.st%s", lines[i],
                 halving ? "" : " --trials 3 --epochs 12");
        char *out = runs_program_expect(line, 0);
        run_command(out, line);
        runs_file_sha256("best.st", a);
        runs_file_sha256("again.st", b);
        cr_expect_str_eq(a, b, "lockstep %s: the command gives another model", line);
        cr_expect(strstr(out, a), "lockstep %s: another hash is printed", line);
        unlink("best.st");
        unlink("again.st");
        free(out);
    }
}

/* ---- Scores of folds ------------------------------------------------------------------------- */

static json_t *best_scores(const char *line, const char *metric, json_t **whole)
{
    char *out = runs_program_expect(line, 0);
    *whole = program_parse(out, line);
    free(out);
    json_t *score = json_object_get(json_object_get(*whole, "best"), metric);
    cr_assert(json_is_array(json_object_get(score, "trainings")), "%s", line);
    return score;
}

/* The value of a column in the second line of a table. */
static double cell(const char *table, const char *column)
{
    char *copy = strdup(table), *lines[2], *rest = copy, *name, *value;
    lines[0] = strtok_r(rest, "\n", &rest);
    lines[1] = strtok_r(rest, "\n", &rest);
    cr_assert(copy && lines[0] && lines[1]);
    double found = (double)NAN;
    while ((name = strsep(&lines[0], ",")) && (value = strsep(&lines[1], ",")))
        if (!strcmp(name, column)) found = atof(value);
    free(copy);
    return found;
}

Test(search_folds, every_fold_has_its_score)
{
    json_t *whole,
        *score = best_scores("search moons --rows 90 --folds 3 --seeds 2 --report t.csv --json" ONE,
                             "accuracy", &whole),
        *list = json_object_get(score, "trainings");
    cr_assert_eq(json_array_size(list), 6);
    double sum = 0;
    char *table = runs_file_read("t.csv", NULL);
    for (size_t i = 0; i < 6; i++) {
        char name[64];
        double value = json_number_value(json_array_get(list, i));
        snprintf(name, sizeof name, "accuracy_seed_%zu_fold_%zu", i / 3 + 1, i % 3 + 1);
        cr_expect(fabs(cell(table, name) - value) < 1e-9, "%s: %g, %g", name, cell(table, name),
                  value);
        sum += value;
    }
    cr_expect_eq(json_number_value(json_object_get(score, "mean")), sum / 6);
    json_decref(whole);
    free(table);
    char *out = runs_program_expect("search moons --rows 90 --folds 3 --report t.csv" ONE, 0);
    cr_expect(strstr(out, "folds      accuracy of the best: "), "%s", out);
    free(out);
    table = runs_file_read("t.csv", NULL);
    cr_expect(strstr(table, ",accuracy_fold_1,accuracy_fold_2,accuracy_fold_3,"));
    free(table);
    free(runs_program_expect("search moons --rows 90 --report t.csv" ONE, 0));
    table = runs_file_read("t.csv", NULL); /* one training: its score is the mean */
    cr_expect_not(strstr(table, "_fold_"));
    free(table);
}

/* train --fold I/K trains without the rows of the fold that a search leaves out, and its validation
 * rows are these. */
Test(search_folds, train_holds_out_the_same_folds)
{
    static const char *const seeds[] = {"", ":6"};
    for (size_t s = 0; s < RUNS_COUNT(seeds); s++) {
        json_t *whole;
        char line[256];
        snprintf(line, sizeof line,
                 "search moons --rows 90 --folds 3 --patience 0 --report t.csv --json%s" ONE,
                 s ? " --search-seed 6" : "");
        json_t *list = json_object_get(best_scores(line, "accuracy", &whole), "trainings");
        for (size_t k = 0; k < 3; k++) {
            snprintf(line, sizeof line,
                     "train moons --rows 90 --fold %zu/3%s --patience 0 -o m.st --json" ONE, k + 1,
                     seeds[s]);
            char *out = runs_program_expect(line, 0), *table = runs_file_read("t.csv", NULL);
            json_t *trained = program_parse(out, line);
            const char *hash = json_string_value(json_object_get(trained, "weights_sha256"));
            cr_assert_not_null(hash);
            cr_expect_eq(json_number_value(json_object_get(json_object_get(trained, "validation"),
                                                           "accuracy")),
                         json_number_value(json_array_get(list, k)), "fold %zu", k + 1);
            cr_expect_eq(strstr(table, hash) != NULL, k == 0, "fold %zu", k + 1);
            json_decref(trained);
            free(table);
            free(out);
        }
        json_decref(whole);
    }
}

/* ---- Predictions ----------------------------------------------------------------------------- */

/* Each line of out-of-fold predictions: every row once, in order; the share of right ones in each
 * fold is the score that the search tells of it. */
Test(search_folds, predictions_agree_with_the_scores)
{
    json_t *whole,
        *list = json_object_get(
            best_scores("search moons --rows 90 --folds 3 --seeds 2 --oof o.csv --json" ONE,
                        "accuracy", &whole),
            "trainings");
    char *text = runs_file_read("o.csv", NULL), *rest = text;
    cr_assert(text);
    cr_expect_str_eq(strtok_r(rest, "\n", &rest), "row,fold,true,predicted,p_0,p_1");
    size_t row = 0, rows[4] = {0}, right[4] = {0}, number, fold;
    for (char *line; (line = strtok_r(NULL, "\n", &rest));) {
        int truth, predicted;
        double p[2];
        cr_assert_eq(sscanf(line, "%zu,%zu,%d,%d,%lf,%lf", &number, &fold, &truth, &predicted,
                            &p[0], &p[1]),
                     6, "%s", line);
        cr_assert(number == ++row && fold >= 1 && fold <= 3, "%s", line);
        cr_expect(fabs(p[0] + p[1] - 1) < 1e-6 && predicted == (p[1] >= 0.5), "%s", line);
        rows[fold]++;
        right[fold] += truth == predicted;
    }
    cr_expect_eq(row, 90);
    for (size_t k = 1; k <= 3; k++) /* of the first seed */
        cr_expect_eq((double)right[k] / (double)rows[k],
                     json_number_value(json_array_get(list, k - 1)), "fold %zu", k);
    free(text);
    json_decref(whole);
}

Test(search_folds, predictions_of_numbers_and_labels)
{
    json_t *whole,
        *list =
            json_object_get(best_scores("search sine --rows 60 --folds 2 --oof o.csv --json" ONE,
                                        "rmse", &whole),
                            "trainings");
    char *text = runs_file_read("o.csv", NULL), *rest = text;
    cr_expect_str_eq(strtok_r(rest, "\n", &rest), "row,fold,true_y,predicted_y");
    double squares[3] = {0}, count[3] = {0}, truth, predicted;
    size_t row, fold;
    for (char *line; (line = strtok_r(NULL, "\n", &rest));) {
        cr_assert_eq(sscanf(line, "%zu,%zu,%lf,%lf", &row, &fold, &truth, &predicted), 4);
        squares[fold] += (truth - predicted) * (truth - predicted);
        count[fold]++;
    }
    for (size_t k = 1; k <= 2; k++)
        cr_expect(fabs(sqrt(squares[k] / count[k]) -
                       json_number_value(json_array_get(list, k - 1))) < 1e-9);
    free(text);
    json_decref(whole);
    FILE *f = fopen("labels.csv", "w");
    cr_assert(f);
    fputs("a,b,hot,wet\n", f);
    for (int i = 0; i < 40; i++)
        fprintf(f, "%d,%d,%s,%s\n", i * 7 % 23, i * 5 % 19, i * 7 % 23 > 11 ? "True" : "False",
                i * 5 % 19 > 7 ? "True" : "False");
    cr_assert_eq(fclose(f), 0);
    program_do("search labels.csv --target hot,wet --folds 2 --oof o.csv" ONE);
    text = runs_file_read("o.csv", NULL);
    static const char head[] =
        "row,fold,true_hot,predicted_hot,p_hot,true_wet,predicted_wet,p_wet\n1,";
    cr_expect(!strncmp(text, head, sizeof head - 1), "%.90s", text);
    cr_expect_eq(program_count_lines(text), 41);
    free(text);
}

/* With one part held out, only its rows have predictions. */
Test(search_folds, predictions_of_a_held_out_part)
{
    program_do("search moons --rows 100 --holdout 0.3 --oof o.csv" ONE);
    char *text = runs_file_read("o.csv", NULL);
    cr_expect_eq(program_count_lines(text), 31);
    free(text);
}

Test(search_folds, mistakes)
{
    static const program_mistake mistakes[] = {
        {"search moons --oof o.csv", 2, "--oof --folds --holdout"},
        {"search moons --folds 3 --oof -", 2, "standard output"},
        {"search moons --folds 3 --oof o.csv --report o.csv", 2, "o.csv"},
        {"search moons --folds 3 --oof nowhere/o.csv", 1, "nowhere/o.csv"},
    };
    program_check_mistakes(mistakes, RUNS_COUNT(mistakes));
    char *help = runs_program_expect("search --help", 0);
    cr_expect(strstr(help, "cross-validation of one network"));
    free(help);
}

#else
Test(search_folds, skipped) { cr_skip_test("the program was not built"); }
#endif
