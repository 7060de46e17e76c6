/* SPDX-License-Identifier: MIT */
#include "host/data/csv_header.h"
#include "host/base/memory.h"
#include "host/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/data/judge.h"
#include "host/data/source.h"
#include "host/data/value.h"

/* Below this probability that a row of data has a text which no other row has, the text is a name.
 * A choice: with it, two columns whose texts all recur are enough from ten rows on, and three from
 * four rows on. */
static const double UNLIKELY = 0.01;

/* A column is one of numbers if at most one text in so many is none, because of mistakes and marks
 * of missing values. A choice. */
enum { ODD_TEXTS = 10 };

/* A column below the first record. */
typedef struct {
    size_t values;  /* that are not missing */
    size_t numbers; /* of them: plain numbers */
    size_t digits;  /* of them: plain numbers, and other texts that begin with digits */
    bool fraction;  /* a number is not whole */
    bool quoted;    /* a number is quoted */
    bool index;     /* the numbers 0, 1, 2, ... or 1, 2, 3, ... */
    bool recurs;    /* the text of the first record occurs */
    double unseen;  /* probability that a further row has a text that occurs nowhere else */
} column_below;

/* What the columns say about the first record. */
typedef struct {
    size_t names;      /* words above numbers, and quoted numbers above plain ones */
    size_t numbers;    /* numbers above numbers */
    size_t marks;      /* of missing values */
    size_t words;      /* above texts */
    size_t recurring;  /* texts that recur below in their column */
    size_t above_text; /* numbers above texts */
    double unseen;     /* probability that the words above texts are those of a row */
    bool fractions;    /* all columns of numbers but the class column have fractions */
    bool title;        /* a word above the numbers of the class column, or no known class */
    bool class_recurs;
    bool index;    /* the first field is empty above 0, 1, 2, ... */
    bool twice;    /* a word occurs twice */
    size_t series; /* length of a series of whole numbers with equal steps, if all numbers are */
    double series_from, series_step;
    size_t rows; /* below */
} evidence;

/* ---- Fields ---------------------------------------------------------------------------------- */

bool ls_csv_is_mark(const char *text)
{
    static const char *const marks[] = {
        "-inf", "<na>", "#n/a",    "#na",   "n.a.",    "n.a",    "na.",     "none",
        "nil",  "\\n",  "(null)",  "null",  "missing", "inf",    "unknown", "infinity",
        "n.d.", "nd",   "#value!", "#ref!", "#num!",   "#name?", "#null!",  "#div/0!"};
    if (!strcmp(text, "Na")) return false; /* sodium, as in the header of UCI glass */
    if (ls_is_missing_text(text) || ls_is_weak_mark(text)) return true;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (ls_ascii_same(text, marks[i])) return true;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80)
            return false;
    }
    return true;
}

/* Whether digits begin the text, after signs and currencies. */
static bool begins_with_digit(const char *text)
{
    static const char *const prefixes[] = {"\xe2\x82\xac" /* euro */, "\xc2\xa3" /* pound */,
                                           "\xc2\xa5" /* yen */, "\xe2\x88\x92" /* minus */};
    const char letter = *text | ('a' ^ 'A');
    if (letter >= 'a' && letter <= 'z') return false; /* the usual case */
    for (;;) {
        size_t before = strspn(text, "+-<>=~$( .,#");
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
            size_t length = strlen(prefixes[i]);
            if (!strncmp(text + before, prefixes[i], length)) before += length;
        }
        if (!before) return *text >= '0' && *text <= '9';
        text += before;
    }
}

/* *value: the number of a field that is one. */
static ls_field_kind kind_of(const ls_csv_field *field, double *value)
{
    if (*field->text == '\0') return LS_FIELD_EMPTY;
    if (ls_parse_number(field->text, value)) return LS_FIELD_NUMBER;
    if (begins_with_digit(field->text)) return LS_FIELD_DIGITS;
    return !field->quoted && ls_csv_is_mark(field->text) ? LS_FIELD_MARK : LS_FIELD_WORD;
}

ls_field_kind ls_csv_field_kind(const ls_csv_field *field)
{
    double value;
    return kind_of(field, &value);
}

/* Whether a record repeats the first, as a header does where files were joined. */
static bool repeats(const ls_csv_first *first, size_t row)
{
    const ls_csv_sample *s = first->sample;
    size_t j = 0, count = ls_csv_sample_count(s, row);
    while (j < count && j < first->columns &&
           !strcmp(s->field[s->first[row] + j].text, first->field[j].text))
        j++;
    return j == first->columns;
}

/* ---- Columns --------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Good and Turing: the probability of a new text is the share of the texts that occur once (Good,
 * The population frequencies of species, Biometrika 40, 1953). */
static double unseen_share(const char **texts, size_t count)
{
    size_t once = 0;
    qsort(texts, count, sizeof *texts, by_bytes);
    for (size_t i = 0; i < count; i++)
        once += (i == 0 || strcmp(texts[i - 1], texts[i]) != 0) &&
                (i + 1 == count || strcmp(texts[i + 1], texts[i]) != 0);
    return (double)(once + 1) / (double)(count + 1);
}

