/* SPDX-License-Identifier: MIT */
#include "host/data/notes.h"
#include "host/base/format.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1000 /* bytes */ };

/* Notes are printed on terminals and go into JSON: bytes that would harm either become '?'. */
static void clean(char *text)
{
    bool utf8 = ls_is_utf8(text);
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == 0x7f || (*c >= 0x80 && !utf8)) *c = '?';
}

static ls_status append(ls_data *data, char *note, ls_error *err)
{
    char **list = realloc(data->note, (data->notes + 1) * sizeof *list);
    if (!list) {
        free(note);
        return ls_fail(err, LS_ERR_MEMORY, "out of memory for the notes about the data");
    }
    data->note = list;
    data->note[data->notes++] = note;
    return LS_OK;
}

static bool has_note(const ls_data *data, const char *note)
{
    for (size_t i = 0; i < data->notes; i++)
        if (!strcmp(data->note[i], note)) return true;
    return false;
}

ls_status ls_data_note_add(ls_data *data, ls_error *err, const char *format, ...)
{
    char text[LONGEST];
    va_list arguments;
    va_start(arguments, format);
    if (ls_format(text, sizeof text, format, arguments) < 0) text[0] = '\0';
    va_end(arguments);
    clean(text);
    if (has_note(data, text)) return LS_OK;
    char *note = ls_strdup(text);
    return note ? append(data, note, err)
                : ls_fail(err, LS_ERR_MEMORY, "out of memory for the notes about the data");
}

const char *ls_data_absence(const ls_data *data) { return data->absent; }

ls_status ls_data_notes_move(ls_data *from, ls_data *to, ls_error *err)
{
    for (size_t i = 0; i < from->notes; i++)
        if (!has_note(to, from->note[i])) LS_TRY(ls_data_note_add(to, err, "%s", from->note[i]));
    for (size_t i = 0; i < from->notes; i++) free(from->note[i]);
    free(from->note);
    from->note = NULL;
    from->notes = 0;
    return LS_OK;
}

const char *ls_data_note(const ls_data *data, size_t i)
{
    return data && i < data->notes ? data->note[i] : NULL;
}
