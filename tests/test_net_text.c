/* SPDX-License-Identifier: MIT */
/* Descriptions of networks as text: what is read can be written and read again, and no text,
 * however odd, does harm. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "host/network/network.h"
#include "host/network/plan.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Writing --------------------------------------------------------------------------------- */

static bool same_item(const ls_net_item *a, const ls_net_item *b)
{
    bool same = a->kind == b->kind && a->act == b->act && a->units == b->units &&
                a->groups == b->groups && a->padding == b->padding && a->project == b->project &&
                fabs(a->dropout - b->dropout) < 1e-12;
    for (int s = 0; s < 2; s++)
        same = same && a->kernel[s] == b->kernel[s] && a->stride[s] == b->stride[s] &&
               a->dilation[s] == b->dilation[s] && a->pad[s] == b->pad[s];
    return same;
}

/* Writes items and reads them again; expected: the text, or NULL. */
static void check_written(const char *from, const ls_net_item *item, size_t count,
                          const char *expected)
{
    ls_text text = {0}, second = {0};
    ls_net_item *again;
    ls_error err;
    size_t n;
    ls_net_write(item, count, &text);
    if (expected) cr_assert_str_eq(text.text, expected, "'%s': %s", from, text.text);
    cr_assert_eq(ls_net_parse(text.text, &again, &n, &err), LS_OK, "'%s' is written as '%s': %s",
                 from, text.text, err.message);
    cr_assert_eq(n, count, "'%s' is written as '%s'", from, text.text);
    for (size_t i = 0; i < n; i++)
        cr_assert(same_item(&item[i], &again[i]), "'%s' is written as '%s': item %zu", from,
                  text.text, i);
    ls_net_write(again, n, &second);
    cr_assert_str_eq(text.text, second.text);
    free(text.text);
    free(second.text);
    free(again);
}

Test(net_text, canonical)
{
    static const char *const rows[][2] = {
        {"dense", "dense"},
        {"  dense\t10 ,\nrelu,dense ", "dense 10, relu, dense"},
        {"dense 010, dense", "dense 10, dense"},
        {"conv 4 3, dense", "conv 4 3, dense"},
        {"conv 4 3x3, dense", "conv 4 3x3, dense"},
        {"conv 4 1x5 stride 2x2 dilation 1 groups 1 valid, dense", "conv 4 1x5 stride 2, dense"},
        {"conv 4 3 groups 2 dilation 2x1 stride 1x2 pad 0x1, dense",
         "conv 4 3 pad 0x1 stride 1x2 dilation 2x1 groups 2, dense"},
        {"conv 4 3 pad 0, dense", "conv 4 3 pad 0, dense"},
        {"conv 4 3 pad 2 same, dense", "conv 4 3 same, dense"},
        {"conv 4 3 pad 2 valid, dense", "conv 4 3, dense"},
        {"conv 4 3 same pad 2, dense", "conv 4 3 pad 2, dense"},
        {"conv 4 3 stride 2 stride 1, dense", "conv 4 3 stride 1, dense"},
        {"depthwise 3 same,maxpool 2,avgpool 2x3 stride 1,globalpool,flatten,batchnorm,dense",
         "depthwise 3 same, maxpool 2, avgpool 2x3 stride 1, globalpool, flatten, batchnorm, dense"},
        {"dense 3, dropout 0, dropout .5, dropout 5e-1, dense",
         "dense 3, dropout 0, dropout 0.5, dropout 0.5, dense"},
        {"dense 3,residual  ( relu,dense 3 ) ,residual project(dense 4),dense",
         "dense 3, residual(relu, dense 3), residual project(dense 4), dense"},
        {"dense 3, residual project (dense 3, leaky_relu), dense",
         "dense 3, residual project(dense 3, leaky_relu), dense"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ls_net_item *item;
        ls_error err;
        size_t n;
        cr_assert_eq(ls_net_parse(rows[i][0], &item, &n, &err), LS_OK, "'%s': %s", rows[i][0],
                     err.message);
        check_written(rows[i][0], item, n, rows[i][1]);
        free(item);
    }
}

/* The option has that text, and "none" is no description. */
Test(net_text, option)
{
    ls_options *options, *copy;
    ls_error err;
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "net", "dense  5,tanh,dense", &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "shape", "2x03x4", &err), LS_OK);
    cr_assert_eq(ls_options_copy(options, &copy, &err), LS_OK);
    cr_expect_str_eq(ls_options_get(copy, "net"), "dense 5, tanh, dense");
    cr_expect_str_eq(ls_options_get(copy, "shape"), "2x3x4");
    cr_assert_eq(ls_options_set(options, "net", "none", &err), LS_OK);
    cr_assert_eq(ls_options_set(options, "shape", "auto", &err), LS_OK);
    cr_expect_str_eq(ls_options_get(options, "net"), "none");
    cr_expect_str_eq(ls_options_get(options, "shape"), "auto");
    cr_expect_null(options->settings.net);
    cr_expect_eq(options->settings.shape.channels, 0u);
    cr_expect_eq(copy->settings.net_count, 3u);
    /* a description that is refused leaves the one before it */
    cr_expect_eq(ls_options_set(copy, "net", "dense 5, tanh,, dense", &err), LS_ERR_ARGUMENT);
    cr_expect_eq(copy->settings.net_count, 3u);
    cr_expect_str_eq(ls_options_get(copy, "net"), "dense 5, tanh, dense");
    ls_options_free(options);
    ls_options_free(copy);
}

