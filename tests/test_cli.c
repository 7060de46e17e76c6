/* SPDX-License-Identifier: MIT */
/* The program as a user meets it: help, output, results and interruptions. */
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

TestSuite(cli, .init = enter, .fini = leave, .timeout = 300);

static void make_csv(const char *path, const char *text)
{
    runs_file_write(path, text, strlen(text));
}

static const char flowers[] =
    "width,height,kind\n1,2,rose\n1.5,2.5,rose\n2,1,tulip\n3,1,tulip\n2.5,0.5,tulip\n1,3,rose\n"
    "4,0,lily\n5,0,lily\n4.5,0.5,lily\n";

#define QUICK " --epochs 3 --hidden 4 --device cpu"

/* ---- Help and mistakes ----------------------------------------------------------------------- */

static void assert_mentions(const char *text, const char *name, const char *command)
{
    char option[80];
    snprintf(option, sizeof option, "--%s", name);
    cr_expect(strstr(text, option), "lockstep %s --help does not mention %s", command, option);
}

/* The words of a text with one blank between them. */
static char *unwrapped(const char *text)
{
    char *out = malloc(strlen(text) + 1), *end = out;
    cr_assert_not_null(out);
    for (; *text; text++)
        if (!strchr(" \n", *text)) *end++ = *text;
        else if (end > out && end[-1] != ' ') *end++ = ' ';
    *end = '\0';
    return out;
}

/* popt cuts a line at the first character that is not ASCII if it wraps it. */
Test(cli, help_has_the_whole_text_of_each_option)
{
    runs_child c = runs_program("train --help");
    char *text = unwrapped(c.out);
    for (size_t i = 0; i < ls_option_count(); i++)
        cr_expect(strstr(text, ls_option_at(i)->help), "--%s: %s", ls_option_at(i)->name,
                  ls_option_at(i)->help);
    free(text);
    runs_child_free(&c);
}

static void assert_refused(const char *line, const char *message)
{
    runs_child c = runs_program(line);
    cr_expect(c.status != 0 && strstr(c.err, message), "lockstep %s: %d, %s", line, c.status,
              c.err);
    runs_child_free(&c);
}

/* What a message advises must be possible. */
Test(cli, target_that_is_no_number_is_refused_with_what_to_do)
{
    make_csv("t.csv", "a,b,y\n1,hi,0\n2,lo,3\n4,lo,4\n3,hi,1\n");
    make_csv("text.csv", "a,b,y\n1,hi,0\n2,lo,none at all\n");
    make_csv("gap.csv", "a,b,y\n1,hi,\n2,lo,3\n");
    make_csv("late.csv", "a,b,y\n1,hi,2\n2,lo,\n");
    make_csv("two.csv", "a,l,m\n1,0,1\n2,1,0\n3,1,1\n4,0,0\n");
    make_csv("bad.csv", "a,l,m\n1,0,1\n2,1,0\n3,1,2\n4,0,0\n");
    assert_refused(
        "train t.csv --target b --task regression" QUICK,
        "t.csv, line 2, column 1 (from 0, b): the target \"hi\" is not a finite number; correct "
        "it or drop the row, or give --task classification");
    make_csv("one.csv", "a,y\n1,2.5\n");
    assert_refused("train one.csv --task regression" QUICK, "only one training row");
    runs_child help = runs_program("train --help");
    cr_expect(strstr(help.out, "--target=NAME|INDEX         the column to predict"));
    runs_child_free(&help);
    assert_refused("train t.csv --target y,b" QUICK, "leave the column out of --target");
    runs_child c = runs_program("train t.csv --task regression -o m" QUICK);
    cr_assert(c.status == 0, "%s", c.err);
    runs_child_free(&c);
    assert_refused(
        "evaluate m text.csv",
        "line 3, column 2 (from 0, y): the target \"none at all\" is not a finite number, but 1 "
        "others are; correct it or drop the row\n");
    assert_refused("evaluate m gap.csv", "line 2, column 2 (from 0, y): the target is missing");
    assert_refused("evaluate m late.csv", "line 3, column 2 (from 0, y): the target is missing");
    assert_refused("train t.csv --test gap.csv --task regression" QUICK, "the target is missing");
    c = runs_program("train two.csv --target l,m -o m" QUICK);
    cr_assert(c.status == 0, "%s", c.err);
    runs_child_free(&c);
    assert_refused("evaluate m bad.csv",
                   "bad.csv, line 4, column 2 (from 0, m): \"2\" is no label; write 0 or 1");
}

