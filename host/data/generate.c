/* SPDX-License-Identifier: MIT */
/* Generates data sets. Every number is a function of (seed, row, index), computed with the
 * functions of kernels/ and + - * / alone, so that a data set is the same on every machine and its
 * first rows do not depend on the number of rows. */
#include "host/base/host_mode.h"
#include "host/base/memory.h"
#include "host/base/neighbours.h"
#include "host/base/struct_size.h"
#include "host/base/text.h"
#include "host/data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"

#define MOST_ROWS 100000000u
#define MOST_FEATURES 10000u
#define MOST_CLASSES 1000u
#define MOST_INFORMATIVE 32u /* of "classification", whose work grows with the square */
#define XOR_ROWS 21u

/* Indices of random numbers: uniform ones use the indices below UNIFORMS, normal ones those from
 * there on, so that none is used twice. */
#define UNIFORMS 64u
/* Random numbers that all rows share use steps that no row number reaches. */
#define SHARED_STEP ((ls_u64)1 << 63)
/* The noise of targets uses the row plus this, so that it is independent of the features. */
#define TARGET_STEP ((ls_u64)1 << 62)

/* The options, with defaults filled in. */
typedef struct {
    size_t rows, features, classes;
    float noise, overlap;
    ls_u64 seed;
} ls_recipe;

typedef ls_status (*generator_function)(const ls_recipe *recipe, ls_data *data, ls_error *err);

typedef struct {
    const char *name, *about;
    generator_function fill;
    size_t rows;     /* default */
    double noise;    /* default; negative: takes none */
    double overlap;  /* default; negative: takes none */
    size_t classes;  /* default; 0: always two */
    size_t features; /* default; 0: always two, or one if the targets are numbers */
    bool numbers;    /* the targets are numbers */
} generator;

static float uniform(const ls_recipe *recipe, ls_u64 step, ls_u32 index)
{
    return ls_random_uniform(recipe->seed, LS_PURPOSE_DATA, step, index);
}

static float normal(const ls_recipe *recipe, size_t row, size_t index)
{
    return ls_random_normal(recipe->seed, LS_PURPOSE_DATA, row, UNIFORMS + (ls_u32)index);
}

static void add_noise(const ls_recipe *recipe, ls_data *data, float deviation)
{
    if (!(deviation > 0.0f)) return;
    for (size_t i = 0; i < data->rows; i++) {
        for (size_t j = 0; j < data->features; j++) {
            data->x[i * data->features + j] += deviation * normal(recipe, i, j);
        }
    }
}

/* ---- Points in the unit square --------------------------------------------------------------- */

/* Uniform points; the rule gives the class of each. */
static void fill_square(const ls_recipe *recipe, ls_data *data, bool (*rule)(float x, float y))
{
    for (size_t i = 0; i < data->rows; i++) {
        float *point = data->x + 2 * i;
        point[0] = uniform(recipe, i, 0);
        point[1] = uniform(recipe, i, 1);
        data->y[i] = rule(point[0], point[1]) ? 1 : 0;
    }
}

static bool below_diagonal(float x, float y) { return x > y; }

static ls_status make_linear(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    fill_square(recipe, data, below_diagonal);
    return LS_OK;
}

/* Above 6 (x - 1/2)^2: 0.544 of the square. */
static bool above_parabola(float x, float y)
{
    float from_middle = x - 0.5f;
    return y > 6.0f * (from_middle * from_middle);
}

static ls_status make_quadratic(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    fill_square(recipe, data, above_parabola);
    return LS_OK;
}

static bool on_black(float x, float y) { return ((int)(4.0f * x) + (int)(4.0f * y)) % 2 != 0; }

static ls_status make_checkerboard(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    fill_square(recipe, data, on_black);
    add_noise(recipe, data, recipe->noise);
    return LS_OK;
}

static ls_status make_random(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    fill_square(recipe, data, below_diagonal);
    for (size_t i = 0; i < data->rows; i++) data->y[i] = uniform(recipe, i, 2) < 0.5f ? 0 : 1;
    return LS_OK;
}

/* The 21 points of two crossing lines, (i/10, i/10) and (i/10, 1 - i/10), which share the middle
 * one. */
static ls_status make_xor(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)recipe;
    (void)err;
    size_t row = 0;
    for (int i = 0; i <= 10; i++) {
        for (int32_t line = 0; line < 2; line++) {
            if (line == 1 && i == 5) continue;
            data->x[2 * row] = (float)(i / 10.0);
            data->x[2 * row + 1] = (float)((line == 0 ? i : 10 - i) / 10.0);
            data->y[row++] = line;
        }
    }
    return LS_OK;
}

