/* SPDX-License-Identifier: MIT */
#include "host/cli/plot/history_plots.h"
#include "host/base/error.h"
#include "host/cli/plot/axis.h"
#include "host/cli/plot/script.h"
#include <math.h>
#include <string.h>

enum { WIDE = 640, HIGH = 380 }; /* pixels */
/* The axes' shares of the plot's width and height; see the margins in add_epochs. */
#define AXIS_WIDE 0.835
#define AXIS_HIGH 0.65
/* At most about this many points of a curve, and hover areas. */
enum { POINTS = 400, STRIPS = 50 };

/* Draw every step-th of n points, so that about `most` are drawn. */
static size_t step_of(size_t n, size_t most) { return n > most ? n / most + 1 : 1; }

/* The index after i: step further, but the last point is always drawn. */
static size_t next_of(size_t i, size_t n, size_t step)
{
    return i + 1 < n && i + step >= n ? n - 1 : i + step;
}

static void add_loss_points(ls_text *s, const ls_history_point *h, size_t n, bool validation)
{
    size_t step = step_of(n, POINTS);
    ls_text_add(s, "$loss << EOD\n");
    for (size_t i = 0; i < n; i = next_of(i, n, step))
        ls_text_add(s, "%llu %.5g %.5g\n", (unsigned long long)h[i].epoch,
                    h[i].loss > 0 ? (double)h[i].loss : (double)NAN,
                    validation && h[i].validation_loss > 0 ? (double)h[i].validation_loss
                                                           : (double)NAN);
    if (!n) ls_text_add(s, "1 NaN NaN\n");
    ls_text_add(s, "EOD\n");
}

/* Hover areas: strips as high as the axis. */
static void add_loss_hover(ls_text *s, const ls_history_point *h, size_t n, bool validation,
                           double middle, double width, double height)
{
    size_t step = step_of(n, STRIPS);
    plot_hover_begin(s, "hover");
    for (size_t i = 0; i < n; i = next_of(i, n, step)) {
        unsigned long long epoch = h[i].epoch;
        double strip = fmin(width * (double)step / (double)(n > 1 ? n - 1 : 1), 60);
        if (validation)
            plot_add_hover(s, (double)epoch, middle, strip, height,
                           "epoch %llu: training %.5g, validation %.5g", epoch, (double)h[i].loss,
                           (double)h[i].validation_loss);
        else
            plot_add_hover(s, (double)epoch, middle, strip, height, "epoch %llu: %.5g", epoch,
                           (double)h[i].loss);
    }
    plot_hover_end(s);
}

/* The frame, the axis of epochs and a line at the epoch whose weights were kept. */
static void add_epochs(ls_text *s, const ls_model *model, const ls_history_point *h, size_t n)
{
    ls_summary summary = LS_INIT(ls_summary);
    ls_model_summary(model, &summary, NULL);
    ls_text_add(
        s,
        "set lmargin at screen 0.13\nset rmargin at screen 0.965\nset tmargin at screen 0.9\nset bmargin at screen 0.25\n");
    if (n < 2) ls_text_add(s, "set xrange [0:%llu]\n", n ? 2 * (unsigned long long)h[0].epoch : 2);
    else
        ls_text_add(s, "set xrange [%llu:%llu]\n", (unsigned long long)h[0].epoch,
                    (unsigned long long)h[n - 1].epoch);
    if (n > 1 && h[n - 1].epoch - h[0].epoch < 12) ls_text_add(s, "set xtics 1\n");
    if (summary.best_epoch && summary.best_epoch < summary.epochs)
        ls_text_add(
            s,
            "set arrow from %llu, graph 0 to %llu, graph 1 nohead dt 3 lc rgb '#888888'\nset label 'kept' at %llu, graph 0.95 %s tc rgb '" PLOT_INK
            "'\n",
            (unsigned long long)summary.best_epoch, (unsigned long long)summary.best_epoch,
            (unsigned long long)summary.best_epoch,
            2 * summary.best_epoch > summary.epochs ? "right offset -0.5,0" : "left offset 0.5,0");
    ls_text_add(
        s, "set format x '%%.0f'\nset xlabel 'epoch'\nset key outside top center horizontal\n");
}

