/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/number_plots.h"
#include "host/base/memory.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/residuals.h"
#include "host/cli/plot/panels.h"
#include "host/cli/plot/script.h"
#include "host/data/data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    POINTS = 300,      /* rows drawn at most, and 10 more with the largest residuals */
    HOVERS = 100,      /* of them with a hover value */
    FEW_POINTS = 600,  /* the same of all panels together, if there are several */
    CURVE_POINTS = 240 /* of the curve of a model of one input */
};

static size_t panels_of(const outcome *o)
{
    return o->targets < PLOT_PANELS ? o->targets : PLOT_PANELS;
}

/* The title of a target's panel, less `base`: NULL if there is one panel. */
static const char *title_of(const outcome *o, size_t target, double base, char out[2 * PLOT_NAME])
{
    plot_short_name(model_target_name(o->model, target), out);
    plot_panel_add_base(out, 2 * PLOT_NAME, base);
    return panels_of(o) > 1 ? out : NULL;
}

static void widen(double value, double *low, double *high)
{
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

/* marks[2 * rows]: the rows to draw, and those of them with a hover value; freed by the caller. */
static ls_status choose_rows(const outcome *o, size_t panels, bool **marks, ls_error *err)
{
    LS_TRY(ls_alloc(marks, o->rows, 2 * sizeof **marks, "the rows of a plot", err));
    residual_sample(o, panels > 1 ? FEW_POINTS / panels : POINTS, *marks);
    residual_sample(o, HOVERS, *marks + o->rows);
    return LS_OK;
}

/* ---- Predicted against true, residuals against predicted ------------------------------------- */

/* The point of a row: (true, predicted), or (predicted, residual). */
static void point_of(const outcome *o, size_t row, size_t target, bool residuals, double xy[2])
{
    double predicted = o->number[row * o->targets + target];
    xy[0] = residuals ? predicted : residual_truth(o, row, target);
    xy[1] = residuals ? residual_of(o, row, target) : predicted;
}

/* The ranges of x and y of the marked rows. */
static void range_of(const outcome *o, const bool *marks, size_t target, bool residuals,
                     double range[4])
{
    range[0] = range[2] = HUGE_VAL, range[1] = range[3] = -HUGE_VAL;
    for (size_t i = 0; i < o->rows; i++) {
        double xy[2];
        point_of(o, i, target, residuals, xy);
        if (!marks[i]) continue;
        widen(xy[0], &range[0], &range[1]);
        widen(xy[1], &range[2], &range[3]);
    }
}

/* Adds the points of the marked rows as a block, and hover areas if there is one panel. base: is
 * subtracted from true and predicted numbers. */
static void add_points(ls_text *s, const outcome *o, const bool *marks, size_t target,
                       bool residuals, double base)
{
    ls_text hover = {0};
    char name[16];
    int digits = residual_digits(o, target, 6);
    ls_text_add(s, "$points%zu << EOD\n", target);
    snprintf(name, sizeof name, "hover%zu", target);
    plot_hover_begin(&hover, name);
    ls_text_add(&hover, "-1e300 -1e300 -\n");
    for (size_t i = 0; i < o->rows; i++) {
        double xy[2];
        point_of(o, i, target, residuals, xy);
        if (!marks[i]) continue;
        xy[0] -= base;
        xy[1] -= residuals ? 0 : base;
        ls_text_add(s, "%.17g %.17g\n", xy[0], xy[1]);
        if (o->targets == 1 && marks[o->rows + i])
            plot_add_hover(&hover, xy[0], xy[1], 8, 8, "row %zu: true %.*g, predicted %.*g",
                           ls_data_row_number(o->data, i) + 1, digits, residual_truth(o, i, target),
                           digits, o->number[i * o->targets + target]);
    }
    plot_hover_end(&hover);
    ls_text_add(s, "EOD\n%s", hover.failed ? "" : hover.text);
    s->failed |= hover.failed;
    free(hover.text);
}

static void add_point_style(ls_text *s, size_t points)
{
    ls_text_add(s, "with points pt 7 ps %s lc rgb '%s' ", points > 100 ? "0.3" : "0.4",
                plot_colour(0));
}

static void add_hover_of(ls_text *s, size_t target)
{
    char name[16];
    snprintf(name, sizeof name, "hover%zu", target);
    plot_add_hover_command(s, name);
    ls_text_add(s, "\n");
}

ls_status plot_predicted(ls_text *s, const outcome *o, ls_error *err)
{
    size_t n = panels_of(o);
    double range[4];
    bool *marks;
    LS_TRY(choose_rows(o, panels_of(o), &marks, err));
    plot_panels_begin(s, n);
    for (size_t t = 0; t < n; t++) {
        range_of(o, marks, t, false, range);
        double low = fmin(range[0], range[2]), high = fmax(range[1], range[3]),
               base = plot_panel_base(low, high);
        char x_label[64] = "true", y_label[64] = "predicted", title[2 * PLOT_NAME];
        plot_panel_add_base(x_label, sizeof x_label, n > 1 ? 0 : base);
        plot_panel_add_base(y_label, sizeof y_label, n > 1 ? 0 : base);
        add_points(s, o, marks, t, false, base);
        plot_panel(s, t, n, title_of(o, t, base, title), x_label, y_label);
        plot_panel_range(s, 'x', n, low - base, high - base);
        plot_panel_range(s, 'y', n, low - base, high - base);
        ls_text_add(s,
                    "plot x with lines lc rgb '#888888' dt '-' lw 1 title 'predicted = true', "
                    "$points%zu using 1:2 ",
                    t);
        add_point_style(s, o->rows);
        ls_text_add(s, "notitle, ");
        add_hover_of(s, t);
    }
    plot_panels_end(s, n);
    free(marks);
    return LS_OK;
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* Adds the groups as block groupsN (x, mean residual) and hoverGN. base was subtracted from the
 * quantity, which hover values show with so many digits. */
static void add_groups(ls_text *s, size_t panel, const residual_group *group, size_t count,
                       double base, int digits)
{
    char name[24];
    ls_text_add(s, "$groups%zu << EOD\n", panel);
    for (size_t k = 0; k < count; k++) ls_text_add(s, "%.17g %.17g\n", group[k].by, group[k].mean);
    if (!count) ls_text_add(s, "NaN NaN\n");
    ls_text_add(s, "EOD\n");
    snprintf(name, sizeof name, "hoverG%zu", panel);
    plot_hover_begin(s, name);
    ls_text_add(s, "-1e300 -1e300 -\n");
    for (size_t k = 0; k < count; k++)
        plot_add_hover(s, group[k].by, group[k].mean, 16, 16,
                       "%.*g to %.*g: mean residual %.4g of %zu rows", digits, group[k].from + base,
                       digits, group[k].to + base, group[k].mean, group[k].rows);
    plot_hover_end(s);
}

/* Draws points, the line of zero and the means of the groups, joined by lines if the quantity is a
 * number. */
static void add_residual_command(ls_text *s, size_t panel, size_t rows, bool joined)
{
    char name[24];
    ls_text_add(s, "plot 0 with lines lc rgb '#888888' dt '-' lw 1 notitle, $points%zu using 1:2 ",
                panel);
    add_point_style(s, rows);
    ls_text_add(
        s,
        "notitle, $groups%zu using 1:2 with %s pt 5 ps 0.7 lc rgb '%s' title 'mean of a group', ",
        panel, joined ? "linespoints lw 1.6" : "points", plot_colour(1));
    snprintf(name, sizeof name, "hoverG%zu", panel);
    plot_add_hover_command(s, name);
}

static ls_status add_residual_panel(ls_text *s, const outcome *o, const bool *marks, size_t target,
                                    double *by, ls_error *err)
{
    size_t n = panels_of(o), groups;
    residual_group group[RESIDUAL_GROUPS];
    double range[4];
    char label[64] = "predicted", title[2 * PLOT_NAME];
    range_of(o, marks, target, true, range);
    double base = plot_panel_base(range[0], range[1]);
    plot_panel_add_base(label, sizeof label, base);
    for (size_t i = 0; i < o->rows; i++) by[i] = o->number[i * o->targets + target] - base;
    LS_TRY(residual_groups(o, target, by, o->rows, group, &groups, NULL, err));
    add_points(s, o, marks, target, true, base);
    add_groups(s, target, group, groups, base, residual_digits(o, target, 4));
    plot_panel(s, target, n, title_of(o, target, 0, title), label, "true − predicted");
    plot_panel_range(s, 'x', n, range[0] - base, range[1] - base);
    plot_panel_range(s, 'y', n, fmin(range[2], 0), fmax(range[3], 0));
    add_residual_command(s, target, o->rows, true);
    ls_text_add(s, ", ");
    add_hover_of(s, target);
    return LS_OK;
}

ls_status plot_residuals(ls_text *s, const outcome *o, ls_error *err)
{
    size_t n = panels_of(o);
    bool *marks;
    double *by = NULL;
    LS_TRY(choose_rows(o, panels_of(o), &marks, err));
    ls_status status = ls_alloc(&by, o->rows, sizeof *by, "the residuals", err);
    plot_panels_begin(s, n);
    for (size_t t = 0; t < n && status == LS_OK; t++)
        status = add_residual_panel(s, o, marks, t, by, err);
    plot_panels_end(s, n);
    free(by);
    free(marks);
    return status;
}

/* ---- Histogram ------------------------------------------------------------------------------- */

static void add_bins(ls_text *s, size_t panel, size_t panels, const residual_bins *bins,
                     size_t most)
{
    char name[16];
    ls_text_add(s, "$bins%zu << EOD\n", panel);
    for (size_t k = 0; k < RESIDUAL_BINS; k++)
        ls_text_add(s, "%.17g %zu\n", bins->low + ((double)k + 0.5) * bins->width, bins->rows[k]);
    ls_text_add(s, "EOD\n");
    snprintf(name, sizeof name, "hover%zu", panel);
    plot_hover_begin(s, name);
    for (size_t k = 0; k < RESIDUAL_BINS; k++) {
        bool first = bins->clipped && k == 0, last = bins->clipped && k + 1 == RESIDUAL_BINS;
        double from = bins->low + (double)k * bins->width;
        plot_add_hover(s, from + bins->width / 2, (double)most / 2,
                       plot_panel_wide(panels) / (RESIDUAL_BINS + 2), plot_panel_high(panels),
                       "%.4g to %.4g%s: %zu rows", from, from + bins->width,
                       first  ? " and below"
                       : last ? " and above"
                              : "",
                       bins->rows[k]);
    }
    plot_hover_end(s);
}

ls_status plot_residual_histogram(ls_text *s, const outcome *o, ls_error *err)
{
    size_t n = panels_of(o);
    plot_panels_begin(s, n);
    for (size_t t = 0; t < n; t++) {
        residual_bins bins;
        char title[2 * PLOT_NAME];
        size_t most = 1;
        LS_TRY(residual_histogram(o, t, &bins, err));
        for (size_t k = 0; k < RESIDUAL_BINS; k++) most = bins.rows[k] > most ? bins.rows[k] : most;
        add_bins(s, t, n, &bins, most);
        plot_panel(s, t, n, title_of(o, t, 0, title), "true − predicted", "rows");
        plot_panel_range(s, 'x', n, bins.low, bins.low + RESIDUAL_BINS * bins.width);
        ls_text_add(
            s,
            "set yrange [0:%g]\nset boxwidth %.17g\nset arrow 1 from 0, graph 0 to 0, graph "
            "1 nohead lc rgb '#888888' dt '-' lw 1\nplot $bins%zu using 1:2 with boxes fs "
            "solid 0.8 lc rgb '%s' notitle, ",
            1.05 * (double)most, 0.9 * bins.width, t, plot_colour(0));
        add_hover_of(s, t);
    }
    plot_panels_end(s, n);
    return LS_OK;
}

/* ---- By input -------------------------------------------------------------------------------- */

/* The name of a column, and of the target if there are several. */
static void input_label(const outcome *o, const residual_input *input, double base, char *out,
                        size_t size)
{
    ls_column_info info = LS_INIT(ls_column_info);
    char column[PLOT_NAME], target[PLOT_NAME];
    bool named = ls_data_column(o->data, input->column, &info, NULL) == LS_OK;
    plot_short_name(named ? info.name : "", column);
    plot_panel_add_base(column, sizeof column, base);
    plot_short_name(model_target_name(o->model, input->target), target);
    if (o->targets > 1) snprintf(out, size, "%s (residuals of %s)", column, target);
    else snprintf(out, size, "%s", column);
}

/* Cuts a name to `most` characters. */
static void cut_name(const char *name, size_t most, char out[PLOT_NAME])
{
    size_t bytes = 0, characters = 0;
    for (; name[bytes] && bytes + 8 < PLOT_NAME; bytes++) {
        bool begins = ((unsigned char)name[bytes] & 0xC0) != 0x80;
        if (begins && characters++ == most) break;
    }
    snprintf(out, PLOT_NAME, "%.*s%s", (int)bytes, name, name[bytes] ? "…" : "");
}

/* The names of categories as tics, if there are few. wide: pixels of the axis. */
static void add_category_tics(ls_text *s, const ls_data *data, size_t column, size_t categories,
                              double wide)
{
    size_t most = (size_t)(wide / (double)categories / 9);
    ls_text_add(s, "set xtics (");
    for (size_t k = 0; k < categories && most >= 3; k++) {
        char name[PLOT_NAME];
        cut_name(ls_data_category(data, column, k, NULL), most - 1, name);
        ls_text_add(s, "%s", k ? ", " : "");
        plot_add_tic(s, name, k);
    }
    ls_text_add(s, ")\n");
}

static ls_status add_input_panel(ls_text *s, const outcome *o, const bool *marks,
                                 const residual_input *input, size_t panel, size_t panels,
                                 double *by, ls_error *err)
{
    residual_group group[RESIDUAL_GROUPS];
    size_t groups;
    char label[2 * PLOT_NAME + 32];
    double x[2] = {HUGE_VAL, -HUGE_VAL}, y[2] = {0, 0};
    ls_column_info info = LS_INIT(ls_column_info);
    LS_TRY(ls_data_column(o->data, input->column, &info, err));
    for (size_t i = 0; i < o->rows; i++) {
        by[i] = residual_value(o->data, i, input->column);
        if (!isnan(by[i])) widen(by[i], &x[0], &x[1]);
    }
    double base = plot_panel_base(x[0], x[1]);
    for (size_t i = 0; i < o->rows; i++) by[i] -= base;
    x[0] -= base, x[1] -= base;
    LS_TRY(residual_groups(o, input->target, by, o->rows, group, &groups, NULL, err));
    ls_text_add(s, "$points%zu << EOD\n", panel);
    for (size_t i = 0; i < o->rows; i++) {
        double residual = residual_of(o, i, input->target);
        if (!marks[i] || isnan(by[i])) continue;
        widen(residual, &y[0], &y[1]);
        ls_text_add(s, "%.17g %.17g\n", by[i], residual);
    }
    ls_text_add(s, "NaN NaN\nEOD\n");
    add_groups(s, panel, group, groups, base, base > 0 || base < 0 ? 15 : 4);
    input_label(o, input, base, label, sizeof label);
    plot_panel(s, panel, panels, NULL, label, "true − predicted");
    if (info.categorical) {
        ls_text_add(s, "set xrange [-0.5:%g]\n", (double)info.categories - 0.5);
        add_category_tics(s, o->data, input->column, info.categories, plot_panel_wide(panels));
    } else plot_panel_range(s, 'x', panels, x[0], x[1]);
    plot_panel_range(s, 'y', panels, y[0], y[1]);
    add_residual_command(s, panel, o->rows, !info.categorical);
    ls_text_add(s, "\n");
    return LS_OK;
}

ls_status plot_residuals_by_input(ls_text *s, const outcome *o, ls_error *err)
{
    residual_input input[RESIDUAL_INPUTS];
    size_t n;
    bool *marks = NULL;
    double *by = NULL;
    LS_TRY(residual_inputs(o, input, &n, err));
    if (!n) return ls_fail(err, LS_ERR_DATA, "no input has more than one value in these rows");
    LS_TRY(choose_rows(o, n, &marks, err));
    ls_status status = ls_alloc(&by, o->rows, sizeof *by, "the residuals", err);
    plot_panels_begin(s, n);
    for (size_t k = 0; k < n && status == LS_OK; k++)
        status = add_input_panel(s, o, marks, &input[k], k, n, by, err);
    plot_panels_end(s, n);
    free(by);
    free(marks);
    return status;
}

/* ---- The curve of a model of one input ------------------------------------------------------- */

bool plot_has_curve(const outcome *o)
{
    return o->number && ls_data_columns(o->data) == 1 && ls_model_features(o->model) == 1;
}

/* The model's numbers on evenly spaced values of its input. cells: as in ls_data_x. */
static ls_status compute_curve(const outcome *o, ls_device *device, float low, float high,
                               float *cells, double *numbers, ls_error *err)
{
    const ls_data rows = {
        .rows = CURVE_POINTS, .columns = 1, .x = cells, .column = o->data->column};
    for (size_t i = 0; i < CURVE_POINTS; i++)
        cells[i] = (float)((double)low +
                           ((double)high - (double)low) * (double)i / (CURVE_POINTS - 1));
    return ls_model_predict_numbers(o->model, device, &rows, numbers, err);
}

static void add_curve(ls_text *s, const outcome *o, const bool *marks, const float *cells,
                      const double *numbers, double offset)
{
    size_t n = panels_of(o);
    double low = (double)cells[0] + offset, high = (double)cells[CURVE_POINTS - 1] + offset,
           base = plot_panel_base(low, high);
    char label[2 * PLOT_NAME];
    plot_short_name(ls_model_feature_name(o->model, 0), label);
    plot_panel_add_base(label, sizeof label, base);
    for (size_t t = 0; t < n; t++) {
        double y[2] = {HUGE_VAL, -HUGE_VAL};
        char name[2 * PLOT_NAME];
        const char *title;
        for (size_t i = 0; i < o->rows; i++)
            if (marks[i] && !isnan(residual_value(o->data, i, 0)))
                widen(residual_truth(o, i, t), &y[0], &y[1]);
        for (size_t i = 0; i < CURVE_POINTS; i++) widen(numbers[i * o->targets + t], &y[0], &y[1]);
        double y_base = plot_panel_base(y[0], y[1]);
        ls_text_add(s, "$points%zu << EOD\n", t);
        for (size_t i = 0; i < o->rows; i++) {
            double x = residual_value(o->data, i, 0);
            if (!marks[i] || isnan(x)) continue;
            ls_text_add(s, "%.17g %.17g\n", x - base, residual_truth(o, i, t) - y_base);
        }
        ls_text_add(s, "NaN NaN\nEOD\n$curve%zu << EOD\n", t);
        for (size_t i = 0; i < CURVE_POINTS; i++)
            ls_text_add(s, "%.17g %.17g\n", (double)cells[i] + offset - base,
                        numbers[i * o->targets + t] - y_base);
        ls_text_add(s, "EOD\n");
        title = title_of(o, t, y_base, name);
        plot_panel(s, t, n, title, label, title ? "" : name);
        plot_panel_range(s, 'x', n, low - base, high - base);
        plot_panel_range(s, 'y', n, y[0] - y_base, y[1] - y_base);
        ls_text_add(s, "plot $points%zu using 1:2 ", t);
        add_point_style(s, o->rows);
        ls_text_add(
            s, "title 'rows', $curve%zu using 1:2 with lines lw 1.8 lc rgb '%s' title 'model'\n", t,
            plot_colour(1));
    }
}

ls_status plot_curve(ls_text *s, const outcome *o, ls_device *device, ls_error *err)
{
    const float *x = ls_data_x(o->data);
    float low = HUGE_VALF, high = -HUGE_VALF, *cells = NULL;
    bool *marks = NULL;
    double *numbers = NULL, offset = o->data->column ? o->data->column->offset : 0;
    for (size_t i = 0; i < o->rows; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    if (!(low <= high))
        return ls_fail(err, LS_ERR_DATA, "the only input is missing in all of these rows");
    LS_TRY(choose_rows(o, panels_of(o), &marks, err));
    ls_status status = ls_alloc(&cells, CURVE_POINTS, sizeof *cells, "a curve", err);
    if (status == LS_OK)
        status = ls_alloc(&numbers, CURVE_POINTS, o->targets * sizeof *numbers, "a curve", err);
    if (status == LS_OK) status = compute_curve(o, device, low, high, cells, numbers, err);
    plot_panels_begin(s, panels_of(o));
    if (status == LS_OK) add_curve(s, o, marks, cells, numbers, offset);
    plot_panels_end(s, panels_of(o));
    free(numbers);
    free(cells);
    free(marks);
    return status;
}