/* As many items as are allowed, and more; in blocks, too. */
Test(net_text, many_items)
{
    static const struct {
        const char *piece;
        size_t items;
    } pieces[] = {{"relu, ", 1}, {"residual(relu), ", 3}, {"residual(relu, tanh), ", 4}};
    for (size_t k = 0; k < COUNT(pieces); k++)
        for (size_t n = 600; n < 3200; n += n < 740 || (n > 990 && n < 1010) || n > 2990 ? 1 : 10) {
            ls_text text = {0};
            ls_net_item *item = NULL;
            ls_error err;
            size_t count = 0;
            ls_text_add(&text, "dense 3, ");
            for (size_t i = 0; i < n; i++) ls_text_add(&text, "%s", pieces[k].piece);
            ls_text_add(&text, "dense");
            if (ls_net_parse(text.text, &item, &count, &err) == LS_OK) {
                cr_assert_eq(count, pieces[k].items * n + 2);
                cr_assert_leq(count, 2998);
                free(item);
            } else {
                cr_assert_str_eq(err.message, "--net: more than 2998 items");
                cr_assert_gt(pieces[k].items * n + 2, 2990);
            }
            free(text.text);
        }
}

/* ---- Random text ----------------------------------------------------------------------------- */

/* Knuth's 64-bit linear congruential generator, high bits. */
static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

#define ONE_OF(state, list) (list)[draw(state, COUNT(list))]

static const char *const words[] = {
    "conv",    "depthwise", "maxpool", "avgpool", "globalpool", "flatten",   "dense", "batchnorm",
    "dropout", "residual",  "project", "relu",    "tanh",       "gelu",      "same",  "valid",
    "stride",  "dilation",  "pad",     "groups",  "(",          ")",         ",",     ",",
    ",",       " ",         " ",       "1",       "2",          "3",         "3x3",   "2x5",
    "0",       "0.5",       "65536",   "1000000", "1x",         "x",         "-1",    "99999999999",
    "16",      "\t",        "con",     "nan",     "%s",         "residual(", "1e400"};

/* Any words in any order. */
static void random_words(uint64_t *state, ls_text *text)
{
    for (uint32_t n = draw(state, 24); n > 0; n--)
        ls_text_add(text, "%s%s", draw(state, 3) ? " " : "", ONE_OF(state, words));
}

static void random_window(uint64_t *state, ls_text *text, bool pool)
{
    static const char *const sizes[] = {"1", "2", "3", "3x3", "1x3", "3x1", "2x2", "5", "4x2"};
    static const char *const more[] = {" same",     " same",      " stride 2",   " stride 1x3",
                                       " pad 1",    " pad 0x2",   " dilation 2", " dilation 1x2",
                                       " groups 2", " pad 1 same"};
    ls_text_add(text, " %s", ONE_OF(state, sizes));
    for (uint32_t n = draw(state, 3); n > 0; n--)
        ls_text_add(text, "%s", more[draw(state, pool ? 6 : COUNT(more) - 1)]);
}

