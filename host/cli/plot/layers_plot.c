/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/layers_plot.h"
#include "host/cli/plot/axis.h"
#include "host/cli/plot/script.h"
#include <math.h>

enum { LAYERS_WIDE = 640, LAYERS_HIGH = 320, MOST_LAYERS = 60 };

/* One of two panels: bars from the bottom, with hover values. */
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
                       "layer %zu: gradient norm %.4g, weight norm %.4g", i + 1,
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

void plot_layers(ls_text *s, const ls_layer_info *layer, size_t count)
{
    const size_t every = count / MOST_LAYERS + 1;
    double low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < count; i++) plot_widen(layer[i].gradient_norm, &low, &high);
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
    if (logarithmic) plot_add_log_tics(s, "y", from, to);
    add_layer_panel(s, 0, "gradient norm");
    ls_text_add(
        s, "unset logscale y\nset yrange [0:100]\nset ytics autofreq\nset format y '%%g %%%%'\n");
    add_layer_panel(s, 1, "saturated activations");
    ls_text_add(s, "unset multiplot\n");
}
