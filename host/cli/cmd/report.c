/* SPDX-License-Identifier: MIT */
#include "host/cli/report/report.h"
#include "host/base/text.h"
#include "host/cli/run/config.h"
#include "host/cli/run/run_folder.h"
#include "host/model/model.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char intro[] =
    "Writes a page about MODEL, or the model of a RUN's folder: settings, how to train it again, the loss curve; with DATA also\n"
    "figures, the boundary, the confusion matrix and the worst mistakes, how sure the model is, and how its layers stand. The page\n"
    "needs nothing but itself: no network, no script. Values show where the pointer is on a picture, and in a table beside it.\n"
    "\n"
    "  lockstep report moons.safetensors moons -o report.html\n"
    "  lockstep train moons --split 0.2 --report report.html       the same right after training, test rows included\n";

typedef struct {
    ls_model *model;
    ls_data *data;
    ls_device *device;
} report_work;

/* What trains the model again: its run.json, or as much as model and command line say. */
static void add_command(ls_text *out, const source_options *o, const char *path, const char *data,
                        const ls_model *model)
{
    struct stat about;
    char number[32];
    ls_text config = {0};
    ls_text_add(&config, "%s/%s", path, run_file_names[RUN_JSON]);
    if (!config.failed && stat(path, &about) == 0 && S_ISDIR(about.st_mode) &&
        access(config.text, F_OK) == 0) {
        ls_text_add(out, "lockstep train --config");
        command_add_word(out, config.text);
    } else {
        const ls_decision d = ls_model_decision(model);
        run_config c = {.data = data, .source = *o};
        if (d.source != LS_THRESHOLD_DEFAULT || d.positive != 1)
            c.threshold.positive = ls_model_class_name(model, d.positive);
        snprintf(number, sizeof number, "%.9g", (double)d.threshold);
        if (d.source != LS_THRESHOLD_DEFAULT)
            c.threshold.threshold = d.source == LS_THRESHOLD_GIVEN ? number : "best-f1";
        command_add_train(out, &c, model->options);
    }
    free(config.text);
}

static ls_status work(const source_options *o, const arguments *args, const char *path,
                      report_work *w, ls_error *err)
{
    const char *data = args->operands > 1 ? args->operand[1] : NULL;
    LS_TRY(source_check_writable(path, err));
    LS_TRY(source_check_apart(path, args->operand[0], err));
    LS_TRY(source_check_apart(path, data, err));
    LS_TRY(source_model(args->operand[0], &w->model, err));
    if (data) LS_TRY(source_read(o, data, w->model, &w->data, err));
    if (data && (!ls_data_classes(w->data) || !ls_data_y(w->data)))
        return ls_fail(err, LS_ERR_DATA, "%s has no class column", data);
    LS_TRY(source_device(o, &w->device, err));
    ls_text command = {0};
    add_command(&command, o, args->operand[0], data, w->model);
    const report_input in = {.model = w->model,
                             .device = w->device,
                             .data = w->data,
                             .data_label = "rows",
                             .source = data,
                             .command = command.failed ? "" : command.text};
    ls_status status = report_write(&in, path, err);
    free(command.text);
    return status;
}

int cmd_report(int argc, const char **argv)
{
    source_options o;
    report_work w = {0};
    arguments args = {0};
    const char *path = NULL;
    ls_error err;
    source_options_init(&o);
    struct poptOption data[SOURCE_DATA], device[6];
    source_data_table(&o, data);
    source_device_table(&o, device);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &path, 0, "write the page to this file", "FILE"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, "RUN|MODEL [DATA] -o FILE", intro, 1, 2,
                                 NULL, NULL);
    if (status == EXIT_OK && !path)
        status = complain("report", EXIT_USAGE, "name a file for the page with -o FILE");
    if (status == EXIT_OK && work(&o, &args, path, &w, &err) != LS_OK)
        status = complain_error("report", &err);
    else if (status == EXIT_OK && o.json) print_json(json_pack("{s:s}", "file", path));
    ls_device_close(w.device);
    ls_data_free(w.data);
    ls_model_free(w.model);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
