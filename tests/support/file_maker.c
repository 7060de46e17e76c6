/* SPDX-License-Identifier: MIT */
#include "tests/support/file_maker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Drawing --------------------------------------------------------------------------------- */

static const char *const few_gaps[] = {"", "?", "NA", "N/A", "NaN", "null", NULL};
static const char *const more_gaps[] = {"",     "?",    "NA",   "N/A", "NaN", "null", "None",
                                        "<NA>", "#N/A", "n.a.", "-",   ".",   NULL};

static void draw_format(made_random *random, const bool *kinds, made_file *file)
{
    static const char separators[] = {',', ',', ',', ';', '\t', ' '};
    static const made_way ways[] = {0, 0, 0, MADE_SEMICOLON, MADE_TAB, MADE_SPACE};
    size_t k;
    do k = made_below(random, sizeof separators);
    while (k >= 3 && !kinds[ways[k]]);
    file->separator = separators[k];
    file->decimal = '.';
    if (k == 3 || k == 4) {
        bool comma = made_chance(random, 40), said = made_chance(random, 30);
        if (comma && kinds[said ? MADE_SAID_DECIMAL : MADE_DECIMAL_COMMA]) {
            file->decimal = ',';
            file->says_decimal = said;
        }
    }
    if (kinds[MADE_THOUSANDS] && k != 5 && made_chance(random, 15)) {
        static const char signs[] = {' ', '\'', ','};
        file->thousands = file->decimal == ',' ? '.' : signs[made_below(random, 3)];
        file->says_thousands = made_chance(random, 80);
    }
    file->quotes = (made_quotes)made_below(random, 4);
    if (file->thousands == ',' && file->separator == ',' && file->quotes == MADE_QUOTE_NEVER)
        file->quotes = MADE_QUOTE_NEEDED;
    static const char *const ends[] = {"\n", "\n", "\r\n", "\r"};
    snprintf(file->end, sizeof file->end, "%s", ends[made_below(random, 4)]);
    file->last_end = made_chance(random, 80);
    file->mark = made_chance(random, 15);
    file->blank_lines = made_chance(random, 15);
    file->blanks = made_chance(random, 20);
    file->hard_blanks = kinds[MADE_HARD_BLANKS] && made_chance(random, 5);
    file->comments = kinds[MADE_COMMENTS] && made_chance(random, 10);
    file->gzip = kinds[MADE_GZIP] && made_chance(random, 5);
}

static bool has_kind(const made_table *table, made_kind kind)
{
    for (size_t j = 0; j < table->columns; j++)
        if (table->column[j].kind == kind) return true;
    return false;
}

/* Appends a column to a list of an option, by name or by index. */
static void list_column(const made_file *file, made_random *random, size_t j, char list[256])
{
    size_t at = strlen(list);
    const char *name = file->table.column[j].name, *comma = at ? "," : "";
    if (file->header && !strchr(name, ',') && made_chance(random, 50))
        snprintf(list + at, 256 - at, "%s%s", comma, name);
    else snprintf(list + at, 256 - at, "%s%zu", comma, j);
}

static void draw_options(made_random *random, const bool *kinds, made_file *file)
{
    static const char *const missing[] = {NULL, "mean", "median", "most-frequent"};
    made_table *table = &file->table;
    file->missing = missing[made_below(random, 4)];
    if (table->target + 1 < table->columns || made_chance(random, 30)) {
        file->says_target = true;
        list_column(file, random, table->target, file->lists[0]);
    }
    for (size_t j = 0, used = table->columns - 1; j < table->columns; j++) {
        made_column *column = &table->column[j];
        if (column->kind == MADE_CODES) list_column(file, random, j, file->lists[2]);
        if (j == table->target || used < 2 || !kinds[MADE_DROPPED]) continue;
        column->dropped = made_chance(random, column->kind == MADE_DATES ? 60 : 5);
        if (!column->dropped) continue;
        list_column(file, random, j, file->lists[1]);
        used--;
    }
    file->says_mark = kinds[MADE_SAID_MARK] && has_kind(table, MADE_MARKED) &&
                      made_chance(random, 50);
    file->says_task = kinds[MADE_SAID_TASK] && made_chance(random, 40);
    file->says_separator = kinds[MADE_SAID_SEPARATOR] && made_chance(random, 15);
}

static bool starts_with_hash(const made_file *file, const made_part *part)
{
    for (size_t i = 0; i < part->count; i++)
        if (file->table.cell[part->row[i]][part->column[0]].text[0] == '#') return true;
    return false;
}

