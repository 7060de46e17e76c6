/* SPDX-License-Identifier: MIT */
/* Generated data sets, and splits. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/support/data.h"

/* ---- Generators ------------------------------------------------------------------------------ */

Test(generators, generators_give_the_same_bits_everywhere)
{
    static const struct {
        const char *name, *sha256;
    } golden[] = {
        {"linear", "af32cb3cf7b10d9ae2424630bdaa310ba5c5f95ec8c33d2266fd397337062791"},
        {"quadratic", "d46bc95c08ddf644ccc61298de76f9dca0bff5627c0f22ed3c65f88bada2cbc9"},
        {"random", "d1306be407eef3c0f5f68fdbcec81ae253fb870189fc5bd413b9ffc55d0d62bc"},
        {"overlap", "3d87e40d19d8fa0601a791c5130b54d2a654bc0dfc44896855c5005e81366e55"},
        {"xor", "33bfe2d5dd8ce27e73049e8dd0e4755900a242e07cacab3b27ba76c3ac462251"},
        {"moons", "c1b26b774c24d76d597cfe738ae94639f2707e9238435fd597dd4c7d5bdb5e92"},
        {"circles", "0012bebad618759da6fd79f9652c48c9d641057e15d2668f578f05a35a51dd38"},
        {"spirals", "9535230b49c265659b17aef655a324531f185d9775eceffa570049eb170d48a3"},
        {"blobs", "b01e5c67b4d0a172539ab4eb5e2e48cf750002c8341a4a05d67459d33e1256fe"},
        {"checkerboard", "f9f265de07368420fb0de33582158fb53ec4f8f904fe83804b748658c02434b5"},
        {"classification", "39edbe7422ebedddee26b1ec60d75444d873ee4272d7f6b2c5cb93d0845fddc0"},
        {"linear-regression", "debadec2ee7b0483cd56e61a434ae38de2b0ded5b35c64ab0729063c7b177451"},
        {"friedman1", "42a2843c70ece343abba39aa51d6279e91e06097312cb31a2d5b150143de11e2"},
        {"sine", "cf6084a78fe23e48c158cae06e1d913667d6316fb425440a344d536db1def487"},
        {"steps", "bbebb7d4d768494b1009420eab3a184c08a72d7554066c7ed35633c95ade1733"},
    };
    size_t listed = 0;
    while (ls_generator_at(listed, NULL)) listed++;
    cr_expect_eq(listed, COUNT(golden));
    for (size_t k = 0; k < COUNT(golden); k++) {
        char hex[65], other[65];
        const char *about = NULL;
        cr_expect_str_eq(ls_generator_at(k, &about), golden[k].name);
        cr_expect(about && strlen(about) > 10);
        ls_data *data = generate_seeded(golden[k].name, 0, 1);
        hash_data(data, hex);
        cr_expect_str_eq(hex, golden[k].sha256, "%s is %s", golden[k].name, hex);
        ls_data_free(data);
        data = generate_seeded(golden[k].name, 0, 2);
        hash_data(data, other);
        bool seedless = strcmp(golden[k].name, "xor") == 0;
        cr_expect_eq(strcmp(hex, other) == 0, seedless, "%s, another seed", golden[k].name);
        ls_data_free(data);
    }
}

Test(generators, generator_xor_is_the_21_points)
{
    static const float x[21][2] = {
        {0, 0},       {0, 1},       {0.1f, 0.1f}, {0.1f, 0.9f}, {0.2f, 0.2f}, {0.2f, 0.8f},
        {0.3f, 0.3f}, {0.3f, 0.7f}, {0.4f, 0.4f}, {0.4f, 0.6f}, {0.5f, 0.5f}, {0.6f, 0.6f},
        {0.6f, 0.4f}, {0.7f, 0.7f}, {0.7f, 0.3f}, {0.8f, 0.8f}, {0.8f, 0.2f}, {0.9f, 0.9f},
        {0.9f, 0.1f}, {1, 1},       {1, 0}};
    static const int32_t y[21] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    ls_data *data = generate("xor", NULL);
    assert_shape(data, 21, 2, 2);
    cr_expect_arr_eq(data->x, x, sizeof x);
    cr_expect_arr_eq(data->y, y, sizeof y);
    ls_data_free(data);
}