/* ---- Curves ---------------------------------------------------------------------------------- */

/* (cos, sin) of `turns` half turns, times radius. */
static void place_on_circle(float *point, float radius, float half_turns)
{
    point[0] = radius * ls_cospi(half_turns);
    point[1] = radius * ls_sinpi(half_turns);
}

static ls_status make_moons(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        float *point = data->x + 2 * i;
        data->y[i] = (int32_t)(i % 2);
        place_on_circle(point, 1.0f, uniform(recipe, i, 0));
        if (data->y[i] == 0) continue;
        point[0] = 1.0f - point[0];
        point[1] = 0.5f - point[1];
    }
    add_noise(recipe, data, recipe->noise);
    return LS_OK;
}

static ls_status make_circles(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        data->y[i] = (int32_t)(i % 2);
        place_on_circle(data->x + 2 * i, data->y[i] ? 0.5f : 1.0f, 2.0f * uniform(recipe, i, 0));
    }
    add_noise(recipe, data, recipe->noise);
    return LS_OK;
}

/* One arm per class; each makes one and a half turns from the middle to radius 1. */
static ls_status make_spirals(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        float along = uniform(recipe, i, 0);
        data->y[i] = (int32_t)(i % data->classes);
        place_on_circle(data->x + 2 * i, along,
                        3.0f * along + 2.0f * (float)data->y[i] / (float)data->classes);
    }
    add_noise(recipe, data, recipe->noise);
    return LS_OK;
}

/* ---- Clusters -------------------------------------------------------------------------------- */

/* Two blobs around (-1, -1) and (1, 1). At the default spread of 0.6 the best line is right
 * for 99.1 %. */
static ls_status make_overlap(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        data->y[i] = (int32_t)(i % 2);
        data->x[2 * i] = data->x[2 * i + 1] = data->y[i] ? 1.0f : -1.0f;
    }
    add_noise(recipe, data, recipe->overlap);
    return LS_OK;
}

/* Gaussian clusters around centres uniform in the cube [-10, 10). */
static ls_status make_blobs(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        size_t c = i % data->classes;
        data->y[i] = (int32_t)c;
        for (size_t j = 0; j < data->features; j++) {
            data->x[i * data->features + j] = 20.0f * uniform(recipe, SHARED_STEP + c, (ls_u32)j) -
                                              10.0f;
        }
    }
    add_noise(recipe, data, recipe->noise);
    return LS_OK;
}

/* Shared by all rows of "classification". Matrices are row-major. */
typedef struct {
    size_t informative;
    float *centres;   /* classes × informative, corners of the cube [-1, 1] */
    float *shapes;    /* classes × informative × informative: turns the ball of each class into an
                         ellipsoid */
    float *redundant; /* informative × other features: combinations of the informative ones */
} clusters;

static void free_clusters(clusters *shared)
{
    free(shared->centres);
    free(shared->shapes);
    free(shared->redundant);
}

/* Uniform in [-1, 1). */
static void fill_symmetric(const ls_recipe *recipe, size_t step, float *values, size_t count)
{
    for (size_t k = 0; k < count; k++)
        values[k] = 2.0f * uniform(recipe, SHARED_STEP + step, (ls_u32)k) - 1.0f;
}

/* One corner per class. Its low bits are a permutation of the class number, so that no two classes
 * share a corner. */
static void fill_centres(const ls_recipe *recipe, clusters *shared)
{
    ls_u32 low_bits = (ls_u32)(shared->informative < 20 ? shared->informative : 20);
    for (size_t c = 0; c < recipe->classes; c++) {
        ls_u32 corner = ls_permute((ls_u32)c, (ls_u32)1 << low_bits, recipe->seed, LS_PURPOSE_DATA,
                                   SHARED_STEP);
        ls_u32 high = ls_random_u32(recipe->seed, LS_PURPOSE_DATA, SHARED_STEP + 1, (ls_u32)c);
        for (size_t j = 0; j < shared->informative; j++) {
            ls_u32 bit = j < low_bits ? corner >> j & 1u : high >> (j - low_bits) & 1u;
            shared->centres[c * shared->informative + j] = bit ? 1.0f : -1.0f;
        }
    }
}

