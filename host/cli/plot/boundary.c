/* SPDX-License-Identifier: MIT */
/* What a model makes of a plane: of its two features, or of the first two principal components of
 * many. */
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/plot/plot.h"
#include "host/data/split.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESH = 50,
    MESH_REGIONS = 102, /* points a side, the outermost outside the box: contours reach its edge,
                           and cells of an image fill it. The line between two classes is a contour
                           of the mesh, regions of more are its cells */
    POINTS = 300,       /* drawn; more would be a blot, and a large file */
    BLOCK = 4,
    TURNS = 50 /* vectors at work for the two that are wanted, and iterations */
};

/* ---- Principal components -------------------------------------------------------------------- */

/* Columns v[inputs × block] made orthonormal, in their order; one that is not independent gives way
 * to an axis that is. */
static void orthonormalize(double *v, size_t inputs, size_t block)
{
    for (size_t j = 0, spare = 0; j < block && spare <= inputs; j++) {
        double norm = 0, before = 0;
        for (size_t i = 0; i < inputs; i++) before += v[i * block + j] * v[i * block + j];
        for (size_t k = 0; k <= j; k++) {
            double dot = 0;
            for (size_t i = 0; i < inputs; i++) dot += v[i * block + j] * v[i * block + k];
            if (k == j) norm = sqrt(dot);
            else
                for (size_t i = 0; i < inputs; i++) v[i * block + j] -= dot * v[i * block + k];
        }
        if (norm > 1e-9 * sqrt(before)) {
            for (size_t i = 0; i < inputs; i++) v[i * block + j] /= norm;
            continue;
        }
        for (size_t i = 0; i < inputs; i++) v[i * block + j] = i == spare;
        spare++;
        j--; /* again, with the axis */
    }
}

/* y[inputs × block] = transpose(x)·(x·v), x: rows × inputs. */
static void multiply(const double *x, size_t rows, size_t inputs, const double *v, double *y,
                     size_t block)
{
    memset(y, 0, inputs * block * sizeof *y);
    for (size_t r = 0; r < rows; r++) {
        double u[BLOCK] = {0};
        for (size_t i = 0; i < inputs; i++)
            for (size_t j = 0; j < block; j++) u[j] += x[r * inputs + i] * v[i * block + j];
        for (size_t i = 0; i < inputs; i++)
            for (size_t j = 0; j < block; j++) y[i * block + j] += x[r * inputs + i] * u[j];
    }
}

/* Eigenvectors of the symmetric t[n × n] by Jacobi's rotations, as columns of q; t becomes
 * diagonal. */
static void diagonalize(double *t, double *q, size_t n)
{
    for (size_t i = 0; i < n * n; i++) q[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < 30; sweep++)
        for (size_t a = 0; a < n; a++)
            for (size_t b = a + 1; b < n; b++) {
                if (t[a * n + b] == 0) continue;
                double theta = (t[b * n + b] - t[a * n + a]) / (2 * t[a * n + b]);
                double tangent = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(tangent * tangent + 1), s = tangent * c;
                for (size_t k = 0; k < n; k++) {
                    double left = t[k * n + a], right = t[k * n + b];
                    t[k * n + a] = c * left - s * right, t[k * n + b] = s * left + c * right;
                    left = q[k * n + a], right = q[k * n + b];
                    q[k * n + a] = c * left - s * right, q[k * n + b] = s * left + c * right;
                }
                for (size_t k = 0; k < n; k++) {
                    double left = t[a * n + k], right = t[b * n + k];
                    t[a * n + k] = c * left - s * right, t[b * n + k] = s * left + c * right;
                }
            }
}

/* Column `which` of the largest eigenvalues into axis, with the sign that makes its largest entry
 * positive. */
static double take_axis(const double *v, const double *t, const double *q, size_t inputs,
                        size_t block, size_t which, double *axis)
{
    size_t place = 0, largest = 0;
    for (size_t j = 0; j < block; j++) {
        size_t above = 0;
        for (size_t k = 0; k < block; k++)
            above += t[k * (block + 1)] > t[j * (block + 1)] ||
                     (t[k * (block + 1)] == t[j * (block + 1)] && k < j);
        if (above == which) place = j;
    }
    for (size_t i = 0; i < inputs; i++) {
        axis[i] = 0;
        for (size_t j = 0; j < block; j++) axis[i] += v[i * block + j] * q[j * block + place];
        if (fabs(axis[i]) > fabs(axis[largest])) largest = i;
    }
    for (size_t i = 0, turn = axis[largest] < 0; i < inputs && turn; i++) axis[i] = -axis[i];
    return t[place * (block + 1)];
}

/* Subspace iteration on transpose(x)·x, from a start and for a number of turns that are always the
 * same, then Rayleigh and Ritz (Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM
 * Review 53, 2011). x: rows × inputs, centred. room: 2 · inputs · BLOCK. */
