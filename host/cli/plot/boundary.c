/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/boundary.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/base/visible.h"
#include "host/cli/plot/script.h"
#include "host/data/data.h"
#include "host/data/split.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Points per side of the mesh. The outermost points lie outside the box, so that contours reach
     * its edge and the cells of the image fill it. Two classes are separated by a contour line,
     * which needs fewer points than regions that are drawn as cells. */
    MESH_CONTOUR = 50,
    MESH_REGIONS = 102,
    POINTS = 300 /* rows drawn at most: more would hide the regions and make the file large */
};

/* ---- Mesh ------------------------------------------------------------------------------------ */

typedef struct {
    size_t side;
    float *xy, *p; /* side² × 2 coordinates and side² × outputs predictions */
} mesh;

static ls_status mesh_compute(mesh *m, const ls_model *model, ls_device *device,
                              const plot_plane *plane, ls_error *err)
{
    size_t n = m->side * m->side, d = plane->inputs;
    float *inputs = NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 2; j++)
            m->xy[2 * i + j] = (float)(plane->box[2 * j] +
                                       (plane->box[2 * j + 1] - plane->box[2 * j]) *
                                           ((double)(j ? i / m->side : i % m->side) - 0.5) /
                                           (double)(m->side - 2));
    if (!plane->principal) return ls_model_predict(model, device, m->xy, n, m->p, err);
    LS_TRY(ls_alloc(&inputs, n, d * sizeof *inputs, "a mesh", err));
    for (size_t i = 0; i < n * d; i++)
        inputs[i] = (float)(plane->mean[i % d] + (double)m->xy[i / d * 2] * plane->axis[0][i % d] +
                            (double)m->xy[i / d * 2 + 1] * plane->axis[1][i % d]);
    ls_status status = ls_model_predict_inputs(model, device, inputs, n, m->p, err);
    free(inputs);
    return status;
}

/* The mesh point of class c that is farthest from other classes; SIZE_MAX if the regions of the
 * class are too small for a label. */
static size_t deepest(const mesh *m, const unsigned char *depth, const size_t *class, size_t c)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < m->side * m->side; i++)
        if (class[i] == c && depth[i] > 4 && (best == SIZE_MAX || depth[i] > depth[best])) best = i;
    return best;
}

/* Distance of each point, in mesh steps, to the nearest point of another class or the edge: a
 * two-pass distance transform. */
static void find_depths(const mesh *m, const size_t *class, unsigned char *depth)
{
    size_t side = m->side, n = side * side;
    for (size_t i = 0; i < n; i++) {
        bool edge = i % side == 0 || i < side || class[i - 1] != class[i] ||
                    class[i - side] != class[i];
        depth[i] = edge ? 0
                        : (unsigned char)((depth[i - 1] < depth[i - side] ? depth[i - 1]
                                                                          : depth[i - side]) +
                                          1);
    }
    for (size_t i = n; i-- > 0;) {
        bool edge = i % side == side - 1 || i + side >= n || class[i + 1] != class[i] ||
                    class[i + side] != class[i];
        size_t after = edge ? 0
                            : (size_t)(depth[i + 1] < depth[i + side] ? depth[i + 1]
                                                                      : depth[i + side]) +
                                  1;
        if (after < depth[i]) depth[i] = (unsigned char)after;
    }
}

bool plot_regions_numbered(const ls_model *model)
{
    return ls_model_classes(model) > 4 && plot_names_width(model, 15) > 90;
}

/* Labels the regions of more than two classes, so that they differ not only in colour. */
static ls_status add_region_names(ls_text *s, const char *name, const ls_model *model,
                                  const mesh *m, ls_error *err)
{
    size_t n = m->side * m->side, outputs = ls_model_outputs(model), *class;
    unsigned char *depth;
    LS_TRY(ls_alloc(&class, n, sizeof *class + 1, "a mesh", err));
    depth = (unsigned char *)(class + n);
    for (size_t i = 0; i < n; i++) class[i] = ls_model_decide(model, m->p + i * outputs);
    find_depths(m, class, depth);
    ls_text_add(s, "$%sN << EOD\n-1e30 -1e30 \"\"\n", name);
    for (size_t c = 0; c < ls_model_classes(model); c++) {
        size_t at = deepest(m, depth, class, c);
        if (at == SIZE_MAX) continue;
        ls_text_add(s, "%.5g %.5g ", (double)m->xy[2 * at], (double)m->xy[2 * at + 1]);
        char text[PLOT_NAME], shown[PLOT_NAME];
        if (plot_regions_numbered(model)) snprintf(text, sizeof text, "%zu", c + 1);
        else plot_short_name(ls_model_class_name(model, c), text);
        ls_visible_copy(shown, sizeof shown, text);
        for (char *p = shown; *p; p++)
            if (*p == '"' || *p == '\\' || *p == '`')
                *p = '\''; /* data blocks have no escape sequences */
        ls_text_add(s, "\"%s\"\n", shown);
    }
    ls_text_add(s, "EOD\n");
    free(class);
    return LS_OK;
}