Test(generators, generator_labels_follow_their_rule)
{
    ls_data *linear = generate_seeded("linear", 5000, 3),
            *quadratic = generate_seeded("quadratic", 5000, 3);
    ls_data *board = generate_seeded("checkerboard", 5000, 3);
    for (size_t i = 0; i < 5000; i++) {
        const float *p = linear->x + 2 * i, *q = quadratic->x + 2 * i, *b = board->x + 2 * i;
        cr_assert(p[0] >= 0 && p[0] < 1 && p[1] >= 0 && p[1] < 1);
        cr_assert_eq(linear->y[i], p[0] > p[1], "linear, row %zu", i);
        double above = (double)q[1] - 6 * ((double)q[0] - 0.5) * ((double)q[0] - 0.5);
        if (fabs(above) > 1e-6) cr_assert_eq(quadratic->y[i], above > 0, "quadratic, row %zu", i);
        cr_assert_eq(board->y[i], ((int)floorf(b[0] * 4) + (int)floorf(b[1] * 4)) % 2,
                     "checkerboard, row %zu", i);
    }
    ls_data_free(linear);
    ls_data_free(quadratic);
    ls_data_free(board);
}

Test(generators, generator_curves_without_noise_lie_on_their_curves)
{
    ls_generate_options options = {.rows = 999, .noise = 0, .overlap = -1, .seed = 7};
    ls_data *moons = generate("moons", &options), *circles = generate("circles", &options);
    for (size_t i = 0; i < 999; i++) {
        const float *m = moons->x + 2 * i, *c = circles->x + 2 * i;
        double away = moons->y[i] ? hypot((double)m[0] - 1, (double)m[1] - 0.5)
                                  : hypot((double)m[0], (double)m[1]);
        cr_assert_float_eq(away, 1, 1e-6, "moons, row %zu", i);
        cr_assert(moons->y[i] ? m[1] <= 0.5f : m[1] >= 0);
        cr_assert_float_eq(hypot((double)c[0], (double)c[1]), circles->y[i] ? 0.5 : 1, 1e-6,
                           "circles, row %zu", i);
    }
    ls_data_free(moons);
    ls_data_free(circles);
    options.classes = 3;
    ls_data *spirals = generate("spirals", &options);
    for (size_t i = 0; i < 999; i++) {
        const double pi = 3.14159265358979323846;
        const float *s = spirals->x + 2 * i;
        double radius = hypot((double)s[0], (double)s[1]),
               angle = pi * (3 * radius + 2.0 * spirals->y[i] / 3);
        cr_assert(hypot((double)s[0] - radius * cos(angle), (double)s[1] - radius * sin(angle)) <
                      1e-5,
                  "row %zu", i);
    }
    ls_data_free(spirals);
}

Test(generators, generator_overlap_is_separable_to_99_percent)
{
    const size_t rows = 100000;
    size_t right = 0;
    ls_data *data = generate_seeded("overlap", rows, 5);
    for (size_t i = 0; i < rows; i++)
        right += (data->x[2 * i] + data->x[2 * i + 1] > 0) == data->y[i];
    double accuracy = (double)right /
                      (double)rows; /* expected: 0.99079, standard deviation 0.0003 */
    cr_expect(accuracy > 0.989 && accuracy < 0.9925, "%g", accuracy);
    ls_data_free(data);
}

