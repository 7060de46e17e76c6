/* SPDX-License-Identifier: MIT */
/* lockstep auto, and its models in the other commands. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void)
{
    runs_folder_enter(folder);
    program_do("make moons --rows 160 -o rows.csv");
    program_do("make friedman1 --rows 90 -o numbers.csv");
}
static void leave(void) { runs_folder_leave(folder); }

TestSuite(auto_cli, .init = enter, .fini = leave, .timeout = 300);

/* What a command line prints as JSON. */
static json_t *json_of(const char *line)
{
    runs_child c = runs_program(line);
    cr_assert_eq(c.status, 0, "%s: %s", line, c.err);
    json_t *o = program_parse(c.out, line);
    runs_child_free(&c);
    return o;
}

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    cr_assert(json_is_number(v), "%s", key);
    return json_number_value(v);
}

/* auto's own figures of test rows are those of evaluate, and the file is the same again. */
Test(auto_cli, trains_and_evaluates)
{
    json_t *o = json_of("auto rows.csv --split 0.25 --trials 4 --folds 2 --json -q -o m.st"),
           *again = json_of("auto rows.csv --split 0.25 --trials 4 --folds 2 --json -q -o n.st");
    cr_expect_eq(number_of(o, "trials"), 4);
    cr_expect(number_of(o, "members") >= 2);
    cr_expect_eq(number_of(o, "ended") + number_of(o, "dropped"), 4);
    cr_expect_eq(number_of(json_object_get(o, "test"), "rows"), 40);
    cr_expect(number_of(o, "held_out_log_loss") < 0.69);
    cr_expect_str_eq(json_string_value(json_object_get(o, "sha256")),
                     json_string_value(json_object_get(again, "sha256")));
    json_decref(o);
    json_decref(again);
    o = json_of("auto numbers.csv --trials 3 --folds 1 --json -q -o r.st");
    cr_expect(number_of(o, "held_out_rmse") > 0 && number_of(o, "held_out_rmse") < 10);
    json_decref(o);
}

/* The other commands know an ensemble, or say what it is. */
Test(auto_cli, other_commands)
{
    program_do("auto rows.csv --trials 3 --folds 2 -q -o m.st");
    program_do("auto numbers.csv --trials 3 --folds 2 -q -o r.st");
    json_t *o = json_of("show m.st --json"), *ensemble = json_object_get(o, "ensemble");
    cr_expect(json_array_size(json_object_get(ensemble, "members")) >= 2);
    cr_expect(number_of(ensemble, "temperature") > 0);
    json_decref(o);
    const char *const done[] = {"show m.st",
                                "evaluate m.st rows.csv",
                                "evaluate r.st numbers.csv",
                                "predict m.st rows.csv -o p.csv",
                                "predict r.st numbers.csv -o q.csv",
                                "report m.st rows.csv -o m.html",
                                "report r.st numbers.csv -o r.html",
                                "report m.st -o bare.html",
                                "plot roc m.st rows.csv -o roc.svg",
                                "plot boundary m.st rows.csv -o b.svg",
                                "verify m.st m.st"};
    for (size_t i = 0; i < sizeof done / sizeof *done; i++) program_do(done[i]);
    /* a report tells no command and no training that are another model's */
    char *page = runs_file_read("m.html", NULL);
    cr_expect(strstr(page, "An ensemble of <code>lockstep auto"));
    cr_expect_null(strstr(page, "Command to train"));
    cr_expect_null(strstr(page, "lockstep train"));
    cr_expect_null(strstr(page, "All settings"));
    free(page);
    const program_mistake refused[] = {
        {"plot loss m.st -o l.svg", 2, "loss ensemble"},
        {"plot layers m.st rows.csv -o l.svg", 2, "layers ensemble"},
        {"train rows.csv --from m.st -o t.st -q", 2, "start from ensemble"}};
    program_check_mistakes(refused, sizeof refused / sizeof *refused);
}

Test(auto_cli, mistakes)
{
    program_do("make moons --rows 19 -o few.csv");
    const program_mistake list[] = {
        {"auto", 2, "missing auto"},
        {"auto rows.csv --time soon", 2, "--time soon 60s"},
        {"auto rows.csv --time 0", 2, "--time"},
        {"auto rows.csv --time 5s --trials 3", 2, "--time --trials"},
        {"auto rows.csv --trials -1", 2, "--trials negative"},
        {"auto rows.csv --folds 500", 2, "500 folds"},
        {"auto rows.csv --split 2", 2, "--split"},
        {"auto rows.csv --split 0.1 --test rows.csv", 2, "--test --split"},
        {"auto rows.csv -o rows.csv --trials 2", 2, "rows.csv"},
        {"auto rows.csv -o - --trials 2", 2, "standard output"},
        {"auto few.csv --trials 2", 2, "too few"},
        {"auto none.csv", 1, "none.csv"}};
    program_check_mistakes(list, sizeof list / sizeof *list);
}

/* Ctrl-C ends with a model. */
Test(auto_cli, interruption)
{
    int pid = program_start("auto rows.csv --trials 3000 --folds 2 -q -o m.st");
    cr_assert(program_wait_for_handler(pid, SIGINT));
    sleep(1);
    kill(pid, SIGINT);
    runs_child c;
    runs_wait(pid, &c);
    cr_expect_eq(c.status, 130, "%s", c.err);
    runs_child_free(&c);
    program_do("evaluate m.st rows.csv");
}
#endif
