/* SPDX-License-Identifier: MIT */
/* The parts of a search: reading and drawing from spaces, splitting rows, halving, ranking, and
 * resuming a stopped search with the same result. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "host/data/data.h"
#include "host/data/split.h"
#include "host/search/rank.h"
#include "host/search/rungs.h"
#include "host/search/search.h"
#include "host/search/state.h"
#include "host/search/table.h"
#include "tests/support/clock.h"
#include "tests/support/runs.h"

/* How long a wave seems to take decides the size of the next. */
static void simulate_clock(void) { clock_start(0.05); }

TestSuite(search, .init = simulate_clock, .timeout = 300);

/* ---- Spaces ---------------------------------------------------------------------------------- */

/* A space from "name text name text". */
static ls_space *make_space(const char *text)
{
    char copy[1024], *rest = copy;
    ls_space *space;
    ls_error err;
    cr_assert_eq(ls_space_create(&space, &err), LS_OK);
    snprintf(copy, sizeof copy, "%s", text);
    for (char *name; (name = strtok_r(rest, " ", &rest));) {
        const char *value = strtok_r(rest, " ", &rest);
        cr_assert_eq(ls_space_set(space, name, value, &err), LS_OK, "%s", err.message);
    }
    return space;
}

static void free_values(char **value, size_t count)
{
    for (size_t i = 0; i < count; i++) free(value[i]);
}

/* The grid of one option, as "a b c". */
static void assert_grid(const char *name, const char *text, const char *expected)
{
    char given[256], found[1024] = "", *value[1];
    snprintf(given, sizeof given, "%s %s", name, text);
    ls_space *space = make_space(given);
    cr_assert_eq(space->count, 1, "%s", given);
    for (size_t i = 0; i < ls_space_points(space); i++) {
        cr_assert_eq(ls_space_grid(space, i, value, NULL), LS_OK);
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? " " : "",
                 value[0]);
        free(value[0]);
    }
    cr_expect_str_eq(found, expected, "%s is '%s', not '%s'", given, found, expected);
    ls_space_free(space);
}

Test(search, spaces_that_are_read)
{
    assert_grid("hidden", "8|16|32,32|none", "8 16 32,32 none");
    assert_grid("activation", "relu|tanh,relu", "relu tanh,relu");
    assert_grid("batch-norm", "on|off", "on off");
    assert_grid("lr", "1e-4..1e-1:log:4", "0.0001 0.001 0.01 0.1");
    assert_grid("lr", "1e-4..1e-1:log", "0.0001 0.0005623 0.003162 0.01778 0.1");
    assert_grid("lr", "auto|0.5", "auto 0.5");
    assert_grid("dropout", "0..0.5:3", "0 0.25 0.5");
    assert_grid("l2", "0|1e-6..1e-2:log:3", "0 1e-06 0.0001 0.01");
    assert_grid("l2", "0.5|0..1:3", "0.5 0 1"); /* without a point that is already there */
    assert_grid("epochs", "1..4", "1 2 3 4");
    assert_grid("epochs", "1..100:log:3", "1 10 100");
    assert_grid("epochs", "1..10:log:10", "1 2 3 4 5 6 8 10");
    assert_grid("batch", "8..32:4", "8 16 24 32");
    assert_grid("batch", "full|16", "full 16");
    assert_grid("seed", "1|2", "1 2");
}

