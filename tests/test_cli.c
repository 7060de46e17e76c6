/* SPDX-License-Identifier: MIT */
/* The program as a user meets it: what it prints where, what it answers to mistakes, and how it
 * ends. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <jansson.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/include/lockstep.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(cli, .init = enter, .fini = leave, .timeout = 300);

static void do_it(const char *line) { free(runs_program_expect(line, 0)); }

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static const char *last_line(char *text)
{
    size_t n = strlen(text);
    cr_assert(n && text[n - 1] == '\n', "the output does not end with a line: \"%s\"", text);
    text[n - 1] = 0;
    char *start = strrchr(text, '\n');
    return start ? start + 1 : text;
}

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
        {"devices", "json help"},
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
        do_it(line);
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
    do_it("train people.csv --validation 0.3 -o people.safetensors -q" QUICK);
    do_it("evaluate people.safetensors people.csv --device cpu");
    do_it("show people.safetensors");
    out = runs_program_expect("predict people.safetensors more.csv --device cpu", 0);
    cr_expect(count_lines(out) == 4 && !strncmp(out, "class,p_no,p_yes\n", 17), "%s", out);
    free(out);
    do_it("train people.csv --split 0.34 --missing drop -q" QUICK);
    do_it("search people.csv --folds 2 --trials 2 --epochs 2 --device cpu -q");
}

/* A command line that is wrong: exit status and words of the one message on stderr; nothing else is
 * printed. */
typedef struct {
    const char *line;
    int status;
    const char *words; /* all of them, separated by blanks */
} mistake;

static void check_mistakes(const mistake *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        runs_child c = runs_program(list[i].line);
        char copy[256];
        cr_expect_eq(c.status, list[i].status, "lockstep %s: exit status %d, not %d: %s",
                     list[i].line, c.status, list[i].status, c.err);
        cr_expect(!*c.out, "lockstep %s prints to stdout: %s", list[i].line, c.out);
        cr_expect_eq(count_lines(c.err), 1, "lockstep %s prints not one line: %s", list[i].line,
                     c.err);
        cr_expect(!strncmp(c.err, "lockstep", 8), "lockstep %s: %s", list[i].line, c.err);
        strcpy(copy, list[i].words);
        for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
            cr_expect(strstr(c.err, word), "lockstep %s does not say '%s': %s", list[i].line, word,
                      c.err);
        runs_child_free(&c);
    }
}

static const mistake usage[] = {
    {"trian moons", 2, "trian 'train'"},
    {"xyzzy", 2, "xyzzy --help"},
    {"--vresion", 2, "--vresion"},
    {"train moons --hiden 3", 2, "--hiden --hidden"},
    {"train moons --no-batchnorm", 2, "--no-batch-norm"},
    {"train moons --frobnicate", 2, "--frobnicate --help"},
    {"train moons --frobnicate=7", 2, "--frobnicate"},
    {"train moons -z", 2, "-z"},
    {"train moons --optimizer adamm", 2, "--optimizer adamm 'adam'"},
    {"train moons --activation relu,tahn", 2, "--activation tahn 'tanh'"},
    {"train moons --loss entropy", 2, "--loss entropy bce"},
    {"train moons --hidden", 2, "--hidden"},
    {"train moons -o", 2, "-o"},
    {"train moons --hidden 0", 2, "--hidden 0 none"},
    {"train moons --hidden 4,,4", 2, "--hidden"},
    {"train moons --hidden 4,4,", 2, "--hidden"},
    {"train moons --hidden -3", 2, "--hidden -3"},
    {"train moons --hidden 1e9", 2, "--hidden 1000000"},
    {"train moons --hidden 2.5", 2, "--hidden 2.5"},
    {"train moons --lr fast", 2, "--lr fast"},
    {"train moons --lr -1", 2, "--lr -1"},
    {"train moons --lr nan", 2, "--lr nan"},
    {"train moons --lr 1e-400000x", 2, "--lr"},
    {"train moons --dropout 1", 2, "--dropout 0.99"},
    {"train moons --epochs 0", 2, "--epochs 0"},
    {"train moons --epochs 1e30", 2, "--epochs 1e30"},
    {"train moons --epochs 18446744073709551616", 2, "--epochs"},
    {"train moons --batch 0", 2, "--batch"},
    {"train moons --seed -1", 2, "--seed"},
    {"train moons --validation 1", 2, "--validation"},
    {"train moons --batch-norm=maybe", 2, "--batch-norm"},
    {"train moons --class-weights 1,2,3 --device cpu --quiet", 2, "--class-weights"},
    {"train moons --optimizer gd --batch 8 --device cpu --quiet", 2, "gd sgd"},
    {"train moons --split x", 2, "--split x"},
    {"train moons --split 1", 2, "--split"},
    {"train moons --split -0.1", 2, "--split"},
    {"train moons --split 0.00001", 2, "rows"},
    {"train moons --threads x", 2, "--threads"},
    {"train moons --threads -1", 2, "--threads"},
    {"train moons --threads 100000 --device cpu", 2, "threads"},
    {"train moons --rows -5", 2, "--rows"},
    {"train moons --rows many", 2, "--rows"},
    {"train moons circles", 2, "circles"},
    {"train", 2, "missing --help"},
    {"evaluate a.safetensors", 2, "missing"},
    {"predict a.safetensors b c", 2, "'c'"},
    {"show", 2, "missing"},
    {"devices all", 2, "'all'"},
    {"make", 2, "missing"},
    {"make mons", 2, "\"mons\" \"moons\""},
    {"make nothing", 2, "linear classification"},
    {"make moons --rows -1", 2, "--rows"},
    {"make moons --noise loud", 2, "--noise"},
    {"train moons --noise nan", 2, "--noise"},
    {"train moons --noise -3", 2, "--noise"},
    {"train moons --split nan", 2, "--split"},
    {"train moons --split 1", 2, "--split"},
    {"train moons --split -1", 2, "--split"},
    {"train ''", 1, "lockstep"},
};