static void add_mesh(ls_text *s, const char *name, const ls_model *model, const mesh *m)
{
    size_t classes = ls_model_classes(model), outputs = ls_model_outputs(model);
    ls_text_add(s, "$%s << EOD\n", name);
    for (size_t i = 0; i < m->side * m->side; i++) {
        const float *p = m->p + i * outputs;
        ls_text_add(s, "%.5g %.5g ", (double)m->xy[2 * i], (double)m->xy[2 * i + 1]);
        if (classes == 2) ls_text_add(s, "%.3f\n", (double)p[outputs - 1]);
        else ls_text_add(s, "%zu.5\n", ls_model_decide(model, p));
        if ((i + 1) % m->side == 0) ls_text_add(s, "\n");
    }
    ls_text_add(s, "EOD\n");
}

/* ---- Parts of the plot ----------------------------------------------------------------------- */

/* Adds the rows of each class as data blocks `name` and the number of the class. Of many rows about
 * POINTS are taken, evenly. */
static ls_status add_points(ls_text *s, const char *name, const ls_model *model,
                            const plot_plane *plane, const ls_data *points, ls_error *err)
{
    ls_data *part;
    float *xy = NULL;
    LS_TRY(ls_data_thin(points, POINTS, &part, err));
    const ls_data *rows = part ? part : points;
    ls_status status = ls_alloc(&xy, ls_data_rows(rows), 2 * sizeof *xy, "a boundary", err);
    if (status == LS_OK) status = plot_plane_project(plane, model, rows, xy, err);
    for (size_t c = 0; c < ls_data_classes(points) && status == LS_OK; c++) {
        ls_text_add(s, "$%s%zu << EOD\n-1e30 -1e30\n", name, c); /* gnuplot rejects empty blocks */
        for (size_t i = 0; i < ls_data_rows(rows); i++)
            if ((size_t)ls_data_y(rows)[i] == c)
                ls_text_add(s, "%.4g %.4g\n", (double)xy[2 * i], (double)xy[2 * i + 1]);
        ls_text_add(s, "EOD\n");
    }
    free(xy);
    ls_data_free(part);
    return status;
}

ls_status plot_add_boundary(ls_text *s, const char *name, const ls_model *model, ls_device *device,
                            const plot_plane *plane, const ls_data *points, ls_error *err)
{
    size_t classes = ls_model_classes(model);
    mesh m = {.side = classes == 2 ? MESH_CONTOUR : MESH_REGIONS};
    LS_TRY(ls_alloc(&m.xy, m.side * m.side, (2 + ls_model_outputs(model)) * sizeof *m.xy, "a mesh",
                    err));
    m.p = m.xy + 2 * m.side * m.side;
    ls_status status = mesh_compute(&m, model, device, plane, err);
    if (status == LS_OK) add_mesh(s, name, model, &m);
    if (status == LS_OK && classes > 2) status = add_region_names(s, name, model, &m, err);
    free(m.xy);
    LS_TRY(status);
    char block[32];
    snprintf(block, sizeof block, "%sP", name);
    LS_TRY(add_points(s, block, model, plane, points, err));
    /* the line between two classes is the contour of the mesh at the decision threshold */
    const ls_decision decision = ls_model_decision(model);
    double threshold = isnan(decision.threshold) ? 0.5
                       : decision.positive       ? (double)decision.threshold
                                                 : 1 - (double)decision.threshold;
    if (classes == 2)
        ls_text_add(
            s,
            "set contour base\nunset surface\nset cntrparam levels discrete %.6g\nset table $%sL\nsplot $%s using 1:2:3 with lines\nunset table\nset surface\nunset contour\n",
            threshold, name, name);
    return LS_OK;
}

/* Adds a colour mixed with this share of white. */
static void add_tint(ls_text *s, const char *colour, double white)
{
    unsigned rgb;
    sscanf(colour, "#%6x", &rgb);
    ls_text_add(s, "'#");
    for (int shift = 16; shift >= 0; shift -= 8) {
        double part = (double)(rgb >> shift & 255);
        ls_text_add(s, "%02x", (unsigned)(part + (255 - part) * white));
    }
    ls_text_add(s, "'");
}