/* skip: records that repeat the first are left out. texts: room for all rows. */
static column_below examine(const ls_csv_first *first, size_t j, bool skip, const char **texts)
{
    const ls_csv_sample *s = first->sample;
    column_below c = {.index = true, .unseen = 1};
    double start = 0;
    for (size_t i = first->from; i < s->rows; i++) {
        const ls_csv_field *field = ls_csv_sample_field(s, i, j);
        double value = NAN;
        ls_field_kind kind = field ? kind_of(field, &value) : LS_FIELD_EMPTY;
        if (kind != LS_FIELD_NUMBER) value = NAN;
        if (skip && repeats(first, i)) continue;
        if (kind == LS_FIELD_NUMBER) {
            c.numbers++;
            c.fraction |= value != floor(value);
            c.quoted |= field->quoted;
        }
        if (i == first->from) start = value;
        c.index &= (start == 0 || start == 1) && value == start + (double)(i - first->from);
        c.digits += kind == LS_FIELD_NUMBER || kind == LS_FIELD_DIGITS;
        if (kind == LS_FIELD_EMPTY || kind == LS_FIELD_MARK) continue;
        c.recurs |= !strcmp(field->text, first->field[j].text);
        texts[c.values++] = field->text;
    }
    if (c.digits < c.values) c.unseen = unseen_share(texts, c.values);
    return c;
}

static bool is_numeric(const column_below *c)
{
    return c->values > 0 && ODD_TEXTS * c->digits >= (ODD_TEXTS - 1) * c->values;
}

/* ---- Evidence -------------------------------------------------------------------------------- */

static bool is_known_class(const ls_csv_first *first, const char *text)
{
    double value, known;
    for (size_t k = 0; k < first->classes; k++) {
        if (!strcmp(text, first->class_names[k])) return true;
        if (ls_parse_number(text, &value) && ls_parse_number(first->class_names[k], &known) &&
            value == known)
            return true;
    }
    return false;
}

/* Whether the first text of the class column is no known class while all others are. */
static bool is_no_class(const ls_csv_first *first)
{
    const ls_csv_sample *s = first->sample;
    size_t t = first->target;
    if (!first->class_names || first->from == s->rows ||
        is_known_class(first, first->field[t].text))
        return false;
    for (size_t i = first->from; i < s->rows; i++) {
        const ls_csv_field *field = ls_csv_sample_field(s, i, t);
        if (!field || !is_known_class(first, field->text)) return false;
    }
    return true;
}

static void add_evidence(const ls_csv_first *first, size_t j, const column_below *c, evidence *e)
{
    const ls_csv_field *field = &first->field[j];
    ls_field_kind kind = ls_csv_field_kind(field);
    bool numeric = is_numeric(c), number = kind == LS_FIELD_NUMBER;
    if (j == first->target) {
        e->title = (numeric && kind == LS_FIELD_WORD && !c->recurs && !first->class_names) ||
                   is_no_class(first);
        e->class_recurs = c->recurs;
    } else if (numeric) {
        e->fractions &= c->fraction;
    }
    if (kind == LS_FIELD_MARK) e->marks++;
    if (numeric) {
        bool quoted = number && field->quoted && !c->quoted;
        e->names += kind == LS_FIELD_WORD || quoted;
        e->numbers += (number && !quoted) || (kind == LS_FIELD_DIGITS && c->numbers < c->digits);
    } else if (c->values) {
        e->words += kind == LS_FIELD_WORD;
        if (c->recurs) e->recurring++;
        else if (kind == LS_FIELD_WORD) e->unseen *= c->unseen;
        else if (kind == LS_FIELD_NUMBER && c->numbers == 0) e->above_text++;
    }
    e->index |= j == 0 && kind == LS_FIELD_EMPTY && c->index && first->columns > 1 && c->values;
}

