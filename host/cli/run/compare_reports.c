/* SPDX-License-Identifier: MIT */
#include "host/cli/run/compare_reports.h"
#include "host/cli/base/html.h"
#include <stdlib.h>
#include <string.h>

/* The page from `at` up to and including the text, which is added to out. Returns what follows, or
 * NULL if the text is not there. */
static const char *take(ls_text *out, const char *at, const char *text)
{
    const char *found = at ? strstr(at, text) : NULL;
    if (!found) return NULL;
    const char *end = found + strlen(text);
    ls_text_add(out, "%.*s", (int)(end - at), at);
    return end;
}

/* A page without the command and without the name of the data, in the order of the report. */
static void neutral(ls_text *out, const char *page, const char *source)
{
    enum { SHOWN = 300 }; /* bytes of a name that the report has */
    ls_text cut = {0}, name = {0};
    ls_text_add(&cut, "%.*s", SHOWN, source);
    if (cut.text) html_add(&name, cut.text);
    const char *rest = take(out, page, "<td>data</td><td>");
    if (rest && name.text && !strncmp(rest, name.text, strlen(name.text)))
        rest += strlen(name.text);
    rest = take(out, rest, "Command to train this model again: <code>");
    if (rest) rest = strstr(rest, "</code>");
    if (rest) ls_text_add(out, "%s", rest);
    else out->failed = true; /* it is no report of this version */
    out->failed |= cut.failed || name.failed;
    free(cut.text);
    free(name.text);
}

void reports_forgive_names(file_pair *p, char *const source[2])
{
    ls_text page[2] = {{0}, {0}};
    if (p->same || !p->bytes[0] || !p->bytes[1] || !source[0] || !source[1]) return;
    for (int i = 0; i < 2; i++) neutral(&page[i], p->bytes[i], source[i]);
    bool same = !page[0].failed && !page[1].failed && !strcmp(page[0].text, page[1].text);
    for (int i = 0; i < 2; i++) free(page[i].text);
    if (!same) return;
    p->same = true;
    free(p->message.text);
    p->message = (ls_text){0};
    ls_text_add(&p->message, "same but for where files lie");
    json_object_del(p->detail, "byte");
    json_object_set_new(p->detail, "same", json_true());
    json_object_set_new(p->detail, "message", json_string(p->message.text ? p->message.text : ""));
}
