/* SPDX-License-Identifier: MIT */
/* A model's threshold: how library and program choose, save and apply it. */
#include <criterion/criterion.h>

#if __has_include(<jansson.h>)
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/model_file.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(threshold, .init = enter, .fini = leave, .timeout = 300);

static ls_metrics *evaluate(const ls_model *model, const ls_data *data, const char *positive,
                            const char *threshold)
{
    const ls_threshold_options options = {.positive = positive, .threshold = threshold};
    ls_metrics *m;
    ls_error err;
    cr_assert_eq(ls_model_evaluate_with(model, NULL, data, &options, &m, &err), LS_OK, "%s",
                 err.message);
    return m;
}

static ls_status set(ls_model *model, const ls_data *data, const char *positive,
                     const char *threshold)
{
    const ls_threshold_options options = {.positive = positive, .threshold = threshold};
    return ls_model_set_threshold(model, NULL, data, &options, NULL);
}

/* ---- The library ----------------------------------------------------------------------------- */

/* Strongly overlapping classes, so that 0.5 is not the best threshold. */
static ls_data *mixed(void)
{
    const ls_generate_options options = {.rows = 300, .noise = -1, .overlap = 3, .seed = 8};
    ls_data *data;
    cr_assert_eq(ls_data_generate("overlap", &options, &data, NULL), LS_OK);
    return data;
}

/* The threshold is chosen on the validation rows, which are those of ls_data_split with the same
 * share and seed. */
Test(threshold, is_chosen_on_validation_rows)
{
    ls_data *data = mixed(), *rest, *part;
    runs_run run;
    cr_assert_eq(ls_data_split(data, 0.3, 5, &rest, &part, NULL), LS_OK);
    runs_train(NULL, "hidden 4 epochs 20 seed 5 validation 0.3", data, 0, &run);
    for (int positive = 0; positive < 2; positive++) {
        const char *name = positive ? "1" : "0";
        ls_metrics *on_part = evaluate(run.model, part, name, "best-f1"),
                   *on_all = evaluate(run.model, data, name, "best-f1");
        cr_assert_eq(set(run.model, data, name, "best-f1"), LS_OK);
        ls_decision d = ls_model_decision(run.model);
        cr_expect(d.positive == (size_t)positive && d.source == LS_THRESHOLD_VALIDATION &&
                  d.threshold == on_part->decision.threshold);
        cr_expect(on_part->decision.source == LS_THRESHOLD_DATA &&
                      on_all->decision.threshold != d.threshold,
                  "the test does not tell the rows apart");
        ls_metrics *usual = evaluate(run.model, part, NULL, NULL),
                   *half = evaluate(run.model, part, NULL, "0.5");
        cr_expect(usual->positive == (size_t)positive && usual->f1 == on_part->f1 &&
                      usual->f1 > half->f1,
                  "%g, %g", usual->f1, half->f1);
        ls_metrics_free(usual);
        ls_metrics_free(half);
        ls_metrics_free(on_part);
        ls_metrics_free(on_all);
    }
    runs_free(&run);
    ls_data_free(data);
    ls_data_free(rest);
    ls_data_free(part);
}

Test(threshold, is_chosen_on_all_rows_without_validation_rows)
{
    ls_data *data = mixed();
    runs_run run;
    runs_train(NULL, "hidden 4 epochs 20", data, 0, &run);
    ls_metrics *all = evaluate(run.model, data, NULL, "best-f1");
    cr_assert_eq(set(run.model, data, NULL, "best-f1"), LS_OK);
    ls_decision d = ls_model_decision(run.model);
    cr_expect(d.positive == 1 && d.source == LS_THRESHOLD_TRAINING &&
              d.threshold == all->decision.threshold);
    cr_expect_eq(set(run.model, NULL, NULL, "best-f1"), LS_ERR_ARGUMENT);
    cr_expect_eq(set(run.model, data, "2", NULL), LS_ERR_ARGUMENT);
    cr_expect(ls_model_decision(run.model).threshold == d.threshold,
              "a failed call changes the model");
    ls_metrics_free(all);
    runs_free(&run);
    ls_data_free(data);
}