Test(cli, describe_tells_numbers_and_labels_to_predict)
{
    make_csv("two.csv", "a,l,m\n1,0,1\n2,1,0\n3,1,1\n4,1,0\n");
    char *out = runs_program_expect("describe two.csv --target l,m", 0);
    cr_expect(strstr(out, "labels      2\n") && strstr(out, "1 in 3 of 4 rows") &&
                  strstr(out, "1 in 2 of 4 rows") && !strstr(out, "class"),
              "%s", out);
    free(out);
    make_csv("n.csv", "a,y\n1,1700000001\n2,1700000002\n3,1700000006\n");
    out = runs_program_expect("describe n.csv --task regression", 0);
    cr_expect(strstr(out, "number      1\n") && strstr(out, " y ") &&
                  strstr(out, "1700000001 … 1700000006, mean 1700000003 ± 2.1602") &&
                  !strstr(out, "class"),
              "%s", out);
    free(out);
    out = runs_program_expect("describe n.csv --task regression --json", 0);
    cr_expect(strstr(out, "\"regression\"") && strstr(out, "1700000006"), "%s", out);
    free(out);
}

Test(cli, help)
{
    static const struct {
        const char *command, *options;
    } list[] = {
        {"train",
         "test split positive threshold target rows noise data-seed device threads allow-approximate quiet json help"},
        {"evaluate",
         "positive threshold calibration target rows noise data-seed device threads allow-approximate json help"},
        {"predict", "positive threshold target device threads allow-approximate help"},
        {"show", "json help"},
        {"devices", "json quiet verbose help"},
        {"doctor", "device json quiet help"},
        {"describe", "target labels columns drop categorical missing json help"},
        {"make", "rows noise overlap classes features seed help"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char line[32], copy[256];
        snprintf(line, sizeof line, "%s --help", list[i].command);
        runs_child c = runs_program(line);
        cr_expect(c.status == 0 && !*c.err && strstr(c.out, "Usage: lockstep"),
                  "lockstep %s: %d, %s", line, c.status, c.err);
        strcpy(copy, list[i].options);
        for (char *name = strtok(copy, " "); name; name = strtok(NULL, " "))
            assert_mentions(c.out, name, list[i].command);
        for (size_t k = 0; i == 0 && k < ls_option_count(); k++)
            assert_mentions(c.out, ls_option_at(k)->name, "train");
        const char *generator;
        for (size_t k = 0; i == RUNS_COUNT(list) - 1 && (generator = ls_generator_at(k, NULL)); k++)
            cr_expect(strstr(c.out, generator), "%s", generator);
        runs_child_free(&c);
        snprintf(line, sizeof line, "%s -h", list[i].command);
        program_do(line);
    }
    runs_child c = runs_program("--help"), d = runs_program("help"), none = runs_program("");
    cr_expect(c.status == 0 && !*c.err && !strcmp(c.out, d.out));
    for (size_t i = 0; i < RUNS_COUNT(list); i++) cr_expect(strstr(c.out, list[i].command));
    cr_expect(none.status == 2 && !*none.out && *none.err, "no command at all: %d", none.status);
    runs_child_free(&c);
    runs_child_free(&d);
    runs_child_free(&none);
    char *version = runs_program_expect("--version", 0);
    cr_expect(strstr(version, ls_version()));
    free(version);
}

Test(cli, raw_files_go_in_and_named_classes_come_out)
{
    make_csv("people.csv",
             "age,town,class\n20,Ulm,yes\n?,Bonn,no\n40,Ulm,yes\n60,,no\n30,Bonn,no\n35,Ulm,yes\n");
    make_csv("more.csv", "town,age\nKiel,50\nUlm,?\nBonn,61\n");
    char *out = runs_program_expect("describe people.csv --json", 0);
    json_t *o = json_loads(out, 0, NULL), *columns = json_object_get(o, "columns"),
           *town = json_array_get(columns, 1);
    cr_assert(o && json_array_size(columns) == 2);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(columns, 0), "missing")), 1);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(town, "categories"), "Ulm")),
                 3);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(o, "classes"), "yes")), 3);
    json_decref(o);
    free(out);
    out = runs_program_expect("describe people.csv", 0);
    cr_expect(strstr(out, "town") && strstr(out, "2: Ulm 3, Bonn 2") && strstr(out, "20 … 60"),
              "%s", out);
    free(out);
    program_do("train people.csv --validation 0.3 -o people.safetensors -q" QUICK);
    program_do("evaluate people.safetensors people.csv --device cpu");
    program_do("show people.safetensors");
    out = runs_program_expect("predict people.safetensors more.csv --device cpu", 0);
    cr_expect(program_count_lines(out) == 4 && !strncmp(out, "class,p_no,p_yes\n", 17), "%s", out);
    free(out);
    program_do("train people.csv --split 0.34 --missing drop -q" QUICK);
    program_do("search people.csv --folds 2 --trials 2 --epochs 2 --device cpu -q");
}