/* The style of a curve of n points: few points are marked. */
static const char *curve(size_t n, int point, char room[40])
{
    if (n >= 40) return "lines";
    snprintf(room, 40, n < 2 ? "points pt %d" : "linespoints pt %d ps 0.35", point);
    return room;
}

void plot_loss(ls_text *s, const ls_model *model)
{
    size_t n;
    char room[40];
    const ls_history_point *h = ls_model_history(model, &n);
    bool validation = n && !isnan(h[n - 1].validation_loss);
    double low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < n; i++) {
        plot_widen((double)h[i].loss, &low, &high);
        plot_widen((double)h[i].validation_loss, &low, &high);
    }
    plot_begin(s, WIDE, HIGH);
    add_loss_points(s, h, n, validation);
    double middle = plot_add_range(s, "y", low, high);
    add_loss_hover(s, h, n, validation, middle, AXIS_WIDE * WIDE, AXIS_HIGH * HIGH);
    add_epochs(s, model, h, n);
    plot_add_side_label(s, "loss");
    ls_text_add(s, "plot $loss using 1:2 with %s ", curve(n, 7, room));
    plot_add_line_style(s, 0);
    ls_text_add(s, " title 'training', ");
    if (validation) {
        ls_text_add(s, "$loss using 1:3 with %s ", curve(n, 5, room));
        plot_add_line_style(s, 1);
        ls_text_add(s, " title 'validation', ");
    }
    plot_add_hover_command(s, "hover");
    ls_text_add(s, "\n");
}

bool plot_has_accuracy(const ls_model *model)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    return n && !isnan(h[n - 1].validation_accuracy);
}

void plot_accuracy(ls_text *s, const ls_model *model)
{
    size_t n;
    char room[40];
    const ls_history_point *h = ls_model_history(model, &n);
    double low = 1, high = 0;
    plot_begin(s, WIDE, HIGH);
    size_t step = step_of(n, POINTS), strips = step_of(n, STRIPS);
    ls_text_add(s, "$accuracy << EOD\n");
    for (size_t i = 0; i < n; i = next_of(i, n, step))
        ls_text_add(s, "%llu %.5g\n", (unsigned long long)h[i].epoch,
                    (double)h[i].validation_accuracy);
    ls_text_add(s, "EOD\n");
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, (double)h[i].validation_accuracy);
        high = fmax(high, (double)h[i].validation_accuracy);
    }
    double margin = fmax(0.06 * (high - low), 0.005), from = fmax(0, low - margin),
           to = fmin(1.005, high + margin);
    ls_text_add(s, "set yrange [%.6g:%.6g]\n", from, to);
    plot_hover_begin(s, "hover");
    for (size_t i = 0; i < n; i = next_of(i, n, strips))
        plot_add_hover(s, (double)h[i].epoch, (from + to) / 2,
                       fmin(AXIS_WIDE * WIDE * (double)strips / (double)(n > 1 ? n - 1 : 1), 60),
                       AXIS_HIGH * HIGH, "epoch %llu: %.4f", (unsigned long long)h[i].epoch,
                       (double)h[i].validation_accuracy);
    plot_hover_end(s);
    add_epochs(s, model, h, n);
    plot_add_side_label(s, "accuracy");
    ls_text_add(s, "plot $accuracy using 1:2 with %s ", curve(n, 5, room));
    plot_add_line_style(s, 1);
    ls_text_add(s, " title 'validation', ");
    plot_add_hover_command(s, "hover");
    ls_text_add(s, "\n");
}

/* ---- Several models ---------------------------------------------------------------------------
 */

ls_status plot_runs_check(const plot_member *run, size_t count, bool accuracy, ls_error *err)
{
    const ls_model *a = run[0].model;
    for (size_t i = 0; i < count; i++) {
        const ls_model *b = run[i].model;
        const char *what = ls_model_task(a) != ls_model_task(b)         ? "predict different things"
                           : ls_model_outputs(a) != ls_model_outputs(b) ? "have other outputs"
                           : strcmp(ls_model_option(a, "loss"), ls_model_option(b, "loss"))
                               ? "were trained with other losses"
                               : NULL;
        if (what)
            return ls_fail(err, LS_ERR_ARGUMENT, "%s and %s %s, so their curves cannot be compared",
                           run[0].name, run[i].name, what);
        if (accuracy && !plot_has_accuracy(b))
            return ls_fail(
                err, LS_ERR_ARGUMENT,
                "%s was trained without validation rows, so it has no accuracy per epoch",
                run[i].name);
    }
    return LS_OK;
}