Test(cli, wrong_usage_is_answered_with_one_line_and_status_2)
{
    check_mistakes(usage, RUNS_COUNT(usage));
}

static const mistake failures[] = {
    {"train missing.csv", 1, "missing.csv"},
    {"train moonz", 1, "moonz 'moons'"},
    {"train empty.csv --device cpu", 1, "empty.csv"},
    {"train header.csv --device cpu", 1, "header.csv"},
    {"train word.csv --device cpu", 1, "word.csv line 3 column 2"},
    {"train ragged.csv --device cpu", 1, "ragged.csv line 3"},
    {"train one.csv --device cpu --quiet", 1, "class"},
    {"train . --device cpu", 1, "."},
    {"train flowers.csv --target colour", 2, "colour flowers.csv"},
    {"train flowers.csv --target 7", 2, "7 flowers.csv"},
    {"train flowers.csv --test missing.csv", 1, "missing.csv"},
    {"train flowers.csv --test wide.csv --device cpu", 1, "wide.csv"},
    {"train moons --device nonsense", 1, "nonsense devices"},
    {"train moons --device 99", 1, "99 devices"},
    {"train moons -o missing/model.safetensors --device cpu --epochs 2 --quiet", 1,
     "missing/model.safetensors"},
    {"train moons --device cpu --quiet --output identity --lr 1000 --optimizer sgd", 1,
     "diverged step layer --lr"},
    {"show missing.safetensors", 1, "missing.safetensors"},
    {"show flowers.csv", 1, "flowers.csv"},
    {"evaluate missing.safetensors flowers.csv", 1, "missing.safetensors"},
    {"predict flowers.csv flowers.csv", 1, "flowers.csv"},
    {"make moons -o missing/moons.csv", 1, "missing/moons.csv"},
};

Test(cli, failures_are_answered_with_one_line)
{
    make_csv("empty.csv", "");
    make_csv("header.csv", "a,b,class\n");
    make_csv("word.csv", "a,b,c\n1,2,x\n3,q,y\n");
    make_csv("ragged.csv", "a,b,c\n1,2,x\n3,4,5,y\n");
    make_csv("one.csv", "a,b,c\n1,2,x\n");
    make_csv("wide.csv", "a,b,c,kind\n1,2,3,rose\n");
    make_csv("flowers.csv", flowers);
    check_mistakes(failures, RUNS_COUNT(failures));
}

/* A folder that is not there is found out before hours of training, not after. */
Test(cli, where_the_model_goes_is_checked_first)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    char *out = runs_program_expect(
        "train moons --hidden 50 --epochs 1000000 --time-limit 5 --device cpu -o missing/model.safetensors",
        1);
    clock_gettime(CLOCK_MONOTONIC, &b);
    cr_assert_lt(b.tv_sec - a.tv_sec, 4, "it trained first");
    free(out);
}

/* A slip must not cost the data. */
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