static ls_status create_clusters(const ls_recipe *recipe, clusters *shared, ls_error *err)
{
    size_t n = shared->informative, others = recipe->features - n;
    LS_TRY(ls_alloc(&shared->centres, recipe->classes * n, sizeof(float), "class centres", err));
    LS_TRY(ls_alloc(&shared->shapes, recipe->classes * n * n, sizeof(float), "class shapes", err));
    LS_TRY(ls_alloc(&shared->redundant, n * others, sizeof(float), "redundant features", err));
    fill_centres(recipe, shared);
    fill_symmetric(recipe, 2, shared->redundant, n * others);
    for (size_t c = 0; c < recipe->classes; c++)
        fill_symmetric(recipe, 3 + c, shared->shapes + c * n * n, n * n);
    return LS_OK;
}

/* Element `column` of the product of a row vector and a matrix of `inner` rows and `columns`
 * columns. */
static float row_times_column(const float *row, const float *matrix, size_t inner, size_t columns,
                              size_t column)
{
    float sum = 0.0f;
    for (size_t k = 0; k < inner; k++) sum += row[k] * matrix[k * columns + column];
    return sum;
}

static void fill_clusters(const ls_recipe *recipe, const clusters *shared, ls_data *data)
{
    size_t n = shared->informative, others = data->features - n;
    float ball[MOST_INFORMATIVE];
    for (size_t i = 0; i < data->rows; i++) {
        size_t c = i % data->classes;
        float *x = data->x + i * data->features;
        data->y[i] = (int32_t)c;
        for (size_t j = 0; j < n; j++) ball[j] = normal(recipe, i, data->features + j);
        for (size_t j = 0; j < n; j++) {
            x[j] = shared->centres[c * n + j] +
                   row_times_column(ball, shared->shapes + c * n * n, n, n, j);
        }
        for (size_t j = 0; j < others; j++)
            x[n + j] = row_times_column(x, shared->redundant, n, others, j);
    }
}

/* The first half of the features (at most 32) is informative, the others are combinations of them.
 */
static ls_status make_classification(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    size_t needed = 1, half = (recipe->features + 1) / 2;
    while ((size_t)1 << needed < recipe->classes) needed++;
    if (needed > recipe->features) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "classification: %zu classes need at least %zu features; give more "
                       "features or fewer classes",
                       recipe->classes, needed);
    }
    clusters shared = {.informative = half < needed ? needed : half};
    if (shared.informative > MOST_INFORMATIVE) shared.informative = MOST_INFORMATIVE;
    ls_status status = create_clusters(recipe, &shared, err);
    if (status == LS_OK) {
        fill_clusters(recipe, &shared, data);
        add_noise(recipe, data, recipe->noise);
    }
    free_clusters(&shared);
    return status;
}

/* ---- Numbers to predict ---------------------------------------------------------------------- */

/* Target of row i: `exact` plus noise, rounded to six decimals. The quotient is the double nearest
 * to the decimal number, so that the text of a CSV file has at most six decimals and reads back as
 * the same double. Only + - * / in double, which are exact to the last bit on every machine. */
static double noisy_target(const ls_recipe *recipe, size_t i, double exact)
{
    double noise = (double)recipe->noise *
                   (double)ls_random_normal(recipe->seed, LS_PURPOSE_DATA, TARGET_STEP + i, 0);
    return rint((exact + noise) * 1e6) / 1e6;
}

/* sin(pi x) for x in [0, 2): the Taylor series of degree 23 on [0, pi/2], which is exact to about
 * 1e-16. */
static double sine_of_half_turns(double x)
{
    double sign = x < 1.0 ? 1.0 : -1.0, part = x < 1.0 ? x : x - 1.0;
    double angle = 3.14159265358979323846 * (part <= 0.5 ? part : 1.0 - part);
    double square = angle * angle, sum = 1.0;
    for (int k = 22; k >= 2; k -= 2) sum = 1.0 - square / (k * (k + 1.0)) * sum;
    return sign * (angle * sum);
}

/* y = x1 - 2 x2 + 3 x3 - 4 x4 ... */
static ls_status make_linear_regression(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        float *x = data->x + i * data->features;
        double sum = 0.0;
        for (size_t j = 0; j < data->features; j++) {
            x[j] = normal(recipe, i, j);
            double weight = j % 2 ? -(double)(j + 1) : (double)(j + 1);
            sum += weight * (double)x[j];
        }
        data->value[i] = noisy_target(recipe, i, sum);
    }
    return LS_OK;
}

