/* SPDX-License-Identifier: MIT */
/* Decision regions of a model on a plane, with the rows as points. */
#ifndef LS_CLI_PLOT_BOUNDARY_H
#define LS_CLI_PLOT_BOUNDARY_H

#include "host/base/text.h"
#include "host/cli/plot/plane.h"

/* Adds the decision regions as gnuplot's data block `name`: x, y, score over a mesh (score: the
 * probability of the second class, or the number of the class plus a half), and the points
 * `nameP0`, `nameP1` ..., one block per class. */
ls_status plot_add_boundary(ls_text *script, const char *name, const ls_model *model,
                            ls_device *device, const plot_plane *plane, const ls_data *points,
                            ls_error *err);
/* Returns true if the regions are labelled with class numbers, from 1, because the class names are
 * too long. */
bool plot_regions_numbered(const ls_model *model);
/* Sets the colours of the regions of this many classes. */
void plot_add_region_colours(ls_text *script, size_t classes);
/* Draws the regions; test (may be NULL): points of the blocks `nameT0` ..., which are drawn hollow.
 * key: list the class names, if there are at most PLOT_MOST_KEYS. */
enum { PLOT_MOST_KEYS = 12 };
void plot_add_boundary_command(ls_text *script, const char *name, const ls_data *points,
                               const ls_data *test, bool key);

/* The whole script of a plot of the regions and rows; test (may be NULL): rows drawn hollow. */
ls_status plot_boundary(ls_text *script, const ls_model *model, ls_device *device,
                        const plot_plane *plane, const ls_data *data, const ls_data *test,
                        ls_error *err);

#endif