/* Output that could not be written is a failure, whoever writes it. */
Test(cli, a_full_disk_is_noticed)
{
    static const char *const lines[] = {"make moons",
                                        "predict m.safetensors moons --device cpu",
                                        "evaluate m.safetensors moons --device cpu",
                                        "show m.safetensors",
                                        "show m.safetensors --json",
                                        "train moons -q" QUICK,
                                        "train moons --json" QUICK};
    do_it("train moons -q -o m.safetensors" QUICK);
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

static json_t *parse_object(const char *text, const char *line)
{
    json_error_t where;
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES,
                           &where); /* refuses anything behind the object */
    cr_assert(o && json_is_object(o), "lockstep %s does not print one JSON object: %s\n%.300s",
              line, where.text, text);
    return o;
}

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
        "train moons --rows 100 --split 0.2 --validation 0.1 --json -o m.safetensors" QUICK;
    runs_child c = runs_program(line);
    char hex[65];
    cr_assert_eq(c.status, 0, "%s", c.err);
    cr_expect(!*c.err, "it prints to stderr: %s", c.err);
    cr_expect_eq(count_lines(c.out), 1);
    json_t *o = parse_object(c.out, line);
    cr_expect(json_is_string(json_object_get(o, "device")));
    cr_expect_str_eq(json_string_value(json_object_get(o, "arithmetic")), "exact");
    cr_expect_eq(json_integer_value(json_object_get(o, "epochs")), 3);
    cr_expect_eq(json_integer_value(json_object_get(o, "steps")), 9);
    cr_expect(json_number_value(json_object_get(o, "seconds")) > 0 &&
              json_number_value(json_object_get(o, "steps_per_second")) > 0);
    cr_expect(json_number_value(json_object_get(o, "loss")) > 0);
    assert_metrics(json_object_get(o, "train"), 80);
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
    do_it("train moons -q -o m.safetensors" QUICK);
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        runs_child c = runs_program(lines[i]);
        cr_expect(c.status == 0 && !*c.err, "lockstep %s: %d %s", lines[i], c.status, c.err);
        json_decref(parse_object(c.out, lines[i]));
        runs_child_free(&c);
    }
}

Test(cli, the_last_line_is_the_hash_of_the_file)
{
    char hex[65];
    char *out = runs_program_expect("train moons -o m.safetensors" QUICK, 0);
    runs_file_sha256("m.safetensors", hex);
    const char *last = last_line(out);
    cr_assert(!strncmp(last, hex, 64) && !strcmp(last + 64, "  m.safetensors"), "%s, not %s", last,
              hex);
    char *unsaved = runs_program_expect("train moons" QUICK, 0);
    cr_assert_str_eq(last_line(unsaved), hex, "without -o");
    char *shown = runs_program_expect("show m.safetensors", 0);
    cr_assert_str_eq(last_line(shown), last, "show");
    free(out);
    free(unsaved);
    free(shown);
    cr_assert_eq(runs_folder_count("."), 1, "something is left behind");
}

Test(cli, progress_is_on_stderr_and_can_be_turned_off)
{
    runs_child
        c = runs_program("train moons -o m.safetensors --epochs 100 --device cpu --validation 0.2"),
        q = runs_program("train moons --quiet" QUICK),
        p = runs_program("predict m.safetensors moons --device cpu"),
        e = runs_program("evaluate m.safetensors moons -q --device cpu"),
        d = runs_program("devices");
    cr_expect(strstr(c.err, "epoch 1/100") && strstr(c.err, "epoch 100/100") &&
                  strstr(c.err, "validation loss"),
              "%s", c.err);
    cr_expect(count_lines(c.err) <= 22 && !strchr(c.err, '\r') && !strchr(c.err, '\033'), "%s",
              c.err);
    cr_expect(!strstr(c.out, "epoch 1/"), "%s", c.out);
    cr_expect(!*q.err && *q.out, "--quiet prints %s", q.err);
    cr_expect(!*p.err && !*e.err && !*d.err);
    runs_child *all[] = {&c, &q, &p, &e, &d};
    for (size_t i = 0; i < RUNS_COUNT(all); i++) {
        cr_expect_eq(all[i]->status, 0);
        runs_child_free(all[i]);
    }
}

/* Each changes the weights of a run in which nothing else depends on it. */
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
        json_t *o = parse_object(out, line);
        strcpy(weights[i], json_string_value(json_object_get(o, "weights_sha256")));
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(weights[i], weights[k], "'%s' and '%s' give the same", extra[i],
                              extra[k]);
        json_decref(o);
        free(out);
    }
}

