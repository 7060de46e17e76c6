/* SPDX-License-Identifier: MIT */
/* The defaults of training: naming one changes nothing, which rows are held out, and what `train`
 * reports of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/split.h"
#include "host/model/training_rows.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(defaults, .init = enter, .fini = leave, .timeout = 600);

static ls_model *train(const ls_options *options, const ls_data *data)
{
    ls_model *model;
    ls_error err;
    cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), LS_OK, "%s", err.message);
    return model;
}

static void weights_of(const char *text, const ls_data *data, char hex[65])
{
    ls_options *options = runs_defaults(text);
    ls_model *model = train(options, data);
    ls_model_weights_sha256(model, hex);
    ls_model_free(model);
    ls_options_free(options);
}

/* ---- Which rows are held out ----------------------------------------------------------------- */

typedef struct {
    const char *options;
    size_t rows, held; /* held: number of validation rows; each set has two classes of equal size */
    uint64_t patience; /* after training */
} rule;

/* The rule of docs/training.md, "Validation rows". */
static const rule rules[] = {
    {"", 49, 0, 0},
    {"", 50, 6, 20}, /* a tenth of 25 rows, rounded, of each class */
    {"", 200, 20, 20},
    {"patience 0", 200, 0, 0},
    {"validation 0", 200, 0, 0},
    {"patience 5", 20, 2, 5},
    {"patience 5", 200, 20, 5},
    {"validation 0.25", 200, 50, 20},
    {"validation 0.25", 40, 10, 20},
    {"validation 0.25 patience 0", 200, 50, 0},
    {"validation 0.25 patience 7", 200, 50, 7},
    {"patience auto validation auto", 200, 20, 20},
    {"fold 2/4", 200, 50, 20},
    {"fold 2/4", 20, 5, 20},
    {"fold 2/4 patience 0", 200, 50, 0},
};

Test(defaults, one_rule_says_which_rows_are_held_out)
{
    for (size_t i = 0; i < RUNS_COUNT(rules); i++) {
        const rule *r = &rules[i];
        ls_data *data = runs_data("moons", r->rows);
        ls_options *options = runs_defaults(r->options);
        cr_assert_eq(ls_options_set(options, "epochs", "3", NULL), LS_OK);
        size_t kept = 0, points;
        cr_assert_eq(ls_training_rows(&options->settings, data, &kept, NULL), LS_OK);
        cr_expect_eq(r->rows - kept, r->held, "%s, %zu rows: %zu held out", r->options, r->rows,
                     r->rows - kept);
        ls_model *model = train(options, data);
        const ls_history_point *h = ls_model_history(model, &points);
        cr_assert_eq(points, 3);
        cr_expect_eq(!isnan(h[2].validation_loss), r->held > 0, "%s, %zu rows", r->options,
                     r->rows);
        ls_settings_watch(&options->settings, r->held > 0);
        cr_expect_eq(options->settings.patience, r->patience, "%s, %zu rows", r->options, r->rows);
        ls_model_free(model);
        ls_options_free(options);
        ls_data_free(data);
    }
}

/* The loss of the rows that were held out is least after few epochs; patience ends soon then. */
Test(defaults, training_ends_twenty_epochs_after_the_best)
{
    ls_data *data = runs_data("moons", 50);
    ls_options *options = runs_defaults("lr 0.3 epochs 1000 schedule constant");
    ls_model *model = train(options, data);
    ls_summary s = LS_INIT(ls_summary);
    cr_assert_eq(ls_model_summary(model, &s, NULL), LS_OK);
    cr_expect_str_eq(s.stopped, "patience");
    cr_expect_eq(s.epochs, s.best_epoch + 20);
    ls_model_free(model);
    ls_options_free(options);
    ls_data_free(data);
}

/* Marks where the rows of a part lie; a row must not be in two parts. */
static void mark(const ls_data *part, size_t rows, unsigned char *seen)
{
    for (size_t i = 0; i < part->rows; i++) {
        cr_assert_not_null(part->number);
        cr_assert_lt(part->number[i], rows);
        cr_expect_eq(seen[part->number[i]]++, 0, "row %zu is in two parts", part->number[i]);
    }
}

static void expect_all(const unsigned char *seen, size_t rows, const char *what)
{
    for (size_t i = 0; i < rows; i++) cr_expect_eq(seen[i], 1, "%s: row %zu", what, i);
}

