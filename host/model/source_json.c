/* SPDX-License-Identifier: MIT */
#include "host/model/source_json.h"
#include "host/base/json.h"
#include "host/base/text.h"
#include "host/data/request.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const header_names[] = {
    [LS_HEADER_AUTO] = "auto", [LS_HEADER_YES] = "yes", [LS_HEADER_NO] = "no", NULL};

static ls_status damaged(const char *path, const char *what, ls_error *err)
{
    return ls_fail(err, LS_ERR_DATA, "%s: not a usable model file: %s", path, what);
}

static json_t *character_json(char c)
{
    const char text[2] = {c, '\0'};
    return c ? json_string(text) : json_null();
}

/* A text of one character of a list, or null, which gives 0. */
static bool read_character(const json_t *value, const char *list, char *out)
{
    const char *text = json_string_value(value);
    *out = 0;
    if (!value || json_is_null(value)) return true;
    if (!text || !*text || text[1] || !strchr(list, *text)) return false;
    *out = *text;
    return true;
}

/* ---- Formats of numbers ---------------------------------------------------------------------- */

static bool is_plain(const ls_number_format *f)
{
    return !f->decimal && !f->thousands && !f->units && !*f->prefix && !*f->suffix && !f->dates;
}

static const struct {
    char order;
    const char *name;
} date_orders[] = {{LS_DATES_CLEAR, "clear"},
                   {LS_DATES_DAY_FIRST, "day-first"},
                   {LS_DATES_MONTH_FIRST, "month-first"},
                   {LS_DATES_TIMES, "times"}};
enum { DATE_ORDERS = sizeof date_orders / sizeof *date_orders };

static bool read_dates(const json_t *value, char *out)
{
    const char *text = json_string_value(value);
    size_t i = 0;
    if (!value) return true;
    while (i < DATE_ORDERS && (!text || strcmp(text, date_orders[i].name) != 0)) i++;
    if (i == DATE_ORDERS) return false;
    *out = date_orders[i].order;
    return true;
}

static json_t *format_json(const ls_number_format *f)
{
    json_t *o = json_object();
    if (f->decimal) ls_json_set(&o, "decimal", character_json(f->decimal));
    if (f->thousands) ls_json_set(&o, "thousands", character_json(f->thousands));
    if (f->units) ls_json_set(&o, "units", json_true());
    for (size_t i = 0; i < DATE_ORDERS; i++)
        if (f->dates == date_orders[i].order)
            ls_json_set(&o, "dates", json_string(date_orders[i].name));
    if (*f->prefix) ls_json_set(&o, "prefix", json_string(f->prefix));
    if (*f->suffix) ls_json_set(&o, "suffix", json_string(f->suffix));
    return o;
}

static bool read_affix(const json_t *value, char *out, size_t size)
{
    const char *text = json_string_value(value);
    if (!value) return true;
    if (!text || !*text || strlen(text) >= size) return false;
    strcpy(out, text);
    return true;
}

static ls_status read_format(const json_t *o, ls_number_format *f, const char *path, ls_error *err)
{
    const json_t *units = json_object_get(o, "units");
    if (!o) return LS_OK;
    bool right = json_is_object(o) &&
                 read_character(json_object_get(o, "decimal"), ",", &f->decimal) &&
                 read_character(json_object_get(o, "thousands"), ",. '", &f->thousands) &&
                 (!units || json_is_boolean(units)) &&
                 read_affix(json_object_get(o, "prefix"), f->prefix, sizeof f->prefix) &&
                 read_affix(json_object_get(o, "suffix"), f->suffix, sizeof f->suffix) &&
                 read_dates(json_object_get(o, "dates"), &f->dates);
    f->units = json_is_true(units);
    right = right && f->thousands != (f->decimal ? f->decimal : '.');
    if (f->dates)
        right = right && !f->decimal && !f->thousands && !f->units && !*f->prefix && !*f->suffix;
    return right && !is_plain(f)
               ? LS_OK
               : damaged(path, "the format of a column's numbers is unknown", err);
}

