/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/file.h"
#include "host/base/json.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/base/visible.h"
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/library_options.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/plot/gnuplot.h"
#include "host/cli/plot/script.h"
#include <jansson.h>
#include <popt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char intro[] =
    "Trains the same network on the CPU path and on every exact device, and prints seconds, steps per\n"
    "second, the speed-up over the CPU path and whether the weights are equal. --sweep PREFIX repeats\n"
    "this for networks with two hidden layers over a grid of widths and batch sizes (3 epochs each,\n"
    "unless --epochs is given). It writes the speeds to PREFIX.csv and, if gnuplot is installed, a plot\n"
    "to PREFIX.svg.\n"
    "\n"
    "  lockstep compare digits.csv --hidden 512,512 --batch 256 --epochs 20\n";

typedef struct {
    source_options source;
    ls_options *options;
    const char *sweep;
} compare_arguments;

/* One training on one device. */
typedef struct {
    double seconds, speed;
    uint64_t steps;
    char hash[65];
} result;

static int set_option(int val, const char *text, void *user)
{
    return library_set(((compare_arguments *)user)->options, val, text, "compare");
}

static ls_status train_once(ls_device *device, const ls_options *options, const ls_data *data,
                            result *out, ls_error *err)
{
    ls_model *model;
    ls_summary s = LS_INIT(ls_summary);
    LS_TRY(ls_train(device, options, data, NULL, NULL, &model, err));
    ls_model_summary(model, &s, NULL);
    out->seconds = s.seconds;
    out->steps = s.steps;
    out->speed = s.seconds > 0 ? (double)s.steps / s.seconds : 0;
    ls_model_weights_sha256(model, out->hash);
    ls_model_free(model);
    return LS_OK;
}

/* Trains one epoch to compile kernels and warm up, then measures the whole training. */
static ls_status train_warm(ls_device *device, ls_options *options, const ls_data *data,
                            result *out, ls_error *err)
{
    char epochs[32];
    snprintf(epochs, sizeof epochs, "%.31s", ls_options_get(options, "epochs"));
    LS_TRY(ls_options_set(options, "epochs", "1", err));
    ls_status status = train_once(device, options, data, out, err);
    LS_TRY(ls_options_set(options, "epochs", epochs, err));
    return status == LS_OK ? train_once(device, options, data, out, err) : status;
}

/* ---- The devices ----------------------------------------------------------------------------- */

typedef struct {
    ls_device **device;
    size_t count;
} device_list;

static void close_devices(device_list *list)
{
    for (size_t i = 0; i < list->count; i++) ls_device_close(list->device[i]);
    free(list->device);
}

/* Opens the CPU path and every exact device, and prints which devices are skipped and why. */
static ls_status open_devices(const source_options *o, device_list *list, ls_error *err)
{
    ls_device_info **found;
    size_t count;
    unsigned threads = 0;
    LS_TRY(source_threads(o, &threads, err));
    LS_TRY(ls_devices_list(&found, &count, NULL, err));
    ls_status status = ls_alloc(&list->device, count, sizeof *list->device, "the devices", err);
    for (size_t i = 0; i < count && status == LS_OK; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        if (!found[i]->exact) {
            if (!o->json)
                terminal_print(stdout, "skipped: %s is approximate: %s\n", found[i]->name,
                               found[i]->reason);
            continue;
        }
        status = ls_device_open(index, threads, 0, &list->device[list->count], err);
        if (status == LS_OK) list->count++;
    }
    ls_devices_free(found);
    return status;
}

/* ---- One comparison -------------------------------------------------------------------------- */

static ls_status compare(const compare_arguments *a, const device_list *list, const ls_data *data,
                         bool *equal, ls_error *err)
{
    result first = {0};
    json_t *rows = json_array();
    if (!a->source.json)
        terminal_print(stdout, "%-40s %10s %12s %9s  %s\n", "device", "seconds", "steps/s",
                       "speed-up", "weights");
    *equal = true;
    for (size_t i = 0; i < list->count; i++) {
        result r;
        ls_status status = train_warm(list->device[i], a->options, data, &r, err);
        if (status != LS_OK) {
            json_decref(rows);
            return status;
        }
        if (i == 0) first = r;
        bool same = !strcmp(first.hash, r.hash);
        *equal &= same;
        const char *name = ls_device_get_info(list->device[i])->name;
        double speed_up = r.seconds > 0 ? first.seconds / r.seconds : 0;
        if (!a->source.json)
            terminal_print(stdout, "%-40.40s %10.3f %12.1f %8.2fx  %s %.16s...\n", name, r.seconds,
                           r.speed, speed_up,
                           i == 0 ? "   "
                           : same ? "equal"
                                  : "DIFFER",
                           r.hash);
        ls_json_append(&rows, json_pack("{s:o,s:f,s:I,s:f,s:f,s:b,s:s}", "device", json_shown(name),
                                        "seconds", r.seconds, "steps", (json_int_t)r.steps,
                                        "steps_per_second", r.speed, "speed_up", speed_up, "equal",
                                        (int)same, "weights_sha256", r.hash));
    }
    if (!a->source.json) json_decref(rows);
    else if (print_json("compare", json_pack("{s:o,s:b}", "devices", rows, "equal", (int)*equal)) !=
             EXIT_OK)
        return ls_fail(err, LS_ERR_MEMORY, "nothing was printed");
    if (!a->source.json && list->count == 1)
        terminal_print(
            stdout, "%s\n",
            "There is no other exact device to compare with (lockstep devices shows why).");
    return LS_OK;
}

