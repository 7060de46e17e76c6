/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/score_plots.h"
#include "host/cli/plot/script.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- ROC, precision and recall --------------------------------------------------------------- */

static double x_of(const outcome_point *p, bool roc)
{
    return roc ? p->false_positive : p->true_positive;
}
static double y_of(const outcome_point *p, bool roc)
{
    return roc ? p->true_positive : p->precision;
}

/* Hover values at points at least 0.03 apart along a curve, 0.15 if there are several curves. */
static void add_curve_hover(ls_text *s, const outcome *o, const outcome_curve *c, size_t curves,
                            bool roc)
{
    const double far = curves > 1 ? 0.15 : 0.03;
    char class[PLOT_NAME], prefix[2 * PLOT_NAME] = "";
    double x = -1, y = -1;
    plot_short_name(outcome_class_name(o, c->class), class);
    if (curves > 1) snprintf(prefix, sizeof prefix, "%s, ", class);
    for (size_t i = 0; i < c->points; i++) {
        const outcome_point *p = &c->point[i];
        double dx = x_of(p, roc) - x, dy = y_of(p, roc) - y;
        if (isinf(p->threshold) || dx * dx + dy * dy < far * far) continue;
        x += dx, y += dy;
        if (roc)
            plot_add_hover(s, x, y, 18, 18,
                           "%sthreshold %.4g: false positive rate %.4g, true positive rate %.4g",
                           prefix, p->threshold, x, y);
        else
            plot_add_hover(s, x, y, 18, 18, "%sthreshold %.4g: recall %.4g, precision %.4g", prefix,
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
    char value[PLOT_NAME];
    ls_text_add(s, "$curve%zu using 1:2 with lines ", number);
    plot_add_line_style(s, number);
    snprintf(value, sizeof value, "  %.4f", roc ? c->auc : c->average_precision);
    ls_text_add(s, " title ");
    plot_add_name(s, outcome_class_name(o, c->class), value);
    ls_text_add(s, ", ");
}

static void add_curves(ls_text *s, const outcome *o, const outcome_curve *list, size_t n, bool roc)
{
    plot_begin(s, PLOT_PAIRED, PLOT_PAIRED);
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

static ls_status plot_curves(ls_text *s, const outcome *o, bool roc, ls_error *err)
{
    outcome_curve list[OUTCOME_CURVES];
    size_t n;
    LS_TRY(outcome_curves(o, list, &n, NULL, NULL, err));
    if (n) add_curves(s, o, list, n, roc);
    outcome_curves_free(list, n);
    return n ? LS_OK
             : ls_fail(err, LS_ERR_DATA,
                       "all rows have one class; ROC and precision-recall curves need two");
}

ls_status plot_roc(ls_text *s, const outcome *o, ls_error *err)
{
    return plot_curves(s, o, true, err);
}

ls_status plot_precision_recall(ls_text *s, const outcome *o, ls_error *err)
{
    return plot_curves(s, o, false, err);
}

/* ---- Calibration ----------------------------------------------------------------------------- */

/* The label of the x axis: the score is the probability of the positive class, or of the predicted
 * class. */
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

/* The height of a bar: log10(1 + rows), because counts of rows span decades. */
static double height_of(size_t rows) { return log10(1 + (double)rows); }

/* Range and tics of an axis of such bars, upwards or in both directions. */
static void add_count_tics(ls_text *s, size_t most, bool both)
{
    ls_text_add(s, "set yrange [%g:%g]\nset ytics ('0' 0", both ? -1.05 * height_of(most) : 0.0,
                1.05 * height_of(most));
    size_t every = most >= 10000 && !both ? 100 : 10;
    for (size_t at = 1; at <= most; at *= at == 1 ? 10 : every) {
        if (at == 1 && most > 100) continue; /* too close to 0 */
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
                               0.8 * PLOT_PAIRED / LS_CALIBRATION_BINS, 0.16 * PLOT_PAIRED,
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
    plot_begin(s, PLOT_PAIRED, PLOT_PAIRED);
    ls_text_add(s, "$bins << EOD\n-1e30 -1e30 0 0\n");
    for (size_t k = 0; k < LS_CALIBRATION_BINS; k++) {
        most = bin[k].rows > most ? bin[k].rows : most;
        if (bin[k].rows)
            ls_text_add(s, "%.5g %.5g %.5g %g\n", bin[k].score, bin[k].share,
                        height_of(bin[k].rows), ((double)k + 0.5) / LS_CALIBRATION_BINS);
    }
    ls_text_add(s, "EOD\n");
    add_calibration_hover(s, bin, most);
    plot_add_side_label(s, "observed share");
    ls_text_add(
        s,
        "set lmargin at screen 0.17\nset rmargin at screen 0.97\nset tmargin at screen 0.98\nset bmargin at screen 0.37\nset multiplot\n"
        "set xrange [0:1]\nset yrange [-0.02:1.02]\nset format x ''\nset key top left\n"
        "plot x with lines lc rgb '#888888' dt '-' lw 1 title 'ideal', $bins using 1:2 with linespoints pt 7 ps 0.8 ");
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

/* Bars upwards: rows of the positive class, or predicted correctly; downwards: the other rows. */
void plot_histogram(ls_text *s, const outcome *o)
{
    outcome_bin bin[HISTOGRAM_BINS];
    size_t most = 1;
    const char *const up = o->classes == 2 ? ls_model_class_name(o->model, o->positive) : "correct",
                      *const down = o->classes == 2 ? ls_model_class_name(o->model, !o->positive)
                                                    : "wrong";
    char name[2][PLOT_NAME];
    plot_short_name(up, name[0]);
    plot_short_name(down, name[1]);
    outcome_bins(o, bin);
    plot_begin(s, PLOT_PAIRED, PLOT_PAIRED);
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
        plot_add_hover(s, ((double)k + 0.5) / HISTOGRAM_BINS, 0, 0.8 * PLOT_PAIRED / HISTOGRAM_BINS,
                       0.74 * PLOT_PAIRED, "%.2f to %.2f: %zu %s, %zu %s",
                       (double)k / HISTOGRAM_BINS, (double)(k + 1) / HISTOGRAM_BINS, bin[k].hits,
                       name[0], bin[k].rows - bin[k].hits, name[1]);
    plot_hover_end(s);
    ls_text_add(
        s,
        "set lmargin at screen 0.17\nset rmargin at screen 0.97\nset tmargin at screen 0.9\nset bmargin at screen 0.16\nset xrange [0:1]\nset boxwidth %g\n"
        "set xzeroaxis lt 1 lc rgb '" PLOT_INK
        "' lw 0.7\nset key outside top center horizontal samplen 2\n",
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