/* Whether a name or a cell has one of the characters. */
static bool has_character(const made_file *file, const char *characters)
{
    const made_table *table = &file->table;
    for (size_t j = 0; j < table->columns; j++) {
        if (strpbrk(table->column[j].name, characters)) return true;
        for (size_t r = 0; r < table->rows; r++)
            if (strpbrk(table->cell[r][j].text, characters)) return true;
    }
    return false;
}

/* Whether the file needs a way of reading that may not occur yet. */
static bool is_excluded(const bool *kinds, const made_file *file)
{
    made_part whole = made_whole(file);
    if (!kinds[MADE_HASH_DATA] && starts_with_hash(file, &whole)) return true;
    if (!kinds[MADE_MIDDLE_QUOTES] && file->quotes == MADE_QUOTE_NEVER && has_character(file, "\""))
        return true;
    if (!kinds[MADE_HASH_HEADER_SAID] && file->header == '#' && file->says_header) return true;
    if (!kinds[MADE_OTHER_SEPARATOR] && has_character(file, ",;\t")) return true;
    if (file->says_header) return false;
    bool guess = made_header_is_a_guess(file, &whole);
    return (!kinds[MADE_TEXT_HEADER] && guess) || (!kinds[MADE_NO_HEADER] && !file->header);
}

void made_draw(uint64_t seed, const bool *kinds, made_file *file)
{
    made_random random = {seed * 0x2545f4914f6cdd1du};
    do {
        memset(file, 0, sizeof *file);
        file->seed = seed;
        draw_format(&random, kinds, file);
        file->header = made_chance(&random, 60) ? '1' : 0;
        if (file->header && kinds[MADE_HASH_HEADER] && made_chance(&random, 15)) file->header = '#';
        file->says_header = kinds[MADE_SAID_HEADER] && made_chance(&random, 35);
        const char *const *gaps = kinds[MADE_MORE_MARKS] ? more_gaps : few_gaps;
        bool present[MADE_KINDS], blanks = file->separator == ' ';
        memcpy(present, kinds, sizeof present);
        present[MADE_THOUSANDS] &= file->thousands != 0;
        made_draw_table(&random,
                        &(made_limits){.separator = file->separator,
                                       .decimal = file->decimal,
                                       .thousands = file->thousands,
                                       .quotes = file->quotes != MADE_QUOTE_NEVER,
                                       .class_anywhere = kinds[MADE_CLASS_ANYWHERE],
                                       .kinds = present,
                                       .gaps = gaps + blanks,
                                       .absent = few_gaps + blanks},
                        &file->table);
        draw_options(&random, kinds, file);
    } while (is_excluded(kinds, file));
}

/* ---- Parts ----------------------------------------------------------------------------------- */

made_part made_whole(const made_file *file)
{
    made_part part = {.count = file->table.rows, .width = file->table.columns};
    for (size_t r = 0; r < part.count; r++) part.row[r] = r;
    for (size_t j = 0; j < part.width; j++) part.column[j] = j;
    return part;
}

made_part made_shuffled(const made_file *file, made_random *random)
{
    made_part part = made_whole(file);
    for (size_t r = part.count - 1; r > 0; r--) {
        size_t other = made_below(random, r + 1), row = part.row[r];
        part.row[r] = part.row[other];
        part.row[other] = row;
    }
    return part;
}

made_part made_row(const made_file *file, size_t row)
{
    made_part part = made_whole(file);
    part.count = 1;
    part.row[0] = row;
    return part;
}

/* ---- Writing --------------------------------------------------------------------------------- */

enum { OTHERS = 4 };
static const char others[OTHERS] = {',', ';', '\t', ' '};

typedef struct {
    const made_file *file;
    char *out;
    size_t size;
    bool quoted;         /* within quotes */
    size_t seen[OTHERS]; /* other separators outside of quotes in this record */
    size_t first[OTHERS];
    bool equal[OTHERS];
    size_t records;
} writer;

static void put(writer *w, const char *text)
{
    for (; *text; text++) {
        assert(w->size < MADE_BYTES);
        w->out[w->size++] = *text;
        for (size_t k = 0; k < OTHERS && !w->quoted; k++) w->seen[k] += *text == others[k];
    }
}

static void put_quoted(writer *w, const char *text)
{
    put(w, "\"");
    w->quoted = true;
    for (; *text; text++) put(w, (const char[]){*text, *text == '"' ? '"' : 0, 0});
    w->quoted = false;
    put(w, "\"");
}

/* Blanks around a field: a function of its place in the table, so that a row is always written
 * alike. */
