/* SPDX-License-Identifier: MIT */
#include "bench/bench_sweep.h"
#include "bench/bench_peak.h"
#include "bench/files.h"
#include "bench/run.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 9, SMALLEST_WIDTH = 64, SMALLEST_BATCH = 16 };

/* The measurements of a device. Points for which it has too little memory have 0 seconds. */
typedef struct {
    char name[sizeof((ls_device_info *)0)->name];
    double peak;                /* FLOP/s */
    double seconds[SIDE][SIDE]; /* of a step, [width][batch] */
    bool cliff[SIDE][SIDE];
} sheet;

typedef struct {
    bench_options *options;
    size_t widths, batches; /* numbers of widths (64, 128 …) and batches (16, 32 …) */
    sheet *sheets;
    size_t count;
} sweep;

static size_t width_at(size_t w) { return (size_t)SMALLEST_WIDTH << w; }
static size_t batch_at(size_t b) { return (size_t)SMALLEST_BATCH << b; }

/* Operations of a step, as bench_run.flops. */
static double flops_at(size_t w, size_t b)
{
    double width = (double)width_at(w);
    return 2.0 * (double)batch_at(b) *
           (2.0 * 784.0 * width + 3.0 * width * width + 3.0 * 10.0 * width);
}

static double rate_at(const sheet *s, size_t w, size_t b)
{
    return s->seconds[w][b] > 0 ? flops_at(w, b) / s->seconds[w][b] : 0;
}

/* Seconds of a step at one point: the median of the repetitions. */
static ls_status measure(const sweep *s, ls_device *device, size_t w, size_t b, double *seconds,
                         double *spread, ls_error *err)
{
    bench_options o = *s->options;
    bench_run r;
    char network[64];
    snprintf(network, sizeof network, "784-%zu-%zu-10", width_at(w), width_at(w));
    o.network = network;
    o.batch = batch_at(b);
    LS_TRY(bench_run_open(&o, device, &r, err));
    ls_status status = bench_time_steps(&o, &r, seconds, spread, err);
    bench_run_close(&r);
    return status;
}

/* ---- Cliffs ---------------------------------------------------------------------------------- */

/* A point compared with a neighbour: no slower than expected; slower, but explained by fixed costs;
 * or a cliff. */
typedef enum { LEVEL, SLOPE, CLIFF } view;

/* A larger network or batch should not run at half the rate of a smaller one. A smaller one may, as
 * long as it takes no longer than the larger one: launches and the optimizer's pass over the
 * weights cost the same for few rows as for many. */
static view seen_from(const sheet *s, size_t w, size_t b, size_t nw, size_t nb)
{
    double here = rate_at(s, w, b), there = rate_at(s, nw, nb);
    if (!(here > 0) || !(there > 0) || here >= 0.5 * there) return LEVEL;
    return nw < w || nb < b || s->seconds[w][b] > 1.1 * s->seconds[nw][nb] ? CLIFF : SLOPE;
}

static view worst_view(const sweep *s, const sheet *of, size_t w, size_t b)
{
    view worst = LEVEL, seen[4] = {w > 0 ? seen_from(of, w, b, w - 1, b) : LEVEL,
                                   w + 1 < s->widths ? seen_from(of, w, b, w + 1, b) : LEVEL,
                                   b > 0 ? seen_from(of, w, b, w, b - 1) : LEVEL,
                                   b + 1 < s->batches ? seen_from(of, w, b, w, b + 1) : LEVEL};
    for (int i = 0; i < 4; i++) worst = seen[i] > worst ? seen[i] : worst;
    return worst;
}

/* Measures the points that look like cliffs again, because another program may have used the
 * processor; keeps the better time. */
static ls_status measure_again(const sweep *s, ls_device *device, sheet *of, ls_error *err)
{
    for (size_t w = 0; w < s->widths; w++)
        for (size_t b = 0; b < s->batches; b++) {
            double seconds;
            if (worst_view(s, of, w, b) != CLIFF) continue;
            LS_TRY(measure(s, device, w, b, &seconds, NULL, err));
            if (seconds < of->seconds[w][b]) of->seconds[w][b] = seconds;
        }
    return LS_OK;
}

static void report_cliffs(const sweep *s, sheet *of)
{
    size_t cliffs = 0, slopes = 0;
    bool json = s->options->json;
    for (size_t w = 0; w < s->widths; w++)
        for (size_t b = 0; b < s->batches; b++) {
            view seen = worst_view(s, of, w, b);
            of->cliff[w][b] = seen == CLIFF;
            cliffs += seen == CLIFF;
            slopes += seen == SLOPE;
            if (seen == CLIFF && !json)
                printf("cliff: width %zu batch %zu, %.1f GFLOP/s\n", width_at(w), batch_at(b),
                       1e-9 * rate_at(of, w, b));
        }
    if (json) return;
    if (!cliffs) printf("no cliffs");
    else printf("%zu cliff%s", cliffs, cliffs == 1 ? "" : "s");
    printf("; %zu points have less than half the rate of a larger neighbour but take no longer\n",
           slopes);
}

