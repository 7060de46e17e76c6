/* SPDX-License-Identifier: MIT */
#include "host/cli/run/train_command.h"
#include "host/cli/base/source.h"
#include "host/cli/run/config.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void command_add_word(ls_text *out, const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.,:/=@%";
    if (*word && !word[strspn(word, plain)]) {
        ls_text_add(out, " %s", word);
        return;
    }
    ls_text_add(out, " '");
    for (; *word; word++) ls_text_add(out, *word == '\'' ? "'\\''" : "%c", *word);
    ls_text_add(out, "'");
}

/* A path that begins with a dash is written as ./-path, since it would be parsed as an option. */
static void add_data(ls_text *out, const char *path)
{
    ls_text inside = {0};
    ls_text_add(&inside, "%s%s", *path == '-' && path[1] ? "./" : "", path);
    if (inside.failed) out->failed = true;
    else command_add_word(out, inside.text);
    free(inside.text);
}

/* With as few digits as give the same number when parsed. */
static void add_real(ls_text *out, double value)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    ls_text_add(out, " %s", text);
}

static void add_entries(ls_text *out, const run_config *c)
{
    for (size_t i = 0; i < CONFIG_ENTRIES; i++) {
        const config_entry *e = &config_entries[i];
        if (config_is_initial(c, e) || config_text_of(c, e) == &c->data) continue;
        ls_text_add(out, " --%s", e->name);
        switch (e->kind) {
        case CONFIG_TEXT: command_add_word(out, *config_text_of(c, e)); break;
        case CONFIG_COUNT: ls_text_add(out, " %lld", *config_count_of(c, e)); break;
        case CONFIG_REAL: add_real(out, *config_real_of(c, e)); break;
        case CONFIG_FLAG: break;
        }
    }
}

void command_add_train(ls_text *out, const run_config *c, const ls_options *options)
{
    ls_text_add(out, "lockstep train");
    add_data(out, c->data ? c->data : "DATA");
    add_entries(out, c);
    for (size_t i = 0; i < ls_option_count(); i++) {
        const ls_option_info *info = ls_option_at(i);
        const char *value = ls_options_get(options, info->name),
                   *initial = c->start ? ls_model_option(c->start, info->name) : info->initial;
        if (!value || (initial && !strcmp(value, initial))) continue;
        if (!info->argument) {
            ls_text_add(out, " --%s%s", strcmp(value, "off") ? "" : "no-", info->name);
            continue;
        }
        ls_text_add(out, " --%s", info->name);
        command_add_word(out, value);
    }
}
