/* SPDX-License-Identifier: MIT */
/* Parts of data: whole groups of rows, weights, numbers as targets, samples. */
#include "host/base/memory.h"
#include "host/data/split.h"
#include "tests/support/data.h"

#include <math.h>

enum { ROWS = 600 };

static uint32_t next_random(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

/* Rows whose only feature is their number. Group g has about as many rows as `size` says: equal
 * sizes, or few large groups among many small ones. Classes: three, unevenly frequent; 0: two
 * numbers as targets instead. */
static ls_data *grouped_rows(bool classes, bool uneven, uint32_t seed)
{
    ls_data *d = NULL;
    uint32_t state = seed;
    cr_assert_eq(ls_data_create(ROWS, 1, classes ? 3 : 0, classes, &d, NULL), LS_OK);
    cr_assert_eq(ls_alloc(&d->group, ROWS, sizeof *d->group, "groups", NULL), LS_OK);
    cr_assert_eq(ls_alloc(&d->weight, ROWS, sizeof *d->weight, "weights", NULL), LS_OK);
    if (!classes) {
        static const ls_target two[2] = {{.name = (char *)"a", .place = 1},
                                         {.name = (char *)"b", .place = 2}};
        ls_targets_free(d->target, d->targets);
        d->target = NULL;
        cr_assert_eq(ls_targets_copy(two, 2, &d->target, NULL), LS_OK);
        d->targets = 2;
        d->task = LS_TASK_REGRESSION;
        cr_assert_eq(ls_alloc(&d->value, 2 * ROWS, sizeof *d->value, "values", NULL), LS_OK);
    }
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t r = next_random(&state) >> 8;
        d->x[i] = (float)i;
        d->weight[i] = 1 + 0.5 * (double)i;
        d->group[i] = (int32_t)(uneven && r % 2 ? r % 3 : 10 + r % 40);
        r = next_random(&state) >> 8;
        if (classes) d->y[i] = r % 10 < 6 ? 0 : r % 10 < 9 ? 1 : 2;
        else {
            d->value[2 * i] = (double)i;
            d->value[2 * i + 1] = -(double)i;
        }
    }
    return d;
}

/* What goes with each row came along. */
static void expect_whole_rows(const ls_data *part, const ls_data *data)
{
    for (size_t i = 0; i < part->rows; i++) {
        size_t row = (size_t)part->x[i];
        cr_assert_eq(part->number[i], row);
        cr_assert(part->weight[i] == data->weight[row]);
        cr_assert(part->group[i] == data->group[row]);
        if (data->y) cr_assert_eq(part->y[i], data->y[row]);
        for (size_t t = 0; data->value && t < data->targets; t++)
            cr_assert(part->value[i * part->targets + t] == data->value[row * data->targets + t]);
    }
    cr_expect_eq(part->task, data->task);
    cr_expect_eq(part->targets, data->targets);
    cr_expect_str_eq(part->target[part->targets - 1].name, data->target[data->targets - 1].name);
}

static void expect_no_common_group(const ls_data *a, const ls_data *b)
{
    for (size_t i = 0; i < a->rows; i++)
        for (size_t k = 0; k < b->rows; k++)
            cr_assert(a->group[i] != b->group[k], "group %d is in both parts", (int)a->group[i]);
}

Test(split, a_cut_keeps_groups_whole_and_comes_near_the_share)
{
    static const double shares[] = {0.1, 0.2, 0.5};
    for (uint32_t n = 0; n < 24; n++) {
        bool classes = n % 2;
        double share = shares[n % 3];
        ls_data *d = grouped_rows(classes, n % 4 > 1, n), *rest = NULL, *part = NULL;
        size_t left = 0;
        cr_assert_eq(ls_data_cut(d, share, n, n % 5 > 1, &rest, &part, NULL), LS_OK);
        cr_assert_eq(ls_data_cut_rows(d, share, n, &left, NULL), LS_OK);
        cr_expect_eq(left, rest->rows);
        cr_assert_eq(rest->rows + part->rows, ROWS);
        expect_whole_rows(rest, d);
        expect_whole_rows(part, d);
        expect_no_common_group(rest, part);
        double got = (double)part->rows / ROWS;
        cr_expect(fabs(got - share) < 0.05, "%u: a share of %g, not %g", n, got, share);
        for (int32_t c = 0; c < 3 && classes; c++) {
            double in = 0, all = 0;
            for (size_t i = 0; i < ROWS; i++) all += d->y[i] == c;
            for (size_t i = 0; i < part->rows; i++) in += part->y[i] == c;
            double most = n % 4 > 1 ? 0.15
                                    : 0.1; /* few large groups cannot be stratified as well */
            cr_expect(fabs(in / all - share) < most, "%u: %g of class %d, not %g", n, in / all,
                      (int)c, share);
        }
        ls_data_free(d), ls_data_free(rest), ls_data_free(part);
    }
}

