/* SPDX-License-Identifier: MIT */
/* Piecewise-linear encoding: the knots against known answers and quantiles in double, predictions
 * against the published formula in double, the number of pieces, and what training takes from a
 * model. */
#include "host/model/model.h"
#include "host/network/pieces.h"
#include "host/training/knots.h"
#include "kernels/piecewise.h"
#include "tests/support/model_file.h"
#include "tests/support/runs.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(pieces, .timeout = 300);

static const float open_end = LS_PIECE_OPEN;

/* A network of `inputs` numbers with an embedding. limits: of each input, or NULL. */
static void network(size_t inputs, const char *bins, const unsigned char *limits, ls_network *n)
{
    ls_error err;
    ls_options *options = runs_options("hidden 3 embedding piecewise");
    ls_shape shape = ls_shape_of_classes(2);
    shape.pieces = limits;
    cr_assert_eq(ls_options_set(options, "bins", bins, &err), LS_OK);
    cr_assert_eq(ls_network_build(&options->settings, inputs, shape, n, &err), LS_OK, "%s",
                 err.message);
    ls_options_free(options);
}

/* ---- Knots ----------------------------------------------------------------------------------- */

/* Values of one input, pieces, and the knots that are expected: quantiles as numpy.quantile gives
 * them, without repetitions. */