void ls_source_add_numbers(json_t **o, const ls_column *c)
{
    assert(!c->categorical || (c->offset == 0 && is_plain(&c->format)));
    if (c->offset != 0) ls_json_set(o, "offset", json_real(c->offset));
    if (!is_plain(&c->format)) ls_json_set(o, "format", format_json(&c->format));
    if (c->mark) ls_json_set(o, "mark", json_string(c->mark));
}

ls_status ls_source_read_numbers(const json_t *o, ls_column *c, const char *path, ls_error *err)
{
    const json_t *offset = json_object_get(o, "offset"), *mark = json_object_get(o, "mark"),
                 *format = json_object_get(o, "format");
    if (c->categorical && (offset || format))
        return damaged(path, "a column of categories has an offset or a format of numbers", err);
    if (offset && (!ls_json_read_number(offset, &c->offset) || !isfinite(c->offset)))
        return damaged(path, "the offset of a column is not a number", err);
    if (mark && (!json_is_string(mark) || !*json_string_value(mark)))
        return damaged(path, "the mark of missing values of a column is malformed", err);
    if (mark && !(c->mark = ls_strdup(json_string_value(mark))))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    return read_format(format, &c->format, path, err);
}

/* ---- The source ------------------------------------------------------------------------------ */

/* The name that column i of the features gets without a header. */
static bool is_default_name(const char *name, size_t i)
{
    char usual[32];
    snprintf(usual, sizeof usual, "x%zu", i + 1);
    return !strcmp(name, usual);
}

/* Whether the file is what is assumed of a model without "source": features x1, x2, ... and then
 * the targets, as in the files of lockstep make. */
static bool is_usual(const ls_model *m)
{
    const ls_source *s = &m->source;
    size_t features = m->network.inputs;
    bool usual = !m->encoder && s->columns == features + m->targets &&
                 s->header_option == LS_HEADER_AUTO && !s->separator && !s->marks &&
                 (!s->found || s->found == ',');
    for (size_t k = 0; usual && k < m->targets; k++)
        usual = m->target[k].place == features + k && is_plain(&m->target[k].format);
    if (usual && m->task == LS_TASK_CLASSIFICATION && m->target->name)
        usual = !strcmp(m->target->name, "class");
    for (size_t i = 0; usual && i < features; i++) usual = is_default_name(m->feature_names[i], i);
    return usual;
}

bool ls_model_has_source(const ls_model *m) { return m->source.columns > 0 && !is_usual(m); }

static json_t *target_json(const ls_target *t)
{
    json_t *o = json_pack("{s:o,s:o}", "name", ls_json_text(t->name), "place",
                          t->place == LS_NO_COLUMN ? json_null()
                                                   : json_integer((json_int_t)t->place));
    if (!is_plain(&t->format)) ls_json_set(&o, "format", format_json(&t->format));
    return o;
}

json_t *ls_source_json(const ls_model *m)
{
    json_t *targets = json_array();
    for (size_t k = 0; k < m->targets; k++) ls_json_append(&targets, target_json(&m->target[k]));
    return json_pack("{s:I,s:b,s:s,s:o,s:o,s:o,s:o}", "columns", (json_int_t)m->source.columns,
                     "header", (int)m->source.header, "header_option",
                     header_names[m->source.header_option], "separator",
                     character_json(m->source.separator), "found_separator",
                     character_json(m->source.found), "marks", ls_json_text(m->source.marks),
                     "targets", targets);
}

static ls_status read_target(const json_t *o, ls_model *m, size_t k, const char *path,
                             ls_error *err)
{
    const json_t *name = json_object_get(o, "name"), *place = json_object_get(o, "place");
    ls_target *t = &m->target[k];
    uint64_t at;
    bool named = json_is_string(name);
    if (!named && !json_is_null(name))
        return damaged(path, "the name of a target is not a string", err);
    /* "targets" has the names of numbers, too */
    if (m->task != LS_TASK_CLASSIFICATION &&
        (named != (t->name != NULL) || (named && strcmp(json_string_value(name), t->name))))
        return damaged(path, "its targets have two names", err);
    if (named && !t->name && !(t->name = ls_strdup(json_string_value(name))))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    if (!json_is_null(place)) {
        if (!ls_json_read_count(place, &at) || at >= m->source.columns)
            return damaged(path, "a target has a place beyond the columns of its file", err);
        t->place = (size_t)at;
    }
    LS_TRY(read_format(json_object_get(o, "format"), &t->format, path, err));
    return t->format.dates ? damaged(path, "a target is a date", err) : LS_OK;
}

