/* SPDX-License-Identifier: MIT */
#include "host/data/request.h"
#include "host/base/neighbours.h"
#include "host/base/text.h"
#include "host/data/value.h"

#include <stdlib.h>
#include <string.h>

/* The values of an option and what each stands for. */
typedef struct {
    const char *name;
    int value;
} choice;

enum { MOST_CHOICES = 8 };

static const choice headers[] = {
    {"auto", LS_HEADER_AUTO}, {"yes", LS_HEADER_YES}, {"no", LS_HEADER_NO}, {0}};
static const choice separators[] = {
    {"auto", 0}, {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"space", ' '}, {"pipe", '|'},
    {0}};
static const choice decimals[] = {{"auto", 0}, {"point", '.'}, {"comma", ','}, {0}};
static const choice thousands[] = {{"none", 0},    {"comma", ','},       {"point", '.'},
                                   {"space", ' '}, {"apostrophe", '\''}, {0}};
static const choice tasks[] = {{"auto", LS_ASK_AUTO},
                               {"classification", LS_ASK_CLASSIFICATION},
                               {"regression", LS_ASK_REGRESSION},
                               {0}};

/* Sets *out to the value of that name; NULL stands for the first one. what: continues "give one of
 * ..." in the message, or "". */
static ls_status choose(const char *option, const char *text, const choice *list, const char *what,
                        int *out, ls_error *err)
{
    const char *names[MOST_CHOICES] = {0};
    ls_text all = {0};
    size_t n = 0;
    *out = list[0].value;
    for (; list[n].name; n++) {
        names[n] = list[n].name;
        if (!text || strcmp(text, list[n].name)) continue;
        *out = list[n].value;
        return LS_OK;
    }
    if (!text) return LS_OK;
    const char *near = ls_value_hint(option, text, names, n);
    for (size_t i = 0; i < n; i++) ls_text_add(&all, "%s%s", i ? ", " : "", names[i]);
    ls_status status = near ? ls_fail(err, LS_ERR_ARGUMENT,
                                      "--%s: there is no '%s'; did you mean '%s'?", option,
                                      ls_excerpt_of(text).text, near)
                            : ls_fail(err, LS_ERR_ARGUMENT,
                                      "--%s: there is no '%s'; give one of %s%s", option,
                                      ls_excerpt_of(text).text,
                                      all.failed ? "its values" : all.text, what);
    free(all.text);
    return status;
}

/* Characters that occur in numbers, names or quotes separate no fields. */
bool ls_is_separator(char c)
{
    return c == ' ' || c == '\t' ||
           (c > ' ' && c < 0x7f && !strchr("\"'+-.0123456789", c) && !(c >= 'a' && c <= 'z') &&
            !(c >= 'A' && c <= 'Z'));
}

static ls_status take_separator(const char *text, ls_read_request *r, ls_error *err)
{
    int value;
    if (text && text[0] && !text[1] && ls_is_separator(*text)) {
        r->separator = *text;
        return LS_OK;
    }
    if (text && !strcmp(text, "\\t")) {
        r->separator = '\t';
        return LS_OK;
    }
    LS_TRY(choose("separator", text, separators,
                  ", or a character that is no letter, digit, quote, sign or point", &value, err));
    r->separator = (char)value;
    return LS_OK;
}

static ls_status take_numbers(const ls_read_options *o, ls_read_request *r, ls_error *err)
{
    int value;
    LS_TRY(choose("decimal", o->decimal, decimals, "", &value, err));
    r->decimal = (char)value;
    LS_TRY(choose("thousands", o->thousands, thousands, "", &value, err));
    r->thousands = (char)value;
    if (r->thousands && r->thousands == r->decimal)
        return ls_fail(err, LS_ERR_ARGUMENT,
                       "--decimal and --thousands are both %s; one of them must be another",
                       o->decimal);
    /* the one that is left */
    if (r->thousands == ',' && !r->decimal) r->decimal = '.';
    if (r->thousands == '.' && !r->decimal) r->decimal = ',';
    return LS_OK;
}

ls_status ls_request_take(const ls_read_options *o, ls_read_request *out, ls_error *err)
{
    int value;
    ls_read_request r = {.target = o->target,
                         .labels = o->labels,
                         .columns = o->columns,
                         .drop = o->drop,
                         .categorical = o->categorical,
                         .units = o->units,
                         .missing_mark = o->missing_mark,
                         .dates = o->dates != 0,
                         .weight = o->weight,
                         .group = o->group,
                         .no_target = o->no_target != 0,
                         .sample = o->sample,
                         .sample_seed = o->sample_seed,
                         .callback = o->callback,
                         .user = o->user};
    LS_TRY(choose("header", o->header, headers, "", &value, err));
    r.header = (ls_header)value;
    LS_TRY(take_separator(o->separator, &r, err));
    LS_TRY(take_numbers(o, &r, err));
    LS_TRY(choose("task", o->task, tasks, "", &value, err));
    r.task = (ls_task_request)value;
    if (o->missing) LS_TRY(ls_missing_parse(o->missing, &r.missing, err));
    *out = r;
    return LS_OK;
}
