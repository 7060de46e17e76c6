/* SPDX-License-Identifier: MIT */
/* Pictures of one model: how its loss fell, what it makes of the plane, how its layers stand. */
#include "host/base/text.h"
#include "host/cli/plot/plot.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Loss ------------------------------------------------------------------------------------ */

static void widen(double value, double *low, double *high)
{
    if (!(value > 0)) return; /* also passes over NaN */
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

/* Tics at 1, 2 and 5 of each decade, or at its beginning alone where there are many: gnuplot's own
 * leave short axes without a number. */
static void add_log_tics(ls_text *s, const char *axis, double low, double high)
{
    bool few = high / low < 500;
    const char *between = "";
    ls_text_add(s, "set %stics (", axis);
    for (int k = (int)floor(log10(low)); k <= (int)ceil(log10(high)); k++)
        for (int m = 1; m < 10; m = m == 1 ? 2 : m == 2 ? 5 : 10) {
            double at = m * pow(10, k);
            if ((m > 1 && !few) || at < low * 0.999 || at > high * 1.001) continue;
            ls_text_add(s, "%s'%g' %g", between, at, at);
            between = ", ";
        }
    ls_text_add(s, ")\n");
}

/* A range with room around, on a log axis where the values span more than one and a half decades.
 * Returns the middle of the axis. */
static double add_range(ls_text *s, const char *axis, double low, double high)
{
    bool logarithmic = high / low > 30;
    if (!(low <= high)) low = 0.1, high = 1; /* there are no values */
    double from = logarithmic ? low / 1.2 : fmax(0, low - 0.06 * (high - low)),
           to = logarithmic ? high * 1.2 : high + 0.06 * (high - low);
    if (!(to > from)) from = low / 2, to = high * 2;
    ls_text_add(s, "set %srange [%.6g:%.6g]\n", axis, from, to);
    if (!logarithmic) return (from + to) / 2;
    ls_text_add(s, "set logscale %s\n", axis);
    add_log_tics(s, axis, from, to);
    return sqrt(from * to);
}

static void add_loss_points(ls_text *s, const ls_history_point *h, size_t n, bool validation)
{
    size_t step = n > 400 ? n / 400 + 1
                          : 1; /* more points than the picture has pixels say nothing */
    ls_text_add(s, "$loss << EOD\n");
    for (size_t i = 0; i < n; i += i + 1 < n && i + step >= n ? n - 1 - i : step)
        ls_text_add(s, "%llu %.5g %.5g\n", (unsigned long long)h[i].epoch,
                    h[i].loss > 0 ? (double)h[i].loss : (double)NAN,
                    validation && h[i].validation_loss > 0 ? (double)h[i].validation_loss
                                                           : (double)NAN);
    if (!n) ls_text_add(s, "1 NaN NaN\n");
    ls_text_add(s, "EOD\n");
}

/* Strips as high as the axis, about 50 of them. */
static void add_loss_hover(ls_text *s, const ls_history_point *h, size_t n, bool validation,
                           double middle, double width, double height)
{
    size_t step = n > 50 ? n / 50 + 1 : 1;
    plot_hover_begin(s, "hover");
    for (size_t i = 0; i < n; i += i + 1 < n && i + step >= n ? n - 1 - i : step) {
        unsigned long long epoch = h[i].epoch;
        double strip = fmin(width * (double)step / (double)(n > 1 ? n - 1 : 1), 60);
        if (validation)
            plot_add_hover(s, (double)epoch, middle, strip, height,
                           "epoch %llu: training %.5g, validation %.5g", epoch, (double)h[i].loss,
                           (double)h[i].validation_loss);
        else
            plot_add_hover(s, (double)epoch, middle, strip, height, "epoch %llu: %.5g", epoch,
                           (double)h[i].loss);
    }
    plot_hover_end(s);
}

/* The frame, the axis of epochs and the epoch whose weights are kept. */
static void add_epochs(ls_text *s, const ls_model *model, const ls_history_point *h, size_t n)
{
    ls_summary summary;
    ls_model_summary(model, &summary);
    ls_text_add(
        s,
        "set lmargin at screen 0.13\nset rmargin at screen 0.965\nset tmargin at screen 0.97\nset bmargin at screen 0.25\n");
    if (n < 2) ls_text_add(s, "set xrange [0:%llu]\n", n ? 2 * (unsigned long long)h[0].epoch : 2);
    else
        ls_text_add(s, "set xrange [%llu:%llu]\n", (unsigned long long)h[0].epoch,
                    (unsigned long long)h[n - 1].epoch);
    if (n > 1 && h[n - 1].epoch - h[0].epoch < 12) ls_text_add(s, "set xtics 1\n");
    if (summary.best_epoch && summary.best_epoch < summary.epochs)
        ls_text_add(
            s,
            "set arrow from %llu, graph 0 to %llu, graph 1 nohead dt 3 lc rgb '#888888'\nset label 'kept' at %llu, graph 0.96 %s tc rgb '" PLOT_INK
            "'\n",
            (unsigned long long)summary.best_epoch, (unsigned long long)summary.best_epoch,
            (unsigned long long)summary.best_epoch,
            2 * summary.best_epoch > summary.epochs ? "right offset -0.5,0" : "left offset 0.5,0");
    ls_text_add(
        s, "set format x '%%.0f'\nset xlabel 'epoch'\nset key outside bottom center horizontal\n");
}

static const char *curve(size_t n, int point, char room[40])
{
    if (n >= 40) return "lines";
    snprintf(room, 40, n < 2 ? "points pt %d" : "linespoints pt %d ps 0.35", point);
    return room;
}

void plot_model_loss(ls_text *s, const ls_model *model)
{
    size_t n;
    char room[40];
    const ls_history_point *h = ls_model_history(model, &n);
    bool validation = n && !isnan(h[n - 1].validation_loss);
    double low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < n; i++) {
        widen((double)h[i].loss, &low, &high);
        widen((double)h[i].validation_loss, &low, &high);
    }
    plot_begin(s, 640, 380);
    add_loss_points(s, h, n, validation);
    double middle = add_range(s, "y", low, high);
    add_loss_hover(s, h, n, validation, middle, 0.835 * 640, 0.72 * 380);
    add_epochs(s, model, h, n);
    plot_add_side_label(s, "loss");
    ls_text_add(s, "plot $loss using 1:2 with %s ", curve(n, 7, room));
    plot_add_line_style(s, 0);
    ls_text_add(s, " title 'training', ");
    if (validation) {
        ls_text_add(s, "$loss using 1:3 with %s ", curve(n, 5, room));
        plot_add_line_style(s, 1);
        ls_text_add(s, " title 'validation', ");
    }
    plot_add_hover_command(s, "hover");
    ls_text_add(s, "\n");
}