static ls_status read_targets(const json_t *list, ls_model *m, const char *path, ls_error *err)
{
    size_t placed = 0;
    if (json_array_size(list) != m->targets)
        return damaged(path, "the targets of its file are not those of the model", err);
    for (size_t k = 0; k < m->targets; k++) {
        LS_TRY(read_target(json_array_get(list, k), m, k, path, err));
        placed += m->target[k].place != LS_NO_COLUMN;
        for (size_t i = 0; i < k; i++)
            if (m->target[i].place == m->target[k].place && m->target[k].place != LS_NO_COLUMN)
                return damaged(path, "two of its targets are one column", err);
    }
    return !placed || placed == m->targets
               ? LS_OK
               : damaged(path, "only some of its targets have a place", err);
}

/* A separator, or null or nothing, which gives 0. */
static bool read_separator(const json_t *value, char *out)
{
    const char *text = json_string_value(value);
    if (!value || json_is_null(value)) return true;
    if (!text || !ls_is_separator(*text) || text[1]) return false;
    *out = *text;
    return true;
}

ls_status ls_source_read(const json_t *o, ls_model *m, const char *path, ls_error *err)
{
    const json_t *header = json_object_get(o, "header"), *marks = json_object_get(o, "marks");
    const char *option = json_string_value(json_object_get(o, "header_option"));
    ls_source *s = &m->source;
    uint64_t columns;
    size_t k = 0;
    while (option && header_names[k] && strcmp(option, header_names[k])) k++;
    if (!ls_json_read_count(json_object_get(o, "columns"), &columns) || columns < 1 ||
        columns > INT32_MAX)
        return damaged(path, "the width of its file is malformed", err);
    if (!json_is_boolean(header) || !option || !header_names[k])
        return damaged(path, "the header of its file is malformed", err);
    s->columns = (size_t)columns;
    s->header = json_is_true(header);
    s->header_option = (ls_header)k;
    if (!json_object_get(o, "separator") ||
        !read_separator(json_object_get(o, "separator"), &s->separator) ||
        !read_separator(json_object_get(o, "found_separator"), &s->found))
        return damaged(path, "the separator of its file is malformed", err);
    if (!json_is_string(marks) && !json_is_null(marks))
        return damaged(path, "its marks of missing values are malformed", err);
    if (json_is_string(marks) && !(s->marks = ls_strdup(json_string_value(marks))))
        return ls_fail(err, LS_ERR_MEMORY, "out of memory reading %s", path);
    return read_targets(json_object_get(o, "targets"), m, path, err);
}

ls_status ls_source_check(const ls_model *m, const char *path, ls_error *err)
{
    size_t placed = m->target->place == LS_NO_COLUMN ? 0 : m->targets;
    if (!m->encoder)
        return m->source.columns == m->network.inputs + placed
                   ? LS_OK
                   : damaged(path, "the width of its file is not that of its features", err);
    for (size_t c = 0; c < m->encoder->columns; c++)
        for (size_t k = 0; k < placed; k++)
            if (m->encoder->column[c].place == m->target[k].place)
                return damaged(path, "a column is both a feature and a target", err);
    return LS_OK;
}

void ls_source_guess(ls_model *m)
{
    size_t count = m->encoder ? m->encoder->columns : m->network.inputs;
    for (size_t i = 0; i < count; i++)
        m->source.header |= !is_default_name(m->encoder ? m->encoder->column[i].name
                                                        : m->feature_names[i],
                                             i);
}
