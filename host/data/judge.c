/* SPDX-License-Identifier: MIT */
#include "host/data/judge.h"
#include "host/base/text.h"

#include <stddef.h>
#include <string.h>

#include "host/data/dates.h"

enum {
    SOME_NUMBERS = 5, /* different ones, beside which a single text that recurs is a mark */
    FEW_UNITS = 5,    /* different texts with one unit behind a blank (36 months): a measurement */
    FEW_JOINED = 11,  /* the same without the blank (12th) */
    FEW_RELATIONS = 3,
    FEW_ODD = 5,  /* numbers in a spelling that is not read */
    FEW_TEXTS = 3 /* beside many numbers these are no categories, however often they occur */
};

static bool is_among(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (ls_ascii_same(text, *list)) return true;
    return false;
}

bool ls_is_weak_mark(const char *text)
{
    static const char *const marks[] = {
        "None",    "<NA>",    "#N/A",  "#NA",          "n.a.",
        "n.a",     "n/a",     "-",     "--",           ".",
        "NaT",     "-nan",    "+nan",  "\xe2\x80\x93", "\xe2\x80\x94",
        "#DIV/0!", "#VALUE!", "#REF!", "#NAME?",       "#NUM!",
        "#NULL!",  NULL};
    return is_among(text, marks);
}

/* Words for "no value": one of them among numbers is a mark, even if it occurs once. */
static bool is_word_for_missing(const char *text)
{
    static const char *const words[] = {"unknown",
                                        "missing",
                                        "none",
                                        "nil",
                                        "undefined",
                                        "undef",
                                        "nodata",
                                        "no data",
                                        "no_data",
                                        "not known",
                                        "unk",
                                        "nd",
                                        "n.d.",
                                        "n/d",
                                        "(null)",
                                        "(none)",
                                        "(missing)",
                                        "<null>",
                                        "<none>",
                                        "blank",
                                        "empty",
                                        "not available",
                                        "not applicable",
                                        "tbd",
                                        "*",
                                        "**",
                                        "***",
                                        "..",
                                        "...",
                                        "x",
                                        NULL};
    return is_among(text, words) && ls_ascii_casecmp(text, "x") != 0;
}

/* ---- Kinds of texts -------------------------------------------------------------------------- */

/* Texts of one kind: different ones, their cells, and the first of them. */
typedef struct {
    size_t texts, cells, first;
} tally;

typedef struct {
    tally marks, dates, others;
    tally odd;    /* numbers in a spelling that is not read */
    tally digits; /* those of `others` that are of digits and punctuation alone */
    tally bare;   /* numbers in another spelling without a unit */
    tally units[LS_UNIT_KNOWN + 1];
    unsigned ways; /* that all bare numbers may have */
    bool same_unit;
    ls_spelling unit; /* of the first */
} census;

static void count(tally *t, size_t i, size_t rows)
{
    if (!t->texts++) t->first = i;
    t->cells += rows;
}

static void count_spelled(census *c, const ls_spelling *s, size_t i, size_t rows)
{
    if (s->unit == LS_UNIT_NONE) {
        count(&c->bare, i, rows);
        c->ways &= s->ways;
        return;
    }
    bool first = true;
    for (int u = 0; u <= LS_UNIT_KNOWN; u++) first = first && !c->units[u].texts;
    if (first) c->unit = *s;
    c->same_unit = c->same_unit && !strcmp(c->unit.prefix, s->prefix) &&
                   !strcmp(c->unit.suffix, s->suffix);
    count(&c->units[s->unit], i, rows);
}

/* A plain number is a text in a column of decimal commas alone. */
static void count_plain(census *c, size_t i, size_t rows)
{
    count(&c->bare, i, rows);
    c->ways &= LS_SPELL_POINT;
}

static census take_census(const ls_dictionary *texts)
{
    census c = {.ways = LS_SPELL_POINT | LS_SPELL_COMMA | LS_SPELL_GROUPED, .same_unit = true};
    for (size_t i = 0; i < ls_dictionary_count(texts); i++) {
        size_t rows;
        double value;
        ls_spelling s;
        const char *text = ls_dictionary_text(texts, i, &rows, NULL);
        if (ls_is_weak_mark(text)) count(&c.marks, i, rows);
        else if (ls_parse_date(text, NULL)) count(&c.dates, i, rows);
        else if (ls_is_odd_number(text)) count(&c.odd, i, rows);
        else if (ls_spell(text, &s)) count_spelled(&c, &s, i, rows);
        else if (ls_parse_number(text, &value)) count_plain(&c, i, rows);
        else {
            count(&c.others, i, rows);
            if (ls_is_of_digits(text)) count(&c.digits, i, rows);
        }
    }
    return c;
}

static tally all_units(const census *c)
{
    tally all = {0};
    for (int u = LS_UNIT_KNOWN; u >= 0; u--) {
        if (!c->units[u].texts) continue;
        if (!all.texts) all.first = c->units[u].first;
        all.texts += c->units[u].texts;
        all.cells += c->units[u].cells;
    }
    return all;
}

/* ---- Rules ----------------------------------------------------------------------------------- */

