/* SPDX-License-Identifier: MIT */
#include "host/base/json.h"
#include "host/cli/base/args.h"
#include "host/cli/base/device_report.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/library_options.h"
#include "host/cli/base/metrics_output.h"
#include "host/cli/base/model_output.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/base/threshold.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/run/training.h"
#include "host/cli/run/training_request.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char intro[] =
    "DATA is a file of rows (CSV, IDX or NPY, also compressed with gzip) or the name of a generator\n"
    "(listed by lockstep make --help). The column to predict is the last unless --target or\n"
    "--labels names another one. All options have defaults.\n"
    "\n"
    "  lockstep train iris.csv -o iris.safetensors --split 0.2\n"
    "  lockstep train moons --hidden 20,20 --activation tanh --optimizer adam --lr 0.01 --epochs 500\n"
    "  lockstep train data.csv --patience 20 --epochs 10000     stop early, keep the best weights\n"
    "  lockstep train spam.csv --validation 0.2 --positive spam --threshold best-f1\n"
    "  lockstep train train-images-idx3-ubyte.gz                MNIST, as downloaded\n"
    "  lockstep train iris.csv --run runs/a                     keep all results in a folder\n"
    "  lockstep train --config runs/a/run.json --seed 2         the same training with another seed\n"
    "\n"
    "Text columns become categories. Missing values (empty, ?, NA) are filled in from the training\n"
    "rows. If data of classes have categories or missing values and no option says when to stop,\n"
    "--patience 10 is used. --threshold best-f1 chooses the threshold on the validation rows, or on the training rows\n"
    "without --validation.\n"
    "\n"
    "The same data, options and seed give the same model, bit for bit, on every exact device. The last\n"
    "line of the output begins with the SHA-256 of the model file. Ctrl-C stops after the current\n"
    "epoch, saves the model and exits with status 130.\n";

/* ---- Arguments ------------------------------------------------------------------------------- */

static int set_option(int val, const char *text, void *user)
{
    training_request *r = user;
    const char *value, *name = library_option(val, text, &value)->name;
    for (size_t i = 0; i < ls_option_count(); i++)
        r->given[i] |= !strcmp(name, ls_option_at(i)->name);
    return library_set(r->options, val, text, "train");
}

static int parse(training_request *r, arguments *args, struct poptOption *library, int argc,
                 const char **argv)
{
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE], threshold[THRESHOLD_OPTIONS];
    source_data_table(&r->source, data);
    source_device_table(&r->source, device);
    threshold_table(&r->threshold, true, threshold);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &r->save, 0, "write the model to this file (safetensors)",
         "MODEL"},
        {"run", 0, POPT_ARG_STRING, &r->run, 0,
         "write model, metrics, report and run.json (which repeats the training) to this new folder",
         "DIR"},
        {"config", 0, POPT_ARG_STRING, &r->config, 0,
         "read data and options from this file, such as the run.json of a run; the command line takes precedence",
         "FILE"},
        {"test", 0, POPT_ARG_STRING, &r->test, 0, "a second file, with test rows", "FILE"},
        {"report", 0, POPT_ARG_STRING, &r->report, 0, "write a report to this file (HTML)", "FILE"},
        {"log", 0, POPT_ARG_STRING, &r->log, 0,
         "write one line of JSON per epoch to this file during training", "FILE"},
        {"tensorboard", 0, POPT_ARG_STRING, &r->tensorboard, 0,
         "write losses and learning rate per epoch to a new event file in this folder, for TensorBoard",
         "DIR"},
        {"split", 0, POPT_ARG_DOUBLE, &r->split, 0,
         "hold out this share of the rows (0 to 1) as test rows", "SHARE"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, threshold, 0,
         "Decision (two classes), stored in the model:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, library, 0, "Network and training:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(args, argc, argv, table, "DATA", intro, 0, 1, set_option, r);
    if (status == EXIT_OK && !args->operands && !r->config)
        status = complain(
            "train", EXIT_USAGE,
            "an argument is missing; usage: lockstep train DATA (details: lockstep train --help)");
    if (status == EXIT_OK && r->test && r->split > 0)
        status = complain("train", EXIT_USAGE, "give --test or --split, not both");
    if (status == EXIT_OK && args->operands) r->data = args->operand[0];
    return status;
}

/* ---- Results --------------------------------------------------------------------------------- */

static double speed_of(const ls_summary *s)
{
    return s->seconds > 0 ? (double)s->steps / s->seconds : 0;
}

static json_t *history_json(const ls_model *model)
{
    size_t n;
    const ls_history_point *h = ls_model_history(model, &n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *point = json_pack("{s:I,s:o}", "epoch", (json_int_t)h[i].epoch, "loss",
                                  ls_json_number((double)h[i].loss));
        if (!isnan(h[i].validation_loss))
            ls_json_set(&point, "validation_loss", ls_json_number((double)h[i].validation_loss));
        if (!isnan(h[i].validation_accuracy))
            ls_json_set(&point, "validation_accuracy",
                        ls_json_number((double)h[i].validation_accuracy));
        ls_json_append(&list, point);
    }
    return list;
}

