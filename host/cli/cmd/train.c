/* SPDX-License-Identifier: MIT */
#include "host/cli/base/args.h"
#include "host/cli/base/library_options.h"
#include "host/cli/base/source.h"
#include "host/cli/base/threshold.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/train_report.h"
#include "host/cli/run/training.h"
#include "host/cli/run/training_request.h"
#include <stdio.h>
#include <string.h>

static const char intro[] =
    "DATA is a file of rows (CSV, IDX or NPY, also compressed with gzip) or the name of a generator\n"
    "(listed by lockstep make --help). The column to predict is the last unless --target or\n"
    "--labels names another one. All options have defaults.\n"
    "\n"
    "  lockstep train iris.csv -o iris.safetensors --split 0.2\n"
    "  lockstep train moons --hidden 20,20 --activation tanh --optimizer adam --lr 0.01 --epochs 500\n"
    "  lockstep train data.csv --patience 0                     all rows, all epochs: hold none out\n"
    "  lockstep train spam.csv --validation 0.2 --positive spam --threshold best-f1\n"
    "  lockstep train train-images-idx3-ubyte.gz                MNIST, as downloaded\n"
    "  lockstep train iris.csv -o m.safetensors --checkpoint c  go on after anything: lockstep resume c\n"
    "  lockstep train iris.csv --run runs/a                     keep all results in a folder\n"
    "  lockstep train --config runs/a/run.json --seed 2         the same training with another seed\n"
    "  lockstep train new.csv --from old.st -o new.st --lr 1e-4  go on from a model, with other rows\n"
    "\n"
    "Text columns become categories. Missing values (empty, ?, NA) are filled in from the training\n"
    "rows. From 50 rows on, a tenth of them is held out for validation, and the weights of the epoch\n"
    "with the lowest validation loss are kept; training ends when 20 epochs have brought no better one\n"
    "(--validation, --fold, --patience). --threshold best-f1 chooses the threshold on the validation rows,\n"
    "or on the training rows if none are held out.\n"
    "\n"
    "The same data, options and seed give the same model, bit for bit, on every exact device. The last\n"
    "line of the output begins with the SHA-256 of the model file. Ctrl-C stops after the current\n"
    "epoch, saves the model and exits with status 130; with --checkpoint DIR, lockstep resume DIR\n"
    "goes on, and ends with the model of an uninterrupted training. If a device fails, training goes\n"
    "on with the same bits on the CPU path.\n";

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
    struct poptOption data[SOURCE_DATA], device[SOURCE_DEVICE], threshold[THRESHOLD_OPTIONS],
        safety[SAFETY_OPTIONS];
    source_data_table(&r->source, data);
    source_device_table(&r->source, device);
    threshold_table(&r->threshold, true, threshold);
    safety_table(&r->safety, safety);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &r->save, 0, "write the model to this file (safetensors)",
         "MODEL"},
        {"run", 0, POPT_ARG_STRING, &r->run, 0,
         "write model, metrics, report and run.json (which repeats the training) to this new folder",
         "DIR"},
        {"config", 0, POPT_ARG_STRING, &r->config, 0,
         "read data and options from this file, such as the run.json of a run; the command line takes precedence",
         "FILE"},
        {"from", 0, POPT_ARG_STRING, &r->from, 0,
         "start from the weights, options and preprocessing of this model (fine-tuning); the command line takes precedence",
         "MODEL"},
        {"refit", 0, POPT_ARG_NONE, &r->refit, 0,
         "with --from: fit the preprocessing to these rows instead of keeping the model's", NULL},
        {"data-shards", 0, POPT_ARG_NONE, &r->shards, 0,
         "hold no more rows in memory than this process trains on: under mpirun each rank its own (with --batch full, or few batches with --order file); the file is read several times",
         NULL},
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
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, safety, 0, "Checkpoints and checks:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(args, argc, argv, table, "DATA...", intro, 0, 1, set_option, r);
    if (status == EXIT_OK && !args->operands && !r->config)
        status = complain(
            "train", EXIT_USAGE,
            "an argument is missing; usage: lockstep train DATA (details: lockstep train --help)");
    if (status == EXIT_OK && r->test && r->split > 0)
        status = complain("train", EXIT_USAGE, "give --test or --split, not both");
    if (status == EXIT_OK && args->operands) r->data = args->operand[0];
    return status;
}

/* ---- All of it ------------------------------------------------------------------------------- */

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
        status = training_run("train", &r, &t, &err) == LS_OK ? train_report("train", &r, &t)
                                                              : complain_error("train", &err);
    training_free(&t);
    training_request_free(&r);
    arguments_free(&args);
    library_table_free(library);
    return status < 0 ? EXIT_OK : status;
}