static const struct {
    const char *what, *bins;
    float x[12];
    size_t rows;
    float knots[9];
    size_t count;
} fits[] = {
    {"quarters", "4", {7, 3, 0, 10, 5, 1, 2, 9, 4, 6, 8}, 11, {0, 2.5f, 5, 7.5f, 10}, 5},
    {"between neighbours", "4", {0, 1, 2, 4, 8, 16}, 6, {0, 1.25f, 3, 7, 16}, 5},
    {"all values are knots", "4", {3, 1, 2, 2, 3, 1, 1, 4}, 8, {1, 2, 3, 4}, 4},
    {"as many as pieces and one", "4", {5, 1, 2, 4, 3}, 5, {1, 2, 3, 4, 5}, 5},
    {"ties", "3", {0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, 10, {0, 1, 4}, 3},
    {"two values", "8", {2, -1, 2, -1}, 4, {-1, 2}, 2},
    {"a constant", "8", {7, 7, 7}, 3, {0}, 0},
    {"one row", "8", {7}, 1, {0}, 0},
    {"both zeros", "8", {0.0f, -0.0f, 1}, 3, {0, 1}, 2},
    {"too near", "8", {0, 1e-45f, 1}, 3, {0, 1}, 2},
    {"large", "2", {-3e38f, 0, 3e38f, 1e38f, -1e38f}, 5, {-3e38f, 0, 3e38f}, 3},
};

Test(pieces, knots)
{
    for (size_t i = 0; i < RUNS_COUNT(fits); i++) {
        ls_network n;
        ls_error err;
        float table[LS_PIECE_ROWS * LS_MOST_PIECES];
        network(1, fits[i].bins, NULL, &n);
        const size_t out = n.layer[0].out, count = fits[i].count;
        cr_assert_eq(ls_pieces_fit(&n, fits[i].x, fits[i].rows, table, &err), LS_OK);
        cr_expect(ls_pieces_valid(&n, table), "%s", fits[i].what);
        for (size_t t = 0; t < out; t++) {
            const float *k = fits[i].knots;
            float from = 0, scale = 0, low = 0, high = 0;
            if (count > t + 1) {
                from = k[t], scale = (float)(1.0 / ((double)k[t + 1] - (double)k[t]));
                low = t ? 0 : -open_end, high = t + 2 < count ? 1 : open_end;
            } else if (!count && !t) scale = 1, low = -open_end, high = open_end;
            cr_expect(table[t] == 0 && table[out + t] == from &&
                          (from != 0 || !signbit(table[out + t])) && table[2 * out + t] == scale &&
                          table[3 * out + t] == low && table[4 * out + t] == high,
                      "%s: piece %zu begins at %g with scale %g, from %g to %g", fits[i].what, t,
                      (double)table[out + t], (double)table[2 * out + t],
                      (double)table[3 * out + t], (double)table[4 * out + t]);
        }
        ls_network_free(&n);
    }
}

/* Tables that no fit gives. */
Test(pieces, tables_that_are_not_valid)
{
    ls_network n;
    float table[LS_PIECE_ROWS * 6];
    network(2, "3", NULL, &n);
    ls_pieces_even(&n, table);
    cr_expect(ls_pieces_valid(&n, table));
    for (size_t j = 0; j < 6; j++) {
        table[j] += 1;
        cr_expect_not(ls_pieces_valid(&n, table));
        table[j] -= 1;
        table[3 * 6 + j] = 2, table[4 * 6 + j] = 1;
        cr_expect_not(ls_pieces_valid(&n, table));
        ls_pieces_even(&n, table);
    }
    ls_network_free(&n);
}

/* ---- Numbers of pieces ----------------------------------------------------------------------- */

/* Columns: a category with three values and others, 2 distinct numbers, a constant, 5 distinct
 * ones, 5 and missing ones, all distinct. */
static ls_data *mixed(size_t rows)
{
    ls_error err;
    ls_data *data;
    ls_text text = {0};
    ls_text_add(&text, "colour,two,one,five,gaps,many,class\n");
    for (size_t r = 0; r < rows; r++) {
        char gap[8] = "";
        if (r % 3) snprintf(gap, sizeof gap, "%zu", r % 5);
        ls_text_add(&text, "%s,%zu,4,%zu,%s,%g,%s\n",
                    r % 3 == 0   ? "red"
                    : r % 3 == 1 ? "green"
                                 : "blue",
                    r % 2, r * 7 % 5, gap, sin((double)r),
                    sin((double)r) * (double)(r % 5) > 0.4 ? "yes" : "no");
    }
    runs_file_write("mixed.csv", text.text, text.length);
    free(text.text);
    cr_assert_eq(ls_data_read("mixed.csv", NULL, &data, &err), LS_OK, "%s", err.message);
    return data;
}

Test(pieces, numbers_of_pieces)
{
    static const unsigned char limits[] = {1, 1, 1, 1, 1, 1, 4, 5, 128};
    char folder[64];
    ls_error err;
    unsigned char *found;
    runs_folder_enter(folder);
    ls_data *data = mixed(300);
    cr_assert_eq(ls_data_features(data), sizeof limits);
    cr_assert_eq(ls_knots_limits(data, &found, &err), LS_OK);
    for (size_t i = 0; i < sizeof limits; i++)
        cr_expect_eq(found[i], limits[i], "input %zu: %d pieces", i, found[i]);
    ls_network n;
    network(sizeof limits, "5", limits, &n);
    cr_expect_eq(n.layer[0].out, 6 + 4 + 5 + 5);
    cr_expect_eq(n.running, 5 * 20);
    cr_expect_eq(n.parameters, 20 * 3 + 3 + 3 + 1);
    ls_network_free(&n);
    free(found);
    ls_data_free(data);
    runs_folder_leave(folder);
}

/* ---- Predictions ----------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Equation 1 of Gorishniy et al. 2022 between the quantiles of `rows` values v, all different. */
static void encode(const double *v, size_t rows, size_t pieces, double x, double *to)
{
    double *sorted = calloc(rows, sizeof *sorted), b[LS_MOST_PIECES + 1];
    memcpy(sorted, v, rows * sizeof *sorted);
    qsort(sorted, rows, sizeof *sorted, ascending);
    for (size_t t = 0; t <= pieces; t++) {
        double at = (double)(rows - 1) * (double)t / (double)pieces, low = floor(at);
        b[t] = sorted[(size_t)low] + (sorted[(size_t)ceil(at)] - sorted[(size_t)low]) * (at - low);
    }
    for (size_t t = 0; t < pieces; t++) {
        to[t] = (x - b[t]) / (b[t + 1] - b[t]);
        if (t && to[t] < 0) to[t] = 0;
        if (t + 1 < pieces && to[t] > 1) to[t] = 1;
    }
    free(sorted);
}

/* Two layers with tanh between them on an encoded row, in double. */
static double forward(const ls_model *m, const double *e)
{
    const ls_layer *hidden = &m->network.layer[1], *last = &m->network.layer[2];
    double z = (double)m->values[last->bias];
    for (size_t j = 0; j < hidden->out; j++) {
        double sum = (double)m->values[hidden->bias + j];
        for (size_t i = 0; i < hidden->in; i++)
            sum += e[i] * (double)m->values[hidden->weight + i * hidden->out + j];
        z += tanh(sum) * (double)m->values[last->weight + j];
    }
    return 1.0 / (1.0 + exp(-z));
}

Test(pieces, predictions_in_double)
{
    enum { PIECES = 5, ROWS = 150, MOST = 2 * ROWS };
    static double v[2][ROWS], e[2 * PIECES];
    ls_error err;
    ls_data *data = runs_data("moons", ROWS), *other = runs_data("moons", MOST);
    ls_options *options =
        runs_options("hidden 6 activation tanh epochs 40 embedding piecewise bins 5 lr 0.01");
    ls_model *m;
    float p[MOST];
    cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &m, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_predict(m, NULL, ls_data_x(other), MOST, p, &err), LS_OK);
    for (size_t i = 0; i < ROWS * 2; i++)
        v[i % 2][i / 2] = ((double)ls_data_x(data)[i] - m->mean[i % 2]) * m->scale[i % 2];
    for (size_t r = 0; r < MOST; r++) {
        for (size_t i = 0; i < 2; i++)
            encode(v[i], ROWS, PIECES,
                   ((double)ls_data_x(other)[2 * r + i] - m->mean[i]) * m->scale[i],
                   e + i * PIECES);
        cr_assert_float_eq((double)p[r], forward(m, e), 2e-6, "row %zu: %g, not %g", r,
                           (double)p[r], forward(m, e));
    }
    ls_model_free(m);
    ls_options_free(options);
    ls_data_free(data);
    ls_data_free(other);
}