static int report_json(const training_request *r, const training *t)
{
    ls_summary s = LS_INIT(ls_summary);
    char weights[65];
    ls_model_summary(t->model, &s, NULL);
    ls_model_weights_sha256(t->model, weights);
    json_t *o = json_pack("{s:o,s:s,s:I,s:I,s:I,s:I,s:s,s:f,s:f,s:o}", "device",
                          json_shown(t->report.info.name), "arithmetic",
                          t->report.info.exact ? "exact" : "approximate", "parameters",
                          (json_int_t)s.parameters, "epochs", (json_int_t)s.epochs, "steps",
                          (json_int_t)s.steps, "best_epoch", (json_int_t)s.best_epoch, "stopped",
                          interrupted() ? "interrupted" : s.stopped, "seconds", s.seconds,
                          "steps_per_second", speed_of(&s), "loss", ls_json_number(s.loss));
    ls_json_set(&o, "choice", device_report_json(&t->report));
    ls_json_set(&o, "device_note", device_note_json(&t->report));
    ls_json_set(&o, "train", t->on_train ? metrics_json(t->on_train, t->model) : json_null());
    if (t->on_test) ls_json_set(&o, "test", metrics_json(t->on_test, t->model));
    ls_json_set(&o, "notes", notes_json(t->train, t->test));
    ls_json_set(&o, "history", history_json(t->model));
    ls_json_set(&o, "options", model_options_json(t->model));
    ls_json_set(&o, "model", t->model_path ? json_shown(t->model_path) : json_null());
    if (r->run) ls_json_set(&o, "run", json_shown(r->run));
    ls_json_set(&o, "weights_sha256", json_hash(weights));
    ls_json_set(&o, "sha256", json_hash(t->hash));
    return print_json("train", o);
}

static void report_text(const training *t)
{
    ls_summary s = LS_INIT(ls_summary);
    char widths[256];
    const ls_decision decision = ls_model_decision(t->model);
    ls_model_summary(t->model, &s, NULL);
    describe_widths(t->model, widths, sizeof widths);
    device_report_print(&t->report);
    terminal_print(stdout, "network    %s, %llu parameters\n", widths,
                   (unsigned long long)s.parameters);
    terminal_print(stdout,
                   "trained    %llu epochs, %llu steps in %.2f s (%.0f steps/s), stopped by %s\n",
                   (unsigned long long)s.epochs, (unsigned long long)s.steps, s.seconds,
                   speed_of(&s), interrupted() ? "interruption" : s.stopped);
    if (s.best_epoch != s.epochs)
        terminal_print(
            stdout, "kept       the weights of epoch %llu, which has the lowest validation loss\n",
            (unsigned long long)s.best_epoch);
    print_decision("decision   ", &decision, t->model);
    const ls_metrics *judged = t->on_test ? t->on_test : t->on_train;
    if (judged) print_metrics_header(t->model);
    if (t->on_train) print_metrics("train", t->on_train, t->model);
    if (t->on_test) print_metrics("test", t->on_test, t->model);
    if (judged) print_baseline(t->on_test ? "test" : "train", judged, t->model);
    if (judged && ls_model_task(t->model) != LS_TASK_CLASSIFICATION)
        print_details(judged, t->model);
    if (t->model_path) terminal_print(stdout, "%s  %s\n", t->hash, t->model_path);
    else terminal_print(stdout, "%s\n", t->hash);
}

static int report(const training_request *r, const training *t)
{
    int status = EXIT_OK;
    if (r->source.json) status = report_json(r, t);
    else report_text(t);
    if (interrupted())
        status = complain("train", EXIT_INTERRUPTED,
                          t->model_path ? "interrupted; the model so far is in %s" : "interrupted",
                          t->model_path);
    return t->lost.count ? EXIT_FAILED : status;
}

int cmd_train(int argc, const char **argv)
{
    training_request r;
    training t = {0};
    arguments args = {0};
    ls_error err;
    int status = training_request_init(&r, &err) == LS_OK ? EXIT_OK : complain_error("train", &err);
    struct poptOption *library = library_table();
    if (status == EXIT_OK)
        status = library ? parse(&r, &args, library, argc, argv)
                         : complain("train", EXIT_FAILED, "out of memory");
    if (status == EXIT_OK && training_request_settle(&r, &err) != LS_OK)
        status = complain_error("train", &err);
    if (status == EXIT_OK)
        status = training_run("train", &r, &t, &err) == LS_OK ? report(&r, &t)
                                                              : complain_error("train", &err);
    training_free(&t);
    training_request_free(&r);
    arguments_free(&args);
    library_table_free(library);
    return status < 0 ? EXIT_OK : status;
}
