/* SPDX-License-Identifier: MIT */
#include "host/cli/base/args.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/cli/base/phases.h"
#include "host/cli/base/terminal.h"
#include "host/data/parts.h"
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

/* The same for the letters of short options; letters: one string a letter. */
static size_t collect_letters(const struct poptOption *table, const char **names, size_t count,
                              size_t most)
{
    static const char letters[] =
        "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l\0m\0n\0o\0p\0q\0r\0s\0t\0u\0v\0w\0x\0y\0z";
    for (; table->longName || table->shortName || table->arg; table++) {
        if ((table->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE)
            count = collect_letters(table->arg, names, count, most);
        else if (table->shortName >= 'a' && table->shortName <= 'z' && count < most)
            names[count++] = letters + 2 * (table->shortName - 'a');
    }
    return count;
}

/* Whether the option with this `val` takes an argument. */
static bool has_argument(const struct poptOption *table, int val)
{
    for (; table->longName || table->shortName || table->arg; table++) {
        unsigned kind = table->argInfo & POPT_ARG_MASK;
        if (kind == POPT_ARG_INCLUDE_TABLE ? has_argument(table->arg, val)
                                           : table->val == val && kind != POPT_ARG_NONE)
            return true;
    }
    return false;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* popt does not tell if memory runs out for the argument of an option: the option has no effect
 * then. So the command line is parsed twice, and the values must be the same. */

enum { MOST_VALUES = 128 }; /* options with a value, of a command */

typedef struct {
    void *at; /* where the popt table points */
    unsigned kind;
    unsigned char initial[8], first[8]; /* before parsing, and after the first time */
    char *text;                         /* of a string, after the first time; owned */
} option_value;

typedef struct {
    option_value list[MOST_VALUES];
    size_t count;
} option_values;

static size_t value_size(unsigned kind)
{
    switch (kind) {
    case POPT_ARG_NONE:
    case POPT_ARG_INT: return sizeof(int);
    case POPT_ARG_LONGLONG: return sizeof(long long);
    case POPT_ARG_DOUBLE: return sizeof(double);
    case POPT_ARG_STRING: return sizeof(char *);
    default: return 0;
    }
}

static void collect_values(const struct poptOption *table, option_values *out)
{
    for (; table->longName || table->shortName || table->arg; table++) {
        option_value v = {.at = table->arg, .kind = table->argInfo & POPT_ARG_MASK};
        if (v.kind == POPT_ARG_INCLUDE_TABLE) collect_values(table->arg, out);
        if (!v.at || !value_size(v.kind) || out->count == MOST_VALUES) continue;
        memcpy(v.initial, v.at, value_size(v.kind));
        out->list[out->count++] = v;
    }
}

/* Parses once and puts the values back. */
static void rehearse(option_values *values, const char *name, int argc, const char **argv,
                     const struct poptOption *table)
{
    poptContext context = poptGetContext(name, argc, argv, table, 0);
    while (context && poptGetNextOpt(context) > 0) free(poptGetOptArg(context));
    if (context) poptFreeContext(context);
    for (size_t i = 0; i < values->count; i++) {
        option_value *v = &values->list[i];
        memcpy(v->first, v->at, value_size(v->kind));
        if (v->kind == POPT_ARG_STRING && memcmp(v->first, v->initial, sizeof v->text))
            memcpy(&v->text, v->at, sizeof v->text);
        memcpy(v->at, v->initial, value_size(v->kind));
    }
}

/* Whether the values are those of the first time. Frees those, and hands the strings to args. */
static bool are_repeated(option_values *values, arguments *args)
{
    bool same = true;
    for (size_t i = 0; i < values->count; i++) {
        option_value *v = &values->list[i];
        char *now = NULL;
        bool set = memcmp(v->at, v->initial, value_size(v->kind)) != 0;
        if (v->kind != POPT_ARG_STRING) {
            same &= memcmp(v->at, v->first, value_size(v->kind)) == 0;
            continue;
        }
        memcpy(&now, v->at, sizeof now);
        same &= set ? v->text && now && !strcmp(now, v->text) : !v->text;
        free(v->text);
        if (set && now && args->owned_count < MOST_STRINGS) args->owned[args->owned_count++] = now;
    }
    return same;
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
    size_t count = collect_letters(table, names, collect_names(table, names, 0, 256), 256);
    const ls_hint hint = ls_option_hint(name, names, count);
    if (hint.name)
        return complain(args->command, EXIT_USAGE,
                        "there is no option %s; did you mean %s%s?%s%s%s", given,
                        hint.name[1] ? "--" : "-", hint.name, hint.about ? " (" : "",
                        hint.about ? hint.about : "", hint.about ? ")" : "");
    return complain(args->command, EXIT_USAGE,
                    "there is no option %s; lockstep %s --help lists them", given, args->command);
}

/* The value of a flag of the table, by its long name; false if there is none. */
static bool flag_of(const struct poptOption *table, const char *name)
{
    for (; table->longName || table->shortName || table->arg; table++) {
        if ((table->argInfo & POPT_ARG_MASK) == POPT_ARG_INCLUDE_TABLE) {
            if (flag_of(table->arg, name)) return true;
        } else if (table->longName && table->arg && !strcmp(table->longName, name) &&
                   (table->argInfo & POPT_ARG_MASK) == POPT_ARG_NONE)
            return *(const int *)table->arg != 0;
    }
    return false;
}

/* -q and -v. JSON is what was asked for, so it is printed. */
static int be_quiet_or_verbose(const struct poptOption *table, const char *command)
{
    bool quiet = flag_of(table, "quiet"), verbose = flag_of(table, "verbose");
    if (quiet && verbose)
        return complain(command, EXIT_USAGE,
                        "-q prints nothing but errors, and -v more; give one of them");
    if (quiet && !flag_of(table, "json")) terminal_be_quiet();
    phases_tell(verbose);
    return EXIT_OK;
}

static int print_help(arguments *args, const char *intro)
{
    poptPrintHelp(args->context, stdout, 0);
    putchar('\n');
    puts(intro);
    return -1;
}

static bool joins(const char *usage)
{
    size_t n = strlen(usage);
    return n > 3 && !strcmp(usage + n - 3, "...");
}

/* Joins a file of the same table to the last operand. joined: the name so far. */
static int join_operand(arguments *args, ls_text *joined, const char *operand)
{
    const char **last = &args->operand[args->operands - 1];
    if (!joined->text) ls_text_add(joined, "%s", *last);
    ls_text_add(joined, LS_PARTS_JOIN "%s", operand);
    if (joined->failed)
        return complain(args->command, EXIT_FAILED, "out of memory for the command line");
    *last = joined->text;
    return EXIT_OK;
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
    option_values values = {.count = 0};
    collect_values(outer, &values);
    rehearse(&values, name, argc, argv, outer);
    args->context = poptGetContext(name, argc, argv, outer, 0);
    if (!args->context) {
        argv[0] = first;
        are_repeated(&values, args);
        return complain(first, EXIT_FAILED, "out of memory for the command line");
    }
    snprintf(left, sizeof left, "%s%s[options]", usage, *usage ? " " : "");
    poptSetOtherOptionHelp(args->context, left);
    int status = EXIT_OK, code;
    while (status == EXIT_OK && (code = poptGetNextOpt(args->context)) > 0) {
        if (code == HELP) {
            status = print_help(args, intro);
            break;
        }
        char *text = poptGetOptArg(args->context);
        if (!text && has_argument(outer, code))
            status = complain(first, EXIT_FAILED, "out of memory for the command line");
        else status = handler ? handler(code, text, user) : EXIT_OK;
        free(text);
    }
    if (status == EXIT_OK && code < -1) status = bad_option(args, outer, code, argc, argv);
    const char *operand;
    ls_text joined = {0};
    while (status == EXIT_OK && (operand = poptGetArg(args->context))) {
        if (args->operands == most && joins(usage)) status = join_operand(args, &joined, operand);
        else if (args->operands == most || args->operands == 8)
            status = complain(first, EXIT_USAGE, "unexpected argument '%s'; usage: lockstep %s %s",
                              operand, first, usage);
        else args->operand[args->operands++] = operand;
    }
    if (joined.text && args->owned_count < MOST_STRINGS)
        args->owned[args->owned_count++] = joined.text;
    if (status == EXIT_OK && args->operands < least)
        status =
            complain(first, EXIT_USAGE,
                     "an argument is missing; usage: lockstep %s %s (details: lockstep %s --help)",
                     first, usage, first);
    if (status == EXIT_OK) status = be_quiet_or_verbose(outer, first);
    argv[0] = first;
    if (!are_repeated(&values, args) && status == EXIT_OK)
        status = complain(first, EXIT_FAILED, "out of memory for the command line");
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
