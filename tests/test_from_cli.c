/* SPDX-License-Identifier: MIT */
/* lockstep train --from: the model's options and preprocessing, run folders that repeat it, and
 * trainings that are resumed. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/program.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(from_cli, .init = enter, .fini = leave, .timeout = 300);

#define CPU " --device cpu"

/* The option of a model. */
static void expect_option(const char *model, const char *name, const char *value)
{
    char line[128];
    snprintf(line, sizeof line, "show %s --json", model);
    char *text = runs_program_expect(line, 0);
    json_t *root = program_parse(text, line);
    const char *is = json_string_value(json_object_get(json_object_get(root, "options"), name));
    cr_expect(is && !strcmp(is, value), "--%s is %s, not %s", name, is ? is : "missing", value);
    json_decref(root);
    free(text);
}

/* In two parts as in one; the options are the model's, and the command line takes precedence. */
Test(from_cli, goes_on_from_a_model)
{
    static const char options[] =
        "train moons --hidden 6,5 --activation tanh --optimizer gd --lr 0.3 --patience 0 --schedule constant --epochs";
    char line[256], whole[65], second[65];
    snprintf(line, sizeof line, "%s 9 -o whole.st" CPU, options);
    program_train(line, whole);
    snprintf(line, sizeof line, "%s 5 --run a" CPU, options);
    program_do(line);
    char *out = runs_program_expect("train moons --from a --epochs 4 -o second.st" CPU, 0);
    program_expect_words("--from", out, "from       a");
    free(out);
    expect_option("second.st", "activation", "tanh");
    expect_option("second.st", "epochs", "4");
    out = runs_program_expect("verify whole.st second.st --json", 1);
    json_t *root = program_parse(out, "verify"),
           *said = json_object_get(json_object_get(root, "files"), "model.safetensors");
    cr_expect(!json_object_get(said, "tensor"), "%s", out); /* only the metadata differ */
    json_decref(root);
    free(out);
    program_train("train moons --from a/model.safetensors --epochs 4 -o third.st" CPU, whole);
    runs_file_sha256("second.st", second);
    cr_expect_str_eq(whole, second);
    root = program_parse(out = runs_program_expect("train moons --from a --epochs 1 --json" CPU, 0),
                         "train");
    cr_expect_str_eq(json_string_value(json_object_get(root, "from")), "a");
    json_decref(root);
    free(out);
}

/* Rows with other values, without one of the towns, and with another one; classes in the other
 * order. */
static const char later_csv[] = "age,town,class\n120,Trier,no\n?,Ulm,no\n140,Ulm,yes\n160,,no\n"
                                "130,Ulm,yes\n150,Ulm,no\n";

static void write_rows(void)
{
    runs_file_write("a.csv", program_mixed_csv, strlen(program_mixed_csv));
    runs_file_write("b.csv", later_csv, strlen(later_csv));
}

Test(from_cli, run_folders_repeat_it)
{
    char kept[65], refitted[65], again[65];
    write_rows();
    program_do("train a.csv --hidden 4 --epochs 9 -o a.st" CPU);
    program_train("train b.csv --from a.st --epochs 6 --run kept" CPU, kept);
    program_train("train b.csv --from a.st --refit --epochs 6 --run refitted" CPU, refitted);
    cr_expect_str_neq(kept, refitted);
    program_do("verify kept" CPU);
    program_do("verify refitted" CPU);
    program_train("train --config refitted/run.json" CPU, again);
    cr_expect_str_eq(again, refitted);
    json_t *root = program_read_json("refitted/run.json"), *data = json_object_get(root, "data");
    char hash[65];
    runs_file_sha256("a.st", hash);
    cr_expect_str_eq(json_string_value(json_object_get(data, "from")), "a.st");
    cr_expect_str_eq(json_string_value(json_object_get(data, "from_sha256")), hash);
    cr_expect(json_is_true(json_object_get(data, "refit")));
    json_decref(root);
    program_do("train a.csv --hidden 4 --epochs 8 -o a.st" CPU);
    static const program_mistake list[] = {
        {"train --config kept/run.json", 1, "a.st: this is not the model"},
        {"verify kept", 2, "a.st: this is not the model"},
    };
    program_check_mistakes(list, RUNS_COUNT(list));
    program_train("train --config kept/run.json --from a.st" CPU, again);
    cr_expect_str_neq(again, kept);
}

