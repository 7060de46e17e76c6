/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/train.h"
#include "host/base/error.h"
#include "host/base/memory.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/json.h"
#include "host/cli/base/library_options.h"
#include "host/cli/base/metrics_output.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/result_path.h"
#include "host/cli/base/source.h"
#include "host/cli/base/threshold.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/report/report.h"
#include "host/cli/run/event_file.h"
#include "host/cli/run/run_folder.h"
#include "host/model/model.h"
#include <jansson.h>
#include <math.h>
#include <popt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char intro[] =
    "DATA is a file of rows (CSV, IDX or NPY, gzip or not), its last column the class unless --target or\n"
    "--labels says otherwise, or the name of a generator (lockstep make --help lists them). With no other\n"
    "option a sensible network is trained.\n"
    "\n"
    "  lockstep train iris.csv -o iris.safetensors --split 0.2\n"
    "  lockstep train moons --hidden 20,20 --activation tanh --optimizer adam --lr 0.01 --epochs 500\n"
    "  lockstep train data.csv --patience 20 --epochs 10000      stop early, keep the best weights\n"
    "  lockstep train spam.csv --validation 0.2 --positive spam --threshold best-f1\n"
    "  lockstep train train-images-idx3-ubyte.gz                 MNIST; gzip, IDX and NPY are read as they are\n"
    "  lockstep train iris.csv --run runs/a                      a folder with the model, its figures and all that repeats it\n"
    "  lockstep train --config runs/a/run.json --seed 2          the same data and options again, but for the seed\n"
    "\n"
    "Columns of text become categories, missing values (nothing, ?, NA) are filled in from the training\n"
    "rows; with such data, and no option that says when to stop, --patience 10 holds.\n"
    "\n"
    "The same data, options and seed give the same model, bit for bit, on every exact device. The last\n"
    "line printed begins with the SHA-256 of the model file. Ctrl-C stops after the epoch at hand, saves\n"
    "what there is and exits with 130.\n";

typedef struct {
    source_options source;
    ls_options *options;
    const char *data, *test, *save, *report;
    const char *run, *config, *log, *tensorboard;
    double split;
    ls_threshold_options threshold;
    bool *given;   /* which of the library's options stand on the command line; ls_option_count() */
    bool stopping; /* whether an option says when to stop */
    uint64_t until;    /* stop after this epoch; 0: never */
    run_config file;   /* what --config has */
    run_config inputs; /* what the data were read from, for the run's folder */
} train_arguments;

/* What is at work, and freed at the end whatever happened. */
typedef struct {
    ls_data *train, *test;
    ls_device *device;
    device_report report;
    ls_model *model;
    ls_metrics *on_train, *on_test;
    epoch_listeners listeners;
    progress_line progress;
    live_file log;
    event_file events;
    run_folder run;
} train_work;

/* ---- Arguments ------------------------------------------------------------------------------- */

static int set_option(int val, const char *text, void *user)
{
    train_arguments *a = user;
    const char *value, *name = library_option(val, text, &value)->name;
    for (size_t i = 0; i < ls_option_count(); i++)
        a->given[i] |= !strcmp(name, ls_option_at(i)->name);
    return library_set(a->options, val, text, "train");
}

