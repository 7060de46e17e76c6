/* SPDX-License-Identifier: MIT */
/* The first layer of networks of images: its outputs (ls_model_maps), and its pictures in a report,
 * which are read back cell by cell. */
#include <criterion/criterion.h>

#ifdef LS_PROGRAM
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/plot/pixels.h"
#include "host/data/data.h"
#include "host/model/infer.h"
#include "host/model/inspect.h"
#include "tests/support/runs.h"

static char folder[64];

static void enter(void) { runs_folder_enter(folder); }
static void leave(void) { runs_folder_leave(folder); }

TestSuite(filters, .init = enter, .fini = leave, .timeout = 120);

static void do_it(const char *line) { free(runs_program_expect(line, 0)); }

/* Trains on a.csv. net: a network in words, or NULL. */
static void train(const char *net, const char *options)
{
    char line[1024];
    runs_child c;
    snprintf(line, sizeof line, "'%s' train a.csv %s%s%s --device cpu -q %s", LS_PROGRAM,
             net ? "--net '" : "", net ? net : "", net ? "'" : "", options);
    runs_spawn((const char *const[]){"/bin/sh", "-c", line, NULL}, &c);
    cr_assert_eq(c.status, 0, "%s: %s", line, c.err);
    runs_child_free(&c);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) n++;
    return n;
}

/* Rows of `values` numbers, whose classes ("a", "b", ...) or numbers stand last. */
static void write_rows(const char *path, size_t rows, size_t values, bool classes)
{
    FILE *f = fopen(path, "w");
    uint32_t state = 1;
    cr_assert_not_null(f);
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < values; i++)
            fprintf(f, "%.3f,", (double)((state = state * 1664525 + 1013904223) >> 20) / 4096);
        if (classes) fprintf(f, "%c\n", (char)('a' + (r / 2) % 4));
        else fprintf(f, "%.2f\n", (double)(state >> 20) / 512);
    }
    cr_assert_eq(fclose(f), 0);
}

static void open_model(const char *model_path, const char *data_path, ls_model **model,
                       ls_data **data)
{
    ls_error err;
    cr_assert_eq(ls_model_load(model_path, model, &err), LS_OK, "%s", err.message);
    cr_assert_eq(ls_data_read(data_path, &(ls_read_options){.model = *model}, data, &err), LS_OK,
                 "%s", err.message);
}

/* ---- Outputs of the first layer -------------------------------------------------------------- */

/* The map of a convolution without padding, at one position, by its definition. */
static float convolved(const ls_model *m, const float *image, size_t y, size_t x, size_t channel)
{
    const ls_layer *l = &m->network.layer[0];
    const ls_window *w = &l->window;
    float sum = m->values[l->bias + channel];
    size_t k = 0;
    for (size_t i = 0; i < w->kernel[0]; i++)
        for (size_t j = 0; j < w->kernel[1]; j++)
            for (size_t c = 0; c < w->from.channels; c++, k++)
                sum = fmaf(image[((y + i) * w->from.width + x + j) * w->from.channels + c],
                           m->values[l->weight + k * l->out + channel], sum);
    return sum > 0 ? sum : 0;
}

Test(filters, maps_are_the_convolution)
{
    ls_model *m;
    ls_data *data;
    float *map, *input;
    write_rows("a.csv", 40, 2 * 6 * 5, true);
    train("conv 5 3x2, relu, dense", "--shape 2x6x5 --epochs 3 -o m.safetensors");
    open_model("m.safetensors", "a.csv", &m, &data);
    const ls_layer *l = ls_model_first_convolution(m);
    cr_assert(l && l->window.to.height == 4 && l->window.to.width == 4 && l->out == 5);
    cr_assert_eq(ls_model_encode(m, data, &input, NULL), LS_OK);
    cr_assert_eq(ls_model_maps(m, data, &map, NULL), LS_OK);
    for (size_t i = 0; i < 40 * 4 * 4 * 5; i++) {
        size_t channel = i % 5, x = i / 5 % 4, y = i / 20 % 4, row = i / 80;
        float expected = convolved(m, input + row * 60, y, x, channel);
        cr_assert_eq(map[i], expected, "row %zu, (%zu, %zu), channel %zu: %g, expected %g", row, y,
                     x, channel, (double)map[i], (double)expected);
    }
    free(map);
    free(input);
    ls_model_free(m);
    ls_data_free(data);
}