Test(search, spaces_that_are_refused)
{
    static const struct {
        const char *name, *text, *words;
    } list[] = {
        {"lr", "fast|slow", "--lr fast number"},
        {"lr", "0.1|-1", "--lr -1 range"},
        {"lr", "0.1|", "--lr empty"},
        {"lr", "|", "--lr empty"},
        {"lr", "0.1|0.10", "--lr 0.10 twice"},
        {"lr", "1..", "--lr low..high"},
        {"lr", "..1", "--lr low..high"},
        {"lr", "..", "--lr low..high"},
        {"lr", "1..0.1", "--lr smaller first"},
        {"lr", "1..1", "--lr empty"},
        {"lr", "0..1:log", "--lr above 0|1e-6"},
        {"lr", "0.1..1:cubic", "--lr low..high"},
        {"lr", "0.1..1:log:1", "--lr low..high"},
        {"lr", "0.1..1:log:5:6", "--lr low..high"},
        {"lr", "auto..1", "--lr low..high"},
        {"lr", "0.1..x", "--lr x number"},
        {"lr", "0.1..1e7", "--lr 1e7 range"},
        {"lr", "1e-300..1:log", "--lr 1e-37"},
        {"epochs", "1.5..3", "--epochs 1.5 whole"},
        {"epochs", "0..3", "--epochs 0 range"},
        {"hidden", "8..64", "--hidden a|b|c"},
        {"hidden", "8|16,,16", "--hidden"},
        {"optimizer", "adam|adamm", "--optimizer adamm 'adam'"},
        {"activation", "relu..tanh", "--activation a|b|c"},
        {"batch-norm", "on|maybe", "--batch-norm maybe"},
        {"hiden", "8|16", "hiden 'hidden'"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_error err = {LS_OK, ""};
        char words[64];
        ls_space *space = make_space("");
        cr_expect_eq(ls_space_set(space, list[i].name, list[i].text, &err), LS_ERR_ARGUMENT,
                     "%s '%s' is accepted", list[i].name, list[i].text);
        strcpy(words, list[i].words);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
            cr_expect(strstr(err.message, word), "%s '%s' does not say '%s': %s", list[i].name,
                      list[i].text, word, err.message);
        cr_expect_eq(space->count, 0);
        ls_space_free(space);
    }
}

/* The order of the options does not matter; the last setting of an option wins. */
Test(search, a_space_has_the_order_of_the_table)
{
    ls_space *space =
        make_space("l2 0|1 hidden 4|8 lr 0.1|0.2 epochs 5|6 epochs 7 lr 1..2 optimizer sgd");
    char *value[3];
    cr_assert_eq(space->count, 3);
    cr_assert_eq(ls_space_points(space), 2 * 5 * 2);
    cr_expect_str_eq(ls_options_get(space->base, "epochs"), "7");
    cr_expect_str_eq(ls_options_get(space->base, "optimizer"), "sgd");
    cr_assert_eq(ls_space_grid(space, 1, value, NULL), LS_OK);
    cr_expect(!strcmp(value[0], "4") && !strcmp(value[1], "1") && !strcmp(value[2], "1"),
              "%s %s %s", value[0], value[1], value[2]);
    free_values(value, 3);
    ls_space_free(space);
    space = make_space("hidden 4");
    cr_assert_eq(ls_space_default(space, NULL), LS_OK);
    cr_assert_eq(space->count, 2, "lr and activation are searched, options that were set are not");
    cr_expect_str_eq(ls_options_get(space->base, "hidden"), "4");
    ls_space_free(space);
    space = make_space("net dense");
    cr_assert_eq(ls_space_default(space, NULL), LS_OK);
    cr_assert_eq(space->count, 1, "of a network in words only lr is searched");
    ls_space_free(space);
}

Test(search, draws_stay_in_their_ranges_and_are_even)
{
    enum { N = 4000 };
    ls_space *space = make_space("lr 1e-4..1:log dropout 0.1..0.3 epochs 3..6 l2 0|1e-3..1e-1:log");
    size_t decade[4] = {0}, epoch[4] = {0}, zero = 0, low = 0;
    for (size_t t = 0; t < N; t++) {
        char *value[4], *again[4];
        double lr, dropout, l2;
        uint64_t epochs;
        cr_assert_eq(ls_space_draw(space, 7, t, 0, value, NULL), LS_OK);
        cr_assert_eq(ls_space_draw(space, 7, t, 0, again, NULL), LS_OK);
        for (size_t i = 0; i < 4; i++) cr_assert_str_eq(value[i], again[i]);
        cr_assert(ls_parse_double(value[0], &lr) && ls_parse_u64(value[1], &epochs) &&
                  ls_parse_double(value[2], &dropout) && ls_parse_double(value[3], &l2));
        cr_assert(lr >= 1e-4 && lr <= 1 && dropout >= 0.1 && dropout <= 0.3 && epochs >= 3 &&
                  epochs <= 6);
        cr_assert(l2 == 0 || (l2 >= 1e-3 && l2 <= 1e-1));
        decade[lr < 1e-3 ? 0 : lr < 1e-2 ? 1 : lr < 1e-1 ? 2 : 3]++;
        epoch[epochs - 3]++;
        zero += l2 == 0;
        low += dropout < 0.2;
        free_values(value, 4);
        free_values(again, 4);
    }
    for (size_t i = 0; i < 4; i++) {
        cr_expect(decade[i] > N / 4 - 130 && decade[i] < N / 4 + 130, "decade %zu has %zu of %d", i,
                  decade[i], N);
        cr_expect(epoch[i] > N / 4 - 130 && epoch[i] < N / 4 + 130, "%zu epochs: %zu of %d", i + 3,
                  epoch[i], N);
    }
    cr_expect(zero > N / 2 - 150 && zero < N / 2 + 150, "%zu", zero);
    cr_expect(low > N / 2 - 150 && low < N / 2 + 150, "%zu", low);
    ls_space_free(space);
}

/* An option's values do not depend on which others are searched. */
Test(search, draws_of_options_are_independent)
{
    ls_space *one = make_space("lr 1e-4..1:log"), *two = make_space("hidden 4|8|16 lr 1e-4..1:log");
    char *a[1], *b[2];
    for (size_t t = 0; t < 20; t++) {
        cr_assert(ls_space_draw(one, 1, t, 0, a, NULL) == LS_OK &&
                  ls_space_draw(two, 1, t, 0, b, NULL) == LS_OK);
        cr_expect_str_eq(a[0], b[1]);
        free_values(a, 1);
        free_values(b, 2);
    }
    ls_space_free(one);
    ls_space_free(two);
}

/* ---- Trials ---------------------------------------------------------------------------------- */

static ls_search *make_search(const ls_space *space, ls_search_settings how, const ls_data *data)
{
    ls_search *search;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_search_create(space, &how, data, &search, &err), LS_OK, "%s", err.message);
    return search;
}

