/* SPDX-License-Identifier: MIT */
#include "host/cli/run/resume.h"
#include "host/cli/base/args.h"
#include "host/cli/base/source.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include "host/cli/cmd/train_report.h"
#include "host/cli/run/training.h"
#include <stdio.h>
#include <string.h>

static const char intro[] =
    "Goes on with a training that was begun with --checkpoint DIR and was interrupted, killed, or lost\n"
    "its device or its machine. It ends with the model, bit for bit, of a training that was not\n"
    "interrupted: also on another device, with another number of threads, or on another machine.\n"
    "\n"
    "  lockstep train iris.csv -o iris.safetensors --checkpoint c --epochs 5000\n"
    "  lockstep resume c\n"
    "  lockstep resume c --device cpu --threads 4\n"
    "\n"
    "Data, options and outputs are those of the training, and its paths are relative to the folder\n"
    "where it was begun, if there is such a folder. A damaged checkpoint is passed over for the one\n"
    "before it. Changed data, and checkpoints of another arithmetic, are refused.\n";

static int parse(training_request *r, arguments *args, int argc, const char **argv)
{
    struct poptOption device[SOURCE_DEVICE];
    source_device_table(&r->source, device);
    struct poptOption table[] = {
        {NULL, 'o', POPT_ARG_STRING, &r->save, 0,
         "write the model to this file (default: where the training was to write it)", "MODEL"},
        {"data", 0, POPT_ARG_STRING, &r->elsewhere.data, 0,
         "where the data are now; they must be the same rows", "FILE"},
        {"labels", 0, POPT_ARG_STRING, &r->elsewhere.source.labels, 0,
         "where the file of their classes is now", "FILE"},
        {"test", 0, POPT_ARG_STRING, &r->elsewhere.test, 0, "where the test rows are now", "FILE"},
        {"from", 0, POPT_ARG_STRING, &r->elsewhere.from, 0,
         "where the model is now that the training started from; it must be the same one", "MODEL"},
        {"data-shards", 0, POPT_ARG_NONE, &r->shards, 0,
         "hold no more rows in memory than this process trains on, as for lockstep train", NULL},
        {"run", 0, POPT_ARG_STRING, &r->run, 0, "the run folder, if it was moved", "DIR"},
        {"report", 0, POPT_ARG_STRING, &r->report, 0, "write a report to this file (HTML)", "FILE"},
        {"log", 0, POPT_ARG_STRING, &r->log, 0, "the file of --log, if it was moved", "FILE"},
        {"every", 0, POPT_ARG_STRING, &r->safety.every, 0,
         "how often to write checkpoints: 30s, 5m, 2h, or a number of epochs", "TIME"},
        {"keep", 0, POPT_ARG_LONGLONG, &r->safety.keep, 0, "number of newest checkpoints to keep",
         "K"},
        {"verify", 0, POPT_ARG_LONGLONG, &r->safety.verify, 0,
         "repeat one step in N on the CPU path and compare all bits", "N"},
        {"no-fallback", 0, POPT_ARG_NONE, &r->safety.no_fallback, 0,
         "if the device fails, end with a checkpoint instead of going on on the CPU path", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, device, 0, "Device and output:", NULL},
        POPT_TABLEEND,
    };
    int status = arguments_parse(args, argc, argv, table, "DIR", intro, 1, 1, NULL, NULL);
    if (status == EXIT_OK) r->safety.checkpoint = args->operand[0];
    return status;
}

int cmd_resume(int argc, const char **argv)
{
    training_request r;
    training t = {0};
    arguments args = {0};
    ls_error err;
    int status = training_request_init(&r, &err) == LS_OK ? EXIT_OK
                                                          : complain_error("resume", &err);
    r.resumes = true;
    if (status == EXIT_OK) status = parse(&r, &args, argc, argv);
    if (status == EXIT_OK &&
        (resume_read(&r, &err) != LS_OK || training_request_settle(&r, &err) != LS_OK))
        status = complain_error("resume", &err);
    if (status == EXIT_OK && r.moved && !r.source.quiet && !r.source.json)
        terminal_print(stderr, "note: the folder where the training was begun is not here; its "
                               "paths are taken relative to the current folder\n");
    const char *limit = status == EXIT_OK ? ls_options_get(r.options, "time-limit") : NULL;
    if (limit && strcmp(limit, "0") && !r.source.quiet && !r.source.json)
        terminal_print(stderr,
                       "note: --time-limit %s: where this training ends depends on the "
                       "machine's speed, so it may end at another epoch\n",
                       limit);
    if (status == EXIT_OK)
        status = training_run("resume", &r, &t, &err) == LS_OK ? train_report("resume", &r, &t)
                                                               : complain_error("resume", &err);
    training_free(&t);
    training_request_free(&r);
    arguments_free(&args);
    return status < 0 ? EXIT_OK : status;
}
