/* SPDX-License-Identifier: MIT */
/* From gnuplot's SVG to the SVG of reports and plot files. */
#ifndef LS_CLI_PLOT_SVG_H
#define LS_CLI_PLOT_SVG_H

#include "host/base/text.h"

/* Adds gnuplot's SVG with text and lines in the colour of the surrounding text, hover values, and
 * `title` and `description` (may be NULL) for screen readers. Adds nothing if raw is not in the
 * expected form. */
void plot_restyle(const char *raw, const char *title, const char *description, ls_text *out);

#endif
