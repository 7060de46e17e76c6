/* SPDX-License-Identifier: MIT */
#include "host/cli/experiment/plots.h"
#include "host/base/file.h"
#include "host/base/text.h"
#include "host/cli/base/terminal.h"
#include "host/cli/plot/boundary.h"
#include "host/cli/plot/gnuplot.h"
#include "host/cli/plot/script.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 }; /* rows in a plot */

/* The results of a plot's group. */
static size_t group_of(const exp_session *s, const exp_plot *p, const exp_result *list[MOST])
{
    size_t n = 0;
    for (size_t i = 0; i < s->results && n < MOST; i++) {
        const exp_row *row = s->result[i].row;
        if (s->result[i].run && !strcmp(row->experiment, p->experiment) &&
            !strcmp(row->group, p->group))
            list[n++] = &s->result[i];
    }
    return n;
}

/* ---- Curves ---------------------------------------------------------------------------------- */

/* The points of a curve, at most one per 3 % of epochs, because the axis is logarithmic. Returns
 * their number. */
static size_t add_curve(const exp_session *s, const exp_result *r, size_t number, ls_text *text)
{
    size_t points = 0, kept = 0;
    double next = 0;
    for (size_t k = 0; k < s->order->seeds; k++)
        if (r->run[k].points > points) points = r->run[k].points;
    ls_text_add(text, "$c%zu << EOD\n", number);
    for (size_t k = 0; k < points; k++) {
        uint64_t epoch;
        double loss;
        if (!exp_median_loss(s, r, k, &epoch, &loss) || ((double)epoch < next && k + 1 < points))
            continue;
        ls_text_add(text, "%llu %.4g\n", (unsigned long long)epoch, loss);
        next = (double)epoch * 1.03;
        kept++;
    }
    if (!kept) ls_text_add(text, "1 NaN\n");
    ls_text_add(text, "EOD\n");
    return kept;
}

static void add_curves(const exp_session *s, const exp_plot *p, const exp_result **list, size_t n,
                       ls_text *text)
{
    bool curve[MOST];
    plot_begin(text, 760, 430);
    for (size_t i = 0; i < n; i++) curve[i] = add_curve(s, list[i], i, text) > 1;
    ls_text_add(
        text,
        "set logscale xy\nset format y '%%g'\nset format x '%%.0f'\nset xrange [*:*] noextend\nset xlabel 'epoch'\nset ylabel ");
    plot_add_quoted(text, p->label);
    ls_text_add(
        text,
        "\nset bmargin 6\nset key outside bottom center horizontal maxrows 3 samplen 3\nplot ");
    for (size_t i = 0; i < n; i++) {
        ls_text_add(text, "%s$c%zu using 1:2 with lines ", i ? ", " : "", i);
        plot_add_line_style(text, i);
        ls_text name = {0};
        ls_text_add(&name, "%s%s", list[i]->row->name,
                    curve[i]            ? ""
                    : list[i]->diverged ? " (diverged)"
                                        : " (stopped at different epochs)");
        ls_text_add(text, " title ");
        plot_add_quoted(text, name.failed ? "" : name.text);
        text->failed |= name.failed;
        free(name.text);
    }
    ls_text_add(text, "\n");
}

/* ---- Boundaries ------------------------------------------------------------------------------ */

static ls_status add_boundaries(const exp_result **list, size_t n, ls_text *text, ls_error *err)
{
    const unsigned columns = n == 4 ? 2 : n >= 3 ? 3 : n == 2 ? 2 : 1;
    const unsigned rows = (unsigned)(n + columns - 1) / columns;
    plot_plane plane[MOST] = {{0}};
    char name[16];
    ls_status status = LS_OK;
    plot_begin(text, 330 * columns, 340 * rows);
    for (size_t i = 0; i < n && status == LS_OK; i++) {
        const ls_model *model = list[i]->run[0].model;
        snprintf(name, sizeof name, "b%zu", i);
        if (model) status = plot_plane_fit(model, list[i]->train, &plane[i], err);
        if (model && status == LS_OK)
            status = plot_add_boundary(text, name, model, NULL, &plane[i], list[i]->train, err);
    }
    plot_add_region_colours(text, n ? ls_data_classes(list[0]->train) : 2);
    ls_text_add(
        text,
        "unset grid\nset border 15 front\nset tics front out font ',12'\n"
        "set lmargin 8\nset rmargin 1\nset tmargin 2\nset bmargin 3.5\nset multiplot layout %u,%u\n"
        "set xtics autofreq\nset ytics autofreq\nset xlabel 'x₁' offset 0,0.6\nset ylabel 'x₂' offset 1,0\n",
        rows, columns);
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "b%zu", i);
        if (!list[i]->run[0].model) continue;
        const double *b = plane[i].box;
        ls_text_add(text, "set xrange [%.5g:%.5g]\nset yrange [%.5g:%.5g]\nset title ", b[0], b[1],
                    b[2], b[3]);
        plot_add_quoted(text, list[i]->row->name);
        ls_text_add(text, " offset 0,-0.5\n");
        plot_add_boundary_command(text, name, list[i]->train, NULL, false);
    }
    ls_text_add(text, "unset multiplot\n");
    for (size_t i = 0; i < n; i++) plot_plane_free(&plane[i]);
    return status;
}

