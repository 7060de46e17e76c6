/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/class_plots.h"
#include "host/cli/plot/script.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Confusion ------------------------------------------------------------------------------- */

enum {
    MOST_NUMBERED = 16, /* classes up to which cells have room for a number */
    SIDE = 420          /* pixels of a side of the matrix */
};

/* Matrices of many classes are drawn as an image with several pixels per cell, because browsers
 * blur images when they enlarge them. */
static void add_cells(ls_text *s, const outcome *o)
{
    size_t n = o->metrics->classes, points = n <= MOST_NUMBERED ? 1 : 240 / n + 1;
    ls_text_add(s, "$cells << EOD\n");
    for (size_t i = 0; i < n * points; i++) {
        const uint64_t *row = o->metrics->confusion + i / points * n;
        double all = 0;
        for (size_t j = 0; j < n; j++) all += (double)row[j];
        for (size_t j = 0; j < n * points; j++) {
            double count = (double)row[j / points], middle = (1 - 1 / (double)points) / 2;
            ls_text_add(s, "%.5g %.5g %.4f %.0f\n", (double)j / (double)points - middle,
                        (double)i / (double)points - middle, all > 0 ? count / all : 0, count);
        }
    }
    ls_text_add(s, "EOD\n");
}

static void add_cell_hover(ls_text *s, const outcome *o, double side)
{
    size_t n = o->metrics->classes;
    char truth[PLOT_NAME], decided[PLOT_NAME];
    plot_hover_begin(s, "hover");
    for (size_t i = 0; i < n; i++) {
        uint64_t all = 0, count;
        plot_short_name(ls_model_class_name(o->model, i), truth);
        for (size_t j = 0; j < n; j++) all += o->metrics->confusion[i * n + j];
        for (size_t j = 0; j < n; j++) {
            if (!(count = o->metrics->confusion[i * n + j]) && n > 4) continue;
            plot_short_name(ls_model_class_name(o->model, j), decided);
            plot_add_hover(s, (double)j, (double)i, side, side,
                           "%s predicted as %s: %llu of %llu (%.1f %%)", truth, decided,
                           (unsigned long long)count, (unsigned long long)all,
                           all ? 100 * (double)count / (double)all : 0);
        }
    }
    plot_hover_end(s);
}

void plot_confusion(ls_text *s, const outcome *o)
{
    size_t n = o->metrics->classes, font = n > 20 ? 11 : 15;
    double side = (double)SIDE / (double)n, names = plot_names_width(o->model, font);
    bool hover = n <= MOST_NUMBERED, upright = names > side * 0.95;
    double left = 60 + names, below = 60 + (upright ? names : (double)font),
           wide = left + SIDE + 20, high = below + SIDE + 12;
    plot_begin(s, (unsigned)wide, (unsigned)high);
    add_cells(s, o);
    if (hover) add_cell_hover(s, o, side);
    ls_text_add(
        s,
        "unset grid\nset border 15\nset lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen %.4f\n"
        "set palette defined (0 '#ffffff', 1 '#56B4E9')\nset cbrange [0:1]\nunset colorbox\nset xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\n"
        "set label 'predicted class' at screen %.4f, screen %.4f center tc rgb '" PLOT_INK
        "'\nset label 'true class' at screen %.4f, screen %.4f center rotate tc rgb '" PLOT_INK
        "'\n",
        left / wide, (left + SIDE) / wide, (high - 12) / high, below / high, n - 1, n - 1,
        (left + SIDE / 2.0) / wide, 14 / high, 16 / wide, (below + SIDE / 2.0) / high);
    plot_add_class_tics(s, 'x', o->model, font, upright);
    plot_add_class_tics(s, 'y', o->model, font, false);
    ls_text_add(s, "plot $cells using 1:2:3 with image%s notitle",
                n <= MOST_NUMBERED ? " pixels" : "");
    if (n <= MOST_NUMBERED)
        ls_text_add(
            s,
            ", $cells using 1:2:(sprintf('%%d', $4)) with labels tc rgb '#111111' font 'sans-serif,%d' notitle",
            n > 12  ? 9
            : n > 8 ? 11
                    : 15);
    if (hover) {
        ls_text_add(s, ", ");
        plot_add_hover_command(s, "hover");
    }
    ls_text_add(s, "\n");
}