/* The output layer reads the maps: from them follow the predictions, bit by bit. */
Test(filters, maps_give_the_predictions)
{
    ls_model *m;
    ls_data *data;
    float *map, out[30];
    write_rows("a.csv", 30, 36, false);
    train("conv 3 3x3 same stride 2, batchnorm, silu, dropout 0.3, dense",
          "--task regression --shape 6x6 --no-standardize-target --epochs 3 -o m.safetensors");
    open_model("m.safetensors", "a.csv", &m, &data);
    const ls_layer *last = &m->network.layer[m->network.count - 1];
    cr_assert(m->network.count == 2 && last->in == 27 && last->out == 1);
    cr_assert_eq(ls_model_maps(m, data, &map, NULL), LS_OK);
    cr_assert_eq(ls_model_predict_data(m, NULL, data, out, NULL), LS_OK);
    for (size_t r = 0; r < 30; r++) {
        float sum = m->values[last->bias];
        for (size_t k = 0; k < 27; k++)
            sum = fmaf(map[r * 27 + k], m->values[last->weight + k], sum);
        cr_expect_eq(out[r], sum, "row %zu: %g, expected %g", r, (double)out[r], (double)sum);
    }
    free(map);
    ls_model_free(m);
    ls_data_free(data);
}

/* ---- Pictures -------------------------------------------------------------------------------- */

/* The colours (0xRGB) of the picture with this title after `from`, high × wide cells. Every cell is
 * covered by the ground and at most one stroke. */
static void read_picture(const char *from, const char *title, size_t high, size_t wide,
                         unsigned *cell)
{
    char wanted[80];
    unsigned colour, ground;
    size_t across, down;
    snprintf(wanted, sizeof wanted, "<title>%s</title><path fill=\"#", title);
    const char *p = strstr(from, wanted), *end = p ? strstr(p, "</g>") : NULL;
    cr_assert(end, "there is no picture of %s", title);
    cr_assert_eq(sscanf(p + strlen(wanted), "%3x\" stroke=\"none\" d=\"M0-.5h%zuv%zu", &ground,
                        &across, &down),
                 3);
    cr_assert(across == wide && down == high, "%s has %zux%zu cells", title, down, across);
    for (size_t i = 0; i < high * wide; i++) cell[i] = ground;
    while ((p = strstr(p, "<path stroke=\"#")) && p < end) {
        cr_assert_eq(sscanf(p, "<path stroke=\"#%3x", &colour), 1);
        p = strstr(p, "d=\"") + 3;
        for (size_t x, y, run; *p != '"'; p += strcspn(p + 1, "M\"") + 1) {
            cr_assert_eq(sscanf(p, "M%zu %zuh%zu", &x, &y, &run), 3, "%.20s", p);
            cr_assert(y < high && run > 0 && x + run <= wide, "%s: %.20s", title, p);
            for (size_t i = 0; i < run; i++) {
                cr_expect_eq(cell[y * wide + x + i], ground, "%s: a cell has two strokes", title);
                cell[y * wide + x + i] = colour;
            }
        }
    }
}

/* The grey of a value between black and white. */
static unsigned grey(double value, double black, double white)
{
    return (unsigned)floor((value - black) / (white - black) * 15 + 0.5) * 0x111;
}

