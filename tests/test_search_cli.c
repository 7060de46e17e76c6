/* SPDX-License-Identifier: MIT */
/* lockstep search: what it prints and writes, its error messages, and interruptions. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/include/lockstep.h"
#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(search_cli, .init = enter, .fini = leave, .timeout = 300);

#define SMALL " --rows 60 --epochs 3 --hidden 4|8 --lr 0.001..1:log --trials 5 --device cpu"

static json_t *search_json(const char *line)
{
    json_error_t where;
    runs_child c = runs_program(line);
    cr_assert(c.status == 0 && !*c.err, "lockstep %s: %d, %s", line, c.status, c.err);
    json_t *o = json_loads(c.out, JSON_REJECT_DUPLICATES, &where);
    cr_assert(o && json_is_object(o), "lockstep %s does not print one JSON object: %s", line,
              where.text);
    runs_child_free(&c);
    return o;
}

/* Reads a table without its last column, the time. */
static char *without_time(const char *path)
{
    char *text = runs_file_read(path, NULL), *to = text;
    cr_assert_not_null(text, "%s is not there", path);
    for (char *from = text, *end; (end = strchr(from, '\n')); from = end + 1) {
        char *cut = end;
        while (*cut != ',') cut--;
        memmove(to, from, (size_t)(cut - from));
        to += cut - from;
        *to++ = '\n';
    }
    *to = 0;
    return text;
}

static void expect_same_table(const char *a, const char *b, const char *what)
{
    char *x = without_time(a), *y = without_time(b);
    cr_expect_str_eq(x, y, "%s", what);
    free(x);
    free(y);
}

Test(search_cli, help_tells_all)
{
    char *out = runs_program_expect("search --help", 0);
    program_expect_words(
        "search --help", out,
        "--strategy --trials --seeds --folds --holdout --metric --eta --search-seed --report --state --restart --top -o --device --json "
        "--target --rows low..high:log --batch-norm='on|off' 130");
    for (size_t i = 0; i < ls_option_count(); i++)
        program_expect_words("search --help", out, ls_option_at(i)->name);
    free(out);
}

Test(search_cli, mistakes_are_answered_with_one_line)
{
    static const program_mistake list[] = {
        {"search", 2, "missing"},
        {"search moons --strategy gird", 2, "--strategy gird 'grid'"},
        {"search moons --strategy bayes", 2, "--strategy bayes halving"},
        {"search moons --metric acuracy", 2, "'accuracy'"},
        {"search blobs --metric macro-f2", 2, "--metric 'macro_f1'"},
        {"search sine --metric accuracy", 2,
         "--metric accuracy numbers loss, rmse, mae, r2, median_absolute_error, explained_variance"},
        {"search moons --lr fast|0.1", 2, "--lr fast"},
        {"search moons --lr 1..0.1", 2, "--lr"},
        {"search moons --hiden 4|8", 2, "--hiden --hidden"},
        {"search moons --hidden 4..8", 2, "--hidden a|b|c"},
        {"search moons --batch-norm=maybe", 2, "--batch-norm maybe"},
        {"search moons --folds 1", 2, "--folds"},
        {"search moons --folds -1", 2, "--folds"},
        {"search moons --folds x", 2, "--folds"},
        {"search moons --seeds 0", 2, "--seeds"},
        {"search moons --trials -2", 2, "--trials"},
        {"search moons --top 0", 2, "--top"},
        {"search moons --holdout 1.5", 2, "--holdout"},
        {"search moons --eta 1", 2, "--eta"},
        {"search moons --time-limit 3", 2, "--time-limit"},
        {"search moons --strategy grid --trials 3 --lr 0.1|0.2 --l2 0|1", 2, "4 3 --trials"},
        {"search moons --strategy halving --epochs 3|9", 2, "--epochs"},
        {"search moons --optimizer gd --batch 4|8", 2, "gd sgd"},
        {"search moons -o -", 2, "-"},
        {"search moons -o a --report a", 2, "a twice"},
        {"search moons -o missing/a", 1, "missing/a"},
        {"search moons --report missing/a.csv", 1, "missing/a.csv"},
        {"search moonz", 1, "'moons'"},
        {"search missing.csv", 1, "missing.csv"},
        {"search moons --device 99 -q", 1, "99"},
    };
    program_check_mistakes(list, RUNS_COUNT(list));
    cr_expect_eq(runs_folder_count("."), 0, "something is left behind");
}

