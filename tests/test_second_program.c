/* SPDX-License-Identifier: MIT */
/* The program on second files: what train reports about rows, evaluate reports; a row alone is
 * predicted as in its file; and what was assumed is told. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <jansson.h>
#include <string.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(second_program, .init = enter, .fini = leave, .timeout = 300);

#define QUICK " --epochs 60 --hidden 4 --device cpu"

static void make_csv(const char *path, const char *text)
{
    runs_file_write(path, text, strlen(text));
}

static void make_flowers(void)
{
    make_csv("t.csv", "len,wid,kind\n1,10,a\n2,20,b\n1.1,9,a\n2.1,21,b\n0.9,11,a\n2,19,b\n");
    program_do("train t.csv -q -o m.safetensors" QUICK);
}

/* ---- Predictions ----------------------------------------------------------------------------- */

static void expect_same_predictions(const char *name, const char *expected)
{
    char line[128];
    snprintf(line, sizeof line, "predict m.safetensors %s -q --device cpu", name);
    char *text = runs_program_expect(line, 0);
    cr_expect_str_eq(text, expected, "%s", name);
    free(text);
}

Test(second_program, the_same_rows_in_other_files_are_predicted_alike)
{
    static const struct {
        const char *name, *text;
    } files[] = {{"swapped.csv", "wid,len\n10,1\n20,2\n"},
                 {"extra.csv", "id,wid,len,extra\n7,10,1,x\n8,20,2,y\n"},
                 {"front.csv", "kind,wid,len\na,10,1\nb,20,2\n"},
                 {"unknown.csv", "len,wid,kind\n1,10,?\n2,20,\n"},
                 {"strange.csv", "len,wid,kind\n1,10,oak\n2,20,a\n"},
                 {"renamed.csv", "len,wid,sort\n1,10,zebra\n2,20,oak\n"},
                 {"twice.csv", "kind,len,wid,kind\nx,1,10,y\nz,2,20,y\n"},
                 {"bare.csv", "1,10\n2,20\n"},
                 {"bare_class.csv", "1,10,a\n2,20,b\n"}};
    make_flowers();
    make_csv("plain.csv", "len,wid\n1,10\n2,20\n");
    char *expected = runs_program_expect("predict m.safetensors plain.csv -q --device cpu", 0);
    for (size_t i = 0; i < RUNS_COUNT(files); i++) {
        make_csv(files[i].name, files[i].text);
        expect_same_predictions(files[i].name, expected);
    }
    free(expected);
}

Test(second_program, a_row_alone_is_predicted_as_in_its_file)
{
    static const char *const rows[] = {"1,10,a", "2,?,b", "1.5,15,", ",,zebra"};
    static const char *const headers[] = {"len,wid,kind\n", ""};
    char text[256], alone[64], lines[512];
    make_flowers();
    for (size_t h = 0; h < RUNS_COUNT(headers); h++) {
        snprintf(text, sizeof text, "%s%s\n%s\n%s\n%s\n", headers[h], rows[0], rows[1], rows[2],
                 rows[3]);
        make_csv("file.csv", text);
        const char *how = h ? "no" : "yes";
        char line[128];
        snprintf(line, sizeof line, "predict m.safetensors file.csv --header %s -q --device cpu",
                 how);
        char *whole = runs_program_expect(line, 0);
        snprintf(lines, sizeof lines, "%.*s", (int)strcspn(whole, "\n") + 1, whole);
        for (size_t r = 0; r < RUNS_COUNT(rows); r++) {
            snprintf(alone, sizeof alone, "%s%s\n", headers[h], rows[r]);
            make_csv("row.csv", alone);
            snprintf(line, sizeof line, "predict m.safetensors row.csv --header %s -q --device cpu",
                     how);
            char *row = runs_program_expect(line, 0);
            strcat(lines, row + strcspn(row, "\n") + 1);
            free(row);
        }
        cr_expect_str_eq(lines, whole);
        free(whole);
    }
}

/* ---- Evaluation ------------------------------------------------------------------------------ */

static json_t *metrics_of(const char *line, const char *part)
{
    char *text = runs_program_expect(line, 0);
    json_t *all = program_parse(text, line), *object = part ? json_object_get(all, part) : all;
    cr_assert(json_is_object(object), "%s", line);
    json_t *metrics = json_pack("{s:O,s:O,s:O}", "rows", json_object_get(object, "rows"), "loss",
                                json_object_get(object, "loss"), "confusion",
                                json_object_get(object, "confusion"));
    json_decref(all);
    free(text);
    cr_assert_not_null(metrics, "%s", line);
    return metrics;
}