static void expect_filters(const char *page, const ls_model *m, size_t shown)
{
    const ls_layer *l = &m->network.layer[0];
    size_t high = l->window.kernel[0], wide = l->window.kernel[1], channels = l->in / (high * wide);
    const float *w = m->values + l->weight;
    double most = 0;
    unsigned cell[64];
    for (size_t i = 0; i < l->in; i++)
        for (size_t f = 0; f < shown; f++) most = fmax(most, fabs((double)w[i * l->out + f]));
    for (size_t f = 0; f < shown; f++)
        for (size_t c = 0; c < channels; c++) {
            char title[80];
            int n = snprintf(title, sizeof title, "filter %zu", f + 1);
            if (channels > 1) snprintf(title + n, 40, ", input channel %zu", c + 1);
            read_picture(page, title, high, wide, cell);
            for (size_t i = 0; i < high * wide; i++) {
                double value = (double)w[(i * channels + c) * l->out + f];
                cr_expect_eq(cell[i], grey(value, -most, most), "%s, weight %zu: %g of %g is %03x",
                             title, i, value, most, cell[i]);
            }
        }
    cr_expect_eq(count(page, "<title>filter "), shown * channels);
}

/* The maps of row i, after the caption of the figure before it. */
static const char *expect_maps(const char *at, const char *name, const float *map, size_t high,
                               size_t wide, size_t maps, size_t shown)
{
    char title[40];
    unsigned cell[PIXELS_MOST];
    double low = HUGE_VAL, most = -HUGE_VAL;
    cr_assert_not_null(at = strstr(at, name), "there is no %s", name);
    for (size_t i = 0; i < high * wide * maps; i++)
        low = fmin(low, (double)map[i]), most = fmax(most, (double)map[i]);
    for (size_t k = 0; k < shown; k++) {
        snprintf(title, sizeof title, "map %zu", k + 1);
        read_picture(at, title, high, wide, cell);
        for (size_t i = 0; i < high * wide; i++)
            cr_expect_eq(cell[i], grey((double)map[i * maps + k], low, most), "%s, %s, %zu", name,
                         title, i);
    }
    return at + 1;
}

/* An element of the section is closed, and nothing is fetched. */
static void expect_whole(const char *page)
{
    cr_expect(count(page, "</svg>") == count(page, "<svg") &&
              count(page, "<desc>") == count(page, "<svg") &&
              count(page, "</g>") == count(page, "<g>") + count(page, "<g ") &&
              count(page, "</title>") == count(page, "<title>"));
    cr_expect(!strstr(page, "<script") && !strstr(page, "src=") && !strstr(page, "nan") &&
              !strstr(page, "inf"));
}

static const char *section_of(const char *page)
{
    const char *at = page ? strstr(page, "<h2>Filters and feature maps</h2>") : NULL;
    cr_assert(at, "the report has no filters");
    return at;
}

/* Classes are a, a, b, b, c, c, d, d, a, …: rows 1, 3 and 5 are shown. */
Test(filters, in_a_report)
{
    ls_model *m;
    ls_data *data;
    float *map;
    write_rows("a.csv", 40, 2 * 6 * 5, true);
    train("conv 5 3x2, relu, dense", "--shape 2x6x5 --epochs 3 -o m.safetensors");
    do_it("report m.safetensors a.csv --device cpu -o a.html");
    do_it("report m.safetensors --device cpu -o bare.html");
    open_model("m.safetensors", "a.csv", &m, &data);
    cr_assert_eq(ls_model_maps(m, data, &map, NULL), LS_OK);
    char *page = runs_file_read("a.html", NULL), *bare = runs_file_read("bare.html", NULL);
    const char *at = section_of(page);
    expect_whole(at);
    expect_filters(at, m, 5);
    cr_expect(strstr(at, "<code>conv 5 3x2, relu</code>") && strstr(at, "2 input channels."));
    cr_expect_eq(count(at, "<title>map "), 3 * 5);
    cr_expect_eq(count(at, "<title>input</title>"), 3 * 2);
    at = expect_maps(at, "Row 1 (class a): the image and its feature maps", map, 4, 4, 5, 5);
    at = expect_maps(at, "Row 3 (class b): the image and its feature maps", map + 160, 4, 4, 5, 5);
    expect_maps(at, "Row 5 (class c): the image and its feature maps", map + 320, 4, 4, 5, 5);
    expect_filters(section_of(bare), m, 5);
    cr_expect_eq(count(bare, "<title>map "), 0, "maps without rows");
    free(page);
    free(bare);
    free(map);
    ls_model_free(m);
    ls_data_free(data);
}

