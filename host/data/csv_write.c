/* SPDX-License-Identifier: MIT */
/* Writes rows as CSV. */
#include "host/base/file.h"
#include "host/base/host_mode.h"
#include "host/base/text.h"
#include "host/data/data.h"
#include "host/data/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether the reader would take an unquoted name for a different layout, a missing value or a
 * number. */
static bool needs_quotes(const char *name, bool number_too)
{
    size_t length = strlen(name);
    double number;
    if (strpbrk(name, "\",;\t\r\n") || name[0] == '\'' || ls_is_missing_text(name)) return true;
    if (name[0] == ' ' || name[length - 1] == ' ')
        return true; /* not empty, because an empty name is a missing value */
    return number_too && ls_parse_double(name, &number);
}

static void add_name(ls_text *text, const char *name, bool number_too)
{
    if (!needs_quotes(name, number_too)) {
        ls_text_add(text, "%s", name);
        return;
    }
    ls_text_add(text, "\"");
    for (; *name; name++) ls_text_add(text, *name == '"' ? "\"%c" : "%c", *name);
    ls_text_add(text, "\"");
}

/* With the fewest digits that read back as the same float. %g drops trailing zeros and six digits
 * always survive a float, so fewer need not be tried; nine are always enough. */
static void add_float(ls_text *text, float value)
{
    double back = 0.0;
    size_t start = text->length;
    for (int precision = 6; precision <= 9 && !text->failed; precision++) {
        text->length = start;
        ls_text_add(text, "%.*g", precision, (double)value);
        if (!text->failed && ls_parse_double(text->text + start, &back) && (float)back == value)
            return;
    }
}

/* The same for a double: 17 digits are always enough. */
static void add_double(ls_text *text, double value)
{
    double back = 0.0;
    size_t start = text->length;
    for (int precision = 6; precision <= 17 && !text->failed; precision++) {
        text->length = start;
        ls_text_add(text, "%.*g", precision, value);
        if (!text->failed && ls_parse_double(text->text + start, &back) && back == value) return;
    }
}

static void add_targets(ls_text *text, const ls_data *data, size_t row)
{
    if (data->y) {
        ls_text_add(text, ",");
        add_name(text, data->class_names[data->y[row]], false);
    }
    for (size_t t = 0; data->value && t < data->targets; t++) {
        ls_text_add(text, ",");
        add_double(text, data->value[row * data->targets + t]);
    }
}

static void add_rows(ls_text *text, const ls_data *data)
{
    for (size_t i = 0; i < data->rows && !text->failed; i++) {
        for (size_t j = 0; j < data->columns; j++) {
            float cell = data->x[i * data->columns + j];
            if (j > 0) ls_text_add(text, ",");
            if (isnan(cell)) continue; /* a missing value */
            if (data->column && data->column[j].categorical)
                add_name(text, data->column[j].category[(size_t)cell], false);
            else if (data->column && data->column[j].offset != 0)
                add_double(text, (double)cell + data->column[j].offset);
            else add_float(text, cell);
        }
        add_targets(text, data, i);
        ls_text_add(text, "\n");
    }
}

ls_status ls_data_write_csv(const ls_data *data, const char *path, ls_error *err)
{
    LS_HOST_MODE(mode);
    if (!data || !path)
        return ls_fail(err, LS_ERR_ARGUMENT, "ls_data_write_csv: an argument is NULL");
    ls_text text = {0};
    for (size_t j = 0; j < data->columns; j++) {
        if (j > 0) ls_text_add(&text, ",");
        add_name(&text, data->column ? data->column[j].name : data->feature_names[j], true);
    }
    for (size_t t = 0; (data->y || data->value) && t < data->targets; t++) {
        const char *name = data->target[t].name;
        ls_text_add(&text, ",");
        add_name(&text, name ? name : data->y ? "class" : "target", true);
    }
    ls_text_add(&text, "\n");
    add_rows(&text, data);
    ls_status status = text.failed
                           ? ls_fail(err, LS_ERR_MEMORY,
                                     "%s: out of memory for its text; write fewer rows", path)
                           : ls_write_file(path, text.text, text.length, err);
    free(text.text);
    return status;
}
