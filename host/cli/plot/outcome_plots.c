/* SPDX-License-Identifier: MIT */
/* Pictures of what a model makes of rows: where it errs, and how sure it is. */
#include "host/base/text.h"
#include "host/cli/plot/plot.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Confusion ------------------------------------------------------------------------------- */

enum {
    NUMBERED = 16,
    SQUARE = 420,
    PAIRED = 460
}; /* classes whose cells have room for a number; pixels of a side of the matrix, and of pictures
      that stand in pairs */

/* Names of the classes along an axis, of very many only some; upright where they would touch. */
static void add_class_tics(ls_text *s, char axis, const ls_model *model, size_t font, bool upright)
{
    size_t n = ls_model_classes(model), every = n > 40 ? n / 20 : 1;
    ls_text_add(s, "set %ctics (", axis);
    for (size_t i = 0; i < n; i += every) {
        ls_text_add(s, "%s", i ? ", " : "");
        plot_add_tic(s, ls_model_class_name(model, i), i);
    }
    ls_text_add(s, ") scale 0%s font 'sans-serif,%zu'\n", upright ? " rotate by 90 right" : "",
                font);
}

/* Where cells have no room for numbers they are drawn as an image, each by several of its points:
 * browsers blur images that they enlarge. */
static void add_cells(ls_text *s, const outcome *o)
{
    size_t n = o->metrics->classes, points = n <= NUMBERED ? 1 : 240 / n + 1;
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
                           "%s taken for %s: %llu of %llu (%.1f %%)", truth, decided,
                           (unsigned long long)count, (unsigned long long)all,
                           all ? 100 * (double)count / (double)all : 0);
        }
    }
    plot_hover_end(s);
}

void plot_confusion(ls_text *s, const outcome *o)
{
    size_t n = o->metrics->classes, font = n > 20 ? 11 : 15;
    double side = (double)SQUARE / (double)n, names = plot_names_width(o->model, font);
    bool hover = n <= NUMBERED, upright = names > side * 0.95;
    double left = 60 + names, below = 60 + (upright ? names : (double)font),
           wide = left + SQUARE + 20, high = below + SQUARE + 12;
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
        left / wide, (left + SQUARE) / wide, (high - 12) / high, below / high, n - 1, n - 1,
        (left + SQUARE / 2.0) / wide, 14 / high, 16 / wide, (below + SQUARE / 2.0) / high);
    add_class_tics(s, 'x', o->model, font, upright);
    add_class_tics(s, 'y', o->model, font, false);
    ls_text_add(s, "plot $cells using 1:2:3 with image%s notitle", n <= NUMBERED ? " pixels" : "");
    if (n <= NUMBERED)
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

enum { BALANCE = 540 }; /* pixels of the axis */

/* Bars of one part and their hover values; of two parts the first stand left of the second. */
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
    add_class_tics(s, 'x', model, font, below > 40);
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

/* ---- ROC, precision and recall --------------------------------------------------------------- */

static double x_of(const outcome_point *p, bool roc)
{
    return roc ? p->false_positive : p->true_positive;
}
static double y_of(const outcome_point *p, bool roc)
{
    return roc ? p->true_positive : p->precision;
}

/* Places about every fiftieth of the square along a curve, fewer where there are several. */
static void add_curve_hover(ls_text *s, const outcome *o, const outcome_curve *c, size_t curves,
                            bool roc)
{
    const double far = curves > 1 ? 0.15 : 0.03;
    char class[PLOT_NAME], who[2 * PLOT_NAME] = "";
    double x = -1, y = -1;
    plot_short_name(ls_model_class_name(o->model, c->class), class);
    if (curves > 1) snprintf(who, sizeof who, "%s, ", class);
    for (size_t i = 0; i < c->points; i++) {
        const outcome_point *p = &c->point[i];
        double dx = x_of(p, roc) - x, dy = y_of(p, roc) - y;
        if (isinf(p->threshold) || dx * dx + dy * dy < far * far) continue;
        x += dx, y += dy;
        if (roc)
            plot_add_hover(s, x, y, 18, 18,
                           "%sfrom %.4g on: false positive rate %.4g, true positive rate %.4g", who,
                           p->threshold, x, y);
        else
            plot_add_hover(s, x, y, 18, 18, "%sfrom %.4g on: recall %.4g, precision %.4g", who,
                           p->threshold, x, y);
    }
}

static void add_curve(ls_text *s, const outcome_curve *c, size_t number, bool roc)
{
    ls_text_add(s, "$curve%zu << EOD\n", number);
    for (size_t i = 0; i < c->points; i++)
        ls_text_add(s, "%.4g %.4g\n", x_of(&c->point[i], roc), y_of(&c->point[i], roc));
    ls_text_add(s, "EOD\n");
}