static void principal_axes(const double *x, size_t rows, size_t inputs, double *room, plot_plane *p)
{
    size_t block = inputs < BLOCK ? inputs : BLOCK;
    double *v = room, *y = room + inputs * block, t[BLOCK * BLOCK] = {0}, q[BLOCK * BLOCK], all = 0;
    for (size_t i = 0; i < inputs * block; i++)
        v[i] = (double)((i * 7919 + 104729) % 1009) / 1009 - 0.5;
    orthonormalize(v, inputs, block);
    for (int turn = 0; turn < TURNS; turn++) {
        multiply(x, rows, inputs, v, y, block);
        memcpy(v, y, inputs * block * sizeof *v);
        orthonormalize(v, inputs, block);
    }
    multiply(x, rows, inputs, v, y, block);
    for (size_t i = 0; i < inputs; i++)
        for (size_t j = 0; j < block * block; j++)
            t[j] += v[i * block + j / block] * y[i * block + j % block];
    diagonalize(t, q, block);
    for (size_t i = 0; i < rows * inputs; i++) all += x[i] * x[i];
    for (size_t k = 0; k < 2; k++) {
        double held = take_axis(v, t, q, inputs, block, k, p->axis[k]);
        p->share[k] = all > 0 ? held / all : 0;
    }
}

/* ---- The plane ------------------------------------------------------------------------------- */

/* Rows as the network sees them; *inputs is freed by the caller. */
static ls_status inputs_of(const ls_model *model, const ls_data *rows, float **inputs,
                           ls_error *err)
{
    LS_TRY(ls_alloc(inputs, ls_data_rows(rows), ls_model_features(model) * sizeof **inputs,
                    "the inputs", err));
    return ls_model_inputs(model, rows, *inputs, err);
}

/* Where rows lie on the plane: xy[rows × 2]. */
static ls_status project(const plot_plane *p, const ls_model *model, const ls_data *rows, float *xy,
                         ls_error *err)
{
    size_t n = ls_data_rows(rows);
    float *inputs = NULL;
    if (!p->principal) {
        memcpy(xy, ls_data_x(rows), n * 2 * sizeof *xy);
        return LS_OK;
    }
    ls_status status = inputs_of(model, rows, &inputs, err);
    for (size_t r = 0; r < 2 * n && status == LS_OK; r++) {
        double sum = 0;
        for (size_t i = 0; i < p->inputs; i++)
            sum += ((double)inputs[r / 2 * p->inputs + i] - p->mean[i]) * p->axis[r % 2][i];
        xy[r] = (float)sum;
    }
    free(inputs);
    return status;
}

static void find_box(const float *xy, size_t rows, double box[4])
{
    for (size_t j = 0; j < 2; j++) {
        double low = HUGE_VAL, high = -HUGE_VAL;
        for (size_t i = 0; i < rows; i++) {
            low = fmin(low, (double)xy[2 * i + j]);
            high = fmax(high, (double)xy[2 * i + j]);
        }
        if (!(low <= high)) low = high = 0; /* nothing but gaps */
        double margin = high > low ? 0.08 * (high - low) : 1;
        box[2 * j] = low - margin;
        box[2 * j + 1] = high + margin;
    }
}

static ls_status fit_axes(const ls_model *model, const ls_data *rows, plot_plane *p, ls_error *err)
{
    size_t n = ls_data_rows(rows), d = p->inputs;
    float *inputs = NULL;
    double *x = NULL;
    p->rows = n;
    LS_TRY(ls_alloc(&p->mean, d, sizeof *p->mean, "the principal components", err));
    for (size_t k = 0; k < 2; k++)
        LS_TRY(ls_alloc(&p->axis[k], d, sizeof *p->axis[k], "the principal components", err));
    ls_status status = inputs_of(model, rows, &inputs, err);
    if (status == LS_OK)
        status = ls_alloc(&x, n + 2 * BLOCK, d * sizeof *x, "the principal components", err);
    if (status == LS_OK) {
        for (size_t i = 0; i < n * d; i++) p->mean[i % d] += (double)inputs[i] / (double)n;
        for (size_t i = 0; i < n * d; i++) x[i] = (double)inputs[i] - p->mean[i % d];
        principal_axes(x, n, d, x + n * d, p);
    }
    free(x);
    free(inputs);
    return status;
}

/* Fits on `sample`, or on all where it is NULL; what is drawn later is a part of all. */
static ls_status fit(const ls_model *model, const ls_data *all, const ls_data *sample,
                     plot_plane *p, ls_error *err)
{
    float *xy;
    if (p->principal) LS_TRY(fit_axes(model, sample ? sample : all, p, err));
    const ls_data *rows = p->principal && sample ? sample : all;
    LS_TRY(ls_alloc(&xy, ls_data_rows(rows), 2 * sizeof *xy, "a boundary", err));
    ls_status status = project(p, model, rows, xy, err);
    if (status == LS_OK) find_box(xy, ls_data_rows(rows), p->box);
    free(xy);
    return status;
}