/* ---- The sweep ------------------------------------------------------------------------------- */

static const int widths[] = {16, 64, 256, 1024}, batches[] = {16, 64, 256, 1024};
enum { WIDTHS = sizeof widths / sizeof *widths, BATCHES = sizeof batches / sizeof *batches };

/* Adds a gnuplot script that contains the data and draws one panel per batch size. */
static void add_plot(ls_text *text, const device_list *list, const double *speed)
{
    ls_text_add(
        text,
        "set terminal svg size 1000,800 background 'white' noenhanced\nset multiplot layout 2,2\n"
        "set logscale xy\nset grid\nset key below vertical\n"
        "set xrange [12:1400]\nset xtics (16, 64, 256, 1024)\n"
        "set linetype 1 lc rgb '#0072B2'\nset linetype 2 lc rgb '#D55E00'\nset linetype 3 lc rgb '#009E73'\nset linetype 4 lc rgb '#CC79A7'\n"
        "set xlabel 'width of both hidden layers'\nset ylabel 'steps per second'\n");
    for (size_t d = 0; d < list->count; d++)
        for (size_t b = 0; b < BATCHES; b++) {
            ls_text_add(text, "$d%zub%zu << EOD\n", d, b);
            for (size_t w = 0; w < WIDTHS; w++)
                ls_text_add(text, "%d %g\n", widths[w], speed[(d * WIDTHS + w) * BATCHES + b]);
            ls_text_add(text, "EOD\n");
        }
    for (size_t b = 0; b < BATCHES; b++) {
        ls_text_add(text, "set title 'batch %d'\nplot ", batches[b]);
        for (size_t d = 0; d < list->count; d++) {
            char name[35];
            ls_visible_copy(name, sizeof name, ls_device_get_info(list->device[d])->name);
            ls_text_add(text, "%s$d%zub%zu using 1:2 with linespoints lw 2 pt %zu title ",
                        d ? ", " : "", d, b, 5 + 2 * d);
            plot_add_quoted(text, name);
        }
        ls_text_add(text, "\n");
    }
}

static ls_status write_plot(const compare_arguments *a, const device_list *list,
                            const double *speed, ls_error *err)
{
    ls_text script = {0}, path = {0};
    char *svg = NULL;
    size_t size;
    add_plot(&script, list, speed);
    ls_text_add(&path, "%s.svg", a->sweep);
    ls_status status = path.failed ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the plot")
                                   : plot_run(&script, &svg, &size, err);
    if (status == LS_OK) status = ls_write_file(path.text, svg, size, err);
    free(svg);
    free(script.text);
    free(path.text);
    return status;
}

static ls_status write_table(const compare_arguments *a, const device_list *list,
                             const double *speed, ls_error *err)
{
    ls_text csv = {0}, path = {0};
    ls_text_add(&path, "%s.csv", a->sweep);
    ls_text_add(&csv, "width,batch");
    for (size_t d = 0; d < list->count; d++) {
        ls_text_add(&csv, ",");
        ls_text_add_csv(&csv, ls_device_get_info(list->device[d])->name);
    }
    ls_text_add(&csv, "\n");
    for (size_t w = 0; w < WIDTHS; w++)
        for (size_t b = 0; b < BATCHES; b++) {
            ls_text_add(&csv, "%d,%d", widths[w], batches[b]);
            for (size_t d = 0; d < list->count; d++)
                ls_text_add(&csv, ",%.6g", speed[(d * WIDTHS + w) * BATCHES + b]);
            ls_text_add(&csv, "\n");
        }
    ls_status status = csv.failed || path.failed
                           ? ls_fail(err, LS_ERR_MEMORY, "out of memory for the sweep")
                           : ls_write_file(path.text, csv.text, csv.length, err);
    free(csv.text);
    free(path.text);
    return status;
}

/* Without gnuplot there is no plot. If one of the two cannot be written, the other one is. */
static ls_status write_sweep(const compare_arguments *a, const device_list *list,
                             const double *speed, ls_error *err)
{
    ls_error why;
    ls_status drawn = write_plot(a, list, speed, &why), written = write_table(a, list, speed, err);
    if (written != LS_OK && drawn != LS_OK) complain_error("compare", &why);
    if (written == LS_OK && drawn != LS_OK && drawn != LS_ERR_UNSUPPORTED)
        written = ls_fail(err, drawn, "%s", why.message);
    if (written == LS_OK)
        terminal_print(stderr,
                       drawn == LS_OK ? "wrote %s.csv and %s.svg\n"
                                      : "wrote %s.csv; install gnuplot to get the plot %s.svg\n",
                       a->sweep, a->sweep);
    return written;
}