/* A folder that does not exist is reported before training starts, not after. */
Test(cli, where_the_model_goes_is_checked_first)
{
    runs_child c = runs_program("train moons --epochs 3 --device cpu -o missing/model.safetensors");
    cr_expect_eq(c.status, 1, "%s", c.err);
    cr_expect(!strstr(c.err, "epoch"), "it trained first: %s", c.err);
    runs_child_free(&c);
}

/* Naming the data as the result by mistake must not overwrite them. */
Test(cli, a_model_does_not_replace_its_data)
{
    make_csv("flowers.csv", flowers);
    make_csv("more.csv", flowers);
    cr_assert_eq(symlink("flowers.csv", "link.csv"), 0);
    static const char *const lines[] = {"train flowers.csv -o flowers.csv -q" QUICK,
                                        "train flowers.csv -o ./flowers.csv -q" QUICK,
                                        "train link.csv -o flowers.csv -q" QUICK,
                                        "train flowers.csv --test more.csv -o more.csv -q" QUICK};
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        runs_child c = runs_program(lines[i]);
        char *flowers_now = runs_file_read("flowers.csv", NULL),
             *more_now = runs_file_read("more.csv", NULL);
        cr_expect(c.status != 0 && *c.err, "lockstep %s: exit status %d", lines[i], c.status);
        cr_expect(!strcmp(flowers_now, flowers) && !strcmp(more_now, flowers),
                  "lockstep %s: the data is gone", lines[i]);
        make_csv("flowers.csv", flowers);
        make_csv("more.csv", flowers);
        free(flowers_now);
        free(more_now);
        runs_child_free(&c);
    }
}

/* Output that could not be written is a failure, in every subcommand. */
Test(cli, a_full_disk_is_noticed)
{
    static const char *const lines[] = {"make moons",
                                        "predict m.safetensors moons --device cpu",
                                        "evaluate m.safetensors moons --device cpu",
                                        "show m.safetensors",
                                        "show m.safetensors --json",
                                        "train moons" QUICK,
                                        "train moons --json" QUICK};
    program_do("train moons -q -o m.safetensors" QUICK);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char command[512];
        snprintf(command, sizeof command, "'%s' %s >/dev/full", LS_PROGRAM, lines[i]);
        const char *const shell[] = {"sh", "-c", command, NULL};
        runs_child c;
        runs_spawn(shell, &c);
        cr_expect(c.status == 1 && *c.err, "lockstep %s: exit status %d: %s", lines[i], c.status,
                  c.err);
        runs_child_free(&c);
    }
}

/* ---- Training -------------------------------------------------------------------------------- */