/* 32 of 40 filters and 16 of their maps; colour images; numbers instead of classes. */
Test(filters, of_many_channels)
{
    ls_model *m;
    write_rows("a.csv", 30, 3 * 6 * 6, false);
    train("conv 40 3x3 same, batchnorm, tanh, dense",
          "--task regression --shape 3x6x6 --epochs 2 -o m.safetensors --report a.html");
    cr_assert_eq(ls_model_load("m.safetensors", &m, NULL), LS_OK);
    char *page = runs_file_read("a.html", NULL);
    const char *at = section_of(page);
    expect_whole(at);
    cr_expect(strstr(at, "Filters of the first layer (the first 32 of 40).") &&
              strstr(at, "Row 1: the image and the first 16 of its 40 feature maps.") &&
              strstr(at, "Row 11: ") && strstr(at, "Row 21: "));
    expect_filters(at, m, 32);
    cr_expect_eq(count(at, "<title>map "), 3 * 16);
    cr_expect_eq(count(at, "<title>input</title>"), 3);
    free(page);
    ls_model_free(m);
}

/* Pictures of noise are the largest; the report stays below 300 kB, with fewer of them. */
Test(filters, the_report_stays_small)
{
    size_t size;
    write_rows("a.csv", 24, 3 * 32 * 32, true);
    train("conv 64 7x7 same, tanh, maxpool 8, dense",
          "--shape 3x32x32 --epochs 1 --split 0.2 --report a.html");
    char *page = runs_file_read("a.html", &size);
    const char *at = section_of(page);
    cr_expect_lt(size, 300000, "%zu bytes", size);
    cr_expect_eq(count(at, "<title>filter "), 32 * 3);
    cr_expect_geq(count(at, "<title>map "), 4);
    cr_expect_lt(count(at, "<title>map "), 48);
    free(page);
}

/* Networks that begin otherwise have no such pictures. */
Test(filters, of_other_networks)
{
    static const char *const nets[] = {NULL, "dense 6, relu, dense",
                                       "maxpool 2, conv 4 2x2, relu, dense"};
    write_rows("a.csv", 24, 36, true);
    for (size_t i = 0; i < RUNS_COUNT(nets); i++) {
        ls_model *m;
        train(nets[i], i == 2 ? "--shape 6x6 --epochs 1 --report a.html -o m.safetensors"
                              : "--epochs 1 --report a.html -o m.safetensors");
        char *page = runs_file_read("a.html", NULL);
        cr_expect(page && strstr(page, "<h2>Layers</h2>") && !strstr(page, "Filters and feature") &&
                      !strstr(page, "<title>filter "),
                  "network %zu", i);
        cr_assert_eq(ls_model_load("m.safetensors", &m, NULL), LS_OK);
        cr_expect_null(ls_model_first_convolution(m));
        ls_model_free(m);
        free(page);
    }
}

/* ---- Pictures of large matrices -------------------------------------------------------------- */

/* 80 × 60 cells are averaged over squares of 3: cells at the right and lower edges have less. */
Test(filters, large_matrices_are_averaged, .init = NULL, .fini = NULL)
{
    enum { HIGH = 80, WIDE = 61 };
    static float v[HIGH * WIDE];
    for (size_t i = 0; i < HIGH * WIDE; i++) v[i] = (float)(i / WIDE / 3 + i % WIDE / 3);
    pixels p = pixels_begin(HIGH, WIDE);
    cr_assert(p.factor == 3 && p.high == 27 && p.wide == 21);
    pixels_shade(&p, HIGH, WIDE, v, 1, 0, 46, 16, 0x111);
    for (size_t i = 0; i < 27 * 21; i++)
        cr_expect_eq(p.colour[i], grey((double)(i / 21 + i % 21), 0, 46), "cell %zu", i);
    v[0] = NAN;
    v[3] = HUGE_VALF;
    p = pixels_begin(HIGH, WIDE);
    pixels_shade(&p, HIGH, WIDE, v, 1, 0, 46, 4, 0x010);
    cr_expect(p.colour[0] == 0 && p.colour[1] == 0x0f0, "%x %x", p.colour[0], p.colour[1]);
}
#endif
