/* SPDX-License-Identifier: MIT */
#include "host/cli/report/report.h"
#include "host/base/text.h"
#include "host/cli/base/phases.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/model_command.h"
#include "host/cli/plot/letters.h"
#include "host/cli/run/config.h"
#include "host/cli/run/run_folder.h"
#include "host/cli/run/split.h"
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

/* The positive class and the threshold of the model. number: storage for the latter. */
static ls_threshold_options threshold_of(const ls_model *model, char number[32])
{
    const ls_decision d = ls_model_decision(model);
    ls_threshold_options t = {0};
    if (d.source != LS_THRESHOLD_DEFAULT || d.positive != 1)
        t.positive = ls_model_class_name(model, d.positive);
    snprintf(number, 32, "%.9g", (double)d.threshold);
    if (d.source != LS_THRESHOLD_DEFAULT)
        t.threshold = d.source == LS_THRESHOLD_GIVEN ? number : "best-f1";
    return t;
}

/* From the split that the model knows. DATA are named if they are the rows that it was trained on.
 */
static ls_status add_from_split(ls_text *out, const char **note, const model_command *c,
                                const char *data, ls_error *err)
{
    run_config config;
    char number[32];
    bool same = false;
    LS_TRY(split_config(c->model, &config, err));
    ls_status status = data ? split_is_of(c->model, &c->source, data, &same, err) : LS_OK;
    if (same) {
        config.data = data;
        config.source.labels = c->source.labels;
    }
    if (same && source_is_generated(data)) {
        config.source.rows = c->source.rows;
        config.source.noise = c->source.noise;
        config.source.data_seed = c->source.data_seed;
    }
    config.split = c->model->split->test;
    config.threshold = threshold_of(c->model, number);
    if (!config.data)
        *note = data ? "DATA: the file of the training rows, of which the model keeps the SHA-256 "
                       "and not the name; it is not the file of this report."
                     : "DATA: the file of the training rows, of which the model keeps the SHA-256 "
                       "and not the name.";
    if (config.from) *note = "MODEL: the model that the training started from, which is not kept.";
    if (status == LS_OK) command_add_train(out, &config, c->model->options);
    config_free(&config);
    return status;
}

/* The columns that the network uses, if these are not all of the file. Unnamed ones have numbers.
 */
static void add_columns(ls_text *list, const ls_model *model)
{
    const ls_encoder *e = model->encoder;
    if (!e || e->columns + model->targets >= model->source.columns) return;
    for (size_t i = 0; i < e->columns; i++)
        if (model->source.header && strchr(e->column[i].name, ',')) return;
    for (size_t i = 0; i < e->columns; i++) {
        ls_text_add(list, i ? "," : "");
        if (model->source.header) ls_text_add(list, "%s", e->column[i].name);
        else ls_text_add(list, "%zu", e->column[i].place);
    }
}

/* Of a model without a split: from what it tells about its columns. */
static void add_from_columns(ls_text *out, const char **note, const model_command *c,
                             const char *data)
{
    static const char *const headers[] = {[LS_HEADER_YES] = "yes", [LS_HEADER_NO] = "no"};
    const ls_model *model = c->model;
    char number[32], separator[2] = {model->source.separator};
    ls_text targets = {0}, columns = {0};
    run_config config = {
        .data = data, .source = c->source, .threshold = threshold_of(model, number)};
    source_options *o = &config.source;
    if (!data || !source_is_generated(data)) {
        if (!o->target) add_targets(&targets, model);
        if (targets.text && !targets.failed) o->target = targets.text;
        if (!o->columns && !o->drop) add_columns(&columns, model);
        if (columns.text && !columns.failed) o->columns = columns.text;
        if (!o->task && model->task == LS_TASK_REGRESSION) o->task = "regression";
        if (!o->missing && model->encoder && model->encoder->missing != LS_MISSING_MEAN)
            o->missing = ls_missing_names[model->encoder->missing];
        if (!o->header) o->header = headers[model->source.header_option];
        if (!o->separator && *separator) o->separator = *separator == '\t' ? "tab" : separator;
        if (!o->missing_mark) o->missing_mark = model->source.marks;
    }
    command_add_train(out, &config, model->options);
    *note = "It is made from the options that the model keeps. The model does not keep which file "
            "its rows come from, nor --weight, --group, --sample, --categorical, --from and, of "
            "generated data, --rows, --noise and --data-seed.";
    free(targets.text);
    free(columns.text);
}

/* A command line that trains the model again, from its run.json or from what the model tells;
 * *note: what cannot be known of it, or NULL. */
static ls_status add_command(ls_text *out, const char **note, const model_command *c,
                             const char *path, const char *data, ls_error *err)
{
    struct stat about;
    ls_text config = {0};
    ls_status status = LS_OK;
    ls_text_add(&config, "%s/%s", path, run_file_names[RUN_JSON]);
    if (!config.failed && stat(path, &about) == 0 && S_ISDIR(about.st_mode) &&
        access(config.text, F_OK) == 0) {
        ls_text_add(out, "lockstep train --config");
        command_add_word(out, config.text);
    } else if (c->model->split) status = add_from_split(out, note, c, data, err);
    else add_from_columns(out, note, c, data);
    free(config.text);
    return status;
}

static ls_status work(model_command *c, ls_error *err)
{
    const char *model = c->operand[0], *data = c->operands > 1 ? c->operand[1] : NULL;
    ls_text command = {0};
    LS_TRY(model_command_open(c, model, data, err));
    if (!c->device) LS_TRY(source_device(&c->source, &c->device, err));
    const char *note = NULL;
    ls_status status = add_command(&command, &note, c, model, data, err);
    const report_input in = {.model = c->model,
                             .hash = c->hash,
                             .device = c->device,
                             .data = c->data,
                             .data_label = c->split ? split_label(c->split) : "rows",
                             .source = data,
                             .command = command.text,
                             .command_note = note};
    double begun = phase_begin();
    if (status == LS_OK)
        status = command.failed ? ls_fail(err, LS_ERR_MEMORY, "%s: out of memory", c->path)
                                : report_write(&in, c->path, err);
    if (status == LS_OK && !c->source.quiet && !c->source.json) letters_note(c->model);
    if (status == LS_OK) phase_end(begun, "wrote the report %s", c->path);
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