/* ---- Balance --------------------------------------------------------------------------------- */

enum { BALANCE = 540 }; /* length of the x axis in pixels */

/* Adds the bars of one part (0: data, 1: test) and their hover values. Two parts stand side by
 * side. Returns the number of rows of the largest class. */
static size_t add_bars(ls_text *s, const ls_model *model, const ls_data *data, const char *label,
                       size_t part, size_t parts)
{
    size_t n = ls_model_classes(model), rows = ls_data_rows(data), most = 0;
    ls_text hover = {0};
    char name[16], class[PLOT_NAME];
    snprintf(name, sizeof name, "hover%zu", part);
    ls_text_add(s, "$bars%zu << EOD\n", part);
    plot_hover_begin(&hover, name);
    for (size_t c = 0; c < n; c++) {
        size_t count = 0;
        double at = (double)c + (parts > 1 ? part ? 0.2 : -0.2 : 0);
        for (size_t i = 0; i < rows; i++) count += (size_t)ls_data_y(data)[i] == c;
        plot_short_name(ls_model_class_name(model, c), class);
        plot_add_hover(&hover, at, (double)count / 2,
                       BALANCE / ((double)n + 0.2) * (parts > 1 ? 0.38 : 0.7), 40,
                       "%s: %zu %s (%.1f %%)", class, count, label,
                       100 * (double)count / (double)rows);
        ls_text_add(s, "%g %zu\n", at, count);
        most = count > most ? count : most;
    }
    plot_hover_end(&hover);
    ls_text_add(s, "EOD\n%s", hover.failed ? "" : hover.text);
    s->failed |= hover.failed;
    free(hover.text);
    return most;
}

void plot_balance(ls_text *s, const ls_model *model, const ls_data *data, const char *label,
                  const ls_data *test)
{
    size_t n = ls_model_classes(model), parts = test ? 2 : 1, font = n > 20 ? 11 : 15;
    double names = plot_names_width(model, font),
           below = names > BALANCE / (double)n * 0.9 ? names + 20 : 40, high = 270 + below;
    plot_begin(s, 640, (unsigned)high);
    size_t most = add_bars(s, model, data, label, 0, parts);
    if (test) {
        size_t more = add_bars(s, model, test, "test rows", 1, parts);
        most = more > most ? more : most;
    }
    ls_text_add(
        s,
        "set lmargin at screen %.4f\nset rmargin at screen 0.98\nset bmargin at screen %.4f\nset tmargin at screen %.4f\n"
        "set boxwidth %g\nset xrange [-0.6:%zu.6]\nset yrange [0:%g]\n",
        0.98 - BALANCE / 640.0, below / high, 1 - 40 / high, parts > 1 ? 0.38 : 0.7, n - 1,
        1.05 * (double)most);
    plot_add_side_label(s, "rows");
    plot_add_class_tics(s, 'x', model, font, below > 40);
    ls_text_add(
        s,
        "set key outside top right horizontal\nplot $bars0 using 1:2 with boxes fs solid 0.85 lc rgb '%s' title '%s', ",
        plot_colour(0), label);
    if (test)
        ls_text_add(
            s,
            "$bars1 using 1:2 with boxes fs empty border lc rgb '%s' lc rgb '%s' title 'test rows', ",
            plot_colour(1), plot_colour(1));
    plot_add_hover_command(s, "hover0");
    if (test) {
        ls_text_add(s, ", ");
        plot_add_hover_command(s, "hover1");
    }
    ls_text_add(s, "\n");
}