static void assert_metrics(const json_t *m, size_t rows)
{
    static const char *const names[] = {"accuracy", "precision", "recall", "f1", "loss"};
    for (size_t i = 0; i < RUNS_COUNT(names); i++) {
        const json_t *value = json_object_get(m, names[i]);
        cr_expect(json_is_number(value) && json_number_value(value) >= 0, "%s", names[i]);
        if (i < 4) cr_expect(json_number_value(value) <= 1, "%s", names[i]);
    }
    cr_expect_eq(json_integer_value(json_object_get(m, "rows")), (json_int_t)rows);
}

Test(cli, json_output)
{
    static const char line[] =
        "train moons --rows 100 --split 0.2 --validation 0.1 --batch 32 --json -o m.safetensors" QUICK;
    runs_child c = runs_program(line);
    char hex[65];
    cr_assert_eq(c.status, 0, "%s", c.err);
    cr_expect(!*c.err, "it prints to stderr: %s", c.err);
    cr_expect_eq(program_count_lines(c.out), 1);
    json_t *o = program_parse(c.out, line);
    cr_expect(json_is_string(json_object_get(o, "device")));
    cr_expect_str_eq(json_string_value(json_object_get(o, "arithmetic")), "exact");
    cr_expect_eq(json_integer_value(json_object_get(o, "epochs")), 3);
    cr_expect_eq(json_integer_value(json_object_get(o, "steps")), 9);
    cr_expect(json_number_value(json_object_get(o, "seconds")) > 0 &&
              json_number_value(json_object_get(o, "steps_per_second")) > 0);
    cr_expect(json_number_value(json_object_get(o, "loss")) > 0);
    assert_metrics(json_object_get(o, "train"), 72);
    assert_metrics(json_object_get(o, "validation"), 8);
    assert_metrics(json_object_get(o, "test"), 20);
    json_t *history = json_object_get(o, "history"), *point = json_array_get(history, 2);
    cr_assert_eq(json_array_size(history), 3);
    cr_expect(json_integer_value(json_object_get(point, "epoch")) == 3 &&
              json_is_real(json_object_get(point, "loss")) &&
              json_is_real(json_object_get(point, "validation_loss")));
    ls_model *model;
    cr_assert_eq(ls_model_load("m.safetensors", &model, NULL), LS_OK);
    ls_model_weights_sha256(model, hex);
    cr_expect_str_eq(json_string_value(json_object_get(o, "weights_sha256")), hex);
    ls_model_free(model);
    json_decref(o);
    runs_child_free(&c);
}

Test(cli, every_json_output_is_one_object)
{
    static const char *const lines[] = {
        "devices --json",
        "show m.safetensors --json",
        "evaluate m.safetensors moons --json --device cpu",
        "train moons --json --device cpu --epochs 2",
        "train blobs --json --device cpu --epochs 2 --hidden none",
    };
    program_do("train moons -q -o m.safetensors" QUICK);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        runs_child c = runs_program(lines[i]);
        cr_expect(c.status == 0 && !*c.err, "lockstep %s: %d %s", lines[i], c.status, c.err);
        json_decref(program_parse(c.out, lines[i]));
        runs_child_free(&c);
    }
}

Test(cli, the_last_line_is_the_hash_of_the_file)
{
    char hex[65];
    char *out = runs_program_expect("train moons -o m.safetensors" QUICK, 0);
    runs_file_sha256("m.safetensors", hex);
    const char *last = program_last_line(out);
    cr_assert(!strncmp(last, hex, 64) && !strcmp(last + 64, "  m.safetensors"), "%s, not %s", last,
              hex);
    char *unsaved = runs_program_expect("train moons" QUICK, 0);
    cr_assert_str_eq(program_last_line(unsaved), hex, "without -o");
    char *shown = runs_program_expect("show m.safetensors", 0);
    cr_assert_str_eq(program_last_line(shown), last, "show");
    free(out);
    free(unsaved);
    free(shown);
    cr_assert_eq(runs_folder_count("."), 1, "something is left behind");
}

