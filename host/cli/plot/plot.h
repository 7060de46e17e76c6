/* SPDX-License-Identifier: MIT */
/* Pictures, drawn by gnuplot where it is installed. All are SVG with text and lines in the colour
 * of the page around them, so that they can be read on light and on dark. */
#ifndef LS_CLI_PLOT_H
#define LS_CLI_PLOT_H

#include "host/base/text.h"
#include "host/cli/base/outcome.h"

/* What scripts draw in this colour takes the colour of the text around the picture. */
#define PLOT_INK "#010203"
/* Labels in this colour become places that show their text when the pointer is on them. */
#define PLOT_HOVER "#010204"

/* Whether gnuplot can be run. */
bool plot_possible(void);
/* What to say where it cannot. */
extern const char plot_absent[];

/* Begins a script: size in pixels, axes. */
void plot_begin(ls_text *script, unsigned width, unsigned height);
/* Text as a string of a script, whatever is in it. */
void plot_add_quoted(ls_text *script, const char *text);
/* Colour number i, from 0. */
const char *plot_colour(size_t i);
/* A name of at most 18 characters: the middle of a longer one is left out. */
enum { PLOT_NAME = 80 };
void plot_short_name(const char *name, char out[PLOT_NAME]);
/* The same for a script, in quotes, and what stands behind it. */
void plot_add_name(ls_text *script, const char *name, const char *behind);
/* The same as a tic's label and place: there gnuplot takes what stands behind a % for a format. */
void plot_add_tic(ls_text *script, const char *name, size_t place);
/* What the y axis says, at the picture's edge: gnuplot itself puts it beside the tics' labels, and
 * outside where these are long. */
void plot_add_side_label(ls_text *script, const char *text);
/* Pixels that the longest of the classes' names takes, about, in a font of so many. */
double plot_names_width(const ls_model *model, size_t font);
/* Line number i, from 0: a colour and a pattern of dashes, so that colour is never all. */
void plot_add_line_style(ls_text *script, size_t i);

/* Values that show where the pointer is: a data block `name` of them, each a rectangle of so many
 * pixels around x, y; then, as the last part of a plot command, what draws them. Only pictures in
 * SVG have them. */
void plot_hover_begin(ls_text *script, const char *name);
void plot_add_hover(ls_text *script, double x, double y, double width, double height,
                    const char *format, ...) __attribute__((format(printf, 6, 7)));
void plot_hover_end(ls_text *script);
void plot_add_hover_command(ls_text *script, const char *name);

/* Runs a script; *svg, freed by the caller, is the finished picture; title is its name for those
 * who hear it rather than see it, about (may be NULL) what it shows. Errors: LS_ERR_UNSUPPORTED
 * without gnuplot. */
ls_status plot_draw(const ls_text *script, const char *title, const char *about, char **svg,
                    ls_error *err);

/* gnuplot's SVG made ours; nothing is added where it is not of the kind expected. */
void plot_restyle(const char *raw, const char *title, const char *about, ls_text *out);

/* The same into a file, as its name says: .svg or .png. */
ls_status plot_draw_file(const ls_text *script, const char *title, const char *path, ls_error *err);

/* ---- Boundaries (plot_boundary.c) ------------------------------------------------------------ */

/* A plane of the inputs of a network: the two features where there are two, otherwise the plane
 * through the mean of the rows along their first two principal components. */
typedef struct {
    bool principal;
    size_t inputs, rows;    /* rows: that the components were computed from */
    double *mean, *axis[2]; /* inputs each, where principal */
    double share[2];        /* of the variance of the inputs, that the components hold */
    double box[4];          /* ranges of x and y that the rows take, and some margin */
} plot_plane;

/* Errors: LS_ERR_ARGUMENT for a single input. */
ls_status plot_plane_fit(const ls_model *model, const ls_data *points, plot_plane *out,
                         ls_error *err);
void plot_plane_free(plot_plane *plane);

/* A boundary of a model as gnuplot's data block `name`: x, y, score over a mesh (score: probability
 * of the second class, or the number of the class and a half), and the points `nameP0`, `nameP1` …
 * one a class. */
ls_status plot_add_boundary(ls_text *script, const char *name, const ls_model *model,
                            ls_device *device, const plot_plane *plane, const ls_data *points,
                            ls_error *err);
/* Points of all classes as data blocks, `name` and the class's number; of many rows some 300 are
 * taken, evenly. */
ls_status plot_add_points(ls_text *script, const char *name, const ls_model *model,
                          const plot_plane *plane, const ls_data *points, ls_error *err);
/* Whether the regions bear the numbers of the classes, from 1, as their names are too long for
 * that. */
bool plot_regions_numbered(const ls_model *model);
/* Colours of the regions of so many classes. */
void plot_add_regions(ls_text *script, size_t classes);
/* Draws it; test (may be NULL): points of the blocks `nameT0` …, which are drawn hollow. key: name
 * the classes, where they are few enough. */
enum { PLOT_MOST_KEYS = 12 };
void plot_add_boundary_command(ls_text *script, const char *name, const ls_data *points,
                               const ls_data *test, bool key);

/* ---- Pictures of one model (plot_model.c, plot_outcome.c); each writes a whole script -------- */

/* Training (and validation) loss an epoch. */
void plot_model_loss(ls_text *script, const ls_model *model);
/* Accuracy an epoch on the rows held out; plot_has_accuracy: whether there were any. */
bool plot_has_accuracy(const ls_model *model);
void plot_model_accuracy(ls_text *script, const ls_model *model);
/* Regions and points; test (may be NULL): rows that were held out, drawn hollow. */
ls_status plot_model_boundary(ls_text *script, const ls_model *model, ls_device *device,
                              const plot_plane *plane, const ls_data *data, const ls_data *test,
                              ls_error *err);
/* Norm of the gradient and share of saturated activations, a layer each. */
void plot_model_layers(ls_text *script, const ls_layer_info *layer, size_t count);
/* Counts, with each row's share as the shade. */
void plot_confusion(ls_text *script, const outcome *o);
/* Rows of each class; label: what data is; test may be NULL. */
void plot_balance(ls_text *script, const ls_model *model, const ls_data *data, const char *label,
                  const ls_data *test);
/* picture: "roc", or precision against recall. One curve for two classes, otherwise one a class
 * against all others, the worst where there are many. Errors: LS_ERR_DATA where all rows are of one
 * class. */
ls_status plot_curves(ls_text *script, const outcome *o, const char *picture, ls_error *err);
/* Of networks whose outputs are probabilities. */
void plot_calibration(ls_text *script, const outcome *o);
void plot_histogram(ls_text *script, const outcome *o);

#endif