ls_status plot_plane_fit(const ls_model *model, const ls_data *points, plot_plane *out,
                         ls_error *err)
{
    size_t inputs = ls_model_features(model), most = ((size_t)1 << 20) / inputs;
    *out = (plot_plane){.inputs = inputs, .principal = inputs != 2 || ls_data_columns(points) != 2};
    if (inputs < 2)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "a boundary is drawn for two features or more, the model has one");
    ls_data *sample;
    LS_TRY(ls_data_thin(points, most < 500 ? 500 : most < 4000 ? most : 4000, &sample, err));
    ls_status status = fit(model, points, sample, out, err);
    ls_data_free(sample);
    if (status != LS_OK) plot_plane_free(out);
    return status;
}

void plot_plane_free(plot_plane *p)
{
    free(p->mean);
    free(p->axis[0]);
    free(p->axis[1]);
    *p = (plot_plane){0};
}

/* ---- Mesh ------------------------------------------------------------------------------------ */

typedef struct {
    size_t side;
    float *xy, *p; /* side² × 2 and × outputs */
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

/* Which of the mesh's points of a class lies deepest in its regions; SIZE_MAX where the class has
 * too little room for a name. */
static size_t deepest(const mesh *m, const unsigned char *depth, const size_t *class, size_t c)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < m->side * m->side; i++)
        if (class[i] == c && depth[i] > 4 && (best == SIZE_MAX || depth[i] > depth[best])) best = i;
    return best;
}

/* Steps from each point to the nearest one of another class, or to the edge. */
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

/* Regions of more than two classes bear their names: colour is never all. */
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
        char text[PLOT_NAME];
        if (plot_regions_numbered(model)) snprintf(text, sizeof text, "%zu", c + 1);
        else plot_short_name(ls_model_class_name(model, c), text);
        for (char *p = text; *p; p++)
            if (*p == '"' || *p == '\\' || *p == '`' || *p == '\n')
                *p = '\''; /* data blocks know no escapes */
        ls_text_add(s, "\"%s\"\n", text);
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

/* ---- Parts of the picture -------------------------------------------------------------------- */

ls_status plot_add_points(ls_text *s, const char *name, const ls_model *model,
                          const plot_plane *plane, const ls_data *points, ls_error *err)
{
    ls_data *part;
    float *xy = NULL;
    LS_TRY(ls_data_thin(points, POINTS, &part, err));
    const ls_data *rows = part ? part : points;
    ls_status status = ls_alloc(&xy, ls_data_rows(rows), 2 * sizeof *xy, "a boundary", err);
    if (status == LS_OK) status = project(plane, model, rows, xy, err);
    for (size_t c = 0; c < ls_data_classes(points) && status == LS_OK; c++) {
        ls_text_add(s, "$%s%zu << EOD\n-1e30 -1e30\n", name, c); /* a block that is never empty */
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
    mesh m = {.side = classes == 2 ? MESH : MESH_REGIONS};
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
    LS_TRY(plot_add_points(s, block, model, plane, points, err));
    /* between two classes the line itself is a contour of the mesh, where the decision changes */
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

/* A colour with so much white in it. */
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

void plot_add_regions(ls_text *s, size_t classes)
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

/* Points of one class: shapes that can be told apart, filled for rows trained on and hollow for
 * others. */
static void add_points(ls_text *s, const char *name, const ls_data *points, size_t c, bool hollow,
                       bool key)
{
    static const int shapes[] = {7, 9, 5, 13, 11, 15}; /* go round after six, colours after seven */
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
    int last = (classes == 2 ? MESH : MESH_REGIONS) - 2;
    ls_text_add(s, "plot $%s every 1:1:1:1:%d:%d using 1:2:3 with image notitle", name, last, last);
    if (classes == 2)
        ls_text_add(s, ", $%sL using 1:2 with lines lc rgb '#222222' lw 1 notitle", name);
    snprintf(block, sizeof block, "%sP", name);
    for (size_t c = 0; c < classes; c++)
        add_points(s, block, points, c, false, key && classes <= PLOT_MOST_KEYS);
    snprintf(block, sizeof block, "%sT", name);
    for (size_t c = 0; test && c < classes; c++) add_points(s, block, test, c, true, false);
    if (classes > 2)
        ls_text_add(s,
                    ", $%sN using 1:2:3 with labels tc rgb '#000000' font 'sans-serif,16' notitle",
                    name);
    ls_text_add(s, "\n");
}