/* What must not matter for the bytes of the model. */
Test(cli, threads_and_devices_give_the_same_file)
{
    static const char *const ways[] = {"--threads 1 --device cpu", "--threads 0 --device 0",
                                       "--threads 7 --device CPU",
                                       "--device auto --threads auto --quiet", "--json"};
    char first[65], hex[65], line[256];
    do_it("train spirals --epochs 3 --hidden 40,9 --batch 33 -o m.safetensors --device cpu");
    runs_file_sha256("m.safetensors", first);
    for (size_t i = 0; i < RUNS_COUNT(ways); i++) {
        snprintf(line, sizeof line,
                 "train spirals --batch=33 --hidden=40,9 --epochs 3 %s -o m.safetensors", ways[i]);
        do_it(line);
        runs_file_sha256("m.safetensors", hex);
        cr_expect_str_eq(hex, first, "%s", ways[i]);
    }
}

Test(cli, small_and_odd_data)
{
    static const char *const lines[] = {
        "train moons --batch 100000" QUICK,
        "train two.csv" QUICK,
        "train two.csv --hidden none --epochs 2 --device cpu",
        "train two.csv --batch-norm --batch 1" QUICK,
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
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) do_it(lines[i]);
    char *front = runs_program_expect("train front.csv --target kind" QUICK, 0);
    char *back = runs_program_expect("train front.csv --target 0" QUICK, 0);
    cr_assert(!strncmp(last_line(front), last_line(back), 64),
              "a target by name and by number differ");
    free(front);
    free(back);
}

/* ---- The way from data to predictions -------------------------------------------------------- */

/* Reads the i-th comma-separated field of a line; false past its end. */
static bool field(const char *line, size_t i, char out[64])
{
    for (; i > 0; i--) {
        line += strcspn(line, ",\n");
        if (*line++ != ',') return false;
    }
    snprintf(out, 64, "%.*s", (int)strcspn(line, ",\n"), line);
    return true;
}

/* Each line's class is the one of the largest probability, and probabilities sum to 1. Returns how
 * many lines there are. */
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
                  "row %zu: %s, but %s is likeliest", rows + 1, text, classes[best]);
    }
    return rows;
}

Test(cli, make_train_evaluate_predict_show)
{
    static const char *const classes[] = {"0", "1", "2"};
    do_it("make blobs --rows 90 --seed 4 -o data.csv");
    do_it("make blobs --rows 30 --seed 5 -o new.csv");
    char *trained = runs_program_expect(
        "train data.csv --test new.csv --hidden 8 --epochs 60 --device cpu --json -o m.safetensors",
        0);
    char *evaluated = runs_program_expect("evaluate m.safetensors new.csv --device cpu --json", 0);
    json_t *t = parse_object(trained, "train"), *e = parse_object(evaluated, "evaluate"),
           *test = json_object_get(t, "test");
    const char *name;
    json_t *value;
    json_object_foreach(test, name, value) cr_expect(json_equal(value, json_object_get(e, name)),
                                                     "train and evaluate differ in %s", name);
    cr_expect(json_number_value(json_object_get(json_object_get(t, "train"), "accuracy")) > 0.8);
    do_it("predict m.safetensors new.csv -o predicted.csv --device cpu");
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
    do_it("train flowers.csv --hidden 8 --epochs 50 -o m.safetensors --device cpu --batch 4");
    char *with = runs_program_expect("predict m.safetensors flowers.csv --device cpu", 0);
    char *without = runs_program_expect("predict m.safetensors bare.csv --device cpu", 0);
    cr_expect(!strncmp(with, "class,p_lily,p_rose,p_tulip\n", 28), "%.50s", with);
    cr_expect_eq(check_predictions(with, classes, 3), 9);
    cr_expect_eq(check_predictions(without, classes, 3), 2);
    char *shown = runs_program_expect("show m.safetensors", 0);
    cr_expect(strstr(shown, "lily rose tulip") && strstr(shown, "width height"), "%s", shown);
    do_it("evaluate m.safetensors flowers.csv --target kind --device cpu");
    free(with);
    free(without);
    free(shown);
    static const mistake unfit[] = {
        {"evaluate m.safetensors bare.csv --device cpu", 1, "bare.csv class"},
        {"evaluate m.safetensors other.csv --device cpu", 1, "other.csv oak"},
        {"evaluate m.safetensors wide.csv --device cpu", 1, "wide.csv 4 2"},
        {"predict m.safetensors wide.csv --device cpu", 1, "wide.csv 4 2"},
        {"predict m.safetensors flowers.csv -o missing/p.csv --device cpu", 1, "missing/p.csv"},
    };
    check_mistakes(unfit, RUNS_COUNT(unfit));
}