/* ---- Training -------------------------------------------------------------------------------- */

static const float *table_of(const ls_model *m)
{
    return m->values + m->network.parameters + m->network.layer[0].table;
}

/* The table of these training rows: nothing but them and the pieces decides it, and it is the same
 * after training, with penalties and limits of the weights, too. */
Test(pieces, tables_are_not_trained)
{
    static const char *const more[] = {"epochs 1", "epochs 9 l2 0.1 max-norm 0.1 clip 0.1 seed 5",
                                       "epochs 3 optimizer adamw batch-norm on dropout 0.5",
                                       "epochs 4 patience 1 validation 0.2 seed 1"};
    char text[200], folder[64];
    ls_error err;
    runs_folder_enter(folder);
    ls_data *data = mixed(200);
    float first[LS_PIECE_ROWS * 200];
    for (size_t i = 0; i < RUNS_COUNT(more); i++) {
        ls_model *m;
        snprintf(text, sizeof text, "hidden 5,5 embedding piecewise bins 6 %s", more[i]);
        ls_options *options = runs_options(text);
        cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &m, &err), LS_OK, "%s", err.message);
        size_t n = LS_PIECE_ROWS * m->network.layer[0].out;
        cr_assert_leq(n, RUNS_COUNT(first));
        if (!i) memcpy(first, table_of(m), n * sizeof *first);
        bool same = !memcmp(first, table_of(m), n * sizeof *first);
        cr_expect_eq(same, i < 3, "%s: %s", text,
                     same ? "the knots of rows that are held out count" : "the table has changed");
        ls_model_free(m);
        ls_options_free(options);
    }
    ls_data_free(data);
    runs_folder_leave(folder);
}