/* Whether a text is digits alone, as numbers are written that are names. */
static bool is_plain_whole(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* Whether the fields of a record, in the columns where the first record has numbers, are whole
 * numbers with equal steps; *length of them, and their start and step. */
static bool is_series(const ls_csv_first *first, const ls_csv_field *record, size_t columns,
                      size_t *length, double *from, double *step)
{
    double last = 0, value;
    *length = 0;
    *from = *step = 0;
    for (size_t j = 0; j < first->columns; j++) {
        if (ls_csv_field_kind(&first->field[j]) != LS_FIELD_NUMBER) continue;
        if (j >= columns || !is_plain_whole(record[j].text) ||
            !ls_parse_number(record[j].text, &value))
            return false;
        if (*length == 0) *from = value;
        else if (*length == 1) *step = value - last;
        else if (value - last != *step) return false;
        last = value;
        ++*length;
    }
    return *length >= 2 && *step > 0;
}

static void look_for_series(const ls_csv_first *first, evidence *e)
{
    const ls_csv_sample *s = first->sample;
    size_t length, other;
    double from, step;
    if (!is_series(first, first->field, first->columns, &length, &e->series_from, &e->series_step))
        return;
    for (size_t i = first->from; i < s->rows; i++)
        if (is_series(first, s->field + s->first[i], ls_csv_sample_count(s, i), &other, &from,
                      &step) &&
            step == e->series_step)
            return;
    e->series = length;
}

static ls_status has_twins(const ls_csv_first *first, bool *out, ls_error *err)
{
    const char **texts;
    LS_TRY(ls_alloc(&texts, first->columns, sizeof *texts, "the first record", err));
    for (size_t j = 0; j < first->columns; j++) texts[j] = first->field[j].text;
    qsort(texts, first->columns, sizeof *texts, by_bytes);
    *out = false;
    for (size_t j = 1; j < first->columns; j++)
        *out |= *texts[j] && !strcmp(texts[j - 1], texts[j]);
    free(texts);
    return LS_OK;
}

static ls_status gather(const ls_csv_first *first, bool skip, evidence *e, ls_error *err)
{
    const char **texts;
    size_t rows = first->sample->rows - first->from;
    *e = (evidence){.unseen = 1, .fractions = true, .rows = rows};
    LS_TRY(ls_alloc(&texts, rows, sizeof *texts, "the first records", err));
    for (size_t j = 0; j < first->columns; j++) {
        column_below c = examine(first, j, skip, texts);
        add_evidence(first, j, &c, e);
    }
    free(texts);
    look_for_series(first, e);
    return has_twins(first, &e->twice, err);
}

/* ---- Verdict --------------------------------------------------------------------------------- */

static const ls_csv_verdict data = {false, false, false}, data_guess = {false, true, false},
                            data_likely = {false, true, true}, header = {true, false, false},
                            header_guess = {true, true, false}, header_likely = {true, true, true};

/* Rows are hardly ever series of whole numbers with equal steps; the lengths from which on a series
 * is taken for names are choices. */
enum {
    SERIES = 3,           /* 2019, 2020, 2021; two numbers make a series too easily */
    FROM_ZERO = 4,        /* 0, 1, 2, 3, as pandas names columns: no column has another name */
    NUMBERS_FOR_NAMES = 6 /* another series, where nothing else tells names from rows */
};

/* A series of numbers, and perhaps words. */
static ls_csv_verdict judge_series(const evidence *e, size_t columns)
{
    if (e->recurring || e->marks) return data;
    if (e->names || e->index)
        return e->series >= SERIES || e->index || !e->numbers ? header : header_guess;
    if (e->above_text || e->title || e->unseen < UNLIKELY) return header_guess;
    if (e->series < SERIES || e->class_recurs) return data;
    if (e->fractions) return header_guess;
    bool from_zero = e->series_from == 0 && e->series_step == 1 && columns >= FROM_ZERO;
    if (e->series == columns && (from_zero || columns >= NUMBERS_FOR_NAMES)) return header_guess;
    return e->series == columns ? data_guess : data;
}

/* No column of numbers says anything: what texts say is a guess. */
static ls_csv_verdict judge_texts(const evidence *e)
{
    if (e->recurring && e->marks) return data;
    /* A name may be a value, too, but hardly more than half of the names. */
    if (e->recurring) return 2 * e->recurring > e->words ? data_likely : data_guess;
    if (e->marks || e->twice) return data_guess;
    if (!e->words) return data;
    return e->unseen < UNLIKELY ? header_likely : header_guess;
}

static ls_csv_verdict judge_alone(const ls_csv_first *first)
{
    for (size_t j = 0; j < first->columns; j++)
        if (ls_csv_field_kind(&first->field[j]) != LS_FIELD_WORD) return data;
    return header_guess;
}

static ls_csv_verdict judge(const ls_csv_first *first, const evidence *e)
{
    if (e->rows == 0) return judge_alone(first);
    if (e->series) return judge_series(e, first->columns);
    if (e->index && !e->numbers && !e->recurring && !e->marks)
        return e->names || e->rows > 1 ? header : header_guess;
    size_t against = e->numbers + e->marks;
    if (e->names && e->names >= against && e->names > e->recurring)
        return against + e->recurring ? header_guess : header;
    if (e->title && !e->recurring && !e->marks) return header_guess;
    if (!e->names && !e->numbers) return judge_texts(e);
    bool unlikely = e->words && e->unseen < UNLIKELY && !e->recurring && !e->marks;
    return unlikely && !e->names ? header_guess : data;
}

ls_status ls_csv_judge_header(const ls_csv_first *first, ls_csv_verdict *out, ls_error *err)
{
    evidence e;
    bool repeated = false;
    for (size_t i = first->from; i < first->sample->rows && !repeated; i++)
        repeated = repeats(first, i);
    LS_TRY(gather(first, repeated, &e, err));
    /* Without words above numbers, records that are equal are rows. */
    if (repeated && e.names <= e.numbers) LS_TRY(gather(first, false, &e, err));
    *out = judge(first, &e);
    return LS_OK;
}
