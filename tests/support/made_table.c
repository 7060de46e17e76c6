/* SPDX-License-Identifier: MIT */
#include "tests/support/made_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Random numbers -------------------------------------------------------------------------- */

uint64_t made_next(made_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t made_below(made_random *random, size_t count) { return (size_t)(made_next(random) % count); }

bool made_chance(made_random *random, unsigned percent)
{
    return made_below(random, 100) < percent;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

/* Texts of categories and classes. The first ones stand for nothing else anywhere. */
enum { SAFE_WORDS = 4 };
static const char *const words[] = {"red",      "green",
                                    "blue",     "yes",
                                    "New York", "a,b",
                                    "x;y",      "say \"hi\"",
                                    "O'Neill",  "'tis",
                                    "#ff0000",  "gr\xc3\xbc\xc3\x9f",
                                    "5\" pipe", "None",
                                    "-",        "T",
                                    "0x1F",     "True",
                                    "TRUE",     "true",
                                    "1st",      "two\nlines",
                                    "a\tb",     "\xe6\x97\xa5\xe6\x9c\xac",
                                    "a=b",      "Weiss and sons of the old mill road"};
static const char *const names[] = {"a",   "A",         "width",  "id",      "H\xc3\xb6he", "x,y",
                                    "b;c", "say \"n\"", "petal.", "len gth", "x1",          "d'e"};
static const char *const targets[] = {"class", "kind", "y", "Ziel", "is it?"};

static bool has_blank(const char *text) { return strpbrk(text, " \t\n") != NULL; }

bool made_needs_quotes(const char *text, char separator)
{
    size_t length = strlen(text);
    if (length == 0) return separator == ' ';
    if (strchr(text, separator) || strchr(text, '\n') || strchr(text, '\r')) return true;
    if (separator == ' ' && has_blank(text)) return true;
    return strchr("\"' \t", text[0]) || strchr(" \t", text[length - 1]);
}

static bool allowed(const made_limits *limits, const char *text)
{
    return limits->quotes || !made_needs_quotes(text, limits->separator);
}

/* Draws `count` different texts of a list; the first one is safe. */
static size_t draw_texts(made_random *random, const made_limits *limits, const char *const *list,
                         size_t size, size_t count, const char **out)
{
    size_t found = 0;
    out[found++] = list[made_below(random, SAFE_WORDS)];
    for (size_t tries = 0; found < count && tries < 100; tries++) {
        const char *text = list[made_below(random, size)];
        bool known = !allowed(limits, text);
        for (size_t i = 0; i < found; i++) known |= strcmp(out[i], text) == 0;
        if (!known) out[found++] = text;
    }
    return found;
}

/* ---- Names of classes and categories --------------------------------------------------------- */

void made_same_name(const char *text, char out[MADE_TEXT])
{
    const char *at = text;
    bool negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    size_t digits = strspn(at, "0123456789");
    const char *rest = at + digits;
    if (*rest == '.') rest += 1 + strspn(rest + 1, "0");
    if (digits == 0 || *rest || (*at == '0' && digits > 1)) snprintf(out, MADE_TEXT, "%s", text);
    else snprintf(out, MADE_TEXT, "%s%.*s", negative && *at != '0' ? "-" : "", (int)digits, at);
}

bool made_shown_name(const made_table *table, size_t row, size_t column, char out[MADE_TEXT])
{
    char same[MADE_TEXT], other[MADE_TEXT];
    const made_cell *cell = &table->cell[row][column];
    made_same_name(cell->text, same);
    for (size_t r = 0; r < table->rows; r++) {
        const made_cell *at = &table->cell[r][column];
        if (at->missing) continue;
        made_same_name(at->text, other);
        if (strcmp(same, other) != 0 || strcmp(at->text, cell->text) == 0) continue;
        snprintf(out, MADE_TEXT, "%s", same);
        return true;
    }
    snprintf(out, MADE_TEXT, "%s", cell->text);
    return false;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Sets a number from its spelling in the C locale; the file has another decimal separator. */
static void set_number(made_cell *cell, char decimal, const char *text)
{
    snprintf(cell->text, MADE_TEXT, "%s", text);
    cell->value = strtod(text, NULL);
    for (char *at = cell->text; *at; at++)
        if (*at == '.') *at = decimal;
}

static void set_text(made_cell *cell, const char *text)
{
    snprintf(cell->text, MADE_TEXT, "%s", text);
    cell->value = NAN;
}

static double draw_unit(made_random *random) { return (double)(made_next(random) >> 11) * 0x1p-53; }

static void draw_spelling(made_random *random, char out[MADE_TEXT])
{
    static const char *const values[] = {"+3.5", ".5", "2.", "4e2", "-7.25E-1", "6"};
    snprintf(out, MADE_TEXT, "%s", values[made_below(random, COUNT(values))]);
}

/* 1234567 with a separator of thousands. The value has none. */
static void set_thousands(made_random *random, char thousands, made_cell *cell)
{
    char plain[MADE_TEXT];
    size_t value = made_below(random, 3000000), at = 0;
    int length = snprintf(plain, sizeof plain, "%zu", value);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) cell->text[at++] = thousands;
        cell->text[at++] = plain[i];
    }
    cell->text[at] = 0;
    cell->value = (double)value;
}

static void draw_number(made_random *random, const made_limits *limits, made_kind kind,
                        int precision, made_cell *cell)
{
    char text[MADE_TEXT] = "";
    switch (kind) {
    case MADE_DECIMALS:
    case MADE_MARKED:
    case MADE_TARGET:
        snprintf(text, sizeof text, "%.*f", precision, 200 * draw_unit(random) - 100);
        break;
    case MADE_WHOLES: snprintf(text, sizeof text, "%d", (int)made_below(random, 40) - 20); break;
    case MADE_SPELLINGS: draw_spelling(random, text); break;
    case MADE_TIMES:
        snprintf(text, sizeof text, "%zu", 1700000000 + 40 * made_below(random, 50));
        break;
    case MADE_DAYS: snprintf(text, sizeof text, "%zu", 20240301 + made_below(random, 28)); break;
    case MADE_HUGE: snprintf(text, sizeof text, "%.3e", 1e30 * draw_unit(random)); break;
    case MADE_TINY: snprintf(text, sizeof text, "%.3e", 1e-30 * draw_unit(random)); break;
    case MADE_CONSTANT: snprintf(text, sizeof text, "14.62"); break;
    case MADE_THOUSANDS: set_thousands(random, limits->thousands, cell); return;
    default: break;
    }
    set_number(cell, limits->decimal, text);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static bool is_numeric(made_kind kind) { return kind <= MADE_MARKED || kind == MADE_TARGET; }

static void draw_numbers(made_random *random, const made_limits *limits, made_table *table,
                         size_t j)
{
    int precision = 1 + (int)made_below(random, 4);
    for (size_t r = 0; r < table->rows; r++)
        draw_number(random, limits, table->column[j].kind, precision, &table->cell[r][j]);
    if (table->column[j].kind != MADE_MARKED) return;
    for (size_t r = 0; r < table->rows; r++) {
        if (r != table->rows / 2 && !made_chance(random, 10)) continue;
        set_text(&table->cell[r][j], "unknown");
        table->cell[r][j].missing = true;
    }
}

/* Rows take texts of a list; each of the first two occurs at least twice where there is room. */
static void draw_from(made_random *random, made_table *table, size_t j, const char *const *list,
                      size_t count)
{
    size_t first = made_below(random, table->rows);
    for (size_t i = 0; i < table->rows; i++) {
        size_t r = (first + i) % table->rows;
        set_text(&table->cell[r][j], list[i < 2 * count ? i % count : made_below(random, count)]);
    }
}

static void draw_words(made_random *random, const made_limits *limits, made_table *table, size_t j)
{
    const char *list[6];
    size_t most = table->column[j].kind == MADE_ONE_WORD ? 1 : 2 + made_below(random, 4);
    most = draw_texts(random, limits, words, COUNT(words), most, list);
    draw_from(random, table, j, list, most);
}

/* Texts, and up to 30 % numbers. */
static void draw_mixed(made_random *random, const made_limits *limits, made_table *table, size_t j)
{
    static const char *const numbers[] = {"250.0", "250.1", "1", "1.0", "0012", "1.50", "12345678"};
    draw_words(random, limits, table, j);
    for (size_t r = 0; r < table->rows * 3 / 10; r++)
        if (made_chance(random, 70))
            set_text(&table->cell[made_below(random, table->rows)][j],
                     numbers[made_below(random, COUNT(numbers))]);
}

static void draw_dates(made_random *random, made_table *table, size_t j)
{
    static const char *const forms[] = {"2024-03-%02zu",  "%02zu.03.2024",
                                        "03/%02zu/2024",  "2024/3/%zu",
                                        "%02zu-Mar-2024", "2024-03-%02zuT12:30:00"};
    const char *form = forms[made_below(random, COUNT(forms))];
    for (size_t r = 0; r < table->rows; r++) {
        char text[MADE_TEXT];
        snprintf(text, sizeof text, form, 1 + made_below(random, 28));
        set_text(&table->cell[r][j], text);
    }
}

static void draw_classes(made_random *random, const made_limits *limits, made_table *table,
                         size_t j)
{
    static const char *const wholes[] = {"0", "1", "2", "-1"}, *const zeros[] = {"007", "012", "7"};
    static const char *const longs[] = {"9007199254740992", "9007199254740993", "20230101001",
                                        "20230101002"};
    static const char *const spellings[] = {"1", "2", "+1", "1.0", "2.0", "1."};
    static const char *const powers[] = {"1E3", "1000", "1.10", "1.1"};
    static const char *const cases[] = {"True", "false", "TRUE", "true"};
    size_t two = 2 + made_below(random, 2);
    switch (table->column[j].kind) {
    case MADE_CLASS_WHOLES:
        draw_from(random, table, j, wholes + made_below(random, 3) / 2, two);
        break;
    case MADE_CLASS_ZEROS: draw_from(random, table, j, zeros, two); break;
    case MADE_CLASS_LONG: draw_from(random, table, j, longs, 2 * (two - 1)); break;
    case MADE_CLASS_SPELLINGS: draw_from(random, table, j, spellings, COUNT(spellings)); break;
    case MADE_CLASS_POWERS: draw_from(random, table, j, powers, COUNT(powers)); break;
    case MADE_CLASS_CASES: draw_from(random, table, j, cases, two + 1); break;
    default: draw_words(random, limits, table, j); break;
    }
}

static void draw_column(made_random *random, const made_limits *limits, made_table *table, size_t j)
{
    static const char *const codes[] = {"007", "7", "012", "0012", "1.0"};
    made_column *column = &table->column[j];
    column->numeric = is_numeric(column->kind);
    if (column->numeric) draw_numbers(random, limits, table, j);
    else if (column->kind == MADE_CODES) draw_from(random, table, j, codes, COUNT(codes));
    else if (column->kind == MADE_MIXED) draw_mixed(random, limits, table, j);
    else if (column->kind == MADE_DATES) draw_dates(random, table, j);
    else if (j == table->target) draw_classes(random, limits, table, j);
    else draw_words(random, limits, table, j);
}

/* Makes some cells of a column missing, but not the first two. */
static void draw_gaps(made_random *random, const made_limits *limits, made_table *table, size_t j)
{
    const made_column *column = &table->column[j];
    const char *const *marks = column->numeric ? limits->gaps : limits->absent;
    size_t count = 0, kept = made_below(random, table->rows - 1);
    while (marks[count]) count++;
    const char *usual = marks[made_below(random, count)];
    for (size_t r = 0; r < table->rows; r++) {
        made_cell *cell = &table->cell[r][j];
        if (r == kept || r == kept + 1 || cell->missing || !made_chance(random, 15)) continue;
        set_text(cell, made_chance(random, 80) ? usual : marks[made_below(random, count)]);
        cell->missing = true;
    }
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static made_kind draw_kind(made_random *random, const made_limits *limits, made_kind from,
                           made_kind end)
{
    for (;;) {
        made_kind kind = from + (made_kind)made_below(random, (size_t)(end - from));
        if (limits->kinds[kind]) return kind;
    }
}

static void draw_names(made_random *random, const made_limits *limits, made_table *table)
{
    const char *list[MADE_COLUMNS];
    size_t found = draw_texts(random, limits, names, COUNT(names), table->columns, list);
    for (size_t j = 0; j < table->columns; j++) {
        if (j < found) snprintf(table->column[j].name, MADE_TEXT, "%s", list[j]);
        else snprintf(table->column[j].name, MADE_TEXT, "column%zu", j);
    }
    do
        snprintf(table->column[table->target].name, MADE_TEXT, "%s",
                 targets[made_below(random, COUNT(targets))]);
    while (!allowed(limits, table->column[table->target].name));
}

void made_draw_table(made_random *random, const made_limits *limits, made_table *table)
{
    memset(table, 0, sizeof *table);
    table->rows = made_chance(random, 70) ? 12 + made_below(random, 8)
                                          : 12 + made_below(random, MADE_ROWS - 12);
    table->columns = 2 + made_below(random, MADE_COLUMNS - 1);
    table->target = limits->class_anywhere && made_chance(random, 40)
                        ? made_below(random, table->columns)
                        : table->columns - 1;
    draw_names(random, limits, table);
    for (size_t j = 0; j < table->columns; j++) {
        made_column *column = &table->column[j];
        bool target = j == table->target;
        column->kind = target ? draw_kind(random, limits, MADE_CLASS_WORDS, MADE_KINDS)
                              : draw_kind(random, limits, 0, MADE_CLASS_WORDS);
        draw_column(random, limits, table, j);
        if (!target && made_chance(random, 35)) draw_gaps(random, limits, table, j);
    }
}