/* Members that share rows but not their pieces are as alone. */
Test(pieces, members_of_a_fleet)
{
    static const char *const texts[] = {
        "hidden 4 epochs 5 embedding piecewise bins 3", "hidden 4 epochs 5 embedding piecewise",
        "hidden 4 epochs 5", "hidden 9,9 epochs 5 embedding piecewise bins 3",
        "hidden 4 epochs 5 embedding piecewise bins 100 batch-norm on"};
    enum { MEMBERS = sizeof texts / sizeof *texts };
    char folder[64], alone[65], member[65];
    ls_error err;
    ls_fleet *fleet;
    runs_folder_enter(folder);
    ls_data *data = mixed(200);
    cr_assert_eq(ls_fleet_open(NULL, 0, &fleet, &err), LS_OK, "%s", err.message);
    for (size_t i = 0; i < MEMBERS; i++) {
        ls_options *options = runs_options(texts[i]);
        cr_assert_eq(ls_fleet_add(fleet, options, data, NULL, &err), LS_OK, "%s", err.message);
        ls_options_free(options);
    }
    cr_assert_eq(ls_fleet_run(fleet, NULL, 0, 0, NULL, NULL, &err), LS_OK, "%s", err.message);
    for (size_t i = 0; i < MEMBERS; i++) {
        ls_options *options = runs_options(texts[i]);
        ls_model *m, *own;
        cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &m, &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_fleet_model(fleet, i, &own, &err), LS_OK, "%s", err.message);
        cr_assert_eq(ls_model_sha256(m, alone, &err), LS_OK);
        cr_assert_eq(ls_model_sha256(own, member, &err), LS_OK);
        cr_expect_str_eq(alone, member, "%s", texts[i]);
        ls_model_free(m);
        ls_model_free(own);
        ls_options_free(options);
    }
    ls_fleet_close(fleet);
    ls_data_free(data);
    runs_folder_leave(folder);
}

/* From a model: its knots, or with refit those of the new rows; as many pieces in both cases. */
Test(pieces, from_a_model)
{
    ls_error err;
    ls_data *few = runs_data("moons", 60), *many = runs_data("moons", 300);
    ls_options *options = runs_options("hidden 4 epochs 2 embedding piecewise bins 7"),
               *others = runs_options("hidden 4 epochs 2 embedding piecewise bins 6");
    ls_model *first, *then;
    ls_train_control control = LS_INIT(ls_train_control);
    cr_assert_eq(ls_train(NULL, options, few, NULL, NULL, &first, &err), LS_OK, "%s", err.message);
    control.from = first;
    for (control.refit = 0; control.refit < 2; control.refit++) {
        cr_assert_eq(ls_train_controlled(NULL, options, many, &control, &then, &err), LS_OK, "%s",
                     err.message);
        size_t n = LS_PIECE_ROWS * first->network.layer[0].out;
        cr_expect_eq(!memcmp(table_of(first), table_of(then), n * sizeof(float)), !control.refit);
        ls_model_free(then);
        cr_expect_eq(ls_train_controlled(NULL, others, many, &control, &then, &err),
                     LS_ERR_ARGUMENT);
        cr_expect(strstr(err.message, "6 pieces") && strstr(err.message, "has 7"), "%s",
                  err.message);
    }
    ls_model_free(first);
    ls_options_free(options);
    ls_options_free(others);
    ls_data_free(few);
    ls_data_free(many);
}

/* ---- Model files ----------------------------------------------------------------------------- */