static void add_curve_command(ls_text *s, const outcome *o, const outcome_curve *c, size_t number,
                              bool roc)
{
    char behind[PLOT_NAME];
    ls_text_add(s, "$curve%zu using 1:2 with lines ", number);
    plot_add_line_style(s, number);
    snprintf(behind, sizeof behind, "  %.4f", roc ? c->auc : c->average_precision);
    ls_text_add(s, " title ");
    plot_add_name(s, ls_model_class_name(o->model, c->class), behind);
    ls_text_add(s, ", ");
}

static void add_curves(ls_text *s, const outcome *o, const outcome_curve *list, size_t n, bool roc)
{
    plot_begin(s, PAIRED, PAIRED);
    for (size_t i = 0; i < n; i++) add_curve(s, &list[i], i, roc);
    plot_hover_begin(s, "hover");
    for (size_t i = 0; i < n; i++) add_curve_hover(s, o, &list[i], n, roc);
    ls_text_add(s, "-1e30 -1e30 -\n");
    plot_hover_end(s);
    ls_text_add(
        s,
        "set xrange [-0.01:1.01]\nset yrange [-0.01:1.02]\nset lmargin at screen 0.17\nset rmargin at screen 0.97\nset tmargin at screen 0.97\nset bmargin at screen 0.16\nset xlabel '%s'\nset ylabel '%s'\nset key %s title '%s' samplen 3\nplot ",
        roc ? "false positive rate" : "recall", roc ? "true positive rate" : "precision",
        roc ? "bottom right" : "bottom left", roc ? "area under the curve" : "average precision");
    if (roc) ls_text_add(s, "x with lines lc rgb '#888888' dt '-' lw 1 title 'chance', ");
    else if (n == 1)
        ls_text_add(s, "%g with lines lc rgb '#888888' dt '-' lw 1 title 'chance', ",
                    list[0].share);
    for (size_t i = 0; i < n; i++) add_curve_command(s, o, &list[i], i, roc);
    plot_add_hover_command(s, "hover");
    ls_text_add(s, "\n");
}

ls_status plot_curves(ls_text *s, const outcome *o, const char *picture, ls_error *err)
{
    outcome_curve list[OUTCOME_CURVES];
    size_t n;
    LS_TRY(outcome_curves(o, list, &n, NULL, NULL, err));
    if (n) add_curves(s, o, list, n, !strcmp(picture, "roc"));
    outcome_curves_free(list, n);
    return n ? LS_OK
             : ls_fail(err, LS_ERR_DATA, "the rows are all of one class, and a curve needs two");
}

/* ---- Calibration ----------------------------------------------------------------------------- */

/* What a score is of: "the probability of yes", or that of the class decided for. */
static void add_score_label(ls_text *s, const outcome *o)
{
    char name[PLOT_NAME], label[2 * PLOT_NAME];
    plot_short_name(ls_model_class_name(o->model, o->positive), name);
    if (o->classes == 2) snprintf(label, sizeof label, "probability of %s", name);
    else snprintf(label, sizeof label, "probability of the predicted class");
    ls_text_add(s, "set xlabel ");
    plot_add_quoted(s, label);
    ls_text_add(s, "\n");
}

/* Counts of rows span decades: a bar is log10(1 + rows) high. */
static double height_of(size_t rows) { return log10(1 + (double)rows); }

/* Tics of that axis, upwards and, where both, downwards. */
static void add_count_tics(ls_text *s, size_t most, bool both)
{
    ls_text_add(s, "set yrange [%g:%g]\nset ytics ('0' 0", both ? -1.05 * height_of(most) : 0.0,
                1.05 * height_of(most));
    size_t every = most >= 10000 && !both ? 100 : 10;
    for (size_t at = 1; at <= most; at *= at == 1 ? 10 : every) {
        if (at == 1 && most > 100) continue; /* too near to 0 */
        ls_text_add(s, ", '%zu' %.5g", at, height_of(at));
        if (both) ls_text_add(s, ", '%zu' %.5g", at, -height_of(at));
    }
    ls_text_add(s, ")\n");
    plot_add_side_label(s, "rows (log)");
}

static void add_calibration_hover(ls_text *s, const ls_calibration_bin *bin, size_t most)
{
    for (size_t panel = 0; panel < 2; panel++) {
        plot_hover_begin(s, panel ? "hoverB" : "hoverA");
        ls_text_add(s, "-1e30 -1e30 -\n");
        for (size_t k = 0; k < LS_CALIBRATION_BINS; k++) {
            double low = (double)k / LS_CALIBRATION_BINS,
                   high = (double)(k + 1) / LS_CALIBRATION_BINS;
            unsigned long long rows = bin[k].rows;
            if (!rows) continue;
            if (panel)
                plot_add_hover(s, (low + high) / 2, height_of(most) / 2,
                               0.8 * PAIRED / LS_CALIBRATION_BINS, 0.16 * PAIRED,
                               "%.1f to %.1f: %llu rows", low, high, rows);
            else
                plot_add_hover(s, bin[k].score, bin[k].share, 22, 22,
                               "predicted %.4g, observed %.4g, %llu rows", bin[k].score,
                               bin[k].share, rows);
        }
        plot_hover_end(s);
    }
}

