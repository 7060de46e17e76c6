/* SPDX-License-Identifier: MIT */
/* The most frequent colour is the ground; every other colour is one path, a stroke for each run of
 * cells in a row. That is several times less text than an element for each cell. */
#include "host/cli/plot/pixels.h"
#include "host/cli/base/html.h"
#include <math.h>
#include <string.h>

enum { COLOURS = 0x1000 };

static size_t over(size_t a, size_t b) { return (a + b - 1) / b; }

pixels pixels_begin(size_t high, size_t wide)
{
    pixels p = {.factor = 1};
    while (over(high, p.factor) * over(wide, p.factor) > PIXELS_MOST) p.factor++;
    p.high = over(high, p.factor);
    p.wide = over(wide, p.factor);
    return p;
}

/* The mean of the cells that a cell of the picture stands for. */
static double mean_of(const pixels *p, size_t rows, size_t columns, const float *value, size_t step,
                      size_t cell)
{
    size_t top = cell / p->wide * p->factor, left = cell % p->wide * p->factor, n = 0;
    double sum = 0;
    for (size_t y = top; y < top + p->factor && y < rows; y++)
        for (size_t x = left; x < left + p->factor && x < columns; x++, n++)
            sum += (double)value[(y * columns + x) * step];
    return sum / (double)n;
}

void pixels_shade(pixels *p, size_t rows, size_t columns, const float *value, size_t step,
                  double black, double white, unsigned levels, unsigned channels)
{
    for (size_t i = 0; i < p->high * p->wide; i++) {
        double share = (mean_of(p, rows, columns, value, step, i) - black) / (white - black);
        share = share > 0 ? fmin(share, 1) : 0; /* also of what is not a number */
        double level = floor(share * (levels - 1) + 0.5);
        unsigned digit = (unsigned)(level * (PIXELS_LEVELS - 1) / (levels - 1) + 0.5);
        p->colour[i] = (unsigned short)(p->colour[i] + digit * channels);
    }
}

/* The strokes of a colour: x and y of its first cell, and the length of each run. */
static void add_runs(const pixels *p, unsigned colour, ls_text *svg)
{
    for (size_t y = 0; y < p->high; y++)
        for (size_t x = 0, from; x < p->wide; x++) {
            const unsigned short *row = p->colour + y * p->wide;
            for (from = x; x < p->wide && row[x] == colour; x++) continue;
            if (x > from) ls_text_add(svg, "M%zu %zuh%zu", from, y, x - from);
        }
}

void pixels_draw(const pixels *p, double x, double y, double width, double height,
                 const char *title, ls_text *svg)
{
    size_t count[COLOURS] = {0}, ground = 0;
    for (size_t i = 0; i < p->high * p->wide; i++) count[p->colour[i]]++;
    for (size_t c = 0; c < COLOURS; c++)
        if (count[c] > count[ground]) ground = c;
    double cell_wide = width / (double)p->wide, cell_high = height / (double)p->high;
    ls_text_add(svg, "<g transform=\"translate(%.1f %.1f) scale(%.4g %.4g)\"><title>", x,
                y + cell_high / 2, cell_wide, cell_high);
    html_add(svg, title);
    ls_text_add(svg, "</title><path fill=\"#%03zx\" stroke=\"none\" d=\"M0-.5h%zuv%zuh-%zuz\"/>\n",
                ground, p->wide, p->high, p->wide);
    for (size_t c = 0; c < COLOURS; c++) {
        if (!count[c] || c == ground) continue;
        ls_text_add(svg, "<path stroke=\"#%03zx\" d=\"", c);
        add_runs(p, (unsigned)c, svg);
        ls_text_add(svg, "\"/>\n");
    }
    ls_text_add(svg, "</g>\n");
    ls_text_add(svg, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", x - 0.5,
                y - 0.5, width + 1, height + 1);
}