static void put_blanks(writer *w, size_t row, size_t column, bool behind)
{
    made_random random = {row * 64 + column * 2 + behind};
    made_next(&random);
    if (w->file->hard_blanks && made_chance(&random, 30)) put(w, "\xc2\xa0");
    if (w->file->blanks && made_chance(&random, 30)) put(w, made_chance(&random, 50) ? " " : "  ");
}

static void put_field(writer *w, size_t row, size_t column, const char *text, bool missing,
                      bool numeric)
{
    const made_file *file = w->file;
    bool plain = missing || file->quotes == MADE_QUOTE_NEVER ||
                 (file->quotes == MADE_QUOTE_TEXTS && numeric);
    bool needs = made_needs_quotes(text, file->separator);
    bool asked = file->quotes == MADE_QUOTE_ALL || file->quotes == MADE_QUOTE_TEXTS ||
                 strchr(text, '"');
    put_blanks(w, row, column, false);
    if ((needs && *text) || (!plain && asked)) put_quoted(w, text);
    else put(w, text);
    put_blanks(w, row, column, true);
}

static void end_record(writer *w, bool last)
{
    for (size_t k = 0; k < OTHERS; k++) {
        if (w->records == 0) w->first[k] = w->seen[k], w->equal[k] = w->seen[k] > 0;
        w->equal[k] &= w->seen[k] == w->first[k];
        w->seen[k] = 0;
    }
    w->records++;
    if (!last || w->file->last_end) put(w, w->file->end);
    memset(w->seen, 0, sizeof w->seen);
}

static void put_separator(writer *w, size_t row, size_t column)
{
    static const char *const runs[] = {" ", "  ", "\t ", "    "};
    const char separator[] = {w->file->separator, 0};
    made_random random = {row * 64 + column};
    put(w, *separator == ' ' ? runs[made_below(&random, 4)] : separator);
}

static void put_header(writer *w, const made_part *part)
{
    if (w->file->header == '#') put(w, "#");
    for (size_t k = 0; k < part->width; k++) {
        size_t j = part->column[k];
        if (k) put_separator(w, MADE_ROWS, j);
        put_field(w, MADE_ROWS, j, w->file->table.column[j].name, false, false);
    }
    end_record(w, false);
}

static void put_row(writer *w, const made_part *part, size_t row)
{
    for (size_t k = 0; k < part->width; k++) {
        size_t j = part->column[k];
        const made_cell *cell = &w->file->table.cell[row][j];
        if (k) put_separator(w, row, j);
        put_field(w, row, j, cell->text, cell->missing, w->file->table.column[j].numeric);
    }
}

/* A row that shares nothing with the others: other texts, and no numbers. */
static void put_stranger(writer *w, const made_part *part)
{
    for (size_t k = 0; k < part->width; k++) {
        bool numeric = w->file->table.column[part->column[k]].numeric;
        if (k) put_separator(w, 0, 0);
        put_field(w, MADE_ROWS, part->column[k], numeric ? "NA" : "strange", numeric, numeric);
    }
    end_record(w, true);
}

static uint32_t crc32_of(const char *bytes, size_t size)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static size_t put_word(char *out, uint32_t word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) out[i] = (char)(word >> 8 * i);
    return bytes;
}

/* gzip, with one block that is stored (RFC 1951, 3.2.4). */
static size_t pack(char *out, size_t size)
{
    static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff\1";
    size_t at = sizeof head - 1;
    assert(size < 65536 && size + 64 < MADE_BYTES);
    uint32_t crc = crc32_of(out, size);
    memmove(out + at + 4, out, size);
    memcpy(out, head, at);
    at += put_word(out + at, (uint32_t)size, 2);
    at += put_word(out + at, ~(uint32_t)size, 2) + size;
    at += put_word(out + at, crc, 4);
    return at + put_word(out + at, (uint32_t)size, 4);
}

size_t made_write(const made_file *file, const made_part *part, char *out, bool *ambiguous)
{
    writer w = {.file = file, .out = out};
    if (file->mark) put(&w, "\xef\xbb\xbf");
    if (file->comments) {
        put(&w, file->separator == ' ' ? "#made" : "# made by hand");
        put(&w, file->end);
    }
    memset(w.seen, 0, sizeof w.seen);
    if (file->header) put_header(&w, part);
    for (size_t i = 0; i < part->count; i++) {
        /* Names after # are right above the data. */
        bool above = i == 0 && file->header == '#';
        if (file->blank_lines && part->row[i] % 5 == 0 && !above) put(&w, file->end);
        memset(w.seen, 0, sizeof w.seen);
        put_row(&w, part, part->row[i]);
        end_record(&w, i + 1 == part->count && !part->stranger);
    }
    if (part->stranger) put_stranger(&w, part);
    for (size_t k = 0; ambiguous && k < OTHERS; k++) {
        if (k == 0) *ambiguous = false;
        bool own = others[k] == file->separator || (others[k] == '\t' && file->separator == ' ');
        *ambiguous |= !own && w.equal[k] && !file->says_separator;
    }
    return file->gzip ? pack(out, w.size) : w.size;
}