Test(search_cli, it_fails_if_no_trial_has_a_score)
{
    static const char line[] =
        "search moons --device cpu -q --output identity --optimizer sgd --lr 1000|2000";
    runs_child c = runs_program(line);
    cr_expect_eq(c.status, 1);
    program_expect_words(line, c.err, "lockstep search: diverged");
    cr_expect_eq(program_count_lines(c.err), 1, "%s", c.err);
    runs_child_free(&c);
}

/* One step of this size gives weights that are finite and outputs whose loss is not. */
Test(search_cli, an_infinite_score_is_not_the_best)
{
    static const char line[] =
        "search moons --device cpu --hidden 8,8,8 --activation identity --output identity --optimizer sgd --batch full --epochs 1 --lr 9e5|1e6 --metric loss -o best.safetensors";
    char json[sizeof line + 10];
    runs_child c = runs_program(line);
    cr_expect_eq(c.status, 1);
    program_expect_words(line, c.err, "no trial has a score: loss is infinite");
    program_expect_words(line, c.out, "best       none");
    cr_expect(!strstr(c.out, "lockstep train"), "%s", c.out);
    runs_child_free(&c);
    snprintf(json, sizeof json, "%s --json", line);
    c = runs_program(json);
    cr_expect_eq(c.status, 1);
    json_t *o = json_loads(c.out, 0, NULL), *trial;
    cr_assert(o, "%s", c.out);
    cr_expect(json_is_null(json_object_get(o, "best")) &&
              json_is_null(json_object_get(o, "model")));
    size_t i;
    json_array_foreach(json_object_get(o, "trials"), i, trial)
    {
        cr_expect(json_is_null(json_object_get(trial, "rank")));
    }
    cr_expect_eq(i, 2);
    json_decref(o);
    runs_child_free(&c);
    cr_expect_eq(runs_folder_count("."), 0, "a model was written");
}

/* Three rows of one class: some of five folds have none. */
Test(search_cli, a_metric_that_some_folds_lack_is_told)
{
    char text[1024] = "x,class\n";
    size_t n = strlen(text);
    for (int i = 0; i < 63; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d,%s\n", i * 37 % 64,
                              i % 21 ? "no" : "yes");
    runs_file_write("rare.csv", text, n);
    static const char line[] =
        "search rare.csv --hidden 4|8 --lr 0.0001|0.05 --activation relu --folds 5 --epochs 5 --metric auc --device cpu";
    char more[300];
    char *out = runs_program_expect(line, 0);
    program_expect_words(line, out, "auc is defined in 3 of 5 held-out parts best");
    cr_expect(!strstr(out, "nan"), "%s", out);
    free(out);
    snprintf(more, sizeof more, "%s --json", line);
    json_t *o = search_json(more), *trial;
    size_t i;
    cr_expect_eq(json_array_size(json_object_get(o, "notes")), 1);
    json_array_foreach(json_object_get(o, "trials"), i, trial)
    {
        json_t *auc = json_object_get(trial, "auc"), *loss = json_object_get(trial, "loss");
        cr_expect_eq(json_integer_value(json_object_get(auc, "parts")), 3);
        cr_expect(json_is_real(json_object_get(auc, "mean")));
        cr_expect_eq(json_integer_value(json_object_get(loss, "parts")), 5);
        cr_expect(!json_object_get(trial, "rmse"), "a metric of numbers");
    }
    json_decref(o);
    snprintf(more, sizeof more, "search rare.csv --folds 63 --metric auc --device cpu");
    runs_child c = runs_program(more);
    cr_expect_eq(c.status, 2);
    program_expect_words(more, c.err, "auc not defined 'yes' 3 of 63 --folds");
    runs_child_free(&c);
    snprintf(more, sizeof more, "search rare.csv --metric rmse --device cpu");
    c = runs_program(more);
    cr_expect_eq(c.status, 2);
    program_expect_words(more, c.err, "rmse classes accuracy");
    runs_child_free(&c);
}