Test(defaults, parts_have_each_row_once)
{
    enum { ROWS = 203 };
    static const char *const list[] = {
        "",         "validation 0.3",  "patience 4 seed 9",
        "fold 1/2", "fold 203/203:77", "fold 3/7:18446744073709551615"};
    static const char *const sets[] = {"moons", "numbers:2", "labels:3"};
    for (size_t k = 0; k < RUNS_COUNT(sets); k++) {
        ls_data *data = runs_data(sets[k], ROWS);
        for (size_t i = 0; i < RUNS_COUNT(list); i++) {
            unsigned char seen[ROWS] = {0};
            ls_data *rest, *held;
            ls_options *options = runs_defaults(list[i]);
            cr_assert_eq(ls_training_split(&options->settings, data, &rest, &held, NULL), LS_OK);
            cr_assert(rest && held && held->rows, "%s", list[i]);
            mark(rest, ROWS, seen);
            mark(held, ROWS, seen);
            expect_all(seen, ROWS, list[i]);
            ls_data_free(rest);
            ls_data_free(held);
            ls_options_free(options);
        }
        ls_data_free(data);
    }
}

/* ---- Folds ----------------------------------------------------------------------------------- */

Test(defaults, folds_hold_each_row_out_once)
{
    enum { ROWS = 100, FOLDS = 7 };
    static const char *const seeds[] = {"", ":1", ":5"};
    ls_data *data = runs_data("moons", ROWS);
    for (size_t s = 0; s < RUNS_COUNT(seeds); s++) {
        unsigned char seen[ROWS] = {0};
        uint32_t fold[ROWS];
        cr_assert_eq(ls_data_folds(data, FOLDS, s == 2 ? 5 : 1, fold, NULL), LS_OK);
        for (unsigned k = 1; k <= FOLDS; k++) {
            char text[32];
            ls_data *rest, *held;
            snprintf(text, sizeof text, "fold %u/%u%s", k, (unsigned)FOLDS, seeds[s]);
            ls_options *options = runs_defaults(text);
            cr_assert_eq(ls_training_split(&options->settings, data, &rest, &held, NULL), LS_OK);
            mark(held, ROWS, seen);
            for (size_t i = 0; i < held->rows; i++)
                cr_expect_eq(fold[held->number[i]], k - 1, "%s: row %zu", text, held->number[i]);
            cr_expect_eq(rest->rows + held->rows, ROWS);
            ls_data_free(rest);
            ls_data_free(held);
            ls_options_free(options);
        }
        expect_all(seen, ROWS, seeds[s]);
    }
    ls_data_free(data);
}

Test(defaults, texts_that_name_no_fold_are_refused)
{
    static const char *const list[] = {"",
                                       "1",
                                       "0/3",
                                       "4/3",
                                       "1/1",
                                       "1/0",
                                       "/3",
                                       "1/",
                                       "a/3",
                                       "1/b",
                                       "-1/3",
                                       "1/-3",
                                       " 1/3",
                                       "1/3 ",
                                       "1/3:",
                                       "1/3:x",
                                       "1/3:-1",
                                       "1/3:1:2",
                                       "1.5/3",
                                       "1/3/5",
                                       "1/4294967296",
                                       "1/3:18446744073709551616"};
    ls_options *options = runs_defaults("fold 2/3");
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_error err = {LS_OK, ""};
        cr_expect_eq(ls_options_set(options, "fold", list[i], &err), LS_ERR_ARGUMENT, "'%s'",
                     list[i]);
        cr_expect(strstr(err.message, "--fold"), "'%s': %s", list[i], err.message);
        cr_expect_str_eq(ls_options_get(options, "fold"), "2/3");
    }
    ls_options_free(options);
}

Test(defaults, rows_that_cannot_be_held_out_are_refused)
{
    static const struct {
        const char *options, *says;
    } list[] = {{"fold 1/21", "20 rows"},
                {"fold 1/3 validation 0.2", "--validation"},
                {"fold 1/3 validation 0", "--validation"},
                {"validation 0 patience 5", "--patience"}};
    ls_data *data = runs_data("moons", 20);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_model *model = NULL;
        ls_error err;
        ls_options *options = runs_defaults(list[i].options);
        cr_expect_eq(ls_train(NULL, options, data, NULL, NULL, &model, &err), LS_ERR_ARGUMENT);
        cr_expect(strstr(err.message, list[i].says), "%s: %s", list[i].options, err.message);
        cr_expect_null(model);
        ls_options_free(options);
    }
    ls_data_free(data);
}