/* What is drawn of a point. */
static double value_of(const ls_history_point *h, bool accuracy, bool validation)
{
    return accuracy     ? (double)h->validation_accuracy
           : validation ? (double)h->validation_loss
                        : (double)h->loss;
}

/* Whether all models have losses on validation rows. */
static bool have_validation(const plot_member *run, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t n;
        const ls_history_point *h = ls_model_history(run[i].model, &n);
        if (!n || isnan(h[n - 1].validation_loss)) return false;
    }
    return true;
}

/* The points of a model as a data block, and the range that they take. */
static void add_run(ls_text *s, const plot_member *run, size_t number, bool accuracy,
                    bool validation, double range[2], unsigned long long *last)
{
    size_t n;
    const ls_history_point *h = ls_model_history(run->model, &n);
    ls_text_add(s, "$run%zu << EOD\n", number);
    for (size_t i = 0; i < n; i = next_of(i, n, step_of(n, POINTS))) {
        double v = value_of(&h[i], accuracy, validation);
        plot_widen(v, &range[0], &range[1]);
        ls_text_add(s, "%llu %.5g\n", (unsigned long long)h[i].epoch,
                    v > 0 || accuracy ? v : (double)NAN);
        if (h[i].epoch > *last) *last = h[i].epoch;
    }
    if (!n) ls_text_add(s, "1 NaN\n");
    ls_text_add(s, "EOD\n");
}

/* Hover values: a small area around some of the points of a model. */
static void add_run_hover(ls_text *s, const plot_member *run, bool accuracy, bool validation)
{
    enum { AREA = 14 };
    size_t n;
    char name[PLOT_NAME];
    const ls_history_point *h = ls_model_history(run->model, &n);
    plot_short_name(run->name, name);
    for (size_t i = 0; i < n; i = next_of(i, n, step_of(n, STRIPS / 2))) {
        double v = value_of(&h[i], accuracy, validation);
        plot_add_hover(s, (double)h[i].epoch, v, AREA, AREA, "%s, epoch %llu: %.5g", name,
                       (unsigned long long)h[i].epoch, v);
    }
}

void plot_runs(ls_text *s, const plot_member *run, size_t count, bool accuracy)
{
    double range[2] = {HUGE_VAL, 0};
    unsigned long long last = 1;
    bool validation = accuracy || have_validation(run, count);
    size_t lines = (count + 2) / 3;
    plot_begin(s, WIDE, HIGH + 22 * (unsigned)lines);
    for (size_t i = 0; i < count; i++) add_run(s, &run[i], i, accuracy, validation, range, &last);
    if (accuracy)
        ls_text_add(s, "set yrange [%.6g:%.6g]\n", fmax(0, range[0] - 0.01),
                    fmin(1.005, range[1] + 0.01));
    else plot_add_range(s, "y", range[0], range[1]);
    plot_hover_begin(s, "hover");
    for (size_t i = 0; i < count; i++) add_run_hover(s, &run[i], accuracy, validation);
    plot_hover_end(s);
    ls_text_add(s,
                "set lmargin at screen 0.13\nset rmargin at screen 0.965\nset bmargin at screen "
                "0.16\nset xrange [1:%llu]\nset format x '%%.0f'\nset xlabel 'epoch'\nset key "
                "outside top center horizontal maxcols 3\n",
                last > 1 ? last : 2);
    plot_add_side_label(s, accuracy     ? "validation accuracy"
                           : validation ? "validation loss"
                                        : "training loss");
    ls_text_add(s, "plot ");
    for (size_t i = 0; i < count; i++) {
        ls_text_add(s, "$run%zu using 1:2 with %s ", i, last < 2 ? "points" : "lines");
        plot_add_line_style(s, i);
        ls_text_add(s, " title ");
        plot_add_name(s, run[i].name, "");
        ls_text_add(s, ", ");
    }
    plot_add_hover_command(s, "hover");
    ls_text_add(s, "\n");
}
