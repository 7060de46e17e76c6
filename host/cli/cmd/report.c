/* SPDX-License-Identifier: MIT */
#include "host/cli/report/report.h"
#include "host/base/text.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/model_command.h"
#include "host/cli/run/config.h"
#include "host/cli/run/run_folder.h"
#include "host/cli/run/train_command.h"
#include "host/model/model.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char intro[] =
    "Writes an HTML report about MODEL, or about the model in the folder RUN: settings, the command to\n"
    "train it again, loss per epoch; with DATA also metrics, decision regions, confusion matrix, worst\n"
    "errors, ROC and calibration, and statistics of each layer. The report is one file without scripts\n"
    "or links to other files. Its plots show values under the pointer; tables beside them have the same\n"
    "values.\n"
    "\n"
    "  lockstep report moons.safetensors moons -o report.html\n"
    "  lockstep train moons --split 0.2 --report report.html     right after training, with test rows\n";

/* Names the targets if train would not find them by itself: there are several, or the only one is
 * not the last column of the file. Names with commas cannot be listed. */
static void add_targets(ls_text *list, const ls_model *model)
{
    const ls_target *first = model->target;
    bool last = first->place == LS_NO_COLUMN || first->place + 1 >= model->source.columns;
    if (model->targets == 1 && (last || !model->source.header)) return;
    for (size_t i = 0; i < model->targets; i++) {
        const char *name = model->target[i].name;
        if (!name || strchr(name, ',')) return;
    }
    for (size_t i = 0; i < model->targets; i++)
        ls_text_add(list, "%s%s", i ? "," : "", model->target[i].name);
}

/* A command line that trains the model again: from its run.json, or from what the model and this
 * command line tell. */
static void add_command(ls_text *out, const source_options *o, const char *path, const char *data,
                        const ls_model *model)
{
    struct stat about;
    char number[32];
    ls_text config = {0}, targets = {0};
    ls_text_add(&config, "%s/%s", path, run_file_names[RUN_JSON]);
    if (!config.failed && stat(path, &about) == 0 && S_ISDIR(about.st_mode) &&
        access(config.text, F_OK) == 0) {
        ls_text_add(out, "lockstep train --config");
        command_add_word(out, config.text);
    } else {
        const ls_decision d = ls_model_decision(model);
        run_config c = {.data = data, .source = *o};
        bool file = data && !source_is_generated(data);
        if (file && !o->target) add_targets(&targets, model);
        if (targets.text && !targets.failed) c.source.target = targets.text;
        if (file && !o->task && model->task == LS_TASK_REGRESSION) c.source.task = "regression";
        if (d.source != LS_THRESHOLD_DEFAULT || d.positive != 1)
            c.threshold.positive = ls_model_class_name(model, d.positive);
        snprintf(number, sizeof number, "%.9g", (double)d.threshold);
        if (d.source != LS_THRESHOLD_DEFAULT)
            c.threshold.threshold = d.source == LS_THRESHOLD_GIVEN ? number : "best-f1";
        command_add_train(out, &c, model->options);
    }
    free(config.text);
    free(targets.text);
}

static ls_status work(model_command *c, ls_error *err)
{
    const char *model = c->operand[0], *data = c->operands > 1 ? c->operand[1] : NULL;
    ls_text command = {0};
    LS_TRY(model_command_open(c, model, data, err));
    if (!c->device) LS_TRY(source_device(&c->source, &c->device, err));
    add_command(&command, &c->source, model, data, c->model);
    const report_input in = {.model = c->model,
                             .hash = c->hash,
                             .device = c->device,
                             .data = c->data,
                             .data_label = "rows",
                             .source = data,
                             .command = command.text};
    ls_status status = command.failed ? ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", c->path)
                                      : report_write(&in, c->path, err);
    free(command.text);
    return status;
}

int cmd_report(int argc, const char **argv)
{
    static const model_command_info info = {.name = "report",
                                            .usage = "RUN|MODEL [DATA] -o FILE",
                                            .intro = intro,
                                            .least = 1,
                                            .most = 2,
                                            .output = "report",
                                            .output_help = "write the report to this file",
                                            .work = work};
    return model_command_run(&info, argc, argv);
}
