/* SPDX-License-Identifier: MIT */
#include "host/base/error.h"
#include "host/base/json.h"
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/metrics_output.h"
#include "host/cli/base/notes.h"
#include "host/cli/base/phases.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/base/threshold.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/run/split.h"
#include <jansson.h>
#include <math.h>
#include <popt.h>
#include <stdio.h>

static const char intro[] =
    "Prints the metrics of MODEL, a model file or a run folder, on DATA, a file of rows or the name of\n"
    "a generator. The class or the number to predict is in the last column unless --target or --labels\n"
    "names another one. The rows are preprocessed as the training rows were. Classes are matched by name.\n"
    "\n"
    "  lockstep evaluate iris.safetensors iris.csv --json\n"
    "  lockstep evaluate iris.safetensors iris.csv --split test     the rows that train --split held out\n"
    "  lockstep evaluate mammography.safetensors test.csv --positive 1 --threshold best-f1\n"
    "\n"
    "Here best-f1 is chosen on DATA itself, so the metrics are optimistic. lockstep train --threshold\n"
    "best-f1 chooses it on other rows than the test rows, and stores it in the model.\n";

typedef struct {
    source_options source;
    ls_threshold_options threshold;
    int calibration;
    const char *split; /* a part of the training data, or NULL for all of DATA */
} evaluate_arguments;

typedef struct {
    ls_model *model;
    ls_data *data;
    ls_device *device;
    ls_metrics *metrics;
} evaluate_work;

static ls_status work(const evaluate_arguments *a, const char *model, const char *data,
                      evaluate_work *w, ls_error *err)
{
    LS_TRY(source_model(model, &w->model, err));
    if (a->calibration && ls_model_task(w->model) != LS_TASK_CLASSIFICATION)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--calibration is for probabilities of classes; the model predicts %s",
                       ls_model_task(w->model) == LS_TASK_REGRESSION ? "numbers" : "labels");
    LS_TRY(a->split ? split_read(w->model, &a->source, data, a->split, &w->data, err)
                    : source_read(&a->source, data, w->model, &w->data, err));
    LS_TRY(source_require_targets(data, w->data, w->model, err));
    LS_TRY(source_device(&a->source, &w->device, err));
    double begun = phase_begin();
    LS_TRY(ls_model_evaluate_with(w->model, w->device, w->data, &a->threshold, &w->metrics, err));
    phase_end(begun, "evaluated the model on %zu rows", ls_data_rows(w->data));
    return isfinite(w->metrics->loss)
               ? LS_OK
               : ls_fail(err, LS_ERR_DATA,
                         "%s: the loss is not a finite number; a value lies far outside the "
                         "training rows (lockstep predict names the row)",
                         data);
}

static int report(const evaluate_arguments *a, const evaluate_work *w)
{
    const ls_device_info *info = ls_device_get_info(w->device);
    if (a->source.json) {
        json_t *object = metrics_json(w->metrics, w->model);
        if (a->split) ls_json_set(&object, "split", json_string(a->split));
        ls_json_set(&object, "notes", notes_json(w->data, NULL));
        ls_json_set(&object, "device", json_shown(info->name));
        ls_json_set(&object, "arithmetic", json_string(info->exact ? "exact" : "approximate"));
        return print_json("evaluate", object);
    }
    terminal_print(stdout, "device     %s (%s)\n", info->name,
                   info->exact ? "exact" : "approximate");
    print_metrics_header(w->model);
    print_metrics(a->split ? a->split : "data", w->metrics, w->model);
    print_baseline(a->split ? a->split : "data", w->metrics, w->model);
    if (ls_model_classes(w->model) == 2)
        terminal_print(stdout, "%-10s precision, recall and F1 of class '%s'\n", "",
                       ls_model_class_name(w->model, w->metrics->positive));
    print_decision("decision   ", &w->metrics->decision, w->model);
    print_details(w->metrics, w->model);
    print_confusion(w->metrics, w->model);
    if (a->calibration) print_calibration(w->metrics, w->model);
    return EXIT_OK;
}

int cmd_evaluate(int argc, const char **argv)
{
    evaluate_arguments a = {0};
    evaluate_work w = {0};
    arguments args = {0};
    ls_error err;
    source_options_init(&a.source);
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE], threshold[THRESHOLD_OPTIONS];
    source_model_table(&a.source, data);
    source_device_table(&a.source, device);
    threshold_table(&a.threshold, true, threshold);
    struct poptOption table[] = {
        OPTION_SPLIT(a.split),
        {"calibration", 0, POPT_ARG_NONE, &a.calibration, 0,
         "classes: also print a calibration table: predicted probability and actual share in ten bins (--json always has it)",
         NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, threshold, 0, "Decision (two classes):", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "MODEL DATA...", intro, 2, 2, NULL,
                                 NULL);
    if (status == EXIT_OK) {
        if (work(&a, args.operand[0], args.operand[1], &w, &err) == LS_OK) status = report(&a, &w);
        else status = complain_error("evaluate", &err);
    }
    ls_metrics_free(w.metrics);
    ls_device_close(w.device);
    ls_data_free(w.data);
    ls_model_free(w.model);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