Test(generators, generator_classes_are_balanced)
{
    static const struct {
        const char *name;
        double share;
    } cases[] = {{"linear", 0.5}, {"quadratic", 0.5443}, {"random", 0.5},      {"overlap", 0.5},
                 {"moons", 0.5},  {"circles", 0.5},      {"checkerboard", 0.5}};
    for (size_t k = 0; k < COUNT(cases); k++) {
        size_t ones = 0;
        ls_data *data = generate_seeded(cases[k].name, 20000, 11);
        for (size_t i = 0; i < data->rows; i++) ones += data->y[i] == 1;
        cr_expect_float_eq((double)ones / 20000, cases[k].share, 0.02, "%s: %zu", cases[k].name,
                           ones);
        ls_data_free(data);
    }
    ls_generate_options options = {
        .rows = 1000, .noise = -1, .overlap = -1, .classes = 10, .features = 7, .seed = 1};
    static const char *const several[] = {"blobs", "classification"};
    for (size_t k = 0; k < COUNT(several); k++) {
        size_t counts[10] = {0};
        ls_data *data = generate(several[k], &options);
        assert_shape(data, 1000, 7, 10);
        for (size_t i = 0; i < data->rows; i++) counts[data->y[i]]++;
        for (size_t c = 0; c < 10; c++) cr_expect_eq(counts[c], 100, "%s", several[k]);
        ls_data_free(data);
    }
}

Test(generators, generator_shorter_set_is_the_start_of_a_longer_one)
{
    for (size_t k = 0; ls_generator_at(k, NULL); k++) {
        const char *name = ls_generator_at(k, NULL);
        if (strcmp(name, "xor") == 0) continue;
        ls_data *brief = generate_seeded(name, 50, 9), *more = generate_seeded(name, 500, 9);
        cr_expect_arr_eq(brief->x, more->x, 50 * brief->features * sizeof(float), "%s", name);
        cr_assert((brief->y != NULL) == (brief->value == NULL));
        if (brief->y) cr_expect_arr_eq(brief->y, more->y, 50 * sizeof(int32_t), "%s", name);
        else cr_expect_arr_eq(brief->value, more->value, 50 * sizeof(double), "%s", name);
        ls_data_free(brief);
        ls_data_free(more);
    }
}

Test(generators, generator_classification_has_redundant_features)
{
    ls_generate_options options = {
        .rows = 300, .noise = 0, .overlap = -1, .classes = 2, .features = 2, .seed = 4};
    ls_data *data = generate("classification",
                             &options); /* one informative feature; the other is a multiple of it */
    double slope = (double)data->x[1] / (double)data->x[0];
    for (size_t i = 0; i < data->rows; i++) {
        cr_assert_float_eq((double)data->x[2 * i + 1], slope * (double)data->x[2 * i], 1e-5);
    }
    ls_data_free(data);
}

/* ---- Numbers to predict ---------------------------------------------------------------------- */

static const char *const regressions[] = {"linear-regression", "friedman1", "sine", "steps"};

/* The stated formulas, with the functions of the C library. */
static double formula(const char *name, const float *x, size_t features)
{
    static const double level[] = {1, 3, 2, 5, 4};
    const double pi = acos(-1.0);
    double sum = 0;
    if (!strcmp(name, "friedman1"))
        return 10 * sin(pi * (double)x[0] * (double)x[1]) + 20 * pow((double)x[2] - 0.5, 2) +
               10 * (double)x[3] + 5 * (double)x[4];
    if (!strcmp(name, "sine")) return sin(2 * pi * (double)x[0]);
    if (!strcmp(name, "steps")) return level[(int)floor((double)x[0] / 0.2)];
    for (size_t j = 0; j < features; j++)
        sum += pow(-1, (double)j) * (double)(j + 1) * (double)x[j];
    return sum;
}

Test(generators, generator_numbers_without_noise_follow_their_formula)
{
    static const size_t features[] = {5, 10, 1, 1};
    ls_generate_options options = {.rows = 20000, .noise = 0, .overlap = -1, .seed = 8};
    for (size_t k = 0; k < COUNT(regressions); k++) {
        ls_data *data = generate(regressions[k], &options);
        double worst = 0;
        assert_shape(data, 20000, features[k], 0);
        cr_assert(data->task == LS_TASK_REGRESSION && data->targets == 1 && !data->y);
        cr_expect_str_eq(ls_data_target_name(data), "y");
        for (size_t i = 0; i < data->rows; i++) {
            double exact = formula(regressions[k], data->x + i * features[k], features[k]);
            worst = fmax(worst, fabs(data->value[i] - exact));
        }
        /* half of the sixth decimal, and the rounding of a sum of magnitude 100 */
        cr_expect(worst <= 5.0e-7 + 1e-12, "%s: %g", regressions[k], worst);
        cr_expect(worst > 0 || k == 3, "%s", regressions[k]);
        ls_data_free(data);
    }
}