/* Without stratification the shares of a class would differ: each group has one class, and the
 * groups are of one size. */
Test(split, groups_are_stratified_by_class)
{
    ls_data *d = grouped_rows(true, false, 1), *rest = NULL, *part = NULL;
    for (size_t i = 0; i < ROWS; i++) {
        d->group[i] = (int32_t)(i / 10);
        d->y[i] = i / 10 % 10 < 6 ? 0 : i / 10 % 10 < 9 ? 1 : 2;
    }
    for (uint64_t seed = 1; seed < 20; seed++) {
        size_t count[3] = {0};
        cr_assert_eq(ls_data_split(d, 1.0 / 6, seed, &rest, &part, NULL), LS_OK);
        for (size_t i = 0; i < part->rows; i++) count[part->y[i]]++;
        cr_expect(count[0] == 60 && count[1] == 30 && count[2] == 10, "%zu, %zu, %zu", count[0],
                  count[1], count[2]);
        ls_data_free(rest), ls_data_free(part);
    }
    ls_data_free(d);
}

Test(split, folds_keep_groups_whole)
{
    static const size_t folds[] = {2, 3, 5, 10};
    uint32_t fold[ROWS], other[ROWS];
    for (uint32_t n = 0; n < 16; n++) {
        size_t count[10] = {0}, k = folds[n % 4], least = ROWS, most = 0;
        ls_data *d = grouped_rows(n % 2, false, n);
        int32_t of[50];
        for (size_t g = 0; g < 50; g++) of[g] = -1;
        cr_assert_eq(ls_data_folds(d, k, n, fold, NULL), LS_OK);
        for (size_t i = 0; i < ROWS; i++) {
            cr_assert_lt(fold[i], k);
            count[fold[i]]++;
            cr_assert(of[d->group[i]] < 0 || of[d->group[i]] == (int32_t)fold[i]);
            of[d->group[i]] = (int32_t)fold[i];
        }
        for (size_t f = 0; f < k; f++) {
            if (count[f] < least) least = count[f];
            if (count[f] > most) most = count[f];
        }
        cr_expect(most - least <= 15, "%zu folds of %zu to %zu rows", k, least, most);
        cr_assert_eq(ls_data_folds(d, k, n + 1, other, NULL), LS_OK);
        cr_expect(memcmp(fold, other, sizeof fold), "the seed changes nothing");
        ls_data_free(d);
    }
}

/* The bits of a split are the same everywhere. */
Test(split, groups_are_dealt_alike_on_every_machine)
{
    ls_data *d = grouped_rows(true, true, 7);
    uint32_t fold[ROWS];
    ls_sha256 sha;
    char hex[65];
    ls_sha256_init(&sha);
    cr_assert_eq(ls_data_folds(d, 5, 3, fold, NULL), LS_OK);
    for (size_t i = 0; i < ROWS; i++) hash_u32(&sha, fold[i]);
    ls_sha256_final(&sha, hex);
    cr_expect_str_eq(hex, "730364fd07b21a9b3ebc8731d39543ca63a420256972091aef714ded91e2a8fb",
                     "the folds are %s", hex);
    ls_data_free(d);
}

Test(split, too_few_groups_are_refused)
{
    ls_data *d = grouped_rows(true, false, 1), *rest = NULL, *part = NULL;
    uint32_t fold[ROWS];
    ls_error err;
    for (size_t i = 0; i < ROWS; i++) d->group[i] = i < 599 ? -5 : 9;
    /* two groups of very different size still give two parts */
    cr_assert_eq(ls_data_split(d, 0.5, 1, &rest, &part, &err), LS_OK, "%s", err.message);
    cr_expect_eq(rest->rows + part->rows, ROWS);
    ls_data_free(rest), ls_data_free(part);
    rest = part = NULL;
    cr_expect_eq(ls_data_folds(d, 3, 1, fold, &err), LS_ERR_ARGUMENT);
    expect_message(err.message, "the rows form 2 groups, too few for 3 parts", "--group");
    cr_expect_eq(ls_data_folds(d, 2, 1, fold, &err), LS_OK);
    cr_expect(fold[0] != fold[599]);
    d->group[599] = -5;
    cr_expect_eq(ls_data_split(d, 0.5, 1, &rest, &part, &err), LS_ERR_ARGUMENT);
    expect_message(err.message, "the rows form 1 group,", "--group");
    cr_expect(!rest && !part);
    ls_data_free(d);
}