Test(cli, progress_is_on_stderr_and_can_be_turned_off)
{
    runs_child
        c = runs_program("train moons -o m.safetensors --device cpu --validation 0.2 --patience 0"),
        q = runs_program("train moons --quiet" QUICK),
        p = runs_program("predict m.safetensors moons --device cpu"),
        e = runs_program("evaluate m.safetensors moons -q --device cpu"),
        d = runs_program("devices -q");
    cr_expect(strstr(c.err, "epoch 1/100") && strstr(c.err, "epoch 100/100") &&
                  strstr(c.err, "validation loss"),
              "%s", c.err);
    cr_expect(program_count_lines(c.err) <= 22 && !strchr(c.err, '\r') && !strchr(c.err, '\033'),
              "%s", c.err);
    cr_expect(!strstr(c.out, "epoch 1/"), "%s", c.out);
    cr_expect(!*q.err && !*q.out, "--quiet prints %s%s", q.err, q.out);
    cr_expect(!*p.err && !*e.err && !*d.err);
    runs_child *all[] = {&c, &q, &p, &e, &d};
    for (size_t i = 0; i < RUNS_COUNT(all); i++) {
        cr_expect_eq(all[i]->status, 0);
        runs_child_free(all[i]);
    }
}

/* Each option changes the weights. */
Test(cli, options_reach_training)
{
    static const char *const extra[] = {
        "",          "--no-standardize", "--split 0.3", "--split 0.3 --seed 2",
        "--rows 70", "--data-seed 2",    "--noise 0.3"};
    char weights[RUNS_COUNT(extra)][65], line[256];
    for (size_t i = 0; i < RUNS_COUNT(extra); i++) {
        snprintf(
            line, sizeof line,
            "train moons --hidden none --init zeros --optimizer gd --epochs 3 --device cpu --json %s",
            extra[i]);
        char *out = runs_program_expect(line, 0);
        json_t *o = program_parse(out, line);
        strcpy(weights[i], json_string_value(json_object_get(o, "weights_sha256")));
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(weights[i], weights[k], "'%s' and '%s' give the same", extra[i],
                              extra[k]);
        json_decref(o);
        free(out);
    }
}

/* The bytes of the model do not depend on threads, device or output options. */
Test(cli, threads_and_devices_give_the_same_file)
{
    static const char *const ways[] = {"--threads 1 --device cpu", "--threads 0 --device 0",
                                       "--threads 7 --device CPU",
                                       "--device auto --threads auto --quiet", "--json"};
    char first[65], hex[65], line[256];
    program_do("train spirals --epochs 3 --hidden 40,9 --batch 33 -o m.safetensors --device cpu");
    runs_file_sha256("m.safetensors", first);
    for (size_t i = 0; i < RUNS_COUNT(ways); i++) {
        snprintf(line, sizeof line,
                 "train spirals --batch=33 --hidden=40,9 --epochs 3 %s -o m.safetensors", ways[i]);
        program_do(line);
        runs_file_sha256("m.safetensors", hex);
        cr_expect_str_eq(hex, first, "%s", ways[i]);
    }
}

/* Defaults that nobody asked for refuse no file that can be learnt. */
Test(cli, files_of_few_rows_are_trained_on)
{
    static const char *const kinds[] = {"numbers", "categories", "gaps", "three classes"};
    static const char *const ways[] = {"", " --batch-norm", " --class-weights balanced"};
    char text[400], line[200];
    for (size_t kind = 0; kind < RUNS_COUNT(kinds); kind++)
        for (int rows = 2; rows <= 10; rows++) {
            size_t n = (size_t)snprintf(text, sizeof text, "x,c,class\n");
            for (int i = 0; i < rows; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%.*s,%s,%c\n",
                                      !(kind == 2 && i == 1), &"0123456789"[i],
                                      kind == 1 ? i % 2 ? "red" : "blue"
                                      : i % 3   ? "5"
                                                : "4",
                                      'a' + i % (kind == 3 ? 3 : 2));
            make_csv("few.csv", text);
            for (size_t k = 0; k < RUNS_COUNT(ways); k++) {
                snprintf(line, sizeof line, "train few.csv --device cpu -q%s", ways[k]);
                program_do(line);
            }
            if (rows < (kind == 3 ? 4 : 3))
                continue; /* a class of two rows is needed to score on */
            program_do("search few.csv --trials 2 --epochs 2 --device cpu -q");
        }
    runs_child c = runs_program("train few.csv --batch-norm --batch 3 --device cpu"); /* 10 rows */
    cr_expect_eq(c.status, 2);
    program_expect_words("batch 3", c.err, "--batch-norm 10 training rows --batch 4");
    runs_child_free(&c);
}