void plot_add_region_colours(ls_text *s, size_t classes)
{
    ls_text_add(s, "unset colorbox\n");
    if (classes == 2)
        ls_text_add(
            s,
            "set palette defined (0 '#7fb8d8', 0.5 '#f7f7f7', 1 '#eaaf7f')\nset cbrange [0:1]\n");
    if (classes <= 2) return;
    ls_text_add(s, "set palette maxcolors 0\nset palette defined (");
    for (size_t i = 0; i < 2 * classes; i++) {
        ls_text_add(s, "%s%zu ", i ? ", " : "", (i + 1) / 2);
        add_tint(s, plot_colour(i / 2), 0.55 + 0.1 * (double)(i / 14 % 3));
    }
    ls_text_add(s, ")\nset cbrange [0:%zu]\n", classes);
}

/* Draws the points of one class in its own shape and colour, filled or hollow. */
static void add_point_command(ls_text *s, const char *name, const ls_data *points, size_t c,
                              bool hollow, bool key)
{
    static const int shapes[] = {
        7,  9, 5, 13,
        11, 15}; /* six shapes and seven colours, combined differently for the first 42 classes */
    ls_text_add(s, ", $%s%zu using 1:2 with points pt %d ps %s lc rgb '%s' ", name, c,
                shapes[(c + c / 7) % 6] - hollow, hollow ? "0.55" : "0.45",
                c == 0   ? "#00456b"
                : c == 1 ? "#8a3d00"
                         : plot_colour(c));
    if (!key) {
        ls_text_add(s, "notitle");
        return;
    }
    ls_text_add(s, "title ");
    plot_add_name(s, ls_data_class_name(points, c), "");
}

void plot_add_boundary_command(ls_text *s, const char *name, const ls_data *points,
                               const ls_data *test, bool key)
{
    char block[32];
    size_t classes = ls_data_classes(points);
    int last = (classes == 2 ? MESH_CONTOUR : MESH_REGIONS) - 2;
    ls_text_add(s, "plot $%s every 1:1:1:1:%d:%d using 1:2:3 with image notitle", name, last, last);
    if (classes == 2)
        ls_text_add(s, ", $%sL using 1:2 with lines lc rgb '#222222' lw 1 notitle", name);
    snprintf(block, sizeof block, "%sP", name);
    for (size_t c = 0; c < classes; c++)
        add_point_command(s, block, points, c, false, key && classes <= PLOT_MOST_KEYS);
    snprintf(block, sizeof block, "%sT", name);
    for (size_t c = 0; test && c < classes; c++) add_point_command(s, block, test, c, true, false);
    if (classes > 2)
        ls_text_add(s,
                    ", $%sN using 1:2:3 with labels tc rgb '#000000' font 'sans-serif,16' notitle",
                    name);
    ls_text_add(s, "\n");
}

/* ---- The whole plot -------------------------------------------------------------------------- */

/* Rows of the key, with as many names per row as fit. */
static size_t key_rows(const ls_model *model)
{
    size_t names = ls_model_classes(model),
           columns = (size_t)(500 / (plot_names_width(model, 15) + 70));
    if (names > PLOT_MOST_KEYS) return 0;
    return (names + columns - 1) / columns;
}

ls_status plot_boundary(ls_text *s, const ls_model *model, ls_device *device,
                        const plot_plane *plane, const ls_data *data, const ls_data *test,
                        ls_error *err)
{
    const double *box = plane->box;
    size_t rows = key_rows(model);
    double below = 92 + 24 * (double)rows, high = 450 + below + 10;
    plot_begin(s, 560, (unsigned)high);
    LS_TRY(plot_add_boundary(s, "b", model, device, plane, data, err));
    if (test) LS_TRY(add_points(s, "bT", model, plane, test, err));
    plot_add_region_colours(s, ls_model_classes(model));
    ls_text_add(
        s,
        "unset grid\nset border 15 front\nset tics front out\nset xrange [%.5g:%.5g]\nset yrange [%.5g:%.5g]\n"
        "set lmargin at screen 0.15\nset rmargin at screen 0.97\nset tmargin at screen %.4f\nset bmargin at screen %.4f\nset key at screen 0.56, screen %.4f center top vertical maxrows %zu samplen 1\n",
        box[0], box[1], box[2], box[3], 1 - 10 / high, below / high, (below - 80) / high,
        rows ? rows : 1);
    for (size_t k = 0; k < 2; k++) {
        char name[80];
        snprintf(name, sizeof name, "%s principal component (%.3g %%)", k ? "second" : "first",
                 100 * plane->share[k]);
        const char *label = plane->principal ? name : ls_model_feature_name(model, k);
        double offset = plane->principal || !data->column ? 0 : data->column[k].offset;
        if (offset != 0) {
            snprintf(name, sizeof name, "%.48s - %.15g", label, offset);
            label = name;
        }
        if (k) plot_add_side_label(s, label);
        else {
            ls_text_add(s, "set xlabel ");
            plot_add_quoted(s, label);
            ls_text_add(s, "\n");
        }
    }
    plot_add_boundary_command(s, "b", data, test, true);
    return LS_OK;
}