/* ---- What a reader is told, and what it must guess ------------------------------------------- */

ls_read_options made_options(const made_file *file)
{
    static const char *const thousands[128] = {
        ['.'] = "point", [','] = "comma", [' '] = "space", ['\''] = "apostrophe"};
    static const char *const separators[128] = {
        [','] = ",", [';'] = ";", ['\t'] = "tab", [' '] = "space"};
    const made_table *table = &file->table;
    bool numbers = table->column[table->target].kind == MADE_TARGET;
    ls_read_options options = {.struct_size = sizeof options, .missing = file->missing};
    if (file->says_target) options.target = file->lists[0];
    if (*file->lists[1]) options.drop = file->lists[1];
    if (*file->lists[2]) options.categorical = file->lists[2];
    if (file->says_header) options.header = file->header ? "yes" : "no";
    if (file->says_separator) options.separator = separators[(int)file->separator];
    if (file->says_decimal) options.decimal = file->decimal == ',' ? "comma" : "point";
    if (file->thousands && file->says_thousands)
        options.thousands = thousands[(int)file->thousands];
    if (file->says_mark) options.missing_mark = "unknown";
    if (file->says_task) options.task = numbers ? "regression" : "classification";
    return options;
}

static bool reads_as_number(const made_column *column)
{
    return column->numeric || column->kind == MADE_CODES ||
           (column->kind >= MADE_CLASS_WHOLES && column->kind <= MADE_CLASS_POWERS);
}

bool made_header_is_a_guess(const made_file *file, const made_part *part)
{
    if (file->says_header || file->header == '#') return false;
    bool number = false, mark = false, hash = false;
    const made_table *table = &file->table;
    for (size_t k = 0; k < part->width; k++) {
        const made_column *column = &table->column[part->column[k]];
        const made_cell *cell = &table->cell[part->row[0]][part->column[k]];
        if (k == 0 && !file->header) hash = cell->text[0] == '#';
        if (!reads_as_number(column)) continue;
        number |= !cell->missing;
        mark |= cell->missing && column->kind == MADE_MARKED && !strcmp(cell->text, "unknown");
    }
    return !number || hash || (mark && !file->header && !file->says_mark);
}

/* 1,234 and 12,345,678, but not 1,5. */
static bool looks_like_thousands(const char *text, char sign)
{
    size_t digits = strspn(text + (*text == '-' || *text == '+'), "0123456789");
    const char *at = text + (*text == '-' || *text == '+') + digits;
    if (digits == 0 || digits > 3 || *at != sign) return false;
    while (*at == sign && strspn(at + 1, "0123456789") == 3) at += 4;
    return *at == 0;
}

/* Texts that mark missing values in a column of numbers, in a column of texts and numbers. */
static bool has_marks_among_texts(const made_file *file, size_t j)
{
    for (size_t r = 0; r < file->table.rows; r++) {
        const char *text = file->table.cell[r][j].text;
        if (strcmp(text, "-") == 0 || strcmp(text, "None") == 0) return true;
    }
    return false;
}

bool made_numbers_are_a_guess(const made_file *file)
{
    const made_table *table = &file->table;
    for (size_t j = 0; j < table->columns; j++) {
        bool all = true;
        if (table->column[j].kind == MADE_MIXED && has_marks_among_texts(file, j)) return true;
        if (!table->column[j].numeric || table->column[j].dropped) continue;
        if (table->column[j].kind == MADE_THOUSANDS && !file->says_thousands) return true;
        if (file->decimal == '.' || file->says_decimal || file->says_thousands) continue;
        for (size_t r = 0; r < table->rows; r++)
            all &= table->cell[r][j].missing || looks_like_thousands(table->cell[r][j].text, ',');
        if (all) return true;
    }
    return false;
}

bool made_must_be_refused(const made_file *file)
{
    for (size_t j = 0; j < file->table.columns; j++)
        if (file->table.column[j].kind == MADE_DATES && !file->table.column[j].dropped) return true;
    return false;
}
