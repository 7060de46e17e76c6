/* SPDX-License-Identifier: MIT */
#include "bench/bench_fleet_plot.h"
#include "bench/files.h"
#include <stdlib.h>

static void add_csv(const bench_fleet_point *points, size_t count, ls_text *text)
{
    ls_text_add(
        text,
        "device,threads,members,epochs,seconds,seconds_adding,member_steps_per_second,resident_before,resident_peak\n");
    for (const bench_fleet_point *p = points; p < points + count; p++)
        ls_text_add(text, "\"%s\",%zu,%zu,%zu,%.6g,%.6g,%.6g,%.0f,%.0f\n", p->device, p->threads,
                    p->members, p->epochs, p->seconds, p->adding,
                    (double)p->members * (double)p->epochs / p->seconds, p->opening, p->peak);
}

static double memory_of(const bench_fleet_point *p) { return 1e-6 * (p->peak - p->opening); }

static bool same_curve(const bench_fleet_point *a, const bench_fleet_point *b)
{
    return a->device == b->device;
}

/* One data block per device. */
static void add_curves(const bench_fleet_point *points, size_t count, ls_text *text)
{
    for (size_t first = 0, d = 0, end; first < count; first = end, d++) {
        ls_text_add(text, "$d%zu << EOD\n", d);
        for (end = first; end < count && same_curve(&points[first], &points[end]); end++)
            ls_text_add(text, "%zu %.6g %.6g\n", points[end].members, points[end].seconds,
                        memory_of(&points[end]));
        ls_text_add(text, "EOD\n");
    }
}

/* One panel: a curve per device, and through its last point a line proportional to the members. */
static void add_panel(const bench_fleet_point *points, size_t count, int column, const char *title,
                      const char *unit, ls_text *text)
{
    static const char *const colour[] = {"#0072b2", "#d55e00", "#009e73", "#000000"};
    static const int point[] = {7, 5, 9, 13};
    ls_text_add(text, "set title '%s' noenhanced\nset ylabel '%s'\nplot ", title, unit);
    for (size_t first = 0, d = 0, end; first < count; first = end, d++) {
        for (end = first + 1; end < count && same_curve(&points[first], &points[end]);) end++;
        const bench_fleet_point *last = &points[end - 1];
        double slope = (column == 2 ? last->seconds : memory_of(last)) / (double)last->members;
        ls_text_add(text, "%s%.6g * x with lines lc rgb '#999999' dt 2 lw 1.5 %s, ", d ? ", " : "",
                    slope, d ? "notitle" : "title 'proportional to the members'");
        ls_text_add(
            text,
            "$d%zu using 1:%d with linespoints lc rgb '%s' lw 2 pt %d ps 0.9 title \"%s\" noenhanced",
            d, column, colour[d % 4], point[d % 4], last->device);
    }
    ls_text_add(text, "\n");
}

static void add_plot(const bench_options *o, const bench_fleet_point *points, size_t count,
                     ls_text *text)
{
    char title[128];
    size_t most = 10;
    for (size_t i = 0; i < count; i++) most = points[i].members > most ? points[i].members : most;
    add_curves(points, count, text);
    ls_text_add(
        text,
        "set terminal svg size 1040,500 background 'white' font 'sans-serif,13' rounded\nset output '%s.svg'\n",
        o->out);
    ls_text_add(
        text,
        "set multiplot layout 1,2 title 'Fleets of %s, %zu rows, full batch, %s: time and memory against members' noenhanced\n",
        o->network, o->rows, o->optimizer);
    ls_text_add(
        text,
        "set logscale xy 10\nset grid xtics ytics lc rgb '#dddddd' lw 1\nset border lc rgb '#444444'\nunset mxtics\nunset mytics\n"
        "set tics nomirror\nset format x '%%.0f'\nset format y '%%g'\nset xlabel 'members' offset 0,0.4\n"
        "set key below center vertical reverse Left samplen 2 spacing 1.1 width 1 maxcols 1\nset xrange [8:%.4g]\n",
        1.25 * (double)most);
    snprintf(title, sizeof title, "Time of %zu epochs, from the first member added",
             points[0].epochs);
    add_panel(points, count, 2, title, "time (s)", text);
    add_panel(points, count, 3, "Peak resident memory above that before the first member",
              "memory (MB)", text);
}

ls_status bench_fleet_files(const bench_options *o, const bench_fleet_point *points, size_t count,
                            ls_error *err)
{
    ls_text csv = {0}, plot = {0};
    LS_TRY(bench_check_out(o, err));
    add_csv(points, count, &csv);
    add_plot(o, points, count, &plot);
    ls_status status = bench_write_files(o, &csv, &plot, err);
    free(csv.text);
    free(plot.text);
    return status;
}