bool plot_has_accuracy(const ls_model *model)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    return n && !isnan(h[n - 1].validation_accuracy);
}

void plot_model_accuracy(ls_text *s, const ls_model *model)
{
    size_t n;
    char room[40];
    const ls_history_point *h = ls_model_history(model, &n);
    double low = 1, high = 0;
    plot_begin(s, 640, 380);
    size_t step = n > 400 ? n / 400 + 1 : 1, strips = n > 50 ? n / 50 + 1 : 1;
    ls_text_add(s, "$accuracy << EOD\n");
    for (size_t i = 0; i < n; i += i + 1 < n && i + step >= n ? n - 1 - i : step)
        ls_text_add(s, "%llu %.5g\n", (unsigned long long)h[i].epoch,
                    (double)h[i].validation_accuracy);
    ls_text_add(s, "EOD\n");
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, (double)h[i].validation_accuracy);
        high = fmax(high, (double)h[i].validation_accuracy);
    }
    double room_around = fmax(0.06 * (high - low), 0.005), from = fmax(0, low - room_around),
           to = fmin(1.005, high + room_around);
    ls_text_add(s, "set yrange [%.6g:%.6g]\n", from, to);
    plot_hover_begin(s, "hover");
    for (size_t i = 0; i < n; i += i + 1 < n && i + strips >= n ? n - 1 - i : strips)
        plot_add_hover(s, (double)h[i].epoch, (from + to) / 2,
                       fmin(0.835 * 640 * (double)strips / (double)(n > 1 ? n - 1 : 1), 60),
                       0.72 * 380, "epoch %llu: %.4f", (unsigned long long)h[i].epoch,
                       (double)h[i].validation_accuracy);
    plot_hover_end(s);
    add_epochs(s, model, h, n);
    plot_add_side_label(s, "accuracy");
    ls_text_add(s, "plot $accuracy using 1:2 with %s ", curve(n, 5, room));
    plot_add_line_style(s, 1);
    ls_text_add(s, " title 'validation', ");
    plot_add_hover_command(s, "hover");
    ls_text_add(s, "\n");
}

/* ---- Boundary -------------------------------------------------------------------------------- */

/* Rows that the key takes, as many names to a row as there is room for. */
static size_t key_rows(const ls_model *model)
{
    size_t names = ls_model_classes(model),
           columns = (size_t)(500 / (plot_names_width(model, 15) + 70));
    if (names > PLOT_MOST_KEYS) return 0;
    return (names + columns - 1) / columns;
}