/* Friedman, Multivariate adaptive regression splines, Annals of Statistics 19, 1991. */
static ls_status make_friedman1(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    if (data->features < 5)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "friedman1: needs at least 5 features, not %zu; give 5 or more",
                       data->features);
    for (size_t i = 0; i < data->rows; i++) {
        float *x = data->x + i * data->features;
        for (size_t j = 0; j < data->features; j++) x[j] = uniform(recipe, i, (ls_u32)j);
        double from_middle = (double)x[2] - 0.5;
        double exact = 10.0 * sine_of_half_turns((double)x[0] * (double)x[1]) +
                       20.0 * (from_middle * from_middle) + 10.0 * (double)x[3] +
                       5.0 * (double)x[4];
        data->value[i] = noisy_target(recipe, i, exact);
    }
    return LS_OK;
}

static ls_status make_sine(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        data->x[i] = uniform(recipe, i, 0);
        data->value[i] = noisy_target(recipe, i, sine_of_half_turns(2.0 * (double)data->x[i]));
    }
    return LS_OK;
}

static ls_status make_steps(const ls_recipe *recipe, ls_data *data, ls_error *err)
{
    static const double level[] = {1, 3, 2, 5, 4};
    (void)err;
    for (size_t i = 0; i < data->rows; i++) {
        data->x[i] = uniform(recipe, i, 0);
        data->value[i] = noisy_target(recipe, i, level[(size_t)(5.0 * (double)data->x[i])]);
    }
    return LS_OK;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const generator generators[] = {
    /* name, about, function, rows, noise, overlap, classes, features, numbers */
    {"linear", "points in the unit square; class 1 where x > y", make_linear, 200, -1, -1, 0, 0,
     false},
    {"quadratic", "points in the unit square; class 1 above the parabola 6 (x - 1/2)^2",
     make_quadratic, 200, -1, -1, 0, 0, false},
    {"random", "points in the unit square; class drawn at random", make_random, 200, -1, -1, 0, 0,
     false},
    {"overlap", "two Gaussian blobs that overlap a little", make_overlap, 200, -1, 0.6, 0, 0,
     false},
    {"xor", "21 points on two crossing lines; no seed", make_xor, XOR_ROWS, -1, -1, 0, 0, false},
    {"moons", "two half circles that interlock", make_moons, 200, 0.1, -1, 0, 0, false},
    {"circles", "a circle inside another", make_circles, 200, 0.05, -1, 0, 0, false},
    {"spirals", "arms of a spiral, one per class", make_spirals, 400, 0.02, -1, 2, 0, false},
    {"blobs", "Gaussian clusters, one per class", make_blobs, 300, 1.0, -1, 3, 2, false},
    {"checkerboard", "fields of a 4 x 4 board, two colours", make_checkerboard, 400, 0.0, -1, 0, 0,
     false},
    {"classification", "classes with informative and redundant features", make_classification, 500,
     0.0, -1, 3, 6, false},
    {"linear-regression",
     "number y = x1 - 2 x2 + 3 x3 - 4 x4 + 5 x5 ... + noise; standard normal features",
     make_linear_regression, 500, 1.0, -1, 0, 5, true},
    {"friedman1",
     "number y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise; uniform features",
     make_friedman1, 500, 1.0, -1, 0, 10, true},
    {"sine", "number y = sin(2 pi x) + noise; x uniform in [0, 1)", make_sine, 200, 0.1, -1, 0, 0,
     true},
    {"steps", "number y = 1, 3, 2, 5, 4 on the fifths of [0, 1), + noise; x uniform", make_steps,
     300, 0.1, -1, 0, 0, true},
};
#define GENERATORS (sizeof generators / sizeof *generators)

const char *ls_generator_at(size_t i, const char **about)
{
    if (i >= GENERATORS) return NULL;
    if (about) *about = generators[i].about;
    return generators[i].name;
}

static ls_status unknown_generator(const char *name, ls_error *err)
{
    const char *names[GENERATORS];
    ls_text list = {0};
    for (size_t i = 0; i < GENERATORS; i++) {
        names[i] = generators[i].name;
        ls_text_add(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = ls_value_hint("generator", name, names, GENERATORS);
    ls_status status = ls_fail(err, LS_ERR_ARGUMENT,
                               "there is no generated data set \"%.40s\"; %s%s%schoose from: %s",
                               name, near ? "did you mean \"" : "", near ? near : "",
                               near ? "\"? Or " : "",
                               list.failed ? "(no memory to list them)" : list.text);
    free(list.text);
    return status;
}

static ls_status not_taken(const generator *from, const char *option, ls_error *err)
{
    return ls_fail(err, LS_ERR_ARGUMENT, "%s: takes no %s; leave it out", from->name, option);
}

static ls_status check_taken(const generator *from, const ls_generate_options *options,
                             ls_error *err)
{
    if (options->noise > 0.0 && from->noise < 0.0) return not_taken(from, "noise", err);
    if (options->overlap > 0.0 && from->overlap < 0.0) return not_taken(from, "overlap", err);
    if (options->classes != 0 && from->classes == 0)
        return not_taken(from, "number of classes", err);
    if (options->features != 0 && from->features == 0)
        return not_taken(from, "number of features", err);
    if (from->fill == make_xor && options->rows != 0 && options->rows != XOR_ROWS) {
        return ls_fail(err, LS_ERR_ARGUMENT, "xor: has exactly %u rows, not %zu; leave rows out",
                       XOR_ROWS, options->rows);
    }
    return LS_OK;
}

static ls_status check_limits(const generator *from, const ls_generate_options *options,
                              ls_error *err)
{
    if (options->rows > MOST_ROWS) {
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: %zu rows are too many; give at most %u",
                       from->name, options->rows, MOST_ROWS);
    }
    if (options->features > MOST_FEATURES) {
        return ls_fail(err, LS_ERR_ARGUMENT, "%s: %zu features are too many; give at most %u",
                       from->name, options->features, MOST_FEATURES);
    }
    if (options->classes == 1 || options->classes > MOST_CLASSES) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: the number of classes cannot be %zu; give 2 to %u", from->name,
                       options->classes, MOST_CLASSES);
    }
    if (!(fabs(options->noise) <= 1e6) || !(fabs(options->overlap) <= 1e6)) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: noise and overlap must be numbers of at most 1000000; give smaller "
                       "ones",
                       from->name);
    }
    return LS_OK;
}