/* Whether numbers with units are measurements, not categories such as 2door and 4door. */
static bool are_measurements(const census *c, size_t numbers)
{
    if (c->units[LS_UNIT_KNOWN].texts) return true;
    if (!c->same_unit) return false;
    if (c->units[LS_UNIT_RELATION].texts)
        return numbers + c->bare.cells > 0 || c->units[LS_UNIT_RELATION].texts >= FEW_RELATIONS;
    return c->units[LS_UNIT_APART].texts >= FEW_UNITS ||
           c->units[LS_UNIT_JOINED].texts >= FEW_JOINED;
}

/* Whether texts of digits and signs are numbers that cannot be read, rather than categories;
 * *first: one of them. Beside plain numbers alone a single one is. */
static bool are_unread(const census *c, size_t plain, size_t *first)
{
    size_t texts = c->odd.texts + c->digits.texts, cells = c->odd.cells + c->digits.cells;
    *first = c->odd.texts ? c->odd.first : c->digits.first;
    bool enough = c->odd.texts >= FEW_ODD || (c->odd.texts && plain && c->others.texts <= 1);
    if (enough && plain + c->odd.cells >= c->others.cells) return true;
    return texts >= LS_MANY_NUMBERS && plain + 2 * cells >= c->others.cells + c->odd.cells;
}

/* Whether so few different numbers recur so often, or stand among so many texts, that all are
 * categories. */
static bool are_few(const ls_column_cells *cells, size_t text_cells)
{
    return cells->distinct < LS_MANY_NUMBERS &&
           (cells->numbers >= 2 * cells->distinct || cells->numbers < text_cells);
}

/* Numbers, and texts that are no numbers in any spelling. */
static ls_verdict judge_mixed(const ls_column_cells *cells, tally texts)
{
    size_t rows;
    const char *text = ls_dictionary_text(cells->texts, texts.first, &rows, NULL);
    ls_verdict v = {.kind = LS_COLUMN_CATEGORIES, .example = texts.first};
    bool recur = texts.cells >= 2 * texts.texts;
    if (cells->numbers == 0) return v;
    v.told = cells->numbers >= texts.cells;
    if (are_few(cells, texts.cells) && (recur || cells->numbers < texts.cells)) return v;
    bool recurs = rows >= 2 && cells->distinct >= SOME_NUMBERS;
    if (texts.texts == 1 && (recurs || is_word_for_missing(text)))
        return (ls_verdict){
            .kind = LS_COLUMN_NUMBERS, .example = texts.first, .marked = true, .mark = texts.first};
    bool many = cells->distinct >= LS_MANY_NUMBERS && texts.texts <= FEW_TEXTS;
    if (many || cells->numbers >= texts.cells) v.kind = LS_COLUMN_STRAY;
    return v;
}

/* Numbers in another spelling than others, or in one only, beside `others`, which are marks. */
static ls_verdict judge_bare(const ls_column_cells *cells, const census *c)
{
    size_t rows = 0;
    ls_verdict v = {.kind = LS_COLUMN_SPELLED, .example = c->bare.first};
    if (c->others.texts == 1) {
        const char *text = ls_dictionary_text(cells->texts, c->others.first, &rows, NULL);
        v.marked = rows >= 2 || is_word_for_missing(text);
        v.mark = c->others.first;
    }
    bool alone = c->others.texts == 0 || v.marked;
    if (!alone) v.example = c->others.first, v.kind = LS_COLUMN_STRAY;
    else if (cells->may_comma && (c->ways & LS_SPELL_COMMA)) v.kind = LS_COLUMN_COMMAS;
    return v;
}

ls_verdict ls_judge(const ls_column_cells *cells)
{
    census c = take_census(cells->texts);
    tally units = all_units(&c), others = c.others;
    size_t spelled = c.bare.cells + units.cells, plain = cells->numbers + spelled;
    size_t all = spelled + c.dates.cells + c.others.cells + c.odd.cells, unread;
    if (all == 0)
        return (ls_verdict){.kind = cells->numbers ? LS_COLUMN_NUMBERS : LS_COLUMN_CATEGORIES};
    if (2 * c.dates.cells >= all)
        return (ls_verdict){.kind = LS_COLUMN_DATES, .example = c.dates.first};
    if (are_unread(&c, plain, &unread))
        return (ls_verdict){.kind = LS_COLUMN_SPELLED, .example = unread};
    others.cells += c.dates.cells + c.odd.cells;
    others.texts += c.dates.texts + c.odd.texts;
    if (!c.others.texts) others.first = c.dates.texts ? c.dates.first : c.odd.first;
    bool mostly = plain >= others.cells;
    if (units.texts && mostly && are_measurements(&c, cells->numbers))
        return (ls_verdict){.kind = LS_COLUMN_SPELLED, .example = units.first};
    if (c.bare.texts && mostly && !units.texts && !c.dates.texts) return judge_bare(cells, &c);
    /* Texts with digits are texts like others. */
    if (!others.texts) others.first = units.texts ? units.first : c.bare.first;
    others.texts += units.texts + c.bare.texts;
    others.cells += spelled;
    ls_verdict v = judge_mixed(cells, others);
    bool one_unit = units.texts > 1 && c.same_unit && units.texts == others.texts;
    if (v.kind == LS_COLUMN_CATEGORIES && one_unit) v.told = true, v.example = units.first;
    return v;
}