ls_status plot_model_boundary(ls_text *s, const ls_model *model, ls_device *device,
                              const plot_plane *plane, const ls_data *data, const ls_data *test,
                              ls_error *err)
{
    const double *box = plane->box;
    size_t rows = key_rows(model);
    double below = 92 + 24 * (double)rows, high = 450 + below + 10;
    plot_begin(s, 560, (unsigned)high);
    LS_TRY(plot_add_boundary(s, "b", model, device, plane, data, err));
    if (test) LS_TRY(plot_add_points(s, "bT", model, plane, test, err));
    plot_add_regions(s, ls_model_classes(model));
    ls_text_add(
        s,
        "unset grid\nset border 15 front\nset tics front out\nset xrange [%.5g:%.5g]\nset yrange [%.5g:%.5g]\n"
        "set lmargin at screen 0.15\nset rmargin at screen 0.97\nset tmargin at screen %.4f\nset bmargin at screen %.4f\nset key at screen 0.56, screen %.4f center top vertical maxrows %zu samplen 1\n",
        box[0], box[1], box[2], box[3], 1 - 10 / high, below / high, (below - 80) / high,
        rows ? rows : 1);
    for (size_t k = 0; k < 2; k++) {
        char name[80];
        snprintf(name, sizeof name, "%s principal component (%.3g %%)", k ? "second" : "first",
                 100 * plane->share[k]);
        const char *label = plane->principal ? name : ls_model_feature_name(model, k);
        if (k) plot_add_side_label(s, label);
        else {
            ls_text_add(s, "set xlabel ");
            plot_add_quoted(s, label);
            ls_text_add(s, "\n");
        }
    }
    plot_add_boundary_command(s, "b", data, test, true);
    return LS_OK;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

enum { LAYERS_WIDE = 640, LAYERS_HIGH = 320, MOST_LAYERS = 60 };

/* One of two panels: bars from the bottom, with their values. */
static void add_layer_panel(ls_text *s, size_t panel, const char *title)
{
    double left = 0.1 + 0.5 * (double)panel;
    ls_text_add(
        s,
        "set lmargin at screen %.3f\nset rmargin at screen %.3f\nset title '%s'\nplot $layers using 1:%zu with boxes fs solid 0.8 lc rgb '%s' notitle, ",
        left, left + 0.38, title, panel + 2, plot_colour(panel));
    plot_add_hover_command(s, panel ? "hoverB" : "hoverA");
    ls_text_add(s, "\n");
}

static void add_layer_hover(ls_text *s, const ls_layer_info *layer, size_t count, size_t every,
                            double middle)
{
    double width = 0.38 * LAYERS_WIDE * (double)every / (double)(count + every),
           height = 0.59 * LAYERS_HIGH;
    plot_hover_begin(s, "hoverA");
    for (size_t i = 0; i < count; i += every)
        plot_add_hover(s, (double)(i + 1), middle, width, height,
                       "layer %zu: norm of the gradient %.4g, of the weights %.4g", i + 1,
                       layer[i].gradient_norm, layer[i].weight_norm);
    plot_hover_end(s);
    plot_hover_begin(s, "hoverB");
    ls_text_add(s, "-1e30 -1e30 -\n");
    for (size_t i = 0; i < count; i += every)
        if (!isnan(layer[i].saturated))
            plot_add_hover(s, (double)(i + 1), 50, width, height,
                           "layer %zu, %s: %.3g %% saturated", i + 1, layer[i].activation,
                           100 * layer[i].saturated);
    plot_hover_end(s);
}

void plot_model_layers(ls_text *s, const ls_layer_info *layer, size_t count)
{
    const size_t every = count / MOST_LAYERS + 1;
    double low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < count; i++) widen(layer[i].gradient_norm, &low, &high);
    if (!(high > 0)) low = high = 1;
    bool logarithmic = high / low > 30;
    double from = logarithmic ? low / 2 : 0, to = logarithmic ? high * 1.5 : high * 1.08;
    plot_begin(s, LAYERS_WIDE, LAYERS_HIGH);
    ls_text_add(s, "$layers << EOD\n");
    for (size_t i = 0; i < count; i += every)
        ls_text_add(s, "%zu %.5g %.5g\n", i + 1, fmax(layer[i].gradient_norm, from),
                    100 * layer[i].saturated);
    ls_text_add(s, "EOD\n");
    add_layer_hover(s, layer, count, every, logarithmic ? sqrt(from * to) : to / 2);
    ls_text_add(
        s,
        "set tmargin at screen 0.84\nset bmargin at screen 0.25\nset multiplot\nset boxwidth %g\nset xrange [0.3:%zu.7]\nset xlabel 'layer'\n",
        0.7 * (double)every, count);
    if (count <= 12) ls_text_add(s, "set xtics 1\n");
    ls_text_add(s, "set yrange [%.5g:%.5g]\n", from, to);
    if (logarithmic) ls_text_add(s, "set logscale y\n");
    if (logarithmic) add_log_tics(s, "y", from, to);
    add_layer_panel(s, 0, "norm of the gradient");
    ls_text_add(
        s, "unset logscale y\nset yrange [0:100]\nset ytics autofreq\nset format y '%%g %%%%'\n");
    add_layer_panel(s, 1, "saturated activations");
    ls_text_add(s, "unset multiplot\n");
}
