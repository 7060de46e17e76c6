/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/panels.h"
#include "host/cli/plot/script.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 640, HIGH = 184 }; /* pixels of the plot, and of a row of panels */

/* Pixels left of the axes: the label and the tics of the y axis. */
static double left_of(size_t count) { return count > 1 ? 78 : 96; }
/* Pixels right of them: half of a label at the end of the x axis. */
static double right_of(size_t count) { return count > 1 ? 12 : 28; }
/* Size of the tics' font. */
static double font_of(size_t count) { return count > 1 ? 12 : 15; }

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
    return width_of(count) / (double)columns_of(count) - left_of(count) - right_of(count);
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
    double left = left_of(count) + cell * (double)(i % columns_of(count)),
           top = above(count) + HIGH * (double)(i / columns_of(count));
    ls_text_add(s,
                "unset label\nset xtics auto\nset ytics auto\nset lmargin at screen %.5f\nset "
                "rmargin at screen %.5f\nset tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                left / wide, (left + plot_panel_wide(count)) / wide, 1 - top / high,
                1 - (top + plot_panel_high(count)) / high);
    if (title) {
        ls_text_add(s, "set label 8 ");
        plot_add_quoted(s, title);
        ls_text_add(s, " at graph 0.5, screen %.5f center tc rgb '" PLOT_INK "'\n",
                    1 - (top - 10) / high);
    }
    ls_text_add(s, "set label 7 ");
    plot_add_quoted(s, x_label);
    ls_text_add(s, " at graph 0.5, screen %.5f center tc rgb '" PLOT_INK "'\nset label 9 ",
                1 - (top + plot_panel_high(count) + below(count) - 12) / high);
    plot_add_quoted(s, y_label);
    ls_text_add(s, " at screen %.5f, graph 0.5 center rotate tc rgb '" PLOT_INK "'\n",
                (left - left_of(count) + 12) / wide);
}

void plot_panels_end(ls_text *s, size_t count)
{
    if (count > 1) ls_text_add(s, "unset multiplot\n");
}

/* ---- Ranges and tics ------------------------------------------------------------------------- */

typedef struct {
    double from, to, step; /* range of the axis; tics are at multiples of step */
    int digits;            /* significant digits of the labels */
} tics;

static tics tics_of(double from, double to, double step)
{
    double most = fmax(fabs(from), fabs(to)) / step;
    return (tics){from, to, step, (int)fmin(fmax(floor(log10(most)) + 2, 6), 17)};
}

static double first_of(const tics *t) { return ceil(t->from / t->step); }
static double last_of(const tics *t) { return floor(t->to / t->step); }

/* The number of a label; an exponent has no zeros: "1.65e9". Returns its position. */
static double tic_text(const tics *t, double k, char out[32])
{
    double at = k * t->step + 0.0; /* not -0 */
    snprintf(out, 32, "%.*g", t->digits, at);
    char *from = strchr(out, 'e'), *to = from;
    for (bool leading = true; from && *from; from++) {
        if (*from == '+' || (leading && *from == '0')) continue;
        leading &= *from == 'e' || *from == '-';
        *to++ = *from;
    }
    if (to) *to = '\0';
    return at;
}

/* The pixels that the longest label takes. */
static double widest_of(const tics *t, double font)
{
    size_t longest = 0;
    for (double k = first_of(t); k <= last_of(t); k++) {
        char text[32];
        tic_text(t, k, text);
        longest = strlen(text) > longest ? strlen(text) : longest;
    }
    return (double)longest * 0.6 * font;
}

/* Sets tics at multiples of 1, 2 or 5 of a power of ten: as many as have room, at least two. */
static void choose_tics(ls_text *s, char axis, size_t count, double from, double to)
{
    double pixels = axis == 'x' ? plot_panel_wide(count) : plot_panel_high(count),
           font = font_of(count), unit = pow(10, floor(log10(to - from)) - 1);
    tics chosen = tics_of(from, to, unit);
    if (!(unit > 0)) return; /* denormal numbers: gnuplot's own tics */
    for (size_t i = 0;; i++) {
        tics t = tics_of(from, to, (double[]){1, 2, 5}[i % 3] * unit * pow(10, (double)(i / 3)));
        if (last_of(&t) - first_of(&t) < 1) break;
        chosen = t;
        double each = pixels * (t.step / (to - from));
        if (each >= 1.8 * font && (axis == 'y' || each >= widest_of(&t, font) + 0.8 * font)) break;
    }
    ls_text_add(s, "set %ctics (", axis);
    for (double k = first_of(&chosen); k <= last_of(&chosen); k++) {
        char text[32];
        double at = tic_text(&chosen, k, text);
        ls_text_add(s, "%s'%s' %.17g", k > first_of(&chosen) ? ", " : "", text, at);
    }
    ls_text_add(s, ")\n");
}

void plot_panel_range(ls_text *s, char axis, size_t count, double low, double high)
{
    const double most = 8e307;             /* differences are finite */
    if (!(low <= high)) low = 0, high = 1; /* there are no values */
    low = fmin(fmax(low, -most), most), high = fmin(fmax(high, -most), most);
    double margin = 0.04 * (high - low), size = fmax(fabs(low), fabs(high));
    if (!(margin > 1e-9 * size)) margin = size > 0 ? 0.05 * size : 0.5;
    ls_text_add(s, "set %crange [%.17g:%.17g]\n", axis, low - margin, high + margin);
    choose_tics(s, axis, count, low - margin, high + margin);
}

double plot_panel_base(double low, double high)
{
    double range = high - low, size = fmax(fabs(low), fabs(high));
    if (!(range > 0) || size < (size < 1e6 ? 1e4 : 30) * range) return 0;
    char text[32]; /* the label shows 15 digits of the base, so it has no more */
    double unit = pow(10, floor(log10(range)));
    snprintf(text, sizeof text, "%.15g", floor(low / unit) * unit);
    return strtod(text, NULL);
}

void plot_panel_add_base(char *label, size_t size, double base)
{
    size_t length = strlen(label);
    if (base > 0 || base < 0)
        snprintf(label + length, size - length, " %s %.15g", base > 0 ? "−" : "+", fabs(base));
}