static ls_status write_recipe(const generator *from, const ls_generate_options *options,
                              ls_recipe *out, ls_error *err)
{
    LS_TRY(check_taken(from, options, err));
    LS_TRY(check_limits(from, options, err));
    out->rows = options->rows ? options->rows : from->rows;
    out->classes = options->classes ? options->classes : from->classes ? from->classes : 2;
    out->features = options->features ? options->features
                    : from->features  ? from->features
                    : from->numbers   ? 1
                                      : 2;
    /* A noise of 0 is valid; an overlap of 0 stands for the default, as two points are no blobs. */
    out->noise = (float)(options->noise >= 0.0 ? options->noise : from->noise);
    out->overlap = (float)(options->overlap > 0.0 ? options->overlap : from->overlap);
    out->seed = options->seed;
    if (!from->numbers && out->classes > out->rows) {
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "%s: %zu rows do not suffice for %zu classes; give at least one row per "
                       "class",
                       from->name, out->rows, out->classes);
    }
    return LS_OK;
}

/* Creates the data set with room for its targets, and names them. */
static ls_status create(const generator *from, const ls_recipe *recipe, ls_data **out,
                        ls_error *err)
{
    if (!from->numbers)
        return ls_data_create(recipe->rows, recipe->features, recipe->classes, true, out, err);
    ls_data *data = NULL;
    LS_TRY(ls_data_create(recipe->rows, recipe->features, 0, false, &data, err));
    data->task = LS_TASK_REGRESSION;
    free(data->target->name);
    data->target->name = ls_strdup("y");
    ls_status status = data->target->name ? LS_OK
                                          : ls_fail(err, LS_ERR_MEMORY, "out of memory for a name");
    if (status == LS_OK)
        status = ls_alloc(&data->value, recipe->rows, sizeof *data->value, "the targets", err);
    if (status == LS_OK) *out = data;
    else ls_data_free(data);
    return status;
}

ls_status ls_data_generate(const char *name, const ls_generate_options *options, ls_data **out,
                           ls_error *err)
{
    LS_HOST_MODE(mode);
    ls_generate_options o;
    if (!name || !out)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_generate: an argument is NULL");
    const generator *from = NULL;
    for (size_t i = 0; i < GENERATORS; i++) {
        if (strcmp(generators[i].name, name) == 0) from = &generators[i];
    }
    if (!from) return unknown_generator(name, err);

    LS_TRY(LS_READ_STRUCT(ls_generate_options, options, &o, err));
    if (!options) o.noise = o.overlap = -1.0;
    ls_recipe recipe;
    ls_data *data = NULL;
    LS_TRY(write_recipe(from, &o, &recipe, err));
    LS_TRY(create(from, &recipe, &data, err));
    ls_status status = from->fill(&recipe, data, err);
    if (status != LS_OK) {
        ls_data_free(data);
        return status;
    }
    *out = data;
    return LS_OK;
}
