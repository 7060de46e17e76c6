/* SPDX-License-Identifier: MIT */
#include "host/cli/cmd/model_command.h"
#include "host/base/error.h"
#include "host/cli/base/args.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/result_path.h"
#include "host/cli/run/config.h"
#include "host/cli/run/split.h"

/* Options about data, without data. */
static ls_status check_unused(const model_command *c, ls_error *err)
{
    const run_config given = {.source = c->source};
    if (c->split)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--split: name the data that the model was trained on");
    for (size_t i = 0; i < CONFIG_ENTRIES; i++)
        if (!config_is_initial(&given, &config_entries[i]))
            return ls_fail(err, LS_ERR_ARGUMENT, "--%s is about DATA, and there are none",
                           config_entries[i].name);
    return LS_OK;
}

static ls_status check_paths(const model_command *c, const char *model, ls_error *err)
{
    result_paths paths = {0};
    result_reads(&paths, model);
    for (int i = 0; i < c->operands; i++) /* also data that is not needed after all */
        if (c->operand[i] != model) result_reads_rows(&paths, c->operand[i]);
    result_reads(&paths, c->source.labels);
    result_writes(&paths, c->path);
    return result_check(&paths, err);
}

ls_status model_command_check(const model_command *c, ls_error *err)
{
    LS_TRY(check_unused(c, err));
    return check_paths(c, c->operand[1], err);
}

ls_status model_command_open(model_command *c, const char *model, const char *data, ls_error *err)
{
    if (!data) LS_TRY(check_unused(c, err));
    LS_TRY(check_paths(c, model, err));
    LS_TRY(source_model_file(model, &c->model, NULL, c->hash, err));
    if (data)
        LS_TRY(c->split ? split_read(c->model, &c->source, data, c->split, &c->data, err)
                        : source_read(&c->source, data, c->model, &c->data, err));
    if (data) LS_TRY(source_require_targets(data, c->data, c->model, err));
    return data ? source_device(&c->source, &c->device, err) : LS_OK;
}

int model_command_run(const model_command_info *info, int argc, const char **argv)
{
    model_command c = {.path = NULL};
    arguments args = {0};
    ls_error err;
    source_options_init(&c.source);
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE];
    source_model_table(&c.source, data);
    source_device_table(&c.source, device);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &c.path, 0, info->output_help, "FILE"},
        OPTION_SPLIT(c.split),
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, data, 0, "Data:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(&args, argc, argv, table, info->usage, info->intro, info->least,
                                 info->most, NULL, NULL);
    c.operand = args.operand;
    c.operands = args.operands;
    if (status == EXIT_OK && !c.path)
        status = complain(info->name, EXIT_USAGE, "name a file for the %s with -o FILE",
                          info->output);
    if (status == EXIT_OK && info->work(&c, &err) != LS_OK)
        status = complain_error(info->name, &err);
    else if (status == EXIT_OK && c.source.json)
        status = print_json(info->name, json_pack("{s:o}", "file", json_shown(c.path)));
    ls_device_close(c.device);
    ls_data_free(c.data);
    ls_model_free(c.model);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