static int parse(train_arguments *a, arguments *args, struct poptOption *library, int argc,
                 const char **argv)
{
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE], threshold[THRESHOLD_OPTIONS];
    source_data_table(&a->source, data);
    source_device_table(&a->source, device);
    threshold_table(&a->threshold, true, threshold);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &a->save, 0, "write the model to this file (safetensors)",
         "MODEL"},
        {"run", 0, POPT_ARG_STRING, &a->run, 0,
         "keep the run in this new folder: model, figures, page, and run.json, which repeats it",
         "DIR"},
        {"config", 0, POPT_ARG_STRING, &a->config, 0,
         "take what is not said here from this file, such as a run's run.json", "FILE"},
        {"test", 0, POPT_ARG_STRING, &a->test, 0, "a second file to test on", "FILE"},
        {"report", 0, POPT_ARG_STRING, &a->report, 0,
         "write a page about the training to this file (HTML)", "FILE"},
        {"log", 0, POPT_ARG_STRING, &a->log, 0,
         "write a line of JSON an epoch to this file, as training goes", "FILE"},
        {"tensorboard", 0, POPT_ARG_STRING, &a->tensorboard, 0,
         "write losses and learning rate an epoch to a new event file in this folder, for TensorBoard",
         "DIR"},
        {"split", 0, POPT_ARG_DOUBLE, &a->split, 0, "hold this share of the rows out to test on",
         "SHARE"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, threshold, 0,
         "Decision (two classes), kept in the model; best-f1 is chosen on the rows of --validation, or without on the training rows:",
         NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, library, 0, "Network and training:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(args, argc, argv, table, "DATA", intro, 0, 1, set_option, a);
    if (status == EXIT_OK && !args->operands && !a->config)
        status = complain("train", EXIT_USAGE,
                          "an argument is missing; usage: lockstep train DATA (--help tells more)");
    if (status == EXIT_OK && a->test && a->split > 0)
        status = complain("train", EXIT_USAGE, "give --test or --split, not both");
    if (status == EXIT_OK && args->operands) a->data = args->operand[0];
    return status;
}

/* ---- What is said on the command line, and what in a file ------------------------------------ */

static run_config config_of(const train_arguments *a)
{
    return (run_config){.data = a->data,
                        .test = a->test,
                        .split = a->split,
                        .threshold = a->threshold,
                        .source = a->source};
}

static void use_config(train_arguments *a, const run_config *c)
{
    a->data = c->data;
    a->test = c->test;
    a->split = c->split;
    a->threshold = c->threshold;
    a->source = c->source;
}

/* Room for arguments, none of them given yet. */
static ls_status begin(train_arguments *a, ls_error *err)
{
    *a = (train_arguments){0};
    source_options_init(&a->source);
    run_config none = config_of(a);
    config_unset(&none);
    use_config(a, &none);
    LS_TRY(ls_options_create(&a->options, err));
    return ls_alloc(&a->given, ls_option_count(), sizeof *a->given, "the options", err);
}

static void end(train_arguments *a)
{
    config_free(&a->file);
    ls_options_free(a->options);
    free(a->given);
}

/* The file's options, and over them those of the command line. */
static ls_status merge_options(train_arguments *a, ls_error *err)
{
    ls_options *merged;
    LS_TRY(ls_options_create(&merged, err));
    ls_status status = config_options(&a->file, a->config, merged, err);
    for (size_t i = 0; i < ls_option_count() && status == LS_OK; i++) {
        const char *name = ls_option_at(i)->name;
        if (a->given[i])
            status = ls_options_set(merged, name, ls_options_get(a->options, name), err);
    }
    ls_options_free(status == LS_OK ? a->options : merged);
    if (status == LS_OK) a->options = merged;
    return status;
}

/* All that is to be done, from the command line and --config; the hashes that the data must have go
 * into a->inputs. */
static ls_status settle(train_arguments *a, ls_error *err)
{
    a->inputs = config_of(a);
    if (a->config) {
        LS_TRY(config_read(a->config, &a->file, err));
        LS_TRY(merge_options(a, err));
        config_fill(&a->inputs, &a->file);
    }
    config_settle(&a->inputs);
    use_config(a, &a->inputs);
    if (!(a->split >= 0 && a->split < 1))
        return ls_fail(err, LS_ERR_ARGUMENT, "--split: %g is not a share between 0 and 1",
                       a->split);
    for (size_t i = 0; i < ls_option_count(); i++) {
        const char *name = ls_option_at(i)->name;
        a->stopping |= config_is_stop(name) && (a->given[i] || config_has_option(&a->file, name));
    }
    return a->data ? LS_OK
                   : ls_fail(err, LS_ERR_ARGUMENT,
                             "%s names no data; name them: lockstep train DATA --config %s",
                             a->config, a->config);
}

