/* SPDX-License-Identifier: MIT */
#include "host/cli/base/library_options.h"
#include "host/base/text.h"
#include "host/cli/base/args.h"
#include <popt.h>
#include <stdlib.h>
#include <string.h>

/* The val of a popt entry is the index of its option + 1, and for "--no-..." NEGATED more. */
enum { NEGATED = 1000 };

struct poptOption *library_table(void)
{
    size_t n = ls_option_count(), k = 0;
    struct poptOption *table = calloc(2 * n + 1, sizeof *table);
    for (size_t i = 0; table && i < n; i++) {
        const ls_option_info *info = ls_option_at(i);
        ls_text help = {0}, name = {0};
        ls_text_add(&help, "%s (default: %s)", info->help, info->initial);
        table[k++] = (struct poptOption){
            info->name,    0,          info->argument ? POPT_ARG_STRING : POPT_ARG_NONE,
            NULL,          (int)i + 1, help.text,
            info->argument};
        if (info->argument) continue;
        ls_text_add(&name, "no-%s", info->name);
        table[k++] = (struct poptOption){name.text, 0,   POPT_ARG_NONE, NULL, (int)i + 1 + NEGATED,
                                         NULL,      NULL};
    }
    return table;
}

void library_table_free(struct poptOption *table)
{
    for (struct poptOption *o = table; o && o->longName; o++) {
        free((char *)o->descrip);
        if (o->val > NEGATED) free((char *)o->longName);
    }
    free(table);
}

const ls_option_info *library_option(int val, const char *text, const char **value)
{
    const ls_option_info *info = ls_option_at((size_t)(val > NEGATED ? val - NEGATED : val) - 1);
    /* for a flag, popt gives the argument of the option before it */
    *value = info->argument ? text : val > NEGATED ? "off" : "on";
    return info;
}

int library_check_file(const ls_option_info *info, const char *value, const char *command)
{
    if (strcmp(info->name, "output") || !strpbrk(value, "./")) return EXIT_OK;
    return complain(command, EXIT_USAGE,
                    "--output is the activation of the output (%s); to write the model to the file "
                    "'%s': -o %s",
                    "sigmoid, softmax, identity", value, value);
}

int library_set(ls_options *options, int val, const char *text, const char *command)
{
    ls_error err;
    const char *value;
    const ls_option_info *info = library_option(val, text, &value);
    int status = library_check_file(info, value, command);
    if (status != EXIT_OK) return status;
    return ls_options_set(options, info->name, value, &err) == LS_OK
               ? EXIT_OK
               : complain_error(command, &err);
}