/* The noise has the standard deviation that was asked for and is not the features again. */
Test(generators, generator_noise_of_numbers)
{
    ls_generate_options options = {.rows = 20000, .noise = 2, .overlap = -1, .seed = 9};
    for (size_t k = 0; k < COUNT(regressions); k++) {
        ls_data *data = generate(regressions[k], &options);
        double sum = 0, squares = 0, product = 0, spread = 0;
        for (size_t i = 0; i < data->rows; i++) {
            const float *x = data->x + i * data->features;
            double noise = data->value[i] - formula(regressions[k], x, data->features),
                   first = (double)x[0] - (k ? 0.5 : 0);
            sum += noise, squares += noise * noise, product += noise * first;
            spread += first * first;
        }
        /* standard errors: 0.014 of the mean, 0.01 of the deviation, 0.007 of the correlation */
        cr_expect_float_eq(sum / 20000, 0, 0.06, "%s", regressions[k]);
        cr_expect_float_eq(sqrt(squares / 20000), 2, 0.05, "%s", regressions[k]);
        cr_expect_float_eq(product / sqrt(squares * spread), 0, 0.03, "%s", regressions[k]);
        ls_data_free(data);
    }
}

Test(generators, generator_numbers_have_six_decimals_in_a_file)
{
    for (size_t k = 0; k < COUNT(regressions); k++) {
        ls_data *data = generate_seeded(regressions[k], 1000, 5);
        char path[64], line[4096], *end;
        write_temporary(path, "", 0);
        cr_assert_eq(ls_data_write_csv(data, path, NULL), LS_OK);
        FILE *file = fopen(path, "r");
        cr_assert(file && fgets(line, sizeof line, file));
        cr_expect_not_null(strstr(line, ",y\n"), "%s: %s", regressions[k], line);
        for (size_t i = 0; i < 1000; i++) {
            cr_assert_not_null(fgets(line, sizeof line, file));
            char *text = strrchr(line, ',') + 1, *point = strchr(text, '.');
            cr_assert(strtod(text, &end) == data->value[i] && *end == '\n', "%s: %s",
                      regressions[k], text);
            cr_assert(!strchr(text, 'e') || data->value[i] < 1e-4);
            cr_assert(!point || strchr(text, 'e') || strlen(point) <= 8, "%s", text);
        }
        fclose(file);
        unlink(path);
        ls_data_free(data);
    }
}

Test(generators, generator_options_are_checked)
{
    static const struct {
        const char *name;
        ls_generate_options options;
        const char *says;
    } cases[] = {
        {"moon", {0}, "did you mean \"moons\"?|linear, quadratic, random"},
        {"quux", {0}, "choose from: linear|classification"},
        {"", {0}, "choose from"},
        {"xor", {.rows = 20}, "exactly 21 rows, not 20"},
        {"moons", {.classes = 3}, "takes no number of classes; leave it out"},
        {"linear", {.features = 3}, "takes no number of features"},
        {"linear", {.noise = 0.1}, "takes no noise"},
        {"blobs", {.overlap = 0.1}, "takes no overlap"},
        {"blobs", {.rows = 4, .classes = 5}, "4 rows do not suffice for 5 classes"},
        {"blobs", {.classes = 1}, "cannot be 1; give 2 to 1000"},
        {"blobs", {.classes = 1001, .rows = 5000}, "cannot be 1001"},
        {"blobs", {.features = 10001}, "10001 features are too many; give at most 10000"},
        {"linear", {.rows = 100000001}, "100000001 rows are too many"},
        {"moons", {.noise = NAN}, "noise and overlap must be numbers"},
        {"moons", {.noise = INFINITY}, "noise and overlap must be numbers"},
        {"classification", {.classes = 9, .features = 3}, "9 classes need at least 4 features"},
        {"friedman1", {.features = 4}, "needs at least 5 features, not 4"},
        {"friedman1", {.classes = 2}, "takes no number of classes"},
        {"sine", {.features = 2}, "takes no number of features"},
        {"steps", {.overlap = 1}, "takes no overlap"},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        ls_data *data = NULL;
        ls_error err = {LS_OK, ""};
        cr_expect_eq(ls_data_generate(cases[k].name, &cases[k].options, &data, &err),
                     LS_ERR_ARGUMENT, "case %zu", k);
        expect_message(err.message, "", cases[k].says);
        cr_expect_null(data);
    }
}

