/* SPDX-License-Identifier: MIT */
/* Pictures of one model: how its loss fell, what it makes of the plane, where it errs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "plot.h"

/* ---- Loss -------------------------------------------------------------------------------------------------------- */

void plot_model_loss(ls_text *s, const ls_model *model)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    bool validation = n && !isnan(h[n - 1].validation_loss);
    size_t step = n > 400 ? n / 400 + 1 : 1; /* more points than the picture has pixels say nothing */
    plot_begin(s, 760, 400);
    ls_text_add(s, "$loss << EOD\n");
    for (size_t i = 0; i < n; i += i + 1 < n && i + step >= n ? n - 1 - i : step)
        ls_text_add(s, "%llu %.5g %.5g\n", (unsigned long long)h[i].epoch, (double)h[i].loss, validation ? (double)h[i].validation_loss : (double)NAN);
    ls_text_add(s, "EOD\nset logscale y\nset format y '%%g'\nset format x '%%.0f'\nset xrange [*:*] noextend\nset xlabel 'epoch'\nset ylabel 'loss'\n"
                   "set key outside bottom center horizontal\nplot $loss using 1:2 with %s ", n < 3 ? "points pt 7" : "lines");
    plot_add_line_style(s, 0);
    ls_text_add(s, " title 'training'");
    if (validation) {
        ls_text_add(s, ", $loss using 1:3 with lines ");
        plot_add_line_style(s, 1);
        ls_text_add(s, " title 'validation'");
    }
    ls_text_add(s, "\n");
}

/* ---- Boundary ---------------------------------------------------------------------------------------------------- */

static void add_axis(ls_text *s, const char *axis, const char *name)
{
    ls_text_add(s, "set %slabel ", axis);
    plot_add_quoted(s, name);
    ls_text_add(s, "\n");
}

ls_status plot_model_boundary(ls_text *s, const ls_model *model, const ls_data *data, const ls_data *test, ls_error *err)
{
    double box[4];
    plot_begin(s, 640, 600);
    LS_TRY(plot_add_boundary(s, "b", model, data, box, err));
    ls_text_add(s, "unset grid\nset border 15 front\nset tics front out\nset palette defined (0 '#7fb8d8', 0.5 '#f7f7f7', 1 '#eaaf7f')\nset cbrange [0:1]\nunset colorbox\n"
                   "set xrange [%.5g:%.5g]\nset yrange [%.5g:%.5g]\nset bmargin 5.5\nset key outside bottom center horizontal\n", box[0], box[1], box[2], box[3]);
    add_axis(s, "x", ls_model_feature_name(model, 0));
    add_axis(s, "y", ls_model_feature_name(model, 1));
    for (size_t c = 0; test && c < ls_data_classes(test); c++) plot_add_class(s, "bT", test, c);
    plot_add_boundary_command(s, "b", data, test, true);
    return LS_OK;
}

/* ---- Confusion --------------------------------------------------------------------------------------------------- */

void plot_model_confusion(ls_text *s, const ls_model *model, const ls_metrics *m)
{
    size_t n = m->classes;
    plot_begin(s, 620, 560);
    ls_text_add(s, "$cells << EOD\n");
    for (size_t i = 0; i < n; i++) {
        double all = 0;
        for (size_t j = 0; j < n; j++) all += (double)m->confusion[i * n + j];
        for (size_t j = 0; j < n; j++) {
            double count = (double)m->confusion[i * n + j];
            ls_text_add(s, "%zu %zu %.4f %.0f\n", j, i, all > 0 ? count / all : 0, count);
        }
    }
    ls_text_add(s, "EOD\nunset grid\nset border 15\nset palette defined (0 '#ffffff', 1 '#56B4E9')\nset cbrange [0:1]\nset cblabel 'share of the row' tc rgb '#888888'\n"
                   "set xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\nset xlabel 'predicted class'\nset ylabel 'true class'\n", n - 1, n - 1);
    for (int axis = 0; axis < 2; axis++) {
        ls_text_add(s, "set %ctics (", "xy"[axis]);
        for (size_t i = 0; i < n; i++) {
            ls_text_add(s, "%s", i ? ", " : "");
            plot_add_quoted(s, ls_model_class_name(model, i));
            ls_text_add(s, " %zu", i);
        }
        ls_text_add(s, ")%s\n", axis == 0 && n > 12 ? " rotate by -40" : "");
    }
    ls_text_add(s, "plot $cells using 1:2:3 with image pixels notitle, $cells using 1:2:(sprintf('%%d', $4)) with labels tc rgb '#111111' notitle\n");
}

/* ---- ROC --------------------------------------------------------------------------------------------------------- */

typedef struct {
    float score;
    int32_t positive;
} scored;

static int by_score(const void *a, const void *b)
{
    float x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x < y) - (x > y);
}

/* One point where the score changes, and none on a straight line. */
static void add_roc(ls_text *s, const scored *row, size_t n)
{
    double positives = 0, tp = 0, fp = 0;
    size_t every = n > 2000 ? n / 2000 : 1, since = 0;
    for (size_t i = 0; i < n; i++) positives += row[i].positive;
    double negatives = (double)n - positives;
    ls_text_add(s, "$roc << EOD\n0 0\n");
    for (size_t i = 0; i < n; i++) {
        if (row[i].positive) tp++;
        else fp++;
        since++;
        bool last = i + 1 == n;
        if (!last && (row[i + 1].score == row[i].score || since < every)) continue;
        since = 0;
        ls_text_add(s, "%.5g %.5g\n", negatives > 0 ? fp / negatives : 0, positives > 0 ? tp / positives : 0);
    }
    ls_text_add(s, "EOD\n");
}

ls_status plot_model_roc(ls_text *s, const ls_model *model, ls_device *device, const ls_data *data, ls_error *err)
{
    size_t rows = ls_data_rows(data), outputs = ls_model_outputs(model);
    float *p;
    scored *row;
    if (ls_model_classes(model) != 2) return ls_fail(err, LS_ERR_ARGUMENT, "a ROC curve is drawn for two classes, the model has %zu", ls_model_classes(model));
    LS_TRY(ls_alloc(&row, rows, sizeof *row, "the ROC curve", err));
    ls_status status = ls_alloc(&p, rows * outputs, sizeof *p, "the ROC curve", err);
    if (status == LS_OK) status = ls_model_predict(model, device, ls_data_x(data), rows, p, err);
    for (size_t i = 0; i < rows && status == LS_OK; i++) row[i] = (scored){p[i * outputs + outputs - 1], ls_data_y(data)[i]};
    if (status == LS_OK) {
        qsort(row, rows, sizeof *row, by_score);
        plot_begin(s, 600, 560);
        add_roc(s, row, rows);
        ls_text_add(s, "set xrange [-0.01:1]\nset yrange [0:1.02]\nset size square\nset xlabel 'false positive rate'\nset ylabel 'true positive rate'\nset key bottom right\n"
                       "plot x with lines lc rgb '#888888' dt '-' lw 1 title 'chance', $roc using 1:2 with lines ");
        plot_add_line_style(s, 0);
        ls_text_add(s, " title 'model'\n");
    }
    free(p);
    free(row);
    return status;
}