/* Notes what the data are read from, and holds it against what the config says of it. rows:
 * generated ones. */
static ls_status identify(train_arguments *a, const ls_data *rows, bool quiet, ls_error *err)
{
    if (!a->run && !a->config) return LS_OK;
    char wanted[INPUTS][65];
    memcpy(wanted, a->inputs.hash, sizeof wanted);
    LS_TRY(config_hash(&a->inputs, rows, err));
    for (size_t i = 0; i < INPUTS; i++) {
        const char *name = i == INPUT_TEST || i == INPUT_TEST_LABELS ? a->test : a->data,
                   *what = i == INPUT_LABELS || i == INPUT_TEST_LABELS ? "the classes of " : "";
        if (*wanted[i] && strcmp(wanted[i], a->inputs.hash[i]))
            return ls_fail(
                err, LS_ERR_DATA,
                "%s%s: these are not the data of %s: their SHA-256 is %.16s..., and not %.16s...; to train on them all the same, "
                "name them: lockstep train DATA --config %s",
                what, name, a->config, *a->inputs.hash[i] ? a->inputs.hash[i] : "missing",
                wanted[i], a->config);
        if (!quiet && !*wanted[i] && *a->file.hash[i] && *a->inputs.hash[i] &&
            strcmp(a->file.hash[i], a->inputs.hash[i]))
            fprintf(stderr, "note: %s%s: not the data of %s\n", what, name, a->config);
    }
    return LS_OK;
}

/* ---- Work ------------------------------------------------------------------------------------ */

static ls_status read_test(const train_arguments *a, train_work *w, ls_error *err)
{
    source_options o = a->source;
    o.labels = o.columns = o.drop = o.categorical = o.missing =
        NULL; /* as the training data have it */
    LS_TRY(source_read_file(&o, a->test, NULL, w->train, &w->test, err));
    return ls_data_y(w->test)
               ? LS_OK
               : ls_fail(err, LS_ERR_DATA, "%s: has no class column to compare with", a->test);
}

static ls_status load(train_arguments *a, train_work *w, bool quiet, ls_error *err)
{
    uint64_t seed = 1;
    bool generated = source_is_generated(a->data);
    if (!generated && a->config && *a->inputs.hash[INPUT_DATA] && access(a->data, F_OK) != 0)
        return ls_fail(
            err, LS_ERR_IO,
            "%s, which %s names, is not there (seen from the current folder); go to the folder of that training, or name the data: "
            "lockstep train DATA --config %s",
            a->data, a->config, a->config);
    if (!generated && access(a->data, F_OK) == 0) LS_TRY(identify(a, NULL, quiet, err));
    LS_TRY(source_read(&a->source, a->data, NULL, &w->train, err));
    if (generated) LS_TRY(identify(a, w->train, quiet, err));
    if (a->test) return read_test(a, w, err);
    if (!(a->split > 0)) return LS_OK;
    ls_data *rest, *part;
    /* the seed that was asked for decides the split too */
    ls_parse_u64(ls_options_get(a->options, "seed"), &seed);
    LS_TRY(ls_data_split(w->train, a->split, seed, &rest, &part, err));
    ls_data_free(w->train);
    w->train = rest;
    w->test = part;
    return LS_OK;
}

/* Data as people have it: with categories or gaps. What was read of it is told, and where nothing
 * says when to stop, the loss on rows held out does: categories that few rows have are soon learnt
 * by heart. */
