/* SPDX-License-Identifier: MIT */
#include "host/cli/base/notes.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/cli/base/json_output.h"
#include "host/cli/base/terminal.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void notes_print(const ls_data *data, const char *file)
{
    for (size_t i = 0; ls_data_note(data, i); i++)
        terminal_print(stderr, "note: %s%s%s\n", file ? file : "", file ? ": " : "",
                       ls_data_note(data, i));
}

static json_t *note_json(const char *before, const char *note)
{
    ls_text text = {0};
    ls_text_add(&text, "%s%s", before, note);
    json_t *value = text.failed ? NULL : json_shown(text.text);
    free(text.text);
    return value;
}

static void add_notes(json_t **list, const ls_data *data, const char *before)
{
    for (size_t i = 0; data && ls_data_note(data, i); i++)
        ls_json_append(list, note_json(before, ls_data_note(data, i)));
}

json_t *notes_json(const ls_data *data, const ls_data *test)
{
    json_t *list = json_array();
    add_notes(&list, data, "");
    add_notes(&list, test, "test rows: ");
    return list;
}
