/* SPDX-License-Identifier: MIT */
#include "host/base/text.h"
#include "host/cli/base/exit_status.h"
#include "host/cli/cmd/commands.h"
#include "host/include/lockstep.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *about; /* one line for the help */
} subcommand;

static const subcommand commands[] = {
    {"train", cmd_train,
     "train a network on a file of rows (CSV, IDX, NPY) or a generated data set"},
    {"describe", cmd_describe,
     "what is in a file of rows: columns, types, missing values, classes"},
    {"search", cmd_search, "try many networks by cross-validation, and keep the best"},
    {"evaluate", cmd_evaluate, "figures of a model on data with classes"},
    {"predict", cmd_predict, "classes and probabilities for rows"},
    {"verify", cmd_verify, "compare two runs or models bit by bit, or repeat a run and compare"},
    {"show", cmd_show, "what is in a model file"},
    {"devices", cmd_devices, "the CPU path and the OpenCL devices, and whether each is exact"},
    {"report", cmd_report,
     "write a page about a model or a run: settings, curves, mistakes, calibration, layers"},
    {"plot", cmd_plot,
     "draw a picture of a model: loss, boundary, confusion, roc, calibration and others"},
    {"experiment", cmd_experiment,
     "run published experiments and write tables, pictures and a page"},
    {"compare", cmd_compare,
     "the same training on every exact device: seconds, speed-up, equal weights"},
    {"tune", cmd_tune, "measure which kernels suit an OpenCL device best, and remember it"},
    {"make", cmd_make, "write one of the generated data sets as CSV"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(FILE *to)
{
    fprintf(
        to,
        "Lockstep %s: trains neural networks with the same result, bit for bit, on CPUs and on any exact OpenCL device.\n\n"
        "usage: lockstep COMMAND [options]\n\n",
        ls_version());
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    fprintf(
        to,
        "\nlockstep COMMAND --help tells more. To begin with: lockstep train moons\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted (what was trained is saved).\n");
    return to == stdout ? EXIT_OK : EXIT_USAGE;
}

/* What was printed has arrived, or the exit status says that it has not. */
static int printed(int status, const char *name)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    fprintf(stderr, "lockstep %s: standard output cannot be written: %s\n", name, strerror(errno));
    return status == EXIT_OK ? EXIT_FAILED : status;
}

int main(int argc, const char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    signal(SIGXFSZ, SIG_IGN); /* a file past the limit (ulimit -f) is a write that fails, and does
                                 not cost the model */
    if (!*name) return help(stderr);
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        return printed(help(stdout), "--help");
    if (!strcmp(name, "--version") || !strcmp(name, "version")) {
        printf("lockstep %s\n", ls_version());
        return printed(EXIT_OK, name);
    }
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (!strcmp(name, names[i])) return printed(commands[i].run(argc - 1, argv + 1), name);
    }
    const char *near = ls_nearest(name, names, COMMANDS);
    fprintf(stderr,
            near ? "lockstep: there is no command '%s'; did you mean '%s'?\n"
                 : "lockstep: there is no command '%s'; lockstep --help lists them\n",
            name, near);
    return EXIT_USAGE;
}
