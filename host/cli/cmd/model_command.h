/* SPDX-License-Identifier: MIT */
/* What `plot` and `report` share: they take a model and, optionally, rows, and write one file. */
#ifndef LS_CLI_MODEL_COMMAND_H
#define LS_CLI_MODEL_COMMAND_H

#include "host/cli/base/source.h"

typedef struct {
    source_options source;
    const char *const *operand;
    int operands;
    const char *split; /* the part of the training data that is meant, or NULL */
    const char *path;  /* of the file to write, given with -o */
    ls_model *model;
    char hash[65]; /* of the model's file */
    ls_data *data; /* NULL without a data file */
    ls_device *device;
} model_command;

typedef struct {
    const char *name, *usage, *intro;
    int least, most;         /* number of operands */
    const char *output;      /* what -o FILE receives: "plot" */
    const char *output_help; /* of -o */
    ls_status (*work)(model_command *command, ls_error *err);
} model_command_info;

/* Parses the command line, calls info->work, and with --json prints the file's name. Returns the
 * exit status. */
int model_command_run(const model_command_info *info, int argc, const char **argv);

/* For info->work without data: checks that the output can be written, and that no option is about
 * data. */
ls_status model_command_check(const model_command *command, ls_error *err);

/* For info->work: checks that the output can be written, and loads the model. If data is not NULL,
 * reads the rows, which must have classes, and opens the device. */
ls_status model_command_open(model_command *command, const char *model, const char *data,
                             ls_error *err);

#endif