/* Items that can be read, though not always applied. */
static void random_items(uint64_t *state, ls_text *text, bool block)
{
    static const char *const plain[] = {"relu", "tanh",      "silu",       "elu",    "batchnorm",
                                        "gelu", "batchnorm", "globalpool", "flatten"};
    static const char *const units[] = {"2", "3", "4", "6", "16"};
    for (uint32_t n = 1 + draw(state, block ? 3 : 6); n > 0; n--) {
        switch (draw(state, block ? 7 : 9)) {
        case 0:
            ls_text_add(text, "maxpool");
            random_window(state, text, true);
            break;
        case 1:
            ls_text_add(text, "conv %s", ONE_OF(state, units));
            random_window(state, text, false);
            break;
        case 2: ls_text_add(text, "conv %s 3 same", ONE_OF(state, units)); break;
        case 3: ls_text_add(text, "dense %s", ONE_OF(state, units)); break;
        case 4: ls_text_add(text, "dropout 0.%u", draw(state, 99)); break;
        case 5:
        case 6: ls_text_add(text, "%s", ONE_OF(state, plain)); break;
        default:
            ls_text_add(text, "residual%s(", draw(state, 2) ? " project" : "");
            random_items(state, text, true);
            ls_text_add(text, ")");
        }
        if (n > 1 || !block) ls_text_add(text, ", ");
    }
    if (!block) ls_text_add(text, "dense");
}

static size_t image_values(ls_image i) { return (size_t)i.height * i.width * i.channels; }

/* What holds for all networks, however they came about. */
static void check_network(const char *text, const ls_network *n)
{
    size_t weights = 0, others = 0, running = 0;
    for (size_t i = 0; i < n->count; i++) {
        const ls_layer *l = &n->layer[i];
        const ls_layer *from = l->from >= 0 ? &n->layer[l->from] : NULL;
        size_t reads = from ? from->points * from->out : n->inputs, width = l->points * l->out;
        bool window = l->kind != LS_LAYER_DENSE && l->kind != LS_LAYER_PASS;
        cr_assert(l->from < (int)i && l->skip < (int)i, "'%s': layer %zu", text, i);
        if (l->kind == LS_LAYER_DENSE) cr_assert(l->in == reads && l->points == 1, "'%s'", text);
        if (l->kind == LS_LAYER_PASS) cr_assert_eq(width, reads, "'%s': layer %zu", text, i);
        if (window)
            cr_assert(image_values(l->window.from) == reads && image_values(l->window.to) == width,
                      "'%s': layer %zu", text, i);
        if (l->kind == LS_LAYER_CONV)
            cr_assert_eq(l->in * l->window.groups, (size_t)l->window.kernel[0] *
                                                       l->window.kernel[1] *
                                                       l->window.from.channels);
        if (l->skip >= 0)
            cr_assert_eq(n->layer[l->skip].points * n->layer[l->skip].out, width, "'%s': layer %zu",
                         text, i);
        if (l->kind == LS_LAYER_DENSE || l->kind == LS_LAYER_CONV) {
            weights += l->in * l->out;
            others += l->norm ? 2 * l->out : l->out;
        } else if (l->norm) others += 2 * l->out;
        if (l->norm) running += 2 * l->out;
    }
    cr_assert(n->weights == weights && n->parameters == weights + others && n->running == running,
              "'%s'", text);
}

/* The parts of a plan lie in its arena. */
static void check_plan(const char *text, const ls_network *n, const ls_options *options)
{
    for (int use = LS_PLAN_TRAIN; use <= LS_PLAN_INFER; use++) {
        ls_plan *plan;
        ls_error err;
        if (ls_plan_build(n, &options->settings, (ls_plan_use)use, 7, false, &plan, &err) !=
            LS_OK) {
            cr_assert(strstr(err.message, "memory"), "'%s': %s", text, err.message);
            continue;
        }
        cr_assert(plan->state <= plan->arena && plan->infer.count > 0, "'%s'", text);
        for (size_t i = 0; i < plan->step.count; i++) {
            const ls_op *o = &plan->step.op[i];
            const ls_view views[] = {o->x, o->w, o->b, o->z, o->a, o->y, o->d, o->dz, o->skip};
            for (size_t k = 0; k < COUNT(views); k++)
                cr_assert(views[k].place != LS_ARENA || views[k].at < plan->arena,
                          "'%s': operation %zu", text, i);
        }
        ls_plan_free(plan);
    }
}

typedef struct {
    size_t read, built;
} counts;

static void check_text(const char *text, uint64_t *state, counts *c)
{
    static const ls_image images[] = {{8, 8, 1}, {9, 7, 4}, {1, 20, 2}, {0, 0, 0}, {6, 1, 6}};
    ls_options *options;
    ls_network n;
    ls_error err = {.message = ""};
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    ls_status status = ls_options_set(options, "net", text, &err);
    if (status == LS_OK && options->settings.net) {
        c->read++;
        check_written(text, options->settings.net, options->settings.net_count, NULL);
        options->settings.shape = ONE_OF(state, images);
        size_t features = image_values(options->settings.shape);
        status = ls_network_build(&options->settings, features ? features : 5,
                                  ls_shape_of_classes(3), &n, &err);
        if (status == LS_OK) {
            c->built++;
            check_network(text, &n);
            check_plan(text, &n, options);
            ls_network_free(&n);
        }
    }
    if (status != LS_OK) {
        cr_assert(status == LS_ERR_ARGUMENT || status == LS_ERR_MEMORY, "'%s'", text);
        cr_assert(!strncmp(err.message, status == LS_ERR_MEMORY ? "layer " : "--net: ", 6),
                  "'%s': %s", text, err.message);
        cr_assert_null(strstr(err.message, "''"), "'%s': %s", text, err.message);
    }
    ls_options_free(options);
}