/* ---- Epochs until 30 % ----------------------------------------------------------------------- */

static void add_thirty(const exp_session *s, const exp_result **list, size_t n, ls_text *text)
{
    double least = HUGE_VAL, most = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < s->order->seeds; k++) {
            least = fmin(least, list[i]->run[k].metric[EXP_THIRTIETH]); /* fmin, fmax ignore NaN */
            most = fmax(most, list[i]->run[k].metric[EXP_THIRTIETH]);
        }
    if (!(most > 0)) least = most = 10;
    plot_begin(text, 760, 380);
    ls_text_add(text, "$seeds << EOD\n");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < s->order->seeds; k++)
            if (!isnan(list[i]->run[k].metric[EXP_THIRTIETH]))
                ls_text_add(text, "%g %.9g\n",
                            (double)i + 0.03 * ((double)k - (double)(s->order->seeds - 1) / 2),
                            list[i]->run[k].metric[EXP_THIRTIETH]);
    ls_text_add(text, "-9 1\nEOD\n$means << EOD\n");
    for (size_t i = 0; i < n; i++)
        if (list[i]->counted[EXP_THIRTIETH])
            ls_text_add(text, "%zu %.9g\n", i, list[i]->mean[EXP_THIRTIETH]);
    ls_text_add(
        text,
        "-9 1\nEOD\nset logscale y\nset bmargin 3.5\nset xrange [-0.5:%zu.5]\nset yrange [%.6g:%.6g]\nset format y '%%.0f'\nset ylabel 'epochs until 30 %% of the first loss'\nset xtics (",
        n - 1, fmax(least / 4, 1), most * 4);
    for (size_t i = 0; i < n; i++) {
        char label[96];
        size_t reached = list[i]->counted[EXP_THIRTIETH];
        if (reached == s->order->seeds) snprintf(label, sizeof label, "%.60s", list[i]->row->name);
        else
            snprintf(label, sizeof label, "%.60s\n(%zu of %zu)", list[i]->row->name, reached,
                     s->order->seeds);
        ls_text_add(text, "%s", i ? ", " : "");
        plot_add_quoted(text, label);
        ls_text_add(text, " %zu", i);
    }
    ls_text_add(
        text,
        ")\nset key outside top center horizontal maxrows 1\nplot $seeds using 1:2 with points pt 6 ps 0.6 lc rgb '#0072B2' title 'one seed', "
        "$means using 1:2 with points pt 1 ps 1.4 lc rgb '#D55E00' title 'mean of the seeds that reach it'\n");
}

/* ---- All plots ------------------------------------------------------------------------------- */

static ls_status draw(const exp_session *s, const exp_plot *p, char **svg, ls_error *err)
{
    const exp_result *list[MOST];
    size_t n = group_of(s, p, list);
    ls_text script = {0};
    ls_status status = LS_OK;
    char path[4096];
    if (!n) return LS_OK;
    if (p->kind == EXP_CURVES) add_curves(s, p, list, n, &script);
    else if (p->kind == EXP_THIRTY) add_thirty(s, list, n, &script);
    else status = add_boundaries(list, n, &script, err);
    if (status == LS_OK) status = plot_draw(&script, p->title, NULL, svg, err);
    free(script.text);
    LS_TRY(status);
    snprintf(path, sizeof path, "%s/%s-%s.svg", s->order->folder, p->experiment, p->name);
    return ls_write_file(path, *svg, strlen(*svg), err);
}

void exp_draw(const exp_session *s, char **svg, losses *lost)
{
    ls_error err;
    ls_status possible = plot_check(&err);
    if (possible == LS_ERR_UNSUPPORTED) {
        terminal_print(stderr, "lockstep experiment: %s\n", plot_absent);
        return;
    }
    if (!losses_check(lost, possible, &err)) return;
    for (size_t i = 0; i < exp_plot_count; i++)
        if (strstr(s->order->letters, exp_plots[i].experiment))
            losses_check(lost, draw(s, &exp_plots[i], &svg[i], &err), &err);
}