static ls_status sweep_device(const sweep *s, ls_device *device, sheet *of, ls_error *err)
{
    bench_options *o = s->options;
    double bytes, spread;
    char name[64];
    snprintf(of->name, sizeof of->name, "%s", ls_device_get_info(device)->name);
    LS_TRY(bench_peak(device, (unsigned)o->threads, o->isa, &of->peak, &bytes, err));
    if (!o->json) printf("%s\n", of->name);
    bench_row(o, "peak", "fma", of->peak * 1e-9, "GFLOP/s", 0, 0, 0);
    for (size_t w = 0; w < s->widths; w++)
        for (size_t b = 0; b < s->batches; b++) {
            ls_status status = measure(s, device, w, b, &of->seconds[w][b], &spread, err);
            snprintf(name, sizeof name, "width %zu batch %zu", width_at(w), batch_at(b));
            if (status == LS_ERR_MEMORY && !o->json)
                printf("%s: left out: %s\n", name, err->message);
            if (status == LS_ERR_MEMORY) continue;
            LS_TRY(status);
            bench_row(o, "sweep", name, 1e-9 * rate_at(of, w, b), "GFLOP/s", 1e-9 * of->peak,
                      of->seconds[w][b], spread);
        }
    double peak = of->peak; /* again, because the processor may have been slower before */
    LS_TRY(bench_peak(device, (unsigned)o->threads, o->isa, &of->peak, &bytes, err));
    if (peak > of->peak) of->peak = peak;
    for (int tries = 0; tries < 3; tries++) LS_TRY(measure_again(s, device, of, err));
    report_cliffs(s, of);
    return LS_OK;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void add_csv(const sweep *s, ls_text *text)
{
    ls_text_add(text, "device,peak_gflops,width,batch,seconds,gflops,ps_per_flop,cliff\n");
    for (const sheet *h = s->sheets; h < s->sheets + s->count; h++)
        for (size_t w = 0; w < s->widths; w++)
            for (size_t b = 0; b < s->batches; b++)
                if (h->seconds[w][b] > 0)
                    ls_text_add(text, "\"%s\",%.1f,%zu,%zu,%.6g,%.6g,%.6g,%d\n", h->name,
                                h->peak * 1e-9, width_at(w), batch_at(b), h->seconds[w][b],
                                rate_at(h, w, b) * 1e-9, 1e12 / rate_at(h, w, b), h->cliff[w][b]);
}

/* The measurements as gnuplot data blocks, one per curve, and one with all cliffs of the device. */
static void add_curves(const sweep *s, size_t d, ls_text *text)
{
    const sheet *h = &s->sheets[d];
    for (size_t w = 0; w < s->widths; w++) {
        ls_text_add(text, "$d%zuw%zu << EOD\n", d, w);
        for (size_t b = 0; b < s->batches; b++)
            if (h->seconds[w][b] > 0)
                ls_text_add(text, "%zu %.6g\n", batch_at(b), 1e12 / rate_at(h, w, b));
        ls_text_add(text, "EOD\n");
    }
    ls_text_add(text, "$cliffs%zu << EOD\n", d);
    for (size_t w = 0; w < s->widths; w++)
        for (size_t b = 0; b < s->batches; b++)
            if (h->cliff[w][b])
                ls_text_add(text, "%zu %.6g\n", batch_at(b), 1e12 / rate_at(h, w, b));
    ls_text_add(text, "EOD\n");
}

/* One panel: a curve per width against batches. The colours are those of Okabe and Ito that are
 * visible on white. */
static void add_panel(const sweep *s, size_t d, ls_text *text)
{
    const sheet *h = &s->sheets[d];
    ls_text_add(text, "set title \"%s\" noenhanced\nplot ", h->name);
    for (size_t w = 0; w < s->widths; w++)
        ls_text_add(text, "$d%zuw%zu using 1:2 with linespoints lt %zu title \"W = %zu\", ", d, w,
                    w + 1, width_at(w));
    ls_text_add(text, "%.6g with lines lc rgb '#666666' dt 2 lw 1.5 title \"fma peak\"",
                1e12 / h->peak);
    for (size_t w = 0, any = 0; w < s->widths; w++)
        for (size_t b = 0; b < s->batches && !any; b++)
            if (h->cliff[w][b] && (any = 1))
                ls_text_add(
                    text,
                    ", $cliffs%zu using 1:2 with points pt 6 ps 2 lw 2 lc rgb '#cc0000' title \"cliff\"",
                    d);
    ls_text_add(text, "\n");
}

static void add_plot(const sweep *s, ls_text *text)
{
    static const char *const colour[] = {"#000000", "#e69f00", "#56b4e9", "#009e73",
                                         "#0072b2", "#d55e00", "#cc79a7"};
    static const int point[] = {
        7, 5, 9, 11, 13, 6, 4}; /* circle, square, triangles, rhombus, open circle and square */
    double low = INFINITY, high = 0;
    for (size_t d = 0; d < s->count; d++) {
        double peak = s->sheets[d].peak;
        if (peak > 0 && 1e12 / peak < low) low = 1e12 / peak;
        for (size_t w = 0; w < s->widths; w++)
            for (size_t b = 0; b < s->batches; b++) {
                double rate = rate_at(&s->sheets[d], w, b);
                if (rate > 0 && 1e12 / rate > high) high = 1e12 / rate;
                if (rate > 0 && 1e12 / rate < low) low = 1e12 / rate;
            }
        add_curves(s, d, text);
    }
    ls_text_add(
        text,
        "set terminal svg size %zu,540 background 'white' font 'sans-serif,13' rounded\nset output '%s.svg'\n",
        s->count > 1 ? 520 * s->count : 640, s->options->out);
    for (size_t w = 0; w < sizeof colour / sizeof *colour; w++)
        ls_text_add(text, "set linetype %zu lc rgb '%s' lw 2 pt %d ps 0.6\n", w + 1, colour[w],
                    point[w]);
    ls_text_add(
        text,
        "set multiplot layout 1,%zu title 'Training steps of 784-W-W-10 with %s: time per FLOP of the matrix products' noenhanced\n",
        s->count, s->options->optimizer);
    ls_text_add(
        text,
        "set logscale x 2\nset logscale y 10\nset grid xtics ytics lc rgb '#dddddd' lw 1\nset border lc rgb '#444444'\n"
        "unset mxtics\nunset mytics\nset tics nomirror\nset format y '%%g'\nset ytics (");
    for (double power = 1e-3; power < 1e9; power *= 10)
        ls_text_add(text, "%s%g, %g, %g", power > 1e-3 ? ", " : "", power, 2 * power, 5 * power);
    ls_text_add(text, ")\nset xtics (");
    for (size_t b = 0; b < s->batches; b++) ls_text_add(text, "%s%zu", b ? ", " : "", batch_at(b));
    ls_text_add(
        text,
        ")\nset xlabel 'batch (rows per step)' offset 0,0.4\nset ylabel 'time per FLOP (ps)'\n"
        "set key below center horizontal reverse Left samplen 2 spacing 1.1 width 1 maxcols 5\n"
        "set xrange [%g:%g]\nset yrange [%.4g:%.4g]\n",
        0.85 * SMALLEST_BATCH, 1.18 * (double)batch_at(s->batches - 1), low * 0.8, high * 1.25);
    for (size_t d = 0; d < s->count; d++) add_panel(s, d, text);
}

static ls_status write_files(const sweep *s, ls_error *err)
{
    ls_text csv = {0}, plot = {0};
    add_csv(s, &csv);
    add_plot(s, &plot);
    ls_status status = bench_write_files(s->options, &csv, &plot, err);
    free(csv.text);
    free(plot.text);
    return status;
}

/* ---- The command ----------------------------------------------------------------------------- */

static ls_status sweep_devices(sweep *s, char *const *names, size_t count, ls_error *err)
{
    for (; s->count < count; s->count++) {
        ls_device *device;
        s->options->device = names[s->count];
        LS_TRY(bench_open(s->options, &device, err));
        ls_status status = sweep_device(s, device, &s->sheets[s->count], err);
        ls_device_close(device);
        LS_TRY(status);
    }
    return LS_OK;
}

ls_status bench_sweep(bench_options *o, ls_error *err)
{
    sweep s = {.options = o};
    LS_TRY(bench_check_out(o, err));
    if (o->data || o->rows)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "sweep generates its own rows: it takes neither --data nor --rows");
    while (s.widths < 7 && width_at(s.widths) <= o->up_to) s.widths++;
    while (s.batches < SIDE && batch_at(s.batches) <= o->up_to) s.batches++;
    if (s.widths < 2 || s.batches < 2)
        return ls_fail(err, LS_ERR_ARGUMENT, "--up-to %zu: sweep needs at least 128", o->up_to);
    char *names[BENCH_DEVICES];
    size_t count;
    LS_TRY(bench_names(o, names, &count, err));
    ls_status status = ls_alloc(&s.sheets, count, sizeof *s.sheets, "the sweep", err);
    if (status == LS_OK) status = sweep_devices(&s, names, count, err);
    if (status == LS_OK) status = write_files(&s, err);
    free(s.sheets);
    bench_names_free(names, count);
    return status;
}
