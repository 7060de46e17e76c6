/* SPDX-License-Identifier: MIT */
#include "host/base/host_mode.h"
#include "host/base/neighbours.h"
#include "host/cli/base/exit_status.h"
#include "host/cli/base/interrupt.h"
#include "host/cli/base/json_memory.h"
#include "host/cli/base/terminal.h"
#include "host/cli/cmd/commands.h"
#include "host/device/ranks.h"
#include "host/include/lockstep.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *about; /* one line for the help */
    bool prints;       /* does nothing but print: ends when the reader of its output goes away */
    bool trains;       /* on all ranks, if there are several */
} subcommand;

static const subcommand commands[] = {
    {"train", cmd_train,
     "train a network on a file of rows (CSV, IDX, NPY, NPZ) or a generated data set", false, true},
    {"auto", cmd_auto, "find a good model by itself: an ensemble of networks trained side by side",
     false, true},
    {"resume", cmd_resume, "go on with a training from its checkpoints, on any device", false,
     true},
    {"describe", cmd_describe,
     "describe the data in a file: columns, types, missing values, classes", true, false},
    {"search", cmd_search, "train many networks with different options and rank them", false, true},
    {"evaluate", cmd_evaluate, "compute the metrics of a model on data with classes", true, false},
    {"predict", cmd_predict, "predict classes and probabilities for new rows", false, false},
    {"verify", cmd_verify, "compare two runs or models bit by bit, or repeat a run and compare",
     false, true},
    {"show", cmd_show, "show what a model file contains", true, false},
    {"devices", cmd_devices, "list the CPU path and the OpenCL devices, and whether each is exact",
     true, false},
    {"doctor", cmd_doctor,
     "say why a GPU does not appear, and try the devices that do: bits, memory, speed", true,
     false},
    {"report", cmd_report,
     "write a report (HTML) about a model or a run: settings, curves, errors, calibration", false,
     false},
    {"plot", cmd_plot,
     "draw a plot of a model: loss, decision boundary, confusion matrix, ROC and others", false,
     false},
    {"experiment", cmd_experiment, "run published experiments and write tables, plots and a report",
     false, true},
    {"compare", cmd_compare,
     "train the same network on every exact device and compare speed and weights", false, false},
    {"tune", cmd_tune, "measure the fastest kernels for an OpenCL device and store the choice",
     false, false},
    {"make", cmd_make, "write a generated data set as CSV", true, false},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(FILE *to)
{
    terminal_print(
        to,
        "Lockstep %s trains neural networks. The result is the same, bit for bit, on CPUs and on every\n"
        "exact OpenCL device.\n\n"
        "usage: lockstep COMMAND [options]\n\n",
        ls_version());
    for (size_t i = 0; i < COMMANDS; i++)
        terminal_print(to, "  %-10s %s\n", commands[i].name, commands[i].about);
    terminal_print(
        to,
        "\nFor the options of a command: lockstep COMMAND --help. To start: lockstep train moons\n"
        "Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted (the model so far is saved).\n");
    return to == stdout ? EXIT_OK : EXIT_USAGE;
}

/* Flushes stdout. Output that could not be written is a failure. */
static int printed(int status, const char *name)
{
    bool flushed = fflush(stdout) == 0 && !ferror(stdout);
    if (flushed && !terminal_incomplete()) return status;
    terminal_print(stderr, "lockstep %s: cannot write to standard output: %s\n", name,
                   strerror(flushed ? ENOMEM : errno));
    return status == EXIT_OK ? EXIT_FAILED : status;
}

/* What is no command. */
static int run_other(const char *name)
{
    if (!*name) return help(stderr);
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        return printed(help(stdout), "--help");
    if (!strcmp(name, "--version") || !strcmp(name, "version")) {
        terminal_print(stdout, "lockstep %s\n", ls_version());
        return printed(EXIT_OK, name);
    }
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) names[i] = commands[i].name;
    const ls_hint hint = ls_command_hint(name + strspn(name, "-"), names, COMMANDS);
    if (hint.name)
        terminal_print(stderr, "lockstep: there is no command '%s'; did you mean '%s'?%s%s%s\n",
                       name, hint.name, hint.about ? " (" : "", hint.about ? hint.about : "",
                       hint.about ? ")" : "");
    else
        terminal_print(stderr, "lockstep: there is no command '%s'; lockstep --help lists them\n",
                       name);
    return EXIT_USAGE;
}

/* Runs the command (NULL: what is none) on rank 0 if this is one of several processes of mpirun or
 * srun; the others work for it until it ends. They leave it to rank 0 to be interrupted. */
static int run_on_ranks(const subcommand *command, int argc, const char **argv)
{
    int rank = 0, ranks = 1;
    ls_error err;
    ls_ranks_heed(interrupted);
    if (ls_ranks_begin(&rank, &ranks, &err) != LS_OK && command) {
        terminal_print(stderr, "lockstep %s: %s\n", command->name, err.message);
        return EXIT_FAILED;
    }
    if (rank > 0) {
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_IGN);
        if (ls_ranks_serve(&err) == LS_OK) return EXIT_OK;
        terminal_print(stderr, "lockstep %s: rank %d: %s\n", argv[0], rank, err.message);
        return EXIT_FAILED;
    }
    if (ranks > 1) atexit(ls_ranks_end);
    if (!command || !command->trains) ls_ranks_end(); /* one process does it */
    int status = command ? printed(command->run(argc, argv), command->name) : run_other(argv[0]);
    ls_ranks_end();
    return status;
}

/* Opens /dev/null on descriptors 0 to 2 that are closed: the next file would get their number, and
 * messages or the standard output would be written into it. For standard output it is opened for
 * reading, so that output that goes nowhere is an error, as in other programs. */
static void open_closed(void)
{
    for (int file = 0; file <= STDERR_FILENO; file++) {
        int how = file == STDERR_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(file, F_GETFD) < 0 && open("/dev/null", how | O_NOCTTY) != file)
            _exit(EXIT_FAILED);
    }
}

int main(int argc, const char **argv)
{
    LS_HOST_MODE(mode); /* a preloaded library may have set another */
    const char *name = argc > 1 ? argv[1] : "";
    open_closed();
    json_memory_reserve();
    /* a write beyond the limit on file sizes (ulimit -f) fails instead of ending the process */
    signal(SIGXFSZ, SIG_IGN);
    const subcommand *command = NULL;
    for (size_t i = 0; i < COMMANDS; i++)
        if (!strcmp(name, commands[i].name)) command = &commands[i];
    /* a write to a pipe without a reader fails: that of progress costs nothing then */
    if (command && !command->prints) signal(SIGPIPE, SIG_IGN);
    const char *nothing[] = {"", NULL};
    return argc > 1 ? run_on_ranks(command, argc - 1, argv + 1) : run_on_ranks(NULL, 1, nothing);
}