static ls_search_settings usual(int strategy, size_t trials)
{
    ls_search_settings how = ls_search_defaults;
    how.strategy = strategy;
    how.trials = trials;
    return how;
}

Test(search, trials_are_different)
{
    static const struct {
        const char *space;
        size_t asked, trials;
    } list[] = {
        {"hidden 4|8 activation relu|tanh epochs 1..5", 30, 20},
        {"hidden 4|8 activation relu|tanh", 50, 4},
        {"hidden 4|8|16 activation relu|tanh|elu epochs 1..9", 60, 60},
        {"lr 1e-4..1:log", 100, 100},
        {"lr 0.1..0.1001", 100, 2},
        {"epochs 3", 50, 1},
    };
    ls_data *data = runs_data("moons", 60);
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_space *space = make_space(list[i].space);
        ls_search *s = make_search(space, usual(LS_SEARCH_RANDOM, list[i].asked), data);
        cr_expect_eq(s->trials, list[i].trials, "%s: %zu trials", list[i].space, s->trials);
        for (size_t a = 0; a < s->trials; a++)
            for (size_t b = 0; b < a; b++) {
                size_t same = 0;
                while (same < space->count &&
                       !strcmp(s->trial[a].value[same], s->trial[b].value[same]))
                    same++;
                cr_assert(same < space->count, "%s: trials %zu and %zu", list[i].space, b, a);
            }
        ls_search_free(s);
        ls_space_free(space);
    }
    ls_data_free(data);
}

static void assert_refused(const char *space_text, ls_search_settings how, const ls_data *data,
                           const char *words)
{
    ls_space *space = make_space(space_text);
    ls_search *search = NULL;
    ls_error err = {LS_OK, ""};
    char copy[128];
    cr_expect_eq(ls_search_create(space, &how, data, &search, &err), LS_ERR_ARGUMENT,
                 "accepted: '%s', not a word of %s", space_text, words);
    strcpy(copy, words);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        cr_expect(strstr(err.message, word), "'%s': %s", word, err.message);
    ls_space_free(space);
}

