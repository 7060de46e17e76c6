/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/losses.h"
#include "host/cli/base/metrics_output.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/progress.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/run/split.h"
#include "host/model/model_file.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char intro[] =
    "Finds a good model for DATA (a file of rows or the name of a generator) by itself: trains many\n"
    "networks side by side, drops weak ones early, and makes an ensemble of the best, chosen by rows\n"
    "that were held out of their training. Probabilities are calibrated on these rows. The model is\n"
    "one file, for evaluate, predict, report and show.\n"
    "\n"
    "  lockstep auto data.csv -o model.safetensors\n"
    "  lockstep auto train.csv --test test.csv --time 60s -o model.safetensors\n"
    "  lockstep auto data.csv --trials 200 -o model.safetensors\n"
    "\n"
    "The model depends on the data, --trials, --folds and --seed, and on nothing else: with --time, the\n"
    "number of trials is chosen once, from a measured pace, and printed; the same number of --trials\n"
    "gives the same model. Ctrl-C ends with the best ensemble so far (exit status 130).\n";

typedef struct {
    source_options source;
    const char *data, *save, *test, *time;
    double split;
    long long trials, folds, seed;
} auto_arguments;

typedef struct {
    ls_data *train, *test;
    ls_device *device;
    ls_model *model;
    ls_metrics *on_test;
    device_report report;
    losses lost;
    const char *model_path;
    char *rescued;
    char hash[65];
    ls_auto_progress last;
    bool live;
} auto_work;

/* ---- Arguments ------------------------------------------------------------------------------- */

static int parse(auto_arguments *a, arguments *args, int argc, const char **argv)
{
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE];
    source_data_table(&a->source, data);
    source_device_table(&a->source, device);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &a->save, 0, "write the model to this file (safetensors)",
         "MODEL"},
        {"time", 0, POPT_ARG_STRING, &a->time, 0,
         "try as many networks as take about that long: 60s, 5m, 1h", "TIME"},
        {"trials", 0, POPT_ARG_LONGLONG, &a->trials, 0,
         "number of networks to try (default: 64, or what --time allows)", "N"},
        {"folds", 0, POPT_ARG_LONGLONG, &a->folds, 0,
         "train each network N times, each time without another part of the rows; 1: once, without a fifth (default: 5 below 10000 rows, otherwise 1)",
         "N"},
        {"seed", 0, POPT_ARG_LONGLONG, &a->seed, 0, "seed of everything random (default: 1)", "S"},
        {"test", 0, POPT_ARG_STRING, &a->test, 0, "a second file, with test rows", "FILE"},
        {"split", 0, POPT_ARG_DOUBLE, &a->split, 0,
         "hold out this share of the rows (0 to 1) as test rows", "SHARE"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(args, argc, argv, table, "DATA...", intro, 1, 1, NULL, NULL);
    if (status != EXIT_OK) return status;
    a->data = args->operand[0];
    if (a->test && a->split > 0)
        return complain("auto", EXIT_USAGE, "give --test or --split, not both");
    if (!(a->split >= 0 && a->split < 1))
        return complain("auto", EXIT_USAGE, "--split: %g is not a share between 0 and 1", a->split);
    if (a->time && a->trials)
        return complain("auto", EXIT_USAGE,
                        "give --time or --trials, not both: --time chooses the number of trials");
    if (a->trials < 0 || a->folds < 0 || a->seed < 0)
        return complain("auto", EXIT_USAGE, "--%s: a negative number",
                        a->trials < 0  ? "trials"
                        : a->folds < 0 ? "folds"
                                       : "seed");
    return EXIT_OK;
}

/* "90", "60s", "5m", "1h" in seconds. */
static int read_time(const char *text, double *seconds)
{
    char number[32];
    size_t length = strlen(text), digits = strspn(text, "0123456789.");
    double unit = !strcmp(text + digits, "") || !strcmp(text + digits, "s")      ? 1
                  : !strcmp(text + digits, "m") || !strcmp(text + digits, "min") ? 60
                  : !strcmp(text + digits, "h")                                  ? 3600
                                                                                 : 0;
    if (length < sizeof number) snprintf(number, sizeof number, "%.*s", (int)digits, text);
    if (length >= sizeof number || !unit || !ls_parse_double(number, seconds) || !(*seconds > 0))
        return complain("auto", EXIT_USAGE, "--time: '%s' is not a time; write 60s, 5m or 1h",
                        text);
    *seconds *= unit;
    return EXIT_OK;
}

