/* SPDX-License-Identifier: MIT */
/* Small multiples: several panels in one plot, two beside each other. One panel alone is a plot of
 * the usual size. */
#ifndef LS_CLI_PLOT_PANELS_H
#define LS_CLI_PLOT_PANELS_H

#include "host/base/text.h"

enum { PLOT_PANELS = 6 }; /* panels at most */

/* Begins a plot of `count` panels. A single one has a key above its axes, several have none. */
void plot_panels_begin(ls_text *script, size_t count);
/* Begins panel i: its margins, a title (NULL: none), and the labels of the axes. Settings of the
 * panel before stay, except for ranges, tics and labels. */
void plot_panel(ls_text *script, size_t i, size_t count, const char *title, const char *x_label,
                const char *y_label);
void plot_panels_end(ls_text *script, size_t count);

/* Width and height of the axes of a panel in pixels. */
double plot_panel_wide(size_t count);
double plot_panel_high(size_t count);

/* Sets the range of an axis ('x' or 'y') of a panel to [low, high] with some margin, and tics whose
 * labels do not touch. A range of a single value is widened. */
void plot_panel_range(ls_text *script, char axis, size_t count, double low, double high);

/* What to subtract from the values of an axis whose numbers are large compared with their range, so
 * that its tics differ and are short: a round number near the lowest; otherwise 0. */
double plot_panel_base(double low, double high);
/* Adds " − base" to a label of `size` bytes, unless base is 0. */
void plot_panel_add_base(char *label, size_t size, double base);

#endif