/* Metrics, decisions and plots apply the same rule for every kind of output. */
Test(threshold, decides_everywhere_alike)
{
    static const char *const kinds[] = {"hidden 4 epochs 20", "hidden 4 epochs 20 loss ce",
                                        "hidden 4 epochs 20 output identity"};
    static const char *const thresholds[] = {NULL, "0", "0.25", "0.5", "0.75", "1"};
    ls_data *data = mixed();
    size_t rows = ls_data_rows(data);
    for (size_t i = 0; i < RUNS_COUNT(kinds) * RUNS_COUNT(thresholds) * 2; i++) {
        const char *threshold = thresholds[i / 2 % RUNS_COUNT(thresholds)],
                   *positive = i % 2 ? "1" : "0";
        runs_run run;
        uint64_t confusion[4] = {0};
        runs_train(NULL, kinds[i / 2 / RUNS_COUNT(thresholds)], data, 0, &run);
        size_t outputs = ls_model_outputs(run.model);
        float *p = malloc(rows * outputs * sizeof *p);
        cr_assert_eq(set(run.model, data, positive, threshold), LS_OK);
        cr_assert_eq(ls_model_predict_data(run.model, NULL, data, p, NULL), LS_OK);
        for (size_t r = 0; r < rows; r++) {
            size_t k = ls_model_decide(run.model, p + r * outputs);
            float one = p[r * outputs + outputs - 1],
                  zero = outputs == 2 ? p[r * outputs] : 1.0f - one;
            if (threshold)
                cr_assert_eq(k == (size_t)(i % 2), (i % 2 ? one : zero) >= strtof(threshold, NULL));
            else cr_assert_eq(k, outputs == 2 ? one > zero : one >= 0.5f);
            confusion[2 * ls_data_y(data)[r] + (int32_t)k]++;
        }
        ls_metrics *m = evaluate(run.model, data, NULL, NULL),
                   *other = evaluate(run.model, data, i % 2 ? "0" : "1", NULL);
        cr_expect_eq(memcmp(m->confusion, confusion, sizeof confusion), 0);
        cr_expect_eq(memcmp(other->confusion, confusion, sizeof confusion), 0,
                     "asking for another class's metrics changes decisions");
        cr_expect(m->positive == i % 2 && other->positive == 1 - i % 2 &&
                  m->f1 == m->class_f1[i % 2] && other->f1 == m->class_f1[1 - i % 2]);
        cr_expect(isnan(m->log_loss) == (i / 2 / RUNS_COUNT(thresholds) == 2));
        ls_metrics_free(m);
        ls_metrics_free(other);
        free(p);
        runs_free(&run);
    }
    ls_data_free(data);
}

/* ---- The file -------------------------------------------------------------------------------- */

static json_int_t format_of(const char *path, bool *decided)
{
    file_parts p = file_take_apart(path);
    json_int_t format = json_integer_value(json_object_get(p.meta, "format"));
    *decided = json_object_get(p.meta, "decision") != NULL;
    file_parts_free(&p);
    return format;
}

