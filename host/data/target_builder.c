/* SPDX-License-Identifier: MIT */
#include "host/data/target_builder.h"
#include "host/base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/data/dates.h"
#include "host/data/notes.h"
#include "host/data/spelling.h"

enum {
    FEW_VALUES = 5,   /* from so many different numbers on, a target may be a measurement */
    SOME_VALUES = 20, /* with more of them, it may be although they recur */
    OFTEN = 10        /* rows per number from which on they recur often */
};

/* ---- Cells ----------------------------------------------------------------------------------- */

bool ls_label_of(const char *text, double *out)
{
    static const char *const names[] = {"0", "1", "false", "true", "no", "yes"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (ls_ascii_same(text, names[i])) {
            *out = (double)(i % 2);
            return true;
        }
    return ls_parse_number(text, out) && (*out == 0 || *out == 1);
}

static bool is_code(const char *text)
{
    if (*text == '-' || *text == '+') text++;
    return text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

static bool is_number(ls_target_builder *t, const char *text, double *value)
{
    return t->plain ? ls_parse_number(text, value)
                    : ls_parse_with_unit(text, &t->format, t->numbers > 0, value);
}

ls_status ls_target_add(ls_target_builder *t, const char *path, const char *text, size_t line,
                        int32_t *y, double *value, ls_error *err)
{
    double label;
    bool number = is_number(t, text, value), labelled = !t->texts && ls_label_of(text, &label);
    t->rows++;
    if (number) {
        t->numbers++;
        t->codes += is_code(text);
        t->fractions |= *value != floor(*value);
    }
    t->labels += labelled;
    if (labelled) *value = label;
    else if (!number) *value = NAN;
    if (!labelled && !t->other_line) {
        t->other_line = line;
        t->other_text = ls_excerpt_of(text);
    }
    if (!number && !labelled && !t->first_line) {
        t->first_line = line;
        t->first_text = ls_excerpt_of(text);
    }
    if (!t->texts || t->full || ls_dictionary_add(t->texts, text, line, y)) return LS_OK;
    t->full = true;
    if (ls_dictionary_count(t->texts) == LS_MOST_TEXTS) return LS_OK;
    return ls_fail(err, LS_ERR_MEMORY, "%s: out of memory for class names; use less data", path);
}

void ls_target_builder_free(ls_target_builder *t) { ls_dictionary_free(t->texts); }

/* ---- One target ------------------------------------------------------------------------------ */

/* What the texts of a target are that are no numbers. */
typedef struct {
    size_t numbers, texts, commas, spelled, dates; /* different texts; these are some of `texts` */
    size_t example;                                /* number of a spelled one, or of a date */
    bool points;                                   /* a number has a decimal point */
} census;

static census take_census(ls_target_builder t)
{
    census c = {0};
    size_t count = t.texts ? ls_dictionary_count(t.texts) : 0;
    for (size_t i = 0; i < count; i++) {
        double value;
        ls_spelling s;
        const char *text = ls_dictionary_text(t.texts, i, NULL, NULL);
        if (is_number(&t, text, &value)) {
            c.numbers++;
            c.points |= strchr(text, '.') != NULL;
            continue;
        }
        c.texts++;
        bool date = ls_parse_date(text, NULL), odd = !date && ls_is_odd_number(text),
             spelled = odd || (!date && ls_spell(text, &s));
        if (!date && !spelled) continue;
        if (!c.dates && !c.spelled) c.example = i;
        c.dates += date;
        c.spelled += spelled;
        c.commas += spelled && !odd && s.unit == LS_UNIT_NONE && (s.ways & LS_SPELL_COMMA);
    }
    return c;
}

/* Whether so many different numbers in so many rows are measurements rather than classes. */
static bool are_measurements(size_t values, size_t rows, bool fractions)
{
    return (values >= FEW_VALUES && 2 * values > rows) ||
           (values > SOME_VALUES && (fractions || rows < OFTEN * values));
}

static const char or_classes[] = ", or give --task classification if these are classes";

/* otherwise: what else can be done, for a message. */
static ls_status not_a_number(const ls_target_builder *t, const ls_column_context *in,
                              const char *otherwise, ls_error *err)
{
    char others[64] = "";
    if (t->numbers) snprintf(others, sizeof others, ", but %zu others are", t->numbers);
    return ls_fail(err, LS_ERR_DATA,
                   "%s, line %zu, column %s: the target \"%s\" is not a finite number%s; correct "
                   "it or drop the row%s",
                   in->path, t->first_line, in->label, t->first_text.text, others, otherwise);
}

static ls_status is_spelled(const ls_target_builder *t, const ls_column_context *in,
                            const census *c, ls_error *err)
{
    size_t line;
    const char *text = ls_dictionary_text(t->texts, c->example, NULL, &line);
    return ls_fail(
        err, LS_ERR_DATA,
        "%s, line %zu, column %s: the target \"%s\" is a %s; %s, or give --task classification if "
        "the %zu different ones are classes",
        in->path, line, in->label, ls_excerpt_of(text).text,
        c->dates ? "date or a time" : "number in another spelling",
        c->dates ? "turn it into a number (days, hours)"
                 : "write it plainly, or name its spelling with --decimal comma, --thousands comma "
                   "or --units",
        c->numbers + c->texts);
}

ls_status ls_target_check_numbers(const ls_target_builder *t, const ls_column_context *in,
                                  bool known, ls_error *err)
{
    census c = take_census(*t);
    if (t->numbers == t->rows) return LS_OK;
    if (c.spelled || c.dates) return is_spelled(t, in, &c, err);
    return not_a_number(t, in, known ? "" : or_classes, err);
}

/* Decides about texts among the numbers of a single target whose task is not given: *task is only
 * set if they are measurements. */
static ls_status look_at_texts(const ls_target_builder *t, const ls_column_context *in,
                               ls_assumed *assumed, bool *again, ls_error *err)
{
    census c = take_census(*t);
    size_t spelled = c.numbers + c.spelled + c.dates;
    bool measured = are_measurements(spelled, t->rows, false);
    if (!measured) return LS_OK;
    if (c.commas == c.texts && in->may_comma && !c.points && t->format.decimal == 0) {
        assumed->commas = *again = true;
        assumed->example = ls_excerpt_of(ls_dictionary_text(t->texts, c.example, NULL, NULL));
        return LS_OK;
    }
    if (c.spelled + c.dates == c.texts) return is_spelled(t, in, &c, err);
    bool mostly = 2 * t->numbers >= t->rows &&
                  are_measurements(c.numbers, t->numbers, t->fractions);
    return mostly ? not_a_number(t, in, or_classes, err) : LS_OK;
}

/* Whether texts are so many that they may be names or keys of rows rather than classes. */
static bool are_keys(size_t values, const ls_target_builder *t)
{
    enum { LEAST = 50 };
    return t->rows >= LEAST && 2 * values > t->rows;
}

static ls_status note_keys(const ls_target_builder *t, const ls_column_context *in, size_t values,
                           ls_data *data, ls_error *err)
{
    return ls_data_note_add(data, err,
                            "the target, column %s, has %zu different texts in %zu rows: classes "
                            "(--target NAME if another column is to be predicted)",
                            in->label, values, t->rows);
}

static ls_status task_of_one(const ls_target_builder *t, ls_task_request asked,
                             const ls_column_context *in, ls_assumed *assumed, bool *again,
                             ls_task *out, ls_data *data, ls_error *err)
{
    *out = asked == LS_ASK_REGRESSION ? LS_TASK_REGRESSION : LS_TASK_CLASSIFICATION;
    if (asked == LS_ASK_CLASSIFICATION) return LS_OK;
    bool numbers = t->numbers == t->rows;
    if (!numbers && asked == LS_ASK_AUTO) LS_TRY(look_at_texts(t, in, assumed, again, err));
    if (!numbers && asked == LS_ASK_REGRESSION && in->may_comma) {
        census c = take_census(*t);
        if (c.commas == c.texts && !c.points && t->format.decimal == 0)
            assumed->commas = *again = true;
    }
    if (*again) return LS_OK;
    if (assumed->commas)
        LS_TRY(ls_data_note_add(
            data, err,
            "the target, column %s, has numbers with a decimal comma (--decimal point "
            "otherwise)",
            in->label));
    if (asked == LS_ASK_REGRESSION) return ls_target_check_numbers(t, in, false, err);
    size_t values = ls_dictionary_names(t->texts);
    if (!numbers || t->codes)
        return are_keys(values, t) ? note_keys(t, in, values, data, err) : LS_OK;
    if (!t->full && !are_measurements(values, t->rows, t->fractions)) return LS_OK;
    *out = LS_TASK_REGRESSION;
    return ls_data_note_add(
        data, err,
        "the target, column %s, is a number with %s%zu different values: regression "
        "(--task classification for classes)",
        in->label, t->full ? "more than " : "", values);
}

/* ---- Several targets ------------------------------------------------------------------------- */

ls_status ls_targets_task(const ls_target_builder *t, size_t count, ls_task_request asked,
                          const ls_column_context *in, ls_assumed *const *assumed, bool *again,
                          ls_task *out, ls_data *data, ls_error *err)
{
    bool labels = true;
    if (count == 1) return task_of_one(t, asked, in, *assumed, again, out, data, err);
    for (size_t i = 0; i < count; i++) labels = labels && t[i].labels == t[i].rows;
    for (size_t i = 0; i < count && asked == LS_ASK_CLASSIFICATION; i++)
        if (t[i].labels != t[i].rows)
            return ls_fail(err, LS_ERR_DATA,
                           "%s, column %s: with several targets, each must have the labels 0 and 1 "
                           "(or no and yes, false and true); give one target, or --task regression "
                           "for numbers",
                           in[i].path, in[i].label);
    *out = labels && asked != LS_ASK_REGRESSION ? LS_TASK_MULTILABEL : LS_TASK_REGRESSION;
    if (*out == LS_TASK_MULTILABEL) return LS_OK;
    for (size_t i = 0; i < count; i++)
        if (t[i].first_line || t[i].numbers != t[i].rows) {
            if (t[i].first_line)
                return not_a_number(&t[i], &in[i],
                                    ", or leave the column out of --target: of several targets, "
                                    "each must be a number or a label",
                                    err);
            return ls_fail(err, LS_ERR_DATA,
                           "%s, column %s: has labels that are words, but other targets are "
                           "numbers; write 0 and 1",
                           in[i].path, in[i].label);
        }
    return LS_OK;
}
