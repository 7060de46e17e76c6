/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/panels.h"
#include "host/cli/plot/script.h"
#include <math.h>

enum { WIDE = 640, HIGH = 184 }; /* pixels of the plot, and of a row of panels */
/* Pixels around the axes of a panel. */
enum { LEFT = 78, RIGHT = 12 };

/* Above the axes is room for a title, or for the key of a single panel. */
static double above(size_t count) { return count > 1 ? 22 : 34; }
static double below(size_t count) { return count > 1 ? 48 : 58; }

static size_t columns_of(size_t count) { return count > 1 ? 2 : 1; }
static double width_of(size_t count) { return count > 1 ? WIDE : PLOT_PAIRED; }
static double height_of(size_t count)
{
    return count > 1 ? (double)(HIGH * ((count + 1) / 2)) : PLOT_PAIRED;
}

double plot_panel_wide(size_t count)
{
    return width_of(count) / (double)columns_of(count) - LEFT - RIGHT;
}

double plot_panel_high(size_t count)
{
    return (count > 1 ? HIGH : PLOT_PAIRED) - above(count) - below(count);
}

void plot_panels_begin(ls_text *s, size_t count)
{
    plot_begin(s, (unsigned)width_of(count), (unsigned)height_of(count));
    if (count > 1) ls_text_add(s, "set multiplot\nset tics font 'sans-serif,12'\nunset key\n");
    else ls_text_add(s, "set key at screen 0.98, screen 0.985 right top horizontal samplen 2\n");
}

void plot_panel(ls_text *s, size_t i, size_t count, const char *title, const char *x_label,
                const char *y_label)
{
    double wide = width_of(count), high = height_of(count), cell = wide / (double)columns_of(count);
    double left = LEFT + cell * (double)(i % columns_of(count)),
           top = above(count) + HIGH * (double)(i / columns_of(count));
    ls_text_add(s,
                "unset label\nset xtics auto\nset ytics auto\nset lmargin at screen %.5f\nset "
                "rmargin at screen %.5f\nset tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                left / wide, (left + plot_panel_wide(count)) / wide, 1 - top / high,
                1 - (top + plot_panel_high(count)) / high);
    if (title) {
        ls_text_add(s, "set label 8 ");
        plot_add_name(s, title, "");
        ls_text_add(s, " at graph 0.5, screen %.5f center tc rgb '" PLOT_INK "'\n",
                    1 - (top - 10) / high);
    }
    ls_text_add(s, "set label 7 ");
    plot_add_quoted(s, x_label);
    ls_text_add(s, " at graph 0.5, screen %.5f center tc rgb '" PLOT_INK "'\nset label 9 ",
                1 - (top + plot_panel_high(count) + below(count) - 12) / high);
    plot_add_quoted(s, y_label);
    ls_text_add(s, " at screen %.5f, graph 0.5 center rotate tc rgb '" PLOT_INK "'\n",
                (left - LEFT + 12) / wide);
}

void plot_panels_end(ls_text *s, size_t count)
{
    if (count > 1) ls_text_add(s, "unset multiplot\n");
}

void plot_panel_range(ls_text *s, const char *axis, double low, double high)
{
    double margin = 0.04 * (high - low), size = fmax(fabs(low), fabs(high));
    if (!(margin > 1e-9 * size)) margin = size > 0 ? 0.05 * size : 0.5;
    ls_text_add(s, "set %srange [%.9g:%.9g]\n", axis, low - margin, high + margin);
}