static ls_status prepare_mixed(const train_arguments *a, const train_work *w, bool quiet,
                               ls_error *err)
{
    size_t categorical = 0, missing = 0, gaps = 0, columns = ls_data_columns(w->train),
           dropped = ls_data_dropped(w->train);
    for (size_t c = 0; c < columns; c++) {
        ls_column_info info;
        LS_TRY(ls_data_column(w->train, c, &info, err));
        categorical += info.categorical != 0;
        missing += info.missing;
        gaps += info.missing > 0;
    }
    if (dropped && !quiet)
        fprintf(stderr, "note: %zu rows with missing values were left out (--missing drop)\n",
                dropped);
    if (!categorical && !missing) return LS_OK;
    if (!quiet)
        fprintf(
            stderr,
            "note: %zu of %zu columns have categories; %zu values are missing, in %zu columns\n",
            categorical, columns, missing, gaps);
    return a->stopping ? LS_OK : ls_options_set(a->options, "patience", "10", err);
}

static ls_status write_report(const train_arguments *a, const train_work *w, const char *path,
                              bool names_device, ls_error *err)
{
    ls_text command = {0};
    command_add_train(&command, &a->inputs, w->model->options);
    const report_input in = {.model = w->model,
                             .device = w->device,
                             .trained_on_it = names_device,
                             .data = w->train,
                             .test = w->test,
                             .data_label = "training rows",
                             .source = a->data,
                             .command = command.failed ? "" : command.text};
    ls_status status = report_write(&in, path, err);
    free(command.text);
    return status;
}

/* Where results go, asked before long work. */
static ls_status check_results(const train_arguments *a, ls_error *err)
{
    const char *const files[] = {a->save, a->report, a->log}, *const data[] = {a->data,
                                                                               a->source.labels,
                                                                               a->test, a->config};
    if (a->save && !strcmp(a->save, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "-o -: the report goes to standard output; name a file for the model");
    if (a->log && !strcmp(a->log, "-"))
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--log -: the report goes to standard output; name a file or a named pipe");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        bool pipe = files[i] == a->log && a->log &&
                    access(a->log, W_OK) == 0; /* or a device: its folder does not matter */
        if (!pipe) LS_TRY(result_check_writable(files[i], err));
        for (size_t k = 0; k < sizeof data / sizeof *data; k++)
            LS_TRY(result_check_apart(files[i], data[k], err));
    }
    LS_TRY(result_check_distinct(files, sizeof files / sizeof *files, err));
    return a->run ? run_folder_check(a->run, err) : LS_OK;
}

/* Opens what is told of each epoch. */
static ls_status open_listeners(const train_arguments *a, train_work *w, bool quiet, ls_error *err)
{
    w->progress.terminal = isatty(STDERR_FILENO) != 0;
    w->listeners.until = a->until;
    if (!quiet) epochs_add(&w->listeners, progress_epoch, &w->progress);
    if (a->log) {
        signal(SIGPIPE, SIG_IGN); /* a reader that goes away is a write that fails, and does not
                                     cost the model */
        LS_TRY(live_file_open(&w->log, a->log, false, err));
        epochs_add(&w->listeners, log_epoch, &w->log);
    }
    if (a->tensorboard) {
        LS_TRY(event_file_open(&w->events, a->tensorboard, err));
        epochs_add(&w->listeners, event_file_epoch, &w->events);
    }
    interrupt_catch(); /* from here on there is something to leave behind in good order */
    if (a->run) {
        LS_TRY(run_folder_begin(&w->run, a->run, &a->inputs, a->options, &a->source, err));
        epochs_add(&w->listeners, run_folder_epoch, &w->run);
    }
    return LS_OK;
}

static ls_status save(const train_arguments *a, train_work *w, ls_error *err)
{
    device_report_take(&w->report, w->device);
    if (a->save) LS_TRY(ls_model_save(w->model, a->save, err));
    if (a->run) LS_TRY(ls_model_save(w->model, w->run.file[RUN_MODEL], err));
    if (a->report) LS_TRY(write_report(a, w, a->report, true, err));
    LS_TRY(ls_model_evaluate(w->model, w->device, w->train, &w->on_train, err));
    if (w->test) LS_TRY(ls_model_evaluate(w->model, w->device, w->test, &w->on_test, err));
    if (!a->run) return LS_OK;
    LS_TRY(write_report(a, w, w->run.file[RUN_REPORT], false, err));
    const run_outcome outcome = {
        .model = w->model, .train = w->on_train, .test = w->on_test, .device = &w->report};
    return run_folder_end(&w->run, &outcome, err);
}