static ls_status sweep(const compare_arguments *a, const device_list *list, const ls_data *data,
                       bool *equal, ls_error *err)
{
    double *speed;
    *equal = true;
    LS_TRY(ls_alloc(&speed, list->count * WIDTHS * BATCHES, sizeof *speed, "the sweep", err));
    ls_status status = LS_OK;
    for (size_t w = 0; w < WIDTHS && status == LS_OK; w++)
        for (size_t b = 0; b < BATCHES && status == LS_OK; b++) {
            char hidden[32], batch[16], first[65] = "";
            snprintf(hidden, sizeof hidden, "%d,%d", widths[w], widths[w]);
            snprintf(batch, sizeof batch, "%d", batches[b]);
            status = ls_options_set(a->options, "hidden", hidden, err);
            if (status == LS_OK) status = ls_options_set(a->options, "batch", batch, err);
            ls_text line = {0};
            ls_text_add(&line, "width %d, batch %d, steps/s:", widths[w], batches[b]);
            for (size_t d = 0; d < list->count && status == LS_OK; d++) {
                result r;
                status = train_warm(list->device[d], a->options, data, &r, err);
                if (status != LS_OK) break;
                speed[(d * WIDTHS + w) * BATCHES + b] = r.speed;
                if (d == 0) memcpy(first, r.hash, sizeof first);
                *equal &= !strcmp(first, r.hash);
                ls_text_add(&line, "  %.0f", r.speed);
            }
            if (!a->source.quiet && !line.failed) progress_line("%s", line.text);
            progress_end();
            free(line.text);
        }
    if (status == LS_OK) status = write_sweep(a, list, speed, err);
    free(speed);
    return status;
}

static ls_status work(const compare_arguments *a, const char *name, bool *equal, ls_error *err)
{
    ls_data *data = NULL;
    device_list list = {0};
    ls_status status = source_read(&a->source, name, NULL, &data, err);
    if (status == LS_OK) status = open_devices(&a->source, &list, err);
    if (status == LS_OK)
        status = a->sweep ? sweep(a, &list, data, equal, err) : compare(a, &list, data, equal, err);
    close_devices(&list);
    ls_data_free(data);
    return status;
}

/* Checks the arguments of --sweep, and shortens the trainings of the 16 networks unless --epochs is
 * given. */
static int prepare_sweep(compare_arguments *a, const char *data)
{
    ls_error err;
    ls_text table = {0}, plot = {0};
    result_paths paths = {0};
    if (a->source.json)
        return complain("compare", EXIT_USAGE,
                        "--sweep writes a CSV file and cannot be combined with --json");
    if (!strcmp(ls_options_get(a->options, "epochs"), "100") &&
        ls_options_set(a->options, "epochs", "3", &err) != LS_OK)
        return complain_error("compare", &err);
    ls_text_add(&table, "%s.csv", a->sweep);
    ls_text_add(&plot, "%s.svg", a->sweep);
    result_reads_rows(&paths, data);
    result_reads(&paths, a->source.labels);
    if (!table.failed && !plot.failed) {
        result_writes(&paths, table.text);
        result_writes(&paths, plot.text);
    } else paths.failed = true;
    free(table.text);
    free(plot.text);
    return result_check(&paths, &err) == LS_OK ? EXIT_OK : complain_error("compare", &err);
}

int cmd_compare(int argc, const char **argv)
{
    compare_arguments a = {0};
    arguments args = {0};
    ls_error err;
    bool equal = false;
    source_options_init(&a.source);
    if (ls_options_create(&a.options, &err) != LS_OK) return complain_error("compare", &err);
    struct poptOption *library = library_table(), data[SOURCE_DATA];
    source_data_table(&a.source, data);
    struct poptOption table[] = {
        {"sweep", 0, POPT_ARG_STRING, &a.sweep, 0,
         "compare over a grid of widths and batch sizes; write PREFIX.csv and PREFIX.svg",
         "PREFIX"},
        OPTION_THREADS(a.source.threads),
        OPTION_QUIET(a.source.quiet),
        OPTION_VERBOSE(a.source.verbose),
        OPTION_JSON(a.source.json),
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, library, 0, "Network and training:", NULL},
        POPT_TABLEEND,
    };
    int status = library ? arguments_parse(&args, argc, argv, table, "DATA", intro, 1, 1,
                                           set_option, &a)
                         : complain("compare", EXIT_FAILED, "out of memory");
    if (status == EXIT_OK && strcmp(ls_options_get(a.options, "time-limit"), "0"))
        status =
            complain("compare", EXIT_USAGE,
                     "--time-limit would stop each device after a different epoch; use --epochs");
    if (status == EXIT_OK && a.sweep) status = prepare_sweep(&a, args.operand[0]);
    if (status == EXIT_OK && work(&a, args.operand[0], &equal, &err) != LS_OK)
        status = complain_error("compare", &err);
    else if (status == EXIT_OK && !equal)
        status = complain("compare", EXIT_FAILED,
                          "the weights DIFFER between devices: this is a bug, please report it");
    arguments_free(&args);
    library_table_free(library);
    ls_options_free(a.options);
    return status < 0 ? EXIT_OK : status;
}