/* Saved and loaded again it is the same, for rows with fewer values than pieces, too. */
Test(pieces, model_file)
{
    char folder[64], a[65], b[65];
    ls_error err;
    runs_folder_enter(folder);
    ls_data *data = mixed(90);
    ls_options *options = runs_options("hidden 4 epochs 2 embedding piecewise bins 9");
    ls_model *m, *back;
    cr_assert_eq(ls_train(NULL, options, data, NULL, NULL, &m, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_save(m, "a.st", &err), LS_OK);
    cr_assert_eq(ls_model_load("a.st", &back, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_model_sha256(m, a, &err), LS_OK);
    cr_assert_eq(ls_model_sha256(back, b, &err), LS_OK);
    cr_expect_str_eq(a, b);
    ls_model_free(m);
    ls_model_free(back);
    ls_options_free(options);
    ls_data_free(data);
    runs_folder_leave(folder);
}

/* What contradicts itself, with correct checksums. */
Test(pieces, damaged_files)
{
    static const char *const lists[] = {"[4]",   "[4,4,4]",   "[4,3]",   "[0,8]", "[4,129]",
                                        "[3,4]", "[4,\"4\"]", "[-4,12]", "4",     "{}"};
    char folder[64];
    runs_folder_enter(folder);
    file_make("moons", "hidden 2 epochs 1 embedding piecewise bins 4", "a.safetensors");
    for (size_t i = 0; i < RUNS_COUNT(lists); i++) {
        file_parts p = file_take_apart("a.safetensors");
        json_object_set_new(p.meta, "pieces", json_loads(lists[i], JSON_DECODE_ANY, NULL));
        file_put_together("b.safetensors", &p, true);
        file_assert_refused("b.safetensors", LS_ERR_DATA, lists[i]);
        file_parts_free(&p);
    }
    file_parts p = file_take_apart("a.safetensors");
    json_object_del(p.meta, "pieces");
    file_put_together("b.safetensors", &p, true);
    file_assert_refused("b.safetensors", LS_ERR_DATA, "no pieces");
    file_parts_free(&p);
    file_make("moons", "hidden 2 epochs 1", "a.safetensors");
    p = file_take_apart("a.safetensors");
    json_object_set_new(p.meta, "pieces", json_pack("[i,i]", 4, 4));
    file_put_together("b.safetensors", &p, true);
    file_assert_refused("b.safetensors", LS_ERR_DATA, "pieces without an embedding");
    file_parts_free(&p);
    runs_folder_leave(folder);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

Test(pieces, options_that_do_not_fit)
{
    static const struct {
        const char *options[4][2];
        const char *word;
    } list[] = {
        {{{"net", "dense 4, relu, dense"}, {"embedding", "piecewise"}},
         "begin it with 'piecewise 8'"},
        {{{"net", "dense 4, piecewise 3, dense"}}, "needs to be the first item"},
        {{{"net", "piecewise 3"}}, "the last item must be 'dense'"},
        {{{"net", "piecewise 3, conv 4 3, dense"}, {"shape", "2x2"}}, "needs an image"},
        {{{"embedding", "piecewise"}, {"shape", "2x2"}, {"augment-flip", "on"}}, "--augment-flip"},
        {{{"embedding", "piecewise"}, {"shape", "2x2"}, {"augment-shift", "1"}}, "--augment-shift"},
    };
    for (size_t i = 0; i < RUNS_COUNT(list); i++) {
        ls_error err;
        ls_network n;
        ls_options *options = runs_options("");
        for (size_t k = 0; k < 4 && list[i].options[k][0]; k++)
            cr_assert_eq(ls_options_set(options, list[i].options[k][0], list[i].options[k][1],
                                        &err),
                         LS_OK, "%s", err.message);
        cr_expect_eq(ls_network_build(&options->settings, 4, ls_shape_of_classes(2), &n, &err),
                     LS_ERR_ARGUMENT, "%s", list[i].word);
        cr_expect(strstr(err.message, list[i].word), "'%s': %s", list[i].word, err.message);
        ls_options_free(options);
    }
}
