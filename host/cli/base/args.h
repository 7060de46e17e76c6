/* SPDX-License-Identifier: MIT */
/* Parses the command line of a subcommand and prints its error messages. */
#ifndef LS_CLI_ARGS_H
#define LS_CLI_ARGS_H

#include "host/base/error.h"
#include "host/cli/base/exit_status.h"
#include <popt.h>

enum { MOST_STRINGS = 64 /* string options of a command */ };

/* A parsed command line. The values of options are stored where the popt table points; everything
 * else is an operand. */
typedef struct {
    poptContext context;
    const char *command;
    const char *operand[8];
    int operands;
    char *owned[MOST_STRINGS]; /* values of string options, allocated by popt */
    size_t owned_count;
} arguments;

/* Handles an option whose table entry has val != 0. text is its argument, or NULL if it has none.
 * Returns EXIT_OK to continue, or the exit status to stop with. */
typedef int (*option_handler)(int val, const char *text, void *user);

/* Parses the command line and checks that it has `least` to `most` operands.
 * usage: the operands as the help shows them, after "lockstep COMMAND". If it ends with "...", more
 * than `most` are files of one table, and one operand with the last (host/data/parts.h).
 * intro: the text that --help prints after the options.
 * Returns EXIT_OK, or -1 after --help (exit with EXIT_OK), or the exit status of a mistake. */
int arguments_parse(arguments *args, int argc, const char **argv, struct poptOption *table,
                    const char *usage, const char *intro, int least, int most,
                    option_handler handler, void *user);
void arguments_free(arguments *args);

/* Prints "lockstep COMMAND: message" to stderr and returns status. */
int complain(const char *command, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed library call. Returns EXIT_USAGE for LS_ERR_ARGUMENT, otherwise
 * EXIT_FAILED. */
int complain_error(const char *command, const ls_error *err);

/* ---- Options that several subcommands have --------------------------------------------------- */

/* clang-format off */
#define OPTION_JSON(field) \
    {"json", 0, POPT_ARG_NONE, &(field), 0, "print one JSON object and nothing else", NULL}
#define OPTION_QUIET(field) \
    {"quiet", 'q', POPT_ARG_NONE, &(field), 0, \
     "print nothing but errors, and what was asked for with --json or as CSV", NULL}
#define OPTION_VERBOSE(field) \
    {"verbose", 'v', POPT_ARG_NONE, &(field), 0, \
     "also tell each phase with its seconds, the device, rows and columns, and every epoch", NULL}
/* clang-format on */

#endif