Test(cli, small_and_odd_data)
{
    static const char *const lines[] = {
        "train moons --batch 100000" QUICK,
        "train two.csv" QUICK,
        "train two.csv --hidden none --epochs 2 --device cpu",
        "train two.csv --batch-norm" QUICK,
        "train moons --split 0.2 --batch-norm --noise 0.1 --no-standardize" QUICK,
        "train two.csv --batch-norm --batch 1 --hidden none --epochs 2 --device cpu",
        "train flowers.csv --target kind" QUICK,
        "train flowers.csv --target 2" QUICK,
        "train front.csv --target 0" QUICK,
        "train front.csv --target kind" QUICK,
        "train flowers.csv --test flowers.csv" QUICK,
        "train moons --no-standardize --no-bias-correction --class-weights balanced" QUICK,
        "train semicolons.csv" QUICK,
        "train moons --hidden 4,4 --activation tanh,relu --epochs 1e1 --device cpu",
        "train ./flowers.csv --epochs=2 --device=cpu",
    };
    make_csv("two.csv", "a,b,c\n1,2,x\n3,4,y\n");
    make_csv("flowers.csv", flowers);
    make_csv("front.csv", "kind,a,b\nrose,1,2\ntulip,3,4\nrose,1,1\n");
    make_csv("semicolons.csv", "1;2;no\n3;4;yes\n1;1;no\n");
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) program_do(lines[i]);
    char *front = runs_program_expect("train front.csv --target kind" QUICK, 0);
    char *back = runs_program_expect("train front.csv --target 0" QUICK, 0);
    cr_assert(!strncmp(program_last_line(front), program_last_line(back), 64),
              "a target by name and by number differ");
    free(front);
    free(back);
}

/* ---- From data to predictions ---------------------------------------------------------------- */

/* Reads the i-th comma-separated field of a line; returns false past its end. */
static bool field(const char *line, size_t i, char out[64])
{
    for (; i > 0; i--) {
        line += strcspn(line, ",\n");
        if (*line++ != ',') return false;
    }
    snprintf(out, 64, "%.*s", (int)strcspn(line, ",\n"), line);
    return true;
}

/* Checks that each line's class has the largest probability and that probabilities sum to 1.
 * Returns the number of lines. */
static size_t check_predictions(const char *csv, const char *const *classes, size_t count)
{
    size_t rows = 0;
    char text[64];
    for (const char *line = strchr(csv, '\n') + 1; *line; line = strchr(line, '\n') + 1, rows++) {
        size_t best = 0;
        double largest = -1, sum = 0;
        for (size_t k = 0; k < count; k++) {
            cr_assert(field(line, k + 1, text), "row %zu is short", rows + 1);
            double p = strtod(text, NULL);
            cr_assert(p >= 0 && p <= 1);
            sum += p;
            if (p > largest) {
                largest = p;
                best = k;
            }
        }
        cr_assert(!field(line, count + 1, text), "row %zu is long", rows + 1);
        cr_assert_float_eq(sum, 1, 1e-5);
        cr_assert(field(line, 0, text) && !strcmp(text, classes[best]),
                  "row %zu: %s, but %s is most probable", rows + 1, text, classes[best]);
    }
    return rows;
}