Test(split, numbers_as_targets_are_split_plainly)
{
    ls_data *d = grouped_rows(false, false, 1), *rest = NULL, *part = NULL, *thin = NULL;
    uint32_t fold[ROWS];
    size_t count[7] = {0};
    free(d->group);
    d->group = NULL;
    cr_assert_eq(ls_data_split(d, 0.25, 1, &rest, &part, NULL), LS_OK);
    cr_expect_eq(part->rows, 150);
    cr_expect_eq(rest->rows, 450);
    cr_expect(part->value[0] == (double)part->x[0] && !part->group);
    cr_assert_eq(ls_data_folds(d, 7, 1, fold, NULL), LS_OK);
    for (size_t i = 0; i < ROWS; i++) count[fold[i]]++;
    for (size_t f = 0; f < 7; f++) cr_expect(count[f] == 85 || count[f] == 86);
    cr_assert_eq(ls_data_thin(d, 60, &thin, NULL), LS_OK);
    cr_expect(thin->rows >= 60 && thin->rows <= 61, "%zu rows", thin->rows);
    for (size_t i = 0; i < thin->rows; i++)
        cr_expect(thin->value[2 * i + 1] == -(double)thin->x[i]);
    ls_data_free(d), ls_data_free(rest), ls_data_free(part), ls_data_free(thin);
}

/* A share that nobody asked for takes a row of few; a larger one is kept. */
Test(split, a_usable_share_takes_a_row)
{
    for (size_t n = 1; n <= 12; n++)
        for (int classes = 0; classes < 2; classes++) {
            float x[24];
            int32_t y[24];
            size_t rows = classes ? n + n / 2 : n;
            for (size_t i = 0; i < rows; i++) x[i] = (float)i, y[i] = i >= n;
            ls_data *d, *rest, *part;
            cr_assert_eq(ls_data_from_arrays(x, classes ? y : NULL, rows, 1, classes ? 2 : 0, &d,
                                             NULL),
                         LS_OK);
            double share = ls_data_usable_share(d, 0.1);
            cr_expect(n >= 5 ? share == 0.1 : share == 0.5 / (double)n, "%zu rows: %g", n, share);
            ls_status status = ls_data_split(d, share, 1, &rest, &part, NULL);
            cr_expect_eq(status, n > 1 ? LS_OK : LS_ERR_ARGUMENT, "%zu rows", n);
            if (status == LS_OK) ls_data_free(rest), ls_data_free(part);
            ls_data_free(d);
        }
}

Test(split, a_sample_is_drawn_without_replacement)
{
    ls_data *d = grouped_rows(true, false, 1), *some = NULL, *other = NULL;
    size_t drawn[ROWS] = {0};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        cr_assert_eq(ls_data_sample(d, 60, seed, &some, NULL), LS_OK);
        cr_assert_eq(some->rows, 60);
        for (size_t i = 0; i < some->rows; i++) {
            cr_assert(i == 0 || some->x[i - 1] < some->x[i], "twice, or the order changed");
            drawn[(size_t)some->x[i]]++;
        }
        ls_data_free(some);
    }
    /* each row was drawn about 100 times: ±5 standard deviations */
    for (size_t i = 0; i < ROWS; i++)
        cr_expect(drawn[i] > 52 && drawn[i] < 148, "row %zu was drawn %zu times", i, drawn[i]);
    cr_assert_eq(ls_data_sample(d, 599, 1, &some, NULL), LS_OK);
    cr_assert_eq(ls_data_sample(d, 599, 1, &other, NULL), LS_OK);
    expect_whole_rows(some, d);
    cr_expect_eq(some->classes, 3);
    cr_expect_arr_eq(some->x, other->x, 599 * sizeof(float));
    ls_data_free(some), ls_data_free(other);
    cr_assert_eq(ls_data_sample(d, ROWS, 1, &some, NULL), LS_OK);
    cr_expect_null(some, "all rows are no sample");
    cr_expect_eq(ls_data_sample(d, 0, 1, &some, NULL), LS_ERR_ARGUMENT);
    ls_data_free(d);
}