Test(cli, every_generator)
{
    const char *name;
    char line[128], copy[128];
    for (size_t i = 0; (name = ls_generator_at(i, NULL)); i++) {
        snprintf(line, sizeof line, "make %s -o data.csv", name);
        do_it(line);
        snprintf(line, sizeof line, "train %s" QUICK, name);
        snprintf(copy, sizeof copy, "train data.csv" QUICK);
        char *direct = runs_program_expect(line, 0), *through = runs_program_expect(copy, 0);
        cr_expect_str_eq(last_line(direct), last_line(through),
                         "%s: the generator and its file give other models", name);
        free(direct);
        free(through);
        unlink("data.csv");
    }
}

/* ---- Interruption ---------------------------------------------------------------------------- */

static void interrupt(const char *line, int number)
{
    char hex[65], command[512];
    const char *const shell[] = {"sh", "-c", command, NULL};
    runs_child c;
    snprintf(command, sizeof command, "exec '%s' %s", LS_PROGRAM, line);
    int pid = runs_start(shell);
    nanosleep(&(struct timespec){0, 700000000}, NULL);
    cr_assert_eq(kill(pid, number), 0, "%s ended early", line);
    runs_wait(pid, &c);
    cr_assert_eq(c.status, 130, "%s: exit status %d\n%s", line, c.status, c.err);
    cr_expect(strstr(c.err, "interrupted") && strstr(c.err, "m.safetensors"), "%s", c.err);
    ls_model *model;
    ls_summary s;
    ls_error err;
    cr_assert_eq(ls_model_load("m.safetensors", &model, &err), LS_OK, "%s", err.message);
    ls_model_summary(model, &s);
    cr_expect(s.epochs > 0 && s.epochs < 1000000000);
    ls_model_free(model);
    if (!strstr(line, "--json")) {
        runs_file_sha256("m.safetensors", hex);
        cr_expect(!strncmp(last_line(c.out), hex, 64));
    } else json_decref(parse_object(c.out, line));
    runs_child_free(&c);
    unlink("m.safetensors");
}

Test(cli, an_interrupted_run_saves_what_there_is)
{
    interrupt("train moons --hidden 20 --epochs 1000000000 --device cpu -o m.safetensors", SIGINT);
    interrupt("train moons --hidden 20 --epochs 1000000000 --device cpu -o m.safetensors --json",
              SIGINT);
    interrupt(
        "train moons --hidden 20 --epochs 1000000000 --device cpu -o m.safetensors --patience 100000000",
        SIGTERM);
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

/* ---- The README's example -------------------------------------------------------------------- */

/* The first C block with a main in it; NULL where there is none. */
static char *readme_program(void)
{
    char *text = runs_file_read(LS_SOURCE_DIR "/README.md", NULL), *found = NULL;
    for (char *at = text; at && !found && (at = strstr(at, "```c\n"));) {
        char *end = strstr(at += 5, "```");
        if (!end) break;
        *end = 0;
        if (strstr(at, "int main")) found = strdup(at);
        at = end + 1;
    }
    free(text);
    return found;
}

Test(cli, the_readmes_program_works)
{
    char *source = readme_program(), library[1024], link[1024], rpath[1024];
    if (!source) cr_skip_test("README.md has no C program");
    make_csv("example.c", source);
    free(source);
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("a program without the sanitizers cannot use a library with them");
#endif
    int length = (int)(strrchr(LS_PROGRAM, '/') - LS_PROGRAM);
    snprintf(library, sizeof library, "%.*s/liblockstep.so", length, LS_PROGRAM);
    snprintf(link, sizeof link, "-L%.*s", length, LS_PROGRAM);
    snprintf(rpath, sizeof rpath, "-Wl,-rpath,%.*s", length, LS_PROGRAM);
    if (access(library, R_OK) != 0) cr_skip_test("the shared library is not built");
    const char *const compile[] = {"cc",        "-std=c11", "-Wall",
                                   "-Wextra",   "-Werror",  "-I" LS_SOURCE_DIR "/host/include",
                                   "example.c", "-o",       "example",
                                   link,        rpath,      "-llockstep",
                                   "-lm",       NULL};
    const char *const example[] = {"./example", NULL};
    runs_child c;
    runs_spawn(compile, &c);
    cr_assert_eq(c.status, 0, "it does not compile: %s", c.err);
    runs_child_free(&c);
    runs_spawn(example, &c);
    cr_assert_eq(c.status, 0, "exit status %d: %s%s", c.status, c.out, c.err);
    runs_child_free(&c);
}

#else
Test(cli, skipped) { cr_skip_test("the program was not built"); }
#endif