Test(cli, make_train_evaluate_predict_show)
{
    static const char *const classes[] = {"0", "1", "2"};
    program_do("make blobs --rows 90 --seed 4 -o data.csv");
    program_do("make blobs --rows 30 --seed 5 -o new.csv");
    char *trained = runs_program_expect(
        "train data.csv --test new.csv --hidden 8 --epochs 60 --device cpu --json -o m.safetensors",
        0);
    char *evaluated = runs_program_expect("evaluate m.safetensors new.csv --device cpu --json", 0);
    json_t *t = program_parse(trained, "train"), *e = program_parse(evaluated, "evaluate"),
           *test = json_object_get(t, "test");
    const char *name;
    json_t *value;
    json_object_foreach(test, name, value) cr_expect(json_equal(value, json_object_get(e, name)),
                                                     "train and evaluate differ in %s", name);
    cr_expect(json_number_value(json_object_get(json_object_get(t, "train"), "accuracy")) > 0.8);
    program_do("predict m.safetensors new.csv -o predicted.csv --device cpu");
    char *predicted = runs_file_read("predicted.csv", NULL),
         *printed = runs_program_expect("predict m.safetensors new.csv --device cpu", 0);
    cr_assert_str_eq(predicted, printed);
    cr_assert(!strncmp(predicted, "class,p_0,p_1,p_2\n", 18), "%.40s", predicted);
    cr_assert_eq(check_predictions(predicted, classes, 3), 30);
    char *shown = runs_program_expect("show m.safetensors", 0);
    cr_expect(strstr(shown, "2-8-3") && strstr(shown, "x1 x2") && strstr(shown, "--hidden 8") &&
                  strstr(shown, "60 epochs"),
              "%s", shown);
    char *text = runs_program_expect("evaluate m.safetensors new.csv --device cpu", 0);
    cr_expect(strstr(text, "confusion") && strstr(text, "accuracy"), "%s", text);
    json_decref(t);
    json_decref(e);
    char *all[] = {trained, evaluated, predicted, printed, shown, text};
    for (size_t i = 0; i < RUNS_COUNT(all); i++) free(all[i]);
}

Test(cli, text_classes_survive)
{
    static const char *const classes[] = {"lily", "rose", "tulip"};
    make_csv("flowers.csv", flowers);
    make_csv("bare.csv", "width,height\n1,2\n2,1\n");
    make_csv("other.csv", "width,height,kind\n1,2,oak\n");
    make_csv("wide.csv", "a,b,c,d,kind\n1,2,3,4,rose\n");
    program_do("train flowers.csv --hidden 8 --epochs 50 -o m.safetensors --device cpu --batch 4");
    char *with = runs_program_expect("predict m.safetensors flowers.csv --device cpu", 0);
    char *without = runs_program_expect("predict m.safetensors bare.csv --device cpu", 0);
    cr_expect(!strncmp(with, "class,p_lily,p_rose,p_tulip\n", 28), "%.50s", with);
    cr_expect_eq(check_predictions(with, classes, 3), 9);
    cr_expect_eq(check_predictions(without, classes, 3), 2);
    char *shown = runs_program_expect("show m.safetensors", 0);
    cr_expect(strstr(shown, "lily rose tulip") && strstr(shown, "width height"), "%s", shown);
    program_do("evaluate m.safetensors flowers.csv --target kind --device cpu");
    free(with);
    free(without);
    free(shown);
    static const program_mistake unfit[] = {
        {"evaluate m.safetensors bare.csv --device cpu", 1, "bare.csv class"},
        {"evaluate m.safetensors other.csv --device cpu", 1, "other.csv oak"},
        {"evaluate m.safetensors wide.csv --device cpu", 1, "wide.csv width height kind"},
        {"predict m.safetensors wide.csv --device cpu", 1, "wide.csv width height kind"},
        {"predict m.safetensors flowers.csv -o missing/p.csv --device cpu", 1, "missing/p.csv"},
    };
    program_check_mistakes(unfit, RUNS_COUNT(unfit));
}