void plot_calibration(ls_text *s, const outcome *o)
{
    const ls_calibration_bin *bin = o->metrics->calibration;
    size_t most = 1;
    plot_begin(s, PAIRED, PAIRED);
    ls_text_add(s, "$bins << EOD\n-1e30 -1e30 0 0\n");
    for (size_t k = 0; k < LS_CALIBRATION_BINS; k++) {
        most = bin[k].rows > most ? bin[k].rows : most;
        if (bin[k].rows)
            ls_text_add(s, "%.5g %.5g %.5g %g\n", bin[k].score, bin[k].share,
                        height_of(bin[k].rows), ((double)k + 0.5) / LS_CALIBRATION_BINS);
    }
    ls_text_add(s, "EOD\n");
    add_calibration_hover(s, bin, most);
    plot_add_side_label(s, "share of rows that are so");
    ls_text_add(
        s,
        "set lmargin at screen 0.17\nset rmargin at screen 0.97\nset tmargin at screen 0.98\nset bmargin at screen 0.37\nset multiplot\n"
        "set xrange [0:1]\nset yrange [-0.02:1.02]\nset format x ''\nset key top left\n"
        "plot x with lines lc rgb '#888888' dt '-' lw 1 title 'as sure as right', $bins using 1:2 with linespoints pt 7 ps 0.8 ");
    plot_add_line_style(s, 0);
    ls_text_add(s, " title 'model', ");
    plot_add_hover_command(s, "hoverA");
    ls_text_add(
        s,
        "\nset tmargin at screen 0.32\nset bmargin at screen 0.16\nset format x '%%g'\nset boxwidth %g\n",
        0.9 / LS_CALIBRATION_BINS);
    add_count_tics(s, most, false);
    add_score_label(s, o);
    ls_text_add(s, "plot $bins using 4:3 with boxes fs solid 0.8 lc rgb '#888888' notitle, ");
    plot_add_hover_command(s, "hoverB");
    ls_text_add(s, "\nunset multiplot\n");
}

/* ---- Histogram ------------------------------------------------------------------------------- */

/* Up: rows of the positive class, or that are right; down: the others. */
void plot_histogram(ls_text *s, const outcome *o)
{
    outcome_bin bin[HISTOGRAM_BINS];
    size_t most = 1;
    const char *const up = o->classes == 2 ? ls_model_class_name(o->model, o->positive) : "right",
                      *const down = o->classes == 2 ? ls_model_class_name(o->model, !o->positive)
                                                    : "wrong";
    char name[2][PLOT_NAME];
    plot_short_name(up, name[0]);
    plot_short_name(down, name[1]);
    outcome_bins(o, bin);
    plot_begin(s, PAIRED, PAIRED);
    ls_text_add(s, "$bins << EOD\n");
    for (size_t k = 0; k < HISTOGRAM_BINS; k++) {
        size_t others = bin[k].rows - bin[k].hits,
               larger = others > bin[k].hits ? others : bin[k].hits;
        most = larger > most ? larger : most;
        ls_text_add(s, "%g %.5g %.5g\n", ((double)k + 0.5) / HISTOGRAM_BINS, height_of(bin[k].hits),
                    height_of(others));
    }
    ls_text_add(s, "EOD\n");
    plot_hover_begin(s, "hover");
    for (size_t k = 0; k < HISTOGRAM_BINS; k++)
        plot_add_hover(s, ((double)k + 0.5) / HISTOGRAM_BINS, 0, 0.8 * PAIRED / HISTOGRAM_BINS,
                       0.74 * PAIRED, "%.2f to %.2f: %zu %s, %zu %s", (double)k / HISTOGRAM_BINS,
                       (double)(k + 1) / HISTOGRAM_BINS, bin[k].hits, name[0],
                       bin[k].rows - bin[k].hits, name[1]);
    plot_hover_end(s);
    ls_text_add(
        s,
        "set lmargin at screen 0.17\nset rmargin at screen 0.97\nset tmargin at screen 0.9\nset bmargin at screen 0.16\nset xrange [0:1]\nset boxwidth %g\n"
        "set xzeroaxis lt 1 lc rgb '" PLOT_INK "' lw 0.7\nset key outside top center horizontal\n",
        0.9 / HISTOGRAM_BINS);
    add_count_tics(s, most, true);
    add_score_label(s, o);
    ls_text_add(s, "plot $bins using 1:2 with boxes fs solid 0.8 lc rgb '%s' title ",
                plot_colour(o->classes == 2 ? o->positive : 2));
    plot_add_name(s, up, " (up)");
    ls_text_add(s, ", $bins using 1:(-$3) with boxes fs solid 0.8 lc rgb '%s' title ",
                plot_colour(o->classes == 2 ? !o->positive : 1));
    plot_add_name(s, down, " (down)");
    ls_text_add(s, ", ");
    plot_add_hover_command(s, "hover");
    ls_text_add(s, "\n");
}