/* Members of other folds lie side by side. */
Test(defaults, a_member_of_a_fleet_has_the_fold_of_a_run_alone)
{
    enum { FOLDS = 3 };
    ls_data *data = runs_data("moons", 90);
    ls_fleet *fleet;
    char alone[FOLDS][65], text[64];
    cr_assert_eq(ls_fleet_open(NULL, 0, &fleet, NULL), LS_OK);
    for (size_t k = 0; k < FOLDS; k++) {
        snprintf(text, sizeof text, "hidden 6 epochs 30 patience 3 fold %zu/3:4", k + 1);
        ls_options *options = runs_defaults(text);
        cr_assert_eq(ls_fleet_add(fleet, options, data, NULL, NULL), LS_OK);
        ls_options_free(options);
        weights_of(text, data, alone[k]);
    }
    cr_assert_eq(ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, NULL), LS_OK);
    for (size_t k = 0; k < FOLDS; k++) {
        ls_model *model;
        char hex[65];
        cr_assert_eq(ls_fleet_model(fleet, k, &model, NULL), LS_OK);
        ls_model_weights_sha256(model, hex);
        cr_expect_str_eq(hex, alone[k], "fold %zu", k + 1);
        ls_model_free(model);
    }
    cr_expect_str_neq(alone[0], alone[1]);
    ls_fleet_close(fleet);
    ls_data_free(data);
}

/* ---- Naming a default ------------------------------------------------------------------------ */

Test(defaults, naming_an_option_at_its_default_changes_no_weight)
{
    static const char *const sets[] = {"moons", "blobs", "numbers:2", "labels:3"};
    for (size_t k = 0; k < RUNS_COUNT(sets); k++) {
        ls_data *data = runs_data(sets[k], 60);
        char plain[65], named[65], text[128];
        weights_of("", data, plain);
        for (size_t i = 0; i < ls_option_count(); i++) {
            const ls_option_info *o = ls_option_at(i);
            snprintf(text, sizeof text, "%s %s", o->name, o->initial);
            weights_of(text, data, named);
            cr_expect_str_eq(named, plain, "%s: --%s", sets[k], text);
        }
        ls_data_free(data);
    }
}

/* ---- The program ----------------------------------------------------------------------------- */

#ifdef LS_PROGRAM
#include "tests/support/program.h"

/* Trains as a line says, and returns what it prints with --json. */
static json_t *trained(const char *options)
{
    char line[640];
    snprintf(line, sizeof line, "train %s --device cpu --json -o m", options);
    char *text = runs_program_expect(line, 0);
    json_t *o = program_parse(text, line);
    free(text);
    return o;
}

static json_int_t rows_of(const json_t *o, const char *part)
{
    return json_integer_value(json_object_get(json_object_get(o, part), "rows"));
}

Test(defaults, naming_an_option_at_its_default_changes_no_byte)
{
    static const char *const sets[] = {"moons --rows 60", "mixed.csv", "sine --rows 60"};
    runs_file_write("mixed.csv", program_mixed_csv, strlen(program_mixed_csv));
    for (size_t k = 0; k < RUNS_COUNT(sets); k++) {
        char line[256], plain[65], named[65];
        snprintf(line, sizeof line, "train %s --device cpu -q -o m", sets[k]);
        program_do(line);
        runs_file_sha256("m", plain);
        for (size_t i = 0; i < ls_option_count(); i++) {
            const ls_option_info *o = ls_option_at(i);
            if (o->argument)
                snprintf(line, sizeof line, "train %s --%s %s --device cpu -q -o m", sets[k],
                         o->name, o->initial);
            else
                snprintf(line, sizeof line, "train %s --%s%s --device cpu -q -o m", sets[k],
                         strcmp(o->initial, "on") ? "no-" : "", o->name);
            program_do(line);
            runs_file_sha256("m", named);
            cr_expect_str_eq(named, plain, "lockstep %s", line);
        }
    }
}

static void write_groups(void)
{
    FILE *f = fopen("groups.csv", "w"), *g = fopen("one_group.csv", "w");
    cr_assert(f && g);
    fputs("a,b,g,kind\n", f);
    fputs("a,b,g,kind\n", g);
    for (int i = 0; i < 120; i++) {
        fprintf(f, "%d,%d,g%d,k%d\n", i % 17, i * i % 11, i % 13, i * 7 % 13 % 2);
        fprintf(g, "%d,%d,g,k%d\n", i % 17, i * i % 11, i * 7 % 13 % 2);
    }
    cr_assert(fclose(f) == 0 && fclose(g) == 0);
}