/* A batch of one row cannot be normalised: such trials are refused, and a search of these alone. */
Test(search_cli, batches_of_one_row_are_refused)
{
    static const char line[] =
        "search moons --rows 41 --holdout 0.2 --batch-norm --batch 16|11 --hidden 4 --epochs 3 --strategy grid --device cpu";
    char *out = runs_program_expect(line, 0); /* 41 - 8 = 33 training rows */
    program_expect_words(line, out, "had incompatible options trial 1 33 training rows --batch 17");
    cr_expect(strstr(out, "--batch 11 --epochs"), "%s", out);
    free(out);
    runs_child c = runs_program("search moons --batch-norm --batch 1 --hidden 4|8 --device cpu");
    cr_expect_eq(c.status, 2);
    program_expect_words("search", c.err, "--batch-norm --batch");
    runs_child_free(&c);
}

Test(search_cli, it_works_with_no_option)
{
    runs_child c = runs_program("search moons --rows 40 --epochs 2 --device cpu");
    cr_assert_eq(c.status, 0, "%s", c.err);
    program_expect_words("search moons", c.out,
                         "CPU random 50 hidden activation lr best lockstep train moons");
    cr_expect(!strchr(c.err, '\033') && !strchr(c.out, '\033'),
              "it draws where there is no terminal");
    runs_child_free(&c);
    cr_expect_eq(runs_folder_count("."), 0);
}

Test(search_cli, json_has_everything)
{
    json_t *
        o = search_json(
           "search moons --json --folds 3 --seeds 2 --metric f1 -o best.safetensors --batch-norm=on|off" SMALL),
       *trials = json_object_get(o, "trials");
    cr_assert_eq(json_array_size(trials), 5);
    double last = 2;
    for (size_t i = 0; i < 5; i++) {
        json_t *t = json_array_get(trials, i), *f1 = json_object_get(t, "f1");
        double mean = json_number_value(json_object_get(f1, "mean"));
        cr_expect(mean <= last && json_number_value(json_object_get(f1, "sd")) >= 0);
        cr_expect_eq(json_integer_value(json_object_get(t, "rank")), (json_int_t)i + 1);
        cr_expect_str_eq(json_string_value(json_object_get(t, "status")), "done");
        cr_expect_eq(json_object_size(json_object_get(t, "options")), 3);
        last = mean;
    }
    json_t *best = json_object_get(o, "best"), *first = json_array_get(trials, 0);
    cr_expect_eq(json_integer_value(json_object_get(best, "trial")),
                 json_integer_value(json_object_get(first, "trial")));
    cr_expect_eq(json_object_size(json_object_get(best, "options")), ls_option_count());
    cr_expect_str_eq(json_string_value(json_object_get(json_object_get(o, "space"), "lr")),
                     "0.001..1:log");
    cr_expect_str_eq(json_string_value(json_object_get(o, "arithmetic")), "exact");
    cr_expect(json_is_true(json_object_get(o, "complete")));
    char hex[65];
    runs_file_sha256("best.safetensors", hex);
    cr_expect_str_eq(json_string_value(json_object_get(o, "sha256")), hex);
    json_decref(o);
}

/* The saved model is the one that the printed command trains. */
Test(search_cli, the_best_is_what_train_gives)
{
    char *
        out = runs_program_expect(
           "search moons --data-seed 4 --noise 0.25 --no-standardize --batch-norm=on|off --seed 5 -o best.safetensors" SMALL,
           0),
       hex[65], again[65];
    char *command = strstr(out, "lockstep train"), line[512];
    cr_assert_not_null(command);
    snprintf(line, sizeof line, "%.*s -q", (int)strcspn(command, "\n") - 9, command + 9);
    runs_file_sha256("best.safetensors", hex);
    cr_expect(strstr(out, hex), "the hash is not printed");
    cr_assert_eq(unlink("best.safetensors"), 0);
    free(runs_program_expect(line, 0));
    runs_file_sha256("best.safetensors", again);
    cr_expect_str_eq(hex, again, "lockstep %s gives another model", line);
    free(runs_program_expect("evaluate best.safetensors moons --device cpu", 0));
    free(out);
}

/* The same for data with categories, for which train would set --patience, and with options about
 * columns. */