/* The default decision is not saved: such files equal those of versions without thresholds. */
Test(threshold, is_in_the_file_only_if_it_was_set)
{
    char before[65], after[65];
    bool decided;
    ls_model *model = file_make_model("moons", "hidden 3 epochs 2", "a.safetensors"), *loaded;
    runs_file_sha256("a.safetensors", before);
    cr_expect(format_of("a.safetensors", &decided) == 1 && !decided);
    cr_assert_eq(set(model, NULL, "1", NULL), LS_OK); /* the default */
    cr_assert_eq(ls_model_sha256(model, after, NULL), LS_OK);
    cr_expect_str_eq(before, after);
    static const struct {
        const char *positive, *threshold;
        size_t expected;
        float value;
    } list[] = {{"0", NULL, 0, NAN},
                {NULL, "0.3", 0, 0.3f},
                {"1", "1", 1, 1},
                {"0", NULL, 0, NAN}}; /* the threshold was for the other class */
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        cr_assert_eq(set(model, NULL, list[i].positive, list[i].threshold), LS_OK);
        cr_assert_eq(ls_model_save(model, "b.safetensors", NULL), LS_OK);
        cr_expect(format_of("b.safetensors", &decided) == 3 && decided);
        cr_assert_eq(ls_model_load("b.safetensors", &loaded, NULL), LS_OK);
        ls_decision d = ls_model_decision(loaded);
        cr_expect(d.positive == list[i].expected &&
                  (d.threshold == list[i].value || (isnan(d.threshold) && isnan(list[i].value))));
        cr_expect_eq(d.source, list[i].threshold ? LS_THRESHOLD_GIVEN : LS_THRESHOLD_DEFAULT);
        cr_assert(ls_model_sha256(model, before, NULL) == LS_OK &&
                  ls_model_sha256(loaded, after, NULL) == LS_OK);
        cr_expect_str_eq(before, after);
        ls_model_free(loaded);
    }
    ls_model_free(model);
}

/* ---- The program ----------------------------------------------------------------------------- */

#ifdef LS_PROGRAM
static json_t *json_of(const char *line)
{
    char *out = runs_program_expect(line, 0);
    json_t *o = json_loads(out, 0, NULL);
    cr_assert(o, "lockstep %s: %s", line, out);
    free(out);
    return o;
}