Test(net_text, random)
{
    uint64_t state = 11;
    counts of_words = {0}, of_items = {0};
    for (int i = 0; i < 20000; i++) {
        ls_text text = {0};
        ls_text_add(&text, "%s", "");
        if (i % 2) random_words(&state, &text);
        else random_items(&state, &text, false);
        check_text(text.text, &state, i % 2 ? &of_words : &of_items);
        free(text.text);
    }
    /* so that the checks are about something */
    cr_expect_gt(of_words.read, 50, "%zu", of_words.read);
    cr_expect_gt(of_items.read, 5000, "%zu", of_items.read);
    cr_expect_gt(of_items.built, 1000, "%zu", of_items.built);
}

/* ---- Starting weights ------------------------------------------------------------------------ */

static float *start(const char *options_text[][2], size_t count, size_t features, ls_network *n)
{
    ls_options *options;
    ls_error err;
    cr_assert_eq(ls_options_create_plain(&options, &err), LS_OK);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(ls_options_set(options, options_text[i][0], options_text[i][1], &err), LS_OK,
                     "%s", err.message);
    cr_assert_eq(ls_network_build(&options->settings, features, ls_shape_of_classes(3), n, &err),
                 LS_OK, "%s", err.message);
    float *values = calloc(n->parameters + n->running, sizeof *values);
    cr_assert(values);
    ls_network_init(n, &options->settings, values);
    ls_options_free(options);
    return values;
}

/* A network of dense layers has the weights that --hidden gives it, bit for bit. */
Test(net_text, dense_layers_start_as_hidden_ones)
{
    const char *hidden[][2] = {{"hidden", "7,6,6"},
                               {"activation", "tanh,relu,gelu"},
                               {"batch-norm", "on"}},
               *net[][2] = {{"net", "dense 7, batchnorm, tanh, dense 6, batchnorm, relu, dense 6, "
                                    "batchnorm, gelu, dense"}};
    ls_network a, b;
    float *of_hidden = start(hidden, COUNT(hidden), 4, &a), *of_net = start(net, 1, 4, &b);
    cr_assert(a.parameters == b.parameters && a.running == b.running);
    cr_expect(!memcmp(of_hidden, of_net, (a.parameters + a.running) * sizeof *of_net));
    free(of_hidden);
    free(of_net);
    ls_network_free(&a);
    ls_network_free(&b);
}

/* He and Xavier for convolutions: an output sums `fan_in` products; an input takes part in
 * `fan_out`. */
Test(net_text, weights_of_convolutions)
{
    static const struct {
        const char *net, *init;
        double variance;
    } rows[] = {
        {"conv 60 3x5 groups 2, relu, dense", "auto", 2.0 / (15 * 3)},
        {"conv 60 3x5 groups 2, tanh, dense", "auto", 2.0 / (15 * 3 + 15 * 30)},
        {"conv 60 3x5, dense", "lecun", 1.0 / (15 * 6)},
        {"conv 60 3x5, dense", "xavier_normal", 2.0 / (15 * 6 + 15 * 60)},
        {"conv 60 3x5 groups 2, relu, dense", "he_normal", 2.0 / (15 * 3)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *texts[][2] = {{"net", rows[i].net}, {"shape", "6x7x9"}, {"init", rows[i].init}};
        ls_network n;
        float *values = start(texts, COUNT(texts), 378, &n);
        size_t count = n.layer[0].in * n.layer[0].out;
        double squares = 0.0;
        for (size_t j = 0; j < count; j++) squares += (double)values[j] * (double)values[j];
        /* five standard deviations: of a uniform number's square, 0.9; of a normal one's, 1.41 */
        cr_expect_float_eq(squares / (double)count / rows[i].variance, 1.0,
                           5 * 1.42 / sqrt((double)count), "'%s': %g", rows[i].net,
                           squares / (double)count / rows[i].variance);
        free(values);
        ls_network_free(&n);
    }
}