/* Older versions read such a file as it is meant. */
Test(defaults, files_leave_out_later_options_and_later_defaults)
{
    static const char *const later[] = {"huber-delta", "l2",  "schedule",        "patience", "fold",
                                        "scaling",     "net", "label-smoothing", "on-nan"};
    static const char *const sets[] = {"moons", "sine"};
    for (size_t k = 0; k < RUNS_COUNT(sets); k++) {
        size_t size;
        char line[128], quoted[64];
        snprintf(line, sizeof line, "train %s --rows 60 --epochs 2 --device cpu -q -o m", sets[k]);
        program_do(line);
        char *bytes = runs_file_read("m", &size);
        for (size_t i = 0; i < RUNS_COUNT(later); i++) {
            int n = snprintf(quoted, sizeof quoted, "\\\"%s\\\"", later[i]);
            cr_expect_null(memmem(bytes, size, quoted, (size_t)n), "%s", later[i]);
        }
        cr_expect_not_null(memmem(bytes, size, "\\\"hidden\\\"", 10));
        free(bytes);
    }
}

/* What train reports of a part is what evaluate finds in it, and the parts are all rows. */
Test(defaults, the_parts_that_train_reports_do_not_overlap)
{
    static const struct {
        const char *options;
        int all;
        const char *data; /* for evaluate */
    } list[] = {
        {"moons --rows 150", 150, "moons --rows 150"},
        {"moons --rows 150 --split 0.2", 150, "moons --rows 150"},
        {"moons --rows 150 --split 0.2 --patience 0", 150, "moons --rows 150"},
        {"moons --rows 150 --split 0.2 --fold 3/4", 150, "moons --rows 150"},
        {"moons --rows 40 --fold 2/3:9", 40, "moons --rows 40"},
        {"groups.csv --split 0.3 --group g --seed 4", 120, "groups.csv"},
        {"groups.csv --group g --fold 1/5", 120, "groups.csv"},
        {"groups.csv --validation 0.3 --drop g --weight b", 120, "groups.csv"},
        {"friedman1 --rows 90 --split 0.2", 90, "friedman1 --rows 90"},
    };
    static const char *const parts[] = {"train", "validation", "test"}, *const keys[] = {
                                                                            "rows",     "loss",
                                                                            "accuracy", "confusion",
                                                                            "rmse",     "mae"};
    write_groups();
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char line[512];
        snprintf(line, sizeof line, "%s --epochs 6 --hidden 5", list[i].options);
        json_t *o = trained(line);
        json_int_t sum = 0;
        for (size_t p = 0; p < 3; p++) {
            json_t *part = json_object_get(o, parts[p]);
            sum += rows_of(o, parts[p]);
            if (!part) continue;
            snprintf(line, sizeof line, "evaluate m %s --split %s --device cpu --json",
                     list[i].data, parts[p]);
            char *text = runs_program_expect(line, 0);
            json_t *found = program_parse(text, line);
            for (size_t k = 0; k < RUNS_COUNT(keys); k++) {
                json_t *a = json_object_get(part, keys[k]), *b = json_object_get(found, keys[k]);
                cr_expect(a == b || json_equal(a, b), "%s: %s of %s", list[i].options, keys[k],
                          parts[p]);
            }
            json_decref(found);
            free(text);
        }
        cr_expect_eq(sum, list[i].all, "%s: %d rows", list[i].options, (int)sum);
        cr_expect_eq(json_object_get(o, "test") != NULL, strstr(list[i].options, "--split") != NULL,
                     "%s", list[i].options);
        cr_expect_eq(json_object_get(o, "validation") == NULL,
                     strstr(list[i].options, "--patience 0") != NULL, "%s", list[i].options);
        json_decref(o);
    }
}

/* A single group cannot be held out: that is no mistake unless it was asked for. */
Test(defaults, groups_that_cannot_be_held_out_are_trained_on)
{
    static const program_mistake asked[] = {
        {"train one_group.csv --group g --validation 0.2 -q", 2, "group"},
        {"train one_group.csv --group g --patience 5 -q", 2, "group"}};
    write_groups();
    json_t *o = trained("one_group.csv --group g --epochs 3");
    cr_expect_eq(rows_of(o, "train"), 120);
    cr_expect_null(json_object_get(o, "validation"));
    json_decref(o);
    program_check_mistakes(asked, RUNS_COUNT(asked));
}

/* ---- A class of its own for each row --------------------------------------------------------- */

/* rows rows, of which the last `repeated` have classes of the first. */
static void write_names(const char *path, int rows, int repeated)
{
    char text[8192] = "x,y,name\n";
    for (int i = 0; i < rows; i++)
        snprintf(text + strlen(text), 32, "%d,%d,p%d\n", i % 7, i * i % 11,
                 i < rows - repeated ? i : i - rows + repeated);
    runs_file_write(path, text, strlen(text));
}