/* The command of a report gives the same model, also where it goes back to an option's default. */
Test(from_cli, the_report_has_its_command)
{
    program_do("train moons --hidden 4 --epochs 9 --batch 20 --seed 7 -o a.st" CPU);
    program_do("train moons --from a.st --refit --seed 1 --lr 0.01 --report r.html" CPU);
    char *page = runs_file_read("r.html", NULL);
    cr_assert(page);
    cr_expect(strstr(page, "lockstep train moons --from a.st --refit --lr 0.01 --seed 1"), "%s",
              strstr(page, "lockstep train"));
    free(page);
}

Test(from_cli, is_resumed)
{
    char right[65], hash[65];
    write_rows();
    program_do("train a.csv --hidden 4 --epochs 9 -o a.st" CPU);
    program_train("train b.csv --from a.st --refit --epochs 3000 -o right.st" CPU, right);
    runs_child c;
    program_do("train b.csv --from a.st --refit --epochs 3000 -o m.st --checkpoint c --every 100 "
               "--keep 1000 -q" CPU);
    cr_assert(system("rm -f m.st") == 0);
    cr_assert_gt(runs_folder_count("c"), 3);
    cr_assert(system("cd c && ls checkpoint-* | tail -1 | xargs rm") == 0);
    program_train("resume c" CPU, hash);
    cr_expect_str_eq(hash, right);
    cr_assert(system("cd c && ls checkpoint-* | tail -1 | xargs rm; mv ../a.st ../moved.st") == 0);
    c = runs_program("resume c" CPU);
    cr_expect(c.status != 0 && strstr(c.err, "a.st"), "%s", c.err);
    runs_child_free(&c);
    program_train("resume c --from moved.st" CPU, hash);
    cr_expect_str_eq(hash, right);
    program_do("train a.csv --hidden 4 --epochs 8 -o a.st" CPU);
    c = runs_program("resume c" CPU);
    cr_expect(c.status == 1 && strstr(c.err, "this is not the model"), "%s", c.err);
    runs_child_free(&c);
    c = runs_program("resume c --from a.st" CPU);
    cr_expect(c.status != 0 && strstr(c.err, "started from another model"), "%s", c.err);
    runs_child_free(&c);
}

Test(from_cli, mistakes)
{
    static const program_mistake list[] = {
        {"train moons --refit", 2, "--refit: --from"},
        {"train moons --from none.st", 1, "none.st"},
        {"train moons --from a.st -o a.st", 2, "a.st"},
        {"train moons --from a -o a/model.safetensors", 2, "a/model.safetensors"},
        {"train moons --from a.st --hidden 5 -q", 2, "layers.0.weight 2 x 4 2 x 5"},
        {"train c.csv --from a.st -q", 1, "c.csv \"2\""},
        {"train b.csv --from a.st", 1, "b.csv Trier"},
        {"train moons --from a.st --weight 0", 2, "--weight --from"},
        {"train b.csv --from a.st --missing drop", 2, "--missing drop --from"},
        {"train moons --from a.st --no-standardize -q", 2, "--no-standardize --refit"},
    };
    static const char classes[] = "x1,x2,class\n1,2,0\n2,1,1\n3,3,2\n";
    write_rows();
    runs_file_write("c.csv", classes, strlen(classes));
    program_do("train moons --hidden 4 --epochs 3 -o a.st --run a" CPU);
    program_check_mistakes(list, RUNS_COUNT(list));
}
#endif