static ls_status train(train_arguments *a, train_work *w, bool quiet, ls_error *err)
{
    LS_TRY(open_listeners(a, w, quiet, err));
    ls_status status = ls_train(w->device, a->options, w->train, epochs_tell, &w->listeners,
                                &w->model, err);
    if (w->progress.terminal && !quiet && (status != LS_OK || interrupted())) fputc('\n', stderr);
    LS_TRY(status);
    return ls_model_set_threshold(w->model, w->device, w->train, &a->threshold, err);
}

static ls_status work(train_arguments *a, train_work *w, ls_error *err)
{
    bool quiet = a->source.quiet || a->source.json;
    LS_TRY(check_results(a, err));
    LS_TRY(load(a, w, quiet, err));
    LS_TRY(prepare_mixed(a, w, quiet, err));
    LS_TRY(ls_threshold_check(&a->threshold, a->options, w->train, err));
    LS_TRY(source_device(&a->source, &w->device, err));
    if (!a->save && !a->run && !quiet)
        fprintf(stderr, "note: no -o MODEL was given, so the model will not be kept\n");
    ls_error why;
    ls_status status = train(a, w, quiet, &why);
    if (status != LS_OK) {
        run_folder_fail(&w->run, &why);
        return ls_fail(err, status, "%s", why.message);
    }
    return save(a, w, err);
}

/* ---- Results --------------------------------------------------------------------------------- */

static double speed_of(const ls_summary *s)
{
    return s->seconds > 0 ? (double)s->steps / s->seconds : 0;
}

/* Where the model was kept, or NULL. */
static const char *model_path(const train_arguments *a, const train_work *w)
{
    return a->save ? a->save : w->run.file[RUN_MODEL];
}

static json_t *history_json(const ls_model *model)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *point = json_pack("{s:I,s:o}", "epoch", (json_int_t)h[i].epoch, "loss",
                                  number_json((double)h[i].loss));
        if (!isnan(h[i].validation_loss))
            json_object_set_new(point, "validation_loss", json_real((double)h[i].validation_loss));
        if (!isnan(h[i].validation_accuracy))
            json_object_set_new(point, "validation_accuracy",
                                json_real((double)h[i].validation_accuracy));
        json_array_append_new(list, point);
    }
    return list;
}

static void report_json(const train_arguments *a, const train_work *w, const char *hash,
                        const char *weights)
{
    ls_summary s;
    ls_model_summary(w->model, &s);
    json_t *options = json_object();
    for (size_t i = 0; i < ls_option_count(); i++)
        json_object_set_new(options, ls_option_at(i)->name,
                            json_string(ls_model_option(w->model, ls_option_at(i)->name)));
    json_t *o = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:f,s:f,s:o}", "device",
                          w->report.info.name, "arithmetic",
                          w->report.info.exact ? "exact" : "approximate", "parameters",
                          (json_int_t)s.parameters, "epochs", (json_int_t)s.epochs, "steps",
                          (json_int_t)s.steps, "best_epoch", (json_int_t)s.best_epoch, "stopped",
                          interrupted() ? "interrupted" : s.stopped, "seconds", s.seconds,
                          "steps_per_second", speed_of(&s), "loss", number_json(s.loss));
    json_object_set_new(o, "choice", device_report_json(&w->report));
    json_object_set_new(o, "train", metrics_json(w->on_train, w->model));
    if (w->on_test) json_object_set_new(o, "test", metrics_json(w->on_test, w->model));
    json_object_set_new(o, "history", history_json(w->model));
    json_object_set_new(o, "options", options);
    json_object_set_new(o, "model", model_path(a, w) ? json_string(model_path(a, w)) : json_null());
    if (a->run) json_object_set_new(o, "run", json_string(a->run));
    json_object_set_new(o, "weights_sha256", json_string(weights));
    json_object_set_new(o, "sha256", json_string(hash));
    print_json(o);
}