static double in(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

static const char *text_in(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

/* Cell i of a confusion matrix of two classes. */
static json_int_t confused(const json_t *metrics, size_t i)
{
    const json_t *row = json_array_get(json_object_get(metrics, "confusion"), i / 2),
                 *cell = json_array_get(row, i % 2);
    cr_assert(json_is_integer(cell));
    return json_integer_value(cell);
}

static size_t count_class(const char *csv, const char *prefix)
{
    size_t n = 0;
    for (const char *line = strchr(csv, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        n += !strncmp(line + 1, prefix, strlen(prefix));
    return n;
}

Test(threshold, train_keeps_it_and_the_others_apply_it)
{
    free(runs_program_expect("make overlap --rows 200 --overlap 3 --seed 4 -o data.csv", 0));
    json_t *t = json_of(
        "train data.csv --hidden 4 --epochs 20 --validation 0.25 --positive 0 --threshold best-f1 --json -o m.safetensors --device cpu");
    json_t *e = json_of("evaluate m.safetensors data.csv --json --device cpu"),
           *s = json_of("show m.safetensors --json");
    const json_t *decision = json_object_get(e, "decision"), *train = json_object_get(t, "train"),
                 *held = json_object_get(t, "validation");
    cr_expect(json_equal(json_object_get(train, "decision"), decision) &&
              json_equal(json_object_get(s, "decision"), decision));
    cr_expect_str_eq(text_in(decision, "positive"), "0");
    cr_expect_str_eq(text_in(decision, "source"), "validation");
    cr_expect_str_eq(text_in(e, "positive"), "0");
    cr_expect(in(e, "f1") == in(json_object_get(json_object_get(e, "classes"), "0"), "f1"));
    for (size_t i = 0; i < 4; i++) /* training and validation rows are all rows */
        cr_expect_eq(confused(e, i), confused(train, i) + confused(held, i));
    cr_expect_eq(in(held, "rows"), 50);
    char *predicted = runs_program_expect("predict m.safetensors data.csv --device cpu", 0);
    const json_t *confusion = json_object_get(e, "confusion");
    json_int_t zeros = json_integer_value(json_array_get(json_array_get(confusion, 0), 0)) +
                       json_integer_value(json_array_get(json_array_get(confusion, 1), 0));
    cr_expect_eq(count_class(predicted, "0,"), (size_t)zeros);
    free(predicted);
    predicted = runs_program_expect("predict m.safetensors data.csv --threshold 1 --device cpu",
                                    0); /* of class 0, the model's positive class */
    cr_expect_eq(count_class(predicted, "0,"), 0);
    free(predicted);
    predicted = runs_program_expect(
        "predict m.safetensors data.csv --positive 1 --threshold 0 --device cpu", 0);
    cr_expect_eq(count_class(predicted, "1,"), 200);
    free(predicted);
    char *text = runs_program_expect(
        "evaluate m.safetensors data.csv --threshold best-f1 --calibration --device cpu", 0);
    cr_expect(strstr(text, "these same rows") && strstr(text, "macro average") &&
                  strstr(text, "weighted average") && strstr(text, "Brier") &&
                  strstr(text, "log-loss") && strstr(text, "calibration of the probability of '0'"),
              "%s", text);
    free(text);
    json_decref(t);
    json_decref(e);
    json_decref(s);
}

/* The nine printed digits of a threshold give the same decisions as the threshold. */
Test(threshold, as_printed_gives_the_same_metrics)
{
    char line[200];
    float value;
    free(runs_program_expect("make overlap --rows 200 --overlap 3 --seed 4 -o data.csv", 0));
    free(runs_program_expect(
        "train data.csv --hidden 4 --epochs 20 -q -o m.safetensors --device cpu", 0));
    for (int positive = 0; positive < 2; positive++) {
        snprintf(line, sizeof line,
                 "evaluate m.safetensors data.csv --positive %d --threshold best-f1 --device cpu",
                 positive);
        char *text = runs_program_expect(line, 0), *at = strstr(text, "is at least ");
        cr_assert(at && sscanf(at, "is at least %f", &value) == 1);
        *strchr(at, '\n') = 0;
        *strchr(at + 12, ' ') = 0;
        strcat(line, " --json");
        json_t *best = json_of(line);
        snprintf(line, sizeof line,
                 "evaluate m.safetensors data.csv --positive %d --threshold %s --json --device cpu",
                 positive, at + 12);
        json_t *given = json_of(line);
        cr_expect(json_equal(json_object_get(best, "confusion"),
                             json_object_get(given, "confusion")),
                  "%s", line);
        cr_expect_str_eq(text_in(json_object_get(given, "decision"), "source"), "given");
        json_decref(best);
        json_decref(given);
        free(text);
    }
}

Test(threshold, impossible_options_are_refused_before_training)
{
    static const struct {
        const char *line;
        int status;
        const char *words;
    } list[] = {
        {"train blobs --threshold 0.3 --epochs 1000000", 2, "--threshold 3"},
        {"train moons --threshold 1.3 --epochs 1000000", 2, "--threshold 1.3"},
        {"train moons --threshold best --epochs 1000000", 2, "best-f1"},
        {"train moons --positive moon --epochs 1000000", 2, "--positive moon '0' '1'"},
        {"train rare.csv --positive b --threshold best-f1 --validation 0.2 --epochs 1000000", 1,
         "best-f1 'b' --validation"},
        {"evaluate m.safetensors moons --threshold x", 2, "--threshold x"},
        {"predict m.safetensors moons --threshold best-f1", 2, "best-f1 classes"},
        {"predict m.safetensors moons --positive 0", 2, "--positive --threshold"},
    };
    static const char rare[] = "x,class\n1,a\n2,a\n3,a\n4,a\n5,a\n6,a\n7,a\n8,a\n9,a\n10,b\n";
    runs_file_write("rare.csv", rare, sizeof rare - 1);
    free(runs_program_expect("train moons --epochs 2 -q -o m.safetensors --device cpu", 0));
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        char line[200], words[80];
        snprintf(line, sizeof line, "%s --device cpu", list[i].line);
        runs_child c = runs_program(line);
        cr_expect(c.status == list[i].status && !*c.out, "lockstep %s: %d %s", line, c.status,
                  c.err);
        strcpy(words, list[i].words);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
            cr_expect(strstr(c.err, word), "lockstep %s does not say %s: %s", line, word, c.err);
        runs_child_free(&c);
    }
}
#endif
#else
Test(threshold, skipped) { cr_skip_test("built without jansson, thus without model files"); }
#endif