/* ---- Work ------------------------------------------------------------------------------------ */

static const char *figure_name(const auto_work *w)
{
    return ls_data_task(w->train) == LS_TASK_REGRESSION ? "RMSE" : "log-loss";
}

static int on_progress(const ls_auto_progress *p, void *user)
{
    auto_work *w = user;
    progress_part part[5] = {{"", 0}, {"", 0}, {"", 1}, {"", 3}, {"", 2}};
    w->last = *p;
    if (!w->live) return interrupted();
    if (p->trials)
        snprintf(part[0].text, sizeof part->text, "%zu of %zu trials done", p->ended + p->dropped,
                 p->trials);
    else snprintf(part[0].text, sizeof part->text, "measuring the pace");
    snprintf(part[1].text, sizeof part->text, ", %zu at work", p->working);
    if (!isnan(p->best))
        snprintf(part[2].text, sizeof part->text, ", best %s %.5g", figure_name(w), p->best);
    if (p->members) snprintf(part[3].text, sizeof part->text, " with %zu networks", p->members);
    if (!isnan(p->left))
        snprintf(part[4].text, sizeof part->text, ", about %.0f s left", ceil(p->left));
    progress_parts(part, 5);
    return interrupted();
}

static ls_status check_paths(const auto_arguments *a, ls_error *err)
{
    result_paths paths = {0};
    if (a->save && !strcmp(a->save, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "standard output is for the summary; name a file instead of -");
    result_reads_rows(&paths, a->data);
    result_reads(&paths, a->source.labels);
    result_reads(&paths, a->test);
    result_writes(&paths, a->save);
    return result_check(&paths, err);
}

static ls_status read_rows(auto_arguments *a, auto_work *w, ls_error *err)
{
    ls_data *rest;
    LS_TRY(source_read(&a->source, a->data, NULL, &w->train, err));
    if (a->test) return source_read_file(&a->source, a->test, NULL, w->train, &w->test, err);
    if (!(a->split > 0)) return LS_OK;
    LS_TRY(ls_data_split(w->train, a->split, (uint64_t)a->seed, &rest, &w->test, err));
    ls_data_free(w->train);
    w->train = rest;
    return LS_OK;
}

static ls_status work(auto_arguments *a, auto_work *w, double seconds, ls_error *err)
{
    ls_error why;
    const ls_auto_control control = {.struct_size = sizeof control,
                                     .trials = (size_t)a->trials,
                                     .seconds = seconds,
                                     .folds = (size_t)a->folds,
                                     .seed = (uint64_t)a->seed,
                                     .callback = on_progress,
                                     .user = w};
    LS_TRY(check_paths(a, err));
    LS_TRY(read_rows(a, w, err));
    LS_TRY(source_device(&a->source, &w->device, err));
    w->live = !a->source.quiet && !a->source.json && progress_live();
    interrupt_catch();
    ls_status status = ls_auto(w->device, w->train, &control, &w->model, err);
    progress_clear();
    device_report_take(&w->report, w->device);
    LS_TRY(status);
    if (a->split > 0) {
        const run_config c = {.data = a->data, .split = a->split, .source = a->source};
        losses_check(&w->lost, split_note(w->model, &c, w->train, w->test, "", &why), &why);
    }
    if (w->test) LS_TRY(ls_model_evaluate(w->model, w->device, w->test, &w->on_test, err));
    if (!a->save) return ls_model_sha256(w->model, w->hash, err);
    if (losses_check(&w->lost, ls_model_save_hashed(w->model, a->save, w->hash, &why), &why))
        w->model_path = a->save;
    else w->model_path = w->rescued = losses_rescue(&w->lost, w->model, NULL, w->hash);
    return LS_OK;
}

/* ---- Results --------------------------------------------------------------------------------- */

/* What a user writes to get this model again. */
static void repeat_command(const auto_arguments *a, const auto_work *w, ls_text *out)
{
    ls_text_add(out, "--trials %zu", w->last.trials);
    if (a->folds) ls_text_add(out, " --folds %lld", a->folds);
    if (a->seed != 1) ls_text_add(out, " --seed %lld", a->seed);
}

static void report_text(const auto_arguments *a, const auto_work *w)
{
    ls_summary s = LS_INIT(ls_summary);
    ls_text repeat = {0};
    ls_model_summary(w->model, &s, NULL);
    repeat_command(a, w, &repeat);
    device_report_print(&w->report);
    terminal_print(
        stdout,
        "tried      %zu networks in %.1f s: %zu trained to their end, %zu left out earlier\n",
        w->last.ended + w->last.dropped + w->last.working, s.seconds, w->last.ended,
        w->last.dropped);
    terminal_print(stdout, "ensemble   %zu networks, %llu parameters, temperature %.3g\n",
                   ls_model_members(w->model), (unsigned long long)s.parameters,
                   ls_model_temperature(w->model));
    terminal_print(stdout, "held out   %s %.5g on rows that its networks were not trained on\n",
                   figure_name(w), s.loss);
    if (!interrupted())
        terminal_print(stdout, "repeat     %s gives the same model\n",
                       repeat.text ? repeat.text : "");
    if (w->on_test) {
        print_metrics_header(w->model);
        print_metrics("test", w->on_test, w->model);
        print_baseline("test", w->on_test, w->model);
    }
    terminal_print(stdout, w->model_path ? "%s  %s\n" : "%s\n", w->hash, w->model_path);
    free(repeat.text);
}

static int report_json(const auto_work *w)
{
    ls_summary s = LS_INIT(ls_summary);
    char weights[65];
    ls_model_summary(w->model, &s, NULL);
    ls_model_weights_sha256(w->model, weights);
    json_t *o = json_pack("{s:I,s:I,s:I,s:I,s:I,s:f,s:f}", "trials", (json_int_t)w->last.trials,
                          "ended", (json_int_t)w->last.ended, "dropped",
                          (json_int_t)w->last.dropped, "members",
                          (json_int_t)ls_model_members(w->model), "parameters",
                          (json_int_t)s.parameters, "temperature", ls_model_temperature(w->model),
                          "seconds", s.seconds);
    ls_json_set(&o,
                ls_data_task(w->train) == LS_TASK_REGRESSION ? "held_out_rmse"
                                                             : "held_out_log_loss",
                ls_json_number(s.loss));
    ls_json_set(&o, "choice", device_report_json(&w->report));
    if (w->on_test) ls_json_set(&o, "test", metrics_json(w->on_test, w->model));
    ls_json_set(&o, "notes", notes_json(w->train, w->test));
    ls_json_set(&o, "interrupted", json_boolean(interrupted()));
    ls_json_set(&o, "model", w->model_path ? json_shown(w->model_path) : json_null());
    ls_json_set(&o, "weights_sha256", json_hash(weights));
    ls_json_set(&o, "sha256", json_hash(w->hash));
    return print_json("auto", o);
}

static int report(const auto_arguments *a, const auto_work *w)
{
    int status = EXIT_OK;
    if (a->source.json) status = report_json(w);
    else report_text(a, w);
    if (interrupted())
        status = complain("auto", EXIT_INTERRUPTED, "interrupted%s%s",
                          w->model_path ? "; the best ensemble so far is in " : "",
                          w->model_path ? w->model_path : "");
    return w->lost.count ? EXIT_FAILED : status;
}

int cmd_auto(int argc, const char **argv)
{
    auto_arguments a = {.seed = 1};
    auto_work w = {.lost = {.command = "auto"}};
    arguments args = {0};
    ls_error err;
    double seconds = 0;
    source_options_init(&a.source);
    int status = parse(&a, &args, argc, argv);
    if (status == EXIT_OK && a.time) status = read_time(a.time, &seconds);
    if (status == EXIT_OK)
        status = work(&a, &w, seconds, &err) == LS_OK ? report(&a, &w)
                                                      : complain_error("auto", &err);
    ls_metrics_free(w.on_test);
    ls_model_free(w.model);
    ls_device_close(w.device);
    ls_data_free(w.train);
    ls_data_free(w.test);
    free(w.rescued);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