Test(second_program, evaluate_reports_what_train_reports)
{
    static const struct {
        const char *name, *text, *how;
    } files[] = {
        {"named.csv", "id,kind,len,wid\n1,a,1,10\n2,b,2,20\n3,a,2,9\n4,b,1,20\n",
         "--target kind --drop id"},
        {"bare.csv", "a,1,10\nb,2,20\na,2,9\nb,1,20\n", "--target 0 --header no"},
        {"last.csv", "1,10,a\n2,20,b\n2,9,a\n1,20,b\n", ""},
        {"twins.csv", "a,a,kind\n1,10,u\n2,20,v\n2,9,u\n1,20,v\n", "--header yes"},
        {"mixed.csv", "w,town,len,kind\n1,Ulm,?,a\n2,Bonn,20,b\n1,,9,a\n3,Ulm,20,b\n", "--drop w"}};
    for (size_t i = 0; i < RUNS_COUNT(files); i++) {
        char line[256];
        make_csv(files[i].name, files[i].text);
        snprintf(line, sizeof line, "train %s %s --json -o m.safetensors --patience 0" QUICK,
                 files[i].name, files[i].how);
        json_t *trained = metrics_of(line, "train");
        snprintf(line, sizeof line, "evaluate m.safetensors %s --json --device cpu", files[i].name);
        json_t *evaluated = metrics_of(line, NULL);
        cr_expect(json_equal(trained, evaluated), "%s", files[i].name);
        json_decref(trained);
        json_decref(evaluated);
    }
}

Test(second_program, test_rows_are_found_by_name)
{
    make_flowers();
    make_csv("other.csv", "kind,fold,wid,len\na,b,10,1\nb,a,20,2\nb,a,21,2.1\n");
    json_t *test = metrics_of("train t.csv --test other.csv --json --target kind" QUICK, "test"),
           *same = metrics_of("train t.csv --test other.csv --json --target 2" QUICK, "test"),
           *evaluated = metrics_of("evaluate m.safetensors other.csv --json --device cpu", NULL);
    cr_expect(json_equal(test, same) && json_equal(test, evaluated));
    json_decref(test);
    json_decref(same);
    json_decref(evaluated);
}

Test(second_program, files_that_do_not_fit_are_refused)
{
    static const program_mistake list[] = {
        {"evaluate m.safetensors no_class.csv --device cpu", 1, "no_class.csv \"kind\" --target"},
        {"report m.safetensors no_class.csv -o r.html --device cpu", 1, "no_class.csv \"kind\""},
        {"train t.csv --test no_class.csv --device cpu", 1, "no_class.csv \"kind\""},
        {"predict m.safetensors case.csv", 1, "case.csv \"len\" \"Len\" upper lower"},
        {"evaluate m.safetensors case.csv", 1, "case.csv \"len\" \"Len\""},
        {"evaluate m.safetensors fold.csv", 1, "fold.csv \"kind\" \"fold\" --target"},
        {"report m.safetensors fold.csv -o r.html", 1, "fold.csv \"kind\" \"fold\""},
        {"train t.csv --test fold.csv --device cpu", 1, "fold.csv \"kind\" \"fold\""},
        {"evaluate m.safetensors t.csv --target len", 2, "t.csv --target \"len\" input"},
        {"evaluate m.safetensors twice.csv", 1, "twice.csv 0 3 \"kind\""},
        {"predict m.safetensors wide.csv", 1, "wide.csv 4 columns"},
        {"predict m.safetensors t.csv --sample 1", 2, "--sample"},
        {"train t.csv --header maybe", 2, "--header yes no"},
        {"train t.csv --separator ;;", 2, "--separator"},
        {"train t.csv --sample -1", 2, "--sample"},
        {"train t.csv --sample 0", 2, "--sample 1"},
        {"evaluate m.safetensors t.csv --sample 0", 2, "--sample"},
        {"evaluate m.safetensors t.csv --weight len", 2, "--weight training"},
        {"predict m.safetensors t.csv --group len", 2, "--group training"},
        {"report m.safetensors t.csv -o r.html --group len", 2, "--group training"},
        {"train moons --sample 0", 2, "--sample generator"},
        {"train t.csv --group kind", 2, "t.csv --group last 2 kind --target"},
        {"train t.csv --weight 2", 2, "t.csv --weight last 2 kind --target"},
        {"train t.csv --target kind,kind", 2, "t.csv --target 2 kind twice"},
        {"train t.csv --target len,0", 2, "t.csv --target 0 len twice"},
        {"train twice.csv --target kind", 2, "twice.csv --target 0 3"},
        {"train moons --header yes", 2, "--header generator"},
        {"train moons --sample 5", 2, "--sample generator"},
        {"train moons --task regression", 2, "--task moons"},
    };
    make_flowers();
    make_csv("no_class.csv", "wid,len\n10,1\n");
    /* its values are known classes, and it stands in the place of the class */
    make_csv("fold.csv", "len,wid,fold\n1,10,a\n2,20,b\n");
    make_csv("case.csv", "Len,Wid,kind\n1,10,a\n");
    make_csv("twice.csv", "kind,len,wid,kind\na,1,10,b\nb,2,20,b\n");
    make_csv("wide.csv", "1,10,3,4\n2,20,3,4\n");
    program_check_mistakes(list, RUNS_COUNT(list));
}

