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

/* Begins a script: size in pixels, axes. */
void plot_begin(ls_text *script, unsigned width, unsigned height);
/* Text for between double quotes in a script. */
void plot_add_quoted(ls_text *script, const char *text);
/* Line number i, from 0: a colour and a pattern of dashes, so that colour is never all. */
void plot_add_line_style(ls_text *script, size_t i);

/* Runs a script; *svg, freed by the caller, is the finished picture; title is its name for those who hear it rather than see it. Errors: LS_ERR_UNSUPPORTED without gnuplot. */
ls_status plot_draw(const ls_text *script, const char *title, char **svg, ls_error *err);

/* The same into a file, as its name says: .svg or .png. */
ls_status plot_draw_file(const ls_text *script, const char *title, const char *path, ls_error *err);

/* A boundary of a model with two features, as gnuplot's data block `name`: x, y, score over a mesh (score: probability of the second
 * class, or the number of the class), and the block's points `nameP0`, `nameP1` … one a class. box receives the ranges of x and y. */
ls_status plot_add_boundary(ls_text *script, const char *name, const ls_model *model, const ls_data *points, double box[4], ls_error *err);
/* A class's points as a data block, `name` and the class's number; of many rows some 400 are taken, evenly. */
void plot_add_class(ls_text *script, const char *name, const ls_data *points, size_t class);
/* Draws it; test (may be NULL): points of the blocks `nameT0` …, which are drawn hollow. */
void plot_add_boundary_command(ls_text *script, const char *name, const ls_data *points, const ls_data *test, bool key);

/* ---- Pictures of one model (plot_model.c); each writes a whole script ---- */

/* Training (and validation) loss an epoch. */
void plot_model_loss(ls_text *script, const ls_model *model);
/* Regions and points; test (may be NULL): rows that were held out, drawn hollow. Errors: LS_ERR_ARGUMENT for other than two features. */
ls_status plot_model_boundary(ls_text *script, const ls_model *model, const ls_data *data, const ls_data *test, ls_error *err);
/* Counts, with each row's share as the shade. */
void plot_model_confusion(ls_text *script, const ls_model *model, const ls_metrics *metrics);
/* Errors: LS_ERR_ARGUMENT for other than two classes. */
ls_status plot_model_roc(ls_text *script, const ls_model *model, ls_device *device, const ls_data *data, ls_error *err);

#endif