Test(cli, every_generator)
{
    const char *name;
    char line[128], copy[128];
    for (size_t i = 0; (name = ls_generator_at(i, NULL)); i++) {
        snprintf(line, sizeof line, "make %s -o data.csv", name);
        program_do(line);
        snprintf(line, sizeof line, "train %s" QUICK, name);
        snprintf(copy, sizeof copy, "train data.csv" QUICK);
        char *direct = runs_program_expect(line, 0), *through = runs_program_expect(copy, 0);
        cr_expect_str_eq(program_last_line(direct), program_last_line(through),
                         "%s: the generator and its file give other models", name);
        free(direct);
        free(through);
        unlink("data.csv");
    }
}

/* ---- Interruption ---------------------------------------------------------------------------- */

/* Interrupts a training with --log log after its first epoch, when the log has a line. */
static void interrupt(const char *line, int number)
{
    char hex[65];
    runs_child c;
    ls_model *model;
    ls_summary s = LS_INIT(ls_summary);
    ls_error err;
    int pid = program_start(line);
    program_wait_for_file(pid, "log", 1);
    cr_assert_eq(kill(pid, number), 0);
    runs_wait(pid, &c);
    cr_assert_eq(c.status, 130, "%s: exit status %d\n%s", line, c.status, c.err);
    cr_expect(strstr(c.err, "interrupted") && strstr(c.err, "m.safetensors"), "%s", c.err);
    cr_assert_eq(ls_model_load("m.safetensors", &model, &err), LS_OK, "%s", err.message);
    ls_model_summary(model, &s, NULL);
    cr_expect(s.epochs > 0 && s.epochs < 1000000000);
    ls_model_free(model);
    if (!strstr(line, "--json")) {
        runs_file_sha256("m.safetensors", hex);
        cr_expect(!strncmp(program_last_line(c.out), hex, 64));
    } else json_decref(program_parse(c.out, line));
    runs_child_free(&c);
    unlink("m.safetensors");
    unlink("log");
}

Test(cli, an_interrupted_run_saves_what_there_is)
{
#define ENDLESS                                                                                    \
    "train moons --hidden 20 --epochs 1000000000 --patience 0 --device cpu -o m.safetensors --log log"
    interrupt(ENDLESS, SIGINT);
    interrupt(ENDLESS " --json", SIGINT);
    interrupt(ENDLESS " --patience 100000000", SIGTERM);
}

/* ---- Files that must not be written ---------------------------------------------------------- */

Test(cli, no_result_takes_the_place_of_another_file)
{
    static const char *const lines[] = {"train m.csv -o m.csv",
                                        "train m.csv -o ./m.csv",
                                        "train m.csv -o x --report x",
                                        "train m.csv -o x --log x",
                                        "train m.csv -o run/metrics.jsonl --log run/metrics.jsonl",
                                        "train m.csv --labels m.st -o m.st",
                                        "compare m.csv --sweep m",
                                        "predict m.st m.csv -o m.st",
                                        "predict run m.csv -o run/model.safetensors",
                                        "report run -o run/model.safetensors",
                                        "search m.csv -o x --report x",
                                        "search m.csv --labels m.st -o m.st"};
    free(runs_program_expect("make moons --rows 60 -o m.csv", 0));
    free(runs_program_expect("train m.csv --epochs 2 --device cpu -q -o m.st --run run", 0));
    char hash[3][65], again[65];
    const char *const files[] = {"m.csv", "m.st", "run/model.safetensors"};
    for (size_t k = 0; k < 3; k++) runs_file_sha256(files[k], hash[k]);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        runs_child c = runs_program(lines[i]);
        cr_expect(c.status == 2 && (strstr(c.err, "another one") || strstr(c.err, "twice")),
                  "lockstep %s: %d: %s", lines[i], c.status, c.err);
        runs_child_free(&c);
        for (size_t k = 0; k < 3; k++) {
            runs_file_sha256(files[k], again);
            cr_assert_str_eq(again, hash[k], "lockstep %s changed %s", lines[i], files[k]);
        }
        cr_expect(access("x", F_OK) != 0, "lockstep %s wrote something", lines[i]);
    }
    free(runs_program_expect(
        "train m.csv --epochs 2 --device cpu -q -o /dev/null --log /dev/null --report /dev/null",
        0));
}

#else
Test(cli, skipped) { cr_skip_test("the program was not built"); }
#endif