Test(second_program, several_targets_are_found_by_name)
{
    static const program_mistake list[] = {
        {"evaluate m.safetensors one.csv --device cpu", 1,
         "one.csv lacks 2 target columns \"v\" \"u\""},
        {"evaluate m.safetensors t.csv --target u --device cpu", 2, "t.csv --target 1 2"},
        {"evaluate m.safetensors t.csv --calibration", 2, "--calibration classes numbers"},
    };
    make_csv("t.csv", "id,a,b,u,v\n1,1,2,3,0.5\n2,2,1,4,1.5\n3,3,5,8,2.5\n4,0,5,5,2.5\n");
    make_csv("other.csv", "v,b,a,u\n0.5,2,1,3\n1.5,1,2,4\n2.5,5,3,8\n2.5,5,0,5\n");
    make_csv("bare.csv", "1,1,2,3,0.5\n2,2,1,4,1.5\n3,3,5,8,2.5\n4,0,5,5,2.5\n");
    make_csv("one.csv", "a,b,u\n1,2,3\n2,1,4\n");
    program_do("train t.csv --target u,v --task regression --drop id -q -o m.safetensors" QUICK);
    char *first = runs_program_expect("evaluate m.safetensors t.csv --json --device cpu", 0),
         *other = runs_program_expect("evaluate m.safetensors other.csv --json --device cpu", 0),
         *bare = runs_program_expect("evaluate m.safetensors bare.csv --header no --device cpu", 0),
         *text = runs_program_expect("evaluate m.safetensors t.csv --device cpu", 0);
    cr_expect_str_eq(first, other);
    cr_expect_str_eq(text, bare);
    free(first);
    free(other);
    free(bare);
    free(text);
    program_check_mistakes(list, RUNS_COUNT(list));
}

/* ---- Notes ----------------------------------------------------------------------------------- */

static void expect_note(const char *line, bool told)
{
    runs_child c = runs_program(line);
    cr_expect_eq(c.status, 0, "%s: %s", line, c.err);
    cr_expect_eq(strstr(c.err, "note: there are only 6 rows") != NULL, told, "%s: %s", line, c.err);
    runs_child_free(&c);
}

/* Whether the help of a command lists an option. */
static void expect_help(const char *line, const char *option, bool listed)
{
    char *text = runs_program_expect(line, 0);
    cr_expect_eq(strstr(text, option) != NULL, listed, "%s, %s: %s", line, option, text);
    free(text);
}

Test(second_program, help_lists_options_that_have_an_effect)
{
    expect_help("train --help", "--weight", true);
    expect_help("train --help", "--group", true);
    expect_help("train --help", "--sample", true);
    expect_help("evaluate --help", "--weight", false);
    expect_help("evaluate --help", "--group", false);
    expect_help("evaluate --help", "--sample", true);
    expect_help("predict --help", "--weight", false);
    expect_help("predict --help", "--group", false);
    expect_help("predict --help", "--sample=", false);
    expect_help("report --help", "--weight", false);
}

/* The notes on the terminal are those of --json, in their order. */
static void expect_same_notes(const char *line)
{
    char with_json[512];
    snprintf(with_json, sizeof with_json, "%s --json", line);
    runs_child c = runs_program(line);
    char *text = runs_program_expect(with_json, 0), *at = c.err;
    json_t *object = program_parse(text, with_json), *notes = json_object_get(object, "notes"),
           *note;
    size_t i, told = 0;
    cr_assert_eq(c.status, 0, "%s: %s", line, c.err);
    for (const char *found = c.err; (found = strstr(found, "note: ")); found++) told++;
    cr_expect_eq(told, json_array_size(notes), "%s: %s%s", line, c.err, text);
    json_array_foreach(notes, i, note)
    {
        char *found = strstr(at, json_string_value(note));
        cr_expect(found, "%s: %s not in %s", line, json_string_value(note), at);
        if (found) at = found;
    }
    json_decref(object);
    free(text);
    runs_child_free(&c);
}

