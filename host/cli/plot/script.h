/* SPDX-License-Identifier: MIT */
/* Parts of gnuplot scripts that the plots share: frame, colours, names, hover values. */
#ifndef LS_CLI_PLOT_SCRIPT_H
#define LS_CLI_PLOT_SCRIPT_H

#include "host/base/text.h"
#include "host/include/lockstep.h"

/* Scripts draw text and axes in this colour; plot_restyle replaces it by the colour of the text
 * around the plot, so that a plot can be read on a light and on a dark background. */
#define PLOT_INK "#010203"
/* plot_restyle turns labels in this colour into areas that show their text under the pointer. */
#define PLOT_HOVER "#010204"

/* Sizes in pixels of plots that stand in pairs. */
enum { PLOT_PAIRED = 460 };
/* Bytes for a shortened name, including its NUL. */
enum { PLOT_NAME = 80 };

/* Begins a script: size in pixels, axes. */
void plot_begin(ls_text *script, unsigned width, unsigned height);
/* Adds text as a string literal; any text is allowed. */
void plot_add_quoted(ls_text *script, const char *text);
/* Colour number i, from 0. */
const char *plot_colour(size_t i);
/* Line style number i, from 0: a colour and a dash pattern, so that lines differ without colour. */
void plot_add_line_style(ls_text *script, size_t i);

/* Shortens a name to at most 18 characters by leaving out its middle. */
void plot_short_name(const char *name, char out[PLOT_NAME]);
/* Adds a shortened name and a suffix as one string literal. */
void plot_add_name(ls_text *script, const char *name, const char *suffix);
/* Adds a shortened name as the label of a tic at a position; % is escaped, because gnuplot reads
 * tic labels as formats. */
void plot_add_tic(ls_text *script, const char *name, size_t position);
/* Adds the class names as tics of an axis ('x' or 'y'), at most about 20 of more than 40 classes.
 * font: size in pixels; upright: rotates the labels by 90 degrees. */
void plot_add_class_tics(ls_text *script, char axis, const ls_model *model, size_t font,
                         bool upright);
/* Approximate width in pixels of the longest class name in a font of this size. */
double plot_names_width(const ls_model *model, size_t font);
/* Adds a label of the y axis at the left edge of the plot. gnuplot's own ylabel stands beside the
 * tic labels and leaves the plot when those are long. */
void plot_add_side_label(ls_text *script, const char *text);

/* Hover values: texts shown when the pointer is over an area of the plot (SVG only).
 * plot_hover_begin opens a data block `name`, plot_add_hover adds an area of width x height pixels
 * around (x, y), and plot_add_hover_command is the last part of the plot command. */
void plot_hover_begin(ls_text *script, const char *name);
void plot_add_hover(ls_text *script, double x, double y, double width, double height,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));
void plot_hover_end(ls_text *script);
void plot_add_hover_command(ls_text *script, const char *name);

#endif