Test(search, settings_that_are_refused)
{
    ls_data *moons = runs_data("moons", 60);
    ls_search_settings how = usual(LS_SEARCH_RANDOM, 3);
    how.folds = 1;
    assert_refused("lr 0.1|0.2", how, moons, "--folds");
    how.folds = 61;
    assert_refused("lr 0.1|0.2", how, moons, "--folds 60");
    how.folds = 0;
    how.holdout = 1;
    assert_refused("lr 0.1|0.2", how, moons, "--holdout");
    how.holdout = 1e-6;
    assert_refused("lr 0.1|0.2", how, moons, "rows");
    assert_refused("lr 0.1..0.2 epochs 1..9 dropout 0..0.5", usual(LS_SEARCH_GRID, 100), moons,
                   "125 100 --trials");
    assert_refused("epochs 10|20", usual(LS_SEARCH_HALVING, 9), moons, "halving --epochs");
    assert_refused("lr 0.1|0.2 time-limit 5", usual(LS_SEARCH_RANDOM, 9), moons,
                   "--time-limit --epochs");
    assert_refused("optimizer gd batch 8|16", usual(LS_SEARCH_RANDOM, 9), moons, "gd sgd");
    assert_refused("hidden 4,4 activation relu,tanh,elu|relu,relu,relu", usual(LS_SEARCH_RANDOM, 9),
                   moons, "--activation 3 2");
    ls_data_free(moons);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

Test(search, folds_are_stratified_disjoint_and_cover_all_rows)
{
    static const size_t folds[] = {2, 3, 5, 10};
    ls_data *data = runs_data_file("iris.csv");
    size_t rows = ls_data_rows(data), classes = ls_data_classes(data);
    uint32_t *fold = malloc(rows * sizeof *fold), *other = malloc(rows * sizeof *other);
    cr_assert(fold && other);
    for (size_t k = 0; k < RUNS_COUNT(folds); k++) {
        size_t count[10] = {0}, in_class[10][3] = {{0}};
        cr_assert_eq(ls_data_folds(data, folds[k], 5, fold, NULL), LS_OK);
        for (size_t i = 0; i < rows; i++) {
            cr_assert_lt(fold[i], folds[k]);
            count[fold[i]]++;
            in_class[fold[i]][ls_data_y(data)[i]]++;
        }
        for (size_t f = 0; f < folds[k]; f++) {
            cr_expect(count[f] >= rows / folds[k] && count[f] <= rows / folds[k] + 1,
                      "fold %zu of %zu has %zu rows", f, folds[k], count[f]);
            for (size_t c = 0; c < classes; c++)
                cr_expect(in_class[f][c] >= 50 / folds[k] && in_class[f][c] <= 50 / folds[k] + 1,
                          "fold %zu has %zu of class %zu", f, in_class[f][c], c);
        }
        cr_assert_eq(ls_data_folds(data, folds[k], 6, other, NULL), LS_OK);
        cr_expect(memcmp(fold, other, rows * sizeof *fold), "the seed changes nothing");
    }
    cr_expect_eq(ls_data_folds(data, 1, 5, fold, NULL), LS_ERR_ARGUMENT);
    cr_expect_eq(ls_data_folds(data, rows + 1, 5, fold, NULL), LS_ERR_ARGUMENT);
    free(fold);
    free(other);
    ls_data_free(data);
}

Test(search, training_rows_are_not_scored_on)
{
    ls_data *data = runs_data("moons", 101);
    ls_space *space = make_space("lr 0.1|0.2");
    for (size_t folds = 0; folds <= 5; folds += 5) {
        ls_search_settings how = usual(LS_SEARCH_RANDOM, 2);
        how.folds = folds;
        ls_search *s = make_search(space, how, data);
        size_t scored = 0;
        for (size_t k = 0; k < s->parts; k++) {
            const ls_data *train = s->train[k], *held = s->held[k];
            cr_expect_eq(train->rows + held->rows, 101);
            scored += held->rows;
            for (size_t i = 0; i < train->rows; i++)
                for (size_t j = 0; j < held->rows; j++)
                    cr_assert(memcmp(train->x + 2 * i, held->x + 2 * j, 2 * sizeof(float)),
                              "part %zu: row %zu is in both", k, i);
        }
        if (folds) cr_expect_eq(scored, 101);
        ls_search_free(s);
    }
    ls_space_free(space);
    ls_data_free(data);
}

/* ---- Halving and order ----------------------------------------------------------------------- */

static void assert_rungs(size_t trials, uint64_t epochs, size_t eta, const char *expected)
{
    ls_rung rung[LS_MOST_RUNGS];
    char found[256] = "";
    size_t n = ls_halving(trials, epochs, eta, rung);
    for (size_t i = 0; i < n; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%zu:%llu", i ? " " : "",
                 rung[i].trials, (unsigned long long)rung[i].until);
    cr_expect_str_eq(found, expected, "%zu trials, %llu epochs: %s", trials,
                     (unsigned long long)epochs, found);
}

Test(search, halving_schedule)
{
    assert_rungs(27, 27, 3, "27:1 9:3 3:9 1:0");
    assert_rungs(50, 100, 3, "50:4 16:12 5:34 1:0");
    assert_rungs(81, 10, 3, "81:2 27:4 9:0"); /* the first rung needs at least one epoch */
    assert_rungs(8, 8, 2, "8:1 4:2 2:4 1:0");
    assert_rungs(1000, 1000, 10, "1000:1 100:10 10:100 1:0");
    assert_rungs(2, 100, 3, "2:0");
    assert_rungs(100, 2, 3, "100:0");
    assert_rungs(1, 1, 2, "1:0");
}

static void assert_order(ls_search *s, const char *expected)
{
    size_t order[8];
    char found[64] = "";
    cr_assert_eq(ls_search_rank(s, order, NULL), LS_OK);
    for (size_t i = 0; i < s->trials; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%zu", i ? " " : "",
                 order[i]);
    cr_expect_str_eq(found, expected, "by %s: %s", ls_score_names[s->how.metric], found);
}

Test(search, ranking)
{
    ls_data *data = runs_data("moons", 60);
    ls_space *space = make_space("epochs 1|2|3|4|5|6|7|8");
    ls_search *s = make_search(space, usual(LS_SEARCH_GRID, 0), data);
    static const double accuracy[8] = {0.5, 0.9, 0.9, 0.7, 0, 1, 0, 0.6},
                        loss[8] = {3, 2, 1, 0.5, 0, 9, 0, INFINITY};
    for (size_t i = 0; i < 8; i++) {
        s->trial[i].state = i == 4   ? LS_TRIAL_DIVERGED
                            : i == 6 ? LS_TRIAL_REFUSED
                                     : LS_TRIAL_SCORED;
        s->trial[i].rung = 1;
        for (size_t k = 0; k < LS_SCORES; k++) s->trial[i].parts[k] = 1;
        s->trial[i].mean[LS_SCORE_ACCURACY] = accuracy[i];
        s->trial[i].mean[LS_SCORE_LOSS] = loss[i];
        s->trial[i].mean[LS_SCORE_AUC] = i == 3 ? 0.5 : (double)NAN;
        s->trial[i].mean[LS_SCORE_MACRO_F1] = s->trial[i].mean[LS_SCORE_WEIGHTED_F1] = accuracy[i];
        s->trial[i].mean[LS_SCORE_LOG_LOSS] = s->trial[i].mean[LS_SCORE_BRIER] = loss[i];
    }
    static const int larger[] = {LS_SCORE_ACCURACY, LS_SCORE_MACRO_F1, LS_SCORE_WEIGHTED_F1},
                     smaller[] = {LS_SCORE_LOSS, LS_SCORE_LOG_LOSS, LS_SCORE_BRIER};
    for (size_t k = 0; k < 3; k++) {
        s->how.metric = larger[k];
        assert_order(s, "5 1 2 3 7 0 4 6"); /* a tie goes to the lower number */
        s->how.metric = smaller[k];
        assert_order(s, "3 2 1 0 5 7 4 6");
    }
    s->how.metric = LS_SCORE_AUC;
    assert_order(s, "3 0 1 2 5 7 4 6"); /* NaN ranks below every number */
    s->how.metric = LS_SCORE_ACCURACY;
    s->trial[5].parts[LS_SCORE_ACCURACY] = 0;
    assert_order(s, "1 2 3 7 0 5 4 6"); /* so does 0/0 on all parts, which counts as 0 */
    s->trial[5].parts[LS_SCORE_ACCURACY] = 1;
    s->trial[0].rung = s->trial[3].rung = 2;
    s->trial[2] = (ls_trial){.value = s->trial[2].value};
    assert_order(s, "3 0 5 1 7 4 6 2"); /* more rungs are better; waiting trials come last */
    ls_search_free(s);
    ls_space_free(space);
    ls_data_free(data);
}

/* ---- Running --------------------------------------------------------------------------------- */

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void run(ls_search *s, ls_device *device)
{
    bool finished = false;
    ls_error err = {LS_OK, ""};
    cr_assert_eq(ls_search_start(s, device, &err), LS_OK, "%s", err.message);
    while (!finished)
        cr_assert_eq(ls_search_step(s, NULL, NULL, &finished, &err), LS_OK, "%s", err.message);
}

/* The table without its last column, the time. */
static char *table(const ls_search *s)
{
    ls_text text = {0};
    cr_assert_eq(ls_search_table(s, &text, NULL), LS_OK);
    char *to = text.text, *from = text.text;
    while (*from) {
        char *end = strchr(from, '\n'), *cut = end;
        while (*cut != ',') cut--;
        memmove(to, from, (size_t)(cut - from));
        to += cut - from;
        *to++ = '\n';
        from = end + 1;
    }
    *to = 0;
    return text.text;
}

/* Writes the state and reads it back, without the times. */
static ls_search *take_over(const ls_search *from)
{
    ls_text text = {0};
    ls_error err = {LS_OK, ""};
    ls_search *s = make_search(from->space, from->how, from->data);
    ls_search_write(from, KEY, &text);
    cr_assert(!text.failed);
    cr_assert_eq(ls_search_read(s, KEY, "state", text.text, &err), LS_OK, "%s", err.message);
    free(text.text);
    return s;
}

static const char some[] =
    "hidden 3|6,6 lr 0|1e-3..1e6:log optimizer adam|sgd output auto|identity batch 4 activation relu|tanh,relu epochs 9";

/* The result is the same wherever a search is stopped and resumed. */
Test(search, a_resumed_search_gives_the_same_result)
{
    ls_data *data = runs_data("moons", 60);
    ls_space *space = make_space(some);
    for (int strategy = LS_SEARCH_RANDOM; strategy <= LS_SEARCH_HALVING; strategy++) {
        ls_search_settings how = usual(strategy, 40);
        how.folds = 3;
        how.seeds = 2;
        ls_search *whole = make_search(space, how, data), *s = make_search(space, how, data);
        run(whole, NULL);
        char *expected = table(whole);
        bool finished = false;
        for (size_t stops = 0; !finished; stops++) { /* a new process after each wave */
            cr_assert_lt(stops, 200);
            s->wave_size = 36;
            cr_assert(ls_search_start(s, NULL, NULL) == LS_OK &&
                      ls_search_step(s, NULL, NULL, &finished, NULL) == LS_OK);
            ls_search *next = take_over(s);
            ls_search_free(s);
            s = next;
        }
        char *found = table(s);
        cr_expect_str_eq(found, expected, "%s", ls_strategy_names[strategy]);
        cr_expect(strstr(found, "diverged") && strstr(found, "refused") && strstr(found, "done"),
                  "the test is not worth much");
        free(found);
        free(expected);
        ls_search_free(whole);
        ls_search_free(s);
    }
    ls_space_free(space);
    ls_data_free(data);
}

static int stop_at_once(const ls_fleet_progress *p, void *user)
{
    (void)p, (void)user;
    return 1;
}

Test(search, a_stop_inside_a_wave_loses_nothing)
{
    ls_data *data = runs_data("moons", 200);
    ls_space *space = make_space("hidden 20,20|30,30 epochs 200");
    ls_search *whole = make_search(space, usual(LS_SEARCH_GRID, 0), data),
              *s = make_search(space, usual(LS_SEARCH_GRID, 0), data);
    bool finished = false;
    run(whole, NULL);
    cr_assert_eq(ls_search_start(s, NULL, NULL), LS_OK);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(ls_search_step(s, stop_at_once, NULL, &finished, NULL), LS_OK);
    while (!finished) cr_assert_eq(ls_search_step(s, NULL, NULL, &finished, NULL), LS_OK);
    char *a = table(whole), *b = table(s);
    cr_expect_str_eq(a, b);
    free(a);
    free(b);
    ls_search_free(whole);
    ls_search_free(s);
    ls_space_free(space);
    ls_data_free(data);
}

/* Each training equals ls_train's, and the score is the mean over them. */
Test(search, scores_are_those_of_train_and_evaluate)
{
    ls_data *data = runs_data("moons", 90);
    ls_space *space = make_space("hidden 5 lr 0.01|0.02 epochs 5 batch 32 seed 7");
    ls_search_settings how = usual(LS_SEARCH_GRID, 0);
    how.folds = 3;
    how.seeds = 2;
    ls_search *s = make_search(space, how, data);
    run(s, NULL);
    double sum = 0, squares = 0, f1[6], others[4] = {0};
    char weights[65] = "";
    for (size_t i = 0; i < 6; i++) {
        ls_options *o = runs_defaults(i < 3 ? "hidden 5 lr 0.02 epochs 5 batch 32 seed 7"
                                            : "hidden 5 lr 0.02 epochs 5 batch 32 seed 8");
        ls_model *model;
        ls_metrics *m;
        cr_assert_eq(ls_train(NULL, o, s->train[i % 3], NULL, NULL, &model, NULL), LS_OK);
        cr_assert_eq(ls_model_evaluate(model, NULL, s->held[i % 3], &m, NULL), LS_OK);
        if (!i) ls_model_weights_sha256(model, weights);
        f1[i] = m->f1;
        sum += m->f1;
        const double figures[] = {m->macro_f1, m->weighted_f1, m->log_loss, m->brier};
        for (size_t k = 0; k < 4; k++) others[k] += figures[k];
        ls_metrics_free(m);
        ls_model_free(model);
        ls_options_free(o);
    }
    for (size_t i = 0; i < 6; i++) squares += (f1[i] - sum / 6) * (f1[i] - sum / 6);
    const ls_trial *t = &s->trial[1];
    cr_expect(t->mean[LS_SCORE_F1] == sum / 6 && t->sd[LS_SCORE_F1] == sqrt(squares / 5), "%g ± %g",
              t->mean[LS_SCORE_F1], t->sd[LS_SCORE_F1]);
    for (size_t k = 0; k < 4; k++)
        cr_expect_eq(t->mean[LS_SCORE_MACRO_F1 + k], others[k] / 6, "%s",
                     ls_score_names[LS_SCORE_MACRO_F1 + k]);
    cr_expect_str_eq(t->weights, weights);
    cr_expect(t->epochs == 5 && t->steps == 10 && t->parameters == 21);
    ls_search_free(s);
    ls_space_free(space);
    ls_data_free(data);
}

/* Numbers y = x0 - x1 with two targets, y and 10·y. */
static ls_data *numbers(size_t rows)
{
    float x[400];
    double y[400];
    ls_data *data;
    for (size_t i = 0; i < rows; i++) {
        x[2 * i] = (float)(i * 7 % 31);
        x[2 * i + 1] = (float)(i * 11 % 17);
        y[2 * i] = (double)x[2 * i] - (double)x[2 * i + 1];
        y[2 * i + 1] = 10 * y[2 * i];
    }
    cr_assert_eq(ls_data_from_targets(x, y, rows, 2, 2, LS_TASK_REGRESSION, &data, NULL), LS_OK);
    return data;
}

Test(search, numbers_are_ranked_by_their_own_metrics)
{
    ls_data *data = numbers(80);
    ls_space *space = make_space("hidden 8 lr 0.0001|0.05 epochs 20 activation relu");
    ls_search_settings how = usual(LS_SEARCH_GRID, 0);
    how.folds = 4;
    static const int metrics[] = {LS_SCORE_RMSE,
                                  LS_SCORE_MAE,
                                  LS_SCORE_R2,
                                  LS_SCORE_LOSS,
                                  LS_SCORE_MEDIAN_ABSOLUTE_ERROR,
                                  LS_SCORE_EXPLAINED_VARIANCE};
    cr_expect_eq(ls_score_default(LS_TASK_REGRESSION), LS_SCORE_RMSE);
    cr_expect_eq(ls_score_default(LS_TASK_CLASSIFICATION), LS_SCORE_ACCURACY);
    how.metric = LS_SCORE_RMSE;
    ls_search *s = make_search(space, how, data);
    run(s, NULL);
    double rmse = 0, r2 = 0;
    for (size_t p = 0; p < 4; p++) {
        ls_options *o = runs_defaults("hidden 8 lr 0.05 epochs 20 activation relu");
        ls_model *model;
        ls_metrics *m;
        cr_assert_eq(ls_train(NULL, o, s->train[p], NULL, NULL, &model, NULL), LS_OK);
        cr_assert_eq(ls_model_evaluate(model, NULL, s->held[p], &m, NULL), LS_OK);
        rmse += m->rmse;
        r2 += m->r2;
        ls_metrics_free(m);
        ls_model_free(model);
        ls_options_free(o);
    }
    cr_expect_eq(s->trial[1].mean[LS_SCORE_RMSE], rmse / 4);
    cr_expect_eq(s->trial[1].mean[LS_SCORE_R2], r2 / 4);
    cr_expect(isnan(s->trial[1].mean[LS_SCORE_ACCURACY]) || !s->trial[1].parts[LS_SCORE_AUC]);
    for (size_t k = 0; k < RUNS_COUNT(metrics); k++) {
        s->how.metric = metrics[k];
        assert_order(s, "1 0");
        cr_expect_eq(s->trial[1].parts[metrics[k]], 4);
    }
    char *text = table(s);
    cr_expect(strstr(text, ",rmse_mean,rmse_sd,rmse_parts,mae_mean") && !strstr(text, "accuracy") &&
                  !strstr(text, "nan"),
              "%s", text);
    free(text);
    ls_search *next = take_over(s);
    cr_expect_eq(next->trial[1].mean[LS_SCORE_RMSE], rmse / 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(next->trial[1].score[i], s->trial[1].score[i], "fold %zu", i);
    cr_expect_eq(next->trial[1].parts[LS_SCORE_RMSE], 4);
    ls_search_free(next);
    ls_search_free(s);
    ls_space_free(space);
    ls_data_free(data);
}

Test(search, a_metric_that_cannot_be_is_refused_beforehand)
{
    ls_data *list[] = {numbers(20), runs_data("moons", 20), runs_data("moons", 20)};
    for (size_t i = 0; i < 20; i++) list[2]->y[i] = i == 7; /* one positive row is not held out */
    static const struct {
        size_t data;
        int metric;
        size_t folds;
        const char *says;
    } cases[] = {{0, LS_SCORE_ACCURACY, 0, "numbers"},
                 {0, LS_SCORE_AUC, 0, "numbers"},
                 {0, LS_SCORE_LOG_LOSS, 4, "rmse"},
                 {0, LS_SCORE_R2, 20, "one row"},
                 {0, LS_SCORE_EXPLAINED_VARIANCE, 20, "one row"},
                 {1, LS_SCORE_RMSE, 0, "classes"},
                 {1, LS_SCORE_R2, 0, "classes"},
                 {1, LS_SCORE_AUC, 20, "auc"},
                 {2, LS_SCORE_RECALL, 0, "'1' has 1 of 20 rows"}};
    ls_space *space = make_space("hidden 4|8 epochs 2");
    for (size_t i = 0; i < RUNS_COUNT(cases); i++) {
        ls_search_settings how = usual(LS_SEARCH_GRID, 0);
        ls_search *s = NULL;
        ls_error err;
        how.metric = cases[i].metric;
        how.folds = cases[i].folds;
        cr_expect_eq(ls_search_create(space, &how, list[cases[i].data], &s, &err), LS_ERR_ARGUMENT,
                     "%zu", i);
        cr_expect(strstr(err.message, ls_score_names[how.metric]) &&
                      strstr(err.message, cases[i].says),
                  "%s", err.message);
        cr_expect_null(s);
    }
    ls_space_free(space);
    ls_space *raw = make_space("hidden 4|8 epochs 2 output identity");
    ls_search_settings how = usual(LS_SEARCH_GRID, 0);
    ls_search *s = NULL;
    ls_error err;
    how.metric = LS_SCORE_LOG_LOSS;
    cr_expect_eq(ls_search_create(raw, &how, list[1], &s, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "probabilities"), "%s", err.message);
    ls_space_free(raw);
    ls_data_free(list[0]);
    ls_data_free(list[1]);
    ls_data_free(list[2]);
}

/* With batch normalisation, "auto" leaves no batch of one row. */
Test(search, the_automatic_batch_has_no_rest_of_one_row)
{
    static const struct {
        uint64_t rows, usual, norm;
    } list[] = {{1, 1, 1},        {2, 2, 2},           {15, 15, 15},       {16, 16, 16},
                {17, 16, 17},     {33, 16, 17},        {34, 16, 16},       {1200, 16, 16},
                {1201, 32, 32},   {1217, 32, 33},      {2400, 32, 32},     {2401, 64, 64},
                {4800, 64, 64},   {4801, 128, 128},    {8193, 128, 129},   {9600, 128, 128},
                {9601, 256, 256}, {1000000, 256, 256}, {2559745, 256, 257}};
    ls_options *usual = runs_defaults("batch auto"), *norm = runs_defaults("batch-norm on");
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        uint64_t rows = list[i].rows;
        cr_expect_eq(ls_settings_batch(&norm->settings, rows), list[i].norm, "%d rows", (int)rows);
        cr_expect_eq(ls_settings_batch(&usual->settings, rows), list[i].usual, "%d rows",
                     (int)rows);
    }
    ls_options_free(usual);
    ls_options_free(norm);
}

Test(search, folds_keep_groups_together)
{
    ls_data *data = runs_data("moons", 60);
    ls_space *space = make_space("hidden 4|8 epochs 2");
    ls_search_settings how = usual(LS_SEARCH_GRID, 0);
    int32_t group[60];
    for (int i = 0; i < 60; i++) group[i] = i % 12;
    data->group = group;
    how.folds = 4;
    ls_search *s = make_search(space, how, data);
    for (size_t p = 0; p < 4; p++)
        for (size_t i = 0; i < s->held[p]->rows; i++)
            for (size_t k = 0; k < s->train[p]->rows; k++)
                cr_assert_neq(s->held[p]->group[i], s->train[p]->group[k]);
    ls_search_free(s);
    ls_error err;
    how.folds = 13;
    cr_expect_eq(ls_search_create(space, &how, data, &s, &err), LS_ERR_ARGUMENT);
    cr_expect(strstr(err.message, "12 groups"), "%s", err.message);
    data->group = NULL;
    ls_space_free(space);
    ls_data_free(data);
}

Test(search, every_device_gives_the_same_table)
{
    runs_device list[RUNS_DEVICES];
    static const unsigned threads[] = {1, 3, 0};
    size_t n = runs_devices_open(list, threads);
    ls_data *data = runs_data("moons", 60);
    ls_space *space = make_space("hidden 3|6 lr 1e-3..1:log epochs 4");
    char *first = NULL;
    for (size_t i = 0; i < n; i++) {
        ls_search_settings how = usual(LS_SEARCH_HALVING, 6);
        how.folds = 2;
        how.eta = 2;
        ls_search *s = make_search(space, how, data);
        run(s, list[i].device);
        char *found = table(s);
        if (!first) first = strdup(found);
        cr_expect_str_eq(found, first, "%s", list[i].label);
        free(found);
        ls_search_free(s);
    }
    free(first);
    ls_space_free(space);
    ls_data_free(data);
    runs_devices_close(list, n);
}

/* ---- States ---------------------------------------------------------------------------------- */

Test(search, a_damaged_or_foreign_state_is_refused)
{
    ls_data *data = runs_data("moons", 60);
    ls_space *space = make_space(some);
    ls_search *s = make_search(space, usual(LS_SEARCH_RANDOM, 5), data), *other;
    ls_text text = {0};
    ls_error err;
    run(s, NULL);
    ls_search_write(s, KEY, &text);
    cr_assert(!text.failed && ls_search_is_state(text.text) &&
              !ls_search_is_state("trial,rank\n") && !ls_search_is_state(""));
    for (size_t cut = 0; cut < text.length - 1; cut += 7) { /* truncated */
        char *copy = strdup(text.text);
        copy[cut] = 0;
        other = make_search(space, s->how, data);
        cr_expect_neq(ls_search_read(other, KEY, "the state", copy, &err), LS_OK, "cut at %zu",
                      cut);
        cr_expect(strstr(err.message, "the state"), "%s", err.message);
        ls_search_free(other);
        free(copy);
    }
    for (size_t at = 0; at < text.length; at++) { /* overwritten */
        char *copy = strdup(text.text);
        copy[at] = (char)(at % 3 == 0 ? ' ' : at % 3 == 1 ? '9' : '\n');
        other = make_search(space, s->how, data);
        bool same = copy[at] == text.text[at];
        cr_expect_eq(ls_search_read(other, KEY, "the state", copy, &err) == LS_OK, same,
                     "byte %zu overwritten", at);
        ls_search_free(other);
        free(copy);
    }
    for (size_t at = strlen("lockstep search state "), k = 0; k < 2;
         k++, at += 5) { /* another version, another key */
        char *foreign = strdup(text.text);
        foreign[at] = k ? 'x' : '1';
        other = make_search(space, s->how, data);
        cr_expect(ls_search_is_state(foreign));
        cr_expect_eq(ls_search_read(other, KEY, "the state", foreign, &err), LS_ERR_ARGUMENT);
        cr_expect(strstr(err.message, "--restart"), "%s", err.message);
        ls_search_free(other);
        free(foreign);
    }
    free(text.text);
    ls_search_free(s);
    ls_space_free(space);
    ls_data_free(data);
}

Test(search, the_key_distinguishes_searches)
{
    ls_data *data = runs_data("moons", 60), *more = runs_data("moons", 61);
    static const char *const spaces[] = {"lr 0.1..1",   "lr 0.1..1 epochs 3", "lr 0.1..1:log",
                                         "lr 0.1..1:7", "lr 0.1..2",          "l2 0.1..1",
                                         "lr 0.1|1"};
    ls_search_settings how[8];
    char key[RUNS_COUNT(spaces) + 10][65];
    size_t n = 0;
    for (size_t i = 0; i < 8; i++) how[i] = usual(LS_SEARCH_RANDOM, 2);
    how[0].seed = 2, how[1].metric = LS_SCORE_F1, how[2].seeds = 2, how[3].folds = 3,
    how[4].holdout = 0.3, how[5].strategy = LS_SEARCH_HALVING, how[6].eta = 2, how[7].trials = 1;
    for (size_t i = 0; i < RUNS_COUNT(spaces) + 10; i++) {
        ls_space *space = make_space(spaces[i < RUNS_COUNT(spaces) ? i : 0]);
        bool plain = i < RUNS_COUNT(spaces) || i >= RUNS_COUNT(spaces) + 8;
        ls_search *s = make_search(space,
                                   plain ? usual(LS_SEARCH_RANDOM, 2) : how[i - RUNS_COUNT(spaces)],
                                   i == RUNS_COUNT(spaces) + 8 ? more : data);
        ls_search_key(s, i == RUNS_COUNT(spaces) + 9 ? "a device" : "exact", key[n]);
        for (size_t k = 0; k < n; k++) cr_expect_str_neq(key[k], key[n], "%zu and %zu", k, n);
        n++;
        ls_search_free(s);
        ls_space_free(space);
    }
    ls_data_free(data);
    ls_data_free(more);
}