Test(second_program, notes_of_json_are_those_of_the_terminal)
{
    make_csv("mixed.csv", "a,color,kind\n1,red,u\n2,blue,v\n?,red,u\n4,blue,v\n5,red,u\n6,,v\n");
    expect_same_notes("train mixed.csv -o mixed.safetensors" QUICK);
    expect_same_notes("train mixed.csv --missing drop -o mixed.safetensors" QUICK);
    expect_same_notes("train mixed.csv --split 0.5 --sample 99 -o mixed.safetensors" QUICK);
    expect_same_notes("evaluate mixed.safetensors mixed.csv --sample 99 --device cpu");
}

static void expect_json_note(const char *line)
{
    char *text = runs_program_expect(line, 0);
    json_t *object = program_parse(text, line), *notes = json_object_get(object, "notes");
    const char *note = json_string_value(json_array_get(notes, 0));
    cr_expect(note && strstr(note, "there are only 6 rows"), "%s: %s", line, text);
    json_decref(object);
    free(text);
}

Test(second_program, notes_are_printed_and_listed)
{
    make_flowers();
    expect_note("train t.csv --sample 99" QUICK, true);
    expect_note("train t.csv --sample 99 -q" QUICK, false);
    expect_note("describe t.csv --sample 99", true);
    expect_note("describe t.csv --sample 99 -q", false);
    expect_note("evaluate m.safetensors t.csv --sample 99 --device cpu", true);
    expect_note("search t.csv --trials 2 --sample 99 --epochs 2 --device cpu", true);
    expect_json_note("train t.csv --sample 99 --json" QUICK);
    expect_json_note("train t.csv --sample 99 --split 0.5 --json" QUICK);
    expect_json_note("describe t.csv --sample 99 --json");
    expect_json_note("evaluate m.safetensors t.csv --sample 99 --json --device cpu");
    expect_json_note("search t.csv --trials 2 --sample 99 --epochs 2 --json --device cpu");
    program_do("train t.csv --sample 99 --run r -q" QUICK);
    json_t *run = program_read_json("r/run.json");
    json_t *notes = json_object_get(json_object_get(run, "result"), "notes");
    cr_expect_eq(json_array_size(notes), 1);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(run, "data"), "sample")), 99);
    json_decref(run);
    runs_child c = runs_program("train t.csv --test t.csv" QUICK);
    cr_expect(c.status == 0 && !strstr(c.err, "no header"), "%s", c.err);
    runs_child_free(&c);
    make_csv("bare.csv", "1,10,a\n2,20,b\n");
    c = runs_program("train t.csv --test bare.csv" QUICK);
    cr_expect(c.status == 0 && strstr(c.err, "note: bare.csv: there is no header"), "%s", c.err);
    runs_child_free(&c);
}

/* ---- run.json -------------------------------------------------------------------------------- */

Test(second_program, a_run_repeats_the_options_of_reading)
{
    static const char *const lines[] = {
        "train bare.csv --header no --target 0 --missing-mark -999,none",
        "train t.csv --header yes --separator comma --sample 4 --data-seed 3",
        "train t.csv --task classification --decimal point --thousands space"};
    char line[256], hash[65], again[65];
    make_flowers();
    make_csv("bare.csv", "a,1,10\nb,2,20\na,-999,9\nb,2,21\n");
    for (size_t i = 0; i < RUNS_COUNT(lines); i++) {
        char name[16];
        snprintf(name, sizeof name, "run%zu", i);
        snprintf(line, sizeof line, "%s --run %s -q" QUICK, lines[i], name);
        program_train(line, hash);
        snprintf(line, sizeof line, "train --config %s/run.json --run %sb --device cpu -q", name,
                 name);
        program_train(line, again);
        cr_expect_str_eq(hash, again, "%s", lines[i]);
        snprintf(line, sizeof line, "verify %s --device cpu -q", name);
        free(runs_program_expect(line, 0));
    }
    json_t *run = program_read_json("run0/run.json"), *data = json_object_get(run, "data");
    cr_expect_str_eq(json_string_value(json_object_get(data, "header")), "no");
    cr_expect_str_eq(json_string_value(json_object_get(data, "missing-mark")), "-999,none");
    json_decref(run);
    make_csv("c.json", "{\"data\":{\"source\":\"t.csv\",\"dates\":1}}");
    static const program_mistake wrong[] = {{"train --config c.json", 2, "dates true false"}};
    program_check_mistakes(wrong, 1);
}
#endif