Test(search_cli, the_best_of_mixed_data_is_what_train_gives)
{
    char text[4096] = "a,kind,key,class\n", hex[65], again[65], line[512];
    size_t n = strlen(text);
    for (int i = 0; i < 90; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d,%s,%d,%s\n", i * 7 % 31,
                              i % 3 ? "u" : "v", i, (i * 7 % 31) + (i % 3) * 9 > 20 ? "x" : "y");
    runs_file_write("mixed.csv", text, n);
    char *out = runs_program_expect(
        "search mixed.csv --drop key --missing most-frequent --trials 2 --hidden 4|8 --device cpu -o best.safetensors",
        0);
    char *command = strstr(out, "lockstep train");
    cr_assert_not_null(command);
    snprintf(line, sizeof line, "%.*s -q --device cpu", (int)strcspn(command, "\n") - 9,
             command + 9);
    runs_file_sha256("best.safetensors", hex);
    cr_assert_eq(unlink("best.safetensors"), 0);
    free(runs_program_expect(line, 0));
    runs_file_sha256("best.safetensors", again);
    cr_expect_str_eq(hex, again, "lockstep %s gives another model", line);
    free(out);
}

Test(search_cli, the_report_is_a_table)
{
    static const char *const columns[] = {"trial",
                                          "rank",
                                          "status",
                                          "rung",
                                          "hidden",
                                          "activation",
                                          "lr",
                                          "epochs",
                                          "accuracy_mean",
                                          "accuracy_sd",
                                          "accuracy_parts",
                                          "precision_mean",
                                          "precision_sd",
                                          "precision_parts",
                                          "recall_mean",
                                          "recall_sd",
                                          "recall_parts",
                                          "f1_mean",
                                          "f1_sd",
                                          "f1_parts",
                                          "auc_mean",
                                          "auc_sd",
                                          "auc_parts",
                                          "loss_mean",
                                          "loss_sd",
                                          "loss_parts",
                                          "macro_f1_mean",
                                          "macro_f1_sd",
                                          "macro_f1_parts",
                                          "weighted_f1_mean",
                                          "weighted_f1_sd",
                                          "weighted_f1_parts",
                                          "log_loss_mean",
                                          "log_loss_sd",
                                          "log_loss_parts",
                                          "brier_mean",
                                          "brier_sd",
                                          "brier_parts",
                                          "epochs_run",
                                          "steps",
                                          "parameters",
                                          "weights_sha256",
                                          "reason"};
    free(runs_program_expect(
        "search moons --rows 60 --epochs 3 --strategy grid --hidden 4|8,8 --activation relu|tanh,relu --lr 0.01|0.1 --report t.csv --device cpu",
        0));
    cr_expect_eq(runs_folder_count("."), 1, "the state is left behind");
    char *text = runs_file_read("t.csv", NULL), *line = text;
    size_t lines = 0;
    for (; *line; line += strcspn(line, "\n") + 1, lines++) {
        size_t fields = 1;
        bool quoted = false;
        for (const char *c = line; *c != '\n'; c++) {
            if (*c == '"') quoted = !quoted;
            fields += *c == ',' && !quoted;
        }
        cr_expect_eq(fields, RUNS_COUNT(columns), "line %zu has %zu fields", lines, fields);
    }
    cr_assert_eq(lines, 9);
    for (size_t i = 0, at = 0; i < RUNS_COUNT(columns); at += strlen(columns[i++]) + 1)
        cr_assert(!strncmp(text + at, columns[i], strlen(columns[i])), "column %zu is not %s: %s",
                  i, columns[i], text);
    cr_expect(strstr(text, "\n1,") && strstr(text, ",refused,") &&
                  strstr(text, ",done,1,\"8,8\",\"tanh,relu\",0.1,3,"),
              "%s", text);
    free(text);
}