Test(defaults, names_of_rows_are_no_classes)
{
    static const program_mistake refused[] = {
        {"train names.csv -q", 1, "60 rows another class --target"},
        {"train names.csv -q --patience 0", 1, "60 rows another class --target"},
        {"train names.csv -q --task classification", 1, "60 rows another class --target"},
        {"train names.csv -q --split 0.2", 2, "60 rows another class --target"},
        {"auto names.csv -q --trials 2", 1, "60 rows another class --target"},
        {"search names.csv -q --trials 2", 1, "another class --target"}};
    static const struct {
        int rows, repeated;
        bool told;
    } list[] = {{61, 1, true}, {99, 49, true}, {100, 50, false}, {49, 3, false}};
    write_names("names.csv", 60, 0);
    program_check_mistakes(refused, RUNS_COUNT(refused));
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        write_names("some.csv", list[i].rows, list[i].repeated);
        json_t *o = trained("some.csv --epochs 1"), *notes = json_object_get(o, "notes");
        bool told = false;
        for (size_t k = 0; k < json_array_size(notes); k++) {
            const char *note = json_string_value(json_array_get(notes, k));
            told |= strstr(note, "different texts") && strstr(note, "--target");
        }
        cr_expect_eq(told, list[i].told, "%d rows, %d of them again", list[i].rows,
                     list[i].repeated);
        json_decref(o);
    }
    write_names("few.csv", 20, 0); /* few rows may well be like that */
    json_decref(trained("few.csv --epochs 1"));
}

/* ---- The linear model ------------------------------------------------------------------------ */

/* The options of the linear model, as train would take them; patience only where rows are held out
 * and watched. */
#define LINEAR                                                                                     \
    " --hidden none --activation identity --optimizer adam --lr 0.02 --epochs 100 --schedule cosine"

Test(defaults, the_linear_model_is_one_that_train_gives)
{
    static const struct {
        const char *data, *of, *linear;
    } list[] = {{"moons --rows 150 --split 0.2", "test", "--batch 16 --patience 10"},
                {"moons --rows 150 --validation 0.2", "validation", "--batch 16 --patience 10"},
                {"moons --rows 150 --validation 0.2 --patience 0", "validation", "--batch 16"},
                {"moons --rows 1600 --patience 0", "train", "--batch 64"},
                {"moons --rows 30 --batch 8", "train", "--batch 16"},
                {"blobs --rows 90 --split 0.3 --fold 1/4", "test", "--batch 16 --patience 10"},
                {"friedman1 --rows 1000 --split 0.2", "test", "--batch 32 --patience 10"}};
    static const char *const keys[] = {"rows", "loss", "accuracy", "confusion", "rmse", "mae"};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char line[512];
        snprintf(line, sizeof line, "%s --epochs 4 --dropout 0.2 --batch-norm", list[i].data);
        json_t *o = trained(line), *said = json_object_get(o, "linear_model");
        snprintf(line, sizeof line, "%s" LINEAR " %s", list[i].data, list[i].linear);
        json_t *alone = trained(line), *same = json_object_get(alone, list[i].of);
        cr_assert(said && same, "%s", list[i].data);
        cr_expect_str_eq(json_string_value(json_object_get(said, "of")), list[i].of);
        for (size_t k = 0; k < RUNS_COUNT(keys); k++) {
            json_t *a = json_object_get(said, keys[k]), *b = json_object_get(same, keys[k]);
            cr_expect(a == b || json_equal(a, b), "%s: %s", list[i].data, keys[k]);
        }
        cr_expect_null(json_object_get(alone, "linear_model"), "a linear model beside one");
        json_decref(o);
        json_decref(alone);
    }
}

Test(defaults, the_linear_model_has_a_line)
{
    static const struct {
        const char *line, *says;
    } list[] = {{"train moons --rows 60 --split 0.2", "test: accuracy "},
                {"train moons --rows 60", "validation: accuracy "},
                {"train sine --rows 60", "validation: RMSE "}};
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char line[256];
        snprintf(line, sizeof line, "%s --epochs 3 --device cpu", list[i].line);
        char *out = runs_program_expect(line, 0),
             *end = strstr(out, i == 2 ? ", by linear regression\n" : ", by logistic regression\n");
        cr_assert_not_null(end, "%s", out);
        *end = 0;
        char *begin = strrchr(out, '\n');
        cr_assert_not_null(begin);
        begin += 1 + strspn(begin + 1, " ");
        cr_expect(!strncmp(begin, list[i].says, strlen(list[i].says)), "%s", begin);
        free(out);
    }
    char *out = runs_program_expect("train moons --rows 60 --hidden none --epochs 3 --device cpu",
                                    0);
    cr_expect_null(strstr(out, "regression"), "%s", out);
    free(out);
}
#endif