/* ---- Splitting ------------------------------------------------------------------------------- */

/* 1000 rows whose feature is their row number; classes of 700, 200 and 100 rows. */
static ls_data *numbered_rows(bool labelled)
{
    float x[1000];
    int32_t y[1000];
    ls_data *data = NULL;
    for (int i = 0; i < 1000; i++) {
        x[i] = (float)i;
        y[i] = i % 10 < 7 ? 0 : i % 10 < 9 ? 1 : 2;
    }
    cr_assert_eq(ls_data_from_arrays(x, labelled ? y : NULL, 1000, 1, labelled ? 3 : 0, &data,
                                     NULL),
                 LS_OK);
    return data;
}

Test(generators, split_is_disjoint_complete_ordered_and_stratified)
{
    ls_data *data = numbered_rows(true), *rest = NULL, *part = NULL;
    cr_assert_eq(ls_data_split(data, 0.25, 42, &rest, &part, NULL), LS_OK);
    assert_shape(part, 250, 1, 3);
    assert_shape(rest, 750, 1, 3);
    bool seen[1000] = {false};
    size_t counts[3] = {0};
    const ls_data *const both[] = {rest, part};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < both[k]->rows; i++) {
            size_t row = (size_t)both[k]->x[i];
            cr_assert(!seen[row], "row %zu is there twice", row);
            seen[row] = true;
            cr_assert_eq(both[k]->y[i], data->y[row]);
            cr_assert(i == 0 || both[k]->x[i - 1] < both[k]->x[i], "the order changed");
            if (k == 1) counts[both[k]->y[i]]++;
        }
    }
    cr_expect(counts[0] == 175 && counts[1] == 50 && counts[2] == 25);
    ls_data_free(data);
    ls_data_free(rest);
    ls_data_free(part);
}

Test(generators, split_depends_on_the_seed_alone)
{
    ls_data *data = numbered_rows(true), *rest[3], *part[3];
    static const uint64_t seeds[] = {1, 1, 2};
    char hex[65];
    for (size_t k = 0; k < 3; k++)
        cr_assert_eq(ls_data_split(data, 0.2, seeds[k], &rest[k], &part[k], NULL), LS_OK);
    cr_expect_arr_eq(part[0]->x, part[1]->x, 200 * sizeof(float));
    cr_expect_arr_neq(part[0]->x, part[2]->x, 200 * sizeof(float));
    hash_data(part[0], hex);
    cr_expect_str_eq(hex, "689cfc26714a2b8dea53095899c44f37f642fc25144e675a0982b7ef753baf15",
                     "the split is %s", hex);
    for (size_t k = 0; k < 3; k++) {
        ls_data_free(rest[k]);
        ls_data_free(part[k]);
    }
    ls_data_free(data);
}

Test(generators, split_of_rows_without_classes_and_bad_fractions)
{
    ls_data *data = numbered_rows(false), *rest = NULL, *part = NULL;
    ls_error err;
    static const double bad[] = {0, 1, -0.5, 1.5, NAN, 0.0004, 0.9996};
    for (size_t k = 0; k < COUNT(bad); k++) {
        cr_expect_eq(ls_data_split(data, bad[k], 1, &rest, &part, &err), LS_ERR_ARGUMENT, "%g",
                     bad[k]);
        cr_expect(rest == NULL && part == NULL);
    }
    expect_message(err.message, "a fraction of 0.9996 of 1000 rows", "use a smaller fraction");
    cr_assert_eq(ls_data_split(data, 0.3, 1, &rest, &part, &err), LS_OK);
    assert_shape(part, 300, 1, 0);
    cr_expect_null(ls_data_y(part));
    ls_data_free(data);
    ls_data_free(rest);
    ls_data_free(part);
}