/* Results do not depend on the device, the threads or the order of arguments. */
Test(search_cli, what_must_not_matter_does_not)
{
    static const char *const ways[] = {"--threads 1", "--threads 3 --device cpu",
                                       "--device auto -q", "--json"};
    char line[512], hex[65], first[65];
    free(runs_program_expect(
        "search moons --report a.csv -o a.safetensors --folds 3 --strategy halving --trials 9 --rows 60 --epochs 9 --hidden 4|8 --lr 0.01..1:log --device cpu",
        0));
    runs_file_sha256("a.safetensors", first);
    for (size_t i = 0; i < RUNS_COUNT(ways); i++) {
        snprintf(
            line, sizeof line,
            "search moons --lr 1e-2..1:log --hidden 4|8 --report b.csv -o b.safetensors --folds=3 --strategy halving --trials 9 --rows 60 --epochs 9 %s",
            ways[i]);
        free(runs_program_expect(line, 0));
        expect_same_table("a.csv", "b.csv", ways[i]);
        runs_file_sha256("b.safetensors", hex);
        cr_expect_str_eq(hex, first, "%s", ways[i]);
    }
}

/* ---- Interruption ---------------------------------------------------------------------------- */

#define LONG                                                                                       \
    "search moons --strategy halving --trials 300 --epochs 972 --folds 3 --hidden 8|32,32 --lr 0.001..1e3:log --batch 4 --device cpu -q"
#define ENDLESS "search moons --epochs 1000000000 --patience 0 --hidden 8|16,16 --device cpu -q"

/* Interrupts a search whose results are in b.csv, and returns the exit status.
 * state: the version of b.csv.state before which not to interrupt it, or NULL to interrupt it as
 * soon as it can be. */
static int interrupted_run(const char *line, int number, const program_version *state)
{
    runs_child c;
    int pid = program_start(line);
    program_wait_for_handler(pid, number);
    if (state) program_wait_for_change(pid, "b.csv.state", *state);
    kill(pid, number);
    runs_wait(pid, &c);
    if (c.status == 130)
        cr_expect(strstr(c.err, "interrupted") && strstr(c.err, "b.csv.state"), "%s", c.err);
    else cr_expect_eq(c.status, 0, "exit status %d: %s", c.status, c.err);
    int status = c.status;
    runs_child_free(&c);
    return status;
}

/* Interrupted once at the beginning and three times after it has saved some progress. Trainings
 * that had not ended begin anew, so that a search which is always interrupted might never end. */
Test(search_cli, an_interrupted_search_goes_on)
{
    static const char line[] = LONG " --report b.csv -o b.safetensors";
    char hex[65], first[65];
    free(runs_program_expect(LONG " --report a.csv -o a.safetensors", 0));
    runs_file_sha256("a.safetensors", first);
    for (int stops = 0, status = 130; stops < 4 && status == 130; stops++) {
        program_version state = program_file_version("b.csv.state");
        status = interrupted_run(line, stops % 2 ? SIGTERM : SIGINT, stops ? &state : NULL);
        cr_assert(status == 130 || stops > 0, "it could not be interrupted");
        if (status != 130) break;
        cr_expect(access("b.csv", R_OK) == 0 && access("b.csv.state", R_OK) == 0 &&
                  access("b.safetensors", F_OK) != 0);
    }
    program_do(line);
    expect_same_table("a.csv", "b.csv", "after interruptions");
    runs_file_sha256("b.safetensors", hex);
    cr_expect_str_eq(hex, first);
    cr_expect(access("b.csv.state", F_OK) != 0, "the state is left behind");
}

Test(search_cli, a_state_is_for_its_own_search)
{
    cr_assert_eq(interrupted_run(ENDLESS " --report b.csv", SIGINT, NULL), 130);
    runs_child c = runs_program(ENDLESS " --report b.csv --metric f1");
    cr_expect_eq(c.status, 2);
    program_expect_words("search --metric f1", c.err, "b.csv.state --restart --state");
    runs_child_free(&c);
    free(runs_program_expect("search moons --report b.csv --restart" SMALL, 0));
    static const char mine[] = "a,b\n1,2\n";
    runs_file_write("mine.csv", mine, strlen(mine));
    c = runs_program("search moons --state mine.csv --restart" SMALL);
    char *now = runs_file_read("mine.csv", NULL);
    cr_expect(c.status == 1 && !strcmp(now, mine), "a file that is no state was overwritten: %d %s",
              c.status, c.err);
    free(now);
    runs_child_free(&c);
}

#else
Test(search_cli, skipped) { cr_skip_test("the program was not built"); }
#endif
