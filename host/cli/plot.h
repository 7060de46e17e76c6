/* SPDX-License-Identifier: MIT */
/* Pictures, drawn by gnuplot where it is installed. All are SVG with text and lines in the colour of the page around them, so that they
 * can be read on light and on dark. */
#ifndef LS_CLI_PLOT_H
#define LS_CLI_PLOT_H

#include "cli.h"

/* Whether gnuplot can be run. */
bool plot_possible(void);
/* What to say where it cannot. */
extern const char plot_absent[];

/* Begins a script: terminal, size in pixels, colours that colour-blind people tell apart, axes. title is the picture's name for those
 * who hear it rather than see it. */
void plot_begin(ls_text *script, unsigned width, unsigned height);
/* Text for between double quotes in a script. */
void plot_add_quoted(ls_text *script, const char *text);
/* Line number i, from 0: a colour and a pattern of dashes, so that colour is never all. */
void plot_add_line_style(ls_text *script, size_t i);

/* Runs a script; *svg, freed by the caller, is the finished picture. Errors: LS_ERR_UNSUPPORTED without gnuplot. */
ls_status plot_draw(const ls_text *script, const char *title, char **svg, ls_error *err);

/* A boundary of a model with two features, as gnuplot's data block `name`: x, y, score over a mesh (score: probability of the second
 * class, or the number of the class), and the block's points `nameP0`, `nameP1` … one a class. box receives the ranges of x and y. */
ls_status plot_add_boundary(ls_text *script, const char *name, const ls_model *model, const ls_data *points, double box[4], ls_error *err);
/* Draws it: the command after "plot". */
void plot_add_boundary_command(ls_text *script, const char *name, const ls_data *points, bool key);

#endif