static void report_text(const train_arguments *a, const train_work *w, const char *hash)
{
    ls_summary s;
    char widths[256];
    ls_model_summary(w->model, &s);
    describe_widths(w->model, widths, sizeof widths);
    device_report_print(&w->report);
    printf("network    %s, %llu parameters\n", widths, (unsigned long long)s.parameters);
    printf("trained    %llu epochs, %llu steps in %.2f s (%.0f steps/s), stopped by %s\n",
           (unsigned long long)s.epochs, (unsigned long long)s.steps, s.seconds, speed_of(&s),
           interrupted() ? "interruption" : s.stopped);
    if (s.best_epoch != s.epochs)
        printf("kept       the weights of epoch %llu, the best validation loss\n",
               (unsigned long long)s.best_epoch);
    const ls_decision decision = ls_model_decision(w->model);
    print_decision("decision   ", &decision, w->model);
    print_metrics_header();
    print_metrics("train", w->on_train);
    if (w->on_test) print_metrics("test", w->on_test);
    if (model_path(a, w)) printf("%s  %s\n", hash, model_path(a, w));
    else printf("%s\n", hash);
}

static int report(const train_arguments *a, train_work *w)
{
    char hash[65], weights[65];
    ls_error err;
    if (ls_model_sha256(w->model, hash, &err) != LS_OK) return complain_error("train", &err);
    ls_model_weights_sha256(w->model, weights);
    if (a->source.json) report_json(a, w, hash, weights);
    else report_text(a, w, hash);
    if (w->listeners.status != LS_OK) return complain_error("train", &w->listeners.err);
    if (!interrupted()) return EXIT_OK;
    const char *kept = model_path(a, w);
    return complain("train", EXIT_INTERRUPTED,
                    kept ? "interrupted; the model so far is in %s" : "interrupted", kept);
}

static void free_work(train_work *w)
{
    live_file_close(&w->log, NULL);
    event_file_close(&w->events, NULL);
    run_folder_free(&w->run);
    ls_metrics_free(w->on_train);
    ls_metrics_free(w->on_test);
    ls_model_free(w->model);
    ls_device_close(w->device);
    ls_data_free(w->train);
    ls_data_free(w->test);
}

ls_status train_again(const char *config, const char *run, const source_options *device,
                      uint64_t until, ls_error *err)
{
    train_arguments a;
    train_work w = {0};
    ls_status status = begin(&a, err);
    a.config = config;
    a.run = run;
    a.until = until;
    a.source.device = device->device;
    a.source.threads = device->threads;
    a.source.allow_approximate = device->allow_approximate;
    a.source.quiet = device->quiet;
    a.source.json = device->json;
    if (status == LS_OK) status = settle(&a, err);
    if (status == LS_OK) status = work(&a, &w, err);
    if (status == LS_OK && w.listeners.status != LS_OK)
        status = ls_fail(err, w.listeners.status, "%s", w.listeners.err.message);
    free_work(&w);
    end(&a);
    return status;
}

int cmd_train(int argc, const char **argv)
{
    train_arguments a;
    train_work w = {0};
    arguments args = {0};
    ls_error err;
    int status = begin(&a, &err) == LS_OK ? EXIT_OK : complain_error("train", &err);
    struct poptOption *library = library_table();
    if (status == EXIT_OK)
        status = library ? parse(&a, &args, library, argc, argv)
                         : complain("train", EXIT_FAILED, "out of memory");
    if (status == EXIT_OK && settle(&a, &err) != LS_OK) status = complain_error("train", &err);
    if (status == EXIT_OK)
        status = work(&a, &w, &err) == LS_OK ? report(&a, &w) : complain_error("train", &err);
    free_work(&w);
    end(&a);
    arguments_free(&args);
    library_table_free(library);
    return status < 0 ? EXIT_OK : status;
}
