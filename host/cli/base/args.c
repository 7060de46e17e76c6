/* SPDX-License-Identifier: MIT */
#include "host/cli/base/args.h"
#include "host/base/text.h"
#include "host/cli/base/terminal.h"
#include <popt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int complain(const char *command, int status, const char *format, ...)
{
    va_list list;
    terminal_print(stderr, "lockstep %s: ", command);
    va_start(list, format);
    terminal_vprint(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return status;
}

int complain_error(const char *command, const ls_error *err)
{
    return complain(command, err->status == LS_ERR_ARGUMENT ? EXIT_USAGE : EXIT_FAILED, "%s",
                    err->message);
}

/* Appends the long names of a table and of the tables that it includes. Returns the new count. */
static size_t collect_names(const struct poptOption *table, const char **names, size_t count,
                            size_t most)
{
    for (; table->longName || table->shortName || table->arg; table++) {
        if ((table->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE)
            count = collect_names(table->arg, names, count, most);
        else if (table->longName && count < most) names[count++] = table->longName;
    }
    return count;
}

/* Appends the addresses of the string options of a table and of the tables that it includes.
 * Returns the new count. */
static size_t collect_strings(const struct poptOption *table, char ***out, size_t count,
                              size_t most)
{
    for (; table->longName || table->shortName || table->arg; table++) {
        unsigned kind = table->argInfo & POPT_ARG_MASK;
        if (kind == POPT_ARG_INCLUDE_TABLE) count = collect_strings(table->arg, out, count, most);
        else if (kind == POPT_ARG_STRING && table->arg && count < most) out[count++] = table->arg;
    }
    return count;
}

/* "OPTION: " of the option that has a bad value, for messages; popt reports only the value. */
static const char *option_before(int argc, const char **argv, const char *value, char text[80])
{
    size_t length = strlen(value);
    text[0] = 0;
    for (int i = 1; i < argc; i++) {
        size_t n = strlen(argv[i]);
        const char *equals = strchr(argv[i], '=');
        bool joined = n > length + 1 && argv[i][n - length - 1] == '=' &&
                      !strcmp(argv[i] + n - length, value);
        if (equals && !strcmp(argv[i], value))
            snprintf(text, 80, "%.*s: ", (int)(equals - argv[i]), argv[i]);
        else if (joined) snprintf(text, 80, "%.*s: ", (int)(n - length - 1), argv[i]);
        else if (i > 1 && !strcmp(argv[i], value) && argv[i - 1][0] == '-')
            snprintf(text, 80, "%.70s: ", argv[i - 1]);
    }
    return text;
}

static int bad_option(const arguments *args, const struct poptOption *table, int code, int argc,
                      const char **argv)
{
    char before[80];
    const char *given = poptBadOption(args->context, POPT_BADOPTION_NOALIAS), *names[256];
    const char *bare = given + strspn(given, "-");
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(bare, "="), bare);
    if (code != POPT_ERROR_BADOPT)
        return complain(args->command, EXIT_USAGE, "%s'%s': %s (lockstep %s --help)",
                        option_before(argc, argv, given, before), given,
                        code == POPT_ERROR_BADNUMBER ? "is not a number" : poptStrerror(code),
                        args->command);
    const char *near = ls_nearest(name, names, collect_names(table, names, 0, 256));
    if (near)
        return complain(args->command, EXIT_USAGE, "there is no option %s; did you mean --%s?",
                        given, near);
    return complain(args->command, EXIT_USAGE,
                    "there is no option %s; lockstep %s --help lists them", given, args->command);
}

static int print_help(arguments *args, const char *intro)
{
    poptPrintHelp(args->context, stdout, 0);
    putchar('\n');
    puts(intro);
    return -1;
}

static int no_memory(const char *command)
{
    return complain(command, EXIT_FAILED, "out of memory for the command line");
}

/* Stands in the place of a text until popt has set it: popt sets NULL if memory runs out. */
static char not_given[] = "";

/* Whether the option with this val has a text as its argument. */
static bool takes_text(const struct poptOption *table, int val)
{
    for (const struct poptOption *o = table; o->longName || o->shortName || o->arg; o++) {
        int type = (int)(o->argInfo & POPT_ARG_MASK);
        if (type == POPT_ARG_INCLUDE_TABLE && takes_text(o->arg, val)) return true;
        if (type == POPT_ARG_STRING && o->val == val) return true;
    }
    return false;
}

int arguments_parse(arguments *args, int argc, const char **argv, struct poptOption *table,
                    const char *usage, const char *intro, int least, int most,
                    option_handler handler, void *user)
{
    enum { HELP = 1 << 20 };
    char name[64], left[600];
    struct poptOption outer[] = {
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, table, 0, "Options:", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, HELP, "print this help", NULL},
        POPT_TABLEEND,
    };
    snprintf(name, sizeof name, "lockstep %s", argv[0]);
    const char *first = argv[0];
    argv[0] = name;
    *args = (arguments){.command = first};
    args->context = poptGetContext(name, argc, argv, outer, 0);
    if (!args->context) {
        argv[0] = first;
        return no_memory(first);
    }
    snprintf(left, sizeof left, "%s%s[options]", usage, *usage ? " " : "");
    poptSetOtherOptionHelp(args->context, left);
    int status = EXIT_OK, code;
    char **strings[MOST_STRINGS];
    const char *initial[MOST_STRINGS];
    size_t count = collect_strings(table, strings, 0, MOST_STRINGS);
    for (size_t i = 0; i < count; i++) initial[i] = *strings[i], *strings[i] = not_given;
    while (status == EXIT_OK && (code = poptGetNextOpt(args->context)) > 0) {
        if (code == HELP) {
            status = print_help(args, intro);
            break;
        }
        char *text = poptGetOptArg(args->context);
        if (!text && takes_text(table, code)) {
            status = no_memory(first);
            break;
        }
        status = handler ? handler(code, text, user) : EXIT_OK;
        free(text);
    }
    if (status == EXIT_OK && code < -1) status = bad_option(args, outer, code, argc, argv);
    const char *operand;
    while (status == EXIT_OK && (operand = poptGetArg(args->context))) {
        if (args->operands == most || args->operands == 8)
            status = complain(first, EXIT_USAGE, "unexpected argument '%s'; usage: lockstep %s %s",
                              operand, first, usage);
        else args->operand[args->operands++] = operand;
    }
    if (status == EXIT_OK && args->operands < least)
        status =
            complain(first, EXIT_USAGE,
                     "an argument is missing; usage: lockstep %s %s (details: lockstep %s --help)",
                     first, usage, first);
    argv[0] = first;
    for (size_t i = 0; i < count; i++) {
        if (*strings[i] == not_given) *strings[i] = (char *)initial[i];
        else if (!*strings[i] && status == EXIT_OK) status = no_memory(first);
    }
    for (size_t i = 0; i < count; i++)
        if (*strings[i] != initial[i]) args->owned[args->owned_count++] = *strings[i];
    if (status != EXIT_OK) arguments_free(args);
    return status;
}

void arguments_free(arguments *args)
{
    if (args->context) poptFreeContext(args->context);
    args->context = NULL;
    for (size_t i = 0; i < args->owned_count; i++) free(args->owned[i]);
    args->owned_count = 0;
}
